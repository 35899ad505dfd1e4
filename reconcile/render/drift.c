#include "config.h"

#include "reconcile/render/change.h"
#include "reconcile/render/layout.h"
#include "reconcile/render/plan_json.h"
#include "schema/base/json.h"

#include <string.h>

void hl_shown_changes(struct hl_arena *arena, const struct hl_step *step, struct hl_changes *out)
{
    *out = (struct hl_changes){.items = step->changes, .count = step->changes_count};
    if (out->count == 0 && step->action == HL_ACTION_CREATE && step->kind != NULL && step->desired != NULL)
        hl_diff(arena, step->kind->fields, step->desired, NULL, NULL, NULL, out);
}

void hl_drift_changes(struct hl_arena *arena, const struct hl_step *step, struct hl_changes *out)
{
    *out = (struct hl_changes){0};
    if (step->drifted && step->kind != NULL && step->recorded != NULL && step->live->presence == HL_LIVE_PRESENT)
        hl_diff_drift(arena, step->kind->fields, step->recorded->desired, step->live->values, step->resource != NULL ? step->resource->ignore : NULL, out);
}

static bool is_gone(const struct hl_step *step)
{
    return step->recorded != NULL && step->live->presence == HL_LIVE_ABSENT;
}

static bool is_unread(const struct hl_step *step)
{
    return step->recorded != NULL && (step->live->presence == HL_LIVE_UNREADABLE || step->live->presence == HL_LIVE_UNREAD);
}

struct totals {
    size_t recorded, changed, gone, unread;
};

static struct totals count(const struct hl_plan *plan)
{
    struct totals totals = {0, 0, 0, 0};

    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        totals.recorded += step->recorded != NULL ? 1 : 0;
        if (is_gone(step))
            totals.gone++;
        else if (is_unread(step))
            totals.unread++;
        else if (step->drifted)
            totals.changed++;
    }
    return totals;
}

static void put_line(struct hl_text *out, const char *verb, enum hl_paint paint, const char *address, const char *reason, size_t width, bool color)
{
    size_t from = out->length;

    hl_paint(out, color, paint, verb);
    hl_pad(out, from, 9);
    from = out->length;
    hl_put_safe(out, address);
    hl_pad(out, from, width);
    hl_text_puts(out, "  ");
    hl_put_safe(out, reason);
    hl_text_putc(out, '\n');
}

static void put_step(struct hl_text *out, struct hl_arena *arena, const struct hl_step *step, struct hl_look look, size_t width)
{
    const struct hl_change_look change_look = {.look = look, .indent = 11, .drift = true};
    struct hl_changes changes;

    if (is_gone(step)) {
        put_line(out, "GONE", HL_PAINT_RED, step->address, "deleted outside hlrec", width, look.color);
    } else if (is_unread(step)) {
        put_line(out, "UNREAD", HL_PAINT_RED, step->address, step->live->presence == HL_LIVE_UNREAD ? "not read" : "could not be read", width, look.color);
    } else if (step->drifted) {
        put_line(out, "DRIFT", HL_PAINT_YELLOW, step->address, "changed outside hlrec", width, look.color);
        hl_drift_changes(arena, step, &changes);
        hl_changes_human(out, &changes, &change_look);
    }
}

void hl_render_drift_human(struct hl_text *out, const struct hl_plan_view *view, struct hl_look look)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct totals totals = count(view->plan);
    size_t width = 20;

    hl_render_head(out, view, "drift", look);
    for (size_t i = 0; i < view->plan->count; i++) {
        const struct hl_step *step = view->plan->steps[i];
        const size_t own = hl_width(step->address, strlen(step->address));

        if ((is_gone(step) || is_unread(step) || step->drifted) && own > width && own <= 48)
            width = own;
    }
    for (size_t i = 0; i < view->plan->count; i++)
        put_step(out, arena, view->plan->steps[i], look, width);
    if (totals.changed + totals.gone + totals.unread > 0)
        hl_text_putc(out, '\n');
    hl_text_printf(out, "Drift: %zu changed, %zu gone, %zu unchanged", totals.changed, totals.gone,
                   totals.recorded - totals.changed - totals.gone - totals.unread);
    if (totals.unread > 0)
        hl_text_printf(out, ", %zu not read", totals.unread);
    hl_text_puts(out, ".\n");
}

void hl_render_drift_json(struct hl_text *out, const struct hl_plan_view *view)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct totals totals = count(view->plan);
    struct hl_value *document = hl_plan_json_head(arena, view);
    struct hl_value *summary = hl_value_map(arena);

    hl_value_map_put_int(summary, "changed", (int64_t)totals.changed);
    hl_value_map_put_int(summary, "gone", (int64_t)totals.gone);
    hl_value_map_put_int(summary, "unread", (int64_t)totals.unread);
    hl_value_map_put_int(summary, "unchanged", (int64_t)(totals.recorded - totals.changed - totals.gone - totals.unread));
    hl_value_map_put(document, "summary", summary);
    hl_value_map_put(document, "drift", hl_plan_json_drift(arena, view));
    hl_value_map_put(document, "diagnostics", hl_render_diags_json(arena, &view->plan->diags));
    hl_json_encode(out, document, HL_JSON_PRETTY);
    hl_text_putc(out, '\n');
}
