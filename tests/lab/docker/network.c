#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- The collection --- */

static struct docker_network *new_network(struct docker *docker, const char *name, const char *driver)
{
    struct docker_network *network = hl_arena_alloc(docker->arena, sizeof(*network));

    docker_new_id(network->id);
    network->name = hl_arena_strdup(docker->arena, name);
    network->driver = hl_arena_strdup(docker->arena, driver);
    network->created = docker_time(docker->arena, lab_now_ns());
    network->options = hl_value_map(docker->arena);
    network->labels = hl_value_map(docker->arena);
    network->ipam = hl_value_map(docker->arena);
    hl_map_init(&network->addresses, docker->arena);
    return network;
}

static void add_network(struct docker *docker, struct docker_network *network)
{
    docker->networks = docker_grow(docker->arena, docker->networks, docker->networks_count, &docker->networks_capacity);
    docker->networks[docker->networks_count++] = network;
}

static struct hl_value *pool_of(struct hl_arena *arena, uint32_t subnet, int prefix)
{
    struct hl_value *list = hl_value_list(arena);
    struct hl_value *pool = hl_value_map(arena);

    hl_value_map_put(pool, "Subnet", hl_value_printf(arena, "%s/%d", docker_address_text(arena, subnet), prefix));
    hl_value_map_put_text(pool, "Gateway", docker_address_text(arena, subnet + 1));
    hl_value_list_add(arena, list, pool);
    return list;
}

static void set_ipam(struct hl_arena *arena, struct docker_network *network, struct hl_value *options, struct hl_value *config)
{
    hl_value_map_put_text(network->ipam, "Driver", "default");
    hl_value_map_put(network->ipam, "Options", options == NULL ? hl_value_null(arena) : options);
    hl_value_map_put(network->ipam, "Config", config);
}

void docker_networks_open(struct docker *docker)
{
    static const char *const names[] = {"bridge", "host", "none"};
    static const char *const drivers[] = {"bridge", "host", "null"};

    for (size_t i = 0; i < HL_COUNT(names); i++) {
        struct docker_network *network = new_network(docker, names[i], drivers[i]);

        network->predefined = true;
        set_ipam(docker->arena, network, NULL, hl_value_list(docker->arena));
        if (i == 0) {
            network->subnet = 0xac110000; /* 172.17.0.0/16 */
            network->mask = 0xffff0000;
            network->gateway = network->subnet + 1;
            set_ipam(docker->arena, network, NULL, pool_of(docker->arena, network->subnet, 16));
        }
        add_network(docker, network);
    }
}

struct docker_network *docker_network_by_id(struct docker *docker, const char *id)
{
    for (size_t i = 0; *id != '\0' && i < docker->networks_count; i++)
        if (strcmp(docker->networks[i]->id, id) == 0)
            return docker->networks[i];
    return NULL;
}

/* How many match, and the first of them. */
static size_t match(struct docker *docker, const char *text, bool by_name, struct docker_network **first)
{
    size_t count = 0;

    for (size_t i = 0; i < docker->networks_count; i++) {
        struct docker_network *network = docker->networks[i];

        if (by_name ? strcmp(network->name, text) == 0 : *text != '\0' && hl_starts_with(network->id, text)) {
            *first = count == 0 ? network : *first;
            count++;
        }
    }
    return count;
}

struct docker_network *docker_network_find(struct docker *docker, struct docker_call *c, const char *text)
{
    struct docker_network *network = docker_network_by_id(docker, text);
    size_t names = network == NULL ? match(docker, text, true, &network) : 1;
    size_t prefixes = names == 0 ? match(docker, text, false, &network) : 0;

    if (names + prefixes > 1 && c != NULL)
        docker_fail(c, 400, "%zu matches found based on %s: network %s is ambiguous", names + prefixes, names > 0 ? "name" : "ID prefix", text);
    if (names + prefixes == 0 && c != NULL)
        docker_fail(c, 404, "network %s not found", text);
    return names + prefixes == 1 ? network : NULL;
}

