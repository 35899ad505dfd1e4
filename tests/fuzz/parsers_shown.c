#include "config.h"

#include "tests/fuzz/parsers.h"

#include "reconcile/render/markdown_text.h"
#include "reconcile/render/unified.h"
#include "schema/base/redact.h"

#include <assert.h>
#include <string.h>

enum { LEAST_SECRET = 6 }; /* what is shorter cannot be told from other text */

/* The first line is a secret, the rest a text: nothing of the secret is left in it. */
void fuzz_redactor(struct hl_arena *arena, const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    const size_t secret = end != NULL ? (size_t)(end - text) : 0;
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_redactor *redactor = hl_redactor_new();

    (void)arena;
    if (end != NULL && secret >= LEAST_SECRET) {
        hl_redactor_add(redactor, text, secret);
        hl_redact(redactor, &masked, end + 1, length - secret - 1);
        /* Unless it is a part of the word that stands in its place. */
        if (memmem(HL_REDACTED HL_REDACTED, 2 * strlen(HL_REDACTED), text, secret) == NULL && secret > strlen(HL_REDACTED))
            assert(masked.length == 0 || memmem(masked.data, masked.length, text, secret) == NULL);
    }
    hl_redactor_free(redactor);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Whatever is put in, it is one line, without HTML, and no longer than asked for. */
void fuzz_markdown(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(text) struct hl_text code = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text prose = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text html = HL_TEXT_INIT(HL_MAX_RENDER);

    (void)arena;
    (void)length;
    hl_markdown_code(&code, NULL, text, 200);
    hl_markdown_prose(&prose, NULL, text, 200);
    hl_markdown_html_code(&html, NULL, text, 200);
    assert(strpbrk(hl_text_get(&code), "\r\n\033") == NULL && strpbrk(hl_text_get(&prose), "\r\n\033") == NULL);
    assert(code.length <= 200 && prose.length <= 200 && html.length <= 200);
    assert(count_of(hl_text_get(&html), "<") == 2 + count_of(hl_text_get(&html), "<!-- -->"));
}

static void count_line(void *context, enum hl_diff_mark mark, const char *text, size_t length)
{
    struct hl_diff_count *count = context;

    (void)text;
    (void)length;
    count->added += mark == HL_DIFF_NEW;
    count->removed += mark == HL_DIFF_OLD;
}

/* Two texts with a NUL between. */
void fuzz_diff(struct hl_arena *arena, const char *text, size_t length)
{
    const size_t first = strlen(text);
    struct hl_diff_count shown = {0};
    struct hl_lines before;
    struct hl_lines after;

    hl_lines_init(&before, arena);
    hl_lines_init(&after, arena);
    hl_lines_split(&before, text, first);
    if (first < length)
        hl_lines_split(&after, text + first + 1, length - first - 1);
    const struct hl_diff_count count = hl_diff_lines(&before, &after, 3, count_line, &shown);
    assert(count.added == shown.added && count.removed == shown.removed);
    assert(before.count + count.added == after.count + count.removed);
}
