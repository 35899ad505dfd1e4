#include "config.h"

#include "reconcile/providers/traefik/shape.h"

#include "reconcile/providers/traefik/fields.h"
#include "schema/decode.h"

#include <string.h>
#include <strings.h>

struct hl_value *hl_tree_of_node(struct hl_arena *arena, const struct hl_node *node)
{
    struct hl_value *value = NULL;

    switch (node->type) {
    case HL_NODE_SCALAR:
        value = hl_decode_scalar_core(arena, node);
        value->at = (struct hl_span){0};
        return value;
    case HL_NODE_LIST:
        value = hl_value_list(arena);
        for (size_t i = 0; i < node->list.count; i++)
            hl_value_list_add(arena, value, hl_tree_of_node(arena, node->list.items[i]));
        return value;
    case HL_NODE_MAP:
        value = hl_value_map(arena);
        for (size_t i = 0; i < node->map.count; i++)
            hl_value_map_put(value, node->map.entries[i].key, hl_tree_of_node(arena, node->map.entries[i].value));
        return value;
    case HL_NODE_VALUE:
        return hl_value_copy(arena, node->value);
    }
    return hl_value_null(arena);
}

/* ---- canonical ---- */

static struct hl_value *canonical_value(struct hl_arena *arena, const struct hl_field *field, struct hl_value *value)
{
    struct hl_value *copy = NULL;

    if (field->type == HL_F_OBJECT)
        return hl_value_is(value, HL_MAP) ? hl_tree_canonical(arena, field->fields, value) : value;
    if (field->item != HL_F_OBJECT || (!hl_value_is(value, HL_LIST) && !hl_value_is(value, HL_MAP)))
        return value;
    copy = value->type == HL_LIST ? hl_value_list(arena) : hl_value_map(arena);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        if (value->type == HL_LIST)
            hl_value_list_add(arena, copy, hl_tree_canonical(arena, field->fields, hl_value_item(value, i)));
        else
            hl_value_map_put(copy, hl_value_key(value, i), hl_tree_canonical(arena, field->fields, hl_value_at(value, i)));
    }
    return copy;
}

struct hl_value *hl_tree_canonical(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree)
{
    if (!hl_value_is(tree, HL_MAP))
        return hl_value_copy(arena, tree);
    struct hl_value *copy = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(tree); i++) {
        const char *key = hl_value_key(tree, i);
        const struct hl_field *field = fields;

        while (field->name != NULL && strcasecmp(field->name, key) != 0)
            field++;
        if (field->name == NULL)
            hl_value_map_put(copy, key, hl_value_at(tree, i));
        else
            hl_value_map_put(copy, field->name, canonical_value(arena, field, hl_value_at(tree, i)));
    }
    return copy;
}

/* ---- values to tree ---- */

static struct hl_value *tree_of_duration(struct hl_arena *arena, int64_t milliseconds)
{
    if (milliseconds % 1000 == 0)
        return hl_value_printf(arena, "%llds", (long long)(milliseconds / 1000));
    return hl_value_printf(arena, "%lldms", (long long)milliseconds);
}

static struct hl_value *tree_of_value(struct hl_arena *arena, enum hl_field_type type, const struct hl_field *field, struct hl_value *value)
{
    struct hl_value *copy = NULL;

    switch (type) {
    case HL_F_DURATION:
        return hl_value_is(value, HL_INT) ? tree_of_duration(arena, value->integer) : value;
    case HL_F_OBJECT:
        return hl_tree_of_values(arena, field->fields, value);
    case HL_F_LIST:
        copy = hl_value_list(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_list_add(arena, copy, tree_of_value(arena, field->item, field, hl_value_item(value, i)));
        return copy;
    case HL_F_MAP: /* without entries it is left out: Traefik refuses `{}` */
        copy = hl_value_map(arena);
        for (size_t i = 0; i < hl_value_members(value); i++) {
            if (!hl_value_is_null(hl_value_at(value, i)))
                hl_value_map_put(copy, hl_value_key(value, i), tree_of_value(arena, field->item, field, hl_value_at(value, i)));
        }
        return hl_value_count(copy) > 0 ? copy : NULL;
    case HL_F_STRING:
    case HL_F_BOOL:
    case HL_F_INT:
    case HL_F_NUMBER:
    case HL_F_SIZE:
    case HL_F_ANY:
    case HL_FIELD_TYPES:
        break;
    }
    return value;
}

struct hl_value *hl_tree_of_values(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *values)
{
    struct hl_value *tree = hl_value_map(arena);

    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        struct hl_value *value = hl_value_get(values, field->name);

