#include "config.h"

#include "schema/kind.h"

#include "schema/reference.h"

#include <string.h>
#include <strings.h>

const struct hl_field *hl_field_find(const struct hl_field *fields, const char *name, bool nocase)
{
    if (fields == NULL)
        return NULL;
    for (; fields->name != NULL; fields++)
        if (nocase ? strcasecmp(fields->name, name) == 0 : fields->name[0] == name[0] && strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static bool is_of(const struct hl_kind *kind, const char *provider)
{
    return provider == NULL || (kind->provider != NULL && strcmp(kind->provider, provider) == 0);
}

const struct hl_kind *hl_kind_find(const struct hl_registry *registry, const char *name, const char *provider)
{
    for (size_t i = 0; registry->kinds[i] != NULL; i++)
        if (strcmp(registry->kinds[i]->name, name) == 0 && is_of(registry->kinds[i], provider))
            return registry->kinds[i];
    return NULL;
}

const struct hl_kind *hl_kind_find_section(const struct hl_registry *registry, const char *section, const char *provider)
{
    for (size_t i = 0; registry->kinds[i] != NULL; i++)
        if (strcmp(registry->kinds[i]->section, section) == 0 && is_of(registry->kinds[i], provider))
            return registry->kinds[i];
    return NULL;
}

const struct hl_provider_type *hl_provider_type_find(const struct hl_registry *registry, const char *name)
{
    for (size_t i = 0; registry->providers[i] != NULL; i++)
        if (strcmp(registry->providers[i]->name, name) == 0)
            return registry->providers[i];
    return NULL;
}

static bool has_uses(const struct hl_field *fields)
{
    for (const struct hl_field *field = fields; field != NULL && field->name != NULL; field++)
        if (field->uses != NULL || (field->fields != fields && has_uses(field->fields)))
            return true;
    return false;
}

bool hl_kind_has_uses(const struct hl_kind *kind)
{
    return has_uses(kind->fields);
}

static void visit_use(const struct hl_field *field, const struct hl_value *value,
                      void (*visit)(void *context, const char *type, const char *instance, struct hl_span at), void *context)
{
    if (field->uses != NULL)
        visit(context, field->uses, hl_value_get_text(value, "provider"), value->at);
    if (field->fields == NULL)
        return;
    if (field->type == HL_F_OBJECT) {
        hl_kind_each_use(field->fields, value, visit, context);
        return;
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_kind_each_use(field->fields, value->type == HL_MAP ? hl_value_at(value, i) : hl_value_item(value, i), visit, context);
}

void hl_kind_each_use(const struct hl_field *fields, const struct hl_value *value,
                      void (*visit)(void *context, const char *type, const char *instance, struct hl_span at), void *context)
{
    if (!hl_value_is(value, HL_MAP))
        return;
    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        const struct hl_value *member = hl_value_get(value, field->name);
        if (!hl_value_is_null(member))
            visit_use(field, member, visit, context);
    }
}

/* Most kinds hold no secret of their own, and their objects need not be gone through. */
static bool has_sensitive(const struct hl_field *fields)
{
    for (const struct hl_field *field = fields; field != NULL && field->name != NULL; field++)
        if (field->sensitive || (field->fields != fields && has_sensitive(field->fields)))
            return true;
    return false;
}

static void redact_field(const struct hl_field *field, const struct hl_value *value, struct hl_redactor *redactor)
{
    if (field->sensitive) {
        hl_redactor_add_value(redactor, value);
        return;
    }
    if (field->fields == NULL || value == NULL)
        return;
    if (field->type == HL_F_OBJECT) {
        hl_kind_redact(field->fields, value, redactor);
        return;
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_kind_redact(field->fields, value->type == HL_MAP ? hl_value_at(value, i) : hl_value_item(value, i), redactor);
}

void hl_kind_redact(const struct hl_field *fields, const struct hl_value *value, struct hl_redactor *redactor)
{
    if (!hl_value_is(value, HL_MAP) || !has_sensitive(fields))
        return;
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct hl_field *field = hl_field_find(fields, hl_value_key(value, i), false);
        if (field != NULL)
            redact_field(field, hl_value_at(value, i), redactor);
    }
}

struct hl_value *hl_check_ask(struct hl_check *check, const char *kind, const char *name, const char *output, struct hl_span at)
{
    const struct hl_reference reference = {
        .text = hl_arena_printf(check->arena, "%s.%s%s%s", kind, name, output != NULL ? "." : "", output != NULL ? output : ""),
        .kind = kind,
        .name = name,
        .output = output,
    };
    struct hl_diags unheard;

    if (check->scope == NULL || check->scope->find == NULL)
        return NULL;
    hl_diags_init(&unheard, check->arena, "");
    unheard.compared = SIZE_MAX / 2; /* nobody hears what the name could be instead, so it is not looked for */
    return check->scope->find(check->scope->context, check->arena, &reference, at, &unheard);
}
