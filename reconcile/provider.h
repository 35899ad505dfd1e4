/* What a system that hlrec manages must be able to do.
 *
 * A provider type (docker) has instances (docker, nas), each opened once a run as a session. Its kinds have verbs. Verbs run in worker threads, several at once
 * on one session: whatever a session shares is locked by its owner (the HTTP client is thread-safe). Verbs block; they look at hl_run_cancelled() when
 * they wait. They print nothing: hl_op_progress() tells how far they are.
 *
 * Every mark on an object carries run->stack, run->state_id, the address and op->operation, so that after a crash the object tells whose it is. */
#ifndef HL_RECONCILE_PROVIDER_H
#define HL_RECONCILE_PROVIDER_H

#include "reconcile/plan/plan.h"
#include "schema/base/crypto.h"
#include "schema/base/redact.h"

#include <stdatomic.h>

/* What is common to one run of hlrec; outlives all sessions. */
struct hl_run {
    const char *stack;
    const char *state_id;
    const char *version;
    unsigned char key[HL_KEY_BYTES]; /* for keyed hashes put on objects; from the state */
    int64_t now_ms;                  /* the run's clock, Unix milliseconds */
    struct hl_redactor *redactor;
    const struct hl_files *files;
    const char *base; /* folder of the spec; what relative paths of destinations are relative to */
    const char *const *environment;
    bool preview;                 /* untrusted spec: nothing may be executed, written or read outside the tree */
    const atomic_int *interrupts; /* 0, 1: finish what is in flight, 2: leave now */
    atomic_bool lost;             /* nothing can be written down any more: what is in flight is finished, as after one interrupt */
};

/* Sleeps `ms` or less; false when the run was interrupted twice. */
bool hl_run_sleep(const struct hl_run *run, int64_t ms);
bool hl_run_cancelled(const struct hl_run *run);
/* Whether nothing new is begun any more: then there is no use in waiting for what could be begun. */
bool hl_run_ending(const struct hl_run *run);

struct hl_session {
    const struct hl_run *run;
    const char *name; /* of the instance */
    const struct hl_provider_type *type;
    const struct hl_value *settings; /* decoded by type->fields; NULL for an implicit instance */
    struct hl_arena *arena;          /* for open() alone: not thread-safe */
    void *data;                      /* the provider's own */
    /* Of the other providers that its resources use (fields with `uses`): all open; NULL-terminated, or NULL. See hl_session_used(). */
    struct hl_session *const *used;
    /* What the provider kept with hl_session_keep(), in this run or a former one: sealed in the state, by the instance's name; NULL when nothing. */
    const struct hl_value *kept;
    bool (*keep)(struct hl_session *session, const struct hl_value *value, struct hl_error **err); /* NULL where nothing may be changed */
    bool due;     /* set by ready(): it works, and setup() is to be called by the next apply all the same (a token that ends soon) */
    void *engine; /* the engine's own */
};

/* The open session of an instance of another provider that this one's resources use; `instance` NULL: the one of the type. Never NULL within verbs of a kind
 * whose fields say `uses`. */
struct hl_session *hl_session_used(const struct hl_session *session, const char *type, const char *instance);
/* Keeps a value of the provider's own (a token that was told only once), durably and sealed when it returns; session->kept is it from then on. For setup()
 * alone. */
