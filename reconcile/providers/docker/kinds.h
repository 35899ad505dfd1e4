/* What the registry lists of this provider. */
#ifndef HL_DOCKER_KINDS_H
#define HL_DOCKER_KINDS_H

#include "schema/kind.h"

extern const struct hl_provider_type hl_provider_docker;
extern const struct hl_kind hl_kind_container, hl_kind_network, hl_kind_volume;

#endif
