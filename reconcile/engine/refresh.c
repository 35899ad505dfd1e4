#include "config.h"

#include "reconcile/engine/internal.h"
#include "schema/base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { READ_THREADS = 16 };

/* ---- the objects of one session ---- */

static struct hl_arena *object_arena(struct hl_engine *engine)
{
    if (engine->object_arenas_count == engine->object_arenas_capacity) {
        engine->object_arenas_capacity = engine->object_arenas_capacity == 0 ? 64 : engine->object_arenas_capacity * 2;
        engine->object_arenas = hl_realloc(engine->object_arenas, engine->object_arenas_capacity * sizeof(struct hl_arena *));
    }
    return engine->object_arenas[engine->object_arenas_count++] = hl_arena_new();
}

struct hl_object *engine_object(struct hl_engine *engine, const struct hl_resource *resource, const struct hl_recorded *recorded, const struct hl_kind *kind,
                                const char *address, const struct hl_outputs *outputs)
{
    struct hl_arena *arena = object_arena(engine); /* takes no memory before something is put there, which an unchanged object may not need */
    struct hl_object *object = hl_arena_alloc(engine->arena, sizeof *object);

    object->address = address;
    object->name = strchr(address, '.') + 1;
    object->kind = kind;
    object->recorded = recorded;
    object->arena = arena;
    object->id = recorded != NULL && recorded->id != NULL ? recorded->id : "";
    if (resource != NULL) {
        struct hl_diags ignored;
        hl_diags_init(&ignored, arena, NULL);
        object->name = resource->name;
        object->desired = outputs != NULL ? hl_spec_decode(engine->options.spec, resource, arena, outputs, &ignored) : resource->value;
        if (recorded == NULL && resource->adopt_id != NULL)
            object->id = resource->adopt_id;
    }
    return object;
}

static int compare_objects(const void *a, const void *b)
{
    const struct hl_object *const *left = a;
    const struct hl_object *const *right = b;
    const int by_kind = strcmp((*left)->kind->name, (*right)->kind->name);
    return by_kind != 0 ? by_kind : strcmp((*left)->address, (*right)->address);
}

static void add_recorded(struct hl_engine *engine, struct session *session, struct reading *reading, const struct hl_recorded *recorded)
{
    const struct hl_kind *kind = hl_kind_find(engine->options.registry, recorded->kind, session->session.type->name);
    if (kind != NULL)
        reading->objects[reading->count++] = engine_object(engine, NULL, recorded, kind, recorded->address, NULL);
}

static bool is_moved_away(const struct hl_engine *engine, const char *address)
{
    const struct hl_spec *spec = engine->options.spec;

    for (size_t i = 0; spec != NULL && i < spec->moved_count; i++) {
        if (strcmp(spec->moved[i].from, address) == 0 && !hl_map_has(engine->recorded, spec->moved[i].to))
            return true;
    }
    return false;
}

void engine_reading_prepare(struct hl_engine *engine, struct session *session, struct reading *reading, const struct hl_outputs *outputs)
{
    const struct hl_spec *spec = engine->options.spec;
    const size_t most = (spec != NULL ? spec->resources.count : 0) + engine->recorded->count;

    *reading = (struct reading){.engine = engine, .session = session};
    reading->objects = hl_arena_alloc(engine->arena, (most + 1) * sizeof(struct hl_object *));
    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->resources.entries[i].value;
        if (hl_map_find(&engine->homes, resource->address) == session)
            reading->objects[reading->count++] =
                engine_object(engine, resource, engine_recorded(engine, resource->address), resource->kind, resource->address, outputs);
    }
    for (size_t i = 0; i < engine->recorded->count; i++) {
        const char *address = engine->recorded->entries[i].key;
        if ((spec == NULL || hl_spec_find(spec, address) == NULL) && hl_map_find(&engine->homes, address) == session && !is_moved_away(engine, address))
            add_recorded(engine, session, reading, engine->recorded->entries[i].value);
    }
    qsort(reading->objects, reading->count, sizeof(struct hl_object *), compare_objects);
    session->read = true;
}

