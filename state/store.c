#include "config.h"

#include "state/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- rows of meta ---- */

bool hl_store_meta_get(struct hl_store *store, struct hl_arena *arena, const char *name, const char **out, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT value FROM meta WHERE name = ?1");
    bool row = false;

    hl_query_put_text(&query, name);
    if (!hl_query_next(&query, &row, err))
        return false;
    *out = row ? hl_query_text(&query, arena, 0) : NULL;
    return true;
}

bool hl_store_meta_put(struct hl_store *store, const char *name, const char *value, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "INSERT INTO meta(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value");

    hl_query_put_text(&query, name);
    hl_query_put_text(&query, value);
    return hl_query_run(&query, err);
}

static bool meta_remove(struct hl_store *store, const char *name, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "DELETE FROM meta WHERE name = ?1");

    hl_query_put_text(&query, name);
    return hl_query_run(&query, err);
}

/* Named texts of the floors above stand in `meta` as note.NAME, apart from ours. */
bool hl_store_get(struct hl_store *store, struct hl_arena *arena, const char *name, const char **out, struct hl_error **err)
{
    return hl_store_meta_get(store, arena, hl_arena_printf(arena, "note.%s", name), out, err);
}

/* A NULL value removes it. */
bool hl_store_put(struct hl_store *store, const char *name, const char *value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *row = hl_arena_printf(arena, "note.%s", name);
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, value == NULL ? meta_remove(store, row, err) : hl_store_meta_put(store, row, value, err), err);
}

/* ---- transactions ---- */

bool hl_store_begin(struct hl_store *store, struct hl_error **err)
{
    if (store->mode != HL_STORE_WRITE)
        return hl_fail(err, HL_E_FAILED, "state '%s' was opened for reading only", store->path);
    store->broken = false;
    return hl_sql_exec(store, "BEGIN IMMEDIATE", err);
}

static bool raise_serial(struct hl_store *store, int64_t *serial, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'state.serial' RETURNING CAST(value AS INTEGER)");
    bool row = false;

    if (!hl_query_next(&query, &row, err))
        return false;
    *serial = row ? hl_query_int(&query, 0) : *serial;
    return !row || hl_query_run(&query, err);
}

bool hl_store_commit(struct hl_store *store, struct hl_error **err)
{
    int64_t serial = store->serial;

    /* A full disk makes SQLite roll back on its own. */
    if (sqlite3_get_autocommit(store->db))
        return hl_fail(err, HL_E_FAILED, "state '%s': the transaction was rolled back before its end", store->path);
    if (store->broken) {
        hl_store_rollback(store);
        return hl_fail(err, HL_E_FAILED, "state '%s': a part of the transaction failed, so that it was rolled back", store->path);
    }
    if ((store->changed && !raise_serial(store, &serial, err)) || !hl_sql_exec(store, "COMMIT", err)) {
        hl_store_rollback(store);
        return hl_wrap(err, "committing to '%s'", store->path);
    }

    bool copy = store->copy_due && serial > store->run_serial;

    store->serial = serial;
    store->changed = false;
    store->copy_due = false;
    if (copy)
        hl_backup_keep(store);
    return true;
}

