#include "config.h"

#include "tests/unit/state/testing.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_new_state_is_private(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    hl_auto(heap) char *folder = hl_state_file_beside(box->folder, "/.hlrec");

    record_secret(store, "secret.a", "correct horse");
    assert_int_equal(mode_of(folder), 0700);
    assert_int_equal(mode_of(box->path), 0600);
    assert_int_equal(mode_of(beside(box, "-wal")), 0600);
    assert_int_equal(mode_of(beside(box, "-shm")), 0600);
    assert_int_equal(mode_of(beside(box, ".lock")), 0600);
    assert_int_equal(mode_of(beside(box, ".key")), 0600);
    hl_store_close(store);
    assert_int_equal(count_files(folder), 3); /* the file, its lock and its key: nothing temporary is left */
}

static void the_umask_does_not_open_it(void **state)
{
    const struct sandbox *box = *state;
    mode_t former = umask(0);
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.a", "correct horse");
    umask(former);
    assert_int_equal(mode_of(box->path), 0600);
    assert_int_equal(mode_of(beside(box, "-wal")), 0600);
    assert_int_equal(mode_of(beside(box, ".key")), 0600);
    hl_store_close(store);
}

static void it_is_what_the_design_promises(void **state)
{
    static const char tables[] = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                                 "ORDER BY name)";
    const struct sandbox *box = *state;

    hl_store_close(open_store(box, HL_STORE_WRITE));
    assert_string_equal(query_text(box, box->path, tables), "journal lock_holder meta resources run_events runs secrets");
    assert_string_equal(query_text(box, box->path, "PRAGMA journal_mode"), "wal");
    assert_int_equal(query_int(box->path, "PRAGMA user_version"), HL_STATE_VERSION);
    assert_int_equal(query_int(box->path, "PRAGMA application_id"), HL_STATE_APPLICATION);
}

static void settings_of_the_connection_are_the_safe_ones(void **state)
{
    static const struct {
        const char *sql;
        int64_t value;
    } rows[] = {{"PRAGMA synchronous", 2}, {"PRAGMA foreign_keys", 1}, {"PRAGMA secure_delete", 1}, {"PRAGMA busy_timeout", HL_STATE_BUSY_MS}};
    struct hl_store *store = open_store(*state, HL_STORE_WRITE);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_error *err = NULL;
        int64_t value = -1;

        assert_done(hl_sql_int(store, rows[i].sql, &value, &err), &err);
        assert_int_equal(value, rows[i].value);
    }
    hl_store_close(store);
}

static void identity_and_serial_outlive_the_process(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    hl_auto(heap) char *id = hl_strdup(hl_store_id(store));

    assert_int_equal(strlen(id), 36);
    assert_string_equal(hl_store_path(store), box->path);
    assert_int_equal(hl_store_serial(store), 0);
    record_secret(store, "secret.a", "correct horse");
    record_secret(store, "secret.b", "correct horse");
    assert_int_equal(hl_store_serial(store), 2);
    hl_store_close(store);

    store = open_store(box, HL_STORE_READ);
    assert_string_equal(hl_store_id(store), id);
    assert_int_equal(hl_store_serial(store), 2);
    hl_store_close(store);
}

