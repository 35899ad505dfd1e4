/* A string-keyed hash map that keeps the order of insertion.
 *
 * Lives in an arena, so there is nothing to free. Look-ups are O(1); maps of a few entries are scanned without an index.
 * Iterate with an index: for (size_t i = 0; i < map->count; i++) use map->entries[i]. */
#ifndef HL_SCHEMA_BASE_MAP_H
#define HL_SCHEMA_BASE_MAP_H

#include "schema/base/arena.h"

struct hl_map_entry {
    const char *key; /* NUL-terminated; lives as long as the map */
    uint32_t hash;
    void *value;
};

struct hl_map {
    struct hl_arena *arena;
    struct hl_map_entry *entries;
    uint32_t *index; /* open addressing: the mask of the slots, then the slots, entry number + 1; NULL while the map is small */
    uint32_t count;
    uint32_t capacity;
};

void hl_map_init(struct hl_map *map, struct hl_arena *arena);
struct hl_map *hl_map_new(struct hl_arena *arena);
/* Room for `count` entries in all, for who knows how many will come: nothing is left behind by growing. */
void hl_map_reserve(struct hl_map *map, size_t count);
/* NULL when absent. A NULL map is empty, and a NULL key (a name that an answer lacks) is in no map. */
void *hl_map_find(const struct hl_map *map, const char *key);
bool hl_map_has(const struct hl_map *map, const char *key);
/* The entry with the same key as one of another map; NULL when absent. */
const struct hl_map_entry *hl_map_find_like(const struct hl_map *map, const struct hl_map_entry *entry);
/* Inserts at the end, or replaces the value in place. Copies the key into the map's arena. */
void hl_map_put(struct hl_map *map, const char *key, void *value);
/* Like hl_map_put() for an entry of another map, whose key is not in this one. */
void hl_map_add_like(struct hl_map *map, const struct hl_map_entry *entry, void *value);
/* Removes, keeping the order of the rest (O(n)); false when absent. */
bool hl_map_remove(struct hl_map *map, const char *key);

#endif
