/* Values as YAML that Traefik reads back as they are.
 *
 * Traefik runs each file through Go's templates before it reads the YAML, so `{{` must not stand anywhere in it; and it guesses types, so every text is
 * in double quotes. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_EMIT_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_EMIT_H

#include "schema/base/text.h"
#include "schema/base/value.h"

/* Appends a map as block YAML, `depth` levels of two blanks in. Entries in their order. */
void hl_traefik_emit_map(struct hl_text *out, const struct hl_value *map, size_t depth);
/* Appends one text in double quotes. */
void hl_traefik_emit_text(struct hl_text *out, const char *data, size_t length);

#endif