static void the_serial_counts_commits_that_changed_resources(void **state)
{
    struct hl_store *store = open_store(*state, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.a", "one");
    record_secret(store, "secret.b", "two");
    assert_done(hl_store_commit(store, &err), &err);
    assert_int_equal(hl_store_serial(store), 1);
    assert_done(hl_store_put(store, "spec", "abc", &err), &err);
    assert_done(hl_store_forget(store, "secret.absent", &err), &err);
    assert_int_equal(hl_store_serial(store), 1);
    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.c", "three");
    hl_store_rollback(store);
    assert_int_equal(hl_store_serial(store), 1);
    assert_null(find_record(store, ((const struct sandbox *)*state)->arena, "secret.c"));
    hl_store_close(store);
}

static void named_texts_are_kept(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    const char *text = "";

    assert_done(hl_store_get(store, box->arena, "state.id", &text, &err), &err);
    assert_null(text); /* names of ours are not in reach */
    assert_done(hl_store_put(store, "spec", "one", &err), &err);
    assert_done(hl_store_put(store, "spec", "two", &err), &err);
    hl_store_close(store);

    store = open_store(box, HL_STORE_WRITE);
    assert_done(hl_store_get(store, box->arena, "spec", &text, &err), &err);
    assert_string_equal(text, "two");
    assert_done(hl_store_put(store, "spec", NULL, &err), &err);
    assert_done(hl_store_get(store, box->arena, "spec", &text, &err), &err);
    assert_null(text);
    hl_store_close(store);
}

static void a_missing_file_reads_as_empty(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_READ);
    struct hl_error *err = NULL;
    struct hl_map *records = NULL;
    struct hl_intent *intents = NULL;
    struct hl_value *secrets = NULL;
    unsigned char first[HL_KEY_BYTES], second[HL_KEY_BYTES];
    size_t count = 1;

    assert_string_equal(hl_store_id(store), "");
    assert_int_equal(hl_store_serial(store), 0);
    assert_done(hl_store_records(store, box->arena, NULL, &records, &err), &err);
    assert_int_equal(records->count, 0);
    assert_done(hl_store_open_intents(store, box->arena, &intents, &count, &err), &err);
    assert_int_equal(count, 0);
    assert_done(hl_store_secrets(store, box->arena, &secrets, &err), &err);
    assert_int_equal(hl_value_count(secrets), 0);
    assert_null(hl_store_lock_holder(store, box->arena));
    hl_store_subkey(store, "drift", first);
    hl_store_subkey(store, "drift", second);
    assert_memory_equal(first, second, sizeof(first));
    hl_store_close(store);
    assert_int_equal(count_files(box->folder), 0);
}

static void a_reader_cannot_write(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;
    bool died = false;

    hl_store_close(open_store(box, HL_STORE_WRITE));

    struct hl_store *store = open_store(box, HL_STORE_READ);

    assert_false(hl_store_put(store, "a", "b", &err));
    assert_failure(&err, HL_E_FAILED, "for reading only");
    assert_false(hl_store_begin(store, &err));
    assert_failure(&err, HL_E_FAILED, "for reading only");
    assert_false(hl_store_lock(store, "apply", 0, &died, &err));
    assert_failure(&err, HL_E_FAILED, "for reading only");
    assert_false(hl_store_rekey(store, NULL, &err));
    assert_failure(&err, HL_E_FAILED, "for reading only");
    hl_store_close(store);
}

