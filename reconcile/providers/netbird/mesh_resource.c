/* The kind `mesh_resource`: an address, a range of them or a domain in a network beyond the mesh. Policies say who may reach it. */
#include "config.h"

#include "reconcile/providers/netbird/address.h"
#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/mesh_part.h"
#include "reconcile/providers/netbird/parts.h"

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    HL_NETBIRD_NETWORK_FIELDS,
    {.name = "address",
     .type = HL_F_STRING,
     .required = true,
     .normalise = hl_netbird_normal_address,
     .check = hl_netbird_check_address,
     .doc = "an address, a range of them or a domain, which may begin with \"*.\"; letters beyond ASCII are kept as punycode",
     .example = "192.168.1.10"},
    {.name = "groups", HL_NETBIRD_GROUP_NAMES, .doc = "groups it is in, for policies to name", .example = "[lan-servers]"},
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether it can be reached at all"},
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    HL_NETBIRD_ID,
    {.name = "type", .type = HL_F_STRING, .computed = true, .doc = "host, subnet or domain"},
    {.name = NULL},
};

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_complete_network(check, body);
    hl_netbird_spell(check, body, "groups", "group");
}

static bool path(struct hl_session *session, struct hl_arena *arena, const struct hl_value *values, const char **out, struct hl_error **err)
{
    return hl_netbird_part_path(session, arena, values, "resources", out, err);
}

static bool read_resource(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                          struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id", "name", "enabled", "description", "type", NULL};
    struct hl_value *address = hl_value_get(object, "address");

    hl_netbird_take(arena, object, plain, values);
    if (hl_value_is(address, HL_TEXT))
        hl_value_map_put(values, "address", hl_netbird_normal_address(arena, hl_value_copy(arena, address)));
    return hl_netbird_take_network(session, arena, object, desired, values, err) &&
           hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "groups", object, desired, values, err);
}

static bool write_resource(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                           struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"name", "address", "enabled", "description", NULL};

    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    return hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", "groups", desired, object, body, err);
}

static bool is_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                        struct hl_error **err)
{
    (void)reason;
    (void)hint;
    return hl_netbird_possible_network(session, arena, desired, err);
}

static const struct hl_netbird_form form = {
    .verbs = HL_NETBIRD_VERBS,
    .list = HL_NETBIRD_NETWORK_RESOURCES,
    .what = "network resource",
    .path = path,
    .read = read_resource,
    .write = write_resource,
    .possible = is_possible,
};

const struct hl_kind hl_kind_mesh_resource = {
    .name = "mesh_resource",
    .section = "mesh_resources",
    .provider = "netbird",
    .doc = "an address, a range of them or a domain in a mesh_network, which policies open to peers",
    .example = "network: home\naddress: 192.168.1.10\ngroups: [lan-servers]\n",
    .fields = fields,
    .complete = complete_body,
    .verbs = &form.verbs,
};
