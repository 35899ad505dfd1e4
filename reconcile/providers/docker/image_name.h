/* Names of images: `nginx`, `nginx:latest` and `docker.io/library/nginx:latest` are one. Pure. */
#ifndef HL_DOCKER_IMAGE_NAME_H
#define HL_DOCKER_IMAGE_NAME_H

#include "schema/base/value.h"

struct hl_image_name {
    const char *domain; /* "docker.io", "ghcr.io", "localhost:5000"; NULL for a bare image id */
    const char *path;   /* "library/nginx" */
    const char *tag;    /* "latest"; NULL when only a digest is given */
    const char *digest; /* "sha256:...", or NULL */
    const char *id;     /* "sha256:..." when the reference is an image's id, else NULL */
};

/* False with *problem set for what the engine would not take. */
bool hl_image_name_parse(struct hl_arena *arena, const char *text, struct hl_image_name *out, const char **problem);
/* "docker.io/library/nginx:latest"; with a digest too when there is one. */
const char *hl_image_name_format(struct hl_arena *arena, const struct hl_image_name *name);
/* "docker.io/library/nginx": what RepoDigests and the registry go by. */
const char *hl_image_name_repository(struct hl_arena *arena, const struct hl_image_name *name);
/* Whether both name the same. A digest decides alone: the tag beside it is a comment. */
bool hl_image_name_equal(const char *a, const char *b);

#endif
