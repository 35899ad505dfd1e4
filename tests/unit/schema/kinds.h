/* A small world of made-up kinds and providers, so that the language is tested without any real system. */
#ifndef HL_TESTS_UNIT_SCHEMA_KINDS_H
#define HL_TESTS_UNIT_SCHEMA_KINDS_H

#include "schema/kind.h"

/* box (implicit): secrets, networks, containers. cloud: routers, groups, tokens. vault: tokens too. */
extern const struct hl_registry hl_test_registry;
/* The fields of a container: every type and form. */
extern const struct hl_field hl_test_container_fields[];

#endif
