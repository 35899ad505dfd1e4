/* `hlrec report`: one page about a stack, for a browser: its present drift, what an apply would do, its graph, what ends when, and its former runs.
 *
 * The page needs nothing but itself: no script, no picture, font or style from elsewhere, and its policy (CSP) allows none. It is plain HTML that reads well
 * on a phone, on a desk and by ear; light or dark as the reader's system is. Pure: the same view gives the same bytes.
 *
 * All that comes from outside is masked first (in an escaped text the redactor would not find secrets), then made visible, then escaped. */
#ifndef HL_RECONCILE_RENDER_HTML_H
#define HL_RECONCILE_RENDER_HTML_H

#include "reconcile/render/render.h"

/* A former run, and what it did where that is to be shown. */
struct hl_html_run {
    const struct hl_run_row *row;
    const struct hl_event_row *events;
    size_t events_count;
};

struct hl_html_view {
    struct hl_plan_view plan;        /* of the whole stack */
    const struct hl_spec *spec;      /* whose graph it is */
    const struct hl_map *records;    /* address -> struct hl_record * */
    const struct hl_map *unfinished; /* addresses that a run died on */
    const struct hl_html_run *runs;  /* the last one first */
    size_t runs_count;
    const char *suspended; /* "suspended by ... until ...: REASON", or NULL */
    const char *host;      /* where the page was made */
    const char *version;   /* by which hlrec */
    bool asked;            /* the systems were read; else what is recorded stands for what is live */
    int64_t now_ms;
};

/* The whole document. `redactor` may be NULL. */
void hl_render_html(struct hl_text *out, const struct hl_html_view *view, const struct hl_redactor *redactor);

#endif
