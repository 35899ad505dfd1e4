/* Groups of name servers, and the settings of DNS. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>
#include <strings.h>

static const struct netbird_field server_fields[] = {
    {"ip", NETBIRD_TEXT, NULL},
    {"ns_type", NETBIRD_TEXT, NULL},
    {"port", NETBIRD_INT, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"description", NETBIRD_TEXT, NULL},
    {"nameservers", NETBIRD_OBJECTS, server_fields},
    {"enabled", NETBIRD_BOOL, NULL},
    {"groups", NETBIRD_TEXTS, NULL},
    {"primary", NETBIRD_BOOL, NULL},
    {"domains", NETBIRD_TEXTS, NULL},
    {"search_domains_enabled", NETBIRD_BOOL, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field settings_fields[] = {{"disabled_management_groups", NETBIRD_TEXTS, NULL}, {NULL, NETBIRD_TEXT, NULL}};

/* --- Answers --- */

void netbird_nameservers_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_NAMESERVERS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_NAMESERVER].count; i++)
        hl_value_list_add(c->arena, out, netbird_at(c->netbird, NETBIRD_NAMESERVER, i));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static const struct hl_value *find(struct netbird_call *c)
{
    const struct hl_value *group = netbird_find(c->netbird, NETBIRD_NAMESERVER, c->parts[0]);

    if (group == NULL)
        netbird_fail(c, 404, "nameserver group: %s not found", c->parts[0]);
    return group;
}

void netbird_nameserver_get(struct netbird_call *c)
{
    const struct hl_value *group = netbird_allow(c, NETBIRD_M_NAMESERVERS, NETBIRD_READ) ? find(c) : NULL;

    if (group != NULL)
        netbird_ok(c, group);
}

/* --- Checks --- */

/* An address of version 6 may have brackets, which are never told. */
static const char *parse_host(struct netbird_call *c, const char *text)
{
    size_t length = strlen(text);
    bool opens = *text == '[', closes = length > 0 && text[length - 1] == ']';
    const char *bare = opens && closes ? hl_arena_copy(c->arena, text + 1, length - 2) : text;

    return opens != closes ? NULL : netbird_address(c->arena, bare);
}

static bool parse_servers(struct netbird_call *c, const struct hl_value *wishes, struct hl_value **out)
{
    *out = hl_value_list(c->arena);
    for (size_t i = 0; i < hl_value_count(wishes); i++) {
        const struct hl_value *wish = hl_value_item(wishes, i);
        const char *host = parse_host(c, netbird_text(wish, "ip"));
        int64_t port = hl_value_get_int(wish, "port", 0);
        struct hl_value *server = hl_value_map(c->arena);

        if (host == NULL || strcasecmp(netbird_text(wish, "ns_type"), "udp") != 0 || port < 0)
            return netbird_fail(c, 422, "invalid NS servers format");
        hl_value_map_put_text(server, "ip", host);
        hl_value_map_put_text(server, "ns_type", "udp");
        hl_value_map_put_int(server, "port", port);
        hl_value_list_add(c->arena, *out, server);
    }
    return true;
}

/* No wildcards; a dot at the end is fine. */
static bool check_domain(struct netbird_call *c, const char *domain)
{
    size_t length = strlen(domain);
    const char *bare = length > 0 && domain[length - 1] == '.' ? hl_arena_copy(c->arena, domain, length - 1) : domain;
    const char *reason = NULL;

    if (hl_starts_with(domain, "*."))
        return netbird_fail(c, 422, "nameserver group got an invalid domain: %s \"wildcards not allowed\"", domain);
    if (netbird_domain(c->arena, bare, &reason) == NULL)
        return netbird_fail(c, 422, "nameserver group got an invalid domain: %s \"invalid domain name: %s\"", domain, reason);
    return true;
}

static bool check_domains(struct netbird_call *c, const struct hl_value *body)
{
    const struct hl_value *domains = hl_value_get(body, "domains");
    bool primary = hl_value_get_bool(body, "primary", false);

    if (!primary && hl_value_count(domains) == 0)
        return netbird_fail(c, 422, "nameserver group primary status is false and domains are empty, it should be primary or have at least one domain");
    if (primary && hl_value_count(domains) > 0)
        return netbird_fail(c, 422, "nameserver group primary status is true and domains are not empty, you should set either primary or domain");
    if (primary && hl_value_get_bool(body, "search_domains_enabled", false))
        return netbird_fail(c, 422,
                            "nameserver group primary status is true and search domains is enabled, you should not set search domains for primary "
                            "nameservers");
    for (size_t i = 0; i < hl_value_count(domains); i++)
        if (!check_domain(c, hl_value_item(domains, i)->text.data))
            return false;
    return true;
}

