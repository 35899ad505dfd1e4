/* What a run that died has left: found by the operation's label and by ids, resolved by what is there. Nothing is done blindly again.
 *
 *     create    the container has run            -> it exists
 *               it has not                       -> removed: it may lack files; the plan makes it anew
 *     replace   no new one                       -> the old one is put back as it was
 *               a new one that has not run       -> removed, the old one is put back
 *               a new one that has run           -> waited for: fit, then the old one goes; not fit, then the new one does
 *     update    nothing: the next plan sees what is still to be changed
 *     delete    gone, or still there */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/replaced.h"

#include <string.h>

enum { RECOVERY_WAIT_MS = 120000 };

/* --- The old one --- */

void hl_replaced_of(struct hl_arena *arena, const struct hl_value *inspection, struct hl_replaced *out)
{
    const struct hl_value *policy = hl_value_get(hl_value_get(inspection, "HostConfig"), "RestartPolicy");
    const struct hl_value *state = hl_value_get(inspection, "State");
    const char *name = hl_value_get_text(policy, "Name");
    const int64_t retries = hl_value_get_int(policy, "MaximumRetryCount", 0);

    out->id = hl_container_id(inspection);
    out->name = hl_container_name(inspection);
    out->restart = hl_is_blank(name) ? "no" : retries > 0 ? hl_arena_printf(arena, "%s:%lld", name, (long long)retries) : name;
    out->running = hl_value_get_bool(state, "Running", false) || hl_value_get_bool(state, "Restarting", false);
}

struct hl_value *hl_replaced_to_value(struct hl_arena *arena, const struct hl_replaced *replaced)
{
    struct hl_value *value = hl_value_map(arena);

    hl_value_map_put_text(value, "id", replaced->id);
    hl_value_map_put_text(value, "name", replaced->name);
    hl_value_map_put_text(value, "restart", replaced->restart);
    hl_value_map_put_bool(value, "running", replaced->running);
    return value;
}

bool hl_replaced_from_value(const struct hl_value *value, struct hl_replaced *out)
{
    *out = (struct hl_replaced){
        .id = hl_value_get_text(value, "id"),
        .name = hl_value_get_text(value, "name"),
        .restart = hl_value_get_text(value, "restart"),
        .running = hl_value_get_bool(value, "running", false),
    };
    return out->id != NULL && out->name != NULL && out->restart != NULL;
}

bool hl_replaced_restore(struct hl_docker *docker, const struct hl_replaced *replaced, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(docker, arena, replaced->id, &inspection, err))
        return false;
    if (inspection == NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "the former container is gone");
    if (strcmp(hl_container_name(inspection), replaced->name) != 0 && !hl_container_rename(docker, replaced->id, replaced->name, err))
        return false;
    if (!hl_container_set_restart(docker, replaced->id, replaced->restart, err))
        return false;
    const bool running = hl_value_get_bool(hl_value_get(inspection, "State"), "Running", false);
    return running || !replaced->running || hl_container_start(docker, replaced->id, err);
}

/* --- Recovery --- */

/* One intent being resolved. */
struct recovering {
    struct hl_recovery *recovery;
    struct hl_docker *docker;
    struct hl_arena *arena;
    struct hl_value *made; /* inspection of what the action made; NULL: nothing */
};

static bool find_made(struct recovering *recovering, struct hl_error **err)
{
    struct hl_value *row = NULL;

    if (!hl_container_find_operation(recovering->docker, recovering->arena, recovering->recovery->operation, &row, err))
        return false;
    return row == NULL || hl_container_inspect(recovering->docker, recovering->arena, hl_container_id(row), &recovering->made, err);
}

static bool settle_existing(struct recovering *recovering, const char *id, struct hl_error **err)
{
    struct hl_recovery *recovery = recovering->recovery;

    if (!hl_container_values(recovering->docker, recovering->arena, id, recovery->name, recovery->desired, &recovery->result, err))
        return false;
    recovery->outcome = recovery->result != NULL ? HL_RECOVERED_EXISTS : HL_RECOVERED_GONE;
    recovery->result_id = id;
    return true;
}

static bool recover_create(struct recovering *recovering, struct hl_error **err)
{
    const char *id = hl_container_id(recovering->made);

    recovering->recovery->outcome = HL_RECOVERED_NOTHING;
    if (recovering->made == NULL)
        return true;
    if (hl_container_was_started(recovering->made))
        return settle_existing(recovering, id, err);
    recovering->recovery->note = "a container that was never started was removed";
    return hl_container_delete(recovering->docker, id, true, true, err);
}

