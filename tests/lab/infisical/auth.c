/* Universal auth: client id and secret, tokens, the lockout. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

enum { FAILURES = 3 };

/* After so long without another one, wrong sign-ins are forgotten. */
static const int64_t FAILURES_NS = 30000000000;

static const int64_t SECOND = 1000000000;

/* --- Tokens: three parts, as a JWT; signed with a hash of the lab's own --- */

static const char *sign(const struct infisical_call *c, const char *text)
{
    char hash[HL_HASH_HEX];
    const char *signed_text = hl_arena_printf(c->arena, "%s.%s", hl_value_get_text(c->inf->world, "key"), text);

    hl_hash(NULL, signed_text, strlen(signed_text), hash);
    return hl_base64_encode(c->arena, HL_BASE64_URL_NOPAD, hash, HL_HASH_HEX - 1);
}

static const char *write_jwt(struct infisical_call *c, const char *id, int64_t ttl)
{
    static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    int64_t now = lab_now_ns() / SECOND;
    const char *expiry = ttl == 0 ? "" : hl_arena_printf(c->arena, ",\"exp\":%" PRId64, now + ttl);
    const char *claims =
        hl_arena_printf(c->arena, "{\"identityId\":\"%s\",\"identityAccessTokenId\":\"%s\",\"authTokenType\":\"identityAccessToken\",\"iat\":%" PRId64 "%s}",
                        hl_value_get_text(c->inf->world, "identity"), id, now, expiry);
    const char *text = hl_arena_printf(c->arena, "%s.%s", hl_base64_encode(c->arena, HL_BASE64_URL_NOPAD, head, strlen(head)),
                                       hl_base64_encode(c->arena, HL_BASE64_URL_NOPAD, claims, strlen(claims)));

    return hl_arena_printf(c->arena, "%s.%s", text, sign(c, text));
}

static bool fail_token(struct infisical_call *c, const char *message)
{
    return infisical_fail(c, 403, "TokenError", "%s", message);
}

/* The claims; NULL when it was refused, and answered: 403, not 401. */
static struct hl_value *read_jwt(struct infisical_call *c, const char *token)
{
    hl_auto(error) struct hl_error *err = NULL;
    const char *first = strchr(token, '.');
    const char *last = strrchr(token, '.');
    struct hl_value *claims = NULL;
    size_t length = 0;

    if (first == NULL || first == last || strchr(first + 1, '.') != last) {
        fail_token(c, "The provided access token is malformed. Please use a valid token or generate a new one and try again.");
        return NULL;
    }
    if (strcmp(sign(c, hl_arena_copy(c->arena, token, (size_t)(last - token))), last + 1) != 0) {
        fail_token(c, "invalid signature");
        return NULL;
    }

    const char *text = hl_base64_decode(c->arena, HL_BASE64_URL_NOPAD, first + 1, (size_t)(last - first - 1), &length);

    if (text == NULL || !hl_json_decode(c->arena, text, length, &claims, &err)) {
        fail_token(c, "invalid token");
        return NULL;
    }
    if (hl_value_get_int(claims, "exp", INT64_MAX) <= lab_now_ns() / SECOND) {
        fail_token(c, "Your token has expired. Please re-authenticate.");
        return NULL;
    }
    return claims;
}

/* The token of the claims; NULL when it is no more, and answered. */
static struct hl_value *find_token(struct infisical_call *c, const struct hl_value *claims)
{
    const char *id = hl_value_get_text(claims, "identityAccessTokenId");
    struct hl_value *token = id == NULL ? NULL : hl_value_get(c->inf->tokens, id);
    int64_t limit = hl_value_get_int(token, "uses_limit", 0);

    if (token == NULL) {
        infisical_fail(c, 401, NULL, "No identity access token found");
        return NULL;
    }
    if (limit > 0 && hl_value_get_int(token, "uses", 0) >= limit) {
        hl_map_remove(c->inf->tokens->map, id);
        c->changed = true;
        infisical_fail(c, 401, NULL, "Unable to renew because access token number of uses limit reached");
        return NULL;
    }
    return token;
}

bool infisical_sign_in(struct infisical_call *c, bool needed)
{
    const char *header = lab_header(c->call, "authorization");
    const struct hl_value *claims = NULL;
    struct hl_value *token = NULL;

    if (hl_is_blank(header))
        return !needed || infisical_fail(c, 401, NULL, "Token missing");
    header += strlen(header) < 7 ? strlen(header) : 7; /* whatever stands before it */
    if (hl_starts_with(header, "st."))
        return infisical_fail(c, 404, NULL, "Service token with ID '%.*s' not found", (int)strcspn(header + 3, "."), header + 3);
    claims = read_jwt(c, header);
    token = claims == NULL ? NULL : find_token(c, claims);
    if (token == NULL)
        return false;
    if (hl_value_get_int(token, "uses_limit", 0) > 0) {
        hl_value_map_put_int(token, "uses", hl_value_get_int(token, "uses", 0) + 1);
        c->changed = true;
    }
    return true;
}

