#include "config.h"

#include "reconcile/providers/local/local.h"
#include "schema/base/parallel.h"

#include <string.h>

enum { MOST_READERS = 8 }; /* programs that are run side by side */

static const int64_t SECOND_MS = 1000;

bool hl_secret_same(const struct hl_value *a, const struct hl_value *b)
{
    if (!hl_value_is(a, HL_TEXT) || !hl_value_is(b, HL_TEXT))
        return false;
    return hl_secure_equal(a->text.data, a->text.length, b->text.data, b->text.length);
}

const struct hl_value *hl_secret_find_item(const struct hl_value *write, const struct hl_value *like)
{
    const char *wanted = hl_value_get_text(like, "destination");

    for (size_t i = 0; wanted != NULL && i < hl_value_count(write); i++) {
        const struct hl_value *item = hl_value_item(write, i);
        const char *destination = hl_value_get_text(item, "destination");
        if (destination != NULL && strcmp(destination, wanted) == 0)
            return item;
    }
    return NULL;
}

struct hl_value *hl_secret_fill(struct hl_arena *arena, const struct hl_value *write, const struct hl_value *value)
{
    if (!hl_value_is(write, HL_LIST))
        return NULL;
    const bool filled = !hl_value_is_null(value) && !(value->type == HL_TEXT && value->text.length == 0);
    struct hl_value *list = hl_value_list(arena);
    list->at = write->at;
    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_value *item = hl_value_item(write, i);
        struct hl_value *copy = hl_value_map(arena);
        copy->at = item->at;
        for (size_t j = 0; j < hl_value_members(item); j++) {
            if (strcmp(hl_value_key(item, j), "content") != 0)
                hl_value_map_put(copy, hl_value_key(item, j), hl_value_copy(arena, hl_value_at(item, j)));
        }
        if (filled)
            hl_value_map_put(copy, "content", hl_value_mark_sensitive(hl_value_copy(arena, value)));
        hl_value_list_add(arena, list, copy);
    }
    return list;
}

/* ---- what stands at the destinations ---- */

static struct hl_destination destination_of(const struct hl_secret_view *view, const struct hl_value *item)
{
    return (struct hl_destination){
        .session = view->session,
        .run = view->session->run,
        .local = hl_local_get(view->session),
        .arena = view->arena,
        .name = view->name,
        .item = item,
        .known = view->value,
    };
}

/* Keeps the first value that people put somewhere, and the first place that says otherwise. */
static void note_guess(struct hl_secret_view *view, const struct hl_destination *destination, struct hl_value *guess)
{
    if (guess == NULL)
        return;
    if (view->guess == NULL) {
        view->guess = guess;
        view->guess_place = hl_destination_place(destination);
    } else if (view->other_place == NULL && !hl_secret_same(view->guess, guess)) {
        view->other_place = hl_destination_place(destination);
    }
}

static void note_mode(struct hl_secret_view *view, const struct hl_destination *destination, const struct hl_value *live)
{
    const char *mode = hl_value_get_text(live, "mode");

    if (mode != NULL && strpbrk(mode + strlen(mode) - 1, "4567") != NULL && hl_value_get(destination->item, "mode") == NULL && view->exposed_place == NULL)
        view->exposed_place = hl_destination_place(destination);
}

static bool look_at(struct hl_secret_view *view, const struct hl_value *item, bool wanted, struct hl_value *list, struct hl_error **err)
{
    const struct hl_destination destination = destination_of(view, item);
    struct hl_value *live = NULL;
    struct hl_value *guess = NULL;

    if (!hl_destination_is_known(item) || (!wanted && !hl_destination_is_reachable(&destination)))
        return true;
    if (!hl_destination_read(&destination, &live, &guess, err)) {
        if (!view->lenient || !hl_local_is_away(*err))
            return false;
        hl_error_clear(err);
    }
    if (wanted) {
        note_guess(view, &destination, guess);
        note_mode(view, &destination, live);
    }
    if (wanted || guess != NULL || hl_value_get(live, "content") != NULL)
        hl_value_list_add(view->arena, list, live);
    return true;
}

