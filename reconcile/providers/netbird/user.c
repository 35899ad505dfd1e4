/* The kind `user`: a service user, which is what programs sign in as. Persons come from the identity provider and are not managed. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/netbird_session.h"
#include "schema/decode.h"

#include <string.h>

/* ---- the table ---- */

static const char *const roles[] = {"admin", "user", "auditor", "network_admin", "billing_admin", NULL};

static struct hl_value *normal_role(struct hl_arena *arena, struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT))
        return value;
    char *text = hl_arena_copy(arena, value->text.data, value->text.length);
    for (char *letter = text; *letter != '\0'; letter++) {
        if (*letter >= 'A' && *letter <= 'Z')
            *letter = (char)(*letter | 0x20);
    }
    struct hl_value *lower = hl_value_text(arena, text);
    lower->at = value->at;
    return lower;
}

static void check_name(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && value->text.length == 0)
        hl_diag_error(check->diags, value->at, "'name' is empty");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "name", .type = HL_F_STRING, .immutable = true, .check = check_name,
     .doc = "what NetBird calls it; the resource's name when not said; another one makes the user anew, and its tokens are gone", .example = "\"K8s operator\""},
    {.name = "role", .type = HL_F_STRING, .allowed = roles, .fallback = "user", .normalise = normal_role,
     .doc = "what it may change: admin all, network_admin all but users, keys and peers; a service user may read everything whatever its role", .example = "admin"},
    {.name = "auto_groups", HL_NETBIRD_GROUP_NAMES,
     .doc = "groups that peers get which it enrols", .example = "[routers]"},
    {.name = "blocked", .type = HL_F_BOOL, .fallback = "false", .doc = "its tokens are refused while it is"},
    HL_NETBIRD_ID,
    {.name = NULL},
};
/* clang-format on */

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_spell(check, body, "auto_groups", "group");
}

/* ---- from NetBird, and to it ---- */

static bool is_service_user(const struct hl_value *object)
{
    return hl_value_get_bool(object, "is_service_user", false);
}

/* A person of the same name is somebody else. */
static bool same_user(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    (void)session;
    (void)arena;
    (void)desired;
    return is_service_user(object);
}

static bool read_user(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                      struct hl_value *values, struct hl_error **err)
{
    struct hl_value *groups = NULL;

    if (!hl_netbird_names(session, HL_NETBIRD_GROUPS, hl_value_get(object, "auto_groups"), hl_value_get(desired, "auto_groups"), arena, &groups, err))
        return false;
    hl_value_map_put_text(values, "name", hl_value_get_text(object, "name"));
    hl_value_map_put_text(values, "role", hl_value_get_text(object, "role"));
    if (hl_value_count(groups) > 0)
        hl_value_map_put(values, "auto_groups", groups);
    hl_value_map_put_bool(values, "blocked", hl_value_get_bool(object, "is_blocked", false));
    return true;
}

/* The body of POST: `is_blocked` is not taken there. */
static bool write_user(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body,
                       struct hl_error **err)
{
    const char *role = hl_value_get_text(desired, "role");
    struct hl_value *groups = NULL;

    (void)object;
    if (!hl_netbird_ids(session, HL_NETBIRD_GROUPS, "group", hl_value_get(desired, "auto_groups"), arena, &groups, err))
        return false;
    hl_value_map_put_bool(body, "is_service_user", true);
    hl_value_map_put_text(body, "name", hl_value_get_text(desired, "name"));
    hl_value_map_put_text(body, "role", role != NULL ? role : "user");
    hl_value_map_put(body, "auto_groups", groups);
    return true;
}

/* ---- in place ---- */

/* What a field is to be; NULL when the spec neither says nor has said it, so that the user's own stays. */
static const struct hl_value *wanted(const struct hl_op *op, const char *name)
{
    const struct hl_value *desired = hl_value_get(op->desired, name);

    if (!hl_value_is_null(desired) || hl_op_changed(op, name) == NULL)
        return hl_value_is_null(desired) ? NULL : desired;
    const struct hl_value *fallback = hl_field_fallback(op->arena, hl_field_find(fields, name, false));
    return fallback != NULL ? fallback : hl_value_list(op->arena);
}

