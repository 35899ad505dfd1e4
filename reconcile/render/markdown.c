#include "config.h"

#include "reconcile/render/markdown_page.h"

#include "reconcile/render/markdown_text.h"
#include "schema/base/crypto.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum {
    CLOSING = 640,      /* bytes of what is said about what was left out */
    FINDINGS_MORE = 64, /* of the last item of the findings, likewise */
    FINDINGS_SHARE = 4, /* findings take a quarter of the comment at most: the actions are what it is for */
    LOSSES_SHOWN = 3,   /* names behind "Data loss:" */
    LOSS_NAME = 100,
    MARK = 64, /* of a part of a marker, */
    HASH = 8,  /* and of the hash that tells it from others where it is cut or altered */
    ID = 12,   /* of a commit's id, for people */
};

static const char table_head[] = "| | resource | why | where |\n| --- | --- | --- | --- |\n";

/* ---- parts ---- */

bool hl_markdown_take(struct hl_markdown_page *page, struct hl_text *section)
{
    const bool fits = page->scratch.length <= page->left;

    if (fits) {
        hl_text_append(section, hl_text_get(&page->scratch), page->scratch.length);
        page->left -= page->scratch.length;
    }
    hl_text_reset(&page->scratch);
    return fits;
}

void hl_markdown_place(struct hl_text *out, const struct hl_markdown_page *page, const char *file, struct hl_span at, bool column)
{
    hl_auto(text) struct hl_text place = HL_TEXT_INIT(HL_MAX_RENDER);

    if (file == NULL || at.line == 0)
        return;
    hl_text_printf(&place, "%s:%" PRIu32, file, at.line);
    if (column)
        hl_text_printf(&place, ":%" PRIu32, at.column);
    hl_markdown_code(out, page->markdown->redactor, hl_text_get(&place), HL_MARKDOWN_PLACE);
}

/* ---- the head ---- */

/* A part of a marker: nothing in it can end the comment of HTML, nor be taken for the next part. What cannot stand there as it is gets a hash of all of it, so
 * that two names never give one marker. */
static void put_mark(struct hl_text *out, const char *name, const char *value)
{
    static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_-";
    const size_t length = strlen(value);
    const bool whole = length <= MARK && strspn(value, fine) == length;
    char hash[HL_HASH_HEX];

    hl_text_printf(out, " %s=", name);
    for (size_t i = 0; i < length && i < MARK; i++)
        hl_text_putc(out, strchr(fine, value[i]) != NULL ? value[i] : '-');
    if (whole)
        return;
    hl_hash(NULL, value, length, hash);
    hl_text_printf(out, "-%.*s", HASH, hash);
}

static const char *head_of(const struct hl_markdown_page *page)
{
    return page->markdown->head != NULL ? page->markdown->head : page->view->commit;
}

static void put_marker(struct hl_text *out, const struct hl_markdown_page *page)
{
    const struct hl_markdown *markdown = page->markdown;
    const char *head = head_of(page);

    hl_text_puts(out, "<!-- hlrec:v1");
    put_mark(out, "stack", page->view->stack != NULL ? page->view->stack : "-");
    put_mark(out, "target", hl_is_blank(markdown->target) ? "default" : markdown->target);
    hl_text_puts(out, " -->\n");
    if (head == NULL && markdown->order_ms == 0)
        return;
    hl_text_puts(out, "<!-- hlrec:run");
    put_mark(out, "head", hl_is_blank(head) ? "-" : head);
    hl_text_printf(out, " order=%" PRId64, markdown->order_ms);
    put_mark(out, "run", hl_is_blank(markdown->run) ? "-" : markdown->run);
    hl_text_puts(out, " -->\n");
}

static void put_title(struct hl_text *out, const struct hl_markdown_page *page)
{
    const char *target = page->markdown->target;

    hl_text_puts(out, "### hlrec plan: ");
    hl_markdown_code(out, page->markdown->redactor, page->view->stack != NULL ? page->view->stack : "?", LOSS_NAME);
    if (!hl_is_blank(target) && strcmp(target, "default") != 0) {
        hl_text_puts(out, " for ");
        hl_markdown_code(out, page->markdown->redactor, target, LOSS_NAME);
    }
    hl_text_puts(out, "\n\n");
}

static void put_losses(struct hl_text *out, const struct hl_markdown_page *page)
{
    const struct hl_plan *plan = page->view->plan;
    size_t count = 0;

    hl_text_puts(out, "Data loss:");
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (!step->loses_data || !hl_markdown_destroys(step->action))
            continue;
        if (count < LOSSES_SHOWN) {
            hl_text_puts(out, count > 0 ? ", " : " ");
            hl_markdown_code(out, page->markdown->redactor, step->address, LOSS_NAME);
        }
        count++;
    }
    if (count > LOSSES_SHOWN)
        hl_text_printf(out, " and %zu more", count - LOSSES_SHOWN);
    hl_text_puts(out, count == 0 ? " none." : ".");
}

