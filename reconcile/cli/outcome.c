/* What a run finds and does, collected for its metrics and notifications. */
#include "config.h"

#include "reconcile/cli/announce.h"

#include "reconcile/render/layout.h"

#include <string.h>

enum { LINES_KEPT = 30, MESSAGE_KEPT = 300 };

const char *hl_standing_name(enum hl_standing standing)
{
    static const char *const names[] = {"in_place", "differs", "deferred", "refused", "failed", "skipped"};

    _Static_assert(HL_COUNT(names) == HL_STANDINGS, "a name for each standing");
    return names[standing];
}

static bool is_drift(const struct hl_step *step)
{
    return step->drifted || (step->recorded != NULL && step->live->presence == HL_LIVE_ABSENT);
}

size_t hl_plan_drift(const struct hl_plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += is_drift(plan->steps[i]) ? 1 : 0;
    return count;
}

static enum hl_standing standing_of(enum hl_action action)
{
    switch (action) {
    case HL_ACTION_NONE:
        return HL_STANDS_IN_PLACE;
    case HL_ACTION_DEFER:
        return HL_STANDS_DEFERRED;
    case HL_ACTION_REFUSE:
        return HL_STANDS_REFUSED;
    case HL_ACTION_CREATE:
    case HL_ACTION_UPDATE:
    case HL_ACTION_REPLACE:
    case HL_ACTION_DELETE:
    case HL_ACTION_ADOPT:
    case HL_ACTION_FORGET:
    case HL_ACTIONS:
        break;
    }
    return HL_STANDS_DIFFERS;
}

/* A plan names what could not be read; with --quiet it is not shown, and a notification never shows it. */
static void tell_unread(struct hl_context *context)
{
    size_t count;
    const struct hl_read_stats *stats = hl_engine_stats(context->engine, &count);

    /* What a preview may tell is chosen elsewhere: cli/preview.c. */
    if (hl_option_given(&context->options, HL_OPT_PREVIEW))
        return;
    for (size_t i = 0; i < count; i++) {
        hl_auto(heap) char *reason = stats[i].error != NULL ? hl_error_text(stats[i].error) : NULL;

        if (reason == NULL)
            continue;

        const char *line = hl_arena_printf(context->arena, "provider '%s' could not be read: %s", stats[i].provider, reason);

        hl_outcome_error(context, line);
        if (context->quiet && context->format == HL_FORMAT_HUMAN)
            hl_context_warn(context, line);
    }
}

void hl_outcome_plan(struct hl_context *context, const struct hl_plan *plan)
{
    struct hl_outcome *outcome = context->outcome;

    memset(outcome->standings, 0, sizeof(outcome->standings));
    outcome->planned = true;
    outcome->total = plan->count;
    outcome->drifted = hl_plan_drift(plan);
    for (size_t i = 0; i < plan->count; i++)
        outcome->standings[standing_of(plan->steps[i]->action)]++;
    tell_unread(context);
}

static size_t less(size_t from, size_t count)
{
    return from > count ? from - count : 0;
}

void hl_outcome_apply(struct hl_context *context, size_t plan_count, const struct hl_apply_result *result)
{
    struct hl_outcome *outcome = context->outcome;
    size_t *standings = outcome->standings;

    for (int action = 0; action < HL_ACTIONS; action++)
        outcome->changed += action == HL_ACTION_NONE ? 0 : result->done[action];
    memset(standings, 0, sizeof(outcome->standings));
    standings[HL_STANDS_FAILED] = result->failed;
    standings[HL_STANDS_SKIPPED] = result->skipped;
    standings[HL_STANDS_DEFERRED] = result->deferred;
    standings[HL_STANDS_REFUSED] = result->refused;
    standings[HL_STANDS_DIFFERS] = outcome->held;
    outcome->total = less(plan_count, result->done[HL_ACTION_DELETE] + result->done[HL_ACTION_FORGET]);
    standings[HL_STANDS_IN_PLACE] = less(outcome->total, result->failed + result->skipped + result->deferred + result->refused + outcome->held);
}

/* Addresses and short reasons only: what is told to others never holds a value. */
static void add_line(struct hl_outcome *outcome, const char *word, const char *address, const char *reason)
{
    if (outcome->lines_count == LINES_KEPT) {
        outcome->lines_left++;
        return;
    }
    outcome->lines_count++;
    hl_text_printf(&outcome->lines, "%s ", word);
    hl_put_safe(&outcome->lines, address);
    if (!hl_is_blank(reason)) {
        hl_text_puts(&outcome->lines, ": ");
        hl_text_put_escaped(&outcome->lines, reason, strnlen(reason, MESSAGE_KEPT));
    }
    hl_text_putc(&outcome->lines, '\n');
}

void hl_outcome_event(struct hl_context *context, const struct hl_event *event)
{
    hl_auto(heap) char *reason = event->error != NULL ? hl_error_text(event->error) : NULL;

    if (event->address == NULL)
        return;
    if (event->type == HL_EVENT_DONE && event->action != HL_ACTION_NONE)
        add_line(context->outcome, hl_action_info(event->action)->done, event->address, NULL);
    else if (event->type == HL_EVENT_FAILED)
        add_line(context->outcome, "failed", event->address, reason);
    else if (event->type == HL_EVENT_SKIPPED)
        add_line(context->outcome, "skipped", event->address, NULL);
}

void hl_outcome_error(struct hl_context *context, const char *line)
{
    if (context->outcome != NULL && context->outcome->error == NULL)
        context->outcome->error = hl_arena_strdup(context->arena, line);
}

void hl_outcome_differences(struct hl_context *context, const struct hl_plan *plan, bool only_drift)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (only_drift && is_drift(step))
            add_line(context->outcome, step->live->presence == HL_LIVE_ABSENT ? "gone:" : "changed outside hlrec:", step->address, NULL);
        else if (!only_drift && step->action != HL_ACTION_NONE)
            add_line(context->outcome, hl_action_info(step->action)->name, step->address, step->reason);
    }
}
