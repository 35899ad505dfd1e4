#include "config.h"

#include "tests/fuzz/world.h"

#include "reconcile/provider.h"
#include "reconcile/render/markdown.h"
#include "reconcile/render/render.h"
#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_WORLDS = 16, MOST_SESSIONS = 8, NOW_S = 1795435200 /* 2026-11-23T12:00:00Z */, VERSIONS = 2, TIMEOUT_MS = 2000 };

/* The specs stay: reading them is not what is tested here. */
struct stage {
    const char *name;
    const struct hl_spec *specs[VERSIONS];
};

struct world {
    struct hl_arena *arena;
    struct hl_run run;
    const struct stage *stage;
    struct hl_session sessions[MOST_SESSIONS];
    struct hl_session *used[MOST_SESSIONS + 1];
    size_t sessions_count;
    struct hl_map recorded; /* address -> struct hl_recorded * */
    struct hl_map live;     /* address -> struct hl_live * */
    struct hl_plan *plan;
    size_t plans; /* so far */
};

static const char *const environment[] = {"HOME=/nonexistent", NULL};

/* ---- the stage ---- */

static bool read_nothing(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    (void)context, (void)arena, (void)text, (void)length;
    return hl_fail(err, HL_E_NOT_FOUND, "there is no '%s'", path);
}

static const struct hl_files no_files = {.read = read_nothing};

static const struct hl_spec *load_spec(struct hl_arena *arena, const char *text, size_t length, const char *variable)
{
    const char *const variables[] = {variable, NULL};
    const struct hl_spec_source source = {
        .file = "world.yaml", .text = text, .length = length, .files = &no_files, .environment = environment, .variables = variables};
    struct hl_diags diags;

    hl_diags_init(&diags, arena, source.file);
    const struct hl_spec *spec = hl_spec_load(arena, &hl_registry, &source, &diags);
    for (size_t i = 0; i < diags.count; i++)
        fprintf(stderr, "world.yaml:%u: %s\n", (unsigned)diags.items[i].at.line, diags.items[i].message);
    return spec;
}

