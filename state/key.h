/* The sealing key: where it is found (key.c), and the keys of the state that it wraps (keyring.c, rekey.c).
 *
 * The user's key seals two random ones, which stand in table `meta`: key.data, which seals the values, and key.root, of which the keyed hashes
 * come. key.check is a known word: what does not open it is the wrong key, and the state is not damaged. */
#ifndef HL_STATE_KEY_H
#define HL_STATE_KEY_H

#include "state/internal.h"

struct hl_key_text {
    enum hl_key_kind kind;
    const char *file; /* or NULL */
    const char *text;
};

/* The first source that is set. With `create`, a missing key file beside the state is made: only for a state that is being made, since for an
 * existing one a new key would open nothing. */
bool hl_key_find(struct hl_store *store, const char *const *environment, bool create, struct hl_arena *arena, struct hl_key_text *out,
                 struct hl_error **err) HL_MUST_CHECK;
bool hl_key_read_file(const char *path, enum hl_key_kind kind, struct hl_arena *arena, struct hl_key_text *out, struct hl_error **err) HL_MUST_CHECK;
/* The state beside which the key may be: this one, or the one that this is a copy of. */
const char *hl_key_home(const struct hl_store *store);
/* "HLREC_KEY" or "key file '...'", for messages. */
const char *hl_key_name(const struct hl_key_text *key, struct hl_arena *arena);
/* A new random key as a line of text. */
const char *hl_key_make(struct hl_arena *arena);
/* Key text is decoded; a passphrase goes through Argon2id with the salt and the cost that meta has. */
bool hl_key_derive(struct hl_store *store, const struct hl_key_text *key, unsigned char out[HL_KEY_BYTES], struct hl_error **err) HL_MUST_CHECK;
/* Salt and cost of a new state. */
bool hl_key_put_cost(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;

struct hl_keys *hl_keyring_new(void);
/* Writes key.check, key.data and key.root. */
bool hl_keyring_put(struct hl_store *store, const struct hl_keys *keys, struct hl_error **err) HL_MUST_CHECK;
/* Gives `<state>.key.new` its place. */
bool hl_keyring_adopt(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;

#endif
