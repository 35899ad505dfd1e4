/* Users, groups, and who is asking. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include <string.h>

enum { PASSWORD_LENGTH = 60, SERVICE_DAYS = 360 };

/* --- Who is in which group --- */

static bool has_item(const struct hl_value *list, const struct hl_value *item)
{
    for (size_t i = 0; i < hl_value_count(list); i++)
        if (hl_value_equal(hl_value_item(list, i), item))
            return true;
    return false;
}

bool authentik_user_is_superuser(struct authentik *authentik, const struct hl_value *user)
{
    const struct hl_value *groups = hl_value_get(user, "groups");

    for (size_t i = 0; i < hl_value_count(groups); i++)
        if (hl_value_get_bool(authentik_by_pk(authentik, "groups", hl_value_item(groups, i)), "is_superuser", false))
            return true;
    return false;
}

static void set_member(struct authentik_call *c, struct hl_value *user, const struct hl_value *group, bool member)
{
    const struct hl_value *groups = hl_value_get(user, "groups");
    struct hl_value *list = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(groups); i++)
        if (!hl_value_equal(hl_value_item(groups, i), group))
            hl_value_list_add(c->arena, list, hl_value_item(groups, i));
    if (member)
        hl_value_list_add(c->arena, list, hl_value_copy(c->arena, group));
    authentik_put(c->authentik, user, "groups", list);
}

bool authentik_group_act(struct authentik_call *c, struct hl_value *object, const char *action)
{
    const bool adds = strcmp(action, "add_user") == 0;

    if (!adds && strcmp(action, "remove_user") != 0)
        return false;
    if (strcmp(c->call->method, "POST") != 0) {
        authentik_not_allowed(c);
        return true;
    }
    const struct hl_value *body = authentik_body(c);
    if (body == NULL)
        return true;
    struct hl_value *user = authentik_by_pk(c->authentik, "users", hl_value_get(body, "pk"));
    if (user == NULL) {
        authentik_refuse(c, 404, "No User matches the given query.");
        return true;
    }
    set_member(c, user, hl_value_get(object, "pk"), adds);
    authentik_save(c->authentik);
    lab_answer(c->call, 204);
    return true;
}

/* --- Showing --- */

void authentik_user_show(struct authentik_call *c, const struct hl_value *object, struct hl_value *out)
{
    const struct hl_value *groups = hl_value_get(object, "groups");
    struct hl_value *shown = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const struct hl_value *group = authentik_by_pk(c->authentik, "groups", hl_value_item(groups, i));
        struct hl_value *short_form = hl_value_map(c->arena);
        hl_value_map_put(short_form, "pk", hl_value_get(group, "pk"));
        hl_value_map_put(short_form, "name", hl_value_get(group, "name"));
        hl_value_list_add(c->arena, shown, short_form);
    }
    hl_value_map_put(out, "groups_obj", shown);
    hl_value_map_put_bool(out, "is_superuser", authentik_user_is_superuser(c->authentik, object));
    hl_value_map_put_text(out, "avatar", "/static/dist/assets/images/user_default.png");
}

void authentik_group_show(struct authentik_call *c, const struct hl_value *object, struct hl_value *out)
{
    const struct hl_value *users = authentik_rows(c->authentik, "users");
    struct hl_value *members = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(users); i++)
        if (has_item(hl_value_get(hl_value_at(users, i), "groups"), hl_value_get(object, "pk")))
            hl_value_list_add(c->arena, members, hl_value_get(hl_value_at(users, i), "pk"));
    hl_value_map_put(out, "users", members);
}

void authentik_users_me(struct authentik_call *c)
{
    struct hl_value *answer = hl_value_map(c->arena);
    struct hl_value *user = authentik_show(c, authentik_table_find("users"), c->user);

    if (strcmp(c->call->method, "GET") != 0) {
        authentik_not_allowed(c);
        return;
    }
    hl_value_map_put(user, "groups", hl_value_get(user, "groups_obj"));
    hl_value_map_put(user, "settings", hl_value_map(c->arena));
    hl_value_map_put(answer, "user", user);
    lab_answer_json(c->call, 200, answer);
}

/* --- Deletion, service accounts --- */

