/* What the state is told of steps: intents before, results and events after. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <string.h>

static const char *const *resource_needs(struct hl_arena *arena, const struct hl_resource *resource)
{
    const char **needs = hl_arena_alloc(arena, (resource->needs_count + 1) * sizeof *needs);

    for (size_t i = 0; i < resource->needs_count; i++)
        needs[i] = resource->needs[i].to->address;
    return needs;
}

/* What the record takes from the spec; without a block in the spec the former record's facts stay. */
void settle_fill(struct hl_engine *engine, struct hl_record *record, const struct hl_resource *resource, const struct hl_step *step)
{
    const struct hl_record *former = hl_map_find(engine->records, record->address);

    if (former == NULL && step != NULL && step->moved_from != NULL)
        former = hl_map_find(engine->records, step->moved_from);
    if (former != NULL) {
        record->created_ms = former->created_ms;
        record->protect = former->protect;
        record->holds_data = former->holds_data;
        record->adopted = former->adopted;
        if (record->needs == NULL)
            record->needs = former->needs;
    }
    /* What only corrects drift takes nothing from the spec. */
    if (resource == NULL || (engine->options.plan.drift_only && former != NULL))
        return;
    record->holds_data = resource->kind->holds_data || (resource->kind->is_data != NULL && resource->kind->is_data(record->desired));
    record->protect = resource->protect == HL_TRUE || (record->holds_data && resource->protect != HL_FALSE);
    record->needs = resource_needs(engine->arena, resource);
}

static struct hl_record new_record(struct hl_engine *engine, const struct hl_step *step, const struct session *session)
{
    return (struct hl_record){
        .address = step->address,
        .kind = step->kind_name,
        .name = step->name,
        .provider = step->provider,
        .provider_type = session != NULL && session->session.type != NULL ? session->session.type->name : step->kind->provider,
        .id = step->live->id != NULL ? step->live->id : "",
        .updated_ms = engine_wall_ms(),
        .run = engine->run_id,
    };
}

/* ---- before ---- */

bool task_intend(struct task *task, struct hl_error **err)
{
    const struct hl_step *step = task->step;
    struct hl_engine *engine = task->applier->engine;

    task->intent = (struct hl_intent){
        .operation = task->operation,
        .address = step->address,
        .kind = step->kind_name,
        .name = step->name,
        .provider = step->provider,
        .provider_type = task->session->session.type->name,
        .action = hl_action_info(step->action)->name,
        .object_id = task->op.id,
        .desired = (struct hl_value *)task->op.desired,
        .needs = step->resource != NULL ? resource_needs(task->arena, step->resource) : NULL,
        .started_ms = engine_wall_ms(),
        .run = engine->run_id,
    };
    return hl_store_intent(engine->store, &task->intent, err);
}

bool task_take_back(struct task *task, struct hl_error **err)
{
    const int64_t id = task->intent.id;

    task->intent.id = 0;
    task->state = TASK_WAITING;
    return hl_store_settle(task->applier->engine->store, id, err);
}

/* ---- after ---- */

static struct hl_value *now_known(struct hl_arena *arena, const struct hl_field *field, struct hl_value *desired, const struct hl_value *result);

static struct hl_value *known_members(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *desired, const struct hl_value *result)
{
    struct hl_value *known = hl_value_map(arena);

    known->at = desired->at;
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const char *key = hl_value_key(desired, i);
        const struct hl_field *field = fields != NULL ? hl_field_find(fields, key, false) : NULL;
        hl_value_map_put(known, key, now_known(arena, field, hl_value_at(desired, i), hl_value_get(result, key)));
    }
    return known;
}

/* The item of `list` that has the same key as `item`; without a key the one at the same place. */
static const struct hl_value *counterpart(const struct hl_field *field, const struct hl_value *list, const struct hl_value *item, size_t index)
{
    if (field == NULL || field->key == NULL)
        return hl_value_item(list, index);
    for (size_t i = 0; i < hl_value_count(list); i++) {
        if (hl_value_equal(hl_value_get(hl_value_item(list, i), field->key), hl_value_get(item, field->key)))
            return hl_value_item(list, i);
    }
    return NULL;
}

