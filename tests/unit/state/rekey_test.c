#include "config.h"

#include "tests/unit/state/testing.h"

#include <stdio.h>
#include <unistd.h>

#define KEY_A "hlrec-key-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

/* A record, and an intent with something of its own to seal. */
static void make_state(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_intent intent = {.operation = "op", .address = "secret.b", .action = "create", .checkpoint = sensitive(box->arena, "told once")};
    struct hl_error *err = NULL;

    record_secret(store, "secret.a", "correct horse");
    assert_done(hl_store_intent(store, &intent, &err), &err);
    hl_store_close(store);
}

static void all_secrets_are_there(struct hl_store *store, struct hl_arena *arena)
{
    struct hl_error *err = NULL;
    struct hl_intent *intents = NULL;
    size_t count = 0;

    assert_string_equal(hl_value_get_text(find_record(store, arena, "secret.a")->desired, "password"), "correct horse");
    assert_done(hl_store_open_intents(store, arena, &intents, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(intents[0].checkpoint->text.data, "told once");
}

static void rekey(const struct sandbox *box, const char *key_file)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    assert_done(hl_store_rekey(store, key_file, &err), &err);
    all_secrets_are_there(store, box->arena);
    record_secret(store, "secret.later", "sealed with the new one");
    hl_store_close(store);
}

static void the_key_beside_the_state_is_replaced(void **state)
{
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);

    const char *former = read_whole(box, beside(box, ".key"), &length);
    const char *sealed = query_text(box, box->path, "SELECT group_concat(hex(sealed)) FROM secrets");

    rekey(box, NULL);
    assert_string_not_equal(read_whole(box, beside(box, ".key"), &length), former);
    assert_int_equal(mode_of(beside(box, ".key")), 0600);
    assert_false(exists(beside(box, ".key.new")));
    assert_string_not_equal(query_text(box, box->path, "SELECT group_concat(hex(sealed)) FROM secrets"), sealed);

    struct hl_store *store = open_store(box, HL_STORE_READ);

    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
    write_whole(beside(box, ".key"), former, strlen(former));
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "wrong key");
}

static void the_key_can_go_to_another_file(void **state)
{
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/new-key", box->folder);

    make_state(box);
    rekey(box, file);
    assert_int_equal(mode_of(file), 0600);
    open_must_fail(box, HL_STORE_READ, HL_E_FAILED, "wrong key");
    box->environment[0] = hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file);

    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    all_secrets_are_there(store, box->arena);
    assert_false(hl_store_rekey(store, file, &err));
    assert_failure(&err, HL_E_REFUSED, "exists already");
    assert_false(hl_store_rekey(store, NULL, &err));
    assert_failure(&err, HL_E_REFUSED, "does not come from a file beside it");
    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
}

static void a_passphrase_gives_way_to_a_key(void **state)
{
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/new-key", box->folder);

    box->environment[0] = "HLREC_KEY=" KEY_A;
    make_state(box);
    rekey(box, file);
    box->environment[0] = hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file);

    struct hl_store *store = open_store(box, HL_STORE_READ);

    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
}

static void keyed_hashes_stay_the_same(void **state)
{
    const struct sandbox *box = *state;
    unsigned char before[HL_KEY_BYTES], after[HL_KEY_BYTES];

    make_state(box);

    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    hl_store_subkey(store, "drift", before);
    assert_done(hl_store_rekey(store, NULL, &err), &err);
    hl_store_subkey(store, "drift", after);
    assert_memory_equal(before, after, sizeof(before));
    hl_store_close(store);
    store = open_store(box, HL_STORE_READ);
    hl_store_subkey(store, "drift", after);
    assert_memory_equal(before, after, sizeof(before));
    hl_store_close(store);
}

