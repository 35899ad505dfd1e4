/* What one session of the Infisical provider is made of. */
#ifndef HL_RECONCILE_PROVIDERS_INFISICAL_SESSION_H
#define HL_RECONCILE_PROVIDERS_INFISICAL_SESSION_H

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/shared/web.h"

enum { HL_INFISICAL_LOCKS = 16 };

/* The access token; login.c. */
struct hl_infisical_login {
    pthread_mutex_t lock; /* held while signing in, so that whoever comes second waits */
    char *bearer;         /* "Bearer ...", wiped when freed; NULL before the first call */
    uint64_t generation;  /* counts tokens; 0: none yet */
    int64_t expires_ms;   /* by the monotonic clock; 0: never */
    bool refused;         /* client_id and client_secret were: not tried again, since three wrong tries lock the identity */
};

struct hl_infisical_project {
    const char *id, *name;               /* name: as the spec says it */
    const struct hl_value *environments; /* list of slugs; NULL when they are not told */
    const struct hl_value *scopes;       /* of a service token: list of {environment, secretPath}; NULL for any other token */
};

struct hl_infisical_entry {
    const char *value; /* NULL: hidden from us */
    size_t length;
    bool rotated, commented;
};

/* One folder of one environment; folder.c. */
struct hl_infisical_folder {
    const struct hl_infisical_project *project;
    const char *environment, *path;
    pthread_mutex_t lock;   /* over all below; held while it is listed */
    struct hl_arena *arena; /* of the entries, wiped when freed */
    bool listed, exists;
    struct hl_map entries; /* key -> struct hl_infisical_entry * */
};

struct hl_infisical {
    const struct hl_run *run;
    const char *name;                  /* of the instance */
    const char *url;                   /* without a trailing "/api" */
    const char *project, *environment; /* defaults of places, or NULL */
    const char *client_id, *client_secret;
    bool service_token; /* bound to one project; else an access token */
    struct hl_http *http;
    struct hl_infisical_login login;
    pthread_mutex_t places[HL_INFISICAL_LOCKS];
    pthread_mutex_t lock; /* over all below */
    struct hl_arena *arena;
    struct hl_map projects; /* slug or id -> struct hl_infisical_project * */
    struct hl_map folders;  /* identity -> struct hl_infisical_folder * */
    /* An older server: /api/v3/secrets/raw instead of v4, /api/v1/folders instead of v2, "workspaces" instead of projects. */
    bool old_secrets, old_folders, old_projects;
};

static inline struct hl_infisical *hl_infisical_of(const struct hl_session *session)
{
    return session->data;
}

/* ---- login.c ---- */

/* The Authorization header for the next call, in `arena`. One of generation `stale` was refused, or is about to expire, is replaced by signing in once; false
 * when there is nothing to sign in with, or it was refused. */
bool hl_infisical_bearer(struct hl_infisical *store, struct hl_arena *arena, uint64_t stale, const char **bearer, uint64_t *generation,
                         struct hl_error **err) HL_MUST_CHECK;
/* Whether a refused token can be replaced. */
bool hl_infisical_can_sign_in(const struct hl_infisical *store);
/* Seconds left of the token; -1: for ever. For `doctor`. */
int64_t hl_infisical_token_left(struct hl_infisical *store);

/* ---- client.c ---- */

struct hl_infisical_call {
    const char *method, *path; /* with the query */
    const struct hl_value *body;
    bool anonymous; /* without a token */
};

/* True whenever an answer came. A token that is refused is replaced once; 429 is waited for as long as Retry-After says. Every call is sent again after a
 * lost connection: those that change something are such that a second time does no harm. */
bool hl_infisical_send(struct hl_infisical *store, const struct hl_infisical_call *call, struct hl_http_response *response,
                       struct hl_error **err) HL_MUST_CHECK;
/* The JSON object of an answer with 2xx in `arena`, else its error. */
bool hl_infisical_take(struct hl_infisical *store, const struct hl_http_response *response, struct hl_arena *arena, struct hl_value **out,
                       struct hl_error **err) HL_MUST_CHECK;
/* The error of an answer that is not 2xx; returns false. */
bool hl_infisical_rejected(const struct hl_infisical *store, const struct hl_http_response *response, struct hl_error **err);
/* The JSON object of an answer, whatever its status; NULL when there is none. */
struct hl_value *hl_infisical_body(const struct hl_http_response *response, struct hl_arena *arena);
/* Whether the server does not know this call at all, as it is with older ones: a 404 of the router, not of an object. */
bool hl_infisical_lacks_call(const struct hl_http_response *response);
const char *hl_infisical_escape(struct hl_arena *arena, const char *text);

/* ---- project.c ---- */

/* The project of a place, or the provider's, looked up once a run; makes sure that it has the environment. */
bool hl_infisical_find_project(struct hl_infisical *store, const struct hl_infisical_place *place, const struct hl_infisical_project **project,
                               const char **environment, struct hl_error **err) HL_MUST_CHECK;
/* Asks what the token is good for: lines for `doctor` to `report` (may be NULL). */
bool hl_infisical_report_rights(struct hl_infisical *store, struct hl_text *report, struct hl_error **err) HL_MUST_CHECK;

/* ---- folder.c ---- */

/* The folder of a place, listed. */
bool hl_infisical_find_folder(struct hl_infisical *store, const struct hl_infisical_place *place, struct hl_infisical_folder **folder,
                              struct hl_error **err) HL_MUST_CHECK;
/* Makes it, with those above it; one that is there is fine. */
bool hl_infisical_make_folder(struct hl_infisical *store, struct hl_infisical_folder *folder, struct hl_error **err) HL_MUST_CHECK;
/* What a secret's JSON says goes into the list; NULL: it is gone. */
void hl_infisical_learn(struct hl_infisical_folder *folder, const char *key, const struct hl_value *secret);
void hl_infisical_folder_gone(struct hl_infisical_folder *folder);
void hl_infisical_folder_free(struct hl_infisical_folder *folder);

/* A call to the secrets API: `key` NULL is the list. `body` (NULL for GET) gets the members that say where. Falls back to the older API once. */
bool hl_infisical_send_secret(struct hl_infisical *store, const struct hl_infisical_folder *folder, const char *method, const char *key, struct hl_value *body,
                              struct hl_http_response *response, struct hl_error **err) HL_MUST_CHECK;

/* What an answer about a secret means. */
enum hl_infisical_outcome {
    HL_INFISICAL_FINE,
    HL_INFISICAL_PENDING, /* 200, but only a request for approval was made */
    HL_INFISICAL_NO_FOLDER,
    HL_INFISICAL_NO_SECRET,
    HL_INFISICAL_EXISTS,
    HL_INFISICAL_REJECTED, /* anything else: hl_infisical_rejected() */
};
enum hl_infisical_outcome hl_infisical_outcome_of(const struct hl_http_response *response);

/* ---- value.c ---- */

/* Whether Infisical stores exactly these bytes: it trims white space (as JavaScript sees it) at both ends, and puts one line end back if there was one last. */
bool hl_infisical_keeps(const char *data, size_t length);
/* Whether Infisical takes a part of it for a reference to another secret: "${...}". */
bool hl_infisical_has_reference(const char *data, size_t length);

#endif
