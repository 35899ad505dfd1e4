/* `hlrec plan --preview --base REF`: the plan of a pull request that nobody has agreed to yet. */
#include "config.h"

#include "reconcile/cli/preview.h"

#include "reconcile/cli/source.h"
#include "reconcile/preview/preview.h"
#include "reconcile/transport/http.h"
#include "reconcile/transport/process.h"
#include "schema/base/crypto.h"
#include "schema/reader.h"

#include <string.h>

enum {
    OPAQUE_BYTES = 16,
    NODES_MORE = 100000, /* keys and values that a proposal may have more than its base: four megabytes of YAML make a plan of a hundred */
};

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
    return hl_git_read(side->tree, context->arena, path, &side->text, &side->length, err) || hl_wrap(err, "reading the spec of commit %.12s", side->id) ||
           hl_source_blame_names(err);
}

/* What a merge would give; with conflicts the head alone, and that is said. */
static bool fetch_both(struct hl_context *context, struct side *base, struct side *head, struct hl_error **err)
{
    bool conflicts = false;

    /* With --verify-signatures the base must be signed: of the head nothing is trusted anyway. */
    if (!hl_source_fetch(context, hl_option_text(&context->options, HL_OPT_BASE), base->id, err))
        return hl_wrap(err, "fetching the base") || hl_source_blame_names(err);
    if (!hl_git_fetch(context->git, hl_option_text(&context->options, HL_OPT_REF), head->id, err))
        return hl_wrap(err, "fetching what is proposed") || hl_source_blame_names(err);
    if (!hl_git_tree(context->git, base->id, &base->tree, err) || !hl_git_merge(context->git, base->id, head->id, &head->tree, &conflicts, err))
        return false;
    context->preview->conflicts = conflicts;
    context->preview->base = hl_arena_strdup(context->arena, base->id);
    context->preview->head = hl_arena_strdup(context->arena, head->id);
    if (!hl_git_distance(context->git, base->id, head->id, &context->preview->ahead, &context->preview->behind, err))
        return false;
    return read_side(context, base, err) && read_side(context, head, err);
}

static struct hl_spec *load(struct hl_context *context, const struct side *side, const struct hl_node *root, const char *opaque, struct hl_diags *diags)
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

/* Tokens are for comparing; where one gets into a text, its name is what is left of it. */
static const char *without_tokens(struct hl_context *context, const char *opaque, const char *text)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const size_t length = strlen(opaque);
    const char *at = text != NULL ? strstr(text, opaque) : NULL;

    if (at == NULL)
        return text;
    for (; at != NULL; at = strstr(text, opaque)) {
        hl_text_append(&out, text, (size_t)(at - text) - (at > text && at[-1] == ':'));
        text = at + length;
    }
    hl_text_puts(&out, text);
    return hl_arena_copy(context->arena, hl_text_get(&out), out.length);
}

static void strip_findings(struct hl_context *context, const char *opaque, struct hl_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        diags->items[i].message = without_tokens(context, opaque, diags->items[i].message);
        diags->items[i].hint = without_tokens(context, opaque, diags->items[i].hint);
    }
}

static void strip_plan(struct hl_context *context, const char *opaque, struct hl_plan *plan)
{
    strip_findings(context, opaque, &plan->diags);
    for (size_t i = 0; i < plan->count; i++) {
        struct hl_step *step = plan->steps[i];
        step->reason = without_tokens(context, opaque, step->reason);
        step->hint = without_tokens(context, opaque, step->hint);
        step->waits_for = without_tokens(context, opaque, step->waits_for);
        for (size_t j = 0; j < step->changes_count; j++)
            step->changes[j].path = without_tokens(context, opaque, step->changes[j].path);
    }
}

/* Findings about what is proposed are for its author, with its lines; those about the base are for us. */
static bool show_findings(struct hl_context *context, const struct side *side, struct hl_diags *diags)
{
    context->text = side->text;
    context->length = side->length;
    context->diags = *diags; /* what a comment is to tell */
    return hl_context_show_findings(context, diags);
}

static int load_base(struct hl_context *context, struct side *base)
{
    context->file = hl_source_path(context);
    context->base = ".";
    context->files = base->files;
    context->commit = hl_arena_strdup(context->arena, base->id);
    context->spec = load(context, base, NULL, NULL, &context->diags);
    if (!show_findings(context, base, &context->diags) || context->spec == NULL)
        return HL_EXIT_SPEC;
    context->stack = context->spec->stack;
    hl_context_set_state_path(context);
    return HL_EXIT_OK;
}

static size_t count_nodes(const struct hl_node *node)
{
    size_t count = 1;

    if (node->type == HL_NODE_LIST)
        for (size_t i = 0; i < node->list.count; i++)
            count += count_nodes(node->list.items[i]);
    else if (node->type == HL_NODE_MAP)
        for (size_t i = 0; i < node->map.count; i++)
            count += 1 + count_nodes(node->map.entries[i].value);
    return count;
}

