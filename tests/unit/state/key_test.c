#include "config.h"

#include "tests/unit/state/testing.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* 32 bytes each. */
#define KEY_A "hlrec-key-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "hlrec-key-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHiA="
#define PASSPHRASE "a long way to Tipperary"

static void set_environment(struct sandbox *box, const char *first, const char *second)
{
    box->environment[0] = first;
    box->environment[1] = second;
}

static void make_state(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    record_secret(store, "secret.a", "correct horse");
    hl_store_close(store);
}

static void the_state_opens(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_READ);
    const struct hl_record *record = find_record(store, box->arena, "secret.a");

    assert_string_equal(hl_value_get_text(record->desired, "password"), "correct horse");
    hl_store_close(store);
}

static void a_key_file_is_made_once(void **state)
{
    const struct sandbox *box = *state;
    size_t length = 0;

    make_state(box);

    const char *key = read_whole(box, beside(box, ".key"), &length);

    assert_true(hl_starts_with(key, "hlrec-key-v1:"));
    assert_int_equal(length, strlen(KEY_A) + 1);
    assert_int_equal(key[length - 1], '\n');
    the_state_opens(box);
    unlink(box->path);
    make_state(box); /* the key of a lost state is not replaced: its copies need it */
    assert_string_equal(read_whole(box, beside(box, ".key"), &length), key);
}

static void a_lost_key_file_is_not_replaced(void **state)
{
    const struct sandbox *box = *state;

    make_state(box);
    unlink(beside(box, ".key"));
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "put the key back");
    open_must_fail(box, HL_STORE_READ, HL_E_FAILED, "neither HLREC_KEY nor HLREC_KEY_FILE is set");
    assert_false(exists(beside(box, ".key")));
}

static void each_source_works(void **state)
{
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/elsewhere", box->folder);
    const char *credential = hl_arena_printf(box->arena, "%s/hlrec-key", box->folder);
    const char *const sources[] = {
        "HLREC_KEY=" KEY_A,
        hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file),
        hl_arena_printf(box->arena, "CREDENTIALS_DIRECTORY=%s", box->folder),
    };

    write_whole(file, KEY_A "\n", strlen(KEY_A) + 1);
    write_whole(credential, KEY_A, strlen(KEY_A));
    chmod(credential, 0440); /* as systemd's look */
    for (size_t made = 0; made < HL_COUNT(sources); made++) {
        set_environment(box, sources[made], NULL);
        make_state(box);
        assert_false(exists(beside(box, ".key")));
        for (size_t opened = 0; opened < HL_COUNT(sources); opened++) {
            set_environment(box, sources[opened], NULL);
            the_state_opens(box);
        }
        unlink(box->path);
    }
}

static void the_first_source_that_is_set_counts(void **state)
{
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/elsewhere", box->folder);

    write_whole(file, KEY_B, strlen(KEY_B));
    set_environment(box, hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file), "HLREC_KEY=" KEY_A);
    make_state(box);
    set_environment(box, "HLREC_KEY=" KEY_A, NULL);
    the_state_opens(box);
    set_environment(box, "HLREC_KEYS=" KEY_B, "HLREC_KEY=" KEY_A); /* only the whole name */
    the_state_opens(box);
}

static void a_passphrase_is_stretched(void **state)
{
    struct sandbox *box = *state;

    set_environment(box, "HLREC_KEY=" PASSPHRASE, NULL);
    make_state(box);
    the_state_opens(box);
    set_environment(box, "HLREC_KEY=" PASSPHRASE "!", NULL);
    open_must_fail(box, HL_STORE_READ, HL_E_FAILED, "wrong key: HLREC_KEY");
}

static void a_wrong_key_changes_nothing(void **state)
{
    struct sandbox *box = *state;
    size_t before = 0, after = 0;

    set_environment(box, "HLREC_KEY=" KEY_A, NULL);
    make_state(box);

    const char *content = read_whole(box, box->path, &before);

    set_environment(box, "HLREC_KEY=" KEY_B, NULL);
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "wrong key: HLREC_KEY is not the one");
    open_must_fail(box, HL_STORE_READ, HL_E_FAILED, "nothing was changed");
    assert_memory_equal(read_whole(box, box->path, &after), content, before);
    assert_int_equal(before, after);
    set_environment(box, "HLREC_KEY=" KEY_A, NULL);
    the_state_opens(box);
}

