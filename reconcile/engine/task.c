/* Tasks: one a step of the plan, and one for what a replacement leaves; linked by what they need, ended in one of the ways there are. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>
#include <string.h>

/* ---- made and linked ---- */

bool task_is_terminal(const struct task *task)
{
    return task->state != TASK_WAITING && task->state != TASK_RUNNING;
}

static void add_dependent(struct task *needed, struct task *dependent)
{
    if (needed->dependents_count == needed->dependents_capacity) {
        const size_t capacity = needed->dependents_capacity == 0 ? 4 : needed->dependents_capacity * 2;
        struct task **grown = hl_arena_alloc(needed->arena, capacity * sizeof *grown);
        if (needed->dependents_count > 0)
            memcpy(grown, needed->dependents, needed->dependents_count * sizeof *grown);
        needed->dependents = grown;
        needed->dependents_capacity = capacity;
    }
    needed->dependents[needed->dependents_count++] = dependent;
    dependent->needs_left++;
}

static bool is_action(enum hl_action action)
{
    return action != HL_ACTION_NONE && action != HL_ACTION_REFUSE;
}

bool task_same_batch(const struct task *a, const struct task *b)
{
    return a->batched && b->batched && a->session == b->session;
}

static struct task *add_task(struct applier *applier, struct hl_step *step)
{
    struct hl_engine *engine = applier->engine;
    struct hl_arena *arena = hl_arena_new();
    struct task *task = hl_arena_alloc(arena, sizeof *task);

    *task = (struct task){.applier = applier, .step = step, .number = applier->count, .arena = arena};
    if (step->kind != NULL) {
        task->session = engine_session_for(engine, step);
        task->batched = step->kind->verbs->apply_batch != NULL && step->action != HL_ACTION_FORGET;
    }
    if (applier->count == applier->capacity) {
        applier->capacity = applier->capacity == 0 ? 64 : applier->capacity * 2;
        applier->tasks = hl_realloc(applier->tasks, applier->capacity * sizeof *applier->tasks);
    }
    applier->tasks[applier->count++] = task;
    hl_map_put(&applier->by_address, step->address, task);
    applier->total += is_action(step->action) && !step->former;
    return task;
}

/* Once for each task, when those that it needs are there. */
static void link_task(struct applier *applier, struct task *task)
{
    for (const char **need = task->step->needs; need != NULL && *need != NULL; need++) {
        struct task *needed = hl_map_find(&applier->by_address, *need);
        if (needed != NULL && needed != task && !task_is_terminal(needed) && !task_same_batch(task, needed))
            add_dependent(needed, task);
    }
    if (task->needs_left == 0)
        task_queue_add(&task->applier->ready, task);
}

void tasks_make(struct applier *applier)
{
    const struct hl_plan *plan = applier->engine->plan;

    for (size_t i = 0; i < plan->count; i++)
        (void)add_task(applier, plan->steps[i]);
    for (size_t i = 0; i < applier->count; i++)
        link_task(applier, applier->tasks[i]);
}

static void add_dependents(const struct task *task, struct hl_map *found)
{
    for (size_t i = 0; i < task->dependents_count; i++) {
        struct task *next = task->dependents[i];
        if (!hl_map_has(found, next->step->address))
            hl_map_put(found, next->step->address, next);
    }
}

/* All that wait for `task`, also by way of others. */
static const char **former_needs(const struct task *task)
{
    struct hl_arena *arena = task->applier->engine->arena;
    struct hl_map found;

    hl_map_init(&found, arena);
    add_dependents(task, &found);
    for (size_t i = 0; i < found.count; i++)
        add_dependents(found.entries[i].value, &found);
    const char **needs = hl_arena_alloc(arena, (found.count + 1) * sizeof *needs);
    for (size_t i = 0; i < found.count; i++)
        needs[i] = found.entries[i].key;
    return needs;
}

