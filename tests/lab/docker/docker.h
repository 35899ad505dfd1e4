/* The Docker Engine API as engine 20.10 (1.41) has it, with the traps that clients fall into; optionally as engine 25 (1.44).
 *
 * All in memory, and nothing runs: a container is its configuration and a state that follows from the clock. docker_settle() brings a
 * container up to now (health, exits, restarts); every look at one goes through docker_container_find() or settles it first.
 *
 * What a test can ask of a container, by labels:
 *   lab.exit=N           ends at once with exit code N (lab.exit-delay=MS later)
 *   lab.health=healthy|unhealthy|starting   the verdict, also without a healthcheck; an image whose name contains 'unhealthy' is
 *   lab.health-delay=MS  when it comes (200)
 *   lab.start-error=TEXT the start fails with 500 and TEXT
 *   lab.stop-delay=MS    the stop takes its time
 *   lab.log=TEXT         what it writes at each start
 * and of an image, by its name: 'missing' (the pull fails inside a 200), 'denied' (404), 'slow' (a second), 'rolling' (each pull is newer). */
#ifndef HL_TESTS_LAB_DOCKER_DOCKER_H
#define HL_TESTS_LAB_DOCKER_DOCKER_H

#include "tests/lab/lab.h"

extern const struct lab_api lab_api_docker;

enum { DOCKER_ID = 65, SHORT_ID = 12, PORT_COUNT = 65536 };

/* --- The objects --- */

enum docker_state { CREATED, RUNNING, PAUSED, RESTARTING, EXITED };
enum docker_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct docker_endpoint {
    const char *network;       /* key in NetworkSettings.Networks: the name, or what the client wrote */
    const char *network_id;    /* "" before the first start; pinned then */
    struct hl_value *settings; /* as sent: Aliases, IPAMConfig, Links, DriverOpts, MacAddress */
    const char *endpoint_id;   /* "" unless running */
    uint32_t address;          /* 0 unless running */
};

/* A published port of a running container. */
struct docker_port {
    struct docker_port *next;    /* of the same number */
    struct docker_port *sibling; /* of the same container */
    struct docker_container *container;
    const char *key;     /* "80/tcp" */
    const char *host_ip; /* "" is all addresses */
    bool udp;
    int64_t number; /* on the host */
};

struct docker_file {
    const char *path; /* absolute */
    char type;        /* as in tar: '0' file, '5' folder, '2' link */
    int64_t mode, uid, gid, mtime;
    const char *data, *link;
    size_t length;
    bool hidden; /* put below a mounted tmpfs: on disk, and not to be seen inside */
};

struct docker_container {
    struct hl_arena *arena;
    char id[DOCKER_ID];
    const char *name; /* without the slash */
    const char *image_id;
    struct hl_value *config, *host; /* without the zeros: see docker_compact() */
    struct hl_value *mounts;
    struct docker_endpoint **endpoints;
    size_t endpoints_count, endpoints_capacity;
    struct docker_port *ports;
    int64_t created_ns, started_ns, finished_ns;
    enum docker_state state;
    int64_t exit_code, restart_count, pid;
    const char *error;
    bool stopped_by_hand;
    int64_t next_ns; /* when it exits by itself, or restarts; 0: never */
    enum docker_health health, verdict;
    int64_t verdict_ns;                /* 0: none to come */
    struct hl_map files;               /* path -> struct docker_file * */
    struct hl_value *log;              /* list of [ns, stream, line] */
    size_t position;                   /* in docker->containers */
    struct hl_text row_head, row_tail; /* of the list, around what depends on the clock; made when asked for */
    bool row_fresh;
    size_t row_generation; /* of docker->images_generation */
};

struct docker_image {
    char id[7 + DOCKER_ID]; /* "sha256:..." */
    const char *created;
    struct hl_value *config;
    struct hl_value *tags;    /* "nginx:1.27" */
    struct hl_value *digests; /* "nginx@sha256:..." */
    bool gone;
};

