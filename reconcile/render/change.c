/* One line says one field: what it is, what it becomes, where the spec says so. Three values stand there only when the world was changed behind hlrec's back.
 */
#include "config.h"

#include "reconcile/render/change.h"

#include "reconcile/render/layout.h"

#include <string.h>

enum {
    LONG_VALUE = 72,    /* a list or map whose line is longer is shown item by item */
    LONG_TEXT = 160,    /* a one-line text that is longer is shown around the difference only */
    NAME_MAXIMUM = 32,  /* columns of names that the rest is aligned to, */
    VALUE_MAXIMUM = 56, /* and of values */
    CONTEXT_LINES = 2,
    DIFF_MAXIMUM = 60, /* lines of one diff; all with -v */
    USERS_SHOWN = 3,
};

static bool is_blank(const struct hl_value *value)
{
    return value == NULL || value->type == HL_NULL;
}

static bool is_composite(const struct hl_value *value)
{
    return hl_value_is(value, HL_LIST) || hl_value_is(value, HL_MAP);
}

void hl_change_put_value(struct hl_text *out, const struct hl_field *field, const struct hl_value *value, bool sensitive)
{
    if (hl_value_is(value, HL_UNKNOWN)) {
        hl_text_puts(out, "(known after apply: ");
        hl_put_safe(out, value->unknown);
        hl_text_putc(out, ')');
    } else if (is_blank(value)) {
        hl_text_puts(out, "(unset)");
    } else if (sensitive || value->sensitive) {
        hl_text_puts(out, HL_REDACTED);
    } else {
        hl_auto(text) struct hl_text raw = HL_TEXT_INIT(HL_MAX_RENDER);

        hl_field_format(&raw, field, value);
        hl_text_put_escaped(out, hl_text_get(&raw), raw.length);
    }
}

/* ---- lines ---- */

static const struct hl_field *item_of(struct hl_arena *arena, const struct hl_field *field, const char *name)
{
    const struct hl_field *member = field->type == HL_F_OBJECT && field->fields != NULL ? hl_field_find(field->fields, name, false) : NULL;

    if (member != NULL)
        return member;

    struct hl_field *item = hl_arena_alloc(arena, sizeof(*item));

    *item = *field;
    item->type = field->type == HL_F_LIST || field->type == HL_F_MAP ? field->item : HL_F_ANY;
    item->item = HL_F_ANY;
    return item;
}

void hl_change_lines(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *value, struct hl_lines *out)
{
    if (hl_value_is(value, HL_TEXT) && !value->sensitive) {
        hl_lines_split(out, value->text.data, value->text.length);
        return;
    }
    for (size_t i = 0; is_composite(value) && i < hl_value_count(value); i++) {
        const bool list = value->type == HL_LIST;
        const char *key = list ? "" : hl_value_key(value, i);
        hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_RENDER);

        if (!list)
            hl_text_printf(&line, "%s: ", key);
        hl_field_format(&line, item_of(arena, field, key), list ? hl_value_item(value, i) : hl_value_at(value, i));
        hl_lines_add(out, hl_arena_copy(arena, hl_text_get(&line), line.length), line.length);
    }
}

static bool has_lines(const struct hl_value *value)
{
    return hl_value_is(value, HL_TEXT) && value->text.length > 0 && memchr(value->text.data, '\n', value->text.length - 1) != NULL;
}

static size_t formatted_length(const struct hl_field *field, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_change_put_value(&text, field, value, false);
    return text.length;
}

bool hl_change_is_block(const struct hl_change *change)
{
    const struct hl_value *before = change->live;
    const struct hl_value *after = change->desired;

    if (change->sensitive || is_blank(before) || is_blank(after) || after->type == HL_UNKNOWN)
        return false;
    if (has_lines(before) || has_lines(after))
        return hl_value_is(before, HL_TEXT) && hl_value_is(after, HL_TEXT);
    return is_composite(before) && is_composite(after) &&
           (formatted_length(change->field, before) > LONG_VALUE || formatted_length(change->field, after) > LONG_VALUE);
}

