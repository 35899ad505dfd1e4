/* The kind `token` of NetBird: a personal access token of a service user, or of hlrec's own user. Told once, when it is made; ends after a year at the latest.
 *
 * The API keeps tokens below their user and changes nothing about one. So an id here is "USER/TOKEN" with both ids, and any difference makes a new token, the
 * new one first. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/token.h"

#include <string.h>

enum { DEFAULT_DAYS = 365, EARLIER_MS = 5 * 60 * 1000 };
static const int64_t day_ms = 86400 * (int64_t)1000;

/* ---- the table ---- */

static void check_days(struct hl_check *check, const struct hl_value *value)
{
    if (value->integer % day_ms != 0 || value->integer < day_ms || value->integer > DEFAULT_DAYS * day_ms)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "NetBird's tokens live for whole days, 1 to 365"), "write 30d, or 365d");
}

static void check_name(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && value->text.length == 0)
        hl_diag_error(check->diags, value->at, "'name' is empty");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "name", .type = HL_F_STRING, .immutable = true, .check = check_name, .doc = "what NetBird calls it; the resource's name when not said"},
    {.name = "user", .type = HL_F_STRING, .immutable = true, .refers_to = "user", .fallback = "me",
     .doc = "whose token it is: the name (or id) of a service user, or me, the user that hlrec itself is", .example = "hlrec-proxy"},
    {.name = "expires_in", .type = HL_F_DURATION, .immutable = true, .fallback = "365d", .check = check_days,
     .doc = "how long it lives, in whole days up to 365d: NetBird has no tokens without an end", .example = "90d"},
    {.name = "renew_before", .type = HL_F_DURATION, .local = true, .example = "30d",
     .doc = "how long before it ends a new one takes its place; default: a tenth of its life, at most 30d"},
    {.name = "renewal", .type = HL_F_STRING, .internal = true, .immutable = true, .doc = "why a new one is due, or none"},
    {.name = "expires_at", .type = HL_F_INT, .computed = true, .doc = "when it ends, in milliseconds since 1970"},
    {.name = "value", .type = HL_F_STRING, .computed = true, .sensitive = true, .doc = "the token itself, nbp_...; NetBird tells it once, hlrec keeps it sealed"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "id of the token in NetBird"},
    {.name = "user_id", .type = HL_F_STRING, .computed = true, .doc = "id of its user"},
    {.name = NULL},
};
/* clang-format on */

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    hl_netbird_check_ending(check, body, DEFAULT_DAYS * day_ms);
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_complete_ending(body);
    hl_netbird_spell(check, body, "user", "user");
}

/* ---- doing ---- */

static bool is_lost(const struct hl_error *error)
{
    return error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT || error->code == HL_E_INTERRUPTED;
}

static bool post_token(struct hl_op *op, const char *user_id, struct hl_value **answer, struct hl_error **err)
{
    struct hl_value *body = hl_value_map(op->arena);

    hl_value_map_put_text(body, "name", hl_value_get_text(op->desired, "name"));
    hl_value_map_put_int(body, "expires_in", hl_value_get_int(op->desired, "expires_in", DEFAULT_DAYS * day_ms) / day_ms);
    if (hl_netbird_call(op->session, op->arena, "POST", hl_netbird_tokens_path(op->arena, user_id), body, answer, err))
        return true;
    op->undone = !is_lost(*err); /* refused: there is nothing */
    return hl_netbird_token_rights(err);
}

/* The value is safe before anything else is done with it. */
static bool keep_value(struct hl_op *op, const char *id, struct hl_value *value, struct hl_error **err)
{
    struct hl_value *checkpoint = hl_value_map(op->arena);

    hl_value_map_put_text(checkpoint, "id", id);
    hl_value_map_put(checkpoint, "value", hl_value_mark_sensitive(value));
    hl_redactor_add_value(op->session->run->redactor, checkpoint);
    return hl_op_checkpoint(op, checkpoint, err) || hl_wrap(err, "keeping the new token safe");
}

static bool make_token(struct hl_op *op, struct hl_error **err)
{
    struct hl_value *answer = NULL;
    const char *user_id = NULL;

    if (!hl_netbird_token_user(op->session, op->arena, hl_value_get_text(op->desired, "user"), &user_id, err)) {
        op->undone = true; /* nothing was sent */
        return false;
    }
    hl_netbird_forget_tokens(op->session, user_id);
    if (!post_token(op, user_id, &answer, err))
        return false;
    const struct hl_value *token = hl_value_get(answer, "personal_access_token");
    struct hl_value *value = hl_value_get(answer, "plain_token");
    if (hl_is_blank(hl_value_get_text(token, "id")) || !hl_value_is(value, HL_TEXT) || value->text.length == 0)
        return hl_fail(err, HL_E_UNREACHABLE, "NetBird made a token and does not tell it");
    const char *id = hl_netbird_token_id(op->arena, user_id, token);
    if (!keep_value(op, id, value, err))
        return false;
    op->result_id = id;
    op->result = hl_netbird_token_values(op->session, op->arena, token, user_id, op->desired, value);
    return true;
}