/* --- Show --- */

static struct hl_value *members_of(struct docker_call *c, const struct docker_network *network)
{
    struct hl_value *members = hl_value_map(c->arena);

    for (size_t i = 0; network->active > 0 && i < c->docker->containers_count; i++) {
        const struct docker_container *container = c->docker->containers[i];

        for (size_t j = 0; j < container->endpoints_count; j++) {
            const struct docker_endpoint *endpoint = container->endpoints[j];
            struct hl_value *member = hl_value_map(c->arena);

            if (endpoint->endpoint_id[0] == '\0' || strcmp(endpoint->network_id, network->id) != 0)
                continue;
            hl_value_map_put_text(member, "Name", container->name);
            hl_value_map_put_text(member, "EndpointID", endpoint->endpoint_id);
            hl_value_map_put_text(member, "MacAddress", docker_mac_address(c->arena, endpoint->address));
            hl_value_map_put(member, "IPv4Address",
                             endpoint->address == 0
                                 ? hl_value_text(c->arena, "")
                                 : hl_value_printf(c->arena, "%s/%d", docker_address_text(c->arena, endpoint->address), __builtin_popcount(network->mask)));
            hl_value_map_put_text(member, "IPv6Address", "");
            hl_value_map_put(members, container->id, member);
        }
    }
    return members;
}

/* The list never tells the containers. */
static struct hl_value *describe(struct docker_call *c, const struct docker_network *network, bool for_list)
{
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *from = hl_value_map(c->arena);

    hl_value_map_put_text(from, "Network", "");
    hl_value_map_put_text(out, "Name", network->name);
    hl_value_map_put_text(out, "Id", network->id);
    hl_value_map_put_text(out, "Created", network->created);
    hl_value_map_put_text(out, "Scope", "local");
    hl_value_map_put_text(out, "Driver", network->driver);
    hl_value_map_put_bool(out, "EnableIPv6", network->ipv6);
    hl_value_map_put(out, "IPAM", network->ipam);
    hl_value_map_put_bool(out, "Internal", network->internal);
    hl_value_map_put_bool(out, "Attachable", network->attachable);
    hl_value_map_put_bool(out, "Ingress", false);
    hl_value_map_put(out, "ConfigFrom", from);
    hl_value_map_put_bool(out, "ConfigOnly", false);
    hl_value_map_put(out, "Containers", for_list ? hl_value_map(c->arena) : members_of(c, network));
    hl_value_map_put(out, "Options", network->options);
    hl_value_map_put(out, "Labels", network->labels);
    return out;
}

static bool has_id(const void *context, const char *word)
{
    return hl_starts_with(((const struct docker_network *)context)->id, word);
}

static bool has_driver(const void *context, const char *word)
{
    return strcmp(((const struct docker_network *)context)->driver, word) == 0;
}

static bool has_type(const void *context, const char *word)
{
    return ((const struct docker_network *)context)->predefined == (strcmp(word, "builtin") == 0);
}

void docker_networks_list(struct docker_call *c)
{
    static const char *const known[] = {"dangling", "driver", "id", "label", "name", "scope", "type", NULL};
    struct hl_value *list = hl_value_list(c->arena);
    struct hl_value *filters = NULL;

    if (!docker_filters(c, known, &filters))
        return;
    for (size_t i = 0; i < c->docker->networks_count; i++) {
        const struct docker_network *network = c->docker->networks[i];

        if (docker_filter_labels(filters, network->labels) && docker_filter_any(filters, "name", docker_name_fits, network->name) &&
            docker_filter_any(filters, "id", has_id, network) && docker_filter_any(filters, "driver", has_driver, network) &&
            docker_filter_any(filters, "type", has_type, network))
            hl_value_list_add(c->arena, list, describe(c, network, true));
    }
    docker_ok(c, 200, list);
}

