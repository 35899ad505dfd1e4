/* The kind `token` of authentik: a key with which a program uses its API, or signs in as a user.
 *
 * What authentik does with tokens, and what is done about it:
 *   - an identifier is unique, and the only way to a token: it is never looked for by its key;
 *   - API tokens end after the tenant's default (30 minutes), whatever is asked for, and each write begins that anew. So `expiring: false` goes with each
 * write, and a lifetime in the spec is hlrec's own: a new key is set in time, and that ends the old one;
 *   - a change that says no user makes the token the caller's, one that says no intent makes it an API token: so both go with each write too;
 *   - the key can be looked at again, and each look is an event in authentik's log. So the state keeps it, and a plan asks only whether it is still taken. */
#include "config.h"

#include "reconcile/providers/authentik/token.h"

#include "reconcile/providers/authentik/kinds.h"

#include <string.h>

static const char never[] = "never";
const char hl_authentik_not_due[] = "none";

enum { LEAST_LIFETIME_MS = 60 * 60 * 1000, LONGEST_IDENTIFIER = 255 };

/* ---- the table ---- */

static void check_identifier(struct hl_check *check, const struct hl_value *value)
{
    const char *text = value->text.data;

    if (*text == '\0' || value->text.length > LONGEST_IDENTIFIER ||
        text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] != '\0')
        hl_diag_error(check->diags, value->at, "'%s' is no identifier of a token: letters, digits, '_' and '-', at most 255", text);
}

static void check_expires(struct hl_check *check, const struct hl_value *value)
{
    int64_t lifetime = 0;

    if (strcmp(value->text.data, never) == 0)
        return;
    if (!hl_parse_duration(value->text.data, &lifetime) || lifetime < LEAST_LIFETIME_MS)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "'expires' is never, or how long a key lives, an hour at least"),
                     "for instance `expires: 90d`");
}

static struct hl_value *normal_expires(struct hl_arena *arena, struct hl_value *value)
{
    int64_t lifetime = 0;
    char text[32];

    if (!hl_value_is(value, HL_TEXT) || !hl_parse_duration(value->text.data, &lifetime))
        return value;
    hl_format_duration(lifetime, text);
    struct hl_value *normal = hl_value_text(arena, text);
    normal->at = value->at;
    return normal;
}

static void check_key(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && (value->text.length == 0 || value->text.data[strcspn(value->text.data, " \t\r\n")] != '\0'))
        hl_diag_error(check->diags, value->at, "'key' of token '%s' is empty or holds a blank or a line end", check->name);
}

static const char *const intents[] = {"api", "app_password", NULL};

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "identifier", .type = HL_F_STRING, .check = check_identifier, .doc = "by what authentik knows it; default: the resource's name",
     .example = "netbird-mgmt-token"},
    {.name = "user", .type = HL_F_STRING, .immutable = true, .doc = "name of the user that it acts as; default: the user of the provider's token",
     .example = "akadmin"},
    {.name = "intent", .type = HL_F_STRING, .allowed = intents, .fallback = "api",
     .doc = "api: a bearer token for authentik's API; app_password: a password for its user, for LDAP, Basic and client_credentials"},
    {.name = "expires", .type = HL_F_STRING, .fallback = never, .check = check_expires, .normalise = normal_expires,
     .doc = "never, or how long a key lives: hlrec then sets a new one in time. (authentik itself would end it after its tenant's default, 30 minutes)",
     .example = "90d"},
    {.name = "renew_before", .type = HL_F_DURATION, .local = true, .doc = "how long before its end a new key is set; default: a tenth of `expires`, at most 30d",
     .example = "7d"},
    {.name = "description", .type = HL_F_STRING, .check = hl_authentik_check_unmarked, .doc = "a note; hlrec puts its mark behind it"},
    {.name = "key", .type = HL_F_STRING, .sensitive = true, .check = check_key, .doc = "the key to have; default: authentik makes one",
     .example = "\"${secret.NB_IDP_MGMT_TOKEN}\""},
    {.name = "renewal", .type = HL_F_STRING, .internal = true, .doc = "why a new key is due, or none"},
    {.name = "value", .type = HL_F_STRING, .computed = true, .sensitive = true, .doc = "the key"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "its primary key in authentik"},
    {.name = "user_id", .type = HL_F_INT, .computed = true, .doc = "primary key of its user"},
    {.name = "renewed_at", .type = HL_F_INT, .computed = true, .doc = "when the key was set or first seen, in milliseconds since 1970"},
    {.name = "expires_at", .type = HL_F_INT, .computed = true, .doc = "when the key has lived as long as `expires` says, in milliseconds since 1970; null: never"},
    {.name = NULL},
};
/* clang-format on */

