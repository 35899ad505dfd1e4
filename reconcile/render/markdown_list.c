/* What to know besides the actions: systems that could not be read, errors and warnings, words about single objects. */
#include "config.h"

#include "reconcile/render/markdown_page.h"

#include "reconcile/render/markdown_text.h"

#include <string.h>

/* "- **error** `subject` text" in page->scratch. */
static void make_item(struct hl_markdown_page *page, const char *label, const char *subject, const char *text)
{
    struct hl_text *out = &page->scratch;

    hl_text_printf(out, "- **%s** ", label);
    if (subject != NULL) {
        hl_markdown_code(out, page->markdown->redactor, subject, HL_MARKDOWN_ADDRESS);
        hl_text_putc(out, ' ');
    }
    hl_markdown_prose(out, page->markdown->redactor, text, HL_MARKDOWN_SENTENCE);
}

static size_t take_item(struct hl_markdown_page *page, struct hl_text *section)
{
    hl_text_putc(&page->scratch, '\n');
    return hl_markdown_take(page, section) ? 0 : 1;
}

void hl_markdown_error(struct hl_markdown_page *page, struct hl_text *section, const struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    make_item(page, "error", error->address, text);
    (void)take_item(page, section);
    for (; error != NULL; error = error->cause) {
        if (error->hint == NULL)
            continue;
        make_item(page, "hint", NULL, error->hint);
        (void)take_item(page, section);
    }
}

static size_t put_unread(struct hl_markdown_page *page, struct hl_text *section)
{
    size_t left_out = 0;

    for (size_t i = 0; i < page->view->stats_count; i++) {
        const struct hl_read_stats *stats = &page->view->stats[i];
        hl_auto(heap) char *text = NULL;

        if (stats->error == NULL)
            continue;
        text = hl_error_text(stats->error);
        make_item(page, "could not be read:", stats->provider, text);
        left_out += take_item(page, section);
    }
    return left_out;
}

static size_t put_diags(struct hl_markdown_page *page, struct hl_text *section, const struct hl_diags *diags, enum hl_severity severity)
{
    size_t left_out = 0;

    for (size_t i = 0; i < diags->count; i++) {
        const struct hl_diag *diag = &diags->items[i];

        if (diag->severity != severity)
            continue;
        hl_text_printf(&page->scratch, "- **%s** ", severity == HL_SEVERITY_ERROR ? "error" : "warning");
        hl_markdown_place(&page->scratch, page, diag->file, diag->at, true);
        hl_text_puts(&page->scratch, diag->file != NULL && diag->at.line > 0 ? " " : "");
        hl_markdown_prose(&page->scratch, page->markdown->redactor, diag->message, HL_MARKDOWN_SENTENCE);
        if (diag->hint != NULL) {
            hl_text_puts(&page->scratch, "; ");
            hl_markdown_prose(&page->scratch, page->markdown->redactor, diag->hint, HL_MARKDOWN_SENTENCE);
        }
        left_out += take_item(page, section);
    }
    return left_out;
}

/* "- **not used** `providers.netbird` is changed here, the base's counts (`hlrec.yaml:12`)" */
static size_t put_unused(struct hl_markdown_page *page, struct hl_text *section)
{
    const struct hl_preview_facts *preview = page->view->preview;
    size_t left_out = 0;

    for (size_t i = 0; preview != NULL && i < preview->unused.count; i++) {
        const struct hl_preview_unused *unused = &preview->unused.items[i];
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

        hl_text_printf(&text, "is %s here, the base's counts", hl_preview_change_name(unused));
        make_item(page, "not used", unused->path, hl_text_get(&text));
        if (unused->at.line > 0) {
            hl_text_puts(&page->scratch, " (");
            hl_markdown_place(&page->scratch, page, page->view->file, unused->at, false);
            hl_text_putc(&page->scratch, ')');
        }
        left_out += take_item(page, section);
    }
    return left_out;
}

static size_t put_other_run(struct hl_markdown_page *page, struct hl_text *section)
{
    if (page->view->other_run == NULL)
        return 0;
    make_item(page, "note", NULL, page->view->other_run);
    return take_item(page, section);
}

/* Words about what stays as it is: a crash loop. That an optional thing is not there is no news. */
static size_t put_unchanged(struct hl_markdown_page *page, struct hl_text *section)
{
    const struct hl_plan *plan = page->view->plan;
    size_t left_out = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (step->action != HL_ACTION_NONE || step->live->note == NULL || step->absent)
            continue;
        make_item(page, "note", step->address, step->live->note);
        left_out += take_item(page, section);
    }
    return left_out;
}

size_t hl_markdown_findings(struct hl_markdown_page *page, struct hl_text *section, const struct hl_diags *diags)
{
    size_t left_out = put_unread(page, section);

    if (diags != NULL)
        left_out += put_diags(page, section, diags, HL_SEVERITY_ERROR);
    left_out += put_unused(page, section) + put_other_run(page, section);
    if (diags != NULL)
        left_out += put_diags(page, section, diags, HL_SEVERITY_WARNING);
    if (page->view->plan != NULL)
        left_out += put_unchanged(page, section);
    return left_out;
}
