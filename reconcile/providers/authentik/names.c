/* Flows, scopes, keys and users: the spec says names, the API wants primary keys, which differ from installation to installation. */
#include "config.h"

#include "reconcile/providers/authentik/authentik.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SHOWN = 12, CLOSE = 3, LOOK_AGAIN_MS = 1000 };

static const struct {
    const char *what;     /* for messages */
    const char *path;     /* of the list */
    const char *old_path; /* before 2024.8; or NULL */
    const char *name;     /* the member that is the name */
    const char *other;    /* one that names it as well, where it is the only one; or NULL */
} lists[] = {
    [HL_AUTHENTIK_FLOWS] = {"flow", "/flows/instances/", NULL, "slug", NULL},
    [HL_AUTHENTIK_SCOPES] = {"scope mapping", "/propertymappings/provider/scope/", "/propertymappings/scope/", "name", "scope_name"},
    [HL_AUTHENTIK_KEYS] = {"certificate key pair", "/crypto/certificatekeypairs/?include_details=false", NULL, "name", NULL},
};
_Static_assert(HL_COUNT(lists) == HL_AUTHENTIK_LISTS, "a row for each list");

/* ---- reading ---- */

/* Scopes have moved. */
static bool read_one(struct hl_session *session, enum hl_authentik_list list, struct hl_arena *arena, struct hl_value **out, struct hl_error **err)
{
    if (hl_authentik_read_list(session, arena, lists[list].path, out, err))
        return true;
    if (lists[list].old_path != NULL && (*err)->code == HL_E_NOT_FOUND) {
        hl_error_clear(err);
        if (hl_authentik_read_list(session, arena, lists[list].old_path, out, err))
            return true;
    }
    return hl_wrap(err, "listing %ss", lists[list].what);
}

static bool load(struct hl_session *session, enum hl_authentik_list list, struct hl_error **err)
{
    struct hl_authentik *authentik = hl_authentik_of(session);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *read = NULL;

    if (!read_one(session, list, arena, &read, err))
        return false;
    pthread_mutex_lock(&authentik->lock);
    authentik->lists[list] = hl_value_copy(authentik->arena, read);
    pthread_mutex_unlock(&authentik->lock);
    return true;
}

/* The list as it was read last, or NULL. What was read is never freed before the session is closed. */
static const struct hl_value *known_list(struct hl_session *session, enum hl_authentik_list list)
{
    struct hl_authentik *authentik = hl_authentik_of(session);

    pthread_mutex_lock(&authentik->lock);
    const struct hl_value *known = authentik->lists[list];
    pthread_mutex_unlock(&authentik->lock);
    return known;
}

bool hl_authentik_load(struct hl_session *session, enum hl_authentik_list list, struct hl_error **err)
{
    return known_list(session, list) != NULL || load(session, list, err);
}

/* ---- names to keys ---- */

static bool is(const struct hl_value *object, const char *member, const char *text)
{
    const char *value = member == NULL ? NULL : hl_value_get_text(object, member);

    return value != NULL && text != NULL && strcmp(value, text) == 0;
}

/* The objects that `text` names: the one with this key or name, else all with the other name. */
static size_t match(enum hl_authentik_list list, const struct hl_value *objects, const char *text, struct hl_text *found, const struct hl_value **one)
{
    size_t count = 0;

    for (size_t i = 0; i < hl_value_count(objects); i++) {
        const struct hl_value *object = hl_value_item(objects, i);
        if (is(object, "pk", text) || is(object, lists[list].name, text)) {
            *one = object;
            return 1;
        }
    }
    for (size_t i = 0; i < hl_value_count(objects); i++) {
        const struct hl_value *object = hl_value_item(objects, i);
        const char *name = hl_value_get_text(object, lists[list].name);
        if (!is(object, lists[list].other, text))
            continue;
        *one = object;
        hl_text_printf(found, "%s'%s'", count++ > 0 ? ", " : "", name != NULL ? name : "?");
    }
    return count;
}

