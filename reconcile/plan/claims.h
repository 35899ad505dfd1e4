/* What one resource alone may have: an object of a system, and the places there that its kind claims (a container's name, a line of a dotenv file).
 * Pure; private to the plan. */
#ifndef HL_RECONCILE_PLAN_CLAIMS_H
#define HL_RECONCILE_PLAN_CLAIMS_H

#include "reconcile/plan/plan.h"

/* Looks at the steps together, after each was decided for itself: refuses a second resource for what another has already, forgets a record instead of deleting
 * an object that another resource has, and tells each step what others claim of what it had (`step->kept`). */
void hl_claims_settle(struct hl_plan *plan);

#endif
