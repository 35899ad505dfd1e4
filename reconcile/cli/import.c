#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *err = NULL;
    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, true, NULL);
    if (code != HL_EXIT_OK)
        return code;
    if (!hl_engine_recover(context->engine, &err) || !hl_engine_import(context->engine, context->arguments[0], context->arguments[1], &err))
        return hl_context_fail(context, err);
    hl_text_puts(&out, "imported ");
    hl_put_safe(&out, context->arguments[0]);
    hl_text_puts(&out, "; `hlrec plan` shows what the spec wants otherwise\n");
    if (!context->quiet)
        hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_import = {
    .name = "import",
    .summary = "take a live object into the state",
    .usage = "[options] ADDRESS ID",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_LOCK,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
    .help = "Records the object ID (as its system names it) as ADDRESS, which the spec must have. The object itself is not changed.\n\n"
            "  hlrec import container.web 3f9c1ab0d2e4",
};
