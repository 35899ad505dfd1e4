/* The provider type `authentik`: its settings, and whether the server is up and takes the token. */
#include "config.h"

#include "reconcile/providers/authentik/authentik.h"
#include "reconcile/providers/authentik/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_STARTUP_MS = 2 * 60 * 1000 };

/* ---- settings ---- */

static void check_url(struct hl_check *check, const struct hl_value *value)
{
    hl_web_check_url_without(check, value, "https://auth.example.com", "/api/v3");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .normalise = hl_web_normal_url, .check = check_url,
     .doc = "address of the server, without /api/v3", .example = "https://auth.example.com"},
    {.name = "token", .type = HL_F_STRING, .required = true, .sensitive = true, .keep_null = true,
     .doc = "API token of a superuser: the one of AUTHENTIK_BOOTSTRAP_TOKEN (set on server and worker before the very first start), or one made by hand",
     .example = "\"${secret.AUTHENTIK_BOOTSTRAP_TOKEN}\""},
    {.name = "public_url", .type = HL_F_STRING, .normalise = hl_web_normal_url, .check = check_url,
     .doc = "address as browsers see it, which issuers begin with; default: url", .example = "https://auth.example.com"},
    HL_WEB_CA,
    HL_WEB_INSECURE,
    HL_WEB_TIMEOUT,
    {.name = "startup", .type = HL_F_DURATION, .fallback = "2m",
     .doc = "how long a server that has just come up may take to make its first token, flows and scopes"},
    {.name = NULL},
};
/* clang-format on */

/* ---- open and close ---- */

static bool open_session(struct hl_session *session, struct hl_error **err)
{
    struct hl_authentik *authentik = hl_arena_alloc(session->arena, sizeof *authentik);
    const char *token = hl_value_get_text(session->settings, "token");

    authentik->run = session->run;
    authentik->url = hl_value_get_text(session->settings, "url");
    authentik->public_url = hl_value_get_text(session->settings, "public_url");
    authentik->startup_ms = hl_value_get_int(session->settings, "startup", DEFAULT_STARTUP_MS);
    if (hl_is_blank(authentik->url))
        return hl_fail(err, HL_E_SPEC, "provider '%s' needs 'url'", session->name);
    if (hl_is_blank(token)) {
        hl_fail(err, HL_E_AUTH, "provider '%s' has no 'token'", session->name);
        return hl_error_hint(err, "an API token of a superuser: in authentik under Directory > Tokens, with 'Expiring' switched off");
    }
    if (hl_is_blank(authentik->public_url))
        authentik->public_url = authentik->url;
    if (!hl_web_open(session, authentik->url, &authentik->http, err))
        return false;
    hl_web_authorise(session->run, authentik->http, "Bearer", token);
    authentik->arena = hl_arena_new();
    pthread_mutex_init(&authentik->lock, NULL);
    session->data = authentik;
    return true;
}

static void close_session(struct hl_session *session)
{
    struct hl_authentik *authentik = hl_authentik_of(session);

    if (authentik == NULL)
        return;
    for (size_t i = 0; i < authentik->errors_count; i++)
        hl_error_free(authentik->errors[i]);
    free(authentik->errors);
    hl_http_free(authentik->http);
    hl_arena_free(authentik->arena);
    pthread_mutex_destroy(&authentik->lock);
    session->data = NULL;
}

/* ---- the version ---- */

void hl_authentik_learn_uris(struct hl_authentik *authentik, const struct hl_value *told)
{
    pthread_mutex_lock(&authentik->lock);
    if (hl_value_is(told, HL_TEXT))
        authentik->uris = HL_AUTHENTIK_URIS_TEXT;
    else if (hl_value_is(told, HL_LIST))
        authentik->uris = HL_AUTHENTIK_URIS_LIST;
    pthread_mutex_unlock(&authentik->lock);
}

static bool read_version(struct hl_session *session, struct hl_arena *arena, const char **version, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_authentik_get(session, arena, "/admin/version/", &answer, err))
        return false;
    *version = hl_value_get_text(answer, "version_current");
    return *version != NULL || hl_fail(err, HL_E_UNREACHABLE, "the server tells no version");
}

enum hl_authentik_uris hl_authentik_uris_form(struct hl_session *session)
{
    struct hl_authentik *authentik = hl_authentik_of(session);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    const char *version = NULL;
    int year = 0;
    int month = 0;

    pthread_mutex_lock(&authentik->lock);
    enum hl_authentik_uris form = authentik->uris;
    pthread_mutex_unlock(&authentik->lock);
    if (form != HL_AUTHENTIK_URIS_UNKNOWN)
        return form;
    form = HL_AUTHENTIK_URIS_LIST;
    if (read_version(session, arena, &version, &ignored) && sscanf(version, "%4d.%2d", &year, &month) == 2 && (year < 2024 || (year == 2024 && month < 12)))
        form = HL_AUTHENTIK_URIS_TEXT;
    pthread_mutex_lock(&authentik->lock);
    authentik->uris = form;
    pthread_mutex_unlock(&authentik->lock);
    return form;
}