bool hl_secret_look(struct hl_secret_view *view, struct hl_value **live, struct hl_error **err)
{
    struct hl_value *list = hl_value_list(view->arena);

    *live = hl_value_map(view->arena);
    if (hl_value_is(view->value, HL_TEXT)) {
        hl_redactor_add_value(view->session->run->redactor, hl_value_mark_sensitive(view->value));
        hl_value_map_put(*live, "value", view->value);
    }
    if (view->created_at != 0)
        hl_value_map_put_int(*live, "created_at", view->created_at);
    for (size_t i = 0; i < hl_value_count(view->desired); i++) {
        if (!look_at(view, hl_value_item(view->desired, i), true, list, err))
            return false;
    }
    for (size_t i = 0; i < hl_value_count(view->recorded); i++) {
        const struct hl_value *item = hl_value_item(view->recorded, i);
        if (hl_secret_find_item(view->desired, item) == NULL && !look_at(view, item, false, list, err))
            return false;
    }
    if (hl_value_count(list) > 0)
        hl_value_map_put(*live, "write", list);
    return true;
}

/* ---- sources that are read ---- */

/* One object and what its source gave. A slow one is read in a thread of its own, into an arena of its own. */
struct reading {
    struct hl_object *object;
    const struct hl_source_type *type; /* NULL: nothing to read */
    struct hl_arena *arena;
    struct hl_source source;
    struct hl_value *value;
    struct hl_error *error;
};

static void read_source(void *context, size_t index)
{
    struct reading *reading = ((struct reading **)context)[index];

    if (!reading->type->read(&reading->source, &reading->value, &reading->error))
        reading->value = NULL;
}

/* The source of the object, if it is to be read now: what it says is known. */
static const struct hl_source_type *to_read(const struct hl_session *session, const struct hl_object *object)
{
    const struct hl_source_type *type = hl_source_find(object->desired, NULL);

    if (session->run->preview || type == NULL || type->read == NULL)
        return NULL;
    const struct hl_value *said = hl_value_get(object->desired, type->name);
    return hl_value_is_null(said) || hl_value_find_unknown(said) != NULL ? NULL : type;
}

static void read_sources(struct hl_session *session, struct hl_object **objects, size_t count, struct reading *readings)
{
    struct reading **slow = hl_alloc((count + 1) * sizeof *slow);
    size_t slow_count = 0;

    for (size_t i = 0; i < count; i++) {
        struct reading *reading = &readings[i];
        *reading = (struct reading){.object = objects[i], .type = to_read(session, objects[i])};
        if (reading->type == NULL)
            continue;
        reading->arena = hl_arena_new();
        reading->source = (struct hl_source){
            .session = session,
            .run = session->run,
            .local = hl_local_get(session),
            .arena = reading->arena,
            .name = objects[i]->name,
            .desired = objects[i]->desired,
        };
        if (reading->type->slow)
            slow[slow_count++] = reading;
        else
            read_source(&reading, 0);
    }
    hl_parallel(slow_count, MOST_READERS, read_source, slow);
    hl_cleanup_heap_free(slow);
}

/* ---- one object ---- */

/* What is found out about one secret. */
struct finding {
    struct hl_session *session;
    struct hl_object *object;
    struct reading *reading;
    struct hl_secret_view view;
    struct hl_value *value; /* that should be: text, null, unknown; NULL: for the plan to resolve */
};

static struct hl_value *unknown_value(const struct hl_object *object, const char *waits_for)
{
    return hl_value_mark_sensitive(hl_value_unknown(object->arena, waits_for));
}

static const char *age_text(struct hl_arena *arena, int64_t age_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"days", 86400000}, {"hours", 3600000}, {"minutes", 60000}, {"seconds", 1000}};
    size_t unit = 0;

    while (unit + 1 < HL_COUNT(units) && age_ms < 2 * units[unit].ms)
        unit++;
    return hl_arena_printf(arena, "%lld %s", (long long)(age_ms / units[unit].ms), units[unit].unit);
}

/* Why a recorded value has to make way for a new one; NULL when it need not. */
static const char *rotation_reason(const struct finding *finding)
{
    const struct hl_object *object = finding->object;
    const char *rotate = hl_value_get_text(object->desired, "rotate");
    const int64_t age_ms = finding->session->run->now_ms - finding->view.created_at;
    int64_t period_ms = 0;

    if (rotate != NULL && strcmp(rotate, "never") == 0)
        return NULL;
    if (object->recorded->rotate)
        return "a new value was asked for";
    if (rotate == NULL || !hl_parse_duration(rotate, &period_ms) || period_ms < SECOND_MS || finding->view.created_at == 0 || age_ms < period_ms)
        return NULL;
    return hl_arena_printf(object->arena, "rotation is due: %s old", age_text(object->arena, age_ms));
}

