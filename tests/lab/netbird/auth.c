/* Who calls, and what the caller's role may do. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>
#include <strings.h>

/* --- Roles --- */

enum { NOTHING = 0, ALL = NETBIRD_READ | NETBIRD_CREATE | NETBIRD_UPDATE | NETBIRD_DELETE };

static const char *const module_names[] = {
    [NETBIRD_M_NETWORKS] = "networks",
    [NETBIRD_M_PEERS] = "peers",
    [NETBIRD_M_REMOTE_JOBS] = "remote_jobs",
    [NETBIRD_M_GROUPS] = "groups",
    [NETBIRD_M_SETTINGS] = "settings",
    [NETBIRD_M_ACCOUNTS] = "accounts",
    [NETBIRD_M_DNS] = "dns",
    [NETBIRD_M_NAMESERVERS] = "nameservers",
    [NETBIRD_M_EVENTS] = "events",
    [NETBIRD_M_POLICIES] = "policies",
    [NETBIRD_M_ROUTES] = "routes",
    [NETBIRD_M_USERS] = "users",
    [NETBIRD_M_SETUP_KEYS] = "setup_keys",
    [NETBIRD_M_PATS] = "pats",
    [NETBIRD_M_IDENTITY_PROVIDERS] = "identity_providers",
    [NETBIRD_M_SERVICES] = "services",
};
_Static_assert(HL_COUNT(module_names) == NETBIRD_MODULES, "a name for each module");

/* Told since 0.74; nothing of them is here, and no role names them. */
static const char *const newer_modules[] = {
    "agent_network",          "agent_network.budgets",   "agent_network.guardrails", "agent_network.logs",
    "agent_network.policies", "agent_network.providers", "agent_network.settings",   "agent_network.usage",
};

static const unsigned admin_modules[NETBIRD_MODULES] = {[NETBIRD_M_ACCOUNTS] = NETBIRD_READ};
static const unsigned network_admin_modules[NETBIRD_MODULES] = {
    [NETBIRD_M_NETWORKS] = ALL,
    [NETBIRD_M_GROUPS] = ALL,
    [NETBIRD_M_DNS] = ALL,
    [NETBIRD_M_NAMESERVERS] = ALL,
    [NETBIRD_M_POLICIES] = ALL,
    [NETBIRD_M_ROUTES] = ALL,
    [NETBIRD_M_PATS] = ALL,
    [NETBIRD_M_SETTINGS] = NETBIRD_READ,
    [NETBIRD_M_ACCOUNTS] = NETBIRD_READ,
    [NETBIRD_M_EVENTS] = NETBIRD_READ,
    [NETBIRD_M_USERS] = NETBIRD_READ,
    [NETBIRD_M_SETUP_KEYS] = NETBIRD_READ,
    [NETBIRD_M_PEERS] = NETBIRD_READ,
    [NETBIRD_M_IDENTITY_PROVIDERS] = NETBIRD_READ,
};

static const struct {
    const char *name;
    bool known;              /* the server has permissions for it; for billing_admin it has none */
    unsigned fallback;       /* where the role says nothing of the module */
    const unsigned *modules; /* or NULL */
} roles[] = {
    {"owner", true, ALL, NULL},
    {"admin", true, ALL, admin_modules},
    {"user", true, NOTHING, NULL},
    {"auditor", true, NETBIRD_READ, NULL},
    {"network_admin", true, NOTHING, network_admin_modules},
    {"billing_admin", false, NOTHING, NULL},
};

static size_t number_of_role(const char *name)
{
    size_t i = 0;

    while (i < HL_COUNT(roles) && strcasecmp(roles[i].name, name) != 0)
        i++;
    return i;
}

const char *netbird_role(const char *text)
{
    size_t number = number_of_role(text);

    return number == HL_COUNT(roles) ? NULL : roles[number].name;
}

bool netbird_is_admin(const struct hl_value *user)
{
    const char *role = netbird_text(user, "role");

    return strcmp(role, "owner") == 0 || strcmp(role, "admin") == 0;
}

static unsigned rights(size_t role, enum netbird_module module)
{
    const unsigned *modules = roles[role].modules;

    return modules == NULL || modules[module] == 0 ? roles[role].fallback : modules[module];
}

static struct hl_value *describe_rights(struct netbird_call *c, unsigned allowed)
{
    static const struct {
        const char *name;
        enum netbird_operation operation;
    } operations[] = {{"create", NETBIRD_CREATE}, {"delete", NETBIRD_DELETE}, {"read", NETBIRD_READ}, {"update", NETBIRD_UPDATE}};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(operations); i++)
        hl_value_map_put_bool(out, operations[i].name, (allowed & operations[i].operation) != 0);
    return out;
}

struct hl_value *netbird_describe_permissions(struct netbird_call *c, const char *role)
{
    struct hl_value *out = hl_value_map(c->arena);
    size_t number = number_of_role(role);
    bool known = number < HL_COUNT(roles) && roles[number].known;

    for (enum netbird_module module = 0; known && module < NETBIRD_MODULES; module++)
        hl_value_map_put(out, module_names[module], describe_rights(c, rights(number, module)));
    for (size_t i = 0; known && netbird_since(c->netbird, 74, 0) && i < HL_COUNT(newer_modules); i++)
        hl_value_map_put(out, newer_modules[i], describe_rights(c, roles[number].fallback));
    return out;
}

