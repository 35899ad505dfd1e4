/* The provider type `netbird`: its settings, and whether the management API answers and takes the token. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>
#include <time.h>

enum { WARN_DAYS = 30 };
static const int64_t day_ms = 86400 * (int64_t)1000;

const char hl_netbird_token_steps[] =
    "make one by hand: in the dashboard under Team > Service Users create a service user with the role 'admin', then 'Create Access "
    "Token' there, and put it where the setting 'token' takes it from";

/* ---- settings ---- */

static void check_url(struct hl_check *check, const struct hl_value *value)
{
    hl_web_check_url_without(check, value, "https://netbird.example.com", "/api");
}

/* What the API takes: whole days, 1 to 365. */
static void check_days(struct hl_check *check, const struct hl_value *value)
{
    if (value->integer % day_ms != 0 || value->integer < day_ms || value->integer > 365 * day_ms)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "NetBird's tokens live for whole days, 1 to 365"), "write 30d, or 365d");
}

/* What the server takes; 0.66 answers more with an internal error. */
static void check_password(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && (value->text.length < 8 || value->text.length > 72))
        hl_diag_error(check->diags, value->at, "'password' has 8 to 72 bytes");
}

static void check_email(struct hl_check *check, const struct hl_value *value)
{
    if (strchr(value->text.data, '@') == NULL)
        hl_diag_error(check->diags, value->at, "'email' is no e-mail address");
}

/* clang-format off */
static const struct hl_field setup_fields[] = {
    {.name = "email", .type = HL_F_STRING, .required = true, .check = check_email, .doc = "e-mail of the owner, who is made when there is none yet",
     .example = "admin@example.com"},
    {.name = "password", .type = HL_F_STRING, .required = true, .sensitive = true, .keep_null = true, .check = check_password,
     .doc = "password of the owner, 8 to 72 bytes", .example = "\"${secret.NB_OWNER_PASSWORD}\""},
    {.name = "name", .type = HL_F_STRING, .doc = "name of an owner who is made; default: the e-mail's part before the @", .example = "Admin"},
    {.name = "token_expires_in", .type = HL_F_DURATION, .fallback = "365d", .check = check_days,
     .doc = "how long hlrec's own token lives, in whole days up to 365d; `apply` makes a new one in time"},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .normalise = hl_web_normal_url, .check = check_url,
     .doc = "address of the management server, without /api", .example = "https://netbird.example.com"},
    {.name = "token", .type = HL_F_STRING, .sensitive = true, .keep_null = true,
     .doc = "personal access token (nbp_...), best of a service user with the role admin; it comes before `setup`", .example = "\"${secret.NB_API_TOKEN}\""},
    {.name = "setup", .type = HL_F_OBJECT, .fields = setup_fields,
     .doc = "instead of a token: `apply` makes the server's first owner where there is none, and a token of hlrec's own, which it keeps in the state",
     .example = "{email: admin@example.com, password: \"${secret.NB_OWNER_PASSWORD}\"}"},
    HL_WEB_CA,
    HL_WEB_INSECURE,
    HL_WEB_TIMEOUT,
    {.name = NULL},
};
/* clang-format on */

static const char *given_token(const struct hl_session *session)
{
    return hl_web_setting(session->settings, "token");
}

/* ---- open and close ---- */

/* A credential that has no value yet is HL_E_AUTH: a person must give it. */
static bool check_settings(const struct hl_session *session, struct hl_error **err)
{
    const struct hl_value *settings = session->settings;
    const struct hl_value *setup = hl_value_get(settings, "setup");

    if (hl_is_blank(hl_value_get_text(settings, "url")))
        return hl_fail(err, HL_E_SPEC, "'url' is empty");
    if (given_token(session) != NULL || !hl_is_blank(hl_value_get_text(setup, "password")))
        return true;
    if (hl_value_is(setup, HL_MAP))
        return hl_fail(err, HL_E_AUTH, "'setup.password' has no value");
    if (hl_value_get(settings, "token") != NULL)
        hl_fail(err, HL_E_AUTH, "'token' has no value");
    else
        hl_fail(err, HL_E_SPEC, "it needs a 'token', or a 'setup' by which one is made");
    return hl_error_hint(err, "%s; or write `setup: {email: ..., password: ...}`", hl_netbird_token_steps);
}

