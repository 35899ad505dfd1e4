#include "config.h"

#include "reconcile/engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { READY_PAUSE_MS = 500 };

/* A secret that may be absent, and is not recorded: it has no value. */
static bool is_optional(const struct hl_engine *engine, const char *address)
{
    const struct hl_resource *resource = engine->options.spec != NULL ? hl_spec_find(engine->options.spec, address) : NULL;

    return resource != NULL && hl_value_get_bool(resource->value, "optional", false);
}

static struct hl_value *known_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct hl_engine *engine = context;
    const struct hl_recorded *recorded = engine_recorded(engine, address);
    static const struct hl_live nothing = {.presence = HL_LIVE_UNREAD};

    if (recorded == NULL && is_optional(engine, address))
        return hl_value_null(arena);
    if (recorded == NULL)
        return hl_value_unknown(arena, hl_arena_printf(arena, "%s%s%s", address, output != NULL ? "." : "", output != NULL ? output : ""));
    const struct hl_step step = {
        .address = address,
        .kind = hl_kind_find(engine->options.registry, recorded->kind, recorded->provider_type),
        .recorded = recorded,
        .desired = recorded->desired,
        .live = &nothing,
        .action = HL_ACTION_NONE,
    };
    return hl_step_output(arena, &step, output);
}

/* What is about to be deleted is gone for those that need it, but not for the provider that deletes what lives there before it. */
struct hl_value *engine_setting_output(struct hl_arena *arena, const struct hl_step *step, const char *output)
{
    struct hl_step before = *step;

    if (step->action == HL_ACTION_DELETE && step->recorded != NULL) {
        before.action = HL_ACTION_NONE;
        before.absent = false;
        before.desired = before.desired != NULL ? before.desired : step->recorded->desired;
    }
    return hl_step_output(arena, &before, output);
}

struct hl_outputs engine_known_outputs(struct hl_engine *engine)
{
    return (struct hl_outputs){known_output, engine};
}

static const struct hl_provider_spec *find_spec(const struct hl_engine *engine, const char *instance)
{
    return engine->options.spec != NULL ? hl_map_find(&engine->options.spec->providers, instance) : NULL;
}

struct session *engine_session(struct hl_engine *engine, const char *instance, const char *type)
{
    struct session *session = hl_map_find(&engine->sessions, instance);

    if (session != NULL)
        return session;
    session = hl_arena_alloc(engine->arena, sizeof *session);
    session->arena = hl_arena_new();
    session->spec = find_spec(engine, instance);
    session->session.run = &engine->run;
    session->session.name = hl_arena_strdup(engine->arena, instance);
    session->session.type = session->spec != NULL ? session->spec->type : hl_provider_type_find(engine->options.registry, type != NULL ? type : instance);
    session->session.arena = session->arena;
    session->stats.provider = session->session.name;
    hl_map_put(&engine->sessions, session->session.name, session);
    if (session->session.type == NULL) {
        struct hl_error *error = NULL;
        (void)hl_fail(&error, HL_E_SPEC, "provider '%s' is needed for what is recorded, and is not in the spec any more", instance);
        (void)hl_error_hint(&error, "put the provider back until its objects are deleted, or forget them with `hlrec state rm`");
        engine_session_fail(session, error);
    }
    return session;
}

/* ---- views ---- */

enum { USES_MOST = 8 };

struct uses {
    struct hl_engine *engine;
    struct session *found[USES_MOST + 1];
    size_t count;
};

static void add_use(struct uses *uses, struct session *session)
{
    for (size_t i = 0; i < uses->count; i++) {
        if (uses->found[i] == session)
            return;
    }
    if (uses->count < USES_MOST)
        uses->found[uses->count++] = session;
}

/* What only the record says, by an instance that the spec may not have any more. */
static void add_recorded_use(void *context, const char *type, const char *instance, struct hl_span at)
{
    struct uses *uses = context;
    const struct hl_spec *spec = uses->engine->options.spec;
    const struct hl_provider_spec *provider = spec != NULL ? hl_provider_used(spec, type, instance) : NULL;

    (void)at;
    add_use(uses, engine_session(uses->engine, provider != NULL ? provider->name : instance != NULL ? instance : type, type));
}

static int compare_sessions(const void *a, const void *b)
{
    return strcmp((*(struct session *const *)a)->session.name, (*(struct session *const *)b)->session.name);
}

