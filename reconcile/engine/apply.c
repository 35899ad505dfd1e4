#include "config.h"

#include "reconcile/engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 100, LEAVE_MS = 3000 };

/* ---- tasks ---- */

static bool is_terminal(const struct task *task)
{
    return task->state != TASK_WAITING && task->state != TASK_RUNNING;
}

static bool interrupted(const struct applier *applier)
{
    const volatile int *interrupts = applier->engine->options.interrupts;

    return interrupts != NULL && *interrupts > 0;
}

static void add_dependent(struct task *needed, struct task *dependent)
{
    if (needed->dependents_count == needed->dependents_capacity) {
        const size_t capacity = needed->dependents_capacity == 0 ? 4 : needed->dependents_capacity * 2;
        struct task **grown = hl_arena_alloc(needed->arena, capacity * sizeof *grown);
        if (needed->dependents_count > 0)
            memcpy(grown, needed->dependents, needed->dependents_count * sizeof *grown);
        needed->dependents = grown;
        needed->dependents_capacity = capacity;
    }
    needed->dependents[needed->dependents_count++] = dependent;
    dependent->needs_left++;
}

static bool is_action(enum hl_action action)
{
    return action != HL_ACTION_NONE && action != HL_ACTION_REFUSE;
}

/* What goes into one file goes in together, whatever the order. */
static bool same_batch(const struct task *a, const struct task *b)
{
    return a->batched && b->batched && a->session == b->session;
}

static struct task *add_task(struct applier *applier, struct hl_step *step)
{
    struct hl_engine *engine = applier->engine;
    struct hl_arena *arena = hl_arena_new();
    struct task *task = hl_arena_alloc(arena, sizeof *task);

    *task = (struct task){.applier = applier, .step = step, .number = applier->count, .arena = arena};
    if (step->kind != NULL) {
        task->session = engine_session_for(engine, step);
        task->batched = step->kind->verbs->apply_batch != NULL && step->action != HL_ACTION_FORGET;
    }
    if (applier->count == applier->capacity) {
        applier->capacity = applier->capacity == 0 ? 64 : applier->capacity * 2;
        applier->tasks = hl_realloc(applier->tasks, applier->capacity * sizeof *applier->tasks);
    }
    applier->tasks[applier->count++] = task;
    hl_map_put(&applier->by_address, step->address, task);
    applier->total += is_action(step->action) && !step->former;
    return task;
}

/* Once for each task, when those that it needs are there. */
static void link_task(struct applier *applier, struct task *task)
{
    for (const char **need = task->step->needs; need != NULL && *need != NULL; need++) {
        struct task *needed = hl_map_find(&applier->by_address, *need);
        if (needed != NULL && needed != task && !is_terminal(needed) && !same_batch(task, needed))
            add_dependent(needed, task);
    }
    if (task->needs_left == 0)
        task_queue_add(&task->applier->ready, task);
}

static void make_tasks(struct applier *applier)
{
    const struct hl_plan *plan = applier->engine->plan;

    for (size_t i = 0; i < plan->count; i++)
        (void)add_task(applier, plan->steps[i]);
    for (size_t i = 0; i < applier->count; i++)
        link_task(applier, applier->tasks[i]);
}

static void add_dependents(const struct task *task, struct hl_map *found)
{
    for (size_t i = 0; i < task->dependents_count; i++) {
        struct task *next = task->dependents[i];
        if (!hl_map_has(found, next->step->address))
            hl_map_put(found, next->step->address, next);
    }
}

/* All that wait for `task`, also by way of others. */
static const char **former_needs(const struct task *task)
{
    struct hl_arena *arena = task->applier->engine->arena;
    struct hl_map found;

    hl_map_init(&found, arena);
    add_dependents(task, &found);
    for (size_t i = 0; i < found.count; i++)
        add_dependents(found.entries[i].value, &found);
    const char **needs = hl_arena_alloc(arena, (found.count + 1) * sizeof *needs);
    for (size_t i = 0; i < found.count; i++)
        needs[i] = found.entries[i].key;
    return needs;
}

