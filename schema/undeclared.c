/* Names of what holds data and stands in no block of the spec. They are allowed: what is there by that name is used. A mistyped one would be filled in silence,
 * while the data stays in the volume that was meant; so it is told when a block of nearly that name is there and nobody uses it. */
#include "config.h"

#include "schema/load.h"

#include "schema/base/text.h"

#include <string.h>

void hl_undeclared_add(struct hl_loader *loader, const char *kind, const char *name, struct hl_span at)
{
    const struct hl_kind *found = hl_kind_find(loader->spec->registry, kind, NULL);

    if (found == NULL || !found->holds_data)
        return;

    struct hl_undeclared *undeclared = hl_arena_alloc(loader->spec->arena, sizeof(*undeclared));

    *undeclared = (struct hl_undeclared){.kind = kind, .name = name, .at = at, .next = loader->undeclared};
    loader->undeclared = undeclared;
}

static void mark_used(const struct hl_spec *spec, struct hl_map *used)
{
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->resources.entries[i].value;

        for (size_t j = 0; j < resource->needs_count; j++)
            hl_map_put(used, resource->needs[j].to->address, resource->needs[j].to);
    }
}

/* The blocks that hold data and that nothing uses: few, if any. */
static struct hl_map *find_unused(const struct hl_spec *spec, struct hl_arena *arena)
{
    struct hl_map *used = hl_map_new(arena);
    struct hl_map *unused = hl_map_new(arena);

    mark_used(spec, used);
    for (size_t i = 0; i < spec->resources.count; i++) {
        struct hl_resource *resource = spec->resources.entries[i].value;

        if (resource->kind->holds_data && !hl_map_has(used, resource->address))
            hl_map_put(unused, resource->address, resource);
    }
    return unused;
}

static const char *meant(const struct hl_map *unused, const struct hl_undeclared *undeclared)
{
    const size_t tolerance = hl_edit_tolerance(undeclared->name);

    for (size_t i = 0; i < unused->count; i++) {
        const struct hl_resource *resource = unused->entries[i].value;

        if (strcmp(resource->kind->name, undeclared->kind) == 0 && hl_edit_distance(undeclared->name, resource->name, tolerance) <= tolerance)
            return resource->name;
    }
    return NULL;
}

void hl_undeclared_warn(struct hl_loader *loader)
{
    if (loader->undeclared == NULL)
        return;

    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_map *unused = find_unused(loader->spec, arena);

    for (const struct hl_undeclared *undeclared = loader->undeclared; undeclared != NULL; undeclared = undeclared->next) {
        const char *name = meant(unused, undeclared);

        if (name == NULL)
            continue;
        hl_diag_hint(loader->diags,
                     hl_diag_warning(loader->diags, undeclared->at, "the spec has no %s '%s': what is there by that name is used, or a new one that is empty",
                                     undeclared->kind, undeclared->name),
                     "did you mean '%s', which nothing uses?", name);
    }
}
