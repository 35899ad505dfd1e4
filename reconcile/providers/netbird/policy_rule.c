#include "config.h"

#include "reconcile/providers/netbird/policy_rule.h"

#include "reconcile/providers/netbird/parts.h"
#include "reconcile/providers/netbird/peer.h"

#include <string.h>

enum { PORT_MOST = 65535 };

/* ---- ports ---- */

static void check_ports(struct hl_check *check, const struct hl_value *list)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        int64_t port = 0;
        if (!hl_value_is(item, HL_TEXT) || (hl_parse_int(item->text.data, 1, PORT_MOST, &port) && item->text.data[0] != '0'))
            continue;
        struct hl_diag *diag = hl_diag_error(check->diags, item->at, "'%s' is no port: they go from 1 to %d", item->text.data, PORT_MOST);
        if (strchr(item->text.data, '-') != NULL)
            hl_diag_hint(check->diags, diag, "ranges go into `port_ranges`, single ports of the same rule as well");
    }
}

static struct hl_value *short_range(struct hl_arena *arena, const char *text, const char **problem)
{
    const char *dash = strchr(text, '-');
    int64_t start = 0;
    int64_t end = 0;

    *problem = "a range of ports is 8000-8100, or one port";
    if (!hl_parse_int(dash != NULL ? hl_arena_copy(arena, text, (size_t)(dash - text)) : text, 1, PORT_MOST, &start))
        return NULL;
    end = start;
    if (dash != NULL && !hl_parse_int(dash + 1, 1, PORT_MOST, &end))
        return NULL;
    struct hl_value *range = hl_value_map(arena);
    hl_value_map_put_int(range, "start", start);
    hl_value_map_put_int(range, "end", end);
    return range;
}

static void check_ranges(struct hl_check *check, const struct hl_value *list)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        const int64_t start = hl_value_get_int(item, "start", 0);
        const int64_t end = hl_value_get_int(item, "end", PORT_MOST);
        if (start > end)
            hl_diag_error(check->diags, item->at, "the range begins at %lld and ends at %lld", (long long)start, (long long)end);
    }
}

/* ---- the table ---- */

static const char *const actions[] = {"accept", "drop", NULL};
static const char *const protocols[] = {"all", "tcp", "udp", "icmp", "netbird-ssh", NULL};

static const struct hl_field range_fields[] = {
    {.name = "start", .type = HL_F_INT, .required = true, .minimum = 1, .maximum = PORT_MOST, .doc = "first port"},
    {.name = "end", .type = HL_F_INT, .required = true, .minimum = 1, .maximum = PORT_MOST, .doc = "last port"},
    {.name = NULL},
};

static const struct hl_field side_fields[] = {
    {.name = "peer", .type = HL_F_STRING, .doc = "a peer, by name or id; while it has not joined, the policy is deferred"},
    {.name = "resource",
     .type = HL_F_STRING,
     .refers_to = "mesh_resource",
     .doc = "a network's resource: a mesh_resource of the spec, or a name or id in NetBird"},
    {.name = NULL},
};

static const struct hl_field authorized_fields[] = {
    {.name = "group", .type = HL_F_STRING, .required = true, .refers_to = "group", .doc = "a group of `sources`"},
    {.name = "users", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .forms = HL_FORM_SINGLE, .doc = "accounts of the machine that it may become"},
    {.name = NULL},
};

const struct hl_field hl_netbird_rule_fields[] = {
    {.name = "name", .type = HL_F_STRING, .doc = "the policy's name when not said"},
    {.name = "sources",
     HL_NETBIRD_GROUP_NAMES,
     .check = hl_netbird_check_some,
     .doc = "groups that it is for; either this or `source_resource`",
     .example = "[admins]"},
    {.name = "source_resource", .type = HL_F_OBJECT, .fields = side_fields, .doc = "one peer or resource that it is for", .example = "{peer: laptop}"},
    {.name = "destinations",
     HL_NETBIRD_GROUP_NAMES,
     .check = hl_netbird_check_some,
     .doc = "groups that they reach; either this or `destination_resource`",
     .example = "[lan-servers]"},
    {.name = "destination_resource", .type = HL_F_OBJECT, .fields = side_fields, .doc = "one peer or resource that they reach", .example = "{resource: nas}"},
    {.name = "action", .type = HL_F_STRING, .allowed = actions, .fallback = "accept", .doc = "what becomes of it"},
    {.name = "bidirectional",
     .type = HL_F_BOOL,
     .fallback = "true",
     .doc = "destinations reach sources as well; answers always pass; on as in the dashboard, while the API's own default is off"},
    {.name = "protocol", .type = HL_F_STRING, .allowed = protocols, .fallback = "all", .doc = "what it is about"},
    {.name = "ports",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .check = check_ports,
     .doc = "ports of tcp and udp; without any of them all",
     .example = "[22, 443]"},
    {.name = "port_ranges",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = range_fields,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .shorthand = short_range,
     .check = check_ranges,
     .doc = "ranges of ports, instead of `ports`",
     .example = "[8000-8100, 443]"},
    {.name = "authorized_groups",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = authorized_fields,
     .key = "group",
     .doc = "of netbird-ssh: which accounts of the machine each source group may become; without it all",
     .example = "[{group: admins, users: [root]}]"},
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether it holds"},
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    {.name = NULL},
};

