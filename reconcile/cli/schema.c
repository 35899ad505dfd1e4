#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (context->format == HL_FORMAT_MARKDOWN)
        hl_emit_reference(&out, &hl_registry);
    else
        hl_emit_json_schema(&out, &hl_registry);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_schema = {
    .name = "schema",
    .summary = "JSON Schema of the spec",
    .usage = "[options]",
    .groups = HL_GROUP_FORMAT | HL_GROUP_MARKDOWN,
    .run = run,
    .help = "Prints a JSON Schema with which editors complete and check a spec:\n\n"
            "  hlrec schema > hlrec.schema.json\n"
            "  # yaml-language-server: $schema=hlrec.schema.json     (the first line of hlrec.yaml)\n\n"
            "With --format markdown it prints the reference of all kinds and providers.",
};
