/* The kind `network`: its table, and everything but its replacement (network_replace.c). */
#include "config.h"

#include "reconcile/providers/docker/network.h"

#include "reconcile/providers/docker/container/container.h"
#include "reconcile/providers/docker/kinds.h"
#include "reconcile/providers/docker/mark.h"
#include "reconcile/providers/docker/rows.h"

#include <arpa/inet.h>
#include <string.h>

/* --- The table --- */

static struct hl_value *normal_cidr(struct hl_arena *arena, struct hl_value *value);
static void check_cidr(struct hl_check *check, const struct hl_value *value);
static void check_address(struct hl_check *check, const struct hl_value *value);

static const struct hl_field pool_fields[] = {
    {.name = "subnet", .type = HL_F_STRING, .normalise = normal_cidr, .check = check_cidr, .doc = "addresses of the network, CIDR"},
    {.name = "gateway", .type = HL_F_STRING, .check = check_address, .doc = "the host's address in it"},
    {.name = "ip_range", .type = HL_F_STRING, .normalise = normal_cidr, .check = check_cidr, .doc = "part that addresses are given out from"},
    {.name = "aux_addresses", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "addresses that are in use by others, by name"},
    {.name = NULL},
};

static const struct hl_field ipam_fields[] = {
    {.name = "driver", .type = HL_F_STRING, .fallback = "default", .doc = "who gives addresses out"},
    {.name = "config", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = pool_fields, .key = "subnet", .doc = "pools of addresses; one of IPv4, one of IPv6"},
    {.name = "options", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "options for that driver"},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    HL_DOCKER_NAME,
    {.name = "driver", .type = HL_F_STRING, .fallback = "bridge", .immutable = true, .doc = "bridge, macvlan, ipvlan, ..."},
    {.name = "subnet",
     .type = HL_F_STRING,
     .immutable = true,
     .normalise = normal_cidr,
     .check = check_cidr,
     .doc = "addresses of the network, CIDR; fixed addresses of containers need it; default: Docker picks",
     .example = "172.30.0.0/24"},
    {.name = "gateway", .type = HL_F_STRING, .immutable = true, .check = check_address, .doc = "the host's address in the subnet; default: its first"},
    {.name = "ip_range",
     .type = HL_F_STRING,
     .immutable = true,
     .normalise = normal_cidr,
     .check = check_cidr,
     .doc = "part of the subnet that addresses are given out from, so that fixed ones stay free",
     .example = "172.30.0.128/25"},
    {.name = "ipam", .type = HL_F_OBJECT, .fields = ipam_fields, .immutable = true, .doc = "compose's long form of subnet, gateway and ip_range"},
    {.name = "internal", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "without a way out"},
    {.name = "attachable", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "for overlay networks: plain containers may join"},
    {.name = "enable_ipv6", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "IPv6 too; needs a subnet of IPv6 before Engine 27"},
    HL_DOCKER_DRIVER_OPTIONS("{com.docker.network.bridge.name: br-web}"),
    HL_DOCKER_LABELS,
    HL_DOCKER_EXTERNAL,
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "id of the network"},
    {.name = NULL},
};

static bool split_cidr(const char *text, char *address, size_t size, int *family, unsigned *bits)
{
    unsigned char raw[sizeof(struct in6_addr)];
    const char *slash = strchr(text, '/');
    int64_t number = 0;

    if (slash == NULL || (size_t)(slash - text) >= size)
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    *family = inet_pton(AF_INET, address, raw) == 1 ? AF_INET : AF_INET6;
    if (inet_pton(*family, address, raw) != 1 || !hl_parse_int(slash + 1, 0, *family == AF_INET ? 32 : 128, &number))
        return false;
    *bits = (unsigned)number;
    return true;
}

/* The engine keeps what it is given: "172.30.0.7/24" and "172.30.0.0/24" are one network. */
static struct hl_value *normal_cidr(struct hl_arena *arena, struct hl_value *value)
{
    unsigned char raw[sizeof(struct in6_addr)];
    char address[INET6_ADDRSTRLEN];
    unsigned bits = 0;
    int family = 0;

