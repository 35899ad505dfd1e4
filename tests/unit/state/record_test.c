#include "config.h"

#include "tests/unit/state/testing.h"

static const char *const needs[] = {"network.lan", "volume.data", NULL};

/* A record with something in every member. */
static struct hl_record full_record(struct hl_arena *arena)
{
    struct hl_record record = {
        .address = "container.db",
        .kind = "container",
        .name = "db",
        .provider = "nas",
        .provider_type = "docker",
        .id = "9f8e",
        .desired = from_json(arena, "{\"image\":\"postgres:16\",\"environment\":{\"USER\":\"app\"},\"ports\":[5432],\"secret\":{\"$secret\":\"/x\"}}"),
        .live = from_json(arena, "{\"ip\":\"172.30.0.2\"}"),
        .needs = needs,
        .protect = true,
        .holds_data = true,
        .adopted = true,
        .rotate = true,
        .created_ms = 1785589256789,
        .updated_ms = 1785589256790,
        .run = 7,
        .streak = 2,
    };

    hl_value_map_put(hl_value_get(record.desired, "environment"), "PASSWORD", sensitive(arena, "hunter2-hunter2"));
    hl_value_map_put(record.desired, "pin", hl_value_mark_sensitive(hl_value_int(arena, 8675309)));
    hl_value_map_put(record.live, "token", sensitive(arena, "told-only-once"));
    return record;
}

static void put_record(struct hl_store *store, const struct hl_record *record)
{
    struct hl_error *err = NULL;

    assert_done(hl_store_record(store, record, &err), &err);
}

static void everything_is_read_as_it_was_written(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);

    put_record(store, &record);
    hl_store_close(store);
    store = open_store(box, HL_STORE_READ);

    const struct hl_record *back = find_record(store, box->arena, "container.db");

    assert_non_null(back);
    assert_string_equal(back->kind, record.kind);
    assert_string_equal(back->name, record.name);
    assert_string_equal(back->provider, record.provider);
    assert_string_equal(back->provider_type, record.provider_type);
    assert_string_equal(back->id, record.id);
    assert_values_equal(back->desired, record.desired);
    assert_values_equal(back->live, record.live);
    assert_string_equal(back->needs[0], "network.lan");
    assert_string_equal(back->needs[1], "volume.data");
    assert_null(back->needs[2]);
    assert_true(back->protect && back->holds_data && back->adopted && back->rotate);
    assert_int_equal(back->created_ms, record.created_ms);
    assert_int_equal(back->updated_ms, record.updated_ms);
    assert_int_equal(back->run, 7);
    assert_int_equal(back->streak, 2);
    assert_true(hl_value_find_path(back->desired, "environment.PASSWORD")->sensitive);
    assert_true(hl_value_get(back->desired, "pin")->sensitive);
    assert_false(hl_value_get(back->desired, "image")->sensitive);
    hl_store_close(store);
}

static void a_person_can_read_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);

    put_record(store, &record);
    hl_store_close(store);
    assert_string_equal(query_text(box, box->path, "SELECT live FROM resources"), "{\"ip\":\"172.30.0.2\",\"token\":{\"$secret\":\"/token\"}}");
    assert_string_equal(query_text(box, box->path, "SELECT created FROM resources"), "2026-08-01T13:00:56.789Z");
    assert_string_equal(query_text(box, box->path, "SELECT needs FROM resources"), "[\"network.lan\",\"volume.data\"]");
}

static void absent_parts_stay_absent(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = {.address = "route.a"};

    put_record(store, &record);

    const struct hl_record *back = find_record(store, box->arena, "route.a");

    assert_null(back->desired);
    assert_null(back->live);
    assert_null(back->needs[0]);
    assert_string_equal(back->id, "");
    assert_true(back->created_ms > 1700000000000 && back->updated_ms >= back->created_ms);
    hl_store_close(store);
}

static void a_later_record_replaces_the_former(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);

    put_record(store, &record);
    record.created_ms = record.updated_ms = 0;
    record.desired = from_json(box->arena, "{\"image\":\"postgres:17\"}");
    record.live = NULL;
    put_record(store, &record);

    const struct hl_record *back = find_record(store, box->arena, "container.db");

    assert_values_equal(back->desired, record.desired);
    assert_null(back->live);
    assert_int_equal(back->created_ms, 1785589256789); /* kept */
    assert_int_equal(back->streak, 2);
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM secrets"), 0);
}

