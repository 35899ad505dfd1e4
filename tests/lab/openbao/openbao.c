#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include "schema/base/crypto.h"

#include <stdlib.h>
#include <string.h>

/* --- What is there without a token --- */

static void put_cluster(const struct openbao_call *c, struct hl_value *out)
{
    if (c->bao->sealed)
        return;
    hl_value_map_put_text(out, "cluster_name", hl_value_get_text(c->bao->world, "cluster_name"));
    hl_value_map_put_text(out, "cluster_id", hl_value_get_text(c->bao->world, "cluster_id"));
}

/* The status can be chosen by the query, each state's on its own. */
static void health(struct openbao_call *c)
{
    struct openbao *bao = c->bao;
    struct hl_value *out = hl_value_map(c->arena);
    const char *name = bao->uninitialised ? "uninitcode" : bao->sealed ? "sealedcode" : bao->standby ? "standbycode" : "activecode";
    int64_t status = bao->uninitialised ? 501 : bao->sealed ? 503 : bao->standby && !lab_query_flag(c->call, "standbyok") ? 429 : 200;
    const char *unknown = bao->sealed || bao->uninitialised ? "unknown" : "disabled";

    if (*lab_query(c->call, name) != '\0' && !hl_parse_int(lab_query(c->call, name), 100, 599, &status)) {
        openbao_fail_empty(c, 400);
        return;
    }
    hl_value_map_put_bool(out, "initialized", !bao->uninitialised);
    hl_value_map_put_bool(out, "sealed", bao->sealed || bao->uninitialised);
    hl_value_map_put_bool(out, "standby", bao->standby || bao->sealed || bao->uninitialised);
    hl_value_map_put_text(out, "replication_performance_mode", unknown);
    hl_value_map_put_text(out, "replication_dr_mode", unknown);
    hl_value_map_put_int(out, "server_time_utc", lab_now_ns() / 1000000000);
    hl_value_map_put_text(out, "version", "2.7.2");
    put_cluster(c, out);
    openbao_answer_json(c, (int)status, out);
}

static void seal_status(struct openbao_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "type", "shamir");
    hl_value_map_put_bool(out, "initialized", !c->bao->uninitialised);
    hl_value_map_put_bool(out, "sealed", c->bao->sealed || c->bao->uninitialised);
    hl_value_map_put_int(out, "t", 1);
    hl_value_map_put_int(out, "n", 1);
    hl_value_map_put_int(out, "progress", 0);
    hl_value_map_put_text(out, "nonce", "");
    hl_value_map_put_text(out, "version", "2.7.2");
    put_cluster(c, out);
    openbao_answer_json(c, 200, out);
}

/* One key share of any bytes opens it. */
static void unseal(struct openbao_call *c)
{
    const char *key = NULL;
    size_t length = 0;

    if (!openbao_take_body(c))
        return;
    key = hl_value_get_text(c->body, "key");
    if (hl_is_blank(key) ||
        (strspn(key, "0123456789abcdefABCDEF") != strlen(key) && hl_base64_decode(c->arena, HL_BASE64, key, strlen(key), &length) == NULL)) {
        openbao_fail(c, 400, "'key' must be a valid hex or base64 string");
        return;
    }
    c->bao->sealed = false;
    seal_status(c);
}

/* Whether it was one of the few that answer in any state. */
static bool serve_status(struct openbao_call *c, const char *path)
{
    bool reads = strcmp(c->call->method, "GET") == 0 || strcmp(c->call->method, "HEAD") == 0;
    struct hl_value *out = hl_value_map(c->arena);

    if (strcmp(path, "sys/health") == 0) {
        if (reads)
            health(c);
        else
            openbao_fail_empty(c, 405);
    } else if (reads && strcmp(path, "sys/seal-status") == 0) {
        seal_status(c);
    } else if (!reads && strcmp(path, "sys/unseal") == 0) {
        unseal(c);
    } else if (reads && strcmp(path, "sys/leader") == 0) {
        hl_value_map_put_bool(out, "ha_enabled", false);
        openbao_answer_json(c, 200, out);
    } else if (reads && strcmp(path, "sys/init") == 0) {
        hl_value_map_put_bool(out, "initialized", !c->bao->uninitialised);
        openbao_answer_json(c, 200, out);
    } else {
        return false;
    }
    return true;
}

