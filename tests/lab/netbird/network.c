#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"description", NETBIRD_TEXT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

static bool is_of(const struct hl_value *object, const char *network)
{
    return strcmp(netbird_text(object, "network"), network) == 0;
}

/* What is asked for each network, gathered once. */
struct content {
    struct hl_value *routers, *resources; /* network -> ids */
    const struct hl_value *groups;        /* as netbird_groups_of_members() gives them */
};

static struct hl_value *ids_by_network(struct netbird_call *c, enum netbird_kind kind)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < c->netbird->tables[kind].count; i++) {
        const struct hl_value *object = netbird_at(c->netbird, kind, i);
        struct hl_value *ids = hl_value_get(out, netbird_text(object, "network"));

        if (ids == NULL) {
            ids = hl_value_list(c->arena);
            hl_value_map_put(out, netbird_text(object, "network"), ids);
        }
        hl_value_list_add(c->arena, ids, hl_value_get(object, "id"));
    }
    return out;
}

static struct content gather(struct netbird_call *c)
{
    return (struct content){
        .routers = ids_by_network(c, NETBIRD_ROUTER),
        .resources = ids_by_network(c, NETBIRD_RESOURCE),
        .groups = netbird_groups_of_members(c),
    };
}

static int64_t count_routing_peers(struct netbird_call *c, const struct hl_value *routers)
{
    size_t count = 0;

    for (size_t i = 0; i < hl_value_count(routers); i++) {
        const struct hl_value *router = netbird_find(c->netbird, NETBIRD_ROUTER, hl_value_item(routers, i)->text.data);
        const struct hl_value *groups = hl_value_get(router, "peer_groups");

        count += *netbird_text(router, "peer") == '\0' ? 0 : 1;
        for (size_t j = 0; j < hl_value_count(groups); j++)
            count += hl_value_count(hl_value_get(netbird_find(c->netbird, NETBIRD_GROUP, hl_value_item(groups, j)->text.data), "peers"));
    }
    return (int64_t)count;
}

static struct hl_value *or_null(struct netbird_call *c, struct hl_value *list)
{
    return hl_value_count(list) == 0 ? hl_value_null(c->arena) : list;
}

/* Where a list has nothing in it, it is null or [], by the call: a POST tells [], a GET of one null, the list null for resources alone. */
enum asked { CREATED, ONE, ALL };

static struct hl_value *describe(struct netbird_call *c, const struct content *content, const struct hl_value *network, enum asked asked)
{
    const char *id = netbird_text(network, "id");
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *routers = netbird_texts(c, content->routers, id), *resources = netbird_texts(c, content->resources, id);

    hl_value_map_put_text(out, "id", id);
    hl_value_map_put_text(out, "name", netbird_text(network, "name"));
    hl_value_map_put_text(out, "description", netbird_text(network, "description"));
    hl_value_map_put_int(out, "routing_peers_count", count_routing_peers(c, routers));
    hl_value_map_put(out, "policies", netbird_policies_of_resources(c, resources, content->groups));
    hl_value_map_put(out, "routers", asked == ONE ? or_null(c, routers) : netbird_shuffle(c->netbird, routers));
    hl_value_map_put(out, "resources", asked == CREATED ? resources : or_null(c, netbird_shuffle(c->netbird, resources)));
    return out;
}

static void answer(struct netbird_call *c, const struct hl_value *network, enum asked asked)
{
    struct content content = {.routers = NULL}; /* nothing is in a new one */

    if (asked != CREATED)
        content = gather(c);
    netbird_ok(c, describe(c, &content, network, asked));
}

void netbird_networks_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);
    struct content content = gather(c);

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_NETWORK].count; i++)
        hl_value_list_add(c->arena, out, describe(c, &content, netbird_at(c->netbird, NETBIRD_NETWORK, i), ALL));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

void netbird_network_get(struct netbird_call *c)
{
    const struct hl_value *network = netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]);

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        return;
    if (network == NULL)
        netbird_fail(c, 404, "network: %s not found", c->parts[0]);
    else
        answer(c, network, ONE);
}

/* --- Changes --- */

static const struct hl_value *save(struct netbird_call *c, const char *id, const struct hl_value *body)
{
    struct hl_value *network = hl_value_map(c->arena);

    hl_value_map_put_text(network, "id", id);
    hl_value_map_put_text(network, "name", netbird_text(body, "name"));
    hl_value_map_put_text(network, "description", netbird_text(body, "description"));
    return netbird_put(c->netbird, NETBIRD_NETWORK, network);
}

void netbird_network_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);

    if (body != NULL && netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_CREATE))
        answer(c, save(c, netbird_new_id(c->netbird, c->arena), body), CREATED);
}

void netbird_network_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);

    if (body == NULL || !netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_UPDATE))
        return;
    if (netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]) == NULL)
        netbird_fail(c, 404, "failed to get network: network: %s not found", c->parts[0]);
    else
        answer(c, save(c, c->parts[0], body), ONE);
}

/* With all that is in it. */
void netbird_network_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_DELETE))
        return;
    if (netbird_find(c->netbird, NETBIRD_NETWORK, id) == NULL) {
        netbird_fail(c, 404, "failed to get network: network: %s not found", id);
        return;
    }
    for (size_t i = c->netbird->tables[NETBIRD_RESOURCE].count; i > 0; i--)
        if (is_of(netbird_at(c->netbird, NETBIRD_RESOURCE, i - 1), id))
            netbird_drop_resource(c->netbird, netbird_text(netbird_at(c->netbird, NETBIRD_RESOURCE, i - 1), "id"));
    for (size_t i = c->netbird->tables[NETBIRD_ROUTER].count; i > 0; i--)
        if (is_of(netbird_at(c->netbird, NETBIRD_ROUTER, i - 1), id))
            netbird_remove(c->netbird, NETBIRD_ROUTER, netbird_text(netbird_at(c->netbird, NETBIRD_ROUTER, i - 1), "id"));
    netbird_remove(c->netbird, NETBIRD_NETWORK, id);
    netbird_done(c);
}
