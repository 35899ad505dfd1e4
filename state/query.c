#include "config.h"

#include "state/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool hl_sql_way_back(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *copy = hl_state_file_beside(store->file, ".bak");
    const bool exists = hl_state_file_exists(copy);

    if (exists && hl_store_is_whole(copy))
        return hl_error_hint(err, "the last good copy is '%s'; to go back to it: mv '%s' '%s.damaged'; rm -f '%s-wal' '%s-shm'; cp -p '%s' '%s'", copy,
                             store->file, store->file, store->file, store->file, copy, store->file);
    return hl_error_hint(err, "%s '%s'%s: move '%s', '%s-wal' and '%s-shm' away and put a backup (hlrec state backup) in their place",
                         exists ? "the last good copy" : "there is no last good copy", copy, exists ? " is damaged as well" : "", store->file, store->file,
                         store->file);
}

/* The system's reason, or 0. After a file that cannot be opened SQLite tries to open it for reading only, and knows but why that failed. */
static int find_cause(const struct hl_store *store, int kind)
{
    if (kind == SQLITE_CANTOPEN && store->mode == HL_STORE_WRITE && store->file != NULL)
        return hl_state_file_probe(store->file);
    return (kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR) && store->db != NULL ? sqlite3_system_errno(store->db) : 0;
}

/* What SQLite says is a constant text or names of ours: no value gets into it. */
bool hl_sql_fail(struct hl_store *store, int rc, struct hl_error **err)
{
    const char *message = store->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(store->db);
    int kind = rc & 0xff;
    const int cause = find_cause(store, kind);

    if (cause == ENOSPC || cause == EDQUOT) /* of a file beside the database */
        kind = SQLITE_FULL;
    store->broken = true;
    hl_fail(err, kind == SQLITE_BUSY || kind == SQLITE_LOCKED ? HL_E_LOCKED : HL_E_FAILED, "state file '%s': %s%s%s%s", store->path, message,
            cause != 0 ? " (" : "", cause != 0 ? strerror(cause) : "", cause != 0 ? ")" : "");
    switch (kind) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hl_error_hint(err, "another program is writing to it (an open sqlite3 shell?): end it and try again");
    case SQLITE_FULL:
        return hl_error_hint(err, "make room on the disk of '%s' and run again: what was committed is safe", store->file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return hl_error_hint(err, "check owner and mode of '%s', its -wal and -shm and their folder, and that the disk is not mounted read-only", store->file);
    case SQLITE_IOERR:
        return hl_error_hint(err, "the disk reported an error (see dmesg): what was committed before is kept");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return hl_sql_way_back(store, err);
    default:
        return false;
    }
}

static int prepare(struct hl_store *store, const char *sql, sqlite3_stmt **out)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statements[i].sql == sql) {
            *out = store->statements[i].stmt;
            assert(!sqlite3_stmt_busy(*out));
            return SQLITE_OK;
        }
    }
    assert(store->statement_count < HL_STATE_STATEMENTS);

    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

    if (rc == SQLITE_OK) {
        store->statements[store->statement_count].sql = sql;
        store->statements[store->statement_count++].stmt = *out;
    }
    return rc;
}

struct hl_query hl_query_open(struct hl_store *store, const char *sql)
{
    struct hl_query query = {.store = store};

    query.rc = prepare(store, sql, &query.stmt);
    return query;
}

void hl_query_close(struct hl_query *query)
{
    if (query->stmt == NULL)
        return;
    sqlite3_reset(query->stmt);
    sqlite3_clear_bindings(query->stmt);
    query->stmt = NULL;
}

static void keep_result(struct hl_query *query, int rc)
{
    if (query->rc == SQLITE_OK)
        query->rc = rc;
}

void hl_query_put_text(struct hl_query *query, const char *text)
{
    query->bound++;
    if (query->rc == SQLITE_OK)
        keep_result(query, sqlite3_bind_text64(query->stmt, query->bound, text, text == NULL ? 0 : strlen(text), SQLITE_STATIC, SQLITE_UTF8));
}