static const struct stage *find_stage(const char *name)
{
    static struct stage stages[MOST_WORLDS];
    static struct hl_arena *arena; /* of all stages; lives as long as the program */
    struct hl_error *error = NULL;
    const char *text = NULL;
    size_t length = 0;
    size_t count = 0;

    for (; count < MOST_WORLDS && stages[count].name != NULL; count++) {
        if (strcmp(stages[count].name, name) == 0)
            return &stages[count];
    }
    if (count == MOST_WORLDS || *name == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz-") != strlen(name))
        return NULL;
    arena = arena != NULL ? arena : hl_arena_new();
    if (!hl_file_read(arena, hl_arena_printf(arena, "%s/%s.yaml", FUZZ_WORLDS, name), HL_MAX_SPEC, &text, &length, &error)) {
        hl_error_free(error);
        return NULL;
    }
    stages[count] = (struct stage){
        .name = hl_arena_strdup(arena, name),
        .specs = {load_spec(arena, text, length, "v=1"), load_spec(arena, text, length, "v=2")},
    };
    if (stages[count].specs[0] == NULL || stages[count].specs[1] == NULL)
        abort();
    return &stages[count];
}

/* ---- Traefik's folder ---- */

static const char *const file_names[] = {"hlrec-fuzz.yml", "other.yml", "other.toml"};
static char base[] = "/tmp/hlrec-fuzz-XXXXXX";
static char dynamic[sizeof base + sizeof "/dynamic"];

static void remove_base(void)
{
    char path[sizeof dynamic + 64];

    for (size_t i = 0; i < HL_COUNT(file_names); i++) {
        snprintf(path, sizeof path, "%s/%s", dynamic, file_names[i]);
        unlink(path);
    }
    rmdir(dynamic);
    rmdir(base);
}

static void make_base(void)
{
    static bool made;

    if (made)
        return;
    made = true;
    if (mkdtemp(base) == NULL)
        abort();
    snprintf(dynamic, sizeof dynamic, "%s/dynamic", base);
    if (mkdir(dynamic, 0700) != 0)
        abort();
    atexit(remove_base);
}

static void fill_folder(const struct world_options *options)
{
    char path[sizeof dynamic + 64];

    for (size_t i = 0; i < HL_COUNT(file_names); i++) {
        size_t length = 0;
        const char *text = options->file != NULL ? options->file(file_names[i], &length) : NULL;
        snprintf(path, sizeof path, "%s/%s", dynamic, file_names[i]);
        unlink(path);
        FILE *file = text != NULL ? fopen(path, "we") : NULL;
        if (file == NULL)
            continue;
        fwrite(text, 1, length, file);
        fclose(file);
    }
}

/* ---- sessions ---- */

static bool keep(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    (void)err;
    session->kept = hl_value_copy(session->arena, value);
    return true;
}

static struct hl_value *find_recorded(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    (void)context;
    return hl_value_unknown(arena, hl_arena_printf(arena, "%s.%s", address, output != NULL ? output : ""));
}

static void open_session(struct world *world, const struct hl_provider_spec *provider)
{
    const struct hl_outputs outputs = {.find = find_recorded};
    struct hl_session *session = &world->sessions[world->sessions_count];
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_diags diags;

    hl_diags_init(&diags, world->arena, NULL);
    *session = (struct hl_session){
        .run = &world->run,
        .name = provider->name,
        .type = provider->type,
        .arena = hl_arena_new(),
        .keep = keep,
        .used = world->used,
    };
    if (provider->body != NULL)
        session->settings = hl_spec_decode_provider(world->stage->specs[0], provider, session->arena, &outputs, &diags);
    if (!provider->type->verbs->open(session, &error)) {
        fprintf(stderr, "world: provider '%s': %s\n", provider->name, error->message);
        abort();
    }
    world->used[world->sessions_count++] = session;
}

static void show_error(const struct world *world, const struct hl_error *error);

/* What the engine does before it reads. */
static void make_ready(struct world *world, struct hl_session *session)
{
    hl_auto(text) struct hl_text report = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(error) struct hl_error *error = NULL;
    hl_auto(error) struct hl_error *setup_error = NULL;

    if (session->type->verbs->ready(session, &report, &error))
        return;
    show_error(world, error);
    if (error->code == HL_E_NOT_SET_UP && session->type->verbs->setup != NULL && !session->type->verbs->setup(session, &setup_error))
        show_error(world, setup_error);
}

static struct hl_session *session_of(struct world *world, const char *instance)
{
    for (size_t i = 0; i < world->sessions_count; i++) {
        if (strcmp(world->sessions[i].name, instance) == 0)
            return &world->sessions[i];
    }
    return NULL;
}

/* ---- what people would see ---- */

/* Nothing that an API says may steer a terminal or be no text. */
static void check_shown(const struct hl_text *text)
{
    const char *data = hl_text_get(text);

    assert(hl_text_ok(text));
    for (size_t at = 0; at < text->length;) {
        uint32_t code = 0;
        const size_t size = hl_utf8_decode(data + at, text->length - at, &code);
        assert(size > 0 && (code == '\n' || code >= ' ') && code != 0x7f && (code < 0x80 || code > 0x9f));
        assert((code < 0x202a || code > 0x202e) && (code < 0x2066 || code > 0x2069)); /* turns the reading direction */
        at += size > 0 ? size : 1;
    }
}

static void check_json(const struct hl_text *json)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *value = NULL;
    const bool ok = hl_json_decode(arena, hl_text_get(json), json->length, &value, &error);

    assert(ok);
    (void)ok;
}

static void show_error(const struct world *world, const struct hl_error *error)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_RENDER);

    assert(error != NULL);
    hl_render_error(&text, error, (struct hl_look){.width = 100});
    check_shown(&text);
    hl_json_encode(&json, hl_render_error_json(world->arena, error), HL_JSON_COMPACT);
    check_json(&json);
}

/* In another way each time: all of them would take longer than the rest. */
static void show_plan(const struct world *world)
{
    const struct hl_plan_view view = {.plan = world->plan, .file = "world.yaml", .stack = "fuzz"};
    const struct hl_markdown markdown = {.redactor = world->run.redactor};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    switch (world->plans % 4) {
    case 0:
        hl_render_plan_comment(&text, &view, &markdown);
        break;
    case 1:
        hl_render_drift_human(&text, &view, (struct hl_look){.width = 100});
        break;
    case 2:
        hl_render_plan_human(&text, &view, (struct hl_look){.width = 100, .verbose = true});
        break;
    default:
        hl_render_plan_json(&text, &view);
        check_json(&text);
        break;
    }
    check_shown(&text);
}

/* ---- reading ---- */

static struct hl_object *new_object(struct world *world, const struct hl_spec *spec, const struct hl_resource *resource)
{
    const struct hl_outputs outputs = {.find = find_recorded};
    const struct hl_recorded *recorded = hl_map_find(&world->recorded, resource->address);
    struct hl_object *object = hl_arena_alloc(world->arena, sizeof *object);
    struct hl_diags diags;

    hl_diags_init(&diags, world->arena, NULL);
    *object = (struct hl_object){
        .address = resource->address,
        .name = resource->name,
        .kind = resource->kind,
        .desired = hl_spec_decode(spec, resource, world->arena, &outputs, &diags),
        .recorded = recorded,
        .id = recorded != NULL ? recorded->id : "",
        .arena = world->arena,
    };
    return object;
}

