/* Where the spec is, and where the state is that belongs to it. */
#include "config.h"

#include "reconcile/cli/context.h"

#include "reconcile/cli/signature.h"
#include "reconcile/cli/source.h"
#include "reconcile/transport/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPEC_MAXIMUM = 8 * HL_MAX_SPEC };

#define DEFAULT_FILE "hlrec.yaml"
#define STATE_FOLDER ".hlrec"

static bool read_stdin(struct hl_context *context, struct hl_error **err)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(SPEC_MAXIMUM);
    char chunk[65536];
    size_t size;

    while ((size = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        hl_text_append(&text, chunk, size);
    if (ferror(stdin))
        return hl_fail_errno(err, errno, "reading the spec from stdin");
    if (!hl_text_ok(&text))
        return hl_fail(err, HL_E_SPEC, "the spec on stdin is longer than %d MB", SPEC_MAXIMUM / 1024 / 1024);
    context->text = hl_arena_copy(context->arena, hl_text_get(&text), text.length);
    context->length = text.length;
    return true;
}

static const char *folder_of(struct hl_arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL)
        return ".";
    return slash == file ? "/" : hl_arena_copy(arena, file, (size_t)(slash - file));
}

/* Sets file, base and text. A missing file is the caller's to tell. */
static bool read_file(struct hl_context *context, struct hl_error **err)
{
    const char *given = hl_option_text(&context->options, HL_OPT_FILE);

    if (context->text != NULL)
        return true;
    if (!hl_source_check_options(context, err))
        return false;
    if (hl_source_is_git(context))
        return hl_source_read(context, err);
    context->file = given != NULL ? given : DEFAULT_FILE;
    if (strcmp(context->file, "-") == 0) {
        context->file = "<stdin>";
        context->base = ".";
        context->files = hl_files_of_folder(context->base);
        return read_stdin(context, err);
    }
    context->base = folder_of(context->arena, context->file);
    context->files = hl_files_of_folder(context->base);
    return hl_file_read(context->arena, context->file, SPEC_MAXIMUM, &context->text, &context->length, err);
}

void hl_context_use_text(struct hl_context *context, const char *name, const char *text)
{
    context->file = name;
    context->base = ".";
    context->files = hl_files_of_folder(context->base);
    context->text = text;
    context->length = strlen(text);
}

/* Somebody comes from compose: beside its file, what runs is a better beginning than an empty spec. */
static bool has_compose_file(const struct hl_context *context)
{
    static const char *const names[] = {"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"};
    bool found = false;

    for (size_t i = 0; i < HL_COUNT(names) && !found; i++)
        found = access(hl_path_join(context->arena, context->base, names[i]), F_OK) == 0;
    return found;
}

static void explain_missing(const struct hl_context *context, struct hl_error **err)
{
    if ((*err)->code != HL_E_NOT_FOUND || hl_source_is_git(context))
        return;
    hl_error_clear(err);
    hl_fail(err, HL_E_SPEC, "there is no spec '%s'", context->file);
    hl_error_hint(err, has_compose_file(context)
                           ? "`hlrec adopt --write docker` writes one of what compose has started; `hlrec init` writes one to paste services into"
                           : "write one with `hlrec init`, or name it with --file");
}

static const char *state_from_outside(const struct hl_context *context)
{
    const char *given = hl_option_text(&context->options, HL_OPT_STATE);
    const char *environment = getenv("HLREC_STATE");

    return given != NULL ? given : hl_is_blank(environment) ? NULL : environment;
}

void hl_context_set_state_path(struct hl_context *context)
{
    const char *given = state_from_outside(context);

    if (given != NULL)
        context->state_path = given;
    else if (context->stack != NULL)
        context->state_path =
            hl_path_join(context->arena, strcmp(context->base, ".") == 0 ? STATE_FOLDER : hl_path_join(context->arena, context->base, STATE_FOLDER),
                         hl_arena_printf(context->arena, "%s.db", context->stack));
}

const char *hl_context_state_folder(const struct hl_context *context)
{
    const char *given = state_from_outside(context);

    return given != NULL ? folder_of(context->arena, given) : STATE_FOLDER;
}

/* ---- the spec ---- */

/* The files of --var-file are named from where the user stands, those of the spec from where the spec is. */
static const char *const *absolute(struct hl_context *context, const char *const *paths)
{
    hl_auto(heap) char *here = getcwd(NULL, 0);
    size_t count = 0;

    if (paths == NULL)
        return NULL;
    while (paths[count] != NULL)
        count++;

    const char **out = hl_arena_alloc(context->arena, (count + 1) * sizeof(*out));

    for (size_t i = 0; i < count; i++)
        out[i] = here == NULL ? paths[i] : hl_path_join(context->arena, here, paths[i]);
    return out;
}

