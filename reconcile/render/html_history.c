/* Former runs: a strip of bars to see a pattern in, and a table to read. */
#include "config.h"

#include "reconcile/render/html_page.h"

#include <string.h>

enum { BAR = 10, STRIP_HEIGHT = 40, EVENTS_SHOWN = 30, MESSAGE_SHOWN = 300 };

static const char *tone_of(const struct hl_run_row *run)
{
    static const struct {
        const char *result, *tone;
    } tones[] = {{"done", "ok"}, {"deferred", "wait"}, {"running", "todo"}, {"interrupted", "warn"}};

    for (size_t i = 0; i < HL_COUNT(tones); i++) {
        if (run->result != NULL && strcmp(run->result, tones[i].result) == 0)
            return tones[i].tone;
    }
    return "bad";
}

static int64_t changes_of(const struct hl_run_row *run)
{
    return run->created + run->updated + run->replaced + run->deleted;
}

/* ---- the strip ---- */

/* Grows slowly: a first apply of hundreds must not make all others invisible. */
static int64_t height_of(const struct hl_run_row *run)
{
    int64_t height = 6;

    for (int64_t rest = changes_of(run) + run->failed; rest > 0; rest /= 2)
        height += 5;
    return height < STRIP_HEIGHT ? height : STRIP_HEIGHT;
}

static void put_strip(struct hl_html_page *page)
{
    const size_t count = page->view->runs_count;

    hl_html_printf(page,
                   "<svg class=\"strip\" width=\"%zu\" height=\"%d\" viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"The last "
                   "%zu runs, the latest at the right\">\n",
                   count * BAR, STRIP_HEIGHT, count * BAR, STRIP_HEIGHT, count);
    for (size_t i = 0; i < count; i++) {
        const struct hl_run_row *run = page->view->runs[count - 1 - i].row;
        const int64_t height = height_of(run);

        hl_html_printf(page, "<rect class=\"%s\" x=\"%zu\" y=\"%lld\" width=\"%d\" height=\"%lld\" rx=\"1.5\"><title>run %lld, ", tone_of(run), i * BAR,
                       (long long)(STRIP_HEIGHT - height), BAR - 2, (long long)height, (long long)run->id);
        hl_html_text(page, run->command);
        hl_html_put(page, ": ");
        hl_html_text(page, run->result);
        hl_html_put(page, "</title></rect>\n");
    }
    hl_html_put(page, "</svg>\n");
}

/* ---- the table ---- */

static void put_counts(struct hl_html_page *page, const struct hl_run_row *run)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_render_run(&text, run);
    hl_html_text(page, text.length > 0 ? hl_text_get(&text) : "nothing changed");
}

static void put_event(struct hl_html_page *page, const struct hl_event_row *event)
{
    hl_html_put(page, "<li>");
    if (hl_is_blank(event->event) || strcmp(event->event, "done") != 0) {
        hl_html_text(page, event->event);
        hl_html_put(page, " ");
    }
    hl_html_text(page, event->action);
    hl_html_put(page, " ");
    if (!hl_is_blank(event->address))
        hl_html_address(page, event->address);
    if (!hl_is_blank(event->message)) {
        hl_html_put(page, "<span class=\"reason\">");
        hl_html_cut(page, event->message, MESSAGE_SHOWN);
        hl_html_put(page, "</span>");
    }
    hl_html_put(page, "</li>\n");
}

static void put_events(struct hl_html_page *page, const struct hl_html_run *run)
{
    hl_html_put(page, "<details><summary>");
    put_counts(page, run->row);
    hl_html_put(page, "</summary><ul class=\"events\">\n");
    for (size_t i = 0; i < run->events_count && i < EVENTS_SHOWN; i++)
        put_event(page, &run->events[i]);
    if (run->events_count > EVENTS_SHOWN)
        hl_html_printf(page, "<li>… %zu more: <code>hlrec history %lld</code></li>\n", run->events_count - EVENTS_SHOWN, (long long)run->row->id);
    hl_html_put(page, "</ul></details>");
}

static void put_who(struct hl_html_page *page, const struct hl_run_row *run)
{
    hl_html_text(page, run->who);
    if (!hl_is_blank(run->host)) {
        hl_html_put(page, "@");
        hl_html_text(page, run->host);
    }
    if (!hl_is_blank(run->commit)) {
        hl_html_put(page, " ");
        hl_html_commit(page, run->commit);
    }
}

static void put_run(struct hl_html_page *page, struct hl_html_table *table, const struct hl_html_run *run)
{
    hl_html_row_begin(table, hl_arena_printf(page->arena, "run%lld", (long long)run->row->id));
    hl_html_cell_begin(table);
    hl_html_printf(page, "<span class=\"address\">%lld</span>", (long long)run->row->id);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    hl_html_time(page, run->row->started_ms);
    hl_html_cell_end(table);
    hl_html_cell_text(table, run->row->command);
    hl_html_cell_begin(table);
    hl_html_badge(page, tone_of(run->row), run->row->result);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    if (run->events_count > 0)
        put_events(page, run);
    else
        put_counts(page, run->row);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    put_who(page, run->row);
    hl_html_cell_end(table);
    hl_html_row_end(table);
}

void hl_html_history(struct hl_html_page *page)
{
    static const char *const heads[] = {"Run", "When", "Command", "Result", "What", "Who"};
    struct hl_html_table table;

    hl_html_put(page, "<section aria-labelledby=\"history\">\n<h2 id=\"history\">History</h2>\n");
    if (page->view->runs_count == 0) {
        hl_html_put(page, "<p class=\"empty\">Nothing was ever applied.</p>\n</section>\n");
        return;
    }
    put_strip(page);
    hl_html_table_begin(&table, page, "Former runs", heads, HL_COUNT(heads));
    for (size_t i = 0; i < page->view->runs_count; i++)
        put_run(page, &table, &page->view->runs[i]);
    hl_html_table_end(&table);
    hl_html_put(page, "</section>\n");
}
