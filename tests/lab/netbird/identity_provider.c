/* Where the embedded identity provider sends people on to: its connectors. The server asks the issuer who it is before it takes it; here an issuer is taken
 * that has the form of one, but for those of the host "unreachable.test". */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <ctype.h>
#include <string.h>

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},      {"type", NETBIRD_TEXT, NULL},          {"issuer", NETBIRD_TEXT, NULL},
    {"client_id", NETBIRD_TEXT, NULL}, {"client_secret", NETBIRD_TEXT, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

/* Each is told by the beginning of its ids; the generic one has none. */
static const char oidc[] = "oidc";
static const char *const products[] = {"zitadel", "entra", "okta", "pocketid", "authentik", "keycloak", "google", "microsoft", "adfs"};

/* The connector of people with a password; it is in no list. */
static const char local[] = "local";

static bool is_known(const struct netbird *netbird, const char *type)
{
    if (strcmp(type, "adfs") == 0)
        return netbird_since(netbird, 70, 1);
    for (size_t i = 0; i < HL_COUNT(products); i++)
        if (strcmp(products[i], type) == 0)
            return true;
    return strcmp(type, oidc) == 0;
}

static bool has_own_issuer(const char *type)
{
    return strcmp(type, "google") == 0 || strcmp(type, "microsoft") == 0;
}

/* --- Answers --- */

/* A connector knows three types; which product it is tells its id. */
static const char *type_of(const struct hl_value *provider)
{
    const char *connector = netbird_text(provider, "connector"), *id = netbird_text(provider, "id");

    if (strcmp(connector, oidc) != 0)
        return connector;
    for (size_t i = 0; i < HL_COUNT(products); i++)
        if (!has_own_issuer(products[i]) && strstr(id, products[i]) != NULL)
            return products[i];
    return oidc;
}

static struct hl_value *form(struct netbird_call *c, const char *id, const char *type, const struct hl_value *from)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "id", id);
    hl_value_map_put_text(out, "type", type);
    hl_value_map_put_text(out, "name", netbird_text(from, "name"));
    hl_value_map_put_text(out, "issuer", netbird_text(from, "issuer"));
    hl_value_map_put_text(out, "client_id", netbird_text(from, "client_id"));
    return out;
}

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *provider)
{
    return form(c, netbird_text(provider, "id"), type_of(provider), provider);
}

void netbird_providers_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_IDENTITY_PROVIDERS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_IDENTITY_PROVIDER].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_IDENTITY_PROVIDER, i)));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static void answer_local(struct netbird_call *c)
{
    struct hl_value *email = hl_value_map(c->arena);

    hl_value_map_put_text(email, "name", "Email");
    netbird_ok(c, form(c, local, local, email));
}

void netbird_provider_get(struct netbird_call *c)
{
    const struct hl_value *provider = netbird_find(c->netbird, NETBIRD_IDENTITY_PROVIDER, c->parts[0]);

    if (!netbird_allow(c, NETBIRD_M_IDENTITY_PROVIDERS, NETBIRD_READ))
        return;
    if (provider != NULL)
        netbird_ok(c, describe(c, provider));
    else if (strcmp(c->parts[0], local) == 0)
        answer_local(c);
    else
        netbird_fail(c, 404, "identity provider not found");
}

/* --- Checks --- */