/* ---- one row ---- */

struct row {
    const struct hl_change *change;
    const char *name, *value;
    const char *tail;
    bool block;
};

/* A text on one side of a change: what both sides have in common at their ends is cut when it is long. */
static void put_shortened(struct hl_text *out, const char *text, size_t head, size_t tail, bool cut)
{
    enum { KEEP = 24 };
    const size_t length = strlen(text);
    size_t from = head > KEEP ? head - KEEP : 0;
    size_t to = tail > KEEP ? length - tail + KEEP : length;

    /* Not within a character. */
    while (from > 0 && ((unsigned char)text[from] & 0xc0) == 0x80)
        from--;
    while (to < length && ((unsigned char)text[to] & 0xc0) == 0x80)
        to++;
    if (cut && to - from > LONG_TEXT) {
        to = from + LONG_TEXT;
        while (to > from && ((unsigned char)text[to] & 0xc0) == 0x80)
            to--;
    }
    hl_text_puts(out, from > 0 ? "..." : "");
    hl_text_append(out, text + from, to - from);
    hl_text_puts(out, to < length ? "..." : "");
}

/* "netbirdio/netbird-proxy:0.66.0" -> "...:0.66.1" needs the name once: where only what follows the last colon differs, gives its start in both. */
static size_t shared_prefix(const char *before, const char *after)
{
    const char *colon = strrchr(after, ':');
    const size_t length = colon == NULL ? 0 : (size_t)(colon - after) + 1;

    if (length < 12 || strncmp(before, after, length) != 0)
        return 0;
    return strpbrk(before + length, "/: \"") == NULL && strpbrk(after + length, "/: \"") == NULL && after[length] != '\0' ? length : 0;
}

struct sides {
    const char *desired, *recorded, *live;
};

static const char *side(struct hl_arena *arena, const struct hl_change *change, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_change_put_value(&text, change->field, value, change->sensitive);
    return hl_arena_copy(arena, hl_text_get(&text), text.length);
}

static bool is_long(const struct sides *sides)
{
    return strlen(sides->desired) > LONG_TEXT || strlen(sides->live) > LONG_TEXT || strlen(sides->recorded) > LONG_TEXT;
}

static void put_pair(struct hl_text *out, const char *before, const char *after, bool cut)
{
    const size_t before_length = strlen(before);
    const size_t after_length = strlen(after);
    const size_t shorter = before_length < after_length ? before_length : after_length;
    size_t head = 0;
    size_t tail = 0;

    while (cut && head < shorter && before[head] == after[head])
        head++;
    while (cut && tail < shorter - head && before[before_length - 1 - tail] == after[after_length - 1 - tail])
        tail++;
    put_shortened(out, before, head, tail, cut);
    hl_text_puts(out, " -> ");
    put_shortened(out, after, head, tail, cut);
}

/* Two values that look alike only because they are masked. */
static bool both_masked(const struct hl_change *change)
{
    return change->sensitive && !is_blank(change->live) && !is_blank(change->desired) && change->desired->type != HL_UNKNOWN;
}

static bool shows_three(const struct hl_change *change, const struct hl_change_look *look)
{
    return !look->drift && change->origin != HL_ORIGIN_SPEC && !hl_change_is_age(change) && !is_blank(change->recorded) && !change->sensitive;
}

static void put_drift(struct hl_text *out, const struct hl_change *change, const struct sides *sides)
{
    if (change->sensitive && !is_blank(change->live))
        hl_text_puts(out, "(sensitive), changed");
    else
        hl_text_printf(out, "recorded %s | live %s", sides->recorded, sides->live);
}

