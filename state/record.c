#include "config.h"

#include "schema/base/json.h"
#include "schema/base/parallel.h"
#include "state/internal.h"

#include <stdlib.h>
#include <string.h>

static const char select_all[] =
    "SELECT address, kind, name, provider, provider_type, id, desired, live, needs, protect, holds_data, adopted, rotate, created, "
    "updated, run, streak, drift FROM resources ORDER BY address";

/* created: as given, else as it was, else now. */
static const char upsert[] =
    "INSERT INTO resources(address, kind, name, provider, provider_type, id, desired, live, needs, protect, holds_data, adopted, rotate, run, streak, created, "
    "updated, drift) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, coalesce(?16, ?18), coalesce(?17, ?18), ?19) "
    "ON CONFLICT(address) DO UPDATE SET kind = excluded.kind, name = excluded.name, provider = excluded.provider, "
    "provider_type = excluded.provider_type, id = excluded.id, desired = excluded.desired, live = excluded.live, needs = excluded.needs, "
    "protect = excluded.protect, holds_data = excluded.holds_data, adopted = excluded.adopted, rotate = excluded.rotate, run = excluded.run, "
    "streak = excluded.streak, drift = excluded.drift, created = coalesce(?16, created), updated = excluded.updated";

/* ---- reading all ---- */

/* A row whose JSON is to be decoded. */
struct row {
    struct hl_record *record;
    const char *desired, *live, *needs;
};

struct rows {
    struct hl_store *store;
    const struct hl_known *known;
    struct row *items;
    size_t count, capacity;
};

/* What one thread decodes: a stretch of the rows, in an arena of its own. */
struct part {
    const struct rows *rows;
    size_t from, to;
    bool sealed; /* the rows with something sealed, which is in the database, or those without */
    struct hl_arena *arena;
    struct hl_arena *scratch; /* of one value */
    struct hl_error *error;
};

static bool load_desired(const struct part *part, const struct hl_secret_owner *owner, const char *json, struct hl_value **out, struct hl_error **err)
{
    const struct rows *rows = part->rows;
    struct hl_value *known = rows->known != NULL ? rows->known->find(rows->known->context, owner->address) : NULL;
    struct hl_value *value = NULL;

    if (known == NULL)
        return hl_secret_load(rows->store, part->arena, owner, "desired", json, out, err);
    hl_arena_reset(part->scratch);
    if (!hl_secret_load(rows->store, part->scratch, owner, "desired", json, &value, err))
        return false;
    *out = hl_value_keep(part->arena, value, known);
    return true;
}

static bool decode_row(const struct part *part, const struct row *row, struct hl_error **err)
{
    struct hl_record *record = row->record;
    const struct hl_secret_owner owner = {.address = record->address};

    return load_desired(part, &owner, row->desired, &record->desired, err) &&
           hl_secret_load(part->rows->store, part->arena, &owner, "live", row->live, &record->live, err) &&
           hl_codec_decode_list(part->arena, row->needs, &record->needs, err);
}

static bool is_sealed(const struct row *row)
{
    return !hl_codec_is_plain(row->desired) || !hl_codec_is_plain(row->live);
}

static void decode_part(void *context, size_t index)
{
    struct part *part = (struct part *)context + index;

    part->scratch = hl_arena_new();
    for (size_t i = part->from; i < part->to && part->error == NULL; i++) {
        const struct row *row = &part->rows->items[i];
        if (is_sealed(row) == part->sealed)
            (void)decode_row(part, row, &part->error);
    }
    hl_arena_free(part->scratch);
}

/* The first error of all, if there is one. */
static bool end_parts(struct part *parts, size_t count, struct hl_arena *arena, struct hl_error **err)
{
    bool fine = true;

    for (size_t i = 0; i < count; i++) {
        hl_arena_adopt(arena, parts[i].arena);
        if (fine && parts[i].error != NULL && err != NULL)
            *err = parts[i].error;
        else
            hl_error_free(parts[i].error);
        fine = fine && parts[i].error == NULL;
    }
    return fine;
}

/* Side by side, but for what is sealed: the database is for one thread. */
static bool decode_rows(const struct rows *rows, struct hl_arena *arena, struct hl_error **err)
{
    enum { WORTH_A_THREAD = 200 };
    struct part parts[HL_PROCESSORS_MOST + 1];
    const size_t processors = hl_processors(), useful = rows->count / WORTH_A_THREAD + 1;
    const size_t threads = useful < processors ? useful : processors;

    for (size_t i = 0; i < threads; i++)
        parts[i] = (struct part){.rows = rows, .from = rows->count * i / threads, .to = rows->count * (i + 1) / threads, .arena = hl_arena_new()};
    parts[threads] = (struct part){.rows = rows, .to = rows->count, .sealed = true, .arena = hl_arena_new()};
    hl_parallel(threads, threads, decode_part, parts);
    decode_part(parts, threads);
    return end_parts(parts, threads + 1, arena, err);
}

