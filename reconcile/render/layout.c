#include "config.h"

#include "reconcile/render/layout.h"

#include <string.h>
#include <wchar.h>

static const char *const sequences[] = {
    [HL_PAINT_NONE] = "",         [HL_PAINT_RED] = "\033[31m", [HL_PAINT_GREEN] = "\033[32m", [HL_PAINT_YELLOW] = "\033[33m",
    [HL_PAINT_BLUE] = "\033[34m", [HL_PAINT_DIM] = "\033[2m",  [HL_PAINT_BOLD] = "\033[1m",
};
_Static_assert(HL_COUNT(sequences) == HL_PAINTS, "a sequence for each paint");

void hl_paint_begin(struct hl_text *out, bool color, enum hl_paint paint)
{
    if (color)
        hl_text_puts(out, sequences[paint]);
}

void hl_paint_end(struct hl_text *out, bool color, enum hl_paint paint)
{
    if (color && paint != HL_PAINT_NONE)
        hl_text_puts(out, "\033[0m");
}

void hl_paint(struct hl_text *out, bool color, enum hl_paint paint, const char *text)
{
    hl_paint_begin(out, color, paint);
    hl_text_puts(out, text);
    hl_paint_end(out, color, paint);
}

/* Our own colour sequences are the only escapes that reach a laid-out text: all others were made visible before. */
static size_t skip_sequence(const char *text, size_t length)
{
    if (length < 3 || text[0] != '\033' || text[1] != '[')
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] == 'm')
            return i + 1;
    }
    return 0;
}

size_t hl_width(const char *text, size_t length)
{
    size_t width = 0;

    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t skipped = skip_sequence(text + i, length - i);

        if (skipped > 0) {
            i += skipped;
            continue;
        }

        size_t size = hl_utf8_decode(text + i, length - i, &code);
        int columns = size == 0 ? 1 : wcwidth((wchar_t)code);

        /* -1 is a character that the locale does not know; a terminal shows something for it. */
        width += columns < 0 ? 1 : (size_t)columns;
        i += size == 0 ? 1 : size;
    }
    return width;
}

void hl_spaces(struct hl_text *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hl_text_putc(out, ' ');
}

void hl_pad(struct hl_text *out, size_t from, size_t width)
{
    const size_t taken = hl_width(hl_text_get(out) + from, out->length - from);

    if (taken < width)
        hl_spaces(out, width - taken);
}

void hl_put_safe(struct hl_text *out, const char *text)
{
    if (text != NULL)
        hl_text_put_escaped(out, text, strlen(text));
}

void hl_put_wrapped(struct hl_text *out, const char *text, size_t column, size_t indent, size_t width)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);
    bool first = true;

    hl_put_safe(&safe, text);
    for (const char *word = hl_text_get(&safe); *word != '\0';) {
        const size_t length = strcspn(word, " ");
        const size_t columns = hl_width(word, length);

        if (!first && width > indent && column + 1 + columns > width) {
            hl_text_putc(out, '\n');
            hl_spaces(out, indent);
            column = indent;
        } else if (!first) {
            hl_text_putc(out, ' ');
            column++;
        }
        hl_text_append(out, word, length);
        column += columns;
        first = false;
        word += length;
        word += *word == ' ' ? 1 : 0;
    }
}

void hl_put_count(struct hl_text *out, size_t count, const char *noun)
{
    hl_text_printf(out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

void hl_table_init(struct hl_table *table, struct hl_arena *arena, size_t columns)
{
    *table = (struct hl_table){.arena = arena, .columns = columns};
}

void hl_table_add(struct hl_table *table, const char *const *cells)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);

    if (table->rows == table->capacity) {
        const size_t capacity = table->capacity == 0 ? 32 : table->capacity * 2;
        const char **larger = hl_arena_alloc(table->arena, capacity * table->columns * sizeof(*larger));

        if (table->rows > 0)
            memcpy(larger, table->cells, table->rows * table->columns * sizeof(*larger));
        table->cells = larger;
        table->capacity = capacity;
    }
    for (size_t i = 0; i < table->columns; i++) {
        hl_text_reset(&safe);
        hl_put_safe(&safe, cells[i]);
        table->cells[table->rows * table->columns + i] = hl_arena_copy(table->arena, hl_text_get(&safe), safe.length);
    }
    table->rows++;
}

static size_t column_width(const struct hl_table *table, size_t column)
{
    size_t width = 0;

    for (size_t row = 0; row < table->rows; row++) {
        const char *cell = table->cells[row * table->columns + column];
        const size_t own = hl_width(cell, strlen(cell));

        width = own > width ? own : width;
    }
    return width;
}

void hl_table_render(struct hl_text *out, const struct hl_table *table, bool head, bool color, size_t indent)
{
    hl_auto(heap) size_t *widths = hl_alloc((table->columns + 1) * sizeof(*widths));

    for (size_t i = 0; i < table->columns; i++)
        widths[i] = column_width(table, i);
    for (size_t row = 0; row < table->rows; row++) {
        const enum hl_paint paint = head && row == 0 ? HL_PAINT_BOLD : HL_PAINT_NONE;
        size_t last = table->columns; /* cells behind the last filled one are left out: no blanks at the end of a line */

        while (last > 1 && table->cells[row * table->columns + last - 1][0] == '\0')
            last--;
        hl_spaces(out, indent);
        hl_paint_begin(out, color, paint);
        for (size_t i = 0; i < last; i++) {
            const size_t from = out->length;

            hl_text_puts(out, table->cells[row * table->columns + i]);
            if (i + 1 < last)
                hl_pad(out, from, widths[i] + 2);
        }
        hl_paint_end(out, color, paint);
        hl_text_putc(out, '\n');
    }
}