/* As Go's url.Parse, as far as issuers go: a scheme, "://", a host. */
static bool is_url(const char *text)
{
    size_t scheme = 0;

    while (isalnum((unsigned char)text[scheme]) || (text[scheme] != '\0' && strchr("+-.", text[scheme]) != NULL))
        scheme++;
    if (scheme == 0 || !isalpha((unsigned char)text[0]) || strncmp(text + scheme, "://", 3) != 0)
        return false;

    const char *host = text + scheme + 3;
    size_t length = strcspn(host, "/?#");

    for (const char *at = text; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            return false;
    return length > 0 && strcspn(host, " <>\"\\^`{|}") >= length;
}

static bool is_host(const char *issuer, const char *host)
{
    const char *start = strstr(issuer, "://") + 3;
    size_t length = strlen(host);

    return strncmp(start, host, length) == 0 && (start[length] == '\0' || strchr(":/?#", start[length]) != NULL);
}

static bool ask_issuer(struct netbird_call *c, const char *issuer)
{
    static const char nowhere[] = "unreachable.test";
    size_t length = strlen(issuer);

    if (!is_host(issuer, nowhere))
        return true;
    length -= issuer[length - 1] == '/' ? 1 : 0;
    return netbird_fail(c, 422,
                        "identity provider issuer is unreachable: Get \"%.*s/.well-known/openid-configuration\": dial tcp: lookup %s on 127.0.0.11:53: "
                        "no such host",
                        (int)length, issuer, nowhere);
}

static bool check(struct netbird_call *c, const struct hl_value *body)
{
    const char *type = netbird_text(body, "type"), *issuer = netbird_text(body, "issuer");

    if (*netbird_text(body, "name") == '\0')
        return netbird_fail(c, 422, "identity provider name is required");
    if (*type == '\0')
        return netbird_fail(c, 422, "identity provider type is required");
    if (!is_known(c->netbird, type))
        return netbird_fail(c, 422, "unsupported identity provider type");
    if (*issuer == '\0' && !has_own_issuer(type))
        return netbird_fail(c, 422, "identity provider issuer is required");
    if (*issuer != '\0' && !is_url(issuer))
        return netbird_fail(c, 422, "identity provider issuer must be a valid URL");
    if (*netbird_text(body, "client_id") == '\0')
        return netbird_fail(c, 422, "identity provider client ID is required");
    return *issuer == '\0' || ask_issuer(c, issuer);
}

/* --- Changes --- */

/* What is empty stays as it was. Of the secret a hash is kept: nobody signs in here. */
static void fill(struct netbird_call *c, struct hl_value *provider, const struct hl_value *body)
{
    static const char *const texts[] = {"name", "issuer", "client_id"};
    const char *secret = netbird_text(body, "client_secret");

    for (size_t i = 0; i < HL_COUNT(texts); i++)
        if (*netbird_text(body, texts[i]) != '\0' || hl_value_get(provider, texts[i]) == NULL)
            hl_value_map_put_text(provider, texts[i], netbird_text(body, texts[i]));
    if (*secret != '\0')
        hl_value_map_put_text(provider, "secret_hash", netbird_hash(c->arena, secret));
}

/* Connectors of google and microsoft are made without an issuer, whatever was sent; the answer tells what was sent. */
static void set_connector(struct hl_value *provider, const char *type)
{
    hl_value_map_put_text(provider, "connector", has_own_issuer(type) ? type : oidc);
    if (has_own_issuer(type))
        hl_value_map_put_text(provider, "issuer", "");
}

void netbird_provider_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    const char *type = netbird_text(body, "type"), *id = netbird_new_id(c->netbird, c->arena);
    struct hl_value *provider = hl_value_map(c->arena);

    if (body == NULL || !netbird_allow(c, NETBIRD_M_IDENTITY_PROVIDERS, NETBIRD_CREATE) || !check(c, body))
        return;
    if (strcmp(type, oidc) != 0)
        id = hl_arena_printf(c->arena, "%s-%s", type, id);
    hl_value_map_put_text(provider, "id", id);
    fill(c, provider, body);
    set_connector(provider, type);
    netbird_put(c->netbird, NETBIRD_IDENTITY_PROVIDER, provider);
    netbird_ok(c, form(c, id, type, body));
}

/* From 0.70.5 on the connector is changed, but not its type; before, it is made anew, of any type, and its id goes on telling the old one. */
void netbird_provider_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    const struct hl_value *old = netbird_find(c->netbird, NETBIRD_IDENTITY_PROVIDER, c->parts[0]);
    const char *type = netbird_text(body, "type");

    if (body == NULL || !netbird_allow(c, NETBIRD_M_IDENTITY_PROVIDERS, NETBIRD_UPDATE) || !check(c, body))
        return;
    if (old == NULL) {
        netbird_fail(c, 500, "failed to update identity provider: failed to update connector: not found");
        return;
    }
    if (netbird_since(c->netbird, 70, 5) && strcmp(type, type_of(old)) != 0) {
        netbird_fail(c, 500, "failed to update identity provider: failed to update connector: connector type change not allowed");
        return;
    }

    struct hl_value *provider = netbird_clone(c, old);

    fill(c, provider, body);
    if (!netbird_since(c->netbird, 70, 5))
        set_connector(provider, type);
    netbird_put(c->netbird, NETBIRD_IDENTITY_PROVIDER, provider);
    netbird_ok(c, form(c, c->parts[0], type, body));
}

void netbird_provider_delete(struct netbird_call *c)
{
    if (!netbird_allow(c, NETBIRD_M_IDENTITY_PROVIDERS, NETBIRD_DELETE))
        return;
    if (strcmp(c->parts[0], local) == 0) {
        netbird_fail(c, 500, "failed to delete identity provider: cannot delete the local password connector");
    } else if (netbird_find(c->netbird, NETBIRD_IDENTITY_PROVIDER, c->parts[0]) == NULL) {
        netbird_fail(c, 404, "identity provider not found");
    } else {
        netbird_remove(c->netbird, NETBIRD_IDENTITY_PROVIDER, c->parts[0]);
        netbird_done(c);
    }
}
