#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_BODY = 1024 * 1024, FIRST_NEW = 150, NEWEST = 158 };

/* --- Routes --- */

enum { OPEN = 1, NEW = 2, RAW = 4 }; /* no token; not before 0.150; API v3 */

struct route {
    const char *method;
    const char *pattern; /* '*' is one segment */
    infisical_handler *handler;
    enum infisical_limit limit;
    int flags;
};

static infisical_handler status;

/* From top to bottom: the fixed ones before those with a star. */
static const struct route routes[] = {
    {"GET", "/api/status", status, INFISICAL_LIMIT_NONE, OPEN},
    {"POST", "/api/v1/auth/universal-auth/login", infisical_login, INFISICAL_LIMIT_AUTH, OPEN},
    {"POST", "/api/v1/auth/token/renew", infisical_renew, INFISICAL_LIMIT_WRITE, OPEN},
    {"POST", "/api/v1/auth/token/revoke", infisical_revoke, INFISICAL_LIMIT_WRITE, OPEN},
    {"GET", "/api/v1/projects", infisical_projects_list, INFISICAL_LIMIT_READ, NEW},
    {"POST", "/api/v1/projects", infisical_project_create, INFISICAL_LIMIT_WRITE, NEW},
    {"GET", "/api/v1/projects/slug/*", infisical_project_by_slug, INFISICAL_LIMIT_READ, NEW},
    {"GET", "/api/v1/projects/*", infisical_project_by_id, INFISICAL_LIMIT_READ, NEW},
    {"POST", "/api/v1/projects/*/environments", infisical_environment_create, INFISICAL_LIMIT_WRITE, NEW},
    {"GET", "/api/v1/projects/*/environments/slug/*", infisical_environment_by_slug, INFISICAL_LIMIT_READ, NEW},
    {"GET", "/api/v1/projects/*/environments/*", infisical_environment_by_id, INFISICAL_LIMIT_READ, NEW},
    {"GET", "/api/v1/workspace", infisical_projects_list, INFISICAL_LIMIT_READ, 0},
    {"POST", "/api/v2/workspace", infisical_project_create, INFISICAL_LIMIT_WRITE, 0},
    {"GET", "/api/v2/workspace/*", infisical_project_by_slug, INFISICAL_LIMIT_READ, 0},
    {"GET", "/api/v1/workspace/*", infisical_project_by_id, INFISICAL_LIMIT_READ, 0},
    {"POST", "/api/v1/workspace/*/environments", infisical_environment_create, INFISICAL_LIMIT_WRITE, 0},
    {"GET", "/api/v1/workspace/*/environments/*", infisical_environment_by_id, INFISICAL_LIMIT_READ, 0},
    {"GET", "/api/v2/folders", infisical_folders_list, INFISICAL_LIMIT_READ, NEW},
    {"POST", "/api/v2/folders", infisical_folder_create, INFISICAL_LIMIT_SECRETS, NEW},
    {"GET", "/api/v2/folders/*", infisical_folder_get, INFISICAL_LIMIT_READ, NEW},
    {"PATCH", "/api/v2/folders/*", infisical_folder_update, INFISICAL_LIMIT_SECRETS, NEW},
    {"DELETE", "/api/v2/folders/*", infisical_folder_delete, INFISICAL_LIMIT_SECRETS, NEW},
    {"GET", "/api/v1/folders", infisical_folders_list, INFISICAL_LIMIT_READ, 0},
    {"POST", "/api/v1/folders", infisical_folder_create, INFISICAL_LIMIT_SECRETS, 0},
    {"GET", "/api/v1/folders/*", infisical_folder_get, INFISICAL_LIMIT_READ, 0},
    {"PATCH", "/api/v1/folders/*", infisical_folder_update, INFISICAL_LIMIT_SECRETS, 0},
    {"DELETE", "/api/v1/folders/*", infisical_folder_delete, INFISICAL_LIMIT_SECRETS, 0},
    {"GET", "/api/v4/secrets", infisical_secrets_list, INFISICAL_LIMIT_SECRETS, NEW},
    {"POST", "/api/v4/secrets/batch", infisical_batch_create, INFISICAL_LIMIT_SECRETS, NEW},
    {"PATCH", "/api/v4/secrets/batch", infisical_batch_update, INFISICAL_LIMIT_SECRETS, NEW},
    {"DELETE", "/api/v4/secrets/batch", infisical_batch_delete, INFISICAL_LIMIT_SECRETS, NEW},
    {"POST", "/api/v4/secrets/move", infisical_fail_route, INFISICAL_LIMIT_SECRETS, NEW}, /* no name of a secret */
    {"GET", "/api/v4/secrets/id/*", infisical_secret_by_id, INFISICAL_LIMIT_SECRETS, NEW},
    {"GET", "/api/v4/secrets/*", infisical_secret_get, INFISICAL_LIMIT_SECRETS, NEW},
    {"POST", "/api/v4/secrets/*", infisical_secret_create, INFISICAL_LIMIT_SECRETS, NEW},
    {"PATCH", "/api/v4/secrets/*", infisical_secret_update, INFISICAL_LIMIT_SECRETS, NEW},
    {"DELETE", "/api/v4/secrets/*", infisical_secret_delete, INFISICAL_LIMIT_SECRETS, NEW},
    {"POST", "/api/v3/secrets/batch/raw", infisical_batch_create, INFISICAL_LIMIT_SECRETS, RAW},
    {"PATCH", "/api/v3/secrets/batch/raw", infisical_batch_update, INFISICAL_LIMIT_SECRETS, RAW},
    {"DELETE", "/api/v3/secrets/batch/raw", infisical_batch_delete, INFISICAL_LIMIT_SECRETS, RAW},
    {"GET", "/api/v3/secrets/raw", infisical_secrets_list, INFISICAL_LIMIT_SECRETS, RAW},
    {"GET", "/api/v3/secrets/raw/id/*", infisical_secret_by_id, INFISICAL_LIMIT_SECRETS, RAW},
    {"GET", "/api/v3/secrets/raw/*", infisical_secret_get, INFISICAL_LIMIT_SECRETS, RAW},
    {"POST", "/api/v3/secrets/raw/*", infisical_secret_create, INFISICAL_LIMIT_SECRETS, RAW},
    {"PATCH", "/api/v3/secrets/raw/*", infisical_secret_update, INFISICAL_LIMIT_SECRETS, RAW},
    {"DELETE", "/api/v3/secrets/raw/*", infisical_secret_delete, INFISICAL_LIMIT_SECRETS, RAW},
};

