#include "config.h"

#include "reconcile/transport/http.h"

#include "schema/base/crypto.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <time.h>

enum {
    CONNECT_TIMEOUT_MS = 5000,
    TIMEOUT_MS = 30000,
    TRIES = 4,
    FIRST_DELAY_MS = 200,
    LONGEST_DELAY_MS = 60000, /* a server that asks for more gets its answer handed on instead */
    NAP_MS = 50,              /* how soon an interrupt is seen in a pause */
    READ_SIZE = 64 * 1024,
    /* Servers drop idle connections, and a request that is on its way just then may or may not have been executed. */
    LONGEST_IDLE_S = 20,
    MAX_HEADERS = 256 * 1024,
};

struct header {
    char *name, *value;
};

struct hl_http {
    char *base;   /* what a request's path is put behind, for curl */
    char *shown;  /* the same for people: without user and password, and with the socket's path */
    char *socket; /* NULL for TCP */
    char *user_agent, *ca_file, *cert_file, *key_file;
    bool insecure;
    int64_t connect_timeout_ms, timeout_ms;
    int tries;
    const volatile int *interrupts;
    atomic_size_t requests, retries;
    pthread_mutex_t lock; /* over all below */
    CURL **idle;          /* last in, first out: the warmest connection is taken first */
    size_t idle_count, idle_capacity;
    struct header *headers;
    size_t headers_count;
};

/* One perform(), with what curl's callbacks need to know. */
struct exchange {
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

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_interrupted(const struct hl_http *client)
{
    return client->interrupts != NULL && *client->interrupts >= 2;
}

static void free_secret(char *text)
{
    if (text != NULL)
        hl_wipe(text, strlen(text));
    free(text);
}

static bool has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
            return true;
    return false;
}

/* --- The client --- */

static char *joined(const char *a, const char *b, size_t b_length)
{
    size_t a_length = strlen(a);
    char *both = hl_alloc(a_length + b_length + 1);

    memcpy(both, a, a_length);
    memcpy(both + a_length, b, b_length);
    return both;
}

static bool take_socket(struct hl_http *client, const char *path, struct hl_error **err)
{
    if (path[0] != '/')
        return hl_fail(err, HL_E_SPEC, "the socket in 'unix://%s' is not an absolute path", path);
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return hl_fail(err, HL_E_SPEC, "the socket's path '%s' is longer than the system allows", path);
    client->socket = hl_strdup(path);
    client->base = hl_strdup("http://localhost");
    client->shown = joined("unix://", path, strlen(path));
    return true;
}

/* The URL is not shown in errors: it may hold a password. */
static bool take_url(struct hl_http *client, const char *url, struct hl_error **err)
{
    if (hl_is_blank(url))
        return hl_fail(err, HL_E_SPEC, "the URL of the API is empty");
    if (has_control(url) || strpbrk(url, " \t") != NULL)
        return hl_fail(err, HL_E_SPEC, "the URL of the API holds a blank or a control character");
    if (hl_starts_with(url, "unix://"))
        return take_socket(client, url + 7, err);

    const char *scheme = hl_starts_with(url, "http://") ? "http://" : hl_starts_with(url, "https://") ? "https://" : NULL;

    if (scheme == NULL)
        return hl_fail(err, HL_E_SPEC, "the URL of the API begins with none of 'http://', 'https://', 'unix://'");
    if (strpbrk(url, "?#") != NULL)
        return hl_fail(err, HL_E_SPEC, "the URL of the API has a query or a fragment");

    size_t length = strlen(url);
    const char *host = url + strlen(scheme);

    while (length > strlen(scheme) && url[length - 1] == '/')
        length--;
    client->base = joined("", url, length);

    const char *path = strchr(host, '/');
    size_t authority = path == NULL ? strlen(host) : (size_t)(path - host);

    for (size_t i = authority; i > 0; i--) {
        if (host[i - 1] == '@') {
            host += i;
            break;
        }
    }
    if (*host == '\0' || *host == '/' || *host == ':')
        return hl_fail(err, HL_E_SPEC, "the URL of the API names no host");
    client->shown = joined(scheme, host, length - (size_t)(host - url));
    return true;
}

