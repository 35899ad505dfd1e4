/* Reading: what of the spec and the state is live, whose it is, and what is live besides. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

/* All objects of one kind that are read at once know of each other: an object that one of them has is not free for another. */
struct reading {
    struct hl_session *session;
    const struct hl_kind *kind;
    const struct hl_netbird_form *form;
    struct hl_arena *arena;
    struct hl_arena *scratch; /* of one object */
    struct hl_map owners;     /* recorded id -> address */
    struct hl_map wanted;     /* name -> address of the first that wants it */
};

static bool fail_object(struct reading *reading, struct hl_object *object, struct hl_error *error)
{
    object->live.presence = HL_LIVE_UNREADABLE;
    object->live.error = hl_netbird_keep_error(hl_netbird_of(reading->session), error);
    return true;
}

static const char *recorded_id(const struct hl_object *object)
{
    return object->recorded != NULL && !hl_is_blank(object->recorded->id) ? object->recorded->id : NULL;
}

static void know_objects(struct reading *reading, struct hl_object **objects, size_t count)
{
    hl_map_init(&reading->owners, reading->arena);
    hl_map_init(&reading->wanted, reading->arena);
    for (size_t i = 0; i < count; i++) {
        const char *name = hl_netbird_wanted(reading->form, objects[i]->desired);
        if (recorded_id(objects[i]) != NULL)
            hl_map_put(&reading->owners, recorded_id(objects[i]), (void *)objects[i]->address);
        if (name != NULL && (!hl_map_has(&reading->wanted, name) || recorded_id(objects[i]) != NULL))
            hl_map_put(&reading->wanted, name, (void *)objects[i]->address);
    }
}

/* The address of another resource that has this object; NULL when none has. */
static const char *other_owner(const struct reading *reading, const struct hl_object *object, const struct hl_value *found)
{
    const char *owner = hl_map_find(&reading->owners, hl_value_get_text(found, "id"));

    return owner != NULL && strcmp(owner, object->address) != 0 ? owner : NULL;
}

/* ---- looking for it ---- */

static void keep_same(struct reading *reading, const struct hl_object *object, const struct hl_value **found, size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        if (reading->form->same(reading->session, reading->arena, object->desired, found[i]))
            found[kept++] = found[i];
    }
    *count = kept;
}

/* `adopt: NAME` does as well as `adopt: ID`. */
static bool find_given(struct reading *reading, const struct hl_object *object, const struct hl_value **found, struct hl_error **err)
{
    const struct hl_value **named = NULL;
    size_t count = 0;

    *found = NULL;
    if (hl_is_blank(object->id))
        return true;
    if (!hl_netbird_find(reading->session, reading->form->list, object->id, found, err))
        return false;
    if (*found != NULL || recorded_id(object) != NULL)
        return true;
    if (!hl_netbird_named(reading->session, reading->form->list, object->id, reading->arena, &named, &count, err))
        return false;
    if (count > 1 && reading->form->same != NULL && object->desired != NULL)
        keep_same(reading, object, named, &count);
    *found = count == 1 ? named[0] : NULL;
    return true;
}

static const char *ids_of(struct hl_arena *arena, const struct hl_value *const *objects, size_t count)
{
    hl_auto(text) struct hl_text ids = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < count; i++)
        hl_text_printf(&ids, "%s%s", i > 0 ? ", " : "", hl_value_get_text(objects[i], "id"));
    return hl_arena_strdup(arena, hl_text_get(&ids));
}

static bool report_several(struct reading *reading, struct hl_object *object, const struct hl_value *const *found, size_t count)
{
    struct hl_error *error = NULL;
    const char *name = hl_netbird_wanted(reading->form, object->desired);

    hl_fail(&error, HL_E_CONFLICT, "there are %zu of the kind '%s' that it could be%s%s%s, and none was made by hlrec: %s", count, reading->form->what,
            name != NULL ? ", named '" : "", name != NULL ? name : "", name != NULL ? "'" : "", ids_of(reading->arena, found, count));
    hl_error_hint(&error, "to take one of them over write `adopt: ID` with its id; else rename or remove them");
    return fail_object(reading, object, error);
}

/* Another object than the one that was asked for is not taken in its place. */
static bool report_other(struct reading *reading, struct hl_object *object, const struct hl_value *const *found, size_t count)
{
    struct hl_error *error = NULL;

    hl_fail(&error, HL_E_NOT_FOUND, "there is no %s '%s' to take over; its name has: %s", reading->form->what, object->id,
            ids_of(reading->arena, found, count));
    hl_error_hint(&error, "write `adopt: ID` with the id of the one that is meant");
    return fail_object(reading, object, error);
}

