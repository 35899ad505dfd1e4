#include "config.h"

#include "reconcile/engine/internal.h"

#include <string.h>

enum { READY_PAUSE_MS = 500 };

static struct hl_value *known_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct hl_engine *engine = context;
    const struct hl_recorded *recorded = engine_recorded(engine, address);
    static const struct hl_live nothing = {.presence = HL_LIVE_UNREAD};

    if (recorded == NULL)
        return hl_value_unknown(arena, hl_arena_printf(arena, "%s%s%s", address, output != NULL ? "." : "", output != NULL ? output : ""));
    const struct hl_step step = {
        .address = address,
        .kind = hl_kind_find(engine->options.registry, recorded->kind, NULL),
        .recorded = recorded,
        .desired = recorded->desired,
        .live = &nothing,
        .action = HL_ACTION_NONE,
    };
    return hl_step_output(arena, &step, output);
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
    for (size_t i = 0; i < hl_value_count(settings); i++) {
        const char *key = hl_value_key(settings, i);
        const struct hl_field *field = hl_field_find(session->session.type->fields, key, false);
        if (field != NULL && field->sensitive && hl_value_at(settings, i)->type == HL_NULL)
            return key;
    }
    return NULL;
}

static void open_with(struct session *session, struct hl_value *settings)
{
    struct hl_error *error = NULL;

    session->session.settings = settings;
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
    session->stats.late = false;
    if (session->spec == NULL) {
        open_with(session, NULL);
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
        open_with(session, settings);
    }
}

bool engine_session_await(struct session *session, int64_t timeout_ms, struct hl_error **err)
{
    const int64_t deadline = engine_clock_ms() + timeout_ms;

    for (;;) {
        struct hl_error *error = NULL;
        if (session->session.type->verbs->ready(&session->session, NULL, &error))
            return true;
        const bool hopeless = error->code == HL_E_AUTH || error->code == HL_E_SPEC;
        if (hopeless || engine_clock_ms() >= deadline || !hl_run_sleep(session->session.run, READY_PAUSE_MS)) {
            *err = error;
            return hl_wrap(err, "waiting for provider '%s'", session->session.name);
        }
        hl_error_free(error);
    }
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
