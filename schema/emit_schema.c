/* The tables as a JSON Schema (draft 2020-12) of the spec, for editors. Whatever hlrec takes is valid by it, short forms and references included.
 *
 * Every table becomes a definition of its own, named by its path: "container", "container.healthcheck", "providers.docker". */
#include "config.h"

#include "schema/schema.h"

#include "schema/emitting.h"
#include "schema/sections.h"

#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>

#define REFERENCE "\\$\\{"
#define NAME_PATTERN "^[a-z0-9][a-z0-9_.-]*$"

struct emitter {
    struct hl_arena *arena;
    struct hl_value *definitions;
};

static struct hl_value *map_of(struct emitter *emitter)
{
    return hl_value_map(emitter->arena);
}

static struct hl_value *text_of(struct emitter *emitter, const char *text)
{
    return hl_value_text(emitter->arena, text);
}

static void add_text(struct emitter *emitter, struct hl_value *list, const char *text)
{
    hl_value_list_add(emitter->arena, list, text_of(emitter, text));
}

/* {"type": [...]} */
static struct hl_value *typed(struct emitter *emitter, const char *const *types, size_t count)
{
    struct hl_value *schema = map_of(emitter);
    struct hl_value *list = hl_value_list(emitter->arena);

    for (size_t i = 0; i < count; i++)
        add_text(emitter, list, types[i]);
    hl_value_map_put(schema, "type", count == 1 ? hl_value_item(list, 0) : list);
    return schema;
}

#define TYPED(emitter, ...) typed(emitter, (const char *const[]){__VA_ARGS__}, HL_COUNT(((const char *const[]){__VA_ARGS__})))

static struct hl_value *referring(struct emitter *emitter, const char *definition)
{
    struct hl_value *schema = map_of(emitter);

    hl_value_map_put(schema, "$ref", hl_value_printf(emitter->arena, "#/$defs/%s", definition));
    return schema;
}

/* A scalar that is given as text has to look like `pattern`, or hold a reference. */
static struct hl_value *with_pattern(struct emitter *emitter, struct hl_value *schema, const char *pattern)
{
    hl_value_map_put(schema, "pattern", hl_value_printf(emitter->arena, "%s|" REFERENCE, pattern));
    return schema;
}

static struct hl_value *any_of(struct emitter *emitter, struct hl_value *choices)
{
    struct hl_value *schema;

    if (hl_value_count(choices) == 1)
        return hl_value_item(choices, 0);
    schema = map_of(emitter);
    hl_value_map_put(schema, "anyOf", choices);
    return schema;
}

static struct hl_value *emit_string(struct emitter *emitter, const struct hl_field *field)
{
    struct hl_value *choices = hl_value_list(emitter->arena);
    struct hl_value *allowed = hl_value_list(emitter->arena);
    struct hl_value *schema;

    if (field->allowed == NULL)
        return TYPED(emitter, "string", "number", "boolean");
    for (size_t i = 0; field->allowed[i] != NULL; i++)
        add_text(emitter, allowed, field->allowed[i]);
    schema = map_of(emitter);
    hl_value_map_put(schema, "enum", allowed);
    hl_value_list_add(emitter->arena, choices, schema);
    /* What normalises first can be written in more ways than the list says. */
    hl_value_list_add(emitter->arena, choices, field->normalise != NULL ? TYPED(emitter, "string") : referring(emitter, "reference"));
    return any_of(emitter, choices);
}

static struct hl_value *emit_int(struct emitter *emitter, const struct hl_field *field)
{
    struct hl_value *schema = with_pattern(emitter, TYPED(emitter, "integer", "string"), "^-?[0-9]+$");

    if (field->minimum != 0 || field->maximum != 0) {
        hl_value_map_put_int(schema, "minimum", field->minimum);
        hl_value_map_put_int(schema, "maximum", field->maximum);
    }
    return schema;
}

static struct hl_value *emit_duration(struct emitter *emitter)
{
    struct hl_value *schema = with_pattern(emitter, TYPED(emitter, "string", "integer"), "^(0|-?([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w))+)$");

    hl_value_map_put_int(schema, "minimum", 0); /* as a number, only 0 has no unit */
    hl_value_map_put_int(schema, "maximum", 0);
    return schema;
}

