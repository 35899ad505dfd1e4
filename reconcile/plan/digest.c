#include "config.h"

#include "reconcile/plan/plan.h"
#include "schema/base/json.h"

/* Values in the clear: this text is hashed with a key and never leaves the process. */
static struct hl_value *digest_change(struct hl_arena *arena, const struct hl_change *change)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "path", change->path);
    hl_value_map_put(map, "desired", change->desired != NULL ? hl_value_copy(arena, change->desired) : NULL);
    hl_value_map_put(map, "live", change->live != NULL ? hl_value_copy(arena, change->live) : NULL);
    hl_value_map_put_text(map, "unknown", change->unknown);
    return map;
}

static struct hl_value *digest_step(struct hl_arena *arena, const struct hl_step *step)
{
    struct hl_value *map = hl_value_map(arena);
    struct hl_value *changes = hl_value_list(arena);

    hl_value_map_put_text(map, "address", step->address);
    hl_value_map_put_text(map, "action", hl_action_info(step->action)->name);
    hl_value_map_put_int(map, "order", (int64_t)step->order);
    hl_value_map_put_text(map, "id", step->live->id);
    hl_value_map_put_text(map, "reason", step->reason);
    hl_value_map_put_text(map, "moved_from", step->moved_from);
    hl_value_map_put(map, "desired", step->desired != NULL ? hl_value_copy(arena, step->desired) : NULL);
    for (size_t i = 0; i < step->changes_count; i++)
        hl_value_list_add(arena, changes, digest_change(arena, &step->changes[i]));
    hl_value_map_put(map, "changes", changes);
    return map;
}

void hl_plan_digest_text(struct hl_text *out, const struct hl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];
        if (step->action == HL_ACTION_NONE)
            continue;
        hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
        hl_json_encode(out, digest_step(scratch, step), HL_JSON_CANONICAL);
        hl_text_putc(out, '\n');
    }
}
