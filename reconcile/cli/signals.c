#include "config.h"

#include "reconcile/cli/context.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile int count;
static volatile sig_atomic_t is_gentle;

static void tell(const char *text)
{
    /* Nothing can be done about a terminal that is gone. */
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

static void handle(int signal_number)
{
    (void)signal_number;
    if (!is_gentle) {
        /* A run that only reads has nothing to finish. */
        count = count < 2 ? 2 : count + 1;
    } else {
        count = count + 1;
        if (count == 1)
            tell("\nfinishing what is in flight; press Ctrl-C again to leave now\n");
    }
    if (count > 2 + (is_gentle ? 0 : 1))
        _exit(HL_EXIT_INTERRUPTED);
}

const volatile int *hl_signals_count(void)
{
    return &count;
}

bool hl_signals_gentle(bool gentle)
{
    const bool before = is_gentle != 0;

    is_gentle = gentle;
    return before;
}

void hl_signals_install(bool gentle)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};

    is_gentle = gentle;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < HL_COUNT(numbers); i++) {
        struct sigaction former;

        /* Under nohup a hang-up stays ignored. */
        if (sigaction(numbers[i], NULL, &former) == 0 && former.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}
