/* What network.c and network_replace.c share. */
#ifndef HL_DOCKER_NETWORK_H
#define HL_DOCKER_NETWORK_H

#include "reconcile/providers/docker/client.h"

/* The body of POST /networks/create for the action's `desired`, with its marks. */
struct hl_value *hl_network_body(const struct hl_op *op);
/* Sends it. */
bool hl_network_make(struct hl_op *op, const struct hl_value *body, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* The networks that a filter (hl_docker_filter(), or "") lets through, and one by its id or name. Each has a text as "Id" and as "Name". */
bool hl_network_list(struct hl_docker *docker, struct hl_arena *arena, const char *filter, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_network_inspect(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* The same, but NULL when there is none. */
bool hl_network_find(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* One that is gone already is removed. */
bool hl_network_delete(struct hl_docker *docker, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* The engine's answer (of the list or an inspection) in the shape of the table. */
struct hl_value *hl_network_live(struct hl_arena *arena, const struct hl_value *told);
const char *hl_network_name(const struct hl_value *desired, const char *resource);
bool hl_network_set_result(struct hl_op *op, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* The containers in it, stopped ones included: rows of the list. */
bool hl_network_users(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;

bool hl_network_replace(struct hl_op *op, struct hl_error **err);
bool hl_network_recover(struct hl_recovery *recovery, struct hl_error **err);

#endif
