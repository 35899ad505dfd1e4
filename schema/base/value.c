#include "config.h"

#include "schema/base/value.h"

#include "schema/base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [HL_NULL] = "null", [HL_BOOL] = "boolean", [HL_INT] = "integer", [HL_REAL] = "number",
    [HL_TEXT] = "text", [HL_LIST] = "list",    [HL_MAP] = "map",     [HL_UNKNOWN] = "unknown",
};
_Static_assert(HL_COUNT(type_names) == HL_TYPES, "a name for each type");

const char *hl_type_name(enum hl_type type)
{
    return type_names[type];
}

static struct hl_value *new_value(struct hl_arena *arena, enum hl_type type)
{
    struct hl_value *value = hl_arena_alloc(arena, sizeof(*value));

    value->type = type;
    return value;
}

struct hl_value *hl_value_null(struct hl_arena *arena)
{
    return new_value(arena, HL_NULL);
}

struct hl_value *hl_value_bool(struct hl_arena *arena, bool boolean)
{
    struct hl_value *value = new_value(arena, HL_BOOL);

    value->boolean = boolean;
    return value;
}

struct hl_value *hl_value_int(struct hl_arena *arena, int64_t integer)
{
    struct hl_value *value = new_value(arena, HL_INT);

    value->integer = integer;
    return value;
}

struct hl_value *hl_value_real(struct hl_arena *arena, double real)
{
    struct hl_value *value = new_value(arena, HL_REAL);

    value->real = real;
    return value;
}

struct hl_value *hl_value_text(struct hl_arena *arena, const char *text)
{
    return text == NULL ? hl_value_null(arena) : hl_value_bytes(arena, text, strlen(text));
}

struct hl_value *hl_value_bytes(struct hl_arena *arena, const char *data, size_t length)
{
    struct hl_value *value = new_value(arena, HL_TEXT);

    value->text.data = hl_arena_copy(arena, data, length);
    value->text.length = length;
    return value;
}

struct hl_value *hl_value_printf(struct hl_arena *arena, const char *format, ...)
{
    struct hl_value *value = new_value(arena, HL_TEXT);
    va_list args;

    va_start(args, format);
    value->text.data = hl_arena_vprintf(arena, format, args);
    va_end(args);
    value->text.length = strlen(value->text.data);
    return value;
}

struct hl_value *hl_value_list(struct hl_arena *arena)
{
    return new_value(arena, HL_LIST);
}

struct hl_value *hl_value_map(struct hl_arena *arena)
{
    struct hl_value *value = new_value(arena, HL_MAP);

    value->map = hl_map_new(arena);
    return value;
}

struct hl_value *hl_value_unknown(struct hl_arena *arena, const char *waits_for)
{
    struct hl_value *value = new_value(arena, HL_UNKNOWN);

    value->unknown = hl_arena_strdup(arena, waits_for == NULL ? "" : waits_for);
    return value;
}

size_t hl_value_count(const struct hl_value *value)
{
    if (hl_value_is(value, HL_LIST))
        return value->list.count;
    return hl_value_is(value, HL_MAP) ? value->map->count : 0;
}

struct hl_value *hl_value_item(const struct hl_value *list, size_t index)
{
    return hl_value_is(list, HL_LIST) && index < list->list.count ? list->list.items[index] : NULL;
}

size_t hl_value_members(const struct hl_value *map)
{
    return hl_value_is(map, HL_MAP) ? map->map->count : 0;
}

const char *hl_value_key(const struct hl_value *map, size_t index)
{
    return hl_value_is(map, HL_MAP) && index < map->map->count ? map->map->entries[index].key : NULL;
}

struct hl_value *hl_value_at(const struct hl_value *map, size_t index)
{
    return hl_value_is(map, HL_MAP) && index < map->map->count ? map->map->entries[index].value : NULL;
}

/* The parts of lists and maps alike, for walks that do not mind which it is. */
static struct hl_value *part(const struct hl_value *value, size_t index)
{
    return hl_value_is(value, HL_LIST) ? hl_value_item(value, index) : hl_value_at(value, index);
}

struct hl_value *hl_value_mark_sensitive(struct hl_value *value)
{
    if (value == NULL)
        return NULL;
    value->sensitive = true;
    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_mark_sensitive(part(value, i));
    return value;
}

