/* The plan: desired x recorded x live -> actions. Pure: values in, actions out; no I/O, no clock, no randomness, so the same inputs give
 * the same bytes, and tables and property tests can test it.
 *
 * hl_plan_compute() walks the resources in topological order, decodes each with the values known so far, compares three ways field by field
 * (plan/diff.h) and decides (plan/decide.c). apply calls hl_plan_decide() again for a single resource when what it waited for has become known: the
 * same function, so that the plan and the doing cannot disagree. */
#ifndef HL_RECONCILE_PLAN_PLAN_H
#define HL_RECONCILE_PLAN_PLAN_H

#include "schema/schema.h"

enum hl_action {
    HL_ACTION_NONE,
    HL_ACTION_CREATE,
    HL_ACTION_UPDATE,
    HL_ACTION_REPLACE,
    HL_ACTION_DELETE,
    HL_ACTION_ADOPT,  /* take over a live object; may come with changes, which are then made in place */
    HL_ACTION_FORGET, /* drop the record, leave the world alone */
    HL_ACTION_DEFER,
    HL_ACTION_REFUSE, /* a conflict, an unreadable object: an error for this resource alone */
    HL_ACTIONS
};

struct hl_action_info {
    const char *name;   /* JSON: "create" */
    const char *verb;   /* "CREATE" */
    const char *symbol; /* "+" */
    const char *doing;  /* "creating" */
    const char *done;   /* "created" */
};
const struct hl_action_info *hl_action_info(enum hl_action action);

enum hl_origin { HL_ORIGIN_SPEC, HL_ORIGIN_DRIFT, HL_ORIGIN_BOTH, HL_ORIGINS };
const char *hl_origin_name(enum hl_origin origin); /* "spec", "drift", "both" */

/* One field that differs. Values may be NULL (unset). Borrowed from the inputs or the plan's arena. */
struct hl_change {
    const char *path; /* "environment.TZ" */
    const struct hl_field *field;
    const struct hl_value *desired, *recorded, *live;
    enum hl_origin origin;
    bool sensitive;
    bool unasked;        /* with `drift_only`: the spec has no say, `desired` is what was applied last */
    const char *unknown; /* what the desired value waits for, or NULL */
    bool forces_replacement;
    struct hl_span at;
};

enum hl_presence {
    HL_LIVE_UNREAD, /* not asked (a late-bound provider, --no-refresh) */
    HL_LIVE_ABSENT, /* surely not there */
    HL_LIVE_PRESENT,
    HL_LIVE_UNREADABLE, /* its provider could not be read; `error` says why */
    HL_LIVE_PENDING,    /* cannot be decided yet (a peer that has not joined); `defer_reason` */
};

enum hl_owner { HL_OWNER_NONE, HL_OWNER_US, HL_OWNER_OTHER }; /* whose mark the object carries */

/* One resource as its system tells it. Filled by the providers' refresh, read by the plan. */
struct hl_live {
    enum hl_presence presence;
    const char *id;
    struct hl_value *values; /* in the shape of the kind's fields, normalised; unset fields absent; computed fields included */
    struct hl_value *inputs; /* internal desired fields that were read from outside: a secret's `value`, an image's id; put over the desired value */
    enum hl_owner owner;
    const char *owner_text;   /* "stack 'media' (state 0b1f...)", "compose project 'web'", or NULL */
    const char *reason;       /* why an input changed: "rotation is due: 190 days old", or NULL */
    const char *defer_reason; /* HL_LIVE_PENDING, or a source without a value: what is missing ... */
    const char *defer_hint;   /* ... and what a person can do, or NULL */
    bool late;                /* HL_LIVE_UNREAD: its provider is opened during apply (`reason` may say why), and then it is decided again */
    const char *note;         /* shown with the resource: "crash loop: exited 3 times in 10 s", or NULL */
    const struct hl_error *error;
};

/* Recorded facts the plan needs (state's hl_record, without the state's header). */
struct hl_recorded {
    const char *address, *kind, *name, *provider, *id;
    const char *provider_type; /* NULL: not known */
    struct hl_value *desired, *live;
    const char *const *needs;
    bool protect, holds_data, adopted, rotate;
    int64_t streak;
    const char *drift; /* fields that the last `streak` runs corrected */
};

