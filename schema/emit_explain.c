/* `hlrec explain`: what a kind, a field, a provider or a section is, for a terminal. */
#include "config.h"

#include "schema/schema.h"

#include "schema/emitting.h"
#include "schema/sections.h"

#include <string.h>

enum { NAME_WIDTH = 14 };

/* The first column; a name that is too long for it makes its own line longer. */
static void put_name(struct hl_text *out, const char *name)
{
    hl_text_printf(out, "  %-*s%s", NAME_WIDTH, name, strlen(name) < NAME_WIDTH ? "" : "  ");
}

static void put_field(struct hl_text *out, const struct hl_field *field)
{
    hl_auto(text) struct hl_text notes = HL_TEXT_INIT(16384);

    put_name(out, field->name);
    hl_emit_type(out, field);
    hl_emit_notes(&notes, field);
    if (notes.length > 0)
        hl_text_printf(out, "; %s", hl_text_get(&notes));
    hl_text_printf(out, "\n  %*s%s\n", NAME_WIDTH, "", field->doc == NULL ? "" : field->doc);
}

/* The rows that `wanted` picks, under a title; nothing when there are none. */
static void put_fields(struct hl_text *out, const char *title, const struct hl_field *fields, bool (*wanted)(const struct hl_field *field))
{
    bool is_first = true;

    for (; fields != NULL && fields->name != NULL; fields++) {
        if (!wanted(fields))
            continue;
        if (is_first)
            hl_text_printf(out, "\n%s\n", title);
        is_first = false;
        put_field(out, fields);
    }
}

static void put_names(struct hl_text *out, const struct hl_field *fields)
{
    for (size_t i = 0; fields[i].name != NULL; i++)
        hl_text_printf(out, "%s%s", i == 0 ? "" : ", ", fields[i].name);
    hl_text_putc(out, '\n');
}

static void put_example(struct hl_text *out, const char *section, const char *name, const char *example)
{
    if (example == NULL)
        return;
    hl_text_printf(out, "\nExample:\n  %s:\n    %s:\n", section, name);
    hl_emit_indented(out, example, "      ");
}

static void explain_kind(struct hl_text *out, const struct hl_kind *kind)
{
    hl_text_printf(out, "%s: %s\n\n", kind->name, kind->doc);
    hl_text_printf(out, "in the spec     %s:\n                  NAME: {...}\n", kind->section);
    hl_text_printf(out, "address         %s.NAME\n", kind->name);
    if (kind->provider != NULL)
        hl_text_printf(out, "provider        of type %s\n", kind->provider);
    if (kind->output != NULL)
        hl_text_printf(out, "${%s.NAME}  is its %s\n", kind->name, kind->output);
    if (kind->holds_data)
        hl_text_puts(out, "holds data      deleted only with 'protect: false' and --allow-destroy\n");
    put_example(out, kind->section, "NAME", kind->example);
    put_fields(out, "Fields:", kind->fields, hl_emit_is_input);
    put_fields(out, "Known when it exists, for references:", kind->fields, hl_emit_is_output);
    hl_text_puts(out, "\nEvery resource also takes: ");
    put_names(out, hl_common_fields);
}

static void explain_provider(struct hl_text *out, const struct hl_provider_type *type)
{
    hl_text_printf(out, "providers.%s: %s\n", type->name, type->doc);
    if (type->implicit)
        hl_text_printf(out, "\nThere without being declared, with its defaults, under the name '%s'.\n", type->name);
    put_example(out, "providers", type->name, type->example);
    put_fields(out, "Settings:", type->fields, hl_emit_is_input);
    put_fields(out, "Every provider also takes:", hl_provider_fields, hl_emit_is_input);
}