/* Close ones when there are any, else as many as fit. */
static void put_candidates(struct hl_text *out, const struct hl_value *objects, const char *name, const char *other, const char *text)
{
    size_t count = 0;

    for (int round = 0; round < 2 && count == 0; round++) {
        for (size_t i = 0; i < hl_value_count(objects) && count < MOST_SHOWN; i++) {
            const char *called = hl_value_get_text(hl_value_item(objects, i), other != NULL ? other : name);
            if (called == NULL || (round == 0 && hl_edit_distance(called, text, CLOSE) > CLOSE))
                continue;
            hl_text_printf(out, "%s'%s'", count++ > 0 ? ", " : "", called);
        }
    }
    if (count == MOST_SHOWN && hl_value_count(objects) > MOST_SHOWN)
        hl_text_puts(out, ", ...");
}

static bool fail_missing(enum hl_authentik_list list, const struct hl_value *objects, const char *text, struct hl_error **err)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(HL_MAX_OUTPUT);

    put_candidates(&names, objects, lists[list].name, lists[list].other, text);
    hl_fail(err, HL_E_NOT_FOUND, "authentik has no %s '%s'", lists[list].what, text);
    if (names.length == 0)
        return hl_error_hint(err, "it has none at all: either it is in the middle of its first start, or the user of the token may not see them");
    return hl_error_hint(err, "it has %s", hl_text_get(&names));
}

/* Whether what is missing may still come: authentik's worker makes flows, scopes and keys a while after the server is up. That this is a first start is seen by
 * a list without anything, or by a server that came up during this run. */
static bool waits_for_startup(struct hl_op *op, enum hl_authentik_list list, const struct hl_value *known, int64_t begin_ms)
{
    struct hl_authentik *authentik = hl_authentik_of(op->session);

    pthread_mutex_lock(&authentik->lock);
    const int64_t up_since_ms = authentik->up_since_ms;
    pthread_mutex_unlock(&authentik->lock);
    const int64_t since = hl_value_count(known) == 0 ? begin_ms : up_since_ms;
    if (since == 0 || hl_authentik_clock_ms() >= since + authentik->startup_ms)
        return false;
    hl_op_progress(op, "waiting for authentik to make its %ss", lists[list].what);
    return hl_run_sleep(authentik->run, LOOK_AGAIN_MS);
}

static bool take_one(struct hl_op *op, enum hl_authentik_list list, const struct hl_value *one, const char *text, const char **pk, struct hl_error **err)
{
    *pk = hl_arena_strdup(op->arena, hl_value_get_text(one, "pk"));
    return *pk != NULL || hl_fail(err, HL_E_UNREACHABLE, "the API tells no key of %s '%s'", lists[list].what, text);
}

bool hl_authentik_pk(struct hl_op *op, enum hl_authentik_list list, const char *text, const char **pk, struct hl_error **err)
{
    const int64_t begin_ms = hl_authentik_clock_ms();
    const struct hl_value *known = known_list(op->session, list);

    for (bool fresh = known == NULL;; fresh = true) {
        hl_auto(text) struct hl_text found = HL_TEXT_INIT(HL_MAX_OUTPUT);
        const struct hl_value *one = NULL;
        if (fresh && !load(op->session, list, err))
            return false;
        known = known_list(op->session, list);
        const size_t count = match(list, known, text, &found, &one);
        if (count == 1)
            return take_one(op, list, one, text, pk, err);
        if (count > 1) {
            hl_fail(err, HL_E_CONFLICT, "authentik has %zu %ss '%s'", count, lists[list].what, text);
            return hl_error_hint(err, "write the name of the one that is meant: %s", hl_text_get(&found));
        }
        if (fresh && !waits_for_startup(op, list, known, begin_ms))
            return fail_missing(list, known, text, err);
    }
}

/* ---- keys to names ---- */

