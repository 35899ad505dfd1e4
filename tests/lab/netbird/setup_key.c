#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

static const struct netbird_field create_fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"type", NETBIRD_TEXT, NULL},
    {"expires_in", NETBIRD_INT, NULL},
    {"auto_groups", NETBIRD_TEXTS, NULL},
    {"usage_limit", NETBIRD_INT, NULL},
    {"ephemeral", NETBIRD_BOOL, NULL},
    {"allow_extra_dns_labels", NETBIRD_BOOL, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* All others are dropped without a word. */
static const struct netbird_field update_fields[] = {
    {"revoked", NETBIRD_BOOL, NULL},
    {"auto_groups", NETBIRD_TEXTS, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

static const char *state_of(const struct netbird *netbird, const struct hl_value *key)
{
    int64_t expires = hl_value_get_int(key, "expires", 0);
    int64_t limit = strcmp(netbird_text(key, "type"), "one-off") == 0 ? 1 : hl_value_get_int(key, "usage_limit", 0);

    if (expires != 0 && (uint64_t)netbird_now(netbird) > (uint64_t)expires)
        return "expired";
    if (hl_value_get_bool(key, "revoked", false))
        return "revoked";
    return limit > 0 && hl_value_get_int(key, "used_times", 0) >= limit ? "overused" : "valid";
}

static void put_time(struct netbird_call *c, struct hl_value *out, const struct hl_value *key, const char *name, bool fresh)
{
    int64_t ns = hl_value_get_int(key, name, 0);

    hl_value_map_put(out, name, netbird_time(c->arena, fresh ? ns : netbird_stored_ns(ns), 0));
}

/* `plain`: the key itself, only for the answer to its creation. */
static struct hl_value *describe(struct netbird_call *c, const struct hl_value *key, const char *plain)
{
    static const char *const same[] = {"allow_extra_dns_labels", "auto_groups", "ephemeral", "id", "name", "revoked", "type", "usage_limit", "used_times"};
    struct hl_value *out = hl_value_map(c->arena);
    const char *state = state_of(c->netbird, key);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(key, same[i]));
    put_time(c, out, key, "expires", plain != NULL);
    put_time(c, out, key, "last_used", false);
    put_time(c, out, key, "updated_at", plain != NULL);
    hl_value_map_put_text(out, "key", plain == NULL ? netbird_text(key, "mask") : plain);
    hl_value_map_put_text(out, "state", state);
    hl_value_map_put_bool(out, "valid", strcmp(state, "valid") == 0);
    return out;
}

void netbird_keys_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_SETUP_KEYS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_SETUP_KEY].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_SETUP_KEY, i), NULL));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static struct hl_value *find(struct netbird_call *c)
{
    struct hl_value *key = netbird_find(c->netbird, NETBIRD_SETUP_KEY, c->parts[0]);

    if (key == NULL)
        netbird_fail(c, 404, "setup key: %s not found", c->parts[0]);
    return key;
}

/* With a writer of its own: the type of the answer lacks the charset. */
void netbird_key_get(struct netbird_call *c)
{
    const struct hl_value *key = netbird_allow(c, NETBIRD_M_SETUP_KEYS, NETBIRD_READ) ? find(c) : NULL;

    if (key != NULL)
        lab_answer_json(c->call, 200, describe(c, key, NULL));
}

/* --- Create --- */

static bool check_auto_groups(struct netbird_call *c, const struct hl_value *ids)
{
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;
        const struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, id);

        if (group == NULL)
            return netbird_fail(c, 422, "invalid auto groups: group not found: %s", id);
        if (strcmp(netbird_text(group, "name"), "All") == 0)
            return netbird_fail(c, 422, "invalid auto groups: can't add 'All' group to the setup key");
    }
    return true;
}

/* In ns; Go multiplies and wraps around. */
static int64_t duration_of(const struct hl_value *body)
{
    return (int64_t)((uint64_t)hl_value_get_int(body, "expires_in", 0) * 1000000000u);
}

