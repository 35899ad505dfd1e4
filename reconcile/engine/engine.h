/* The engine: reads the world, lets the pure plan decide, and does it. All effects of a run pass through here.
 *
 *     hl_engine_open()      state, key, lock (when it writes), redactor; open intents of a dead run are only listed
 *     hl_engine_recover()   resolves those intents by looking at the world; `apply`, `destroy`, `import` call it, `plan` does not
 *     hl_engine_refresh()   opens the providers whose needs are in place, reads all of them at once with list calls
 *     hl_engine_plan()      pure
 *     hl_engine_apply()     walks the plan; see apply.h
 *     hl_engine_close()
 *
 * Verbs run in worker threads; the store, the listener and the plan are only touched by the calling thread. Each turn of the loop settles all that has finished
 * and starts all that is ready with one synced transaction: intents before effects, results before what depends on them. */
#ifndef HL_RECONCILE_ENGINE_ENGINE_H
#define HL_RECONCILE_ENGINE_ENGINE_H

#include "reconcile/provider.h"
#include "state/state.h"

struct hl_engine;

struct hl_engine_options {
    const struct hl_spec *spec; /* NULL: only what is recorded (destroy without a spec, state commands) */
    const struct hl_registry *registry;
    const char *stack;
    const char *state_path;
    const char *base; /* folder of the spec */
    const struct hl_files *files;
    const char *const *environment;
    const char *command;         /* "apply", for the lock's row and the history */
    const char *source, *commit; /* for the history; NULL when the spec is a file */
    bool write;                  /* takes the lock */
    bool preview;
    bool no_refresh;
    int64_t lock_timeout_ms;
    size_t parallel;              /* 0: from settings, else 10 */
    struct hl_redactor *redactor; /* the caller's sinks use it too */
    const atomic_int *interrupts;
    struct hl_plan_options plan;
};

enum hl_event_type {
    HL_EVENT_NOTE, /* something to know: recovered, lock taken over, waiting for the lock */
    HL_EVENT_START,
    HL_EVENT_PROGRESS,
    HL_EVENT_DONE,
    HL_EVENT_FAILED,
    HL_EVENT_DEFERRED,
    HL_EVENT_SKIPPED, /* something it needs failed, or the run was interrupted */
    HL_EVENTS
};

struct hl_event {
    enum hl_event_type type;
    const struct hl_step *step; /* NULL for notes about the run */
    const char *address;
    enum hl_action action;
    const char *message;          /* progress, note or reason; may be NULL. Not redacted yet: sinks do that */
    const struct hl_error *error; /* FAILED, SKIPPED by failure */
    int64_t elapsed_ms;
    size_t finished, total;
};

struct hl_listener {
    void (*event)(void *context, const struct hl_event *event);
    /* A step that was planned as deferred turns out to delete or replace something: may it? NULL refuses. */
    bool (*confirm)(void *context, const struct hl_step *step);
    void *context;
};

struct hl_apply_options {
    bool allow_destroy;
};

struct hl_apply_result {
    size_t done[HL_ACTIONS];
    size_t failed, deferred, skipped, refused;
    bool interrupted;
    bool unreachable; /* a failure or refusal was an unreachable API or refused credentials */
    bool not_converging;
};

/* How reading went, per provider instance; for the plan's head line. */
struct hl_read_stats {
    const char *provider;
    size_t requests;
    int64_t elapsed_ms;
    const struct hl_error *error; /* could not be read */
    bool late;                    /* not opened yet: its needs are not in place */
    const char *late_reason;      /* what else is in the way, as the rest of "provider 'x' ...", or NULL */
};

bool hl_engine_open(const struct hl_engine_options *options, const struct hl_listener *listener, struct hl_engine **out, struct hl_error **err) HL_MUST_CHECK;
void hl_engine_close(struct hl_engine *engine);
static inline void hl_cleanup_engine(struct hl_engine **engine)
{
    if (*engine != NULL)
        hl_engine_close(*engine);
}
bool hl_engine_recover(struct hl_engine *engine, struct hl_error **err) HL_MUST_CHECK;
/* May be called again after an apply: everything is then read anew. False only for what makes the whole run impossible; an unreachable provider is noted in the
 * live values of its resources. */
bool hl_engine_refresh(struct hl_engine *engine, struct hl_error **err) HL_MUST_CHECK;
/* Borrowed; lives until the engine is closed or asked again. */
struct hl_plan *hl_engine_plan(struct hl_engine *engine);
/* From now on plans leave these alone, instead of what `plan.excludes` named: borrowed, NULL-terminated. */
void hl_engine_exclude(struct hl_engine *engine, const char *const *addresses);
/* The plan of a spec that is not to be trusted, from what was read by the engine's own, which must have been opened with `preview`: see
 * reconcile/preview/preview.h for `base` and `head`. Borrowed like hl_engine_plan()'s; it cannot be applied. */
struct hl_plan *hl_engine_preview(struct hl_engine *engine, const struct hl_spec *base, const struct hl_spec *head);
/* HL_E_REFUSED for guards; false is for failures of the run itself, single failures are counted in `result`. */
bool hl_engine_apply(struct hl_engine *engine, const struct hl_apply_options *options, struct hl_apply_result *result, struct hl_error **err) HL_MUST_CHECK;
/* Reads object `id` as `address` and records it; the spec must have the address. */
bool hl_engine_import(struct hl_engine *engine, const char *address, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* The spec's outputs, from the records: a map of values (sensitive ones marked). */
struct hl_value *hl_engine_outputs(struct hl_engine *engine, struct hl_diags *diags);
/* Lines about each provider instance in use; false when one is not fit. */
bool hl_engine_doctor(struct hl_engine *engine, struct hl_text *report);
/* Live objects that no stack owns: a list of maps {provider, kind, name, id, owner}. */
struct hl_value *hl_engine_unmanaged(struct hl_engine *engine, struct hl_error **err);
/* A saved plan's seal: a keyed hash of the digest text, so that the file holds no secret and cannot be guessed from. */
void hl_engine_digest(struct hl_engine *engine, const struct hl_plan *plan, char out[HL_HASH_HEX]);

const struct hl_read_stats *hl_engine_stats(const struct hl_engine *engine, size_t *count);
int64_t hl_engine_read_ms(const struct hl_engine *engine);
struct hl_store *hl_engine_store(struct hl_engine *engine);
/* Address -> struct hl_recorded *. */
const struct hl_map *hl_engine_recorded(const struct hl_engine *engine);
/* A line about another run in progress, or NULL. */
const char *hl_engine_other_run(const struct hl_engine *engine);

#endif