static bool token_create(struct hl_op *op, struct hl_error **err)
{
    return make_token(op, err) || hl_wrap(err, "making token '%s'", op->name);
}

/* Nothing changes in place. */
static bool token_update(struct hl_op *op, struct hl_error **err)
{
    (void)err;
    op->result = hl_value_copy(op->arena, op->live);
    return true;
}

/* A token, or a user, that is gone already is fine. */
static bool delete_token(struct hl_session *session, struct hl_arena *arena, const char *user_id, const char *token_id, struct hl_error **err)
{
    struct hl_value *answer = NULL;
    const char *path = hl_netbird_path(arena, hl_netbird_tokens_path(arena, user_id), token_id);

    hl_netbird_forget_tokens(session, user_id);
    if (hl_netbird_call(session, arena, "DELETE", path, NULL, &answer, err))
        return true;
    if ((*err)->code != HL_E_NOT_FOUND)
        return hl_netbird_token_rights(err);
    hl_error_clear(err);
    return true;
}

static bool token_remove(struct hl_op *op, struct hl_error **err)
{
    const char *user_id = NULL;
    const char *token_id = NULL;

    hl_netbird_token_split(op->arena, op->id, &user_id, &token_id);
    if (hl_is_blank(user_id) || hl_is_blank(token_id))
        return true;
    return delete_token(op->session, op->arena, user_id, token_id, err) || hl_wrap(err, "deleting token '%s'", op->name);
}

/* ---- after a crash ---- */

/* The tokens of the user that an id names; an empty list where there is no such user any more. */
static bool tokens_of(const struct hl_recovery *recovery, const char *user_id, const struct hl_value **tokens, struct hl_error **err)
{
    if (hl_netbird_load_tokens(recovery->session, user_id, tokens, err))
        return true;
    if ((*err)->code != HL_E_NOT_FOUND)
        return false;
    hl_error_clear(err);
    *tokens = hl_value_list(recovery->arena);
    return true;
}

/* The token that an id names, or NULL. */
static bool look_up(const struct hl_recovery *recovery, const char *id, const char **user_id, const struct hl_value **token, struct hl_error **err)
{
    const struct hl_value *tokens = NULL;
    const char *token_id = NULL;

    *token = NULL;
    hl_netbird_token_split(recovery->arena, id, user_id, &token_id);
    if (hl_is_blank(*user_id) || hl_is_blank(token_id))
        return true;
    if (!tokens_of(recovery, *user_id, &tokens, err))
        return false;
    *token = hl_netbird_find_token(tokens, token_id);
    return true;
}

/* The token and its value are known. What it replaces goes when its users have the new one, which is the engine's to see to. */
static bool recover_kept(struct hl_recovery *recovery, struct hl_error **err)
{
    const char *id = hl_value_get_text(recovery->checkpoint, "id");
    const struct hl_value *token = NULL;
    const char *user_id = NULL;

    if (!look_up(recovery, id, &user_id, &token, err))
        return false;
    if (token == NULL)
        return true; /* somebody deleted it meanwhile */
    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = id;
    recovery->result =
        hl_netbird_token_values(recovery->session, recovery->arena, token, user_id, recovery->desired, hl_value_get(recovery->checkpoint, "value"));
    return true;
}

/* Of the wanted name, made since the action began, never used: nobody can have its value. */
static bool is_orphan(const struct hl_recovery *recovery, const struct hl_value *token, const char *recorded_id)
{
    const char *name = hl_value_get_text(token, "name");
    const char *wanted = hl_value_get_text(recovery->desired, "name");
    const char *id = hl_value_get_text(token, "id");

    if (name == NULL || wanted == NULL || hl_is_blank(id) || strcmp(name, wanted) != 0 || (recorded_id != NULL && strcmp(id, recorded_id) == 0))
        return false;
    return hl_netbird_time(hl_value_get(token, "last_used")) == 0 && hl_netbird_time(hl_value_get(token, "created_at")) >= recovery->started_ms - EARLIER_MS;
}

