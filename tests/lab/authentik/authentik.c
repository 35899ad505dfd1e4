#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define API "/api/v3"

/* --- The world --- */

int64_t authentik_now_ms(const struct authentik *authentik)
{
    return lab_now_ns() / 1000000 + hl_value_get_int(authentik->world, "clock_ms", 0);
}

bool authentik_is_since(const struct authentik *authentik, int year, int month)
{
    return authentik->year > year || (authentik->year == year && authentik->month >= month);
}

struct hl_value *authentik_rows(struct authentik *authentik, const char *table)
{
    return hl_value_get(authentik->world, table);
}

struct hl_value *authentik_find(struct authentik *authentik, const char *table, const char *field, const char *text)
{
    const struct hl_value *rows = authentik_rows(authentik, table);

    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const char *value = hl_value_get_text(hl_value_at(rows, i), field);
        if (value != NULL && strcmp(value, text) == 0)
            return hl_value_at(rows, i);
    }
    return NULL;
}

struct hl_value *authentik_by_pk(struct authentik *authentik, const char *table, const struct hl_value *pk)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (hl_value_is_null(pk) || (pk->type != HL_INT && pk->type != HL_TEXT))
        return NULL;
    return hl_value_get(authentik_rows(authentik, table), hl_value_to_text(arena, pk));
}

void authentik_put(struct authentik *authentik, struct hl_value *object, const char *field, const struct hl_value *value)
{
    hl_value_map_put(object, field, hl_value_copy(authentik->arena, value));
}

void authentik_put_text(struct authentik *authentik, struct hl_value *object, const char *field, const char *text)
{
    hl_value_map_put(object, field, hl_value_text(authentik->arena, hl_arena_strdup(authentik->arena, text)));
}

const char *authentik_time_text(struct hl_arena *arena, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char date[32] = "";

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    return hl_arena_printf(arena, "%s.%03" PRId64 "000Z", date, ms % 1000);
}

void authentik_save(struct authentik *authentik)
{
    lab_save(authentik->lab, lab_api_authentik.name, authentik->world);
}

/* --- Who may come in --- */

static const struct hl_value *find_bearer(struct authentik_call *c, const char *key)
{
    const struct hl_value *rows = authentik_rows(c->authentik, "tokens");

    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const struct hl_value *token = hl_value_at(rows, i);
        const char *own = hl_value_get_text(token, "key");
        if (hl_is_blank(own) || strcmp(own, key) != 0 || strcmp(hl_value_get_text(token, "intent"), "api") != 0)
            continue;
        const struct hl_value *user = authentik_by_pk(c->authentik, "users", hl_value_get(token, "user"));
        return authentik_token_is_expired(c->authentik, token) || !hl_value_get_bool(user, "is_active", false) ? NULL : user;
    }
    return NULL;
}

/* There is no 401, whatever is wrong. */
static bool let_in(struct authentik_call *c)
{
    const char *header = lab_header(c->call, "authorization");

    if (header == NULL || strchr(header, ' ') == NULL) {
        authentik_refuse(c, 403, "Authentication credentials were not provided.");
        return false;
    }
    if (strncasecmp(header, "bearer ", 7) != 0) {
        authentik_refuse(c, 403, "Unsupported authentication type");
        return false;
    }
    if (lab_now_ns() >= c->authentik->token_ns) {
        authentik_claim(c->authentik, header + 7);
        c->user = find_bearer(c, header + 7);
    }
    if (c->user == NULL) {
        authentik_refuse(c, 403, "Token invalid/expired");
        return false;
    }
    c->superuser = authentik_user_is_superuser(c->authentik, c->user);
    return true;
}

/* --- Routes --- */