static void nothing_that_the_former_key_opens_is_left(void **state)
{
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);
    write_whole(beside(box, ".bak"), read_whole(box, box->path, &length), length);

    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open_v2(box->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT sealed FROM secrets WHERE resource = 'secret.a'", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    length = (size_t)sqlite3_column_bytes(stmt, 0);

    const char *sealed = hl_arena_copy(box->arena, sqlite3_column_blob(stmt, 0), length);

    sqlite3_finalize(stmt);
    sqlite3_close(db);
    assert_true(folder_holds(box->folder, sealed, length));

    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    assert_done(hl_store_rekey(store, NULL, &err), &err);
    assert_false(folder_holds(box->folder, sealed, length));
    hl_store_close(store);
    assert_false(folder_holds(box->folder, sealed, length));
}

static void a_rekey_that_died_before_the_rename_is_finished(void **state)
{
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);

    const char *former = read_whole(box, beside(box, ".key"), &length);

    rekey(box, NULL);
    /* As it stands behind the commit and before the rename. */
    assert_int_equal(rename(beside(box, ".key"), beside(box, ".key.new")), 0);
    write_whole(beside(box, ".key"), former, strlen(former));

    struct hl_store *store = open_store(box, HL_STORE_READ);

    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
    assert_true(exists(beside(box, ".key.new"))); /* a reader changes nothing */
    store = open_store(box, HL_STORE_WRITE);
    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
    assert_false(exists(beside(box, ".key.new")));
    assert_string_not_equal(read_whole(box, beside(box, ".key"), &length), former);
}

static void a_rekey_that_died_before_the_commit_does_no_harm(void **state)
{
    const struct sandbox *box = *state;

    make_state(box);
    write_whole(beside(box, ".key.new"), KEY_A, strlen(KEY_A));

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    all_secrets_are_there(store, box->arena);
    hl_store_close(store);
    rekey(box, NULL);
    assert_false(exists(beside(box, ".key.new")));
    rekey(box, NULL);
}

static void a_run_that_waited_notices_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;
    bool died = false;

    make_state(box);

    struct hl_store *waiting = open_store(box, HL_STORE_WRITE);

    rekey(box, NULL);
    assert_false(hl_store_lock(waiting, "apply", 0, &died, &err));
    assert_failure(&err, HL_E_CONFLICT, "run the command again");
    hl_store_close(waiting);
}

static void a_run_that_holds_the_lock_keeps_others_from_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;
    bool died = false;

    make_state(box);

    struct hl_store *running = open_store(box, HL_STORE_WRITE);
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    assert_done(hl_store_lock(running, "apply", 0, &died, &err), &err);
    assert_false(hl_store_rekey(store, NULL, &err));
    assert_failure(&err, HL_E_LOCKED, "apply by ");
    assert_done(hl_store_rekey(running, NULL, &err), &err);
    hl_store_close(store);
    hl_store_close(running);
}

static void a_tampered_secret_stops_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_error *err = NULL;

    make_state(box);
    run_sql(box->path, "UPDATE secrets SET sealed = substr(sealed, 1, 60) WHERE intent IS NOT NULL");

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    assert_false(hl_store_rekey(store, NULL, &err));
    assert_failure(&err, HL_E_FAILED, "was changed or moved");
    assert_non_null(find_record(store, box->arena, "secret.a")); /* still the former key */
    hl_store_close(store);
    store = open_store(box, HL_STORE_READ);
    assert_non_null(find_record(store, box->arena, "secret.a"));
    hl_store_close(store);
}

int hl_test_rekey(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(the_key_beside_the_state_is_replaced),
        IN_SANDBOX(the_key_can_go_to_another_file),
        IN_SANDBOX(a_passphrase_gives_way_to_a_key),
        IN_SANDBOX(keyed_hashes_stay_the_same),
        IN_SANDBOX(nothing_that_the_former_key_opens_is_left),
        IN_SANDBOX(a_rekey_that_died_before_the_rename_is_finished),
        IN_SANDBOX(a_rekey_that_died_before_the_commit_does_no_harm),
        IN_SANDBOX(a_run_that_waited_notices_it),
        IN_SANDBOX(a_run_that_holds_the_lock_keeps_others_from_it),
        IN_SANDBOX(a_tampered_secret_stops_it),
    };

    return cmocka_run_group_tests_name("rekey", tests, NULL, NULL);
}