static bool check_create(struct netbird_call *c, const struct hl_value *body)
{
    const char *type = netbird_text(body, "type");
    bool one_off = strcmp(type, "one-off") == 0;
    int64_t limit = hl_value_get_int(body, "usage_limit", 0);

    if (*netbird_text(body, "name") == '\0')
        return netbird_fail(c, 422, "setup key name shouldn't be empty");
    if (!one_off && strcmp(type, "reusable") != 0)
        return netbird_fail(c, 422, "unknown setup key type %s", type);
    if (one_off && limit > 1 && netbird_since(c->netbird, 77, 1))
        return netbird_fail(c, 422,
                            "usage_limit %" PRId64 " is not valid for a one-off setup key, which can be used once; use type reusable for a key that can "
                            "be used more than once",
                            limit);
    if (duration_of(body) < 0)
        return netbird_fail(c, 422, "expiresIn can not be in the past");
    return netbird_allow(c, NETBIRD_M_SETUP_KEYS, NETBIRD_CREATE) && check_auto_groups(c, hl_value_get(body, "auto_groups"));
}

/* An upper-case UUID; what is kept of it are its hash and its first five characters. */
static const char *make_secret(struct netbird_call *c, struct hl_value *key)
{
    char uuid[HL_UUID_TEXT];

    hl_uuid(uuid);

    const char *plain = netbird_upper(c->arena, uuid);

    hl_value_map_put_text(key, "hash", netbird_hash(c->arena, plain));
    hl_value_map_put(key, "mask", hl_value_printf(c->arena, "%.5s****", plain));
    return plain;
}

void netbird_key_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body_or_drop(c, create_fields);
    struct hl_value *key = hl_value_map(c->arena);
    int64_t now = netbird_now(c->netbird), duration = duration_of(body);
    bool one_off = strcmp(netbird_text(body, "type"), "one-off") == 0;

    if (body == NULL || !check_create(c, body))
        return;
    hl_value_map_put_text(key, "id", netbird_new_id(c->netbird, c->arena));
    hl_value_map_put_text(key, "name", netbird_text(body, "name"));
    hl_value_map_put_text(key, "type", netbird_text(body, "type"));
    hl_value_map_put_int(key, "expires", duration == 0 ? 0 : (int64_t)((uint64_t)now + (uint64_t)duration));
    hl_value_map_put_int(key, "updated_at", now);
    hl_value_map_put_int(key, "last_used", 0);
    hl_value_map_put_int(key, "used_times", 0);
    hl_value_map_put_int(key, "usage_limit", one_off ? 1 : hl_value_get_int(body, "usage_limit", 0));
    hl_value_map_put_bool(key, "revoked", false);
    hl_value_map_put_bool(key, "ephemeral", hl_value_get_bool(body, "ephemeral", false));
    hl_value_map_put_bool(key, "allow_extra_dns_labels", hl_value_get_bool(body, "allow_extra_dns_labels", false));
    hl_value_map_put(key, "auto_groups", netbird_texts(c, body, "auto_groups"));

    const char *plain = make_secret(c, key);

    netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_SETUP_KEY, key), plain));
}

/* --- Update, delete --- */

void netbird_key_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body_or_drop(c, update_fields);
    bool revoked = hl_value_get_bool(body, "revoked", false);
    struct hl_value *groups = hl_value_get(body, "auto_groups");

    if (body == NULL)
        return;
    if (groups == NULL) {
        netbird_fail(c, 422, "setup key AutoGroups field is invalid");
        return;
    }
    /* The groups come before the question whether there is such a key. */
    if (!netbird_allow(c, NETBIRD_M_SETUP_KEYS, NETBIRD_UPDATE) || !check_auto_groups(c, groups))
        return;

    const struct hl_value *old = find(c);

    if (old == NULL)
        return;
    if (hl_value_get_bool(old, "revoked", false) && !revoked) {
        netbird_fail(c, 422, "can't un-revoke a revoked setup key");
        return;
    }

    struct hl_value *key = netbird_clone(c, old);

    hl_value_map_put_bool(key, "revoked", revoked);
    hl_value_map_put(key, "auto_groups", groups);
    hl_value_map_put_int(key, "updated_at", netbird_now(c->netbird));
    lab_answer_json(c->call, 200, describe(c, netbird_put(c->netbird, NETBIRD_SETUP_KEY, key), NULL));
}

void netbird_key_delete(struct netbird_call *c)
{
    if (!netbird_allow(c, NETBIRD_M_SETUP_KEYS, NETBIRD_DELETE) || find(c) == NULL)
        return;
    netbird_remove(c->netbird, NETBIRD_SETUP_KEY, c->parts[0]);
    netbird_done(c);
}

bool netbird_key_is_valid(const struct netbird *netbird, const struct hl_value *key)
{
    return strcmp(state_of(netbird, key), "valid") == 0;
}