static void a_failed_part_spoils_the_transaction(void **state)
{
    struct hl_store *store = open_store(*state, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    struct hl_event_row event = {.run = 77, .event = "done"}; /* there is no such run */

    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.a", "one");
    assert_false(hl_store_event(store, &event, &err));
    assert_failure(&err, HL_E_FAILED, "FOREIGN KEY");
    assert_false(hl_store_commit(store, &err));
    assert_failure(&err, HL_E_FAILED, "rolled back");
    record_secret(store, "secret.b", "two");
    assert_null(find_record(store, ((const struct sandbox *)*state)->arena, "secret.a"));
    hl_store_close(store);
}

static void a_full_disk_is_told_and_does_no_harm(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = {.address = "container.large", .desired = hl_value_map(box->arena)};
    struct hl_error *err = NULL;
    char *large = hl_arena_alloc(box->arena, 100001);

    memset(large, 'x', 100000);
    hl_value_map_put_text(record.desired, "file", large);
    record_secret(store, "secret.a", "one");
    assert_done(hl_sql_exec(store, "PRAGMA max_page_count=20", &err), &err); /* as if the disk had no more */
    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.b", "two");
    assert_false(hl_store_record(store, &record, &err));
    assert_failure(&err, HL_E_FAILED, "make room on the disk");
    assert_false(hl_store_commit(store, &err));
    assert_failure(&err, HL_E_FAILED, "rolled back");
    assert_int_equal(hl_store_serial(store), 1);
    hl_store_close(store);
    store = open_store(box, HL_STORE_WRITE);
    assert_non_null(find_record(store, box->arena, "secret.a"));
    assert_null(find_record(store, box->arena, "secret.b"));
    hl_store_close(store);
}

/* ---- what is refused ---- */

static void make_state(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.a", "correct horse");
    hl_store_close(store);
}

static void another_stacks_file_is_refused(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store_options options = {.path = box->path, .stack = "other", .mode = HL_STORE_READ};
    struct hl_store *store = NULL;
    struct hl_error *err = NULL;

    make_state(box);
    assert_false(hl_store_open(&options, &store, &err));
    assert_failure(&err, HL_E_REFUSED, "belongs to stack 'lab', not to 'other'");
    options.stack = NULL;
    assert_done(hl_store_open(&options, &store, &err), &err);
    hl_store_close(store);
}

static void files_that_cannot_be_the_state_are_refused(void **state)
{
    static const struct {
        const char *sql; /* done to a good one */
        enum hl_code code;
        const char *part;
    } rows[] = {
        {"PRAGMA user_version=7", HL_E_REFUSED, "has format 7, this hlrec knows formats up to 1"},
        {"PRAGMA application_id=5", HL_E_REFUSED, "of another program"},
        {"DELETE FROM meta WHERE name = 'state.id'", HL_E_FAILED, "'meta' is not complete"},
        {"UPDATE meta SET value = 'x' WHERE name = 'state.serial'", HL_E_FAILED, "'meta' is not complete"},
        {"UPDATE meta SET value = 'x' WHERE name = 'key.data'", HL_E_FAILED, "data key was changed"},
        {"UPDATE meta SET value = 'x' WHERE name = 'key.check'", HL_E_FAILED, "wrong key"},
        {"UPDATE meta SET value = '00000000-0000-4000-8000-000000000000' WHERE name = 'state.id'", HL_E_FAILED, "wrong key"},
        {"DROP TABLE meta", HL_E_FAILED, "no such table: meta"},
    };
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);

    const char *good = read_whole(box, box->path, &length);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        write_whole(box->path, good, length);
        run_sql(box->path, rows[i].sql);
        open_must_fail(box, HL_STORE_READ, rows[i].code, rows[i].part);
        open_must_fail(box, HL_STORE_WRITE, rows[i].code, rows[i].part);
    }
}

static void a_damaged_file_is_told_with_the_way_back(void **state)
{
    static const struct {
        const char *what;
        size_t keep;    /* bytes of the good file; 0: all */
        size_t garbage; /* where 4 kB of it begin; 0: none */
        bool reader;    /* whether a reader must see it too: it checks only what it reads */
        bool empty;
    } rows[] = {
        {"cut to nothing", 0, 0, true, true},  {"cut in the first page", 700, 0, true, false},   {"cut behind some pages", 4096 * 5, 0, false, false},
        {"another header", 0, 1, true, false}, {"a page of garbage", 0, 4096 * 3, false, false},
    };
    const struct sandbox *box = *state;
    char garbage[4096];
    size_t length = 0;

    make_state(box);
    memset(garbage, 0x5a, sizeof(garbage));

    const char *good = read_whole(box, box->path, &length);

    write_whole(beside(box, ".bak"), good, length);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        char *bad = hl_arena_copy(box->arena, good, length);
        size_t from = rows[i].garbage == 1 ? 0 : rows[i].garbage;

        if (rows[i].garbage != 0)
            memcpy(bad + from, garbage, sizeof(garbage));
        write_whole(box->path, bad, rows[i].empty ? 0 : rows[i].keep == 0 ? length : rows[i].keep);
        open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "the last good copy is");
        if (rows[i].reader)
            open_must_fail(box, HL_STORE_READ, HL_E_FAILED, "the last good copy is");
    }
}

