/* A server of canned answers: a child process that gives the n-th request that it reads the n-th answer, whatever was asked,
 * and keeps a copy of each request. One connection at a time. */
#ifndef HL_TESTS_UNIT_TRANSPORT_CANNED_H
#define HL_TESTS_UNIT_TRANSPORT_CANNED_H

#include "schema/base/macros.h"

#include <stdatomic.h>
#include <sys/types.h>

enum { CANNED_REQUESTS = 16, CANNED_SIZE = 4096 };

enum canned_end { CANNED_KEEP, CANNED_CLOSE, CANNED_RESET };

struct canned_answer {
    const char *raw;     /* all bytes of it; NULL: none */
    enum canned_end end; /* what becomes of the connection behind it */
    int delay_ms;        /* before it */
};

/* In memory that both processes see. */
struct canned_log {
    atomic_int connections;
    atomic_int count;
    char requests[CANNED_REQUESTS][CANNED_SIZE];
};

struct canned {
    pid_t pid;
    int port; /* of 127.0.0.1; 0 when it listens on a socket */
    struct canned_log *log;
};

/* `socket_path` NULL: TCP. The last answer, with a NULL `raw` and CANNED_KEEP, ends the list; behind it all get a 500. */
void canned_start(struct canned *server, const struct canned_answer *answers, const char *socket_path);
void canned_stop(struct canned *server);

#endif
