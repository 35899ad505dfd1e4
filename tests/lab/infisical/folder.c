#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <string.h>
#include <strings.h>

/* --- Paths --- */

bool infisical_is_path(const char *path)
{
    return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/") == strlen(path);
}

bool infisical_is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != strlen(form))
        return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == '-' ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL)
            return false;
    return true;
}

const char *infisical_child_path(struct hl_arena *arena, const char *path, const char *name)
{
    return hl_arena_printf(arena, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
}

/* Whether `path` is `folder` or below it. */
static bool is_within(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strcmp(folder, "/") == 0 || (strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/'));
}

/* --- The tree: a map from paths --- */

static struct hl_value *tree_of(const struct hl_value *project, const char *environment)
{
    return hl_value_get(hl_value_get(project, "folders"), environment);
}

struct hl_value *infisical_folder_find(const struct hl_value *project, const char *environment, const char *path)
{
    return hl_value_get(tree_of(project, environment), path);
}

static void put_place(struct infisical *inf, struct hl_value *project, const char *environment, struct hl_value *folder, struct hl_value *secret)
{
    struct infisical_place *place = hl_arena_alloc(inf->arena, sizeof(*place));

    *place = (struct infisical_place){.project = project, .environment = hl_arena_strdup(inf->arena, environment), .folder = folder, .secret = secret};
    hl_map_put(&inf->places, hl_value_get_text(secret == NULL ? folder : secret, "id"), place);
}

void infisical_index(struct infisical *inf, struct hl_value *project)
{
    const struct hl_value *folders = hl_value_get(project, "folders");

    for (size_t i = 0; i < hl_value_count(folders); i++) {
        const struct hl_value *tree = hl_value_at(folders, i);

        for (size_t j = 0; j < hl_value_count(tree); j++) {
            struct hl_value *folder = hl_value_at(tree, j);
            const struct hl_value *secrets = infisical_secrets(folder);

            put_place(inf, project, hl_value_key(folders, i), folder, NULL);
            for (size_t k = 0; k < hl_value_count(secrets); k++)
                put_place(inf, project, hl_value_key(folders, i), folder, hl_value_at(secrets, k));
        }
    }
}

static struct hl_value *add_folder(struct infisical *inf, struct hl_value *project, const char *environment, const char *path)
{
    const char *slash = strrchr(path, '/');
    bool is_root = strcmp(path, "/") == 0;
    struct hl_value *folder = hl_value_map(inf->arena);
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(folder, "id", id);
    hl_value_map_put_text(folder, "name", is_root ? "root" : slash + 1);
    hl_value_map_put_text(folder, "path", path);
    hl_value_map_put(folder, "envId", hl_value_get(infisical_environment(project, environment), "id"));
    hl_value_map_put_int(folder, "version", 1);
    hl_value_map_put_int(folder, "created", lab_now_ns());
    hl_value_map_put_int(folder, "updated", lab_now_ns());
    hl_value_map_put(folder, "secrets", hl_value_map(inf->arena));
    hl_value_map_put(tree_of(project, environment), path, folder);
    put_place(inf, project, environment, folder, NULL);
    return folder;
}

struct hl_value *infisical_folder_make(struct infisical *inf, struct hl_value *project, const char *environment, const char *path)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *walked = "/";
    struct hl_value *folder = infisical_folder_find(project, environment, "/");

    if (folder == NULL)
        folder = add_folder(inf, project, environment, "/");
    for (const char *at = path + strspn(path, "/"); *at != '\0'; at += strspn(at, "/")) {
        size_t length = strcspn(at, "/");
        struct hl_value *parent = folder;

        walked = infisical_child_path(arena, walked, hl_arena_copy(arena, at, length));
        folder = infisical_folder_find(project, environment, walked);
        if (folder == NULL) {
            folder = add_folder(inf, project, environment, walked);
            hl_value_map_put(folder, "parentId", hl_value_get(parent, "id"));
        }
        at += length;
    }
    return folder;
}

/* --- Telling of one --- */

static struct hl_value *describe(struct infisical_call *c, const struct hl_value *folder)
{
    static const char *const same[] = {"id", "name", "version", "envId"};
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *parent = hl_value_get(folder, "parentId");
    struct hl_value *description = hl_value_get(folder, "description");

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(folder, same[i]));
    hl_value_map_put(out, "parentId", parent == NULL ? hl_value_null(c->arena) : parent);
    hl_value_map_put(out, "description", description == NULL ? hl_value_null(c->arena) : description);
    hl_value_map_put_bool(out, "isReserved", false);
    hl_value_map_put(out, "lastSecretModified", hl_value_null(c->arena));
    hl_value_map_put_text(out, "createdAt", infisical_time(c->arena, hl_value_get_int(folder, "created", 0)));
    hl_value_map_put_text(out, "updatedAt", infisical_time(c->arena, hl_value_get_int(folder, "updated", 0)));
    return out;
}

