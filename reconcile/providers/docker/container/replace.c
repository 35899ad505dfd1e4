/* Another container in the place of one.
 *
 *     1  make N.hlrec-new (pulling first: errors up to here change nothing)
 *     2  checkpoint: what the old one was like
 *     3  old: restart policy "no", so that a reboot does not start both
 *     4  stop the old one           | where both may run side by side: start the new one, wait until it is fit, stop the old one
 *     5  old -> N.hlrec-old, new -> N
 *     6  start the new one          |
 *     7  wait until it is fit       |
 *     8  remove the old one
 *
 * A failure from 3 on goes the whole way back: the old one runs again under its name. When the run is left at once, nothing more is done here: recover.c
 * finds the way from what is there. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/replaced.h"
#include "reconcile/providers/docker/mark.h"

#include <stdio.h>
#include <string.h>

enum { REMOVE_TRIES = 3, REMOVE_PAUSE_MS = 300 };

/* One replacement under way. */
struct replacement {
    struct hl_op *op;
    struct hl_docker *docker;
    struct hl_replaced old;
    const struct hl_value *inspection; /* of the old one, before */
    const char *name;                  /* wanted */
    const char *new_id;
    bool side_by_side;
};

/* --- May both run at once? --- */

static bool publishes(const struct hl_value *desired)
{
    const struct hl_value *ports = hl_value_get(desired, "ports");

    for (size_t i = 0; i < hl_value_count(ports); i++) {
        if (!hl_is_blank(hl_value_get_text(hl_value_item(ports, i), "published")))
            return true;
    }
    return false;
}

static bool has_address(const struct hl_value *desired)
{
    const struct hl_value *networks = hl_value_get(desired, "networks");

    for (size_t i = 0; i < hl_value_count(networks); i++) {
        const struct hl_value *network = hl_value_at(networks, i);
        if (hl_value_get(network, "ipv4_address") != NULL || hl_value_get(network, "ipv6_address") != NULL)
            return true;
    }
    return false;
}

static bool writes(const struct hl_value *desired)
{
    const struct hl_value *volumes = hl_value_get(desired, "volumes");

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const struct hl_value *volume = hl_value_item(volumes, i);
        const char *type = hl_value_get_text(volume, "type");
        if (type != NULL && strcmp(type, "tmpfs") != 0 && !hl_value_get_bool(volume, "read_only", false))
            return true;
    }
    return false;
}

/* Not where they would fight for a port, an address, a device, the host's network, or files that one writer at a time expects. */
static bool may_overlap(const struct hl_op *op, const struct hl_value *inherited)
{
    const struct hl_value *desired = op->desired;

    return op->order == HL_REPLACE_CREATE_FIRST && !publishes(desired) && !has_address(desired) && !writes(desired) && hl_value_count(inherited) == 0 &&
           hl_value_count(hl_value_get(desired, "devices")) == 0 && hl_value_get(desired, "network_mode") == NULL && hl_value_get(desired, "pid") == NULL;
}

/* Volumes without a name hold data that the next container goes on with, as compose does it. */
static struct hl_value *inherited_volumes(struct hl_arena *arena, const struct hl_value *inspection)
{
    const struct hl_value *mounts = hl_value_get(inspection, "Mounts");
    struct hl_value *inherited = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_count(mounts); i++) {
        const struct hl_value *mount = hl_value_item(mounts, i);
        const char *type = hl_value_get_text(mount, "Type");
        const char *name = hl_value_get_text(mount, "Name");
        const char *target = hl_value_get_text(mount, "Destination");
        if (type != NULL && strcmp(type, "volume") == 0 && target != NULL && hl_docker_is_id(name))
            hl_value_map_put_text(inherited, target, name);
    }
    return inherited;
}

/* What the spec mounts or lays over a path is not inherited. */
static void drop_covered(struct hl_value *inherited, const struct hl_value *desired)
{
    const struct hl_value *volumes = hl_value_get(desired, "volumes");
    const struct hl_value *tmpfs = hl_value_get(desired, "tmpfs");

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const struct hl_value *volume = hl_value_item(volumes, i);
        const char *target = hl_value_get_text(volume, "target");
        if (target != NULL && hl_value_get(volume, "source") != NULL)
            hl_map_remove(inherited->map, target);
    }
    for (size_t i = 0; i < hl_value_count(tmpfs); i++) {
        const struct hl_value *item = hl_value_item(tmpfs, i);
        char path[4096];
        if (!hl_value_is(item, HL_TEXT))
            continue;
        snprintf(path, sizeof path, "%.*s", (int)strcspn(item->text.data, ":"), item->text.data);
        hl_map_remove(inherited->map, path);
    }
}

/* --- The way forth --- */

static bool stop_old(struct replacement *replacement, struct hl_error **err)
{
    hl_op_progress(replacement->op, "stopping the former container");
    return !replacement->old.running || hl_container_stop(replacement->docker, replacement->inspection, err);
}

/* What an earlier replacement could not remove would be in the way for ever. It is ours by its mark, or, adopted, by its name; one that runs is nobody's
 * leftover. */