static void resize_list(struct hl_arena *arena, struct hl_list *list, size_t capacity)
{
    struct hl_value **items = hl_arena_alloc(arena, capacity * sizeof(struct hl_value *));

    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof(struct hl_value *));
    list->items = items;
    list->capacity = (uint32_t)capacity;
}

void hl_value_reserve(struct hl_arena *arena, struct hl_value *value, size_t count)
{
    if (hl_value_is(value, HL_MAP))
        hl_map_reserve(value->map, count);
    else if (hl_value_is(value, HL_LIST) && count > value->list.capacity)
        resize_list(arena, &value->list, count);
}

void hl_value_list_add(struct hl_arena *arena, struct hl_value *list, struct hl_value *item)
{
    struct hl_list *items = &list->list;

    if (items->count == items->capacity)
        resize_list(arena, items, items->capacity == 0 ? 4 : items->capacity * (size_t)2);
    items->items[items->count++] = item;
}

void hl_value_map_put(struct hl_value *map, const char *key, struct hl_value *value)
{
    if (value != NULL)
        hl_map_put(map->map, key, value);
}

void hl_value_map_put_text(struct hl_value *map, const char *key, const char *text)
{
    if (text != NULL)
        hl_map_put(map->map, key, hl_value_text(map->map->arena, text));
}

void hl_value_map_put_int(struct hl_value *map, const char *key, int64_t integer)
{
    hl_map_put(map->map, key, hl_value_int(map->map->arena, integer));
}

void hl_value_map_put_bool(struct hl_value *map, const char *key, bool boolean)
{
    hl_map_put(map->map, key, hl_value_bool(map->map->arena, boolean));
}

struct hl_value *hl_value_get(const struct hl_value *map, const char *key)
{
    return hl_value_is(map, HL_MAP) ? hl_map_find(map->map, key) : NULL;
}

const char *hl_value_get_text(const struct hl_value *map, const char *key)
{
    const struct hl_value *value = hl_value_get(map, key);

    return hl_value_is(value, HL_TEXT) ? value->text.data : NULL;
}

int64_t hl_value_get_int(const struct hl_value *map, const char *key, int64_t fallback)
{
    const struct hl_value *value = hl_value_get(map, key);

    return hl_value_is(value, HL_INT) ? value->integer : fallback;
}

bool hl_value_get_bool(const struct hl_value *map, const char *key, bool fallback)
{
    const struct hl_value *value = hl_value_get(map, key);

    return hl_value_is(value, HL_BOOL) ? value->boolean : fallback;
}

static struct hl_value *step_into(const struct hl_value *value, const char *step)
{
    int64_t index = 0;

    if (!hl_value_is(value, HL_LIST))
        return hl_value_get(value, step);
    return hl_parse_int(step, 0, INT32_MAX, &index) ? hl_value_item(value, (size_t)index) : NULL;
}

struct hl_value *hl_value_find_path(const struct hl_value *value, const char *path)
{
    hl_auto(heap) char *steps = hl_strdup(path);
    struct hl_value *found = NULL;

    for (char *rest = steps; rest != NULL;) {
        char *step = strsep(&rest, ".");

        found = step_into(value, step);
        if (found == NULL)
            return NULL;
        value = found;
    }
    return found;
}

struct hl_value *hl_value_copy(struct hl_arena *arena, const struct hl_value *value)
{
    if (value == NULL)
        return NULL;

    struct hl_value *copy = new_value(arena, value->type);

    *copy = *value;
    switch (value->type) {
    case HL_NULL:
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
        break;
    case HL_TEXT:
        copy->text.data = hl_arena_copy(arena, value->text.data, value->text.length);
        break;
    case HL_UNKNOWN:
        copy->unknown = hl_arena_strdup(arena, value->unknown);
        break;
    case HL_LIST:
        copy->list = (struct hl_list){.items = NULL};
        hl_value_reserve(arena, copy, value->list.count);
        for (size_t i = 0; i < value->list.count; i++)
            hl_value_list_add(arena, copy, hl_value_copy(arena, value->list.items[i]));
        break;
    case HL_MAP:
        copy->map = hl_map_new(arena);
        hl_value_reserve(arena, copy, value->map->count);
        for (size_t i = 0; i < value->map->count; i++)
            hl_map_add_like(copy->map, &value->map->entries[i], hl_value_copy(arena, value->map->entries[i].value));
        break;
    case HL_TYPES:
        abort();
    }
    return copy;
}

