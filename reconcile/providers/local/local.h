/* The machine itself: secrets, where they come from and where they are written.
 *
 *     secret.c       the kind: field table, findings, verbs
 *     secret_read.c  refresh: what the value should be, and what stands at the destinations
 *     read_ahead.c   ... read at once where many secrets share a place
 *     generate.c     new values, and whether a value fits what `generate` asks for
 *     source.c       values from elsewhere: env, file; the table of sources
 *     sops.c         ... from a file encrypted with sops      command.c  ... from a program      source_store.c  ... from Infisical, OpenBao
 *     destination.c  the table of places a value is written to; destination_*.c each of them; dotenv.c the form of dotenv files
 *
 * A value never reaches an error, an argument of a program or a file's name. Each one is made known to run->redactor as soon as it is read or made. Values live
 * in arenas, which wipe what they free. */
#ifndef HL_RECONCILE_PROVIDERS_LOCAL_LOCAL_H
#define HL_RECONCILE_PROVIDERS_LOCAL_LOCAL_H

#include "reconcile/provider.h"

#include <pthread.h>

enum { HL_LOCAL_LOCKS = 16 };

struct hl_sops;

/* session->data of the provider. */
struct hl_local {
    /* Held while a file is read, changed and written back; which one follows from the path, so that several secrets can share a file. */
    pthread_mutex_t locks[HL_LOCAL_LOCKS];
    struct hl_sops *sops;
    /* Objects borrow their errors: kept until the session is closed. */
    pthread_mutex_t errors_lock;
    struct hl_error **errors;
    size_t errors_count;
};

/* ---- generate.c ---- */

extern const struct hl_field hl_generate_fields[];
/* Findings about a decoded `generate`. */
void hl_generate_check(struct hl_check *check, const struct hl_value *generate);
/* A new value, sensitive. */
struct hl_value *hl_generate(struct hl_arena *arena, const struct hl_value *generate);
/* Whether `value` could have come out of it: a value is kept when the wish changes, and that is told. */
bool hl_generate_fits(const struct hl_value *generate, const struct hl_value *value);
/* Every character that can come out. */
const char *hl_generate_characters(const struct hl_value *generate);

/* ---- source.c ---- */

/* One reading of a source. */
struct hl_source {
    const struct hl_session *session;
    const struct hl_run *run;
    struct hl_local *local;
    struct hl_arena *arena; /* where the value goes */
    const char *name;       /* of the secret */
    const struct hl_value *desired;
    const char *missing; /* out: what is not there, when there is no value */
    const char *hint;    /* out: what to do about it */
};

struct hl_source_type {
    const char *name; /* the field that chooses it */
    /* NULL: the value is not read (generate, value). Gives *value (text, sensitive), or NULL with `missing` set when the source has none: whether that is
     * an error is for `optional` to say. False when it could not be told. */
    bool (*read)(struct hl_source *source, struct hl_value **value, struct hl_error **err);
    bool slow;  /* runs a program: read side by side with others */
    bool stays; /* a value that was given once is kept when nothing is given: a variable need not be in the environment of each run of a timer */
};

extern const struct hl_source_type hl_source_types[]; /* ends with .name = NULL */
/* The source that a decoded body has; NULL when it has none. `count` (may be NULL) tells how many. */
const struct hl_source_type *hl_source_find(const struct hl_value *desired, size_t *count);
bool hl_source_sops(struct hl_source *source, struct hl_value **value, struct hl_error **err) HL_MUST_CHECK;
bool hl_source_command(struct hl_source *source, struct hl_value **value, struct hl_error **err) HL_MUST_CHECK;
bool hl_source_infisical(struct hl_source *source, struct hl_value **value, struct hl_error **err) HL_MUST_CHECK;
bool hl_source_openbao(struct hl_source *source, struct hl_value **value, struct hl_error **err) HL_MUST_CHECK;
/* The open session of the store that an `infisical` or `openbao` object (`type`) means: of its `provider`, or the one there is. NULL when it is not open. */
struct hl_session *hl_local_store(const struct hl_session *session, const char *type, const struct hl_value *where);
/* The same for what cannot do without: HL_E_UNREACHABLE when it is not open. */
bool hl_local_need_store(const struct hl_session *session, const char *type, const struct hl_value *where, struct hl_session **store,
                         struct hl_error **err) HL_MUST_CHECK;
