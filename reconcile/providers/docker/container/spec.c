#include "config.h"

#include "reconcile/providers/docker/container/spec.h"

#include "reconcile/providers/docker/container/fields.h"
#include "reconcile/providers/docker/container/plain.h"

#include <stdlib.h>
#include <string.h>

enum { API_CREATE_MOUNTPOINT = 42, API_ENDPOINTS = 44, MS_IN_NS = 1000000 };

/* One creation's body in the making. */
struct builder {
    struct hl_arena *arena;
    const struct hl_container_spec *spec;
    const struct hl_value *desired;
    struct hl_value *config, *host;
};

static const struct hl_value *field(const struct builder *builder, const char *name)
{
    return hl_value_get(builder->desired, name);
}

static struct hl_value *add_list(struct builder *builder, struct hl_value *to, const char *key)
{
    struct hl_value *list = hl_value_get(to, key);

    if (list == NULL) {
        list = hl_value_list(builder->arena);
        hl_value_map_put(to, key, list);
    }
    return list;
}

/* --- Scalars --- */

const char *hl_container_host_path(struct hl_arena *arena, const char *base, const char *home, const char *source)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *rest = source;

    if (source[0] == '~' && (source[1] == '/' || source[1] == '\0') && home != NULL)
        rest = hl_arena_printf(arena, "%s/%s", home, source + 1);
    else if (source[0] != '/')
        rest = hl_arena_printf(arena, "%s/%s", base != NULL ? base : "", source);
    while (*rest != '\0') {
        rest += strspn(rest, "/");
        const size_t length = strcspn(rest, "/");
        if (length == 2 && memcmp(rest, "..", 2) == 0) {
            while (path.length > 0 && path.data[--path.length] != '/')
                continue;
        } else if (length > 0 && !(length == 1 && rest[0] == '.')) {
            hl_text_putc(&path, '/');
            hl_text_append(&path, rest, length);
        }
        rest += length;
    }
    return path.length == 0 ? "/" : hl_arena_copy(arena, hl_text_get(&path), path.length);
}

struct hl_value *hl_container_restart(struct hl_arena *arena, const char *restart)
{
    struct hl_value *policy = hl_value_map(arena);
    int64_t retries = 0;
    const char *name = hl_restart_policy(arena, restart, &retries);

    hl_value_map_put_text(policy, "Name", name);
    hl_value_map_put_int(policy, "MaximumRetryCount", strcmp(name, "on-failure") == 0 ? retries : 0);
    return policy;
}

int64_t hl_container_nano_cpus(const struct hl_value *cpus)
{
    if (hl_value_is(cpus, HL_INT))
        return cpus->integer * 1000000000;
    return hl_value_is(cpus, HL_REAL) ? (int64_t)(cpus->real * 1e9 + 0.5) : 0;
}

int64_t hl_container_swap(const struct hl_value *swap)
{
    int64_t bytes = 0;

    if (!hl_value_is(swap, HL_TEXT))
        return 0;
    if (strcmp(swap->text.data, "-1") == 0)
        return -1;
    return hl_parse_size(swap->text.data, &bytes) ? bytes : 0;
}

static void put_scalars(struct builder *builder)
{
    for (const struct hl_plain *plain = hl_plain_fields; plain->field != NULL; plain++)
        hl_value_map_put(plain->host ? builder->host : builder->config, plain->key, hl_plain_to_engine(builder->arena, plain, field(builder, plain->field)));
    hl_value_map_put_text(builder->config, "Image", hl_value_get_text(builder->desired, "image"));
    if (field(builder, "stop_grace_period") != NULL)
        hl_value_map_put_int(builder->config, "StopTimeout", hl_value_get_int(builder->desired, "stop_grace_period", 0) / 1000);
    if (field(builder, "cpus") != NULL)
        hl_value_map_put_int(builder->host, "NanoCpus", hl_container_nano_cpus(field(builder, "cpus")));
    if (hl_container_swap(field(builder, "memswap_limit")) != 0)
        hl_value_map_put_int(builder->host, "MemorySwap", hl_container_swap(field(builder, "memswap_limit")));
    hl_value_map_put(builder->host, "RestartPolicy", hl_container_restart(builder->arena, hl_value_get_text(builder->desired, "restart")));
}

