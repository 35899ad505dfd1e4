/* The provider type: its settings, opening and closing, and whether Infisical answers. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"
#include "reconcile/transport/files.h"

#include <string.h>

/* ---- settings ---- */

static void check_url(struct hl_check *check, const struct hl_value *value)
{
    if (!hl_starts_with(value->text.data, "http://") && !hl_starts_with(value->text.data, "https://"))
        hl_diag_error(check->diags, value->at, "'url' must be a URL like https://infisical.example.org");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .check = check_url, .doc = "address of Infisical; a trailing /api may be there or not",
     .example = "https://infisical.example.org"},
    {.name = "project", .type = HL_F_STRING, .doc = "slug or id of the project, for secrets that do not say one", .example = "homelab-prod"},
    {.name = "environment", .type = HL_F_STRING, .doc = "slug of the environment, for secrets that do not say one", .example = "prod"},
    {.name = "client_id", .type = HL_F_STRING, .doc = "of a machine identity with universal auth, which signs in once a run and again when a minute of its "
     "token is left (tokens are not renewed: Infisical's default settings let a renewal delete the token)", .example = "\"${secret.INFISICAL_CLIENT_ID}\""},
    {.name = "client_secret", .type = HL_F_STRING, .sensitive = true, .doc = "of that machine identity; wrong ones are tried once a run: three lock the identity",
     .example = "\"${secret.INFISICAL_CLIENT_SECRET}\""},
    {.name = "token", .type = HL_F_STRING, .sensitive = true, .doc = "an access token, or a service token, instead of client_id and client_secret"},
    {.name = "ca", .type = HL_F_STRING, .doc = "certificate of the authority that signed the server's, PEM; a file, relative to the spec", .example = "ca.pem"},
    {.name = "insecure", .type = HL_F_BOOL, .fallback = "false",
     .doc = "true takes any certificate, and lets secrets go over plain http to another machine"},
    {.name = "timeout", .type = HL_F_DURATION, .fallback = "30s", .doc = "how long one call may take, with what is tried again"},
    {.name = NULL},
};
/* clang-format on */

/* ---- open and close ---- */

/* Whether an http:// URL leads to this machine. */
static bool is_here(const char *url)
{
    static const char *const hosts[] = {"localhost", "[::1]"};
    const char *host = url + strlen("http://");
    size_t length = hl_starts_with(host, "127.") ? strspn(host, "0123456789.") : 0;

    for (size_t i = 0; i < HL_COUNT(hosts) && length == 0; i++)
        length = hl_starts_with(host, hosts[i]) ? strlen(hosts[i]) : 0;
    return length > 0 && (host[length] == '\0' || host[length] == ':' || host[length] == '/');
}

static const char *setting(const struct hl_value *settings, const char *name)
{
    const char *text = hl_value_get_text(settings, name);

    return hl_is_blank(text) ? NULL : text;
}

static bool check_settings(const struct hl_session *session, struct hl_error **err)
{
    const char *url = hl_value_get_text(session->settings, "url");
    const bool id = setting(session->settings, "client_id") != NULL;
    const bool secret = setting(session->settings, "client_secret") != NULL;
    const bool token = setting(session->settings, "token") != NULL;

    if (session->settings == NULL) {
        hl_fail(err, HL_E_SPEC, "provider '%s' is needed for what is recorded, and is not in the spec any more", session->name);
        return hl_error_hint(err, "put it back until what is written there is removed by a run");
    }
    if (hl_is_blank(url))
        return hl_fail(err, HL_E_SPEC, "provider '%s' needs 'url'", session->name);
    if (id != secret || (!id && !token)) {
        hl_fail(err, HL_E_SPEC, "provider '%s' has no credentials", session->name);
        return hl_error_hint(err, "give it both client_id and client_secret of a machine identity, or a token");
    }
    if (id && token) {
        hl_fail(err, HL_E_SPEC, "provider '%s' has both client_id and token", session->name);
        return hl_error_hint(err, "one way to sign in is enough");
    }
    if (hl_starts_with(url, "http://") && !is_here(url) && !hl_value_get_bool(session->settings, "insecure", false)) {
        hl_fail(err, HL_E_SPEC, "provider '%s' would send secrets over plain http to another machine", session->name);
        return hl_error_hint(err, "use https, or write `insecure: true` when the network between is yours alone");
    }
    return true;
}

/* Some tools want the address with /api, some without. */
static const char *without_api(struct hl_arena *arena, const char *url)
{
    size_t length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        length--;
    if (length > strlen("/api") && strncmp(url + length - strlen("/api"), "/api", strlen("/api")) == 0)
        length -= strlen("/api");
    return hl_arena_copy(arena, url, length);
}

static bool open_http(const struct hl_session *session, struct hl_infisical *store, struct hl_error **err)
{
    const char *ca = setting(session->settings, "ca");
    const struct hl_http_options options = {
        .url = store->url,
        .user_agent = hl_arena_printf(session->arena, "hlrec/%s", session->run->version != NULL ? session->run->version : PACKAGE_VERSION),
        .ca_file = ca == NULL ? NULL : hl_path_join(session->arena, session->run->base != NULL ? session->run->base : ".", ca),
        .insecure = hl_value_get_bool(session->settings, "insecure", false),
        .timeout_ms = hl_value_get_int(session->settings, "timeout", 0),
        .interrupts = session->run->interrupts,
    };

    return hl_http_new(&options, &store->http, err);
}

