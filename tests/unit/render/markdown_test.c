#include "config.h"

#include "reconcile/render/markdown.h"
#include "tests/unit/render/plans.h"

#include <string.h>

static void names_are_only_themselves(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *text, *expected;
    } rows[] = {
        {"plain", "container.web", "`container.web`"},
        {"an underscore", "setup_key.a", "`setup_key.a`"},
        {"a mention within code is none", "@somebody", "`@somebody`"},
        {"a pipe", "a|b", "<code>a&#124;b</code>"},
        {"a backtick", "a`b", "<code>a&#96;b</code>"},
        {"a line end", "a\nb", "<code>a&#92;x0ab</code>"},
        {"blanks at the ends", " a", "<code> a</code>"},
        {"nothing", "", "<code></code>"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

        hl_markdown_code(&out, rows[i].text);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void sentences_hold_no_marks(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *text, *expected;
    } rows[] = {
        {"words", "no longer in the spec", "no longer in the spec"},
        {"an address", "used by setup_key.a", "used by setup\\_key.a"},
        {"backquotes of ours", "write `adopt: true`", "write \\`adopt: true\\`"},
        {"a mention", "ask @admin", "`ask @admin`"},
        {"an issue", "see #12", "`see #12`"},
        {"a link", "go to https://evil.example", "`go to https://evil.example`"},
        {"an image", "![x](y)", "`![x](y)`"},
        {"HTML", "<img src=x>", "`<img src=x>`"},
        {"a pipe", "a | b", "<code>a &#124; b</code>"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

        hl_markdown_prose(&out, rows[i].text);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void fences_are_longer_than_what_is_in_them(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

    hl_markdown_fence(&out, "text", "a\n````\nb");
    assert_string_equal(hl_text_get(&out), "`````text\na\n````\nb\n`````\n");
}

/* A name from an API that tries all it can: each line of the comment is still of our own making. */
static void a_hostile_name_stays_in_its_cell(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    struct hl_step *step = hl_test_step(arena, "router.x|y`</code></details>\n# @all ![](http://e)", HL_ACTION_DELETE);
    struct hl_plan *plan = hl_test_plan(arena, &step, 1);
    const struct hl_plan_view view = {.plan = plan, .file = "hlrec.yaml", .stack = "s"};

    hl_render_plan_markdown(&out, &view);
    assert_null(strstr(hl_text_get(&out), "</details>\n#"));
    assert_null(strstr(hl_text_get(&out), "<img"));
    assert_null(strstr(hl_text_get(&out), "\n# "));
    assert_null(strstr(hl_text_get(&out), " @all"));
    assert_non_null(strstr(hl_text_get(&out), "| **DELETE** | <code>router.x&#124;y&#96;&#60;/code"));
}

static const struct CMUnitTest markdown_tests[] = {
    cmocka_unit_test(names_are_only_themselves),
    cmocka_unit_test(sentences_hold_no_marks),
    cmocka_unit_test(fences_are_longer_than_what_is_in_them),
    cmocka_unit_test(a_hostile_name_stays_in_its_cell),
};

const struct hl_tests hl_tests_markdown = {markdown_tests, HL_COUNT(markdown_tests)};
