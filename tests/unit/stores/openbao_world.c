#include "config.h"

#include "tests/unit/stores/openbao_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void openbao_open(struct openbao *world)
{
    memset(world, 0, sizeof *world);
    world->arena = hl_arena_new();
    hl_map_init(&world->paths, world->arena);
    snprintf(world->token, sizeof world->token, "%s", "s.root-token");
}

void openbao_close(struct openbao *world)
{
    hl_arena_free(world->arena);
}

static struct openbao_path *path_of(struct openbao *world, const char *place)
{
    struct openbao_path *path = hl_map_find(&world->paths, place);

    if (path == NULL) {
        path = hl_arena_alloc(world->arena, sizeof *path);
        hl_map_put(&world->paths, place, path);
    }
    return path;
}

void openbao_put(struct openbao *world, const char *place, const char *json)
{
    struct openbao_path *path = path_of(world, place);
    struct hl_error *err = NULL;

    path->data = NULL;
    if (json == NULL)
        return;
    path->version++;
    if (!hl_json_decode(world->arena, json, strlen(json), &path->data, &err))
        abort();
}

const char *openbao_get(struct openbao *world, const char *place)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const struct openbao_path *path = hl_map_find(&world->paths, place);

    if (path == NULL || path->data == NULL)
        return NULL;
    hl_json_encode(&out, path->data, HL_JSON_CANONICAL);
    return hl_arena_strdup(world->arena, hl_text_get(&out));
}

int64_t openbao_version(struct openbao *world, const char *place)
{
    const struct openbao_path *path = hl_map_find(&world->paths, place);

    return path != NULL ? path->version : 0;
}

static void fail(struct call *call, int status, const char *words)
{
    answer(call, status, *words != '\0' ? "{\"errors\":[\"%s\"]}" : "{\"errors\":[]%s}", words);
}

/* ---- the KV engine ---- */

static void show_metadata(struct call *call, int status, const struct openbao_path *path, bool whole)
{
    struct hl_value *metadata = hl_value_map(call->arena);
    struct hl_value *data = hl_value_map(call->arena);
    struct hl_value *answered = hl_value_map(call->arena);

    hl_value_map_put_int(metadata, "version", path->version);
    hl_value_map_put_text(metadata, "deletion_time", path->data != NULL ? "" : "2026-01-01T00:00:00Z");
    hl_value_map_put(data, "data", path->data != NULL ? hl_value_copy(call->arena, path->data) : hl_value_null(call->arena));
    hl_value_map_put(data, "metadata", metadata);
    hl_value_map_put(answered, "data", whole ? data : metadata);
    hl_value_map_put(answered, "warnings", hl_value_null(call->arena));
    answer_json(call, status, answered);
}

static void read_data(struct call *call, const struct openbao_path *path)
{
    if (path == NULL || path->version == 0)
        fail(call, 404, "");
    else
        show_metadata(call, path->data != NULL ? 200 : 404, path, true);
}

static void merge(struct openbao *world, struct openbao_path *path, const struct hl_value *patch)
{
    struct hl_value *data = hl_value_map(world->arena);

    for (size_t i = 0; i < hl_value_count(path->data); i++) {
        if (hl_value_get(patch, hl_value_key(path->data, i)) == NULL)
            hl_value_map_put(data, hl_value_key(path->data, i), hl_value_at(path->data, i));
    }
    for (size_t i = 0; i < hl_value_count(patch); i++) {
        if (hl_value_at(patch, i)->type != HL_NULL)
            hl_value_map_put(data, hl_value_key(patch, i), hl_value_copy(world->arena, hl_value_at(patch, i)));
    }
    path->data = data;
}

static void change_data(struct openbao *world, struct call *call, const char *place)
{
    const bool patch = strcmp(call->method, "PATCH") == 0;
    struct openbao_path *path = path_of(world, place);
    const struct hl_value *data = hl_value_get(call->body, "data");
    const int64_t cas = hl_value_get_int(hl_value_get(call->body, "options"), "cas", -1);

    if (patch && world->no_patch)
        fail(call, 403, "1 error occurred:\\n\\t* permission denied\\n\\n");
    else if (patch && strcmp(call->type, "application/merge-patch+json") != 0)
        fail(call, 415, "PATCH requires Content-Type of application/merge-patch+json");
    else if (patch && path->data == NULL)
        answer(call, 404, "%s", "");
    else if (cas >= 0 && cas != path->version)
        fail(call, 400, "check-and-set parameter did not match the current version");
    else if (!hl_value_is(data, HL_MAP))
        fail(call, 400, "no data provided");
    else {
        if (patch)
            merge(world, path, data);
        else
            path->data = hl_value_copy(world->arena, data);
        path->version++;
        show_metadata(call, 200, path, false);
    }
}

