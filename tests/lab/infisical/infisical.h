/* The simulated Infisical: universal auth, projects, folders, secrets (API v4, and v3 raw of older servers). Behaves as the backend's source of 2025 and
 * 2026 does; --infisical 0.149 or less is a server without API v4, v2 folders and /api/v1/projects. Not here: imports, tags, personal secrets, service
 * tokens, moving secrets.
 *
 * At the start there is a machine identity ($HLREC_LAB_INFISICAL_ID and _SECRET, by default lab-client and lab-client-secret) and the project
 * 'homelab-prod' with the environments dev, staging and prod. --data keeps the world: one hl_value,
 *   projects  id -> {id, name, slug, environments: [{id, name, slug, position}], folders: environment -> path -> folder, ...}
 *   folder    {id, name, path, parentId, envId, version, ..., secrets: key -> secret}
 *   tokens    id -> token
 * Times are nanoseconds.
 *
 * Without a token:
 *   POST /lab/infisical {...}   switches, see modes_table in switch.c
 *   POST /lab/secret {"project", "environment", "path", "key", "value", "comment"?, "rotated"?}   behind everybody's back; value null deletes */
#ifndef HL_TESTS_LAB_INFISICAL_INFISICAL_H
#define HL_TESTS_LAB_INFISICAL_INFISICAL_H

#include "tests/lab/lab.h"

extern const struct lab_api lab_api_infisical;

enum infisical_limit { INFISICAL_LIMIT_NONE, INFISICAL_LIMIT_READ, INFISICAL_LIMIT_WRITE, INFISICAL_LIMIT_SECRETS, INFISICAL_LIMIT_AUTH, INFISICAL_LIMITS };

/* What /lab/infisical switches; bools and numbers by name in switch.c. */
struct infisical_modes {
    int64_t approval, v4, member, starting, lockout, mask, forbid, capitals, encrypted_metadata; /* 0 or 1 */
    int64_t lockout_ms, token_ttl, token_max_ttl, token_num_uses, token_period, client_secret_num_uses, rate_limit, rate_window_ms;
};

/* Where an id leads. */
struct infisical_place {
    struct hl_value *project;
    const char *environment; /* slug */
    struct hl_value *folder;
    struct hl_value *secret; /* or NULL */
};

struct infisical {
    struct lab *lab;
    struct hl_arena *arena;
    struct hl_value *world;
    struct hl_value *projects, *tokens; /* parts of it */
    struct hl_map places;               /* id of a folder or secret -> struct infisical_place *, NULL when it is gone */
    int64_t minor;                      /* version 0.<this> */
    const char *client_id, *client_secret;
    int64_t client_secret_uses;
    int64_t failures, failures_until_ns, locked_until_ns;
    struct infisical_modes modes;
    struct {
        int64_t count, until_ns;
    } limits[INFISICAL_LIMITS];
};

struct infisical_call {
    struct infisical *inf;
    struct lab_call *call;
    struct hl_arena *arena;  /* the call's */
    const char *names[2];    /* what the stars of the route matched, decoded */
    bool raw;                /* API v3 */
    struct hl_value *body;   /* NULL: none */
    struct hl_value *issues; /* of the validation */
    bool changed;            /* the world is to be kept */
};

typedef void infisical_handler(struct infisical_call *c);

/* Whether this server has API v4. */
bool infisical_is_new(const struct infisical_call *c);

/* --- answer.c --- */

void infisical_answer(struct infisical_call *c, int status, const struct hl_value *value);
/* {"NAME": value} */
void infisical_answer_in(struct infisical_call *c, const char *name, struct hl_value *value);
/* `error` is the name of what was thrown; NULL: the name that belongs to the status. Returns false. */
bool infisical_fail(struct infisical_call *c, int status, const char *error, const char *format, ...) HL_PRINTF(4, 5);
/* What the router says. */
void infisical_fail_route(struct infisical_call *c);
/* What the HTTP library says of a body; newer servers make a 500 of it. Returns false. */
bool infisical_fail_body(struct infisical_call *c, int status, const char *code, const char *reason, const char *message);
const char *infisical_time(struct hl_arena *arena, int64_t ns); /* "2026-01-31T12:00:00.000Z" */

/* --- check.c: validation, all faults of a request at once --- */

/* A place within the body: body[list][index]; list NULL is the body itself. */
struct infisical_at {
    const char *list;
    size_t index;
};

void infisical_issue(struct infisical_call *c, const struct infisical_at *at, const char *name, const char *message);
/* Trimmed. Absent: `fallback`, or an issue when it is `required`. */
const char *infisical_text(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name, const char *fallback,
                           bool required);
/* As it is, not trimmed; NULL when absent. */
const struct hl_value *infisical_member(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name,
                                        enum hl_type type, bool required, bool nullable);
bool infisical_bool(struct infisical_call *c, const struct hl_value *map, const char *name, bool fallback);
/* Exactly "true" or "false". */
bool infisical_query_flag(struct infisical_call *c, const char *name, bool fallback);
/* One of `options`, which ends with NULL; the first is the fallback. */
const char *infisical_choice(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name, const char *const *options);
/* The body as a map; an issue when there is none. */
const struct hl_value *infisical_body(struct infisical_call *c);
/* Answers 422 when there are issues. */
bool infisical_valid(struct infisical_call *c);

