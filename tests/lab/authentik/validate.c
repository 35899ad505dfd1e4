/* A model's fields as Django REST framework checks them, with its words. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLUG_LENGTH = 255, UUID_LENGTH = 36 };

/* One value on its way. */
struct checking {
    struct authentik_call *c;
    const struct authentik_table *table;
    const struct authentik_field *field;
    const struct hl_value *object; /* NULL: a new one */
    struct hl_value *errors;
};

void authentik_complain(struct hl_arena *arena, struct hl_value *errors, const char *field, const char *format, ...)
{
    struct hl_value *list = hl_value_get(errors, field);
    va_list args;

    if (list == NULL) {
        list = hl_value_list(arena);
        hl_value_map_put(errors, field, list);
    }
    va_start(args, format);
    hl_value_list_add(arena, list, hl_value_text(arena, hl_arena_vprintf(arena, format, args)));
    va_end(args);
}

static struct hl_value *wrong(const struct checking *checking, const char *words)
{
    authentik_complain(checking->c->arena, checking->errors, checking->field->name, "%s", words);
    return NULL;
}

/* --- Types --- */

static struct hl_value *trimmed(struct hl_arena *arena, const char *text)
{
    size_t length = 0;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    return hl_value_bytes(arena, text, length);
}

static bool is_choice(const char *const *choices, const char *text)
{
    for (; *choices != NULL; choices++)
        if (strcmp(*choices, text) == 0)
            return true;
    return false;
}

static bool is_slug(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static struct hl_value *check_text(const struct checking *checking, const struct hl_value *value)
{
    struct hl_arena *arena = checking->c->arena;
    const struct authentik_field *field = checking->field;

    if (value->type != HL_TEXT && value->type != HL_INT)
        return wrong(checking, "Not a valid string.");
    struct hl_value *text = trimmed(arena, hl_value_to_text(arena, value));
    if (field->choices != NULL) {
        if (is_choice(field->choices, text->text.data))
            return text;
        return wrong(checking, hl_arena_printf(arena, "\"%s\" is not a valid choice.", text->text.data));
    }
    if (text->text.length == 0)
        return field->blank ? text : wrong(checking, "This field may not be blank.");
    if (field->type != AUTHENTIK_SLUG)
        return text;
    if (!is_slug(text->text.data))
        return wrong(checking, "Enter a valid \342\200\234slug\342\200\235 consisting of letters, numbers, underscores or hyphens.");
    return text->text.length <= SLUG_LENGTH ? text : wrong(checking, "Ensure this field has no more than 255 characters.");
}

static struct hl_value *check_bool(const struct checking *checking, const struct hl_value *value)
{
    const char *text = hl_value_to_text(checking->c->arena, value);

    if (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "1") == 0))
        return hl_value_bool(checking->c->arena, true);
    if (text != NULL && (strcmp(text, "false") == 0 || strcmp(text, "False") == 0 || strcmp(text, "0") == 0))
        return hl_value_bool(checking->c->arena, false);
    return wrong(checking, "Must be a valid boolean.");
}

static struct hl_value *check_int(const struct checking *checking, const struct hl_value *value)
{
    const char *text = hl_value_to_text(checking->c->arena, value);
    int64_t number = 0;

    if (text == NULL || !hl_parse_int(text, INT32_MIN, INT32_MAX, &number))
        return wrong(checking, "A valid integer is required.");
    return hl_value_int(checking->c->arena, number);
}

/* "2026-01-31T10:00:00Z", with any fraction; other offsets are not needed here. */
static struct hl_value *check_time(const struct checking *checking, const struct hl_value *value)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;

    if (!hl_value_is(value, HL_TEXT) || sscanf(value->text.data, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
        used != 19)
        return wrong(checking, "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].");
    return hl_value_copy(checking->c->arena, value);
}

static bool is_uuid(const char *text)
{
    return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdefABCDEF-") == UUID_LENGTH;
}

static struct hl_value *check_key(const struct checking *checking, const struct hl_value *value)
{
    struct hl_arena *arena = checking->c->arena;
    const struct authentik_table *table = authentik_table_find(checking->field->refers);
    const char *text = hl_value_to_text(arena, value);
    int64_t number = 0;

