#include "config.h"

#include "tests/unit/authentik/tests.h"

#include "reconcile/providers/authentik/authentik.h"

#include <string.h>

static const struct hl_run run = {.stack = "home", .state_id = "0b1f-1"};

static void a_mark_stands_behind_the_text(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_string_equal(hl_authentik_mark(arena, &run, "token.a", NULL), "[managed by hlrec: home/token.a, state 0b1f-1]");
    assert_string_equal(hl_authentik_mark(arena, &run, "token.a", "mine"), "mine [managed by hlrec: home/token.a, state 0b1f-1]");
    assert_string_equal(hl_authentik_unmark(arena, "mine [managed by hlrec: home/token.a, state 0b1f-1]"), "mine");
    assert_string_equal(hl_authentik_unmark(arena, "[managed by hlrec: home/token.a, state 0b1f-1]"), "");
    assert_string_equal(hl_authentik_unmark(arena, "mine"), "mine");
    assert_null(hl_authentik_unmark(arena, NULL));
}

static void only_a_whole_mark_is_one(void **state)
{
    static const struct {
        const char *text;
        const char *address; /* as told by ours; NULL: none of ours */
        bool marked;
    } rows[] = {
        {"x [managed by hlrec: home/token.a, state 0b1f-1]", "token.a", true},
        {"[managed by hlrec: a/b, state c] [managed by hlrec: home/token.b, state 0b1f-1]", "token.b", true},
        {"[managed by hlrec: media/token.a, state 0b1f-1]", NULL, true},
        {"[managed by hlrec: home/token.a, state ffff]", NULL, true},
        {"[managed by hlrec: home/token.a, state 0b1f-1] and more", NULL, false},
        {"[managed by hlrec: home]", NULL, false},
        {"[managed by hlrec: home/token.a]", NULL, false},
        {"managed by hlrec: home/token.a, state 0b1f-1", NULL, false},
        {"", NULL, false},
        {NULL, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *address = hl_authentik_marked_address(arena, &run, rows[i].text);
        if (hl_authentik_has_mark(rows[i].text) != rows[i].marked)
            fail_msg("'%s': is that a mark?", rows[i].text);
        if ((address == NULL) != (rows[i].address == NULL) || (address != NULL && strcmp(address, rows[i].address) != 0))
            fail_msg("'%s': address %s", rows[i].text, address == NULL ? "none" : address);
    }
}

static void marks_and_records_tell_the_owner(void **state)
{
    static const struct {
        const char *text, *id;
        enum hl_owner owner;
    } rows[] = {
        {"by hand", "abc", HL_OWNER_US}, /* adopted */
        {"by hand", "abd", HL_OWNER_NONE},
        {NULL, "abd", HL_OWNER_NONE},
        {"[managed by hlrec: home/token.a, state 0b1f-1]", "abd", HL_OWNER_US},
        {"[managed by hlrec: home/token.b, state 0b1f-1]", "abd", HL_OWNER_OTHER},
        {"[managed by hlrec: home/token.b, state 0b1f-1]", "abc", HL_OWNER_US}, /* moved */
        {"[managed by hlrec: media/token.a, state 0b1f-1]", "abc", HL_OWNER_OTHER},
        {"[managed by hlrec: home/token.a, state ffff]", "abc", HL_OWNER_OTHER},
    };
    static const struct hl_recorded recorded = {.id = "abc"};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_object object = {.address = "token.a", .recorded = &recorded, .arena = arena};
        hl_authentik_judge(&object, &run, rows[i].text, rows[i].id);
        if (object.live.owner != rows[i].owner)
            fail_msg("'%s' with id %s: owner %d", rows[i].text, rows[i].id, (int)object.live.owner);
    }
}

int hl_test_mark(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_stands_behind_the_text),
        cmocka_unit_test(only_a_whole_mark_is_one),
        cmocka_unit_test(marks_and_records_tell_the_owner),
    };

    return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
