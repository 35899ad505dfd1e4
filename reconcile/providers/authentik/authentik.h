/* authentik's API (/api/v3; 2024.8 and newer), and what its kinds share.
 *
 *     client.c   calls, pages, and errors in authentik's words     provider.c   the provider type: settings, readiness
 *     names.c    flows, scopes, keys and users by name             mark.c       whose an object is          words.c   durations and redirect URIs
 *     token.c token_read.c token_key.c                 the kind `token`
 *     application.c application_read.c application_write.c application_fields.c   the kind `application`: an application with its OAuth2 provider
 *
 * Every path ends with '/': without it Django redirects, and nothing is done. There is no 401: what is wrong with a token is a 403, as are missing rights.
 * A 404 means that an object is absent only when the API itself says it, {"detail": ...}; a page of HTML comes from something in front. */
#ifndef HL_RECONCILE_PROVIDERS_AUTHENTIK_AUTHENTIK_H
#define HL_RECONCILE_PROVIDERS_AUTHENTIK_AUTHENTIK_H

#include "reconcile/provider.h"
#include "reconcile/providers/shared/web.h"

#include <pthread.h>

enum hl_authentik_list { HL_AUTHENTIK_FLOWS, HL_AUTHENTIK_SCOPES, HL_AUTHENTIK_KEYS, HL_AUTHENTIK_LISTS };

/* How a version takes redirect URIs: 2024.12 and newer a list, older ones a text with a line each. */
enum hl_authentik_uris { HL_AUTHENTIK_URIS_UNKNOWN, HL_AUTHENTIK_URIS_LIST, HL_AUTHENTIK_URIS_TEXT };

struct hl_authentik {
    const struct hl_run *run;
    struct hl_http *http;
    const char *url;        /* without "/api/v3", as messages name it; it holds no credentials */
    const char *public_url; /* as browsers see it: what issuers begin with */
    int64_t startup_ms;     /* how long a first start may take */
    pthread_mutex_t lock;   /* over all below */
    struct hl_arena *arena;
    const struct hl_value *lists[HL_AUTHENTIK_LISTS]; /* NULL until read */
    enum hl_authentik_uris uris;
    bool was_down;            /* ready() has failed */
    bool accepted;            /* the token has been taken */
    int64_t refused_since_ms; /* monotonic; when it was refused first; 0: never */
    int64_t up_since_ms;      /* when it was taken after ready() had failed; 0: it was so at once */
    struct hl_error **errors; /* of single objects: they live until the session is closed */
    size_t errors_count;
};

static inline struct hl_authentik *hl_authentik_of(const struct hl_session *session)
{
    return session->data;
}

int64_t hl_authentik_clock_ms(void); /* monotonic */
/* Takes over an error that a live object points to. */
const struct hl_error *hl_authentik_keep_error(struct hl_authentik *authentik, struct hl_error *error);

/* ---- client.c ---- */

struct hl_authentik_call {
    const char *method;
    const char *path;            /* "/core/tokens/": below /api/v3, escaped, with the query */
    const struct hl_value *body; /* sent as JSON; NULL: none */
    const char *bearer;          /* instead of the provider's token; NULL: that */
    bool idempotent;             /* may be sent again after an answer that was lost */
};

/* True whenever an answer came. The caller clears `response` in any case. */
bool hl_authentik_send(struct hl_session *session, const struct hl_authentik_call *call, struct hl_http_response *response,
                       struct hl_error **err) HL_MUST_CHECK;
/* The error for an answer that is not wanted. HL_E_AUTH for a token that is not taken and for missing rights, HL_E_NOT_FOUND for an object that the API says is
 * absent, HL_E_CONFLICT for a name that is taken, HL_E_UNREACHABLE for pages of HTML and redirects to nowhere. Returns false. */
bool hl_authentik_rejected(const struct hl_session *session, const struct hl_http_response *response, struct hl_error **err);
/* Whether the answer is the API's own "absent". */
bool hl_authentik_is_absent(const struct hl_http_response *response);
/* Sends and wants a 2xx. `answer` may be NULL; else it is the JSON object in `arena`, and anything but an object is HL_E_UNREACHABLE. */
bool hl_authentik_do(struct hl_session *session, struct hl_arena *arena, const struct hl_authentik_call *call, struct hl_value **answer,
                     struct hl_error **err) HL_MUST_CHECK;
bool hl_authentik_get(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **answer, struct hl_error **err) HL_MUST_CHECK;
/* The same; *answer is NULL when the object is absent. */
bool hl_authentik_find(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **answer, struct hl_error **err) HL_MUST_CHECK;
/* DELETE; an absent object is success. */
bool hl_authentik_delete(struct hl_session *session, const char *path, struct hl_error **err) HL_MUST_CHECK;
/* All pages of a list, as one list. `path` has no page parameters yet ("/core/users/?username=x"). HL_E_NOT_FOUND when the API does not know the path. */
bool hl_authentik_read_list(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **list, struct hl_error **err) HL_MUST_CHECK;
/* Percent-encoded, for one part of a path or a query's value. */
const char *hl_authentik_escape(struct hl_arena *arena, const char *text);

