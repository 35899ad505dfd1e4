/* The last line of defence against leaks: every sink (terminal, log, JSON, state history, notifications) writes through it.
 *
 * It knows each secret value of the run, present and former, and masks it wherever it stands: raw, base64 (three alignments), hex, URL- and
 * JSON-escaped. Values shorter than 6 bytes are not searched for (they would mask innocent text); they are masked by type only.
 * Thread-safe. */
#ifndef HL_SCHEMA_BASE_REDACT_H
#define HL_SCHEMA_BASE_REDACT_H

#include "schema/base/text.h"
#include "schema/base/value.h"

struct hl_redactor;

#define HL_REDACTED "(sensitive)"

struct hl_redactor *hl_redactor_new(void);
void hl_redactor_free(struct hl_redactor *redactor);
void hl_redactor_add(struct hl_redactor *redactor, const char *data, size_t length);
/* Adds every sensitive text within `value`. */
void hl_redactor_add_value(struct hl_redactor *redactor, const struct hl_value *value);
/* Whether a secret stands in `data`. A NULL redactor knows none. */
bool hl_redactor_finds(const struct hl_redactor *redactor, const char *data, size_t length);
/* Appends `data` with each secret masked. A NULL redactor copies. */
void hl_redact(const struct hl_redactor *redactor, struct hl_text *out, const char *data, size_t length);

#endif