/* --- Where it goes --- */

static void serve_sys(struct openbao_call *c, const char *path)
{
    if (hl_starts_with(path, "mounts"))
        openbao_mounts(c, path + 6);
    else if (hl_starts_with(path, "auth/"))
        openbao_auths(c, path + 5);
    else if (hl_starts_with(path, "policies/acl"))
        openbao_policies(c, path + 12);
    else if (strcmp(path, "capabilities-self") == 0)
        openbao_capabilities_self(c);
    else if (strcmp(path, "seal") == 0 && c->operation == OPENBAO_WRITE) {
        c->bao->sealed = true;
        openbao_no_content(c);
    } else
        openbao_fail_wrapped(c, "unsupported path");
}

static void serve_mount(struct openbao_call *c)
{
    int64_t version = hl_value_get_int(c->mount, "version", 0);

    if (c->operation == OPENBAO_HEAD)
        openbao_fail_wrapped(c, "unsupported operation");
    else if (version == 2)
        openbao_kv2(c);
    else if (version == 1)
        openbao_kv1(c);
    else
        openbao_fail_wrapped(c, "unsupported path");
}

static void serve_signed_in(struct openbao_call *c)
{
    const char *path = c->path;
    const char *auth_path = NULL;
    struct hl_value *auth = hl_starts_with(path, "auth/") ? openbao_mount_find(c->bao->auths, path + 5, &auth_path) : NULL;

    if (hl_starts_with(path, "sys/"))
        serve_sys(c, path + 4);
    else if (auth != NULL && strcmp(auth_path, "token/") == 0)
        openbao_tokens(c, path + 5 + strlen(auth_path));
    else if (auth != NULL)
        openbao_approle(c, auth, path + 5 + strlen(auth_path));
    else if (c->mount != NULL)
        serve_mount(c);
    else
        openbao_fail(c, 404, "no handler for route \"%s%s\". route entry not found.", path,
                     c->operation == OPENBAO_LIST && !hl_ends_with(path, "/") ? "/" : "");
}

/* Whether it was one that takes no token. */
static bool serve_unsigned(struct openbao_call *c)
{
    const char *auth_path = NULL;
    struct hl_value *auth = hl_starts_with(c->path, "auth/") ? openbao_mount_find(c->bao->auths, c->path + 5, &auth_path) : NULL;

    if (auth == NULL || strcmp(auth_path, "token/") == 0 || strcmp(c->path + 5 + strlen(auth_path), "login") != 0)
        return false;
    openbao_approle_login(c, auth, auth_path);
    return true;
}

/* --- Switches of the lab --- */

static void switch_lab(struct openbao_call *c)
{
    struct openbao *bao = c->bao;

    if (strcmp(c->call->method, "POST") != 0 || strcmp(c->call->path, "/lab/openbao") != 0) {
        openbao_fail_empty(c, 404);
        return;
    }
    if (!openbao_take_body(c))
        return;
    bao->sealed = hl_value_get_bool(c->body, "sealed", bao->sealed);
    bao->standby = hl_value_get_bool(c->body, "standby", bao->standby);
    bao->uninitialised = !hl_value_get_bool(c->body, "initialized", !bao->uninitialised);
    bao->upgrading = hl_value_get_int(c->body, "upgrading", bao->upgrading);
    bao->throttled = hl_value_get_int(c->body, "throttle", bao->throttled);
    if (hl_value_get_bool(c->body, "unlock", false))
        hl_map_init(&bao->lockouts, bao->arena);
    openbao_no_content(c);
}

/* --- The API --- */

static void serve_path(struct openbao_call *c)
{
    if (serve_status(c, c->path))
        return;
    if (c->bao->sealed || c->bao->uninitialised) {
        openbao_fail(c, 503, "Vault is sealed");
        return;
    }
    if (c->bao->throttled > 0) {
        c->bao->throttled--;
        openbao_fail(c, 429, "request path \"%s\": rate limit quota exceeded", c->path);
        return;
    }
    if (!openbao_prepare(c) || serve_unsigned(c))
        return;
    if (strcmp(c->path, "sys/internal/ui/mounts") == 0 || hl_starts_with(c->path, "sys/internal/ui/mounts/")) {
        openbao_visible_mounts(c, c->path + 22);
        return;
    }
    if (openbao_sign_in(c, true) && openbao_check_policy(c))
        serve_signed_in(c);
}

