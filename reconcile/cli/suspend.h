/* A stack that nobody is to touch for a while: kept in the state, told by `plan` and `status`, heeded by `apply` and `destroy`. */
#ifndef HL_RECONCILE_CLI_SUSPEND_H
#define HL_RECONCILE_CLI_SUSPEND_H

#include "reconcile/cli/context.h"

struct hl_suspension {
    const char *who, *reason; /* who is NAME@HOST */
    int64_t since_ms;
    int64_t until_ms; /* 0: until `hlrec resume` */
};

/* *out is NULL when the stack is not suspended, or when the end has passed. */
bool hl_suspension_load(struct hl_store *store, struct hl_arena *arena, const struct hl_suspension **out, struct hl_error **err) HL_MUST_CHECK;
/* "suspended by alice@nas since ... until ...: REASON" */
const char *hl_suspension_text(struct hl_arena *arena, const struct hl_suspension *suspension);
struct hl_value *hl_suspension_json(struct hl_arena *arena, const struct hl_suspension *suspension);

/* For the open engine's stack: ends the command when it is suspended, HL_EXIT_OK to go on. */
int hl_suspension_refuse(struct hl_context *context);
/* Only notes it. */
void hl_suspension_note(struct hl_context *context);

#endif
