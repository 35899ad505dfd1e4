/* Applications, and the one call that makes an application with its provider. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include <string.h>

bool authentik_application_validate(struct authentik_call *c, const struct authentik_table *table, struct hl_value *body, const struct hl_value *object,
                                    struct hl_value *errors)
{
    const char *slug = hl_value_get_text(body, "slug");

    (void)table, (void)object;
    if (slug != NULL && (strcmp(slug, "authorize") == 0 || strcmp(slug, "token") == 0 || strcmp(slug, "userinfo") == 0))
        authentik_complain(c->arena, errors, "slug", "The slug '%s' is reserved and cannot be used for applications.", slug);
    return hl_value_count(errors) == 0;
}

/* What all sorts of providers have: neither the client's secret nor its redirect URIs are told here. */
static struct hl_value *show_provider(struct authentik_call *c, const struct hl_value *provider)
{
    static const char *const members[] = {
        "pk",        "name",         "authentication_flow", "authorization_flow",        "invalidation_flow",        "property_mappings",
        "component", "verbose_name", "meta_model_name",     "assigned_application_slug", "assigned_application_name"};
    const struct hl_value *whole = authentik_show(c, authentik_table_find("providers"), provider);
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(members); i++)
        hl_value_map_put(out, members[i], hl_value_get(whole, members[i]));
    return out;
}

void authentik_application_show(struct authentik_call *c, const struct hl_value *object, struct hl_value *out)
{
    const struct hl_value *provider = authentik_by_pk(c->authentik, "providers", hl_value_get(object, "provider"));
    const char *launch = hl_value_get_text(object, "meta_launch_url");

    hl_value_map_put(out, "provider_obj", provider == NULL ? hl_value_null(c->arena) : show_provider(c, provider));
    hl_value_map_put(out, "backchannel_providers_obj", hl_value_list(c->arena));
    hl_value_map_put(out, "launch_url", hl_value_text(c->arena, hl_is_blank(launch) ? NULL : launch));
    hl_value_map_put(out, "meta_icon_url", hl_value_null(c->arena));
}

/* --- Both at once --- */

static struct hl_value *member(struct authentik_call *c, const struct hl_value *body, const char *name, struct hl_value *errors)
{
    struct hl_value *value = hl_value_get(body, name);

    if (hl_value_is(value, HL_MAP))
        return value;
    if (value == NULL)
        authentik_complain(c->arena, errors, name, "This field is required.");
    else
        authentik_complain(c->arena, errors, name, "Expected a dictionary of items but got type \"%s\".", hl_type_name(value->type));
    return NULL;
}

/* The provider's attributes are looked at as a blueprint would: its errors stand under "provider". */
static bool take_both(struct authentik_call *c, const struct hl_value *body, struct hl_value **application, struct hl_value **provider, struct hl_value *errors)
{
    struct hl_value *of_application = hl_value_map(c->arena);
    struct hl_value *of_provider = hl_value_map(c->arena);
    const struct hl_value *wished = member(c, body, "app", errors);
    const struct hl_value *with = member(c, body, "provider", errors);
    const char *model = hl_value_get_text(body, "provider_model");

    if (model == NULL)
        authentik_complain(c->arena, errors, "provider_model", "This field is required.");
    else if (strcmp(model, "authentik_providers_oauth2.oauth2provider") != 0)
        authentik_complain(c->arena, errors, "provider_model", "\"%s\" is not a valid choice.", model);
    if (hl_value_count(errors) > 0)
        return false;
    *application = authentik_validate(c, authentik_table_find("applications"), wished, NULL, false, of_application);
    if (hl_value_count(of_application) > 0)
        hl_value_map_put(errors, "app", of_application);
    *provider = authentik_validate(c, authentik_table_find("providers"), with, NULL, false, of_provider);
    if (hl_value_count(of_provider) > 0)
        hl_value_map_put(errors, "provider", of_provider);
    return hl_value_count(errors) == 0;
}

void authentik_transactional(struct authentik_call *c)
{
    const struct hl_value *body = authentik_body(c);
    struct hl_value *errors = hl_value_map(c->arena);
    struct hl_value *answer = hl_value_map(c->arena);
    struct hl_value *application = NULL;
    struct hl_value *provider = NULL;

    if (body == NULL)
        return;
    if (strcmp(c->call->method, "PUT") != 0) {
        authentik_not_allowed(c);
        return;
    }
    if (!c->superuser) {
        authentik_forbid(c);
        return;
    }
    if (!take_both(c, body, &application, &provider, errors)) {
        lab_answer_json(c->call, 400, errors);
        return;
    }
    const struct hl_value *stored = authentik_insert(c, authentik_table_find("providers"), provider);
    hl_value_map_put(application, "provider", hl_value_get(stored, "pk"));
    (void)authentik_insert(c, authentik_table_find("applications"), application);
    authentik_save(c->authentik);
    hl_value_map_put_bool(answer, "applied", true);
    hl_value_map_put(answer, "logs", hl_value_list(c->arena));
    lab_answer_json(c->call, 200, answer);
}
