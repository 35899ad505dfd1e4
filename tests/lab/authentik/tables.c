/* The models, and what a new installation has. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include "schema/base/crypto.h"

#include <stdlib.h>
#include <string.h>

/* --- The models --- */

static const char *const intents[] = {"verification", "api", "recovery", "app_password", NULL};
static const char *const user_types[] = {"internal", "external", "service_account", "internal_service_account", NULL};
static const char *const client_types[] = {"confidential", "public", NULL};
static const char *const sub_modes[] = {"hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn", NULL};
static const char *const issuer_modes[] = {"global", "per_provider", NULL};
static const char *const engine_modes[] = {"all", "any", NULL};
static const char *const designations[] = {"authentication", "authorization", "invalidation",        "enrollment",
                                           "unenrollment",   "recovery",      "stage_configuration", NULL};

static const struct authentik_field token_fields[] = {
    {.name = "managed", .type = AUTHENTIK_TEXT, .nullable = true},
    {.name = "identifier", .type = AUTHENTIK_SLUG, .required = true, .unique = true},
    {.name = "intent", .type = AUTHENTIK_TEXT, .choices = intents},
    {.name = "user", .type = AUTHENTIK_KEY, .refers = "users"},
    {.name = "description", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = "expires", .type = AUTHENTIK_TIME, .nullable = true},
    {.name = "expiring", .type = AUTHENTIK_BOOL, .fallback = "true"},
    {.name = "key", .type = AUTHENTIK_TEXT, .read_only = true, .hidden = true},
    {.name = NULL},
};

static const struct authentik_field user_fields[] = {
    {.name = "username", .type = AUTHENTIK_TEXT, .required = true, .unique = true},
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true, .blank = true},
    {.name = "is_active", .type = AUTHENTIK_BOOL, .fallback = "true"},
    {.name = "last_login", .type = AUTHENTIK_TIME, .nullable = true},
    {.name = "groups", .type = AUTHENTIK_KEYS, .refers = "groups", .fallback = "[]"},
    {.name = "email", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = "attributes", .type = AUTHENTIK_ANY, .fallback = "{}"},
    {.name = "path", .type = AUTHENTIK_TEXT, .fallback = "\"users\""},
    {.name = "type", .type = AUTHENTIK_TEXT, .fallback = "\"internal\"", .choices = user_types},
    {.name = NULL},
};

static const struct authentik_field group_fields[] = {
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true, .unique = true},
    {.name = "is_superuser", .type = AUTHENTIK_BOOL, .fallback = "false"},
    {.name = "parent", .type = AUTHENTIK_KEY, .refers = "groups", .nullable = true},
    {.name = "attributes", .type = AUTHENTIK_ANY, .fallback = "{}"},
    {.name = NULL},
};

static const struct authentik_field application_fields[] = {
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true},
    {.name = "slug", .type = AUTHENTIK_SLUG, .required = true, .unique = true},
    {.name = "provider", .type = AUTHENTIK_KEY, .refers = "providers", .unique = true, .nullable = true},
    {.name = "backchannel_providers", .type = AUTHENTIK_KEYS, .refers = "providers", .fallback = "[]"},
    {.name = "open_in_new_tab", .type = AUTHENTIK_BOOL, .fallback = "false"},
    {.name = "meta_launch_url", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = "meta_icon", .type = AUTHENTIK_TEXT, .nullable = true, .read_only = true},
    {.name = "meta_description", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = "meta_publisher", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = "policy_engine_mode", .type = AUTHENTIK_TEXT, .fallback = "\"any\"", .choices = engine_modes},
    {.name = "group", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = NULL},
};

static const struct authentik_field provider_fields[] = {
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true, .unique = true},
    {.name = "authentication_flow", .type = AUTHENTIK_KEY, .refers = "flows", .nullable = true},
    {.name = "authorization_flow", .type = AUTHENTIK_KEY, .refers = "flows", .required = true},
    {.name = "invalidation_flow", .type = AUTHENTIK_KEY, .refers = "flows", .nullable = true},
    {.name = "property_mappings", .type = AUTHENTIK_KEYS, .refers = "scopes", .fallback = "[]"},
    {.name = "client_type", .type = AUTHENTIK_TEXT, .fallback = "\"confidential\"", .choices = client_types},
    {.name = "client_id", .type = AUTHENTIK_TEXT, .unique = true, .label = "Client ID"},
    {.name = "client_secret", .type = AUTHENTIK_TEXT, .blank = true},
    {.name = "access_code_validity", .type = AUTHENTIK_TEXT, .fallback = "\"minutes=1\""},
    {.name = "access_token_validity", .type = AUTHENTIK_TEXT, .fallback = "\"hours=1\""},
    {.name = "refresh_token_validity", .type = AUTHENTIK_TEXT, .fallback = "\"days=30\""},
    {.name = "include_claims_in_id_token", .type = AUTHENTIK_BOOL, .fallback = "true"},
    {.name = "signing_key", .type = AUTHENTIK_KEY, .refers = "keys", .nullable = true},
    {.name = "encryption_key", .type = AUTHENTIK_KEY, .refers = "keys", .nullable = true},
    {.name = "redirect_uris", .type = AUTHENTIK_ANY},
    {.name = "sub_mode", .type = AUTHENTIK_TEXT, .fallback = "\"hashed_user_id\"", .choices = sub_modes},
    {.name = "issuer_mode", .type = AUTHENTIK_TEXT, .fallback = "\"per_provider\"", .choices = issuer_modes},
    {.name = NULL},
};

