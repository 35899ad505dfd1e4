#include "config.h"

#include "reconcile/render/layout.h"
#include "reconcile/render/render.h"

#include <string.h>

/* The first node that has the part says it best: it is nearest to what the person asked for. */
static const struct hl_error *node_with_place(const struct hl_error *error)
{
    while (error != NULL && error->file == NULL)
        error = error->cause;
    return error;
}

static void put_chain(struct hl_text *out, const struct hl_error *error)
{
    const char *address = NULL;

    for (const struct hl_error *node = error; node != NULL; node = node->cause) {
        if (address == NULL && node->address != NULL && strstr(node->message, node->address) == NULL) {
            address = node->address;
            hl_put_safe(out, address);
            hl_text_puts(out, ": ");
        }
        hl_put_safe(out, node->message);
        if (node->cause != NULL)
            hl_text_puts(out, ": ");
    }
    hl_text_putc(out, '\n');
}

void hl_render_error(struct hl_text *out, const struct hl_error *error, struct hl_look look)
{
    const struct hl_error *place = node_with_place(error);

    hl_paint(out, look.color, HL_PAINT_RED, "error:");
    hl_text_putc(out, ' ');
    put_chain(out, error);
    if (place != NULL) {
        hl_text_puts(out, "  at ");
        hl_put_safe(out, place->file);
        if (place->at.line > 0)
            hl_text_printf(out, ":%u:%u", place->at.line, place->at.column);
        hl_text_putc(out, '\n');
    }
    for (const struct hl_error *node = error; node != NULL; node = node->cause) {
        if (node->http != NULL) {
            hl_text_puts(out, "  ");
            hl_put_safe(out, node->http);
            hl_text_putc(out, '\n');
        }
    }
    for (const struct hl_error *node = error; node != NULL; node = node->cause) {
        if (node->hint != NULL) {
            hl_paint(out, look.color, HL_PAINT_BLUE, "hint:");
            hl_text_putc(out, ' ');
            hl_put_safe(out, node->hint);
            hl_text_putc(out, '\n');
        }
    }
}

struct hl_value *hl_render_error_json(struct hl_arena *arena, const struct hl_error *error)
{
    struct hl_value *map = hl_value_map(arena);
    hl_auto(heap) char *text = hl_error_text(error);
    const struct hl_error *place = node_with_place(error);

    hl_value_map_put_text(map, "code", hl_code_name(error->code));
    hl_value_map_put_text(map, "message", text);
    for (const struct hl_error *node = error; node != NULL; node = node->cause) {
        if (hl_value_get(map, "address") == NULL)
            hl_value_map_put_text(map, "address", node->address);
        if (hl_value_get(map, "http") == NULL)
            hl_value_map_put_text(map, "http", node->http);
        if (hl_value_get(map, "hint") == NULL)
            hl_value_map_put_text(map, "hint", node->hint);
    }
    if (place != NULL) {
        hl_value_map_put_text(map, "file", place->file);
        if (place->at.line > 0) {
            hl_value_map_put_int(map, "line", place->at.line);
            hl_value_map_put_int(map, "column", place->at.column);
        }
    }
    return map;
}

/* ---- findings ---- */

/* Paints the word behind the place, which hl_diags_format writes plain. Findings begin at a line of their own: "FILE:LINE:COLUMN: error: ". */
static void put_painted(struct hl_text *out, const struct hl_text *plain)
{
    static const struct {
        const char *word;
        enum hl_paint paint;
    } words[] = {{"error: ", HL_PAINT_RED}, {"warning: ", HL_PAINT_YELLOW}, {"hint: ", HL_PAINT_BLUE}};

    for (const char *line = hl_text_get(plain); *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        const bool quoted = line[0] == ' '; /* the spec's own text, with the caret */
        bool painted = false;

        for (size_t i = 0; !quoted && !painted && i < HL_COUNT(words); i++) {
            const char *at = strstr(line, words[i].word);

            if (at == NULL || at >= line + length || (at > line && at[-1] != ' '))
                continue;
            hl_text_append(out, line, (size_t)(at - line));
            hl_paint(out, true, words[i].paint, words[i].word);
            hl_text_append(out, at + strlen(words[i].word), length - (size_t)(at - line) - strlen(words[i].word));
            painted = true;
        }
        if (!painted)
            hl_text_append(out, line, length);
        hl_text_putc(out, '\n');
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

void hl_render_diags(struct hl_text *out, struct hl_diags *diags, const char *file, const char *source, struct hl_look look)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(HL_MAX_RENDER);
    if (diags->count == 0)
        return;
    hl_diags_sort(diags);
    hl_diags_format(&plain, diags, file, source);
    if (look.color)
        put_painted(out, &plain);
    else
        hl_text_append(out, hl_text_get(&plain), plain.length);
    hl_put_count(out, diags->errors, "error");
    hl_text_puts(out, ", ");
    hl_put_count(out, diags->count + diags->left_out - diags->errors, "warning");
    if (diags->left_out > 0)
        hl_text_printf(out, ", of which %zu are shown", diags->count);
    hl_text_putc(out, '\n');
}

struct hl_value *hl_render_diags_json(struct hl_arena *arena, const struct hl_diags *diags)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < diags->count; i++) {
        const struct hl_diag *diag = &diags->items[i];
        struct hl_value *map = hl_value_map(arena);

        hl_value_map_put_text(map, "severity", diag->severity == HL_SEVERITY_ERROR ? "error" : "warning");
        hl_value_map_put_text(map, "message", diag->message);
        hl_value_map_put_text(map, "hint", diag->hint);
        hl_value_map_put_text(map, "address", diag->address);
        hl_value_map_put_text(map, "file", diag->file);
        if (diag->at.line > 0) {
            hl_value_map_put_int(map, "line", diag->at.line);
            hl_value_map_put_int(map, "column", diag->at.column);
        }
        hl_value_list_add(arena, list, map);
    }
    if (diags->left_out > 0) {
        struct hl_value *map = hl_value_map(arena);

        hl_value_map_put_text(map, "severity", diags->errors > 0 ? "error" : "warning");
        hl_value_map_put(map, "message", hl_value_text(arena, hl_arena_printf(arena, "%zu more are left out", diags->left_out)));
        hl_value_list_add(arena, list, map);
    }
    return list;
}