        if (!hl_value_is_null(value))
            hl_value_map_put(tree, field->name, tree_of_value(arena, field->type, field, value));
    }
    return tree;
}

/* ---- tree to values ---- */

static struct hl_value *text_of(struct hl_arena *arena, const struct hl_value *value)
{
    const char *text = hl_value_to_text(arena, value);

    return text == NULL ? hl_value_copy(arena, value) : hl_value_text(arena, text);
}

/* As Go's strconv.ParseBool. */
static struct hl_value *bool_of(struct hl_arena *arena, const struct hl_value *value)
{
    static const char *const yes[] = {"1", "t", "T", "true", "True", "TRUE"};
    static const char *const no[] = {"0", "f", "F", "false", "False", "FALSE"};
    const char *text = hl_value_to_text(arena, value);

    for (size_t i = 0; text != NULL && i < HL_COUNT(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0)
            return hl_value_bool(arena, strcmp(text, yes[i]) == 0);
    }
    return text_of(arena, value);
}

static struct hl_value *int_of(struct hl_arena *arena, const struct hl_value *value)
{
    const char *text = hl_value_to_text(arena, value);
    int64_t integer = 0;

    if (text != NULL && hl_parse_int(text, INT64_MIN, INT64_MAX, &integer))
        return hl_value_int(arena, integer);
    return text_of(arena, value);
}

static struct hl_value *duration_of(struct hl_arena *arena, const struct hl_value *value)
{
    const char *text = hl_value_to_text(arena, value);
    int64_t nanoseconds = 0;

    if (text != NULL && hl_traefik_parse_span(text, &nanoseconds) && nanoseconds % 1000000 == 0)
        return hl_value_int(arena, nanoseconds / 1000000);
    return text_of(arena, value);
}

static struct hl_value *value_of(struct hl_arena *arena, enum hl_field_type type, const struct hl_field *field, const struct hl_value *tree);

static struct hl_value *list_of(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *tree)
{
    struct hl_value *list = hl_value_list(arena);

    if (!hl_value_is(tree, HL_LIST)) {
        if (field->item == HL_F_OBJECT) /* Traefik makes an empty list of that */
            return list;
        hl_value_list_add(arena, list, text_of(arena, tree));
        return hl_traefik_split(arena, list);
    }
    for (size_t i = 0; i < hl_value_count(tree); i++) {
        struct hl_value *item = value_of(arena, field->item, field, hl_value_item(tree, i));

        if (item != NULL)
            hl_value_list_add(arena, list, item);
    }
    return list;
}

static struct hl_value *map_of(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *tree)
{
    struct hl_value *map = hl_value_map(arena);

    if (!hl_value_is(tree, HL_MAP))
        return text_of(arena, tree);
    for (size_t i = 0; i < hl_value_members(tree); i++)
        hl_value_map_put(map, hl_value_key(tree, i), value_of(arena, field->item, field, hl_value_at(tree, i)));
    return map;
}

static struct hl_value *object_of(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *tree)
{
    const char *text = NULL;

    if (hl_value_is(tree, HL_MAP))
        return hl_values_of_tree(arena, field->fields, tree);
    text = hl_value_to_text(arena, tree);
    if ((field->forms & HL_FORM_TRUE) != 0 && text != NULL && strcasecmp(text, "true") == 0)
        return hl_value_map(arena);
    return NULL;
}

