#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/spec.h"
#include "reconcile/providers/docker/mark.h"

#include <string.h>

enum { DEFAULT_GRACE_S = 10, SLACK_MS = 30000, START_MS = 120000, REMOVAL_MS = 60000, REMOVAL_POLL_MS = 100 };

const char *hl_container_id(const struct hl_value *inspection)
{
    return hl_value_get_text(inspection, "Id");
}

const char *hl_container_wanted_name(const struct hl_value *desired, const char *resource)
{
    const char *name = hl_value_get_text(desired, "container_name");

    return hl_is_blank(name) ? resource : name;
}

bool hl_container_was_started(const struct hl_value *inspection)
{
    const char *started = hl_value_get_text(hl_value_get(inspection, "State"), "StartedAt");

    return started != NULL && !hl_starts_with(started, "0001-");
}

const char *hl_container_path(struct hl_arena *arena, const char *id, const char *rest)
{
    return hl_arena_printf(arena, "/containers/%s%s", hl_docker_escape(arena, id), rest);
}

/* Both go into paths and messages. */
static bool check_inspection(const struct hl_value *inspection, struct hl_error **err)
{
    static const char *const keys[] = {"Id", "Name", NULL};

    return inspection == NULL || hl_docker_check_object(inspection, keys, err);
}

bool hl_container_inspect(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err)
{
    if (!hl_docker_find(docker, arena, hl_container_path(arena, id, "/json"), out, err) || !check_inspection(*out, err))
        return hl_wrap(err, "inspecting container %.12s", id);
    return true;
}

/* The engine falls back to the beginning of an id: what it finds must have the name. */
bool hl_container_inspect_name(struct hl_docker *docker, struct hl_arena *arena, const char *name, struct hl_value **out, struct hl_error **err)
{
    if (!hl_docker_find(docker, arena, hl_container_path(arena, name, "/json"), out, err) || !check_inspection(*out, err))
        return hl_wrap(err, "inspecting container '%s'", name);
    if (*out != NULL && strcmp(hl_container_name(*out), name) != 0)
        *out = NULL;
    return true;
}

bool hl_container_list(struct hl_docker *docker, struct hl_arena *arena, const char *filter, struct hl_value **out, struct hl_error **err)
{
    static const char *const keys[] = {"Id", NULL};

    if (!hl_docker_get(docker, arena, hl_arena_printf(arena, "/containers/json?all=1%s", filter), out, err) || !hl_docker_check_list(*out, keys, err))
        return hl_wrap(err, "listing containers");
    return true;
}

bool hl_container_each(struct hl_docker *docker, hl_json_element_fn *visit, void *context, struct hl_error **err)
{
    return hl_docker_get_each(docker, "/containers/json?all=1", visit, context, err) || hl_wrap(err, "listing containers");
}

bool hl_container_find_operation(struct hl_docker *docker, struct hl_arena *arena, const char *operation, struct hl_value **out, struct hl_error **err)
{
    struct hl_value *list = NULL;

    *out = NULL;
    if (hl_is_blank(operation))
        return true;
    if (!hl_container_list(docker, arena, hl_mark_filter(arena, '&', HL_MARK_OPERATION, operation), &list, err))
        return false;
    *out = hl_value_item(list, 0);
    return true;
}

static bool post(struct hl_docker *docker, const char *id, const char *verb, const struct hl_value *body, int64_t timeout_ms, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return hl_docker_post(docker, arena, hl_container_path(arena, id, verb), body, timeout_ms, NULL, err);
}

bool hl_container_start(struct hl_docker *docker, const char *id, struct hl_error **err)
{
    return post(docker, id, "/start", NULL, START_MS, err) || hl_wrap(err, "starting the container");
}

bool hl_container_stop(struct hl_docker *docker, const struct hl_value *inspection, struct hl_error **err)
{
    const int64_t grace_s = hl_value_get_int(hl_value_get(inspection, "Config"), "StopTimeout", DEFAULT_GRACE_S);
    const int64_t timeout_ms = grace_s < 0 ? -1 : grace_s * 1000 + SLACK_MS;

    return post(docker, hl_container_id(inspection), "/stop", NULL, timeout_ms, err) || hl_wrap(err, "stopping container '%s'", hl_container_name(inspection));
}

