#include "config.h"

#include "reconcile/providers/traefik/api.h"

#include "reconcile/transport/http.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 50, START_MS = 3000 };

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool hl_traefik_api_get(struct hl_traefik *traefik, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err)
{
    const struct hl_http_request request = {.method = "GET", .path = path, .idempotent = true};
    hl_auto(http_response) struct hl_http_response response = {0};

    *out = NULL;
    if (!hl_http_perform(traefik->http, &request, &response, err))
        return false;
    if (response.status == 404)
        return true;
    if (response.status != 200)
        return hl_http_rejected(&response, NULL, err);
    if (!hl_json_decode(arena, hl_text_get(&response.body), response.body.length, out, err)) {
        hl_wrap(err, "Traefik's API");
        return hl_error_hint(err, "is '%s' the URL of Traefik's API?", traefik->api);
    }
    return true;
}

bool hl_traefik_api_version(struct hl_traefik *traefik, struct hl_arena *arena, struct hl_traefik_version *version, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_traefik_api_get(traefik, arena, "/api/version", &answer, err))
        return false;
    const char *text = hl_value_get_text(answer, "Version");

    if (text == NULL) {
        hl_fail(err, HL_E_UNREACHABLE, "'%s' does not answer as Traefik's API", traefik->api);
        return hl_error_hint(err, "Traefik has its API at /api of the entry point 'traefik' (api.insecure), or where a router leads to api@internal");
    }
    text += *text == 'v' ? 1 : 0;
    *version = (struct hl_traefik_version){.text = text};
    if (sscanf(text, "%d.%d.%d", &version->major, &version->minor, &version->patch) < 2)
        *version = (struct hl_traefik_version){.text = text};
    return true;
}

bool hl_traefik_api_await_version(struct hl_traefik *traefik, const struct hl_run *run, struct hl_arena *arena, struct hl_traefik_version *version,
                                  struct hl_error **err)
{
    const int64_t end = clock_ms() + START_MS;

    for (;;) {
        if (hl_traefik_api_version(traefik, arena, version, err))
            return true;
        if ((*err)->code != HL_E_UNREACHABLE || clock_ms() >= end || !hl_run_sleep(run, POLL_MS))
            return false;
        hl_error_clear(err);
    }
}

/* ---- what it says of an object ---- */

static const char *raw_section(enum hl_traefik_kind kind, const char *protocol)
{
    static const char *const names[][HL_TRAEFIK_KINDS] = {
        {"routers", "services", "middlewares"},
        {"tcpRouters", "tcpServices", "tcpMiddlewares"},
        {"udpRouters", "udpServices", "udpMiddlewares"},
    };

    return names[strcmp(protocol, "tcp") == 0 ? 1 : strcmp(protocol, "udp") == 0 ? 2 : 0][kind];
}

static const char *join_errors(struct hl_arena *arena, const struct hl_value *errors)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(64 * 1024);

    for (size_t i = 0; i < hl_value_count(errors); i++) {
        const char *words = hl_value_to_text(arena, hl_value_item(errors, i));

        if (words != NULL && strstr(hl_text_get(&text), words) == NULL)
            hl_text_printf(&text, "%s%s", text.length > 0 ? "; " : "", words);
    }
    return text.length == 0 ? NULL : hl_arena_strdup(arena, hl_text_get(&text));
}

static bool is_disabled(const char *status)
{
    return status != NULL && strcmp(status, "disabled") == 0;
}

/* One router may be several objects: it is disabled when all of them are, and warned of when one is. */
static void take(struct hl_arena *arena, const struct hl_value *object, struct hl_traefik_api_status *status)
{
    const char *text = hl_value_get_text(object, "status");
    const char *words = join_errors(arena, hl_value_get(object, "error"));

    if (status->object == NULL) {
        *status = (struct hl_traefik_api_status){.object = object, .status = text, .words = words};
        return;
    }
    if (is_disabled(text) != is_disabled(status->status))
        status->status = "warning";
    if (words != NULL && status->words == NULL)
        status->words = words;
    else if (words != NULL && strstr(status->words, words) == NULL)
        status->words = hl_arena_printf(arena, "%s; %s", status->words, words);
}

/* `websecure-web@file` is router `web` when websecure is an entry point of it, and not the router `websecure-web`. */
static bool is_split_name(struct hl_arena *arena, const char *key, const char *full, const struct hl_value *object)
{
    const struct hl_value *entry_points = hl_value_get(object, "entryPoints");

    if (!hl_ends_with(key, full))
        return false;
    for (size_t i = 0; i < hl_value_count(entry_points); i++) {
        const char *entry_point = hl_value_to_text(arena, hl_value_item(entry_points, i));

        if (entry_point != NULL && (strcmp(key, hl_arena_printf(arena, "%s-%s", entry_point, full)) == 0 ||
                                    strcmp(key, hl_arena_printf(arena, "%s-conflicted-%s", entry_point, full)) == 0))
            return true;
    }
    return false;
}

void hl_traefik_api_find(const struct hl_value *raw, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const char *name,
                         struct hl_traefik_api_status *status)
{
    const struct hl_value *objects = hl_value_get(raw, raw_section(kind, protocol));
    const char *full = hl_arena_printf(arena, "%s@file", name);
    const struct hl_value *exact = hl_value_get(objects, full);

    *status = (struct hl_traefik_api_status){0};
    if (exact != NULL)
        take(arena, exact, status);
    if (exact != NULL && !is_disabled(status->status))
        return;
    for (size_t i = 0; kind == HL_TRAEFIK_ROUTER && i < hl_value_members(objects); i++) {
        const struct hl_value *object = hl_value_at(objects, i);

        /* Under the plain name there may be what is left: entry points that do not exist. */
        if (is_split_name(arena, hl_value_key(objects, i), full, object) &&
            (exact == NULL || hl_value_equal(hl_value_get(exact, "rule"), hl_value_get(object, "rule"))))
            take(arena, object, status);
    }
}

bool hl_traefik_api_is_disabled(const struct hl_traefik_api_status *status)
{
    return status->object != NULL && is_disabled(status->status);
}

/* ---- the marker ---- */

enum hl_traefik_api_wait hl_traefik_api_await_marker(struct hl_traefik *traefik, const struct hl_run *run, const char *wanted, const char *gone,
                                                     struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *path = hl_arena_printf(arena, "/api/http/middlewares/%s@file", wanted != NULL ? wanted : gone);
    const int64_t end = clock_ms() + traefik->verify_ms;

    for (;;) {
        hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
        struct hl_value *answer = NULL;
        const bool answered = hl_traefik_api_get(traefik, scratch, path, &answer, err);

        if (answered && (answer != NULL) == (wanted != NULL))
            return HL_TRAEFIK_API_LIVE;
        if (clock_ms() >= end)
            return answered ? HL_TRAEFIK_API_NOT_LOADED : HL_TRAEFIK_API_LOST;
        if (!answered && (*err)->code != HL_E_UNREACHABLE)
            return HL_TRAEFIK_API_LOST;
        hl_error_clear(err);
        if (!hl_run_sleep(run, POLL_MS)) {
            hl_fail(err, HL_E_INTERRUPTED, "interrupted while waiting for Traefik");
            return HL_TRAEFIK_API_LOST;
        }
    }
}
