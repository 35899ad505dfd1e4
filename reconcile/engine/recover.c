/* The intents that a run left open: what became of each action is told by the world. It may not have been begun at all. */
#include "config.h"

#include "reconcile/engine/internal.h"

#include <string.h>

enum { ARRIVAL_MS = 500 };

/* What was to be replaced is there as it was recorded: the action had not been begun, or had done nothing yet. */
static bool is_as_before(const struct hl_recovery *recovery, const struct hl_live *live)
{
    const struct hl_recorded *recorded = recovery->recorded;

    return recorded != NULL && recorded->id != NULL && live->id != NULL && strcmp(live->id, recorded->id) == 0 && hl_value_equal(live->values, recorded->live);
}

/* Looks for the object by its mark and name, as refresh does. */
static bool look(struct hl_engine *engine, struct session *session, struct hl_recovery *recovery, struct hl_error **err)
{
    struct hl_resource *resource = engine->options.spec != NULL ? hl_spec_find(engine->options.spec, recovery->address) : NULL;
    const struct hl_outputs outputs = engine_known_outputs(engine);
    struct hl_object *object = engine_object(engine, resource, recovery->recorded, recovery->kind, recovery->address, &outputs);

    if (resource == NULL)
        object->desired = recovery->desired;
    if (!recovery->kind->verbs->refresh(&session->session, &object, 1, err))
        return false;
    const bool ours = object->live.presence == HL_LIVE_PRESENT && object->live.owner == HL_OWNER_US;
    const bool deleting = strcmp(recovery->action, "delete") == 0;
    const bool making = strcmp(recovery->action, "create") == 0 || strcmp(recovery->action, "replace") == 0;
    if (object->live.presence == HL_LIVE_ABSENT)
        recovery->outcome = deleting ? HL_RECOVERED_GONE : HL_RECOVERED_NOTHING;
    else if (ours && making && !is_as_before(recovery, &object->live))
        recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = object->live.id;
    recovery->result = object->live.values;
    return true;
}

/* A replacement that had made the new object: the old one may be there still, and goes when its users have the new one. */
static bool keep_former(struct hl_engine *engine, const struct hl_intent *intent, const struct hl_recovery *recovery, const char *id, struct hl_error **err)
{
    const struct hl_record *former = hl_map_find(engine->records, intent->address);

    if (strcmp(intent->action, "replace") != 0 || recovery->kind->verbs->replace != NULL || former == NULL || strcmp(former->id, id) == 0)
        return true;
    return settle_former(engine, former, err);
}

static bool record_recovered(struct hl_engine *engine, const struct hl_intent *intent, const struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_resource *resource = engine->options.spec != NULL ? hl_spec_find(engine->options.spec, intent->address) : NULL;
    struct hl_record record = {
        .address = intent->address,
        .kind = intent->kind,
        .name = intent->name,
        .provider = intent->provider,
        .provider_type = intent->provider_type,
        .id = recovery->result_id != NULL ? recovery->result_id : intent->object_id,
        .desired = (struct hl_value *)(recovery->result_desired != NULL ? recovery->result_desired : intent->desired),
        .live = recovery->result,
        .needs = intent->needs,
        .run = intent->run,
    };
    settle_fill(engine, &record, resource, NULL);
    if (!keep_former(engine, intent, recovery, record.id, err))
        return false;
    return engine_record(engine, &record, NULL, err);
}

static bool settle_recovery(struct hl_engine *engine, const struct hl_intent *intent, const struct hl_recovery *recovery, struct hl_error **err)
{
    static const char *const words[] = {
        [HL_RECOVERED_NOTHING] = "nothing had been done", [HL_RECOVERED_EXISTS] = "it had been done", [HL_RECOVERED_GONE] = "it is gone"};
    struct hl_store *store = engine->store;
    const char *message = recovery->note != NULL ? recovery->note : words[recovery->outcome];
    const struct hl_event_row event = {
        .run = intent->run, .time_ms = engine_wall_ms(), .address = intent->address, .event = "recovered", .action = intent->action, .message = message};

    if (!hl_store_begin(store, err))
        return false;
    bool ok = true;
    if (recovery->outcome == HL_RECOVERED_EXISTS)
        ok = record_recovered(engine, intent, recovery, err);
    else if (recovery->outcome == HL_RECOVERED_GONE)
        ok = hl_store_forget(store, intent->address, err);
    ok = ok && hl_store_event(store, &event, err) && hl_store_settle(store, intent->id, err) && hl_store_commit(store, err);
    if (!ok)
        hl_store_rollback(store);
    else
        engine_note(engine, "%s: a former run was %s it, or about to, when it ended; %s", intent->address,
                    strcmp(intent->action, "delete") == 0 ? "deleting" : "changing", message);
    return ok;
}

