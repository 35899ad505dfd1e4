/* Which resources a run is for: --target with what they need, --exclude with what depends on them. Pure; private to the plan. */
#ifndef HL_RECONCILE_PLAN_SELECT_H
#define HL_RECONCILE_PLAN_SELECT_H

#include "reconcile/plan/plan.h"

struct hl_selection {
    bool all;
    struct hl_map included; /* addresses; values are not used */
    struct hl_map excluded;
};

/* An address that names nothing, in the spec or recorded, is a finding. */
void hl_select(struct hl_selection *selection, struct hl_arena *arena, const struct hl_plan_input *input, struct hl_diags *diags);
bool hl_is_selected(const struct hl_selection *selection, const char *address);

#endif