bool hl_container_unpause(struct hl_docker *docker, const char *id, struct hl_error **err)
{
    return post(docker, id, "/unpause", NULL, 0, err) || hl_wrap(err, "unpausing the container");
}

bool hl_container_rename(struct hl_docker *docker, const char *id, const char *name, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return post(docker, id, hl_arena_printf(arena, "/rename?name=%s", hl_docker_escape(arena, name)), NULL, 0, err) ||
           hl_wrap(err, "renaming the container to '%s'", name);
}

bool hl_container_set_restart(struct hl_docker *docker, const char *id, const char *restart, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *body = hl_value_map(arena);

    hl_value_map_put(body, "RestartPolicy", hl_container_restart(arena, restart));
    return post(docker, id, "/update", body, 0, err) || hl_wrap(err, "changing the restart policy");
}

/* A removal that is under way already answers 409; it is over when the container cannot be found. */
static bool wait_for_removal(struct hl_docker *docker, const char *id, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const int64_t deadline = hl_docker_now_ms() + REMOVAL_MS;
    struct hl_value *inspection = NULL;

    do {
        if (!hl_container_inspect(docker, arena, id, &inspection, err))
            return false;
        if (inspection == NULL)
            return true;
        if (!hl_run_sleep(docker->run, REMOVAL_POLL_MS))
            return hl_fail(err, HL_E_INTERRUPTED, "interrupted while a container is being removed");
    } while (hl_docker_now_ms() < deadline);
    return hl_fail(err, HL_E_TIMEOUT, "the engine does not finish removing container %.12s", id);
}

bool hl_container_delete(struct hl_docker *docker, const char *id, bool force, bool volumes, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_docker_call call = {
        .method = "DELETE",
        .path = hl_container_path(arena, id, hl_arena_printf(arena, "?force=%d&v=%d", force ? 1 : 0, volumes ? 1 : 0)),
        .timeout_ms = REMOVAL_MS,
        .idempotent = true,
    };

    if (!hl_docker_send(docker, &call, &response, err))
        return hl_wrap(err, "removing container %.12s", id);
    if (response.status == 204 || response.status == 200 || response.status == 404)
        return true;
    if (response.status == 409 && strstr(hl_text_get(&response.body), "already in progress") != NULL)
        return wait_for_removal(docker, id, err);
    hl_docker_rejected(docker, &response, err);
    return hl_wrap(err, "removing container %.12s", id);
}

bool hl_container_connect(struct hl_docker *docker, const char *id, const char *network_id, struct hl_value *endpoint, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *body = hl_value_map(arena);

    hl_value_map_put_text(body, "Container", id);
    hl_value_map_put(body, "EndpointConfig", endpoint);
    return hl_docker_post(docker, arena, hl_arena_printf(arena, "/networks/%s/connect", hl_docker_escape(arena, network_id)), body, 0, NULL, err) ||
           hl_wrap(err, "connecting to network %.12s", network_id);
}

bool hl_container_disconnect(struct hl_docker *docker, const char *id, const char *network, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *body = hl_value_map(arena);
    const struct hl_docker_call call = {
        .method = "POST", .path = hl_arena_printf(arena, "/networks/%s/disconnect", hl_docker_escape(arena, network)), .body = body};

    hl_value_map_put_text(body, "Container", id);
    hl_value_map_put_bool(body, "Force", true);
    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (response.status == 200 || response.status == 404 || strstr(hl_text_get(&response.body), "is not connected") != NULL)
        return true;
    hl_docker_rejected(docker, &response, err);
    return hl_wrap(err, "disconnecting from network '%s'", network);
}

bool hl_container_networks_now(struct hl_docker *docker, struct hl_arena *arena, struct hl_map **out, struct hl_error **err)
{
    struct hl_value *list = NULL;

    *out = hl_map_new(arena);
    if (!hl_docker_get(docker, arena, "/networks", &list, err))
        return hl_wrap(err, "listing networks");
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *name = hl_value_get_text(hl_value_item(list, i), "Name");
        const char *id = hl_value_get_text(hl_value_item(list, i), "Id");
        if (name != NULL && id != NULL)
            hl_map_put(*out, name, hl_arena_strdup(arena, hl_map_has(*out, name) ? "" : id));
    }
    return true;
}