static struct hl_value *emit_value(struct emitter *emitter, const struct hl_field *field, const char *path);

static struct hl_value *emit_item(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    struct hl_field item = {
        .type = field->item, .fields = field->fields, .forms = field->forms & HL_FORM_NOCASE, .minimum = field->minimum, .maximum = field->maximum};

    if (field->item == HL_F_STRING) {
        item.allowed = field->allowed;
        item.normalise = field->normalise;
    }
    if (field->item == HL_F_OBJECT)
        item.shorthand = field->shorthand;
    return emit_value(emitter, &item, path);
}

static struct hl_value *emit_list(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    struct hl_value *choices = hl_value_list(emitter->arena);
    struct hl_value *schema = TYPED(emitter, "array");

    hl_value_map_put(schema, "items", emit_item(emitter, field, path));
    hl_value_list_add(emitter->arena, choices, schema);
    if ((field->forms & HL_FORM_SINGLE) != 0)
        hl_value_list_add(emitter->arena, choices, emit_item(emitter, field, path));
    hl_value_list_add(emitter->arena, choices, (field->forms & HL_FORM_WORDS) != 0 ? TYPED(emitter, "string") : referring(emitter, "reference"));
    return any_of(emitter, choices);
}

/* A map's value may be left empty. */
static struct hl_value *or_null(struct emitter *emitter, struct hl_value *schema)
{
    struct hl_value *choices = hl_value_list(emitter->arena);

    hl_value_list_add(emitter->arena, choices, schema);
    hl_value_list_add(emitter->arena, choices, TYPED(emitter, "null"));
    return any_of(emitter, choices);
}

static struct hl_value *emit_map(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    struct hl_value *choices = hl_value_list(emitter->arena);
    struct hl_value *schema = TYPED(emitter, "object");

    hl_value_map_put(schema, "additionalProperties", or_null(emitter, emit_item(emitter, field, path)));
    hl_value_list_add(emitter->arena, choices, schema);
    if ((field->forms & (HL_FORM_PAIRS | HL_FORM_NAMES)) != 0) {
        schema = TYPED(emitter, "array");
        hl_value_map_put(schema, "items", TYPED(emitter, "string", "number", "boolean"));
        hl_value_list_add(emitter->arena, choices, schema);
    }
    hl_value_list_add(emitter->arena, choices, referring(emitter, "reference"));
    return any_of(emitter, choices);
}

static void define(struct emitter *emitter, const struct hl_field *fields, unsigned forms, const struct hl_field *more, const char *doc, const char *path);

static struct hl_value *emit_object(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    struct hl_value *choices = hl_value_list(emitter->arena);

    define(emitter, field->fields, field->forms, NULL, NULL, path);
    hl_value_list_add(emitter->arena, choices, referring(emitter, path));
    if ((field->forms & HL_FORM_TRUE) != 0)
        hl_value_list_add(emitter->arena, choices, TYPED(emitter, "boolean"));
    hl_value_list_add(emitter->arena, choices, field->shorthand != NULL ? TYPED(emitter, "string", "number") : referring(emitter, "reference"));
    return any_of(emitter, choices);
}

static struct hl_value *emit_value(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    switch (field->type) {
    case HL_F_STRING:
        return emit_string(emitter, field);
    case HL_F_BOOL:
        return with_pattern(emitter, TYPED(emitter, "boolean", "string"), "^(true|false)$");
    case HL_F_INT:
        return emit_int(emitter, field);
    case HL_F_NUMBER:
        return with_pattern(emitter, TYPED(emitter, "number", "string"), "^-?[0-9.]+([eE][-+]?[0-9]+)?$");
    case HL_F_DURATION:
        return emit_duration(emitter);
    case HL_F_SIZE:
        return with_pattern(emitter, TYPED(emitter, "string", "number"), "^-?[0-9]+(\\.[0-9]+)? ?[kKmMgGtTpP]?([iI]?[bB])?$");
    case HL_F_LIST:
        return emit_list(emitter, field, path);
    case HL_F_MAP:
        return emit_map(emitter, field, path);
    case HL_F_OBJECT:
        return emit_object(emitter, field, path);
    case HL_F_ANY:
    case HL_FIELD_TYPES:
        break;
    }
    return map_of(emitter);
}

