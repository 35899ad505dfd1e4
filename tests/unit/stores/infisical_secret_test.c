/* Secrets from and to Infisical: the kind `secret` with a session of the store. */
#include "config.h"

#include "tests/unit/stores/stores.h"
#include "tests/unit/stores/tests.h"

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/local/local.h"
#include "schema/base/parallel.h"

#include <stdio.h>
#include <string.h>

#define WRITES "{generate: true, write: [{infisical: {path: /netbird}}]}"
#define PLACE "prod /netbird S"

/* ---- as destination ---- */

static void is_written_and_settles(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), secret_value(&secret));
    assert_string_equal(infisical_find(&stores->infisical, PLACE)->comment, "managed by hlrec, stack test");
    assert_true(secret_is_settled(&secret));
    stores_next_run(stores);
    server_forget(&stores->server);
    assert_true(secret_is_settled(&secret));
    assert_int_equal(server_calls(&stores->server, ""), 3); /* sign in, project, list */
    assert_true(secret_apply(&secret));
    assert_int_equal(server_calls(&stores->server, "POST /api/v4") + server_calls(&stores->server, "PATCH"), 0);
}

static void gives_what_refresh_would_give(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    secret_refresh(&secret);
    assert_true(hl_value_equal(secret.recorded.live, secret.live.values));
}

static void drift_is_found_and_corrected(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    infisical_put(&stores->infisical, PLACE, "changed by hand");
    stores_next_run(stores);
    assert_false(secret_is_settled(&secret));
    assert_true(secret_apply(&secret));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), value);
    infisical_put(&stores->infisical, PLACE, NULL);
    stores_next_run(stores);
    assert_false(secret_is_settled(&secret));
    assert_true(secret_apply(&secret));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), value);
    assert_int_equal(stores->world->checkpoints, 1);
    assert_true(secret_is_settled(&secret));
}

/* What somebody put there before hlrec came: taken over when the value is hlrec's to make, told and replaced when the value has a source. */
static void what_stands_there_is_treated_as_in_files(void **state)
{
    struct stores *stores = *state;
    struct secret made = stores_secret(stores, "S", WRITES);
    struct secret given = stores_secret(stores, "S", "{file: source, write: [{infisical: {path: /netbird}}]}");

    infisical_put(&stores->infisical, PLACE, "of somebody");
    snprintf(infisical_find(&stores->infisical, PLACE)->comment, 100, "do not touch");
    secret_refresh(&made);
    assert_string_equal(secret_input(&made), "of somebody");
    assert_string_equal(made.live.reason, "found at infisical /netbird S (project homelab-prod, environment prod)");
    world_write(stores->world, "source", "geheim-1");
    secret_refresh(&given);
    assert_has(given.live.note, "another value stands at infisical /netbird S (project homelab-prod, environment prod); it will be replaced");
    assert_true(secret_apply(&given));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), "geheim-1");
    assert_string_equal(infisical_find(&stores->infisical, PLACE)->comment, "do not touch");
}

static void is_deleted_only_while_it_holds_our_value(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    assert_true(secret_apply(&secret));
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    infisical_put(&stores->infisical, PLACE, "changed since the plan");
    assert_true(secret_delete(&secret));
    assert_has(secret.note, "left at infisical /netbird S (project homelab-prod, environment prod): it holds another value now");
    assert_string_equal(infisical_value(&stores->infisical, PLACE), "changed since the plan");

    infisical_put(&stores->infisical, PLACE, NULL);
    stores_next_run(stores);
    secret = stores_secret(stores, "S", WRITES);
    assert_true(secret_apply(&secret));
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    assert_true(secret_delete(&secret));
    assert_null(secret.note);
    assert_null(infisical_value(&stores->infisical, PLACE));
}

static void a_dropped_destination_is_cleaned(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", "{generate: true, write: [{infisical: {path: /netbird}}, {infisical: {path: /a/b/c, key: T}}]}");

    assert_true(secret_apply(&secret));
    assert_string_equal(infisical_value(&stores->infisical, "prod /a/b/c T"), secret_value(&secret));
    stores_change(stores, &secret, WRITES);
    stores_next_run(stores);
    assert_true(secret_apply(&secret));
    assert_null(infisical_value(&stores->infisical, "prod /a/b/c T"));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), secret_value(&secret));
    /* And with its provider gone from the spec, what is left there is told. */
    stores_change(stores, &secret, "{generate: true}");
    stores->world->session.used = NULL;
    assert_true(secret_apply(&secret));
    assert_has(secret.note, "left at infisical /netbird S: its provider is not in the spec any more");
}

