/* The NetBird management API (0.66 and newer), and what its kinds share.
 *
 *     client.c    calls, and errors in NetBird's words       world.c   the lists of one run, by id and by name
 *     provider.c  the provider type: settings, readiness     access.c  who hlrec is, and whether there is an owner
 *     setup.c     the first owner, and hlrec's own token     oidc.c    signing in as a browser would, by the pages of oidc_page.c
 *     object.c    the verbs of all kinds, driven by a form   names.c   names to ids and back
 *     refresh.c   ... reading                                recover.c ... after a crash
 *     renewal.c   keys and tokens that end: when a new one is due
 *     group.c setup_key.c token.c user.c route.c policy.c nameserver.c mesh_network.c ...   a kind each: field table, form
 *
 * NetBird knows no marks on objects: an object is ours when the state has its id. A name that somebody else's object has is a conflict, and `adopt` takes it
 * over. An update replaces the whole object, so it is read again just before, and what hlrec does not manage is sent back as it is. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_NETBIRD_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_NETBIRD_H

#include "reconcile/provider.h"

struct hl_http;

/* ---- client.c ---- */

/* Calls `method` on `path` ("/api/groups/ID"; ids escaped by the caller). `body` may be NULL. *answer is the decoded JSON in `arena`. A status that is not 2xx
 * is an error with NetBird's words: 404 for an object HL_E_NOT_FOUND, 404 whose message begins "invalid token" HL_E_AUTH (netbird.md 1.2), an answer that is no
 * JSON (a proxy's page) HL_E_UNREACHABLE; 400 "... not found" of a deleted group HL_E_NOT_FOUND; 409 and "already exists" HL_E_CONFLICT. A POST is sent once.
 */
bool hl_netbird_call(struct hl_session *session, struct hl_arena *arena, const char *method, const char *path, const struct hl_value *body,
                     struct hl_value **answer, struct hl_error **err) HL_MUST_CHECK;

/* ---- world.c: what was read in this run; thread-safe ---- */

enum hl_netbird_list {
    HL_NETBIRD_GROUPS,
    HL_NETBIRD_SETUP_KEYS,
    HL_NETBIRD_ROUTES,
    HL_NETBIRD_PEERS,
    HL_NETBIRD_USERS,
    HL_NETBIRD_POLICIES,
    HL_NETBIRD_NAMESERVERS,
    HL_NETBIRD_POSTURE_CHECKS,
    HL_NETBIRD_NETWORKS,
    HL_NETBIRD_NETWORK_RESOURCES, /* of all networks; each object gets a member `network_id` */
    HL_NETBIRD_NETWORK_ROUTERS,   /* likewise */
    HL_NETBIRD_IDENTITY_PROVIDERS,
    HL_NETBIRD_PROXY_TOKENS, /* 0.71 and newer */
    HL_NETBIRD_LISTS
};

/* Each list is read once a run, when it is first asked for, with one call (networks' parts: one call each for all networks). Objects are decoded JSON; they are
 * borrowed until the session is closed and are not to be changed. *object is NULL when there is none. */
bool hl_netbird_find(struct hl_session *session, enum hl_netbird_list list, const char *id, const struct hl_value **object,
                     struct hl_error **err) HL_MUST_CHECK;
/* All of a name (exact; users: `name`, else `email`); names are not unique. *objects is an array in `arena`. */
bool hl_netbird_named(struct hl_session *session, enum hl_netbird_list list, const char *name, struct hl_arena *arena, const struct hl_value ***objects,
                      size_t *count, struct hl_error **err) HL_MUST_CHECK;
/* All objects, sorted by id. */
bool hl_netbird_all(struct hl_session *session, enum hl_netbird_list list, struct hl_arena *arena, const struct hl_value ***objects, size_t *count,
                    struct hl_error **err) HL_MUST_CHECK;
/* The server told this after a write (or a GET): the list knows it from now on (copied), without being read again. */
void hl_netbird_learn(struct hl_session *session, enum hl_netbird_list list, const struct hl_value *object);
void hl_netbird_forget(struct hl_session *session, enum hl_netbird_list list, const char *id);
/* The list is read anew when next asked for: after an answer that was lost. */
void hl_netbird_stale(struct hl_session *session, enum hl_netbird_list list);

/* ---- names.c ---- */

/* The id of the one object that has `text` as its id or its name. None: HL_E_NOT_FOUND, naming close ones; several: HL_E_CONFLICT that lists them with their
 * ids. `what` is the word for messages: "group". */
bool hl_netbird_id(struct hl_session *session, enum hl_netbird_list list, const char *what, const char *text, struct hl_arena *arena, const char **id,
                   struct hl_error **err) HL_MUST_CHECK;
/* A list of names (NULL: empty) to a list of ids, sorted, without duplicates. */
bool hl_netbird_ids(struct hl_session *session, enum hl_netbird_list list, const char *what, const struct hl_value *names, struct hl_arena *arena,
                    struct hl_value **ids, struct hl_error **err) HL_MUST_CHECK;
