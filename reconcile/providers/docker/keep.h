/* An error kept in an arena, for what outlives the call that failed. */
#ifndef HL_DOCKER_KEEP_H
#define HL_DOCKER_KEEP_H

#include "schema/base/error.h"

/* A deep copy; never to be freed by itself. */
const struct hl_error *hl_docker_keep_error(struct hl_arena *arena, const struct hl_error *error);

#endif
