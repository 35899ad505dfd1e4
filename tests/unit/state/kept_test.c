#include "config.h"

#include "tests/unit/state/testing.h"

static const char token[] = "nbp_told-once-and-kept";

static void keep(struct hl_store *store, struct hl_arena *arena, const char *name, const char *text)
{
    struct hl_value *value = hl_value_map(arena);
    struct hl_error *err = NULL;

    hl_value_map_put_text(value, "token", text);
    assert_done(hl_store_begin(store, &err) && hl_store_keep(store, name, value, &err) && hl_store_commit(store, &err), &err);
}

static const char *kept(struct hl_store *store, struct hl_arena *arena, const char *name)
{
    struct hl_value *value = NULL;
    struct hl_error *err = NULL;

    assert_done(hl_store_kept(store, arena, name, &value, &err), &err);
    return hl_value_get_text(value, "token");
}

static void what_a_provider_keeps_is_there_and_sealed(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_value *list = NULL;
    struct hl_error *err = NULL;

    assert_null(kept(store, box->arena, "netbird"));
    keep(store, box->arena, "netbird", token);
    keep(store, box->arena, "other", "another");
    hl_store_close(store);
    assert_false(folder_holds(box->folder, token, sizeof token - 1));

    store = open_store(box, HL_STORE_READ);
    assert_string_equal(kept(store, box->arena, "netbird"), token);
    assert_string_equal(kept(store, box->arena, "other"), "another");
    assert_done(hl_store_secrets(store, box->arena, &list, &err), &err);
    assert_int_equal(hl_value_count(list), 2);
    hl_store_close(store);
}

static void a_later_value_takes_its_place(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    keep(store, box->arena, "netbird", "former");
    keep(store, box->arena, "netbird", token);
    assert_string_equal(kept(store, box->arena, "netbird"), token);
    hl_store_close(store);
}

static void it_survives_a_new_key(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    keep(store, box->arena, "netbird", token);
    assert_done(hl_store_rekey(store, NULL, &err), &err);
    hl_store_close(store);
    store = open_store(box, HL_STORE_READ);
    assert_string_equal(kept(store, box->arena, "netbird"), token);
    hl_store_close(store);
}

static void a_value_moved_to_another_provider_does_not_open(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_value *value = NULL;
    struct hl_error *err = NULL;

    keep(store, box->arena, "netbird", token);
    hl_store_close(store);
    run_sql(box->path, "UPDATE meta SET name = 'kept.evil' WHERE name = 'kept.netbird'");
    store = open_store(box, HL_STORE_READ);
    assert_false(hl_store_kept(store, box->arena, "evil", &value, &err));
    assert_failure(&err, HL_E_FAILED, "was changed or moved");
    hl_store_close(store);
}

int hl_test_kept(void)
{
    const struct CMUnitTest tests[] = {
        IN_SANDBOX(what_a_provider_keeps_is_there_and_sealed),
        IN_SANDBOX(a_later_value_takes_its_place),
        IN_SANDBOX(it_survives_a_new_key),
        IN_SANDBOX(a_value_moved_to_another_provider_does_not_open),
    };

    return cmocka_run_group_tests_name("state: what providers keep", tests, NULL, NULL);
}
