/* The provider type: its settings, opening and closing, and which verbs each kind has. */
#include "config.h"

#include "reconcile/providers/shared/web.h"
#include "reconcile/providers/traefik/api.h"
#include "reconcile/providers/traefik/folder.h"
#include "reconcile/providers/traefik/traefik.h"
#include "reconcile/transport/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_VERIFY_MS = 10000, DEFAULT_MODE = 0644 };

static const struct {
    const char *name, *section;
    const struct hl_kind *kind;
} kinds[] = {
    [HL_TRAEFIK_ROUTER] = {"router", "routers", &hl_kind_router},
    [HL_TRAEFIK_SERVICE] = {"service", "services", &hl_kind_service},
    [HL_TRAEFIK_MIDDLEWARE] = {"middleware", "middlewares", &hl_kind_middleware},
};
_Static_assert(HL_COUNT(kinds) == HL_TRAEFIK_KINDS, "a row for each kind");

enum hl_traefik_kind hl_traefik_kind_of(const struct hl_kind *kind)
{
    enum hl_traefik_kind number = HL_TRAEFIK_ROUTER;

    while (number + 1 < HL_TRAEFIK_KINDS && strcmp(kinds[number].name, kind->name) != 0)
        number++;
    return number;
}

const char *hl_traefik_section(enum hl_traefik_kind kind)
{
    return kinds[kind].section;
}

const struct hl_kind *hl_traefik_kind_info(enum hl_traefik_kind kind)
{
    return kinds[kind].kind;
}

/* ---- settings ---- */

static bool parse_mode(const char *text, mode_t *mode)
{
    char *end = NULL;
    const unsigned long number = strtoul(text, &end, 8);

    if (*text < '0' || *text > '7' || *end != '\0' || number > 0777)
        return false;
    *mode = (mode_t)number;
    return true;
}

static void check_mode(struct hl_check *check, const struct hl_value *value)
{
    mode_t mode = 0;

    if (!hl_value_is(value, HL_TEXT) || !parse_mode(value->text.data, &mode))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "'mode' must be octal, as \"0640\""),
                     "0644 lets all read the file; with password hashes in it take 0640 and a group that Traefik is in");
    else if ((mode & 0400) == 0)
        hl_diag_error(check->diags, value->at, "with this mode nobody can read the file");
}

static void check_file(struct hl_check *check, const struct hl_value *value)
{
    const char *name = value->text.data;

    if (strchr(name, '/') != NULL || !(hl_ends_with(name, ".yml") || hl_ends_with(name, ".yaml")))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "'file' must be a name that ends with .yml or .yaml, without a folder"),
                     "Traefik watches the folder itself, not those within");
}

static void check_api(struct hl_check *check, const struct hl_value *value)
{
    if (!hl_starts_with(value->text.data, "http://") && !hl_starts_with(value->text.data, "https://") && !hl_starts_with(value->text.data, "unix://"))
        hl_diag_error(check->diags, value->at, "'api' must be a URL like http://127.0.0.1:8080");
}

static void check_directory(struct hl_check *check, const struct hl_value *value)
{
    if (value->text.length == 0)
        hl_diag_error(check->diags, value->at, "'directory' is empty");
}

/* clang-format off */
static const struct hl_field fields[] = {
    {.name = "directory", .type = HL_F_STRING, .required = true, .check = check_directory,
     .doc = "folder that Traefik's file provider reads (providers.file.directory), as hlrec sees it", .example = "/etc/traefik/dynamic"},
    {.name = "api", .type = HL_F_STRING, .check = check_api, .doc = "URL of Traefik's API: each change is verified with it, and undone when Traefik rejects it",
     .example = "http://127.0.0.1:8080"},
    {.name = "username", .type = HL_F_STRING, .doc = "user of the API, where a basicAuth middleware protects it"},
    {.name = "password", .type = HL_F_STRING, .sensitive = true, .doc = "password of that user"},
    {.name = "file", .type = HL_F_STRING, .check = check_file, .doc = "name of the file; default is hlrec-STACK.yml"},
    {.name = "mode", .type = HL_F_STRING, .check = check_mode, .doc = "mode of the file; default is 0644 for a new file, and that of the file else",
     .example = "\"0640\""},
    {.name = "verify_timeout", .type = HL_F_DURATION, .fallback = "10s",
     .doc = "how long Traefik may take to load a change; at least providersThrottleDuration and some seconds"},
    {.name = NULL},
};
/* clang-format on */

/* ---- open and close ---- */

static bool open_api(struct hl_traefik *traefik, struct hl_session *session, struct hl_error **err)
{
    const char *username = hl_value_get_text(session->settings, "username");
    const char *password = hl_value_get_text(session->settings, "password");
    const struct hl_http_options options = {
        .url = traefik->api,
        .user_agent = hl_web_user_agent(session->run, session->arena),
        .connect_timeout_ms = 2000,
        .timeout_ms = 10000,
        .tries = 1, /* verification polls by itself */
        .interrupts = session->run->interrupts,
    };

    if (!hl_http_new(&options, &traefik->http, err))
        return hl_wrap(err, "opening Traefik's API");
    if (username == NULL && password == NULL)
        return true;
    const char *pair = hl_arena_printf(session->arena, "%s:%s", username == NULL ? "" : username, password == NULL ? "" : password);
    const char *encoded = hl_base64_encode(session->arena, HL_BASE64, pair, strlen(pair));

    hl_http_set_header(traefik->http, "Authorization", hl_arena_printf(session->arena, "Basic %s", encoded));
    return true;
}