static struct hl_value *words(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_value *copy = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++)
        hl_value_list_add(arena, copy, hl_value_text(arena, hl_value_to_text(arena, hl_value_item(list, i))));
    return copy;
}

static void put_process(struct builder *builder)
{
    const struct hl_value *environment = field(builder, "environment");

    if (hl_value_count(field(builder, "command")) > 0)
        hl_value_map_put(builder->config, "Cmd", words(builder->arena, field(builder, "command")));
    if (hl_value_count(field(builder, "entrypoint")) > 0)
        hl_value_map_put(builder->config, "Entrypoint", words(builder->arena, field(builder, "entrypoint")));
    for (size_t i = 0; i < hl_value_members(environment); i++) {
        const struct hl_value *value = hl_value_at(environment, i);
        if (!hl_value_is_null(value))
            hl_value_list_add(builder->arena, add_list(builder, builder->config, "Env"),
                              hl_value_printf(builder->arena, "%s=%s", hl_value_key(environment, i), hl_value_to_text(builder->arena, value)));
    }
}

static void put_labels(struct builder *builder)
{
    const struct hl_value *labels = field(builder, "labels");
    struct hl_value *all = hl_value_map(builder->arena);

    for (size_t i = 0; i < hl_value_members(labels); i++) {
        const struct hl_value *value = hl_value_at(labels, i);
        hl_value_map_put_text(all, hl_value_key(labels, i), hl_value_is_null(value) ? "" : hl_value_to_text(builder->arena, value));
    }
    for (size_t i = 0; i < hl_value_members(builder->spec->marks); i++)
        hl_value_map_put(all, hl_value_key(builder->spec->marks, i), hl_value_at(builder->spec->marks, i));
    hl_value_map_put(builder->config, "Labels", all);
}

static void put_duration(struct hl_value *to, const char *key, const struct hl_value *from, const char *name)
{
    const int64_t ms = hl_value_get_int(from, name, 0);

    if (ms > 0)
        hl_value_map_put_int(to, key, ms * MS_IN_NS);
}

static void put_healthcheck(struct builder *builder)
{
    const struct hl_value *check = field(builder, "healthcheck");
    struct hl_value *health = hl_value_map(builder->arena);

    if (hl_value_count(check) == 0)
        return;
    if (hl_value_count(hl_value_get(check, "test")) > 0)
        hl_value_map_put(health, "Test", words(builder->arena, hl_value_get(check, "test")));
    put_duration(health, "Interval", check, "interval");
    put_duration(health, "Timeout", check, "timeout");
    put_duration(health, "StartPeriod", check, "start_period");
    if (builder->spec->minor >= API_ENDPOINTS)
        put_duration(health, "StartInterval", check, "start_interval");
    if (hl_value_get_int(check, "retries", 0) > 0)
        hl_value_map_put_int(health, "Retries", hl_value_get_int(check, "retries", 0));
    hl_value_map_put(builder->config, "Healthcheck", health);
}

/* --- Ports --- */

static struct hl_value *add_map(struct builder *builder, struct hl_value *to, const char *key)
{
    struct hl_value *map = hl_value_get(to, key);

    if (map == NULL) {
        map = hl_value_map(builder->arena);
        hl_value_map_put(to, key, map);
    }
    return map;
}

