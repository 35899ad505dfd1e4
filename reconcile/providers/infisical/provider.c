/* The provider type: its settings, opening and closing, and whether Infisical answers. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"

#include <string.h>

/* ---- settings ---- */

static void check_url(struct hl_check *check, const struct hl_value *value)
{
    hl_web_check_url(check, value, "https://infisical.example.org");
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
    HL_WEB_CA,
    HL_WEB_INSECURE,
    HL_WEB_TIMEOUT,
    {.name = NULL},
};
/* clang-format on */

/* ---- open and close ---- */

static const struct hl_web_login login = {"client_id", "client_secret", "a machine identity"};

static void take_credentials(struct hl_infisical *store, const struct hl_value *settings)
{
    const char *token = hl_web_setting(settings, "token");

    store->client_id = hl_web_setting(settings, "client_id");
    store->client_secret = hl_web_setting(settings, "client_secret");
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

    if (!hl_web_check_store(session, &login, err))
        return false;
    store->run = session->run;
    store->name = session->name;
    store->url = hl_web_root(session->arena, hl_value_get_text(session->settings, "url"), "/api");
    store->project = hl_web_setting(session->settings, "project");
    store->environment = hl_web_setting(session->settings, "environment");
    if (!hl_web_open(session, store->url, &store->http, err))
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
    if (hl_web_is_exposed(store->url))
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
