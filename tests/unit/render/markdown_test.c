#include "config.h"

#include "reconcile/render/markdown.h"
#include "tests/unit/render/plans.h"

#include <string.h>

enum { ROOM = 1024 * 1024 };

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

/* `count` steps named PREFIX0, PREFIX1 ... */
static struct hl_step **make_steps(struct hl_arena *arena, const char *prefix, size_t count, enum hl_action action)
{
    struct hl_step **steps = hl_arena_alloc(arena, count * sizeof(*steps));

    for (size_t i = 0; i < count; i++)
        steps[i] = hl_test_step(arena, hl_arena_printf(arena, "%s%zu", prefix, i), action);
    return steps;
}

static void render(struct hl_text *out, const struct hl_plan *plan, const struct hl_markdown *markdown)
{
    const struct hl_plan_view view = {.plan = plan, .file = "hlrec.yaml", .stack = "home", .serial = 7};

    hl_render_plan_comment(out, &view, markdown);
}

/* A name from an API that tries all it can: each line of the comment is still of our own making. */
static void a_hostile_name_stays_in_its_cell(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_step *step = hl_test_step(arena, "router.x|y`</code></details>\n# @all ![](http://e)", HL_ACTION_DELETE);

    step->loses_data = true;
    render(&out, hl_test_plan(arena, &step, 1), &(struct hl_markdown){.max_size = 0});
    assert_null(strstr(hl_text_get(&out), "</details>\n#"));
    assert_null(strstr(hl_text_get(&out), "<img"));
    assert_null(strstr(hl_text_get(&out), "\n# "));
    assert_null(strstr(hl_text_get(&out), " @all"));
    assert_non_null(strstr(hl_text_get(&out), "| **DELETE** | <code>router.x&#124;y&#96;&#60;/code"));
    assert_non_null(strstr(hl_text_get(&out), "Data loss: <code>router.x&#124;y&#96;&#60;/code"));
}

static void the_first_lines_tell_whose_comment_it_is(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_plan *plan = hl_test_plan(arena, NULL, 0);

    render(&out, plan, &(struct hl_markdown){.max_size = 0});
    assert_true(hl_starts_with(hl_text_get(&out), "<!-- hlrec:v1 stack=home target=default -->\n### hlrec plan: `home`\n\n**No changes:** 0 unchanged. "));

    hl_text_reset(&out);
    render(&out, plan, &(struct hl_markdown){.target = "nas --> x", .head = "3f9c", .order_ms = 1763912345678, .run = "github 4711\n"});
    assert_true(hl_starts_with(hl_text_get(&out), "<!-- hlrec:v1 stack=home target=nas-----x-"));
    assert_non_null(strstr(hl_text_get(&out), " -->\n<!-- hlrec:run head=3f9c order=1763912345678 run=github-4711--"));
    assert_non_null(strstr(hl_text_get(&out), " -->\n### hlrec plan: `home` for `nas --> x`\n\n"));
    assert_non_null(strstr(hl_text_get(&out), "\n`hlrec.yaml`, head `3f9c`, state #7\n"));
}

/* Names that cannot stand in a marker as they are do not become one. */
static void no_two_names_have_one_marker(void **state HL_UNUSED)
{
    static const char *const targets[] = {"nas/hlrec.yaml", "nas-hlrec.yaml", "nas hlrec.yaml",
                                          "a-very-long-path-to-a-file-that-nobody-would-want-to-type-by-hand/one.yaml",
                                          "a-very-long-path-to-a-file-that-nobody-would-want-to-type-by-hand/two.yaml"};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_plan *plan = hl_test_plan(arena, NULL, 0);
    char *markers[HL_COUNT(targets)];

    for (size_t i = 0; i < HL_COUNT(targets); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);

        render(&out, plan, &(struct hl_markdown){.target = targets[i]});
        markers[i] = hl_arena_copy(arena, hl_text_get(&out), strcspn(hl_text_get(&out), "\n"));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(markers[i], markers[j]);
    }
    assert_string_equal(markers[1], "<!-- hlrec:v1 stack=home target=nas-hlrec.yaml -->");
}

