/* The Infisical provider: settings, signing in, projects, older servers, readiness. */
#include "config.h"

#include "tests/unit/stores/stores.h"
#include "tests/unit/stores/tests.h"

#include "reconcile/providers/infisical/infisical.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct hl_infisical_place place = {.path = "/netbird", .key = "KEY"};

/* The value's text, "(none)", or NULL with *err set. */
static const char *read_place(struct stores *stores, const struct hl_infisical_place *where, bool fresh, struct hl_error **err)
{
    struct hl_infisical_secret secret;

    if (!hl_infisical_read(&stores->store, stores->world->arena, where, fresh, &secret, err))
        return NULL;
    return secret.value != NULL ? secret.value->text.data : "(none)";
}

static bool write_place(struct stores *stores, const struct hl_infisical_place *where, const char *value, struct hl_error **err)
{
    return hl_infisical_write(&stores->store, where, hl_value_mark_sensitive(hl_value_text(stores->world->arena, value)), err);
}

static void settings_are_checked(void **state)
{
    static const struct {
        const char *settings, *error;
    } rows[] = {
        {"\"url\":\"\"", "needs 'url'"},
        {"\"project\":\"p\"", "has no credentials"},
        {"\"client_id\":\"a\"", "has no credentials (give it both client_id and client_secret of a machine identity, or a token)"},
        {"\"client_secret\":\"a\"", "has no credentials"},
        {"\"client_id\":\"a\",\"client_secret\":\"b\",\"token\":\"c\"", "has both client_id and token"},
        {"\"url\":\"http://infisical.lan\",\"token\":\"c\"", "would send secrets over plain http to another machine"},
        {"\"url\":\"http://127.evil.org\",\"token\":\"c\"", "plain http"},
        {"\"url\":\"http://localhost.evil.org/\",\"token\":\"c\"", "plain http"},
        {"\"url\":\"ftp://x\",\"token\":\"c\"", "begins with none of"},
    };
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        assert_false(stores_open(stores, rows[i].settings, &err));
        assert_error(&err, HL_E_SPEC, rows[i].error);
    }
    assert_true(stores_open(stores, "\"url\":\"http://infisical.lan\",\"insecure\":true,\"token\":\"c\"", &err));
    assert_true(stores_open(stores, "\"url\":\"http://[::1]:8080/api\",\"token\":\"c\"", &err));
    assert_true(stores_open(stores, "\"url\":\"https://infisical.lan\",\"token\":\"c\"", &err));
}

static void one_list_and_one_login_a_run(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    const struct hl_infisical_place other = {.path = "/netbird", .key = "OTHER"};

    infisical_put(&stores->infisical, "prod /netbird KEY", "geheim");
    infisical_put(&stores->infisical, "prod /netbird OTHER", "andere");
    infisical_put(&stores->infisical, "prod /netbird/deeper KEY", "tiefer");
    infisical_put(&stores->infisical, "dev /netbird KEY", "anders");
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    assert_string_equal(read_place(stores, &other, false, &err), "andere");
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    assert_int_equal(server_calls(&stores->server, ""), 3);
    assert_int_equal(server_calls(&stores->server, "POST /api/v1/auth/universal-auth/login"), 1);
    assert_int_equal(server_calls(&stores->server, "GET /api/v1/projects/slug/homelab-prod"), 1);
    assert_int_equal(server_calls(&stores->server, "GET /api/v4/secrets"), 1);
    /* Asked for afresh it is one call more, and what it tells is kept. */
    infisical_put(&stores->infisical, "prod /netbird KEY", "geheim-2");
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    assert_string_equal(read_place(stores, &place, true, &err), "geheim-2");
    assert_string_equal(read_place(stores, &place, false, &err), "geheim-2");
    infisical_put(&stores->infisical, "prod /netbird KEY", NULL);
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_string_equal(read_place(stores, &place, false, &err), "(none)");
    assert_int_equal(server_calls(&stores->server, "GET /api/v4/secrets/KEY"), 2);
}

static void a_missing_folder_is_no_error(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    struct hl_infisical_secret secret;

    assert_true(hl_infisical_read(&stores->store, stores->world->arena, &place, false, &secret, &err));
    assert_false(secret.folder_exists);
    assert_null(secret.value);
    assert_true(hl_infisical_read(&stores->store, stores->world->arena, &place, true, &secret, &err));
    assert_null(secret.value);
    assert_true(hl_infisical_remove(&stores->store, &place, &err));
}

