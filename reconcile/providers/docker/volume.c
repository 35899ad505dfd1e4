/* The kind `volume`. Docker knows volumes by their names alone, and changes nothing about one that exists. */
#include "config.h"

#include "reconcile/providers/docker/client.h"
#include "reconcile/providers/docker/container/container.h"
#include "reconcile/providers/docker/kinds.h"
#include "reconcile/providers/docker/mark.h"
#include "reconcile/providers/docker/rows.h"

#include <string.h>

/* --- The table --- */

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *name = hl_value_get(body, "name");

    if (name != NULL && name->sensitive) /* it is the volume's id, which the state and the engine tell everybody */
        hl_diag_error(check->diags, name->at, "a name that comes from a secret can be seen by everybody who may list volumes");
    if (name == NULL && check->name != NULL && strlen(check->name) < 2)
        hl_diag_error(check->diags, body->at, "Docker takes no name of one letter for volume '%s'", check->name);
}

static const struct hl_field fields[] = {
    HL_DOCKER_NAME,
    {.name = "driver", .type = HL_F_STRING, .fallback = "local", .immutable = true, .doc = "volume driver"},
    HL_DOCKER_DRIVER_OPTIONS("{type: nfs, o: \"addr=192.168.1.10,rw\", device: \":/export/media\"}"),
    HL_DOCKER_LABELS,
    HL_DOCKER_EXTERNAL,
    {.name = "mountpoint", .type = HL_F_STRING, .computed = true, .doc = "where the host keeps it"},
    {.name = NULL},
};

static const char *volume_name(const struct hl_value *desired, const char *resource)
{
    const char *name = hl_value_get_text(desired, "name");

    return hl_is_blank(name) ? resource : name;
}

static struct hl_value *live_values(struct hl_arena *arena, const struct hl_value *told)
{
    struct hl_value *live = hl_value_map(arena);

    hl_value_map_put_text(live, "name", hl_value_get_text(told, "Name"));
    hl_value_map_put_text(live, "driver", hl_value_get_text(told, "Driver"));
    if (hl_value_count(hl_value_get(told, "Options")) > 0)
        hl_value_map_put(live, "driver_opts", hl_value_copy(arena, hl_value_get(told, "Options")));
    hl_value_map_put(live, "labels", hl_mark_strip(arena, hl_value_get(told, "Labels")));
    hl_value_map_put_text(live, "mountpoint", hl_value_get_text(told, "Mountpoint"));
    return live;
}

/* --- Reading --- */

static const struct hl_value *find_volume(const struct hl_value *volumes, const struct hl_object *object, const struct hl_run *run)
{
    const struct hl_value *body = object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
    const char *name = volume_name(body, object->name);
    const struct hl_value *by_mark = NULL;
    const struct hl_value *by_name = NULL;

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const struct hl_value *volume = hl_value_item(volumes, i);
        const char *told = hl_value_get_text(volume, "Name");
        if (told == NULL)
            continue;
        if (!hl_is_blank(object->id) && strcmp(told, object->id) == 0)
            return volume;
        if (hl_mark_is_of(hl_value_get(volume, "Labels"), run, object->address))
            by_mark = volume;
        if (strcmp(told, name) == 0)
            by_name = volume;
    }
    return by_mark != NULL ? by_mark : by_name;
}

static bool list_volumes(struct hl_docker *docker, struct hl_arena *arena, struct hl_value **out, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_docker_get(docker, arena, "/volumes", &answer, err))
        return hl_wrap(err, "listing volumes");
    *out = hl_value_get(answer, "Volumes");
    return true;
}

static bool volume_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_docker *docker = hl_docker_of(session);
    struct hl_value *volumes = NULL;

    if (!list_volumes(docker, arena, &volumes, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct hl_object *object = objects[i];
        const struct hl_value *volume = find_volume(volumes, object, docker->run);
        object->live.presence = volume != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT;
        if (volume == NULL)
            continue;
        object->live.id = hl_arena_strdup(object->arena, hl_value_get_text(volume, "Name"));
        object->live.values = live_values(object->arena, volume);
        hl_value_mark_like(object->live.values, object->desired); /* options may hold a password (cifs) */
        hl_value_mark_like(object->live.values, object->recorded != NULL ? object->recorded->desired : NULL);
        hl_mark_judge(object, docker->run, hl_value_get(volume, "Labels"), object->live.id);
    }
    return true;
}

/* --- Doing --- */

static bool set_result(struct hl_op *op, const char *name, struct hl_error **err)
{
    struct hl_value *told = NULL;

    if (!hl_docker_get(hl_docker_of(op->session), op->arena, hl_arena_printf(op->arena, "/volumes/%s", hl_docker_escape(op->arena, name)), &told, err))
        return false;
    op->result = live_values(op->arena, told);
    hl_value_mark_like(op->result, op->desired);
    op->result_id = name;
    return true;
}

static struct hl_value *volume_body(const struct hl_op *op)
{
    const char *driver = hl_value_get_text(op->desired, "driver");
    const struct hl_value *own = hl_value_get(op->desired, "labels");
    struct hl_value *labels = hl_value_map(op->arena);
    struct hl_value *body = hl_value_map(op->arena);

