/* A container whose place another is to take: what must be known to put it back. */
#ifndef HL_DOCKER_CONTAINER_REPLACED_H
#define HL_DOCKER_CONTAINER_REPLACED_H

#include "reconcile/providers/docker/client.h"

struct hl_replaced {
    const char *id, *name;
    const char *restart; /* "on-failure:3" */
    bool running;
};

void hl_replaced_of(struct hl_arena *arena, const struct hl_value *inspection, struct hl_replaced *out);
/* For the journal's checkpoint, and back; false when `value` is none. */
struct hl_value *hl_replaced_to_value(struct hl_arena *arena, const struct hl_replaced *replaced);
bool hl_replaced_from_value(const struct hl_value *value, struct hl_replaced *out);
/* Its name, its restart policy, and running if it ran. Does what is still to be done, wherever it stands. */
bool hl_replaced_restore(struct hl_docker *docker, const struct hl_replaced *replaced, struct hl_error **err) HL_MUST_CHECK;

#endif
