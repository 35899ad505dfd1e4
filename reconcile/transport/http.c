#include "config.h"

#include "reconcile/transport/http_internal.h"

#include "schema/base/crypto.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    FIRST_DELAY_MS = 200,
    LONGEST_DELAY_MS = 60000, /* a server that asks for more gets its answer handed on instead */
    NAP_MS = 50,              /* how soon an interrupt is seen in a pause */
    READ_SIZE = 64 * 1024,
    /* Servers drop idle connections, and a request that is on its way just then may or may not have been executed. */
    LONGEST_IDLE_S = 20,
    MAX_HEADERS = 256 * 1024,
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- What curl calls --- */

static bool is_success(CURL *easy)
{
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct hl_http_exchange *exchange = context;
    const struct hl_http_request *request = exchange->request;
    size_t length = size * count;

    if (length > exchange->max_body - exchange->received) {
        exchange->too_long = true;
        return 0;
    }
    exchange->received += length;
    if (request->on_data == NULL || !is_success(exchange->easy)) {
        hl_text_append(&exchange->response->body, data, length);
        return length;
    }
    exchange->delivered = true;
    if (!request->on_data(request->context, data, length)) {
        exchange->broken_off = true;
        return 0;
    }
    return length;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct hl_http_exchange *exchange = context;
    size_t length = size * count;

    /* Each answer begins with its status line: what came with a '100 Continue' is forgotten. */
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
        hl_text_reset(&exchange->response->headers);
    hl_text_append(&exchange->response->headers, data, length);
    return length;
}

static int on_progress(void *context, curl_off_t download, curl_off_t downloaded, curl_off_t upload, curl_off_t uploaded)
{
    const struct hl_http_exchange *exchange = context;

    (void)download, (void)downloaded, (void)upload, (void)uploaded;
    return hl_http_is_interrupted(exchange->client) ? 1 : 0;
}

/* curl silently sends a request again when a kept connection dies without an answer. The server may have executed it and
 * died then, so what must not be done twice is stopped here. */
static int on_send(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct hl_http_exchange *exchange = context;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    exchange->sends++;
    return exchange->sends > 1 && !exchange->safe ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* --- One attempt --- */

static void add_line(struct hl_http_exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);

    if (longer == NULL)
        abort();
    exchange->headers = longer;
}

static bool add_header(struct hl_http_exchange *exchange, const char *name, const char *value, struct hl_error **err)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(MAX_HEADERS);

    if (hl_http_has_control(value)) {
        hl_fail(err, HL_E_SPEC, "the value of the header '%s' holds a line break or another control character", name);
        return hl_error_hint(err, "a token that was read from a file may end with a line break");
    }
    if (*value == '\0')
        hl_text_printf(&line, "%s;", name); /* curl's way to send an empty one */
    else
        hl_text_printf(&line, "%s: %s", name, value);
    add_line(exchange, hl_text_get(&line));
    return true;
}

static bool has_header(const struct hl_http_header *headers, const char *name)
{
    for (; headers != NULL && headers->name != NULL; headers++)
        if (strcasecmp(headers->name, name) == 0)
            return true;
    return false;
}

static bool add_headers(struct hl_http_exchange *exchange, struct hl_error **err)
{
    struct hl_http *client = exchange->client;
    const struct hl_http_request *request = exchange->request;
    bool fine = true;

    add_line(exchange, "Expect:"); /* saves a round trip for large bodies */
    if (request->body == NULL)
        add_line(exchange, "Content-Type:"); /* curl would call the empty body a form */
    else if (!has_header(request->headers, "Content-Type"))
        fine = add_header(exchange, "Content-Type", request->content_type == NULL ? "application/json" : request->content_type, err);
    for (const struct hl_http_header *header = request->headers; fine && header != NULL && header->name != NULL; header++)
        fine = add_header(exchange, header->name, header->value, err);

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; fine && i < client->headers_count; i++)
        if (!has_header(request->headers, client->headers[i].name))
            fine = add_header(exchange, client->headers[i].name, client->headers[i].value, err);
    pthread_mutex_unlock(&client->lock);
    return fine;
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        hl_wipe(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

static void set_server(const struct hl_http *client, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even one from the environment */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a name of '..' must not climb to another call */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)LONGEST_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
    if (client->socket != NULL)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    else
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* notices a dead peer where no time limit does */
    if (client->user_agent != NULL)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    if (client->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    if (client->cert_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert_file);
    if (client->key_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, client->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, client->insecure ? 0L : 2L);
}

static void set_method(const struct hl_http_request *request, CURL *easy)
{
    bool posts = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body != NULL || posts) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(request->body == NULL ? 0 : request->body_length));
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_callbacks(struct hl_http_exchange *exchange)
{
    CURL *easy = exchange->easy;

    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->text);
}