static const struct hl_value *find_pk(const struct hl_value *objects, const char *pk)
{
    for (size_t i = 0; i < hl_value_count(objects); i++)
        if (is(hl_value_item(objects, i), "pk", pk))
            return hl_value_item(objects, i);
    return NULL;
}

static bool names(enum hl_authentik_list list, const struct hl_value *object, const char *text)
{
    return is(object, "pk", text) || is(object, lists[list].name, text) || is(object, lists[list].other, text);
}

static const char *canonical_name(enum hl_authentik_list list, const struct hl_value *objects, const struct hl_value *object)
{
    hl_auto(text) struct hl_text found = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *other = lists[list].other == NULL ? NULL : hl_value_get_text(object, lists[list].other);
    const struct hl_value *one = NULL;

    if (!hl_is_blank(other) && match(list, objects, other, &found, &one) == 1 && one == object)
        return other;
    return hl_value_get_text(object, lists[list].name);
}

const char *hl_authentik_name(struct hl_session *session, enum hl_authentik_list list, const char *pk, const char *as, struct hl_arena *arena)
{
    const struct hl_value *objects = known_list(session, list);
    const struct hl_value *object = find_pk(objects, pk);

    if (object == NULL)
        return hl_arena_strdup(arena, pk);
    if (as != NULL && names(list, object, as))
        return hl_arena_strdup(arena, as);
    const char *name = canonical_name(list, objects, object);
    return hl_arena_strdup(arena, name != NULL ? name : pk);
}

static const char *spelling_of(struct hl_session *session, enum hl_authentik_list list, const char *pk, const struct hl_value *as)
{
    const struct hl_value *object = find_pk(known_list(session, list), pk);

    for (size_t i = 0; object != NULL && i < hl_value_count(as); i++) {
        const struct hl_value *text = hl_value_item(as, i);
        if (hl_value_is(text, HL_TEXT) && names(list, object, text->text.data))
            return text->text.data;
    }
    return NULL;
}

static int compare_texts(const void *a, const void *b)
{
    return hl_value_compare(*(struct hl_value *const *)a, *(struct hl_value *const *)b);
}

struct hl_value *hl_authentik_names(struct hl_session *session, enum hl_authentik_list list, const struct hl_value *pks, const struct hl_value *as,
                                    struct hl_arena *arena)
{
    struct hl_value *found = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(pks); i++) {
        const struct hl_value *pk = hl_value_item(pks, i);
        if (hl_value_is(pk, HL_TEXT)) {
            const char *text = hl_authentik_name(session, list, pk->text.data, spelling_of(session, list, pk->text.data, as), arena);
            hl_value_list_add(arena, found, hl_value_text(arena, text));
        }
    }
    if (found->list.count > 1)
        qsort(found->list.items, found->list.count, sizeof *found->list.items, compare_texts);
    return found;
}

/* ---- users ---- */

static bool fail_no_user(struct hl_session *session, const char *username, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_value *users = NULL;

    hl_fail(err, HL_E_NOT_FOUND, "authentik has no user '%s'", username);
    if (!hl_authentik_read_list(session, arena, "/core/users/?include_groups=false", &users, &ignored))
        return false;
    put_candidates(&names, users, "username", NULL, username);
    return hl_error_hint(err, "it has %s", hl_text_get(&names));
}

bool hl_authentik_user(struct hl_session *session, const char *username, struct hl_arena *arena, int64_t *pk, struct hl_error **err)
{
    const char *path = hl_arena_printf(arena, "/core/users/?username=%s", hl_authentik_escape(arena, username));
    struct hl_value *users = NULL;

    if (!hl_authentik_read_list(session, arena, path, &users, err))
        return hl_wrap(err, "looking for user '%s'", username);
    for (size_t i = 0; i < hl_value_count(users); i++) {
        *pk = hl_value_get_int(hl_value_item(users, i), "pk", 0);
        if (*pk != 0 && is(hl_value_item(users, i), "username", username))
            return true;
    }
    return fail_no_user(session, username, err);
}
