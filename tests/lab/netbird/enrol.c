/* What the agent does over gRPC, offered below /lab/peers; and how peers leave. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

static const struct netbird_field fields[] = {
    {"setup_key", NETBIRD_TEXT, NULL}, {"hostname", NETBIRD_TEXT, NULL},          {"id", NETBIRD_TEXT, NULL},
    {"connected", NETBIRD_BOOL, NULL}, {"extra_dns_labels", NETBIRD_TEXTS, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

/* Ephemeral peers may be away for so long. */
static const int64_t patience_ns = (int64_t)600 * 1000000000;
static const char connected_once[] = "connected_once";

/* --- Leaving --- */

static bool rule_names(const struct hl_value *rule, const char *resource)
{
    return strcmp(netbird_text(hl_value_get(rule, "sourceResource"), "id"), resource) == 0 ||
           strcmp(netbird_text(hl_value_get(rule, "destinationResource"), "id"), resource) == 0;
}

static bool policy_names(const struct hl_value *policy, const char *resource)
{
    const struct hl_value *rules = hl_value_get(policy, "rules");

    for (size_t i = 0; i < hl_value_count(rules); i++)
        if (rule_names(hl_value_item(rules, i), resource))
            return true;
    return false;
}

/* Routes keep its id. */
void netbird_delete_peer(struct netbird *netbird, const char *id)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_GROUP].count; i++) {
        struct hl_value *group = netbird_at(netbird, NETBIRD_GROUP, i);
        const struct hl_value *peers = hl_value_get(group, "peers");

        if (netbird_list_has(peers, id))
            hl_value_map_put(group, "peers", netbird_list_without(netbird->arena, peers, id));
    }
    for (size_t i = netbird->tables[NETBIRD_POLICY].count; i > 0; i--) {
        const struct hl_value *policy = netbird_at(netbird, NETBIRD_POLICY, i - 1);

        if (policy_names(policy, id))
            netbird_remove(netbird, NETBIRD_POLICY, netbird_text(policy, "id"));
    }
    netbird_remove(netbird, NETBIRD_PEER, id);
}

/* Since when an ephemeral peer is waited for. A mistake of 0.77.1: the clean-up of a peer that never connected hangs on the call that enrolled it and fails,
 * so that the peer stays until the server is restarted. */
static int64_t waited_since(const struct netbird *netbird, const struct hl_value *peer)
{
    int64_t seen = hl_value_get_int(peer, "last_seen", 0);

    if (hl_value_get_bool(peer, connected_once, false) || !netbird_since(netbird, 77, 1))
        return seen;
    return seen < netbird->opened_ns ? netbird->opened_ns : INT64_MAX;
}

void netbird_settle(struct netbird *netbird)
{
    int64_t now = netbird_now(netbird);

    for (size_t i = netbird->tables[NETBIRD_PEER].count; i > 0; i--) {
        const struct hl_value *peer = netbird_at(netbird, NETBIRD_PEER, i - 1);

        if (hl_value_get_bool(peer, "ephemeral", false) && !hl_value_get_bool(peer, "connected", false) && now - waited_since(netbird, peer) > patience_ns)
            netbird_delete_peer(netbird, netbird_text(peer, "id"));
    }
}

void netbird_peer_unenrol(struct netbird_call *c)
{
    const char *id = c->parts[0];

    if (netbird_find(c->netbird, NETBIRD_PEER, id) == NULL) {
        netbird_fail(c, 404, "peer not found: %s", id);
        return;
    }
    netbird_delete_peer(c->netbird, id);
    netbird_done(c);
}

/* --- Names and addresses --- */

static bool label_is_taken(const struct netbird *netbird, const char *label)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_PEER].count; i++)
        if (strcmp(netbird_text(netbird_at(netbird, NETBIRD_PEER, i), "dns_label"), label) == 0)
            return true;
    return false;
}

/* The first label of the name; with the last two numbers of the address where it is taken, or `long_form` asks for it. */
const char *netbird_dns_label(struct netbird_call *c, const char *name, const char *address, bool long_form)
{
    size_t length = strcspn(name, ".");
    char *label = hl_arena_copy(c->arena, name, length > 58 ? 59 : length);
    struct netbird_prefix prefix;

    for (char *at = label; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *at) == NULL)
            *at = '-';
    }
    if (!long_form && !label_is_taken(c->netbird, label))
        return label;
    netbird_prefix_parse(address, true, &prefix);
    return hl_arena_printf(c->arena, "%s-%d-%d", label, prefix.bytes[2], prefix.bytes[3]);
}

static bool address_is_taken(const struct netbird *netbird, const char *address)
{
    for (size_t i = 0; i < netbird->tables[NETBIRD_PEER].count; i++)
        if (strcmp(netbird_text(netbird_at(netbird, NETBIRD_PEER, i), "ip"), address) == 0)
            return true;
    return false;
}

/* The next one that no peer has. */
static const char *next_address(struct netbird_call *c)
{
    struct hl_value *settings = c->netbird->settings;

    for (;;) {
        int64_t number = hl_value_get_int(settings, "addresses", 0) % 60000 + 1;
        const char *address = hl_arena_printf(c->arena, NETBIRD_NETWORK_START "%" PRId64 ".%" PRId64, number / 250, number % 250 + 1);

        hl_value_map_put_int(settings, "addresses", number);
        if (!address_is_taken(c->netbird, address))
            return address;
    }
}

