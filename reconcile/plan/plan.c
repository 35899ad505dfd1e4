#include "config.h"

#include "reconcile/plan/claims.h"
#include "reconcile/plan/decide.h"
#include "reconcile/plan/guard.h"
#include "reconcile/plan/select.h"

#include <stdlib.h>
#include <string.h>

static const struct hl_action_info actions[] = {
    [HL_ACTION_NONE] = {"none", "UNCHANGED", " ", "leaving", "unchanged"},     [HL_ACTION_CREATE] = {"create", "CREATE", "+", "creating", "created"},
    [HL_ACTION_UPDATE] = {"update", "UPDATE", "~", "updating", "updated"},     [HL_ACTION_REPLACE] = {"replace", "REPLACE", "-/+", "replacing", "replaced"},
    [HL_ACTION_DELETE] = {"delete", "DELETE", "-", "deleting", "deleted"},     [HL_ACTION_ADOPT] = {"adopt", "ADOPT", "=", "adopting", "adopted"},
    [HL_ACTION_FORGET] = {"forget", "FORGET", ".", "forgetting", "forgotten"}, [HL_ACTION_DEFER] = {"defer", "DEFER", "?", "deferring", "deferred"},
    [HL_ACTION_REFUSE] = {"refuse", "REFUSE", "!", "refusing", "refused"},
};
_Static_assert(HL_COUNT(actions) == HL_ACTIONS, "every action has its words");

const struct hl_action_info *hl_action_info(enum hl_action action)
{
    return &actions[action];
}

const char *hl_origin_name(enum hl_origin origin)
{
    static const char *const names[] = {[HL_ORIGIN_SPEC] = "spec", [HL_ORIGIN_DRIFT] = "drift", [HL_ORIGIN_BOTH] = "both"};
    _Static_assert(HL_COUNT(names) == HL_ORIGINS, "every origin has its name");
    return names[origin];
}

/* One computation of a plan. */
struct planner {
    struct hl_arena *arena;
    struct hl_plan_input input; /* with `moved` applied to the records */
    struct hl_plan *plan;
    struct hl_selection selection;
    struct hl_map moved; /* new address -> old address */
    size_t capacity;
};

static void add_step(struct planner *planner, struct hl_step *step)
{
    struct hl_plan *plan = planner->plan;

    plan->steps[plan->count++] = step;
    hl_map_put(&plan->by_address, step->address, step);
    step->moved_from = hl_map_find(&planner->moved, step->address);
}

/* Values of resources that are decided already; the topological order makes sure that they are. */
static struct hl_value *find_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct planner *planner = context;
    const struct hl_step *step = hl_map_find(&planner->plan->by_address, address);

    if (step == NULL)
        return hl_value_unknown(arena, hl_arena_printf(arena, "%s%s%s", address, output != NULL ? "." : "", output != NULL ? output : ""));
    return hl_step_output(arena, step, output);
}

/* The records as they are once `moved` is applied. */
static const struct hl_map *apply_moves(struct planner *planner, const struct hl_map *recorded)
{
    const struct hl_spec *spec = planner->input.spec;

    hl_map_init(&planner->moved, planner->arena);
    if (spec == NULL || spec->moved_count == 0)
        return recorded;
    struct hl_map *renamed = hl_map_new(planner->arena);
    for (size_t i = 0; i < recorded->count; i++)
        hl_map_put(renamed, recorded->entries[i].key, recorded->entries[i].value);
    for (size_t i = 0; i < spec->moved_count; i++) {
        const struct hl_move *move = &spec->moved[i];
        const struct hl_recorded *from = hl_map_find(renamed, move->from);
        if (from == NULL || hl_map_has(renamed, move->to))
            continue;
        struct hl_recorded *to = hl_arena_alloc(planner->arena, sizeof *to);
        *to = *from;
        to->address = move->to;
        to->name = strchr(move->to, '.') + 1;
        hl_map_remove(renamed, move->from);
        hl_map_put(renamed, move->to, to);
        hl_map_put(&planner->moved, move->to, (void *)move->from);
    }
    return renamed;
}

/* Whatever needs something that is put off is put off itself, when it would do anything. */
static void defer_behind(struct planner *planner, struct hl_step *step)
{
    if (step->action == HL_ACTION_NONE || step->action == HL_ACTION_DELETE || step->action == HL_ACTION_DEFER || step->action == HL_ACTION_REFUSE ||
        step->action == HL_ACTION_FORGET)
        return;
    for (size_t i = 0; i < step->resource->needs_count; i++) {
        const struct hl_step *needed = hl_map_find(&planner->plan->by_address, step->resource->needs[i].to->address);
        if (needed == NULL || needed->excluded)
            continue;
        if (needed->action == HL_ACTION_DEFER || (needed->action == HL_ACTION_REFUSE && needed->recorded == NULL)) {
            step->late = true;
            step->waits_for = needed->address;
            step->reason =
                hl_arena_printf(planner->arena, "waits for %s, which is %s", needed->address, needed->action == HL_ACTION_DEFER ? "deferred" : "refused");
            step->hint = needed->hint;
            step->action = HL_ACTION_DEFER;
            return;
        }
    }
}

