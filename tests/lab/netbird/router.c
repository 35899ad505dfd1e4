/* Routers of networks. parts: the network, the router. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"peer", NETBIRD_TEXT, NULL},       {"peer_groups", NETBIRD_TEXTS, NULL}, {"metric", NETBIRD_INT, NULL},
    {"masquerade", NETBIRD_BOOL, NULL}, {"enabled", NETBIRD_BOOL, NULL},      {NULL, NETBIRD_TEXT, NULL},
};

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *router)
{
    static const char *const same[] = {"enabled", "id", "masquerade", "metric", "peer", "peer_groups"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(router, same[i]));
    return out;
}

static void answer_list(struct netbird_call *c, const char *network)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ROUTER].count; i++) {
        const struct hl_value *router = netbird_at(c->netbird, NETBIRD_ROUTER, i);

        if (network == NULL || strcmp(netbird_text(router, "network"), network) == 0)
            hl_value_list_add(c->arena, out, describe(c, router));
    }
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

void netbird_routers_all(struct netbird_call *c)
{
    answer_list(c, NULL);
}

void netbird_routers_list(struct netbird_call *c)
{
    answer_list(c, c->parts[0]);
}

/* --- By id --- */

static const struct hl_value *find(struct netbird_call *c, const char *what)
{
    const struct hl_value *router = netbird_find(c->netbird, NETBIRD_ROUTER, c->parts[1]);

    if (router == NULL)
        netbird_fail(c, 404, "%sfailed to get network router: network router: %s not found", what, c->parts[1]);
    return router;
}

static bool check_network(struct netbird_call *c, const char *what)
{
    return netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]) != NULL ||
           netbird_fail(c, 404, "%sfailed to get network: network: %s not found", what, c->parts[0]);
}

static bool is_here(const struct netbird_call *c, const struct hl_value *router)
{
    return strcmp(netbird_text(router, "network"), c->parts[0]) == 0;
}

void netbird_router_get(struct netbird_call *c)
{
    const struct hl_value *router = netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ) ? find(c, "") : NULL;

    if (router == NULL)
        return;
    if (is_here(c, router))
        netbird_ok(c, describe(c, router));
    else
        netbird_fail_internal(c);
}

/* --- Changes --- */

/* Up to 0.68 neither is checked, and both are kept. */
static bool check_routers(struct netbird_call *c, const struct hl_value *body)
{
    bool peer = *netbird_text(body, "peer") != '\0', groups = hl_value_count(hl_value_get(body, "peer_groups")) > 0;

    if (!netbird_since(c->netbird, 69, 0))
        return true;
    if (peer && groups)
        return netbird_fail_verbatim(c, 400, "peer and peer_groups cannot be set at the same time");
    return peer || groups || netbird_fail_verbatim(c, 400, "either peer or peer_groups must be provided");
}

static void save(struct netbird_call *c, const char *id, const struct hl_value *body, bool enabled)
{
    struct hl_value *router = hl_value_map(c->arena), *groups = hl_value_get(body, "peer_groups");

    hl_value_map_put_text(router, "id", id);
    hl_value_map_put_text(router, "network", c->parts[0]);
    hl_value_map_put_text(router, "peer", netbird_text(body, "peer"));
    hl_value_map_put(router, "peer_groups", groups == NULL ? hl_value_null(c->arena) : groups);
    hl_value_map_put_int(router, "metric", hl_value_get_int(body, "metric", 0));
    hl_value_map_put_bool(router, "masquerade", hl_value_get_bool(body, "masquerade", false));
    hl_value_map_put_bool(router, "enabled", enabled);
    netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_ROUTER, router)));
}

/* Enabled, whatever was asked for. */
void netbird_router_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);

    if (body != NULL && check_routers(c, body) && netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_CREATE) && check_network(c, ""))
        save(c, netbird_new_id(c->netbird, c->arena), body, true);
}

/* Up to 0.71.2 a router that is not there is made, and one of another network moves here. */
static bool check_update(struct netbird_call *c)
{
    const struct hl_value *router = NULL;

    if (!netbird_since(c->netbird, 71, 3))
        return true;
    router = find(c, "");
    if (router == NULL)
        return false;
    return is_here(c, router) || netbird_fail(c, 400, "router %s is not part of the network %s", c->parts[1], c->parts[0]);
}

void netbird_router_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);

    if (body != NULL && check_routers(c, body) && netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_UPDATE) && check_network(c, "") && check_update(c))
        save(c, c->parts[1], body, hl_value_get_bool(body, "enabled", false));
}

/* From 0.74 on the router is looked for before the transaction begins. */
void netbird_router_delete(struct netbird_call *c)
{
    static const char what[] = "failed to delete network router: ";
    const struct hl_value *router = NULL;

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_DELETE))
        return;
    if ((netbird_since(c->netbird, 74, 0) && find(c, "") == NULL) || !check_network(c, what))
        return;
    router = find(c, what);
    if (router == NULL)
        return;
    if (!is_here(c, router)) {
        netbird_fail(c, 400, "%srouter %s is not part of the network %s", what, c->parts[1], c->parts[0]);
        return;
    }
    netbird_remove(c->netbird, NETBIRD_ROUTER, c->parts[1]);
    netbird_done(c);
}
