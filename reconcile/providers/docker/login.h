/* Credentials for registries: the provider's `registries`, else what `docker login` left in ~/.docker/config.json. */
#ifndef HL_DOCKER_LOGIN_H
#define HL_DOCKER_LOGIN_H

#include "reconcile/providers/docker/client.h"
#include "reconcile/providers/docker/image_name.h"

/* The value of the header X-Registry-Auth for an image's registry; NULL when there are no credentials for it. A secret: only ever a header. */
const char *hl_docker_login(struct hl_docker *docker, struct hl_arena *arena, const struct hl_image_name *name);

#endif
