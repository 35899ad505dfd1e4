/* What a network's resources and routers have in common: they live below their network's path and cannot leave it. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_MESH_PART_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_MESH_PART_H

#include "reconcile/providers/netbird/netbird.h"

/* `network` is for people. What is compared is `network_id`, so that a network can get another name without its parts being made anew: of a network of the spec
 * its id; of another one what `network` says, which may be a name or an id. */
#define HL_NETBIRD_NETWORK_FIELDS                                                                                                                              \
    {.name = "network",                                                                                                                                        \
     .type = HL_F_STRING,                                                                                                                                      \
     .required = true,                                                                                                                                         \
     .local = true,                                                                                                                                            \
     .refers_to = "mesh_network",                                                                                                                              \
     .doc = "the mesh_network it belongs to: one of the spec, or a name or id in NetBird",                                                                     \
     .example = "home"},                                                                                                                                       \
    {                                                                                                                                                          \
        .name = "network_id", .type = HL_F_STRING, .internal = true, .immutable = true, .doc = "what tells its network"                                        \
    }

/* For `complete`. */
void hl_netbird_complete_network(struct hl_check *check, struct hl_value *body);
/* "/api/networks/ID/PART" of an object with these values. */
bool hl_netbird_part_path(struct hl_session *session, struct hl_arena *arena, const struct hl_value *values, const char *part, const char **path,
                          struct hl_error **err) HL_MUST_CHECK;
/* `network` and `network_id` of a live object. */
bool hl_netbird_take_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                             struct hl_value *values, struct hl_error **err) HL_MUST_CHECK;
/* For a form's `possible`: a network that is neither in the spec nor in NetBird will not come by itself, so it is an error before anything is done. */
bool hl_netbird_possible_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, struct hl_error **err) HL_MUST_CHECK;
/* Whether the object is in the network that `desired` means. */
bool hl_netbird_same_network(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object);

#endif
