/* Single secrets: API v4, and v3 raw with other names for the project. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <string.h>

static const char *const types[] = {"shared", "personal", NULL};

static void take_target_of_query(struct infisical_call *c, bool needs_project, struct infisical_target *out)
{
    const struct hl_value *query = c->call->query;

    out->id = infisical_text(c, NULL, query, c->raw ? "workspaceId" : "projectId", NULL, needs_project && !c->raw);
    out->slug = c->raw ? infisical_text(c, NULL, query, "workspaceSlug", NULL, false) : NULL;
    out->environment = infisical_text(c, NULL, query, "environment", NULL, false);
    out->path = infisical_without_last_slash(c->arena, infisical_text(c, NULL, query, "secretPath", "/", false));
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

static struct hl_value *describe(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *secret, const struct list_wish *wish,
                                 bool mask)
{
    struct hl_value *out = infisical_secret_describe(c, place, secret, INFISICAL_HIDDEN | INFISICAL_PATH, mask);

    if (wish->expands && !mask)
        hl_value_map_put(out, "secretValue", infisical_expand(c, place, hl_value_get(secret, "value")));
    return out;
}

static void add_folder(struct infisical_call *c, const struct infisical_place *place, const struct list_wish *wish, struct hl_value *list)
{
    const struct hl_value *secrets = infisical_secrets(place->folder);
    size_t count = hl_value_count(secrets);
    size_t first = count == 0 ? 0 : hl_random_below((uint32_t)count); /* the order is nobody's business */
    bool mask = infisical_is_new(c) && (!wish->values || c->inf->modes.mask != 0);

    for (size_t i = 0; i < count; i++)
        hl_value_list_add(c->arena, list, describe(c, place, hl_value_at(secrets, (first + i) % count), wish, mask));
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

/* The folder into the place; NULL is an empty one of an old server. False when it was refused, and answered. */
static bool find_folder(struct infisical_call *c, const struct infisical_target *target, bool values, struct infisical_place *place)
{
    if (!infisical_is_path(target->path))
        return infisical_fail(c, 400, NULL, "Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.");
    place->folder = infisical_folder_find(place->project, target->environment, target->path);
    if (place->folder == NULL && infisical_is_new(c))
        return infisical_fail(c, 404, "SecretPathNotFound",
                              "Folder with path '%s' in environment '%s' was not found. Please ensure the environment slug and secret path is correct.",
                              target->path, target->environment);
    if (c->inf->modes.forbid != 0 && values && hl_value_count(infisical_secrets(place->folder)) > 0)
        return infisical_fail(c, 403, "PermissionDenied", "You are not allowed to readValue on secrets");
    return true;
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
    if (place.project == NULL || !find_folder(c, &target, wish.values, &place))
        return;
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
    struct list_wish wish = {.values = infisical_query_flag(c, "viewSecretValue", true), .expands = infisical_query_flag(c, "expandSecretReferences", false)};
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
    if (secret == NULL)
        infisical_fail(c, 404, NULL, "Secret with name '%s' not found", name);
    else if (wish.values && cannot_read(c))
        infisical_fail(c, 403, "ForbiddenReadSecretError", "You do not have permission to view secret value on secret with name '%s'", name);
    else
        infisical_answer_in(c, "secret", describe(c, &place, secret, &wish, !wish.values && infisical_is_new(c)));
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
