/* What was done: one SQLite file that `sqlite3` can read, with every secret in it sealed.
 *
 * Order: hl_store_open() (creates, checks, migrates after a backup, refuses a newer file), hl_store_lock() for a run that writes, hl_store_run_begin(),
 * then for each batch of actions ONE transaction of intents before the world is changed and ONE of results after it:
 *
 *     hl_store_begin(); hl_store_intent() ...; hl_store_commit();     the intents are on disk (WAL, synchronous=FULL)
 *     ... the API calls ...
 *     hl_store_begin(); hl_store_record(); hl_store_settle() ...; hl_store_commit();
 *
 * Killed in between, the intents are found at the next start (hl_store_open_intents) and resolved by looking at the world. Sensitive parts of a value never
 * reach SQLite in the clear: in the JSON stands {"$secret": "<path>"}, the value is in table `secrets`, sealed by an AEAD (XChaCha20-Poly1305) with a
 * fresh nonce, its address, column and path as associated data.
 *
 * A reader (plan, state list) opens read-only, takes no lock and sees the last commit. Not thread-safe: one thread owns the store. This floor knows values, not
 * providers. */
#ifndef HL_STATE_STATE_H
#define HL_STATE_STATE_H

#include "schema/base/crypto.h"
#include "schema/base/error.h"

enum { HL_STATE_VERSION = 1 }; /* of the file, in PRAGMA user_version */

struct hl_store;

enum hl_store_mode {
    HL_STORE_READ,  /* must not write; a missing file is an empty state */
    HL_STORE_WRITE, /* created when missing: folder 0700, file 0600 */
};

struct hl_store_options {
    const char *path;
    const char *stack; /* a file of another stack is refused; NULL: any */
    enum hl_store_mode mode;
    bool thorough;      /* all of the file is checked, its indexes too; else what a writer opens is checked quickly, and what a reader opens is not */
    const char *key_of; /* of a copy: the state beside which its key is; NULL: beside the file itself */
    /* The sealing key's source, first that is set: HLREC_KEY (text), HLREC_KEY_FILE, $CREDENTIALS_DIRECTORY/hlrec-key, the file `<state>.key` (0600)
     * beside the state, made together with it. Taken from `environment` (NAME=VALUE, NULL-terminated). */
    const char *const *environment;
};

/* What was last applied to one resource. */
struct hl_record {
    const char *address, *kind, *name, *provider;
    const char *provider_type;
    const char *id;           /* the system's, "" when it has none */
    struct hl_value *desired; /* as last applied: the "recorded" of the three-way diff */
    struct hl_value *live;    /* as the system told after it: outputs, things told only once */
    const char *const *needs; /* addresses, NULL-terminated: the order of deletion when the spec is silent */
    bool protect;
    bool holds_data;
    bool adopted;
    bool rotate; /* `hlrec secret rotate` asks for a new value */
    int64_t created_ms, updated_ms;
    int64_t run;       /* that last changed it */
    int64_t streak;    /* runs in a row that had to correct the same drift with the same spec ... */
    const char *drift; /* ... and which: the fields, as the plan names them; NULL or "" when none */
};

enum hl_intent_state { HL_INTENT_OPEN, HL_INTENT_DONE };

/* An action that changes the world, written before it starts. */
struct hl_intent {
    int64_t id;            /* given by hl_store_intent */
    const char *operation; /* a UUID, carried by the object where it can carry a mark */
    const char *address, *kind, *name, *provider, *provider_type;
    const char *action;    /* hl_action's JSON name */
    const char *object_id; /* of the live object before; "" when none */
    struct hl_value *desired;
    struct hl_value *checkpoint; /* what the action has learnt so far (a value told only once, a new id); NULL when nothing */
    const char *const *needs;
    int64_t started_ms;
    int64_t run;
};

struct hl_run_row {
    int64_t id;
    const char *command, *who, *host, *source, *commit, *result; /* result: "running", "done", "failed", ... */
    int64_t pid, started_ms, finished_ms;
    int64_t created, updated, replaced, deleted, failed, deferred;
};

struct hl_event_row {
    int64_t run, time_ms;
    const char *address, *event, *action, *message;
};

/* Paths, modes, ownership, integrity, stack and version are checked; each failure says which and what to do. */
bool hl_store_open(const struct hl_store_options *options, struct hl_store **out, struct hl_error **err) HL_MUST_CHECK;
void hl_store_close(struct hl_store *store);
static inline void hl_cleanup_store(struct hl_store **store)
{
    if (*store != NULL)
        hl_store_close(*store);
}
const char *hl_store_path(const struct hl_store *store);
/* The UUID of this state: objects carry it, so that two states of one stack name are told apart. Made at creation; "" for a missing file. */
const char *hl_store_id(const struct hl_store *store);
/* Grows with each commit that changed resources. */
int64_t hl_store_serial(const struct hl_store *store);
/* A subkey of the sealing key for keyed hashes of `purpose`; stable for this state. HL_KEY_BYTES. */
void hl_store_subkey(const struct hl_store *store, const char *purpose, unsigned char out[HL_KEY_BYTES]);

/* One writer. Waits up to `wait_ms`; HL_E_LOCKED says who holds it, since when and doing what. The kernel drops it with its holder. *died is true when the
 * row of a former run was still there: it ended without finishing. */