static const struct authentik_field scope_fields[] = {
    {.name = "managed", .type = AUTHENTIK_TEXT, .nullable = true},
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true, .unique = true},
    {.name = "expression", .type = AUTHENTIK_TEXT, .required = true},
    {.name = "scope_name", .type = AUTHENTIK_TEXT, .required = true},
    {.name = "description", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true},
    {.name = NULL},
};

static const struct authentik_field flow_fields[] = {
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true},
    {.name = "slug", .type = AUTHENTIK_SLUG, .required = true, .unique = true},
    {.name = "title", .type = AUTHENTIK_TEXT, .required = true},
    {.name = "designation", .type = AUTHENTIK_TEXT, .required = true, .choices = designations},
    {.name = NULL},
};

static const struct authentik_field key_fields[] = {
    {.name = "managed", .type = AUTHENTIK_TEXT, .nullable = true},
    {.name = "name", .type = AUTHENTIK_TEXT, .required = true, .unique = true},
    {.name = "certificate_data", .type = AUTHENTIK_TEXT, .required = true, .hidden = true},
    {.name = "key_data", .type = AUTHENTIK_TEXT, .fallback = "\"\"", .blank = true, .hidden = true},
    {.name = NULL},
};

static const char *const token_filters[] = {"identifier", "intent", "description", "expires", "expiring", "managed", NULL};
static const char *const user_filters[] = {"username", "name", "email", "is_active", "path", "type", NULL};
static const char *const group_filters[] = {"name", "is_superuser", NULL};
static const char *const application_filters[] = {"name", "slug", "meta_launch_url", "meta_description", "meta_publisher", "group", NULL};
static const char *const provider_filters[] = {"name", "client_id", "client_type", "authorization_flow", "signing_key", "sub_mode", "issuer_mode", NULL};
static const char *const scope_filters[] = {"name", "scope_name", "managed", NULL};
static const char *const flow_filters[] = {"slug", "name", "designation", NULL};
static const char *const key_filters[] = {"name", "managed", NULL};

/* clang-format off */
const struct authentik_table authentik_tables[] = {
    {.name = "tokens", .path = "/core/tokens/", .model = "Token", .lookup = "identifier", .order = "identifier", .owned = true, .fields = token_fields,
     .filters = token_filters, .validate = authentik_token_validate, .saved = authentik_token_saved, .show = authentik_token_show, .act = authentik_token_act},
    {.name = "users", .path = "/core/users/", .model = "User", .lookup = "pk", .order = "username", .numbered = true, .fields = user_fields,
     .filters = user_filters, .removed = authentik_user_removed, .show = authentik_user_show},
    {.name = "groups", .path = "/core/groups/", .model = "Group", .lookup = "pk", .order = "name", .fields = group_fields, .filters = group_filters,
     .show = authentik_group_show, .act = authentik_group_act},
    {.name = "applications", .path = "/core/applications/", .model = "Application", .lookup = "slug", .order = "name", .hides = true,
     .fields = application_fields, .filters = application_filters, .validate = authentik_application_validate, .show = authentik_application_show},
    {.name = "providers", .path = "/providers/oauth2/", .model = "OAuth2/OpenID Provider", .lookup = "pk", .order = "name", .numbered = true,
     .fields = provider_fields, .filters = provider_filters, .validate = authentik_provider_validate, .removed = authentik_provider_removed,
     .show = authentik_provider_show, .act = authentik_provider_act},
    {.name = "scopes", .path = "/propertymappings/provider/scope/", .old_path = "/propertymappings/scope/", .model = "Scope Mapping", .lookup = "pk",
     .order = "scope_name", .late = true, .fields = scope_fields, .filters = scope_filters},
    {.name = "flows", .path = "/flows/instances/", .model = "Flow", .lookup = "slug", .order = "slug", .late = true, .fields = flow_fields,
     .filters = flow_filters},
    {.name = "keys", .path = "/crypto/certificatekeypairs/", .model = "Certificate-Key Pair", .lookup = "pk", .order = "name", .late = true,
     .fields = key_fields, .filters = key_filters},
    {.name = NULL},
};
/* clang-format on */

