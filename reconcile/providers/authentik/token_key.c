#include "config.h"

#include "reconcile/providers/authentik/token.h"

#include <string.h>

enum { KEY_LENGTH = 60 };

bool hl_authentik_key_view(struct hl_session *session, struct hl_arena *arena, const char *identifier, const char **key, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_authentik_get(session, arena, hl_authentik_token_path(arena, identifier, "view_key/"), &answer, err)) {
        if ((*err)->code == HL_E_AUTH)
            hl_error_hint(err, "the user of the provider's token needs the right view_token_key, as a superuser has it");
        return hl_wrap(err, "reading the key of token '%s'", identifier);
    }
    *key = hl_value_get_text(answer, "key");
    if (hl_is_blank(*key))
        return hl_fail(err, HL_E_UNREACHABLE, "the API tells no key of token '%s'", identifier);
    hl_redactor_add(session->run->redactor, *key, strlen(*key));
    return true;
}

/* The same key once more changes nothing, so it may be sent again. */
bool hl_authentik_key_set(struct hl_session *session, struct hl_arena *arena, const char *identifier, const char *key, struct hl_error **err)
{
    struct hl_value *body = hl_value_map(arena);
    const struct hl_authentik_call call = {.method = "POST", .path = hl_authentik_token_path(arena, identifier, "set_key/"), .body = body, .idempotent = true};

    hl_value_map_put_text(body, "key", key);
    if (hl_authentik_do(session, arena, &call, NULL, err))
        return true;
    if ((*err)->code == HL_E_AUTH)
        hl_error_hint(err, "the user of the provider's token needs the right set_token_key, as a superuser has it");
    return hl_wrap(err, "setting the key of token '%s'", identifier);
}

const char *hl_authentik_key_make(struct hl_arena *arena, const struct hl_run *run)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *key = hl_arena_alloc(arena, KEY_LENGTH + 1);

    for (size_t i = 0; i < KEY_LENGTH; i++)
        key[i] = letters[hl_random_below(sizeof letters - 1)];
    hl_redactor_add(run->redactor, key, KEY_LENGTH);
    return key;
}

void hl_authentik_key_probe(struct hl_session *session, const char *key, bool *taken)
{
    const struct hl_authentik_call call = {.method = "GET", .path = "/core/users/me/", .bearer = key};
    hl_auto(http_response) struct hl_http_response response = {0};
    hl_auto(error) struct hl_error *unknown = NULL;

    *taken = !hl_authentik_send(session, &call, &response, &unknown) || response.status != 403;
}
