#include "config.h"

#include "reconcile/plan/diff.h"

#include <stdlib.h>
#include <string.h>

struct differ {
    struct hl_arena *arena;
    const char *const *ignore;
    struct hl_changes *out;
    bool drift_only; /* desired is recorded: what counts is whether live differs from it */
};

/* The three sides of one field. */
struct sides {
    const struct hl_value *desired, *recorded, *live;
};

/* Where a field stands, on the stack of the walk: written out only for what is told, since nearly nothing differs. */
struct place {
    const struct place *outer; /* NULL: the body */
    const char *name;
};

static void diff_fields(struct differ *differ, const struct hl_field *fields, struct sides sides, const struct place *outer, bool immutable);
static void diff_field(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable);

static const char *path_of(struct hl_arena *arena, const struct place *place)
{
    return place->outer == NULL ? hl_arena_strdup(arena, place->name) : hl_arena_printf(arena, "%s.%s", path_of(arena, place->outer), place->name);
}

/* Not said and empty mean the same to every system that hlrec talks to. */
static bool is_blank(const struct hl_value *value)
{
    if (value == NULL)
        return true;
    switch (value->type) {
    case HL_NULL:
        return true;
    case HL_TEXT:
        return value->text.length == 0;
    case HL_LIST:
    case HL_MAP:
        return hl_value_count(value) == 0;
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
    case HL_UNKNOWN:
    case HL_TYPES:
        break;
    }
    return false;
}

static bool is_ignored(const struct differ *differ, const struct place *place)
{
    if (differ->ignore == NULL)
        return false;

    const char *path = path_of(differ->arena, place);

    for (const char *const *entry = differ->ignore; *entry != NULL; entry++) {
        const size_t length = strlen(*entry);
        if (strncmp(path, *entry, length) == 0 && (path[length] == '\0' || path[length] == '.'))
            return true;
    }
    return false;
}

static int compare_items(const void *a, const void *b)
{
    const struct hl_value *const *left = a;
    const struct hl_value *const *right = b;
    return hl_value_compare(*left, *right);
}

static struct hl_value **sorted_items(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_value **items = hl_arena_alloc(arena, (list->list.count + 1) * sizeof *items);

    if (list->list.count > 0) {
        memcpy(items, list->list.items, list->list.count * sizeof *items);
        qsort(items, list->list.count, sizeof *items, compare_items);
    }
    return items;
}

static bool same_set(struct hl_arena *arena, const struct hl_value *a, const struct hl_value *b)
{
    if (!hl_value_is(a, HL_LIST) || !hl_value_is(b, HL_LIST))
        return hl_value_equal(a, b);
    if (a->list.count != b->list.count)
        return false;
    struct hl_value **left = sorted_items(arena, a);
    struct hl_value **right = sorted_items(arena, b);
    for (size_t i = 0; i < a->list.count; i++) {
        if (!hl_value_equal(left[i], right[i]))
            return false;
    }
    return true;
}

static bool same(const struct differ *differ, const struct hl_field *field, const struct hl_value *a, const struct hl_value *b)
{
    const bool a_blank = is_blank(a);
    const bool b_blank = is_blank(b);

    if (a_blank || b_blank)
        return a_blank && b_blank;
    if (field->same != NULL)
        return field->same(a, b);
    if (field->type == HL_F_LIST && field->order == HL_SET)
        return same_set(differ->arena, a, b);
    return hl_value_equal(a, b);
}

/* An object says something by being there, even when it is empty. */
static bool differs(const struct differ *differ, const struct hl_field *field, const struct hl_value *a, const struct hl_value *b)
{
    if (field->type == HL_F_OBJECT && (a == NULL) != (b == NULL))
        return true;
    return !same(differ, field, a, b);
}

static const struct hl_value *or_fallback(const struct differ *differ, const struct hl_field *field, const struct hl_value *value)
{
    if (!is_blank(value) || field->fallback == NULL)
        return value;
    return hl_field_fallback(differ->arena, field);
}

static struct hl_change *add_change(struct differ *differ)
{
    struct hl_changes *out = differ->out;

    if (out->count == out->capacity) {
        const size_t capacity = out->capacity == 0 ? 8 : out->capacity * 2;
        struct hl_change *items = hl_arena_alloc(differ->arena, capacity * sizeof *items);
        if (out->count > 0)
            memcpy(items, out->items, out->count * sizeof *items);
        out->items = items;
        out->capacity = capacity;
    }
    return &out->items[out->count++];
}

static enum hl_origin origin_of(const struct differ *differ, const struct hl_field *field, struct sides sides)
{
    if (differ->drift_only)
        return HL_ORIGIN_DRIFT;
    /* A field that was not managed until now cannot have drifted. */
    if (field->type == HL_F_OBJECT ? sides.recorded == NULL : is_blank(sides.recorded))
        return HL_ORIGIN_SPEC;
    const bool from_spec = differs(differ, field, sides.desired, sides.recorded);
    const bool drifted = differs(differ, field, sides.live, sides.recorded);
    if (from_spec && drifted)
        return HL_ORIGIN_BOTH;
    return drifted ? HL_ORIGIN_DRIFT : HL_ORIGIN_SPEC;
}