/* A replacement made the new object; the old one goes when those that use it have the new one, and stays for the next run where one of them fails. */
static void add_former(struct task *task, const struct hl_record *record)
{
    struct hl_arena *arena = task->applier->engine->arena;
    struct hl_step *step = hl_arena_alloc(arena, sizeof *step);
    struct hl_live *live = hl_arena_alloc(arena, sizeof *live);

    *live = (struct hl_live){.presence = HL_LIVE_PRESENT, .id = record->id, .values = record->live, .owner = HL_OWNER_US};
    *step = *task->step;
    step->address = hl_former_address(arena, task->step->address, record->id);
    step->name = strchr(step->address, '.') + 1;
    step->resource = NULL;
    step->live = live;
    step->desired = NULL;
    step->action = HL_ACTION_DELETE;
    step->reason = "replaced by a new one, which its users have by now";
    step->former = true;
    step->late = false;
    step->changes_count = 0;
    step->needs = former_needs(task);
    step->used_by = NULL;
    link_task(task->applier, add_task(task->applier, step));
}

static void emit(struct task *task, enum hl_event_type type, const char *message)
{
    struct applier *applier = task->applier;

    engine_emit(applier->engine, &(struct hl_event){
                                     .type = type,
                                     .step = task->step,
                                     .address = task->step->address,
                                     .action = task->step->action,
                                     .message = message,
                                     .error = type == HL_EVENT_PROGRESS ? NULL : task->error, /* the worker's own until it has ended */
                                     .elapsed_ms = task->started_ms > 0 ? engine_clock_ms() - task->started_ms : 0,
                                     .finished = applier->finished,
                                     .total = applier->total,
                                 });
}

static void finish(struct task *task, enum task_state state)
{
    task->state = state;
    task->applier->finished++;
    for (size_t i = 0; i < task->dependents_count; i++) {
        struct task *dependent = task->dependents[i];
        if (--dependent->needs_left == 0)
            task_queue_add(&dependent->applier->ready, dependent);
    }
}

/* ---- deciding what to do with a task whose needs are settled ---- */

static struct hl_value *current_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct applier *applier = context;
    const struct hl_step *step = hl_map_find(&applier->engine->plan->by_address, address);

    if (step == NULL)
        return hl_value_unknown(arena, address);
    return hl_step_output(arena, step, output);
}

static bool destroys(enum hl_action action)
{
    return action == HL_ACTION_DELETE || action == HL_ACTION_REPLACE;
}

/* A plan that was agreed to must not grow teeth on the way. */
static bool may_proceed(struct applier *applier, enum hl_action planned, struct hl_step *step)
{
    if (!destroys(step->action) || planned == step->action || applier->options->allow_destroy)
        return true;
    const struct hl_listener *listener = &applier->engine->listener;
    if (listener->confirm != NULL && listener->confirm(listener->context, step))
        return true;
    step->reason =
        hl_arena_printf(applier->engine->arena, "turned out to %s it, which the plan did not say: %s", hl_action_info(step->action)->name, step->reason);
    step->hint = "look at the plan again, then apply it, or run with --allow-destroy";
    step->action = HL_ACTION_REFUSE;
    step->refuse_code = HL_E_REFUSED;
    return false;
}

static void decide_again(struct task *task)
{
    struct applier *applier = task->applier;
    struct hl_engine *engine = applier->engine;
    const struct hl_outputs outputs = {current_output, applier};
    const enum hl_action planned = task->step->action;
    const struct hl_step *former = task->step;
    struct hl_diags diags;

    hl_diags_init(&diags, task->arena, engine->options.spec->file);
    struct hl_step *step =
        hl_plan_decide(task->arena, &applier->input, task->step->resource, hl_map_find(&engine->live, task->step->address), &outputs, &diags);
    step->needs = former->needs;
    step->used_by = former->used_by;
    step->moved_from = former->moved_from;
    if (diags.errors > 0)
        step->reason = hl_arena_printf(task->arena, "%s: %s", step->reason, diags.items[0].message);
    task->step = step;
    task->decided = true;
    (void)may_proceed(applier, planned, step);
    hl_map_put(&engine->plan->by_address, step->address, step);
}

static void end_deferred(struct task *task, const char *reason)
{
    task->applier->result->deferred++;
    task->step->action = HL_ACTION_DEFER;
    finish(task, TASK_DEFERRED);
    emit(task, HL_EVENT_DEFERRED, reason);
}