/* *looked: whether it is settled. With `only`, intents of other sessions are left alone. */
static bool recover_one(struct hl_engine *engine, struct hl_intent *intent, const struct session *only, bool *looked, struct hl_error **err)
{
    const struct hl_outputs outputs = engine_known_outputs(engine);
    const struct hl_kind *kind = hl_kind_find(engine->options.registry, intent->kind, intent->provider_type);
    const struct hl_resource *resource = engine->options.spec != NULL ? hl_spec_find(engine->options.spec, intent->address) : NULL;
    const struct hl_recorded intended = {.provider = intent->provider, .provider_type = intent->provider_type, .desired = intent->desired};
    struct session *session = engine_session_of(engine, kind, resource, &intended);
    struct hl_error *error = NULL;
    struct hl_recovery recovery = {
        .session = &session->session,
        .kind = kind,
        .address = intent->address,
        .name = intent->name,
        .operation = intent->operation,
        .action = intent->action,
        .id = intent->object_id,
        .desired = intent->desired,
        .checkpoint = intent->checkpoint,
        .recorded = engine_recorded(engine, intent->address),
        .started_ms = intent->started_ms,
        .arena = engine->arena,
        .outcome = HL_RECOVERED_NOTHING,
    };

    engine_redact(engine, recovery.kind, intent->checkpoint);
    engine_redact(engine, recovery.kind, intent->desired);
    if (recovery.kind == NULL)
        return hl_fail(err, HL_E_FAILED, "the state has an unfinished action of kind '%s', which this version does not know", intent->kind);
    if (only != NULL && session != only)
        return true;
    engine_session_open(engine, session, &outputs);
    if (session->state != SESSION_OPEN) {
        engine_note(engine, "%s: a former run ended while it was changed; its provider '%s' is not there yet, so this is looked at later", intent->address,
                    intent->provider);
        return true;
    }
    *looked = recovery.kind->verbs->recover != NULL ? recovery.kind->verbs->recover(&recovery, &error) : look(engine, session, &recovery, &error);
    if (*looked)
        return settle_recovery(engine, intent, &recovery, err);
    if (error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT || error->code == HL_E_AUTH || error->code == HL_E_NOT_SET_UP) {
        hl_auto(heap) char *text = hl_error_text(error);
        engine_note(engine, "%s: a former run ended while it was changed, and it cannot be looked at now: %s", intent->address, text);
        hl_error_free(error);
        return true;
    }
    *err = error;
    return hl_wrap(err, "looking at what a former run did to %s", intent->address);
}

/* What a run asked for in the moment before it was killed may be on its way still, and is done by a system that has just said that it was not. So nothing is
 * looked at before the youngest action has some age. */
static void await_arrival(const struct hl_engine *engine, const struct hl_intent *intents, size_t count)
{
    int64_t youngest_ms = 0;

    for (size_t i = 0; i < count; i++)
        youngest_ms = intents[i].started_ms > youngest_ms ? intents[i].started_ms : youngest_ms;

    const int64_t age_ms = engine_wall_ms() - youngest_ms;

    if (age_ms >= 0 && age_ms < ARRIVAL_MS) /* the clock may have been set since */
        (void)hl_run_sleep(&engine->run, ARRIVAL_MS - age_ms);
}

/* Those of one session, or of all. *left tells how many could not be looked at yet. */
static bool recover_some(struct hl_engine *engine, const struct session *only, size_t *left, struct hl_error **err)
{
    struct hl_intent *intents = NULL;
    size_t count = 0;

    *left = 0;
    if (!hl_store_open_intents(engine->store, engine->arena, &intents, &count, err))
        return false;
    if (only == NULL)
        await_arrival(engine, intents, count);
    for (size_t i = 0; i < count; i++) {
        bool looked = false;
        if (!recover_one(engine, &intents[i], only, &looked, err))
            return false;
        *left += !looked;
    }
    return count == 0 || engine_load_records(engine, err);
}

bool hl_engine_recover(struct hl_engine *engine, struct hl_error **err)
{
    return recover_some(engine, NULL, &engine->unresolved, err);
}

bool engine_recover_session(struct hl_engine *engine, const struct session *session, struct hl_error **err)
{
    return recover_some(engine, session, &engine->unresolved, err);
}