/* One kind of one session: what one refresh call reads. */
struct group {
    struct reading *reading;
    struct hl_object **objects;
    size_t count;
    struct hl_error *error;
};

static size_t make_groups(struct reading *reading, struct group *groups)
{
    size_t count = 0;

    for (size_t i = 0; i < reading->count; i++) {
        if (i == 0 || reading->objects[i]->kind != reading->objects[i - 1]->kind)
            groups[count++] = (struct group){.reading = reading, .objects = &reading->objects[i]};
        groups[count - 1].count++;
    }
    return count;
}

static void fail_group(struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct hl_object *object = group->objects[i];
        object->live = (struct hl_live){.presence = HL_LIVE_UNREADABLE, .error = group->error};
    }
}

static void read_group(void *context, size_t index)
{
    struct group *group = (struct group *)context + index;
    struct hl_session *session = &group->reading->session->session;

    if (!group->objects[0]->kind->verbs->refresh(session, group->objects, group->count, &group->error))
        fail_group(group);
}

void engine_reading_run(struct reading *reading)
{
    struct group *groups = hl_alloc((reading->count + 1) * sizeof *groups);
    const size_t count = make_groups(reading, groups);
    const int64_t start = engine_clock_ms();

    hl_parallel(count, READ_THREADS, read_group, groups);
    for (size_t i = 0; i < count; i++) {
        if (groups[i].error == NULL)
            continue;
        /* The objects borrow the error, so that it must outlive them: the session keeps the first, the rest point to it. */
        if (reading->error == NULL) {
            reading->error = groups[i].error;
        } else {
            hl_error_free(groups[i].error);
            groups[i].error = reading->error;
            fail_group(&groups[i]);
        }
    }
    reading->elapsed_ms = engine_clock_ms() - start;
    free(groups);
}

static void take_object(struct hl_engine *engine, struct hl_object *object)
{
    engine_redact(engine, object->kind, object->live.values);
    engine_redact(engine, object->kind, object->live.inputs);
    hl_map_put(&engine->live, object->address, &object->live);
}

static void count_requests(struct session *session)
{
    const struct hl_provider_type *type = session->session.type;

    if (type->verbs->requests != NULL && session->state == SESSION_OPEN)
        session->stats.requests = type->verbs->requests(&session->session);
}

void engine_reading_take(struct reading *reading)
{
    struct session *session = reading->session;

    for (size_t i = 0; i < reading->count; i++)
        take_object(reading->engine, reading->objects[i]);
    count_requests(session);
    for (struct session **used = session->uses; used != NULL && *used != NULL; used++)
        count_requests(*used);
    /* What is said of a provider is said of the instance, not of a view. */
    session = session->base != NULL ? session->base : session;
    session->stats.elapsed_ms += reading->elapsed_ms;
    if (reading->error != NULL) {
        hl_error_free(session->error);
        session->error = reading->error;
        session->stats.error = reading->error;
    }
}

bool engine_read_one(struct hl_engine *engine, struct session *session, struct hl_object *object, struct hl_error **err)
{
    if (!object->kind->verbs->refresh(&session->session, &object, 1, err))
        return false;
    take_object(engine, object);
    return true;
}

/* ---- all sessions of a run ---- */

static void touch_sessions(struct hl_engine *engine)
{
    const struct hl_spec *spec = engine->options.spec;

    hl_map_init(&engine->homes, engine->arena);
    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->resources.entries[i].value;
        const struct hl_recorded *recorded = engine_recorded(engine, resource->address);
        hl_map_put(&engine->homes, resource->address, engine_session_of(engine, resource->kind, resource, recorded));
    }
    for (size_t i = 0; i < engine->recorded->count; i++) {
        const struct hl_recorded *recorded = engine->recorded->entries[i].value;
        const struct hl_kind *kind = hl_kind_find(engine->options.registry, recorded->kind, recorded->provider_type);
        if (!hl_map_has(&engine->homes, recorded->address))
            hl_map_put(&engine->homes, recorded->address, engine_session_of(engine, kind, NULL, recorded));
    }
}

