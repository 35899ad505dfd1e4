#include "config.h"

#include "state/internal.h"

#include <inttypes.h>
#include <string.h>

/* AUTOINCREMENT: a number is never used again, for it is part of the associated data of what the intent seals. */
static const char insert[] =
    "INSERT INTO journal(operation, address, kind, name, provider, provider_type, action, object_id, desired, checkpoint, needs, started, run) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

static const char select_all[] =
    "SELECT id, operation, address, kind, name, provider, provider_type, action, object_id, desired, checkpoint, needs, started, run "
    "FROM journal ORDER BY id";

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool insert_row(struct hl_store *store, struct hl_intent *intent, const char *desired, const char *checkpoint, const char *needs, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, insert);
    char started[HL_STATE_CLOCK_TEXT];

    hl_query_put_text(&query, or_empty(intent->operation));
    hl_query_put_text(&query, intent->address);
    hl_query_put_text(&query, or_empty(intent->kind));
    hl_query_put_text(&query, or_empty(intent->name));
    hl_query_put_text(&query, or_empty(intent->provider));
    hl_query_put_text(&query, or_empty(intent->provider_type));
    hl_query_put_text(&query, or_empty(intent->action));
    hl_query_put_text(&query, or_empty(intent->object_id));
    hl_query_put_text(&query, desired);
    hl_query_put_text(&query, checkpoint);
    hl_query_put_text(&query, needs);
    hl_query_put_time(&query, started, intent->started_ms);
    hl_query_put_int(&query, intent->run);
    if (!hl_query_run(&query, err))
        return false;
    intent->id = sqlite3_last_insert_rowid(store->db);
    return true;
}

static bool write_intent(struct hl_store *store, struct hl_intent *intent, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets of_desired = {.count = 0}, of_checkpoint = {.count = 0};
    const char *desired = intent->desired == NULL ? NULL : hl_codec_encode(arena, intent->desired, &of_desired);
    const char *checkpoint = intent->checkpoint == NULL ? NULL : hl_codec_encode(arena, intent->checkpoint, &of_checkpoint);
    const char *needs = hl_codec_encode_list(arena, intent->needs);

    if ((intent->desired != NULL && desired == NULL) || (intent->checkpoint != NULL && checkpoint == NULL) || needs == NULL)
        return hl_fail(err, HL_E_FAILED, "'%s' is too large to be stored", intent->address);
    if (!insert_row(store, intent, desired, checkpoint, needs, err))
        return false;

    struct hl_secret_owner owner = {.address = intent->address, .intent = intent->id};

    return hl_secret_save(store, &owner, "desired", &of_desired, err) && hl_secret_save(store, &owner, "checkpoint", &of_checkpoint, err);
}

bool hl_store_intent(struct hl_store *store, struct hl_intent *intent, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    if (intent->started_ms == 0)
        intent->started_ms = hl_state_now_ms();
    if (intent->run == 0)
        intent->run = store->run;
    return hl_store_leave(store, own, write_intent(store, intent, err), err) || hl_wrap(err, "writing down the intent for '%s'", intent->address);
}

static bool update_checkpoint(struct hl_store *store, int64_t intent, const char *address, const char *json, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "UPDATE journal SET checkpoint = ?1 WHERE id = ?2 AND address = ?3");

    hl_query_put_text(&query, json);
    hl_query_put_int(&query, intent);
    hl_query_put_text(&query, address);
    if (!hl_query_run(&query, err))
        return false;
    return sqlite3_changes(store->db) > 0 || hl_fail(err, HL_E_NOT_FOUND, "the journal has no intent %" PRId64 " for '%s'", intent, address);
}

static bool write_checkpoint(struct hl_store *store, int64_t intent, const char *address, const struct hl_value *checkpoint, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets secrets = {.count = 0};
    struct hl_secret_owner owner = {.address = address, .intent = intent};
    const char *json = checkpoint == NULL ? NULL : hl_codec_encode(arena, checkpoint, &secrets);

    if (checkpoint != NULL && json == NULL)
        return hl_fail(err, HL_E_FAILED, "'%s' is too large to be stored", address);
    return update_checkpoint(store, intent, address, json, err) && hl_secret_save(store, &owner, "checkpoint", &secrets, err);
}

bool hl_store_checkpoint(struct hl_store *store, int64_t intent, const char *address, const struct hl_value *checkpoint, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, write_checkpoint(store, intent, address, checkpoint, err), err) ||
           hl_wrap(err, "writing down what was learnt about '%s'", address);
}

static bool delete_intent(struct hl_store *store, int64_t intent, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "DELETE FROM journal WHERE id = ?1");

    hl_query_put_int(&query, intent);
    if (!hl_query_run(&query, err))
        return false;
    return sqlite3_changes(store->db) > 0 || hl_fail(err, HL_E_NOT_FOUND, "the journal has no intent %" PRId64, intent);
}

bool hl_store_settle(struct hl_store *store, int64_t intent, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, delete_intent(store, intent, err), err);
}

static bool load_intent(struct hl_store *store, const struct hl_query *query, struct hl_arena *arena, struct hl_intent *intent, struct hl_error **err)
{
    intent->id = hl_query_int(query, 0);
    intent->operation = hl_query_text(query, arena, 1);
    intent->address = hl_query_text(query, arena, 2);
    intent->kind = hl_query_text(query, arena, 3);
    intent->name = hl_query_text(query, arena, 4);
    intent->provider = hl_query_text(query, arena, 5);
    intent->provider_type = hl_query_text(query, arena, 6);
    intent->action = hl_query_text(query, arena, 7);
    intent->object_id = hl_query_text(query, arena, 8);
    intent->started_ms = hl_query_time(query, 12);
    intent->run = hl_query_int(query, 13);

    struct hl_secret_owner owner = {.address = intent->address, .intent = intent->id};

    return hl_secret_load(store, arena, &owner, "desired", hl_query_peek(query, 9), &intent->desired, err) &&
           hl_secret_load(store, arena, &owner, "checkpoint", hl_query_peek(query, 10), &intent->checkpoint, err) &&
           hl_codec_decode_list(arena, hl_query_peek(query, 11), &intent->needs, err);
}

static struct hl_intent *grow(struct hl_arena *arena, struct hl_intent *intents, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return intents;
    *capacity = *capacity == 0 ? 8 : 2 * *capacity;

    struct hl_intent *larger = hl_arena_alloc(arena, *capacity * sizeof(*larger));

    if (count > 0)
        memcpy(larger, intents, count * sizeof(*larger));
    return larger;
}

bool hl_store_open_intents(struct hl_store *store, struct hl_arena *arena, struct hl_intent **out, size_t *count, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, select_all);
    struct hl_intent *intents = NULL;
    size_t found = 0, capacity = 0;
    bool row = false;

    if (!hl_query_next(&query, &row, err))
        return false;
    while (row) {
        intents = grow(arena, intents, found, &capacity);
        if (!load_intent(store, &query, arena, &intents[found++], err) || !hl_query_next(&query, &row, err))
            return false;
    }
    *out = intents;
    *count = found;
    return true;
}
