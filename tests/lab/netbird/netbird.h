/* The management server of NetBird, with its embedded identity provider, as its clients see it: which answers it gives, in which form,
 * with which words. Behaviour and texts follow v0.66.0 to v0.77.1; what changed between is asked with netbird_since().
 *
 * Objects are hl_value maps in the arena of the world, by kind and id. They hold what the server's database would: lists of ids, times as
 * nanoseconds since 1970 (0: never), hashes instead of keys. Handlers make the answer from them, and put changed copies in their place.
 *
 * Beyond the API there are, without authentication:
 *   POST /lab/peers {"setup_key", "hostname", "id", "connected"}   what the agent does: joins with a key, or reports as peer `id`
 *   DELETE /lab/peers/ID                                           the peer leaves
 *   POST /lab/clock {"add_seconds": N}                             for all that expires
 *   POST /lab/html {"count": N}                                    a proxy in front answers the next N calls with 502 and HTML
 *   POST /lab/rate-limit {"burst": N}                              NB_API_RATE_LIMITING_ENABLED with this burst; negative: off
 *   POST /lab/netbird {"delete": "routes", "name": NAME}           what somebody else does meanwhile: see behind.c
 * Environment: HLREC_LAB_NETBIRD_TOKEN (set up already, with an owner who has this token), HLREC_LAB_NETBIRD_PAT=off (the server was
 * started without NB_SETUP_PAT_ENABLED). */
#ifndef HL_TESTS_LAB_NETBIRD_NETBIRD_H
#define HL_TESTS_LAB_NETBIRD_NETBIRD_H

#include "tests/lab/lab.h"

#define NETBIRD_NETWORK_START "100.92."                 /* of the addresses of peers, a /16 */
#define NETBIRD_NETWORK_V6_START "fd5c:41a8:9be2:7d03:" /* a /64 */

extern const struct lab_api lab_api_netbird;

enum netbird_kind {
    NETBIRD_GROUP,
    NETBIRD_SETUP_KEY,
    NETBIRD_ROUTE,
    NETBIRD_PEER,
    NETBIRD_USER,
    NETBIRD_TOKEN,
    NETBIRD_NETWORK,
    NETBIRD_RESOURCE,
    NETBIRD_ROUTER,
    NETBIRD_POLICY,
    NETBIRD_NAMESERVER,
    NETBIRD_ZONE,
    NETBIRD_RECORD,
    NETBIRD_IDENTITY_PROVIDER,
    NETBIRD_PROXY_TOKEN,
    NETBIRD_KINDS
};

struct netbird_object {
    size_t position; /* in items */
    struct hl_value *value;
};

/* What is gone stays in by_id as NULL: taking an entry out of a map costs its length. */
struct netbird_table {
    struct hl_map by_id;
    struct netbird_object **items; /* in no order that means anything */
    size_t count, capacity;
};

struct netbird {
    struct lab *lab;
    struct hl_arena *arena;
    int64_t version; /* 0.66.0 is 66000 */
    struct netbird_table tables[NETBIRD_KINDS];
    struct hl_map tokens_by_hash, keys_by_hash; /* of struct hl_value *, or NULL */
    struct hl_value *settings;                  /* "account" (absent before it is made), "clock" in ns, "seal" */
    uint64_t random;
    int64_t opened_ns;           /* when it was started */
    int64_t html_answers;        /* so many more */
    int64_t burst;               /* of the rate limit; negative: there is none */
    struct hl_map buckets;       /* token id -> struct netbird_bucket * */
    struct hl_map logins, codes; /* of the identity provider */
    bool setup_token;            /* NB_SETUP_PAT_ENABLED */
};

/* --- One call --- */

enum { NETBIRD_PARTS = 3 };

struct netbird_call {
    struct netbird *netbird;
    struct lab_call *call;
    struct hl_arena *arena;           /* the call's */
    const char *parts[NETBIRD_PARTS]; /* what the stars of the route matched */
    const struct hl_value *user;      /* who calls; NULL where nobody needs to be known */
    bool changed;                     /* the world is to be kept */
};

typedef void netbird_handler(struct netbird_call *c);

/* --- answer.c --- */

