#include "config.h"

#include "tests/lab/docker/docker.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- Routes --- */

struct route {
    const char *method;
    const char *pattern; /* without the version; one '*', which takes slashes too */
    docker_handler *handler;
};

/* From top to bottom: the fixed ones before those with a star. */
static const struct route routes[] = {
    {"GET", "/_ping", docker_ping},
    {"HEAD", "/_ping", docker_ping},
    {"GET", "/version", docker_version},
    {"GET", "/info", docker_info},
    {"GET", "/events", docker_events},
    {"GET", "/containers/json", docker_containers_list},
    {"POST", "/containers/create", docker_container_create},
    {"GET", "/containers/*/json", docker_container_inspect},
    {"POST", "/containers/*/start", docker_container_start},
    {"POST", "/containers/*/stop", docker_container_stop},
    {"POST", "/containers/*/restart", docker_container_restart},
    {"POST", "/containers/*/kill", docker_container_kill},
    {"POST", "/containers/*/pause", docker_container_pause},
    {"POST", "/containers/*/unpause", docker_container_unpause},
    {"POST", "/containers/*/rename", docker_container_do_rename},
    {"POST", "/containers/*/update", docker_container_update},
    {"POST", "/containers/*/wait", docker_container_wait},
    {"GET", "/containers/*/logs", docker_container_logs},
    {"PUT", "/containers/*/archive", docker_archive_put},
    {"GET", "/containers/*/archive", docker_archive_get},
    {"HEAD", "/containers/*/archive", docker_archive_get},
    {"POST", "/containers/*/exec", docker_container_exec},
    {"DELETE", "/containers/*", docker_container_delete},
    {"POST", "/exec/*/start", docker_exec_start},
    {"GET", "/exec/*/json", docker_exec_inspect},
    {"GET", "/images/json", docker_images_list},
    {"POST", "/images/create", docker_image_create},
    {"POST", "/images/load", docker_image_load},
    {"GET", "/images/*/json", docker_image_inspect},
    {"POST", "/images/*/tag", docker_image_tag},
    {"DELETE", "/images/*", docker_image_delete},
    {"GET", "/distribution/*/json", docker_distribution},
    {"GET", "/networks", docker_networks_list},
    {"POST", "/networks/create", docker_network_create},
    {"GET", "/networks/*", docker_network_inspect},
    {"POST", "/networks/*/connect", docker_network_connect},
    {"POST", "/networks/*/disconnect", docker_network_disconnect},
    {"DELETE", "/networks/*", docker_network_delete},
    {"GET", "/volumes", docker_volumes_list},
    {"POST", "/volumes/create", docker_volume_create},
    {"GET", "/volumes/*", docker_volume_inspect},
    {"DELETE", "/volumes/*", docker_volume_delete},
};

static bool fits(struct docker_call *c, const char *pattern, const char *path)
{
    const char *star = strchr(pattern, '*');
    size_t length = strlen(path);

    c->name = "";
    if (star == NULL)
        return strcmp(pattern, path) == 0;

    size_t before = (size_t)(star - pattern);
    const char *tail = star + 1;

    if (length <= before + strlen(tail) || strncmp(pattern, path, before) != 0 || !hl_ends_with(path, tail))
        return false;
    c->name = hl_arena_copy(c->arena, path + before, length - before - strlen(tail));
    return true;
}

/* "/v1.41/x" gives "/x" and 41; false when it was refused, and answered. */
static bool take_version(struct docker_call *c, const char **path)
{
    const char *dot = hl_starts_with(*path, "/v1.") ? *path + 4 : NULL;
    size_t digits = dot == NULL ? 0 : strspn(dot, "0123456789");
    int64_t least = c->docker->minor >= 44 ? 24 : 12;

    if (digits == 0 || dot[digits] != '/')
        return true;
    c->minor = strtol(dot, NULL, 10);
    *path = dot + digits;
    if (c->minor > c->docker->minor)
        return docker_fail(c, 400, "client version 1.%" PRId64 " is too new. Maximum supported API version is 1.%" PRId64, c->minor, c->docker->minor);
    if (c->minor >= least)
        return true;
    /* The one error that is not JSON. */
    lab_answer_text(c->call, 400, "text/plain; charset=utf-8",
                    "client version 1.%" PRId64 " is too old. Minimum supported API version is 1.%" PRId64 ", please upgrade your client to a newer version\n",
                    c->minor, least);
    return false;
}