static void take_credentials(struct hl_infisical *store, const struct hl_value *settings)
{
    const char *token = setting(settings, "token");

    store->client_id = setting(settings, "client_id");
    store->client_secret = setting(settings, "client_secret");
    pthread_mutex_init(&store->login.lock, NULL);
    if (store->client_id != NULL)
        return;
    const size_t length = strlen("Bearer ") + strlen(token);
    store->service_token = hl_starts_with(token, "st.");
    store->login.bearer = hl_alloc(length + 1);
    memcpy(store->login.bearer, "Bearer ", strlen("Bearer "));
    memcpy(store->login.bearer + strlen("Bearer "), token, strlen(token));
    store->login.generation = 1;
}

static bool open_session(struct hl_session *session, struct hl_error **err)
{
    struct hl_infisical *store = hl_arena_alloc(session->arena, sizeof *store);

    if (!check_settings(session, err))
        return false;
    store->run = session->run;
    store->name = session->name;
    store->url = without_api(session->arena, hl_value_get_text(session->settings, "url"));
    store->project = setting(session->settings, "project");
    store->environment = setting(session->settings, "environment");
    if (!open_http(session, store, err))
        return false;
    take_credentials(store, session->settings);
    store->arena = hl_arena_new();
    hl_map_init(&store->projects, store->arena);
    hl_map_init(&store->folders, store->arena);
    pthread_mutex_init(&store->lock, NULL);
    for (size_t i = 0; i < HL_INFISICAL_LOCKS; i++)
        pthread_mutex_init(&store->places[i], NULL);
    session->data = store;
    return true;
}

static void close_session(struct hl_session *session)
{
    struct hl_infisical *store = hl_infisical_of(session);

    if (store == NULL)
        return;
    hl_http_free(store->http);
    if (store->login.bearer != NULL)
        hl_wipe(store->login.bearer, strlen(store->login.bearer));
    hl_cleanup_heap_free(store->login.bearer);
    pthread_mutex_destroy(&store->login.lock);
    for (size_t i = 0; i < store->folders.count; i++)
        hl_infisical_folder_free(store->folders.entries[i].value);
    hl_arena_free(store->arena);
    pthread_mutex_destroy(&store->lock);
    for (size_t i = 0; i < HL_INFISICAL_LOCKS; i++)
        pthread_mutex_destroy(&store->places[i]);
    session->data = NULL;
}

/* ---- readiness ---- */

/* Answers without credentials as soon as the server has started. */
static bool check_answer(struct hl_infisical *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_infisical_call call = {.method = "GET", .path = "/api/status", .anonymous = true};
    struct hl_value *answer = NULL;

    if (!hl_infisical_send(store, &call, &response, err))
        return false;
    if (hl_infisical_take(store, &response, arena, &answer, err))
        return true;
    (*err)->code = HL_E_UNREACHABLE; /* whatever it is that answers: not Infisical, or not yet */
    return false;
}

static void report_token(struct hl_infisical *store, struct hl_text *report)
{
    const int64_t left_s = hl_infisical_token_left(store);
    char left[32];

    hl_text_printf(report, "Infisical answers at %s\n", store->url);
    if (hl_starts_with(store->url, "http://") && !is_here(store->url))
        hl_text_puts(report, "plain http: who is on the way can read the secrets\n");
    if (!hl_infisical_can_sign_in(store)) {
        hl_text_printf(report, "the %s token is taken\n", store->service_token ? "service" : "access");
        return;
    }
    hl_format_duration(left_s * 1000, left);
    hl_text_printf(report, "signed in as a machine identity%s%s\n", left_s < 0 ? ", without an end" : ", for ", left_s < 0 ? "" : left);
}

static bool ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text rights = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_infisical *store = hl_infisical_of(session);
    const char *bearer = NULL;
    uint64_t generation = 0;

    if (!check_answer(store, err) || !hl_infisical_bearer(store, arena, 0, &bearer, &generation, err) || !hl_infisical_report_rights(store, &rights, err))
        return false;
    if (report != NULL) {
        report_token(store, report);
        hl_text_append(report, hl_text_get(&rights), rights.length);
    }
    return true;
}

static size_t requests(struct hl_session *session)
{
    return hl_http_stats(hl_infisical_of(session)->http).requests;
}

static const struct hl_provider_verbs verbs = {.open = open_session, .close = close_session, .ready = ready, .requests = requests};

const struct hl_provider_type hl_provider_infisical = {
    .name = "infisical",
    .doc = "Infisical, where secrets come from and are written to: `infisical:` of a secret",
    .example = "url: https://infisical.example.org\nproject: homelab-prod\nenvironment: prod\nclient_id: \"${secret.INFISICAL_CLIENT_ID}\"\n"
               "client_secret: \"${secret.INFISICAL_CLIENT_SECRET}\"\n",
    .fields = fields,
    .verbs = &verbs,
};
