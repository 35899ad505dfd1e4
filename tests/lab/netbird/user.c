/* Persons of the embedded identity provider, and service users. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <string.h>
#include <strings.h>

static const struct netbird_field create_fields[] = {
    {"is_service_user", NETBIRD_BOOL, NULL}, {"role", NETBIRD_TEXT, NULL},         {"name", NETBIRD_TEXT, NULL},
    {"email", NETBIRD_TEXT, NULL},           {"auto_groups", NETBIRD_TEXTS, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field update_fields[] = {
    {"role", NETBIRD_TEXT, NULL},
    {"auto_groups", NETBIRD_TEXTS, NULL},
    {"is_blocked", NETBIRD_BOOL, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field password_fields[] = {
    {"old_password", NETBIRD_TEXT, NULL},
    {"new_password", NETBIRD_TEXT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* --- Persons --- */

struct hl_value *netbird_find_person(const struct netbird *netbird, const char *email)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_USER].count; i++) {
        struct hl_value *user = netbird_at(netbird, NETBIRD_USER, i);

        if (!hl_value_get_bool(user, "service", false) && strcasecmp(netbird_text(user, "email"), email) == 0)
            return user;
    }
    return NULL;
}

static const char *password_hash(struct hl_arena *arena, const char *user, const char *password)
{
    char hash[HL_HASH_HEX];
    const char *text = hl_arena_printf(arena, "%s:%s", user, password);

    hl_hash(NULL, text, strlen(text), hash);
    return hl_arena_strdup(arena, hash);
}

bool netbird_has_password(struct hl_arena *arena, const struct hl_value *user, const char *password)
{
    return strcmp(password_hash(arena, netbird_text(user, "id"), password), netbird_text(user, "password")) == 0;
}

/* The id of the provider: a small protobuf of a UUID and "local", in base64 without padding. */
static const char *person_id(struct hl_arena *arena)
{
    char uuid[HL_UUID_TEXT];
    const char *bytes = NULL;

    hl_uuid(uuid);
    bytes = hl_arena_printf(arena, "\x0a%c%s\x12\x05local", (int)strlen(uuid), uuid);

    char *id = hl_base64_encode(arena, HL_BASE64, bytes, strlen(bytes));

    id[strcspn(id, "=")] = '\0';
    return id;
}

static struct hl_value *new_user(struct netbird *netbird, struct hl_arena *arena, const char *id, const char *name, const char *role)
{
    struct hl_value *user = hl_value_map(arena);

    hl_value_map_put_text(user, "id", id);
    hl_value_map_put_text(user, "name", name);
    hl_value_map_put_text(user, "role", role);
    hl_value_map_put_text(user, "issued", "api");
    hl_value_map_put_int(user, "last_login", 0);
    hl_value_map_put_int(user, "created_at", netbird_now(netbird));
    hl_value_map_put_bool(user, "blocked", false);
    return user;
}

struct hl_value *netbird_make_person(struct netbird *netbird, struct hl_arena *arena, const char *email, const char *name, const char *role,
                                     const char *password)
{
    const char *id = person_id(arena);
    struct hl_value *user = new_user(netbird, arena, id, name, role);

    hl_value_map_put_text(user, "email", email);
    hl_value_map_put_text(user, "password", password_hash(arena, id, password));
    hl_value_map_put_bool(user, "service", false);
    hl_value_map_put(user, "auto_groups", hl_value_list(arena));
    return netbird_put(netbird, NETBIRD_USER, user);
}