static void end_refused(struct task *task)
{
    struct hl_apply_result *result = task->applier->result;
    const enum hl_code code = task->step->refuse_code;

    result->refused++;
    result->unreachable = result->unreachable || code == HL_E_UNREACHABLE || code == HL_E_AUTH || code == HL_E_TIMEOUT;
    result->not_converging = result->not_converging || task->step->not_converging;
    /* What is recorded is there for those that need it, even if it cannot be read now. */
    finish(task, task->step->recorded != NULL ? TASK_DONE : TASK_FAILED);
    emit(task, HL_EVENT_SKIPPED, task->step->reason);
}

/* The first need that failed or was put off, or NULL. What a replacement left stays as well while one of its users could not be looked at. */
static const struct task *find_blocker(const struct task *task)
{
    for (const char **need = task->step->needs; need != NULL && *need != NULL; need++) {
        const struct task *needed = hl_map_find(&task->applier->by_address, *need);
        if (needed == NULL || !is_terminal(needed))
            continue;
        if (needed->state != TASK_DONE || (task->step->former && needed->step->action == HL_ACTION_REFUSE))
            return needed;
    }
    return NULL;
}

static void end_blocked(struct task *task, const struct task *blocker)
{
    if (blocker->state == TASK_DEFERRED) {
        end_deferred(task, hl_arena_printf(task->arena, "waits for %s", blocker->step->address));
        return;
    }
    task->applier->result->skipped++;
    finish(task, TASK_SKIPPED);
    emit(task, HL_EVENT_SKIPPED, hl_arena_printf(task->arena, "needs %s, which failed", blocker->step->address));
}

/* ---- starting ---- */

struct turn {
    struct work **started; /* submitted after the commit */
    size_t count;
};

static struct work *new_work(struct applier *applier, size_t count)
{
    struct work *work = hl_alloc(sizeof *work);

    *work = (struct work){.job = {.run = work_run}, .applier = applier, .count = count};
    if (count > 0)
        work->tasks = hl_alloc(count * sizeof(struct task *));
    return work;
}

static bool keep(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    struct applier *applier = session->engine;

    return pool_keep(applier->pool, (struct session *)session, value, err); /* its first member */
}

static struct hl_value *setting_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct applier *applier = context;
    const struct hl_step *step = hl_map_find(&applier->engine->plan->by_address, address);

    return step == NULL ? hl_value_unknown(arena, address) : engine_setting_output(arena, step, output);
}

static void start_opening(struct turn *turn, struct applier *applier, struct session *session)
{
    const struct hl_outputs outputs = {current_output, applier};
    const struct hl_outputs settings = {setting_output, applier};
    struct work *work = new_work(applier, 0);

    engine_session_open(applier->engine, session, &settings);
    if (session->state != SESSION_OPEN) {
        free(work);
        return;
    }
    work->opening = session;
    session->opening = true;
    session->session.keep = keep;
    session->session.engine = applier;
    engine_reading_prepare(applier->engine, session, &work->reading, &outputs);
    applier->running++;
    turn->started[turn->count++] = work;
}

static bool start_task(struct turn *turn, struct task **tasks, size_t count, struct hl_error **err)
{
    struct applier *applier = tasks[0]->applier;
    struct work *work = new_work(applier, count);

    for (size_t i = 0; i < count; i++) {
        work->tasks[i] = tasks[i];
        task_prepare(tasks[i]);
        tasks[i]->state = TASK_RUNNING;
        tasks[i]->started_ms = engine_clock_ms();
        if (!task_intend(tasks[i], err)) {
            free(work->tasks);
            free(work);
            return false;
        }
        emit(tasks[i], HL_EVENT_START, NULL);
    }
    applier->running++;
    tasks[0]->session->running++;
    turn->started[turn->count++] = work;
    return true;
}

static size_t parallel_limit(const struct applier *applier)
{
    const struct hl_engine_options *options = &applier->engine->options;

    if (options->parallel > 0)
        return options->parallel;
    if (options->spec != NULL && options->spec->settings.parallel > 0)
        return (size_t)options->spec->settings.parallel;
    return DEFAULT_PARALLEL;
}

/* In flight at once: single actions and openings up to the limit, and a batch a provider. */
static size_t most_works(const struct applier *applier)
{
    return parallel_limit(applier) + applier->engine->sessions.count + 2;
}

