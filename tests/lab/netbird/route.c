#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"network_id", NETBIRD_TEXT, NULL},      {"description", NETBIRD_TEXT, NULL}, {"network", NETBIRD_TEXT, NULL},
    {"domains", NETBIRD_TEXTS, NULL},        {"peer", NETBIRD_TEXT, NULL},        {"peer_groups", NETBIRD_TEXTS, NULL},
    {"metric", NETBIRD_INT, NULL},           {"masquerade", NETBIRD_BOOL, NULL},  {"enabled", NETBIRD_BOOL, NULL},
    {"groups", NETBIRD_TEXTS, NULL},         {"keep_route", NETBIRD_BOOL, NULL},  {"access_control_groups", NETBIRD_TEXTS, NULL},
    {"skip_auto_apply", NETBIRD_BOOL, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

/* Of domain routes; from the range for documentation. */
static const char placeholder[] = "192.0.2.0/32";

/* --- Answers --- */

static const char *type_of(const struct hl_value *route)
{
    if (hl_value_count(hl_value_get(route, "domains")) > 0)
        return "Domain";
    return strchr(netbird_text(route, "network"), ':') != NULL ? "IPv6" : "IPv4";
}

static struct hl_value *describe_domains(struct netbird_call *c, const struct hl_value *domains)
{
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(domains); i++)
        hl_value_list_add(c->arena, out, hl_value_text(c->arena, netbird_domain_text(c->arena, hl_value_item(domains, i)->text.data)));
    return hl_value_count(out) == 0 ? hl_value_null(c->arena) : out;
}

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *route)
{
    static const char *const same[] = {"description", "enabled", "groups", "id", "keep_route", "masquerade", "metric", "network", "network_id", "peer"};
    static const char *const lists[] = {"peer_groups", "access_control_groups"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(route, same[i]));
    for (size_t i = 0; i < HL_COUNT(lists); i++)
        if (hl_value_count(hl_value_get(route, lists[i])) > 0)
            hl_value_map_put(out, lists[i], hl_value_get(route, lists[i]));
    hl_value_map_put(out, "domains", describe_domains(c, hl_value_get(route, "domains")));
    hl_value_map_put_text(out, "network_type", type_of(route));
    hl_value_map_put(out, "skip_auto_apply", hl_value_get(route, "skip_auto_apply"));
    return out;
}

void netbird_routes_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_ROUTES, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ROUTE].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_ROUTE, i)));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static const struct hl_value *find(struct netbird_call *c)
{
    const struct hl_value *route = NULL;

    if (!netbird_allow(c, NETBIRD_M_ROUTES, NETBIRD_READ))
        return NULL;
    route = netbird_find(c->netbird, NETBIRD_ROUTE, c->parts[0]);
    if (route == NULL)
        netbird_fail(c, 404, "route: %s not found", c->parts[0]);
    return route;
}

void netbird_route_get(struct netbird_call *c)
{
    const struct hl_value *route = find(c);

    if (route != NULL)
        netbird_ok(c, describe(c, route));
}

/* --- What the handler checks, before it asks whether the user may --- */

/* Present means not null: "" and [] are. */
static bool check_presence(struct netbird_call *c, const struct hl_value *body)
{
    bool network = hl_value_get(body, "network") != NULL, domains = hl_value_get(body, "domains") != NULL;
    bool peer = hl_value_get(body, "peer") != NULL, groups = hl_value_get(body, "peer_groups") != NULL;
    size_t length = netbird_characters(netbird_text(body, "network_id"));

    if (network && domains)
        return netbird_fail(c, 422, "only one of 'network' or 'domains' should be provided");
    if (!network && !domains)
        return netbird_fail(c, 422, "either 'network' or 'domains' should be provided");
    if (!peer && !groups)
        return netbird_fail(c, 422, "either 'peer' or 'peer_groups' should be provided");
    if (peer && groups)
        return netbird_fail(c, 422, "only one of 'peer' or 'peer_groups' should be provided");
    return (length >= 1 && length <= 40) || netbird_fail(c, 422, "identifier should be between 1 and 40 characters");
}

