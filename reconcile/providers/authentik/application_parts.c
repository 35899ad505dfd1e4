#include "config.h"

#include "reconcile/providers/authentik/application.h"

#include "schema/decode.h"

#include <string.h>

/* How a field stands in the API. */
enum form { FORM_TEXT, FORM_BOOL, FORM_DURATION, FORM_FLOW, FORM_KEY, FORM_SCOPES, FORM_URIS };

struct row {
    const char *field, *member;
    enum hl_authentik_part part;
    enum form form;
};

static const struct row rows[] = {
    {"name", "name", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"slug", "slug", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"launch_url", "meta_launch_url", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"open_in_new_tab", "open_in_new_tab", HL_AUTHENTIK_APPLICATION, FORM_BOOL},
    {"group", "group", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"description", "meta_description", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"publisher", "meta_publisher", HL_AUTHENTIK_APPLICATION, FORM_TEXT},
    {"client_type", "client_type", HL_AUTHENTIK_PROVIDER, FORM_TEXT},
    {"redirect_uris", "redirect_uris", HL_AUTHENTIK_PROVIDER, FORM_URIS},
    {"scopes", "property_mappings", HL_AUTHENTIK_PROVIDER, FORM_SCOPES},
    {"signing_key", "signing_key", HL_AUTHENTIK_PROVIDER, FORM_KEY},
    {"authorization_flow", "authorization_flow", HL_AUTHENTIK_PROVIDER, FORM_FLOW},
    {"invalidation_flow", "invalidation_flow", HL_AUTHENTIK_PROVIDER, FORM_FLOW},
    {"sub_mode", "sub_mode", HL_AUTHENTIK_PROVIDER, FORM_TEXT},
    {"issuer_mode", "issuer_mode", HL_AUTHENTIK_PROVIDER, FORM_TEXT},
    {"include_claims_in_id_token", "include_claims_in_id_token", HL_AUTHENTIK_PROVIDER, FORM_BOOL},
    {"access_code_validity", "access_code_validity", HL_AUTHENTIK_PROVIDER, FORM_DURATION},
    {"access_token_validity", "access_token_validity", HL_AUTHENTIK_PROVIDER, FORM_DURATION},
    {"refresh_token_validity", "refresh_token_validity", HL_AUTHENTIK_PROVIDER, FORM_DURATION},
};

/* What is written at the creation even when the spec says nothing: what the API requires, or would leave without. */
static const char *const always[] = {"name", "slug", "redirect_uris", "scopes", "signing_key", "authorization_flow", "invalidation_flow"};

const char *hl_authentik_application_path(struct hl_arena *arena, const char *slug)
{
    return hl_arena_printf(arena, "/core/applications/%s/", hl_authentik_escape(arena, slug));
}

const char *hl_authentik_provider_path(struct hl_arena *arena, int64_t pk)
{
    return hl_arena_printf(arena, "/providers/oauth2/%lld/", (long long)pk);
}

/* ---- from the API ---- */

/* A text that stands for itself where it is no duration: then it differs from all that the spec can say. */
static struct hl_value *live_duration(struct hl_arena *arena, const struct hl_value *told)
{
    int64_t ms = 0;

    if (hl_value_is(told, HL_TEXT) && hl_authentik_parse_duration(told->text.data, &ms))
        return hl_value_int(arena, ms);
    return hl_value_is_null(told) ? NULL : hl_value_copy(arena, told);
}

static struct hl_value *live_name(struct hl_session *session, struct hl_arena *arena, enum hl_authentik_list list, const struct hl_value *told,
                                  const struct hl_value *desired)
{
    const char *as = hl_value_is(desired, HL_TEXT) ? desired->text.data : NULL;

    if (!hl_value_is(told, HL_TEXT))
        return hl_value_text(arena, hl_authentik_none);
    return hl_value_text(arena, hl_authentik_name(session, list, told->text.data, as, arena));
}

static struct hl_value *live_value(struct hl_session *session, struct hl_arena *arena, const struct row *row, const struct hl_value *told,
                                   const struct hl_value *desired)
{
    switch (row->form) {
    case FORM_TEXT:
    case FORM_BOOL:
        return hl_value_is_null(told) ? NULL : hl_value_copy(arena, told);
    case FORM_DURATION:
        return live_duration(arena, told);
    case FORM_FLOW:
        return live_name(session, arena, HL_AUTHENTIK_FLOWS, told, desired);
    case FORM_KEY:
        return live_name(session, arena, HL_AUTHENTIK_KEYS, told, desired);
    case FORM_SCOPES:
        return hl_authentik_names(session, HL_AUTHENTIK_SCOPES, told, desired, arena);
    case FORM_URIS:
        return hl_authentik_uris_live(arena, told, desired);
    }
    return NULL;
}

static void put_outputs(struct hl_session *session, struct hl_arena *arena, struct hl_value *live, const struct hl_value *application,
                        const struct hl_value *provider)
{
    const char *slug = hl_value_get_text(application, "slug");
    const char *mode = hl_value_get_text(provider, "issuer_mode");
    const char *secret = hl_value_get_text(provider, "client_secret");
    const char *url = hl_authentik_of(session)->public_url;

    hl_value_map_put_text(live, "id", hl_value_get_text(application, "pk"));
    hl_value_map_put_text(live, "provider_state", provider != NULL ? hl_authentik_present : hl_authentik_missing);
    if (provider == NULL)
        return;
    hl_value_map_put_int(live, "provider_id", hl_value_get_int(provider, "pk", 0));
    hl_value_map_put_text(live, "client_id", hl_value_get_text(provider, "client_id"));
    if (secret != NULL)
        hl_value_map_put(live, "client_secret", hl_value_mark_sensitive(hl_value_text(arena, secret)));
    if (mode != NULL && strcmp(mode, "global") == 0)
        hl_value_map_put_text(live, "issuer", hl_arena_printf(arena, "%s/", url));
    else if (slug != NULL)
        hl_value_map_put_text(live, "issuer", hl_arena_printf(arena, "%s/application/o/%s/", url, slug));
}

