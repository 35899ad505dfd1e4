/* Tables: what ends when, and every resource with what it needs. */
#include "config.h"

#include "reconcile/render/html_page.h"

#include <stdlib.h>
#include <string.h>

/* From how many resources on the kinds begin folded. */
enum { MANY = 16 };

static const int64_t day_ms = 86400 * 1000;

/* ---- what ends ---- */

static int by_expiry(const void *a, const void *b)
{
    const struct hl_html_row *left = *(const struct hl_html_row *const *)a;
    const struct hl_html_row *right = *(const struct hl_html_row *const *)b;

    if (left->expires_ms != right->expires_ms)
        return left->expires_ms < right->expires_ms ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

static const struct hl_html_row **expiring(struct hl_html_page *page, size_t *count)
{
    const struct hl_html_row **rows = hl_arena_alloc(page->arena, (page->rows_count + 1) * sizeof(*rows));

    *count = 0;
    for (size_t i = 0; i < page->rows_count; i++) {
        if (page->rows[i].expires_ms > 0)
            rows[(*count)++] = &page->rows[i];
    }
    qsort(rows, *count, sizeof(*rows), by_expiry);
    return rows;
}

/* What is left of the longest time in the table. */
static void put_bar(struct hl_html_page *page, int64_t left_ms, int64_t longest_ms, const char *tone)
{
    const int64_t share = longest_ms > 0 && left_ms > 0 ? left_ms * 100 / longest_ms : 0;

    hl_html_printf(page,
                   "<svg class=\"bar %s\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"100\" height=\"4\"/><rect "
                   "width=\"%lld\" height=\"4\"/></svg>",
                   tone, (long long)(share > 1 ? share : 1));
}

static void put_expiry(struct hl_html_page *page, struct hl_html_table *table, const struct hl_html_row *row, int64_t longest_ms)
{
    const int64_t left_ms = row->expires_ms - page->view->now_ms;
    const char *tone = left_ms <= 0 ? "bad" : left_ms <= 14 * day_ms ? "warn" : "ok";

    hl_html_row_begin(table, NULL);
    hl_html_cell_begin(table);
    hl_html_address(page, row->step->address);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    hl_html_badge(page, tone, left_ms <= 0 ? "ended" : hl_html_distance(page, row->expires_ms));
    put_bar(page, left_ms, longest_ms, tone);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    hl_html_time(page, row->expires_ms);
    hl_html_cell_end(table);
    hl_html_row_end(table);
}

void hl_html_expiries(struct hl_html_page *page)
{
    static const char *const heads[] = {"Key or token", "Left", "Ends"};
    struct hl_html_table table;
    size_t count;
    const struct hl_html_row **rows = expiring(page, &count);

    hl_html_put(page, "<section aria-labelledby=\"expiries\">\n<h2 id=\"expiries\">Expiries</h2>\n");
    if (count == 0) {
        hl_html_put(page, "<p class=\"empty\">Nothing in this stack ends by itself.</p>\n</section>\n");
        return;
    }
    hl_html_table_begin(&table, page, "What ends when", heads, HL_COUNT(heads));
    for (size_t i = 0; i < count; i++)
        put_expiry(page, &table, rows[i], rows[count - 1]->expires_ms - page->view->now_ms);
    hl_html_table_end(&table);
    hl_html_put(page, "</section>\n");
}

/* ---- every resource ---- */

static void put_needs(struct hl_html_page *page, const struct hl_resource *resource)
{
    if (resource == NULL || resource->needs_count == 0)
        return;
    hl_html_put(page, "<p><span class=\"label\">needs</span> ");
    for (size_t i = 0; i < resource->needs_count; i++) {
        hl_html_put(page, i > 0 ? ", " : "");
        hl_html_address(page, resource->needs[i].to->address);
    }
    hl_html_put(page, "</p>");
}

static void put_users(struct hl_html_page *page, const char **users)
{
    if (users == NULL || users[0] == NULL)
        return;
    hl_html_put(page, "<p><span class=\"label\">used by</span> ");
    for (size_t i = 0; users[i] != NULL; i++) {
        hl_html_put(page, i > 0 ? ", " : "");
        hl_html_address(page, users[i]);
    }
    hl_html_put(page, "</p>");
}

static void put_resource(struct hl_html_page *page, struct hl_html_table *table, const struct hl_html_row *row)
{
    const struct hl_html_standing_info *info = hl_html_standing_info(row->standing);

    hl_html_row_begin(table, hl_arena_printf(page->arena, "r%zu", row->number));
    hl_html_cell_begin(table);
    hl_html_put(page, "<span class=\"address\">");
    hl_html_text(page, row->step->name);
    hl_html_put(page, "</span>");
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    hl_html_badge(page, info->tone, row->standing == HL_HTML_IN_PLACE && !page->view->asked ? "recorded" : info->label);
    hl_html_cell_end(table);
    hl_html_cell_text(table, row->step->provider);
    hl_html_cell_begin(table);
    if (row->record != NULL)
        hl_html_time(page, row->record->updated_ms);
    hl_html_cell_end(table);
    hl_html_cell_begin(table);
    put_needs(page, row->step->resource);
    put_users(page, row->step->used_by);
    hl_html_cell_end(table);
    hl_html_row_end(table);
}

/* "2 drifted" "1 new" */
static void put_standings(struct hl_html_page *page, size_t kind)
{
    size_t counts[HL_HTML_STANDINGS] = {0};

    for (size_t i = 0; i < page->rows_count; i++)
        counts[page->rows[i].standing] += page->rows[i].kind == kind ? 1 : 0;
    for (int standing = 0; standing < HL_HTML_ABSENT; standing++) {
        const struct hl_html_standing_info *info = hl_html_standing_info((enum hl_html_standing)standing);

        if (counts[standing] > 0)
            hl_html_badge(page, info->tone, hl_arena_printf(page->arena, "%zu %s", counts[standing], info->label));
    }
}

static void put_kind(struct hl_html_page *page, size_t kind)
{
    static const char *const heads[] = {"Name", "State", "Provider", "Changed", "Depends"};
    struct hl_html_table table;

    hl_html_printf(page, "<details id=\"k%zu\"%s><summary><span class=\"dot h%zu\"></span><h3>", kind, page->rows_count < MANY ? " open" : "",
                   page->kinds[kind].hue);
    hl_html_text(page, page->kinds[kind].name);
    hl_html_printf(page, "</h3> <span class=\"count\">%zu</span> ", page->kinds[kind].count);
    put_standings(page, kind);
    hl_html_put(page, "</summary>\n");
    hl_html_table_begin(&table, page, page->kinds[kind].name, heads, HL_COUNT(heads));
    for (size_t i = 0; i < page->rows_count; i++) {
        if (page->rows[i].kind == kind)
            put_resource(page, &table, &page->rows[i]);
    }
    hl_html_table_end(&table);
    hl_html_put(page, "</details>\n");
}

void hl_html_resources(struct hl_html_page *page)
{
    hl_html_put(page, "<section aria-labelledby=\"resources\">\n<h2 id=\"resources\">Resources</h2>\n");
    if (page->rows_count == 0)
        hl_html_put(page, "<p class=\"empty\">There are none.</p>\n");
    for (size_t kind = 0; kind < page->kinds_count; kind++)
        put_kind(page, kind);
    hl_html_put(page, "</section>\n");
}
