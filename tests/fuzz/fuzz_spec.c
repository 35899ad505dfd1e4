/* A whole spec, with the real kinds: read, findings formatted, and, where there are no errors, planned and rendered as new. */
#include "config.h"

#include "tests/fuzz/target.h"

#include "reconcile/provider.h"
#include "reconcile/render/render.h"

#include <assert.h>
#include <string.h>

/* Every file that a spec may name holds this. */
static bool read_file(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    (void)context;
    if (path[0] == '/')
        return hl_fail(err, HL_E_NOT_FOUND, "there is no '%s'", path);
    *text = hl_arena_strdup(arena, "NAME=value\nother: ${NAME} ${var.domain} ${secret.A}\n");
    *length = strlen(*text);
    return true;
}

static void plan_as_new(struct hl_arena *arena, const struct hl_spec *spec)
{
    hl_auto(text) struct hl_text human = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_map nothing;
    struct hl_map live;

    hl_map_init(&nothing, arena);
    hl_map_init(&live, arena);
    struct hl_live *absent = hl_arena_alloc(arena, sizeof *absent);
    absent->presence = HL_LIVE_ABSENT;
    for (size_t i = 0; i < spec->resources.count; i++)
        hl_map_put(&live, spec->resources.entries[i].key, absent);
    const struct hl_plan_input input = {
        .spec = spec,
        .registry = &hl_registry,
        .recorded = &nothing,
        .live = &live,
        .options = {.max_destroy = -1, .max_destroy_share = -1},
    };
    struct hl_plan *plan = hl_plan_compute(arena, &input);
    const struct hl_plan_view view = {.plan = plan, .file = "fuzz.yaml", .stack = spec->stack};

    assert(plan->count == spec->resources.count);
    hl_render_plan_human(&human, &view, (struct hl_look){.width = 100, .verbose = true});
    hl_render_plan_json(&json, &view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const environment[] = {"HOME=/root", NULL};
    static const char *const variables[] = {NULL};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text findings = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_files files = {.read = read_file};
    const char *text = hl_arena_copy(arena, (const char *)data, size);
    const struct hl_spec_source source = {
        .file = "fuzz.yaml", .text = text, .length = size, .files = &files, .environment = environment, .variables = variables};
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "fuzz.yaml");
    const struct hl_spec *spec = hl_spec_load(arena, &hl_registry, &source, &diags);
    assert((spec == NULL) == (diags.errors > 0));
    hl_render_diags(&findings, &diags, "fuzz.yaml", text, (struct hl_look){.width = 100});
    if (spec != NULL)
        plan_as_new(arena, spec);
    return 0;
}