static void delete_version(struct openbao *world, struct call *call, const char *place)
{
    struct openbao_path *path = path_of(world, place);
    const struct hl_value *versions = hl_value_get(call->body, "versions");

    if (world->no_delete) {
        fail(call, 403, "1 error occurred:\\n\\t* permission denied\\n\\n");
        return;
    }
    for (size_t i = 0; i < hl_value_count(versions); i++) {
        if (hl_value_item(versions, i)->integer == path->version)
            path->data = NULL;
    }
    answer(call, 204, "%s", "");
}

static void serve_mount(struct openbao *world, struct call *call, const char *mount, const char *rest)
{
    const char *slash = strchr(rest, '/');
    const char *what = hl_arena_copy(call->arena, rest, slash != NULL ? (size_t)(slash - rest) : strlen(rest));
    const char *place = hl_arena_printf(call->arena, "%s/%s", mount, slash != NULL ? decoded(call->arena, slash + 1, strlen(slash + 1)) : "");
    const bool get = strcmp(call->method, "GET") == 0;

    if (!get && world->meanwhile != NULL)
        world->meanwhile(world, place);
    if (strcmp(what, "delete") == 0)
        delete_version(world, call, place);
    else if (strcmp(what, "data") != 0)
        fail(call, 404, "");
    else if (get)
        read_data(call, hl_map_find(&world->paths, place));
    else if (strcmp(call->method, "DELETE") == 0) {
        path_of(world, place)->data = NULL;
        answer(call, 204, "%s", "");
    } else
        change_data(world, call, place);
}

/* ---- all ---- */

static void log_in(struct openbao *world, struct call *call)
{
    const char *role = hl_value_get_text(call->body, "role_id");
    const char *secret = hl_value_get_text(call->body, "secret_id");

    world->logins++;
    if (role == NULL || secret == NULL || strcmp(role, "role") != 0 || strcmp(secret, "geheim-geheim") != 0) {
        fail(call, 400, "invalid role or secret ID");
        return;
    }
    snprintf(world->token, sizeof world->token, "s.login-token-%d", world->logins);
    answer(call, 200, "{\"auth\":{\"client_token\":\"%s\",\"lease_duration\":%d,\"renewable\":true}}", world->token, world->lease_s);
}

static void show_mount(struct call *call, const char *name)
{
    static const struct {
        const char *path, *type, *options;
    } mounts[] = {
        {"secret", "kv", "{\"version\":\"2\"}"}, {"team/kv", "kv", "{\"version\":\"2\"}"}, {"old", "kv", "{\"version\":\"1\"}"}, {"pki", "pki", "null"}};

    for (size_t i = 0; i < HL_COUNT(mounts); i++) {
        const size_t length = strlen(mounts[i].path);
        if (strncmp(name, mounts[i].path, length) == 0 && (name[length] == '\0' || name[length] == '/')) {
            answer(call, 200, "{\"data\":{\"path\":\"%s/\",\"type\":\"%s\",\"options\":%s}}", mounts[i].path, mounts[i].type, mounts[i].options);
            return;
        }
    }
    fail(call, 403, "preflight capability check returned 403, please ensure client's policies grant access to path");
}

static const char *behind(const char *path, const char *begin)
{
    return hl_starts_with(path, begin) ? path + strlen(begin) : NULL;
}

void openbao_serve(void *context, struct call *call)
{
    struct openbao *world = context;
    const char *rest = NULL;

    if (strcmp(call->path, "/v1/sys/health") == 0)
        answer(call, world->sealed && *call->query == '\0' ? 503 : 200, "{\"initialized\":true,\"sealed\":%s,\"standby\":false,\"version\":\"2.7.2\"}",
               world->sealed ? "true" : "false");
    else if (world->sealed)
        fail(call, 503, "Vault is sealed");
    else if (strcmp(call->namespace, "nope") == 0)
        fail(call, 404, "namespace not found");
    else if (strcmp(call->path, "/v1/auth/approle/login") == 0)
        log_in(world, call);
    else if (strcmp(call->token, world->token) != 0)
        fail(call, 403, "permission denied");
    else if (strcmp(call->path, "/v1/auth/token/lookup-self") == 0 && world->no_look_up)
        fail(call, 403, "1 error occurred:\\n\\t* permission denied\\n\\n");
    else if (strcmp(call->path, "/v1/auth/token/lookup-self") == 0)
        answer(call, 200, "{\"data\":{\"ttl\":100,\"creation_ttl\":3600,\"renewable\":true,\"policies\":[\"default\",\"hlrec\"]}}");
    else if (strcmp(call->path, "/v1/auth/token/renew-self") == 0)
        answer(call, 200, "{\"auth\":{\"client_token\":\"%s\",\"lease_duration\":3600}}", world->token);
    else if ((rest = behind(call->path, "/v1/sys/internal/ui/mounts/")) != NULL)
        show_mount(call, rest);
    else if ((rest = behind(call->path, "/v1/secret/")) != NULL)
        serve_mount(world, call, "secret", rest);
    else if ((rest = behind(call->path, "/v1/team/kv/")) != NULL)
        serve_mount(world, call, "team/kv", rest);
    else
        fail(call, 404, "no handler for route");
}
