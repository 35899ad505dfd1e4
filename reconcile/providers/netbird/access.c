/* Who hlrec is on the server, and whether the server has an owner at all. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"
#include "schema/base/json.h"

#include <string.h>

/* ---- who we are ---- */

/* Persons only. The first call of a person who is new makes the account (0.66). */
static bool me_by_current(struct hl_session *session, struct hl_arena *arena, const struct hl_value **me, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_netbird_call(session, arena, "GET", "/api/users/current", NULL, &answer, err))
        return false;
    if (hl_is_blank(hl_value_get_text(answer, "id")))
        return hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is not NetBird's management: it tells no user", hl_netbird_of(session)->url);
    *me = answer;
    return true;
}

static bool me_by_list(struct hl_session *session, struct hl_arena *arena, const struct hl_value **me, struct hl_error **err)
{
    const struct hl_value **users = NULL;
    size_t count = 0;

    if (!hl_netbird_all(session, HL_NETBIRD_USERS, arena, &users, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (hl_value_get_bool(users[i], "is_current", false)) {
            *me = users[i];
            return true;
        }
    }
    return hl_fail(err, HL_E_UNREACHABLE, "NetBird at '%s' does not tell whose token this is", hl_netbird_of(session)->url);
}

static bool is_forbidden(const struct hl_error *error)
{
    for (; error != NULL; error = error->cause) {
        if (error->http != NULL && hl_ends_with(error->http, "403"))
            return true;
    }
    return false;
}

/* Service users may list users and may not ask who they are; for persons with weak roles it is the other way round. A token that is given is most likely a
 * service user's. */
static bool ask_me(struct hl_session *session, struct hl_arena *arena, const struct hl_value **me, struct hl_error **err)
{
    const bool given = !hl_is_blank(hl_value_get_text(session->settings, "token"));

    if (given ? me_by_list(session, arena, me, err) : me_by_current(session, arena, me, err))
        return true;
    if (!is_forbidden(*err))
        return false;
    hl_error_clear(err);
    return given ? me_by_current(session, arena, me, err) : me_by_list(session, arena, me, err);
}

bool hl_netbird_me(struct hl_session *session, const struct hl_value **me, struct hl_error **err)
{
    struct hl_netbird *netbird = hl_netbird_of(session);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *told = NULL;

    pthread_mutex_lock(&netbird->lock);
    *me = netbird->me;
    pthread_mutex_unlock(&netbird->lock);
    if (*me != NULL)
        return true;
    if (!ask_me(session, arena, &told, err))
        return false;
    pthread_mutex_lock(&netbird->lock);
    if (netbird->me == NULL)
        netbird->me = hl_value_copy(netbird->arena, told);
    *me = netbird->me;
    pthread_mutex_unlock(&netbird->lock);
    return true;
}

/* ---- the first owner ---- */

/* The status of a GET without credentials; the body stays in `response`. */
static bool look(struct hl_session *session, const char *path, struct hl_http_response *response, struct hl_error **err)
{
    static const struct hl_http_header nobody[] = {{"Authorization", ""}, {NULL, NULL}};
    const struct hl_http_request request = {.method = "GET", .path = path, .headers = nobody};

    return hl_http_perform(hl_netbird_of(session)->http, &request, response, err);
}

/* There is no such path: an older server, or a proxy that does not know NetBird yet. Only NetBird asks for a token in JSON. */
static bool explain_missing_instance(struct hl_session *session, struct hl_error **err)
{
    const char *url = hl_netbird_of(session)->url;
    hl_auto(http_response) struct hl_http_response response = {0};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *answer = NULL;

    if (!look(session, "/api/users/current", &response, err))
        return false;
    const bool spoken = hl_json_decode(arena, hl_text_get(&response.body), response.body.length, &answer, &ignored);
    if (response.status != 401 || !spoken)
        return hl_fail(err, HL_E_UNREACHABLE, "no NetBird management answers at '%s': a proxy may not know it yet, or the URL is another", url);
    hl_fail(err, HL_E_AUTH, "NetBird at '%s' has no first set-up of its own, so that hlrec cannot make itself a token", url);
    return hl_error_hint(err, "%s", hl_netbird_token_steps);
}

bool hl_netbird_is_new(struct hl_session *session, bool *is_new, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *answer = NULL;

    if (!look(session, "/api/instance", &response, err))
        return false;
    if (response.status == 404)
        return explain_missing_instance(session, err);
    if (response.status != 200)
        return hl_netbird_rejected(session->run, &response, err);
    if (!hl_json_decode(arena, hl_text_get(&response.body), response.body.length, &answer, &ignored) ||
        !hl_value_is(hl_value_get(answer, "setup_required"), HL_BOOL))
        return hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is not NetBird's management", hl_netbird_of(session)->url);
    *is_new = hl_value_get_bool(answer, "setup_required", false);
    return true;
}
