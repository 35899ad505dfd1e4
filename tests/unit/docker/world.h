/* Bodies of containers and networks from YAML, values from and to JSON, for tables of expectations. */
#ifndef HL_TESTS_UNIT_DOCKER_WORLD_H
#define HL_TESTS_UNIT_DOCKER_WORLD_H

#include "reconcile/provider.h"

/* The body of container `web` (or network, volume: `kind`), decoded and completed; `yaml` is a flow mapping: "{image: nginx}". The spec around it has a network
 * `back` with the name `proj_back`, a volume `data` with the name `proj_data` and a container `vpn`. The environment has OWN=mine; the files are "app.env",
 * "app.conf" (a template with ${NAME}) and "plain.txt". Findings go to `findings` as "message (hint)\n..."; NULL asserts that there are none. */
struct hl_value *hl_body(struct hl_arena *arena, const char *kind, const char *yaml, const char **findings);
struct hl_value *hl_parse(struct hl_arena *arena, const char *json);
/* Canonical JSON; sensitive values behind '!', unknown ones as "?name". */
const char *hl_shown(struct hl_arena *arena, const struct hl_value *value);
/* For tables: prints the label and both texts when they differ, and goes on; hl_expect_end() then fails the test. */
void hl_expect_text(const char *label, const char *expected, const char *actual);
void hl_expect_end(void);

#endif