static bool has_room(const struct applier *applier, const struct session *session)
{
    if (applier->running >= parallel_limit(applier))
        return false;
    const size_t said = session->spec != NULL ? (size_t)session->spec->parallel : 0;
    const struct hl_provider_verbs *verbs = session->session.type->verbs;
    const size_t own = session->state == SESSION_OPEN && verbs->parallel != NULL ? verbs->parallel((struct hl_session *)&session->session) : 0;
    return (said == 0 || session->running < said) && (own == 0 || session->running < own);
}

/* Opens what comes late and was not tried yet. */
static void open_late(struct turn *turn, struct applier *applier, struct session *session)
{
    if ((session->state == SESSION_LATE || session->state == SESSION_CLOSED) && !session->read && !session->opening && has_room(applier, session))
        start_opening(turn, applier, session);
}

/* A view is opened when all that it is made of is open. */
static void open_view(struct turn *turn, struct applier *applier, struct session *view)
{
    open_late(turn, applier, view->base);
    for (struct session **used = view->uses; *used != NULL; used++)
        open_late(turn, applier, *used);
    if (engine_session_culprit(view)->opening)
        return;
    engine_session_join(view);
    if (view->state == SESSION_OPEN && !view->read)
        start_opening(turn, applier, view);
}

/* Whether the task's provider is open and its object read, or will never be; else sees to it. False: not yet. */
static bool provider_is_ready(struct turn *turn, struct task *task)
{
    struct applier *applier = task->applier;
    struct session *session = task->session;

    if (session->state == SESSION_OPEN || task->step->action == HL_ACTION_FORGET)
        return session->state != SESSION_OPEN || session->read || hl_map_has(&applier->engine->live, task->step->address) ||
               applier->engine->options.no_refresh;
    if (session->base != NULL)
        open_view(turn, applier, session);
    else
        open_late(turn, applier, session);
    return session->state == SESSION_FAILED || session->state == SESSION_LACKING;
}

static void end_without_provider(struct task *task)
{
    const struct session *culprit = engine_session_culprit(task->session);

    if (task->session->state == SESSION_LACKING) {
        end_deferred(task, hl_arena_printf(task->arena, "provider '%s' has no %s yet", culprit->session.name, culprit->lacking));
        return;
    }
    task->step->action = HL_ACTION_REFUSE;
    task->step->refuse_code = culprit->error != NULL ? culprit->error->code : HL_E_UNREACHABLE;
    hl_auto(heap) char *why = culprit->error != NULL ? hl_error_text(culprit->error) : NULL;
    task->step->reason =
        hl_arena_printf(task->arena, "provider '%s' could not be opened%s%s", culprit->session.name, why != NULL ? ": " : "", why != NULL ? why : "");
    for (const struct hl_error *cause = culprit->error; cause != NULL && task->step->hint == NULL; cause = cause->cause)
        task->step->hint = cause->hint;
    if (task->step->hint != NULL) /* the plan was shown before: here is the only place to say what to do */
        task->step->reason = hl_arena_printf(task->arena, "%s -> %s", task->step->reason, task->step->hint);
    end_refused(task);
}

static bool settle_quietly(struct task *task, struct hl_error **err)
{
    if (!settle_unchanged(task->applier->engine, task->step, err))
        return false;
    finish(task, TASK_DONE);
    return true;
}

static bool forget(struct task *task, struct hl_error **err)
{
    task->ok = true;
    if (!task_settle(task, err))
        return false;
    task->applier->result->done[HL_ACTION_FORGET]++;
    finish(task, TASK_DONE);
    emit(task, HL_EVENT_DONE, task->step->reason);
    return true;
}

/* A secret's own value is made by its action; anything else that is unknown by now stays so in this run. */
static bool is_own_output(const struct hl_step *step, const char *reference)
{
    const size_t length = strlen(step->address);

    return strncmp(reference, step->address, length) == 0 && (reference[length] == '\0' || reference[length] == '.');
}