static struct hl_record *take_columns(const struct hl_query *query, struct hl_arena *arena)
{
    struct hl_record *record = hl_arena_alloc(arena, sizeof(*record));

    record->address = hl_query_text(query, arena, 0);
    record->kind = hl_query_text(query, arena, 1);
    record->name = hl_query_text(query, arena, 2);
    record->provider = hl_query_text(query, arena, 3);
    record->provider_type = hl_query_text(query, arena, 4);
    record->id = hl_query_text(query, arena, 5);
    record->protect = hl_query_int(query, 9) != 0;
    record->holds_data = hl_query_int(query, 10) != 0;
    record->adopted = hl_query_int(query, 11) != 0;
    record->rotate = hl_query_int(query, 12) != 0;
    record->created_ms = hl_query_time(query, 13);
    record->updated_ms = hl_query_time(query, 14);
    record->run = hl_query_int(query, 15);
    record->streak = hl_query_int(query, 16);
    record->drift = hl_query_text(query, arena, 17);
    return record;
}

static void add_row(struct rows *rows, const struct row *row)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 256 : 2 * rows->capacity;
        rows->items = hl_realloc(rows->items, rows->capacity * sizeof(*rows->items));
    }
    rows->items[rows->count++] = *row;
}

/* The JSON goes to `texts`. */
static bool take_rows(struct rows *rows, struct hl_arena *arena, struct hl_arena *texts, struct hl_map *records, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(rows->store, select_all);
    bool found = false;

    if (!hl_query_next(&query, &found, err))
        return false;
    while (found) {
        const struct row row = {
            .record = take_columns(&query, arena),
            .desired = hl_query_text(&query, texts, 6),
            .live = hl_query_text(&query, texts, 7),
            .needs = hl_query_text(&query, texts, 8),
        };
        add_row(rows, &row);
        hl_map_put(records, row.record->address, row.record);
        if (!hl_query_next(&query, &found, err))
            return false;
    }
    return true;
}

bool hl_store_records(struct hl_store *store, struct hl_arena *arena, const struct hl_known *known, struct hl_map **out, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *texts = hl_arena_new();
    struct rows rows = {.store = store, .known = known};
    struct hl_map *records = hl_map_new(arena);
    const bool done = take_rows(&rows, arena, texts, records, err) && decode_rows(&rows, arena, err);

    free(rows.items);
    if (done)
        *out = records;
    return done;
}

/* ---- writing ---- */

static void put_record(struct hl_query *query, const struct hl_record *record, const char *desired, const char *live, const char *needs, int64_t run)
{
    hl_query_put_text(query, record->address);
    hl_query_put_text(query, record->kind == NULL ? "" : record->kind);
    hl_query_put_text(query, record->name == NULL ? "" : record->name);
    hl_query_put_text(query, record->provider == NULL ? "" : record->provider);
    hl_query_put_text(query, record->provider_type == NULL ? "" : record->provider_type);
    hl_query_put_text(query, record->id == NULL ? "" : record->id);
    hl_query_put_text(query, desired);
    hl_query_put_text(query, live);
    hl_query_put_text(query, needs);
    hl_query_put_int(query, record->protect);
    hl_query_put_int(query, record->holds_data);
    hl_query_put_int(query, record->adopted);
    hl_query_put_int(query, record->rotate);
    hl_query_put_int(query, record->run != 0 ? record->run : run);
    hl_query_put_int(query, record->streak);
}

static bool write_row(struct hl_store *store, const struct hl_record *record, const char *desired, const char *live, const char *needs, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, upsert);
    char created[HL_STATE_CLOCK_TEXT], updated[HL_STATE_CLOCK_TEXT], now[HL_STATE_CLOCK_TEXT];

    put_record(&query, record, desired, live, needs, store->run);
    hl_query_put_time(&query, created, record->created_ms);
    hl_query_put_time(&query, updated, record->updated_ms);
    hl_query_put_time(&query, now, hl_state_now_ms());
    hl_query_put_text(&query, record->drift == NULL ? "" : record->drift);
    return hl_query_run(&query, err);
}

