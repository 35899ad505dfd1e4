#include "config.h"

#include "schema/reader_keys.h"

#include <stdlib.h>
#include <string.h>

enum { SCAN = 16 }; /* up to so many keys, comparing each with each beats a table */

uint32_t hl_key_hash(const char *data, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)data[i]) * 16777619u;
    hash ^= hash >> 15;
    return hash;
}

void hl_keys_init(struct hl_keys *keys, const struct hl_item *items, size_t expected)
{
    *keys = (struct hl_keys){.items = items};
    if (expected <= SCAN)
        return;
    keys->size = 64;
    while (keys->size < expected * 2)
        keys->size *= 2;
    keys->slots = hl_alloc(keys->size * sizeof(*keys->slots));
}

void hl_keys_clear(struct hl_keys *keys)
{
    free(keys->slots);
}

static bool same_key(const struct hl_item *a, const struct hl_item *b)
{
    return a->hash == b->hash && (a->key == b->key || strcmp(a->key, b->key) == 0);
}

const struct hl_item *hl_keys_add(struct hl_keys *keys, size_t position)
{
    const struct hl_item *item = &keys->items[position];

    if (keys->slots == NULL) {
        for (size_t i = 0; i < position; i++)
            if (same_key(&keys->items[i], item))
                return &keys->items[i];
        return NULL;
    }
    for (size_t slot = item->hash;; slot++) {
        uint32_t *entry = &keys->slots[slot & (keys->size - 1)];

        if (*entry == 0) {
            *entry = (uint32_t)position + 1;
            return NULL;
        }
        if (same_key(&keys->items[*entry - 1], item))
            return &keys->items[*entry - 1];
    }
}
