/* The plan as a person reads it: the verdict word first, so that it reads without colour and greps well; what destroys first; the reason to the right; nothing
 * about unchanged objects but a count; the last line always of the same form. */
#include "config.h"

#include "reconcile/render/change.h"
#include "reconcile/render/layout.h"

#include <string.h>

enum {
    VERB_WIDTH = 9,
    CHANGE_INDENT = 11,
    ADDRESS_MINIMUM = 24,
    ADDRESS_MAXIMUM = 44,
    REASON_ROOM = 30, /* a terminal that leaves less than this for reasons gets them unwrapped */
    NAMES_SHOWN = 5,
    UNUSED_SHOWN = 20, /* of what a preview takes from the base: in a large spec that can be every resource */
};

/* In the order of the blocks: what destroys first, what is refused last, where the eye rests. */
static const struct verdict {
    enum hl_action action;
    enum hl_paint paint;
} verdicts[] = {
    {HL_ACTION_REPLACE, HL_PAINT_RED},  {HL_ACTION_DELETE, HL_PAINT_RED}, {HL_ACTION_UPDATE, HL_PAINT_YELLOW}, {HL_ACTION_ADOPT, HL_PAINT_GREEN},
    {HL_ACTION_CREATE, HL_PAINT_GREEN}, {HL_ACTION_FORGET, HL_PAINT_DIM}, {HL_ACTION_DEFER, HL_PAINT_BLUE},    {HL_ACTION_REFUSE, HL_PAINT_RED},
};
_Static_assert(HL_COUNT(verdicts) == HL_ACTIONS - 1, "a verdict for each action but 'none'");

struct page {
    struct hl_text *out;
    struct hl_arena *arena;
    const struct hl_plan_view *view;
    struct hl_look look;
    size_t address_width;
};

static void put_reads(struct hl_text *out, const struct hl_plan_view *view)
{
    bool first = true;

    hl_text_printf(out, "   read in %.2f s", (double)view->read_ms / 1000.0);
    for (size_t i = 0; i < view->stats_count; i++) {
        const struct hl_read_stats *stats = &view->stats[i];

        if (stats->late || stats->error != NULL)
            continue;
        hl_text_puts(out, first ? ": " : ", ");
        hl_put_safe(out, stats->provider);
        hl_text_printf(out, " %zu%s", stats->requests, first ? (stats->requests == 1 ? " call" : " calls") : "");
        first = false;
    }
    for (size_t i = 0; i < view->stats_count; i++) {
        if (!view->stats[i].late)
            continue;
        hl_text_puts(out, first ? ": " : ", ");
        hl_put_safe(out, view->stats[i].provider);
        hl_text_puts(out, " later");
        first = false;
    }
}

/* Why a provider whose needs are in place is not open yet. */
static void put_late(struct hl_text *out, const struct hl_read_stats *stats, bool color)
{
    hl_paint(out, color, HL_PAINT_YELLOW, "later:");
    hl_text_puts(out, " provider '");
    hl_put_safe(out, stats->provider);
    hl_text_puts(out, "' ");
    hl_put_safe(out, stats->late_reason);
    hl_text_putc(out, '\n');
}

static void put_warning(struct hl_text *out, const char *what, const struct hl_error *error, bool color)
{
    hl_auto(heap) char *text = hl_error_text(error);

    hl_paint(out, color, HL_PAINT_RED, "unreadable:");
    hl_text_putc(out, ' ');
    hl_put_safe(out, what);
    hl_text_puts(out, ": ");
    hl_put_safe(out, text);
    hl_text_putc(out, '\n');
    for (; error != NULL; error = error->cause) {
        if (error->hint == NULL)
            continue;
        hl_text_puts(out, "  ");
        hl_paint(out, color, HL_PAINT_BLUE, "hint:");
        hl_text_putc(out, ' ');
        hl_put_safe(out, error->hint);
        hl_text_putc(out, '\n');
    }
}

/* What a reader of a preview must know before anything else. */
static void put_preview(struct hl_text *out, const struct hl_preview_facts *preview, bool color)
{
    hl_paint(out, color, HL_PAINT_YELLOW, "preview:");
    hl_text_printf(out, " not trusted and not to be applied; compared with base %.7s", preview->base);
    if (preview->behind > 0)
        hl_text_printf(out, ", %zu commit%s behind it", preview->behind, preview->behind == 1 ? "" : "s");
    hl_text_puts(out, preview->conflicts ? "; THE TWO DO NOT MERGE, this is the proposal alone\n" : "\n");
    for (size_t i = 0; i < preview->unused.count && i < UNUSED_SHOWN; i++) {
        const struct hl_preview_unused *unused = &preview->unused.items[i];
        hl_paint(out, color, HL_PAINT_YELLOW, "not used:");
        hl_text_putc(out, ' ');
        hl_put_safe(out, unused->path);
        hl_text_printf(out, " is %s here, the base's counts", hl_preview_change_name(unused));
        if (unused->at.line > 0)
            hl_text_printf(out, " (line %u)", unused->at.line);
        hl_text_putc(out, '\n');
    }
    if (preview->unused.count > UNUSED_SHOWN) {
        hl_paint(out, color, HL_PAINT_YELLOW, "not used:");
        hl_text_printf(out, " %zu more, which `--format json` lists\n", preview->unused.count - UNUSED_SHOWN);
    }
}

