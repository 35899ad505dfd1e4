/* Moments as people write and read them. */
#ifndef HL_RECONCILE_CLI_MOMENT_H
#define HL_RECONCILE_CLI_MOMENT_H

#include "schema/base/arena.h"

/* "18:00" (the next one), "2026-12-24", "2026-12-24 18:00" with or without seconds and with 'T' or a blank between: local time; behind hours "Z" or "+01:00"
 * says another zone. Gives milliseconds since 1970; false for anything else, also for days and hours that there are not. */
bool hl_moment_parse(const char *text, int64_t now_ms, int64_t *ms);
/* "2026-12-24 18:00:00 CET", local time; in `arena`. */
const char *hl_moment_text(struct hl_arena *arena, int64_t ms);

#endif
