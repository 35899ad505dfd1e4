#include "config.h"

#include "tests/unit/state/testing.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static void make_state(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.a", "correct horse");
    hl_store_close(store);
}

static void a_reader_leaves_no_trace(void **state)
{
    const struct sandbox *box = *state;
    struct stat before, after;

    make_state(box);
    assert_int_equal(stat(box->path, &before), 0);

    struct hl_store *store = open_store(box, HL_STORE_READ);

    assert_non_null(find_record(store, box->arena, "secret.a"));
    hl_store_close(store);
    assert_int_equal(stat(box->path, &after), 0);
    assert_int_equal(count_files(box->folder), 3);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
}

static void die_behind_a_commit(const struct sandbox *box)
{
    record_secret(child_open(box, HL_STORE_WRITE), "secret.b", "committed");
    raise(SIGKILL);
}

static void a_reader_sees_what_a_killed_writer_committed(void **state)
{
    const struct sandbox *box = *state;

    make_state(box);
    assert_true(WIFSIGNALED(run_child(die_behind_a_commit, box)));
    assert_true(exists(beside(box, "-wal")));

    struct hl_store *store = open_store(box, HL_STORE_READ);

    assert_non_null(find_record(store, box->arena, "secret.b"));
    hl_store_close(store);
    store = open_store(box, HL_STORE_WRITE);
    assert_non_null(find_record(store, box->arena, "secret.b"));
    hl_store_close(store);
}

static void read_while_written(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_READ);

    child_must(find_record(store, box->arena, "secret.b") != NULL);
    child_must(find_record(store, box->arena, "secret.c") == NULL); /* not committed */
    hl_store_close(store);
}

static void a_reader_works_while_a_writer_runs(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;
    bool died = false;

    make_state(box);

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    assert_done(hl_store_lock(store, "apply", 0, &died, &err), &err);
    record_secret(store, "secret.b", "two");
    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.c", "three");
    assert_int_equal(run_child(read_while_written, box), 0);
    assert_done(hl_store_commit(store, &err), &err);
    hl_store_close(store);
}

static void change_all_the_time(const struct sandbox *box)
{
    for (int i = 0; i < 40; i++) {
        struct hl_store *store = child_open(box, HL_STORE_WRITE);
        char text[32];

        for (int j = 0; j < 5; j++) {
            snprintf(text, sizeof(text), "value %d.%d", i, j);
            record_secret(store, "secret.a", text);
        }
        hl_store_close(store); /* checkpoints, removes the WAL: a reader must not get half of it */
    }
}

static void readers_always_get_a_whole_state(void **state)
{
    const struct sandbox *box = *state;

    make_state(box);

    pid_t child = fork();

    if (child == 0) {
        change_all_the_time(box);
        _exit(0);
    }
    for (int status = 0; waitpid(child, &status, WNOHANG) == 0;) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_store *store = open_store(box, HL_STORE_READ);

        assert_non_null(find_record(store, arena, "secret.a"));
        hl_store_close(store);
    }
}

static void read_as_nobody(const struct sandbox *box)
{
    if (geteuid() == 0)
        child_must(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);

    struct hl_store *store = child_open(box, HL_STORE_READ);

    child_must(find_record(store, box->arena, "secret.a") != NULL);
    hl_store_close(store);
}

static void give_away(const struct sandbox *box, const char *folder)
{
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(box->path, NOBODY, NOBODY), 0);
    assert_int_equal(chown(beside(box, ".key"), NOBODY, NOBODY), 0);
    assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
    assert_int_equal(chown(box->folder, NOBODY, NOBODY), 0);
}

static void a_folder_that_cannot_be_written_is_fine_for_readers(void **state)
{
    const struct sandbox *box = *state;
    hl_auto(heap) char *folder = hl_state_file_beside(box->folder, "/.hlrec");

    make_state(box);
    give_away(box, folder);
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(run_child(read_as_nobody, box), 0);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void read_in_place(const struct sandbox *box)
{
    struct hl_store store = {.path = (char *)box->path, .file = (char *)box->path, .mode = HL_STORE_READ, .lock_fd = -1};
    int64_t count = 0;

    if (geteuid() == 0)
        child_must(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    child_must(hl_store_connect_reader(&store, NULL) && !store.snapshot);
    child_must(hl_sql_int(&store, "SELECT count(*) FROM notes", &count, NULL) && count == 1);
    hl_store_disconnect(&store);
}

static void a_large_file_is_read_in_place(void **state)
{
    const struct sandbox *box = *state;
    hl_auto(heap) char *folder = hl_state_file_beside(box->folder, "/.hlrec");

    make_state(box);
    run_sql(box->path, "CREATE TABLE notes(text); INSERT INTO notes VALUES (zeroblob(70000000))");
    give_away(box, folder);
    assert_int_equal(run_child(read_in_place, box), 0);
    assert_int_equal(chmod(folder, 0500), 0);
    unlink(beside(box, "-wal"));
    unlink(beside(box, "-shm"));
    assert_int_equal(run_child(read_in_place, box), 0);
    assert_int_equal(chmod(folder, 0700), 0);
}

int hl_test_connect(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(a_reader_leaves_no_trace),
        IN_SANDBOX(a_reader_sees_what_a_killed_writer_committed),
        IN_SANDBOX(a_reader_works_while_a_writer_runs),
        IN_SANDBOX(readers_always_get_a_whole_state),
        IN_SANDBOX(a_folder_that_cannot_be_written_is_fine_for_readers),
        IN_SANDBOX(a_large_file_is_read_in_place),
    };

    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
