#include "config.h"

#include "tests/unit/netbird/fake.h"

#include "tests/unit/netbird/tests.h"

#include "schema/base/json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_ROWS = 64, SIZE = 65536 };

struct fake_server {
    const struct fake_answer *answers;
    bool used[MOST_ROWS];
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    struct hl_text log; /* "METHOD PATH BODY\n" */
};

/* ---- the server ---- */

/* The next row of this request, or its last one. */
static const struct fake_answer *find_answer(struct fake_server *server, const char *request)
{
    const struct fake_answer *last = NULL;

    for (size_t i = 0; server->answers[i].request != NULL && i < MOST_ROWS; i++) {
        if (strcmp(server->answers[i].request, request) != 0)
            continue;
        last = &server->answers[i];
        if (!server->used[i]) {
            server->used[i] = true;
            break;
        }
    }
    return last;
}

static bool read_request(int connection, char *data)
{
    size_t length = 0;

    while (length < SIZE - 1) {
        const ssize_t got = read(connection, data + length, SIZE - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        data[length] = '\0';
        const char *end = strstr(data, "\r\n\r\n");
        const char *field = strcasestr(data, "\r\nContent-Length:");
        const size_t body = field != NULL ? (size_t)strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
        if (end != NULL && length >= (size_t)(end + 4 - data) + body)
            return true;
    }
    return false;
}

static void send_answer(int connection, const struct fake_answer *answer)
{
    static const struct fake_answer unknown = {"", 404, "404 page not found\n"};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(SIZE * 16);

    answer = answer != NULL ? answer : &unknown;
    const char *body = answer->body != NULL ? answer->body : "";
    const char *type = *body == '{' || *body == '[' || *body == 'n' ? "application/json; charset=UTF-8"
                       : *body == '<'                               ? "text/html"
                                                                    : "text/plain; charset=utf-8";
    hl_text_printf(&text, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", answer->status, type, strlen(body), body);
    (void)!send(connection, hl_text_get(&text), text.length, MSG_NOSIGNAL);
}

static void serve_one(struct fake_server *server, int connection)
{
    char *data = hl_alloc(SIZE);
    char request[1024];

    if (read_request(connection, data)) {
        snprintf(request, sizeof request, "%.*s", (int)(strcspn(data, " ") + 1 + strcspn(strchr(data, ' ') + 1, " ")), data);
        pthread_mutex_lock(&server->lock);
        hl_text_printf(&server->log, "%s %s\n", request, strstr(data, "\r\n\r\n") + 4);
        const struct fake_answer *answer = find_answer(server, request);
        pthread_mutex_unlock(&server->lock);
        if (answer == NULL || answer->status != 0)
            send_answer(connection, answer);
    }
    close(connection);
    free(data);
}

static void *serve(void *context)
{
    struct fake_server *server = context;

    for (;;) {
        const int connection = accept(server->listener, NULL, NULL);
        if (connection < 0)
            return NULL;
        serve_one(server, connection);
    }
}

static struct fake_server *start_server(const struct fake_answer *answers, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct fake_server *server = hl_alloc(sizeof *server);

    server->answers = answers;
    hl_text_init(&server->log, 1 << 20);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, length) == 0 && listen(server->listener, 16) == 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return server;
}

static void stop_server(struct fake_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    hl_text_clear(&server->log);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

/* ---- the session ---- */

void fake_open(struct fake *fake, const struct fake_answer *answers)
{
    struct hl_error *err = NULL;
    int port = 0;

    *fake = (struct fake){.arena = hl_arena_new()};
    fake->server = start_server(answers, &port);
    fake->run = (struct hl_run){.stack = "home", .state_id = "0b1f", .redactor = hl_redactor_new(), .now_ms = (int64_t)1795435200 * 1000};
    struct hl_netbird *netbird = hl_arena_alloc(fake->arena, sizeof *netbird);
    const struct hl_http_options options = {.url = hl_arena_printf(fake->arena, "http://127.0.0.1:%d", port), .user_agent = "test", .tries = 1};
    hl_netbird_init(netbird);
    netbird->run = &fake->run;
    netbird->url = options.url;
    if (!hl_http_new(&options, &netbird->http, &err))
        fail_msg("%s", err->message);
    fake->session = (struct hl_session){.run = &fake->run, .name = "netbird", .arena = fake->arena, .data = netbird};
}

void fake_close(struct fake *fake)
{
    hl_netbird_clear(fake->session.data);
    stop_server(fake->server);
    hl_redactor_free(fake->run.redactor);
    hl_arena_free(fake->arena);
}

static char *log_of(struct fake *fake)
{
    pthread_mutex_lock(&fake->server->lock);
    char *log = hl_arena_strdup(fake->arena, hl_text_get(&fake->server->log));
    pthread_mutex_unlock(&fake->server->lock);
    return log;
}

const char *fake_writes(struct fake *fake)
{
    hl_auto(text) struct hl_text writes = HL_TEXT_INIT(1 << 20);
    char *rest = NULL;

    for (char *line = strtok_r(log_of(fake), "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (!hl_starts_with(line, "GET "))
            hl_text_printf(&writes, "%s\n", line);
    }
    return hl_arena_strdup(fake->arena, hl_text_get(&writes));
}

size_t fake_count(struct fake *fake, const char *request)
{
    size_t count = 0;
    char *rest = NULL;

    for (char *line = strtok_r(log_of(fake), "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        count += hl_starts_with(line, request) && line[strlen(request)] == ' ';
    return count;
}

/* ---- values ---- */

struct hl_value *fake_json(struct fake *fake, const char *json)
{
    struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (!hl_json_decode(fake->arena, json, strlen(json), &value, &err))
        fail_msg("%s: %s", err->message, json);
    return value;
}

static struct hl_value *with_marks(struct hl_arena *arena, const struct hl_value *value)
{
    struct hl_value *copy = hl_value_copy(arena, value);

    if (hl_value_is(value, HL_TEXT) && value->sensitive)
        return hl_value_printf(arena, "!%s", value->text.data);
    for (size_t i = 0; hl_value_is(value, HL_MAP) && i < hl_value_count(value); i++)
        hl_value_map_put(copy, hl_value_key(value, i), with_marks(arena, hl_value_at(value, i)));
    return copy;
}

const char *fake_shown(struct fake *fake, const struct hl_value *value)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(1 << 20);

    hl_json_encode(&json, value != NULL ? with_marks(fake->arena, value) : hl_value_null(fake->arena), HL_JSON_CANONICAL);
    return hl_arena_strdup(fake->arena, hl_text_get(&json));
}

const char *fake_error(struct fake *fake, struct hl_error **err)
{
    assert_non_null(*err);
    hl_auto(heap) char *text = hl_error_text(*err);
    hl_error_clear(err);
    return hl_arena_strdup(fake->arena, text);
}