static bool delete_orphans(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_value *tokens = NULL;
    const char *user_id = NULL;
    const char *recorded_user = NULL;
    const char *recorded_id = NULL;
    size_t deleted = 0;

    if (!hl_netbird_token_user(recovery->session, recovery->arena, hl_value_get_text(recovery->desired, "user"), &user_id, err)) {
        if ((*err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(err); /* without the user there are no tokens */
        return true;
    }
    if (recovery->recorded != NULL && recovery->recorded->id != NULL)
        hl_netbird_token_split(recovery->arena, recovery->recorded->id, &recorded_user, &recorded_id);
    if (!tokens_of(recovery, user_id, &tokens, err))
        return false;
    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        if (!is_orphan(recovery, token, recorded_id))
            continue;
        if (!delete_token(recovery->session, recovery->arena, user_id, hl_value_get_text(token, "id"), err))
            return false;
        deleted++;
    }
    if (deleted > 0)
        recovery->note = "a token had been made whose value nobody knows; it was deleted again";
    return true;
}

static bool token_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    const bool makes = strcmp(recovery->action, "create") == 0 || strcmp(recovery->action, "replace") == 0;
    const struct hl_value *token = NULL;
    const char *user_id = NULL;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (strcmp(recovery->action, "delete") == 0) {
        if (!look_up(recovery, recovery->id != NULL ? recovery->id : "", &user_id, &token, err))
            return false;
        recovery->outcome = token != NULL ? HL_RECOVERED_NOTHING : HL_RECOVERED_GONE;
        return true;
    }
    if (makes && hl_value_is(hl_value_get(recovery->checkpoint, "value"), HL_TEXT) && hl_value_get_text(recovery->checkpoint, "id") != NULL)
        return recover_kept(recovery, err);
    return !makes || delete_orphans(recovery, err);
}

/* ---- what nobody manages ---- */

/* "hlrec-proxy-ci" for the token "CI" of that user; names of blocks have no capitals and blanks. */
static const char *block_name(struct hl_arena *arena, struct hl_map *taken, const char *user, const char *token)
{
    char *plain = hl_arena_printf(arena, "%s-%s", hl_is_blank(user) ? "x" : user, token != NULL ? token : "");
    const char *name = plain;

    for (char *at = plain; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
        else if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || (at > plain && strchr("-_.", *at) != NULL)))
            *at = at > plain ? '-' : 'x';
    }
    for (size_t number = 2; hl_map_has(taken, name); number++)
        name = hl_arena_printf(arena, "%s-%zu", plain, number);
    hl_map_put(taken, name, plain);
    return name;
}

static void list_user(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, const struct hl_value *user,
                      const struct hl_value *tokens, struct hl_map *taken, struct hl_value *list)
{
    const char *own = hl_value_get_text(session->kept, "id");
    const char *user_id = hl_value_get_text(user, "id");

    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        const char *id = hl_value_get_text(token, "id");
        if (hl_is_blank(id) || hl_netbird_token_is_over(session, token) || (own != NULL && strcmp(own, id) == 0))
            continue;
        struct hl_value *found = hl_value_map(arena);
        hl_value_map_put_text(found, "kind", kind->name);
        hl_value_map_put_text(found, "name", block_name(arena, taken, hl_value_get_text(user, "name"), hl_value_get_text(token, "name")));
        hl_value_map_put_text(found, "id", hl_netbird_token_id(arena, user_id, token));
        hl_value_map_put(found, "values", hl_netbird_token_values(session, arena, token, user_id, NULL, NULL));
        hl_value_list_add(arena, list, found);
    }
}

/* Those of service users, and of hlrec's own user: others may not be looked at. */
static bool list_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    const struct hl_value **users = NULL;
    struct hl_map taken;
    size_t count = 0;

    hl_map_init(&taken, arena);
    if (!hl_netbird_all(session, HL_NETBIRD_USERS, arena, &users, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct hl_value *tokens = NULL;
        const char *user_id = hl_value_get_text(users[i], "id");
        if (!hl_value_get_bool(users[i], "is_service_user", false) && !hl_value_get_bool(users[i], "is_current", false))
            continue;
        if (!hl_netbird_tokens(session, user_id, &tokens, err))
            return hl_wrap(err, "listing tokens");
        list_user(session, kind, arena, users[i], tokens, &taken, list);
    }
    return true;
}

static const struct hl_verbs verbs = {
    .refresh = hl_netbird_token_refresh,
    .create = token_create,
    .update = token_update,
    .remove = token_remove,
    .recover = token_recover,
    .unmanaged = list_unmanaged,
};

const struct hl_kind hl_kind_netbird_token = {
    .name = "token",
    .section = "tokens",
    .provider = "netbird",
    .doc = "a personal access token of NetBird, of a service user or hlrec's own; renewed before it ends",
    .example = "provider: netbird\nuser: hlrec-proxy\nexpires_in: 365d\nrenew_before: 30d\n",
    .fields = fields,
    .output = "value",
    .create_first = true,
    .check = check_body,
    .complete = complete_body,
    .verbs = &verbs,
};
