#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/network.h"

static void networks_are_decoded_and_checked(void **state)
{
    static const struct {
        const char *yaml, *expected, *findings;
    } rows[] = {
        {"{}", "{\"name\":\"it\"}", ""},
        {"{subnet: 172.30.0.7/24, ip_range: 172.30.0.200/25}", "{\"ip_range\":\"172.30.0.128/25\",\"name\":\"it\",\"subnet\":\"172.30.0.0/24\"}", ""},
        {"{subnet: 'FD00:0::1/64'}", "{\"name\":\"it\",\"subnet\":\"fd00::/64\"}", ""},
        {"{subnet: 172.30.0.0}", NULL, "'172.30.0.0' is no range of addresses: write one like 172.30.0.0/24\n"},
        {"{subnet: 172.30.0.0/33}", NULL, "'172.30.0.0/33' is no range of addresses: write one like 172.30.0.0/24\n"},
        {"{gateway: 1.2.3.4}", NULL, "'gateway' needs 'subnet'\n"},
        {"{external: true}", NULL, "compose's 'external' is not supported (what the spec does not declare is taken as it is in Docker: drop this block)\n"},
        {"{subnet: 10.0.0.0/24, ipam: {config: [{subnet: 10.0.1.0/24}]}}", NULL, "'subnet' and 'ipam.config' say the same thing twice\n"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *findings = "";
        const struct hl_value *body = hl_body(arena, "network", rows[i].yaml, &findings);
        hl_expect_text(rows[i].yaml, rows[i].findings, findings);
        if (rows[i].expected != NULL)
            hl_expect_text(rows[i].yaml, rows[i].expected, hl_shown(arena, body));
    }
    hl_expect_end();
}

static void bodies_are_what_the_engine_takes(void **state)
{
    static const struct {
        const char *yaml, *path, *expected;
    } rows[] = {
        {"{}", "IPAM", "{\"Driver\":\"default\"}"},
        {"{}", "CheckDuplicate", "true"},
        {"{name: other}", "Name", "\"other\""},
        {"{subnet: 10.0.0.0/24, gateway: 10.0.0.9}", "IPAM", "{\"Config\":[{\"Gateway\":\"10.0.0.9\",\"Subnet\":\"10.0.0.0/24\"}],\"Driver\":\"default\"}"},
        {"{ipam: {driver: x, config: [{subnet: 10.0.0.0/24}, {subnet: 'fd00::/64'}]}}", "IPAM",
         "{\"Config\":[{\"Subnet\":\"10.0.0.0/24\"},{\"Subnet\":\"fd00::/64\"}],\"Driver\":\"x\"}"},
        {"{driver: macvlan, driver_opts: {parent: eth0}}", "Options", "{\"parent\":\"eth0\"}"},
    };
    static const struct hl_run run = {.stack = "home", .state_id = "1", .key = {1}};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_session session = {.run = &run};
        const struct hl_op op = {.session = &session,
                                 .name = "it",
                                 .address = "network.it",
                                 .operation = "uuid",
                                 .desired = hl_body(arena, "network", rows[i].yaml, NULL),
                                 .arena = arena};
        hl_expect_text(rows[i].yaml, rows[i].expected, hl_shown(arena, hl_value_get(hl_network_body(&op), rows[i].path)));
    }
    hl_expect_end();
}

static void live_networks_speak_short_and_long(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *live = hl_network_live(
        arena,
        hl_parse(
            arena,
            "{\"Id\":\"n1\",\"Name\":\"it\",\"Driver\":\"bridge\",\"EnableIPv6\":true,\"Internal\":false,\"Attachable\":false,\"Options\":{},"
            "\"IPAM\":{\"Driver\":\"default\",\"Options\":null,\"Config\":[{\"Subnet\":\"fd00::/64\"},{\"Subnet\":\"10.0.0.5/24\",\"Gateway\":\"10.0.0.1\"}]},"
            "\"Labels\":{\"a\":\"b\",\"hlrec.stack\":\"x\"}}"));

    (void)state;
    hl_expect_text("live",
                   "{\"attachable\":false,\"driver\":\"bridge\",\"enable_ipv6\":true,\"gateway\":\"10.0.0.1\",\"id\":\"n1\",\"internal\":false,"
                   "\"ipam\":{\"config\":[{\"subnet\":\"fd00::/64\"},{\"gateway\":\"10.0.0.1\",\"subnet\":\"10.0.0.0/24\"}],\"driver\":\"default\"},"
                   "\"labels\":{\"a\":\"b\"},\"name\":\"it\",\"subnet\":\"10.0.0.0/24\"}",
                   hl_shown(arena, live));
    hl_expect_end();
}

int hl_test_network(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_decoded_and_checked),
        cmocka_unit_test(bodies_are_what_the_engine_takes),
        cmocka_unit_test(live_networks_speak_short_and_long),
    };

    return cmocka_run_group_tests_name("docker/network", tests, NULL, NULL);
}