static void what_destroys_comes_first(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_step *steps[] = {
        hl_test_step(arena, "network.new", HL_ACTION_CREATE),    hl_test_step(arena, "network.same", HL_ACTION_NONE),
        hl_test_step(arena, "volume.old", HL_ACTION_DELETE),     hl_test_step(arena, "network.moved", HL_ACTION_NONE),
        hl_test_step(arena, "container.web", HL_ACTION_REPLACE),
    };
    const char *used_by[] = {"router.a", "router.b", "router.c", "router.d", NULL};
    const char *at;

    steps[2]->loses_data = true;
    steps[3]->moved_from = "network.former";
    steps[4]->used_by = used_by;
    render(&out, hl_test_plan(arena, steps, HL_COUNT(steps)), &(struct hl_markdown){.max_size = 0});
    at = strstr(hl_text_get(&out),
                "| **DELETE** | `volume.old` | because; **its data is lost** |  |\n"
                "| **REPLACE** | `container.web` | because; down until the new one is up; used by router.a, router.b, router.c and 1 more |  |\n"
                "| CREATE | `network.new` | because |  |\n"
                "| MOVE | `network.moved` | because; was network.former |  |\n\n");
    assert_non_null(at);
    assert_non_null(strstr(hl_text_get(&out), "\n**Plan: 1 to delete, 1 to replace, 1 to create, 1 moved, 1 unchanged.** Data loss: `volume.old`.\n"));
}

static void what_is_known_besides_stands_before_the_table(void **state HL_UNUSED)
{
    struct hl_preview_unused unused = {.path = "providers.x", .change = HL_PREVIEW_CHANGED, .at = {4, 1}};
    const struct hl_preview_facts preview = {.base = "aa01", .behind = 3, .conflicts = true, .unused = {.items = &unused, .count = 1, .capacity = 1}};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_step *step = hl_test_step(arena, "network.web", HL_ACTION_NONE);
    struct hl_plan *plan = hl_test_plan(arena, &step, 1);

    step->live = &(struct hl_live){.presence = HL_LIVE_PRESENT, .note = "crash loop"};
    plan->guard = "6 deletions are more than 5";
    plan->guard_hint = "raise max_destroy";
    (void)hl_diag_warning(&plan->diags, (struct hl_span){3, 5}, "an odd value");
    (void)hl_diag_error(&plan->diags, (struct hl_span){2, 1}, "a wrong value");
    const struct hl_plan_view view = {.plan = plan, .file = "hlrec.yaml", .stack = "home", .serial = 7, .preview = &preview};

    hl_render_plan_comment(&out, &view, &(struct hl_markdown){.head = "3f9cc01ab2de45f76a0b1c2d3e4f5a6b7c8d9e0f"});
    assert_non_null(strstr(hl_text_get(&out), "> **apply stops here:** 6 deletions are more than 5; raise max\\_destroy\n\n"
                                              "- **error** `hlrec.yaml:2:1` a wrong value\n"
                                              "- **not used** `providers.x` is changed here, the base's counts (`hlrec.yaml:4`)\n"
                                              "- **warning** `hlrec.yaml:3:5` an odd value\n"
                                              "- **note** `network.web` crash loop\n\n"));
    assert_non_null(strstr(hl_text_get(&out), "\n`hlrec.yaml`, head `3f9cc01ab2de`, base `aa01` (3 commits behind it), state #7\n\n_A preview: "));
    assert_non_null(strstr(hl_text_get(&out), "\n\n> **This does not merge with the base:** "));
}