/* No record of a value: the state is new, or lost. What stands at a destination is in use somewhere and is taken over; nothing is ever made anew over it. */
static bool find_lost(struct finding *finding, struct hl_error **err)
{
    const struct hl_secret_view *view = &finding->view;
    struct hl_object *object = finding->object;

    if (view->other_place != NULL) {
        hl_fail(err, HL_E_CONFLICT, "%s and %s hold different values, and no value is recorded", view->guess_place, view->other_place);
        return hl_error_hint(err, "find out which one is in use, and remove the other; then the right one is taken over");
    }
    finding->value = view->guess != NULL ? view->guess : unknown_value(object, object->address);
    if (view->guess != NULL)
        object->live.reason = hl_arena_printf(object->arena, "found at %s", view->guess_place);
    return true;
}

static bool decide_generated(struct finding *finding, struct hl_error **err)
{
    struct hl_object *object = finding->object;
    const struct hl_value *generate = hl_value_get(object->desired, "generate");
    const char *rotate = hl_value_get_text(object->desired, "rotate");

    if (!hl_value_is(finding->view.value, HL_TEXT)) {
        if (!find_lost(finding, err))
            return false;
    } else {
        object->live.reason = rotation_reason(finding);
        finding->value = object->live.reason == NULL ? finding->view.value : unknown_value(object, object->address);
        if (object->recorded->rotate && object->live.reason == NULL)
            object->live.note = "a new value was asked for, but `rotate: never` keeps this one";
    }
    if (!hl_generate_fits(generate, finding->value))
        object->live.note = rotate != NULL && strcmp(rotate, "never") == 0 ? "the value differs from what `generate` asks for; it is kept (`rotate: never`)"
                                                                           : "the value differs from what `generate` asks for; it is kept until it is rotated";
    return true;
}

/* `rotate: never` is a promise to whoever encrypted something with the value, wherever the value comes from. */
static bool check_unchanged(const struct finding *finding, struct hl_error **err)
{
    const char *rotate = hl_value_get_text(finding->object->desired, "rotate");

    if (rotate == NULL || strcmp(rotate, "never") != 0 || !hl_value_is(finding->view.value, HL_TEXT) || !hl_value_is(finding->value, HL_TEXT) ||
        hl_secret_same(finding->view.value, finding->value))
        return true;
    hl_fail(err, HL_E_REFUSED, "its source has another value than the one recorded, and `rotate: never` says that it does not change");
    return hl_error_hint(err, "put the former value back; if the change is meant, take `rotate: never` out");
}

static bool take_reading(struct finding *finding, struct hl_error **err)
{
    struct reading *reading = finding->reading;
    struct hl_object *object = finding->object;

    if (reading->error != NULL) {
        *err = reading->error;
        reading->error = NULL;
        return false;
    }
    if (reading->value != NULL) {
        finding->value = hl_value_copy(object->arena, reading->value);
        return check_unchanged(finding, err);
    }
    if (reading->type->stays && hl_value_is(finding->view.value, HL_TEXT)) {
        finding->value = finding->view.value;
        object->live.note = hl_arena_printf(object->arena, "%s; the recorded value is kept", reading->source.missing);
        return true;
    }
    if (hl_value_get_bool(object->desired, "optional", false)) {
        finding->value = hl_value_null(object->arena);
        object->live.note = hl_arena_strdup(object->arena, reading->source.missing);
        return true;
    }
    /* Somebody has to give it first: everything else goes on meanwhile. */
    object->live.presence = HL_LIVE_PENDING;
    object->live.defer_reason = hl_arena_printf(object->arena, "no value: %s", reading->source.missing);
    object->live.defer_hint = hl_arena_printf(object->arena, "%s; or write `optional: true` if it may be absent", reading->source.hint);
    return true;
}

static bool decide_value(struct finding *finding, struct hl_error **err)
{
    struct hl_object *object = finding->object;
    const struct hl_source_type *type = hl_source_find(object->desired, NULL);

    if (type == NULL)
        return true;
    if (strcmp(type->name, "generate") == 0)
        return decide_generated(finding, err);
    if (strcmp(type->name, "value") == 0)
        return true;
    if (finding->reading->type != NULL)
        return take_reading(finding, err);
    const char *waits_for = hl_value_find_unknown(hl_value_get(object->desired, type->name));
    if (waits_for == NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "'%s' refers to something that is null", type->name);
    finding->value = unknown_value(object, waits_for);
    return true;
}

