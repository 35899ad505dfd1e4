/* The fields of each resource that changes, folded; those of what is destroyed are shown open. */
#include "config.h"

#include "reconcile/render/markdown_page.h"

#include "reconcile/render/change.h"
#include "reconcile/render/layout.h"
#include "reconcile/render/markdown_text.h"

#include <string.h>

enum {
    SHARE = 6,          /* one block takes a sixth of the comment at most, */
    FRAME = 512,        /* of which this is for its summary and fence, */
    LEAST = 256,        /* and with less than this for the fields it is not worth beginning */
    LINE_MAXIMUM = 500, /* of one line */
};

static void put_line(struct hl_text *out, const char *label, const char *text)
{
    hl_text_puts(out, label);
    hl_put_safe(out, text);
    hl_text_putc(out, '\n');
}

static void put_error(struct hl_text *out, const struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    put_line(out, "error: ", text);
    for (; error != NULL; error = error->cause) {
        if (error->hint != NULL)
            put_line(out, "hint: ", error->hint);
    }
}

/* The hint of what stops the whole plan stands above it already. */
static const char *own_hint(const struct hl_markdown_page *page, const struct hl_step *step)
{
    const char *told = page->view->plan->guard_hint;

    if (step->hint == NULL || step->action == HL_ACTION_DEFER || (told != NULL && strcmp(step->hint, told) == 0))
        return NULL;
    return step->hint;
}

/* What there is to say about a step besides its row; `changes` are those shown. */
static void put_fields(struct hl_text *out, const struct hl_markdown_page *page, const struct hl_step *step, const struct hl_changes *changes)
{
    const struct hl_change_look look = {.file = page->view->file, .indent = 0};
    const char *hint = own_hint(page, step);

    hl_changes_human(out, changes, &look);
    if (step->action == HL_ACTION_REFUSE && step->live->error != NULL)
        put_error(out, step->live->error);
    if (hint != NULL)
        put_line(out, "hint: ", hint);
    if (step->live->note != NULL)
        put_line(out, "note: ", step->live->note);
}

/* Why the fields differ: what somebody proposes, what somebody did behind hlrec's back, or what time has done. */
static const char *origin_of(const struct hl_step *step)
{
    bool spec = false;
    bool drift = false;

    for (size_t i = 0; i < step->changes_count; i++) {
        const struct hl_change *change = &step->changes[i];

        spec = spec || change->origin != HL_ORIGIN_DRIFT;
        drift = drift || (change->origin != HL_ORIGIN_SPEC && !hl_change_is_age(change));
    }
    if (drift)
        return spec ? ": the spec changed, and drift" : ": drift";
    return spec ? ": the spec changed" : "";
}

static size_t size_of_line(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);

    return end == NULL ? length : (size_t)(end - text);
}

/* Appends one line, at most LINE_MAXIMUM bytes of it, never the half of a character. */
static void put_cut(struct hl_text *out, const char *line, size_t length)
{
    size_t shown = length;

    if (length > LINE_MAXIMUM) {
        for (shown = LINE_MAXIMUM; shown > 0 && ((unsigned char)line[shown] & 0xc0) == 0x80; shown--)
            continue;
    }
    hl_text_append(out, line, shown);
    hl_text_puts(out, shown < length ? "...\n" : "\n");
}

/* As many lines as fit into `most` bytes; gives how many do not. */
static size_t put_lines(struct hl_text *out, const struct hl_text *all, size_t most)
{
    const char *text = hl_text_get(all);
    size_t left_out = 0;

    for (size_t at = 0; at < all->length;) {
        const size_t length = size_of_line(text + at, all->length - at);

        if (left_out > 0 || out->length + (length < LINE_MAXIMUM ? length : LINE_MAXIMUM) + 64 > most)
            left_out++;
        else
            put_cut(out, text + at, length);
        at += length + 1;
    }
    if (left_out > 0)
        hl_text_printf(out, "... %zu more %s\n", left_out, left_out == 1 ? "line" : "lines");
    return left_out;
}

/* Into page->scratch; gives the number of lines left out. */
static size_t make_block(struct hl_markdown_page *page, const struct hl_step *step, const struct hl_text *fields, size_t most)
{
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(HL_MAX_RENDER);
    size_t left_out;

    hl_markdown_clean(&clean, page->markdown->redactor, hl_text_get(fields), fields->length, true);
    left_out = put_lines(&shown, &clean, most);
    hl_text_printf(&page->scratch, "<details%s><summary>%s ", hl_markdown_destroys(step->action) ? " open" : "", hl_action_info(step->action)->verb);
    hl_markdown_html_code(&page->scratch, page->markdown->redactor, step->address, HL_MARKDOWN_ADDRESS);
    hl_text_printf(&page->scratch, "%s</summary>\n\n", origin_of(step));
    hl_markdown_fence(&page->scratch, "text", hl_text_get(&shown), shown.length);
    hl_text_puts(&page->scratch, "\n</details>\n\n");
    return left_out;
}

/* The changes of a step. What is new has nothing to be replaced. */
static void collect(struct hl_arena *arena, const struct hl_step *step, struct hl_changes *out)
{
    struct hl_change *own;

    hl_shown_changes(arena, step, out);
    if (step->action != HL_ACTION_CREATE || out->count == 0)
        return;
    own = hl_arena_alloc(arena, out->count * sizeof(*own));
    memcpy(own, out->items, out->count * sizeof(*own));
    for (size_t i = 0; i < out->count; i++)
        own[i].forces_replacement = false;
    out->items = own;
}

static void put_step(struct hl_markdown_page *page, struct hl_text *section, const struct hl_step *step, struct hl_markdown_omitted *omitted)
{
    const size_t share = page->limit / SHARE < page->left ? page->limit / SHARE : page->left;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_changes changes;
    hl_auto(text) struct hl_text fields = HL_TEXT_INIT(HL_MAX_RENDER);
    size_t lines;

    collect(arena, step, &changes);
    put_fields(&fields, page, step, &changes);
    if (fields.length == 0)
        return;
    if (share < FRAME + LEAST) {
        omitted->blocks++;
        return;
    }
    lines = make_block(page, step, &fields, share - FRAME);
    if (hl_markdown_take(page, section))
        omitted->lines += lines;
    else
        omitted->blocks++;
}

void hl_markdown_details(struct hl_markdown_page *page, struct hl_text *section, struct hl_markdown_omitted *omitted)
{
    const struct hl_plan *plan = page->view->plan;

    for (const enum hl_action *action = hl_markdown_order; *action != HL_ACTION_NONE; action++) {
        for (size_t i = 0; plan->counts[*action] > 0 && i < plan->count; i++) {
            if (plan->steps[i]->action == *action)
                put_step(page, section, plan->steps[i], omitted);
        }
    }
}
