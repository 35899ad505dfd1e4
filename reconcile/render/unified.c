#include "config.h"

#include "reconcile/render/unified.h"

#include "schema/base/text.h"

#include <string.h>

/* Beyond this many pairs of lines the middle is shown as removed and added whole: a diff is to be read, not to be minimal. */
enum { MAXIMUM_CELLS = 4 * 1024 * 1024 };

void hl_lines_init(struct hl_lines *lines, struct hl_arena *arena)
{
    *lines = (struct hl_lines){.arena = arena};
}

void hl_lines_add(struct hl_lines *lines, const char *text, size_t length)
{
    if (lines->count == lines->capacity) {
        const size_t capacity = lines->capacity == 0 ? 32 : lines->capacity * 2;
        const char **items = hl_arena_alloc(lines->arena, capacity * sizeof(*items));
        size_t *lengths = hl_arena_alloc(lines->arena, capacity * sizeof(*lengths));

        if (lines->count > 0) {
            memcpy(items, lines->items, lines->count * sizeof(*items));
            memcpy(lengths, lines->lengths, lines->count * sizeof(*lengths));
        }
        lines->items = items;
        lines->lengths = lengths;
        lines->capacity = capacity;
    }
    lines->items[lines->count] = text;
    lines->lengths[lines->count++] = length;
}

void hl_lines_split(struct hl_lines *lines, const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        const size_t size = end == NULL ? length : (size_t)(end - text);

        hl_lines_add(lines, text, size);
        text += size;
        length -= size;
        if (end != NULL) {
            text++;
            length--;
        }
    }
}

static bool same_line(const struct hl_lines *a, size_t i, const struct hl_lines *b, size_t j)
{
    return a->lengths[i] == b->lengths[j] && memcmp(a->items[i], b->items[j], a->lengths[i]) == 0;
}

/* One line of the script that turns `before` into `after`. */
struct edit {
    enum hl_diff_mark mark;
    size_t before, after; /* line numbers, from 0 */
};

struct script {
    struct edit *edits;
    size_t count;
};

static void add_edit(struct script *script, enum hl_diff_mark mark, size_t before, size_t after)
{
    script->edits[script->count++] = (struct edit){mark, before, after};
}

/* The lines between the common head and tail, by the longest common subsequence. */
static void compare_middle(struct script *script, const struct hl_lines *before, const struct hl_lines *after, size_t head, size_t tail)
{
    const size_t n = before->count - head - tail;
    const size_t m = after->count - head - tail;
    const size_t row = m + 1;
    const bool small = n > 0 && m > 0 && n < MAXIMUM_CELLS / row;
    hl_auto(heap) uint32_t *length = hl_alloc((small ? (n + 1) * row : 1) * sizeof(*length));
    size_t i = 0;
    size_t j = 0;

    if (small) {
        for (size_t a = n; a-- > 0;) {
            for (size_t b = m; b-- > 0;) {
                const uint32_t down = length[(a + 1) * row + b];
                const uint32_t right = length[a * row + b + 1];

                length[a * row + b] = same_line(before, head + a, after, head + b) ? length[(a + 1) * row + b + 1] + 1 : down > right ? down : right;
            }
        }
        while (i < n && j < m) {
            if (same_line(before, head + i, after, head + j)) {
                add_edit(script, HL_DIFF_SAME, head + i, head + j);
                i++;
                j++;
            } else if (length[(i + 1) * row + j] >= length[i * row + j + 1]) {
                add_edit(script, HL_DIFF_OLD, head + i, head + j);
                i++;
            } else {
                add_edit(script, HL_DIFF_NEW, head + i, head + j);
                j++;
            }
        }
    }
    for (; i < n; i++)
        add_edit(script, HL_DIFF_OLD, head + i, head + j);
    for (; j < m; j++)
        add_edit(script, HL_DIFF_NEW, head + i, head + j);
}

static void compare(struct script *script, const struct hl_lines *before, const struct hl_lines *after)
{
    const size_t shorter = before->count < after->count ? before->count : after->count;
    size_t head = 0;
    size_t tail = 0;

    while (head < shorter && same_line(before, head, after, head))
        head++;
    while (tail < shorter - head && same_line(before, before->count - 1 - tail, after, after->count - 1 - tail))
        tail++;
    for (size_t i = 0; i < head; i++)
        add_edit(script, HL_DIFF_SAME, i, i);
    compare_middle(script, before, after, head, tail);
    for (size_t i = tail; i > 0; i--)
        add_edit(script, HL_DIFF_SAME, before->count - i, after->count - i);
}

/* The hunk that begins at edit `at`: its end is where more than 2 x `around` equal lines follow. */
static size_t hunk_end(const struct script *script, size_t at, size_t around)
{
    size_t end = at;

    for (size_t i = at; i < script->count && i <= end + 2 * around; i++) {
        if (script->edits[i].mark != HL_DIFF_SAME)
            end = i + 1;
    }
    return end + around < script->count ? end + around : script->count;
}

static void visit_hunk(const struct script *script, size_t from, size_t to, const struct hl_lines *before, const struct hl_lines *after, bool whole,
                       hl_diff_line_fn *visit, void *context)
{
    hl_auto(text) struct hl_text head = HL_TEXT_INIT(256);
    size_t old_lines = 0;
    size_t new_lines = 0;

    for (size_t i = from; i < to; i++) {
        old_lines += script->edits[i].mark != HL_DIFF_NEW ? 1 : 0;
        new_lines += script->edits[i].mark != HL_DIFF_OLD ? 1 : 0;
    }
    hl_text_printf(&head, "@@ -%zu,%zu +%zu,%zu @@", script->edits[from].before + (old_lines > 0 ? 1 : 0), old_lines,
                   script->edits[from].after + (new_lines > 0 ? 1 : 0), new_lines);
    if (!whole)
        visit(context, HL_DIFF_GAP, hl_text_get(&head), head.length);
    for (size_t i = from; i < to; i++) {
        const struct edit *edit = &script->edits[i];
        const bool is_new = edit->mark == HL_DIFF_NEW;
        const struct hl_lines *side = is_new ? after : before;
        const size_t line = is_new ? edit->after : edit->before;

        visit(context, edit->mark, side->items[line], side->lengths[line]);
    }
}

struct hl_diff_count hl_diff_lines(const struct hl_lines *before, const struct hl_lines *after, size_t around, hl_diff_line_fn *visit, void *context)
{
    hl_auto(heap) struct edit *edits = hl_alloc((before->count + after->count + 1) * sizeof(*edits));
    struct script script = {.edits = edits};
    struct hl_diff_count count = {0, 0};

    compare(&script, before, after);
    for (size_t i = 0; i < script.count; i++) {
        count.removed += script.edits[i].mark == HL_DIFF_OLD ? 1 : 0;
        count.added += script.edits[i].mark == HL_DIFF_NEW ? 1 : 0;
    }
    for (size_t i = 0; visit != NULL && i < script.count; i++) {
        if (script.edits[i].mark == HL_DIFF_SAME)
            continue;

        const size_t from = i > around ? i - around : 0;
        const size_t to = hunk_end(&script, i, around);

        visit_hunk(&script, from, to, before, after, from == 0 && to == script.count, visit, context);
        i = to;
    }
    return count;
}
