#include "config.h"

#include "reconcile/providers/local/local.h"
#include "schema/base/parallel.h"

enum { MOST_READERS = 8 };

/* The places, each with one destination that is there. */
struct places {
    struct hl_session *session;
    struct hl_map seen; /* identity -> struct hl_destination * */
};

static void add_items(struct places *places, const char *name, const struct hl_value *write)
{
    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_destination destination = {
            .session = places->session,
            .run = places->session->run,
            .local = hl_local_get(places->session),
            .arena = places->seen.arena,
            .name = name,
            .item = hl_value_item(write, i),
        };
        if (!hl_destination_is_known(destination.item) || !hl_destination_is_reachable(&destination))
            continue;
        const char *place = hl_destination_shared(&destination);
        if (place == NULL || hl_map_has(&places->seen, place))
            continue;
        struct hl_destination *copy = hl_arena_alloc(places->seen.arena, sizeof *copy);
        *copy = destination;
        hl_map_put(&places->seen, place, copy);
    }
}

static void read_place(void *context, size_t index)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *told_later = NULL;
    const struct places *places = context;
    struct hl_destination destination = *(const struct hl_destination *)places->seen.entries[index].value;
    struct hl_value *live = NULL;

    destination.arena = arena;
    if (!hl_destination_read(&destination, &live, NULL, &told_later))
        return;
}

void hl_secret_read_ahead(struct hl_session *session, struct hl_object **objects, size_t count)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct places places = {.session = session};

    hl_map_init(&places.seen, arena);
    for (size_t i = 0; i < count && !session->run->preview; i++) {
        add_items(&places, objects[i]->name, hl_value_get(objects[i]->desired, "write"));
        if (objects[i]->recorded != NULL)
            add_items(&places, objects[i]->name, hl_value_get(objects[i]->recorded->desired, "write"));
    }
    if (places.seen.count > 1)
        hl_parallel(places.seen.count, MOST_READERS, read_place, &places);
}