/* Engine 20.10 does not publish a port that is not exposed as well. */
static void put_ports(struct builder *builder)
{
    const struct hl_value *ports = field(builder, "ports");
    const struct hl_value *expose = field(builder, "expose");

    for (size_t i = 0; i < hl_value_count(ports); i++) {
        const struct hl_value *port = hl_value_item(ports, i);
        const char *protocol = hl_value_get_text(port, "protocol");
        const char *published = hl_value_get_text(port, "published");
        const char *host_ip = hl_value_get_text(port, "host_ip");
        const char *key = hl_arena_printf(builder->arena, "%lld/%s", (long long)hl_value_get_int(port, "target", 0), protocol != NULL ? protocol : "tcp");
        struct hl_value *binding = hl_value_map(builder->arena);
        hl_value_map_put(add_map(builder, builder->config, "ExposedPorts"), key, hl_value_map(builder->arena));
        hl_value_map_put_text(binding, "HostIp", host_ip != NULL ? host_ip : "");
        hl_value_map_put_text(binding, "HostPort", published != NULL ? published : "");
        hl_value_list_add(builder->arena, add_list(builder, add_map(builder, builder->host, "PortBindings"), key), binding);
    }
    for (size_t i = 0; i < hl_value_count(expose); i++) {
        const char *key = hl_value_to_text(builder->arena, hl_value_item(expose, i));
        if (key != NULL)
            hl_value_map_put(add_map(builder, builder->config, "ExposedPorts"), key, hl_value_map(builder->arena));
    }
}

/* --- Mounts --- */

static void add_bind(struct builder *builder, const struct hl_value *volume, const char *source)
{
    hl_auto(text) struct hl_text options = HL_TEXT_INIT(1024);
    const struct hl_value *bind = hl_value_get(volume, "bind");
    const char *selinux = hl_value_get_text(bind, "selinux");
    const char *propagation = hl_value_get_text(bind, "propagation");

    hl_text_puts(&options, hl_value_get_bool(volume, "read_only", false) ? "ro" : "rw");
    if (selinux != NULL)
        hl_text_printf(&options, ",%s", selinux);
    if (propagation != NULL)
        hl_text_printf(&options, ",%s", propagation);
    hl_value_list_add(builder->arena, add_list(builder, builder->host, "Binds"),
                      hl_value_printf(builder->arena, "%s:%s:%s", source, hl_value_get_text(volume, "target"), hl_text_get(&options)));
}

static void put_mount_options(struct builder *builder, struct hl_value *mount, const struct hl_value *volume)
{
    const struct hl_value *bind = hl_value_get(volume, "bind");
    const struct hl_value *named = hl_value_get(volume, "volume");
    const struct hl_value *tmpfs = hl_value_get(volume, "tmpfs");
    const char *mode = hl_value_get_text(tmpfs, "mode");

    if (hl_value_get_text(bind, "propagation") != NULL)
        hl_value_map_put_text(add_map(builder, mount, "BindOptions"), "Propagation", hl_value_get_text(bind, "propagation"));
    if (hl_value_get_bool(bind, "create_host_path", false) && builder->spec->minor >= API_CREATE_MOUNTPOINT)
        hl_value_map_put_bool(add_map(builder, mount, "BindOptions"), "CreateMountpoint", true);
    if (hl_value_get_bool(named, "nocopy", false))
        hl_value_map_put_bool(add_map(builder, mount, "VolumeOptions"), "NoCopy", true);
    if (hl_value_get_text(named, "subpath") != NULL)
        hl_value_map_put_text(add_map(builder, mount, "VolumeOptions"), "Subpath", hl_value_get_text(named, "subpath"));
    if (hl_value_get_int(tmpfs, "size", 0) > 0)
        hl_value_map_put_int(add_map(builder, mount, "TmpfsOptions"), "SizeBytes", hl_value_get_int(tmpfs, "size", 0));
    if (mode != NULL)
        hl_value_map_put_int(add_map(builder, mount, "TmpfsOptions"), "Mode", (int64_t)strtol(mode, NULL, 8));
}

