#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

/* --- Finding one --- */

struct hl_value *infisical_project_peek(const struct infisical *inf, const char *name)
{
    for (size_t i = 0; i < hl_value_count(inf->projects); i++) {
        struct hl_value *project = hl_value_at(inf->projects, i);
        const char *slug = hl_value_get_text(project, "slug");

        if (strcmp(hl_value_key(inf->projects, i), name) == 0 || (slug != NULL && strcmp(slug, name) == 0))
            return project;
    }
    return NULL;
}

static struct hl_value *check_member(struct infisical_call *c, struct hl_value *project)
{
    if (c->inf->modes.member != 0)
        return project;
    infisical_fail(c, 403, "You are not member of this project", "You are not allowed to access this resource");
    return NULL;
}

struct hl_value *infisical_project(struct infisical_call *c, const char *id, bool secrets)
{
    struct hl_value *project = hl_value_get(c->inf->projects, id);

    if (project != NULL)
        return check_member(c, project);
    if (secrets)
        infisical_fail(c, 404, NULL, "Project not found during bot lookup. Are you sure you are using the correct project ID?");
    else
        infisical_fail(c, 404, NULL, "Project with %s not found", id);
    return NULL;
}

struct hl_value *infisical_project_slug(struct infisical_call *c, const char *slug)
{
    struct hl_value *project = infisical_project_peek(c->inf, slug);

    if (project != NULL && strcmp(hl_value_get_text(project, "slug"), slug) == 0)
        return check_member(c, project);
    infisical_fail(c, 404, NULL, "Project with slug '%s' not found", slug);
    return NULL;
}

struct hl_value *infisical_environment(const struct hl_value *project, const char *slug)
{
    const struct hl_value *environments = hl_value_get(project, "environments");

    for (size_t i = 0; i < hl_value_count(environments); i++) {
        const char *own = hl_value_get_text(hl_value_item(environments, i), "slug");

        if (own != NULL && strcmp(own, slug) == 0)
            return hl_value_item(environments, i);
    }
    return NULL;
}

/* --- Making one --- */

static struct hl_value *add_environment(struct infisical *inf, struct hl_value *project, const char *name, const char *slug)
{
    struct hl_value *environments = hl_value_get(project, "environments");
    struct hl_value *environment = hl_value_map(inf->arena);
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(environment, "id", id);
    hl_value_map_put_text(environment, "name", name);
    hl_value_map_put_text(environment, "slug", slug);
    hl_value_map_put_int(environment, "position", (int64_t)hl_value_count(environments) + 1);
    hl_value_map_put_int(environment, "created", lab_now_ns());
    hl_value_list_add(inf->arena, environments, environment);
    hl_value_map_put(hl_value_get(project, "folders"), slug, hl_value_map(inf->arena));
    infisical_folder_make(inf, project, slug, "/");
    return environment;
}

struct hl_value *infisical_project_new(struct infisical *inf, const char *name, const char *slug, bool environments)
{
    struct hl_value *project = hl_value_map(inf->arena);
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(project, "id", id);
    hl_value_map_put_text(project, "name", name);
    hl_value_map_put_text(project, "slug", slug);
    hl_value_map_put_int(project, "created", lab_now_ns());
    hl_value_map_put(project, "environments", hl_value_list(inf->arena));
    hl_value_map_put(project, "folders", hl_value_map(inf->arena));
    hl_value_map_put(inf->projects, id, project);
    if (environments) {
        add_environment(inf, project, "Development", "dev");
        add_environment(inf, project, "Staging", "staging");
        add_environment(inf, project, "Production", "prod");
    }
    return project;
}

/* --- Telling of one --- */

static struct hl_value *describe(struct infisical_call *c, const struct hl_value *project)
{
    static const char *const same[] = {"id", "name", "slug"};
    static const char *const nulls[] = {"description", "upgradeStatus", "kmsCertificateKeyId", "auditLogsRetentionDays", "defaultProduct"};
    const struct hl_value *environments = hl_value_get(project, "environments");
    struct hl_value *list = hl_value_list(c->arena);
    struct hl_value *out = hl_value_map(c->arena);
    const char *created = infisical_time(c->arena, hl_value_get_int(project, "created", 0));

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(project, same[i]));
    for (size_t i = 0; i < HL_COUNT(nulls); i++)
        hl_value_map_put(out, nulls[i], hl_value_null(c->arena));
    for (size_t i = 0; i < hl_value_count(environments); i++) {
        struct hl_value *row = hl_value_map(c->arena);

        for (size_t j = 0; j < HL_COUNT(same); j++)
            hl_value_map_put(row, same[j], hl_value_get(hl_value_item(environments, i), same[j]));
        hl_value_list_add(c->arena, list, row);
    }
    hl_value_map_put(out, "_id", hl_value_get(project, "id"));
    hl_value_map_put(out, "orgId", hl_value_get(c->inf->world, "organisation"));
    hl_value_map_put_text(out, "type", "secret-manager");
    hl_value_map_put_bool(out, "autoCapitalization", c->inf->modes.capitals != 0);
    hl_value_map_put_bool(out, "hasDeleteProtection", false);
    hl_value_map_put_int(out, "version", 3);
    hl_value_map_put_int(out, "pitVersionLimit", 10);
    hl_value_map_put_text(out, "createdAt", created);
    hl_value_map_put_text(out, "updatedAt", created);
    hl_value_map_put(out, "environments", list);
    return out;
}

static bool is_legacy(const struct infisical_call *c)
{
    return strstr(c->call->path, "/workspace") != NULL;
}

