#include "config.h"

#include "reconcile/providers/authentik/authentik.h"

#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define API "/api/v3"

enum { PAGE_SIZE = 100, MOST_PAGES = 10000 };

static const char stranger[] = "what answers is not authentik's API: check the provider's `url` (without /api/v3) and what stands in front of it";

int64_t hl_authentik_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct hl_error *hl_authentik_keep_error(struct hl_authentik *authentik, struct hl_error *error)
{
    pthread_mutex_lock(&authentik->lock);
    authentik->errors = hl_realloc(authentik->errors, (authentik->errors_count + 1) * sizeof(struct hl_error *));
    authentik->errors[authentik->errors_count++] = error;
    pthread_mutex_unlock(&authentik->lock);
    return error;
}

const char *hl_authentik_escape(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_http_escape(&escaped, text);
    return hl_arena_copy(arena, hl_text_get(&escaped), escaped.length);
}

/* ---- errors ---- */

/* The JSON object of a refusal; NULL when it is not the API that speaks. */
static struct hl_value *decode_refusal(struct hl_arena *arena, const struct hl_http_response *response)
{
    hl_auto(error) struct hl_error *no_json = NULL;
    struct hl_value *answer = NULL;

    if (!hl_json_decode(arena, hl_text_get(&response->body), response->body.length, &answer, &no_json))
        return NULL;
    return hl_value_is(answer, HL_MAP) ? answer : NULL;
}

bool hl_authentik_is_absent(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return response->status == 404 && hl_value_get_text(decode_refusal(arena, response), "detail") != NULL;
}

/* Where it leads, without the query. */
static bool fail_redirect(const struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *location = hl_http_header(response, arena, "Location");

    if (location == NULL)
        location = "?";
    hl_fail(err, HL_E_UNREACHABLE, "the server sends us on to '%.*s'", (int)strcspn(location, "?#"), location);
    if (hl_starts_with(location, "https://") && hl_starts_with(response->url, "http://"))
        hl_error_hint(err, "it wants https: write the provider's `url` with https://");
    else
        hl_error_hint(err, "redirects are not followed: check the provider's `url`, and whether a sign-in stands in front of the API");
    return hl_error_http(err, response->method, response->url, response->status);
}

/* Somewhere within {"field": ["words"]}, also nested. */
static bool says_taken(const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT))
        return strstr(value->text.data, "already exists") != NULL || strstr(value->text.data, "must be unique") != NULL;
    for (size_t i = 0; i < hl_value_count(value); i++)
        if (says_taken(value->type == HL_MAP ? hl_value_at(value, i) : hl_value_item(value, i)))
            return true;
    return false;
}

static void judge_forbidden(const struct hl_session *session, const struct hl_value *answer, struct hl_error **err)
{
    const char *detail = hl_value_get_text(answer, "detail");

    if (detail != NULL && (strstr(detail, "oken") != NULL || strstr(detail, "credentials") != NULL))
        hl_error_hint(
            err,
            "the token of provider '%s' is wrong or has expired. AUTHENTIK_BOOTSTRAP_TOKEN is read at the very first start only; make an API token under "
            "Directory > Tokens, with 'Expiring' switched off",
            session->name);
    else
        hl_error_hint(err, "the user of the token lacks this right: use a token of a superuser, as akadmin is, or give the user the right");
}

bool hl_authentik_rejected(const struct hl_session *session, const struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *answer = decode_refusal(arena, response);

    if (response->status >= 300 && response->status < 400)
        return fail_redirect(response, err);
    hl_http_rejected(response, session->run->redactor, err);
    if (answer != NULL && response->status == 403) {
        judge_forbidden(session, answer, err);
    } else if (response->status == 400 && says_taken(answer)) {
        (*err)->code = HL_E_CONFLICT;
    } else if (answer == NULL && (response->status == 502 || response->status == 503)) {
        hl_error_hint(err, "authentik, or what stands in front of it, is not up: a first start takes minutes");
    } else if (answer == NULL && response->status < 500) {
        if (response->status < 400 || response->status == 404)
            (*err)->code = HL_E_UNREACHABLE;
        hl_error_hint(err, "%s", stranger);
    }
    return false;
}

/* ---- calls ---- */

bool hl_authentik_send(struct hl_session *session, const struct hl_authentik_call *call, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text bearer = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const bool asks = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0;

    hl_text_printf(&path, API "%s", call->path);
    if (call->body != NULL)
        hl_json_encode(&body, call->body, HL_JSON_COMPACT);
    else if (asks)
        hl_text_puts(&body, "{}");
    if (call->bearer != NULL)
        hl_text_printf(&bearer, "Bearer %s", call->bearer);
    const struct hl_http_header headers[] = {{"Authorization", hl_text_get(&bearer)}, {NULL, NULL}};
    const struct hl_http_request request = {
        .method = call->method,
        .path = hl_text_get(&path),
        .headers = call->bearer != NULL ? headers : NULL,
        .body = asks ? hl_text_get(&body) : NULL,
        .body_length = asks ? body.length : 0,
        .idempotent = call->idempotent,
    };
    return hl_http_perform(hl_authentik_of(session)->http, &request, response, err);
}