/* ---- names.c ---- */

/* Reads a list that was not read yet. */
bool hl_authentik_load(struct hl_session *session, enum hl_authentik_list list, struct hl_error **err) HL_MUST_CHECK;
/* The pk of the one object that `text` names: a flow by its slug, a key pair by its name, a scope mapping by its name or its scope; any by its pk. None:
 * HL_E_NOT_FOUND that lists what there is; several: HL_E_CONFLICT that lists them. While authentik is in its first start, what will come is waited for. */
bool hl_authentik_pk(struct hl_op *op, enum hl_authentik_list list, const char *text, const char **pk, struct hl_error **err) HL_MUST_CHECK;
/* What the spec would say for a pk: `as`, where that names it; else its name; the pk itself for one that is not in the list. `as` may be NULL. */
const char *hl_authentik_name(struct hl_session *session, enum hl_authentik_list list, const char *pk, const char *as, struct hl_arena *arena);
/* The same for a list of pks and the spec's list of names (may be NULL); sorted. */
struct hl_value *hl_authentik_names(struct hl_session *session, enum hl_authentik_list list, const struct hl_value *pks, const struct hl_value *as,
                                    struct hl_arena *arena);
/* The pk of the user with this name; HL_E_NOT_FOUND lists close ones. */
bool hl_authentik_user(struct hl_session *session, const char *username, struct hl_arena *arena, int64_t *pk, struct hl_error **err) HL_MUST_CHECK;

/* ---- mark.c: "[managed by hlrec: STACK/ADDRESS, state ID]" at the end of a text that authentik keeps for us ---- */

/* `text` (may be NULL) with the mark of an action behind it. */
const char *hl_authentik_mark(struct hl_arena *arena, const struct hl_run *run, const char *address, const char *text);
/* The text without a mark. */
const char *hl_authentik_unmark(struct hl_arena *arena, const char *text);
bool hl_authentik_has_mark(const char *text);
/* The address that a mark of this stack and state says; NULL for any other text. */
const char *hl_authentik_marked_address(struct hl_arena *arena, const struct hl_run *run, const char *text);
bool hl_authentik_is_mark_of(const char *text, const struct hl_run *run, const char *address);
/* Whose an object is, by the text that would have the mark; one without it is ours when it is the recorded one (adopted). Fills owner and owner_text. */
void hl_authentik_judge(struct hl_object *object, const struct hl_run *run, const char *text, const char *id);
/* For a field that a mark is put behind. */
void hl_authentik_check_unmarked(struct hl_check *check, const struct hl_value *value);

/* ---- words.c ---- */

/* "hours=1;minutes=2" as milliseconds; false for what is none. */
bool hl_authentik_parse_duration(const char *text, int64_t *ms);
/* 90000 as "minutes=1;seconds=30". */
const char *hl_authentik_duration(struct hl_arena *arena, int64_t ms);
/* RFC 3339 to Unix milliseconds; 0 for null and for what is no time. */
int64_t hl_authentik_time(const struct hl_value *text);
/* Unix milliseconds as "2026-01-31". */
const char *hl_authentik_day(struct hl_arena *arena, int64_t ms);
/* A name that a block of the spec can have, for `adopt --write`. */
const char *hl_authentik_block_name(struct hl_arena *arena, const char *text);
extern const struct hl_field hl_authentik_uri_fields[];
/* "https://..." is strict, "^https://..." a regular expression. */
struct hl_value *hl_authentik_short_uri(struct hl_arena *arena, const char *text, const char **problem);
/* Each with its mode. */
struct hl_value *hl_authentik_normal_uris(struct hl_arena *arena, struct hl_value *list);
/* The API's redirect_uris (either form) to the field's list, as the spec has it: those for signing in. Text has no modes: they are the spec's. */
struct hl_value *hl_authentik_uris_live(struct hl_arena *arena, const struct hl_value *told, const struct hl_value *desired);
/* And back; `former` (may be NULL) is what the API told: entries for signing out are kept. */
struct hl_value *hl_authentik_uris_body(struct hl_arena *arena, enum hl_authentik_uris form, const struct hl_value *desired, const struct hl_value *former);

/* ---- provider.c ---- */

/* Asks for the version when nothing has told it yet; a version that may not be asked for is taken for a new one. */
enum hl_authentik_uris hl_authentik_uris_form(struct hl_session *session);
void hl_authentik_learn_uris(struct hl_authentik *authentik, const struct hl_value *told);

#endif