int64_t hl_authentik_token_lifetime(const struct hl_value *body)
{
    const char *expires = hl_value_get_text(body, "expires");
    int64_t lifetime = 0;

    return expires != NULL && hl_parse_duration(expires, &lifetime) ? lifetime : 0;
}

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *expires = hl_value_get(body, "expires");
    const struct hl_value *before = hl_value_get(body, "renew_before");
    const struct hl_value *key = hl_value_get(body, "key");
    const int64_t lifetime = hl_authentik_token_lifetime(body);

    if (hl_value_get(body, "identifier") == NULL && check->name != NULL && strchr(check->name, '.') != NULL)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, body->at, "token '%s' needs an 'identifier': authentik takes no '.' in one", check->name),
                     "for instance the name with '-' instead");
    if (hl_value_is(expires, HL_UNKNOWN))
        return;
    if (before != NULL && lifetime == 0)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, before->at, "'renew_before' needs 'expires': what never ends is never renewed"),
                     "for instance `expires: 90d`");
    else if (hl_value_is(before, HL_INT) && before->integer >= lifetime)
        hl_diag_error(check->diags, before->at, "'renew_before' must be shorter than 'expires': each run would set a new key");
    if (key != NULL && lifetime > 0)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, key->at, "a token with a 'key' of the spec's gets no new one: 'expires' cannot be a time"),
                     "write `expires: never`, and rotate the secret that the key comes from");
}

/* The key of the spec is the value at once. */
static void complete_body(struct hl_check *check, struct hl_value *body)
{
    const struct hl_value *key = hl_value_get(body, "key");

    if (hl_value_get(body, "identifier") == NULL)
        hl_value_map_put_text(body, "identifier", check->name);
    if (hl_value_get(body, "expires") == NULL)
        hl_value_map_put_text(body, "expires", never);
    hl_value_map_put_text(body, "renewal", hl_authentik_not_due);
    if (!hl_value_is_null(key))
        hl_value_map_put(body, "value", hl_value_mark_sensitive(hl_value_copy(check->arena, key)));
}

const char *hl_authentik_token_path(struct hl_arena *arena, const char *identifier, const char *action)
{
    return hl_arena_printf(arena, "/core/tokens/%s/%s", hl_authentik_escape(arena, identifier), action);
}

/* ---- writing ---- */

/* What each write must say, or authentik would choose. An intent that the spec does not name stays what it is. */
static void put_fixed(struct hl_value *body, const struct hl_op *op, const struct hl_value *user)
{
    const char *intent = hl_value_get_text(op->desired, "intent");

    if (intent == NULL && op->live != NULL && hl_op_changed(op, "intent") == NULL)
        intent = hl_value_get_text(op->live, "intent");
    hl_value_map_put(body, "user", hl_value_is_null(user) ? NULL : hl_value_copy(op->arena, user));
    hl_value_map_put_text(body, "intent", intent != NULL ? intent : "api");
    hl_value_map_put_bool(body, "expiring", false);
}

static const char *marked_description(const struct hl_op *op)
{
    return hl_authentik_mark(op->arena, op->session->run, op->address, hl_value_get_text(op->desired, "description"));
}

static bool patch(struct hl_op *op, const char *identifier, struct hl_value *body, struct hl_value **told, struct hl_error **err)
{
    /* Under a new identifier the old one is gone: sent again, it would find nothing. */
    const struct hl_authentik_call call = {
        .method = "PATCH", .path = hl_authentik_token_path(op->arena, identifier, ""), .body = body, .idempotent = hl_value_get(body, "identifier") == NULL};

    return hl_authentik_do(op->session, op->arena, &call, told, err) || hl_wrap(err, "changing token '%s'", identifier);
}

