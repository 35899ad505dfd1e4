/* Tokens as they are: one list for all of them, and for each that is recorded a question whether its key is still taken. */
#include "config.h"

#include "reconcile/providers/authentik/token.h"
#include "schema/base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_READERS = 8 };
static const int64_t longest_before_ms = 30 * INT64_C(86400000);

/* ---- values ---- */

static const struct hl_value *spec_of(const struct hl_object *object)
{
    return object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
}

/* A lifetime is hlrec's own, so what was said last is so; unless authentik has been told to let the token end. */
static const char *expiry_of(struct hl_arena *arena, const struct hl_authentik_token_view *view)
{
    const char *ends = hl_value_get_text(view->told, "expires");
    const char *said = view->expires != NULL ? view->expires : hl_value_get_text(view->desired, "expires");
    int64_t lifetime = 0;

    if (hl_value_get_bool(view->told, "expiring", true))
        return ends != NULL ? hl_arena_printf(arena, "at %s", ends) : "some time";
    return said != NULL && hl_parse_duration(said, &lifetime) ? said : "never";
}

/* 0: never. */
static int64_t end_of(const struct hl_authentik_token_view *view)
{
    const int64_t lifetime = hl_authentik_token_lifetime(view->desired);

    return lifetime == 0 || view->renewed_at == 0 ? 0 : view->renewed_at + lifetime;
}

static const char *renewal_of(struct hl_arena *arena, const struct hl_run *run, const struct hl_authentik_token_view *view)
{
    const int64_t lifetime = hl_authentik_token_lifetime(view->desired);
    const int64_t usual = lifetime / 10 < longest_before_ms ? lifetime / 10 : longest_before_ms;
    const int64_t before = hl_value_get_int(view->desired, "renew_before", usual);
    const int64_t end = end_of(view);

    if (end == 0 || run->now_ms < end - before)
        return hl_authentik_not_due;
    return hl_arena_printf(arena, "%s on %s", run->now_ms < end ? "expires" : "expired", hl_authentik_day(arena, end));
}

struct hl_value *hl_authentik_token_live(struct hl_arena *arena, const struct hl_run *run, const struct hl_authentik_token_view *view)
{
    const struct hl_value *told = view->told;
    const struct hl_value *user = hl_value_get(told, "user");
    const char *username = hl_value_get_text(hl_value_get(told, "user_obj"), "username");
    struct hl_value *live = hl_value_map(arena);

    hl_value_map_put_text(live, "identifier", hl_value_get_text(told, "identifier"));
    hl_value_map_put_text(live, "user", username != NULL || hl_value_is_null(user) ? username : hl_value_to_text(arena, user));
    hl_value_map_put_text(live, "intent", hl_value_get_text(told, "intent"));
    hl_value_map_put_text(live, "expires", expiry_of(arena, view));
    hl_value_map_put_text(live, "description", hl_authentik_unmark(arena, hl_value_get_text(told, "description")));
    hl_value_map_put_text(live, "renewal", renewal_of(arena, run, view));
    hl_value_map_put_text(live, "id", hl_value_get_text(told, "pk"));
    hl_value_map_put(live, "user_id", hl_value_is_null(user) ? NULL : hl_value_copy(arena, user));
    hl_value_map_put_int(live, "renewed_at", view->renewed_at);
    if (end_of(view) != 0)
        hl_value_map_put_int(live, "expires_at", end_of(view));
    if (view->value != NULL) {
        struct hl_value *value = hl_value_mark_sensitive(hl_value_text(arena, view->value));
        hl_value_map_put(live, "value", value);
        if (!hl_value_is_null(hl_value_get(view->desired, "key")))
            hl_value_map_put(live, "key", value);
    }
    return live;
}

/* ---- finding ---- */

/* Of one list: pk, mark and identifier -> object. */
struct index {
    struct hl_map by_pk, by_mark, by_identifier;
};

static void put_text_key(struct hl_map *map, const char *key, const struct hl_value *object)
{
    if (key != NULL)
        hl_map_put(map, key, (void *)object);
}

static void build_index(struct index *index, struct hl_arena *arena, const struct hl_run *run, const struct hl_value *list)
{
    hl_map_init(&index->by_pk, arena);
    hl_map_init(&index->by_mark, arena);
    hl_map_init(&index->by_identifier, arena);
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *token = hl_value_item(list, i);
        const char *description = hl_value_get_text(token, "description");
        if (hl_value_get_text(token, "pk") == NULL || hl_is_blank(hl_value_get_text(token, "identifier")))
            continue; /* nothing that could be asked for or changed */
        put_text_key(&index->by_pk, hl_value_get_text(token, "pk"), token);
        put_text_key(&index->by_identifier, hl_value_get_text(token, "identifier"), token);
        put_text_key(&index->by_mark, hl_authentik_marked_address(arena, run, description), token);
    }
}

