#include "config.h"

#include "state/key.h"
#include "state/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char check_word[] = "hlrec";

static struct hl_seal_place place_of(const struct hl_store *store, const char *name)
{
    return (struct hl_seal_place){.state = store->id, .address = "", .column = "meta", .path = name};
}

static bool put_sealed(struct hl_store *store, const struct hl_keys *keys, const char *name, const void *data, size_t length, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_seal_place place = place_of(store, name);
    size_t sealed_length = 0;
    const unsigned char *sealed = hl_seal(arena, keys->wrapping, &place, data, length, &sealed_length);
    const char *text = hl_base64_encode(arena, HL_BASE64, sealed, sealed_length);

    if (strcmp(name, "key.check") == 0) {
        free(store->key_check);
        store->key_check = hl_strdup(text);
    }
    return hl_store_meta_put(store, name, text, err);
}

bool hl_keyring_put(struct hl_store *store, const struct hl_keys *keys, struct hl_error **err)
{
    return put_sealed(store, keys, "key.check", check_word, strlen(check_word), err) &&
           put_sealed(store, keys, "key.data", keys->data, sizeof(keys->data), err) && put_sealed(store, keys, "key.root", keys->root, sizeof(keys->root), err);
}

/* NULL in *out when it does not open. */
static bool get_sealed(struct hl_store *store, const unsigned char *key, const char *name, struct hl_arena *arena, const char **out, size_t *length,
                       struct hl_error **err)
{
    struct hl_seal_place place = place_of(store, name);
    const char *text = NULL;
    size_t sealed_length = 0;

    *out = NULL;
    if (!hl_store_meta_get(store, arena, name, &text, err))
        return false;

    const char *sealed = text == NULL ? NULL : hl_base64_decode(arena, HL_BASE64, text, strlen(text), &sealed_length);

    if (sealed != NULL)
        *out = hl_seal_open(arena, key, &place, sealed, sealed_length, length);
    return true;
}

struct hl_keys *hl_keyring_new(void)
{
    hl_crypto_init();

    struct hl_keys *keys = sodium_malloc(sizeof(*keys));

    if (keys == NULL)
        abort();
    memset(keys, 0, sizeof(*keys));
    return keys;
}

bool hl_key_create(struct hl_store *store, const char *const *environment, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_key_text key;

    if (!hl_key_put_cost(store, err) || !hl_key_find(store, environment, true, arena, &key, err))
        return false;
    store->keys = hl_keyring_new();
    hl_random(store->keys->data, sizeof(store->keys->data));
    hl_random(store->keys->root, sizeof(store->keys->root));
    return hl_key_derive(store, &key, store->keys->wrapping, err) && hl_keyring_put(store, store->keys, err);
}

/* Whether the key in `wrapping` is the one of this state. */
static bool is_right(struct hl_store *store, bool *right, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *word = NULL;
    size_t length = 0;

    if (!get_sealed(store, store->keys->wrapping, "key.check", arena, &word, &length, err))
        return false;
    *right = word != NULL && strcmp(word, check_word) == 0;
    return true;
}

bool hl_keyring_adopt(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *file = hl_state_file_beside(store->file, ".key");
    hl_auto(heap) char *pending = hl_state_file_beside(store->file, ".key.new");

    store->key_pending = false;
    return !hl_state_file_exists(pending) || hl_state_file_publish(pending, file, store->file, NULL, err);
}

/* A rekey that died behind its commit left the key under the name .new: who may write and finds no run at work puts it in place. */
static bool try_pending(struct hl_store *store, struct hl_arena *arena, bool *right, struct hl_error **err)
{
    hl_auto(heap) char *pending = hl_state_file_beside(hl_key_home(store), ".key.new");
    struct hl_key_text key;

    if (!hl_state_file_exists(pending))
        return true;
    if (!hl_key_read_file(pending, HL_KEY_BESIDE, arena, &key, err) || !hl_key_derive(store, &key, store->keys->wrapping, err) || !is_right(store, right, err))
        return false;
    store->key_pending = *right;
    if (!*right || store->mode != HL_STORE_WRITE || !hl_lock_take(store, 0, NULL))
        return true;

    bool done = hl_keyring_adopt(store, err);

    hl_lock_drop(store);
    return done;
}

static bool load_keys(struct hl_store *store, struct hl_arena *arena, struct hl_error **err)
{
    const char *data = NULL, *root = NULL, *check = NULL;
    size_t data_length = 0, root_length = 0;

    if (!get_sealed(store, store->keys->wrapping, "key.data", arena, &data, &data_length, err) ||
        !get_sealed(store, store->keys->wrapping, "key.root", arena, &root, &root_length, err) || !hl_store_meta_get(store, arena, "key.check", &check, err))
        return false;
    if (data == NULL || root == NULL || data_length != HL_KEY_BYTES || root_length != HL_KEY_BYTES) {
        hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: its data key was changed", store->path);
        return hl_sql_way_back(store, err);
    }
    memcpy(store->keys->data, data, HL_KEY_BYTES);
    memcpy(store->keys->root, root, HL_KEY_BYTES);
    free(store->key_check);
    store->key_check = hl_strdup(check);
    return true;
}

static bool try_source(struct hl_store *store, const char *const *environment, struct hl_arena *arena, struct hl_key_text *key, bool *right,
                       struct hl_error **err)
{
    return hl_key_find(store, environment, false, arena, key, err) && hl_key_derive(store, key, store->keys->wrapping, err) && is_right(store, right, err);
}

bool hl_key_unlock(struct hl_store *store, const char *const *environment, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_key_text key;
    bool right = false;

    hl_key_zero(store);
    if (!try_source(store, environment, arena, &key, &right, err))
        return false;
    store->key_kind = key.kind;
    if (!right && key.kind == HL_KEY_BESIDE) {
        /* A third look: a rekey may have given the new key its name between the first two. */
        if (!try_pending(store, arena, &right, err) || (!right && !try_source(store, environment, arena, &key, &right, err)))
            return false;
    }
    if (right)
        return load_keys(store, arena, err);
    hl_fail(err, HL_E_FAILED, "wrong key: %s is not the one that state file '%s' was sealed with", hl_key_name(&key, arena), store->path);
    return hl_error_hint(err, "nothing was changed; give the right one in HLREC_KEY or HLREC_KEY_FILE");
}

void hl_key_zero(struct hl_store *store)
{
    hl_key_free(store);
    store->keys = hl_keyring_new();
}

void hl_key_free(struct hl_store *store)
{
    sodium_free(store->keys);
    store->keys = NULL;
    free(store->key_check);
    store->key_check = NULL;
}

void hl_store_subkey(const struct hl_store *store, const char *purpose, unsigned char out[HL_KEY_BYTES])
{
    hl_auto(text) struct hl_text about = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_text_printf(&about, "hlrec/subkey/v1/%s", purpose);
    if (crypto_generichash(out, HL_KEY_BYTES, (const unsigned char *)hl_text_get(&about), about.length, store->keys->root, HL_KEY_BYTES) != 0)
        abort();
}