/* PUT takes these three alone, and takes none of them for "as it was". */
static bool put_body(struct hl_op *op, const struct hl_value *object, struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *role = wanted(op, "role");
    const struct hl_value *blocked = wanted(op, "blocked");
    const struct hl_value *groups = wanted(op, "auto_groups");
    struct hl_value *ids = hl_value_get(object, "auto_groups");

    if (groups != NULL && !hl_netbird_ids(op->session, HL_NETBIRD_GROUPS, "group", groups, op->arena, &ids, err))
        return false;
    hl_value_map_put_text(body, "role", hl_value_is(role, HL_TEXT) ? role->text.data : hl_value_get_text(object, "role"));
    hl_value_map_put_bool(body, "is_blocked", hl_value_is(blocked, HL_BOOL) ? blocked->boolean : hl_value_get_bool(object, "is_blocked", false));
    hl_value_map_put(body, "auto_groups", hl_value_is(ids, HL_LIST) ? hl_value_copy(op->arena, ids) : hl_value_list(op->arena));
    return true;
}

static bool put_user(struct hl_op *op, const char *id, struct hl_error **err)
{
    const struct hl_value *object = NULL;
    struct hl_value *body = hl_value_map(op->arena);
    struct hl_value *answer = NULL;

    /* There is no call for one user. */
    hl_netbird_stale(op->session, HL_NETBIRD_USERS);
    if (!hl_netbird_find(op->session, HL_NETBIRD_USERS, id, &object, err))
        return false;
    if (object == NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "it is not there any more");
    if (!put_body(op, object, body, err))
        return false;
    const bool done = hl_netbird_call(op->session, op->arena, "PUT", hl_netbird_path(op->arena, "/api/users", id), body, &answer, err);
    if (!done || hl_is_blank(hl_value_get_text(answer, "id")))
        hl_netbird_stale(op->session, HL_NETBIRD_USERS);
    if (!done)
        return false;
    if (hl_is_blank(hl_value_get_text(answer, "id")))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer is no user");
    hl_netbird_learn(op->session, HL_NETBIRD_USERS, answer);
    struct hl_value *values = hl_value_map(op->arena);
    if (!read_user(op->session, op->arena, answer, op->desired, values, err))
        return false;
    hl_value_map_put_text(values, "id", id);
    op->result = values;
    op->result_id = hl_arena_strdup(op->arena, id);
    return true;
}

static bool user_update(struct hl_op *op, struct hl_error **err)
{
    return put_user(op, op->id, err) || hl_wrap(err, "updating service user '%s'", op->name);
}

/* Should the second call fail, the user is recorded as it is, and the next run blocks it. */
static bool user_create(struct hl_op *op, struct hl_error **err)
{
    if (!hl_netbird_create(op, err))
        return false;
    if (!hl_value_get_bool(op->desired, "blocked", false) || hl_value_get_bool(op->result, "blocked", false))
        return true;
    return put_user(op, op->result_id, err) || hl_wrap(err, "blocking service user '%s'", op->name);
}

static bool user_remove(struct hl_op *op, struct hl_error **err)
{
    if (hl_netbird_remove(op, err))
        return true;
    if ((*err)->code == HL_E_REJECTED)
        hl_error_hint(err, "the user of the token that hlrec itself uses cannot be deleted with it");
    return false;
}

static const struct hl_netbird_form form = {
    .verbs = {.refresh = hl_netbird_refresh,
              .create = user_create,
              .update = user_update,
              .remove = user_remove,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_USERS,
    .what = "service user",
    .collection = "/api/users",
    .read = read_user,
    .write = write_user,
    .same = same_user,
    .offered = is_service_user,
};

const struct hl_kind hl_kind_netbird_user = {
    .name = "user",
    .section = "users",
    .provider = "netbird",
    .doc = "a service user of NetBird, for programs; persons come from the identity provider and are not managed",
    .example = "role: network_admin\nauto_groups: [routers]\n",
    .fields = fields,
    .complete = complete_body,
    .verbs = &form.verbs,
};
