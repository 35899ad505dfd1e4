/* All kinds and provider types: the one place that a new one is added to. */
#include "config.h"

#include "reconcile/provider.h"
#include "reconcile/providers/authentik/kinds.h"
#include "reconcile/providers/docker/kinds.h"
#include "reconcile/providers/netbird/kinds.h"

extern const struct hl_kind hl_kind_router, hl_kind_service, hl_kind_middleware, hl_kind_secret;
extern const struct hl_provider_type hl_provider_traefik, hl_provider_local, hl_provider_netbird;
extern const struct hl_provider_type hl_provider_infisical, hl_provider_openbao;

static const struct hl_kind *const kinds[] = {
    &hl_kind_secret,        &hl_kind_network,
    &hl_kind_volume,        &hl_kind_container,
    &hl_kind_service,       &hl_kind_middleware,
    &hl_kind_router,        &hl_kind_group,
    &hl_kind_setup_key,     &hl_kind_route,
    &hl_kind_policy,        &hl_kind_nameserver,
    &hl_kind_mesh_network,  &hl_kind_mesh_resource,
    &hl_kind_mesh_router,   &hl_kind_netbird_user,
    &hl_kind_netbird_token, &hl_kind_identity_provider,
    &hl_kind_proxy_token,   &hl_kind_authentik_token,
    &hl_kind_application,   NULL,
};

static const struct hl_provider_type *const providers[] = {
    &hl_provider_docker,    &hl_provider_traefik, &hl_provider_local,     &hl_provider_netbird,
    &hl_provider_infisical, &hl_provider_openbao, &hl_provider_authentik, NULL,
};

const struct hl_registry hl_registry = {.kinds = kinds, .providers = providers};
