/* Worker threads, and what they tell the calling thread: jobs go in, messages come out.
 *
 * There may be more jobs than threads: a worker that has ended one takes the next at once, without waiting for the calling thread. It takes the one of the
 * least `rank` whose lane has room. */
#ifndef HL_RECONCILE_ENGINE_POOL_H
#define HL_RECONCILE_ENGINE_POOL_H

#include "reconcile/engine/internal.h"

enum message_type { MESSAGE_STARTED, MESSAGE_FINISHED, MESSAGE_PROGRESS, MESSAGE_CHECKPOINT, MESSAGE_KEEP };

/* Jobs that share a limit of their own. `running` is the pool's. */
struct lane {
    size_t limit; /* how many at once; 0: as many as there are workers */
    size_t running;
};

/* The first member of what is to be done. */
struct job {
    void (*run)(struct job *job); /* in a worker */
    struct lane *lane;            /* may be NULL */
    size_t rank;
    struct job *next;
};

struct message {
    enum message_type type;
    struct job *job;              /* STARTED, FINISHED */
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
/* The job is the caller's, and comes back in a message when it has run. */
void pool_submit(struct pool *pool, struct job *job);
/* From a worker. Its job has begun in earnest; a progress message is heap memory given away; a checkpoint, or what is to be kept, blocks until it is answered.
 */
void pool_started(struct pool *pool, struct job *job);
void pool_progress(struct pool *pool, struct hl_op *op, const char *text);
bool pool_checkpoint(struct pool *pool, struct hl_op *op, const struct hl_value *value, struct hl_error **err);
bool pool_keep(struct pool *pool, struct session *session, const struct hl_value *value, struct hl_error **err);
/* The next message, waiting up to `wait_ms`; NULL when there was none. */
struct message *pool_receive(struct pool *pool, int64_t wait_ms);
/* To a checkpoint, or what is to be kept: `ok` and `error` are set. The message is the worker's again. */
void pool_answer(struct pool *pool, struct message *message);
/* Of the other types. */
void message_free(struct message *message);
/* Waits up to `wait_ms` for the workers; false when some still run (then the process must end without freeing). */
bool pool_free(struct pool *pool, int64_t wait_ms);

#endif
