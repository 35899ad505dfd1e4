/* The secrets of one folder: listed with one call a run, and kept true by what each later call tells. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"

#include <string.h>
#include <strings.h>

/* ---- the secrets API, v4 and v3 ---- */

/* Every flag is said: the defaults moved between versions. The newest documentation spells include_imports differently; what a server does not know it
 * ignores. References are read as they are written, imports are other folders' secrets. */
static const char list_flags[] = "viewSecretValue=true&expandSecretReferences=false&recursive=false&include_imports=false&includeImports=false";

static const char *query_of(struct hl_arena *arena, const struct hl_infisical_folder *folder, bool old)
{
    return hl_arena_printf(arena, "?%s=%s&environment=%s&secretPath=%s&%s", old ? "workspaceId" : "projectId", hl_infisical_escape(arena, folder->project->id),
                           hl_infisical_escape(arena, folder->environment), hl_infisical_escape(arena, folder->path), list_flags);
}

static bool send_as(struct hl_infisical *store, const struct hl_infisical_folder *folder, const char *method, const char *key, struct hl_value *body, bool old,
                    struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *base = old ? "/api/v3/secrets/raw" : "/api/v4/secrets";
    const char *path = key != NULL ? hl_arena_printf(arena, "%s/%s", base, hl_infisical_escape(arena, key)) : base;

    if (body == NULL) {
        path = hl_arena_printf(arena, "%s%s", path, query_of(arena, folder, old));
    } else {
        hl_value_map_put_text(body, old ? "workspaceId" : "projectId", folder->project->id);
        hl_value_map_put_text(body, "environment", folder->environment);
        hl_value_map_put_text(body, "secretPath", folder->path);
        hl_value_map_put_text(body, "type", "shared");
    }
    const struct hl_infisical_call call = {.method = method, .path = path, .body = body};
    return hl_infisical_send(store, &call, response, err);
}

static bool is_old(struct hl_infisical *store, const bool *flag)
{
    pthread_mutex_lock(&store->lock);
    const bool old = *flag;
    pthread_mutex_unlock(&store->lock);
    return old;
}

static void set_old(struct hl_infisical *store, bool *flag)
{
    pthread_mutex_lock(&store->lock);
    *flag = true;
    pthread_mutex_unlock(&store->lock);
}

bool hl_infisical_send_secret(struct hl_infisical *store, const struct hl_infisical_folder *folder, const char *method, const char *key, struct hl_value *body,
                              struct hl_http_response *response, struct hl_error **err)
{
    if (!is_old(store, &store->old_secrets)) {
        if (!send_as(store, folder, method, key, body, false, response, err))
            return false;
        if (!hl_infisical_lacks_call(response))
            return true;
        set_old(store, &store->old_secrets);
        hl_http_response_clear(response);
    }
    return send_as(store, folder, method, key, body, true, response, err);
}

/* ---- what answers mean ---- */

static bool says(const char *text, const char *word)
{
    return text != NULL && strcasestr(text, word) != NULL;
}

static bool begins(const char *text, const char *word)
{
    return text != NULL && strncasecmp(text, word, strlen(word)) == 0;
}

/* Older versions told a missing object by 400. An object that is there already is 400 in all of them. */
enum hl_infisical_outcome hl_infisical_outcome_of(const struct hl_http_response *response)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *body = hl_infisical_body(response, arena);
    const char *message = hl_value_get_text(body, "message");
    const char *error = hl_value_get_text(body, "error");

    if (response->status >= 200 && response->status < 300)
        return hl_value_is(hl_value_get(body, "approval"), HL_MAP) ? HL_INFISICAL_PENDING : HL_INFISICAL_FINE;
    if ((response->status != 404 && response->status != 400) || body == NULL || hl_infisical_lacks_call(response))
        return HL_INFISICAL_REJECTED;
    if (response->status == 400 && says(message, "already exist"))
        return HL_INFISICAL_EXISTS;
    if (response->status == 404 && says(error, "SecretPathNotFound"))
        return HL_INFISICAL_NO_FOLDER;
    if (!says(message, "not found"))
        return HL_INFISICAL_REJECTED;
    if (begins(message, "folder") || begins(message, "secret path"))
        return HL_INFISICAL_NO_FOLDER;
    return begins(message, "secret") ? HL_INFISICAL_NO_SECRET : HL_INFISICAL_REJECTED;
}

/* ---- the list ---- */

static struct hl_infisical_entry *entry_of(struct hl_arena *arena, const struct hl_value *secret)
{
    const struct hl_value *value = hl_value_get(secret, "secretValue");
    const char *comment = hl_value_get_text(secret, "secretComment");
    struct hl_infisical_entry *entry = hl_arena_alloc(arena, sizeof *entry);

    if (hl_value_is(value, HL_TEXT) && !hl_value_get_bool(secret, "secretValueHidden", false) && strcmp(value->text.data, "<hidden-by-infisical>") != 0) {
        entry->value = hl_arena_copy(arena, value->text.data, value->text.length);
        entry->length = value->text.length;
    }
    entry->rotated = hl_value_get_bool(secret, "isRotatedSecret", false);
    entry->commented = !hl_is_blank(comment);
    return entry;
}

static bool is_personal(const struct hl_value *secret)
{
    const char *type = hl_value_get_text(secret, "type");

    return type != NULL && strcmp(type, "personal") == 0;
}

