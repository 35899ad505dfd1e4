/* Secrets from and to OpenBao: the kind `secret` with a session of the store. */
#include "config.h"

#include "tests/unit/stores/stores.h"
#include "tests/unit/stores/tests.h"

#include "reconcile/providers/local/local.h"
#include "schema/base/parallel.h"

#include <string.h>

#define WRITES "{generate: true, write: [{openbao: {path: netbird}}]}"
#define PLACE "secret/netbird"

static const char *with_value(struct stores *stores, const char *format, const char *value)
{
    return hl_arena_printf(stores->world->arena, "{%s\"S\":\"%s\"}", format, value);
}

static void is_written_and_settles(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    openbao_put(&stores->openbao, PLACE, "{\"A\":\"of others\"}");
    assert_true(secret_apply(&secret));
    assert_string_equal(openbao_get(&stores->openbao, PLACE), with_value(stores, "\"A\":\"of others\",", secret_value(&secret)));
    secret_refresh(&secret);
    assert_true(hl_value_equal(secret.recorded.live, secret.live.values));
    stores_next_run(stores);
    server_forget(&stores->server);
    assert_true(secret_is_settled(&secret));
    assert_int_equal(server_calls(&stores->server, ""), 4); /* the token, which is renewed; the mount, the path */
}

static void drift_is_found_and_corrected(void **state)
{
    static const char *const drifts[] = {"{\"S\":\"changed\"}", "{\"S\":5}", "{\"S\":{\"a\":1}}", "{}", "{\"S\":null}", "{\"S\":\"\"}", NULL};
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    for (size_t i = 0; i < HL_COUNT(drifts); i++) {
        openbao_put(&stores->openbao, PLACE, drifts[i]);
        stores_next_run(stores);
        if (secret_is_settled(&secret))
            fail_msg("row %zu is no drift", i);
        assert_true(secret_apply(&secret));
        assert_string_equal(openbao_get(&stores->openbao, PLACE), with_value(stores, "", value));
        assert_true(secret_is_settled(&secret));
    }
    assert_int_equal(stores->world->checkpoints, 1);
}

static void a_lost_state_takes_over_what_is_there(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", "{generate: true, write: [{openbao: {path: netbird}}, {dotenv: a.env}]}");

    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    secret_lose(&secret);
    stores_next_run(stores);
    assert_true(secret_apply(&secret));
    assert_string_equal(secret_value(&secret), value);
    secret_lose(&secret);
    openbao_put(&stores->openbao, PLACE, "{\"S\":\"another one\"}");
    stores_next_run(stores);
    secret_refresh(&secret);
    assert_has(secret.live.error->message, "openbao secret/netbird S and 'a.env' hold different values");
}

static void is_deleted_only_while_it_holds_our_value(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    openbao_put(&stores->openbao, PLACE, "{\"S\":\"changed since the plan\"}");
    assert_true(secret_delete(&secret));
    assert_has(secret.note, "left at openbao secret/netbird S: it holds another value now");
    assert_string_equal(openbao_get(&stores->openbao, PLACE), "{\"S\":\"changed since the plan\"}");
    openbao_put(&stores->openbao, PLACE, "{\"A\":\"of others\"}");
    stores_next_run(stores);
    secret = stores_secret(stores, "S", WRITES);
    assert_true(secret_apply(&secret));
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    assert_true(secret_delete(&secret));
    assert_null(secret.note);
    assert_string_equal(openbao_get(&stores->openbao, PLACE), "{\"A\":\"of others\"}");
}

static void any_text_is_kept(void **state)
{
    static const char text[] = " -----BEGIN KEY-----\nQUJD\t\"\\${A}\nb\xc3\xa4\n-----END KEY-----\n\n ";
    struct stores *stores = *state;

    world_write(stores->world, "source", "%s", text);
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{openbao: {path: netbird, key: other key}}]}");
    assert_true(secret_apply(&secret));
    stores_next_run(stores);
    assert_true(secret_is_settled(&secret));
    struct secret back = stores_secret(stores, "T", "{openbao: {path: /netbird/, key: other key}, write: [{file: f}]}");
    assert_true(secret_apply(&back));
    assert_string_equal(world_read(stores->world, "f"), text);
}