void authentik_user_removed(struct authentik_call *c, const struct hl_value *object)
{
    const struct authentik_table *table = authentik_table_find("tokens");
    struct hl_value *rows = authentik_rows(c->authentik, "tokens");

    for (size_t i = hl_value_count(rows); i > 0; i--) {
        const struct hl_value *token = hl_value_at(rows, i - 1);
        if (hl_value_equal(hl_value_get(token, "user"), hl_value_get(object, "pk")))
            authentik_remove(c, table, token);
    }
}

static struct hl_value *valid_map(struct authentik_call *c, const char *table, const struct hl_value *wish)
{
    struct hl_value *errors = hl_value_map(c->arena);
    struct hl_value *valid = authentik_validate(c, authentik_table_find(table), wish, NULL, false, errors);

    if (hl_value_count(errors) == 0)
        return valid;
    lab_answer_json(c->call, 400, errors);
    return NULL;
}

static struct hl_value *add_service_user(struct authentik_call *c, const char *name)
{
    struct hl_value *wish = hl_value_map(c->arena);

    hl_value_map_put_text(wish, "username", name);
    hl_value_map_put_text(wish, "name", name);
    hl_value_map_put_text(wish, "type", "service_account");
    hl_value_map_put_text(wish, "path", "goauthentik.io/service-accounts");
    struct hl_value *valid = valid_map(c, "users", wish);
    return valid == NULL ? NULL : authentik_insert(c, authentik_table_find("users"), valid);
}

static const char *add_app_password(struct authentik_call *c, const char *name, const struct hl_value *user, bool expiring)
{
    char *key = NULL;
    struct hl_value *token = hl_value_map(c->arena);

    authentik_random_key(c->arena, PASSWORD_LENGTH, &key);
    hl_value_map_put(token, "managed", hl_value_null(c->arena));
    hl_value_map_put_text(token, "identifier", hl_arena_printf(c->arena, "service-account-%s-password", name));
    hl_value_map_put_text(token, "intent", "app_password");
    hl_value_map_put(token, "user", hl_value_get(user, "pk"));
    hl_value_map_put_text(token, "description", "");
    hl_value_map_put_text(token, "expires", authentik_time_text(c->arena, authentik_now_ms(c->authentik) + SERVICE_DAYS * INT64_C(86400000)));
    hl_value_map_put_bool(token, "expiring", expiring);
    struct hl_value *stored = authentik_insert(c, authentik_table_find("tokens"), token);
    authentik_put_text(c->authentik, stored, "key", key);
    return key;
}

void authentik_service_account(struct authentik_call *c)
{
    const struct hl_value *body = authentik_body(c);
    struct hl_value *answer = hl_value_map(c->arena);

    if (body == NULL)
        return;
    if (strcmp(c->call->method, "POST") != 0) {
        authentik_not_allowed(c);
        return;
    }
    if (!c->superuser) {
        authentik_forbid(c);
        return;
    }
    const char *name = hl_value_get_text(body, "name");
    if (hl_is_blank(name)) {
        struct hl_value *errors = hl_value_map(c->arena);
        authentik_complain(c->arena, errors, "name", "This field is required.");
        lab_answer_json(c->call, 400, errors);
        return;
    }
    struct hl_value *user = add_service_user(c, name);
    if (user == NULL)
        return;
    hl_value_map_put_text(answer, "username", name);
    hl_value_map_put(answer, "user_pk", hl_value_get(user, "pk"));
    hl_value_map_put_text(answer, "user_uid", hl_arena_printf(c->arena, "uid-of-%s", name));
    if (hl_value_get_bool(body, "create_group", false)) {
        struct hl_value *wish = hl_value_map(c->arena);
        hl_value_map_put_text(wish, "name", name);
        struct hl_value *valid = valid_map(c, "groups", wish);
        if (valid == NULL)
            return;
        const struct hl_value *group = authentik_insert(c, authentik_table_find("groups"), valid);
        set_member(c, user, hl_value_get(group, "pk"), true);
        hl_value_map_put(answer, "group_pk", hl_value_get(group, "pk"));
    }
    hl_value_map_put_text(answer, "token", add_app_password(c, name, user, hl_value_get_bool(body, "expiring", true)));
    authentik_save(c->authentik);
    lab_answer_json(c->call, 200, answer);
}
