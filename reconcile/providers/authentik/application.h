/* What the files of the kind `application` share: an application is two objects of the API, itself and its OAuth2 provider. */
#ifndef HL_RECONCILE_PROVIDERS_AUTHENTIK_APPLICATION_H
#define HL_RECONCILE_PROVIDERS_AUTHENTIK_APPLICATION_H

#include "reconcile/providers/authentik/authentik.h"

enum hl_authentik_part { HL_AUTHENTIK_APPLICATION, HL_AUTHENTIK_PROVIDER };

extern const struct hl_field hl_authentik_application_fields[];
/* What fields are that the spec does not name when the application is made. */
extern const char *const hl_authentik_default_scopes[];
extern const char hl_authentik_default_key[], hl_authentik_default_authorization[], hl_authentik_default_invalidation[];
/* `signing_key: none`, and what is told where the API has null. */
extern const char hl_authentik_none[];
/* `provider_state`. */
extern const char hl_authentik_present[], hl_authentik_missing[];

/* "/core/applications/SLUG/", "/providers/oauth2/PK/" */
const char *hl_authentik_application_path(struct hl_arena *arena, const char *slug);
const char *hl_authentik_provider_path(struct hl_arena *arena, int64_t pk);

/* ---- application_parts.c: between the spec's fields and the API's members ---- */

/* Live values from the API's two objects; `provider` NULL: it has none. `desired` (may be NULL) says how names are spelled. */
struct hl_value *hl_authentik_application_live(struct hl_session *session, struct hl_arena *arena, const struct hl_value *application,
                                               const struct hl_value *provider, const struct hl_value *desired);
/* The body that makes one part of an action's object: all that the spec says, and defaults. The provider's name carries the mark. */
bool hl_authentik_part_body(struct hl_op *op, enum hl_authentik_part part, struct hl_value *body, struct hl_error **err) HL_MUST_CHECK;
/* The body that changes what the action changes of one part; `former` is the API's object, for what of it is kept (NULL: nothing). */
bool hl_authentik_part_changes(struct hl_op *op, enum hl_authentik_part part, const struct hl_value *former, struct hl_value *body,
                               struct hl_error **err) HL_MUST_CHECK;

/* ---- application_read.c ---- */

bool hl_authentik_application_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err);
bool hl_authentik_application_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list,
                                        struct hl_error **err);

/* ---- application_write.c ---- */

bool hl_authentik_application_create(struct hl_op *op, struct hl_error **err);
bool hl_authentik_application_update(struct hl_op *op, struct hl_error **err);
bool hl_authentik_application_remove(struct hl_op *op, struct hl_error **err);

#endif
