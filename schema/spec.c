/* The whole spec: loading it, and decoding again with what is known by then. */
#include "config.h"

#include "schema/load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STACK_MAX = 40, FORMAT = 1 };

static bool read_named_file(void *context, struct hl_arena *arena, const char *path, struct hl_span at, struct hl_diags *diags, const char **text,
                            size_t *length)
{
    hl_auto(error) struct hl_error *error = NULL;
    const struct hl_files *const *files = context;
    struct hl_diag *diag;

    if (*files == NULL) {
        hl_diag_error(diags, at, "'%s' cannot be read: there are no files here", path);
        return false;
    }
    if ((*files)->read((*files)->context, arena, path, text, length, &error))
        return true;

    hl_auto(heap) char *reason = hl_error_text(error);

    diag = hl_diag_error(diags, at, "%s", reason);
    if (error->hint != NULL)
        hl_diag_hint(diags, diag, "%s", error->hint);
    return false;
}

struct hl_check hl_check_of(const struct hl_spec *spec, struct hl_arena *arena, struct hl_diags *diags, const struct hl_scope *scope)
{
    return (struct hl_check){
        .arena = arena, .diags = diags, .scope = scope, .read_file = read_named_file, .files = (void *)(uintptr_t)&spec->files, .opaque = spec->opaque};
}

struct hl_value *hl_opaque_token(struct hl_arena *arena, const char *opaque, const char *name)
{
    return hl_value_mark_sensitive(hl_value_printf(arena, "${%s:%s}", name, opaque));
}

static void check_format(struct hl_loader *loader)
{
    const struct hl_node *node = hl_node_find(loader->root, "hlrec");
    struct hl_diag *diag;

    if (node == NULL) {
        diag = hl_diag_error(loader->diags, (struct hl_span){.line = 1, .column = 1}, "'hlrec' is missing: the format of the spec");
        hl_diag_hint(loader->diags, diag, "begin the file with 'hlrec: %d'", FORMAT);
    } else if (node->type != HL_NODE_SCALAR || strcmp(node->scalar.data, "1") != 0) {
        diag = hl_diag_error(loader->diags, node->at, "this hlrec reads specs of format %d only, found %s", FORMAT,
                             node->type == HL_NODE_SCALAR && *node->scalar.data != '\0' ? hl_arena_printf(loader->spec->arena, "'%.40s'", node->scalar.data)
                                                                                        : hl_node_describe(node));
        hl_diag_hint(loader->diags, diag, "write 'hlrec: %d'", FORMAT);
    }
}

static bool is_stack_name(const char *name)
{
    return *name >= 'a' && *name <= 'z' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && strlen(name) <= STACK_MAX;
}

static void load_stack(struct hl_loader *loader)
{
    const struct hl_node *node = hl_node_find(loader->root, "stack");
    struct hl_diag *diag;

    if (hl_node_is_null(node)) {
        diag = hl_diag_error(loader->diags, node == NULL ? (struct hl_span){.line = 1, .column = 1} : node->at,
                             "'stack' is missing: the name under which hlrec owns things");
        hl_diag_hint(loader->diags, diag, "add 'stack: NAME', like 'stack: homelab'");
    } else if (node->type != HL_NODE_SCALAR) {
        hl_diag_error(loader->diags, node->at, "'stack' must be text, found %s", hl_node_describe(node));
    } else if (!is_stack_name(node->scalar.data)) {
        diag = hl_diag_error(loader->diags, node->at, "'%.60s' is no name for a stack", node->scalar.data);
        hl_diag_hint(loader->diags, diag, "a letter, then up to %d of a-z, 0-9 and '-'", STACK_MAX - 1);
    } else {
        loader->spec->stack = node->scalar.data;
    }
}

