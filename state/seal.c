#include "config.h"

#include "state/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORMAT = 1,
    BLOCK = 32,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD = 1 + NONCE,
};
_Static_assert(HL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key of XChaCha20-Poly1305");

static void put_part(struct hl_text *out, const char *data, size_t length)
{
    char size[8];

    for (size_t i = 0; i < sizeof(size); i++)
        size[i] = (char)(unsigned char)((uint64_t)length >> (8 * i));
    hl_text_append(out, size, sizeof(size));
    hl_text_append(out, data, length);
}

static void put_place(struct hl_text *out, const struct hl_seal_place *place)
{
    const char format = FORMAT;
    const char *const parts[] = {place->state, place->address, place->column, place->path};

    put_part(out, &format, 1);
    for (size_t i = 0; i < HL_COUNT(parts); i++)
        put_part(out, parts[i], strlen(parts[i]));
    if (!hl_text_ok(out)) /* cut, two places could look the same */
        abort();
}

unsigned char *hl_seal(struct hl_arena *arena, const unsigned char key[HL_KEY_BYTES], const struct hl_seal_place *place, const char *data, size_t length,
                       size_t *out_length)
{
    hl_auto(text) struct hl_text about = HL_TEXT_INIT(HL_MAX_BODY);
    size_t padded = 0;
    unsigned long long written = 0;

    hl_crypto_init();
    put_place(&about, place);

    unsigned char *plain = hl_arena_alloc(arena, length + BLOCK);
    unsigned char *sealed = hl_arena_alloc(arena, HEAD + length + BLOCK + TAG);

    if (length > 0)
        memcpy(plain, data, length);
    if (sodium_pad(&padded, plain, length, BLOCK, length + BLOCK) != 0)
        abort();
    sealed[0] = FORMAT;
    randombytes_buf(sealed + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + HEAD, &written, plain, padded, (const unsigned char *)about.data, about.length, NULL, sealed + 1, key);
    sodium_memzero(plain, length + BLOCK);
    *out_length = HEAD + (size_t)written;
    return sealed;
}

char *hl_seal_open(struct hl_arena *arena, const unsigned char key[HL_KEY_BYTES], const struct hl_seal_place *place, const void *sealed, size_t length,
                   size_t *out_length)
{
    hl_auto(text) struct hl_text about = HL_TEXT_INIT(HL_MAX_BODY);
    const unsigned char *bytes = sealed;
    unsigned long long padded = 0;

    hl_crypto_init();
    put_place(&about, place);
    if (length < HEAD + TAG + BLOCK || bytes[0] != FORMAT)
        return NULL;

    unsigned char *plain = hl_arena_alloc(arena, length);

    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &padded, NULL, bytes + HEAD, length - HEAD, (const unsigned char *)about.data, about.length,
                                                   bytes + 1, key) != 0 ||
        sodium_unpad(out_length, plain, (size_t)padded, BLOCK) != 0)
        return NULL;
    plain[*out_length] = '\0'; /* over the padding, of which there is always a byte */
    return (char *)plain;
}
