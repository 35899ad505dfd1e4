/* Peers as the API shows them. How they come, and go by themselves, is in enrol.c. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"ssh_enabled", NETBIRD_BOOL, NULL},
    {"login_expiration_enabled", NETBIRD_BOOL, NULL},
    {"inactivity_expiration_enabled", NETBIRD_BOOL, NULL},
    {"approval_required", NETBIRD_BOOL, NULL},
    {"ip", NETBIRD_TEXT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

static struct hl_value *describe_labels(struct netbird_call *c, const struct hl_value *labels)
{
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(labels); i++)
        hl_value_list_add(c->arena, out, hl_value_printf(c->arena, "%s.%s", hl_value_item(labels, i)->text.data, netbird_dns_domain(c->netbird)));
    return out;
}

static struct hl_value *describe_flags(struct netbird_call *c)
{
    static const char *const flags[] = {"block_inbound",        "block_lan_access",      "disable_client_routes",   "disable_dns",
                                        "disable_firewall",     "disable_server_routes", "lazy_connection_enabled", "rosenpass_enabled",
                                        "rosenpass_permissive", "server_ssh_allowed"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(flags); i++)
        hl_value_map_put_bool(out, flags[i], false);
    return out;
}

static void put_place(struct hl_value *out)
{
    hl_value_map_put_text(out, "connection_ip", "127.0.0.1");
    hl_value_map_put_text(out, "country_code", "");
    hl_value_map_put_text(out, "city_name", "");
    hl_value_map_put_int(out, "geoname_id", 0);
}

static void put_machine(struct hl_value *out)
{
    hl_value_map_put_text(out, "os", "Linux Debian 13");
    hl_value_map_put_text(out, "kernel_version", "6.12.0");
    hl_value_map_put_text(out, "version", "0.66.0");
    hl_value_map_put_text(out, "ui_version", "");
    hl_value_map_put_text(out, "serial_number", "");
}

/* `groups` as netbird_groups_of_members() gives them. */
static struct hl_value *describe(struct netbird_call *c, const struct hl_value *peer, const struct hl_value *groups)
{
    static const char *const same[] = {"connected", "ephemeral",   "hostname", "id", "inactivity_expiration_enabled", "ip", "login_expiration_enabled",
                                       "name",      "ssh_enabled", "user_id"};
    static const char *const times[] = {"created_at", "last_login", "last_seen"};
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *own = hl_value_get(groups, netbird_text(peer, "id"));

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(peer, same[i]));
    for (size_t i = 0; i < HL_COUNT(times); i++)
        hl_value_map_put(out, times[i], netbird_time(c->arena, netbird_stored_ns(hl_value_get_int(peer, times[i], 0)), 0));
    if (netbird_since(c->netbird, 71, 0) && *netbird_text(peer, "ipv6") != '\0')
        hl_value_map_put_text(out, "ipv6", netbird_text(peer, "ipv6"));
    put_place(out);
    put_machine(out);
    hl_value_map_put_bool(out, "approval_required", false);
    hl_value_map_put(out, "dns_label", hl_value_printf(c->arena, "%s.%s", netbird_text(peer, "dns_label"), netbird_dns_domain(c->netbird)));
    hl_value_map_put(out, "extra_dns_labels", describe_labels(c, hl_value_get(peer, "extra_dns_labels")));
    hl_value_map_put(out, "groups", own == NULL ? hl_value_null(c->arena) : own);
    hl_value_map_put(out, "local_flags", describe_flags(c));
    hl_value_map_put_bool(out, "login_expired", false);
    return out;
}

struct hl_value *netbird_describe_peer(struct netbird_call *c, const struct hl_value *peer)
{
    return describe(c, peer, netbird_groups_of(c, netbird_text(peer, "id")));
}

/* SQL's LIKE '%WORD%', ASCII in any case: the wildcards of the word act. */
static bool is_like(const char *text, const char *pattern)
{
    for (; *pattern != '\0' && *pattern != '%'; text++, pattern++) {
        char a = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        char b = *pattern >= 'A' && *pattern <= 'Z' ? (char)(*pattern - 'A' + 'a') : *pattern;

        if (a == '\0' || (b != '_' && a != b))
            return false;
    }
    if (*pattern == '\0')
        return *text == '\0';
    for (;; text++) {
        if (is_like(text, pattern + 1))
            return true;
        if (*text == '\0')
            return false;
    }
}

