/* The verbs of all kinds. A form says how a kind stands in the API. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

/* ---- values ---- */

void hl_netbird_complete(struct hl_check *check, struct hl_value *body)
{
    if (hl_value_get(body, "name") == NULL)
        hl_value_map_put_text(body, "name", check->name);
}

void hl_netbird_put(struct hl_arena *arena, struct hl_value *body, const char *member, const struct hl_value *desired, const char *field,
                    const struct hl_value *object)
{
    const struct hl_value *value = hl_value_get(desired, field);

    if (value == NULL)
        value = hl_value_get(object, member);
    if (!hl_value_is_null(value))
        hl_value_map_put(body, member, hl_value_copy(arena, value));
}

const char *hl_netbird_wanted(const struct hl_netbird_form *form, const struct hl_value *values)
{
    const char *name = form->name_member != NULL ? hl_value_get_text(values, form->name_member) : NULL;

    if (hl_is_blank(name))
        name = hl_value_get_text(values, "name");
    return hl_is_blank(name) ? NULL : name;
}

static bool by_member(struct hl_session *session, const struct hl_netbird_form *form, const char *name, struct hl_arena *arena,
                      const struct hl_value ***objects, size_t *count, struct hl_error **err)
{
    const char *member = form->name_member != NULL ? form->name_member : "name";
    const char *indexed = hl_netbird_list_name(form->list);

    if (name != NULL && indexed != NULL && strcmp(indexed, member) == 0)
        return hl_netbird_named(session, form->list, name, arena, objects, count, err);
    return hl_netbird_all(session, form->list, arena, objects, count, err);
}

