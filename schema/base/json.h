/* JSON text and values, both ways. The only module that knows cJSON.
 *
 * cJSON objects are linked lists, so each document becomes an hl_value (maps are hashed) once, and nobody else looks at cJSON.
 * Numbers without fraction become HL_INT, read from the text where cJSON's double would lose digits. */
#ifndef HL_SCHEMA_BASE_JSON_H
#define HL_SCHEMA_BASE_JSON_H

#include "schema/base/error.h"
#include "schema/base/text.h"
#include "schema/base/value.h"

/* Parses exactly one document; trailing white space is fine. Values live in the arena. */
bool hl_json_decode(struct hl_arena *arena, const char *text, size_t length, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* Called for each element of a list; return false (with err set) to stop. The element is gone after the call: copy what stays. */
typedef bool hl_json_element_fn(void *context, struct hl_value *element, struct hl_error **err);
/* Walks a document that is one list, an element at a time: memory does not grow with the list. */
bool hl_json_each(const char *text, size_t length, hl_json_element_fn *visit, void *context, struct hl_error **err) HL_MUST_CHECK;

enum hl_json_style {
    HL_JSON_COMPACT,   /* one line */
    HL_JSON_PRETTY,    /* two blanks a level */
    HL_JSON_CANONICAL, /* compact, keys sorted by bytes: equal values give equal bytes */
};
/* What a terminal would not show as it is is written as \uXXXX, but in canonical text, of which hashes are made. Appends; sensitive and unknown values are
 * written as they are (unknown as null): mask before. */
void hl_json_encode(struct hl_text *out, const struct hl_value *value, enum hl_json_style style);
/* Appends "..." with JSON escapes. */
void hl_json_put_string(struct hl_text *out, const char *data, size_t length);

#endif
