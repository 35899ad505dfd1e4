/* Objects, and what all types share. */
#include "config.h"

#include "schema/decoding.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 128, SCANNED_MAP = 16 };

/* A map doubles its room as it grows; most maps of a spec have few entries, and their number is known beforehand. */
struct hl_value *hl_value_map_sized(struct hl_arena *arena, size_t count)
{
    struct hl_value *value = hl_value_map(arena);

    if (count == 0 || count > SCANNED_MAP)
        return value;
    value->map->capacity = 2; /* a power of two, as in a map that has grown */
    while (value->map->capacity < count)
        value->map->capacity *= 2;
    value->map->entries = hl_arena_alloc(arena, value->map->capacity * sizeof(*value->map->entries));
    return value;
}

struct hl_node *hl_node_of_value(struct hl_arena *arena, const struct hl_value *value, struct hl_span at)
{
    struct hl_node *node = hl_arena_alloc(arena, sizeof(*node));
    size_t count = hl_value_count(value);

    node->at = at;
    if (value->type == HL_LIST) {
        node->type = HL_NODE_LIST;
        node->list.count = count;
        node->list.items = hl_arena_alloc(arena, count * sizeof(struct hl_node *));
        for (size_t i = 0; i < count; i++)
            node->list.items[i] = hl_node_of_value(arena, hl_value_item(value, i), at);
    } else if (value->type == HL_MAP) {
        node->type = HL_NODE_MAP;
        node->map.count = count;
        node->map.entries = hl_arena_alloc(arena, count * sizeof(*node->map.entries));
        for (size_t i = 0; i < count; i++)
            node->map.entries[i] = (struct hl_node_entry){.key = hl_value_key(value, i), .at = at, .value = hl_node_of_value(arena, hl_value_at(value, i), at)};
    } else {
        node->type = HL_NODE_VALUE;
        node->value = value;
    }
    return node;
}

const struct hl_node *hl_decode_resolve(struct hl_check *check, const struct hl_node *node)
{
    const struct hl_value *value;

    if (node->type != HL_NODE_SCALAR || !hl_reference_has(node->scalar.data, node->scalar.length))
        return node;
    value = hl_reference_resolve(check->arena, node->scalar.data, node->scalar.length, node->at, check->scope, check->diags);
    return value == NULL ? NULL : hl_node_of_value(check->arena, value, node->at);
}

struct hl_value *hl_decode_unknown(struct hl_check *check, const struct hl_node *node)
{
    struct hl_value *value;

    if (node->type != HL_NODE_VALUE || node->value->type != HL_UNKNOWN)
        return NULL;
    value = hl_arena_alloc(check->arena, sizeof(*value));
    *value = *node->value;
    value->at = node->at;
    return value;
}

/* Whether it stands for a value that may not be seen, or has such a part. */
static bool is_opaque(const struct hl_check *check, const struct hl_node *node)
{
    return check->opaque != NULL && node->type == HL_NODE_VALUE && hl_value_is(node->value, HL_TEXT) && node->value->sensitive &&
           strstr(node->value->text.data, check->opaque) != NULL;
}

/* It has no form that could be looked at. Where a text is wanted it goes on as it is, and equals itself; anything else is not known. NULL for lists and maps,
 * whose items come here themselves. */
static struct hl_value *decode_opaque(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *written)
{
    struct hl_value *value;

    if (field->type == HL_F_LIST || field->type == HL_F_MAP)
        return NULL;
    if (field->type == HL_F_STRING || field->type == HL_F_ANY)
        value = hl_value_copy(check->arena, node->value);
    else
        value = hl_value_unknown(check->arena, written);
    value->at = node->at;
    return hl_value_mark_sensitive(value);
}

struct hl_field hl_field_of_item(const struct hl_field *field)
{
    return (struct hl_field){
        .name = field->name,
        .type = field->item,
        .fields = field->fields,
        .forms = field->forms & HL_FORM_NOCASE,
        .minimum = field->minimum,
        .maximum = field->maximum,
        .sensitive = field->sensitive,
        .shorthand = field->item == HL_F_OBJECT ? field->shorthand : NULL,
    };
}

