#include "config.h"

#include "schema/diag.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

static const struct hl_span at_1_1 = {.line = 1, .column = 1};

static void findings_come_in_the_order_of_the_file(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "spec.yaml");
    hl_diag_error(&diags, (struct hl_span){.line = 3, .column = 1}, "c");
    hl_diag_warning(&diags, (struct hl_span){.line = 1, .column = 9}, "a");
    hl_diag_error(&diags, (struct hl_span){.line = 3, .column = 1}, "d");
    hl_diag_error(&diags, (struct hl_span){.line = 2, .column = 2}, "b");
    hl_diags_sort(&diags);
    assert_string_equal(hl_findings(&diags), "1:9: warning: a\n2:2: error: b\n3:1: error: c\n3:1: error: d\n");
    assert_int_equal(diags.errors, 3);
}

static void the_same_finding_is_kept_once(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "spec.yaml");
    for (int i = 0; i < 3; i++)
        hl_diag_hint(&diags, hl_diag_error(&diags, at_1_1, "again"), "hint %d", i);
    hl_diag_error(&diags, at_1_1, "other");
    hl_diags_sort(&diags);
    hl_diag_error(&diags, at_1_1, "again");
    assert_string_equal(hl_findings(&diags), "1:1: error: again (hint 2)\n1:1: error: other\n");
    assert_int_equal(diags.errors, 2);
}

static void of_many_findings_the_first_errors_are_kept(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "spec.yaml");
    for (uint32_t i = 0; i < 5000; i++)
        hl_diag_warning(&diags, (struct hl_span){.line = 5000 - i, .column = 1}, "warning");
    for (uint32_t i = 0; i < 999; i++)
        hl_diag_error(&diags, (struct hl_span){.line = 9000 - i, .column = 1}, "error");
    hl_diags_sort(&diags);
    assert_int_equal(diags.count, HL_DIAGS_SHOWN);
    assert_int_equal(diags.left_out, 4999);
    assert_int_equal(diags.errors, 999);
    assert_int_equal(diags.items[0].at.line, 1);
    for (uint32_t i = 1; i < HL_DIAGS_SHOWN; i++)
        assert_int_equal(diags.items[i].at.line, 8001 + i);
    hl_diags_sort(&diags);
    assert_int_equal(diags.left_out, 4999);
}

static void a_close_name_is_suggested(void **state HL_UNUSED)
{
    static const char *const names[] = {"image", "environment", "ports", "tls"};
    static const struct {
        const char *word;
        const char *hint;
    } rows[] = {
        {"imaeg", "did you mean 'image'?"},
        {"Image", "did you mean 'image'?"},
        {"enviroment", "did you mean 'environment'?"},
        {"port", "did you mean 'ports'?"},
        {"tsl", "did you mean 'tls'?"},
        {"tl", NULL},
        {"volumes", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_diags diags;
        struct hl_diag *diag;

        hl_diags_init(&diags, arena, NULL);
        diag = hl_diag_error(&diags, at_1_1, "x");
        hl_diag_suggest(&diags, diag, rows[i].word, names, HL_COUNT(names));
        hl_expect_text(rows[i].word, rows[i].hint == NULL ? "" : rows[i].hint, diag->hint == NULL ? "" : diag->hint);
    }
    hl_expect_end();
}

static const struct {
    const char *label;
    const char *source;
    struct hl_span at;
    uint32_t hide_from;
    const char *expected;
} formats[] = {
    {"a word", "a: 1\n  imaeg: nginx\n", {2, 3}, 0, "f:2:3: error: msg\n    2 |   imaeg: nginx\n      |   ^~~~~\n"},
    {"a quoted text", "a: \"b c\" # x\n", {1, 4}, 0, "f:1:4: error: msg\n    1 | a: \"b c\" # x\n      |    ^~~~~\n"},
    {"behind the end", "a: 1\n", {1, 5}, 0, "f:1:5: error: msg\n    1 | a: 1\n      |     ^\n"},
    {"no such line", "a: 1\n", {9, 1}, 0, "f:9:1: error: msg\n"},
    {"no place", "a: 1\n", {0, 0}, 0, "f: error: msg\n"},
    {"columns are characters", "\xc3\xa4\xc3\xb6: \xc3\xbc\n", {1, 5}, 0, "f:1:5: error: msg\n    1 | \xc3\xa4\xc3\xb6: \xc3\xbc\n      |     ^\n"},
    {"wide characters", "\xe4\xb8\xad\xe6\x96\x87: x\n", {1, 5}, 0, "f:1:5: error: msg\n    1 | \xe4\xb8\xad\xe6\x96\x87: x\n      |       ^\n"},
    {"combining marks", "e\xcc\x81: x\n", {1, 5}, 0, "f:1:5: error: msg\n    1 | e\xcc\x81: x\n      |    ^\n"},
    {"a tab", "\ta: x\n", {1, 2}, 0, "f:1:2: error: msg\n    1 |     a: x\n      |     ^\n"},
    {"a control character", "a: \x1b[0m x\n", {1, 9}, 0, "f:1:9: error: msg\n    1 | a: \\x1b[0m x\n      |            ^\n"},
    {"broken UTF-8", "a: \xe9\" x\n", {1, 6}, 0, "f:1:6: error: msg\n    1 | a: \\xe9\" x\n      |         ^\n"},
    {"Windows line ends", "a: b\r\nc: d\r\n", {2, 4}, 0, "f:2:4: error: msg\n    2 | c: d\n      |    ^\n"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a: b\n",
     {1, 4},
     0,
     "f:1:4: error: msg\n    1 | a: b\n      |    ^\n"},
    {"a secret behind the caret", "{user: bob, pin: 1234, x: y}\n", {1, 2}, 18, "f:1:2: error: msg\n    1 | {user: bob, pin: (sensitive)\n      |  ^~~~\n"},
    {"a secret before the caret", "{pin: 1234, x: y}\n", {1, 13}, 7, "f:1:13: error: msg\n    1 | {pin: (sensitive)\n      |       ^\n"},
    {"a name that tells a secret", "  db_password: hunter2\n", {1, 3}, 0, "f:1:3: error: msg\n    1 |   db_password: (sensitive)\n      |   ^~~~~~~~~~~\n"},
    {"an assignment that tells a secret", "- API_TOKEN=hunter2\n", {1, 1}, 0, "f:1:1: error: msg\n    1 | - API_TOKEN=(sensitive)\n      | ^\n"},
    {"a reference is no secret", "token: ${secret.T}\n", {1, 1}, 0, "f:1:1: error: msg\n    1 | token: ${secret.T}\n      | ^~~~~\n"},
};

static void a_caret_stands_under_the_place(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(formats); i++) {
        struct hl_diag diag = {.file = "f", .at = formats[i].at, .message = "msg", .hide_from = formats[i].hide_from};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);

        hl_diag_format(&text, &diag, formats[i].source);
        hl_expect_text(formats[i].label, formats[i].expected, hl_text_get(&text));
    }
    hl_expect_end();
}

