#include "config.h"

#include "reconcile/cli/flow.h"

#include "reconcile/cli/announce.h"
#include "reconcile/cli/hold.h"
#include "reconcile/cli/signature.h"
#include "reconcile/cli/suspend.h"
#include "reconcile/cli/values.h"
#include "reconcile/render/layout.h"
#include "schema/base/json.h"

enum { WAIT_PAUSE_MS = 2000 };

static bool has_actions(const struct hl_plan *plan)
{
    return plan->count > plan->counts[HL_ACTION_NONE] + plan->counts[HL_ACTION_DEFER] + plan->counts[HL_ACTION_REFUSE];
}

/* {"time","event",NAME: value} on a line of its own. */
static void put_event(struct hl_context *context, const char *event, const char *name, struct hl_value *value)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_value *map = hl_value_map(context->arena);

    hl_render_put_time(map, "time", hl_wall_ms());
    hl_value_map_put_text(map, "event", event);
    hl_value_map_put(map, name, value);
    hl_json_encode(&line, map, HL_JSON_COMPACT);
    hl_text_putc(&line, '\n');
    hl_sink_text(&context->out, &line);
    (void)hl_sink_flush(&context->out);
}

static void show_plan(struct hl_context *context, const struct hl_plan *plan)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const bool asks = !hl_option_given(&context->options, HL_OPT_YES);
    struct hl_plan_view view;

    hl_context_view(context, plan, &view);
    /* Of what was asked for wrongly there is no plan to be read, but for programs, which find the mistakes in it. */
    if (plan->diags.errors > 0 && context->format == HL_FORMAT_HUMAN)
        return;
    if (context->format == HL_FORMAT_JSON) {
        put_event(context, "plan", "plan", hl_render_plan_value(context->arena, &view));
        return;
    }
    /* Nobody is asked about what was not shown. */
    if (context->quiet && !(asks && has_actions(plan)))
        return;
    hl_render_plan_human(&out, &view, context->look);
    hl_sink_text(&context->out, &out);
    (void)hl_sink_flush(&context->out);
}

static bool read_world(struct hl_context *context, struct hl_error **err)
{
    return hl_engine_recover(context->engine, err) && hl_engine_refresh(context->engine, err);
}

/* What stops the run before anything is done. */
static int check_plan(struct hl_context *context, const struct hl_flow *flow, struct hl_plan *plan)
{
    struct hl_error *err = NULL;

    hl_context_diags(context, &plan->diags);
    if (plan->diags.errors > 0)
        return HL_EXIT_SPEC;
    if (flow->saved != NULL && !hl_planfile_check(context, flow->saved, plan, &err))
        return hl_context_fail(context, err);
    if (plan->guard != NULL) {
        hl_fail(&err, HL_E_REFUSED, "%s", plan->guard);
        if (plan->guard_hint != NULL)
            hl_error_hint(&err, "%s", plan->guard_hint);
        return hl_context_fail(context, err);
    }
    return HL_EXIT_OK;
}

static void show_result(struct hl_context *context, const struct hl_apply_result *result, int64_t elapsed, bool acted)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (context->format == HL_FORMAT_JSON) {
        put_event(context, "summary", "summary", hl_render_apply_value(context->arena, result, elapsed));
        return;
    }
    if (context->quiet && !acted)
        return;
    if (!context->quiet && acted)
        hl_put_outputs(context, &out);
    hl_render_apply_summary(&out, result, elapsed, context->look);
    hl_sink_text(&context->out, &out);
}

/* What was applied whole is what the next commit must follow (--verify-signatures). */
static bool keep_commit(struct hl_context *context, const struct hl_apply_result *result, struct hl_error **err)
{
    const bool whole = !hl_option_given(&context->options, HL_OPT_DRIFT_ONLY) && !hl_option_given(&context->options, HL_OPT_REFRESH_ONLY);

    if (context->commit == NULL || !whole || result->interrupted || result->failed > 0 || result->refused > 0)
        return true;
    return hl_store_put(hl_engine_store(context->engine), HL_APPLIED_COMMIT, context->commit, err) || hl_wrap(err, "recording the applied commit");
}