/* What the spec would say for an id: its name where that is the only one of this name, else the id itself (also for a dangling one). */
bool hl_netbird_name(struct hl_session *session, enum hl_netbird_list list, const char *id, struct hl_arena *arena, const char **name,
                     struct hl_error **err) HL_MUST_CHECK;
/* A list of ids, or of objects with `id` (null: empty), to a sorted list of names; as the spec said it where `desired` (may be NULL) names the same object by
 * its id, so that ids in the spec are no drift. */
bool hl_netbird_names(struct hl_session *session, enum hl_netbird_list list, const struct hl_value *ids, const struct hl_value *desired, struct hl_arena *arena,
                      struct hl_value **names, struct hl_error **err) HL_MUST_CHECK;

/* ---- object.c, refresh.c, recover.c ---- */

/* How one kind stands in the API. A kind's `verbs` point at the first member, so that the generic verbs find the rest. */
struct hl_netbird_form {
    struct hl_verbs verbs;
    enum hl_netbird_list list;
    const char *what; /* for messages: "setup key" */
    /* The collection's path for an object with these field values: "/api/routes". NULL: `collection`. */
    const char *collection;
    bool (*path)(struct hl_session *session, struct hl_arena *arena, const struct hl_value *values, const char **path, struct hl_error **err);
    /* The name that is looked for when there is no id, in the API's member `name_member` (NULL: "name"). */
    const char *name_member;
    /* The object's JSON to field values (computed ones included). `desired` may be NULL. */
    bool (*read)(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired, struct hl_value *values,
                 struct hl_error **err);
    /* Field values to the body of POST (`object` NULL) or PUT (`object` as it is now, so that what is not managed is kept). In `desired` of an update a field
     * that is absent is not managed (the object's own value is sent back), null means back to NetBird's default; hl_netbird_put() does just that. What `ignore`
     * names has the object's value; a list with `by_name` has all of the object's items that are to stay. */
    bool (*write)(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body,
                  struct hl_error **err);
    /* May: of several objects of the wanted name, whether this is the one that `desired` means (a route is also its network and peer). */
    bool (*same)(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object);
    /* May: whether it can be made at all by now; else *reason (and *hint) say what it waits for, and it is deferred (HL_LIVE_PENDING). False only with *err. */
    bool (*possible)(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                     struct hl_error **err);
    /* May: what a creation tells only once, put into the result and check-pointed before anything else: the API's member -> the field. */
    const char *once_member, *once_field;
    /* May: fields that the API takes and never tells (a key's lifetime), NULL-terminated: the live value is what was recorded, or what is desired for an
     * object that is taken over. */
    const char *const *untold;
    /* Older servers have no such list: then `unmanaged` has nothing to offer. */
    bool may_lack;
    /* May: whether a live object is one that `unmanaged` should offer. NULL: all are. */
    bool (*offered)(const struct hl_value *object);
};