static size_t count_moved(const struct hl_plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += plan->steps[i]->action == HL_ACTION_NONE && plan->steps[i]->moved_from != NULL ? 1 : 0;
    return count;
}

void hl_render_verdict(struct hl_text *out, const struct hl_plan *plan)
{
    static const char *const words[HL_ACTIONS] = {
        [HL_ACTION_CREATE] = "to create", [HL_ACTION_UPDATE] = "to update", [HL_ACTION_REPLACE] = "to replace", [HL_ACTION_DELETE] = "to delete",
        [HL_ACTION_ADOPT] = "to adopt",   [HL_ACTION_FORGET] = "to forget", [HL_ACTION_DEFER] = "deferred",     [HL_ACTION_REFUSE] = "refused",
    };
    const size_t moved = count_moved(plan);

    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        if (plan->counts[*action] > 0)
            hl_text_printf(out, "%zu %s, ", plan->counts[*action], words[*action]);
    }
    if (moved > 0)
        hl_text_printf(out, "%zu moved, ", moved);
    hl_text_printf(out, "%zu unchanged", plan->counts[HL_ACTION_NONE] - moved);
}

static void put_verdict(struct hl_text *out, const struct hl_markdown_page *page)
{
    const struct hl_plan *plan = page->view->plan;
    const bool same = plan->count == plan->counts[HL_ACTION_NONE] && count_moved(plan) == 0;

    hl_text_puts(out, same ? "**No changes:** " : "**Plan: ");
    hl_render_verdict(out, plan);
    hl_text_puts(out, same ? ". " : ".** ");
    put_losses(out, page);
    hl_text_puts(out, "\n\n");
}

static void put_named(struct hl_text *out, const struct hl_markdown_page *page, const char *name, const char *value)
{
    if (value == NULL)
        return;
    hl_text_puts(out, name);
    hl_markdown_code(out, page->markdown->redactor, value, LOSS_NAME);
}

/* As much of a commit's id as people compare. */
static void put_commit(struct hl_text *out, const struct hl_markdown_page *page, const char *name, const char *id)
{
    char begin[ID + 1] = "";

    if (id != NULL && strspn(id, "0123456789abcdef") == strlen(id) && strlen(id) > ID) {
        memcpy(begin, id, ID);
        id = begin;
    }
    put_named(out, page, name, id);
}

/* What a reader of a preview must know before the rest. */
static void put_preview(struct hl_text *out, const struct hl_preview_facts *preview)
{
    hl_text_puts(out, "_A preview: providers, secrets, variables and settings are those of the base; secrets are not compared; nothing was changed._\n\n");
    if (preview->conflicts)
        hl_text_puts(out, "> **This does not merge with the base:** the plan is that of the proposal alone.\n\n");
}

static void put_source(struct hl_text *out, const struct hl_markdown_page *page)
{
    const struct hl_plan_view *view = page->view;
    const struct hl_preview_facts *preview = view->preview;
    const char *head = head_of(page);

    hl_markdown_code(out, page->markdown->redactor, view->source != NULL ? view->source : view->file != NULL ? view->file : "?", HL_MARKDOWN_ADDRESS);
    put_commit(out, page, ", head ", head);
    if (preview != NULL)
        put_commit(out, page, ", base ", preview->base);
    if (preview != NULL && preview->behind > 0)
        hl_text_printf(out, " (%zu %s behind it)", preview->behind, preview->behind == 1 ? "commit" : "commits");
    if (view->commit != NULL && strcmp(view->commit, head) != 0)
        put_commit(out, page, ", commit ", view->commit);
    if (view->plan != NULL)
        hl_text_printf(out, ", state #%" PRId64, view->serial);
    hl_text_puts(out, "\n\n");
    if (preview != NULL)
        put_preview(out, preview);
}

static void put_guard(struct hl_markdown_page *page, struct hl_text *out)
{
    const struct hl_plan *plan = page->view->plan;

    if (plan->guard == NULL)
        return;
    hl_text_puts(out, "> **apply stops here:** ");
    hl_markdown_prose(out, page->markdown->redactor, plan->guard, HL_MARKDOWN_SENTENCE);
    if (plan->guard_hint != NULL) {
        hl_text_puts(out, "; ");
        hl_markdown_prose(out, page->markdown->redactor, plan->guard_hint, HL_MARKDOWN_ADDRESS);
    }
    hl_text_puts(out, "\n\n");
}

/* ---- the whole ---- */

static struct hl_markdown_page begin(const struct hl_plan_view *view, const struct hl_markdown *markdown)
{
    const size_t wanted = markdown->max_size == 0 ? HL_MARKDOWN_SIZE : markdown->max_size;
    const size_t limit = wanted < HL_MARKDOWN_LEAST ? HL_MARKDOWN_LEAST : wanted;

