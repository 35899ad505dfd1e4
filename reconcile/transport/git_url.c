#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char hint_forms[] = "https://host/path, ssh://user@host/path, user@host:path, file:///path or an absolute path";

/* What is cut out of the text: nothing of it is decoded. */
struct parts {
    const char *user; /* NULL: none */
    const char *host; /* without brackets */
    bool brackets;
    int port;         /* 0: none */
    const char *path; /* from its slash on; "" when there is none */
};

static bool fail_url(struct hl_error **err, const char *why)
{
    hl_fail(err, HL_E_SPEC, "the URL of the git repository %s", why);
    return hl_error_hint(err, "taken are %s", hint_forms);
}

bool hl_git_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

const char *hl_git_masked_url(struct hl_arena *arena, const char *url)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(2048);
    const char *host = strstr(url, "://");
    size_t length = strcspn(url, "?#");

    host = host == NULL || host > url + length ? url : host + 3;

    size_t authority = strcspn(host, "/?#");

    hl_text_put_escaped(&out, url, (size_t)(host - url));
    for (size_t i = authority; i > 0; i--) {
        if (host[i - 1] == '@') {
            host += i;
            break;
        }
    }
    hl_text_put_escaped(&out, host, (size_t)(url + length - host));
    return hl_arena_strdup(arena, hl_text_get(&out));
}

/* Names, addresses: what no resolver, shell or log takes for anything else. */
static bool is_host(const char *host, bool brackets)
{
    const char *fine = brackets ? "0123456789abcdefABCDEF:." : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    return *host != '\0' && *host != '-' && strlen(host) <= 253 && host[strspn(host, fine)] == '\0';
}

static const char *lower(struct hl_arena *arena, const char *text)
{
    char *out = hl_arena_strdup(arena, text);

    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return out;
}

