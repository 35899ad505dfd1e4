#include "config.h"

#include "tests/unit/stores/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_REQUEST = 256 * 1024 };

static void check(bool fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    abort();
}

void answer(struct call *call, int status, const char *format, ...)
{
    va_list args;

    call->status = status;
    hl_text_reset(&call->reply);
    va_start(args, format);
    hl_text_vprintf(&call->reply, format, args);
    va_end(args);
}

void answer_json(struct call *call, int status, const struct hl_value *value)
{
    call->status = status;
    hl_text_reset(&call->reply);
    hl_json_encode(&call->reply, value, HL_JSON_COMPACT);
}

const char *decoded(struct hl_arena *arena, const char *text, size_t length)
{
    char *out = hl_arena_alloc(arena, length + 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned code = 0;
        if (text[i] == '%' && i + 2 < length && sscanf(text + i + 1, "%2x", &code) == 1) {
            out[used++] = (char)code;
            i += 2;
        } else {
            out[used++] = text[i];
        }
    }
    return out;
}

const char *query_get(const struct call *call, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = call->query; *at != '\0'; at += strcspn(at, "&"), at += *at == '&' ? 1 : 0) {
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return decoded(call->arena, at + length + 1, strcspn(at + length + 1, "&"));
    }
    return "";
}

static const char *header(struct hl_arena *arena, const char *request, const char *name)
{
    const char *line = strcasestr(request, hl_arena_printf(arena, "\r\n%s:", name));

    if (line == NULL)
        return "";
    line += strlen(name) + 3;
    line += strspn(line, " ");
    return hl_arena_copy(arena, line, strcspn(line, "\r"));
}

/* One whole request in `text`; false at the end of the connection. */
static bool read_request(int connection, char *text, const char **body)
{
    size_t length = 0;

    memset(text, 0, MAX_REQUEST);
    while (length < MAX_REQUEST - 1) {
        const ssize_t got = read(connection, text + length, MAX_REQUEST - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *field = strcasestr(text, "\r\nContent-Length:");
        const size_t wanted = field == NULL || field > end ? 0 : (size_t)strtoul(field + 17, NULL, 10);
        *body = end + 4;
        if (length >= (size_t)(end + 4 - text) + wanted)
            return true;
    }
    return false;
}

static struct call parse(struct hl_arena *arena, char *text, const char *body)
{
    struct call call = {.arena = arena, .status = 500, .reply = HL_TEXT_INIT(HL_MAX_OUTPUT)};
    struct hl_error *no_json = NULL;
    struct hl_value *value = NULL;

    call.method = hl_arena_copy(arena, text, strcspn(text, " "));
    const char *target = hl_arena_copy(arena, text + strlen(call.method) + 1, strcspn(text + strlen(call.method) + 1, " "));
    call.path = hl_arena_copy(arena, target, strcspn(target, "?"));
    call.query = target[strlen(call.path)] == '?' ? target + strlen(call.path) + 1 : "";
    const char *bearer = header(arena, text, "Authorization");
    call.token = hl_starts_with(bearer, "Bearer ") ? bearer + 7 : header(arena, text, "X-Vault-Token");
    call.namespace = header(arena, text, "X-Vault-Namespace");
    call.type = header(arena, text, "Content-Type");
    if (*body != '\0' && !hl_json_decode(arena, body, strlen(body), &value, &no_json))
        hl_error_free(no_json);
    call.body = value;
    return call;
}

static bool strikes(struct server *server, const char *what)
{
    struct fault *fault = &server->fault;

    if (fault->call == NULL || fault->times == 0 || !hl_starts_with(what, fault->call))
        return false;
    fault->times--;
    return true;
}

static bool send_all(int connection, const char *data, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(connection, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool reply(struct server *server, int connection, struct call *call)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *what = hl_arena_printf(call->arena, "%s %s", call->method, call->path);
    const char *headers = NULL;

    pthread_mutex_lock(&server->lock);
    hl_text_printf(&server->log, "%s\n", what);
    const bool struck = strikes(server, what);
    const bool lost = struck && server->fault.status == 0;
    if (struck && !lost) {
        answer(call, server->fault.status, "%s", server->fault.body != NULL ? server->fault.body : "");
        headers = server->fault.headers;
    } else {
        server->serve(server->world, call);
    }
    pthread_mutex_unlock(&server->lock);
    if (lost)
        return false;
    hl_text_printf(&out, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", call->status,
                   hl_starts_with(hl_text_get(&call->reply), "<") ? "text/html" : "application/json", call->reply.length, headers != NULL ? headers : "");
    hl_text_append(&out, hl_text_get(&call->reply), call->reply.length);
    return send_all(connection, hl_text_get(&out), out.length);
}

struct worker {
    struct server *server;
    int connection;
};

static void *serve_connection(void *context)
{
    struct worker worker = *(struct worker *)context;
    hl_auto(heap) char *text = hl_alloc(MAX_REQUEST);
    const char *body = NULL;
    bool going = true;

    free(context);
    while (going && read_request(worker.connection, text, &body)) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct call call = parse(arena, text, body);
        going = reply(worker.server, worker.connection, &call);
        hl_text_clear(&call.reply);
    }
    shutdown(worker.connection, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *context)
{
    struct server *server = context;

    for (;;) {
        const int connection = accept(server->listener, NULL, NULL);
        if (connection < 0 || server->count == SERVER_CONNECTIONS)
            return NULL;
        struct worker *worker = hl_alloc(sizeof *worker);
        *worker = (struct worker){server, connection};
        server->connections[server->count] = connection;
        check(pthread_create(&server->workers[server->count], NULL, serve_connection, worker) == 0, "pthread_create");
        server->count++;
    }
}

void server_start(struct server *server, void (*serve)(void *world, struct call *call), void *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    memset(server, 0, sizeof *server);
    server->serve = serve;
    server->world = world;
    hl_text_init(&server->log, HL_MAX_OUTPUT);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, length) == 0, "bind");
    check(getsockname(server->listener, (struct sockaddr *)&address, &length) == 0 && listen(server->listener, 32) == 0, "listen");
    server->port = ntohs(address.sin_port);
    check(pthread_create(&server->thread, NULL, accept_all, server) == 0, "pthread_create");
}

void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (size_t i = 0; i < server->count; i++) {
        shutdown(server->connections[i], SHUT_RDWR);
        pthread_join(server->workers[i], NULL);
        close(server->connections[i]);
    }
    hl_text_clear(&server->log);
    pthread_mutex_destroy(&server->lock);
}

size_t server_calls(struct server *server, const char *begin)
{
    size_t count = 0;

    pthread_mutex_lock(&server->lock);
    for (const char *at = hl_text_get(&server->log); *at != '\0'; at += strcspn(at, "\n") + 1)
        count += hl_starts_with(at, begin) ? 1 : 0;
    pthread_mutex_unlock(&server->lock);
    return count;
}

void server_forget(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    hl_text_reset(&server->log);
    pthread_mutex_unlock(&server->lock);
}
