/* POST /lab/netbird: what somebody does behind the back of the program under test, by name and without a token.
 *
 *   {"delete": "routes", "name": NAME}                what the owner's DELETE would do, refusals included
 *   {"revoke": "setup-keys", "name": NAME}            or "proxy-tokens"
 *   {"edit": "routes", "name": NAME, "set": {...}}    these members of the object as it is kept, checked by nobody
 *
 * NAME is a name, a network_id, an e-mail address or an id; all objects of that name are meant, but for those that are revoked already. The answer tells how
 * many there were, and is 404 when there were none. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

/* Kinds by the last part of their paths. */
static const struct collection {
    const char *name;
    enum netbird_kind kind;
    netbird_handler *remove;
    const char *parent; /* the member with the first of two ids of a path */
} collections[] = {
    {"groups", NETBIRD_GROUP, netbird_group_delete, NULL},
    {"setup-keys", NETBIRD_SETUP_KEY, netbird_key_delete, NULL},
    {"routes", NETBIRD_ROUTE, netbird_route_delete, NULL},
    {"peers", NETBIRD_PEER, netbird_peer_delete, NULL},
    {"users", NETBIRD_USER, netbird_user_delete, NULL},
    {"tokens", NETBIRD_TOKEN, netbird_token_delete, "user"},
    {"networks", NETBIRD_NETWORK, netbird_network_delete, NULL},
    {"resources", NETBIRD_RESOURCE, netbird_resource_delete, "network"},
    {"routers", NETBIRD_ROUTER, netbird_router_delete, "network"},
    {"policies", NETBIRD_POLICY, netbird_policy_delete, NULL},
    {"nameservers", NETBIRD_NAMESERVER, netbird_nameserver_delete, NULL},
    {"zones", NETBIRD_ZONE, netbird_zone_delete, NULL},
    {"records", NETBIRD_RECORD, netbird_record_delete, "zone"},
    {"identity-providers", NETBIRD_IDENTITY_PROVIDER, netbird_provider_delete, NULL},
    {"proxy-tokens", NETBIRD_PROXY_TOKEN, netbird_proxy_token_revoke, NULL},
};

static const struct collection *find_collection(struct netbird_call *c, const char *name)
{
    for (size_t i = 0; name != NULL && i < HL_COUNT(collections); i++)
        if (strcmp(collections[i].name, name) == 0)
            return &collections[i];
    netbird_fail_verbatim(c, 422, "one of delete, revoke and edit must name a collection");
    return NULL;
}

/* --- Whom it means --- */

static bool is_named(const struct hl_value *object, const char *name)
{
    static const char *const members[] = {"name", "network_id", "email", "id"};

    for (size_t i = 0; i < HL_COUNT(members); i++)
        if (strcmp(netbird_text(object, members[i]), name) == 0)
            return true;
    return false;
}

/* Their ids: what is done to one may move the others. */
static struct hl_value *find_named(struct netbird_call *c, const struct collection *collection, const char *name)
{
    const struct netbird_table *table = &c->netbird->tables[collection->kind];
    struct hl_value *ids = hl_value_list(c->arena);

    for (size_t i = 0; *name != '\0' && i < table->count; i++) {
        const struct hl_value *object = netbird_at(c->netbird, collection->kind, i);

        if (is_named(object, name) && !hl_value_get_bool(object, "revoked", false))
            hl_value_list_add(c->arena, ids, hl_value_text(c->arena, netbird_text(object, "id")));
    }
    return ids;
}

static const struct hl_value *find_owner(const struct netbird *netbird)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_USER].count; i++)
        if (strcmp(netbird_text(netbird_at(netbird, NETBIRD_USER, i), "role"), "owner") == 0)
            return netbird_at(netbird, NETBIRD_USER, i);
    return NULL;
}

/* --- What is done --- */

static bool delete_one(struct netbird_call *c, const struct collection *collection, const char *id)
{
    const struct hl_value *object = netbird_find(c->netbird, collection->kind, id);

    if (object == NULL) /* it went with another one */
        return true;
    c->user = find_owner(c->netbird);
    c->parts[0] = collection->parent == NULL ? id : hl_arena_strdup(c->arena, netbird_text(object, collection->parent));
    c->parts[1] = id;
    collection->remove(c);
    if (c->call->status != 200)
        return false;
    netbird_take_back(c);
    return true;
}

static bool revoke_one(struct netbird_call *c, const struct collection *collection, const char *id)
{
    struct hl_value *object = netbird_find(c->netbird, collection->kind, id);

    if (hl_value_get(object, "revoked") == NULL)
        return netbird_fail_verbatim(c, 422, "%s cannot be revoked", collection->name);
    hl_value_get(object, "revoked")->boolean = true;
    if (hl_value_get(object, "updated_at") != NULL)
        hl_value_get(object, "updated_at")->integer = netbird_now(c->netbird);
    return true;
}

/* A member that is not there, or is something else, is a mistake of the test. */
static bool edit_one(struct netbird_call *c, const struct collection *collection, const char *id, const struct hl_value *set)
{
    struct hl_value *object = netbird_clone(c, netbird_find(c->netbird, collection->kind, id));

    for (size_t i = 0; i < hl_value_count(set); i++) {
        const char *member = hl_value_key(set, i);
        const struct hl_value *old = hl_value_get(object, member);

        if (old == NULL || strcmp(member, "id") == 0 || (old->type != HL_NULL && old->type != hl_value_at(set, i)->type))
            return netbird_fail_verbatim(c, 422, "%s have no member '%s' of this type", collection->name, member);
        hl_value_map_put(object, member, hl_value_at(set, i));
    }
    netbird_put(c->netbird, collection->kind, object);
    return true;
}

static bool act(struct netbird_call *c, const struct hl_value *body, const struct collection *collection, const char *id)
{
    if (hl_value_get(body, "delete") != NULL)
        return delete_one(c, collection, id);
    return hl_value_get(body, "revoke") != NULL ? revoke_one(c, collection, id) : edit_one(c, collection, id, hl_value_get(body, "set"));
}

static const char *collection_of(const struct hl_value *body)
{
    static const char *const words[] = {"delete", "revoke", "edit"};

    for (size_t i = 0; i < HL_COUNT(words); i++)
        if (hl_value_get(body, words[i]) != NULL)
            return hl_value_get_text(body, words[i]);
    return NULL;
}

void netbird_lab_behind(struct netbird_call *c)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *body = NULL, *ids = NULL, *out = hl_value_map(c->arena);

    if (!hl_json_decode(c->arena, c->call->body, c->call->body_length, &body, &err)) {
        netbird_fail_verbatim(c, 400, "couldn't parse JSON request");
        return;
    }

    const struct collection *collection = find_collection(c, collection_of(body));

    if (collection == NULL)
        return;
    ids = find_named(c, collection, netbird_text(body, "name"));
    if (hl_value_count(ids) == 0) {
        netbird_fail_verbatim(c, 404, "%s: %s not found", collection->name, netbird_text(body, "name"));
        return;
    }
    for (size_t i = 0; i < hl_value_count(ids); i++)
        if (!act(c, body, collection, hl_value_item(ids, i)->text.data))
            return;
    hl_value_map_put_int(out, "count", (int64_t)hl_value_count(ids));
    netbird_ok(c, out);
}