/* ---- findings ---- */

static void check_one(struct hl_check *check, const struct hl_value *rule, const char *groups_name, const char *one_name)
{
    const struct hl_value *groups = hl_value_get(rule, groups_name);
    const struct hl_value *one = hl_value_get(rule, one_name);

    if (groups != NULL && one != NULL)
        hl_diag_error(check->diags, one->at, "a rule has '%s' or '%s', not both", groups_name, one_name);
    if (groups == NULL && one == NULL) {
        struct hl_diag *diag = hl_diag_error(check->diags, rule->at, "the rule of policy '%s' needs '%s' or '%s'", check->name, groups_name, one_name);
        hl_diag_hint(check->diags, diag, "for instance %s: [All]", groups_name);
    }
    if (hl_value_is(one, HL_MAP) && (hl_value_get(one, "peer") != NULL) == (hl_value_get(one, "resource") != NULL))
        hl_diag_error(check->diags, one->at, "'%s' names either a 'peer' or a 'resource'", one_name);
}

static void check_protocol(struct hl_check *check, const struct hl_value *rule)
{
    const struct hl_value *ports = hl_value_get(rule, "ports");
    const struct hl_value *ranges = hl_value_get(rule, "port_ranges");
    const struct hl_value *some = ports != NULL ? ports : ranges;
    const struct hl_value *authorized = hl_value_get(rule, "authorized_groups");
    const struct hl_value *told = hl_value_get(rule, "protocol");
    const char *protocol = told == NULL ? "all" : hl_value_get_text(rule, "protocol");

    if (hl_value_count(ports) > 0 && hl_value_count(ranges) > 0)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, ranges->at, "a rule has 'ports' or 'port_ranges', not both"),
                     "a single port can stand among the ranges: [443, 8000-8100]");
    if (protocol != NULL && hl_value_count(some) > 0 && (strcmp(protocol, "all") == 0 || strcmp(protocol, "icmp") == 0))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, some->at, "protocol '%s' knows no ports", protocol), "say `protocol: tcp` or `protocol: udp`");
    if (protocol != NULL && authorized != NULL && strcmp(protocol, "netbird-ssh") != 0)
        hl_diag_error(check->diags, authorized->at, "'authorized_groups' is for 'protocol: netbird-ssh'");
}

/* The server refuses accounts that are said for some of the sources only. */
static void check_authorized(struct hl_check *check, const struct hl_value *rule)
{
    const struct hl_value *authorized = hl_value_get(rule, "authorized_groups");
    const struct hl_value *sources = hl_value_get(rule, "sources");
    struct hl_map *said = hl_map_new(check->arena);

    const char *protocol = hl_value_get_text(rule, "protocol");

    if (protocol == NULL || strcmp(protocol, "netbird-ssh") != 0 || hl_value_count(authorized) == 0 || hl_value_find_unknown(authorized) != NULL)
        return;
    for (size_t i = 0; i < hl_value_count(authorized); i++) {
        const char *group = hl_value_get_text(hl_value_item(authorized, i), "group");
        if (group != NULL)
            hl_map_put(said, group, said);
    }
    for (size_t i = 0; i < hl_value_count(sources); i++) {
        const struct hl_value *source = hl_value_item(sources, i);
        if (hl_value_is(source, HL_TEXT) && !hl_map_has(said, source->text.data))
            hl_diag_error(check->diags, authorized->at, "'authorized_groups' says nothing of source '%s': name each of them, or none", source->text.data);
    }
}

void hl_netbird_rule_check(struct hl_check *check, const struct hl_value *rule)
{
    if (!hl_value_is(rule, HL_MAP))
        return;
    check_one(check, rule, "sources", "source_resource");
    check_one(check, rule, "destinations", "destination_resource");
    check_protocol(check, rule);
    check_authorized(check, rule);
}

