#include "config.h"

#include "reconcile/cli/context.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 200 };

static bool somebody_is_there(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* Waits for a line or a signal: reading alone would be begun again after one. */
static bool wait_for_line(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    while (*hl_signals_count() == 0) {
        const int ready = poll(&input, 1, TICK_MS);

        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

enum hl_answer hl_prompt(struct hl_context *context, const char *question)
{
    char line[64] = "";

    if (!somebody_is_there())
        return HL_ANSWER_NOBODY;
    /* What the stream has buffered, poll would not see. */
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    (void)hl_sink_flush(&context->out);
    hl_sink_puts(&context->err, question);
    (void)hl_sink_flush(&context->err);
    if (!wait_for_line() || fgets(line, sizeof(line), stdin) == NULL) {
        hl_sink_puts(&context->err, "\n");
        return *hl_signals_count() > 0 ? HL_ANSWER_INTERRUPTED : HL_ANSWER_NO;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, "yes") == 0 ? HL_ANSWER_YES : HL_ANSWER_NO;
}

int hl_prompt_or_refuse(struct hl_context *context, const char *question)
{
    struct hl_error *err = NULL;

    if (hl_option_given(&context->options, HL_OPT_YES))
        return HL_EXIT_OK;

    const bool gentle = hl_signals_gentle(false);
    const enum hl_answer answer = hl_prompt(context, question);

    (void)hl_signals_gentle(gentle);
    switch (answer) {
    case HL_ANSWER_YES:
        return HL_EXIT_OK;
    case HL_ANSWER_NO:
        hl_fail(&err, HL_E_REFUSED, "not confirmed; nothing was changed");
        break;
    case HL_ANSWER_INTERRUPTED:
        hl_fail(&err, HL_E_INTERRUPTED, "interrupted; nothing was changed");
        break;
    case HL_ANSWER_NOBODY:
        hl_fail(&err, HL_E_REFUSED, "nobody to ask: this is no terminal; nothing was changed");
        hl_error_hint(&err, "`--yes` does not ask");
        break;
    }
    return hl_context_fail(context, err);
}
