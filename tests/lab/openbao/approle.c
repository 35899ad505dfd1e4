#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include "schema/base/crypto.h"

#include <string.h>

enum { LOCKOUT_FAILURES = 5 };

/* Of the lockout, and until failures are forgotten. */
static const int64_t LOCKOUT_NS = 900000000000;

struct openbao_lockout {
    int64_t failures, last_ns;
};

/* --- Roles --- */

static struct hl_value *roles_of(struct openbao *bao, struct hl_value *auth)
{
    struct hl_value *roles = hl_value_get(auth, "roles");

    if (roles == NULL) {
        roles = hl_value_map(bao->arena);
        hl_value_map_put(auth, "roles", roles);
    }
    return roles;
}

static struct hl_value *find_by_id(struct hl_value *roles, const char *role_id, const char **name)
{
    for (size_t i = 0; i < hl_value_count(roles); i++) {
        const char *id = hl_value_get_text(hl_value_at(roles, i), "role_id");

        *name = hl_value_key(roles, i);
        if (id != NULL && strcmp(id, role_id) == 0)
            return hl_value_at(roles, i);
    }
    return NULL;
}

static struct hl_value *put_role(struct openbao *bao, struct hl_value *auth, const char *name)
{
    struct hl_value *role = hl_value_map(bao->arena);
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(role, "role_id", id);
    hl_value_map_put(role, "token_policies", hl_value_list(bao->arena));
    hl_value_map_put(role, "secret_ids", hl_value_map(bao->arena));
    hl_value_map_put(roles_of(bao, auth), name, role);
    return role;
}

static struct hl_value *put_secret_id(struct openbao *bao, struct hl_value *role, const char *secret_id)
{
    struct hl_value *secret = hl_value_map(bao->arena);
    char accessor[HL_UUID_TEXT];
    int64_t ttl_ms = hl_value_get_int(role, "secret_id_ttl", 0);

    hl_uuid(accessor);
    hl_value_map_put_text(secret, "accessor", accessor);
    hl_value_map_put_int(secret, "uses", hl_value_get_int(role, "secret_id_num_uses", 0));
    hl_value_map_put_int(secret, "expires", ttl_ms == 0 ? 0 : lab_now_ns() + ttl_ms * 1000000);
    hl_value_map_put(hl_value_get(role, "secret_ids"), secret_id, secret);
    return secret;
}

void openbao_approle_put(struct openbao *bao, struct hl_value *auth, const char *role_id, const char *secret_id)
{
    struct hl_value *role = put_role(bao, auth, "hlrec");

    hl_value_list_add(bao->arena, hl_value_get(role, "token_policies"), hl_value_text(bao->arena, "hlrec"));
    hl_value_map_put_int(role, "token_ttl", 3600000);
    hl_value_map_put_int(role, "token_max_ttl", 14400000);
    hl_value_map_put_text(role, "role_id", role_id);
    put_secret_id(bao, role, secret_id);
}

bool openbao_approle_has(const struct hl_value *auth, const char *rest)
{
    return !hl_starts_with(rest, "role/") || strchr(rest + 5, '/') != NULL || hl_value_get(hl_value_get(auth, "roles"), rest + 5) != NULL;
}

/* --- Signing in --- */

static struct openbao_lockout *lockout_of(struct openbao_call *c, const char *mount_path, const char *role_id)
{
    const char *key = hl_arena_printf(c->arena, "%s %s", mount_path, role_id);
    struct openbao_lockout *lockout = hl_map_find(&c->bao->lockouts, key);

    if (lockout == NULL) {
        lockout = hl_arena_alloc(c->bao->arena, sizeof(*lockout));
        hl_map_put(&c->bao->lockouts, key, lockout);
    }
    if (lab_now_ns() - lockout->last_ns > LOCKOUT_NS)
        lockout->failures = 0;
    return lockout;
}

/* Takes one use of it. */
static bool use_secret_id(struct hl_value *role, const char *secret_id)
{
    struct hl_value *secrets = hl_value_get(role, "secret_ids");
    struct hl_value *secret = hl_value_get(secrets, secret_id);
    int64_t expires = hl_value_get_int(secret, "expires", 0);
    int64_t uses = hl_value_get_int(secret, "uses", 0);

    if (secret == NULL || (expires != 0 && expires <= lab_now_ns()))
        return false;
    if (uses == 1)
        hl_map_remove(secrets->map, secret_id);
    else if (uses > 1)
        hl_value_map_put_int(secret, "uses", uses - 1);
    return true;
}

