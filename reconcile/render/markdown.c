/* The plan as a comment on a pull request: a table to be read at a glance, the fields folded below it. Names and values come from untrusted places: nothing in
 * them may end a table, a code span or a fence, mention a person, load an image or make a link. */
#include "config.h"

#include "reconcile/render/markdown.h"

#include "reconcile/render/change.h"
#include "reconcile/render/layout.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* As an entity of HTML every character is only itself: Markdown does not look for marks in entities, nor do tables. */
static void put_entities(struct hl_text *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];

        if (is_alphanumeric(c) || strchr(" .,-/=", c) != NULL || (unsigned char)c >= 0x80)
            hl_text_putc(out, c);
        else
            hl_text_printf(out, "&#%d;", (int)(unsigned char)c);
    }
}

/* Text without any character that could end a code span or a cell. */
static bool is_plain_code(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_alphanumeric(text[i]) && strchr(" .,:;-_/=+@%()[]{}\"'<>*#~$&?!", text[i]) == NULL)
            return false;
    }
    return length > 0 && text[0] != ' ' && text[length - 1] != ' ';
}

void hl_markdown_code(struct hl_text *out, const char *text)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_put_safe(&safe, text);
    if (is_plain_code(hl_text_get(&safe), safe.length)) {
        hl_text_printf(out, "`%s`", hl_text_get(&safe));
    } else {
        hl_text_puts(out, "<code>");
        put_entities(out, hl_text_get(&safe), safe.length);
        hl_text_puts(out, "</code>");
    }
}

/* A sentence of ours may hold names of theirs: where it holds more than words and addresses, it is shown as code, in which nothing is linked or mentioned. */
void hl_markdown_prose(struct hl_text *out, const char *text)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);
    bool plain = true;

    hl_put_safe(&safe, text);
    for (const char *c = hl_text_get(&safe); *c != '\0'; c++)
        plain = plain && (is_alphanumeric(*c) || strchr(" .,:;-()'_`/=", *c) != NULL);
    if (!plain || strstr(hl_text_get(&safe), "//") != NULL || strstr(hl_text_get(&safe), "www.") != NULL) {
        hl_markdown_code(out, text);
        return;
    }
    for (const char *c = hl_text_get(&safe); *c != '\0'; c++) {
        if (*c == '_' || *c == '`')
            hl_text_putc(out, '\\');
        hl_text_putc(out, *c);
    }
}

