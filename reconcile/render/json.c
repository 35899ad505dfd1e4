/* The JSON of design §6. Additions are fine within format_version 1, removals are not. */
#include "config.h"

#include "schema/base/json.h"

#include "reconcile/render/plan_json.h"

#include <string.h>

enum { FORMAT_VERSION = 1 };

static struct hl_value *side(struct hl_arena *arena, const struct hl_change *change, const struct hl_value *value)
{
    return change->sensitive ? hl_value_null(arena) : hl_render_mask(arena, value, false);
}

static struct hl_value *change_value(struct hl_arena *arena, const struct hl_change *change, bool drift)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "path", change->path);
    hl_value_map_put(map, "before", side(arena, change, drift ? change->recorded : change->live));
    hl_value_map_put(map, "after", side(arena, change, drift ? change->live : change->desired));
    if (!drift)
        hl_value_map_put(map, "recorded", side(arena, change, change->recorded));
    hl_value_map_put_text(map, "origin", hl_origin_name(change->origin));
    hl_value_map_put_bool(map, "sensitive", change->sensitive);
    hl_value_map_put(map, "unknown", hl_value_text(arena, change->unknown));
    hl_value_map_put_bool(map, "forces_replacement", change->forces_replacement);
    if (change->at.line > 0)
        hl_value_map_put_int(map, "line", change->at.line);
    return map;
}

static struct hl_value *changes_value(struct hl_arena *arena, const struct hl_changes *changes, bool drift)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < changes->count; i++)
        hl_value_list_add(arena, list, change_value(arena, &changes->items[i], drift));
    return list;
}

static struct hl_value *names(struct hl_arena *arena, const char *const *items)
{
    struct hl_value *list = hl_value_list(arena);

    for (; items != NULL && *items != NULL; items++)
        hl_value_list_add(arena, list, hl_value_text(arena, *items));
    return list;
}

static void put_optional_parts(struct hl_arena *arena, struct hl_value *map, const struct hl_step *step)
{
    hl_value_map_put_text(map, "hint", step->hint);
    hl_value_map_put_text(map, "waits_for", step->waits_for);
    hl_value_map_put_text(map, "moved_from", step->moved_from);
    hl_value_map_put_text(map, "note", step->live->note);
    if (step->action == HL_ACTION_REPLACE)
        hl_value_map_put_text(map, "replace_order", step->order == HL_REPLACE_CREATE_FIRST ? "create-first" : "delete-first");
    if (step->action == HL_ACTION_REFUSE)
        hl_value_map_put_text(map, "code", hl_code_name(step->refuse_code));
    if (step->loses_data)
        hl_value_map_put_bool(map, "loses_data", true);
    if (step->action == HL_ACTION_REFUSE && step->live->error != NULL)
        hl_value_map_put(map, "error", hl_render_error_json(arena, step->live->error));
}

static struct hl_value *action_value(struct hl_arena *arena, const struct hl_step *step)
{
    struct hl_value *map = hl_value_map(arena);
    struct hl_changes changes;

    hl_shown_changes(arena, step, &changes);
    hl_value_map_put_text(map, "address", step->address);
    hl_value_map_put_text(map, "kind", step->kind_name);
    hl_value_map_put_text(map, "name", step->name);
    hl_value_map_put_text(map, "provider", step->provider);
    hl_value_map_put_text(map, "action", hl_action_info(step->action)->name);
    hl_value_map_put_text(map, "reason", step->reason);
    put_optional_parts(arena, map, step);
    hl_value_map_put(map, "needs", names(arena, step->needs));
    hl_value_map_put(map, "used_by", names(arena, step->used_by));
    hl_value_map_put(map, "line", step->at.line > 0 ? hl_value_int(arena, step->at.line) : hl_value_null(arena));
    hl_value_map_put(map, "changes", changes_value(arena, &changes, false));
    return map;
}

