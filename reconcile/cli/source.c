/* The spec from git: --git URL --ref REF --path FILE. Files that the spec names come from the same commit. */
#include "config.h"

#include "reconcile/cli/context.h"
#include "reconcile/cli/signature.h"
#include "reconcile/cli/source.h"

#include "reconcile/transport/files.h"

#include <string.h>

#define DEFAULT_PATH "hlrec.yaml"
#define CACHE_FOLDER "git"

bool hl_source_is_git(const struct hl_context *context)
{
    return hl_option_given(&context->options, HL_OPT_GIT);
}

bool hl_source_check_options(const struct hl_context *context, struct hl_error **err)
{
    static const enum hl_option_id dependent[] = {HL_OPT_REF, HL_OPT_PATH, HL_OPT_VERIFY_SIGNATURES, HL_OPT_ALLOW_REWIND, HL_OPT_PREVIEW, HL_OPT_BASE};

    for (size_t i = 0; !hl_source_is_git(context) && i < HL_COUNT(dependent); i++) {
        if (hl_option_given(&context->options, dependent[i])) {
            hl_fail(err, HL_E_SPEC, "--%s is about a spec from git", hl_option_table[dependent[i]].name);
            return hl_error_hint(err, "say where it is: --git URL");
        }
    }
    if (hl_option_given(&context->options, HL_OPT_BASE) && !hl_option_given(&context->options, HL_OPT_PREVIEW)) {
        hl_fail(err, HL_E_SPEC, "--base goes with --preview");
        return hl_error_hint(err, "without --preview the spec of --ref is trusted, whoever wrote it");
    }
    if (hl_source_is_git(context) && hl_option_given(&context->options, HL_OPT_VAR_FILE)) {
        hl_fail(err, HL_E_SPEC, "--var-file does not go with --git");
        return hl_error_hint(err, "give single variables with --var");
    }
    if (hl_source_is_git(context) && hl_option_given(&context->options, HL_OPT_FILE)) {
        hl_fail(err, HL_E_SPEC, "--file and --git are two places");
        return hl_error_hint(err, "the file within the repository is named with --path");
    }
    return true;
}

bool hl_source_open(struct hl_context *context, struct hl_error **err)
{
    const struct hl_git_options options = {
        .url = hl_option_text(&context->options, HL_OPT_GIT),
        .cache = hl_path_join(context->arena, hl_context_state_folder(context), CACHE_FOLDER),
        .environment = context->environment,
        .redactor = context->redactor,
        .interrupts = hl_signals_count(),
    };

    return context->git != NULL || hl_git_open(&options, &context->git, err);
}

static bool is_verified(const struct hl_context *context)
{
    return hl_option_given(&context->options, HL_OPT_VERIFY_SIGNATURES);
}

/* The commit may be a stranger's: nothing of it is looked at before its signature. */
bool hl_source_fetch(struct hl_context *context, const char *ref, char id[HL_GIT_ID], struct hl_error **err)
{
    if (!hl_source_open(context, err) || !hl_git_fetch(context->git, ref, id, err))
        return false;
    return !is_verified(context) || (hl_signature_check(context, id, err) && hl_signature_check_descent(context, id, err));
}

const char *hl_source_path(const struct hl_context *context)
{
    const char *path = hl_option_text(&context->options, HL_OPT_PATH);

    return path != NULL ? path : DEFAULT_PATH;
}

bool hl_source_blame_names(struct hl_error **err)
{
    if ((*err)->code == HL_E_NOT_FOUND)
        (*err)->code = HL_E_SPEC;
    return false;
}

static bool fail_read(const struct hl_context *context, const char *id, struct hl_error **err)
{
    const bool absent = (*err)->code == HL_E_NOT_FOUND && (*err)->hint == NULL;

    hl_wrap(err, "reading the spec of commit %.12s", id);
    if (absent && !hl_option_given(&context->options, HL_OPT_PATH))
        hl_error_hint(err, "the file within the repository is named with --path");
    return hl_source_blame_names(err);
}

bool hl_source_read(struct hl_context *context, struct hl_error **err)
{
    const char *url = hl_option_text(&context->options, HL_OPT_GIT);
    const char *ref = hl_option_text(&context->options, HL_OPT_REF);
    struct hl_git_tree *tree = NULL;
    char id[HL_GIT_ID];

    if (!hl_source_fetch(context, ref, id, err) || !hl_git_tree(context->git, id, &tree, err))
        return hl_wrap(err, "reading the spec from git") || hl_source_blame_names(err);
    context->file = hl_source_path(context);
    context->base = ".";
    context->files = hl_git_files(tree, context->file);
    context->source = hl_arena_printf(context->arena, "%s%s%s", url, ref != NULL ? " " : "", ref != NULL ? ref : "");
    context->commit = hl_arena_strdup(context->arena, id);
    if (!hl_git_read(tree, context->arena, context->file, &context->text, &context->length, err))
        return fail_read(context, id, err);
    /* Again, now that the stack's name tells which state is its own. */
    return !is_verified(context) || hl_signature_check_descent(context, id, err);
}
