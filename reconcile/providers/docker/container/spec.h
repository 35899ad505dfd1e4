/* What the spec says, as the engine takes it: the body of a creation, the settings of a network's endpoint, the archive of files. Pure. */
#ifndef HL_DOCKER_CONTAINER_SPEC_H
#define HL_DOCKER_CONTAINER_SPEC_H

#include "schema/base/text.h"
#include "schema/base/value.h"

struct hl_container_spec {
    const struct hl_value *desired;   /* complete: no unknowns */
    const char *resource;             /* name in the spec: an alias in every network */
    const struct hl_value *marks;     /* labels of ownership, put over the user's */
    const struct hl_value *inherited; /* target -> name of an anonymous volume to go on with; may be NULL */
    const char *base, *home;          /* for "./data" and "~/data"; home may be NULL */
    int minor;                        /* of the API: 41 is 1.41 */
};

/* The body of POST /containers/create. Before API 1.44 it names the first network only; the others are to be connected. */
struct hl_value *hl_container_body(struct hl_arena *arena, const struct hl_container_spec *spec);
/* EndpointSettings of one network. */
struct hl_value *hl_container_endpoint(struct hl_arena *arena, const struct hl_value *desired, const char *network, const char *resource);
/* The names of the networks, those with the highest priority first, else as written; ends with NULL. */
const char **hl_container_networks(struct hl_arena *arena, const struct hl_value *desired);
/* The engine's NetworkMode. */
const char *hl_container_network_mode(struct hl_arena *arena, const struct hl_value *desired);
/* An absolute path of the host without "." and "..". */
const char *hl_container_host_path(struct hl_arena *arena, const char *base, const char *home, const char *source);
/* RestartPolicy. */
struct hl_value *hl_container_restart(struct hl_arena *arena, const char *restart);
int64_t hl_container_nano_cpus(const struct hl_value *cpus);
/* -1, or bytes; 0 when unset. */
int64_t hl_container_swap(const struct hl_value *swap);

/* files.c: what is put into the container before it starts. */
/* A tar archive of `files`, with paths relative to "/". */
void hl_container_files_tar(struct hl_text *tar, const struct hl_value *files, int64_t now_s);
/* The label that tells later what was put in: {"/path": "<keyed hash> mode uid gid"} as JSON; NULL without files. */
const char *hl_container_files_label(struct hl_arena *arena, const unsigned char *key, const struct hl_value *files);
/* The live side of `files`: from the label, with the content of `desired` or `recorded` where its hash fits. */
struct hl_value *hl_container_files_live(struct hl_arena *arena, const unsigned char *key, const char *label, const struct hl_value *desired,
                                         const struct hl_value *recorded);

#endif