static const char *format_value(struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look)
{
    const struct sides sides = {side(arena, change, change->desired), side(arena, change, change->recorded), side(arena, change, change->live)};
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const bool cut = is_long(&sides) && !look->look.verbose;
    const size_t prefix = shared_prefix(sides.live, sides.desired);

    if (look->drift)
        put_drift(&out, change, &sides);
    else if (is_blank(change->live) && is_blank(change->recorded))
        put_shortened(&out, sides.desired, 0, 0, cut);
    else if (both_masked(change))
        hl_text_puts(&out, "(sensitive), changed");
    else if (shows_three(change, look) && !cut && change->unasked)
        hl_text_printf(&out, "recorded %s | live %s -> %s", sides.recorded, sides.live, sides.desired);
    else if (shows_three(change, look) && !cut)
        hl_text_printf(&out, "spec %s | recorded %s | live %s -> %s", sides.desired, sides.recorded, sides.live, sides.desired);
    else if (prefix > 0 && !cut)
        hl_text_printf(&out, "%s -> %s", sides.live, sides.desired + prefix);
    else
        put_pair(&out, sides.live, sides.desired, cut);
    return hl_arena_copy(arena, hl_text_get(&out), out.length);
}

static const char *format_tail(struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look, bool block)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (look->file != NULL && change->at.line > 0) {
        hl_put_safe(&out, look->file);
        hl_text_printf(&out, ":%u", change->at.line);
    }
    if (change->forces_replacement)
        hl_text_printf(&out, "%scannot change in place", out.length > 0 ? "  " : "");
    if (!look->drift && change->origin != HL_ORIGIN_SPEC && !hl_change_is_age(change) && (block || !shows_three(change, look)))
        hl_text_printf(&out, "%s%s", out.length > 0 ? "  " : "", change->origin == HL_ORIGIN_DRIFT ? "drift" : "spec and drift");
    return hl_arena_copy(arena, hl_text_get(&out), out.length);
}

/* ---- blocks ---- */

struct block {
    struct hl_text *out;
    const struct hl_change_look *look;
    size_t shown, hidden;
};

static void put_diff_line(void *context, enum hl_diff_mark mark, const char *text, size_t length)
{
    struct block *block = context;
    const bool color = block->look->look.color;
    enum hl_paint paint = HL_PAINT_NONE;

    if (!block->look->look.verbose && block->shown >= DIFF_MAXIMUM) {
        block->hidden++;
        return;
    }
    block->shown++;
    if (mark == HL_DIFF_OLD)
        paint = HL_PAINT_RED;
    else if (mark == HL_DIFF_NEW)
        paint = HL_PAINT_GREEN;
    else if (mark == HL_DIFF_GAP)
        paint = HL_PAINT_DIM;
    hl_spaces(block->out, block->look->indent + 2);
    hl_paint_begin(block->out, color, paint);
    if (mark != HL_DIFF_GAP)
        hl_text_printf(block->out, "%c", (int)mark);
    hl_text_put_escaped(block->out, text, length);
    hl_paint_end(block->out, color, paint);
    hl_text_putc(block->out, '\n');
}

static void block_sides(struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look, struct hl_lines *before,
                        struct hl_lines *after)
{
    hl_lines_init(before, arena);
    hl_lines_init(after, arena);
    hl_change_lines(arena, change->field, look->drift ? change->recorded : change->live, before);
    hl_change_lines(arena, change->field, look->drift ? change->live : change->desired, after);
}

static void put_block(struct hl_text *out, struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look)
{
    struct block block = {.out = out, .look = look};
    struct hl_lines before, after;

    block_sides(arena, change, look, &before, &after);
    hl_diff_lines(&before, &after, CONTEXT_LINES, put_diff_line, &block);
    if (block.hidden > 0) {
        hl_spaces(out, look->indent + 2);
        hl_text_printf(out, "... %zu more lines; -v shows all\n", block.hidden);
    }
}

static const char *block_summary(struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look)
{
    struct hl_lines before, after;

    block_sides(arena, change, look, &before, &after);

    const struct hl_diff_count count = hl_diff_lines(&before, &after, 0, NULL, NULL);

    if (count.added + count.removed == 0)
        return is_composite(change->live) ? "order changed" : "line ends changed";
    return hl_arena_printf(arena, "%zu %s added, %zu removed", count.added, count.added == 1 ? "line" : "lines", count.removed);
}

