/* The keys of one path. A path is one map that is written whole, by whoever comes last; so every change carries the version that it was made from. */
#include "config.h"

#include "reconcile/providers/openbao/session.h"

#include <string.h>

enum { MOST_TRIES = 4 };

static const char mismatch[] = "did not match the current version";

/* ---- the path ---- */

static const char *mount_of(const struct hl_openbao *store, const struct hl_openbao_place *place)
{
    return place->mount != NULL ? place->mount : store->mount;
}

static struct hl_openbao_path *path_of(struct hl_openbao *store, const char *mount, const char *name)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const char *identity = hl_arena_printf(scratch, "%s\n%s", mount, name);

    pthread_mutex_lock(&store->lock);
    struct hl_openbao_path *path = hl_map_find(&store->paths, identity);
    if (path == NULL) {
        path = hl_arena_alloc(store->arena, sizeof *path);
        path->mount = hl_arena_strdup(store->arena, mount);
        path->path = hl_arena_strdup(store->arena, name);
        pthread_mutex_init(&path->lock, NULL);
        hl_map_put(&store->paths, identity, path);
    }
    pthread_mutex_unlock(&store->lock);
    return path;
}

void hl_openbao_path_free(struct hl_openbao_path *path)
{
    hl_arena_free(path->arena);
    pthread_mutex_destroy(&path->lock);
}

static const char *url_of(struct hl_arena *arena, const struct hl_openbao_path *path, const char *what)
{
    return hl_arena_printf(arena, "/v1/%s/%s/%s", hl_openbao_escape_path(arena, path->mount), what, hl_openbao_escape_path(arena, path->path));
}

/* ---- reading it ---- */

/* A deleted version is told by 404 with a body that has its number; a path that never was, by 404 with an empty list of errors. Any other 404 says that
 * something above the path is not there. */
static bool is_absent(const struct hl_http_response *response, const struct hl_value *body)
{
    const struct hl_value *errors = hl_value_get(body, "errors");

    if (response->status != 404 || body == NULL)
        return false;
    return hl_value_is(hl_value_get(hl_value_get(body, "data"), "metadata"), HL_MAP) ||
           (errors != NULL && hl_value_count(errors) == 0 && hl_value_get(body, "warnings") == NULL);
}

static bool take_answer(struct hl_openbao *store, struct hl_openbao_path *path, const struct hl_http_response *response, struct hl_error **err)
{
    struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = hl_openbao_body(response, arena);
    const bool fine = is_absent(response, answer) || hl_openbao_take(store, response, arena, &answer, err);
    const struct hl_value *data = hl_value_get(answer, "data");

    if (!fine || (response->status == 200 && !hl_value_is(hl_value_get(data, "metadata"), HL_MAP))) {
        hl_arena_free(arena);
        return !fine ? false : hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not that of a KV engine of version 2", store->url);
    }
    hl_arena_free(path->arena);
    path->arena = arena;
    path->version = hl_value_get_int(hl_value_get(data, "metadata"), "version", 0);
    path->data = hl_value_get(data, "data");
    if (!hl_value_is(path->data, HL_MAP))
        path->data = response->status == 200 ? hl_value_map(arena) : NULL;
    path->read = true;
    return true;
}

/* Under path->lock. */
static bool read_path(struct hl_openbao *store, struct hl_openbao_path *path, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_openbao_call call = {.method = "GET", .path = url_of(arena, path, "data")};

    return hl_openbao_send(store, &call, &response, err) && take_answer(store, path, &response, err);
}

bool hl_openbao_read(struct hl_session *session, struct hl_arena *arena, const struct hl_openbao_place *place, bool fresh, struct hl_value **value,
                     struct hl_error **err)
{
    struct hl_openbao *store = hl_openbao_of(session);
    const char *mount = mount_of(store, place);

    *value = NULL;
    if (!hl_openbao_check_mount(store, mount, err))
        return false;
    struct hl_openbao_path *path = path_of(store, mount, place->path);
    pthread_mutex_lock(&path->lock);
    const bool fine = (path->read && !fresh) || read_path(store, path, err);
    const struct hl_value *found = fine ? hl_value_get(path->data, place->key) : NULL;
    if (!hl_value_is_null(found))
        *value = hl_value_mark_sensitive(hl_value_copy(arena, found));
    pthread_mutex_unlock(&path->lock);
    return fine;
}

/* ---- changing it ---- */

/* One key of a path that is to become `value` (NULL: none). */
struct change {
    struct hl_openbao *store;
    struct hl_openbao_path *path; /* locked */
    const char *key;
    const struct hl_value *value;
    const struct hl_value *before; /* what stood there at first */
    struct hl_arena *arena;
};

enum outcome { DONE, AGAIN, FAILED };

static struct hl_value *body_of(struct change *change, struct hl_value *data)
{
    struct hl_value *body = hl_value_map(change->arena);
    struct hl_value *options = hl_value_map(change->arena);

    hl_value_map_put_int(options, "cas", change->path->version);
    hl_value_map_put(body, "data", data);
    hl_value_map_put(body, "options", options);
    return body;
}

/* What a change was answered. Another version than ours, or none any more: the path is read again. */
static enum outcome outcome_of(struct change *change, const struct hl_http_response *response, struct hl_error **err)
{
    struct hl_value *ignored = NULL;

