/* The parts of a plan's comment, each measured before it is taken. Private to render. */
#ifndef HL_RECONCILE_RENDER_MARKDOWN_PAGE_H
#define HL_RECONCILE_RENDER_MARKDOWN_PAGE_H

#include "reconcile/render/markdown.h"

/* Bytes that one part takes at most, so that no name, however long, pushes out the rest. */
enum {
    HL_MARKDOWN_ADDRESS = 200,
    HL_MARKDOWN_PLACE = 160,
    HL_MARKDOWN_SENTENCE = 400,
};

struct hl_markdown_page {
    const struct hl_plan_view *view;
    const struct hl_markdown *markdown;
    size_t limit;           /* of the whole comment */
    size_t left;            /* what is still to be had */
    struct hl_text scratch; /* the part that is being made */
};

static inline bool hl_markdown_destroys(enum hl_action action)
{
    return action == HL_ACTION_REPLACE || action == HL_ACTION_DELETE;
}

/* In the order of the table: what destroys, what apply will not do, the rest. Ends with HL_ACTION_NONE. */
extern const enum hl_action hl_markdown_order[HL_ACTIONS];

/* Moves page->scratch to the end of `section` when there is room for it; empties it in any case. */
bool hl_markdown_take(struct hl_markdown_page *page, struct hl_text *section);
/* "`hlrec.yaml:12`"; nothing without a line. */
void hl_markdown_place(struct hl_text *out, const struct hl_markdown_page *page, const char *file, struct hl_span at, bool column);

/* markdown_list.c: the findings as a list; gives how many there was no room for. */
size_t hl_markdown_findings(struct hl_markdown_page *page, struct hl_text *section, const struct hl_diags *diags);
/* The chain of an error and its hints, as items of the list. */
void hl_markdown_error(struct hl_markdown_page *page, struct hl_text *section, const struct hl_error *error);

/* What had no place. */
struct hl_markdown_omitted {
    size_t destroyed; /* rows of what is destroyed */
    size_t reasons;   /* of such rows */
    size_t blocks;    /* of fields, not shown at all */
    size_t lines;     /* left out of blocks that are shown */
};

/* markdown_table.c: rows of what destroys, or all others; the last one says how many more there are. */
enum { HL_MARKDOWN_MORE = 256 }; /* bytes of that last row, which are not taken from page->left */
void hl_markdown_rows(struct hl_markdown_page *page, struct hl_text *section, bool destructive, struct hl_markdown_omitted *omitted);

/* markdown_details.c: a folded block for each resource that has fields to show. */
void hl_markdown_details(struct hl_markdown_page *page, struct hl_text *section, struct hl_markdown_omitted *omitted);

#endif