static void attempt(struct hl_http_exchange *exchange)
{
    struct hl_http_response *response = exchange->response;

    hl_text_reset(&response->body);
    hl_text_reset(&response->headers);
    response->status = 0;
    exchange->received = 0;
    exchange->sends = 0;
    exchange->text[0] = '\0';
    if (exchange->deadline_ms > 0) {
        int64_t left = exchange->deadline_ms - now_ms();

        curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    }
    atomic_fetch_add(&exchange->client->requests, 1);
    exchange->code = curl_easy_perform(exchange->easy);
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &exchange->os_errno);
    /* Who breaks off has seen an answer. */
    if (exchange->broken_off)
        exchange->code = CURLE_OK;
    if (exchange->code == CURLE_OK)
        curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &response->status);
}

/* --- Again? --- */

static bool is_passing_status(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static bool is_passing_failure(const struct hl_http_exchange *exchange)
{
    switch (exchange->code) {
    case CURLE_COULDNT_CONNECT:
        /* No socket, or no right to it: that will not change within seconds. */
        return exchange->os_errno != ENOENT && exchange->os_errno != EACCES && exchange->os_errno != EPERM;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

/* Half of it is fixed and half is chance, so that many clients do not come back at the same instant. */
static int64_t delay_ms(const struct hl_http_exchange *exchange, int tries_done)
{
    curl_off_t asked = 0;
    int shift = tries_done - 1 < 8 ? tries_done - 1 : 8;
    int64_t delay = (int64_t)FIRST_DELAY_MS << shift;

    delay = delay / 2 + hl_random_below((uint32_t)(delay / 2 + 1));
    if (exchange->code == CURLE_OK)
        curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &asked);
    return asked > delay / 1000 ? (int64_t)asked * 1000 : delay;
}

/* Sleeps until it makes sense to try again; false when it does not. */
static bool pause_for_retry(const struct hl_http_exchange *exchange, int tries_done)
{
    bool passing = exchange->code == CURLE_OK ? is_passing_status(exchange->response->status) : is_passing_failure(exchange);

    /* What never left is safe to send. */
    bool safe = exchange->safe || exchange->sends == 0;

    if (!passing || !safe || exchange->delivered || tries_done >= exchange->client->tries)
        return false;

    int64_t delay = delay_ms(exchange, tries_done);
    int64_t until = now_ms() + delay;

    if (delay > LONGEST_DELAY_MS || (exchange->deadline_ms > 0 && until >= exchange->deadline_ms))
        return false;
    for (int64_t left = delay; left > 0; left = until - now_ms()) {
        int64_t nap = left < NAP_MS ? left : NAP_MS;

        if (hl_http_is_interrupted(exchange->client))
            return false;
        nanosleep(&(struct timespec){.tv_sec = 0, .tv_nsec = (long)nap * 1000000}, NULL);
    }
    return !hl_http_is_interrupted(exchange->client);
}

/* --- The whole call --- */

static bool is_safe(const struct hl_http_request *request)
{
    return request->idempotent || strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void begin(struct hl_http_exchange *exchange)
{
    struct hl_http *client = exchange->client;
    const struct hl_http_request *request = exchange->request;
    struct hl_http_response *response = exchange->response;
    int64_t timeout = request->timeout_ms == 0 ? client->timeout_ms : request->timeout_ms;

    exchange->safe = is_safe(request);
    exchange->max_body = request->max_body > 0 ? request->max_body : request->on_data != NULL ? SIZE_MAX : HL_MAX_BODY;
    exchange->deadline_ms = timeout > 0 ? now_ms() + timeout : 0;
    exchange->url = hl_http_join(client->base, request->path, strlen(request->path));
    *response = (struct hl_http_response){.method = request->method};
    response->url = hl_http_join(client->shown, request->path, strcspn(request->path, "?#"));
    hl_text_init(&response->body, exchange->max_body);
    hl_text_init(&response->headers, MAX_HEADERS);
}

static bool run(struct hl_http_exchange *exchange, struct hl_error **err)
{
    if (!add_headers(exchange, err))
        return false;
    set_server(exchange->client, exchange->easy);
    set_method(exchange->request, exchange->easy);
    set_callbacks(exchange);
    curl_easy_setopt(exchange->easy, CURLOPT_URL, exchange->url);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    for (int tries = 1;; tries++) {
        attempt(exchange);
        if (!pause_for_retry(exchange, tries))
            break;
        atomic_fetch_add(&exchange->client->retries, 1);
    }
    return exchange->code == CURLE_OK || hl_http_fail(exchange, err);
}

static bool changes_are_forbidden; /* for the whole process: a flag of each client would be one too many to forget */

void hl_http_forbid_changes(void)
{
    changes_are_forbidden = true;
}

bool hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    struct hl_http_exchange exchange = {.client = client, .request = request, .response = response};

    assert(request->path[0] == '/');
    *response = (struct hl_http_response){.method = request->method};
    if (changes_are_forbidden && !client->reports && strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return hl_fail(err, HL_E_REFUSED, "a preview only reads: a %s request is not sent", request->method);
    begin(&exchange);
    exchange.easy = hl_http_take_handle(client);

    bool answered = run(&exchange, err);

    if (!answered)
        hl_error_http(err, request->method, response->url, 0);
    hl_http_give_handle_back(client, exchange.easy);
    free_headers(exchange.headers);
    hl_http_free_secret(exchange.url);
    return answered;
}
