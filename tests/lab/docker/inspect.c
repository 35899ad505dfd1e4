#include "config.h"

#include "tests/lab/docker/docker.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

static void put_texts(struct hl_value *map, const char *const *keys, const char *text)
{
    for (; *keys != NULL; keys++)
        hl_value_map_put_text(map, *keys, text);
}

static void put_nulls(struct hl_arena *arena, struct hl_value *map, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        hl_value_map_put(map, *keys, hl_value_null(arena));
}

/* --- State --- */

static struct hl_value *health_of(struct hl_arena *arena, const struct docker_container *container)
{
    struct hl_value *health = hl_value_map(arena);
    struct hl_value *log = hl_value_list(arena);
    bool bad = container->health == HEALTH_UNHEALTHY;

    hl_value_map_put_text(health, "Status", docker_health_name(container->health));
    hl_value_map_put_int(health, "FailingStreak", bad ? 3 : 0);
    if (container->health != HEALTH_STARTING) {
        struct hl_value *probe = hl_value_map(arena);

        hl_value_map_put_text(probe, "Start", docker_time(arena, container->started_ns));
        hl_value_map_put_text(probe, "End", docker_time(arena, container->started_ns + 1000000));
        hl_value_map_put_int(probe, "ExitCode", bad ? 1 : 0);
        hl_value_map_put_text(probe, "Output", bad ? "the lab says no\n" : "");
        hl_value_list_add(arena, log, probe);
    }
    hl_value_map_put(health, "Log", log);
    return health;
}

static struct hl_value *state_of(struct hl_arena *arena, const struct docker_container *container)
{
    struct hl_value *state = hl_value_map(arena);

    hl_value_map_put_text(state, "Status", docker_state_name(container));
    hl_value_map_put_bool(state, "Running", docker_container_runs(container));
    hl_value_map_put_bool(state, "Paused", container->state == PAUSED);
    hl_value_map_put_bool(state, "Restarting", container->state == RESTARTING);
    hl_value_map_put_bool(state, "OOMKilled", false);
    hl_value_map_put_bool(state, "Dead", false);
    hl_value_map_put_int(state, "Pid", container->pid);
    hl_value_map_put_int(state, "ExitCode", container->exit_code);
    hl_value_map_put_text(state, "Error", container->error);
    hl_value_map_put_text(state, "StartedAt", docker_time(arena, container->started_ns));
    hl_value_map_put_text(state, "FinishedAt", docker_time(arena, container->finished_ns));
    if (container->health != HEALTH_NONE)
        hl_value_map_put(state, "Health", health_of(arena, container));
    return state;
}

/* --- Networks --- */