static void rows_that_destroy_are_the_last_to_go(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_step **steps = hl_arena_alloc(arena, 400 * sizeof(*steps));
    struct hl_plan *plan;

    memcpy(steps, make_steps(arena, "network.made-", 360, HL_ACTION_CREATE), 360 * sizeof(*steps));
    memcpy(steps + 360, make_steps(arena, "network.gone-", 40, HL_ACTION_DELETE), 40 * sizeof(*steps));
    for (size_t i = 0; i < 400; i++)
        steps[i]->hint = "do this";
    plan = hl_test_plan(arena, steps, 400);
    for (size_t i = 0; i < 500; i++)
        (void)hl_diag_warning(&plan->diags, (struct hl_span){(uint32_t)i + 1, 5}, "an odd value");

    render(&out, plan, &(struct hl_markdown){.max_size = 8192});
    assert_true(out.length <= 8192);
    assert_int_equal(count_of(hl_text_get(&out), "| **DELETE** | "), 40);
    assert_non_null(strstr(hl_text_get(&out), "**Plan: 40 to delete, 360 to create, 0 unchanged.** "));

    const size_t warnings = count_of(hl_text_get(&out), "- **warning** ");
    const size_t made = count_of(hl_text_get(&out), "| CREATE | ");
    hl_auto(text) struct hl_text more = HL_TEXT_INIT(ROOM);

    assert_true(warnings > 0 && warnings < 500 && made > 0 && made < 360);
    hl_text_printf(&more, "- **and %zu more**\n", 500 - warnings);
    assert_non_null(strstr(hl_text_get(&out), hl_text_get(&more)));
    hl_text_reset(&more);
    hl_text_printf(&more, "| **and %zu more** | | %zu CREATE | |\n", 360 - made, 360 - made);
    assert_non_null(strstr(hl_text_get(&out), hl_text_get(&more)));
    assert_null(strstr(hl_text_get(&out), "<details"));
    assert_non_null(strstr(hl_text_get(&out), "_Left out, to stay below 8192 bytes: the fields of 400 resources. "));
}

static void too_many_of_them_lose_their_reasons_first(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_step **steps = make_steps(arena, "container.gone-", 1200, HL_ACTION_DELETE);

    for (size_t i = 0; i < 1200; i++)
        steps[i]->reason = "no longer in the spec, and this is the reason why it goes";
    steps[7]->loses_data = true;
    render(&out, hl_test_plan(arena, steps, 1200), &(struct hl_markdown){.max_size = 0});
    assert_true(out.length <= HL_MARKDOWN_SIZE);
    assert_int_equal(count_of(hl_text_get(&out), "| **DELETE** | `container.gone-"), 1200);
    assert_non_null(strstr(hl_text_get(&out), "| **DELETE** | `container.gone-7` | **its data is lost** |  |\n"));
    assert_null(strstr(hl_text_get(&out), "does not name all"));
    assert_non_null(strstr(hl_text_get(&out), "_Left out, to stay below 60000 bytes: the reasons of 1200 rows. "));
}

static void those_whose_names_do_not_fit_are_told_above_all(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    struct hl_plan *plan = hl_test_plan(arena, make_steps(arena, "network.gone-", 1000, HL_ACTION_DELETE), 1000);
    hl_auto(text) struct hl_text more = HL_TEXT_INIT(ROOM);

    (void)hl_diag_warning(&plan->diags, (struct hl_span){1, 5}, "an odd value");
    render(&out, plan, &(struct hl_markdown){.max_size = 1});
    assert_true(out.length <= HL_MARKDOWN_LEAST);
    assert_non_null(strstr(hl_text_get(&out), "**Plan: 1000 to delete, "));

    const size_t shown = count_of(hl_text_get(&out), "| **DELETE** | ");

    assert_true(shown > 40);
    hl_text_printf(&more, "| **and %zu more** | | %zu DELETE | |\n", 1000 - shown, 1000 - shown);
    assert_non_null(strstr(hl_text_get(&out), hl_text_get(&more)));
    hl_text_reset(&more);
    hl_text_printf(&more, "state #7\n\n> **The table does not name all that is destroyed:** %zu more would not fit; ", 1000 - shown);
    assert_non_null(strstr(hl_text_get(&out), hl_text_get(&more)));
}