/* ---- ready ---- */

/* 200 now, 204 in older versions, 503 while it starts; needs no token. */
static bool check_health(struct hl_session *session, struct hl_error **err)
{
    const struct hl_http_request request = {.method = "GET", .path = "/-/health/ready/"};
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_http_perform(hl_authentik_of(session)->http, &request, &response, err))
        return false;
    if (response.status >= 200 && response.status < 300)
        return true;
    hl_authentik_rejected(session, &response, err);
    if (response.status == 404)
        (*err)->code = HL_E_UNREACHABLE;
    if (response.status >= 300 && response.status < 400)
        (*err)->code = HL_E_REJECTED; /* no use in waiting */
    return hl_wrap(err, "authentik is not ready");
}

static bool check_token(struct hl_session *session, struct hl_arena *arena, struct hl_value **user, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_authentik_get(session, arena, "/core/users/me/", &answer, err))
        return false;
    *user = hl_value_get(answer, "user");
    return hl_value_get_text(*user, "username") != NULL ||
           hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is not authentik", hl_authentik_of(session)->url);
}

/* Ready is not bootstrapped: on a first start the worker makes the token of AUTHENTIK_BOOTSTRAP_TOKEN a while after that, and it is refused until then. So a
 * refusal is final only when it has lasted, or when the token was taken before. */
static void forgive_refusal(struct hl_authentik *authentik, struct hl_error **err)
{
    const int64_t now = hl_authentik_clock_ms();

    pthread_mutex_lock(&authentik->lock);
    authentik->was_down = true;
    if ((*err)->code == HL_E_AUTH && authentik->refused_since_ms == 0)
        authentik->refused_since_ms = now;
    const bool final = authentik->accepted || now >= authentik->refused_since_ms + authentik->startup_ms;
    pthread_mutex_unlock(&authentik->lock);
    if ((*err)->code != HL_E_AUTH || final)
        return;
    (*err)->code = HL_E_UNREACHABLE;
    hl_wrap(err, "authentik is up, and does not take the token yet");
}

static void report_server(struct hl_session *session, const struct hl_value *user, struct hl_text *report)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *unknown = NULL;
    const struct hl_authentik *authentik = hl_authentik_of(session);
    const char *version = NULL;

    if (!read_version(session, arena, &version, &unknown))
        version = "(of a version that the token may not see)";
    hl_text_printf(report, "authentik %s at %s\n", version, authentik->url);
    hl_text_printf(report, "the token is of user '%s', %s\n", hl_value_get_text(user, "username"),
                   hl_value_get_bool(user, "is_superuser", false) ? "a superuser" : "no superuser: it may lack rights");
    if (hl_web_is_exposed(authentik->url))
        hl_text_puts(report, "the token goes over the network as it is: http without TLS\n");
}

/* For `doctor`: the lists that plans read. */
static bool report_rights(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    static const struct {
        const char *path, *what;
    } rights[] = {
        {"/core/tokens/?page_size=1", "tokens"},
        {"/core/applications/?page_size=1", "applications"},
        {"/providers/oauth2/?page_size=1", "OAuth2 providers"},
        {"/flows/instances/?page_size=1", "flows"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    for (size_t i = 0; i < HL_COUNT(rights); i++) {
        if (!hl_authentik_get(session, arena, rights[i].path, &answer, err))
            return hl_wrap(err, "listing %s", rights[i].what);
        hl_text_printf(report, "may list %s\n", rights[i].what);
    }
    return true;
}

static bool ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    struct hl_authentik *authentik = hl_authentik_of(session);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *user = NULL;

    if (!check_health(session, err) || !check_token(session, arena, &user, err)) {
        if (report == NULL)
            forgive_refusal(authentik, err);
        return false;
    }
    pthread_mutex_lock(&authentik->lock);
    if (authentik->was_down && !authentik->accepted)
        authentik->up_since_ms = hl_authentik_clock_ms();
    authentik->accepted = true;
    pthread_mutex_unlock(&authentik->lock);
    if (report == NULL)
        return true;
    report_server(session, user, report);
    return report_rights(session, report, err);
}

static size_t requests(struct hl_session *session)
{
    return hl_http_stats(hl_authentik_of(session)->http).requests;
}

static const struct hl_provider_verbs verbs = {.open = open_session, .close = close_session, .ready = ready, .requests = requests};

const struct hl_provider_type hl_provider_authentik = {
    .name = "authentik",
    .doc = "authentik, 2024.8 or newer: API tokens, and applications with sign-in by OpenID Connect",
    .example = "url: https://auth.example.com\ntoken: \"${secret.AUTHENTIK_BOOTSTRAP_TOKEN}\"\nneeds: [container.authentik-server]\n",
    .fields = fields,
    .verbs = &verbs,
};
