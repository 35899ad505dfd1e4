#include "config.h"

#include "schema/base/crypto.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(HL_HASH_HEX == 2 * crypto_generichash_BYTES + 1, "a BLAKE2b-256 in hex");
_Static_assert(HL_KEY_BYTES == crypto_generichash_KEYBYTES, "the key of a BLAKE2b-256");

static const int variants[] = {
    [HL_BASE64] = sodium_base64_VARIANT_ORIGINAL,
    [HL_BASE64_URL] = sodium_base64_VARIANT_URLSAFE,
    [HL_BASE64_URL_NOPAD] = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

static void start_sodium(void)
{
    if (sodium_init() < 0)
        abort();
}

void hl_crypto_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start_sodium);
}

void hl_random(void *out, size_t length)
{
    hl_crypto_init();
    randombytes_buf(out, length);
}

uint32_t hl_random_below(uint32_t limit)
{
    hl_crypto_init();
    return randombytes_uniform(limit);
}

void hl_uuid(char out[HL_UUID_TEXT])
{
    unsigned char bytes[16];
    char hex[2 * sizeof(bytes) + 1];
    size_t length = 0;

    hl_random(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
    sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
    for (size_t i = 0; i < 2 * sizeof(bytes); i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[length++] = '-';
        out[length++] = hex[i];
    }
    out[length] = '\0';
}

void hl_hash(const unsigned char *key, const char *data, size_t length, char out[HL_HASH_HEX])
{
    unsigned char hash[crypto_generichash_BYTES];

    hl_crypto_init();
    if (crypto_generichash(hash, sizeof(hash), (const unsigned char *)data, length, key, key == NULL ? 0 : HL_KEY_BYTES) != 0)
        abort();
    sodium_bin2hex(out, HL_HASH_HEX, hash, sizeof(hash));
}

void hl_sha256(const char *data, size_t length, unsigned char out[32])
{
    hl_crypto_init();
    crypto_hash_sha256(out, (const unsigned char *)data, length);
}

char *hl_base64_encode(struct hl_arena *arena, enum hl_base64 form, const void *data, size_t length)
{
    hl_crypto_init();

    size_t size = sodium_base64_encoded_len(length, variants[form]);

    return sodium_bin2base64(hl_arena_alloc(arena, size), size, data, length, variants[form]);
}

char *hl_base64_decode(struct hl_arena *arena, enum hl_base64 form, const char *text, size_t length, size_t *out_length)
{
    size_t size = length / 4 * 3 + 3;
    char *data = hl_arena_alloc(arena, size + 1);

    hl_crypto_init();
    if (sodium_base642bin((unsigned char *)data, size, text, length, NULL, out_length, NULL, variants[form]) != 0)
        return NULL;
    data[*out_length] = '\0';
    return data;
}

char *hl_hex_encode(struct hl_arena *arena, const void *data, size_t length)
{
    size_t size = 2 * length + 1;

    hl_crypto_init();
    return sodium_bin2hex(hl_arena_alloc(arena, size), size, data, length);
}

void hl_wipe(void *data, size_t length)
{
    if (length > 0)
        sodium_memzero(data, length);
}

bool hl_secure_equal(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || sodium_memcmp(a, b, a_length) == 0);
}
