/* {openbao: {path:, key:, ...}}: one key of a path in OpenBao or Vault, which may have others, of other secrets and of people. */
#include "config.h"

#include "reconcile/providers/local/destination.h"
#include "reconcile/providers/openbao/openbao.h"

static const struct hl_value *where_of(const struct hl_destination *destination)
{
    return hl_value_get(destination->item, "openbao");
}

static struct hl_session *store_of(const struct hl_destination *destination)
{
    return hl_local_store(destination->session, "openbao", where_of(destination));
}

static struct hl_openbao_place place_of(const struct hl_destination *destination)
{
    return hl_openbao_place(where_of(destination), destination->name);
}

static const char *openbao_identify(struct hl_arena *arena, const struct hl_value *item, const char *name)
{
    return hl_openbao_identity(arena, hl_value_get(item, "openbao"), name, true);
}

static bool openbao_reachable(const struct hl_destination *destination)
{
    return store_of(destination) != NULL;
}

static const char *openbao_place(const struct hl_destination *destination)
{
    const struct hl_openbao_place place = place_of(destination);

    return hl_openbao_describe(store_of(destination), destination->arena, &place);
}

static const char *openbao_shared(const struct hl_destination *destination)
{
    return hl_openbao_identity(destination->arena, where_of(destination), destination->name, false);
}

static pthread_mutex_t *openbao_lock(const struct hl_destination *destination)
{
    const struct hl_openbao_place place = place_of(destination);

    return hl_openbao_lock(store_of(destination), &place);
}

static bool openbao_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    const struct hl_openbao_place place = place_of(destination);
    struct hl_value *found = NULL;
    struct hl_session *store = NULL;

    if (!hl_local_need_store(destination->session, "openbao", where_of(destination), &store, err) ||
        !hl_openbao_read(store, destination->arena, &place, destination->fresh, &found, err))
        return false;
    if (found == NULL)
        return true;
    if (found->type != HL_TEXT) {
        hl_value_map_put_text(live, "content", "(not text)"); /* no value of ours is like that, so it differs */
        return true;
    }
    *guess = hl_destination_take(destination, found->text.data, found->text.length);
    hl_value_map_put(live, "content", *guess);
    return true;
}

static bool openbao_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_openbao_place place = place_of(destination);

    return hl_openbao_write(store_of(destination), &place, value, err);
}

static bool openbao_remove(const struct hl_destination *destination, struct hl_error **err)
{
    const struct hl_openbao_place place = place_of(destination);

    return hl_openbao_remove(store_of(destination), &place, err);
}

static const char *const members[] = {NULL};

const struct hl_destination_type hl_destination_openbao = {
    .name = "openbao",
    .members = members,
    .identify = openbao_identify,
    .read = openbao_read,
    .write = openbao_write,
    .remove = openbao_remove,
    .reachable = openbao_reachable,
    .place = openbao_place,
    .shared = openbao_shared,
    .lock = openbao_lock,
};
