/* The table: a row for each action. */
#include "config.h"

#include "reconcile/render/markdown_page.h"

#include "reconcile/render/change.h"
#include "reconcile/render/markdown_text.h"

#include <string.h>

const enum hl_action hl_markdown_order[HL_ACTIONS] = {HL_ACTION_DELETE, HL_ACTION_REPLACE, HL_ACTION_REFUSE, HL_ACTION_UPDATE, HL_ACTION_ADOPT,
                                                      HL_ACTION_CREATE, HL_ACTION_FORGET,  HL_ACTION_DEFER,  HL_ACTION_NONE};

/* Words of ours with names of theirs. What a person must do stands with a deferred step, since nothing else will happen. */
static void put_reason(struct hl_text *text, const struct hl_step *step)
{
    hl_text_puts(text, step->reason);
    if (step->action == HL_ACTION_REPLACE)
        hl_text_puts(text, step->order == HL_REPLACE_CREATE_FIRST ? "; the new one is made first" : "; down until the new one is up");
    if (hl_markdown_destroys(step->action))
        hl_put_users(text, step);
    if (step->moved_from != NULL)
        hl_text_printf(text, "; was %s", step->moved_from);
    if (step->action == HL_ACTION_DEFER && step->hint != NULL)
        hl_text_printf(text, "; %s", step->hint);
}

/* Short: without its reason and its place. */
static void make_row(struct hl_markdown_page *page, const struct hl_step *step, const char *verb, bool is_short)
{
    const struct hl_redactor *redactor = page->markdown->redactor;
    hl_auto(text) struct hl_text reason = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_text *out = &page->scratch;

    hl_text_printf(out, hl_markdown_destroys(step->action) ? "| **%s** | " : "| %s | ", verb);
    hl_markdown_code(out, redactor, step->address, HL_MARKDOWN_ADDRESS);
    hl_text_puts(out, " | ");
    if (!is_short) {
        put_reason(&reason, step);
        hl_markdown_prose(out, redactor, hl_text_get(&reason), HL_MARKDOWN_SENTENCE);
    }
    if (step->loses_data && hl_markdown_destroys(step->action))
        hl_text_printf(out, "%s**its data is lost**", is_short ? "" : "; ");
    hl_text_puts(out, " | ");
    if (step->resource != NULL && !is_short)
        hl_markdown_place(out, page, page->view->file, step->at, false);
    hl_text_puts(out, " |\n");
}

/* Whether all that is destroyed can be told with its reasons. */
static bool fits_whole(struct hl_markdown_page *page)
{
    const struct hl_plan *plan = page->view->plan;
    size_t size = 0;

    for (size_t i = 0; i < plan->count && size <= page->left; i++) {
        if (!hl_markdown_destroys(plan->steps[i]->action))
            continue;
        make_row(page, plan->steps[i], hl_action_info(plan->steps[i]->action)->verb, false);
        size += page->scratch.length;
        hl_text_reset(&page->scratch);
    }
    return size <= page->left;
}

/* "| and 37 more | | 30 CREATE, 7 UPDATE | |" */
static void put_more(struct hl_text *section, const size_t *left_out)
{
    size_t total = left_out[HL_ACTION_NONE];
    const char *between = "";

    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++)
        total += left_out[*action];
    if (total == 0)
        return;
    hl_text_printf(section, "| **and %zu more** | | ", total);
    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        if (left_out[*action] == 0)
            continue;
        hl_text_printf(section, "%s%zu %s", between, left_out[*action], hl_action_info(*action)->verb);
        between = ", ";
    }
    if (left_out[HL_ACTION_NONE] > 0)
        hl_text_printf(section, "%s%zu MOVE", between, left_out[HL_ACTION_NONE]);
    hl_text_puts(section, " | |\n");
}

/* The rows of one action; gives how many had no place. Once one has none, none behind it has: what is left out is the end of the list. */
static size_t put_rows(struct hl_markdown_page *page, struct hl_text *section, enum hl_action action, bool is_short, bool *full)
{
    const struct hl_plan *plan = page->view->plan;
    const bool moved = action == HL_ACTION_NONE; /* nothing is done to those, but that they have another address */
    size_t left_out = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (step->action != action || (moved && step->moved_from == NULL))
            continue;
        if (!*full)
            make_row(page, step, moved ? "MOVE" : hl_action_info(action)->verb, is_short);
        *full = *full || !hl_markdown_take(page, section);
        left_out += *full ? 1 : 0;
    }
    return left_out;
}

void hl_markdown_rows(struct hl_markdown_page *page, struct hl_text *section, bool destructive, struct hl_markdown_omitted *omitted)
{
    const struct hl_plan *plan = page->view->plan;
    const bool is_short = destructive && !fits_whole(page);
    size_t left_out[HL_ACTIONS] = {0};
    bool full = false;

    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        if (hl_markdown_destroys(*action) != destructive || plan->counts[*action] == 0)
            continue;
        left_out[*action] = put_rows(page, section, *action, is_short, &full);
        omitted->destroyed += destructive ? left_out[*action] : 0;
        omitted->reasons += is_short ? plan->counts[*action] - left_out[*action] : 0;
    }
    if (!destructive)
        left_out[HL_ACTION_NONE] = put_rows(page, section, HL_ACTION_NONE, false, &full);
    put_more(section, left_out);
}
