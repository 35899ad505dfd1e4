#include "config.h"

#include "reconcile/engine/internal.h"

#include <string.h>

struct hl_value *hl_engine_outputs(struct hl_engine *engine, struct hl_diags *diags)
{
    const struct hl_spec *spec = engine->options.spec;
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct hl_value *map = hl_value_map(engine->arena);

    for (size_t i = 0; i < spec->outputs_count; i++) {
        struct hl_value *value = hl_spec_output(spec, &spec->outputs[i], engine->arena, &outputs, diags);
        if (value != NULL && spec->outputs[i].sensitive)
            hl_value_mark_sensitive(value);
        hl_value_map_put(map, spec->outputs[i].name, value);
    }
    return map;
}

/* ---- import ---- */

/* Only what the spec names is managed from now on, with the values that are live: the next plan shows what the spec wants otherwise. */
static struct hl_value *managed_part(struct hl_arena *arena, const struct hl_kind *kind, const struct hl_value *desired, const struct hl_value *live)
{
    struct hl_value *managed = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const char *key = hl_value_key(desired, i);
        const struct hl_field *field = hl_field_find(kind->fields, key, false);
        const bool readable = field != NULL && !field->local && !field->write_only;
        hl_value_map_put(managed, key, readable ? hl_value_get(live, key) : hl_value_at(desired, i));
    }
    return managed;
}

static bool record_import(struct hl_engine *engine, const struct hl_resource *resource, const struct hl_object *object, struct hl_error **err)
{
    struct hl_record record = {
        .address = resource->address,
        .kind = resource->kind->name,
        .name = resource->name,
        .provider = resource->provider->name,
        .provider_type = resource->provider->type->name,
        .id = object->live.id != NULL ? object->live.id : object->id,
        .desired = managed_part(engine->arena, resource->kind, object->desired, object->live.values),
        .live = object->live.values,
    };

    settle_fill(engine, &record, resource, NULL);
    record.adopted = true;
    if (!hl_store_begin(engine->store, err))
        return false;
    if (engine_record(engine, &record, object->desired, err) && hl_store_commit(engine->store, err))
        return engine_load_records(engine, err);
    hl_store_rollback(engine->store);
    return false;
}

static bool read_import(struct hl_engine *engine, const struct hl_resource *resource, const char *id, struct hl_object **out, struct hl_error **err)
{
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct session *session = engine_session_of(engine, resource->kind, resource, NULL);

    engine_session_open(engine, session, &outputs);
    if (session->state != SESSION_OPEN) {
        struct session *culprit = engine_session_culprit(session);
        if (culprit->error == NULL)
            return hl_fail(err, HL_E_UNREACHABLE, "provider '%s' cannot be opened yet: what it needs is not in place", culprit->session.name);
        *err = culprit->error;
        culprit->error = NULL;
        return hl_wrap(err, "importing %s", resource->address);
    }
    struct hl_object *object = engine_object(engine, resource, NULL, resource->kind, resource->address, &outputs);
    object->id = id;
    *out = object;
    return engine_read_one(engine, session, object, err);
}

static bool fail_unreadable(const struct hl_resource *resource, const char *id, const struct hl_error *why, struct hl_error **err)
{
    hl_auto(heap) char *text = why != NULL ? hl_error_text(why) : NULL;

    hl_fail(err, why != NULL ? why->code : HL_E_UNREACHABLE, "%s '%s' could not be read%s%s", resource->kind->name, id, text != NULL ? ": " : "",
            text != NULL ? text : "");
    return why != NULL && why->hint != NULL ? hl_error_hint(err, "%s", why->hint) : false;
}

/* Taken out of the spec, one address would delete what the other has. */
static bool is_recorded_elsewhere(struct hl_engine *engine, const struct hl_resource *resource, const struct hl_object *object, struct hl_error **err)
{
    for (size_t i = 0; i < engine->records->count; i++) {
        const struct hl_record *record = engine->records->entries[i].value;
        if (record->id == NULL || strcmp(record->kind, resource->kind->name) != 0 || strcmp(record->provider, resource->provider->name) != 0 ||
            strcmp(record->id, object->live.id != NULL ? object->live.id : object->id) != 0)
            continue;
        (void)hl_fail(err, HL_E_CONFLICT, "%s '%s' is recorded as %s already", resource->kind->name, object->id, record->address);
        (void)hl_error_hint(err, "`hlrec state mv %s %s` gives it the other address", record->address, resource->address);
        return true;
    }
    return false;
}

bool hl_engine_import(struct hl_engine *engine, const char *address, const char *id, struct hl_error **err)
{
    const struct hl_resource *resource = hl_spec_find(engine->options.spec, address);
    struct hl_object *object = NULL;

    if (resource == NULL) {
        (void)hl_fail(err, HL_E_SPEC, "'%s' is not in the spec", address);
        return hl_error_hint(err, "write its block first, then import the object into it");
    }
    if (hl_map_has(engine->records, address)) {
        (void)hl_fail(err, HL_E_REFUSED, "%s is recorded already", address);
        return hl_error_hint(err, "`hlrec state rm %s` forgets it first, without touching the object", address);
    }
    if (!read_import(engine, resource, id, &object, err))
        return false;
    if (object->live.presence == HL_LIVE_UNREADABLE)
        return fail_unreadable(resource, id, object->live.error, err);
    if (object->live.presence != HL_LIVE_PRESENT)
        return hl_fail(err, HL_E_NOT_FOUND, "there is no %s '%s'", resource->kind->name, id);
    if (object->live.owner == HL_OWNER_OTHER)
        return hl_fail(err, HL_E_CONFLICT, "%s '%s' belongs to %s", resource->kind->name, id,
                       object->live.owner_text != NULL ? object->live.owner_text : "another owner");
    return !is_recorded_elsewhere(engine, resource, object, err) && record_import(engine, resource, object, err);
}