static int order(bool less, bool greater)
{
    return (greater ? 1 : 0) - (less ? 1 : 0);
}

/* Exact, unlike a comparison as doubles, which cannot tell large integers apart. */
static int compare_int_real(int64_t integer, double real)
{
    if (!(real < 0x1p63)) /* NaN as well: it stands behind all numbers */
        return -1;
    if (real < -0x1p63)
        return 1;

    int64_t whole = (int64_t)real;
    double fraction = real - (double)whole;

    if (integer != whole)
        return order(integer<whole, integer> whole);
    return order(fraction > 0, fraction < 0);
}

static int compare_reals(double a, double b)
{
    bool a_is_nan = a != a;
    bool b_is_nan = b != b;

    if (a_is_nan || b_is_nan)
        return order(!a_is_nan, !b_is_nan);
    return order(a<b, a> b);
}

static int compare_numbers(const struct hl_value *a, const struct hl_value *b)
{
    if (a->type == HL_INT && b->type == HL_INT)
        return order(a->integer<b->integer, a->integer> b->integer);
    if (a->type == HL_REAL && b->type == HL_REAL)
        return compare_reals(a->real, b->real);
    if (a->type == HL_INT)
        return compare_int_real(a->integer, b->real);
    return -compare_int_real(b->integer, a->real);
}

static int compare_texts(const struct hl_value *a, const struct hl_value *b)
{
    size_t common = a->text.length < b->text.length ? a->text.length : b->text.length;
    int result = memcmp(a->text.data, b->text.data, common);

    return result != 0 ? result : order(a->text.length<b->text.length, a->text.length> b->text.length);
}

static bool is_number(const struct hl_value *value)
{
    return value->type == HL_INT || value->type == HL_REAL;
}

static bool lists_equal(const struct hl_list *a, const struct hl_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!hl_value_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool maps_equal(const struct hl_map *a, const struct hl_map *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct hl_map_entry *counterpart = hl_map_find_like(b, &a->entries[i]);

        if (counterpart == NULL || !hl_value_equal(a->entries[i].value, counterpart->value))
            return false;
    }
    return true;
}

bool hl_value_equal(const struct hl_value *a, const struct hl_value *b)
{
    if (hl_value_is_null(a) || hl_value_is_null(b))
        return hl_value_is_null(a) && hl_value_is_null(b);
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b) == 0;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case HL_BOOL:
        return a->boolean == b->boolean;
    case HL_TEXT:
        return a->text.length == b->text.length && compare_texts(a, b) == 0;
    case HL_LIST:
        return lists_equal(&a->list, &b->list);
    case HL_MAP:
        return maps_equal(a->map, b->map);
    case HL_UNKNOWN:
        return false;
    case HL_NULL:
    case HL_INT:
    case HL_REAL:
    case HL_TYPES:
        break;
    }
    abort();
}

static bool is_same(const struct hl_value *a, const struct hl_value *b)
{
    if (a->type != b->type || a->sensitive != b->sensitive || hl_value_count(a) != hl_value_count(b))
        return false;
    if (a->type == HL_LIST) {
        for (size_t i = 0; i < a->list.count; i++)
            if (!is_same(a->list.items[i], b->list.items[i]))
                return false;
        return true;
    }
    if (a->type == HL_MAP) {
        for (size_t i = 0; i < a->map->count; i++) {
            const struct hl_map_entry *counterpart = hl_map_find_like(b->map, &a->map->entries[i]);

            if (counterpart == NULL || !is_same(a->map->entries[i].value, counterpart->value))
                return false;
        }
        return true;
    }
    return hl_value_equal(a, b);
}

struct hl_value *hl_value_keep(struct hl_arena *arena, const struct hl_value *value, struct hl_value *known)
{
    return value != NULL && known != NULL && is_same(value, known) ? known : hl_value_copy(arena, value);
}

