/* The loop of an apply: what workers tell is taken, and each turn is one transaction of results and intents. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

enum { TURN_MS = 100 };

bool applier_interrupted(const struct applier *applier)
{
    const volatile int *interrupts = applier->engine->options.interrupts;

    return interrupts != NULL && *interrupts > 0;
}

/* ---- results ---- */

static bool settle_task(struct task *task, struct hl_error **err)
{
    struct hl_apply_result *result = task->applier->result;

    if (!task_settle(task, err))
        return false;
    const struct hl_record *former = task->ok ? task_former(task) : NULL;
    if (former != NULL)
        task_add_former(task, former);
    if (task->ok) {
        result->done[task->op.action] += !task->step->former; /* it was counted as a replacement */
    } else {
        result->failed++;
        result->unreachable = result->unreachable || task->error->code == HL_E_UNREACHABLE || task->error->code == HL_E_AUTH;
    }
    task_finish(task, task->ok ? TASK_DONE : TASK_FAILED);
    task_emit(task, task->ok ? HL_EVENT_DONE : HL_EVENT_FAILED, task->op.note);
    return true;
}

static bool settle_work(struct work *work, struct hl_error **err)
{
    if (work->opening != NULL) {
        work->opening->opening = false;
        if (work->ok)
            engine_reading_take(&work->reading);
        else
            engine_session_fail(work->opening, work->error);
        return true;
    }
    work->tasks[0]->session->running--;
    for (size_t i = 0; i < work->count; i++) {
        if (!settle_task(work->tasks[i], err))
            return false;
    }
    return true;
}

/* ---- what workers tell ---- */

static bool write_checkpoints(struct applier *applier, struct message **messages, size_t count, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    bool ok = hl_store_begin(store, err);

    for (size_t i = 0; ok && i < count; i++) {
        const struct task *task = messages[i]->owner;
        ok = hl_store_checkpoint(store, task->intent.id, task->step->address, messages[i]->value, err);
    }
    ok = ok && hl_store_commit(store, err);
    if (!ok)
        hl_store_rollback(store);
    return ok;
}

/* What came together goes into one transaction; should that fail, each into its own, so that each worker is told of its own error. */
static void answer_checkpoints(struct applier *applier, struct message **messages, size_t count)
{
    hl_auto(error) struct hl_error *ignored = NULL;

    for (size_t i = 0; i < count; i++)
        engine_redact(applier->engine, ((struct task *)messages[i]->owner)->step->kind, messages[i]->value);

    const bool together = count > 1 && write_checkpoints(applier, messages, count, &ignored);

    for (size_t i = 0; i < count; i++) {
        struct message *message = messages[i];
        struct task *task = message->owner;

        message->ok = together || write_checkpoints(applier, &message, 1, &message->error);
        task->unkept = task->unkept || !message->ok;
        if (message->ok)
            task->intent.checkpoint = hl_value_copy(applier->engine->arena, message->value);
        pool_answer(applier->pool, message);
    }
}

static void show_progress(struct message *message)
{
    struct task *task = message->owner;

    task_emit(task, HL_EVENT_PROGRESS, message->text);
    message_free(message);
}

/* A provider keeps a value of its own, durably before it goes on. */
static void answer_keep(struct applier *applier, struct message *message)
{
    message->ok = engine_keep(applier->engine, message->owner, message->value, &message->error);
    pool_answer(applier->pool, message);
}

/* Takes all messages there are; finished works go to `works` (room for one a worker). A worker waits for the answer to its checkpoint, so it has one at most.
 */
static size_t collect(struct applier *applier, struct work **works, int64_t wait_ms)
{
    hl_auto(heap) struct message **checkpoints = hl_alloc(applier_most_works(applier) * sizeof *checkpoints);
    size_t checkpoints_count = 0;
    size_t count = 0;

    for (struct message *message = pool_receive(applier->pool, wait_ms); message != NULL; message = pool_receive(applier->pool, 0)) {
        switch (message->type) {
        case MESSAGE_CHECKPOINT:
            checkpoints[checkpoints_count++] = message;
            break;
        case MESSAGE_KEEP:
            answer_keep(applier, message);
            break;
        case MESSAGE_PROGRESS:
            show_progress(message);
            break;
        case MESSAGE_FINISHED:
            works[count++] = (struct work *)message->job;
            message_free(message);
            break;
        }
    }
    answer_checkpoints(applier, checkpoints, checkpoints_count);
    return count;
}

/* ---- turns ---- */

/* One transaction: results of what has finished, intents of what starts now. */
static bool take_turn(struct applier *applier, struct work **finished, size_t count, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    struct turn turn = {.started = hl_alloc(applier_most_works(applier) * sizeof(struct work *))};
    bool ok = hl_store_begin(store, err);

    applier->running -= count; /* whether or not they can be settled: nothing more comes from them */
    for (size_t i = 0; i < count; i++) {
        ok = ok && settle_work(finished[i], err);
        work_free(finished[i]);
    }
    if (ok && !applier_interrupted(applier))
        ok = applier_start(applier, &turn, err);
    ok = ok && hl_store_commit(store, err);
    if (!ok) {
        hl_store_rollback(store);
        applier->running -= turn.count; /* without their intents on the disk they are not begun */
    }
    for (size_t i = 0; i < turn.count; i++) {
        if (ok)
            pool_submit(applier->pool, &turn.started[i]->job);
        else
            work_free(turn.started[i]);
    }
    free(turn.started);
    return ok;
}

bool applier_walk(struct applier *applier, struct hl_error **err)
{
    struct work **finished = hl_alloc(applier_most_works(applier) * sizeof *finished);
    bool ok = take_turn(applier, finished, 0, err);

    while (ok && applier->finished < applier->count) {
        /* Interrupted, or what is left waits for something that will not come: only what is in flight could change that. */
        if (applier->running == 0)
            break;
        if (hl_run_cancelled(&applier->engine->run))
            break;
        const size_t count = collect(applier, finished, TURN_MS);
        for (size_t i = 0; ok && i < count; i++)
            ok = opening_recover(applier, finished[i], err);
        if (ok && count > 0)
            ok = take_turn(applier, finished, count, err);
        engine_emit(applier->engine, &(struct hl_event){.type = HL_EVENT_PROGRESS, .finished = applier->finished, .total = applier->total});
    }
    free(finished);
    return ok;
}

void applier_drain(struct applier *applier)
{
    struct work **finished = hl_alloc(applier_most_works(applier) * sizeof *finished);
    const int64_t deadline = engine_clock_ms() + (hl_run_cancelled(&applier->engine->run) ? LEAVE_MS : DEFAULT_TIMEOUT_MS);

    while (applier->running > 0 && engine_clock_ms() < deadline) {
        const size_t count = collect(applier, finished, TURN_MS);
        applier->running -= count < applier->running ? count : applier->running;
    }
    free(finished);
}
