/* Single secrets: API v4, and v3 raw with other names for the project. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <string.h>

static const char *const types[] = {"shared", "personal", NULL};

/* --- What requests say --- */

static const char *without_last_slash(struct hl_arena *arena, const char *path)
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
    out->path = without_last_slash(c->arena, infisical_text(c, NULL, body, "secretPath", "/", false));
}

static void take_target_of_query(struct infisical_call *c, bool needs_project, struct infisical_target *out)
{
    const struct hl_value *query = c->call->query;

    out->id = infisical_text(c, NULL, query, c->raw ? "workspaceId" : "projectId", NULL, needs_project && !c->raw);
    out->slug = c->raw ? infisical_text(c, NULL, query, "workspaceSlug", NULL, false) : NULL;
    out->environment = infisical_text(c, NULL, query, "environment", NULL, false);
    out->path = without_last_slash(c->arena, infisical_text(c, NULL, query, "secretPath", "/", false));
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

static bool check_tags(struct infisical_call *c, const struct hl_value *body)
{
    return hl_value_count(hl_value_get(body, "tagIds")) == 0 || infisical_fail(c, 404, NULL, "Tag not found. Found ");
}

static bool cannot_read(const struct infisical_call *c)
{
    return c->inf->modes.mask != 0 || c->inf->modes.forbid != 0;
}

/* --- Lists --- */

struct list_wish {
    bool values, expands;
};

static void add_folder(struct infisical_call *c, const struct infisical_place *place, const struct list_wish *wish, struct hl_value *list)
{
    const struct hl_value *secrets = infisical_secrets(place->folder);
    size_t count = hl_value_count(secrets);
    size_t first = count == 0 ? 0 : hl_random_below((uint32_t)count); /* the order is nobody's business */
    bool mask = infisical_is_new(c) && (!wish->values || c->inf->modes.mask != 0);

    for (size_t i = 0; i < count; i++) {
        const struct hl_value *secret = hl_value_at(secrets, (first + i) % count);
        struct hl_value *row = infisical_secret_describe(c, place, secret, INFISICAL_HIDDEN | INFISICAL_PATH, mask);

        if (wish->expands && !mask)
            hl_value_map_put(row, "secretValue", infisical_expand(c, place, hl_value_get(secret, "value")));
        hl_value_list_add(c->arena, list, row);
    }
}

static void add_below(struct infisical_call *c, const struct infisical_place *place, const char *path, const struct list_wish *wish, struct hl_value *list)
{
    const struct hl_value *tree = hl_value_get(hl_value_get(place->project, "folders"), place->environment);
    size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);

    for (size_t i = 0; i < hl_value_count(tree); i++) {
        const char *below = hl_value_key(tree, i);
        struct infisical_place there = *place;

        if (strncmp(below, path, length) != 0 || (below[length] != '/' && below[length] != '\0'))
            continue;
        there.folder = hl_value_at(tree, i);
        add_folder(c, &there, wish, list);
    }
}

static void answer_list(struct infisical_call *c, struct hl_value *list)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put(out, "secrets", list);
    hl_value_map_put(out, "imports", hl_value_list(c->arena));
    infisical_answer(c, 200, out);
}

void infisical_secrets_list(struct infisical_call *c)
{
    struct infisical_target target;
    struct infisical_place place = {.project = NULL};
    struct hl_value *list = hl_value_list(c->arena);
    struct list_wish wish = {.values = infisical_query_flag(c, "viewSecretValue", true), .expands = infisical_query_flag(c, "expandSecretReferences", false)};
    bool recursive = infisical_query_flag(c, "recursive", false);

    infisical_query_flag(c, "include_imports", false);
    take_target_of_query(c, false, &target);
    if (!infisical_valid(c))
        return;
    if (target.environment == NULL || (!c->raw && hl_is_blank(target.id))) {
        infisical_fail(c, 400, NULL, "Missing project id or environment");
        return;
    }
    place = (struct infisical_place){.project = infisical_find_project(c, &target), .environment = target.environment};
    if (place.project == NULL)
        return;
    if (!infisical_is_path(target.path)) {
        infisical_fail(c, 400, NULL, "Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.");
        return;
    }
    place.folder = infisical_folder_find(place.project, target.environment, target.path);
    if (place.folder == NULL && infisical_is_new(c)) {
        infisical_fail(c, 404, "SecretPathNotFound",
                       "Folder with path '%s' in environment '%s' was not found. Please ensure the environment slug and secret path is correct.", target.path,
                       target.environment);
        return;
    }
    if (place.folder != NULL && c->inf->modes.forbid != 0 && wish.values && hl_value_count(infisical_secrets(place.folder)) > 0) {
        infisical_fail(c, 403, "PermissionDenied", "You are not allowed to readValue on secrets");
        return;
    }
    if (place.folder != NULL && recursive)
        add_below(c, &place, target.path, &wish, list);
    else if (place.folder != NULL)
        add_folder(c, &place, &wish, list);
    answer_list(c, list);
}

