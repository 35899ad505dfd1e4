/* What the engine tells about a container, in the shape of the field table. Pure.
 *
 * What came from the image is left out unless the spec (or the record) names it; what the engine fills in or writes otherwise is turned back into what the
 * spec would say; paths, namespaces and images keep the spelling of the spec where they mean the same. So a difference that remains is one. */
#ifndef HL_DOCKER_CONTAINER_LIVE_H
#define HL_DOCKER_CONTAINER_LIVE_H

#include "schema/base/map.h"
#include "schema/base/value.h"

struct hl_container_view {
    struct hl_arena *arena;            /* of the result */
    const struct hl_value *inspection; /* GET /containers/{id}/json */
    const struct hl_value *image;      /* GET /images/{.Image}/json; NULL when it is gone: then only what is named is told */
    const struct hl_value *desired;    /* both NULL: for import, everything that is not the image's or usual */
    const struct hl_value *recorded;
    const char *resource;          /* the name in the spec, an implied alias; NULL for import */
    const char *image_state;       /* "current", or what is wrong */
    const char *desired_image_id;  /* what the desired reference stands for on the host; NULL when it is not there */
    const struct hl_map *names;    /* container id -> name (char *), for shared namespaces; NULL: none known */
    const struct hl_map *networks; /* network name -> id (char *); NULL: not asked, endpoints are taken as they are */
    const unsigned char *key;      /* of the hashes on labels */
    const char *base, *home;       /* for "./data" and "~/data" */
};

struct hl_value *hl_container_live(const struct hl_container_view *view);
/* "running", "completed" (a job that has ended well), "restarting", "paused", "exited (1)", "created", "dead", "removing". */
const char *hl_container_state(struct hl_arena *arena, const struct hl_value *inspection);
/* What a person should know of its state: a crash loop, a failed start, ill health. NULL when all is well. */
const char *hl_container_note(struct hl_arena *arena, const struct hl_value *inspection);
/* The name without the slash that the engine puts before it. */
const char *hl_container_name(const struct hl_value *inspection);

/* For the files live*.c: */
/* Whether the spec or the record says anything about a field (and, when `key` is not NULL, about that entry of it). */
bool hl_view_names(const struct hl_container_view *view, const char *field, const char *key);
bool hl_view_is_import(const struct hl_container_view *view);
/* Puts a value in its normal form; NULL does nothing. */
void hl_view_put(const struct hl_container_view *view, struct hl_value *live, const char *field, struct hl_value *value);
void hl_view_put_mounts(const struct hl_container_view *view, struct hl_value *live); /* live_mounts.c: volumes, tmpfs, devices */
void hl_view_put_networks(const struct hl_container_view *view,
                          struct hl_value *live); /* live_network.c: networks, network_mode, pid, ipc, joins, ports, expose, extra_hosts */

#endif
