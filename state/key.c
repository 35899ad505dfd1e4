#include "config.h"

#include "state/internal.h"
#include "state/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT_MAXIMUM = 4096, PASSPHRASE_MINIMUM = 16, SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES };

static const char key_prefix[] = "hlrec-key-v1:";
static const char check_word[] = "hlrec";

struct key_text {
    enum hl_key_kind kind;
    const char *file; /* or NULL */
    const char *text;
};

/* ---- where the key comes from ---- */

static const char *find_variable(const char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

/* Credentials of systemd are not checked: it gives the service access by an ACL, which shows as a group's mode. Neither are pipes (/dev/fd/3). */
static bool check_key_file(const char *path, int fd, enum hl_key_kind kind, struct hl_error **err)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return hl_fail_errno(err, errno, "key file '%s'", path);
    if (!S_ISREG(info.st_mode) || kind == HL_KEY_CREDENTIAL)
        return true;
    if (info.st_uid != geteuid() && info.st_uid != 0 && geteuid() != 0)
        return hl_fail(err, HL_E_REFUSED, "key file '%s' belongs to another user (uid %u)", path, (unsigned)info.st_uid);
    if ((info.st_mode & 0077) == 0)
        return true;
    hl_fail(err, HL_E_REFUSED, "key file '%s' is open to others (mode %04o)", path, (unsigned)(info.st_mode & 07777));
    return hl_error_hint(err, "chmod 600 '%s', and 'hlrec state rekey' if somebody else could have read it", path);
}

