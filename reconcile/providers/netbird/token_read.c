/* Personal access tokens as NetBird tells them: a list for each user. */
#include "config.h"

#include "reconcile/providers/netbird/token.h"
#include "schema/base/parallel.h"

#include <string.h>

enum { CLOSE = 3, SHOWN_NAMES = 5, READ_THREADS = 8, MOST_DAYS_BEFORE = 30 };
static const int64_t day_ms = 86400 * (int64_t)1000;
static const char me[] = "me";

/* ---- whose ---- */

void hl_netbird_token_split(struct hl_arena *arena, const char *id, const char **user, const char **token)
{
    const char *slash = strrchr(id, '/');

    *user = slash != NULL && slash > id ? hl_arena_copy(arena, id, (size_t)(slash - id)) : NULL;
    *token = slash != NULL ? slash + 1 : id;
}

static bool is_service_user(const struct hl_value *user)
{
    return hl_value_get_bool(user, "is_service_user", false);
}

static bool is_ours(const struct hl_value *user)
{
    return is_service_user(user) || hl_value_get_bool(user, "is_current", false);
}

static bool report_no_user(struct hl_session *session, struct hl_arena *arena, const char *text, struct hl_error **err)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);
    const struct hl_value **users = NULL;
    size_t count = 0;
    size_t services = 0;
    size_t shown = 0;

    if (!hl_netbird_all(session, HL_NETBIRD_USERS, arena, &users, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        services += is_service_user(users[i]);
    for (size_t i = 0; i < count && shown < SHOWN_NAMES; i++) {
        const char *name = hl_value_get_text(users[i], "name");
        if (name == NULL || !is_service_user(users[i]) || (services > SHOWN_NAMES && hl_edit_distance(name, text, CLOSE) > CLOSE))
            continue;
        hl_text_printf(&names, "%s'%s'", shown++ > 0 ? ", " : "", name);
    }
    hl_fail(err, HL_E_NOT_FOUND, "there is no service user '%s'", text);
    if (shown > 0 && services > SHOWN_NAMES)
        return hl_error_hint(err, "did you mean %s? a block in 'users:' makes one", hl_text_get(&names));
    return hl_error_hint(err, "a block in 'users:' makes one%s%s", shown > 0 ? "; there are: " : "", hl_text_get(&names));
}

/* The one service user (or own user) of this name. */
static bool pick_user(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err)
{
    hl_auto(text) struct hl_text ids = HL_TEXT_INIT(4096);
    const struct hl_value **users = NULL;
    size_t count = 0;
    size_t fit = 0;

    if (!hl_netbird_named(session, HL_NETBIRD_USERS, text, arena, &users, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(users[i]))
            continue;
        *id = hl_value_get_text(users[i], "id");
        hl_text_printf(&ids, "%s%s", fit++ > 0 ? ", " : "", *id);
    }
    if (fit == 1)
        return true;
    if (fit > 1) {
        hl_fail(err, HL_E_CONFLICT, "there are %zu service users '%s': %s", fit, text, hl_text_get(&ids));
        return hl_error_hint(err, "write the id instead of the name");
    }
    if (count == 0)
        return report_no_user(session, arena, text, err);
    hl_fail(err, HL_E_REJECTED, "'%s' is a person, and persons make their tokens themselves", text);
    return hl_error_hint(err, "take a service user: a block in 'users:' makes one");
}

bool hl_netbird_token_user(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err)
{
    const struct hl_value *user = NULL;

    if (hl_is_blank(text) || strcmp(text, me) == 0) {
        if (!hl_netbird_me(session, &user, err))
            return false;
        *id = hl_value_get_text(user, "id");
        return true;
    }
    if (!hl_netbird_find(session, HL_NETBIRD_USERS, text, &user, err))
        return false;
    if (user != NULL && is_ours(user)) {
        *id = hl_arena_strdup(arena, text);
        return true;
    }
    return pick_user(session, arena, text, id, err);
}

bool hl_netbird_token_rights(struct hl_error **err)
{
    const struct hl_error *error = *err;

    if (error->http != NULL && hl_ends_with(error->http, "403")) {
        hl_wrap(err, "NetBird forbids it");
        hl_error_hint(err, "a service user's tokens are for users with the role admin; a person's are for that person alone");
    }
    return false;
}

/* ---- the lists of this run ---- */

const char *hl_netbird_tokens_path(struct hl_arena *arena, const char *user_id)
{
    return hl_arena_printf(arena, "%s/tokens", hl_netbird_path(arena, "/api/users", user_id));
}

bool hl_netbird_load_tokens(struct hl_session *session, const char *user_id, const struct hl_value **tokens, struct hl_error **err)
{
    struct hl_netbird *netbird = hl_netbird_of(session);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    if (!hl_netbird_call(session, arena, "GET", hl_netbird_tokens_path(arena, user_id), NULL, &answer, err))
        return hl_netbird_token_rights(err);
    if (!hl_value_is_null(answer) && answer->type != HL_LIST)
        return hl_fail(err, HL_E_UNREACHABLE, "NetBird's answer about tokens is no list");
    pthread_mutex_lock(&netbird->lock);
    struct hl_value *list = hl_value_is_null(answer) ? hl_value_list(netbird->arena) : hl_value_copy(netbird->arena, answer);
    hl_map_put(&netbird->tokens, user_id, list);
    pthread_mutex_unlock(&netbird->lock);
    *tokens = list;
    return true;
}

bool hl_netbird_tokens(struct hl_session *session, const char *user_id, const struct hl_value **tokens, struct hl_error **err)
{
    struct hl_netbird *netbird = hl_netbird_of(session);

    pthread_mutex_lock(&netbird->lock);
    *tokens = hl_map_find(&netbird->tokens, user_id);
    pthread_mutex_unlock(&netbird->lock);
    return *tokens != NULL || hl_netbird_load_tokens(session, user_id, tokens, err);
}

void hl_netbird_forget_tokens(struct hl_session *session, const char *user_id)
{
    struct hl_netbird *netbird = hl_netbird_of(session);

    pthread_mutex_lock(&netbird->lock);
    (void)hl_map_remove(&netbird->tokens, user_id);
    pthread_mutex_unlock(&netbird->lock);
}

const struct hl_value *hl_netbird_find_token(const struct hl_value *tokens, const char *id)
{
    for (size_t i = 0; i < hl_value_count(tokens); i++) {
        const char *told = hl_value_get_text(hl_value_item(tokens, i), "id");
        if (told != NULL && strcmp(told, id) == 0)
            return hl_value_item(tokens, i);
    }
    return NULL;
}

/* ---- from NetBird ---- */

/* Whole days: the server counts in its own time zone, so a change of clocks may lie between. */
static int64_t lifetime_ms(const struct hl_value *token)
{
    const int64_t made = hl_netbird_time(hl_value_get(token, "created_at"));
    const int64_t ends = hl_netbird_time(hl_value_get(token, "expiration_date"));

    return made > 0 && ends > made ? (ends - made + day_ms / 2) / day_ms * day_ms : 0;
}

bool hl_netbird_token_is_over(const struct hl_session *session, const struct hl_value *token)
{
    const int64_t ends = hl_netbird_time(hl_value_get(token, "expiration_date"));

    return ends > 0 && ends <= session->run->now_ms;
}

/* As the spec says it where that means this user. */
static const char *user_text(struct hl_session *session, struct hl_arena *arena, const char *user_id, const char *said)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const struct hl_value *user = NULL;
    const char *name = NULL;
    const char *id = NULL;

    if (!hl_is_blank(said) && hl_netbird_token_user(session, arena, said, &id, &ignored) && strcmp(id, user_id) == 0)
        return said;
    hl_error_clear(&ignored);
    if (!hl_netbird_find(session, HL_NETBIRD_USERS, user_id, &user, &ignored) || user == NULL)
        return user_id;
    if (hl_value_get_bool(user, "is_current", false))
        return me;
    return hl_netbird_name(session, HL_NETBIRD_USERS, user_id, arena, &name, &ignored) ? name : user_id;
}