/* Takes a task as far as it goes this turn. Sets *startable when it only waits to be started. */
static bool advance(struct turn *turn, struct task *task, bool *startable, struct hl_error **err)
{
    const struct task *blocker = find_blocker(task);

    *startable = false;
    if (task->step->action == HL_ACTION_FORGET)
        return forget(task, err);
    if (blocker != NULL && task->step->action != HL_ACTION_NONE) {
        end_blocked(task, blocker);
        return true;
    }
    if (task->step->excluded || (task->step->action == HL_ACTION_NONE && !task->step->late))
        return task->step->excluded ? (finish(task, TASK_DONE), true) : settle_quietly(task, err);
    if (task->step->action == HL_ACTION_REFUSE) {
        end_refused(task);
        return true;
    }
    const bool late = task->step->late || task->step->action == HL_ACTION_DEFER;
    if (task->session->opening)
        return true;
    if (task->session->state != SESSION_OPEN || (late && !task->decided)) {
        if (!provider_is_ready(turn, task))
            return true;
        if (task->session->state != SESSION_OPEN) {
            end_without_provider(task);
            return true;
        }
    }
    if (late && !task->decided) {
        decide_again(task);
        if (task->step->action == HL_ACTION_DEFER) {
            end_deferred(task, task->step->reason);
            return true;
        }
        return advance(turn, task, startable, err);
    }
    const char *unknown = task->step->action == HL_ACTION_DELETE ? NULL : hl_value_find_unknown(task->step->desired);
    if (unknown != NULL && !is_own_output(task->step, unknown)) {
        end_deferred(task, hl_arena_printf(task->arena, "%s is not known yet", unknown));
        return true;
    }
    *startable = true;
    return true;
}

/* All of them, in as few batches as can be. */
static bool start_batches(struct turn *turn, struct task **ready, size_t count, struct hl_error **err)
{
    struct task **batch = hl_alloc((count + 1) * sizeof *batch);
    bool ok = true;

    for (size_t i = 0; i < count && ok; i++) {
        size_t members = 0;
        if (ready[i]->state != TASK_WAITING)
            continue;
        for (size_t j = i; j < count; j++) {
            if (ready[j]->state == TASK_WAITING && same_batch(ready[i], ready[j]))
                batch[members++] = ready[j];
        }
        ok = start_task(turn, batch, members, err);
    }
    free(batch);
    return ok;
}

/* A batch starts when nothing else can run, so that as much as possible goes in at once. What it needs may be settled otherwise by now, then the rest has to be
 * looked at before: *moved. */
static bool start_parked(struct applier *applier, struct turn *turn, bool *moved, struct hl_error **err)
{
    struct task **ready = hl_alloc((applier->parked.count + 1) * sizeof *ready);
    size_t count = 0;
    bool ok = true;

    for (struct task *task = task_queue_take(&applier->parked); ok && task != NULL; task = task_queue_take(&applier->parked)) {
        bool startable = false;
        ok = advance(turn, task, &startable, err);
        *moved = *moved || is_terminal(task);
        if (startable)
            ready[count++] = task;
        else if (!is_terminal(task))
            task_queue_add(&applier->ready, task);
    }
    if (ok && !*moved && applier->running == 0)
        ok = start_batches(turn, ready, count, err);
    for (size_t i = 0; i < count; i++) {
        if (ready[i]->state == TASK_WAITING)
            task_queue_add(&applier->parked, ready[i]);
    }
    free(ready);
    return ok;
}

/* Settles it when it needs no action, starts it when it can be started; else it waits in one of the queues. */
static bool move_on(struct applier *applier, struct turn *turn, struct task *task, struct task_queue *aside, struct hl_error **err)
{
    bool startable = false;

    if (!advance(turn, task, &startable, err))
        return false;
    if (is_terminal(task))
        return true;
    if (startable && !task->batched && has_room(applier, task->session))
        return start_task(turn, &task, 1, err);
    task_queue_add(startable && task->batched ? &applier->parked : aside, task);
    return true;
}

/* Takes what is ready in the plan's order, until nothing more can be started. */
static bool start_ready(struct applier *applier, struct turn *turn, struct hl_error **err)
{
    struct task_queue aside = {.tasks = NULL};
    const size_t limit = parallel_limit(applier);
    bool ok = true;
    bool moved = true;

    while (ok && moved) {
        moved = false;
        while (ok && applier->running < limit && applier->ready.count > 0) {
            struct task *task = task_queue_take(&applier->ready);
            ok = move_on(applier, turn, task, &aside, err);
            moved = moved || is_terminal(task);
        }
        task_queue_move(&aside, &applier->ready);
        if (ok && !moved && applier->running == 0 && applier->parked.count > 0)
            ok = start_parked(applier, turn, &moved, err);
    }
    task_queue_free(&aside);
    return ok;
}

/* ---- finishing ---- */

