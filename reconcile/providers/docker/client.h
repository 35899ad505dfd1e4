/* One Docker Engine: where it is, which version of the API it speaks, and calls that carry JSON.
 *
 * hl_docker_of() gives the session's client. The version is negotiated at the first call (GET /version): the newest that both sides know, at least 1.41;
 * paths given here stand behind "/v1.N". Everything may be called from several threads at once. No request body, header or query reaches an error. */
#ifndef HL_DOCKER_CLIENT_H
#define HL_DOCKER_CLIENT_H

#include "reconcile/provider.h"
#include "reconcile/transport/http.h"
#include "schema/base/json.h"

#include <pthread.h>

enum {
    HL_DOCKER_OLDEST = 41,    /* API 1.41: Engine 20.10 */
    HL_DOCKER_NEWEST = 52,    /* API 1.52: Engine 29 */
    HL_DOCKER_ENDPOINTS = 44, /* since then a container can be created in several networks at once */
    HL_DOCKER_PARALLEL = 16,  /* calls at once where one call an object is needed */
    HL_DOCKER_ID = 64,        /* hexadecimal digits of a full id */
};

struct hl_docker {
    const struct hl_run *run;
    struct hl_http *http;
    const char *host;              /* as messages name it */
    const char *base;              /* the spec's folder, absolute: what "./data" is relative to */
    const char *home;              /* for "~/data"; NULL when the environment has none */
    const struct hl_value *logins; /* settings.registries, or NULL */
    int64_t settle_ms;             /* how long a new container must keep running */
    int64_t settle_replaced_ms;    /* the same for one that takes another's place */
    pthread_mutex_t lock;          /* over all below */
    struct hl_arena *arena;
    struct hl_value *version; /* the answer of GET /version; NULL until asked */
    int minor;                /* of the API version in use: 41 is 1.41; 0 until negotiated */
    struct hl_map images;     /* id or reference -> struct image_entry *, image.c */
    pthread_cond_t image_known;
    struct hl_value *config; /* ~/.docker/config.json, login.c */
    bool config_read;
};

static inline struct hl_docker *hl_docker_of(const struct hl_session *session)
{
    return session->data;
}

/* Opens: checks the settings, finds the host; no call yet. `session->data` is then the client. */
bool hl_docker_open(struct hl_session *session, struct hl_error **err) HL_MUST_CHECK;
void hl_docker_close(struct hl_session *session);

/* The API's minor version in use; asks the engine at the first call. HL_E_UNREACHABLE, HL_E_AUTH, or HL_E_FAILED for an engine that is too old or too new. */
bool hl_docker_negotiate(struct hl_docker *docker, int *minor, struct hl_error **err) HL_MUST_CHECK;
/* "1.41" as 41; false for anything that is not 1.N. */
bool hl_docker_parse_version(const char *text, int *minor);

struct hl_docker_call {
    const char *method;
    const char *path;            /* "/containers/json?all=1": escaped, without the version */
    const struct hl_value *body; /* sent as JSON; NULL: none */
    const char *tar;             /* or a tar archive */
    size_t tar_length;
    const struct hl_http_header *headers;
    int64_t timeout_ms; /* 0: 30 s; -1: none */
    bool idempotent;
    bool (*on_data)(void *context, const char *data, size_t length);
    void *context;
};

/* True whenever an answer came. The caller looks at the status, and clears `response` in any case. */
bool hl_docker_send(struct hl_docker *docker, const struct hl_docker_call *call, struct hl_http_response *response, struct hl_error **err) HL_MUST_CHECK;
/* The error for an answer that is not wanted, with the engine's words, masked. A 500 is a refusal here: the engine says so for a port in use. */
bool hl_docker_rejected(const struct hl_docker *docker, const struct hl_http_response *response, struct hl_error **err);

/* GET of a JSON document. HL_E_NOT_FOUND for a 404, HL_E_FAILED for an answer that is empty or no JSON. */
bool hl_docker_get(struct hl_docker *docker, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* The same for a list, an element at a time: only what the visitor keeps stays in memory. */
bool hl_docker_get_each(struct hl_docker *docker, const char *path, hl_json_element_fn *visit, void *context, struct hl_error **err) HL_MUST_CHECK;
/* The same, but a 404 gives NULL. */
bool hl_docker_find(struct hl_docker *docker, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* Whether an answer is what the engine tells: an object with a text, not blank, under each of `keys` (which end with NULL), or a list of such objects (null is
 * an empty one). HL_E_FAILED names what is missing. To be asked before such a text goes into a path or is compared with another. */
bool hl_docker_check_object(const struct hl_value *told, const char *const *keys, struct hl_error **err) HL_MUST_CHECK;
bool hl_docker_check_list(const struct hl_value *told, const char *const *keys, struct hl_error **err) HL_MUST_CHECK;
/* POST; 2xx and 304 (already so) are success. `out` may be NULL. timeout_ms as in struct hl_docker_call. */
bool hl_docker_post(struct hl_docker *docker, struct hl_arena *arena, const char *path, const struct hl_value *body, int64_t timeout_ms, struct hl_value **out,
                    struct hl_error **err) HL_MUST_CHECK;
/* DELETE; a 404 is success. */
bool hl_docker_delete(struct hl_docker *docker, const char *path, struct hl_error **err) HL_MUST_CHECK;

/* Percent-encoded, for one part of a path or a query's value. */
const char *hl_docker_escape(struct hl_arena *arena, const char *text);
/* "&filters=..." or "?filters=..." for one filter: {"label": ["a=b", ...]}; `values` ends with NULL. */
const char *hl_docker_filter(struct hl_arena *arena, char separator, const char *name, const char *const *values);
/* NAME of the run's environment, or NULL. */
const char *hl_docker_environment(const struct hl_run *run, const char *name);
bool hl_docker_is_id(const char *text); /* 64 hexadecimal digits */

#endif
