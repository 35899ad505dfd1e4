/* `hlrec plan --preview`. */
#ifndef HL_RECONCILE_CLI_PREVIEW_H
#define HL_RECONCILE_CLI_PREVIEW_H

#include "reconcile/cli/context.h"

/* Fetches base and head, reads the world by the base, and plans the head with nothing of it trusted. From the fetch on, this process sends nothing that changes
 * anything and starts no other. HL_EXIT_OK with *plan set and context->preview filled. */
int hl_preview_run(struct hl_context *context, const struct hl_plan_options *options, struct hl_plan **plan);
/* Masks the base's secrets in what the systems said while they were read. To be called before anything of the view is shown. */
void hl_preview_clean(struct hl_context *context, struct hl_plan_view *view);

#endif
