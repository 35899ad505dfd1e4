/* The rule of a policy: who may talk to whom, and how. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_POLICY_RULE_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_POLICY_RULE_H

#include "reconcile/providers/netbird/netbird.h"

extern const struct hl_field hl_netbird_rule_fields[];

/* A kind's check, for one rule. */
void hl_netbird_rule_check(struct hl_check *check, const struct hl_value *rule);
/* A kind's complete, for one rule: its name is the policy's when not said, resources of the spec become what NetBird calls them. */
void hl_netbird_rule_complete(struct hl_check *check, struct hl_value *rule, const struct hl_value *policy);
/* A rule's JSON to field values. `desired` is the rule that the spec has in its place, or NULL. */
bool hl_netbird_rule_read(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                          struct hl_value **values, struct hl_error **err) HL_MUST_CHECK;
/* Field values to JSON; `object` is the rule as it is now, or NULL. */
bool hl_netbird_rule_write(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                           struct hl_value **body, struct hl_error **err) HL_MUST_CHECK;
/* Whether the peers that it names have joined; false without an error: *reason and *hint say who has not. */
bool hl_netbird_rule_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                              struct hl_error **err) HL_MUST_CHECK;

#endif