static void a_long_line_is_cut_around_the_caret(void **state HL_UNUSED)
{
    char line[2001];
    struct hl_diag diag = {.file = "f", .at = {.line = 1, .column = 1000}, .message = "msg"};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    line[999] = ' ';
    line[1000] = ' ';
    hl_diag_format(&text, &diag, line);
    assert_true(text.length < 700);
    assert_non_null(strstr(hl_text_get(&text), "    1 | ...xxx"));
    assert_non_null(strstr(hl_text_get(&text), "xxx...\n"));
}

static void a_hint_and_control_characters(void **state HL_UNUSED)
{
    struct hl_diag diag = {.severity = HL_SEVERITY_WARNING, .file = "f", .message = "bad \x1b", .hint = "do\nthis"};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);

    hl_diag_format(&text, &diag, NULL);
    assert_string_equal(hl_text_get(&text), "f: warning: bad \\x1b\nhint: do\\x0athis\n");
}

static void all_are_formatted_in_one_go(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "f");
    hl_diag_error(&diags, (struct hl_span){.line = 2, .column = 1}, "two");
    hl_diag_error(&diags, at_1_1, "one");
    diags.file = "other";
    hl_diag_error(&diags, at_1_1, "elsewhere");
    diags.file = "f";
    hl_diags_hide(&diags, (struct hl_span){.line = 2, .column = 4});
    hl_diags_sort(&diags);
    hl_diags_format(&text, &diags, "f", "a: 1\nb: 2\n");
    assert_string_equal(hl_text_get(&text), "f:1:1: error: one\n    1 | a: 1\n      | ^\n"
                                            "f:2:1: error: two\n    2 | b: (sensitive)\n      | ^\n"
                                            "other:1:1: error: elsewhere\n");
}

int hl_test_diag(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_in_the_order_of_the_file),
        cmocka_unit_test(the_same_finding_is_kept_once),
        cmocka_unit_test(of_many_findings_the_first_errors_are_kept),
        cmocka_unit_test(a_close_name_is_suggested),
        cmocka_unit_test(a_caret_stands_under_the_place),
        cmocka_unit_test(a_long_line_is_cut_around_the_caret),
        cmocka_unit_test(a_hint_and_control_characters),
        cmocka_unit_test(all_are_formatted_in_one_go),
    };

    return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
