/* The roles say what the elements are by themselves: where the style sheet makes blocks of them, some browsers forget it otherwise. */
#include "config.h"

#include "reconcile/render/html_page.h"

void hl_html_table_begin(struct hl_html_table *table, struct hl_html_page *page, const char *label, const char *const *heads, size_t columns)
{
    *table = (struct hl_html_table){.page = page, .heads = heads, .columns = columns};
    hl_html_put(page, "<table role=\"table\" aria-label=\"");
    hl_html_text(page, label);
    hl_html_put(page, "\"><colgroup>");
    for (size_t i = 0; i < columns; i++)
        hl_html_put(page, "<col>");
    hl_html_put(page, "</colgroup><thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < columns; i++) {
        hl_html_put(page, "<th role=\"columnheader\" scope=\"col\">");
        hl_html_text(page, heads[i]);
        hl_html_put(page, "</th>");
    }
    hl_html_put(page, "</tr></thead><tbody role=\"rowgroup\">\n");
}

void hl_html_row_begin(struct hl_html_table *table, const char *id)
{
    table->column = 0;
    hl_html_put(table->page, "<tr role=\"row\"");
    if (id != NULL)
        hl_html_printf(table->page, " id=\"%s\"", id);
    hl_html_put(table->page, ">");
}

void hl_html_cell_begin(struct hl_html_table *table)
{
    if (table->column == 0) {
        hl_html_put(table->page, "<th role=\"rowheader\" scope=\"row\">");
        return;
    }
    hl_html_put(table->page, "<td role=\"cell\" data-head=\"");
    hl_html_text(table->page, table->heads[table->column]);
    hl_html_put(table->page, "\">");
}

void hl_html_cell_end(struct hl_html_table *table)
{
    hl_html_put(table->page, table->column == 0 ? "</th>" : "</td>");
    table->column++;
}

void hl_html_cell_text(struct hl_html_table *table, const char *text)
{
    hl_html_cell_begin(table);
    hl_html_text(table->page, text);
    hl_html_cell_end(table);
}

void hl_html_row_end(struct hl_html_table *table)
{
    hl_html_put(table->page, "</tr>\n");
}

void hl_html_table_end(struct hl_html_table *table)
{
    hl_html_put(table->page, "</tbody></table>\n");
}
