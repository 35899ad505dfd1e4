/* What an OpenBao holds and does, as much as a store's client meets (secrets.md 3; the answers are those of OpenBao 2.7): mounts `secret` and `team/kv` of KV
 * version 2, `old` of version 1, `pki` of something else. */
#ifndef HL_TESTS_UNIT_STORES_OPENBAO_WORLD_H
#define HL_TESTS_UNIT_STORES_OPENBAO_WORLD_H

#include "tests/unit/stores/server.h"

struct openbao {
    struct hl_arena *arena;
    struct hl_map paths; /* "secret/netbird" -> struct openbao_path * */
    int logins;
    char token[40];
    /* Switches. */
    bool no_patch, no_delete; /* policies without them */
    bool no_look_up;          /* nor the policy `default` */
    bool sealed;
    int lease_s;
    /* Called before a change is looked at: somebody else who is faster. */
    void (*meanwhile)(struct openbao *world, const char *place);
};

struct openbao_path {
    int64_t version;
    struct hl_value *data; /* NULL: the current version is deleted */
};

void openbao_open(struct openbao *world);
void openbao_close(struct openbao *world);
void openbao_serve(void *world, struct call *call);
/* A new version of "secret/netbird", from JSON; NULL deletes the current one. */
void openbao_put(struct openbao *world, const char *place, const char *json);
/* Canonical JSON; NULL: not there, or deleted. */
const char *openbao_get(struct openbao *world, const char *place);
int64_t openbao_version(struct openbao *world, const char *place);

#endif