    return (struct hl_markdown_page){.view = view, .markdown = markdown, .limit = limit, .scratch = HL_TEXT_INIT(HL_MAX_RENDER)};
}

/* The findings' share, and the sentence about those that do not fit. */
static void put_findings(struct hl_markdown_page *page, struct hl_text *section, const struct hl_diags *diags)
{
    const size_t share = page->limit / FINDINGS_SHARE;
    const size_t kept = page->left > share ? page->left - share : 0;
    size_t left_out;

    page->left -= kept;
    left_out = hl_markdown_findings(page, section, diags);
    page->left += kept;
    if (left_out > 0)
        hl_text_printf(section, "- **and %zu more**\n", left_out);
    if (section->length > 0)
        hl_text_putc(section, '\n');
}

/* Above all else, since a reader must not take the table for the whole. */
static void put_incomplete(struct hl_text *out, const struct hl_markdown_omitted *omitted)
{
    if (omitted->destroyed > 0)
        hl_text_printf(out, "> **The table does not name all that is destroyed:** %zu more would not fit; a run of `hlrec plan` shows all.\n\n",
                       omitted->destroyed);
}

static void put_part(struct hl_text *out, const char **between, const char *what, size_t count, const char *one, const char *many)
{
    if (count == 0)
        return;
    hl_text_printf(out, "%s %s %zu %s", *between, what, count, count == 1 ? one : many);
    *between = ",";
}

static void put_closing(struct hl_text *out, const struct hl_markdown_page *page, const struct hl_markdown_omitted *omitted)
{
    const char *between = "";

    if (omitted->reasons + omitted->blocks + omitted->lines == 0)
        return;
    hl_text_printf(out, "_Left out, to stay below %zu bytes:", page->limit);
    put_part(out, &between, "the reasons of", omitted->reasons, "row", "rows");
    put_part(out, &between, "the fields of", omitted->blocks, "resource", "resources");
    put_part(out, &between, "of other fields", omitted->lines, "line", "lines");
    hl_text_puts(out, ". A run of `hlrec plan` shows all._\n");
}

/* Taken in the order of their worth, put together in the order of reading. */
void hl_render_plan_comment(struct hl_text *out, const struct hl_plan_view *view, const struct hl_markdown *markdown)
{
    struct hl_markdown_page page = begin(view, markdown);
    struct hl_markdown_omitted omitted = {0};
    hl_auto(text) struct hl_text head = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text findings = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text rows = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text details = HL_TEXT_INIT(HL_MAX_RENDER);
    size_t fixed;

    put_marker(&head, &page);
    put_title(&head, &page);
    put_verdict(&head, &page);
    put_source(&head, &page);
    put_guard(&page, &head);
    /* Two blank lines, and the sentences that say what is not there. */
    fixed = head.length + strlen(table_head) + 2 + 2 * HL_MARKDOWN_MORE + FINDINGS_MORE + CLOSING;
    assert(fixed < page.limit);
    page.left = page.limit - fixed;
    hl_markdown_rows(&page, &rows, true, &omitted);
    put_findings(&page, &findings, &view->plan->diags);
    hl_markdown_rows(&page, &rows, false, &omitted);
    hl_markdown_details(&page, &details, &omitted);

    hl_text_append(out, hl_text_get(&head), head.length);
    put_incomplete(out, &omitted);
    hl_text_append(out, hl_text_get(&findings), findings.length);
    if (rows.length > 0)
        hl_text_printf(out, "%s%s\n", table_head, hl_text_get(&rows));
    hl_text_append(out, hl_text_get(&details), details.length);
    put_closing(out, &page, &omitted);
    hl_text_clear(&page.scratch);
}

void hl_render_failure_comment(struct hl_text *out, const struct hl_plan_view *view, const struct hl_markdown *markdown, const struct hl_diags *diags,
                               const struct hl_error *error)
{
    const struct hl_plan_view bare = {.file = view->file, .source = view->source, .commit = view->commit, .stack = view->stack};
    struct hl_markdown_page page = begin(&bare, markdown);
    hl_auto(text) struct hl_text head = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text findings = HL_TEXT_INIT(HL_MAX_RENDER);

    put_marker(&head, &page);
    put_title(&head, &page);
    hl_text_puts(&head, "**There is no plan:** ");
    if (diags != NULL && diags->errors > 0)
        hl_text_printf(&head, "the spec has %zu %s.\n\n", diags->errors, diags->errors == 1 ? "error" : "errors");
    else
        hl_text_puts(&head, "the run failed.\n\n");
    put_source(&head, &page);
    assert(head.length + FINDINGS_MORE + 1 < page.limit);
    page.left = page.limit - head.length - FINDINGS_MORE - 1;
    if (error != NULL)
        hl_markdown_error(&page, &findings, error);
    put_findings(&page, &findings, diags);

    hl_text_append(out, hl_text_get(&head), head.length);
    hl_text_append(out, hl_text_get(&findings), findings.length);
    hl_text_clear(&page.scratch);
}