/* All tokens end, so there is always a time at which a new one is due. */
static int64_t renew_before_ms(const struct hl_value *token, const struct hl_value *desired)
{
    const int64_t said = hl_value_get_int(desired, "renew_before", 0);
    const int64_t tenth = lifetime_ms(token) / 10;

    if (said > 0)
        return said;
    return tenth < MOST_DAYS_BEFORE * day_ms ? tenth : MOST_DAYS_BEFORE * day_ms;
}

struct hl_value *hl_netbird_token_values(struct hl_session *session, struct hl_arena *arena, const struct hl_value *token, const char *user_id,
                                         const struct hl_value *desired, const struct hl_value *value)
{
    const struct hl_netbird_ending ending = {
        .expires_ms = hl_netbird_time(hl_value_get(token, "expiration_date")),
        .renew_before_ms = renew_before_ms(token, desired),
    };
    const char *said = hl_value_get_text(desired, "user");
    struct hl_value *values = hl_value_map(arena);

    hl_value_map_put_text(values, "name", hl_value_get_text(token, "name"));
    hl_value_map_put_text(values, "user", user_text(session, arena, user_id, said));
    if (lifetime_ms(token) > 0)
        hl_value_map_put_int(values, "expires_in", lifetime_ms(token));
    hl_value_map_put_text(values, "renewal", hl_netbird_renewal(arena, session->run, &ending));
    if (ending.expires_ms > 0)
        hl_value_map_put_int(values, "expires_at", ending.expires_ms);
    if (hl_value_is(value, HL_TEXT))
        hl_value_map_put(values, "value", hl_value_mark_sensitive(hl_value_copy(arena, value)));
    hl_value_map_put_text(values, "id", hl_value_get_text(token, "id"));
    hl_value_map_put_text(values, "user_id", user_id);
    return values;
}