static bool set_target(struct netbird_call *c, const struct hl_value *body, struct hl_value *route)
{
    const char *network = netbird_text(body, "network");
    struct netbird_prefix prefix;
    struct hl_value *domains = hl_value_list(c->arena);

    if (hl_value_get(body, "domains") != NULL) {
        if (!netbird_domains(c, hl_value_get(body, "domains"), "invalid domains", &domains))
            return false;
        hl_value_map_put_text(route, "network", placeholder);
    } else {
        if (!netbird_prefix_parse(network, false, &prefix))
            return netbird_fail(c, 422, "invalid network %s", network);
        netbird_prefix_mask(&prefix);
        hl_value_map_put_text(route, "network", netbird_prefix_text(c->arena, &prefix));
    }
    hl_value_map_put(route, "domains", domains);
    return true;
}

/* The route that the body asks for; NULL when it was refused, and answered. */
static struct hl_value *make(struct netbird_call *c, const char *id)
{
    static const char *const flags[] = {"masquerade", "enabled", "keep_route", "skip_auto_apply"};
    static const char *const lists[] = {"groups", "peer_groups", "access_control_groups"};
    const struct hl_value *body = netbird_body(c, fields);
    struct hl_value *route = hl_value_map(c->arena);

    if (body == NULL || !check_presence(c, body) || !set_target(c, body, route))
        return NULL;
    hl_value_map_put_text(route, "id", id);
    hl_value_map_put_text(route, "network_id", netbird_text(body, "network_id"));
    hl_value_map_put_text(route, "description", netbird_text(body, "description"));
    hl_value_map_put_text(route, "peer", netbird_text(body, "peer"));
    hl_value_map_put_int(route, "metric", hl_value_get_int(body, "metric", 0));
    for (size_t i = 0; i < HL_COUNT(flags); i++)
        hl_value_map_put_bool(route, flags[i], hl_value_get_bool(body, flags[i], false));
    for (size_t i = 0; i < HL_COUNT(lists); i++)
        hl_value_map_put(route, lists[i], netbird_texts(c, body, lists[i]));
    return route;
}

/* --- Overlaps --- */

/* What routes for the same target say already. */
struct taken {
    struct hl_map peers;
    struct hl_map groups;
};

static bool has_same_target(const struct hl_value *a, const struct hl_value *b)
{
    if (hl_value_count(hl_value_get(a, "domains")) > 0)
        return hl_value_equal(hl_value_get(a, "domains"), hl_value_get(b, "domains"));
    return strcmp(netbird_text(a, "network"), netbird_text(b, "network")) == 0;
}

static const char *describe_target(struct netbird_call *c, const struct hl_value *route)
{
    const struct hl_value *domains = hl_value_get(route, "domains");
    const char *names = "";

    if (hl_value_count(domains) == 0)
        return hl_arena_printf(c->arena, "prefix %s", netbird_text(route, "network"));
    for (size_t i = 0; i < hl_value_count(domains); i++)
        names = hl_arena_printf(c->arena, "%s%s%s", names, i == 0 ? "" : ", ", netbird_domain_text(c->arena, hl_value_item(domains, i)->text.data));
    return hl_arena_printf(c->arena, "domains [%s]", names);
}

static bool take_route(struct netbird_call *c, const struct hl_value *route, const struct hl_value *other, struct taken *taken)
{
    const struct hl_value *groups = hl_value_get(other, "peer_groups");

    /* A mistake of the server: it remembers the id of the route, so two routes through one single peer are not noticed. */
    if (*netbird_text(other, "peer") != '\0')
        hl_map_put(&taken->peers, netbird_text(other, "id"), taken);
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const char *id = hl_value_item(groups, i)->text.data;
        const struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, id);
        const struct hl_value *peers = hl_value_get(group, "peers");

        hl_map_put(&taken->groups, id, taken);
        if (group == NULL)
            return netbird_fail(c, 422, "failed to add route with %s - peer group %s doesn't exist", describe_target(c, route), id);
        for (size_t j = 0; j < hl_value_count(peers); j++)
            hl_map_put(&taken->peers, hl_value_item(peers, j)->text.data, taken);
    }
    return true;
}