struct docker_network {
    char id[DOCKER_ID];
    const char *name, *driver, *created;
    bool predefined, internal, attachable, ipv6, user_subnet, gone;
    struct hl_value *ipam, *options, *labels;
    uint32_t subnet, mask, gateway, range, range_mask; /* host order; 0 without addresses */
    struct hl_map addresses;                           /* text -> struct docker_container * or NULL */
    uint32_t first_free;                               /* no number below it is free */
    size_t active;                                     /* running endpoints */
};

struct docker_volume {
    const char *name, *driver, *created;
    struct hl_value *labels, *options;
    bool anonymous, gone;
};

struct docker_exec {
    char id[DOCKER_ID];
    char container[DOCKER_ID];
    struct hl_value *config;
    bool started, running;
    int64_t exit_code;
};

/* The maps keep the names of what is gone with NULL: taking an entry out of a map costs its length. */
struct docker {
    struct lab *lab;
    struct hl_arena *arena;
    int64_t minor; /* the newest API version is 1.<this> */
    struct docker_container **containers;
    size_t containers_count, containers_capacity;
    struct hl_map containers_by_id, containers_by_name;
    struct hl_map images_by_reference; /* normal "docker.io/library/nginx:1.27" and "...@sha256:..." */
    struct hl_map images_by_id;
    struct docker_image **images;
    size_t images_count, images_capacity, images_generation;
    struct docker_network **networks;
    size_t networks_count, networks_capacity, next_subnet;
    struct hl_map volumes; /* name -> struct docker_volume * */
    struct hl_map execs;
    struct hl_map pulls;                      /* of 'rolling' images: reference -> number */
    struct docker_port *ports[2][PORT_COUNT]; /* tcp, udp */
    int64_t next_port, next_pid;
    char **events; /* JSON lines, malloc'ed */
    int64_t *events_ns;
    size_t events_count, events_capacity;
};

/* --- A call (docker.c) --- */

struct docker_call {
    struct docker *docker;
    struct lab_call *call;
    struct hl_arena *arena; /* the call's */
    const char *name;       /* what '*' of the route matched, decoded */
    int64_t minor;          /* the version asked for */
    const char *failure;    /* the message of docker_fail() */
};

/* {"message": ...}; returns false, so that a check can `return docker_fail(...)`. */
bool docker_fail(struct docker_call *c, int status, const char *format, ...) HL_PRINTF(3, 4);
void docker_ok(struct docker_call *c, int status, const struct hl_value *value);
/* The JSON body; NULL when it was refused, and answered. An empty one is an empty map. */
struct hl_value *docker_body(struct docker_call *c);
/* The `filters` of the query, as maps of lists; `known` ends with NULL. False when they were refused, and answered. */
bool docker_filters(struct docker_call *c, const char *const *known, struct hl_value **out);
/* Whether the filter is absent, or `matches(context, word)` for one of its words. */
bool docker_filter_any(const struct hl_value *filters, const char *key, bool (*matches)(const void *context, const char *word), const void *context);
/* Labels must have all of the words "k" and "k=v". */
bool docker_filter_labels(const struct hl_value *filters, const struct hl_value *labels);
/* Whether a word of a name filter fits: equal, or a regular expression found in it. */
bool docker_name_fits(const void *name, const char *word);
void docker_new_id(char out[DOCKER_ID]);
/* RFC 3339 with nanoseconds, as Go prints it; 0001-01-01T00:00:00Z for 0. */
const char *docker_time(struct hl_arena *arena, int64_t ns);
void *docker_grow(struct hl_arena *arena, void *items, size_t count, size_t *capacity);
/* A list of `count` bytes as hex, stable for `text`. */
void docker_hash(const char *text, char out[DOCKER_ID]);

/* --- fields.c: what the engine knows of a body --- */

enum docker_shape { S_TEXT, S_BOOL, S_INT, S_TEXTS, S_COMMAND, S_TEXT_MAP, S_EMPTIES, S_OBJECT, S_OBJECTS, S_OBJECT_MAP, S_PORTS };
enum docker_absent { A_ZERO, A_NULL, A_OMIT };

struct docker_field {
    const char *name;
    enum docker_shape shape;
    enum docker_absent absent;
    const struct docker_field *fields; /* of objects */
};