/* --- value.c: what the server does to values --- */

/* As JavaScript trims. */
struct hl_value *infisical_trim(struct hl_arena *arena, const char *data, size_t length);
/* Trimmed, but for one newline at the end. */
struct hl_value *infisical_normalise(struct hl_arena *arena, const struct hl_value *value);
/* ${...} replaced by what it names. */
struct hl_value *infisical_expand(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *value);
/* Servers without API v4 refuse references to what is not there; answers. */
bool infisical_check_references(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *value);
bool infisical_is_upper(const char *name);

/* --- auth.c --- */

infisical_handler infisical_login, infisical_renew, infisical_revoke;
/* False when the token is no good, and answered. `needed`: also without one. */
bool infisical_sign_in(struct infisical_call *c, bool needed);
void infisical_unlock(struct infisical *inf);

/* --- project.c --- */

infisical_handler infisical_projects_list, infisical_project_by_slug, infisical_project_by_id, infisical_project_create, infisical_environment_create,
    infisical_environment_by_slug, infisical_environment_by_id;
struct hl_value *infisical_project_new(struct infisical *inf, const char *name, const char *slug, bool environments);
/* NULL when there is none, or the identity does not belong to it, and answered. `secrets`: as the endpoints of secrets word it. */
struct hl_value *infisical_project(struct infisical_call *c, const char *id, bool secrets);
struct hl_value *infisical_project_slug(struct infisical_call *c, const char *slug);
/* By slug or id, without words. */
struct hl_value *infisical_project_peek(const struct infisical *inf, const char *name);
struct hl_value *infisical_environment(const struct hl_value *project, const char *slug);

/* --- folder.c --- */

infisical_handler infisical_folders_list, infisical_folder_get, infisical_folder_create, infisical_folder_update, infisical_folder_delete;
/* The folder of exactly that path; NULL when there is none. */
struct hl_value *infisical_folder_find(const struct hl_value *project, const char *environment, const char *path);
/* With its parents. */
struct hl_value *infisical_folder_make(struct infisical *inf, struct hl_value *project, const char *environment, const char *path);
/* Everything below, by id. */
void infisical_index(struct infisical *inf, struct hl_value *project);
bool infisical_is_path(const char *path); /* letters, digits, - and _ between the slashes */
bool infisical_is_uuid(const char *text);
const char *infisical_child_path(struct hl_arena *arena, const char *path, const char *name);

/* --- store.c: secrets, without HTTP --- */

struct infisical_fields {
    const struct hl_value *value, *comment, *metadata, *skip; /* NULL: not said */
    const char *new_name;
};

struct hl_value *infisical_secrets(const struct hl_value *folder); /* key -> secret */
struct hl_value *infisical_secret_add(struct infisical *inf, const struct infisical_place *place, const char *key, const struct infisical_fields *fields);
void infisical_secret_change(struct infisical *inf, const struct infisical_place *place, struct hl_value *secret, const struct infisical_fields *fields);
void infisical_secret_drop(struct infisical *inf, const struct infisical_place *place, const char *key);

/* Which members an answer has: each endpoint has its own set. */
enum infisical_shape { INFISICAL_BARE = 0, INFISICAL_HIDDEN = 1, INFISICAL_PATH = 2 };

struct hl_value *infisical_secret_describe(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *secret, int shape, bool mask);

/* --- secret.c, batch.c --- */

infisical_handler infisical_secrets_list, infisical_secret_get, infisical_secret_by_id, infisical_secret_create, infisical_secret_update,
    infisical_secret_delete, infisical_batch_create, infisical_batch_update, infisical_batch_delete;

/* --- target.c --- */

/* Where a request wants to be. */
struct infisical_target {
    const char *id, *slug, *environment, *path;
};

const char *infisical_without_last_slash(struct hl_arena *arena, const char *path);
void infisical_take_target(struct infisical_call *c, const struct hl_value *body, struct infisical_target *out);
/* The project and folder of it; `thrower` names the error when there is no such folder. Answers when it is false. */
bool infisical_find_target(struct infisical_call *c, const struct infisical_target *target, const char *thrower, struct infisical_place *out);
struct hl_value *infisical_find_project(struct infisical_call *c, const struct infisical_target *target);
const char *infisical_take_name(struct infisical_call *c, const struct infisical_at *at, const char *member, const char *text);
void infisical_take_fields(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, bool required, struct infisical_fields *out);
/* Rules of the project that a write must keep; answers. */
bool infisical_check_fields(struct infisical_call *c, const char *name, const struct infisical_fields *fields);
/* In the mode with approvals: answers with a request for one. */
bool infisical_wants_approval(struct infisical_call *c, const struct infisical_place *place);

/* --- switch.c --- */

void infisical_modes_init(struct infisical_modes *modes);
void infisical_switch(struct infisical_call *c);

#endif
