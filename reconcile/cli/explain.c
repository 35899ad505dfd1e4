#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"

#include <string.h>

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *err = NULL;

    if (hl_emit_explain(&out, &hl_registry, context->arguments[0])) {
        hl_sink_text(&context->out, &out);
        return HL_EXIT_OK;
    }
    hl_fail(&err, HL_E_SPEC, "%.*s", (int)strcspn(hl_text_get(&out), "\n"), hl_text_get(&out));
    hl_error_hint(&err, "`hlrec explain` lists all kinds");
    return hl_context_fail(context, err);
}

const struct hl_command hl_command_explain = {
    .name = "explain",
    .summary = "what a kind or a field of the spec means",
    .usage = "[KIND[.FIELD] | TYPE[.FIELD]]",
    .max_arguments = 1,
    .run = run,
    .help = "The reference at hand: fields, types, defaults, examples.\n\n"
            "  hlrec explain\n"
            "  hlrec explain container\n"
            "  hlrec explain container.ports\n"
            "  hlrec explain docker",
};
