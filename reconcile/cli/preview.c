/* `hlrec plan --preview --base REF`: the plan of a pull request that nobody has agreed to yet. */
#include "config.h"

#include "reconcile/cli/preview.h"

#include "reconcile/cli/source.h"
#include "reconcile/preview/preview.h"
#include "reconcile/transport/http.h"
#include "reconcile/transport/process.h"
#include "schema/reader.h"

#include <string.h>

/* One side of it. */
struct side {
    char id[HL_GIT_ID];
    struct hl_git_tree *tree;
    struct hl_files files;
    const char *text;
    size_t length;
    struct hl_node *root;
    struct hl_spec *spec;
};

static bool read_side(struct hl_context *context, struct side *side, struct hl_error **err)
{
    const char *path = hl_source_path(context);

    side->files = hl_git_files(side->tree, path);
    return hl_git_read(side->tree, context->arena, path, &side->text, &side->length, err) || hl_wrap(err, "reading the spec of commit %.12s", side->id);
}

/* What a merge would give; with conflicts the head alone, and that is said. */
static bool fetch_both(struct hl_context *context, struct side *base, struct side *head, struct hl_error **err)
{
    bool conflicts = false;

    if (!hl_source_open(context, err) || !hl_git_fetch(context->git, hl_option_text(&context->options, HL_OPT_BASE), base->id, err))
        return hl_wrap(err, "fetching the base");
    if (!hl_git_fetch(context->git, hl_option_text(&context->options, HL_OPT_REF), head->id, err))
        return hl_wrap(err, "fetching what is proposed");
    if (!hl_git_tree(context->git, base->id, &base->tree, err) || !hl_git_merge(context->git, base->id, head->id, &head->tree, &conflicts, err))
        return false;
    context->preview->conflicts = conflicts;
    if (!hl_git_distance(context->git, base->id, head->id, &context->preview->ahead, &context->preview->behind, err))
        return false;
    return read_side(context, base, err) && read_side(context, head, err);
}

static struct hl_spec *load(struct hl_context *context, const struct side *side, const struct hl_node *root, bool opaque, struct hl_diags *diags)
{
    const struct hl_spec_source source = {
        .file = context->file,
        .text = side->text,
        .length = side->length,
        .files = &side->files,
        .variables = hl_option_list(&context->options, HL_OPT_VAR),
        .environment = context->environment,
        .root = root,
        .opaque = opaque,
    };

    hl_diags_init(diags, context->arena, context->file);
    return hl_spec_load(context->arena, &hl_registry, &source, diags);
}

/* Findings about what is proposed are for its author, with its lines; those about the base are for us. */
static bool show_findings(struct hl_context *context, const struct side *side, struct hl_diags *diags)
{
    context->text = side->text;
    context->length = side->length;
    hl_context_diags(context, diags);
    return diags->errors == 0;
}

static int load_base(struct hl_context *context, struct side *base)
{
    context->file = hl_source_path(context);
    context->base = ".";
    context->files = base->files;
    context->commit = hl_arena_strdup(context->arena, base->id);
    context->spec = load(context, base, NULL, false, &context->diags);
    if (!show_findings(context, base, &context->diags) || context->spec == NULL)
        return HL_EXIT_SPEC;
    context->stack = context->spec->stack;
    hl_context_set_state_path(context);
    return HL_EXIT_OK;
}

/* The base with tokens in place of secrets, and the head with the base's trusted parts, likewise. */
static int load_opaque(struct hl_context *context, struct side *base, struct side *head)
{
    struct hl_diags diags;

    hl_diags_init(&diags, context->arena, context->file);
    base->root = hl_reader_parse(context->arena, base->text, base->length, &diags);
    head->root = hl_reader_parse(context->arena, head->text, head->length, &diags);
    if (head->root == NULL || head->root->type != HL_NODE_MAP || diags.errors > 0) {
        if (diags.errors == 0)
            hl_diag_error(&diags, (struct hl_span){.line = 1, .column = 1}, "what is proposed is not a mapping of keys to values");
        (void)show_findings(context, head, &diags);
        return HL_EXIT_SPEC;
    }
    base->spec = load(context, base, base->root, true, &diags);
    if (!show_findings(context, base, &diags) || base->spec == NULL)
        return HL_EXIT_SPEC;
    const struct hl_node *composed = hl_preview_compose(context->arena, &hl_registry, base->root, head->root, &context->preview->unused);
    head->spec = load(context, head, composed, true, &context->diags);
    return show_findings(context, head, &context->diags) && head->spec != NULL ? HL_EXIT_OK : HL_EXIT_SPEC;
}

/* Belt and braces: whatever a provider thinks of, nothing but reading leaves this process from here on. */
static void forbid_changes(void)
{
    hl_http_forbid_changes();
    hl_process_forbid();
}

int hl_preview_run(struct hl_context *context, const struct hl_plan_options *options, struct hl_plan **plan)
{
    struct side base = {.tree = NULL}, head = {.tree = NULL};
    struct hl_error *err = NULL;

    context->preview = hl_arena_alloc(context->arena, sizeof *context->preview);
    if (hl_option_text(&context->options, HL_OPT_BASE) == NULL) {
        hl_fail(&err, HL_E_SPEC, "a preview needs to know what is trusted");
        hl_error_hint(&err, "name the branch that the proposal is for: --base main");
        return hl_context_fail(context, err);
    }
    if (!hl_source_check_options(context, &err) || !fetch_both(context, &base, &head, &err))
        return hl_context_fail(context, err);
    forbid_changes();
    int code = load_base(context, &base);
    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, options);
    if (code == HL_EXIT_OK && !hl_engine_refresh(context->engine, &err))
        return hl_context_fail(context, err);
    if (code == HL_EXIT_OK)
        code = load_opaque(context, &base, &head);
    if (code != HL_EXIT_OK)
        return code;
    *plan = hl_engine_preview(context->engine, base.spec, head.spec);
    context->preview->base = hl_arena_strdup(context->arena, base.id);
    context->commit = hl_arena_strdup(context->arena, head.id);
    context->source = hl_arena_printf(context->arena, "%s %s", hl_option_text(&context->options, HL_OPT_GIT),
                                      hl_option_given(&context->options, HL_OPT_REF) ? hl_option_text(&context->options, HL_OPT_REF) : "HEAD");
    return HL_EXIT_OK;
}