static void records_come_in_the_order_of_addresses(void **state)
{
    static const char *const addresses[] = {"volume.a", "container.b", "container.a", "network.z"};
    static const char *const sorted[] = {"container.a", "container.b", "network.z", "volume.a"};
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    struct hl_map *records = NULL;

    for (size_t i = 0; i < HL_COUNT(addresses); i++)
        record_secret(store, addresses[i], "x");
    assert_done(hl_store_records(store, box->arena, NULL, &records, &err), &err);
    assert_int_equal(records->count, HL_COUNT(sorted));
    for (size_t i = 0; i < HL_COUNT(sorted); i++)
        assert_string_equal(records->entries[i].key, sorted[i]);
    hl_store_close(store);
}

static void forgetting_takes_the_secrets_along(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    record_secret(store, "secret.a", "one");
    record_secret(store, "secret.b", "two");
    assert_done(hl_store_forget(store, "secret.a", &err), &err);
    assert_null(find_record(store, box->arena, "secret.a"));
    assert_non_null(find_record(store, box->arena, "secret.b"));
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM secrets"), 1);
}

static void moving_seals_for_the_new_address(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);
    struct hl_record user = {.address = "router.web", .needs = (const char *const[]){"container.db", "container.db2", NULL}};
    struct hl_error *err = NULL;

    put_record(store, &record);
    put_record(store, &user);
    assert_done(hl_store_move(store, "container.db", "container.postgres.main", &err), &err);
    hl_store_close(store);
    store = open_store(box, HL_STORE_WRITE);
    assert_null(find_record(store, box->arena, "container.db"));

    const struct hl_record *back = find_record(store, box->arena, "container.postgres.main");

    assert_values_equal(back->desired, record.desired);
    assert_values_equal(back->live, record.live);
    assert_string_equal(back->name, "postgres.main");
    assert_int_equal(back->created_ms, record.created_ms);
    back = find_record(store, box->arena, "router.web");
    assert_string_equal(back->needs[0], "container.postgres.main");
    assert_string_equal(back->needs[1], "container.db2");
    assert_false(hl_store_move(store, "container.db", "container.x", &err));
    assert_failure(&err, HL_E_NOT_FOUND, "'container.db' is not in the state");
    assert_false(hl_store_move(store, "container.postgres.main", "router.web", &err));
    assert_failure(&err, HL_E_CONFLICT, "'router.web' is in the state already");
    hl_store_close(store);
}

static void a_rotation_can_be_asked_for(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    record_secret(store, "secret.a", "one");
    assert_done(hl_store_set_rotate(store, "secret.a", true, &err), &err);
    assert_true(find_record(store, box->arena, "secret.a")->rotate);
    assert_done(hl_store_set_rotate(store, "secret.a", false, &err), &err);
    assert_false(find_record(store, box->arena, "secret.a")->rotate);
    assert_false(hl_store_set_rotate(store, "secret.b", true, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "'secret.b' is not in the state");
    hl_store_close(store);
}

/* ---- secrecy ---- */

static void assert_nowhere(const struct sandbox *box, const char *secret)
{
    if (folder_holds(box->folder, secret, strlen(secret)))
        fail_msg("a file of the state has '%s' in it", secret);
}

static void no_file_has_a_sensitive_value_in_it(void **state)
{
    static const char *const secrets[] = {"hunter2-hunter2", "8675309", "told-only-once", "learnt-by-the-journal"};
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);
    struct hl_intent intent = {.operation = "op", .address = "container.db", .action = "update", .desired = record.desired};
    struct hl_run_row run = {.result = "done"};
    struct hl_error *err = NULL;

    assert_done(hl_store_run_begin(store, "apply", "spec.yaml", "", &run.id, &err), &err);
    assert_done(hl_store_intent(store, &intent, &err), &err);
    assert_done(hl_store_checkpoint(store, intent.id, intent.address, sensitive(box->arena, "learnt-by-the-journal"), &err), &err);
    put_record(store, &record);
    for (size_t i = 0; i < HL_COUNT(secrets); i++)
        assert_nowhere(box, secrets[i]); /* in the WAL now */
    assert_true(folder_holds(box->folder, "postgres:16", 11));
    assert_done(hl_store_move(store, "container.db", "container.other", &err), &err);
    assert_done(hl_store_settle(store, intent.id, &err), &err);
    assert_done(hl_store_run_end(store, &run, 10, &err), &err);
    assert_true(exists(beside(box, ".bak")));
    for (size_t i = 0; i < HL_COUNT(secrets); i++)
        assert_nowhere(box, secrets[i]);
    hl_store_close(store);
    for (size_t i = 0; i < HL_COUNT(secrets); i++)
        assert_nowhere(box, secrets[i]);
}

