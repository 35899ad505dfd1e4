/* The plan as markdown: on stdout, and as a comment on the pull request. */
#ifndef HL_RECONCILE_CLI_COMMENT_H
#define HL_RECONCILE_CLI_COMMENT_H

#include "reconcile/cli/context.h"

/* Appends the plan as --format markdown shows it, within --max-size. */
void hl_comment_render(struct hl_context *context, const struct hl_plan_view *view, struct hl_text *out);
/* With --comment: posts the plan (NULL: that there is none, with the findings or the error that are to blame) and sets the commit's status by `code`, the exit
 * code of the run but for --detailed-exitcode. A plan with nothing to tell corrects a comment that is there and makes none. What goes wrong is a warning: the
 * plan stands. Must be called even when no plan could be made, so that the pull request says so. */
void hl_comment_post(struct hl_context *context, const struct hl_plan_view *view, int code);

#endif
