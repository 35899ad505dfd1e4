#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/container/fields.h"

#include <string.h>

typedef struct hl_value *short_form(struct hl_arena *arena, const char *text, const char **problem);

struct row {
    const char *text, *expected; /* JSON, or "problem: ..." */
};

static void check_rows(short_form *form, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *problem = NULL;
        const struct hl_value *value = form(arena, rows[i].text, &problem);
        hl_expect_text(rows[i].text, rows[i].expected, value != NULL ? hl_shown(arena, value) : hl_arena_printf(arena, "problem: %s", problem));
    }
    hl_expect_end();
}

static void ports_are_read_as_compose_writes_them(void **state)
{
    static const struct row rows[] = {
        {"80", "{\"protocol\":\"tcp\",\"target\":80}"},
        {"8080:80", "{\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80}"},
        {"3478:3478/UDP", "{\"protocol\":\"udp\",\"published\":\"3478\",\"target\":3478}"},
        {"127.0.0.1:5432:5432", "{\"host_ip\":\"127.0.0.1\",\"protocol\":\"tcp\",\"published\":\"5432\",\"target\":5432}"},
        {"127.0.0.1::80", "{\"host_ip\":\"127.0.0.1\",\"protocol\":\"tcp\",\"target\":80}"},
        {"[::1]:8080:80", "{\"host_ip\":\"::1\",\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80}"},
        {"8000-8001:80-81", "[{\"protocol\":\"tcp\",\"published\":\"8000\",\"target\":80},{\"protocol\":\"tcp\",\"published\":\"8001\",\"target\":81}]"},
        {"8000-8009:80", "{\"protocol\":\"tcp\",\"published\":\"8000-8009\",\"target\":80}"},
        {"90-91/sctp", "[{\"protocol\":\"sctp\",\"target\":90},{\"protocol\":\"sctp\",\"target\":91}]"},
        {"8000-8002:80-81", "problem: the two ranges of ports differ in length"},
        {"0:80", "problem: cannot be read as [[host_ip:]published:]target[/protocol]"},
        {"80/icmp", "problem: the protocol behind '/' must be tcp, udp or sctp"},
        {"web:80", "problem: cannot be read as [[host_ip:]published:]target[/protocol]"},
        {"65536", "problem: a port is a number from 1 to 65535, or a range like 8000-8005"},
        {"80-70", "problem: a port is a number from 1 to 65535, or a range like 8000-8005"},
        {"1-2000", "problem: a range of more than 1000 ports"},
        {"", "problem: a port is a number from 1 to 65535, or a range like 8000-8005"},
    };

    (void)state;
    check_rows(hl_short_port, rows, HL_COUNT(rows));
}

static void volumes_are_read_as_compose_writes_them(void **state)
{
    static const struct row rows[] = {
        {"data:/var/lib/x", "{\"source\":\"data\",\"target\":\"/var/lib/x\",\"type\":\"volume\"}"},
        {"data:/x:ro,nocopy", "{\"read_only\":true,\"source\":\"data\",\"target\":\"/x\",\"type\":\"volume\",\"volume\":{\"nocopy\":true}}"},
        {"/srv:/x", "{\"bind\":{\"create_host_path\":true},\"source\":\"/srv\",\"target\":\"/x\",\"type\":\"bind\"}"},
        {"./a:/x:z,rslave,rw",
         "{\"bind\":{\"create_host_path\":true,\"propagation\":\"rslave\",\"selinux\":\"z\"},\"source\":\"./a\",\"target\":\"/x\",\"type\":\"bind\"}"},
        {"~/a:/x:ro", "{\"bind\":{\"create_host_path\":true},\"read_only\":true,\"source\":\"~/a\",\"target\":\"/x\",\"type\":\"bind\"}"},
        {"/x", "{\"target\":\"/x\",\"type\":\"volume\"}"},
        {"data", "problem: needs a path inside the container: source:/target, or /target alone"},
        {":/x", "problem: the source before ':' is empty"},
        {"data:x", "problem: the path inside the container must begin with '/'"},
        {"data:/x:wo", "problem: an option behind the last ':' is none of ro, rw, z, Z, nocopy, [r]private, [r]shared, [r]slave"},
    };

    (void)state;
    check_rows(hl_short_volume, rows, HL_COUNT(rows));
}

