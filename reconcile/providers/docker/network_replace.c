/* A network made anew: its containers are taken out, it is deleted and created, they are put back with their aliases and addresses.
 *
 * Two networks cannot share a name or addresses, so there is a gap; the containers run through it. The checkpoint keeps who was in it, and how, so that a
 * run that died is mended by recovery. When the new one cannot be made, the old one is made again as it was. */
#include "config.h"

#include "reconcile/providers/docker/network.h"

#include "reconcile/providers/docker/container/container.h"
#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/mark.h"

#include <string.h>

enum { SHORT_ID = 12 };

/* What is to be given back to a container: its settings without what the engine adds. */
static struct hl_value *endpoint_settings(struct hl_arena *arena, const struct hl_value *endpoint, const char *container_id)
{
    const struct hl_value *aliases = hl_value_get(endpoint, "Aliases");
    struct hl_value *settings = hl_value_map(arena);
    struct hl_value *kept = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(aliases); i++) {
        const struct hl_value *alias = hl_value_item(aliases, i);
        if (hl_value_is(alias, HL_TEXT) && !(alias->text.length == SHORT_ID && strncmp(alias->text.data, container_id, SHORT_ID) == 0))
            hl_value_list_add(arena, kept, hl_value_copy(arena, alias));
    }
    if (hl_value_count(kept) > 0)
        hl_value_map_put(settings, "Aliases", kept);
    if (hl_value_count(hl_value_get(endpoint, "IPAMConfig")) > 0)
        hl_value_map_put(settings, "IPAMConfig", hl_value_copy(arena, hl_value_get(endpoint, "IPAMConfig")));
    if (hl_value_count(hl_value_get(endpoint, "DriverOpts")) > 0)
        hl_value_map_put(settings, "DriverOpts", hl_value_copy(arena, hl_value_get(endpoint, "DriverOpts")));
    return settings;
}

/* A list of {id, name, endpoint}. */
static bool find_attached(struct hl_docker *docker, struct hl_arena *arena, const char *id, const char *name, struct hl_value **out, struct hl_error **err)
{
    struct hl_value *users = NULL;

    *out = hl_value_list(arena);
    if (!hl_network_users(docker, arena, id, &users, err))
        return false;
    for (size_t i = 0; i < hl_value_count(users); i++) {
        const char *user = hl_container_id(hl_value_item(users, i));
        struct hl_value *inspection = NULL;
        struct hl_value *entry = hl_value_map(arena);
        if (!hl_container_inspect(docker, arena, user, &inspection, err))
            return false;
        const struct hl_value *endpoint = hl_value_get(hl_value_get(hl_value_get(inspection, "NetworkSettings"), "Networks"), name);
        if (endpoint == NULL)
            continue;
        hl_value_map_put_text(entry, "id", user);
        hl_value_map_put_text(entry, "name", hl_container_name(inspection));
        hl_value_map_put(entry, "endpoint", endpoint_settings(arena, endpoint, user));
        hl_value_list_add(arena, *out, entry);
    }
    return true;
}

static bool detach_all(struct hl_docker *docker, const struct hl_value *attached, const char *network, struct hl_error **err)
{
    for (size_t i = 0; i < hl_value_count(attached); i++) {
        if (!hl_container_disconnect(docker, hl_value_get_text(hl_value_item(attached, i), "id"), network, err))
            return false;
    }
    return true;
}

/* Puts back who is not in it; an address that the new network does not have is left out. What cannot be put back is told, not failed: the network is there. */
static const char *attach_all(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *attached, const char *network_id, const char *name)
{
    hl_auto(text) struct hl_text failed = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < hl_value_count(attached); i++) {
        const struct hl_value *entry = hl_value_item(attached, i);
        const char *id = hl_value_get_text(entry, "id");
        struct hl_value *endpoint = hl_value_copy(arena, hl_value_get(entry, "endpoint"));
        hl_auto(error) struct hl_error *first = NULL;
        hl_auto(error) struct hl_error *second = NULL;
        struct hl_value *inspection = NULL;
        if (id == NULL || !hl_container_inspect(docker, arena, id, &inspection, &first) || inspection == NULL)
            continue;
        if (hl_value_get(hl_value_get(hl_value_get(inspection, "NetworkSettings"), "Networks"), name) != NULL)
            continue;
        if (hl_container_connect(docker, id, network_id, endpoint, &first))
            continue;
        hl_map_remove(endpoint->map, "IPAMConfig");
        if (!hl_container_connect(docker, id, network_id, endpoint, &second))
            hl_text_printf(&failed, "%s%s", failed.length > 0 ? ", " : "", hl_value_get_text(entry, "name"));
    }
    return failed.length > 0 ? hl_arena_printf(arena, "could not be put back into the network: %s", hl_text_get(&failed)) : NULL;
}

/* The old network as it was, marks included, for the way back. */
static struct hl_value *body_of(struct hl_arena *arena, const struct hl_value *told)
{
    static const char *const keys[] = {"Name", "Driver", "Internal", "Attachable", "EnableIPv6", "IPAM", "Options", "Labels"};
    struct hl_value *body = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(keys); i++) {
        const struct hl_value *value = hl_value_get(told, keys[i]);
        if (!hl_value_is_null(value))
            hl_value_map_put(body, keys[i], hl_value_copy(arena, value));
    }
    hl_value_map_put_bool(body, "CheckDuplicate", true);
    return body;
}

