#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"

static int run(struct hl_context *context)
{
    hl_sink_printf(&context->out, "hlrec %s\n", PACKAGE_VERSION);
    if (context->verbose)
        hl_sink_printf(&context->out, "spec format 1, state format %d\n", HL_STATE_VERSION);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_version = {
    .name = "version",
    .summary = "the version",
    .usage = "",
    .run = run,
    .help = "Prints the version; with -v also those of the spec's and the state's form.",
};