/* Whether all destinations can take the value, told before anything is done. */
static bool check_destinations(const struct finding *finding, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_value *write = hl_value_get(finding->object->desired, "write");

    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_destination destination = destination_of(&finding->view, hl_value_item(write, i));
        if (hl_destination_is_known(destination.item) && !hl_destination_takes(&destination, value, err))
            return false;
    }
    return true;
}

static void add_notes(const struct finding *finding)
{
    struct hl_live *live = &finding->object->live;
    const struct hl_secret_view *view = &finding->view;

    if (live->note != NULL)
        return;
    if (finding->object->recorded == NULL && view->guess != NULL && hl_value_is(finding->value, HL_TEXT) && !hl_secret_same(view->guess, finding->value))
        live->note = hl_arena_printf(finding->object->arena, "another value stands at %s; it will be replaced", view->guess_place);
    else if (view->exposed_place != NULL)
        live->note = hl_arena_printf(finding->object->arena, "%s can be read by everybody on this machine (chmod o-r)", view->exposed_place);
}

static bool find_out(struct finding *finding, struct hl_error **err)
{
    struct hl_object *object = finding->object;
    struct hl_live *live = &object->live;

    if (!hl_secret_look(&finding->view, &live->values, err))
        return false;
    if (object->desired == NULL)
        return true;
    if (!decide_value(finding, err))
        return false;
    const struct hl_value *value = finding->value != NULL ? finding->value : hl_value_get(object->desired, "value");
    if (hl_value_is(value, HL_TEXT) && !hl_secret_same(value, finding->view.value))
        hl_redactor_add(finding->session->run->redactor, value->text.data, value->text.length);
    if (!check_destinations(finding, value, err))
        return false;
    add_notes(finding);
    return true;
}

static void put_inputs(struct hl_object *object, struct hl_value *value)
{
    struct hl_value *inputs = hl_value_map(object->arena);

    hl_value_map_put(inputs, "value", value);
    hl_value_map_put(inputs, "write", hl_secret_fill(object->arena, hl_value_get(object->desired, "write"), value));
    object->live.inputs = inputs;
}

/* What the record keeps of the value. */
static struct hl_value *recorded_value(struct hl_arena *arena, const struct hl_recorded *recorded)
{
    const struct hl_value *value = recorded != NULL ? hl_value_get(recorded->live, "value") : NULL;

    if (!hl_value_is(value, HL_TEXT) && recorded != NULL)
        value = hl_value_get(recorded->desired, "value");
    return hl_value_is(value, HL_TEXT) ? hl_value_mark_sensitive(hl_value_copy(arena, value)) : NULL;
}

static void refresh_object(struct hl_session *session, struct reading *reading)
{
    struct hl_object *object = reading->object;
    const struct hl_recorded *recorded = object->recorded;
    struct hl_live *live = &object->live;
    struct hl_error *error = NULL;
    struct finding finding = {.session = session, .object = object, .reading = reading};

    live->presence = recorded != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT;
    live->owner = recorded != NULL ? HL_OWNER_US : HL_OWNER_NONE;
    live->id = object->name;
    if (session->run->preview) {
        /* Somebody else's spec: not even whether a value is the same may be seen. */
        live->values = hl_value_map(object->arena);
        if (object->desired != NULL)
            put_inputs(object, unknown_value(object, object->address));
        return;
    }
    finding.view = (struct hl_secret_view){
        .session = session,
        .arena = object->arena,
        .name = object->name,
        .desired = hl_value_get(object->desired, "write"),
        .recorded = recorded != NULL ? hl_value_get(recorded->desired, "write") : NULL,
        .value = recorded_value(object->arena, recorded),
        .created_at = recorded != NULL ? hl_value_get_int(recorded->live, "created_at", 0) : 0,
    };
    if (find_out(&finding, &error)) {
        if (finding.value != NULL)
            put_inputs(object, finding.value);
        return;
    }
    hl_error_address(&error, object->address);
    live->presence = HL_LIVE_UNREADABLE;
    live->error = hl_local_keep(hl_local_get(session), error);
}

bool hl_secret_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    struct reading *readings = hl_alloc((count + 1) * sizeof *readings);

    (void)err;
    read_sources(session, objects, count, readings);
    hl_secret_read_ahead(session, objects, count);
    for (size_t i = 0; i < count; i++) {
        refresh_object(session, &readings[i]);
        hl_error_free(readings[i].error);
        hl_arena_free(readings[i].arena);
    }
    hl_cleanup_heap_free(readings);
    return true;
}
