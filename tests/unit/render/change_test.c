#include "config.h"

#include "reconcile/render/change.h"
#include "tests/unit/render/tests.h"

#include <string.h>

static const struct hl_field text_field = {.name = "image", .type = HL_F_STRING};
static const struct hl_field duration_field = {.name = "expires_in", .type = HL_F_DURATION};
static const struct hl_field list_field = {.name = "command", .type = HL_F_LIST, .item = HL_F_STRING};
static const struct hl_field secret_field = {.name = "password", .type = HL_F_STRING, .sensitive = true};

static struct hl_value *text(struct hl_arena *arena, const char *data)
{
    return data == NULL ? NULL : hl_value_text(arena, data);
}

static void render(struct hl_text *out, const struct hl_change *change, struct hl_look look, bool drift)
{
    struct hl_change copy = *change;
    const struct hl_changes changes = {.items = &copy, .count = 1};
    const struct hl_change_look change_look = {.look = look, .file = "hlrec.yaml", .indent = 2, .drift = drift};

    hl_changes_human(out, &changes, &change_look);
}

static void values_are_shown_two_or_three(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *desired, *recorded, *live;
        enum hl_origin origin;
        bool drift;
        const char *expected;
    } rows[] = {
        {"the spec changed", "b", "a", "a", HL_ORIGIN_SPEC, false, "  image  a -> b  hlrec.yaml:7\n"},
        {"the world changed", "a", "a", "b", HL_ORIGIN_DRIFT, false, "  image  spec a | recorded a | live b -> a  hlrec.yaml:7\n"},
        {"both changed", "c", "a", "b", HL_ORIGIN_BOTH, false, "  image  spec c | recorded a | live b -> c  hlrec.yaml:7\n"},
        {"it was unset", "b", NULL, NULL, HL_ORIGIN_SPEC, false, "  image  b  hlrec.yaml:7\n"},
        {"it becomes unset", NULL, "a", "a", HL_ORIGIN_SPEC, false, "  image  a -> (unset)  hlrec.yaml:7\n"},
        {"not recorded, but live", "b", NULL, "a", HL_ORIGIN_SPEC, false, "  image  a -> b  hlrec.yaml:7\n"},
        {"only the tag", "netbirdio/proxy:0.66.1", "netbirdio/proxy:0.66.0", "netbirdio/proxy:0.66.0", HL_ORIGIN_SPEC, false,
         "  image  netbirdio/proxy:0.66.0 -> 0.66.1  hlrec.yaml:7\n"},
        {"control characters", "a\033[2J", "a", "a\a", HL_ORIGIN_SPEC, false, NULL},
        {"the drift report", "a", "a", "b", HL_ORIGIN_DRIFT, true, "  image  recorded a | live b  hlrec.yaml:7\n"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
        const struct hl_change change = {.path = "image",
                                         .field = &text_field,
                                         .desired = text(arena, rows[i].desired),
                                         .recorded = text(arena, rows[i].recorded),
                                         .live = text(arena, rows[i].live),
                                         .origin = rows[i].origin,
                                         .at = {7, 3}};

        render(&out, &change, (struct hl_look){0}, rows[i].drift);
        if (rows[i].expected == NULL && strpbrk(hl_text_get(&out), "\033\a") != NULL)
            fail_msg("%s: got through: '%s'", rows[i].label, hl_text_get(&out));
        if (rows[i].expected != NULL && strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void values_have_the_form_of_their_field(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    const struct hl_change change = {.path = "expires_in",
                                     .field = &duration_field,
                                     .desired = hl_value_int(arena, 90000),
                                     .live = hl_value_int(arena, 3600000),
                                     .forces_replacement = true};

    render(&out, &change, (struct hl_look){0}, false);
    assert_string_equal(hl_text_get(&out), "  expires_in  1h -> 90s  cannot change in place\n");
}

static void secrets_are_told_and_not_shown(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *desired, *live;
        bool drift;
        const char *expected;
    } rows[] = {
        {"changed", "hunter2", "hunter1", false, "  password  (sensitive), changed\n"},
        {"set", "hunter2", NULL, false, "  password  (sensitive)\n"},
        {"dropped", NULL, "hunter1", false, "  password  (sensitive) -> (unset)\n"},
        {"drifted", "hunter2", "hunter1", true, "  password  (sensitive), changed\n"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
        const struct hl_change change = {
            .path = "password", .field = &secret_field, .desired = text(arena, rows[i].desired), .live = text(arena, rows[i].live), .sensitive = true};

        render(&out, &change, (struct hl_look){.verbose = true}, rows[i].drift);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void unknown_values_name_what_they_wait_for(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    const struct hl_change change = {.path = "image",
                                     .field = &text_field,
                                     .desired = hl_value_unknown(arena, "setup_key.k8s.key"),
                                     .live = text(arena, "a"),
                                     .unknown = "setup_key.k8s.key"};

    render(&out, &change, (struct hl_look){0}, false);
    assert_string_equal(hl_text_get(&out), "  image  a -> (known after apply: setup_key.k8s.key)\n");
}

static void texts_of_several_lines_are_diffed(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    const struct hl_change change = {
        .path = "content", .field = &text_field, .desired = text(arena, "one\ntwo\nthree\n"), .live = text(arena, "one\n2\033\nthree\n"), .at = {9, 1}};

    render(&out, &change, (struct hl_look){0}, false);
    assert_string_equal(hl_text_get(&out), "  content  1 line added, 1 removed  hlrec.yaml:9\n"
                                           "     one\n"
                                           "    -2\\x1b\n"
                                           "    +two\n"
                                           "     three\n");
}

static void long_lists_are_diffed_item_by_item(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    struct hl_value *before = hl_value_list(arena);
    struct hl_value *after = hl_value_list(arena);
    const struct hl_change change = {.path = "command", .field = &list_field, .desired = after, .live = before};

    for (int i = 0; i < 9; i++) {
        hl_value_list_add(arena, before, hl_value_printf(arena, "--option-%d=value", i));
        hl_value_list_add(arena, after, hl_value_printf(arena, "--option-%d=%s", i, i == 4 ? "other" : "value"));
    }
    render(&out, &change, (struct hl_look){0}, false);
    assert_non_null(strstr(hl_text_get(&out), "  command  1 line added, 1 removed\n    @@ -3,5 +3,5 @@\n"));
    assert_non_null(strstr(hl_text_get(&out), "    ---option-4=value\n    +--option-4=other\n"));
}

static void long_texts_are_cut_around_the_difference(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    char before[400];
    char after[400];

    memset(before, 'x', sizeof(before));
    before[sizeof(before) - 1] = '\0';
    memcpy(after, before, sizeof(after));
    after[200] = 'Y';

    const struct hl_change change = {.path = "image", .field = &text_field, .desired = text(arena, after), .live = text(arena, before)};

    render(&out, &change, (struct hl_look){0}, false);
    assert_true(out.length < 200);
    assert_non_null(strstr(hl_text_get(&out), "xYx"));
    hl_text_reset(&out);
    render(&out, &change, (struct hl_look){.verbose = true}, false);
    assert_true(out.length > 800);
}

static void a_narrow_terminal_gets_two_lines(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    const struct hl_change change = {
        .path = "image", .field = &text_field, .desired = text(arena, "docker.io/library/alpine"), .live = text(arena, "ghcr.io/somebody/debian")};

    render(&out, &change, (struct hl_look){.width = 40}, false);
    assert_string_equal(hl_text_get(&out), "  image  ghcr.io/somebody/debian\n      -> docker.io/library/alpine\n");
}

static const struct CMUnitTest change_tests[] = {
    cmocka_unit_test(values_are_shown_two_or_three),
    cmocka_unit_test(values_have_the_form_of_their_field),
    cmocka_unit_test(secrets_are_told_and_not_shown),
    cmocka_unit_test(unknown_values_name_what_they_wait_for),
    cmocka_unit_test(texts_of_several_lines_are_diffed),
    cmocka_unit_test(long_lists_are_diffed_item_by_item),
    cmocka_unit_test(long_texts_are_cut_around_the_difference),
    cmocka_unit_test(a_narrow_terminal_gets_two_lines),
};

const struct hl_tests hl_tests_change = {change_tests, HL_COUNT(change_tests)};
