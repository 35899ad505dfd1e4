#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <stdlib.h>
#include <string.h>

/* --- Routes --- */

struct route {
    const char *method;
    const char *pattern; /* a '*' is one segment that is not empty */
    netbird_handler *handler;
    bool open; /* without authentication */
};

#define PROXY_TOKENS "/api/reverse-proxies/proxy-tokens" /* from 0.71 on */

/* From top to bottom: the fixed ones before those with a star. */
static const struct route routes[] = {
    {"GET", "/api/instance", netbird_instance, true},
    {"POST", "/api/setup", netbird_setup, true},
    {"GET", "/api/instance/version", netbird_version, false},
    {"GET", "/api/accounts", netbird_accounts, false},
    {"GET", "/api/setup-keys", netbird_keys_list, false},
    {"POST", "/api/setup-keys", netbird_key_create, false},
    {"GET", "/api/setup-keys/*", netbird_key_get, false},
    {"PUT", "/api/setup-keys/*", netbird_key_update, false},
    {"DELETE", "/api/setup-keys/*", netbird_key_delete, false},
    {"GET", "/api/routes", netbird_routes_list, false},
    {"POST", "/api/routes", netbird_route_create, false},
    {"GET", "/api/routes/*", netbird_route_get, false},
    {"PUT", "/api/routes/*", netbird_route_update, false},
    {"DELETE", "/api/routes/*", netbird_route_delete, false},
    {"GET", "/api/groups", netbird_groups_list, false},
    {"POST", "/api/groups", netbird_group_create, false},
    {"GET", "/api/groups/*", netbird_group_get, false},
    {"PUT", "/api/groups/*", netbird_group_update, false},
    {"DELETE", "/api/groups/*", netbird_group_delete, false},
    {"GET", "/api/peers", netbird_peers_list, false},
    {"GET", "/api/peers/*", netbird_peer_get, false},
    {"PUT", "/api/peers/*", netbird_peer_update, false},
    {"DELETE", "/api/peers/*", netbird_peer_delete, false},
    {"GET", "/api/peers/*/accessible-peers", netbird_peer_accessible, false},
    {"GET", "/api/users", netbird_users_list, false},
    {"POST", "/api/users", netbird_user_create, false},
    {"GET", "/api/users/current", netbird_user_current, false},
    {"PUT", "/api/users/*", netbird_user_update, false},
    {"DELETE", "/api/users/*", netbird_user_delete, false},
    {"POST", "/api/users/*/invite", netbird_user_invite, false},
    {"POST", "/api/users/*/approve", netbird_user_approve, false},
    {"DELETE", "/api/users/*/reject", netbird_user_reject, false},
    {"PUT", "/api/users/*/password", netbird_user_password, false},
    {"GET", "/api/users/*/tokens", netbird_tokens_list, false},
    {"POST", "/api/users/*/tokens", netbird_token_create, false},
    {"GET", "/api/users/*/tokens/*", netbird_token_get, false},
    {"DELETE", "/api/users/*/tokens/*", netbird_token_delete, false},
    {"GET", "/api/networks", netbird_networks_list, false},
    {"POST", "/api/networks", netbird_network_create, false},
    {"GET", "/api/networks/resources", netbird_resources_all, false},
    {"GET", "/api/networks/routers", netbird_routers_all, false},
    {"GET", "/api/networks/*", netbird_network_get, false},
    {"PUT", "/api/networks/*", netbird_network_update, false},
    {"DELETE", "/api/networks/*", netbird_network_delete, false},
    {"GET", "/api/networks/*/resources", netbird_resources_list, false},
    {"POST", "/api/networks/*/resources", netbird_resource_create, false},
    {"GET", "/api/networks/*/resources/*", netbird_resource_get, false},
    {"PUT", "/api/networks/*/resources/*", netbird_resource_update, false},
    {"DELETE", "/api/networks/*/resources/*", netbird_resource_delete, false},
    {"GET", "/api/networks/*/routers", netbird_routers_list, false},
    {"POST", "/api/networks/*/routers", netbird_router_create, false},
    {"GET", "/api/networks/*/routers/*", netbird_router_get, false},
    {"PUT", "/api/networks/*/routers/*", netbird_router_update, false},
    {"DELETE", "/api/networks/*/routers/*", netbird_router_delete, false},
    {"GET", "/api/policies", netbird_policies_list, false},
    {"POST", "/api/policies", netbird_policy_create, false},
    {"GET", "/api/policies/*", netbird_policy_get, false},
    {"PUT", "/api/policies/*", netbird_policy_update, false},
    {"DELETE", "/api/policies/*", netbird_policy_delete, false},
    {"GET", "/api/posture-checks", netbird_posture_checks_list, false},
    {"GET", "/api/posture-checks/*", netbird_posture_check_missing, false},
    {"PUT", "/api/posture-checks/*", netbird_posture_check_missing, false},
    {"DELETE", "/api/posture-checks/*", netbird_posture_check_missing, false},
    {"GET", "/api/dns/nameservers", netbird_nameservers_list, false},
    {"POST", "/api/dns/nameservers", netbird_nameserver_create, false},
    {"GET", "/api/dns/nameservers/*", netbird_nameserver_get, false},
    {"PUT", "/api/dns/nameservers/*", netbird_nameserver_update, false},
    {"DELETE", "/api/dns/nameservers/*", netbird_nameserver_delete, false},
    {"GET", "/api/dns/settings", netbird_dns_settings_get, false},
    {"PUT", "/api/dns/settings", netbird_dns_settings_update, false},
    {"GET", "/api/dns/zones", netbird_zones_list, false},
    {"POST", "/api/dns/zones", netbird_zone_create, false},
    {"GET", "/api/dns/zones/*", netbird_zone_get, false},
    {"PUT", "/api/dns/zones/*", netbird_zone_update, false},
    {"DELETE", "/api/dns/zones/*", netbird_zone_delete, false},
    {"GET", "/api/dns/zones/*/records", netbird_records_list, false},
    {"POST", "/api/dns/zones/*/records", netbird_record_create, false},
    {"GET", "/api/dns/zones/*/records/*", netbird_record_get, false},
    {"PUT", "/api/dns/zones/*/records/*", netbird_record_update, false},
    {"DELETE", "/api/dns/zones/*/records/*", netbird_record_delete, false},
    {"GET", "/api/identity-providers", netbird_providers_list, false},
    {"POST", "/api/identity-providers", netbird_provider_create, false},
    {"GET", "/api/identity-providers/*", netbird_provider_get, false},
    {"PUT", "/api/identity-providers/*", netbird_provider_update, false},
    {"DELETE", "/api/identity-providers/*", netbird_provider_delete, false},
    {"GET", PROXY_TOKENS, netbird_proxy_tokens_list, false},
    {"POST", PROXY_TOKENS, netbird_proxy_token_create, false},
    {"DELETE", PROXY_TOKENS "/*", netbird_proxy_token_revoke, false},
    {"GET", "/oauth2/.well-known/openid-configuration", netbird_oidc_discovery, true},
    {"GET", "/oauth2/auth", netbird_oidc_authorize, true},
    {"GET", "/oauth2/auth/local", netbird_oidc_connector, true},
    {"GET", "/oauth2/auth/local/login", netbird_oidc_form, true},
    {"POST", "/oauth2/auth/local/login", netbird_oidc_login, true},
    {"POST", "/oauth2/token", netbird_oidc_token, true},
    {"POST", "/lab/peers", netbird_peer_enrol, true},
    {"DELETE", "/lab/peers/*", netbird_peer_unenrol, true},
    {"POST", "/lab/clock", netbird_lab_clock, true},
    {"POST", "/lab/html", netbird_lab_html, true},
    {"POST", "/lab/rate-limit", netbird_lab_rate_limit, true},
    {"POST", "/lab/netbird", netbird_lab_behind, true},
};

