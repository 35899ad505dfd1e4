#include "config.h"

#include "tests/unit/render/plans.h"

#include <string.h>

struct hl_step *hl_test_step(struct hl_arena *arena, const char *address, enum hl_action action)
{
    struct hl_step *step = hl_arena_alloc(arena, sizeof(*step));
    struct hl_live *live = hl_arena_alloc(arena, sizeof(*live));
    const char *dot = strchr(address, '.');

    live->presence = HL_LIVE_PRESENT;
    step->address = address;
    step->kind_name = hl_arena_copy(arena, address, (size_t)(dot - address));
    step->name = dot + 1;
    step->provider = "docker";
    step->action = action;
    step->reason = "because";
    step->order = action == HL_ACTION_REPLACE ? HL_REPLACE_DELETE_FIRST : HL_REPLACE_DEFAULT;
    step->live = live;
    return step;
}

struct hl_plan *hl_test_plan(struct hl_arena *arena, struct hl_step **steps, size_t count)
{
    struct hl_plan *plan = hl_arena_alloc(arena, sizeof(*plan));

    plan->arena = arena;
    plan->steps = steps;
    plan->count = count;
    hl_map_init(&plan->by_address, arena);
    hl_diags_init(&plan->diags, arena, "hlrec.yaml");
    for (size_t i = 0; i < count; i++) {
        plan->counts[steps[i]->action]++;
        hl_map_put(&plan->by_address, steps[i]->address, steps[i]);
    }
    return plan;
}
