#include "config.h"

#include "reconcile/cli/comment.h"

#include "reconcile/cli/source.h"
#include "reconcile/forge/forge.h"
#include "reconcile/render/markdown.h"

#include <string.h>

/* What tells the comments of one pull request apart besides the stack: what the user says, or which file of the repository the spec is. A file of the machine
 * does not: its path may be another in the next run. */
static const char *target_of(const struct hl_context *context)
{
    const char *id = hl_option_text(&context->options, HL_OPT_COMMENT_ID);
    const char *path = hl_option_given(&context->options, HL_OPT_GIT) ? hl_source_path(context) : NULL;

    if (id != NULL)
        return id;
    return path != NULL && strcmp(path, "hlrec.yaml") != 0 ? path : NULL;
}

/* The commit that the comment is about, and that gets the status. A preview knows it best: the pull request may have moved since its event started the job. */
static const char *head_of(const struct hl_context *context, const struct hl_forge_place *place)
{
    if (context->preview != NULL && context->preview->head != NULL)
        return context->preview->head;
    return place != NULL && place->head != NULL ? place->head : context->commit;
}

static struct hl_markdown describe(const struct hl_context *context, const struct hl_forge_place *place)
{
    return (struct hl_markdown){
        .max_size = (size_t)hl_option_int(&context->options, HL_OPT_MAX_SIZE, 0),
        .target = target_of(context),
        .head = head_of(context, place),
        .run = place != NULL ? place->run : NULL,
        .order_ms = place != NULL ? hl_wall_ms() - hl_context_elapsed_ms(context) : 0, /* when the run began */
        /* The sink's own: a preview's values are masked before the proposal meets them; masking afterwards would tell whether a guess in it is right. */
        .redactor = context->out.redactor,
    };
}

void hl_comment_render(struct hl_context *context, const struct hl_plan_view *view, struct hl_text *out)
{
    const struct hl_markdown markdown = describe(context, NULL);

    hl_render_plan_comment(out, view, &markdown);
}

static enum hl_forge_state state_of(int code)
{
    switch (code) {
    case HL_EXIT_OK:
        return HL_FORGE_SUCCESS;
    case HL_EXIT_SPEC:
    case HL_EXIT_REFUSED:
    case HL_EXIT_NOT_CONVERGING:
        return HL_FORGE_FAILURE;
    default:
        return HL_FORGE_ERROR;
    }
}

/* What the status says beside its state. */
static void put_status(const struct hl_context *context, const struct hl_plan_view *view, int code, struct hl_text *out)
{
    const size_t errors = context->diags.errors;

    if (view != NULL) {
        hl_text_puts(out, code == HL_EXIT_OK            ? ""
                          : code == HL_EXIT_UNREACHABLE ? "not all could be read: "
                          : code == HL_EXIT_SPEC        ? "the spec has errors: "
                                                        : "apply would refuse: ");
        hl_render_verdict(out, view->plan);
    } else if (errors > 0) {
        hl_text_printf(out, "no plan could be made: the spec has %zu %s", errors, errors == 1 ? "error" : "errors");
    } else {
        hl_text_puts(out, "no plan could be made: the run failed");
    }
}

/* Whether the comment would say anything but that all is as it should be. */
static bool has_news(const struct hl_plan_view *view)
{
    bool news = view == NULL || view->plan->count > view->plan->counts[HL_ACTION_NONE] || view->plan->diags.count > 0;

    if (news)
        return true;
    for (size_t i = 0; i < view->plan->count; i++)
        news = news || view->plan->steps[i]->moved_from != NULL;
    for (size_t i = 0; i < view->stats_count; i++)
        news = news || view->stats[i].error != NULL;
    return news || (view->preview != NULL && (view->preview->conflicts || view->preview->unused.count > 0));
}

static void render(struct hl_context *context, const struct hl_forge_place *place, const struct hl_plan_view *view, struct hl_text *out)
{
    const struct hl_plan_view none = {.file = context->file, .source = context->source, .commit = head_of(context, place), .stack = hl_context_stack(context)};
    const struct hl_markdown markdown = describe(context, place);

    if (view != NULL)
        hl_render_plan_comment(out, view, &markdown);
    else
        hl_render_failure_comment(out, &none, &markdown, &context->diags, context->failure);
}

/* "hlrec/bifrost", "hlrec/bifrost/nas" */
static const char *status_name(struct hl_context *context)
{
    const char *stack = hl_context_stack(context);
    const char *target = target_of(context);

    return hl_arena_printf(context->arena, "hlrec/%s%s%s", stack != NULL ? stack : "plan", target != NULL ? "/" : "", target != NULL ? target : "");
}

static bool post(struct hl_context *context, const struct hl_plan_view *view, int code, struct hl_redactor *redactor, struct hl_error **err)
{
    const char *forge = hl_option_text(&context->options, HL_OPT_COMMENT);
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text status = HL_TEXT_INIT(4096);
    const char *token = NULL;
    struct hl_forge_place place;
    struct hl_forge_result result;

    if (!hl_forge_detect(context->arena, context->environment, &place, err))
        return false;
    render(context, &place, view, &text);
    put_status(context, view, code, &status);
    /* The run's page needs no token: a pull request from a fork has none. */
    if (!hl_forge_summary(&place, hl_text_get(&text), err) || !hl_forge_token(context->arena, context->environment, forge, redactor, &token, err))
        return false;
    const struct hl_forge_post order = {
        .forge = forge,
        .api = place.api,
        .repository = place.repository,
        .pull = place.pull,
        .token = token,
        .author = place.author,
        .ca_file = place.ca_file,
        .markdown = hl_text_get(&text),
        .only_update = !has_news(view),
        .head = head_of(context, &place),
        .state = state_of(code),
        .description = hl_text_get(&status),
        .context = status_name(context),
        .target_url = place.run_url,
        .pipeline = place.pipeline,
        .fork = place.fork,
        .redactor = redactor,
        .interrupts = hl_signals_count(),
    };
    return hl_forge_post(&order, &result, err);
}

/* One line: the plan was printed in full, in a format that others may be reading. */
static void warn(struct hl_context *context, const struct hl_error *error)
{
    hl_auto(heap) char *reason = hl_error_text(error);
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_text_printf(&text, "the pull request does not show the plan: %s", reason);
    for (; error != NULL; error = error->cause) {
        if (error->hint != NULL)
            hl_text_printf(&text, "; %s", error->hint);
    }
    hl_context_warn(context, hl_text_get(&text));
}

void hl_comment_post(struct hl_context *context, const struct hl_plan_view *view, int code)
{
    /* A preview is not searched for the run's secrets, but for this one: nobody who proposes something can have it to guess with. */
    struct hl_redactor *own = context->out.redactor == NULL ? hl_redactor_new() : NULL;
    hl_auto(error) struct hl_error *err = NULL;

    if (hl_option_given(&context->options, HL_OPT_COMMENT) && !post(context, view, code, own != NULL ? own : context->redactor, &err))
        warn(context, err);
    hl_redactor_free(own);
}
