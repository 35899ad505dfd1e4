/* The simulated OpenBao: token and AppRole sign-in, policies, KV version 1 and 2. Behaves as OpenBao 2.7.2 does; openbao_test.sh runs the same
 * checks on a real server. Not here: namespaces, wrapping, SCAN, detailed-metadata, subkeys, tuning, policies in HCL.
 *
 * The world is one hl_value, kept by --data:
 *   mounts   "secret/" -> {type, version 1 or 2 (0: no KV), options, description, accessor, uuid, config, entries}
 *   auths    "approle/" -> {type, accessor, uuid, roles: name -> role}
 *   policies name -> {policy (text), rules: path -> [capabilities], modified}
 *   tokens   id -> token
 * Times are nanoseconds, 0 is never.
 *
 * POST /lab/openbao {...} (no token) switches: sealed, standby, initialized (bool); upgrading, throttle (so many calls to come fail: 400 while the
 * engine upgrades, 429 of a quota); unlock (true: AppRole lockouts are forgotten). */
#ifndef HL_TESTS_LAB_OPENBAO_OPENBAO_H
#define HL_TESTS_LAB_OPENBAO_OPENBAO_H

#include "tests/lab/lab.h"

extern const struct lab_api lab_api_openbao;

struct openbao {
    struct lab *lab;
    struct hl_arena *arena;
    struct hl_value *world;
    struct hl_value *mounts, *auths, *policies, *tokens; /* parts of it */
    const char *root;                                    /* the root token */
    struct hl_map lockouts;                              /* "MOUNT ROLE-ID" -> struct openbao_lockout * */
    bool sealed, standby, uninitialised;
    int64_t upgrading, throttled;
};

enum openbao_operation { OPENBAO_READ, OPENBAO_LIST, OPENBAO_WRITE, OPENBAO_PATCH, OPENBAO_DELETE, OPENBAO_HEAD };

struct openbao_call {
    struct openbao *bao;
    struct lab_call *call;
    struct hl_arena *arena; /* the call's */
    enum openbao_operation operation;
    const char *path;       /* decoded, without /v1/ */
    struct hl_value *body;  /* always a map */
    struct hl_value *token; /* NULL before sign-in */
    struct hl_value *warnings;
    bool changed; /* the world is to be kept */
    /* Within a mount */
    struct hl_value *mount;
    const char *mount_path; /* "secret/" */
    const char *rest;       /* behind it */
    const char *key;        /* of KV: "app/x"; NULL when there is none */
};

/* --- answer.c --- */

void openbao_answer_json(struct openbao_call *c, int status, const struct hl_value *value);

/* {"errors": [...]}; returns false, so that a check can `return openbao_fail(...)`. */
bool openbao_fail(struct openbao_call *c, int status, const char *format, ...) HL_PRINTF(3, 4);
bool openbao_fail_empty(struct openbao_call *c, int status);        /* {"errors": []} */
bool openbao_fail_wrapped(struct openbao_call *c, const char *why); /* "1 error occurred: ...", with the status that belongs to it */
/* The envelope; NULL data is null. */
void openbao_answer(struct openbao_call *c, int status, struct hl_value *data);
void openbao_answer_lease(struct openbao_call *c, struct hl_value *data); /* with the lease that reads of KV version 1 tell */
void openbao_answer_auth(struct openbao_call *c, struct hl_value *auth);
/* As sys/ does: the members of data beside the envelope as well. */
void openbao_answer_twice(struct openbao_call *c, struct hl_value *data);
void openbao_no_content(struct openbao_call *c);
void openbao_warn(struct openbao_call *c, const char *format, ...) HL_PRINTF(2, 3);
/* Warns of what is in `map` and not in `known`, which ends with NULL. */
void openbao_warn_unknown(struct openbao_call *c, const struct hl_value *map, const char *const *known);

/* --- request.c --- */

/* The path without /v1/; NULL when it was answered (redirects, other paths). */
const char *openbao_take_path(struct openbao_call *c);
/* The rest of what can be told without a token: operation, body, mount. False when it was refused, and answered. */
bool openbao_prepare(struct openbao_call *c);
bool openbao_take_body(struct openbao_call *c);

/* --- fields.c: Go's ways with text, numbers and time --- */

/* These read a member of a body as loosely as the server does. Absent: *given is false. False when it was refused, and answered;
 * `prefix` stands before the message ("Field validation failed: " or ""). */
