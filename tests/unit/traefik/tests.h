/* The groups of this program, and what they share. */
#ifndef HL_TESTS_UNIT_TRAEFIK_TESTS_H
#define HL_TESTS_UNIT_TRAEFIK_TESTS_H

#include "schema/decode.h"

int hl_test_rule(void);
int hl_test_regexp(void);
int hl_test_kinds(void);
int hl_test_document(void);
int hl_test_provider(void);

/* Decodes a body as the spec would and runs the kind's check. */
struct hl_value *hl_test_decode(struct hl_arena *arena, const struct hl_kind *kind, const char *name, const char *yaml, struct hl_diags *diags);
/* Whether `live` has all that `desired` has, so that a plan would find no change. */
bool hl_test_covers(const struct hl_value *live, const struct hl_value *desired);

#endif
