/* What the two halves of the kind `token` share: token_read.c finds tokens and tells about them, token.c makes and removes them. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_TOKEN_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_TOKEN_H

#include "reconcile/providers/netbird/netbird_session.h"

/* "USER/TOKEN" apart; a user's id may have a '/' in it, a token's has none. *user is NULL when only a token's id is said. */
void hl_netbird_token_split(struct hl_arena *arena, const char *id, const char **user, const char **token);
const char *hl_netbird_token_id(struct hl_arena *arena, const char *user_id, const struct hl_value *token);
/* Of a service user's name or id, or of "me" (NULL and "" too), the id, in `arena`. HL_E_NOT_FOUND names candidates; HL_E_CONFLICT; HL_E_REJECTED: a person. */
bool hl_netbird_token_user(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* "/api/users/ID/tokens" */
const char *hl_netbird_tokens_path(struct hl_arena *arena, const char *user_id);
/* Reads the list anew. */
bool hl_netbird_load_tokens(struct hl_session *session, const char *user_id, const struct hl_value **tokens, struct hl_error **err) HL_MUST_CHECK;
void hl_netbird_forget_tokens(struct hl_session *session, const char *user_id);
/* Adds what a 403 about tokens means; returns false. */
bool hl_netbird_token_rights(struct hl_error **err);
const struct hl_value *hl_netbird_find_token(const struct hl_value *tokens, const char *id);
bool hl_netbird_token_is_over(const struct hl_session *session, const struct hl_value *token);
/* As field values. `desired` may be NULL; `value` is NULL when it was told to somebody else. */
struct hl_value *hl_netbird_token_values(struct hl_session *session, struct hl_arena *arena, const struct hl_value *token, const char *user_id,
                                         const struct hl_value *desired, const struct hl_value *value);
bool hl_netbird_token_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err);

#endif
