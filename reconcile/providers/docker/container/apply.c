/* Creating, changing in place, removing. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/spec.h"

#include <string.h>

/* --- Starting --- */

/* Who holds a port that the engine says is allocated; NULL when no container does (then it is a process of the host). */
static const char *port_holder(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *desired, const char *own_id)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const struct hl_value *ports = hl_value_get(desired, "ports");
    struct hl_value *list = NULL;

    if (!hl_container_list(docker, arena, "", &list, &ignored))
        return NULL;
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *row = hl_value_item(list, i);
        const struct hl_value *held = hl_value_get(row, "Ports");
        const struct hl_value *name = hl_value_item(hl_value_get(row, "Names"), 0);
        for (size_t j = 0; j < hl_value_count(held) && strcmp(hl_container_id(row), own_id) != 0; j++) {
            const int64_t port = hl_value_get_int(hl_value_item(held, j), "PublicPort", 0);
            for (size_t k = 0; k < hl_value_count(ports) && port != 0; k++) {
                const char *published = hl_value_get_text(hl_value_item(ports, k), "published");
                int64_t wanted = 0;
                if (published != NULL && hl_parse_int(published, 1, 65535, &wanted) && wanted == port && hl_value_is(name, HL_TEXT))
                    return hl_arena_printf(arena, "container '%s' publishes port %lld", name->text.data + (name->text.data[0] == '/'), (long long)port);
            }
        }
    }
    return NULL;
}

bool hl_container_launch(struct hl_op *op, const char *id, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);

    hl_op_progress(op, "starting");
    if (hl_container_start(docker, id, err))
        return true;
    hl_auto(heap) char *text = hl_error_text(*err);
    if (strstr(text, "already allocated") != NULL || strstr(text, "address already in use") != NULL) {
        const char *holder = port_holder(docker, op->arena, op->desired, id);
        hl_error_hint(err, "%s", holder != NULL ? holder : "a process of the host listens on that port: see `ss -lntup`");
    }
    return false;
}

/* --- Create --- */

bool hl_container_create(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    const struct hl_making making = {.name = hl_container_wanted_name(op->desired, op->name)};
    const struct hl_value *inspection = NULL;
    const char *id = NULL;

    if (!hl_container_make(op, &making, &id, err))
        return false;
    if (!hl_container_launch(op, id, err) || !hl_container_wait(op, id, HL_WAIT_FIT, docker->settle_ms, &inspection, err)) {
        hl_container_discard(op, id);
        return false;
    }
    return hl_container_set_result_by(op, inspection, err);
}

/* --- Update --- */

/* One change in place. */
struct updating {
    struct hl_op *op;
    struct hl_docker *docker;
    const char *id;
    const struct hl_value *inspection; /* before */
};

static bool rename_it(struct updating *updating, struct hl_error **err)
{
    const char *name = hl_container_wanted_name(updating->op->desired, updating->op->name);
    const char *now = hl_container_name(updating->inspection);

    if (hl_op_changed(updating->op, "container_name") == NULL || (now != NULL && strcmp(now, name) == 0))
        return true;
    return hl_container_rename(updating->docker, updating->id, name, err);
}

/* The engine takes 0 for "leave as it is", and refuses memory above the old swap limit: the two always go together. */
static void put_memory(struct hl_value *body, const struct hl_op *op)
{
    const int64_t memory = hl_value_get_int(op->desired, "mem_limit", 0);
    const int64_t swap = hl_container_swap(hl_value_get(op->desired, "memswap_limit"));

    if (memory <= 0)
        return;
    hl_value_map_put_int(body, "Memory", memory);
    hl_value_map_put_int(body, "MemorySwap", swap != 0 ? swap : 2 * memory);
}

static struct hl_value *limits_body(const struct hl_op *op)
{
    struct hl_value *body = hl_value_map(op->arena);

    if (hl_op_changed(op, "restart") != NULL)
        hl_value_map_put(body, "RestartPolicy", hl_container_restart(op->arena, hl_value_get_text(op->desired, "restart")));
    if (hl_op_changed(op, "mem_limit") != NULL || hl_op_changed(op, "memswap_limit") != NULL)
        put_memory(body, op);
    if (hl_op_changed(op, "mem_reservation") != NULL)
        hl_value_map_put_int(body, "MemoryReservation", hl_value_get_int(op->desired, "mem_reservation", 0));
    if (hl_op_changed(op, "cpus") != NULL)
        hl_value_map_put_int(body, "NanoCpus", hl_container_nano_cpus(hl_value_get(op->desired, "cpus")));
    if (hl_op_changed(op, "cpu_shares") != NULL)
        hl_value_map_put_int(body, "CpuShares", hl_value_get_int(op->desired, "cpu_shares", 0));
    if (hl_op_changed(op, "cpuset") != NULL)
        hl_value_map_put_text(body, "CpusetCpus", hl_value_get_text(op->desired, "cpuset"));
    if (hl_op_changed(op, "pids_limit") != NULL)
        hl_value_map_put_int(body, "PidsLimit", hl_value_get_int(op->desired, "pids_limit", -1));
    return body;
}

