/* The containers as a collection: finding, settling, leaving. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [CREATED] = "created", [RUNNING] = "running", [PAUSED] = "paused", [RESTARTING] = "restarting", [EXITED] = "exited",
};

static const char *const health_names[] = {
    [HEALTH_NONE] = "none",
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};

const char *docker_state_name(const struct docker_container *container)
{
    return state_names[container->state];
}

const char *docker_health_name(enum docker_health health)
{
    return health_names[health];
}

bool docker_container_runs(const struct docker_container *container)
{
    return container->state == RUNNING || container->state == PAUSED || container->state == RESTARTING;
}

const char *docker_container_label(const struct docker_container *container, const char *name)
{
    return hl_value_get_text(hl_value_get(container->config, "Labels"), name);
}

void docker_container_event(struct docker *docker, const struct docker_container *container, const char *action)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *labels = hl_value_get(container->config, "Labels");
    struct hl_value *attributes = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_count(labels); i++)
        hl_value_map_put(attributes, hl_value_key(labels, i), hl_value_at(labels, i));
    hl_value_map_put_text(attributes, "image", hl_value_get_text(container->config, "Image"));
    hl_value_map_put_text(attributes, "name", container->name);
    if (strcmp(action, "die") == 0)
        hl_value_map_put(attributes, "exitCode", hl_value_printf(arena, "%" PRId64, container->exit_code));
    docker_event(docker, "container", action, container->id, attributes);
}

/* --- Time passes --- */

static void settle_health(struct docker *docker, struct docker_container *container, int64_t now)
{
    if (container->verdict_ns == 0 || container->verdict_ns > now || container->state != RUNNING)
        return;
    container->verdict_ns = 0;
    container->health = container->verdict;
    container->row_fresh = false;
    docker_container_event(docker, container, container->health == HEALTH_HEALTHY ? "health_status: healthy" : "health_status: unhealthy");
}

bool docker_settle(struct docker *docker, struct docker_container *container)
{
    int64_t now = lab_now_ns();

    while (container->next_ns != 0 && container->next_ns <= now) {
        const char *code = docker_container_label(container, "lab.exit");
        bool removed = container->state == RUNNING && hl_value_get_bool(container->host, "AutoRemove", false);

        if (container->state == RESTARTING)
            docker_begin(docker, container, container->next_ns);
        else if (container->state == RUNNING)
            docker_exit_container(docker, container, code == NULL ? 0 : strtol(code, NULL, 10));
        else
            return true; /* paused: its time stands still */
        if (removed)
            return false;
    }
    settle_health(docker, container, now);
    return true;
}

void docker_settle_all(struct docker *docker)
{
    for (size_t i = 0; i < docker->containers_count;)
        if (docker_settle(docker, docker->containers[i]))
            i++;
}

/* --- Finding --- */

struct docker_container *docker_container_by_id(struct docker *docker, const char *id)
{
    return hl_map_find(&docker->containers_by_id, id);
}

/* The first of those whose id begins like this; *count tells how many there are. */
static struct docker_container *find_prefix(struct docker *docker, const char *text, size_t *count)
{
    struct docker_container *found = NULL;

    *count = 0;
    if (*text == '\0' || strspn(text, "0123456789abcdef") != strlen(text))
        return NULL;
    for (size_t i = 0; i < docker->containers_count; i++) {
        if (hl_starts_with(docker->containers[i]->id, text)) {
            found = found == NULL ? docker->containers[i] : found;
            (*count)++;
        }
    }
    return found;
}

static struct docker_container *look_up(struct docker *docker, const char *text, size_t *count)
{
    struct docker_container *container = docker_container_by_id(docker, text);

    *count = 1;
    if (container == NULL)
        container = hl_map_find(&docker->containers_by_name, text);
    return container != NULL ? container : find_prefix(docker, text, count);
}

struct docker_container *docker_container_peek(struct docker *docker, const char *text)
{
    size_t count = 0;

    return look_up(docker, text[0] == '/' ? text + 1 : text, &count);
}

struct docker_container *docker_container_find(struct docker_call *c, const char *text)
{
    const char *bare = text[0] == '/' ? text + 1 : text;
    size_t count = 0;
    struct docker_container *container = look_up(c->docker, bare, &count);

    if (container != NULL && count > 1) {
        docker_fail(c, 400, "Multiple IDs found with provided prefix: %s", bare);
        return NULL;
    }
    if (container == NULL || !docker_settle(c->docker, container)) {
        docker_fail(c, 404, "No such container: %s", text);
        return NULL;
    }
    return container;
}

/* --- Coming and going --- */

void docker_container_add(struct docker *docker, struct docker_container *container)
{
    docker->containers = docker_grow(docker->arena, docker->containers, docker->containers_count, &docker->containers_capacity);
    container->position = docker->containers_count;
    docker->containers[docker->containers_count++] = container;
    hl_map_put(&docker->containers_by_id, container->id, container);
    hl_map_put(&docker->containers_by_name, container->name, container);
}

static void remove_anonymous_volumes(struct docker *docker, const struct docker_container *container)
{
    for (size_t i = 0; i < hl_value_count(container->mounts); i++) {
        const char *name = hl_value_get_text(hl_value_item(container->mounts, i), "Name");
        struct docker_volume *volume = name == NULL ? NULL : docker_volume_find(docker, name);

        if (volume != NULL && volume->anonymous)
            docker_volume_drop(docker, volume);
    }
}

void docker_container_remove(struct docker *docker, struct docker_container *container, bool volumes)
{
    docker_ports_down(docker, container);
    for (size_t i = 0; i < container->endpoints_count; i++)
        docker_endpoint_down(docker, container, container->endpoints[i]);
    hl_map_put(&docker->containers_by_id, container->id, NULL);
    hl_map_put(&docker->containers_by_name, container->name, NULL);
    docker->containers_count--;
    for (size_t i = container->position; i < docker->containers_count; i++) {
        docker->containers[i] = docker->containers[i + 1];
        docker->containers[i]->position = i;
    }
    if (volumes)
        remove_anonymous_volumes(docker, container);
    docker_container_event(docker, container, "destroy");
    hl_text_clear(&container->row_head);
    hl_text_clear(&container->row_tail);
    hl_arena_free(container->arena);
    lab_notify(docker->lab);
}

void docker_container_rename(struct docker *docker, struct docker_container *container, const char *name)
{
    hl_map_put(&docker->containers_by_name, container->name, NULL);
    container->name = hl_arena_strdup(container->arena, name);
    hl_map_put(&docker->containers_by_name, container->name, container);
    container->row_fresh = false;
}

bool docker_name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t first = strspn(name, letters) > 0 ? 1 : 0;

    while (first > 0 && name[first] != '\0' && (strchr(letters, name[first]) != NULL || strchr("_.-", name[first]) != NULL))
        first++;
    return first >= 2 && name[first] == '\0';
}
