/* Bodies as Go's encoding/json reads them into structs: keys in any case, unknown ones dropped, null as absent, the rest after the first
 * value ignored, and one message for all that is wrong. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>
#include <strings.h>

/* The length of the first value: Go's decoder looks no further. */
static size_t first_value(const char *text, size_t length)
{
    size_t at = 0, depth = 0;
    bool in_text = false;

    while (at < length && strchr(" \t\r\n", text[at]) != NULL)
        at++;
    if (at == length || (text[at] != '{' && text[at] != '['))
        return length;
    for (; at < length; at++) {
        if (in_text && text[at] == '\\')
            at++;
        else if (text[at] == '"')
            in_text = !in_text;
        else if (!in_text && (text[at] == '{' || text[at] == '['))
            depth++;
        else if (!in_text && (text[at] == '}' || text[at] == ']') && --depth == 0)
            return at + 1;
    }
    return length;
}

static bool decode_object(struct hl_arena *arena, const struct netbird_field *fields, const struct hl_value *value, struct hl_value **out);

static bool decode_texts(struct hl_arena *arena, const struct hl_value *value, struct hl_value **out)
{
    if (value->type != HL_LIST)
        return false;
    *out = hl_value_list(arena);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        struct hl_value *item = hl_value_item(value, i);

        if (item->type != HL_TEXT && item->type != HL_NULL)
            return false;
        hl_value_list_add(arena, *out, item->type == HL_NULL ? hl_value_text(arena, "") : item);
    }
    return true;
}

static bool decode_objects(struct hl_arena *arena, const struct netbird_field *fields, const struct hl_value *value, struct hl_value **out)
{
    if (value->type != HL_LIST)
        return false;
    *out = hl_value_list(arena);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        struct hl_value *item = NULL;

        if (!decode_object(arena, fields, hl_value_item(value, i), &item))
            return false;
        hl_value_list_add(arena, *out, item);
    }
    return true;
}

static bool decode_lists(struct hl_arena *arena, const struct hl_value *value, struct hl_value **out)
{
    if (value->type != HL_MAP)
        return false;
    *out = hl_value_map(arena);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        struct hl_value *texts = NULL;

        if (!decode_texts(arena, hl_value_at(value, i), &texts))
            return false;
        hl_value_map_put(*out, hl_value_key(value, i), texts);
    }
    return true;
}

static bool decode_field(struct hl_arena *arena, const struct netbird_field *field, struct hl_value *value, struct hl_value **out)
{
    *out = value;
    switch (field->shape) {
    case NETBIRD_TEXT:
        return value->type == HL_TEXT;
    case NETBIRD_BOOL:
        return value->type == HL_BOOL;
    case NETBIRD_INT:
        return value->type == HL_INT;
    case NETBIRD_TEXTS:
        return decode_texts(arena, value, out);
    case NETBIRD_OBJECT:
        return decode_object(arena, field->fields, value, out);
    case NETBIRD_OBJECTS:
        return decode_objects(arena, field->fields, value, out);
    case NETBIRD_LISTS:
        return decode_lists(arena, value, out);
    }
    return false;
}

static const struct netbird_field *find_field(const struct netbird_field *fields, const char *key)
{
    for (; fields->name != NULL; fields++)
        if (strcasecmp(fields->name, key) == 0)
            return fields;
    return NULL;
}

static bool decode_object(struct hl_arena *arena, const struct netbird_field *fields, const struct hl_value *value, struct hl_value **out)
{
    *out = hl_value_map(arena);
    if (value->type == HL_NULL)
        return true;
    if (value->type != HL_MAP)
        return false;
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct netbird_field *field = find_field(fields, hl_value_key(value, i));
        struct hl_value *decoded = NULL;

        if (field == NULL || hl_value_at(value, i)->type == HL_NULL)
            continue;
        if (!decode_field(arena, field, hl_value_at(value, i), &decoded))
            return false;
        hl_value_map_put(*out, field->name, decoded);
    }
    return true;
}

static struct hl_value *parse(struct netbird_call *c)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    return hl_json_decode(c->arena, c->call->body, first_value(c->call->body, c->call->body_length), &value, &err) ? value : NULL;
}

struct hl_value *netbird_body_or_say(struct netbird_call *c, const struct netbird_field *fields, const char *message)
{
    const struct hl_value *value = parse(c);
    struct hl_value *out = NULL;

    if (value != NULL && decode_object(c->arena, fields, value, &out))
        return out;
    netbird_fail_verbatim(c, 400, "%s", message);
    return NULL;
}

struct hl_value *netbird_body(struct netbird_call *c, const struct netbird_field *fields)
{
    return netbird_body_or_say(c, fields, "couldn't parse JSON request");
}

struct hl_value *netbird_body_or_drop(struct netbird_call *c, const struct netbird_field *fields)
{
    const struct hl_value *value = parse(c);

    if (value == NULL || value->type != HL_NULL)
        return netbird_body(c, fields);
    netbird_drop_connection(c);
    return NULL;
}

const char *netbird_text(const struct hl_value *map, const char *key)
{
    const char *text = hl_value_get_text(map, key);

    return text == NULL ? "" : text;
}

struct hl_value *netbird_texts(struct netbird_call *c, const struct hl_value *map, const char *key)
{
    struct hl_value *list = hl_value_get(map, key);

    return list == NULL ? hl_value_list(c->arena) : list;
}
