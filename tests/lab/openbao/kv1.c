/* KV version 1, and what both versions share. */
#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <stdlib.h>
#include <string.h>

struct hl_value *openbao_kv_entries(const struct openbao_call *c)
{
    return hl_value_get(c->mount, "entries");
}

bool openbao_kv_has(const struct openbao_call *c)
{
    bool is_data = hl_starts_with(c->rest, "data/") || hl_starts_with(c->rest, "metadata/");

    int64_t version = hl_value_get_int(c->mount, "version", 0);

    if (version == 0 || (version == 2 && !is_data))
        return true;
    return c->key != NULL && hl_value_get(openbao_kv_entries(c), c->key) != NULL;
}

/* --- Lists --- */

static bool take_page(struct openbao_call *c, const char **after, int64_t *limit)
{
    const char *text = lab_query(c->call, "limit");

    *after = lab_query(c->call, "after");
    *limit = 0;
    if (*text == '\0' || hl_parse_int(text, INT64_MIN, INT64_MAX, limit))
        return true;
    return openbao_fail(c, 400,
                        "Field validation failed: error converting input for field \"limit\": '' cannot parse value as 'int': "
                        "strconv.ParseInt: invalid syntax");
}

/* What stands directly below the prefix: names, and folders with their slash. */
static size_t collect(struct openbao_call *c, const char *prefix, const char ***names)
{
    const struct hl_value *entries = openbao_kv_entries(c);
    struct hl_map seen;
    size_t count = 0;

    hl_map_init(&seen, c->arena);
    *names = hl_arena_alloc(c->arena, (hl_value_count(entries) + 1) * sizeof(**names));
    for (size_t i = 0; i < hl_value_count(entries); i++) {
        const char *path = hl_value_key(entries, i);
        size_t length = 0;

        if (!hl_starts_with(path, prefix))
            continue;
        path += strlen(prefix);
        length = strcspn(path, "/");

        const char *name = hl_arena_copy(c->arena, path, length + (path[length] == '/' ? 1 : 0));

        if (!hl_map_has(&seen, name)) {
            hl_map_put(&seen, name, NULL);
            (*names)[count++] = name;
        }
    }
    qsort(*names, count, sizeof(**names), openbao_compare_texts);
    return count;
}

void openbao_kv_list(struct openbao_call *c, const char *key)
{
    struct hl_value *keys = hl_value_list(c->arena);
    struct hl_value *data = hl_value_map(c->arena);
    const char **names = NULL;
    const char *after = "";
    int64_t limit = 0;

    if (!take_page(c, &after, &limit))
        return;

    size_t count = collect(c, hl_is_blank(key) ? "" : hl_arena_printf(c->arena, "%s/", key), &names);

    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], after) > 0 && (limit <= 0 || (int64_t)hl_value_count(keys) < limit))
            hl_value_list_add(c->arena, keys, hl_value_text(c->arena, names[i]));
    if (hl_value_count(keys) == 0) {
        openbao_fail_empty(c, 404);
        return;
    }
    hl_value_map_put(data, "keys", keys);
    openbao_answer(c, 200, data);
}

/* --- Version 1 --- */

static void read_kv1(struct openbao_call *c)
{
    struct hl_value *data = hl_value_get(openbao_kv_entries(c), c->key);

    if (data == NULL)
        openbao_fail_empty(c, 404);
    else
        openbao_answer_lease(c, data);
}

void openbao_kv1(struct openbao_call *c)
{
    switch (c->operation) {
    case OPENBAO_READ:
        read_kv1(c);
        break;
    case OPENBAO_LIST:
        openbao_kv_list(c, c->key);
        break;
    case OPENBAO_WRITE:
        if (hl_value_count(c->body) == 0) {
            openbao_fail(c, 400, "missing data fields");
            break;
        }
        hl_value_map_put(openbao_kv_entries(c), c->key, hl_value_copy(c->bao->arena, c->body));
        c->changed = true;
        openbao_no_content(c);
        break;
    case OPENBAO_DELETE:
        c->changed = hl_map_remove(openbao_kv_entries(c)->map, c->key);
        openbao_no_content(c);
        break;
    case OPENBAO_PATCH:
    case OPENBAO_HEAD:
        openbao_fail_wrapped(c, "unsupported operation");
        break;
    }
}
