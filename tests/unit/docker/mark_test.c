#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/mark.h"

static const struct hl_run run = {.stack = "home", .state_id = "0b1f-1", .key = {1}};

static void labels_tell_the_owner(void **state)
{
    static const struct {
        const char *labels;
        enum hl_owner owner;
        const char *text;
    } rows[] = {
        {"{}", HL_OWNER_NONE, "-"},
        {"{\"hlrec.managed\":\"true\",\"hlrec.stack\":\"home\",\"hlrec.state\":\"0b1f-1\"}", HL_OWNER_US, "-"},
        {"{\"hlrec.managed\":\"true\",\"hlrec.stack\":\"media\",\"hlrec.state\":\"0b1f-1\"}", HL_OWNER_OTHER, "stack 'media' (state 0b1f-1)"},
        {"{\"hlrec.managed\":\"true\",\"hlrec.stack\":\"home\",\"hlrec.state\":\"ffffffff-2\"}", HL_OWNER_OTHER, "stack 'home' (state ffffffff)"},
        {"{\"com.docker.compose.project\":\"web\"}", HL_OWNER_NONE, "compose project 'web'"},
        {"{\"hlrec.stack\":\"home\"}", HL_OWNER_NONE, "-"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *text = NULL;
        assert_int_equal(hl_mark_owner(arena, hl_parse(arena, rows[i].labels), &run, &text), rows[i].owner);
        hl_expect_text(rows[i].labels, rows[i].text, text != NULL ? text : "-");
    }
    hl_expect_end();
}

static void an_adopted_object_is_known_by_its_recorded_id(void **state)
{
    static const struct {
        const char *label, *labels, *id;
        enum hl_owner owner;
    } rows[] = {
        {"no mark, recorded id", "{}", "abc", HL_OWNER_US},
        {"no mark, another id", "{}", "abd", HL_OWNER_NONE},
        {"our mark, another address", "{\"hlrec.managed\":\"true\",\"hlrec.stack\":\"home\",\"hlrec.state\":\"0b1f-1\",\"hlrec.address\":\"container.b\"}",
         "abd", HL_OWNER_OTHER},
        {"our mark, another address, recorded id (moved)",
         "{\"hlrec.managed\":\"true\",\"hlrec.stack\":\"home\",\"hlrec.state\":\"0b1f-1\",\"hlrec.address\":\"container.b\"}", "abc", HL_OWNER_US},
    };
    static const struct hl_recorded recorded = {.id = "abc"};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_object object = {.address = "container.a", .recorded = &recorded, .arena = arena};
        hl_mark_judge(&object, &run, hl_parse(arena, rows[i].labels), rows[i].id);
        if (object.live.owner != rows[i].owner)
            hl_expect_text(rows[i].label, "the owner expected", "another");
    }
    hl_expect_end();
}

static void marks_go_out_and_user_labels_stay(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_session session = {.run = &run};
    const struct hl_op op = {.session = &session, .address = "container.a", .operation = "uuid", .desired = hl_parse(arena, "{\"image\":\"a\"}")};
    struct hl_value *labels = hl_parse(arena, "{\"mine\":\"1\"}");

    (void)state;
    hl_mark_put(arena, labels, &op);
    assert_true(hl_mark_is_of(labels, &run, "container.a"));
    assert_false(hl_mark_is_of(labels, &run, "container.b"));
    assert_true(hl_starts_with(hl_value_get_text(labels, "hlrec.spec-hash"), "v1:"));
    hl_expect_text("stripped", "{\"mine\":\"1\"}", hl_shown(arena, hl_mark_strip(arena, labels)));
    assert_null(hl_mark_strip(arena, NULL));
    hl_expect_end();
}

int hl_test_mark(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_tell_the_owner),
        cmocka_unit_test(an_adopted_object_is_known_by_its_recorded_id),
        cmocka_unit_test(marks_go_out_and_user_labels_stay),
    };

    return cmocka_run_group_tests_name("docker/mark", tests, NULL, NULL);
}
