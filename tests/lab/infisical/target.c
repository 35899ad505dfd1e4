/* What writes say of where and what, and what that means: for single secrets and batches. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <string.h>

/* --- What requests say --- */

const char *infisical_without_last_slash(struct hl_arena *arena, const char *path)
{
    size_t length = strlen(path);

    return length > 1 && path[length - 1] == '/' ? hl_arena_copy(arena, path, length - 1) : path;
}

void infisical_take_target(struct infisical_call *c, const struct hl_value *body, struct infisical_target *out)
{
    *out = (struct infisical_target){.environment = "", .path = "/"};
    if (body == NULL)
        return;
    if (c->raw) {
        out->id = infisical_text(c, NULL, body, "workspaceId", NULL, false);
        out->slug = infisical_text(c, NULL, body, "projectSlug", NULL, false);
    } else {
        out->id = infisical_text(c, NULL, body, "projectId", NULL, true);
    }
    out->environment = infisical_text(c, NULL, body, "environment", "", true);
    out->path = infisical_without_last_slash(c->arena, infisical_text(c, NULL, body, "secretPath", "/", false));
}

const char *infisical_take_name(struct infisical_call *c, const struct infisical_at *at, const char *member, const char *text)
{
    const char *name = infisical_trim(c->arena, text, strlen(text))->text.data;

    if (*name == '\0')
        infisical_issue(c, at, member, "String must contain at least 1 character(s)");
    else if (strpbrk(name, ":/") != NULL)
        infisical_issue(c, at, member, "Secret name cannot contain colon or forward slash.");
    else if (!infisical_is_new(c) && strchr(name, ' ') != NULL)
        infisical_issue(c, at, member, "Secret name cannot contain spaces.");
    return name;
}

static const struct hl_value *take_metadata(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map)
{
    const struct hl_value *metadata = infisical_member(c, at, map, "secretMetadata", HL_LIST, false, false);
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(metadata); i++) {
        const struct hl_value *item = hl_value_item(metadata, i);
        const char *key = hl_value_get_text(item, "key"), *value = hl_value_get_text(item, "value");
        struct hl_value *row = hl_value_map(c->arena);

        if (key == NULL)
            infisical_issue(c, at, "secretMetadata", "Required");
        hl_value_map_put_text(row, "key", key == NULL ? "" : key);
        hl_value_map_put_text(row, "value", value == NULL ? "" : value);
        hl_value_map_put_bool(row, "isEncrypted", hl_value_get_bool(item, "isEncrypted", false));
        hl_value_list_add(c->arena, out, row);
    }
    return metadata == NULL ? NULL : out;
}

void infisical_take_fields(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, bool required, struct infisical_fields *out)
{
    const struct hl_value *name = NULL;

    *out = (struct infisical_fields){.value = NULL};
    if (map == NULL)
        return;
    out->value = infisical_member(c, at, map, "secretValue", HL_TEXT, required, false);
    out->comment = infisical_member(c, at, map, "secretComment", HL_TEXT, false, false);
    out->skip = infisical_member(c, at, map, "skipMultilineEncoding", HL_BOOL, false, true);
    out->metadata = take_metadata(c, at, map);
    if (out->value != NULL)
        out->value = infisical_normalise(c->arena, out->value);
    if (required) /* created, and so nothing to rename */
        return;
    name = infisical_member(c, at, map, "newSecretName", HL_TEXT, false, false);
    if (name != NULL)
        out->new_name = infisical_take_name(c, at, "newSecretName", name->text.data);
}

/* --- What they mean --- */

struct hl_value *infisical_find_project(struct infisical_call *c, const struct infisical_target *target)
{
    if (!hl_is_blank(target->id))
        return infisical_project(c, target->id, true);
    if (!hl_is_blank(target->slug))
        return infisical_project_slug(c, target->slug);
    infisical_fail(c, 400, NULL, "You must provide projectSlug or workspaceId");
    return NULL;
}

bool infisical_find_target(struct infisical_call *c, const struct infisical_target *target, const char *thrower, struct infisical_place *out)
{
    struct hl_value *project = infisical_find_project(c, target);

    *out = (struct infisical_place){.project = project, .environment = target->environment};
    if (project == NULL)
        return false;
    if (!infisical_is_path(target->path))
        return infisical_fail(c, 400, NULL, "Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.");
    out->folder = infisical_folder_find(project, target->environment, target->path);
    if (out->folder != NULL)
        return true;
    return infisical_fail(c, 404, thrower, "Folder with path '%s' in environment with slug '%s' not found", target->path, target->environment);
}

bool infisical_check_fields(struct infisical_call *c, const char *name, const struct infisical_fields *fields)
{
    if (c->inf->modes.capitals != 0 && !infisical_is_upper(fields->new_name == NULL ? name : fields->new_name))
        return infisical_fail(c, 400, NULL, "Secret name must be in UPPERCASE per project requirements. You can disable this requirement in project settings.");
    for (size_t i = 0; c->inf->modes.encrypted_metadata != 0 && i < hl_value_count(fields->metadata); i++)
        if (!hl_value_get_bool(hl_value_item(fields->metadata, i), "isEncrypted", false))
            return infisical_fail(c, 400, NULL, "Encrypted secret metadata is enforced for this project. Cannot create unencrypted secret metadata.");
    return true;
}

bool infisical_wants_approval(struct infisical_call *c, const struct infisical_place *place)
{
    static const char *const ids[] = {"id", "policyId", "committerUserId"};
    struct hl_value *approval = hl_value_map(c->arena);
    const char *now = infisical_time(c->arena, lab_now_ns());
    char id[HL_UUID_TEXT];

    if (c->inf->modes.approval == 0)
        return false;
    for (size_t i = 0; i < HL_COUNT(ids); i++) {
        hl_uuid(id);
        hl_value_map_put_text(approval, ids[i], id);
    }
    id[8] = '\0';
    hl_value_map_put_text(approval, "slug", id);
    hl_value_map_put_text(approval, "status", "open");
    hl_value_map_put_bool(approval, "hasMerged", false);
    hl_value_map_put(approval, "folderId", hl_value_get(place->folder, "id"));
    hl_value_map_put_text(approval, "createdAt", now);
    hl_value_map_put_text(approval, "updatedAt", now);
    infisical_answer_in(c, "approval", approval);
    return true;
}