bool openbao_take_int(struct openbao_call *c, const struct hl_value *map, const char *name, const char *prefix, int64_t *out, bool *given);
bool openbao_take_bool(struct openbao_call *c, const struct hl_value *map, const char *name, bool *out, bool *given);
bool openbao_take_ms(struct openbao_call *c, const struct hl_value *map, const char *name, const char *prefix, int64_t *out, bool *given);
/* A list of texts, or one text with commas; NULL when absent. */
struct hl_value *openbao_take_words(struct openbao_call *c, const struct hl_value *map, const char *name);
/* Go's name of the type of a decoded JSON value. */
const char *openbao_go_type(const struct hl_value *value);
bool openbao_parse_bool(const char *text, bool *out);
const char *openbao_time(struct hl_arena *arena, int64_t ns);       /* RFC 3339; "" for 0 */
const char *openbao_duration(struct hl_arena *arena, int64_t ms);   /* "1h0m0s" */
const char *openbao_short_span(struct hl_arena *arena, int64_t ms); /* "1h" */
/* `count` random letters and digits. */
const char *openbao_random_text(struct hl_arena *arena, size_t count);
const char *openbao_accessor(struct hl_arena *arena, const char *type); /* "kv_1a2b3c4d" */
int openbao_compare_texts(const void *a, const void *b);                /* for qsort() of const char * */

/* --- acl.c --- */

/* The token of the call into c->token; false when there is none that is good, and answered. `uses_up`: counts for num_uses. */
bool openbao_sign_in(struct openbao_call *c, bool uses_up);
/* Whether the policies of the token allow it; answers when not. */
bool openbao_check_policy(struct openbao_call *c);
/* Sorted names; ["root"], ["deny"]. */
struct hl_value *openbao_capabilities(struct openbao_call *c, const struct hl_value *token, const char *path);
/* Whether something below `prefix` is allowed. */
bool openbao_may_see(struct openbao_call *c, const char *prefix);
bool openbao_is_root(const struct hl_value *token);
void openbao_policies(struct openbao_call *c, const char *name);
/* JSON only; false when it is none. */
bool openbao_policy_put(struct openbao *bao, const char *name, const char *text);

/* --- token.c --- */

struct openbao_grant {
    struct hl_value *policies; /* list of text, without "default" */
    struct hl_value *meta;     /* or NULL */
    const char *display_name, *path, *entity;
    int64_t ttl_ms, max_ms, explicit_max_ms, period_ms, uses; /* 0: default, none, endless */
    bool fixed, no_default, orphan;                           /* fixed: cannot be renewed */
};

/* A new one, in the world. */
struct hl_value *openbao_token_new(struct openbao_call *c, const struct openbao_grant *grant);
struct hl_value *openbao_token_auth(struct openbao_call *c, const struct hl_value *token);
void openbao_token_put_root(struct openbao *bao);
void openbao_tokens(struct openbao_call *c, const char *name);
void openbao_capabilities_self(struct openbao_call *c);

/* --- approle.c --- */

void openbao_approle_login(struct openbao_call *c, struct hl_value *auth, const char *mount_path);
void openbao_approle(struct openbao_call *c, struct hl_value *auth, const char *rest);
/* The AppRole that is there at the start. */
void openbao_approle_put(struct openbao *bao, struct hl_value *auth, const char *role_id, const char *secret_id);
bool openbao_approle_has(const struct hl_value *auth, const char *rest);

/* --- mounts.c --- */

struct hl_value *openbao_mount_new(struct openbao *bao, const char *path, const char *type, int64_t version, const char *description);
/* The mount that `path` is in; NULL when there is none. */
struct hl_value *openbao_mount_find(const struct hl_value *mounts, const char *path, const char **mount_path);
void openbao_mounts(struct openbao_call *c, const char *path);
void openbao_auths(struct openbao_call *c, const char *path);
void openbao_visible_mounts(struct openbao_call *c, const char *path);

/* --- kv1.c, kv2.c, metadata.c --- */

void openbao_kv1(struct openbao_call *c);
void openbao_kv2(struct openbao_call *c);
struct hl_value *openbao_kv_entries(const struct openbao_call *c);
/* Whether a write changes something that is there: decides between `create` and `update`. */
bool openbao_kv_has(const struct openbao_call *c);
/* Of KV version 2. */
struct hl_value *openbao_entry_new(struct openbao_call *c);
bool openbao_entry_is_gone(const struct hl_value *version);
void openbao_kv2_config(struct openbao_call *c);
void openbao_kv2_metadata(struct openbao_call *c);
/* What is in the folder `key`; answers. */
void openbao_kv_list(struct openbao_call *c, const char *key);

#endif
