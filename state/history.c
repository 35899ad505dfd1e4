#include "config.h"

#include "state/internal.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool insert_run(struct hl_store *store, const char *command, const char *source, const char *commit, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query = hl_query_open(store, "INSERT INTO runs(command, who, host, pid, source, source_commit, result, started) "
                                                                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7)");
    char now[HL_STATE_CLOCK_TEXT];

    hl_query_put_text(&query, or_empty(command));
    hl_query_put_text(&query, hl_lock_user(arena));
    hl_query_put_text(&query, hl_lock_host(arena));
    hl_query_put_int(&query, getpid());
    hl_query_put_text(&query, or_empty(source));
    hl_query_put_text(&query, or_empty(commit));
    hl_query_put_time(&query, now, hl_state_now_ms());
    return hl_query_run(&query, err);
}

bool hl_store_run_begin(struct hl_store *store, const char *command, const char *source, const char *commit, int64_t *out, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;

    bool done = insert_run(store, command, source, commit, err);
    int64_t id = done ? sqlite3_last_insert_rowid(store->db) : 0;

    if (!hl_store_leave(store, own, done, err))
        return hl_wrap(err, "beginning a run");
    store->run = id;
    store->run_serial = store->serial;
    *out = id;
    return true;
}

static bool finish_run(struct hl_store *store, const struct hl_run_row *row, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "UPDATE runs SET result = ?1, finished = ?2, created = ?3, updated = ?4, replaced = ?5, deleted = ?6, failed = ?7, deferred = ?8 "
                             "WHERE id = ?9");
    char finished[HL_STATE_CLOCK_TEXT];

    hl_query_put_text(&query, row->result == NULL ? "done" : row->result);
    hl_query_put_time(&query, finished, row->finished_ms != 0 ? row->finished_ms : hl_state_now_ms());
    hl_query_put_int(&query, row->created);
    hl_query_put_int(&query, row->updated);
    hl_query_put_int(&query, row->replaced);
    hl_query_put_int(&query, row->deleted);
    hl_query_put_int(&query, row->failed);
    hl_query_put_int(&query, row->deferred);
    hl_query_put_int(&query, row->id);
    if (!hl_query_run(&query, err))
        return false;
    return sqlite3_changes(store->db) > 0 || hl_fail(err, HL_E_NOT_FOUND, "there is no run %" PRId64, row->id);
}

/* keep <= 0 keeps all. */
static bool drop_old(struct hl_store *store, int64_t keep, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "DELETE FROM runs WHERE id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?1)");

    if (keep <= 0)
        return true;
    hl_query_put_int(&query, keep);
    return hl_query_run(&query, err);
}

static bool went_well(const struct hl_run_row *row)
{
    static const char *const bad[] = {"failed", "interrupted", "died", "running"};

    for (size_t i = 0; i < HL_COUNT(bad); i++) {
        if (row->result != NULL && strcmp(row->result, bad[i]) == 0)
            return false;
    }
    return true;
}

bool hl_store_run_end(struct hl_store *store, const struct hl_run_row *row, int64_t keep, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    store->copy_due = store->run != 0 && went_well(row); /* made behind the commit, if resources have changed */

    bool done = finish_run(store, row, err) && drop_old(store, keep, err);

    return hl_store_leave(store, own, done, err) || hl_wrap(err, "ending run %" PRId64, row->id);
}

static bool insert_event(struct hl_store *store, const struct hl_event_row *event, struct hl_error **err)
{
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "INSERT INTO run_events(run, time, address, event, action, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    char time[HL_STATE_CLOCK_TEXT];

    hl_query_put_int(&query, event->run != 0 ? event->run : store->run);
    hl_query_put_time(&query, time, event->time_ms != 0 ? event->time_ms : hl_state_now_ms());
    hl_query_put_text(&query, or_empty(event->address));
    hl_query_put_text(&query, or_empty(event->event));
    hl_query_put_text(&query, or_empty(event->action));
    hl_query_put_text(&query, or_empty(event->message));
    return hl_query_run(&query, err);
}

bool hl_store_event(struct hl_store *store, const struct hl_event_row *event, struct hl_error **err)
{
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    return hl_store_leave(store, own, insert_event(store, event, err), err) || hl_wrap(err, "writing an event of the run");
}

