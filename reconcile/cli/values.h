/* Outputs and recorded values as text; used by `output`, `apply` and `state show`. */
#ifndef HL_RECONCILE_CLI_VALUES_H
#define HL_RECONCILE_CLI_VALUES_H

#include "reconcile/cli/context.h"

/* "Outputs:" and a line for each, or nothing when the spec has none. Needs an open engine. */
void hl_put_outputs(struct hl_context *context, struct hl_text *out);
/* `name  value` lines for each member, masked, by the kind's fields (NULL: unknown kind). */
void hl_put_members(struct hl_text *out, const struct hl_kind *kind, const struct hl_value *map, size_t indent);
/* One value on one line, escaped and masked. */
void hl_put_one_value(struct hl_text *out, const struct hl_field *field, const struct hl_value *value);

#endif
