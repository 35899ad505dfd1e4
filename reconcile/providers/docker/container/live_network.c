/* Networks, shared namespaces, ports and hosts of a live container. */
#include "config.h"

#include "reconcile/providers/docker/container/live.h"

#include "reconcile/providers/docker/container/fields.h"

#include <ctype.h>
#include <string.h>

enum { SHORT_ID = 12 };

static const struct hl_value *host(const struct hl_container_view *view, const char *key)
{
    return hl_value_get(hl_value_get(view->inspection, "HostConfig"), key);
}

static const char *host_text(const struct hl_container_view *view, const char *key)
{
    const char *text = hl_value_get_text(hl_value_get(view->inspection, "HostConfig"), key);

    return text != NULL ? text : "";
}

/* --- Namespaces --- */

static bool is_join(const char *mode)
{
    return mode != NULL && (hl_starts_with(mode, "container:") || hl_starts_with(mode, "service:"));
}

/* "container:<id>" as the spec says it. Whether it is the right container is told by `joins`, which holds ids; a container outside of the spec is known by
 * its name only. An id that nobody has any more stays an id, and differs. */
static const char *join_text(const struct hl_container_view *view, const char *field, const char *id)
{
    const char *wanted = hl_value_get_text(view->desired != NULL ? view->desired : view->recorded, field);
    const char *name = view->names != NULL ? hl_map_find(view->names, id) : NULL;
    const struct hl_value *joins = hl_value_get(view->desired != NULL ? view->desired : view->recorded, "joins");
    const char *member = strcmp(field, "network_mode") == 0 ? "network" : field;

    if (is_join(wanted) && (hl_starts_with(wanted, "service:") || hl_value_get(joins, member) != NULL))
        return wanted;
    if (is_join(wanted) && (strcmp(strchr(wanted, ':') + 1, id) == 0 || (name != NULL && strcmp(strchr(wanted, ':') + 1, name) == 0)))
        return wanted;
    return hl_arena_printf(view->arena, "container:%s", name != NULL ? name : hl_arena_copy(view->arena, id, strnlen(id, SHORT_ID)));
}

static void put_join(const struct hl_container_view *view, struct hl_value *live, const char *field, const char *member, const char *mode)
{
    const char *id = strchr(mode, ':') + 1;
    struct hl_value *joins = hl_value_get(live, "joins");

    if (joins == NULL) {
        joins = hl_value_map(view->arena);
        hl_value_map_put(live, "joins", joins);
    }
    hl_value_map_put_text(joins, member, id);
    hl_view_put(view, live, field, hl_value_text(view->arena, join_text(view, field, id)));
}

static void put_namespaces(const struct hl_container_view *view, struct hl_value *live)
{
    const char *pid = host_text(view, "PidMode");
    const char *ipc = host_text(view, "IpcMode");

    if (is_join(pid))
        put_join(view, live, "pid", "pid", pid);
    else if (*pid != '\0')
        hl_view_put(view, live, "pid", hl_value_text(view->arena, pid));
    if (is_join(ipc))
        put_join(view, live, "ipc", "ipc", ipc);
    else if (*ipc != '\0' && (hl_view_names(view, "ipc", NULL) || (strcmp(ipc, "private") != 0 && strcmp(ipc, "shareable") != 0)))
        hl_view_put(view, live, "ipc", hl_value_text(view->arena, ipc));
}

static void put_network_mode(const struct hl_container_view *view, struct hl_value *live)
{
    const char *mode = host_text(view, "NetworkMode");
    const char *wanted = hl_value_get_text(view->desired != NULL ? view->desired : view->recorded, "network_mode");

    if (is_join(mode)) {
        put_join(view, live, "network_mode", "network", mode);
    } else if (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0) {
        hl_view_put(view, live, "network_mode", hl_value_text(view->arena, mode));
    } else if (*mode == '\0' || strcmp(mode, "default") == 0 || strcmp(mode, "bridge") == 0) {
        /* The default goes by three names, and by silence. */
        if (wanted != NULL)
            hl_view_put(view, live, "network_mode", hl_value_text(view->arena, strcmp(wanted, "default") == 0 ? wanted : "bridge"));
    }
}

/* --- Networks --- */

/* In any network: when this is read, a network's name in Docker may not be known to the spec yet. */
static bool has_alias(const struct hl_value *body, const char *alias)
{
    const struct hl_value *networks = hl_value_get(body, "networks");

    for (size_t i = 0; i < hl_value_count(networks); i++) {
        const struct hl_value *aliases = hl_value_get(hl_value_at(networks, i), "aliases");
        for (size_t j = 0; j < hl_value_count(aliases); j++) {
            const struct hl_value *item = hl_value_item(aliases, j);
            if (hl_value_is(item, HL_TEXT) && strcmp(item->text.data, alias) == 0)
                return true;
        }
    }
    return false;
}