/* What is read of a proposal before anything is made of it. */
static void check_head(const struct hl_node *base, const struct hl_node *head, struct hl_diags *diags)
{
    if (diags->errors > 0 || head == NULL)
        return;
    if (head->type != HL_NODE_MAP)
        hl_diag_error(diags, (struct hl_span){.line = 1, .column = 1}, "what is proposed is not a mapping of keys to values");
    else if (head->map.count == 0)
        hl_diag_error(diags, (struct hl_span){.line = 0}, "the spec is empty");
    else if (count_nodes(head) > count_nodes(base) + NODES_MORE)
        hl_diag_error(diags, (struct hl_span){.line = 0}, "what is proposed has %zu keys and values: a preview takes %d more than the base has",
                      count_nodes(head), NODES_MORE);
}

/* The base with tokens in place of secrets, and the head with the base's trusted parts, likewise. */
static int load_opaque(struct hl_context *context, const char *opaque, struct side *base, struct side *head)
{
    struct hl_diags diags;

    hl_diags_init(&diags, context->arena, context->file);
    base->root = hl_reader_parse(context->arena, base->text, base->length, &diags);
    head->root = hl_reader_parse(context->arena, head->text, head->length, &diags);
    check_head(base->root, head->root, &diags);
    if (!show_findings(context, head, &diags) || head->root == NULL)
        return HL_EXIT_SPEC;
    base->spec = load(context, base, base->root, opaque, &diags);
    strip_findings(context, opaque, &diags);
    if (!show_findings(context, base, &diags) || base->spec == NULL)
        return HL_EXIT_SPEC;
    const struct hl_node *composed = hl_preview_compose(context->arena, &hl_registry, base->root, head->root, &context->preview->unused);
    head->spec = load(context, head, composed, opaque, &context->diags);
    strip_findings(context, opaque, &context->diags);
    return show_findings(context, head, &context->diags) && head->spec != NULL ? HL_EXIT_OK : HL_EXIT_SPEC;
}

/* Belt and braces: whatever a provider thinks of, nothing but reading leaves this process from here on. */
static void forbid_changes(void)
{
    hl_http_forbid_changes();
    hl_process_forbid();
}

/* From here on the proposal's own words are printed as they are. Were they searched for secrets, a guess that comes out masked would be a right one; what the
 * base's side has to say is searched before it comes near them: values by hl_preview_plan(), the rest by hl_preview_clean(). */
static void print_as_it_is(struct hl_context *context)
{
    context->out.redactor = NULL;
    context->err.redactor = NULL;
    context->log.redactor = NULL;
}

static char *cleaned_text(struct hl_context *context, const char *text)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (text == NULL)
        return NULL;
    hl_redact(context->redactor, &out, text, strlen(text));
    return hl_arena_copy(context->arena, hl_text_get(&out), out.length);
}

static struct hl_error *cleaned_error(struct hl_context *context, const struct hl_error *error)
{
    struct hl_error *copy;

    if (error == NULL)
        return NULL;
    copy = hl_arena_alloc(context->arena, sizeof *copy);
    *copy = *error;
    copy->message = cleaned_text(context, error->message);
    copy->http = cleaned_text(context, error->http);
    copy->hint = cleaned_text(context, error->hint);
    copy->cause = cleaned_error(context, error->cause);
    return copy;
}

void hl_preview_clean(struct hl_context *context, struct hl_plan_view *view)
{
    struct hl_read_stats *stats = hl_arena_alloc(context->arena, (view->stats_count + 1) * sizeof *stats);

    for (size_t i = 0; i < view->stats_count; i++) {
        stats[i] = view->stats[i];
        stats[i].error = cleaned_error(context, stats[i].error);
        stats[i].late_reason = cleaned_text(context, stats[i].late_reason);
    }
    view->stats = stats;
    view->other_run = NULL; /* who works where is none of a stranger's business */
}

int hl_preview_run(struct hl_context *context, const struct hl_plan_options *options, struct hl_plan **plan)
{
    struct side base = {.tree = NULL}, head = {.tree = NULL};
    unsigned char random[OPAQUE_BYTES];
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
    if (code != HL_EXIT_OK)
        return code;
    hl_random(random, sizeof random);
    const char *opaque = hl_hex_encode(context->arena, random, sizeof random);
    print_as_it_is(context);
    code = load_opaque(context, opaque, &base, &head);
    if (code != HL_EXIT_OK)
        return code;
    *plan = hl_engine_preview(context->engine, base.spec, head.spec);
    strip_plan(context, opaque, *plan);
    context->commit = context->preview->head;
    context->source = hl_arena_printf(context->arena, "%s %s", hl_option_text(&context->options, HL_OPT_GIT),
                                      hl_option_given(&context->options, HL_OPT_REF) ? hl_option_text(&context->options, HL_OPT_REF) : "HEAD");
    return HL_EXIT_OK;
}
