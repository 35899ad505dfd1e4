#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

void infisical_answer(struct infisical_call *c, int status, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);

    hl_json_encode(&text, value, HL_JSON_COMPACT);
    lab_answer_bytes(c->call, status, "application/json; charset=utf-8", hl_text_get(&text), text.length);
}

void infisical_answer_in(struct infisical_call *c, const char *name, struct hl_value *value)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put(out, name, value);
    infisical_answer(c, 200, out);
}

static const char *error_of(int status)
{
    static const struct {
        int status;
        const char *error;
    } rows[] = {
        {400, "BadRequest"},        {401, "UnauthorizedError"}, {403, "ForbiddenError"},      {404, "NotFound"},
        {422, "ValidationFailure"}, {429, "RateLimitExceeded"}, {500, "InternalServerError"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].error;
    return "Error";
}

static struct hl_value *failure(struct infisical_call *c, int status, const char *error)
{
    struct hl_value *out = hl_value_map(c->arena);
    unsigned char bytes[7];

    hl_random(bytes, sizeof(bytes));
    hl_value_map_put(out, "reqId", hl_value_printf(c->arena, "req-%s", hl_hex_encode(c->arena, bytes, sizeof(bytes))));
    hl_value_map_put_int(out, "statusCode", status);
    hl_value_map_put_text(out, "error", error == NULL ? error_of(status) : error);
    return out;
}

bool infisical_fail(struct infisical_call *c, int status, const char *error, const char *format, ...)
{
    struct hl_value *out = failure(c, status, error);
    va_list args;

    va_start(args, format);
    hl_value_map_put_text(out, "message", hl_arena_vprintf(c->arena, format, args));
    va_end(args);
    if (status == 403 && strcmp(hl_value_get_text(out, "error"), "PermissionDenied") == 0)
        hl_value_map_put(out, "details", hl_value_list(c->arena));
    infisical_answer(c, status, out);
    return false;
}

bool infisical_valid(struct infisical_call *c)
{
    struct hl_value *out = NULL;

    if (hl_value_count(c->issues) == 0)
        return true;
    out = failure(c, 422, NULL);
    hl_value_map_put(out, "message", c->issues);
    infisical_answer(c, 422, out);
    return false;
}

/* No reqId, and the whole URL in the message. */
void infisical_fail_route(struct infisical_call *c)
{
    const struct lab_call *call = c->call;
    struct hl_value *out = hl_value_map(c->arena);
    const char *query = *call->query_text == '\0' ? "" : hl_arena_printf(c->arena, "?%s", call->query_text);

    hl_value_map_put(out, "message", hl_value_printf(c->arena, "Route %s:%s%s not found", call->method, call->path, query));
    hl_value_map_put_text(out, "error", "Not Found");
    hl_value_map_put_int(out, "statusCode", 404);
    infisical_answer(c, 404, out);
}

bool infisical_fail_body(struct infisical_call *c, int status, const char *code, const char *reason, const char *message)
{
    struct hl_value *out = hl_value_map(c->arena);

    if (infisical_is_new(c))
        return infisical_fail(c, 500, NULL, "Something went wrong");
    hl_value_map_put_int(out, "statusCode", status);
    hl_value_map_put_text(out, "code", code);
    hl_value_map_put_text(out, "error", reason);
    hl_value_map_put_text(out, "message", message);
    infisical_answer(c, status, out);
    return false;
}

const char *infisical_time(struct hl_arena *arena, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm utc;
    char date[32] = "";

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    return hl_arena_printf(arena, "%s.%03" PRId64 "Z", date, ns / 1000000 % 1000);
}