static bool write_record(struct hl_store *store, const struct hl_record *record, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets of_desired = {.count = 0}, of_live = {.count = 0};
    struct hl_secret_owner owner = {.address = record->address};
    const char *desired = record->desired == NULL ? NULL : hl_codec_encode(arena, record->desired, &of_desired);
    const char *live = record->live == NULL ? NULL : hl_codec_encode(arena, record->live, &of_live);
    const char *needs = hl_codec_encode_list(arena, record->needs);

    if ((record->desired != NULL && desired == NULL) || (record->live != NULL && live == NULL) || needs == NULL)
        return hl_fail(err, HL_E_FAILED, "'%s' is too large to be stored", record->address);
    return write_row(store, record, desired, live, needs, err) && hl_secret_save(store, &owner, "desired", &of_desired, err) &&
           hl_secret_save(store, &owner, "live", &of_live, err);
}

bool hl_store_record(struct hl_store *store, const struct hl_record *record, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    store->changed = true;
    return hl_store_leave(store, own, write_record(store, record, err), err) || hl_wrap(err, "recording '%s'", record->address);
}

static bool delete_row(struct hl_store *store, const char *address, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "DELETE FROM resources WHERE address = ?1");

    hl_query_put_text(&query, address);
    return hl_query_run(&query, err);
}

/* Forgetting what is not there is fine: recovery may do it twice. */
bool hl_store_forget(struct hl_store *store, const char *address, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;

    bool done = delete_row(store, address, err);

    store->changed = store->changed || (done && sqlite3_changes(store->db) > 0);
    return hl_store_leave(store, own, done, err) || hl_wrap(err, "forgetting '%s'", address);
}

static bool has_resource(struct hl_store *store, const char *address, bool *out, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT 1 FROM resources WHERE address = ?1");

    hl_query_put_text(&query, address);
    return hl_query_next(&query, out, err);
}

static bool rename_row(struct hl_store *store, const char *from, const char *to, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query = hl_query_open(store, "UPDATE resources SET address = ?1, kind = ?2, name = ?3 WHERE address = ?4");
    size_t kind = strcspn(to, ".");

    hl_query_put_text(&query, to);
    hl_query_put_text(&query, hl_arena_copy(arena, to, kind));
    hl_query_put_text(&query, to[kind] == '.' ? to + kind + 1 : to);
    hl_query_put_text(&query, from);
    return hl_query_run(&query, err);
}

/* Who needs `from` needs `to` from now on. Addresses stand in quotes in the JSON list, so that one cannot be a part of another. */
static bool rename_needs(struct hl_store *store, const char *from, const char *to, struct hl_error **err)
{
    hl_auto(text) struct hl_text old_text = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text new_text = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(query) struct hl_query query = hl_query_open(store, "UPDATE resources SET needs = replace(needs, ?1, ?2) WHERE instr(needs, ?1) > 0");

    hl_json_put_string(&old_text, from, strlen(from));
    hl_json_put_string(&new_text, to, strlen(to));
    hl_query_put_text(&query, hl_text_get(&old_text));
    hl_query_put_text(&query, hl_text_get(&new_text));
    return hl_query_run(&query, err);
}

static bool move_resource(struct hl_store *store, const char *from, const char *to, struct hl_error **err)
{
    bool has_from = false, has_to = false;

    if (!has_resource(store, from, &has_from, err) || !has_resource(store, to, &has_to, err))
        return false;
    if (!has_from)
        return hl_fail(err, HL_E_NOT_FOUND, "'%s' is not in the state", from);
    if (has_to)
        return hl_fail(err, HL_E_CONFLICT, "'%s' is in the state already", to);
    store->changed = true;
    return rename_row(store, from, to, err) && hl_secret_move(store, from, to, err) && rename_needs(store, from, to, err);
}

bool hl_store_move(struct hl_store *store, const char *from, const char *to, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, move_resource(store, from, to, err), err) || hl_wrap(err, "moving '%s' to '%s'", from, to);
}

static bool update_rotate(struct hl_store *store, const char *address, bool rotate, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "UPDATE resources SET rotate = ?1 WHERE address = ?2");

    hl_query_put_int(&query, rotate);
    hl_query_put_text(&query, address);
    if (!hl_query_run(&query, err))
        return false;
    if (sqlite3_changes(store->db) == 0)
        return hl_fail(err, HL_E_NOT_FOUND, "'%s' is not in the state", address);
    store->changed = true;
    return true;
}

bool hl_store_set_rotate(struct hl_store *store, const char *address, bool rotate, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, update_rotate(store, address, rotate, err), err);
}
