#include "config.h"

#include "reconcile/cli/context.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { SECOND_SIGNAL_S = 30 };

/* Written by a handler on whatever thread the signal finds, read by all. */
static atomic_int count;
static atomic_bool is_gentle;
static atomic_bool is_limit_reached;

/* Nothing can be done about a terminal that is gone; and what was interrupted must find its own errno. */
static void tell(const char *text)
{
    const int before = errno;

    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        errno = before;
}

static void handle(int signal_number)
{
    const bool gentle = is_gentle;
    /* A run that only reads has nothing to finish. */
    const int step = gentle || count > 0 ? 1 : 2;
    const int now = atomic_fetch_add(&count, step) + step;

    if (signal_number == SIGALRM)
        is_limit_reached = true;
    if (gentle && now == 1)
        tell(signal_number == SIGALRM ? "the time limit is reached: finishing what is in flight\n"
                                      : "\nfinishing what is in flight; press Ctrl-C again to leave now\n");
    if (now > (gentle ? 2 : 3))
        _exit(HL_EXIT_INTERRUPTED);
}

const atomic_int *hl_signals_count(void)
{
    return &count;
}

bool hl_signals_gentle(bool gentle)
{
    return atomic_exchange(&is_gentle, gentle);
}

bool hl_signals_limit_reached(void)
{
    return is_limit_reached;
}

static struct sigaction make_action(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};

    sigfillset(&action.sa_mask);
    return action;
}

void hl_signals_limit(int64_t limit_ms)
{
    const struct sigaction action = make_action();
    const struct itimerval timer = {.it_value = {.tv_sec = (time_t)(limit_ms / 1000), .tv_usec = (suseconds_t)(limit_ms % 1000 * 1000)},
                                    .it_interval = {.tv_sec = limit_ms > 0 ? SECOND_SIGNAL_S : 0}};

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

void hl_signals_install(bool gentle)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = make_action();

    is_gentle = gentle;
    for (size_t i = 0; i < HL_COUNT(numbers); i++) {
        struct sigaction former;

        /* Under nohup a hang-up stays ignored. */
        if (sigaction(numbers[i], NULL, &former) == 0 && former.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}