static void answer_with_path(struct infisical_call *c, const struct hl_value *folder)
{
    struct hl_value *out = describe(c, folder);

    hl_value_map_put(out, "path", hl_value_get(folder, "path"));
    infisical_answer_in(c, "folder", out);
}

/* --- What a request says --- */

struct wish {
    const char *project_id, *environment, *path, *name;
    const struct hl_value *description;
};

static const char *project_member(const struct infisical_call *c)
{
    return hl_starts_with(c->call->path, "/api/v1/") ? "workspaceId" : "projectId";
}

/* It gets its first slash, and loses its last one. */
static const char *tidy_path(struct hl_arena *arena, const char *path)
{
    size_t length = strlen(path);

    if (*path != '/')
        path = hl_arena_printf(arena, "/%s", path);
    length = strlen(path);
    return length > 1 && path[length - 1] == '/' ? hl_arena_copy(arena, path, length - 1) : path;
}

/* API v2 wants the path of a list; v1 has a fallback, and another name for it. */
static void take_wish(struct infisical_call *c, const struct hl_value *map, bool needs_path, bool needs_name, struct wish *out)
{
    bool legacy = hl_starts_with(c->call->path, "/api/v1/");
    const char *directory = legacy ? infisical_text(c, NULL, map, "directory", "/", false) : "/";

    *out = (struct wish){.name = ""};
    if (map == NULL)
        return;
    out->project_id = infisical_text(c, NULL, map, project_member(c), "", true);
    out->environment = infisical_text(c, NULL, map, "environment", "", true);
    out->path = tidy_path(c->arena, infisical_text(c, NULL, map, "path", directory, needs_path && !legacy));
    if (!needs_name)
        return;
    out->name = infisical_text(c, NULL, map, "name", "-", true);
    if (*out->name == '\0' || strchr(out->name, '/') != NULL || !infisical_is_path(out->name))
        infisical_issue(c, NULL, "name", "Invalid folder name. Only alphanumeric characters, dashes, and underscores are allowed.");
    out->description = infisical_member(c, NULL, map, "description", HL_TEXT, false, true);
}

static bool check_path(struct infisical_call *c, const char *path)
{
    return infisical_is_path(path) || infisical_fail(c, 400, NULL, "Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.");
}

/* --- Routes --- */

void infisical_folder_create(struct infisical_call *c)
{
    struct wish wish;
    struct hl_value *project = NULL;
    struct hl_value *folder = NULL;
    const char *path = NULL;

    take_wish(c, infisical_body(c), false, true, &wish);
    project = infisical_valid(c) ? infisical_project(c, wish.project_id, false) : NULL;
    if (project == NULL)
        return;
    if (infisical_environment(project, wish.environment) == NULL) {
        infisical_fail(c, 404, NULL, "Environment with slug '%s' in project with ID '%s' not found", wish.environment, wish.project_id);
        return;
    }
    if (!check_path(c, wish.path))
        return;
    path = infisical_child_path(c->arena, wish.path, wish.name);
    folder = infisical_folder_find(project, wish.environment, path);
    if (folder == NULL) {
        folder = infisical_folder_make(c->inf, project, wish.environment, path);
        if (wish.description != NULL)
            hl_value_map_put(folder, "description", hl_value_copy(c->inf->arena, wish.description));
        c->changed = true;
    }
    answer_with_path(c, folder);
}

