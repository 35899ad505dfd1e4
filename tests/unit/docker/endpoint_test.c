#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/client.h"
#include "reconcile/providers/docker/endpoint.h"

static void settings_go_before_the_environment(void **state)
{
    static const struct {
        const char *label, *settings;
        const char *environment[5];
        const char *expected;
    } rows[] = {
        {"nothing", NULL, {NULL}, "unix:///var/run/docker.sock - -"},
        {"environment", NULL, {"DOCKER_HOST=unix:///run/x.sock", NULL}, "unix:///run/x.sock - -"},
        {"settings", "{\"host\":\"unix:///own.sock\"}", {"DOCKER_HOST=unix:///run/x.sock", NULL}, "unix:///own.sock - -"},
        {"plain path", "{\"host\":\"/own.sock\"}", {NULL}, "unix:///own.sock - -"},
        {"tcp", "{\"host\":\"tcp://nas\"}", {NULL}, "http://nas:2375 - -"},
        {"tls", "{\"host\":\"tcp://nas\",\"tls\":{\"ca\":\"ca.pem\",\"cert\":\"/c.pem\",\"key\":\"k.pem\"}}", {NULL}, "https://nas:2376 /srv/ca.pem /c.pem"},
        {"ipv6", "{\"host\":\"tcp://[::1]\"}", {NULL}, "http://[::1]:2375 - -"},
        {"tls of the environment",
         NULL,
         {"DOCKER_HOST=tcp://nas:1", "DOCKER_TLS_VERIFY=1", "HOME=/root", NULL},
         "https://nas:1 /root/.docker/ca.pem /root/.docker/cert.pem"},
        {"tls of the environment is not for the spec's host", "{\"host\":\"tcp://nas:1\"}", {"DOCKER_TLS_VERIFY=1", "HOME=/root", NULL}, "http://nas:1 - -"},
        {"ssh", "{\"host\":\"ssh://nas\"}", {NULL}, "the Docker host 'ssh://nas' is of no form that can be used"},
        {"key missing", "{\"host\":\"tcp://nas\",\"tls\":{\"cert\":\"c\"}}", {NULL}, "the Docker host 'tcp://nas' needs `cert` and `key` together"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        const struct hl_run run = {.base = "/srv", .environment = rows[i].environment};
        struct hl_docker_endpoint endpoint;
        const char *found = NULL;
        if (hl_docker_endpoint(arena, &run, rows[i].settings != NULL ? hl_parse(arena, rows[i].settings) : NULL, &endpoint, &err))
            found = hl_arena_printf(arena, "%s %s %s", endpoint.url, endpoint.ca != NULL ? endpoint.ca : "-", endpoint.cert != NULL ? endpoint.cert : "-");
        hl_expect_text(rows[i].label, rows[i].expected, found != NULL ? found : err->message);
    }
    hl_expect_end();
}

static void versions_are_numbers_not_text(void **state)
{
    int minor = 0;

    (void)state;
    assert_true(hl_docker_parse_version("1.9", &minor));
    assert_int_equal(minor, 9);
    assert_true(hl_docker_parse_version("1.41", &minor));
    assert_int_equal(minor, 41);
    assert_false(hl_docker_parse_version("2.0", &minor));
    assert_false(hl_docker_parse_version("1.x", &minor));
    assert_false(hl_docker_parse_version(NULL, &minor));
}

int hl_test_endpoint(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_go_before_the_environment),
        cmocka_unit_test(versions_are_numbers_not_text),
    };

    return cmocka_run_group_tests_name("docker/endpoint", tests, NULL, NULL);
}