const struct authentik_table *authentik_table_find(const char *name)
{
    for (const struct authentik_table *table = authentik_tables; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

/* --- A new installation --- */

static struct hl_value *add(struct authentik *authentik, const char *table, const char *json)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    const struct authentik_table *of = authentik_table_find(table);
    struct authentik_call c = {.authentik = authentik, .arena = arena, .superuser = true};
    struct hl_value *row = NULL;
    struct hl_value *full = hl_value_map(arena);

    if (!hl_json_decode(arena, json, strlen(json), &row, &err))
        abort(); /* the row is wrong */
    for (const struct authentik_field *field = of->fields; field->name != NULL; field++) {
        struct hl_value *fallback = hl_value_null(arena);
        if (field->fallback != NULL && !hl_json_decode(arena, field->fallback, strlen(field->fallback), &fallback, &err))
            abort();
        hl_value_map_put(full, field->name, hl_value_get(row, field->name) != NULL ? hl_value_get(row, field->name) : fallback);
    }
    return authentik_insert(&c, of, full);
}

static void add_scopes(struct authentik *authentik)
{
    static const char *const scopes[][2] = {
        {"openid", "OpenID 'openid'"},
        {"email", "OpenID 'email'"},
        {"profile", "OpenID 'profile'"},
        {"entitlements", "Application Entitlements"},
        {"offline_access", "OpenID 'offline_access'"},
        {"goauthentik.io/api", "authentik API access"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(scopes); i++)
        (void)add(authentik, "scopes",
                  hl_arena_printf(arena,
                                  "{\"managed\": \"goauthentik.io/providers/oauth2/scope-%s\", \"name\": \"authentik default OAuth Mapping: %s\", "
                                  "\"scope_name\": \"%s\", \"expression\": \"return {}\"}",
                                  i == 5 ? "authentik_api" : scopes[i][0], scopes[i][1], scopes[i][0]));
}

static void add_flows(struct authentik *authentik)
{
    static const char *const flows[][3] = {
        {"default-authentication-flow", "Welcome to authentik!", "authentication"},
        {"default-invalidation-flow", "Logout", "invalidation"},
        {"default-provider-authorization-explicit-consent", "Authorize Application", "authorization"},
        {"default-provider-authorization-implicit-consent", "Authorize Application", "authorization"},
        {"default-provider-invalidation-flow", "Logged out of application", "invalidation"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(flows); i++)
        (void)add(authentik, "flows",
                  hl_arena_printf(arena, "{\"slug\": \"%s\", \"name\": \"%s\", \"title\": \"%s\", \"designation\": \"%s\"}", flows[i][0], flows[i][1],
                                  flows[i][1], flows[i][2]));
}

static void add_admin(struct authentik *authentik)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *token = getenv("HLREC_LAB_AUTHENTIK_TOKEN");
    const struct hl_value *group = add(authentik, "groups", "{\"name\": \"authentik Admins\", \"is_superuser\": true}");
    struct hl_value *admin = add(authentik, "users", "{\"username\": \"akadmin\", \"name\": \"authentik Default Admin\", \"email\": \"root@example.com\"}");
    struct hl_value *groups = hl_value_list(arena);

    hl_value_list_add(arena, groups, hl_value_get(group, "pk"));
    authentik_put(authentik, admin, "groups", groups);
    struct hl_value *first = add(authentik, "tokens", "{\"identifier\": \"authentik-bootstrap-token\", \"intent\": \"api\", \"expiring\": false}");
    authentik_put(authentik, first, "user", hl_value_get(admin, "pk"));
    authentik_put_text(authentik, first, "description", "Autogenerated bootstrap token");
    authentik_put_text(authentik, first, "key", hl_is_blank(token) ? "lab-bootstrap" : strcmp(token, "first") == 0 ? "" : token);
}

void authentik_claim(struct authentik *authentik, const char *key)
{
    struct hl_value *first = authentik_find(authentik, "tokens", "identifier", "authentik-bootstrap-token");
    const char *own = hl_value_get_text(first, "key");

    if (own == NULL || *own != '\0' || *key == '\0')
        return;
    authentik_put_text(authentik, first, "key", key);
    authentik_save(authentik);
}

void authentik_populate(struct authentik *authentik)
{
    for (const struct authentik_table *table = authentik_tables; table->name != NULL; table++)
        if (hl_value_get(authentik->world, table->name) == NULL)
            hl_value_map_put(authentik->world, table->name, hl_value_map(authentik->arena));
    if (hl_value_count(authentik_rows(authentik, "users")) > 0)
        return;
    add_admin(authentik);
    add_flows(authentik);
    add_scopes(authentik);
    (void)add(authentik, "keys", "{\"name\": \"authentik Self-signed Certificate\", \"certificate_data\": \"PEM\", \"key_data\": \"PEM\"}");
    (void)add(authentik, "keys",
              "{\"managed\": \"goauthentik.io/crypto/jwt-managed\", \"name\": \"authentik Internal JWT Certificate\", \"certificate_data\": \"PEM\"}");
}