/* {"message", "code"} with the message in lower case, as the common writer of the server does. False, to be returned by checks. */
bool netbird_fail(struct netbird_call *c, int status, const char *format, ...) HL_PRINTF(3, 4);
/* The few messages that keep their case. */
bool netbird_fail_verbatim(struct netbird_call *c, int status, const char *format, ...) HL_PRINTF(3, 4);
/* 500 'internal server error': any error of the server that is no status error. */
bool netbird_fail_internal(struct netbird_call *c);
void netbird_ok(struct netbird_call *c, const struct hl_value *value);
void netbird_done(struct netbird_call *c);      /* {} */
void netbird_not_found(struct netbird_call *c); /* the router's: text/plain, no JSON */
/* Forgets what was answered, so that something else can be. */
void netbird_take_back(struct netbird_call *c);
/* The handler panicked: the connection ends without an answer. */
void netbird_drop_connection(struct netbird_call *c);

/* --- body.c: what Go's decoder makes of a body --- */

enum netbird_shape { NETBIRD_TEXT, NETBIRD_BOOL, NETBIRD_INT, NETBIRD_TEXTS, NETBIRD_OBJECT, NETBIRD_OBJECTS, NETBIRD_LISTS /* text -> texts */ };

struct netbird_field {
    const char *name;
    enum netbird_shape shape;
    const struct netbird_field *fields; /* of objects; ends with a NULL name */
};

/* A map of the known fields, whatever the case of their keys; null ones are absent. Answers 400 and gives NULL when a type is wrong. */
struct hl_value *netbird_body(struct netbird_call *c, const struct netbird_field *fields);
struct hl_value *netbird_body_or_say(struct netbird_call *c, const struct netbird_field *fields, const char *message);
/* For handlers that decode into a pointer: a body that is only `null` ends the connection. */
struct hl_value *netbird_body_or_drop(struct netbird_call *c, const struct netbird_field *fields);
/* "", false or 0 when absent, as Go has it; for texts: an empty list. */
const char *netbird_text(const struct hl_value *map, const char *key);
struct hl_value *netbird_texts(struct netbird_call *c, const struct hl_value *map, const char *key);

/* --- world.c --- */

struct hl_value *netbird_find(const struct netbird *netbird, enum netbird_kind kind, const char *id);
/* Copies `value`; one of the same "id" is replaced. */
struct hl_value *netbird_put(struct netbird *netbird, enum netbird_kind kind, const struct hl_value *value);
void netbird_remove(struct netbird *netbird, enum netbird_kind kind, const char *id);
static inline struct hl_value *netbird_at(const struct netbird *netbird, enum netbird_kind kind, size_t index)
{
    return netbird->tables[kind].items[index]->value;
}
/* A small copy-on-write: a copy of the top level, to be changed and put. */
struct hl_value *netbird_clone(struct netbird_call *c, const struct hl_value *value);
bool netbird_since(const struct netbird *netbird, int minor, int patch);
/* Of peers and the account: until 0.66.2 the host of exposedAddress, then a fixed one. */
const char *netbird_dns_domain(const struct netbird *netbird);
void netbird_open_world(struct netbird *netbird);
void netbird_save(const struct netbird *netbird);
int64_t netbird_now(const struct netbird *netbird);
const char *netbird_new_id(struct netbird *netbird, struct hl_arena *arena); /* like xid */
/* RFC 3339 as Go prints it: no zeros at the end of the fraction, "Z" or an offset; 0 is year 1. Nothing is before 1970: times after 2262 are negative
 * numbers, read as unsigned. */
struct hl_value *netbird_time(struct hl_arena *arena, int64_t ns, int offset_seconds);
/* What a database keeps of it: microseconds. Only the answer to a POST has all digits. */
int64_t netbird_stored_ns(int64_t ns);
/* Lists have no order: gives the list back with another one. */
struct hl_value *netbird_shuffle(struct netbird *netbird, struct hl_value *list);
bool netbird_list_has(const struct hl_value *list, const char *text);
/* The list without `text`, in `arena`. */
struct hl_value *netbird_list_without(struct hl_arena *arena, const struct hl_value *list, const char *text);

/* --- auth.c --- */

