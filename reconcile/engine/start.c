/* Starting what is ready, within the limits: single actions at once, batches when nothing else runs. What starts has its intent in the turn's transaction. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

struct work *work_new(struct applier *applier, size_t count)
{
    struct work *work = hl_alloc(sizeof *work);

    *work = (struct work){.job = {.run = work_run}, .applier = applier, .count = count};
    if (count > 0)
        work->tasks = hl_alloc(count * sizeof(struct task *));
    return work;
}

void work_free(struct work *work)
{
    free(work->tasks);
    free(work);
}

static bool start_task(struct turn *turn, struct task **tasks, size_t count, struct hl_error **err)
{
    struct applier *applier = tasks[0]->applier;
    struct work *work = work_new(applier, count);

    for (size_t i = 0; i < count; i++) {
        work->tasks[i] = tasks[i];
        task_prepare(tasks[i]);
        tasks[i]->state = TASK_RUNNING;
        tasks[i]->started_ms = engine_clock_ms();
        if (!task_intend(tasks[i], err)) {
            free(work->tasks);
            free(work);
            return false;
        }
        task_emit(tasks[i], HL_EVENT_START, NULL);
    }
    applier->running++;
    tasks[0]->session->running++;
    turn->started[turn->count++] = work;
    return true;
}

size_t applier_limit(const struct applier *applier)
{
    const struct hl_engine_options *options = &applier->engine->options;

    if (options->parallel > 0)
        return options->parallel;
    if (options->spec != NULL && options->spec->settings.parallel > 0)
        return (size_t)options->spec->settings.parallel;
    return DEFAULT_PARALLEL;
}

size_t applier_most_works(const struct applier *applier)
{
    return applier_limit(applier) + applier->engine->sessions.count + 2;
}

bool applier_has_room(const struct applier *applier, const struct session *session)
{
    if (applier->running >= applier_limit(applier))
        return false;
    const size_t said = session->spec != NULL ? (size_t)session->spec->parallel : 0;
    const struct hl_provider_verbs *verbs = session->session.type->verbs;
    const size_t own = session->state == SESSION_OPEN && verbs->parallel != NULL ? verbs->parallel((struct hl_session *)&session->session) : 0;
    return (said == 0 || session->running < said) && (own == 0 || session->running < own);
}

/* All of them, in as few batches as can be. */
static bool start_batches(struct turn *turn, struct task **ready, size_t count, struct hl_error **err)
{
    struct task **batch = hl_alloc((count + 1) * sizeof *batch);
    bool ok = true;

    for (size_t i = 0; i < count && ok; i++) {
        size_t members = 0;
        if (ready[i]->state != TASK_WAITING)
            continue;
        for (size_t j = i; j < count; j++) {
            if (ready[j]->state == TASK_WAITING && task_same_batch(ready[i], ready[j]))
                batch[members++] = ready[j];
        }
        ok = start_task(turn, batch, members, err);
    }
    free(batch);
    return ok;
}

/* A batch starts when nothing else can run, so that as much as possible goes in at once. What it needs may be settled otherwise by now, then the rest has to be
 * looked at before: *moved. */
static bool start_parked(struct applier *applier, struct turn *turn, bool *moved, struct hl_error **err)
{
    struct task **ready = hl_alloc((applier->parked.count + 1) * sizeof *ready);
    size_t count = 0;
    bool ok = true;

    for (struct task *task = task_queue_take(&applier->parked); ok && task != NULL; task = task_queue_take(&applier->parked)) {
        bool startable = false;
        ok = task_advance(turn, task, &startable, err);
        *moved = *moved || task_is_terminal(task);
        if (startable)
            ready[count++] = task;
        else if (!task_is_terminal(task))
            task_queue_add(&applier->ready, task);
    }
    if (ok && !*moved && applier->running == 0)
        ok = start_batches(turn, ready, count, err);
    for (size_t i = 0; i < count; i++) {
        if (ready[i]->state == TASK_WAITING)
            task_queue_add(&applier->parked, ready[i]);
    }
    free(ready);
    return ok;
}

/* Settles it when it needs no action, starts it when it can be started; else it waits in one of the queues. */
static bool move_on(struct applier *applier, struct turn *turn, struct task *task, struct task_queue *aside, struct hl_error **err)
{
    bool startable = false;

    if (!task_advance(turn, task, &startable, err))
        return false;
    if (task_is_terminal(task))
        return true;
    if (startable && !task->batched && applier_has_room(applier, task->session))
        return start_task(turn, &task, 1, err);
    task_queue_add(startable && task->batched ? &applier->parked : aside, task);
    return true;
}

bool applier_start(struct applier *applier, struct turn *turn, struct hl_error **err)
{
    struct task_queue aside = {.tasks = NULL};
    const size_t limit = applier_limit(applier);
    bool ok = true;
    bool moved = true;

    while (ok && moved) {
        moved = false;
        while (ok && applier->running < limit && applier->ready.count > 0) {
            struct task *task = task_queue_take(&applier->ready);
            ok = move_on(applier, turn, task, &aside, err);
            moved = moved || task_is_terminal(task);
        }
        task_queue_move(&aside, &applier->ready);
        if (ok && !moved && applier->running == 0 && applier->parked.count > 0)
            ok = start_parked(applier, turn, &moved, err);
    }
    task_queue_free(&aside);
    return ok;
}
