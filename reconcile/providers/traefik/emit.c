#include "config.h"

#include "reconcile/providers/traefik/emit.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void emit_value(struct hl_text *out, const struct hl_value *value, size_t depth);

static void indent(struct hl_text *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        hl_text_puts(out, "  ");
}

static bool is_plain_rune(uint32_t rune)
{
    return rune >= 0x20 && rune != 0x7f && rune != '"' && rune != '\\' && !(rune >= 0x80 && rune < 0xa0) && rune != 0x2028 && rune != 0x2029 &&
           rune != 0xfeff && rune != 0xfffe && rune != 0xffff;
}

static void emit_escape(struct hl_text *out, uint32_t rune)
{
    if (rune == '"' || rune == '\\')
        hl_text_printf(out, "\\%c", (char)rune);
    else if (rune == '\n')
        hl_text_puts(out, "\\n");
    else if (rune == '\t')
        hl_text_puts(out, "\\t");
    else if (rune < 0x100)
        hl_text_printf(out, "\\x%02" PRIx32, rune);
    else
        hl_text_printf(out, "\\u%04" PRIx32, rune);
}

void hl_traefik_emit_text(struct hl_text *out, const char *data, size_t length)
{
    size_t size = 0;

    hl_text_putc(out, '"');
    for (size_t i = 0; i < length; i += size) {
        uint32_t rune = 0;

        size = hl_utf8_decode(data + i, length - i, &rune);
        if (size == 0) { /* checked before; a byte that is none would make the whole file unreadable */
            hl_text_puts(out, "\xef\xbf\xbd");
            size = 1;
        } else if (rune == '{' && i + 1 < length && data[i + 1] == '{') {
            hl_text_puts(out, "\\x7b");
        } else if (is_plain_rune(rune)) {
            hl_text_append(out, data + i, size);
        } else {
            emit_escape(out, rune);
        }
    }
    hl_text_putc(out, '"');
}

/* Keys that every reader of YAML takes for text. */
static bool is_plain_key(const char *key)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"};

    if (!isalpha((unsigned char)*key))
        return false;
    for (size_t i = 0; i < HL_COUNT(words); i++) {
        if (strcasecmp(words[i], key) == 0)
            return false;
    }
    for (const char *c = key; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return false;
    }
    return true;
}

static void emit_key(struct hl_text *out, const char *key)
{
    if (is_plain_key(key))
        hl_text_puts(out, key);
    else
        hl_traefik_emit_text(out, key, strlen(key));
    hl_text_putc(out, ':');
}

static void emit_entry(struct hl_text *out, const char *key, const struct hl_value *value, size_t depth)
{
    emit_key(out, key);
    emit_value(out, value, depth);
}

void hl_traefik_emit_map(struct hl_text *out, const struct hl_value *map, size_t depth)
{
    for (size_t i = 0; i < hl_value_members(map); i++) {
        indent(out, depth);
        emit_entry(out, hl_value_key(map, i), hl_value_at(map, i), depth);
    }
}

/* An item that is a map begins on the line of its dash. */
static void emit_item(struct hl_text *out, const struct hl_value *item, size_t depth)
{
    indent(out, depth);
    hl_text_putc(out, '-');
    if (!hl_value_is(item, HL_MAP) || hl_value_count(item) == 0) {
        emit_value(out, item, depth);
        return;
    }
    for (size_t i = 0; i < hl_value_members(item); i++) {
        if (i == 0)
            hl_text_putc(out, ' ');
        else
            indent(out, depth + 1);
        emit_entry(out, hl_value_key(item, i), hl_value_at(item, i), depth + 1);
    }
}

static void emit_scalar(struct hl_text *out, const struct hl_value *value)
{
    char digits[32];

    hl_text_putc(out, ' ');
    switch (value->type) {
    case HL_BOOL:
        hl_text_puts(out, value->boolean ? "true" : "false");
        break;
    case HL_INT:
        hl_text_printf(out, "%" PRId64, value->integer);
        break;
    case HL_REAL:
        hl_format_real(value->real, digits);
        hl_text_puts(out, digits);
        break;
    case HL_TEXT:
        hl_traefik_emit_text(out, value->text.data, value->text.length);
        break;
    case HL_LIST:
        hl_text_puts(out, "[]");
        break;
    case HL_MAP:
        hl_text_puts(out, "{}");
        break;
    case HL_NULL:
    case HL_UNKNOWN:
    case HL_TYPES:
        hl_text_puts(out, "null");
        break;
    }
    hl_text_putc(out, '\n');
}

/* What stands behind a key or a dash, with the end of the line. */
static void emit_value(struct hl_text *out, const struct hl_value *value, size_t depth)
{
    if (hl_value_count(value) == 0) {
        emit_scalar(out, value);
        return;
    }
    hl_text_putc(out, '\n');
    if (value->type == HL_MAP) {
        hl_traefik_emit_map(out, value, depth + 1);
        return;
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        emit_item(out, hl_value_item(value, i), depth + 1);
}