static bool check_group_peers(struct netbird_call *c, const struct hl_value *route, const struct hl_value *group, const struct taken *taken)
{
    const struct hl_value *peers = hl_value_get(group, "peers");

    for (size_t i = 0; i < hl_value_count(peers); i++) {
        const char *id = hl_value_item(peers, i)->text.data;
        const struct hl_value *peer = netbird_find(c->netbird, NETBIRD_PEER, id);

        if (!hl_map_has(&taken->peers, id))
            continue;
        if (peer == NULL)
            return netbird_fail(c, 422, "peer with ID %s not found", id);
        return netbird_fail(c, 409, "failed to add route with %s - peer %s from the group %s already has this route", describe_target(c, route),
                            netbird_text(peer, "name"), netbird_text(group, "name"));
    }
    return true;
}

static bool check_taken(struct netbird_call *c, const struct hl_value *route, const struct taken *taken)
{
    const char *peer = netbird_text(route, "peer");
    const struct hl_value *groups = hl_value_get(route, "peer_groups");

    if (*peer != '\0' && netbird_find(c->netbird, NETBIRD_PEER, peer) == NULL)
        return netbird_fail(c, 422, "peer with ID %s not found", peer);
    if (*peer != '\0' && hl_map_has(&taken->peers, peer))
        return netbird_fail(c, 409, "failed to add route with %s - peer %s already has this route", describe_target(c, route), peer);
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const char *id = hl_value_item(groups, i)->text.data;
        const struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, id);

        if (hl_map_has(&taken->groups, id))
            return netbird_fail(c, 409, "failed to add route with %s - peer group %s already has this route", describe_target(c, route),
                                netbird_text(group, "name"));
        if (!check_group_peers(c, route, group, taken))
            return false;
    }
    return true;
}

static bool check_overlap(struct netbird_call *c, const struct hl_value *route)
{
    struct taken taken;

    hl_map_init(&taken.peers, c->arena);
    hl_map_init(&taken.groups, c->arena);
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ROUTE].count; i++) {
        const struct hl_value *other = netbird_at(c->netbird, NETBIRD_ROUTE, i);

        if (strcmp(netbird_text(other, "id"), netbird_text(route, "id")) != 0 && has_same_target(other, route) && !take_route(c, route, other, &taken))
            return false;
    }
    return check_taken(c, route, &taken);
}

/* --- What the transaction checks --- */

static bool check(struct netbird_call *c, const struct hl_value *route)
{
    int64_t metric = hl_value_get_int(route, "metric", 0);
    const struct hl_value *peer_groups = hl_value_get(route, "peer_groups");
    const struct hl_value *access_groups = hl_value_get(route, "access_control_groups");

    if (metric < 1 || metric > 9999)
        return netbird_fail(c, 422, "metric should be between 1 and 9999");
    if (hl_value_count(peer_groups) > 0 && !netbird_check_groups(c, peer_groups))
        return false;
    if (hl_value_count(access_groups) > 0 && !netbird_check_groups(c, access_groups))
        return false;
    return netbird_check_groups(c, hl_value_get(route, "groups")) && check_overlap(c, route);
}

static void save(struct netbird_call *c, const char *id, enum netbird_operation operation)
{
    const struct hl_value *route = make(c, id);

    if (route != NULL && netbird_allow(c, NETBIRD_M_ROUTES, operation) && check(c, route))
        netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_ROUTE, route)));
}

void netbird_route_create(struct netbird_call *c)
{
    save(c, netbird_new_id(c->netbird, c->arena), NETBIRD_CREATE);
}

void netbird_route_update(struct netbird_call *c)
{
    if (find(c) != NULL)
        save(c, c->parts[0], NETBIRD_UPDATE);
}

void netbird_route_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];

    if (!netbird_allow(c, NETBIRD_M_ROUTES, NETBIRD_DELETE))
        return;
    if (netbird_find(c->netbird, NETBIRD_ROUTE, id) == NULL) {
        netbird_fail(c, 404, "failed to delete route %s: route: %s not found", id, id);
        return;
    }
    netbird_remove(c->netbird, NETBIRD_ROUTE, id);
    netbird_done(c);
}
