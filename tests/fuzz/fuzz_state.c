/* A state file that was damaged: read like any other, or refused with a reason; never a crash, and never a value that is not what was kept.
 *
 *     b OFFSET VALUE ...               bytes of the file: numbers; an offset beyond the end counts from the beginning again
 *     s TABLE.COLUMN=t:TEXT            fields, by SQLite itself: text (t:), bytes (b:), a number (i:) or NULL (n:); a line each, in all rows of the table */
#include "config.h"

#include "tests/fuzz/target.h"

#include "schema/base/json.h"
#include "state/state.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1024 * 1024, EDITS_MOST = 64, NAME_MOST = 64 };

static char folder[] = "/dev/shm/hlrec-fuzz-XXXXXX"; /* in memory: no execution waits for a disk */
static char path[sizeof folder + sizeof "/fuzz.db"];
static char *image; /* of the file before it is damaged */
static size_t image_size;

/* ---- the file ---- */

static void remove_files(bool all)
{
    char name[sizeof folder + 256];
    DIR *directory = opendir(folder);

    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (!all && (strcmp(entry->d_name, "fuzz.db.key") == 0 || strcmp(entry->d_name, "fuzz.db.lock") == 0))
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        unlink(name);
    }
    if (directory != NULL)
        closedir(directory);
}

static void remove_all(void)
{
    remove_files(true);
    rmdir(folder);
    free(image);
}

static struct hl_store *open_store(enum hl_store_mode mode, struct hl_error **err)
{
    static const char *const environment[] = {NULL};
    const struct hl_store_options options = {.path = path, .stack = "fuzz", .mode = mode, .environment = environment};
    struct hl_store *store = NULL;

    return hl_store_open(&options, &store, err) ? store : NULL;
}

static void must(bool done, struct hl_error *error)
{
    if (!done) {
        fprintf(stderr, "fuzz_state: %s\n", error != NULL ? error->message : "?");
        abort();
    }
}

static struct hl_value *sample(struct hl_arena *arena)
{
    struct hl_value *value = hl_value_map(arena);
    struct hl_value *list = hl_value_list(arena);

    hl_value_map_put_text(value, "plain", "text");
    hl_value_map_put(value, "token", hl_value_mark_sensitive(hl_value_text(arena, "the-secret-token")));
    hl_value_map_put(value, "bytes", hl_value_bytes(arena, "\0\1\2", 3));
    hl_value_list_add(arena, list, hl_value_mark_sensitive(hl_value_int(arena, 7)));
    hl_value_map_put(value, "$secret", list);
    return value;
}

static void fill(struct hl_store *store, struct hl_arena *arena)
{
    static const char *const needs[] = {"network.back", NULL};
    struct hl_error *error = NULL;
    int64_t run = 0;
    bool died = false;
    const struct hl_record record = {.address = "container.web",
                                     .kind = "container",
                                     .name = "web",
                                     .provider = "docker",
                                     .provider_type = "docker",
                                     .id = "1",
                                     .desired = sample(arena),
                                     .live = sample(arena),
                                     .needs = needs,
                                     .drift = "image",
                                     .streak = 2};
    struct hl_intent intent = {.operation = "6f1f9e34-6f0c-4c57-9c55-2d6a5f3b7a10",
                               .address = "container.db",
                               .kind = "container",
                               .name = "db",
                               .provider = "docker",
                               .provider_type = "docker",
                               .action = "create",
                               .object_id = "",
                               .desired = sample(arena),
                               .needs = needs};
    const struct hl_event_row event = {.address = "container.web", .event = "done", .action = "create", .message = "x"};

    must(hl_store_lock(store, "apply", 0, &died, &error), error);
    must(hl_store_run_begin(store, "apply", "git", "c0ffee", &run, &error), error);
    must(hl_store_begin(store, &error) && hl_store_record(store, &record, &error) && hl_store_intent(store, &intent, &error), error);
    must(hl_store_checkpoint(store, intent.id, intent.address, sample(arena), &error) && hl_store_keep(store, "netbird", sample(arena), &error), error);
    struct hl_event_row row = event;
    row.run = run;
    must(hl_store_event(store, &row, &error) && hl_store_put(store, "note", "value", &error) && hl_store_commit(store, &error), error);
}

static void make_image(void)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_error *error = NULL;

    if (image != NULL)
        return;
    if (access("/dev/shm", W_OK) != 0)
        snprintf(folder, sizeof folder, "/tmp/hlrec-fuzz-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    atexit(remove_all);
    snprintf(path, sizeof path, "%s/fuzz.db", folder);
    struct hl_store *store = open_store(HL_STORE_WRITE, &error);
    must(store != NULL, error);
    fill(store, arena);
    hl_store_close(store);
    image = hl_alloc(FILE_MOST);
    FILE *file = fopen(path, "rbe");
    must(file != NULL, NULL);
    image_size = fread(image, 1, FILE_MOST, file);
    fclose(file);
}