struct hl_plan_options {
    const char *const *targets;  /* addresses, kind.* allowed; with what they need; NULL: all */
    const char *const *excludes; /* with what depends on them */
    const char *const *replaces;
    bool destroy;      /* delete all that is recorded */
    bool refresh_only; /* only take live values into the records; no other action */
    bool drift_only;   /* what was applied last is what is wanted: drift is corrected, no change of the spec is applied */
    bool adopt;        /* adopt what is found live under the wanted name */
    bool allow_destroy;
    int64_t max_destroy;      /* -1: from settings */
    double max_destroy_share; /* negative: unset */
};

struct hl_plan_input {
    const struct hl_spec *spec;
    const struct hl_registry *registry;
    const struct hl_map *recorded; /* address -> struct hl_recorded * */
    const struct hl_map *live;     /* address -> struct hl_live *; absent: HL_LIVE_UNREAD */
    struct hl_plan_options options;
    int64_t serial;
};

struct hl_step {
    const char *address, *kind_name, *name, *provider;
    const struct hl_kind *kind;         /* NULL: a kind that this program no longer has (forget only) */
    const struct hl_resource *resource; /* NULL when the spec has it no more */
    const struct hl_recorded *recorded; /* NULL when not recorded */
    const struct hl_live *live;         /* never NULL */
    struct hl_value *desired;           /* decoded, with inputs; NULL when there is none */
    enum hl_action action;
    const char *reason;          /* one phrase; never NULL */
    const char *hint;            /* what to do, for defer and refuse; or NULL */
    const char *waits_for;       /* defer: the reference or address */
    enum hl_replace_order order; /* replace: never HL_REPLACE_DEFAULT */
    struct hl_change *changes;
    size_t changes_count;
    bool drifted;  /* some field: live differs from recorded */
    bool late;     /* depends on something unknown: decided again during apply */
    bool excluded; /* by --target, --exclude: left as it is */
    bool loses_data;
    bool former;                 /* what a replacement left, to be deleted when its users have the new one: see hl_former_address() */
    bool absent;                 /* wanted by nobody now: `when` is false, or an optional value that is not there; outputs are null */
    bool not_converging;         /* corrected in three runs in a row with the same spec; left alone */
    const struct hl_value *kept; /* list of what it had and another one claims now (hl_kind.claims), not to be taken away; or NULL */
    const char *moved_from;      /* `moved` gave it this address; or NULL */
    enum hl_code refuse_code;    /* HL_ACTION_REFUSE */
    const char **needs;          /* addresses of the steps it must wait for; NULL-terminated; deletions: those that used it */
    const char **used_by;        /* addresses that refer to it; NULL-terminated */
    struct hl_span at;
};

struct hl_plan {
    struct hl_arena *arena;
    struct hl_step **steps; /* in an order that can be executed */
    size_t count;
    struct hl_map by_address; /* -> struct hl_step * */
    size_t counts[HL_ACTIONS];
    size_t drifted;
    struct hl_diags diags;
    /* A guard that stops apply; NULL when none. Code HL_E_REFUSED. */
    const char *guard;
    const char *guard_hint;
};

/* Findings of the late decoding are in plan->diags; with errors among them the plan must not be applied. */
struct hl_plan *hl_plan_compute(struct hl_arena *arena, const struct hl_plan_input *input);
/* One resource, decided with what is known now; for apply. Everything is allocated in `arena`. */
struct hl_step *hl_plan_decide(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_resource *resource, const struct hl_live *live,
                               const struct hl_outputs *outputs, struct hl_diags *diags);
/* What references to a step's resource give: its desired values over its live ones; unknown where only the action will tell. NULL: no such output. */
struct hl_value *hl_step_output(struct hl_arena *arena, const struct hl_step *step, const char *output);
/* A replacement that makes the new object first leaves the old one until those that use it have the new one. Until it is deleted, it is recorded at an address
 * of its own, "setup_key.agent{ID}", which no spec can have. */
char *hl_former_address(struct hl_arena *arena, const char *address, const char *id);
/* The address of the resource that `address` is a former object of, in `arena`; NULL when it is none. */
const char *hl_former_of(struct hl_arena *arena, const char *address);
/* A difference that time has made, not a person: a key about to end, an image whose tag has moved. */
bool hl_change_is_age(const struct hl_change *change);
/* Which drift a step corrects, as text: equal texts in runs in a row mean that somebody undoes it. "" when it is not drift alone. */
const char *hl_step_drift_text(struct hl_arena *arena, const struct hl_step *step);
/* A text that is the same for plans that would do the same: canonical JSON of all that matters, for a keyed hash. */
void hl_plan_digest_text(struct hl_text *out, const struct hl_plan *plan);

#endif
