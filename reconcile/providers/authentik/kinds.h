/* What the registry lists of this provider. */
#ifndef HL_RECONCILE_PROVIDERS_AUTHENTIK_KINDS_H
#define HL_RECONCILE_PROVIDERS_AUTHENTIK_KINDS_H

#include "schema/kind.h"

extern const struct hl_provider_type hl_provider_authentik;
extern const struct hl_kind hl_kind_authentik_token, hl_kind_application;

#endif
