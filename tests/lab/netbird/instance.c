/* First set-up, the account, and what the server tells of itself. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field setup_fields[] = {
    {"email", NETBIRD_TEXT, NULL},      {"password", NETBIRD_TEXT, NULL},     {"name", NETBIRD_TEXT, NULL},
    {"create_pat", NETBIRD_BOOL, NULL}, {"pat_expire_in", NETBIRD_INT, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

/* --- The account --- */

static struct hl_value *default_rule(struct hl_arena *arena, const char *id, struct hl_value *groups)
{
    struct hl_value *rule = hl_value_map(arena);

    hl_value_map_put_text(rule, "id", id);
    hl_value_map_put_text(rule, "name", "Default");
    hl_value_map_put_text(rule, "description", "This is a default rule that allows connections between all the resources");
    hl_value_map_put_bool(rule, "enabled", true);
    hl_value_map_put_bool(rule, "bidirectional", true);
    hl_value_map_put_text(rule, "action", "accept");
    hl_value_map_put_text(rule, "protocol", "all");
    hl_value_map_put(rule, "sources", groups);
    hl_value_map_put(rule, "destinations", groups);
    return rule;
}

static void make_default_policy(struct netbird *netbird, struct hl_arena *arena, const char *group)
{
    const char *id = netbird_new_id(netbird, arena);
    struct hl_value *policy = hl_value_map(arena), *rules = hl_value_list(arena), *groups = hl_value_list(arena);

    hl_value_list_add(arena, groups, hl_value_text(arena, group));
    hl_value_list_add(arena, rules, default_rule(arena, id, groups));
    hl_value_map_put_text(policy, "id", id);
    hl_value_map_put_text(policy, "name", "Default");
    hl_value_map_put_text(policy, "description", "This is a default rule that allows connections between all the resources");
    hl_value_map_put_bool(policy, "enabled", true);
    hl_value_map_put(policy, "source_posture_checks", hl_value_null(arena));
    hl_value_map_put(policy, "rules", rules);
    netbird_put(netbird, NETBIRD_POLICY, policy);
}

void netbird_make_account(struct netbird *netbird, const struct hl_value *owner, bool signed_in)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *account = hl_value_map(netbird->arena), *group = hl_value_map(arena);
    const char *all = netbird_new_id(netbird, arena);

    hl_value_map_put_text(account, "id", netbird_new_id(netbird, arena));
    hl_value_map_put_text(account, "created_by", netbird_text(owner, "id"));
    hl_value_map_put_int(account, "created_at", netbird_now(netbird));
    hl_value_map_put_bool(account, "signed_in", signed_in);
    hl_value_map_put(netbird->settings, "account", account);
    hl_value_map_put_text(group, "id", all);
    hl_value_map_put_text(group, "name", "All");
    hl_value_map_put_text(group, "issued", "api");
    hl_value_map_put(group, "peers", hl_value_list(arena));
    hl_value_map_put(group, "resources", hl_value_list(arena));
    netbird_put(netbird, NETBIRD_GROUP, group);
    make_default_policy(netbird, arena, all);
}

static struct hl_value *find_all(struct netbird_call *c)
{
    struct hl_value *list = hl_value_list(c->arena);

    hl_value_list_add(c->arena, list, hl_value_get(netbird_find_group_by_name(c->netbird, "All"), "id"));
    return list;
}

/* What came with later versions. */
static void put_newer_settings(struct netbird_call *c, struct hl_value *out)
{
    static const struct {
        int minor;
        const char *name;
    } off[] = {{67, "auto_update_always"}, {71, "local_mfa_enabled"}, {74, "metrics_push_enabled"}, {75, "agent_network_only"}};

    for (size_t i = 0; i < HL_COUNT(off); i++)
        if (netbird_since(c->netbird, off[i].minor, 0))
            hl_value_map_put_bool(out, off[i].name, false);
    hl_value_map_put_bool(out, "lazy_connection_enabled", netbird_since(c->netbird, 74, 0));
    if (netbird_since(c->netbird, 71, 0)) {
        hl_value_map_put_text(out, "network_range", NETBIRD_NETWORK_START "0.0/16");
        hl_value_map_put_text(out, "network_range_v6", NETBIRD_NETWORK_V6_START ":/64");
        hl_value_map_put(out, "ipv6_enabled_groups", find_all(c));
    }
}

static struct hl_value *describe_extra(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_bool(out, "peer_approval_enabled", false);
    hl_value_map_put_bool(out, "user_approval_required", true);
    hl_value_map_put_bool(out, "network_traffic_logs_enabled", false);
    hl_value_map_put(out, "network_traffic_logs_groups", hl_value_null(c->arena));
    hl_value_map_put_bool(out, "network_traffic_packet_counter_enabled", false);
    return out;
}

static struct hl_value *describe_settings(struct netbird_call *c)
{
    static const char *const on[] = {"peer_login_expiration_enabled", "groups_propagation_enabled", "regular_users_view_blocked",
                                     "routing_peer_dns_resolution_enabled", "embedded_idp_enabled"};
    static const char *const off[] = {"peer_inactivity_expiration_enabled", "jwt_groups_enabled", "peer_expose_enabled", "local_auth_disabled"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(on); i++)
        hl_value_map_put_bool(out, on[i], true);
    for (size_t i = 0; i < HL_COUNT(off); i++)
        hl_value_map_put_bool(out, off[i], false);
    hl_value_map_put_int(out, "peer_login_expiration", 86400);
    hl_value_map_put_int(out, "peer_inactivity_expiration", 600);
    hl_value_map_put(out, "peer_expose_groups", hl_value_null(c->arena));
    hl_value_map_put_text(out, "jwt_groups_claim_name", "");
    hl_value_map_put(out, "jwt_allow_groups", hl_value_list(c->arena));
    hl_value_map_put_text(out, "dns_domain", "");
    hl_value_map_put_text(out, "auto_update_version", "disabled");
    hl_value_map_put(out, "extra", describe_extra(c));
    put_newer_settings(c, out);
    return out;
}

