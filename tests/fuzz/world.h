/* One stack with the providers of tests/fuzz/worlds/NAME.yaml, and all that hlrec ever asks of them, in the order of a real use of it: made, looked at again,
 * changed (the variable `v` is 2 then), recovered after a crash, deleted. Everything that the providers tell is planned with and shown.
 *
 * It stands where the engine does, without state, threads and journal: verbs are called one after the other, and what they give is recorded in memory. */
#ifndef HL_TESTS_FUZZ_WORLD_H
#define HL_TESTS_FUZZ_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct world_options {
    const char *name;                                      /* of the file, without .yaml */
    const atomic_int *interrupts;                          /* as struct hl_run has it */
    const char *(*file)(const char *name, size_t *length); /* what Traefik's folder holds at the beginning; may be NULL */
};

/* False when there is no such world. */
bool world_run(const struct world_options *options);

#endif
