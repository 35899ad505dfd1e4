/* What Go's regexp package compiles; each row was put to it. */
#include "config.h"

#include "tests/unit/traefik/tests.h"

#include "reconcile/providers/traefik/regexp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const char *const good[] = {
    "",          "a*?",       "a{,3}",      "\\d+\\z",     "(?<n>a)",     "(?P<n>a)(?P<n>b)", "(?i)abc",    "[[:alpha:]]",   "\\pL",
    "\\p{Greek}", "a(?i)*",   "^*",         "()*",         "(|a)*",       "\\Qa.b",           "\\07",       "[]a]",          "[^]a]",
    "[\\d-z]",   "a{2",       "{",          "a{02}",       "(?i-s:a)",    "\\_",              "a{1,2}?",    "[a[:digit:]-z]", "[a-z&&[b]]",
    "a{1000}",   "\\x{10FFFF}", "\\x41",    "\\012",       "[^\\n]",      "(a|b)+c?",         "[[.a.]]",    "\\.proxy\\.",   "\xc3\xa9+",
    "a||b",      "(?:)",      "[a-]",       "[-a]",        "\\P{^Lu}",    "x{2}y{3}",         "(a{10}){100}",
};

static const struct {
    const char *text;
    size_t at;
    const char *problem;
} bad[] = {
    {"^/a(b", 3, "'(' is not closed"},
    {"a)", 1, "')' was not opened"},
    {"^/a[", 3, "'[' is not closed"},
    {"[]", 0, "'[' is not closed"},
    {"(?=x)", 0, "look-ahead"},
    {"(?!x)", 0, "look-ahead"},
    {"(?<=x)", 0, "look-behind"},
    {"(?<!x)", 0, "look-behind"},
    {"(a)\\1", 3, "back-references"},
    {"\\8", 0, "back-references"},
    {"a**", 2, "behind another"},
    {"a++", 2, "behind another"},
    {"x{2}{3}", 4, "behind another"},
    {"*a", 0, "nothing before"},
    {"a|*", 2, "nothing before"},
    {"(?i)*", 4, "nothing before"},
    {"a{2,1}", 1, "runs backwards"},
    {"a{1001}", 1, "at most 1000"},
    {"(a{100}){100}", 8, "beyond 1000"},
    {"\\Z", 0, "no escape \\Z"},
    {"\\C", 0, "no escape \\C"},
    {"[\\b]", 1, "no escape \\b"},
    {"[z-a]", 1, "runs backwards"},
    {"[a-\\d]", 3, "no escape"},
    {"[[:foo:]]", 1, "no such class"},
    {"\\pX", 0, "no such class"},
    {"a\\", 1, "backslash at the end"},
    {"\\x4", 0, "\\x takes"},
    {"\\x{110000}", 0, "no such character"},
    {"(?x)abc", 0, "no such group"},
    {"(?P<>a)", 0, "name of the group"},
    {"(?-)a", 0, "no such group"},
    {"(?", 0, "no such group"},
    {"(?'n'a)", 0, "no such group"},
    {"(?P=n)", 0, "no such group"},
    {"(?#c)", 0, "no such group"},
    {"\\\xc3\xa9", 0, "no such escape"},
    {"\xff", 0, "not UTF-8"},
};
/* clang-format on */

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < HL_COUNT(good); i++) {
        struct hl_arena *arena = hl_arena_new();
        size_t at = 0;
        const char *problem = hl_regexp_problem(arena, good[i], strlen(good[i]), &at);

        if (problem != NULL)
            fail_msg("%s: at %zu: %s", good[i], at, problem);
        hl_arena_free(arena);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < HL_COUNT(bad); i++) {
        struct hl_arena *arena = hl_arena_new();
        size_t at = 0;
        const char *problem = hl_regexp_problem(arena, bad[i].text, strlen(bad[i].text), &at);

        if (problem == NULL || at != bad[i].at || strstr(problem, bad[i].problem) == NULL)
            fail_msg("%s: at %zu: %s", bad[i].text, at, problem == NULL ? "taken" : problem);
        hl_arena_free(arena);
    }
}

int hl_test_regexp(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};

    return cmocka_run_group_tests_name("regexp", tests, NULL, NULL);
}
