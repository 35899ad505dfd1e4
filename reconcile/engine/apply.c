/* A run: begun in the state, walked, ended. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

static bool apply_moves(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_spec *spec = engine->options.spec;

    for (size_t i = 0; spec != NULL && i < spec->moved_count; i++) {
        const struct hl_move *move = &spec->moved[i];
        if (!hl_map_has(engine->records, move->from) || hl_map_has(engine->records, move->to))
            continue;
        if (!hl_store_move(engine->store, move->from, move->to, err))
            return hl_wrap(err, "moving %s to %s in the state", move->from, move->to);
    }
    return true;
}

static bool refresh_records(struct hl_engine *engine, struct hl_error **err)
{
    for (size_t i = 0; i < engine->plan->count; i++) {
        if (!settle_refreshed(engine, engine->plan->steps[i], err))
            return false;
    }
    return true;
}

static bool begin_run(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_engine_options *options = &engine->options;

    if (!hl_store_begin(engine->store, err))
        return false;
    if (hl_store_run_begin(engine->store, options->command, options->source, options->commit, &engine->run_id, err) && apply_moves(engine, err) &&
        (!options->plan.refresh_only || refresh_records(engine, err)) && hl_store_commit(engine->store, err))
        return true;
    hl_store_rollback(engine->store);
    return false;
}

static const char *result_name(const struct hl_apply_result *result, bool ok)
{
    if (!ok)
        return "broken";
    if (result->interrupted)
        return "interrupted";
    if (result->failed > 0 || result->refused > 0)
        return "failed";
    return result->deferred > 0 ? "deferred" : "done";
}

static bool end_run(struct hl_engine *engine, const struct hl_apply_result *result, bool ok, struct hl_error **err)
{
    const struct hl_run_row row = {
        .id = engine->run_id,
        .result = result_name(result, ok),
        .finished_ms = engine_wall_ms(),
        .created = (int64_t)result->done[HL_ACTION_CREATE],
        .updated = (int64_t)(result->done[HL_ACTION_UPDATE] + result->done[HL_ACTION_ADOPT]),
        .replaced = (int64_t)result->done[HL_ACTION_REPLACE],
        .deleted = (int64_t)(result->done[HL_ACTION_DELETE] + result->done[HL_ACTION_FORGET]),
        .failed = (int64_t)result->failed,
        .deferred = (int64_t)result->deferred,
    };
    return hl_store_run_end(engine->store, &row, HISTORY_RUNS, err);
}

static bool keep_now(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    struct session *own = (struct session *)session; /* its first member */

    return engine_keep(session->engine, own, value, err);
}

/* A session's own token that works and ends soon is renewed by the way; where that fails, there is time until the next run. */
static void renew_due(struct hl_engine *engine)
{
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        struct hl_error *error = NULL;
        if (session->base != NULL || session->state != SESSION_OPEN || !session->session.due)
            continue;
        session->session.keep = keep_now;
        session->session.engine = engine;
        session->session.due = false;
        if (session->session.type->verbs->setup(&session->session, &error))
            continue;
        hl_auto(heap) char *text = hl_error_text(error);
        engine_note(engine, "provider '%s': its own token ends soon and could not be renewed: %s", session->session.name, text);
        hl_error_free(error);
    }
}

static bool check_plan(const struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_plan *plan = engine->plan;

    if (plan->diags.errors > 0)
        return hl_fail(err, HL_E_SPEC, "the plan has errors; nothing was changed");
    if (plan->guard != NULL) {
        (void)hl_fail(err, HL_E_REFUSED, "%s", plan->guard);
        return plan->guard_hint != NULL ? hl_error_hint(err, "%s", plan->guard_hint) : false;
    }
    return true;
}

/* A worker does not come back: ending the process is all that is left, and safe, since its intent is on the disk. */
static void leave(struct applier *applier, bool ok)
{
    hl_auto(error) struct hl_error *ignored = NULL;

    (void)end_run(applier->engine, applier->result, ok, &ignored);
    _Exit(9);
}

static bool run_tasks(struct applier *applier, struct hl_error **err)
{
    const size_t limit = applier_limit(applier);
    const atomic_int *interrupts = applier->engine->options.interrupts;

    tasks_make(applier);
    applier->pool = pool_new(limit < applier->count ? limit : applier->count + 1);
    const bool ok = applier_walk(applier, err);
    atomic_store(&applier->engine->run.lost, !ok);
    applier_drain(applier);
    applier->result->interrupted = interrupts != NULL && *interrupts > 0;
    tasks_skip_rest(applier);
    if (!pool_free(applier->pool, LEAVE_MS))
        leave(applier, ok);
    return ok;
}

bool hl_engine_apply(struct hl_engine *engine, const struct hl_apply_options *options, struct hl_apply_result *result, struct hl_error **err)
{
    struct applier applier = {.engine = engine, .options = options, .result = result};
    struct hl_error *ending = NULL;

    *result = (struct hl_apply_result){0};
    if (!check_plan(engine, err) || !begin_run(engine, err))
        return false;
    renew_due(engine);
    applier.input = engine_plan_input(engine);
    hl_map_init(&applier.by_address, engine->arena);
    bool ok = engine->options.plan.refresh_only || run_tasks(&applier, err);
    if (!end_run(engine, result, ok, &ending) && ok) {
        *err = ending;
        ok = hl_wrap(err, "closing the run in the state");
    } else {
        hl_error_free(ending);
    }
    tasks_free(&applier);
    engine->plan = NULL;
    return ok && engine_load_records(engine, err);
}
