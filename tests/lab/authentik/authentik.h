/* The API of authentik (/api/v3) as far as hlrec and NetBird use it, with the traps that clients fall into. Versions 2024.10 and 2025.10.
 *
 * The whole world is one value, {"tokens": {PK: {...}}, "users": ...}, so that it can be kept with --data as it is. Most of the API is Django REST framework
 * doing the same for each model: that is rest.c and validate.c, driven by the tables of tables.c. What a model has of its own are its hooks: tokens.c, users.c,
 * oauth2.c, applications.c.
 *
 * The first token (of user akadmin) is $HLREC_LAB_AUTHENTIK_TOKEN, by default "lab-bootstrap"; with "first" it becomes the first one that is presented, for a
 * demonstration in which the container that would be given it is pretended. $HLREC_LAB_AUTHENTIK_START, "READY,TOKEN,FLOWS" in milliseconds, is a first start
 * in slow motion: until READY every answer is a 503 page, until TOKEN the token is refused, until FLOWS there are no flows, scopes and keys.
 *
 * Without a token, for tests alone:
 *   POST /lab/clock {"add_seconds": N}             shifts the clock
 *   POST /lab/authentik {...}                      any of
 *     "start": [READY, TOKEN, FLOWS]               starts anew with these delays
 *     "default_token_duration": SECONDS            of the tenant; 1800 at first
 *     "hide": SLUG, "show": SLUG                   an application that the caller may not launch
 *     "rotate_expired": true                       expired tokens get new keys, as the clean-up task does it */
#ifndef HL_TESTS_LAB_AUTHENTIK_AUTHENTIK_H
#define HL_TESTS_LAB_AUTHENTIK_AUTHENTIK_H

#include "tests/lab/lab.h"

extern const struct lab_api lab_api_authentik;

struct authentik {
    struct lab *lab;
    struct hl_arena *arena;
    struct hl_value *world;
    int year, month; /* of the version: 2025, 10 */
    const char *version;
    int64_t ready_ns, token_ns, flows_ns; /* when these come, by the wall clock */
};

/* One request that is allowed in. */
struct authentik_call {
    struct authentik *authentik;
    struct lab_call *call;
    struct hl_arena *arena;
    const struct hl_value *user; /* who asks */
    bool superuser;
};

/* --- tables.c: the models --- */

enum authentik_type { AUTHENTIK_TEXT, AUTHENTIK_SLUG, AUTHENTIK_BOOL, AUTHENTIK_INT, AUTHENTIK_TIME, AUTHENTIK_KEY, AUTHENTIK_KEYS, AUTHENTIK_ANY };

struct authentik_field {
    const char *name;
    enum authentik_type type;
    const char *refers;         /* AUTHENTIK_KEY(S): the table whose keys these are */
    const char *fallback;       /* JSON; NULL: null */
    const char *const *choices; /* NULL-terminated */
    const char *label;          /* for "already exists"; NULL: the name */
    bool required, unique, nullable, blank;
    bool read_only; /* what is sent is dropped */
    bool hidden;    /* never shown */
};

struct authentik_table;

typedef bool authentik_validate_fn(struct authentik_call *c, const struct authentik_table *table, struct hl_value *body, const struct hl_value *object,
                                   struct hl_value *errors);
typedef void authentik_show_fn(struct authentik_call *c, const struct hl_value *object, struct hl_value *out);

struct authentik_table {
    const char *name, *path; /* "/core/tokens/" */
    const char *old_path;    /* before 2024.8, where it was another */
    const char *model;       /* "Token": in "No Token matches the given query." */
    const char *lookup;      /* the field that stands in paths */
    const char *order;
    bool numbered; /* pk is an integer, else a UUID */
    bool owned;    /* its owner may see and change it without being a superuser */
    bool late;     /* made by the first start's last step */
    bool hides;    /* the list leaves out what the caller may not launch, but with superuser_full_list */
    const struct authentik_field *fields;
    const char *const *filters;
    /* May: changes the body that has been validated field by field (defaults put in for a new object), or adds to `errors`. */
    authentik_validate_fn *validate;
    /* May: after it is stored. */
    void (*saved)(struct authentik_call *c, struct hl_value *object, bool created);
    void (*removed)(struct authentik_call *c, const struct hl_value *object);
    authentik_show_fn *show; /* may: adds members */
    /* May: POST or GET of PATH/KEY/ACTION/; false when there is no such action. */
    bool (*act)(struct authentik_call *c, struct hl_value *object, const char *action);
};