static bool fits(struct netbird_call *c, const char *pattern, const char *path)
{
    size_t part = 0;

    while (*pattern != '\0' && *path != '\0') {
        if (*pattern == '*') {
            size_t length = strcspn(path, "/");

            if (length == 0 || part == NETBIRD_PARTS)
                return false;
            c->parts[part++] = hl_arena_copy(c->arena, path, length);
            path += length;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == *path;
}

/* NULL: there is none, and it was answered. A wrong verb is no other answer than a wrong path. */
static const struct route *find_route(struct netbird_call *c, const char *path)
{
    bool has_proxy_tokens = netbird_since(c->netbird, 71, 0);

    for (size_t i = 0; i < HL_COUNT(routes); i++) {
        if (strcmp(routes[i].method, c->call->method) != 0 || !fits(c, routes[i].pattern, path))
            continue;
        if (has_proxy_tokens || !hl_starts_with(routes[i].pattern, PROXY_TOKENS))
            return &routes[i];
    }
    netbird_not_found(c);
    return NULL;
}

/* --- A call --- */

/* A proxy that does not reach its server. */
static void answer_html(struct netbird_call *c)
{
    c->netbird->html_answers--;
    lab_answer_text(c->call, 502, "text/html",
                    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
                    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n");
}

/* The router cleans paths, and sends the client to the clean one. */
static void redirect(struct netbird_call *c, const char *path)
{
    char *clean = hl_arena_alloc(c->arena, strlen(path) + 1), *end = clean;

    for (const char *at = path; *at != '\0'; at++)
        if (at[0] != '/' || at[1] != '/')
            *end++ = *at;
    lab_put_header(c->call, "Location", "%s", clean);
    lab_answer(c->call, 301);
}

static void handle(struct netbird_call *c, const char *path)
{
    const struct route *route = NULL;

    if (strstr(path, "//") != NULL) {
        redirect(c, path);
        return;
    }
    route = find_route(c, path);
    if (route != NULL && (route->open || netbird_authenticate(c)))
        route->handler(c);
}

static void serve(void *data, struct lab_call *call)
{
    struct netbird *netbird = data;
    struct netbird_call c = {.netbird = netbird, .call = call, .arena = call->arena, .parts = {"", "", ""}};
    const char *path = lab_decode(call->arena, call->path, strlen(call->path), false);

    if (netbird->html_answers > 0 && !hl_starts_with(path, "/lab/")) {
        answer_html(&c);
        return;
    }
    netbird_settle(netbird);
    handle(&c, path);
    if (c.changed || (strcmp(call->method, "GET") != 0 && call->status < 400))
        netbird_save(netbird);
}

/* --- Switches --- */

static const struct netbird_field switch_fields[] = {
    {"add_seconds", NETBIRD_INT, NULL}, {"count", NETBIRD_INT, NULL}, {"burst", NETBIRD_INT, NULL}, {NULL, NETBIRD_TEXT, NULL}};

void netbird_lab_clock(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, switch_fields);
    struct hl_value *out = hl_value_map(c->arena);

    if (body == NULL)
        return;
    hl_value_map_put_int(c->netbird->settings, "clock",
                         hl_value_get_int(c->netbird->settings, "clock", 0) + hl_value_get_int(body, "add_seconds", 0) * 1000000000);
    hl_value_map_put(out, "now", netbird_time(c->arena, netbird_now(c->netbird), 0));
    netbird_ok(c, out);
}

void netbird_lab_html(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, switch_fields);

    if (body == NULL)
        return;
    c->netbird->html_answers = hl_value_get_int(body, "count", 0);
    netbird_done(c);
}

void netbird_lab_rate_limit(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, switch_fields);

    if (body == NULL)
        return;
    c->netbird->burst = hl_value_get_int(body, "burst", -1);
    hl_map_init(&c->netbird->buckets, c->netbird->arena);
    netbird_done(c);
}

