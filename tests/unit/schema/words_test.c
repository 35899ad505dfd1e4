#include "config.h"

#include "schema/words.h"
#include "tests/unit/schema/tests.h"

#include "schema/base/text.h"
#include "tests/unit/schema/world.h"

static const struct {
    const char *line;
    const char *words; /* each within <>; "!..." is the problem */
} rows[] = {
    {"", ""},
    {"   ", ""},
    {"a", "<a>"},
    {" a  b\tc\n", "<a><b><c>"},
    {"'a b' c", "<a b><c>"},
    {"\"a b\" c", "<a b><c>"},
    {"a'b'\"c\"d", "<abcd>"},
    {"''", "<>"},
    {"\"\" x", "<><x>"},
    {"a\\ b", "<a b>"},
    {"\"a\\\"b\"", "<a\"b>"},
    {"\"a\\nb\"", "<a\\nb>"},
    {"'a\\b'", "<a\\b>"},
    {"\\'x", "<'x>"},
    {"a\\", "<a\\>"},
    {"a\\\nb", "<ab>"},
    {"x ${env.A:-b c} y", "<x><${env.A:-b c}><y>"},
    {"\"${env.A:-\"}\"", "<${env.A:-\"}>"},
    {"$HOME `id`", "<$HOME><`id`>"},
    {"'open", "!a single quote is not closed"},
    {"a \"open", "!a double quote is not closed"},
};

static void lines_are_cut_as_a_shell_cuts_them(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1024);
        struct hl_words words;
        const char *problem = NULL;

        if (!hl_words_split(arena, rows[i].line, &words, &problem))
            hl_text_printf(&text, "!%s", problem);
        for (size_t j = 0; problem == NULL && j < words.count; j++)
            hl_text_printf(&text, "<%s>", words.items[j]);
        hl_expect_text(rows[i].line, rows[i].words, hl_text_get(&text));
    }
    hl_expect_end();
}

int hl_test_words(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_cut_as_a_shell_cuts_them)};

    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
