#include "config.h"

#include "reconcile/providers/docker/client.h"

#include "reconcile/providers/docker/endpoint.h"
#include "reconcile/providers/shared/web.h"
#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { SETTLE_MS = 1000, SETTLE_REPLACED_MS = 5000 };

const char *hl_docker_environment(const struct hl_run *run, const char *name)
{
    const size_t length = strlen(name);

    for (const char *const *entry = run->environment; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    }
    return NULL;
}

bool hl_docker_is_id(const char *text)
{
    return text != NULL && strlen(text) == HL_DOCKER_ID && strspn(text, "0123456789abcdef") == HL_DOCKER_ID;
}

/* --- Opening --- */

/* The engine takes absolute paths only, so the spec's folder is made absolute once. */
static const char *absolute_base(struct hl_arena *arena, const char *base)
{
    char folder[PATH_MAX];

    if (base != NULL && base[0] == '/')
        return base;
    if (getcwd(folder, sizeof folder) == NULL)
        return hl_is_blank(base) ? "/" : base;
    if (hl_is_blank(base) || strcmp(base, ".") == 0)
        return hl_arena_strdup(arena, folder);
    return hl_path_join(arena, folder, hl_starts_with(base, "./") ? base + 2 : base);
}

bool hl_docker_open(struct hl_session *session, struct hl_error **err)
{
    struct hl_docker *docker = hl_arena_alloc(session->arena, sizeof *docker);
    struct hl_docker_endpoint endpoint;

    if (!hl_docker_endpoint(session->arena, session->run, session->settings, &endpoint, err))
        return false;
    const struct hl_http_options options = {
        .url = endpoint.url,
        .user_agent = hl_web_user_agent(session->run, session->arena),
        .ca_file = endpoint.ca,
        .cert_file = endpoint.cert,
        .key_file = endpoint.key,
        .interrupts = session->run->interrupts,
    };
    if (!hl_http_new(&options, &docker->http, err))
        return false;
    docker->run = session->run;
    docker->host = endpoint.host;
    docker->base = absolute_base(session->arena, session->run->base);
    docker->home = hl_docker_environment(session->run, "HOME");
    docker->logins = hl_value_get(session->settings, "registries");
    docker->settle_ms = hl_value_get_int(session->settings, "settle", SETTLE_MS);
    docker->settle_replaced_ms = hl_value_get_int(session->settings, "settle_replaced", SETTLE_REPLACED_MS);
    docker->arena = hl_arena_new();
    hl_map_init(&docker->images, docker->arena);
    pthread_mutex_init(&docker->lock, NULL);
    pthread_cond_init(&docker->image_known, NULL);
    session->data = docker;
    return true;
}

void hl_docker_close(struct hl_session *session)
{
    struct hl_docker *docker = hl_docker_of(session);

    if (docker == NULL)
        return;
    hl_http_free(docker->http);
    hl_arena_free(docker->arena);
    pthread_cond_destroy(&docker->image_known);
    pthread_mutex_destroy(&docker->lock);
    session->data = NULL;
}

/* --- The version --- */

bool hl_docker_parse_version(const char *text, int *minor)
{
    int64_t number = 0;

    if (text == NULL || !hl_starts_with(text, "1.") || !hl_parse_int(text + 2, 0, 10000, &number))
        return false;
    *minor = (int)number;
    return true;
}

