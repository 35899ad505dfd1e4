/* The kind `application`: its table, and what can be said about a body without asking. */
#include "config.h"

#include "reconcile/providers/authentik/application.h"

#include "reconcile/providers/authentik/kinds.h"

#include <string.h>

enum { LONGEST_SLUG = 50 };

const char *const hl_authentik_default_scopes[] = {"openid", "email", "profile", NULL};
const char hl_authentik_default_key[] = "authentik Self-signed Certificate";
const char hl_authentik_default_authorization[] = "default-provider-authorization-implicit-consent";
const char hl_authentik_default_invalidation[] = "default-provider-invalidation-flow";
const char hl_authentik_none[] = "none";
const char hl_authentik_present[] = "present";
const char hl_authentik_missing[] = "missing";

/* ---- checks ---- */

static bool is_slug(const char *text)
{
    return *text != '\0' && strlen(text) <= LONGEST_SLUG && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static void check_slug(struct hl_check *check, const struct hl_value *value)
{
    if (!is_slug(value->text.data))
        hl_diag_error(check->diags, value->at, "'%s' is no slug: letters, digits, '_' and '-', at most %d", value->text.data, LONGEST_SLUG);
}

static void check_validity(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_INT) && (value->integer < 1000 || value->integer % 1000 != 0))
        hl_diag_error(check->diags, value->at, "a validity is in whole seconds, and one at least");
}

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    if (hl_value_get(body, "slug") == NULL && check->name != NULL && !is_slug(check->name))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, body->at, "application '%s' needs a 'slug': its name is none", check->name),
                     "a slug has letters, digits, '_' and '-'");
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    if (hl_value_get(body, "slug") == NULL)
        hl_value_map_put_text(body, "slug", check->name);
    hl_value_map_put_text(body, "provider_state", hl_authentik_present);
}

/* ---- the table ---- */

static const char *const client_types[] = {"confidential", "public", NULL};
static const char *const sub_modes[] = {"hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn", NULL};
static const char *const issuer_modes[] = {"per_provider", "global", NULL};

/* clang-format off */
const struct hl_field hl_authentik_application_fields[] = {
    {.name = "name", .type = HL_F_STRING, .doc = "what people see; the resource's name when it is made without one", .example = "NetBird"},
    {.name = "slug", .type = HL_F_STRING, .check = check_slug, .doc = "part of its addresses, also of the issuer; default: the resource's name"},
    {.name = "client_type", .type = HL_F_STRING, .allowed = client_types, .fallback = "confidential",
     .doc = "public: a browser or a command line, which cannot keep a secret; confidential: a server"},
    {.name = "redirect_uris", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = hl_authentik_uri_fields, .forms = HL_FORM_SINGLE,
     .shorthand = hl_authentik_short_uri, .normalise = hl_authentik_normal_uris,
     .doc = "where the browser may be sent after signing in; a text that begins with ^ is a regular expression; the first counts for the tile",
     .example = "[\"https://netbird.example.com/auth\", \"^https://netbird\\\\.example\\\\.com/.*$\"]"},
    {.name = "scopes", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .forms = HL_FORM_SINGLE,
     .doc = "what it may ask for: names of scopes, or of scope mappings where a scope has several; openid, email and profile when it is made without",
     .example = "[openid, profile, email, offline_access, goauthentik.io/api]"},
    {.name = "signing_key", .type = HL_F_STRING, .fallback = hl_authentik_default_key,
     .doc = "name of the certificate key pair that tokens are signed with; none signs with the client's secret (HS256), which many programs refuse"},
    {.name = "authorization_flow", .type = HL_F_STRING, .fallback = hl_authentik_default_authorization, .doc = "slug of the flow that lets people in",
     .example = "default-provider-authorization-explicit-consent"},
    {.name = "invalidation_flow", .type = HL_F_STRING, .fallback = hl_authentik_default_invalidation, .doc = "slug of the flow that signs people out"},
    {.name = "sub_mode", .type = HL_F_STRING, .allowed = sub_modes, .fallback = "hashed_user_id",
     .doc = "what tells a user apart in tokens; NetBird's account sync needs user_id"},
    {.name = "issuer_mode", .type = HL_F_STRING, .allowed = issuer_modes, .fallback = "per_provider",
     .doc = "whether the issuer is the application's own address, or one for all"},
    {.name = "include_claims_in_id_token", .type = HL_F_BOOL, .fallback = "true", .doc = "put what the scopes tell into the id token as well"},
    {.name = "access_code_validity", .type = HL_F_DURATION, .fallback = "1m", .check = check_validity, .doc = "how long a code can be exchanged for tokens",
     .example = "10m"},
    {.name = "access_token_validity", .type = HL_F_DURATION, .fallback = "1h", .check = check_validity, .doc = "how long access and id tokens are valid"},
    {.name = "refresh_token_validity", .type = HL_F_DURATION, .fallback = "30d", .check = check_validity, .doc = "how long refresh tokens are valid"},
    {.name = "launch_url", .type = HL_F_STRING, .doc = "where the tile in people's library leads", .example = "https://netbird.example.com"},
    {.name = "open_in_new_tab", .type = HL_F_BOOL, .fallback = "false", .doc = "the tile opens a tab of its own"},
    {.name = "group", .type = HL_F_STRING, .doc = "heading under which the tile stands"},
    {.name = "description", .type = HL_F_STRING, .doc = "text of the tile"},
    {.name = "publisher", .type = HL_F_STRING, .doc = "who makes it; on the tile"},
    {.name = "provider_state", .type = HL_F_STRING, .internal = true, .doc = "whether its OAuth2 provider is there"},
    {.name = "client_id", .type = HL_F_STRING, .computed = true, .doc = "the client's id"},
    {.name = "client_secret", .type = HL_F_STRING, .computed = true, .sensitive = true, .doc = "the client's secret; of no use to public clients"},
    {.name = "issuer", .type = HL_F_STRING, .computed = true, .doc = "address of the issuer, with its slash at the end"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "primary key of the application in authentik"},
    {.name = "provider_id", .type = HL_F_INT, .computed = true, .doc = "primary key of its OAuth2 provider"},
    {.name = NULL},
};
/* clang-format on */

static const struct hl_verbs verbs = {
    .refresh = hl_authentik_application_refresh,
    .create = hl_authentik_application_create,
    .update = hl_authentik_application_update,
    .remove = hl_authentik_application_remove,
    .unmanaged = hl_authentik_application_unmanaged,
};

const struct hl_kind hl_kind_application = {
    .name = "application",
    .section = "applications",
    .provider = "authentik",
    .doc = "an application of authentik with its OAuth2 provider: sign-in by OpenID Connect",
    .example = "name: NetBird\nclient_type: public\nredirect_uris: [\"https://netbird.example.com/auth\", \"http://localhost:53000\"]\n"
               "scopes: [openid, profile, email, offline_access, goauthentik.io/api]\nsub_mode: user_id\n",
    .fields = hl_authentik_application_fields,
    .check = check_body,
    .complete = complete_body,
    .verbs = &verbs,
};
