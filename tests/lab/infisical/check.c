/* Validation: zod's words for what is wrong. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include <string.h>

static void add_issue(struct infisical_call *c, const struct infisical_at *at, const char *name, struct hl_value *issue)
{
    struct hl_value *path = hl_value_list(c->arena);

    if (at != NULL && at->list != NULL) {
        hl_value_list_add(c->arena, path, hl_value_text(c->arena, at->list));
        hl_value_list_add(c->arena, path, hl_value_int(c->arena, (int64_t)at->index));
    }
    if (name != NULL)
        hl_value_list_add(c->arena, path, hl_value_text(c->arena, name));
    hl_value_map_put(issue, "path", path);
    if (c->issues == NULL)
        c->issues = hl_value_list(c->arena);
    hl_value_list_add(c->arena, c->issues, issue);
}

void infisical_issue(struct infisical_call *c, const struct infisical_at *at, const char *name, const char *message)
{
    struct hl_value *issue = hl_value_map(c->arena);

    hl_value_map_put_text(issue, "code", "custom");
    hl_value_map_put_text(issue, "message", message);
    add_issue(c, at, name, issue);
}

/* --- Types --- */

static const char *const type_names[HL_TYPES] = {
    [HL_NULL] = "null",   [HL_BOOL] = "boolean", [HL_INT] = "number", [HL_REAL] = "number",
    [HL_TEXT] = "string", [HL_LIST] = "array",   [HL_MAP] = "object", [HL_UNKNOWN] = "unknown",
};

static void wrong_type(struct infisical_call *c, const struct infisical_at *at, const char *name, enum hl_type wanted, const struct hl_value *value)
{
    struct hl_value *issue = hl_value_map(c->arena);
    const char *received = value == NULL ? "undefined" : type_names[value->type];

    hl_value_map_put_text(issue, "code", "invalid_type");
    hl_value_map_put_text(issue, "expected", type_names[wanted]);
    hl_value_map_put_text(issue, "received", received);
    hl_value_map_put_text(issue, "message", value == NULL ? "Required" : hl_arena_printf(c->arena, "Expected %s, received %s", type_names[wanted], received));
    add_issue(c, at, name, issue);
}

const struct hl_value *infisical_member(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name,
                                        enum hl_type type, bool required, bool nullable)
{
    const struct hl_value *value = hl_value_get(map, name);

    if ((value == NULL && !required) || (nullable && hl_value_is(value, HL_NULL)))
        return NULL;
    if (hl_value_is(value, type))
        return value;
    wrong_type(c, at, name, type, value);
    return NULL;
}

const char *infisical_text(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name, const char *fallback,
                           bool required)
{
    const struct hl_value *value = infisical_member(c, at, map, name, HL_TEXT, required, false);

    return value == NULL ? fallback : infisical_trim(c->arena, value->text.data, value->text.length)->text.data;
}

bool infisical_bool(struct infisical_call *c, const struct hl_value *map, const char *name, bool fallback)
{
    const struct hl_value *value = infisical_member(c, NULL, map, name, HL_BOOL, false, false);

    return value == NULL ? fallback : value->boolean;
}

/* --- Choices --- */

static void wrong_choice(struct infisical_call *c, const struct infisical_at *at, const char *name, const char *const *options, const char *received)
{
    struct hl_value *issue = hl_value_map(c->arena);
    struct hl_value *list = hl_value_list(c->arena);
    const char *text = "";

    for (size_t i = 0; options[i] != NULL; i++) {
        hl_value_list_add(c->arena, list, hl_value_text(c->arena, options[i]));
        text = hl_arena_printf(c->arena, "%s%s'%s'", text, i > 0 ? " | " : "", options[i]);
    }
    hl_value_map_put_text(issue, "received", received);
    hl_value_map_put_text(issue, "code", "invalid_enum_value");
    hl_value_map_put(issue, "options", list);
    hl_value_map_put(issue, "message", hl_value_printf(c->arena, "Invalid enum value. Expected %s, received '%s'", text, received));
    add_issue(c, at, name, issue);
}

const char *infisical_choice(struct infisical_call *c, const struct infisical_at *at, const struct hl_value *map, const char *name, const char *const *options)
{
    const struct hl_value *value = infisical_member(c, at, map, name, HL_TEXT, false, false);

    if (value == NULL)
        return options[0];
    for (size_t i = 0; options[i] != NULL; i++)
        if (strcmp(options[i], value->text.data) == 0)
            return options[i];
    wrong_choice(c, at, name, options, value->text.data);
    return options[0];
}

bool infisical_query_flag(struct infisical_call *c, const char *name, bool fallback)
{
    static const char *const options[] = {"true", "false", NULL};
    const char *text = hl_value_get_text(c->call->query, name);

    if (text == NULL)
        return fallback;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return strcmp(text, "true") == 0;
    wrong_choice(c, NULL, name, options, text);
    return fallback;
}

/* --- The body --- */

const struct hl_value *infisical_body(struct infisical_call *c)
{
    struct hl_value *none = hl_value_null(c->arena);

    if (hl_value_is(c->body, HL_MAP))
        return c->body;
    wrong_type(c, NULL, NULL, HL_MAP, c->body == NULL ? none : c->body);
    return NULL;
}