bool hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err)
{
    struct hl_http *client = hl_alloc(sizeof(*client));

    pthread_mutex_init(&client->lock, NULL);
    client->user_agent = hl_strdup(options->user_agent);
    client->ca_file = hl_strdup(options->ca_file);
    client->cert_file = hl_strdup(options->cert_file);
    client->key_file = hl_strdup(options->key_file);
    client->insecure = options->insecure;
    client->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    client->tries = options->tries > 0 ? options->tries : TRIES;
    client->interrupts = options->interrupts;
    if (!take_url(client, options->url, err)) {
        hl_http_free(client);
        return false;
    }
    *out = client;
    return true;
}

void hl_http_free(struct hl_http *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    free(client->idle);
    for (size_t i = 0; i < client->headers_count; i++) {
        free(client->headers[i].name);
        free_secret(client->headers[i].value);
    }
    free(client->headers);
    free_secret(client->base);
    free(client->shown);
    free(client->socket);
    free(client->user_agent);
    free(client->ca_file);
    free(client->cert_file);
    free(client->key_file);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

void hl_http_set_header(struct hl_http *client, const char *name, const char *value)
{
    struct header *found = NULL;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->headers_count; i++)
        if (strcasecmp(client->headers[i].name, name) == 0)
            found = &client->headers[i];
    if (found == NULL) {
        /* The array holds pointers only, so that growing leaves no secret behind. */
        client->headers = hl_realloc(client->headers, (client->headers_count + 1) * sizeof(*client->headers));
        found = &client->headers[client->headers_count++];
        *found = (struct header){.name = hl_strdup(name), .value = NULL};
    }
    free_secret(found->value);
    found->value = hl_strdup(value == NULL ? "" : value);
    pthread_mutex_unlock(&client->lock);
}

struct hl_http_stats hl_http_stats(const struct hl_http *client)
{
    return (struct hl_http_stats){.requests = atomic_load(&client->requests), .retries = atomic_load(&client->retries)};
}

static CURL *take_handle(struct hl_http *client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CURL *easy = NULL;

    pthread_once(&once, start_curl);
    pthread_mutex_lock(&client->lock);
    if (client->idle_count > 0)
        easy = client->idle[--client->idle_count];
    pthread_mutex_unlock(&client->lock);
    if (easy == NULL)
        easy = curl_easy_init();
    if (easy == NULL)
        abort();
    return easy;
}

static void give_handle_back(struct hl_http *client, CURL *easy)
{
    curl_easy_reset(easy); /* forgets the options and keeps the connections */
    pthread_mutex_lock(&client->lock);
    if (client->idle_count == client->idle_capacity) {
        client->idle_capacity = client->idle_capacity == 0 ? 8 : client->idle_capacity * 2;
        client->idle = hl_realloc(client->idle, client->idle_capacity * sizeof(CURL *));
    }
    client->idle[client->idle_count++] = easy;
    pthread_mutex_unlock(&client->lock);
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
    struct exchange *exchange = context;
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
    struct exchange *exchange = context;
    size_t length = size * count;

    /* Each answer begins with its status line: what came with a '100 Continue' is forgotten. */
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
        hl_text_reset(&exchange->response->headers);
    hl_text_append(&exchange->response->headers, data, length);
    return length;
}

static int on_progress(void *context, curl_off_t download, curl_off_t downloaded, curl_off_t upload, curl_off_t uploaded)
{
    const struct exchange *exchange = context;

    (void)download, (void)downloaded, (void)upload, (void)uploaded;
    return is_interrupted(exchange->client) ? 1 : 0;
}

