/* The kind `identity_provider`: where NetBird's own sign-in (the embedded identity provider) sends people on to. The server asks the issuer who it is before it
 * takes it, and never tells the client's secret again. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

static const char *const types[] = {"oidc", "authentik", "zitadel", "keycloak", "okta", "pocketid", "entra", "google", "microsoft", "adfs", NULL};

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    {.name = "type",
     .type = HL_F_STRING,
     .fallback = "oidc",
     .allowed = types,
     .immutable = true,
     .doc = "which product it is; with another one it is another provider, and who signs in through it a new user",
     .example = "authentik"},
    {.name = "issuer",
     .type = HL_F_STRING,
     .doc = "its issuer, exactly as it calls itself, with the slash at the end if it has one; not for google and microsoft",
     .example = "https://auth.example.org/application/o/netbird/"},
    {.name = "client_id",
     .type = HL_F_STRING,
     .required = true,
     .doc = "id of the client that NetBird is there",
     .example = "${application.netbird.client_id}"},
    {.name = "client_secret",
     .type = HL_F_STRING,
     .sensitive = true,
     .write_only = true,
     .doc = "secret of that client; NetBird keeps the one it has when none is said",
     .example = "${application.netbird.client_secret}"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static bool has_own_issuer(const char *type)
{
    return type != NULL && (strcmp(type, "google") == 0 || strcmp(type, "microsoft") == 0);
}

/* NetBird takes one for google and microsoft, and then does not keep it, or does and cannot be rid of it again, as its version is. */
static void check_issuer(struct hl_check *check, const struct hl_value *body, const char *type)
{
    const struct hl_value *issuer = hl_value_get(body, "issuer");

    if (issuer == NULL && !has_own_issuer(type))
        hl_diag_error(check->diags, body->at, "an identity provider of type '%s' needs its 'issuer'", type != NULL ? type : "oidc");
    if (issuer != NULL && has_own_issuer(type))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, issuer->at, "an identity provider of type '%s' has an issuer of its own", type),
                     "leave 'issuer' out");
    if (!hl_value_is(issuer, HL_TEXT))
        return;
    const char *host = strstr(issuer->text.data, "://");
    if ((!hl_starts_with(issuer->text.data, "https://") && !hl_starts_with(issuer->text.data, "http://")) || strcspn(host + 3, "/?#") == 0)
        hl_diag_error(check->diags, issuer->at, "'issuer' is a URL");
}

static void check_said(struct hl_check *check, const struct hl_value *body, const char *field)
{
    const struct hl_value *text = hl_value_get(body, field);

    if (hl_value_is(text, HL_TEXT) && text->text.length == 0)
        hl_diag_error(check->diags, text->at, "'%s' is empty", field);
}

static void check_provider(struct hl_check *check, const struct hl_value *body)
{
    check_issuer(check, body, hl_value_get_text(body, "type"));
    check_said(check, body, "name");
    check_said(check, body, "client_id");
}

static bool read_provider(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                          struct hl_value *values, struct hl_error **err)
{
    static const char *const members[] = {"name", "type", "issuer", "client_id"};

    (void)session;
    (void)arena;
    (void)desired;
    (void)err;
    for (size_t i = 0; i < HL_COUNT(members); i++) {
        const char *text = hl_value_get_text(object, members[i]);
        if (!hl_is_blank(text))
            hl_value_map_put_text(values, members[i], text);
    }
    return true;
}

/* All of it each time: what is empty is refused, but for the secret, which then stays as it is. */
static bool write_provider(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                           struct hl_value *body, struct hl_error **err)
{
    static const char *const members[] = {"name", "type", "issuer", "client_id", "client_secret"};

    (void)session;
    (void)err;
    hl_value_map_put_text(body, "type", "oidc");
    for (size_t i = 0; i < HL_COUNT(members); i++)
        hl_netbird_put(arena, body, members[i], desired, members[i], object);
    return true;
}

static const struct hl_netbird_form form = {
    .verbs = HL_NETBIRD_VERBS,
    .list = HL_NETBIRD_IDENTITY_PROVIDERS,
    .what = "identity provider",
    .collection = "/api/identity-providers",
    .may_lack = true,
    .read = read_provider,
    .write = write_provider,
};

const struct hl_kind hl_kind_identity_provider = {
    .name = "identity_provider",
    .section = "identity_providers",
    .provider = "netbird",
    .doc = "where NetBird's sign-in sends people on to; NetBird's redirect URI there is <url>/oauth2/callback",
    .example = "type: authentik\nissuer: https://auth.example.org/application/o/netbird/\nclient_id: ${application.netbird.client_id}\n"
               "client_secret: ${application.netbird.client_secret}\n",
    .fields = fields,
    .check = check_provider,
    .complete = hl_netbird_complete,
    .verbs = &form.verbs,
};
