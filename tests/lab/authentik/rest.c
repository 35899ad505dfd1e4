/* What Django REST framework does the same way for each model: lists with pages and filters, one object, creation, change, deletion. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PAGE_SIZE = 20, LARGEST_PAGE = 100 };

/* --- Refusals --- */

void authentik_refuse(struct authentik_call *c, int status, const char *format, ...)
{
    struct hl_value *body = hl_value_map(c->arena);
    va_list args;

    va_start(args, format);
    hl_value_map_put_text(body, "detail", hl_arena_vprintf(c->arena, format, args));
    va_end(args);
    lab_answer_json(c->call, status, body);
}

void authentik_forbid(struct authentik_call *c)
{
    authentik_refuse(c, 403, "You do not have permission to perform this action.");
}

void authentik_not_allowed(struct authentik_call *c)
{
    authentik_refuse(c, 405, "Method \"%s\" not allowed.", c->call->method);
}

static void refuse_missing(struct authentik_call *c, const struct authentik_table *table)
{
    authentik_refuse(c, 404, "No %s matches the given query.", table->model);
}

struct hl_value *authentik_body(struct authentik_call *c)
{
    const char *type = lab_header(c->call, "content-type");
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *body = NULL;

    if (c->call->body_length == 0)
        return hl_value_map(c->arena);
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0) {
        authentik_refuse(c, 415, "Unsupported media type \"%s\" in request.", type == NULL ? "" : type);
        return NULL;
    }
    if (!hl_json_decode(c->arena, c->call->body, c->call->body_length, &body, &err)) {
        authentik_refuse(c, 400, "JSON parse error - Expecting value: line 1 column 1 (char 0)");
        return NULL;
    }
    if (hl_value_is(body, HL_MAP))
        return body;
    struct hl_value *errors = hl_value_map(c->arena);
    authentik_complain(c->arena, errors, "non_field_errors", "Invalid data. Expected a dictionary, but got %s.", hl_type_name(body->type));
    lab_answer_json(c->call, 400, errors);
    return NULL;
}

/* --- Showing --- */

struct hl_value *authentik_show(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *object)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put(out, "pk", hl_value_get(object, "pk"));
    for (const struct authentik_field *field = table->fields; field->name != NULL; field++)
        if (!field->hidden)
            hl_value_map_put(out, field->name, hl_value_get(object, field->name));
    if (table->show != NULL)
        table->show(c, object, out);
    return out;
}

/* --- Lists --- */

static bool fits_filter(struct hl_arena *arena, const struct hl_value *object, const char *filter, const char *wanted)
{
    const struct hl_value *value = hl_value_get(object, filter);
    const char *text = hl_value_to_text(arena, value);

    if (hl_value_is(value, HL_BOOL))
        return strcasecmp(text, wanted) == 0;
    return text != NULL && value->type != HL_NULL && strcmp(text, wanted) == 0;
}

static bool contains(const char *text, const char *word)
{
    const size_t length = strlen(word);

    for (; *text != '\0'; text++)
        if (strncasecmp(text, word, length) == 0)
            return true;
    return length == 0;
}

static bool fits_search(const struct authentik_table *table, const struct hl_value *object, const char *word)
{
    for (const char *const *filter = table->filters; *filter != NULL; filter++) {
        const char *text = hl_value_get_text(object, *filter);
        if (text != NULL && contains(text, word))
            return true;
    }
    return false;
}

static bool is_own(const struct authentik_call *c, const struct hl_value *object)
{
    return hl_value_equal(hl_value_get(object, "user"), hl_value_get(c->user, "pk"));
}

static bool is_listed(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *object)
{
    if (!c->superuser && !is_own(c, object))
        return false;
    if (table->hides && hl_value_get_bool(object, "lab_hidden", false) && !lab_query_flag(c->call, "superuser_full_list"))
        return false;
    for (const char *const *filter = table->filters; *filter != NULL; filter++) {
        const char *wanted = lab_query(c->call, *filter);
        if (*wanted != '\0' && !fits_filter(c->arena, object, *filter, wanted))
            return false;
    }
    const char *user = lab_query(c->call, "user__username");
    if (table->owned && *user != '\0') {
        const char *name = hl_value_get_text(authentik_by_pk(c->authentik, "users", hl_value_get(object, "user")), "username");
        if (name == NULL || strcmp(name, user) != 0)
            return false;
    }
    return *lab_query(c->call, "search") == '\0' || fits_search(table, object, lab_query(c->call, "search"));
}