/* YAML of a row to a value as JSON has it; NULL when there is none, or it is no YAML by itself. */
static struct hl_value *parse_yaml(struct emitter *emitter, const char *yaml)
{
    struct hl_diags diags;
    struct hl_check check = {.arena = emitter->arena, .diags = &diags};
    const struct hl_node *node;
    struct hl_value *value;

    if (yaml == NULL || hl_reference_has(yaml, strlen(yaml)))
        return NULL;
    hl_diags_init(&diags, emitter->arena, NULL);
    node = hl_reader_parse(emitter->arena, yaml, strlen(yaml), &diags);
    if (node == NULL)
        return NULL;
    value = hl_decode_field(&check, node, &(struct hl_field){.name = "example", .type = HL_F_ANY}, NULL);
    return diags.errors > 0 ? NULL : value;
}

static struct hl_value *fallback_of(struct emitter *emitter, const struct hl_field *field)
{
    bool is_text = field->type == HL_F_STRING || field->type == HL_F_DURATION || field->type == HL_F_SIZE;

    if (field->fallback == NULL || field->sensitive)
        return NULL;
    return is_text ? text_of(emitter, field->fallback) : parse_yaml(emitter, field->fallback);
}

static struct hl_value *emit_field(struct emitter *emitter, const struct hl_field *field, const char *path)
{
    struct hl_value *schema = emit_value(emitter, field, hl_arena_printf(emitter->arena, "%s.%s", path, field->name));
    struct hl_value *example = parse_yaml(emitter, field->example);
    struct hl_value *described = map_of(emitter);

    if (!field->required)
        schema = or_null(emitter, schema);
    if (field->doc != NULL)
        hl_value_map_put(described, "description", hl_value_printf(emitter->arena, "%s%s", field->doc, field->immutable ? " (a change replaces it)" : ""));
    hl_value_map_put(described, "default", fallback_of(emitter, field));
    if (example != NULL) {
        struct hl_value *list = hl_value_list(emitter->arena);

        hl_value_list_add(emitter->arena, list, example);
        hl_value_map_put(described, "examples", list);
    }
    for (size_t i = 0; i < hl_value_count(schema); i++)
        hl_value_map_put(described, hl_value_key(schema, i), hl_value_at(schema, i));
    return described;
}

/* "^[rR][uU][lL][eE]$" */
static const char *any_case(struct emitter *emitter, const char *name)
{
    hl_auto(text) struct hl_text pattern = HL_TEXT_INIT(1024);

    hl_text_putc(&pattern, '^');
    for (; *name != '\0'; name++) {
        bool is_letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');

        if (is_letter)
            hl_text_printf(&pattern, "[%c%c]", *name | 0x20, *name & ~0x20);
        else
            hl_text_putc(&pattern, *name);
    }
    hl_text_putc(&pattern, '$');
    return hl_arena_strdup(emitter->arena, hl_text_get(&pattern));
}

static void put_fields(struct emitter *emitter, struct hl_value *properties, struct hl_value *required, const struct hl_field *fields, const char *path)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        if (!hl_emit_is_input(fields) || hl_value_get(properties, fields->name) != NULL)
            continue;
        hl_value_map_put(properties, fields->name, emit_field(emitter, fields, path));
        if (fields->required)
            add_text(emitter, required, fields->name);
    }
}

/* Keys in another case are told apart by patterns, which say the same as the property. */
static struct hl_value *any_case_properties(struct emitter *emitter, const struct hl_value *properties, const char *path)
{
    struct hl_value *patterns = map_of(emitter);

    for (size_t i = 0; i < hl_value_count(properties); i++) {
        const char *name = hl_value_key(properties, i);
        struct hl_value *same = map_of(emitter);

        hl_value_map_put(same, "$ref", hl_value_printf(emitter->arena, "#/$defs/%s/properties/%s", path, name));
        hl_value_map_put(patterns, any_case(emitter, name), same);
    }
    return patterns;
}

