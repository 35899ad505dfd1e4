#include "config.h"

#include "reconcile/providers/netbird/mesh_part.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

/* ---- what is desired ---- */

/* The id of the spec's mesh_network of this name, unknown until it is there; NULL when the spec has none. Asking makes the dependency. */
static struct hl_value *id_in_spec(struct hl_check *check, const struct hl_value *name)
{
    struct hl_value *found = hl_check_ask(check, "mesh_network", name->text.data, "id", name->at);

    return hl_value_is_null(found) ? NULL : found;
}

void hl_netbird_complete_network(struct hl_check *check, struct hl_value *body)
{
    const struct hl_value *network = hl_value_get(body, "network");

    if (!hl_value_is(network, HL_TEXT))
        return;
    const struct hl_value *id = id_in_spec(check, network);
    struct hl_value *copy = hl_value_copy(check->arena, id != NULL ? id : network);
    copy->at = network->at;
    hl_value_map_put(body, "network_id", copy);
    hl_netbird_spell(check, body, "network", "mesh_network");
}

/* ---- live ---- */

/* What tells the network best: a text that is its id or its name; NULL when nothing does. */
static const char *said_network(const struct hl_value *values)
{
    const char *id = hl_value_get_text(values, "network_id");

    if (hl_is_blank(id))
        id = hl_value_get_text(values, "network");
    return hl_is_blank(id) ? NULL : id;
}

bool hl_netbird_part_path(struct hl_session *session, struct hl_arena *arena, const struct hl_value *values, const char *part, const char **path,
                          struct hl_error **err)
{
    const char *said = said_network(values);
    const char *id = NULL;

    if (said == NULL)
        return hl_fail(err, HL_E_FAILED, "it is not known which network this is in");
    if (!hl_netbird_id(session, HL_NETBIRD_NETWORKS, "network", said, arena, &id, err))
        return false;
    *path = hl_arena_printf(arena, "%s/%s", hl_netbird_path(arena, hl_netbird_list_path(HL_NETBIRD_NETWORKS), id), part);
    return true;
}

bool hl_netbird_same_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const char *told = hl_value_get_text(object, "network_id");
    const char *said = said_network(desired);
    const char *id = NULL;

    return said != NULL && told != NULL && hl_netbird_id(session, HL_NETBIRD_NETWORKS, "network", said, arena, &id, &ignored) && strcmp(id, told) == 0;
}

/* Of a network that the spec does not have, both fields say the same. */
static bool is_from_outside(const struct hl_value *desired)
{
    const struct hl_value *id = hl_value_get(desired, "network_id");

    return hl_value_is(id, HL_TEXT) && hl_value_equal(id, hl_value_get(desired, "network"));
}

bool hl_netbird_possible_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, struct hl_error **err)
{
    const char *id = NULL;

    return !is_from_outside(desired) || hl_netbird_id(session, HL_NETBIRD_NETWORKS, "network", said_network(desired), arena, &id, err);
}

bool hl_netbird_take_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                             struct hl_value *values, struct hl_error **err)
{
    const char *told = hl_value_get_text(object, "network_id");
    const char *name = NULL;

    if (hl_is_blank(told))
        return true;
    const bool as_said = hl_netbird_same_network(session, arena, desired, object);
    if (as_said)
        name = hl_value_get_text(desired, "network");
    else if (!hl_netbird_name(session, HL_NETBIRD_NETWORKS, told, arena, &name, err))
        return false;
    hl_value_map_put_text(values, "network", name);
    hl_value_map_put_text(values, "network_id", as_said && is_from_outside(desired) ? name : told);
    return true;
}