static void devices_get_what_is_not_written(void **state)
{
    static const struct row rows[] = {
        {"/dev/a", "{\"permissions\":\"rwm\",\"source\":\"/dev/a\",\"target\":\"/dev/a\"}"},
        {"/dev/a:/dev/b", "{\"permissions\":\"rwm\",\"source\":\"/dev/a\",\"target\":\"/dev/b\"}"},
        {"/dev/a:/dev/b:r", "{\"permissions\":\"r\",\"source\":\"/dev/a\",\"target\":\"/dev/b\"}"},
        {"/dev/a:rw", "{\"permissions\":\"rw\",\"source\":\"/dev/a\",\"target\":\"/dev/a\"}"},
        {"dev", "problem: a device is a path of the host, like /dev/net/tun"},
        {"/dev/a:/dev/b:x", "problem: the permissions behind the last ':' are some of r, w and m"},
    };

    (void)state;
    check_rows(hl_short_device, rows, HL_COUNT(rows));
}

static void a_number_is_both_limits(void **state)
{
    static const struct row rows[] = {
        {"1024", "{\"hard\":1024,\"soft\":1024}"},
        {"1024:2048", "{\"hard\":2048,\"soft\":1024}"},
        {"-1", "{\"hard\":-1,\"soft\":-1}"},
        {"many", "problem: a limit is a number, or a mapping with soft and hard"},
    };

    (void)state;
    check_rows(hl_short_ulimit, rows, HL_COUNT(rows));
}

static void env_files_are_read_as_compose_reads_them(void **state)
{
    static const struct row rows[] = {
        {"A=1\nB = two words \n", "{\"A\":\"1\",\"B\":\"two words\"}"},
        {"# no\n\n  export C=x # note\nD=a#b\n", "{\"C\":\"x\",\"D\":\"a#b\"}"},
        {"E=\"a\\nb \\\"q\\\" # in\" # out\nF='raw \\n'\n", "{\"E\":\"a\\nb \\\"q\\\" # in\",\"F\":\"raw \\\\n\"}"},
        {"G\r\nH=1\r\nI=\r\n", "{\"G\":null,\"H\":\"1\",\"I\":\"\"}"},
        {"J=\"two\nlines\"\nK=x=y", "{\"J\":\"two\\nlines\",\"K\":\"x=y\"}"},
        {"A=1\nnot a line\n", "2: a line must be KEY=value"},
        {"A='open\n", "1: a quote is not closed"},
        {"A=\"x\"y\n", "1: there is something behind the closing quote"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_value *map = hl_value_map(arena);
        const char *problem = NULL;
        uint32_t line = 0;
        const bool done = hl_env_file_parse(arena, rows[i].text, strlen(rows[i].text), map, &problem, &line);
        hl_expect_text(rows[i].text, rows[i].expected, done ? hl_shown(arena, map) : hl_arena_printf(arena, "%u: %s", line, problem));
    }
    hl_expect_end();
}

static void paths_are_cleaned(void **state)
{
    static const struct row rows[] = {{"/a//b/./c/", "/a/b/c"}, {"/", "/"}, {"//", "/"}, {"/a/../b", "/a/../b"}, {"./a/", "./a/"}};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_expect_text(rows[i].text, rows[i].expected, hl_normal_path(arena, rows[i].text));
    }
    hl_expect_end();
}

int hl_test_short(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_read_as_compose_writes_them),    cmocka_unit_test(volumes_are_read_as_compose_writes_them),
        cmocka_unit_test(devices_get_what_is_not_written),          cmocka_unit_test(a_number_is_both_limits),
        cmocka_unit_test(env_files_are_read_as_compose_reads_them), cmocka_unit_test(paths_are_cleaned),
    };

    return cmocka_run_group_tests_name("docker/short", tests, NULL, NULL);
}