static void values_that_would_be_changed_are_refused(void **state)
{
    static const struct {
        const char *value, *words;
    } rows[] = {
        {" leading", "begins or ends with white space"},
        {"trailing\n\n", "begins or ends with white space"},
        {"pass${word}x", "takes for a reference to another secret"},
    };
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    const struct hl_infisical_place place = {.path = "/netbird", .key = "S"};

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *value = hl_value_text(stores->world->arena, rows[i].value);
        assert_false(hl_infisical_write(&stores->store, &place, value, &err));
        assert_error(&err, HL_E_FAILED, rows[i].words);
    }
    assert_int_equal(server_calls(&stores->server, "POST /api/v4") + server_calls(&stores->server, "POST /api/v2/folders"), 0);
    /* The plan tells it already. */
    world_write(stores->world, "source", "%s", "pass${word}x");
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{infisical: {path: /netbird}}]}");
    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->message, "the value cannot be written to infisical /netbird S (project homelab-prod, environment prod)");
    assert_has(secret.live.error->cause->message, "reference");
    /* Whoever put it there by hand meant it. */
    infisical_put(&stores->infisical, PLACE, "pass${word}x");
    stores_next_run(stores);
    assert_true(secret_apply(&secret));
    assert_true(secret_is_settled(&secret));
}

static void texts_of_several_lines_are_exact(void **state)
{
    static const char text[] = "-----BEGIN KEY-----\nQUJD\t\"\\\nb\xc3\xa4\n-----END KEY-----\n";
    struct stores *stores = *state;

    world_write(stores->world, "source", "%s", text);
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{infisical: {path: /netbird}}]}");
    assert_true(secret_apply(&secret));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), text);
    stores_next_run(stores);
    assert_true(secret_is_settled(&secret));
}

static void what_infisical_rotates_is_left_to_it(void **state)
{
    struct stores *stores = *state;

    infisical_put(&stores->infisical, PLACE, "made-by-infisical");
    infisical_find(&stores->infisical, PLACE)->rotated = true;
    world_write(stores->world, "source", "geheim-1");
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{infisical: {path: /netbird}}]}");
    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->cause->message, "Infisical rotates this secret by itself");
    world_write(stores->world, "source", "made-by-infisical");
    stores_next_run(stores);
    assert_true(secret_apply(&secret));
}

static void approval_is_not_done(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    stores->infisical.approval = true;
    assert_false(secret_apply(&secret));
    assert_error(&secret.error, HL_E_REJECTED, "waits for approval in Infisical, request request-7; nothing is stored yet");
    assert_null(infisical_value(&stores->infisical, PLACE));
    stores->infisical.approval = false;
    assert_true(secret_apply(&secret));
    stores->infisical.approval = true;
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    assert_false(secret_delete(&secret));
    assert_error(&secret.error, HL_E_REJECTED, "waits for approval");
}

static void hidden_values_are_told(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);
    struct secret source = stores_secret(stores, "S", "{infisical: {path: /netbird}, write: [{file: f}]}");

    infisical_put(&stores->infisical, PLACE, "nobody may see this");
    stores->infisical.hides = true;
    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->message, "reading destination infisical /netbird S");
    assert_has(secret.live.error->cause->message, "Infisical hides the value");
    secret_refresh(&source);
    assert_int_equal(source.live.presence, HL_LIVE_UNREADABLE);
    assert_has(source.live.error->message, "reading the value from infisical /netbird S");
    assert_null(world_read(stores->world, "f"));
}

/* ---- what goes wrong on the way ---- */

static void a_lost_answer_does_no_harm(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);

    stores->server.fault = (struct fault){.call = "POST /api/v4/secrets/S", .times = 1};
    assert_true(secret_apply(&secret)); /* sent again: "already exist", with our value */
    assert_string_equal(infisical_value(&stores->infisical, PLACE), secret_value(&secret));
    stores->server.fault = (struct fault){.call = "DELETE", .times = 1};
    stores_change(stores, &secret, NULL);
    secret_refresh(&secret);
    assert_true(secret_delete(&secret));
    assert_null(infisical_value(&stores->infisical, PLACE));
}

