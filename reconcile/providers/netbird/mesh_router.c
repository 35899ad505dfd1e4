/* The kind `mesh_router`: the peer, or the groups of peers, that lead into a network beyond the mesh. It has no name: its network and its peers tell it. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/mesh_part.h"
#include "reconcile/providers/netbird/parts.h"
#include "reconcile/providers/netbird/peer.h"

static const struct hl_field fields[] = {
    HL_NETBIRD_NETWORK_FIELDS,
    {.name = "peer",
     .type = HL_F_STRING,
     .doc = "the peer that forwards, by name or id; while it has not joined, the router is deferred; either this or `peer_groups`",
     .example = "k8s-routing-peer"},
    HL_NETBIRD_PEER_GROUPS,
    {.name = "metric", .type = HL_F_INT, .minimum = 1, .maximum = 9999, .fallback = "9999", .doc = "of a network's routers the lowest is used"},
    HL_NETBIRD_MASQUERADE,
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether it is used at all"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    hl_netbird_check_via(check, body, "mesh_router");
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete_network(check, body);
    hl_netbird_spell(check, body, "peer_groups", "group");
}

static bool path(struct hl_session *session, struct hl_arena *arena, const struct hl_value *values, const char **out, struct hl_error **err)
{
    return hl_netbird_part_path(session, arena, values, "routers", out, err);
}

static bool read_router(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                        struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id", "metric", "masquerade", "enabled", NULL};

    hl_netbird_take(arena, object, plain, values);
    return hl_netbird_take_network(session, arena, object, desired, values, err) && hl_netbird_take_via(session, arena, object, desired, values, err);
}

static bool write_router(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                         struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"metric", "masquerade", "enabled", NULL};

    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    return hl_netbird_put_via(session, arena, desired, object, body, err);
}

static bool is_same(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    return hl_netbird_same_network(session, arena, desired, object) && hl_netbird_same_via(session, arena, desired, object);
}

static bool is_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                        struct hl_error **err)
{
    return hl_netbird_possible_network(session, arena, desired, err) && hl_netbird_possible_via(session, arena, desired, reason, hint, err);
}

/* The server makes a second router of the same peers without a word, and before its network was there nobody could tell that it would be one. */
static bool check_free(struct hl_op *op, struct hl_error **err)
{
    const struct hl_value **routers = NULL;
    size_t count = 0;

    if (op->action != HL_ACTION_CREATE)
        return true;
    if (!hl_netbird_all(op->session, HL_NETBIRD_NETWORK_ROUTERS, op->arena, &routers, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_same(op->session, op->arena, op->desired, routers[i]))
            continue;
        op->undone = true;
        hl_fail(err, HL_E_CONFLICT, "there is a router of this network through the same peers already: %s", hl_value_get_text(routers[i], "id"));
        return hl_error_hint(err, "to take it over write `adopt: %s` in its block; else remove it in NetBird", hl_value_get_text(routers[i], "id"));
    }
    return true;
}

static bool switch_off(struct hl_op *op, struct hl_error **err)
{
    const struct hl_change change = {.path = "enabled", .desired = hl_value_get(op->desired, "enabled"), .origin = HL_ORIGIN_SPEC};
    const struct hl_change *changes = op->changes;
    const size_t count = op->changes_count;

    op->id = op->result_id;
    op->changes = &change;
    op->changes_count = 1;
    const bool done = hl_netbird_update(op, err);
    op->changes = changes;
    op->changes_count = count;
    return done || hl_wrap(err, "switching the new router off");
}

/* The server makes every router enabled, whatever it is sent (netbird.md 7). Killed in between, the next plan finds it enabled and switches it off. */
static bool create_router(struct hl_op *op, struct hl_error **err)
{
    return check_free(op, err) && hl_netbird_create(op, err) && (hl_value_get_bool(op->desired, "enabled", true) || switch_off(op, err));
}

static const struct hl_netbird_form form = {
    .verbs = {.refresh = hl_netbird_refresh,
              .create = create_router,
              .update = hl_netbird_update,
              .remove = hl_netbird_remove,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_NETWORK_ROUTERS,
    .what = "network router",
    .path = path,
    .name_member = "",
    .read = read_router,
    .write = write_router,
    .same = is_same,
    .possible = is_possible,
};

const struct hl_kind hl_kind_mesh_router = {
    .name = "mesh_router",
    .section = "mesh_routers",
    .provider = "netbird",
    .doc = "the peer, or the groups of peers, that lead into a mesh_network",
    .example = "network: home\npeer_groups: [routers]\nmetric: 100\n",
    .fields = fields,
    .check = check_body,
    .complete = complete_body,
    .verbs = &form.verbs,
};