    if (!hl_value_is(value, HL_TEXT) || !split_cidr(value->text.data, address, sizeof address, &family, &bits) || inet_pton(family, address, raw) != 1)
        return value;
    for (unsigned i = 0; i < (family == AF_INET ? 4u : 16u); i++) {
        const unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        if (kept < 8)
            raw[i] = (unsigned char)(raw[i] & (0xff00u >> kept));
    }
    inet_ntop(family, raw, address, sizeof address);
    struct hl_value *normal = hl_value_printf(arena, "%s/%u", address, bits);
    normal->at = value->at;
    return normal;
}

static void check_cidr(struct hl_check *check, const struct hl_value *value)
{
    char address[INET6_ADDRSTRLEN];
    unsigned bits = 0;
    int family = 0;

    if (hl_value_is(value, HL_TEXT) && !split_cidr(value->text.data, address, sizeof address, &family, &bits))
        hl_diag_error(check->diags, value->at, "'%s' is no range of addresses: write one like 172.30.0.0/24", value->text.data);
}

static void check_address(struct hl_check *check, const struct hl_value *value)
{
    unsigned char raw[sizeof(struct in6_addr)];

    if (hl_value_is(value, HL_TEXT) && inet_pton(AF_INET, value->text.data, raw) != 1 && inet_pton(AF_INET6, value->text.data, raw) != 1)
        hl_diag_error(check->diags, value->at, "'%s' is no IP address", value->text.data);
}

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *subnet = hl_value_get(body, "subnet");
    const struct hl_value *gateway = hl_value_get(body, "gateway");
    const struct hl_value *range = hl_value_get(body, "ip_range");
    const struct hl_value *orphan = gateway != NULL ? gateway : range;

    if (subnet == NULL && orphan != NULL)
        hl_diag_error(check->diags, orphan->at, "'%s' needs 'subnet'", gateway != NULL ? "gateway" : "ip_range");
    if (subnet != NULL && hl_value_count(hl_value_get(hl_value_get(body, "ipam"), "config")) > 0)
        hl_diag_error(check->diags, subnet->at, "'subnet' and 'ipam.config' say the same thing twice");
}

/* --- To the engine --- */

static void put_pool(struct hl_arena *arena, struct hl_value *config, const struct hl_value *from)
{
    struct hl_value *pool = hl_value_map(arena);

    hl_value_map_put_text(pool, "Subnet", hl_value_get_text(from, "subnet"));
    hl_value_map_put_text(pool, "Gateway", hl_value_get_text(from, "gateway"));
    hl_value_map_put_text(pool, "IPRange", hl_value_get_text(from, "ip_range"));
    if (hl_value_count(hl_value_get(from, "aux_addresses")) > 0)
        hl_value_map_put(pool, "AuxiliaryAddresses", hl_value_copy(arena, hl_value_get(from, "aux_addresses")));
    if (hl_value_count(pool) > 0)
        hl_value_list_add(arena, config, pool);
}

static struct hl_value *ipam_body(struct hl_arena *arena, const struct hl_value *desired)
{
    const struct hl_value *ipam = hl_value_get(desired, "ipam");
    const struct hl_value *pools = hl_value_get(ipam, "config");
    const char *driver = hl_value_get_text(ipam, "driver");
    struct hl_value *body = hl_value_map(arena);
    struct hl_value *config = hl_value_list(arena);

    put_pool(arena, config, desired);
    for (size_t i = 0; i < hl_value_count(pools); i++)
        put_pool(arena, config, hl_value_item(pools, i));
    hl_value_map_put_text(body, "Driver", driver != NULL ? driver : "default");
    if (hl_value_count(config) > 0)
        hl_value_map_put(body, "Config", config);
    if (hl_value_count(hl_value_get(ipam, "options")) > 0)
        hl_value_map_put(body, "Options", hl_value_copy(arena, hl_value_get(ipam, "options")));
    return body;
}

struct hl_value *hl_network_body(const struct hl_op *op)
{
    struct hl_arena *arena = op->arena;
    const struct hl_value *desired = op->desired;
    const char *driver = hl_value_get_text(desired, "driver");
    struct hl_value *body = hl_value_map(arena);
    struct hl_value *labels = hl_value_map(arena);
    const struct hl_value *own = hl_value_get(desired, "labels");

