#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"

static void put_json(struct hl_context *context, const struct hl_value *list)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put(map, "unmanaged", hl_render_mask(context->arena, list, false));
    hl_context_put_json(context, map);
}

static void put_table(struct hl_context *context, const struct hl_value *list)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_table table;

    hl_table_init(&table, context->arena, 5);
    hl_table_add(&table, (const char *const[]){"PROVIDER", "KIND", "NAME", "ID", "OWNER"});
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);

        hl_table_add(&table, (const char *const[]){hl_value_get_text(item, "provider"), hl_value_get_text(item, "kind"), hl_value_get_text(item, "name"),
                                                   hl_value_get_text(item, "id"), hl_value_get_text(item, "owner")});
    }
    if (hl_value_count(list) > 0)
        hl_table_render(&out, &table, true, context->look.color, 0);
    else
        hl_text_puts(&out, "nothing: every object has an owner\n");
    hl_sink_text(&context->out, &out);
}

static int run(struct hl_context *context)
{
    struct hl_error *err = NULL;
    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, NULL);
    if (code != HL_EXIT_OK)
        return code;

    const struct hl_value *list = hl_engine_unmanaged(context->engine, &err);

    if (list == NULL)
        return hl_context_fail(context, err);
    if (context->format == HL_FORMAT_JSON)
        put_json(context, list);
    else
        put_table(context, list);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_unmanaged = {
    .name = "unmanaged",
    .summary = "live objects that no stack owns",
    .usage = "[options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_FORMAT,
    .run = run,
    .help =
        "Lists what lives in the systems of the spec and carries no mark of hlrec: made by hand, by compose, by a former tool. `hlrec adopt --write` writes a\n"
        "spec for it, `adopt: true` in a block takes one over.",
};
