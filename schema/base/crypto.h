/* What hlrec needs of libsodium: randomness, keyed hashes, encodings. The AEAD that seals the state is in state/seal.h. */
#ifndef HL_SCHEMA_BASE_CRYPTO_H
#define HL_SCHEMA_BASE_CRYPTO_H

#include "schema/base/arena.h"
#include "schema/base/text.h"

enum { HL_KEY_BYTES = 32, HL_HASH_HEX = 65, HL_UUID_TEXT = 37 };

/* Initialises libsodium once; aborts when the system has no randomness. Called by all below. */
void hl_crypto_init(void);
void hl_random(void *out, size_t length);
/* Uniform below `limit` (> 0), without modulo bias. */
uint32_t hl_random_below(uint32_t limit);
/* A version 4 UUID, lower case. */
void hl_uuid(char out[HL_UUID_TEXT]);
/* BLAKE2b-256 in hex; keyed when `key` is not NULL (HL_KEY_BYTES). */
void hl_hash(const unsigned char *key, const char *data, size_t length, char out[HL_HASH_HEX]);
/* SHA-256, where a protocol wants it (RFC 7636). 32 bytes. */
void hl_sha256(const char *data, size_t length, unsigned char out[32]);
enum hl_base64 { HL_BASE64, HL_BASE64_URL, HL_BASE64_URL_NOPAD };
char *hl_base64_encode(struct hl_arena *arena, enum hl_base64 form, const void *data, size_t length);
/* NULL when it is not valid. */
char *hl_base64_decode(struct hl_arena *arena, enum hl_base64 form, const char *text, size_t length, size_t *out_length);
char *hl_hex_encode(struct hl_arena *arena, const void *data, size_t length);
void hl_wipe(void *data, size_t length);
/* Constant time. */
bool hl_secure_equal(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
