#include "config.h"

#include "reconcile/engine/internal.h"
#include "reconcile/preview/preview.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t engine_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t engine_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void engine_emit(struct hl_engine *engine, const struct hl_event *event)
{
    if (engine->listener.event != NULL)
        engine->listener.event(engine->listener.context, event);
}

void engine_note(struct hl_engine *engine, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = hl_arena_vprintf(engine->arena, format, args);
    va_end(args);
    engine_emit(engine, &(struct hl_event){.type = HL_EVENT_NOTE, .message = text});
}

void engine_redact(struct hl_engine *engine, const struct hl_kind *kind, const struct hl_value *value)
{
    if (kind != NULL)
        hl_kind_redact(kind->fields, value, engine->run.redactor);
    else
        hl_redactor_add_value(engine->run.redactor, value);
}

static struct hl_recorded *to_recorded(struct hl_arena *arena, const struct hl_record *record)
{
    struct hl_recorded *recorded = hl_arena_alloc(arena, sizeof *recorded);

    *recorded = (struct hl_recorded){
        .address = record->address,
        .kind = record->kind,
        .name = record->name,
        .provider = record->provider,
        .provider_type = record->provider_type,
        .id = record->id,
        .desired = record->desired,
        .live = record->live,
        .needs = record->needs,
        .protect = record->protect,
        .holds_data = record->holds_data,
        .adopted = record->adopted,
        .rotate = record->rotate,
        .streak = record->streak,
        .drift = record->drift,
    };
    return recorded;
}

/* What refers to others is decoded anew when they are known, and that is what was recorded. */
static struct hl_value *find_final(void *context, const char *address)
{
    const struct hl_spec *spec = context;
    const struct hl_resource *resource = spec != NULL ? hl_spec_find(spec, address) : NULL;

    return resource != NULL && !resource->refers ? resource->value : NULL;
}

bool engine_load_records(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_known known = {.find = find_final, .context = (void *)engine->options.spec};

    if (!hl_store_records(engine->store, engine->arena, &known, &engine->records, err))
        return hl_wrap(err, "reading the state");
    engine->recorded = hl_map_new(engine->arena);
    for (size_t i = 0; i < engine->records->count; i++) {
        const struct hl_record *record = engine->records->entries[i].value;
        const struct hl_kind *kind = hl_kind_find(engine->options.registry, record->kind, record->provider_type);
        engine_redact(engine, kind, record->desired);
        engine_redact(engine, kind, record->live);
        hl_map_put(engine->recorded, record->address, to_recorded(engine->arena, record));
    }
    return true;
}

const struct hl_recorded *engine_recorded(const struct hl_engine *engine, const char *address)
{
    const struct hl_recorded *recorded = hl_map_find(engine->recorded, address);
    const struct hl_spec *spec = engine->options.spec;

    for (size_t i = 0; recorded == NULL && spec != NULL && i < spec->moved_count; i++) {
        if (strcmp(spec->moved[i].to, address) == 0)
            recorded = hl_map_find(engine->recorded, spec->moved[i].from);
    }
    return recorded;
}

static void fill_run(struct hl_engine *engine)
{
    const struct hl_engine_options *options = &engine->options;

    engine->run = (struct hl_run){
        .stack = options->stack,
        .state_id = hl_store_id(engine->store),
        .version = PACKAGE_VERSION,
        .now_ms = engine_wall_ms(),
        .redactor = options->redactor,
        .files = options->files,
        .base = options->base,
        .environment = options->environment,
        .preview = options->preview,
        .interrupts = options->interrupts,
    };
    hl_store_subkey(engine->store, "objects", engine->run.key);
}

static bool open_store(struct hl_engine *engine, struct hl_error **err)
{
    const struct hl_engine_options *options = &engine->options;
    const struct hl_store_options store = {
        .path = options->state_path,
        .stack = options->stack,
        .mode = options->write ? HL_STORE_WRITE : HL_STORE_READ,
        .environment = options->environment,
    };

    if (!hl_store_open(&store, &engine->store, err))
        return false;
    if (options->write) {
        if (!hl_store_lock(engine->store, options->command, options->lock_timeout_ms, &engine->died, err))
            return false;
    } else {
        const char *holder = hl_store_lock_holder(engine->store, engine->arena);

        engine->other_run = holder != NULL ? hl_arena_printf(engine->arena, "another run is at work: %s", holder) : NULL;
    }
    fill_run(engine);
    return engine_load_records(engine, err);
}

