/* The table of a container's fields, and what its rows are made of. Everything here is pure.
 *
 * The names and short forms are docker compose's. Short forms (short.c) become the long form, equal meanings one form (normal.c); live.c uses the same
 * normalisers, so that what the engine tells compares with what the spec says. Fields of compose that hlrec has no use for are rows too: their `doc`
 * begins with HL_UNSUPPORTED and says what to use instead. */
#ifndef HL_DOCKER_CONTAINER_FIELDS_H
#define HL_DOCKER_CONTAINER_FIELDS_H

#include "schema/kind.h"

#define HL_UNSUPPORTED "not supported: "

enum { HL_MOST_CPUS = 1000000 };

extern const struct hl_field hl_container_fields[];

/* short.c: a text in place of an object. See `shorthand` in schema/kind.h. */
struct hl_value *hl_short_port(struct hl_arena *arena, const char *text, const char **problem);     /* "127.0.0.1:8080:80/udp"; ranges give a list */
struct hl_value *hl_short_volume(struct hl_arena *arena, const char *text, const char **problem);   /* "data:/var/lib/x:ro,z" */
struct hl_value *hl_short_device(struct hl_arena *arena, const char *text, const char **problem);   /* "/dev/a:/dev/b:rwm" */
struct hl_value *hl_short_ulimit(struct hl_arena *arena, const char *text, const char **problem);   /* "1024" or "1024:2048" */
struct hl_value *hl_short_env_file(struct hl_arena *arena, const char *text, const char **problem); /* "app.env" */
/* "8000-8005/udp": first and last port and the protocol, in lower case. */
bool hl_short_port_range(struct hl_arena *arena, const char *text, int64_t *first, int64_t *last, const char **protocol, const char **problem);
/* Whether a volume's source is a path of the host and not a volume's name. */
bool hl_short_is_path(const char *source);

/* normal.c: one form for equal meanings. */
struct hl_value *hl_normal_ports(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_expose(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_volumes(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_tmpfs(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_devices(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_capabilities(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_security(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_extra_hosts(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_healthcheck(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_test(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_restart(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_swap(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_cpus(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_pids(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_mode(struct hl_arena *arena, struct hl_value *value);
struct hl_value *hl_normal_seconds(struct hl_arena *arena, struct hl_value *value);
/* A path of the container or the host without double and trailing slashes and "."; ".." stays. */
const char *hl_normal_path(struct hl_arena *arena, const char *path);
/* "on-failure:3" as its two parts; the count is 0 when there is none. */
const char *hl_restart_policy(struct hl_arena *arena, const char *restart, int64_t *retries);
/* "512m" for 536870912: the shortest that reads back. */
const char *hl_size_text(struct hl_arena *arena, int64_t bytes);

/* same.c: equality and replacement that depend on values. */
bool hl_same_image(const struct hl_value *desired, const struct hl_value *live);
bool hl_same_state(const struct hl_value *desired, const struct hl_value *live);
bool hl_removal_replaces(const struct hl_value *desired, const struct hl_value *live);

/* check.c: findings. */
void hl_check_image(struct hl_check *check, const struct hl_value *value);
void hl_check_files(struct hl_check *check, const struct hl_value *value);
void hl_check_ports(struct hl_check *check, const struct hl_value *value);
void hl_check_volumes(struct hl_check *check, const struct hl_value *value);
void hl_check_test(struct hl_check *check, const struct hl_value *value);
void hl_check_restart(struct hl_check *check, const struct hl_value *value);
void hl_check_swap(struct hl_check *check, const struct hl_value *value);
void hl_check_cpus(struct hl_check *check, const struct hl_value *value);
void hl_check_mode(struct hl_check *check, const struct hl_value *value);
void hl_check_container_name(struct hl_check *check, const struct hl_value *value);
void hl_check_expose(struct hl_check *check, const struct hl_value *value);
void hl_check_ip4(struct hl_check *check, const struct hl_value *value);
void hl_check_ip6(struct hl_check *check, const struct hl_value *value);
void hl_check_extra_hosts(struct hl_check *check, const struct hl_value *value);
/* Findings across fields: the kind's `check`. */
void hl_container_check(struct hl_check *check, const struct hl_value *body);
/* complete.c: the kind's `complete`. Adds container_name, state, image_state, the contents of `files`, what `env_file` holds, whose namespaces are joined;
 * replaces the names of the spec's networks and volumes by those that they have in Docker. */
void hl_container_complete(struct hl_check *check, struct hl_value *body);

/* env_file.c: the lines of an env file as compose reads it, into a map of texts; a KEY alone gives null. False with *problem and *line. */
bool hl_env_file_parse(struct hl_arena *arena, const char *text, size_t length, struct hl_value *map, const char **problem, uint32_t *line);

#endif