static const struct hl_value *find_token(const struct index *index, const struct hl_object *object)
{
    const char *identifier = hl_value_get_text(spec_of(object), "identifier");
    const struct hl_value *found = hl_map_find(&index->by_pk, object->id);

    if (found == NULL)
        found = hl_map_find(&index->by_identifier, object->id);
    if (found == NULL)
        found = hl_map_find(&index->by_mark, object->address);
    return found != NULL || identifier == NULL ? found : hl_map_find(&index->by_identifier, identifier);
}

/* ---- keys ---- */

/* The recorded key of this very token; one that was made anew has another. */
static const char *recorded_key(const struct hl_object *object, const struct hl_value *told)
{
    const struct hl_value *live = object->recorded != NULL ? object->recorded->live : NULL;
    const char *pk = hl_value_get_text(live, "id");
    const char *now = hl_value_get_text(told, "pk");

    return pk != NULL && now != NULL && strcmp(pk, now) == 0 ? hl_value_get_text(live, "value") : NULL;
}

static bool is_current(struct hl_session *session, const struct hl_value *told, const char *key)
{
    const char *intent = hl_value_get_text(told, "intent");
    bool taken = true;

    if (intent != NULL && strcmp(intent, "api") == 0)
        hl_authentik_key_probe(session, key, &taken);
    return taken;
}

static void note_unreadable(struct hl_object *object, struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    object->live.note = hl_arena_printf(object->arena, "its key is not known: %s", text);
    hl_error_free(error);
}

/* The key as far as it is needed: of a token that the spec has and that may be ours. */
static const char *read_key(struct hl_session *session, struct hl_object *object, const struct hl_value *told)
{
    const char *known = recorded_key(object, told);
    const char *seen = NULL;
    struct hl_error *error = NULL;

    if (object->desired == NULL || object->live.owner == HL_OWNER_OTHER || (known != NULL && is_current(session, told, known)))
        return known;
    if (!hl_authentik_key_view(session, object->arena, hl_value_get_text(told, "identifier"), &seen, &error)) {
        note_unreadable(object, error);
        return known;
    }
    if (known != NULL && strcmp(known, seen) != 0)
        object->live.note = "its key was changed outside hlrec; those that use it get the new one";
    return seen;
}

static int64_t renewed_at(const struct hl_session *session, const struct hl_object *object, const char *value)
{
    const struct hl_value *live = object->recorded != NULL ? object->recorded->live : NULL;
    const char *recorded = hl_value_get_text(live, "value");

    if (value != NULL && (recorded == NULL || strcmp(recorded, value) != 0))
        return session->run->now_ms;
    return hl_value_get_int(live, "renewed_at", session->run->now_ms);
}

/* ---- refresh ---- */

struct reading {
    struct hl_session *session;
    struct hl_object **objects;
    const struct hl_value **told;
};

static void read_token(void *context, size_t number)
{
    const struct reading *reading = context;
    const struct hl_value *told = reading->told[number];
    struct hl_object *object = reading->objects[number];
    const char *pk = hl_value_get_text(told, "pk");

    object->live.presence = told != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT;
    if (told == NULL)
        return;
    object->live.id = hl_arena_strdup(object->arena, pk != NULL ? pk : "");
    hl_authentik_judge(object, reading->session->run, hl_value_get_text(told, "description"), object->live.id);
    const char *value = read_key(reading->session, object, told);
    const struct hl_authentik_token_view view = {
        .told = told,
        .desired = spec_of(object),
        .expires = object->recorded != NULL ? hl_value_get_text(object->recorded->desired, "expires") : NULL,
        .value = value,
        .renewed_at = renewed_at(reading->session, object, value),
    };
    object->live.values = hl_authentik_token_live(object->arena, reading->session->run, &view);
    const char *renewal = hl_value_get_text(object->live.values, "renewal");
    if (strcmp(renewal, hl_authentik_not_due) == 0 || object->desired == NULL)
        return;
    /* Those that use it must not be given the old key any more. */
    object->live.reason = hl_arena_printf(object->arena, "a new key is due: this one %s", renewal);
    object->live.inputs = hl_value_map(object->arena);
    hl_value_map_put(object->live.inputs, "value",
                     hl_value_mark_sensitive(hl_value_unknown(object->arena, hl_arena_printf(object->arena, "%s.value", object->address))));
}