/* --- One --- */

/* The version that was asked for, as a secret; NULL when there is none. */
static const struct hl_value *find_version(struct infisical_call *c, const struct hl_value *secret, const char *version)
{
    static const char *const same[] = {"value", "comment", "updated", "version"};
    const struct hl_value *row = hl_value_get(hl_value_get(secret, "history"), version);
    struct hl_value *out = NULL;

    if (row == NULL)
        return NULL;
    out = hl_value_copy(c->arena, secret);
    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(row, same[i]));
    return out;
}

void infisical_secret_get(struct infisical_call *c)
{
    struct infisical_target target;
    struct infisical_place place;
    const char *name = infisical_trim(c->arena, c->names[0], strlen(c->names[0]))->text.data;
    const char *version = hl_value_get_text(c->call->query, "version");
    bool values = infisical_query_flag(c, "viewSecretValue", true), expands = infisical_query_flag(c, "expandSecretReferences", false);
    int64_t number = 0;

    infisical_query_flag(c, "include_imports", false);
    infisical_choice(c, NULL, c->call->query, "type", types);
    take_target_of_query(c, true, &target);
    if (version != NULL && !hl_parse_int(version, INT64_MIN, INT64_MAX, &number))
        infisical_issue(c, NULL, "version", "Expected number, received nan");
    if (!infisical_valid(c))
        return;
    if (hl_is_blank(target.environment)) {
        infisical_fail(c, 400, NULL, "Missing environment");
        return;
    }
    if (!infisical_find_target(c, &target, "GetSecretByName", &place))
        return;

    const struct hl_value *secret = hl_value_get(infisical_secrets(place.folder), name);

    if (secret != NULL && version != NULL)
        secret = find_version(c, secret, version);
    if (secret == NULL) {
        infisical_fail(c, 404, NULL, "Secret with name '%s' not found", name);
        return;
    }
    if (values && cannot_read(c)) {
        infisical_fail(c, 403, "ForbiddenReadSecretError", "You do not have permission to view secret value on secret with name '%s'", name);
        return;
    }

    struct hl_value *out = infisical_secret_describe(c, &place, secret, INFISICAL_HIDDEN | INFISICAL_PATH, !values && infisical_is_new(c));

    if (expands && values)
        hl_value_map_put(out, "secretValue", infisical_expand(c, &place, hl_value_get(secret, "value")));
    infisical_answer_in(c, "secret", out);
}

void infisical_secret_by_id(struct infisical_call *c)
{
    const struct infisical_place *place = hl_map_find(&c->inf->places, c->names[0]);

    if (!infisical_is_uuid(c->names[0])) {
        infisical_fail(c, 500, "DatabaseError", "Something went wrong");
    } else if (place == NULL || place->secret == NULL) {
        infisical_fail(c, 404, "GetSecretById", "Secret with ID '%s' not found", c->names[0]);
    } else if (infisical_project(c, hl_value_get_text(place->project, "id"), false) == NULL) {
        return;
    } else if (cannot_read(c)) {
        infisical_fail(c, 403, "PermissionDenied", "You are not allowed to readValue on secrets");
    } else {
        infisical_answer_in(c, "secret", infisical_secret_describe(c, place, place->secret, INFISICAL_PATH, false));
    }
}

void infisical_secret_create(struct infisical_call *c)
{
    const struct hl_value *body = NULL;
    struct infisical_target target;
    struct infisical_place place;
    struct infisical_fields fields;
    const char *name = infisical_take_name(c, NULL, "secretName", c->names[0]);
    const char *type = NULL;

    if (!infisical_valid(c)) /* the path is looked at first */
        return;
    body = infisical_body(c);
    infisical_take_target(c, body, &target);
    infisical_take_fields(c, NULL, body, true, &fields);
    type = infisical_choice(c, NULL, body, "type", types);
    if (!infisical_valid(c) || !infisical_find_target(c, &target, "CreateSecret", &place) || !infisical_check_fields(c, name, &fields) || !check_tags(c, body))
        return;
    if (fields.comment != NULL)
        fields.comment = infisical_trim(c->arena, fields.comment->text.data, fields.comment->text.length);
    if (strcmp(type, "personal") == 0) {
        infisical_fail(c, 400, NULL, "Must be user to create personal secret");
        return;
    }
    if (hl_value_get(infisical_secrets(place.folder), name) != NULL) {
        infisical_fail(c, 400, NULL, infisical_is_new(c) ? "Secret already exists" : "Secret already exist");
        return;
    }
    if (!infisical_check_references(c, &place, fields.value) || infisical_wants_approval(c, &place))
        return;
    c->changed = true;
    infisical_answer_in(c, "secret", infisical_secret_describe(c, &place, infisical_secret_add(c->inf, &place, name, &fields), INFISICAL_BARE, false));
}

