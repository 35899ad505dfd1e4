#include "config.h"

#include "reconcile/transport/http_internal.h"

#include "schema/base/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum { CONNECT_TIMEOUT_MS = 5000, TIMEOUT_MS = 30000, TRIES = 4 };

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

bool hl_http_is_interrupted(const struct hl_http *client)
{
    return client->interrupts != NULL && *client->interrupts >= 2;
}

void hl_http_free_secret(char *text)
{
    if (text != NULL)
        hl_wipe(text, strlen(text));
    free(text);
}

bool hl_http_has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
            return true;
    return false;
}

char *hl_http_join(const char *a, const char *b, size_t b_length)
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
    client->shown = hl_http_join("unix://", path, strlen(path));
    return true;
}

/* The URL is not shown in errors: it may hold a password. */
static bool take_url(struct hl_http *client, const char *url, struct hl_error **err)
{
    if (hl_is_blank(url))
        return hl_fail(err, HL_E_SPEC, "the URL of the API is empty");
    if (hl_http_has_control(url) || strpbrk(url, " \t") != NULL)
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
    client->base = hl_http_join("", url, length);

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
    client->shown = hl_http_join(scheme, host, length - (size_t)(host - url));
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
    client->reports = options->reports;
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
        hl_http_free_secret(client->headers[i].value);
    }
    free(client->headers);
    hl_http_free_secret(client->base);
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
    struct hl_http_stored *found = NULL;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->headers_count; i++)
        if (strcasecmp(client->headers[i].name, name) == 0)
            found = &client->headers[i];
    if (found == NULL) {
        /* The array holds pointers only, so that growing leaves no secret behind. */
        client->headers = hl_realloc(client->headers, (client->headers_count + 1) * sizeof(*client->headers));
        found = &client->headers[client->headers_count++];
        *found = (struct hl_http_stored){.name = hl_strdup(name), .value = NULL};
    }
    hl_http_free_secret(found->value);
    found->value = hl_strdup(value == NULL ? "" : value);
    pthread_mutex_unlock(&client->lock);
}

struct hl_http_stats hl_http_stats(const struct hl_http *client)
{
    return (struct hl_http_stats){.requests = atomic_load(&client->requests), .retries = atomic_load(&client->retries)};
}

CURL *hl_http_take_handle(struct hl_http *client)
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

void hl_http_give_handle_back(struct hl_http *client, CURL *easy)
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
