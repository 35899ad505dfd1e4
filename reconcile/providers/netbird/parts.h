/* How the parts that many kinds have go from NetBird's JSON to field values and back.
 *
 * An update replaces the whole object. So each member of its body is what the spec says; where the spec says nothing, what the object has already; and the
 * default where there is neither, or where the spec has dropped what it said before (an explicit null in the desired values). */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_PARTS_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_PARTS_H

#include "reconcile/providers/netbird/netbird.h"

/* Copies what `object` has under `names` (NULL-terminated) and is neither null nor an empty text. */
void hl_netbird_take(struct hl_arena *arena, const struct hl_value *object, const char *const *names, struct hl_value *values);
/* A list of ids, or of objects with ids, as names; nothing when it is empty. */
bool hl_netbird_take_names(struct hl_session *session, struct hl_arena *arena, enum hl_netbird_list list, const char *name, const struct hl_value *object,
                           const struct hl_value *desired, struct hl_value *values, struct hl_error **err) HL_MUST_CHECK;
/* One member that field and API call the same. */
void hl_netbird_put_field(struct hl_arena *arena, const struct hl_field *fields, const char *name, const struct hl_value *desired,
                          const struct hl_value *object, struct hl_value *body);
/* All of `names`, NULL-terminated. */
void hl_netbird_put_fields(struct hl_arena *arena, const struct hl_field *fields, const char *const *names, const struct hl_value *desired,
                           const struct hl_value *object, struct hl_value *body);
/* A list of names as ids. */
bool hl_netbird_put_ids(struct hl_session *session, struct hl_arena *arena, enum hl_netbird_list list, const char *what, const char *name,
                        const struct hl_value *desired, const struct hl_value *object, struct hl_value *body, struct hl_error **err) HL_MUST_CHECK;
/* The ids of a list of ids, or of objects with ids; null is empty. */
struct hl_value *hl_netbird_only_ids(struct hl_arena *arena, const struct hl_value *list);
/* Whether two lists of ids have the same in them; both may hold objects, and each in any order and more than once. */
bool hl_netbird_same_ids(const struct hl_value *a, const struct hl_value *b);
/* Unicode characters, as the server counts lengths. */
size_t hl_netbird_length(const char *text);
/* A list that must not be empty: `check` of fields. */
void hl_netbird_check_some(struct hl_check *check, const struct hl_value *list);

#endif
