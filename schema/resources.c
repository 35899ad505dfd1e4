/* Resources: first all of them with their addresses, then each body, when everything it may refer to is known. */
#include "config.h"

#include "schema/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *bad_name(const struct hl_kind *kind, const char *name)
{
    static const char lower_and_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    if (*name == '\0')
        return "it is empty";
    if (kind->name_free)
        return strpbrk(name, "{}$\"'\t\r\n ") != NULL ? "without blanks, quotes, braces and '$'" : NULL;
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] != '\0')
        return "a-z, 0-9, '_', '.' and '-'";
    return strchr(lower_and_digits, *name) == NULL ? "it begins with a letter or a digit" : NULL;
}

static void add_resource(struct hl_loader *loader, const struct hl_node_entry *section, const struct hl_node_entry *entry)
{
    struct hl_spec *spec = loader->spec;
    struct hl_resource *resource = hl_arena_alloc(spec->arena, sizeof(*resource));
    const struct hl_kind *kind = NULL;
    char *address;
    const char *problem;

    resource->provider = hl_provider_choose(loader, section->key, entry->value, entry->at, &kind);
    resource->kind = kind;
    resource->name = entry->key;
    resource->at = entry->at;
    resource->body = entry->value;
    resource->protect = HL_UNSET;
    resource->rank = spec->resources.count;
    problem = bad_name(kind, entry->key);
    if (problem != NULL)
        hl_diag_error(loader->diags, entry->at, "'%s' is no name for a %s: %s", entry->key, kind->name, problem);
    if (asprintf(&address, "%s.%s", kind->name, entry->key) < 0)
        abort();
    if (hl_map_has(&spec->resources, address)) {
        const struct hl_resource *first = hl_map_find(&spec->resources, address);

        hl_diag_error(loader->diags, entry->at, "%s is there twice: first on line %u", address, first->at.line);
    } else {
        hl_map_put(&spec->resources, address, resource);
        resource->address = spec->resources.entries[spec->resources.count - 1].key;
    }
    free(address);
}

static bool knows(const struct hl_kind *kind, const char *key)
{
    return hl_field_find(kind->fields, key, (kind->forms & HL_FORM_NOCASE) != 0) != NULL;
}

static bool has_own_key(const struct hl_kind *kind, const struct hl_node *body)
{
    bool own = false;

    for (size_t i = 0; i < body->map.count && !own; i++)
        own = knows(kind, body->map.entries[i].key);
    return own;
}

/* All that `other` requires, at least something, and none of it known to `kind`. */
static bool has_required_of(const struct hl_kind *other, const struct hl_kind *kind, const struct hl_node *body)
{
    size_t count = 0;

    for (const struct hl_field *field = other->fields; field->name != NULL; field++) {
        if (!field->required)
            continue;
        if (knows(kind, field->name) || hl_node_find(body, field->name) == NULL)
            return false;
        count++;
    }
    return count > 0;
}

/* The kind that a body is written for, when it is surely another one: compose's `services` are containers. */
static const struct hl_kind *meant_kind(const struct hl_registry *registry, const struct hl_kind *kind, const struct hl_node *body)
{
    if (body->type != HL_NODE_MAP || has_own_key(kind, body))
        return NULL;
    for (const struct hl_kind *const *other = registry->kinds; *other != NULL; other++)
        if (strcmp((*other)->section, kind->section) != 0 && has_required_of(*other, kind, body))
            return *other;
    return NULL;
}

/* Told once and at the section's name, in place of each key that it does not know. */
static bool is_misnamed(struct hl_loader *loader, const struct hl_node_entry *section, const struct hl_kind *kind)
{
    for (size_t i = 0; i < section->value->map.count; i++) {
        const struct hl_node_entry *entry = &section->value->map.entries[i];
        const struct hl_kind *meant = meant_kind(loader->spec->registry, kind, entry->value);

        if (meant == NULL)
            continue;
        hl_diag_hint(loader->diags, hl_diag_error(loader->diags, section->at, "'%s' in '%s' is written like a %s", entry->key, section->key, meant->name),
                     "the section for it is '%s'", meant->section);
        return true;
    }
    return false;
}

void hl_load_resources(struct hl_loader *loader)
{
    for (size_t i = 0; i < loader->root->map.count; i++) {
        const struct hl_node_entry *section = &loader->root->map.entries[i];
        const struct hl_node *node = section->value;
        const struct hl_kind *kind = hl_kind_find_section(loader->spec->registry, section->key, NULL);

        if (kind == NULL || hl_node_is_null(node))
            continue;
        if (node->type != HL_NODE_MAP) {
            hl_diag_error(loader->diags, node->at, "'%s' must be a mapping of names to bodies, found %s", section->key, hl_node_describe(node));
            continue;
        }
        if (is_misnamed(loader, section, kind))
            continue;
        for (size_t j = 0; j < node->map.count; j++)
            add_resource(loader, section, &node->map.entries[j]);
    }
}