    for (size_t i = 0; i < hl_value_members(own); i++)
        hl_value_map_put_text(labels, hl_value_key(own, i), hl_value_is_null(hl_value_at(own, i)) ? "" : hl_value_to_text(op->arena, hl_value_at(own, i)));
    hl_mark_put(op->arena, labels, op);
    hl_value_map_put_text(body, "Name", volume_name(op->desired, op->name));
    hl_value_map_put_text(body, "Driver", driver != NULL ? driver : "local");
    if (hl_value_count(hl_value_get(op->desired, "driver_opts")) > 0)
        hl_value_map_put(body, "DriverOpts", hl_value_copy(op->arena, hl_value_get(op->desired, "driver_opts")));
    hl_value_map_put(body, "Labels", labels);
    return body;
}

/* The engine answers 201 for a name that exists and ignores what was asked for: so one looks first. */
static bool volume_create(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    const char *name = volume_name(op->desired, op->name);
    struct hl_value *told = NULL;
    const char *owner = NULL;

    if (!hl_docker_find(docker, op->arena, hl_arena_printf(op->arena, "/volumes/%s", hl_docker_escape(op->arena, name)), &told, err))
        return false;
    if (told != NULL) {
        const struct hl_value *labels = hl_value_get(told, "Labels");
        const char *operation = hl_value_get_text(labels, HL_MARK_OPERATION);
        if (operation != NULL && strcmp(operation, op->operation) == 0)
            return set_result(op, name, err); /* an earlier attempt of this action */
        hl_mark_owner(op->arena, labels, op->session->run, &owner);
        op->undone = true;
        hl_fail(err, HL_E_CONFLICT, "a volume '%s' exists already%s%s", name, owner != NULL ? ", of " : "", owner != NULL ? owner : "");
        return hl_error_hint(err, "take it over with `adopt: true`, or set another `name`");
    }
    if (!hl_docker_post(docker, op->arena, "/volumes/create", volume_body(op), 0, NULL, err))
        return hl_wrap(err, "creating volume '%s'", name);
    return set_result(op, name, err);
}

static bool volume_update(struct hl_op *op, struct hl_error **err)
{
    return set_result(op, op->id, err); /* nothing about a volume changes in place */
}

static const char *users_of(struct hl_docker *docker, struct hl_arena *arena, const char *name)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);
    const char *const values[] = {name, NULL};
    struct hl_value *users = NULL;

    if (!hl_container_list(docker, arena, hl_docker_filter(arena, '&', "volume", values), &users, &ignored))
        return NULL;
    for (size_t i = 0; i < hl_value_count(users); i++) {
        const struct hl_value *user = hl_value_item(hl_value_get(hl_value_item(users, i), "Names"), 0);
        if (hl_value_is(user, HL_TEXT))
            hl_text_printf(&names, "%s%s", names.length > 0 ? ", " : "", user->text.data + (user->text.data[0] == '/'));
    }
    return names.length > 0 ? hl_arena_copy(arena, hl_text_get(&names), names.length) : NULL;
}

static bool volume_remove(struct hl_op *op, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);

    if (hl_docker_delete(docker, hl_arena_printf(op->arena, "/volumes/%s", hl_docker_escape(op->arena, op->id)), err))
        return true;
    if ((*err)->code == HL_E_CONFLICT) {
        const char *users = users_of(docker, op->arena, op->id);
        if (users != NULL)
            hl_error_hint(err, "used by: %s", users);
    }
    return hl_wrap(err, "removing volume '%s'", op->id);
}

static bool volume_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(session);
    struct hl_value *volumes = NULL;

    if (!list_volumes(docker, arena, &volumes, err))
        return false;
    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const struct hl_value *volume = hl_value_item(volumes, i);
        const char *name = hl_value_get_text(volume, "Name");
        const struct hl_value *labels = hl_value_get(volume, "Labels");
        if (name == NULL || hl_docker_is_id(name) || hl_value_get(labels, "hlrec.managed") != NULL)
            continue;
        struct hl_value *values = live_values(arena, volume);
        hl_map_remove(values->map, "name"); /* the block's */
        hl_value_list_add(arena, list, hl_mark_describe(arena, docker->run, kind->name, name, name, labels, values));
    }
    return true;
}

static const struct hl_verbs verbs = {
    .refresh = volume_refresh,
    .create = volume_create,
    .update = volume_update,
    .remove = volume_remove,
    .unmanaged = volume_unmanaged,
};

const struct hl_kind hl_kind_volume = {
    .name = "volume",
    .section = "volumes",
    .provider = "docker",
    .doc = "a Docker volume; holds data, so it is deleted only with `protect: false` and --allow-destroy",
    .example = "driver_opts: {type: nfs, o: \"addr=192.168.1.10,rw\", device: \":/export/media\"}\n",
    .fields = fields,
    .holds_data = true,
    .check = check_body,
    .complete = hl_docker_complete_name,
    .claims = hl_docker_claim_name,
    .verbs = &verbs,
};