/* A desired value in which what only the action could tell has the value that it told; what is still unknown is left out. */
static struct hl_value *now_known(struct hl_arena *arena, const struct hl_field *field, struct hl_value *desired, const struct hl_value *result)
{
    if (desired->type == HL_UNKNOWN)
        return result != NULL ? hl_value_copy(arena, result) : NULL;
    if (hl_value_find_unknown(desired) == NULL)
        return desired;
    if (desired->type == HL_MAP)
        return known_members(arena, field != NULL && field->type != HL_F_MAP ? field->fields : NULL, desired, result);
    struct hl_value *known = hl_value_list(arena);
    known->at = desired->at;
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        struct hl_value *item = hl_value_item(desired, i);
        struct hl_field item_field = {.type = HL_F_ANY};
        if (field != NULL)
            item_field = *field;
        item_field.type = field != NULL ? field->item : HL_F_ANY;
        struct hl_value *value = now_known(arena, &item_field, item, counterpart(field, result, item, i));
        if (value != NULL)
            hl_value_list_add(arena, known, value);
    }
    return known;
}

static void learn(struct task *task)
{
    struct hl_step *step = task->step;

    if (step->desired != NULL && hl_value_find_unknown(step->desired) != NULL)
        step->desired = known_members(task->arena, step->kind->fields, step->desired, task->op.result);
}

static bool record_result(struct task *task, struct hl_error **err)
{
    struct hl_engine *engine = task->applier->engine;
    const struct hl_step *step = task->step;
    struct hl_record record = new_record(engine, step, task->session);

    record.id = task->op.result_id != NULL ? task->op.result_id : task->op.id;
    record.desired = step->desired;
    record.live = task->op.result != NULL ? task->op.result : step->live->values;
    settle_fill(engine, &record, step->resource, step);
    record.adopted = record.adopted || step->action == HL_ACTION_ADOPT;
    if (step->action == HL_ACTION_CREATE || step->action == HL_ACTION_REPLACE)
        record.adopted = false;
    /* A new value that was asked for is made by a run that applies more than drift; until then the wish stays. */
    record.rotate = engine->options.plan.drift_only && step->recorded != NULL && step->recorded->rotate;
    record.drift = hl_step_drift_text(task->arena, step);
    if (*record.drift != '\0' && step->recorded != NULL)
        record.streak = step->recorded->drift != NULL && strcmp(step->recorded->drift, record.drift) == 0 ? step->recorded->streak + 1 : 1;
    engine_redact(engine, step->kind, record.live);
    engine_redact(engine, step->kind, record.desired);
    return engine_record(engine, &record, NULL, err);
}

bool settle_former(struct hl_engine *engine, const struct hl_record *former, struct hl_error **err)
{
    struct hl_record record = *former;

    record.address = hl_former_address(engine->arena, former->address, former->id);
    record.name = strchr(record.address, '.') + 1;
    record.protect = false;
    record.rotate = false;
    return engine_record(engine, &record, NULL, err);
}

/* References see the new values from now on. */
static void publish(struct task *task)
{
    struct hl_engine *engine = task->applier->engine;
    struct hl_step *step = hl_arena_alloc(task->arena, sizeof *step);
    struct hl_live *live = hl_arena_alloc(task->arena, sizeof *live);

    *step = *task->step;
    step->action = HL_ACTION_NONE;
    step->absent = task->step->action == HL_ACTION_DELETE || task->step->action == HL_ACTION_FORGET;
    live->presence = step->absent ? HL_LIVE_ABSENT : HL_LIVE_PRESENT;
    live->owner = HL_OWNER_US;
    live->id = task->op.result_id != NULL ? task->op.result_id : task->op.id;
    live->values = task->op.result != NULL ? task->op.result : step->live->values;
    live->inputs = step->live->inputs;
    step->live = live;
    hl_map_put(&engine->plan->by_address, step->address, step);
}

/* Whether nobody can say what the failed action has done: then its intent stays, and the next run looks. */
static bool is_doubtful(const struct task *task)
{
    if (task->op.undone)
        return false;
    if (task->intent.checkpoint != NULL || task->unkept)
        return true;
    const enum hl_code code = task->error != NULL ? task->error->code : HL_E_FAILED;
    return code == HL_E_UNREACHABLE || code == HL_E_TIMEOUT || code == HL_E_INTERRUPTED;
}

static bool write_event(struct task *task, const char *event, struct hl_error **err)
{
    struct hl_engine *engine = task->applier->engine;
    hl_auto(text) struct hl_text message = HL_TEXT_INIT(64 * 1024);
    hl_auto(heap) char *failure = task->error != NULL ? hl_error_text(task->error) : NULL;
    const char *text = failure != NULL ? failure : task->step->reason;

    hl_redact(engine->run.redactor, &message, text, strlen(text));
    const struct hl_event_row row = {
        .run = engine->run_id,
        .time_ms = engine_wall_ms(),
        .address = task->step->address,
        .event = event,
        .action = hl_action_info(task->step->action)->name,
        .message = hl_text_get(&message),
    };
    return hl_store_event(engine->store, &row, err);
}