const char *hl_netbird_token_id(struct hl_arena *arena, const char *user_id, const struct hl_value *token)
{
    return hl_arena_printf(arena, "%s/%s", user_id, hl_value_get_text(token, "id"));
}

/* ---- reading ---- */

/* One object, and the user below whom it is looked for. */
struct look {
    struct hl_object *object;
    const char *user_id;  /* NULL: nobody yet, so that there is no token either */
    const char *token_id; /* NULL: by name */
};

/* All objects that are read at once know of each other. */
struct known {
    struct hl_map owners; /* recorded id -> address */
    struct hl_map wanted; /* "USER NAME" -> address of the one that wants it */
};

static const struct hl_value *body_of(const struct hl_object *object)
{
    return object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
}

static bool is_recorded(const struct hl_object *object)
{
    return object->recorded != NULL && !hl_is_blank(object->recorded->id);
}

static void fail_object(struct hl_session *session, struct hl_object *object, struct hl_error *error)
{
    object->live = (struct hl_live){.presence = HL_LIVE_UNREADABLE, .error = hl_netbird_keep_error(hl_netbird_of(session), error)};
}

/* A recorded user that is gone took its tokens along. */
static bool user_of_id(struct hl_session *session, struct look *look, struct hl_arena *arena, struct hl_error **err)
{
    const struct hl_value *user = NULL;
    const char *user_id = NULL;

    hl_netbird_token_split(arena, look->object->id, &user_id, &look->token_id);
    if (user_id == NULL)
        return hl_netbird_token_user(session, arena, hl_value_get_text(body_of(look->object), "user"), &look->user_id, err);
    if (!is_recorded(look->object))
        return hl_netbird_token_user(session, arena, user_id, &look->user_id, err); /* as a person wrote it */
    if (!hl_netbird_find(session, HL_NETBIRD_USERS, user_id, &user, err))
        return false;
    look->user_id = user != NULL ? user_id : NULL;
    return true;
}

static void prepare(struct hl_session *session, struct look *look)
{
    struct hl_object *object = look->object;
    const struct hl_value *said = hl_value_get(body_of(object), "user");
    struct hl_error *error = NULL;
    bool found = true;

    object->live.presence = HL_LIVE_ABSENT;
    if (!hl_is_blank(object->id))
        found = user_of_id(session, look, object->arena, &error);
    else if (!hl_value_is(said, HL_UNKNOWN))
        found = hl_netbird_token_user(session, object->arena, hl_value_get_text(body_of(object), "user"), &look->user_id, &error);
    if (found)
        return;
    look->user_id = NULL;
    if (error->code != HL_E_NOT_FOUND) {
        fail_object(session, object, error);
        return;
    }
    /* It may be made in this very run. */
    object->live.note = hl_arena_printf(object->arena, "there is no service user '%s' yet", hl_value_is(said, HL_TEXT) ? said->text.data : me);
    hl_error_free(error);
}

/* Two blocks that want one name of one user: after a crash nobody could tell whose token is whose. */
static void know(struct hl_session *session, struct known *known, struct look *look)
{
    struct hl_object *object = look->object;
    const char *name = hl_value_get_text(object->desired, "name");
    struct hl_error *error = NULL;

    if (is_recorded(object))
        hl_map_put(&known->owners, object->recorded->id, (void *)object->address);
    if (name == NULL || look->user_id == NULL)
        return;
    const char *key = hl_arena_printf(object->arena, "%s %s", look->user_id, name);
    const char *first = hl_map_find(&known->wanted, key);
    if (first == NULL || is_recorded(object)) {
        hl_map_put(&known->wanted, key, (void *)object->address);
        return;
    }
    hl_fail(&error, HL_E_SPEC, "%s wants the name '%s' for the same user as well", first, name);
    hl_error_hint(&error, "give one of the two another `name`");
    fail_object(session, object, error);
    look->user_id = NULL;
}

