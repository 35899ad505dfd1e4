/* HTTP for the API clients: the only module that includes curl.h.
 *
 * A client is one server (TCP, TLS or a unix socket) with its credentials and limits; it is thread-safe, keeps connections, and sends nothing anywhere else: no
 * redirects are followed, proxies are off unless asked. Safe requests (GET, HEAD, those marked idempotent, and any that was never sent) are retried on
 * connection failures and 429/502/503/504 with jittered back-off and Retry-After, at most `tries` times and never beyond the deadline. Any other is sent once,
 * whatever happens to the connection. No body, header or query of a request ever reaches a log or an error. */
#ifndef HL_RECONCILE_TRANSPORT_HTTP_H
#define HL_RECONCILE_TRANSPORT_HTTP_H

#include "schema/base/error.h"
#include "schema/base/redact.h"

#include <stdatomic.h>

struct hl_http;

struct hl_http_options {
    const char *url;                            /* "http://127.0.0.1:8080/base", "https://...", "unix:///path" */
    const char *user_agent;                     /* "hlrec/0.1" */
    const char *ca_file, *cert_file, *key_file; /* PEM paths or NULL */
    bool insecure;                              /* no verification of the server's certificate */
    int64_t connect_timeout_ms;                 /* 0: 5 s */
    int64_t timeout_ms;                         /* whole request; 0: 30 s; a request may override */
    int tries;                                  /* 0: 4 */
    const atomic_int *interrupts;               /* 2 breaks off requests at once; may be NULL */
    bool reports;                               /* where results are told to people: not bound by hl_http_forbid_changes() */
};

struct hl_http_header {
    const char *name, *value;
};

struct hl_http_request {
    const char *method;                   /* "GET" */
    const char *path;                     /* begins with '/', already escaped, with the query */
    const struct hl_http_header *headers; /* NULL-name-terminated, or NULL; secret ones are fine */
    const char *body;                     /* NULL: none */
    size_t body_length;
    const char *content_type; /* of the body; NULL: application/json */
    int64_t timeout_ms;       /* 0: the client's; -1: none but a stalled connection check */
    bool idempotent;          /* may be sent again although it changes something */
    size_t max_body;          /* of the answer; 0: HL_MAX_BODY */
    /* Streams the answer of a 2xx instead of collecting it; return false to break off. */
    bool (*on_data)(void *context, const char *data, size_t length);
    void *context;
};

struct hl_http_response {
    const char *method;
    char *url; /* without query and credentials; owned */
    long status;
    struct hl_text body;
    struct hl_text headers; /* raw; use hl_http_header() */
};

bool hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err) HL_MUST_CHECK;
void hl_http_free(struct hl_http *client);
/* Added to each request of this client (an Authorization); the value is kept wiped-on-free and out of all messages. Replaces one of the same name. Thread-safe.
 */
void hl_http_set_header(struct hl_http *client, const char *name, const char *value);
/* True whenever an answer came, whatever its status. HL_E_UNREACHABLE, HL_E_TIMEOUT, HL_E_INTERRUPTED otherwise. `response` is initialised by this. */
bool hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err) HL_MUST_CHECK;
void hl_http_response_clear(struct hl_http_response *response);
static inline void hl_cleanup_http_response(struct hl_http_response *response)
{
    hl_http_response_clear(response);
}
/* A header's value in `arena`, or NULL; case is ignored. */
const char *hl_http_header(const struct hl_http_response *response, struct hl_arena *arena, const char *name);
/* The error for a status that is not wanted: 401/403 HL_E_AUTH, 404 HL_E_NOT_FOUND, 409 HL_E_CONFLICT, 5xx HL_E_UNREACHABLE, else HL_E_REJECTED, with the API's
 * own words: the first text found under `message`, `error`, `errors`, `detail` of a JSON body, else the start of a text body. Returns false. */
bool hl_http_rejected(const struct hl_http_response *response, const struct hl_redactor *redactor, struct hl_error **err);
/* Appends with everything but unreserved characters percent-encoded, and "." and ".." as a whole as well: as one part of a path they would lead elsewhere
 * (RFC 3986, 5.2.4), and libcurl would take them out. */
void hl_http_escape(struct hl_text *out, const char *text);

/* From now on no client of this process sends anything but GET and HEAD: what a preview of an untrusted spec may do at most, whatever a provider means to. Any
 * other request fails with HL_E_REFUSED, unsent. For the main thread, before others send. */
void hl_http_forbid_changes(void);

/* Counters for the bench and `-v`. */
struct hl_http_stats {
    size_t requests;
    size_t retries;
};
struct hl_http_stats hl_http_stats(const struct hl_http *client);

#endif
