#include "config.h"

#include "reconcile/render/layout.h"
#include "tests/unit/render/tests.h"

#include <string.h>

static void widths_are_those_of_a_terminal(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *text;
        size_t width;
    } rows[] = {
        {"nothing", "", 0},
        {"ascii", "container.web", 13},
        {"umlauts",
         "gr\xc3\xbc\xc3\x9f"
         "e",
         5},
        {"wide characters", "\xe6\x97\xa5\xe6\x9c\xac", 4},
        {"a combining accent", "e\xcc\x81", 1},
        {"our own colour", "\033[31mDELETE\033[0m", 6},
        {"broken UTF-8",
         "a\xff"
         "b",
         3},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        size_t width = hl_width(rows[i].text, strlen(rows[i].text));

        if (width != rows[i].width)
            fail_msg("%s: %zu, not %zu", rows[i].label, width, rows[i].width);
    }
}

static void words_wrap_at_the_width_and_hang(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        size_t width;
        const char *expected;
    } rows[] = {
        {"no width: one line", 0, "about 3 s down; router.x points here"},
        {"wide enough", 80, "about 3 s down; router.x points here"},
        {"narrow", 24, "about 3 s down;\n    router.x points here"},
        {"a word too long stays whole", 10, "about\n    3 s\n    down;\n    router.x\n    points\n    here"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

        hl_put_wrapped(&out, "about 3 s down; router.x points here", 4, 4, rows[i].width);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void tables_align_and_escape(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);
    struct hl_table table;

    hl_table_init(&table, arena, 3);
    hl_table_add(&table, (const char *const[]){"A", "NAME", "C"});
    hl_table_add(&table, (const char *const[]){"\xc3\xbc", "x\033[2J", "1"});
    hl_table_add(&table, (const char *const[]){"long", NULL, NULL});
    hl_table_render(&out, &table, true, false, 1);
    assert_string_equal(hl_text_get(&out), " A     NAME      C\n"
                                           " \xc3\xbc     x\\x1b[2J  1\n"
                                           " long\n");
}

static const struct CMUnitTest layout_tests[] = {
    cmocka_unit_test(widths_are_those_of_a_terminal),
    cmocka_unit_test(words_wrap_at_the_width_and_hang),
    cmocka_unit_test(tables_align_and_escape),
};

const struct hl_tests hl_tests_layout = {layout_tests, HL_COUNT(layout_tests)};