/* A user who is no superuser gets tokens that expire, whatever was asked for; a change then helps. */
static bool make_lasting(struct hl_op *op, const char *identifier, struct hl_value **told, struct hl_error **err)
{
    struct hl_value *body = hl_value_map(op->arena);

    if (!hl_value_get_bool(*told, "expiring", true))
        return true;
    put_fixed(body, op, hl_value_get(*told, "user"));
    if (!patch(op, identifier, body, told, err))
        return false;
    if (!hl_value_get_bool(*told, "expiring", true))
        return true;
    hl_fail(err, HL_E_REJECTED, "authentik lets token '%s' expire, although it was told not to", identifier);
    return hl_error_hint(err, "use a superuser's token for the provider, or set the attribute goauthentik.io/user/token-expires of the token's user to false");
}

static void set_result(struct hl_op *op, const struct hl_value *told, const char *value, int64_t renewed_at)
{
    const struct hl_authentik_token_view view = {.told = told, .desired = op->desired, .value = value, .renewed_at = renewed_at};

    op->result_id = hl_arena_strdup(op->arena, hl_value_get_text(told, "pk"));
    op->result = hl_authentik_token_live(op->arena, op->session->run, &view);
}

/* ---- making ---- */

/* A name that the token must act as, or nothing: then it is the caller's. */
static bool user_of(struct hl_op *op, struct hl_value **user, struct hl_error **err)
{
    const char *name = hl_value_get_text(op->desired, "user");
    int64_t pk = 0;

    *user = NULL;
    if (hl_is_blank(name))
        return true;
    if (!hl_authentik_user(op->session, name, op->arena, &pk, err))
        return false;
    *user = hl_value_int(op->arena, pk);
    return true;
}

/* The answer was lost, or the identifier is taken: is it this action's own, by its mark? */
static bool find_made(struct hl_op *op, const char *identifier, struct hl_value **told, struct hl_error **err)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const enum hl_code code = (*err)->code;

    if (code != HL_E_UNREACHABLE && code != HL_E_TIMEOUT && code != HL_E_CONFLICT)
        return false;
    if (!hl_authentik_find(op->session, op->arena, hl_authentik_token_path(op->arena, identifier, ""), told, &ignored))
        return false;
    if (*told != NULL && hl_authentik_is_mark_of(hl_value_get_text(*told, "description"), op->session->run, op->address)) {
        hl_error_clear(err);
        return true;
    }
    if (code == HL_E_CONFLICT && *told == NULL)
        hl_error_hint(err, "the user of the provider's token cannot see the token that has this identifier: it is another user's");
    else if (code == HL_E_CONFLICT)
        hl_error_hint(err, "take it over with `adopt: true`, or set another `identifier`");
    return false;
}

static bool make(struct hl_op *op, const char *identifier, struct hl_value **told, struct hl_error **err)
{
    struct hl_value *body = hl_value_map(op->arena);
    const struct hl_authentik_call call = {.method = "POST", .path = "/core/tokens/", .body = body};
    struct hl_value *user = NULL;

    if (!user_of(op, &user, err)) {
        op->undone = true;
        return false;
    }
    hl_value_map_put_text(body, "identifier", identifier);
    hl_value_map_put_text(body, "description", marked_description(op));
    put_fixed(body, op, user);
    if (hl_authentik_do(op->session, op->arena, &call, told, err) || find_made(op, identifier, told, err))
        return hl_value_get_text(*told, "pk") != NULL || hl_fail(err, HL_E_UNREACHABLE, "the API does not tell the token that it has made");
    op->undone = (*err)->code == HL_E_REJECTED || (*err)->code == HL_E_CONFLICT || (*err)->code == HL_E_AUTH; /* refused: there is nothing */
    return hl_wrap(err, "making token '%s'", identifier);
}

static bool create(struct hl_op *op, struct hl_error **err)
{
    const char *identifier = hl_value_get_text(op->desired, "identifier");
    const char *key = hl_value_get_text(op->desired, "key");
    struct hl_value *told = NULL;

    if (!make(op, identifier, &told, err) || !make_lasting(op, identifier, &told, err))
        return false;
    if (!hl_is_blank(key) ? !hl_authentik_key_set(op->session, op->arena, identifier, key, err)
                          : !hl_authentik_key_view(op->session, op->arena, identifier, &key, err))
        return false;
    set_result(op, told, key, op->session->run->now_ms);
    return true;
}

/* ---- changing ---- */

