/* What is not as it should be, field by field: what drifted, and what the next apply would do. */
#include "config.h"

#include "reconcile/render/change.h"
#include "reconcile/render/html_page.h"

#include <string.h>

enum {
    VALUE_SHOWN = 600, /* bytes of one value */
    LINES_SHOWN = 40,  /* of one diff */
    LINE_SHOWN = 400,  /* bytes of one line */
    CONTEXT = 2,
    REASONS = 600,
    LISTED = 25, /* resources; more are folded */
};

/* ---- one field ---- */

static void put_value(struct hl_html_page *page, const struct hl_change *change, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_change_put_value(&text, change->field, value, change->sensitive);
    hl_html_put(page, "<code>");
    hl_html_cut(page, hl_text_get(&text), VALUE_SHOWN);
    hl_html_put(page, "</code>");
}

struct diff {
    struct hl_html_page *page;
    size_t shown, hidden;
};

static void put_line(void *context, enum hl_diff_mark mark, const char *text, size_t length)
{
    struct diff *diff = context;
    const char *element = mark == HL_DIFF_OLD ? "del" : mark == HL_DIFF_NEW ? "ins" : "span";

    if (diff->shown++ >= LINES_SHOWN) {
        diff->hidden++;
        return;
    }
    hl_html_printf(diff->page, "<%s>", element);
    if (mark != HL_DIFF_GAP)
        hl_html_printf(diff->page, "%c ", (int)mark);
    hl_html_cut(diff->page, hl_arena_copy(diff->page->arena, text, length), LINE_SHOWN);
    hl_html_printf(diff->page, "</%s>\n", element);
}

static void put_diff(struct hl_html_page *page, const struct hl_change *change, const struct hl_value *before, const struct hl_value *after)
{
    struct diff diff = {.page = page};
    struct hl_lines old, new;

    hl_lines_init(&old, page->arena);
    hl_lines_init(&new, page->arena);
    hl_change_lines(page->arena, change->field, before, &old);
    hl_change_lines(page->arena, change->field, after, &new);
    hl_html_put(page, "<pre tabindex=\"0\">");
    hl_diff_lines(&old, &new, CONTEXT, put_line, &diff);
    if (diff.hidden > 0)
        hl_html_printf(page, "<span>… %zu more</span>\n", diff.hidden);
    hl_html_put(page, "</pre>");
}

/* There is a value, and it is not one that only the action will tell. */
static bool is_known(const struct hl_value *value)
{
    return value != NULL && value->type != HL_NULL && value->type != HL_UNKNOWN;
}

static void put_change(struct hl_html_page *page, const struct hl_change *change, bool drift)
{
    const struct hl_value *before = drift ? change->recorded : change->live;
    const struct hl_value *after = drift ? change->live : change->desired;

    hl_html_put(page, "<div><dt>");
    hl_html_text(page, change->path);
    hl_html_put(page, "</dt><dd>");
    if (change->sensitive && is_known(before) && is_known(after)) {
        hl_html_put(page, "<code>" HL_REDACTED "</code>, changed");
    } else if (hl_change_is_block(change)) {
        put_diff(page, change, before, after);
    } else {
        put_value(page, change, before);
        hl_html_put(page, " <span class=\"arrow\" role=\"img\" aria-label=\"is now\">→</span> ");
        put_value(page, change, after);
    }
    hl_html_put(page, "</dd></div>\n");
}

static void put_changes(struct hl_html_page *page, const struct hl_changes *changes, bool drift)
{
    if (changes->count == 0)
        return;
    hl_html_put(page, "<dl class=\"changes\">\n");
    for (size_t i = 0; i < changes->count; i++)
        put_change(page, &changes->items[i], drift);
    hl_html_put(page, "</dl>\n");
}

/* ---- one resource ---- */

static void begin_item(struct hl_html_page *page, const struct hl_html_row *row, const char *tone, const char *label)
{
    hl_html_put(page, "<li><p>");
    hl_html_badge(page, tone, label);
    hl_html_put(page, " ");
    hl_html_address(page, row->step->address);
    hl_html_put(page, " ");
}

static void put_reason(struct hl_html_page *page, const char *text)
{
    if (hl_is_blank(text))
        return;
    hl_html_put(page, " <span class=\"reason\">");
    hl_html_cut(page, text, REASONS);
    hl_html_put(page, "</span>");
}

