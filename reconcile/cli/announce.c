#include "config.h"

#include "reconcile/cli/announce.h"

/* Options that do not go with others, and the time limit. */
static bool begin_limit(struct hl_context *context, struct hl_error **err)
{
    const int64_t limit_ms = hl_option_int(&context->options, HL_OPT_TIMEOUT, 0);

    if (!hl_option_given(&context->options, HL_OPT_TIMEOUT))
        return true;
    if (limit_ms <= 0)
        return hl_fail(err, HL_E_SPEC, "--timeout must be more than 0");
    hl_signals_limit(limit_ms);
    return true;
}

bool hl_announce_begin(struct hl_context *context, struct hl_error **err)
{
    if (!hl_notify_check(context, err) || !begin_limit(context, err))
        return false;
    hl_notify_start(context);
    return true;
}

/* Whatever the run made of being broken off, it is the limit that ended it; what was wrong before that is told as it is. */
static int tell_limit(struct hl_context *context, int code)
{
    struct hl_error *err = NULL;

    if (!hl_signals_limit_reached() || code == HL_EXIT_OK || code == HL_EXIT_SPEC || code == HL_EXIT_REFUSED || code == HL_EXIT_LOCKED)
        return code;
    hl_fail(&err, HL_E_INTERRUPTED, "the run took longer than --timeout %s and was ended", hl_option_text(&context->options, HL_OPT_TIMEOUT));
    hl_error_hint(&err, "the state is consistent: the next run goes on from here");
    return hl_context_fail(context, err);
}

int hl_announce_end(struct hl_context *context, int code)
{
    hl_signals_limit(0);
    code = tell_limit(context, code);
    hl_metrics_write(context, code);
    /* The lock is not held while somebody far away is told. */
    if (context->engine != NULL)
        hl_engine_close(context->engine);
    context->engine = NULL;
    hl_notify_end(context, code);
    return code;
}

void hl_announce_clear(struct hl_context *context)
{
    if (context->outcome != NULL)
        hl_text_clear(&context->outcome->lines);
}
