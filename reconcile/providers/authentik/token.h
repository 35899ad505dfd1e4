/* What token.c, token_read.c and token_key.c share. */
#ifndef HL_RECONCILE_PROVIDERS_AUTHENTIK_TOKEN_H
#define HL_RECONCILE_PROVIDERS_AUTHENTIK_TOKEN_H

#include "reconcile/providers/authentik/authentik.h"

/* `renewal` of a token that needs no new key. */
extern const char hl_authentik_not_due[];

/* "/core/tokens/IDENTIFIER/" and what follows. */
const char *hl_authentik_token_path(struct hl_arena *arena, const char *identifier, const char *action);
/* The lifetime that `expires` says; 0 for `never`, and when it is not said. */
int64_t hl_authentik_token_lifetime(const struct hl_value *body);

/* What a token's live values are made from. */
struct hl_authentik_token_view {
    const struct hl_value *told;    /* the API's object */
    const struct hl_value *desired; /* or as recorded; may be NULL */
    const char *expires;            /* what `expires` is, as far as authentik does not end the token; NULL: as desired */
    const char *value;              /* its key; NULL: not known */
    int64_t renewed_at;             /* when the key was set, Unix milliseconds */
};
struct hl_value *hl_authentik_token_live(struct hl_arena *arena, const struct hl_run *run, const struct hl_authentik_token_view *view);
bool hl_authentik_token_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err);
bool hl_authentik_token_recover(struct hl_recovery *recovery, struct hl_error **err);
bool hl_authentik_token_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err);

/* ---- token_key.c ---- */

/* The key as the API shows it; each look is an event in authentik's log. In `arena`, and known to the redactor. */
bool hl_authentik_key_view(struct hl_session *session, struct hl_arena *arena, const char *identifier, const char **key, struct hl_error **err) HL_MUST_CHECK;
bool hl_authentik_key_set(struct hl_session *session, struct hl_arena *arena, const char *identifier, const char *key, struct hl_error **err) HL_MUST_CHECK;
/* A new one of 60 characters, as authentik makes them. */
const char *hl_authentik_key_make(struct hl_arena *arena, const struct hl_run *run);
/* Whether the API takes this key: no look at the key, so no event. *taken stays true when that could not be found out. */
void hl_authentik_key_probe(struct hl_session *session, const char *key, bool *taken);

#endif
