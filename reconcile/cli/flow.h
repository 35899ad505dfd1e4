/* What `apply` and `destroy` have in common: recover, read, plan, show, ask, do, tell. */
#ifndef HL_RECONCILE_CLI_FLOW_H
#define HL_RECONCILE_CLI_FLOW_H

#include "reconcile/cli/planfile.h"

struct hl_flow {
    struct hl_plan_options plan;
    const struct hl_saved_plan *saved; /* what must come out, or NULL */
    const char *question;
};

/* The spec has been loaded (or there is none). Gives the exit code. */
int hl_flow_run(struct hl_context *context, const struct hl_flow *flow);

#endif
