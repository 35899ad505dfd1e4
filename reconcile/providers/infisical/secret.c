#include "config.h"

#include "reconcile/providers/infisical/session.h"
#include "schema/base/crypto.h"

#include <string.h>

enum { MOST_TRIES = 3 };

/* ---- reading ---- */

static bool fail_hidden(const struct hl_infisical *store, struct hl_error **err)
{
    hl_fail(err, HL_E_AUTH, "Infisical hides the value from the identity of provider '%s'", store->name);
    return hl_error_hint(err, "give its role the right to read secret values, not only to describe secrets");
}

static bool take_entry(const struct hl_infisical *store, struct hl_infisical_folder *folder, struct hl_arena *arena, const char *key,
                       struct hl_infisical_secret *out, struct hl_error **err)
{
    bool hidden = false;

    pthread_mutex_lock(&folder->lock);
    const struct hl_infisical_entry *entry = hl_map_find(&folder->entries, key);
    *out = (struct hl_infisical_secret){.folder_exists = folder->exists};
    if (entry != NULL) {
        hidden = entry->value == NULL;
        out->rotated = entry->rotated;
        if (!hidden)
            out->value = hl_value_mark_sensitive(hl_value_bytes(arena, entry->value, entry->length));
    }
    pthread_mutex_unlock(&folder->lock);
    return !hidden || fail_hidden(store, err);
}

/* One secret as it is now goes into the list. */
static bool ask_again(struct hl_infisical *store, struct hl_infisical_folder *folder, const char *key, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!hl_infisical_send_secret(store, folder, "GET", key, NULL, &response, err))
        return false;
    switch (hl_infisical_outcome_of(&response)) {
    case HL_INFISICAL_NO_FOLDER:
        hl_infisical_folder_gone(folder);
        return true;
    case HL_INFISICAL_NO_SECRET:
        hl_infisical_learn(folder, key, NULL);
        return true;
    case HL_INFISICAL_FINE:
    case HL_INFISICAL_PENDING:
    case HL_INFISICAL_EXISTS:
    case HL_INFISICAL_REJECTED:
        break;
    }
    if (!hl_infisical_take(store, &response, arena, &answer, err))
        return false;
    const struct hl_value *secret = hl_value_get(answer, "secret");
    if (!hl_value_is(secret, HL_MAP))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: no 'secret'", store->url);
    hl_infisical_learn(folder, key, secret);
    return true;
}

bool hl_infisical_read(struct hl_session *session, struct hl_arena *arena, const struct hl_infisical_place *place, bool fresh, struct hl_infisical_secret *out,
                       struct hl_error **err)
{
    struct hl_infisical *store = hl_infisical_of(session);
    struct hl_infisical_folder *folder = NULL;

    *out = (struct hl_infisical_secret){0};
    if (!hl_infisical_find_folder(store, place, &folder, err) || (fresh && !ask_again(store, folder, place->key, err)))
        return false;
    return take_entry(store, folder, arena, place->key, out, err);
}

static bool is_same(const struct hl_value *a, const struct hl_value *b)
{
    return hl_value_is(a, HL_TEXT) && hl_value_is(b, HL_TEXT) && hl_secure_equal(a->text.data, a->text.length, b->text.data, b->text.length);
}

/* ---- what cannot be written ---- */

static bool check_value(const struct hl_value *value, struct hl_error **err)
{
    if (!hl_infisical_keeps(value->text.data, value->text.length)) {
        hl_fail(err, HL_E_FAILED, "the value begins or ends with white space, which Infisical cuts off");
        return hl_error_hint(err, "take the white space away at the source (one line end at the end is kept), or keep the value in base64");
    }
    if (hl_infisical_has_reference(value->text.data, value->text.length)) {
        hl_fail(err, HL_E_FAILED,
                "the value has '${...}' in it, which Infisical takes for a reference to another secret: who reads it would get something else");
        return hl_error_hint(err, "keep the value in base64, or make one without '$'; if a reference is meant, write it in Infisical by hand: one that stands "
                                  "there already is left as it is");
    }
    return true;
}

bool hl_infisical_takes(struct hl_session *session, const struct hl_infisical_place *place, const struct hl_value *value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_infisical_secret now;

    if (!hl_infisical_read(session, arena, place, false, &now, err))
        return false;
    if (is_same(now.value, value))
        return true;
    if (now.rotated) {
        hl_fail(err, HL_E_REFUSED, "Infisical rotates this secret by itself, and takes no other value for it");
        return hl_error_hint(err, "make it the source instead (`infisical:` in place of the one it has), or write to another key");
    }
    return check_value(value, err);
}

/* ---- writing ---- */

static bool fail_pending(const struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *slug = hl_value_get_text(hl_value_get(hl_infisical_body(response, arena), "approval"), "slug");

    hl_fail(err, HL_E_REJECTED, "the change waits for approval in Infisical%s%s; nothing is stored yet", slug != NULL ? ", request " : "",
            slug != NULL ? slug : "");
    return hl_error_hint(err, "a change policy covers this folder: approve the request and run hlrec again, or leave this identity out of the policy");
}