static void close_session(struct hl_session *session)
{
    struct hl_traefik *traefik = session->data;

    if (traefik == NULL)
        return;
    hl_http_free(traefik->http);
    hl_arena_free(traefik->arena);
    pthread_mutex_destroy(&traefik->lock);
    session->data = NULL;
}

static bool open_session(struct hl_session *session, struct hl_error **err)
{
    struct hl_traefik *traefik = hl_arena_alloc(session->arena, sizeof *traefik);
    const char *directory = hl_value_get_text(session->settings, "directory");
    const char *file = hl_value_get_text(session->settings, "file");
    const char *mode = hl_value_get_text(session->settings, "mode");

    if (hl_is_blank(directory))
        return hl_fail(err, HL_E_SPEC, "provider '%s' needs 'directory'", session->name);
    traefik->directory = hl_path_join(session->arena, session->run->base, directory);
    traefik->file = file != NULL ? file : hl_arena_printf(session->arena, "hlrec-%s.yml", session->run->stack);
    traefik->path = hl_path_join(session->arena, traefik->directory, traefik->file);
    traefik->mode = DEFAULT_MODE;
    traefik->mode_given = mode != NULL && parse_mode(mode, &traefik->mode);
    traefik->verify_ms = hl_value_get_int(session->settings, "verify_timeout", DEFAULT_VERIFY_MS);
    traefik->api = hl_value_get_text(session->settings, "api");
    traefik->arena = hl_arena_new();
    traefik->wanted = hl_map_new(traefik->arena);
    traefik->recorded = hl_map_new(traefik->arena);
    pthread_mutex_init(&traefik->lock, NULL);
    session->data = traefik;
    if (traefik->api == NULL || open_api(traefik, session, err))
        return true;
    close_session(session);
    return false;
}

bool hl_traefik_check_folder(const struct hl_traefik *traefik, struct hl_error **err)
{
    struct stat about;

    if (stat(traefik->directory, &about) != 0) {
        hl_fail_errno(err, errno, "Traefik's folder '%s'", traefik->directory);
        (*err)->code = HL_E_UNREACHABLE;
        return hl_error_hint(err,
                             "make it (mkdir -p '%s'), let Traefik read it with --providers.file.directory (mount the folder, not a file), and start Traefik "
                             "anew: it looks for the folder only then",
                             traefik->directory);
    }
    if (!S_ISDIR(about.st_mode))
        return hl_fail(err, HL_E_FAILED, "'%s' is a file: 'directory' must name the folder that Traefik reads", traefik->directory);
    return true;
}

/* For `doctor`: what will go wrong when a change is written. */
static void report_folder(const struct hl_traefik *traefik, const struct hl_run *run, struct hl_text *report)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_traefik_folder folder;

    if (access(traefik->directory, W_OK) != 0)
        hl_text_printf(report, "the folder '%s' cannot be written\n", traefik->directory);
    if (hl_traefik_folder_read(&folder, arena, traefik, run, &error) && folder.problem != NULL)
        hl_text_printf(report, "Traefik reads none of its files while one is broken: %s\n", folder.problem);
    if (traefik->http == NULL)
        hl_text_puts(report, "without 'api' changes are not verified\n");
}

/* Only refused credentials are a failure: the file can be written while Traefik is down, or before it starts. */
static bool check_answer(struct hl_traefik *traefik, struct hl_text *report, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_traefik_version version;

    if (hl_traefik_api_version(traefik, arena, &version, err)) {
        if (report != NULL)
            hl_text_printf(report, "Traefik %s answers at %s\n", version.text, traefik->api);
        return true;
    }
    if ((*err)->code == HL_E_AUTH)
        return hl_error_hint(err, "set 'username' and 'password' of the provider");
    if (report != NULL) {
        hl_auto(heap) char *words = hl_error_text(*err);

        hl_text_printf(report, "the API does not answer, so changes are not verified: %s\n", words);
    }
    hl_error_clear(err);
    return true;
}

static bool ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    struct hl_traefik *traefik = session->data;

    if (!hl_traefik_check_folder(traefik, err))
        return false;
    if (report != NULL)
        report_folder(traefik, session->run, report);
    return traefik->http == NULL || check_answer(traefik, report, err);
}

static size_t requests(struct hl_session *session)
{
    const struct hl_traefik *traefik = session->data;

    return traefik->http == NULL ? 0 : hl_http_stats(traefik->http).requests;
}

static const struct hl_provider_verbs verbs = {.open = open_session, .close = close_session, .ready = ready, .requests = requests};

const struct hl_provider_type hl_provider_traefik = {
    .name = "traefik",
    .doc = "Traefik 3 by its file provider: one file per stack in its dynamic folder",
    .example = "directory: /etc/traefik/dynamic\napi: http://127.0.0.1:8080\n",
    .fields = fields,
    .verbs = &verbs,
};