/* What stands at the top of a compose file. */
static const char *compose_hint(const char *key)
{
    static const struct {
        const char *key, *hint;
    } rows[] = {
        {"version", "it is compose's, and not needed"},
        {"name", "the name of the whole is 'stack' here"},
        {"configs", "a container's 'files' are written from the spec or from templates"},
        {"include", "a spec is one file; YAML anchors repeat what is common"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        if (strcmp(rows[i].key, key) == 0)
            return rows[i].hint;
    return NULL;
}

static void hint_top_key(struct hl_loader *loader, struct hl_diag *diag, const char *key, const char *const *names, size_t count)
{
    const struct hl_kind *kind = hl_kind_find(loader->spec->registry, key, NULL);
    const char *compose = compose_hint(key);

    if (kind != NULL)
        hl_diag_hint(loader->diags, diag, "did you mean '%s'?", kind->section);
    else if (compose != NULL)
        hl_diag_hint(loader->diags, diag, "%s", compose);
    else
        hl_diag_suggest(loader->diags, diag, key, names, count);
}

/* Keys of the top level: what is no kind, sections of kinds, and x-anything for anchors. */
static void check_top_keys(struct hl_loader *loader)
{
    const struct hl_registry *registry = loader->spec->registry;
    const char *names[256];
    size_t count = 0;

    for (const struct hl_field *field = hl_top_fields; field->name != NULL; field++)
        names[count++] = field->name;
    for (size_t i = 0; registry->kinds[i] != NULL && count < HL_COUNT(names); i++)
        names[count++] = registry->kinds[i]->section;
    for (size_t i = 0; i < loader->root->map.count; i++) {
        const struct hl_node_entry *entry = &loader->root->map.entries[i];

        if (hl_field_find(hl_top_fields, entry->key, false) != NULL || hl_kind_find_section(registry, entry->key, NULL) != NULL ||
            hl_starts_with(entry->key, "x-"))
            continue;
        hint_top_key(loader, hl_diag_error(loader->diags, entry->at, "unknown key '%s' in the spec", entry->key), entry->key, names, count);
    }
}

static struct hl_spec *new_spec(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_spec_source *source)
{
    struct hl_spec *spec = hl_arena_alloc(arena, sizeof(*spec));

    *spec = (struct hl_spec){.arena = arena,
                             .file = hl_arena_strdup(arena, source->file),
                             .text = source->text,
                             .length = source->length,
                             .registry = registry,
                             .files = source->files,
                             .environment = source->environment,
                             .opaque = source->opaque};
    hl_map_init(&spec->variables, arena);
    hl_map_init(&spec->providers, arena);
    hl_map_init(&spec->resources, arena);
    return spec;
}

static size_t count_kinds(const struct hl_registry *registry)
{
    size_t count = 0;

    while (registry->kinds[count] != NULL)
        count++;
    return count;
}

static void load_all(struct hl_loader *loader)
{
    check_format(loader);
    load_stack(loader);
    check_top_keys(loader);
    hl_map_init(&loader->unusable, loader->spec->arena);
    hl_load_variables(loader);
    hl_load_providers(loader);
    loader->defaults = hl_alloc(count_kinds(loader->spec->registry) * sizeof(*loader->defaults));
    hl_load_resources(loader);
    loader->marks = hl_alloc(loader->spec->resources.count * sizeof(*loader->marks));
    hl_load_provider_settings(loader);
    hl_load_bodies(loader);
    hl_load_extras(loader);
    hl_load_graph(loader);
    free(loader->found);
    free(loader->marks);
    free(loader->defaults);
}

struct hl_spec *hl_spec_load(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_spec_source *source, struct hl_diags *diags)
{
    struct hl_loader loader = {.source = source, .diags = diags};
    size_t errors = diags->errors;

    loader.spec = new_spec(arena, registry, source);
    loader.root = source->root != NULL ? source->root : hl_reader_parse(arena, source->text, source->length, diags);
    if (loader.root != NULL && loader.root->type != HL_NODE_MAP)
        hl_diag_error(diags, loader.root->at, "a spec is a mapping of keys to values, found %s", hl_node_describe(loader.root));
    else if (loader.root != NULL && loader.root->map.count == 0 && diags->errors == errors)
        hl_diag_hint(diags, hl_diag_error(diags, (struct hl_span){.line = 0}, "the spec is empty"), "`hlrec init` writes one to start from");
    else if (loader.root != NULL)
        load_all(&loader);
    hl_diags_sort(diags);
    return diags->errors > errors ? NULL : loader.spec;
}

struct hl_resource *hl_spec_find(const struct hl_spec *spec, const char *address)
{
    return hl_map_find(&spec->resources, address);
}

const char *hl_addresses_named(struct hl_arena *arena, const struct hl_map *by_address, const char *word)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < by_address->count; i++) {
        const char *address = by_address->entries[i].key;
        const char *dot = strchr(address, '.');

        if (strcasecmp(address, word) == 0 || (dot != NULL && strcasecmp(dot + 1, word) == 0))
            hl_text_printf(&names, "%s'%s'", names.length > 0 ? " or " : "", address);
    }
    return names.length > 0 ? hl_arena_strdup(arena, hl_text_get(&names)) : NULL;
}

