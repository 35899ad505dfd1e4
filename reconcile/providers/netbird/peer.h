/* Peers: machines that have joined the mesh. Only the agent on such a machine makes one, so a spec can name a peer before there is one.
 *
 * A route and a network's router send their traffic through either one peer or the peers of groups (`peer`, `peer_groups`): what the two kinds share is here.
 */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_PEER_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_PEER_H

#include "reconcile/providers/netbird/netbird.h"

/* The peer with this id or name; *id is NULL when none has joined. Several of one name, as machines leave behind that joined again: HL_E_CONFLICT that lists
 * them with what tells them apart. */
bool hl_netbird_peer_id(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* The same where it must be there: HL_E_NOT_FOUND. */
bool hl_netbird_peer_must(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* How the spec would name the peer with this id: as `desired` (may be NULL) does where it means the same one. */
bool hl_netbird_peer_name(struct hl_session *session, struct hl_arena *arena, const char *id, const char *desired, const char **name,
                          struct hl_error **err) HL_MUST_CHECK;

/* For forms: `peer` and `peer_groups` of an object to values; of desired values to the body; whether both mean the same. */
bool hl_netbird_take_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                         struct hl_value *values, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_put_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_same_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object);
/* A form's `possible`: false without an error while `peer` has not joined. */
bool hl_netbird_possible_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                             struct hl_error **err) HL_MUST_CHECK;
/* A kind's check: exactly one of the two. */
void hl_netbird_check_via(struct hl_check *check, const struct hl_value *body, const char *what);

#endif
