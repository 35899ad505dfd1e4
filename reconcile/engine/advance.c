/* How far a task goes by itself once all that it needs is settled: ended without an action, decided anew, or ready to be started. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <string.h>

struct hl_value *applier_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct applier *applier = context;
    const struct hl_step *step = hl_map_find(&applier->engine->plan->by_address, address);

    if (step == NULL)
        return hl_value_unknown(arena, address);
    return hl_step_output(arena, step, output);
}

static bool destroys(enum hl_action action)
{
    return action == HL_ACTION_DELETE || action == HL_ACTION_REPLACE;
}

/* A plan that was agreed to must not grow teeth on the way. */
static bool may_proceed(struct applier *applier, enum hl_action planned, struct hl_step *step)
{
    if (!destroys(step->action) || planned == step->action || applier->options->allow_destroy)
        return true;
    const struct hl_listener *listener = &applier->engine->listener;
    if (listener->confirm != NULL && listener->confirm(listener->context, step))
        return true;
    step->reason =
        hl_arena_printf(applier->engine->arena, "turned out to %s it, which the plan did not say: %s", hl_action_info(step->action)->name, step->reason);
    step->hint = "look at the plan again, then apply it, or run with --allow-destroy";
    step->action = HL_ACTION_REFUSE;
    step->refuse_code = HL_E_REFUSED;
    return false;
}

static void decide_again(struct task *task)
{
    struct applier *applier = task->applier;
    struct hl_engine *engine = applier->engine;
    const struct hl_outputs outputs = {applier_output, applier};
    const enum hl_action planned = task->step->action;
    const struct hl_step *former = task->step;
    struct hl_diags diags;

    hl_diags_init(&diags, task->arena, engine->options.spec->file);
    struct hl_step *step =
        hl_plan_decide(task->arena, &applier->input, task->step->resource, hl_map_find(&engine->live, task->step->address), &outputs, &diags);
    step->needs = former->needs;
    step->used_by = former->used_by;
    step->moved_from = former->moved_from;
    step->kept = former->kept;
    if (diags.errors > 0)
        step->reason = hl_arena_printf(task->arena, "%s: %s", step->reason, diags.items[0].message);
    task->step = step;
    task->decided = true;
    (void)may_proceed(applier, planned, step);
    hl_map_put(&engine->plan->by_address, step->address, step);
}

/* The first need that failed or was put off, or NULL. What a replacement left stays as well while one of its users could not be looked at. */
static const struct task *find_blocker(const struct task *task)
{
    for (const char **need = task->step->needs; need != NULL && *need != NULL; need++) {
        const struct task *needed = hl_map_find(&task->applier->by_address, *need);
        if (needed == NULL || !task_is_terminal(needed))
            continue;
        if (needed->state != TASK_DONE || (task->step->former && needed->step->action == HL_ACTION_REFUSE))
            return needed;
    }
    return NULL;
}

static bool settle_quietly(struct task *task, struct hl_error **err)
{
    if (!settle_unchanged(task->applier->engine, task->step, err))
        return false;
    task_finish(task, TASK_DONE);
    return true;
}

static bool forget(struct task *task, struct hl_error **err)
{
    task->ok = true;
    if (!task_settle(task, err))
        return false;
    task->applier->result->done[HL_ACTION_FORGET]++;
    task_finish(task, TASK_DONE);
    task_emit(task, HL_EVENT_DONE, task->step->reason);
    return true;
}

/* A secret's own value is made by its action; anything else that is unknown by now stays so in this run. */
static bool is_own_output(const struct hl_step *step, const char *reference)
{
    const size_t length = strlen(step->address);

    return strncmp(reference, step->address, length) == 0 && (reference[length] == '\0' || reference[length] == '.');
}

bool task_advance(struct task *task, bool *startable, struct hl_error **err)
{
    const struct task *blocker = find_blocker(task);

    *startable = false;
    if (task->step->action == HL_ACTION_FORGET)
        return forget(task, err);
    if (blocker != NULL && task->step->action != HL_ACTION_NONE) {
        task_end_blocked(task, blocker);
        return true;
    }
    if (task->step->excluded || (task->step->action == HL_ACTION_NONE && !task->step->late))
        return task->step->excluded ? (task_finish(task, TASK_DONE), true) : settle_quietly(task, err);
    if (task->step->action == HL_ACTION_REFUSE) {
        task_end_refused(task);
        return true;
    }
    const bool late = task->step->late || task->step->action == HL_ACTION_DEFER;
    if (task->session->opening)
        return true;
    if (task->session->state != SESSION_OPEN || (late && !task->decided)) {
        if (!opening_settled(task))
            return true;
        if (task->session->state != SESSION_OPEN) {
            task_end_without_provider(task);
            return true;
        }
    }
    if (late && !task->decided) {
        decide_again(task);
        if (task->step->action == HL_ACTION_DEFER) {
            task_end_deferred(task, task->step->reason);
            return true;
        }
        return task_advance(task, startable, err);
    }
    const char *unknown = task->step->action == HL_ACTION_DELETE ? NULL : hl_value_find_unknown(task->step->desired);
    if (unknown != NULL && !is_own_output(task->step, unknown)) {
        task_end_deferred(task, hl_arena_printf(task->arena, "%s is not known yet", unknown));
        return true;
    }
    *startable = true;
    return true;
}