/* Adds the table (and `more` rows) to the definitions; one that is there already is left as it is. */
static void define(struct emitter *emitter, const struct hl_field *fields, unsigned forms, const struct hl_field *more, const char *doc, const char *path)
{
    struct hl_value *schema, *properties, *required;

    if (hl_value_get(emitter->definitions, path) != NULL)
        return;
    schema = TYPED(emitter, "object");
    properties = map_of(emitter);
    required = hl_value_list(emitter->arena);
    hl_value_map_put(emitter->definitions, path, schema);
    if (doc != NULL)
        hl_value_map_put_text(schema, "description", doc);
    put_fields(emitter, properties, required, fields, path);
    hl_value_map_put(schema, "properties", properties);
    if ((forms & HL_FORM_NOCASE) != 0)
        hl_value_map_put(schema, "patternProperties", any_case_properties(emitter, properties, path));
    else if (hl_value_count(required) > 0)
        hl_value_map_put(schema, "required", required);
    put_fields(emitter, properties, required, more, path);
    hl_value_map_put_bool(schema, "additionalProperties", false);
}

static bool is_first_of_section(const struct hl_registry *registry, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (strcmp(registry->kinds[i]->section, registry->kinds[number]->section) == 0)
            return false;
    return true;
}

static bool has_required(const struct hl_field *fields)
{
    for (; fields->name != NULL; fields++)
        if (fields->required && !fields->computed)
            return true;
    return false;
}

/* "container", or "token@vault" where several kinds have the name. */
static const char *define_kind(struct emitter *emitter, const struct hl_kind *kind)
{
    const char *path = kind->name;

    if (hl_value_get(emitter->definitions, path) != NULL)
        path = hl_arena_printf(emitter->arena, "%s@%s", kind->name, kind->provider);
    define(emitter, kind->fields, kind->forms, hl_common_fields, kind->doc, path);
    return path;
}

static struct hl_value *emit_section(struct emitter *emitter, const struct hl_registry *registry, size_t first)
{
    struct hl_value *schema = TYPED(emitter, "object", "null");
    struct hl_value *choices = hl_value_list(emitter->arena);
    struct hl_value *names = map_of(emitter);
    bool may_be_null = false;

    for (size_t i = first; registry->kinds[i] != NULL; i++) {
        const struct hl_kind *kind = registry->kinds[i];

        if (strcmp(kind->section, registry->kinds[first]->section) != 0)
            continue;
        hl_value_list_add(emitter->arena, choices, referring(emitter, define_kind(emitter, kind)));
        may_be_null |= !has_required(kind->fields);
    }
    if (may_be_null)
        hl_value_list_add(emitter->arena, choices, TYPED(emitter, "null"));
    hl_value_map_put_text(schema, "description", registry->kinds[first]->doc);
    hl_value_map_put(schema, "additionalProperties", any_of(emitter, choices));
    if (!registry->kinds[first]->name_free) {
        hl_value_map_put_text(names, "pattern", NAME_PATTERN);
        hl_value_map_put(schema, "propertyNames", names);
    }
    return schema;
}

static const char *define_provider(struct emitter *emitter, const struct hl_provider_type *type)
{
    const char *path = hl_arena_printf(emitter->arena, "providers.%s", type->name);
    struct hl_value *constant = map_of(emitter);

    define(emitter, type->fields, 0, hl_provider_fields, type->doc, path);
    hl_value_map_put_text(constant, "const", type->name);
    hl_value_map_put(hl_value_get(hl_value_get(emitter->definitions, path), "properties"), "type", constant);
    return path;
}

/* An instance named like a type is of that type; others say theirs. */
static struct hl_value *emit_providers(struct emitter *emitter, const struct hl_registry *registry)
{
    struct hl_value *schema = TYPED(emitter, "object", "null");
    struct hl_value *named = map_of(emitter);
    struct hl_value *choices = hl_value_list(emitter->arena);

    for (size_t i = 0; registry->providers[i] != NULL; i++) {
        const struct hl_provider_type *type = registry->providers[i];
        const char *path = define_provider(emitter, type);
        struct hl_value *other = referring(emitter, path);
        struct hl_value *required = hl_value_list(emitter->arena);

        hl_value_map_put(named, type->name, has_required(type->fields) ? referring(emitter, path) : or_null(emitter, referring(emitter, path)));
        add_text(emitter, required, "type");
        hl_value_map_put(other, "required", required);
        hl_value_list_add(emitter->arena, choices, other);
    }
    hl_value_map_put_text(schema, "description", hl_top_field_get("providers")->doc);
    hl_value_map_put(schema, "properties", named);
    hl_value_map_put(schema, "additionalProperties", any_of(emitter, choices));
    return schema;
}

