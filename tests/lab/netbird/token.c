/* Personal access tokens. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"expires_in", NETBIRD_INT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* The server writes these times in its own zone; this one stands in Helsinki, in winter. */
enum { ZONE_SECONDS = 2 * 3600 };

struct hl_value *netbird_make_token(struct netbird *netbird, const char *user, const char *creator, const char *name, int64_t days, const char *plain)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *token = hl_value_map(arena);
    int64_t now = netbird_now(netbird);

    hl_value_map_put_text(token, "id", netbird_new_id(netbird, arena));
    hl_value_map_put_text(token, "user", user);
    hl_value_map_put_text(token, "created_by", creator);
    hl_value_map_put_text(token, "name", name);
    hl_value_map_put_text(token, "hash", netbird_hash(arena, plain));
    hl_value_map_put_int(token, "created_at", now);
    hl_value_map_put_int(token, "expires", now + days * 86400 * 1000000000);
    hl_value_map_put_int(token, "last_used", 0);
    return netbird_put(netbird, NETBIRD_TOKEN, token);
}

/* `fresh`: with all digits, as it is told at creation. last_used is absent before the first use, and in UTC. */
static struct hl_value *describe(struct netbird_call *c, const struct hl_value *token, bool fresh)
{
    int64_t created = hl_value_get_int(token, "created_at", 0), expires = hl_value_get_int(token, "expires", 0);
    int64_t used = hl_value_get_int(token, "last_used", 0);
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "id", netbird_text(token, "id"));
    hl_value_map_put_text(out, "name", netbird_text(token, "name"));
    hl_value_map_put_text(out, "created_by", netbird_text(token, "created_by"));
    hl_value_map_put(out, "created_at", netbird_time(c->arena, fresh ? created : netbird_stored_ns(created), ZONE_SECONDS));
    hl_value_map_put(out, "expiration_date", netbird_time(c->arena, fresh ? expires : netbird_stored_ns(expires), ZONE_SECONDS));
    if (used != 0)
        hl_value_map_put(out, "last_used", netbird_time(c->arena, netbird_stored_ns(used), 0));
    return out;
}

/* Own tokens, and for administrators those of service users. */
static bool check_user(struct netbird_call *c, enum netbird_operation operation)
{
    const char *id = c->parts[0];
    const struct hl_value *user = netbird_find(c->netbird, NETBIRD_USER, id);

    if (!netbird_allow(c, NETBIRD_M_PATS, operation))
        return false;
    if (user == NULL)
        return netbird_fail(c, 404, "user: %s not found", id);
    if (user != c->user && !(netbird_is_admin(c->user) && hl_value_get_bool(user, "service", false)))
        return netbird_fail(c, 403, "admin role required to perform this action");
    return true;
}

static const struct hl_value *find(struct netbird_call *c)
{
    const struct hl_value *token = netbird_find(c->netbird, NETBIRD_TOKEN, c->parts[1]);

    if (token != NULL && strcmp(netbird_text(token, "user"), c->parts[0]) == 0)
        return token;
    netbird_fail(c, 404, "PAT: %s not found", c->parts[1]);
    return NULL;
}

/* None are null. */
void netbird_tokens_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!check_user(c, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_TOKEN].count; i++) {
        const struct hl_value *token = netbird_at(c->netbird, NETBIRD_TOKEN, i);

        if (strcmp(netbird_text(token, "user"), c->parts[0]) == 0)
            hl_value_list_add(c->arena, out, describe(c, token, false));
    }
    netbird_ok(c, hl_value_count(out) == 0 ? hl_value_null(c->arena) : netbird_shuffle(c->netbird, out));
}

void netbird_token_get(struct netbird_call *c)
{
    const struct hl_value *token = check_user(c, NETBIRD_READ) ? find(c) : NULL;

    if (token != NULL)
        netbird_ok(c, describe(c, token, false));
}

/* Days, not seconds. */
void netbird_token_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    const char *name = netbird_text(body, "name"), *plain = netbird_new_token(c->arena, "nbp_");
    int64_t days = hl_value_get_int(body, "expires_in", 0);
    struct hl_value *out = hl_value_map(c->arena);

    if (body == NULL)
        return;
    if (*name == '\0') {
        netbird_fail(c, 422, "token name can't be empty");
        return;
    }
    if (days < 1 || days > 365) {
        netbird_fail(c, 422, "expiration has to be between 1 and 365");
        return;
    }
    if (!check_user(c, NETBIRD_CREATE))
        return;
    hl_value_map_put(out, "personal_access_token",
                     describe(c, netbird_make_token(c->netbird, c->parts[0], netbird_text(c->user, "id"), name, days, plain), true));
    hl_value_map_put_text(out, "plain_token", plain);
    netbird_ok(c, out);
}

void netbird_token_delete(struct netbird_call *c)
{
    if (!check_user(c, NETBIRD_DELETE) || find(c) == NULL)
        return;
    netbird_remove(c->netbird, NETBIRD_TOKEN, c->parts[1]);
    netbird_done(c);
}
