#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/flow.h"

#include <string.h>
#include <unistd.h>

/* Without a spec what is recorded says what to delete; the stack's name is that of the state's file. */
static int find_recorded(struct hl_context *context)
{
    const int code = hl_context_find_state(context);

    if (code != HL_EXIT_OK)
        return code;

    const char *slash = strrchr(context->state_path, '/');
    const char *name = slash != NULL ? slash + 1 : context->state_path;

    context->stack = hl_arena_copy(context->arena, name, hl_ends_with(name, ".db") ? strlen(name) - 3 : strlen(name));
    context->file = context->state_path;
    return HL_EXIT_OK;
}

static int run(struct hl_context *context)
{
    const char *file = hl_option_text(&context->options, HL_OPT_FILE);
    const bool has_spec = file != NULL || access("hlrec.yaml", F_OK) == 0;
    struct hl_flow flow;
    const int code = has_spec ? hl_context_load_spec(context) : find_recorded(context);

    if (code != HL_EXIT_OK)
        return code;
    hl_context_plan_options(context, &flow.plan);
    flow.plan.destroy = true;
    flow.saved = NULL;
    flow.question = hl_arena_printf(context->arena, "\nDelete all of this of stack '%s'? Only 'yes' is accepted: ", context->stack);
    return hl_flow_run(context, &flow);
}

const struct hl_command hl_command_destroy = {
    .name = "destroy",
    .summary = "delete all that the stack owns",
    .usage = "[options]",
    .groups =
        HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_LOCK | HL_GROUP_FORMAT | HL_GROUP_SELECT | HL_GROUP_FORCE | HL_GROUP_RUN | HL_GROUP_CONFIRM | HL_GROUP_LIMIT,
    .run = run,
    .help = "Deletes what is recorded in the state, in reverse order. What is protected stays, and what holds data (volumes) needs `protect: false` in the "
            "spec and\n"
            "--allow-destroy. `hlrec plan --destroy` shows it without doing it.",
};