/* curl silently sends a request again when a kept connection dies without an answer. The server may have executed it and
 * died then, so what must not be done twice is stopped here. */
static int on_send(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct exchange *exchange = context;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    exchange->sends++;
    return exchange->sends > 1 && !exchange->safe ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* --- One attempt --- */

static bool add_header(struct exchange *exchange, const char *name, const char *value, struct hl_error **err)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(MAX_HEADERS);

    if (has_control(value)) {
        hl_fail(err, HL_E_SPEC, "the value of the header '%s' holds a line break or another control character", name);
        return hl_error_hint(err, "a token that was read from a file may end with a line break");
    }
    if (*value == '\0')
        hl_text_printf(&line, "%s;", name); /* curl's way to send an empty one */
    else
        hl_text_printf(&line, "%s: %s", name, value);

    struct curl_slist *longer = curl_slist_append(exchange->headers, hl_text_get(&line));

    if (longer == NULL)
        abort();
    exchange->headers = longer;
    return true;
}

static bool has_header(const struct hl_http_header *headers, const char *name)
{
    for (; headers != NULL && headers->name != NULL; headers++)
        if (strcasecmp(headers->name, name) == 0)
            return true;
    return false;
}

static void add_removal(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);

    if (longer == NULL)
        abort();
    exchange->headers = longer;
}

static bool add_headers(struct exchange *exchange, struct hl_error **err)
{
    struct hl_http *client = exchange->client;
    const struct hl_http_request *request = exchange->request;
    bool fine = true;

    add_removal(exchange, "Expect:"); /* saves a round trip for large bodies */
    if (request->body == NULL)
        add_removal(exchange, "Content-Type:"); /* curl would call the empty body a form */
    else if (!has_header(request->headers, "Content-Type"))
        fine = add_header(exchange, "Content-Type",
                          request->content_type == NULL ? "application/json" : request->content_type, err);
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
    bool posts = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                 strcmp(request->method, "PATCH") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body != NULL || posts) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(request->body == NULL ? 0 : request->body_length));
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_callbacks(struct exchange *exchange)
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

static void attempt(struct exchange *exchange)
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

static bool is_passing_failure(const struct exchange *exchange)
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
static int64_t delay_ms(const struct exchange *exchange, int tries_done)
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
static bool pause_for_retry(const struct exchange *exchange, int tries_done)
{
    bool passing = exchange->code == CURLE_OK ? is_passing_status(exchange->response->status)
                                              : is_passing_failure(exchange);

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

        if (is_interrupted(exchange->client))
            return false;
        nanosleep(&(struct timespec){.tv_sec = 0, .tv_nsec = (long)nap * 1000000}, NULL);
    }
    return !is_interrupted(exchange->client);
}

/* --- What went wrong --- */

static bool fail_connect(const struct exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    bool local = client->socket != NULL;

    switch (exchange->os_errno) {
    case ENOENT:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no such socket", client->shown);
        return hl_error_hint(err, "is the service running, and is that the path of its socket?");
    case EACCES:
    case EPERM:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': permission denied", client->shown);
        return local ? hl_error_hint(err, "run as a user who may use the socket (Docker's belongs to the group 'docker')")
                     : hl_error_hint(err, "a firewall or sandbox on this host forbids the connection");
    case ECONNREFUSED:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': connection refused", client->shown);
        return local ? hl_error_hint(err, "the socket is there, but no service listens on it: is it running?")
                     : hl_error_hint(err, "is the service running, and is the port right?");
    case 0:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", client->shown, curl_easy_strerror(exchange->code));
    default:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", client->shown, strerror((int)exchange->os_errno));
    }
}

static bool fail_timeout(const struct exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    int64_t limit = exchange->request->timeout_ms > 0 ? exchange->request->timeout_ms : client->timeout_ms;
    char duration[32];

    if (exchange->sends == 0) {
        hl_format_duration(client->connect_timeout_ms < limit ? client->connect_timeout_ms : limit, duration);
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no connection within %s", client->shown, duration);
        return hl_error_hint(err, "is the address right, and does no firewall swallow the packets?");
    }
    hl_format_duration(limit, duration);
    return hl_fail(err, HL_E_TIMEOUT, "no complete answer from '%s' within %s", client->shown, duration);
}

