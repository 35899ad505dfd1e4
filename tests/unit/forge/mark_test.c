#include "config.h"

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reconcile/forge/session.h"

#include <string.h>

#define HEAD "1111111111111111111111111111111111111111"
#define OTHER "2222222222222222222222222222222222222222"
#define MARKER "<!-- hlrec:v1 stack=home target=default -->"

enum { NOW = 1000000000 };

static void what_begins_with_the_marker_is_ours(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *text;
        bool ours;
        const char *head;
        int64_t order_ms;
    } rows[] = {
        {"both lines", MARKER "\n<!-- hlrec:run head=" HEAD " order=17 run=x -->\n#", true, HEAD, 17},
        {"ends of lines from a page", MARKER "\r\n<!-- hlrec:run head=" HEAD " order=17 run=x -->\r\n#", true, HEAD, 17},
        {"nothing behind", MARKER, true, "", 0},
        {"no run", MARKER "\ntext head=" HEAD " order=17", true, "", 0},
        {"a run without a head", MARKER "\n<!-- hlrec:run head=- order=17 run=- -->", true, "", 17},
        {"no full id", MARKER "\n<!-- hlrec:run head=1111111 order=17 run=- -->", true, "", 17},
        {"an id in capitals", MARKER "\n<!-- hlrec:run head=ABCDEF1111111111111111111111111111111111 order=17 run=- -->", true, "", 17},
        {"an order that is none", MARKER "\n<!-- hlrec:run head=" HEAD " order=-5 run=- -->", true, HEAD, 0},
        {"an order beyond all numbers", MARKER "\n<!-- hlrec:run head=" HEAD " order=99999999999999999999 run=- -->", true, HEAD, 0},
        {"words in another order", MARKER "\n<!-- hlrec:run run=y order=9 head=" HEAD " -->", true, HEAD, 9},
        {"a name that only ends so", MARKER "\n<!-- hlrec:run overhead=" HEAD " border=17 -->", true, "", 0},
        {"a blank before", " " MARKER, false, "", 0},
        {"a line before", "\n" MARKER, false, "", 0},
        {"quoted", "> " MARKER, false, "", 0},
        {"not closed", "<!-- hlrec:v1 stack=home target=default", false, "", 0},
        {"something behind on the line", MARKER " x", false, "", 0},
        {"another version", "<!-- hlrec:v2 stack=home target=default -->", false, "", 0},
        {"nothing", "", false, "", 0},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_forge_mark mark;
        const bool ours = hl_forge_mark_read(rows[i].text, &mark);

        if (ours != rows[i].ours || strcmp(mark.head, rows[i].head) != 0 || mark.order_ms != rows[i].order_ms)
            fail_msg("%s: %d, head '%s', order %lld", rows[i].label, (int)ours, mark.head, (long long)mark.order_ms);
    }
}

static void each_stack_and_target_has_its_own(void **state HL_UNUSED)
{
    struct hl_forge_mark one, same, other, longer;

    assert_true(hl_forge_mark_read(MARKER "\nx", &one));
    assert_true(hl_forge_mark_read(MARKER "\r\ny", &same));
    assert_true(hl_forge_mark_read("<!-- hlrec:v1 stack=home target=nas -->", &other));
    assert_true(hl_forge_mark_read("<!-- hlrec:v1 stack=home target=default-2 -->", &longer));
    assert_true(hl_forge_mark_same(&one, &same));
    assert_false(hl_forge_mark_same(&one, &other));
    assert_false(hl_forge_mark_same(&one, &longer));
}

static void the_current_head_is_newer_then_who_began_later(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *current;
        struct hl_forge_mark a, b;
        int expected;
    } rows[] = {
        {"began later", NULL, {.head = HEAD, .order_ms = 2}, {.head = HEAD, .order_ms = 1}, 1},
        {"began earlier", HEAD, {.head = HEAD, .order_ms = 1}, {.head = HEAD, .order_ms = 2}, -1},
        {"at once", HEAD, {.head = HEAD, .order_ms = 1}, {.head = HEAD, .order_ms = 1}, 0},
        {"the current head began earlier", HEAD, {.head = HEAD, .order_ms = 1}, {.head = OTHER, .order_ms = 2}, 1},
        {"a former head began later", HEAD, {.head = OTHER, .order_ms = 2}, {.head = HEAD, .order_ms = 1}, -1},
        {"it is not known which is current", NULL, {.head = OTHER, .order_ms = 2}, {.head = HEAD, .order_ms = 1}, 1},
        {"neither is current", "x", {.head = OTHER, .order_ms = 2}, {.head = HEAD, .order_ms = 1}, 1},
        {"no time", NULL, {.head = HEAD, .order_ms = 0}, {.head = HEAD, .order_ms = 1}, -1},
        {"a clock a little ahead", NULL, {.head = HEAD, .order_ms = NOW + 60000}, {.head = HEAD, .order_ms = NOW}, 1},
        {"a clock that was wrong", NULL, {.head = HEAD, .order_ms = NOW + 3600000}, {.head = HEAD, .order_ms = NOW}, -1},
        {"both heads unknown", HEAD, {.head = "", .order_ms = 1}, {.head = "", .order_ms = 2}, -1},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const int order = hl_forge_mark_compare(&rows[i].a, &rows[i].b, rows[i].current, NOW);
        const int back = hl_forge_mark_compare(&rows[i].b, &rows[i].a, rows[i].current, NOW);

        if (order != rows[i].expected || back != -order)
            fail_msg("%s: %d, the other way round %d", rows[i].label, order, back);
    }
}

static void an_id_is_full_and_of_small_digits(void **state HL_UNUSED)
{
    assert_true(hl_forge_is_id(HEAD));
    assert_true(hl_forge_is_id("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_false(hl_forge_is_id(NULL));
    assert_false(hl_forge_is_id(""));
    assert_false(hl_forge_is_id("1111111"));
    assert_false(hl_forge_is_id(HEAD "1"));
    assert_false(hl_forge_is_id(HEAD "\n"));
    assert_false(hl_forge_is_id("--upload-pack=1111111111111111111111111"));
}

static void each_forge_has_all_it_needs(void **state HL_UNUSED)
{
    for (const char *const *name = hl_forge_names; *name != NULL; name++) {
        const struct hl_forge *forge = hl_forge_find(*name);

        assert_non_null(forge);
        assert_string_equal(forge->name, *name);
        assert_true(forge->title != NULL && forge->token_header != NULL && forge->token_prefix != NULL && forge->headers != NULL);
        assert_true(forge->comments != NULL && forge->comment != NULL && forge->edit_method != NULL && forge->user != NULL && forge->page_size > 0);
        assert_true(forge->pull != NULL && forge->pull_head != NULL && forge->author_id != NULL && forge->author_login != NULL && forge->own_login != NULL);
        assert_true(forge->status != NULL && forge->context_name != NULL && forge->description_most > 0 && forge->tokens[0] != NULL);
        for (int i = HL_FORGE_PENDING; i < HL_FORGE_STATES; i++)
            assert_non_null(forge->states[i]);
    }
    assert_null(hl_forge_find("svn"));
    assert_null(hl_forge_find(NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_begins_with_the_marker_is_ours),
        cmocka_unit_test(each_stack_and_target_has_its_own),
        cmocka_unit_test(the_current_head_is_newer_then_who_began_later),
        cmocka_unit_test(an_id_is_full_and_of_small_digits),
        cmocka_unit_test(each_forge_has_all_it_needs),
    };

    return cmocka_run_group_tests_name("forge", tests, NULL, NULL);
}
