/* The answers of the server's common writers. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static void answer(struct netbird_call *c, int status, const struct hl_value *value)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);

    hl_json_encode(&body, value, HL_JSON_COMPACT);
    hl_text_putc(&body, '\n');
    lab_answer_bytes(c->call, status, "application/json; charset=UTF-8", hl_text_get(&body), body.length);
}

static void answer_message(struct netbird_call *c, int status, const char *message)
{
    struct hl_value *body = hl_value_map(c->arena);

    hl_value_map_put_text(body, "message", message);
    hl_value_map_put_int(body, "code", status);
    answer(c, status, body);
}

bool netbird_fail_verbatim(struct netbird_call *c, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    answer_message(c, status, hl_arena_vprintf(c->arena, format, args));
    va_end(args);
    return false;
}

/* ASCII alone is lowered; the server also lowers other scripts. */
bool netbird_fail(struct netbird_call *c, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *message = hl_arena_vprintf(c->arena, format, args);

    va_end(args);
    for (char *at = message; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    answer_message(c, status, message);
    return false;
}

const char *netbird_upper(struct hl_arena *arena, const char *text)
{
    char *out = hl_arena_strdup(arena, text);

    for (char *at = out; *at != '\0'; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    return out;
}

bool netbird_fail_internal(struct netbird_call *c)
{
    return netbird_fail(c, 500, "internal server error");
}

void netbird_ok(struct netbird_call *c, const struct hl_value *value)
{
    answer(c, 200, value);
}

void netbird_done(struct netbird_call *c)
{
    answer(c, 200, hl_value_map(c->arena));
}

void netbird_not_found(struct netbird_call *c)
{
    lab_put_header(c->call, "X-Content-Type-Options", "nosniff");
    lab_answer_text(c->call, 404, "text/plain; charset=utf-8", "404 page not found\n");
}

void netbird_take_back(struct netbird_call *c)
{
    hl_text_reset(&c->call->reply);
    hl_text_reset(&c->call->reply_headers);
    c->call->status = 0;
}

void netbird_drop_connection(struct netbird_call *c)
{
    c->call->streams = true; /* one that never began: the lab closes the connection */
    c->call->chunked = false;
}
