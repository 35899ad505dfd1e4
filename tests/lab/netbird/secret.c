/* Tokens, hashes of what only its owner may know, and the signed tokens of the identity provider. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <sodium.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { SECRET = 30, CHECKSUM = 6, PREFIX = 4 };
_Static_assert((int)PREFIX + (int)SECRET + (int)CHECKSUM == (int)NETBIRD_TOKEN_LENGTH, "the parts of a token");

const char *netbird_hash(struct hl_arena *arena, const char *text)
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    return hl_base64_encode(arena, HL_BASE64, hash, sizeof(hash));
}

const char *netbird_pkce(struct hl_arena *arena, const char *verifier)
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)verifier, strlen(verifier));
    return hl_base64_encode(arena, HL_BASE64_URL_NOPAD, hash, sizeof(hash));
}

/* --- Tokens of users and proxies: "nbp_", "nbx_", then 30 random digits, 6 that check them --- */

static uint32_t crc32_of(const char *data, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_checksum(const char *secret, char out[CHECKSUM])
{
    uint32_t crc = crc32_of(secret, SECRET);

    for (size_t i = CHECKSUM; i > 0; i--) {
        out[i - 1] = digits[crc % 62];
        crc /= 62;
    }
}

const char *netbird_new_token(struct hl_arena *arena, const char *prefix)
{
    char *token = hl_arena_alloc(arena, NETBIRD_TOKEN_LENGTH + 1);

    memcpy(token, prefix, PREFIX);
    for (size_t i = 0; i < SECRET; i++)
        token[PREFIX + i] = digits[hl_random_below(62)];
    put_checksum(token + PREFIX, token + PREFIX + SECRET);
    return token;
}

bool netbird_token_is_well_formed(const char *token)
{
    char checksum[CHECKSUM];

    if (strlen(token) != NETBIRD_TOKEN_LENGTH || !hl_starts_with(token, "nbp_"))
        return false;
    put_checksum(token + PREFIX, checksum);
    return memcmp(token + PREFIX + SECRET, checksum, CHECKSUM) == 0;
}

/* The one-time password of a person: told once, in the answer to the POST. */
const char *netbird_new_password(struct hl_arena *arena)
{
    char *password = hl_arena_alloc(arena, 17);

    for (size_t i = 0; i < 14; i++)
        password[i] = digits[hl_random_below(62)];
    password[14] = "!@#$%&*"[hl_random_below(7)];
    password[15] = digits[hl_random_below(10)];
    return password;
}

/* --- Signed tokens. The server signs with RSA and publishes the keys; nobody but the server itself looks at that. --- */

static const char *seal_of(const struct netbird *netbird, struct hl_arena *arena, const char *text)
{
    const char *seal = netbird_text(netbird->settings, "seal");
    unsigned char mac[crypto_auth_hmacsha256_BYTES], key[crypto_auth_hmacsha256_KEYBYTES];
    size_t length = 0;
    const char *bytes = hl_base64_decode(arena, HL_BASE64, seal, strlen(seal), &length);

    memset(key, 0, sizeof(key));
    if (bytes != NULL)
        memcpy(key, bytes, length < sizeof(key) ? length : sizeof(key));
    crypto_auth_hmacsha256(mac, (const unsigned char *)text, strlen(text), key);
    return hl_base64_encode(arena, HL_BASE64_URL_NOPAD, mac, sizeof(mac));
}

const char *netbird_sign(struct netbird *netbird, struct hl_arena *arena, const struct hl_value *claims)
{
    static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);
    const char *signed_part = NULL;

    hl_json_encode(&text, claims, HL_JSON_COMPACT);
    signed_part = hl_arena_printf(arena, "%s.%s", hl_base64_encode(arena, HL_BASE64_URL_NOPAD, head, strlen(head)),
                                  hl_base64_encode(arena, HL_BASE64_URL_NOPAD, hl_text_get(&text), text.length));
    return hl_arena_printf(arena, "%s.%s", signed_part, seal_of(netbird, arena, signed_part));
}

struct hl_value *netbird_verify(struct netbird *netbird, struct hl_arena *arena, const char *token)
{
    hl_auto(error) struct hl_error *err = NULL;
    const char *first = strchr(token, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    struct hl_value *claims = NULL;
    size_t length = 0;

    if (second == NULL || strcmp(second + 1, seal_of(netbird, arena, hl_arena_copy(arena, token, (size_t)(second - token)))) != 0)
        return NULL;

    const char *body = hl_base64_decode(arena, HL_BASE64_URL_NOPAD, first + 1, (size_t)(second - first - 1), &length);

    if (body == NULL || !hl_json_decode(arena, body, length, &claims, &err))
        return NULL;
    return hl_value_get_int(claims, "exp", 0) * 1000000000 > netbird_now(netbird) ? claims : NULL;
}
