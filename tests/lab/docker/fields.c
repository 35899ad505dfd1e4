/* The bodies that the engine takes, as tables: what is not here is dropped without a word, as the engine does. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct docker_field health_fields[] = {
    {"Test", S_TEXTS, A_OMIT, NULL},        {"Interval", S_INT, A_OMIT, NULL}, {"Timeout", S_INT, A_OMIT, NULL}, {"StartPeriod", S_INT, A_OMIT, NULL},
    {"StartInterval", S_INT, A_OMIT, NULL}, {"Retries", S_INT, A_OMIT, NULL},  {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_config_fields[] = {
    {"Hostname", S_TEXT, A_ZERO, NULL},
    {"Domainname", S_TEXT, A_ZERO, NULL},
    {"User", S_TEXT, A_ZERO, NULL},
    {"AttachStdin", S_BOOL, A_ZERO, NULL},
    {"AttachStdout", S_BOOL, A_ZERO, NULL},
    {"AttachStderr", S_BOOL, A_ZERO, NULL},
    {"ExposedPorts", S_EMPTIES, A_OMIT, NULL},
    {"Tty", S_BOOL, A_ZERO, NULL},
    {"OpenStdin", S_BOOL, A_ZERO, NULL},
    {"StdinOnce", S_BOOL, A_ZERO, NULL},
    {"Env", S_TEXTS, A_NULL, NULL},
    {"Cmd", S_COMMAND, A_NULL, NULL},
    {"Healthcheck", S_OBJECT, A_OMIT, health_fields},
    {"Image", S_TEXT, A_ZERO, NULL},
    {"Volumes", S_EMPTIES, A_NULL, NULL},
    {"WorkingDir", S_TEXT, A_ZERO, NULL},
    {"Entrypoint", S_COMMAND, A_NULL, NULL},
    {"NetworkDisabled", S_BOOL, A_OMIT, NULL},
    {"MacAddress", S_TEXT, A_OMIT, NULL},
    {"OnBuild", S_TEXTS, A_NULL, NULL},
    {"Labels", S_TEXT_MAP, A_NULL, NULL},
    {"StopSignal", S_TEXT, A_OMIT, NULL},
    {"StopTimeout", S_INT, A_OMIT, NULL},
    {"Shell", S_TEXTS, A_OMIT, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};

static const struct docker_field log_fields[] = {{"Type", S_TEXT, A_ZERO, NULL}, {"Config", S_TEXT_MAP, A_NULL, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field port_fields[] = {{"HostIp", S_TEXT, A_ZERO, NULL}, {"HostPort", S_TEXT, A_ZERO, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field restart_fields[] = {{"Name", S_TEXT, A_ZERO, NULL}, {"MaximumRetryCount", S_INT, A_ZERO, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field device_fields[] = {
    {"PathOnHost", S_TEXT, A_ZERO, NULL},
    {"PathInContainer", S_TEXT, A_ZERO, NULL},
    {"CgroupPermissions", S_TEXT, A_ZERO, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};
static const struct docker_field request_fields[] = {{"Driver", S_TEXT, A_ZERO, NULL},
                                                     {"Count", S_INT, A_ZERO, NULL},
                                                     {"DeviceIDs", S_TEXTS, A_NULL, NULL},
                                                     {"Options", S_TEXT_MAP, A_NULL, NULL},
                                                     {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field ulimit_fields[] = {
    {"Name", S_TEXT, A_ZERO, NULL}, {"Hard", S_INT, A_ZERO, NULL}, {"Soft", S_INT, A_ZERO, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field bind_fields[] = {
    {"Propagation", S_TEXT, A_OMIT, NULL},
    {"NonRecursive", S_BOOL, A_OMIT, NULL},
    {"CreateMountpoint", S_BOOL, A_OMIT, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};
static const struct docker_field driver_fields[] = {{"Name", S_TEXT, A_OMIT, NULL}, {"Options", S_TEXT_MAP, A_OMIT, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field mount_volume_fields[] = {
    {"NoCopy", S_BOOL, A_OMIT, NULL},
    {"Labels", S_TEXT_MAP, A_OMIT, NULL},
    {"DriverConfig", S_OBJECT, A_OMIT, driver_fields},
    {NULL, S_TEXT, A_ZERO, NULL},
};
static const struct docker_field tmpfs_fields[] = {{"SizeBytes", S_INT, A_OMIT, NULL}, {"Mode", S_INT, A_OMIT, NULL}, {NULL, S_TEXT, A_ZERO, NULL}};
static const struct docker_field mount_fields[] = {
    {"Type", S_TEXT, A_OMIT, NULL},
    {"Source", S_TEXT, A_OMIT, NULL},
    {"Target", S_TEXT, A_OMIT, NULL},
    {"ReadOnly", S_BOOL, A_OMIT, NULL},
    {"Consistency", S_TEXT, A_OMIT, NULL},
    {"BindOptions", S_OBJECT, A_OMIT, bind_fields},
    {"VolumeOptions", S_OBJECT, A_OMIT, mount_volume_fields},
    {"TmpfsOptions", S_OBJECT, A_OMIT, tmpfs_fields},
    {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_host_fields[] = {
    {"Binds", S_TEXTS, A_NULL, NULL},
    {"ContainerIDFile", S_TEXT, A_ZERO, NULL},
    {"LogConfig", S_OBJECT, A_ZERO, log_fields},
    {"NetworkMode", S_TEXT, A_ZERO, NULL},
    {"PortBindings", S_PORTS, A_NULL, port_fields},
    {"RestartPolicy", S_OBJECT, A_ZERO, restart_fields},
    {"AutoRemove", S_BOOL, A_ZERO, NULL},
    {"VolumeDriver", S_TEXT, A_ZERO, NULL},
    {"VolumesFrom", S_TEXTS, A_NULL, NULL},
    {"CapAdd", S_COMMAND, A_NULL, NULL},
    {"CapDrop", S_COMMAND, A_NULL, NULL},
    {"CgroupnsMode", S_TEXT, A_ZERO, NULL},
    {"Dns", S_TEXTS, A_NULL, NULL},
    {"DnsOptions", S_TEXTS, A_NULL, NULL},
    {"DnsSearch", S_TEXTS, A_NULL, NULL},
    {"ExtraHosts", S_TEXTS, A_NULL, NULL},
    {"GroupAdd", S_TEXTS, A_NULL, NULL},
    {"IpcMode", S_TEXT, A_ZERO, NULL},
    {"Cgroup", S_TEXT, A_ZERO, NULL},
    {"Links", S_TEXTS, A_NULL, NULL},
    {"OomScoreAdj", S_INT, A_ZERO, NULL},
    {"PidMode", S_TEXT, A_ZERO, NULL},
    {"Privileged", S_BOOL, A_ZERO, NULL},
    {"PublishAllPorts", S_BOOL, A_ZERO, NULL},
    {"ReadonlyRootfs", S_BOOL, A_ZERO, NULL},
    {"SecurityOpt", S_TEXTS, A_NULL, NULL},
    {"StorageOpt", S_TEXT_MAP, A_OMIT, NULL},
    {"Tmpfs", S_TEXT_MAP, A_OMIT, NULL},
    {"UTSMode", S_TEXT, A_ZERO, NULL},
    {"UsernsMode", S_TEXT, A_ZERO, NULL},
    {"ShmSize", S_INT, A_ZERO, NULL},
    {"Sysctls", S_TEXT_MAP, A_OMIT, NULL},
    {"Runtime", S_TEXT, A_OMIT, NULL},
    {"Isolation", S_TEXT, A_ZERO, NULL},
    {"CpuShares", S_INT, A_ZERO, NULL},
    {"Memory", S_INT, A_ZERO, NULL},
    {"NanoCpus", S_INT, A_ZERO, NULL},
    {"CgroupParent", S_TEXT, A_ZERO, NULL},
    {"BlkioWeight", S_INT, A_ZERO, NULL},
    {"CpuPeriod", S_INT, A_ZERO, NULL},
    {"CpuQuota", S_INT, A_ZERO, NULL},
    {"CpuRealtimePeriod", S_INT, A_ZERO, NULL},
    {"CpuRealtimeRuntime", S_INT, A_ZERO, NULL},
    {"CpusetCpus", S_TEXT, A_ZERO, NULL},
    {"CpusetMems", S_TEXT, A_ZERO, NULL},
    {"Devices", S_OBJECTS, A_NULL, device_fields},
    {"DeviceCgroupRules", S_TEXTS, A_NULL, NULL},
    {"DeviceRequests", S_OBJECTS, A_NULL, request_fields},
    {"KernelMemory", S_INT, A_ZERO, NULL},
    {"MemoryReservation", S_INT, A_ZERO, NULL},
    {"MemorySwap", S_INT, A_ZERO, NULL},
    {"MemorySwappiness", S_INT, A_NULL, NULL},
    {"OomKillDisable", S_BOOL, A_ZERO, NULL},
    {"PidsLimit", S_INT, A_NULL, NULL},
    {"Ulimits", S_OBJECTS, A_NULL, ulimit_fields},
    {"Mounts", S_OBJECTS, A_OMIT, mount_fields},
    {"Init", S_BOOL, A_OMIT, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};

/* An unset restart policy stays out of the result: zeros and "" mean "leave it". */
const struct docker_field docker_update_fields[] = {
    {"CpuShares", S_INT, A_ZERO, NULL},   {"Memory", S_INT, A_ZERO, NULL},      {"NanoCpus", S_INT, A_ZERO, NULL},
    {"BlkioWeight", S_INT, A_ZERO, NULL}, {"CpuPeriod", S_INT, A_ZERO, NULL},   {"CpuQuota", S_INT, A_ZERO, NULL},
    {"CpusetCpus", S_TEXT, A_ZERO, NULL}, {"CpusetMems", S_TEXT, A_ZERO, NULL}, {"MemoryReservation", S_INT, A_ZERO, NULL},
    {"MemorySwap", S_INT, A_ZERO, NULL},  {"PidsLimit", S_INT, A_NULL, NULL},   {"RestartPolicy", S_OBJECT, A_OMIT, restart_fields},
    {NULL, S_TEXT, A_ZERO, NULL},
};

