#include "config.h"

#include "tests/unit/state/testing.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hl_store *open_locked(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    bool died = false;

    assert_done(hl_store_lock(store, "apply", 0, &died, &err), &err);
    return store;
}

/* One run that records `secret` (unless NULL) and ends with `result`. */
static void do_run(struct hl_store *store, const char *secret, const char *result)
{
    struct hl_run_row row = {.result = result};
    struct hl_error *err = NULL;

    assert_done(hl_store_run_begin(store, "apply", "", "", &row.id, &err), &err);
    if (secret != NULL)
        record_secret(store, "secret.a", secret);
    assert_done(hl_store_run_end(store, &row, 10, &err), &err);
}

static void a_backup_is_a_whole_state(void **state)
{
    struct sandbox *box = *state;
    struct hl_store *store = open_locked(box);
    struct hl_error *err = NULL;
    const char *copy = hl_arena_printf(box->arena, "%s/copy.db", box->folder);
    const char *key = beside(box, ".key");

    record_secret(store, "secret.a", "correct horse"); /* in the WAL only */
    assert_done(hl_store_backup(store, copy, &err), &err);
    assert_int_equal(mode_of(copy), 0600);
    assert_false(hl_store_backup(store, copy, &err));
    assert_failure(&err, HL_E_REFUSED, "exists already");
    hl_store_close(store);
    assert_int_equal(query_int(copy, "SELECT count(*) FROM lock_holder"), 0);

    snprintf(box->path, sizeof(box->path), "%s", copy);
    box->environment[0] = hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", key);
    store = open_store(box, HL_STORE_WRITE);
    assert_string_equal(hl_value_get_text(find_record(store, box->arena, "secret.a")->desired, "password"), "correct horse");
    hl_store_close(store);
}

static void a_reader_can_make_one(void **state)
{
    const struct sandbox *box = *state;
    const char *copy = hl_arena_printf(box->arena, "%s/copy.db", box->folder);
    struct hl_store *store = open_store(box, HL_STORE_READ);
    struct hl_error *err = NULL;

    assert_false(hl_store_backup(store, copy, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "no state file");
    hl_store_close(store);
    store = open_store(box, HL_STORE_WRITE);
    record_secret(store, "secret.a", "correct horse");
    hl_store_close(store);
    store = open_store(box, HL_STORE_READ);
    assert_done(hl_store_backup(store, copy, &err), &err);
    hl_store_close(store);
    assert_int_equal(query_int(copy, "SELECT count(*) FROM secrets"), 1);
    assert_string_equal(query_text(box, copy, "PRAGMA integrity_check"), "ok");
}

static void a_failed_backup_leaves_nothing(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    size_t before = count_files(box->folder);

    assert_false(hl_store_backup(store, "/nowhere/copy.db", &err));
    assert_failure(&err, HL_E_FAILED, "/nowhere/copy.db");
    assert_int_equal(count_files(box->folder), before);
    hl_store_close(store);
}

static void a_last_good_copy_follows_a_change(void **state)
{
    static const struct {
        const char *label, *secret, *result;
        bool copied;
    } rows[] = {
        {"nothing changed", NULL, "done", false},           {"it failed", "1", "failed", false}, {"it was interrupted", "2", "interrupted", false},
        {"it changed something", "3", "done", true},        {"and again", "4", "done", true},    {"nothing changed again", NULL, "done", false},
        {"some steps are deferred", "5", "deferred", true},
    };
    const struct sandbox *box = *state;
    struct hl_store *store = open_locked(box);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        unlink(beside(box, ".bak"));
        do_run(store, rows[i].secret, rows[i].result);
        if (exists(beside(box, ".bak")) != rows[i].copied)
            fail_msg("%s: %s", rows[i].label, rows[i].copied ? "no copy" : "a copy");
    }
    hl_store_close(store);
    assert_int_equal(mode_of(beside(box, ".bak")), 0600);
    assert_int_equal(count_files(box->folder), 4); /* the file, lock, key and copy: nothing temporary is left */
}

static void the_copy_is_the_way_back(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_locked(box);
    bool died = true;
    struct hl_error *err = NULL;

    do_run(store, "correct horse", "done");
    hl_store_close(store);
    assert_int_equal(truncate(box->path, 5000), 0);
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "the last good copy is");
    assert_int_equal(rename(beside(box, ".bak"), box->path), 0);
    store = open_store(box, HL_STORE_WRITE);
    assert_done(hl_store_lock(store, "apply", 0, &died, &err), &err);
    assert_false(died); /* the run that made the copy held the lock then */
    assert_string_equal(hl_value_get_text(find_record(store, box->arena, "secret.a")->desired, "password"), "correct horse");
    hl_store_close(store);
    assert_string_equal(query_text(box, box->path, "SELECT result FROM runs"), "done");
}

static void a_copy_that_fails_does_not_fail_the_run(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_locked(box);

    assert_int_equal(mkdir(beside(box, ".bak"), 0700), 0); /* nothing can take that name */
    do_run(store, "correct horse", "done");
    hl_store_close(store);
    assert_string_equal(query_text(box, box->path, "SELECT result FROM runs"), "done");
    assert_string_equal(query_text(box, box->path, "SELECT event FROM run_events"), "warning");
    rmdir(beside(box, ".bak"));
}

static void a_run_ended_within_a_transaction_is_copied_behind_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_locked(box);
    struct hl_run_row row = {.result = "done"};
    struct hl_error *err = NULL;

    assert_done(hl_store_run_begin(store, "apply", "", "", &row.id, &err), &err);
    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "secret.a", "one");
    assert_done(hl_store_run_end(store, &row, 10, &err), &err);
    assert_false(exists(beside(box, ".bak")));
    assert_done(hl_store_commit(store, &err), &err);
    assert_true(exists(beside(box, ".bak")));
    hl_store_close(store);
}

int hl_test_backup(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(a_backup_is_a_whole_state),
        IN_SANDBOX(a_reader_can_make_one),
        IN_SANDBOX(a_failed_backup_leaves_nothing),
        IN_SANDBOX(a_last_good_copy_follows_a_change),
        IN_SANDBOX(the_copy_is_the_way_back),
        IN_SANDBOX(a_copy_that_fails_does_not_fail_the_run),
        IN_SANDBOX(a_run_ended_within_a_transaction_is_copied_behind_it),
    };

    return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
