/* What one session of the OpenBao provider is made of. */
#ifndef HL_RECONCILE_PROVIDERS_OPENBAO_SESSION_H
#define HL_RECONCILE_PROVIDERS_OPENBAO_SESSION_H

#include "reconcile/providers/openbao/openbao.h"
#include "reconcile/providers/shared/web.h"

#include <stdatomic.h>

enum { HL_OPENBAO_LOCKS = 16 };

/* The token; login.c. */
struct hl_openbao_login {
    pthread_mutex_t lock; /* held while logging in, so that whoever comes second waits */
    char *token;          /* wiped when freed; NULL before the first call */
    uint64_t generation;  /* counts tokens; 0: none yet */
    int64_t expires_ms;   /* by the monotonic clock; 0: never, or not known */
    bool refused;         /* role_id and secret_id were */
};

/* All keys of one path; kv.c. */
struct hl_openbao_path {
    const char *mount, *path;
    pthread_mutex_t lock;   /* over all below; held while it is read */
    struct hl_arena *arena; /* of `data`, wiped when freed */
    bool read;
    int64_t version;             /* the current one, which also a deleted one has; 0: there never was any */
    const struct hl_value *data; /* map; NULL when there is none, or the current version is deleted */
};

struct hl_openbao {
    const struct hl_run *run;
    const char *name; /* of the instance */
    const char *url;
    const char *mount, *namespace, *approle_mount, *role_id, *secret_id;
    struct hl_http *http;
    struct hl_openbao_login login;
    atomic_bool no_patch; /* an older server, or a policy without `patch` */
    atomic_bool kept_alive;
    pthread_mutex_t places[HL_OPENBAO_LOCKS];
    pthread_mutex_t lock; /* over all below */
    struct hl_arena *arena;
    struct hl_map mounts; /* that are there and of version 2: name -> anything */
    struct hl_map paths;  /* "mount\npath" -> struct hl_openbao_path * */
};

static inline struct hl_openbao *hl_openbao_of(const struct hl_session *session)
{
    return session->data;
}

/* ---- login.c ---- */

/* The token for the next call, in `arena`. One of generation `stale` is replaced by logging in once; false when there is nothing to log in with, or it was
 * refused. */
bool hl_openbao_token(struct hl_openbao *store, struct hl_arena *arena, uint64_t stale, const char **token, uint64_t *generation,
                      struct hl_error **err) HL_MUST_CHECK;
bool hl_openbao_can_log_in(const struct hl_openbao *store);
/* Puts a token there; under login.lock, or before there are threads. */
void hl_openbao_keep_token(struct hl_openbao *store, const char *token, int64_t lease_s);
/* Renews a given token that can be renewed and has less than a third of its time left; `data` is what hl_openbao_look_up() told of it. Whether it was. */
bool hl_openbao_renew(struct hl_openbao *store, const struct hl_value *data);
/* Looks the given token up and renews it, once a session: used from a timer, a periodic token lives for ever. What fails is left: the token may be good all the
 * same. */
void hl_openbao_keep_alive(struct hl_openbao *store);

/* ---- client.c ---- */

struct hl_openbao_call {
    const char *method, *path; /* "/v1/..." */
    const struct hl_value *body;
    bool merge_patch; /* application/merge-patch+json */
    bool anonymous;   /* without a token */
};

/* True whenever an answer came. 403 says nothing of why: where we can log in, and the token is not good any more, it is replaced and the call made again, once.
 * Every call is sent again after a lost connection: those that change something carry the version they change, or do the same a second time. */
bool hl_openbao_send(struct hl_openbao *store, const struct hl_openbao_call *call, struct hl_http_response *response, struct hl_error **err) HL_MUST_CHECK;
/* The JSON object of an answer with 2xx in `arena` (NULL for none, as with 204), else its error. */
bool hl_openbao_take(struct hl_openbao *store, const struct hl_http_response *response, struct hl_arena *arena, struct hl_value **out,
                     struct hl_error **err) HL_MUST_CHECK;
/* The error of an answer that is not 2xx; returns false. */
bool hl_openbao_rejected(struct hl_openbao *store, const struct hl_http_response *response, struct hl_error **err);
/* The JSON object of an answer, whatever its status; NULL when there is none. */
struct hl_value *hl_openbao_body(const struct hl_http_response *response, struct hl_arena *arena);
/* Whether one of the answer's `errors` has these words. */
bool hl_openbao_says(const struct hl_http_response *response, const char *words);
/* Percent-encoded but for '/'. */
const char *hl_openbao_escape_path(struct hl_arena *arena, const char *path);
/* GET /v1/auth/token/lookup-self: `data` of its answer; NULL when the token may not even ask that, or is not good. */
bool hl_openbao_look_up(struct hl_openbao *store, struct hl_arena *arena, struct hl_value **data, struct hl_error **err) HL_MUST_CHECK;

/* ---- mount.c ---- */

/* That the mount is there and of KV version 2; asked once a run. */
bool hl_openbao_check_mount(struct hl_openbao *store, const char *mount, struct hl_error **err) HL_MUST_CHECK;

/* ---- kv.c ---- */

void hl_openbao_path_free(struct hl_openbao_path *path);

#endif
