/* Colours, widths and columns: what all text for people is laid out with. Private to render and cli. */
#ifndef HL_RECONCILE_RENDER_LAYOUT_H
#define HL_RECONCILE_RENDER_LAYOUT_H

#include "schema/base/arena.h"
#include "schema/base/text.h"

enum hl_paint { HL_PAINT_NONE, HL_PAINT_RED, HL_PAINT_GREEN, HL_PAINT_YELLOW, HL_PAINT_BLUE, HL_PAINT_DIM, HL_PAINT_BOLD, HL_PAINTS };

void hl_paint(struct hl_text *out, bool color, enum hl_paint paint, const char *text);
void hl_paint_begin(struct hl_text *out, bool color, enum hl_paint paint);
void hl_paint_end(struct hl_text *out, bool color, enum hl_paint paint);

/* Columns that `text` takes on a terminal: wide characters two, combining ones and our own colour sequences none. */
size_t hl_width(const char *text, size_t length);
/* Blanks until the `from`-th byte of `out` onwards is `width` columns wide. */
void hl_pad(struct hl_text *out, size_t from, size_t width);
void hl_spaces(struct hl_text *out, size_t count);
/* Escapes control characters (hl_text_put_escaped) of a C string; NULL is nothing. */
void hl_put_safe(struct hl_text *out, const char *text);
/* Words of `text`, escaped, beginning at column `column`; lines that would pass `width` (0: never) go on at `indent`. No line end behind. */
void hl_put_wrapped(struct hl_text *out, const char *text, size_t column, size_t indent, size_t width);
/* "1 error", "2 errors" */
void hl_put_count(struct hl_text *out, size_t count, const char *noun);

/* A table with aligned columns; cells are escaped when they are put in. */
struct hl_table {
    struct hl_arena *arena;
    size_t columns;
    const char **cells;
    size_t rows, capacity;
};
void hl_table_init(struct hl_table *table, struct hl_arena *arena, size_t columns);
/* `cells` holds table->columns texts; NULL is an empty cell. */
void hl_table_add(struct hl_table *table, const char *const *cells);
/* The first row is the head when `head` is true. */
void hl_table_render(struct hl_text *out, const struct hl_table *table, bool head, bool color, size_t indent);

#endif