static bool fail_stranger(const struct hl_http_response *response, const char *what, struct hl_error **err)
{
    /* Whether what was asked for has been done, nobody can say. */
    if (*err == NULL)
        hl_fail(err, HL_E_UNREACHABLE, "%s", what);
    else
        hl_wrap(err, "%s", what);
    (*err)->code = HL_E_UNREACHABLE;
    hl_error_http(err, response->method, response->url, response->status);
    return hl_error_hint(err, "%s", stranger);
}

static bool decode_answer(struct hl_arena *arena, const struct hl_http_response *response, struct hl_value **answer, struct hl_error **err)
{
    if (answer == NULL)
        return true;
    if (!hl_json_decode(arena, hl_text_get(&response->body), response->body.length, answer, err))
        return fail_stranger(response, "the answer is no JSON", err);
    return hl_value_is(*answer, HL_MAP) || fail_stranger(response, "the answer is no JSON object", err);
}

static bool is_fine(const struct hl_http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

bool hl_authentik_do(struct hl_session *session, struct hl_arena *arena, const struct hl_authentik_call *call, struct hl_value **answer, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_authentik_send(session, call, &response, err))
        return false;
    if (!is_fine(&response))
        return hl_authentik_rejected(session, &response, err);
    return decode_answer(arena, &response, answer, err);
}

bool hl_authentik_get(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **answer, struct hl_error **err)
{
    return hl_authentik_do(session, arena, &(struct hl_authentik_call){.method = "GET", .path = path}, answer, err);
}

bool hl_authentik_find(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **answer, struct hl_error **err)
{
    const struct hl_authentik_call call = {.method = "GET", .path = path};
    hl_auto(http_response) struct hl_http_response response = {0};

    *answer = NULL;
    if (!hl_authentik_send(session, &call, &response, err))
        return false;
    if (hl_authentik_is_absent(&response))
        return true;
    if (!is_fine(&response))
        return hl_authentik_rejected(session, &response, err);
    return decode_answer(arena, &response, answer, err);
}

bool hl_authentik_delete(struct hl_session *session, const char *path, struct hl_error **err)
{
    const struct hl_authentik_call call = {.method = "DELETE", .path = path, .idempotent = true};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_authentik_send(session, &call, &response, err))
        return false;
    return is_fine(&response) || hl_authentik_is_absent(&response) || hl_authentik_rejected(session, &response, err);
}

/* ---- lists ---- */

/* One page, added to `list`; *next is 0 at the end. A page that is gone meanwhile is the end as well. */
static bool read_page(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value *list, int64_t *next, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;
    const int64_t page = *next;
    const bool first = page == 1;
    const char *whole = hl_arena_printf(arena, "%s%cpage=%lld&page_size=%d", path, strchr(path, '?') != NULL ? '&' : '?', (long long)page, PAGE_SIZE);

    *next = 0;
    if (!hl_authentik_send(session, &(struct hl_authentik_call){.method = "GET", .path = whole}, &response, err))
        return false;
    if (!first && hl_authentik_is_absent(&response))
        return true;
    if (!is_fine(&response)) {
        hl_authentik_rejected(session, &response, err);
        if (response.status == 404)
            (*err)->code = HL_E_NOT_FOUND;
        return false;
    }
    if (!decode_answer(arena, &response, &answer, err))
        return false;
    const struct hl_value *results = hl_value_get(answer, "results");
    if (!hl_value_is(results, HL_LIST)) {
        hl_fail(err, HL_E_UNREACHABLE, "the answer has no list of 'results'");
        return hl_error_hint(err, "%s", stranger);
    }
    for (size_t i = 0; i < hl_value_count(results); i++)
        if (hl_value_is(hl_value_item(results, i), HL_MAP))
            hl_value_list_add(arena, list, hl_value_item(results, i));
    *next = hl_value_get_int(hl_value_get(answer, "pagination"), "next", 0);
    if (*next != 0 && (*next <= page || *next > MOST_PAGES))
        return hl_fail(err, HL_E_UNREACHABLE, "the pages of a list do not end: after page %lld comes page %lld", (long long)page, (long long)*next);
    return true;
}

bool hl_authentik_read_list(struct hl_session *session, struct hl_arena *arena, const char *path, struct hl_value **list, struct hl_error **err)
{
    int64_t next = 1;

    *list = hl_value_list(arena);
    while (next != 0)
        if (!read_page(session, arena, path, *list, &next, err))
            return false;
    return true;
}
