/* Provider instances: which there are, which of them a resource gets, their settings. */
#include "config.h"

#include "schema/load.h"

#include <stdio.h>
#include <string.h>

static void suggest_type(struct hl_loader *loader, struct hl_diag *diag, const char *word)
{
    const char *names[64];
    size_t count = 0;
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);

    for (; loader->spec->registry->providers[count] != NULL && count < HL_COUNT(names); count++) {
        names[count] = loader->spec->registry->providers[count]->name;
        hl_text_printf(&list, "%s%s", count == 0 ? "" : ", ", names[count]);
    }
    hl_diag_hint(loader->diags, diag, "the types are %s", hl_text_get(&list));
    hl_diag_suggest(loader->diags, diag, word, names, count);
}

static const struct hl_provider_type *find_type(struct hl_loader *loader, const struct hl_node_entry *entry)
{
    const struct hl_node *node = hl_node_find(entry->value, "type");
    bool is_named = node != NULL && node->type == HL_NODE_SCALAR && !hl_node_is_null(node);
    const char *name = is_named ? node->scalar.data : entry->key;
    const struct hl_provider_type *type = hl_provider_type_find(loader->spec->registry, name);
    struct hl_diag *diag;

    if (type != NULL)
        return type;
    if (is_named)
        diag = hl_diag_error(loader->diags, node->at, "there is no provider type '%s'", name);
    else
        diag = hl_diag_error(loader->diags, entry->at, "provider '%s' needs a 'type', since its name is not one", name);
    suggest_type(loader, diag, name);
    return NULL;
}

static bool is_instance_name(const char *name)
{
    return *name != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static struct hl_provider_spec *add_instance(struct hl_loader *loader, const char *name, const struct hl_provider_type *type, const struct hl_node *body,
                                             struct hl_span at)
{
    struct hl_provider_spec *provider = hl_arena_alloc(loader->spec->arena, sizeof(*provider));

    hl_map_put(&loader->spec->providers, name, provider);
    *provider = (struct hl_provider_spec){.name = loader->spec->providers.entries[loader->spec->providers.count - 1].key, .type = type, .body = body, .at = at};
    return provider;
}

void hl_load_providers(struct hl_loader *loader)
{
    const struct hl_node *section = hl_node_find(loader->root, "providers");

    if (hl_node_is_null(section))
        return;
    if (section->type != HL_NODE_MAP) {
        hl_diag_error(loader->diags, section->at, "'providers' must be a mapping of names to settings, found %s", hl_node_describe(section));
        return;
    }
    for (size_t i = 0; i < section->map.count; i++) {
        const struct hl_node_entry *entry = &section->map.entries[i];
        const struct hl_provider_type *type = find_type(loader, entry);

        if (!is_instance_name(entry->key))
            hl_diag_error(loader->diags, entry->at, "'%s' is no name for a provider: letters, digits, '_' and '-'", entry->key);
        if (type != NULL)
            add_instance(loader, entry->key, type, entry->value, entry->at);
    }
}

/* The instance of this name; one of an implicit type comes into being when it is first asked for. */
static struct hl_provider_spec *find_instance(struct hl_loader *loader, const char *name)
{
    struct hl_provider_spec *provider = hl_map_find(&loader->spec->providers, name);
    const struct hl_provider_type *type;

    if (provider != NULL)
        return provider;
    type = hl_provider_type_find(loader->spec->registry, name);
    if (type == NULL || !type->implicit)
        return NULL;
    return add_instance(loader, name, type, NULL, (struct hl_span){.line = 0});
}

/* The only instance of the type; *count tells how many there are. */
static struct hl_provider_spec *find_only(const struct hl_spec *spec, const char *type, size_t *count)
{
    struct hl_provider_spec *only = NULL;

    *count = 0;
    for (size_t i = 0; i < spec->providers.count; i++) {
        struct hl_provider_spec *provider = spec->providers.entries[i].value;

        if (strcmp(provider->type->name, type) != 0)
            continue;
        only = provider;
        ++*count;
    }
    return *count == 1 ? only : NULL;
}

/* Whether it is declared, but so that it cannot be used; that was told. */
static bool is_broken(const struct hl_loader *loader, const char *name)
{
    return !hl_map_has(&loader->spec->providers, name) && hl_node_entry_find(hl_node_find(loader->root, "providers"), name) != NULL;
}

static void report_none(struct hl_loader *loader, const struct hl_kind *kind, struct hl_span at, size_t count)
{
    struct hl_diag *diag;

    if (count == 0) {
        if (is_broken(loader, kind->provider))
            return;
        diag = hl_diag_error(loader->diags, at, "'%s' needs a provider of type '%s', and none is declared", kind->section, kind->provider);
        hl_diag_hint(loader->diags, diag, "add it to 'providers:'; `hlrec explain providers.%s` shows its settings", kind->provider);
        return;
    }

    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < loader->spec->providers.count; i++) {
        const struct hl_provider_spec *provider = loader->spec->providers.entries[i].value;

        if (strcmp(provider->type->name, kind->provider) == 0)
            hl_text_printf(&list, "%s%s", list.length == 0 ? "" : " or ", provider->name);
    }
    diag = hl_diag_error(loader->diags, at, "there are %zu providers of type '%s', and none is named '%s'", count, kind->provider, kind->provider);
    hl_diag_hint(loader->diags, diag, "say which one: 'provider: %s'", hl_text_get(&list));
}