struct sorted {
    const struct hl_value *object, *by;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sorted *left = a;
    const struct sorted *right = b;

    return hl_value_compare(left->by, right->by);
}

static struct sorted *gather(struct authentik_call *c, const struct authentik_table *table, size_t *count)
{
    const struct hl_value *rows = authentik_rows(c->authentik, table->name);
    struct sorted *found = hl_arena_alloc(c->arena, (hl_value_count(rows) + 1) * sizeof *found);
    const char *order = lab_query(c->call, "ordering");

    order = *order == '\0' ? table->order : order;
    for (size_t i = 0; i < hl_value_count(rows); i++) {
        const struct hl_value *object = hl_value_at(rows, i);
        const struct hl_value *by = hl_value_get(object, *order == '-' ? order + 1 : order);
        if (is_listed(c, table, object))
            found[(*count)++] = (struct sorted){object, by != NULL ? by : hl_value_get(object, "pk")};
    }
    qsort(found, *count, sizeof *found, compare_rows);
    for (size_t i = 0; *order == '-' && i < *count / 2; i++) {
        const struct sorted other = found[i];
        found[i] = found[*count - 1 - i];
        found[*count - 1 - i] = other;
    }
    return found;
}

static struct hl_value *pagination(struct hl_arena *arena, size_t count, size_t page, size_t pages, size_t start, size_t end)
{
    struct hl_value *out = hl_value_map(arena);

    hl_value_map_put_int(out, "next", page < pages ? (int64_t)page + 1 : 0);
    hl_value_map_put_int(out, "previous", page > 1 ? (int64_t)page - 1 : 0);
    hl_value_map_put_int(out, "count", (int64_t)count);
    hl_value_map_put_int(out, "current", (int64_t)page);
    hl_value_map_put_int(out, "total_pages", (int64_t)pages);
    hl_value_map_put_int(out, "start_index", count > 0 ? (int64_t)start + 1 : 0);
    hl_value_map_put_int(out, "end_index", (int64_t)end);
    return out;
}

static void list(struct authentik_call *c, const struct authentik_table *table)
{
    int64_t size = PAGE_SIZE, page = 1;
    size_t count = 0;

    if (!c->superuser && !table->owned) {
        authentik_forbid(c);
        return;
    }
    if (hl_parse_int(lab_query(c->call, "page_size"), 1, INT32_MAX, &size) && size > LARGEST_PAGE)
        size = LARGEST_PAGE;
    const struct sorted *found = gather(c, table, &count);
    const size_t pages = count == 0 ? 1 : (count + (size_t)size - 1) / (size_t)size;
    const char *asked = lab_query(c->call, "page");
    if (*asked != '\0' && (!hl_parse_int(asked, 1, INT32_MAX, &page) || (size_t)page > pages)) {
        authentik_refuse(c, 404, "Invalid page.");
        return;
    }
    const size_t start = (size_t)(page - 1) * (size_t)size;
    const size_t end = start + (size_t)size < count ? start + (size_t)size : count;
    struct hl_value *results = hl_value_list(c->arena);
    struct hl_value *answer = hl_value_map(c->arena);
    for (size_t i = start; i < end; i++)
        hl_value_list_add(c->arena, results, authentik_show(c, table, found[i].object));
    hl_value_map_put(answer, "pagination", pagination(c->arena, count, (size_t)page, pages, start, end));
    hl_value_map_put(answer, "results", results);
    lab_answer_json(c->call, 200, answer);
}

/* --- Changes --- */

struct hl_value *authentik_insert(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *body)
{
    struct authentik *authentik = c->authentik;
    struct hl_value *object = hl_value_copy(authentik->arena, body);
    char uuid[HL_UUID_TEXT];

