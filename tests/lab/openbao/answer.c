#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include "schema/base/crypto.h"

#include <stdlib.h>
#include <string.h>

void openbao_answer_json(struct openbao_call *c, int status, const struct hl_value *value)
{
    hl_text_reset(&c->call->reply);
    lab_answer_json(c->call, status, value);
}

static bool fail_with(struct openbao_call *c, int status, const char *text)
{
    struct hl_value *body = hl_value_map(c->arena);
    struct hl_value *errors = hl_value_list(c->arena);

    if (text != NULL)
        hl_value_list_add(c->arena, errors, hl_value_text(c->arena, text));
    hl_value_map_put(body, "errors", errors);
    openbao_answer_json(c, status, body);
    return false;
}

bool openbao_fail(struct openbao_call *c, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    const char *text = hl_arena_vprintf(c->arena, format, args);

    va_end(args);
    return fail_with(c, status, text);
}

bool openbao_fail_empty(struct openbao_call *c, int status)
{
    return fail_with(c, status, NULL);
}

bool openbao_fail_wrapped(struct openbao_call *c, const char *why)
{
    static const struct {
        const char *why;
        int status;
    } rows[] = {{"permission denied", 403}, {"unsupported operation", 405}, {"unsupported path", 404}};
    int status = 500;

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        if (strcmp(rows[i].why, why) == 0)
            status = rows[i].status;
    return openbao_fail(c, status, "1 error occurred:\n\t* %s\n\n", why);
}

static struct hl_value *envelope(struct openbao_call *c, struct hl_value *out, struct hl_value *data, struct hl_value *auth)
{
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(out, "request_id", id);
    hl_value_map_put_text(out, "lease_id", "");
    hl_value_map_put_bool(out, "renewable", false);
    hl_value_map_put_int(out, "lease_duration", 0);
    hl_value_map_put(out, "data", data == NULL ? hl_value_null(c->arena) : data);
    hl_value_map_put(out, "wrap_info", hl_value_null(c->arena));
    hl_value_map_put(out, "warnings", c->warnings == NULL ? hl_value_null(c->arena) : c->warnings);
    hl_value_map_put(out, "auth", auth == NULL ? hl_value_null(c->arena) : auth);
    return out;
}

void openbao_answer(struct openbao_call *c, int status, struct hl_value *data)
{
    openbao_answer_json(c, status, envelope(c, hl_value_map(c->arena), data, NULL));
}

void openbao_answer_lease(struct openbao_call *c, struct hl_value *data)
{
    struct hl_value *out = envelope(c, hl_value_map(c->arena), data, NULL);

    hl_value_map_put_int(out, "lease_duration", 2764800);
    openbao_answer_json(c, 200, out);
}

void openbao_answer_auth(struct openbao_call *c, struct hl_value *auth)
{
    openbao_answer_json(c, 200, envelope(c, hl_value_map(c->arena), NULL, auth));
}

void openbao_answer_twice(struct openbao_call *c, struct hl_value *data)
{
    openbao_answer_json(c, 200, envelope(c, hl_value_copy(c->arena, data), data, NULL));
}

void openbao_no_content(struct openbao_call *c)
{
    lab_put_header(c->call, "Content-Type", "application/json");
    lab_answer(c->call, 204);
}

void openbao_warn(struct openbao_call *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (c->warnings == NULL)
        c->warnings = hl_value_list(c->arena);
    hl_value_list_add(c->arena, c->warnings, hl_value_text(c->arena, hl_arena_vprintf(c->arena, format, args)));
    va_end(args);
}

void openbao_warn_unknown(struct openbao_call *c, const struct hl_value *map, const char *const *known)
{
    size_t count = 0;
    const char **names = hl_arena_alloc(c->arena, (hl_value_count(map) + 1) * sizeof(*names));
    const char *text = "";

    for (size_t i = 0; i < hl_value_count(map); i++) {
        const char *const *name = known;

        while (*name != NULL && strcmp(*name, hl_value_key(map, i)) != 0)
            name++;
        if (*name == NULL)
            names[count++] = hl_value_key(map, i);
    }
    if (count == 0)
        return;
    qsort(names, count, sizeof(*names), openbao_compare_texts);
    for (size_t i = 0; i < count; i++)
        text = hl_arena_printf(c->arena, "%s%s%s", text, i > 0 ? " " : "", names[i]);
    openbao_warn(c, "Endpoint ignored these unrecognized parameters: [%s]", text);
}