/* Tokens of the name that are not over and that no other block has; names are not unique. */
static const struct hl_value *find_by_name(struct hl_session *session, const struct known *known, const struct look *look, const struct hl_value *tokens)
{
    struct hl_object *object = look->object;
    const char *name = hl_value_get_text(object->desired, "name");
    hl_auto(text) struct hl_text ids = HL_TEXT_INIT(4096);
    const struct hl_value *found = NULL;
    size_t count = 0;

    for (size_t i = 0; name != NULL && i < hl_value_count(tokens); i++) {
        const struct hl_value *token = hl_value_item(tokens, i);
        const char *told = hl_value_get_text(token, "name");
        const char *id = hl_value_get_text(token, "id");
        if (told == NULL || hl_is_blank(id) || strcmp(told, name) != 0 || hl_netbird_token_is_over(session, token) ||
            hl_map_has(&known->owners, hl_netbird_token_id(object->arena, look->user_id, token)))
            continue;
        found = token;
        hl_text_printf(&ids, "%s%s", count++ > 0 ? ", " : "id ", id);
    }
    if (count > 0)
        object->live.owner_text = hl_arena_strdup(object->arena, hl_text_get(&ids));
    return found;
}

static void put_reason(struct hl_object *object)
{
    const char *renewal = hl_value_get_text(object->live.values, "renewal");

    if (renewal != NULL && strcmp(renewal, "none") != 0)
        object->live.reason = hl_arena_printf(object->arena, "%s: a new one is due", renewal);
    else if (hl_value_get(object->live.values, "value") == NULL && object->desired != NULL)
        object->live.note =
            hl_arena_printf(object->arena, "its value was told to somebody else and cannot be read again; `--replace %s` makes a new one", object->address);
}

static void read_object(struct hl_session *session, const struct known *known, struct look *look, const struct hl_value *tokens)
{
    struct hl_object *object = look->object;
    const bool by_id = look->token_id != NULL;
    const struct hl_value *token = by_id ? hl_netbird_find_token(tokens, look->token_id) : find_by_name(session, known, look, tokens);
    const struct hl_value *value = is_recorded(object) ? hl_value_get(object->recorded->live, "value") : NULL;

    if (token == NULL)
        return;
    object->live.presence = HL_LIVE_PRESENT;
    object->live.id = hl_netbird_token_id(object->arena, look->user_id, token);
    object->live.owner = is_recorded(object) && by_id ? HL_OWNER_US : HL_OWNER_NONE;
    object->live.values = hl_netbird_token_values(session, object->arena, token, look->user_id, body_of(object), value);
    put_reason(object);
}

/* The list of one user, for this refresh. */
struct reading {
    struct hl_session *session;
    const char *user_id;
    const struct hl_value *tokens;
    struct hl_error *error;
};

static void read_user(void *context, size_t index)
{
    struct reading *reading = (struct reading *)context + index;

    (void)!hl_netbird_load_tokens(reading->session, reading->user_id, &reading->tokens, &reading->error);
}

static void take_reading(struct hl_session *session, const struct known *known, struct look *look, const struct reading *reading)
{
    if (reading->error != NULL)
        look->object->live = (struct hl_live){.presence = HL_LIVE_UNREADABLE, .error = reading->error};
    else
        read_object(session, known, look, reading->tokens);
}

/* One call a user, all at once. */
bool hl_netbird_token_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct look *looks = hl_arena_alloc(arena, (count + 1) * sizeof *looks);
    struct reading *readings = hl_arena_alloc(arena, (count + 1) * sizeof *readings);
    const struct hl_value *nobody = NULL;
    size_t users = 0;
    struct hl_map by_user; /* id -> struct reading * */
    struct known known;

    hl_map_init(&by_user, arena);
    hl_map_init(&known.owners, arena);
    hl_map_init(&known.wanted, arena);
    hl_netbird_renew(session, HL_NETBIRD_USERS);
    if (!hl_netbird_find(session, HL_NETBIRD_USERS, "", &nobody, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        looks[i].object = objects[i];
        prepare(session, &looks[i]);
        know(session, &known, &looks[i]);
        if (looks[i].user_id == NULL || hl_map_has(&by_user, looks[i].user_id))
            continue;
        readings[users] = (struct reading){.session = session, .user_id = looks[i].user_id};
        hl_map_put(&by_user, looks[i].user_id, &readings[users++]);
    }
    hl_parallel(users, READ_THREADS, read_user, readings);
    for (size_t i = 0; i < users; i++) {
        if (readings[i].error != NULL)
            (void)hl_netbird_keep_error(hl_netbird_of(session), readings[i].error);
    }
    for (size_t i = 0; i < count; i++) {
        if (looks[i].user_id != NULL)
            take_reading(session, &known, &looks[i], hl_map_find(&by_user, looks[i].user_id));
    }
    return true;
}
