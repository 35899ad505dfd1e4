/* settings.window: when drift may be corrected with nobody looking on. */
#ifndef HL_RECONCILE_CLI_HOLD_H
#define HL_RECONCILE_CLI_HOLD_H

#include "reconcile/cli/context.h"

/* Outside of the window of a run that is unattended (--yes or --drift-only): leaves alone what only drift changed and no change of the spec needs, tells so,
 * and makes the plan anew. Else gives `plan` back. */
struct hl_plan *hl_hold_drift(struct hl_context *context, struct hl_plan *plan);

#endif
