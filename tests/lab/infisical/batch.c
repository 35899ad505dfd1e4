/* Many secrets at once: all or none. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include <string.h>

struct item {
    const char *name;
    struct infisical_fields fields;
    struct infisical_place place;
    struct hl_value *secret; /* NULL: not there */
    const char *path;
};

struct batch {
    struct infisical_target target;
    struct item *items;
    size_t count;
    bool creates;
};

static void take_item(struct infisical_call *c, const struct hl_value *value, size_t index, bool creates, struct item *out)
{
    struct infisical_at at = {.list = "secrets", .index = index};
    const struct hl_value *key = NULL;

    if (!hl_value_is(value, HL_MAP)) {
        infisical_issue(c, &at, NULL, "Expected object");
        return;
    }
    key = infisical_member(c, &at, value, "secretKey", HL_TEXT, true, false);
    out->name = key == NULL ? "" : infisical_take_name(c, &at, "secretKey", key->text.data);
    infisical_take_fields(c, &at, value, creates, &out->fields);
    if (out->fields.comment != NULL)
        out->fields.comment = infisical_trim(c->arena, out->fields.comment->text.data, out->fields.comment->text.length);
    out->path = creates ? NULL : infisical_text(c, &at, value, "secretPath", NULL, false);
}

/* The body; false when it was refused, and answered. */
static bool take_batch(struct infisical_call *c, struct batch *out)
{
    const struct hl_value *body = infisical_body(c);
    const struct hl_value *list = infisical_member(c, NULL, body, "secrets", HL_LIST, body != NULL, false);

    infisical_take_target(c, body, &out->target);
    if (list != NULL && hl_value_count(list) == 0)
        infisical_issue(c, NULL, "secrets", "Array must contain at least 1 element(s)");
    out->count = hl_value_count(list);
    out->items = hl_arena_alloc(c->arena, (out->count + 1) * sizeof(*out->items));
    for (size_t i = 0; i < out->count; i++)
        take_item(c, hl_value_item(list, i), i, out->creates, &out->items[i]);
    return infisical_valid(c);
}

static bool check_items(struct infisical_call *c, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!infisical_check_fields(c, batch->items[i].name, &batch->items[i].fields) ||
            !infisical_check_references(c, &batch->items[i].place, batch->items[i].fields.value))
            return false;
    return true;
}

static void put_row(struct infisical_call *c, struct hl_value *list, const struct item *item, int shape)
{
    bool mask = (c->inf->modes.mask != 0 || c->inf->modes.forbid != 0) && shape != INFISICAL_BARE;

    hl_value_list_add(c->arena, list, infisical_secret_describe(c, &item->place, item->secret, shape, mask));
}

static void add_name(struct hl_text *text, const char *separator, const char *name)
{
    hl_text_printf(text, "%s%s", text->length == 0 ? "" : separator, name);
}

/* --- Creating --- */

void infisical_batch_create(struct infisical_call *c)
{
    hl_auto(text) struct hl_text taken = HL_TEXT_INIT(HL_MAX_BODY);
    struct batch batch = {.creates = true};
    struct infisical_place place;
    struct hl_value *list = hl_value_list(c->arena);

    if (!take_batch(c, &batch) || !infisical_find_target(c, &batch.target, "CreateManySecret", &place))
        return;
    for (size_t i = 0; i < batch.count; i++) {
        batch.items[i].place = place;
        if (hl_value_get(infisical_secrets(place.folder), batch.items[i].name) != NULL)
            add_name(&taken, ",", batch.items[i].name);
    }
    if (taken.length > 0) {
        infisical_fail(c, 400, NULL, "Secret already exist%s: %s", infisical_is_new(c) ? "s" : "", hl_text_get(&taken));
        return;
    }
    if (!check_items(c, &batch) || infisical_wants_approval(c, &place))
        return;
    for (size_t i = 0; i < batch.count; i++) {
        batch.items[i].secret = infisical_secret_add(c->inf, &place, batch.items[i].name, &batch.items[i].fields);
        put_row(c, list, &batch.items[i], INFISICAL_BARE);
    }
    c->changed = true;
    infisical_answer_in(c, "secrets", list);
}

/* --- Updating --- */

static bool find_item(struct infisical_call *c, struct hl_value *project, const struct batch *batch, struct item *item)
{
    const char *path = item->path == NULL ? batch->target.path : item->path;

    path = infisical_without_last_slash(c->arena, path);
    item->path = path;
    item->place = (struct infisical_place){.project = project, .environment = batch->target.environment};
    item->place.folder = infisical_folder_find(project, batch->target.environment, path);
    if (item->place.folder == NULL)
        return infisical_fail(c, 404, NULL, "Folder not found");
    item->secret = hl_value_get(infisical_secrets(item->place.folder), item->name);
    return true;
}

