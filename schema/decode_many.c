/* Lists, maps and short forms. */
#include "config.h"

#include "schema/decoding.h"
#include "schema/words.h"

#include <string.h>

enum { SCANNED_KEYS = 16 };

static struct hl_value *sized_list(struct hl_arena *arena, size_t count)
{
    struct hl_value *list = hl_value_list(arena);

    hl_value_reserve(arena, list, count);
    return list;
}

static void place_all(struct hl_value *value, struct hl_span at)
{
    if (value->at.line == 0)
        value->at = at;
    for (size_t i = 0; i < hl_value_count(value); i++)
        place_all(value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i), at);
}

/* `true` and `false` for an object; *done tells whether it was one of them. */
static struct hl_value *decode_truth(struct hl_check *check, const struct hl_node *node, const char *text, bool *done)
{
    struct hl_value *value = NULL;

    *done = (node->type == HL_NODE_VALUE || node->plain) && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
    if (*done && *text == 't') {
        value = hl_value_map(check->arena);
        value->at = node->at;
    }
    return value;
}

struct hl_value *hl_decode_shorthand(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    bool is_scalar = node->type == HL_NODE_SCALAR || node->type == HL_NODE_VALUE;
    const char *text = NULL;
    const char *problem = NULL;
    struct hl_value *value;

    if (is_scalar)
        text = node->type == HL_NODE_SCALAR ? node->scalar.data : hl_value_to_text(check->arena, node->value);
    if (text != NULL && (field->forms & HL_FORM_TRUE) != 0) {
        bool done;

        value = decode_truth(check, node, text, &done);
        if (done)
            return value;
    }
    if (text == NULL || field->shorthand == NULL) {
        hl_decode_wrong_type(check, node, field, place);
        return NULL;
    }
    value = field->shorthand(check->arena, text, &problem);
    if (value == NULL) {
        const struct hl_value shown = {
            .type = HL_TEXT, .sensitive = field->sensitive || hl_node_is_sensitive(node), .text = {.data = text, .length = strlen(text)}};
        size_t first = check->diags->count;

        hl_diag_error(check->diags, node->at, "%s: %s", hl_place_words(check->arena, place), problem == NULL ? "cannot be read" : problem);
        hl_decode_mask(check, first, &shown);
        return NULL;
    }
    place_all(value, node->at);
    if (hl_node_is_sensitive(node))
        hl_value_mark_sensitive(value);
    return value;
}

/* One item to the list's end; a short form may stand for several. */
static void decode_item(struct hl_check *check, const struct hl_node *node, const struct hl_field *item, const struct hl_place *place, struct hl_value *list)
{
    struct hl_value *value;

    if (hl_node_is_null(node)) {
        hl_diag_error(check->diags, node->at, "%s is empty", hl_place_words(check->arena, place));
        return;
    }
    value = hl_decode_value(check, node, item, place);
    if (value == NULL)
        return;
    if (item->type == HL_F_OBJECT && value->type == HL_LIST) {
        for (size_t i = 0; i < value->list.count; i++)
            hl_value_list_add(check->arena, list, value->list.items[i]);
        return;
    }
    hl_value_list_add(check->arena, list, value);
}

static void report_same_key(struct hl_check *check, const struct hl_value *item, const char *text, const struct hl_value *first, const struct hl_field *field,
                            const struct hl_place *place)
{
    hl_diag_error(check->diags, item->at, "%s: %s %s is in the list twice, first on line %u", hl_place_words(check->arena, place), field->key,
                  item->sensitive ? "of an item" : hl_arena_printf(check->arena, "'%s'", text), first->at.line);
}

/* Items of a keyed list are matched by their key, so each may be there once. */
static void check_keys(struct hl_check *check, const struct hl_field *field, const struct hl_value *list, const struct hl_place *place)
{
    struct hl_map seen;
    struct hl_arena *scratch;

    if (field->key == NULL || list->list.count < 2)
        return;
    scratch = hl_arena_new();
    hl_map_init(&seen, scratch);
    for (size_t i = 0; i < list->list.count; i++) {
        struct hl_value *item = list->list.items[i];
        const char *text = NULL;
        const struct hl_value *key = hl_value_get(item, field->key);

        if (!hl_value_is_null(key))
            text = hl_value_to_text(scratch, key);
        if (text == NULL)
            continue;

        const struct hl_value *first = hl_map_find(&seen, text);

        if (first != NULL)
            report_same_key(check, item, text, first, field, place);
        else
            hl_map_put(&seen, text, item);
    }
    hl_arena_free(scratch);
}

