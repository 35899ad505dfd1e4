/* Loading a spec of the made-up kinds, with files and an environment from arrays, and findings as one text to compare. */
#ifndef HL_TESTS_UNIT_SCHEMA_WORLD_H
#define HL_TESTS_UNIT_SCHEMA_WORLD_H

#include "schema/schema.h"

/* What every spec begins with; the first line of a body is line 3. */
#define HEAD "hlrec: 1\nstack: test\n"

struct world {
    struct hl_arena *arena;
    struct hl_diags diags;
    struct hl_spec *spec;         /* NULL after errors */
    const char *const *variables; /* --var */
    const char *const *variable_files;
};

/* Clears, then loads; the environment has HOME=/root, EMPTY= and COUNT=3. Files: "plain.txt", "template.conf", "vars.yaml", "bad.yaml". */
void hl_world_load(struct world *world, const char *text);
void hl_world_clear(struct world *world);
static inline void hl_cleanup_world(struct world *world)
{
    hl_world_clear(world);
}

/* "3:5: error: text (hint)\n" for each finding, in their order; lives in the arena of `diags`. */
const char *hl_findings(const struct hl_diags *diags);
/* Compact JSON; unknown values as "?name", sensitive ones behind "!". Lives in `arena`. */
const char *hl_shown(struct hl_arena *arena, const struct hl_value *value);
/* For tables: prints the label and both texts when they differ, and goes on; hl_expect_end() then fails the test. */
void hl_expect_text(const char *label, const char *expected, const char *actual);
void hl_expect_end(void);

#endif