static size_t longest_run(const char *text, char c)
{
    size_t longest = 0;
    size_t run = 0;

    for (; *text != '\0'; text++) {
        run = *text == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* A fence longer than any run of backticks within: nothing inside can close it. */
void hl_markdown_fence(struct hl_text *out, const char *language, const char *text)
{
    const size_t run = longest_run(text, '`');
    const size_t length = run < 3 ? 3 : run + 1;

    for (size_t i = 0; i < length; i++)
        hl_text_putc(out, '`');
    hl_text_printf(out, "%s\n%s", language, text);
    if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
        hl_text_putc(out, '\n');
    for (size_t i = 0; i < length; i++)
        hl_text_putc(out, '`');
    hl_text_putc(out, '\n');
}

/* ---- the plan ---- */

static const enum hl_action order[] = {HL_ACTION_REPLACE, HL_ACTION_DELETE, HL_ACTION_UPDATE, HL_ACTION_ADOPT,
                                       HL_ACTION_CREATE,  HL_ACTION_FORGET, HL_ACTION_DEFER,  HL_ACTION_REFUSE};
_Static_assert(HL_COUNT(order) == HL_ACTIONS - 1, "a place for each action but 'none'");

static bool is_destructive(const struct hl_step *step)
{
    return step->action == HL_ACTION_REPLACE || step->action == HL_ACTION_DELETE;
}

static void put_row(struct hl_text *out, const struct hl_plan_view *view, const struct hl_step *step)
{
    const char *verb = hl_action_info(step->action)->verb;

    hl_text_printf(out, is_destructive(step) ? "| **%s** | " : "| %s | ", verb);
    hl_markdown_code(out, step->address);
    hl_text_puts(out, " | ");
    hl_markdown_prose(out, step->reason);
    if (step->loses_data && is_destructive(step))
        hl_text_puts(out, "; **its data is lost**");
    hl_text_puts(out, " | ");
    if (step->at.line > 0 && step->resource != NULL) {
        hl_auto(text) struct hl_text place = HL_TEXT_INIT(HL_MAX_RENDER);

        hl_text_printf(&place, "%s:%u", view->file, step->at.line);
        hl_markdown_code(out, hl_text_get(&place));
    }
    hl_text_puts(out, " |\n");
}

static void put_details(struct hl_text *out, struct hl_arena *arena, const struct hl_plan_view *view, const struct hl_step *step)
{
    const struct hl_change_look look = {.file = view->file, .indent = 0};
    hl_auto(text) struct hl_text fields = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_changes changes;

    hl_shown_changes(arena, step, &changes);
    if (changes.count == 0 && step->hint == NULL && (step->live->error == NULL || step->action != HL_ACTION_REFUSE))
        return;
    hl_text_printf(out, "<details%s><summary>%s <code>", is_destructive(step) ? " open" : "", hl_action_info(step->action)->verb);
    put_entities(out, step->address, strlen(step->address));
    hl_text_puts(out, "</code></summary>\n\n");
    hl_changes_human(&fields, &changes, &look);
    if (step->action == HL_ACTION_REFUSE && step->live->error != NULL) {
        hl_auto(heap) char *text = hl_error_text(step->live->error);

        hl_text_puts(&fields, "error: ");
        hl_put_safe(&fields, text);
        hl_text_putc(&fields, '\n');
    }
    if (step->hint != NULL) {
        hl_text_puts(&fields, "hint: ");
        hl_put_safe(&fields, step->hint);
        hl_text_putc(&fields, '\n');
    }
    hl_markdown_fence(out, "text", hl_text_get(&fields));
    hl_text_puts(out, "\n</details>\n\n");
}

static void put_head(struct hl_text *out, const struct hl_plan_view *view)
{
    hl_text_puts(out, "### hlrec plan: ");
    hl_markdown_code(out, view->stack != NULL ? view->stack : "?");
    hl_text_puts(out, "\n\n**");
    hl_render_summary(out, view->plan);
    hl_text_puts(out, "**\n\n");
    for (size_t i = 0; i < view->stats_count; i++) {
        if (view->stats[i].error == NULL)
            continue;

        hl_auto(heap) char *text = hl_error_text(view->stats[i].error);

        hl_text_puts(out, "> :warning: ");
        hl_markdown_code(out, view->stats[i].provider);
        hl_text_puts(out, " could not be read: ");
        hl_markdown_prose(out, text);
        hl_text_puts(out, "\n\n");
    }
    if (view->plan->guard != NULL) {
        hl_text_puts(out, "> :no_entry: apply stops here: ");
        hl_markdown_prose(out, view->plan->guard);
        hl_text_puts(out, "\n\n");
    }
}

static void put_findings(struct hl_text *out, const struct hl_plan *plan)
{
    for (size_t i = 0; i < plan->diags.count; i++) {
        const struct hl_diag *diag = &plan->diags.items[i];

        hl_text_printf(out, "- %s: ", diag->severity == HL_SEVERITY_ERROR ? "**error**" : "warning");
        if (diag->file != NULL && diag->at.line > 0) {
            hl_auto(text) struct hl_text place = HL_TEXT_INIT(HL_MAX_RENDER);

            hl_text_printf(&place, "%s:%u:%u", diag->file, diag->at.line, diag->at.column);
            hl_markdown_code(out, hl_text_get(&place));
            hl_text_putc(out, ' ');
        }
        hl_markdown_prose(out, diag->message);
        hl_text_putc(out, '\n');
    }
    if (plan->diags.count > 0)
        hl_text_putc(out, '\n');
}

void hl_render_plan_markdown(struct hl_text *out, const struct hl_plan_view *view)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_plan *plan = view->plan;
    const bool any = plan->count > plan->counts[HL_ACTION_NONE];

    put_head(out, view);
    put_findings(out, plan);
    if (any)
        hl_text_puts(out, "| | resource | why | where |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < HL_COUNT(order); i++) {
        for (size_t j = 0; j < plan->count; j++) {
            if (plan->steps[j]->action == order[i])
                put_row(out, view, plan->steps[j]);
        }
    }
    hl_text_puts(out, any ? "\n" : "");
    for (size_t i = 0; i < HL_COUNT(order); i++) {
        for (size_t j = 0; j < plan->count; j++) {
            if (plan->steps[j]->action == order[i])
                put_details(out, arena, view, plan->steps[j]);
        }
    }
}
