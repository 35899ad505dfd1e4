#include "config.h"

#include "schema/kind.h"

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