bool hl_context_show_findings(struct hl_context *context, struct hl_diags *diags)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_context_diags(context, diags);
    if (diags->errors == 0)
        return true;
    if (context->format == HL_FORMAT_JSON) {
        hl_value_map_put_int(map, "format_version", 1);
        hl_value_map_put_bool(map, "valid", false);
        hl_value_map_put(map, "diagnostics", hl_render_diags_json(context->arena, diags));
        hl_context_put_json(context, map);
    }
    hl_context_log(context, "error", "the spec has errors", -1);
    return false;
}

int hl_context_load_spec(struct hl_context *context)
{
    struct hl_error *err = NULL;

    if (!read_file(context, &err)) {
        explain_missing(context, &err);
        return hl_context_fail(context, err);
    }

    const struct hl_spec_source source = {
        .file = context->file,
        .text = context->text,
        .length = context->length,
        .files = &context->files,
        .variables = hl_option_list(&context->options, HL_OPT_VAR),
        .variable_files = absolute(context, hl_option_list(&context->options, HL_OPT_VAR_FILE)),
        .environment = context->environment,
    };

    hl_diags_init(&context->diags, context->arena, context->file);
    context->spec = hl_spec_load(context->arena, &hl_registry, &source, &context->diags);
    if (!hl_context_show_findings(context, &context->diags) || context->spec == NULL)
        return HL_EXIT_SPEC;
    for (size_t i = 0; i < context->spec->variables.count; i++)
        hl_redactor_add_value(context->redactor, context->spec->variables.entries[i].value);
    context->stack = context->spec->stack;
    hl_context_set_state_path(context);
    return HL_EXIT_OK;
}

/* ---- the state alone ---- */

/* `stack:` of a spec whose rest may be wrong. */
static const char *peek_stack(struct hl_context *context)
{
    struct hl_diags ignored;

    hl_diags_init(&ignored, context->arena, context->file);

    const struct hl_node *node = hl_reader_parse(context->arena, context->text, context->length, &ignored);

    for (size_t i = 0; node != NULL && node->type == HL_NODE_MAP && i < node->map.count; i++) {
        const struct hl_node *value = node->map.entries[i].value;

        if (strcmp(node->map.entries[i].key, "stack") == 0 && value->type == HL_NODE_SCALAR)
            return value->scalar.data;
    }
    return NULL;
}

/* A name as `stack:` may have it: nothing that leads out of the folder. */
static bool is_stack_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name) && strlen(name) <= 40;
}

/* Without a spec: the only state in the folder is the one that is meant. */
static const char *find_only_state(struct hl_context *context)
{
    DIR *folder = opendir(STATE_FOLDER);
    const char *found = NULL;
    size_t count = 0;

    if (folder == NULL)
        return NULL;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!hl_ends_with(entry->d_name, ".db"))
            continue;
        found = hl_path_join(context->arena, STATE_FOLDER, entry->d_name);
        count++;
    }
    closedir(folder);
    return count == 1 ? found : NULL;
}

const char *hl_context_stack(struct hl_context *context)
{
    const char *name = context->stack != NULL || context->text == NULL ? context->stack : peek_stack(context);

    return name != NULL && is_stack_name(name) ? name : NULL;
}

int hl_context_find_state(struct hl_context *context)
{
    struct hl_error *err = NULL;

    context->state_path = state_from_outside(context);
    if (context->state_path != NULL)
        return HL_EXIT_OK;
    if (!read_file(context, &err)) {
        const bool missing = err->code == HL_E_NOT_FOUND && !hl_option_given(&context->options, HL_OPT_FILE);

        context->state_path = missing ? find_only_state(context) : NULL;
        if (context->state_path == NULL) {
            explain_missing(context, &err);
            return hl_context_fail(context, err);
        }
        hl_error_clear(&err);
        return HL_EXIT_OK;
    }
    context->stack = peek_stack(context);
    if (context->stack == NULL || !is_stack_name(context->stack)) {
        hl_fail(&err, HL_E_SPEC, "'%s' does not say a `stack`, so that its state is not known", context->file);
        hl_error_hint(&err, "name the state with --state");
        return hl_context_fail(context, err);
    }
    hl_context_set_state_path(context);
    return HL_EXIT_OK;
}

bool hl_context_applied_commit(struct hl_context *context, const char **id, struct hl_error **err)
{
    const char *path = state_from_outside(context);
    const char *stack = path == NULL ? hl_context_stack(context) : NULL;
    struct hl_store *store = NULL;

    *id = NULL;
    if (stack != NULL)
        path = hl_path_join(context->arena, STATE_FOLDER, hl_arena_printf(context->arena, "%s.db", stack));
    if (path == NULL || access(path, F_OK) != 0)
        return true;
    const struct hl_store_options options = {.path = path, .mode = HL_STORE_READ, .environment = context->environment};
    if (!hl_store_open(&options, &store, err))
        return hl_wrap(err, "looking up the commit that was applied last");
    const bool found = hl_store_get(store, context->arena, HL_APPLIED_COMMIT, id, err);
    hl_store_close(store);
    return found;
}