static void serve(void *data, struct lab_call *call)
{
    struct openbao *bao = data;
    struct openbao_call c = {.bao = bao, .call = call, .arena = call->arena, .rest = ""};

    if (hl_starts_with(call->path, "/lab/")) {
        switch_lab(&c);
        return;
    }
    lab_put_header(call, "Cache-Control", "no-store");
    lab_put_header(call, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    c.path = openbao_take_path(&c);
    if (c.path != NULL)
        serve_path(&c);
    if (c.changed)
        lab_save(bao->lab, "openbao", bao->world);
}

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return hl_is_blank(value) ? fallback : value;
}

static struct hl_value *part(struct openbao *bao, const char *name)
{
    struct hl_value *map = hl_value_get(bao->world, name);

    if (!hl_value_is(map, HL_MAP)) {
        map = hl_value_map(bao->arena);
        hl_value_map_put(bao->world, name, map);
    }
    return map;
}

/* What `bao server -dev` has, and an AppRole. */
static void make_world(struct openbao *bao)
{
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(bao->world, "cluster_id", id);
    hl_value_map_put(bao->world, "cluster_name", hl_value_printf(bao->arena, "vault-cluster-%.8s", id));
    hl_value_map_put(bao->mounts, "sys/", openbao_mount_new(bao, "sys/", "system", 0, "system endpoints used for control, policy and debugging"));
    hl_value_map_put(bao->mounts, "identity/", openbao_mount_new(bao, "identity/", "identity", 0, "identity store"));
    hl_value_map_put(bao->mounts, "cubbyhole/", openbao_mount_new(bao, "cubbyhole/", "cubbyhole", 0, "per-token private secret storage"));
    hl_value_map_put(bao->mounts, "secret/", openbao_mount_new(bao, "secret/", "kv", 2, "key/value secret storage"));
    hl_value_map_put(bao->auths, "token/", openbao_mount_new(bao, "token/", "token", 0, "token based credentials"));
    hl_value_map_put(bao->auths, "approle/", openbao_mount_new(bao, "approle/", "approle", 0, ""));
    openbao_policy_put(bao, "default",
                       "{\"path\":{\"auth/token/lookup-self\":{\"capabilities\":[\"read\"]},\"auth/token/renew-self\":{\"capabilities\":[\"update\"]},"
                       "\"auth/token/revoke-self\":{\"capabilities\":[\"update\"]},\"sys/capabilities-self\":{\"capabilities\":[\"update\"]}}}");
    openbao_policy_put(bao, "hlrec", "{\"path\":{\"secret/*\":{\"capabilities\":[\"create\",\"read\",\"update\",\"patch\",\"delete\",\"list\"]}}}");
    openbao_approle_put(bao, hl_value_get(bao->auths, "approle/"), setting("HLREC_LAB_OPENBAO_ROLE", "lab-role"),
                        setting("HLREC_LAB_OPENBAO_SECRET", "lab-role-secret"));
}

static void *open_openbao(struct lab *lab)
{
    struct openbao *bao = hl_alloc(sizeof(*bao));
    struct hl_value *kept = NULL;

    bao->lab = lab;
    bao->arena = hl_arena_new();
    bao->root = setting("HLREC_LAB_OPENBAO_TOKEN", "lab-root");
    hl_map_init(&bao->lockouts, bao->arena);
    kept = lab_load(lab, bao->arena, "openbao");
    bao->world = hl_value_is(kept, HL_MAP) ? kept : hl_value_map(bao->arena);
    bao->mounts = part(bao, "mounts");
    bao->auths = part(bao, "auths");
    bao->policies = part(bao, "policies");
    bao->tokens = part(bao, "tokens");
    if (kept == NULL)
        make_world(bao);
    openbao_token_put_root(bao);
    return bao;
}

static void close_openbao(void *data)
{
    struct openbao *bao = data;

    hl_arena_free(bao->arena);
    free(bao);
}

const struct lab_api lab_api_openbao = {
    .name = "openbao",
    .variable = "HLREC_LAB_OPENBAO",
    .scheme = "http",
    .open = open_openbao,
    .close = close_openbao,
    .serve = serve,
};