const struct hl_record *task_former(const struct task *task)
{
    const struct hl_record *former = task_leaves_former(task) ? hl_map_find(task->applier->engine->records, task->step->address) : NULL;

    if (former == NULL || *former->id == '\0' || task->op.result_id == NULL || strcmp(former->id, task->op.result_id) == 0)
        return NULL;
    return former;
}

bool task_settle(struct task *task, struct hl_error **err)
{
    struct hl_store *store = task->applier->engine->store;
    const bool destroys = task->step->action == HL_ACTION_DELETE || task->step->action == HL_ACTION_FORGET;

    if (!task->ok) {
        if (task->error != NULL && task->applier->engine->options.spec != NULL && task->step->at.line > 0)
            (void)hl_error_place(&task->error, task->applier->engine->options.spec->file, task->step->at);
        /* A replacement that made the new object and could not remove the old one. */
        if (task->op.result != NULL && !destroys && !record_result(task, err))
            return false;
        if (task->intent.id != 0 && !is_doubtful(task) && !hl_store_settle(store, task->intent.id, err))
            return false;
        return write_event(task, "failed", err);
    }
    if (!destroys)
        learn(task);
    const struct hl_record *former = task_former(task);
    if (former != NULL && !settle_former(task->applier->engine, former, err))
        return false;
    if (destroys ? !hl_store_forget(store, task->step->address, err) : !record_result(task, err))
        return false;
    if (task->intent.id != 0 && !hl_store_settle(store, task->intent.id, err))
        return false;
    publish(task);
    return write_event(task, "done", err);
}

/* ---- steps without an action ---- */

/* The record follows silently where nothing has to be done: both sides moved to the same value, a local field or `protect` changed. */
bool settle_unchanged(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err)
{
    const struct hl_record *former = hl_map_find(engine->records, step->address);

    if (step->moved_from != NULL)
        former = hl_map_find(engine->records, step->moved_from);
    if (step->recorded == NULL || step->resource == NULL || step->desired == NULL || former == NULL || step->absent)
        return true;
    struct hl_record record = *former;
    record.address = step->address;
    record.name = step->name;
    record.provider = step->provider;
    record.desired = step->desired;
    if (step->live->presence == HL_LIVE_PRESENT && step->live->values != NULL)
        record.live = step->live->values;
    if (step->live->id != NULL)
        record.id = step->live->id;
    settle_fill(engine, &record, step->resource, step);
    if (step->live->presence == HL_LIVE_PRESENT) {
        record.streak = 0;
        record.drift = NULL;
    }
    const bool same = record.protect == former->protect && record.holds_data == former->holds_data && record.streak == former->streak &&
                      hl_value_equal(record.desired, former->desired) && hl_value_equal(record.live, former->live) &&
                      engine_is_confidential(former->live, former->desired) && step->moved_from == NULL;
    return same || engine_record(engine, &record, NULL, err);
}

/* --refresh-only: what is live becomes what is recorded, for the fields that are managed. */
bool settle_refreshed(struct hl_engine *engine, const struct hl_step *step, struct hl_error **err)
{
    const struct hl_record *former = hl_map_find(engine->records, step->address);

    if (former == NULL || step->live->presence == HL_LIVE_UNREADABLE || step->live->presence == HL_LIVE_UNREAD || step->kind == NULL)
        return true;
    if (step->live->presence == HL_LIVE_ABSENT)
        return hl_store_forget(engine->store, step->address, err);
    struct hl_record record = *former;
    record.desired = hl_value_map(engine->arena);
    for (size_t i = 0; i < hl_value_count(former->desired); i++) {
        const char *key = hl_value_key(former->desired, i);
        const struct hl_field *field = hl_field_find(step->kind->fields, key, false);
        const bool readable = field != NULL && !field->local && !field->write_only;
        struct hl_value *value = readable ? hl_value_get(step->live->values, key) : hl_value_at(former->desired, i);
        hl_value_map_put(record.desired, key, value);
    }
    record.live = step->live->values;
    record.updated_ms = engine_wall_ms();
    return engine_record(engine, &record, former->desired, err);
}
