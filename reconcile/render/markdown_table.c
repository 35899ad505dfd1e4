/* The table: a row for each action. */
#include "config.h"

#include "reconcile/render/markdown_page.h"

#include "reconcile/render/markdown_text.h"

#include <string.h>

enum { USERS_SHOWN = 3 };

const enum hl_action hl_markdown_order[HL_ACTIONS] = {HL_ACTION_REPLACE, HL_ACTION_DELETE, HL_ACTION_UPDATE, HL_ACTION_ADOPT, HL_ACTION_CREATE,
                                                      HL_ACTION_FORGET,  HL_ACTION_DEFER,  HL_ACTION_REFUSE, HL_ACTION_NONE};

static void put_users(struct hl_text *text, const struct hl_step *step)
{
    size_t count = 0;

    for (; step->used_by != NULL && step->used_by[count] != NULL; count++)
        continue;
    for (size_t i = 0; i < count && i < USERS_SHOWN; i++)
        hl_text_printf(text, "%s%s", i == 0 ? "; used by " : ", ", step->used_by[i]);
    if (count > USERS_SHOWN)
        hl_text_printf(text, " and %zu more", count - USERS_SHOWN);
}

/* Words of ours with names of theirs. What a person must do stands with a deferred step, since nothing else will happen. */
static void put_reason(struct hl_text *text, const struct hl_step *step)
{
    hl_text_puts(text, step->reason);
    if (step->action == HL_ACTION_REPLACE)
        hl_text_puts(text, step->order == HL_REPLACE_CREATE_FIRST ? "; the new one is made first" : "; down until the new one is up");
    if (hl_markdown_destroys(step->action))
        put_users(text, step);
    if (step->moved_from != NULL)
        hl_text_printf(text, "; was %s", step->moved_from);
    if (step->action == HL_ACTION_DEFER && step->hint != NULL)
        hl_text_printf(text, "; %s", step->hint);
}

static void make_row(struct hl_markdown_page *page, const struct hl_step *step, const char *verb)
{
    const struct hl_redactor *redactor = page->markdown->redactor;
    hl_auto(text) struct hl_text reason = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_text *out = &page->scratch;

    hl_text_printf(out, hl_markdown_destroys(step->action) ? "| **%s** | " : "| %s | ", verb);
    hl_markdown_code(out, redactor, step->address, HL_MARKDOWN_ADDRESS);
    hl_text_puts(out, " | ");
    put_reason(&reason, step);
    hl_markdown_prose(out, redactor, hl_text_get(&reason), HL_MARKDOWN_SENTENCE);
    if (step->loses_data && hl_markdown_destroys(step->action))
        hl_text_puts(out, "; **its data is lost**");
    hl_text_puts(out, " | ");
    if (step->resource != NULL)
        hl_markdown_place(out, page, page->view->file, step->at, false);
    hl_text_puts(out, " |\n");
}

/* "| and 37 more | | 30 CREATE, 7 UPDATE | |" */
static void put_more(struct hl_text *section, const size_t *left_out, size_t moved)
{
    size_t total = moved;
    const char *between = "";

    for (int i = 0; i < HL_ACTIONS; i++)
        total += left_out[i];
    if (total == 0)
        return;
    hl_text_printf(section, "| **and %zu more** | | ", total);
    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        if (left_out[*action] == 0)
            continue;
        hl_text_printf(section, "%s%zu %s", between, left_out[*action], hl_action_info(*action)->verb);
        between = ", ";
    }
    if (moved > 0)
        hl_text_printf(section, "%s%zu MOVE", between, moved);
    hl_text_puts(section, " | |\n");
}

void hl_markdown_rows(struct hl_markdown_page *page, struct hl_text *section, bool destructive)
{
    const struct hl_plan *plan = page->view->plan;
    size_t left_out[HL_ACTIONS] = {0};
    size_t moved = 0;
    bool full = false;

    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        if (hl_markdown_destroys(*action) != destructive || plan->counts[*action] == 0)
            continue;
        for (size_t i = 0; i < plan->count; i++) {
            if (plan->steps[i]->action != *action)
                continue;
            if (!full)
                make_row(page, plan->steps[i], hl_action_info(*action)->verb);
            full = full || !hl_markdown_take(page, section);
            left_out[*action] += full ? 1 : 0;
        }
    }
    for (size_t i = 0; !destructive && i < plan->count; i++) {
        if (plan->steps[i]->action != HL_ACTION_NONE || plan->steps[i]->moved_from == NULL)
            continue;
        if (!full)
            make_row(page, plan->steps[i], "MOVE");
        full = full || !hl_markdown_take(page, section);
        moved += full ? 1 : 0;
    }
    put_more(section, left_out, moved);
}