static void put_file(const char *data)
{
    /* Long ago: a reader waits for files that have just been written. */
    static const struct timespec times[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    must(file >= 0 && write(file, data, image_size) == (ssize_t)image_size, NULL);
    must(futimens(file, times) == 0, NULL);
    close(file);
}

/* ---- the damage ---- */

static void damage_bytes(const char *text)
{
    char *data = hl_alloc(image_size);

    memcpy(data, image, image_size);
    for (int i = 0; i < EDITS_MOST && *text != '\0'; i++) {
        char *end = NULL;
        const unsigned long offset = strtoul(text, &end, 10);
        const unsigned long value = strtoul(end, &end, 10);
        if (end == text)
            break;
        data[offset % image_size] = (char)(value & 0xff);
        text = end;
    }
    put_file(data);
    free(data);
}

static bool is_name(const char *text)
{
    return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz_") == strlen(text);
}

static void bind_value(sqlite3_stmt *statement, const char *value, size_t length)
{
    if (length < 2 || value[0] == 'n')
        return;
    if (value[0] == 'i')
        sqlite3_bind_int64(statement, 1, strtoll(value + 2, NULL, 10));
    else if (value[0] == 'b')
        sqlite3_bind_blob(statement, 1, value + 2, (int)length - 2, SQLITE_STATIC);
    else
        sqlite3_bind_text(statement, 1, value + 2, (int)length - 2, SQLITE_STATIC);
}

static void damage_field(sqlite3 *db, const char *line, size_t length)
{
    char table[NAME_MOST] = "";
    char column[NAME_MOST] = "";
    char sql[4 * NAME_MOST];
    int used = 0;
    sqlite3_stmt *statement = NULL;

    if (sscanf(line, "%63[a-z_].%63[a-z_]=%n", table, column, &used) != 2 || used == 0 || (size_t)used > length || !is_name(table) || !is_name(column))
        return;
    snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = ?1", table, column);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return;
    bind_value(statement, line + used, length - (size_t)used);
    (void)sqlite3_step(statement);
    sqlite3_finalize(statement);
}

static void damage_fields(const char *text, const char *end)
{
    static const struct timespec times[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    sqlite3 *db = NULL;

    put_file(image);
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, NULL);
    (void)sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA ignore_check_constraints=ON; BEGIN", NULL, NULL, NULL);
    for (int i = 0; i < EDITS_MOST && text < end; i++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop != NULL ? stop : end;
        damage_field(db, text, (size_t)(stop - text));
        text = stop < end ? stop + 1 : end;
    }
    (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    (void)utimensat(AT_FDCWD, path, times, 0);
}

/* ---- its use ---- */

static void look_at(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_RENDER);

    (void)arena;
    if (value != NULL)
        hl_json_encode(&json, value, HL_JSON_CANONICAL);
}

static void forget(struct hl_error **err, bool ok)
{
    assert(ok || *err != NULL);
    (void)ok;
    hl_error_clear(err);
}

static void read_runs(struct hl_store *store, struct hl_arena *arena)
{
    struct hl_error *error = NULL;
    struct hl_run_row *runs = NULL;
    size_t count = 0;
    bool ok = hl_store_runs(store, arena, 10, &runs, &count, &error);

    forget(&error, ok);
    for (size_t i = 0; ok && i < count; i++) {
        struct hl_event_row *events = NULL;
        size_t events_count = 0;
        assert(runs[i].command != NULL && runs[i].result != NULL);
        const bool told = hl_store_events(store, arena, runs[i].id, &events, &events_count, &error);
        forget(&error, told);
    }
}

static void read_all(struct hl_store *store)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_error *error = NULL;
    struct hl_map *records = NULL;
    struct hl_value *value = NULL;
    struct hl_intent *intents = NULL;
    const char *text = NULL;
    size_t count = 0;

    bool ok = hl_store_records(store, arena, NULL, &records, &error);
    forget(&error, ok);
    for (size_t i = 0; ok && i < records->count; i++) {
        const struct hl_record *record = records->entries[i].value;
        assert(record->address != NULL && record->kind != NULL && record->id != NULL && record->needs != NULL);
        look_at(arena, record->desired);
        look_at(arena, record->live);
    }
    ok = hl_store_open_intents(store, arena, &intents, &count, &error);
    forget(&error, ok);
    for (size_t i = 0; ok && i < count; i++) {
        assert(intents[i].address != NULL && intents[i].action != NULL);
        look_at(arena, intents[i].desired);
        look_at(arena, intents[i].checkpoint);
    }
    forget(&error, hl_store_secrets(store, arena, &value, &error));
    forget(&error, hl_store_kept(store, arena, "netbird", &value, &error));
    forget(&error, hl_store_get(store, arena, "note", &text, &error));
    (void)hl_store_lock_holder(store, arena);
    read_runs(store, arena);
}

static void write_some(struct hl_store *store)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_error *error = NULL;
    int64_t run = 0;
    bool died = false;
    const struct hl_record record = {
        .address = "container.web", .kind = "container", .name = "web", .provider = "docker", .provider_type = "docker", .id = "2", .desired = sample(arena)};
    const struct hl_run_row end = {.result = "done", .finished_ms = 1};

    const bool ok = hl_store_lock(store, "apply", 0, &died, &error) && hl_store_run_begin(store, "apply", NULL, NULL, &run, &error) &&
                    hl_store_begin(store, &error) && hl_store_record(store, &record, &error) && hl_store_commit(store, &error);
    if (!ok)
        hl_store_rollback(store);
    forget(&error, ok);
    struct hl_run_row row = end;
    row.id = run;
    if (ok)
        forget(&error, hl_store_run_end(store, &row, 5, &error));
}

static void use(enum hl_store_mode mode)
{
    struct hl_error *error = NULL;
    struct hl_store *store = open_store(mode, &error);

    if (store != NULL) {
        read_all(store);
        if (mode == HL_STORE_WRITE)
            write_some(store);
        hl_store_close(store);
    }
    forget(&error, store != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *text = hl_arena_copy(arena, (const char *)data, size);

    if (size < 2 || (text[0] != 'b' && text[0] != 's'))
        return 0;
    make_image();
    remove_files(false);
    if (text[0] == 'b')
        damage_bytes(text + 1);
    else
        damage_fields(text + 2, text + size);
    use(HL_STORE_READ);
    if (size % 4 == 0)
        use(HL_STORE_WRITE);
    return 0;
}
