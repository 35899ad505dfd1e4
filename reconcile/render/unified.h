/* A unified diff of two lists of lines. Private to render. */
#ifndef HL_RECONCILE_RENDER_UNIFIED_H
#define HL_RECONCILE_RENDER_UNIFIED_H

#include "schema/base/arena.h"

struct hl_lines {
    struct hl_arena *arena;
    const char **items;
    size_t *lengths;
    size_t count, capacity;
};

void hl_lines_init(struct hl_lines *lines, struct hl_arena *arena);
void hl_lines_add(struct hl_lines *lines, const char *text, size_t length);
/* One line for each '\n'; a last line without one is a line as well. Borrows `text`. */
void hl_lines_split(struct hl_lines *lines, const char *text, size_t length);

enum hl_diff_mark { HL_DIFF_SAME = ' ', HL_DIFF_OLD = '-', HL_DIFF_NEW = '+', HL_DIFF_GAP = '@' };

/* Called for each line to be shown, in order. For HL_DIFF_GAP the text is "@@ -1,3 +1,4 @@". */
typedef void hl_diff_line_fn(void *context, enum hl_diff_mark mark, const char *text, size_t length);
struct hl_diff_count {
    size_t added, removed;
};
/* Lines that differ, with `around` common ones around them. With NULL `visit` they are only counted. */
struct hl_diff_count hl_diff_lines(const struct hl_lines *before, const struct hl_lines *after, size_t around, hl_diff_line_fn *visit, void *context);

#endif