void docker_network_inspect(struct docker_call *c)
{
    const struct docker_network *network = docker_network_find(c->docker, c, c->name);

    docker_settle_all(c->docker);
    if (network != NULL)
        docker_ok(c, 200, describe(c, network, false));
}

/* --- Create --- */

/* "172.30.0.0/24" */
static bool parse_cidr(const char *text, uint32_t *base, uint32_t *mask)
{
    char address[32] = "";
    const char *slash = strchr(text, '/');
    int64_t prefix = 0;

    if (slash == NULL || (size_t)(slash - text) >= sizeof(address) || !hl_parse_int(slash + 1, 0, 32, &prefix))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    if (!docker_address_parse(address, base))
        return false;
    *mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
    *base &= *mask;
    return true;
}

static bool overlaps(const struct docker *docker, uint32_t subnet, uint32_t mask)
{
    for (size_t i = 0; i < docker->networks_count; i++) {
        const struct docker_network *network = docker->networks[i];
        uint32_t common = mask & network->mask;

        if (network->mask != 0 && (subnet & common) == (network->subnet & common))
            return true;
    }
    return false;
}

static bool take_pool(struct docker_call *c, struct docker_network *network, const struct hl_value *pool)
{
    const char *subnet = hl_value_get_text(pool, "Subnet");
    const char *gateway = hl_value_get_text(pool, "Gateway");
    const char *range = hl_value_get_text(pool, "IPRange");

    if (subnet == NULL || strchr(subnet, ':') != NULL)
        return true; /* IPv6 is kept as told, and that is all */
    if (!parse_cidr(subnet, &network->subnet, &network->mask))
        return docker_fail(c, 500, "Invalid subnet %s : invalid CIDR address: %s", subnet, subnet);
    if (overlaps(c->docker, network->subnet, network->mask))
        return docker_fail(c, 403, "Pool overlaps with other one on this address space");
    network->user_subnet = true;
    network->gateway = network->subnet + 1;
    if (gateway != NULL && (!docker_address_parse(gateway, &network->gateway) || (network->gateway & network->mask) != network->subnet))
        return docker_fail(c, 500, "failed to allocate gateway (%s): Requested address is out of range", gateway);
    if (range != NULL && !parse_cidr(range, &network->range, &network->range_mask))
        return docker_fail(c, 500, "failed to parse pool request for address space \"LocalDefault\" pool \"%s\" subpool \"%s\": Invalid Address SubPool",
                           subnet, range);
    return true;
}

/* 172.18.0.0/16 up to 172.31.0.0/16, then 192.168.0.0/20 in steps, then small ones of 10.0.0.0/8. */
static void assign_pool(struct docker *docker, struct docker_network *network)
{
    for (;; docker->next_subnet++) {
        size_t number = docker->next_subnet;
        int prefix = number < 14 ? 16 : number < 30 ? 20 : 24;

        network->subnet = number < 14   ? 0xac120000 + ((uint32_t)number << 16)
                          : number < 30 ? 0xc0a80000 + ((uint32_t)(number - 14) << 12)
                                        : 0x0a000000 + ((uint32_t)(number - 30) << 8);
        network->mask = UINT32_MAX << (32 - prefix);
        if (overlaps(docker, network->subnet, network->mask))
            continue;
        network->gateway = network->subnet + 1;
        hl_value_map_put(network->ipam, "Config", pool_of(docker->arena, network->subnet, prefix));
        return;
    }
}

static bool set_pools(struct docker_call *c, struct docker_network *network, const struct hl_value *wish)
{
    struct hl_arena *arena = c->docker->arena;
    const struct hl_value *ipam = hl_value_get(wish, "IPAM");
    const struct hl_value *config = hl_value_get(ipam, "Config");
    const struct hl_value *options = hl_value_get(ipam, "Options");

    set_ipam(arena, network, hl_value_is_null(options) ? NULL : hl_value_copy(arena, options),
             hl_value_is_null(config) ? hl_value_list(arena) : hl_value_copy(arena, config));
    for (size_t i = 0; i < hl_value_count(config); i++)
        if (!take_pool(c, network, hl_value_item(config, i)))
            return false;
    if (network->mask == 0)
        assign_pool(c->docker, network);
    return true;
}

