#include "config.h"

#include "state/internal.h"

#include <inttypes.h>
#include <stdio.h>

/* Times are UTC texts, flags 0 or 1. In `desired`, `live` and `checkpoint`, {"$secret": "/path"} stands for a value in `secrets`, {"$base64": "..."} for bytes
 * that are no text; a key of the user's that looks like one of these has one more $ in front. */
static const char version_1[] = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
                                "CREATE TABLE resources ("
                                "  address TEXT PRIMARY KEY,"
                                "  kind TEXT NOT NULL, name TEXT NOT NULL, provider TEXT NOT NULL, provider_type TEXT NOT NULL,"
                                "  id TEXT NOT NULL," /* the system's, '' when it has none */
                                "  desired TEXT,"     /* JSON, as last applied */
                                "  live TEXT,"        /* JSON, as the system told after it */
                                "  needs TEXT NOT NULL DEFAULT '[]',"
                                "  protect INTEGER NOT NULL DEFAULT 0, holds_data INTEGER NOT NULL DEFAULT 0,"
                                "  adopted INTEGER NOT NULL DEFAULT 0, rotate INTEGER NOT NULL DEFAULT 0,"
                                "  created TEXT NOT NULL, updated TEXT NOT NULL,"
                                "  run INTEGER NOT NULL DEFAULT 0,"    /* that last changed it */
                                "  streak INTEGER NOT NULL DEFAULT 0," /* runs in a row that corrected the same drift ... */
                                "  drift TEXT NOT NULL DEFAULT ''"     /* ... of these fields */
                                ");"
                                "CREATE TABLE journal (" /* actions begun and not known to be finished */
                                "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                "  operation TEXT NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
                                "  provider TEXT NOT NULL, provider_type TEXT NOT NULL, action TEXT NOT NULL, object_id TEXT NOT NULL,"
                                "  desired TEXT, checkpoint TEXT, needs TEXT NOT NULL DEFAULT '[]', started TEXT NOT NULL, run INTEGER NOT NULL DEFAULT 0"
                                ");"
                                "CREATE TABLE secrets ("
                                "  id INTEGER PRIMARY KEY,"
                                "  resource TEXT REFERENCES resources(address) ON UPDATE CASCADE ON DELETE CASCADE,"
                                "  intent INTEGER REFERENCES journal(id) ON DELETE CASCADE,"
                                "  slot TEXT NOT NULL," /* the column whose JSON has the placeholder */
                                "  path TEXT NOT NULL," /* JSON pointer into it */
                                "  sealed BLOB NOT NULL, sealed_at TEXT NOT NULL,"
                                "  CHECK ((resource IS NULL) <> (intent IS NULL))"
                                ");"
                                "CREATE UNIQUE INDEX secrets_of_resource ON secrets(resource, slot, path) WHERE resource IS NOT NULL;"
                                "CREATE UNIQUE INDEX secrets_of_intent ON secrets(intent, slot, path) WHERE intent IS NOT NULL;"
                                "CREATE TABLE runs ("
                                "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                "  command TEXT NOT NULL, who TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,"
                                "  source TEXT NOT NULL, source_commit TEXT NOT NULL, result TEXT NOT NULL,"
                                "  started TEXT NOT NULL, finished TEXT,"
                                "  created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, replaced INTEGER NOT NULL DEFAULT 0,"
                                "  deleted INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, deferred INTEGER NOT NULL DEFAULT 0"
                                ");"
                                "CREATE TABLE run_events ("
                                "  id INTEGER PRIMARY KEY,"
                                "  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
                                "  time TEXT NOT NULL, address TEXT NOT NULL, event TEXT NOT NULL, action TEXT NOT NULL, message TEXT NOT NULL"
                                ");"
                                "CREATE INDEX run_events_of_run ON run_events(run);"
                                "CREATE TABLE lock_holder (" /* a row while nobody holds the lock file: that run died */
                                "  one INTEGER PRIMARY KEY CHECK (one = 1),"
                                "  pid INTEGER NOT NULL, host TEXT NOT NULL, who TEXT NOT NULL, command TEXT NOT NULL, since TEXT NOT NULL"
                                ");";