/* --- Answers --- */

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *user)
{
    struct hl_value *out = hl_value_map(c->arena);
    bool blocked = hl_value_get_bool(user, "blocked", false), service = hl_value_get_bool(user, "service", false);

    hl_value_map_put_text(out, "id", netbird_text(user, "id"));
    hl_value_map_put_text(out, "name", netbird_text(user, "name"));
    hl_value_map_put_text(out, "email", netbird_text(user, "email"));
    hl_value_map_put_text(out, "role", netbird_text(user, "role"));
    hl_value_map_put(out, "auto_groups", hl_value_get(user, "auto_groups"));
    hl_value_map_put_text(out, "status", blocked ? "blocked" : "active");
    hl_value_map_put_bool(out, "is_current", strcmp(netbird_text(user, "id"), netbird_text(c->user, "id")) == 0);
    hl_value_map_put_bool(out, "is_service_user", service);
    hl_value_map_put_bool(out, "is_blocked", blocked);
    hl_value_map_put(out, "last_login", netbird_time(c->arena, netbird_stored_ns(hl_value_get_int(user, "last_login", 0)), 0));
    hl_value_map_put_text(out, "issued", netbird_text(user, "issued"));
    hl_value_map_put_bool(out, "pending_approval", false);
    if (!service)
        hl_value_map_put_text(out, "idp_id", "local");
    return out;
}

/* As Go's ParseBool. */
static bool parse_flag(const char *text, bool *flag)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"};

    for (size_t i = 0; i < HL_COUNT(words); i++) {
        if (strcmp(words[i], text) == 0) {
            *flag = i < 6;
            return true;
        }
    }
    return false;
}

/* Who may not see users sees itself. */
void netbird_users_list(struct netbird_call *c)
{
    const char *wish = lab_query(c->call, "service_user");
    struct hl_value *out = hl_value_list(c->arena);
    bool may = false, service = false;

    if (!netbird_ask(c, NETBIRD_M_USERS, NETBIRD_READ, &may))
        return;
    if (*wish != '\0' && !parse_flag(wish, &service)) {
        netbird_fail(c, 422, "invalid service_user query parameter");
        return;
    }
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_USER].count; i++) {
        const struct hl_value *user = netbird_at(c->netbird, NETBIRD_USER, i);

        if ((may || user == c->user) && (*wish == '\0' || hl_value_get_bool(user, "service", false) == service))
            hl_value_list_add(c->arena, out, describe(c, user));
    }
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

/* Not for service users: they are told 403, although their token is fine. */
void netbird_user_current(struct netbird_call *c)
{
    struct hl_value *out = describe(c, c->user);
    struct hl_value *permissions = hl_value_map(c->arena);
    const char *role = netbird_text(c->user, "role");

    if (hl_value_get_bool(c->user, "blocked", false)) {
        netbird_fail(c, 403, "user is blocked");
        return;
    }
    if (hl_value_get_bool(c->user, "service", false)) {
        netbird_fail(c, 403, "permission denied");
        return;
    }
    hl_value_map_put_bool(permissions, "is_restricted", strcmp(role, "user") == 0 || strcmp(role, "billing_admin") == 0);
    hl_value_map_put(permissions, "modules", netbird_describe_permissions(c, role));
    hl_value_map_put(out, "permissions", permissions);
    netbird_ok(c, out);
}

/* --- Create --- */

static void create_service_user(struct netbird_call *c, const struct hl_value *body, const char *role)
{
    char uuid[HL_UUID_TEXT];
    struct hl_value *user = NULL;

    if (!netbird_allow(c, NETBIRD_M_USERS, NETBIRD_CREATE))
        return;
    if (strcmp(role, "owner") == 0) {
        netbird_fail(c, 422, "can't create a service user with owner role");
        return;
    }
    hl_uuid(uuid);
    user = new_user(c->netbird, c->arena, uuid, netbird_text(body, "name"), role);
    hl_value_map_put_text(user, "email", "");
    hl_value_map_put_bool(user, "service", true);
    hl_value_map_put(user, "auto_groups", netbird_texts(c, body, "auto_groups")); /* not looked up */
    netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_USER, user)));
}

static bool check_person(struct netbird_call *c, const struct hl_value *body, const char *role)
{
    if (*netbird_text(body, "name") == '\0')
        return netbird_fail(c, 422, "name can't be empty");
    if (*netbird_text(body, "email") == '\0')
        return netbird_fail(c, 422, "email can't be empty");
    if (strcmp(role, "owner") == 0)
        return netbird_fail(c, 422, "can't invite a user with owner role");
    if (!netbird_allow(c, NETBIRD_M_USERS, NETBIRD_CREATE))
        return false;
    if (netbird_find_person(c->netbird, netbird_text(body, "email")) != NULL)
        return netbird_fail(c, 409, "can't invite a user with an existing NetBird account");
    return true;
}