static struct hl_value *summary_value(struct hl_arena *arena, const struct hl_plan *plan)
{
    static const enum hl_action shown[] = {HL_ACTION_CREATE, HL_ACTION_UPDATE, HL_ACTION_REPLACE, HL_ACTION_DELETE,
                                           HL_ACTION_ADOPT,  HL_ACTION_FORGET, HL_ACTION_DEFER,   HL_ACTION_REFUSE};
    struct hl_value *map = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(shown); i++)
        hl_value_map_put_int(map, hl_action_info(shown[i])->name, (int64_t)plan->counts[shown[i]]);
    hl_value_map_put_int(map, "unchanged", (int64_t)plan->counts[HL_ACTION_NONE]);
    return map;
}

static struct hl_value *preview_value(struct hl_arena *arena, const struct hl_preview_facts *preview)
{
    struct hl_value *map = hl_value_map(arena);
    struct hl_value *unused = hl_value_list(arena);

    hl_value_map_put_text(map, "base", preview->base);
    hl_value_map_put_int(map, "ahead", (int64_t)preview->ahead);
    hl_value_map_put_int(map, "behind", (int64_t)preview->behind);
    hl_value_map_put_bool(map, "conflicts", preview->conflicts);
    for (size_t i = 0; i < preview->unused.count; i++) {
        struct hl_value *item = hl_value_map(arena);
        hl_value_map_put_text(item, "path", preview->unused.items[i].path);
        hl_value_map_put_text(item, "change", hl_preview_change_name(&preview->unused.items[i]));
        hl_value_list_add(arena, unused, item);
    }
    hl_value_map_put(map, "unused", unused);
    return map;
}

struct hl_value *hl_plan_json_head(struct hl_arena *arena, const struct hl_plan_view *view)
{
    struct hl_value *map = hl_value_map(arena);
    struct hl_value *source = hl_value_map(arena);

    hl_value_map_put_text(source, view->source != NULL ? "git" : "file", view->source != NULL ? view->source : view->file);
    hl_value_map_put_text(source, "commit", view->commit);
    hl_value_map_put_text(source, "signer", view->signer);
    hl_value_map_put_int(map, "format_version", FORMAT_VERSION);
    hl_value_map_put_text(map, "stack", view->stack);
    hl_value_map_put_text(map, "hlrec_version", PACKAGE_VERSION);
    hl_value_map_put(map, "source", source);
    hl_value_map_put_int(map, "state_serial", view->serial);
    if (view->preview != NULL)
        hl_value_map_put(map, "preview", preview_value(arena, view->preview));
    return map;
}

struct hl_value *hl_plan_json_drift(struct hl_arena *arena, const struct hl_plan_view *view)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < view->plan->count; i++) {
        const struct hl_step *step = view->plan->steps[i];
        const bool gone = step->recorded != NULL && step->live->presence == HL_LIVE_ABSENT;
        struct hl_changes changes;

        if (!step->drifted && !gone)
            continue;

        struct hl_value *map = hl_value_map(arena);

        hl_drift_changes(arena, step, &changes);
        hl_value_map_put_text(map, "address", step->address);
        hl_value_map_put_bool(map, "gone", gone);
        hl_value_map_put(map, "changes", changes_value(arena, &changes, true));
        hl_value_list_add(arena, list, map);
    }
    return list;
}

static struct hl_value *stats_value(struct hl_arena *arena, const struct hl_plan_view *view)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < view->stats_count; i++) {
        const struct hl_read_stats *stats = &view->stats[i];
        struct hl_value *map = hl_value_map(arena);

        hl_value_map_put_text(map, "provider", stats->provider);
        hl_value_map_put_int(map, "requests", (int64_t)stats->requests);
        hl_value_map_put_int(map, "elapsed_ms", stats->elapsed_ms);
        hl_value_map_put_bool(map, "late", stats->late);
        if (stats->error != NULL)
            hl_value_map_put(map, "error", hl_render_error_json(arena, stats->error));
        hl_value_list_add(arena, list, map);
    }
    return list;
}

