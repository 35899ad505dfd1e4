/* Variables: defaults, then variable files, then --var. */
#include "config.h"

#include "schema/load.h"

#include <stdio.h>
#include <string.h>

struct given {
    struct hl_value *value;
    const char *file; /* NULL: by --var */
    struct hl_span at;
};

static bool is_variable_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

    return strchr(letters, *name) != NULL && *name != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static void put_given(struct hl_loader *loader, struct hl_map *all, const char *name, struct hl_value *value, const char *file, struct hl_span at)
{
    struct given *given = hl_arena_alloc(loader->spec->arena, sizeof(*given));

    *given = (struct given){.value = value, .file = file, .at = at};
    hl_map_put(all, name, given);
}

/* A value with nothing but the environment to look into. */
static struct hl_value *decode_plain(struct hl_loader *loader, const struct hl_node *node, struct hl_reaching *reaching)
{
    const struct hl_place place = {.what = "the variable"};
    const struct hl_scope scope = hl_scope_of(reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    struct hl_value *value = hl_decode_value(&check, node, &(struct hl_field){.type = HL_F_ANY}, &place);

    return value == NULL ? hl_value_null(loader->spec->arena) : value;
}

static void read_entries(struct hl_loader *loader, struct hl_map *all, const struct hl_node *root, const char *path)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_ENVIRONMENT, .subject = "a variable file"};

    if (root->type != HL_NODE_MAP) {
        hl_diag_error(loader->diags, root->at, "a variable file must be a mapping of names to values, found %s", hl_node_describe(root));
        return;
    }
    for (size_t i = 0; i < root->map.count; i++) {
        const struct hl_node_entry *entry = &root->map.entries[i];

        reaching.missing = NULL;
        struct hl_value *value = decode_plain(loader, entry->value, &reaching);

        if (reaching.missing != NULL)
            hl_diag_error(loader->diags, entry->value->at, "'%s' is not set in the environment", reaching.missing);
        put_given(loader, all, entry->key, value, path, entry->at);
    }
}

static void read_file(struct hl_loader *loader, struct hl_map *all, const char *path)
{
    hl_auto(error) struct hl_error *error = NULL;
    const struct hl_files *files = loader->spec->files;
    const char *spec_file = loader->diags->file;
    const char *text;
    size_t length;

    loader->diags->file = hl_arena_strdup(loader->spec->arena, path);
    if (files == NULL) {
        hl_diag_error(loader->diags, (struct hl_span){.line = 0}, "variable files cannot be read here");
    } else if (!files->read(files->context, loader->spec->arena, path, &text, &length, &error)) {
        hl_auto(heap) char *reason = hl_error_text(error);

        hl_diag_error(loader->diags, (struct hl_span){.line = 0}, "%s", reason);
    } else {
        const struct hl_node *root = hl_reader_parse(loader->spec->arena, text, length, loader->diags);

        if (root != NULL)
            read_entries(loader, all, root, loader->diags->file);
    }
    loader->diags->file = spec_file;
}

static void read_argument(struct hl_loader *loader, struct hl_map *all, const char *argument)
{
    const char *equals = strchr(argument, '=');
    const struct hl_span nowhere = {.line = 0};

    if (equals == NULL || equals == argument) {
        hl_diag_error(loader->diags, nowhere, "--var must be NAME=VALUE, found '%s'", equals == NULL ? argument : "=...");
        return;
    }
    put_given(loader, all, hl_arena_copy(loader->spec->arena, argument, (size_t)(equals - argument)), hl_value_text(loader->spec->arena, equals + 1), NULL,
              nowhere);
}

static void report_required(struct hl_loader *loader, const struct hl_node_entry *entry)
{
    struct hl_diag *diag = hl_diag_error(loader->diags, entry->at, "variable '%s' is required and has no value", entry->key);

    hl_diag_hint(loader->diags, diag, "give it with --var %s=... or in a file with --var-file", entry->key);
}

static bool has_known_key(const struct hl_node *node)
{
    for (size_t i = 0; i < node->map.count; i++)
        if (hl_field_find(hl_variable_fields, node->map.entries[i].key, false) != NULL)
            return true;
    return node->map.count == 0;
}