static bool read_text(const char *path, int fd, struct hl_arena *arena, const char **out, struct hl_error **err)
{
    char *text = hl_arena_alloc(arena, KEY_TEXT_MAXIMUM + 2);
    size_t length = 0;

    for (;;) {
        ssize_t got = read(fd, text + length, KEY_TEXT_MAXIMUM + 1 - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hl_fail_errno(err, errno, "reading key file '%s'", path);
        if (got == 0)
            break;
        length += (size_t)got;
        if (length > KEY_TEXT_MAXIMUM)
            return hl_fail(err, HL_E_FAILED, "key file '%s' is longer than %d bytes", path, KEY_TEXT_MAXIMUM);
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    text[length] = '\0';
    *out = text;
    return true;
}

static bool read_key_file(const char *path, enum hl_key_kind kind, struct hl_arena *arena, struct key_text *out, struct hl_error **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return hl_fail_errno(err, errno, "opening key file '%s'", path);
    *out = (struct key_text){.kind = kind, .file = hl_arena_strdup(arena, path)};

    bool done = check_key_file(path, fd, kind, err) && read_text(path, fd, arena, &out->text, err);

    close(fd);
    return done;
}

static const char *new_key_text(struct hl_arena *arena)
{
    unsigned char key[HL_KEY_BYTES];

    hl_random(key, sizeof(key));

    const char *text = hl_arena_printf(arena, "%s%s\n", key_prefix, hl_base64_encode(arena, HL_BASE64, key, sizeof(key)));

    hl_wipe(key, sizeof(key));
    return text;
}

/* The file beside the state. Only a state that is being made makes its key: for an existing one a new key would open nothing. */
static bool find_beside(struct hl_store *store, bool create, struct hl_arena *arena, struct key_text *out, struct hl_error **err)
{
    hl_auto(heap) char *path = hl_state_file_beside(store->file, ".key");
    bool taken = false;

    if (create && !hl_state_file_exists(path) && !hl_state_file_save(path, new_key_text(arena), NULL, &taken, err))
        return hl_wrap(err, "making key file '%s'", path);
    if (!create && !hl_state_file_exists(path)) {
        hl_fail(err, HL_E_FAILED, "the sealing key of '%s' was not found: there is no file '%s', and neither HLREC_KEY nor HLREC_KEY_FILE is set", store->path,
                path);
        return hl_error_hint(err, "put the key back: without it the secrets in the state cannot be read");
    }
    return read_key_file(path, HL_KEY_BESIDE, arena, out, err);
}

static bool find_key(struct hl_store *store, const char *const *environment, bool create, struct hl_arena *arena, struct key_text *out, struct hl_error **err)
{
    const char *text = find_variable(environment, "HLREC_KEY");
    const char *file = find_variable(environment, "HLREC_KEY_FILE");
    const char *folder = find_variable(environment, "CREDENTIALS_DIRECTORY");

    if ((text != NULL && *text == '\0') || (file != NULL && *file == '\0')) {
        hl_fail(err, HL_E_FAILED, "%s is set, but empty", text != NULL && *text == '\0' ? "HLREC_KEY" : "HLREC_KEY_FILE");
        return hl_error_hint(err, "give it a value, or unset it");
    }
    if (text != NULL) {
        *out = (struct key_text){.kind = HL_KEY_ENVIRONMENT, .text = text};
        return true;
    }
    if (file != NULL)
        return read_key_file(file, HL_KEY_FILE, arena, out, err);
    if (!hl_is_blank(folder)) {
        const char *credential = hl_arena_printf(arena, "%s/hlrec-key", folder);

        if (hl_state_file_exists(credential))
            return read_key_file(credential, HL_KEY_CREDENTIAL, arena, out, err);
    }
    return find_beside(store, create, arena, out, err);
}

static const char *name_source(const struct key_text *key, struct hl_arena *arena)
{
    return key->kind == HL_KEY_ENVIRONMENT ? "HLREC_KEY" : hl_arena_printf(arena, "key file '%s'", key->file);
}

/* ---- text to key ---- */

static bool decode_key(const char *text, const char *source, unsigned char out[HL_KEY_BYTES], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    size_t prefix = strlen(key_prefix), length = 0;
    const char *key = strncmp(text, key_prefix, prefix) == 0 ? hl_base64_decode(arena, HL_BASE64, text + prefix, strlen(text + prefix), &length) : NULL;

    if (key == NULL || length != HL_KEY_BYTES)
        return hl_fail(err, HL_E_FAILED, "%s is not a key: 'hlrec-key-v1:' and 32 bytes in base64", source);
    memcpy(out, key, HL_KEY_BYTES);
    return true;
}

/* The cost is recorded with each state, so that it can be raised for new ones. The bounds keep a doctored file from using up the memory. */
static bool stretch(struct hl_store *store, const char *passphrase, unsigned char out[HL_KEY_BYTES], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *cost = NULL, *salt_text = NULL;
    const unsigned long most_operations = 32, most_kib = 1024UL * 1024;
    unsigned long operations = 0, kib = 0;
    size_t salt_length = 0;

    if (!hl_store_meta_get(store, arena, "key.argon2id", &cost, err) || !hl_store_meta_get(store, arena, "key.salt", &salt_text, err))
        return false;

    const char *salt = salt_text == NULL ? NULL : hl_base64_decode(arena, HL_BASE64, salt_text, strlen(salt_text), &salt_length);

    if (cost == NULL || sscanf(cost, "%4lu passes, %9lu KiB", &operations, &kib) != 2 || operations > most_operations || kib > most_kib || salt == NULL ||
        salt_length != SALT_BYTES)
        return hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: key.argon2id or key.salt", store->path);
    if (crypto_pwhash(out, HL_KEY_BYTES, passphrase, strlen(passphrase), (const unsigned char *)salt, operations, kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return hl_fail(err, HL_E_FAILED, "not enough memory (%lu MB) for the passphrase of '%s'", kib / 1024, store->path);
    return true;
}

static bool derive(struct hl_store *store, const struct key_text *key, unsigned char out[HL_KEY_BYTES], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *source = name_source(key, arena);

    if (hl_starts_with(key->text, "hlrec-key-"))
        return decode_key(key->text, source, out, err);
    if (strlen(key->text) < PASSPHRASE_MINIMUM) {
        hl_fail(err, HL_E_FAILED, "the passphrase in %s is shorter than %d characters", source, PASSPHRASE_MINIMUM);
        return hl_error_hint(err, "use a longer one, or 32 random bytes: echo \"hlrec-key-v1:$(head -c 32 /dev/urandom | base64)\"");
    }
    return stretch(store, key->text, out, err);
}

/* ---- the wrapped keys in meta ---- */

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

static bool put_keys(struct hl_store *store, const struct hl_keys *keys, struct hl_error **err)
{
    return put_sealed(store, keys, "key.check", check_word, strlen(check_word), err) &&
           put_sealed(store, keys, "key.data", keys->data, sizeof(keys->data), err) &&
           put_sealed(store, keys, "key.root", keys->root, sizeof(keys->root), err);
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

static struct hl_keys *new_keys(void)
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
    struct key_text key;
    unsigned char salt[SALT_BYTES];

    hl_random(salt, sizeof(salt));

    const char *cost = hl_arena_printf(arena, "%llu passes, %zu KiB", crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
                                       (size_t)crypto_pwhash_argon2id_MEMLIMIT_MODERATE / 1024);

    if (!hl_store_meta_put(store, "key.argon2id", cost, err) ||
        !hl_store_meta_put(store, "key.salt", hl_base64_encode(arena, HL_BASE64, salt, sizeof(salt)), err) ||
        !find_key(store, environment, true, arena, &key, err))
        return false;
    store->keys = new_keys();
    hl_random(store->keys->data, sizeof(store->keys->data));
    hl_random(store->keys->root, sizeof(store->keys->root));
    return derive(store, &key, store->keys->wrapping, err) && put_keys(store, store->keys, err);
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

static bool adopt_pending(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *file = hl_state_file_beside(store->file, ".key");
    hl_auto(heap) char *pending = hl_state_file_beside(store->file, ".key.new");

    store->key_pending = false;
    return !hl_state_file_exists(pending) || hl_state_file_publish(pending, file, store->file, NULL, err);
}

/* A rekey that died behind its commit left the key under the name .new: who may write and finds no run at work puts it in place. */
static bool try_pending(struct hl_store *store, struct hl_arena *arena, bool *right, struct hl_error **err)
{
    hl_auto(heap) char *pending = hl_state_file_beside(store->file, ".key.new");
    struct key_text key;

    if (!hl_state_file_exists(pending))
        return true;
    if (!read_key_file(pending, HL_KEY_BESIDE, arena, &key, err) || !derive(store, &key, store->keys->wrapping, err) || !is_right(store, right, err))
        return false;
    store->key_pending = *right;
    if (!*right || store->mode != HL_STORE_WRITE || !hl_lock_take(store, 0, NULL))
        return true;

    bool done = adopt_pending(store, err);

    hl_lock_drop(store);
    return done;
}

static bool load_keys(struct hl_store *store, struct hl_arena *arena, struct hl_error **err)
{
    const char *data = NULL, *root = NULL, *check = NULL;
    size_t data_length = 0, root_length = 0;

    if (!get_sealed(store, store->keys->wrapping, "key.data", arena, &data, &data_length, err) ||
        !get_sealed(store, store->keys->wrapping, "key.root", arena, &root, &root_length, err) ||
        !hl_store_meta_get(store, arena, "key.check", &check, err))
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

bool hl_key_unlock(struct hl_store *store, const char *const *environment, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct key_text key;
    bool right = false;

    hl_key_zero(store);
    if (!find_key(store, environment, false, arena, &key, err) || !derive(store, &key, store->keys->wrapping, err) || !is_right(store, &right, err))
        return false;
    store->key_kind = key.kind;
    if (!right && key.kind == HL_KEY_BESIDE && !try_pending(store, arena, &right, err))
        return false;
    if (!right) {
        hl_fail(err, HL_E_FAILED, "wrong key: %s is not the one that state file '%s' was sealed with", name_source(&key, arena), store->path);
        return hl_error_hint(err, "nothing was changed; give the right one in HLREC_KEY or HLREC_KEY_FILE");
    }
    return load_keys(store, arena, err);
}

void hl_key_zero(struct hl_store *store)
{
    hl_key_free(store);
    store->keys = new_keys();
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

/* ---- rekey ---- */

/* Commits everything under the new keys, and only then takes them into use. */
static bool reseal_all(struct hl_store *store, struct hl_keys *keys, struct hl_error **err)
{
    hl_auto(heap) char *former_check = hl_strdup(store->key_check);
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;
    if (!own)
        return hl_fail(err, HL_E_FAILED, "a rekey needs a transaction of its own");
    if (hl_store_leave(store, true, hl_secret_reseal(store, keys->data, err) && put_keys(store, keys, err), err)) {
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

static bool reseal_with(struct hl_store *store, const char *text, struct hl_error **err)
{
    struct hl_keys *keys = new_keys();
    hl_auto(heap) char *line = hl_strdup(text);

    line[strcspn(line, "\n")] = '\0';
    hl_random(keys->data, sizeof(keys->data));
    memcpy(keys->root, store->keys->root, sizeof(keys->root));

    bool done = decode_key(line, "the new key", keys->wrapping, err) && reseal_all(store, keys, err);

    hl_wipe(line, strlen(line));
    sodium_free(keys);
    return done;
}

/* Nothing that the former key opens is to stay: neither old pages in the WAL nor the last good copy. */
static bool leave_no_trace(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *copy = hl_state_file_beside(store->file, ".bak");

    if (hl_state_file_exists(copy))
        hl_backup_keep(store);
    return hl_sql_exec(store, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static bool rekey_locked(struct hl_store *store, const char *key_file, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(heap) char *pending = hl_state_file_beside(store->file, ".key.new");
    const char *path = key_file == NULL ? pending : key_file;
    const char *text = new_key_text(arena);

    if ((store->key_pending && !adopt_pending(store, err)) || !save_new_key(path, key_file == NULL, text, store->file, err))
        return false;
    if (!reseal_with(store, text, err)) {
        unlink(path);
        return false;
    }
    return (key_file != NULL || adopt_pending(store, err)) && leave_no_trace(store, err);
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