static const char *mount_source(const struct builder *builder, const struct hl_value *volume, bool is_bind)
{
    const char *source = hl_value_get_text(volume, "source");

    if (is_bind)
        return source == NULL ? "" : hl_container_host_path(builder->arena, builder->spec->base, builder->spec->home, source);
    if (source == NULL) {
        const char *target = hl_value_get_text(volume, "target");
        return target == NULL ? NULL : hl_value_get_text(builder->spec->inherited, target);
    }
    return source;
}

/* As a mount, which refuses a missing folder of the host; as a bind where only that form can do it: SELinux labels, and folders to be made before API 1.42. */
static void add_volume(struct builder *builder, const struct hl_value *volume)
{
    const char *type = hl_value_get_text(volume, "type");
    const char *target = hl_value_get_text(volume, "target");
    const struct hl_value *bind = hl_value_get(volume, "bind");
    const bool is_bind = type != NULL && strcmp(type, "bind") == 0;
    const char *source = mount_source(builder, volume, is_bind);
    const bool makes = is_bind && hl_value_get_bool(bind, "create_host_path", false) && builder->spec->minor < API_CREATE_MOUNTPOINT;
    const bool labels = hl_value_get_text(bind, "selinux") != NULL;

    if ((makes || labels) && source != NULL && strchr(source, ':') == NULL && strchr(target, ':') == NULL) {
        add_bind(builder, volume, source);
        return;
    }
    struct hl_value *mount = hl_value_map(builder->arena);
    hl_value_map_put_text(mount, "Type", type != NULL ? type : "volume");
    hl_value_map_put_text(mount, "Source", source);
    hl_value_map_put_text(mount, "Target", target);
    if (hl_value_get_bool(volume, "read_only", false))
        hl_value_map_put_bool(mount, "ReadOnly", true);
    put_mount_options(builder, mount, volume);
    hl_value_list_add(builder->arena, add_list(builder, builder->host, "Mounts"), mount);
}

static bool has_target(const struct hl_value *volumes, const char *target)
{
    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const char *text = hl_value_get_text(hl_value_item(volumes, i), "target");
        if (text != NULL && strcmp(text, target) == 0)
            return true;
    }
    return false;
}

static void put_mounts(struct builder *builder)
{
    const struct hl_value *volumes = field(builder, "volumes");
    const struct hl_value *tmpfs = field(builder, "tmpfs");
    const struct hl_value *inherited = builder->spec->inherited;

    for (size_t i = 0; i < hl_value_count(volumes); i++)
        add_volume(builder, hl_value_item(volumes, i));
    for (size_t i = 0; i < hl_value_members(inherited); i++) {
        const char *target = hl_value_key(inherited, i);
        struct hl_value *mount = hl_value_map(builder->arena);
        if (has_target(volumes, target))
            continue;
        hl_value_map_put_text(mount, "Type", "volume");
        hl_value_map_put(mount, "Source", hl_value_at(inherited, i));
        hl_value_map_put_text(mount, "Target", target);
        hl_value_list_add(builder->arena, add_list(builder, builder->host, "Mounts"), mount);
    }
    for (size_t i = 0; i < hl_value_count(tmpfs); i++) {
        char *path = hl_arena_strdup(builder->arena, hl_value_to_text(builder->arena, hl_value_item(tmpfs, i)));
        char *options = path != NULL ? strchr(path, ':') : NULL;
        if (options != NULL)
            *options++ = '\0';
        if (path != NULL)
            hl_value_map_put_text(add_map(builder, builder->host, "Tmpfs"), path, options != NULL ? options : "");
    }
}

/* --- Host --- */