static void an_ended_token_is_replaced_once(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    infisical_put(&stores->infisical, "prod /netbird KEY", "geheim");
    assert_string_equal(read_place(stores, &place, true, &err), "geheim");
    snprintf(stores->infisical.token, sizeof stores->infisical.token, "ended"); /* the server knows it no more */
    assert_string_equal(read_place(stores, &place, true, &err), "geheim");
    assert_int_equal(stores->infisical.logins, 2);
    /* A server that refuses every token is asked twice, and not in a loop. */
    server_forget(&stores->server);
    stores->server.fault =
        (struct fault){.call = "GET /api/v4", .times = 100, .status = 401, .body = "{\"message\":\"Token revoked\",\"error\":\"Unauthorized\"}"};
    assert_null(read_place(stores, &place, true, &err));
    assert_error(&err, HL_E_AUTH, "Token revoked");
    assert_int_equal(server_calls(&stores->server, "GET /api/v4/secrets/KEY"), 2);
    assert_int_equal(stores->infisical.logins, 3);
}

static void a_token_about_to_end_is_replaced(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->infisical.ttl_s = 1; /* of a second, two thirds are used */
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    const int before = stores->infisical.logins;
    usleep(1100 * 1000);
    assert_string_equal(read_place(stores, &place, true, &err), "(none)");
    assert_int_equal(stores->infisical.logins, before + 1);
    assert_int_equal(server_calls(&stores->server, "POST /api/v1/auth/token/renew"), 0);
}

static void wrong_credentials_are_tried_once(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    assert_true(stores_open(stores, "\"project\":\"homelab-prod\",\"environment\":\"prod\",\"client_id\":\"client\",\"client_secret\":\"wrong\"", &err));
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_AUTH, "Invalid credentials");
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_AUTH, "has refused client_id and client_secret of provider 'infisical' in this run already");
    assert_int_equal(stores->infisical.logins, 1);
}

static void projects_by_slug_and_id(void **state)
{
    static const struct hl_infisical_place by_id = {.project = INFISICAL_PROJECT, .path = "/netbird", .key = "KEY"};
    static const struct hl_infisical_place unknown = {.project = "homelab-test", .path = "/", .key = "KEY"};
    static const struct hl_infisical_place foreign = {.project = "foreign", .path = "/", .key = "KEY"};
    static const struct hl_infisical_place environment = {.environment = "prd", .path = "/", .key = "KEY"};
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    infisical_put(&stores->infisical, "prod /netbird KEY", "geheim");
    assert_string_equal(read_place(stores, &by_id, false, &err), "geheim");
    assert_null(read_place(stores, &unknown, false, &err));
    assert_error(&err, HL_E_NOT_FOUND, "has no project 'homelab-test'");
    assert_null(read_place(stores, &foreign, false, &err));
    assert_error(&err, HL_E_AUTH, "add the machine identity to the project");
    assert_null(read_place(stores, &environment, false, &err));
    assert_error(&err, HL_E_NOT_FOUND, "project 'homelab-prod' has no environment 'prd' (it has dev, prod; the environment's slug counts, not its name)");
    assert_true(stores_open(stores, "\"client_id\":\"client\",\"client_secret\":\"geheim-geheim\"", &err));
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_SPEC, "nothing says which project of Infisical is meant");
}

static void older_servers_are_understood(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->infisical.old = true;
    stores->infisical.lists_nothing = true;
    assert_string_equal(read_place(stores, &place, false, &err), "(none)");
    assert_true(write_place(stores, &place, "geheim", &err));
    assert_string_equal(infisical_value(&stores->infisical, "prod /netbird KEY"), "geheim");
    assert_true(write_place(stores, &place, "geheim-2", &err));
    assert_string_equal(infisical_value(&stores->infisical, "prod /netbird KEY"), "geheim-2");
    assert_string_equal(read_place(stores, &place, true, &err), "geheim-2");
    assert_true(hl_infisical_remove(&stores->store, &place, &err));
    assert_null(infisical_value(&stores->infisical, "prod /netbird KEY"));
    /* Asked once what it does not know. */
    assert_int_equal(server_calls(&stores->server, "GET /api/v4/secrets") + server_calls(&stores->server, "POST /api/v4/secrets"), 1);
    assert_int_equal(server_calls(&stores->server, "POST /api/v2/folders"), 1);
    assert_int_equal(server_calls(&stores->server, "POST /api/v1/folders"), 1);
}

static void service_tokens_stay_in_their_scope(void **state)
{
    static const struct hl_infisical_place elsewhere = {.path = "/other", .key = "KEY"};
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->infisical.service = "/netbird";
    infisical_put(&stores->infisical, "prod /netbird KEY", "geheim");
    assert_true(stores_open(stores, "\"environment\":\"prod\",\"token\":\"st.1.2.3\"", &err));
    assert_string_equal(read_place(stores, &place, false, &err), "geheim");
    /* The server would answer with the secrets of /netbird. */
    assert_null(read_place(stores, &elsewhere, false, &err));
    assert_error(&err, HL_E_AUTH, "is for '/netbird' in environment 'prod' alone, not for '/other'");
    assert_int_equal(stores->infisical.logins, 0);
    assert_true(stores_open(stores, "\"environment\":\"prod\",\"token\":\"st.9.9.9\"", &err));
    assert_null(read_place(stores, &place, false, &err));
    assert_error(&err, HL_E_AUTH, "has ended or was revoked: give it a new one");
}

