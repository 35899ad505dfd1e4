#include "config.h"

#include "tests/lab/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct listener {
    struct lab *lab;
    const struct lab_api *api;
    void *data;
    int descriptor;
    char *path; /* of the socket, or NULL */
    pthread_t thread;
};

struct connection {
    struct connection *next;
    const struct listener *listener;
    int descriptor;
};

struct lab {
    struct lab_options options;
    struct hl_arena *arena;
    pthread_mutex_t lock; /* over all below, and all APIs */
    pthread_cond_t changed;
    pthread_cond_t ended;
    bool ending;
    struct lab_faults *faults;
    struct lab_log *log;
    struct connection *connections;
    const struct lab_api **apis; /* those that are served */
    void **data;
    size_t apis_count;
    struct listener *listeners; /* two per API at most */
    size_t listeners_count;
};

/* --- Time and the lock --- */

int64_t lab_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const struct lab_options *lab_options(const struct lab *lab)
{
    return &lab->options;
}

void lab_lock(struct lab *lab)
{
    pthread_mutex_lock(&lab->lock);
}

void lab_unlock(struct lab *lab)
{
    pthread_mutex_unlock(&lab->lock);
}

void lab_notify(struct lab *lab)
{
    pthread_cond_broadcast(&lab->changed);
}

static void wait_on(struct lab *lab, pthread_cond_t *news, int64_t until_ns)
{
    struct timespec at = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};

    if (!lab->ending)
        pthread_cond_timedwait(news, &lab->lock, &at);
}

bool lab_wait(struct lab *lab, int64_t ms)
{
    wait_on(lab, &lab->changed, lab_now_ns() + ms * 1000000);
    return !lab->ending;
}

bool lab_wait_until(struct lab *lab, int64_t until_ns)
{
    while (!lab->ending && lab_now_ns() < until_ns)
        wait_on(lab, &lab->ended, until_ns);
    return !lab->ending;
}

struct lab_fault_hit lab_take_fault(struct lab *lab, const char *method, const char *path)
{
    return lab_faults_take(lab->faults, method, path);
}

bool lab_set_fault(struct lab *lab, const char *text)
{
    lab_faults_clear(lab->faults);
    return *text == '\0' || lab_faults_add(lab->faults, text);
}

struct lab_log *lab_log(struct lab *lab)
{
    return lab->log;
}

/* --- Connections: a thread each --- */

static void forget(struct lab *lab, struct connection *connection)
{
    struct connection **at = &lab->connections;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    close(connection->descriptor);
    free(connection);
    lab_notify(lab);
}

static void *run_connection(void *argument)
{
    struct connection *connection = argument;
    const struct listener *listener = connection->listener;
    struct lab *lab = listener->lab;

    lab_serve_connection(lab, listener->api, listener->data, connection->descriptor);
    lab_lock(lab);
    forget(lab, connection);
    lab_unlock(lab);
    return NULL;
}

static void take_connection(struct listener *listener, int descriptor)
{
    struct lab *lab = listener->lab;
    struct connection *connection = hl_alloc(sizeof(*connection));
    int yes = 1;
    pthread_t thread;

    /* Head and body go out as two pieces: the second must not wait for the first to be acknowledged. */
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    *connection = (struct connection){.listener = listener, .descriptor = descriptor};
    lab_lock(lab);
    connection->next = lab->connections;
    lab->connections = connection;
    if (lab->ending || pthread_create(&thread, NULL, run_connection, connection) != 0)
        forget(lab, connection);
    else
        pthread_detach(thread);
    lab_unlock(lab);
}

static void *run_listener(void *argument)
{
    struct listener *listener = argument;

    for (;;) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC);

        if (descriptor >= 0)
            take_connection(listener, descriptor);
        else if (errno == EMFILE || errno == ENFILE)
            usleep(1000);
        else if (errno != EINTR && errno != ECONNABORTED)
            return NULL; /* lab_stop() shut it down */
    }
}

/* --- Listening --- */

static bool listen_socket(struct listener *listener)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(listener->path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address.sun_path, listener->path, strlen(listener->path) + 1);
    unlink(listener->path); /* of a lab that was killed */
    listener->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return listener->descriptor >= 0 && bind(listener->descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(listener->descriptor, 512) == 0;
}

/* "127.0.0.1:8080", "0.0.0.0:0"; NULL: a free port on loopback. */
static bool parse_address(const char *text, struct sockaddr_in *address)
{
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    char host[INET_ADDRSTRLEN] = "";
    int64_t port = 0;

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (text == NULL)
        return true;
    errno = EINVAL;
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || !hl_parse_int(colon + 1, 0, 65535, &port))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

/* `where`: ADDRESS:PORT that reaches it from this machine. */
static bool listen_port(struct listener *listener, const char *wish, char where[INET_ADDRSTRLEN + 8])
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    char host[INET_ADDRSTRLEN] = "";
    int yes = 1;

    if (!parse_address(wish, &address))
        return false;
    listener->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->descriptor < 0)
        return false;
    /* A lab that is started again gets its port although connections to the old one still linger. */
    setsockopt(listener->descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(listener->descriptor, (const struct sockaddr *)&address, length) != 0 || listen(listener->descriptor, 512) != 0 ||
        getsockname(listener->descriptor, (struct sockaddr *)&address, &length) != 0)
        return false;
    if (address.sin_addr.s_addr == htonl(INADDR_ANY))
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
    snprintf(where, INET_ADDRSTRLEN + 8, "%s:%d", host, ntohs(address.sin_port));
    return true;
}