static bool is(const char *text, const char *other)
{
    return text != NULL && other != NULL && strcmp(text, other) == 0;
}

/* Names that every container has: the beginning of its id, its host name, its own name, and that of the resource. */
static bool is_implied(const struct hl_container_view *view, const char *alias)
{
    const char *id = hl_value_get_text(view->inspection, "Id");

    return (id != NULL && strlen(alias) == SHORT_ID && strncmp(id, alias, SHORT_ID) == 0) ||
           is(hl_value_get_text(hl_value_get(view->inspection, "Config"), "Hostname"), alias) || is(hl_container_name(view->inspection), alias) ||
           is(view->resource, alias);
}

static struct hl_value *live_aliases(const struct hl_container_view *view, const struct hl_value *endpoint)
{
    const struct hl_value *told = hl_value_get(endpoint, "Aliases");
    struct hl_value *aliases = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_count(told); i++) {
        const struct hl_value *item = hl_value_item(told, i);
        bool seen = false;
        if (!hl_value_is(item, HL_TEXT))
            continue;
        for (size_t j = 0; j < hl_value_count(aliases) && !seen; j++)
            seen = hl_value_equal(hl_value_item(aliases, j), item);
        const bool named = has_alias(view->desired, item->text.data) || has_alias(view->recorded, item->text.data);
        if (!seen && (named || !is_implied(view, item->text.data)))
            hl_value_list_add(view->arena, aliases, hl_value_text(view->arena, item->text.data));
    }
    return hl_value_count(aliases) > 0 ? aliases : NULL;
}

/* An endpoint of a network that was deleted, and perhaps made anew under its name: the container cannot start in it. */
static bool is_stale(const struct hl_container_view *view, const char *network, const struct hl_value *endpoint)
{
    const char *id = hl_value_get_text(endpoint, "NetworkID");

    return view->networks != NULL && !hl_is_blank(id) && !is(hl_map_find(view->networks, network), id);
}

static struct hl_value *live_network(const struct hl_container_view *view, const struct hl_value *endpoint)
{
    const struct hl_value *ipam = hl_value_get(endpoint, "IPAMConfig");
    const char *ip4 = hl_value_get_text(ipam, "IPv4Address");
    const char *ip6 = hl_value_get_text(ipam, "IPv6Address");
    struct hl_value *network = hl_value_map(view->arena);

    hl_value_map_put(network, "aliases", live_aliases(view, endpoint));
    if (!hl_is_blank(ip4))
        hl_value_map_put_text(network, "ipv4_address", ip4);
    if (!hl_is_blank(ip6))
        hl_value_map_put_text(network, "ipv6_address", ip6);
    if (hl_value_count(hl_value_get(ipam, "LinkLocalIPs")) > 0)
        hl_value_map_put(network, "link_local_ips", hl_value_copy(view->arena, hl_value_get(ipam, "LinkLocalIPs")));
    if (hl_value_count(hl_value_get(endpoint, "DriverOpts")) > 0)
        hl_value_map_put(network, "driver_opts", hl_value_copy(view->arena, hl_value_get(endpoint, "DriverOpts")));
    return network;
}

static void put_networks(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *endpoints = hl_value_get(hl_value_get(view->inspection, "NetworkSettings"), "Networks");
    struct hl_value *networks = hl_value_map(view->arena);
    struct hl_value *addresses = hl_value_map(view->arena);

    for (size_t i = 0; i < hl_value_members(endpoints); i++) {
        const char *name = hl_value_key(endpoints, i);
        const struct hl_value *endpoint = hl_value_at(endpoints, i);
        const char *address = hl_value_get_text(endpoint, "IPAddress");
        if (!hl_is_blank(address))
            hl_value_map_put_text(addresses, name, address);
        if (strcmp(name, "host") == 0 || strcmp(name, "none") == 0 || is_stale(view, name, endpoint))
            continue;
        if (strcmp(name, "bridge") != 0 || hl_view_names(view, "networks", name))
            hl_value_map_put(networks, name, live_network(view, endpoint));
    }
    if (hl_value_count(networks) > 0)
        hl_view_put(view, live, "networks", networks);
    if (hl_value_count(addresses) == 0)
        return;
    const char *mode = host_text(view, "NetworkMode");
    const char *first = hl_value_get_text(addresses, strcmp(mode, "default") == 0 ? "bridge" : mode);
    hl_value_map_put(live, "ip_addresses", addresses);
    hl_value_map_put_text(live, "ip_address", first != NULL ? first : hl_value_to_text(view->arena, hl_value_at(addresses, 0)));
}