/* Ends with .name NULL. */
extern const struct authentik_table authentik_tables[];
const struct authentik_table *authentik_table_find(const char *name);
/* What is there at first; also that which a later start of an old world lacks. */
void authentik_populate(struct authentik *authentik);
/* Makes this key the first token's, if that waits for one. */
void authentik_claim(struct authentik *authentik, const char *key);

/* --- authentik.c --- */

int64_t authentik_now_ms(const struct authentik *authentik);
bool authentik_is_since(const struct authentik *authentik, int year, int month);
/* Map of a table: pk as text -> object. */
struct hl_value *authentik_rows(struct authentik *authentik, const char *table);
/* By any field; the first. NULL when there is none. */
struct hl_value *authentik_find(struct authentik *authentik, const char *table, const char *field, const char *text);
struct hl_value *authentik_by_pk(struct authentik *authentik, const char *table, const struct hl_value *pk);
/* Copies into the world. */
void authentik_put(struct authentik *authentik, struct hl_value *object, const char *field, const struct hl_value *value);
void authentik_put_text(struct authentik *authentik, struct hl_value *object, const char *field, const char *text);
const char *authentik_time_text(struct hl_arena *arena, int64_t ms);
void authentik_save(struct authentik *authentik);
void authentik_random_key(struct hl_arena *arena, size_t length, char **out);

/* --- rest.c --- */

/* Serves PATH of a table: `rest` is what follows the table's path ("", "KEY/", "KEY/ACTION/"). */
void authentik_rest(struct authentik_call *c, const struct authentik_table *table, const char *rest);
/* A map, or NULL after an answer was given. */
struct hl_value *authentik_body(struct authentik_call *c);
/* What is stored of `body` as a new object; the body was validated. Not saved yet. */
struct hl_value *authentik_insert(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *body);
void authentik_remove(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *object);
struct hl_value *authentik_show(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *object);
/* {"detail": ...} */
void authentik_refuse(struct authentik_call *c, int status, const char *format, ...) HL_PRINTF(3, 4);
void authentik_forbid(struct authentik_call *c);
void authentik_not_allowed(struct authentik_call *c);

/* --- validate.c --- */

/* The body of a creation (object NULL) or change as the model takes it: known fields, typed; `partial`: what is not sent is left out, else defaults are put in.
 * Errors go to `errors`: field -> list of words. */
struct hl_value *authentik_validate(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *body, const struct hl_value *object,
                                    bool partial, struct hl_value *errors);
/* Adds one. */
void authentik_complain(struct hl_arena *arena, struct hl_value *errors, const char *field, const char *format, ...) HL_PRINTF(4, 5);

/* --- the models' own --- */

authentik_validate_fn authentik_token_validate, authentik_provider_validate, authentik_application_validate;
authentik_show_fn authentik_token_show, authentik_user_show, authentik_group_show, authentik_provider_show, authentik_application_show;
void authentik_token_saved(struct authentik_call *c, struct hl_value *object, bool created);
bool authentik_token_act(struct authentik_call *c, struct hl_value *object, const char *action);
bool authentik_token_is_expired(const struct authentik *authentik, const struct hl_value *token);
void authentik_tokens_rotate(struct authentik *authentik);
void authentik_user_removed(struct authentik_call *c, const struct hl_value *object);
bool authentik_user_is_superuser(struct authentik *authentik, const struct hl_value *user);
void authentik_users_me(struct authentik_call *c);
void authentik_service_account(struct authentik_call *c);
bool authentik_group_act(struct authentik_call *c, struct hl_value *object, const char *action);
void authentik_provider_saved(struct authentik_call *c, struct hl_value *object, bool created);
void authentik_provider_removed(struct authentik_call *c, const struct hl_value *object);
bool authentik_provider_act(struct authentik_call *c, struct hl_value *object, const char *action);
void authentik_application_saved(struct authentik_call *c, struct hl_value *object, bool created);
void authentik_transactional(struct authentik_call *c);

#endif