static bool choose_version(struct hl_docker *docker, const struct hl_value *version, struct hl_error **err)
{
    const char *engine = hl_value_get_text(version, "Version");
    int newest = 0;
    int oldest = 0;

    if (!hl_docker_parse_version(hl_value_get_text(version, "ApiVersion"), &newest))
        return hl_fail(err, HL_E_FAILED, "what answers at '%s' is no Docker Engine: it tells no API version", docker->host);
    if (!hl_docker_parse_version(hl_value_get_text(version, "MinAPIVersion"), &oldest))
        oldest = 0;
    const int chosen = newest < HL_DOCKER_NEWEST ? newest : HL_DOCKER_NEWEST;
    if (chosen < HL_DOCKER_OLDEST) {
        hl_fail(err, HL_E_FAILED, "Docker Engine %s at '%s' speaks API 1.%d, hlrec needs 1.%d or newer", engine != NULL ? engine : "?", docker->host, newest,
                HL_DOCKER_OLDEST);
        return hl_error_hint(err, "use Docker Engine 20.10 or newer");
    }
    if (chosen < oldest) {
        hl_fail(err, HL_E_FAILED, "Docker Engine %s at '%s' takes API 1.%d and newer, hlrec knows up to 1.%d", engine != NULL ? engine : "?", docker->host,
                oldest, HL_DOCKER_NEWEST);
        return hl_error_hint(err, "use a newer hlrec, or lower `min-api-version` in the engine's daemon.json");
    }
    docker->minor = chosen;
    return true;
}

static bool ask_version(struct hl_docker *docker, struct hl_error **err)
{
    const struct hl_http_request request = {.method = "GET", .path = "/version"};
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *version = NULL;

    if (!hl_http_perform(docker->http, &request, &response, err))
        return false;
    if (response.status != 200)
        return hl_docker_rejected(docker, &response, err);
    if (!hl_json_decode(docker->arena, hl_text_get(&response.body), response.body.length, &version, err))
        return hl_wrap(err, "what answers at '%s' is no Docker Engine", docker->host);
    if (!choose_version(docker, version, err))
        return false;
    docker->version = version;
    return true;
}

/* The lock is held during the call: whoever comes second waits for the answer instead of asking too. */
bool hl_docker_negotiate(struct hl_docker *docker, int *minor, struct hl_error **err)
{
    pthread_mutex_lock(&docker->lock);
    const bool done = docker->minor != 0 || ask_version(docker, err);
    *minor = docker->minor;
    pthread_mutex_unlock(&docker->lock);
    return done;
}

/* --- Calls --- */

bool hl_docker_send(struct hl_docker *docker, const struct hl_docker_call *call, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_OUTPUT);
    int minor = 0;

    if (!hl_docker_negotiate(docker, &minor, err))
        return false;
    hl_text_printf(&path, "/v1.%d%s", minor, call->path);
    if (call->body != NULL)
        hl_json_encode(&body, call->body, HL_JSON_COMPACT);
    const struct hl_http_request request = {
        .method = call->method,
        .path = hl_text_get(&path),
        .headers = call->headers,
        .body = call->body != NULL ? hl_text_get(&body) : call->tar,
        .body_length = call->body != NULL ? body.length : call->tar_length,
        .content_type = call->tar != NULL ? "application/x-tar" : NULL,
        .timeout_ms = call->timeout_ms,
        .idempotent = call->idempotent,
        .on_data = call->on_data,
        .context = call->context,
    };
    return hl_http_perform(docker->http, &request, response, err);
}

bool hl_docker_rejected(const struct hl_docker *docker, const struct hl_http_response *response, struct hl_error **err)
{
    const bool spoken = strchr(hl_text_get(&response->body), '{') != NULL;

    hl_http_rejected(response, docker->run->redactor, err);
    /* The engine says 500 and 403 for what is simply refused: a port in use, an address taken. A 403 without its words comes from a proxy before it. */
    if (response->status == 500 || (response->status == 403 && spoken))
        (*err)->code = HL_E_REJECTED;
    else if (response->status == 403)
        hl_error_hint(err, "a proxy in front of the Docker socket forbids this call");
    return false;
}

static bool fail_unreadable(const struct hl_http_response *response, struct hl_error **err)
{
    hl_wrap(err, "the engine's answer cannot be read");
    return hl_error_http(err, response->method, response->url, response->status);
}