/* NULL when the file says nothing by it. */
static struct hl_value *value_of(struct hl_arena *arena, enum hl_field_type type, const struct hl_field *field, const struct hl_value *tree)
{
    if (type == HL_F_ANY)
        return hl_value_copy(arena, tree);
    if (hl_value_is_null(tree))
        return NULL;
    switch (type) {
    case HL_F_STRING:
        return text_of(arena, tree);
    case HL_F_BOOL:
        return bool_of(arena, tree);
    case HL_F_INT:
    case HL_F_SIZE:
        return int_of(arena, tree);
    case HL_F_DURATION:
        return duration_of(arena, tree);
    case HL_F_LIST:
        return list_of(arena, field, tree);
    case HL_F_MAP:
        return map_of(arena, field, tree);
    case HL_F_OBJECT:
        return object_of(arena, field, tree);
    case HL_F_NUMBER:
    case HL_F_ANY:
    case HL_FIELD_TYPES:
        break;
    }
    return hl_value_copy(arena, tree);
}

struct hl_value *hl_values_of_tree(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree)
{
    struct hl_value *values = hl_value_map(arena);

    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        struct hl_value *value = value_of(arena, field->type, field, hl_value_get(tree, field->name));

        if (value != NULL && field->normalise != NULL)
            value = field->normalise(arena, value);
        if (value != NULL && field->sensitive)
            hl_value_mark_sensitive(value);
        hl_value_map_put(values, field->name, value);
    }
    return values;
}

/* ---- strange parts ---- */

static bool is_typed(enum hl_field_type type, const struct hl_value *value)
{
    switch (type) {
    case HL_F_BOOL:
        return hl_value_is(value, HL_BOOL);
    case HL_F_INT:
    case HL_F_SIZE:
    case HL_F_DURATION:
        return hl_value_is(value, HL_INT);
    case HL_F_STRING:
        return hl_value_is(value, HL_TEXT);
    case HL_F_LIST:
        return hl_value_is(value, HL_LIST);
    case HL_F_MAP:
    case HL_F_OBJECT:
        return hl_value_is(value, HL_MAP);
    case HL_F_NUMBER:
    case HL_F_ANY:
    case HL_FIELD_TYPES:
        break;
    }
    return true;
}

static const char *find_strange_value(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *tree)
{
    const struct hl_value *value = value_of(arena, field->type, field, tree);
    const char *within = NULL;

    if (hl_value_is_null(tree))
        return NULL;
    if (!is_typed(field->type, value))
        return field->name;
    if (field->type == HL_F_OBJECT && hl_value_is(tree, HL_MAP))
        within = hl_tree_find_strange(arena, field->fields, tree);
    for (size_t i = 0; field->type == HL_F_LIST && hl_value_is(tree, HL_LIST) && within == NULL && i < hl_value_count(tree); i++) {
        const struct hl_value *item = hl_value_item(tree, i);

        if (!is_typed(field->item, value_of(arena, field->item, field, item)))
            return field->name;
        within = field->item == HL_F_OBJECT ? hl_tree_find_strange(arena, field->fields, item) : NULL;
    }
    return within == NULL ? NULL : hl_arena_printf(arena, "%s.%s", field->name, within);
}

const char *hl_tree_find_strange(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree)
{
    if (!hl_value_is(tree, HL_MAP))
        return "it";
    for (size_t i = 0; i < hl_value_members(tree); i++) {
        const struct hl_field *field = hl_field_find(fields, hl_value_key(tree, i), false);
        const char *strange = field == NULL ? hl_value_key(tree, i) : find_strange_value(arena, field, hl_value_at(tree, i));

        if (strange != NULL)
            return hl_arena_strdup(arena, strange);
    }
    return NULL;
}

/* ---- merge ---- */

struct hl_value *hl_tree_merge(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *recorded, const struct hl_value *live)
{
    if (!hl_value_is(desired, HL_MAP) || !hl_value_is(live, HL_MAP))
        return hl_value_copy(arena, desired);
    struct hl_value *merged = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(desired); i++) {
        const char *key = hl_value_key(desired, i);

        hl_value_map_put(merged, key, hl_tree_merge(arena, hl_value_at(desired, i), hl_value_get(recorded, key), hl_value_get(live, key)));
    }
    for (size_t i = 0; i < hl_value_members(live); i++) {
        const char *key = hl_value_key(live, i);

        if (hl_value_get(desired, key) == NULL && hl_value_get(recorded, key) == NULL)
            hl_value_map_put(merged, key, hl_value_copy(arena, hl_value_at(live, i)));
    }
    return merged;
}
