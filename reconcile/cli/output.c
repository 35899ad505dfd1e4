#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/values.h"

#include <string.h>

static struct hl_value *output_json(struct hl_context *context, const struct hl_value *value)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put(map, "value", hl_render_mask(context->arena, value, false));
    hl_value_map_put_bool(map, "sensitive", hl_value_has_sensitive(value));
    if (hl_value_find_unknown(value) != NULL)
        hl_value_map_put_text(map, "unknown", hl_value_find_unknown(value));
    return map;
}

/* Text as it is, so that it can be used in a script; anything else as the spec would write it. A secret is shown by `secret show --reveal` alone. */
static void put_plain(struct hl_context *context, const struct hl_value *value)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (hl_value_is(value, HL_TEXT) && !value->sensitive)
        hl_text_append(&out, value->text.data, value->text.length);
    else
        hl_put_one_value(&out, NULL, value);
    hl_text_putc(&out, '\n');
    hl_sink_text(&context->out, &out);
}

static void put_all(struct hl_context *context, const struct hl_value *outputs)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (context->format == HL_FORMAT_JSON) {
        struct hl_value *map = hl_value_map(context->arena);

        for (size_t i = 0; i < hl_value_count(outputs); i++)
            hl_value_map_put(map, hl_value_key(outputs, i), output_json(context, hl_value_at(outputs, i)));
        hl_context_put_json(context, map);
        return;
    }
    hl_put_members(&out, NULL, outputs, 0);
    hl_sink_text(&context->out, &out);
}

static int put_one(struct hl_context *context, const struct hl_value *outputs, const char *name)
{
    const struct hl_value *value = hl_value_get(outputs, name);
    struct hl_error *err = NULL;

    if (value == NULL) {
        hl_fail(&err, HL_E_SPEC, "the spec has no output '%s'", name);
        hl_error_hint(&err, "`hlrec output` lists them");
        return hl_context_fail(context, err);
    }
    if (context->format == HL_FORMAT_JSON)
        hl_context_put_json(context, output_json(context, value));
    else
        put_plain(context, value);
    return HL_EXIT_OK;
}

static int run(struct hl_context *context)
{
    struct hl_diags diags;
    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, NULL);
    if (code != HL_EXIT_OK)
        return code;
    hl_diags_init(&diags, context->arena, context->file);

    const struct hl_value *outputs = hl_engine_outputs(context->engine, &diags);

    hl_context_diags(context, &diags);
    if (diags.errors > 0)
        return HL_EXIT_SPEC;
    if (context->arguments_count > 0)
        return put_one(context, outputs, context->arguments[0]);
    put_all(context, outputs);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_output = {
    .name = "output",
    .summary = "the spec's outputs",
    .usage = "[options] [NAME]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_FORMAT,
    .max_arguments = 1,
    .run = run,
    .help =
        "Prints what `outputs` of the spec says, with what was last applied. Sensitive ones are masked; `hlrec secret show NAME --reveal` prints a secret.\n\n"
        "  curl \"$(hlrec output dashboard)\"",
};
