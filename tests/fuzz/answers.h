/* A transport whose answers are the input: in place of reconcile/transport/http.c, http_client.c and parallel.c, which are then not linked.
 *
 *     netbird                                    the first line is the world, see world.h
 *     @ GET /api/groups 200                      which call; any answer may be given to any call
 *     [{"id": "1", "name": "All"}]
 *     @ POST /api/groups 201 Location: /x|Link: y
 *     ...
 *
 * Method FILE is no call: answers_file() gives what stands there. A call gets the first answer for its method and path that was not given yet, else the last
 * one for it, else the next of its method, else a 404. Status 0 is a connection that breaks. After MOST_CALLS (or as many pauses) the run is interrupted, so
 * that a loop that an API can keep up for ever ends as an abort. */
#ifndef HL_TESTS_FUZZ_ANSWERS_H
#define HL_TESTS_FUZZ_ANSWERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows nothing. The name of the world, until answers_end(). */
const char *answers_begin(const uint8_t *data, size_t size);
void answers_end(void);
/* The body of "@ FILE name 200", or NULL. */
const char *answers_file(const char *name, size_t *length);
/* What a run's `interrupts` point to: 2 when there were too many calls. */
extern atomic_int answers_interrupts;

#endif
