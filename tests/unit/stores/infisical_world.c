#include "config.h"

#include "tests/unit/stores/infisical_world.h"

#include <stdio.h>
#include <string.h>

void infisical_open(struct infisical *world)
{
    memset(world, 0, sizeof *world);
    world->arena = hl_arena_new();
    hl_map_init(&world->folders, world->arena);
}

void infisical_close(struct infisical *world)
{
    hl_arena_free(world->arena);
}

struct infisical_secret *infisical_find(struct infisical *world, const char *place)
{
    for (size_t i = 0; i < world->count; i++) {
        if (strcmp(world->secrets[i].place, place) == 0)
            return &world->secrets[i];
    }
    return NULL;
}

const char *infisical_value(struct infisical *world, const char *place)
{
    const struct infisical_secret *secret = infisical_find(world, place);

    return secret != NULL ? secret->value : NULL;
}

void infisical_put(struct infisical *world, const char *place, const char *value)
{
    struct infisical_secret *secret = infisical_find(world, place);
    char folder[200];

    if (value == NULL) {
        if (secret != NULL)
            *secret = world->secrets[--world->count];
        return;
    }
    if (secret == NULL)
        secret = &world->secrets[world->count++];
    snprintf(secret->place, sizeof secret->place, "%s", place);
    snprintf(secret->value, sizeof secret->value, "%s", value);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(place, ' ') - place), place);
    hl_map_put(&world->folders, folder, world);
}

static void refuse(struct call *call, int status, const char *error, const char *message)
{
    answer(call, status, "{\"reqId\":\"req-1\",\"statusCode\":%d,\"message\":\"%s\",\"error\":\"%s\"}", status, message, error);
}

static void no_route(struct call *call)
{
    answer(call, 404, "{\"message\":\"Route %s:%s not found\",\"error\":\"Not Found\",\"statusCode\":404}", call->method, call->path);
}

/* ---- signing in, projects, folders ---- */

static void log_in(struct infisical *world, struct call *call)
{
    const char *id = hl_value_get_text(call->body, "clientId");
    const char *secret = hl_value_get_text(call->body, "clientSecret");

    world->logins++;
    if (id == NULL || secret == NULL || strcmp(id, "client") != 0 || strcmp(secret, "geheim-geheim") != 0) {
        refuse(call, 401, "UnauthorizedError", "Invalid credentials");
        return;
    }
    snprintf(world->token, sizeof world->token, "access-token-%d", world->logins);
    answer(call, 200, "{\"accessToken\":\"%s\",\"expiresIn\":%d,\"accessTokenMaxTTL\":%d,\"tokenType\":\"Bearer\"}", world->token, world->ttl_s, world->ttl_s);
}

static void project(struct call *call, const char *wrap)
{
    static const char object[] = "{\"id\":\"" INFISICAL_PROJECT "\",\"name\":\"Homelab\",\"slug\":\"homelab-prod\",\"environments\":["
                                 "{\"id\":\"e1\",\"name\":\"Development\",\"slug\":\"dev\"},{\"id\":\"e2\",\"name\":\"Production\",\"slug\":\"prod\"}]}";

    if (wrap != NULL)
        answer(call, 200, "{\"%s\":%s}", wrap, object);
    else
        answer(call, 200, "%s", object);
}

static void serve_project(struct infisical *world, struct call *call)
{
    const bool workspace = strstr(call->path, "/workspace/") != NULL;
    const char *name = strrchr(call->path, '/') + 1;

    if (workspace != world->old)
        no_route(call);
    else if (strcmp(call->path, "/api/v1/projects/slug/homelab-prod") == 0 || strcmp(call->path, "/api/v2/workspace/homelab-prod") == 0)
        project(call, NULL);
    else if (strcmp(name, INFISICAL_PROJECT) == 0)
        project(call, workspace ? "workspace" : "project");
    else if (strcmp(name, "foreign") == 0)
        refuse(call, 403, "ForbiddenRequestError", "You are not a member of this project");
    else
        refuse(call, 404, "NotFound", "Project not found");
}