char *hl_former_address(struct hl_arena *arena, const char *address, const char *id)
{
    return hl_arena_printf(arena, "%s{%s}", address, id); /* no name in a spec has braces */
}

const char *hl_former_of(struct hl_arena *arena, const char *address)
{
    const char *brace = strchr(address, '{');

    return brace == NULL ? NULL : hl_arena_copy(arena, address, (size_t)(brace - address));
}

static void decide_resource(struct planner *planner, const struct hl_resource *resource)
{
    const struct hl_recorded *recorded = hl_map_find(planner->input.recorded, resource->address);
    const struct hl_live *live = hl_map_find(planner->input.live, resource->address);
    const struct hl_outputs outputs = {find_output, planner};
    struct hl_step *step;

    if (!hl_is_selected(&planner->selection, resource->address)) {
        step = hl_decide_excluded(planner->arena, &planner->input, resource, recorded, live);
    } else if (planner->input.options.destroy) {
        if (recorded == NULL)
            return;
        step = hl_decide_unwanted(planner->arena, &planner->input, recorded, live, "destroy");
    } else {
        step = hl_plan_decide(planner->arena, &planner->input, resource, live, &outputs, &planner->plan->diags);
        defer_behind(planner, step);
    }
    add_step(planner, step);
}

static const struct hl_removal *find_removal(const struct hl_spec *spec, const char *address)
{
    for (size_t i = 0; spec != NULL && i < spec->removed_count; i++) {
        if (strcmp(spec->removed[i].address, address) == 0)
            return &spec->removed[i];
    }
    return NULL;
}

/* Recorded, and no longer in the spec. */
static void decide_removed(struct planner *planner, const struct hl_recorded *recorded)
{
    const struct hl_plan_options *options = &planner->input.options;
    const struct hl_live *live = hl_map_find(planner->input.live, recorded->address);
    const struct hl_removal *removal = find_removal(planner->input.spec, recorded->address);

    if (options->refresh_only || options->drift_only || !hl_is_selected(&planner->selection, recorded->address))
        return;
    const bool former = hl_former_of(planner->arena, recorded->address) != NULL;
    const char *why = options->destroy ? "destroy" : former ? "replaced by a new one, which its users have by then" : "no longer in the spec";
    struct hl_step *step = hl_decide_unwanted(planner->arena, &planner->input, recorded, live, why);
    step->former = former;
    if (removal != NULL && !removal->destroy) {
        step->action = HL_ACTION_FORGET;
        step->reason = "`removed` says to let go of it";
        step->hint = NULL;
        step->loses_data = false;
    }
    add_step(planner, step);
}

/* ---- order ---- */

struct addresses {
    const char **items;
    size_t count, capacity;
};

static void add_address(struct hl_arena *arena, struct addresses *list, const char *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == address)
            return;
    }
    if (list->count + 1 >= list->capacity) {
        const size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        const char **items = hl_arena_alloc(arena, capacity * sizeof *items);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = address;
    list->items[list->count] = NULL;
}