void infisical_folders_list(struct infisical_call *c)
{
    struct wish wish;
    const char *text = lab_query(c->call, "recursive");
    bool recursive = *text != '\0' && strcmp(text, "0") != 0 && strcasecmp(text, "false") != 0; /* not as strict as elsewhere */
    struct hl_value *list = hl_value_list(c->arena);
    const struct hl_value *project = NULL;
    const struct hl_value *tree = NULL;

    take_wish(c, c->call->query, true, false, &wish);
    project = infisical_valid(c) ? infisical_project(c, wish.project_id, false) : NULL;
    if (project == NULL)
        return;
    if (infisical_environment(project, wish.environment) == NULL) {
        infisical_fail(c, 404, NULL, "Environment with slug '%s' not found", wish.environment);
        return;
    }
    if (!check_path(c, wish.path))
        return;
    tree = infisical_folder_find(project, wish.environment, wish.path) == NULL ? NULL : tree_of(project, wish.environment);
    for (size_t i = 0; i < hl_value_count(tree); i++) {
        const char *path = hl_value_key(tree, i);
        const char *rest = path + (strcmp(wish.path, "/") == 0 ? 0 : strlen(wish.path));
        struct hl_value *row = NULL;

        if (!is_within(path, wish.path) || strcmp(path, wish.path) == 0 || (!recursive && strchr(rest + 1, '/') != NULL))
            continue;
        row = describe(c, hl_value_at(tree, i));
        if (recursive)
            hl_value_map_put_text(row, "relativePath", rest);
        hl_value_list_add(c->arena, list, row);
    }
    infisical_answer_in(c, "folders", list);
}

void infisical_folder_get(struct infisical_call *c)
{
    const struct infisical_place *place = hl_map_find(&c->inf->places, c->names[0]);
    struct hl_value *out = NULL;
    struct hl_value *environment = NULL;

    if (!infisical_is_uuid(c->names[0])) { /* the database's opinion */
        infisical_fail(c, 500, "Find by id", "Something went wrong");
        return;
    }
    if (place == NULL || place->secret != NULL) {
        infisical_fail(c, 404, NULL, "Folder with ID '%s' not found", c->names[0]);
        return;
    }
    if (infisical_project(c, hl_value_get_text(place->project, "id"), false) == NULL)
        return;
    out = describe(c, place->folder);
    environment = hl_value_map(c->arena);
    hl_value_map_put(environment, "envId", hl_value_get(place->folder, "envId"));
    hl_value_map_put(environment, "envName", hl_value_get(infisical_environment(place->project, place->environment), "name"));
    hl_value_map_put_text(environment, "envSlug", place->environment);
    hl_value_map_put(out, "environment", environment);
    hl_value_map_put(out, "path", hl_value_get(place->folder, "path"));
    hl_value_map_put(out, "projectId", hl_value_get(place->project, "id"));
    infisical_answer_in(c, "folder", out);
}

/* The tree anew: what is within `from` goes to `to`, or away when that is NULL. */
static void rebuild(struct infisical *inf, struct hl_value *project, const char *environment, const char *from, const char *to)
{
    const struct hl_value *tree = tree_of(project, environment);
    struct hl_value *out = hl_value_map(inf->arena);

    for (size_t i = 0; i < hl_value_count(tree); i++) {
        const char *path = hl_value_key(tree, i);
        struct hl_value *folder = hl_value_at(tree, i);
        const struct hl_value *secrets = infisical_secrets(folder);

        if (!is_within(path, from)) {
            hl_value_map_put(out, path, folder);
        } else if (to != NULL) {
            const char *moved = hl_arena_printf(inf->arena, "%s%s", to, path + strlen(from));

            hl_value_map_put_text(folder, "path", moved);
            hl_value_map_put(out, moved, folder);
        } else {
            hl_map_put(&inf->places, hl_value_get_text(folder, "id"), NULL);
            for (size_t j = 0; j < hl_value_count(secrets); j++)
                hl_map_put(&inf->places, hl_value_get_text(hl_value_at(secrets, j), "id"), NULL);
        }
    }
    hl_value_map_put(hl_value_get(project, "folders"), environment, out);
}