/* --- Open and close --- */

/* An owner with the token of the environment, so that a test needs no set-up. */
static void set_up(struct netbird *netbird, const char *token)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *owner = netbird_find_person(netbird, "owner@netbird.test");

    if (hl_map_find(&netbird->tokens_by_hash, netbird_hash(arena, token)) != NULL)
        return;
    if (owner == NULL)
        owner = netbird_make_person(netbird, arena, "owner@netbird.test", "Owner", "owner", netbird_new_password(arena));
    if (hl_value_get(netbird->settings, "account") == NULL)
        netbird_make_account(netbird, owner, true);
    netbird_make_token(netbird, netbird_text(owner, "id"), netbird_text(owner, "id"), "lab", 365, token);
    netbird_save(netbird);
}

static void *open_netbird(struct lab *lab)
{
    struct netbird *netbird = hl_alloc(sizeof(*netbird));
    const char *token = getenv("HLREC_LAB_NETBIRD_TOKEN"), *setup_token = getenv("HLREC_LAB_NETBIRD_PAT");

    netbird->lab = lab;
    netbird->arena = hl_arena_new();
    netbird->burst = -1;
    netbird->setup_token = setup_token == NULL || strcmp(setup_token, "off") != 0;
    hl_map_init(&netbird->buckets, netbird->arena);
    hl_map_init(&netbird->logins, netbird->arena);
    hl_map_init(&netbird->codes, netbird->arena);
    netbird_open_world(netbird);
    if (!hl_is_blank(token))
        set_up(netbird, token);
    return netbird;
}

static void close_netbird(void *data)
{
    struct netbird *netbird = data;

    for (enum netbird_kind kind = 0; kind < NETBIRD_KINDS; kind++)
        free(netbird->tables[kind].items);
    hl_arena_free(netbird->arena);
    free(netbird);
}

const struct lab_api lab_api_netbird = {
    .name = "netbird",
    .variable = "HLREC_LAB_NETBIRD",
    .socket = NULL,
    .scheme = "http",
    .open = open_netbird,
    .close = close_netbird,
    .serve = serve,
};
