/* After a crash. NetBird's objects carry no marks: what the interrupted action made is told by its name, by not being recorded, and by its age where the API
 * tells one. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

/* The clocks of two machines. */
enum { SKEW_MS = 5 * 60 * 1000 };

static const char *recorded_id(const struct hl_recovery *recovery)
{
    return recovery->recorded != NULL ? recovery->recorded->id : NULL;
}

static bool is_id(const char *id, const char *other)
{
    return !hl_is_blank(other) && strcmp(id, other) == 0;
}

/* Proxy tokens tell when they were made; set-up keys when they were last changed, which for one that nobody has touched is the same. The rest tells nothing. */
static bool is_old(const struct hl_recovery *recovery, const struct hl_value *object)
{
    const struct hl_value *created = hl_value_get(object, "created_at");
    const int64_t made_ms = hl_netbird_time(created != NULL ? created : hl_value_get(object, "updated_at"));

    return made_ms != 0 && made_ms < recovery->started_ms - SKEW_MS;
}

/* What the interrupted action may have made. */
static bool find_orphans(const struct hl_recovery *recovery, const struct hl_value ***orphans, size_t *count, struct hl_error **err)
{
    size_t kept = 0;

    if (!hl_netbird_candidates(recovery->session, hl_netbird_form_of(recovery->kind), recovery->desired, recovery->arena, orphans, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        const char *id = hl_value_get_text((*orphans)[i], "id");
        if (!is_id(id, recorded_id(recovery)) && !is_id(id, recovery->id) && !is_old(recovery, (*orphans)[i]))
            (*orphans)[kept++] = (*orphans)[i];
    }
    *count = kept;
    return true;
}

/* The network that the object is in, where it is in one, tells the path. */
static bool delete_orphan(const struct hl_recovery *recovery, const char *id, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(recovery->kind);
    const char *collection = NULL;

    return hl_netbird_collection(recovery->session, form, recovery->arena, recovery->desired, &collection, err) &&
           hl_netbird_delete(recovery->session, form, recovery->arena, collection, id, err);
}

static bool take_over(struct hl_recovery *recovery, const struct hl_value *object, struct hl_error **err)
{
    const struct hl_netbird_known known = {.desired = recovery->desired, .untold = recovery->desired, .once = recovery->checkpoint};

    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = hl_arena_strdup(recovery->arena, hl_value_get_text(object, "id"));
    return hl_netbird_values(recovery->session, recovery->kind, recovery->arena, object, &known, &recovery->result, err);
}

/* One whose once-only value nobody has is of no use, and may be anything but harmless: an open door. */
static bool discard(struct hl_recovery *recovery, const struct hl_value *const *orphans, size_t count, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(recovery->kind);

    for (size_t i = 0; i < count; i++) {
        const char *id = hl_value_get_text(orphans[i], "id");
        if (!delete_orphan(recovery, id, err))
            return hl_wrap(err, "removing the %s that a former run made and could not keep (%s)", form->what, id);
    }
    if (count > 0)
        recovery->note =
            hl_arena_printf(recovery->arena, "the %s that it had made was deleted again: its %s was lost with the run", form->what, form->once_field);
    return true;
}

static bool recover_making(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(recovery->kind);
    const char *kept = hl_value_get_text(recovery->checkpoint, "id");
    const struct hl_value **orphans = NULL;
    const struct hl_value *object = NULL;
    size_t count = 0;

    if (kept != NULL) {
        if (!hl_netbird_find(recovery->session, form->list, kept, &object, err))
            return false;
        return object == NULL || take_over(recovery, object, err); /* what it replaces is the engine's to see to */
    }
    if (!find_orphans(recovery, &orphans, &count, err))
        return false;
    if (form->once_member != NULL)
        return discard(recovery, orphans, count, err);
    if (count == 1)
        return take_over(recovery, orphans[0], err);
    if (count > 1) /* the next plan lists them and asks */
        recovery->note = hl_arena_printf(recovery->arena, "%zu objects could be the %s that it was making", count, form->what);
    return true;
}

/* What an update has reached, the next plan sees; a deletion is done or it is not. */
bool hl_netbird_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_value *object = NULL;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (strcmp(recovery->action, "create") == 0 || strcmp(recovery->action, "replace") == 0)
        return recovery->desired == NULL || recover_making(recovery, err);
    if (strcmp(recovery->action, "delete") != 0 || hl_is_blank(recovery->id))
        return true;
    if (!hl_netbird_find(recovery->session, hl_netbird_form_of(recovery->kind)->list, recovery->id, &object, err))
        return false;
    if (object == NULL)
        recovery->outcome = HL_RECOVERED_GONE;
    return true;
}
