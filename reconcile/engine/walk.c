/* The loop of an apply: what workers tell is taken, and each turn is one transaction of results and intents. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

enum { TURN_MS = 100 };

/* ---- results ---- */

static bool settle_task(struct task *task, struct hl_error **err)
{
    struct hl_apply_result *result = task->applier->result;

    task_clear(task);
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

static void settle_opening(struct work *work)
{
    work->opening->opening = false;
    if (work->ok)
        engine_reading_take(&work->reading);
    else if (work->begun)
        engine_session_fail(work->opening, work->error);
}

static bool settle_work(struct work *work, struct hl_error **err)
{
    bool ok = true;

    if (work->opening != NULL) {
        settle_opening(work);
        return true;
    }
    work_leave_line(work);
    for (size_t i = 0; ok && i < work->count; i++)
        ok = work->begun ? settle_task(work->tasks[i], err) : task_take_back(work->tasks[i], err);
    return ok;
}

/* ---- what workers tell ---- */

static bool write_checkpoint(struct applier *applier, const struct message *message, struct hl_error **err)
{
    const struct task *task = message->owner;

    return hl_store_checkpoint(applier->engine->store, task->intent.id, task->step->address, message->value, err);
}

/* All in one transaction. */
static bool write_checkpoints(struct applier *applier, const struct message *first, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    bool ok = hl_store_begin(store, err);

    for (const struct message *message = first; ok && message != NULL; message = message->next)
        ok = write_checkpoint(applier, message, err);
    ok = ok && hl_store_commit(store, err);
    if (!ok)
        hl_store_rollback(store);
    return ok;
}

/* What came together goes into one transaction; should that fail, each into its own, so that each worker is told of its own error. */
static void answer_checkpoints(struct applier *applier, struct message *first)
{
    hl_auto(error) struct hl_error *ignored = NULL;

    for (const struct message *message = first; message != NULL; message = message->next)
        engine_redact(applier->engine, ((const struct task *)message->owner)->step->kind, message->value);

    const bool together = first != NULL && first->next != NULL && write_checkpoints(applier, first, &ignored);

    for (struct message *message = first, *next; message != NULL; message = next) {
        struct task *task = message->owner;

        next = message->next;
        message->next = NULL;
        message->ok = together || write_checkpoints(applier, message, &message->error);
        task->unkept = task->unkept || !message->ok;
        if (message->ok)
            task->intent.checkpoint = hl_value_copy(task->arena, message->value);
        pool_answer(applier->pool, message);
    }
}

static void show_start(struct message *message)
{
    const struct work *work = (const struct work *)message->job;

    for (size_t i = 0; i < work->count; i++)
        task_emit(work->tasks[i], HL_EVENT_START, NULL);
    message_free(message);
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

/* Takes all messages there are, waiting for the first; the works that have finished, as a list. */
static struct job *collect(struct applier *applier, int64_t wait_ms)
{
    struct message *checkpoints = NULL;
    struct job *finished = NULL;
    struct job **last = &finished;

    for (struct message *message = pool_receive(applier->pool, wait_ms); message != NULL; message = pool_receive(applier->pool, 0)) {
        switch (message->type) {
        case MESSAGE_STARTED:
            show_start(message);
            break;
        case MESSAGE_CHECKPOINT:
            message->next = checkpoints;
            checkpoints = message;
            break;
        case MESSAGE_KEEP:
            answer_keep(applier, message);
            break;
        case MESSAGE_PROGRESS:
            show_progress(message);
            break;
        case MESSAGE_FINISHED:
            *last = message->job;
            last = &message->job->next;
            message_free(message);
            break;
        }
    }
    *last = NULL;
    answer_checkpoints(applier, checkpoints);
    return finished;
}

static void free_works(struct job *first)
{
    for (struct job *job = first, *next; job != NULL; job = next) {
        next = job->next;
        work_free((struct work *)job);
    }
}

/* ---- turns ---- */

/* What the turn has lined up goes to the pool; when its intents are not on the disk, nowhere. */
static void submit(struct applier *applier, bool durable)
{
    for (struct job *job = applier->starting, *next; job != NULL; job = next) {
        next = job->next;
        if (durable) {
            pool_submit(applier->pool, job);
        } else {
            applier->lined_up--;
            work_free((struct work *)job);
        }
    }
    applier->starting = NULL;
}

/* One transaction: results of what has finished, intents of what is lined up now. */
static bool take_turn(struct applier *applier, struct job *finished, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    bool ok = hl_store_begin(store, err);

    for (struct job *job = finished; job != NULL; job = job->next) {
        applier->lined_up--; /* whether or not it can be settled: nothing more comes from it */
        ok = ok && settle_work((struct work *)job, err);
    }
    free_works(finished);
    if (ok && !hl_run_ending(&applier->engine->run))
        ok = applier_start(applier, err);
    ok = ok && hl_store_commit(store, err);
    if (!ok)
        hl_store_rollback(store);
    submit(applier, ok);
    return ok;
}

/* What was handed back has not been begun: nothing is to be looked at by the next run, unless this cannot be written either. */
static void take_back(struct applier *applier, struct job *finished)
{
    struct hl_store *store = applier->engine->store;
    hl_auto(error) struct hl_error *ignored = NULL;
    bool ok = hl_store_begin(store, &ignored);

    for (struct job *job = finished; job != NULL; job = job->next) {
        struct work *work = (struct work *)job;

        applier->lined_up--;
        for (size_t i = 0; ok && !work->begun && i < work->count; i++)
            ok = task_take_back(work->tasks[i], &ignored);
    }
    if (!ok || !hl_store_commit(store, &ignored))
        hl_store_rollback(store);
    free_works(finished);
}

bool applier_walk(struct applier *applier, struct hl_error **err)
{
    bool ok = take_turn(applier, NULL, err);

    while (ok && applier->finished < applier->count) {
        /* Interrupted, or what is left waits for something that will not come: only what is in flight could change that. */
        if (applier->lined_up == 0)
            break;
        if (hl_run_cancelled(&applier->engine->run))
            break;
        struct job *finished = collect(applier, TURN_MS);
        for (struct job *job = finished; ok && job != NULL; job = job->next)
            ok = opening_recover(applier, (struct work *)job, err);
        if (!ok)
            take_back(applier, finished);
        else if (finished != NULL)
            ok = take_turn(applier, finished, err);
        engine_emit(applier->engine, &(struct hl_event){.type = HL_EVENT_PROGRESS, .finished = applier->finished, .total = applier->total});
    }
    return ok;
}

void applier_drain(struct applier *applier)
{
    const int64_t deadline = engine_clock_ms() + (hl_run_cancelled(&applier->engine->run) ? LEAVE_MS : DEFAULT_TIMEOUT_MS);

    while (applier->lined_up > 0 && engine_clock_ms() < deadline) {
        struct job *finished = collect(applier, TURN_MS);
        if (finished != NULL)
            take_back(applier, finished);
    }
}
