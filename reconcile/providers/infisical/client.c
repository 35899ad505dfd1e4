#include "config.h"

#include "reconcile/providers/infisical/session.h"
#include "schema/base/json.h"

#include <string.h>

enum {
    MOST_WAITS = 3, /* for 429 */
    LONGEST_WAIT_S = 60,
    MAX_ANSWER = 32 * 1024 * 1024,
};

/* ---- what answers say ---- */

struct hl_value *hl_infisical_body(const struct hl_http_response *response, struct hl_arena *arena)
{
    hl_auto(error) struct hl_error *no_json = NULL;
    struct hl_value *body = NULL;

    if (response->body.length == 0 || !hl_json_decode(arena, hl_text_get(&response->body), response->body.length, &body, &no_json))
        return NULL;
    return hl_value_is(body, HL_MAP) ? body : NULL;
}

/* The router's own 404 looks like {"message":"Route GET:/api/v4/secrets not found","error":"Not Found","statusCode":404}; one of an object has a reqId. */
bool hl_infisical_lacks_call(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (response->status != 404)
        return false;
    const struct hl_value *body = hl_infisical_body(response, arena);
    const char *message = hl_value_get_text(body, "message");
    const char *error = hl_value_get_text(body, "error");
    if (message != NULL && hl_starts_with(message, "Route "))
        return true;
    return hl_value_get(body, "reqId") == NULL && error != NULL && strcmp(error, "Not Found") == 0;
}

static bool is_token_refused(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (response->status != 403)
        return response->status == 401;
    const char *error = hl_value_get_text(hl_infisical_body(response, arena), "error");
    return error != NULL && strcmp(error, "TokenError") == 0;
}

static bool is_html(const struct hl_http_response *response)
{
    const char *body = hl_text_get(&response->body);

    return body[strspn(body, " \t\r\n")] == '<';
}

bool hl_infisical_rejected(const struct hl_infisical *store, const struct hl_http_response *response, struct hl_error **err)
{
    hl_http_rejected(response, store->run->redactor, err);
    if (is_html(response)) {
        (*err)->code = HL_E_UNREACHABLE; /* never 'not there': a proxy answers */
        return hl_error_hint(err, "is '%s' the address of Infisical itself, and is it running?", store->url);
    }
    if (is_token_refused(response)) {
        hl_wrap(err, "provider '%s' is not let in", store->name);
        return hl_error_hint(err, "its access token has ended or was revoked: give it a new one, or client_id and client_secret");
    }
    if (response->status == 403)
        return hl_error_hint(err, "the machine identity lacks the right: add it to the project with a role that may do this in this environment and folder");
    return false;
}

bool hl_infisical_take(struct hl_infisical *store, const struct hl_http_response *response, struct hl_arena *arena, struct hl_value **out,
                       struct hl_error **err)
{
    if (response->status < 200 || response->status > 299)
        return hl_infisical_rejected(store, response, err);
    *out = hl_infisical_body(response, arena);
    if (*out != NULL)
        return true;
    hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: no JSON object", store->url);
    hl_error_http(err, response->method, response->url, response->status);
    return hl_error_hint(err, "is that the address of Infisical, without anything in between that answers with pages of its own?");
}

/* ---- sending ---- */

/* Seconds that the server asks to wait; 0 when it does not say, or asks for more than makes sense here. */
static int64_t asked_wait(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *header = hl_http_header(response, arena, "Retry-After");
    int64_t seconds = 0;

    return header != NULL && hl_parse_int(header, 1, LONGEST_WAIT_S, &seconds) ? seconds : 0;
}

/* The limits of the cloud and of many an instance are calls a minute, longer than one request may take: so 429 is waited for here as well. */
static bool perform(struct hl_infisical *store, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    for (int waits = 0;; waits++) {
        if (!hl_http_perform(store->http, request, response, err))
            return false;
        const int64_t wait_s = response->status == 429 && waits < MOST_WAITS ? asked_wait(response) : 0;
        if (wait_s == 0 || !hl_run_sleep(store->run, wait_s * 1000))
            return true;
        hl_http_response_clear(response);
    }
}

static bool send_once(struct hl_infisical *store, const struct hl_infisical_call *call, uint64_t *generation, struct hl_http_response *response,
                      struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);
    const char *bearer = NULL;

    if (!call->anonymous && !hl_infisical_bearer(store, arena, *generation, &bearer, generation, err))
        return false;
    if (call->body != NULL)
        hl_json_encode(&body, call->body, HL_JSON_COMPACT);
    const struct hl_http_header headers[] = {{"Authorization", bearer}, {NULL, NULL}};
    const struct hl_http_request request = {
        .method = call->method,
        .path = call->path,
        .headers = bearer != NULL ? headers : NULL,
        .body = call->body != NULL ? hl_text_get(&body) : NULL,
        .body_length = body.length,
        .idempotent = true,
        .max_body = MAX_ANSWER,
    };
    return perform(store, &request, response, err);
}

bool hl_infisical_send(struct hl_infisical *store, const struct hl_infisical_call *call, struct hl_http_response *response, struct hl_error **err)
{
    uint64_t generation = 0;

    if (!send_once(store, call, &generation, response, err))
        return false;
    if (call->anonymous || !is_token_refused(response) || !hl_infisical_can_sign_in(store))
        return true;
    hl_http_response_clear(response);
    return send_once(store, call, &generation, response, err); /* once, whatever it answers */
}

const char *hl_infisical_escape(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_http_escape(&escaped, text);
    return hl_arena_copy(arena, hl_text_get(&escaped), escaped.length);
}
