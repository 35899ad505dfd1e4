/* The body of a creation, and the law that what is created comes back as it was said. */
#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/spec.h"

#include <string.h>

static struct hl_value *body_of(struct hl_arena *arena, const struct hl_value *desired, int minor)
{
    const struct hl_container_spec spec = {.desired = desired, .resource = "web", .base = "/srv/spec", .home = "/root", .minor = minor};

    return hl_container_body(arena, &spec);
}

struct row {
    const char *yaml, *path, *expected;
};

static void check_rows(const struct row *rows, size_t count, int minor)
{
    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *yaml = hl_arena_printf(arena, "{image: a, %s}", rows[i].yaml);
        const struct hl_value *body = body_of(arena, hl_body(arena, "container", yaml, NULL), minor);
        const char *at = rows[i].path;
        const char *slash;
        /* Keys may have dots, so the path is cut at '>'. */
        for (; body != NULL && (slash = strchr(at, '>')) != NULL; at = slash + 1)
            body = hl_value_get(body, hl_arena_copy(arena, at, (size_t)(slash - at)));
        hl_expect_text(rows[i].yaml, rows[i].expected, hl_shown(arena, hl_value_get(body, at)));
    }
    hl_expect_end();
}

static void each_field_has_its_place(void **state)
{
    static const struct row rows[] = {
        {"", "Image", "\"a\""},
        {"", "HostConfig>NetworkMode", "\"bridge\""},
        {"", "HostConfig>RestartPolicy", "{\"MaximumRetryCount\":0,\"Name\":\"no\"}"},
        {"restart: 'on-failure:3'", "HostConfig>RestartPolicy", "{\"MaximumRetryCount\":3,\"Name\":\"on-failure\"}"},
        {"environment: {A: 1, B: '', NOBODYS: }", "Env", "[\"A=1\",\"B=\"]"},
        {"ports: ['127.0.0.1:8080:80', '8081:80', '53/udp']", "HostConfig>PortBindings",
         "{\"53/udp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}],\"80/"
         "tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"},{\"HostIp\":\"\",\"HostPort\":\"8081\"}]}"},
        {"ports: ['8081:80'], expose: [90]", "ExposedPorts", "{\"80/tcp\":{},\"90/tcp\":{}}"},
        {"volumes: [{type: bind, source: ../x, target: /x, read_only: true}]", "HostConfig>Mounts",
         "[{\"ReadOnly\":true,\"Source\":\"/srv/x\",\"Target\":\"/x\",\"Type\":\"bind\"}]"},
        {"volumes: ['~/x:/x']", "HostConfig>Binds", "[\"/root/x:/x:rw\"]"},
        {"volumes: ['./x:/x:ro,Z,rslave']", "HostConfig>Binds", "[\"/srv/spec/x:/x:ro,Z,rslave\"]"},
        {"volumes: ['data:/d:nocopy', /anon]", "HostConfig>Mounts",
         "[{\"Source\":\"proj_data\",\"Target\":\"/d\",\"Type\":\"volume\",\"VolumeOptions\":{\"NoCopy\":true}},{\"Target\":\"/anon\",\"Type\":\"volume\"}]"},
        {"volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 1777}}]", "HostConfig>Mounts",
         "[{\"Target\":\"/t\",\"TmpfsOptions\":{\"Mode\":1023,\"SizeBytes\":1048576},\"Type\":\"tmpfs\"}]"},
        {"tmpfs: [/run, '/t:size=1m']", "HostConfig>Tmpfs", "{\"/run\":\"\",\"/t\":\"size=1m\"}"},
        {"networks: {back: {aliases: [x], ipv4_address: 10.0.0.2}}", "HostConfig>NetworkMode", "\"proj_back\""},
        {"networks: {back: {aliases: [x], ipv4_address: 10.0.0.2}}", "NetworkingConfig>EndpointsConfig",
         "{\"proj_back\":{\"Aliases\":[\"x\",\"web\"],\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.2\"}}}"},
        {"networks: {one: {}, two: {priority: 10}}", "NetworkingConfig>EndpointsConfig", "{\"two\":{\"Aliases\":[\"web\"]}}"},
        {"network_mode: 'service:vpn'", "HostConfig>NetworkMode", "\"container:f00df00df00d\""},
        {"network_mode: 'container:other'", "HostConfig>NetworkMode", "\"container:other\""},
        {"network_mode: default", "HostConfig>NetworkMode", "\"bridge\""},
        {"healthcheck: {test: x, interval: 10s, start_interval: 1s}", "Healthcheck", "{\"Interval\":10000000000,\"Test\":[\"CMD-SHELL\",\"x\"]}"},
        {"cpus: 0.5, mem_limit: 64m, memswap_limit: -1", "HostConfig>NanoCpus", "500000000"},
        {"cpus: 0.5, mem_limit: 64m, memswap_limit: -1", "HostConfig>MemorySwap", "-1"},
        {"extra_hosts: ['d:1.1.1.1', 'd:2.2.2.2']", "HostConfig>ExtraHosts", "[\"d:1.1.1.1\",\"d:2.2.2.2\"]"},
        {"stop_grace_period: 1m", "StopTimeout", "60"},
        {"labels: {a: b, c: }", "Labels", "{\"a\":\"b\",\"c\":\"\"}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), 41);
}

static void newer_engines_take_more(void **state)
{
    static const struct row rows[] = {
        {"networks: {one: {}, two: {priority: 10}}", "NetworkingConfig>EndpointsConfig", "{\"one\":{\"Aliases\":[\"web\"]},\"two\":{\"Aliases\":[\"web\"]}}"},
        {"volumes: ['/x:/x']", "HostConfig>Mounts", "[{\"BindOptions\":{\"CreateMountpoint\":true},\"Source\":\"/x\",\"Target\":\"/x\",\"Type\":\"bind\"}]"},
        {"healthcheck: {test: x, start_interval: 1s}", "Healthcheck", "{\"StartInterval\":1000000000,\"Test\":[\"CMD-SHELL\",\"x\"]}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), 44);
}

static void nameless_volumes_are_gone_on_with(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *desired = hl_body(arena, "container", "{image: a, volumes: [/anon]}", NULL);
    const struct hl_container_spec spec = {
        .desired = desired, .resource = "web", .inherited = hl_parse(arena, "{\"/anon\": \"aa\", \"/image\": \"bb\"}"), .base = "/", .minor = 41};

    (void)state;
    hl_expect_text("mounts", "[{\"Source\":\"aa\",\"Target\":\"/anon\",\"Type\":\"volume\"},{\"Source\":\"bb\",\"Target\":\"/image\",\"Type\":\"volume\"}]",
                   hl_shown(arena, hl_value_find_path(hl_container_body(arena, &spec), "HostConfig.Mounts")));
    hl_expect_end();
}

/* What the engine would tell of a container made from the body, if it added nothing. */
static struct hl_value *inspection_of(struct hl_arena *arena, struct hl_value *body)
{
    struct hl_value *inspection = hl_parse(arena, "{\"Id\": \"c0ffee\", \"Name\": \"/web\", \"Image\": \"sha256:1\", \"State\": {\"Status\": \"running\"}}");
    struct hl_value *settings = hl_value_map(arena);

    hl_value_map_put(settings, "Networks", hl_value_find_path(body, "NetworkingConfig.EndpointsConfig"));
    hl_value_map_put(inspection, "NetworkSettings", settings);
    hl_value_map_put(inspection, "HostConfig", hl_value_get(body, "HostConfig"));
    hl_value_map_put(inspection, "Config", body);
    return inspection;
}

static void what_is_created_comes_back_as_it_was_said(void **state)
{
    static const struct {
        const char *yaml, *field;
    } rows[] = {
        {"platform: linux/amd64", "platform"},
        {"command: [a, b]", "command"},
        {"entrypoint: [a]", "entrypoint"},
        {"entrypoint: ['']", "entrypoint"},
        {"environment: {A: 1, B: 'x=y'}", "environment"},
        {"ports: ['127.0.0.1:1:1', '2:2/udp', 3]", "ports"},
        {"expose: [3000]", "expose"},
        {"volumes: ['data:/d:ro', {type: bind, source: ./x, target: /x}, /anon, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]", "volumes"},
        {"volumes: [{type: bind, source: /x, target: /x, bind: {selinux: z, propagation: rslave}}]", "volumes"},
        {"tmpfs: ['/run:size=1m']", "tmpfs"},
        {"networks: {back: {aliases: [x], ipv4_address: 10.0.0.2}}", "networks"},
        {"network_mode: host", "network_mode"},
        {"network_mode: 'service:vpn'", "network_mode"},
        {"network_mode: 'service:vpn'", "joins"},
        {"healthcheck: {test: x, interval: 10s, retries: 5}", "healthcheck"},
        {"healthcheck: {disable: true}", "healthcheck"},
        {"restart: 'on-failure:3'", "restart"},
        {"labels: {a: b}", "labels"},
        {"user: '1000'", "user"},
        {"working_dir: /w", "working_dir"},
        {"hostname: h, domainname: d", "hostname"},
        {"hostname: h, domainname: d", "domainname"},
        {"extra_hosts: ['d:1.1.1.1', 'd:2.2.2.2', 'e:::1']", "extra_hosts"},
        {"dns: 1.1.1.1", "dns"},
        {"cap_add: [net_admin]", "cap_add"},
        {"devices: ['/dev/a:/dev/b:r']", "devices"},
        {"sysctls: {net.ipv4.ip_forward: 1}", "sysctls"},
        {"ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits"},
        {"security_opt: ['no-new-privileges:true']", "security_opt"},
        {"privileged: true", "privileged"},
        {"init: true", "init"},
        {"stop_signal: SIGINT", "stop_signal"},
        {"stop_grace_period: 90s", "stop_grace_period"},
        {"mem_limit: 64m, memswap_limit: 128m", "mem_limit"},
        {"mem_limit: 64m, memswap_limit: 128m", "memswap_limit"},
        {"cpus: 1.5", "cpus"},
        {"cpuset: 0-1", "cpuset"},
        {"pids_limit: 10", "pids_limit"},
        {"shm_size: 128m", "shm_size"},
        {"logging: {driver: local, options: {max-size: 1m}}", "logging"},
        {"pid: host", "pid"},
        {"ipc: private", "ipc"},
        {"group_add: [x]", "group_add"},
        {"tty: true", "tty"},
        {"runtime: runc", "runtime"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_value *desired = hl_body(arena, "container", hl_arena_printf(arena, "{image: a, %s}", rows[i].yaml), NULL);
        static const unsigned char key[HL_KEY_BYTES] = {1};
        const struct hl_container_view view = {.arena = arena,
                                               .inspection = inspection_of(arena, body_of(arena, desired, 44)),
                                               .image = hl_parse(arena, "{\"Os\": \"linux\", \"Architecture\": \"amd64\", \"Config\": {}}"),
                                               .desired = desired,
                                               .resource = "web",
                                               .key = key,
                                               .base = "/srv/spec",
                                               .home = "/root"};
        hl_expect_text(rows[i].yaml, hl_shown(arena, hl_value_get(desired, rows[i].field)),
                       hl_shown(arena, hl_value_get(hl_container_live(&view), rows[i].field)));
    }
    hl_expect_end();
}

static void paths_of_the_host_become_absolute(void **state)
{
    static const struct {
        const char *source, *expected;
    } rows[] = {{"./a", "/srv/spec/a"}, {"../a", "/srv/a"}, {"../../../a", "/a"}, {"/a//b/../c/.", "/a/c"},
                {"~", "/root"},         {"~/x", "/root/x"}, {".", "/srv/spec"},   {"/", "/"}};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_expect_text(rows[i].source, rows[i].expected, hl_container_host_path(arena, "/srv/spec", "/root", rows[i].source));
    }
    hl_expect_end();
}

int hl_test_body(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_has_its_place),          cmocka_unit_test(newer_engines_take_more),
        cmocka_unit_test(nameless_volumes_are_gone_on_with), cmocka_unit_test(what_is_created_comes_back_as_it_was_said),
        cmocka_unit_test(paths_of_the_host_become_absolute),
    };

    return cmocka_run_group_tests_name("docker/body", tests, NULL, NULL);
}