static bool settle_task(struct task *task, struct hl_error **err)
{
    struct hl_apply_result *result = task->applier->result;

    if (!task_settle(task, err))
        return false;
    const struct hl_record *former = task->ok ? task_former(task) : NULL;
    if (former != NULL)
        add_former(task, former);
    if (task->ok) {
        result->done[task->op.action] += !task->step->former; /* it was counted as a replacement */
    } else {
        result->failed++;
        result->unreachable = result->unreachable || task->error->code == HL_E_UNREACHABLE || task->error->code == HL_E_AUTH;
    }
    finish(task, task->ok ? TASK_DONE : TASK_FAILED);
    emit(task, task->ok ? HL_EVENT_DONE : HL_EVENT_FAILED, task->op.note);
    return true;
}

static bool settle_work(struct work *work, struct hl_error **err)
{
    if (work->opening != NULL) {
        work->opening->opening = false;
        if (work->ok)
            engine_reading_take(&work->reading);
        else
            engine_session_fail(work->opening, work->error);
        return true;
    }
    work->tasks[0]->session->running--;
    for (size_t i = 0; i < work->count; i++) {
        if (!settle_task(work->tasks[i], err))
            return false;
    }
    return true;
}

static void free_work(struct work *work)
{
    free(work->tasks);
    free(work);
}

static bool write_checkpoints(struct applier *applier, struct message **messages, size_t count, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    bool ok = hl_store_begin(store, err);

    for (size_t i = 0; ok && i < count; i++) {
        const struct task *task = messages[i]->owner;
        ok = hl_store_checkpoint(store, task->intent.id, task->step->address, messages[i]->value, err);
    }
    ok = ok && hl_store_commit(store, err);
    if (!ok)
        hl_store_rollback(store);
    return ok;
}

/* What came together goes into one transaction; should that fail, each into its own, so that each worker is told of its own error. */
static void answer_checkpoints(struct applier *applier, struct message **messages, size_t count)
{
    hl_auto(error) struct hl_error *ignored = NULL;

    for (size_t i = 0; i < count; i++)
        engine_redact(applier->engine, ((struct task *)messages[i]->owner)->step->kind, messages[i]->value);

    const bool together = count > 1 && write_checkpoints(applier, messages, count, &ignored);

    for (size_t i = 0; i < count; i++) {
        struct message *message = messages[i];
        struct task *task = message->owner;

        message->ok = together || write_checkpoints(applier, &message, 1, &message->error);
        task->unkept = task->unkept || !message->ok;
        if (message->ok)
            task->intent.checkpoint = hl_value_copy(applier->engine->arena, message->value);
        pool_answer(applier->pool, message);
    }
}

static void show_progress(struct message *message)
{
    struct task *task = message->owner;

    emit(task, HL_EVENT_PROGRESS, message->text);
    message_free(message);
}

/* A provider keeps a value of its own, durably before it goes on. */
static void answer_keep(struct applier *applier, struct message *message)
{
    message->ok = engine_keep(applier->engine, message->owner, message->value, &message->error);
    pool_answer(applier->pool, message);
}

/* Takes all messages there are; finished works go to `works` (room for one a worker). A worker waits for the answer to its checkpoint, so it has one at most.
 */
static size_t collect(struct applier *applier, struct work **works, int64_t wait_ms)
{
    hl_auto(heap) struct message **checkpoints = hl_alloc(most_works(applier) * sizeof *checkpoints);
    size_t checkpoints_count = 0;
    size_t count = 0;

    for (struct message *message = pool_receive(applier->pool, wait_ms); message != NULL; message = pool_receive(applier->pool, 0)) {
        switch (message->type) {
        case MESSAGE_CHECKPOINT:
            checkpoints[checkpoints_count++] = message;
            break;
        case MESSAGE_KEEP:
            answer_keep(applier, message);
            break;
        case MESSAGE_PROGRESS:
            show_progress(message);
            break;
        case MESSAGE_FINISHED:
            works[count++] = (struct work *)message->job;
            message_free(message);
            break;
        }
    }
    answer_checkpoints(applier, checkpoints, checkpoints_count);
    return count;
}

