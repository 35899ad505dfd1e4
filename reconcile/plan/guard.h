/* What keeps a plan from being applied as a whole. Pure; private to the plan. */
#ifndef HL_RECONCILE_PLAN_GUARD_H
#define HL_RECONCILE_PLAN_GUARD_H

#include "reconcile/plan/plan.h"

/* Sets plan->guard when something must not happen: a conflict or protected object among the steps, more deletions than max_destroy allows, everything of a
 * provider gone at once. */
void hl_guard(struct hl_plan *plan, const struct hl_plan_input *input);

#endif
