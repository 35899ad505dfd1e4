/* The token: given, or from AppRole, which a session logs in with when it first needs a token, and again when the token has less than a minute left or is not
 * good any more. A secret_id may be good for one login alone, and a refused one is not tried again in the run. */
#include "config.h"

#include "reconcile/providers/openbao/session.h"

#include <string.h>
#include <time.h>

enum { MARGIN_S = 60 };

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool hl_openbao_can_log_in(const struct hl_openbao *store)
{
    return store->role_id != NULL;
}

void hl_openbao_keep_token(struct hl_openbao *store, const char *token, int64_t lease_s)
{
    struct hl_openbao_login *login = &store->login;
    const int64_t margin_s = lease_s / 3 < MARGIN_S ? lease_s / 3 : MARGIN_S; /* of short-lived tokens the last third */

    if (login->token != NULL)
        hl_wipe(login->token, strlen(login->token));
    hl_cleanup_heap_free(login->token);
    login->token = hl_strdup(token);
    login->generation++;
    login->expires_ms = lease_s > 0 ? clock_ms() + (lease_s - margin_s) * 1000 : 0;
    hl_redactor_add(store->run->redactor, token, strlen(token));
}

/* The server says 400 for a wrong role or secret id, and 403 for a mount that is not there. */
static bool fail_log_in(struct hl_openbao *store, const struct hl_http_response *response, struct hl_error **err)
{
    store->login.refused = response->status == 400 || response->status == 401 || response->status == 403;
    if (response->status == 403)
        hl_http_rejected(response, store->run->redactor, err); /* there is no token that could be asked why */
    else
        hl_openbao_rejected(store, response, err);
    if (store->login.refused) {
        (*err)->code = HL_E_AUTH;
        hl_error_hint(err, "check role_id and secret_id of provider '%s' (a secret_id may be used up or have ended), and that AppRole is mounted at '%s'",
                      store->name, store->approle_mount);
    }
    return hl_wrap(err, "logging in to OpenBao by AppRole");
}

static bool log_in(struct hl_openbao *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *body = hl_value_map(arena);
    struct hl_value *answer = NULL;

    if (store->login.refused)
        return hl_fail(err, HL_E_AUTH, "OpenBao has refused role_id and secret_id of provider '%s' in this run already", store->name);
    hl_value_map_put_text(body, "role_id", store->role_id);
    hl_value_map_put_text(body, "secret_id", store->secret_id);
    const struct hl_openbao_call call = {
        .method = "POST",
        .path = hl_arena_printf(arena, "/v1/auth/%s/login", hl_openbao_escape_path(arena, store->approle_mount)),
        .body = body,
        .anonymous = true,
    };
    if (!hl_openbao_send(store, &call, &response, err))
        return hl_wrap(err, "logging in to OpenBao by AppRole");
    if (response.status < 200 || response.status > 299)
        return fail_log_in(store, &response, err);
    if (!hl_openbao_take(store, &response, arena, &answer, err))
        return hl_wrap(err, "logging in to OpenBao by AppRole");
    const struct hl_value *auth = hl_value_get(answer, "auth");
    const char *token = hl_value_get_text(auth, "client_token");
    if (hl_is_blank(token))
        return hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is no OpenBao: logging in gave no token", store->url);
    hl_openbao_keep_token(store, token, hl_value_get_int(auth, "lease_duration", 0));
    return true;
}

bool hl_openbao_token(struct hl_openbao *store, struct hl_arena *arena, uint64_t stale, const char **token, uint64_t *generation, struct hl_error **err)
{
    struct hl_openbao_login *login = &store->login;
    bool fine = true;

    pthread_mutex_lock(&login->lock);
    if (hl_openbao_can_log_in(store)) {
        const bool ends = login->expires_ms != 0 && clock_ms() >= login->expires_ms;
        /* Somebody else may have replaced the stale one meanwhile. */
        if (login->generation <= stale || login->token == NULL || ends)
            fine = log_in(store, err);
    }
    if (fine) {
        *token = hl_arena_strdup(arena, login->token);
        *generation = login->generation;
    }
    pthread_mutex_unlock(&login->lock);
    return fine;
}

/* ---- a token that was given ---- */

bool hl_openbao_renew(struct hl_openbao *store, const struct hl_value *data)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    hl_auto(error) struct hl_error *ignored = NULL;
    const int64_t ttl_s = hl_value_get_int(data, "ttl", 0);
    const struct hl_openbao_call call = {.method = "POST", .path = "/v1/auth/token/renew-self", .body = hl_value_map(arena)};

    atomic_store(&store->kept_alive, true);
    if (hl_openbao_can_log_in(store) || store->run->preview || !hl_value_get_bool(data, "renewable", false) || ttl_s <= 0 ||
        ttl_s >= hl_value_get_int(data, "creation_ttl", 0) / 3)
        return false;
    return hl_openbao_send(store, &call, &response, &ignored) && response.status == 200;
}

void hl_openbao_keep_alive(struct hl_openbao *store)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *data = NULL;

    if (hl_openbao_can_log_in(store) || atomic_exchange(&store->kept_alive, true))
        return;
    if (hl_openbao_look_up(store, arena, &data, &ignored))
        hl_openbao_renew(store, data);
}
