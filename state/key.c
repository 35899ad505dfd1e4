#include "config.h"

#include "state/key.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_TEXT_MAXIMUM = 4096,
    PASSPHRASE_MINIMUM = 16,
    SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
    /* The cost is recorded with each state, so that it can be raised for new ones. */
    NEW_PASSES = crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
    NEW_KIB = crypto_pwhash_argon2id_MEMLIMIT_MODERATE / 1024,
    MOST_PASSES = 32,
    MOST_KIB = 1024 * 1024,
};

static const char key_prefix[] = "hlrec-key-v1:";

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

bool hl_key_read_file(const char *path, enum hl_key_kind kind, struct hl_arena *arena, struct hl_key_text *out, struct hl_error **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return hl_fail_errno(err, errno, "opening key file '%s'", path);
    *out = (struct hl_key_text){.kind = kind, .file = hl_arena_strdup(arena, path)};

    bool done = check_key_file(path, fd, kind, err) && read_text(path, fd, arena, &out->text, err);

    close(fd);
    return done;
}

const char *hl_key_make(struct hl_arena *arena)
{
    unsigned char key[HL_KEY_BYTES];

    hl_random(key, sizeof(key));

    const char *text = hl_arena_printf(arena, "%s%s\n", key_prefix, hl_base64_encode(arena, HL_BASE64, key, sizeof(key)));

    hl_wipe(key, sizeof(key));
    return text;
}

const char *hl_key_home(const struct hl_store *store)
{
    return store->key_of != NULL ? store->key_of : store->file;
}

static bool find_beside(struct hl_store *store, bool create, struct hl_arena *arena, struct hl_key_text *out, struct hl_error **err)
{
    hl_auto(heap) char *path = hl_state_file_beside(hl_key_home(store), ".key");
    bool taken = false;

    if (create && !hl_state_file_exists(path) && !hl_state_file_save(path, hl_key_make(arena), NULL, &taken, err))
        return hl_wrap(err, "making key file '%s'", path);
    if (!create && !hl_state_file_exists(path)) {
        hl_fail(err, HL_E_FAILED, "the sealing key of '%s' was not found: there is no file '%s', and neither HLREC_KEY nor HLREC_KEY_FILE is set", store->path,
                path);
        return hl_error_hint(err, "put the key back: without it the secrets in the state cannot be read");
    }
    return hl_key_read_file(path, HL_KEY_BESIDE, arena, out, err);
}

bool hl_key_find(struct hl_store *store, const char *const *environment, bool create, struct hl_arena *arena, struct hl_key_text *out, struct hl_error **err)
{
    const char *text = find_variable(environment, "HLREC_KEY");
    const char *file = find_variable(environment, "HLREC_KEY_FILE");
    const char *folder = find_variable(environment, "CREDENTIALS_DIRECTORY");

    if ((text != NULL && *text == '\0') || (file != NULL && *file == '\0')) {
        hl_fail(err, HL_E_FAILED, "%s is set, but empty", text != NULL && *text == '\0' ? "HLREC_KEY" : "HLREC_KEY_FILE");
        return hl_error_hint(err, "give it a value, or unset it");
    }
    if (text != NULL) {
        *out = (struct hl_key_text){.kind = HL_KEY_ENVIRONMENT, .text = text};
        return true;
    }
    if (file != NULL)
        return hl_key_read_file(file, HL_KEY_FILE, arena, out, err);
    if (!hl_is_blank(folder)) {
        const char *credential = hl_arena_printf(arena, "%s/hlrec-key", folder);

        if (hl_state_file_exists(credential))
            return hl_key_read_file(credential, HL_KEY_CREDENTIAL, arena, out, err);
    }
    return find_beside(store, create, arena, out, err);
}

const char *hl_key_name(const struct hl_key_text *key, struct hl_arena *arena)
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

bool hl_key_put_cost(struct hl_store *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    unsigned char salt[SALT_BYTES];

    hl_random(salt, sizeof(salt));
    return hl_store_meta_put(store, "key.salt", hl_base64_encode(arena, HL_BASE64, salt, sizeof(salt)), err) &&
           hl_store_meta_put(store, "key.argon2id.passes", hl_arena_printf(arena, "%d", NEW_PASSES), err) &&
           hl_store_meta_put(store, "key.argon2id.kib", hl_arena_printf(arena, "%d", NEW_KIB), err);
}

/* The bounds keep a doctored file from using up the memory. */
static bool get_cost(struct hl_store *store, unsigned char salt[SALT_BYTES], int64_t *passes, int64_t *kib, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *passes_text = NULL, *kib_text = NULL, *salt_text = NULL;
    size_t length = 0;

    if (!hl_store_meta_get(store, arena, "key.argon2id.passes", &passes_text, err) || !hl_store_meta_get(store, arena, "key.argon2id.kib", &kib_text, err) ||
        !hl_store_meta_get(store, arena, "key.salt", &salt_text, err))
        return false;

    const char *bytes = salt_text == NULL ? NULL : hl_base64_decode(arena, HL_BASE64, salt_text, strlen(salt_text), &length);

    if (bytes == NULL || length != SALT_BYTES || passes_text == NULL || !hl_parse_int(passes_text, 1, MOST_PASSES, passes) || kib_text == NULL ||
        !hl_parse_int(kib_text, 8, MOST_KIB, kib)) {
        hl_fail(err, HL_E_FAILED, "state file '%s' is damaged: its key.salt and key.argon2id", store->path);
        return hl_sql_way_back(store, err);
    }
    memcpy(salt, bytes, SALT_BYTES);
    return true;
}

static bool stretch(struct hl_store *store, const char *passphrase, unsigned char out[HL_KEY_BYTES], struct hl_error **err)
{
    unsigned char salt[SALT_BYTES];
    int64_t passes = 0, kib = 0;

    if (!get_cost(store, salt, &passes, &kib, err))
        return false;
    if (crypto_pwhash(out, HL_KEY_BYTES, passphrase, strlen(passphrase), salt, (unsigned long long)passes, (size_t)kib * 1024, crypto_pwhash_ALG_ARGON2ID13) ==
        0)
        return true;
    return hl_fail(err, HL_E_FAILED, "not enough memory (%" PRId64 " MB) for the passphrase of '%s'", kib / 1024, store->path);
}

bool hl_key_derive(struct hl_store *store, const struct hl_key_text *key, unsigned char out[HL_KEY_BYTES], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *source = hl_key_name(key, arena);

    if (hl_starts_with(key->text, "hlrec-key-"))
        return decode_key(key->text, source, out, err);
    if (strlen(key->text) < PASSPHRASE_MINIMUM) {
        hl_fail(err, HL_E_FAILED, "the passphrase in %s is shorter than %d characters", source, PASSPHRASE_MINIMUM);
        return hl_error_hint(err, "use a longer one, or 32 random bytes: echo \"hlrec-key-v1:$(head -c 32 /dev/urandom | base64)\"");
    }
    return stretch(store, key->text, out, err);
}