struct hl_value *hl_render_plan_value(struct hl_arena *arena, const struct hl_plan_view *view)
{
    struct hl_value *document = hl_plan_json_head(arena, view);
    struct hl_value *actions = hl_value_list(arena);

    for (size_t i = 0; i < view->plan->count; i++) {
        if (view->plan->steps[i]->action != HL_ACTION_NONE)
            hl_value_list_add(arena, actions, action_value(arena, view->plan->steps[i]));
    }
    hl_value_map_put(document, "summary", summary_value(arena, view->plan));
    if (view->plan->guard != NULL) {
        struct hl_value *guard = hl_value_map(arena);

        hl_value_map_put_text(guard, "message", view->plan->guard);
        hl_value_map_put_text(guard, "hint", view->plan->guard_hint);
        hl_value_map_put(document, "guard", guard);
    }
    hl_value_map_put(document, "actions", actions);
    hl_value_map_put(document, "drift", hl_plan_json_drift(arena, view));
    hl_value_map_put(document, "diagnostics", hl_render_diags_json(arena, &view->plan->diags));
    hl_value_map_put(document, "providers", stats_value(arena, view));
    return document;
}

void hl_render_plan_json(struct hl_text *out, const struct hl_plan_view *view)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    hl_json_encode(out, hl_render_plan_value(arena, view), HL_JSON_PRETTY);
    hl_text_putc(out, '\n');
}

/* ---- events ---- */

static const char *const event_names[] = {
    [HL_EVENT_NOTE] = "note",     [HL_EVENT_START] = "start",       [HL_EVENT_PROGRESS] = "progress", [HL_EVENT_DONE] = "done",
    [HL_EVENT_FAILED] = "failed", [HL_EVENT_DEFERRED] = "deferred", [HL_EVENT_SKIPPED] = "skipped",
};
_Static_assert(HL_COUNT(event_names) == HL_EVENTS, "a name for each event");

const char *hl_event_name(enum hl_event_type type)
{
    return event_names[type];
}

void hl_render_event_json(struct hl_text *out, const struct hl_event *event, int64_t now_ms)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *map = hl_value_map(arena);

    hl_render_put_time(map, "time", now_ms);
    hl_value_map_put_text(map, "event", event_names[event->type]);
    hl_value_map_put_text(map, "address", event->address);
    if (event->type != HL_EVENT_NOTE) {
        hl_value_map_put_text(map, "action", hl_action_info(event->action)->name);
        hl_value_map_put_int(map, "elapsed_ms", event->elapsed_ms);
        hl_value_map_put_int(map, "finished", (int64_t)event->finished);
        hl_value_map_put_int(map, "total", (int64_t)event->total);
    }
    hl_value_map_put_text(map, "message", event->message);
    if (event->error != NULL)
        hl_value_map_put(map, "error", hl_render_error_json(arena, event->error));
    hl_json_encode(out, map, HL_JSON_COMPACT);
    hl_text_putc(out, '\n');
}

struct hl_value *hl_render_apply_value(struct hl_arena *arena, const struct hl_apply_result *result, int64_t elapsed_ms)
{
    struct hl_value *map = hl_value_map(arena);

    for (int action = HL_ACTION_CREATE; action <= HL_ACTION_FORGET; action++)
        hl_value_map_put_int(map, hl_action_info((enum hl_action)action)->name, (int64_t)result->done[action]);
    hl_value_map_put_int(map, "failed", (int64_t)result->failed);
    hl_value_map_put_int(map, "deferred", (int64_t)result->deferred);
    hl_value_map_put_int(map, "skipped", (int64_t)result->skipped);
    hl_value_map_put_int(map, "refused", (int64_t)result->refused);
    hl_value_map_put_bool(map, "interrupted", result->interrupted);
    hl_value_map_put_bool(map, "unreachable", result->unreachable);
    hl_value_map_put_bool(map, "not_converging", result->not_converging);
    hl_value_map_put_int(map, "elapsed_ms", elapsed_ms);
    return map;
}