static void answer_login(struct openbao_call *c, const struct hl_value *role, const char *name, const char *mount_path)
{
    static const char *const known[] = {"role_id", "secret_id", NULL};
    char entity[HL_UUID_TEXT];
    struct openbao_grant grant = {
        .policies = hl_value_get(role, "token_policies"),
        .meta = hl_value_map(c->arena),
        .display_name = hl_arena_copy(c->arena, mount_path, strlen(mount_path) - 1),
        .path = hl_arena_printf(c->arena, "auth/%slogin", mount_path),
        .entity = entity,
        .ttl_ms = hl_value_get_int(role, "token_ttl", 0),
        .max_ms = hl_value_get_int(role, "token_max_ttl", 0),
        .explicit_max_ms = hl_value_get_int(role, "token_explicit_max_ttl", 0),
        .period_ms = hl_value_get_int(role, "token_period", 0),
        .uses = hl_value_get_int(role, "token_num_uses", 0),
        .no_default = hl_value_get_bool(role, "token_no_default_policy", false),
        .orphan = true,
    };

    hl_uuid(entity);
    hl_value_map_put_text(grant.meta, "role_name", name);
    openbao_warn_unknown(c, c->body, known);
    openbao_answer_auth(c, openbao_token_auth(c, openbao_token_new(c, &grant)));
}

/* Role ids that are nobody's are not counted; the fifth wrong secret locks, and then the right one gets 403 as well. */
void openbao_approle_login(struct openbao_call *c, struct hl_value *auth, const char *mount_path)
{
    const char *role_id = hl_value_to_text(c->arena, hl_value_get(c->body, "role_id"));
    const char *secret_id = hl_value_to_text(c->arena, hl_value_get(c->body, "secret_id"));
    const char *name = NULL;
    struct hl_value *role = NULL;
    struct openbao_lockout *lockout = NULL;

    if (hl_is_blank(role_id) || hl_value_is_null(hl_value_get(c->body, "role_id"))) {
        openbao_fail(c, 500, "missing role_id");
        return;
    }
    role = find_by_id(roles_of(c->bao, auth), role_id, &name);
    if (role == NULL || c->operation != OPENBAO_WRITE) {
        openbao_fail(c, 400, "invalid role or secret ID");
        return;
    }
    lockout = lockout_of(c, mount_path, role_id);
    if (lockout->failures >= LOCKOUT_FAILURES) {
        openbao_fail(c, 403, "permission denied");
        return;
    }
    if (hl_is_blank(secret_id) || hl_value_is_null(hl_value_get(c->body, "secret_id"))) {
        openbao_fail(c, 400, "missing secret_id");
        return;
    }
    if (!use_secret_id(role, secret_id)) {
        lockout->failures++;
        lockout->last_ns = lab_now_ns();
        openbao_fail(c, 400, "invalid role or secret ID");
        return;
    }
    lockout->failures = 0;
    answer_login(c, role, name, mount_path);
}

/* --- Setting up --- */

static const struct {
    const char *name;
    enum { WORDS, SPAN, NUMBER, FLAG } type;
} role_fields[] = {
    {"token_policies", WORDS},        {"token_ttl", SPAN},     {"token_max_ttl", SPAN},
    {"token_explicit_max_ttl", SPAN}, {"token_period", SPAN},  {"token_num_uses", NUMBER},
    {"secret_id_num_uses", NUMBER},   {"secret_id_ttl", SPAN}, {"token_no_default_policy", FLAG},
};

static bool write_role(struct openbao_call *c, struct hl_value *role)
{
    for (size_t i = 0; i < HL_COUNT(role_fields); i++) {
        const char *name = role_fields[i].name;
        int64_t number = 0;
        bool given = false, flag = false;

        if (role_fields[i].type == WORDS) {
            const struct hl_value *words = openbao_take_words(c, c->body, name);

            if (words != NULL)
                hl_value_map_put(role, name, hl_value_copy(c->bao->arena, words));
        } else if (role_fields[i].type == FLAG) {
            if (!openbao_take_bool(c, c->body, name, &flag, &given))
                return false;
            if (given)
                hl_value_map_put_bool(role, name, flag);
        } else {
            if (!(role_fields[i].type == SPAN ? openbao_take_ms(c, c->body, name, "", &number, &given)
                                              : openbao_take_int(c, c->body, name, "", &number, &given)))
                return false;
            if (given)
                hl_value_map_put_int(role, name, number);
        }
    }
    return true;
}

static void read_role(struct openbao_call *c, const struct hl_value *role)
{
    struct hl_value *data = hl_value_map(c->arena);

    hl_value_map_put_bool(data, "bind_secret_id", true);
    for (size_t i = 0; i < HL_COUNT(role_fields); i++) {
        const char *name = role_fields[i].name;

        if (role_fields[i].type == WORDS)
            hl_value_map_put(data, name, hl_value_get(role, name));
        else if (role_fields[i].type == FLAG)
            hl_value_map_put_bool(data, name, hl_value_get_bool(role, name, false));
        else
            hl_value_map_put_int(data, name, hl_value_get_int(role, name, 0) / (role_fields[i].type == SPAN ? 1000 : 1));
    }
    openbao_answer(c, 200, data);
}