static void read_group(struct world *world, struct hl_object **objects, size_t count, struct hl_session *session)
{
    struct hl_error *error = NULL;

    if (!objects[0]->kind->verbs->refresh(session, objects, count, &error)) {
        show_error(world, error);
        hl_error_free(error);
        error = NULL;
        for (size_t i = 0; i < count; i++)
            objects[i]->live = (struct hl_live){.presence = HL_LIVE_ABSENT}; /* as if it had been told, so that the rest is reached as well */
    }
    for (size_t i = 0; i < count; i++)
        hl_map_put(&world->live, objects[i]->address, &objects[i]->live);
}

static void read_all(struct world *world, const struct hl_spec *spec)
{
    const size_t most = spec->resources.count;
    struct hl_object **objects = hl_arena_alloc(world->arena, (most + 1) * sizeof *objects);

    hl_map_init(&world->live, world->arena);
    for (const struct hl_kind *const *kind = hl_registry.kinds; *kind != NULL; kind++) {
        struct hl_session *session = NULL;
        size_t count = 0;
        for (size_t i = 0; i < most; i++) {
            const struct hl_resource *resource = spec->resources.entries[i].value;
            if (resource->kind != *kind)
                continue;
            objects[count++] = new_object(world, spec, resource);
            session = session_of(world, resource->provider->name);
        }
        if (count > 0)
            read_group(world, objects, count, session);
    }
}

static void plan(struct world *world, const struct hl_spec *spec, bool destroy)
{
    const struct hl_plan_input input = {
        .spec = spec,
        .registry = &hl_registry,
        .recorded = &world->recorded,
        .live = &world->live,
        .options = {.max_destroy = -1, .max_destroy_share = -1, .allow_destroy = true, .destroy = destroy},
    };

    world->plan = hl_plan_compute(world->arena, &input);
    show_plan(world);
    world->plans++;
}

/* ---- doing ---- */

static bool checkpoint(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    (void)op, (void)err;
    assert(value != NULL);
    return true;
}

static void progress(struct hl_op *op, const char *text)
{
    (void)op;
    assert(text != NULL);
}

static void record(struct world *world, const struct hl_step *step, const struct hl_op *op)
{
    struct hl_recorded *recorded = hl_arena_alloc(world->arena, sizeof *recorded);

    if (op->action == HL_ACTION_DELETE) {
        hl_map_remove(&world->recorded, op->address);
        return;
    }
    *recorded = (struct hl_recorded){
        .address = op->address,
        .kind = op->kind->name,
        .name = op->name,
        .provider = op->session->name,
        .provider_type = op->session->type->name,
        .id = op->result_id != NULL ? op->result_id : op->id,
        .desired = hl_value_copy(world->arena, op->desired),
        .live = op->result,
        .needs = (const char *const *)step->needs,
    };
    hl_map_put(&world->recorded, op->address, recorded);
}

static bool act(struct hl_op *op, struct hl_error **err)
{
    const struct hl_verbs *verbs = op->kind->verbs;

    if (verbs->apply_batch != NULL) {
        verbs->apply_batch(op->session, &op, 1);
        *err = op->error;
        return op->error == NULL;
    }
    switch (op->action) {
    case HL_ACTION_CREATE:
        return verbs->create(op, err);
    case HL_ACTION_UPDATE:
        return verbs->update(op, err);
    case HL_ACTION_REPLACE:
        return verbs->replace != NULL ? verbs->replace(op, err) : verbs->create(op, err);
    case HL_ACTION_DELETE:
        return verbs->remove(op, err);
    default:
        return true;
    }
}

static void perform(struct world *world, const struct hl_step *step)
{
    hl_auto(error) struct hl_error *error = NULL;
    const char *live_id = step->live->id != NULL ? step->live->id : step->recorded != NULL && step->recorded->id != NULL ? step->recorded->id : "";
    struct hl_op op = {
        .session = session_of(world, step->provider),
        .kind = step->kind,
        .address = step->address,
        .name = step->name,
        .operation = "6f1f9e34-6f0c-4c57-9c55-2d6a5f3b7a10",
        .action = step->action == HL_ACTION_ADOPT ? HL_ACTION_UPDATE : step->action,
        .order = step->order,
        .id = step->action == HL_ACTION_CREATE ? "" : live_id,
        .desired = step->action == HL_ACTION_DELETE ? NULL : step->desired,
        .recorded = step->recorded != NULL ? step->recorded->desired : NULL,
        .recorded_live = step->recorded != NULL ? step->recorded->live : NULL,
        .live = step->live->values,
        .changes = step->changes,
        .changes_count = step->changes_count,
        .timeout_ms = TIMEOUT_MS,
        .arena = world->arena,
        .checkpoint = checkpoint,
        .progress = progress,
    };

    if (op.desired != NULL && hl_value_find_unknown(op.desired) != NULL)
        return; /* is known in the next round */
    const bool ok = act(&op, &error);
    assert(ok || error != NULL);
    if (!ok)
        show_error(world, error);
    else
        record(world, step, &op);
    if (op.action != HL_ACTION_DELETE && op.kind->verbs->await != NULL && ok) {
        hl_auto(error) struct hl_error *await_error = NULL;
        op.id = op.result_id != NULL ? op.result_id : op.id;
        if (!op.kind->verbs->await(&op, "service_healthy", &await_error))
            show_error(world, await_error);
    }
}

