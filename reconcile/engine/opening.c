/* Providers that come within reach during an apply: opened, awaited, set up and read by a worker. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

static bool keep(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    struct applier *applier = session->engine;

    return pool_keep(applier->pool, (struct session *)session, value, err); /* its first member */
}

static struct hl_value *setting_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct applier *applier = context;
    const struct hl_step *step = hl_map_find(&applier->engine->plan->by_address, address);

    return step == NULL ? hl_value_unknown(arena, address) : engine_setting_output(arena, step, output);
}

static void start_opening(struct applier *applier, struct session *session)
{
    const struct hl_outputs outputs = {applier_output, applier};
    const struct hl_outputs settings = {setting_output, applier};
    struct work *work = work_new(applier, 0);

    engine_session_open(applier->engine, session, &settings);
    if (session->state != SESSION_OPEN) {
        free(work);
        return;
    }
    work->opening = session;
    session->opening = true;
    session->session.keep = keep;
    session->session.engine = applier;
    engine_reading_prepare(applier->engine, session, &work->reading, &outputs);
    work_line_up(work);
}

void opening_run(struct work *work)
{
    work->ok = engine_session_await(work->opening, READY_TIMEOUT_MS, &work->error);
    if (work->ok)
        engine_reading_run(&work->reading);
}

/* Opens what comes late and was not tried yet. */
static void open_late(struct applier *applier, struct session *session)
{
    if ((session->state == SESSION_LATE || session->state == SESSION_CLOSED) && !session->read && !session->opening)
        start_opening(applier, session);
}

/* A view is opened when all that it is made of is open. */
static void open_view(struct applier *applier, struct session *view)
{
    open_late(applier, view->base);
    for (struct session **used = view->uses; *used != NULL; used++)
        open_late(applier, *used);
    if (engine_session_culprit(view)->opening)
        return;
    engine_session_join(view);
    if (view->state == SESSION_OPEN && !view->read)
        start_opening(applier, view);
}

bool opening_settled(struct task *task)
{
    struct applier *applier = task->applier;
    struct session *session = task->session;

    if (session->state == SESSION_OPEN || task->step->action == HL_ACTION_FORGET)
        return session->state != SESSION_OPEN || session->read || hl_map_has(&applier->engine->live, task->step->address) ||
               applier->engine->options.no_refresh;
    if (session->base != NULL)
        open_view(applier, session);
    else
        open_late(applier, session);
    return session->state == SESSION_FAILED || session->state == SESSION_LACKING;
}

void task_end_without_provider(struct task *task)
{
    const struct session *culprit = engine_session_culprit(task->session);

    if (task->session->state == SESSION_LACKING) {
        task_end_deferred(task, hl_arena_printf(task->arena, "provider '%s' has no %s yet", culprit->session.name, culprit->lacking));
        return;
    }
    task->step->action = HL_ACTION_REFUSE;
    task->step->refuse_code = culprit->error != NULL ? culprit->error->code : HL_E_UNREACHABLE;
    hl_auto(heap) char *why = culprit->error != NULL ? hl_error_text(culprit->error) : NULL;
    task->step->reason =
        hl_arena_printf(task->arena, "provider '%s' could not be opened%s%s", culprit->session.name, why != NULL ? ": " : "", why != NULL ? why : "");
    for (const struct hl_error *cause = culprit->error; cause != NULL && task->step->hint == NULL; cause = cause->cause)
        task->step->hint = cause->hint;
    if (task->step->hint != NULL) /* the plan was shown before: here is the only place to say what to do */
        task->step->reason = hl_arena_printf(task->arena, "%s -> %s", task->step->reason, task->step->hint);
    task_end_refused(task);
}

bool opening_recover(struct applier *applier, struct work *work, struct hl_error **err)
{
    struct hl_engine *engine = applier->engine;
    const struct hl_outputs outputs = {applier_output, applier};

    if (work->opening == NULL || !work->ok || engine->unresolved == 0)
        return true;
    if (!engine_recover_session(engine, work->opening, err))
        return false;
    applier->input = engine_plan_input(engine);
    hl_error_free(work->reading.error);
    engine_reading_prepare(engine, work->opening, &work->reading, &outputs);
    engine_reading_run(&work->reading);
    return true;
}