static void serve_folder(struct infisical *world, struct call *call)
{
    const char *id = hl_value_get_text(call->body, world->old ? "workspaceId" : "projectId");
    const char *environment = hl_value_get_text(call->body, "environment");
    const char *path = hl_value_get_text(call->body, "path");
    const char *name = hl_value_get_text(call->body, "name");

    if (strcmp(call->path, world->old ? "/api/v1/folders" : "/api/v2/folders") != 0) {
        no_route(call);
    } else if (id == NULL || environment == NULL || path == NULL || name == NULL || strchr(name, '/') != NULL) {
        answer(call, 422, "{\"reqId\":\"r\",\"statusCode\":422,\"error\":\"ValidationFailure\",\"message\":[{\"path\":[\"name\"],\"message\":\"Bad name\"}]}");
    } else {
        const char *place = hl_arena_printf(call->arena, "%s %s/%s", environment, strcmp(path, "/") == 0 ? "" : path, name);
        hl_map_put(&world->folders, place, world);
        answer(call, 200, "{\"folder\":{\"id\":\"f\",\"name\":\"%s\"}}", name);
    }
}

/* ---- secrets ---- */

static struct hl_value *secret_json(const struct infisical *world, struct hl_arena *arena, const struct infisical_secret *secret)
{
    struct hl_value *json = hl_value_map(arena);

    hl_value_map_put_text(json, "secretKey", strrchr(secret->place, ' ') + 1);
    hl_value_map_put_text(json, "secretValue", world->hides ? "<hidden-by-infisical>" : secret->value);
    hl_value_map_put_bool(json, "secretValueHidden", world->hides);
    hl_value_map_put_text(json, "secretComment", secret->comment);
    hl_value_map_put_text(json, "type", "shared");
    hl_value_map_put_bool(json, "isRotatedSecret", secret->rotated);
    return json;
}

static void wrap_secret(const struct infisical *world, struct call *call, const struct infisical_secret *secret)
{
    struct hl_value *wrapped = hl_value_map(call->arena);

    hl_value_map_put(wrapped, "secret", secret_json(world, call->arena, secret));
    answer_json(call, 200, wrapped);
}

static void list_secrets(struct infisical *world, struct call *call, const char *folder)
{
    struct hl_value *answered = hl_value_map(call->arena);
    struct hl_value *list = hl_value_list(call->arena);
    const size_t length = strlen(folder);

    for (size_t i = 0; i < world->count; i++) {
        if (strncmp(world->secrets[i].place, folder, length) == 0 && strrchr(world->secrets[i].place, ' ') == world->secrets[i].place + length)
            hl_value_list_add(call->arena, list, secret_json(world, call->arena, &world->secrets[i]));
    }
    hl_value_map_put(answered, "secrets", list);
    answer_json(call, 200, answered);
}

static void take_value(struct infisical *world, struct call *call, const char *place)
{
    const char *comment = hl_value_get_text(call->body, "secretComment");

    infisical_put(world, place, hl_value_get_text(call->body, "secretValue"));
    struct infisical_secret *secret = infisical_find(world, place);
    if (comment != NULL)
        snprintf(secret->comment, sizeof secret->comment, "%s", comment);
    wrap_secret(world, call, secret);
}

static void change_secret(struct infisical *world, struct call *call, const char *place, const char *key)
{
    const bool post = strcmp(call->method, "POST") == 0;
    struct infisical_secret *secret = infisical_find(world, place);

    if (!post && secret == NULL) {
        refuse(call, 404, "NotFound", hl_arena_printf(call->arena, "Secret with name '%s' not found", key));
    } else if (post && secret != NULL) {
        refuse(call, 400, "BadRequest", "Secret already exist");
    } else if (world->approval) {
        answer(call, 200, "{\"approval\":{\"id\":\"a\",\"slug\":\"request-7\",\"status\":\"open\"}}");
    } else if (strcmp(call->method, "DELETE") == 0) {
        wrap_secret(world, call, secret);
        infisical_put(world, place, NULL);
    } else {
        take_value(world, call, place);
    }
}