    for (size_t i = 0; i < hl_value_members(own); i++)
        hl_value_map_put_text(labels, hl_value_key(own, i), hl_value_is_null(hl_value_at(own, i)) ? "" : hl_value_to_text(arena, hl_value_at(own, i)));
    hl_mark_put(arena, labels, op);
    hl_value_map_put_text(body, "Name", hl_network_name(desired, op->name));
    hl_value_map_put_text(body, "Driver", driver != NULL ? driver : "bridge");
    hl_value_map_put_bool(body, "CheckDuplicate", true); /* 20.10 would make a second one of the name */
    hl_value_map_put_bool(body, "Internal", hl_value_get_bool(desired, "internal", false));
    hl_value_map_put_bool(body, "Attachable", hl_value_get_bool(desired, "attachable", false));
    hl_value_map_put_bool(body, "EnableIPv6", hl_value_get_bool(desired, "enable_ipv6", false));
    hl_value_map_put(body, "IPAM", ipam_body(arena, desired));
    if (hl_value_count(hl_value_get(desired, "driver_opts")) > 0)
        hl_value_map_put(body, "Options", hl_value_copy(arena, hl_value_get(desired, "driver_opts")));
    hl_value_map_put(body, "Labels", labels);
    return body;
}

const char *hl_network_name(const struct hl_value *desired, const char *resource)
{
    const char *name = hl_value_get_text(desired, "name");

    return hl_is_blank(name) ? resource : name;
}

/* --- From the engine --- */

static struct hl_value *live_pool(struct hl_arena *arena, const struct hl_value *told)
{
    static const char *const names[][2] = {{"subnet", "Subnet"}, {"gateway", "Gateway"}, {"ip_range", "IPRange"}};
    struct hl_value *pool = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(names); i++) {
        const char *text = hl_value_get_text(told, names[i][1]);
        if (hl_is_blank(text))
            continue;
        struct hl_value *value = hl_value_text(arena, text);
        hl_value_map_put(pool, names[i][0], i == 1 ? value : normal_cidr(arena, value));
    }
    if (hl_value_count(hl_value_get(told, "AuxiliaryAddresses")) > 0)
        hl_value_map_put(pool, "aux_addresses", hl_value_copy(arena, hl_value_get(told, "AuxiliaryAddresses")));
    return pool;
}

static void put_ipam(struct hl_arena *arena, struct hl_value *live, const struct hl_value *told)
{
    const struct hl_value *config = hl_value_get(told, "Config");
    struct hl_value *ipam = hl_value_map(arena);
    struct hl_value *pools = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(config); i++) {
        struct hl_value *pool = live_pool(arena, hl_value_item(config, i));
        const char *subnet = hl_value_get_text(pool, "subnet");
        hl_value_list_add(arena, pools, pool);
        /* The short form is about the first pool of IPv4, or the only one there is. */
        if (hl_value_get(live, "subnet") != NULL || (subnet != NULL && strchr(subnet, ':') != NULL && hl_value_count(config) > 1))
            continue;
        hl_value_map_put_text(live, "subnet", subnet);
        hl_value_map_put_text(live, "gateway", hl_value_get_text(pool, "gateway"));
        hl_value_map_put_text(live, "ip_range", hl_value_get_text(pool, "ip_range"));
    }
    hl_value_map_put_text(ipam, "driver", hl_value_get_text(told, "Driver"));
    if (hl_value_count(pools) > 0)
        hl_value_map_put(ipam, "config", pools);
    if (hl_value_count(hl_value_get(told, "Options")) > 0)
        hl_value_map_put(ipam, "options", hl_value_copy(arena, hl_value_get(told, "Options")));
    hl_value_map_put(live, "ipam", ipam);
}

struct hl_value *hl_network_live(struct hl_arena *arena, const struct hl_value *told)
{
    struct hl_value *live = hl_value_map(arena);

    hl_value_map_put_text(live, "id", hl_value_get_text(told, "Id"));
    hl_value_map_put_text(live, "name", hl_value_get_text(told, "Name"));
    hl_value_map_put_text(live, "driver", hl_value_get_text(told, "Driver"));
    put_ipam(arena, live, hl_value_get(told, "IPAM"));
    hl_value_map_put_bool(live, "internal", hl_value_get_bool(told, "Internal", false));
    hl_value_map_put_bool(live, "attachable", hl_value_get_bool(told, "Attachable", false));
    hl_value_map_put_bool(live, "enable_ipv6", hl_value_get_bool(told, "EnableIPv6", false));
    if (hl_value_count(hl_value_get(told, "Options")) > 0)
        hl_value_map_put(live, "driver_opts", hl_value_copy(arena, hl_value_get(told, "Options")));
    hl_value_map_put(live, "labels", hl_mark_strip(arena, hl_value_get(told, "Labels")));
    return live;
}

