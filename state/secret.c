#include "config.h"

#include "state/internal.h"
#include "state/seal.h"

#include <inttypes.h>
#include <string.h>

/* A row with what its associated data is made of. */
struct secret_row {
    int64_t id;
    int64_t intent;
    const char *address;
    const char *slot;
    const char *path;
    const char *sealed;
    size_t length;
};

/* An intent's column carries its number, which is never used again. */
static struct hl_seal_place place_of(const struct hl_store *store, struct hl_arena *arena, const struct hl_secret_owner *owner, const char *slot,
                                     const char *path)
{
    const char *column = owner->intent == 0 ? slot : hl_arena_printf(arena, "journal.%" PRId64 ".%s", owner->intent, slot);

    return (struct hl_seal_place){.state = store->id, .address = owner->address, .column = column, .path = path};
}

static bool fail_sealed(struct hl_store *store, const char *address, const char *slot, const char *path, struct hl_error **err)
{
    hl_fail(err, HL_E_FAILED, "the sealed value at '%s' in '%s' of '%s' was changed or moved: it does not open", path, slot, address);
    hl_error_address(err, address);
    return hl_sql_way_back(store, err);
}

static void put_owner(struct hl_query *query, const struct hl_secret_owner *owner)
{
    if (owner->intent == 0)
        hl_query_put_text(query, owner->address);
    else
        hl_query_put_int(query, owner->intent);
}

static bool remove_slot(struct hl_store *store, const struct hl_secret_owner *owner, const char *slot, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = owner->intent == 0 ? hl_query_open(store, "DELETE FROM secrets WHERE resource = ?1 AND slot = ?2")
                                                              : hl_query_open(store, "DELETE FROM secrets WHERE intent = ?1 AND slot = ?2");

    put_owner(&query, owner);
    hl_query_put_text(&query, slot);
    return hl_query_run(&query, err);
}

static bool insert_one(struct hl_store *store, struct hl_arena *arena, const struct hl_secret_owner *owner, const char *slot,
                       const struct hl_codec_secret *secret, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        owner->intent == 0 ? hl_query_open(store, "INSERT INTO secrets(resource, slot, path, sealed, sealed_at) VALUES (?1, ?2, ?3, ?4, ?5)")
                           : hl_query_open(store, "INSERT INTO secrets(intent, slot, path, sealed, sealed_at) VALUES (?1, ?2, ?3, ?4, ?5)");
    struct hl_seal_place place = place_of(store, arena, owner, slot, secret->path);
    char now[HL_STATE_CLOCK_TEXT];
    size_t length = 0, sealed_length = 0;
    const char *packed = hl_codec_pack(arena, secret->value, &length);

    store->broken = packed == NULL || store->broken;
    if (packed == NULL)
        return hl_fail(err, HL_E_FAILED, "the value at '%s' of '%s' is too large to be stored", secret->path, owner->address);

    const unsigned char *sealed = hl_seal(arena, store->keys->data, &place, packed, length, &sealed_length);

    put_owner(&query, owner);
    hl_query_put_text(&query, slot);
    hl_query_put_text(&query, secret->path);
    hl_query_put_blob(&query, sealed, sealed_length);
    hl_query_put_time(&query, now, hl_state_now_ms());
    return hl_query_run(&query, err);
}

bool hl_secret_save(struct hl_store *store, const struct hl_secret_owner *owner, const char *slot, const struct hl_codec_secrets *secrets,
                    struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (!remove_slot(store, owner, slot, err))
        return false;
    for (size_t i = 0; i < secrets->count; i++) {
        if (!insert_one(store, arena, owner, slot, &secrets->items[i], err))
            return false;
    }
    return true;
}

/* ---- opening ---- */

struct opener {
    struct hl_store *store;
    struct hl_arena *arena;
    const struct hl_secret_owner *owner;
    const char *slot;
};

static bool open_row(struct hl_store *store, struct hl_arena *arena, const struct secret_row *row, struct hl_value **out, struct hl_error **err)
{
    struct hl_secret_owner owner = {.address = row->address, .intent = row->intent};
    struct hl_seal_place place = place_of(store, arena, &owner, row->slot, row->path);
    size_t length = 0;
    const char *plain = hl_seal_open(arena, store->keys->data, &place, row->sealed, row->length, &length);

    if (plain == NULL)
        return fail_sealed(store, row->address, row->slot, row->path, err);
    return hl_codec_unpack(arena, plain, length, out, err);
}

static bool open_secret(void *context, const char *path, struct hl_value **out, struct hl_error **err)
{
    const struct opener *opener = context;
    hl_auto(query) struct hl_query query = opener->owner->intent == 0
                                               ? hl_query_open(opener->store, "SELECT sealed FROM secrets WHERE resource = ?1 AND slot = ?2 AND path = ?3")
                                               : hl_query_open(opener->store, "SELECT sealed FROM secrets WHERE intent = ?1 AND slot = ?2 AND path = ?3");
    struct secret_row row = {.intent = opener->owner->intent, .address = opener->owner->address, .slot = opener->slot, .path = path};
    bool found = false;

    put_owner(&query, opener->owner);
    hl_query_put_text(&query, opener->slot);
    hl_query_put_text(&query, path);
    if (!hl_query_next(&query, &found, err))
        return false;
    if (!found)
        return fail_sealed(opener->store, row.address, row.slot, path, err);
    row.sealed = hl_query_blob(&query, 0, &row.length);
    return open_row(opener->store, opener->arena, &row, out, err);
}