bool infisical_is_new(const struct infisical_call *c)
{
    return c->inf->minor >= FIRST_NEW && c->inf->modes.v4 != 0;
}

static bool fits(struct infisical_call *c, const char *pattern, const char *path)
{
    size_t stars = 0;

    for (;;) {
        size_t wanted = strcspn(pattern, "/"), length = strcspn(path, "/");

        if (*pattern == '*' && wanted == 1 && length > 0)
            c->names[stars++] = lab_decode(c->arena, path, length, false);
        else if (wanted != length || strncmp(pattern, path, length) != 0)
            return false;
        pattern += wanted;
        path += length;
        if (*pattern == '\0' || *path == '\0')
            return *pattern == '\0' && (*path == '\0' || strcmp(path, "/") == 0); /* a slash at the end does not matter */
        pattern++;
        path++;
    }
}

static const struct route *find_route(struct infisical_call *c)
{
    for (size_t i = 0; i < HL_COUNT(routes); i++) {
        bool here = (routes[i].flags & NEW) == 0 || infisical_is_new(c);

        if (here && strcmp(routes[i].method, c->call->method) == 0 && fits(c, routes[i].pattern, c->call->path))
            return &routes[i];
    }
    return NULL;
}

/* --- Before the handler --- */

static bool take_body(struct infisical_call *c)
{
    const char *type = lab_header(c->call, "content-type");
    hl_auto(error) struct hl_error *err = NULL;

    if (strcmp(c->call->method, "GET") == 0 || (type == NULL && c->call->body_length == 0))
        return true;
    if (c->call->body_length > MAX_BODY)
        return infisical_fail_body(c, 413, "FST_ERR_CTP_BODY_TOO_LARGE", "Payload Too Large", "Request body is too large");
    if (type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0) {
        c->body = hl_value_map(c->arena); /* a form, which never has what is wanted */
        return true;
    }
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0)
        return infisical_fail_body(c, 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE", "Unsupported Media Type",
                                   hl_arena_printf(c->arena, "Unsupported Media Type: %s", type == NULL ? "undefined" : type));
    if (c->call->body_length == 0)
        return infisical_fail_body(c, 400, "FST_ERR_CTP_EMPTY_JSON_BODY", "Bad Request", "Body cannot be empty when content-type is set to 'application/json'");
    if (!hl_json_decode(c->arena, c->call->body, c->call->body_length, &c->body, &err))
        return infisical_fail_body(c, 400, "FST_ERR_CTP_INVALID_JSON_BODY", "Bad Request",
                                   "Body is not valid JSON but content-type is set to 'application/json'");
    return true;
}

/* A window for each sort of call; only servers that were told to have limits. */
static bool check_limit(struct infisical_call *c, enum infisical_limit limit)
{
    struct infisical *inf = c->inf;
    int64_t now = lab_now_ns(), most = inf->modes.rate_limit;

    if (most == 0 || limit == INFISICAL_LIMIT_NONE)
        return true;
    if (now >= inf->limits[limit].until_ns) {
        inf->limits[limit].until_ns = now + inf->modes.rate_window_ms * 1000000;
        inf->limits[limit].count = 0;
    }

    int64_t left = most - ++inf->limits[limit].count;
    int64_t seconds = (inf->limits[limit].until_ns - now + 999999999) / 1000000000;

    lab_put_header(c->call, "x-ratelimit-limit", "%" PRId64, most);
    lab_put_header(c->call, "x-ratelimit-remaining", "%" PRId64, left < 0 ? 0 : left);
    lab_put_header(c->call, "x-ratelimit-reset", "%" PRId64, seconds);
    if (left >= 0)
        return true;
    lab_put_header(c->call, "retry-after", "%" PRId64, seconds);
    return infisical_fail(c, 429, NULL, "Rate limit exceeded. Please try again in %" PRId64 " seconds", seconds);
}