    if (text == NULL || (table->numbered && !hl_parse_int(text, 0, INT32_MAX, &number)))
        return wrong(checking, "Incorrect type. Expected pk value, received str.");
    if (!table->numbered && !is_uuid(text))
        return wrong(checking, hl_arena_printf(arena, "\342\200\234%s\342\200\235 is not a valid UUID.", text));
    if (hl_value_get(authentik_rows(checking->c->authentik, table->name), text) == NULL)
        return wrong(checking, hl_arena_printf(arena, "Invalid pk \"%s\" - object does not exist.", text));
    return table->numbered ? hl_value_int(arena, number) : hl_value_text(arena, text);
}

static struct hl_value *check_keys(const struct checking *checking, const struct hl_value *value)
{
    struct hl_value *list = hl_value_list(checking->c->arena);

    if (value->type != HL_LIST)
        return wrong(checking, "Expected a list of items but got type \"str\".");
    for (size_t i = 0; i < hl_value_count(value); i++) {
        struct hl_value *key = check_key(checking, hl_value_item(value, i));
        if (key == NULL)
            return NULL;
        hl_value_list_add(checking->c->arena, list, key);
    }
    return list;
}

static struct hl_value *check_type(const struct checking *checking, const struct hl_value *value)
{
    switch (checking->field->type) {
    case AUTHENTIK_TEXT:
    case AUTHENTIK_SLUG:
        return check_text(checking, value);
    case AUTHENTIK_BOOL:
        return check_bool(checking, value);
    case AUTHENTIK_INT:
        return check_int(checking, value);
    case AUTHENTIK_TIME:
        return check_time(checking, value);
    case AUTHENTIK_KEY:
        return check_key(checking, value);
    case AUTHENTIK_KEYS:
        return check_keys(checking, value);
    case AUTHENTIK_ANY:
        break;
    }
    return hl_value_copy(checking->c->arena, value);
}

/* --- One field, all fields --- */

static void check_unique(const struct checking *checking, const struct hl_value *value)
{
    struct authentik *authentik = checking->c->authentik;
    const char *name = checking->field->name;
    const char *label = checking->field->label != NULL ? checking->field->label : name;
    const struct hl_value *rows = authentik_rows(authentik, checking->table->name);

    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const struct hl_value *row = hl_value_at(rows, i);
        const bool itself = checking->object != NULL && hl_value_equal(hl_value_get(row, "pk"), hl_value_get(checking->object, "pk"));
        if (!itself && hl_value_equal(hl_value_get(row, name), value)) {
            authentik_complain(checking->c->arena, checking->errors, name, "%s with this %s already exists.", checking->table->model, label);
            return;
        }
    }
}

static void check_field(const struct checking *checking, const struct hl_value *sent, struct hl_value *out)
{
    const struct authentik_field *field = checking->field;

    if (sent->type == HL_NULL) {
        if (field->nullable)
            hl_value_map_put(out, field->name, hl_value_null(checking->c->arena));
        else
            wrong(checking, "This field may not be null.");
        return;
    }
    struct hl_value *value = check_type(checking, sent);
    if (value == NULL)
        return;
    if (field->unique)
        check_unique(checking, value);
    hl_value_map_put(out, field->name, value);
}

static struct hl_value *fallback_of(struct hl_arena *arena, const struct authentik_field *field)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (field->fallback == NULL)
        return hl_value_null(arena);
    if (!hl_json_decode(arena, field->fallback, strlen(field->fallback), &value, &err))
        abort(); /* the row is wrong */
    return value;
}

struct hl_value *authentik_validate(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *body, const struct hl_value *object,
                                    bool partial, struct hl_value *errors)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (const struct authentik_field *field = table->fields; field->name != NULL; field++) {
        const struct checking checking = {.c = c, .table = table, .field = field, .object = object, .errors = errors};
        const struct hl_value *sent = hl_value_get(body, field->name);
        if (field->read_only && object == NULL)
            hl_value_map_put(out, field->name, fallback_of(c->arena, field));
        if (field->read_only)
            continue;
        if (sent != NULL)
            check_field(&checking, sent, out);
        else if (field->required && !partial)
            wrong(&checking, "This field is required.");
        else if (object == NULL)
            hl_value_map_put(out, field->name, fallback_of(c->arena, field));
    }
    if (hl_value_count(errors) == 0 && table->validate != NULL)
        (void)table->validate(c, table, out, object, errors);
    return out;
}
