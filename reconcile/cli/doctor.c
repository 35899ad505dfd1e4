#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"

#include <string.h>

/* Line ends are the report's own; the rest may come from anywhere. */
static void put_report(struct hl_text *out, const char *report)
{
    while (*report != '\0') {
        const size_t length = strcspn(report, "\n");

        hl_text_put_escaped(out, report, length);
        hl_text_putc(out, '\n');
        report += length + (report[length] == '\n' ? 1 : 0);
    }
}

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text report = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, NULL);
    if (code != HL_EXIT_OK)
        return code;

    const bool fit = hl_engine_doctor(context->engine, &report);

    hl_text_printf(&out, "state: %s, ", context->state_path);
    hl_put_count(&out, hl_engine_recorded(context->engine)->count, "resource");
    hl_text_printf(&out, ", #%lld\n", (long long)hl_store_serial(hl_engine_store(context->engine)));
    if (hl_engine_other_run(context->engine) != NULL)
        hl_text_printf(&out, "  %s\n", hl_engine_other_run(context->engine));
    put_report(&out, hl_text_get(&report));
    hl_sink_text(&context->out, &out);
    return fit ? HL_EXIT_OK : HL_EXIT_UNREACHABLE;
}

const struct hl_command hl_command_doctor = {
    .name = "doctor",
    .summary = "can each provider be reached, with which rights",
    .usage = "[options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE,
    .run = run,
    .help = "Reads each system of the spec as a plan would, with the credentials as they are now, and asks: does it answer, does it take them, what may they "
            "do, is it a version that is known to work.\n"
            "Exits with 7 when one is not fit.",
};