bool hl_secret_load(struct hl_store *store, struct hl_arena *arena, const struct hl_secret_owner *owner, const char *slot, const char *json,
                    struct hl_value **out, struct hl_error **err)
{
    struct opener opener = {.store = store, .arena = arena, .owner = owner, .slot = slot};

    *out = NULL;
    if (*json == '\0')
        return true;
    return hl_codec_decode(arena, json, open_secret, &opener, out, err) || hl_wrap(err, "reading '%s' of '%s' from '%s'", slot, owner->address, store->path);
}

/* ---- all rows ---- */

/* The row behind `after` in the order of ids; one at a time, so that it can be written before the next is read. */
static bool next_row(struct hl_store *store, struct hl_arena *arena, int64_t after, struct secret_row *out, bool *found, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "SELECT s.id, coalesce(s.intent, 0), coalesce(s.resource, j.address), s.slot, s.path, s.sealed FROM secrets s "
                             "LEFT JOIN journal j ON j.id = s.intent WHERE s.id > ?1 ORDER BY s.id LIMIT 1");

    hl_query_put_int(&query, after);
    if (!hl_query_next(&query, found, err))
        return false;
    if (!*found)
        return true;
    out->id = hl_query_int(&query, 0);
    out->intent = hl_query_int(&query, 1);
    out->address = hl_query_text(&query, arena, 2);
    out->slot = hl_query_text(&query, arena, 3);
    out->path = hl_query_text(&query, arena, 4);
    out->sealed = hl_query_blob(&query, 5, &out->length);
    out->sealed = hl_arena_copy(arena, out->sealed, out->length);
    return true;
}

/* Opens a row where it was sealed, and seals it for `address` with `key`. */
static bool reseal_row(struct hl_store *store, const struct secret_row *row, const char *address, const unsigned char *key, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query = hl_query_open(store, "UPDATE secrets SET sealed = ?1, sealed_at = ?2 WHERE id = ?3");
    struct hl_secret_owner before = {.address = row->address, .intent = row->intent};
    struct hl_secret_owner after = {.address = address, .intent = row->intent};
    struct hl_seal_place old_place = place_of(store, arena, &before, row->slot, row->path);
    struct hl_seal_place new_place = place_of(store, arena, &after, row->slot, row->path);
    char now[HL_STATE_CLOCK_TEXT];
    size_t length = 0, sealed_length = 0;
    const char *plain = hl_seal_open(arena, store->keys->data, &old_place, row->sealed, row->length, &length);

    if (plain == NULL)
        return fail_sealed(store, row->address, row->slot, row->path, err);

    const unsigned char *sealed = hl_seal(arena, key, &new_place, plain, length, &sealed_length);

    hl_query_put_blob(&query, sealed, sealed_length);
    hl_query_put_time(&query, now, hl_state_now_ms());
    hl_query_put_int(&query, row->id);
    return hl_query_run(&query, err);
}

bool hl_secret_reseal(struct hl_store *store, const unsigned char key[HL_KEY_BYTES], struct hl_error **err)
{
    struct secret_row row = {.id = 0};
    bool found = true;

    while (found) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();

        if (!next_row(store, arena, row.id, &row, &found, err) || (found && !reseal_row(store, &row, row.address, key, err)))
            return false;
    }
    return true;
}

bool hl_secret_move(struct hl_store *store, const char *from, const char *to, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT id, slot, path, sealed FROM secrets WHERE resource = ?1");
    bool found = false;

    hl_query_put_text(&query, to);
    if (!hl_query_next(&query, &found, err))
        return false;
    while (found) {
        struct secret_row row = {.id = hl_query_int(&query, 0), .address = from};

        row.slot = hl_query_text(&query, arena, 1);
        row.path = hl_query_text(&query, arena, 2);
        row.sealed = hl_query_blob(&query, 3, &row.length);
        /* The update touches neither the index that is walked nor rows to come. */
        if (!reseal_row(store, &row, to, store->keys->data, err) || !hl_query_next(&query, &found, err))
            return false;
    }
    return true;
}

/* ---- for the redactor ---- */

static void collect_texts(struct hl_arena *arena, const struct hl_value *value, struct hl_value *list)
{
    const char *text = hl_value_is(value, HL_TEXT) ? NULL : hl_value_to_text(arena, value);

    for (size_t i = 0; i < hl_value_count(value); i++)
        collect_texts(arena, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i), list);
    if (hl_value_is(value, HL_TEXT))
        hl_value_list_add(arena, list, hl_value_mark_sensitive(hl_value_copy(arena, value)));
    else if (text != NULL && !hl_value_is_null(value))
        hl_value_list_add(arena, list, hl_value_mark_sensitive(hl_value_text(arena, text)));
}

bool hl_store_secrets(struct hl_store *store, struct hl_arena *arena, struct hl_value **out_list, struct hl_error **err)
{
    struct secret_row row = {.id = 0};
    struct hl_value *list = hl_value_list(arena);
    bool found = true;

    while (found) {
        hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
        struct hl_value *value = NULL;

        if (!next_row(store, scratch, row.id, &row, &found, err))
            return false;
        if (!found)
            break;
        if (!open_row(store, scratch, &row, &value, err))
            return hl_wrap(err, "reading the secrets of '%s'", store->path);
        collect_texts(arena, value, list);
    }
    *out_list = list;
    return hl_kept_collect(store, arena, collect_texts, list, err);
}