static void a_race_is_told(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    const struct hl_infisical_place place = {.path = "/netbird", .key = "S"};
    struct hl_infisical_secret now;

    assert_true(hl_infisical_read(&stores->store, stores->world->arena, &place, false, &now, &err));
    infisical_put(&stores->infisical, PLACE, "of somebody who was faster");
    assert_false(hl_infisical_write(&stores->store, &place, hl_value_text(stores->world->arena, "geheim"), &err));
    assert_error(&err, HL_E_CONFLICT, "somebody else made a secret of this name just now");
    assert_string_equal(infisical_value(&stores->infisical, PLACE), "of somebody who was faster");
    /* One that is gone meanwhile is made anew, with its folder. */
    infisical_put(&stores->infisical, PLACE, NULL);
    hl_map_remove(&stores->infisical.folders, "prod /netbird");
    assert_true(hl_infisical_write(&stores->store, &place, hl_value_text(stores->world->arena, "geheim"), &err));
    assert_string_equal(infisical_value(&stores->infisical, PLACE), "geheim");
}

static void an_error_names_the_place_and_no_value(void **state)
{
    struct stores *stores = *state;

    world_write(stores->world, "source", "geheim-wort");
    struct secret secret = stores_secret(stores, "S", "{file: source, write: [{infisical: {path: /netbird}}]}");
    stores->server.fault = (struct fault){.call = "POST /api/v4/secrets/S", .times = 9, .status = 400, .body = "{\"message\":\"no, not geheim-wort\"}"};
    assert_false(secret_apply(&secret));
    hl_auto(heap) char *text = hl_error_text(secret.error);
    assert_has(text, "writing destination infisical /netbird S (project homelab-prod, environment prod)");
    assert_has(text, "no, not (sensitive)");
    assert_null(strstr(text, "geheim-wort"));
    hl_error_clear(&secret.error);
}

/* ---- as source ---- */

static void is_read_as_source(void **state)
{
    struct stores *stores = *state;

    infisical_put(&stores->infisical, "prod /netbird OTHER-NAME", "geheim-1");
    struct secret secret = stores_secret(stores, "S", "{infisical: {path: /netbird, key: OTHER-NAME}, write: [{file: f}]}");
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(stores->world, "f"), "geheim-1");
    infisical_put(&stores->infisical, "prod /netbird OTHER-NAME", "geheim-2");
    stores_next_run(stores);
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(stores->world, "f"), "geheim-2");
}

static void a_missing_source_is_deferred(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", "{infisical: {path: /netbird}}");
    struct secret optional = stores_secret(stores, "S", "{infisical: {path: /netbird}, optional: true}");

    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_PENDING);
    assert_string_equal(secret.live.defer_reason, "no value: there is no infisical /netbird S (project homelab-prod, environment prod), nor its folder");
    assert_has(secret.live.defer_hint, "make it in Infisical");
    secret_refresh(&optional);
    assert_string_equal(secret_input(&optional), "(null)");
    infisical_put(&stores->infisical, PLACE, "");
    stores_next_run(stores);
    secret_refresh(&secret);
    assert_has(secret.live.defer_reason, "is empty");
}

static void a_store_must_be_open(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", "{infisical: {path: /netbird, provider: other}}");

    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->cause->message, "there is no open provider 'other' of type 'infisical'");
    /* One of that name, but of another type. */
    stores->store.name = "other";
    stores->store.type = &hl_provider_openbao;
    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->cause->message, "there is no open provider 'other' of type 'infisical'");
    stores->store.type = &hl_provider_infisical;
}

