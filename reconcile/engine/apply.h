/* What the files of an apply share.
 *
 *     apply.c     a run: begun in the state, walked, ended
 *     walk.c      the loop: what workers tell, and a transaction a turn, until all tasks are settled
 *     task.c      tasks: made from steps, linked by what they need, ended
 *     ready.c     a queue of them in the plan's order
 *     advance.c   how far a task goes by itself: ended without an action, decided anew, or to be started
 *     opening.c   providers that come within reach on the way
 *     start.c     starting what is ready, within the limits
 *     perform.c   in a worker: an action
 *     settle.c    the state's side of it: intents, results, events
 *
 * All but perform.c and opening_run() belongs to the calling thread.
 *
 * An action is *lined up* when its intent is on the disk and its work is with the pool. That may be before a worker is free, so that a worker which has ended
 * one action begins the next without waiting for the disk. An open intent therefore says that its action may have begun, never that it has: recovery looks.
 * When the run ends early (hl_run_ending(): interrupted, or the state cannot be written), workers hand back what they have not begun, and its intents are taken
 * back. */
#ifndef HL_RECONCILE_ENGINE_APPLY_H
#define HL_RECONCILE_ENGINE_APPLY_H

#include "reconcile/engine/pool.h"

enum { LEAVE_MS = 3000 }; /* how long a worker is awaited when the run was interrupted twice */

enum task_state { TASK_WAITING, TASK_RUNNING, TASK_DONE, TASK_FAILED, TASK_SKIPPED, TASK_DEFERRED };

struct applier;

/* One step on its way. */
struct task {
    struct applier *applier;
    struct hl_step *step;    /* as planned; then as decided last */
    struct session *session; /* NULL: forget */
    enum task_state state;
    size_t number;     /* its place in the plan */
    bool decided;      /* the step was decided with all that it needs in place */
    bool batched;      /* its kind goes in together, by apply_batch */
    size_t needs_left; /* how many of what it needs are not settled */
    struct task **dependents;
    size_t dependents_count, dependents_capacity;
    struct hl_arena *arena;   /* lives as long as the task */
    struct hl_arena *scratch; /* the worker's (op.arena), while there is an action */
    struct task **needed;     /* those of the resource's needs, in their order; NULL where there is none */
    struct hl_op op;
    struct hl_intent intent;
    char operation[HL_UUID_TEXT];
    int64_t started_ms; /* when the worker began; 0: it has not */
    bool unkept;        /* it has learnt what could not be written down: there is more than the state knows */
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
    bool begun; /* set by the worker; false in the end: handed back, as nothing is to be begun any more */
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

/* The actions of one provider instance, of whatever view. */
struct line {
    struct lane lane;          /* the provider's own limit */
    size_t lined_up;           /* with the pool */
    struct task_queue waiting; /* ready to be started, for room here */
};

struct applier {
    struct hl_engine *engine;
    const struct hl_apply_options *options;
    struct hl_apply_result *result;
    struct pool *pool;
    struct task **tasks; /* those of the plan, then the deletions of what replacements left */
    size_t count, capacity, finished;
    size_t lined_up;          /* works with the pool, or about to be */
    struct job *starting;     /* of these, the ones that go to the pool when the intents of this turn are on the disk */
    struct task_queue ready;  /* waiting, with nothing that they need still to be done */
    struct task_queue parked; /* of these, the ones that go in as a batch when nothing else runs */
    size_t total;             /* tasks that do something, for "3/12" */
    struct hl_map by_address; /* -> struct task * */
    struct hl_plan_input input;
};

/* task.c */
void tasks_make(struct applier *applier);
/* At the end: what nobody came to is skipped. */
void tasks_skip_rest(struct applier *applier);
void tasks_free(struct applier *applier);
/* What a replacement left (`record`, as it was) becomes a task of its own, which waits for all that used it. */
void task_add_former(struct task *task, const struct hl_record *record);
bool task_is_terminal(const struct task *task);
/* Whether they go in together: what goes into one file does, whatever the order. */
bool task_same_batch(const struct task *a, const struct task *b);
void task_emit(struct task *task, enum hl_event_type type, const char *message);
/* Ends it: those that waited for it alone are ready then. The other three count and tell it as well. */
void task_finish(struct task *task, enum task_state state);
void task_end_deferred(struct task *task, const char *reason);
void task_end_refused(struct task *task);
void task_end_blocked(struct task *task, const struct task *blocker);

/* advance.c */
/* Takes a task as far as it goes this turn. Sets *startable when it only waits to be started; else it has ended, or waits for its provider. */
bool task_advance(struct task *task, bool *startable, struct hl_error **err);
/* A struct hl_outputs of the applier as its context: as the run knows them by now. */
struct hl_value *applier_output(void *context, struct hl_arena *arena, const char *address, const char *output);

/* opening.c */
/* Whether the task's provider is open and its object read, or will never be; else sees to it. False: not yet. */
bool opening_settled(struct task *task);
/* For a task whose provider cannot be opened: put off when a setting has no value, else refused. */
void task_end_without_provider(struct task *task);
/* In a worker. */
void opening_run(struct work *work);
/* What a former run had begun with a provider that has only now come within reach is looked at before its objects are decided; they are read once more. */
bool opening_recover(struct applier *applier, struct work *work, struct hl_error **err);

/* start.c */
/* Lines up what is ready in the plan's order, until there is no room for more. */
bool applier_start(struct applier *applier, struct hl_error **err);
/* How many actions at once. */
size_t applier_limit(const struct applier *applier);
struct work *work_new(struct applier *applier, size_t count);
void work_free(struct work *work);
/* To the pool when the turn's transaction is on the disk. */
void work_line_up(struct work *work);
/* One that is back from the pool leaves its provider's line: what waits there for room may be ready. */
void work_leave_line(struct work *work);

/* walk.c */
/* Until all tasks are settled, or only what was interrupted is left. False when the state could not be written: the run is broken. */
bool applier_walk(struct applier *applier, struct hl_error **err);
/* What is still in flight is awaited, so that the process does not end under it; its intents stay. */
void applier_drain(struct applier *applier);

/* perform.c */
/* Fills in what its verb is given; in the calling thread. */
void task_prepare(struct task *task);
/* Of one that has ended: gives the worker's memory back. What may still be asked for (result, id, note) is in the task's own from then on. */
void task_clear(struct task *task);
/* In a worker. */
void work_run(struct job *job);
/* Whether the task replaces an object by making the new one and leaving the old one for later. */
bool task_leaves_former(const struct task *task);

/* settle.c: inside a transaction. */
/* What a finished replacement has left, as it was recorded; NULL when nothing. */
const struct hl_record *task_former(const struct task *task);
/* Writes the intent of a task that is prepared. */
bool task_intend(struct task *task, struct hl_error **err);
/* Of one that was not begun: its intent is taken back, and it waits as before. */
bool task_take_back(struct task *task, struct hl_error **err);
/* Writes the result of one that has ended, and what follows from it: its record, its event. */
bool task_settle(struct task *task, struct hl_error **err);

#endif