static struct session *new_view(struct hl_engine *engine, struct session *base, struct uses *uses)
{
    struct session *view = hl_arena_alloc(engine->arena, sizeof *view);

    view->arena = hl_arena_new();
    view->spec = base->spec;
    view->base = base;
    view->uses = hl_arena_alloc(engine->arena, (uses->count + 1) * sizeof(struct session *));
    memcpy(view->uses, uses->found, uses->count * sizeof(struct session *));
    for (size_t i = 0; i < uses->count; i++)
        uses->found[i]->used = true;
    view->session = base->session;
    view->stats.provider = base->session.name;
    return view;
}

static struct session *find_view(struct hl_engine *engine, struct session *base, struct uses *uses)
{
    hl_auto(text) struct hl_text key = HL_TEXT_INIT(4096);

    qsort(uses->found, uses->count, sizeof(struct session *), compare_sessions);
    hl_text_puts(&key, base->session.name);
    for (size_t i = 0; i < uses->count; i++)
        hl_text_printf(&key, " with %s", uses->found[i]->session.name); /* blanks: no instance is named so */
    struct session *view = hl_map_find(&engine->sessions, hl_text_get(&key));
    if (view == NULL)
        hl_map_put(&engine->sessions, hl_text_get(&key), view = new_view(engine, base, uses));
    return view;
}

struct session *engine_session_of(struct hl_engine *engine, const struct hl_kind *kind, const struct hl_resource *resource, const struct hl_recorded *recorded)
{
    struct uses uses = {.engine = engine};
    struct session *base = resource != NULL ? engine_session(engine, resource->provider->name, resource->provider->type->name)
                                            : engine_session(engine, recorded->provider, recorded->provider_type);

    for (struct hl_provider_spec **used = resource != NULL ? resource->uses : NULL; used != NULL && *used != NULL; used++)
        add_use(&uses, engine_session(engine, (*used)->name, (*used)->type->name));
    if (recorded != NULL && kind != NULL && hl_kind_has_uses(kind))
        hl_kind_each_use(kind->fields, recorded->desired, add_recorded_use, &uses);
    return uses.count == 0 ? base : find_view(engine, base, &uses);
}

struct session *engine_session_for(struct hl_engine *engine, const struct hl_step *step)
{
    if (step->resource == NULL && step->recorded == NULL)
        return engine_session(engine, step->provider, step->kind->provider);
    return engine_session_of(engine, step->kind, step->resource, step->recorded);
}

struct session *engine_session_culprit(struct session *session)
{
    if (session->base == NULL)
        return session;
    if (session->base->state != SESSION_OPEN)
        return session->base;
    for (struct session **used = session->uses; *used != NULL; used++) {
        if ((*used)->state != SESSION_OPEN)
            return *used;
    }
    return session;
}

static struct hl_session *const *list_used(const struct session *view)
{
    size_t count = 0;

    while (view->uses[count] != NULL)
        count++;
    struct hl_session **used = hl_arena_alloc(view->arena, (count + 1) * sizeof *used);
    for (size_t i = 0; i < count; i++)
        used[i] = &view->uses[i]->session;
    return used;
}

void engine_session_join(struct session *view)
{
    struct session *culprit = engine_session_culprit(view);

    view->state = culprit == view ? SESSION_OPEN : culprit->state == SESSION_CLOSED ? SESSION_LATE : culprit->state;
    view->late = culprit->late;
    view->lacking = culprit->lacking;
    if (culprit != view)
        return;
    struct hl_session *const *used = view->session.used != NULL ? view->session.used : list_used(view);
    view->session = view->base->session;
    view->session.used = used;
}

void engine_session_fail(struct session *session, struct hl_error *error)
{
    hl_error_free(session->error);
    session->error = error;
    session->state = SESSION_FAILED;
    session->stats.error = error;
}

/* A setting that the spec names and that turned out to have no value: a token that a person must paste first. */
static const char *find_lacking(const struct session *session, const struct hl_value *settings)
{
    /* A system that hlrec sets up itself gives the token then. */
    if (session->session.type->verbs->setup != NULL && !hl_value_is_null(hl_value_get(settings, "setup")))
        return NULL;
    for (size_t i = 0; i < hl_value_count(settings); i++) {
        const char *key = hl_value_key(settings, i);
        const struct hl_field *field = hl_field_find(session->session.type->fields, key, false);
        if (field != NULL && field->sensitive && hl_value_at(settings, i)->type == HL_NULL)
            return key;
    }
    return NULL;
}