void hl_netbird_rule_complete(struct hl_check *check, struct hl_value *rule, const struct hl_value *policy)
{
    static const char *const sides[] = {"source_resource", "destination_resource"};
    struct hl_value *authorized = hl_value_get(rule, "authorized_groups");

    if (!hl_value_is(rule, HL_MAP))
        return;
    if (hl_value_get(rule, "name") == NULL)
        hl_value_map_put(rule, "name", hl_value_get(policy, "name"));
    hl_netbird_spell(check, rule, "sources", "group");
    hl_netbird_spell(check, rule, "destinations", "group");
    for (size_t i = 0; i < HL_COUNT(sides); i++) {
        if (hl_value_is(hl_value_get(rule, sides[i]), HL_MAP))
            hl_netbird_spell(check, hl_value_get(rule, sides[i]), "resource", "mesh_resource");
    }
    for (size_t i = 0; i < hl_value_count(authorized); i++) {
        if (hl_value_is(hl_value_item(authorized, i), HL_MAP))
            hl_netbird_spell(check, hl_value_item(authorized, i), "group", "group");
    }
}

/* ---- from NetBird ---- */

static bool read_one(struct hl_session *session, struct hl_arena *arena, const struct hl_value *told, const struct hl_value *desired, struct hl_value **out,
                     struct hl_error **err)
{
    const char *id = hl_value_get_text(told, "id");
    const char *type = hl_value_get_text(told, "type");
    const char *name = NULL;

    *out = NULL;
    if (hl_is_blank(id))
        return true;
    const bool is_peer = type != NULL && strcmp(type, "peer") == 0;
    if (is_peer ? !hl_netbird_peer_name(session, arena, id, hl_value_get_text(desired, "peer"), &name, err)
                : !hl_netbird_name(session, HL_NETBIRD_NETWORK_RESOURCES, id, arena, &name, err))
        return false;
    const char *wanted = hl_value_get_text(desired, "resource");
    *out = hl_value_map(arena);
    hl_value_map_put_text(*out, is_peer ? "peer" : "resource", !is_peer && wanted != NULL && strcmp(wanted, id) == 0 ? wanted : name);
    return true;
}

static const struct hl_value *find_group(const struct hl_value *authorized, const char *group)
{
    for (size_t i = 0; i < hl_value_count(authorized); i++) {
        const char *name = hl_value_get_text(hl_value_item(authorized, i), "group");
        if (name != NULL && strcmp(name, group) == 0)
            return hl_value_item(authorized, i);
    }
    return NULL;
}

static bool read_authorized(struct hl_session *session, struct hl_arena *arena, const struct hl_value *told, const struct hl_value *desired,
                            struct hl_value *values, struct hl_error **err)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_members(told); i++) {
        const char *id = hl_value_key(told, i);
        const char *name = id;
        struct hl_value *item = hl_value_map(arena);
        if (find_group(desired, id) == NULL && !hl_netbird_name(session, HL_NETBIRD_GROUPS, id, arena, &name, err))
            return false;
        hl_value_map_put_text(item, "group", name);
        if (hl_value_count(hl_value_at(told, i)) > 0)
            hl_value_map_put(item, "users", hl_value_copy(arena, hl_value_at(told, i)));
        hl_value_list_add(arena, list, item);
    }
    if (hl_value_count(list) > 0)
        hl_value_map_put(values, "authorized_groups", list);
    return true;
}

bool hl_netbird_rule_read(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                          struct hl_value **values, struct hl_error **err)
{
    static const char *const plain[] = {"name", "description", "enabled", "action", "bidirectional", "protocol", "ports", "port_ranges", NULL};
    static const struct {
        const char *field, *member;
    } sides[] = {{"source_resource", "sourceResource"}, {"destination_resource", "destinationResource"}};

    *values = hl_value_map(arena);
    hl_netbird_take(arena, object, plain, *values);
    for (size_t i = 0; i < HL_COUNT(sides); i++) {
        struct hl_value *one = NULL;
        if (!read_one(session, arena, hl_value_get(object, sides[i].member), hl_value_get(desired, sides[i].field), &one, err))
            return false;
        hl_value_map_put(*values, sides[i].field, one);
    }
    return hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "sources", object, desired, *values, err) &&
           hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "destinations", object, desired, *values, err) &&
           read_authorized(session, arena, hl_value_get(object, "authorized_groups"), hl_value_get(desired, "authorized_groups"), *values, err);
}

/* ---- to NetBird ---- */

