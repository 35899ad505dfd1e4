#include "config.h"

#include "reconcile/providers/openbao/session.h"
#include "schema/base/json.h"

#include <string.h>
#include <strings.h>

enum {
    MAX_ANSWER = 64 * 1024 * 1024,
    LONGEST_WAIT_S = 60,
    MOST_WAITED_MS = 60 * 1000, /* for all waits of a call together */
    UPGRADE_PAUSE_MS = 500,
};

/* ---- what answers say ---- */

struct hl_value *hl_openbao_body(const struct hl_http_response *response, struct hl_arena *arena)
{
    hl_auto(error) struct hl_error *no_json = NULL;
    struct hl_value *body = NULL;

    if (response->body.length == 0 || !hl_json_decode(arena, hl_text_get(&response->body), response->body.length, &body, &no_json))
        return NULL;
    return hl_value_is(body, HL_MAP) ? body : NULL;
}

bool hl_openbao_says(const struct hl_http_response *response, const char *words)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *errors = hl_value_get(hl_openbao_body(response, arena), "errors");

    for (size_t i = 0; i < hl_value_count(errors); i++) {
        const struct hl_value *error = hl_value_item(errors, i);
        if (hl_value_is(error, HL_TEXT) && strcasestr(error->text.data, words) != NULL)
            return true;
    }
    return false;
}

static bool is_html(const struct hl_http_response *response)
{
    const char *body = hl_text_get(&response->body);

    return body[strspn(body, " \t\r\n")] == '<';
}

/* 403 is all that the API says, be the token ended or its policies too narrow; the token itself can mostly be asked. */
static bool explain_forbidden(struct hl_openbao *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *data = NULL;

    if (hl_openbao_look_up(store, arena, &data, &ignored) && data != NULL)
        return hl_error_hint(err, "the token of provider '%s' is good, but none of its policies allows this", store->name);
    return hl_error_hint(err, "the token of provider '%s' has ended or was revoked, or its policies allow next to nothing", store->name);
}

bool hl_openbao_rejected(struct hl_openbao *store, const struct hl_http_response *response, struct hl_error **err)
{
    hl_http_rejected(response, store->run->redactor, err);
    if (is_html(response)) {
        (*err)->code = HL_E_UNREACHABLE; /* never 'not there': a proxy answers */
        return hl_error_hint(err, "is '%s' the address of OpenBao itself, and is it running?", store->url);
    }
    if (response->status == 503 && hl_openbao_says(response, "sealed"))
        return hl_error_hint(err, "unseal it: bao operator unseal");
    if (hl_openbao_says(response, "namespace not found"))
        return hl_error_hint(err, "check `namespace` of provider '%s'", store->name);
    return response->status == 403 && explain_forbidden(store, err);
}

bool hl_openbao_take(struct hl_openbao *store, const struct hl_http_response *response, struct hl_arena *arena, struct hl_value **out, struct hl_error **err)
{
    *out = NULL;
    if (response->status < 200 || response->status > 299)
        return hl_openbao_rejected(store, response, err);
    if (response->body.length == 0)
        return true;
    *out = hl_openbao_body(response, arena);
    if (*out != NULL)
        return true;
    hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not OpenBao's: no JSON object", store->url);
    hl_error_http(err, response->method, response->url, response->status);
    return hl_error_hint(err, "is that the address of OpenBao, without anything in between that answers with pages of its own?");
}

/* ---- sending ---- */

/* How long to wait before the same call may fare better; 0: it will not. A quota says how long; an engine that has just been made, or is turned into version 2,
 * answers 400 for some seconds. */
static int64_t pause_of(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *header = response->status == 429 ? hl_http_header(response, arena, "Retry-After") : NULL;
    int64_t seconds = 0;

    if (header != NULL && hl_parse_int(header, 1, LONGEST_WAIT_S, &seconds))
        return seconds * 1000;
    return response->status == 400 && hl_openbao_says(response, "upgrading from non-versioned") ? UPGRADE_PAUSE_MS : 0;
}

static bool perform_patiently(struct hl_openbao *store, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    for (int64_t waited_ms = 0;;) {
        if (!hl_http_perform(store->http, request, response, err))
            return false;
        const int64_t pause_ms = pause_of(response);
        waited_ms += pause_ms;
        if (pause_ms == 0 || waited_ms > MOST_WAITED_MS || !hl_run_sleep(store->run, pause_ms))
            return true;
        hl_http_response_clear(response);
    }
}

static bool perform(struct hl_openbao *store, const struct hl_openbao_call *call, const char *token, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);
    struct hl_http_header headers[4] = {{"X-Vault-Request", "true"}};
    size_t count = 1;

    if (token != NULL)
        headers[count++] = (struct hl_http_header){"X-Vault-Token", token};
    if (store->namespace != NULL)
        headers[count++] = (struct hl_http_header){"X-Vault-Namespace", store->namespace};
    if (call->body != NULL)
        hl_json_encode(&body, call->body, HL_JSON_COMPACT);
    const struct hl_http_request request = {
        .method = call->method,
        .path = call->path,
        .headers = headers,
        .body = call->body != NULL ? hl_text_get(&body) : NULL,
        .body_length = body.length,
        .content_type = call->merge_patch ? "application/merge-patch+json" : NULL,
        .idempotent = true,
        .max_body = MAX_ANSWER,
    };
    return perform_patiently(store, &request, response, err);
}

/* Whether the token itself is what is wrong. */
static bool is_token_bad(struct hl_openbao *store, const char *token)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    hl_auto(error) struct hl_error *ignored = NULL;
    const struct hl_openbao_call call = {.method = "GET", .path = "/v1/auth/token/lookup-self"};

    return perform(store, &call, token, &response, &ignored) && response.status == 403;
}

bool hl_openbao_send(struct hl_openbao *store, const struct hl_openbao_call *call, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *token = NULL;
    uint64_t generation = 0;

    if (call->anonymous)
        return perform(store, call, NULL, response, err);
    if (!hl_openbao_token(store, arena, 0, &token, &generation, err) || !perform(store, call, token, response, err))
        return false;
    if (response->status != 403 || !hl_openbao_can_log_in(store) || !is_token_bad(store, token))
        return true;
    hl_http_response_clear(response);
    return hl_openbao_token(store, arena, generation, &token, &generation, err) && perform(store, call, token, response, err);
}

bool hl_openbao_look_up(struct hl_openbao *store, struct hl_arena *arena, struct hl_value **data, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_openbao_call call = {.method = "GET", .path = "/v1/auth/token/lookup-self"};
    struct hl_value *answer = NULL;

    *data = NULL;
    if (!hl_openbao_send(store, &call, &response, err))
        return false;
    if (response.status == 403)
        return true;
    if (!hl_openbao_take(store, &response, arena, &answer, err))
        return false;
    *data = hl_value_get(answer, "data");
    return true;
}

const char *hl_openbao_escape_path(struct hl_arena *arena, const char *path)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(HL_MAX_OUTPUT);

    while (*path != '\0') {
        const size_t part = strcspn(path, "/");
        hl_http_escape(&escaped, hl_arena_copy(arena, path, part));
        path += part;
        if (*path == '/')
            hl_text_putc(&escaped, *path++);
    }
    return hl_arena_copy(arena, hl_text_get(&escaped), escaped.length);
}
