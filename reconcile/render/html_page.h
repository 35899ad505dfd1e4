/* The parts of the page, and what they have in common. Private to render. */
#ifndef HL_RECONCILE_RENDER_HTML_PAGE_H
#define HL_RECONCILE_RENDER_HTML_PAGE_H

#include "reconcile/render/html.h"

/* How a resource stands, the worst that is true of it. */
enum hl_html_standing {
    HL_HTML_UNFINISHED, /* a run died while it changed it */
    HL_HTML_UNREAD,     /* its system could not be asked */
    HL_HTML_GONE,       /* deleted outside hlrec */
    HL_HTML_DRIFTED,    /* changed outside hlrec */
    HL_HTML_REFUSED,    /* an apply would not touch it */
    HL_HTML_LEAVES,     /* no longer wanted */
    HL_HTML_CHANGES,    /* the spec changed */
    HL_HTML_NEW,
    HL_HTML_WAITS,
    HL_HTML_ABSENT, /* not there, and nobody wants it now */
    HL_HTML_IN_PLACE,
    HL_HTML_STANDINGS
};
struct hl_html_standing_info {
    const char *tone; /* the class of its colour: "bad", "warn", "todo", "wait", "none", "ok" */
    const char *label;
};
const struct hl_html_standing_info *hl_html_standing_info(enum hl_html_standing standing);

struct hl_html_row {
    const struct hl_step *step;
    const struct hl_record *record; /* NULL: not recorded */
    enum hl_html_standing standing;
    int64_t expires_ms; /* 0: never, or not known */
    size_t kind;        /* into page->kinds; its element is "k" and this */
    size_t number;      /* the element is "r" and this */
};

/* Colours that kinds take in turn: the classes h0, h1 ... of the style sheet. */
enum { HL_HTML_HUES = 12 };

struct hl_html_kind {
    const char *name;
    size_t count;
    size_t hue; /* the most frequent kinds have those that differ most */
};

struct hl_html_page {
    struct hl_text *out;
    struct hl_arena *arena;
    const struct hl_html_view *view;
    const struct hl_redactor *redactor;
    struct hl_html_row *rows; /* by kind, within that in the order of the spec */
    size_t rows_count;
    struct hl_map by_address; /* -> struct hl_html_row * */
    struct hl_html_kind *kinds;
    size_t kinds_count;
    size_t counts[HL_HTML_STANDINGS];
};

/* html_rows.c: fills the rows and what is counted from them. */
void hl_html_collect(struct hl_html_page *page);

/* ---- html_text.c ---- */

/* Markup of ours, as it is. */
void hl_html_put(struct hl_html_page *page, const char *markup);
void hl_html_printf(struct hl_html_page *page, const char *format, ...) HL_PRINTF(2, 3);
/* Text of anybody's: masked, visible, escaped; fit for an element and for an attribute in double quotes. NULL is nothing. */
void hl_html_text(struct hl_html_page *page, const char *text);
/* The same, at most `most` bytes of it. */
void hl_html_cut(struct hl_html_page *page, const char *text, size_t most);
/* The first digits of a commit's name. */
void hl_html_commit(struct hl_html_page *page, const char *commit);
/* <time>2026-03-01 12:00</time>, UTC. */
void hl_html_time(struct hl_html_page *page, int64_t ms);
/* "3 hours ago", "just now", "in 12 days", as of the page's own time. */
const char *hl_html_distance(struct hl_html_page *page, int64_t ms);
void hl_html_badge(struct hl_html_page *page, const char *tone, const char *label);
/* The address, as a link to its row where it has one. */
void hl_html_address(struct hl_html_page *page, const char *address);

/* ---- html_table.c: a table that becomes a list of blocks on a narrow screen ---- */

struct hl_html_table {
    struct hl_html_page *page;
    const char *const *heads; /* one a column */
    size_t columns;
    size_t column; /* that comes next */
};
void hl_html_table_begin(struct hl_html_table *table, struct hl_html_page *page, const char *label, const char *const *heads, size_t columns);
/* `id` may be NULL. */
void hl_html_row_begin(struct hl_html_table *table, const char *id);
/* Opens the next cell of the row; the first one is the row's head. */
void hl_html_cell_begin(struct hl_html_table *table);
void hl_html_cell_end(struct hl_html_table *table);
void hl_html_cell_text(struct hl_html_table *table, const char *text);
void hl_html_row_end(struct hl_html_table *table);
void hl_html_table_end(struct hl_html_table *table);

/* ---- sections ---- */

/* html_style.c: all of the style sheet. `hovers` nodes of the graph light up their edges. */
void hl_html_style(struct hl_text *out, size_t hovers);
/* html_summary.c: what a glance must tell. */
void hl_html_summary(struct hl_html_page *page);
/* html_changes.c */
void hl_html_drift(struct hl_html_page *page);
void hl_html_plan(struct hl_html_page *page);
/* html_graph.c */
void hl_html_graph(struct hl_html_page *page);
size_t hl_html_graph_hovers(const struct hl_html_page *page);
/* html_lists.c */
void hl_html_expiries(struct hl_html_page *page);
void hl_html_resources(struct hl_html_page *page);
/* html_history.c */
void hl_html_history(struct hl_html_page *page);

#endif
