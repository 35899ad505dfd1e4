/* Infisical as a place where secrets are read from and written to (self-hosted or the cloud; the API of 2023 to 2026).
 *
 *     provider.c  the provider type: settings, readiness       place.c    `{infisical: {path:, key:}}` of the spec
 *     login.c     the access token                             client.c   calls, and errors in Infisical's words
 *     project.c   slugs to ids, environments                   folder.c   the secrets of one folder, listed once a run
 *     secret.c    reading, writing and removing one secret     value.c    what Infisical does to values
 *
 * It has no kinds of its own: the kind `secret` of the local provider uses a session of it. Everything may be called from several threads at once. */
#ifndef HL_RECONCILE_PROVIDERS_INFISICAL_INFISICAL_H
#define HL_RECONCILE_PROVIDERS_INFISICAL_INFISICAL_H

#include "reconcile/provider.h"

#include <pthread.h>

/* ---- place.c ---- */

/* One secret of Infisical. */
struct hl_infisical_place {
    const char *project;     /* slug or id; NULL: the provider's */
    const char *environment; /* slug; NULL: the provider's */
    const char *path;        /* of the folder, normalised: "/" or "/a/b" */
    const char *key;
};

/* The rows of `infisical`, as source and as destination. */
extern const struct hl_field hl_infisical_place_fields[];
/* What they say, decoded; `name` is the secret's, the default of `key`. Borrows from `where`. */
struct hl_infisical_place hl_infisical_place(const struct hl_value *where, const char *name);
/* Findings across the rows: whether `key` or the secret's name can be a key. */
void hl_infisical_check(struct hl_check *check, const struct hl_value *where, struct hl_span at);
/* By which it is told from other places; in `arena`. With `key` false: by which its folder is. */
const char *hl_infisical_identity(struct hl_arena *arena, const struct hl_value *where, const char *name, bool key);
/* "infisical /netbird NETBIRD_SETUP_KEY (project homelab-prod, environment prod)"; `session` may be NULL. */
const char *hl_infisical_describe(const struct hl_session *session, struct hl_arena *arena, const struct hl_infisical_place *place);

/* ---- secret.c ---- */

struct hl_infisical_secret {
    bool folder_exists;
    bool rotated;           /* Infisical makes its values by itself, and takes none from others */
    struct hl_value *value; /* text, sensitive, not yet known to the redactor; NULL when there is no such secret */
};

/* The secret as the folder's list has it, or, when `fresh`, as it is now. A value that the identity may not see is an error (HL_E_AUTH). */
bool hl_infisical_read(struct hl_session *session, struct hl_arena *arena, const struct hl_infisical_place *place, bool fresh, struct hl_infisical_secret *out,
                       struct hl_error **err) HL_MUST_CHECK;
/* Whether Infisical would keep this value as it is: HL_E_FAILED with the reason when not. What stands there already is always fine. */
bool hl_infisical_takes(struct hl_session *session, const struct hl_infisical_place *place, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
/* Makes the secret or changes its value; makes missing folders. A change that waits for somebody's approval is an error: nothing is stored yet. May be done
 * again after a failure: one that was stored although its answer was lost is found. */
bool hl_infisical_write(struct hl_session *session, const struct hl_infisical_place *place, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
/* A missing secret is success. Folders stay. */
bool hl_infisical_remove(struct hl_session *session, const struct hl_infisical_place *place, struct hl_error **err) HL_MUST_CHECK;
/* To be held while a secret is read, changed and read again. */
pthread_mutex_t *hl_infisical_lock(struct hl_session *session, const struct hl_infisical_place *place);

#endif