/* The reason of TLS libraries names a certificate's fault and nothing of the request. */
static bool fail_tls(const struct exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    const char *reason = exchange->text[0] != '\0' ? exchange->text : curl_easy_strerror(exchange->code);

    hl_fail(err, HL_E_UNREACHABLE, "no TLS connection to '%s': %s", client->shown, reason);
    if (exchange->code == CURLE_SSL_CACERT_BADFILE)
        return hl_error_hint(err, "cannot read the authority's certificates in '%s'",
                             client->ca_file == NULL ? "the system's folder" : client->ca_file);
    if (exchange->code == CURLE_SSL_CERTPROBLEM)
        return hl_error_hint(err, "check the client certificate and its key, both in PEM");
    if (exchange->code == CURLE_SSL_CONNECT_ERROR)
        return hl_error_hint(err, "does the server speak TLS on this port, and does it take our client certificate?");
    return hl_error_hint(err, "name the authority that signed the server's certificate (`ca`), or check the host's name");
}

static bool fail_exchange(const struct exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;

    if (is_interrupted(client))
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted while '%s' was being asked", client->shown);
    if (exchange->too_long)
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is longer than %zu bytes", client->shown,
                       exchange->max_body);
    switch (exchange->code) {
    case CURLE_COULDNT_CONNECT:
        return fail_connect(exchange, err);
    case CURLE_COULDNT_RESOLVE_HOST:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': the host's name is not known", client->shown);
        return hl_error_hint(err, "check the name and this host's DNS");
    case CURLE_OPERATION_TIMEDOUT:
        return fail_timeout(exchange, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
        return fail_tls(exchange, err);
    case CURLE_PARTIAL_FILE:
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' broke off in the middle of its answer", client->shown);
    case CURLE_ABORTED_BY_CALLBACK: /* on_send() */
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' closed the connection without an answer", client->shown);
    default:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot talk to '%s': %s", client->shown,
                       curl_easy_strerror(exchange->code));
    }
}

/* --- The whole call --- */

static bool is_safe(const struct hl_http_request *request)
{
    return request->idempotent || strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void begin(struct exchange *exchange)
{
    struct hl_http *client = exchange->client;
    const struct hl_http_request *request = exchange->request;
    struct hl_http_response *response = exchange->response;
    int64_t timeout = request->timeout_ms == 0 ? client->timeout_ms : request->timeout_ms;

    exchange->safe = is_safe(request);
    exchange->max_body = request->max_body > 0 ? request->max_body : request->on_data != NULL ? SIZE_MAX : HL_MAX_BODY;
    exchange->deadline_ms = timeout > 0 ? now_ms() + timeout : 0;
    exchange->url = joined(client->base, request->path, strlen(request->path));
    *response = (struct hl_http_response){.method = request->method};
    response->url = joined(client->shown, request->path, strcspn(request->path, "?#"));
    hl_text_init(&response->body, exchange->max_body);
    hl_text_init(&response->headers, MAX_HEADERS);
}

static bool run(struct exchange *exchange, struct hl_error **err)
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
    return exchange->code == CURLE_OK || fail_exchange(exchange, err);
}

bool hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response,
                     struct hl_error **err)
{
    struct exchange exchange = {.client = client, .request = request, .response = response};

    assert(request->path[0] == '/');
    begin(&exchange);
    exchange.easy = take_handle(client);

    bool answered = run(&exchange, err);

    if (!answered)
        hl_error_http(err, request->method, response->url, 0);
    give_handle_back(client, exchange.easy);
    free_headers(exchange.headers);
    free_secret(exchange.url);
    return answered;
}
