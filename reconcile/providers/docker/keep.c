#include "config.h"

#include "reconcile/providers/docker/keep.h"

const struct hl_error *hl_docker_keep_error(struct hl_arena *arena, const struct hl_error *error)
{
    struct hl_error *copy;

    if (error == NULL)
        return NULL;
    copy = hl_arena_alloc(arena, sizeof *copy);
    copy->code = error->code;
    copy->message = hl_arena_strdup(arena, error->message);
    copy->address = hl_arena_strdup(arena, error->address);
    copy->file = hl_arena_strdup(arena, error->file);
    copy->at = error->at;
    copy->http = hl_arena_strdup(arena, error->http);
    copy->hint = hl_arena_strdup(arena, error->hint);
    copy->cause = (struct hl_error *)hl_docker_keep_error(arena, error->cause);
    return copy;
}
