/* The OpenBao provider: settings, the token, mounts, keys and versions. */
#include "config.h"

#include "tests/unit/stores/stores.h"
#include "tests/unit/stores/tests.h"

#include "reconcile/providers/openbao/openbao.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define APPROLE "\"role_id\":\"role\",\"secret_id\":\"geheim-geheim\""

static const struct hl_openbao_place place = {.path = "netbird", .key = "KEY"};

static const char *read_place(struct stores *stores, const struct hl_openbao_place *where, bool fresh, struct hl_error **err)
{
    struct hl_value *value = NULL;

    if (!hl_openbao_read(&stores->store, stores->world->arena, where, fresh, &value, err))
        return NULL;
    return value != NULL ? hl_value_to_text(stores->world->arena, value) : "(none)";
}

static bool write_place(struct stores *stores, const struct hl_openbao_place *where, const char *value, struct hl_error **err)
{
    return hl_openbao_write(&stores->store, where, hl_value_text(stores->world->arena, value), err);
}

static void settings_are_checked(void **state)
{
    static const struct {
        const char *settings, *error;
    } rows[] = {
        {"\"url\":\"\"", "needs 'url'"},
        {"\"mount\":\"p\"", "has no credentials (give it both role_id and secret_id of an AppRole, or a token)"},
        {"\"role_id\":\"a\"", "has no credentials"},
        {"\"role_id\":\"a\",\"secret_id\":\"b\",\"token\":\"c\"", "has both role_id and token"},
        {"\"url\":\"http://bao.lan:8200\",\"token\":\"c\"", "would send secrets over plain http to another machine"},
    };
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        assert_false(stores_open(stores, rows[i].settings, &err));
        assert_error(&err, HL_E_SPEC, rows[i].error);
    }
    assert_true(stores_open(stores, "\"url\":\"http://bao.lan:8200/v1/\",\"insecure\":true,\"token\":\"c\"", &err));
}

static void reads_keys_of_paths(void **state)
{
    static const struct hl_openbao_place nested = {.mount = "team/kv", .path = "a b/c", .key = "k"};
    static const struct hl_openbao_place number = {.path = "netbird", .key = "number"};
    static const struct hl_openbao_place null = {.path = "netbird", .key = "null"};
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    openbao_put(&stores->openbao, "secret/netbird", "{\"KEY\":\"geheim\",\"number\":5,\"null\":null,\"map\":{}}");
    openbao_put(&stores->openbao, "team/kv/a b/c", "{\"k\":\"v\"}");
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    assert_string_equal(read_place(stores, &number, false, &err), "5");
    assert_string_equal(read_place(stores, &null, false, &err), "(none)");
    assert_string_equal(read_place(stores, &nested, false, &err), "v");
    assert_int_equal(server_calls(&stores->server, ""), 6); /* the token, which is renewed; two mounts, two paths */
    openbao_put(&stores->openbao, "secret/netbird", NULL);  /* deleted: 404 with a body */
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
}

static void other_keys_stay(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    for (int no_patch = 0; no_patch < 2; no_patch++) {
        stores->openbao.no_patch = no_patch == 1;
        assert_true(stores_open(stores, NULL, &err));
        openbao_put(&stores->openbao, "secret/netbird", "{\"of-others\":{\"a\":[1,null,true]},\"n\":null}");
        assert_true(write_place(stores, &place, "geheim", &err));
        assert_has(openbao_get(&stores->openbao, "secret/netbird"), "\"KEY\":\"geheim\"");
        assert_has(openbao_get(&stores->openbao, "secret/netbird"), "\"of-others\":{\"a\":[1,null,true]}");
        assert_true(write_place(stores, &place, "geheim-2", &err));
        assert_has(openbao_get(&stores->openbao, "secret/netbird"), "\"KEY\":\"geheim-2\"");
        assert_true(hl_openbao_remove(&stores->store, &place, &err));
        assert_string_equal(openbao_get(&stores->openbao, "secret/netbird"), "{\"n\":null,\"of-others\":{\"a\":[1,null,true]}}");
    }
    assert_int_equal(server_calls(&stores->server, "PATCH"), 4); /* three, and the one that was refused */
}

static void a_new_path_and_a_deleted_one(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    assert_true(write_place(stores, &place, "one", &err));
    assert_int_equal(openbao_version(&stores->openbao, "secret/netbird"), 1);
    assert_true(write_place(stores, &place, "one", &err)); /* nothing to do */
    assert_int_equal(openbao_version(&stores->openbao, "secret/netbird"), 1);
    assert_true(hl_openbao_remove(&stores->store, &place, &err));
    assert_null(openbao_get(&stores->openbao, "secret/netbird"));
    assert_true(hl_openbao_remove(&stores->store, &place, &err));
    assert_int_equal(server_calls(&stores->server, "POST /v1/secret/delete/netbird"), 1);
    assert_true(write_place(stores, &place, "two", &err)); /* cas is the number of the deleted version */
    assert_int_equal(openbao_version(&stores->openbao, "secret/netbird"), 2);
    stores->openbao.no_delete = true; /* a policy for data/ alone */
    assert_true(hl_openbao_remove(&stores->store, &place, &err));
    assert_null(openbao_get(&stores->openbao, "secret/netbird"));
    assert_int_equal(server_calls(&stores->server, "DELETE /v1/secret/data/netbird"), 1);
}