static void open_with(struct hl_engine *engine, struct session *session, struct hl_value *settings)
{
    struct hl_error *error = NULL;
    struct hl_value *kept = NULL;

    session->session.settings = settings;
    if (!hl_store_kept(engine->store, session->arena, session->session.name, &kept, &error)) {
        engine_session_fail(session, error);
        return;
    }
    if (kept != NULL)
        hl_redactor_add_value(engine->run.redactor, hl_value_mark_sensitive(kept));
    session->session.kept = kept;
    if (session->session.type->verbs->open(&session->session, &error)) {
        session->state = SESSION_OPEN;
        session->opened = true;
    } else {
        (void)hl_wrap(&error, "opening provider '%s'", session->session.name);
        engine_session_fail(session, error);
    }
}

void engine_session_open(struct hl_engine *engine, struct session *session, const struct hl_outputs *outputs)
{
    struct hl_diags diags;

    if (session->state == SESSION_OPEN || session->session.type == NULL)
        return;
    if (session->base != NULL) {
        engine_session_open(engine, session->base, outputs);
        for (struct session **used = session->uses; *used != NULL; used++)
            engine_session_open(engine, *used, outputs);
        engine_session_join(session);
        return;
    }
    if (session->opened) {
        session->session.type->verbs->close(&session->session); /* its settings may have other values now */
        session->opened = false;
    }
    session->stats.late = false;
    session->stats.late_reason = NULL;
    session->late = NULL;
    if (session->spec == NULL) {
        open_with(engine, session, NULL);
        return;
    }
    hl_diags_init(&diags, session->arena, engine->options.spec->file);
    struct hl_value *settings = hl_spec_decode_provider(engine->options.spec, session->spec, session->arena, outputs, &diags);
    const char *unknown = hl_value_find_unknown(settings);
    if (diags.errors > 0) {
        struct hl_error *error = NULL;
        (void)hl_fail(&error, HL_E_SPEC, "provider '%s': %s", session->session.name, diags.items[0].message);
        engine_session_fail(session, error);
    } else if (unknown != NULL) {
        session->state = SESSION_LATE;
        session->stats.late = true;
    } else if ((session->lacking = find_lacking(session, settings)) != NULL) {
        session->state = SESSION_LACKING;
    } else {
        hl_redactor_add_value(engine->run.redactor, settings);
        open_with(engine, session, settings);
    }
}

bool engine_session_await(struct session *session, int64_t timeout_ms, struct hl_error **err)
{
    const struct hl_provider_verbs *verbs = session->session.type->verbs;
    const int64_t deadline = engine_clock_ms() + timeout_ms;
    bool was_set_up = false;

    for (;;) {
        struct hl_error *error = NULL;
        if (verbs->ready(&session->session, NULL, &error))
            return true;
        if (error->code == HL_E_NOT_SET_UP && !was_set_up && verbs->setup != NULL) {
            hl_error_clear(&error);
            was_set_up = verbs->setup(&session->session, &error);
            if (was_set_up)
                continue;
            (void)hl_wrap(&error, "setting up what provider '%s' leads to", session->session.name);
        }
        const bool hopeless = error->code == HL_E_NOT_SET_UP || error->code == HL_E_REJECTED || error->code == HL_E_AUTH || error->code == HL_E_SPEC;
        if (hopeless || engine_clock_ms() >= deadline || hl_run_ending(session->session.run) || !hl_run_sleep(session->session.run, READY_PAUSE_MS)) {
            *err = error;
            return hl_wrap(err, "waiting for provider '%s'", session->session.name);
        }
        hl_error_free(error);
    }
}

bool engine_keep(struct hl_engine *engine, struct session *session, const struct hl_value *value, struct hl_error **err)
{
    struct hl_value *kept = hl_value_mark_sensitive(hl_value_copy(session->arena, value));

    hl_redactor_add_value(engine->run.redactor, kept);
    if (hl_store_begin(engine->store, err) && hl_store_keep(engine->store, session->session.name, kept, err) && hl_store_commit(engine->store, err)) {
        session->session.kept = kept;
        return true;
    }
    hl_store_rollback(engine->store);
    return false;
}

void engine_sessions_close(struct hl_engine *engine)
{
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        if (session->opened && session->session.type->verbs->close != NULL)
            session->session.type->verbs->close(&session->session);
        hl_error_free(session->error);
        hl_arena_free(session->arena);
    }
}
