/* Parts of the plan's JSON that the drift report has as well. Private to render. */
#ifndef HL_RECONCILE_RENDER_PLAN_JSON_H
#define HL_RECONCILE_RENDER_PLAN_JSON_H

#include "reconcile/render/change.h"

/* {"format_version", "stack", "hlrec_version", "source", "state_serial"}. */
struct hl_value *hl_plan_json_head(struct hl_arena *arena, const struct hl_plan_view *view);
/* [{"address","changes"}]: what live differs in from the record. */
struct hl_value *hl_plan_json_drift(struct hl_arena *arena, const struct hl_plan_view *view);

#endif