static int compare_items(const void *a, const void *b)
{
    return hl_value_compare(*(struct hl_value *const *)a, *(struct hl_value *const *)b);
}

/* Equal sets become equal lists: sorted, each item once. */
static void sort_set(struct hl_value *list)
{
    struct hl_list *items = &list->list;
    uint32_t kept = 0;

    if (items->count < 2)
        return;
    qsort(items->items, items->count, sizeof(struct hl_value *), compare_items);
    for (size_t i = 0; i < items->count; i++)
        if (kept == 0 || !hl_value_equal(items->items[kept - 1], items->items[i]))
            items->items[kept++] = items->items[i];
    items->count = kept;
}

/* What holds for every type, once the value is there. */
static struct hl_value *finish(struct hl_check *check, const struct hl_field *field, struct hl_value *value, struct hl_span at, const struct hl_place *place)
{
    bool sensitive = field->sensitive || value->sensitive;

    if (value->at.line == 0)
        value->at = at;
    if (value->type != HL_UNKNOWN && field->normalise != NULL) {
        value = field->normalise(check->arena, value);
        if (value == NULL)
            return NULL;
        if (value->at.line == 0)
            value->at = at;
    }
    if (field->allowed != NULL)
        hl_decode_check_allowed(check, field, value, place);
    if (field->order == HL_SET && value->type == HL_LIST)
        sort_set(value);
    if (sensitive)
        hl_value_mark_sensitive(value);
    if (value->type != HL_UNKNOWN && field->check != NULL) {
        size_t first = check->diags->count;

        field->check(check, value);
        hl_decode_mask(check, first, value);
    }
    return value;
}

/* Remembers literal secrets, so that no finding shows their line. */
static void hide_literal(struct hl_check *check, const struct hl_node *node)
{
    switch (node->type) {
    case HL_NODE_SCALAR:
        if (!hl_reference_has(node->scalar.data, node->scalar.length) || node->scalar.data[0] != '$')
            hl_diags_hide(check->diags, node->at);
        break;
    case HL_NODE_LIST:
        for (size_t i = 0; i < node->list.count; i++)
            hide_literal(check, node->list.items[i]);
        break;
    case HL_NODE_MAP:
        for (size_t i = 0; i < node->map.count; i++)
            hide_literal(check, node->map.entries[i].value);
        break;
    case HL_NODE_VALUE:
        break;
    }
}

static struct hl_value *decode_switch(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    switch (field->type) {
    case HL_F_LIST:
        return hl_decode_list(check, node, field, place);
    case HL_F_MAP:
        return hl_decode_map(check, node, field, place);
    case HL_F_OBJECT:
        if (node->type != HL_NODE_MAP)
            return hl_decode_shorthand(check, node, field, place);
        return hl_decode_members(check, node, field->fields, field->forms, NULL, place);
    case HL_F_ANY:
        return hl_decode_any(check, node, place);
    case HL_F_STRING:
    case HL_F_BOOL:
    case HL_F_INT:
    case HL_F_NUMBER:
    case HL_F_DURATION:
    case HL_F_SIZE:
        return hl_decode_scalar(check, node, field, place);
    case HL_FIELD_TYPES:
        break;
    }
    abort();
}

/* A command line is cut into words before its references are resolved, unless it is one reference. */
static bool is_command_line(const struct hl_node *node, const struct hl_field *field)
{
    return field->type == HL_F_LIST && (field->forms & HL_FORM_WORDS) != 0 && node->type == HL_NODE_SCALAR &&
           !(hl_starts_with(node->scalar.data, "${") && strchr(node->scalar.data, '}') == node->scalar.data + node->scalar.length - 1);
}