    if (response->status == 400 && hl_openbao_says(response, mismatch))
        return AGAIN;
    return hl_openbao_take(change->store, response, change->arena, &ignored, err) ? DONE : FAILED;
}

/* *unable: this server, or the token's policy, knows no patches. */
static enum outcome patch(struct change *change, bool *unable, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *data = hl_value_map(change->arena);

    hl_value_map_put(data, change->key, change->value != NULL ? hl_value_copy(change->arena, change->value) : hl_value_null(change->arena));
    const struct hl_openbao_call call = {
        .method = "PATCH", .path = url_of(change->arena, change->path, "data"), .body = body_of(change, data), .merge_patch = true};
    if (!hl_openbao_send(change->store, &call, &response, err))
        return FAILED;
    if (response.status == 403 || response.status == 405 || response.status == 415) {
        atomic_store(&change->store->no_patch, true);
        *unable = true;
        return AGAIN;
    }
    return response.status == 404 ? AGAIN : outcome_of(change, &response, err);
}

static enum outcome put(struct change *change, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_value *former = change->path->data;
    struct hl_value *data = hl_value_map(change->arena);

    for (size_t i = 0; i < hl_value_members(former); i++) {
        if (strcmp(hl_value_key(former, i), change->key) != 0)
            hl_value_map_put(data, hl_value_key(former, i), hl_value_copy(change->arena, hl_value_at(former, i)));
    }
    if (change->value != NULL)
        hl_value_map_put(data, change->key, hl_value_copy(change->arena, change->value));
    const struct hl_openbao_call call = {.method = "POST", .path = url_of(change->arena, change->path, "data"), .body = body_of(change, data)};
    if (!hl_openbao_send(change->store, &call, &response, err))
        return FAILED;
    return outcome_of(change, &response, err);
}

/* The version that held nothing but this key; one that somebody writes meanwhile is not touched. Policies that allow a DELETE of the current version often do
 * not allow this. */
static enum outcome delete_version(struct change *change, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *versions = hl_value_list(change->arena);
    struct hl_value *body = hl_value_map(change->arena);

    hl_value_list_add(change->arena, versions, hl_value_int(change->arena, change->path->version));
    hl_value_map_put(body, "versions", versions);
    const struct hl_openbao_call call = {.method = "POST", .path = url_of(change->arena, change->path, "delete"), .body = body};
    if (!hl_openbao_send(change->store, &call, &response, err))
        return FAILED;
    if (response.status != 403)
        return outcome_of(change, &response, err);
    hl_http_response_clear(&response);
    const struct hl_openbao_call all = {.method = "DELETE", .path = url_of(change->arena, change->path, "data")};
    if (!hl_openbao_send(change->store, &all, &response, err))
        return FAILED;
    return outcome_of(change, &response, err);
}

static enum outcome try_change(struct change *change, struct hl_error **err)
{
    const struct hl_value *data = change->path->data;
    bool unable = false;

    if (change->value == NULL && hl_value_count(data) == 1)
        return delete_version(change, err);
    if (data != NULL && !atomic_load(&change->store->no_patch)) {
        const enum outcome outcome = patch(change, &unable, err);
        if (!unable)
            return outcome;
    }
    return put(change, err);
}

/* Under path->lock; reads before each attempt. That others change other keys at the same time is fine; this key is ours alone. */
static bool run_change(struct change *change, struct hl_error **err)
{
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        if (!read_path(change->store, change->path, err))
            return false;
        const struct hl_value *now = hl_value_get(change->path->data, change->key);
        if (change->value == NULL ? now == NULL : hl_value_equal(now, change->value))
            return true;
        if (tries == 0)
            change->before = now != NULL ? hl_value_copy(change->arena, now) : NULL;
        else if (!hl_value_equal(now, change->before))
            return hl_fail(err, HL_E_CONFLICT, "somebody else changes this key at the same time");
        const enum outcome outcome = try_change(change, err);
        change->path->read = false;
        if (outcome != AGAIN)
            return outcome == DONE;
    }
    hl_fail(err, HL_E_CONFLICT, "somebody else keeps changing this path");
    return hl_error_hint(err, "run hlrec again");
}

static bool change_key(struct hl_session *session, const struct hl_openbao_place *place, const struct hl_value *value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_openbao *store = hl_openbao_of(session);
    const char *mount = mount_of(store, place);

    if (!hl_openbao_check_mount(store, mount, err))
        return false;
    struct change change = {.store = store, .path = path_of(store, mount, place->path), .key = place->key, .value = value, .arena = arena};
    pthread_mutex_lock(&change.path->lock);
    const bool fine = run_change(&change, err);
    pthread_mutex_unlock(&change.path->lock);
    return fine;
}

bool hl_openbao_write(struct hl_session *session, const struct hl_openbao_place *place, const struct hl_value *value, struct hl_error **err)
{
    return change_key(session, place, value, err);
}

bool hl_openbao_remove(struct hl_session *session, const struct hl_openbao_place *place, struct hl_error **err)
{
    return change_key(session, place, NULL, err);
}

pthread_mutex_t *hl_openbao_lock(struct hl_session *session, const struct hl_openbao_place *place)
{
    struct hl_openbao *store = hl_openbao_of(session);
    uint32_t hash = 2166136261u; /* FNV-1a; a collision costs a little waiting */

    for (const char *at = place->path; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &store->places[hash % HL_OPENBAO_LOCKS];
}
