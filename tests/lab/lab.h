/* The lab: simulated APIs on loopback, for tests and demonstrations.
 *
 * Each API is one `struct lab_api`. The server reads a request, applies --latency and --fault, calls the API's serve() with
 * the one lock of the lab held, logs the request and sends the answer. So an API needs no locks of its own; what it has to wait
 * for, it waits for with lab_wait(), which lets the others in meanwhile (look everything up again afterwards).
 *
 * serve() either fills the answer with one of lab_answer_*(), or streams: lab_stream_begin(), then lab_stream_write() as often as it
 * likes; returning ends the stream. The call's arena lives until the answer is sent. */
#ifndef HL_TESTS_LAB_LAB_H
#define HL_TESTS_LAB_LAB_H

#include "schema/base/json.h"

struct lab;
struct lab_call;

struct lab_api {
    const char *name;     /* "docker", in the log */
    const char *variable; /* "HLREC_LAB_DOCKER", in DIR/lab.env */
    const char *socket;   /* file name in DIR, or NULL */
    const char *scheme;   /* of the TCP address in lab.env: "http", "tcp"; NULL: no TCP */
    void *(*open)(struct lab *lab);
    void (*close)(void *data);
    void (*serve)(void *data, struct lab_call *call);
};

struct lab_options {
    const char *directory;
    const char *log;           /* file, or NULL */
    const char *const *faults; /* 'METHOD PATHGLOB NTH HOW' */
    size_t faults_count;
    int64_t latency_ms;
    int64_t docker_minor; /* Docker API 1.<this> */
    const char *netbird;  /* its version: "0.66.0" ... */
    const char *infisical;
    const char *authentik;
    const char *only;   /* name of the one API that is served; NULL: all */
    const char *listen; /* ADDRESS:PORT of that one instead of a free port on loopback; NULL */
    const char *data;   /* folder where APIs keep what they hold; NULL: nowhere */
};

/* --- What an API may ask --- */

const struct lab_options *lab_options(const struct lab *lab);
/* Wall clock. */
int64_t lab_now_ns(void);
/* Sleeps until something changes or `ms` are over, with the lock released; false when the lab is ending. */
bool lab_wait(struct lab *lab, int64_t ms);
/* Sleeps until that moment, whatever changes. */
bool lab_wait_until(struct lab *lab, int64_t until_ns);
/* Something changed: wakes all that wait. */
void lab_notify(struct lab *lab);

/* What API `name` kept in --data at last, or NULL. Lists and maps that may be changed. */
struct hl_value *lab_load(const struct lab *lab, struct hl_arena *arena, const char *name);
/* Keeps it, atomically; does nothing without --data. */
void lab_save(const struct lab *lab, const char *name, const struct hl_value *value);

/* --- One request --- */

struct lab_call {
    struct lab *lab;
    struct hl_arena *arena;
    const char *method;
    const char *path;       /* as requested, without the query */
    const char *query_text; /* "" when there is none */
    struct hl_value *query; /* name -> text, decoded; of equal names the last */
    struct hl_map headers;  /* lower-case name -> const char * */
    const char *body;       /* NUL-terminated */
    size_t body_length;
    int64_t received_ns; /* when all of it was there */

    /* The answer. */
    int status;
    struct hl_text reply_headers; /* lines with CRLF */
    struct hl_text reply;

    /* The server's own. */
    int connection;
    bool streams, chunked, mute, cut, broken;
};

const char *lab_header(const struct lab_call *call, const char *name); /* lower case; NULL when absent */
const char *lab_query(const struct lab_call *call, const char *name);  /* "" when absent */
/* As Go's ParseBool: 1, t, true. */
bool lab_query_flag(const struct lab_call *call, const char *name);
/* %XX decoded, in the call's arena; `plus`: '+' is a blank. */
char *lab_decode(struct hl_arena *arena, const char *text, size_t length, bool plus);

void lab_put_header(struct lab_call *call, const char *name, const char *format, ...) HL_PRINTF(3, 4);
void lab_answer(struct lab_call *call, int status); /* no body */
void lab_answer_json(struct lab_call *call, int status, const struct hl_value *value);
void lab_answer_bytes(struct lab_call *call, int status, const char *type, const char *data, size_t length);
void lab_answer_text(struct lab_call *call, int status, const char *type, const char *format, ...) HL_PRINTF(4, 5);

/* Sends the head at once. Without `chunked`, the end of the connection is the end of the answer, as it is with status 101. */
void lab_stream_begin(struct lab_call *call, int status, const char *type, bool chunked);
/* With the lock released; false when the client is gone. */
bool lab_stream_write(struct lab_call *call, const char *data, size_t length);
/* For streams that have nothing to say for a while. */
bool lab_client_is_gone(const struct lab_call *call);
/* Bytes that the client sends behind its request (status 101); 0 at the end. */
size_t lab_stream_read(struct lab_call *call, char *data, size_t size);

#endif
