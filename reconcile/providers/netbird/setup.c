/* The first owner of a new server, and a token of hlrec's own. Each step can be the last one of a killed run: the next set-up finds what is there, keeps one
 * token and deletes those of the same name that nobody knows. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"
#include "schema/base/json.h"

#include <string.h>

enum { DEFAULT_DAYS = 365, STATE_ID_SHOWN = 8 };
static const int64_t day_ms = 86400 * (int64_t)1000;
static const char first_token_name[] = "setup-token"; /* given by the server itself */

struct setup {
    struct hl_session *session;
    struct hl_arena *arena;
    const struct hl_value *settings; /* of `setup:` */
    const char *email;
    const char *token_name;
    const char *former_id; /* of the token that was kept until now, or NULL */
    bool made_first_token; /* there may be a "setup-token", and it is ours */
    bool has_token;        /* what is kept is hlrec's own token and good for long: all that is left to do is to tidy up */
};

/* ---- what is kept ---- */

struct token {
    const char *text, *id;
    int64_t life_ms;
};

/* When it ends is told by our own clock, by which it will be judged. */
static bool keep(struct setup *setup, const struct token *token, bool unfinished, struct hl_error **err)
{
    struct hl_value *kept = hl_value_map(setup->arena);

    hl_redactor_add(setup->session->run->redactor, token->text, strlen(token->text));
    hl_value_map_put(kept, "token", hl_value_mark_sensitive(hl_value_text(setup->arena, token->text)));
    hl_value_map_put_text(kept, "id", token->id);
    hl_value_map_put_int(kept, "expires_ms", setup->session->run->now_ms + token->life_ms);
    hl_value_map_put_int(kept, "life_ms", token->life_ms);
    if (unfinished) {
        hl_value_map_put_bool(kept, "unfinished", true);
        hl_value_map_put_bool(kept, "first", setup->made_first_token);
    }
    return hl_session_keep(setup->session, kept, err) || hl_wrap(err, "keeping hlrec's token for NetBird");
}

/* Before the server is asked: should the answer be lost, or this run end here, the next set-up knows whose "setup-token" it finds. */
static bool keep_asking(struct setup *setup, struct hl_error **err)
{
    struct hl_value *kept = hl_value_map(setup->arena);

    hl_value_map_put_bool(kept, "unfinished", true);
    hl_value_map_put_bool(kept, "first", true);
    return hl_session_keep(setup->session, kept, err) || hl_wrap(err, "noting the first set-up of NetBird");
}

/* Nothing is left to be done. */
static bool keep_finished(struct setup *setup, struct hl_error **err)
{
    struct hl_value *kept = hl_value_copy(setup->arena, setup->session->kept);

    (void)hl_map_remove(kept->map, "unfinished");
    (void)hl_map_remove(kept->map, "first");
    return hl_session_keep(setup->session, hl_value_mark_sensitive(kept), err) || hl_wrap(err, "keeping hlrec's token for NetBird");
}

/* ---- the first owner ---- */

static const char *owner_name(struct setup *setup)
{
    const char *name = hl_value_get_text(setup->settings, "name");

    return !hl_is_blank(name) ? name : hl_arena_copy(setup->arena, setup->email, strcspn(setup->email, "@"));
}

static bool send_first_owner(struct setup *setup, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_value *owner = hl_value_map(setup->arena);

    hl_value_map_put_text(owner, "email", setup->email);
    hl_value_map_put(owner, "password", hl_value_get(setup->settings, "password"));
    hl_value_map_put_text(owner, "name", owner_name(setup));
    /* For a day: it is exchanged at once, and should the answer be lost, it does not stay. */
    hl_value_map_put_bool(owner, "create_pat", true);
    hl_value_map_put_int(owner, "pat_expire_in", 1);
    hl_json_encode(&body, owner, HL_JSON_COMPACT);
    const struct hl_http_request request = {.method = "POST", .path = "/api/setup", .body = hl_text_get(&body), .body_length = body.length};
    return hl_http_perform(hl_netbird_of(setup->session)->http, &request, response, err);
}