static bool decode_body(struct hl_arena *arena, const struct hl_http_response *response, struct hl_value **out, struct hl_error **err)
{
    if (out == NULL)
        return true;
    *out = NULL;
    if (response->body.length == 0)
        return true;
    return hl_json_decode(arena, hl_text_get(&response->body), response->body.length, out, err) || fail_unreadable(response, err);
}

/* What is asked for with GET is always told: nothing at all is not "nothing there". */
static bool decode_document(struct hl_arena *arena, const struct hl_http_response *response, struct hl_value **out, struct hl_error **err)
{
    if (response->body.length > 0)
        return decode_body(arena, response, out, err);
    hl_fail(err, HL_E_FAILED, "it is empty");
    return fail_unreadable(response, err);
}

bool hl_docker_check_object(const struct hl_value *told, const char *const *keys, struct hl_error **err)
{
    for (; *keys != NULL; keys++) {
        if (hl_is_blank(hl_value_get_text(told, *keys)))
            return hl_fail(err, HL_E_FAILED, "the engine tells of an object without '%s'", *keys);
    }
    return true;
}

bool hl_docker_check_list(const struct hl_value *told, const char *const *keys, struct hl_error **err)
{
    if (!hl_value_is(told, HL_LIST) && !hl_value_is_null(told))
        return hl_fail(err, HL_E_FAILED, "the engine does not tell a list");
    for (size_t i = 0; i < hl_value_count(told); i++) {
        if (!hl_docker_check_object(hl_value_item(told, i), keys, err))
            return false;
    }
    return true;
}

static bool is_fine(long status)
{
    return (status >= 200 && status < 300) || status == 304;
}

bool hl_docker_find(struct hl_docker *docker, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "GET", .path = path};
    hl_auto(http_response) struct hl_http_response response = {0};

    *out = NULL;
    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (response.status == 404)
        return true;
    if (!is_fine(response.status))
        return hl_docker_rejected(docker, &response, err);
    return decode_document(arena, &response, out, err);
}

bool hl_docker_get(struct hl_docker *docker, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "GET", .path = path};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (!is_fine(response.status))
        return hl_docker_rejected(docker, &response, err);
    return decode_document(arena, &response, out, err);
}

bool hl_docker_get_each(struct hl_docker *docker, const char *path, hl_json_element_fn *visit, void *context, struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "GET", .path = path};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (!is_fine(response.status))
        return hl_docker_rejected(docker, &response, err);
    return hl_json_each(hl_text_get(&response.body), response.body.length, visit, context, err) || fail_unreadable(&response, err);
}

bool hl_docker_post(struct hl_docker *docker, struct hl_arena *arena, const char *path, const struct hl_value *body, int64_t timeout_ms, struct hl_value **out,
                    struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "POST", .path = path, .body = body, .timeout_ms = timeout_ms};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (!is_fine(response.status))
        return hl_docker_rejected(docker, &response, err);
    return decode_body(arena, &response, out, err);
}

bool hl_docker_delete(struct hl_docker *docker, const char *path, struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "DELETE", .path = path, .idempotent = true};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    return is_fine(response.status) || response.status == 404 || hl_docker_rejected(docker, &response, err);
}

/* --- Paths --- */

const char *hl_docker_escape(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_http_escape(&escaped, text);
    return hl_arena_copy(arena, hl_text_get(&escaped), escaped.length);
}

const char *hl_docker_filter(struct hl_arena *arena, char separator, const char *name, const char *const *values)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_value *list = hl_value_list(arena);
    struct hl_value *filter = hl_value_map(arena);

    for (; *values != NULL; values++)
        hl_value_list_add(arena, list, hl_value_text(arena, *values));
    hl_value_map_put(filter, name, list);
    hl_json_encode(&json, filter, HL_JSON_COMPACT);
    return hl_arena_printf(arena, "%cfilters=%s", separator, hl_docker_escape(arena, hl_text_get(&json)));
}
