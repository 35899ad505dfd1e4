/* The top of the page: whose it is, one sentence on how it stands, some numbers, and what stops an apply. */
#include "config.h"

#include "reconcile/render/html_page.h"

enum { SOON_MS = 14 * 86400 * 1000 };

static void put_source(struct hl_html_page *page)
{
    const struct hl_plan_view *plan = &page->view->plan;

    hl_html_put(page, "<p class=\"source\">");
    hl_html_text(page, plan->source != NULL ? plan->source : plan->file);
    if (plan->commit != NULL) {
        hl_html_put(page, " @ ");
        hl_html_commit(page, plan->commit);
    }
    hl_html_printf(page, " · state #%lld · as of ", (long long)plan->serial);
    hl_html_time(page, page->view->now_ms);
    hl_html_put(page, " UTC</p>\n");
}

static size_t drift_of(const struct hl_html_page *page)
{
    return page->counts[HL_HTML_GONE] + page->counts[HL_HTML_DRIFTED];
}

static size_t changes_of(const struct hl_html_page *page)
{
    return page->counts[HL_HTML_LEAVES] + page->counts[HL_HTML_CHANGES] + page->counts[HL_HTML_NEW];
}

/* ---- the sentence ---- */

/* Nothing is wrong; what that means depends on whether anybody was asked. */
static void put_all_well(struct hl_html_page *page)
{
    if (!page->view->asked)
        hl_html_put(page, "<p class=\"verdict plain\">The systems were not asked: this is what was last applied</p>\n");
    else if (page->rows_count == 0)
        hl_html_put(page, "<p class=\"verdict plain\">The stack is empty</p>\n");
    else
        hl_html_put(page, "<p class=\"verdict ok\">Everything is in place</p>\n");
}

/* The worst that is true. */
static void put_verdict(struct hl_html_page *page)
{
    const struct {
        size_t count;
        const char *tone, *one, *many;
    } verdicts[] = {
        {page->counts[HL_HTML_UNFINISHED], "bad", "change was not finished", "changes were not finished"},
        {page->counts[HL_HTML_UNREAD], "bad", "resource could not be read", "resources could not be read"},
        {drift_of(page), "warn", "resource has drifted", "resources have drifted"},
        {page->counts[HL_HTML_REFUSED], "bad", "resource is refused", "resources are refused"},
        {changes_of(page), "todo", "change of the spec is not applied yet", "changes of the spec are not applied yet"},
        {page->counts[HL_HTML_WAITS], "wait", "resource waits for something", "resources wait for something"},
    };

    for (size_t i = 0; i < HL_COUNT(verdicts); i++) {
        if (verdicts[i].count == 0)
            continue;
        hl_html_printf(page, "<p class=\"verdict %s\">%zu %s</p>\n", verdicts[i].tone, verdicts[i].count,
                       verdicts[i].count == 1 ? verdicts[i].one : verdicts[i].many);
        return;
    }
    put_all_well(page);
}

/* ---- numbers ---- */

static void put_tile(struct hl_html_page *page, const char *target, const char *tone, size_t number, const char *label)
{
    hl_html_printf(page, "<li><a href=\"#%s\"><b class=\"%s\">%zu</b> <span>%s</span></a></li>\n", target, number > 0 ? tone : "none", number, label);
}

static size_t ending_soon(const struct hl_html_page *page)
{
    size_t count = 0;

    for (size_t i = 0; i < page->rows_count; i++)
        count += page->rows[i].expires_ms > 0 && page->rows[i].expires_ms - page->view->now_ms <= SOON_MS ? 1 : 0;
    return count;
}

static void put_last_run(struct hl_html_page *page)
{
    const struct hl_run_row *run = page->view->runs_count > 0 ? page->view->runs[0].row : NULL;

    if (run == NULL)
        return;
    hl_html_put(page, "<li><a href=\"#history\"><b class=\"text none\">");
    hl_html_text(page, hl_html_distance(page, run->started_ms));
    hl_html_put(page, "</b> <span>last run: ");
    hl_html_text(page, run->result);
    hl_html_put(page, "</span></a></li>\n");
}

static void put_tiles(struct hl_html_page *page)
{
    hl_html_put(page, "<ul class=\"tiles\">\n");
    put_tile(page, "resources", "ok", page->counts[HL_HTML_IN_PLACE], page->view->asked ? "in place" : "recorded");
    if (page->view->asked)
        put_tile(page, "drift", "warn", drift_of(page), "drifted");
    put_tile(page, "plan", "todo", changes_of(page), "to apply");
    put_tile(page, "plan", "wait", page->counts[HL_HTML_WAITS], "waiting");
    put_tile(page, "expiries", "warn", ending_soon(page), "end within 14 days");
    put_last_run(page);
    hl_html_put(page, "</ul>\n");
}

/* ---- what to know before anything else ---- */

static void begin_notice(struct hl_html_page *page, const char *tone)
{
    hl_html_printf(page, "<p class=\"notice %s\">", tone);
}

static void put_notice(struct hl_html_page *page, const char *tone, const char *before, const char *text)
{
    begin_notice(page, tone);
    hl_html_put(page, before);
    hl_html_text(page, text);
    hl_html_put(page, "</p>\n");
}

static void put_unread(struct hl_html_page *page, const struct hl_read_stats *stats)
{
    hl_auto(heap) char *reason = hl_error_text(stats->error);

    begin_notice(page, "bad");
    hl_html_put(page, "<b>Not read:</b> provider ");
    hl_html_text(page, stats->provider);
    hl_html_put(page, ": ");
    hl_html_text(page, reason);
    hl_html_put(page, "</p>\n");
}

static void put_notices(struct hl_html_page *page)
{
    const struct hl_plan_view *plan = &page->view->plan;

    if (!page->view->asked && page->rows_count > page->counts[HL_HTML_IN_PLACE])
        put_notice(page, "plain", "The systems were not asked: what was last applied is taken for what is live.", NULL);
    if (page->view->suspended != NULL)
        put_notice(page, "warn", "<b>Suspended:</b> the stack is ", page->view->suspended);
    if (plan->plan->guard != NULL)
        put_notice(page, "bad", "<b>An apply would be refused:</b> ", plan->plan->guard);
    for (size_t i = 0; i < plan->stats_count; i++) {
        if (plan->stats[i].error != NULL)
            put_unread(page, &plan->stats[i]);
    }
    if (plan->other_run != NULL)
        put_notice(page, "plain", "", plan->other_run);
}

void hl_html_summary(struct hl_html_page *page)
{
    hl_html_put(page, "<header>\n<h1>");
    hl_html_text(page, page->view->plan.stack);
    hl_html_put(page, "</h1>\n");
    put_source(page);
    put_verdict(page);
    put_tiles(page);
    put_notices(page);
    hl_html_put(page, "</header>\n");
}
