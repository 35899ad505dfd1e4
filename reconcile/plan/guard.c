#include "config.h"

#include "reconcile/plan/guard.h"

#include <string.h>

/* Fewer objects than this may vanish together without arousing suspicion. */
enum { VANISHED_LIMIT = 4 };
/* Where the spec sets no limit: so many deletions, and more than half of all, look like a spec that was cut off. */
enum { SUSPICIOUS_DELETIONS = 5 };

static void set_guard(struct hl_plan *plan, const char *guard, const char *hint)
{
    if (plan->guard != NULL)
        return;
    plan->guard = guard;
    plan->guard_hint = hint;
}

static void guard_refusals(struct hl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];
        if (step->action == HL_ACTION_REFUSE && (step->refuse_code == HL_E_CONFLICT || step->refuse_code == HL_E_REFUSED))
            set_guard(plan, hl_arena_printf(plan->arena, "%s: %s", step->address, step->reason), step->hint);
    }
}

static size_t count_destroyed(const struct hl_plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += plan->steps[i]->action == HL_ACTION_DELETE && !plan->steps[i]->former;
    return count;
}

/* A spec without resources is more often one that was cut off, or the wrong file, than a wish. */
static void guard_empty_spec(struct hl_plan *plan, const struct hl_plan_input *input)
{
    if (input->spec != NULL && input->spec->resources.count == 0 && count_destroyed(plan) > 0 && !input->options.destroy)
        set_guard(plan, "the spec has no resources, so all that is recorded would be deleted",
                  "is it the right file, and whole? To delete all that the stack owns run `hlrec destroy`");
}

static void guard_max_destroy(struct hl_plan *plan, const struct hl_plan_input *input)
{
    int64_t limit = input->options.max_destroy;
    double share = input->options.max_destroy_share;
    const size_t destroyed = count_destroyed(plan);
    const size_t recorded = input->recorded->count;

    if (limit < 0 && share < 0 && input->spec != NULL) {
        limit = input->spec->settings.max_destroy;
        share = input->spec->settings.max_destroy_share;
    }
    if (input->options.destroy)
        return; /* asked for in so many words */
    if (limit >= 0 && destroyed > (size_t)limit)
        set_guard(
            plan,
            hl_arena_printf(plan->arena, "the plan deletes %zu object%s, max_destroy allows %lld", destroyed, destroyed == 1 ? "" : "s", (long long)limit),
            "if that is meant, run with --max-destroy set to the number");
    else if (share >= 0 && (double)destroyed > share * (double)recorded)
        set_guard(plan, hl_arena_printf(plan->arena, "the plan deletes %zu of %zu objects, max_destroy allows %.0f %%", destroyed, recorded, share * 100.0),
                  "if that is meant, run with --max-destroy set to the number");
    else if (limit < 0 && share < 0 && destroyed >= SUSPICIOUS_DELETIONS && 2 * destroyed > recorded)
        set_guard(plan, hl_arena_printf(plan->arena, "the plan deletes %zu of %zu objects, more than half", destroyed, recorded),
                  "is the spec whole? If that is meant, run with --max-destroy set to the number");
}

/* An API that suddenly lists nothing is more often broken, or another server, than emptied: what was recorded there is not made anew without a word. */
static void guard_vanished(struct hl_plan *plan, const struct hl_plan_input *input)
{
    struct hl_map gone;
    struct hl_map known;

    hl_map_init(&gone, plan->arena);
    hl_map_init(&known, plan->arena);
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];
        if (step->recorded == NULL || step->kind == NULL || step->former || step->live->presence == HL_LIVE_UNREAD || step->live->late)
            continue;
        size_t *total = hl_map_find(&known, step->provider);
        if (total == NULL)
            hl_map_put(&known, step->provider, total = hl_arena_alloc(plan->arena, sizeof *total));
        *total += 1;
        size_t *missing = hl_map_find(&gone, step->provider);
        if (missing == NULL)
            hl_map_put(&gone, step->provider, missing = hl_arena_alloc(plan->arena, sizeof *missing));
        *missing += step->live->presence == HL_LIVE_ABSENT;
    }
    for (size_t i = 0; i < known.count; i++) {
        const size_t total = *(size_t *)known.entries[i].value;
        const size_t missing = *(size_t *)hl_map_find(&gone, known.entries[i].key);
        if (missing == total && total > VANISHED_LIMIT && !input->options.allow_destroy && !input->options.destroy)
            set_guard(plan, hl_arena_printf(plan->arena, "provider '%s' has none of its %zu recorded objects any more", known.entries[i].key, total),
                      "is it the right server? If all is really gone and to be made anew, run with --allow-destroy");
    }
}

void hl_guard(struct hl_plan *plan, const struct hl_plan_input *input)
{
    guard_refusals(plan);
    guard_empty_spec(plan, input);
    guard_max_destroy(plan, input);
    guard_vanished(plan, input);
}
