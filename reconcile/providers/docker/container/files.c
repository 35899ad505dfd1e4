/* `files`: what is put into a container before it starts, and how one tells later what that was.
 *
 * An inspection says nothing about files, so a label keeps a keyed hash of each: with it, the content that desired or recorded know is recognised as the
 * live one, and nobody who can read labels learns anything. */
#include "config.h"

#include "reconcile/providers/docker/container/spec.h"

#include "schema/base/crypto.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, SHORT_NAME = 100, LARGEST_OCTAL_ID = 07777777 };

/* POSIX ustar, with GNU's extensions for long names and large owners. */
struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32], major[8], minor[8],
        prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_header) == BLOCK, "a header fills a block");

static void put_octal(char *at, size_t size, unsigned long long number)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%0*llo", (int)size - 1, number);
    memcpy(at, digits, size - 1);
}

/* Octal, or binary with the first bit set where octal has no room. */
static void put_owner(char *at, int64_t owner)
{
    if (owner <= LARGEST_OCTAL_ID) {
        put_octal(at, 8, (unsigned long long)owner);
        return;
    }
    at[0] = (char)0x80;
    for (int i = 7; i > 0; i--) {
        at[i] = (char)(owner & 0xff);
        owner >>= 8;
    }
}

static void put_block(struct hl_text *tar, const char *data, size_t length)
{
    static const char zeros[BLOCK];

    hl_text_append(tar, data, length);
    if (length % BLOCK != 0)
        hl_text_append(tar, zeros, BLOCK - length % BLOCK);
}

static void put_header(struct hl_text *tar, const char *name, char type, size_t size, const struct hl_value *file, int64_t now_s)
{
    struct tar_header header;
    unsigned sum = 0;
    const char *mode = hl_value_get_text(file, "mode");

    memset(&header, 0, sizeof header);
    memcpy(header.name, name, strnlen(name, SHORT_NAME));
    put_octal(header.mode, sizeof header.mode, mode != NULL ? strtoul(mode, NULL, 8) : 0644);
    put_owner(header.uid, hl_value_get_int(file, "uid", 0));
    put_owner(header.gid, hl_value_get_int(file, "gid", 0));
    put_octal(header.size, sizeof header.size, size);
    put_octal(header.mtime, sizeof header.mtime, (unsigned long long)(now_s > 0 ? now_s : 0));
    header.type = type;
    memcpy(header.magic, "ustar", sizeof header.magic);
    memcpy(header.version, "00", sizeof header.version);
    memset(header.checksum, ' ', sizeof header.checksum);
    for (size_t i = 0; i < sizeof header; i++)
        sum += ((const unsigned char *)&header)[i];
    put_octal(header.checksum, 7, sum);
    header.checksum[6] = '\0';
    hl_text_append(tar, (const char *)&header, sizeof header);
}

void hl_container_files_tar(struct hl_text *tar, const struct hl_value *files, int64_t now_s)
{
    static const char end[2 * BLOCK];

    for (size_t i = 0; i < hl_value_members(files); i++) {
        const struct hl_value *file = hl_value_at(files, i);
        const struct hl_value *content = hl_value_get(file, "content");
        const size_t size = hl_value_is(content, HL_TEXT) ? content->text.length : 0;
        const char *name = hl_value_key(files, i);
        name += strspn(name, "/");
        if (strlen(name) > SHORT_NAME) {
            put_header(tar, "././@LongLink", 'L', strlen(name) + 1, NULL, now_s);
            put_block(tar, name, strlen(name) + 1);
        }
        put_header(tar, name, '0', size, file, now_s);
        if (size > 0)
            put_block(tar, content->text.data, size);
    }
    hl_text_append(tar, end, sizeof end);
}

static void hash_file(const unsigned char *key, const char *path, const struct hl_value *content, char out[HL_HASH_HEX])
{
    hl_auto(text) struct hl_text data = HL_TEXT_INIT(HL_MAX_BODY);

    hl_text_append(&data, path, strlen(path) + 1); /* the NUL parts the two */
    if (hl_value_is(content, HL_TEXT))
        hl_text_append(&data, content->text.data, content->text.length);
    hl_hash(key, hl_text_get(&data), data.length, out);
}

