/* {infisical: {path:, key:, ...}}: one secret of Infisical. */
#include "config.h"

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/local/destination.h"

static const struct hl_value *where_of(const struct hl_destination *destination)
{
    return hl_value_get(destination->item, "infisical");
}

static struct hl_session *store_of(const struct hl_destination *destination)
{
    return hl_local_store(destination->session, "infisical", where_of(destination));
}

static struct hl_infisical_place place_of(const struct hl_destination *destination)
{
    return hl_infisical_place(where_of(destination), destination->name);
}

static void infisical_check(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate)
{
    (void)generate; /* no generated value has white space around it; one with '${' in it is told when it is there */
    hl_infisical_check(check, hl_value_get(item, "infisical"), item->at);
}

static const char *infisical_identify(struct hl_arena *arena, const struct hl_value *item, const char *name)
{
    return hl_infisical_identity(arena, hl_value_get(item, "infisical"), name, true);
}

static bool infisical_reachable(const struct hl_destination *destination)
{
    return store_of(destination) != NULL;
}

static const char *infisical_place(const struct hl_destination *destination)
{
    const struct hl_infisical_place place = place_of(destination);

    return hl_infisical_describe(store_of(destination), destination->arena, &place);
}

static const char *infisical_shared(const struct hl_destination *destination)
{
    return hl_infisical_identity(destination->arena, where_of(destination), destination->name, false);
}

static pthread_mutex_t *infisical_lock(const struct hl_destination *destination)
{
    const struct hl_infisical_place place = place_of(destination);

    return hl_infisical_lock(store_of(destination), &place);
}

static bool infisical_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    const struct hl_infisical_place place = place_of(destination);
    struct hl_infisical_secret found;
    struct hl_session *store = NULL;

    if (!hl_local_need_store(destination->session, "infisical", where_of(destination), &store, err) ||
        !hl_infisical_read(store, destination->arena, &place, destination->fresh, &found, err))
        return false;
    if (found.value == NULL)
        return true;
    *guess = hl_destination_take(destination, found.value->text.data, found.value->text.length);
    hl_value_map_put(live, "content", *guess);
    return true;
}

static bool infisical_takes(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_infisical_place place = place_of(destination);
    struct hl_session *store = NULL;

    return (hl_local_need_store(destination->session, "infisical", where_of(destination), &store, err) && hl_infisical_takes(store, &place, value, err)) ||
           hl_wrap(err, "the value cannot be written to %s", infisical_place(destination));
}

static bool infisical_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_infisical_place place = place_of(destination);

    return hl_infisical_write(store_of(destination), &place, value, err);
}

static bool infisical_remove(const struct hl_destination *destination, struct hl_error **err)
{
    const struct hl_infisical_place place = place_of(destination);

    return hl_infisical_remove(store_of(destination), &place, err);
}

static const char *const members[] = {NULL};

const struct hl_destination_type hl_destination_infisical = {
    .name = "infisical",
    .members = members,
    .check = infisical_check,
    .identify = infisical_identify,
    .read = infisical_read,
    .takes = infisical_takes,
    .write = infisical_write,
    .remove = infisical_remove,
    .reachable = infisical_reachable,
    .place = infisical_place,
    .shared = infisical_shared,
    .lock = infisical_lock,
};
