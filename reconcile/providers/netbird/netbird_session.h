/* What one session of the NetBird provider is made of: the client of its server, and what the files share.
 *
 * provider.c opens and closes it (hl_netbird_of(session) is session->data from open on); client.c calls through it; world.c keeps its lists behind `world`;
 * token.c and provider.c keep what they have read under `lock`. Everything may be called from several threads at once. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_SESSION_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_SESSION_H

#include "reconcile/providers/netbird/netbird.h"
#include "reconcile/providers/shared/web.h"

#include <pthread.h>

struct hl_netbird_world;

struct hl_netbird {
    const struct hl_run *run;
    struct hl_http *http;           /* with `Authorization: Token ...` once there is a token; hl_http_set_header() replaces it */
    const char *url;                /* without a trailing slash and without "/api": as messages name the server */
    struct hl_netbird_world *world; /* world.c */
    pthread_mutex_t lock;           /* over all below */
    struct hl_arena *arena;         /* what is kept until the session is closed; allocate under `lock` */
    const struct hl_value *me;      /* GET /api/users/current, once ready() has asked; NULL before. Does not change then */
    struct hl_map tokens;           /* user id -> struct hl_value * (list of tokens); token.c */
    struct hl_error **errors;       /* objects borrow theirs */
    size_t errors_count;
};

static inline struct hl_netbird *hl_netbird_of(const struct hl_session *session)
{
    return session->data;
}

/* ---- client.c ---- */

/* Makes the parts that are not provider.c's own: world, lock, arena, map. provider.c sets run, http and url before or after. */
void hl_netbird_init(struct hl_netbird *netbird);
/* Frees all of it, the HTTP client included. */
void hl_netbird_clear(struct hl_netbird *netbird);
/* Percent-encoded, for one part of a path. */
const char *hl_netbird_escape(struct hl_arena *arena, const char *text);
/* "PATH/ID" with the id escaped. An empty id would be another path, so it is an error of the program: never call it with one. */
const char *hl_netbird_path(struct hl_arena *arena, const char *collection, const char *id);
/* The error of an answer whose status is not 2xx, in NetBird's words (hl_netbird_call() uses it); returns false. For calls made through `http` itself. */
bool hl_netbird_rejected(const struct hl_run *run, const struct hl_http_response *response, struct hl_error **err);

/* Keeps an error until the session is closed, for hl_live.error. Takes it over; returns it. */
const struct hl_error *hl_netbird_keep_error(struct hl_netbird *netbird, struct hl_error *error);

/* ---- world.c ---- */

struct hl_netbird_world *hl_netbird_world_new(void);
void hl_netbird_world_free(struct hl_netbird_world *world);
/* The collection's path: "/api/groups"; HL_NETBIRD_NETWORK_RESOURCES and _ROUTERS: the path of all networks' ones. */
const char *hl_netbird_list_path(enum hl_netbird_list list);
/* The member by which a list's objects are found by name: "name", of routes "network_id"; NULL where they have none. */
const char *hl_netbird_list_name(enum hl_netbird_list list);
/* The name that hl_netbird_named() knows an object by; NULL when it has none. */
const char *hl_netbird_name_of(enum hl_netbird_list list, const struct hl_value *object);
/* What was read more than a second ago is read anew when next asked for; for the begin of a reading (`apply --wait` reads again and again). */
void hl_netbird_renew(struct hl_session *session, enum hl_netbird_list list);

/* ---- object.c, for refresh.c and recover.c ---- */

static inline const struct hl_netbird_form *hl_netbird_form_of(const struct hl_kind *kind)
{
    return (const struct hl_netbird_form *)(const void *)kind->verbs;
}

/* The name that field values want the object to have; NULL when unknown or without one. */
const char *hl_netbird_wanted(const struct hl_netbird_form *form, const struct hl_value *values);
/* The objects that `desired` could mean: of its name and `same`. *objects is an array in `arena`. */
bool hl_netbird_candidates(struct hl_session *session, const struct hl_netbird_form *form, const struct hl_value *desired, struct hl_arena *arena,
                           const struct hl_value ***objects, size_t *count, struct hl_error **err) HL_MUST_CHECK;

/* What is known of an object besides what the API tells. */
struct hl_netbird_known {
    const struct hl_value *desired; /* as the spec spells it, for names; or NULL */
    const struct hl_value *untold;  /* where the fields come from that the API does not tell; or NULL */
    const struct hl_value *once;    /* where the once-only value is, by its field's name; or NULL */
};
/* An object's JSON to the field values of a live object: the form's `read`, the id, and what is known besides. */
bool hl_netbird_values(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, const struct hl_value *object,
                       const struct hl_netbird_known *known, struct hl_value **values, struct hl_error **err) HL_MUST_CHECK;
/* The collection that an object with these values is in. */
bool hl_netbird_collection(struct hl_session *session, const struct hl_netbird_form *form, struct hl_arena *arena, const struct hl_value *values,
                           const char **path, struct hl_error **err) HL_MUST_CHECK;
/* DELETE; what is gone already is success. */
bool hl_netbird_delete(struct hl_session *session, const struct hl_netbird_form *form, struct hl_arena *arena, const char *collection, const char *id,
                       struct hl_error **err) HL_MUST_CHECK;

#endif
