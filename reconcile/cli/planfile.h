/* A saved plan: what was shown, and the seals by which `apply PLANFILE` knows that it would still do exactly that. It holds no secret: values are masked, the
 * seals are keyed (or, before there is a key, salted and slow) hashes. */
#ifndef HL_RECONCILE_CLI_PLANFILE_H
#define HL_RECONCILE_CLI_PLANFILE_H

#include "reconcile/cli/context.h"

enum { HL_PLANFILE_VERSION = 1, HL_PLANFILE_MOST = 256 * 1024 * 1024 };

struct hl_saved_plan {
    const char *stack, *state_id; /* state_id is "" when there was no state yet */
    const char *spec_hash, *digest;
    const char *salt; /* of `digest`, when there was no state and so no key */
    int64_t serial;
    struct hl_plan_options options;
};

/* Writes the plan that `view` shows. */
bool hl_planfile_save(struct hl_context *context, const char *path, const struct hl_plan_view *view, const struct hl_plan_options *options,
                      struct hl_error **err) HL_MUST_CHECK;
/* HL_E_SPEC when it is no plan file. */
bool hl_planfile_parse(struct hl_arena *arena, const char *path, const char *text, size_t length, struct hl_saved_plan *out,
                       struct hl_error **err) HL_MUST_CHECK;
bool hl_planfile_load(struct hl_context *context, const char *path, struct hl_saved_plan *out, struct hl_error **err) HL_MUST_CHECK;
/* HL_E_REFUSED, saying what has changed since, unless `plan`, computed now, is the saved one. */
bool hl_planfile_check(struct hl_context *context, const struct hl_saved_plan *saved, const struct hl_plan *plan, struct hl_error **err) HL_MUST_CHECK;

#endif