static void serve(void *data, struct lab_call *call)
{
    struct docker *docker = data;
    struct docker_call c = {.docker = docker, .call = call, .arena = call->arena, .name = "", .minor = docker->minor};
    const char *path = lab_decode(call->arena, call->path, strlen(call->path), false);

    lab_put_header(call, "Api-Version", "1.%" PRId64, docker->minor);
    lab_put_header(call, "Docker-Experimental", "false");
    lab_put_header(call, "Ostype", "linux");
    lab_put_header(call, "Server", "Docker/%s (linux)", docker->minor >= 44 ? "25.0.5" : "20.10.24");
    if (strstr(path, "//") != NULL) {
        lab_put_header(call, "Location", "/");
        lab_answer(call, 301);
        return;
    }
    if (!take_version(&c, &path))
        return;
    for (size_t i = 0; i < HL_COUNT(routes); i++) {
        if (strcmp(routes[i].method, call->method) == 0 && fits(&c, routes[i].pattern, path)) {
            routes[i].handler(&c);
            return;
        }
    }
    docker_fail(&c, 404, "page not found");
}

/* --- Open and close --- */

static void *open_docker(struct lab *lab)
{
    struct docker *docker = hl_alloc(sizeof(*docker));

    docker->lab = lab;
    docker->arena = hl_arena_new();
    docker->minor = lab_options(lab)->docker_minor;
    docker->next_port = 32768;
    docker->next_pid = 1000;
    hl_map_init(&docker->containers_by_id, docker->arena);
    hl_map_init(&docker->containers_by_name, docker->arena);
    hl_map_init(&docker->images_by_reference, docker->arena);
    hl_map_init(&docker->images_by_id, docker->arena);
    hl_map_init(&docker->volumes, docker->arena);
    hl_map_init(&docker->execs, docker->arena);
    hl_map_init(&docker->pulls, docker->arena);
    docker_networks_open(docker);
    docker_images_open(docker);
    return docker;
}

static void close_docker(void *data)
{
    struct docker *docker = data;

    while (docker->containers_count > 0)
        docker_container_remove(docker, docker->containers[docker->containers_count - 1], false);
    for (size_t i = 0; i < docker->events_count; i++)
        free(docker->events[i]);
    free(docker->events);
    free(docker->events_ns);
    hl_arena_free(docker->arena);
    free(docker);
}

const struct lab_api lab_api_docker = {
    .name = "docker",
    .variable = "HLREC_LAB_DOCKER",
    .socket = "docker.sock",
    .scheme = "tcp",
    .open = open_docker,
    .close = close_docker,
    .serve = serve,
};

/* --- Common parts of calls --- */

bool docker_fail(struct docker_call *c, int status, const char *format, ...)
{
    struct hl_value *body = hl_value_map(c->arena);
    va_list args;

    va_start(args, format);
    c->failure = hl_arena_vprintf(c->arena, format, args);
    va_end(args);
    hl_value_map_put_text(body, "message", c->failure);
    lab_answer_json(c->call, status, body);
    return false;
}

void docker_ok(struct docker_call *c, int status, const struct hl_value *value)
{
    lab_answer_json(c->call, status, value);
}

struct hl_value *docker_body(struct docker_call *c)
{
    const char *type = lab_header(c->call, "content-type");
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *body = NULL;

    /* A body without a type, or an empty one with a wrong type, is looked at the same way by the engine. */
    if ((type == NULL && c->call->body_length > 0) || (type != NULL && strncasecmp(type, "application/json", 16) != 0)) {
        docker_fail(c, 400, "Content-Type specified (%s) must be 'application/json'", type == NULL ? "" : type);
        return NULL;
    }
    if (c->call->body_length == 0)
        return hl_value_map(c->arena);
    if (!hl_json_decode(c->arena, c->call->body, c->call->body_length, &body, &err)) {
        docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "invalid character in request body: %s", err->message);
        return NULL;
    }
    if (!hl_value_is(body, HL_MAP)) {
        docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "json: cannot unmarshal %s into Go value of type object", hl_type_name(body->type));
        return NULL;
    }
    return body;
}