/* The field is copied: that of an item is made up on the way. */
static void report(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    struct hl_change *change = add_change(differ);
    struct hl_field *kept = hl_arena_alloc(differ->arena, sizeof *kept);

    *kept = *field;
    *change = (struct hl_change){
        .path = path_of(differ->arena, place),
        .field = kept,
        .desired = sides.desired,
        .recorded = sides.recorded,
        .live = sides.live,
        .origin = origin_of(differ, field, sides),
        .sensitive = field->sensitive || hl_value_has_sensitive(sides.desired) || hl_value_has_sensitive(sides.live) || hl_value_has_sensitive(sides.recorded),
        .unknown = hl_value_find_unknown(sides.desired),
        .forces_replacement = field->must_replace != NULL ? field->must_replace(sides.desired, sides.live) : immutable || field->immutable,
    };
    if (sides.desired != NULL)
        change->at = sides.desired->at;
}

/* Scalars, ordered lists and sets: compared whole. */
static void diff_whole(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    sides.desired = or_fallback(differ, field, sides.desired);
    sides.recorded = or_fallback(differ, field, sides.recorded);
    sides.live = or_fallback(differ, field, sides.live);
    if (hl_value_find_unknown(sides.desired) != NULL || !same(differ, field, sides.desired, sides.live))
        report(differ, field, place, sides, immutable);
}

/* One item of a map or keyed list as a field of its own. */
static struct hl_field item_field(const struct hl_field *field, const char *name)
{
    struct hl_field item = *field;

    item.name = name;
    item.type = field->item;
    item.fallback = NULL;
    item.key = NULL;
    item.same = field->type == HL_F_MAP ? field->same : NULL;
    return item;
}

static void diff_entry(struct differ *differ, const struct hl_field *field, const struct place *map, const char *key, struct sides sides, bool immutable)
{
    const struct place place = {map, key};
    const struct hl_field item = item_field(field, key);
    const bool wanted = sides.desired != NULL;
    const bool was_wanted = sides.recorded != NULL;

    /* An entry without members ("networks: {a: }") is there or not: members alone would not tell. */
    if (field->item == HL_F_OBJECT && wanted != (sides.live != NULL)) {
        if ((wanted || was_wanted) && !is_ignored(differ, &place))
            report(differ, &item, &place, sides, immutable);
        return;
    }
    diff_field(differ, &item, &place, sides, immutable);
}

static int compare_keys(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

/* The keys that either has, sorted, so that the plan does not depend on the order in which the spec has them. */
static const char **sorted_keys(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *recorded, size_t *count)
{
    const char **keys = hl_arena_alloc(arena, (hl_value_count(desired) + hl_value_count(recorded) + 1) * sizeof *keys);

    for (size_t i = 0; i < hl_value_count(desired); i++)
        keys[(*count)++] = hl_value_key(desired, i);
    for (size_t i = 0; i < hl_value_count(recorded); i++) {
        if (hl_value_get(desired, hl_value_key(recorded, i)) == NULL)
            keys[(*count)++] = hl_value_key(recorded, i);
    }
    qsort(keys, *count, sizeof *keys, compare_keys);
    return keys;
}

static void diff_map(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    if (hl_value_is(sides.desired, HL_UNKNOWN)) {
        report(differ, field, place, sides, immutable);
        return;
    }
    size_t count = 0;
    const char **keys = sorted_keys(differ->arena, sides.desired, sides.recorded, &count);
    for (size_t i = 0; i < count; i++) {
        const struct sides entry = {hl_value_get(sides.desired, keys[i]), hl_value_get(sides.recorded, keys[i]), hl_value_get(sides.live, keys[i])};
        if (entry.desired != NULL || entry.live != NULL)
            diff_entry(differ, field, place, keys[i], entry, immutable);
    }
}

/* A list whose items have a key, as a map from that key. */
static const struct hl_value *keyed(struct differ *differ, const struct hl_field *field, const struct hl_value *list)
{
    if (!hl_value_is(list, HL_LIST))
        return list;
    struct hl_value *map = hl_value_map(differ->arena);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct hl_value *key = hl_value_get(list->list.items[i], field->key);
        const char *name = hl_value_to_text(differ->arena, key);
        /* A key that is not known yet still needs a place of its own. */
        hl_value_map_put(map, name != NULL ? name : hl_arena_printf(differ->arena, "%zu", i), list->list.items[i]);
    }
    return map;
}