static bool check_rotated(struct infisical_call *c, const struct hl_value *secret, const struct infisical_fields *fields)
{
    if (!hl_value_get_bool(secret, "isRotatedSecret", false))
        return true;
    if (!infisical_is_new(c) && (fields->value != NULL || fields->new_name != NULL))
        return infisical_fail(c, 400, NULL, "Cannot update rotated secret name or value");
    return fields->new_name == NULL || infisical_fail(c, 400, NULL, "Cannot update rotated secret name");
}

/* The answer echoes what was sent: no value sent, no value told. */
static void answer_update(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *secret, const struct infisical_fields *fields)
{
    struct hl_value *out = infisical_secret_describe(c, place, secret, INFISICAL_HIDDEN, cannot_read(c));

    if (fields->value == NULL && !cannot_read(c))
        hl_value_map_put_text(out, "secretValue", "");
    if (fields->comment == NULL)
        hl_value_map_put_text(out, "secretComment", "");
    infisical_answer_in(c, "secret", out);
}

void infisical_secret_update(struct infisical_call *c)
{
    const struct hl_value *body = infisical_body(c);
    const char *name = infisical_trim(c->arena, c->names[0], strlen(c->names[0]))->text.data;
    struct infisical_target target;
    struct infisical_place place;
    struct infisical_fields fields;
    struct hl_value *secret = NULL;
    const char *type = NULL;

    infisical_take_target(c, body, &target);
    infisical_take_fields(c, NULL, body, false, &fields);
    type = infisical_choice(c, NULL, body, "type", types);
    if (!infisical_valid(c) || !infisical_find_target(c, &target, "UpdateSecret", &place) || !infisical_check_fields(c, name, &fields) || !check_tags(c, body))
        return;
    if (strcmp(type, "personal") == 0) {
        infisical_fail(c, 400, NULL, "Must be user to create personal secret");
        return;
    }
    secret = hl_value_get(infisical_secrets(place.folder), name);
    if (secret == NULL) {
        infisical_fail(c, 404, NULL, "Secret with name %s not found", name);
        return;
    }
    if (!check_rotated(c, secret, &fields))
        return;
    if (fields.new_name != NULL && strcmp(fields.new_name, name) != 0 && hl_value_get(infisical_secrets(place.folder), fields.new_name) != NULL) {
        infisical_fail(c, 400, NULL, "Secret with the new name already exists");
        return;
    }
    if (!infisical_check_references(c, &place, fields.value) || infisical_wants_approval(c, &place))
        return;
    infisical_secret_change(c->inf, &place, secret, &fields);
    c->changed = true;
    answer_update(c, &place, secret, &fields);
}

void infisical_secret_delete(struct infisical_call *c)
{
    const struct hl_value *body = infisical_body(c);
    const char *type = infisical_choice(c, NULL, body, "type", types);
    struct infisical_target target;
    struct infisical_place place;
    const struct hl_value *secret = NULL;

    infisical_take_target(c, body, &target);
    if (!infisical_valid(c) || !infisical_find_target(c, &target, "DeleteSecret", &place))
        return;
    secret = hl_value_get(infisical_secrets(place.folder), c->names[0]);
    if (strcmp(type, "personal") == 0) {
        infisical_fail(c, 400, NULL, "Must be user to delete personal secret");
    } else if (secret == NULL) {
        infisical_fail(c, 404, NULL, "Secret not found");
    } else if (hl_value_get_bool(secret, "isRotatedSecret", false)) {
        infisical_fail(c, 400, NULL, "Cannot delete rotated secrets");
    } else if (!infisical_wants_approval(c, &place)) {
        infisical_answer_in(c, "secret", infisical_secret_describe(c, &place, secret, INFISICAL_HIDDEN, cannot_read(c)));
        infisical_secret_drop(c->inf, &place, c->names[0]);
        c->changed = true;
    }
}