static void read_adopt(struct hl_loader *loader, struct hl_resource *resource, const struct hl_value *value)
{
    if (value->type == HL_BOOL) {
        resource->adopt = value->boolean;
    } else if (value->type == HL_TEXT || value->type == HL_INT) {
        resource->adopt = true;
        resource->adopt_id = hl_value_to_text(loader->spec->arena, value);
    } else {
        hl_diag_error(loader->diags, value->at, "'adopt' of %s '%s' must be true or the ID of a live object, found a %s", resource->kind->name, resource->name,
                      hl_type_name(value->type));
    }
}

/* Paths are kept whole; their first step must be a field. */
static void read_ignore(struct hl_loader *loader, struct hl_resource *resource, const struct hl_value *list)
{
    size_t count = 0;

    resource->ignore = hl_arena_alloc(loader->spec->arena, (list->list.count + 1) * sizeof(const char *));
    for (size_t i = 0; i < list->list.count; i++) {
        const struct hl_value *path = list->list.items[i];
        const struct hl_field *fields = resource->kind->fields;
        const char *names[128];
        size_t names_count = 0;
        bool is_field = false;

        if (path->type != HL_TEXT)
            continue;
        for (; fields->name != NULL && names_count < HL_COUNT(names); fields++) {
            size_t length = strlen(fields->name);

            if (fields->computed || fields->internal)
                continue;
            names[names_count++] = fields->name;
            is_field |= strncmp(path->text.data, fields->name, length) == 0 && (path->text.data[length] == '.' || path->text.data[length] == '\0');
        }
        if (!is_field) {
            const char *first = hl_arena_copy(loader->spec->arena, path->text.data, strcspn(path->text.data, "."));

            hl_diag_suggest(loader->diags,
                            hl_diag_error(loader->diags, path->at, "'ignore' of %s '%s': there is no field '%s'", resource->kind->name, resource->name, first),
                            first, names, names_count);
        }
        resource->ignore[count++] = path->text.data;
    }
}

static void set_common(struct hl_loader *loader, struct hl_resource *resource, const char *name, const struct hl_value *value)
{
    if (strcmp(name, "protect") == 0)
        resource->protect = value->boolean ? HL_TRUE : HL_FALSE;
    else if (strcmp(name, "ignore") == 0)
        read_ignore(loader, resource, value);
    else if (strcmp(name, "adopt") == 0)
        read_adopt(loader, resource, value);
    else if (strcmp(name, "replace") == 0)
        resource->replace = *value->text.data == 'c' ? HL_REPLACE_CREATE_FIRST : HL_REPLACE_DELETE_FIRST;
    else if (strcmp(name, "timeout") == 0)
        resource->timeout_ms = value->integer;
    else if (strcmp(name, "description") == 0)
        resource->description = value->text.data;
}

/* One of the fields that every kind takes. `when` is decoded apart, since it may refer to resources; `provider` was read before. */
static void load_common(struct hl_loader *loader, struct hl_resource *resource, const struct hl_field *field, const struct hl_node *node,
                        const struct hl_value **needs)
{
    char what[160];
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_VARIABLES, .loader = loader, .subject = what};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    const struct hl_value *value;

    if (strcmp(field->name, "provider") == 0)
        return;
    if (strcmp(field->name, "when") == 0) {
        resource->when = hl_node_is_null(node) ? NULL : node;
        return;
    }
    snprintf(what, sizeof(what), "%s '%.80s'", resource->kind->name, resource->name);
    value = hl_decode_field(&check, node, field, what);
    if (value == NULL || value->type == HL_UNKNOWN)
        return;
    if (strcmp(field->name, "needs") == 0)
        *needs = value;
    else
        set_common(loader, resource, field->name, value);
}

/* A kind's own field of the same name comes first. */
static const struct hl_value *load_all_common(struct hl_loader *loader, struct hl_resource *resource)
{
    bool nocase = (resource->kind->forms & HL_FORM_NOCASE) != 0;
    const struct hl_value *needs = NULL;

    for (size_t i = 0; resource->body->type == HL_NODE_MAP && i < resource->body->map.count; i++) {
        const struct hl_node_entry *entry = &resource->body->map.entries[i];
        const struct hl_field *field = hl_field_find(hl_common_fields, entry->key, false);

        if (field != NULL && hl_field_find(resource->kind->fields, field->name, nocase) == NULL)
            load_common(loader, resource, field, entry->value, &needs);
    }
    return needs;
}

static bool refers(const struct hl_field *field)
{
    if (field->refers_to != NULL)
        return true;
    for (const struct hl_field *inner = field->fields; inner != NULL && inner->name != NULL; inner++)
        if (inner != field && refers(inner))
            return true;
    return false;
}

