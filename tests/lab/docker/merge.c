/* What a container's configuration becomes by that of its image. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <string.h>

/* "K=V" and a bare "K" both set K. */
static bool sets_variable(const struct hl_value *list, const char *entry)
{
    size_t length = strcspn(entry, "=");

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *own = hl_value_item(list, i)->text.data;

        if (strncmp(own, entry, length) == 0 && strcspn(own, "=") == length)
            return true;
    }
    return false;
}

/* The user's first, then those of the image that the user has not set. */
static void merge_environment(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image)
{
    const struct hl_value *theirs = hl_value_get(image, "Env");
    const struct hl_value *own = hl_value_get(config, "Env");
    struct hl_value *merged = hl_value_list(arena);

    if (hl_value_count(theirs) == 0)
        return;
    for (size_t i = 0; i < hl_value_count(own); i++)
        hl_value_list_add(arena, merged, hl_value_item(own, i));
    for (size_t i = 0; i < hl_value_count(theirs); i++)
        if (!sets_variable(own, hl_value_item(theirs, i)->text.data))
            hl_value_list_add(arena, merged, hl_value_item(theirs, i));
    hl_value_map_put(config, "Env", merged);
}

/* The keys that only the image has are added. */
static void merge_map(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image, const char *key)
{
    const struct hl_value *theirs = hl_value_get(image, key);
    const struct hl_value *own = hl_value_get(config, key);
    struct hl_value *merged = hl_value_map(arena);

    if (hl_value_count(theirs) == 0)
        return;
    for (size_t i = 0; i < hl_value_count(own); i++)
        hl_value_map_put(merged, hl_value_key(own, i), hl_value_at(own, i));
    for (size_t i = 0; i < hl_value_count(theirs); i++)
        if (hl_value_get(merged, hl_value_key(theirs, i)) == NULL)
            hl_value_map_put(merged, hl_value_key(theirs, i), hl_value_at(theirs, i));
    hl_value_map_put(config, key, merged);
}

static void merge_text(struct hl_value *config, const struct hl_value *image, const char *key)
{
    if (hl_is_blank(hl_value_get_text(config, key)))
        hl_value_map_put_text(config, key, hl_value_get_text(image, key));
}

static void merge_healthcheck(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image)
{
    const struct hl_value *theirs = hl_value_get(image, "Healthcheck");
    struct hl_value *own = hl_value_get(config, "Healthcheck");

    if (!hl_value_is(theirs, HL_MAP))
        return;
    if (own == NULL) {
        hl_value_map_put(config, "Healthcheck", hl_value_copy(arena, theirs));
        return;
    }
    for (size_t i = 0; i < hl_value_count(theirs); i++)
        if (hl_value_get(own, hl_value_key(theirs, i)) == NULL)
            hl_value_map_put(own, hl_value_key(theirs, i), hl_value_at(theirs, i));
}

/* Whoever sets an entrypoint loses the image's command; an empty one keeps it and loses the image's entrypoint. */
static void merge_command(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image)
{
    struct hl_value *entrypoint = hl_value_get(config, "Entrypoint");

    if (hl_value_count(entrypoint) == 0) {
        if (hl_value_count(hl_value_get(config, "Cmd")) == 0)
            hl_value_map_put(config, "Cmd", hl_value_get(image, "Cmd"));
        if (hl_value_is_null(entrypoint))
            hl_value_map_put(config, "Entrypoint", hl_value_get(image, "Entrypoint"));
    }
    entrypoint = hl_value_get(config, "Entrypoint");
    if (hl_value_count(entrypoint) == 1 && hl_value_item(entrypoint, 0)->text.length == 0)
        hl_value_map_put(config, "Entrypoint", hl_value_null(arena));
}

void docker_merge_image(struct hl_arena *arena, struct hl_value *config, const struct hl_value *image)
{
    merge_text(config, image, "User");
    merge_text(config, image, "WorkingDir");
    merge_text(config, image, "StopSignal");
    merge_environment(arena, config, image);
    merge_map(arena, config, image, "ExposedPorts");
    merge_map(arena, config, image, "Volumes");
    merge_map(arena, config, image, "Labels");
    if (hl_value_is_null(hl_value_get(config, "Labels")))
        hl_value_map_put(config, "Labels", hl_value_map(arena));
    merge_healthcheck(arena, config, image);
    merge_command(arena, config, image);
}