static void netbird_close(struct hl_session *session)
{
    if (session->data != NULL)
        hl_netbird_clear(hl_netbird_of(session));
    session->data = NULL;
}

static bool netbird_open(struct hl_session *session, struct hl_error **err)
{
    const char *kept = hl_value_get_text(session->kept, "token");
    const char *token = given_token(session) != NULL ? given_token(session) : kept;

    netbird_close(session); /* one that was opened, and was not ready: its settings may be others now */
    if (!check_settings(session, err))
        return false;
    struct hl_netbird *netbird = hl_arena_alloc(session->arena, sizeof *netbird);
    hl_netbird_init(netbird);
    netbird->run = session->run;
    netbird->url = hl_value_get_text(session->settings, "url");
    session->data = netbird;
    if (!hl_web_open(session, netbird->url, &netbird->http, err)) {
        netbird_close(session);
        return false;
    }
    if (!hl_is_blank(token))
        hl_web_authorise(session->run, netbird->http, "Token", token);
    return true;
}

/* ---- ready ---- */

/* 0: not known. */
struct token_end {
    const char *name;
    int64_t expires_ms;
};

/* The API does not tell which token a call came with; each call marks its token as used, so it is the one that was used last. */
static struct token_end guess_end(struct hl_session *session, const char *user_id)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const struct hl_value *tokens = NULL;
    struct token_end end = {0};
    int64_t latest = 0;

    if (!hl_netbird_tokens(session, user_id, &tokens, &ignored))
        return end;
    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        const int64_t used = hl_netbird_time(hl_value_get(token, "last_used"));
        if (used <= latest)
            continue;
        latest = used;
        end = (struct token_end){hl_value_get_text(token, "name"), hl_netbird_time(hl_value_get(token, "expiration_date"))};
    }
    return end;
}

bool hl_netbird_ends_soon(const struct hl_session *session)
{
    const int64_t expires = hl_value_get_int(session->kept, "expires_ms", 0);
    const int64_t tenth = hl_value_get_int(session->kept, "life_ms", 0) / 10;
    const int64_t before = tenth > 0 && tenth < WARN_DAYS * day_ms ? tenth : WARN_DAYS * day_ms;

    return expires > 0 && expires - session->run->now_ms < before;
}

static void report_end(struct hl_session *session, const char *user_id, struct hl_text *report)
{
    const bool given = given_token(session) != NULL;
    const struct token_end end = given ? guess_end(session, user_id) : (struct token_end){NULL, hl_value_get_int(session->kept, "expires_ms", 0)};
    const time_t seconds = (time_t)(end.expires_ms / 1000);
    const int64_t days = (end.expires_ms - session->run->now_ms) / day_ms;
    char date[32] = "";
    struct tm parts;

    if (end.expires_ms == 0 || gmtime_r(&seconds, &parts) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &parts) == 0)
        return;
    if (given)
        hl_text_printf(report, "its token '%s' (the one used last) ends on %s, in %lld days%s\n", end.name != NULL ? end.name : "?", date, (long long)days,
                       days > WARN_DAYS ? "" : ": make a new one in time");
    else
        hl_text_printf(report, "by a token of hlrec's own, which ends on %s, in %lld days%s\n", date, (long long)days,
                       hl_netbird_ends_soon(session) ? ": the next apply makes a new one" : "");
}

static const char *rights_of(const char *role, bool service)
{
    if (strcmp(role, "owner") == 0 || strcmp(role, "admin") == 0)
        return "may manage all that hlrec knows";
    if (strcmp(role, "network_admin") == 0)
        return "may manage groups, routes, policies, nameservers and networks; may only read setup keys and users: those need the role admin";
    return service || strcmp(role, "auditor") == 0 ? "may only read: to manage anything it needs the role admin"
                                                   : "may read next to nothing: it needs the role admin";
}