static void explain_field(struct hl_text *out, const char *topic, const struct hl_field *field)
{
    hl_auto(text) struct hl_text notes = HL_TEXT_INIT(16384);

    hl_text_printf(out, "%s: %s\n\n", topic, field->doc == NULL ? field->name : field->doc);
    hl_text_puts(out, "type     ");
    hl_emit_type(out, field);
    hl_text_putc(out, '\n');
    hl_emit_notes(&notes, field);
    if (notes.length > 0)
        hl_text_printf(out, "notes    %s\n", hl_text_get(&notes));
    if (field->computed)
        hl_text_puts(out, "output   known when it exists; it cannot be set\n");
    if (field->example != NULL) {
        hl_text_printf(out, "\nExample:\n  %s:%s", field->name, strchr(field->example, '\n') == NULL ? " " : "\n");
        hl_emit_indented(out, field->example, strchr(field->example, '\n') == NULL ? "" : "    ");
    }
    if (hl_emit_has_members(field))
        put_fields(out, field->type == HL_F_OBJECT ? "Fields:" : "Fields of each:", field->fields, hl_emit_is_input);
}

/* The field at a dotted path below the rows; NULL when there is none, then *missing is the step that failed and *where its rows. */
static const struct hl_field *find_path(const struct hl_field *fields, const char *path, char missing[64], const struct hl_field **where)
{
    const struct hl_field *field = NULL;

    while (*path != '\0') {
        size_t length = strcspn(path, ".");

        if (length >= 64)
            length = 63;
        memcpy(missing, path, length);
        missing[length] = '\0';
        *where = fields;
        field = fields == NULL ? NULL : hl_field_find(fields, missing, true);
        if (field == NULL || field->internal)
            return NULL;
        fields = field->fields;
        path += strcspn(path, ".");
        path += *path == '.' ? 1 : 0;
    }
    return field;
}

static bool report_no_field(struct hl_text *out, const char *topic, const char *missing, const struct hl_field *where)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *names[256];
    size_t count = 0;
    struct hl_diags diags;
    struct hl_diag *diag;

    hl_diags_init(&diags, arena, NULL);
    for (; where != NULL && where->name != NULL && count < HL_COUNT(names); where++)
        if (!where->internal)
            names[count++] = where->name;
    diag = hl_diag_error(&diags, (struct hl_span){.line = 0}, "-");
    hl_diag_suggest(&diags, diag, missing, names, count);
    hl_text_printf(out, "there is nothing to explain about '%s'", topic);
    if (diag->hint != NULL)
        hl_text_printf(out, ": %s", diag->hint);
    hl_text_putc(out, '\n');
    return false;
}

/* A path below rows: "container.ports", "providers.docker.tls", "settings.parallel". */
static bool explain_path(struct hl_text *out, const char *topic, const struct hl_field *fields, const char *path)
{
    char missing[64] = "";
    const struct hl_field *where = NULL;
    const struct hl_field *field = find_path(fields, path, missing, &where);

    if (field == NULL)
        return report_no_field(out, topic, missing, where);
    explain_field(out, topic, field);
    return true;
}

static void explain_all(struct hl_text *out, const struct hl_registry *registry)
{
    hl_text_puts(out, "A spec is one YAML file.\n\nKinds of resources:\n");
    for (const struct hl_kind *const *kind = registry->kinds; *kind != NULL; kind++) {
        put_name(out, (*kind)->name);
        hl_text_printf(out, "%s (%s:)\n", (*kind)->doc, (*kind)->section);
    }
    hl_text_puts(out, "\nTypes of providers:\n");
    for (const struct hl_provider_type *const *type = registry->providers; *type != NULL; type++) {
        put_name(out, (*type)->name);
        hl_text_printf(out, "%s\n", (*type)->doc);
    }
    hl_text_puts(out, "\nOther keys of the spec:\n");
    for (const struct hl_field *field = hl_top_fields; field->name != NULL; field++) {
        put_name(out, field->name);
        hl_text_printf(out, "%s\n", field->doc);
    }
    hl_text_puts(out, "\nMore: hlrec explain KIND, KIND.FIELD, TYPE, TYPE.FIELD or one of the keys\n");
}

