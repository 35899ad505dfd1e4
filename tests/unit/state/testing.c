#include "config.h"

#include "tests/unit/state/testing.h"

#include "schema/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int make_sandbox(void **state)
{
    struct sandbox *box = hl_alloc(sizeof(*box));

    snprintf(box->folder, sizeof(box->folder), "/tmp/hlrec-state-XXXXXX");
    if (mkdtemp(box->folder) == NULL)
        return -1;
    snprintf(box->path, sizeof(box->path), "%s/.hlrec/lab.db", box->folder);
    box->arena = hl_arena_new();
    *state = box;
    return 0;
}

static int remove_entry(const char *path, const struct stat *info HL_UNUSED, int type HL_UNUSED, struct FTW *where HL_UNUSED)
{
    return remove(path);
}

int remove_sandbox(void **state)
{
    struct sandbox *box = *state;

    nftw(box->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    hl_arena_free(box->arena);
    free(box);
    return 0;
}

void assert_contains(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("'%s' does not contain '%s'", text == NULL ? "(null)" : text, part);
}

void assert_done(bool done, struct hl_error **err)
{
    hl_auto(heap) char *text = hl_error_text(*err);

    if (!done)
        fail_msg("%s", text);
    assert_null(*err);
}

void assert_failure(struct hl_error **err, enum hl_code code, const char *part)
{
    hl_auto(text) struct hl_text all = HL_TEXT_INIT(HL_MAX_OUTPUT);

    assert_non_null(*err);
    for (const struct hl_error *node = *err; node != NULL; node = node->cause)
        hl_text_printf(&all, "%s; %s; ", node->message, node->hint == NULL ? "" : node->hint);
    assert_contains(hl_text_get(&all), part);
    assert_string_equal(hl_code_name((*err)->code), hl_code_name(code));
    hl_error_clear(err);
}

static bool try_open(const struct sandbox *box, enum hl_store_mode mode, struct hl_store **out, struct hl_error **err)
{
    struct hl_store_options options = {.path = box->path, .stack = "lab", .mode = mode, .environment = box->environment};

    return hl_store_open(&options, out, err);
}

struct hl_store *open_store(const struct sandbox *box, enum hl_store_mode mode)
{
    struct hl_store *store = NULL;
    struct hl_error *err = NULL;

    assert_done(try_open(box, mode, &store, &err), &err);
    return store;
}

void open_must_fail(const struct sandbox *box, enum hl_store_mode mode, enum hl_code code, const char *part)
{
    struct hl_store *store = NULL;
    struct hl_error *err = NULL;

    assert_false(try_open(box, mode, &store, &err));
    assert_null(store);
    assert_failure(&err, code, part);
}

/* ---- files ---- */

const char *beside(const struct sandbox *box, const char *suffix)
{
    return hl_arena_printf(box->arena, "%s%s", box->path, suffix);
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

unsigned mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return (unsigned)(info.st_mode & 07777);
}

const char *read_whole(const struct sandbox *box, const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    struct stat info;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);

    char *data = hl_arena_alloc(box->arena, (size_t)info.st_size + 1);

    *length = fread(data, 1, (size_t)info.st_size, file);
    fclose(file);
    return data;
}

void write_whole(const char *path, const void *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
    close(fd);
}

static struct {
    const char *data;
    size_t length;
    size_t files;
    bool found;
} search;

static int search_file(const char *path, const struct stat *info, int type, struct FTW *where HL_UNUSED)
{
    FILE *file = type == FTW_F ? fopen(path, "rb") : NULL;

    if (file == NULL)
        return 0;

    char *content = hl_alloc((size_t)info->st_size + 1);
    size_t got = fread(content, 1, (size_t)info->st_size, file);

    search.files++;
    if (search.length > 0 && memmem(content, got, search.data, search.length) != NULL)
        search.found = true;
    free(content);
    fclose(file);
    return 0;
}

bool folder_holds(const char *folder, const char *data, size_t length)
{
    search.data = data;
    search.length = length;
    search.found = false;
    nftw(folder, search_file, 16, FTW_PHYS);
    return search.found;
}

size_t count_files(const char *folder)
{
    search.length = 0;
    search.files = 0;
    nftw(folder, search_file, 16, FTW_PHYS);
    return search.files;
}

/* ---- SQL ---- */

static sqlite3 *open_sql(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = open_sql(path);
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static sqlite3_stmt *first_row(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    return stmt;
}

int64_t query_int(const char *path, const char *sql)
{
    sqlite3 *db = open_sql(path);
    sqlite3_stmt *stmt = first_row(db, sql);
    int64_t out = sqlite3_column_int64(stmt, 0);

    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

const char *query_text(const struct sandbox *box, const char *path, const char *sql)
{
    sqlite3 *db = open_sql(path);
    sqlite3_stmt *stmt = first_row(db, sql);
    const char *out = hl_arena_strdup(box->arena, (const char *)sqlite3_column_text(stmt, 0));

    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

/* ---- values ---- */

struct hl_value *from_json(struct hl_arena *arena, const char *json)
{
    struct hl_value *value = NULL;
    struct hl_error *err = NULL;

    assert_done(hl_json_decode(arena, json, strlen(json), &value, &err), &err);
    return value;
}

void assert_values_equal(const struct hl_value *a, const struct hl_value *b)
{
    hl_auto(text) struct hl_text first = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text second = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_json_encode(&first, a, HL_JSON_CANONICAL);
    hl_json_encode(&second, b, HL_JSON_CANONICAL);
    assert_string_equal(hl_text_get(&first), hl_text_get(&second));
    assert_true(hl_value_equal(a, b));
}

struct hl_value *sensitive(struct hl_arena *arena, const char *text)
{
    return hl_value_mark_sensitive(hl_value_text(arena, text));
}

void record_secret(struct hl_store *store, const char *address, const char *secret)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_error *err = NULL;
    struct hl_record record = {.address = address, .kind = "secret", .name = strchr(address, '.') + 1, .desired = hl_value_map(arena)};

    hl_value_map_put(record.desired, "password", sensitive(arena, secret));
    assert_done(hl_store_record(store, &record, &err), &err);
}

const struct hl_record *find_record(struct hl_store *store, struct hl_arena *arena, const char *address)
{
    struct hl_map *records = NULL;
    struct hl_error *err = NULL;

    assert_done(hl_store_records(store, arena, NULL, &records, &err), &err);
    return hl_map_find(records, address);
}

/* ---- processes ---- */

void child_must(bool condition)
{
    if (!condition)
        _exit(99);
}

int run_child(void (*body)(const struct sandbox *box), const struct sandbox *box)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        body(box);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

struct hl_store *child_open(const struct sandbox *box, enum hl_store_mode mode)
{
    struct hl_store *store = NULL;

    child_must(try_open(box, mode, &store, NULL));
    return store;
}