static void report_missing(struct hl_loader *loader, const char *kind, const char *name, struct hl_span at)
{
    const struct hl_map *resources = &loader->spec->resources;
    struct hl_diag *diag = hl_diag_error(loader->diags, at, "there is no %s '%s'", kind, name);
    const size_t prefix = strlen(kind);

    if (strncmp(name, kind, prefix) == 0 && name[prefix] == '.') {
        hl_diag_hint(loader->diags, diag, "write '%s': it is a %s in any case", name + prefix + 1, kind);
        return;
    }

    const char **names = hl_arena_alloc(loader->spec->arena, (resources->count + 1) * sizeof *names);
    size_t count = 0;

    for (size_t i = 0; i < resources->count; i++) {
        const struct hl_resource *resource = resources->entries[i].value;

        if (strcmp(resource->kind->name, kind) == 0)
            names[count++] = resource->name;
    }
    hl_diag_suggest(loader->diags, diag, name, names, count);
}

static void refer_to(struct hl_loader *loader, const struct hl_field *field, const char *name, const char *condition, struct hl_span at)
{
    const char *kind = field->refers_to;
    char address[256];
    struct hl_resource *to;
    int length = snprintf(address, sizeof(address), "%s.%s", kind, name);

    if (length < 0 || (size_t)length >= sizeof(address))
        return;
    to = hl_map_find(&loader->spec->resources, address);
    if (to != NULL)
        hl_dependencies_add(loader, to, HL_EDGE_FIELD, condition, at);
    else if (field->must_exist && strchr(name, '@') == NULL)
        report_missing(loader, kind, name, at);
    else if (!field->must_exist)
        hl_undeclared_add(loader, kind, name, at);
}

static void collect_members(struct hl_loader *loader, const struct hl_field *fields, const struct hl_value *value);

static void collect(struct hl_loader *loader, const struct hl_field *field, const struct hl_value *value)
{
    if (value->type == HL_TEXT && field->refers_to != NULL && field->type != HL_F_MAP)
        refer_to(loader, field, value->text.data, NULL, value->at);
    for (size_t i = 0; value->type == HL_LIST && i < value->list.count; i++) {
        const struct hl_value *item = value->list.items[i];

        if (item->type == HL_TEXT && field->refers_to != NULL)
            refer_to(loader, field, item->text.data, NULL, item->at);
        else if (field->fields != NULL)
            collect_members(loader, field->fields, item);
    }
    if (value->type == HL_MAP && field->type == HL_F_OBJECT)
        collect_members(loader, field->fields, value);
    for (size_t i = 0; value->type == HL_MAP && field->type == HL_F_MAP && i < value->map->count; i++) {
        const struct hl_map_entry *entry = &value->map->entries[i];
        const struct hl_value *item = entry->value;

        if (field->refers_to != NULL)
            refer_to(loader, field, entry->key, hl_value_get_text(item, "condition"), item->at);
        if (field->fields != NULL)
            collect_members(loader, field->fields, item);
    }
}

static void collect_members(struct hl_loader *loader, const struct hl_field *fields, const struct hl_value *value)
{
    if (value->type != HL_MAP)
        return;
    for (; fields->name != NULL; fields++)
        if (refers(fields)) {
            const struct hl_value *member = hl_value_get(value, fields->name);

            if (member != NULL)
                collect(loader, fields, member);
        }
}

/* The dependencies that fields with `refers_to` make. Which fields do is the same for all resources of a kind, and those come one after the other. */
static void add_referred(struct hl_loader *loader, const struct hl_resource *resource)
{
    if (loader->referring_kind != resource->kind) {
        loader->referring_kind = resource->kind;
        loader->referring_count = 0;
        loader->using = hl_kind_has_uses(resource->kind);
        for (const struct hl_field *field = resource->kind->fields; field->name != NULL; field++)
            if (refers(field) && loader->referring_count < HL_COUNT(loader->referring))
                loader->referring[loader->referring_count++] = field;
    }
    for (size_t i = 0; i < loader->referring_count; i++) {
        const struct hl_value *value = hl_value_get(resource->value, loader->referring[i]->name);

        if (value != NULL)
            collect(loader, loader->referring[i], value);
    }
}

/* `when: secret.X` is a text, and no text but "", "false" and "0" is false: surely a reference was meant. */
static void check_when(struct hl_loader *loader, const struct hl_resource *resource)
{
    const struct hl_node *when = resource->when;
    const char *dot = when->type == HL_NODE_SCALAR ? strchr(when->scalar.data, '.') : NULL;
    char *kind;

    if (dot == NULL || hl_reference_has(when->scalar.data, when->scalar.length))
        return;
    kind = hl_arena_copy(loader->spec->arena, when->scalar.data, (size_t)(dot - when->scalar.data));
    if (strcmp(kind, "var") != 0 && strcmp(kind, "env") != 0 && hl_kind_find(loader->spec->registry, kind, NULL) == NULL)
        return;

    struct hl_diag *diag = hl_diag_error(loader->diags, when->at, "'when' of %s is the text '%s', which always holds", resource->address, when->scalar.data);

    hl_diag_hint(loader->diags, diag, "write ${%s}", when->scalar.data);
}