static bool check_name(struct netbird_call *c, const char *name, const char *id)
{
    size_t length = netbird_characters(name);

    if (length < 1 || length > 40)
        return netbird_fail(c, 422, "nameserver group name should be between 1 and 40");
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_NAMESERVER].count; i++) {
        const struct hl_value *other = netbird_at(c->netbird, NETBIRD_NAMESERVER, i);

        if (strcmp(netbird_text(other, "name"), name) == 0 && strcmp(netbird_text(other, "id"), id) != 0)
            return netbird_fail(c, 422, "nameserver group with name %s already exist", name);
    }
    return true;
}

/* --- Changes --- */

static struct hl_value *or_null(struct netbird_call *c, const struct hl_value *map, const char *key)
{
    struct hl_value *value = hl_value_get(map, key);

    return value == NULL ? hl_value_null(c->arena) : value;
}

static void save(struct netbird_call *c, const char *id, const struct hl_value *body, const struct hl_value *servers)
{
    static const char *const flags[] = {"enabled", "primary", "search_domains_enabled"};
    struct hl_value *group = hl_value_map(c->arena);

    if (!check_domains(c, body))
        return;
    if (hl_value_count(servers) == 0 || hl_value_count(servers) > 3) {
        netbird_fail(c, 422, "the list of nameservers should be 1 or 3, got %zu", hl_value_count(servers));
        return;
    }
    if (!check_name(c, netbird_text(body, "name"), id) || !netbird_check_groups(c, hl_value_get(body, "groups")))
        return;
    hl_value_map_put_text(group, "id", id);
    hl_value_map_put_text(group, "name", netbird_text(body, "name"));
    hl_value_map_put_text(group, "description", netbird_text(body, "description"));
    hl_value_map_put(group, "nameservers", hl_value_copy(c->arena, servers));
    hl_value_map_put(group, "groups", hl_value_get(body, "groups"));
    hl_value_map_put(group, "domains", or_null(c, body, "domains"));
    for (size_t i = 0; i < HL_COUNT(flags); i++)
        hl_value_map_put_bool(group, flags[i], hl_value_get_bool(body, flags[i], false));
    netbird_ok(c, netbird_put(c->netbird, NETBIRD_NAMESERVER, group));
}

void netbird_nameserver_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    struct hl_value *servers = NULL;

    if (body != NULL && parse_servers(c, hl_value_get(body, "nameservers"), &servers) && netbird_allow(c, NETBIRD_M_NAMESERVERS, NETBIRD_CREATE))
        save(c, netbird_new_id(c->netbird, c->arena), body, servers);
}

void netbird_nameserver_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    struct hl_value *servers = NULL;

    if (body != NULL && parse_servers(c, hl_value_get(body, "nameservers"), &servers) && netbird_allow(c, NETBIRD_M_NAMESERVERS, NETBIRD_UPDATE) &&
        find(c) != NULL)
        save(c, c->parts[0], body, servers);
}

void netbird_nameserver_delete(struct netbird_call *c)
{
    if (!netbird_allow(c, NETBIRD_M_NAMESERVERS, NETBIRD_DELETE) || find(c) == NULL)
        return;
    netbird_remove(c->netbird, NETBIRD_NAMESERVER, c->parts[0]);
    netbird_done(c);
}

/* --- Settings --- */

void netbird_dns_settings_get(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    if (!netbird_allow(c, NETBIRD_M_DNS, NETBIRD_READ))
        return;
    hl_value_map_put(out, "disabled_management_groups", netbird_texts(c, c->netbird->settings, "disabled_management_groups"));
    netbird_ok(c, out);
}

void netbird_dns_settings_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, settings_fields);
    struct hl_value *groups = or_null(c, body, "disabled_management_groups");

    if (body == NULL || !netbird_allow(c, NETBIRD_M_DNS, NETBIRD_UPDATE))
        return;
    if (hl_value_count(groups) > 0 && !netbird_check_groups(c, groups))
        return;
    hl_value_map_put(c->netbird->settings, "disabled_management_groups",
                     hl_value_copy(c->netbird->arena, netbird_texts(c, body, "disabled_management_groups")));

    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put(out, "disabled_management_groups", groups);
    netbird_ok(c, out);
}
