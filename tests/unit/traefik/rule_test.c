/* What Traefik 3.7 takes and refuses; each row was put to a real one. Column and words are ours. */
#include "config.h"

#include "tests/unit/traefik/tests.h"

#include "reconcile/providers/traefik/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *rule;
    size_t column;       /* of the first finding; 0: there is none */
    const char *message; /* a part of it */
    const char *hint;    /* a part of it, or NULL */
};

/* clang-format off */
static const struct row http_good[] = {
    {.rule = "Host(`a.example`)"},
    {.rule = "host(`a`)"},
    {.rule = "HOST(`a`)"},
    {.rule = "Hostregexp(`a`)"},
    {.rule = "Clientip(`10.0.0.1`)"},
    {.rule = "Host(`a`,)"},
    {.rule = "Host(\"a\")"},
    {.rule = "Host(\"a\\x41b\\u0041\\101\")"},
    {.rule = "!Host(`a`)"},
    {.rule = "!!Host(`a`)"},
    {.rule = "! (Host(`a`) || Host(`b`))"},
    {.rule = "((Host(`a`)) && (Path(`/`)))"},
    {.rule = "Host(`a`)&&PathPrefix(`/b`)||!Method(`GET`)"},
    {.rule = "Host (`a`)"},
    {.rule = "PathRegexp(`^/[a-z]{2,3}/\\d+$`)"},
    {.rule = "HostRegexp(`^.+\\.example\\.com$`)"},
    {.rule = "Header(`X`, `y`)"},
    {.rule = "HeaderRegexp(`X`, `^a|b$`)"},
    {.rule = "Query(`a`)"},
    {.rule = "Query(`a`, `b`)"},
    {.rule = "QueryRegexp(`[`)"},
    {.rule = "ClientIP(`10.0.0.0/8`)"},
    {.rule = "ClientIP(`fd00::/8`)"},
    {.rule = "Host(`*`)"},
    {.rule = "Host(`*.a.b`)"},
    {.rule = "Host(`netbird.madhan.app`) && (PathPrefix(`/signalexchange.SignalExchange/`) || PathPrefix(`/management.ManagementService/`))"},
};

static const struct row http_bad[] = {
    {"Hots(`a`)", 1, "HTTP rules have no matcher 'Hots'", "did you mean 'Host'"},
    {"Host(`a`) && Hots(`b`)", 14, "no matcher 'Hots'", "Host"},
    {"hostRegexp(`a`)", 1, "no matcher 'hostRegexp'", "write 'HostRegexp': case matters"},
    {"ClientIp(`10.0.0.1`)", 1, "no matcher 'ClientIp'", "ClientIP"},
    {"Headers(`a`, `b`)", 1, "no matcher 'Headers'", "did you mean 'Header'"},
    {"HostSNI(`a`)", 1, "no matcher 'HostSNI'", "did you mean 'Host'"},
    {"Frobnicate(`a`)", 1, "no matcher", "there are Host"},
    {"Host(`a`, `b`)", 1, "Host takes 1 argument, here are 2", "Host(`a`) || Host(`b`)"},
    {"Host()", 1, "Host takes 1 argument, here are 0", NULL},
    {"Host(``)", 7, "an argument of Host is empty", NULL},
    {"Header(`X`)", 1, "Header takes 2 arguments, here are 1", NULL},
    {"Query(`a`, `b`, `c`)", 1, "Query takes 1 or 2 arguments, here are 3", NULL},
    {"Host(a)", 6, "an argument stands in backticks", NULL},
    {"Host('a')", 6, "not in single ones", NULL},
    {"Host(1)", 6, "an argument stands in backticks", NULL},
    {"Host(\"a\\q\")", 8, "no such escape", "backticks"},
    {"Host(`é`)", 7, "Host takes ASCII only", "xn--"},
    {"Host(\"\\u00e9\")", 7, "Host takes ASCII only", "xn--"},
    {"HostRegexp(`aé`)", 14, "HostRegexp takes ASCII only", "xn--"},
    {"Path(`/é`) && Hots(`a`)", 15, "no matcher 'Hots'", NULL},
    {"Host(`a`", 5, "'(' is not closed", NULL},
    {"(Host(`a`)", 1, "'(' is not closed", NULL},
    {"Host(`a`))", 10, "')' was not opened", NULL},
    {"Host(`a", 6, "backticks is not closed", NULL},
    {"Host(\"a", 6, "quotes is not closed", NULL},
    {"Host(`a`) Host(`b`)", 11, "'&&' or '||' is expected here", NULL},
    {"Host(`a`) && ", 14, "the rule ends where a matcher is expected", NULL},
    {"&& Host(`a`)", 1, "a matcher is expected here", NULL},
    {"Host(`a`) & Host(`b`)", 11, "'&' alone", "&&"},
    {"Host(`a`) | Host(`b`)", 11, "'|' alone", "||"},
    {"Host(`a`) and Host(`b`)", 11, "'&&' or '||' is expected here", NULL},
    {"", 1, "the rule is empty", NULL},
    {"()", 2, "a matcher is expected here", NULL},
    {"true", 5, "'(' is expected behind 'true'", NULL},
    {"`a`", 1, "a matcher is expected here", NULL},
    {"Host(`a`) == Host(`b`)", 11, "'&&' or '||' is expected here", NULL},
    {"x.Host(`a`)", 1, "no matcher 'x.Host'", NULL},
    {"Host(`a`+`b`)", 9, "',' or ')' is expected here", NULL},
    {"Host((`a`))", 6, "an argument stands in backticks", NULL},
    {"Host(Host(`a`))", 6, "an argument stands in backticks", NULL},
    {"Path(`a`)", 7, "a path begins with '/'", NULL},
    {"PathPrefix(``)", 13, "is empty", NULL},
    {"PathRegexp(`^/a(b`)", 16, "does not compile: the parenthesis '(' is not closed", NULL},
    {"PathRegexp(`(?!x)`)", 13, "look-ahead", NULL},
    {"HeaderRegexp(`X`, `(`)", 20, "does not compile", NULL},
    {"ClientIP(`10.0.0.0/33`)", 11, "ClientIP takes an address or a network", NULL},
    {"ClientIP(`010.0.0.1`)", 11, "ClientIP takes", NULL},
    {"ClientIP(`::1%lo`)", 11, "ClientIP takes", NULL},
};