/* One transaction: results of what has finished, intents of what starts now. */
static bool take_turn(struct applier *applier, struct work **finished, size_t count, struct hl_error **err)
{
    struct hl_store *store = applier->engine->store;
    struct turn turn = {.started = hl_alloc(most_works(applier) * sizeof(struct work *))};
    bool ok = hl_store_begin(store, err);

    applier->running -= count; /* whether or not they can be settled: nothing more comes from them */
    for (size_t i = 0; i < count; i++) {
        ok = ok && settle_work(finished[i], err);
        free_work(finished[i]);
    }
    if (ok && !interrupted(applier))
        ok = start_ready(applier, &turn, err);
    ok = ok && hl_store_commit(store, err);
    if (!ok) {
        hl_store_rollback(store);
        applier->running -= turn.count; /* without their intents on the disk they are not begun */
    }
    for (size_t i = 0; i < turn.count; i++) {
        if (ok)
            pool_submit(applier->pool, &turn.started[i]->job);
        else
            free_work(turn.started[i]);
    }
    free(turn.started);
    return ok;
}

static void skip_rest(struct applier *applier)
{
    for (size_t i = 0; i < applier->count; i++) {
        struct task *task = applier->tasks[i];
        if (task->state != TASK_WAITING)
            continue;
        if (is_action(task->step->action))
            applier->result->skipped++;
        task->state = TASK_SKIPPED;
    }
}

/* What a former run had begun with a provider that has only now come within reach is looked at before its objects are decided; they are read once more. */
static bool recover_opened(struct applier *applier, struct work *work, struct hl_error **err)
{
    struct hl_engine *engine = applier->engine;
    const struct hl_outputs outputs = {current_output, applier};

    if (work->opening == NULL || !work->ok || engine->unresolved == 0)
        return true;
    if (!engine_recover_session(engine, work->opening, err))
        return false;
    applier->input = engine_plan_input(engine);
    hl_error_free(work->reading.error);
    engine_reading_prepare(engine, work->opening, &work->reading, &outputs);
    engine_reading_run(&work->reading);
    return true;
}

static bool walk(struct applier *applier, struct hl_error **err)
{
    struct work **finished = hl_alloc(most_works(applier) * sizeof *finished);
    bool ok = take_turn(applier, finished, 0, err);

    while (ok && applier->finished < applier->count) {
        /* Interrupted, or what is left waits for something that will not come: only what is in flight could change that. */
        if (applier->running == 0)
            break;
        if (hl_run_cancelled(&applier->engine->run))
            break;
        const size_t count = collect(applier, finished, TURN_MS);
        for (size_t i = 0; ok && i < count; i++)
            ok = recover_opened(applier, finished[i], err);
        if (ok && count > 0)
            ok = take_turn(applier, finished, count, err);
        engine_emit(applier->engine, &(struct hl_event){.type = HL_EVENT_PROGRESS, .finished = applier->finished, .total = applier->total});
    }
    free(finished);
    return ok;
}

/* The state cannot be written: what is in flight is awaited, so that the process does not end under it; its intents stay. */
static void drain(struct applier *applier)
{
    struct work **finished = hl_alloc(most_works(applier) * sizeof *finished);
    const int64_t deadline = engine_clock_ms() + (hl_run_cancelled(&applier->engine->run) ? LEAVE_MS : DEFAULT_TIMEOUT_MS);

    while (applier->running > 0 && engine_clock_ms() < deadline) {
        const size_t count = collect(applier, finished, TURN_MS);
        applier->running -= count < applier->running ? count : applier->running;
    }
    free(finished);
}

/* ---- a run ---- */

static bool apply_moves(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_spec *spec = engine->options.spec;

    for (size_t i = 0; spec != NULL && i < spec->moved_count; i++) {
        const struct hl_move *move = &spec->moved[i];
        if (!hl_map_has(engine->records, move->from) || hl_map_has(engine->records, move->to))
            continue;
        if (!hl_store_move(engine->store, move->from, move->to, err))
            return hl_wrap(err, "moving %s to %s in the state", move->from, move->to);
    }
    return true;
}

static bool refresh_records(struct hl_engine *engine, struct hl_error **err)
{
    for (size_t i = 0; i < engine->plan->count; i++) {
        if (!settle_refreshed(engine, engine->plan->steps[i], err))
            return false;
    }
    return true;
}

static bool begin_run(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_engine_options *options = &engine->options;

    if (!hl_store_begin(engine->store, err))
        return false;
    if (hl_store_run_begin(engine->store, options->command, options->source, options->commit, &engine->run_id, err) && apply_moves(engine, err) &&
        (!options->plan.refresh_only || refresh_records(engine, err)) && hl_store_commit(engine->store, err))
        return true;
    hl_store_rollback(engine->store);
    return false;
}

