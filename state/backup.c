#include "config.h"

#include "state/internal.h"

#include <stdlib.h>
#include <unistd.h>

enum { KEEP_MAXIMUM = 64 * 1024 * 1024, PAUSE_MS = 20, TRIES = 500 };

static bool copy_pages(struct hl_store *store, sqlite3 *copy, const char *path, struct hl_error **err)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", store->db, "main");
    int rc = SQLITE_ERROR;

    if (backup != NULL) {
        for (int i = 0; i < TRIES; i++) {
            rc = sqlite3_backup_step(backup, -1); /* all at once: one commit's view */
            if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
                break;
            sqlite3_sleep(PAUSE_MS);
        }
        sqlite3_backup_finish(backup);
    }
    if (rc == SQLITE_DONE)
        return true;
    return hl_fail(err, HL_E_FAILED, "copying '%s' to '%s': %s", store->path, path, backup == NULL ? sqlite3_errmsg(copy) : sqlite3_errstr(rc));
}

/* One file without -wal beside it. The run that holds the lock now does not hold it in the copy. What fails here leaves a copy that is as good. */
static void tidy_copy(sqlite3 *copy)
{
    sqlite3_exec(copy, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    sqlite3_exec(copy, "DELETE FROM lock_holder", NULL, NULL, NULL);
}

static bool fill_copy(struct hl_store *store, const char *temporary, const char *path, struct hl_error **err)
{
    sqlite3 *copy = NULL;
    bool done = false;

    if (sqlite3_open_v2(temporary, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        hl_fail(err, HL_E_FAILED, "opening '%s': %s", temporary, sqlite3_errmsg(copy));
    } else {
        sqlite3_exec(copy, "PRAGMA synchronous=OFF; PRAGMA secure_delete=ON", NULL, NULL, NULL); /* synced as a whole before it gets its name */
        done = copy_pages(store, copy, path, err);
        if (done)
            tidy_copy(copy);
    }
    sqlite3_close(copy);
    return done;
}

static bool make_copy(struct hl_store *store, const char *path, bool *taken, struct hl_error **err)
{
    hl_auto(heap) char *temporary = NULL;

    if (!hl_state_file_temporary(path, &temporary, err))
        return false;

    bool done = fill_copy(store, temporary, path, err) && hl_state_file_publish(temporary, path, store->file, taken, err);

    if (!done || (taken != NULL && *taken))
        unlink(temporary);
    return done;
}

bool hl_backup_copy(struct hl_store *store, const char *path, struct hl_error **err)
{
    bool taken = false;

    if (hl_state_file_exists(path))
        taken = true;
    else if (!make_copy(store, path, &taken, err))
        return false;
    return !taken || hl_fail(err, HL_E_REFUSED, "'%s' exists already", path);
}

bool hl_store_backup(struct hl_store *store, const char *path, struct hl_error **err)
{
    if (store->missing)
        return hl_fail(err, HL_E_NOT_FOUND, "there is no state file '%s' yet", store->path);
    return hl_backup_copy(store, path, err) || hl_wrap(err, "backing up '%s'", store->path);
}

static bool is_small(struct hl_store *store)
{
    int64_t pages = 0, page_size = 0;

    return hl_sql_int(store, "PRAGMA page_count", &pages, NULL) && hl_sql_int(store, "PRAGMA page_size", &page_size, NULL) && pages * page_size <= KEEP_MAXIMUM;
}

/* The run itself went well, and its results are committed: a full disk here must not turn it into a failure. */
void hl_backup_keep(struct hl_store *store)
{
    hl_auto(heap) char *path = hl_state_file_beside(store->file, ".bak");
    hl_auto(error) struct hl_error *error = NULL;

    if (!is_small(store) || make_copy(store, path, NULL, &error))
        return;

    hl_auto(heap) char *message = hl_error_text(error);
    struct hl_event_row event = {.run = store->run, .event = "warning", .message = message};

    if (store->run == 0 || !hl_store_event(store, &event, NULL))
        return; /* nowhere to say it */
}