void hl_render_head(struct hl_text *out, const struct hl_plan_view *view, const char *command, struct hl_look look)
{
    hl_paint_begin(out, look.color, HL_PAINT_BOLD);
    hl_text_printf(out, "hlrec %s", command);
    hl_paint_end(out, look.color, HL_PAINT_BOLD);
    hl_text_puts(out, "  ");
    hl_put_safe(out, view->source != NULL ? view->source : view->file);
    if (view->commit != NULL)
        hl_text_printf(out, " @ %.7s", view->commit);
    if (view->signer != NULL) {
        hl_text_puts(out, " signed by ");
        hl_put_safe(out, view->signer);
    }
    hl_text_printf(out, "   state #%lld", (long long)view->serial);
    put_reads(out, view);
    hl_text_putc(out, '\n');
    for (size_t i = 0; i < view->stats_count; i++) {
        if (view->stats[i].error != NULL)
            put_warning(out, view->stats[i].provider, view->stats[i].error, look.color);
        else if (view->stats[i].late && view->stats[i].late_reason != NULL)
            put_late(out, &view->stats[i], look.color);
    }
    if (view->preview != NULL)
        put_preview(out, view->preview, look.color);
    if (view->other_run != NULL) {
        hl_paint(out, look.color, HL_PAINT_YELLOW, "note:");
        hl_text_putc(out, ' ');
        hl_put_safe(out, view->other_run);
        hl_text_putc(out, '\n');
    }
    hl_text_putc(out, '\n');
}

/* ---- the reason of a step, at the right ---- */

static bool shows_place(const struct hl_step *step)
{
    switch (step->action) {
    case HL_ACTION_CREATE:
    case HL_ACTION_ADOPT:
    case HL_ACTION_DEFER:
    case HL_ACTION_REFUSE:
        return step->at.line > 0;
    case HL_ACTION_NONE:
    case HL_ACTION_UPDATE:
    case HL_ACTION_REPLACE:
    case HL_ACTION_DELETE:
    case HL_ACTION_FORGET:
    case HL_ACTIONS:
        break;
    }
    return step->at.line > 0 && step->changes_count == 0 && step->resource != NULL;
}

static void put_reason(struct page *page, struct hl_text *text, const struct hl_step *step)
{
    hl_text_puts(text, step->reason);
    if (step->action == HL_ACTION_REPLACE) {
        hl_text_puts(text, step->order == HL_REPLACE_CREATE_FIRST ? "; the new one is made first" : "; down until the new one is up");
        hl_put_users(text, step);
    }
    if (step->moved_from != NULL)
        hl_text_printf(text, "; was %s", step->moved_from);
    if (step->loses_data && (step->action == HL_ACTION_DELETE || step->action == HL_ACTION_REPLACE))
        hl_text_puts(text, "; ITS DATA IS LOST");
    if (step->action == HL_ACTION_DEFER && step->hint != NULL)
        hl_text_printf(text, " -> %s", step->hint);
    if (shows_place(step))
        hl_text_printf(text, "  %s:%u", page->view->file, step->at.line);
}

static void put_verdict(struct page *page, const char *verb, enum hl_paint paint, const char *address, const char *reason)
{
    struct hl_text *out = page->out;
    const size_t column = VERB_WIDTH + page->address_width + 2;
    const size_t width = (size_t)page->look.width > column + REASON_ROOM ? (size_t)page->look.width : 0;
    size_t from = out->length;

    hl_paint(out, page->look.color, paint, verb);
    hl_pad(out, from, VERB_WIDTH);
    from = out->length;
    hl_put_safe(out, address);
    hl_pad(out, from, page->address_width);
    if (reason[0] != '\0') {
        hl_text_puts(out, "  ");
        hl_put_wrapped(out, reason, column, column, width);
    }
    hl_text_putc(out, '\n');
}

static void put_below(struct page *page, const char *label, enum hl_paint paint, const char *text)
{
    const size_t width = page->look.width > CHANGE_INDENT + REASON_ROOM ? (size_t)page->look.width : 0;

    hl_spaces(page->out, CHANGE_INDENT);
    hl_paint(page->out, page->look.color, paint, label);
    hl_text_putc(page->out, ' ');
    hl_put_wrapped(page->out, text, CHANGE_INDENT + strlen(label) + 1, CHANGE_INDENT + 2, width);
    hl_text_putc(page->out, '\n');
}