static bool go_back(struct hl_op *op, const struct hl_value *old_body, const struct hl_value *attached, struct hl_error **err)
{
    hl_auto(error) struct hl_error *trouble = NULL;
    const char *id = NULL;

    if (hl_run_cancelled(op->session->run))
        return false;
    if (!hl_network_make(op, old_body, &id, &trouble)) {
        hl_auto(heap) char *text = hl_error_text(trouble);
        op->note = hl_arena_printf(op->arena, "could not roll back: %s", text);
        return false;
    }
    op->note = attach_all(hl_docker_of(op->session), op->arena, attached, id, hl_value_get_text(old_body, "Name"));
    op->result_id = id;
    if (op->note == NULL)
        op->note = "rolled back: the former network was made again";
    return hl_wrap(err, "the new network could not be made, the former one is back");
}

bool hl_network_replace(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    struct hl_value *told = NULL;
    struct hl_value *attached = NULL;
    struct hl_value *memory = hl_value_map(op->arena);
    const char *id = NULL;

    if (!hl_network_inspect(docker, op->arena, op->id, &told, err))
        return false;
    const char *name = hl_value_get_text(told, "Name");
    if (!find_attached(docker, op->arena, op->id, name, &attached, err))
        return false;
    struct hl_value *old_body = body_of(op->arena, told);
    hl_value_map_put(memory, "attached", attached);
    hl_value_map_put(memory, "body", old_body);
    if (!hl_op_checkpoint(op, memory, err))
        return false;
    if (!detach_all(docker, attached, op->id, err) || !hl_network_delete(docker, op->id, err)) {
        op->note = attach_all(docker, op->arena, attached, op->id, name);
        return hl_wrap(err, "removing the former network '%s'", name);
    }
    if (!hl_network_make(op, hl_network_body(op), &id, err))
        return go_back(op, old_body, attached, err);
    op->note = attach_all(docker, op->arena, attached, id, hl_network_name(op->desired, op->name));
    return hl_network_set_result(op, id, err);
}

/* --- Recovery --- */

static bool find_by_operation(struct hl_recovery *recovery, struct hl_value **out, struct hl_error **err)
{
    const char *filter = hl_mark_filter(recovery->arena, '?', HL_MARK_OPERATION, recovery->operation);
    struct hl_value *list = NULL;

    if (!hl_network_list(hl_docker_of(recovery->session), recovery->arena, filter, &list, err))
        return false;
    *out = hl_value_item(list, 0);
    return true;
}

static bool find_old(struct hl_recovery *recovery, struct hl_value **out, struct hl_error **err)
{
    *out = NULL;
    if (hl_is_blank(recovery->id))
        return true;
    return hl_network_find(hl_docker_of(recovery->session), recovery->arena, recovery->id, out, err);
}

static void take_made(struct hl_recovery *recovery, const struct hl_value *made, const char *note)
{
    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = hl_value_get_text(made, "Id");
    recovery->result = hl_network_live(recovery->arena, made);
    recovery->note = attach_all(hl_docker_of(recovery->session), recovery->arena, hl_value_get(recovery->checkpoint, "attached"), recovery->result_id,
                                hl_value_get_text(made, "Name"));
    if (recovery->note == NULL)
        recovery->note = note;
}

/* Died in the gap: the old one is made again as it was, since containers of others may have been in it; the next plan replaces it anew. */
static bool make_old_again(struct hl_recovery *recovery, const struct hl_value *body, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(recovery->session);
    struct hl_arena *arena = recovery->arena;
    const char *name = hl_value_get_text(body, "Name");
    struct hl_value *answer = NULL;
    struct hl_value *made = NULL;
    struct hl_map *now = NULL;

    /* The way back of the run that died may have made it already. */
    if (!hl_container_networks_now(docker, arena, &now, err))
        return false;
    const char *id = hl_map_find(now, name);
    if (id == NULL && !hl_docker_post(docker, arena, "/networks/create", body, 0, &answer, err))
        return hl_wrap(err, "making network '%s' again", name);
    if (id == NULL)
        id = hl_value_get_text(answer, "Id");
    if (hl_is_blank(id))
        return hl_fail(err, HL_E_FAILED, "the engine tells no id, or several, for the network '%s' that was made again", name);
    if (!hl_network_inspect(docker, arena, id, &made, err))
        return false;
    take_made(recovery, made, "the former network was made again");
    recovery->result_desired = recovery->recorded != NULL ? recovery->recorded->desired : NULL;
    return true;
}

bool hl_network_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_value *body = hl_value_get(recovery->checkpoint, "body");
    struct hl_value *made = NULL;
    struct hl_value *old = NULL;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (!find_by_operation(recovery, &made, err) || !find_old(recovery, &old, err))
        return false;
    if (made != NULL) {
        take_made(recovery, made, NULL);
    } else if (old != NULL) {
        recovery->note = attach_all(hl_docker_of(recovery->session), recovery->arena, hl_value_get(recovery->checkpoint, "attached"),
                                    hl_value_get_text(old, "Id"), hl_value_get_text(old, "Name"));
    } else if (body != NULL && recovery->recorded != NULL) {
        return make_old_again(recovery, body, err);
    } else if (!hl_is_blank(recovery->id)) {
        recovery->outcome = HL_RECOVERED_GONE;
    }
    return true;
}