/* --- Reading --- */

static const struct hl_value *find_network(const struct hl_value *list, const struct hl_object *object, const struct hl_run *run)
{
    const struct hl_value *body = object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
    const char *name = hl_network_name(body, object->name);
    const struct hl_value *by_mark = NULL;
    const struct hl_value *by_name = NULL;

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *network = hl_value_item(list, i);
        const char *id = hl_value_get_text(network, "Id");
        const char *told = hl_value_get_text(network, "Name");
        if (!hl_is_blank(object->id) && ((id != NULL && strcmp(id, object->id) == 0) || (told != NULL && strcmp(told, object->id) == 0)))
            return network;
        if (hl_mark_is_of(hl_value_get(network, "Labels"), run, object->address))
            by_mark = network;
        if (told != NULL && strcmp(told, name) == 0)
            by_name = network;
    }
    return by_mark != NULL ? by_mark : by_name;
}

static const char *const told_keys[] = {"Id", "Name", NULL}; /* both go into paths and are compared */

bool hl_network_list(struct hl_docker *docker, struct hl_arena *arena, const char *filter, struct hl_value **out, struct hl_error **err)
{
    if (!hl_docker_get(docker, arena, hl_arena_printf(arena, "/networks%s", filter), out, err) || !hl_docker_check_list(*out, told_keys, err))
        return hl_wrap(err, "listing networks");
    return true;
}

static const char *network_path(struct hl_arena *arena, const char *id)
{
    return hl_arena_printf(arena, "/networks/%s", hl_docker_escape(arena, id));
}

bool hl_network_inspect(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err)
{
    if (!hl_docker_get(docker, arena, network_path(arena, id), out, err) || !hl_docker_check_object(*out, told_keys, err))
        return hl_wrap(err, "inspecting network %.12s", id);
    return true;
}

bool hl_network_find(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err)
{
    if (!hl_docker_find(docker, arena, network_path(arena, id), out, err) || (*out != NULL && !hl_docker_check_object(*out, told_keys, err)))
        return hl_wrap(err, "inspecting network %.12s", id);
    return true;
}

bool hl_network_delete(struct hl_docker *docker, const char *id, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return hl_docker_delete(docker, network_path(arena, id), err);
}

static bool network_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_docker *docker = hl_docker_of(session);
    struct hl_value *list = NULL;

    if (!hl_network_list(docker, arena, "", &list, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct hl_object *object = objects[i];
        const struct hl_value *network = find_network(list, object, docker->run);
        object->live.presence = network != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT;
        if (network == NULL)
            continue;
        object->live.id = hl_arena_strdup(object->arena, hl_value_get_text(network, "Id"));
        object->live.values = hl_network_live(object->arena, network);
        hl_mark_judge(object, docker->run, hl_value_get(network, "Labels"), object->live.id);
    }
    return true;
}

/* --- Doing --- */

bool hl_network_set_result(struct hl_op *op, const char *id, struct hl_error **err)
{
    struct hl_value *network = NULL;

    if (!hl_network_inspect(hl_docker_of(op->session), op->arena, id, &network, err))
        return false;
    op->result = hl_network_live(op->arena, network);
    op->result_id = id;
    return true;
}

/* The answer was lost, or an earlier attempt of this action has been there: its mark tells. */
static bool find_made(struct hl_op *op, const char **id, struct hl_error **err)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *list = NULL;

    if ((*err)->code != HL_E_UNREACHABLE && (*err)->code != HL_E_TIMEOUT && (*err)->code != HL_E_CONFLICT)
        return false;
    if (!hl_network_list(hl_docker_of(op->session), op->arena, hl_mark_filter(op->arena, '?', HL_MARK_OPERATION, op->operation), &list, &ignored))
        return false;
    *id = hl_value_get_text(hl_value_item(list, 0), "Id");
    if (*id == NULL)
        return false;
    hl_error_clear(err);
    return true;
}