/* Variables and outputs: names to the long form, or to just a value. */
static struct hl_value *emit_values(struct emitter *emitter, const char *name)
{
    const struct hl_field *row = hl_top_field_get(name);
    struct hl_value *schema = TYPED(emitter, "object", "null");
    struct hl_value *choices = hl_value_list(emitter->arena);

    define(emitter, row->fields, 0, NULL, NULL, name);
    hl_value_list_add(emitter->arena, choices, referring(emitter, name));
    hl_value_list_add(emitter->arena, choices, TYPED(emitter, "string", "number", "boolean", "array", "null"));
    hl_value_map_put_text(schema, "description", row->doc);
    hl_value_map_put(schema, "additionalProperties", any_of(emitter, choices));
    return schema;
}

static struct hl_value *emit_format(struct emitter *emitter)
{
    struct hl_value *schema = map_of(emitter);

    hl_value_map_put_text(schema, "description", hl_top_field_get("hlrec")->doc);
    hl_value_map_put_int(schema, "const", 1);
    return schema;
}

static struct hl_value *emit_stack(struct emitter *emitter)
{
    struct hl_value *schema = TYPED(emitter, "string");

    hl_value_map_put_text(schema, "description", hl_top_field_get("stack")->doc);
    hl_value_map_put_text(schema, "pattern", "^[a-z][a-z0-9-]{0,39}$");
    return schema;
}

static struct hl_value *emit_properties(struct emitter *emitter, const struct hl_registry *registry)
{
    static const char *const plain[] = {"moved", "removed", "settings"};
    struct hl_value *properties = map_of(emitter);

    hl_value_map_put(properties, "hlrec", emit_format(emitter));
    hl_value_map_put(properties, "stack", emit_stack(emitter));
    hl_value_map_put(properties, "variables", emit_values(emitter, "variables"));
    hl_value_map_put(properties, "providers", emit_providers(emitter, registry));
    for (size_t i = 0; registry->kinds[i] != NULL; i++)
        if (is_first_of_section(registry, i))
            hl_value_map_put(properties, registry->kinds[i]->section, emit_section(emitter, registry, i));
    hl_value_map_put(properties, "outputs", emit_values(emitter, "outputs"));
    for (size_t i = 0; i < HL_COUNT(plain); i++)
        hl_value_map_put(properties, plain[i], emit_field(emitter, hl_top_field_get(plain[i]), "spec"));
    return properties;
}

static struct hl_value *emit_reference(struct emitter *emitter)
{
    struct hl_value *schema = TYPED(emitter, "string");

    hl_value_map_put_text(schema, "description", "${kind.name.output}, ${var.NAME}, ${env.NAME} or ${env.NAME:-fallback}");
    hl_value_map_put_text(schema, "pattern", REFERENCE);
    return schema;
}

void hl_emit_json_schema(struct hl_text *out, const struct hl_registry *registry)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct emitter emitter = {.arena = arena, .definitions = hl_value_map(arena)};
    struct hl_value *schema = hl_value_map(arena);
    struct hl_value *required = hl_value_list(arena);
    struct hl_value *extensions = hl_value_map(arena);

    hl_value_map_put_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    hl_value_map_put_text(schema, "title", "hlrec spec");
    hl_value_map_put_text(schema, "type", "object");
    hl_value_map_put(emitter.definitions, "reference", emit_reference(&emitter));
    hl_value_map_put(schema, "properties", emit_properties(&emitter, registry));
    hl_value_map_put_bool(extensions, "^x-", true);
    hl_value_map_put(schema, "patternProperties", extensions);
    hl_value_map_put_bool(schema, "additionalProperties", false);
    add_text(&emitter, required, "hlrec");
    add_text(&emitter, required, "stack");
    hl_value_map_put(schema, "required", required);
    hl_value_map_put(schema, "$defs", emitter.definitions);
    hl_json_encode(out, schema, HL_JSON_PRETTY);
    hl_text_putc(out, '\n');
}
