/* Making, changing and deleting an application together with its provider. */
#include "config.h"

#include "reconcile/providers/authentik/application.h"

#include <string.h>

/* ---- the answer ---- */

/* What the API has now, for the record. */
static bool set_result(struct hl_op *op, const char *slug, struct hl_error **err)
{
    struct hl_value *application = NULL;
    struct hl_value *provider = NULL;

    if (!hl_authentik_get(op->session, op->arena, hl_authentik_application_path(op->arena, slug), &application, err))
        return hl_wrap(err, "reading application '%s' again", slug);
    const int64_t pk = hl_value_get_int(application, "provider", 0);
    if (pk != 0 && !hl_authentik_get(op->session, op->arena, hl_authentik_provider_path(op->arena, pk), &provider, err))
        return hl_wrap(err, "reading the provider of application '%s' again", slug);
    op->result_id = hl_arena_strdup(op->arena, hl_value_get_text(application, "pk"));
    op->result = hl_authentik_application_live(op->session, op->arena, application, provider, op->desired);
    return op->result_id != NULL || hl_fail(err, HL_E_UNREACHABLE, "the API tells no key of application '%s'", slug);
}

/* ---- providers ---- */

/* A provider that an earlier attempt has made, and that no application has: its name is unique, and carries our mark. */
static bool find_orphan(struct hl_op *op, const struct hl_value *body, int64_t *pk, struct hl_error **err)
{
    const char *name = hl_value_get_text(body, "name");
    struct hl_value *list = NULL;

    *pk = 0;
    if (!hl_authentik_read_list(op->session, op->arena, hl_arena_printf(op->arena, "/providers/oauth2/?name=%s", hl_authentik_escape(op->arena, name)), &list,
                                err))
        return hl_wrap(err, "looking for the provider of application '%s'", op->name);
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const char *told = hl_value_get_text(hl_value_item(list, i), "name");
        if (told != NULL && strcmp(told, name) == 0)
            *pk = hl_value_get_int(hl_value_item(list, i), "pk", 0);
    }
    return true;
}

/* Makes it, or brings what an earlier attempt has made up to date. */
static bool make_provider(struct hl_op *op, const struct hl_value *body, int64_t *pk, struct hl_error **err)
{
    struct hl_value *told = NULL;

    if (!find_orphan(op, body, pk, err))
        return false;
    const bool is_new = *pk == 0;
    const struct hl_authentik_call call = {.method = is_new ? "POST" : "PATCH",
                                           .path = is_new ? "/providers/oauth2/" : hl_authentik_provider_path(op->arena, *pk),
                                           .body = body,
                                           .idempotent = !is_new};
    if (!hl_authentik_do(op->session, op->arena, &call, &told, err))
        return hl_wrap(err, "making the OAuth2 provider of application '%s'", op->name);
    *pk = hl_value_get_int(told, "pk", 0);
    return *pk != 0 || hl_fail(err, HL_E_UNREACHABLE, "the API tells no key of the provider of application '%s'", op->name);
}

/* ---- making ---- */

static bool make_in_steps(struct hl_op *op, struct hl_value *application, const struct hl_value *provider, struct hl_error **err)
{
    const struct hl_authentik_call call = {.method = "POST", .path = "/core/applications/", .body = application};
    struct hl_value *told = NULL;
    int64_t pk = 0;

    if (!make_provider(op, provider, &pk, err))
        return false;
    hl_value_map_put_int(application, "provider", pk);
    return hl_authentik_do(op->session, op->arena, &call, &told, err);
}

/* Both or neither. *possible becomes false where the version has no such call, or the token not the right to it. */
static bool make_at_once(struct hl_op *op, const struct hl_value *application, const struct hl_value *provider, bool *possible, struct hl_error **err)
{
    struct hl_value *body = hl_value_map(op->arena);
    const struct hl_authentik_call call = {.method = "PUT", .path = "/core/transactional/applications/", .body = body};
    hl_auto(http_response) struct hl_http_response response = {0};

    hl_value_map_put(body, "app", hl_value_copy(op->arena, application));
    hl_value_map_put_text(body, "provider_model", "authentik_providers_oauth2.oauth2provider");
    hl_value_map_put(body, "provider", hl_value_copy(op->arena, provider));
    if (!hl_authentik_send(op->session, &call, &response, err))
        return false;
    *possible = response.status != 403 && response.status != 404 && response.status != 405;
    return !*possible || (response.status >= 200 && response.status < 300) || hl_authentik_rejected(op->session, &response, err);
}

/* The answer was lost, or the slug is taken: is it this action's own, by its mark? */
static bool find_made(struct hl_op *op, const char *slug, struct hl_error **err)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const enum hl_code code = (*err)->code;
    struct hl_value *application = NULL;

    if (code != HL_E_UNREACHABLE && code != HL_E_TIMEOUT && code != HL_E_CONFLICT)
        return false;
    if (!hl_authentik_find(op->session, op->arena, hl_authentik_application_path(op->arena, slug), &application, &ignored))
        return false;
    const char *name = hl_value_get_text(hl_value_get(application, "provider_obj"), "name");
    if (hl_authentik_is_mark_of(name, op->session->run, op->address)) {
        hl_error_clear(err);
        return true;
    }
    if (code == HL_E_CONFLICT)
        hl_error_hint(err, "take it over with `adopt: true`, or set another `slug`");
    return false;
}