static int apply(struct hl_context *context, bool has_work, enum hl_exit planned)
{
    const struct hl_apply_options options = {.allow_destroy = hl_option_given(&context->options, HL_OPT_ALLOW_DESTROY)};
    const int64_t started = hl_context_elapsed_ms(context);
    struct hl_apply_result result;
    struct hl_error *err = NULL;

    context->progress = hl_progress_new(&context->err, context->quiet);

    const size_t plan_count = context->outcome->total;
    const bool ok = hl_engine_apply(context->engine, &options, &result, &err);

    hl_progress_free(context->progress);
    context->progress = NULL;
    if (!ok)
        return hl_context_fail(context, err);
    hl_outcome_apply(context, plan_count, &result);
    if (!keep_commit(context, &result, &err))
        return hl_context_fail(context, err);

    size_t done = 0;

    for (int action = 0; action < HL_ACTIONS; action++)
        done += action == HL_ACTION_NONE ? 0 : result.done[action];
    /* What could not be read is not "nothing to do". */
    const bool told = has_work || done > 0 || result.refused + result.skipped + result.failed > 0;

    if (!told && !context->quiet && context->format == HL_FORMAT_HUMAN)
        hl_sink_puts(&context->out, result.deferred > 0 ? "Nothing to do now.\n" : "Nothing to do.\n");
    if (told || context->format == HL_FORMAT_JSON)
        show_result(context, &result, hl_context_elapsed_ms(context) - started, done > 0);

    const enum hl_exit code = hl_exit_of_apply(&result);
    const bool went_well = code == HL_EXIT_OK || code == HL_EXIT_DEFERRED || code == HL_EXIT_REFUSED;

    /* What could not be read was not applied, however well the rest went. */
    return (int)(went_well && planned == HL_EXIT_UNREACHABLE ? planned : code);
}

/* What was agreed to was a plan without these. */
static bool destroys(const struct hl_plan *plan)
{
    return plan->counts[HL_ACTION_DELETE] + plan->counts[HL_ACTION_REPLACE] > 0;
}

/* --wait: looks every now and then whether what deferred steps wait for has come, and goes on when it has. */
static int wait_for_deferred(struct hl_context *context, int code)
{
    const int64_t deadline = hl_context_elapsed_ms(context) + hl_option_int(&context->options, HL_OPT_WAIT, 0);
    const struct hl_run run = {.interrupts = hl_signals_count()};
    struct hl_error *err = NULL;

    while (code == HL_EXIT_DEFERRED && hl_context_elapsed_ms(context) < deadline && *run.interrupts == 0) {
        (void)hl_run_sleep(&run, WAIT_PAUSE_MS);
        if (!read_world(context, &err))
            return hl_context_fail(context, err);
        const struct hl_plan *plan = hl_engine_plan(context->engine);
        if (plan->guard != NULL || plan->diags.errors > 0 || (destroys(plan) && !hl_option_given(&context->options, HL_OPT_ALLOW_DESTROY)))
            break;
        if (has_actions(plan))
            code = apply(context, true, HL_EXIT_OK);
    }
    return code;
}

int hl_flow_run(struct hl_context *context, const struct hl_flow *flow)
{
    struct hl_error *err = NULL;
    int code = hl_context_open_engine(context, true, &flow->plan);

    if (code != HL_EXIT_OK)
        return code;
    code = hl_suspension_refuse(context);
    if (code != HL_EXIT_OK)
        return code;
    if (!read_world(context, &err))
        return hl_context_fail(context, err);

    struct hl_plan *plan = hl_engine_plan(context->engine);

    hl_outcome_plan(context, plan);
    /* A saved plan was looked at by somebody, and `destroy` is no correction. */
    if (flow->saved == NULL && !flow->plan.destroy)
        plan = hl_hold_drift(context, plan);
    show_plan(context, plan);
    code = check_plan(context, flow, plan);
    if (code != HL_EXIT_OK)
        return code;

    size_t stats_count;
    const struct hl_read_stats *stats = hl_engine_stats(context->engine, &stats_count);
    const enum hl_exit planned = hl_exit_of_plan(plan, stats, stats_count);
    const bool has_work = has_actions(plan);

    if (has_work)
        code = hl_prompt_or_refuse(context, flow->question);
    /* Without actions there are still records to be brought up to date: moves, protection, what was read. */
    return code != HL_EXIT_OK ? code : wait_for_deferred(context, apply(context, has_work, planned));
}