static struct hl_value *decode_long_form(struct hl_loader *loader, const struct hl_node_entry *entry, struct hl_reaching *reaching)
{
    char what[128];
    const struct hl_scope scope = hl_scope_of(reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    const struct hl_place place = {.what = what, .at = entry->at};

    snprintf(what, sizeof(what), "variable '%.80s'", entry->key);
    if (!has_known_key(entry->value)) {
        struct hl_diag *diag = hl_diag_error(loader->diags, entry->at, "%s has neither a default nor a description", what);

        hl_diag_hint(loader->diags, diag, "a mapping as the value goes under 'default:'");
        return NULL;
    }
    return hl_decode_members(&check, entry->value, hl_variable_fields, 0, NULL, &place);
}

/* What the spec itself says: the default, in the short or the long form; null when there is none. */
static struct hl_value *decode_default(struct hl_loader *loader, const struct hl_node_entry *entry, struct hl_reaching *reaching, bool *is_sensitive,
                                       bool *is_required)
{
    const struct hl_value *members;
    struct hl_value *value;

    if (entry->value->type != HL_NODE_MAP)
        return decode_plain(loader, entry->value, reaching);
    members = decode_long_form(loader, entry, reaching);
    *is_sensitive = hl_value_get_bool(members, "sensitive", false);
    *is_required = hl_value_get_bool(members, "required", false);
    if (*is_sensitive && hl_node_find(entry->value, "default") != NULL)
        hl_diags_hide(loader->diags, hl_node_find(entry->value, "default")->at);
    value = hl_value_get(members, "default");
    return value == NULL ? hl_value_null(loader->spec->arena) : value;
}

static void load_variable(struct hl_loader *loader, const struct hl_node_entry *entry, const struct given *given)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_ENVIRONMENT, .subject = "a variable's default"};
    bool is_sensitive = false;
    bool is_required = false;
    struct hl_value *value = decode_default(loader, entry, &reaching, &is_sensitive, &is_required);

    if (!is_variable_name(entry->key))
        hl_diag_error(loader->diags, entry->at, "'%s' is no name for a variable: letters, digits, '_' and '-', not beginning with a digit", entry->key);
    if (given != NULL) {
        value = given->value;
    } else if (reaching.missing != NULL) {
        hl_map_put(&loader->unusable, entry->key, hl_arena_strdup(loader->spec->arena, reaching.missing));
    } else if (value->type == HL_NULL && is_required) {
        report_required(loader, entry);
        value = hl_value_unknown(loader->spec->arena, entry->key);
    }
    if (loader->spec->opaque != NULL && is_sensitive)
        value = hl_opaque_token(loader->spec->arena, loader->spec->opaque, hl_arena_printf(loader->spec->arena, "var.%s", entry->key));
    if (is_sensitive)
        value = hl_value_mark_sensitive(hl_value_copy(loader->spec->arena, value));
    hl_map_put(&loader->spec->variables, entry->key, value);
}

/* A name in a file may be for another stack that shares the file; one on the command line is a mistake. */
static void check_given(struct hl_loader *loader, const struct hl_map *all)
{
    const char *spec_file = loader->diags->file;

    for (size_t i = 0; i < all->count; i++) {
        const struct given *given = all->entries[i].value;
        const char *name = all->entries[i].key;
        struct hl_diag *diag;

        if (hl_map_has(&loader->spec->variables, name))
            continue;
        if (given->file == NULL) {
            diag = hl_diag_error(loader->diags, given->at, "--var %s: there is no variable '%s'", name, name);
        } else {
            loader->diags->file = given->file;
            diag = hl_diag_warning(loader->diags, given->at, "there is no variable '%s' in %s", name, spec_file);
        }
        hl_suggest_key(loader->diags, diag, name, &loader->spec->variables);
        loader->diags->file = spec_file;
    }
}

void hl_load_variables(struct hl_loader *loader)
{
    const struct hl_spec_source *source = loader->source;
    const struct hl_node *section = hl_node_find(loader->root, "variables");
    struct hl_map given;

    hl_map_init(&given, loader->spec->arena);
    for (size_t i = 0; source->variable_files != NULL && source->variable_files[i] != NULL; i++)
        read_file(loader, &given, source->variable_files[i]);
    for (size_t i = 0; source->variables != NULL && source->variables[i] != NULL; i++)
        read_argument(loader, &given, source->variables[i]);
    if (!hl_node_is_null(section) && section->type != HL_NODE_MAP)
        hl_diag_error(loader->diags, section->at, "'variables' must be a mapping of names to values, found %s", hl_node_describe(section));
    for (size_t i = 0; section != NULL && section->type == HL_NODE_MAP && i < section->map.count; i++) {
        const struct hl_node_entry *entry = &section->map.entries[i];

        load_variable(loader, entry, hl_map_find(&given, entry->key));
    }
    check_given(loader, &given);
}
