/* The three-way comparison of one resource, driven by its field table. Pure. */
#ifndef HL_RECONCILE_PLAN_DIFF_H
#define HL_RECONCILE_PLAN_DIFF_H

#include "reconcile/plan/plan.h"

struct hl_changes {
    struct hl_change *items;
    size_t count;
    size_t capacity;
};

/* Fields the spec names are compared with the live ones; a field that is recorded and no longer named goes back to its fallback; all others are left
 * alone. Maps and keyed lists are compared entry by entry (entries that neither desired nor recorded name are left alone), sets without order.
 * `ignore` holds field paths whose differences do not count (NULL-terminated, or NULL). */
void hl_diff(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *desired, const struct hl_value *recorded,
             const struct hl_value *live, const char *const *ignore, struct hl_changes *out);
/* Live against recorded only, for `drift` and for --refresh-only: each change's desired is the recorded value. */
void hl_diff_drift(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *recorded, const struct hl_value *live,
                   const char *const *ignore, struct hl_changes *out);

#endif