/* A wait needs an action: this one has no listener. */
static bool is_fit(struct recovering *recovering, const char *id)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_op op = {
        .session = recovering->recovery->session,
        .kind = recovering->recovery->kind,
        .address = recovering->recovery->address,
        .name = recovering->recovery->name,
        .operation = recovering->recovery->operation,
        .desired = recovering->recovery->desired,
        .timeout_ms = RECOVERY_WAIT_MS,
        .arena = recovering->arena,
    };

    return hl_container_wait(&op, id, HL_WAIT_FIT, recovering->docker->settle_replaced_ms, NULL, &ignored);
}

/* From the checkpoint; without one, by the id in the intent and what was recorded. */
static bool find_old(struct recovering *recovering, struct hl_replaced *old, bool *found, struct hl_error **err)
{
    struct hl_recovery *recovery = recovering->recovery;
    const struct hl_value *recorded = recovery->recorded != NULL ? recovery->recorded->desired : NULL;
    const char *restart = hl_value_get_text(recorded, "restart");
    struct hl_value *inspection = NULL;
    const bool known = hl_replaced_from_value(recovery->checkpoint, old);

    if (!known)
        *old = (struct hl_replaced){.id = recovery->id, .name = hl_container_wanted_name(recorded, recovery->name), .restart = restart, .running = true};
    *found = false;
    if (hl_is_blank(old->id))
        return true;
    if (!hl_container_inspect(recovering->docker, recovering->arena, old->id, &inspection, err))
        return false;
    *found = inspection != NULL;
    if (inspection != NULL && !known) {
        /* Before the checkpoint nothing was done to it. */
        hl_replaced_of(recovering->arena, inspection, old);
    }
    return true;
}

/* It may still run: where both could, the new one was started first. */
static bool remove_old(struct recovering *recovering, const char *id, struct hl_error **err)
{
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(recovering->docker, recovering->arena, id, &inspection, err))
        return false;
    if (hl_value_get_bool(hl_value_get(inspection, "State"), "Running", false) && !hl_container_stop(recovering->docker, inspection, err))
        return false;
    return inspection == NULL || hl_container_delete(recovering->docker, id, true, false, err);
}

static bool finish_forth(struct recovering *recovering, const struct hl_replaced *old, bool has_old, struct hl_error **err)
{
    const char *id = hl_container_id(recovering->made);
    const char *name = hl_container_wanted_name(recovering->recovery->desired, recovering->recovery->name);

    if (has_old && !remove_old(recovering, old->id, err))
        return false;
    if (strcmp(hl_container_name(recovering->made), name) != 0 && !hl_container_rename(recovering->docker, id, name, err))
        return false;
    recovering->recovery->note = "the replacement was finished";
    return settle_existing(recovering, id, err);
}

static bool recover_replace(struct recovering *recovering, struct hl_error **err)
{
    struct hl_recovery *recovery = recovering->recovery;
    struct hl_replaced old;
    bool has_old = false;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (!find_old(recovering, &old, &has_old, err))
        return false;
    const bool was_started = recovering->made != NULL && hl_container_was_started(recovering->made);
    if (was_started && (is_fit(recovering, hl_container_id(recovering->made)) || !has_old))
        return finish_forth(recovering, &old, has_old, err);
    if (hl_run_cancelled(recovering->docker->run))
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted");
    if (recovering->made != NULL && !hl_container_delete(recovering->docker, hl_container_id(recovering->made), true, true, err))
        return false;
    if (!has_old) {
        recovery->outcome = HL_RECOVERED_GONE;
        return true;
    }
    recovery->note = "the replacement was undone: the former container is back";
    return hl_replaced_restore(recovering->docker, &old, err);
}

static bool recover_delete(struct recovering *recovering, struct hl_error **err)
{
    struct hl_value *inspection = NULL;

    if (!hl_is_blank(recovering->recovery->id) && !hl_container_inspect(recovering->docker, recovering->arena, recovering->recovery->id, &inspection, err))
        return false;
    recovering->recovery->outcome = inspection == NULL ? HL_RECOVERED_GONE : HL_RECOVERED_NOTHING;
    return true;
}

bool hl_container_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    struct recovering recovering = {.recovery = recovery, .docker = hl_docker_of(recovery->session), .arena = recovery->arena};

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (strcmp(recovery->action, "delete") == 0)
        return recover_delete(&recovering, err);
    if (strcmp(recovery->action, "create") != 0 && strcmp(recovery->action, "replace") != 0)
        return true;
    if (!find_made(&recovering, err))
        return false;
    return strcmp(recovery->action, "create") == 0 ? recover_create(&recovering, err) : recover_replace(&recovering, err);
}
