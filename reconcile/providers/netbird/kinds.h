/* What the registry lists of this provider. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_KINDS_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_KINDS_H

#include "schema/kind.h"

extern const struct hl_kind hl_kind_group, hl_kind_setup_key;
extern const struct hl_kind hl_kind_route, hl_kind_policy, hl_kind_nameserver, hl_kind_mesh_network, hl_kind_mesh_resource, hl_kind_mesh_router;
extern const struct hl_kind hl_kind_identity_provider, hl_kind_proxy_token;
extern const struct hl_kind hl_kind_netbird_user, hl_kind_netbird_token;

#endif
