/* Which project a place is in: the API takes ids, people write slugs. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"

#include <string.h>

enum { UUID_LENGTH = 36 };

static bool is_id(const char *text)
{
    return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdefABCDEF-") == UUID_LENGTH && text[8] == '-' && text[13] == '-';
}

static bool get(struct hl_infisical *store, const char *path, struct hl_http_response *response, struct hl_error **err)
{
    const struct hl_infisical_call call = {.method = "GET", .path = path};

    return hl_infisical_send(store, &call, response, err);
}

/* Projects were called workspaces once, and two calls still wrap them in their name. */
static const struct hl_value *unwrap(const struct hl_value *answer)
{
    const struct hl_value *project = hl_value_get(answer, "project");

    if (!hl_value_is(project, HL_MAP))
        project = hl_value_get(answer, "workspace");
    return hl_value_is(project, HL_MAP) ? project : answer;
}

static struct hl_value *slugs_of(struct hl_arena *arena, const struct hl_value *environments)
{
    struct hl_value *slugs = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(environments); i++) {
        const char *slug = hl_value_get_text(hl_value_item(environments, i), "slug");
        if (slug != NULL)
            hl_value_list_add(arena, slugs, hl_value_text(arena, slug));
    }
    return hl_value_count(slugs) > 0 ? slugs : NULL;
}

/* Under store->lock, as all that puts something into store->arena. */
static bool take_project(struct hl_infisical *store, const char *name, const struct hl_value *answer, struct hl_infisical_project **out, struct hl_error **err)
{
    const struct hl_value *object = unwrap(answer);
    const char *id = hl_value_get_text(object, "id");

    if (id == NULL)
        id = hl_value_get_text(object, "_id");
    if (hl_is_blank(id))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: a project without an id", store->url);
    struct hl_infisical_project *project = hl_arena_alloc(store->arena, sizeof *project);
    project->id = hl_arena_strdup(store->arena, id);
    project->name = hl_arena_strdup(store->arena, name);
    project->environments = slugs_of(store->arena, hl_value_get(object, "environments"));
    *out = project;
    return true;
}

static bool ask_project(struct hl_infisical *store, struct hl_arena *arena, const char *name, struct hl_http_response *response, struct hl_error **err)
{
    const char *escaped = hl_infisical_escape(arena, name);

    if (!store->old_projects) {
        if (!get(store, hl_arena_printf(arena, "/api/v1/projects/%s%s", is_id(name) ? "" : "slug/", escaped), response, err))
            return false;
        if (!hl_infisical_lacks_call(response))
            return true;
        store->old_projects = true;
        hl_http_response_clear(response);
    }
    return get(store, hl_arena_printf(arena, "/api/%s/workspace/%s", is_id(name) ? "v1" : "v2", escaped), response, err);
}

static bool look_up(struct hl_infisical *store, const char *name, struct hl_infisical_project **project, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!ask_project(store, arena, name, &response, err))
        return false;
    if (response.status == 404 && hl_infisical_body(&response, arena) != NULL) {
        hl_fail(err, HL_E_NOT_FOUND, "Infisical at '%s' has no project '%s'", store->url, name);
        return hl_error_hint(err, "its slug is shown in the project's settings; it is not the project's name");
    }
    if (response.status == 403) {
        hl_infisical_rejected(store, &response, err);
        hl_wrap(err, "looking for project '%s'", name);
        return hl_error_hint(err, "add the machine identity to the project (Access Control, Machine Identities)");
    }
    return hl_infisical_take(store, &response, arena, &answer, err) && take_project(store, name, answer, project, err);
}

/* A service token knows its own project, and may ask for no other. */
static bool look_up_own(struct hl_infisical *store, const char *name, struct hl_infisical_project **out, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!get(store, "/api/v2/service-token", &response, err) || !hl_infisical_take(store, &response, arena, &answer, err))
        return hl_wrap(err, "asking what the service token is for");
    const char *id = hl_value_get_text(answer, "workspace");
    if (hl_is_blank(id))
        id = hl_value_get_text(answer, "projectId");
    if (hl_is_blank(id))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: a service token without a project", store->url);
    if (*name != '\0' && is_id(name) && strcmp(name, id) != 0)
        return hl_fail(err, HL_E_AUTH, "the service token of provider '%s' is for another project than '%s'", store->name, name);
    struct hl_infisical_project *project = hl_arena_alloc(store->arena, sizeof *project);
    project->id = hl_arena_strdup(store->arena, id);
    project->name = hl_arena_strdup(store->arena, *name != '\0' ? name : id);
    project->scopes = hl_value_copy(store->arena, hl_value_get(answer, "scopes"));
    *out = project;
    return true;
}

