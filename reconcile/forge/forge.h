/* A plan on a pull request of GitHub, Gitea, Forgejo or GitLab: one comment, kept up to date, and the status of a commit.
 *
 *     hl_forge_detect()    where we are, from the variables that a CI system sets
 *     hl_forge_token()     with which token
 *     hl_forge_post()      the comment and the status
 *     hl_forge_summary()   the same text for the page of the run, where the CI system has one
 *
 * The comment is found again by its first line, which reconcile/render/markdown.h describes, and by its author: who copies the line into a comment of their own
 * changes nothing. The first of ours is edited, others are deleted, and a run never writes over what it sees a newer one to have written: newer is who has the
 * pull request's current head, else who began later. When several runs make the first comment at the same time, one comment remains: the first, which all of
 * them see.
 *
 * The token goes to the one API address that was given, over connections that follow no redirect, and into no message. Answers that ask to come back later
 * (429, 403 for a rate limit, Retry-After, 5xx) are waited for within the time limit. Nothing here decides whether a run has failed: an error means that the
 * pull request does not show the plan, and is to be told as a warning. */
#ifndef HL_RECONCILE_FORGE_FORGE_H
#define HL_RECONCILE_FORGE_FORGE_H

#include "schema/base/error.h"
#include "schema/base/redact.h"

#include <stdatomic.h>

/* "github", "gitea", "forgejo", "gitlab"; ends with NULL. */
extern const char *const hl_forge_names[];

/* What the CI system tells; what it does not is NULL, 0 or false. Texts live in the arena they were asked in. */
struct hl_forge_place {
    const char *forge;      /* one of hl_forge_names */
    const char *api;        /* "https://api.github.com", "https://git.example.org/api/v1" */
    const char *repository; /* "owner/name" of the pull request's target; for GitLab a number or "group/project" */
    int64_t pull;
    const char *head;     /* full id of the pull request's head; never that of a merge made for a test */
    const char *base;     /* full id of what it is to be merged into */
    const char *base_ref; /* the branch, "main"; from outside: may be any text */
    bool fork;            /* the head is in another repository: secrets are withheld, rights reduced */
    const char *run;      /* "github-4711-1": for people */
    const char *run_url;  /* the run's page */
    int64_t pipeline;     /* GitLab: the pipeline that a status belongs to */
    const char *author;   /* the login that the CI system's own token writes with */
    const char *summary;  /* the file for hl_forge_summary() */
    const char *ca_file;  /* PEM of the authority that signed the API's certificate */
};
/* GitHub, Gitea and Forgejo Actions, GitLab CI, Woodpecker. HLREC_FORGE_URL (the API's base), HLREC_FORGE_REPOSITORY, HLREC_FORGE_PULL and HLREC_FORGE_USER
 * come before what is found; HLREC_FORGE_CA_FILE stands for itself. Outside of CI that is all there is. HL_E_SPEC for a variable or an event file that cannot
 * be used. */
bool hl_forge_detect(struct hl_arena *arena, const char *const *environment, struct hl_forge_place *out, struct hl_error **err) HL_MUST_CHECK;

/* HLREC_FORGE_TOKEN, HLREC_FORGE_TOKEN_FILE, else the variable that the forge's users know: GITHUB_TOKEN, GITEA_TOKEN, FORGEJO_TOKEN, GITLAB_TOKEN.
 * GITHUB_TOKEN is taken for Gitea and Forgejo only within their own Actions: it might be GitHub's. Made known to the redactor. HL_E_AUTH when there is none. */
bool hl_forge_token(struct hl_arena *arena, const char *const *environment, const char *forge, struct hl_redactor *redactor, const char **token,
                    struct hl_error **err) HL_MUST_CHECK;

enum hl_forge_state { HL_FORGE_NO_STATUS, HL_FORGE_PENDING, HL_FORGE_SUCCESS, HL_FORGE_FAILURE, HL_FORGE_ERROR, HL_FORGE_STATES };

struct hl_forge_post {
    const char *forge, *api, *repository; /* as in hl_forge_place */
    int64_t pull;
    const char *token;
    const char *author;   /* login of the token, where it cannot tell itself; or NULL */
    const char *ca_file;  /* PEM, or NULL */
    const char *markdown; /* begins with the marker; NULL: no comment, only a status */
    bool only_update;     /* nothing to say: changes a comment that is there, makes none */
    const char *head;     /* full id of the commit that gets the status; NULL: none */
    enum hl_forge_state state;
    const char *description; /* of the status; cut to what the forge takes */
    const char *context;     /* "hlrec/bifrost" */
    const char *target_url;  /* of the status, or NULL */
    int64_t pipeline;        /* or 0 */
    bool fork;               /* a status that may not be set is no error then */
    int64_t timeout_ms;      /* of the comment, and of the status; 0: 2 min each */
    const struct hl_redactor *redactor;
    const atomic_int *interrupts; /* 2 breaks off; may be NULL */
};

enum hl_forge_outcome {
    HL_FORGE_NOT_ASKED,
    HL_FORGE_CREATED,
    HL_FORGE_UPDATED,
    HL_FORGE_OUTDATED, /* a newer run's comment stands and was left; the status, too */
    HL_FORGE_SILENT,   /* only_update, and there is none */
    HL_FORGE_FAILED,
};
struct hl_forge_result {
    enum hl_forge_outcome comment;
    bool status_set;
};
/* The status is set even if the comment fails, but not by a run that is late. False when either failed, with the first error (a second one is named in it):
 * HL_E_SPEC for a post that cannot be, HL_E_AUTH, HL_E_NOT_FOUND, HL_E_REJECTED, HL_E_UNREACHABLE, HL_E_TIMEOUT, HL_E_INTERRUPTED as transport/http.h has them.
 * `result` is filled in any case.
 */
bool hl_forge_post(const struct hl_forge_post *post, struct hl_forge_result *result, struct hl_error **err) HL_MUST_CHECK;

/* Appends `markdown` to place->summary; nothing without one. */
bool hl_forge_summary(const struct hl_forge_place *place, const char *markdown, struct hl_error **err) HL_MUST_CHECK;

#endif
