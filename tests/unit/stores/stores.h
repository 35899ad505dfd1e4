/* A session of a store on a server of the test's own, and the local provider's world (tests/unit/local/world.h) that uses it. */
#ifndef HL_TESTS_UNIT_STORES_STORES_H
#define HL_TESTS_UNIT_STORES_STORES_H

#include "tests/unit/local/world.h"
#include "tests/unit/stores/infisical_world.h"
#include "tests/unit/stores/openbao_world.h"

extern const struct hl_provider_type hl_provider_infisical, hl_provider_openbao;

struct stores {
    struct world *world;
    struct server server;
    struct infisical infisical;
    struct openbao openbao;
    struct hl_session store;
    struct hl_session *used[2];
    const char *settings; /* as they were opened with */
};

/* For cmocka: *state is the struct stores, with a session of default settings. */
int infisical_setup(void **state);
int openbao_setup(void **state);
int stores_teardown(void **state);

/* Opens the store's session anew, as the next run does. `settings` is a flow mapping in JSON without the url; NULL: the former ones. */
bool stores_open(struct stores *stores, const char *settings, struct hl_error **err);
void stores_next_run(struct stores *stores);

/* As secret_new(), secret_change() and world_findings(), of a spec that declares providers infisical, openbao, and `other` of type infisical. */
struct secret stores_secret(struct stores *stores, const char *name, const char *body);
void stores_change(struct stores *stores, struct secret *secret, const char *body);
const char *stores_findings(struct stores *stores, const char *name, const char *body);

#endif
