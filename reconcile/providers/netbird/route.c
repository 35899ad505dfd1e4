/* The kind `route`: addresses or domains beyond the mesh that peers reach through another peer. NetBird's older way; networks (mesh_network.c) are the newer.
 *
 * A route has no name of its own. Several routes with one `network_id` and one network are a group of which one is used at a time, so a route is also told by
 * where it leads and through whom. */
#include "config.h"

#include "reconcile/providers/netbird/address.h"
#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/parts.h"
#include "reconcile/providers/netbird/peer.h"

#include <string.h>

enum { NETWORK_ID_MOST = 40, DOMAINS_MOST = 32 };

/* ---- the table ---- */

static void check_network_id(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && (value->text.length == 0 || hl_netbird_length(value->text.data) > NETWORK_ID_MOST))
        hl_diag_error(check->diags, value->at, "'network_id' has 1 to %d characters", NETWORK_ID_MOST);
}

static void check_domains(struct hl_check *check, const struct hl_value *list)
{
    hl_netbird_check_domains(check, list);
    if (hl_value_is(list, HL_LIST) && (hl_value_count(list) == 0 || hl_value_count(list) > DOMAINS_MOST))
        hl_diag_error(check->diags, list->at, "a route has 1 to %d domains, found %zu", DOMAINS_MOST, hl_value_count(list));
}

static const struct hl_field fields[] = {
    {.name = "network_id",
     .type = HL_F_STRING,
     .check = check_network_id,
     .doc = "what NetBird calls it; routes of one network_id and one network stand in for one another; the resource's name when not said",
     .example = "homelab-lan"},
    {.name = "network",
     .type = HL_F_STRING,
     .normalise = hl_netbird_normal_range,
     .check = hl_netbird_check_range,
     .doc = "the addresses it leads to, CIDR; 0.0.0.0/0 makes the peer an exit node; either this or `domains`",
     .example = "192.168.1.0/24"},
    {.name = "domains",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .normalise = hl_netbird_normal_domains,
     .check = check_domains,
     .doc = "the domains it leads to, \"*.\" in front takes in all below; letters beyond ASCII are kept as punycode",
     .example = "[git.example.org, \"*.lab.example.org\"]"},
    {.name = "peer",
     .type = HL_F_STRING,
     .doc = "the peer that forwards, by name or id; while it has not joined, the route is deferred; either this or `peer_groups`",
     .example = "k8s-routing-peer"},
    HL_NETBIRD_PEER_GROUPS,
    {.name = "groups",
     HL_NETBIRD_GROUP_NAMES,
     .required = true,
     .check = hl_netbird_check_some,
     .doc = "groups whose peers get the route; All is every peer",
     .example = "[All]"},
    {.name = "metric", .type = HL_F_INT, .minimum = 1, .maximum = 9999, .fallback = "9999", .doc = "of routes to one network the lowest is used"},
    HL_NETBIRD_MASQUERADE,
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether peers get it at all"},
    {.name = "access_control_groups",
     HL_NETBIRD_GROUP_NAMES,
     .doc = "groups that policies name to say who may use it; without any it is open to all that get it",
     .example = "[lan-users]"},
    {.name = "keep_route",
     .type = HL_F_BOOL,
     .fallback = "true",
     .doc = "of domains: keep the way to addresses that a name no longer resolves to; on as in the dashboard, while the API's own default is off"},
    {.name = "skip_auto_apply", .type = HL_F_BOOL, .fallback = "false", .doc = "of exit nodes: peers use it only when somebody there chooses it"},
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    HL_NETBIRD_ID,
    {.name = "network_type", .type = HL_F_STRING, .computed = true, .doc = "IPv4, IPv6 or Domain"},
    {.name = NULL},
};

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *network = hl_value_get(body, "network");
    const struct hl_value *domains = hl_value_get(body, "domains");
    const struct hl_value *skip = hl_value_get(body, "skip_auto_apply");
    const char *range = hl_value_get_text(body, "network");

    if (network != NULL && domains != NULL)
        hl_diag_error(check->diags, domains->at, "route '%s' leads to a 'network' or to 'domains', not both", check->name);
    if (network == NULL && domains == NULL) {
        struct hl_diag *diag = hl_diag_error(check->diags, body->at, "route '%s' needs 'network' or 'domains'", check->name);
        hl_diag_hint(check->diags, diag, "network: 192.168.1.0/24, or domains: [git.example.org]");
    }
    if (hl_value_get_bool(body, "skip_auto_apply", false) && (domains != NULL || (range != NULL && !hl_ends_with(range, "/0"))))
        hl_diag_warning(check->diags, skip->at, "'skip_auto_apply' means something for exit nodes alone (network: 0.0.0.0/0)");
    hl_netbird_check_via(check, body, "route");
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    static const char *const groups[] = {"peer_groups", "groups", "access_control_groups"};

    if (hl_value_get(body, "network_id") == NULL) {
        struct hl_value *name = hl_value_text(check->arena, check->name);
        name->at = body->at;
        check_network_id(check, name);
        hl_value_map_put(body, "network_id", name);
    }
    for (size_t i = 0; i < HL_COUNT(groups); i++)
        hl_netbird_spell(check, body, groups[i], "group");
}

