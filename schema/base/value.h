/* The one data model of hlrec: what the spec says, what the state recorded, what an API told.
 *
 * Values live in an arena and are treated as immutable once they are handed on; a builder (hl_value_map_put, hl_value_list_add)
 * changes only what its caller has just made. A value can be
 *   - sensitive: it, or something it was made from, is secret. It is masked by every renderer and sealed in the state;
 *   - unknown: not known before something is applied; `unknown` names what it waits for ("setup_key.a.key").
 * Both spread: a list or map with a sensitive member is not itself sensitive, but text computed from a sensitive part is.
 * Durations are whole milliseconds and sizes bytes, both HL_INT. */
#ifndef HL_SCHEMA_BASE_VALUE_H
#define HL_SCHEMA_BASE_VALUE_H

#include "schema/base/map.h"

enum hl_type { HL_NULL, HL_BOOL, HL_INT, HL_REAL, HL_TEXT, HL_LIST, HL_MAP, HL_UNKNOWN, HL_TYPES };

/* A place in the spec; line 0 means that there is none. Both count from 1; the column counts characters, not bytes. */
struct hl_span {
    uint32_t line;
    uint32_t column;
};

struct hl_value;

struct hl_list {
    struct hl_value **items;
    uint32_t count;
    uint32_t capacity;
};

struct hl_value {
    enum hl_type type;
    bool sensitive;
    struct hl_span at; /* where the spec says it */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *data; /* NUL-terminated, may hold NULs within `length` */
            size_t length;
        } text;
        struct hl_list list;
        struct hl_map *map;  /* of struct hl_value * */
        const char *unknown; /* the reference it waits for, without ${} */
    };
};

struct hl_value *hl_value_null(struct hl_arena *arena);
struct hl_value *hl_value_bool(struct hl_arena *arena, bool boolean);
struct hl_value *hl_value_int(struct hl_arena *arena, int64_t integer);
struct hl_value *hl_value_real(struct hl_arena *arena, double real);
/* NULL gives a null value. */
struct hl_value *hl_value_text(struct hl_arena *arena, const char *text);
struct hl_value *hl_value_bytes(struct hl_arena *arena, const char *data, size_t length);
struct hl_value *hl_value_printf(struct hl_arena *arena, const char *format, ...) HL_PRINTF(2, 3);
struct hl_value *hl_value_list(struct hl_arena *arena);
struct hl_value *hl_value_map(struct hl_arena *arena);
struct hl_value *hl_value_unknown(struct hl_arena *arena, const char *waits_for);
/* Marks `value` and, for lists and maps, all within; returns it. */
struct hl_value *hl_value_mark_sensitive(struct hl_value *value);
/* Marks what is marked in `like`, at the same path. Items of lists have no path: one with something marked in `like` is marked as a whole, unless something is
 * marked in it already, for then somebody knew better. Either may be NULL. */
void hl_value_mark_like(struct hl_value *value, const struct hl_value *like);

/* Room for `count` parts in all, of a list or a map. */
void hl_value_reserve(struct hl_arena *arena, struct hl_value *value, size_t count);
void hl_value_list_add(struct hl_arena *arena, struct hl_value *list, struct hl_value *item);
/* Inserts or replaces. A NULL `value` does nothing, so that optional parts need no `if`. */
void hl_value_map_put(struct hl_value *map, const char *key, struct hl_value *value);
void hl_value_map_put_text(struct hl_value *map, const char *key, const char *text); /* NULL does nothing */
void hl_value_map_put_int(struct hl_value *map, const char *key, int64_t integer);
void hl_value_map_put_bool(struct hl_value *map, const char *key, bool boolean);

/* Look-ups are forgiving: a NULL or ill-typed value gives NULL, the fallback or 0. All borrowed. */
struct hl_value *hl_value_get(const struct hl_value *map, const char *key);
const char *hl_value_get_text(const struct hl_value *map, const char *key); /* NULL when absent or not text */
int64_t hl_value_get_int(const struct hl_value *map, const char *key, int64_t fallback);
bool hl_value_get_bool(const struct hl_value *map, const char *key, bool fallback);
/* A dotted path "a.b.0.c"; list items by number. */
struct hl_value *hl_value_find_path(const struct hl_value *value, const char *path);
size_t hl_value_count(const struct hl_value *value); /* items of a list or entries of a map, else 0 */
struct hl_value *hl_value_item(const struct hl_value *list, size_t index);
/* Entries of a map, 0 for anything else: what a walk over keys ends at, since an API may tell a list where a map belongs, and its items have no key. */
size_t hl_value_members(const struct hl_value *map);
const char *hl_value_key(const struct hl_value *map, size_t index); /* NULL beyond the end, and for what is no map */
struct hl_value *hl_value_at(const struct hl_value *map, size_t index);
static inline bool hl_value_is(const struct hl_value *value, enum hl_type type)
{
    return value != NULL && value->type == type;
}
static inline bool hl_value_is_null(const struct hl_value *value)
{
    return value == NULL || value->type == HL_NULL;
}
const char *hl_type_name(enum hl_type type); /* "text", "list", ... as messages say it */

/* Deep copy into `arena`. */
struct hl_value *hl_value_copy(struct hl_arena *arena, const struct hl_value *value);
/* `known` when it is the same in all but order and places, sensitivity included; else a deep copy of `value`. For what is mostly unchanged, so that it is
 * there once. */
struct hl_value *hl_value_keep(struct hl_arena *arena, const struct hl_value *value, struct hl_value *known);
/* Deep equality; maps compare without regard to order; NULL equals HL_NULL; an unknown equals nothing. Ignores sensitivity and places. */
bool hl_value_equal(const struct hl_value *a, const struct hl_value *b);
/* A total order for sets: by type, then content. */
int hl_value_compare(const struct hl_value *a, const struct hl_value *b);
/* Whether it, or anything within, is unknown; gives the first thing it waits for. */
const char *hl_value_find_unknown(const struct hl_value *value);
bool hl_value_has_sensitive(const struct hl_value *value);
/* A scalar as the spec would write it (true, 8080, text; null also for NULL); NULL for lists, maps and unknowns. In the arena. */
const char *hl_value_to_text(struct hl_arena *arena, const struct hl_value *value);

#endif
