#include "config.h"

#include "reconcile/cli/values.h"

#include "reconcile/render/layout.h"

static const struct hl_field any = {.name = "value", .type = HL_F_ANY};

void hl_put_one_value(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(HL_MAX_RENDER);

    if (hl_value_is_null(value)) {
        hl_text_puts(out, "(unset)");
    } else if (field != NULL && field->sensitive) {
        hl_text_puts(out, HL_REDACTED);
    } else {
        hl_field_format(&plain, field != NULL ? field : &any, value);
        hl_put_safe(out, hl_text_get(&plain));
    }
}

void hl_put_members(struct hl_text *out, const struct hl_kind *kind, const struct hl_value *map, size_t indent)
{
    for (size_t i = 0; i < hl_value_count(map); i++) {
        const char *key = hl_value_key(map, i);
        const size_t from = out->length;

        hl_spaces(out, indent);
        hl_put_safe(out, key);
        hl_pad(out, from, indent + 20);
        hl_text_puts(out, "  ");
        hl_put_one_value(out, kind != NULL ? hl_field_find(kind->fields, key, false) : NULL, hl_value_at(map, i));
        hl_text_putc(out, '\n');
    }
}

void hl_put_outputs(struct hl_context *context, struct hl_text *out)
{
    struct hl_diags diags;

    if (context->spec == NULL || context->spec->outputs_count == 0)
        return;
    hl_diags_init(&diags, context->arena, context->file);

    const struct hl_value *outputs = hl_engine_outputs(context->engine, &diags);

    hl_text_puts(out, "Outputs:\n");
    hl_put_members(out, NULL, outputs, 2);
    hl_text_putc(out, '\n');
}