static const struct docker_field ipam_fields[] = {
    {"IPv4Address", S_TEXT, A_OMIT, NULL},
    {"IPv6Address", S_TEXT, A_OMIT, NULL},
    {"LinkLocalIPs", S_TEXTS, A_OMIT, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_endpoint_fields[] = {
    {"IPAMConfig", S_OBJECT, A_NULL, ipam_fields}, {"Links", S_TEXTS, A_NULL, NULL},         {"Aliases", S_TEXTS, A_NULL, NULL},
    {"MacAddress", S_TEXT, A_ZERO, NULL},          {"DriverOpts", S_TEXT_MAP, A_NULL, NULL}, {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_networking_fields[] = {{"EndpointsConfig", S_OBJECT_MAP, A_NULL, docker_endpoint_fields}, {NULL, S_TEXT, A_ZERO, NULL}};

static const struct docker_field pool_fields[] = {
    {"Subnet", S_TEXT, A_OMIT, NULL}, {"IPRange", S_TEXT, A_OMIT, NULL}, {"Gateway", S_TEXT, A_OMIT, NULL}, {"AuxiliaryAddresses", S_TEXT_MAP, A_OMIT, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};
static const struct docker_field network_ipam_fields[] = {
    {"Driver", S_TEXT, A_ZERO, NULL},
    {"Options", S_TEXT_MAP, A_NULL, NULL},
    {"Config", S_OBJECTS, A_NULL, pool_fields},
    {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_network_fields[] = {
    {"Name", S_TEXT, A_ZERO, NULL},
    {"CheckDuplicate", S_BOOL, A_ZERO, NULL},
    {"Driver", S_TEXT, A_ZERO, NULL},
    {"EnableIPv6", S_BOOL, A_ZERO, NULL},
    {"Internal", S_BOOL, A_ZERO, NULL},
    {"Attachable", S_BOOL, A_ZERO, NULL},
    {"IPAM", S_OBJECT, A_ZERO, network_ipam_fields},
    {"Options", S_TEXT_MAP, A_NULL, NULL},
    {"Labels", S_TEXT_MAP, A_NULL, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_connect_fields[] = {
    {"Container", S_TEXT, A_ZERO, NULL},
    {"EndpointConfig", S_OBJECT, A_ZERO, docker_endpoint_fields},
    {"Force", S_BOOL, A_ZERO, NULL},
    {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_volume_fields[] = {
    {"Name", S_TEXT, A_ZERO, NULL},       {"Driver", S_TEXT, A_ZERO, NULL}, {"DriverOpts", S_TEXT_MAP, A_NULL, NULL},
    {"Labels", S_TEXT_MAP, A_NULL, NULL}, {NULL, S_TEXT, A_ZERO, NULL},
};

const struct docker_field docker_exec_fields[] = {
    {"User", S_TEXT, A_ZERO, NULL},         {"Privileged", S_BOOL, A_ZERO, NULL},   {"Tty", S_BOOL, A_ZERO, NULL},    {"AttachStdin", S_BOOL, A_ZERO, NULL},
    {"AttachStderr", S_BOOL, A_ZERO, NULL}, {"AttachStdout", S_BOOL, A_ZERO, NULL}, {"Detach", S_BOOL, A_ZERO, NULL}, {"DetachKeys", S_TEXT, A_ZERO, NULL},
    {"Env", S_TEXTS, A_NULL, NULL},         {"WorkingDir", S_TEXT, A_ZERO, NULL},   {"Cmd", S_TEXTS, A_NULL, NULL},   {NULL, S_TEXT, A_ZERO, NULL},
};

/* --- Reading with a table --- */

struct hl_value *docker_get(const struct hl_value *map, const char *key)
{
    struct hl_value *exact = hl_value_get(map, key);

    for (size_t i = 0; exact == NULL && i < hl_value_count(map) && map->type == HL_MAP; i++)
        if (strcasecmp(hl_value_key(map, i), key) == 0)
            return hl_value_at(map, i);
    return exact;
}

static const char *const shape_names[] = {
    [S_TEXT] = "string",
    [S_BOOL] = "bool",
    [S_INT] = "int64",
    [S_TEXTS] = "[]string",
    [S_COMMAND] = "[]string",
    [S_TEXT_MAP] = "map[string]string",
    [S_EMPTIES] = "map[string]struct {}",
    [S_OBJECT] = "struct",
    [S_OBJECTS] = "[]struct",
    [S_OBJECT_MAP] = "map[string]struct",
    [S_PORTS] = "nat.PortMap",
};

/* As Go calls them. */
static const char *json_type(const struct hl_value *value)
{
    static const char *const names[] = {
        [HL_NULL] = "null",   [HL_BOOL] = "bool",  [HL_INT] = "number", [HL_REAL] = "number",
        [HL_TEXT] = "string", [HL_LIST] = "array", [HL_MAP] = "object", [HL_UNKNOWN] = "null",
    };

    return names[value->type];
}

static bool fail_type(struct docker_call *c, const char *type, const struct docker_field *field, const struct hl_value *value)
{
    bool lax = strcmp(type, "NetworkCreateRequest") == 0; /* where the engine has always known whose fault it is */
    const char *wanted = shape_names[field->shape];

    /* Of a list or map of texts the item is to blame, when the outside is right. */
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct hl_value *item = value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i);

        if (item->type != HL_TEXT && ((field->shape == S_TEXTS && value->type == HL_LIST) || (field->shape == S_TEXT_MAP && value->type == HL_MAP))) {
            value = item;
            wanted = "string";
            break;
        }
    }
    return docker_fail(c, lax || c->docker->minor >= 44 ? 400 : 500, "json: cannot unmarshal %s into Go struct field %s.%s of type %s", json_type(value), type,
                       field->name, wanted);
}

static bool all_are(const struct hl_value *container, enum hl_type type)
{
    for (size_t i = 0; i < hl_value_count(container); i++) {
        const struct hl_value *item = container->type == HL_LIST ? hl_value_item(container, i) : hl_value_at(container, i);

        if (item->type != type)
            return false;
    }
    return true;
}

static struct hl_value *zero_of(struct hl_arena *arena, enum docker_shape shape)
{
    switch (shape) {
    case S_TEXT:
        return hl_value_text(arena, "");
    case S_BOOL:
        return hl_value_bool(arena, false);
    case S_INT:
        return hl_value_int(arena, 0);
    case S_TEXTS:
    case S_COMMAND:
    case S_TEXT_MAP:
    case S_EMPTIES:
    case S_OBJECT:
    case S_OBJECTS:
    case S_OBJECT_MAP:
    case S_PORTS:
        break;
    }
    return hl_value_null(arena);
}

static bool is_zero(const struct hl_value *value)
{
    return hl_value_is_null(value) || (value->type == HL_TEXT && value->text.length == 0) || (value->type == HL_INT && value->integer == 0) ||
           (value->type == HL_BOOL && !value->boolean) || ((value->type == HL_LIST || value->type == HL_MAP) && hl_value_count(value) == 0);
}

static bool decode_objects(struct docker_call *c, const struct docker_field *field, const struct hl_value *value, struct hl_value **out)
{
    *out = value->type == HL_LIST ? hl_value_list(c->arena) : hl_value_map(c->arena);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct hl_value *item = value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i);
        struct hl_value *decoded = NULL;

        if (field->shape == S_PORTS && item->type == HL_LIST) {
            const struct docker_field inner = {field->name, S_OBJECTS, A_NULL, field->fields};

            if (!decode_objects(c, &inner, item, &decoded))
                return false;
        } else if (field->shape == S_PORTS && item->type == HL_NULL) {
            decoded = hl_value_null(c->arena);
        } else if (field->shape == S_PORTS || (item->type != HL_MAP && item->type != HL_NULL)) {
            return fail_type(c, field->name, field, item);
        } else if (!docker_decode(c, field->name, field->fields, item->type == HL_NULL ? NULL : item, &decoded)) {
            return false;
        }
        if (value->type == HL_LIST)
            hl_value_list_add(c->arena, *out, decoded);
        else
            hl_value_map_put(*out, hl_value_key(value, i), decoded);
    }
    return true;
}

/* The value as the engine keeps it; false when its type is wrong, and answered. */
static bool decode_value(struct docker_call *c, const char *type, const struct docker_field *field, struct hl_value *value, struct hl_value **out)
{
    bool fine = true;

    *out = value;
    switch (field->shape) {
    case S_TEXT:
        fine = value->type == HL_TEXT;
        break;
    case S_BOOL:
        fine = value->type == HL_BOOL;
        break;
    case S_INT:
        fine = value->type == HL_INT;
        break;
    case S_TEXTS:
        fine = value->type == HL_LIST && all_are(value, HL_TEXT);
        break;
    case S_COMMAND:
        fine = value->type == HL_TEXT || (value->type == HL_LIST && all_are(value, HL_TEXT));
        if (value->type == HL_TEXT) {
            *out = hl_value_list(c->arena);
            hl_value_list_add(c->arena, *out, value);
        }
        break;
    case S_TEXT_MAP:
        fine = value->type == HL_MAP && all_are(value, HL_TEXT);
        break;
    case S_EMPTIES:
        fine = value->type == HL_MAP && all_are(value, HL_MAP);
        break;
    case S_OBJECT:
        if (value->type == HL_MAP)
            return docker_decode(c, field->name, field->fields, value, out);
        fine = false;
        break;
    case S_OBJECTS:
        if (value->type == HL_LIST)
            return decode_objects(c, field, value, out);
        fine = false;
        break;
    case S_OBJECT_MAP:
    case S_PORTS:
        if (value->type == HL_MAP)
            return decode_objects(c, field, value, out);
        fine = false;
        break;
    }
    return fine || fail_type(c, type, field, value);
}

/* Those that are pointers in the engine: false and 0 are something else than nothing. */
static bool is_pointer(const struct docker_field *field)
{
    return strcmp(field->name, "Init") == 0 || strcmp(field->name, "StopTimeout") == 0;
}

static bool is_left_out(const struct docker_field *field, const struct hl_value *given, const struct hl_value *value)
{
    if (field->absent != A_OMIT)
        return false;
    if (hl_value_is_null(given))
        return true;
    return field->shape != S_OBJECT && !is_pointer(field) && is_zero(value);
}

bool docker_decode(struct docker_call *c, const char *type, const struct docker_field *fields, const struct hl_value *body, struct hl_value **out)
{
    *out = hl_value_map(c->arena);
    if (!hl_value_is_null(body) && body->type != HL_MAP)
        return docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "json: cannot unmarshal %s into Go struct field %s of type struct", json_type(body), type);
    for (const struct docker_field *field = fields; field->name != NULL; field++) {
        struct hl_value *given = docker_get(body, field->name);
        struct hl_value *value = NULL;

        if (!hl_value_is_null(given)) {
            if (!decode_value(c, type, field, given, &value))
                return false;
        } else if (field->shape == S_OBJECT && field->absent == A_ZERO) {
            if (!docker_decode(c, type, field->fields, NULL, &value))
                return false;
        } else {
            value = field->absent == A_NULL ? hl_value_null(c->arena) : zero_of(c->arena, field->shape);
        }
        if (!is_left_out(field, given, value))
            hl_value_map_put(*out, field->name, value);
    }
    return true;
}

/* What docker_decode() would not put there by itself. Empty lists and maps stay: they are not null. */
struct hl_value *docker_compact(struct hl_arena *arena, const struct docker_field *fields, const struct hl_value *decoded)
{
    struct hl_value *compact = hl_value_map(arena);

    for (const struct docker_field *field = fields; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(decoded, field->name);

        if (value != NULL && (value->type == HL_LIST || value->type == HL_MAP || is_pointer(field) || !is_zero(value)))
            hl_value_map_put(compact, field->name, hl_value_copy(arena, value));
    }
    return compact;
}
