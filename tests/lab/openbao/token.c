#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <stdlib.h>
#include <string.h>

/* Without a TTL of its own a token lives for 32 days, and no longer when it is renewed. */
static const int64_t DEFAULT_MS = 2764800000;

static const int64_t NS = 1000000; /* a millisecond */

/* --- Making one --- */

/* Sorted, each once. */
static struct hl_value *policies_of(struct openbao *bao, const struct openbao_grant *grant)
{
    struct hl_value *out = hl_value_list(bao->arena);
    size_t count = hl_value_count(grant->policies), used = 0;
    hl_auto(heap) const char **names = hl_alloc((count + 1) * sizeof(*names));
    bool is_root = count == 1 && strcmp(hl_value_item(grant->policies, 0)->text.data, "root") == 0;

    for (size_t i = 0; i < count; i++)
        names[used++] = hl_value_item(grant->policies, i)->text.data;
    if (!grant->no_default && !is_root)
        names[used++] = "default";
    qsort(names, used, sizeof(*names), openbao_compare_texts);
    for (size_t i = 0; i < used; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            hl_value_list_add(bao->arena, out, hl_value_text(bao->arena, names[i]));
    return out;
}

static struct hl_value *put_token(struct openbao *bao, const char *id, const struct openbao_grant *grant)
{
    struct hl_arena *arena = bao->arena;
    struct hl_value *token = hl_value_map(arena);
    bool is_root = false;
    int64_t now = lab_now_ns();
    int64_t ttl = grant->period_ms > 0 ? grant->period_ms : grant->ttl_ms;

    hl_value_map_put(token, "policies", policies_of(bao, grant));
    is_root = openbao_is_root(token);
    if (ttl == 0 && !is_root)
        ttl = DEFAULT_MS;
    hl_value_map_put_text(token, "id", id);
    hl_value_map_put_text(token, "accessor", openbao_random_text(arena, 24));
    hl_value_map_put_text(token, "display_name", grant->display_name);
    hl_value_map_put_text(token, "path", grant->path);
    hl_value_map_put_text(token, "entity_id", grant->entity);
    hl_value_map_put(token, "meta", hl_value_is_null(grant->meta) ? hl_value_null(arena) : hl_value_copy(arena, grant->meta));
    hl_value_map_put_bool(token, "orphan", grant->orphan);
    hl_value_map_put_bool(token, "renewable", !is_root && !grant->fixed);
    hl_value_map_put_int(token, "uses", grant->uses);
    hl_value_map_put_int(token, "created", now);
    hl_value_map_put_int(token, "ttl_ms", ttl);
    hl_value_map_put_int(token, "max_ms", grant->max_ms);
    hl_value_map_put_int(token, "explicit_max_ms", grant->explicit_max_ms);
    hl_value_map_put_int(token, "period_ms", grant->period_ms);
    hl_value_map_put_int(token, "expires", ttl == 0 ? 0 : now + ttl * NS);
    hl_value_map_put(bao->tokens, id, token);
    return token;
}

struct hl_value *openbao_token_new(struct openbao_call *c, const struct openbao_grant *grant)
{
    c->changed = true;
    return put_token(c->bao, hl_arena_printf(c->arena, "s.%s", openbao_random_text(c->arena, 24)), grant);
}

void openbao_token_put_root(struct openbao *bao)
{
    struct openbao_grant grant = {
        .policies = hl_value_list(bao->arena), .display_name = "token", .path = "auth/token/create", .entity = "", .no_default = true, .orphan = true};

    if (hl_value_get(bao->tokens, bao->root) != NULL)
        return;
    hl_value_list_add(bao->arena, grant.policies, hl_value_text(bao->arena, "root"));
    put_token(bao, bao->root, &grant);
}

/* --- Telling of one --- */

/* Whole seconds, rounded: what was just given shows no loss. */
static int64_t seconds_left(const struct hl_value *token)
{
    int64_t expires = hl_value_get_int(token, "expires", 0);

    return expires == 0 ? 0 : (expires - lab_now_ns() + 500000000) / 1000000000;
}

struct hl_value *openbao_token_auth(struct openbao_call *c, const struct hl_value *token)
{
    struct hl_value *auth = hl_value_map(c->arena);

