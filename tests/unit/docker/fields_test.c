/* What the spec says of a container, decoded: one form for equal meanings, and findings that tell what to do. */
#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

struct row {
    const char *yaml, *field, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *yaml = hl_arena_printf(arena, "{image: a, %s}", rows[i].yaml);
        hl_expect_text(rows[i].yaml, rows[i].expected, hl_shown(arena, hl_value_get(hl_body(arena, "container", yaml, NULL), rows[i].field)));
    }
    hl_expect_end();
}

static void equal_meanings_get_one_form(void **state)
{
    static const struct row rows[] = {
        {"cap_add: [cap_net_admin, SYS_TIME, net_admin]", "cap_add", "[\"NET_ADMIN\",\"SYS_TIME\"]"},
        {"security_opt: [no-new-privileges, 'label:disable', seccomp=unconfined]", "security_opt",
         "[\"label=disable\",\"no-new-privileges=true\",\"seccomp=unconfined\"]"},
        {"extra_hosts: ['a:1.2.3.4', 'b=::1', 'c:[::2]', 'd:1.1.1.1', 'd:2.2.2.2']", "extra_hosts",
         "{\"a\":\"1.2.3.4\",\"b\":\"::1\",\"c\":\"::2\",\"d\":\"1.1.1.1,2.2.2.2\"}"},
        {"extra_hosts: {host.docker.internal: host-gateway}", "extra_hosts", "{\"host.docker.internal\":\"host-gateway\"}"},
        {"restart: no", "restart", "\"no\""},
        {"restart: 'on-failure:0'", "restart", "\"on-failure\""},
        {"mem_limit: 64m, memswap_limit: 1024m", "memswap_limit", "\"1g\""},
        {"mem_limit: 64m, memswap_limit: -1", "memswap_limit", "\"-1\""},
        {"cpus: 2", "cpus", "2"},
        {"cpus: '0.3333333333333'", "cpus", "0.333333333"},
        {"pids_limit: 0", "pids_limit", "-1"},
        {"stop_grace_period: 1500ms", "stop_grace_period", "2000"},
        {"tmpfs: '/run:size=64m,mode=700'", "tmpfs", "[\"/run:mode=700,size=64m\"]"},
        {"devices: [/dev/a, {source: /dev/b, permissions: mr}]", "devices",
         "[{\"permissions\":\"rwm\",\"source\":\"/dev/a\",\"target\":\"/dev/a\"},{\"permissions\":\"rm\",\"source\":\"/dev/b\",\"target\":\"/dev/b\"}]"},
        {"expose: [3000, 8000-8001/udp]", "expose", "[\"3000/tcp\",\"8000/udp\",\"8001/udp\"]"},
        {"ports: [{target: 80, published: 8080, mode: host}]", "ports", "[{\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80}]"},
        {"ulimits: {nofile: 1024}", "ulimits", "{\"nofile\":{\"hard\":1024,\"soft\":1024}}"},
        {"command: sh -c 'echo a b'", "command", "[\"sh\",\"-c\",\"echo a b\"]"},
        {"dns: 1.1.1.1", "dns", "[\"1.1.1.1\"]"},
        {"labels: [a=b, c]", "labels", "{\"a\":\"b\",\"c\":null}"},
        {"environment: [A=1, OWN, NOBODYS]", "environment", "{\"A\":\"1\",\"NOBODYS\":null,\"OWN\":\"mine\"}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void health_checks_take_compose_s_forms(void **state)
{
    static const struct row rows[] = {
        {"healthcheck: {test: curl -f http://x}", "healthcheck", "{\"test\":[\"CMD-SHELL\",\"curl -f http://x\"]}"},
        {"healthcheck: {test: [CMD, 'true'], interval: 1m30s}", "healthcheck", "{\"interval\":90000,\"test\":[\"CMD\",\"true\"]}"},
        {"healthcheck: {disable: true}", "healthcheck", "{\"test\":[\"NONE\"]}"},
        {"healthcheck: {test: NONE, retries: 3}", "healthcheck", "{\"test\":[\"NONE\"]}"},
        {"healthcheck: {disable: false, retries: 3}", "healthcheck", "{\"retries\":3}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void what_follows_from_the_body_is_added(void **state)
{
    static const struct row rows[] = {
        {"", "container_name", "\"web\""},
        {"container_name: other", "container_name", "\"other\""},
        {"", "state", "\"running\""},
        {"networks: [back, elsewhere]", "networks", "{\"elsewhere\":{},\"proj_back\":{}}"},
        {"volumes: ['data:/d', 'elsewhere:/e']", "volumes",
         "[{\"source\":\"proj_data\",\"target\":\"/d\",\"type\":\"volume\"},{\"source\":\"elsewhere\",\"target\":\"/e\",\"type\":\"volume\"}]"},
        {"network_mode: 'service:vpn', pid: 'container:vpn'", "joins", "{\"network\":\"f00df00df00d\",\"pid\":\"f00df00df00d\"}"},
        {"network_mode: 'container:elsewhere'", "joins", "null"},
        {"env_file: app.env, environment: {A: own}", "environment", "{\"A\":\"own\",\"B\":\"!two words\",\"C\":\"!$x\",\"EMPTY\":\"!\",\"OWN\":\"mine\"}"},
        {"environment: {PW: '${secret.PW}'}", "environment", "{\"PW\":\"!s3cret-value\"}"},
        {"files: {/a: {template: app.conf, vars: {NAME: joe}, mode: 400}}", "files",
         "{\"/a\":{\"content\":\"name joe, ${OTHER}\\n\",\"mode\":\"0400\",\"template\":\"app.conf\",\"vars\":{\"NAME\":\"joe\"}}}"},
        {"files: {/a: {source: plain.txt}}", "files", "{\"/a\":{\"content\":\"plain ${NAME}\\n\",\"source\":\"plain.txt\"}}"},
        {"files: {/a: {content: 'pw=${secret.PW}'}}", "files", "{\"/a\":{\"content\":\"!pw=s3cret-value\"}}"},
    };

    (void)state;
    check_rows(rows, HL_COUNT(rows));
}

static void findings_tell_what_to_do(void **state)
{
    static const struct {
        const char *yaml, *expected;
    } rows[] = {
        {"{image: Nginx}", "'Nginx' is no image reference (an image's name is made of lower-case letters, digits, '_', '.', '-' and '/')\n"},
        {"{image: a, build: .}", "compose's 'build' is not supported in container 'web' (build the image before, and name it in `image`)\n"},
        {"{image: a, deploy: {replicas: 2}}", "compose's 'deploy' is not supported in container 'web' (limits are `mem_limit`, `mem_reservation`, `cpus` and "
                                              "`pids_limit`; restarts are `restart`)\n"},
        {"{image: a, restart: allways}",
         "'restart' must be no, always, unless-stopped, on-failure or on-failure:COUNT, found 'allways' (did you mean 'always'?)\n"},
        {"{image: a, network_mode: host, networks: [x]}", "'network_mode' and 'networks' exclude each other\n"},
        {"{image: a, network_mode: web_default}",
         "'network_mode' must be host, none, bridge, service:NAME or container:NAME (to be in network 'web_default' write `networks: [web_default]`)\n"},
        {"{image: a, network_mode: host, ports: ['80:80']}", "'ports' have no effect with 'network_mode: host'\n"},
        {"{image: a, network_mode: 'service:vpn', ports: ['80:80']}", "'ports' belong to the container whose network is shared (service:vpn)\n"},
        {"{image: a, network_mode: 'service:none'}", "'network_mode: service:none': the spec has no container 'none'\n"},
        {"{image: a, healthcheck: {test: [curl, -f]}}",
         "the list of a health check's test must begin with CMD, CMD-SHELL or NONE ([CMD, program, argument], or a text that runs in a shell)\n"},
        {"{image: a, cpus: 0}", "'cpus' must be more than 0\n"},
        {"{image: a, memswap_limit: 1g}", "'memswap_limit' needs 'mem_limit'\n"},
        {"{image: a, mem_limit: 1g, memswap_limit: 512m}", "'memswap_limit' is memory and swap together: it must not be less than 'mem_limit'\n"},
        {"{image: a, files: {/a: {content: x, source: y}}}", "file '/a' needs exactly one of content, template and source\n"},
        {"{image: a, files: {a: {content: x}}}", "'a' must be the absolute path of a file in the container\n"},
        {"{image: a, files: {/a: {content: x, mode: rw}}}", "permissions are octal digits like \"0644\", found 'rw'\n"},
        {"{image: a, read_only: true, files: {/a: {content: x}}}",
         "file '/a' cannot be put into a container with 'read_only: true' (put it into a volume, or mount it from the host)\n"},
        {"{image: a, read_only: true, volumes: ['data:/d'], files: {/d/a: {content: x}}}", ""},
        {"{image: a, tmpfs: /run, files: {/run/a: {content: x}}}", "file '/run/a' would be hidden by the tmpfs above it\n"},
        {"{image: a, volumes: ['./c:/c:ro'], files: {/c/a: {content: x}}}", "file '/c/a' lies in a mount that is read-only\n"},
        {"{image: a, volumes: [{type: bind, source: conf, target: /c}]}",
         "the source 'conf' of a bind mount must be a path (write ./conf, or `type: volume`)\n"},
        {"{image: a, networks: {back: {ipv4_address: 10.0.0}}}", "'10.0.0' is no IPv4 address\n"},
        {"{image: a, env_file: bad.env}", "env file 'bad.env', line 2: a line must be KEY=value\n"},
        {"{image: a, env_file: {path: none.env, required: false}}", ""},
        {"{image: a, labels: {hlrec.stack: x}}", "label 'hlrec.stack' tells the owner of an object and cannot be set\n"},
        {"{image: a, extra_hosts: [lonely]}", "host 'lonely' has no address: write name:address\n"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *findings = "";
        hl_body(arena, "container", rows[i].yaml, &findings);
        hl_expect_text(rows[i].yaml, rows[i].expected, findings);
    }
    hl_expect_end();
}

int hl_test_fields(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_meanings_get_one_form),
        cmocka_unit_test(health_checks_take_compose_s_forms),
        cmocka_unit_test(what_follows_from_the_body_is_added),
        cmocka_unit_test(findings_tell_what_to_do),
    };

    return cmocka_run_group_tests_name("docker/fields", tests, NULL, NULL);
}