/* ---- from NetBird, and to it ---- */

/* For a route to domains the server tells a network of its own, a placeholder. */
static bool is_to_domains(const struct hl_value *object)
{
    const char *type = hl_value_get_text(object, "network_type");

    return hl_value_count(hl_value_get(object, "domains")) > 0 || (type != NULL && strcmp(type, "Domain") == 0);
}

static void take_target(struct hl_arena *arena, const struct hl_value *object, struct hl_value *values)
{
    struct hl_value *network = hl_value_get(object, "network");

    if (is_to_domains(object))
        hl_value_map_put(values, "domains", hl_netbird_normal_domains(arena, hl_value_copy(arena, hl_value_get(object, "domains"))));
    else if (hl_value_is(network, HL_TEXT))
        hl_value_map_put(values, "network", hl_netbird_normal_range(arena, hl_value_copy(arena, network)));
}

static bool read_route(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                       struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id",         "network_id",      "metric",      "masquerade",   "enabled",
                                        "keep_route", "skip_auto_apply", "description", "network_type", NULL};

    hl_netbird_take(arena, object, plain, values);
    take_target(arena, object, values);
    return hl_netbird_take_via(session, arena, object, desired, values, err) &&
           hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "groups", object, desired, values, err) &&
           hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "access_control_groups", object, desired, values, err);
}

/* The server refuses a body with both. */
static void put_target(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body)
{
    const struct hl_value *domains = hl_value_get(desired, "domains");
    const struct hl_value *network = hl_value_get(desired, "network");

    if (hl_value_count(domains) == 0 && hl_value_is_null(network) && is_to_domains(object))
        domains = hl_value_get(object, "domains");
    else if (hl_value_count(domains) == 0 && hl_value_is_null(network))
        network = hl_value_get(object, "network");
    if (hl_value_count(domains) > 0)
        hl_value_map_put(body, "domains", hl_value_copy(arena, domains));
    else
        hl_value_map_put(body, "network", hl_value_copy(arena, network));
}

static bool write_route(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"network_id", "metric", "masquerade", "enabled", "keep_route", "skip_auto_apply", "description", NULL};

    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    put_target(arena, desired, object, body);
    return hl_netbird_put_via(session, arena, desired, object, body, err) &&
           hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", "groups", desired, object, body, err) &&
           hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", "access_control_groups", desired, object, body, err);
}

static bool is_same(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    const char *id = hl_value_get_text(desired, "network_id");
    const char *told = hl_value_get_text(object, "network_id");
    struct hl_value *target = hl_value_map(arena);

    if (id == NULL || told == NULL || strcmp(id, told) != 0)
        return false;
    take_target(arena, object, target);
    struct hl_value *domains = hl_value_get(target, "domains");
    const bool same_target = domains != NULL ? hl_netbird_same_ids(hl_value_get(desired, "domains"), domains)
                                             : hl_value_is(hl_value_get(desired, "network"), HL_TEXT) &&
                                                   hl_value_equal(hl_value_get(desired, "network"), hl_value_get(target, "network"));
    return same_target && hl_netbird_same_via(session, arena, desired, object);
}

/* ---- verbs ---- */

/* A second way to the same place through the same peers is refused, and which route is in the way may be a stranger's. */
static bool explain(struct hl_error **err)
{
    if ((*err)->code == HL_E_CONFLICT)
        hl_error_hint(err,
                      "another route leads there through a peer of these: remove that one in NetBird or take it over with `adopt: ID`; routes that stand in "
                      "for one another have different peers");
    return false;
}

static bool create_route(struct hl_op *op, struct hl_error **err)
{
    return hl_netbird_create(op, err) || explain(err);
}

static bool update_route(struct hl_op *op, struct hl_error **err)
{
    return hl_netbird_update(op, err) || explain(err);
}

static const struct hl_netbird_form form = {
    .verbs = {.refresh = hl_netbird_refresh,
              .create = create_route,
              .update = update_route,
              .remove = hl_netbird_remove,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_ROUTES,
    .what = "route",
    .collection = "/api/routes",
    .name_member = "network_id",
    .read = read_route,
    .write = write_route,
    .same = is_same,
    .possible = hl_netbird_possible_via,
};

const struct hl_kind hl_kind_route = {
    .name = "route",
    .section = "routes",
    .provider = "netbird",
    .doc = "a way out of the mesh to addresses or domains, through a peer or groups of peers",
    .example = "network: 192.168.1.0/24\npeer: k8s-routing-peer\ngroups: [All]\nmasquerade: true\nmetric: 9999\n",
    .fields = fields,
    .check = check_body,
    .complete = complete_body,
    .verbs = &form.verbs,
};