static void put_error(struct page *page, const struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    put_below(page, "error:", HL_PAINT_RED, text);
    for (; error != NULL; error = error->cause) {
        if (error->hint != NULL)
            put_below(page, "hint:", HL_PAINT_BLUE, error->hint);
    }
}

/* A system that cannot be read stands at the head of the plan, with its hints: not again at each of its resources, nor at a secret that another system keeps.
 */
static bool is_at_head(const struct page *page, const struct hl_step *step)
{
    if (step->live->error == NULL)
        return false;

    hl_auto(heap) char *own = hl_error_text(step->live->error);

    for (size_t i = 0; i < page->view->stats_count; i++) {
        const struct hl_read_stats *stats = &page->view->stats[i];
        hl_auto(heap) char *text = stats->error != NULL ? hl_error_text(stats->error) : NULL;

        if (text != NULL && strcmp(text, own) == 0)
            return true;
    }
    return false;
}

/* Why it is refused, and what to do. */
static void put_refusal(struct page *page, const struct hl_step *step)
{
    if (is_at_head(page, step))
        return;
    if (step->live->error != NULL)
        put_error(page, step->live->error);
    if (step->hint != NULL)
        put_below(page, "hint:", HL_PAINT_BLUE, step->hint);
}

static void put_step(struct page *page, const struct hl_step *step, enum hl_paint paint)
{
    const struct hl_change_look look = {.look = page->look, .file = page->view->file, .indent = CHANGE_INDENT};
    hl_auto(text) struct hl_text reason = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_changes changes;

    put_reason(page, &reason, step);
    put_verdict(page, hl_action_info(step->action)->verb, paint, step->address, hl_text_get(&reason));
    hl_shown_changes(page->arena, step, &changes);
    /* What a new object will be stands in the spec; it is repeated on demand only. */
    if (step->action != HL_ACTION_CREATE || page->look.verbose)
        hl_changes_human(page->out, &changes, &look);
    if (step->action == HL_ACTION_REFUSE)
        put_refusal(page, step);
    else if (step->hint != NULL && step->action != HL_ACTION_DEFER)
        put_below(page, "hint:", HL_PAINT_BLUE, step->hint);
    if (step->live->note != NULL)
        put_below(page, "note:", HL_PAINT_YELLOW, step->live->note);
}

/* A word about what stays as it is: a crash loop. That an optional thing is not there is no news. */
static bool has_note(const struct hl_step *step, struct hl_look look)
{
    return step->live->note != NULL && (!step->absent || look.verbose);
}

static void put_unchanged(struct page *page, const struct hl_step *step)
{
    if (step->action != HL_ACTION_NONE)
        return;
    if (step->moved_from != NULL)
        put_verdict(page, "MOVE", HL_PAINT_DIM, step->address, hl_arena_printf(page->arena, "was %s", step->moved_from));
    if (has_note(step, page->look))
        put_verdict(page, "NOTE", HL_PAINT_YELLOW, step->address, step->live->note);
}

static bool is_shown(const struct hl_step *step, struct hl_look look)
{
    return step->action != HL_ACTION_NONE || step->moved_from != NULL || has_note(step, look);
}

static size_t measure_addresses(const struct hl_plan *plan, struct hl_look look)
{
    size_t width = ADDRESS_MINIMUM;

    for (size_t i = 0; i < plan->count; i++) {
        const size_t own = hl_width(plan->steps[i]->address, strlen(plan->steps[i]->address));

        if (is_shown(plan->steps[i], look) && own > width && own <= ADDRESS_MAXIMUM)
            width = own;
    }
    return width;
}

/* A guard that is one of the refused steps has its hint there. */
static bool is_hint_of_step(const struct hl_plan *plan, const char *hint)
{
    bool found = false;

    for (size_t i = 0; i < plan->count && !found; i++)
        found = plan->steps[i]->action == HL_ACTION_REFUSE && plan->steps[i]->hint == hint;
    return found;
}

static void put_guard(struct page *page)
{
    const struct hl_plan *plan = page->view->plan;

    hl_paint(page->out, page->look.color, HL_PAINT_RED, "REFUSED");
    hl_text_puts(page->out, "  apply stops here: ");
    hl_put_safe(page->out, plan->guard);
    hl_text_putc(page->out, '\n');
    if (plan->guard_hint != NULL && !is_hint_of_step(plan, plan->guard_hint))
        put_below(page, "hint:", HL_PAINT_BLUE, plan->guard_hint);
    hl_text_putc(page->out, '\n');
}