static struct hl_value *decode_words(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *text,
                                     const struct hl_place *place)
{
    const struct hl_field item = hl_field_of_item(field);
    const char *problem = NULL;
    struct hl_words words;
    struct hl_value *list;

    if (!hl_words_split(check->arena, text, &words, &problem)) {
        hl_diag_error(check->diags, node->at, "%s: %s", hl_place_words(check->arena, place), problem);
        return NULL;
    }
    list = sized_list(check->arena, words.count);
    for (size_t i = 0; i < words.count; i++) {
        const struct hl_node word = {.type = HL_NODE_SCALAR, .at = node->at, .scalar = {.data = words.items[i], .length = strlen(words.items[i])}};
        const struct hl_value fixed = {
            .type = HL_TEXT, .sensitive = hl_node_is_sensitive(node), .at = node->at, .text = {.data = word.scalar.data, .length = word.scalar.length}};
        const struct hl_node resolved = {.type = HL_NODE_VALUE, .at = node->at, .value = &fixed};
        const struct hl_place inner = {.up = place, .number = i};

        decode_item(check, node->type == HL_NODE_VALUE ? &resolved : &word, &item, &inner, list);
    }
    return list;
}

struct hl_value *hl_decode_list(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    const struct hl_field item = hl_field_of_item(field);
    bool is_text = node->type == HL_NODE_SCALAR || hl_value_is(node->type == HL_NODE_VALUE ? node->value : NULL, HL_TEXT);
    struct hl_value *list;

    if ((field->forms & HL_FORM_WORDS) != 0 && is_text)
        return decode_words(check, node, field, node->type == HL_NODE_SCALAR ? node->scalar.data : node->value->text.data, place);
    if (node->type != HL_NODE_LIST && (field->forms & HL_FORM_SINGLE) == 0) {
        hl_decode_wrong_type(check, node, field, place);
        return NULL;
    }
    list = sized_list(check->arena, node->type == HL_NODE_LIST ? node->list.count : 1);
    list->at = node->at;
    if (node->type != HL_NODE_LIST)
        decode_item(check, node, &item, place, list);
    for (size_t i = 0; node->type == HL_NODE_LIST && i < node->list.count; i++) {
        const struct hl_place inner = {.up = place, .number = i};

        decode_item(check, node->list.items[i], &item, &inner, list);
    }
    check_keys(check, field, list, place);
    return list;
}

/* The key of a map, where it is made with references. NULL after a finding. */
static const char *resolve_key(struct hl_check *check, const char *key, struct hl_span at, const struct hl_place *place)
{
    size_t length = strlen(key);
    const struct hl_value *value;

    if (!hl_reference_has(key, length))
        return key;
    value = hl_reference_resolve(check->arena, key, length, at, check->scope, check->diags);
    if (value == NULL)
        return NULL;
    if (value->type != HL_UNKNOWN && hl_value_to_text(check->arena, value) != NULL)
        return hl_value_to_text(check->arena, value);
    hl_diag_error(check->diags, at, "a key of %s cannot come from '%s', which is not known before it is applied", hl_place_words(check->arena, place),
                  value->type == HL_UNKNOWN ? value->unknown : key);
    return NULL;
}

/* A map's value. One left empty is an empty object, or null where that means something: a name without a value. One that a reference makes null is
 * absent with its key. */
static void decode_entry(struct hl_check *check, struct hl_value *map, const char *key, struct hl_span at, const struct hl_node *node,
                         const struct hl_field *item, const struct hl_place *place)
{
    const struct hl_place inner = {.up = place, .key = key, .at = at};
    struct hl_value *value;

    if (!hl_node_is_null(node))
        value = hl_decode_value(check, node, item, &inner);
    else if (item->type == HL_F_OBJECT)
        value = hl_decode_members(check, NULL, item->fields, item->forms, NULL, &inner);
    else
        value = hl_value_null(check->arena);
    if (value == NULL)
        return;
    if (value->at.line == 0)
        value->at = at;
    hl_value_map_put(map, key, value);
}

/* The `=` that ends the name of a KEY=value, outside of references. */
static const char *find_equals(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '=')
            return text;
        if (text[0] == '$' && text[1] == '{') {
            text = strchr(text, '}');
            if (text == NULL)
                return NULL;
        }
    }
    return NULL;
}