static void load_run(const struct hl_query *query, struct hl_arena *arena, struct hl_run_row *run)
{
    run->id = hl_query_int(query, 0);
    run->command = hl_query_text(query, arena, 1);
    run->who = hl_query_text(query, arena, 2);
    run->host = hl_query_text(query, arena, 3);
    run->source = hl_query_text(query, arena, 4);
    run->commit = hl_query_text(query, arena, 5);
    run->result = hl_query_text(query, arena, 6);
    run->pid = hl_query_int(query, 7);
    run->started_ms = hl_query_time(query, 8);
    run->finished_ms = hl_query_time(query, 9);
    run->created = hl_query_int(query, 10);
    run->updated = hl_query_int(query, 11);
    run->replaced = hl_query_int(query, 12);
    run->deleted = hl_query_int(query, 13);
    run->failed = hl_query_int(query, 14);
    run->deferred = hl_query_int(query, 15);
}

/* An array that doubles; its elements move. */
static void *grow(struct hl_arena *arena, void *items, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;

    void *larger = hl_arena_alloc(arena, *capacity * size);

    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

/* The newest first; limit <= 0 gives all. */
static bool load_runs(struct hl_store *store, struct hl_arena *arena, int64_t limit, struct hl_run_row **out, size_t *count, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(
        store, "SELECT id, command, who, host, source, source_commit, result, pid, started, finished, created, updated, replaced, deleted, failed, "
               "deferred FROM runs ORDER BY id DESC LIMIT ?1");
    struct hl_run_row *runs = NULL;
    size_t found = 0, capacity = 0;
    bool row = false;

    hl_query_put_int(&query, limit <= 0 ? -1 : limit);
    if (!hl_query_next(&query, &row, err))
        return false;
    while (row) {
        runs = grow(arena, runs, sizeof(*runs), found, &capacity);
        load_run(&query, arena, &runs[found++]);
        if (!hl_query_next(&query, &row, err))
            return false;
    }
    *out = runs;
    *count = found;
    return true;
}

static bool is_running(const struct hl_run_row *run)
{
    return run->result != NULL && strcmp(run->result, "running") == 0;
}

/* The file says "running" of a run that was killed until the next one writes. A run ends in the file before it gives up the lock: when nobody holds that, what
 * was there before and still says so has died. */
bool hl_store_runs(struct hl_store *store, struct hl_arena *arena, int64_t limit, struct hl_run_row **out, size_t *count, struct hl_error **err)
{
    if (!load_runs(store, arena, limit, out, count, err))
        return false;

    const int64_t newest = *count > 0 ? (*out)[0].id : 0;

    /* Whoever comes next waits until the one before has given up the lock: only the newest can be at work. */
    if (*count == 0 || !is_running(&(*out)[0]) || store->run != 0 || store->lock_fd >= 0 || hl_store_lock_holder(store, arena) != NULL)
        return true;
    if (!load_runs(store, arena, limit, out, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (is_running(&(*out)[i]) && (*out)[i].id <= newest)
            (*out)[i].result = "died";
    }
    return true;
}

bool hl_store_events(struct hl_store *store, struct hl_arena *arena, int64_t run, struct hl_event_row **out, size_t *count, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT run, time, address, event, action, message FROM run_events WHERE run = ?1 ORDER BY id");
    struct hl_event_row *events = NULL;
    size_t found = 0, capacity = 0;
    bool row = false;

    hl_query_put_int(&query, run);
    if (!hl_query_next(&query, &row, err))
        return false;
    while (row) {
        events = grow(arena, events, sizeof(*events), found, &capacity);
        events[found].run = hl_query_int(&query, 0);
        events[found].time_ms = hl_query_time(&query, 1);
        events[found].address = hl_query_text(&query, arena, 2);
        events[found].event = hl_query_text(&query, arena, 3);
        events[found].action = hl_query_text(&query, arena, 4);
        events[found++].message = hl_query_text(&query, arena, 5);
        if (!hl_query_next(&query, &row, err))
            return false;
    }
    *out = events;
    *count = found;
    return true;
}