static bool send_value(struct hl_infisical *store, struct hl_infisical_folder *folder, const char *key, const struct hl_value *value, bool exists,
                       struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *body = hl_value_map(arena);

    pthread_mutex_lock(&folder->lock);
    const struct hl_infisical_entry *entry = hl_map_find(&folder->entries, key);
    const bool commented = exists && entry != NULL && entry->commented; /* somebody's own words stay */
    pthread_mutex_unlock(&folder->lock);
    hl_value_map_put(body, "secretValue", hl_value_copy(arena, value));
    if (!commented)
        hl_value_map_put(body, "secretComment", hl_value_printf(arena, "managed by hlrec, stack %s", store->run->stack));
    return hl_infisical_send_secret(store, folder, exists ? "PATCH" : "POST", key, body, response, err);
}

/* A secret that was not there and now is: our own earlier attempt whose answer was lost, or somebody else's. */
static bool settle_existing(struct hl_infisical *store, struct hl_infisical_folder *folder, const char *key, const struct hl_value *value,
                            struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_infisical_secret now;

    if (!ask_again(store, folder, key, err) || !take_entry(store, folder, arena, key, &now, err))
        return false;
    if (is_same(now.value, value))
        return true;
    hl_fail(err, HL_E_CONFLICT, "somebody else made a secret of this name just now, with another value");
    return hl_error_hint(err, "run hlrec again: the plan will show the difference");
}

static bool has_entry(struct hl_infisical_folder *folder, const char *key)
{
    pthread_mutex_lock(&folder->lock);
    const bool has = hl_map_has(&folder->entries, key);
    pthread_mutex_unlock(&folder->lock);
    return has;
}

/* What was sent, not what was answered: versions differ in how much of the secret they answer with. */
static void learn_written(struct hl_infisical_folder *folder, const char *key, const struct hl_value *value)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *secret = hl_value_map(arena);

    hl_value_map_put(secret, "secretValue", hl_value_copy(arena, value));
    hl_value_map_put_text(secret, "secretComment", "a comment");
    hl_infisical_learn(folder, key, secret);
}

/* One attempt; *again when the world was not as the list said. */
static bool try_write(struct hl_infisical *store, struct hl_infisical_folder *folder, const char *key, const struct hl_value *value, bool *again,
                      struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    if (!hl_infisical_make_folder(store, folder, err) || !send_value(store, folder, key, value, has_entry(folder, key), &response, err))
        return false;
    switch (hl_infisical_outcome_of(&response)) {
    case HL_INFISICAL_FINE:
        break;
    case HL_INFISICAL_PENDING:
        return fail_pending(&response, err);
    case HL_INFISICAL_EXISTS:
        return settle_existing(store, folder, key, value, err);
    case HL_INFISICAL_NO_FOLDER:
        *again = true;
        hl_infisical_folder_gone(folder);
        return true;
    case HL_INFISICAL_NO_SECRET:
        *again = true;
        hl_infisical_learn(folder, key, NULL);
        return true;
    case HL_INFISICAL_REJECTED:
        return hl_infisical_rejected(store, &response, err);
    }
    if (!hl_infisical_take(store, &response, arena, &answer, err))
        return false;
    if (!hl_value_is(hl_value_get(answer, "secret"), HL_MAP))
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is not Infisical's: no 'secret'", store->url);
    learn_written(folder, key, value);
    return true;
}

bool hl_infisical_write(struct hl_session *session, const struct hl_infisical_place *place, const struct hl_value *value, struct hl_error **err)
{
    struct hl_infisical *store = hl_infisical_of(session);
    struct hl_infisical_folder *folder = NULL;

    if (!hl_infisical_takes(session, place, value, err) || !hl_infisical_find_folder(store, place, &folder, err))
        return false;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        bool again = false;
        if (!try_write(store, folder, place->key, value, &again, err))
            return false;
        if (!again)
            return true;
    }
    return hl_fail(err, HL_E_CONFLICT, "somebody else keeps removing it");
}

bool hl_infisical_remove(struct hl_session *session, const struct hl_infisical_place *place, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_infisical *store = hl_infisical_of(session);
    struct hl_infisical_folder *folder = NULL;
    struct hl_value *answer = NULL;

    if (!hl_infisical_find_folder(store, place, &folder, err) ||
        !hl_infisical_send_secret(store, folder, "DELETE", place->key, hl_value_map(arena), &response, err))
        return false;
    switch (hl_infisical_outcome_of(&response)) {
    case HL_INFISICAL_PENDING:
        return fail_pending(&response, err);
    case HL_INFISICAL_NO_FOLDER:
        hl_infisical_folder_gone(folder);
        return true;
    case HL_INFISICAL_FINE:
    case HL_INFISICAL_EXISTS:
    case HL_INFISICAL_REJECTED:
        if (!hl_infisical_take(store, &response, arena, &answer, err))
            return false;
        break;
    case HL_INFISICAL_NO_SECRET:
        break;
    }
    hl_infisical_learn(folder, place->key, NULL);
    return true;
}

pthread_mutex_t *hl_infisical_lock(struct hl_session *session, const struct hl_infisical_place *place)
{
    struct hl_infisical *store = hl_infisical_of(session);
    uint32_t hash = 2166136261u; /* FNV-1a; a collision costs a little waiting */

    for (const char *at = place->path; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    for (const char *at = place->key; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &store->places[hash % HL_INFISICAL_LOCKS];
}