static struct listener *add_listener(struct lab *lab, size_t number)
{
    struct listener *listener = &lab->listeners[lab->listeners_count++];

    *listener = (struct listener){.lab = lab, .api = lab->apis[number], .data = lab->data[number], .descriptor = -1, .path = NULL};
    return listener;
}

static bool open_api(struct lab *lab, size_t number, FILE *environment)
{
    const struct lab_api *api = lab->apis[number];
    char where[INET_ADDRSTRLEN + 8] = "";

    lab->data[number] = api->open(lab);
    if (api->socket != NULL) {
        struct listener *listener = add_listener(lab, number);

        listener->path = hl_arena_printf(lab->arena, "%s/%s", lab->options.directory, api->socket);
        if (!listen_socket(listener))
            return false;
        fprintf(environment, "%s=unix://%s\n", api->variable, listener->path);
    }
    if (api->scheme != NULL) {
        if (!listen_port(add_listener(lab, number), lab->options.listen, where))
            return false;
        fprintf(environment, "%s%s=%s://%s\n", api->variable, api->socket == NULL ? "" : "_TCP", api->scheme, where);
    }
    return true;
}

/* Written whole before it gets its name: a reader may wait for the file to appear. */
static bool open_apis(struct lab *lab)
{
    const char *path = hl_arena_printf(lab->arena, "%s/lab.env", lab->options.directory);
    const char *temporary = hl_arena_printf(lab->arena, "%s.tmp", path);
    FILE *environment = fopen(temporary, "we");
    bool fine = environment != NULL;

    for (size_t i = 0; fine && i < lab->apis_count; i++)
        fine = open_api(lab, i, environment);
    if (environment != NULL && fclose(environment) != 0)
        fine = false;
    return fine && rename(temporary, path) == 0;
}

static bool set_up(struct lab *lab)
{
    lab->log = lab_log_open(lab->options.log);
    if (lab->log == NULL) {
        fprintf(stderr, "hlrec-lab: cannot open '%s': %s\n", lab->options.log, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < lab->options.faults_count; i++) {
        if (!lab_faults_add(lab->faults, lab->options.faults[i])) {
            fprintf(stderr, "hlrec-lab: '%s' is not 'METHOD PATHGLOB NTH HOW'\n", lab->options.faults[i]);
            return false;
        }
    }
    if (!open_apis(lab)) {
        fprintf(stderr, "hlrec-lab: cannot serve in '%s': %s\n", lab->options.directory, strerror(errno));
        return false;
    }
    return true;
}

/* All, or the one of --only. */
static void choose_apis(struct lab *lab, const struct lab_api *const *apis, size_t count)
{
    lab->apis = hl_arena_alloc(lab->arena, count * sizeof(*lab->apis));
    for (size_t i = 0; i < count; i++)
        if (lab->options.only == NULL || strcmp(lab->options.only, apis[i]->name) == 0)
            lab->apis[lab->apis_count++] = apis[i];
    lab->data = hl_arena_alloc(lab->arena, count * sizeof(void *));
    lab->listeners = hl_arena_alloc(lab->arena, 2 * count * sizeof(*lab->listeners));
}

bool lab_start(const struct lab_options *options, const struct lab_api *const *apis, size_t count, struct lab **out)
{
    struct lab *lab = hl_alloc(sizeof(*lab));

    lab->options = *options;
    lab->arena = hl_arena_new();
    pthread_mutex_init(&lab->lock, NULL);
    pthread_cond_init(&lab->changed, NULL);
    pthread_cond_init(&lab->ended, NULL);
    lab->faults = lab_faults_new(lab->arena);
    choose_apis(lab, apis, count);

    bool fine = set_up(lab);

    for (size_t i = 0; fine && i < lab->listeners_count; i++)
        fine = pthread_create(&lab->listeners[i].thread, NULL, run_listener, &lab->listeners[i]) == 0;
    if (!fine)
        return false; /* the program ends anyway */
    *out = lab;
    return true;
}

static void close_listener(struct listener *listener)
{
    shutdown(listener->descriptor, SHUT_RDWR);
    pthread_join(listener->thread, NULL);
    close(listener->descriptor);
    if (listener->path != NULL)
        unlink(listener->path);
}

void lab_stop(struct lab *lab)
{
    lab_lock(lab);
    lab->ending = true;
    pthread_cond_broadcast(&lab->ended);
    lab_unlock(lab);
    for (size_t i = 0; i < lab->listeners_count; i++)
        close_listener(&lab->listeners[i]);

    lab_lock(lab);
    for (struct connection *connection = lab->connections; connection != NULL; connection = connection->next)
        shutdown(connection->descriptor, SHUT_RDWR);
    lab_notify(lab);
    while (lab->connections != NULL)
        pthread_cond_wait(&lab->changed, &lab->lock);
    lab_unlock(lab);

    for (size_t i = 0; i < lab->apis_count; i++)
        lab->apis[i]->close(lab->data[i]);
    lab_log_close(lab->log);
    pthread_cond_destroy(&lab->changed);
    pthread_cond_destroy(&lab->ended);
    pthread_mutex_destroy(&lab->lock);
    hl_arena_free(lab->arena);
    free(lab);
}