/* Taken by Traefik, and not what was meant. */
static const struct row http_warned[] = {
    {"Path(`/a/{id}`)", 10, "not as a placeholder", "PathRegexp"},
    {"PathPrefix(`/api/*`)", 18, "PathPrefix takes '*' as it stands", NULL},
    {"Path(`/a?b=c`)", 9, "never matches", NULL},
    {"HostRegexp(`{sub:[a-z]+}.example.com`)", 13, "the form of Traefik 2", "regular expression"},
    {"Host(`a.*.b`)", 9, "one whole label at the beginning", "HostRegexp"},
    {"Host(`a.example:8080`)", 16, "the port is not looked at", NULL},
    {"Host(`http://a`)", 7, "no scheme", NULL},
    {"Host(`a, b`)", 8, "never matches", NULL},
    {"Method(`GET|POST`)", 9, "Method takes one method", NULL},
};

static const struct row tcp_good[] = {
    {.rule = "HostSNI(`*`)"},          {.rule = "HostSNI(`a.example`)"},  {.rule = "HostSNI(`*.a.example`)"}, {.rule = "HostSNI(`a_b.c`)"},
    {.rule = "HostSNI(`10.0.0.1`)"},   {.rule = "HostSNI(`a:443`)"},      {.rule = "Hostsni(`a`)"},           {.rule = "Alpn(`h2`)"},
    {.rule = "HostSNIRegexp(`^.+\\.a$`)"}, {.rule = "HostSNI(`a`) && !ClientIP(`1.1.1.1`)"},
};

static const struct row tcp_bad[] = {
    {"HostSNI(`a*`)", 11, "HostSNI takes a host name", NULL},
    {"HostSNI(`é`)", 10, "HostSNI takes a host name", "xn--"},
    {"HostSNI(``)", 10, "is empty", NULL},
    {"HostSNI(`a`, `b`)", 1, "takes 1 argument", NULL},
    {"HostSNI(`{x:a}.b`)", 10, "HostSNI takes a host name", "HostSNIRegexp"},
    {"HostSNI(`a b`)", 11, "HostSNI takes a host name", NULL},
    {"HostSNI(`*.`)", 12, "HostSNI takes a host name", NULL},
    {"HostSNI(`**`)", 10, "HostSNI takes a host name", NULL},
    {"HostSNIRegexp(`(`)", 16, "does not compile", NULL},
    {"HostSni(`a`)", 1, "TCP rules have no matcher 'HostSni'", "write 'HostSNI'"},
    {"ALPN(`acme-tls/1`)", 7, "acme-tls/1", NULL},
    {"Host(`a`)", 1, "no matcher 'Host'", "did you mean 'HostSNI'"},
    {"Path(`/`)", 1, "no matcher 'Path'", NULL},
    {"", 1, "the rule is empty", NULL},
};
/* clang-format on */