static bool passes(struct netbird_call *c, const struct hl_value *peer, const char *field)
{
    const char *word = lab_query(c->call, field);

    return *word == '\0' || is_like(netbird_text(peer, field), hl_arena_printf(c->arena, "%%%s%%", word));
}

/* Who may not see peers sees none: regular_users_view_blocked is on in new accounts, and setup keys belong to nobody. */
void netbird_peers_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);
    const struct hl_value *groups = netbird_groups_of_members(c);
    bool may = false;

    if (!netbird_ask(c, NETBIRD_M_PEERS, NETBIRD_READ, &may))
        return;
    for (size_t i = 0; may && i < c->netbird->tables[NETBIRD_PEER].count; i++) {
        const struct hl_value *peer = netbird_at(c->netbird, NETBIRD_PEER, i);

        if (passes(c, peer, "name") && passes(c, peer, "ip")) {
            struct hl_value *row = describe(c, peer, groups);

            hl_value_map_put_int(row, "accessible_peers_count", 0);
            hl_value_list_add(c->arena, out, row);
        }
    }
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static struct hl_value *find(struct netbird_call *c)
{
    struct hl_value *peer = netbird_find(c->netbird, NETBIRD_PEER, c->parts[0]);

    if (peer == NULL)
        netbird_fail(c, 404, "peer not found: %s", c->parts[0]);
    return peer;
}

void netbird_peer_get(struct netbird_call *c)
{
    const struct hl_value *peer = find(c);
    bool may = false;

    if (peer == NULL || !netbird_ask(c, NETBIRD_M_PEERS, NETBIRD_READ, &may))
        return;
    if (!may)
        netbird_fail(c, 500, "user %s has no access to peer %s under account %s", netbird_text(c->user, "id"), c->parts[0],
                     netbird_text(hl_value_get(c->netbird->settings, "account"), "id"));
    else
        netbird_ok(c, netbird_describe_peer(c, peer));
}

/* --- Update --- */

static bool set_address(struct netbird_call *c, const struct hl_value *body, struct hl_value *peer)
{
    const char *wish = hl_value_get_text(body, "ip");
    const char *address = wish == NULL ? NULL : netbird_address(c->arena, wish);

    if (wish == NULL)
        return true;
    if (address == NULL)
        return netbird_fail(c, 422, "invalid IP address %s: ParseAddr(\"%s\"): unable to parse IP", wish, wish);
    if (!hl_starts_with(address, NETBIRD_NETWORK_START))
        return netbird_fail(c, 422, "IP %s is not within the account network range %s0.0/16", address, NETBIRD_NETWORK_START);
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_PEER].count; i++) {
        const struct hl_value *other = netbird_at(c->netbird, NETBIRD_PEER, i);

        if (strcmp(netbird_text(other, "ip"), address) == 0 && strcmp(netbird_text(other, "id"), c->parts[0]) != 0)
            return netbird_fail(c, 422, "IP %s is already assigned to peer %s", address, netbird_text(other, "id"));
    }
    hl_value_map_put_text(peer, "ip", address);
    return true;
}

/* There is no label for no name, which nobody checks: whoever leaves it out gets an error of the server. */
static bool set_name(struct netbird_call *c, const char *name, struct hl_value *peer)
{
    if (strcmp(netbird_text(peer, "name"), name) == 0)
        return true;
    if (name[strspn(name, ".")] == '\0')
        return netbird_fail_internal(c);
    hl_value_map_put_text(peer, "dns_label", netbird_dns_label(c, name, netbird_text(peer, "ip"), false));
    hl_value_map_put_text(peer, "name", name);
    return true;
}

/* None of them came by a sign-in. */
static bool check_expirations(struct netbird_call *c, const struct hl_value *body)
{
    if (hl_value_get_bool(body, "login_expiration_enabled", false))
        return netbird_fail(c, 412, "this peer hasn't been added with the SSO login, therefore the login expiration can't be updated");
    if (hl_value_get_bool(body, "inactivity_expiration_enabled", false))
        return netbird_fail(c, 412, "this peer hasn't been added with the SSO login, therefore the inactivity expiration can't be updated");
    return true;
}

