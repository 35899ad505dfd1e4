/* Networks, namespaces and ports of a live container. */
#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/container/live.h"

struct row {
    const char *label;
    const char *host, *networks; /* JSON: members of HostConfig; NetworkSettings.Networks */
    const char *desired;         /* a body, or "" for import */
    const char *field, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    static const unsigned char key[HL_KEY_BYTES] = {1};

    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_map *names = hl_map_new(arena);
        struct hl_map *networks = hl_map_new(arena);
        hl_map_put(names, "1111", (void *)"vpn");
        hl_map_put(networks, "back", (void *)"net1");
        const struct hl_container_view view = {
            .arena = arena,
            .inspection =
                hl_parse(arena, hl_arena_printf(arena,
                                                "{\"Id\":\"0123456789abcdef\",\"Name\":\"/proj-web\",\"Config\":{\"Hostname\":\"h\"},\"HostConfig\":{%s},"
                                                "\"NetworkSettings\":{\"Networks\":{%s}}}",
                                                rows[i].host, rows[i].networks)),
            .image = hl_parse(arena, "{\"Config\":{}}"),
            .desired = *rows[i].desired != '\0' ? hl_body(arena, "container", rows[i].desired, NULL) : NULL,
            .resource = "web",
            .names = names,
            .networks = networks,
            .key = key,
        };
        hl_expect_text(rows[i].label, rows[i].expected, hl_shown(arena, hl_value_get(hl_container_live(&view), rows[i].field)));
    }
    hl_expect_end();
}

static void names_that_every_container_has_are_no_aliases(void **state)
{
    static const struct row rows[] = {
        {"short id, host name, own name, resource's name", "\"NetworkMode\":\"back\"",
         "\"back\":{\"NetworkID\":\"net1\",\"Aliases\":[\"x\",\"0123456789ab\",\"h\",\"proj-web\",\"web\",\"x\"]}", "{image: a}", "networks",
         "{\"back\":{\"aliases\":[\"x\"]}}"},
        {"unless they are asked for", "\"NetworkMode\":\"back\"", "\"back\":{\"NetworkID\":\"net1\",\"Aliases\":[\"web\",\"0123456789ab\"]}",
         "{image: a, networks: {back: {aliases: [web]}}}", "networks", "{\"back\":{\"aliases\":[\"web\"]}}"},
        {"none at all", "\"NetworkMode\":\"back\"", "\"back\":{\"NetworkID\":\"net1\",\"Aliases\":null,\"IPAMConfig\":null}", "", "networks", "{\"back\":{}}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void endpoints_are_what_was_asked_for(void **state)
{
    static const struct row rows[] = {
        {"fixed address", "\"NetworkMode\":\"back\"",
         "\"back\":{\"NetworkID\":\"net1\",\"IPAddress\":\"10.0.0.9\",\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"}}", "", "networks",
         "{\"back\":{\"ipv4_address\":\"10.0.0.9\"}}"},
        {"an address that was given out is none", "\"NetworkMode\":\"back\"", "\"back\":{\"NetworkID\":\"net1\",\"IPAddress\":\"10.0.0.9\",\"IPAMConfig\":{}}",
         "", "networks", "{\"back\":{}}"},
        {"a network that was deleted and made again", "\"NetworkMode\":\"back\"", "\"back\":{\"NetworkID\":\"gone\"}", "", "networks", "null"},
        {"never started", "\"NetworkMode\":\"back\"", "\"back\":{\"NetworkID\":\"\"}", "", "networks", "{\"back\":{}}"},
        {"addresses", "\"NetworkMode\":\"back\"", "\"a\":{\"IPAddress\":\"1.1.1.1\"},\"back\":{\"NetworkID\":\"net1\",\"IPAddress\":\"10.0.0.9\"}", "",
         "ip_address", "\"10.0.0.9\""},
        {"the default bridge is no network of the spec", "\"NetworkMode\":\"default\"", "\"bridge\":{\"NetworkID\":\"b\"}", "", "networks", "null"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void the_default_network_goes_by_many_names(void **state)
{
    static const struct row rows[] = {
        {"silence", "\"NetworkMode\":\"default\"", "", "{image: a}", "network_mode", "null"},
        {"bridge", "\"NetworkMode\":\"default\"", "", "{image: a, network_mode: bridge}", "network_mode", "\"bridge\""},
        {"default", "\"NetworkMode\":\"bridge\"", "", "{image: a, network_mode: default}", "network_mode", "\"default\""},
        {"a network is no mode", "\"NetworkMode\":\"back\"", "", "{image: a, networks: [back]}", "network_mode", "null"},
        {"host", "\"NetworkMode\":\"host\"", "", "{image: a}", "network_mode", "\"host\""},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void shared_namespaces_are_known_by_id(void **state)
{
    static const struct row rows[] = {
        {"of the spec", "\"NetworkMode\":\"container:f00df00df00d\"", "", "{image: a, network_mode: 'service:vpn'}", "network_mode", "\"service:vpn\""},
        {"its id", "\"NetworkMode\":\"container:f00df00df00d\"", "", "{image: a, network_mode: 'service:vpn'}", "joins", "{\"network\":\"f00df00df00d\"}"},
        {"outside of the spec", "\"NetworkMode\":\"container:1111\"", "", "", "network_mode", "\"container:vpn\""},
        {"gone", "\"PidMode\":\"container:2222222222222222\"", "", "{image: a, pid: 'container:other'}", "pid", "\"container:222222222222\""},
        {"ipc of the host", "\"IpcMode\":\"host\"", "", "", "ipc", "\"host\""},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void ports_are_those_that_were_asked_for(void **state)
{
    static const struct row rows[] = {
        {"all forms",
         "\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}],\"53/UDP\":[{\"HostIp\":\"1.2.3.4\",\"HostPort\":\"\"}],\"90\":null}", "", "",
         "ports", "[{\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80},{\"host_ip\":\"1.2.3.4\",\"protocol\":\"udp\",\"target\":53}]"},
        {"hosts", "\"ExtraHosts\":[\"a:1.1.1.1\",\"a:2.2.2.2\",\"b:::1\"]", "", "", "extra_hosts", "{\"a\":\"1.1.1.1,2.2.2.2\",\"b\":\"::1\"}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

int hl_test_live_network(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_every_container_has_are_no_aliases), cmocka_unit_test(endpoints_are_what_was_asked_for),
        cmocka_unit_test(the_default_network_goes_by_many_names),        cmocka_unit_test(shared_namespaces_are_known_by_id),
        cmocka_unit_test(ports_are_those_that_were_asked_for),
    };

    return cmocka_run_group_tests_name("docker/live_network", tests, NULL, NULL);
}