static void answer_token(struct infisical_call *c, const char *jwt, int64_t ttl, int64_t max_ttl)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "accessToken", jwt);
    hl_value_map_put_int(out, "expiresIn", ttl);
    hl_value_map_put_int(out, "accessTokenMaxTTL", max_ttl);
    hl_value_map_put_text(out, "tokenType", "Bearer");
    infisical_answer(c, 200, out);
}

/* --- Signing in --- */

void infisical_unlock(struct infisical *inf)
{
    inf->failures = 0;
    inf->locked_until_ns = 0;
}

static bool fail_login(struct infisical_call *c)
{
    struct infisical *inf = c->inf;
    int64_t now = lab_now_ns();

    if (inf->modes.lockout != 0) {
        inf->failures = now < inf->failures_until_ns ? inf->failures + 1 : 1;
        inf->failures_until_ns = now + FAILURES_NS;
        if (inf->failures >= FAILURES)
            inf->locked_until_ns = now + inf->modes.lockout_ms * 1000000;
    }
    return infisical_fail(c, 401, NULL, "Invalid credentials");
}

static bool check_login(struct infisical_call *c, const char *id, const char *secret)
{
    struct infisical *inf = c->inf;

    if (strcmp(id, inf->client_id) != 0) /* nobody's failure */
        return infisical_fail(c, 401, NULL, "Invalid credentials");
    if (lab_now_ns() < inf->locked_until_ns)
        return infisical_fail(c, 401, NULL, "This identity auth method is temporarily locked, please try again later");
    if (inf->locked_until_ns != 0) /* and now it is not any more */
        infisical_unlock(inf);
    if (strcmp(secret, inf->client_secret) != 0)
        return fail_login(c);
    inf->failures = 0;
    if (inf->modes.client_secret_num_uses > 0 && inf->client_secret_uses >= inf->modes.client_secret_num_uses)
        return infisical_fail(c, 401, NULL, "Access denied due to client secret usage limit reached");
    inf->client_secret_uses++;
    return true;
}

void infisical_login(struct infisical_call *c)
{
    const struct hl_value *body = infisical_body(c);
    const char *id = infisical_text(c, NULL, body, "clientId", NULL, body != NULL);
    const char *secret = infisical_text(c, NULL, body, "clientSecret", NULL, body != NULL);
    struct infisical_modes *modes = &c->inf->modes;
    struct hl_value *token = NULL;
    char token_id[HL_UUID_TEXT];
    int64_t ttl = modes->token_period > 0 ? modes->token_period : modes->token_ttl;

    infisical_text(c, NULL, body, "subOrganizationName", NULL, false);
    if (!infisical_valid(c) || !check_login(c, id, secret))
        return;
    hl_uuid(token_id);
    token = hl_value_map(c->inf->arena);
    hl_value_map_put_int(token, "created", lab_now_ns());
    hl_value_map_put_int(token, "ttl", ttl);
    hl_value_map_put_int(token, "max_ttl", modes->token_max_ttl);
    hl_value_map_put_int(token, "period", modes->token_period);
    hl_value_map_put_int(token, "uses_limit", modes->token_num_uses);
    hl_value_map_put(c->inf->tokens, token_id, token);
    c->changed = true;
    answer_token(c, write_jwt(c, token_id, ttl), ttl, modes->token_period > 0 ? 1000000000 : modes->token_max_ttl);
}

/* --- Renewing and revoking --- */

/* The token that the body names; NULL when it was refused, and answered. */
static struct hl_value *take_token(struct infisical_call *c, const char **id)
{
    const struct hl_value *body = infisical_body(c);
    const char *jwt = infisical_text(c, NULL, body, "accessToken", NULL, body != NULL);
    const struct hl_value *claims = NULL;

    if (!infisical_valid(c))
        return NULL;
    claims = read_jwt(c, jwt);
    if (claims == NULL)
        return NULL;
    *id = hl_value_get_text(claims, "identityAccessTokenId");
    return find_token(c, claims);
}

/* A token that would outlive its maximum is deleted. By default the TTL is the maximum, so that each renewal ends it. */
void infisical_renew(struct infisical_call *c)
{
    const char *id = NULL;
    struct hl_value *token = take_token(c, &id);
    int64_t ttl = hl_value_get_int(token, "ttl", 0);
    int64_t max_ttl = hl_value_get_int(token, "max_ttl", 0);
    int64_t end = hl_value_get_int(token, "created", 0) + max_ttl * SECOND;

    if (token == NULL)
        return;
    if (max_ttl > 0 && hl_value_get_int(token, "period", 0) == 0 && lab_now_ns() + ttl * SECOND > end) {
        hl_map_remove(c->inf->tokens->map, id);
        c->changed = true;
        infisical_fail(c, 401, NULL, "Failed to renew MI access token past its Max TTL expiration");
        return;
    }
    answer_token(c, write_jwt(c, id, ttl), ttl, max_ttl);
}

void infisical_revoke(struct infisical_call *c)
{
    const char *id = NULL;

    if (take_token(c, &id) == NULL)
        return;
    hl_map_remove(c->inf->tokens->map, id);
    c->changed = true;
    infisical_answer_in(c, "message", hl_value_text(c->arena, "Successfully revoked access token"));
}