extern const struct docker_field docker_config_fields[], docker_host_fields[], docker_endpoint_fields[], docker_network_fields[], docker_volume_fields[],
    docker_exec_fields[], docker_connect_fields[], docker_update_fields[], docker_networking_fields[];

/* A map with exactly the known keys, in the order of `fields`; keys of `body` match in any case, unknown ones are dropped. */
bool docker_decode(struct docker_call *c, const char *type, const struct docker_field *fields, const struct hl_value *body, struct hl_value **out);
/* Without what the table makes of absent keys: many containers are to fit into memory. */
struct hl_value *docker_compact(struct hl_arena *arena, const struct docker_field *fields, const struct hl_value *decoded);
/* A key of a body in any case. */
struct hl_value *docker_get(const struct hl_value *map, const char *key);

/* --- container.c --- */

/* By full id, exact name, prefix of an id; settled. NULL when there is none, and answered. */
struct docker_container *docker_container_find(struct docker_call *c, const char *text);
/* The same, neither settled nor answered. */
struct docker_container *docker_container_peek(struct docker *docker, const char *text);
struct docker_container *docker_container_by_id(struct docker *docker, const char *id);
void docker_container_add(struct docker *docker, struct docker_container *container);
void docker_container_remove(struct docker *docker, struct docker_container *container, bool volumes);
void docker_container_rename(struct docker *docker, struct docker_container *container, const char *name);
const char *docker_container_label(const struct docker_container *container, const char *name);
bool docker_container_runs(const struct docker_container *container); /* also paused and restarting */
/* False when it is gone by now (AutoRemove). */
bool docker_settle(struct docker *docker, struct docker_container *container);
void docker_settle_all(struct docker *docker);
void docker_container_event(struct docker *docker, const struct docker_container *container, const char *action);
const char *docker_state_name(const struct docker_container *container);
const char *docker_health_name(enum docker_health health);

/* --- lifecycle.c: what starts and ends --- */

/* "SIGTERM", "term", "15"; 0 when there is no such signal. */
int docker_signal(const char *text);
bool docker_start_container(struct docker_call *c, struct docker_container *container);
/* By itself or by a signal. Gives addresses and ports back; with AutoRemove the container is gone afterwards. */
void docker_exit_container(struct docker *docker, struct docker_container *container, int64_t exit_code);
/* Again, with what it had: restart policies. */
void docker_begin(struct docker *docker, struct docker_container *container, int64_t now_ns);

/* --- checks.c, merge.c, mounts.c: parts of create --- */

bool docker_check_create(struct docker_call *c, const struct hl_value *config, struct hl_value *host, const struct hl_value *endpoints);
bool docker_check_restart(struct docker_call *c, const struct hl_value *policy, bool auto_remove);
void docker_merge_image(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image);
bool docker_make_mounts(struct docker_call *c, struct docker_container *container);
/* The folders that mounts of type tmpfs cover. */
bool docker_is_tmpfs(const struct docker_container *container, const char *path);

/* --- inspect.c, list.c --- */

/* The value of NetworkSettings.Networks; in the list aliases are not told. */
struct hl_value *docker_inspect_networks(struct docker_call *c, const struct docker_container *container, bool for_list);
const char *docker_mac_address(struct hl_arena *arena, uint32_t address);

/* --- endpoint.c: networks of containers, and ports --- */

struct docker_endpoint *docker_endpoint_find(const struct docker_container *container, const char *network);
struct docker_endpoint *docker_endpoint_add(struct docker_container *container, const char *network, const struct hl_value *settings);
void docker_endpoint_remove(struct docker_container *container, struct docker_endpoint *endpoint);
/* The short id, and a hostname that was given. */
void docker_endpoint_add_aliases(struct docker_container *container, struct docker_endpoint *endpoint);
bool docker_endpoint_check(struct docker_call *c, const struct docker_network *network, const struct hl_value *settings);
bool docker_endpoint_up(struct docker_call *c, struct docker_container *container, struct docker_endpoint *endpoint);
void docker_endpoint_down(struct docker *docker, struct docker_container *container, struct docker_endpoint *endpoint);
bool docker_ports_up(struct docker_call *c, struct docker_container *container);
void docker_ports_down(struct docker *docker, struct docker_container *container);
/* "8000-8010" or "80"; false when it is neither. */
bool docker_port_range(const char *text, int64_t *first, int64_t *last);
/* "80/tcp", "80": the number; -1 when it is none. */
int64_t docker_port_of_key(const char *key, bool *udp);
const char *docker_address_text(struct hl_arena *arena, uint32_t address);
bool docker_address_parse(const char *text, uint32_t *address);