/* "KEY=value" with the value's references resolved on their own: what is known of the name does not wait for it. */
static void decode_pair(struct hl_check *check, struct hl_value *map, const struct hl_node *node, const char *text, const struct hl_field *item,
                        const struct hl_place *place)
{
    const char *equals = find_equals(text);
    const char *key = equals == NULL ? text : hl_arena_copy(check->arena, text, (size_t)(equals - text));
    struct hl_node value = {.type = HL_NODE_SCALAR, .at = node->at};
    const struct hl_value *first;

    key = node->type == HL_NODE_SCALAR ? resolve_key(check, key, node->at, place) : key;
    if (key == NULL)
        return;
    if (*key == '\0') {
        hl_diag_error(check->diags, node->at, "%s must be KEY=value: the name is missing", hl_place_words(check->arena, place));
        return;
    }
    first = hl_value_get(map, key);
    if (first != NULL) {
        hl_diag_error(check->diags, node->at, "'%s' is in the list twice: first on line %u", key, first->at.line);
        return;
    }
    if (equals != NULL) {
        struct hl_node fixed = {.type = HL_NODE_VALUE, .at = node->at};

        value.scalar.data = equals + 1;
        value.scalar.length = strlen(equals + 1);
        if (node->type == HL_NODE_VALUE) { /* what a reference gave is not looked at for references again */
            struct hl_value *rest = hl_value_text(check->arena, equals + 1);

            rest->sensitive = node->value->sensitive;
            fixed.value = rest;
        }
        decode_entry(check, map, key, node->at, node->type == HL_NODE_VALUE ? &fixed : &value, item, place->up);
    } else {
        decode_entry(check, map, key, node->at, NULL, item, place->up);
    }
}

/* A list in the place of a map. */
static void decode_pairs(struct hl_check *check, struct hl_value *map, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    const struct hl_field item = hl_field_of_item(field);

    for (size_t i = 0; i < node->list.count; i++) {
        const struct hl_node *element = node->list.items[i];
        const struct hl_place inner = {.up = place, .number = i};
        const char *text = NULL;

        if (element->type == HL_NODE_SCALAR && !hl_node_is_null(element))
            text = element->scalar.data;
        else if (element->type == HL_NODE_VALUE && !hl_node_is_null(element))
            text = hl_value_to_text(check->arena, element->value);
        if (text == NULL) {
            hl_decode_wrong_type(check, element, &(struct hl_field){.type = HL_F_STRING}, &inner);
        } else if ((field->forms & HL_FORM_PAIRS) != 0) {
            decode_pair(check, map, element, text, &item, &inner);
        } else {
            const char *name = resolve_key(check, text, element->at, place);

            if (name != NULL && hl_value_get(map, name) != NULL)
                hl_diag_error(check->diags, element->at, "'%s' is in the list twice", name);
            else if (name != NULL)
                decode_entry(check, map, name, element->at, NULL, &item, place);
        }
    }
}

struct hl_value *hl_decode_map(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    const struct hl_field item = hl_field_of_item(field);
    bool is_list = node->type == HL_NODE_LIST && (field->forms & (HL_FORM_PAIRS | HL_FORM_NAMES)) != 0;
    struct hl_value *map;

    if (node->type != HL_NODE_MAP && !is_list) {
        hl_decode_wrong_type(check, node, field, place);
        return NULL;
    }
    map = hl_value_map_sized(check->arena, is_list ? node->list.count : node->map.count);
    map->at = node->at;
    if (is_list) {
        decode_pairs(check, map, node, field, place);
        return map;
    }
    for (size_t i = 0; i < node->map.count; i++) {
        const struct hl_node_entry *entry = &node->map.entries[i];
        const char *key = resolve_key(check, entry->key, entry->at, place);

        if (key != NULL)
            decode_entry(check, map, key, entry->at, entry->value, &item, place);
    }
    return map;
}

static struct hl_value *decode_any_part(struct hl_check *check, const struct hl_node *node, const struct hl_place *place)
{
    struct hl_value *value = NULL;

    node = hl_decode_resolve(check, node);
    if (node != NULL)
        value = hl_decode_unknown(check, node);
    if (node == NULL || value != NULL)
        return value;
    return hl_decode_any(check, node, place);
}

struct hl_value *hl_decode_any(struct hl_check *check, const struct hl_node *node, const struct hl_place *place)
{
    struct hl_value *value = NULL;

    switch (node->type) {
    case HL_NODE_SCALAR:
        return hl_decode_scalar_core(check->arena, node);
    case HL_NODE_VALUE:
        value = hl_value_copy(check->arena, node->value);
        break;
    case HL_NODE_LIST:
        value = sized_list(check->arena, node->list.count);
        for (size_t i = 0; i < node->list.count; i++) {
            struct hl_value *item = decode_any_part(check, node->list.items[i], place);

            if (item != NULL)
                hl_value_list_add(check->arena, value, item);
        }
        break;
    case HL_NODE_MAP:
        value = hl_value_map_sized(check->arena, node->map.count);
        for (size_t i = 0; i < node->map.count; i++) {
            const struct hl_node_entry *entry = &node->map.entries[i];
            const char *key = resolve_key(check, entry->key, entry->at, place);

            if (key != NULL)
                hl_value_map_put(value, key, decode_any_part(check, entry->value, place));
        }
        break;
    }
    value->at = node->at;
    return value;
}