/* Whether the error says no more than that a store does not answer us now. */
bool hl_local_is_away(const struct hl_error *error);
/* Text to a sensitive value that the redactor knows; fails for what is no text (NUL, broken UTF-8), naming it as `what`. An empty text is no value: NULL. */
bool hl_source_take(struct hl_source *source, const char *data, size_t length, const char *what, struct hl_value **value, struct hl_error **err) HL_MUST_CHECK;
/* The value of a variable of the run's environment, or NULL. */
const char *hl_local_environment(const struct hl_run *run, const char *name);
/* Whether it is UTF-8 without NULs: what a value may be, since the state keeps it as JSON. */
bool hl_local_is_text(const char *data, size_t length);
/* An editor's or echo's line end is no part of a value of one line. A text of several lines (a key in PEM) is kept to the byte: OpenSSH wants its last one. */
size_t hl_local_without_line_end(const char *data, size_t length);

/* ---- destination.c ---- */

extern const struct hl_field hl_destination_fields[];
/* Findings about the decoded `write`; `generate` may be NULL. */
void hl_destination_check(struct hl_check *check, const struct hl_value *write, const struct hl_value *generate);
/* Gives each item the name by which it is matched (`destination`). */
void hl_destination_complete(const char *name, struct hl_arena *arena, struct hl_value *write);

/* One place where a secret is written. */
struct hl_destination {
    const struct hl_session *session;
    const struct hl_run *run;
    struct hl_local *local;
    struct hl_arena *arena;
    const char *name;             /* of the secret */
    const struct hl_value *item;  /* of `write`, complete */
    const struct hl_value *known; /* a value that the redactor has already, or NULL: what mostly stands there */
    bool fresh;                   /* what was read earlier in this run will not do */
};

/* Whether the item can be used now: of a type that there is, nothing unknown in it. The functions below want such. */
bool hl_destination_is_known(const struct hl_value *item);
/* Whether it can be asked at all: a store whose provider is not in the spec any more cannot. */
bool hl_destination_is_reachable(const struct hl_destination *destination);
/* What shares its lock and its reading with others: items of one identity are read with one call. NULL for files. In destination->arena. */
const char *hl_destination_shared(const struct hl_destination *destination);
/* "'/etc/x.env'" or "infisical /netbird KEY (project p, environment e)", for sentences. */
const char *hl_destination_place(const struct hl_destination *destination);
/* What stands there: the item's own fields, `mode`, and `content` (absent when there is none that all readers agree on). *guess (may be NULL) is what a person
 * would say stands there, or NULL. */
bool hl_destination_read(const struct hl_destination *destination, struct hl_value **live, struct hl_value **guess, struct hl_error **err) HL_MUST_CHECK;
/* Whether a value can be written there at all. */
bool hl_destination_takes(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
/* Writes, if it differs, and reads back. */
bool hl_destination_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
/* Removes what stands there if it is `value` or the item's recorded content; *left tells that something else stands there and was left alone. */
bool hl_destination_remove(const struct hl_destination *destination, const struct hl_value *value, bool *left, struct hl_error **err) HL_MUST_CHECK;

/* ---- secret_read.c ---- */

bool hl_secret_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err) HL_MUST_CHECK;
/* The items of `write` (NULL is fine) with `content` put in; without it when `value` is NULL or null. */
struct hl_value *hl_secret_fill(struct hl_arena *arena, const struct hl_value *write, const struct hl_value *value);
/* A secret's live values as refresh gives them: `value` (NULL: none), `created_at` (0: unknown), and what stands at the items of `desired` and, where something
 * is left of them, those that only `recorded` has. */
struct hl_secret_view {
    struct hl_session *session;
    struct hl_arena *arena;
    const char *name;
    const struct hl_value *desired, *recorded; /* lists of destinations, or NULL */
    struct hl_value *value;
    int64_t created_at;
    bool lenient; /* a store that does not answer counts as one that holds nothing */
    /* Out, may be left: what people would say stands at the desired destinations, and where. */
    struct hl_value *guess;
    const char *guess_place, *other_place; /* other_place: where a different value stands */
    const char *exposed_place;             /* one that everybody can read, unasked */
};
bool hl_secret_look(struct hl_secret_view *view, struct hl_value **live, struct hl_error **err) HL_MUST_CHECK;
/* The item of a list with this `destination`; NULL when there is none. */
const struct hl_value *hl_secret_find_item(const struct hl_value *write, const struct hl_value *like);
/* Whether both are text of the same bytes, in constant time. */
bool hl_secret_same(const struct hl_value *a, const struct hl_value *b);

/* ---- read_ahead.c ---- */

/* Reads the places of all these secrets that many can share (a folder of Infisical, a path of OpenBao), each once and side by side, so that looking at the
 * secrets one after the other asks nobody any more. What fails here fails again there, and is told there. */
void hl_secret_read_ahead(struct hl_session *session, struct hl_object **objects, size_t count);

/* ---- provider.c ---- */

struct hl_local *hl_local_get(const struct hl_session *session);
/* Takes the error and gives it back to look at, for as long as the session is open. */
const struct hl_error *hl_local_keep(struct hl_local *local, struct hl_error *error);

#endif