void infisical_projects_list(struct infisical_call *c)
{
    struct hl_value *list = hl_value_list(c->arena);

    infisical_query_flag(c, "includeRoles", false);
    if (!infisical_valid(c))
        return;
    for (size_t i = 0; c->inf->modes.member != 0 && i < hl_value_count(c->inf->projects); i++)
        hl_value_list_add(c->arena, list, describe(c, hl_value_at(c->inf->projects, i)));
    infisical_answer_in(c, is_legacy(c) ? "workspaces" : "projects", list);
}

/* Not wrapped, other than by id. */
void infisical_project_by_slug(struct infisical_call *c)
{
    const struct hl_value *project = NULL;

    if (strlen(c->names[0]) > 64)
        infisical_issue(c, NULL, "slug", "Slug field must be at most 64 lowercase characters");
    if (!infisical_valid(c))
        return;
    project = infisical_project_slug(c, c->names[0]);
    if (project != NULL)
        infisical_answer(c, 200, describe(c, project));
}

void infisical_project_by_id(struct infisical_call *c)
{
    const struct hl_value *project = infisical_project(c, c->names[0], false);

    if (project != NULL)
        infisical_answer_in(c, is_legacy(c) ? "workspace" : "project", describe(c, project));
}

/* Lower case letters and digits, with single - or _ between. */
static bool is_slug(const char *slug, size_t least, size_t most)
{
    size_t length = strlen(slug);

    if (length < least || length > most || strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-_") != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr("-_", slug[i]) != NULL && (i == 0 || i == length - 1 || strchr("-_", slug[i + 1]) != NULL))
            return false;
    return true;
}

void infisical_project_create(struct infisical_call *c)
{
    const struct hl_value *body = infisical_body(c);
    const char *name = infisical_text(c, NULL, body, "projectName", "", body != NULL);
    const char *slug = infisical_text(c, NULL, body, "slug", NULL, false);
    bool environments = infisical_bool(c, body, "shouldCreateDefaultEnvs", true);
    unsigned char bytes[2];

    if (slug != NULL && !is_slug(slug, 5, 36))
        infisical_issue(c, NULL, "slug", "Slug field can only contain lowercase letters, numbers, and hyphens");
    if (!infisical_valid(c))
        return;
    hl_random(bytes, sizeof(bytes));
    if (slug == NULL)
        slug = hl_arena_printf(c->arena, "project-%s", hl_hex_encode(c->arena, bytes, sizeof(bytes)));
    if (infisical_project_peek(c->inf, slug) != NULL) {
        infisical_fail(c, 400, NULL, "Project with slug '%s' already exists", slug);
        return;
    }
    c->changed = true;
    infisical_answer_in(c, "project", describe(c, infisical_project_new(c->inf, name, slug, environments)));
}

/* --- Environments --- */

static struct hl_value *describe_environment(struct infisical_call *c, const struct hl_value *project, const struct hl_value *environment)
{
    static const char *const same[] = {"id", "name", "slug", "position"};
    struct hl_value *out = hl_value_map(c->arena);
    const char *created = infisical_time(c->arena, hl_value_get_int(environment, "created", 0));

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(environment, same[i]));
    hl_value_map_put(out, "projectId", hl_value_get(project, "id"));
    hl_value_map_put_text(out, "createdAt", created);
    hl_value_map_put_text(out, "updatedAt", created);
    return out;
}

void infisical_environment_create(struct infisical_call *c)
{
    const struct hl_value *body = infisical_body(c);
    const char *name = infisical_text(c, NULL, body, "name", "", body != NULL);
    const char *slug = infisical_text(c, NULL, body, "slug", "", body != NULL);
    struct hl_value *project = NULL;
    struct hl_value *out = hl_value_map(c->arena);

    if (hl_value_get_text(body, "slug") != NULL && !is_slug(slug, 1, 64))
        infisical_issue(c, NULL, "slug", "Slug field can only contain lowercase letters, numbers, and hyphens");
    if (!infisical_valid(c))
        return;
    project = infisical_project(c, c->names[0], false);
    if (project == NULL)
        return;
    if (infisical_environment(project, slug) != NULL) {
        infisical_fail(c, 400, "CreateEnvironment", "Environment with slug already exist");
        return;
    }
    c->changed = true;
    hl_value_map_put_text(out, "message", "Successfully created new environment");
    hl_value_map_put(out, "projectId", hl_value_get(project, "id"));
    hl_value_map_put(out, "environment", describe_environment(c, project, add_environment(c->inf, project, name, slug)));
    infisical_answer(c, 200, out);
}

void infisical_environment_by_slug(struct infisical_call *c)
{
    const struct hl_value *project = infisical_project(c, c->names[0], false);
    const struct hl_value *environment = project == NULL ? NULL : infisical_environment(project, c->names[1]);

    if (environment != NULL)
        infisical_answer_in(c, "environment", describe_environment(c, project, environment));
    else if (project != NULL)
        infisical_fail(c, 404, NULL, "Environment with slug '%s' in project with ID '%s' not found", c->names[1], c->names[0]);
}

void infisical_environment_by_id(struct infisical_call *c)
{
    const struct hl_value *project = infisical_project(c, c->names[0], false);
    const struct hl_value *environments = hl_value_get(project, "environments");

    if (project == NULL)
        return;
    for (size_t i = 0; i < hl_value_count(environments); i++) {
        const struct hl_value *environment = hl_value_item(environments, i);

        if (strcmp(hl_value_get_text(environment, "id"), c->names[1]) == 0) {
            infisical_answer_in(c, "environment", describe_environment(c, project, environment));
            return;
        }
    }
    infisical_fail(c, 404, NULL, "Environment with ID '%s' not found", c->names[1]);
}