static bool change_fields(struct hl_op *op, const char **identifier, struct hl_error **err)
{
    const struct hl_value *user = hl_value_get(op->live, "user_id");
    struct hl_value *body = hl_value_map(op->arena);
    struct hl_value *told = NULL;
    const char *wanted = hl_value_get_text(op->desired, "identifier");

    if (hl_op_changed(op, "identifier") != NULL)
        hl_value_map_put_text(body, "identifier", wanted);
    if (hl_op_changed(op, "description") != NULL)
        hl_value_map_put_text(body, "description", marked_description(op));
    if (hl_value_count(body) == 0 && hl_op_changed(op, "intent") == NULL && hl_op_changed(op, "expires") == NULL)
        return true;
    put_fixed(body, op, user);
    if (!patch(op, *identifier, body, &told, err))
        return false;
    *identifier = wanted;
    return make_lasting(op, *identifier, &told, err);
}

/* A new key is in the journal before authentik hears of it: whatever happens then, it is not lost. */
static bool renew(struct hl_op *op, const char *identifier, const char **value, struct hl_error **err)
{
    struct hl_value *checkpoint = hl_value_map(op->arena);

    *value = hl_authentik_key_make(op->arena, op->session->run);
    hl_value_map_put(checkpoint, "value", hl_value_mark_sensitive(hl_value_text(op->arena, *value)));
    hl_value_map_put_int(checkpoint, "renewed_at", op->session->run->now_ms);
    if (!hl_op_checkpoint(op, checkpoint, err))
        return hl_wrap(err, "keeping the new key safe");
    return hl_authentik_key_set(op->session, op->arena, identifier, *value, err);
}

static bool change_key(struct hl_op *op, const char *identifier, const char **value, int64_t *renewed_at, struct hl_error **err)
{
    const char *key = hl_value_get_text(op->desired, "key");

    *value = hl_value_get_text(op->live, "value");
    *renewed_at = hl_value_get_int(op->live, "renewed_at", op->session->run->now_ms);
    const bool sets = !hl_is_blank(key) && hl_op_changed(op, "key") != NULL;
    const bool renews = hl_is_blank(key) && hl_op_changed(op, "renewal") != NULL;
    if (sets || renews)
        *renewed_at = op->session->run->now_ms;
    if (sets) {
        *value = key;
        return hl_authentik_key_set(op->session, op->arena, identifier, key, err);
    }
    return !renews || renew(op, identifier, value, err);
}

static bool update(struct hl_op *op, struct hl_error **err)
{
    const char *identifier = hl_value_get_text(op->live, "identifier");
    const char *value = NULL;
    struct hl_value *told = NULL;
    int64_t renewed_at = 0;

    if (!change_fields(op, &identifier, err) || !change_key(op, identifier, &value, &renewed_at, err))
        return false;
    if (!hl_authentik_get(op->session, op->arena, hl_authentik_token_path(op->arena, identifier, ""), &told, err))
        return hl_wrap(err, "reading token '%s' again", identifier);
    set_result(op, told, value, renewed_at);
    return true;
}

static bool token_remove(struct hl_op *op, struct hl_error **err)
{
    const char *identifier = hl_value_get_text(op->live != NULL ? op->live : op->recorded_live, "identifier");

    if (identifier == NULL)
        return hl_fail(err, HL_E_FAILED, "the identifier of token '%s' is not known", op->name);
    return hl_authentik_delete(op->session, hl_authentik_token_path(op->arena, identifier, ""), err) || hl_wrap(err, "deleting token '%s'", identifier);
}

static const struct hl_verbs verbs = {
    .refresh = hl_authentik_token_refresh,
    .create = create,
    .update = update,
    .remove = token_remove,
    .recover = hl_authentik_token_recover,
    .unmanaged = hl_authentik_token_unmanaged,
};

const struct hl_kind hl_kind_authentik_token = {
    .name = "token",
    .section = "tokens",
    .provider = "authentik",
    .doc = "a token of authentik: a key for its API, or a password for a program that signs in as a user",
    .example = "provider: authentik\nidentifier: netbird-mgmt-token\nuser: akadmin\nexpires: never\n",
    .fields = fields,
    .output = "value",
    .check = check_body,
    .complete = complete_body,
    .verbs = &verbs,
};
