#include "config.h"

#include "reconcile/cli/comment.h"

#include "reconcile/forge/forge.h"
#include "reconcile/render/markdown.h"

/* What the preview does not use, as notes of the comment. */
static void add_notes(struct hl_context *context, struct hl_markdown *markdown)
{
    const struct hl_preview_facts *preview = context->preview;

    if (preview == NULL)
        return;
    struct hl_markdown_note *notes = hl_arena_alloc(context->arena, (preview->unused.count + 1) * sizeof *notes);
    for (size_t i = 0; i < preview->unused.count; i++) {
        const struct hl_preview_unused *unused = &preview->unused.items[i];
        notes[i] = (struct hl_markdown_note){
            .subject = unused->path,
            .text = hl_arena_printf(context->arena, "%s here; not used in this preview", hl_preview_change_name(unused)),
            .file = context->file,
            .at = unused->at,
        };
    }
    markdown->notes = notes;
    markdown->notes_count = preview->unused.count;
}

static struct hl_markdown describe(struct hl_context *context, const struct hl_forge_place *place)
{
    struct hl_markdown markdown = {
        .max_size = (size_t)hl_option_int(&context->options, HL_OPT_MAX_SIZE, 0),
        .head = context->commit,
        .base = context->preview != NULL ? context->preview->base : NULL,
        .run = place != NULL ? place->run : NULL,
        .order_ms = place != NULL ? hl_wall_ms() - hl_context_elapsed_ms(context) : 0, /* when the run began */
        .preview = context->preview != NULL,
        /* A preview's values are masked before the proposal meets them: masking afterwards would tell whether a guess in it is right. */
        .redactor = context->preview == NULL ? context->redactor : NULL,
    };

    add_notes(context, &markdown);
    return markdown;
}

void hl_comment_render(struct hl_context *context, const struct hl_plan_view *view, struct hl_text *out)
{
    const struct hl_markdown markdown = describe(context, NULL);

    hl_render_plan_comment(out, view, &markdown);
}

static void put_status(const struct hl_plan_view *view, struct hl_text *out)
{
    if (view == NULL)
        hl_text_puts(out, "no plan could be made: the spec has errors");
    else
        hl_render_summary(out, view->plan);
}

static bool post(struct hl_context *context, const struct hl_forge_place *place, const struct hl_plan_view *view, struct hl_error **err)
{
    const char *forge = hl_option_text(&context->options, HL_OPT_COMMENT);
    const struct hl_markdown markdown = describe(context, place);
    const struct hl_plan_view none = {.file = context->file, .source = context->source, .commit = context->commit, .stack = context->stack};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text status = HL_TEXT_INIT(4096);
    const char *token = NULL;
    struct hl_forge_result result;

    if (!hl_forge_token(context->arena, context->environment, forge, context->redactor, &token, err))
        return false;
    if (view != NULL)
        hl_render_plan_comment(&text, view, &markdown);
    else
        hl_render_failure_comment(&text, &none, &markdown, &context->diags, NULL);
    put_status(view, &status);
    const struct hl_forge_post order = {
        .forge = forge,
        .api = place->api,
        .repository = place->repository,
        .pull = place->pull,
        .token = token,
        .author = place->author,
        .ca_file = place->ca_file,
        .markdown = hl_text_get(&text),
        .head = place->head != NULL ? place->head : context->commit,
        .state = view != NULL ? HL_FORGE_SUCCESS : HL_FORGE_FAILURE,
        .description = hl_text_get(&status),
        .context = hl_arena_printf(context->arena, "hlrec/%s", context->stack != NULL ? context->stack : "plan"),
        .target_url = place->run_url,
        .pipeline = place->pipeline,
        .fork = place->fork,
        .redactor = context->preview == NULL ? context->redactor : NULL,
        .interrupts = hl_signals_count(),
    };
    return hl_forge_summary(place, hl_text_get(&text), err) && hl_forge_post(&order, &result, err);
}

void hl_comment_post(struct hl_context *context, const struct hl_plan_view *view)
{
    struct hl_forge_place place = {.forge = NULL};
    struct hl_error *err = NULL;

    if (!hl_option_given(&context->options, HL_OPT_COMMENT))
        return;
    if (hl_forge_detect(context->arena, context->environment, &place, &err) && post(context, &place, view, &err))
        return;
    (void)hl_wrap(&err, "the pull request does not show the plan");
    (void)hl_context_fail(context, err); /* told; the plan's own exit code stands */
}
