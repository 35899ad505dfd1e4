#include "config.h"

#include "reconcile/cli/hold.h"

#include "reconcile/cli/announce.h"
#include "schema/window.h"

#include <string.h>
#include <time.h>

enum { DAY_MINUTES = 24 * 60, WEEK_MINUTES = 7 * DAY_MINUTES };

/* Minutes until the next of the windows opens; 0: one is open, or there is none. *opens is the minute of the week then. */
static int wait_for_window(const struct hl_value *windows, int64_t now_ms, int *opens)
{
    const time_t seconds = (time_t)(now_ms / 1000);
    int least = -1;
    struct tm now;

    if (localtime_r(&seconds, &now) == NULL)
        return 0;
    for (size_t i = 0; i < hl_value_count(windows); i++) {
        const struct hl_value *item = hl_value_item(windows, i);
        struct hl_window window;

        if (!hl_value_is(item, HL_TEXT) || !hl_window_parse(item->text.data, &window))
            continue;
        const int wait = hl_window_wait(&window, now.tm_wday, now.tm_hour * 60 + now.tm_min);
        least = least < 0 || wait < least ? wait : least;
    }
    *opens = (now.tm_wday * DAY_MINUTES + now.tm_hour * 60 + now.tm_min + (least < 0 ? 0 : least)) % WEEK_MINUTES;
    return least < 0 ? 0 : least;
}

static bool is_action(const struct hl_step *step)
{
    return step->action == HL_ACTION_CREATE || step->action == HL_ACTION_UPDATE || step->action == HL_ACTION_REPLACE;
}

static bool corrects_drift(struct hl_arena *arena, const struct hl_step *step)
{
    return is_action(step) && step->recorded != NULL && hl_step_drift_text(arena, step)[0] != '\0';
}

/* What is there because of the spec; a recorded resource that is only put off is not. */
static bool follows_spec(const struct hl_step *step)
{
    return (is_action(step) || step->action == HL_ACTION_ADOPT || (step->action == HL_ACTION_DEFER && step->recorded == NULL)) && step->resource != NULL;
}

/* The addresses to be left alone, NULL-terminated behind those that --exclude names. Steps stand in the order in which they need each other, so that one pass
 * from the end finds all that a change of the spec needs. */
static const char **find_held(struct hl_context *context, const struct hl_plan *plan, size_t *held)
{
    const char *const *excludes = hl_option_list(&context->options, HL_OPT_EXCLUDE);
    size_t count = 0;
    struct hl_map wanted;

    while (excludes != NULL && excludes[count] != NULL)
        count++;

    const char **out = hl_arena_alloc(context->arena, (count + plan->count + 1) * sizeof(*out));

    if (count > 0)
        memcpy(out, excludes, count * sizeof(*out));
    hl_map_init(&wanted, context->arena);
    for (size_t i = plan->count; i-- > 0;) {
        const struct hl_step *step = plan->steps[i];
        const bool drift = corrects_drift(context->arena, step);

        if ((drift || !follows_spec(step)) && !hl_map_has(&wanted, step->address)) {
            if (drift)
                out[count + (*held)++] = hl_arena_strdup(context->arena, step->address);
            continue;
        }
        for (size_t j = 0; step->resource != NULL && j < step->resource->needs_count; j++)
            hl_map_put(&wanted, step->resource->needs[j].to->address, NULL);
    }
    return out;
}

static void tell(struct hl_context *context, size_t held, int opens)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

    hl_context_note(context, hl_arena_printf(context->arena, "drift of %zu resource%s is left alone: settings.window opens on %s at %02d:%02d", held,
                                             held == 1 ? "" : "s", days[opens / DAY_MINUTES], opens % DAY_MINUTES / 60, opens % 60));
}

struct hl_plan *hl_hold_drift(struct hl_context *context, struct hl_plan *plan)
{
    const bool unattended = hl_option_given(&context->options, HL_OPT_YES) || hl_option_given(&context->options, HL_OPT_DRIFT_ONLY);
    const struct hl_value *windows = context->spec != NULL ? hl_value_get(context->spec->settings.value, "window") : NULL;
    size_t held = 0;
    int opens = 0;

    if (!unattended || wait_for_window(windows, hl_wall_ms(), &opens) == 0)
        return plan;

    const char **excludes = find_held(context, plan, &held);

    if (held == 0)
        return plan;
    context->outcome->held = held;
    tell(context, held, opens);
    hl_engine_exclude(context->engine, excludes);
    return hl_engine_plan(context->engine);
}
