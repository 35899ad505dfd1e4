#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { QUOTE_MOST = 200 };

/* --- There was an answer --- */

/* The first line of a plain text, as forges send it: "remote: Repository not found". Pages are no words for a terminal. */
static void quote(const struct hl_git *git, const char *type, const char *body, struct hl_text *out)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(4096);
    size_t length = strcspn(body, "\r\n");

    if (type == NULL || strncasecmp(type, "text/plain", 10) != 0 || length == 0)
        return;
    hl_text_put_escaped(&plain, body, length < QUOTE_MOST ? length : QUOTE_MOST);
    hl_text_puts(out, ": ");
    hl_redact(git->redactor, out, hl_text_get(&plain), plain.length);
}

static bool fail_refused(const struct hl_git *git, long status, const char *said, struct hl_error **err)
{
    const char *shown = git->url.shown;

    if (status == 401 && git->token == NULL) {
        hl_fail(err, HL_E_AUTH, "'%s' wants credentials, and there are none%s", shown, said);
        return hl_error_hint(err, "set HLREC_GIT_TOKEN or HLREC_GIT_TOKEN_FILE to a token that may read the repository, or use ssh");
    }
    if (status == 401) {
        hl_fail(err, HL_E_AUTH, "'%s' refuses the token%s", shown, said);
        return hl_error_hint(err, "is it expired, or does the forge want another user with it (HLREC_GIT_USER; now '%s')?", git->token_user);
    }
    if (status == 403) {
        hl_fail(err, HL_E_AUTH, "'%s' forbids reading it%s", shown, said);
        return hl_error_hint(err, "does the token have the right to read this repository (contents: read), and may this address connect?");
    }
    hl_fail(err, HL_E_AUTH, "'%s' does not exist, or is not shown to us%s", shown, said);
    return hl_error_hint(err, git->token == NULL ? "check the path; a private repository needs a token: HLREC_GIT_TOKEN or HLREC_GIT_TOKEN_FILE"
                                                 : "check the path; many forges say so as well when the token has no right to read the repository");
}

static bool fail_redirect(const struct hl_git *git, long status, const char *location, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *target = location == NULL ? "nowhere" : hl_git_masked_url(arena, location);
    size_t length = strlen(target);
    const char *tail = "/info/refs";

    /* What was asked for is not what one writes. */
    if (hl_ends_with(target, tail))
        length -= strlen(tail);
    hl_fail(err, HL_E_UNREACHABLE, "'%s' answers with a redirect (status %ld) to '%.*s', and redirects are not followed", git->url.shown, status, (int)length,
            target);
    return hl_error_hint(
        err, "nothing was sent there; if that is the repository (often only '.git' is missing), give its URL; if it is a login page, a token is missing");
}

static bool fail_passing(const struct hl_git *git, long status, int64_t retry_after_s, const char *said, struct hl_error **err)
{
    hl_fail(err, HL_E_UNREACHABLE, "'%s' answers with status %ld%s", git->url.shown, status, said);
    if (retry_after_s > 0)
        return hl_error_hint(err, "it asks to come back in %" PRId64 " s", retry_after_s);
    return status == 429 ? hl_error_hint(err, "it is asked too often; try again later") : false;
}

/* 200, and still not git's. */
static bool fail_type(const struct hl_git *git, const char *type, struct hl_error **err)
{
    const char *shown = git->url.shown;

    if (type != NULL && strncasecmp(type, "text/html", 9) == 0) {
        hl_fail(err, HL_E_UNREACHABLE, "'%s' answers with a web page, not with git", shown);
        return hl_error_hint(err, "is it the URL to clone from, and not that of the project's page, or behind a login?");
    }
    if (type != NULL && strncasecmp(type, "text/plain", 10) == 0) {
        hl_fail(err, HL_E_UNREACHABLE, "'%s' answers with plain text, not with git's smart protocol", shown);
        return hl_error_hint(err, "a web server that only serves the files of a repository is not enough: it needs `git http-backend`");
    }

    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(256);

    hl_text_put_escaped(&plain, type == NULL ? "none" : type, type == NULL ? 4 : strlen(type));
    hl_fail(err, HL_E_UNREACHABLE, "'%s' does not answer as git does: content type %s", shown, hl_text_get(&plain));
    return hl_error_hint(err, "is it the URL to clone from?");
}