const struct hl_migration hl_migrations[HL_STATE_VERSION] = {
    [0] = {.sql = version_1},
};

bool hl_migrate_check(struct hl_store *store, int64_t known, int64_t *version, struct hl_error **err)
{
    int64_t application = 0;

    if (!hl_sql_int(store, "PRAGMA application_id", &application, err) || !hl_sql_int(store, "PRAGMA user_version", version, err))
        return false;
    if (application != HL_STATE_APPLICATION) {
        hl_fail(err, HL_E_REFUSED, "'%s' is an SQLite file of another program", store->path);
        return hl_error_hint(err, "name another file with --state");
    }
    if (*version < 0) {
        hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: there is no format %" PRId64, store->path, *version);
        return hl_sql_way_back(store, err);
    }
    if (*version <= known)
        return true;
    hl_fail(err, HL_E_REFUSED, "state file '%s' has format %" PRId64 ", this hlrec knows formats up to %" PRId64, store->path, *version, known);
    return hl_error_hint(err, "use the newer hlrec that wrote it; a copy from before its migration may be beside it ('%s.v%" PRId64 "-*.bak')", store->file,
                         known);
}

bool hl_migrate_check_references(struct hl_store *store, struct hl_error **err)
{
    int64_t broken = 0;

    if (!hl_sql_int(store, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err))
        return false;
    return broken == 0 || hl_fail(err, HL_E_FAILED, "%" PRId64 " rows of '%s' refer to nothing", broken, store->path);
}

static bool run_step(struct hl_store *store, const struct hl_migration *step, int64_t version, struct hl_error **err)
{
    char set_version[64];

    snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%" PRId64, version);
    if (!hl_sql_exec(store, "BEGIN IMMEDIATE", err))
        return false;
    if ((step->sql == NULL || hl_sql_exec(store, step->sql, err)) && (step->run == NULL || step->run(store, err)) && hl_migrate_check_references(store, err) &&
        hl_sql_exec(store, set_version, err) && hl_sql_exec(store, "COMMIT", err))
        return true;
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return hl_wrap(err, "migrating '%s' to format %" PRId64, store->path, version);
}

bool hl_migrate_run(struct hl_store *store, const struct hl_migration *steps, int64_t known, struct hl_error **err)
{
    int64_t version = 0;

    /* Off, since a step may have to rebuild a table that others refer to; each step is checked at its end. */
    if (!hl_sql_int(store, "PRAGMA user_version", &version, err) || !hl_sql_exec(store, "PRAGMA foreign_keys=OFF", err))
        return false;
    for (; version < known; version++) {
        if (!run_step(store, &steps[version], version + 1, err))
            return false;
    }
    return hl_sql_exec(store, "PRAGMA foreign_keys=ON", err);
}

static bool keep_former(struct hl_store *store, int64_t version, struct hl_error **err)
{
    char suffix[64];
    char now[HL_STATE_CLOCK_TEXT];

    hl_state_time_format(hl_state_now_ms(), now);
    snprintf(suffix, sizeof(suffix), ".v%" PRId64 "-%s.bak", version, now);

    hl_auto(heap) char *copy = hl_state_file_beside(store->file, suffix);

    return hl_backup_copy(store, copy, err) || hl_wrap(err, "keeping a copy before the migration");
}

/* With the lock held: another process may have migrated meanwhile. */
static bool migrate_locked(struct hl_store *store, const struct hl_migration *steps, int64_t known, struct hl_error **err)
{
    int64_t version = 0;

    if (!hl_migrate_check(store, known, &version, err))
        return false;
    return version == known || (keep_former(store, version, err) && hl_migrate_run(store, steps, known, err));
}

bool hl_migrate_file(struct hl_store *store, const struct hl_migration *steps, int64_t known, struct hl_error **err)
{
    int64_t version = 0;

    if (!hl_migrate_check(store, known, &version, err))
        return false;
    if (version == known)
        return true;
    if (!hl_lock_take(store, HL_STATE_BUSY_MS, err))
        return hl_wrap(err, "migrating '%s'", store->path);

    bool done = migrate_locked(store, steps, known, err);

    hl_lock_drop(store);
    return done;
}
