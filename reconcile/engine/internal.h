/* What the files of the engine share. */
#ifndef HL_RECONCILE_ENGINE_INTERNAL_H
#define HL_RECONCILE_ENGINE_INTERNAL_H

#include "reconcile/engine/engine.h"

#include <pthread.h>

enum {
    DEFAULT_PARALLEL = 10,
    DEFAULT_TIMEOUT_MS = 5 * 60 * 1000,
    READY_TIMEOUT_MS = 5 * 60 * 1000,
    HISTORY_RUNS = 200,
};

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
    const char *late; /* SESSION_LATE: why, or NULL when what it needs is not in place */
    bool opened;      /* open() succeeded: close() is owed */
    bool read;        /* its objects were read, or are being read */
    bool opening;     /* a worker waits for it to answer and reads it */
    size_t running;   /* actions in flight, for the provider's own limit */
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

/* pool.c: worker threads and what they tell the calling thread. */
enum message_type { MESSAGE_FINISHED, MESSAGE_PROGRESS, MESSAGE_CHECKPOINT, MESSAGE_KEEP };

struct job {
    void (*run)(struct job *job);
    struct job *next;
};

struct message {
    enum message_type type;
    struct job *job;
    const char *text;             /* PROGRESS */
    void *owner;                  /* PROGRESS, CHECKPOINT: op->engine; the op itself may be a worker's copy. KEEP: the session */
    const struct hl_value *value; /* CHECKPOINT, KEEP */
    bool answered;                /* CHECKPOINT, KEEP: the result is in `ok` and `error` */
    bool ok;
    struct hl_error *error;
    struct message *next;
};

struct pool;
struct pool *pool_new(size_t threads);
void pool_submit(struct pool *pool, struct job *job);
/* From a worker. A progress message is heap memory given away; a checkpoint blocks until it is answered. */
void pool_progress(struct pool *pool, struct hl_op *op, const char *text);
bool pool_checkpoint(struct pool *pool, struct hl_op *op, const struct hl_value *value, struct hl_error **err);
bool pool_keep(struct pool *pool, struct session *session, const struct hl_value *value, struct hl_error **err);
/* The next message, waiting up to `wait_ms`; NULL when there was none. Finished jobs come as messages. */
struct message *pool_receive(struct pool *pool, int64_t wait_ms);
void pool_answer(struct pool *pool, struct message *message);
void message_free(struct message *message);
/* Waits up to `wait_ms` for the workers; false when some still run (then the process must end without freeing). */
bool pool_free(struct pool *pool, int64_t wait_ms);

/* apply.c */
enum task_state { TASK_WAITING, TASK_RUNNING, TASK_DONE, TASK_FAILED, TASK_SKIPPED, TASK_DEFERRED };

struct applier;

/* One step on its way. */
struct task {
    struct applier *applier;
    struct hl_step *step;    /* as planned; then as decided last */
    struct session *session; /* NULL: forget */
    enum task_state state;
    size_t number; /* its place in the plan */
    bool decided;  /* the step was decided with all that it needs in place */
    bool batched;
    size_t needs_left;
    struct task **dependents;
    size_t dependents_count, dependents_capacity;
    struct hl_arena *arena; /* its own, for the worker */
    struct hl_op op;
    struct hl_op old; /* the default replacement's second half */
    struct hl_intent intent;
    char operation[HL_UUID_TEXT];
    int64_t started_ms;
    bool unkept; /* it has learnt what could not be written down: there is more than the state knows */
    bool ok;
    struct hl_error *error;
};

/* One job of the pool: an action, a batch of them, or the opening of a provider. */
struct work {
    struct job job;
    struct applier *applier;
    struct task **tasks;
    size_t count;
    struct session *opening; /* a provider to open and read, then `reading` is its result */
    struct reading reading;
    bool ok;
    struct hl_error *error;
};

/* ready.c: tasks, of which the first in the plan's order is taken first. Zeroed is empty. */
struct task_queue {
    struct task **tasks;
    size_t count, capacity;
};

void task_queue_add(struct task_queue *queue, struct task *task);
/* NULL when it is empty. */
struct task *task_queue_take(struct task_queue *queue);
void task_queue_move(struct task_queue *from, struct task_queue *to);
void task_queue_free(struct task_queue *queue);

struct applier {
    struct hl_engine *engine;
    const struct hl_apply_options *options;
    struct hl_apply_result *result;
    struct pool *pool;
    struct task **tasks; /* those of the plan, then the deletions of what replacements left */
    size_t count, capacity, finished, running;
    struct task_queue ready;  /* waiting, with nothing that they need still to be done */
    struct task_queue parked; /* of these, the ones that go in as a batch when nothing else runs */
    size_t total;             /* tasks that do something, for "3/12" */
    struct hl_map by_address; /* -> struct task * */
    struct hl_plan_input input;
};

/* recover.c: the intents of former runs that concern this session, which has come within reach. */
bool engine_recover_session(struct hl_engine *engine, const struct session *session, struct hl_error **err);

/* perform.c: runs in a worker. */
void task_prepare(struct task *task);
void work_run(struct job *job);
/* Whether the task replaces an object by making the new one and leaving the old one for later. */
bool task_leaves_former(const struct task *task);
/* settle.c: in the calling thread, inside a transaction. */
/* What a finished replacement has left, as it was recorded; NULL when nothing. */
const struct hl_record *task_former(const struct task *task);
/* Records what a replacement leaves at an address of its own. */
bool settle_former(struct hl_engine *engine, const struct hl_record *former, struct hl_error **err);
bool task_intend(struct task *task, struct hl_error **err);
bool task_settle(struct task *task, struct hl_error **err);
bool settle_unchanged(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err);
bool settle_refreshed(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err);
const char *const *resource_needs(struct hl_arena *arena, const struct hl_resource *resource);
void settle_fill(struct hl_engine *engine, struct hl_record *record, const struct hl_resource *resource, const struct hl_step *step);

#endif