static void create_person(struct netbird_call *c, const struct hl_value *body, const char *role)
{
    const char *password = netbird_new_password(c->arena);
    struct hl_value *user = NULL, *out = NULL;

    if (!check_person(c, body, role))
        return;
    user = netbird_make_person(c->netbird, c->arena, netbird_text(body, "email"), netbird_text(body, "name"), role, password);
    hl_value_map_put(user, "auto_groups", hl_value_copy(c->netbird->arena, netbird_texts(c, body, "auto_groups")));
    out = describe(c, user);
    hl_map_remove(out->map, "idp_id"); /* only later answers have it */
    hl_value_map_put_text(out, "password", password);
    netbird_ok(c, out);
}

void netbird_user_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body_or_drop(c, create_fields);
    const char *role = netbird_role(netbird_text(body, "role"));

    if (body == NULL)
        return;
    if (role == NULL)
        netbird_fail(c, 422, "unknown user role %s", netbird_text(body, "role"));
    else if (hl_value_get_bool(body, "is_service_user", false))
        create_service_user(c, body, role);
    else
        create_person(c, body, role);
}

/* --- Update --- */

static struct hl_value *find(struct netbird_call *c)
{
    struct hl_value *user = netbird_find(c->netbird, NETBIRD_USER, c->parts[0]);

    if (user == NULL)
        netbird_fail(c, 404, "user: %s not found", c->parts[0]);
    return user;
}

static const char *refusal(struct netbird_call *c, const struct hl_value *user, const char *role, bool blocked)
{
    const char *old = netbird_text(user, "role");
    bool by_owner = strcmp(netbird_text(c->user, "role"), "owner") == 0;
    bool was_owner = strcmp(old, "owner") == 0, is_owner = strcmp(role, "owner") == 0;

    if (!netbird_is_admin(c->user))
        return "only admins and owners can update users";
    if (user == c->user && hl_value_get_bool(user, "blocked", false) != blocked)
        return "admins can't block or unblock themselves";
    if (user == c->user && strcmp(old, role) != 0)
        return "admins can't change their role";
    if (!by_owner && was_owner && !is_owner)
        return "only owners can remove owner role from their user";
    if (was_owner && blocked)
        return "unable to block owner user";
    if (!by_owner && is_owner && !was_owner)
        return "only owners can add owner role to other users";
    return hl_value_get_bool(user, "service", false) && is_owner ? "can't update a service user with owner role" : NULL;
}

static bool check_update(struct netbird_call *c, const struct hl_value *user, const char *role, const struct hl_value *body)
{
    const struct hl_value *groups = hl_value_get(body, "auto_groups");
    const char *why = refusal(c, user, role, hl_value_get_bool(body, "is_blocked", false));
    const char *id = c->parts[0];

    if (why != NULL)
        return netbird_fail(c, 403, "failed to process update for user %s: %s", id, why);
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const char *group = hl_value_item(groups, i)->text.data;
        const struct hl_value *found = netbird_find(c->netbird, NETBIRD_GROUP, group);

        if (found == NULL)
            return netbird_fail(c, 422, "failed to process update for user %s: provided group ID %s in the user %s update doesn't exist", id, group, id);
        if (strcmp(netbird_text(found, "name"), "All") == 0)
            return netbird_fail(c, 422, "failed to process update for user %s: can't add All group to the user", id);
    }
    return true;
}

