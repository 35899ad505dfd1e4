#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"

static void put_json(struct hl_context *context)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put_bool(map, "valid", true);
    hl_value_map_put_text(map, "stack", context->stack);
    hl_value_map_put_int(map, "resources", (int64_t)context->spec->resources.count);
    hl_value_map_put(map, "diagnostics", hl_render_diags_json(context->arena, &context->diags));
    hl_context_put_json(context, map);
}

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const int code = hl_context_load_spec(context);

    if (code != HL_EXIT_OK)
        return code;
    if (context->format == HL_FORMAT_JSON) {
        put_json(context);
    } else if (!context->quiet) {
        hl_put_safe(&out, context->file);
        hl_text_printf(&out, ": stack '%s', ", context->stack);
        hl_put_count(&out, context->spec->resources.count, "resource");
        hl_text_puts(&out, ": valid\n");
        hl_sink_text(&context->out, &out);
    }
    return HL_EXIT_OK;
}

const struct hl_command hl_command_validate = {
    .name = "validate",
    .summary = "check the spec, touch nothing",
    .usage = "[options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_FORMAT,
    .run = run,
    .help = "Reads the spec and the files that it names, and reports all mistakes at once, each with its line. No system is asked, no state is opened.",
};