static void the_one_that_is_meant_is_taken(void **state)
{
    struct stores *stores = *state;
    struct hl_session other = {.run = stores->store.run, .name = "another", .type = &hl_provider_infisical};
    struct hl_session elsewhere = {.run = stores->store.run, .name = "bao", .type = &hl_provider_openbao};
    struct hl_session *const used[] = {&other, &elsewhere, &stores->store, NULL};
    struct hl_session local = stores->world->session;
    struct hl_value *where = hl_value_map(stores->world->arena);

    local.used = used;
    assert_ptr_equal(hl_local_store(&local, "infisical", where), &stores->store);
    assert_ptr_equal(hl_local_store(&local, "openbao", where), &elsewhere);
    hl_value_map_put_text(where, "provider", "another");
    assert_ptr_equal(hl_local_store(&local, "infisical", where), &other);
    assert_null(hl_local_store(&local, "openbao", where));
}

/* ---- after a crash ---- */

static void a_value_that_was_made_is_kept_although_the_store_is_gone(void **state)
{
    struct stores *stores = *state;
    struct secret secret = stores_secret(stores, "S", WRITES);
    struct hl_error *err = NULL;

    stores->server.fault = (struct fault){.call = "POST /api/v4/secrets/S", .times = 99, .status = 400, .body = "{}"};
    assert_false(secret_apply(&secret));
    hl_error_clear(&secret.error);
    stores->world->session.used = NULL;
    struct hl_recovery recovery = {
        .session = &stores->world->session,
        .kind = &hl_kind_secret,
        .address = secret.address,
        .name = secret.name,
        .operation = "op",
        .action = "create",
        .id = "",
        .desired = secret.body,
        .checkpoint = stores->world->checkpoint,
        .arena = stores->world->arena,
    };
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_EXISTS);
    assert_string_equal(hl_value_get_text(recovery.result, "value"), hl_value_get_text(stores->world->checkpoint, "value"));
    /* A deletion is not called done by somebody who cannot look. */
    secret.recorded = (struct hl_recorded){.desired = hl_value_copy(stores->world->arena, recovery.result_desired), .live = recovery.result};
    recovery.recorded = &secret.recorded;
    recovery.action = "delete";
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_NOTHING);
    stores->world->session.used = stores->used;
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_GONE);
}

/* ---- many at once ---- */

enum { MANY = 12 };

struct many {
    struct stores *stores;
    bool fine[MANY];
};

static void write_one(void *context, size_t index)
{
    struct many *many = context;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *item = hl_value_map(arena);
    struct hl_value *where = hl_value_map(arena);

    hl_value_map_put_text(where, "path", "/deep/er");
    hl_value_map_put(item, "infisical", where);
    const struct hl_destination destination = {
        .session = &many->stores->world->session,
        .run = &many->stores->world->run,
        .local = hl_local_get(&many->stores->world->session),
        .arena = arena,
        .name = hl_arena_printf(arena, "KEY_%zu", index),
        .item = item,
    };
    many->fine[index] = hl_destination_write(&destination, hl_value_printf(arena, "value-%zu", index), &err);
}

static void many_write_at_once(void **state)
{
    struct many many = {.stores = *state};

    hl_parallel(MANY, 8, write_one, &many);
    for (size_t i = 0; i < MANY; i++) {
        struct hl_arena *arena = many.stores->world->arena;
        assert_true(many.fine[i]);
        assert_string_equal(infisical_value(&many.stores->infisical, hl_arena_printf(arena, "prod /deep/er KEY_%zu", i)),
                            hl_arena_printf(arena, "value-%zu", i));
    }
    assert_int_equal(many.stores->infisical.logins, 1);
    assert_int_equal(server_calls(&many.stores->server, "POST /api/v2/folders"), 1);
}

int hl_test_infisical_secret(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_written_and_settles, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(gives_what_refresh_would_give, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(drift_is_found_and_corrected, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(what_stands_there_is_treated_as_in_files, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(is_deleted_only_while_it_holds_our_value, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_dropped_destination_is_cleaned, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(values_that_would_be_changed_are_refused, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(texts_of_several_lines_are_exact, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(what_infisical_rotates_is_left_to_it, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(approval_is_not_done, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(hidden_values_are_told, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_does_no_harm, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_race_is_told, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(an_error_names_the_place_and_no_value, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(is_read_as_source, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_missing_source_is_deferred, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(the_one_that_is_meant_is_taken, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_store_must_be_open, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_value_that_was_made_is_kept_although_the_store_is_gone, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(many_write_at_once, infisical_setup, stores_teardown),
    };

    return cmocka_run_group_tests_name("stores: secrets in infisical", tests, NULL, NULL);
}