static int compare_addresses(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static bool is_destruction(const struct hl_step *step)
{
    return step->action == HL_ACTION_DELETE || step->action == HL_ACTION_FORGET;
}

/* What a replacement left goes when all that use its successor are done, also those that use it by way of others. */
static void link_former(struct planner *planner, const struct hl_map *index, struct addresses *needs, const struct addresses *users, size_t number)
{
    const struct hl_step *step = planner->plan->steps[number];
    const char *successor = step->former ? hl_former_of(planner->arena, step->address) : NULL;
    const struct addresses *slot = successor != NULL ? hl_map_find(index, successor) : NULL;
    struct addresses *list = &needs[number];

    if (slot == NULL)
        return;
    add_address(planner->arena, list, planner->plan->steps[slot - needs]->address);
    for (size_t i = list->count - 1; i < list->count; i++) {
        const struct addresses *next = hl_map_find(index, list->items[i]);
        const struct addresses *using = &users[next - needs];
        for (size_t j = 0; j < using->count; j++) {
            if (using->items[j] != step->address)
                add_address(planner->arena, list, using->items[j]);
        }
    }
}

/* What must be done before a step, and who refers to it. Making waits for what it needs; destroying waits for those that used it. */
static void link_steps(struct planner *planner)
{
    struct hl_plan *plan = planner->plan;
    struct addresses *needs = hl_arena_alloc(planner->arena, (plan->count + 1) * sizeof *needs);
    struct addresses *users = hl_arena_alloc(planner->arena, (plan->count + 1) * sizeof *users);
    struct hl_map index;

    hl_map_init(&index, planner->arena);
    for (size_t i = 0; i < plan->count; i++)
        hl_map_put(&index, plan->steps[i]->address, &needs[i]);
    for (size_t i = 0; i < plan->count; i++) {
        struct hl_step *step = plan->steps[i];
        for (size_t j = 0; step->resource != NULL && j < step->resource->needs_count; j++) {
            const char *address = step->resource->needs[j].to->address;
            const struct addresses *slot = hl_map_find(&index, address);
            if (slot == NULL)
                continue;
            const size_t needed = (size_t)(slot - needs);
            add_address(planner->arena, &users[needed], step->address);
            if (!is_destruction(step) && !is_destruction(plan->steps[needed]))
                add_address(planner->arena, &needs[i], plan->steps[needed]->address);
        }
        for (const char *const *used = step->recorded != NULL ? step->recorded->needs : NULL; used != NULL && *used != NULL; used++) {
            struct addresses *slot = hl_map_find(&index, *used);
            if (slot != NULL && is_destruction(plan->steps[slot - needs]))
                add_address(planner->arena, slot, step->address);
        }
    }
    for (size_t i = 0; i < plan->count; i++)
        link_former(planner, &index, needs, users, i);
    for (size_t i = 0; i < plan->count; i++) {
        /* Collected in the order in which the spec mentions them, which must not matter. */
        if (needs[i].count > 1)
            qsort(needs[i].items, needs[i].count, sizeof *needs[i].items, compare_addresses);
        plan->steps[i]->needs = needs[i].items;
        plan->steps[i]->used_by = users[i].items;
    }
}

static void visit_destruction(struct hl_plan *plan, struct hl_map *placed, struct hl_step **order, size_t *count, struct hl_step *step)
{
    if (hl_map_has(placed, step->address))
        return;
    hl_map_put(placed, step->address, NULL);
    for (const char **need = step->needs; need != NULL && *need != NULL; need++) {
        struct hl_step *before = hl_map_find(&plan->by_address, *need);
        if (before != NULL && is_destruction(before))
            visit_destruction(plan, placed, order, count, before);
    }
    order[(*count)++] = step;
}

/* Everything else in the spec's order first, then destructions, users before what they used. */
static void order_steps(struct planner *planner)
{
    struct hl_plan *plan = planner->plan;
    struct hl_step **order = hl_arena_alloc(planner->arena, (plan->count + 1) * sizeof *order);
    struct hl_map placed;
    size_t count = 0;

    hl_map_init(&placed, planner->arena);
    for (size_t i = 0; i < plan->count; i++) {
        if (!is_destruction(plan->steps[i]))
            order[count++] = plan->steps[i];
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (is_destruction(plan->steps[i]))
            visit_destruction(plan, &placed, order, &count, plan->steps[i]);
    }
    plan->steps = order;
}

static void count_steps(struct hl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan->counts[plan->steps[i]->action]++;
        plan->drifted += plan->steps[i]->drifted;
    }
}

/* Sorted by address, so that the plan does not depend on the order in which the state was read. */
static int compare_recorded(const void *a, const void *b)
{
    const struct hl_recorded *const *left = a;
    const struct hl_recorded *const *right = b;
    return strcmp((*left)->address, (*right)->address);
}

static void decide_all_removed(struct planner *planner)
{
    const struct hl_map *recorded = planner->input.recorded;
    const struct hl_recorded **sorted = hl_arena_alloc(planner->arena, (recorded->count + 1) * sizeof *sorted);
    size_t count = 0;

    for (size_t i = 0; i < recorded->count; i++) {
        if (planner->input.spec == NULL || hl_spec_find(planner->input.spec, recorded->entries[i].key) == NULL)
            sorted[count++] = recorded->entries[i].value;
    }
    qsort(sorted, count, sizeof *sorted, compare_recorded);
    for (size_t i = 0; i < count; i++)
        decide_removed(planner, sorted[i]);
}

struct hl_plan *hl_plan_compute(struct hl_arena *arena, const struct hl_plan_input *input)
{
    struct hl_plan *plan = hl_arena_alloc(arena, sizeof *plan);
    struct planner planner = {.arena = arena, .input = *input, .plan = plan};
    const struct hl_spec *spec = input->spec;

    plan->arena = arena;
    hl_map_init(&plan->by_address, arena);
    hl_diags_init(&plan->diags, arena, spec != NULL ? spec->file : "");
    planner.input.recorded = apply_moves(&planner, input->recorded);
    hl_select(&planner.selection, arena, &planner.input, &plan->diags);
    plan->steps = hl_arena_alloc(arena, ((spec != NULL ? spec->resources.count : 0) + input->recorded->count + 1) * sizeof(struct hl_step *));

    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++)
        decide_resource(&planner, spec->order[i]);
    decide_all_removed(&planner);
    hl_claims_settle(plan);
    link_steps(&planner);
    order_steps(&planner);
    count_steps(plan);
    hl_guard(plan, &planner.input);
    return plan;
}