void hl_query_put_int(struct hl_query *query, int64_t number)
{
    query->bound++;
    if (query->rc == SQLITE_OK)
        keep_result(query, sqlite3_bind_int64(query->stmt, query->bound, number));
}

void hl_query_put_blob(struct hl_query *query, const void *data, size_t length)
{
    query->bound++;
    if (query->rc == SQLITE_OK)
        keep_result(query, sqlite3_bind_blob64(query->stmt, query->bound, data, length, SQLITE_STATIC));
}

void hl_query_put_time(struct hl_query *query, char buffer[HL_STATE_CLOCK_TEXT], int64_t ms)
{
    hl_state_time_format(ms, buffer);
    hl_query_put_text(query, ms == 0 ? NULL : buffer);
}

bool hl_query_next(struct hl_query *query, bool *row, struct hl_error **err)
{
    int rc = query->rc == SQLITE_OK ? sqlite3_step(query->stmt) : query->rc;

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        query->rc = rc;
        return hl_sql_fail(query->store, rc, err);
    }
    *row = rc == SQLITE_ROW;
    return true;
}

bool hl_query_run(struct hl_query *query, struct hl_error **err)
{
    bool row = false;

    return hl_query_next(query, &row, err);
}

const char *hl_query_peek(const struct hl_query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->stmt, column);

    return text == NULL ? "" : text;
}

const char *hl_query_text(const struct hl_query *query, struct hl_arena *arena, int column)
{
    return hl_arena_strdup(arena, hl_query_peek(query, column));
}

int64_t hl_query_int(const struct hl_query *query, int column)
{
    return sqlite3_column_int64(query->stmt, column);
}

int64_t hl_query_time(const struct hl_query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->stmt, column);

    return text == NULL ? 0 : hl_state_time_parse(text);
}

const void *hl_query_blob(const struct hl_query *query, int column, size_t *length)
{
    const void *data = sqlite3_column_blob(query->stmt, column);

    *length = (size_t)sqlite3_column_bytes(query->stmt, column);
    return data == NULL ? "" : data;
}

bool hl_sql_exec(struct hl_store *store, const char *sql, struct hl_error **err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK || hl_sql_fail(store, rc, err);
}

bool hl_sql_int(struct hl_store *store, const char *sql, int64_t *out, struct hl_error **err)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, sql);
    bool row = false;

    if (!hl_query_next(&query, &row, err))
        return false;
    *out = row ? hl_query_int(&query, 0) : 0;
    return true;
}

int64_t hl_state_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void hl_state_time_format(int64_t ms, char out[HL_STATE_CLOCK_TEXT])
{
    const int64_t last_ms = 253402300799999; /* of the year 9999 */
    int64_t clamped = ms < 0 ? 0 : ms > last_ms ? last_ms : ms;
    time_t seconds = (time_t)(clamped / 1000);
    struct tm parts;
    char text[HL_STATE_CLOCK_TEXT];

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, HL_STATE_CLOCK_TEXT, "%.19s.%03dZ", text, (int)(clamped % 1000));
}

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March here, so that the leap day is the last one. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;

    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int64_t hl_state_time_parse(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    int64_t numbers[7] = {0};
    size_t field = 0;

    for (size_t i = 0; i < sizeof(shape); i++) { /* with its NUL: the lengths must agree as well */
        if (shape[i] != '0') {
            if (text[i] != shape[i])
                return 0;
            field++;
        } else if (text[i] >= '0' && text[i] <= '9') {
            numbers[field] = numbers[field] * 10 + (text[i] - '0');
        } else {
            return 0;
        }
    }

    int64_t minutes = (days_from_date(numbers[0], numbers[1], numbers[2]) * 24 + numbers[3]) * 60 + numbers[4];

    return (minutes * 60 + numbers[5]) * 1000 + numbers[6];
}