/* ---- doctor, unmanaged ---- */

static void touch_all(struct hl_engine *engine)
{
    const struct hl_spec *spec = engine->options.spec;

    for (size_t i = 0; spec != NULL && i < spec->providers.count; i++) {
        const struct hl_provider_spec *provider = spec->providers.entries[i].value;
        (void)engine_session(engine, provider->name, provider->type->name);
    }
    for (size_t i = 0; i < engine->records->count; i++) {
        const struct hl_record *record = engine->records->entries[i].value;
        (void)engine_session(engine, record->provider, record->provider_type);
    }
}

/* What a system says of itself, below its name. */
static void put_lines(struct hl_text *report, const char *lines)
{
    while (*lines != '\0') {
        const size_t length = strcspn(lines, "\n");

        hl_text_puts(report, "  ");
        hl_text_append(report, lines, length);
        hl_text_putc(report, '\n');
        lines += length + (lines[length] == '\n' ? 1 : 0);
    }
}

static bool examine(struct hl_engine *engine, struct session *session, struct hl_text *report)
{
    hl_auto(text) struct hl_text lines = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct hl_error *error = NULL;

    engine_session_open(engine, session, &outputs);
    if (session->state == SESSION_LATE || session->state == SESSION_LACKING) {
        hl_text_printf(report, "%s: not yet: %s\n", session->session.name,
                       session->state == SESSION_LACKING ? "a setting has no value" : "what it needs has not been applied");
        return true;
    }
    if (session->state == SESSION_OPEN) {
        if (session->session.type->verbs->ready(&session->session, &lines, &error)) {
            hl_text_printf(report, "%s:\n", session->session.name);
            put_lines(report, hl_text_get(&lines));
            return true;
        }
        engine_session_fail(session, error);
    }
    hl_auto(heap) char *text = hl_error_text(session->error);
    hl_text_printf(report, "%s: NOT FIT: %s\n", session->session.name, text);
    put_lines(report, hl_text_get(&lines));
    for (const struct hl_error *cause = session->error; cause != NULL; cause = cause->cause) {
        if (cause->hint != NULL)
            hl_text_printf(report, "  hint: %s\n", cause->hint);
    }
    return false;
}

bool hl_engine_doctor(struct hl_engine *engine, struct hl_text *report)
{
    hl_auto(error) struct hl_error *unread = NULL;
    bool fit = true;

    touch_all(engine);
    /* As a plan would: with the credentials that the spec and the environment hold now, not those of the last apply. What cannot be read is told below. */
    if (!hl_engine_refresh(engine, &unread))
        hl_text_puts(report, "interrupted while reading: what follows is from before\n");
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;

        if (session->base == NULL) /* no view */
            fit = examine(engine, session, report) && fit;
    }
    return fit;
}

static bool list_unmanaged(struct hl_engine *engine, struct session *session, struct hl_value *list, struct hl_error **err)
{
    for (const struct hl_kind *const *kind = engine->options.registry->kinds; *kind != NULL; kind++) {
        if (strcmp((*kind)->provider, session->session.type->name) != 0 || (*kind)->verbs->unmanaged == NULL)
            continue;
        if (!(*kind)->verbs->unmanaged(&session->session, *kind, engine->arena, list, err))
            return hl_wrap(err, "listing what lives in '%s'", session->session.name);
    }
    return true;
}

/* What was adopted carries no mark, and is managed all the same. */
static struct hl_value *without_recorded(struct hl_engine *engine, const struct hl_value *list)
{
    struct hl_value *rest = hl_value_list(engine->arena);
    struct hl_map ids;

    hl_map_init(&ids, engine->arena);
    for (size_t i = 0; i < engine->records->count; i++) {
        const struct hl_record *record = engine->records->entries[i].value;
        hl_map_put(&ids, hl_arena_printf(engine->arena, "%s %s", record->kind, record->id), NULL);
    }
    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *item = hl_value_item(list, i);
        const char *kind = hl_value_get_text(item, "kind");
        const char *id = hl_value_get_text(item, "id");
        if (kind == NULL || id == NULL || !hl_map_has(&ids, hl_arena_printf(engine->arena, "%s %s", kind, id)))
            hl_value_list_add(engine->arena, rest, item);
    }
    return rest;
}

struct hl_value *hl_engine_unmanaged(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct hl_value *list = hl_value_list(engine->arena);

    touch_all(engine);
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        const size_t before = hl_value_count(list);
        engine_session_open(engine, session, &outputs);
        if (session->state != SESSION_OPEN)
            continue;
        if (!list_unmanaged(engine, session, list, err))
            return NULL;
        for (size_t j = before; j < hl_value_count(list); j++)
            hl_value_map_put_text(hl_value_item(list, j), "provider", session->session.name);
    }
    return without_recorded(engine, list);
}