static bool explain_refusal(struct setup *setup, const struct hl_http_response *response, struct hl_error **err)
{
    const bool wrong = response->status == 400 || response->status == 422;

    hl_netbird_rejected(setup->session->run, response, err);
    if (response->status != 500 && !wrong)
        return hl_wrap(err, "making the first owner of NetBird");
    /* Trying again changes neither. */
    (*err)->code = HL_E_AUTH;
    hl_wrap(err, "NetBird does not make '%s' its first owner", setup->email);
    if (wrong)
        return hl_error_hint(err, "look at 'email', 'password' (8 to 72 characters) and 'name' of the provider's `setup`");
    return hl_error_hint(err, "it may have no sign-in of its own (embedded identity provider); then %s", hl_netbird_token_steps);
}

/* *token is NULL when the server gives none with it (before 0.70.5, or without NB_SETUP_PAT_ENABLED), or somebody else was first. */
static bool make_first_owner(struct setup *setup, const char **token, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!keep_asking(setup, err))
        return false;
    if (!send_first_owner(setup, &response, err))
        return hl_wrap(err, "making the first owner of NetBird");
    if (response.status == 412)
        return true; /* set up already, by somebody else */
    if (response.status != 200)
        return explain_refusal(setup, &response, err);
    if (!hl_json_decode(setup->arena, hl_text_get(&response.body), response.body.length, &answer, err))
        return hl_wrap(err, "NetBird's answer to the first set-up cannot be read");
    setup->made_first_token = true;
    *token = hl_value_get_text(answer, "personal_access_token");
    if (hl_is_blank(*token)) {
        *token = NULL;
        return true;
    }
    return keep(setup, &(struct token){.text = *token, .life_ms = day_ms}, true, err);
}

/* ---- a way in ---- */

/* The token kept until now, if the server takes it: then no password is needed. */
static bool try_kept(struct setup *setup, bool *is_in, struct hl_error **err)
{
    const char *token = hl_value_get_text(setup->session->kept, "token");
    const struct hl_value *me = NULL;

    if (hl_is_blank(token))
        return true;
    hl_web_authorise(setup->session->run, hl_netbird_of(setup->session)->http, "Token", token);
    if (hl_netbird_me(setup->session, &me, err)) {
        *is_in = true;
        setup->has_token = setup->former_id != NULL && !hl_netbird_ends_soon(setup->session);
        return true;
    }
    if ((*err)->code != HL_E_AUTH)
        return false;
    hl_error_clear(err);
    return true;
}

static bool sign_in(struct setup *setup, struct hl_error **err)
{
    struct hl_value *token = NULL;

    if (!hl_netbird_sign_in(setup->session, setup->arena, setup->email, hl_value_get(setup->settings, "password"), &token, err))
        return hl_wrap(err, "signing in to NetBird as '%s'", setup->email);
    hl_web_authorise(setup->session->run, hl_netbird_of(setup->session)->http, "Bearer", token->text.data);
    return true;
}

static bool get_in(struct setup *setup, struct hl_error **err)
{
    const char *token = NULL;
    bool is_in = false;
    bool is_new = false;

    if (!try_kept(setup, &is_in, err))
        return false;
    if (is_in)
        return true;
    if (!hl_netbird_is_new(setup->session, &is_new, err) || (is_new && !make_first_owner(setup, &token, err)))
        return false;
    if (token == NULL)
        return sign_in(setup, err);
    hl_web_authorise(setup->session->run, hl_netbird_of(setup->session)->http, "Token", token);
    return true;
}

/* ---- hlrec's own token ---- */

static bool check_role(struct setup *setup, const struct hl_value *me, struct hl_error **err)
{
    static const char *const fit[] = {"owner", "admin", "network_admin"};
    const char *role = hl_value_get_text(me, "role");

    for (size_t i = 0; i < HL_COUNT(fit); i++) {
        if (role != NULL && strcmp(role, fit[i]) == 0)
            return true;
    }
    hl_fail(err, HL_E_AUTH, "'%s' has the role '%s' in NetBird, which may change nothing", setup->email, role != NULL ? role : "?");
    return hl_error_hint(err, "the owner can make it an admin; or name the owner in the provider's `setup`");
}

static const char *tokens_path(struct setup *setup, const char *user)
{
    return hl_arena_printf(setup->arena, "%s/tokens", hl_netbird_path(setup->arena, "/api/users", user));
}