static bool is_known(const char *const *known, const char *key)
{
    for (; *known != NULL; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

/* {"label": ["a"]} and the old {"label": {"a": true}}. */
bool docker_filters(struct docker_call *c, const char *const *known, struct hl_value **out)
{
    const char *text = lab_query(c->call, "filters");
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *filters = NULL;

    *out = hl_value_map(c->arena);
    if (*text == '\0')
        return true;
    if (!hl_json_decode(c->arena, text, strlen(text), &filters, &err) || !hl_value_is(filters, HL_MAP))
        return docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "invalid character '%c' looking for beginning of value", *text);
    for (size_t i = 0; i < hl_value_count(filters); i++) {
        struct hl_value *words = hl_value_at(filters, i);
        struct hl_value *list = hl_value_list(c->arena);

        if (!is_known(known, hl_value_key(filters, i)))
            return docker_fail(c, 400, "Invalid filter '%s'", hl_value_key(filters, i));
        for (size_t j = 0; j < hl_value_count(words); j++)
            hl_value_list_add(c->arena, list, words->type == HL_MAP ? hl_value_text(c->arena, hl_value_key(words, j)) : hl_value_item(words, j));
        hl_value_map_put(*out, hl_value_key(filters, i), list);
    }
    return true;
}

bool docker_filter_any(const struct hl_value *filters, const char *key, bool (*matches)(const void *context, const char *word), const void *context)
{
    const struct hl_value *words = hl_value_get(filters, key);

    if (hl_value_count(words) == 0)
        return true;
    for (size_t i = 0; i < hl_value_count(words); i++)
        if (hl_value_item(words, i)->type == HL_TEXT && matches(context, hl_value_item(words, i)->text.data))
            return true;
    return false;
}

bool docker_filter_labels(const struct hl_value *filters, const struct hl_value *labels)
{
    const struct hl_value *words = hl_value_get(filters, "label");

    for (size_t i = 0; i < hl_value_count(words); i++) {
        const char *word = hl_value_item(words, i)->type == HL_TEXT ? hl_value_item(words, i)->text.data : "";
        char key[256];
        size_t length = strcspn(word, "=");

        if (length >= sizeof(key))
            return false;
        memcpy(key, word, length);
        key[length] = '\0';

        const char *value = hl_value_get_text(labels, key);

        if (value == NULL || (word[length] == '=' && strcmp(word + length + 1, value) != 0))
            return false;
    }
    return true;
}

bool docker_name_fits(const void *name, const char *word)
{
    const char *bare = name;
    char slashed[512];
    regex_t expression;

    snprintf(slashed, sizeof(slashed), "/%s", bare);
    if (strcmp(word, bare) == 0 || strcmp(word, slashed) == 0)
        return true;
    if (strpbrk(word, "\\^$.|?*+()[]{}") == NULL)
        return strstr(slashed, word) != NULL;
    if (regcomp(&expression, word, REG_EXTENDED | REG_NOSUB) != 0)
        return false;

    bool found = regexec(&expression, bare, 0, NULL, 0) == 0 || regexec(&expression, slashed, 0, NULL, 0) == 0;

    regfree(&expression);
    return found;
}

void docker_new_id(char out[DOCKER_ID])
{
    unsigned char bytes[DOCKER_ID / 2];

    hl_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)bytes[i]);
}

void docker_hash(const char *text, char out[DOCKER_ID])
{
    _Static_assert((int)DOCKER_ID == (int)HL_HASH_HEX, "both are 32 bytes in hex");
    hl_hash(NULL, text, strlen(text), out);
}

const char *docker_time(struct hl_arena *arena, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm utc;
    char date[32] = "";

    if (ns == 0)
        return "0001-01-01T00:00:00Z";
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    return hl_arena_printf(arena, "%s.%09" PRId64 "Z", date, ns % 1000000000);
}

void *docker_grow(struct hl_arena *arena, void *items, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 8 : *capacity * 2;

    void **larger = hl_arena_alloc(arena, *capacity * sizeof(void *));

    if (count > 0)
        memcpy(larger, items, count * sizeof(void *));
    return larger;
}
