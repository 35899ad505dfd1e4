/* What the emitters share: a field's type, forms and properties in words. */
#ifndef HL_SCHEMA_EMITTING_H
#define HL_SCHEMA_EMITTING_H

#include "schema/kind.h"

/* Whether the spec may set it. */
bool hl_emit_is_input(const struct hl_field *field);
/* Whether it is there for references only. */
bool hl_emit_is_output(const struct hl_field *field);
/* "list of text; one item needs no list": the type with its short forms. */
void hl_emit_type(struct hl_text *out, const struct hl_field *field);
/* "required; a change replaces it; default 30s": what else there is to say, each part behind "; ". Empty when nothing. */
void hl_emit_notes(struct hl_text *out, const struct hl_field *field);
/* `text` line by line, each behind `indent`; a newline at the end is not doubled. */
void hl_emit_indented(struct hl_text *out, const char *text, const char *indent);
/* Whether the field has members of its own to explain. */
bool hl_emit_has_members(const struct hl_field *field);

#endif
