/* Values of providers' own (an API token that was told only once): sealed texts in table `meta`, by the name of the provider's instance. */
#include "config.h"

#include "state/internal.h"
#include "state/seal.h"

#include <string.h>

static const char prefix[] = "kept.";

static struct hl_seal_place place_of(const struct hl_store *store, const char *row)
{
    return (struct hl_seal_place){.state = store->id, .address = "", .column = "meta", .path = row};
}

static bool save(struct hl_store *store, const unsigned char *key, const char *row, const char *packed, size_t length, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_seal_place place = place_of(store, row);
    size_t sealed_length = 0;
    const unsigned char *sealed = hl_seal(arena, key, &place, packed, length, &sealed_length);

    return hl_store_meta_put(store, row, hl_base64_encode(arena, HL_BASE64, sealed, sealed_length), err);
}

/* The bytes that were packed, in `arena`. */
static bool unseal(struct hl_store *store, struct hl_arena *arena, const char *row, const char *text, const char **packed, size_t *length,
                   struct hl_error **err)
{
    const struct hl_seal_place place = place_of(store, row);
    size_t sealed_length = 0;
    const char *sealed = hl_base64_decode(arena, HL_BASE64, text, strlen(text), &sealed_length);

    *packed = sealed == NULL ? NULL : hl_seal_open(arena, store->keys->data, &place, sealed, sealed_length, length);
    if (*packed != NULL)
        return true;
    hl_fail(err, HL_E_FAILED, "the sealed value '%s' of '%s' was changed or moved: it does not open", row, store->path);
    return hl_sql_way_back(store, err);
}

bool hl_store_keep(struct hl_store *store, const char *name, const struct hl_value *value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *row = hl_arena_printf(arena, "%s%s", prefix, name);
    size_t length = 0;
    const char *packed = hl_codec_pack(arena, value, &length);

    if (packed == NULL)
        return hl_fail(err, HL_E_FAILED, "the value that provider '%s' keeps is too large", name);
    return save(store, store->keys->data, row, packed, length, err) || hl_wrap(err, "keeping a value of provider '%s'", name);
}

bool hl_store_kept(struct hl_store *store, struct hl_arena *arena, const char *name, struct hl_value **out, struct hl_error **err)
{
    const char *row = hl_arena_printf(arena, "%s%s", prefix, name);
    const char *text = NULL;
    const char *packed = NULL;
    size_t length = 0;

    *out = NULL;
    if (!hl_store_meta_get(store, arena, row, &text, err))
        return false;
    return text == NULL || (unseal(store, arena, row, text, &packed, &length, err) && hl_codec_unpack(arena, packed, length, out, err));
}

/* The names of all rows, in `arena`. */
static bool list_rows(struct hl_store *store, struct hl_arena *arena, struct hl_value **out, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT name, value FROM meta WHERE name GLOB 'kept.*' ORDER BY name");
    struct hl_value *rows = hl_value_map(arena);
    bool found = false;

    if (!hl_query_next(&query, &found, err))
        return false;
    while (found) {
        hl_value_map_put_text(rows, hl_query_text(&query, arena, 0), hl_query_text(&query, arena, 1));
        if (!hl_query_next(&query, &found, err))
            return false;
    }
    *out = rows;
    return true;
}

bool hl_kept_reseal(struct hl_store *store, const unsigned char key[HL_KEY_BYTES], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *rows = NULL;

    if (!list_rows(store, arena, &rows, err))
        return false;
    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const char *row = hl_value_key(rows, i);
        const char *packed = NULL;
        size_t length = 0;

        if (!unseal(store, arena, row, hl_value_get_text(rows, row), &packed, &length, err) || !save(store, key, row, packed, length, err))
            return false;
    }
    return true;
}

bool hl_kept_collect(struct hl_store *store, struct hl_arena *arena, void (*take)(struct hl_arena *arena, const struct hl_value *value, struct hl_value *list),
                     struct hl_value *list, struct hl_error **err)
{
    struct hl_value *rows = NULL;

    if (!list_rows(store, arena, &rows, err))
        return false;
    for (size_t i = 0; i < hl_value_count(rows); i++) {
        struct hl_value *value = NULL;

        if (!hl_store_kept(store, arena, hl_value_key(rows, i) + strlen(prefix), &value, err))
            return false;
        take(arena, value, list);
    }
    return true;
}
