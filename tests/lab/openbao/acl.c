/* Policies: what a token may do. */
#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXACT = 1 << 20 };

/* --- The token of a call --- */

static const char *token_of(const struct openbao_call *c)
{
    const char *token = lab_header(c->call, "x-vault-token");
    const char *bearer = lab_header(c->call, "authorization");

    if (!hl_is_blank(token))
        return token;
    return bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0 ? bearer + 7 : "";
}

bool openbao_is_root(const struct hl_value *token)
{
    const struct hl_value *policies = hl_value_get(token, "policies");

    for (size_t i = 0; i < hl_value_count(policies); i++)
        if (hl_value_item(policies, i)->type == HL_TEXT && strcmp(hl_value_item(policies, i)->text.data, "root") == 0)
            return true;
    return false;
}

bool openbao_sign_in(struct openbao_call *c, bool uses_up)
{
    const char *id = token_of(c);
    struct hl_value *token = hl_value_get(c->bao->tokens, id);
    int64_t expires = hl_value_get_int(token, "expires", 0);
    int64_t uses = hl_value_get_int(token, "uses", 0);

    if (token != NULL && ((expires != 0 && expires <= lab_now_ns()) || uses < 0)) {
        hl_map_remove(c->bao->tokens->map, id);
        c->changed = true;
        token = NULL;
    }
    if (token == NULL)
        return openbao_fail(c, 403, "permission denied");
    if (uses > 0 && uses_up) { /* the last one leaves -1: endless is 0 */
        hl_value_map_put(token, "uses", hl_value_int(c->bao->arena, uses == 1 ? -1 : uses - 1));
        c->changed = true;
    }
    c->token = token;
    return true;
}

/* --- Rules --- */

/* How closely a pattern fits: -1 not at all, EXACT without wildcards, else the length before the first one. '+' is one segment, '*' at the end anything. */
static int rank_of(const char *pattern, const char *path)
{
    int before = (int)strcspn(pattern, "+*");
    bool wild = pattern[before] != '\0';

    while (*pattern != '\0') {
        if (pattern[0] == '*' && pattern[1] == '\0')
            return before;
        if (*pattern == '+' && (pattern[1] == '/' || pattern[1] == '\0')) {
            path += strcspn(path, "/");
            pattern++;
        } else if (*pattern++ != *path++) {
            return -1;
        }
    }
    return *path != '\0' ? -1 : wild ? before : EXACT;
}

static void add_all(struct openbao_call *c, struct hl_value *set, const struct hl_value *names)
{
    for (size_t i = 0; i < hl_value_count(names); i++)
        if (hl_value_item(names, i)->type == HL_TEXT)
            hl_value_map_put(set, hl_value_item(names, i)->text.data, hl_value_bool(c->arena, true));
}

/* The capabilities of the closest pattern; of equally close ones, all. */
static struct hl_value *find_set(struct openbao_call *c, const struct hl_value *token, const char *path)
{
    const struct hl_value *names = hl_value_get(token, "policies");
    struct hl_value *set = hl_value_map(c->arena);
    int best = -1;

    for (size_t i = 0; i < hl_value_count(names); i++) {
        const struct hl_value *policy = hl_value_get(c->bao->policies, hl_value_item(names, i)->text.data);
        const struct hl_value *rules = hl_value_get(policy, "rules");

        for (size_t j = 0; j < hl_value_count(rules); j++) {
            int rank = rank_of(hl_value_key(rules, j), path);

            if (rank < 0 || rank < best)
                continue;
            if (rank > best)
                set = hl_value_map(c->arena);
            best = rank;
            add_all(c, set, hl_value_at(rules, j));
        }
    }
    return set;
}

struct hl_value *openbao_capabilities(struct openbao_call *c, const struct hl_value *token, const char *path)
{
    struct hl_value *out = hl_value_list(c->arena);
    struct hl_value *set = find_set(c, token, path);
    size_t count = hl_value_count(set);
    const char **names = hl_arena_alloc(c->arena, (count + 1) * sizeof(*names));
    bool denied = count == 0 || hl_value_get(set, "deny") != NULL;