/* A replacement made the new object; the old one goes when those that use it have the new one, and stays for the next run where one of them fails. */
void task_add_former(struct task *task, const struct hl_record *record)
{
    struct hl_arena *arena = task->applier->engine->arena;
    struct hl_step *step = hl_arena_alloc(arena, sizeof *step);
    struct hl_live *live = hl_arena_alloc(arena, sizeof *live);

    *live = (struct hl_live){.presence = HL_LIVE_PRESENT, .id = record->id, .values = record->live, .owner = HL_OWNER_US};
    *step = *task->step;
    step->address = hl_former_address(arena, task->step->address, record->id);
    step->name = strchr(step->address, '.') + 1;
    step->resource = NULL;
    step->live = live;
    step->desired = NULL;
    step->action = HL_ACTION_DELETE;
    step->reason = "replaced by a new one, which its users have by now";
    step->former = true;
    step->late = false;
    step->changes_count = 0;
    step->needs = former_needs(task);
    step->used_by = NULL;
    link_task(task->applier, add_task(task->applier, step));
}

/* ---- told and ended ---- */

void task_emit(struct task *task, enum hl_event_type type, const char *message)
{
    struct applier *applier = task->applier;

    engine_emit(applier->engine, &(struct hl_event){
                                     .type = type,
                                     .step = task->step,
                                     .address = task->step->address,
                                     .action = task->step->action,
                                     .message = message,
                                     .error = task_is_terminal(task) ? task->error : NULL, /* the worker's own until it has ended */
                                     .elapsed_ms = task->started_ms > 0 ? engine_clock_ms() - task->started_ms : 0,
                                     .finished = applier->finished,
                                     .total = applier->total,
                                 });
}

void task_finish(struct task *task, enum task_state state)
{
    task->state = state;
    task->applier->finished++;
    for (size_t i = 0; i < task->dependents_count; i++) {
        struct task *dependent = task->dependents[i];
        if (--dependent->needs_left == 0)
            task_queue_add(&dependent->applier->ready, dependent);
    }
}

void task_end_deferred(struct task *task, const char *reason)
{
    task->applier->result->deferred++;
    task->step->action = HL_ACTION_DEFER;
    task_finish(task, TASK_DEFERRED);
    task_emit(task, HL_EVENT_DEFERRED, reason);
}

void task_end_refused(struct task *task)
{
    struct hl_apply_result *result = task->applier->result;
    const enum hl_code code = task->step->refuse_code;

    result->refused++;
    result->unreachable = result->unreachable || code == HL_E_UNREACHABLE || code == HL_E_AUTH || code == HL_E_TIMEOUT;
    result->not_converging = result->not_converging || task->step->not_converging;
    /* What is recorded is there for those that need it, even if it cannot be read now. */
    task_finish(task, task->step->recorded != NULL ? TASK_DONE : TASK_FAILED);
    task_emit(task, HL_EVENT_SKIPPED, task->step->reason);
}

void task_end_blocked(struct task *task, const struct task *blocker)
{
    if (blocker->state == TASK_DEFERRED) {
        task_end_deferred(task, hl_arena_printf(task->arena, "waits for %s", blocker->step->address));
        return;
    }
    task->applier->result->skipped++;
    task_finish(task, TASK_SKIPPED);
    task_emit(task, HL_EVENT_SKIPPED, hl_arena_printf(task->arena, "needs %s, which failed", blocker->step->address));
}

void tasks_skip_rest(struct applier *applier)
{
    for (size_t i = 0; i < applier->count; i++) {
        struct task *task = applier->tasks[i];
        if (task->state != TASK_WAITING)
            continue;
        if (is_action(task->step->action))
            applier->result->skipped++;
        task->state = TASK_SKIPPED;
    }
}

void tasks_free(struct applier *applier)
{
    for (size_t i = 0; i < applier->count; i++) {
        hl_error_free(applier->tasks[i]->error);
        hl_arena_free(applier->tasks[i]->scratch);
        hl_arena_free(applier->tasks[i]->arena);
    }
    free(applier->tasks);
    for (size_t i = 0; i < applier->engine->sessions.count; i++) {
        struct session *session = applier->engine->sessions.entries[i].value;
        if (session->line != NULL)
            task_queue_free(&session->line->waiting);
        session->line = NULL;
    }
    task_queue_free(&applier->ready);
    task_queue_free(&applier->parked);
}