/* By name, among those that no other resource has. When all that are there belong to others, *found is the first of them, unless there can be any number of
 * one name (keys: what is replaced goes after its users have the new one). */
static bool find_named(struct reading *reading, struct hl_object *object, const struct hl_value **found, bool *decided, struct hl_error **err)
{
    const struct hl_value **candidates = NULL;
    size_t count = 0;
    size_t free_ones = 0;

    *found = NULL;
    if (object->desired == NULL)
        return true;
    if (!hl_netbird_candidates(reading->session, reading->form, object->desired, reading->arena, &candidates, &count, err))
        return false;
    if (count > 0 && reading->form->once_member == NULL)
        *found = candidates[0];
    for (size_t i = 0; i < count; i++) {
        if (other_owner(reading, object, candidates[i]) == NULL)
            candidates[free_ones++] = candidates[i];
    }
    if (free_ones > 0)
        *found = candidates[0];
    const bool asked = object->recorded == NULL && !hl_is_blank(object->id);
    *decided = free_ones > 1 || (free_ones == 1 && asked);
    if (!*decided)
        return true;
    return asked ? report_other(reading, object, candidates, free_ones) : report_several(reading, object, candidates, free_ones);
}

/* Kinds that are told by their names alone: the second to want one would take, or after a crash delete, what is the first one's. */
static bool is_wanted_twice(struct reading *reading, struct hl_object *object)
{
    const struct hl_netbird_form *form = reading->form;
    const char *name = hl_netbird_wanted(form, object->desired);
    const char *first = name != NULL ? hl_map_find(&reading->wanted, name) : NULL;
    struct hl_error *error = NULL;

    if (first == NULL || strcmp(first, object->address) == 0 || recorded_id(object) != NULL || (form->same != NULL && form->once_member == NULL))
        return false;
    hl_fail(&error, HL_E_SPEC, "%s wants the name '%s' as well", first, name);
    hl_error_hint(&error, "give one of the two another `name`");
    return fail_object(reading, object, error);
}

/* ---- what is told of it ---- */

static bool is_ours(const struct hl_object *object, const char *id)
{
    return recorded_id(object) != NULL && strcmp(recorded_id(object), id) == 0;
}

static void judge_owner(struct reading *reading, struct hl_object *object, const struct hl_value *found)
{
    const char *other = other_owner(reading, object, found);

    object->live.owner = other != NULL ? HL_OWNER_OTHER : is_ours(object, object->live.id) ? HL_OWNER_US : HL_OWNER_NONE;
    if (object->live.owner == HL_OWNER_OTHER)
        object->live.owner_text = hl_arena_printf(object->arena, "%s of this stack", other);
    else if (object->live.owner == HL_OWNER_NONE)
        object->live.owner_text = hl_arena_printf(object->arena, "id %s", object->live.id);
}

static void put_reason(const struct reading *reading, struct hl_object *object)
{
    const char *renewal = hl_value_get_text(object->live.values, "renewal");
    const char *once = reading->form->once_field;

    if (renewal != NULL && strcmp(renewal, "none") != 0)
        object->live.reason = hl_arena_printf(object->arena, "%s: a new one is due", renewal);
    else if (once != NULL && object->desired != NULL && hl_value_get(object->live.values, once) == NULL)
        object->live.note =
            hl_arena_printf(object->arena, "its %s was told to somebody else and cannot be read again; `--replace %s` makes a new one", once, object->address);
}

static bool describe(struct reading *reading, struct hl_object *object, const struct hl_value *found, struct hl_error **err)
{
    const char *id = hl_value_get_text(found, "id");
    const bool ours = is_ours(object, id);
    const struct hl_value *recorded = object->recorded != NULL ? object->recorded->desired : NULL;
    const struct hl_netbird_known known = {
        .desired = object->desired != NULL ? object->desired : recorded,
        .untold = ours ? recorded : object->desired,
        .once = ours ? object->recorded->live : NULL,
    };
    struct hl_value *values = NULL;

    hl_arena_reset(reading->scratch);
    if (!hl_netbird_values(reading->session, reading->kind, reading->scratch, found, &known, &values, err))
        return false;
    object->live.presence = HL_LIVE_PRESENT;
    hl_object_keep(object, id, values);
    judge_owner(reading, object, found);
    put_reason(reading, object);
    return true;
}

static void report_absent(struct hl_object *object)
{
    object->live.presence = HL_LIVE_ABSENT;
    if (object->recorded == NULL && !hl_is_blank(object->id))
        object->live.reason = hl_arena_printf(object->arena, "new: what `adopt` names is not there (%s)", object->id);
}