bool hl_network_make(struct hl_op *op, const struct hl_value *body, const char **id, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (hl_docker_post(hl_docker_of(op->session), op->arena, "/networks/create", body, 0, &answer, err)) {
        *id = hl_value_get_text(answer, "Id");
        return !hl_is_blank(*id) || hl_fail(err, HL_E_FAILED, "the engine tells no id for the network it has created");
    }
    if (find_made(op, id, err))
        return true;
    hl_auto(heap) char *text = hl_error_text(*err);
    if (strstr(text, "overlap") != NULL)
        hl_error_hint(err, "another network or an interface of the host has these addresses: see `docker network inspect` and `ip route`");
    return hl_wrap(err, "creating network '%s'", hl_value_get_text(body, "Name"));
}

static bool network_create(struct hl_op *op, struct hl_error **err)
{
    const char *id = NULL;

    if (!hl_network_make(op, hl_network_body(op), &id, err)) {
        op->undone = (*err)->code == HL_E_REJECTED || (*err)->code == HL_E_CONFLICT || (*err)->code == HL_E_NOT_FOUND; /* refused: there is nothing */
        return false;
    }
    return hl_network_set_result(op, id, err);
}

static bool network_update(struct hl_op *op, struct hl_error **err)
{
    return hl_network_set_result(op, op->id, err); /* nothing about a network changes in place */
}

bool hl_network_users(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err)
{
    const char *const values[] = {id, NULL};

    return hl_container_list(docker, arena, hl_docker_filter(arena, '&', "network", values), out, err);
}

/* The engine deletes a network that stopped containers are in, and these never start again: so they are asked for first. */
static bool network_remove(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);
    struct hl_value *users = NULL;

    if (!hl_network_users(docker, op->arena, op->id, &users, err))
        return false;
    for (size_t i = 0; i < hl_value_count(users); i++) {
        const struct hl_value *name = hl_value_item(hl_value_get(hl_value_item(users, i), "Names"), 0);
        if (hl_value_is(name, HL_TEXT))
            hl_text_printf(&names, "%s%s", names.length > 0 ? ", " : "", name->text.data + (name->text.data[0] == '/'));
    }
    if (names.length > 0) {
        hl_fail(err, HL_E_CONFLICT, "network '%s' is still used by: %s", op->name, hl_text_get(&names));
        return hl_error_hint(err, "remove those containers, or `docker network disconnect` them");
    }
    return hl_network_delete(docker, op->id, err) || hl_wrap(err, "removing network '%s'", op->name);
}

/* As somebody would write it: the name is the block's, and one pool needs no long form. */
static struct hl_value *written_values(struct hl_arena *arena, const struct hl_value *network)
{
    struct hl_value *values = hl_network_live(arena, network);
    const struct hl_value *ipam = hl_value_get(values, "ipam");

    hl_map_remove(values->map, "name");
    if (hl_value_count(hl_value_get(ipam, "config")) <= 1)
        hl_map_remove(values->map, "ipam");
    return values;
}

static bool network_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    static const char *const predefined[] = {"bridge", "host", "none", "podman"};
    struct hl_docker *docker = hl_docker_of(session);
    struct hl_value *networks = NULL;

    if (!hl_network_list(docker, arena, "", &networks, err))
        return false;
    for (size_t i = 0; i < hl_value_count(networks); i++) {
        const struct hl_value *network = hl_value_item(networks, i);
        const char *name = hl_value_get_text(network, "Name");
        const struct hl_value *labels = hl_value_get(network, "Labels");
        bool skip = hl_value_get(labels, "hlrec.managed") != NULL;
        for (size_t j = 0; j < HL_COUNT(predefined) && !skip; j++)
            skip = strcmp(name, predefined[j]) == 0;
        if (skip)
            continue;
        hl_value_list_add(arena, list,
                          hl_mark_describe(arena, docker->run, kind->name, name, hl_value_get_text(network, "Id"), labels, written_values(arena, network)));
    }
    return true;
}

static const struct hl_verbs verbs = {
    .refresh = network_refresh,
    .create = network_create,
    .update = network_update,
    .remove = network_remove,
    .replace = hl_network_replace,
    .recover = hl_network_recover,
    .unmanaged = network_unmanaged,
};

const struct hl_kind hl_kind_network = {
    .name = "network",
    .section = "networks",
    .provider = "docker",
    .doc = "a Docker network; any change makes it anew and puts its containers back in",
    .example = "subnet: 172.30.0.0/24\nip_range: 172.30.0.128/25\n",
    .fields = fields,
    .check = check_body,
    .complete = hl_docker_complete_name,
    .claims = hl_docker_claim_name,
    .verbs = &verbs,
};