static bool split_host(struct hl_arena *arena, const char *text, struct parts *out, struct hl_error **err)
{
    const char *colon = NULL;

    if (*text == '[') {
        const char *end = strchr(text, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return fail_url(err, "has a '[' without its ']'");
        out->brackets = true;
        out->host = hl_arena_copy(arena, text + 1, (size_t)(end - text - 1));
        colon = end[1] == ':' ? end + 1 : NULL;
    } else {
        colon = strchr(text, ':');
        out->host = colon == NULL ? text : hl_arena_copy(arena, text, (size_t)(colon - text));
    }
    if (!is_host(out->host, out->brackets))
        return fail_url(err, "names no host, or one of odd characters");
    out->host = lower(arena, out->host);

    int64_t port = 0;

    if (colon != NULL && !hl_parse_int(colon + 1, 1, 65535, &port))
        return fail_url(err, "has a port that is no number from 1 to 65535");
    out->port = (int)port;
    return true;
}

/* user@host:port/path, behind "scheme://". */
static bool split(struct hl_arena *arena, const char *text, struct parts *out, struct hl_error **err)
{
    size_t authority = strcspn(text, "/");
    char *all = hl_arena_copy(arena, text, authority);
    char *at = strrchr(all, '@');

    out->path = text + authority;
    if (at == NULL)
        return split_host(arena, all, out, err);
    *at = '\0';
    if (strchr(all, ':') != NULL) {
        fail_url(err, "holds a password");
        return hl_error_hint(err, "a URL ends up in logs and lists of processes: set HLREC_GIT_TOKEN or HLREC_GIT_TOKEN_FILE, or use a key with ssh");
    }
    out->user = all;
    return split_host(arena, at + 1, out, err);
}

static bool is_ssh_user(const char *user)
{
    return *user != '\0' && *user != '-' && strpbrk(user, "@:/\\'\"`$%&;|<>()*?!~# ") == NULL;
}

/* The path is put between single quotes in the remote's command line. Debian's older libgit2 1.5.1 did not escape it (CVE-2026-5917). */
static bool is_ssh_path(const char *path)
{
    return *path != '\0' && *path != '-' && strpbrk(path, "'\\!") == NULL;
}

/* Without slashes at the end: servers take both forms for the same. */
static const char *trim(struct hl_arena *arena, const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return hl_arena_copy(arena, path, length);
}

static void join(struct hl_arena *arena, const char *scheme, const struct parts *parts, int usual_port, struct hl_git_url *out)
{
    const char *open = parts->brackets ? "[" : "", *close = parts->brackets ? "]" : "";
    const char *path = trim(arena, parts->path);
    const char *user = out->user == NULL ? "" : out->user, *at = out->user == NULL ? "" : "@";

    out->host = parts->host;
    out->port = parts->port == 0 ? usual_port : parts->port;
    out->identity = hl_arena_printf(arena, "%s://%s%s%s%s%s:%d%s", scheme, user, at, open, out->host, close, out->port, path);
    if (out->port == usual_port)
        out->remote = hl_arena_printf(arena, "%s://%s%s%s%s%s%s", scheme, user, at, open, out->host, close, path);
    else
        out->remote = hl_arena_printf(arena, "%s://%s%s%s%s%s:%d%s", scheme, user, at, open, out->host, close, out->port, path);
}

static bool take_http(struct hl_arena *arena, const char *text, bool secure, struct hl_git_url *out, struct hl_error **err)
{
    struct parts parts = {0};

    if (!split(arena, text + (secure ? 8 : 7), &parts, err))
        return false;
    if (parts.user != NULL) {
        fail_url(err, "holds a user name");
        return hl_error_hint(
            err, "it may be a token, and a URL ends up in logs: leave it out and set HLREC_GIT_TOKEN, and HLREC_GIT_USER where the forge wants one");
    }
    if (strpbrk(parts.path, "?#") != NULL)
        return fail_url(err, "has a query or a fragment");
    if (strspn(parts.path, "/") == strlen(parts.path))
        return fail_url(err, "names a host and no repository");
    if (!secure && !hl_git_is_loopback(parts.host)) {
        hl_fail(err, HL_E_SPEC, "'http://%s' is not taken for a git repository: what decides over your services would come unprotected", parts.host);
        return hl_error_hint(err, "use https:// or ssh://; http:// is for 127.0.0.1, ::1 and localhost");
    }
    out->scheme = secure ? HL_GIT_HTTPS : HL_GIT_HTTP;
    join(arena, secure ? "https" : "http", &parts, secure ? 443 : 80, out);
    out->shown = out->remote;
    return true;
}

static bool check_ssh(const char *user, const char *path, struct hl_error **err)
{
    if (!is_ssh_user(user))
        return fail_url(err, "has an odd user name");
    if (!is_ssh_path(path))
        return fail_url(err, "has no path, or one with a quote, a backslash or a '!'");
    return true;
}

static bool take_ssh(struct hl_arena *arena, const char *text, struct hl_git_url *out, struct hl_error **err)
{
    struct parts parts = {0};

    if (!split(arena, text + 6, &parts, err))
        return false;
    out->scheme = HL_GIT_SSH;
    out->user = parts.user == NULL ? "git" : parts.user; /* what all forges call it; the name of who runs hlrec helps nowhere */
    if (!check_ssh(out->user, strcmp(parts.path, "/") == 0 ? "" : parts.path, err))
        return false;
    join(arena, "ssh", &parts, 22, out);
    out->shown = out->remote;
    return true;
}

/* user@host:path, where the path is relative to the user's home: no ssh:// URL says the same on every server. */
static bool take_scp(struct hl_arena *arena, const char *text, struct hl_git_url *out, struct hl_error **err)
{
    const char *colon = strchr(text, ':');
    char *left = hl_arena_copy(arena, text, (size_t)(colon - text));
    char *at = strrchr(left, '@');
    struct parts parts = {0};

    if (strchr(left, '[') != NULL || strchr(colon, ']') != NULL)
        return fail_url(err, "has brackets: write it as ssh://user@[address]:port/path");
    if (!split_host(arena, at == NULL ? left : at + 1, &parts, err))
        return false;
    if (at != NULL)
        *at = '\0';
    out->scheme = HL_GIT_SSH;
    out->user = at == NULL ? "git" : left;
    out->host = parts.host;
    out->port = 22;
    if (!check_ssh(out->user, colon + 1, err))
        return false;

    const char *path = trim(arena, colon + 1);

    out->remote = hl_arena_printf(arena, "%s@%s:%s", out->user, out->host, path);
    out->shown = out->remote;
    /* An absolute path is the same one as in a URL. */
    out->identity = hl_arena_printf(arena, "ssh://%s@%s:22%s%s", out->user, out->host, *path == '/' ? "" : "/~/", path);
    return true;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static const char *decode(struct hl_arena *arena, const char *text)
{
    char *out = hl_arena_strdup(arena, text), *to = out;

    for (const char *at = text; *at != '\0'; at++) {
        int high = *at == '%' ? hex_digit(at[1]) : -1;
        int low = high < 0 ? -1 : hex_digit(at[2]);

        if (low < 0) {
            *to++ = *at;
            continue;
        }
        *to++ = (char)(high * 16 + low);
        at += 2;
    }
    *to = '\0';
    return out;
}

static bool has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            return true;
    return false;
}

static bool take_file(struct hl_arena *arena, const char *text, bool is_url, struct hl_git_url *out, struct hl_error **err)
{
    hl_auto(heap) char *real = NULL;
    const char *path = is_url ? text + 7 : text;

    if (is_url && hl_starts_with(path, "localhost/"))
        path += strlen("localhost");
    if (*path != '/')
        return fail_url(err, "names a host behind file://, or a path that is not absolute");
    out->scheme = HL_GIT_FILE;
    out->path = trim(arena, is_url ? decode(arena, path) : path);
    if (strlen(out->path) < 2 || has_control(out->path))
        return fail_url(err, "names no folder, or one of odd characters");
    out->remote = out->path;
    out->shown = text;
    /* Through another link it is the same repository. */
    real = realpath(out->path, NULL);
    out->identity = hl_arena_printf(arena, "file://%s", real == NULL ? out->path : real);
    return true;
}

bool hl_git_url_parse(struct hl_arena *arena, const char *text, struct hl_git_url *out, struct hl_error **err)
{
    *out = (struct hl_git_url){.scheme = HL_GIT_FILE};
    if (hl_is_blank(text))
        return fail_url(err, "is empty");
    if (has_control(text) || strlen(text) > 4096)
        return fail_url(err, "holds a control character, or is longer than 4096 bytes");
    text = hl_arena_strdup(arena, text);
    if (*text == '/' || hl_starts_with(text, "file://"))
        return take_file(arena, text, *text != '/', out, err);
    if (strchr(text, ' ') != NULL)
        return fail_url(err, "holds a blank");
    if (hl_starts_with(text, "https://"))
        return take_http(arena, text, true, out, err);
    if (hl_starts_with(text, "http://"))
        return take_http(arena, text, false, out, err);
    if (hl_starts_with(text, "ssh://"))
        return take_ssh(arena, text, out, err);
    if (hl_starts_with(text, "git://"))
        return fail_url(err, "begins with git://, which protects nothing on its way");
    /* Also "ext::sh -c ..." of git's own. */
    if (strstr(text, "://") != NULL || (strstr(text, "::") != NULL && strchr(text, '[') == NULL))
        return fail_url(err, "begins with a scheme that is not taken");
    if (strchr(text, ':') == NULL || strcspn(text, "/") < strcspn(text, ":"))
        return fail_url(err, "is a relative path, or none at all");
    return take_scp(arena, text, out, err);
}