static void put_devices(struct builder *builder)
{
    const struct hl_value *devices = field(builder, "devices");

    for (size_t i = 0; i < hl_value_count(devices); i++) {
        const struct hl_value *device = hl_value_item(devices, i);
        struct hl_value *entry = hl_value_map(builder->arena);
        hl_value_map_put_text(entry, "PathOnHost", hl_value_get_text(device, "source"));
        hl_value_map_put_text(entry, "PathInContainer", hl_value_get_text(device, "target"));
        hl_value_map_put_text(entry, "CgroupPermissions", hl_value_get_text(device, "permissions"));
        hl_value_list_add(builder->arena, add_list(builder, builder->host, "Devices"), entry);
    }
}

static void put_ulimits(struct builder *builder)
{
    const struct hl_value *ulimits = field(builder, "ulimits");

    for (size_t i = 0; i < hl_value_members(ulimits); i++) {
        const struct hl_value *limit = hl_value_at(ulimits, i);
        struct hl_value *entry = hl_value_map(builder->arena);
        const int64_t soft = hl_value_get_int(limit, "soft", hl_value_get_int(limit, "hard", 0));
        hl_value_map_put_text(entry, "Name", hl_value_key(ulimits, i));
        hl_value_map_put_int(entry, "Soft", soft);
        hl_value_map_put_int(entry, "Hard", hl_value_get_int(limit, "hard", soft));
        hl_value_list_add(builder->arena, add_list(builder, builder->host, "Ulimits"), entry);
    }
}

static void put_extra_hosts(struct builder *builder)
{
    const struct hl_value *hosts = field(builder, "extra_hosts");

    for (size_t i = 0; i < hl_value_members(hosts); i++) {
        const char *addresses = hl_value_to_text(builder->arena, hl_value_at(hosts, i));
        while (addresses != NULL && *addresses != '\0') {
            const size_t length = strcspn(addresses, ",");
            hl_value_list_add(builder->arena, add_list(builder, builder->host, "ExtraHosts"),
                              hl_value_printf(builder->arena, "%s:%.*s", hl_value_key(hosts, i), (int)length, addresses));
            addresses += length;
            addresses += *addresses == ',';
        }
    }
}

static void put_logging(struct builder *builder)
{
    const struct hl_value *logging = field(builder, "logging");
    const struct hl_value *options = hl_value_get(logging, "options");
    const char *driver = hl_value_get_text(logging, "driver");
    struct hl_value *config = hl_value_map(builder->arena);
    struct hl_value *log = hl_value_map(builder->arena);

    if (hl_value_count(logging) == 0)
        return;
    for (size_t i = 0; i < hl_value_members(options); i++)
        hl_value_map_put_text(config, hl_value_key(options, i), hl_value_to_text(builder->arena, hl_value_at(options, i)));
    hl_value_map_put_text(log, "Type", driver != NULL ? driver : "");
    hl_value_map_put(log, "Config", config);
    hl_value_map_put(builder->host, "LogConfig", log);
}

/* "service:NAME" and "container:NAME" by the id that they stood for when the plan was made. */
static const char *namespace_mode(struct hl_arena *arena, const struct hl_value *desired, const char *field_name, const char *member)
{
    const char *mode = hl_value_get_text(desired, field_name);
    const char *id = hl_value_get_text(hl_value_get(desired, "joins"), member);

    if (mode == NULL || (!hl_starts_with(mode, "service:") && !hl_starts_with(mode, "container:")))
        return mode;
    return hl_arena_printf(arena, "container:%s", id != NULL ? id : strchr(mode, ':') + 1);
}

/* --- Networks --- */

const char **hl_container_networks(struct hl_arena *arena, const struct hl_value *desired)
{
    const struct hl_value *networks = hl_value_get(desired, "networks");
    const size_t count = hl_value_count(networks);
    const char **names = hl_arena_alloc(arena, (count + 1) * sizeof *names);

    for (size_t i = 0; i < count; i++) {
        const int64_t priority = hl_value_get_int(hl_value_at(networks, i), "priority", 0);
        size_t place = i;
        for (; place > 0 && hl_value_get_int(hl_value_get(networks, names[place - 1]), "priority", 0) < priority; place--)
            names[place] = names[place - 1];
        names[place] = hl_value_key(networks, i);
    }
    return names;
}

