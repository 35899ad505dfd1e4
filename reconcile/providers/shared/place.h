/* Where a store of secrets keeps one of them: what the places of all stores (`{infisical: {path:, key:}}`) have in common. */
#ifndef HL_RECONCILE_PROVIDERS_SHARED_PLACE_H
#define HL_RECONCILE_PROVIDERS_SHARED_PLACE_H

#include "schema/base/value.h"

/* For hl_field.normalise: a path whose parts are parted by one slash each, with `root` before them ("/" or ""): "a//b/" is "a/b". */
struct hl_value *hl_place_normal_path(struct hl_arena *arena, struct hl_value *value, const char *root);
/* What a place is told from others by: "STORE:PATH#KEY?member=text&...", of the members that `where` says; in `arena`. `key` NULL: the path alone. What is not
 * said is left open: where it points is for the provider's settings to say, which may come late. `members` ends with NULL. */
const char *hl_place_identity(struct hl_arena *arena, const char *store, const char *path, const char *key, const struct hl_value *where,
                              const char *const *members);

#endif