static bool check_environment(const struct hl_infisical_project *project, const char *environment, struct hl_error **err)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    if (project->environments == NULL)
        return true;
    for (size_t i = 0; i < hl_value_count(project->environments); i++) {
        const char *slug = hl_value_item(project->environments, i)->text.data;
        if (strcmp(slug, environment) == 0)
            return true;
        hl_text_printf(&list, "%s%s", i > 0 ? ", " : "", slug);
    }
    hl_fail(err, HL_E_NOT_FOUND, "project '%s' has no environment '%s'", project->name, environment);
    return hl_error_hint(err, "it has %s; the environment's slug counts, not its name", hl_text_get(&list));
}

/* The only scope of a service token, if it is one folder: the server reads that one then, whatever folder is asked for. */
static bool check_scope(const struct hl_infisical *store, const struct hl_infisical_project *project, const char *environment, const char *path,
                        struct hl_error **err)
{
    const struct hl_value *scope = hl_value_item(project->scopes, 0);
    const char *scope_environment = hl_value_get_text(scope, "environment");
    const char *scope_path = hl_value_get_text(scope, "secretPath");

    if (hl_value_count(project->scopes) != 1 || scope_environment == NULL || scope_path == NULL || strpbrk(scope_path, "*?[]{}()!+@") != NULL)
        return true;
    size_t length = strlen(scope_path);
    while (length > 1 && scope_path[length - 1] == '/')
        length--;
    if (strcmp(scope_environment, environment) == 0 && strlen(path) == length && strncmp(scope_path, path, length) == 0)
        return true;
    return hl_fail(err, HL_E_AUTH, "the service token of provider '%s' is for '%s' in environment '%s' alone, not for '%s' in '%s'", store->name, scope_path,
                   scope_environment, path, environment);
}

/* The lock is held during the call: whoever comes second waits for the answer instead of asking too. */
static bool find_project(struct hl_infisical *store, const char *name, const struct hl_infisical_project **out, struct hl_error **err)
{
    pthread_mutex_lock(&store->lock);
    struct hl_infisical_project *project = hl_map_find(&store->projects, name);
    const bool fine = project != NULL || (store->service_token ? look_up_own : look_up)(store, name, &project, err);
    if (fine)
        hl_map_put(&store->projects, name, project);
    pthread_mutex_unlock(&store->lock);
    *out = project;
    return fine;
}

bool hl_infisical_find_project(struct hl_infisical *store, const struct hl_infisical_place *place, const struct hl_infisical_project **project,
                               const char **environment, struct hl_error **err)
{
    const char *name = place->project != NULL ? place->project : store->project;

    *environment = place->environment != NULL ? place->environment : store->environment;
    if (name == NULL && store->service_token)
        name = "";
    if (name == NULL || *environment == NULL) {
        const char *lacking = name == NULL ? "project" : "environment";
        hl_fail(err, HL_E_SPEC, "nothing says which %s of Infisical is meant", lacking);
        return hl_error_hint(err, "give provider '%s' a default, `%s: SLUG`, or say it with the secret", store->name, lacking);
    }
    return find_project(store, name, project, err) && check_environment(*project, *environment, err) &&
           check_scope(store, *project, *environment, place->path, err);
}

/* ---- for doctor ---- */

static void report_project(const struct hl_infisical_project *project, struct hl_text *report)
{
    hl_text_printf(report, "project %s (%s)", project->name, project->id);
    for (size_t i = 0; i < hl_value_count(project->environments); i++)
        hl_text_printf(report, "%s%s", i == 0 ? ", environments " : ", ", hl_value_item(project->environments, i)->text.data);
    for (size_t i = 0; i < hl_value_count(project->scopes); i++) {
        const struct hl_value *scope = hl_value_item(project->scopes, i);
        const char *environment = hl_value_get_text(scope, "environment");
        const char *path = hl_value_get_text(scope, "secretPath");
        hl_text_printf(report, ", %s in %s", path != NULL ? path : "?", environment != NULL ? environment : "?");
    }
    hl_text_putc(report, '\n');
}

/* Any project at all: a call that needs no more than a token that is good. */
static bool check_token(struct hl_infisical *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!get(store, "/api/v1/projects", &response, err))
        return false;
    return hl_infisical_lacks_call(&response) || hl_infisical_take(store, &response, arena, &answer, err);
}

bool hl_infisical_report_rights(struct hl_infisical *store, struct hl_text *report, struct hl_error **err)
{
    const struct hl_infisical_project *project = NULL;

    if (store->project == NULL && !store->service_token)
        return check_token(store, err);
    if (!find_project(store, store->project != NULL ? store->project : "", &project, err))
        return false;
    if (report != NULL)
        report_project(project, report);
    return store->environment == NULL || check_environment(project, store->environment, err);
}