struct hl_value *hl_decode_value(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    const char *written;
    struct hl_value *value;

    if (node == NULL || hl_node_is_null(node))
        return NULL;
    if (field->sensitive)
        hide_literal(check, node);
    written = node->type == HL_NODE_SCALAR ? node->scalar.data : "a value that is not shown";
    if (!is_command_line(node, field))
        node = hl_decode_resolve(check, node);
    if (node == NULL || hl_node_is_null(node))
        return node != NULL && field->keep_null ? hl_value_null(check->arena) : NULL;
    value = is_opaque(check, node) ? decode_opaque(check, node, field, written) : NULL;
    if (value != NULL)
        return value;
    value = hl_decode_unknown(check, node);
    if (value == NULL)
        value = decode_switch(check, node, field, place);
    return value == NULL ? NULL : finish(check, field, value, node->at, place);
}

struct hl_value *hl_decode_field(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *what)
{
    const struct hl_place outer = {.what = what};
    const struct hl_place place = {.up = &outer, .key = field->name};

    return hl_decode_value(check, node, field, &place);
}

static bool is_writable(const struct hl_field *field)
{
    return !field->computed && !field->internal;
}

static size_t gather_names(const struct hl_field *fields, const char **names)
{
    size_t count = 0;

    for (; fields != NULL && fields->name != NULL; fields++)
        if (is_writable(fields))
            names[count++] = fields->name;
    return count;
}

/* Whether a secret may stand under the unknown key: it is close to the name of a sensitive field, or to no name while the table has such fields or
 * the key itself sounds like one. */
static bool may_be_sensitive(const struct hl_field *fields, const char *key, const char *close)
{
    static const char *const sounds[] = {"pas", "pw", "secret", "token", "cred", "key"};

    for (; fields->name != NULL; fields++)
        if (fields->sensitive && is_writable(fields) && (close == NULL || strcmp(close, fields->name) == 0))
            return true;
    for (size_t i = 0; close == NULL && i < HL_COUNT(sounds); i++)
        if (strcasestr(key, sounds[i]) != NULL)
            return true;
    return false;
}

static void hint_all_keys(struct hl_check *check, struct hl_diag *diag, const char *const *names, size_t count)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < count; i++)
        hl_text_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    hl_diag_hint(check->diags, diag, "its keys are %s", hl_text_get(&list));
}

static void report_unknown_key(struct hl_check *check, const struct hl_node_entry *entry, const struct hl_field *fields, const struct hl_field *pass,
                               const struct hl_place *place)
{
    enum { FEW = 8 };
    const char *names[2 * MAX_FIELDS];
    size_t own = gather_names(fields, names);
    size_t count = own + gather_names(pass, names + own);
    struct hl_diag *diag = hl_diag_error(check->diags, entry->at, "unknown key '%s' in %s", entry->key, hl_place_words(check->arena, place));
    const char *close = hl_diag_suggest(check->diags, diag, entry->key, names, count);

    if (close == NULL && own > 0 && own <= FEW)
        hint_all_keys(check, diag, names, own);
    if (may_be_sensitive(fields, entry->key, close))
        hide_literal(check, entry->value);
}

static size_t field_number(const struct hl_field *fields, const char *name, bool nocase)
{
    size_t i = 0;

    if (nocase) {
        while (fields[i].name != NULL && strcasecmp(fields[i].name, name) != 0)
            i++;
        return i;
    }
    while (fields[i].name != NULL && (fields[i].name[0] != name[0] || strcmp(fields[i].name, name) != 0))
        i++;
    return i;
}

static void report_computed(struct hl_check *check, const struct hl_node_entry *entry, const struct hl_place *place)
{
    hl_diag_error(check->diags, entry->at, "'%s' of %s cannot be set: it is known only when that exists", entry->key, hl_place_words(check->arena, place));
}