/* The generic verbs; each finds its form by the kind of its first argument's object. */
bool hl_netbird_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_create(struct hl_op *op, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_update(struct hl_op *op, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_remove(struct hl_op *op, struct hl_error **err) HL_MUST_CHECK;
/* An object that the interrupted action has made is told by its name (and `same`) and by not being recorded; one whose once-only value was not check-pointed is
 * deleted again, since nobody can have it. */
bool hl_netbird_recover(struct hl_recovery *recovery, struct hl_error **err) HL_MUST_CHECK;
bool hl_netbird_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list,
                          struct hl_error **err) HL_MUST_CHECK;
#define HL_NETBIRD_VERBS                                                                                                                                       \
    {                                                                                                                                                          \
        .refresh = hl_netbird_refresh, .create = hl_netbird_create, .update = hl_netbird_update, .remove = hl_netbird_remove, .recover = hl_netbird_recover,   \
        .unmanaged = hl_netbird_unmanaged                                                                                                                      \
    }
/* The field `name` of all kinds: what NetBird calls it; the resource's name when not said (put there by hl_netbird_complete, a kind's `complete`). */
#define HL_NETBIRD_NAME_FIELD                                                                                                                                  \
    {                                                                                                                                                          \
        .name = "name", .type = HL_F_STRING, .doc = "what NetBird calls it; the resource's name when not said", .example = "\"K8s peers\""                     \
    }
/* A row that names groups, besides its own name, doc and checks. */
#define HL_NETBIRD_GROUP_NAMES .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .forms = HL_FORM_SINGLE, .refers_to = "group"
#define HL_NETBIRD_PEER_GROUPS                                                                                                                                 \
    {                                                                                                                                                          \
        .name = "peer_groups", HL_NETBIRD_GROUP_NAMES, .check = hl_netbird_check_some, .doc = "groups whose peers forward, for high availability",             \
        .example = "[routers]"                                                                                                                                 \
    }
#define HL_NETBIRD_MASQUERADE                                                                                                                                  \
    {                                                                                                                                                          \
        .name = "masquerade", .type = HL_F_BOOL, .fallback = "true",                                                                                           \
        .doc = "what is reached sees the peer's own address, so that it needs no way back into the mesh; on as in the dashboard, while the API's own default " \
               "is off"                                                                                                                                        \
    }
#define HL_NETBIRD_ID                                                                                                                                          \
    {                                                                                                                                                          \
        .name = "id", .type = HL_F_STRING, .computed = true, .doc = "id in NetBird"                                                                            \
    }
void hl_netbird_complete(struct hl_check *check, struct hl_value *body);
/* For `write`: puts `field` of `desired` into the body as `member`; left out when it is null, the object's own member when `desired` has no such field. */
void hl_netbird_put(struct hl_arena *arena, struct hl_value *body, const char *member, const struct hl_value *desired, const char *field,
                    const struct hl_value *object);
/* For `complete`: a text, or a list's texts, in `holder` (the body, or a map within it) that name a resource of `kind` in the spec become what NetBird calls
 * that one ("routers" -> "K8s routers"). The rest stays. Fields with `refers_to` need it. */
void hl_netbird_spell(struct hl_check *check, struct hl_value *holder, const char *member, const char *kind);

/* ---- renewal.c ---- */

/* Field rows for what ends: `expires_in` is the kind's own; these are `renew_before`, the internal `renewal` and the computed `expires_at` (ms since 1970, or
 * absent for never). A kind's `complete` puts renewal "none" into the desired body (hl_netbird_complete_ending), `read` puts "none" or why a new one is due
 * ("expires on 2026-12-05", "revoked", "expired", "used up") into the live values; the row is immutable, so that a difference makes a replacement, new one
 * first. The reason names a day, not how long it takes until then: a saved plan is the same tomorrow. */
#define HL_NETBIRD_ENDING_FIELDS                                                                                                                               \
    {.name = "renew_before",                                                                                                                                   \
     .type = HL_F_DURATION,                                                                                                                                    \
     .local = true,                                                                                                                                            \
     .doc = "how long before it ends a new one takes its place; default: only when it has ended",                                                              \
     .example = "30d"},                                                                                                                                        \
        {.name = "renewal", .type = HL_F_STRING, .internal = true, .immutable = true, .doc = "why a new one is due, or none"},                                 \
    {                                                                                                                                                          \
        .name = "expires_at", .type = HL_F_INT, .computed = true, .doc = "when it ends, in milliseconds since 1970; null: never"                               \
    }
struct hl_netbird_ending {
    int64_t expires_ms;      /* 0: never */
    int64_t renew_before_ms; /* 0: not before it has ended */
    const char *ended;       /* "revoked", "expired", "used up", or NULL */
};
const char *hl_netbird_renewal(struct hl_arena *arena, const struct hl_run *run, const struct hl_netbird_ending *ending);
/* For `complete`: the desired `renewal`, "none". */
void hl_netbird_complete_ending(struct hl_value *body);
/* For `check`: `renew_before` needs `expires_in` and must be shorter. `fallback_ms`: of a kind whose `expires_in` has a default; 0: never ends when not said.
 */
void hl_netbird_check_ending(struct hl_check *check, const struct hl_value *body, int64_t fallback_ms);
/* RFC 3339 with any offset and fraction, to ms since 1970; 0 for Go's zero time, null, "" or what is no time. */
int64_t hl_netbird_time(const struct hl_value *text);

/* ---- provider.c, access.c, setup.c, oidc.c ---- */

/* The user that the token is of, asked once a session; borrowed until it is closed. (A service user may not GET /api/users/current: it finds itself in the
 * list.) */
bool hl_netbird_me(struct hl_session *session, const struct hl_value **me, struct hl_error **err) HL_MUST_CHECK;
/* Whether the server waits for its first owner. HL_E_AUTH from one without a sign-in of its own, HL_E_UNREACHABLE when what answers is not NetBird (yet). */
bool hl_netbird_is_new(struct hl_session *session, bool *is_new, struct hl_error **err) HL_MUST_CHECK;
/* How a person makes a token; a hint. */
extern const char hl_netbird_token_steps[];

/* Signs in with e-mail and password as a browser would (OIDC code flow with PKCE at the server's embedded identity provider; netbird.md 14, path B).
 * *token is a bearer token for a day, in `arena`, sensitive. No redirect is followed but by hand and never to another host. A wrong password is HL_E_AUTH
 * after one try. */
bool hl_netbird_sign_in(struct hl_session *session, struct hl_arena *arena, const char *email, const struct hl_value *password, struct hl_value **token,
                        struct hl_error **err) HL_MUST_CHECK;
/* Whether the kept token ends within a month, or within a tenth of a shorter life. */
bool hl_netbird_ends_soon(const struct hl_session *session);
/* What is kept (hl_session_keep): {token, id, expires_ms, life_ms, unfinished, first}. Without an id it is the token that the first set-up gives, for a day,
 * which is exchanged for hlrec's own at once. `unfinished`: a killed set-up is to be taken up again; `first`: the server's own "setup-token" may be left. */
bool hl_netbird_setup(struct hl_session *session, struct hl_error **err) HL_MUST_CHECK;

/* ---- token.c ---- */

/* The tokens of a user as the API tells them (a list; empty for null), read once a run. Borrowed until the session is closed. */
bool hl_netbird_tokens(struct hl_session *session, const char *user_id, const struct hl_value **tokens, struct hl_error **err) HL_MUST_CHECK;

#endif