static void put_drifted(struct hl_html_page *page, const struct hl_html_row *row)
{
    const struct hl_html_standing_info *info = hl_html_standing_info(row->standing);
    struct hl_changes changes = {0};

    begin_item(page, row, info->tone, info->label);
    if (row->standing == HL_HTML_GONE)
        put_reason(page, "deleted outside hlrec");
    else if (row->standing == HL_HTML_UNREAD && row->step->live->error == NULL)
        put_reason(page, row->step->reason);
    else if (row->standing == HL_HTML_UNREAD) {
        hl_auto(heap) char *text = hl_error_text(row->step->live->error);

        put_reason(page, text);
    }
    hl_html_put(page, "</p>\n");
    if (row->standing == HL_HTML_DRIFTED) {
        hl_drift_changes(page->arena, row->step, &changes);
        put_changes(page, &changes, true);
    }
    hl_html_put(page, "</li>\n");
}

static const char *tone_of(enum hl_action action)
{
    switch (action) {
    case HL_ACTION_DELETE:
    case HL_ACTION_REPLACE:
    case HL_ACTION_REFUSE:
        return "bad";
    case HL_ACTION_DEFER:
        return "wait";
    case HL_ACTION_NONE:
    case HL_ACTION_CREATE:
    case HL_ACTION_UPDATE:
    case HL_ACTION_ADOPT:
    case HL_ACTION_FORGET:
    case HL_ACTIONS:
        break;
    }
    return "todo";
}

static bool is_drift_alone(const struct hl_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].origin != HL_ORIGIN_DRIFT)
            return false;
    }
    return true;
}

static void put_step(struct hl_html_page *page, const struct hl_html_row *row)
{
    const struct hl_step *step = row->step;
    struct hl_changes changes = {0};

    begin_item(page, row, tone_of(step->action), hl_action_info(step->action)->name);
    put_reason(page, step->reason);
    put_reason(page, step->hint);
    hl_html_put(page, "</p>\n");
    hl_shown_changes(page->arena, step, &changes);
    /* What a new object will be stands in the spec; drift was shown above. */
    if (step->action != HL_ACTION_CREATE && !(row->standing == HL_HTML_DRIFTED && is_drift_alone(&changes)))
        put_changes(page, &changes, false);
    hl_html_put(page, "</li>\n");
}

/* ---- the sections ---- */

/* A list of resources: those behind the first LISTED are folded. */
struct items {
    struct hl_html_page *page;
    size_t count, total;
};

static void begin_items(struct items *items)
{
    if (items->count == LISTED)
        hl_html_printf(items->page, "</ul>\n<details class=\"more\"><summary>%zu more</summary>\n", items->total - LISTED);
    if (items->count == 0 || items->count == LISTED)
        hl_html_put(items->page, "<ul class=\"items\">\n");
    items->count++;
}

static void end_items(const struct items *items)
{
    if (items->count > 0)
        hl_html_put(items->page, "</ul>\n");
    if (items->count > LISTED)
        hl_html_put(items->page, "</details>\n");
}

static bool is_drift(const struct hl_html_row *row)
{
    return row->standing == HL_HTML_GONE || row->standing == HL_HTML_DRIFTED || row->standing == HL_HTML_UNREAD;
}

void hl_html_drift(struct hl_html_page *page)
{
    struct items items = {.page = page, .total = page->counts[HL_HTML_GONE] + page->counts[HL_HTML_DRIFTED] + page->counts[HL_HTML_UNREAD]};

    hl_html_put(page, "<section aria-labelledby=\"drift\">\n<h2 id=\"drift\">Drift</h2>\n");
    if (items.total > 0)
        hl_html_put(page, "<p class=\"lead\">What differs from what was last applied.</p>\n");
    else if (!page->view->asked)
        hl_html_put(page, "<p class=\"empty\">Not looked for: the systems were not asked.</p>\n");
    else
        hl_html_put(page, "<p class=\"empty\">Nothing was changed outside hlrec.</p>\n");
    for (size_t i = 0; i < page->rows_count; i++) {
        if (!is_drift(&page->rows[i]))
            continue;
        begin_items(&items);
        put_drifted(page, &page->rows[i]);
    }
    end_items(&items);
    hl_html_put(page, "</section>\n");
}

void hl_html_plan(struct hl_html_page *page)
{
    const struct hl_plan *plan = page->view->plan.plan;
    struct items items = {.page = page, .total = plan->count - plan->counts[HL_ACTION_NONE]};
    hl_auto(text) struct hl_text summary = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_render_summary(&summary, plan);
    hl_html_put(page, "<section aria-labelledby=\"plan\">\n<h2 id=\"plan\">Next apply</h2>\n<p class=\"lead\">");
    hl_html_text(page, hl_text_get(&summary));
    hl_html_put(page, "</p>\n");
    for (size_t i = 0; i < page->rows_count; i++) {
        if (page->rows[i].step->action == HL_ACTION_NONE)
            continue;
        begin_items(&items);
        put_step(page, &page->rows[i]);
    }
    end_items(&items);
    hl_html_put(page, "</section>\n");
}
