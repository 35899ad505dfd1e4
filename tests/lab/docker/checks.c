/* What the engine refuses when a container is created. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { CPUS = 8, MILLISECOND_NS = 1000000 };

static const char *item_text(const struct hl_value *list, size_t index)
{
    return hl_value_item(list, index)->text.data;
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

/* --- Config --- */

static bool check_environment(struct docker_call *c, const struct hl_value *config)
{
    const struct hl_value *list = hl_value_get(config, "Env");

    for (size_t i = 0; i < hl_value_count(list); i++)
        if (item_text(list, i)[0] == '=' || item_text(list, i)[0] == '\0')
            return docker_fail(c, 400, "invalid environment variable: %s", item_text(list, i));
    return true;
}

static bool check_healthcheck(struct docker_call *c, const struct hl_value *config)
{
    static const char *const keys[] = {"Interval", "Timeout", "StartPeriod", "StartInterval"};
    const struct hl_value *check = hl_value_get(config, "Healthcheck");

    for (size_t i = 0; i < HL_COUNT(keys); i++) {
        int64_t ns = hl_value_get_int(check, keys[i], 0);

        if (ns != 0 && ns < MILLISECOND_NS)
            return docker_fail(c, 400, "%s in Healthcheck cannot be less than 1ms", keys[i]);
    }
    return hl_value_get_int(check, "Retries", 0) >= 0 || docker_fail(c, 400, "Retries in Healthcheck cannot be negative");
}

static bool check_ports(struct docker_call *c, const struct hl_value *host)
{
    const struct hl_value *bindings = hl_value_get(host, "PortBindings");
    bool udp = false;

    for (size_t i = 0; i < hl_value_count(bindings); i++) {
        const struct hl_value *list = hl_value_at(bindings, i);

        if (docker_port_of_key(hl_value_key(bindings, i), &udp) < 0)
            return docker_fail(c, 400, "invalid port specification: \"%s\"", hl_value_key(bindings, i));
        for (size_t j = 0; j < hl_value_count(list); j++) {
            const char *port = hl_value_get_text(hl_value_item(list, j), "HostPort");
            int64_t first = 0, last = 0;

            if (!hl_is_blank(port) && !docker_port_range(port, &first, &last))
                return docker_fail(c, 400, "invalid port specification: \"%s\"", port);
        }
    }
    return true;
}

/* --- HostConfig --- */

bool docker_check_restart(struct docker_call *c, const struct hl_value *policy, bool auto_remove)
{
    static const char *const names[] = {"", "no", "always", "unless-stopped", "on-failure"};
    const char *name = hl_value_get_text(policy, "Name");
    int64_t retries = hl_value_get_int(policy, "MaximumRetryCount", 0);

    name = name == NULL ? "" : name;
    if (!is_one_of(name, names, HL_COUNT(names)))
        return docker_fail(c, 400, "invalid restart policy '%s'", name);
    if (retries < 0)
        return docker_fail(c, 400, "maximum retry count cannot be negative");
    if (retries > 0 && strcmp(name, "on-failure") != 0)
        return docker_fail(c, 400, "maximum retry count cannot be used with restart policy '%s'", name);
    if (auto_remove && *name != '\0' && strcmp(name, "no") != 0)
        return docker_fail(c, 400, "can't create 'AutoRemove' container with restart policy");
    return true;
}