bool hl_netbird_candidates(struct hl_session *session, const struct hl_netbird_form *form, const struct hl_value *desired, struct hl_arena *arena,
                           const struct hl_value ***objects, size_t *count, struct hl_error **err)
{
    const char *member = form->name_member != NULL ? form->name_member : "name";
    const char *name = hl_netbird_wanted(form, desired);
    size_t kept = 0;

    *count = 0;
    if (name == NULL && form->same == NULL)
        return true;
    if (!by_member(session, form, name, arena, objects, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        const struct hl_value *object = (*objects)[i];
        const char *told = hl_value_get_text(object, member);
        if (name != NULL && (told == NULL || strcmp(told, name) != 0))
            continue;
        if (form->same == NULL || form->same(session, arena, desired, object))
            (*objects)[kept++] = object;
    }
    *count = kept;
    return true;
}

static void put_known(struct hl_arena *arena, const struct hl_netbird_form *form, const struct hl_netbird_known *known, struct hl_value *values)
{
    const struct hl_value *once = form->once_field != NULL ? hl_value_get(known->once, form->once_field) : NULL;

    for (const char *const *field = form->untold; field != NULL && *field != NULL; field++) {
        const struct hl_value *value = hl_value_get(known->untold, *field);
        if (!hl_value_is_null(value) && value->type != HL_UNKNOWN)
            hl_value_map_put(values, *field, hl_value_copy(arena, value));
    }
    if (hl_value_is(once, HL_TEXT))
        hl_value_map_put(values, form->once_field, hl_value_mark_sensitive(hl_value_copy(arena, once)));
}

bool hl_netbird_values(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, const struct hl_value *object,
                       const struct hl_netbird_known *known, struct hl_value **values, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(kind);

    *values = hl_value_map(arena);
    if (!form->read(session, arena, object, known->desired, *values, err))
        return false;
    if (hl_field_find(kind->fields, "id", false) != NULL)
        hl_value_map_put_text(*values, "id", hl_value_get_text(object, "id"));
    put_known(arena, form, known, *values);
    return true;
}

bool hl_netbird_collection(struct hl_session *session, const struct hl_netbird_form *form, struct hl_arena *arena, const struct hl_value *values,
                           const char **path, struct hl_error **err)
{
    *path = form->collection != NULL ? form->collection : hl_netbird_list_path(form->list);
    return form->path == NULL || form->path(session, arena, values, path, err);
}

/* Where an object is that exists: a network may have been renamed since its part was read. */
static bool collection_now(struct hl_op *op, const char **path, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    const struct hl_value *object = NULL;

    if (form->list == HL_NETBIRD_NETWORK_RESOURCES || form->list == HL_NETBIRD_NETWORK_ROUTERS) {
        if (!hl_netbird_find(op->session, form->list, op->id, &object, err))
            return false;
        const char *network = hl_value_get_text(object, "network_id");
        if (network != NULL) {
            const char *parts = form->list == HL_NETBIRD_NETWORK_RESOURCES ? "resources" : "routers";
            *path = hl_arena_printf(op->arena, "%s/%s", hl_netbird_path(op->arena, hl_netbird_list_path(HL_NETBIRD_NETWORKS), network), parts);
            return true;
        }
    }
    return hl_netbird_collection(op->session, form, op->arena, op->live != NULL ? op->live : op->recorded, path, err);
}

/* ---- doing ---- */

static const char *shown_name(const struct hl_op *op, const struct hl_netbird_form *form)
{
    const char *name = hl_netbird_wanted(form, op->desired != NULL ? op->desired : op->live);

    return name != NULL ? name : op->name;
}

static bool is_lost(const struct hl_error *error)
{
    return error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT || error->code == HL_E_INTERRUPTED;
}

/* The parts of networks do not say whose they are, but the path does: /api/networks/ID/resources. */
static void put_network(struct hl_arena *arena, struct hl_value *object, const char *collection)
{
    static const char networks[] = "/api/networks/";

    if (!hl_starts_with(collection, networks) || hl_value_get(object, "network_id") != NULL)
        return;
    const char *id = collection + strlen(networks);
    const char *end = strchr(id, '/');
    if (end != NULL)
        hl_value_map_put_text(object, "network_id", hl_arena_copy(arena, id, (size_t)(end - id)));
}

/* The result of an action, from what the server answered to it. */
static bool take_answer(struct hl_op *op, const char *collection, struct hl_value *answer, const struct hl_value *once, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    const char *id = hl_value_get_text(answer, "id");
    const struct hl_netbird_known known = {.desired = op->desired, .untold = op->desired, .once = once};

    put_network(op->arena, answer, collection);
    if (form->once_member != NULL)
        hl_map_remove(answer->map, form->once_member); /* what lists show of it is no secret, and what they do not is kept elsewhere */
    hl_netbird_learn(op->session, form->list, answer);
    op->result_id = hl_arena_strdup(op->arena, id);
    return hl_netbird_values(op->session, op->kind, op->arena, answer, &known, &op->result, err);
}

static bool check_answer(const struct hl_value *answer, struct hl_error **err)
{
    if (hl_value_is(answer, HL_MAP) && !hl_is_blank(hl_value_get_text(answer, "id")))
        return true;
    hl_fail(err, HL_E_UNREACHABLE, "the answer is no object with an id");
    return hl_error_hint(err, "what answers is not NetBird's management API: check the provider's `url`");
}

/* What is told only once is safe before anything else is done. *kept is what was kept, or NULL. */
static bool keep_once(struct hl_op *op, const struct hl_value *answer, struct hl_value **kept, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    const struct hl_value *told = form->once_member != NULL ? hl_value_get(answer, form->once_member) : NULL;

    *kept = NULL;
    if (form->once_member == NULL)
        return true;
    if (!hl_value_is(told, HL_TEXT) || told->text.length == 0)
        return hl_fail(err, HL_E_UNREACHABLE, "the server made a %s and does not tell its %s", form->what, form->once_field);
    *kept = hl_value_map(op->arena);
    hl_value_map_put_text(*kept, "id", hl_value_get_text(answer, "id"));
    hl_value_map_put(*kept, form->once_field, hl_value_mark_sensitive(hl_value_copy(op->arena, told)));
    hl_redactor_add_value(op->session->run->redactor, *kept);
    return hl_op_checkpoint(op, *kept, err) || hl_wrap(err, "keeping the %s of %s safe", form->once_field, op->address);
}

static bool post(struct hl_op *op, const char *path, const struct hl_value *body, struct hl_value **answer, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);

    if (hl_netbird_call(op->session, op->arena, "POST", path, body, answer, err) && check_answer(*answer, err))
        return true;
    if (is_lost(*err)) {
        hl_netbird_stale(op->session, form->list);
    } else {
        op->undone = true; /* refused: there is nothing */
        if ((*err)->code == HL_E_CONFLICT && form->same == NULL)
            hl_error_hint(err, "take over the one that is there with `adopt: ID`, or give this one another `name`");
    }
    return hl_wrap(err, "creating %s '%s'", form->what, shown_name(op, form));
}

bool hl_netbird_create(struct hl_op *op, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    struct hl_value *body = hl_value_map(op->arena);
    struct hl_value *answer = NULL;
    struct hl_value *once = NULL;
    const char *path = NULL;

    if (!hl_netbird_collection(op->session, form, op->arena, op->desired, &path, err) || !form->write(op->session, op->arena, op->desired, NULL, body, err)) {
        op->undone = true; /* nothing was sent */
        return hl_wrap(err, "creating %s '%s'", form->what, shown_name(op, form));
    }
    return post(op, path, body, &answer, err) && keep_once(op, answer, &once, err) && take_answer(op, path, answer, once, err);
}