struct hl_value *hl_spec_decode(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_outputs *outputs,
                                struct hl_diags *diags)
{
    struct hl_reaching reaching = {.spec = spec, .reach = HL_REACH_ALL, .outputs = outputs};
    const struct hl_scope scope = hl_scope_of(&reaching);

    return resource->refers ? hl_resource_decode(spec, resource, arena, &scope, diags) : resource->value;
}

struct hl_value *hl_spec_decode_provider(const struct hl_spec *spec, const struct hl_provider_spec *provider, struct hl_arena *arena,
                                         const struct hl_outputs *outputs, struct hl_diags *diags)
{
    struct hl_reaching reaching = {.spec = spec, .reach = HL_REACH_ALL, .outputs = outputs};
    const struct hl_scope scope = hl_scope_of(&reaching);

    return hl_provider_decode(spec, provider, arena, &scope, diags);
}

/* A node of any type, with what is known now; NULL for null. */
static struct hl_value *decode_any(const struct hl_spec *spec, const struct hl_node *node, struct hl_arena *arena, const struct hl_outputs *outputs,
                                   struct hl_diags *diags)
{
    struct hl_reaching reaching = {.spec = spec, .reach = HL_REACH_ALL, .outputs = outputs};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(spec, arena, diags, &scope);

    return hl_decode_field(&check, node, &(struct hl_field){.name = "value", .type = HL_F_ANY}, NULL);
}

static bool is_false(const struct hl_value *value)
{
    switch (value->type) {
    case HL_NULL:
        return true;
    case HL_BOOL:
        return !value->boolean;
    case HL_INT:
        return value->integer == 0;
    case HL_TEXT:
        return value->text.length == 0 || strcmp(value->text.data, "false") == 0 || strcmp(value->text.data, "0") == 0;
    case HL_REAL:
    case HL_LIST:
    case HL_MAP:
    case HL_UNKNOWN:
    case HL_TYPES:
        break;
    }
    return false;
}

enum hl_truth hl_spec_when(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_outputs *outputs,
                           const char **waits_for)
{
    struct hl_diags diags;
    const struct hl_value *value;
    const char *unknown;

    *waits_for = NULL;
    if (resource->when == NULL)
        return HL_TRUTH_YES;
    hl_diags_init(&diags, arena, spec->file);
    value = decode_any(spec, resource->when, arena, outputs, &diags);
    unknown = hl_value_find_unknown(value);
    if (unknown != NULL) {
        *waits_for = unknown;
        return HL_TRUTH_UNKNOWN;
    }
    return value == NULL || is_false(value) ? HL_TRUTH_NO : HL_TRUTH_YES;
}

struct hl_value *hl_spec_output(const struct hl_spec *spec, const struct hl_output *output, struct hl_arena *arena, const struct hl_outputs *outputs,
                                struct hl_diags *diags)
{
    struct hl_value *value = decode_any(spec, output->value, arena, outputs, diags);

    if (value == NULL)
        value = hl_value_null(arena);
    return output->sensitive ? hl_value_mark_sensitive(value) : value;
}
