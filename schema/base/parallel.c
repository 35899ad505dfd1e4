#include "config.h"

#include "schema/base/parallel.h"

#include "schema/base/arena.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct crew {
    atomic_size_t next;
    size_t count;
    void (*visit)(void *context, size_t index);
    void *context;
};

static void *work(void *argument)
{
    struct crew *crew = argument;

    for (size_t index; (index = atomic_fetch_add(&crew->next, 1)) < crew->count;)
        crew->visit(crew->context, index);
    return NULL;
}

/* Helpers take no signals: those are for the thread that called, which knows what they mean. */
static size_t start_helpers(pthread_t *helpers, size_t wanted, struct crew *crew)
{
    sigset_t all, before;
    size_t started = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted && pthread_create(&helpers[started], NULL, work, crew) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void hl_parallel(size_t count, size_t threads, void (*visit)(void *context, size_t index), void *context)
{
    struct crew crew = {.count = count, .visit = visit, .context = context};
    size_t wanted = threads < count ? threads : count;

    /* The caller is one of the crew; should the system give fewer threads, the work takes longer and that is all. */
    wanted = wanted > 0 ? wanted - 1 : 0;

    hl_auto(heap) pthread_t *helpers = hl_alloc(wanted * sizeof(*helpers));
    size_t started = start_helpers(helpers, wanted, &crew);

    work(&crew);
    for (size_t i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
}

size_t hl_processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : online > HL_PROCESSORS_MOST ? HL_PROCESSORS_MOST : (size_t)online;
}
