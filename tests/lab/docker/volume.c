#include "config.h"

#include "tests/lab/docker/docker.h"

#include <string.h>

struct docker_volume *docker_volume_find(struct docker *docker, const char *name)
{
    return hl_map_find(&docker->volumes, name);
}

struct docker_volume *docker_volume_add(struct docker *docker, const char *name, const struct hl_value *options, const struct hl_value *labels)
{
    struct docker_volume *volume = hl_arena_alloc(docker->arena, sizeof(*volume));

    volume->name = hl_arena_strdup(docker->arena, name);
    volume->driver = "local";
    volume->created = docker_time(docker->arena, lab_now_ns());
    volume->options = hl_value_is_null(options) ? hl_value_null(docker->arena) : hl_value_copy(docker->arena, options);
    volume->labels = hl_value_is_null(labels) ? hl_value_null(docker->arena) : hl_value_copy(docker->arena, labels);
    hl_map_put(&docker->volumes, name, volume);
    docker_event(docker, "volume", "create", name, NULL);
    return volume;
}

void docker_volume_drop(struct docker *docker, struct docker_volume *volume)
{
    hl_map_put(&docker->volumes, volume->name, NULL);
    docker_event(docker, "volume", "destroy", volume->name, NULL);
}

static struct hl_value *describe(struct hl_arena *arena, const struct docker_volume *volume)
{
    struct hl_value *out = hl_value_map(arena);

    hl_value_map_put_text(out, "CreatedAt", volume->created);
    hl_value_map_put_text(out, "Driver", volume->driver);
    hl_value_map_put(out, "Labels", volume->labels);
    hl_value_map_put(out, "Mountpoint", hl_value_printf(arena, "/var/lib/docker/volumes/%s/_data", volume->name));
    hl_value_map_put_text(out, "Name", volume->name);
    hl_value_map_put(out, "Options", volume->options);
    hl_value_map_put_text(out, "Scope", "local");
    return out;
}

/* The ids of containers that mount it, comma-separated; "" when none does. */
static const char *users_of(struct docker_call *c, const char *name)
{
    const char *users = "";

    for (size_t i = 0; i < c->docker->containers_count; i++) {
        const struct docker_container *container = c->docker->containers[i];

        for (size_t j = 0; j < hl_value_count(container->mounts); j++) {
            const char *mounted = hl_value_get_text(hl_value_item(container->mounts, j), "Name");

            if (mounted != NULL && strcmp(mounted, name) == 0) {
                users = hl_arena_printf(c->arena, "%s%s%s", users, *users == '\0' ? "" : ", ", container->id);
                break;
            }
        }
    }
    return users;
}

static bool is_dangling(const void *context, const char *word)
{
    bool wanted = strcmp(word, "true") == 0 || strcmp(word, "1") == 0;

    return wanted == *(const bool *)context;
}

void docker_volumes_list(struct docker_call *c)
{
    static const char *const known[] = {"dangling", "driver", "label", "name", NULL};
    struct hl_value *answer = hl_value_map(c->arena);
    struct hl_value *list = hl_value_list(c->arena);
    struct hl_value *filters = NULL;

    if (!docker_filters(c, known, &filters))
        return;
    for (size_t i = 0; i < c->docker->volumes.count; i++) {
        const struct docker_volume *volume = c->docker->volumes.entries[i].value;
        bool dangling = false;

        if (volume == NULL || !docker_filter_labels(filters, volume->labels) || !docker_filter_any(filters, "name", docker_name_fits, volume->name))
            continue;
        if (hl_value_get(filters, "dangling") != NULL)
            dangling = *users_of(c, volume->name) == '\0';
        if (docker_filter_any(filters, "dangling", is_dangling, &dangling))
            hl_value_list_add(c->arena, list, describe(c->arena, volume));
    }
    hl_value_map_put(answer, "Volumes", list);
    hl_value_map_put(answer, "Warnings", hl_value_null(c->arena));
    docker_ok(c, 200, answer);
}

/* One that is there stays as it is, whatever else was asked for. */
void docker_volume_create(struct docker_call *c)
{
    struct hl_value *body = docker_body(c);
    struct hl_value *wish = NULL;
    struct docker_volume *volume = NULL;
    char id[DOCKER_ID];

    if (body == NULL || !docker_decode(c, "VolumeCreateBody", docker_volume_fields, body, &wish))
        return;

    const char *name = hl_value_get_text(wish, "Name");
    const char *driver = hl_value_get_text(wish, "Driver");
    const struct hl_value *options = hl_value_get(wish, "DriverOpts");

    if (strlen(name) == 1) {
        docker_fail(c, 400, "create %s: volume name is too short, names should be at least two alphanumeric characters", name);
        return;
    }
    if (*name != '\0' && !docker_name_is_valid(name)) {
        docker_fail(c, 400,
                    "create %s: \"%s\" includes invalid characters for a local volume name, only "
                    "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
                    name, name);
        return;
    }
    for (size_t i = 0; i < hl_value_count(options); i++) {
        const char *key = hl_value_key(options, i);

        if (strcmp(key, "type") != 0 && strcmp(key, "device") != 0 && strcmp(key, "o") != 0 && strcmp(key, "size") != 0) {
            docker_fail(c, 400, "create %s: invalid option: \"%s\"", name, key);
            return;
        }
    }
    if (*driver != '\0' && strcmp(driver, "local") != 0) {
        docker_fail(c, 404, "create %s: error looking up volume plugin %s: plugin \"%s\" not found", name, driver, driver);
        return;
    }
    if (*name == '\0') {
        docker_new_id(id);
        name = id;
    }
    volume = docker_volume_find(c->docker, name);
    if (volume == NULL)
        volume = docker_volume_add(c->docker, name, hl_value_get(wish, "DriverOpts"), hl_value_get(wish, "Labels"));
    docker_ok(c, 201, describe(c->arena, volume));
}

void docker_volume_inspect(struct docker_call *c)
{
    struct docker_volume *volume = docker_volume_find(c->docker, c->name);

    if (volume == NULL)
        docker_fail(c, 404, "get %s: no such volume", c->name);
    else
        docker_ok(c, 200, describe(c->arena, volume));
}

void docker_volume_delete(struct docker_call *c)
{
    struct docker_volume *volume = docker_volume_find(c->docker, c->name);
    const char *users = users_of(c, c->name);

    if (volume == NULL) {
        if (lab_query_flag(c->call, "force"))
            lab_answer(c->call, 204);
        else
            docker_fail(c, 404, "get %s: no such volume", c->name);
        return;
    }
    if (*users != '\0') { /* force does not help */
        docker_fail(c, 409, "remove %s: volume is in use - [%s]", c->name, users);
        return;
    }
    docker_volume_drop(c->docker, volume);
    lab_answer(c->call, 204);
}
