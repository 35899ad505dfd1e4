/* The kind `proxy_token`: what NetBird's reverse proxy (netbird-proxy) signs in with. Not a personal access token: the API has its own list of them, from
 * 0.71 on. It tells a token once; a revoked one stays in the list for ever. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/netbird_session.h"

#include <time.h>

/* Seconds; above, the server's arithmetic in nanoseconds overflows, and the token never expires. */
static const int64_t longest_life_s = 9223372036;

static void check_lifetime(struct hl_check *check, const struct hl_value *value)
{
    struct hl_diag *diag = NULL;

    if (value->integer < 1000 || value->integer % 1000 != 0)
        diag = hl_diag_error(check->diags, value->at, "'expires_in' is a whole number of seconds, one at least");
    else if (value->integer / 1000 > longest_life_s)
        diag = hl_diag_error(check->diags, value->at, "'expires_in' is longer than NetBird can tell");
    if (diag != NULL)
        hl_diag_hint(check->diags, diag, "leave it out for a token that never expires");
}

static const struct hl_field fields[] = {
    {.name = "name", .type = HL_F_STRING, .immutable = true, .doc = "what NetBird calls it; the resource's name when not said", .example = "default-proxy"},
    {.name = "expires_in",
     .type = HL_F_DURATION,
     .immutable = true,
     .check = check_lifetime,
     .doc = "how long it can be used; never ends when not said",
     .example = "365d"},
    HL_NETBIRD_ENDING_FIELDS,
    {.name = "value",
     .type = HL_F_STRING,
     .computed = true,
     .sensitive = true,
     .doc = "the token itself; told when it is made and kept sealed in the state; null for one that was taken over"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static void check_token(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *name = hl_value_get(body, "name");

    hl_netbird_check_ending(check, body, 0);
    if (hl_value_is(name, HL_TEXT) && (name->text.length == 0 || name->text.length > 255))
        hl_diag_error(check->diags, name->at, "'name' is 1 to 255 bytes long");
}

static void complete_token(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_complete_ending(body);
}

static bool read_token(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                       struct hl_value *values, struct hl_error **err)
{
    const struct hl_netbird_ending ending = {
        .expires_ms = hl_netbird_time(hl_value_get(object, "expires_at")),
        .renew_before_ms = hl_value_get_int(desired, "renew_before", 0),
        .ended = hl_value_get_bool(object, "revoked", false) ? "revoked" : NULL,
    };

    (void)err;
    hl_value_map_put_text(values, "name", hl_value_get_text(object, "name"));
    hl_value_map_put_text(values, "renewal", hl_netbird_renewal(arena, session->run, &ending));
    if (ending.expires_ms != 0)
        hl_value_map_put_int(values, "expires_at", ending.expires_ms);
    return true;
}

static bool write_token(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err)
{
    const int64_t life_ms = hl_value_get_int(desired, "expires_in", 0);

    (void)session;
    (void)err;
    hl_netbird_put(arena, body, "name", desired, "name", object);
    if (life_ms > 0)
        hl_value_map_put_int(body, "expires_in", life_ms / 1000);
    return true;
}

static bool is_usable(const struct hl_value *object, int64_t now_ms)
{
    const int64_t expires_ms = hl_netbird_time(hl_value_get(object, "expires_at"));

    return !hl_value_get_bool(object, "revoked", false) && (expires_ms == 0 || expires_ms > now_ms);
}

/* Names are not unique, and tokens that are good for nothing stay in the list under theirs. */
static bool is_alive(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    (void)arena;
    (void)desired;
    return is_usable(object, session->run->now_ms);
}

static bool is_offered(const struct hl_value *object)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return is_usable(object, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* ---- servers without ---- */

static bool is_unknown_path(const struct hl_error *error)
{
    for (; error != NULL; error = error->cause) {
        if (error->http != NULL && hl_ends_with(error->http, "-> 404"))
            return true;
    }
    return false;
}

static bool refresh_tokens(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    if (hl_netbird_refresh(session, objects, count, err))
        return true;
    if (!is_unknown_path(*err))
        return false;
    hl_error_clear(err);
    for (size_t i = 0; i < count; i++) {
        struct hl_error *lacking = NULL;
        hl_fail(&lacking, HL_E_REJECTED, "this NetBird has no proxy tokens in its API: it is older than 0.71");
        hl_error_hint(&lacking, "upgrade it, or make one with `netbird-server token create` and give it as a secret");
        objects[i]->live.presence = HL_LIVE_UNREADABLE;
        objects[i]->live.error = hl_netbird_keep_error(hl_netbird_of(session), lacking);
    }
    return true;
}

static const char *const untold[] = {"expires_in", NULL};

static const struct hl_netbird_form form = {
    .verbs = {.refresh = refresh_tokens,
              .create = hl_netbird_create,
              .update = hl_netbird_update,
              .remove = hl_netbird_remove,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_PROXY_TOKENS,
    .what = "proxy token",
    .collection = "/api/reverse-proxies/proxy-tokens",
    .may_lack = true,
    .read = read_token,
    .write = write_token,
    .same = is_alive,
    .once_member = "plain_token",
    .once_field = "value",
    .untold = untold,
    .offered = is_offered,
};

const struct hl_kind hl_kind_proxy_token = {
    .name = "proxy_token",
    .section = "proxy_tokens",
    .provider = "netbird",
    .doc = "a token for NetBird's reverse proxy (NetBird 0.71 and newer); a new one takes its place before it ends",
    .example = "expires_in: 365d\nrenew_before: 30d\n",
    .fields = fields,
    .output = "value",
    .create_first = true,
    .check = check_token,
    .complete = complete_token,
    .verbs = &form.verbs,
};
