/* Resources of networks. parts: the network, the resource. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},    {"description", NETBIRD_TEXT, NULL}, {"address", NETBIRD_TEXT, NULL},
    {"enabled", NETBIRD_BOOL, NULL}, {"groups", NETBIRD_TEXTS, NULL},     {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

/* `groups` as netbird_groups_of_members() gives them; their order is that of the database. */
static struct hl_value *describe(struct netbird_call *c, const struct hl_value *resource, const struct hl_value *groups)
{
    static const char *const same[] = {"address", "description", "enabled", "id", "name", "type"};
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *own = hl_value_get(groups, netbird_text(resource, "id"));

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(resource, same[i]));
    hl_value_map_put(out, "groups", own == NULL ? hl_value_null(c->arena) : own);
    return out;
}

static struct hl_value *list(struct netbird_call *c, const char *network)
{
    struct hl_value *out = hl_value_list(c->arena);
    const struct hl_value *groups = netbird_groups_of_members(c);

    for (size_t i = 0; i < c->netbird->tables[NETBIRD_RESOURCE].count; i++) {
        const struct hl_value *resource = netbird_at(c->netbird, NETBIRD_RESOURCE, i);

        if (network == NULL || strcmp(netbird_text(resource, "network"), network) == 0)
            hl_value_list_add(c->arena, out, describe(c, resource, groups));
    }
    return netbird_shuffle(c->netbird, out);
}

void netbird_resources_all(struct netbird_call *c)
{
    if (netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        netbird_ok(c, list(c, NULL));
}

/* Of one network, none are null; it need not exist. */
void netbird_resources_list(struct netbird_call *c)
{
    struct hl_value *out = NULL;

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        return;
    out = list(c, c->parts[0]);
    netbird_ok(c, hl_value_count(out) == 0 ? hl_value_null(c->arena) : out);
}

void netbird_resource_get(struct netbird_call *c)
{
    const struct hl_value *resource = netbird_find(c->netbird, NETBIRD_RESOURCE, c->parts[1]);

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_READ))
        return;
    if (resource == NULL)
        netbird_fail(c, 404, "failed to get network resource: network resource: %s not found", c->parts[1]);
    else if (strcmp(netbird_text(resource, "network"), c->parts[0]) != 0)
        netbird_fail_internal(c);
    else
        netbird_ok(c, describe(c, resource, netbird_groups_of(c, c->parts[1])));
}

/* --- Changes --- */

/* A bare address gets its length, bits of the host stay, a domain stays as it was typed. */
static bool set_address(struct netbird_call *c, const char *text, struct hl_value *resource)
{
    struct netbird_prefix prefix;
    const char *reason = NULL;

    if (netbird_prefix_parse(text, true, &prefix)) {
        hl_value_map_put_text(resource, "type", prefix.bits == 32 || prefix.bits == 128 ? "host" : "subnet");
        hl_value_map_put_text(resource, "address", netbird_prefix_text(c->arena, &prefix));
        return true;
    }
    if (netbird_domain(c->arena, text, &reason) == NULL)
        return netbird_fail_internal(c);
    hl_value_map_put_text(resource, "type", "domain");
    hl_value_map_put_text(resource, "address", text);
    return true;
}

static const struct hl_value *find_by_name(const struct netbird *netbird, const char *name)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_RESOURCE].count; i++)
        if (strcmp(netbird_text(netbird_at(netbird, NETBIRD_RESOURCE, i), "name"), name) == 0)
            return netbird_at(netbird, NETBIRD_RESOURCE, i);
    return NULL;
}

/* `what`: in front of a message. */
static bool check_groups(struct netbird_call *c, const struct hl_value *ids, const char *what)
{
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;

        if (netbird_find(c->netbird, NETBIRD_GROUP, id) == NULL)
            return netbird_fail(c, 404, "%s: failed to add resource to group: error adding resource to group: group: %s not found", what, id);
    }
    return true;
}

static void leave_group(struct netbird *netbird, struct hl_value *group, const char *id)
{
    const struct hl_value *resources = hl_value_get(group, "resources");
    struct hl_value *rest = hl_value_list(netbird->arena);

    for (size_t i = 0; i < hl_value_count(resources); i++)
        if (strcmp(netbird_text(hl_value_item(resources, i), "id"), id) != 0)
            hl_value_list_add(netbird->arena, rest, hl_value_item(resources, i));
    hl_value_map_put(group, "resources", rest);
}

static bool has_resource(const struct hl_value *group, const char *id)
{
    const struct hl_value *resources = hl_value_get(group, "resources");

    for (size_t i = 0; i < hl_value_count(resources); i++)
        if (strcmp(netbird_text(hl_value_item(resources, i), "id"), id) == 0)
            return true;
    return false;
}