/* --- Ports --- */

/* "80", "80/TCP" and "80/tcp" are one. */
static const char *port_key(struct hl_arena *arena, const char *key)
{
    char *text = hl_arena_printf(arena, "%s%s", key, strchr(key, '/') != NULL ? "" : "/tcp");

    for (char *at = text; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return text;
}

static void add_binding(const struct hl_container_view *view, struct hl_value *ports, const char *key, const struct hl_value *binding)
{
    const char *host_ip = hl_value_get_text(binding, "HostIp");
    const char *published = hl_value_get_text(binding, "HostPort");
    struct hl_value *port = hl_value_map(view->arena);
    int64_t number = 0;

    if (!hl_parse_int(hl_arena_copy(view->arena, key, strcspn(key, "/")), 0, 65535, &number))
        return;
    hl_value_map_put_int(port, "target", number);
    hl_value_map_put_text(port, "published", published);
    hl_value_map_put_text(port, "host_ip", host_ip);
    hl_value_map_put_text(port, "protocol", strchr(key, '/') + 1);
    hl_value_list_add(view->arena, ports, port);
}

/* By HostConfig: NetworkSettings.Ports is empty while the container is stopped, and holds what was picked at random. */
static void put_ports(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *bindings = host(view, "PortBindings");
    struct hl_value *ports = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_members(bindings); i++) {
        const char *key = port_key(view->arena, hl_value_key(bindings, i));
        const struct hl_value *list = hl_value_at(bindings, i);
        for (size_t j = 0; j < hl_value_count(list); j++)
            add_binding(view, ports, key, hl_value_item(list, j));
    }
    if (hl_value_count(ports) > 0)
        hl_view_put(view, live, "ports", ports);
}

static bool exposes(const struct hl_value *body, const char *key)
{
    const struct hl_value *list = hl_value_get(body, "expose");

    for (size_t i = 0; i < hl_value_count(list); i++) {
        if (hl_value_is(hl_value_item(list, i), HL_TEXT) && strcmp(hl_value_item(list, i)->text.data, key) == 0)
            return true;
    }
    return false;
}

static bool has_port(struct hl_arena *arena, const struct hl_value *map, const char *key)
{
    for (size_t i = 0; i < hl_value_members(map); i++) {
        if (strcmp(port_key(arena, hl_value_key(map, i)), key) == 0)
            return true;
    }
    return false;
}

static void put_expose(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *exposed = hl_value_get(hl_value_get(view->inspection, "Config"), "ExposedPorts");
    const struct hl_value *of_image = hl_value_get(hl_value_get(view->image, "Config"), "ExposedPorts");
    struct hl_value *list = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_members(exposed); i++) {
        const char *key = port_key(view->arena, hl_value_key(exposed, i));
        const bool named = exposes(view->desired, key) || exposes(view->recorded, key);
        const bool own = view->image != NULL && !has_port(view->arena, of_image, key) && !has_port(view->arena, host(view, "PortBindings"), key);
        if (named || own)
            hl_value_list_add(view->arena, list, hl_value_text(view->arena, key));
    }
    if (hl_value_count(list) > 0)
        hl_view_put(view, live, "expose", list);
}

static void put_extra_hosts(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *list = host(view, "ExtraHosts");
    struct hl_value *hosts = hl_value_map(view->arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        const char *colon = hl_value_is(item, HL_TEXT) ? strpbrk(item->text.data, ":=") : NULL;
        if (colon == NULL)
            continue;
        const char *name = hl_arena_copy(view->arena, item->text.data, (size_t)(colon - item->text.data));
        const char *before = hl_value_get_text(hosts, name);
        hl_value_map_put(hosts, name, hl_value_printf(view->arena, "%s%s%s", before != NULL ? before : "", before != NULL ? "," : "", colon + 1));
    }
    if (hl_value_count(hosts) > 0)
        hl_view_put(view, live, "extra_hosts", hosts);
}

void hl_view_put_networks(const struct hl_container_view *view, struct hl_value *live)
{
    put_network_mode(view, live);
    put_namespaces(view, live);
    put_networks(view, live);
    put_ports(view, live);
    put_expose(view, live);
    put_extra_hosts(view, live);
}