static void sources_have_their_rules(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", "{openbao: {path: netbird}}");

    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_PENDING);
    assert_string_equal(secret.live.defer_reason, "no value: there is no openbao secret/netbird S");
    openbao_put(&stores->openbao, PLACE, "{\"S\":12345,\"A\":[1],\"F\":1.5,\"E\":\"\"}");
    stores_next_run(stores);
    secret_refresh(&secret);
    assert_string_equal(secret_input(&secret), "12345");
    struct secret list = stores_secret(stores, "A", "{openbao: {path: netbird}}");
    secret_refresh(&list);
    assert_has(list.live.error->message, "openbao secret/netbird A is a list, not a text");
    struct secret real = stores_secret(stores, "F", "{openbao: {path: netbird}}");
    secret_refresh(&real);
    assert_has(real.live.error->message, "not a text");
    struct secret empty = stores_secret(stores, "E", "{openbao: {path: netbird}, optional: true}");
    secret_refresh(&empty);
    assert_string_equal(secret_input(&empty), "(null)");
    assert_has(empty.live.note, "openbao secret/netbird E is empty");
}

static void an_error_names_the_place_and_no_value(void **state)
{
    struct stores *stores = *state;

    world_write(stores->world, "source", "geheim-wort");
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{openbao: {path: netbird}}]}");
    stores->server.fault = (struct fault){.call = "POST /v1/secret/data", .times = 9, .status = 400, .body = "{\"errors\":[\"no, not geheim-wort\"]}"};
    assert_false(secret_apply(&secret));
    hl_auto(heap) char *text = hl_error_text(secret.error);
    assert_has(text, "writing destination openbao secret/netbird S");
    assert_has(text, "no, not (sensitive)");
    assert_null(strstr(text, "geheim-wort"));
    hl_error_clear(&secret.error);
}

/* ---- many at once ---- */

enum { MANY = 16 };

struct many {
    struct stores *stores;
    bool fine[MANY];
};

static struct hl_destination destination_of(struct many *many, struct hl_arena *arena, size_t index)
{
    struct hl_value *item = hl_value_map(arena);
    struct hl_value *where = hl_value_map(arena);

    hl_value_map_put_text(where, "path", "shared");
    hl_value_map_put(item, "openbao", where);
    return (struct hl_destination){
        .session = &many->stores->world->session,
        .run = &many->stores->world->run,
        .local = hl_local_get(&many->stores->world->session),
        .arena = arena,
        .name = hl_arena_printf(arena, "KEY_%zu", index),
        .item = item,
    };
}

static void write_one(void *context, size_t index)
{
    struct many *many = context;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    const struct hl_destination destination = destination_of(many, arena, index);

    many->fine[index] = hl_destination_write(&destination, hl_value_printf(arena, "value-%zu", index), &err);
}

static void many_write_one_path_at_once(void **state)
{
    struct many many = {.stores = *state};
    struct hl_arena *arena = many.stores->world->arena;

    hl_parallel(MANY, 8, write_one, &many);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(many.fine[i]);
        assert_has(openbao_get(&many.stores->openbao, "secret/shared"), hl_arena_printf(arena, "\"KEY_%zu\":\"value-%zu\"", i, i));
    }
    assert_int_equal(openbao_version(&many.stores->openbao, "secret/shared"), MANY);
}

int hl_test_openbao_secret(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_written_and_settles, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(drift_is_found_and_corrected, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_lost_state_takes_over_what_is_there, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(is_deleted_only_while_it_holds_our_value, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(any_text_is_kept, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(sources_have_their_rules, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(an_error_names_the_place_and_no_value, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(many_write_one_path_at_once, openbao_setup, stores_teardown),
    };

    return cmocka_run_group_tests_name("stores: secrets in openbao", tests, NULL, NULL);
}
