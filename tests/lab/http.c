/* HTTP/1.1 as far as API clients speak it: lengths and chunks, kept connections, '100 Continue', streams, and the faults on them. */
#include "config.h"

#include "tests/lab/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HEAD = 1024 * 1024, MAX_REQUEST = 1024 * 1024 * 1024, READ_SIZE = 65536 };

/* What was read of a connection and not used yet. */
struct input {
    int connection;
    struct hl_text bytes;
    size_t used;
};

/* --- Bytes --- */

static bool send_all(int connection, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = send(connection, data, length, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        length -= (size_t)put;
    }
    return true;
}

static void compact(struct input *input)
{
    size_t rest = input->bytes.length - input->used;

    if (input->used == 0)
        return;
    if (rest > 0)
        memmove(input->bytes.data, input->bytes.data + input->used, rest);
    input->bytes.length = rest;
    input->bytes.data[rest] = '\0';
    input->used = 0;
}

static bool read_more(struct input *input)
{
    char buffer[READ_SIZE];
    ssize_t got = 0;

    do
        got = recv(input->connection, buffer, sizeof(buffer), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    hl_text_append(&input->bytes, buffer, (size_t)got);
    return hl_text_ok(&input->bytes);
}

/* The next line without its end, in `arena`; NULL at the end of the connection. */
static const char *read_line(struct input *input, struct hl_arena *arena)
{
    size_t from = 0;

    for (;;) {
        const char *start = hl_text_get(&input->bytes) + input->used;
        size_t length = input->bytes.length - input->used;
        const char *end = length > from ? memchr(start + from, '\n', length - from) : NULL;

        if (end != NULL) {
            size_t line = (size_t)(end - start);

            input->used += line + 1;
            return hl_arena_copy(arena, start, line > 0 && start[line - 1] == '\r' ? line - 1 : line);
        }
        from = length;
        if (length > MAX_HEAD || !read_more(input))
            return NULL;
    }
}

static bool read_bytes(struct input *input, struct hl_text *out, size_t length)
{
    while (input->bytes.length - input->used < length)
        if (!read_more(input))
            return false;
    hl_text_append(out, hl_text_get(&input->bytes) + input->used, length);
    input->used += length;
    return true;
}

/* --- The request --- */

char *lab_decode(struct hl_arena *arena, const char *text, size_t length, bool plus)
{
    char *out = hl_arena_alloc(arena, length + 1);
    char *end = out;

    for (size_t i = 0; i < length; i++) {
        char digits[3] = "";

        if (text[i] == '%' && i + 2 < length && strspn(text + i + 1, "0123456789abcdefABCDEF") >= 2) {
            memcpy(digits, text + i + 1, 2);
            *end++ = (char)strtol(digits, NULL, 16);
            i += 2;
        } else {
            *end++ = plus && text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

static void read_query(struct lab_call *call)
{
    const char *at = call->query_text;

    call->query = hl_value_map(call->arena);
    while (*at != '\0') {
        size_t length = strcspn(at, "&");
        size_t name = strcspn(at, "=&");
        const char *value = at[name] == '=' ? at + name + 1 : at + name;

        if (length > 0)
            hl_value_map_put_text(call->query, lab_decode(call->arena, at, name, true), lab_decode(call->arena, value, (size_t)(at + length - value), true));
        at += length + (at[length] == '&' ? 1 : 0);
    }
}

static bool read_headers(struct input *input, struct lab_call *call)
{
    hl_map_init(&call->headers, call->arena);
    for (;;) {
        const char *line = read_line(input, call->arena);
        size_t name = 0;

        if (line == NULL)
            return false;
        if (*line == '\0')
            return true;
        name = strcspn(line, ":");

        char *lower = hl_arena_copy(call->arena, line, name);

        for (char *at = lower; *at != '\0'; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        line += name + (line[name] == ':' ? 1 : 0);
        if (!hl_map_has(&call->headers, lower)) /* the first of one name counts */
            hl_map_put(&call->headers, lower, hl_arena_strdup(call->arena, line + strspn(line, " \t")));
    }
}

static bool read_chunks(struct input *input, struct lab_call *call, struct hl_text *body)
{
    for (;;) {
        const char *line = read_line(input, call->arena);
        size_t length = line == NULL ? 0 : (size_t)strtoul(line, NULL, 16);

        if (line == NULL || (length > 0 && !read_bytes(input, body, length)) || read_line(input, call->arena) == NULL)
            return false;
        if (length == 0)
            return true;
    }
}

static bool read_body(struct input *input, struct lab_call *call, struct hl_text *body)
{
    const char *length = lab_header(call, "content-length");
    const char *encoding = lab_header(call, "transfer-encoding");
    const char *expect = lab_header(call, "expect");
    int64_t bytes = 0;

    if (expect != NULL && strcasecmp(expect, "100-continue") == 0 && !send_all(input->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    if (encoding != NULL && strcasecmp(encoding, "chunked") == 0) {
        if (!read_chunks(input, call, body))
            return false;
    } else if (length != NULL && (!hl_parse_int(length, 0, MAX_REQUEST, &bytes) || !read_bytes(input, body, (size_t)bytes))) {
        return false;
    }
    call->body = hl_text_get(body);
    call->body_length = body->length;
    return true;
}

static bool read_request(struct input *input, struct lab_call *call, struct hl_text *body)
{
    const char *line = read_line(input, call->arena);
    size_t method = 0, target = 0;

    if (line == NULL)
        return false;
    method = strcspn(line, " ");
    call->method = hl_arena_copy(call->arena, line, method);
    line += method + (line[method] == ' ' ? 1 : 0);
    target = strcspn(line, " ");

    char *path = hl_arena_copy(call->arena, line, target);
    size_t path_length = strcspn(path, "?");

    call->query_text = path[path_length] == '?' ? path + path_length + 1 : "";
    path[path_length] = '\0';
    call->path = path;
    read_query(call);
    return read_headers(input, call) && read_body(input, call, body);
}

const char *lab_header(const struct lab_call *call, const char *name)
{
    return hl_map_find(&call->headers, name);
}

const char *lab_query(const struct lab_call *call, const char *name)
{
    const char *text = hl_value_get_text(call->query, name);

    return text == NULL ? "" : text;
}

bool lab_query_flag(const struct lab_call *call, const char *name)
{
    const char *text = lab_query(call, name);

    return strcasecmp(text, "1") == 0 || strcasecmp(text, "t") == 0 || strcasecmp(text, "true") == 0;
}

/* --- The answer --- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        {101, "UPGRADED"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {409, "Conflict"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].reason;
    return "Status";
}

void lab_put_header(struct lab_call *call, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    hl_text_printf(&call->reply_headers, "%s: ", name);
    hl_text_vprintf(&call->reply_headers, format, args);
    hl_text_puts(&call->reply_headers, "\r\n");
    va_end(args);
}

void lab_answer(struct lab_call *call, int status)
{
    call->status = status;
}

void lab_answer_bytes(struct lab_call *call, int status, const char *type, const char *data, size_t length)
{
    call->status = status;
    lab_put_header(call, "Content-Type", "%s", type);
    hl_text_append(&call->reply, data, length);
}

void lab_answer_text(struct lab_call *call, int status, const char *type, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    call->status = status;
    lab_put_header(call, "Content-Type", "%s", type);
    hl_text_vprintf(&call->reply, format, args);
    va_end(args);
}

void lab_answer_json(struct lab_call *call, int status, const struct hl_value *value)
{
    call->status = status;
    lab_put_header(call, "Content-Type", "application/json");
    hl_json_encode(&call->reply, value, HL_JSON_COMPACT);
    hl_text_putc(&call->reply, '\n');
}

static void put_head(const struct lab_call *call, struct hl_text *head, const char *framing)
{
    time_t now = time(NULL);
    struct tm utc;
    char date[64] = "";

    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    hl_text_printf(head, "HTTP/1.1 %d %s\r\n", call->status, reason_of(call->status));
    hl_text_append(head, hl_text_get(&call->reply_headers), call->reply_headers.length);
    hl_text_printf(head, "Date: %s\r\n%s\r\n", date, framing);
}

/* Whether the connection can be used again. */
static bool send_answer(struct lab_call *call)
{
    hl_auto(text) struct hl_text head = HL_TEXT_INIT(MAX_HEAD);
    bool bodiless = call->status == 204 || call->status == 304 || strcmp(call->method, "HEAD") == 0;
    size_t length = call->cut ? call->reply.length / 2 : call->reply.length;
    const char *framing = "";

    if (call->status != 204 && call->status != 304)
        framing = hl_arena_printf(call->arena, "Content-Length: %zu\r\n", call->reply.length);
    put_head(call, &head, framing);
    if (!send_all(call->connection, hl_text_get(&head), head.length))
        return false;
    if (!bodiless && !send_all(call->connection, hl_text_get(&call->reply), length))
        return false;
    return !call->cut;
}

/* --- Streams --- */

void lab_stream_begin(struct lab_call *call, int status, const char *type, bool chunked)
{
    hl_auto(text) struct hl_text head = HL_TEXT_INIT(MAX_HEAD);
    const char *framing = chunked ? "Transfer-Encoding: chunked\r\n" : "Connection: close\r\n";

    call->status = status;
    call->streams = true;
    call->chunked = chunked;
    if (call->mute)
        return;
    if (type != NULL)
        lab_put_header(call, "Content-Type", "%s", type);
    put_head(call, &head, status == 101 ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : framing);
    call->broken = !send_all(call->connection, hl_text_get(&head), head.length);
}

static bool send_piece(struct lab_call *call, const char *data, size_t length)
{
    hl_auto(text) struct hl_text piece = HL_TEXT_INIT(HL_MAX_BODY);

    if (!call->chunked)
        return send_all(call->connection, data, length);
    hl_text_printf(&piece, "%zx\r\n", length);
    hl_text_append(&piece, data, length);
    hl_text_puts(&piece, "\r\n");
    return send_all(call->connection, hl_text_get(&piece), call->cut ? piece.length / 2 : piece.length);
}

bool lab_stream_write(struct lab_call *call, const char *data, size_t length)
{
    if (call->broken || call->mute || length == 0)
        return !call->broken;
    lab_unlock(call->lab);
    call->broken = !send_piece(call, data, length) || call->cut;
    lab_lock(call->lab);
    return !call->broken;
}

size_t lab_stream_read(struct lab_call *call, char *data, size_t size)
{
    ssize_t got = 0;

    lab_unlock(call->lab);
    do
        got = recv(call->connection, data, size, 0);
    while (got < 0 && errno == EINTR);
    lab_lock(call->lab);
    return got > 0 ? (size_t)got : 0;
}

/* --- One call --- */

/* Closing a TCP connection this way sends a reset; on a unix socket the other side sees an end without an answer. */
static void cut(int connection)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

bool lab_client_is_gone(const struct lab_call *call)
{
    struct pollfd end = {.fd = call->connection, .events = POLLRDHUP};

    return poll(&end, 1, 0) > 0 && (end.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void hang(struct lab_call *call)
{
    while (!lab_client_is_gone(call) && lab_wait(call->lab, 50))
        continue;
}

static void replace_answer(struct lab_call *call, int status)
{
    hl_text_reset(&call->reply_headers);
    hl_text_reset(&call->reply);
    call->streams = false;
    lab_answer_text(call, status, "application/json", "{\"message\":\"a fault of the lab\"}\n");
}

/* The lab's own: POST /lab/fault with 'METHOD PATHGLOB NTH HOW' puts this fault in the place of all; an empty body takes all away. */
static bool serve_switch(struct lab_call *call)
{
    if (strcmp(call->method, "POST") != 0 || strcmp(call->path, "/lab/fault") != 0)
        return false;

    bool known = lab_set_fault(call->lab, call->body);

    lab_answer_text(call, known ? 200 : 400, "application/json", "{}\n");
    return true;
}

/* Executes the request, unless a fault comes before; whether an answer is to be sent. */
static bool execute(struct lab_call *call, const struct lab_api *api, void *data, const struct lab_fault_hit *hit)
{
    bool answers = hit->fault == FAULT_NONE || hit->fault == FAULT_TRUNCATE;

    call->cut = hit->fault == FAULT_TRUNCATE;
    call->mute = !answers;
    if (answers || hit->after)
        api->serve(data, call);
    if (hit->fault == FAULT_STATUS)
        replace_answer(call, hit->status);

    bool sends = answers || hit->fault == FAULT_STATUS;

    lab_log_write(lab_log(call->lab), api->name, call, sends ? call->status : 0, hit->how);
    if (hit->fault == FAULT_HANG)
        hang(call);
    if (hit->fault == FAULT_RESET)
        cut(call->connection);
    return sends;
}

/* Whether the connection goes on. */
static bool serve_call(struct lab_call *call, const struct lab_api *api, void *data)
{
    const char *wish = lab_header(call, "connection");
    bool close_asked = wish != NULL && strcasecmp(wish, "close") == 0;
    bool sends = false;

    call->received_ns = lab_now_ns();
    lab_lock(call->lab);
    if (serve_switch(call)) {
        sends = true;
    } else if (lab_wait_until(call->lab, call->received_ns + lab_options(call->lab)->latency_ms * 1000000)) {
        struct lab_fault_hit hit = lab_take_fault(call->lab, call->method, call->path);

        sends = execute(call, api, data, &hit);
    }
    lab_unlock(call->lab);
    if (!sends)
        return false;
    if (!call->streams)
        return send_answer(call) && !close_asked;
    return call->chunked && !call->broken && send_all(call->connection, "0\r\n\r\n", 5) && !close_asked;
}

void lab_serve_connection(struct lab *lab, const struct lab_api *api, void *data, int connection)
{
    struct input input = {.connection = connection, .bytes = HL_TEXT_INIT(MAX_REQUEST)};
    bool more = true;

    while (more) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text body = HL_TEXT_INIT(MAX_REQUEST);
        struct lab_call call = {.lab = lab, .arena = arena, .connection = connection, .status = 500};

        hl_text_init(&call.reply_headers, MAX_HEAD);
        hl_text_init(&call.reply, MAX_REQUEST);
        more = read_request(&input, &call, &body) && serve_call(&call, api, data);
        compact(&input);
        hl_text_clear(&call.reply_headers);
        hl_text_clear(&call.reply);
    }
    hl_text_clear(&input.bytes);
}
