/* A plan posted to a pull request and its commit, on the forge of that name ("github", "gitea", "forgejo", "gitlab"). */
#ifndef HL_TESTS_FUZZ_POST_H
#define HL_TESTS_FUZZ_POST_H

#include <stdatomic.h>
#include <stdbool.h>

/* False when there is no such forge. */
bool post_run(const char *name, const atomic_int *interrupts);

#endif