/* The head alone, with all that can be in it as long as it may be. */
static void the_head_always_fits(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    char *bad = hl_arena_alloc(arena, 10001);
    struct hl_step **steps;
    struct hl_plan *plan;

    memset(bad, '|', 10000);
    steps = make_steps(arena, hl_arena_printf(arena, "x.%s", bad), 900, HL_ACTION_DELETE);
    for (size_t i = 0; i < 900; i++)
        steps[i]->loses_data = true;
    plan = hl_test_plan(arena, steps, 900);
    plan->guard = plan->guard_hint = bad;
    for (size_t i = 1; i < HL_ACTIONS; i++)
        plan->counts[i] = plan->counts[i] == 0 ? 1000000 : plan->counts[i];

    const struct hl_preview_facts preview = {.base = bad, .behind = SIZE_MAX, .conflicts = true};
    const struct hl_plan_view view = {.plan = plan, .file = bad, .source = bad, .commit = bad, .stack = bad, .serial = INT64_MAX, .preview = &preview};
    const struct hl_markdown markdown = {.max_size = 1, .target = bad, .head = bad, .run = bad, .order_ms = INT64_MAX};

    hl_render_plan_comment(&out, &view, &markdown);
    assert_true(out.length <= HL_MARKDOWN_LEAST);
    assert_non_null(strstr(hl_text_get(&out), "| **and "));
}

static void long_lines_are_cut_between_characters(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    hl_auto(text) struct hl_text hint = HL_TEXT_INIT(ROOM);
    struct hl_step *step = hl_test_step(arena, "network.web", HL_ACTION_REFUSE);

    for (size_t i = 0; i < 400; i++)
        hl_text_puts(&hint, "\xe2\x82\xac");
    step->hint = hl_text_get(&hint);
    render(&out, hl_test_plan(arena, &step, 1), &(struct hl_markdown){.max_size = 0});
    assert_non_null(strstr(hl_text_get(&out), "\nhint: \xe2\x82\xac"));
    assert_non_null(strstr(hl_text_get(&out), "\xe2\x82\xac...\n```\n"));
    for (size_t at = 0, size; at < out.length; at += size) {
        uint32_t code = 0;

        size = hl_utf8_decode(hl_text_get(&out) + at, out.length - at, &code);
        assert_true(size > 0);
    }
}

static void a_run_without_a_plan_says_why(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);
    hl_auto(error) struct hl_error *err = NULL;
    const struct hl_plan_view view = {.file = "hlrec.yaml", .stack = "home", .serial = 7};
    const struct hl_markdown markdown = {.max_size = 0};
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "hlrec.yaml");
    hl_diag_hint(&diags, hl_diag_error(&diags, (struct hl_span){12, 7}, "unknown key 'imaeg'"), "did you mean 'image'?");
    hl_render_failure_comment(&out, &view, &markdown, &diags, NULL);
    assert_string_equal(hl_text_get(&out),
                        "<!-- hlrec:v1 stack=home target=default -->\n### hlrec plan: `home`\n\n**There is no plan:** the spec has 1 error.\n\n"
                        "`hlrec.yaml`\n\n"
                        "- **error** `hlrec.yaml:12:7` unknown key 'imaeg'; did you mean 'image'?\n\n");
    hl_text_reset(&out);
    (void)hl_fail(&err, HL_E_UNREACHABLE, "cannot reach 'https://e'");
    (void)hl_error_hint(&err, "is it running");
    hl_render_failure_comment(&out, &view, &markdown, NULL, err);
    assert_non_null(strstr(hl_text_get(&out), "**There is no plan:** the run failed.\n\n`hlrec.yaml`\n\n"
                                              "- **error** `cannot reach 'https://e'`\n- **hint** is it running\n\n"));
}

static const struct CMUnitTest markdown_tests[] = {
    cmocka_unit_test(a_hostile_name_stays_in_its_cell),
    cmocka_unit_test(the_first_lines_tell_whose_comment_it_is),
    cmocka_unit_test(no_two_names_have_one_marker),
    cmocka_unit_test(what_destroys_comes_first),
    cmocka_unit_test(what_is_known_besides_stands_before_the_table),
    cmocka_unit_test(rows_that_destroy_are_the_last_to_go),
    cmocka_unit_test(too_many_of_them_lose_their_reasons_first),
    cmocka_unit_test(those_whose_names_do_not_fit_are_told_above_all),
    cmocka_unit_test(the_head_always_fits),
    cmocka_unit_test(long_lines_are_cut_between_characters),
    cmocka_unit_test(a_run_without_a_plan_says_why),
};

const struct hl_tests hl_tests_markdown = {markdown_tests, HL_COUNT(markdown_tests)};
