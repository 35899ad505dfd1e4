/* Containers that nobody owns, with what a spec would have to say to take them over. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/mark.h"
#include "schema/base/parallel.h"

#include <string.h>

/* One container being looked at; what is made in parallel lives in an arena of its own. */
struct stray {
    const char *id, *name, *owner;
    struct hl_arena *arena;
    struct hl_value *values;
};

struct search {
    struct hl_docker *docker;
    struct stray *strays;
    size_t count;
};

static void read_one(void *context, size_t index)
{
    struct search *search = context;
    struct stray *stray = &search->strays[index];
    hl_auto(error) struct hl_error *ignored = NULL;

    stray->arena = hl_arena_new();
    if (!hl_container_values(search->docker, stray->arena, stray->id, NULL, NULL, &stray->values, &ignored))
        stray->values = NULL; /* gone meanwhile, or unreadable: it is still listed */
}

static bool find_strays(struct search *search, struct hl_arena *arena, struct hl_error **err)
{
    struct hl_value *rows = NULL;

    if (!hl_container_list(search->docker, arena, "", &rows, err))
        return false;
    search->strays = hl_arena_alloc(arena, (hl_value_count(rows) + 1) * sizeof *search->strays);
    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const struct hl_value *row = hl_value_item(rows, i);
        const struct hl_value *labels = hl_value_get(row, "Labels");
        const char *owner = NULL;
        if (hl_value_get(labels, "hlrec.managed") != NULL)
            continue;
        hl_mark_owner(arena, labels, search->docker->run, &owner);
        search->strays[search->count++] = (struct stray){.id = hl_container_id(row), .name = hl_container_row_name(row), .owner = owner};
    }
    return true;
}

static bool is_resource_name(const char *name)
{
    return name != NULL && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(name);
}

bool hl_container_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    struct search search = {.docker = hl_docker_of(session)};

    if (!find_strays(&search, arena, err))
        return false;
    hl_parallel(search.count, HL_DOCKER_PARALLEL, read_one, &search);
    for (size_t i = 0; i < search.count; i++) {
        const struct stray *stray = &search.strays[i];
        struct hl_value *found = hl_value_map(arena);
        if (stray->values != NULL && is_resource_name(stray->name))
            hl_map_remove(stray->values->map, "container_name"); /* the block's */
        hl_value_map_put_text(found, "kind", kind->name);
        hl_value_map_put_text(found, "name", stray->name);
        hl_value_map_put_text(found, "id", stray->id);
        hl_value_map_put_text(found, "owner", stray->owner);
        if (stray->values != NULL)
            hl_value_map_put(found, "values", hl_value_copy(arena, stray->values));
        hl_value_list_add(arena, list, found);
        hl_arena_free(stray->arena);
    }
    return true;
}