static void all_sealed_texts_are_told_to_the_redactor(void **state)
{
    static const char *const expected[] = {"8675309", "hunter2-hunter2", "told-only-once", "learnt-by-the-journal", "in a map"};
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_record record = full_record(box->arena);
    struct hl_value *map = hl_value_mark_sensitive(from_json(box->arena, "{\"list\":[\"in a map\"],\"nothing\":null}"));
    struct hl_intent intent = {.operation = "op", .address = "container.db", .action = "create", .desired = map};
    struct hl_value *list = NULL;
    struct hl_error *err = NULL;

    put_record(store, &record);
    assert_done(hl_store_intent(store, &intent, &err), &err);
    assert_done(hl_store_checkpoint(store, intent.id, intent.address, sensitive(box->arena, "learnt-by-the-journal"), &err), &err);
    assert_done(hl_store_secrets(store, box->arena, &list, &err), &err);
    assert_int_equal(hl_value_count(list), HL_COUNT(expected));
    for (size_t i = 0; i < HL_COUNT(expected); i++) {
        bool found = false;

        for (size_t j = 0; j < hl_value_count(list); j++) {
            const struct hl_value *item = hl_value_item(list, j);

            assert_true(item->sensitive && item->type == HL_TEXT);
            found = found || strcmp(item->text.data, expected[i]) == 0;
        }
        if (!found)
            fail_msg("'%s' was not told", expected[i]);
    }
    hl_store_close(store);
}

static void tampering_is_noticed(void **state)
{
    static const struct {
        const char *what, *sql;
    } rows[] = {
        {"two secrets are swapped", "UPDATE secrets SET sealed = (SELECT sealed FROM secrets AS o WHERE o.id = 3 - secrets.id)"},
        {"one is copied to the other", "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE id = 1) WHERE id = 2"},
        {"the column is another", "UPDATE secrets SET slot = 'live'; UPDATE resources SET live = desired, desired = NULL"},
        {"the path is another",
         "UPDATE secrets SET path = '/note'; UPDATE resources SET desired = replace(replace(desired, '\"password\"', '\"note\"'), '/password', '/note')"},
        {"the placeholder is moved", "UPDATE resources SET desired = replace(desired, '\"password\"', '\"note\"')"},
        {"the address is another", "PRAGMA foreign_keys=ON; UPDATE resources SET address = 'secret.c' WHERE address = 'secret.a'"},
        {"a byte is changed", "UPDATE secrets SET sealed = substr(sealed, 1, 40) || x'00' || substr(sealed, 42)"},
        {"it is cut", "UPDATE secrets SET sealed = substr(sealed, 1, 20)"},
        {"it is empty", "UPDATE secrets SET sealed = x''"},
        {"it is gone", "DELETE FROM secrets WHERE id = 1"},
        {"the JSON is broken", "UPDATE resources SET desired = '{'"},
        {"needs is no list", "UPDATE resources SET needs = '[1]'"},
    };
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    size_t length = 0;

    record_secret(store, "secret.a", "one");
    record_secret(store, "secret.b", "two");
    hl_store_close(store);

    const char *good = read_whole(box, box->path, &length);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_error *err = NULL;
        struct hl_map *records = NULL;

        write_whole(box->path, good, length);
        run_sql(box->path, rows[i].sql);
        store = open_store(box, HL_STORE_READ);
        if (hl_store_records(store, box->arena, NULL, &records, &err))
            fail_msg("not noticed: %s", rows[i].what);
        hl_error_clear(&err);
        hl_store_close(store);
    }
}

int hl_test_record(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(everything_is_read_as_it_was_written),
        IN_SANDBOX(a_person_can_read_it),
        IN_SANDBOX(absent_parts_stay_absent),
        IN_SANDBOX(a_later_record_replaces_the_former),
        IN_SANDBOX(records_come_in_the_order_of_addresses),
        IN_SANDBOX(forgetting_takes_the_secrets_along),
        IN_SANDBOX(moving_seals_for_the_new_address),
        IN_SANDBOX(a_rotation_can_be_asked_for),
        IN_SANDBOX(no_file_has_a_sensitive_value_in_it),
        IN_SANDBOX(all_sealed_texts_are_told_to_the_redactor),
        IN_SANDBOX(tampering_is_noticed),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
