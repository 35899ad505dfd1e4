/* A session with a server of scripted answers behind it: a thread on loopback, spoken to by the real client. */
#ifndef HL_TESTS_UNIT_NETBIRD_FAKE_H
#define HL_TESTS_UNIT_NETBIRD_FAKE_H

#include "reconcile/providers/netbird/netbird_session.h"

/* `request` is "GET /api/groups". Rows of the same request are given in their order, the last of them from then on. A request that has no row is answered as
 * NetBird does: 404, text/plain. */
struct fake_answer {
    const char *request;
    int status;       /* 0: the connection is cut after the request was read */
    const char *body; /* JSON when it begins with { or [ */
};

struct fake {
    struct hl_session session;
    struct hl_run run;
    struct hl_arena *arena;
    struct fake_server *server;
};

/* `answers` ends with a NULL `request` and outlives the session. The run's clock stands at 2026-11-23T12:00:00Z. */
void fake_open(struct fake *fake, const struct fake_answer *answers);
void fake_close(struct fake *fake);
/* All requests so far that change something, a line each: "POST /api/groups {...}". In the fake's arena. */
const char *fake_writes(struct fake *fake);
/* How often it was asked for. */
size_t fake_count(struct fake *fake, const char *request);

struct hl_value *fake_json(struct fake *fake, const char *json);
/* Canonical JSON; sensitive values behind '!'. */
const char *fake_shown(struct fake *fake, const struct hl_value *value);
/* The error's chain as one line, which is then freed. */
const char *fake_error(struct fake *fake, struct hl_error **err);

#endif