static const char *late_reason(struct hl_arena *arena, const char *provider, const char *why)
{
    if (why != NULL)
        return hl_arena_printf(arena, "provider '%s' %s", provider, why);
    return hl_arena_printf(arena, "provider '%s' is opened during apply, when what it needs is in place", provider);
}

/* What is said of an object whose provider cannot be asked. */
static struct hl_live unread(struct hl_arena *arena, struct session *session)
{
    const struct session *culprit = engine_session_culprit(session);

    switch (session->state) {
    case SESSION_LACKING:
        return (struct hl_live){
            .presence = HL_LIVE_PENDING,
            .defer_reason = hl_arena_printf(arena, "provider '%s' has no %s yet", culprit->session.name, session->lacking),
            .defer_hint = "give the secret that its setting refers to a value, then run again",
        };
    case SESSION_LATE:
        return (struct hl_live){.presence = HL_LIVE_UNREAD, .late = true, .reason = late_reason(arena, culprit->session.name, session->late)};
    case SESSION_CLOSED:
    case SESSION_OPEN:
    case SESSION_FAILED:
        break;
    }
    return (struct hl_live){.presence = HL_LIVE_UNREADABLE, .error = culprit->error};
}

static void mark_unread(struct hl_engine *engine, struct session *session)
{
    struct reading reading;

    engine_reading_prepare(engine, session, &reading, NULL);
    for (size_t i = 0; i < reading.count; i++) {
        reading.objects[i]->live = unread(reading.objects[i]->arena, session);
        hl_map_put(&engine->live, reading.objects[i]->address, &reading.objects[i]->live);
    }
}

/* How far a provider's needs are, by a plan made from what is read so far. What a setting merely refers to (a token) is in place when its value is known, which
 * opening tells. */
enum readiness { NEEDS_MET, NEEDS_CHANGING, NEEDS_UNMET };

static enum readiness readiness_of(const struct session *session, const struct hl_plan *plan)
{
    enum readiness readiness = NEEDS_MET;

    for (size_t i = 0; i < session->spec->needs_count; i++) {
        if (session->spec->needs[i].edge == HL_EDGE_REFERENCE)
            continue;
        const struct hl_step *step = plan != NULL ? hl_map_find(&plan->by_address, session->spec->needs[i].to->address) : NULL;
        if (step == NULL)
            return NEEDS_UNMET;
        if (step->action == HL_ACTION_UPDATE || step->action == HL_ACTION_ADOPT || step->action == HL_ACTION_REPLACE)
            readiness = NEEDS_CHANGING;
        else if (step->action != HL_ACTION_NONE)
            return NEEDS_UNMET;
    }
    return readiness;
}

static struct hl_value *plan_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct hl_plan *plan = context;
    const struct hl_step *step = plan != NULL ? hl_map_find(&plan->by_address, address) : NULL;

    if (step == NULL)
        return hl_value_unknown(arena, address);
    return engine_setting_output(arena, step, output);
}

static void call_late(struct session *session, const char *why)
{
    session->state = SESSION_LATE;
    session->late = why;
    session->stats.late = true;
    session->stats.late_reason = why;
}

/* Whether a session that has just been opened answers; asked where something may still have to be done before it does. */
static void check_ready(struct session *session, const struct hl_plan *plan, bool needy)
{
    const struct hl_provider_verbs *verbs = session->session.type->verbs;
    struct hl_error *error = NULL;

    if ((!needy && verbs->setup == NULL) || verbs->ready(&session->session, NULL, &error))
        return;
    if (error->code == HL_E_NOT_SET_UP) {
        call_late(session, hl_arena_strdup(session->arena, error->message));
        hl_error_free(error);
    } else if (needy && error->code != HL_E_AUTH && readiness_of(session, plan) == NEEDS_CHANGING) {
        call_late(session, NULL); /* the plan brings it up */
        hl_error_free(error);
    } else {
        engine_session_fail(session, error);
    }
}

