/* Deciding for one resource. Pure; private to the plan. */
#ifndef HL_RECONCILE_PLAN_DECIDE_H
#define HL_RECONCILE_PLAN_DECIDE_H

#include "reconcile/plan/diff.h"

/* What is decided about something that the spec has no more (or, with options.destroy, about anything recorded). */
struct hl_step *hl_decide_unwanted(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_recorded *recorded, const struct hl_live *live,
                                   const char *reason);
/* A step that changes nothing, for what --target and --exclude leave out. */
struct hl_step *hl_decide_excluded(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_resource *resource,
                                   const struct hl_recorded *recorded, const struct hl_live *live);

#endif
