/* What references look into: the environment, variables, resources. */
#include "config.h"

#include "schema/load.h"

#include <stdlib.h>
#include <string.h>

enum { SUGGEST_UP_TO = 2000000 }; /* names compared in one run, as in diag.c: behind that, not even gathered */

const char *hl_environment_find(const char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++)
        if (**environment == *name && strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

void hl_suggest_key(struct hl_diags *diags, struct hl_diag *diag, const char *word, const struct hl_map *map)
{
    const char **names;

    if (diags->compared + map->count > SUGGEST_UP_TO)
        return;
    names = hl_alloc(map->count * sizeof(*names));
    for (size_t i = 0; i < map->count; i++)
        names[i] = map->entries[i].key;
    hl_diag_suggest(diags, diag, word, names, map->count);
    free(names);
}

void hl_suggest_kind(const struct hl_spec *spec, struct hl_diags *diags, struct hl_diag *diag, const char *word, bool values)
{
    const char *names[256] = {"var", "env"};
    size_t count = values ? 2 : 0;
    const struct hl_kind *section = hl_kind_find_section(spec->registry, word, NULL);

    for (size_t i = 0; spec->registry->kinds[i] != NULL && count < HL_COUNT(names); i++)
        names[count++] = spec->registry->kinds[i]->name;
    if (section != NULL)
        hl_diag_hint(diags, diag, "an address begins with the kind in the singular: did you mean '%s'?", section->name);
    else
        hl_diag_suggest(diags, diag, word, names, count);
}

void hl_suggest_resource(const struct hl_spec *spec, struct hl_diags *diags, struct hl_diag *diag, const char *kind, const char *name)
{
    const struct hl_map *resources = &spec->resources;
    const char **names;
    size_t count = 0;

    if (diags->compared + resources->count > SUGGEST_UP_TO)
        return;
    names = hl_alloc(resources->count * sizeof(*names));
    for (size_t i = 0; i < resources->count; i++) {
        const struct hl_resource *resource = resources->entries[i].value;

        if (strcmp(resource->kind->name, kind) == 0)
            names[count++] = resource->name;
    }
    hl_diag_suggest(diags, diag, name, names, count);
    free(names);
}

const struct hl_kind *hl_address_check(const struct hl_spec *spec, const char *address, struct hl_span at, struct hl_diags *diags)
{
    const char *dot = strchr(address, '.');
    const struct hl_kind *kind;
    struct hl_diag *diag;
    char *name;

    if (dot == NULL || dot == address || dot[1] == '\0') {
        diag = hl_diag_error(diags, at, "'%s' is no address", address);
        hl_diag_hint(diags, diag, "an address is kind.name, like container.web");
        return NULL;
    }
    name = hl_arena_copy(diags->arena, address, (size_t)(dot - address));
    kind = hl_kind_find(spec->registry, name, NULL);
    if (kind != NULL)
        return kind;
    diag = hl_diag_error(diags, at, "'%s': there is no kind '%s'", address, name);
    hl_suggest_kind(spec, diags, diag, name, false);
    return NULL;
}

struct hl_resource *hl_address_find(const struct hl_spec *spec, const char *address, struct hl_span at, struct hl_diags *diags)
{
    struct hl_resource *resource = hl_map_find(&spec->resources, address);
    const struct hl_kind *kind;
    const char *name;

    if (resource != NULL)
        return resource;
    kind = hl_address_check(spec, address, at, diags);
    if (kind == NULL)
        return NULL;
    name = strchr(address, '.') + 1;
    hl_suggest_resource(spec, diags, hl_diag_error(diags, at, "there is no %s '%s'", kind->name, name), kind->name, name);
    return NULL;
}

static struct hl_value *find_environment(struct hl_reaching *reaching, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at,
                                         struct hl_diags *diags)
{
    const char *opaque = reaching->spec->opaque;
    const char *text = opaque != NULL ? NULL : hl_environment_find(reaching->spec->environment, reference->name);
    struct hl_diag *diag;

    if (opaque != NULL)
        return hl_opaque_token(arena, opaque, reference->text);
    if (reference->fallback != NULL && hl_is_blank(text))
        text = reference->fallback;
    if (text != NULL)
        return hl_value_text(arena, text);
    if (reaching->reach == HL_REACH_ENVIRONMENT) {
        reaching->missing = reference->name;
        return hl_value_null(arena);
    }
    diag = hl_diag_error(diags, at, "'%s' is not set in the environment", reference->name);
    hl_diag_hint(diags, diag, "set it, or give a fallback: ${env.%s:-...}", reference->name);
    return NULL;
}

static struct hl_value *find_variable(struct hl_reaching *reaching, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    struct hl_value *value = hl_map_find(&reaching->spec->variables, reference->name);
    const char *missing = reaching->loader == NULL ? NULL : hl_map_find(&reaching->loader->unusable, reference->name);

    if (missing != NULL) {
        hl_diag_error(diags, at, "variable '%s' takes its default from '%s', which is not set in the environment", reference->name, missing);
        return NULL;
    }
    if (value == NULL) {
        struct hl_diag *diag = hl_diag_error(diags, at, "there is no variable '%s'", reference->name);

        hl_suggest_key(diags, diag, reference->name, &reaching->spec->variables);
        return NULL;
    }
    if (reference->output == NULL || value->type == HL_UNKNOWN)
        return value;
    value = hl_value_find_path(value, reference->output);
    if (value == NULL)
        hl_diag_error(diags, at, "variable '%s' has no '%s'", reference->name, reference->output);
    return value;
}

static const struct hl_field *output_field(const struct hl_kind *kind, const char *output)
{
    char name[64];
    size_t length = output == NULL ? 0 : strcspn(output, ".");

    if (length == 0 || length >= sizeof(name))
        return NULL;
    memcpy(name, output, length);
    name[length] = '\0';
    return hl_field_find(kind->fields, name, (kind->forms & HL_FORM_NOCASE) != 0);
}

/* Names may have dots, so ${router.a.b} is output b of router 'a', or router 'a.b': the shortest name that exists and has the output, else the
 * shortest that exists. *output is what follows the name. */
static struct hl_resource *find_resource(const struct hl_spec *spec, const struct hl_reference *reference, const char **output)
{
    struct hl_resource *shortest = NULL;
    char *address = hl_strdup(reference->text);
    size_t length = strlen(reference->kind) + 1 + strlen(reference->name);

    for (;;) {
        char end = address[length];
        const char *rest = end == '\0' ? NULL : reference->text + length + 1;
        struct hl_resource *resource;

        address[length] = '\0';
        resource = hl_map_find(&spec->resources, address);
        if (resource != NULL && (shortest == NULL || output_field(resource->kind, rest == NULL ? resource->kind->output : rest) != NULL)) {
            bool is_last = rest == NULL || output_field(resource->kind, rest) != NULL;

            shortest = resource;
            *output = rest;
            if (is_last)
                break;
        }
        if (end == '\0')
            break;
        address[length] = end;
        length += 1 + strcspn(address + length + 1, ".");
    }
    free(address);
    return shortest;
}

static void report_no_resource(const struct hl_spec *spec, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    struct hl_diag *diag;

    if (hl_kind_find(spec->registry, reference->kind, NULL) == NULL) {
        diag = hl_diag_error(diags, at, "'${%s}': there is no kind '%s'", reference->text, reference->kind);
        hl_suggest_kind(spec, diags, diag, reference->kind, true);
        return;
    }
    diag = hl_diag_error(diags, at, "'${%s}': there is no %s '%s'", reference->text, reference->kind, reference->name);
    hl_suggest_resource(spec, diags, diag, reference->kind, reference->name);
}

static void report_no_output(const struct hl_resource *resource, const char *output, struct hl_span at, struct hl_diags *diags)
{
    struct hl_diag *diag;
    const char *names[128];
    size_t count = 0;

    for (const struct hl_field *field = resource->kind->fields; field->name != NULL && count < HL_COUNT(names); field++)
        if (!field->internal)
            names[count++] = field->name;
    if (output == NULL) {
        diag = hl_diag_error(diags, at, "'${%s}' does not say which output", resource->address);
        if (count > 0)
            hl_diag_hint(diags, diag, "write ${%s.OUTPUT}; `hlrec explain %s` lists them", resource->address, resource->kind->name);
        return;
    }
    diag = hl_diag_error(diags, at, "'%s' is no output of %s", output, resource->address);
    if (hl_diag_suggest(diags, diag, output, names, count) == NULL)
        hl_diag_hint(diags, diag, "`hlrec explain %s` lists what there is", resource->kind->name);
}

/* The field that the output begins with; dotted paths below it are free. */
static const struct hl_field *find_output(const struct hl_resource *resource, const char *output, struct hl_span at, struct hl_diags *diags)
{
    const struct hl_field *field = output_field(resource->kind, output);

    if (field == NULL)
        report_no_output(resource, output, at, diags);
    return field;
}

static struct hl_value *find_in_resource(struct hl_reaching *reaching, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at,
                                         struct hl_diags *diags)
{
    const char *output = NULL;
    struct hl_resource *resource = find_resource(reaching->spec, reference, &output);
    const struct hl_field *field;
    struct hl_value *value = NULL;

    if (reaching->loader != NULL)
        reaching->loader->refers = true;
    if (resource == NULL) {
        report_no_resource(reaching->spec, reference, at, diags);
        return NULL;
    }
    output = output == NULL ? resource->kind->output : output;
    field = find_output(resource, output, at, diags);
    if (reaching->loader != NULL)
        hl_dependencies_add(reaching->loader, resource, HL_EDGE_REFERENCE, NULL, at);
    if (field == NULL)
        return NULL;
    if (reaching->outputs != NULL) {
        value = reaching->outputs->find(reaching->outputs->context, arena, resource->address, output);
        value = value == NULL ? hl_value_null(arena) : value;
    } else {
        value = hl_arena_alloc(arena, sizeof(*value));
        value->type = HL_UNKNOWN;
        value->unknown = reference->text;
    }
    if (field->sensitive && !value->sensitive)
        value = hl_value_mark_sensitive(hl_value_copy(arena, value));
    return value;
}

static struct hl_value *find(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    struct hl_reaching *reaching = context;
    struct hl_diag *diag;

    if (strcmp(reference->kind, "env") == 0)
        return find_environment(reaching, arena, reference, at, diags);
    if (strcmp(reference->kind, "var") == 0 && reaching->reach != HL_REACH_ENVIRONMENT)
        return find_variable(reaching, reference, at, diags);
    if (reaching->reach == HL_REACH_ALL)
        return find_in_resource(reaching, arena, reference, at, diags);
    diag = hl_diag_error(diags, at, "'${%s}' cannot be used in %s", reference->text, reaching->subject);
    hl_diag_hint(diags, diag, reaching->reach == HL_REACH_ENVIRONMENT ? "only ${env.NAME} can" : "only ${var.NAME} and ${env.NAME} can");
    return NULL;
}

static bool knows(void *context, const char *kind)
{
    const struct hl_reaching *reaching = context;

    return hl_kind_find(reaching->spec->registry, kind, NULL) != NULL;
}

struct hl_scope hl_scope_of(struct hl_reaching *reaching)
{
    return (struct hl_scope){.find = find, .context = reaching, .knows = knows};
}