static void leave_groups(struct netbird *netbird, const char *id)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_GROUP].count; i++)
        if (has_resource(netbird_at(netbird, NETBIRD_GROUP, i), id))
            leave_group(netbird, netbird_at(netbird, NETBIRD_GROUP, i), id);
}

/* Groups hold their resources, not the other way round. */
static void join_groups(struct netbird_call *c, const struct hl_value *resource, const struct hl_value *ids)
{
    struct hl_value *member = hl_value_map(c->arena);
    struct hl_map joined;

    hl_map_init(&joined, c->arena);
    hl_value_map_put_text(member, "id", netbird_text(resource, "id"));
    hl_value_map_put_text(member, "type", netbird_text(resource, "type"));
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;

        if (!hl_map_has(&joined, id))
            netbird_add_to_group(c->netbird, id, "resources", member);
        hl_map_put(&joined, id, member);
    }
}

static void save(struct netbird_call *c, struct hl_value *resource, const struct hl_value *body)
{
    const char *id = netbird_text(resource, "id");

    hl_value_map_put_text(resource, "network", c->parts[0]);
    hl_value_map_put_text(resource, "name", netbird_text(body, "name"));
    hl_value_map_put_text(resource, "description", netbird_text(body, "description"));
    hl_value_map_put_bool(resource, "enabled", hl_value_get_bool(body, "enabled", false));
    resource = netbird_put(c->netbird, NETBIRD_RESOURCE, resource);
    leave_groups(c->netbird, id);
    join_groups(c, resource, hl_value_get(body, "groups"));
    netbird_ok(c, describe(c, resource, netbird_groups_of(c, id)));
}

void netbird_resource_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    const char *name = netbird_text(body, "name");
    struct hl_value *resource = hl_value_map(c->arena);

    if (body == NULL || !netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_CREATE) || !set_address(c, netbird_text(body, "address"), resource))
        return;
    if (find_by_name(c->netbird, name) != NULL) {
        netbird_fail(c, 422, "failed to create network resource: resource with name %s already exists", name);
        return;
    }
    if (netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]) == NULL) {
        netbird_fail(c, 404, "failed to create network resource: failed to get network: network: %s not found", c->parts[0]);
        return;
    }
    if (!check_groups(c, hl_value_get(body, "groups"), "failed to create network resource"))
        return;
    hl_value_map_put_text(resource, "id", netbird_new_id(c->netbird, c->arena));
    save(c, resource, body);
}

/* Another network that exists is fine: the resource moves there. */
void netbird_resource_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields), *namesake = find_by_name(c->netbird, netbird_text(body, "name"));
    const char *id = c->parts[1], *what = "failed to update network resource";
    struct hl_value *resource = hl_value_map(c->arena);

    if (body == NULL || !netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_UPDATE) || !set_address(c, netbird_text(body, "address"), resource))
        return;
    if (netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]) == NULL) {
        netbird_fail(c, 404, "%s: failed to get network: network: %s not found", what, c->parts[0]);
        return;
    }
    if (netbird_find(c->netbird, NETBIRD_RESOURCE, id) == NULL) {
        netbird_fail(c, 404, "%s: failed to get network resource: network resource: %s not found", what, id);
        return;
    }
    if (namesake != NULL && strcmp(netbird_text(namesake, "id"), id) != 0) {
        netbird_fail(c, 422, "%s: new resource name already exists", what);
        return;
    }
    if (!check_groups(c, hl_value_get(body, "groups"), "failed to update network resource: failed to update resource groups"))
        return;
    hl_value_map_put_text(resource, "id", id);
    save(c, resource, body);
}

void netbird_drop_resource(struct netbird *netbird, const char *id)
{
    leave_groups(netbird, id);
    netbird_remove(netbird, NETBIRD_RESOURCE, id);
}

void netbird_resource_delete(struct netbird_call *c)
{
    const char *id = c->parts[1], *what = "failed to delete network resource";
    const struct hl_value *resource = netbird_find(c->netbird, NETBIRD_RESOURCE, id);

    if (!netbird_allow(c, NETBIRD_M_NETWORKS, NETBIRD_DELETE))
        return;
    if (resource == NULL) {
        /* From 0.74 on it is looked for before it is to be deleted. */
        netbird_fail(c, 404, "%s: %sfailed to get network resource: network resource: %s not found", what,
                     netbird_since(c->netbird, 74, 0) ? "" : "failed to delete resource: ", id);
    } else if (netbird_find(c->netbird, NETBIRD_NETWORK, c->parts[0]) == NULL) {
        netbird_fail(c, 404, "%s: failed to delete resource: failed to get network: network: %s not found", what, c->parts[0]);
    } else if (strcmp(netbird_text(resource, "network"), c->parts[0]) != 0) {
        netbird_fail_internal(c);
    } else {
        netbird_drop_resource(c->netbird, id);
        netbird_done(c);
    }
}
