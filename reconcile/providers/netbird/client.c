#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>

/* NetBird's limiter, where it is on, gives one call every ten seconds (6 a minute) and no Retry-After. */
enum { LIMITED_PAUSE_MS = 10 * 1000, LIMITED_TRIES = 4 };

/* ---- the session's own parts ---- */

void hl_netbird_init(struct hl_netbird *netbird)
{
    netbird->world = hl_netbird_world_new();
    netbird->arena = hl_arena_new();
    hl_map_init(&netbird->tokens, netbird->arena);
    pthread_mutex_init(&netbird->lock, NULL);
}

void hl_netbird_clear(struct hl_netbird *netbird)
{
    for (size_t i = 0; i < netbird->errors_count; i++)
        hl_error_free(netbird->errors[i]);
    free(netbird->errors);
    hl_http_free(netbird->http);
    hl_netbird_world_free(netbird->world);
    hl_arena_free(netbird->arena);
    pthread_mutex_destroy(&netbird->lock);
}

const struct hl_error *hl_netbird_keep_error(struct hl_netbird *netbird, struct hl_error *error)
{
    pthread_mutex_lock(&netbird->lock);
    if ((netbird->errors_count & (netbird->errors_count + 1)) == 0) /* full at 0, 1, 3, 7 ... */
        netbird->errors = hl_realloc(netbird->errors, (2 * netbird->errors_count + 1) * sizeof(struct hl_error *));
    netbird->errors[netbird->errors_count++] = error;
    pthread_mutex_unlock(&netbird->lock);
    return error;
}

/* ---- paths ---- */

const char *hl_netbird_escape(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_http_escape(&escaped, text);
    return hl_arena_copy(arena, hl_text_get(&escaped), escaped.length);
}

const char *hl_netbird_path(struct hl_arena *arena, const char *collection, const char *id)
{
    return hl_arena_printf(arena, "%s/%s", collection, hl_netbird_escape(arena, id));
}

/* ---- errors ---- */

/* What NetBird itself says, in `arena`; NULL when it is not NetBird that answers: its errors are {"message": ..., "code": ...}. */
static const char *words_of(struct hl_arena *arena, const struct hl_http_response *response)
{
    hl_auto(error) struct hl_error *no_json = NULL;
    struct hl_value *answer = NULL;

    if (!hl_json_decode(arena, hl_text_get(&response->body), response->body.length, &answer, &no_json))
        return NULL;
    return hl_value_get_text(answer, "message");
}

/* A group that is not there is refused deletion with 400, "group: ID not found"; one that is in use likewise, "group has been linked to KIND: NAME". */
static bool is_gone_group(const struct hl_http_response *response, const char *words)
{
    return response->status == 400 && strcmp(response->method, "DELETE") == 0 && hl_ends_with(words, "not found") && strstr(words, "linked to") == NULL;
}

static void judge_words(const struct hl_http_response *response, const char *words, struct hl_error **err)
{
    struct hl_error *error = *err;

    if (response->status == 404 && hl_starts_with(words, "invalid token")) {
        error->code = HL_E_AUTH;
        hl_error_hint(err, "the server does not know this token: it was deleted, or is another server's; make a new one");
    } else if (is_gone_group(response, words)) {
        error->code = HL_E_NOT_FOUND;
    } else if (response->status < 500 && strstr(words, "already exists") != NULL) {
        error->code = HL_E_CONFLICT;
    } else if (response->status == 403 && strstr(words, "blocked") != NULL) {
        hl_error_hint(err, "the token's user is blocked: unblock it in the dashboard (Team > Service Users)");
    } else if (response->status == 403) {
        hl_error_hint(err, "the role of the token's user is too weak: `network_admin` may not touch setup keys and users, `admin` may");
    }
}

/* A reverse proxy in front, a dashboard that answers each path with its page, or no NetBird at all. */
static void judge_stranger(const struct hl_http_response *response, struct hl_error **err)
{
    if (response->status == 401 || response->status == 403 || response->status == 407) {
        hl_error_hint(err, "not NetBird but something in front of it answers: let /api pass without a sign-in of its own");
        return;
    }
    if (response->status < 400 || response->status == 404)
        (*err)->code = HL_E_UNREACHABLE;
    hl_error_hint(err, "what answers is not NetBird's management API: check the provider's `url` (without /api) and what stands in front of it");
}

bool hl_netbird_rejected(const struct hl_run *run, const struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *words = words_of(arena, response);

    hl_http_rejected(response, run->redactor, err);
    if (words != NULL)
        judge_words(response, words, err);
    else
        judge_stranger(response, err);
    return false;
}

/* ---- calls ---- */

static bool decode_answer(struct hl_arena *arena, const struct hl_http_response *response, struct hl_value **answer, struct hl_error **err)
{
    *answer = NULL;
    if (response->body.length == 0 || hl_json_decode(arena, hl_text_get(&response->body), response->body.length, answer, err))
        return true;
    /* Whether what was asked for has been done, nobody can say. */
    hl_wrap(err, "the answer is no JSON");
    (*err)->code = HL_E_UNREACHABLE;
    hl_error_http(err, response->method, response->url, response->status);
    return hl_error_hint(err, "what answers is not NetBird's management API: check the provider's `url` (without /api) and what stands in front of it");
}

/* The HTTP client sends a POST once. One that the limiter turned away was never looked at, so it may go out again. */
static bool perform(const struct hl_netbird *netbird, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    for (int tries = 1;; tries++) {
        if (!hl_http_perform(netbird->http, request, response, err))
            return false;
        if (response->status != 429 || tries == LIMITED_TRIES || !hl_run_sleep(netbird->run, LIMITED_PAUSE_MS))
            return true;
        hl_http_response_clear(response);
    }
}

bool hl_netbird_call(struct hl_session *session, struct hl_arena *arena, const char *method, const char *path, const struct hl_value *body,
                     struct hl_value **answer, struct hl_error **err)
{
    const struct hl_netbird *netbird = hl_netbird_of(session);
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *ignored = NULL;

    if (body != NULL)
        hl_json_encode(&text, body, HL_JSON_COMPACT);
    const struct hl_http_request request = {
        .method = method,
        .path = path,
        .body = body != NULL ? hl_text_get(&text) : NULL,
        .body_length = text.length,
        .idempotent = strcmp(method, "POST") != 0,
    };
    if (!perform(netbird, &request, &response, err))
        return false;
    if (response.status < 200 || response.status > 299)
        return hl_netbird_rejected(netbird->run, &response, err);
    return decode_answer(arena, &response, answer != NULL ? answer : &ignored, err);
}