static const char *result_name(const struct hl_apply_result *result, bool ok)
{
    if (!ok)
        return "broken";
    if (result->interrupted)
        return "interrupted";
    if (result->failed > 0 || result->refused > 0)
        return "failed";
    return result->deferred > 0 ? "deferred" : "done";
}

static bool end_run(struct hl_engine *engine, const struct hl_apply_result *result, bool ok, struct hl_error **err)
{
    const struct hl_run_row row = {
        .id = engine->run_id,
        .result = result_name(result, ok),
        .finished_ms = engine_wall_ms(),
        .created = (int64_t)result->done[HL_ACTION_CREATE],
        .updated = (int64_t)(result->done[HL_ACTION_UPDATE] + result->done[HL_ACTION_ADOPT]),
        .replaced = (int64_t)result->done[HL_ACTION_REPLACE],
        .deleted = (int64_t)(result->done[HL_ACTION_DELETE] + result->done[HL_ACTION_FORGET]),
        .failed = (int64_t)result->failed,
        .deferred = (int64_t)result->deferred,
    };
    return hl_store_run_end(engine->store, &row, HISTORY_RUNS, err);
}

static bool keep_now(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    struct session *own = (struct session *)session; /* its first member */

    return engine_keep(session->engine, own, value, err);
}

/* A session's own token that works and ends soon is renewed by the way; where that fails, there is time until the next run. */
static void renew_due(struct hl_engine *engine)
{
    for (size_t i = 0; i < engine->sessions.count; i++) {
        struct session *session = engine->sessions.entries[i].value;
        struct hl_error *error = NULL;
        if (session->base != NULL || session->state != SESSION_OPEN || !session->session.due)
            continue;
        session->session.keep = keep_now;
        session->session.engine = engine;
        session->session.due = false;
        if (session->session.type->verbs->setup(&session->session, &error))
            continue;
        hl_auto(heap) char *text = hl_error_text(error);
        engine_note(engine, "provider '%s': its own token ends soon and could not be renewed: %s", session->session.name, text);
        hl_error_free(error);
    }
}

static bool check_plan(const struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_plan *plan = engine->plan;

    if (plan->diags.errors > 0)
        return hl_fail(err, HL_E_SPEC, "the plan has errors; nothing was changed");
    if (plan->guard != NULL) {
        (void)hl_fail(err, HL_E_REFUSED, "%s", plan->guard);
        return plan->guard_hint != NULL ? hl_error_hint(err, "%s", plan->guard_hint) : false;
    }
    return true;
}

static void free_tasks(struct applier *applier)
{
    for (size_t i = 0; i < applier->count; i++) {
        hl_error_free(applier->tasks[i]->error);
        hl_arena_free(applier->tasks[i]->arena);
    }
    free(applier->tasks);
    task_queue_free(&applier->ready);
    task_queue_free(&applier->parked);
}

bool hl_engine_apply(struct hl_engine *engine, const struct hl_apply_options *options, struct hl_apply_result *result, struct hl_error **err)
{
    struct applier applier = {.engine = engine, .options = options, .result = result};

    *result = (struct hl_apply_result){0};
    if (!check_plan(engine, err) || !begin_run(engine, err))
        return false;
    renew_due(engine);
    applier.input = engine_plan_input(engine);
    hl_map_init(&applier.by_address, engine->arena);
    make_tasks(&applier);
    applier.pool = pool_new(parallel_limit(&applier) + 1);

    bool ok = engine->options.plan.refresh_only || walk(&applier, err);
    drain(&applier);
    result->interrupted = interrupted(&applier);
    if (!engine->options.plan.refresh_only)
        skip_rest(&applier);
    if (!pool_free(applier.pool, LEAVE_MS)) {
        /* A worker does not come back: ending the process is all that is left, and safe, since its intent is on disk. */
        (void)end_run(engine, result, ok, ok ? err : &(struct hl_error *){NULL});
        _Exit(9);
    }
    struct hl_error *ending = NULL;
    if (!end_run(engine, result, ok, &ending) && ok) {
        *err = ending;
        ok = hl_wrap(err, "closing the run in the state");
    } else {
        hl_error_free(ending);
    }
    free_tasks(&applier);
    engine->plan = NULL;
    return ok && engine_load_records(engine, err);
}