/* Sets found[i] to the entry of fields[i]; reports what does not belong here. Gives the number of entries found. */
static size_t sort_entries(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, unsigned forms, const struct hl_field *pass,
                           const struct hl_place *place, const struct hl_node_entry **found_entries)
{
    bool nocase = (forms & HL_FORM_NOCASE) != 0;
    size_t count = 0;

    for (size_t i = 0; i < node->map.count; i++) {
        const struct hl_node_entry *entry = &node->map.entries[i];
        size_t number = field_number(fields, entry->key, nocase);
        const struct hl_field *field = &fields[number];

        if (field->name == NULL || field->internal) {
            if (pass == NULL || hl_field_find(pass, entry->key, false) == NULL)
                report_unknown_key(check, entry, fields, pass, place);
        } else if (field->computed) {
            report_computed(check, entry, place);
        } else if (found_entries[number] != NULL) {
            hl_diag_error(check->diags, entry->at, "key '%s' is written twice: first on line %u", entry->key, found_entries[number]->at.line);
        } else {
            found_entries[number] = entry;
            count++;
        }
    }
    return count;
}

static void report_missing(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    struct hl_span at = place->at.line > 0 || node == NULL ? place->at : node->at;
    struct hl_diag *diag = hl_diag_error(check->diags, at, "%s needs '%s'", hl_place_words(check->arena, place), field->name);

    if (field->doc != NULL)
        hl_diag_hint(check->diags, diag, "%s: %s", field->name, field->doc);
}

/* `PASSWORD: hunter2` in place of a mapping: what is given for the whole is meant for the value. */
static bool is_secret_itself(const struct hl_field *fields)
{
    const struct hl_field *value = hl_field_find(fields, "value", false);

    return value != NULL && value->sensitive;
}

static void report_no_mapping(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, const struct hl_place *place)
{
    const struct hl_field expected = {.type = HL_F_OBJECT, .sensitive = is_secret_itself(fields)};

    hl_decode_wrong_type(check, node, &expected, place);
    if (expected.sensitive)
        hide_literal(check, node);
}

struct hl_value *hl_decode_members(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, unsigned forms,
                                   const struct hl_field *pass, const struct hl_place *place)
{
    const struct hl_node_entry *entries[MAX_FIELDS] = {NULL};
    bool is_map = node != NULL && node->type == HL_NODE_MAP;
    bool is_wrong = !is_map && !hl_node_is_null(node);
    struct hl_value *body;

    if (is_wrong)
        report_no_mapping(check, node, fields, place);
    body = hl_value_map_sized(check->arena, is_map ? sort_entries(check, node, fields, forms, pass, place, entries) : 0);
    body->at = node == NULL ? place->at : node->at;
    for (size_t i = 0; fields[i].name != NULL; i++) {
        const struct hl_field *field = &fields[i];

        assert(i < MAX_FIELDS);
        if (entries[i] != NULL) {
            const struct hl_place inner = {.up = place, .key = field->name, .at = entries[i]->at};

            hl_value_map_put(body, field->name, hl_decode_value(check, entries[i]->value, field, &inner));
        }
        if (field->required && !field->computed && !is_wrong && (entries[i] == NULL || hl_node_is_null(entries[i]->value)))
            report_missing(check, node, field, place);
    }
    return body;
}

struct hl_value *hl_decode_object(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, unsigned forms, bool common,
                                  const char *what)
{
    const struct hl_place place = {.what = what, .at = node == NULL ? (struct hl_span){.line = 0} : node->at};

    return hl_decode_members(check, node, fields, forms, common ? hl_common_fields : NULL, &place);
}

struct hl_value *hl_field_fallback(struct hl_arena *arena, const struct hl_field *field)
{
    bool is_text = field->type != HL_F_LIST && field->type != HL_F_MAP && field->type != HL_F_OBJECT && field->type != HL_F_ANY;
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags};
    struct hl_node scalar = {.type = HL_NODE_SCALAR};
    const struct hl_node *node = &scalar;
    struct hl_value *value;

    if (field->fallback == NULL)
        return NULL;
    hl_diags_init(&diags, arena, NULL);
    scalar.scalar.data = field->fallback;
    scalar.scalar.length = strlen(field->fallback);
    if (!is_text)
        node = hl_reader_parse(arena, field->fallback, strlen(field->fallback), &diags);
    value = hl_decode_field(&check, node, field, NULL);
    assert(diags.errors == 0); /* the row is wrong */
    if (value != NULL)
        value->at = (struct hl_span){.line = 0};
    return value;
}