/* All that are missing in the path of the first that is. */
static bool check_present(struct infisical_call *c, const struct batch *batch)
{
    hl_auto(text) struct hl_text missing = HL_TEXT_INIT(HL_MAX_BODY);
    const char *path = NULL;

    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];

        if (item->secret != NULL || (path != NULL && strcmp(path, item->path) != 0))
            continue;
        path = item->path;
        add_name(&missing, ", ", item->name);
    }
    return path == NULL || infisical_fail(c, 404, NULL, "Secret does not exist: %s in path %s", hl_text_get(&missing), path);
}

static bool check_renames(struct infisical_call *c, const struct batch *batch)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(HL_MAX_BODY);
    bool taken = false;

    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];

        if (item->fields.new_name == NULL)
            continue;
        add_name(&names, ", ", item->fields.new_name);
        taken = taken || hl_value_get(infisical_secrets(item->place.folder), item->fields.new_name) != NULL;
    }
    return !taken || infisical_fail(c, 400, NULL, "Secret with new name already exists: %s", hl_text_get(&names));
}

/* Of a rotated secret neither name nor value is changed, and nothing is said. */
static void apply(struct infisical_call *c, struct item *item, bool upserts, struct hl_value *list)
{
    if (item->secret == NULL && !upserts)
        return;
    if (item->secret == NULL) {
        item->secret = infisical_secret_add(c->inf, &item->place, item->name, &item->fields);
    } else {
        if (hl_value_get_bool(item->secret, "isRotatedSecret", false)) {
            item->fields.value = NULL;
            item->fields.new_name = NULL;
        }
        infisical_secret_change(c->inf, &item->place, item->secret, &item->fields);
    }
    put_row(c, list, item, INFISICAL_HIDDEN);
}

void infisical_batch_update(struct infisical_call *c)
{
    static const char *const modes[] = {"failOnNotFound", "upsert", "ignore", NULL};
    struct batch batch = {.creates = false};
    const char *mode = infisical_choice(c, NULL, hl_value_is(c->body, HL_MAP) ? c->body : NULL, "mode", modes);
    struct hl_value *list = hl_value_list(c->arena);
    struct hl_value *project = NULL;

    if (!take_batch(c, &batch))
        return;
    project = infisical_find_project(c, &batch.target);
    if (project == NULL)
        return;
    if (infisical_environment(project, batch.target.environment) == NULL) {
        infisical_fail(c, 404, NULL, "Environment with slug '%s' in project with ID '%s' not found", batch.target.environment,
                       hl_value_get_text(project, "id"));
        return;
    }
    for (size_t i = 0; i < batch.count; i++)
        if (!find_item(c, project, &batch, &batch.items[i]))
            return;
    if ((strcmp(mode, "failOnNotFound") == 0 && !check_present(c, &batch)) || !check_renames(c, &batch) || !check_items(c, &batch) ||
        infisical_wants_approval(c, &batch.items[0].place))
        return;
    for (size_t i = 0; i < batch.count; i++)
        apply(c, &batch.items[i], strcmp(mode, "upsert") == 0, list);
    c->changed = true;
    infisical_answer_in(c, "secrets", list);
}

/* --- Deleting --- */

/* When one is missing, the message names the others: the server's own slip. */
void infisical_batch_delete(struct infisical_call *c)
{
    hl_auto(text) struct hl_text present = HL_TEXT_INIT(HL_MAX_BODY);
    struct batch batch = {.creates = false};
    struct infisical_place place;
    struct hl_value *list = hl_value_list(c->arena);
    size_t found = 0;

    if (!take_batch(c, &batch) || !infisical_find_target(c, &batch.target, "DeleteManySecret", &place))
        return;
    for (size_t i = 0; i < batch.count; i++) {
        struct item *item = &batch.items[i];

        item->place = place;
        item->secret = hl_value_get(infisical_secrets(place.folder), item->name);
        if (item->secret != NULL)
            add_name(&present, ", ", item->name);
        found += item->secret != NULL ? 1 : 0;
    }
    if (found < batch.count) {
        infisical_fail(c, 404, NULL, "One or more secrets does not exist: %s", hl_text_get(&present));
        return;
    }
    if (infisical_wants_approval(c, &place))
        return;
    for (size_t i = 0; i < batch.count; i++) {
        put_row(c, list, &batch.items[i], INFISICAL_HIDDEN);
        if (hl_value_get(infisical_secrets(place.folder), batch.items[i].name) != NULL) /* the same one may be named twice */
            infisical_secret_drop(c->inf, &place, batch.items[i].name);
    }
    c->changed = true;
    infisical_answer_in(c, "secrets", list);
}