bool hl_git_http_fail_status(const struct hl_git *git, long status, const char *type, const char *location, int64_t retry_after_s, const char *body,
                             struct hl_error **err)
{
    hl_auto(text) struct hl_text said = HL_TEXT_INIT(4096);

    quote(git, type, body, &said);

    const char *words = hl_text_get(&said);

    if (status == 401 || status == 403 || status == 404 || status == 410)
        return fail_refused(git, status, words, err);
    if (status >= 300 && status < 400)
        return fail_redirect(git, status, location, err);
    if (status == 200)
        return fail_type(git, type, err);
    if (status == 429 || status >= 500)
        return fail_passing(git, status, retry_after_s, words, err);
    return hl_fail(err, HL_E_REJECTED, "'%s' answers with status %ld%s", git->url.shown, status, words);
}

/* --- There was none --- */

static bool fail_connect(const struct hl_git *git, long os_errno, const char *text, struct hl_error **err)
{
    hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", git->url.shown, os_errno == 0 ? text : strerror((int)os_errno));
    return hl_error_hint(err, "is the address right, and does the server listen on port %d?", git->url.port);
}

static bool fail_timeout(const struct hl_git *git, bool connected, const char *text, struct hl_error **err)
{
    char duration[32];

    if (!connected) {
        hl_format_duration(git->connect_timeout_ms < git->timeout_ms ? git->connect_timeout_ms : git->timeout_ms, duration);
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no connection within %s", git->url.shown, duration);
        return hl_error_hint(err, "is the address right, and does no firewall swallow the packets?");
    }
    if (hl_starts_with(text, "Operation too slow"))
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' fell silent: nothing came for 30s", git->url.shown);
    hl_format_duration(git->timeout_ms, duration);
    return hl_fail(err, HL_E_TIMEOUT, "no complete answer from '%s' within %s", git->url.shown, duration);
}

static bool fail_tls(const struct hl_git *git, int number, const char *text, struct hl_error **err)
{
    const char *authority = hl_git_variable(git, "HLREC_GIT_CA_FILE");

    /* A wrong certificate stays wrong: it is no matter of trying again. */
    hl_fail(err, number == CURLE_PEER_FAILED_VERIFICATION ? HL_E_AUTH : HL_E_UNREACHABLE, "no TLS connection to '%s': %s", git->url.shown, text);
    if (number == CURLE_SSL_CACERT_BADFILE)
        return hl_error_hint(err, "cannot read the authority's certificates in '%s'", authority == NULL ? "the system's folder" : authority);
    if (number == CURLE_SSL_CONNECT_ERROR)
        return hl_error_hint(err, "does the server speak TLS 1.2 or 1.3 on port %d?", git->url.port);
    return hl_error_hint(err, "name the authority that signed the server's certificate in HLREC_GIT_CA_FILE%s, or check the host's name and the clock",
                         authority == NULL ? "" : " (it is set: then it alone counts)");
}

static bool fail_proxy(const struct hl_git *git, const char *text, struct hl_error **err)
{
    hl_fail(err, HL_E_UNREACHABLE, "the proxy does not lead to '%s': %s", git->url.shown, text);
    return hl_error_hint(err, "it is the one of HTTPS_PROXY; NO_PROXY lists what is reached without");
}

bool hl_git_http_fail_curl(const struct hl_git *git, int number, long os_errno, bool connected, const char *words, struct hl_error **err)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(1024);
    const char *text = words[0] == '\0' ? curl_easy_strerror((CURLcode)number) : words;

    /* A certificate's names come from the server. */
    hl_text_put_escaped(&plain, text, strlen(text));
    text = hl_text_get(&plain);
    switch ((CURLcode)number) {
    case CURLE_COULDNT_CONNECT:
        return fail_connect(git, os_errno, text, err);
    case CURLE_COULDNT_RESOLVE_HOST:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': the host's name is not known", git->url.shown);
        return hl_error_hint(err, "check the name and this host's DNS");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return fail_proxy(git, "its name is not known", err);
    case CURLE_OPERATION_TIMEDOUT:
        return fail_timeout(git, connected, text, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
        return fail_tls(git, number, text, err);
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' broke off in the middle of its answer", git->url.shown);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        if (!connected && hl_starts_with(text, "Received HTTP code"))
            return fail_proxy(git, text, err);
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' closed the connection before its answer was complete", git->url.shown);
    case CURLE_PROXY:
        return fail_proxy(git, text, err);
    default:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot talk to '%s': %s", git->url.shown, text);
    }
}
