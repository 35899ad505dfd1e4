#include "config.h"

#include "reconcile/render/unified.h"
#include "schema/base/text.h"
#include "tests/unit/render/tests.h"

#include <string.h>

static void put(void *context, enum hl_diff_mark mark, const char *text, size_t length)
{
    struct hl_text *out = context;

    if (mark != HL_DIFF_GAP)
        hl_text_printf(out, "%c", (int)mark);
    hl_text_append(out, text, length);
    hl_text_putc(out, '\n');
}

static struct hl_diff_count diff(struct hl_text *out, const char *a, const char *b, size_t around)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_lines before, after;

    hl_lines_init(&before, arena);
    hl_lines_init(&after, arena);
    hl_lines_split(&before, a, strlen(a));
    hl_lines_split(&after, b, strlen(b));
    return hl_diff_lines(&before, &after, around, put, out);
}

static void lines_are_compared(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *before, *after, *expected;
    } rows[] = {
        {"equal", "a\nb\n", "a\nb\n", ""},
        {"both empty", "", "", ""},
        {"all new", "", "a\n", "+a\n"},
        {"all gone", "a\n", "", "-a\n"},
        {"one changed", "a\nb\nc\n", "a\nx\nc\n", " a\n-b\n+x\n c\n"},
        {"one added", "a\nc\n", "a\nb\nc\n", " a\n+b\n c\n"},
        {"no line end at the end", "a\nb", "a\nc", " a\n-b\n+c\n"},
        {"far apart", "a\n1\n2\n3\n4\n5\nb\n", "x\n1\n2\n3\n4\n5\ny\n", "@@ -1,2 +1,2 @@\n-a\n+x\n 1\n@@ -6,2 +6,2 @@\n 5\n-b\n+y\n"},
        {"near enough for one hunk", "a\n1\n2\nb\n", "x\n1\n2\ny\n", "-a\n+x\n 1\n 2\n-b\n+y\n"},
        {"moved", "a\nb\nc\n", "c\na\nb\n", "+c\n a\n b\n-c\n"},
        {"in the middle", "1\n2\n3\n4\n5\n", "1\n2\nx\n4\n5\n", "@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

        (void)diff(&out, rows[i].before, rows[i].after, 1);
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s:\n%s", rows[i].label, hl_text_get(&out));
    }
}

/* Whatever the two texts are: dropping the added lines gives the first, dropping the removed ones the second. */
static void a_diff_holds_both_texts(void **state HL_UNUSED)
{
    unsigned seed = 7;

    for (int round = 0; round < 200; round++) {
        char a[64] = "";
        char b[64] = "";
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
        hl_auto(text) struct hl_text first = HL_TEXT_INIT(65536);
        hl_auto(text) struct hl_text second = HL_TEXT_INIT(65536);

        for (size_t i = 0; i + 2 < sizeof(a); i += 2) {
            seed = seed * 1103515245u + 12345u;
            a[i] = (char)('a' + (seed >> 16) % 4);
            b[i] = (char)('a' + (seed >> 20) % 4);
            a[i + 1] = b[i + 1] = '\n';
        }
        (void)diff(&out, a, b, 1000);
        for (const char *line = hl_text_get(&out); *line != '\0'; line += 3) {
            if (line[0] != '+')
                hl_text_append(&first, line + 1, 2);
            if (line[0] != '-')
                hl_text_append(&second, line + 1, 2);
        }
        if (out.length > 0) {
            assert_string_equal(hl_text_get(&first), a);
            assert_string_equal(hl_text_get(&second), b);
        }
    }
}

static void large_texts_stay_cheap(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text a = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text b = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    for (int i = 0; i < 20000; i++) {
        hl_text_printf(&a, "a%d\n", i);
        hl_text_printf(&b, "b%d\n", i);
    }

    const struct hl_diff_count count = diff(&out, hl_text_get(&a), hl_text_get(&b), 3);

    assert_int_equal(count.added, 20000);
    assert_int_equal(count.removed, 20000);
}

static const struct CMUnitTest unified_tests[] = {
    cmocka_unit_test(lines_are_compared),
    cmocka_unit_test(a_diff_holds_both_texts),
    cmocka_unit_test(large_texts_stay_cheap),
};

const struct hl_tests hl_tests_unified = {unified_tests, HL_COUNT(unified_tests)};
