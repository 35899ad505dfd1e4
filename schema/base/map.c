#include "config.h"

#include "schema/base/map.h"

#include <assert.h>
#include <string.h>

/* Up to here a scan over the hashes beats an index. */
enum { SMALL = 8, ABSENT = -1 };

/* FNV-1a with a final mix, since the index takes the low bits. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;

    for (const unsigned char *at = (const unsigned char *)key; *at != '\0'; at++)
        hash = (hash ^ *at) * 16777619u;
    hash ^= hash >> 16;
    hash *= 0x85ebca6bu;
    hash ^= hash >> 13;
    return hash;
}

void hl_map_init(struct hl_map *map, struct hl_arena *arena)
{
    *map = (struct hl_map){.arena = arena};
}

struct hl_map *hl_map_new(struct hl_arena *arena)
{
    struct hl_map *map = hl_arena_alloc(arena, sizeof(*map));

    hl_map_init(map, arena);
    return map;
}

static bool matches(const struct hl_map_entry *entry, const char *key, uint32_t hash)
{
    return entry->hash == hash && strcmp(entry->key, key) == 0;
}

static ptrdiff_t position_of(const struct hl_map *map, const char *key, uint32_t hash)
{
    if (map->index == NULL) {
        for (size_t i = 0; i < map->count; i++)
            if (matches(&map->entries[i], key, hash))
                return (ptrdiff_t)i;
        return ABSENT;
    }
    for (size_t slot = hash;; slot++) {
        uint32_t number = map->index[slot & (map->index_size - 1)];

        if (number == 0)
            return ABSENT;
        if (matches(&map->entries[number - 1], key, hash))
            return (ptrdiff_t)number - 1;
    }
}

void *hl_map_find(const struct hl_map *map, const char *key)
{
    if (map == NULL || map->count == 0)
        return NULL;

    ptrdiff_t position = position_of(map, key, hash_of(key));

    return position == ABSENT ? NULL : map->entries[position].value;
}

bool hl_map_has(const struct hl_map *map, const char *key)
{
    return map != NULL && map->count > 0 && position_of(map, key, hash_of(key)) != ABSENT;
}

static void index_entry(struct hl_map *map, size_t number)
{
    size_t slot = map->entries[number].hash & (map->index_size - 1);

    while (map->index[slot] != 0)
        slot = (slot + 1) & (map->index_size - 1);
    map->index[slot] = (uint32_t)(number + 1);
}

static void fill_index(struct hl_map *map)
{
    memset(map->index, 0, map->index_size * sizeof(*map->index));
    for (size_t i = 0; i < map->count; i++)
        index_entry(map, i);
}

/* The index has at least twice as many slots as there are entries to come, so it is never more than half full. */
static void resize(struct hl_map *map, size_t capacity)
{
    struct hl_map_entry *entries = hl_arena_alloc(map->arena, capacity * sizeof(*entries));

    assert(capacity < UINT32_MAX / 4);
    if (map->count > 0)
        memcpy(entries, map->entries, map->count * sizeof(*entries));
    map->entries = entries;
    map->capacity = capacity;
    if (capacity <= SMALL)
        return;
    for (map->index_size = 4 * SMALL; map->index_size < capacity * 2;)
        map->index_size *= 2;
    map->index = hl_arena_alloc(map->arena, map->index_size * sizeof(*map->index));
    fill_index(map);
}

void hl_map_reserve(struct hl_map *map, size_t count)
{
    if (count > map->capacity)
        resize(map, count);
}

void hl_map_put(struct hl_map *map, const char *key, void *value)
{
    uint32_t hash = hash_of(key);
    ptrdiff_t position = position_of(map, key, hash);

    if (position != ABSENT) {
        map->entries[position].value = value;
        return;
    }
    if (map->count == map->capacity)
        resize(map, map->capacity == 0 ? SMALL / 2 : map->capacity * 2);
    map->entries[map->count] = (struct hl_map_entry){.key = hl_arena_strdup(map->arena, key), .hash = hash, .value = value};
    map->count++;
    if (map->index != NULL)
        index_entry(map, map->count - 1);
}

bool hl_map_remove(struct hl_map *map, const char *key)
{
    ptrdiff_t position = position_of(map, key, hash_of(key));

    if (position == ABSENT)
        return false;

    struct hl_map_entry *entry = &map->entries[position];

    map->count--;
    memmove(entry, entry + 1, (map->count - (size_t)position) * sizeof(*entry));
    if (map->index != NULL)
        fill_index(map);
    return true;
}