enum netbird_module {
    NETBIRD_M_NETWORKS,
    NETBIRD_M_PEERS,
    NETBIRD_M_REMOTE_JOBS,
    NETBIRD_M_GROUPS,
    NETBIRD_M_SETTINGS,
    NETBIRD_M_ACCOUNTS,
    NETBIRD_M_DNS,
    NETBIRD_M_NAMESERVERS,
    NETBIRD_M_EVENTS,
    NETBIRD_M_POLICIES,
    NETBIRD_M_ROUTES,
    NETBIRD_M_USERS,
    NETBIRD_M_SETUP_KEYS,
    NETBIRD_M_PATS,
    NETBIRD_M_IDENTITY_PROVIDERS,
    NETBIRD_M_SERVICES,
    NETBIRD_MODULES
};

enum netbird_operation { NETBIRD_READ = 1, NETBIRD_CREATE = 2, NETBIRD_UPDATE = 4, NETBIRD_DELETE = 8 };

struct netbird_bucket {
    double tokens;
    int64_t filled_ns;
};

/* Sets c->user; false when the call was refused, and answered. */
bool netbird_authenticate(struct netbird_call *c);
/* False when the role may not, and answered. */
bool netbird_allow(struct netbird_call *c, enum netbird_module module, enum netbird_operation operation);
/* The same; a role that may not is told by *may instead. False only for a user who may nothing at all. */
bool netbird_ask(struct netbird_call *c, enum netbird_module module, enum netbird_operation operation, bool *may);
/* "admin" for "Admin"; NULL when there is no such role. */
const char *netbird_role(const char *text);
bool netbird_is_admin(const struct hl_value *user); /* or owner */
struct hl_value *netbird_describe_permissions(struct netbird_call *c, const char *role);

/* --- secret.c --- */

enum { NETBIRD_TOKEN_LENGTH = 40 };

const char *netbird_hash(struct hl_arena *arena, const char *text); /* base64 of SHA-256 */
const char *netbird_pkce(struct hl_arena *arena, const char *verifier);
/* `prefix`: "nbp_" of users, "nbx_" of proxies. */
const char *netbird_new_token(struct hl_arena *arena, const char *prefix);
bool netbird_token_is_well_formed(const char *token);
const char *netbird_new_password(struct hl_arena *arena);
const char *netbird_sign(struct netbird *netbird, struct hl_arena *arena, const struct hl_value *claims);
/* The claims of a token that netbird_sign() made, not expired; else NULL. */
struct hl_value *netbird_verify(struct netbird *netbird, struct hl_arena *arena, const char *token);

/* --- address.c, domain.c --- */

struct netbird_prefix {
    bool v6;
    unsigned char bytes[16];
    int64_t bits;
};

/* "10.1.2.3/24", with `bare_too` also "10.1.2.3". */
bool netbird_prefix_parse(const char *text, bool bare_too, struct netbird_prefix *prefix);
void netbird_prefix_mask(struct netbird_prefix *prefix);
const char *netbird_prefix_text(struct hl_arena *arena, const struct netbird_prefix *prefix);
/* The canonical form of an address; NULL when it is none. */
const char *netbird_address(struct hl_arena *arena, const char *text);
/* "MÜNCHEN.de" gives "xn--mnchen-..."; NULL with a reason when it is no domain. */
const char *netbird_domain(struct hl_arena *arena, const char *text, const char **reason);
/* Back to Unicode; what cannot be decoded stays. */
const char *netbird_domain_text(struct hl_arena *arena, const char *domain);
/* 1 to 32 of them; false when refused, and answered with `what` in front. */
bool netbird_domains(struct netbird_call *c, const struct hl_value *texts, const char *what, struct hl_value **out);
/* Characters, as Go counts runes. */
size_t netbird_characters(const char *text);

/* --- Between the files of kinds --- */

