/* The provider type: its settings, opening and closing, and whether OpenBao answers. */
#include "config.h"

#include "reconcile/providers/openbao/session.h"

#include <string.h>

/* ---- settings ---- */

static void check_url(struct hl_check *check, const struct hl_value *value)
{
    hl_web_check_url(check, value, "https://bao.example.org:8200");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .check = check_url, .doc = "address of OpenBao or Vault, without /v1",
     .example = "https://bao.example.org:8200"},
    {.name = "token", .type = HL_F_STRING, .sensitive = true, .doc = "a token; one that can be renewed is, when less than a third of its time is left",
     .example = "\"${secret.BAO_TOKEN}\""},
    {.name = "role_id", .type = HL_F_STRING, .doc = "of an AppRole, instead of a token; it logs in once a run, and again when a minute of its token is left",
     .example = "\"${secret.BAO_ROLE_ID}\""},
    {.name = "secret_id", .type = HL_F_STRING, .sensitive = true, .doc = "of that AppRole", .example = "\"${secret.BAO_SECRET_ID}\""},
    {.name = "approle_mount", .type = HL_F_STRING, .fallback = "approle", .doc = "where AppRole is mounted, below auth/"},
    {.name = "mount", .type = HL_F_STRING, .fallback = "secret",
     .doc = "where the KV engine (version 2) is mounted, for secrets that do not say one; hlrec makes no mounts"},
    {.name = "namespace", .type = HL_F_STRING, .doc = "the namespace that all this is in", .example = "homelab"},
    HL_WEB_CA,
    HL_WEB_INSECURE,
    HL_WEB_TIMEOUT,
    {.name = NULL},
};
/* clang-format on */

/* Without slashes at both ends, as paths are put together. */
static const char *mount_setting(struct hl_arena *arena, const struct hl_value *settings, const char *name, const char *fallback)
{
    const char *text = hl_web_setting(settings, name);

    if (text == NULL)
        return fallback;
    text += strspn(text, "/");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '/')
        length--;
    return length > 0 ? hl_arena_copy(arena, text, length) : fallback;
}

/* ---- open and close ---- */

static const struct hl_web_login login = {"role_id", "secret_id", "an AppRole"};

static void take_settings(const struct hl_session *session, struct hl_openbao *store)
{
    const struct hl_value *settings = session->settings;

    store->run = session->run;
    store->name = session->name;
    store->url = hl_web_root(session->arena, hl_web_setting(settings, "url"), "/v1");
    store->mount = mount_setting(session->arena, settings, "mount", "secret");
    store->approle_mount = mount_setting(session->arena, settings, "approle_mount", "approle");
    store->namespace = hl_web_setting(settings, "namespace");
    store->role_id = hl_web_setting(settings, "role_id");
    store->secret_id = hl_web_setting(settings, "secret_id");
}

static bool open_session(struct hl_session *session, struct hl_error **err)
{
    struct hl_openbao *store = hl_arena_alloc(session->arena, sizeof *store);

    if (!hl_web_check_store(session, &login, err))
        return false;
    take_settings(session, store);
    if (!hl_web_open(session, store->url, &store->http, err))
        return false;
    store->arena = hl_arena_new();
    hl_map_init(&store->mounts, store->arena);
    hl_map_init(&store->paths, store->arena);
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->login.lock, NULL);
    for (size_t i = 0; i < HL_OPENBAO_LOCKS; i++)
        pthread_mutex_init(&store->places[i], NULL);
    if (store->role_id == NULL)
        hl_openbao_keep_token(store, hl_web_setting(session->settings, "token"), 0);
    session->data = store;
    return true;
}

static void close_session(struct hl_session *session)
{
    struct hl_openbao *store = hl_openbao_of(session);

    if (store == NULL)
        return;
    hl_http_free(store->http);
    if (store->login.token != NULL)
        hl_wipe(store->login.token, strlen(store->login.token));
    hl_cleanup_heap_free(store->login.token);
    pthread_mutex_destroy(&store->login.lock);
    for (size_t i = 0; i < store->paths.count; i++)
        hl_openbao_path_free(store->paths.entries[i].value);
    hl_arena_free(store->arena);
    pthread_mutex_destroy(&store->lock);
    for (size_t i = 0; i < HL_OPENBAO_LOCKS; i++)
        pthread_mutex_destroy(&store->places[i]);
    session->data = NULL;
}

/* ---- readiness ---- */

