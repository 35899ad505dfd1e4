/* What is asked, before anybody knows by whom. */
#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <string.h>
#include <strings.h>

enum { MAX_BODY = 32 * 1024 * 1024, MAX_STRINGS = 1000 };

static bool take_operation(struct openbao_call *c)
{
    static const struct {
        const char *method;
        enum openbao_operation operation;
    } rows[] = {
        {"GET", OPENBAO_READ},  {"POST", OPENBAO_WRITE},    {"PUT", OPENBAO_WRITE}, {"PATCH", OPENBAO_PATCH},
        {"LIST", OPENBAO_LIST}, {"DELETE", OPENBAO_DELETE}, {"HEAD", OPENBAO_HEAD},
    };
    bool list = false;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        if (strcmp(rows[i].method, c->call->method) != 0)
            continue;
        c->operation = rows[i].operation;
        if (c->operation != OPENBAO_READ || *lab_query(c->call, "list") == '\0')
            return true;
        if (!openbao_parse_bool(lab_query(c->call, "list"), &list))
            return openbao_fail_empty(c, 400);
        c->operation = list ? OPENBAO_LIST : OPENBAO_READ;
        return true;
    }
    return openbao_fail_empty(c, 405);
}

static size_t count_strings(const struct hl_value *value)
{
    size_t count = value->type == HL_TEXT ? 1 : 0;

    for (size_t i = 0; value->type == HL_MAP && i < hl_value_count(value); i++)
        count += 1 + count_strings(hl_value_at(value, i));
    for (size_t i = 0; value->type == HL_LIST && i < hl_value_count(value); i++)
        count += count_strings(hl_value_item(value, i));
    return count;
}

/* A form is JSON all the same when it begins like JSON (curl's --data without a type). */
static bool is_form(const struct lab_call *call)
{
    const char *type = lab_header(call, "content-type");

    return type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0 && strpbrk(call->body, "{[") == NULL;
}

bool openbao_take_body(struct openbao_call *c)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *body = NULL;

    c->body = hl_value_map(c->arena);
    if (c->call->body_length > MAX_BODY)
        return openbao_fail(c, 413, "http: request body too large");
    if (c->call->body_length == 0 || is_form(c->call))
        return true;
    if (!hl_json_decode(c->arena, c->call->body, c->call->body_length, &body, &err))
        return openbao_fail(c, 400, "failed to decode JSON input: %s", err->message);
    if (count_strings(body) > MAX_STRINGS)
        return openbao_fail(c, 400, "refused JSON input due to high complexity: exceeded maximum number of strings");
    if (body->type != HL_NULL && body->type != HL_MAP)
        return openbao_fail(c, 400, "failed to decode JSON input: json: cannot unmarshal %s into Go value of type map[string]interface {}",
                            body->type == HL_LIST   ? "array"
                            : body->type == HL_TEXT ? "string"
                            : body->type == HL_BOOL ? "bool"
                                                    : "number");
    if (body->type == HL_MAP)
        c->body = body;
    return true;
}

static bool check_patch_type(struct openbao_call *c)
{
    const char *type = lab_header(c->call, "content-type");
    size_t length = type == NULL ? 0 : strcspn(type, "; ");

    if (length == 0)
        return openbao_fail(c, 400, "mime: no media type");
    if (length != 28 || strncasecmp(type, "application/merge-patch+json", length) != 0)
        return openbao_fail(c, 415, "PATCH requires Content-Type of application/merge-patch+json, provided %s", type);
    return true;
}

/* Only the root namespace is here. */
static bool check_namespace(struct openbao_call *c)
{
    const char *name = lab_header(c->call, "x-vault-namespace");
    size_t length = 0;

    if (name == NULL)
        return true;
    name += strspn(name, "/");
    length = strcspn(name, "/");
    if (length == 0 || (length == 4 && strncmp(name, "root", 4) == 0))
        return true;
    return openbao_fail(c, 404, "namespace not found");
}

static bool has_segment(const char *path, const char *wanted)
{
    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at, "/");

        if (length == strlen(wanted) && strncmp(at, wanted, length) == 0)
            return true;
        at += length + (at[length] == '/' ? 1 : 0);
    }
    return false;
}

static void redirect(struct openbao_call *c, const char *to)
{
    lab_put_header(c->call, "Location", "%s", to);
    if (strcmp(c->call->method, "GET") == 0)
        lab_answer_text(c->call, 307, "text/html; charset=utf-8", "<a href=\"%s\">Temporary Redirect</a>.\n\n", to);
    else
        lab_answer(c->call, 307);
}

/* Go's mux cleans paths: one slash for two, no dots. */
static const char *clean_path(struct hl_arena *arena, const char *path)
{
    char *out = hl_arena_alloc(arena, strlen(path) + 2);
    size_t end = 0;

    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at, "/");
        bool last = at[length] == '\0';

        if (length == 2 && strncmp(at, "..", 2) == 0) {
            while (end > 0 && out[--end] != '/')
                continue;
        } else if (length > 0 && !(length == 1 && *at == '.')) {
            out[end++] = '/';
            memcpy(out + end, at, length);
            end += length;
        }
        at += length + (last ? 0 : 1);
    }
    if (end == 0 || hl_ends_with(path, "/"))
        out[end++] = '/';
    out[end] = '\0';
    return out;
}

/* The path without /v1/; NULL when it was answered. */
const char *openbao_take_path(struct openbao_call *c)
{
    const char *raw = c->call->path;
    const char *clean = clean_path(c->arena, raw);
    const char *path = lab_decode(c->arena, raw, strlen(raw), false);

    if (strcmp(clean, raw) != 0) {
        redirect(c, clean);
        return NULL;
    }
    if (strcmp(raw, "/") == 0) {
        redirect(c, "/ui/");
        return NULL;
    }
    for (const char *at = path; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') {
            lab_answer(c->call, 400);
            return NULL;
        }
    }
    if (!hl_starts_with(path, "/v1/")) {
        openbao_fail_empty(c, 404);
        return NULL;
    }
    return path + 4;
}

static void find_mount(struct openbao_call *c)
{
    c->mount = openbao_mount_find(c->bao->mounts, c->path, &c->mount_path);
    if (c->mount == NULL)
        return;
    c->rest = strlen(c->path) > strlen(c->mount_path) ? c->path + strlen(c->mount_path) : "";
    c->key = c->rest;
    if (hl_value_get_int(c->mount, "version", 0) == 2) {
        const char *slash = strchr(c->rest, '/');

        c->key = slash == NULL ? NULL : slash + 1;
    }
    if (c->key != NULL && hl_ends_with(c->key, "/"))
        c->key = hl_arena_copy(c->arena, c->key, strlen(c->key) - 1);
}

bool openbao_prepare(struct openbao_call *c)
{
    bool writes = false;

    if (!check_namespace(c) || !take_operation(c))
        return false;
    writes = c->operation == OPENBAO_WRITE || c->operation == OPENBAO_PATCH;
    c->body = hl_value_map(c->arena);
    if (writes && hl_ends_with(c->path, "/"))
        return openbao_fail(c, 400, "cannot write to a path ending in '/'");
    if ((c->operation == OPENBAO_PATCH && !check_patch_type(c)) || (writes && !openbao_take_body(c)))
        return false;
    if (has_segment(c->path, ".."))
        return openbao_fail(c, 400, "relative paths not supported");
    find_mount(c);
    return true;
}