/* All must be there, at least one: answers 422. */
bool netbird_check_groups(struct netbird_call *c, const struct hl_value *ids);
struct hl_value *netbird_find_group_by_name(const struct netbird *netbird, const char *name);
/* {id, name, peers_count, resources_count}. */
struct hl_value *netbird_describe_group_briefly(struct hl_arena *arena, const struct hl_value *group);
/* Per id of a peer or resource the list of its groups, briefly. */
struct hl_value *netbird_groups_of_members(struct netbird_call *c);
/* The same for one of them alone. */
struct hl_value *netbird_groups_of(struct netbird_call *c, const char *member);
void netbird_add_to_group(struct netbird *netbird, const char *group, const char *list, struct hl_value *member);
/* Also its groups and the policies that name it. */
void netbird_delete_peer(struct netbird *netbird, const char *id);
struct hl_value *netbird_describe_peer(struct netbird_call *c, const struct hl_value *peer);
const char *netbird_dns_label(struct netbird_call *c, const char *name, const char *address, bool long_form);
bool netbird_key_is_valid(const struct netbird *netbird, const struct hl_value *key);
/* ASCII letters. */
const char *netbird_upper(struct hl_arena *arena, const char *text);
/* Ephemeral peers that were away for too long. */
void netbird_settle(struct netbird *netbird);
/* `signed_in`: with a signed token, which gives it a domain; the set-up does not. */
void netbird_make_account(struct netbird *netbird, const struct hl_value *owner, bool signed_in);
/* "plain" of the new token goes to *plain. */
struct hl_value *netbird_make_token(struct netbird *netbird, const char *user, const char *creator, const char *name, int64_t days, const char *plain);
/* A person of the embedded identity provider. */
struct hl_value *netbird_make_person(struct netbird *netbird, struct hl_arena *arena, const char *email, const char *name, const char *role,
                                     const char *password);
struct hl_value *netbird_find_person(const struct netbird *netbird, const char *email);
bool netbird_has_password(struct hl_arena *arena, const struct hl_value *user, const char *password);
/* Also out of its groups. */
void netbird_drop_resource(struct netbird *netbird, const char *id);
/* Ids of the policies that let traffic to these resources; `groups` as netbird_groups_of_members() gives them. */
struct hl_value *netbird_policies_of_resources(struct netbird_call *c, const struct hl_value *resources, const struct hl_value *groups);

/* --- The routes --- */

netbird_handler netbird_groups_list, netbird_group_create, netbird_group_get, netbird_group_update, netbird_group_delete;
netbird_handler netbird_keys_list, netbird_key_create, netbird_key_get, netbird_key_update, netbird_key_delete;
netbird_handler netbird_routes_list, netbird_route_create, netbird_route_get, netbird_route_update, netbird_route_delete;
netbird_handler netbird_peers_list, netbird_peer_get, netbird_peer_update, netbird_peer_delete, netbird_peer_accessible, netbird_peer_enrol,
    netbird_peer_unenrol;
netbird_handler netbird_users_list, netbird_user_current, netbird_user_create, netbird_user_update, netbird_user_delete, netbird_user_invite,
    netbird_user_approve, netbird_user_reject, netbird_user_password;
netbird_handler netbird_tokens_list, netbird_token_create, netbird_token_get, netbird_token_delete;
netbird_handler netbird_networks_list, netbird_network_create, netbird_network_get, netbird_network_update, netbird_network_delete;
netbird_handler netbird_resources_all, netbird_resources_list, netbird_resource_create, netbird_resource_get, netbird_resource_update, netbird_resource_delete;
netbird_handler netbird_routers_all, netbird_routers_list, netbird_router_create, netbird_router_get, netbird_router_update, netbird_router_delete;
netbird_handler netbird_policies_list, netbird_policy_create, netbird_policy_get, netbird_policy_update, netbird_policy_delete;
netbird_handler netbird_posture_checks_list, netbird_posture_check_missing;
netbird_handler netbird_nameservers_list, netbird_nameserver_create, netbird_nameserver_get, netbird_nameserver_update, netbird_nameserver_delete,
    netbird_dns_settings_get, netbird_dns_settings_update;
netbird_handler netbird_zones_list, netbird_zone_create, netbird_zone_get, netbird_zone_update, netbird_zone_delete, netbird_records_list,
    netbird_record_create, netbird_record_get, netbird_record_update, netbird_record_delete;
netbird_handler netbird_providers_list, netbird_provider_create, netbird_provider_get, netbird_provider_update, netbird_provider_delete;
netbird_handler netbird_proxy_tokens_list, netbird_proxy_token_create, netbird_proxy_token_revoke;
netbird_handler netbird_instance, netbird_setup, netbird_version, netbird_accounts;
netbird_handler netbird_oidc_discovery, netbird_oidc_authorize, netbird_oidc_connector, netbird_oidc_form, netbird_oidc_login, netbird_oidc_token;
netbird_handler netbird_lab_clock, netbird_lab_html, netbird_lab_rate_limit, netbird_lab_behind;

#endif
