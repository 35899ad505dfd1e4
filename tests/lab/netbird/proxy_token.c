/* What reverse proxies sign in with; from 0.71 on. Revoked ones stay in the list for ever. The handlers write their errors themselves, and ask who may before
 * they look at the body. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"expires_in", NETBIRD_INT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

enum { LONGEST_NAME = 255 };

/* Also a user who may nothing at all is told nothing more. */
static bool allow(struct netbird_call *c, enum netbird_operation operation)
{
    bool may = false;

    if (netbird_ask(c, NETBIRD_M_SERVICES, operation, &may))
        return may || netbird_fail_verbatim(c, 403, "permission denied");
    netbird_take_back(c);
    return netbird_fail_verbatim(c, 500, "failed to validate permissions");
}

/* `fresh`: with all digits, as it is told at creation. */
static struct hl_value *describe(struct netbird_call *c, const struct hl_value *token, bool fresh)
{
    int64_t created = hl_value_get_int(token, "created_at", 0), expires = hl_value_get_int(token, "expires", 0);
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "id", netbird_text(token, "id"));
    hl_value_map_put_text(out, "name", netbird_text(token, "name"));
    hl_value_map_put_bool(out, "revoked", hl_value_get_bool(token, "revoked", false));
    hl_value_map_put(out, "created_at", netbird_time(c->arena, fresh ? created : netbird_stored_ns(created), 0));
    if (expires != 0)
        hl_value_map_put(out, "expires_at", netbird_time(c->arena, fresh ? expires : netbird_stored_ns(expires), 0));
    return out;
}

void netbird_proxy_tokens_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!allow(c, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_PROXY_TOKEN].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_PROXY_TOKEN, i), false));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

/* Go multiplies and wraps around; what is not in the future then never ends. */
static int64_t expiry(int64_t now, int64_t seconds)
{
    int64_t lifetime = (int64_t)((uint64_t)seconds * 1000000000u);

    return lifetime > 0 ? (int64_t)((uint64_t)now + (uint64_t)lifetime) : 0;
}

static bool check(struct netbird_call *c, const struct hl_value *body)
{
    size_t length = strlen(netbird_text(body, "name"));

    if (length == 0 || length > LONGEST_NAME)
        return netbird_fail_verbatim(c, 400, "name is required and must be at most 255 characters");
    return hl_value_get_int(body, "expires_in", 0) >= 0 || netbird_fail_verbatim(c, 400, "expires_in must be non-negative");
}

void netbird_proxy_token_create(struct netbird_call *c)
{
    const struct hl_value *body = allow(c, NETBIRD_CREATE) ? netbird_body(c, fields) : NULL;
    const char *plain = netbird_new_token(c->arena, "nbx_");
    struct hl_value *token = hl_value_map(c->arena), *out = NULL;
    int64_t now = netbird_now(c->netbird);

    if (body == NULL || !check(c, body))
        return;
    hl_value_map_put_text(token, "id", netbird_new_id(c->netbird, c->arena));
    hl_value_map_put_text(token, "name", netbird_text(body, "name"));
    hl_value_map_put_text(token, "hash", netbird_hash(c->arena, plain));
    hl_value_map_put_text(token, "created_by", netbird_text(c->user, "id"));
    hl_value_map_put_int(token, "created_at", now);
    hl_value_map_put_int(token, "expires", expiry(now, hl_value_get_int(body, "expires_in", 0)));
    hl_value_map_put_bool(token, "revoked", false);
    out = describe(c, netbird_put(c->netbird, NETBIRD_PROXY_TOKEN, token), true);
    hl_value_map_put_text(out, "plain_token", plain);
    netbird_ok(c, out);
}

/* Again and again, if need be. */
void netbird_proxy_token_revoke(struct netbird_call *c)
{
    struct hl_value *token = netbird_find(c->netbird, NETBIRD_PROXY_TOKEN, c->parts[0]);

    if (!allow(c, NETBIRD_DELETE))
        return;
    if (token == NULL) {
        netbird_fail_verbatim(c, 404, "token not found");
        return;
    }
    hl_value_get(token, "revoked")->boolean = true;
    netbird_done(c);
}
