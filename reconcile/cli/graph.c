#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"

#include <string.h>

static const char *const names[] = {[HL_GRAPH_DOT] = "dot", [HL_GRAPH_MERMAID] = "mermaid", [HL_GRAPH_SVG] = "svg"};
_Static_assert(HL_COUNT(names) == HL_GRAPHS, "a name for each form");

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const char *wanted = context->arguments_count > 0 ? context->arguments[0] : names[HL_GRAPH_DOT];
    struct hl_error *err = NULL;
    int format = 0;

    while (format < HL_GRAPHS && strcmp(names[format], wanted) != 0)
        format++;
    if (format == HL_GRAPHS) {
        hl_fail(&err, HL_E_SPEC, "a graph cannot be drawn as '%s'", wanted);
        hl_error_hint(&err, "it can be dot, mermaid or svg");
        return hl_context_fail(context, err);
    }

    const int code = hl_context_load_spec(context);

    if (code != HL_EXIT_OK)
        return code;
    hl_render_graph(&out, context->spec, (enum hl_graph_format)format);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_graph = {
    .name = "graph",
    .summary = "what needs what, as dot, mermaid or svg",
    .usage = "[dot|mermaid|svg]",
    .groups = HL_GROUP_SPEC,
    .max_arguments = 1,
    .run = run,
    .help = "Draws the resources of the spec; an arrow leads from what is needed to what needs it, dashed where a provider's `needs` is the reason.\n\n"
            "  hlrec graph svg > graph.svg\n"
            "  hlrec graph dot | dot -Tpng > graph.png",
};