static bool check_create(struct docker_call *c, const struct hl_value *wish, const struct docker_network **namesake)
{
    const char *name = hl_value_get_text(wish, "Name");
    const char *driver = hl_value_get_text(wish, "Driver");
    const char *ipam = hl_value_get_text(hl_value_get(wish, "IPAM"), "Driver");
    struct docker_network *found = NULL;

    if (*name == '\0')
        return docker_fail(c, 500, "invalid name: ");
    if (match(c->docker, name, true, &found) > 0 && found->predefined)
        return docker_fail(c, 403, "operation is not permitted on predefined %s network ", name);
    if (*driver != '\0' && strcmp(driver, "bridge") != 0 && strcmp(driver, "macvlan") != 0 && strcmp(driver, "ipvlan") != 0)
        return docker_fail(c, 404, "plugin \"%s\" not found", driver);
    if (!hl_is_blank(ipam) && strcmp(ipam, "default") != 0 && strcmp(ipam, "null") != 0)
        return docker_fail(c, 404, "plugin \"%s\" not found", ipam);
    if (found != NULL && (hl_value_get_bool(wish, "CheckDuplicate", false) || c->docker->minor >= 44))
        return docker_fail(c, 409, "network with name %s already exists", name);
    *namesake = found;
    return true;
}

/* Two of one name are fine with 20.10 unless the client asks: then no name means either of them. */
void docker_network_create(struct docker_call *c)
{
    struct hl_value *body = docker_body(c);
    const struct docker_network *namesake = NULL;
    struct docker_network *network = NULL;
    struct hl_value *wish = NULL;
    struct hl_value *answer = hl_value_map(c->arena);

    if (body == NULL || !docker_decode(c, "NetworkCreateRequest", docker_network_fields, body, &wish) || !check_create(c, wish, &namesake))
        return;

    const char *driver = hl_value_get_text(wish, "Driver");

    network = new_network(c->docker, hl_value_get_text(wish, "Name"), *driver == '\0' ? "bridge" : driver);
    network->internal = hl_value_get_bool(wish, "Internal", false);
    network->attachable = hl_value_get_bool(wish, "Attachable", false);
    network->ipv6 = hl_value_get_bool(wish, "EnableIPv6", false);
    if (!hl_value_is_null(hl_value_get(wish, "Options")))
        network->options = hl_value_copy(c->docker->arena, hl_value_get(wish, "Options"));
    if (!hl_value_is_null(hl_value_get(wish, "Labels")))
        network->labels = hl_value_copy(c->docker->arena, hl_value_get(wish, "Labels"));
    if (!set_pools(c, network, wish))
        return;
    add_network(c->docker, network);
    docker_event(c->docker, "network", "create", network->id, NULL);
    hl_value_map_put_text(answer, "Id", network->id);
    hl_value_map_put(answer, "Warning",
                     namesake == NULL ? hl_value_text(c->arena, "")
                                      : hl_value_printf(c->arena, "Network with name %s (id : %s) already exists", namesake->name, namesake->id));
    docker_ok(c, 201, answer);
}

/* --- Connect, disconnect, delete --- */

static bool shares_namespace(const struct docker_container *container)
{
    const char *mode = hl_value_get_text(container->host, "NetworkMode");

    return strcmp(mode, "host") == 0 || hl_starts_with(mode, "container:");
}

static bool read_connection(struct docker_call *c, struct docker_container **container, struct hl_value **wish)
{
    struct hl_value *body = docker_body(c);

    if (body == NULL || !docker_decode(c, "NetworkConnect", docker_connect_fields, body, wish))
        return false;
    *container = docker_container_find(c, hl_value_get_text(*wish, "Container"));
    return *container != NULL;
}