bool hl_session_keep(struct hl_session *session, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;

/* One resource to be read. */
struct hl_object {
    const char *address, *name;
    const struct hl_kind *kind;
    const struct hl_value *desired;     /* decoded with what is known; may hold unknowns; NULL when the spec has it no more */
    const struct hl_recorded *recorded; /* NULL when not recorded */
    const char *id;                     /* to look for: the recorded one, or `adopt: ID`, or import's; "" when only the name is known */
    struct hl_arena *arena;             /* where `live` is to be put */
    struct hl_live live;                /* out; HL_LIVE_UNREAD on entry */
};

/* Hands over what was read: an id and values that are as recorded are the record's own, so that an unchanged object takes no memory. The rest is copied, and
 * may lie in an arena that goes. */
void hl_object_keep(struct hl_object *object, const char *id, const struct hl_value *values);

struct hl_op;

/* One action. */
struct hl_op {
    struct hl_session *session;
    const struct hl_kind *kind;
    const char *address, *name;
    const char *operation; /* UUID of this action, also in the journal */
    enum hl_action action;
    enum hl_replace_order order;
    const char *id;                       /* of the live object; "" for create */
    const struct hl_value *desired;       /* complete, no unknowns; NULL for delete */
    const struct hl_value *recorded;      /* desired as last applied, or NULL */
    const struct hl_value *recorded_live; /* what the state keeps of the system's answers, or NULL */
    const struct hl_value *live;          /* values as read, or NULL */
    const struct hl_value *kept;          /* list of what hl_kind.claims told of `recorded` and another resource claims now: to be left; or NULL */
    const struct hl_change *changes;
    size_t changes_count;
    int64_t timeout_ms; /* for health and readiness; never 0 */
    struct hl_span at;
    struct hl_arena *arena;
    /* Out: */
    const char *result_id;   /* NULL keeps `id` */
    struct hl_value *result; /* live values after the action, as refresh would give them, sensitive once-only values included */
    bool undone;             /* it failed, and all that it had begun is undone for sure: nothing is left for a recovery to look at */
    const char *note;        /* a line for the person: "rolled back", "not verified: no API"; or NULL */
    struct hl_error *error;  /* apply_batch: why this one failed; NULL when done */
    /* Durably keeps what must not be lost if the program dies now (a value told only once): sealed in the journal before it returns. */
    bool (*checkpoint)(struct hl_op *op, const struct hl_value *value, struct hl_error **err);
    void (*progress)(struct hl_op *op, const char *text);
    void *engine; /* the engine's own */
};

bool hl_op_checkpoint(struct hl_op *op, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
void hl_op_progress(struct hl_op *op, const char *format, ...) HL_PRINTF(2, 3);
/* The first change at or below `path` ("restart" covers "restart.name"), or NULL. */
const struct hl_change *hl_op_changed(const struct hl_op *op, const char *path);

/* An action that a former run began and did not finish. */
struct hl_recovery {
    struct hl_session *session;
    const struct hl_kind *kind;
    const char *address, *name, *operation, *action, *id; /* as in the intent */
    const struct hl_value *desired, *checkpoint;          /* may be NULL */
    const struct hl_recorded *recorded;                   /* NULL: not recorded before the action */
    int64_t started_ms;                                   /* when the action began, Unix milliseconds by this machine's clock */
    struct hl_arena *arena;
    /* Out: */
    enum hl_recovered {
        HL_RECOVERED_NOTHING, /* the world is as before; the record stands as it is (or there is none) */
        HL_RECOVERED_EXISTS,  /* the object is there: `result_id` and `result` are recorded with `result_desired` */
        HL_RECOVERED_GONE,    /* the object is gone: the record is dropped */
    } outcome;
    const char *result_id;
    struct hl_value *result;
    const struct hl_value *result_desired; /* NULL: the intent's */
    const char *note;
};

struct hl_verbs {
    /* Must. Reads all of `objects` (one kind, one session) with as few calls as the API allows. Each object's `live` is filled; what belongs to one object
     * alone goes to its live.error (HL_LIVE_UNREADABLE); false means that nothing could be read. An object is looked for by its id, then by its mark, then by
     * its name. */
    bool (*refresh)(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err);
    /* Must, unless apply_batch is there. `result` is set by the first two. A create that finds its own earlier attempt (same operation) takes it over. */
    bool (*create)(struct hl_op *op, struct hl_error **err);
    bool (*update)(struct hl_op *op, struct hl_error **err);
    bool (*remove)(struct hl_op *op, struct hl_error **err); /* a missing object is success */
    /* May: replaces with roll-back of its own, in op->order. Default: create and remove, in that order. */
    bool (*replace)(struct hl_op *op, struct hl_error **err);
    /* May, instead of the four: all ready actions of one session at once, of all kinds that have the same function (Traefik: one file). Sets op->error of each
     * that failed. */
    void (*apply_batch)(struct hl_session *session, struct hl_op **ops, size_t count);
    /* May. Default: refresh by name and mark; present and ours means that it exists. */
    bool (*recover)(struct hl_recovery *recovery, struct hl_error **err);
    /* May: waits until the resource is fit for what depends on it under `condition` (service_started, service_healthy, service_completed_successfully). */
    bool (*await)(struct hl_op *op, const char *condition, struct hl_error **err);
    /* May: live objects of the kind that carry no owner's mark; appends maps {kind, name, id, owner} to `list`. */
    bool (*unmanaged)(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err);
};

struct hl_provider_verbs {
    /* Must: checks the settings and makes session->data. No call to the system yet, so that opening is instant. */
    bool (*open)(struct hl_session *session, struct hl_error **err);
    void (*close)(struct hl_session *session);
    /* Must: one cheap call that tells whether the system answers and takes the credentials; `report` (may be NULL) gets lines for `doctor`. HL_E_UNREACHABLE,
     * HL_E_AUTH, or HL_E_NOT_SET_UP. */
    bool (*ready)(struct hl_session *session, struct hl_text *report, struct hl_error **err);
    /* May: what must be done once before the system can be used: its first owner, an API token of hlrec's own. Called by apply alone, after ready() has failed
     * with HL_E_NOT_SET_UP (which a plan shows as "decided during apply"); then ready() is asked again. Must bear being killed anywhere and called again. */
    bool (*setup)(struct hl_session *session, struct hl_error **err);
    /* May: how many actions at once the system bears; 0 for no limit of its own. */
    size_t (*parallel)(struct hl_session *session);
    /* May: calls made so far, for the plan's head line. */
    size_t (*requests)(struct hl_session *session);
};

/* reconcile/providers/registry.c: all kinds and provider types. */
extern const struct hl_registry hl_registry;

#endif