/* --- network.c, volume.c, image.c --- */

/* By id, name, prefix of an id. NULL when there is none or more than one; `c` non-NULL: answered then. */
struct docker_network *docker_network_find(struct docker *docker, struct docker_call *c, const char *text);
struct docker_network *docker_network_by_id(struct docker *docker, const char *id);
void docker_networks_open(struct docker *docker);
struct docker_volume *docker_volume_find(struct docker *docker, const char *name);
struct docker_volume *docker_volume_add(struct docker *docker, const char *name, const struct hl_value *options, const struct hl_value *labels);
void docker_volume_drop(struct docker *docker, struct docker_volume *volume);
bool docker_name_is_valid(const char *name);

struct docker_reference {
    const char *repository;   /* normal: "docker.io/library/nginx" */
    const char *familiar;     /* "nginx" */
    const char *tag, *digest; /* or NULL */
};

bool docker_reference_parse(struct hl_arena *arena, const char *text, struct docker_reference *out);
/* Both answer that the text is no reference, or none that is here. */
bool docker_reference_fail(struct docker_call *c, int status, const char *text);
bool docker_image_fail(struct docker_call *c, const char *text, const char *prefix);
void docker_images_open(struct docker *docker);
struct docker_image *docker_image_find(struct docker *docker, struct hl_arena *arena, const char *text);
struct docker_image *docker_image_by_id(struct docker *docker, const char *id);
/* Makes the image of that id unless it is there. */
struct docker_image *docker_image_add(struct docker *docker, const char *id, const char *created, const struct hl_value *config);
/* Moves a tag, or gives a digest. */
void docker_image_refer(struct docker *docker, struct docker_image *image, const struct docker_reference *reference);
struct hl_value *docker_image_config(struct hl_arena *arena);

/* --- tar.c --- */

/* Adds what is in the archive to `files`, below `base`; false when it is broken. */
bool docker_tar_read(struct hl_arena *arena, const char *data, size_t length, const char *base, struct hl_map *files);
void docker_tar_put(struct hl_text *out, const struct docker_file *file, const char *name);
void docker_tar_end(struct hl_text *out);

/* --- events.c, frames.c --- */

void docker_event(struct docker *docker, const char *type, const char *action, const char *id, const struct hl_value *attributes);
/* 1 stdout, 2 stderr; in two pieces that cut through the header, as real streams do now and then. Raw for a terminal. */
void docker_put_frame(struct docker_call *c, int stream, bool tty, const char *data, size_t length);

/* --- The routes --- */

typedef void docker_handler(struct docker_call *c);
docker_handler docker_ping, docker_version, docker_info, docker_events;
docker_handler docker_containers_list, docker_container_create, docker_container_inspect, docker_container_start, docker_container_stop,
    docker_container_restart, docker_container_kill, docker_container_pause, docker_container_unpause, docker_container_delete, docker_container_do_rename,
    docker_container_update, docker_container_wait, docker_container_logs, docker_archive_put, docker_archive_get, docker_container_exec, docker_exec_start,
    docker_exec_inspect;
docker_handler docker_images_list, docker_image_create, docker_image_load, docker_image_inspect, docker_image_tag, docker_image_delete, docker_distribution;
docker_handler docker_networks_list, docker_network_create, docker_network_inspect, docker_network_connect, docker_network_disconnect, docker_network_delete;
docker_handler docker_volumes_list, docker_volume_create, docker_volume_inspect, docker_volume_delete;

#endif