/* Somebody else who writes between our reading and our writing, once. */
static void another_key(struct openbao *world, const char *where)
{
    world->meanwhile = NULL;
    openbao_put(world, where, "{\"KEY\":\"before\",\"theirs\":\"new\"}");
}

static void this_key(struct openbao *world, const char *where)
{
    world->meanwhile = NULL;
    openbao_put(world, where, "{\"KEY\":\"theirs\"}");
}

static void all_the_time(struct openbao *world, const char *where)
{
    openbao_put(world, where, "{\"KEY\":\"before\",\"theirs\":\"new\"}");
}

static void changes_of_others_are_not_lost(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    openbao_put(&stores->openbao, "secret/netbird", "{\"KEY\":\"before\"}");
    stores->openbao.meanwhile = another_key;
    assert_true(write_place(stores, &place, "after", &err));
    assert_string_equal(openbao_get(&stores->openbao, "secret/netbird"), "{\"KEY\":\"after\",\"theirs\":\"new\"}");
    openbao_put(&stores->openbao, "secret/netbird", "{\"KEY\":\"before\"}");
    stores->openbao.meanwhile = this_key;
    assert_false(write_place(stores, &place, "after", &err));
    assert_error(&err, HL_E_CONFLICT, "somebody else changes this key at the same time");
    assert_string_equal(openbao_get(&stores->openbao, "secret/netbird"), "{\"KEY\":\"theirs\"}");
    stores->openbao.meanwhile = all_the_time;
    openbao_put(&stores->openbao, "secret/netbird", "{\"KEY\":\"before\"}");
    assert_false(write_place(stores, &place, "after", &err));
    assert_error(&err, HL_E_CONFLICT, "keeps changing this path");
    /* The last key goes, and just then somebody adds another. */
    openbao_put(&stores->openbao, "secret/netbird", "{\"KEY\":\"before\"}");
    stores->openbao.meanwhile = another_key;
    assert_true(hl_openbao_remove(&stores->store, &place, &err));
    assert_has(openbao_get(&stores->openbao, "secret/netbird"), "\"theirs\":\"new\"");
}

static void mounts_must_be_there_and_of_version_2(void **state)
{
    static const struct {
        const char *mount;
        enum hl_code code;
        const char *words;
    } rows[] = {
        {"nope", HL_E_AUTH, "OpenBao has no mount 'nope', or the token of provider 'openbao' may do nothing there (hlrec makes no mounts"},
        {"old", HL_E_REJECTED, "the KV engine at 'old' of provider 'openbao' is version 1"},
        {"pki", HL_E_REJECTED, "what is mounted at 'pki' of OpenBao is no KV engine but 'pki'"},
        {"secret/app", HL_E_NOT_FOUND, "nothing is mounted at 'secret/app' of OpenBao; 'secret/' is"},
    };
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_openbao_place where = {.mount = rows[i].mount, .path = "a", .key = "k"};
        assert_null(read_place(stores, &where, false, &err));
        assert_error(&err, rows[i].code, rows[i].words);
        assert_false(write_place(stores, &where, "v", &err));
        assert_error(&err, rows[i].code, rows[i].words);
    }
    assert_int_equal(server_calls(&stores->server, "POST"), server_calls(&stores->server, "POST /v1/auth/token/renew-self"));
}

static void logs_in_by_approle(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    assert_true(stores_open(stores, APPROLE, &err));
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_int_equal(stores->openbao.logins, 1);
    snprintf(stores->openbao.token, sizeof stores->openbao.token, "ended");
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_int_equal(stores->openbao.logins, 2);
    /* A policy that says no is no reason to log in again. */
    stores->server.fault = (struct fault){.call = "GET /v1/secret/data", .times = 9, .status = 403, .body = "{\"errors\":[\"permission denied\"]}"};
    assert_null(read_place(stores, &place, true, &err));
    assert_error(&err, HL_E_AUTH, "the token of provider 'openbao' is good, but none of its policies allows this");
    assert_int_equal(stores->openbao.logins, 2);
    assert_true(stores_open(stores, "\"role_id\":\"role\",\"secret_id\":\"wrong\"", &err));
    assert_null(read_place(stores, &place, true, &err));
    assert_error(&err, HL_E_AUTH, "invalid role or secret ID");
    assert_null(read_place(stores, &place, true, &err));
    assert_error(&err, HL_E_AUTH, "in this run already");
    assert_int_equal(stores->openbao.logins, 3);
    assert_true(stores_open(stores, APPROLE ",\"approle_mount\":\"/other/\"", &err));
    assert_null(read_place(stores, &place, true, &err));
    assert_error(&err, HL_E_AUTH, "that AppRole is mounted at 'other'");
}

