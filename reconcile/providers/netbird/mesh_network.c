/* The kind `mesh_network`: a network beyond the mesh. What is in it are kinds of their own, mesh_resource and mesh_router, so that each has its own address and
 * its own drift. NetBird deletes both with the network. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/parts.h"

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static bool read_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                         struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id", "name", "description", NULL};

    (void)session;
    (void)desired;
    (void)err;
    hl_netbird_take(arena, object, plain, values);
    return true;
}

static bool write_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                          struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"name", "description", NULL};

    (void)session;
    (void)err;
    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    return true;
}

static const struct hl_netbird_form form = {
    .verbs = HL_NETBIRD_VERBS,
    .list = HL_NETBIRD_NETWORKS,
    .what = "network",
    .collection = "/api/networks",
    .read = read_network,
    .write = write_network,
};

const struct hl_kind hl_kind_mesh_network = {
    .name = "mesh_network",
    .section = "mesh_networks",
    .provider = "netbird",
    .doc = "a network beyond the mesh, with resources in it (mesh_resource) and peers that lead there (mesh_router)",
    .example = "name: Home LAN\ndescription: what stands in the cellar\n",
    .fields = fields,
    .complete = hl_netbird_complete,
    .verbs = &form.verbs,
};