void netbird_peer_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body_or_drop(c, fields);
    struct hl_value *peer = NULL;

    if (body == NULL || !netbird_allow(c, NETBIRD_M_PEERS, NETBIRD_UPDATE))
        return;
    peer = find(c);
    if (peer == NULL)
        return;
    peer = netbird_clone(c, peer);
    if (!set_address(c, body, peer) || !set_name(c, netbird_text(body, "name"), peer) || !check_expirations(c, body))
        return;
    hl_value_map_put_bool(peer, "ssh_enabled", hl_value_get_bool(body, "ssh_enabled", false));
    netbird_ok(c, netbird_describe_peer(c, netbird_put(c->netbird, NETBIRD_PEER, peer)));
}

/* --- Delete --- */

void netbird_peer_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];

    if (!netbird_allow(c, NETBIRD_M_PEERS, NETBIRD_DELETE))
        return;
    if (netbird_find(c->netbird, NETBIRD_PEER, id) == NULL) {
        netbird_fail(c, 404, "peer %s account not found", id);
        return;
    }
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ROUTER].count; i++) {
        const struct hl_value *router = netbird_at(c->netbird, NETBIRD_ROUTER, i);

        if (strcmp(netbird_text(router, "peer"), id) == 0) {
            netbird_fail(c, 412, "peer is linked to a network router: %s", netbird_text(router, "id"));
            return;
        }
    }
    netbird_delete_peer(c->netbird, id);
    netbird_done(c);
}

/* --- Whom it can reach --- */

static bool is_in(struct netbird_call *c, const struct hl_value *groups, const char *peer)
{
    for (size_t i = 0; i < hl_value_count(groups); i++)
        if (netbird_list_has(hl_value_get(netbird_find(c->netbird, NETBIRD_GROUP, hl_value_item(groups, i)->text.data), "peers"), peer))
            return true;
    return false;
}

static void add_members(struct netbird_call *c, const struct hl_value *groups, struct hl_map *reached)
{
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const struct hl_value *peers = hl_value_get(netbird_find(c->netbird, NETBIRD_GROUP, hl_value_item(groups, i)->text.data), "peers");

        for (size_t j = 0; j < hl_value_count(peers); j++)
            hl_map_put(reached, hl_value_item(peers, j)->text.data, reached);
    }
}

/* By rules between groups that accept; the server looks further. */
static void follow_rules(struct netbird_call *c, const struct hl_value *policy, const char *id, struct hl_map *reached)
{
    const struct hl_value *rules = hl_value_get(policy, "rules");

    for (size_t i = 0; hl_value_get_bool(policy, "enabled", false) && i < hl_value_count(rules); i++) {
        const struct hl_value *rule = hl_value_item(rules, i);
        const struct hl_value *sources = hl_value_get(rule, "sources"), *destinations = hl_value_get(rule, "destinations");

        if (!hl_value_get_bool(rule, "enabled", false) || strcmp(netbird_text(rule, "action"), "accept") != 0)
            continue;
        if (is_in(c, sources, id))
            add_members(c, destinations, reached);
        if (is_in(c, destinations, id))
            add_members(c, sources, reached);
    }
}

void netbird_peer_accessible(struct netbird_call *c)
{
    static const char *const same[] = {"city_name", "connected", "country_code", "dns_label", "geoname_id", "id", "ip", "last_seen", "name", "os", "user_id"};
    const char *id = c->parts[0];
    struct hl_value *out = hl_value_list(c->arena);
    struct hl_map reached;
    bool may = false;

    hl_map_init(&reached, c->arena);
    if (!netbird_ask(c, NETBIRD_M_PEERS, NETBIRD_READ, &may))
        return;
    for (size_t i = 0; may && i < c->netbird->tables[NETBIRD_POLICY].count; i++)
        follow_rules(c, netbird_at(c->netbird, NETBIRD_POLICY, i), id, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        const struct hl_value *peer = netbird_find(c->netbird, NETBIRD_PEER, reached.entries[i].key);
        struct hl_value *row = hl_value_map(c->arena);

        if (peer == NULL || strcmp(reached.entries[i].key, id) == 0)
            continue;
        peer = describe(c, peer, NULL);
        for (size_t j = 0; j < HL_COUNT(same); j++)
            hl_value_map_put(row, same[j], hl_value_get(peer, same[j]));
        hl_value_list_add(c->arena, out, row);
    }
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}
