/* Nodes and a field table to a typed value: all mistakes in one pass, short forms made long, equal meaning made equal.
 *
 * A scalar with references is resolved by check->scope first and then typed; an unknown result passes every check and stays unknown. */
#ifndef HL_SCHEMA_DECODE_H
#define HL_SCHEMA_DECODE_H

#include "schema/kind.h"
#include "schema/reader.h"

/* Decodes a mapping by `fields` (and, when `common` is true, lets the common fields pass without decoding them). Unknown keys, wrong types, missing
 * required keys and failed checks become findings; what can be decoded is in the result all the same. `what` names the place in findings: "container 'web'".
 * A null node decodes like an empty mapping. */
struct hl_value *hl_decode_object(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, unsigned forms, bool common,
                                  const char *what);
/* One value of a field; NULL when absent or after a finding. */
struct hl_value *hl_decode_field(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *what);
/* A field's default as a value; NULL when it has none. */
struct hl_value *hl_field_fallback(struct hl_arena *arena, const struct hl_field *field);
/* Types a scalar by YAML 1.2 core rules (null, true, false, int, float, else text), for HL_F_ANY. */
struct hl_value *hl_decode_scalar_core(struct hl_arena *arena, const struct hl_node *node);
/* A value as the spec would write it, on one line: durations and sizes in words, lists and maps in flow style. For messages, diffs and `adopt --write`. */
void hl_field_format(struct hl_text *out, const struct hl_field *field, const struct hl_value *value);

#endif