static bool make(struct hl_op *op, struct hl_value *application, const struct hl_value *provider, struct hl_error **err)
{
    bool possible = true;
    int64_t orphan = 0;

    if (!find_orphan(op, provider, &orphan, err))
        return false;
    if (orphan == 0 && !make_at_once(op, application, provider, &possible, err))
        return false;
    return (orphan == 0 && possible) || make_in_steps(op, application, provider, err);
}

bool hl_authentik_application_create(struct hl_op *op, struct hl_error **err)
{
    const char *slug = hl_value_get_text(op->desired, "slug");
    struct hl_value *application = hl_value_map(op->arena);
    struct hl_value *provider = hl_value_map(op->arena);

    if (!hl_authentik_part_body(op, HL_AUTHENTIK_APPLICATION, application, err) || !hl_authentik_part_body(op, HL_AUTHENTIK_PROVIDER, provider, err)) {
        op->undone = true;
        return false;
    }
    if (!make(op, application, provider, err) && !find_made(op, slug, err)) {
        /* Refused: there is nothing, or a provider without an application, which the next attempt takes. */
        op->undone = (*err)->code == HL_E_REJECTED || (*err)->code == HL_E_CONFLICT || (*err)->code == HL_E_AUTH;
        return hl_wrap(err, "making application '%s'", slug);
    }
    return set_result(op, slug, err);
}

/* ---- changing ---- */

static bool send_changes(struct hl_op *op, const char *path, const struct hl_value *body, bool idempotent, struct hl_error **err)
{
    const struct hl_authentik_call call = {.method = "PATCH", .path = path, .body = body, .idempotent = idempotent};

    return hl_value_count(body) == 0 || hl_authentik_do(op->session, op->arena, &call, NULL, err) || hl_wrap(err, "changing application '%s'", op->name);
}

static bool change_provider(struct hl_op *op, struct hl_error **err)
{
    const int64_t pk = hl_value_get_int(op->live, "provider_id", 0);
    const char *path = hl_authentik_provider_path(op->arena, pk);
    struct hl_value *body = hl_value_map(op->arena);
    struct hl_value *former = NULL;

    if (hl_op_changed(op, "redirect_uris") != NULL && !hl_authentik_get(op->session, op->arena, path, &former, err))
        return hl_wrap(err, "reading the provider of application '%s'", op->name);
    if (former != NULL)
        hl_authentik_learn_uris(hl_authentik_of(op->session), hl_value_get(former, "redirect_uris"));
    return hl_authentik_part_changes(op, HL_AUTHENTIK_PROVIDER, former, body, err) && send_changes(op, path, body, true, err);
}

bool hl_authentik_application_update(struct hl_op *op, struct hl_error **err)
{
    const char *slug = hl_value_get_text(op->live, "slug");
    const char *wanted = hl_value_get_text(op->desired, "slug");
    struct hl_value *body = hl_value_map(op->arena);

    if (!hl_authentik_part_changes(op, HL_AUTHENTIK_APPLICATION, NULL, body, err))
        return false;
    if (hl_op_changed(op, "provider_state") != NULL) { /* somebody took it away */
        struct hl_value *provider = hl_value_map(op->arena);
        int64_t pk = 0;
        if (!hl_authentik_part_body(op, HL_AUTHENTIK_PROVIDER, provider, err) || !make_provider(op, provider, &pk, err))
            return false;
        hl_value_map_put_int(body, "provider", pk);
    } else if (!change_provider(op, err)) {
        return false;
    }
    /* Under a new slug the old one is gone: sent again, it would find nothing. */
    const bool moves = hl_op_changed(op, "slug") != NULL;
    if (!send_changes(op, hl_authentik_application_path(op->arena, slug), body, !moves, err))
        return false;
    return set_result(op, moves ? wanted : slug, err);
}

/* ---- deleting ---- */

/* The provider first: should it end between the two, the application is still there to be found. */
bool hl_authentik_application_remove(struct hl_op *op, struct hl_error **err)
{
    const struct hl_value *live = op->live != NULL ? op->live : op->recorded_live;
    const char *slug = hl_value_get_text(live, "slug");
    const int64_t pk = hl_value_get_int(live, "provider_id", 0);

    if (slug == NULL)
        return hl_fail(err, HL_E_FAILED, "the slug of application '%s' is not known", op->name);
    if (pk != 0 && !hl_authentik_delete(op->session, hl_authentik_provider_path(op->arena, pk), err))
        return hl_wrap(err, "deleting the provider of application '%s'", slug);
    return hl_authentik_delete(op->session, hl_authentik_application_path(op->arena, slug), err) || hl_wrap(err, "deleting application '%s'", slug);
}