/* Only role, groups and whether blocked; there can be one owner. */
void netbird_user_update(struct netbird_call *c)
{
    struct hl_value *user = find(c);
    const struct hl_value *body = user == NULL ? NULL : netbird_body_or_drop(c, update_fields);
    const char *role = netbird_role(netbird_text(body, "role"));

    if (body == NULL)
        return;
    if (hl_value_get(body, "auto_groups") == NULL) {
        netbird_fail_verbatim(c, 400, "auto_groups field can't be absent");
        return;
    }
    if (role == NULL) {
        netbird_fail(c, 422, "invalid user role");
        return;
    }
    if (!netbird_allow(c, NETBIRD_M_USERS, NETBIRD_CREATE) || !check_update(c, user, role, body))
        return;
    if (strcmp(role, "owner") == 0 && user != c->user)
        hl_value_map_put_text(netbird_find(c->netbird, NETBIRD_USER, netbird_text(c->user, "id")), "role", "admin");
    hl_value_map_put_text(user, "role", role);
    hl_value_map_put_bool(user, "blocked", hl_value_get_bool(body, "is_blocked", false));
    hl_value_map_put(user, "auto_groups", hl_value_copy(c->netbird->arena, hl_value_get(body, "auto_groups")));
    netbird_ok(c, describe(c, user));
}

void netbird_user_password(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, password_fields);
    const char *old = netbird_text(body, "old_password"), *new = netbird_text(body, "new_password");
    struct hl_value *user = netbird_find(c->netbird, NETBIRD_USER, netbird_text(c->user, "id"));

    if (body == NULL)
        return;
    if (*old == '\0' || *new == '\0')
        netbird_fail(c, 422, "%s password is required", *old == '\0' ? "old" : "new");
    else if (strcmp(c->parts[0], netbird_text(user, "id")) != 0)
        netbird_fail(c, 422, "failed to update password: users can only change their own password");
    else if (strcmp(old, new) == 0)
        netbird_fail(c, 422, "failed to update password: new password must be different from current password");
    else if (!netbird_has_password(c->arena, user, old))
        netbird_fail(c, 422, "failed to update password: current password is incorrect");
    else {
        hl_value_map_put_text(user, "password", password_hash(c->arena, netbird_text(user, "id"), new));
        netbird_done(c);
    }
}

/* --- Delete, and what needs somebody who waits to be let in: nobody does here --- */

void netbird_user_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];
    const struct hl_value *user = NULL;

    if (strcmp(id, netbird_text(c->user, "id")) == 0) {
        netbird_fail(c, 422, "self deletion is not allowed");
        return;
    }
    if (!netbird_allow(c, NETBIRD_M_USERS, NETBIRD_DELETE))
        return;
    user = find(c);
    if (user == NULL)
        return;
    if (strcmp(netbird_text(user, "role"), "owner") == 0) {
        netbird_fail(c, 403, "can't delete a user with the owner role");
        return;
    }
    for (size_t i = c->netbird->tables[NETBIRD_TOKEN].count; i > 0; i--) {
        const struct hl_value *token = netbird_at(c->netbird, NETBIRD_TOKEN, i - 1);

        if (strcmp(netbird_text(token, "user"), id) == 0)
            netbird_remove(c->netbird, NETBIRD_TOKEN, netbird_text(token, "id"));
    }
    netbird_remove(c->netbird, NETBIRD_USER, id);
    netbird_done(c);
}

void netbird_user_invite(struct netbird_call *c)
{
    if (!netbird_allow(c, NETBIRD_M_USERS, NETBIRD_CREATE))
        return;
    if (netbird_find(c->netbird, NETBIRD_USER, c->parts[0]) == NULL)
        netbird_fail(c, 404, "user: %s not found", c->parts[0]);
    else
        netbird_fail(c, 412, "can't invite a user with an activated NetBird account");
}

static void refuse_decision(struct netbird_call *c, enum netbird_operation operation)
{
    if (netbird_allow(c, NETBIRD_M_USERS, operation) && find(c) != NULL)
        netbird_fail(c, 422, "user %s is not pending approval", c->parts[0]);
}

void netbird_user_approve(struct netbird_call *c)
{
    refuse_decision(c, NETBIRD_UPDATE);
}

void netbird_user_reject(struct netbird_call *c)
{
    refuse_decision(c, NETBIRD_DELETE);
}