static void serve_role(struct openbao_call *c, struct hl_value *auth, const char *name)
{
    struct hl_value *role = hl_value_get(roles_of(c->bao, auth), name);

    if (c->operation == OPENBAO_WRITE) {
        if (role == NULL)
            role = put_role(c->bao, auth, name);
        c->changed = true;
        if (write_role(c, role))
            openbao_no_content(c);
    } else if (c->operation == OPENBAO_DELETE) {
        c->changed = hl_map_remove(roles_of(c->bao, auth)->map, name);
        openbao_no_content(c);
    } else if (c->operation == OPENBAO_READ && role != NULL) {
        read_role(c, role);
    } else if (c->operation == OPENBAO_READ) {
        openbao_fail_empty(c, 404);
    } else {
        openbao_fail_wrapped(c, "unsupported operation");
    }
}

static void serve_role_id(struct openbao_call *c, struct hl_value *auth, struct hl_value *role)
{
    const char *role_id = hl_value_get_text(c->body, "role_id");
    const char *name = NULL;
    struct hl_value *data = hl_value_map(c->arena);
    const struct hl_value *other = role_id == NULL ? NULL : find_by_id(roles_of(c->bao, auth), role_id, &name);

    if (c->operation == OPENBAO_READ) {
        hl_value_map_put(data, "role_id", hl_value_get(role, "role_id"));
        openbao_answer(c, 200, data);
    } else if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
    } else if (hl_is_blank(role_id)) {
        openbao_fail(c, 400, "missing role_id");
    } else if (other != NULL && other != role) {
        openbao_fail_wrapped(c, "role_id already in use");
    } else {
        hl_value_map_put_text(role, "role_id", role_id);
        c->changed = true;
        openbao_no_content(c);
    }
}

static void serve_secret_id(struct openbao_call *c, struct hl_value *role, bool custom)
{
    char made[HL_UUID_TEXT];
    const char *secret_id = hl_value_get_text(c->body, "secret_id");
    struct hl_value *data = hl_value_map(c->arena);
    const struct hl_value *secret = NULL;

    hl_uuid(made);
    if (!custom)
        secret_id = made;
    if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
    } else if (hl_is_blank(secret_id)) {
        openbao_fail(c, 400, "missing secret_id");
    } else if (hl_value_get(hl_value_get(role, "secret_ids"), secret_id) != NULL) {
        openbao_fail_wrapped(c, "failed to store secret_id: SecretID is already registered");
    } else {
        secret = put_secret_id(c->bao, role, secret_id);
        hl_value_map_put_text(data, "secret_id", secret_id);
        hl_value_map_put(data, "secret_id_accessor", hl_value_get(secret, "accessor"));
        hl_value_map_put(data, "secret_id_num_uses", hl_value_get(secret, "uses"));
        hl_value_map_put_int(data, "secret_id_ttl", hl_value_get_int(role, "secret_id_ttl", 0) / 1000);
        c->changed = true;
        openbao_answer(c, 200, data);
    }
}

void openbao_approle(struct openbao_call *c, struct hl_value *auth, const char *rest)
{
    const char *name = hl_starts_with(rest, "role/") ? rest + 5 : "";
    const char *slash = strchr(name, '/');
    struct hl_value *role = NULL;

    if (*name == '\0') {
        openbao_fail_wrapped(c, "unsupported path");
        return;
    }
    if (slash == NULL) {
        serve_role(c, auth, name);
        return;
    }
    role = hl_value_get(roles_of(c->bao, auth), hl_arena_copy(c->arena, name, (size_t)(slash - name)));
    if (role == NULL && strcmp(slash, "/role-id") == 0 && c->operation == OPENBAO_READ)
        openbao_fail_empty(c, 404);
    else if (role == NULL && strcmp(slash, "/role-id") != 0)
        openbao_fail(c, 404, "role \"%.*s\" does not exist", (int)(slash - name), name);
    else if (role != NULL && strcmp(slash, "/role-id") == 0)
        serve_role_id(c, auth, role);
    else if (role != NULL && (strcmp(slash, "/secret-id") == 0 || strcmp(slash, "/custom-secret-id") == 0))
        serve_secret_id(c, role, strcmp(slash, "/custom-secret-id") == 0);
    else
        openbao_fail_wrapped(c, "unsupported path");
}