bool hl_store_lock(struct hl_store *store, const char *command, int64_t wait_ms, bool *died, struct hl_error **err) HL_MUST_CHECK;
void hl_store_unlock(struct hl_store *store);
/* Whether another run holds the lock now, and a line about it (in `arena`, else NULL); for `plan`, which takes none. */
const char *hl_store_lock_holder(struct hl_store *store, struct hl_arena *arena);

bool hl_store_begin(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_commit(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
void hl_store_rollback(struct hl_store *store);

/* What the caller has in memory as the desired value of an address, or NULL. `find` is called from several threads. */
struct hl_known {
    struct hl_value *(*find)(void *context, const char *address);
    void *context;
};
/* All records by address, in `arena`; struct hl_record * values. Where `known` (or NULL) has the very value that is recorded as desired, the record borrows it:
 * most resources are as they were applied. */
bool hl_store_records(struct hl_store *store, struct hl_arena *arena, const struct hl_known *known, struct hl_map **out, struct hl_error **err) HL_MUST_CHECK;
/* Inserts or replaces; fills created_ms/updated_ms/run when they are 0. */
bool hl_store_record(struct hl_store *store, const struct hl_record *record, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_forget(struct hl_store *store, const char *address, struct hl_error **err) HL_MUST_CHECK;
/* Re-seals what the address is associated data of. HL_E_CONFLICT when `to` exists, HL_E_NOT_FOUND when `from` does not. */
bool hl_store_move(struct hl_store *store, const char *from, const char *to, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_set_rotate(struct hl_store *store, const char *address, bool rotate, struct hl_error **err) HL_MUST_CHECK;
/* Former values of the stack's secrets (for the redactor): every text ever sealed that is still in the file. */
bool hl_store_secrets(struct hl_store *store, struct hl_arena *arena, struct hl_value **out_list, struct hl_error **err) HL_MUST_CHECK;

/* The journal. */
bool hl_store_intent(struct hl_store *store, struct hl_intent *intent, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_checkpoint(struct hl_store *store, int64_t intent, const char *address, const struct hl_value *checkpoint, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_settle(struct hl_store *store, int64_t intent, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_open_intents(struct hl_store *store, struct hl_arena *arena, struct hl_intent **out, size_t *count, struct hl_error **err) HL_MUST_CHECK;

/* Runs and their events; messages are redacted by the caller. History beyond `keep` runs is dropped by hl_store_run_end. */
bool hl_store_run_begin(struct hl_store *store, const char *command, const char *source, const char *commit, int64_t *out, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_run_end(struct hl_store *store, const struct hl_run_row *row, int64_t keep, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_event(struct hl_store *store, const struct hl_event_row *event, struct hl_error **err) HL_MUST_CHECK;
/* The newest first; limit <= 0 gives all. A run that was killed is told as "died", before another one has written so. */
bool hl_store_runs(struct hl_store *store, struct hl_arena *arena, int64_t limit, struct hl_run_row **out, size_t *count, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_events(struct hl_store *store, struct hl_arena *arena, int64_t run, struct hl_event_row **out, size_t *count,
                     struct hl_error **err) HL_MUST_CHECK;

/* Small named texts (guard: spec hash of the last run, the last applied commit ...). *out is NULL when absent. */
bool hl_store_get(struct hl_store *store, struct hl_arena *arena, const char *name, const char **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_put(struct hl_store *store, const char *name, const char *value, struct hl_error **err) HL_MUST_CHECK;
/* A value of a provider's own (a token that was told only once), sealed, by the name of its instance. *out is NULL when there is none. */
bool hl_store_keep(struct hl_store *store, const char *name, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_kept(struct hl_store *store, struct hl_arena *arena, const char *name, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;

/* A file beside the state that can take its place: the last good copy, what was kept before a migration, or that of a state that was lost. */
struct hl_store_copy {
    const char *path;
    int64_t made_ms;          /* when it was written */
    int64_t serial;           /* meaningless with a problem */
    struct hl_error *problem; /* why it cannot take the state's place; NULL: it can */
};

/* A resource that needs what is not in the state. */
struct hl_dangling {
    const char *address, *need;
};

/* Whether a state is sound, and what there is to go back to. */
struct hl_store_findings {
    struct hl_store *store;       /* opened for reading; NULL when it does not open */
    struct hl_error *problem;     /* the first that was found, with the way back as its hint; NULL: sound */
    const struct hl_map *records; /* as hl_store_records() gives them; NULL when they cannot be read */
    struct hl_intent *intents;    /* of a run that died, or of the one that is at work */
    size_t intents_count;
    struct hl_dangling *dangling; /* no damage: an order of deletion that nobody needs any more */
    size_t dangling_count;
    struct hl_store_copy *copies; /* the newest first */
    size_t copies_count;
};

/* Reads all of the file: SQLite's own check, the references between rows, each record and intent, each sealed value. Writes nothing and takes no lock. All but
 * errors and the store is in `arena`. */
void hl_store_check(const struct hl_store_options *options, struct hl_arena *arena, struct hl_store_findings *out);
void hl_store_findings_clear(struct hl_store_findings *findings);

/* A consistent copy (0600) while others read and write; refuses to overwrite. */
bool hl_store_backup(struct hl_store *store, const char *path, struct hl_error **err) HL_MUST_CHECK;
/* Seals everything anew with a new key; the new key is written to `key_file` (0600, must not exist) or, when NULL, replaces the key file beside the state. */
bool hl_store_rekey(struct hl_store *store, const char *key_file, struct hl_error **err) HL_MUST_CHECK;

#endif