const char *hl_container_network_mode(struct hl_arena *arena, const struct hl_value *desired)
{
    const char **networks = hl_container_networks(arena, desired);
    const char *mode = namespace_mode(arena, desired, "network_mode", "network");

    if (mode != NULL)
        return strcmp(mode, "default") == 0 ? "bridge" : mode;
    return networks[0] != NULL ? networks[0] : "bridge";
}

struct hl_value *hl_container_endpoint(struct hl_arena *arena, const struct hl_value *desired, const char *network, const char *resource)
{
    const struct hl_value *settings = hl_value_get(hl_value_get(desired, "networks"), network);
    struct hl_value *endpoint = hl_value_map(arena);
    struct hl_value *aliases = words(arena, hl_value_get(settings, "aliases"));
    struct hl_value *ipam = hl_value_map(arena);

    /* The default bridge knows no names. */
    if (strcmp(network, "bridge") != 0) {
        hl_value_list_add(arena, aliases, hl_value_text(arena, resource));
        hl_value_map_put(endpoint, "Aliases", aliases);
    }
    hl_value_map_put_text(ipam, "IPv4Address", hl_value_get_text(settings, "ipv4_address"));
    hl_value_map_put_text(ipam, "IPv6Address", hl_value_get_text(settings, "ipv6_address"));
    if (hl_value_count(hl_value_get(settings, "link_local_ips")) > 0)
        hl_value_map_put(ipam, "LinkLocalIPs", words(arena, hl_value_get(settings, "link_local_ips")));
    if (hl_value_count(ipam) > 0)
        hl_value_map_put(endpoint, "IPAMConfig", ipam);
    if (hl_value_count(hl_value_get(settings, "driver_opts")) > 0)
        hl_value_map_put(endpoint, "DriverOpts", hl_value_copy(arena, hl_value_get(settings, "driver_opts")));
    return endpoint;
}

static void put_networks(struct builder *builder, struct hl_value *body)
{
    const char **networks = hl_container_networks(builder->arena, builder->desired);
    struct hl_value *endpoints = hl_value_map(builder->arena);
    struct hl_value *networking = hl_value_map(builder->arena);

    hl_value_map_put_text(builder->host, "NetworkMode", hl_container_network_mode(builder->arena, builder->desired));
    hl_value_map_put_text(builder->host, "PidMode", namespace_mode(builder->arena, builder->desired, "pid", "pid"));
    hl_value_map_put_text(builder->host, "IpcMode", namespace_mode(builder->arena, builder->desired, "ipc", "ipc"));
    for (size_t i = 0; networks[i] != NULL && (i == 0 || builder->spec->minor >= API_ENDPOINTS); i++)
        hl_value_map_put(endpoints, networks[i], hl_container_endpoint(builder->arena, builder->desired, networks[i], builder->spec->resource));
    if (hl_value_count(endpoints) == 0)
        return;
    hl_value_map_put(networking, "EndpointsConfig", endpoints);
    hl_value_map_put(body, "NetworkingConfig", networking);
}

struct hl_value *hl_container_body(struct hl_arena *arena, const struct hl_container_spec *spec)
{
    struct hl_value *body = hl_value_map(arena);
    struct builder builder = {.arena = arena, .spec = spec, .desired = spec->desired, .config = body, .host = hl_value_map(arena)};

    put_scalars(&builder);
    put_process(&builder);
    put_labels(&builder);
    put_healthcheck(&builder);
    put_ports(&builder);
    put_mounts(&builder);
    put_devices(&builder);
    put_ulimits(&builder);
    put_extra_hosts(&builder);
    put_logging(&builder);
    put_networks(&builder, body);
    hl_value_map_put(body, "HostConfig", builder.host);
    return body;
}