static void serve_secret(struct infisical *world, struct call *call, const char *base)
{
    const bool get = strcmp(call->method, "GET") == 0;
    const char *project_member = world->old ? "workspaceId" : "projectId";
    const char *id = get ? query_get(call, project_member) : hl_value_get_text(call->body, project_member);
    const char *environment = get ? query_get(call, "environment") : hl_value_get_text(call->body, "environment");
    const char *path = get ? query_get(call, "secretPath") : hl_value_get_text(call->body, "secretPath");
    const char *encoded = call->path + strlen(base);

    if (id == NULL || strcmp(id, INFISICAL_PROJECT) != 0 || environment == NULL || path == NULL) {
        answer(call, 422, "{\"reqId\":\"r\",\"statusCode\":422,\"error\":\"ValidationFailure\",\"message\":[{\"message\":\"Required\"}]}");
        return;
    }
    const char *folder = hl_arena_printf(call->arena, "%s %s", environment, path);
    const bool there = strcmp(path, "/") == 0 || hl_map_has(&world->folders, folder);
    if (*encoded == '\0') {
        if (there || world->lists_nothing)
            list_secrets(world, call, folder);
        else
            refuse(call, 404, "SecretPathNotFound", "Folder not found");
        return;
    }
    const char *key = decoded(call->arena, encoded + 1, strlen(encoded + 1));
    const char *place = hl_arena_printf(call->arena, "%s %s", folder, key);
    if (!there)
        refuse(call, 404, "GetSecret", hl_arena_printf(call->arena, "Folder with path '%s' in environment with slug '%s' not found", path, environment));
    else if (!get)
        change_secret(world, call, place, key);
    else if (infisical_find(world, place) == NULL)
        refuse(call, 404, "NotFound", hl_arena_printf(call->arena, "Secret with name '%s' not found", key));
    else if (world->hides)
        refuse(call, 403, "ForbiddenReadSecretError", "You are not allowed to read the value of this secret");
    else
        wrap_secret(world, call, infisical_find(world, place));
}

/* ---- all ---- */

static bool is_token(const struct infisical *world, const char *token)
{
    return world->service != NULL ? strcmp(token, "st.1.2.3") == 0 : strcmp(token, world->token) == 0 && *token != '\0';
}

void infisical_serve(void *context, struct call *call)
{
    struct infisical *world = context;
    const char *secrets = world->old ? "/api/v3/secrets/raw" : "/api/v4/secrets";

    if (strcmp(call->path, "/api/status") == 0)
        answer(call, 200, "{\"date\":\"2026-01-01T00:00:00.000Z\",\"message\":\"Ok\"}");
    else if (strcmp(call->path, "/api/v1/auth/universal-auth/login") == 0)
        log_in(world, call);
    else if (!is_token(world, call->token))
        refuse(call, 403, "TokenError", "Your token has expired. Please re-authenticate.");
    else if (strcmp(call->path, "/api/v2/service-token") == 0)
        answer(call, 200, "{\"id\":\"s\",\"workspace\":\"" INFISICAL_PROJECT "\",\"scopes\":[{\"environment\":\"prod\",\"secretPath\":\"%s\"}]}",
               world->service);
    else if (hl_starts_with(call->path, "/api/v1/projects/") || strstr(call->path, "/workspace/") != NULL)
        serve_project(world, call);
    else if (strstr(call->path, "/folders") != NULL)
        serve_folder(world, call);
    else if (hl_starts_with(call->path, secrets))
        serve_secret(world, call, secrets);
    else
        no_route(call);
}