static bool explain_kinds(struct hl_text *out, const struct hl_registry *registry, const char *topic, const char *word, const char *rest)
{
    bool found = false;
    bool explained = false;

    for (size_t i = 0; registry->kinds[i] != NULL; i++) {
        const struct hl_kind *kind = registry->kinds[i];
        char missing[64];
        const struct hl_field *where;

        if (strcmp(kind->name, word) != 0 && strcmp(kind->section, word) != 0)
            continue;
        found = true;
        if (*rest != '\0' && find_path(kind->fields, rest, missing, &where) == NULL)
            continue;
        if (explained)
            hl_text_putc(out, '\n');
        if (*rest == '\0')
            explain_kind(out, kind);
        else
            explain_path(out, topic, kind->fields, rest);
        explained = true;
    }
    if (found && !explained) {
        if (hl_field_find(hl_common_fields, rest, false) != NULL)
            return explain_path(out, topic, hl_common_fields, rest);
        explain_path(out, topic, hl_kind_find(registry, word, NULL) != NULL ? hl_kind_find(registry, word, NULL)->fields : NULL, rest);
    }
    return explained;
}

static bool explain_providers(struct hl_text *out, const struct hl_registry *registry, const char *topic, const char *rest)
{
    char name[64];
    size_t length = strcspn(rest, ".");
    const struct hl_provider_type *type;

    memcpy(name, rest, length < sizeof(name) ? length : 0);
    name[length < sizeof(name) ? length : 0] = '\0';
    type = hl_provider_type_find(registry, name);
    if (type == NULL) {
        hl_text_printf(out, "there is no provider type '%s': they are ", name);
        for (size_t i = 0; registry->providers[i] != NULL; i++)
            hl_text_printf(out, "%s%s", i == 0 ? "" : ", ", registry->providers[i]->name);
        hl_text_putc(out, '\n');
        return false;
    }
    if (rest[length] == '.')
        return explain_path(out, topic, type->fields, rest + length + 1);
    explain_provider(out, type);
    return true;
}

/* "'container.ports' or 'router.ports'" for the name of a field without its kind; the first few, nothing when no kind has it. */
static void put_kinds_with(struct hl_text *out, const struct hl_registry *registry, const char *name)
{
    enum { SHOWN = 3 };
    size_t count = 0;

    for (size_t i = 0; registry->kinds[i] != NULL && count < SHOWN; i++) {
        const struct hl_kind *kind = registry->kinds[i];

        if (hl_field_find(kind->fields, name, false) != NULL)
            hl_text_printf(out, "%s'%s.%s'", count++ == 0 ? "" : " or ", kind->name, name);
    }
}

static bool report_no_topic(struct hl_text *out, const struct hl_registry *registry, const char *topic, const char *word)
{
    struct hl_field names[256] = {{.name = NULL}};
    size_t count = 0;
    hl_auto(text) struct hl_text of_kinds = HL_TEXT_INIT(1024);

    put_kinds_with(&of_kinds, registry, topic);
    if (of_kinds.length > 0) {
        hl_text_printf(out, "there is nothing to explain about '%s': did you mean %s?\n", topic, hl_text_get(&of_kinds));
        return false;
    }
    for (size_t i = 0; registry->kinds[i] != NULL && count < HL_COUNT(names) / 2; i++)
        names[count++].name = registry->kinds[i]->name;
    for (const struct hl_field *field = hl_top_fields; field->name != NULL; field++)
        names[count++].name = field->name;
    return report_no_field(out, topic, word, names);
}

bool hl_emit_explain(struct hl_text *out, const struct hl_registry *registry, const char *topic)
{
    char word[64];
    size_t length = topic == NULL ? 0 : strcspn(topic, ".");
    const char *rest;
    const struct hl_field *section;

    if (hl_is_blank(topic)) {
        explain_all(out, registry);
        return true;
    }
    if (length >= sizeof(word))
        return report_no_topic(out, registry, topic, "");
    memcpy(word, topic, length);
    word[length] = '\0';
    rest = topic + length + (topic[length] == '.' ? 1 : 0);
    if (strcmp(word, "providers") == 0 && *rest != '\0')
        return explain_providers(out, registry, topic, rest);
    if (hl_kind_find(registry, word, NULL) != NULL || hl_kind_find_section(registry, word, NULL) != NULL)
        return explain_kinds(out, registry, topic, word, rest);
    section = hl_field_find(hl_top_fields, word, false);
    if (section == NULL && hl_provider_type_find(registry, word) != NULL)
        return explain_providers(out, registry, topic, topic);
    if (section == NULL)
        return report_no_topic(out, registry, topic, word);
    return explain_path(out, topic, hl_top_fields, topic);
}