static void admin_version(struct authentik_call *c)
{
    struct hl_value *answer = hl_value_map(c->arena);

    if (!c->superuser) {
        authentik_forbid(c);
        return;
    }
    hl_value_map_put_text(answer, "version_current", c->authentik->version);
    hl_value_map_put_text(answer, "version_latest", c->authentik->version);
    hl_value_map_put_bool(answer, "version_latest_valid", true);
    hl_value_map_put_text(answer, "build_hash", "");
    hl_value_map_put_bool(answer, "outdated", false);
    hl_value_map_put_bool(answer, "outpost_outdated", false);
    lab_answer_json(c->call, 200, answer);
}

static const struct {
    const char *path;
    void (*serve)(struct authentik_call *c);
} routes[] = {
    {"/core/users/me/", authentik_users_me},
    {"/core/users/service_account/", authentik_service_account},
    {"/core/transactional/applications/", authentik_transactional},
    {"/admin/version/", admin_version},
};

static void answer_page(struct lab_call *call, int status, const char *title)
{
    lab_answer_text(call, status, "text/html; charset=utf-8", "<!doctype html>\n<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n", title,
                    title);
}

static const char *path_of(const struct authentik *authentik, const struct authentik_table *table)
{
    return table->old_path != NULL && !authentik_is_since(authentik, 2024, 8) ? table->old_path : table->path;
}

static const struct authentik_table *find_table(const struct authentik *authentik, const char *path)
{
    for (const struct authentik_table *table = authentik_tables; table->name != NULL; table++)
        if (hl_starts_with(path, path_of(authentik, table)))
            return table;
    return NULL;
}

static void answer_empty_list(struct authentik_call *c)
{
    static const char *const numbers[] = {"next", "previous", "count", "start_index", "end_index"};
    struct hl_value *answer = hl_value_map(c->arena);
    struct hl_value *pages = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(numbers); i++)
        hl_value_map_put_int(pages, numbers[i], 0);
    hl_value_map_put_int(pages, "current", 1);
    hl_value_map_put_int(pages, "total_pages", 1);
    hl_value_map_put(answer, "pagination", pages);
    hl_value_map_put(answer, "results", hl_value_list(c->arena));
    lab_answer_json(c->call, 200, answer);
}

static void serve_api(struct authentik_call *c, const char *path)
{
    const struct authentik_table *table = find_table(c->authentik, path);
    size_t number = 0;

    while (number < HL_COUNT(routes) && strcmp(routes[number].path, path) != 0)
        number++;
    if (number == HL_COUNT(routes) && table == NULL) {
        answer_page(c->call, 404, "Not Found");
        return;
    }
    if (!let_in(c))
        return;
    if (number < HL_COUNT(routes))
        routes[number].serve(c);
    else if (table->late && lab_now_ns() < c->authentik->flows_ns)
        answer_empty_list(c);
    else
        authentik_rest(c, table, path + strlen(path_of(c->authentik, table)));
}

/* A path without its last slash is sent on, and a POST that follows becomes a GET. */
static void send_on(struct lab_call *call)
{
    lab_put_header(call, "Location", "%s/%s%s", call->path, *call->query_text != '\0' ? "?" : "", call->query_text);
    lab_answer(call, 301);
}

/* --- For tests --- */

static void start_after(struct authentik *authentik, const int64_t delays[3])
{
    const int64_t now = lab_now_ns();

    authentik->ready_ns = now + delays[0] * 1000000;
    authentik->token_ns = now + delays[1] * 1000000;
    authentik->flows_ns = now + delays[2] * 1000000;
}

static void set_hidden(struct authentik *authentik, const char *slug, bool hidden)
{
    struct hl_value *application = slug == NULL ? NULL : authentik_find(authentik, "applications", "slug", slug);

    if (application != NULL)
        hl_value_map_put_bool(application, "lab_hidden", hidden);
}

