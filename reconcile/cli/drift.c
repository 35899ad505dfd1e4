#include "config.h"

#include "reconcile/cli/announce.h"
#include "reconcile/cli/commands.h"

static void show(struct hl_context *context, const struct hl_plan *plan)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_plan_view view;

    hl_context_view(context, plan, &view);
    if (context->format == HL_FORMAT_JSON)
        hl_render_drift_json(&out, &view);
    else if (!context->quiet)
        hl_render_drift_human(&out, &view, context->look);
    hl_sink_text(&context->out, &out);
}

static int exit_code(const struct hl_context *context, const struct hl_plan *plan)
{
    size_t stats_count;
    const struct hl_read_stats *stats = hl_engine_stats(context->engine, &stats_count);

    for (size_t i = 0; i < stats_count; i++) {
        if (stats[i].error != NULL)
            return HL_EXIT_UNREACHABLE;
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i]->live->presence == HL_LIVE_UNREADABLE)
            return HL_EXIT_UNREACHABLE;
    }
    return hl_plan_drift(plan) > 0 ? HL_EXIT_DIFFERS : HL_EXIT_OK;
}

static int run(struct hl_context *context)
{
    struct hl_plan_options options;
    struct hl_plan *plan = NULL;

    hl_context_plan_options(context, &options);

    const int code = hl_context_plan(context, &options, &plan);

    if (code != HL_EXIT_OK)
        return code;
    hl_outcome_plan(context, plan);
    hl_outcome_differences(context, plan, true);
    show(context, plan);
    return exit_code(context, plan);
}

const struct hl_command hl_command_drift = {
    .name = "drift",
    .summary = "compare recorded with live only",
    .usage = "[options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_FORMAT | HL_GROUP_SELECT | HL_GROUP_RUN | HL_GROUP_LIMIT | HL_GROUP_ANNOUNCE,
    .run = run,
    .help =
        "Says what was changed or deleted outside hlrec since it was last applied; what the spec wants now does not matter here. Exits with 2 when something\n"
        "differs. `hlrec apply --drift-only` undoes it.",
};
