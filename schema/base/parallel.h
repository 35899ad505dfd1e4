/* Work side by side in threads. */
#ifndef HL_SCHEMA_BASE_PARALLEL_H
#define HL_SCHEMA_BASE_PARALLEL_H

#include <stddef.h>

/* Calls visit(context, 0..count-1) from up to `threads` threads, one of which is the caller's, begun in the order of the indices; returns when all are done.
 * Each call must only touch what is its own. Where the system gives fewer threads, it takes longer. */
void hl_parallel(size_t count, size_t threads, void (*visit)(void *context, size_t index), void *context);

enum { HL_PROCESSORS_MOST = 16 };
/* How many threads are of use for work that waits for nothing: the processors of the machine, at least 1 and at most HL_PROCESSORS_MOST. */
size_t hl_processors(void);

#endif