static void modes_and_kinds_of_files_are_checked(void **state)
{
    const struct sandbox *box = *state;
    hl_auto(heap) char *folder = hl_state_file_beside(box->folder, "/.hlrec");

    make_state(box);
    chmod(box->path, 0640);
    open_must_fail(box, HL_STORE_WRITE, HL_E_REFUSED, "chmod 600");
    hl_store_close(open_store(box, HL_STORE_READ)); /* others may be allowed to look at it */
    chmod(box->path, 0620);
    open_must_fail(box, HL_STORE_READ, HL_E_REFUSED, "chmod 600");
    chmod(box->path, 0600);
    chmod(folder, 0777);
    open_must_fail(box, HL_STORE_WRITE, HL_E_REFUSED, "can be written by everybody");
    chmod(folder, 0700);
    hl_store_close(open_store(box, HL_STORE_WRITE));
    unlink(box->path);
    assert_int_equal(symlink("/nowhere/at/all", box->path), 0);
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "symbolic link to nothing");
    unlink(box->path);
    assert_int_equal(mkdir(box->path, 0700), 0);
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "not a regular file");
}

static void two_names_are_one_state(void **state)
{
    struct sandbox *box = *state;
    hl_auto(heap) char *real = hl_strdup(box->path);

    make_state(box);
    snprintf(box->path, sizeof(box->path), "%s/other.db", box->folder);
    assert_int_equal(symlink(real, box->path), 0);

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    assert_non_null(find_record(store, box->arena, "secret.a"));
    assert_false(exists(beside(box, ".key")));
    assert_string_equal(store->file, real);
    hl_store_close(store);
}

static void a_lost_file_leaves_nothing_that_harms_the_next(void **state)
{
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.b", "in the WAL only");

    const char *wal = read_whole(box, beside(box, "-wal"), &length);

    hl_store_close(store);
    unlink(box->path);
    write_whole(beside(box, "-wal"), wal, length);
    write_whole(beside(box, ".bak"), "last good", 9);
    store = open_store(box, HL_STORE_WRITE);
    assert_null(find_record(store, box->arena, "secret.b"));
    hl_store_close(store);
    assert_false(exists(beside(box, ".bak"))); /* it has a name of its own now */
    assert_true(folder_holds(box->folder, "last good", 9));
}

static void open_it(const struct sandbox *box)
{
    hl_store_close(child_open(box, HL_STORE_WRITE));
}

static void processes_that_begin_at_once_make_one_state(void **state)
{
    enum { PROCESSES = 8 };
    const struct sandbox *box = *state;
    pid_t children[PROCESSES];

    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            open_it(box);
            _exit(0);
        }
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = -1;

        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    hl_store_close(open_store(box, HL_STORE_WRITE));
    assert_int_equal(count_files(box->folder), 3);
}

int hl_test_store(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(a_new_state_is_private),
        IN_SANDBOX(the_umask_does_not_open_it),
        IN_SANDBOX(it_is_what_the_design_promises),
        IN_SANDBOX(settings_of_the_connection_are_the_safe_ones),
        IN_SANDBOX(identity_and_serial_outlive_the_process),
        IN_SANDBOX(the_serial_counts_commits_that_changed_resources),
        IN_SANDBOX(named_texts_are_kept),
        IN_SANDBOX(a_missing_file_reads_as_empty),
        IN_SANDBOX(a_reader_cannot_write),
        IN_SANDBOX(a_failed_part_spoils_the_transaction),
        IN_SANDBOX(a_full_disk_is_told_and_does_no_harm),
        IN_SANDBOX(another_stacks_file_is_refused),
        IN_SANDBOX(files_that_cannot_be_the_state_are_refused),
        IN_SANDBOX(a_damaged_file_is_told_with_the_way_back),
        IN_SANDBOX(modes_and_kinds_of_files_are_checked),
        IN_SANDBOX(two_names_are_one_state),
        IN_SANDBOX(a_lost_file_leaves_nothing_that_harms_the_next),
        IN_SANDBOX(processes_that_begin_at_once_make_one_state),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
