/* The two inputs of a plan besides the spec, told by files: what was recorded, and what is live.
 *
 *   before.yaml    the spec as it was when it was last applied: its resources are recorded, and live, just as it says
 *   recorded.json  {address: {id, kind, provider, desired, live, needs[], protect, holds_data, streak, drift, rotate}}:
 *                  laid over that; null takes an entry away
 *   live.json      {address: {presence, id, owner, owner_text, values, inputs, reason, defer_reason, defer_hint, note, error}}: laid over that; what
 *                  it does not name is as it was recorded, and absent when it was not
 *
 * presence is absent, present, unread, unreadable or pending; owner us, none or other. Where both sides are mappings they are laid over each other key by
 * key, and null takes a key away. Values are decoded ones: durations in milliseconds, sizes in bytes, long forms. Three values cannot be said in JSON:
 * {"$secret": VALUE}, {"$unknown": "address.output"} and {"$null": true}.
 *
 * In before.yaml the values that only a system can tell are made up: "id-of-container.web" for ${container.web.id}, "value-of-secret.X" for ${secret.X}. */
#ifndef HL_TESTS_CASES_WORLD_H
#define HL_TESTS_CASES_WORLD_H

#include "reconcile/plan/plan.h"

struct world {
    struct hl_map recorded; /* address -> struct hl_recorded * */
    struct hl_map live;     /* address -> struct hl_live * */
};

struct world_source {
    const char *folder;
    const struct hl_registry *registry;
    const struct hl_spec *before; /* NULL: nothing was applied */
    const struct hl_spec *spec;   /* may be NULL */
};

bool world_load(struct hl_arena *arena, const struct world_source *source, struct world *out, struct hl_error **err) HL_MUST_CHECK;
/* Frees what is not in the arena. */
void world_clear(struct world *world);
static inline void hl_cleanup_world(struct world *world)
{
    world_clear(world);
}

#endif
