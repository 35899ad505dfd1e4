/* What the parts of the HTTP client share; nobody else includes this, or curl.h.
 *
 * http_client.c: the client and its connections. http.c: one call. http_failure.c: why there was no answer. http_answer.c: what to
 * do with one. */
#ifndef HL_RECONCILE_TRANSPORT_HTTP_INTERNAL_H
#define HL_RECONCILE_TRANSPORT_HTTP_INTERNAL_H

#include "reconcile/transport/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

struct hl_http_stored {
    char *name, *value;
};

struct hl_http {
    char *base;   /* what a request's path is put behind, for curl */
    char *shown;  /* the same for people: without user and password, and with the socket's path */
    char *socket; /* NULL for TCP */
    char *user_agent, *ca_file, *cert_file, *key_file;
    bool insecure, reports;
    int64_t connect_timeout_ms, timeout_ms;
    int tries;
    const atomic_int *interrupts;
    atomic_size_t requests, retries;
    pthread_mutex_t lock; /* over all below */
    CURL **idle;          /* last in, first out: the warmest connection is taken first */
    size_t idle_count, idle_capacity;
    struct hl_http_stored *headers;
    size_t headers_count;
};

/* One perform(), with what curl's callbacks need to know. */
struct hl_http_exchange {
    struct hl_http *client;
    const struct hl_http_request *request;
    struct hl_http_response *response;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    int64_t deadline_ms; /* 0: none */
    size_t max_body;
    size_t received;
    unsigned sends;  /* of this attempt */
    bool safe;       /* may be sent twice */
    bool delivered;  /* on_data has seen something */
    bool broken_off; /* by on_data */
    bool too_long;
    CURLcode code;
    long os_errno;
    char text[CURL_ERROR_SIZE];
};

/* --- http_client.c --- */

/* An easy handle with the connections of its former uses; initialises curl at the first call. */
CURL *hl_http_take_handle(struct hl_http *client);
void hl_http_give_handle_back(struct hl_http *client, CURL *easy);
bool hl_http_is_interrupted(const struct hl_http *client);
/* Allocated. */
char *hl_http_join(const char *a, const char *b, size_t b_length);
/* Wipes first. */
void hl_http_free_secret(char *text);
bool hl_http_has_control(const char *text);

/* --- http_failure.c --- */

bool hl_http_fail(const struct hl_http_exchange *exchange, struct hl_error **err);

#endif
