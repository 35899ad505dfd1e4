/* Would Go's regexp package (RE2 syntax) take this expression? Traefik compiles with it; an expression that it refuses disables the router
 * that has it. Only says whether it compiles: nothing is matched. Pure. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_REGEXP_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_REGEXP_H

#include "schema/base/arena.h"

/* NULL when it compiles; else what is wrong, and in *at the byte where. The text lives in `arena`. */
const char *hl_regexp_problem(struct hl_arena *arena, const char *regexp, size_t length, size_t *at);

#endif