static void send_event(struct docker_call *c, const char *action, const struct docker_network *network, const struct docker_container *container)
{
    struct hl_value *attributes = hl_value_map(c->arena);

    hl_value_map_put_text(attributes, "container", container->id);
    hl_value_map_put_text(attributes, "name", network->name);
    hl_value_map_put_text(attributes, "type", network->driver);
    docker_event(c->docker, "network", action, network->id, attributes);
}

/* Connecting a stopped container again is fine and changes nothing, not even its aliases. */
void docker_network_connect(struct docker_call *c)
{
    struct docker_container *container = NULL;
    struct docker_endpoint *endpoint = NULL;
    struct hl_value *wish = NULL;
    struct docker_network *network = docker_network_find(c->docker, c, c->name);

    if (network == NULL || !read_connection(c, &container, &wish))
        return;
    if (shares_namespace(container)) {
        docker_fail(c, 400,
                    "container sharing network namespace with another container or host cannot be connected to any other "
                    "network");
        return;
    }
    if (strcmp(network->name, "host") == 0) {
        docker_fail(c, 400, "container cannot be disconnected from host network or connected to host network");
        return;
    }
    if ((docker_container_runs(container) || c->docker->minor >= 44) && !docker_endpoint_check(c, network, hl_value_get(wish, "EndpointConfig")))
        return;
    endpoint = docker_endpoint_find(container, network->name);
    if (endpoint != NULL && docker_container_runs(container)) {
        docker_fail(c, 403, "endpoint with name %s already exists in network %s", container->name, network->name);
        return;
    }
    if (endpoint == NULL) {
        endpoint = docker_endpoint_add(container, network->name, hl_value_get(wish, "EndpointConfig"));
        if (!network->predefined)
            docker_endpoint_add_aliases(container, endpoint);
        if (docker_container_runs(container) && !docker_endpoint_up(c, container, endpoint)) {
            docker_endpoint_remove(container, endpoint);
            return;
        }
    }
    send_event(c, "connect", network, container);
    lab_answer(c->call, 200);
}

/* By name also from a network that is gone: the one way to repair a container that is pinned to it. */
void docker_network_disconnect(struct docker_call *c)
{
    struct docker_container *container = NULL;
    struct docker_endpoint *endpoint = NULL;
    struct hl_value *wish = NULL;
    struct docker_network *network = docker_network_find(c->docker, NULL, c->name);

    if (!read_connection(c, &container, &wish))
        return;
    endpoint = docker_endpoint_find(container, network == NULL ? c->name : network->name);
    if (network == NULL && endpoint == NULL) {
        docker_network_find(c->docker, c, c->name); /* says why */
        return;
    }
    if (endpoint == NULL) {
        docker_fail(c, 500, "container %s is not connected to network %s", container->id, network->name);
        return;
    }
    docker_endpoint_down(c->docker, container, endpoint);
    docker_endpoint_remove(container, endpoint);
    if (network != NULL)
        send_event(c, "disconnect", network, container);
    lab_answer(c->call, 200);
}

void docker_network_delete(struct docker_call *c)
{
    struct docker_network *network = docker_network_find(c->docker, c, c->name);
    size_t at = 0;

    if (network == NULL)
        return;
    docker_settle_all(c->docker);
    if (network->predefined) {
        docker_fail(c, 403, "%s is a pre-defined network and cannot be removed", network->name);
        return;
    }
    if (network->active > 0) {
        docker_fail(c, 403, "error while removing network: network %s id %s has active endpoints", network->name, network->id);
        return;
    }
    while (c->docker->networks[at] != network)
        at++;
    c->docker->networks_count--;
    for (; at < c->docker->networks_count; at++)
        c->docker->networks[at] = c->docker->networks[at + 1];
    docker_event(c->docker, "network", "destroy", network->id, NULL);
    lab_answer(c->call, 204);
}