void hl_render_plan_human(struct hl_text *out, const struct hl_plan_view *view, struct hl_look look)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_plan *plan = view->plan;
    struct page page = {.out = out, .arena = arena, .view = view, .look = look, .address_width = measure_addresses(plan, look)};

    hl_render_head(out, view, "plan", look);

    const size_t head = out->length;

    for (size_t i = 0; i < HL_COUNT(verdicts); i++) {
        for (size_t j = 0; plan->counts[verdicts[i].action] > 0 && j < plan->count; j++) {
            if (plan->steps[j]->action == verdicts[i].action)
                put_step(&page, plan->steps[j], verdicts[i].paint);
        }
    }
    for (size_t i = 0; i < plan->count; i++)
        put_unchanged(&page, plan->steps[i]);
    if (out->length > head)
        hl_text_putc(out, '\n');
    if (plan->count == plan->counts[HL_ACTION_NONE])
        hl_text_puts(out, "No changes.\n");
    if (plan->guard != NULL)
        put_guard(&page);
    hl_render_summary(out, plan);
    hl_text_putc(out, '\n');
}

void hl_render_step_human(struct hl_text *out, const struct hl_plan_view *view, const struct hl_step *step, struct hl_look look)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct page page = {.out = out, .arena = arena, .view = view, .look = look, .address_width = ADDRESS_MINIMUM};

    for (size_t i = 0; i < HL_COUNT(verdicts); i++) {
        if (verdicts[i].action == step->action)
            put_step(&page, step, verdicts[i].paint);
    }
}

/* ---- the last line ---- */

static void put_losses(struct hl_text *out, const struct hl_plan *plan)
{
    size_t count = 0;

    hl_text_puts(out, "Data loss:");
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (!step->loses_data || (step->action != HL_ACTION_DELETE && step->action != HL_ACTION_REPLACE))
            continue;
        if (count < NAMES_SHOWN) {
            hl_text_puts(out, count > 0 ? ", " : " ");
            hl_put_safe(out, step->address);
        }
        count++;
    }
    if (count > NAMES_SHOWN)
        hl_text_printf(out, " and %zu more", count - NAMES_SHOWN);
    hl_text_puts(out, count == 0 ? " none." : ".");
}

void hl_render_summary(struct hl_text *out, const struct hl_plan *plan)
{
    static const struct {
        enum hl_action action;
        bool always;
        const char *words;
    } parts[] = {
        {HL_ACTION_CREATE, true, "to create"}, {HL_ACTION_UPDATE, true, "to update"}, {HL_ACTION_REPLACE, true, "to replace"},
        {HL_ACTION_DELETE, true, "to delete"}, {HL_ACTION_ADOPT, false, "to adopt"},  {HL_ACTION_FORGET, false, "to forget"},
        {HL_ACTION_DEFER, true, "deferred"},   {HL_ACTION_REFUSE, false, "refused"},  {HL_ACTION_NONE, true, "unchanged"},
    };
    _Static_assert(HL_COUNT(parts) == HL_ACTIONS, "a part for each action");
    bool first = true;

    hl_text_puts(out, "Plan: ");
    for (size_t i = 0; i < HL_COUNT(parts); i++) {
        if (!parts[i].always && plan->counts[parts[i].action] == 0)
            continue;
        hl_text_printf(out, "%s%zu %s", first ? "" : ", ", plan->counts[parts[i].action], parts[i].words);
        first = false;
    }
    hl_text_puts(out, ". ");
    put_losses(out, plan);
}

void hl_render_apply_summary(struct hl_text *out, const struct hl_apply_result *result, int64_t elapsed_ms, struct hl_look look)
{
    const struct {
        size_t count;
        const char *word;
        enum hl_paint paint;
    } parts[] = {{result->failed, "failed", HL_PAINT_RED},
                 {result->skipped, "skipped", HL_PAINT_YELLOW},
                 {result->refused, "refused", HL_PAINT_RED},
                 {result->deferred, "deferred", HL_PAINT_BLUE}};
    size_t done = 0;

    hl_text_printf(out, "Applied in %.1f s: ", (double)elapsed_ms / 1000.0);
    for (int action = HL_ACTION_CREATE; action <= HL_ACTION_FORGET; action++) {
        if (result->done[action] == 0)
            continue;
        hl_text_printf(out, "%s%zu %s", done > 0 ? ", " : "", result->done[action], hl_action_info((enum hl_action)action)->done);
        done++;
    }
    hl_text_puts(out, done == 0 ? "nothing changed" : "");
    for (size_t i = 0; i < HL_COUNT(parts); i++) {
        if (parts[i].count == 0)
            continue;
        hl_text_printf(out, ", %zu ", parts[i].count);
        hl_paint(out, look.color, parts[i].paint, parts[i].word);
    }
    hl_text_puts(out, result->interrupted ? "; interrupted.\n" : ".\n");
}
