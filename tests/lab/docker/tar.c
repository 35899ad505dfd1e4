/* Tar archives, as far as clients send them: ustar, with pax and GNU long names. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, NAME = 100, PREFIX = 345, PREFIX_SIZE = 155, LINK = 157 };

static int64_t octal(const char *field, size_t size)
{
    char digits[16] = "";

    memcpy(digits, field, size < sizeof(digits) - 1 ? size : sizeof(digits) - 1);
    return strtoll(digits + strspn(digits, " "), NULL, 8);
}

static bool has_checksum(const char *header)
{
    int64_t sum = 0;

    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
    return sum == octal(header + 148, 8);
}

/* "27 path=a/b\n" records. */
static const char *pax_path(struct hl_arena *arena, const char *data, size_t length)
{
    const char *end = data + length;

    while (data < end) {
        size_t size = (size_t)strtoul(data, NULL, 10);
        const char *record = memchr(data, ' ', (size_t)(end - data));

        if (record == NULL || size == 0 || size > (size_t)(end - data))
            return NULL;
        record++;
        if (strncmp(record, "path=", 5) == 0)
            return hl_arena_copy(arena, record + 5, (size_t)(data + size - record) - 6);
        data += size;
    }
    return NULL;
}

static const char *name_of(struct hl_arena *arena, const char *header)
{
    const char *name = hl_arena_copy(arena, header, strnlen(header, NAME));
    const char *prefix = hl_arena_copy(arena, header + PREFIX, strnlen(header + PREFIX, PREFIX_SIZE));

    if (strncmp(header + 257, "ustar", 5) != 0 || *prefix == '\0')
        return name;
    return hl_arena_printf(arena, "%s/%s", prefix, name);
}

/* Absolute, below `base`, without "./" and a slash at the end. */
static const char *place(struct hl_arena *arena, const char *base, const char *name)
{
    char *path = NULL;
    size_t length = 0;

    while (hl_starts_with(name, "./") || *name == '/')
        name += *name == '/' ? 1 : 2;
    if (strcmp(name, ".") == 0)
        name = "";
    path = hl_arena_printf(arena, "%s/%s", strcmp(base, "/") == 0 ? "" : base, name);
    length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    return path;
}

static void add_file(struct hl_arena *arena, const char *header, const char *path, const char *data, size_t length, struct hl_map *files)
{
    struct docker_file *file = hl_arena_alloc(arena, sizeof(*file));

    *file = (struct docker_file){
        .path = path,
        .type = header[156] == '\0' ? '0' : header[156],
        .mode = octal(header + 100, 8) & 07777,
        .uid = octal(header + 108, 8),
        .gid = octal(header + 116, 8),
        .mtime = octal(header + 136, 12),
        .data = hl_arena_copy(arena, data, length),
        .link = hl_arena_copy(arena, header + LINK, strnlen(header + LINK, NAME)),
        .length = length,
    };
    hl_map_put(files, path, file);
}

bool docker_tar_read(struct hl_arena *arena, const char *data, size_t length, const char *base, struct hl_map *files)
{
    const char *long_name = NULL;
    size_t at = 0;

    while (at + BLOCK <= length && data[at] != '\0') {
        const char *header = data + at;
        int64_t size = octal(header + 124, 12);
        size_t blocks = 0;

        if (!has_checksum(header) || size < 0 || (size_t)size > length - at - BLOCK)
            return false;
        blocks = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
        if (header[156] == 'x') {
            long_name = pax_path(arena, header + BLOCK, (size_t)size);
        } else if (header[156] == 'L') {
            long_name = hl_arena_copy(arena, header + BLOCK, strnlen(header + BLOCK, (size_t)size));
        } else if (header[156] != 'g') {
            add_file(arena, header, place(arena, base, long_name == NULL ? name_of(arena, header) : long_name), header + BLOCK, (size_t)size, files);
            long_name = NULL;
        }
        at += BLOCK + blocks;
    }
    /* Cut off in the middle of something, or no archive at all. */
    return at <= length && (at == length || data[at] == '\0');
}

static void put_octal(char *field, size_t size, int64_t number)
{
    snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)number);
}

void docker_tar_put(struct hl_text *out, const struct docker_file *file, const char *name)
{
    char header[BLOCK] = "";
    char padding[BLOCK] = "";
    unsigned sum = 0;

    snprintf(header, NAME, "%s%s", name, file->type == '5' ? "/" : "");
    put_octal(header + 100, 8, file->mode);
    put_octal(header + 108, 8, file->uid);
    put_octal(header + 116, 8, file->gid);
    put_octal(header + 124, 12, file->type == '0' ? (int64_t)file->length : 0);
    put_octal(header + 136, 12, file->mtime);
    header[156] = file->type;
    snprintf(header + LINK, NAME, "%s", file->link);
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    hl_text_append(out, header, BLOCK);
    if (file->type != '0')
        return;
    hl_text_append(out, file->data, file->length);
    hl_text_append(out, padding, (BLOCK - file->length % BLOCK) % BLOCK);
}

void docker_tar_end(struct hl_text *out)
{
    static const char zeros[2 * BLOCK];

    hl_text_append(out, zeros, sizeof(zeros));
}
