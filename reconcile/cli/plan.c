#include "config.h"

#include "reconcile/cli/announce.h"
#include "reconcile/cli/commands.h"
#include "reconcile/cli/comment.h"
#include "reconcile/cli/planfile.h"
#include "reconcile/cli/preview.h"
#include "reconcile/cli/suspend.h"
#include "reconcile/render/layout.h"

static void show(struct hl_context *context, const struct hl_plan_view *view)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    switch (context->format) {
    case HL_FORMAT_HUMAN:
        /* Of what was asked for wrongly there is no plan to be read. */
        if (context->quiet || view->plan->diags.errors > 0)
            return;
        hl_render_plan_human(&out, view, context->look);
        break;
    case HL_FORMAT_JSON:
        hl_render_plan_json(&out, view);
        break;
    case HL_FORMAT_MARKDOWN:
        hl_comment_render(context, view, &out);
        break;
    }
    hl_sink_text(&context->out, &out);
}

/* With -v: how each provider was read. */
static void show_reads(struct hl_context *context, const struct hl_plan_view *view)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_table table;

    if (!context->verbose || view->stats_count == 0)
        return;
    hl_table_init(&table, context->arena, 4);
    hl_table_add(&table, (const char *const[]){"PROVIDER", "REQUESTS", "TIME", "RESULT"});
    for (size_t i = 0; i < view->stats_count; i++) {
        const struct hl_read_stats *stats = &view->stats[i];

        hl_table_add(&table, (const char *const[]){stats->provider, hl_arena_printf(context->arena, "%zu", stats->requests),
                                                   hl_arena_printf(context->arena, "%lld ms", (long long)stats->elapsed_ms),
                                                   stats->error != NULL ? "could not be read"
                                                   : stats->late        ? "later"
                                                                        : "read"});
    }
    hl_table_render(&out, &table, true, context->err_look.color, 0);
    hl_sink_text(&context->err, &out);
}

static bool differs(const struct hl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i]->moved_from != NULL)
            return true;
    }
    return plan->count > plan->counts[HL_ACTION_NONE];
}

/* What the plan comes to, also when nothing of it can be applied. */
static int judge(const struct hl_plan_view *view)
{
    const int code = (int)hl_exit_of_plan(view->plan, view->stats, view->stats_count);

    return code == HL_EXIT_OK && view->plan->guard != NULL ? HL_EXIT_REFUSED : code;
}

static int refuse_out(struct hl_context *context)
{
    struct hl_error *err = NULL;

    hl_fail(&err, HL_E_SPEC, "a preview cannot be applied: --out does not go with --preview");
    return hl_context_fail(context, err);
}

static void tell_saved(struct hl_context *context, const char *file)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (context->quiet || context->format != HL_FORMAT_HUMAN)
        return;
    hl_text_puts(&out, "saved in '");
    hl_put_safe(&out, file);
    hl_text_puts(&out, "'; `hlrec apply ");
    hl_put_safe(&out, file);
    hl_text_puts(&out, "` does exactly this, or nothing\n");
    (void)hl_sink_flush(&context->out); /* behind the plan */
    hl_sink_text(&context->err, &out);
}

static int run(struct hl_context *context)
{
    const char *out = hl_option_text(&context->options, HL_OPT_OUT);
    struct hl_plan_options options;
    struct hl_plan_view view;
    struct hl_error *err = NULL;
    struct hl_plan *plan = NULL;

    hl_context_plan_options(context, &options);

    const bool preview = hl_option_given(&context->options, HL_OPT_PREVIEW);
    int code = preview && out != NULL ? refuse_out(context) : preview ? hl_preview_run(context, &options, &plan) : hl_context_plan(context, &options, &plan);

    if (code != HL_EXIT_OK) {
        hl_comment_post(context, NULL, code);
        return code;
    }
    hl_outcome_plan(context, plan);
    hl_outcome_differences(context, plan, false);
    hl_context_view(context, plan, &view);
    if (preview)
        hl_preview_clean(context, &view);
    hl_suspension_note(context);
    show(context, &view);
    hl_context_diags(context, &plan->diags);
    show_reads(context, &view);
    code = judge(&view);
    hl_comment_post(context, &view, code);
    if (code != HL_EXIT_SPEC && out != NULL && !hl_planfile_save(context, out, &view, &options, &err))
        return hl_context_fail(context, err);
    if (code == HL_EXIT_OK && out != NULL && differs(plan))
        tell_saved(context, out);
    return code == HL_EXIT_OK && hl_option_given(&context->options, HL_OPT_DETAILED_EXITCODE) && differs(plan) ? HL_EXIT_DIFFERS : code;
}

const struct hl_command hl_command_plan = {
    .name = "plan",
    .summary = "show what would change",
    .usage = "[options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_FORMAT | HL_GROUP_MARKDOWN | HL_GROUP_SELECT | HL_GROUP_DECIDE | HL_GROUP_FORCE | HL_GROUP_RUN |
              HL_GROUP_PLAN | HL_GROUP_LIMIT | HL_GROUP_ANNOUNCE,
    .run = run,
    .help = "Compares the spec, what was last applied and what is live, and says what `hlrec apply` would do. Nothing is changed and no lock is taken.\n\n"
            "  hlrec plan\n"
            "  hlrec plan --target container.web --out web.plan && hlrec apply web.plan\n"
            "  hlrec plan --detailed-exitcode -q      # 0: nothing differs, 2: something does",
};