static bool is_capability(const char *name)
{
    static const char *const names[] = {
        "ALL",
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "PERFMON",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
    };

    name += strncasecmp(name, "CAP_", 4) == 0 ? 4 : 0;
    for (size_t i = 0; i < HL_COUNT(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool check_capabilities(struct docker_call *c, const struct hl_value *host, const char *key)
{
    const struct hl_value *list = hl_value_get(host, key);

    for (size_t i = 0; i < hl_value_count(list); i++)
        if (!is_capability(item_text(list, i)))
            return docker_fail(c, 400, "invalid %s: unknown capability: \"CAP_%s\"", key, item_text(list, i));
    return true;
}

static bool check_resources(struct docker_call *c, const struct hl_value *host)
{
    int64_t memory = hl_value_get_int(host, "Memory", 0);
    int64_t swap = hl_value_get_int(host, "MemorySwap", 0);
    int64_t cpus = hl_value_get_int(host, "NanoCpus", 0);
    bool quota = hl_value_get_int(host, "CpuQuota", 0) != 0 || hl_value_get_int(host, "CpuPeriod", 0) != 0;

    if (memory != 0 && memory < 6 << 20)
        return docker_fail(c, 400, "Minimum memory limit allowed is 6MB");
    if (memory == 0 && swap > 0)
        return docker_fail(c, 400, "You should always set the Memory limit when using Memoryswap limit, see usage");
    if (memory > 0 && swap > 0 && swap < memory)
        return docker_fail(c, 400, "Minimum memoryswap limit should be larger than memory limit, see usage");
    if (cpus != 0 && quota)
        return docker_fail(c, 400, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    if (cpus < 0 || cpus > CPUS * INT64_C(1000000000))
        return docker_fail(c, 400, "Range of CPUs is from 0.01 to %d.00, as there are only %d CPUs available", CPUS, CPUS);
    return true;
}

static bool check_logging(struct docker_call *c, const struct hl_value *host)
{
    static const char *const known[] = {"max-size", "max-file", "labels", "labels-regex", "env", "env-regex", "tag", "compress"};
    static const char *const drivers[] = {"local", "none", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs", "logentries"};
    const struct hl_value *log = hl_value_get(host, "LogConfig");
    const struct hl_value *options = hl_value_get(log, "Config");
    const char *type = hl_value_get_text(log, "Type");

    if (!hl_is_blank(type) && strcmp(type, "json-file") != 0)
        return is_one_of(type, drivers, HL_COUNT(drivers)) || docker_fail(c, 400, "error looking up logging plugin %s: plugin \"%s\" not found", type, type);
    for (size_t i = 0; i < hl_value_count(options); i++)
        if (!is_one_of(hl_value_key(options, i), known, HL_COUNT(known)))
            return docker_fail(c, 400, "unknown log opt '%s' for json-file log driver", hl_value_key(options, i));
    return true;
}

static bool check_security(struct docker_call *c, const struct hl_value *host)
{
    const struct hl_value *list = hl_value_get(host, "SecurityOpt");

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *option = item_text(list, i);

        if (strcmp(option, "no-new-privileges") != 0 && strpbrk(option, "=:") == NULL)
            return docker_fail(c, 500, "invalid --security-opt 1: \"%s\"", option);
    }
    return true;
}

static bool check_rest(struct docker_call *c, const struct hl_value *config, const struct hl_value *host)
{
    const char *stop = hl_value_get_text(config, "StopSignal");
    const struct hl_value *hosts = hl_value_get(host, "ExtraHosts");
    int64_t score = hl_value_get_int(host, "OomScoreAdj", 0);

    if (stop != NULL && docker_signal(stop) == 0)
        return docker_fail(c, 400, "Invalid signal: %s", stop);
    for (size_t i = 0; i < hl_value_count(hosts); i++)
        if (strchr(item_text(hosts, i), ':') == NULL)
            return docker_fail(c, 400, "bad format for add-host: \"%s\"", item_text(hosts, i));
    if (score < -1000 || score > 1000)
        return docker_fail(c, 400, "Invalid value %" PRId64 ", range for oom score adj is [-1000, 1000]", score);
    return hl_value_get_int(host, "ShmSize", 0) >= 0 || docker_fail(c, 400, "SHM size can not be less than 0");
}

/* "container:name" is kept as the id. Only of a network it is no fault yet that there is none. */
static bool resolve_namespace(struct docker_call *c, struct hl_value *host, const char *key)
{
    const char *mode = hl_value_get_text(host, key);
    const char *name = mode != NULL && hl_starts_with(mode, "container:") ? mode + strlen("container:") : NULL;
    const struct docker_container *other = name == NULL ? NULL : docker_container_peek(c->docker, name);

    if (other != NULL)
        hl_value_map_put(host, key, hl_value_printf(c->arena, "container:%s", other->id));
    return name == NULL || other != NULL || strcmp(key, "NetworkMode") == 0 || docker_fail(c, 400, "No such container: %s", name);
}

static bool check_sources(struct docker_call *c, const struct hl_value *host)
{
    const struct hl_value *list = hl_value_get(host, "VolumesFrom");

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *name = hl_arena_copy(c->arena, item_text(list, i), strcspn(item_text(list, i), ":"));

        if (docker_container_peek(c->docker, name) == NULL)
            return docker_fail(c, 400, "No such container: %s", name);
    }
    return true;
}

static bool check_host(struct docker_call *c, struct hl_value *host)
{
    const char *runtime = hl_value_get_text(host, "Runtime");

    if (!docker_check_restart(c, hl_value_get(host, "RestartPolicy"), hl_value_get_bool(host, "AutoRemove", false)))
        return false;
    if (!hl_is_blank(runtime) && strcmp(runtime, "runc") != 0 && strcmp(runtime, "io.containerd.runc.v2") != 0)
        return docker_fail(c, 400, "Unknown runtime specified %s", runtime);
    return check_capabilities(c, host, "CapAdd") && check_capabilities(c, host, "CapDrop") && check_resources(c, host) && check_logging(c, host) &&
           check_security(c, host) && resolve_namespace(c, host, "NetworkMode") && resolve_namespace(c, host, "PidMode") &&
           resolve_namespace(c, host, "IpcMode") && check_sources(c, host);
}

/* --- Networks --- */

static bool check_networking(struct docker_call *c, const struct hl_value *endpoints)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (size_t i = 0; i < hl_value_count(endpoints); i++)
        hl_text_printf(&names, "%s%s", i > 0 ? ", " : "", hl_value_key(endpoints, i));
    if (c->minor < 44 && hl_value_count(endpoints) > 1)
        return docker_fail(c, 400, "Container cannot be connected to network endpoints: %s", hl_text_get(&names));
    for (size_t i = 0; c->docker->minor >= 44 && i < hl_value_count(endpoints); i++) {
        const struct docker_network *network = docker_network_find(c->docker, NULL, hl_value_key(endpoints, i));

        if (network != NULL && !docker_endpoint_check(c, network, hl_value_at(endpoints, i)))
            return false;
    }
    return true;
}

bool docker_check_create(struct docker_call *c, const struct hl_value *config, struct hl_value *host, const struct hl_value *endpoints)
{
    return check_environment(c, config) && check_healthcheck(c, config) && check_rest(c, config, host) && check_ports(c, host) && check_host(c, host) &&
           check_networking(c, endpoints);
}
