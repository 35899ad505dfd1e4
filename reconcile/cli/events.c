#include "config.h"

#include "reconcile/cli/context.h"

#include "reconcile/cli/announce.h"
#include "reconcile/render/layout.h"

static bool is_tick(const struct hl_event *event)
{
    return event->type == HL_EVENT_PROGRESS && event->address == NULL;
}

static void put_words(struct hl_context *context, const char *head, const char *message)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_paint(&out, context->err_look.color, HL_PAINT_YELLOW, head);
    hl_text_putc(&out, ' ');
    hl_put_safe(&out, message);
    hl_text_putc(&out, '\n');
    hl_sink_text(&context->err, &out);
}

void hl_context_note(struct hl_context *context, const char *message)
{
    if (!context->quiet)
        put_words(context, "note:", message);
    hl_context_log(context, "note", message, -1);
}

void hl_context_warn(struct hl_context *context, const char *message)
{
    put_words(context, "warning:", message);
    hl_context_log(context, "warning", message, -1);
}

static void on_event(void *pointer, const struct hl_event *event)
{
    struct hl_context *context = pointer;
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_RENDER);
    const bool stream = context->progress != NULL && context->format == HL_FORMAT_JSON;

    if (!is_tick(event) && (stream || context->log.stream != NULL))
        hl_render_event_json(&line, event, hl_wall_ms());
    if (stream) {
        hl_sink_text(&context->out, &line);
        (void)hl_sink_flush(&context->out);
    }
    if (context->log.stream != NULL) {
        hl_sink_text(&context->log, &line);
        (void)hl_sink_flush(&context->log);
    }
    hl_outcome_event(context, event);
    if (context->progress == NULL && event->type == HL_EVENT_NOTE && !context->quiet)
        put_words(context, "note:", event->message);
    else if (context->progress != NULL && context->format != HL_FORMAT_JSON)
        hl_progress_event(context->progress, event);
}

/* A step that grew teeth on the way. With --yes there is nobody who agreed to it. */
static bool on_confirm(void *pointer, const struct hl_step *step)
{
    struct hl_context *context = pointer;
    const struct hl_plan_view view = {.file = context->file};
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    bool answer;

    if (hl_option_given(&context->options, HL_OPT_YES))
        return false;
    if (context->progress != NULL)
        hl_progress_pause(context->progress);
    hl_text_puts(&out, "\nThe plan had put this off; now it is known:\n");
    hl_render_step_human(&out, &view, step, context->err_look);
    hl_sink_text(&context->err, &out);
    answer = hl_prompt(context, "Do it? Only 'yes' is accepted: ") == HL_ANSWER_YES;
    if (context->progress != NULL)
        hl_progress_resume(context->progress);
    return answer;
}

struct hl_listener hl_context_listener(struct hl_context *context)
{
    return (struct hl_listener){.event = on_event, .confirm = on_confirm, .context = context};
}
