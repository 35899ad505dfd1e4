/* Tokens: an expiry that cannot be chosen, defaults that strike on every write, and keys that are looked at one by one. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include "schema/base/crypto.h"

#include <string.h>

enum { KEY_LENGTH = 60, DEFAULT_SECONDS = 1800 };

void authentik_random_key(struct hl_arena *arena, size_t length, char **out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *key = hl_arena_alloc(arena, length + 1);

    for (size_t i = 0; i < length; i++)
        key[i] = letters[hl_random_below(sizeof letters - 1)];
    *out = key;
}

/* Now and the tenant's default: what an API token gets on each write. */
static void set_expiry(struct authentik *authentik, struct hl_arena *arena, struct hl_value *object)
{
    const int64_t seconds = hl_value_get_int(authentik->world, "default_token_duration", DEFAULT_SECONDS);

    hl_value_map_put_text(object, "expires", authentik_time_text(arena, authentik_now_ms(authentik) + seconds * 1000));
}

bool authentik_token_is_expired(const struct authentik *authentik, const struct hl_value *token)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *expires = hl_value_get_text(token, "expires");

    /* All times have the same form, so that their order is that of the texts. */
    return hl_value_get_bool(token, "expiring", true) && expires != NULL && strcmp(expires, authentik_time_text(arena, authentik_now_ms(authentik))) <= 0;
}

/* What is not sent becomes the default, also in a PATCH: the caller as user, `api` as intent, and a new expiry for an API token. */
bool authentik_token_validate(struct authentik_call *c, const struct authentik_table *table, struct hl_value *body, const struct hl_value *object,
                              struct hl_value *errors)
{
    const char *intent = NULL;

    (void)table;
    if (hl_value_is_null(hl_value_get(body, "user")))
        hl_value_map_put(body, "user", hl_value_get(c->user, "pk"));
    else if (object != NULL && authentik_is_since(c->authentik, 2025, 2) && !hl_value_equal(hl_value_get(body, "user"), hl_value_get(object, "user")))
        authentik_complain(c->arena, errors, "user", "User cannot be changed");
    if (hl_value_is_null(hl_value_get(body, "intent")))
        hl_value_map_put_text(body, "intent", "api");
    intent = hl_value_get_text(body, "intent");
    if (strcmp(intent, "api") != 0 && strcmp(intent, "app_password") != 0) {
        authentik_complain(c->arena, errors, "intent", "Invalid intent %s", intent);
        return false;
    }
    const char *expires = hl_value_get_text(body, "expires");
    if (strcmp(intent, "api") == 0 || (expires == NULL && object == NULL)) {
        set_expiry(c->authentik, c->arena, body);
    } else if (expires != NULL) {
        struct hl_value *limit = hl_value_map(c->arena);
        set_expiry(c->authentik, c->arena, limit);
        if (strcmp(expires, hl_value_get_text(limit, "expires")) > 0)
            authentik_complain(c->arena, errors, "expires", "Token expires exceeds maximum lifetime (%s UTC).", hl_value_get_text(limit, "expires"));
    }
    if (!c->superuser && object == NULL) {
        hl_value_map_put(body, "user", hl_value_get(c->user, "pk"));
        hl_value_map_put_bool(body, "expiring", hl_value_get_bool(hl_value_get(c->user, "attributes"), "goauthentik.io/user/token-expires", true));
    }
    return hl_value_count(errors) == 0;
}

void authentik_token_saved(struct authentik_call *c, struct hl_value *object, bool created)
{
    char *key = NULL;

    if (!created || hl_value_get_text(object, "key") != NULL)
        return;
    authentik_random_key(c->arena, KEY_LENGTH, &key);
    authentik_put_text(c->authentik, object, "key", key);
}

void authentik_token_show(struct authentik_call *c, const struct hl_value *object, struct hl_value *out)
{
    const struct hl_value *user = authentik_by_pk(c->authentik, "users", hl_value_get(object, "user"));

    if (user != NULL)
        hl_value_map_put(out, "user_obj", authentik_show(c, authentik_table_find("users"), user));
}

static void view_key(struct authentik_call *c, const struct hl_value *object)
{
    struct hl_value *answer = hl_value_map(c->arena);

    if (strcmp(c->call->method, "GET") != 0) {
        authentik_not_allowed(c);
        return;
    }
    hl_value_map_put(answer, "key", hl_value_get(object, "key"));
    lab_answer_json(c->call, 200, answer);
}

/* A plain owner may look at the key and not set it. */
static void set_key(struct authentik_call *c, struct hl_value *object)
{
    const struct hl_value *body = authentik_body(c);

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
    const char *key = hl_value_get_text(body, "key");
    if (hl_is_blank(key)) {
        lab_answer(c->call, 400);
        return;
    }
    authentik_put_text(c->authentik, object, "key", key);
    authentik_save(c->authentik);
    lab_answer(c->call, 204);
}

bool authentik_token_act(struct authentik_call *c, struct hl_value *object, const char *action)
{
    if (strcmp(action, "view_key") == 0)
        view_key(c, object);
    else if (strcmp(action, "set_key") == 0)
        set_key(c, object);
    else
        return false;
    return true;
}

void authentik_tokens_rotate(struct authentik *authentik)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *rows = authentik_rows(authentik, "tokens");

    for (size_t i = 0; i < hl_value_count(rows); i++) {
        struct hl_value *token = hl_value_at(rows, i);
        char *key = NULL;
        if (!authentik_token_is_expired(authentik, token))
            continue;
        authentik_random_key(arena, KEY_LENGTH, &key);
        authentik_put_text(authentik, token, "key", key);
        hl_value_map_put_text(token, "expires", authentik_time_text(arena, authentik_now_ms(authentik) + DEFAULT_SECONDS * 1000));
    }
}
