#include "config.h"

#include "schema/base/arena.h"

#include "schema/base/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 1024, LARGEST_CHUNK = 1024 * 1024 };

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

struct hl_arena {
    struct chunk *newest; /* the one that small requests are cut from */
    size_t next_size;
    size_t total;
};

static HL_NORETURN void out_of_memory(void)
{
    fputs("hlrec: out of memory\n", stderr);
    abort();
}

void *hl_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *hl_realloc(void *memory, size_t size)
{
    void *larger = realloc(memory, size > 0 ? size : 1);

    if (larger == NULL)
        out_of_memory();
    return larger;
}

char *hl_strdup(const char *text)
{
    if (text == NULL)
        return NULL;

    size_t size = strlen(text) + 1;

    return memcpy(hl_alloc(size), text, size);
}

void hl_cleanup_heap_free(void *memory)
{
    free(memory);
}

struct hl_arena *hl_arena_new(void)
{
    struct hl_arena *arena = hl_alloc(sizeof(*arena));

    arena->next_size = FIRST_CHUNK;
    return arena;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *next = chunk->next;

        hl_wipe(chunk->data, chunk->used);
        free(chunk);
        chunk = next;
    }
}

void hl_arena_free(struct hl_arena *arena)
{
    if (arena == NULL)
        return;
    free_chunks(arena->newest);
    free(arena);
}

void hl_arena_reset(struct hl_arena *arena)
{
    struct chunk *kept = arena->newest;

    if (kept == NULL)
        return;
    free_chunks(kept->next);
    hl_wipe(kept->data, kept->used);
    kept->used = 0;
    kept->next = NULL;
    arena->total = sizeof(*kept) + kept->size;
}

/* The chunks go behind the newest one, whose room stays in use. */
void hl_arena_adopt(struct hl_arena *arena, struct hl_arena *other)
{
    struct chunk **end = arena->newest == NULL ? &arena->newest : &arena->newest->next;
    struct chunk *last = other->newest;

    if (last != NULL) {
        while (last->next != NULL)
            last = last->next;
        last->next = *end;
        *end = other->newest;
        arena->total += other->total;
    }
    free(other);
}

static struct chunk *new_chunk(struct hl_arena *arena, size_t size)
{
    struct chunk *chunk = hl_alloc(sizeof(*chunk) + size);

    chunk->size = size;
    arena->total += sizeof(*chunk) + size;
    return chunk;
}

/* A large request gets a chunk to itself, behind the newest one: the room that is left there stays in use. */
static struct chunk *add_large(struct hl_arena *arena, size_t size)
{
    struct chunk *chunk = new_chunk(arena, size);

    if (arena->newest == NULL) {
        arena->newest = chunk;
    } else {
        chunk->next = arena->newest->next;
        arena->newest->next = chunk;
    }
    return chunk;
}

static struct chunk *add_small(struct hl_arena *arena)
{
    struct chunk *chunk = new_chunk(arena, arena->next_size);

    chunk->next = arena->newest;
    arena->newest = chunk;
    if (arena->next_size < LARGEST_CHUNK)
        arena->next_size *= 2;
    return chunk;
}

/* `unit` is a power of two. */
static void *cut(struct hl_arena *arena, size_t size, size_t unit)
{
    struct chunk *chunk = arena->newest;
    size_t from = chunk == NULL ? 0 : (chunk->used + unit - 1) & ~(unit - 1);

    if (size > SIZE_MAX / 2)
        out_of_memory();
    if (chunk == NULL || from > chunk->size || chunk->size - from < size) {
        chunk = size > arena->next_size / 4 ? add_large(arena, size) : add_small(arena);
        from = 0;
    }
    chunk->used = from + size;
    return chunk->data + from;
}

void *hl_arena_alloc(struct hl_arena *arena, size_t size)
{
    return cut(arena, size > 0 ? size : 1, _Alignof(max_align_t));
}

/* Texts stand close: there are more of them than of anything else. */
char *hl_arena_copy(struct hl_arena *arena, const char *text, size_t length)
{
    char *copy = cut(arena, length + 1, 1);

    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *hl_arena_strdup(struct hl_arena *arena, const char *text)
{
    return text == NULL ? NULL : hl_arena_copy(arena, text, strlen(text));
}

char *hl_arena_vprintf(struct hl_arena *arena, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);

    char none[1];
    int length = vsnprintf(none, sizeof none, format, again);

    va_end(again);
    if (length < 0)
        out_of_memory();

    char *text = cut(arena, (size_t)length + 1, 1);

    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *hl_arena_printf(struct hl_arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *text = hl_arena_vprintf(arena, format, args);

    va_end(args);
    return text;
}

size_t hl_arena_size(const struct hl_arena *arena)
{
    return arena->total;
}
