/* One JSON line a request: {"api","method","path","query","status","received_us","answered_us"}, with "fault" where one hit; status 0: no answer was sent.
 * The moments are microseconds of the wall clock: what lies between one answer and the next request is the client's. */
#ifndef HL_TESTS_LAB_LOG_H
#define HL_TESTS_LAB_LOG_H

#include "tests/lab/lab.h"

struct lab_log;

/* A log to nowhere when `path` is NULL; NULL with errno when the file cannot be opened. */
struct lab_log *lab_log_open(const char *path);
void lab_log_close(struct lab_log *log);
void lab_log_write(struct lab_log *log, const char *api, const struct lab_call *call, int status, const char *fault);

#endif