/* Of 64 random bits: nobody else has it. */
static const char *new_v6_address(struct netbird_call *c)
{
    unsigned char bytes[8];

    hl_random(bytes, sizeof(bytes));
    return netbird_address(c->arena, hl_arena_printf(c->arena, "%s%02x%02x:%02x%02x:%02x%02x:%02x%02x", NETBIRD_NETWORK_V6_START, bytes[0], bytes[1], bytes[2],
                                                     bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]));
}

/* --- Joining --- */

static struct hl_value *make(struct netbird_call *c, const struct hl_value *body, const struct hl_value *key)
{
    static const char *const off[] = {"ssh_enabled", "login_expiration_enabled", "inactivity_expiration_enabled"};
    static const char *const times[] = {"created_at", "last_login", "last_seen"};
    const char *hostname = netbird_text(body, "hostname");
    struct hl_value *peer = hl_value_map(c->arena);
    bool ephemeral = hl_value_get_bool(key, "ephemeral", false);
    const char *address = next_address(c);

    hl_value_map_put_text(peer, "id", netbird_new_id(c->netbird, c->arena));
    hl_value_map_put_text(peer, "name", hostname);
    hl_value_map_put_text(peer, "hostname", hostname);
    hl_value_map_put_text(peer, "ip", address);
    hl_value_map_put_text(peer, "dns_label", netbird_dns_label(c, hostname, address, ephemeral));
    hl_value_map_put_text(peer, "user_id", "");
    hl_value_map_put_bool(peer, "ephemeral", ephemeral);
    hl_value_map_put_text(peer, "ipv6", new_v6_address(c));
    hl_value_map_put_bool(peer, "connected", hl_value_get_bool(body, "connected", true));
    hl_value_map_put_bool(peer, connected_once, hl_value_get_bool(body, "connected", true));
    hl_value_map_put(peer, "extra_dns_labels", netbird_texts(c, body, "extra_dns_labels"));
    for (size_t i = 0; i < HL_COUNT(off); i++)
        hl_value_map_put_bool(peer, off[i], false);
    for (size_t i = 0; i < HL_COUNT(times); i++)
        hl_value_map_put_int(peer, times[i], netbird_now(c->netbird));
    return netbird_put(c->netbird, NETBIRD_PEER, peer);
}

static void join_groups(struct netbird_call *c, const struct hl_value *peer, const struct hl_value *key)
{
    const struct hl_value *groups = hl_value_get(key, "auto_groups");
    const struct hl_value *all = netbird_find_group_by_name(c->netbird, "All");
    struct hl_map joined;

    hl_map_init(&joined, c->arena);
    netbird_add_to_group(c->netbird, netbird_text(all, "id"), "peers", hl_value_get(peer, "id"));
    hl_map_put(&joined, netbird_text(all, "id"), &joined);
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const char *id = hl_value_item(groups, i)->text.data;

        if (!hl_map_has(&joined, id))
            netbird_add_to_group(c->netbird, id, "peers", hl_value_get(peer, "id"));
        hl_map_put(&joined, id, &joined);
    }
}

static void join(struct netbird_call *c, const struct hl_value *body)
{
    const char *hash = netbird_hash(c->arena, netbird_upper(c->arena, netbird_text(body, "setup_key")));
    struct hl_value *key = hl_map_find(&c->netbird->keys_by_hash, hash);

    if (key == NULL || !netbird_key_is_valid(c->netbird, key)) {
        netbird_fail(c, 403, "couldn't add peer: setup key is invalid");
    } else if (hl_value_count(hl_value_get(body, "extra_dns_labels")) > 0 && !hl_value_get_bool(key, "allow_extra_dns_labels", false)) {
        netbird_fail(c, 403, "couldn't add peer: setup key doesn't allow extra DNS labels");
    } else {
        const struct hl_value *peer = make(c, body, key);

        join_groups(c, peer, key);
        hl_value_get(key, "used_times")->integer++;
        hl_value_get(key, "last_used")->integer = netbird_now(c->netbird);
        netbird_ok(c, netbird_describe_peer(c, peer));
    }
}

/* An agent that is known needs no key. */
static void report(struct netbird_call *c, const struct hl_value *body, struct hl_value *peer)
{
    const char *hostname = hl_value_get_text(body, "hostname");

    hl_value_get(peer, "last_seen")->integer = netbird_now(c->netbird);
    hl_value_get(peer, "last_login")->integer = netbird_now(c->netbird);
    hl_value_get(peer, "connected")->boolean = hl_value_get_bool(body, "connected", true);
    hl_value_get(peer, connected_once)->boolean |= hl_value_get_bool(peer, "connected", false);
    if (hostname != NULL)
        hl_value_map_put_text(peer, "hostname", hostname);
    netbird_ok(c, netbird_describe_peer(c, peer));
}

void netbird_peer_enrol(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    struct hl_value *peer = netbird_find(c->netbird, NETBIRD_PEER, netbird_text(body, "id"));

    if (body == NULL)
        return;
    if (peer != NULL)
        report(c, body, peer);
    else if (*netbird_text(body, "id") != '\0')
        netbird_fail(c, 404, "peer not found: %s", netbird_text(body, "id"));
    else if (*netbird_text(body, "hostname") == '\0')
        netbird_fail(c, 422, "hostname is required");
    else
        join(c, body);
}