const char *hl_container_files_label(struct hl_arena *arena, const unsigned char *key, const struct hl_value *files)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    struct hl_value *label = hl_value_map(arena);

    if (hl_value_count(files) == 0)
        return NULL;
    for (size_t i = 0; i < hl_value_members(files); i++) {
        const struct hl_value *file = hl_value_at(files, i);
        const char *mode = hl_value_get_text(file, "mode");
        char hash[HL_HASH_HEX];
        hash_file(key, hl_value_key(files, i), hl_value_get(file, "content"), hash);
        hl_value_map_put(label, hl_value_key(files, i),
                         hl_value_printf(arena, "%s %s %lld %lld", hash, mode != NULL ? mode : "0644", (long long)hl_value_get_int(file, "uid", 0),
                                         (long long)hl_value_get_int(file, "gid", 0)));
    }
    hl_json_encode(&json, label, HL_JSON_CANONICAL);
    return hl_arena_copy(arena, hl_text_get(&json), json.length);
}

static const struct hl_value *content_of(const struct hl_value *body, const char *path)
{
    return hl_value_get(hl_value_get(hl_value_get(body, "files"), path), "content");
}

static bool fits(const unsigned char *key, const char *path, const struct hl_value *content, const char *hash)
{
    char own[HL_HASH_HEX];

    if (!hl_value_is(content, HL_TEXT))
        return false;
    hash_file(key, path, content, own);
    return hl_secure_equal(own, strlen(own), hash, strlen(hash));
}

static struct hl_value *live_file(struct hl_arena *arena, const unsigned char *key, const char *path, const char *entry, const struct hl_value *desired,
                                  const struct hl_value *recorded)
{
    struct hl_value *file = hl_value_map(arena);
    char *hash = hl_arena_strdup(arena, entry);
    char *save = NULL;
    int64_t number = 0;

    hash = strtok_r(hash, " ", &save);
    const char *mode = strtok_r(NULL, " ", &save);
    const char *uid = strtok_r(NULL, " ", &save);
    const char *gid = strtok_r(NULL, " ", &save);
    if (hash == NULL)
        return NULL;
    if (fits(key, path, content_of(desired, path), hash))
        hl_value_map_put(file, "content", hl_value_copy(arena, content_of(desired, path)));
    else if (fits(key, path, content_of(recorded, path), hash))
        hl_value_map_put(file, "content", hl_value_copy(arena, content_of(recorded, path)));
    else
        hl_value_map_put(file, "content", hl_value_printf(arena, "(another content, keyed hash %.12s)\n", hash));
    if (mode != NULL)
        hl_value_map_put_text(file, "mode", mode);
    if (uid != NULL && hl_parse_int(uid, 0, INT64_MAX, &number))
        hl_value_map_put_int(file, "uid", number);
    if (gid != NULL && hl_parse_int(gid, 0, INT64_MAX, &number))
        hl_value_map_put_int(file, "gid", number);
    return file;
}

struct hl_value *hl_container_files_live(struct hl_arena *arena, const unsigned char *key, const char *label, const struct hl_value *desired,
                                         const struct hl_value *recorded)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *entries = NULL;
    struct hl_value *files = hl_value_map(arena);

    if (label == NULL || !hl_json_decode(arena, label, strlen(label), &entries, &ignored))
        return NULL;
    for (size_t i = 0; i < hl_value_members(entries); i++) {
        const char *path = hl_value_key(entries, i);
        const struct hl_value *entry = hl_value_at(entries, i);
        const bool named = hl_value_get(hl_value_get(desired, "files"), path) != NULL || hl_value_get(hl_value_get(recorded, "files"), path) != NULL;
        if (named && path != NULL && hl_value_is(entry, HL_TEXT))
            hl_value_map_put(files, path, live_file(arena, key, path, entry->text.data, desired, recorded));
    }
    return hl_value_count(files) > 0 ? files : NULL;
}