static void what_is_no_key_is_told(void **state)
{
    static const struct {
        const char *variable, *part;
    } rows[] = {
        {"HLREC_KEY=", "HLREC_KEY is set, but empty"},
        {"HLREC_KEY_FILE=", "HLREC_KEY_FILE is set, but empty"},
        {"HLREC_KEY=too short", "shorter than 16 characters"},
        {"HLREC_KEY=hlrec-key-v1:AAECAw==", "is not a key"},
        {"HLREC_KEY=hlrec-key-v1:this is not base64 at all, or is it?", "is not a key"},
        {"HLREC_KEY=hlrec-key-v9:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "is not a key"},
        {"HLREC_KEY_FILE=/nowhere/key", "opening key file '/nowhere/key'"},
    };
    struct sandbox *box = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        set_environment(box, rows[i].variable, NULL);
        open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, rows[i].part);
        assert_false(exists(box->path)); /* a state is made whole or not at all */
    }
    assert_int_equal(count_files(box->folder), 1); /* the lock */
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602};
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/elsewhere", box->folder);

    make_state(box);
    for (size_t i = 0; i < HL_COUNT(modes); i++) {
        chmod(beside(box, ".key"), modes[i]);
        open_must_fail(box, HL_STORE_READ, HL_E_REFUSED, "is open to others");
    }
    write_whole(file, KEY_A, strlen(KEY_A));
    chmod(file, 0644);
    set_environment(box, hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file), NULL);
    open_must_fail(box, HL_STORE_WRITE, HL_E_REFUSED, "chmod 600");
}

static void an_overlong_key_file_is_refused(void **state)
{
    struct sandbox *box = *state;
    const char *file = hl_arena_printf(box->arena, "%s/elsewhere", box->folder);

    write_whole(file, hl_arena_alloc(box->arena, 5000), 5000);
    set_environment(box, hl_arena_printf(box->arena, "HLREC_KEY_FILE=%s", file), NULL);
    open_must_fail(box, HL_STORE_WRITE, HL_E_FAILED, "longer than 4096 bytes");
}

static void subkeys_differ_by_purpose_and_state(void **state)
{
    struct sandbox *box = *state;
    unsigned char drift[HL_KEY_BYTES], again[HL_KEY_BYTES], other[HL_KEY_BYTES];

    set_environment(box, "HLREC_KEY=" KEY_A, NULL);
    make_state(box);

    struct hl_store *store = open_store(box, HL_STORE_READ);

    hl_store_subkey(store, "drift", drift);
    hl_store_subkey(store, "mark", other);
    assert_memory_not_equal(drift, other, sizeof(drift));
    hl_store_close(store);
    store = open_store(box, HL_STORE_WRITE);
    hl_store_subkey(store, "drift", again);
    assert_memory_equal(drift, again, sizeof(drift));
    hl_store_close(store);
    unlink(box->path);
    store = open_store(box, HL_STORE_WRITE);
    hl_store_subkey(store, "drift", other);
    assert_memory_not_equal(drift, other, sizeof(drift));
    hl_store_close(store);
}

int hl_test_key(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(a_key_file_is_made_once),
        IN_SANDBOX(a_lost_key_file_is_not_replaced),
        IN_SANDBOX(each_source_works),
        IN_SANDBOX(the_first_source_that_is_set_counts),
        IN_SANDBOX(a_passphrase_is_stretched),
        IN_SANDBOX(a_wrong_key_changes_nothing),
        IN_SANDBOX(what_is_no_key_is_told),
        IN_SANDBOX(a_key_file_that_others_can_read_is_refused),
        IN_SANDBOX(an_overlong_key_file_is_refused),
        IN_SANDBOX(subkeys_differ_by_purpose_and_state),
    };

    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