struct hl_value *hl_authentik_application_live(struct hl_session *session, struct hl_arena *arena, const struct hl_value *application,
                                               const struct hl_value *provider, const struct hl_value *desired)
{
    struct hl_value *live = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *object = rows[i].part == HL_AUTHENTIK_APPLICATION ? application : provider;
        if (object != NULL)
            hl_value_map_put(live, rows[i].field,
                             live_value(session, arena, &rows[i], hl_value_get(object, rows[i].member), hl_value_get(desired, rows[i].field)));
    }
    if (provider != NULL)
        hl_authentik_learn_uris(hl_authentik_of(session), hl_value_get(provider, "redirect_uris"));
    put_outputs(session, arena, live, application, provider);
    return live;
}

/* ---- to the API ---- */

static struct hl_value *default_scopes(struct hl_arena *arena)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; hl_authentik_default_scopes[i] != NULL; i++)
        hl_value_list_add(arena, list, hl_value_text(arena, hl_authentik_default_scopes[i]));
    return list;
}

/* What the spec wants, or what a field is that it does not name. */
static const struct hl_value *wanted_value(struct hl_op *op, const struct row *row)
{
    const struct hl_value *desired = hl_value_get(op->desired, row->field);

    if (!hl_value_is_null(desired))
        return desired;
    desired = hl_field_fallback(op->arena, hl_field_find(hl_authentik_application_fields, row->field, false));
    if (desired != NULL)
        return desired;
    if (row->form == FORM_SCOPES)
        return default_scopes(op->arena);
    if (row->form == FORM_URIS)
        return hl_value_list(op->arena);
    return hl_value_text(op->arena, strcmp(row->field, "name") == 0 ? op->name : "");
}

static bool key_of(struct hl_op *op, enum hl_authentik_list list, const struct hl_value *name, struct hl_value **out, struct hl_error **err)
{
    const char *text = hl_value_is(name, HL_TEXT) ? name->text.data : "";
    const char *pk = NULL;

    if (list == HL_AUTHENTIK_KEYS && strcmp(text, hl_authentik_none) == 0) {
        *out = hl_value_null(op->arena);
        return true;
    }
    if (!hl_authentik_pk(op, list, text, &pk, err))
        return false;
    *out = hl_value_text(op->arena, pk);
    return true;
}

static bool keys_of(struct hl_op *op, const struct hl_value *names, struct hl_value **out, struct hl_error **err)
{
    *out = hl_value_list(op->arena);
    for (size_t i = 0; i < hl_value_count(names); i++) {
        struct hl_value *pk = NULL;
        if (!key_of(op, HL_AUTHENTIK_SCOPES, hl_value_item(names, i), &pk, err))
            return false;
        hl_value_list_add(op->arena, *out, pk);
    }
    return true;
}

static bool put_member(struct hl_op *op, const struct row *row, const struct hl_value *former, struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *wanted = wanted_value(op, row);
    struct hl_value *value = NULL;
    bool fine = true;

    switch (row->form) {
    case FORM_TEXT:
    case FORM_BOOL:
        value = hl_value_copy(op->arena, wanted);
        break;
    case FORM_DURATION:
        value = hl_value_text(op->arena, hl_authentik_duration(op->arena, hl_value_is(wanted, HL_INT) ? wanted->integer : 0));
        break;
    case FORM_FLOW:
        fine = key_of(op, HL_AUTHENTIK_FLOWS, wanted, &value, err);
        break;
    case FORM_KEY:
        fine = key_of(op, HL_AUTHENTIK_KEYS, wanted, &value, err);
        break;
    case FORM_SCOPES:
        fine = keys_of(op, wanted, &value, err);
        break;
    case FORM_URIS:
        value = hl_authentik_uris_body(op->arena, hl_authentik_uris_form(op->session), wanted, hl_value_get(former, row->member));
        break;
    }
    if (!fine)
        return hl_wrap(err, "'%s' of application '%s'", row->field, op->name);
    hl_value_map_put(body, row->member, value);
    return true;
}

static bool is_always(const char *field)
{
    for (size_t i = 0; i < HL_COUNT(always); i++)
        if (strcmp(always[i], field) == 0)
            return true;
    return false;
}

bool hl_authentik_part_body(struct hl_op *op, enum hl_authentik_part part, struct hl_value *body, struct hl_error **err)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const bool said = !hl_value_is_null(hl_value_get(op->desired, rows[i].field));
        if (rows[i].part == part && (said || is_always(rows[i].field)) && !put_member(op, &rows[i], NULL, body, err))
            return false;
    }
    if (part == HL_AUTHENTIK_PROVIDER) {
        const char *name = hl_value_get_text(op->desired, "name");
        hl_value_map_put_text(body, "name", hl_authentik_mark(op->arena, op->session->run, op->address, name != NULL ? name : op->name));
    }
    return true;
}

bool hl_authentik_part_changes(struct hl_op *op, enum hl_authentik_part part, const struct hl_value *former, struct hl_value *body, struct hl_error **err)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        if (rows[i].part == part && hl_op_changed(op, rows[i].field) != NULL && !put_member(op, &rows[i], former, body, err))
            return false;
    }
    return true;
}
