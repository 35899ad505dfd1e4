#include "config.h"

#include "state/key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Commits everything under the new keys, and only then takes them into use. */
static bool reseal_all(struct hl_store *store, struct hl_keys *keys, struct hl_error **err)
{
    hl_auto(heap) char *former_check = hl_strdup(store->key_check);
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    if (!own)
        return hl_fail(err, HL_E_FAILED, "a rekey needs a transaction of its own");
    if (hl_store_leave(store, true, hl_secret_reseal(store, keys->data, err) && hl_kept_reseal(store, keys->data, err) && hl_keyring_put(store, keys, err),
                       err)) {
        memcpy(store->keys, keys, sizeof(*keys));
        return true;
    }
    free(store->key_check);
    store->key_check = former_check;
    former_check = NULL;
    return false;
}

static bool save_new_key(const char *path, bool replace, const char *text, const char *like, struct hl_error **err)
{
    bool taken = false;

    if (!hl_state_file_save(path, text, like, replace ? NULL : &taken, err))
        return hl_wrap(err, "writing the new key to '%s'", path);
    return !taken || hl_fail(err, HL_E_REFUSED, "'%s' exists already: the new key is not written over another file", path);
}

static bool reseal_with(struct hl_store *store, const char *path, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_keys *keys = hl_keyring_new();
    struct hl_key_text key;

    hl_random(keys->data, sizeof(keys->data));
    memcpy(keys->root, store->keys->root, sizeof(keys->root));

    /* Read back from the disk: what cannot be read again is not taken into use. */
    bool done = hl_key_read_file(path, HL_KEY_FILE, arena, &key, err) && hl_key_derive(store, &key, keys->wrapping, err) && reseal_all(store, keys, err);

    sodium_free(keys);
    return done;
}

/* Nothing that the former key opens is to stay: neither old pages in the WAL nor the last good copy. */
static bool leave_no_trace(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *copy = hl_state_file_beside(store->file, ".bak");

    if (unlink(copy) == 0)
        hl_backup_keep(store);
    return hl_sql_exec(store, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static bool rekey_locked(struct hl_store *store, const char *key_file, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(heap) char *pending = hl_state_file_beside(store->file, ".key.new");
    const char *path = key_file == NULL ? pending : key_file;
    const char *text = hl_key_make(arena);

    if ((store->key_pending && !hl_keyring_adopt(store, err)) || !save_new_key(path, key_file == NULL, text, store->file, err))
        return false;
    /* The file stays when this fails: after an error of the disk, a commit that was reported as failed may yet be found in the WAL. */
    if (!reseal_with(store, path, err))
        return hl_error_hint(err, "the former key is in use; the one in '%s' is not", path);
    return (key_file != NULL || hl_keyring_adopt(store, err)) && leave_no_trace(store, err);
}

bool hl_store_rekey(struct hl_store *store, const char *key_file, struct hl_error **err)
{
    bool died = false;
    bool own_lock = !store->lock_row;

    if (store->mode != HL_STORE_WRITE)
        return hl_fail(err, HL_E_FAILED, "state '%s' was opened for reading only", store->path);
    if (key_file == NULL && store->key_kind != HL_KEY_BESIDE) {
        hl_fail(err, HL_E_REFUSED, "the key of '%s' does not come from a file beside it", store->path);
        return hl_error_hint(err, "name a file for the new key, then let HLREC_KEY_FILE (or your secret store) have it");
    }
    if (own_lock && !hl_store_lock(store, "rekey", 0, &died, err))
        return false;

    bool done = rekey_locked(store, key_file, err);

    if (own_lock)
        hl_store_unlock(store);
    return done || hl_wrap(err, "rekeying '%s'", store->path);
}