bool hl_authentik_token_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct reading reading = {.session = session, .objects = objects};
    struct hl_value *list = NULL;
    struct index index;

    if (!hl_authentik_read_list(session, arena, "/core/tokens/", &list, err))
        return hl_wrap(err, "listing tokens");
    build_index(&index, arena, session->run, list);
    reading.told = hl_arena_alloc(arena, (count + 1) * sizeof *reading.told);
    for (size_t i = 0; i < count; i++)
        reading.told[i] = find_token(&index, objects[i]);
    hl_parallel(count, MOST_READERS, read_token, &reading);
    return true;
}

/* ---- after a crash ---- */

static bool look(struct hl_recovery *recovery, struct hl_object *object, struct hl_error **err)
{
    *object = (struct hl_object){
        .address = recovery->address,
        .name = recovery->name,
        .kind = recovery->kind,
        .desired = recovery->desired,
        .recorded = recovery->recorded,
        .id = hl_is_blank(recovery->id) && recovery->recorded != NULL && recovery->recorded->id != NULL ? recovery->recorded->id : recovery->id,
        .arena = recovery->arena,
    };
    return hl_authentik_token_refresh(recovery->session, &object, 1, err);
}

/* A new key had been made, and perhaps set: what authentik has now is recorded, the rest as it was, so that the next plan sees what is left to do. */
static bool recover_renewal(struct hl_recovery *recovery, struct hl_object *object, struct hl_error **err)
{
    const char *made = hl_value_get_text(recovery->checkpoint, "value");
    const char *identifier = hl_value_get_text(object->live.values, "identifier");
    const char *seen = NULL;

    if (!hl_authentik_key_view(recovery->session, recovery->arena, identifier, &seen, err))
        return false;
    if (strcmp(seen, made) != 0)
        return true; /* it had not been set */
    hl_value_map_put(object->live.values, "value", hl_value_mark_sensitive(hl_value_text(recovery->arena, seen)));
    hl_value_map_put_int(object->live.values, "renewed_at", hl_value_get_int(recovery->checkpoint, "renewed_at", recovery->session->run->now_ms));
    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_desired = recovery->recorded != NULL ? recovery->recorded->desired : recovery->desired;
    return true;
}

bool hl_authentik_token_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    const bool making = strcmp(recovery->action, "create") == 0 || strcmp(recovery->action, "replace") == 0;
    struct hl_object object;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (!look(recovery, &object, err))
        return false;
    if (object.live.presence == HL_LIVE_ABSENT) {
        if (strcmp(recovery->action, "delete") == 0)
            recovery->outcome = HL_RECOVERED_GONE;
        return true;
    }
    recovery->result_id = object.live.id;
    recovery->result = object.live.values;
    if (object.live.owner != HL_OWNER_US)
        return true;
    if (making)
        recovery->outcome = HL_RECOVERED_EXISTS;
    else if (hl_value_get_text(recovery->checkpoint, "value") != NULL)
        return recover_renewal(recovery, &object, err);
    return true;
}

/* ---- what nobody owns ---- */

static bool is_plain(const struct hl_value *token)
{
    const char *intent = hl_value_get_text(token, "intent");

    return intent != NULL && (strcmp(intent, "api") == 0 || strcmp(intent, "app_password") == 0) && hl_value_is_null(hl_value_get(token, "managed")) &&
           !hl_authentik_has_mark(hl_value_get_text(token, "description")) && hl_value_get_text(token, "identifier") != NULL;
}

bool hl_authentik_token_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    struct hl_value *tokens = NULL;

    if (!hl_authentik_read_list(session, arena, "/core/tokens/", &tokens, err))
        return hl_wrap(err, "listing tokens");
    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        const struct hl_authentik_token_view view = {.told = token};
        if (!is_plain(token))
            continue;
        struct hl_value *found = hl_value_map(arena);
        struct hl_value *values = hl_authentik_token_live(arena, session->run, &view);
        hl_map_remove(values->map, "expires"); /* one that ends by itself cannot be kept so */
        hl_value_map_put_text(found, "kind", kind->name);
        hl_value_map_put_text(found, "name", hl_authentik_block_name(arena, hl_value_get_text(token, "identifier")));
        hl_value_map_put_text(found, "id", hl_value_get_text(token, "identifier"));
        hl_value_map_put(found, "values", values);
        hl_value_list_add(arena, list, found);
    }
    return true;
}
