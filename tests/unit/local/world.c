#include "config.h"

#include "tests/unit/local/world.h"

#include "reconcile/providers/local/local.h"
#include "reconcile/transport/files.h"
#include "tests/unit/local/tests.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t start_ms = 1750000000000;

/* ---- the world ---- */

static void open_session(struct world *world)
{
    struct hl_error *err = NULL;

    world->session = (struct hl_session){.run = &world->run, .name = "local", .type = &hl_provider_local, .arena = world->arena};
    assert_true(hl_provider_local.verbs->open(&world->session, &err));
}

int world_setup(void **state)
{
    struct world *world = hl_alloc(sizeof *world);

    snprintf(world->folder, sizeof world->folder, "%s", "/tmp/hlrec-local-test-XXXXXX");
    if (mkdtemp(world->folder) == NULL)
        return -1;
    world->arena = hl_arena_new();
    world->files = hl_files_of_folder(world->folder);
    world->run = (struct hl_run){
        .stack = "test",
        .state_id = "0",
        .version = "0",
        .now_ms = start_ms,
        .redactor = hl_redactor_new(),
        .files = &world->files,
        .base = world->folder,
        .environment = world->environment,
    };
    world_set(world, "PATH=/usr/local/bin:/usr/bin:/bin");
    open_session(world);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *world = *state;

    hl_provider_local.verbs->close(&world->session);
    hl_redactor_free(world->run.redactor);
    hl_arena_free(world->arena);
    nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

void world_next_run(struct world *world, int64_t later_ms)
{
    hl_provider_local.verbs->close(&world->session);
    world->run.now_ms += later_ms;
    open_session(world);
}

static const char *path_of(struct world *world, const char *name)
{
    return hl_path_join(world->arena, world->folder, name);
}

void world_write(struct world *world, const char *name, const char *format, ...)
{
    va_list args;
    FILE *file = fopen(path_of(world, name), "w");

    assert_non_null(file);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
}

const char *world_read(struct world *world, const char *name)
{
    const char *data = NULL;
    size_t length = 0;
    struct hl_error *err = NULL;

    if (hl_file_read(world->arena, path_of(world, name), HL_MAX_SPEC, &data, &length, &err))
        return data;
    hl_error_free(err);
    return NULL;
}

unsigned world_mode(struct world *world, const char *name)
{
    struct stat about;

    return stat(path_of(world, name), &about) == 0 ? about.st_mode & 0777 : 0;
}

void world_unset(struct world *world, const char *name)
{
    const size_t length = strcspn(name, "=");
    size_t kept = 0;

    for (size_t i = 0; world->environment[i] != NULL; i++) {
        if (strncmp(world->environment[i], name, length) != 0 || world->environment[i][length] != '=')
            world->environment[kept++] = world->environment[i];
    }
    world->environment[kept] = NULL;
}

void world_set(struct world *world, const char *variable)
{
    size_t count = 0;

    world_unset(world, variable);
    while (world->environment[count] != NULL)
        count++;
    assert_true(count < WORLD_VARIABLES);
    world->environment[count] = variable;
}

/* ---- the spec ---- */

static struct hl_spec *load(struct world *world, const char *name, const char *body, struct hl_diags *diags)
{
    static const struct hl_kind *const kinds[] = {&hl_kind_secret, NULL};
    static const struct hl_provider_type *const providers[] = {&hl_provider_local, NULL};
    static const struct hl_registry registry = {.kinds = kinds, .providers = providers};
    const char *text = hl_arena_printf(
        world->arena, "hlrec: 1\nstack: test\nvariables: {hidden: {default: geheim, sensitive: true}}\nsecrets:\n  OTHER: {env: OTHER}\n  %s: %s\n", name,
        body);
    const struct hl_spec_source source = {
        .file = "hlrec.yaml", .text = text, .length = strlen(text), .files = &world->files, .environment = world->environment};

    hl_diags_init(diags, world->arena, source.file);
    return hl_spec_load(world->arena, &registry, &source, diags);
}

struct hl_value *world_decode(struct world *world, const char *name, const char *body)
{
    struct hl_diags diags;
    struct hl_spec *spec = load(world, name, body, &diags);

    if (spec == NULL)
        fail_msg("%s: %s", body, diags.items[0].message);
    const struct hl_resource *resource = hl_spec_find(spec, hl_arena_printf(world->arena, "secret.%s", name));
    assert_non_null(resource);
    return resource->value;
}

const char *world_findings(struct world *world, const char *name, const char *body)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_diags diags;

    load(world, name, body, &diags);
    for (size_t i = 0; i < diags.count; i++)
        hl_text_printf(&out, "%s (%s)\n", diags.items[i].message, diags.items[i].hint != NULL ? diags.items[i].hint : "");
    return hl_arena_strdup(world->arena, hl_text_get(&out));
}

/* ---- a secret's life ---- */

struct secret secret_new(struct world *world, const char *name, const char *body)
{
    return (struct secret){.world = world, .name = name, .address = hl_arena_printf(world->arena, "secret.%s", name), .body = world_decode(world, name, body)};
}

void secret_change(struct secret *secret, const char *body)
{
    secret->body = body != NULL ? world_decode(secret->world, secret->name, body) : NULL;
}

