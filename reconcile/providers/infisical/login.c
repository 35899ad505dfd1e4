/* The access token: a session signs in when it first needs one, and again when the token has less than a minute left or is refused.
 *
 * Tokens are never renewed: with an identity's default settings (TTL equal to the longest TTL) POST /api/v1/auth/token/renew deletes the token and answers
 * 401. A refused pair of client_id and client_secret is not tried again in the run: three wrong tries within 30 s lock the identity for five minutes. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"

#include <string.h>
#include <time.h>

enum { MARGIN_S = 60 };

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool hl_infisical_can_sign_in(const struct hl_infisical *store)
{
    return store->client_id != NULL;
}

static void keep_token(struct hl_infisical *store, const char *token, int64_t expires_in_s)
{
    struct hl_infisical_login *login = &store->login;
    const size_t length = strlen("Bearer ") + strlen(token) + 1;
    /* Of short-lived tokens the last third. */
    const int64_t margin_s = expires_in_s / 3 < MARGIN_S ? expires_in_s / 3 : MARGIN_S;

    if (login->bearer != NULL)
        hl_wipe(login->bearer, strlen(login->bearer));
    hl_cleanup_heap_free(login->bearer);
    login->bearer = hl_alloc(length);
    memcpy(login->bearer, "Bearer ", strlen("Bearer "));
    memcpy(login->bearer + strlen("Bearer "), token, strlen(token));
    login->generation++;
    login->expires_ms = expires_in_s > 0 ? clock_ms() + (expires_in_s - margin_s) * 1000 : 0;
    hl_redactor_add(store->run->redactor, token, strlen(token));
}

static bool fail_sign_in(struct hl_infisical *store, const struct hl_http_response *response, struct hl_error **err)
{
    store->login.refused = response->status == 401 || response->status == 403;
    if (store->login.refused)
        hl_http_rejected(response, store->run->redactor, err);
    else
        hl_infisical_rejected(store, response, err);
    if (hl_infisical_lacks_call(response)) {
        (*err)->code = HL_E_UNREACHABLE;
        hl_error_hint(err, "is '%s' Infisical, and has it started?", store->url);
    }
    hl_wrap(err, "signing in to Infisical");
    if (store->login.refused)
        hl_error_hint(err,
                      "check client_id and client_secret of provider '%s' (a client secret may also be used up or have ended); they are not tried again "
                      "in this run, since Infisical locks an identity after three wrong tries",
                      store->name);
    return false;
}

static bool sign_in(struct hl_infisical *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *body = hl_value_map(arena);
    struct hl_value *answer = NULL;

    if (store->login.refused)
        return hl_fail(err, HL_E_AUTH, "Infisical has refused client_id and client_secret of provider '%s' in this run already", store->name);
    hl_value_map_put_text(body, "clientId", store->client_id);
    hl_value_map_put_text(body, "clientSecret", store->client_secret);
    const struct hl_infisical_call call = {.method = "POST", .path = "/api/v1/auth/universal-auth/login", .body = body, .anonymous = true};
    if (!hl_infisical_send(store, &call, &response, err))
        return hl_wrap(err, "signing in to Infisical");
    if (response.status < 200 || response.status > 299)
        return fail_sign_in(store, &response, err);
    if (!hl_infisical_take(store, &response, arena, &answer, err))
        return hl_wrap(err, "signing in to Infisical");
    const char *token = hl_value_get_text(answer, "accessToken");
    if (hl_is_blank(token))
        return hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is no Infisical: signing in gave no access token", store->url);
    keep_token(store, token, hl_value_get_int(answer, "expiresIn", 0));
    return true;
}

bool hl_infisical_bearer(struct hl_infisical *store, struct hl_arena *arena, uint64_t stale, const char **bearer, uint64_t *generation, struct hl_error **err)
{
    struct hl_infisical_login *login = &store->login;
    bool fine = true;

    pthread_mutex_lock(&login->lock);
    if (hl_infisical_can_sign_in(store)) {
        const bool ends = login->expires_ms != 0 && clock_ms() >= login->expires_ms;
        /* Somebody else may have replaced the stale one meanwhile. */
        if (login->generation <= stale || login->bearer == NULL || ends)
            fine = sign_in(store, err);
    }
    if (fine) {
        *bearer = hl_arena_strdup(arena, login->bearer);
        *generation = login->generation;
    }
    pthread_mutex_unlock(&login->lock);
    return fine;
}

int64_t hl_infisical_token_left(struct hl_infisical *store)
{
    pthread_mutex_lock(&store->login.lock);
    const int64_t left = store->login.expires_ms == 0 ? -1 : (store->login.expires_ms - clock_ms()) / 1000;
    pthread_mutex_unlock(&store->login.lock);
    return left;
}
