/* What providers of an API at a URL have in common: the settings `url`, `ca`, `insecure` and `timeout`, and the HTTP client that they make.
 *
 * Rows and checks are for the table of a provider type; the functions that take settings stand where they are absent as well. */
#ifndef HL_RECONCILE_PROVIDERS_SHARED_WEB_H
#define HL_RECONCILE_PROVIDERS_SHARED_WEB_H

#include "reconcile/provider.h"
#include "reconcile/transport/http.h"

/* ---- settings ---- */

#define HL_WEB_CA                                                                                                                                              \
    {                                                                                                                                                          \
        .name = "ca", .type = HL_F_STRING, .doc = "certificate of the authority that signed the server's, PEM; a file, relative to the spec",                  \
        .example = "ca.pem"                                                                                                                                    \
    }
#define HL_WEB_INSECURE                                                                                                                                        \
    {                                                                                                                                                          \
        .name = "insecure", .type = HL_F_BOOL, .fallback = "false",                                                                                            \
        .doc = "true takes any certificate, and lets secrets go over plain http to another machine"                                                            \
    }
#define HL_WEB_TIMEOUT                                                                                                                                         \
    {                                                                                                                                                          \
        .name = "timeout", .type = HL_F_DURATION, .fallback = "30s", .doc = "how long one call may take, with what is tried again"                             \
    }

/* For hl_field.normalise: the URL without slashes at its end. */
struct hl_value *hl_web_normal_url(struct hl_arena *arena, struct hl_value *value);
/* Finds what is no http or https URL; true when it is one. `example` is for the hint. */
bool hl_web_check_url(struct hl_check *check, const struct hl_value *value, const char *example);
/* The same, and that it does not end with `path`, which hlrec puts at the end by itself ("/api"). */
void hl_web_check_url_without(struct hl_check *check, const struct hl_value *value, const char *example, const char *path);

/* The text of a setting; NULL when it is not there, or blank. Borrowed. */
const char *hl_web_setting(const struct hl_value *settings, const char *name);
/* `url` without `path` (which every call begins with) and slashes at its end; in `arena`. */
const char *hl_web_root(struct hl_arena *arena, const char *url, const char *path);
/* Whether what goes to this URL can be read on the way: plain http to another machine. */
bool hl_web_is_exposed(const char *url);

/* ---- stores of secrets ---- */

/* The names of the settings by which a machine signs in: a pair, instead of `token`. */
struct hl_web_login {
    const char *id, *secret;
    const char *of; /* what the pair belongs to: "an AppRole" */
};

/* Whether a store of secrets can be opened at all: the provider is in the spec, has a URL, and one way to sign in. HL_E_SPEC. */
bool hl_web_check_store(const struct hl_session *session, const struct hl_web_login *login, struct hl_error **err) HL_MUST_CHECK;

/* ---- the client ---- */

/* An HTTP client for `url` as the session's settings want it; no call is made. To be freed by hl_http_free(). HL_E_SPEC when what is sent could be read on the
 * way, and `insecure` does not say that this is meant. */
bool hl_web_open(const struct hl_session *session, const char *url, struct hl_http **http, struct hl_error **err) HL_MUST_CHECK;
/* "hlrec/1.0"; in `arena`. */
const char *hl_web_user_agent(const struct hl_run *run, struct hl_arena *arena);
/* Puts `Authorization: SCHEME TOKEN` on all calls; the token is never shown from then on. */
void hl_web_authorise(const struct hl_run *run, struct hl_http *http, const char *scheme, const char *token);

#endif