void hl_store_rollback(struct hl_store *store)
{
    if (store->db != NULL && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->changed = false;
    store->broken = false;
    store->copy_due = false;
}

bool hl_store_enter(struct hl_store *store, bool *own, struct hl_error **err)
{
    *own = store->db == NULL || sqlite3_get_autocommit(store->db);
    return !*own || hl_store_begin(store, err);
}

bool hl_store_leave(struct hl_store *store, bool own, bool ok, struct hl_error **err)
{
    if (own && ok)
        return hl_store_commit(store, err);
    if (own)
        hl_store_rollback(store);
    return ok;
}

/* ---- a new file ---- */

static bool write_identity(struct hl_store *store, const char *stack, struct hl_error **err)
{
    char now[HL_STATE_CLOCK_TEXT];
    char set_application[64];

    hl_uuid(store->id);
    hl_state_time_format(hl_state_now_ms(), now);
    snprintf(set_application, sizeof(set_application), "PRAGMA application_id=%d", HL_STATE_APPLICATION);
    return hl_sql_exec(store, set_application, err) && hl_store_meta_put(store, "state.id", store->id, err) &&
           hl_store_meta_put(store, "state.stack", stack == NULL ? "" : stack, err) && hl_store_meta_put(store, "state.created", now, err) &&
           hl_store_meta_put(store, "state.serial", "0", err);
}

static bool fill_new(struct hl_store *store, const char *temporary, const struct hl_store_options *options, struct hl_error **err)
{
    bool done = hl_store_connect_new(store, temporary, err) && hl_migrate_run(store, hl_migrations, HL_STATE_VERSION, err) &&
                hl_sql_exec(store, "BEGIN", err) && write_identity(store, options->stack, err) && hl_key_create(store, options->environment, err) &&
                hl_sql_exec(store, "COMMIT; PRAGMA journal_mode=WAL", err);

    hl_store_disconnect(store);
    return done;
}

/* A -wal of a lost file would be played back into the new one. The last good copy of the lost one is kept under another name. */
static bool clear_remains(struct hl_store *store, struct hl_error **err)
{
    static const char *const remains[] = {"-wal", "-shm", "-journal"};
    hl_auto(heap) char *copy = hl_state_file_beside(store->file, ".bak");
    char now[HL_STATE_CLOCK_TEXT], suffix[64];
    bool taken = false;

    for (size_t i = 0; i < HL_COUNT(remains); i++) {
        hl_auto(heap) char *path = hl_state_file_beside(store->file, remains[i]);

        unlink(path);
    }
    if (!hl_state_file_exists(copy))
        return true;
    hl_state_time_format(hl_state_now_ms(), now);
    snprintf(suffix, sizeof(suffix), ".%s.bak", now);

    hl_auto(heap) char *kept = hl_state_file_beside(store->file, suffix);

    return hl_state_file_publish(copy, kept, NULL, &taken, err);
}

/* The key is on the disk before the file that needs it; the file is whole before it gets its name. */
static bool create_locked(struct hl_store *store, const struct hl_store_options *options, struct hl_error **err)
{
    hl_auto(heap) char *temporary = NULL;
    bool taken = false;

    if (hl_state_file_exists(store->file))
        return true; /* by another process, while we waited */
    if (!hl_state_file_temporary(store->file, &temporary, err))
        return false;

    bool done = fill_new(store, temporary, options, err) && clear_remains(store, err) && hl_state_file_publish(temporary, store->file, NULL, &taken, err);

    if (!done || taken)
        unlink(temporary);
    hl_key_free(store);
    return done;
}

static bool create_file(struct hl_store *store, const struct hl_store_options *options, struct hl_error **err)
{
    if (!hl_lock_take(store, HL_STATE_BUSY_MS, err))
        return hl_wrap(err, "making state file '%s'", store->path);

    bool done = create_locked(store, options, err);

    hl_lock_drop(store);
    return done || hl_wrap(err, "making state file '%s'", store->path);
}

/* ---- open and close ---- */

static bool check_integrity(struct hl_store *store, bool thorough, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query = thorough ? hl_query_open(store, "PRAGMA integrity_check(1)") : hl_query_open(store, "PRAGMA quick_check(1)");
    bool row = false;

    if (!hl_query_next(&query, &row, err))
        return false;

    const char *result = row ? hl_query_text(&query, arena, 0) : "no answer";

    if (strcmp(result, "ok") == 0)
        return true;

    const char *behind_heading = strchr(result, '\n'); /* "*** in database main ***" */

    hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: %s", store->path, behind_heading == NULL ? result : behind_heading + 1);
    return hl_sql_way_back(store, err);
}

static bool check_stack(struct hl_store *store, const char *recorded, const char *wanted, struct hl_error **err)
{
    if (wanted == NULL || strcmp(recorded, wanted) == 0)
        return true;
    if (*recorded != '\0') {
        hl_fail(err, HL_E_REFUSED, "state file '%s' belongs to stack '%s', not to '%s'", store->path, recorded, wanted);
        return hl_error_hint(err, "each stack has a file of its own: name another one with --state");
    }
    return store->mode == HL_STORE_READ || hl_store_meta_put(store, "state.stack", wanted, err);
}

static bool load_identity(struct hl_store *store, const char *stack, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *id = NULL, *recorded = NULL, *serial = NULL;

    if (!hl_store_meta_get(store, arena, "state.id", &id, err) || !hl_store_meta_get(store, arena, "state.stack", &recorded, err) ||
        !hl_store_meta_get(store, arena, "state.serial", &serial, err))
        return false;
    if (id == NULL || recorded == NULL || serial == NULL || strlen(id) != HL_UUID_TEXT - 1 || !hl_parse_int(serial, 0, INT64_MAX, &store->serial)) {
        hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: its table 'meta' is not complete", store->path);
        return hl_sql_way_back(store, err);
    }
    memcpy(store->id, id, HL_UUID_TEXT);
    return check_stack(store, recorded, stack, err);
}

/* Ours are made under another name: no crash at the creation leaves an empty one. */
static bool check_file(struct hl_store *store, struct hl_error **err)
{
    if (!hl_state_file_check(store->file, store->mode, err))
        return false;
    if (!hl_state_file_is_empty(store->file))
        return true;
    hl_fail(err, HL_E_FAILED, "state file '%s' is empty: it was cut off", store->path);
    return hl_sql_way_back(store, err);
}

bool hl_store_is_whole(const char *file)
{
    hl_auto(heap) char *name = hl_strdup(file);
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_store store = {.path = name, .file = name, .mode = HL_STORE_READ, .lock_fd = -1};
    int64_t version = 0;
    const bool whole = check_file(&store, &error) && hl_store_connect_reader(&store, &error) && hl_migrate_check(&store, HL_STATE_VERSION, &version, &error) &&
                       check_integrity(&store, true, &error);

    hl_store_disconnect(&store);
    return whole;
}

static bool open_writer(struct hl_store *store, const struct hl_store_options *options, struct hl_error **err)
{
    bool exists = false;
    int64_t version = 0;

    if (!hl_state_file_resolve(options->path, true, &store->file, &exists, err))
        return false;
    if (!exists && !create_file(store, options, err))
        return false;
    return check_file(store, err) && hl_store_connect_writer(store, err) && hl_migrate_check(store, HL_STATE_VERSION, &version, err) &&
           hl_store_use_wal(store, err) && check_integrity(store, options->thorough, err) && hl_migrate_file(store, hl_migrations, HL_STATE_VERSION, err);
}

/* An older file is migrated in memory: a reader changes nothing. */
static bool open_reader(struct hl_store *store, const struct hl_store_options *options, struct hl_error **err)
{
    bool exists = false;
    int64_t version = 0;

    if (!hl_state_file_resolve(options->path, false, &store->file, &exists, err))
        return false;
    if (!exists) {
        store->missing = true;
        hl_key_zero(store);
        return hl_store_connect_memory(store, err) && hl_migrate_run(store, hl_migrations, HL_STATE_VERSION, err);
    }
    if (!check_file(store, err) || !hl_store_connect_reader(store, err) || !hl_migrate_check(store, HL_STATE_VERSION, &version, err))
        return false;
    if (options->thorough && !check_integrity(store, true, err))
        return false;
    if (version == HL_STATE_VERSION)
        return true;
    return (store->snapshot || hl_store_connect_copy(store, err)) && hl_migrate_run(store, hl_migrations, HL_STATE_VERSION, err);
}

bool hl_store_open(const struct hl_store_options *options, struct hl_store **out, struct hl_error **err)
{
    hl_auto(store) struct hl_store *store = hl_alloc(sizeof(*store));

    store->path = hl_strdup(options->path);
    store->key_of = options->key_of == NULL ? NULL : hl_strdup(options->key_of);
    store->mode = options->mode;
    store->lock_fd = -1;
    if (!(options->mode == HL_STORE_WRITE ? open_writer(store, options, err) : open_reader(store, options, err)))
        return hl_wrap(err, "opening the state");
    if (!store->missing && (!load_identity(store, options->stack, err) || !hl_key_unlock(store, options->environment, err)))
        return hl_wrap(err, "opening the state");
    *out = store;
    store = NULL;
    return true;
}

void hl_store_close(struct hl_store *store)
{
    hl_store_unlock(store);
    hl_store_disconnect(store);
    hl_key_free(store);
    free(store->path);
    free(store->key_of);
    free(store->file);
    free(store);
}

const char *hl_store_path(const struct hl_store *store)
{
    return store->path;
}

const char *hl_store_id(const struct hl_store *store)
{
    return store->id;
}

int64_t hl_store_serial(const struct hl_store *store)
{
    return store->serial;
}