static struct hl_provider_spec *default_instance(struct hl_loader *loader, const struct hl_kind *kind, size_t *count)
{
    struct hl_provider_spec *named = hl_map_find(&loader->spec->providers, kind->provider);
    struct hl_provider_spec *only = find_only(loader->spec, kind->provider, count);

    if (named != NULL && strcmp(named->type->name, kind->provider) == 0)
        return named;
    if (*count == 0 && named == NULL)
        return find_instance(loader, kind->provider);
    return only;
}

/* Looked up once per kind; what is wrong is reported at the first resource. */
static struct hl_provider_spec *find_default(struct hl_loader *loader, const struct hl_kind *kind, struct hl_span at)
{
    struct hl_default *entry;
    size_t count;

    for (size_t i = 0; i < loader->defaults_count; i++)
        if (loader->defaults[i].kind == kind)
            return loader->defaults[i].provider;
    entry = &loader->defaults[loader->defaults_count++];
    *entry = (struct hl_default){.kind = kind, .provider = default_instance(loader, kind, &count)};
    if (entry->provider == NULL)
        report_none(loader, kind, at, count);
    return entry->provider;
}

static bool has_instance(const struct hl_spec *spec, const struct hl_kind *kind)
{
    size_t count = 0;

    if (kind->provider != NULL)
        find_only(spec, kind->provider, &count);
    return count > 0;
}

/* The kind of the section that there is a provider for; NULL when there are several, then `list` names the choices. */
static const struct hl_kind *choose_kind(const struct hl_spec *spec, const char *section, struct hl_text *list)
{
    const struct hl_kind *chosen = NULL;
    size_t count = 0;

    for (size_t i = 0; spec->registry->kinds[i] != NULL; i++) {
        const struct hl_kind *kind = spec->registry->kinds[i];

        if (strcmp(kind->section, section) != 0 || !has_instance(spec, kind))
            continue;
        hl_text_printf(list, "%s%s", list->length == 0 ? "" : " or ", kind->provider);
        chosen = kind;
        count++;
    }
    if (count == 0)
        return hl_kind_find_section(spec->registry, section, NULL);
    return count == 1 ? chosen : NULL;
}

static struct hl_provider_spec *choose_default(struct hl_loader *loader, const char *section, struct hl_span at, const struct hl_kind **kind)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);
    const struct hl_kind *chosen = choose_kind(loader->spec, section, &list);

    if (chosen == NULL) {
        struct hl_diag *diag = hl_diag_error(loader->diags, at, "several providers have %s: say which one", section);

        hl_diag_hint(loader->diags, diag, "add 'provider: %s'", hl_text_get(&list));
        return NULL;
    }
    *kind = chosen;
    return chosen->provider == NULL ? NULL : find_default(loader, chosen, at);
}

/* What `provider:` says, with variables filled in; NULL after a finding. */
static const char *read_name(struct hl_loader *loader, const struct hl_node *node)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_VARIABLES, .loader = loader, .subject = "'provider'"};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    const struct hl_value *name = hl_decode_field(&check, node, hl_field_find(hl_common_fields, "provider", false), NULL);

    return hl_value_is(name, HL_TEXT) ? name->text.data : NULL;
}

