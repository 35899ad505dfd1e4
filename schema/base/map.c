#include "config.h"

#include "schema/base/map.h"

#include <assert.h>
#include <string.h>

/* Up to here a scan over the hashes beats an index. */
enum { SMALL = 8, ABSENT = -1 };

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t bytes_at(const char *at, size_t length)
{
    uint64_t bytes = 0;

    memcpy(&bytes, at, length);
    return bytes;
}

/* Takes eight bytes at a time; the last ones overlap what was taken before. */
static uint32_t hash_of(const char *key)
{
    const size_t length = strlen(key);
    uint64_t hash = length;

    if (length < 4) {
        for (const char *at = key; *at != '\0'; at++)
            hash = hash << 8 | (unsigned char)*at;
        return (uint32_t)mix(0, hash);
    }
    if (length < 8)
        return (uint32_t)mix(hash, bytes_at(key, 4) << 32 | bytes_at(key + length - 4, 4));
    for (size_t i = 0; i + 8 < length; i += 8)
        hash = mix(hash, bytes_at(key + i, 8));
    return (uint32_t)mix(hash, bytes_at(key + length - 8, 8));
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

    const uint32_t mask = map->index[0], *slots = map->index + 1;

    for (uint32_t slot = hash;; slot++) {
        uint32_t number = slots[slot & mask];

        if (number == 0)
            return ABSENT;
        if (matches(&map->entries[number - 1], key, hash))
            return (ptrdiff_t)number - 1;
    }
}

void *hl_map_find(const struct hl_map *map, const char *key)
{
    if (map == NULL || map->count == 0 || key == NULL)
        return NULL;

    ptrdiff_t position = position_of(map, key, hash_of(key));

    return position == ABSENT ? NULL : map->entries[position].value;
}

bool hl_map_has(const struct hl_map *map, const char *key)
{
    return map != NULL && map->count > 0 && key != NULL && position_of(map, key, hash_of(key)) != ABSENT;
}

const struct hl_map_entry *hl_map_find_like(const struct hl_map *map, const struct hl_map_entry *entry)
{
    if (map == NULL || map->count == 0)
        return NULL;

    ptrdiff_t position = position_of(map, entry->key, entry->hash);

    return position == ABSENT ? NULL : &map->entries[position];
}

static void index_entry(struct hl_map *map, uint32_t number)
{
    const uint32_t mask = map->index[0];
    uint32_t *slots = map->index + 1, slot = map->entries[number].hash & mask;

    while (slots[slot] != 0)
        slot = (slot + 1) & mask;
    slots[slot] = number + 1;
}

static void fill_index(struct hl_map *map)
{
    memset(map->index + 1, 0, (map->index[0] + (size_t)1) * sizeof(*map->index));
    for (uint32_t i = 0; i < map->count; i++)
        index_entry(map, i);
}

/* Has at least twice as many slots as there are entries to come, so it is never more than half full. */
static uint32_t *new_index(const struct hl_map *map)
{
    uint32_t size = 4 * SMALL;

    while (size < map->capacity * 2)
        size *= 2;

    uint32_t *index = hl_arena_alloc(map->arena, (size + (size_t)1) * sizeof(*index));

    index[0] = size - 1;
    return index;
}

static void resize(struct hl_map *map, size_t capacity)
{
    struct hl_map_entry *entries = hl_arena_alloc(map->arena, capacity * sizeof(*entries));

    assert(capacity < UINT32_MAX / 4);
    if (map->count > 0)
        memcpy(entries, map->entries, map->count * sizeof(*entries));
    map->entries = entries;
    map->capacity = (uint32_t)capacity;
    if (capacity <= SMALL)
        return;
    map->index = new_index(map);
    fill_index(map);
}

void hl_map_reserve(struct hl_map *map, size_t count)
{
    if (count > map->capacity)
        resize(map, count);
}

static void add(struct hl_map *map, const char *key, uint32_t hash, void *value)
{
    if (map->count == map->capacity)
        resize(map, map->capacity == 0 ? SMALL / 2 : map->capacity * (size_t)2);
    map->entries[map->count] = (struct hl_map_entry){.key = hl_arena_strdup(map->arena, key), .hash = hash, .value = value};
    map->count++;
    if (map->index != NULL)
        index_entry(map, map->count - 1);
}

void hl_map_put(struct hl_map *map, const char *key, void *value)
{
    uint32_t hash = hash_of(key);
    ptrdiff_t position = position_of(map, key, hash);

    if (position != ABSENT)
        map->entries[position].value = value;
    else
        add(map, key, hash, value);
}

void hl_map_add_like(struct hl_map *map, const struct hl_map_entry *entry, void *value)
{
    add(map, entry->key, entry->hash, value);
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