/* A list of one. */
void netbird_accounts(struct netbird_call *c)
{
    const struct hl_value *account = hl_value_get(c->netbird->settings, "account");
    struct hl_value *out = hl_value_map(c->arena), *list = hl_value_list(c->arena), *onboarding = hl_value_map(c->arena);
    bool signed_in = hl_value_get_bool(account, "signed_in", false);

    if (!netbird_allow(c, NETBIRD_M_ACCOUNTS, NETBIRD_READ))
        return;
    hl_value_map_put_bool(onboarding, "onboarding_flow_pending", true);
    hl_value_map_put_bool(onboarding, "signup_form_pending", true);
    hl_value_map_put_text(out, "id", netbird_text(account, "id"));
    hl_value_map_put_text(out, "created_by", netbird_text(account, "created_by"));
    hl_value_map_put(out, "created_at", netbird_time(c->arena, netbird_stored_ns(hl_value_get_int(account, "created_at", 0)), 0));
    hl_value_map_put_text(out, "domain", signed_in ? netbird_dns_domain(c->netbird) : "");
    hl_value_map_put_text(out, "domain_category", signed_in ? "private" : "");
    hl_value_map_put(out, "onboarding", onboarding);
    hl_value_map_put(out, "settings", describe_settings(c));
    hl_value_list_add(c->arena, list, out);
    netbird_ok(c, list);
}

/* --- The instance --- */

static bool is_set_up(const struct netbird *netbird)
{
    return netbird->tables[NETBIRD_USER].count > 0 || hl_value_get(netbird->settings, "account") != NULL;
}

void netbird_instance(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_bool(out, "setup_required", !is_set_up(c->netbird));
    netbird_ok(c, out);
}

void netbird_version(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "management_current_version", lab_options(c->netbird->lab)->netbird);
    hl_value_map_put_bool(out, "management_update_available", false);
    netbird_ok(c, out);
}

/* --- Set-up --- */

/* "a@b" or "Name <a@b>", as net/mail reads them; without quotes and comments. */
static bool is_mail(struct netbird_call *c, const char *text)
{
    size_t length = strlen(text);
    const char *open = strchr(text, '<');
    bool named = open != NULL && text[length - 1] == '>';
    const char *bare = named ? hl_arena_copy(c->arena, open + 1, strlen(open) - 2) : text;
    const char *at = strchr(bare, '@');

    return at != NULL && at != bare && at[1] != '\0' && strchr(at + 1, '@') == NULL && strpbrk(bare, " \t\r\n()<>[]:;,\\\"") == NULL;
}

static bool check_setup(struct netbird_call *c, const struct hl_value *body)
{
    const char *email = netbird_text(body, "email"), *password = netbird_text(body, "password");

    if (*email == '\0')
        return netbird_fail(c, 422, "email is required");
    if (!is_mail(c, email))
        return netbird_fail(c, 422, "invalid email format");
    if (*netbird_text(body, "name") == '\0')
        return netbird_fail(c, 422, "name is required");
    if (*password == '\0')
        return netbird_fail(c, 422, "password is required");
    if (strlen(password) < 8)
        return netbird_fail(c, 422, "password must be at least 8 characters");
    if (strlen(password) > 72 && netbird_since(c->netbird, 68, 0))
        return netbird_fail(c, 422, "password must be at most 72 characters");
    return !is_set_up(c->netbird) || netbird_fail(c, 412, "setup already completed");
}

/* The user of the identity provider; with create_pat, where the server heeds it, also the account and an owner's token. Else the account
 * comes with the first signed token. */
void netbird_setup(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body_or_say(c, setup_fields, "invalid request body");
    bool with_token = hl_value_get_bool(body, "create_pat", false) && netbird_since(c->netbird, 70, 5) && c->netbird->setup_token;
    int64_t days = hl_value_get_int(body, "pat_expire_in", 1);
    struct hl_value *out = hl_value_map(c->arena);

    if (body == NULL)
        return;
    if (with_token && (days < 1 || days > 365)) {
        netbird_fail(c, 422, "pat_expire_in must be between 1 and 365");
        return;
    }
    if (!check_setup(c, body))
        return;
    if (strlen(netbird_text(body, "password")) > 72) { /* versions that do not check it: bcrypt takes no more */
        netbird_fail_internal(c);
        return;
    }

    const struct hl_value *user =
        netbird_make_person(c->netbird, c->arena, netbird_text(body, "email"), netbird_text(body, "name"), "owner", netbird_text(body, "password"));
    const char *id = netbird_text(user, "id"), *token = netbird_new_token(c->arena, "nbp_");

    hl_value_map_put_text(out, "user_id", id);
    hl_value_map_put_text(out, "email", netbird_text(user, "email"));
    if (with_token) {
        netbird_make_account(c->netbird, user, false);
        netbird_make_token(c->netbird, id, id, "setup-token", days, token);
        hl_value_map_put_text(out, "personal_access_token", token);
    }
    lab_put_header(c->call, "Cache-Control", "no-store");
    netbird_ok(c, out);
}