static bool clear_aside(struct replacement *replacement, const char *aside, struct hl_error **err)
{
    struct hl_op *op = replacement->op;
    struct hl_value *leftover = NULL;
    const char *owner = NULL;

    if (!hl_container_inspect_name(replacement->docker, op->arena, aside, &leftover, err))
        return false;
    if (leftover == NULL || strcmp(hl_container_id(leftover), replacement->old.id) == 0)
        return true;
    const struct hl_value *labels = hl_value_get(hl_value_get(leftover, "Config"), "Labels");
    const bool unmarked = hl_mark_owner(op->arena, labels, op->session->run, &owner) == HL_OWNER_NONE;
    if (hl_value_get_bool(hl_value_get(leftover, "State"), "Running", false) || !(unmarked || hl_mark_is_of(labels, op->session->run, op->address)))
        return hl_fail(err, HL_E_CONFLICT, "container '%s' is in the way: remove or rename it", aside);
    return hl_container_delete(replacement->docker, hl_container_id(leftover), false, false, err);
}

static bool swap_names(struct replacement *replacement, struct hl_error **err)
{
    const char *aside = hl_arena_printf(replacement->op->arena, "%s%s", replacement->name, HL_SUFFIX_OLD);

    return clear_aside(replacement, aside, err) && hl_container_rename(replacement->docker, replacement->old.id, aside, err) &&
           hl_container_rename(replacement->docker, replacement->new_id, replacement->name, err);
}

static bool start_new(struct replacement *replacement, struct hl_error **err)
{
    hl_op_progress(replacement->op, "starting the new container");
    return hl_container_launch(replacement->op, replacement->new_id, err) &&
           hl_container_wait(replacement->op, replacement->new_id, HL_WAIT_FIT, replacement->docker->settle_replaced_ms, NULL, err);
}

static bool go_forth(struct replacement *replacement, struct hl_error **err)
{
    if (!hl_container_set_restart(replacement->docker, replacement->old.id, "no", err))
        return false;
    if (replacement->side_by_side)
        return start_new(replacement, err) && stop_old(replacement, err) && swap_names(replacement, err);
    return stop_old(replacement, err) && swap_names(replacement, err) && start_new(replacement, err);
}

static bool keep_in_mind(struct replacement *replacement, struct hl_error **err)
{
    struct hl_value *value = hl_replaced_to_value(replacement->op->arena, &replacement->old);

    hl_value_map_put_text(value, "new", replacement->new_id);
    return hl_op_checkpoint(replacement->op, value, err);
}

/* --- The way back --- */

static bool go_back(struct replacement *replacement, struct hl_error **err)
{
    struct hl_op *op = replacement->op;
    hl_auto(error) struct hl_error *trouble = NULL;

    if (hl_run_cancelled(op->session->run))
        return false;
    hl_op_progress(op, "rolling back");
    hl_container_discard(op, replacement->new_id);
    if (hl_replaced_restore(replacement->docker, &replacement->old, &trouble)) {
        if (op->note == NULL) /* else something was left behind */
            op->note = replacement->old.running ? "rolled back: the former container runs again" : "rolled back: the former container is in its place again";
        return hl_wrap(err, "the new container is not fit, the former one is back");
    }
    op->undone = false;
    hl_auto(heap) char *text = hl_error_text(trouble);
    op->note = hl_arena_printf(op->arena, "could not roll back: %s", text);
    return hl_wrap(err, "the new container is not fit, and the former one could not be brought back (%s)", text);
}

static bool prepare(struct replacement *replacement, struct hl_error **err)
{
    struct hl_op *op = replacement->op;
    struct hl_value *inherited = inherited_volumes(op->arena, replacement->inspection);
    const struct hl_making making = {
        .name = hl_arena_printf(op->arena, "%s%s", replacement->name, HL_SUFFIX_NEW),
        .replaces = hl_container_id(replacement->inspection),
        .inherited = inherited,
    };

    drop_covered(inherited, op->desired);
    replacement->side_by_side = may_overlap(op, inherited);
    return hl_container_make(op, &making, &replacement->new_id, err);
}

/* The new one is in place, and what is left over must not undo that: the next replacement clears it away. */
static void remove_old(struct replacement *replacement)
{
    for (int tries = 0; tries < REMOVE_TRIES; tries++) {
        hl_auto(error) struct hl_error *trouble = NULL;
        if (hl_container_delete(replacement->docker, replacement->old.id, true, false, &trouble))
            return;
        if (!hl_run_sleep(replacement->op->session->run, REMOVE_PAUSE_MS))
            break;
    }
    replacement->op->note =
        hl_arena_printf(replacement->op->arena, "the former container could not be removed: it is left as '%s%s'", replacement->name, HL_SUFFIX_OLD);
}

bool hl_container_replace(struct hl_op *op, struct hl_error **err)
{
    struct replacement replacement = {.op = op, .docker = hl_docker_of(op->session), .name = hl_container_wanted_name(op->desired, op->name)};
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(replacement.docker, op->arena, op->id, &inspection, err))
        return false;
    if (inspection == NULL)
        return hl_container_create(op, err); /* gone since the plan was made */
    replacement.inspection = inspection;
    hl_replaced_of(op->arena, inspection, &replacement.old);
    if (!prepare(&replacement, err))
        return false;
    if (!keep_in_mind(&replacement, err)) {
        hl_container_discard(op, replacement.new_id);
        return false;
    }
    if (!go_forth(&replacement, err))
        return go_back(&replacement, err);
    remove_old(&replacement);
    return hl_container_set_result(op, replacement.new_id, err);
}
