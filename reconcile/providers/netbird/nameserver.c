/* The kind `nameserver`: DNS servers that peers ask, for all names or for those of some domains. */
#include "config.h"

#include "reconcile/providers/netbird/address.h"
#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/parts.h"

#include <string.h>

enum { NAME_MOST = 40, SERVERS_MOST = 3 };

/* ---- the table ---- */

static void check_ip(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && hl_netbird_host(check->arena, value->text.data, NULL) == NULL)
        hl_diag_error(check->diags, value->at, "'%s' is no IP address", value->text.data);
}

static void check_servers(struct hl_check *check, const struct hl_value *list)
{
    if (hl_value_is(list, HL_LIST) && (hl_value_count(list) == 0 || hl_value_count(list) > SERVERS_MOST))
        hl_diag_error(check->diags, list->at, "there are 1 to %d DNS servers, found %zu", SERVERS_MOST, hl_value_count(list));
}

static void check_domains(struct hl_check *check, const struct hl_value *list)
{
    hl_netbird_check_domains(check, list);
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        if (hl_value_is(item, HL_TEXT) && hl_starts_with(item->text.data, "*."))
            hl_diag_hint(check->diags, hl_diag_error(check->diags, item->at, "'%s': NetBird takes no wildcard here", item->text.data),
                         "%s takes in all names below it", item->text.data + 2);
    }
}

static const char *const server_types[] = {"udp", NULL};

static const struct hl_field server_fields[] = {
    {.name = "ip", .type = HL_F_STRING, .required = true, .check = check_ip, .doc = "its address", .example = "1.1.1.1"},
    {.name = "ns_type", .type = HL_F_STRING, .allowed = server_types, .fallback = "udp", .doc = "how it is asked"},
    {.name = "port", .type = HL_F_INT, .minimum = 1, .maximum = 65535, .fallback = "53", .doc = "its port"},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    {.name = "nameservers",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = server_fields,
     .forms = HL_FORM_SINGLE,
     .required = true,
     .shorthand = hl_netbird_short_server,
     .normalise = hl_netbird_normal_servers,
     .check = check_servers,
     .doc = "one to three DNS servers: address[:port]",
     .example = "[1.1.1.1, \"9.9.9.9:5353\", \"[2606:4700::1111]:53\"]"},
    {.name = "groups",
     HL_NETBIRD_GROUP_NAMES,
     .required = true,
     .check = hl_netbird_check_some,
     .doc = "groups whose peers ask them; All is every peer",
     .example = "[All]"},
    {.name = "domains",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .normalise = hl_netbird_normal_domains,
     .check = check_domains,
     .doc = "they are asked for names in these domains only; without any they are `primary`; letters beyond ASCII are kept as punycode",
     .example = "[lab.example.org]"},
    {.name = "primary", .type = HL_F_BOOL, .doc = "asked for all names; when not said: true without `domains`, else false"},
    {.name = "search_domains_enabled",
     .type = HL_F_BOOL,
     .fallback = "false",
     .doc = "peers put `domains` behind a short name as well (nas -> nas.lab.example.org)"},
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether peers get them at all"},
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static void check_name(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *name = hl_value_get(body, "name");

    if (hl_value_is(name, HL_TEXT) && (name->text.length == 0 || hl_netbird_length(name->text.data) > NAME_MOST))
        hl_diag_error(check->diags, name->at, "the name of a nameserver has 1 to %d characters", NAME_MOST);
}

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *primary = hl_value_get(body, "primary");
    const struct hl_value *domains = hl_value_get(body, "domains");
    const struct hl_value *search = hl_value_get(body, "search_domains_enabled");
    const bool has_domains = hl_value_is(domains, HL_UNKNOWN) || hl_value_count(domains) > 0;

    check_name(check, body);
    if (hl_value_is(primary, HL_BOOL) && primary->boolean && has_domains)
        hl_diag_error(check->diags, primary->at, "nameserver '%s' is asked for all names ('primary') or for those of 'domains', not both", check->name);
    if (hl_value_is(primary, HL_BOOL) && !primary->boolean && !has_domains)
        hl_diag_error(check->diags, primary->at, "nameserver '%s' needs 'domains', or 'primary: true' to be asked for all names", check->name);
    if (hl_value_is(search, HL_BOOL) && search->boolean && !has_domains)
        hl_diag_error(check->diags, search->at, "'search_domains_enabled' needs 'domains' to search in");
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_spell(check, body, "groups", "group");
    /* One follows from the other, and the server wants both said. */
    if (hl_value_get(body, "primary") == NULL && !hl_value_is(hl_value_get(body, "domains"), HL_UNKNOWN))
        hl_value_map_put_bool(body, "primary", hl_value_count(hl_value_get(body, "domains")) == 0);
}

/* ---- from NetBird, and to it ---- */

static bool read_nameserver(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                            struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id", "name", "primary", "search_domains_enabled", "enabled", "description", NULL};
    const struct hl_value *servers = hl_value_get(object, "nameservers");
    const struct hl_value *domains = hl_value_get(object, "domains");

    hl_netbird_take(arena, object, plain, values);
    if (hl_value_count(servers) > 0)
        hl_value_map_put(values, "nameservers", hl_netbird_normal_servers(arena, hl_value_copy(arena, servers)));
    if (hl_value_count(domains) > 0)
        hl_value_map_put(values, "domains", hl_netbird_normal_domains(arena, hl_value_copy(arena, domains)));
    return hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "groups", object, desired, values, err);
}

/* In brackets an IPv6 address is taken by all versions (netbird.md 9); they answer without. */
static struct hl_value *servers_body(struct hl_arena *arena, const struct hl_value *servers)
{
    struct hl_value *list = hl_netbird_normal_servers(arena, hl_value_copy(arena, servers));

    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *server = hl_value_item(list, i);
        const char *ip = hl_value_get_text(server, "ip");
        if (ip != NULL && strchr(ip, ':') != NULL)
            hl_value_map_put_text(server, "ip", hl_arena_printf(arena, "[%s]", ip));
    }
    return list;
}

static bool write_nameserver(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                             struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"name", "domains", "primary", "search_domains_enabled", "enabled", "description", NULL};
    const struct hl_value *servers = hl_value_get(desired, "nameservers");

    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    hl_value_map_put(body, "nameservers", servers_body(arena, servers != NULL ? servers : hl_value_get(object, "nameservers")));
    /* What says nothing of domains is asked for all names, however the object was. */
    if (hl_value_get_bool(body, "primary", false))
        hl_value_map_put(body, "domains", hl_value_list(arena));
    return hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", "groups", desired, object, body, err);
}

static const struct hl_netbird_form form = {
    .verbs = HL_NETBIRD_VERBS,
    .list = HL_NETBIRD_NAMESERVERS,
    .what = "nameserver",
    .collection = "/api/dns/nameservers",
    .read = read_nameserver,
    .write = write_nameserver,
};

const struct hl_kind hl_kind_nameserver = {
    .name = "nameserver",
    .section = "nameservers",
    .provider = "netbird",
    .doc = "DNS servers that peers ask, for all names or for those of some domains",
    .example = "nameservers: [192.168.1.1]\ndomains: [lab.example.org]\ngroups: [All]\n",
    .fields = fields,
    .check = check_body,
    .complete = complete_body,
    .verbs = &form.verbs,
};