static bool write_one(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, struct hl_value **out, struct hl_error **err)
{
    const char *peer = hl_value_get_text(desired, "peer");
    const char *resource = hl_value_get_text(desired, "resource");
    const struct hl_value *object = NULL;
    const char *type = "peer";
    const char *id = NULL;

    if (!hl_is_blank(peer)) {
        if (!hl_netbird_peer_must(session, arena, peer, &id, err))
            return false;
    } else {
        if (!hl_netbird_id(session, HL_NETBIRD_NETWORK_RESOURCES, "network resource", resource != NULL ? resource : "", arena, &id, err) ||
            !hl_netbird_find(session, HL_NETBIRD_NETWORK_RESOURCES, id, &object, err))
            return false;
        type = hl_value_get_text(object, "type");
    }
    *out = hl_value_map(arena);
    hl_value_map_put_text(*out, "id", id);
    hl_value_map_put_text(*out, "type", type);
    return true;
}

/* One side: groups or a single one. The server refuses both and neither. */
static bool write_side(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, bool source,
                       struct hl_value *body, struct hl_error **err)
{
    const char *groups = source ? "sources" : "destinations";
    const char *member = source ? "sourceResource" : "destinationResource";
    const struct hl_value *one = hl_value_get(desired, source ? "source_resource" : "destination_resource");
    const bool says_groups = hl_value_count(hl_value_get(desired, groups)) > 0;
    const struct hl_value *kept = hl_value_get(object, member);
    struct hl_value *made = NULL;

    if (hl_value_is(one, HL_MAP)) {
        if (!write_one(session, arena, one, &made, err))
            return false;
        hl_value_map_put(body, member, made);
        return true;
    }
    if (!says_groups && one == NULL && !hl_is_blank(hl_value_get_text(kept, "id"))) {
        hl_value_map_put(body, member, hl_value_copy(arena, kept));
        return true;
    }
    return hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", groups, desired, object, body, err);
}

static void write_ports(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body)
{
    static const char *const names[] = {"ports", "port_ranges"};
    const char *protocol = hl_value_get_text(body, "protocol");
    const bool says_ranges = hl_value_count(hl_value_get(desired, "port_ranges")) > 0;
    const bool says_ports = hl_value_count(hl_value_get(desired, "ports")) > 0;

    if (protocol != NULL && (strcmp(protocol, "all") == 0 || strcmp(protocol, "icmp") == 0))
        return;
    for (size_t i = 0; i < HL_COUNT(names); i++) {
        const struct hl_value *value = hl_value_get(desired, names[i]);
        if (value == NULL && !says_ranges && !says_ports)
            value = hl_value_get(object, names[i]);
        if (hl_value_count(value) > 0)
            hl_value_map_put(body, names[i], hl_value_copy(arena, value));
    }
}

static bool write_authorized(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                             struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *authorized = hl_value_get(desired, "authorized_groups");
    const struct hl_value *kept = hl_value_get(object, "authorized_groups");
    const char *protocol = hl_value_get_text(body, "protocol");
    struct hl_value *map = hl_value_map(arena);

    if (protocol == NULL || strcmp(protocol, "netbird-ssh") != 0)
        return true;
    if (authorized == NULL && hl_value_count(kept) > 0)
        map = hl_value_copy(arena, kept);
    for (size_t i = 0; i < hl_value_count(authorized); i++) {
        const struct hl_value *item = hl_value_item(authorized, i);
        const struct hl_value *users = hl_value_get(item, "users");
        const char *group = hl_value_get_text(item, "group");
        const char *id = NULL;
        if (!hl_netbird_id(session, HL_NETBIRD_GROUPS, "group", group != NULL ? group : "", arena, &id, err))
            return false;
        hl_value_map_put(map, id, hl_value_is(users, HL_LIST) ? hl_value_copy(arena, users) : hl_value_list(arena));
    }
    if (hl_value_count(map) > 0)
        hl_value_map_put(body, "authorized_groups", map);
    return true;
}

bool hl_netbird_rule_write(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                           struct hl_value **body, struct hl_error **err)
{
    static const char *const plain[] = {"name", "description", "enabled", "action", "bidirectional", "protocol", NULL};

    *body = hl_value_map(arena);
    /* A rule without an id gets the policy's, and would stand beside the one that is there. */
    hl_value_map_put_text(*body, "id", hl_value_get_text(object, "id"));
    hl_netbird_put_fields(arena, hl_netbird_rule_fields, plain, desired, object, *body);
    write_ports(arena, desired, object, *body);
    return write_side(session, arena, desired, object, true, *body, err) && write_side(session, arena, desired, object, false, *body, err) &&
           write_authorized(session, arena, desired, object, *body, err);
}

bool hl_netbird_rule_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                              struct hl_error **err)
{
    static const char *const sides[] = {"source_resource", "destination_resource"};

    for (size_t i = 0; i < HL_COUNT(sides); i++) {
        if (!hl_netbird_possible_via(session, arena, hl_value_get(desired, sides[i]), reason, hint, err))
            return false;
    }
    return true;
}
