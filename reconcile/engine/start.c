/* Starting what is ready, within the limits: single actions at once, batches when nothing else runs. Intents are written in the turn's transaction. */
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

void work_line_up(struct work *work)
{
    struct applier *applier = work->applier;

    applier->lined_up++;
    work->job.next = applier->starting;
    applier->starting = &work->job;
}

/* ---- room ---- */

size_t applier_limit(const struct applier *applier)
{
    const struct hl_engine_options *options = &applier->engine->options;

    if (options->parallel > 0)
        return options->parallel;
    if (options->spec != NULL && options->spec->settings.parallel > 0)
        return (size_t)options->spec->settings.parallel;
    return DEFAULT_PARALLEL;
}

/* As many ahead as workers could end at the same time. */
static size_t with_those_ahead(size_t limit)
{
    return 2 * limit;
}

/* How many actions at once the instance bears: what the spec says, or the provider itself; 0: any number. */
static size_t own_limit(const struct session *session)
{
    const size_t said = session->spec != NULL ? (size_t)session->spec->parallel : 0;
    const struct hl_provider_verbs *verbs = session->session.type->verbs;
    const size_t own = session->state == SESSION_OPEN && verbs->parallel != NULL ? verbs->parallel((struct hl_session *)&session->session) : 0;

    if (said == 0 || own == 0)
        return said + own;
    return said < own ? said : own;
}

static struct session *instance_of(struct session *session)
{
    return session->base != NULL ? session->base : session;
}

/* For one that is open: only then the provider can say how much it bears. */
static struct line *line_of(struct applier *applier, struct session *session)
{
    struct session *instance = instance_of(session);

    if (instance->line == NULL) {
        instance->line = hl_arena_alloc(applier->engine->arena, sizeof *instance->line);
        *instance->line = (struct line){.lane = {.limit = own_limit(instance)}};
    }
    return instance->line;
}

static bool has_room(const struct line *line)
{
    return line->lane.limit == 0 || line->lined_up < with_those_ahead(line->lane.limit);
}

/* The first that waits for room in this line, if there is some. */
static void call_next(struct applier *applier, struct line *line)
{
    if (line != NULL && line->waiting.count > 0 && has_room(line))
        task_queue_add(&applier->ready, task_queue_take(&line->waiting));
}

void work_leave_line(struct work *work)
{
    struct line *line = line_of(work->applier, work->tasks[0]->session);

    line->lined_up--;
    call_next(work->applier, line);
}

/* ---- starting ---- */

static bool start_task(struct task **tasks, size_t count, struct hl_error **err)
{
    struct applier *applier = tasks[0]->applier;
    struct line *line = line_of(applier, tasks[0]->session);
    struct work *work = work_new(applier, count);

    for (size_t i = 0; i < count; i++) {
        work->tasks[i] = tasks[i];
        task_prepare(tasks[i]);
        tasks[i]->state = TASK_RUNNING;
        if (!task_intend(tasks[i], err)) {
            work_free(work);
            return false;
        }
    }
    work->job.rank = tasks[0]->number;
    work->job.lane = &line->lane;
    line->lined_up++;
    work_line_up(work);
    return true;
}

/* All of them, in as few batches as can be. */
static bool start_batches(struct task **ready, size_t count, struct hl_error **err)
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
        ok = start_task(batch, members, err);
    }
    free(batch);
    return ok;
}

/* A batch starts when nothing else can run, so that as much as possible goes in at once. What it needs may be settled otherwise by now, then the rest has to be
 * looked at before: *moved. */
static bool start_parked(struct applier *applier, bool *moved, struct hl_error **err)
{
    struct task **ready = hl_alloc((applier->parked.count + 1) * sizeof *ready);
    size_t count = 0;
    bool ok = true;

    for (struct task *task = task_queue_take(&applier->parked); ok && task != NULL; task = task_queue_take(&applier->parked)) {
        bool startable = false;
        ok = task_advance(task, &startable, err);
        *moved = *moved || task_is_terminal(task);
        if (startable)
            ready[count++] = task;
        else if (!task_is_terminal(task))
            task_queue_add(&applier->ready, task);
    }
    if (ok && !*moved && applier->lined_up == 0)
        ok = start_batches(ready, count, err);
    for (size_t i = 0; i < count; i++) {
        if (ready[i]->state == TASK_WAITING)
            task_queue_add(&applier->parked, ready[i]);
    }
    free(ready);
    return ok;
}

static bool line_up(struct task *task, struct hl_error **err)
{
    struct line *line = line_of(task->applier, task->session);

    if (has_room(line))
        return start_task(&task, 1, err);
    task_queue_add(&line->waiting, task);
    return true;
}

/* Settles it when it needs no action, lines it up when it can be started; else it waits in one of the queues. */
static bool move_on(struct applier *applier, struct task *task, struct task_queue *aside, struct hl_error **err)
{
    bool startable = false;

    if (!task_advance(task, &startable, err))
        return false;
    if (startable && task->batched)
        task_queue_add(&applier->parked, task);
    else if (startable && !line_up(task, err))
        return false;
    else if (!startable && !task_is_terminal(task))
        task_queue_add(aside, task);
    if (task->session != NULL)
        call_next(applier, instance_of(task->session)->line);
    return true;
}

bool applier_start(struct applier *applier, struct hl_error **err)
{
    struct task_queue aside = {.tasks = NULL}; /* they wait for their provider */
    const size_t most = with_those_ahead(applier_limit(applier));
    bool ok = true;
    bool moved = true;

    while (ok && moved) {
        moved = false;
        while (ok && applier->lined_up < most && applier->ready.count > 0) {
            struct task *task = task_queue_take(&applier->ready);
            ok = move_on(applier, task, &aside, err);
            moved = moved || task_is_terminal(task);
        }
        task_queue_move(&aside, &applier->ready);
        if (ok && !moved && applier->lined_up == 0 && applier->parked.count > 0)
            ok = start_parked(applier, &moved, err);
    }
    task_queue_free(&aside);
    return ok;
}