static void report_me(struct hl_session *session, const struct hl_value *me, struct hl_text *report)
{
    const char *name = hl_value_get_text(me, "name");
    const char *email = hl_value_get_text(me, "email");
    const char *role = hl_value_get_text(me, "role");
    const bool service = hl_value_get_bool(me, "is_service_user", false);

    hl_text_printf(report, "NetBird management at %s, as %s '%s', role %s\n", hl_netbird_of(session)->url, service ? "service user" : "person",
                   !hl_is_blank(name) ? name
                   : email != NULL    ? email
                                      : "?",
                   role != NULL ? role : "?");
    if (role != NULL)
        hl_text_printf(report, "%s\n", rights_of(role, service));
    report_end(session, hl_value_get_text(me, "id"), report);
}

/* A token that the spec gives. */
static bool ready_by_token(struct hl_session *session, const struct hl_value **me, struct hl_error **err)
{
    if (hl_netbird_me(session, me, err))
        return true;
    if ((*err)->code == HL_E_AUTH) {
        hl_wrap(err, "NetBird at '%s' does not take the token", hl_netbird_of(session)->url);
        hl_error_hint(err, "it is expired, deleted or of another server, or its user is blocked; %s", hl_netbird_token_steps);
    }
    return false;
}

/* A kept token that does what it should; false without an error when there is none. */
static bool ready_by_kept(struct hl_session *session, bool telling, const struct hl_value **me, struct hl_error **err)
{
    if (hl_is_blank(hl_value_get_text(session->kept, "token")))
        return false;
    if (!hl_netbird_me(session, me, err)) {
        if ((*err)->code == HL_E_AUTH)
            hl_error_clear(err);
        return false;
    }
    /* So that `apply` makes the next one in time; `doctor` only tells it. */
    if (!telling && hl_value_get_bool(session->kept, "unfinished", false))
        return hl_fail(err, HL_E_NOT_SET_UP, "is not set up to the end: a former set-up was broken off; apply finishes it");
    session->due = hl_netbird_ends_soon(session);
    return true;
}

/* The messages of HL_E_NOT_SET_UP go on where "provider 'netbird'" ends. */
static bool ready_by_setup(struct hl_session *session, bool telling, const struct hl_value **me, struct hl_error **err)
{
    const char *url = hl_netbird_of(session)->url;
    const char *email = hl_value_get_text(hl_value_get(session->settings, "setup"), "email");
    bool is_new = false;

    if (ready_by_kept(session, telling, me, err))
        return true;
    if (*err != NULL || !hl_netbird_is_new(session, &is_new, err))
        return false;
    if (is_new)
        return hl_fail(err, HL_E_NOT_SET_UP, "is not set up: NetBird at '%s' has no owner yet; apply makes '%s' its owner, and a token for hlrec", url, email);
    if (!hl_is_blank(hl_value_get_text(session->kept, "token")))
        return hl_fail(err, HL_E_NOT_SET_UP, "is to get a new token: NetBird at '%s' does not take hlrec's own any more; apply signs in as '%s'", url, email);
    return hl_fail(err, HL_E_NOT_SET_UP, "is not set up: hlrec has no token for NetBird at '%s' yet; apply signs in as '%s' and makes one", url, email);
}

static bool netbird_ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    const struct hl_value *me = NULL;

    if (!(given_token(session) != NULL ? ready_by_token(session, &me, err) : ready_by_setup(session, report != NULL, &me, err)))
        return false;
    if (report != NULL)
        report_me(session, me, report);
    return true;
}

static size_t netbird_requests(struct hl_session *session)
{
    return hl_http_stats(hl_netbird_of(session)->http).requests;
}

static const struct hl_provider_verbs verbs = {
    .open = netbird_open,
    .close = netbird_close,
    .ready = netbird_ready,
    .setup = hl_netbird_setup,
    .requests = netbird_requests,
};

const struct hl_provider_type hl_provider_netbird = {
    .name = "netbird",
    .doc = "a NetBird management server, 0.66 or newer: groups, setup keys, service users and tokens, routes, policies, name servers, networks",
    .example = "url: https://netbird.example.com\ntoken: \"${secret.NB_API_TOKEN}\"\n",
    .fields = fields,
    .verbs = &verbs,
};
