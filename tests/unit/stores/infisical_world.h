/* What an Infisical holds and does, as much as a store's client meets (secrets.md 1): one project with environments dev and prod. */
#ifndef HL_TESTS_UNIT_STORES_INFISICAL_WORLD_H
#define HL_TESTS_UNIT_STORES_INFISICAL_WORLD_H

#include "tests/unit/stores/server.h"

#define INFISICAL_PROJECT "11111111-2222-4333-8444-555555555555"

enum { INFISICAL_SECRETS = 64 };

struct infisical_secret {
    char place[200]; /* "prod /netbird KEY" */
    char value[2000];
    char comment[100];
    bool rotated;
};

struct infisical {
    struct hl_map folders; /* "prod /a" */
    struct hl_arena *arena;
    struct infisical_secret secrets[INFISICAL_SECRETS];
    size_t count;
    int logins;
    char token[40];
    /* Switches. */
    bool old;            /* no v4, folders v2, projects: v3 raw, folders v1, workspaces */
    bool lists_nothing;  /* a folder that is missing lists as an empty one */
    bool approval;       /* changes wait for somebody */
    bool hides;          /* no value may be seen */
    int ttl_s;           /* of tokens; 0: no end */
    const char *service; /* scope path of a service token, "" for none other */
};

void infisical_open(struct infisical *world);
void infisical_close(struct infisical *world);
void infisical_serve(void *world, struct call *call);
/* NULL takes it away. "prod /netbird KEY" */
void infisical_put(struct infisical *world, const char *place, const char *value);
struct infisical_secret *infisical_find(struct infisical *world, const char *place);
const char *infisical_value(struct infisical *world, const char *place); /* NULL: not there */

#endif