static int compare_lists(const struct hl_list *a, const struct hl_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int result = hl_value_compare(a->items[i], b->items[i]);

        if (result != 0)
            return result;
    }
    return order(a->count<b->count, a->count> b->count);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct hl_map_entry *)a)->key, ((const struct hl_map_entry *)b)->key);
}

static struct hl_map_entry *sorted_entries(const struct hl_map *map)
{
    struct hl_map_entry *entries = hl_alloc(map->count * sizeof(*entries));

    if (map->count > 0) {
        memcpy(entries, map->entries, map->count * sizeof(*entries));
        qsort(entries, map->count, sizeof(*entries), compare_keys);
    }
    return entries;
}

/* Like lists of pairs in the order of keys, so that the order of insertion does not matter. */
static int compare_maps(const struct hl_map *a, const struct hl_map *b)
{
    hl_auto(heap) struct hl_map_entry *a_entries = sorted_entries(a);
    hl_auto(heap) struct hl_map_entry *b_entries = sorted_entries(b);

    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int result = strcmp(a_entries[i].key, b_entries[i].key);

        if (result == 0)
            result = hl_value_compare(a_entries[i].value, b_entries[i].value);
        if (result != 0)
            return result;
    }
    return order(a->count<b->count, a->count> b->count);
}

/* Whole and broken numbers share a rank: 1 and 1.0 are equal, so they must compare as such. */
static int rank(const struct hl_value *value)
{
    enum hl_type type = value == NULL ? HL_NULL : value->type;

    return (int)(type == HL_REAL ? HL_INT : type);
}

int hl_value_compare(const struct hl_value *a, const struct hl_value *b)
{
    if (rank(a) != rank(b) || hl_value_is_null(a))
        return order(rank(a) < rank(b), rank(a) > rank(b));
    switch (a->type) {
    case HL_BOOL:
        return order(!a->boolean && b->boolean, a->boolean && !b->boolean);
    case HL_INT:
    case HL_REAL:
        return compare_numbers(a, b);
    case HL_TEXT:
        return compare_texts(a, b);
    case HL_LIST:
        return compare_lists(&a->list, &b->list);
    case HL_MAP:
        return compare_maps(a->map, b->map);
    case HL_UNKNOWN:
        return strcmp(a->unknown, b->unknown);
    case HL_NULL:
    case HL_TYPES:
        break;
    }
    abort();
}

const char *hl_value_find_unknown(const struct hl_value *value)
{
    if (hl_value_is(value, HL_UNKNOWN))
        return value->unknown;
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const char *unknown = hl_value_find_unknown(part(value, i));

        if (unknown != NULL)
            return unknown;
    }
    return NULL;
}

bool hl_value_has_sensitive(const struct hl_value *value)
{
    if (value != NULL && value->sensitive)
        return true;
    for (size_t i = 0; i < hl_value_count(value); i++)
        if (hl_value_has_sensitive(part(value, i)))
            return true;
    return false;
}

void hl_value_mark_like(struct hl_value *value, const struct hl_value *like)
{
    if (value == NULL || like == NULL)
        return;
    if (like->sensitive || (like->type == HL_LIST && hl_value_has_sensitive(like) && !hl_value_has_sensitive(value))) {
        hl_value_mark_sensitive(value);
        return;
    }
    for (size_t i = 0; i < hl_value_members(value); i++)
        hl_value_mark_like(hl_value_at(value, i), hl_value_get(like, hl_value_key(value, i)));
}

const char *hl_value_to_text(struct hl_arena *arena, const struct hl_value *value)
{
    char real[32];

    if (hl_value_is_null(value))
        return "null";
    switch (value->type) {
    case HL_BOOL:
        return value->boolean ? "true" : "false";
    case HL_INT:
        return hl_arena_printf(arena, "%" PRId64, value->integer);
    case HL_REAL:
        hl_format_real(value->real, real);
        return hl_arena_strdup(arena, real);
    case HL_TEXT:
        return hl_arena_copy(arena, value->text.data, value->text.length);
    case HL_NULL:
    case HL_LIST:
    case HL_MAP:
    case HL_UNKNOWN:
    case HL_TYPES:
        break;
    }
    return NULL;
}