bool netbird_ask(struct netbird_call *c, enum netbird_module module, enum netbird_operation operation, bool *may)
{
    const char *role = netbird_text(c->user, "role");
    size_t number = number_of_role(role);

    *may = true;
    /* Where groups are read, the server tells the reason alone. */
    const char *what = module == NETBIRD_M_GROUPS && operation == NETBIRD_READ ? "" : "failed to validate user permissions: ";

    if (hl_value_get_bool(c->user, "blocked", false))
        return netbird_fail(c, 403, "%suser is blocked", what);
    if (operation == NETBIRD_READ && hl_value_get_bool(c->user, "service", false))
        return true; /* a service user may read everything, whatever its role */
    if (number == HL_COUNT(roles) || !roles[number].known)
        return netbird_fail(c, 403, "%suser role: %s not found", what, role);
    *may = (rights(number, module) & operation) != 0;
    return true;
}

bool netbird_allow(struct netbird_call *c, enum netbird_module module, enum netbird_operation operation)
{
    bool may = false;

    return netbird_ask(c, module, operation, &may) && (may || netbird_fail(c, 403, "permission denied"));
}

/* --- Who --- */

static bool contains_word(const char *text, const char *word)
{
    for (; text != NULL && *text != '\0'; text++)
        if (strncasecmp(text, word, strlen(word)) == 0)
            return true;
    return false;
}

/* A bucket of `burst` calls a token, filled by 6 a minute. */
static bool within_rate(struct netbird_call *c, const char *token)
{
    struct netbird *netbird = c->netbird;
    const char *hash = netbird_hash(c->arena, token);
    struct netbird_bucket *bucket = hl_map_find(&netbird->buckets, hash);
    int64_t now = netbird_now(netbird);

    if (netbird->burst < 0 || contains_word(lab_header(c->call, "user-agent"), "terraform"))
        return true;
    if (bucket == NULL) {
        bucket = hl_arena_alloc(netbird->arena, sizeof(*bucket));
        *bucket = (struct netbird_bucket){.tokens = (double)netbird->burst, .filled_ns = now};
        hl_map_put(&netbird->buckets, hash, bucket);
    }
    bucket->tokens += (double)(now - bucket->filled_ns) / 10e9;
    bucket->tokens = bucket->tokens > (double)netbird->burst ? (double)netbird->burst : bucket->tokens;
    bucket->filled_ns = now;
    if (bucket->tokens < 1)
        return netbird_fail(c, 429, "too many requests");
    bucket->tokens -= 1;
    return true;
}

/* A token that was deleted, or belongs to another server, is 404 and not 401. */
static bool take_token(struct netbird_call *c, const char *token)
{
    const char *hash = netbird_hash(c->arena, token);
    struct hl_value *found = hl_map_find(&c->netbird->tokens_by_hash, hash);

    if (!within_rate(c, token))
        return false;
    if (found == NULL && !netbird_token_is_well_formed(token))
        return netbird_fail(c, 401, "token invalid");
    c->user = netbird_find(c->netbird, NETBIRD_USER, netbird_text(found, "user"));
    if (found == NULL || c->user == NULL)
        return netbird_fail(c, 404, "invalid Token: PAT: %s not found", hash);
    if (hl_value_get_int(found, "expires", 0) < netbird_now(c->netbird))
        return netbird_fail(c, 401, "token invalid");
    hl_value_get(found, "last_used")->integer = netbird_now(c->netbird);
    return true;
}

/* The first token of a person makes the account. */
static bool take_signed(struct netbird_call *c, const char *token)
{
    const struct hl_value *claims = netbird_verify(c->netbird, c->arena, token);
    struct hl_value *user = netbird_find(c->netbird, NETBIRD_USER, netbird_text(claims, "sub"));

    if (user == NULL)
        return netbird_fail(c, 401, "token invalid");
    if (hl_value_get(c->netbird->settings, "account") == NULL) {
        netbird_make_account(c->netbird, user, true);
        c->changed = true;
    }
    hl_value_get(user, "last_login")->integer = netbird_now(c->netbird);
    c->user = user;
    return true;
}

bool netbird_authenticate(struct netbird_call *c)
{
    const char *header = lab_header(c->call, "authorization");
    const char *blank = header == NULL ? NULL : strchr(header, ' ');
    const char *token = blank == NULL ? "" : blank + 1;
    size_t length = header == NULL ? 0 : strcspn(header, " ");
    bool is_bearer = length == 6 && strncasecmp(header, "bearer", 6) == 0;
    bool is_token = (length == 5 && strncasecmp(header, "token", 5) == 0) || (is_bearer && hl_starts_with(token, "nbp_"));

    if (!is_bearer && !is_token)
        return netbird_fail(c, 401, "no valid authentication provided");
    if (blank == NULL || strchr(token, ' ') != NULL) /* exactly two parts */
        return netbird_fail(c, 401, "token invalid");
    return is_token ? take_token(c, token) : take_signed(c, token);
}
