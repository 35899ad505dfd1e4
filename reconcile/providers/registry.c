/* All kinds and provider types: the one place that a new one is added to. */
#include "config.h"

#include "reconcile/provider.h"
#include "reconcile/providers/docker/kinds.h"

extern const struct hl_kind hl_kind_router, hl_kind_service, hl_kind_middleware, hl_kind_secret;
extern const struct hl_provider_type hl_provider_traefik, hl_provider_local;

static const struct hl_kind *const kinds[] = {
    &hl_kind_secret, &hl_kind_network, &hl_kind_volume, &hl_kind_container, &hl_kind_service, &hl_kind_middleware, &hl_kind_router, NULL,
};

static const struct hl_provider_type *const providers[] = {
    &hl_provider_docker,
    &hl_provider_traefik,
    &hl_provider_local,
    NULL,
};

const struct hl_registry hl_registry = {.kinds = kinds, .providers = providers};
