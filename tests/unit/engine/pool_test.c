#include "config.h"

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reconcile/engine/pool.h"

#include <pthread.h>

enum { FOREVER_MS = 60000, JOBS_MOST = 16 };

/* A job that runs until it is let go. */
struct held {
    struct job job;
    struct pool *pool;
    pthread_mutex_t *mutex;
    pthread_cond_t *changed;
    bool free;
};

struct box {
    struct pool *pool;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct held jobs[JOBS_MOST];
};

static void hold(struct job *job)
{
    struct held *held = (struct held *)job;

    pool_started(held->pool, job);
    pthread_mutex_lock(held->mutex);
    while (!held->free)
        pthread_cond_wait(held->changed, held->mutex);
    pthread_mutex_unlock(held->mutex);
}

static void open_box(struct box *box, size_t threads)
{
    *box = (struct box){.pool = pool_new(threads)};
    pthread_mutex_init(&box->mutex, NULL);
    pthread_cond_init(&box->changed, NULL);
}

static void submit(struct box *box, size_t number, size_t rank, struct lane *lane)
{
    box->jobs[number] = (struct held){.job = {.run = hold, .rank = rank, .lane = lane}, .pool = box->pool, .mutex = &box->mutex, .changed = &box->changed};
    pool_submit(box->pool, &box->jobs[number].job);
}

static void let_go(struct box *box, size_t number)
{
    pthread_mutex_lock(&box->mutex);
    box->jobs[number].free = true;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->mutex);
}

/* The number of the job that the next message is of. */
static size_t next(struct box *box, enum message_type type)
{
    struct message *message = pool_receive(box->pool, FOREVER_MS);

    assert_non_null(message);
    assert_int_equal(message->type, type);
    const size_t number = (size_t)((struct held *)message->job - box->jobs);
    message_free(message);
    return number;
}

static void close_box(struct box *box)
{
    assert_null(pool_receive(box->pool, 0));
    assert_true(pool_free(box->pool, FOREVER_MS));
    pthread_mutex_destroy(&box->mutex);
    pthread_cond_destroy(&box->changed);
}

/* Nobody is asked in between: what it begins is told after what it has ended. */
static void a_worker_that_has_ended_a_job_takes_the_next_at_once(void **state HL_UNUSED)
{
    struct box box;

    open_box(&box, 1);
    for (size_t i = 0; i < 3; i++) {
        submit(&box, i, i, NULL);
        let_go(&box, i);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(next(&box, MESSAGE_STARTED), i);
        assert_int_equal(next(&box, MESSAGE_FINISHED), i);
    }
    close_box(&box);
}

static void the_least_rank_goes_first_whoever_came_first(void **state HL_UNUSED)
{
    static const size_t order[] = {0, 3, 1, 2};
    struct box box;

    open_box(&box, 1);
    submit(&box, 0, 9, NULL);
    assert_int_equal(next(&box, MESSAGE_STARTED), 0);
    submit(&box, 1, 5, NULL);
    submit(&box, 2, 7, NULL);
    submit(&box, 3, 2, NULL);
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            assert_int_equal(next(&box, MESSAGE_STARTED), order[i]);
        let_go(&box, order[i]);
        assert_int_equal(next(&box, MESSAGE_FINISHED), order[i]);
    }
    close_box(&box);
}

static void a_full_lane_holds_its_own_jobs_and_no_others(void **state HL_UNUSED)
{
    struct lane narrow = {.limit = 1};
    struct lane wide = {.limit = 0};
    struct box box;

    open_box(&box, 3);
    submit(&box, 0, 0, &narrow);
    assert_int_equal(next(&box, MESSAGE_STARTED), 0);
    submit(&box, 1, 1, &narrow);
    submit(&box, 2, 2, &wide);
    assert_int_equal(next(&box, MESSAGE_STARTED), 2);
    submit(&box, 3, 3, NULL);
    assert_int_equal(next(&box, MESSAGE_STARTED), 3);

    let_go(&box, 2); /* its worker is free now, and the narrow lane is not */
    assert_int_equal(next(&box, MESSAGE_FINISHED), 2);
    assert_null(pool_receive(box.pool, 20));
    let_go(&box, 0);
    assert_int_equal(next(&box, MESSAGE_FINISHED), 0);
    assert_int_equal(next(&box, MESSAGE_STARTED), 1);
    for (size_t i = 1; i <= 3; i += 2) {
        let_go(&box, i);
        assert_int_equal(next(&box, MESSAGE_FINISHED), i);
    }
    close_box(&box);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_has_ended_a_job_takes_the_next_at_once),
        cmocka_unit_test(the_least_rank_goes_first_whoever_came_first),
        cmocka_unit_test(a_full_lane_holds_its_own_jobs_and_no_others),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