static void waits_as_long_as_it_is_asked_to(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    assert_string_equal(read_place(stores, &place, false, &err), "(none)");
    stores->server.fault = (struct fault){.call = "POST /api/v4/secrets/KEY",
                                          .times = 4, /* as often as the transport tries by itself */
                                          .status = 429,
                                          .headers = "Retry-After: 1\r\n",
                                          .body = "{\"reqId\":\"r\",\"message\":\"Rate limit exceeded\",\"error\":\"RateLimitExceeded\"}"};
    assert_true(write_place(stores, &place, "geheim", &err));
    assert_string_equal(infisical_value(&stores->infisical, "prod /netbird KEY"), "geheim");
}

static void what_is_no_infisical_is_never_absent(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum hl_code code;
        const char *words;
    } rows[] = {
        {404, "<html>not found</html>", HL_E_UNREACHABLE, "an HTML page"},
        {200, "<html>welcome</html>", HL_E_UNREACHABLE, "is not Infisical's: no JSON object"},
        {200, "[]", HL_E_UNREACHABLE, "is not Infisical's"},
        {200, "{}", HL_E_UNREACHABLE, "a list of secrets without 'secrets'"},
        {200, "{\"secrets\":null}", HL_E_UNREACHABLE, "without 'secrets'"},
        {200, "", HL_E_UNREACHABLE, "is not Infisical's"},
        {301, "", HL_E_REJECTED, "redirects are not followed"},
        {500, "{\"message\":\"Something went wrong\"}", HL_E_UNREACHABLE, "Something went wrong"},
        {403, "{\"reqId\":\"r\",\"error\":\"PermissionDenied\",\"message\":\"You are not allowed to read on secrets\",\"details\":[]}", HL_E_AUTH,
         "You are not allowed to read on secrets (the machine identity lacks the right"},
        {422, "{\"reqId\":\"r\",\"error\":\"ValidationFailure\",\"message\":[{\"path\":[\"secretPath\"],\"message\":\"Bad path\"}]}", HL_E_REJECTED,
         "Bad path"},
        {404, "{\"reqId\":\"r\",\"error\":\"NotFound\",\"message\":\"Project with ID 'x' not found\"}", HL_E_NOT_FOUND, "Project with ID"},
    };
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        assert_true(stores_open(stores, NULL, &err));
        stores->server.fault = (struct fault){.call = "GET /api/v4/secrets", .times = 10, .status = rows[i].status, .body = rows[i].body};
        assert_null(read_place(stores, &place, false, &err));
        assert_error(&err, rows[i].code, rows[i].words);
    }
}

static void odd_lists_are_read(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;

    stores->server.fault = (struct fault){
        .call = "GET /api/v4/secrets",
        .times = 1,
        .status = 200,
        .body = "{\"secrets\":[null,{},{\"secretKey\":5},{\"secretKey\":\"KEY\",\"type\":\"personal\",\"secretValue\":\"mine\"},"
                "{\"secretKey\":\"KEY\",\"type\":\"shared\",\"secretValue\":\"ours\",\"secretComment\":null,\"isRotatedSecret\":null}],\"imports\":null}"};
    assert_string_equal(read_place(stores, &place, false, &err), "ours");
}

static void tells_doctor(void **state)
{
    struct stores *stores = *state;
    struct hl_error *err = NULL;
    hl_auto(text) struct hl_text report = HL_TEXT_INIT(HL_MAX_OUTPUT);

    assert_true(stores->store.type->verbs->ready(&stores->store, &report, &err));
    assert_has(hl_text_get(&report), "Infisical answers at http://127.0.0.1:");
    assert_has(hl_text_get(&report), "signed in as a machine identity, without an end");
    assert_has(hl_text_get(&report), "project homelab-prod (" INFISICAL_PROJECT "), environments dev, prod");
    assert_true(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    stores->server.fault = (struct fault){.call = "GET /api/status", .times = 10, .status = 502, .body = "<html>bad gateway</html>"};
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_UNREACHABLE, "HTML");
    stores->server.fault = (struct fault){.call = "GET /api/status", .times = 10, .status = 404, .body = "{}"};
    assert_false(stores->store.type->verbs->ready(&stores->store, NULL, &err));
    assert_error(&err, HL_E_UNREACHABLE, "404");
}

int hl_test_infisical(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_are_checked, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(one_list_and_one_login_a_run, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_no_error, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(an_ended_token_is_replaced_once, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(a_token_about_to_end_is_replaced, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(wrong_credentials_are_tried_once, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(projects_by_slug_and_id, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(older_servers_are_understood, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(service_tokens_stay_in_their_scope, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(waits_as_long_as_it_is_asked_to, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_infisical_is_never_absent, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(odd_lists_are_read, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(tells_doctor, infisical_setup, stores_teardown),
    };

    return cmocka_run_group_tests_name("stores: infisical", tests, NULL, NULL);
}
