/* An action, in a worker: what its verb is given, what it waits for, which verb. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <string.h>

/* ---- what a verb is given ---- */

static bool forward_checkpoint(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    const struct task *task = op->engine;

    return pool_checkpoint(task->applier->pool, op, value, err);
}

static void forward_progress(struct hl_op *op, const char *text)
{
    const struct task *task = op->engine;

    pool_progress(task->applier->pool, op, text);
}

static int64_t time_limit(const struct task *task)
{
    const struct hl_spec *spec = task->applier->engine->options.spec;
    const struct hl_resource *resource = task->step->resource;

    if (resource != NULL && resource->timeout_ms > 0)
        return resource->timeout_ms;
    return spec != NULL && spec->settings.timeout_ms > 0 ? spec->settings.timeout_ms : DEFAULT_TIMEOUT_MS;
}

static const char *live_id(const struct hl_step *step)
{
    if (step->live->id != NULL)
        return step->live->id;
    return step->recorded != NULL && step->recorded->id != NULL ? step->recorded->id : "";
}

/* Looked up here, since the map grows while workers run. */
static struct task **find_needed(const struct task *task)
{
    const struct hl_resource *resource = task->step->resource;
    struct task **needed = hl_arena_alloc(task->scratch, ((resource != NULL ? resource->needs_count : 0) + 1) * sizeof *needed);

    for (size_t i = 0; resource != NULL && i < resource->needs_count; i++)
        needed[i] = hl_map_find(&task->applier->by_address, resource->needs[i].to->address);
    return needed;
}

void task_prepare(struct task *task)
{
    const struct hl_step *step = task->step;

    hl_uuid(task->operation);
    task->scratch = hl_arena_new();
    task->needed = find_needed(task);
    task->op = (struct hl_op){
        .session = &task->session->session,
        .kind = step->kind,
        .address = step->address,
        .name = step->name,
        .operation = task->operation,
        .action = step->action,
        .order = step->order,
        .id = step->action == HL_ACTION_CREATE ? "" : live_id(step),
        .desired = step->action == HL_ACTION_DELETE ? NULL : step->desired,
        .recorded = step->recorded != NULL ? step->recorded->desired : NULL,
        .recorded_live = step->recorded != NULL ? step->recorded->live : NULL,
        .live = step->live->values,
        .kept = step->kept,
        .changes = step->changes,
        .changes_count = step->changes_count,
        .timeout_ms = time_limit(task),
        .at = step->at,
        .arena = task->scratch,
        .checkpoint = forward_checkpoint,
        .progress = forward_progress,
        .engine = task,
    };
}

void task_clear(struct task *task)
{
    struct hl_op *op = &task->op;

    op->result_id = op->result_id != NULL ? hl_arena_strdup(task->arena, op->result_id) : NULL;
    op->result = op->result != NULL ? hl_value_copy(task->arena, op->result) : NULL;
    op->note = op->note != NULL ? hl_arena_strdup(task->arena, op->note) : NULL;
    op->arena = NULL;
    hl_arena_free(task->scratch);
    task->scratch = NULL;
}

/* ---- one action, in a worker ---- */

/* `depends_on: {db: {condition: service_healthy}}`: the needed one is there, but is it fit? */
static bool await_needs(struct task *task, struct hl_error **err)
{
    const struct hl_resource *resource = task->step->resource;

    for (size_t i = 0; resource != NULL && task->op.action != HL_ACTION_DELETE && i < resource->needs_count; i++) {
        const struct hl_dependency *need = &resource->needs[i];
        const struct task *needed = task->needed[i];
        if (need->condition == NULL || needed == NULL || need->to->kind->verbs->await == NULL || needed->step->absent)
            continue;
        struct hl_op op = task->op;
        op.session = &needed->session->session;
        op.kind = need->to->kind;
        op.address = need->to->address;
        op.name = need->to->name;
        op.id = needed->op.result_id != NULL ? needed->op.result_id : live_id(needed->step);
        op.desired = needed->step->desired;
        op.live = needed->step->live->values;
        if (!need->to->kind->verbs->await(&op, need->condition, err))
            return hl_wrap(err, "waiting for %s (%s)", need->to->address, need->condition);
    }
    return true;
}