/* The child of that id or name. */
static struct hl_value *find_child(struct infisical_call *c, const struct hl_value *project, const struct wish *wish, bool name_first)
{
    const struct infisical_place *place = hl_map_find(&c->inf->places, c->names[0]);
    struct hl_value *named = infisical_folder_find(project, wish->environment, infisical_child_path(c->arena, wish->path, c->names[0]));
    const struct hl_value *parent = infisical_folder_find(project, wish->environment, wish->path);
    bool fits = place != NULL && place->secret == NULL && hl_value_equal(hl_value_get(place->folder, "parentId"), hl_value_get(parent, "id"));

    if (name_first && named != NULL)
        return named;
    if (infisical_is_uuid(c->names[0]))
        return fits ? place->folder : NULL;
    return named;
}

void infisical_folder_update(struct infisical_call *c)
{
    struct wish wish;
    struct hl_value *project = NULL;
    struct hl_value *folder = NULL;
    const char *to = NULL;

    take_wish(c, infisical_body(c), false, true, &wish);
    project = infisical_valid(c) ? infisical_project(c, wish.project_id, false) : NULL;
    if (project == NULL || !check_path(c, wish.path))
        return;
    if (infisical_folder_find(project, wish.environment, wish.path) == NULL) {
        infisical_fail(c, 404, "UpdateFolder", "Folder with path '%s' in environment with slug '%s' not found", wish.path, wish.environment);
        return;
    }
    folder = find_child(c, project, &wish, false);
    if (folder == NULL) {
        infisical_fail(c, 404, "UpdateFolder", "Folder with ID '%s' not found", c->names[0]);
        return;
    }
    to = infisical_child_path(c->arena, wish.path, wish.name);
    if (strcmp(to, hl_value_get_text(folder, "path")) != 0) {
        if (infisical_folder_find(project, wish.environment, to) != NULL) {
            infisical_fail(c, 400, "UpdateFolder", "Folder with specified name already exists");
            return;
        }
        rebuild(c->inf, project, wish.environment, hl_value_get_text(folder, "path"), to);
        hl_value_map_put_text(folder, "name", wish.name);
    }
    if (wish.description != NULL)
        hl_value_map_put(folder, "description", hl_value_copy(c->inf->arena, wish.description));
    hl_value_map_put_int(folder, "version", hl_value_get_int(folder, "version", 1) + 1);
    hl_value_map_put_int(folder, "updated", lab_now_ns());
    c->changed = true;
    answer_with_path(c, folder);
}

static bool holds_secrets(const struct hl_value *tree, const char *path)
{
    for (size_t i = 0; i < hl_value_count(tree); i++)
        if (is_within(hl_value_key(tree, i), path) && hl_value_count(infisical_secrets(hl_value_at(tree, i))) > 0)
            return true;
    return false;
}

void infisical_folder_delete(struct infisical_call *c)
{
    struct wish wish;
    const struct hl_value *body = infisical_body(c);
    struct hl_value *project = NULL;
    struct hl_value *folder = NULL;

    take_wish(c, body, false, false, &wish);
    infisical_bool(c, body, "forceDelete", false);
    project = infisical_valid(c) ? infisical_project(c, wish.project_id, false) : NULL;
    if (project == NULL)
        return;
    if (infisical_environment(project, wish.environment) == NULL) {
        infisical_fail(c, 404, NULL, "Environment with slug '%s' not found", wish.environment);
        return;
    }
    if (!check_path(c, wish.path))
        return;
    if (infisical_folder_find(project, wish.environment, wish.path) == NULL) {
        infisical_fail(c, 404, NULL, "Folder with path '%s' in environment with slug '%s' not found", wish.path, wish.environment);
        return;
    }
    folder = find_child(c, project, &wish, true);
    if (folder == NULL) {
        infisical_fail(c, 404, NULL, "Target folder not found");
        return;
    }
    if (c->inf->modes.approval != 0 && holds_secrets(tree_of(project, wish.environment), hl_value_get_text(folder, "path"))) {
        infisical_fail(c, 400, "DeleteFolderProtectedByPolicy",
                       "You cannot delete the selected folder because it contains one or more secrets that are protected by the change policy \"lab\"");
        return;
    }
    rebuild(c->inf, project, wish.environment, hl_value_get_text(folder, "path"), NULL);
    c->changed = true;
    infisical_answer_in(c, "folder", describe(c, folder));
}
