/* OpenBao (and HashiCorp Vault, whose API it shares) as a place where secrets are read from and written to: the KV engine, version 2.
 *
 *     provider.c  the provider type: settings, readiness       place.c  `{openbao: {path:, key:}}` of the spec
 *     login.c     the token: given, or by AppRole              client.c calls, and errors in the server's words
 *     mount.c     whether a mount is there, and of version 2   kv.c     the keys of one path, changed by check-and-set
 *
 * It has no kinds of its own: the kind `secret` of the local provider uses a session of it. Everything may be called from several threads at once. */
#ifndef HL_RECONCILE_PROVIDERS_OPENBAO_OPENBAO_H
#define HL_RECONCILE_PROVIDERS_OPENBAO_OPENBAO_H

#include "reconcile/provider.h"

#include <pthread.h>

/* ---- place.c ---- */

/* One key of one path. */
struct hl_openbao_place {
    const char *mount; /* NULL: the provider's */
    const char *path;  /* within the mount, normalised: "netbird" or "a/b" */
    const char *key;
};

/* The rows of `openbao`, as source and as destination. */
extern const struct hl_field hl_openbao_place_fields[];
/* What they say, decoded; `name` is the secret's, the default of `key`. Borrows from `where`. */
struct hl_openbao_place hl_openbao_place(const struct hl_value *where, const char *name);
/* By which it is told from other places; in `arena`. With `key` false: by which its path is. */
const char *hl_openbao_identity(struct hl_arena *arena, const struct hl_value *where, const char *name, bool key);
/* "openbao secret/netbird NETBIRD_SETUP_KEY"; `session` may be NULL. */
const char *hl_openbao_describe(const struct hl_session *session, struct hl_arena *arena, const struct hl_openbao_place *place);

/* ---- kv.c ---- */

/* What stands at the key: any JSON, sensitive, in `arena`, not yet known to the redactor; *value is NULL when there is none. As it was when the path was read
 * first in this run, or, when `fresh`, as it is now. */
bool hl_openbao_read(struct hl_session *session, struct hl_arena *arena, const struct hl_openbao_place *place, bool fresh, struct hl_value **value,
                     struct hl_error **err) HL_MUST_CHECK;
/* Sets the key and leaves the path's other keys as they are. HL_E_CONFLICT when somebody else changes this key at the same time. May be done again after a
 * failure. */
bool hl_openbao_write(struct hl_session *session, const struct hl_openbao_place *place, const struct hl_value *value, struct hl_error **err) HL_MUST_CHECK;
/* Takes the key away; the last one takes the path's current version with it, which `bao kv undelete` brings back. A missing key is success. */
bool hl_openbao_remove(struct hl_session *session, const struct hl_openbao_place *place, struct hl_error **err) HL_MUST_CHECK;
/* To be held while a key is read, changed and read again: the path's. */
pthread_mutex_t *hl_openbao_lock(struct hl_session *session, const struct hl_openbao_place *place);

#endif
