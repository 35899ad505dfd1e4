/* What the engine tells, in the shape of the table: without what the image or the engine itself put there. */
#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/container/container.h"
#include "reconcile/providers/docker/container/live.h"

static const char image[] = "{\"Id\":\"sha256:1\",\"Os\":\"linux\",\"Architecture\":\"arm64\",\"Variant\":\"v8\",\"Config\":{\"Env\":[\"PATH=/bin\",\"V=1\"],"
                            "\"Cmd\":[\"serve\"],\"Entrypoint\":[\"/init\"],\"User\":\"app\",\"WorkingDir\":\"/app\",\"StopSignal\":\"SIGQUIT\","
                            "\"Labels\":{\"made-by\":\"me\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/image\":{}},"
                            "\"Healthcheck\":{\"Test\":[\"CMD\",\"probe\"],\"Interval\":5000000000}}}";

struct row {
    const char *label;
    const char *config, *host; /* JSON members of Config and HostConfig */
    const char *desired;       /* a body, or "" for import */
    const char *field, *expected;
};

static const struct hl_value *live_field(struct hl_arena *arena, const struct row *row, bool with_image)
{
    static const unsigned char key[HL_KEY_BYTES] = {1};
    const struct hl_container_view view = {
        .arena = arena,
        .inspection =
            hl_parse(arena, hl_arena_printf(arena,
                                            "{\"Id\":\"0123456789abcdef\",\"Name\":\"/web\",\"Image\":\"sha256:1\",\"State\":{\"Status\":\"running\"},"
                                            "\"Config\":{%s},\"HostConfig\":{%s}}",
                                            row->config, row->host)),
        .image = with_image ? hl_parse(arena, image) : NULL,
        .desired = *row->desired != '\0' ? hl_body(arena, "container", row->desired, NULL) : NULL,
        .resource = "web",
        .key = key,
        .base = "/srv",
        .desired_image_id = "sha256:1",
    };

    return hl_value_get(hl_container_live(&view), row->field);
}

static void check_rows(const struct row *rows, size_t count, bool with_image)
{
    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_expect_text(rows[i].label, rows[i].expected, hl_shown(arena, live_field(arena, &rows[i], with_image)));
    }
    hl_expect_end();
}

static void what_is_the_image_s_is_left_out(void **state)
{
    static const struct row rows[] = {
        {"image's variables", "\"Env\":[\"A=1\",\"PATH=/bin\",\"V=1\"]", "", "", "environment", "{\"A\":\"1\"}"},
        {"only named variables count", "\"Env\":[\"A=1\",\"B=2\",\"PATH=/bin\"]", "", "{image: a, environment: {A: 1}}", "environment", "{\"A\":\"1\"}"},
        {"a variable like the image's, and named", "\"Env\":[\"V=1\",\"PATH=/bin\"]", "", "{image: a, environment: {V: 1}}", "environment", "{\"V\":\"1\"}"},
        {"secret by its name", "\"Env\":[\"DB_PASSWORD=x\"]", "", "", "environment", "{\"DB_PASSWORD\":\"!x\"}"},
        {"secret in the spec", "\"Env\":[\"A=drifted\"]", "", "{image: a, environment: {A: '${secret.PW}'}}", "environment", "{\"A\":\"!drifted\"}"},
        {"image's command", "\"Cmd\":[\"serve\"],\"Entrypoint\":[\"/init\"]", "", "{image: a}", "command", "null"},
        {"own command", "\"Cmd\":[\"other\"],\"Entrypoint\":[\"/init\"]", "", "{image: a}", "command", "[\"other\"]"},
        {"same as the image's, and named", "\"Cmd\":[\"serve\"],\"Entrypoint\":[\"/init\"]", "", "{image: a, command: serve}", "command", "[\"serve\"]"},
        {"own entrypoint", "\"Cmd\":null,\"Entrypoint\":[\"/own\"]", "", "", "entrypoint", "[\"/own\"]"},
        {"command behind an own entrypoint", "\"Cmd\":[\"serve\"],\"Entrypoint\":[\"/own\"]", "", "", "command", "[\"serve\"]"},
        {"entrypoint cleared as asked", "\"Cmd\":[\"x\"],\"Entrypoint\":null", "", "{image: a, entrypoint: ['']}", "entrypoint", "[\"\"]"},
        {"image's labels and marks", "\"Labels\":{\"made-by\":\"me\",\"a\":\"b\",\"hlrec.stack\":\"x\",\"com.docker.compose.project\":\"p\"}", "", "", "labels",
         "{\"a\":\"b\"}"},
        {"image's user", "\"User\":\"app\"", "", "{image: a}", "user", "null"},
        {"image's user, named", "\"User\":\"app\"", "", "{image: a, user: app}", "user", "\"app\""},
        {"image's folder", "\"WorkingDir\":\"/app\"", "", "", "working_dir", "null"},
        {"image's health check", "\"Healthcheck\":{\"Test\":[\"CMD\",\"probe\"],\"Interval\":5000000000}", "", "", "healthcheck", "null"},
        {"partly own health check", "\"Healthcheck\":{\"Test\":[\"CMD\",\"probe\"],\"Interval\":9000000000}", "", "", "healthcheck", "{\"interval\":9000}"},
        {"image's ports", "\"ExposedPorts\":{\"80/tcp\":{},\"90/TCP\":{}}", "", "", "expose", "[\"90/tcp\"]"},
        {"image's volumes", "\"Volumes\":{\"/image\":{}}", "", "", "volumes", "null"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), true);
}