const char *docker_mac_address(struct hl_arena *arena, uint32_t address)
{
    return address == 0 ? "" : hl_arena_printf(arena, "02:42:%02x:%02x:%02x:%02x", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

static struct hl_value *names_for_dns(struct hl_arena *arena, const struct docker_container *container, const struct docker_endpoint *endpoint)
{
    const struct hl_value *aliases = hl_value_get(endpoint->settings, "Aliases");
    struct hl_value *names = hl_value_list(arena);

    hl_value_list_add(arena, names, hl_value_text(arena, container->name));
    for (size_t i = 0; i < hl_value_count(aliases); i++)
        hl_value_list_add(arena, names, hl_value_item(aliases, i));
    return names;
}

static struct hl_value *endpoint_of(struct docker_call *c, const struct docker_container *container, const struct docker_endpoint *endpoint, bool for_list)
{
    static const char *const kept[] = {"IPAMConfig", "Links", "Aliases", "DriverOpts"};
    const struct docker_network *network = docker_network_by_id(c->docker, endpoint->network_id);
    struct hl_value *out = hl_value_map(c->arena);
    bool up = endpoint->address != 0 && network != NULL;
    int64_t prefix = up ? __builtin_popcount(network->mask) : 0;

    for (size_t i = 0; i < HL_COUNT(kept); i++) {
        struct hl_value *value = hl_value_get(endpoint->settings, kept[i]);
        bool hidden = for_list && strcmp(kept[i], "Aliases") == 0;

        hl_value_map_put(out, kept[i], value == NULL || hidden ? hl_value_null(c->arena) : value);
    }
    hl_value_map_put_text(out, "NetworkID", endpoint->network_id);
    hl_value_map_put_text(out, "EndpointID", endpoint->endpoint_id);
    hl_value_map_put_text(out, "Gateway", up ? docker_address_text(c->arena, network->gateway) : "");
    hl_value_map_put_text(out, "IPAddress", docker_address_text(c->arena, endpoint->address));
    hl_value_map_put_int(out, "IPPrefixLen", prefix);
    hl_value_map_put_text(out, "IPv6Gateway", "");
    hl_value_map_put_text(out, "GlobalIPv6Address", "");
    hl_value_map_put_int(out, "GlobalIPv6PrefixLen", 0);
    hl_value_map_put_text(out, "MacAddress", docker_mac_address(c->arena, endpoint->address));
    if (c->minor >= 44 && !for_list)
        hl_value_map_put(out, "DNSNames", names_for_dns(c->arena, container, endpoint));
    return out;
}

struct hl_value *docker_inspect_networks(struct docker_call *c, const struct docker_container *container, bool for_list)
{
    struct hl_value *networks = hl_value_map(c->arena);

    for (size_t i = 0; i < container->endpoints_count; i++)
        hl_value_map_put(networks, container->endpoints[i]->network, endpoint_of(c, container, container->endpoints[i], for_list));
    return networks;
}

static void add_published(struct hl_arena *arena, struct hl_value *ports, const struct docker_port *port, const char *address)
{
    struct hl_value *list = hl_value_get(ports, port->key);
    struct hl_value *row = hl_value_map(arena);

    if (hl_value_is_null(list)) {
        list = hl_value_list(arena);
        hl_value_map_put(ports, port->key, list);
    }
    hl_value_map_put_text(row, "HostIp", address);
    hl_value_map_put(row, "HostPort", hl_value_printf(arena, "%" PRId64, port->number));
    hl_value_list_add(arena, list, row);
}

/* Only of running containers; a binding to all addresses shows twice. */
static struct hl_value *ports_of(struct hl_arena *arena, const struct docker_container *container)
{
    const struct hl_value *exposed = hl_value_get(container->config, "ExposedPorts");
    struct hl_value *ports = hl_value_map(arena);

    if (!docker_container_runs(container))
        return ports;
    for (size_t i = 0; i < hl_value_count(exposed); i++)
        hl_value_map_put(ports, hl_value_key(exposed, i), hl_value_null(arena));
    for (const struct docker_port *port = container->ports; port != NULL; port = port->sibling) {
        add_published(arena, ports, port, *port->host_ip == '\0' ? "0.0.0.0" : port->host_ip);
        if (*port->host_ip == '\0')
            add_published(arena, ports, port, "::");
    }
    return ports;
}

static struct hl_value *settings_of(struct docker_call *c, const struct docker_container *container)
{
    static const char *const copied[] = {"EndpointID",  "Gateway",     "IPAddress",         "MacAddress",
                                         "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen"};
    struct hl_value *settings = hl_value_map(c->arena);
    struct hl_value *networks = docker_inspect_networks(c, container, false);
    const struct hl_value *bridge = hl_value_get(networks, "bridge");

    put_texts(
        settings,
        (const char *const[]){"Bridge", "LinkLocalIPv6Address", "EndpointID", "Gateway", "GlobalIPv6Address", "IPAddress", "IPv6Gateway", "MacAddress", NULL},
        "");
    put_nulls(c->arena, settings, (const char *const[]){"SecondaryIPAddresses", "SecondaryIPv6Addresses", NULL});
    hl_value_map_put_text(settings, "SandboxID", container->started_ns != 0 ? container->id : "");
    hl_value_map_put_text(settings, "SandboxKey", container->started_ns != 0 ? "/var/run/docker/netns/lab" : "");
    hl_value_map_put_bool(settings, "HairpinMode", false);
    hl_value_map_put_int(settings, "LinkLocalIPv6PrefixLen", 0);
    hl_value_map_put_int(settings, "GlobalIPv6PrefixLen", 0);
    hl_value_map_put_int(settings, "IPPrefixLen", 0);
    for (size_t i = 0; bridge != NULL && i < HL_COUNT(copied); i++)
        hl_value_map_put(settings, copied[i], hl_value_get(bridge, copied[i]));
    hl_value_map_put(settings, "Ports", ports_of(c->arena, container));
    hl_value_map_put(settings, "Networks", networks);
    return settings;
}

/* --- Configuration --- */

static struct hl_value *paths(struct hl_arena *arena, const char *const *list)
{
    struct hl_value *out = hl_value_list(arena);

    for (; *list != NULL; list++)
        hl_value_list_add(arena, out, hl_value_text(arena, *list));
    return out;
}

static struct hl_value *host_of(struct docker_call *c, const struct docker_container *container)
{
    static const char *const masked[] = {
        "/proc/asound",      "/proc/acpi", "/proc/kcore",   "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware", NULL};
    static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
    struct hl_value *console = hl_value_list(c->arena);
    struct hl_value *host = NULL;

    if (!docker_decode(c, "HostConfig", docker_host_fields, container->host, &host))
        return NULL;

    bool privileged = hl_value_get_bool(host, "Privileged", false);

    hl_value_list_add(c->arena, console, hl_value_int(c->arena, 0));
    hl_value_list_add(c->arena, console, hl_value_int(c->arena, 0));
    hl_value_map_put(host, "ConsoleSize", console);
    put_nulls(c->arena, host,
              (const char *const[]){"BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", NULL});
    hl_value_map_put_int(host, "KernelMemoryTCP", 0);
    hl_value_map_put_int(host, "CpuCount", 0);
    hl_value_map_put_int(host, "CpuPercent", 0);
    hl_value_map_put_int(host, "IOMaximumIOps", 0);
    hl_value_map_put_int(host, "IOMaximumBandwidth", 0);
    hl_value_map_put(host, "MaskedPaths", privileged ? hl_value_null(c->arena) : paths(c->arena, masked));
    hl_value_map_put(host, "ReadonlyPaths", privileged ? hl_value_null(c->arena) : paths(c->arena, readonly));
    return host;
}

/* In another order each time: who compares item by item finds out soon. */
static struct hl_value *shuffled(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_value *out = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        hl_value_list_add(arena, out, hl_value_item(list, i));

        size_t other = hl_random_below((uint32_t)(i + 1));
        struct hl_value *kept = out->list.items[i];

        out->list.items[i] = out->list.items[other];
        out->list.items[other] = kept;
    }
    return out;
}

static void put_command(struct hl_arena *arena, struct hl_value *out, const struct docker_container *container)
{
    const struct hl_value *parts[] = {hl_value_get(container->config, "Entrypoint"), hl_value_get(container->config, "Cmd")};
    struct hl_value *arguments = hl_value_list(arena);
    const char *path = NULL;

    for (size_t i = 0; i < HL_COUNT(parts); i++) {
        for (size_t j = 0; j < hl_value_count(parts[i]); j++) {
            if (path == NULL)
                path = hl_value_item(parts[i], j)->text.data;
            else
                hl_value_list_add(arena, arguments, hl_value_item(parts[i], j));
        }
    }
    hl_value_map_put_text(out, "Path", path == NULL ? "" : path);
    hl_value_map_put(out, "Args", arguments);
}

static void put_files(struct hl_arena *arena, struct hl_value *out, const char *id)
{
    static const struct {
        const char *key, *file;
    } rows[] = {{"ResolvConfPath", "resolv.conf"}, {"HostnamePath", "hostname"}, {"HostsPath", "hosts"}};

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        hl_value_map_put(out, rows[i].key, hl_value_printf(arena, "/var/lib/docker/containers/%s/%s", id, rows[i].file));
    hl_value_map_put(out, "LogPath", hl_value_printf(arena, "/var/lib/docker/containers/%s/%s-json.log", id, id));
}

void docker_container_inspect(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *config = NULL;
    struct hl_value *driver = hl_value_map(c->arena);

    if (container == NULL || !docker_decode(c, "Config", docker_config_fields, container->config, &config))
        return;
    hl_value_map_put_text(out, "Id", container->id);
    hl_value_map_put_text(out, "Created", docker_time(c->arena, container->created_ns));
    put_command(c->arena, out, container);
    hl_value_map_put(out, "State", state_of(c->arena, container));
    hl_value_map_put_text(out, "Image", container->image_id);
    put_files(c->arena, out, container->id);
    hl_value_map_put(out, "Name", hl_value_printf(c->arena, "/%s", container->name));
    hl_value_map_put_int(out, "RestartCount", container->restart_count);
    hl_value_map_put_text(out, "Driver", "overlay2");
    hl_value_map_put_text(out, "Platform", "linux");
    put_texts(out, (const char *const[]){"MountLabel", "ProcessLabel", "AppArmorProfile", NULL}, "");
    hl_value_map_put(out, "ExecIDs", hl_value_null(c->arena));
    hl_value_map_put(out, "HostConfig", host_of(c, container));
    hl_value_map_put_text(driver, "Name", "overlay2");
    hl_value_map_put(driver, "Data", hl_value_map(c->arena));
    hl_value_map_put(out, "GraphDriver", driver);
    hl_value_map_put(out, "Mounts", shuffled(c->arena, container->mounts));
    hl_value_map_put(out, "Config", config);
    hl_value_map_put(out, "NetworkSettings", settings_of(c, container));
    docker_ok(c, 200, out);
}