static bool change_limits(struct updating *updating, struct hl_error **err)
{
    struct hl_value *body = limits_body(updating->op);

    if (hl_value_count(body) == 0)
        return true;
    return hl_docker_post(updating->docker, updating->op->arena, hl_container_path(updating->op->arena, updating->id, "/update"), body, 0, NULL, err) ||
           hl_wrap(err, "changing limits");
}

static bool is_attached(const struct updating *updating, const char *network)
{
    return hl_value_get(hl_value_get(hl_value_get(updating->inspection, "NetworkSettings"), "Networks"), network) != NULL;
}

static bool changes_network(const struct updating *updating, const char *network)
{
    return hl_op_changed(updating->op, hl_arena_printf(updating->op->arena, "networks.%s", network)) != NULL;
}

/* An endpoint cannot be changed: it is taken away and made anew. Also the way to mend one whose network was deleted and made again. */
static bool attach(struct updating *updating, const struct hl_map *now, const char *network, struct hl_error **err)
{
    const char *id = hl_map_find(now, network);

    if (hl_is_blank(id))
        return hl_fail(err, HL_E_NOT_FOUND, id == NULL ? "network '%s' does not exist" : "Docker has two networks with the name '%s'", network);
    if (is_attached(updating, network) && !hl_container_disconnect(updating->docker, updating->id, network, err))
        return false;
    return hl_container_connect(updating->docker, updating->id, id,
                                hl_container_endpoint(updating->op->arena, updating->op->desired, network, updating->op->name), err) ||
           hl_wrap(err, "network '%s'", network);
}

/* Out of the last network of the spec means back in Docker's own bridge, and the other way round. */
static bool change_bridge(struct updating *updating, const struct hl_map *now, struct hl_error **err)
{
    const struct hl_value *desired = hl_value_get(updating->op->desired, "networks");
    const struct hl_value *recorded = hl_value_get(updating->op->recorded, "networks");
    const bool has_mode = hl_value_get(updating->op->desired, "network_mode") != NULL;

    if (hl_value_count(desired) == 0 && hl_value_count(recorded) > 0 && !has_mode && !is_attached(updating, "bridge"))
        return attach(updating, now, "bridge", err);
    if (hl_value_count(desired) > 0 && hl_value_count(recorded) == 0 && updating->op->recorded != NULL && hl_value_get(desired, "bridge") == NULL &&
        is_attached(updating, "bridge"))
        return hl_container_disconnect(updating->docker, updating->id, "bridge", err);
    return true;
}

static bool change_networks(struct updating *updating, struct hl_error **err)
{
    const struct hl_value *desired = hl_value_get(updating->op->desired, "networks");
    const struct hl_value *recorded = hl_value_get(updating->op->recorded, "networks");
    struct hl_map *now = NULL;

    if (hl_op_changed(updating->op, "networks") == NULL)
        return true;
    if (!hl_container_networks_now(updating->docker, updating->op->arena, &now, err))
        return false;
    for (size_t i = 0; i < hl_value_members(desired); i++) {
        const char *network = hl_value_key(desired, i);
        if (changes_network(updating, network) && !attach(updating, now, network, err))
            return false;
    }
    for (size_t i = 0; i < hl_value_members(recorded); i++) {
        const char *network = hl_value_key(recorded, i);
        if (hl_value_get(desired, network) == NULL && changes_network(updating, network) && is_attached(updating, network) &&
            !hl_container_disconnect(updating->docker, updating->id, network, err))
            return false;
    }
    return change_bridge(updating, now, err);
}

static bool bring_up(struct updating *updating, struct hl_error **err)
{
    const char *status = hl_value_get_text(hl_value_get(updating->inspection, "State"), "Status");

    if (hl_op_changed(updating->op, "state") == NULL || status == NULL)
        return true;
    if (strcmp(status, "paused") == 0) {
        if (!hl_container_unpause(updating->docker, updating->id, err))
            return false;
    } else if (strcmp(status, "running") != 0 && strcmp(status, "restarting") != 0) {
        if (!hl_container_launch(updating->op, updating->id, err))
            return false;
    }
    return hl_container_wait(updating->op, updating->id, HL_WAIT_FIT, updating->docker->settle_ms, NULL, err);
}

bool hl_container_update(struct hl_op *op, struct hl_error **err)
{
    struct updating updating = {.op = op, .docker = hl_docker_of(op->session)};
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(updating.docker, op->arena, op->id, &inspection, err))
        return false;
    if (inspection == NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "the container is gone since the plan was made");
    updating.inspection = inspection;
    updating.id = hl_container_id(inspection);
    if (!rename_it(&updating, err) || !change_limits(&updating, err) || !change_networks(&updating, err) || !bring_up(&updating, err))
        return false;
    return hl_container_set_result(op, updating.id, err);
}

/* --- Remove --- */

/* Nameless volumes stay: they may be the only place of somebody's data. */
bool hl_container_remove(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(docker, op->arena, op->id, &inspection, err))
        return false;
    if (inspection == NULL)
        return true;
    hl_op_progress(op, "stopping");
    if (hl_value_get_bool(hl_value_get(inspection, "State"), "Running", false) && !hl_container_stop(docker, inspection, err))
        return false;
    return hl_container_delete(docker, hl_container_id(inspection), true, false, err);
}
