/* The AEAD that seals values: XChaCha20-Poly1305 with a random nonce of 24 bytes, so that no counter has to be kept.
 *
 * Associated data is the place of the value, each part with its length in front: format, state, address, column, path. A sealed value
 * that is moved to another row, column or file does not open. The plaintext is padded to a multiple of 32 bytes, which hides
 * its length. What is stored: one byte of format, the nonce, ciphertext and tag. */
#ifndef HL_STATE_SEAL_H
#define HL_STATE_SEAL_H

#include "schema/base/crypto.h"

struct hl_seal_place {
    const char *state;   /* UUID */
    const char *address; /* "" for what belongs to the state as a whole */
    const char *column;
    const char *path;
};

/* In `arena`. */
unsigned char *hl_seal(struct hl_arena *arena, const unsigned char key[HL_KEY_BYTES], const struct hl_seal_place *place, const char *data, size_t length,
                       size_t *out_length);
/* NULL when it was sealed with another key or for another place, or was changed. A NUL is put behind the text. */
char *hl_seal_open(struct hl_arena *arena, const unsigned char key[HL_KEY_BYTES], const struct hl_seal_place *place, const void *sealed, size_t length,
                   size_t *out_length);

#endif
