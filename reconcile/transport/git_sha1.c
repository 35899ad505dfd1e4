#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/crypto.h"

#include <string.h>

/* SHA-1 after FIPS 180-4, and HMAC after RFC 2104. Only OpenSSH's hashed host names need it, where nothing rests on its strength: whether a host's key is right
 * is told by comparing whole keys. None of the libraries at hand has it. */

enum { BLOCK = 64, DIGEST = 20, ROUNDS = 80 };

struct sha1 {
    uint32_t state[5];
    unsigned char block[BLOCK];
    size_t used;
    uint64_t length;
};

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    unsigned stage = round / 20;
    uint32_t mixed = stage == 0 ? (b & c) | (~b & d) : stage == 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;

    return mixed + constants[stage];
}

static void take_block(struct sha1 *sha1)
{
    uint32_t words[ROUNDS];
    uint32_t a = sha1->state[0], b = sha1->state[1], c = sha1->state[2], d = sha1->state[3], e = sha1->state[4];

    for (unsigned i = 0; i < 16; i++) {
        const unsigned char *at = sha1->block + 4 * i;

        words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (unsigned i = 16; i < ROUNDS; i++)
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    sha1->state[0] += a;
    sha1->state[1] += b;
    sha1->state[2] += c;
    sha1->state[3] += d;
    sha1->state[4] += e;
    sha1->used = 0;
}

static void begin(struct sha1 *sha1)
{
    *sha1 = (struct sha1){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

static void take(struct sha1 *sha1, const unsigned char *data, size_t length)
{
    sha1->length += (uint64_t)length * 8;
    for (size_t i = 0; i < length; i++) {
        sha1->block[sha1->used++] = data[i];
        if (sha1->used == BLOCK)
            take_block(sha1);
    }
}

static void end(struct sha1 *sha1, unsigned char out[DIGEST])
{
    uint64_t length = sha1->length;
    unsigned char tail[8];

    take(sha1, &(unsigned char){0x80}, 1);
    while (sha1->used != BLOCK - sizeof(tail))
        take(sha1, &(unsigned char){0}, 1);
    for (unsigned i = 0; i < sizeof(tail); i++)
        tail[i] = (unsigned char)(length >> (56 - 8 * i));
    take(sha1, tail, sizeof(tail));
    for (unsigned i = 0; i < DIGEST; i++)
        out[i] = (unsigned char)(sha1->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hl_git_hmac_sha1(const unsigned char *key, size_t key_length, const char *text, size_t length, unsigned char out[20])
{
    unsigned char inner[BLOCK] = {0}, outer[BLOCK] = {0};
    struct sha1 sha1;

    begin(&sha1);
    if (key_length > BLOCK) {
        take(&sha1, key, key_length);
        end(&sha1, inner);
    } else {
        memcpy(inner, key, key_length);
    }
    for (unsigned i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    begin(&sha1);
    take(&sha1, inner, BLOCK);
    take(&sha1, (const unsigned char *)text, length);
    end(&sha1, out);
    begin(&sha1);
    take(&sha1, outer, BLOCK);
    take(&sha1, out, DIGEST);
    end(&sha1, out);
}
