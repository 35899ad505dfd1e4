/* What the files of the engine share. What only an apply needs is in apply.h. */
#ifndef HL_RECONCILE_ENGINE_INTERNAL_H
#define HL_RECONCILE_ENGINE_INTERNAL_H

#include "reconcile/engine/engine.h"

enum {
    DEFAULT_PARALLEL = 10,
    DEFAULT_TIMEOUT_MS = 5 * 60 * 1000,
    READY_TIMEOUT_MS = 5 * 60 * 1000,
    HISTORY_RUNS = 200,
};

struct line;

enum session_state {
    SESSION_CLOSED, /* not tried yet */
    SESSION_OPEN,
    SESSION_FAILED, /* `error` says why; not tried again in this run, but by apply once its needs were made */
    SESSION_LATE,   /* what it needs is not in place */
    SESSION_LACKING /* a setting has no value: a person must give it (`lacking`) */
};

/* One provider instance of this run; or a view of it for those of its resources that use other instances as well (a secret that is written to a store), which
 * are late, lacking or failed when one of those is. */
struct session {
    struct hl_session session;
    const struct hl_provider_spec *spec; /* NULL: only recorded, not in the spec any more */
    struct session *base;                /* a view: of this one; else NULL */
    struct session **uses;               /* a view: the others it uses; NULL-terminated */
    bool used;                           /* some view uses it */
    struct hl_arena *arena;
    enum session_state state;
    struct hl_error *error;
    const char *lacking;
    const char *late;  /* SESSION_LATE: why, or NULL when what it needs is not in place */
    bool opened;       /* open() succeeded: close() is owed */
    bool read;         /* its objects were read, or are being read */
    bool opening;      /* a worker waits for it to answer and reads it */
    struct line *line; /* of its actions, in an apply; see apply.h */
    struct hl_read_stats stats;
};

struct hl_engine {
    struct hl_engine_options options;
    struct hl_listener listener;
    struct hl_arena *arena;
    struct hl_store *store;
    struct hl_run run;
    int64_t run_id;          /* 0: nothing was begun */
    struct hl_map *records;  /* address -> struct hl_record * */
    struct hl_map *recorded; /* address -> struct hl_recorded * */
    struct hl_map live;      /* address -> struct hl_live * */
    struct hl_map sessions;  /* instance, or a view's key -> struct session * */
    struct hl_map homes;     /* address -> struct session *: where it is read */
    struct hl_plan *plan;
    struct hl_arena *plan_arena;
    struct hl_arena **object_arenas; /* one an object that was read: providers fill them side by side */
    size_t object_arenas_count, object_arenas_capacity;
    int64_t read_ms;
    const char *other_run;
    size_t unresolved; /* intents of former runs whose provider was not there to be looked at */
    bool died;         /* the lock's former holder ended without finishing */
};

int64_t engine_clock_ms(void); /* monotonic */
int64_t engine_wall_ms(void);
void engine_note(struct hl_engine *engine, const char *format, ...) HL_PRINTF(2, 3);
void engine_emit(struct hl_engine *engine, const struct hl_event *event);
/* Makes the secrets in a kind's values known to the redactor. */
void engine_redact(struct hl_engine *engine, const struct hl_kind *kind, const struct hl_value *value);
/* record.c: writes a record, with all marked that is secret: what is marked in `like` or in what is desired, and texts in which a known secret stands. `like`
 * may be NULL; it is for a record whose desired values come from a system. */
bool engine_record(struct hl_engine *engine, const struct hl_record *record, const struct hl_value *like, struct hl_error **err) HL_MUST_CHECK;
/* Whether all that is marked in `like` is marked in `value` as well; in a record of an earlier hlrec it may not be. */
bool engine_is_confidential(const struct hl_value *value, const struct hl_value *like);
bool engine_load_records(struct hl_engine *engine, struct hl_error **err);
/* The record of an address, under its former one when `moved` says so. */
const struct hl_recorded *engine_recorded(const struct hl_engine *engine, const char *address);
struct hl_plan_input engine_plan_input(struct hl_engine *engine);

/* session.c */
/* Values as the state recorded them; for settings and outputs when there is no plan. */
struct hl_outputs engine_known_outputs(struct hl_engine *engine);
/* A step's output as a provider's settings see it. */
struct hl_value *engine_setting_output(struct hl_arena *arena, const struct hl_step *step, const char *output);
struct session *engine_session(struct hl_engine *engine, const char *instance, const char *type);
/* The session that a resource's verbs get: its instance's, or a view of it. Either of `resource` and `recorded` may be NULL. */
struct session *engine_session_of(struct hl_engine *engine, const struct hl_kind *kind, const struct hl_resource *resource, const struct hl_recorded *recorded);
/* The session of a step of the plan. */
struct session *engine_session_for(struct hl_engine *engine, const struct hl_step *step);
/* Takes the state of a view from those of what it is made of; opens nothing. */
void engine_session_join(struct session *view);
/* The session that keeps this one from being used, as engine_session_join() found it: itself when it is no view. */
struct session *engine_session_culprit(struct session *session);
/* Opens it when its settings are known; sets its state. Outputs give the settings their values. For a view, also what it is made of. */
void engine_session_open(struct hl_engine *engine, struct session *session, const struct hl_outputs *outputs);
/* Waits until the system answers, and sets it up where it must be; for a provider that has just been made. */
bool engine_session_await(struct session *session, int64_t timeout_ms, struct hl_error **err);
void engine_session_fail(struct session *session, struct hl_error *error);
/* Keeps a provider's own value in the state, in a transaction of its own; for the calling thread. */
bool engine_keep(struct hl_engine *engine, struct session *session, const struct hl_value *value, struct hl_error **err);
void engine_sessions_close(struct hl_engine *engine);

/* refresh.c: reads the objects of one session. prepare and take belong to the calling thread, run may be a worker's. */
struct reading {
    struct hl_engine *engine;
    struct session *session;
    struct hl_object **objects; /* sorted by kind */
    size_t count;
    struct hl_error *error;
    int64_t elapsed_ms;
};
/* With `outputs`, desired values are decoded with what is known now; NULL takes them as they were when the spec was loaded. */
void engine_reading_prepare(struct hl_engine *engine, struct session *session, struct reading *reading, const struct hl_outputs *outputs);
void engine_reading_run(struct reading *reading);
/* Puts what was read into engine->live. */
void engine_reading_take(struct reading *reading);
/* One object by `id` ("" for by name), read now. */
bool engine_read_one(struct hl_engine *engine, struct session *session, struct hl_object *object, struct hl_error **err);
struct hl_object *engine_object(struct hl_engine *engine, const struct hl_resource *resource, const struct hl_recorded *recorded, const struct hl_kind *kind,
                                const char *address, const struct hl_outputs *outputs);

/* recover.c: the intents of former runs that concern this session, which has come within reach. */
bool engine_recover_session(struct hl_engine *engine, const struct session *session, struct hl_error **err);

/* settle.c: records without a task; in the calling thread, inside a transaction. */
/* What a record takes from the spec (`resource`, or NULL: the former record's facts stay) and from the record before it. `step` may be NULL. */
void settle_fill(struct hl_engine *engine, struct hl_record *record, const struct hl_resource *resource, const struct hl_step *step);
/* Records what a replacement leaves at an address of its own. */
bool settle_former(struct hl_engine *engine, const struct hl_record *former, struct hl_error **err);
/* A step that needs no action: the record follows the spec. */
bool settle_unchanged(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err);
/* --refresh-only: the record follows the world. */
bool settle_refreshed(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err);

#endif