void secret_refresh(struct secret *secret)
{
    struct world *world = secret->world;
    struct hl_object object = {
        .address = secret->address,
        .name = secret->name,
        .kind = &hl_kind_secret,
        .desired = secret->body,
        .recorded = secret->is_recorded ? &secret->recorded : NULL,
        .id = "",
        .arena = world->arena,
    };
    struct hl_object *objects[] = {&object};
    struct hl_error *err = NULL;

    assert_true(hl_kind_secret.verbs->refresh(&world->session, objects, 1, &err));
    secret->live = object.live;
    secret->desired = NULL;
    if (secret->body == NULL)
        return;
    secret->desired = hl_value_map(world->arena);
    for (size_t i = 0; i < hl_value_count(secret->body); i++)
        hl_value_map_put(secret->desired, hl_value_key(secret->body, i), hl_value_at(secret->body, i));
    for (size_t i = 0; i < hl_value_count(object.live.inputs); i++)
        hl_value_map_put(secret->desired, hl_value_key(object.live.inputs, i), hl_value_at(object.live.inputs, i));
}

static bool keep_checkpoint(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    struct world *world = op->engine;

    if (world->fail_checkpoint)
        return hl_fail(err, HL_E_FAILED, "the disk is full");
    world->checkpoint = hl_value_copy(world->arena, value);
    world->checkpoints++;
    return true;
}

static struct hl_op op_of(struct secret *secret, enum hl_action action)
{
    return (struct hl_op){
        .session = &secret->world->session,
        .kind = &hl_kind_secret,
        .address = secret->address,
        .name = secret->name,
        .operation = "op",
        .action = action,
        .id = "",
        .desired = action == HL_ACTION_DELETE ? NULL : secret->desired,
        .recorded = secret->is_recorded ? secret->recorded.desired : NULL,
        .recorded_live = secret->is_recorded ? secret->recorded.live : NULL,
        .live = secret->live.values,
        .timeout_ms = 1000,
        .arena = secret->world->arena,
        .checkpoint = keep_checkpoint,
        .engine = secret->world,
    };
}

bool secret_apply(struct secret *secret)
{
    secret_refresh(secret);
    if (secret->live.presence == HL_LIVE_UNREADABLE)
        fail_msg("%s", secret->live.error->message);
    struct hl_op op = op_of(secret, secret->is_recorded ? HL_ACTION_UPDATE : HL_ACTION_CREATE);
    const bool fine = secret->is_recorded ? hl_kind_secret.verbs->update(&op, &secret->error) : hl_kind_secret.verbs->create(&op, &secret->error);
    secret->note = op.note;
    if (!fine)
        return false;
    assert_string_equal(op.result_id, secret->name);
    secret->recorded = (struct hl_recorded){.address = secret->address, .kind = "secret", .name = secret->name, .desired = secret->desired, .live = op.result};
    secret->is_recorded = true;
    return true;
}

bool secret_delete(struct secret *secret)
{
    struct hl_op op = op_of(secret, HL_ACTION_DELETE);

    if (!hl_kind_secret.verbs->remove(&op, &secret->error))
        return false;
    secret->note = op.note;
    secret->is_recorded = false;
    return true;
}

bool secret_is_settled(struct secret *secret)
{
    secret_refresh(secret);
    if (secret->live.presence != HL_LIVE_PRESENT || !hl_value_equal(hl_value_get(secret->desired, "value"), hl_value_get(secret->live.values, "value")))
        return false;
    const struct hl_value *desired = hl_value_get(secret->desired, "write");
    const struct hl_value *live = hl_value_get(secret->live.values, "write");
    if (hl_value_count(desired) != hl_value_count(live))
        return false;
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const struct hl_value *item = hl_value_item(desired, i);
        const struct hl_value *found = hl_secret_find_item(live, item);
        const struct hl_value *mode = hl_value_get(item, "mode");
        if (found == NULL || !hl_value_equal(hl_value_get(item, "content"), hl_value_get(found, "content")) ||
            (mode != NULL && !hl_value_equal(mode, hl_value_get(found, "mode"))))
            return false;
    }
    return true;
}

const char *secret_value(const struct secret *secret)
{
    return secret->is_recorded ? hl_value_get_text(secret->recorded.live, "value") : NULL;
}

const char *secret_input(const struct secret *secret)
{
    const struct hl_value *value = hl_value_get(secret->live.inputs, "value");

    if (value == NULL)
        return NULL;
    if (value->type == HL_UNKNOWN)
        return "(unknown)";
    return value->type == HL_NULL ? "(null)" : value->text.data;
}

const char *secret_content(const struct secret *secret, const char *destination)
{
    const struct hl_value *write = hl_value_get(secret->live.values, "write");

    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_value *item = hl_value_item(write, i);
        if (strcmp(hl_value_get_text(item, "destination"), destination) == 0)
            return hl_value_get_text(item, "content");
    }
    return NULL;
}

void secret_lose(struct secret *secret)
{
    secret->is_recorded = false;
}

/* ---- assertions ---- */

void assert_has(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("'%s' does not have '%s'", text != NULL ? text : "(null)", part);
}

void assert_error(struct hl_error **err, enum hl_code code, const char *part)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);

    assert_non_null(*err);
    for (const struct hl_error *node = *err; node != NULL; node = node->cause)
        hl_text_printf(&out, "%s (%s): ", node->message, node->hint != NULL ? node->hint : "");
    assert_has(hl_text_get(&out), part);
    assert_string_equal(hl_code_name((*err)->code), hl_code_name(code));
    hl_error_clear(err);
}
