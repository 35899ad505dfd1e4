#include "config.h"

#include "state/internal.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A reader copies a file up to this size into memory; a larger one it reads in place. */
enum { SNAPSHOT_MAXIMUM = 64 * 1024 * 1024, SNAPSHOT_TRIES = 5 };

static const char common_settings[] = "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
                                      "PRAGMA cell_size_check=ON";

void hl_store_disconnect(struct hl_store *store)
{
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    memset(store->statements, 0, sizeof(store->statements));
    store->statement_count = 0;
    sqlite3_close(store->db);
    store->db = NULL;
}

static bool connect_with(struct hl_store *store, const char *file, int flags, struct hl_error **err)
{
    int rc = sqlite3_open_v2(file, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK)
        return hl_sql_fail(store, rc, err);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, HL_STATE_BUSY_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return hl_sql_exec(store, common_settings, err);
}

/* -wal and -shm get the mode of the database file from SQLite: 0600. */
bool hl_store_connect_writer(struct hl_store *store, struct hl_error **err)
{
    if (!connect_with(store, store->file, SQLITE_OPEN_READWRITE, err))
        return false;
    if (sqlite3_db_readonly(store->db, "main") != 1) /* which SQLite does not report at opening */
        return true;
    hl_fail(err, HL_E_FAILED, "state file '%s' cannot be written", store->path);
    return hl_error_hint(err, "check its owner and mode, and that the disk is not mounted read-only");
}

bool hl_store_use_wal(struct hl_store *store, struct hl_error **err)
{
    return hl_sql_exec(store, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err);
}

bool hl_store_connect_memory(struct hl_store *store, struct hl_error **err)
{
    return connect_with(store, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
}

bool hl_store_connect_new(struct hl_store *store, const char *file, struct hl_error **err)
{
    return connect_with(store, file, SQLITE_OPEN_READWRITE, err) && hl_sql_exec(store, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", err);
}

/* All pages, as of one commit. */
static unsigned char *serialize(struct hl_store *store, sqlite3_int64 *size, struct hl_error **err)
{
    if (!hl_sql_exec(store, "BEGIN; SELECT count(*) FROM sqlite_schema", err))
        return NULL;

    unsigned char *image = sqlite3_serialize(store->db, "main", size, 0);

    if (image == NULL)
        hl_sql_fail(store, sqlite3_errcode(store->db) == SQLITE_OK ? SQLITE_NOMEM : sqlite3_extended_errcode(store->db), err);
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return image;
}

bool hl_store_connect_copy(struct hl_store *store, struct hl_error **err)
{
    enum { WRITE_VERSION = 18, READ_VERSION = 19, ROLLBACK_JOURNAL = 1 }; /* bytes of the header: memory knows no WAL */
    sqlite3_int64 size = 0;
    unsigned char *image = serialize(store, &size, err);

    if (image == NULL)
        return false;
    hl_store_disconnect(store);
    if (size > READ_VERSION)
        image[WRITE_VERSION] = image[READ_VERSION] = ROLLBACK_JOURNAL;
    if (!hl_store_connect_memory(store, err)) {
        sqlite3_free(image);
        return false;
    }

    /* SQLite frees the image, also when this fails. */
    int rc = sqlite3_deserialize(store->db, "main", image, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);

    store->snapshot = true;
    /* The pages are in memory already: a cache would only hold them twice. */
    return rc == SQLITE_OK ? hl_sql_exec(store, "PRAGMA cache_size = 16", err) : hl_sql_fail(store, rc, err);
}

static bool is_empty_or_absent(const char *file, const char *suffix)
{
    hl_auto(heap) char *path = hl_state_file_beside(file, suffix);

    return hl_state_file_is_empty(path);
}

/* Whether the file alone is the whole state: no writer has commits beside it. */
static bool stands_alone(const struct hl_store *store)
{
    return is_empty_or_absent(store->file, "-wal") && is_empty_or_absent(store->file, "-journal");
}

static bool connect_immutable(struct hl_store *store, struct hl_error **err)
{
    hl_auto(text) struct hl_text uri = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_text_puts(&uri, "file:");
    for (const char *c = store->file; *c != '\0'; c++) {
        if (strchr("%?#", *c) != NULL)
            hl_text_printf(&uri, "%%%02X", (unsigned)(unsigned char)*c);
        else
            hl_text_putc(&uri, *c);
    }
    hl_text_puts(&uri, "?immutable=1");
    return connect_with(store, hl_text_get(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

static bool same_version(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* File times advance in steps of up to 10 ms: a file written just now could change again without a new time. */
static void wait_until_older(const struct stat *info)
{
    const int64_t step_ns = 12000000;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);

    int64_t age_ns = ((int64_t)now.tv_sec - info->st_mtim.tv_sec) * 1000000000 + now.tv_nsec - info->st_mtim.tv_nsec;

    if (age_ns >= 0 && age_ns < step_ns)
        nanosleep(&(struct timespec){.tv_nsec = (long)(step_ns - age_ns)}, NULL);
}

/* Copies a file that no writer has open. An ordinary connection would leave an empty -wal and a -shm behind, and needs a folder it can write to. *done is
 * false when a writer came in between. */
static bool take_snapshot(struct hl_store *store, bool *done, struct hl_error **err)
{
    struct stat before, after;

    *done = false;
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        if (stat(store->file, &before) != 0 || before.st_size > SNAPSHOT_MAXIMUM || !stands_alone(store))
            return true;
        wait_until_older(&before);

        bool copied = connect_immutable(store, err) && hl_store_connect_copy(store, err);

        if (stat(store->file, &after) == 0 && same_version(&before, &after) && stands_alone(store)) {
            *done = copied;
            return copied;
        }
        hl_store_disconnect(store);
        store->snapshot = false;
        if (err != NULL)
            hl_error_clear(err);
    }
    return true;
}

bool hl_store_connect_reader(struct hl_store *store, struct hl_error **err)
{
    struct hl_error *first = NULL;
    bool done = false;

    if (!take_snapshot(store, &done, err))
        return false;
    /* The first read opens -wal and -shm, or cannot. */
    if (done || (connect_with(store, store->file, SQLITE_OPEN_READONLY, &first) && hl_sql_exec(store, "SELECT count(*) FROM sqlite_schema", &first)))
        return true;

    int kind = sqlite3_errcode(store->db) & 0xff;

    if ((kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY) && stands_alone(store)) { /* a folder that we cannot write to */
        hl_error_clear(&first);
        hl_store_disconnect(store);
        return connect_immutable(store, err);
    }
    if (err != NULL)
        *err = first;
    else
        hl_error_clear(&first);
    return false;
}
