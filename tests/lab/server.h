/* The generic parts among themselves; APIs see lab.h only. */
#ifndef HL_TESTS_LAB_SERVER_H
#define HL_TESTS_LAB_SERVER_H

#include "tests/lab/fault.h"
#include "tests/lab/lab.h"
#include "tests/lab/log.h"

#include <pthread.h>

/* --- server.c --- */

/* Opens all APIs, listens, writes DIR/lab.env; false with a message on stderr. */
bool lab_start(const struct lab_options *options, const struct lab_api *const *apis, size_t count, struct lab **out);
/* Breaks all connections off and gives everything back; removes the sockets. */
void lab_stop(struct lab *lab);
void lab_lock(struct lab *lab);
void lab_unlock(struct lab *lab);
/* Counts the call and tells which fault hits it, FAULT_NONE mostly. */
struct lab_fault_hit lab_take_fault(struct lab *lab, const char *method, const char *path);
/* In the place of all that there are; "" for none. False when `text` is none. */
bool lab_set_fault(struct lab *lab, const char *text);
struct lab_log *lab_log(struct lab *lab);

/* --- http.c --- */

/* Serves requests until the connection ends. */
void lab_serve_connection(struct lab *lab, const struct lab_api *api, void *data, int connection);

#endif
