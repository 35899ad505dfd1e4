#include "config.h"

#include "tests/unit/state/testing.h"

#include <glob.h>

/* Two formats of the future. */
static bool fill_notes(struct hl_store *store, struct hl_error **err)
{
    return hl_sql_exec(store, "INSERT INTO notes SELECT 'note of ' || address FROM resources", err);
}

static bool fail_here(struct hl_store *store HL_UNUSED, struct hl_error **err)
{
    return hl_fail(err, HL_E_FAILED, "this step cannot be done");
}

static const struct hl_migration good_steps[] = {
    [1] = {.sql = "CREATE TABLE notes(text TEXT)", .run = fill_notes},
    [2] = {.sql = "ALTER TABLE notes ADD COLUMN author TEXT"},
};
static const struct hl_migration failing_steps[] = {
    [1] = {.sql = "CREATE TABLE notes(text TEXT)"},
    [2] = {.sql = "INSERT INTO notes VALUES ('half')", .run = fail_here},
};
static const struct hl_migration dangling_steps[] = {
    [1] = {.sql = "DELETE FROM resources"}, /* with foreign keys off: its secrets stay */
};

static struct hl_store *open_with_a_record(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.a", "correct horse");
    return store;
}

static const char *find_copy(const struct sandbox *box, const char *pattern, size_t *count)
{
    glob_t found;

    *count = glob(beside(box, pattern), 0, NULL, &found) == 0 ? found.gl_pathc : 0;

    const char *first = *count == 0 ? NULL : hl_arena_strdup(box->arena, found.gl_pathv[0]);

    globfree(&found);
    return first;
}

static void an_older_file_is_migrated_behind_a_copy(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_with_a_record(box);
    struct hl_error *err = NULL;
    size_t count = 0;

    assert_done(hl_migrate_file(store, good_steps, 3, &err), &err);
    assert_done(hl_migrate_file(store, good_steps, 3, &err), &err); /* nothing left to do */
    assert_non_null(find_record(store, box->arena, "secret.a"));
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "PRAGMA user_version"), 3);
    assert_string_equal(query_text(box, box->path, "SELECT text FROM notes WHERE author IS NULL"), "note of secret.a");

    const char *copy = find_copy(box, ".v1-*.bak", &count);

    assert_int_equal(count, 1);
    assert_int_equal(mode_of(copy), 0600);
    assert_int_equal(query_int(copy, "PRAGMA user_version"), 1);
    assert_int_equal(query_int(copy, "SELECT count(*) FROM resources"), 1);
    open_must_fail(box, HL_STORE_WRITE, HL_E_REFUSED, ".v1-*.bak"); /* this hlrec is the older one now */
}

static void a_failing_step_is_undone_alone(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_with_a_record(box);
    struct hl_error *err = NULL;

    assert_false(hl_migrate_file(store, failing_steps, 3, &err));
    assert_failure(&err, HL_E_FAILED, "to format 3");
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "PRAGMA user_version"), 2);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM notes"), 0);
}

static void rows_that_would_refer_to_nothing_are_noticed(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_with_a_record(box);
    struct hl_error *err = NULL;

    assert_false(hl_migrate_file(store, dangling_steps, 2, &err));
    assert_failure(&err, HL_E_FAILED, "refer to nothing");
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM resources"), 1);
}

static void a_run_in_progress_holds_it_off(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *running = open_with_a_record(box);
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    bool died = false;
    size_t count = 0;

    assert_done(hl_store_lock(running, "apply", 0, &died, &err), &err);
    assert_false(hl_lock_take(store, 0, &err)); /* which a migration begins with */
    assert_failure(&err, HL_E_LOCKED, "apply by ");
    hl_store_unlock(running);
    assert_done(hl_migrate_file(store, good_steps, 2, &err), &err);
    find_copy(box, ".v1-*.bak", &count);
    assert_int_equal(count, 1);
    hl_store_close(store);
    hl_store_close(running);
}

/* Steps are looked up by it. */
static void a_format_below_all_is_damage(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_with_a_record(box);
    struct hl_error *err = NULL;

    assert_done(hl_sql_exec(store, "PRAGMA user_version=-3", &err), &err);
    assert_false(hl_migrate_file(store, good_steps, 3, &err));
    assert_failure(&err, HL_E_FAILED, "there is no format -3");
    hl_store_close(store);
}

static void a_reader_migrates_in_memory(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;
    int64_t notes = 0;

    hl_store_close(open_with_a_record(box));

    struct hl_store *store = open_store(box, HL_STORE_READ);

    assert_true(store->snapshot);
    assert_done(hl_migrate_run(store, good_steps, 3, &err), &err);
    assert_done(hl_sql_int(store, "SELECT count(*) FROM notes", &notes, &err), &err);
    assert_int_equal(notes, 1);
    assert_non_null(find_record(store, box->arena, "secret.a"));
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "PRAGMA user_version"), 1);
}

static void a_writers_view_can_be_copied_into_memory(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_with_a_record(box); /* in the WAL only */
    struct hl_error *err = NULL;

    assert_done(hl_store_connect_copy(store, &err), &err);
    assert_done(hl_migrate_run(store, good_steps, 2, &err), &err);
    assert_non_null(find_record(store, box->arena, "secret.a"));
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "PRAGMA user_version"), 1);
}

int hl_test_migrate(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(an_older_file_is_migrated_behind_a_copy),
        IN_SANDBOX(a_failing_step_is_undone_alone),
        IN_SANDBOX(rows_that_would_refer_to_nothing_are_noticed),
        IN_SANDBOX(a_run_in_progress_holds_it_off),
        IN_SANDBOX(a_format_below_all_is_damage),
        IN_SANDBOX(a_reader_migrates_in_memory),
        IN_SANDBOX(a_writers_view_can_be_copied_into_memory),
    };

    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