/* ---- all of a step ---- */

static struct row make_row(struct hl_arena *arena, const struct hl_change *change, const struct hl_change_look *look)
{
    hl_auto(text) struct hl_text name = HL_TEXT_INIT(HL_MAX_RENDER);
    struct row row = {.change = change, .block = hl_change_is_block(change)};

    hl_put_safe(&name, change->path);
    row.name = hl_arena_copy(arena, hl_text_get(&name), name.length);
    row.value = row.block ? block_summary(arena, change, look) : format_value(arena, change, look);
    row.tail = format_tail(arena, change, look, row.block);
    return row;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t width_of(const char *text)
{
    return hl_width(text, strlen(text));
}

/* A line that is too wide is broken before its last "-> ". */
static void put_broken(struct hl_text *out, const char *value, size_t indent)
{
    const char *arrow = NULL;

    for (const char *at = strstr(value, " -> "); at != NULL; at = strstr(at + 1, " -> "))
        arrow = at;
    if (arrow == NULL) {
        hl_text_puts(out, value);
        return;
    }
    hl_text_append(out, value, (size_t)(arrow - value));
    hl_text_putc(out, '\n');
    hl_spaces(out, indent > 3 ? indent - 3 : 0);
    hl_text_puts(out, arrow + 1);
}

static void put_row(struct hl_text *out, const struct row *row, const struct hl_change_look *look, size_t name_width, size_t value_width)
{
    const size_t limit = (size_t)look->look.width;
    const size_t start = look->indent + larger(name_width, width_of(row->name)) + 2;
    const bool has_tail = row->tail[0] != '\0';
    size_t from;

    hl_spaces(out, look->indent);
    from = out->length;
    hl_text_puts(out, row->name);
    hl_pad(out, from, name_width);
    hl_text_puts(out, "  ");
    from = out->length;
    if (limit > 0 && start + width_of(row->value) > limit) {
        put_broken(out, row->value, start);
    } else {
        hl_text_puts(out, row->value);
        if (has_tail && (limit == 0 || start + value_width + 2 + width_of(row->tail) <= limit))
            hl_pad(out, from, value_width);
    }
    if (has_tail) {
        hl_text_puts(out, "  ");
        hl_paint(out, look->look.color, row->change->forces_replacement ? HL_PAINT_RED : HL_PAINT_DIM, row->tail);
    }
    hl_text_putc(out, '\n');
}

void hl_changes_human(struct hl_text *out, const struct hl_changes *changes, const struct hl_change_look *look)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct row *rows = hl_arena_alloc(arena, (changes->count + 1) * sizeof(*rows));
    size_t name_width = 0;
    size_t value_width = 0;

    for (size_t i = 0; i < changes->count; i++) {
        rows[i] = make_row(arena, &changes->items[i], look);
        name_width = larger(name_width, smaller(width_of(rows[i].name), NAME_MAXIMUM));
        value_width = larger(value_width, smaller(width_of(rows[i].value), VALUE_MAXIMUM));
    }
    for (size_t i = 0; i < changes->count; i++) {
        put_row(out, &rows[i], look, name_width, value_width);
        if (rows[i].block)
            put_block(out, arena, rows[i].change, look);
    }
}

void hl_put_users(struct hl_text *text, const struct hl_step *step)
{
    size_t count = 0;

    for (; step->used_by != NULL && step->used_by[count] != NULL; count++)
        continue;
    for (size_t i = 0; i < count && i < USERS_SHOWN; i++)
        hl_text_printf(text, "%s%s", i == 0 ? "; used by " : ", ", step->used_by[i]);
    if (count > USERS_SHOWN)
        hl_text_printf(text, " and %zu more", count - USERS_SHOWN);
}