/* A list in which only what desired or recorded name is managed. */
static void diff_by_name(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    struct hl_value *wanted = hl_value_list(differ->arena);

    for (size_t i = 0; i < hl_value_count(sides.live); i++) {
        struct hl_value *item = hl_value_item(sides.live, i);
        bool ours = false;
        for (size_t j = 0; j < hl_value_count(sides.desired) && !ours; j++)
            ours = hl_value_equal(item, hl_value_item(sides.desired, j));
        for (size_t j = 0; j < hl_value_count(sides.recorded) && !ours; j++)
            ours = hl_value_equal(item, hl_value_item(sides.recorded, j));
        if (ours)
            hl_value_list_add(differ->arena, wanted, item);
    }
    sides.live = wanted;
    diff_whole(differ, field, place, sides, immutable);
}

static void diff_list(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    if (field->key != NULL && !hl_value_is(sides.desired, HL_UNKNOWN)) {
        sides.desired = keyed(differ, field, sides.desired);
        sides.recorded = keyed(differ, field, sides.recorded);
        sides.live = keyed(differ, field, sides.live);
        diff_map(differ, field, place, sides, immutable);
    } else if (field->by_name) {
        diff_by_name(differ, field, place, sides, immutable);
    } else {
        diff_whole(differ, field, place, sides, immutable);
    }
}

/* An empty object says something by being there (Traefik's `tls: {}`); its members could not tell. */
static bool diff_presence(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    const bool wanted_empty = hl_value_is(sides.desired, HL_MAP) && hl_value_count(sides.desired) == 0;
    const bool was_empty = hl_value_is(sides.recorded, HL_MAP) && hl_value_count(sides.recorded) == 0;
    const bool appears = wanted_empty && sides.live == NULL;
    const bool goes = sides.desired == NULL && was_empty && sides.live != NULL;

    if (appears || goes)
        report(differ, field, place, sides, immutable);
    return appears || goes;
}

static void diff_field(struct differ *differ, const struct hl_field *field, const struct place *place, struct sides sides, bool immutable)
{
    immutable = immutable || field->immutable;
    if (is_ignored(differ, place))
        return;
    if (field->type == HL_F_OBJECT && diff_presence(differ, field, place, sides, immutable))
        return;
    if (is_blank(sides.desired) && is_blank(sides.recorded))
        return; /* never named: left alone */
    if (field->write_only)
        sides.live = sides.recorded;
    switch (field->type) {
    case HL_F_OBJECT:
        if (hl_value_is(sides.desired, HL_UNKNOWN))
            report(differ, field, place, sides, immutable);
        else
            diff_fields(differ, field->fields, sides, place, immutable);
        return;
    case HL_F_MAP:
        diff_map(differ, field, place, sides, immutable);
        return;
    case HL_F_LIST:
        diff_list(differ, field, place, sides, immutable);
        return;
    case HL_F_STRING:
    case HL_F_BOOL:
    case HL_F_INT:
    case HL_F_NUMBER:
    case HL_F_DURATION:
    case HL_F_SIZE:
    case HL_F_ANY:
    case HL_FIELD_TYPES:
        diff_whole(differ, field, place, sides, immutable);
        return;
    }
}

enum { MOST_FIELDS = 256 }; /* of one kind or object; those behind would be looked up one by one */

/* Which rows of the table either side speaks of: a container's are ten of sixty. */
static void mark_named(const struct hl_field *fields, const struct hl_value *body, bool named[MOST_FIELDS])
{
    for (size_t i = 0; hl_value_is(body, HL_MAP) && i < hl_value_count(body); i++) {
        const struct hl_field *field = hl_field_find(fields, hl_value_key(body, i), false);
        if (field != NULL && field - fields < MOST_FIELDS)
            named[field - fields] = true;
    }
}

static void diff_fields(struct differ *differ, const struct hl_field *fields, struct sides sides, const struct place *outer, bool immutable)
{
    bool named[MOST_FIELDS] = {false};

    mark_named(fields, sides.desired, named);
    if (sides.recorded != sides.desired)
        mark_named(fields, sides.recorded, named);
    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        if (field->computed || field->local || (field - fields < MOST_FIELDS && !named[field - fields]))
            continue;
        const struct sides inner = {hl_value_get(sides.desired, field->name), hl_value_get(sides.recorded, field->name), hl_value_get(sides.live, field->name)};
        const struct place place = {outer, field->name};
        diff_field(differ, field, &place, inner, immutable);
    }
}

void hl_diff(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *desired, const struct hl_value *recorded,
             const struct hl_value *live, const char *const *ignore, struct hl_changes *out)
{
    struct differ differ = {.arena = arena, .ignore = ignore, .out = out};

    diff_fields(&differ, fields, (struct sides){desired, recorded, live}, NULL, false);
}

void hl_diff_drift(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *recorded, const struct hl_value *live,
                   const char *const *ignore, struct hl_changes *out)
{
    struct differ differ = {.arena = arena, .ignore = ignore, .out = out, .drift_only = true};

    diff_fields(&differ, fields, (struct sides){recorded, recorded, live}, NULL, false);
}