static void load_when(struct hl_loader *loader, const struct hl_resource *resource, const struct hl_scope *scope)
{
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, scope);

    hl_decode_field(&check, resource->when, hl_field_find(hl_common_fields, "when", false), resource->address);
    check_when(loader, resource);
}

struct hl_value *hl_resource_decode(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_scope *scope,
                                    struct hl_diags *diags)
{
    char what[160];
    const struct hl_kind *kind = resource->kind;
    const struct hl_place place = {.what = what, .at = resource->at};
    struct hl_check check = hl_check_of(spec, arena, diags, scope);
    const char *outer = diags->address;
    size_t errors = diags->errors;
    size_t first;
    struct hl_value *body;

    snprintf(what, sizeof(what), "%s '%.100s'", kind->name, resource->name);
    diags->address = resource->address;
    check.name = resource->name;
    check.address = resource->address;
    body = hl_decode_members(&check, resource->body, kind->fields, kind->forms, hl_common_fields, &place);
    check.whole = body;
    first = diags->count;
    if (kind->check != NULL && diags->errors == errors) /* what is broken already would be reported twice */
        kind->check(&check, body);
    if (kind->complete != NULL)
        kind->complete(&check, body);
    hl_decode_mask(&check, first, body);
    diags->address = outer;
    return body;
}

static void add_providers_needs(struct hl_loader *loader, const struct hl_provider_spec *provider)
{
    for (size_t i = 0; provider != NULL && i < provider->needs_count; i++)
        hl_dependencies_add(loader, provider->needs[i].to, HL_EDGE_PROVIDER, NULL, provider->needs[i].at);
}

/* The instances that a body uses besides its own. */
struct uses {
    struct hl_loader *loader;
    struct hl_provider_spec *found[8];
    size_t count;
};

static void add_use(void *context, const char *type, const char *instance, struct hl_span at)
{
    struct uses *uses = context;
    struct hl_provider_spec *provider = hl_provider_use(uses->loader, type, instance, at);

    for (size_t i = 0; i < uses->count; i++)
        if (uses->found[i] == provider)
            return;
    if (provider == NULL)
        return;
    if (uses->count == HL_COUNT(uses->found)) {
        hl_diag_error(uses->loader->diags, at, "more than %zu providers are used by one resource", HL_COUNT(uses->found));
        return;
    }
    uses->found[uses->count++] = provider;
}

static int compare_providers(const void *a, const void *b)
{
    return strcmp((*(struct hl_provider_spec *const *)a)->name, (*(struct hl_provider_spec *const *)b)->name);
}

/* What a used provider needs is needed by its user as well. */
static void load_uses(struct hl_loader *loader, struct hl_resource *resource)
{
    struct uses uses = {.loader = loader};

    if (!loader->using)
        return;
    hl_kind_each_use(resource->kind->fields, resource->value, add_use, &uses);
    if (uses.count == 0)
        return;
    qsort(uses.found, uses.count, sizeof(struct hl_provider_spec *), compare_providers);
    resource->uses = hl_arena_alloc(loader->spec->arena, (uses.count + 1) * sizeof(struct hl_provider_spec *));
    for (size_t i = 0; i < uses.count; i++) {
        resource->uses[i] = uses.found[i];
        add_providers_needs(loader, uses.found[i]);
    }
}

static void load_body(struct hl_loader *loader, struct hl_resource *resource, const struct hl_scope *scope)
{
    const struct hl_value *needs;

    hl_dependencies_begin(loader);
    loader->diags->address = resource->address;
    needs = load_all_common(loader, resource);
    loader->refers = false;
    resource->value = hl_resource_decode(loader->spec, resource, loader->spec->arena, scope, loader->diags);
    resource->refers = loader->refers;
    if (resource->when != NULL)
        load_when(loader, resource, scope);
    hl_dependencies_add_needs(loader, needs);
    add_referred(loader, resource);
    add_providers_needs(loader, resource->provider);
    load_uses(loader, resource);
    resource->needs = hl_dependencies_take(loader, &resource->needs_count);
    loader->diags->address = NULL;
}

void hl_load_bodies(struct hl_loader *loader)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_ALL, .loader = loader};
    const struct hl_scope scope = hl_scope_of(&reaching);

    for (size_t i = 0; i < loader->spec->resources.count; i++)
        load_body(loader, loader->spec->resources.entries[i].value, &scope);
    hl_undeclared_warn(loader);
}
