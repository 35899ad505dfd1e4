#include "config.h"

#include "reconcile/providers/shared/web.h"
#include "reconcile/transport/files.h"

#include <string.h>

enum { DEFAULT_TIMEOUT_MS = 30 * 1000 };

/* ---- settings ---- */

/* The length of a URL without the slashes at its end. */
static size_t trimmed_length(const char *url, size_t length)
{
    while (length > 0 && url[length - 1] == '/')
        length--;
    return length;
}

struct hl_value *hl_web_normal_url(struct hl_arena *arena, struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT) || !hl_ends_with(value->text.data, "/"))
        return value;
    struct hl_value *trimmed = hl_value_bytes(arena, value->text.data, trimmed_length(value->text.data, value->text.length));
    trimmed->at = value->at;
    return trimmed;
}

bool hl_web_check_url(struct hl_check *check, const struct hl_value *value, const char *example)
{
    const char *url = value->text.data;

    if (hl_starts_with(url, "http://") || hl_starts_with(url, "https://"))
        return true;
    hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "the address must begin with http:// or https://"), "as %s", example);
    return false;
}

void hl_web_check_url_without(struct hl_check *check, const struct hl_value *value, const char *example, const char *path)
{
    const char *url = value->text.data;

    if (!hl_web_check_url(check, value, example) || !hl_ends_with(url, path))
        return;
    hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "the address is written without %s", path), "write '%.*s'",
                 (int)(value->text.length - strlen(path)), url);
}

const char *hl_web_setting(const struct hl_value *settings, const char *name)
{
    const char *text = hl_value_get_text(settings, name);

    return hl_is_blank(text) ? NULL : text;
}

const char *hl_web_root(struct hl_arena *arena, const char *url, const char *path)
{
    const size_t path_length = strlen(path);
    size_t length = trimmed_length(url, strlen(url));

    if (length > path_length && strncmp(url + length - path_length, path, path_length) == 0)
        length = trimmed_length(url, length - path_length);
    return hl_arena_copy(arena, url, length);
}

/* The length of what names this machine at the beginning of `host`; 0 when it is another one. */
static size_t own_name(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};

    if (hl_starts_with(host, "127."))
        return strspn(host, "0123456789.");
    for (size_t i = 0; i < HL_COUNT(names); i++)
        if (hl_starts_with(host, names[i]))
            return strlen(names[i]);
    return 0;
}

bool hl_web_is_exposed(const char *url)
{
    if (!hl_starts_with(url, "http://"))
        return false;
    const char *host = url + strlen("http://");
    const size_t length = own_name(host);

    return length == 0 || strchr(":/", host[length]) == NULL; /* strchr() finds the end of the text as well */
}

/* ---- stores of secrets ---- */

static bool check_login(const struct hl_session *session, const struct hl_web_login *login, struct hl_error **err)
{
    const bool id = hl_web_setting(session->settings, login->id) != NULL;
    const bool secret = hl_web_setting(session->settings, login->secret) != NULL;
    const bool token = hl_web_setting(session->settings, "token") != NULL;

    if (id != secret || (!id && !token)) {
        hl_fail(err, HL_E_SPEC, "provider '%s' has no credentials", session->name);
        return hl_error_hint(err, "give it both %s and %s of %s, or a token", login->id, login->secret, login->of);
    }
    if (!id || !token)
        return true;
    hl_fail(err, HL_E_SPEC, "provider '%s' has both %s and token", session->name, login->id);
    return hl_error_hint(err, "one way to sign in is enough");
}

bool hl_web_check_store(const struct hl_session *session, const struct hl_web_login *login, struct hl_error **err)
{
    const char *url = hl_web_setting(session->settings, "url");

    if (session->settings == NULL) {
        hl_fail(err, HL_E_SPEC, "provider '%s' is needed for what is recorded, and is not in the spec any more", session->name);
        return hl_error_hint(err, "put it back until what is written there is removed by a run");
    }
    if (url == NULL)
        return hl_fail(err, HL_E_SPEC, "provider '%s' needs 'url'", session->name);
    return check_login(session, login, err);
}

/* ---- the client ---- */

const char *hl_web_user_agent(const struct hl_run *run, struct hl_arena *arena)
{
    return hl_arena_printf(arena, "hlrec/%s", run->version != NULL ? run->version : PACKAGE_VERSION);
}

bool hl_web_open(const struct hl_session *session, const char *url, struct hl_http **http, struct hl_error **err)
{
    const struct hl_run *run = session->run;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *ca = hl_web_setting(session->settings, "ca");
    const struct hl_http_options options = {
        .url = url,
        .user_agent = hl_web_user_agent(run, arena),
        .ca_file = ca == NULL ? NULL : hl_path_join(arena, run->base != NULL ? run->base : ".", ca),
        .insecure = hl_value_get_bool(session->settings, "insecure", false),
        .timeout_ms = hl_value_get_int(session->settings, "timeout", DEFAULT_TIMEOUT_MS),
        .interrupts = run->interrupts,
    };

    if (hl_web_is_exposed(url) && !options.insecure) {
        hl_fail(err, HL_E_SPEC, "provider '%s' would send secrets over plain http to another machine", session->name);
        return hl_error_hint(err, "use https, or write `insecure: true` when the network between is yours alone");
    }
    return hl_http_new(&options, http, err);
}

void hl_web_authorise(const struct hl_run *run, struct hl_http *http, const char *scheme, const char *token)
{
    hl_auto(text) struct hl_text header = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_redactor_add(run->redactor, token, strlen(token));
    hl_text_printf(&header, "%s %s", scheme, token);
    hl_http_set_header(http, "Authorization", hl_text_get(&header));
}
