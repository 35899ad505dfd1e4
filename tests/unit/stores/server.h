/* A small HTTP server in threads of the test, for what answers by what it holds. One mutex is held while a call is answered. */
#ifndef HL_TESTS_UNIT_STORES_SERVER_H
#define HL_TESTS_UNIT_STORES_SERVER_H

#include "schema/base/json.h"

#include <pthread.h>

enum { SERVER_CONNECTIONS = 32 };

struct call {
    const char *method, *path, *query; /* path without the query, not decoded */
    const char *token;                 /* Authorization without "Bearer ", or X-Vault-Token; "" */
    const char *namespace, *type;      /* X-Vault-Namespace, Content-Type; "" */
    const struct hl_value *body;       /* JSON, or NULL */
    struct hl_arena *arena;
    int status;
    struct hl_text reply;
};

/* What goes wrong with the next calls whose "METHOD path" begins with this. */
struct fault {
    const char *call;
    int times;
    int status;          /* 0: the call is done, and its answer lost */
    const char *headers; /* lines with CRLF, or NULL */
    const char *body;
};

struct server {
    void (*serve)(void *world, struct call *call);
    void *world;
    struct fault fault;
    struct hl_text log; /* "METHOD path\n" */
    int listener, port;
    bool ending;
    pthread_mutex_t lock;
    pthread_t thread;
    pthread_t workers[SERVER_CONNECTIONS];
    int connections[SERVER_CONNECTIONS];
    size_t count;
};

void server_start(struct server *server, void (*serve)(void *world, struct call *call), void *world);
void server_stop(struct server *server);
/* How many calls so far begin with this, as in the log. */
size_t server_calls(struct server *server, const char *begin);
void server_forget(struct server *server);

void answer(struct call *call, int status, const char *format, ...) HL_PRINTF(3, 4);
void answer_json(struct call *call, int status, const struct hl_value *value);
/* A parameter of the query, decoded; "" when it is not there. */
const char *query_get(const struct call *call, const char *name);
/* %XX decoded. */
const char *decoded(struct hl_arena *arena, const char *text, size_t length);

#endif
