#include "config.h"

#include "reconcile/providers/netbird/parts.h"

#include "schema/decode.h"

#include <string.h>

static bool is_blank(const struct hl_value *value)
{
    return hl_value_is_null(value) || (value->type == HL_TEXT && value->text.length == 0);
}

/* ---- reading ---- */

void hl_netbird_take(struct hl_arena *arena, const struct hl_value *object, const char *const *names, struct hl_value *values)
{
    for (; *names != NULL; names++) {
        const struct hl_value *value = hl_value_get(object, *names);
        if (!is_blank(value))
            hl_value_map_put(values, *names, hl_value_copy(arena, value));
    }
}

bool hl_netbird_take_names(struct hl_session *session, struct hl_arena *arena, enum hl_netbird_list list, const char *name, const struct hl_value *object,
                           const struct hl_value *desired, struct hl_value *values, struct hl_error **err)
{
    const struct hl_value *ids = hl_value_get(object, name);
    struct hl_value *names = NULL;

    if (hl_value_count(ids) == 0)
        return true;
    if (!hl_netbird_names(session, list, ids, hl_value_get(desired, name), arena, &names, err))
        return false;
    hl_value_map_put(values, name, names);
    return true;
}

/* ---- writing ---- */

static struct hl_value *default_of(struct hl_arena *arena, const struct hl_field *field)
{
    if (field->fallback != NULL)
        return hl_field_fallback(arena, field);
    if (field->type == HL_F_LIST)
        return hl_value_list(arena);
    if (field->type == HL_F_BOOL)
        return hl_value_bool(arena, false);
    return field->type == HL_F_INT ? hl_value_int(arena, 0) : hl_value_text(arena, "");
}

void hl_netbird_put_field(struct hl_arena *arena, const struct hl_field *fields, const char *name, const struct hl_value *desired,
                          const struct hl_value *object, struct hl_value *body)
{
    const struct hl_value *value = hl_value_get(desired, name);

    if (value == NULL)
        value = hl_value_get(object, name);
    if (hl_value_is_null(value))
        value = default_of(arena, hl_field_find(fields, name, false));
    hl_value_map_put(body, name, hl_value_copy(arena, value));
}

void hl_netbird_put_fields(struct hl_arena *arena, const struct hl_field *fields, const char *const *names, const struct hl_value *desired,
                           const struct hl_value *object, struct hl_value *body)
{
    for (; *names != NULL; names++)
        hl_netbird_put_field(arena, fields, *names, desired, object, body);
}

bool hl_netbird_put_ids(struct hl_session *session, struct hl_arena *arena, enum hl_netbird_list list, const char *what, const char *name,
                        const struct hl_value *desired, const struct hl_value *object, struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *names = hl_value_get(desired, name);
    struct hl_value *ids = NULL;

    if (names == NULL)
        ids = hl_netbird_only_ids(arena, hl_value_get(object, name));
    else if (!hl_netbird_ids(session, list, what, names->type == HL_NULL ? NULL : names, arena, &ids, err))
        return false;
    hl_value_map_put(body, name, ids);
    return true;
}

/* ---- lists of ids ---- */

static const char *id_of(const struct hl_value *item)
{
    return hl_value_is(item, HL_TEXT) ? item->text.data : hl_value_get_text(item, "id");
}

struct hl_value *hl_netbird_only_ids(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_value *ids = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *id = id_of(hl_value_item(list, i));
        if (!hl_is_blank(id))
            hl_value_list_add(arena, ids, hl_value_text(arena, id));
    }
    return ids;
}

static bool are_among(const struct hl_map *known, const struct hl_value *list)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *id = id_of(hl_value_item(list, i));
        if (id != NULL && !hl_map_has(known, id))
            return false;
    }
    return true;
}

static struct hl_map *ids_as_map(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_map *map = hl_map_new(arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *id = id_of(hl_value_item(list, i));
        if (id != NULL)
            hl_map_put(map, id, map);
    }
    return map;
}

bool hl_netbird_same_ids(const struct hl_value *a, const struct hl_value *b)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return are_among(ids_as_map(arena, a), b) && are_among(ids_as_map(arena, b), a);
}

/* ---- checks ---- */

size_t hl_netbird_length(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0u) != 0x80u;
    return count;
}

void hl_netbird_check_some(struct hl_check *check, const struct hl_value *list)
{
    if (hl_value_is(list, HL_LIST) && hl_value_count(list) == 0)
        hl_diag_error(check->diags, list->at, "the list is empty: name one at least");
}