/* The health call tells its findings by status: 429 for a standby, 501, 503. Asked for 200 in all cases, it tells them in the body. */
static bool check_health(struct hl_openbao *store, struct hl_arena *arena, const struct hl_value **health, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_openbao_call call = {
        .method = "GET",
        .path = "/v1/sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200",
        .anonymous = true,
    };

    if (!hl_openbao_send(store, &call, &response, err))
        return false;
    *health = hl_openbao_body(&response, arena);
    if (hl_value_get(*health, "initialized") == NULL) {
        struct hl_value *ignored = NULL;
        if (hl_openbao_take(store, &response, arena, &ignored, err))
            hl_fail(err, HL_E_UNREACHABLE, "what answers at '%s' is no OpenBao", store->url);
        (*err)->code = HL_E_UNREACHABLE;
        return false;
    }
    if (!hl_value_get_bool(*health, "initialized", true)) {
        hl_fail(err, HL_E_UNREACHABLE, "OpenBao at '%s' is not initialised", store->url);
        return hl_error_hint(err, "initialise and unseal it: bao operator init, bao operator unseal");
    }
    if (!hl_value_get_bool(*health, "sealed", false))
        return true;
    hl_fail(err, HL_E_UNREACHABLE, "OpenBao at '%s' is sealed", store->url);
    return hl_error_hint(err, "unseal it: bao operator unseal");
}

static void report_token(const struct hl_value *data, struct hl_text *report)
{
    const struct hl_value *policies = hl_value_get(data, "policies");
    const int64_t ttl_s = hl_value_get_int(data, "ttl", 0);
    char left[32];

    hl_format_duration(ttl_s * 1000, left);
    hl_text_printf(report, "the token is good%s%s, policies", ttl_s > 0 ? " for " : ", without an end", ttl_s > 0 ? left : "");
    for (size_t i = 0; i < hl_value_count(policies); i++) {
        const struct hl_value *policy = hl_value_item(policies, i);
        hl_text_printf(report, "%s %s", i > 0 ? "," : "", hl_value_is(policy, HL_TEXT) ? policy->text.data : "?");
    }
    hl_text_putc(report, '\n');
}

/* A token without the policy `default` may not look itself up: then the mount tells whether it is good. */
static bool check_token(struct hl_openbao *store, struct hl_text *report, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *data = NULL;

    if (!hl_openbao_look_up(store, arena, &data, err))
        return false;
    if (data == NULL)
        return hl_openbao_check_mount(store, store->mount, err);
    if (report != NULL)
        report_token(data, report);
    if (hl_openbao_renew(store, data) && report != NULL)
        hl_text_puts(report, "the token was about to end, and is renewed\n");
    return true;
}

/* Secrets may well all be in other mounts: so a default that is not there is worth a line, and no more. */
static void report_mount(struct hl_openbao *store, struct hl_text *report)
{
    hl_auto(error) struct hl_error *error = NULL;

    if (hl_openbao_check_mount(store, store->mount, &error)) {
        hl_text_printf(report, "mount %s: KV version 2\n", store->mount);
        return;
    }
    hl_auto(heap) char *words = hl_error_text(error);
    hl_text_printf(report, "%s\n", words);
}

static bool ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_openbao *store = hl_openbao_of(session);
    const struct hl_value *health = NULL;

    if (!check_health(store, arena, &health, err))
        return false;
    if (report != NULL) {
        const char *version = hl_value_get_text(health, "version");
        hl_text_printf(report, "OpenBao or Vault %s answers at %s%s\n", version != NULL ? version : "?", store->url,
                       hl_value_get_bool(health, "standby", false) ? ", a standby that hands calls on to the active node" : "");
        if (hl_web_is_exposed(store->url))
            hl_text_puts(report, "plain http: who is on the way can read the secrets\n");
    }
    if (!check_token(store, report, err))
        return false;
    if (report != NULL)
        report_mount(store, report);
    return true;
}

static size_t requests(struct hl_session *session)
{
    return hl_http_stats(hl_openbao_of(session)->http).requests;
}

static const struct hl_provider_verbs verbs = {.open = open_session, .close = close_session, .ready = ready, .requests = requests};

const struct hl_provider_type hl_provider_openbao = {
    .name = "openbao",
    .doc = "OpenBao or HashiCorp Vault (the API is the same), where secrets come from and are written to: `openbao:` of a secret; KV version 2",
    .example = "url: https://bao.example.org:8200\nrole_id: \"${secret.BAO_ROLE_ID}\"\nsecret_id: \"${secret.BAO_SECRET_ID}\"\n",
    .fields = fields,
    .verbs = &verbs,
};