static bool take_list(struct hl_infisical *store, struct hl_infisical_folder *folder, const struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    if (!hl_infisical_take(store, response, arena, &answer, err))
        return false;
    const struct hl_value *secrets = hl_value_get(answer, "secrets");
    if (!hl_value_is(secrets, HL_LIST))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: a list of secrets without 'secrets'", store->url);
    for (size_t i = 0; i < hl_value_count(secrets); i++) {
        const struct hl_value *secret = hl_value_item(secrets, i);
        const char *key = hl_value_get_text(secret, "secretKey");
        if (key != NULL && !is_personal(secret))
            hl_map_put(&folder->entries, key, entry_of(folder->arena, secret));
    }
    folder->exists = true;
    return true;
}

static bool list(struct hl_infisical *store, struct hl_infisical_folder *folder, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_infisical_send_secret(store, folder, "GET", NULL, NULL, &response, err))
        return false;
    /* The root is always there: without it there is no such environment. */
    const bool missing = hl_infisical_outcome_of(&response) == HL_INFISICAL_NO_FOLDER && strcmp(folder->path, "/") != 0;
    if (!missing && !take_list(store, folder, &response, err))
        return hl_wrap(err, "listing folder '%s' (project %s, environment %s)", folder->path, folder->project->name, folder->environment);
    folder->listed = true;
    return true;
}

static struct hl_infisical_folder *folder_of(struct hl_infisical *store, const struct hl_infisical_project *project, const char *environment, const char *path)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const char *identity = hl_arena_printf(scratch, "%s:%s:%s", project->id, environment, path);

    pthread_mutex_lock(&store->lock);
    struct hl_infisical_folder *folder = hl_map_find(&store->folders, identity);
    if (folder == NULL) {
        folder = hl_arena_alloc(store->arena, sizeof *folder);
        folder->project = project;
        folder->environment = hl_arena_strdup(store->arena, environment);
        folder->path = hl_arena_strdup(store->arena, path);
        folder->arena = hl_arena_new();
        hl_map_init(&folder->entries, folder->arena);
        pthread_mutex_init(&folder->lock, NULL);
        hl_map_put(&store->folders, identity, folder);
    }
    pthread_mutex_unlock(&store->lock);
    return folder;
}

bool hl_infisical_find_folder(struct hl_infisical *store, const struct hl_infisical_place *place, struct hl_infisical_folder **folder, struct hl_error **err)
{
    const struct hl_infisical_project *project = NULL;
    const char *environment = NULL;

    if (!hl_infisical_find_project(store, place, &project, &environment, err))
        return false;
    *folder = folder_of(store, project, environment, place->path);
    pthread_mutex_lock(&(*folder)->lock);
    const bool fine = (*folder)->listed || list(store, *folder, err);
    pthread_mutex_unlock(&(*folder)->lock);
    return fine;
}

void hl_infisical_learn(struct hl_infisical_folder *folder, const char *key, const struct hl_value *secret)
{
    pthread_mutex_lock(&folder->lock);
    if (secret != NULL) {
        hl_map_put(&folder->entries, key, entry_of(folder->arena, secret));
        folder->exists = true;
    } else {
        hl_map_remove(&folder->entries, key);
    }
    pthread_mutex_unlock(&folder->lock);
}

void hl_infisical_folder_gone(struct hl_infisical_folder *folder)
{
    pthread_mutex_lock(&folder->lock);
    folder->exists = false;
    hl_map_init(&folder->entries, folder->arena);
    pthread_mutex_unlock(&folder->lock);
}

void hl_infisical_folder_free(struct hl_infisical_folder *folder)
{
    hl_arena_free(folder->arena);
    pthread_mutex_destroy(&folder->lock);
}

/* ---- making it ---- */

/* The call makes what is missing above, and gives back a folder that is there. */
static bool send_folder(struct hl_infisical *store, const struct hl_infisical_folder *folder, bool old, struct hl_http_response *response,
                        struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *slash = strrchr(folder->path, '/');
    const char *parent = slash == folder->path ? "/" : hl_arena_copy(arena, folder->path, (size_t)(slash - folder->path));
    struct hl_value *body = hl_value_map(arena);

    hl_value_map_put_text(body, old ? "workspaceId" : "projectId", folder->project->id);
    hl_value_map_put_text(body, "environment", folder->environment);
    hl_value_map_put_text(body, "name", slash + 1);
    hl_value_map_put_text(body, "path", parent);
    const struct hl_infisical_call call = {.method = "POST", .path = old ? "/api/v1/folders" : "/api/v2/folders", .body = body};
    return hl_infisical_send(store, &call, response, err);
}

static bool make(struct hl_infisical *store, struct hl_infisical_folder *folder, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;
    bool old = is_old(store, &store->old_folders);

    if (!send_folder(store, folder, old, &response, err))
        return false;
    if (!old && hl_infisical_lacks_call(&response)) {
        set_old(store, &store->old_folders);
        hl_http_response_clear(&response);
        if (!send_folder(store, folder, true, &response, err))
            return false;
    }
    if (hl_infisical_outcome_of(&response) != HL_INFISICAL_EXISTS && !hl_infisical_take(store, &response, arena, &answer, err))
        return false;
    folder->exists = true;
    return true;
}

bool hl_infisical_make_folder(struct hl_infisical *store, struct hl_infisical_folder *folder, struct hl_error **err)
{
    if (strcmp(folder->path, "/") == 0)
        return true;
    pthread_mutex_lock(&folder->lock);
    const bool fine = folder->exists || make(store, folder, err);
    pthread_mutex_unlock(&folder->lock);
    return fine || hl_wrap(err, "making folder '%s'", folder->path);
}