    hl_value_map_put_text(auth, "client_token", hl_value_get_text(token, "id"));
    hl_value_map_put_text(auth, "accessor", hl_value_get_text(token, "accessor"));
    hl_value_map_put(auth, "policies", hl_value_get(token, "policies"));
    hl_value_map_put(auth, "token_policies", hl_value_get(token, "policies"));
    hl_value_map_put(auth, "metadata", hl_value_get(token, "meta"));
    hl_value_map_put_int(auth, "lease_duration", seconds_left(token));
    hl_value_map_put(auth, "renewable", hl_value_get(token, "renewable"));
    hl_value_map_put(auth, "entity_id", hl_value_get(token, "entity_id"));
    hl_value_map_put_text(auth, "token_type", "service");
    hl_value_map_put(auth, "orphan", hl_value_get(token, "orphan"));
    hl_value_map_put(auth, "mfa_requirement", hl_value_null(c->arena));
    hl_value_map_put(auth, "num_uses", hl_value_get(token, "uses"));
    return auth;
}

static void lookup(struct openbao_call *c)
{
    static const char *const same[] = {"accessor", "display_name", "entity_id", "id", "meta", "orphan", "path", "policies", "renewable"};
    const struct hl_value *token = c->token;
    struct hl_value *data = hl_value_map(c->arena);
    int64_t created = hl_value_get_int(token, "created", 0);
    int64_t expires = hl_value_get_int(token, "expires", 0);
    int64_t renewed = hl_value_get_int(token, "renewed", 0);
    int64_t period = hl_value_get_int(token, "period_ms", 0);
    int64_t uses = hl_value_get_int(token, "uses", 0);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(data, same[i], hl_value_get(token, same[i]));
    hl_value_map_put_int(data, "creation_time", created / 1000000000);
    hl_value_map_put_int(data, "creation_ttl", hl_value_get_int(token, "ttl_ms", 0) / 1000);
    hl_value_map_put(data, "expire_time", expires == 0 ? hl_value_null(c->arena) : hl_value_text(c->arena, openbao_time(c->arena, expires)));
    hl_value_map_put_int(data, "explicit_max_ttl", hl_value_get_int(token, "explicit_max_ms", 0) / 1000);
    hl_value_map_put_text(data, "issue_time", openbao_time(c->arena, created));
    hl_value_map_put_int(data, "num_uses", uses);
    hl_value_map_put_int(data, "ttl", expires == 0 ? 0 : (expires - (lab_now_ns() + 500000000) / 1000000000 * 1000000000) / 1000000000);
    hl_value_map_put_text(data, "type", "service");
    if (period > 0)
        hl_value_map_put_int(data, "period", period / 1000);
    if (renewed > 0) {
        hl_value_map_put_text(data, "last_renewal", openbao_time(c->arena, renewed));
        hl_value_map_put_int(data, "last_renewal_time", renewed / 1000000000);
    }
    openbao_answer(c, 200, data);
}

/* --- Renewing --- */

/* How long it may live from now on at most, in ms. */
static int64_t most(const struct hl_value *token)
{
    int64_t age = (lab_now_ns() - hl_value_get_int(token, "created", 0)) / NS;
    int64_t explicit_max = hl_value_get_int(token, "explicit_max_ms", 0);
    int64_t max = hl_value_get_int(token, "max_ms", 0);

    if (max == 0 || max > DEFAULT_MS)
        max = DEFAULT_MS;
    if (explicit_max > 0 && explicit_max < max)
        max = explicit_max;
    return max - age;
}

static void renew(struct openbao_call *c)
{
    struct hl_value *token = c->token;
    int64_t period = hl_value_get_int(token, "period_ms", 0);
    int64_t ttl = 0;
    bool given = false;

    if (!openbao_take_ms(c, c->body, "increment", "Field validation failed: ", &ttl, &given))
        return;
    if (!hl_value_get_bool(token, "renewable", false)) {
        openbao_fail(c, 400, "lease is not renewable");
        return;
    }
    if (ttl == 0)
        ttl = hl_value_get_int(token, "ttl_ms", DEFAULT_MS);
    if (period > 0) {
        ttl = period;
    } else if (ttl > most(token)) {
        openbao_warn(c, "TTL of \"%s\" exceeded the effective max_ttl of \"%s\"; TTL value is capped accordingly", openbao_short_span(c->arena, ttl),
                     openbao_short_span(c->arena, most(token)));
        ttl = most(token);
    }
    hl_value_map_put(token, "expires", hl_value_int(c->bao->arena, lab_now_ns() + ttl * NS));
    hl_value_map_put(token, "renewed", hl_value_int(c->bao->arena, lab_now_ns()));
    c->changed = true;
    openbao_answer_auth(c, openbao_token_auth(c, token));
}

/* --- Creating --- */

static bool take_grant(struct openbao_call *c, struct openbao_grant *grant)
{
    bool given = false, renewable = true;
    int64_t ttl = 0;

    if (!openbao_take_ms(c, c->body, "ttl", "", &grant->ttl_ms, &given) || !openbao_take_ms(c, c->body, "lease", "", &ttl, &given) ||
        !openbao_take_ms(c, c->body, "period", "", &grant->period_ms, &given) ||
        !openbao_take_ms(c, c->body, "explicit_max_ttl", "", &grant->explicit_max_ms, &given) ||
        !openbao_take_int(c, c->body, "num_uses", "", &grant->uses, &given) || !openbao_take_bool(c, c->body, "no_parent", &grant->orphan, &given) ||
        !openbao_take_bool(c, c->body, "no_default_policy", &grant->no_default, &given) || !openbao_take_bool(c, c->body, "renewable", &renewable, &given))
        return false;
    grant->fixed = given && !renewable;
    if (grant->ttl_ms == 0)
        grant->ttl_ms = ttl;
    grant->meta = hl_value_get(c->body, "meta");
    grant->policies = openbao_take_words(c, c->body, "policies");
    return true;
}

static void create(struct openbao_call *c)
{
    struct openbao_grant grant = {.display_name = "token", .path = "auth/token/create", .entity = ""};
    const char *name = hl_value_get_text(c->body, "display_name");

    if (!take_grant(c, &grant))
        return;
    if (!hl_is_blank(name))
        grant.display_name = hl_arena_printf(c->arena, "token-%s", name);
    if (grant.policies == NULL) /* the parent's */
        grant.policies = hl_value_get(c->token, "policies");
    for (size_t i = 0; i < hl_value_count(grant.policies); i++) {
        const char *policy = hl_value_item(grant.policies, i)->text.data;

        if (strcmp(policy, "root") != 0 && hl_value_get(c->bao->policies, policy) == NULL)
            openbao_warn(c, "Policy \"%s\" does not exist", policy);
    }
    openbao_answer_auth(c, openbao_token_auth(c, openbao_token_new(c, &grant)));
}

/* --- Routes --- */

void openbao_tokens(struct openbao_call *c, const char *name)
{
    bool reads = c->operation == OPENBAO_READ, writes = c->operation == OPENBAO_WRITE;

    if (strcmp(name, "lookup-self") == 0 && (reads || writes)) {
        lookup(c);
    } else if (strcmp(name, "renew-self") == 0 && writes) {
        renew(c);
    } else if (strcmp(name, "create") == 0 && writes) {
        create(c);
    } else if (strcmp(name, "revoke-self") == 0 && writes) {
        c->changed = hl_map_remove(c->bao->tokens->map, hl_value_get_text(c->token, "id"));
        openbao_no_content(c);
    } else {
        bool known = strcmp(name, "lookup-self") == 0 || strcmp(name, "renew-self") == 0 || strcmp(name, "create") == 0 || strcmp(name, "revoke-self") == 0;

        openbao_fail_wrapped(c, known ? "unsupported operation" : "unsupported path");
    }
}

void openbao_capabilities_self(struct openbao_call *c)
{
    struct hl_value *paths = openbao_take_words(c, c->body, "paths");
    struct hl_value *data = hl_value_map(c->arena);

    if (paths == NULL)
        paths = openbao_take_words(c, c->body, "path");
    if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
        return;
    }
    if (hl_value_count(paths) == 0) {
        openbao_fail(c, 400, "paths must be supplied");
        return;
    }
    for (size_t i = 0; i < hl_value_count(paths); i++) {
        const char *path = hl_value_item(paths, i)->text.data;

        hl_value_map_put(data, path, openbao_capabilities(c, c->token, path));
    }
    if (hl_value_count(paths) == 1)
        hl_value_map_put(data, "capabilities", hl_value_at(data, 0));
    openbao_answer_twice(c, data);
}