struct hl_provider_spec *hl_provider_choose(struct hl_loader *loader, const char *section, const struct hl_node *body, struct hl_span at,
                                            const struct hl_kind **kind)
{
    const struct hl_node *node = hl_node_find(body, "provider");
    struct hl_provider_spec *provider;
    const struct hl_kind *fitting;
    const char *name;
    struct hl_diag *diag;

    *kind = hl_kind_find_section(loader->spec->registry, section, NULL);
    if (hl_node_is_null(node))
        return choose_default(loader, section, at, kind);
    name = read_name(loader, node);
    if (name == NULL)
        return NULL;
    provider = find_instance(loader, name);
    if (provider == NULL) {
        if (is_broken(loader, name))
            return NULL;
        diag = hl_diag_error(loader->diags, node->at, "there is no provider '%s'", name);
        hl_suggest_key(loader->diags, diag, name, &loader->spec->providers);
        return NULL;
    }
    fitting = hl_kind_find_section(loader->spec->registry, section, provider->type->name);
    if (fitting != NULL) {
        *kind = fitting;
        return provider;
    }
    diag = hl_diag_error(loader->diags, node->at, "provider '%s' is of type '%s', which has no %s", name, provider->type->name, section);
    hl_diag_hint(loader->diags, diag, "%s belong to a provider of type '%s'", section, (*kind)->provider);
    return NULL;
}

struct hl_value *hl_provider_decode(const struct hl_spec *spec, const struct hl_provider_spec *provider, struct hl_arena *arena, const struct hl_scope *scope,
                                    struct hl_diags *diags)
{
    char what[128];
    const struct hl_place place = {.what = what, .at = provider->at};
    struct hl_check check = hl_check_of(spec, arena, diags, scope);

    snprintf(what, sizeof(what), "provider '%.80s'", provider->name);
    check.name = provider->name;
    return hl_decode_members(&check, provider->body, provider->type->fields, 0, hl_provider_fields, &place);
}

/* `needs` and `parallel`. */
static void load_own_fields(struct hl_loader *loader, struct hl_provider_spec *provider)
{
    char what[128];
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_VARIABLES, .loader = loader, .subject = what};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    const struct hl_value *parallel;

    snprintf(what, sizeof(what), "provider '%.80s'", provider->name);
    parallel = hl_decode_field(&check, hl_node_find(provider->body, "parallel"), hl_field_find(hl_provider_fields, "parallel", false), what);
    provider->parallel = hl_value_is(parallel, HL_INT) ? parallel->integer : 0;
    hl_dependencies_add_needs(loader, hl_decode_field(&check, hl_node_find(provider->body, "needs"), hl_field_find(hl_provider_fields, "needs", false), what));
}

void hl_load_provider_settings(struct hl_loader *loader)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_ALL, .loader = loader};
    const struct hl_scope scope = hl_scope_of(&reaching);

    for (size_t i = 0; i < loader->spec->providers.count; i++) {
        struct hl_provider_spec *provider = loader->spec->providers.entries[i].value;

        hl_dependencies_begin(loader);
        provider->settings = hl_provider_decode(loader->spec, provider, loader->spec->arena, &scope, loader->diags);
        load_own_fields(loader, provider);
        provider->needs = hl_dependencies_take(loader, &provider->needs_count);
    }
}

static void report_no_instance(struct hl_loader *loader, const char *type, const char *instance, struct hl_span at)
{
    const struct hl_map *providers = &loader->spec->providers;
    const char **names = hl_arena_alloc(loader->spec->arena, (providers->count + 1) * sizeof *names);
    size_t count = 0;

    for (size_t i = 0; i < providers->count; i++) {
        const struct hl_provider_spec *provider = providers->entries[i].value;

        if (strcmp(provider->type->name, type) == 0)
            names[count++] = provider->name;
    }
    if (instance != NULL) {
        struct hl_diag *diag = hl_diag_error(loader->diags, at, "there is no provider '%s' of type '%s'", instance, type);

        hl_diag_suggest(loader->diags, diag, instance, names, count);
    } else if (count == 0) {
        struct hl_diag *diag = hl_diag_error(loader->diags, at, "this needs a provider of type '%s', and none is declared", type);

        hl_diag_hint(loader->diags, diag, "add it to 'providers:'; `hlrec explain providers.%s` shows its settings", type);
    } else {
        struct hl_diag *diag = hl_diag_error(loader->diags, at, "there are %zu providers of type '%s': say which one", count, type);

        hl_diag_hint(loader->diags, diag, "add 'provider: %s'", names[0]);
    }
}

struct hl_provider_spec *hl_provider_used(const struct hl_spec *spec, const char *type, const char *instance)
{
    struct hl_provider_spec *named = hl_map_find(&spec->providers, instance != NULL ? instance : type);
    size_t count = 0;

    if (named != NULL && strcmp(named->type->name, type) == 0)
        return named;
    return instance != NULL ? NULL : find_only(spec, type, &count);
}

struct hl_provider_spec *hl_provider_use(struct hl_loader *loader, const char *type, const char *instance, struct hl_span at)
{
    struct hl_provider_spec *provider = hl_provider_used(loader->spec, type, instance);

    if (provider == NULL && !is_broken(loader, instance != NULL ? instance : type))
        report_no_instance(loader, type, instance, at);
    return provider;
}
