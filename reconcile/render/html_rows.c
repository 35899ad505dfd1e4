/* How each resource stands, from the plan and the records. */
#include "config.h"

#include "reconcile/render/html_page.h"

#include <string.h>

const struct hl_html_standing_info *hl_html_standing_info(enum hl_html_standing standing)
{
    static const struct hl_html_standing_info infos[] = {
        [HL_HTML_UNFINISHED] = {"bad", "unfinished"}, [HL_HTML_UNREAD] = {"bad", "not read"},  [HL_HTML_GONE] = {"bad", "gone"},
        [HL_HTML_DRIFTED] = {"warn", "drifted"},      [HL_HTML_REFUSED] = {"bad", "refused"},  [HL_HTML_LEAVES] = {"todo", "to go"},
        [HL_HTML_CHANGES] = {"todo", "to change"},    [HL_HTML_NEW] = {"todo", "new"},         [HL_HTML_WAITS] = {"wait", "waits"},
        [HL_HTML_ABSENT] = {"none", "absent"},        [HL_HTML_IN_PLACE] = {"ok", "in place"},
    };

    _Static_assert(HL_COUNT(infos) == HL_HTML_STANDINGS, "words for each standing");
    return &infos[standing];
}

static enum hl_html_standing standing_of_action(enum hl_action action)
{
    switch (action) {
    case HL_ACTION_CREATE:
    case HL_ACTION_ADOPT:
        return HL_HTML_NEW;
    case HL_ACTION_UPDATE:
    case HL_ACTION_REPLACE:
        return HL_HTML_CHANGES;
    case HL_ACTION_DELETE:
    case HL_ACTION_FORGET:
        return HL_HTML_LEAVES;
    case HL_ACTION_DEFER:
        return HL_HTML_WAITS;
    case HL_ACTION_REFUSE:
        return HL_HTML_REFUSED;
    case HL_ACTION_NONE:
    case HL_ACTIONS:
        break;
    }
    return HL_HTML_IN_PLACE;
}

static enum hl_html_standing standing_of(const struct hl_html_view *view, const struct hl_step *step)
{
    const enum hl_presence presence = step->live->presence;

    if (hl_map_has(view->unfinished, step->address))
        return HL_HTML_UNFINISHED;
    if (presence == HL_LIVE_UNREADABLE || (view->asked && step->recorded != NULL && presence == HL_LIVE_UNREAD && !step->excluded))
        return HL_HTML_UNREAD;
    if (view->asked && step->recorded != NULL && presence == HL_LIVE_ABSENT)
        return HL_HTML_GONE;
    if (view->asked && step->drifted)
        return HL_HTML_DRIFTED;
    return step->absent && step->action == HL_ACTION_NONE ? HL_HTML_ABSENT : standing_of_action(step->action);
}

static int64_t expiry_of(const struct hl_step *step)
{
    const struct hl_value *recorded = step->recorded != NULL ? step->recorded->live : NULL;

    return hl_value_get_int(step->live->presence == HL_LIVE_PRESENT ? step->live->values : recorded, "expires_at", hl_value_get_int(recorded, "expires_at", 0));
}

static size_t kind_number(struct hl_html_page *page, const char *name)
{
    size_t i = 0;

    while (i < page->kinds_count && strcmp(page->kinds[i].name, name) != 0)
        i++;
    if (i == page->kinds_count)
        page->kinds[page->kinds_count++] = (struct hl_html_kind){.name = name};
    return i;
}

/* The steps in the order of the spec's file; behind them what the spec no longer has. */
static const struct hl_step **ordered_steps(struct hl_html_page *page)
{
    const struct hl_plan *plan = page->view->plan.plan;
    const struct hl_map *resources = &page->view->spec->resources;
    const struct hl_step **steps = hl_arena_alloc(page->arena, (plan->count + 1) * sizeof(*steps));
    size_t count = 0;

    for (size_t i = 0; i < resources->count && count < plan->count; i++) {
        const struct hl_step *step = hl_map_find(&plan->by_address, resources->entries[i].key);

        if (step != NULL)
            steps[count++] = step;
    }
    for (size_t i = 0; i < plan->count && count < plan->count; i++) {
        if (plan->steps[i]->resource == NULL)
            steps[count++] = plan->steps[i];
    }
    return steps;
}

static void add_row(struct hl_html_page *page, const struct hl_step *step, size_t kind)
{
    struct hl_html_row *row = &page->rows[page->rows_count];

    *row = (struct hl_html_row){.step = step,
                                .record = hl_map_find(page->view->records, step->address),
                                .standing = standing_of(page->view, step),
                                .expires_ms = expiry_of(step),
                                .kind = kind,
                                .number = page->rows_count};
    page->kinds[kind].count++;
    page->counts[row->standing]++;
    page->rows_count++;
    hl_map_put(&page->by_address, step->address, row);
}

static void give_hues(struct hl_html_page *page)
{
    for (size_t i = 0; i < page->kinds_count; i++) {
        size_t rank = 0;

        for (size_t j = 0; j < page->kinds_count; j++)
            rank += page->kinds[j].count > page->kinds[i].count || (page->kinds[j].count == page->kinds[i].count && j < i) ? 1 : 0;
        page->kinds[i].hue = rank % HL_HTML_HUES;
    }
}

void hl_html_collect(struct hl_html_page *page)
{
    const size_t count = page->view->plan.plan->count;
    const struct hl_step **steps = ordered_steps(page);

    page->rows = hl_arena_alloc(page->arena, (count + 1) * sizeof(*page->rows));
    page->kinds = hl_arena_alloc(page->arena, (count + 1) * sizeof(*page->kinds));
    hl_map_init(&page->by_address, page->arena);
    for (size_t i = 0; i < count && steps[i] != NULL; i++)
        (void)kind_number(page, steps[i]->kind_name);
    for (size_t kind = 0; kind < page->kinds_count; kind++) {
        for (size_t i = 0; i < count && steps[i] != NULL; i++) {
            if (strcmp(steps[i]->kind_name, page->kinds[kind].name) == 0)
                add_row(page, steps[i], kind);
        }
    }
    give_hues(page);
}