static void control(struct authentik_call *c)
{
    const struct hl_value *body = authentik_body(c);
    const struct hl_value *start = hl_value_get(body, "start");
    struct authentik *authentik = c->authentik;
    int64_t delays[3] = {0, 0, 0};

    if (body == NULL)
        return;
    for (size_t i = 0; i < 3 && hl_value_is(hl_value_item(start, i), HL_INT); i++)
        delays[i] = hl_value_item(start, i)->integer;
    if (start != NULL)
        start_after(authentik, delays);
    if (hl_value_get(body, "default_token_duration") != NULL)
        hl_value_map_put_int(authentik->world, "default_token_duration", hl_value_get_int(body, "default_token_duration", 0));
    set_hidden(authentik, hl_value_get_text(body, "hide"), true);
    set_hidden(authentik, hl_value_get_text(body, "show"), false);
    if (hl_value_get_bool(body, "rotate_expired", false))
        authentik_tokens_rotate(authentik);
    authentik_save(authentik);
    lab_answer(c->call, 204);
}

static void shift_clock(struct authentik_call *c)
{
    const struct hl_value *body = authentik_body(c);
    struct hl_value *world = c->authentik->world;

    if (body == NULL)
        return;
    hl_value_map_put_int(world, "clock_ms", hl_value_get_int(world, "clock_ms", 0) + hl_value_get_int(body, "add_seconds", 0) * 1000);
    authentik_save(c->authentik);
    lab_answer(c->call, 204);
}

/* --- The API of the lab --- */

static void serve_health(struct authentik_call *c)
{
    const bool is_live = strcmp(c->call->path, "/-/health/live/") == 0;

    if (is_live || lab_now_ns() >= c->authentik->ready_ns)
        lab_answer(c->call, is_live || authentik_is_since(c->authentik, 2024, 12) ? 200 : 204);
    else
        lab_answer(c->call, 503);
}

static void serve(void *data, struct lab_call *call)
{
    struct authentik_call c = {.authentik = data, .call = call, .arena = call->arena};

    if (strcmp(call->path, "/lab/authentik") == 0) {
        control(&c);
    } else if (strcmp(call->path, "/lab/clock") == 0) {
        shift_clock(&c);
    } else if (strcmp(call->path, "/-/health/live/") == 0 || strcmp(call->path, "/-/health/ready/") == 0) {
        serve_health(&c);
    } else if (lab_now_ns() < c.authentik->ready_ns) {
        answer_page(call, 503, "authentik starting");
    } else if (!hl_ends_with(call->path, "/")) {
        send_on(call);
    } else if (!hl_starts_with(call->path, API "/")) {
        answer_page(call, 404, "Not Found");
    } else {
        serve_api(&c, call->path + strlen(API));
    }
}

static void read_delays(struct authentik *authentik)
{
    const char *text = getenv("HLREC_LAB_AUTHENTIK_START");
    int64_t delays[3] = {0, 0, 0};

    if (text == NULL || sscanf(text, "%" SCNd64 ",%" SCNd64 ",%" SCNd64, &delays[0], &delays[1], &delays[2]) != 3)
        memset(delays, 0, sizeof(delays));
    start_after(authentik, delays);
}

static void *open_authentik(struct lab *lab)
{
    struct authentik *authentik = hl_alloc(sizeof(*authentik));
    const char *version = lab_options(lab)->authentik;

    authentik->lab = lab;
    authentik->arena = hl_arena_new();
    authentik->version = version != NULL ? version : "2025.10.0";
    if (sscanf(authentik->version, "%4d.%2d", &authentik->year, &authentik->month) != 2) {
        authentik->year = 2025;
        authentik->month = 10;
    }
    authentik->world = lab_load(lab, authentik->arena, lab_api_authentik.name);
    if (authentik->world == NULL)
        authentik->world = hl_value_map(authentik->arena);
    read_delays(authentik);
    authentik_populate(authentik);
    return authentik;
}

static void close_authentik(void *data)
{
    struct authentik *authentik = data;

    hl_arena_free(authentik->arena);
    free(authentik);
}

const struct lab_api lab_api_authentik = {
    .name = "authentik",
    .variable = "HLREC_LAB_AUTHENTIK",
    .scheme = "http",
    .open = open_authentik,
    .close = close_authentik,
    .serve = serve,
};
