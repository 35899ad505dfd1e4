/* What tests may do to the lab without a token. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
    int64_t fallback;
} modes_table[] = {
    {"approval", offsetof(struct infisical_modes, approval), 0},                     /* writes wait for an approval */
    {"v4", offsetof(struct infisical_modes, v4), 1},                                 /* false: as a server that is too old for it */
    {"member", offsetof(struct infisical_modes, member), 1},                         /* false: the identity is not in any project */
    {"starting", offsetof(struct infisical_modes, starting), 0},                     /* only /api/status answers, with 503 */
    {"mask", offsetof(struct infisical_modes, mask), 0},                             /* lists hide values */
    {"forbid", offsetof(struct infisical_modes, forbid), 0},                         /* lists that want values are refused */
    {"capitals", offsetof(struct infisical_modes, capitals), 0},                     /* names must be upper case */
    {"encrypted_metadata", offsetof(struct infisical_modes, encrypted_metadata), 0}, /* plain metadata is refused */
    {"lockout", offsetof(struct infisical_modes, lockout), 1},                       /* three wrong sign-ins lock */
    {"lockout_ms", offsetof(struct infisical_modes, lockout_ms), 300000},            /* for so long */
    {"token_ttl", offsetof(struct infisical_modes, token_ttl), 2592000},             /* of tokens to come, in seconds; 0: for ever */
    {"token_max_ttl", offsetof(struct infisical_modes, token_max_ttl), 2592000},     /* */
    {"token_period", offsetof(struct infisical_modes, token_period), 0},             /* */
    {"token_num_uses", offsetof(struct infisical_modes, token_num_uses), 0},         /* 0: endless */
    {"client_secret_num_uses", offsetof(struct infisical_modes, client_secret_num_uses), 0},
    {"rate_limit", offsetof(struct infisical_modes, rate_limit), 0}, /* calls of a sort per window; 0: none */
    {"rate_window_ms", offsetof(struct infisical_modes, rate_window_ms), 60000},
};

static int64_t *mode_at(struct infisical_modes *modes, size_t number)
{
    return (int64_t *)((char *)modes + modes_table[number].offset);
}

void infisical_modes_init(struct infisical_modes *modes)
{
    for (size_t i = 0; i < HL_COUNT(modes_table); i++)
        *mode_at(modes, i) = modes_table[i].fallback;
}

/* False when a name is unknown: a test that mistypes one must not pass. */
static bool put_mode(struct infisical *inf, const char *name, const struct hl_value *value)
{
    if (strcmp(name, "unlock") == 0) {
        infisical_unlock(inf);
        return true;
    }
    if (strcmp(name, "hidden") == 0)
        name = "mask";
    for (size_t i = 0; i < HL_COUNT(modes_table); i++) {
        if (strcmp(modes_table[i].name, name) != 0)
            continue;
        *mode_at(&inf->modes, i) = value->type == HL_BOOL ? (value->boolean ? 1 : 0) : value->type == HL_INT ? value->integer : modes_table[i].fallback;
        return true;
    }
    return false;
}

static void set_modes(struct infisical_call *c)
{
    for (size_t i = 0; i < hl_value_count(c->body); i++) {
        if (!put_mode(c->inf, hl_value_key(c->body, i), hl_value_at(c->body, i))) {
            infisical_fail(c, 400, NULL, "no such switch: '%s'", hl_value_key(c->body, i));
            return;
        }
    }
    memset(c->inf->limits, 0, sizeof(c->inf->limits));
    c->inf->client_secret_uses = 0;
    infisical_answer(c, 200, hl_value_map(c->arena));
}

static void set_rotated(struct infisical_call *c, struct hl_value *secret)
{
    const struct hl_value *rotated = hl_value_get(c->body, "rotated");

    if (rotated != NULL)
        hl_value_map_put_bool(secret, "isRotatedSecret", hl_value_get_bool(c->body, "rotated", false));
}

static void set_secret(struct infisical_call *c)
{
    const char *slug = hl_value_get_text(c->body, "project"), *environment = hl_value_get_text(c->body, "environment");
    const char *path = hl_value_get_text(c->body, "path"), *key = hl_value_get_text(c->body, "key");
    const struct hl_value *value = hl_value_get(c->body, "value");
    struct infisical_fields fields = {.value = value, .comment = hl_value_get(c->body, "comment")};
    struct infisical_place place = {.project = slug == NULL ? NULL : infisical_project_peek(c->inf, slug), .environment = environment};
    struct hl_value *secret = NULL;

    if (place.project == NULL || environment == NULL || infisical_environment(place.project, environment) == NULL || path == NULL || *path != '/' ||
        !infisical_is_path(path) || hl_is_blank(key) || (!hl_value_is_null(value) && value->type != HL_TEXT)) {
        infisical_fail(c, 400, NULL, "wants project, environment, path, key and value");
        return;
    }
    place.folder = infisical_folder_make(c->inf, place.project, environment, path);
    secret = hl_value_get(infisical_secrets(place.folder), key);
    c->changed = true;
    if (hl_value_is_null(value)) {
        if (secret != NULL)
            infisical_secret_drop(c->inf, &place, key);
    } else if (secret != NULL) {
        infisical_secret_change(c->inf, &place, secret, &fields);
    } else {
        secret = infisical_secret_add(c->inf, &place, key, &fields);
    }
    if (!hl_value_is_null(value))
        set_rotated(c, secret);
    infisical_answer(c, 200, hl_value_map(c->arena));
}

void infisical_switch(struct infisical_call *c)
{
    hl_auto(error) struct hl_error *err = NULL;

    if (strcmp(c->call->method, "POST") != 0 || !hl_json_decode(c->arena, c->call->body, c->call->body_length, &c->body, &err) || c->body->type != HL_MAP)
        infisical_fail(c, 400, NULL, "the lab wants a POST with an object");
    else if (strcmp(c->call->path, "/lab/infisical") == 0)
        set_modes(c);
    else if (strcmp(c->call->path, "/lab/secret") == 0)
        set_secret(c);
    else
        infisical_fail_route(c);
}
