#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/flow.h"

/* What a plan file settles already. */
static int refuse_options(struct hl_context *context)
{
    static const enum hl_option_id settled[] = {HL_OPT_TARGET, HL_OPT_EXCLUDE,     HL_OPT_REPLACE,     HL_OPT_DRIFT_ONLY,
                                                HL_OPT_ADOPT,  HL_OPT_MAX_DESTROY, HL_OPT_REFRESH_ONLY};
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(settled); i++) {
        if (!hl_option_given(&context->options, settled[i]))
            continue;
        hl_fail(&err, HL_E_SPEC, "--%s does not go with a plan file", hl_option_table[settled[i]].name);
        hl_error_hint(&err, "give it to `hlrec plan --out` instead");
        return hl_context_fail(context, err);
    }
    return HL_EXIT_OK;
}

static int run(struct hl_context *context)
{
    struct hl_flow flow = {.question = "\nApply? Only 'yes' is accepted: "};
    struct hl_saved_plan saved;
    struct hl_error *err = NULL;
    int code;

    hl_context_plan_options(context, &flow.plan);
    if (context->arguments_count > 0) {
        code = refuse_options(context);
        if (code != HL_EXIT_OK)
            return code;
        if (!hl_planfile_load(context, context->arguments[0], &saved, &err))
            return hl_context_fail(context, err);
        flow.plan = saved.options;
        flow.saved = &saved;
    }
    code = hl_context_load_spec(context);
    return code == HL_EXIT_OK ? hl_flow_run(context, &flow) : code;
}

const struct hl_command hl_command_apply = {
    .name = "apply",
    .summary = "make it so",
    .usage = "[options] [PLANFILE]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_LOCK | HL_GROUP_FORMAT | HL_GROUP_SELECT | HL_GROUP_DECIDE | HL_GROUP_FORCE | HL_GROUP_RUN |
              HL_GROUP_CONFIRM | HL_GROUP_ONLY_APPLY | HL_GROUP_LIMIT | HL_GROUP_ANNOUNCE,
    .max_arguments = 1,
    .run = run,
    .help =
        "Shows the plan, asks, and does it, in the order in which things need each other. With PLANFILE it does exactly what was saved, and refuses when the\n"
        "spec, the state or the live objects have changed since. Ctrl-C once finishes what is in flight; twice leaves at once; both are safe.\n\n"
        "  hlrec apply\n"
        "  hlrec apply --yes --drift-only         # from a timer: undo what was changed by hand\n"
        "  hlrec apply --yes --format json        # a JSON object a line",
};