/* A list in which only what the spec names (or did) is managed: what else is there stays. */
static struct hl_value *joined(struct hl_op *op, const struct hl_field *field, const struct hl_value *now)
{
    const struct hl_value *desired = hl_value_get(op->desired, field->name);
    const struct hl_value *recorded = hl_value_get(op->recorded, field->name);
    struct hl_value *list = hl_value_list(op->arena);
    struct hl_map ours;

    hl_map_init(&ours, op->arena);
    for (size_t i = 0; i < hl_value_count(recorded); i++)
        hl_map_put(&ours, hl_value_to_text(op->arena, hl_value_item(recorded, i)), list);
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        hl_map_put(&ours, hl_value_to_text(op->arena, hl_value_item(desired, i)), list);
        hl_value_list_add(op->arena, list, hl_value_copy(op->arena, hl_value_item(desired, i)));
    }
    for (size_t i = 0; i < hl_value_count(now); i++) {
        if (!hl_map_has(&ours, hl_value_to_text(op->arena, hl_value_item(now, i))))
            hl_value_list_add(op->arena, list, hl_value_copy(op->arena, hl_value_item(now, i)));
    }
    return list;
}

/* One field for `write`: NULL when it is not managed. */
static struct hl_value *wanted_value(struct hl_op *op, const struct hl_field *field, const struct hl_value *now)
{
    struct hl_value *desired = hl_value_get(op->desired, field->name);
    const bool is_said = !hl_value_is_null(desired);

    if (hl_op_changed(op, field->name) == NULL) /* as it should be, or named by `ignore` */
        return is_said && !hl_value_is_null(now) ? hl_value_copy(op->arena, now) : desired;
    if (field->by_name && field->type == HL_F_LIST)
        return joined(op, field, now);
    if (is_said)
        return desired;
    struct hl_value *fallback = hl_field_fallback(op->arena, field);
    return fallback != NULL ? fallback : hl_value_null(op->arena);
}

static struct hl_value *wanted_values(struct hl_op *op, const struct hl_value *now)
{
    struct hl_value *wanted = hl_value_map(op->arena);

    for (const struct hl_field *field = op->kind->fields; field->name != NULL; field++) {
        if (!field->computed)
            hl_value_map_put(wanted, field->name, wanted_value(op, field, hl_value_get(now, field->name)));
    }
    return wanted;
}

/* The object as it is now, for what a PUT must send back. */
static bool read_now(struct hl_op *op, const char *path, struct hl_value **object, struct hl_value **values, struct hl_error **err)
{
    const struct hl_netbird_known known = {.desired = op->desired, .untold = op->desired};
    const char *end = strrchr(path, '/');

    if (!hl_netbird_call(op->session, op->arena, "GET", path, NULL, object, err) || !check_answer(*object, err))
        return false;
    put_network(op->arena, *object, hl_arena_copy(op->arena, path, (size_t)(end - path)));
    return hl_netbird_values(op->session, op->kind, op->arena, *object, &known, values, err);
}

bool hl_netbird_update(struct hl_op *op, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    struct hl_value *body = hl_value_map(op->arena);
    struct hl_value *object = NULL;
    struct hl_value *now = NULL;
    struct hl_value *answer = NULL;
    const char *collection = NULL;

    if (!collection_now(op, &collection, err))
        return hl_wrap(err, "updating %s '%s'", form->what, shown_name(op, form));
    const char *path = hl_netbird_path(op->arena, collection, op->id);
    if (!read_now(op, path, &object, &now, err) || !form->write(op->session, op->arena, wanted_values(op, now), object, body, err) ||
        !hl_netbird_call(op->session, op->arena, "PUT", path, body, &answer, err) || !check_answer(answer, err)) {
        if (is_lost(*err))
            hl_netbird_stale(op->session, form->list);
        return hl_wrap(err, "updating %s '%s'", form->what, shown_name(op, form));
    }
    return take_answer(op, collection, answer, op->recorded_live, err);
}

bool hl_netbird_delete(struct hl_session *session, const struct hl_netbird_form *form, struct hl_arena *arena, const char *collection, const char *id,
                       struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_netbird_call(session, arena, "DELETE", hl_netbird_path(arena, collection, id), NULL, &answer, err)) {
        if (is_lost(*err))
            hl_netbird_stale(session, form->list);
        if ((*err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(err);
    }
    hl_netbird_forget(session, form->list, id);
    return true;
}

bool hl_netbird_remove(struct hl_op *op, struct hl_error **err)
{
    const struct hl_netbird_form *form = hl_netbird_form_of(op->kind);
    const char *collection = NULL;

    if (hl_is_blank(op->id))
        return true;
    return (collection_now(op, &collection, err) && hl_netbird_delete(op->session, form, op->arena, collection, op->id, err)) ||
           hl_wrap(err, "removing %s '%s'", form->what, shown_name(op, form));
}