/* Removes what a replacement leaves behind: the old object, by its id. */
static bool remove_old(struct task *task, struct hl_error **err)
{
    struct hl_op old = task->op;

    old.action = HL_ACTION_DELETE;
    old.desired = NULL;
    return task->op.kind->verbs->remove(&old, err);
}

static bool create_new(struct task *task, struct hl_error **err)
{
    struct hl_op *op = &task->op;
    const char *old_id = op->id;

    op->id = "";
    const bool ok = op->kind->verbs->create(op, err);
    op->id = old_id;
    return ok;
}

bool task_leaves_former(const struct task *task)
{
    if (task->op.action != HL_ACTION_REPLACE || task->op.order != HL_REPLACE_CREATE_FIRST)
        return false; /* an op that does nothing has no kind */
    return task->op.kind->verbs->replace == NULL && task->op.kind->verbs->apply_batch == NULL;
}

/* For kinds without a way of their own. What a new object replaces goes later, when those that use it have the new one (settle.c, task.c). */
static bool replace_plainly(struct task *task, struct hl_error **err)
{
    if (task_leaves_former(task))
        return create_new(task, err);
    return remove_old(task, err) && create_new(task, err);
}

static bool take_over(struct task *task, struct hl_error **err)
{
    if (task->op.changes_count > 0)
        return task->op.kind->verbs->update(&task->op, err);
    task->op.result = hl_value_copy(task->scratch, task->op.live);
    return true;
}

static bool act(struct task *task, struct hl_error **err)
{
    struct hl_op *op = &task->op;
    const struct hl_verbs *verbs = op->kind->verbs;

    switch (op->action) {
    case HL_ACTION_CREATE:
        return verbs->create(op, err);
    case HL_ACTION_UPDATE:
        return verbs->update(op, err);
    case HL_ACTION_REPLACE:
        return verbs->replace != NULL ? verbs->replace(op, err) : replace_plainly(task, err);
    case HL_ACTION_DELETE:
        return verbs->remove(op, err);
    case HL_ACTION_ADOPT:
        return take_over(task, err);
    case HL_ACTION_NONE:
    case HL_ACTION_FORGET:
    case HL_ACTION_DEFER:
    case HL_ACTION_REFUSE:
    case HL_ACTIONS:
        break;
    }
    return true;
}

static void run_batch(struct work *work)
{
    struct hl_op **ops = hl_arena_alloc(work->tasks[0]->scratch, (work->count + 1) * sizeof *ops);

    for (size_t i = 0; i < work->count; i++)
        ops[i] = &work->tasks[i]->op;
    work->tasks[0]->op.kind->verbs->apply_batch(&work->tasks[0]->session->session, ops, work->count);
    for (size_t i = 0; i < work->count; i++) {
        work->tasks[i]->error = ops[i]->error;
        work->tasks[i]->ok = ops[i]->error == NULL;
    }
}

void work_run(struct job *job)
{
    struct work *work = (struct work *)job;
    struct task *task = work->count > 0 ? work->tasks[0] : NULL;

    work->begun = !hl_run_ending(&work->applier->engine->run);
    if (!work->begun)
        return;
    for (size_t i = 0; i < work->count; i++)
        work->tasks[i]->started_ms = engine_clock_ms();
    pool_started(work->applier->pool, job);
    if (work->opening != NULL) {
        opening_run(work);
    } else if (task->batched) {
        run_batch(work);
    } else {
        task->ok = await_needs(task, &task->error) && act(task, &task->error);
        if (!task->ok)
            (void)hl_error_address(&task->error, task->op.address);
    }
}
