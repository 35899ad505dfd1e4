/* Memory with one common lifetime: a run's spec, plan and values are never freed one by one.
 *
 * Not thread-safe: each worker has an arena of its own, and what outlives it is copied (hl_value_copy) or adopted. Freed memory is
 * wiped first, since values of secrets live in arenas. Running out of memory aborts: the journal makes that safe. */
#ifndef HL_SCHEMA_BASE_ARENA_H
#define HL_SCHEMA_BASE_ARENA_H

#include "schema/base/macros.h"

#include <stdarg.h>

struct hl_arena;

struct hl_arena *hl_arena_new(void);
/* Wipes and frees all that came from the arena; NULL is fine. */
void hl_arena_free(struct hl_arena *arena);
/* Wipes all that came from it, and keeps some of the memory for what comes next: for work that is done over and over. */
void hl_arena_reset(struct hl_arena *arena);
/* Zeroed memory, aligned for any type. */
void *hl_arena_alloc(struct hl_arena *arena, size_t size);
/* Copies with a NUL behind. `text` may hold NULs. */
char *hl_arena_copy(struct hl_arena *arena, const char *text, size_t length);
/* NULL gives NULL. */
char *hl_arena_strdup(struct hl_arena *arena, const char *text);
char *hl_arena_printf(struct hl_arena *arena, const char *format, ...) HL_PRINTF(2, 3);
char *hl_arena_vprintf(struct hl_arena *arena, const char *format, va_list args) HL_PRINTF(2, 0);
/* All that came from `other`, which is gone after this, lives as long as what came from `arena`: for what a worker made. */
void hl_arena_adopt(struct hl_arena *arena, struct hl_arena *other);
/* Bytes asked of the system so far; for the bench. */
size_t hl_arena_size(const struct hl_arena *arena);

static inline void hl_cleanup_arena(struct hl_arena **arena)
{
    hl_arena_free(*arena);
}

/* malloc and friends that abort when memory runs out. What hl_alloc gives is zeroed; hl_strdup(NULL) is NULL. */
void *hl_alloc(size_t size);
void *hl_realloc(void *memory, size_t size);
char *hl_strdup(const char *text);

/* For `hl_auto(heap) char *copy = ...;` */
void hl_cleanup_heap_free(void *memory);
static inline void hl_cleanup_heap(void *memory_pointer)
{
    hl_cleanup_heap_free(*(void **)memory_pointer);
}

#endif