static void apply(struct world *world)
{
    for (size_t i = 0; i < world->plan->count; i++) {
        const struct hl_step *step = world->plan->steps[i];
        const bool acts = step->action == HL_ACTION_CREATE || step->action == HL_ACTION_UPDATE || step->action == HL_ACTION_REPLACE ||
                          step->action == HL_ACTION_DELETE || step->action == HL_ACTION_ADOPT;
        if (acts && step->kind != NULL && session_of(world, step->provider) != NULL)
            perform(world, step);
    }
}

static void recover_all(struct world *world)
{
    static const char *const actions[] = {"create", "update", "replace", "delete"};

    for (size_t i = 0; i < world->plan->count; i++) {
        const struct hl_step *step = world->plan->steps[i];
        hl_auto(error) struct hl_error *error = NULL;
        struct hl_recovery recovery = {
            .session = session_of(world, step->provider),
            .kind = step->kind,
            .address = step->address,
            .name = step->name,
            .operation = "6f1f9e34-6f0c-4c57-9c55-2d6a5f3b7a10",
            .action = actions[i % HL_COUNT(actions)],
            .id = step->live->id != NULL ? step->live->id : "",
            .desired = step->desired,
            .recorded = step->recorded,
            .started_ms = world->run.now_ms,
            .arena = world->arena,
            .outcome = HL_RECOVERED_NOTHING,
        };
        if (step->kind == NULL || step->kind->verbs->recover == NULL || step->desired == NULL || hl_value_find_unknown(step->desired) != NULL)
            continue;
        if (!step->kind->verbs->recover(&recovery, &error))
            show_error(world, error);
    }
}

static void list_unmanaged(struct world *world)
{
    for (const struct hl_kind *const *kind = hl_registry.kinds; *kind != NULL; kind++) {
        for (size_t i = 0; i < world->sessions_count && (*kind)->verbs->unmanaged != NULL; i++) {
            hl_auto(error) struct hl_error *error = NULL;
            struct hl_value *list = hl_value_list(world->arena);
            if (strcmp(world->sessions[i].type->name, (*kind)->provider) != 0)
                continue;
            if (!(*kind)->verbs->unmanaged(&world->sessions[i], *kind, world->arena, list, &error))
                show_error(world, error);
            for (size_t j = 0; j < hl_value_count(list); j++)
                assert(hl_value_get_text(hl_value_item(list, j), "id") != NULL || hl_value_get_text(hl_value_item(list, j), "name") != NULL);
        }
    }
}

/* ---- the whole ---- */

static void play(struct world *world)
{
    const struct hl_spec *first = world->stage->specs[0];
    const struct hl_spec *second = world->stage->specs[1];

    for (size_t i = 0; i < world->sessions_count; i++)
        make_ready(world, &world->sessions[i]);
    for (int round = 0; round < 2; round++) {
        read_all(world, first);
        plan(world, first, false);
        apply(world);
    }
    list_unmanaged(world);
    read_all(world, second);
    plan(world, second, false);
    apply(world);
    recover_all(world);
    plan(world, second, true);
    apply(world);
}

bool world_run(const struct world_options *options)
{
    const struct stage *stage = find_stage(options->name);

    if (stage == NULL)
        return false;
    make_base();
    fill_folder(options);
    struct world world = {
        .arena = hl_arena_new(),
        .run = {.stack = "fuzz",
                .state_id = "0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
                .version = "0",
                .now_ms = (int64_t)NOW_S * 1000,
                .redactor = hl_redactor_new(),
                .files = &no_files,
                .base = base,
                .environment = environment,
                .interrupts = options->interrupts},
        .stage = stage,
    };
    hl_map_init(&world.recorded, world.arena);
    for (size_t i = 0; i < stage->specs[0]->providers.count && world.sessions_count < MOST_SESSIONS; i++)
        open_session(&world, stage->specs[0]->providers.entries[i].value);
    play(&world);
    for (size_t i = 0; i < world.sessions_count; i++) {
        if (world.sessions[i].type->verbs->close != NULL)
            world.sessions[i].type->verbs->close(&world.sessions[i]);
        hl_arena_free(world.sessions[i].arena);
    }
    hl_redactor_free(world.run.redactor);
    hl_arena_free(world.arena);
    return true;
}