/* What waits for something else keeps what is known of it: others may refer to that. */
static bool judge_possible(struct reading *reading, struct hl_object *object, struct hl_error **err)
{
    const char *reason = NULL;
    const char *hint = NULL;

    if (reading->form->possible == NULL || object->desired == NULL || object->live.presence == HL_LIVE_UNREADABLE || object->live.owner == HL_OWNER_OTHER)
        return true;
    const bool can = reading->form->possible(reading->session, object->arena, object->desired, &reason, &hint, err);
    if (*err != NULL)
        return false;
    if (can && reason == NULL)
        return true;
    object->live.presence = HL_LIVE_PENDING;
    object->live.defer_reason = reason;
    object->live.defer_hint = hint;
    return true;
}

/* ---- the verb ---- */

static bool read_object(struct reading *reading, struct hl_object *object, struct hl_error **err)
{
    const struct hl_value *found = NULL;
    bool decided = false;

    if (!find_given(reading, object, &found, err))
        return false;
    if (found == NULL && is_wanted_twice(reading, object))
        return true;
    if (found == NULL && !find_named(reading, object, &found, &decided, err))
        return false;
    if (decided)
        return true;
    if (found == NULL)
        report_absent(object);
    else if (!describe(reading, object, found, err))
        return false;
    return judge_possible(reading, object, err);
}

/* An error that is the object's own leaves the others readable; one of the server's is everybody's. */
static bool is_everybodys(const struct hl_error *error)
{
    return error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT || error->code == HL_E_AUTH || error->code == HL_E_INTERRUPTED;
}

bool hl_netbird_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    struct reading reading = {.session = session, .arena = arena, .scratch = scratch};

    if (count == 0)
        return true;
    reading.kind = objects[0]->kind;
    reading.form = hl_netbird_form_of(reading.kind);
    for (int list = 0; list < HL_NETBIRD_LISTS; list++)
        hl_netbird_renew(session, (enum hl_netbird_list)list);
    know_objects(&reading, objects, count);
    for (size_t i = 0; i < count; i++) {
        struct hl_error *error = NULL;
        if (read_object(&reading, objects[i], &error))
            continue;
        if (is_everybodys(error)) {
            *err = error;
            return false;
        }
        fail_object(&reading, objects[i], error);
    }
    return true;
}

/* ---- what nobody manages ---- */

/* A name that a resource may have: "K8s peers" is "k8s-peers", the second of them "k8s-peers-2". */
static const char *block_name(struct hl_arena *arena, struct hl_map *taken, const char *name)
{
    char *plain = hl_arena_strdup(arena, name);
    const char *free_name = plain;

    for (char *at = plain; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
        else if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || (at > plain && strchr("-_.", *at) != NULL)))
            *at = at > plain ? '-' : 'x';
    }
    for (size_t number = 2; hl_map_has(taken, free_name); number++)
        free_name = hl_arena_printf(arena, "%s-%zu", plain, number);
    hl_map_put(taken, free_name, (void *)name);
    return free_name;
}

bool hl_netbird_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const struct hl_netbird_form *form = hl_netbird_form_of(kind);
    const struct hl_netbird_known nothing = {0};
    const struct hl_value **objects = NULL;
    struct hl_map taken;
    size_t count = 0;

    hl_map_init(&taken, scratch);
    if (!hl_netbird_all(session, form->list, scratch, &objects, &count, err)) {
        if (!form->may_lack || (*err)->code != HL_E_UNREACHABLE)
            return false;
        hl_error_clear(err);
    }
    for (size_t i = 0; i < count; i++) {
        const char *told = hl_netbird_name_of(form->list, objects[i]);
        const char *id = hl_value_get_text(objects[i], "id");
        struct hl_value *values = NULL;
        if (form->offered != NULL && !form->offered(objects[i]))
            continue;
        if (!hl_netbird_values(session, kind, arena, objects[i], &nothing, &values, err))
            return false;
        const char *name = block_name(arena, &taken, told != NULL ? told : id);
        const char *field = form->name_member != NULL && hl_value_get(values, form->name_member) != NULL ? form->name_member : "name";
        if (strcmp(name, told != NULL ? told : "") == 0)
            hl_map_remove(values->map, field); /* the block's */
        struct hl_value *item = hl_value_map(arena);
        hl_value_map_put_text(item, "kind", kind->name);
        hl_value_map_put_text(item, "name", name);
        hl_value_map_put_text(item, "id", id);
        hl_value_map_put(item, "values", values);
        hl_value_list_add(arena, list, item);
    }
    return true;
}
