/* What the files of this folder share: the table of forges, and one session with an API. */
#ifndef HL_RECONCILE_FORGE_SESSION_H
#define HL_RECONCILE_FORGE_SESSION_H

#include "reconcile/forge/forge.h"

#include "reconcile/transport/http.h"

/* ---- table.c ---- */

/* Paths hold {repository}, {pull}, {id} and {head}. Members of answers are dotted paths. */
struct hl_forge {
    const char *name;  /* "github" */
    const char *title; /* "GitHub" */
    const char *token_header, *token_prefix;
    const struct hl_http_header *headers; /* with each request; ends with a NULL name */
    bool path_is_one;                     /* {repository} is one segment: its slashes are escaped */
    const char *comments, *page_size_name;
    int page_size;
    const char *comment, *edit_method;
    const char *user;
    const char *pull, *pull_head; /* the pull request, and where its answer has the id of the head */
    const char *author_id, *author_login, *own_login;
    const char *status, *context_name;
    const char *states[HL_FORGE_STATES];
    size_t description_most;                    /* characters */
    const char *same_state;                     /* words of a 400 that says: it has that state already; or NULL */
    const char *tokens[3];                      /* variables, ends with NULL */
    const char *actions_variables[3];           /* set by Actions of its own, where GITHUB_TOKEN is its token; ends with NULL */
    const char *comment_rights, *status_rights; /* what to give the token, for hints */
};
const struct hl_forge *hl_forge_find(const char *name); /* NULL when there is none */

/* ---- call.c ---- */

struct hl_forge_session {
    const struct hl_forge *forge;
    const struct hl_forge_post *post;
    struct hl_http *http;
    struct hl_arena *arena; /* lives as long as the session */
    int64_t deadline_ms;    /* monotonic */
};
/* The time limit counts from here. */
void hl_forge_begin(struct hl_forge_session *session);
/* Begins, too. To be closed in any case. */
bool hl_forge_open(struct hl_forge_session *session, const struct hl_forge_post *post, struct hl_error **err) HL_MUST_CHECK;
void hl_forge_close(struct hl_forge_session *session);
/* The template with its places filled in; `id` is a comment's. */
const char *hl_forge_path(struct hl_forge_session *session, const char *template, int64_t id);

struct hl_forge_call {
    const char *method, *path;
    const struct hl_value *body; /* NULL: none */
    bool once;                   /* twice would be one too many: what may have been executed is not sent again */
};
struct hl_forge_answer {
    struct hl_http_response response;
    bool uncertain; /* with false: it may have been executed all the same */
};
void hl_forge_answer_clear(struct hl_forge_answer *answer);
static inline void hl_cleanup_forge_answer(struct hl_forge_answer *answer)
{
    hl_forge_answer_clear(answer);
}
/* Sends, and waits and sends again as long as the answer asks for it and the deadline allows. True when there is an answer that is neither a rate limit nor a
 * 5xx, whatever else its status is. `answer` is zeroed by the caller. */
bool hl_forge_perform(struct hl_forge_session *session, const struct hl_forge_call *call, struct hl_forge_answer *answer, struct hl_error **err) HL_MUST_CHECK;
/* The error of a status that is not wanted, with a hint about `rights`. Returns false. */
bool hl_forge_rejected(struct hl_forge_session *session, const struct hl_forge_answer *answer, const char *rights, struct hl_error **err);
/* The body of a 2xx as a value in `arena`. */
bool hl_forge_decode(const struct hl_forge_answer *answer, struct hl_arena *arena, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* False when the deadline would pass, or the run is interrupted. */
bool hl_forge_sleep(const struct hl_forge_session *session, int64_t ms);
/* UTC. */
int64_t hl_forge_now_ms(void);

/* ---- mark.c ---- */

enum { HL_FORGE_ID = 65 }; /* a commit's, SHA-256 too, and a NUL */

/* The first two lines of a comment. */
struct hl_forge_mark {
    const char *marker; /* the first line, within the text */
    size_t length;
    const char *run; /* the second one; NULL when there is none */
    size_t run_length;
    char head[HL_FORGE_ID]; /* "" when it is not said */
    int64_t order_ms;       /* 0: not said */
};
/* False when the text does not begin with a marker. */
bool hl_forge_mark_read(const char *text, struct hl_forge_mark *out);
bool hl_forge_mark_same(const struct hl_forge_mark *a, const struct hl_forge_mark *b);
/* Negative when `a` is older than `b`: the pull request's head, `current` (NULL when it cannot be known), counts more than any other, then who began later. A
 * time in the future is of a clock that was wrong, and would block all others: it counts as none. */
int hl_forge_mark_compare(const struct hl_forge_mark *a, const struct hl_forge_mark *b, const char *current, int64_t now_ms);
/* 40 or 64 hex digits. */
bool hl_forge_is_id(const char *text);

/* ---- comment.c, status.c ---- */

bool hl_forge_put_comment(struct hl_forge_session *session, enum hl_forge_outcome *outcome, struct hl_error **err) HL_MUST_CHECK;
bool hl_forge_put_status(struct hl_forge_session *session, bool *set, struct hl_error **err) HL_MUST_CHECK;

#endif