    if (table->numbered) {
        const int64_t next = hl_value_get_int(authentik->world, "next_pk", 1);
        hl_value_map_put_int(authentik->world, "next_pk", next + 1);
        hl_value_map_put_int(object, "pk", next);
    } else {
        hl_uuid(uuid);
        hl_value_map_put_text(object, "pk", uuid);
    }
    hl_value_map_put(authentik_rows(authentik, table->name), hl_value_to_text(c->arena, hl_value_get(object, "pk")), object);
    if (table->saved != NULL)
        table->saved(c, object, true);
    return object;
}

void authentik_remove(struct authentik_call *c, const struct authentik_table *table, const struct hl_value *object)
{
    if (table->removed != NULL)
        table->removed(c, object);
    hl_map_remove(authentik_rows(c->authentik, table->name)->map, hl_value_to_text(c->arena, hl_value_get(object, "pk")));
}

static void create(struct authentik_call *c, const struct authentik_table *table)
{
    struct hl_value *body = authentik_body(c);
    struct hl_value *errors = hl_value_map(c->arena);

    if (body == NULL)
        return;
    if (!c->superuser && !table->owned) {
        authentik_forbid(c);
        return;
    }
    struct hl_value *valid = authentik_validate(c, table, body, NULL, false, errors);
    if (hl_value_count(errors) > 0) {
        lab_answer_json(c->call, 400, errors);
        return;
    }
    const struct hl_value *object = authentik_insert(c, table, valid);
    authentik_save(c->authentik);
    lab_answer_json(c->call, 201, authentik_show(c, table, object));
}

static void change(struct authentik_call *c, const struct authentik_table *table, struct hl_value *object, bool partial)
{
    struct hl_value *body = authentik_body(c);
    struct hl_value *errors = hl_value_map(c->arena);

    if (body == NULL)
        return;
    const struct hl_value *valid = authentik_validate(c, table, body, object, partial, errors);
    if (hl_value_count(errors) > 0) {
        lab_answer_json(c->call, 400, errors);
        return;
    }
    for (size_t i = 0; i < hl_value_count(valid); i++)
        authentik_put(c->authentik, object, hl_value_key(valid, i), hl_value_at(valid, i));
    if (table->saved != NULL)
        table->saved(c, object, false);
    authentik_save(c->authentik);
    lab_answer_json(c->call, 200, authentik_show(c, table, object));
}

static void serve_object(struct authentik_call *c, const struct authentik_table *table, struct hl_value *object)
{
    const char *method = c->call->method;

    if (strcmp(method, "GET") == 0) {
        lab_answer_json(c->call, 200, authentik_show(c, table, object));
    } else if (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
        change(c, table, object, method[1] == 'A');
    } else if (strcmp(method, "DELETE") == 0) {
        authentik_remove(c, table, object);
        authentik_save(c->authentik);
        lab_answer(c->call, 204);
    } else {
        authentik_not_allowed(c);
    }
}

static void serve_list(struct authentik_call *c, const struct authentik_table *table)
{
    if (strcmp(c->call->method, "GET") == 0)
        list(c, table);
    else if (strcmp(c->call->method, "POST") == 0)
        create(c, table);
    else
        authentik_not_allowed(c);
}

/* What one may not see is not there. */
static struct hl_value *find_object(struct authentik_call *c, const struct authentik_table *table, const char *key)
{
    struct hl_value *object = strcmp(table->lookup, "pk") == 0 ? hl_value_get(authentik_rows(c->authentik, table->name), key)
                                                               : authentik_find(c->authentik, table->name, table->lookup, key);

    return object != NULL && (c->superuser || (table->owned && is_own(c, object))) ? object : NULL;
}

void authentik_rest(struct authentik_call *c, const struct authentik_table *table, const char *rest)
{
    const size_t length = strcspn(rest, "/");

    if (*rest == '\0') {
        serve_list(c, table);
        return;
    }
    struct hl_value *object = find_object(c, table, lab_decode(c->arena, rest, length, false));
    const char *action = rest + length + 1;
    if (object == NULL)
        refuse_missing(c, table);
    else if (*action == '\0')
        serve_object(c, table, object);
    else if (table->act == NULL || !table->act(c, object, hl_arena_copy(c->arena, action, strcspn(action, "/"))))
        lab_answer_text(c->call, 404, "text/html; charset=utf-8", "<!doctype html><title>Not Found</title><h1>Not Found</h1>");
}
