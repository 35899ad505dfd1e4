#include "config.h"

#include "reconcile/render/markdown_text.h"
#include "tests/unit/render/tests.h"

#include <string.h>

enum { ROOM = 65536 };

struct row {
    const char *label, *text, *expected;
};

typedef void put_fn(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most);

static void check(put_fn *put, const struct row *rows, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);

        put(&out, NULL, rows[i].text, most);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void names_are_only_themselves(void **state HL_UNUSED)
{
    static const struct row rows[] = {
        {"plain", "container.web", "`container.web`"},
        {"an underscore", "setup_key.a", "`setup_key.a`"},
        {"a mention within code is none", "@somebody", "`@somebody`"},
        {"HTML", "<img src=x>", "`<img src=x>`"},
        {"a backtick", "a`b", "``a`b``"},
        {"backticks at the ends", "``a`", "``` ``a` ```"},
        {"a line end", "a\nb", "`a\\x0ab`"},
        {"a blank at one end", " a", "` a`"},
        {"blanks at both ends", " a ", "`  a  `"},
        {"a pipe", "a|b", "<code>a&#124;b</code>"},
        {"a pipe behind a backslash", "a\\|b", "<code>a&#92;&#124;b</code>"},
        {"an address of mail beside a pipe", "|a@b.example", "<code>&#124;a<!-- -->&#64;b.example</code>"},
        {"a host beside a pipe", "| WWW.b.example", "<code>&#124; WWW&#46;b.example</code>"},
        {"a joiner",
         "a\xe2\x80\x8d"
         "b",
         "`a\\u{200d}b`"},
        {"a blank without width",
         "a\xe2\x80\x8b"
         "b",
         "`a\\u{200b}b`"},
        {"an override",
         "a\xe2\x80\xae"
         "b",
         "`a\\u{202e}b`"},
        {"a tag",
         "a\xf3\xa0\x80\x81"
         "b",
         "`a\\u{e0001}b`"},
        {"a filler",
         "a\xe3\x85\xa4"
         "b",
         "`a\\u{3164}b`"},
        {"half a character", "a\xe2\x80", "`a\\xe2\\x80`"},
        {"letters of others",
         "fl\xc3\xbc"
         "ssig",
         "`fl\xc3\xbc"
         "ssig`"},
        {"nothing", "", "<code></code>"},
    };

    check(hl_markdown_code, rows, HL_COUNT(rows), 0);
}

static void long_names_are_cut_between_characters(void **state HL_UNUSED)
{
    static const struct row rows[] = {
        {"as long as may be", "0123456789012345678901234567", "`0123456789012345678901234567`"},
        {"plain", "01234567890123456789012345678901234567890", "`0123456789012345678901234...`"},
        {"in the middle of a character",
         "012345678901234567890123\xe2\x82\xac"
         "89012345678901234567890",
         "`012345678901234567890123...`"},
        {"as entities", "|||||||||||||||||", "<code>&#124;&#124;...</code>"},
        {"more backticks than there is room for", "`````````````````````````", "<code>&#96;&#96;&#96;...</code>"},
    };

    check(hl_markdown_code, rows, HL_COUNT(rows), 32);
    for (size_t i = 0; i < HL_COUNT(rows); i++)
        assert_true(strlen(rows[i].expected) <= 32);
}

static void sentences_hold_no_marks(void **state HL_UNUSED)
{
    static const struct row rows[] = {
        {"words", "no longer in the spec", "no longer in the spec"},
        {"an address", "used by setup_key.a", "used by setup\\_key.a"},
        {"backquotes of ours", "write `adopt: true`", "write \\`adopt: true\\`"},
        {"a mention", "ask @admin", "`ask @admin`"},
        {"an issue", "see #12", "`see #12`"},
        {"an issue in words", "see GH-12", "`see GH-12`"},
        {"a link", "go to https://evil.example", "`go to https://evil.example`"},
        {"a link without a scheme", "go to www.evil.example", "`go to www.evil.example`"},
        {"an image", "![x](y)", "`![x](y)`"},
        {"HTML", "<img src=x>", "`<img src=x>`"},
        {"an emoji", "all is :tada: well", "`all is :tada: well`"},
        {"colons", "drift: web: changed", "drift: web: changed"},
        {"a pipe", "a | b", "<code>a &#124; b</code>"},
        {"a line of its own", "a\n/close", "`a\\x0a/close`"},
    };

    check(hl_markdown_prose, rows, HL_COUNT(rows), 0);
}

static void long_sentences_are_cut(void **state HL_UNUSED)
{
    static const struct row rows[] = {
        {"that fits", "0123456789 12345", "0123456789 12345"},
        {"that does not", "0123456789 123456", "0123456789 12..."},
        {"with marks", "_____________", "\\_\\_\\_\\_\\_\\_..."},
    };

    check(hl_markdown_prose, rows, HL_COUNT(rows), 16);
}

static void fences_are_longer_than_what_is_in_them(void **state HL_UNUSED)
{
    static const char text[] = "a\n````\n/close\nb";
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);

    hl_markdown_fence(&out, "text", text, strlen(text));
    assert_string_equal(hl_text_get(&out), "`````text\na\n````\n /close\nb\n`````\n");
}

/* Escaped first, the redactor would not know them again. */
static void secrets_are_masked_before_anything_is_escaped(void **state HL_UNUSED)
{
    static const char secret[] = "p|ss`wo@rd";
    struct hl_redactor *redactor = hl_redactor_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ROOM);

    hl_redactor_add(redactor, secret, strlen(secret));
    hl_markdown_code(&out, redactor, "a p|ss`wo@rd b", 0);
    hl_markdown_prose(&out, redactor, "a p|ss`wo@rd b", 0);
    hl_markdown_html_code(&out, redactor, "a p|ss`wo@rd b", 0);
    hl_redactor_free(redactor);
    assert_string_equal(hl_text_get(&out), "`a (sensitive) b`a (sensitive) b<code>a &#40;sensitive&#41; b</code>");
}

static const struct CMUnitTest markdown_text_tests[] = {
    cmocka_unit_test(names_are_only_themselves),
    cmocka_unit_test(long_names_are_cut_between_characters),
    cmocka_unit_test(sentences_hold_no_marks),
    cmocka_unit_test(long_sentences_are_cut),
    cmocka_unit_test(fences_are_longer_than_what_is_in_them),
    cmocka_unit_test(secrets_are_masked_before_anything_is_escaped),
};

const struct hl_tests hl_tests_markdown_text = {markdown_text_tests, HL_COUNT(markdown_text_tests)};