static void a_short_lease_is_replaced_before_it_ends(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->openbao.lease_s = 1;
    assert_true(stores_open(stores, APPROLE, &err));
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    usleep(1100 * 1000);
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_int_equal(stores->openbao.logins, 2);
}

static void refusals_are_explained(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    assert_true(stores_open(stores, "\"token\":\"bad\"", &err));
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_AUTH, "the token of provider 'openbao' has ended or was revoked");
    assert_true(stores_open(stores, "\"token\":\"s.root-token\",\"namespace\":\"nope\"", &err));
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_NOT_FOUND, "check `namespace` of provider 'openbao'");
    assert_true(stores_open(stores, "\"token\":\"s.root-token\"", &err));
    stores->openbao.sealed = true;
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_UNREACHABLE, "Vault is sealed (unseal it: bao operator unseal)");
    stores->openbao.sealed = false;
    stores->server.fault = (struct fault){.call = "GET /v1/secret", .times = 9, .status = 404, .body = "<html>gone</html>"};
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_UNREACHABLE, "HTML");
    stores->server.fault.body = "{\"errors\":[\"no handler for route\"]}";
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_NOT_FOUND, "no handler for route");
    stores->server.fault = (struct fault){.call = "GET /v1/secret", .times = 9, .status = 200, .body = "{\"data\":{\"KEY\":\"v1\"}}"};
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_UNREACHABLE, "is not that of a KV engine of version 2");
}

static void a_lost_answer_does_no_harm(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->server.fault = (struct fault){.call = "POST /v1/secret/data", .times = 1};
    assert_true(write_place(stores, &place, "one", &err)); /* sent again: another version, which is ours */
    stores->server.fault = (struct fault){.call = "PATCH /v1/secret/data", .times = 1};
    assert_true(write_place(stores, &place, "two", &err));
    assert_string_equal(openbao_get(&stores->openbao, "secret/netbird"), "{\"KEY\":\"two\"}");
    assert_int_equal(openbao_version(&stores->openbao, "secret/netbird"), 2);
    stores->server.fault = (struct fault){.call = "POST /v1/secret/delete", .times = 1};
    assert_true(hl_openbao_remove(&stores->store, &place, &err));
    assert_null(openbao_get(&stores->openbao, "secret/netbird"));
}

static void waits_for_an_engine_that_is_being_made(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->server.fault = (struct fault){.call = "GET /v1/secret/data",
                                          .times = 2,
                                          .status = 400,
                                          .body = "{\"errors\":[\"Upgrading from non-versioned to versioned data. This backend will be unavailable\"]}"};
    assert_string_equal(read_place(stores, &place, false, &err), "(none)");
    assert_int_equal(server_calls(&stores->server, "GET /v1/secret/data"), 3);
}

static void tells_doctor(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    hl_auto(text) struct hl_text report = HL_TEXT_INIT(HL_MAX_OUTPUT);

    assert_true(stores->store.type->verbs->ready(&stores->store, &report, &err));
    assert_has(hl_text_get(&report), "OpenBao or Vault 2.7.2 answers at http://127.0.0.1:");
    assert_has(hl_text_get(&report), "policies default, hlrec");
    assert_has(hl_text_get(&report), "the token was about to end, and is renewed");
    assert_has(hl_text_get(&report), "mount secret: KV version 2");
    stores->openbao.no_look_up = true; /* a token without the policy `default` is good all the same */
    assert_true(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    stores->openbao.sealed = true;
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_UNREACHABLE, "is sealed (unseal it: bao operator unseal)");
    stores->server.fault = (struct fault){.call = "GET /v1/sys/health", .times = 9, .status = 200, .body = "{\"initialized\":false,\"sealed\":true}"};
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_UNREACHABLE, "is not initialised");
    stores->server.fault.body = "{\"ok\":true}";
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_UNREACHABLE, "is no OpenBao");
    stores->openbao.sealed = false;
    stores->server.fault.times = 0;
    assert_true(stores_open(stores, "\"token\":\"bad\"", &err));
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_AUTH, "has ended or was revoked");
}

int hl_test_openbao(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_are_checked, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(reads_keys_of_paths, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(other_keys_stay, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_new_path_and_a_deleted_one, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(changes_of_others_are_not_lost, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(mounts_must_be_there_and_of_version_2, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(logs_in_by_approle, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_short_lease_is_replaced_before_it_ends, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(refusals_are_explained, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_does_no_harm, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(waits_for_an_engine_that_is_being_made, openbao_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(tells_doctor, openbao_setup, stores_teardown),
    };

    return cmocka_run_group_tests_name("stores: openbao", tests, NULL, NULL);
}