/* A preview has one wave: what the base needs is taken to be in place, with the values that the state has. */
static void open_for_preview(struct hl_engine *engine, struct session *session)
{
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct hl_error *error = NULL;

    engine_session_open(engine, session, &outputs);
    if (session->state != SESSION_OPEN || session->spec == NULL || session->spec->needs_count == 0)
        return;
    if (session->session.type->verbs->ready(&session->session, NULL, &error))
        return;
    call_late(session, NULL);
    hl_error_free(error);
}

static void open_instance(struct hl_engine *engine, struct session *session, const struct hl_plan *plan)
{
    const struct hl_outputs outputs = {plan_output, (void *)plan};
    const bool needy = session->spec != NULL && session->spec->needs_count > 0;

    if (engine->options.preview) {
        open_for_preview(engine, session);
        return;
    }
    if (needy && (plan == NULL || readiness_of(session, plan) == NEEDS_UNMET)) {
        call_late(session, NULL);
        return;
    }
    if (session->opened && session->state == SESSION_LATE)
        session->state = SESSION_OPEN;
    engine_session_open(engine, session, &outputs);
    if (session->state == SESSION_OPEN)
        check_ready(session, plan, needy);
}

/* Decides whether a session is to be read in this wave. What a view is made of stands before it in the map, so that it was decided already. */
static bool wants_reading(struct hl_engine *engine, struct session *session, const struct hl_plan *plan)
{
    if (session->read || session->session.type == NULL)
        return false;
    /* A secret's value is part of what is desired: where a store has it, the store is asked all the same. */
    if (engine->options.no_refresh && !session->session.type->here && !session->used)
        return false;
    if (session->base != NULL)
        engine_session_join(session);
    else
        open_instance(engine, session, plan);
    if (session->state == SESSION_FAILED || session->state == SESSION_LACKING)
        mark_unread(engine, session);
    return session->state == SESSION_OPEN;
}

static void read_session(void *context, size_t index)
{
    engine_reading_run((struct reading *)context + index);
}

/* Reads all sessions that can be read now, side by side; the number that was. */
static size_t read_wave(struct hl_engine *engine, const struct hl_plan *plan)
{
    struct reading *readings = hl_alloc((engine->sessions.count + 1) * sizeof *readings);
    const struct hl_outputs outputs = {plan_output, (void *)plan};
    size_t count = 0;

    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        if (wants_reading(engine, session, plan))
            engine_reading_prepare(engine, session, &readings[count++], plan != NULL ? &outputs : NULL);
    }
    hl_parallel(count, READ_THREADS, read_session, readings);
    for (size_t i = 0; i < count; i++)
        engine_reading_take(&readings[i]);
    free(readings);
    return count;
}

static bool has_needy_sessions(const struct hl_engine *engine)
{
    for (size_t i = 0; i < engine->sessions.count; i++) {
        const struct session *session = engine->sessions.entries[i].value;
        const bool needy = session->base != NULL || (session->spec != NULL && session->spec->needs_count > 0);
        if (!session->read && needy)
            return true;
    }
    return false;
}

/* What comes later is decided again during apply, also where the record says that nothing is to be done. */
static void mark_late(struct hl_engine *engine)
{
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        if (session->state != SESSION_LATE || session->read)
            continue;
        mark_unread(engine, session);
        session->read = false;
    }
}

bool hl_engine_refresh(struct hl_engine *engine, struct hl_error **err)
{
    const int64_t start = engine_clock_ms();

    hl_map_init(&engine->live, engine->arena);
    for (size_t i = 0; i < engine->sessions.count; i++)
        ((struct session *)engine->sessions.entries[i].value)->read = false;
    touch_sessions(engine);
    size_t read = read_wave(engine, NULL);
    /* Providers that live in what others make: each wave may bring the next within reach. */
    while (read > 0 && has_needy_sessions(engine) && !engine->options.preview) {
        hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
        const struct hl_plan_input input = engine_plan_input(engine);
        read = read_wave(engine, hl_plan_compute(scratch, &input));
    }
    mark_late(engine);
    engine->read_ms = engine_clock_ms() - start;
    if (engine->run.interrupts != NULL && *engine->run.interrupts > 0)
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted while reading; nothing was changed");
    return true;
}
