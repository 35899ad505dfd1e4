/* Threads that take jobs from one queue, and a queue of what they have to say. */
#include "config.h"

#include "reconcile/engine/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t work;    /* a job was queued, or the pool closes */
    pthread_cond_t news;    /* a message was queued */
    pthread_cond_t answers; /* a checkpoint was answered, or a worker ended */
    struct job *jobs;       /* by rank */
    struct message *first_message, *last_message;
    pthread_t *threads;
    size_t count, alive;
    bool closing;
};

static void put_message(struct pool *pool, struct message *message)
{
    message->next = NULL;
    if (pool->last_message != NULL)
        pool->last_message->next = message;
    else
        pool->first_message = message;
    pool->last_message = message;
    pthread_cond_signal(&pool->news);
}

/* The first job that may run now, taken out; NULL when there is none. */
static struct job *find_job(struct pool *pool)
{
    for (struct job **at = &pool->jobs; *at != NULL; at = &(*at)->next) {
        struct job *job = *at;
        if (job->lane != NULL && job->lane->limit > 0 && job->lane->running >= job->lane->limit)
            continue;
        *at = job->next;
        return job;
    }
    return NULL;
}

/* Waits for one; NULL when the pool closes. Who ends a job looks for the next at once, so room in a lane needs no signal. */
static struct job *take_job(struct pool *pool)
{
    struct job *job = find_job(pool);

    while (job == NULL && !pool->closing) {
        pthread_cond_wait(&pool->work, &pool->mutex);
        job = find_job(pool);
    }
    if (job != NULL && job->lane != NULL)
        job->lane->running++;
    return job;
}

static struct message *new_message(enum message_type type)
{
    struct message *message = hl_alloc(sizeof *message);

    *message = (struct message){.type = type};
    return message;
}

static void *work(void *context)
{
    struct pool *pool = context;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        struct job *job = take_job(pool);
        if (job == NULL)
            break;
        pthread_mutex_unlock(&pool->mutex);
        job->run(job);
        struct message *message = new_message(MESSAGE_FINISHED);
        message->job = job;
        pthread_mutex_lock(&pool->mutex);
        if (job->lane != NULL)
            job->lane->running--;
        put_message(pool, message);
    }
    pool->alive--;
    pthread_cond_broadcast(&pool->answers);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

struct pool *pool_new(size_t threads)
{
    struct pool *pool = hl_alloc(sizeof *pool);
    pthread_condattr_t monotonic;

    *pool = (struct pool){.threads = hl_alloc(threads * sizeof(pthread_t))};
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->news, &monotonic);
    pthread_cond_init(&pool->answers, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&pool->threads[pool->count], NULL, work, pool) == 0)
            pool->count++;
    }
    pool->alive = pool->count;
    pthread_mutex_unlock(&pool->mutex);
    if (pool->count == 0)
        abort(); /* no memory for a single thread */
    return pool;
}

void pool_submit(struct pool *pool, struct job *job)
{
    struct job **at = &pool->jobs;

    pthread_mutex_lock(&pool->mutex);
    while (*at != NULL && (*at)->rank <= job->rank)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

static void tell(struct pool *pool, struct message *message)
{
    pthread_mutex_lock(&pool->mutex);
    put_message(pool, message);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_started(struct pool *pool, struct job *job)
{
    struct message *message = new_message(MESSAGE_STARTED);

    message->job = job;
    tell(pool, message);
}

void pool_progress(struct pool *pool, struct hl_op *op, const char *text)
{
    struct message *message = new_message(MESSAGE_PROGRESS);

    message->owner = op->engine;
    message->text = hl_strdup(text);
    tell(pool, message);
}

/* Blocks until the calling thread has answered. */
static bool ask(struct pool *pool, struct message *message, struct hl_error **err)
{
    pthread_mutex_lock(&pool->mutex);
    put_message(pool, message);
    while (!message->answered)
        pthread_cond_wait(&pool->answers, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    if (!message->ok)
        *err = message->error;
    return message->ok;
}

bool pool_checkpoint(struct pool *pool, struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    struct message message = {.type = MESSAGE_CHECKPOINT, .owner = op->engine, .value = value};

    return ask(pool, &message, err);
}

bool pool_keep(struct pool *pool, struct session *session, const struct hl_value *value, struct hl_error **err)
{
    struct message message = {.type = MESSAGE_KEEP, .owner = session, .value = value};

    return ask(pool, &message, err);
}

static struct timespec deadline_after(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

struct message *pool_receive(struct pool *pool, int64_t wait_ms)
{
    const struct timespec deadline = deadline_after(wait_ms);

    pthread_mutex_lock(&pool->mutex);
    while (pool->first_message == NULL && wait_ms > 0) {
        if (pthread_cond_timedwait(&pool->news, &pool->mutex, &deadline) == ETIMEDOUT)
            break;
    }
    struct message *message = pool->first_message;
    if (message != NULL) {
        pool->first_message = message->next;
        if (pool->first_message == NULL)
            pool->last_message = NULL;
    }
    pthread_mutex_unlock(&pool->mutex);
    return message;
}

void pool_answer(struct pool *pool, struct message *message)
{
    pthread_mutex_lock(&pool->mutex);
    message->answered = true;
    pthread_cond_broadcast(&pool->answers);
    pthread_mutex_unlock(&pool->mutex);
}

void message_free(struct message *message)
{
    free((void *)message->text);
    free(message);
}

bool pool_free(struct pool *pool, int64_t wait_ms)
{
    const struct timespec deadline = deadline_after(wait_ms);
    bool ended = true;

    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->alive > 0 && ended)
        ended = pthread_cond_timedwait(&pool->answers, &pool->mutex, &deadline) != ETIMEDOUT;
    pthread_mutex_unlock(&pool->mutex);
    if (!ended)
        return false;
    for (size_t i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i], NULL);
    for (struct message *message = pool->first_message, *next; message != NULL; message = next) {
        next = message->next;
        message_free(message);
    }
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->news);
    pthread_cond_destroy(&pool->answers);
    free(pool->threads);
    free(pool);
    return true;
}