bool hl_engine_open(const struct hl_engine_options *options, const struct hl_listener *listener, struct hl_engine **out, struct hl_error **err)
{
    struct hl_engine *engine = hl_alloc(sizeof *engine);

    *engine = (struct hl_engine){.options = *options, .arena = hl_arena_new()};
    if (listener != NULL)
        engine->listener = *listener;
    hl_map_init(&engine->live, engine->arena);
    hl_map_init(&engine->sessions, engine->arena);
    if (!open_store(engine, err)) {
        hl_engine_close(engine);
        return false;
    }
    if (engine->died)
        engine_note(engine, "the former run ended without finishing; what it had begun is looked at now");
    *out = engine;
    return true;
}

void hl_engine_close(struct hl_engine *engine)
{
    engine_sessions_close(engine);
    if (engine->store != NULL) {
        if (engine->options.write)
            hl_store_unlock(engine->store);
        hl_store_close(engine->store);
    }
    hl_wipe(engine->run.key, sizeof engine->run.key);
    hl_arena_free(engine->plan_arena);
    for (size_t i = 0; i < engine->object_arenas_count; i++)
        hl_arena_free(engine->object_arenas[i]);
    free(engine->object_arenas);
    hl_arena_free(engine->arena);
    free(engine);
}

struct hl_plan_input engine_plan_input(struct hl_engine *engine)
{
    return (struct hl_plan_input){
        .spec = engine->options.spec,
        .registry = engine->options.registry,
        .recorded = engine->recorded,
        .live = &engine->live,
        .options = engine->options.plan,
        .serial = hl_store_serial(engine->store),
    };
}

/* An instance that is not open can mean two things for what lives there: it comes later, or something is missing. */
struct hl_plan *hl_engine_plan(struct hl_engine *engine)
{
    const struct hl_plan_input input = engine_plan_input(engine);

    hl_arena_free(engine->plan_arena);
    engine->plan_arena = hl_arena_new();
    engine->plan = hl_plan_compute(engine->plan_arena, &input);
    return engine->plan;
}

void hl_engine_exclude(struct hl_engine *engine, const char *const *addresses)
{
    engine->options.plan.excludes = addresses;
}

struct hl_plan *hl_engine_preview(struct hl_engine *engine, const struct hl_spec *base, const struct hl_spec *head)
{
    const struct hl_preview_input input = {
        .base = base,
        .head = head,
        .registry = engine->options.registry,
        .recorded = engine->recorded,
        .live = &engine->live,
        .redactor = engine->run.redactor,
        .options = engine->options.plan,
        .serial = hl_store_serial(engine->store),
    };

    hl_arena_free(engine->plan_arena);
    engine->plan_arena = hl_arena_new();
    return hl_preview_plan(engine->plan_arena, &input);
}

void hl_engine_digest(struct hl_engine *engine, const struct hl_plan *plan, char out[HL_HASH_HEX])
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    unsigned char key[HL_KEY_BYTES];

    hl_plan_digest_text(&text, plan);
    hl_store_subkey(engine->store, "plan", key);
    hl_hash(key, hl_text_get(&text), text.length, out);
    hl_wipe(key, sizeof key);
}

const struct hl_read_stats *hl_engine_stats(const struct hl_engine *engine, size_t *count)
{
    struct hl_read_stats *stats = hl_arena_alloc(engine->arena, (engine->sessions.count + 1) * sizeof *stats);

    *count = 0;
    for (size_t i = 0; i < engine->sessions.count; i++) {
        const struct session *session = engine->sessions.entries[i].value;
        if (session->state != SESSION_CLOSED && session->base == NULL)
            stats[(*count)++] = session->stats;
    }
    return stats;
}

int64_t hl_engine_read_ms(const struct hl_engine *engine)
{
    return engine->read_ms;
}

struct hl_store *hl_engine_store(struct hl_engine *engine)
{
    return engine->store;
}

const struct hl_map *hl_engine_recorded(const struct hl_engine *engine)
{
    return engine->recorded;
}

const char *hl_engine_other_run(const struct hl_engine *engine)
{
    return engine->other_run;
}
