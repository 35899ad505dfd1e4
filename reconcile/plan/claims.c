#include "config.h"

#include "reconcile/plan/claims.h"

#include <string.h>

/* Who has what: the kind's words for it, behind the instance of the provider and the kind -> struct hl_step *. */
struct claims {
    struct hl_arena *arena;
    struct hl_map holders;
};

static bool is_wanted(const struct hl_step *step)
{
    return step->resource != NULL && !step->absent && step->action != HL_ACTION_DELETE && step->action != HL_ACTION_FORGET;
}

static const char *key_of(const struct claims *claims, const struct hl_step *step, const char *claim)
{
    return hl_arena_printf(claims->arena, "%s %s %s", step->provider, step->kind_name, claim);
}

/* The claims of a body; NULL when there are none. */
static struct hl_value *claims_of(const struct claims *claims, const struct hl_step *step, const struct hl_value *body)
{
    if (step->kind == NULL || step->kind->claims == NULL || body == NULL)
        return NULL;
    struct hl_value *list = hl_value_list(claims->arena);
    step->kind->claims(claims->arena, step->name, body, list);
    return list;
}

/* What is wanted now; of what is left out, what it was last made to be. */
static const struct hl_value *body_of(const struct hl_step *step)
{
    return step->desired != NULL || step->recorded == NULL ? step->desired : step->recorded->desired;
}

/* The object that a step is about; NULL when there is none, or it is somebody else's. */
static const char *object_of(const struct claims *claims, const struct hl_step *step)
{
    const struct hl_live *live = step->live;

    if (live->presence != HL_LIVE_PRESENT || live->owner == HL_OWNER_OTHER || hl_is_blank(live->id))
        return NULL;
    return key_of(claims, step, hl_arena_printf(claims->arena, "id %s", live->id));
}

static void refuse(struct hl_step *step, const char *reason, const char *hint)
{
    step->action = HL_ACTION_REFUSE;
    step->refuse_code = HL_E_CONFLICT;
    step->reason = reason;
    step->hint = hint;
    step->changes_count = 0;
    step->loses_data = false;
}

/* Of two that want the same the recorded one has it; else the first. The other is returned, NULL when there is none. */
static struct hl_step *take(struct claims *claims, const char *key, struct hl_step *step, struct hl_step **holder)
{
    *holder = hl_map_find(&claims->holders, key);
    if (*holder == NULL || *holder == step) {
        hl_map_put(&claims->holders, key, step);
        return NULL;
    }
    if ((*holder)->recorded != NULL || step->recorded == NULL)
        return step;
    struct hl_step *loser = *holder;
    hl_map_put(&claims->holders, key, step);
    *holder = step;
    return loser;
}

static void claim_object(struct claims *claims, struct hl_step *step)
{
    const char *key = object_of(claims, step);
    struct hl_step *holder = NULL;
    struct hl_step *loser = key != NULL ? take(claims, key, step, &holder) : NULL;

    if (loser != NULL)
        refuse(loser, hl_arena_printf(claims->arena, "it is the same %s as %s, and an object has one address", loser->kind_name, holder->address),
               "take one of the two blocks out of the spec; `hlrec state rm ADDRESS` forgets a record without touching the object");
}

static void claim_places(struct claims *claims, struct hl_step *step)
{
    const struct hl_value *places = claims_of(claims, step, body_of(step));

    for (size_t i = 0; i < hl_value_count(places); i++) {
        const char *place = hl_value_item(places, i)->text.data;
        struct hl_step *holder = NULL;
        struct hl_step *loser = take(claims, key_of(claims, step, place), step, &holder);
        if (loser != NULL)
            refuse(loser, hl_arena_printf(claims->arena, "%s is what %s has by this spec", place, holder->address), "no two can have it: change one of them");
    }
}

/* What a step had and others have now. */
static void keep_places(struct claims *claims, struct hl_step *step)
{
    const struct hl_value *places = claims_of(claims, step, step->recorded != NULL ? step->recorded->desired : NULL);
    struct hl_value *kept = NULL;

    for (size_t i = 0; i < hl_value_count(places); i++) {
        struct hl_value *place = hl_value_item(places, i);
        const struct hl_step *holder = hl_map_find(&claims->holders, key_of(claims, step, place->text.data));
        if (holder == NULL || holder == step)
            continue;
        if (kept == NULL)
            kept = hl_value_list(claims->arena);
        hl_value_list_add(claims->arena, kept, place);
    }
    step->kept = kept;
}

static void keep_object(struct claims *claims, struct hl_step *step)
{
    const char *key = is_wanted(step) ? NULL : object_of(claims, step);
    const struct hl_step *holder = key != NULL ? hl_map_find(&claims->holders, key) : NULL;

    if (holder == NULL)
        return;
    step->action = HL_ACTION_FORGET;
    step->reason = hl_arena_printf(claims->arena, "%s is the same object", holder->address);
    step->hint = NULL;
    step->loses_data = false;
}

void hl_claims_settle(struct hl_plan *plan)
{
    struct claims claims = {.arena = plan->arena};

    hl_map_init(&claims.holders, plan->arena);
    for (size_t i = 0; i < plan->count; i++) {
        if (is_wanted(plan->steps[i])) {
            claim_object(&claims, plan->steps[i]);
            claim_places(&claims, plan->steps[i]);
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        keep_object(&claims, plan->steps[i]);
        keep_places(&claims, plan->steps[i]);
    }
}
