/* The tables of what is no kind: the spec's own top-level keys, and the fields that every resource and every provider instance takes.
 * Read by the loader and, like the tables of kinds, by schema/emit.h's functions. */
#ifndef HL_SCHEMA_SECTIONS_H
#define HL_SCHEMA_SECTIONS_H

#include "schema/kind.h"

extern const struct hl_field hl_top_fields[];      /* hlrec, stack, variables, ...; kinds add their sections */
extern const struct hl_field hl_variable_fields[]; /* of a variable in its long form */
extern const struct hl_field hl_output_fields[];   /* of an output in its long form */
extern const struct hl_field hl_provider_fields[]; /* besides the settings of the provider's type */

/* The row of hl_top_fields; the name must be there. */
const struct hl_field *hl_top_field_get(const char *name);
/* "30%" to 0.3, "5" to 5; one of them is set, the other is -1. False when it is neither. */
bool hl_parse_max_destroy(const char *text, int64_t *number, double *share);

#endif