static void check_rows(const struct row *rows, size_t count, bool tcp, bool good, bool warned)
{
    for (size_t i = 0; i < count; i++) {
        struct hl_arena *arena = hl_arena_new();
        struct hl_rule rule;

        hl_rule_check(arena, rows[i].rule, strlen(rows[i].rule), tcp, &rule);
        const struct hl_rule_finding *first = rule.count == 0 ? NULL : &rule.findings[0];
        const char *message = first == NULL ? "" : first->message;
        const char *hint = first == NULL || first->hint == NULL ? "" : first->hint;
        const size_t column = first == NULL ? 0 : first->column;

        if ((rule.errors == 0) != (good || warned) || column != rows[i].column || (rows[i].message != NULL && strstr(message, rows[i].message) == NULL) ||
            (rows[i].hint != NULL && strstr(hint, rows[i].hint) == NULL))
            fail_msg("%s: %zu errors, column %zu: %s | %s", rows[i].rule, rule.errors, column, message, hint);
        hl_arena_free(arena);
    }
}

static void test_good(void **state)
{
    (void)state;
    check_rows(http_good, HL_COUNT(http_good), false, true, false);
    check_rows(tcp_good, HL_COUNT(tcp_good), true, true, false);
}

static void test_bad(void **state)
{
    (void)state;
    check_rows(http_bad, HL_COUNT(http_bad), false, false, false);
    check_rows(tcp_bad, HL_COUNT(tcp_bad), true, false, false);
}

static void test_warned(void **state)
{
    (void)state;
    check_rows(http_warned, HL_COUNT(http_warned), false, false, true);
}

static void test_all_mistakes_of_calls_are_found(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    const char *text = "Hots(`a`) || Path(`b`) || (Method() && ClientIP(`x`))";
    struct hl_rule rule;

    (void)state;
    hl_rule_check(arena, text, strlen(text), false, &rule);
    assert_int_equal(rule.errors, 4);
    assert_int_equal(rule.findings[3].column, 50);
    hl_arena_free(arena);
}

static void test_facts(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    const char *text = "Host(`*.a`) || Host(`b`) || HostRegexp(`c`)";
    struct hl_rule rule;

    (void)state;
    hl_rule_check(arena, text, strlen(text), false, &rule);
    assert_int_equal(rule.hosts, 2);
    assert_int_equal(rule.wildcards, 1);
    assert_int_equal(rule.host_regexps, 1);
    hl_rule_check(arena, "HostSNI(`*`)", 12, true, &rule);
    assert_int_equal(rule.hosts, 0);
    assert_true(rule.catch_all);
    hl_arena_free(arena);
}

static void test_join(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    static const struct {
        const char *text, *joined;
    } rows[] = {
        {"Host(`a`)", "Host(`a`)"},
        {"Host(`a`)\n", "Host(`a`)"},
        {"Host(`a`)\n  && Path(`/`)\n", "Host(`a`) && Path(`/`)"},
        {"Host(`a`) \r\n\r\n\t&& Path(`/`)", "Host(`a`) && Path(`/`)"},
        {"\n Host(`a`)", "Host(`a`)"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++)
        assert_string_equal(hl_rule_join(arena, rows[i].text, strlen(rows[i].text)), rows[i].joined);
    hl_arena_free(arena);
}

static void test_deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 100000 };
    struct hl_arena *arena = hl_arena_new();
    char *text = hl_arena_alloc(arena, DEPTH + 1);
    struct hl_rule rule;

    (void)state;
    memset(text, '(', DEPTH);
    hl_rule_check(arena, text, DEPTH, false, &rule);
    assert_int_equal(rule.errors, 1);
    hl_arena_free(arena);
}

int hl_test_rule(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_warned),
        cmocka_unit_test(test_all_mistakes_of_calls_are_found),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_deep_nesting_is_refused),
    };

    return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
