/* Keys of a mapping that is being read, and which of them are equal, by hash. */
#ifndef HL_SCHEMA_READER_KEYS_H
#define HL_SCHEMA_READER_KEYS_H

#include "schema/reader.h"

/* An entry of a mapping or an item of a list, while these are not finished. */
struct hl_item {
    const char *key; /* NULL in a list */
    uint32_t hash;
    bool merge; /* the key is a plain << */
    struct hl_span at;
    struct hl_node *value;
};

uint32_t hl_key_hash(const char *data, size_t length);

/* Finds equal keys among items[0..]: positions by hash, open addressing. */
struct hl_keys {
    const struct hl_item *items;
    uint32_t *slots; /* position + 1; NULL while few */
    size_t size;
};

/* Borrows `items`; `expected` is how many will be added. */
void hl_keys_init(struct hl_keys *keys, const struct hl_item *items, size_t expected);
void hl_keys_clear(struct hl_keys *keys);
/* The item with the key of items[position] that was added before, or NULL after adding this one. Positions are added in rising order, from 0. */
const struct hl_item *hl_keys_add(struct hl_keys *keys, size_t position);

#endif