    if (openbao_is_root(token) || denied) {
        hl_value_list_add(c->arena, out, hl_value_text(c->arena, openbao_is_root(token) ? "root" : "deny"));
        return out;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = hl_value_key(set, i);
    qsort(names, count, sizeof(*names), openbao_compare_texts);
    for (size_t i = 0; i < count; i++)
        hl_value_list_add(c->arena, out, hl_value_text(c->arena, names[i]));
    return out;
}

/* A write needs another right when it makes something new, where the engine can tell. */
static const char *wanted(const struct openbao_call *c)
{
    const char *auth_path = NULL;
    const struct hl_value *auth = hl_starts_with(c->path, "auth/") ? openbao_mount_find(c->bao->auths, c->path + 5, &auth_path) : NULL;
    bool fresh = c->mount != NULL && !openbao_kv_has(c);

    if (auth != NULL)
        fresh = !openbao_approle_has(auth, c->path + 5 + strlen(auth_path));
    switch (c->operation) {
    case OPENBAO_READ:
    case OPENBAO_HEAD:
        return "read";
    case OPENBAO_LIST:
        return "list";
    case OPENBAO_WRITE:
        return fresh ? "create" : "update";
    case OPENBAO_PATCH:
        return "patch";
    case OPENBAO_DELETE:
        return "delete";
    }
    return "sudo";
}

bool openbao_check_policy(struct openbao_call *c)
{
    const char *path = c->path;
    const struct hl_value *set = NULL;

    if (openbao_is_root(c->token))
        return true;
    if (c->operation == OPENBAO_LIST && !hl_ends_with(path, "/"))
        path = hl_arena_printf(c->arena, "%s/", path);
    set = find_set(c, c->token, path);
    if (hl_value_get(set, "deny") == NULL && hl_value_get(set, wanted(c)) != NULL)
        return true;
    return openbao_fail_wrapped(c, "permission denied");
}

bool openbao_may_see(struct openbao_call *c, const char *prefix)
{
    const struct hl_value *names = hl_value_get(c->token, "policies");

    if (openbao_is_root(c->token))
        return true;
    for (size_t i = 0; i < hl_value_count(names); i++) {
        const struct hl_value *policy = hl_value_get(c->bao->policies, hl_value_item(names, i)->text.data);
        const struct hl_value *rules = hl_value_get(policy, "rules");

        for (size_t j = 0; j < hl_value_count(rules); j++) {
            const char *pattern = hl_value_key(rules, j);
            size_t fixed = strcspn(pattern, "+*");
            size_t length = fixed < strlen(prefix) && pattern[fixed] != '\0' ? fixed : strlen(prefix);

            if (strncmp(pattern, prefix, length) == 0)
                return true;
        }
    }
    return false;
}

/* --- sys/policies/acl --- */

bool openbao_policy_put(struct openbao *bao, const char *name, const char *text)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *parsed = NULL;
    struct hl_value *policy = hl_value_map(bao->arena);
    struct hl_value *rules = hl_value_map(bao->arena);

    if (!hl_json_decode(arena, text, strlen(text), &parsed, &err) || !hl_value_is(hl_value_get(parsed, "path"), HL_MAP))
        return false;

    const struct hl_value *paths = hl_value_get(parsed, "path");

    for (size_t i = 0; i < hl_value_count(paths); i++) {
        const struct hl_value *names = hl_value_get(hl_value_at(paths, i), "capabilities");

        if (!hl_value_is(names, HL_LIST))
            return false;
        hl_value_map_put(rules, hl_value_key(paths, i), hl_value_copy(bao->arena, names));
    }
    hl_value_map_put(policy, "policy", hl_value_text(bao->arena, text));
    hl_value_map_put(policy, "rules", rules);
    hl_value_map_put_int(policy, "modified", lab_now_ns());
    hl_value_map_put(bao->policies, name, policy);
    return true;
}

static void write_policy(struct openbao_call *c, const char *name)
{
    const char *text = hl_value_get_text(c->body, "policy");

    if (hl_is_blank(text)) {
        openbao_fail(c, 400, "'policy' parameter not supplied or empty");
    } else if (!openbao_policy_put(c->bao, name, text)) {
        openbao_fail(c, 400, "failed to parse policy: the lab reads policies as JSON, {\"path\": {PATH: {\"capabilities\": [...]}}}");
    } else {
        c->changed = true;
        openbao_no_content(c);
    }
}

static void read_policy(struct openbao_call *c, const char *name)
{
    const struct hl_value *policy = hl_value_get(c->bao->policies, name);
    struct hl_value *data = hl_value_map(c->arena);

    if (policy == NULL) {
        openbao_fail_empty(c, 404);
        return;
    }
    hl_value_map_put_text(data, "name", name);
    hl_value_map_put_text(data, "policy", hl_value_get_text(policy, "policy"));
    hl_value_map_put_text(data, "modified", openbao_time(c->arena, hl_value_get_int(policy, "modified", 0)));
    hl_value_map_put_int(data, "version", 1);
    hl_value_map_put_bool(data, "cas_required", false);
    openbao_answer(c, 200, data);
}

void openbao_policies(struct openbao_call *c, const char *name)
{
    if (*name++ != '/' || *name == '\0') {
        openbao_fail_wrapped(c, "unsupported path");
    } else if (c->operation == OPENBAO_WRITE) {
        write_policy(c, name);
    } else if (c->operation == OPENBAO_READ) {
        read_policy(c, name);
    } else if (c->operation == OPENBAO_DELETE) {
        c->changed = hl_map_remove(c->bao->policies->map, name);
        openbao_no_content(c);
    } else {
        openbao_fail_wrapped(c, "unsupported operation");
    }
}
