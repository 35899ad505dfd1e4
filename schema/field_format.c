/* Values as the spec would write them, on one line. */
#include "config.h"

#include "schema/decode.h"

#include "schema/base/json.h"
#include "schema/base/redact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hl_field any = {.type = HL_F_ANY};

static void format(struct hl_text *out, const struct hl_field *field, const struct hl_value *value, bool nested);

static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "~"};

    for (size_t i = 0; i < HL_COUNT(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* A character that a plain scalar can begin with; a dash can when something other than a blank or a digit follows. */
static bool begins_plain(const char *text)
{
    if (text[0] == '-')
        return text[1] != '\0' && text[1] != ' ' && !(text[1] >= '0' && text[1] <= '9');
    return strchr("?:,[]{}#&*!|>'\"%@` \t", text[0]) == NULL;
}

/* Whether a plain scalar would be read back as this text: nothing that YAML gives a meaning, no blanks at the ends, no control characters. */
static bool is_plain(const char *text, size_t length, bool nested)
{
    if (length == 0 || strlen(text) != length || !begins_plain(text) || is_word_of_yaml(text))
        return false;
    if (text[length - 1] == ' ' || text[length - 1] == ':' || strstr(text, ": ") != NULL || strstr(text, " #") != NULL)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || (nested && strchr(",[]{}", text[i]) != NULL))
            return false;
    return true;
}

static bool looks_like_number(const char *text)
{
    return strspn(text, "0123456789+-.eE_") == strlen(text) && strpbrk(text, "0123456789") != NULL;
}

static void format_text(struct hl_text *out, const struct hl_field *field, const struct hl_value *value, bool nested)
{
    const char *text = value->text.data;
    bool typed = field->type == HL_F_ANY && looks_like_number(text);

    if (is_plain(text, value->text.length, nested) && !typed)
        hl_text_append(out, text, value->text.length);
    else
        hl_json_put_string(out, text, value->text.length);
}

static void format_size(struct hl_text *out, int64_t bytes)
{
    static const char units[] = "kmgtp";
    size_t unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit < strlen(units)) {
        bytes /= 1024;
        unit++;
    }
    hl_text_printf(out, "%" PRId64, bytes);
    if (unit > 0)
        hl_text_putc(out, units[unit - 1]);
}

static void format_int(struct hl_text *out, const struct hl_field *field, int64_t integer)
{
    char duration[32];

    if (field->type == HL_F_DURATION) {
        hl_format_duration(integer, duration);
        hl_text_puts(out, duration);
    } else if (field->type == HL_F_SIZE) {
        format_size(out, integer);
    } else {
        hl_text_printf(out, "%" PRId64, integer);
    }
}

static void format_real(struct hl_text *out, double real)
{
    char digits[40];

    for (int precision = 6; precision <= 17; precision++) { /* the shortest that reads back the same */
        snprintf(digits, sizeof(digits), "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    hl_text_puts(out, digits);
}

static struct hl_field item_of(const struct hl_field *field)
{
    if (field->type != HL_F_LIST && field->type != HL_F_MAP)
        return any;
    return (struct hl_field){.type = field->item, .fields = field->fields, .sensitive = field->sensitive};
}

static void format_list(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    const struct hl_field item = item_of(field);

    hl_text_putc(out, '[');
    for (size_t i = 0; i < value->list.count; i++) {
        hl_text_puts(out, i == 0 ? "" : ", ");
        format(out, &item, value->list.items[i], true);
    }
    hl_text_putc(out, ']');
}

static void format_map(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    const struct hl_field item = item_of(field);

    hl_text_putc(out, '{');
    for (size_t i = 0; i < value->map->count; i++) {
        const struct hl_map_entry *entry = &value->map->entries[i];
        const struct hl_field *member = field->type == HL_F_OBJECT ? hl_field_find(field->fields, entry->key, false) : &item;

        hl_text_puts(out, i == 0 ? "" : ", ");
        if (is_plain(entry->key, strlen(entry->key), true))
            hl_text_puts(out, entry->key);
        else
            hl_json_put_string(out, entry->key, strlen(entry->key));
        hl_text_puts(out, ": ");
        format(out, member == NULL ? &any : member, entry->value, true);
    }
    hl_text_putc(out, '}');
}

static void format(struct hl_text *out, const struct hl_field *field, const struct hl_value *value, bool nested)
{
    if (value == NULL) {
        hl_text_puts(out, "null");
        return;
    }
    if (value->sensitive || field->sensitive) {
        hl_text_puts(out, HL_REDACTED);
        return;
    }
    switch (value->type) {
    case HL_NULL:
        hl_text_puts(out, "null");
        return;
    case HL_BOOL:
        hl_text_puts(out, value->boolean ? "true" : "false");
        return;
    case HL_INT:
        format_int(out, field, value->integer);
        return;
    case HL_REAL:
        format_real(out, value->real);
        return;
    case HL_TEXT:
        format_text(out, field, value, nested);
        return;
    case HL_LIST:
        format_list(out, field, value);
        return;
    case HL_MAP:
        format_map(out, field, value);
        return;
    case HL_UNKNOWN:
        hl_text_printf(out, "(known after apply: %s)", value->unknown);
        return;
    case HL_TYPES:
        break;
    }
    abort();
}

void hl_field_format(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    format(out, field, value, false);
}
