#include "config.h"

#include "tests/unit/base/tests.h"

#include "schema/base/arena.h"
#include "schema/base/parallel.h"

#include <stdatomic.h>
#include <time.h>

struct visits {
    atomic_int seen[1000];
    atomic_int most, now;
};

static void visit(void *context, size_t index)
{
    struct visits *visits = context;
    int now = atomic_fetch_add(&visits->now, 1) + 1;

    if (now > atomic_load(&visits->most))
        atomic_store(&visits->most, now);
    atomic_fetch_add(&visits->seen[index], 1);
    nanosleep(&(struct timespec){0, 100000}, NULL);
    atomic_fetch_sub(&visits->now, 1);
}

static void each_index_is_visited_once(void **state HL_UNUSED)
{
    static const size_t threads[] = {0, 1, 4, 5000};

    for (size_t i = 0; i < HL_COUNT(threads); i++) {
        hl_auto(heap) struct visits *visits = hl_alloc(sizeof(*visits));

        hl_parallel(0, threads[i], visit, visits);
        hl_parallel(HL_COUNT(visits->seen), threads[i], visit, visits);
        for (size_t j = 0; j < HL_COUNT(visits->seen); j++)
            assert_int_equal(visits->seen[j], 1);
        if (threads[i] < 5)
            assert_true(visits->most <= (int)threads[i] || visits->most == 1);
    }
}

int hl_test_parallel(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_is_visited_once),
    };

    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