/* --- Status --- */

static void status(struct infisical_call *c)
{
    bool starting = c->inf->modes.starting != 0;
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "date", infisical_time(c->arena, lab_now_ns()));
    hl_value_map_put_text(out, "message", starting ? "Server is starting up, migrations in progress" : "Ok");
    hl_value_map_put_bool(out, "emailConfigured", false);
    if (!starting)
        hl_value_map_put_bool(out, "inviteOnlySignup", true);
    hl_value_map_put_bool(out, "redisConfigured", true);
    hl_value_map_put_bool(out, "secretScanningConfigured", false);
    infisical_answer(c, starting ? 503 : 200, out);
}

/* --- The API --- */

static void serve_route(struct infisical_call *c, const struct route *route)
{
    bool is_status = route->handler == status;

    c->raw = (route->flags & RAW) != 0;
    if ((is_status || infisical_sign_in(c, (route->flags & OPEN) == 0)) && take_body(c) && check_limit(c, route->limit))
        route->handler(c);
}

static void serve(void *data, struct lab_call *call)
{
    struct infisical *inf = data;
    struct infisical_call c = {.inf = inf, .call = call, .arena = call->arena, .names = {"", ""}};
    const struct route *route = find_route(&c);

    if (hl_starts_with(call->path, "/lab/"))
        infisical_switch(&c);
    else if (route != NULL && inf->modes.starting != 0 && route->handler != status) /* the others are not registered yet */
        infisical_fail_route(&c);
    else if (route != NULL)
        serve_route(&c, route);
    else if (strcmp(call->method, "GET") == 0 && !hl_starts_with(call->path, "/api")) /* the web interface takes what is left */
        lab_answer_text(call, 200, "text/html; charset=UTF-8", "<!doctype html>\n<html><head><title>Infisical</title></head><body></body></html>\n");
    else
        infisical_fail_route(&c);
    if (c.changed)
        lab_save(inf->lab, "infisical", inf->world);
}

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return hl_is_blank(value) ? fallback : value;
}

/* "0.90.1" gives 90; whatever comes after 0 is new. */
static int64_t minor_of(const char *version)
{
    const char *dot = version == NULL ? NULL : strchr(version, '.');

    if (dot == NULL || !hl_starts_with(version, "0."))
        return NEWEST;
    return strtol(dot + 1, NULL, 10);
}

static struct hl_value *part(struct infisical *inf, const char *name)
{
    struct hl_value *map = hl_value_get(inf->world, name);

    if (!hl_value_is(map, HL_MAP)) {
        map = hl_value_map(inf->arena);
        hl_value_map_put(inf->world, name, map);
    }
    return map;
}

static void make_world(struct infisical *inf)
{
    static const char *const ids[] = {"organisation", "identity", "key"};
    char id[HL_UUID_TEXT];

    for (size_t i = 0; i < HL_COUNT(ids); i++) {
        hl_uuid(id);
        hl_value_map_put_text(inf->world, ids[i], id);
    }
    infisical_project_new(inf, "Homelab", "homelab-prod", true);
}

static void *open_infisical(struct lab *lab)
{
    struct infisical *inf = hl_alloc(sizeof(*inf));
    struct hl_value *kept = NULL;

    inf->lab = lab;
    inf->arena = hl_arena_new();
    inf->minor = minor_of(lab_options(lab)->infisical);
    inf->client_id = setting("HLREC_LAB_INFISICAL_ID", "lab-client");
    inf->client_secret = setting("HLREC_LAB_INFISICAL_SECRET", "lab-client-secret");
    infisical_modes_init(&inf->modes);
    hl_map_init(&inf->places, inf->arena);
    kept = lab_load(lab, inf->arena, "infisical");
    inf->world = hl_value_is(kept, HL_MAP) ? kept : hl_value_map(inf->arena);
    inf->projects = part(inf, "projects");
    inf->tokens = part(inf, "tokens");
    if (kept == NULL)
        make_world(inf);
    else
        for (size_t i = 0; i < hl_value_count(inf->projects); i++)
            infisical_index(inf, hl_value_at(inf->projects, i));
    return inf;
}

static void close_infisical(void *data)
{
    struct infisical *inf = data;

    hl_arena_free(inf->arena);
    free(inf);
}

const struct lab_api lab_api_infisical = {
    .name = "infisical",
    .variable = "HLREC_LAB_INFISICAL",
    .scheme = "http",
    .open = open_infisical,
    .close = close_infisical,
    .serve = serve,
};