static bool make_token(struct setup *setup, const char *user, const char **id, struct hl_error **err)
{
    const int64_t life_ms = hl_value_get_int(setup->settings, "token_expires_in", DEFAULT_DAYS * day_ms);
    struct hl_value *body = hl_value_map(setup->arena);
    struct hl_value *answer = NULL;

    hl_value_map_put_text(body, "name", setup->token_name);
    hl_value_map_put_int(body, "expires_in", life_ms / day_ms);
    if (!hl_netbird_call(setup->session, setup->arena, "POST", tokens_path(setup, user), body, &answer, err))
        return hl_wrap(err, "making a token for hlrec");
    const char *token = hl_value_get_text(answer, "plain_token");
    *id = hl_value_get_text(hl_value_get(answer, "personal_access_token"), "id");
    if (hl_is_blank(token) || hl_is_blank(*id))
        return hl_fail(err, HL_E_FAILED, "NetBird made a token for hlrec and does not tell it");
    if (!keep(setup, &(struct token){token, *id, life_ms}, true, err))
        return false;
    hl_web_authorise(setup->session->run, hl_netbird_of(setup->session)->http, "Token", token);
    return true;
}

static bool is_leftover(const struct setup *setup, const struct hl_value *token)
{
    const char *name = hl_value_get_text(token, "name");
    const char *id = hl_value_get_text(token, "id");

    if (hl_is_blank(name) || hl_is_blank(id))
        return false;
    if (setup->former_id != NULL && strcmp(id, setup->former_id) == 0)
        return true;
    return strcmp(name, setup->token_name) == 0 || (setup->made_first_token && strcmp(name, first_token_name) == 0);
}

/* All that this or a former set-up has left. One that cannot be deleted is tried again by the next set-up, and ends by itself. */
static void delete_leftovers(struct setup *setup, const char *user, const struct hl_value *tokens, const char *kept_id)
{
    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        const char *id = hl_value_get_text(token, "id");
        hl_auto(error) struct hl_error *ignored = NULL;
        struct hl_value *answer = NULL;

        if (is_leftover(setup, token) && strcmp(id, kept_id) != 0)
            (void)!hl_netbird_call(setup->session, setup->arena, "DELETE", hl_netbird_path(setup->arena, tokens_path(setup, user), id), NULL, &answer,
                                   &ignored);
    }
}

/* Makes hlrec's own token, unless there is one and a former set-up was killed before it had tidied up. */
static bool exchange(struct setup *setup, struct hl_error **err)
{
    const struct hl_value *me = NULL;
    struct hl_value *tokens = NULL;
    const char *id = setup->former_id;

    if (!hl_netbird_me(setup->session, &me, err) || !check_role(setup, me, err))
        return false;
    const char *user = hl_value_get_text(me, "id");
    if (!hl_netbird_call(setup->session, setup->arena, "GET", tokens_path(setup, user), NULL, &tokens, err))
        return hl_wrap(err, "listing the tokens of '%s'", setup->email);
    if (!setup->has_token && !make_token(setup, user, &id, err))
        return false;
    delete_leftovers(setup, user, tokens, id);
    return keep_finished(setup, err);
}

/* The instance is in it where it is not the usual one: two of them may be the same server. */
static const char *token_name(struct hl_arena *arena, const struct hl_session *session)
{
    const struct hl_run *run = session->run;
    const bool usual = strcmp(session->name, session->type->name) == 0;

    return hl_arena_printf(arena, "hlrec-%s-%.*s%s%s", run->stack != NULL ? run->stack : "", STATE_ID_SHOWN, run->state_id != NULL ? run->state_id : "",
                           usual ? "" : "-", usual ? "" : session->name);
}

bool hl_netbird_setup(struct hl_session *session, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *settings = hl_value_get(session->settings, "setup");
    const char *former_id = hl_value_get_text(session->kept, "id");
    struct setup setup = {
        .session = session,
        .arena = arena,
        .settings = settings,
        .email = hl_value_get_text(settings, "email"),
        .token_name = token_name(arena, session),
        .former_id = former_id != NULL ? hl_arena_strdup(arena, former_id) : NULL, /* `kept` changes on the way */
        .made_first_token = hl_value_get_bool(session->kept, "first", false),
    };

    if (hl_is_blank(setup.email) || hl_is_blank(hl_value_get_text(settings, "password")))
        return hl_fail(err, HL_E_SPEC, "provider '%s' has no `setup` with 'email' and 'password'", session->name);
    return get_in(&setup, err) && exchange(&setup, err);
}
