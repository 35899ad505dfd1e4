#include "config.h"

#include "reconcile/providers/traefik/object.h"

#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/shape.h"

#include <string.h>

static bool is_named(const struct hl_traefik_object *place)
{
    const struct hl_value *wanted = place->desired != NULL ? place->desired : place->recorded;

    return hl_value_get(hl_value_get(wanted, "service"), "name") != NULL;
}

struct hl_value *hl_traefik_object_find(const struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place,
                                        const char **protocol)
{
    const char *const candidates[] = {
        place->desired == NULL ? NULL : hl_traefik_protocol(place->desired),
        place->recorded == NULL ? NULL : hl_traefik_protocol(place->recorded),
        "http",
        "tcp",
        "udp",
    };

    for (size_t i = 0; i < HL_COUNT(candidates); i++) {
        struct hl_value *tree = candidates[i] == NULL ? NULL : hl_document_find(document, arena, place->kind, candidates[i], place->name, is_named(place));

        if (tree != NULL) {
            *protocol = candidates[i];
            return tree;
        }
    }
    return NULL;
}

struct hl_value *hl_traefik_object_values(struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const struct hl_value *tree)
{
    struct hl_value *values = hl_values_of_tree(arena, hl_traefik_kind_info(kind)->fields, tree);

    hl_value_map_put_text(values, "protocol", protocol);
    return values;
}

static struct hl_value *tree_of(struct hl_arena *arena, enum hl_traefik_kind kind, const struct hl_value *values)
{
    if (!hl_value_is(values, HL_MAP))
        return NULL;
    struct hl_value *tree = hl_tree_of_values(arena, hl_traefik_kind_info(kind)->fields, values);

    hl_map_remove(tree->map, "protocol");
    return tree;
}

/* A copy of `map` without some keys. */
static struct hl_value *without(struct hl_arena *arena, const struct hl_value *map, const char *const *keys, size_t count)
{
    struct hl_value *copy = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(map); i++)
        hl_value_map_put(copy, hl_value_key(map, i), hl_value_at(map, i));
    for (size_t i = 0; i < count; i++)
        hl_map_remove(copy->map, keys[i]);
    return copy;
}

/* What of the present object must not survive: its other kind, when it has become one by hand. Traefik takes one kind each. */
static struct hl_value *without_rivals(struct hl_arena *arena, const struct hl_traefik_object *place, const struct hl_value *desired, struct hl_value *live)
{
    static const char *const sources[] = {"name", "url", "address", "servers"};
    const char *const service[] = {"service"};
    const struct hl_value *own = hl_value_get(live, "service");

    if (!hl_value_is(live, HL_MAP))
        return NULL;
    if (place->kind == HL_TRAEFIK_ROUTER && hl_value_get(desired, "service") == NULL)
        return live;
    if (place->kind == HL_TRAEFIK_ROUTER) {
        const bool names = hl_value_get(own, "name") != NULL || hl_value_get(hl_value_get(desired, "service"), "name") != NULL;

        live = without(arena, live, service, names ? 1 : 0);
        if (!names && hl_value_is(own, HL_MAP))
            hl_value_map_put(live, "service", without(arena, own, sources, HL_COUNT(sources)));
        return live;
    }
    struct hl_value *copy = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(live); i++) {
        const char *key = hl_value_key(live, i);

        if (hl_value_get(desired, key) != NULL || strcmp(key, "middlewares") == 0)
            hl_value_map_put(copy, key, hl_value_at(live, i));
    }
    return copy;
}

void hl_traefik_object_put(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place)
{
    const char *wanted = hl_traefik_protocol(place->desired);
    const char *protocol = NULL;
    struct hl_value *desired = tree_of(arena, place->kind, place->desired);
    struct hl_value *recorded = tree_of(arena, place->kind, place->recorded);
    struct hl_value *live = hl_traefik_object_find(document, arena, place, &protocol);

    if (live != NULL && place->recorded != NULL && strcmp(protocol, wanted) != 0)
        hl_document_remove(document, place->kind, protocol, place->name);
    if (place->strict && live != NULL && hl_tree_find_strange(arena, hl_traefik_kind_info(place->kind)->fields, live) != NULL)
        live = NULL;
    live = without_rivals(arena, place, desired, live);
    hl_document_put(document, place->kind, wanted, place->name, hl_tree_merge(arena, desired, recorded, live));
}

const char *hl_traefik_object_find_strange(const struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place)
{
    const char *protocol = NULL;
    const struct hl_value *tree = hl_traefik_object_find(document, arena, place, &protocol);

    return tree == NULL ? NULL : hl_tree_find_strange(arena, hl_traefik_kind_info(place->kind)->fields, tree);
}

void hl_traefik_object_remove(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place)
{
    const char *protocol = NULL;

    if (hl_traefik_object_find(document, arena, place, &protocol) != NULL)
        hl_document_remove(document, place->kind, protocol, place->name);
}