static void without_its_image_only_what_is_named_counts(void **state)
{
    static const struct row rows[] = {
        {"user", "\"User\":\"app\"", "", "{image: a}", "user", "null"},
        {"named user", "\"User\":\"app\"", "", "{image: a, user: root}", "user", "\"app\""},
        {"command", "\"Cmd\":[\"serve\"]", "", "{image: a}", "command", "null"},
        {"labels", "\"Labels\":{\"a\":\"b\",\"c\":\"d\"}", "", "{image: a, labels: {a: x}}", "labels", "{\"a\":\"b\"}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), false);
}

static void what_the_engine_fills_in_is_left_out(void **state)
{
    static const struct row rows[] = {
        {"own hostname", "\"Hostname\":\"0123456789ab\"", "", "", "hostname", "null"},
        {"host's name", "\"Hostname\":\"nas\"", "\"NetworkMode\":\"host\"", "{image: a, network_mode: host}", "hostname", "null"},
        {"given hostname", "\"Hostname\":\"h\"", "", "", "hostname", "\"h\""},
        {"shm", "", "\"ShmSize\":67108864", "", "shm_size", "null"},
        {"ipc", "", "\"IpcMode\":\"private\"", "{image: a}", "ipc", "null"},
        {"runtime", "", "\"Runtime\":\"runc\"", "{image: a}", "runtime", "null"},
        {"twice the memory", "", "\"Memory\":67108864,\"MemorySwap\":134217728", "{image: a, mem_limit: 64m}", "memswap_limit", "null"},
        {"own swap", "", "\"Memory\":67108864,\"MemorySwap\":268435456", "{image: a, mem_limit: 64m}", "memswap_limit", "\"256m\""},
        {"logging", "", "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1m\"}}", "{image: a}", "logging", "null"},
        {"restart unset", "", "\"RestartPolicy\":{\"Name\":\"\",\"MaximumRetryCount\":0}", "", "restart", "\"no\""},
        {"restart count of another policy", "", "\"RestartPolicy\":{\"Name\":\"always\",\"MaximumRetryCount\":0}", "", "restart", "\"always\""},
        {"no pids limit", "", "\"PidsLimit\":null", "", "pids_limit", "null"},
        {"pids limit taken away", "", "\"PidsLimit\":-1", "", "pids_limit", "-1"},
        {"labels off by privilege", "", "\"Privileged\":true,\"SecurityOpt\":[\"label=disable\"]", "", "security_opt", "null"},
        {"labels off by hand", "", "\"SecurityOpt\":[\"label:disable\"]", "", "security_opt", "[\"label=disable\"]"},
        {"quota as processors", "", "\"CpuQuota\":150000,\"CpuPeriod\":100000", "", "cpus", "1.5"},
        {"capabilities by the command line", "", "\"CapAdd\":[\"CAP_NET_ADMIN\"]", "", "cap_add", "[\"NET_ADMIN\"]"},
        {"devices without the rest", "", "\"Devices\":[{\"PathOnHost\":\"/dev/a\",\"PathInContainer\":\"\",\"CgroupPermissions\":\"\"}]", "", "devices",
         "[{\"permissions\":\"rwm\",\"source\":\"/dev/a\",\"target\":\"/dev/a\"}]"},
        {"platform", "", "", "{image: a, platform: linux/arm64}", "platform", "\"linux/arm64\""},
        {"another platform", "", "", "{image: a, platform: linux/amd64}", "platform", "\"linux/arm64/v8\""},
        {"image by its id", "\"Image\":\"sha256:1\"", "", "{image: 'a:3'}", "image", "\"a:3\""},
        {"image as typed", "\"Image\":\"docker.io/library/a\"", "", "{image: 'a:3'}", "image", "\"docker.io/library/a\""},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), true);
}

static void mounts_of_all_syntaxes_are_one_list(void **state)
{
    static const struct row rows[] = {
        {"binds", "", "\"Binds\":[\"/srv/x/:/x/:ro,z\",\"vol:/v:rw\"]", "", "volumes",
         "[{\"bind\":{\"selinux\":\"z\"},\"read_only\":true,\"source\":\"/srv/x\",\"target\":\"/x\",\"type\":\"bind\"},"
         "{\"source\":\"vol\",\"target\":\"/v\",\"type\":\"volume\"}]"},
        {"mounts", "", "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/srv/x\",\"Target\":\"/x\",\"BindOptions\":{\"CreateMountpoint\":true}}]", "", "volumes",
         "[{\"source\":\"/srv/x\",\"target\":\"/x\",\"type\":\"bind\"}]"},
        {"spelled as in the spec", "", "\"Binds\":[\"/srv/x:/x:rw\"]", "{image: a, volumes: ['./x:/x']}", "volumes",
         "[{\"source\":\"./x\",\"target\":\"/x\",\"type\":\"bind\"}]"},
        {"another path", "", "\"Binds\":[\"/srv/y:/x:rw\"]", "{image: a, volumes: ['./x:/x']}", "volumes",
         "[{\"source\":\"/srv/y\",\"target\":\"/x\",\"type\":\"bind\"}]"},
        {"options unknown to us", "", "\"Binds\":[\"/srv/y:/x:rw,U\"]", "", "volumes", "[{\"source\":\"/srv/y\",\"target\":\"/x\",\"type\":\"bind\"}]"},
        {"inherited and nameless", "",
         "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"Target\":\"/d\"}]", "{image: a}",
         "volumes", "null"},
        {"nameless by the command line", "\"Volumes\":{\"/own\":{}}", "", "{image: a, volumes: [/own]}", "volumes",
         "[{\"target\":\"/own\",\"type\":\"volume\"}]"},
        {"tmpfs", "", "\"Tmpfs\":{\"/run\":\"size=1m,mode=700\"}", "", "tmpfs", "[\"/run:mode=700,size=1m\"]"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows), true);
}

static void the_state_tells_a_job_from_a_crash(void **state)
{
    static const struct {
        const char *state, *policy, *expected, *note;
    } rows[] = {
        {"\"Status\":\"running\"", "always", "running", "-"},
        {"\"Status\":\"exited\",\"ExitCode\":0", "no", "completed", "-"},
        {"\"Status\":\"exited\",\"ExitCode\":0", "on-failure", "completed", "-"},
        {"\"Status\":\"exited\",\"ExitCode\":0", "unless-stopped", "exited (0)", "-"},
        {"\"Status\":\"exited\",\"ExitCode\":3", "no", "exited (3)", "-"},
        {"\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true", "no", "exited (137)", "killed because memory ran out"},
        {"\"Status\":\"restarting\",\"ExitCode\":1", "always", "restarting", "crash loop: restarted 7 times, last exit code 1"},
        {"\"Status\":\"created\",\"Error\":\"no such file\"", "no", "created", "did not start: no such file"},
        {"\"Status\":\"paused\"", "no", "paused", "-"},
        {"\"Status\":\"running\",\"Health\":{\"Status\":\"unhealthy\",\"FailingStreak\":4}", "no", "running", "unhealthy: 4 probes failed in a row"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_value *inspection =
            hl_parse(arena, hl_arena_printf(arena, "{\"RestartCount\":7,\"State\":{%s},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"%s\"}}}", rows[i].state,
                                            rows[i].policy));
        const char *note = hl_container_note(arena, inspection);
        hl_expect_text(rows[i].state, rows[i].expected, hl_container_state(arena, inspection));
        hl_expect_text(rows[i].state, rows[i].note, note != NULL ? note : "-");
    }
    hl_expect_end();
}

static void frames_of_a_log_are_taken_apart(void **state)
{
    static const char framed[] = "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\4err\n\1\0\0\0\0\0\0\x09"
                                 "cut";
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(1024);

    (void)state;
    hl_container_log_unframe(&out, framed, sizeof framed - 1, false);
    assert_string_equal(hl_text_get(&out), "outerr\ncut");
    hl_text_reset(&out);
    hl_container_log_unframe(&out, "plain", 5, true);
    assert_string_equal(hl_text_get(&out), "plain");
}

int hl_test_live(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_image_s_is_left_out),      cmocka_unit_test(without_its_image_only_what_is_named_counts),
        cmocka_unit_test(what_the_engine_fills_in_is_left_out), cmocka_unit_test(mounts_of_all_syntaxes_are_one_list),
        cmocka_unit_test(the_state_tells_a_job_from_a_crash),   cmocka_unit_test(frames_of_a_log_are_taken_apart),
    };

    return cmocka_run_group_tests_name("docker/live", tests, NULL, NULL);
}
