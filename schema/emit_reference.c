/* The reference pages: one part for each kind and provider type, in Markdown. */
#include "config.h"

#include "schema/schema.h"

#include "schema/emitting.h"
#include "schema/sections.h"

#include <string.h>

/* Within a table: `|` parts cells, and `<` begins HTML. */
static void put_cell(struct hl_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            hl_text_puts(out, "\\|");
        else if (*text == '<')
            hl_text_puts(out, "&lt;");
        else if (*text == '\n')
            hl_text_putc(out, ' ');
        else
            hl_text_putc(out, *text);
    }
}

static void put_row(struct hl_text *out, const struct hl_field *field)
{
    hl_auto(text) struct hl_text type = HL_TEXT_INIT(16384);
    hl_auto(text) struct hl_text notes = HL_TEXT_INIT(16384);

    hl_emit_type(&type, field);
    hl_emit_notes(&notes, field);
    hl_text_printf(out, "| `%s` | ", field->name);
    put_cell(out, hl_text_get(&type));
    hl_text_puts(out, " | ");
    put_cell(out, hl_text_get(&notes));
    hl_text_puts(out, " | ");
    put_cell(out, field->doc == NULL ? "" : field->doc);
    if (field->example != NULL) {
        hl_text_puts(out, ", like `");
        put_cell(out, field->example);
        hl_text_putc(out, '`');
    }
    hl_text_puts(out, " |\n");
}

static void put_table(struct hl_text *out, const struct hl_field *fields, bool (*wanted)(const struct hl_field *field))
{
    bool is_first = true;

    for (; fields->name != NULL; fields++) {
        if (!wanted(fields))
            continue;
        if (is_first)
            hl_text_puts(out, "\n| field | type | notes | |\n|---|---|---|---|\n");
        is_first = false;
        put_row(out, fields);
    }
}

/* A table for each field that has members, depth first. */
static void put_members(struct hl_text *out, const struct hl_field *fields, const char *path)
{
    for (; fields->name != NULL; fields++) {
        hl_auto(text) struct hl_text inner = HL_TEXT_INIT(4096);

        if (!hl_emit_is_input(fields) || !hl_emit_has_members(fields))
            continue;
        hl_text_printf(&inner, "%s.%s", path, fields->name);
        hl_text_printf(out, "\n### `%s`%s\n", hl_text_get(&inner), fields->type == HL_F_OBJECT ? "" : ", each");
        put_table(out, fields->fields, hl_emit_is_input);
        put_members(out, fields->fields, hl_text_get(&inner));
    }
}

static void put_example(struct hl_text *out, const char *section, const char *name, const char *example)
{
    if (example == NULL)
        return;
    hl_text_printf(out, "\n```yaml\n%s:\n  %s:\n", section, name);
    hl_emit_indented(out, example, "    ");
    hl_text_puts(out, "```\n");
}

static bool has_outputs(const struct hl_field *fields)
{
    for (; fields->name != NULL; fields++)
        if (hl_emit_is_output(fields))
            return true;
    return false;
}

static void put_kind(struct hl_text *out, const struct hl_kind *kind)
{
    hl_text_printf(out, "\n## %s\n\n%s.\n\n", kind->name, kind->doc);
    hl_text_printf(out, "Section `%s`, address `%s.NAME`", kind->section, kind->name);
    if (kind->provider != NULL)
        hl_text_printf(out, ", provider of type `%s`", kind->provider);
    hl_text_puts(out, ".");
    if (kind->output != NULL)
        hl_text_printf(out, " `${%s.NAME}` is its `%s`.", kind->name, kind->output);
    if (kind->holds_data)
        hl_text_puts(out, " It holds data: it is deleted only with `protect: false` and `--allow-destroy`.");
    if ((kind->forms & HL_FORM_NOCASE) != 0)
        hl_text_puts(out, " Its keys may be written in any case.");
    hl_text_putc(out, '\n');
    put_example(out, kind->section, "example", kind->example);
    put_table(out, kind->fields, hl_emit_is_input);
    put_members(out, kind->fields, kind->name);
    if (has_outputs(kind->fields)) {
        hl_text_printf(out, "\n### Outputs of a %s\n\nKnown when it exists, for references.\n", kind->name);
        put_table(out, kind->fields, hl_emit_is_output);
    }
}

static void put_provider(struct hl_text *out, const struct hl_provider_type *type)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(1024);

    hl_text_printf(&path, "providers.%s", type->name);
    hl_text_printf(out, "\n## Provider %s\n\n%s.%s\n", type->name, type->doc, type->implicit ? " It is there without being declared, with its defaults." : "");
    put_example(out, "providers", type->name, type->example);
    put_table(out, type->fields, hl_emit_is_input);
    put_members(out, type->fields, hl_text_get(&path));
}

static void put_top(struct hl_text *out)
{
    hl_text_puts(out, "# Reference\n\nEverything that a spec may say. `hlrec explain` shows the same in a terminal, `hlrec schema` gives it to editors.\n"
                      "\n## The spec\n\nSections of resources come on top of these keys. Keys that begin with `x-` are for anchors and ignored.\n");
    put_table(out, hl_top_fields, hl_emit_is_input);
    put_members(out, hl_top_fields, "spec");
    hl_text_puts(out, "\n## Every resource\n\nBesides the fields of its kind.\n");
    put_table(out, hl_common_fields, hl_emit_is_input);
}

void hl_emit_reference(struct hl_text *out, const struct hl_registry *registry)
{
    put_top(out);
    for (size_t i = 0; registry->kinds[i] != NULL; i++)
        put_kind(out, registry->kinds[i]);
    for (size_t i = 0; registry->providers[i] != NULL; i++)
        put_provider(out, registry->providers[i]);
}
