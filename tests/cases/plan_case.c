/* The pure planner on the files of a folder:  plan_case [--json] FOLDER
 *
 * Reads spec.yaml (absent: no spec, as with `destroy` without one), before.yaml, recorded.json and live.json (tests/cases/world.h) and
 * `options`, a line each:
 *     --target ADDRESS   --exclude ADDRESS   --replace ADDRESS   --destroy   --refresh-only   --drift-only   --adopt   --allow-destroy
 *     --max-destroy N    --var NAME=VALUE    --env NAME=VALUE
 * and prints the plan as people see it, or its JSON. Exit status 3 when the spec or the options have errors, which are printed. */
#include "config.h"

#include "tests/cases/world.h"

#include "reconcile/provider.h"
#include "reconcile/render/render.h"
#include "reconcile/transport/files.h"

#include <string.h>

enum { LIST_LIMIT = 32, EXIT_SPEC = 3, SERIAL = 7, WIDTH = 120 };

struct list {
    const char *items[LIST_LIMIT + 1];
    size_t count;
};

struct options {
    struct list targets, excludes, replaces, variables, environment;
    struct hl_plan_options plan;
};

static int fail(struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    fprintf(stderr, "plan_case: %s\n", text);
    hl_error_free(error);
    return 1;
}

static const char *read_optional(struct hl_arena *arena, const char *folder, const char *name, size_t *length)
{
    struct hl_error *error = NULL;
    const char *text = NULL;

    if (hl_file_read(arena, hl_path_join(arena, folder, name), HL_MAX_SPEC, &text, length, &error))
        return text;
    hl_error_free(error);
    return NULL;
}

/* ---- options ---- */

static bool add(struct list *list, const char *item)
{
    if (list->count == LIST_LIMIT || *item == '\0')
        return false;
    list->items[list->count++] = item;
    return true;
}

static bool set_flag(struct hl_plan_options *plan, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--destroy", &plan->destroy},
                 {"--refresh-only", &plan->refresh_only},
                 {"--drift-only", &plan->drift_only},
                 {"--adopt", &plan->adopt},
                 {"--allow-destroy", &plan->allow_destroy}};

    for (size_t i = 0; i < HL_COUNT(flags); i++) {
        if (strcmp(flags[i].name, name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static bool set_option(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        struct list *list;
    } lists[] = {{"--target", &options->targets},
                 {"--exclude", &options->excludes},
                 {"--replace", &options->replaces},
                 {"--var", &options->variables},
                 {"--env", &options->environment}};

    for (size_t i = 0; i < HL_COUNT(lists); i++) {
        if (strcmp(lists[i].name, name) == 0)
            return add(lists[i].list, value);
    }
    if (strcmp(name, "--max-destroy") == 0)
        return hl_parse_int(value, 0, INT32_MAX, &options->plan.max_destroy);
    return *value == '\0' && set_flag(&options->plan, name);
}

static bool read_options(struct hl_arena *arena, const char *folder, struct options *options, struct hl_error **err)
{
    size_t length = 0;
    const char *text = read_optional(arena, folder, "options", &length);

    options->plan.max_destroy = -1;
    options->plan.max_destroy_share = -1;
    for (const char *line = text != NULL ? text : ""; *line != '\0';) {
        const size_t end = strcspn(line, "\n");
        const char *whole = hl_arena_copy(arena, line, end);
        const size_t split = strcspn(whole, " ");
        if (!set_option(options, hl_arena_copy(arena, whole, split), whole + split + (whole[split] == ' ' ? 1 : 0)))
            return hl_fail(err, HL_E_SPEC, "options: '%s' cannot be used", whole);
        line += end + (line[end] == '\n' ? 1 : 0);
    }
    options->plan.targets = options->targets.count > 0 ? options->targets.items : NULL;
    options->plan.excludes = options->excludes.count > 0 ? options->excludes.items : NULL;
    options->plan.replaces = options->replaces.count > 0 ? options->replaces.items : NULL;
    return true;
}

/* ---- specs ---- */

static void print(const struct hl_text *text)
{
    fwrite(hl_text_get(text), 1, text->length, stdout);
}

static void print_findings(struct hl_diags *diags, const char *file, const char *source)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (diags->count == 0)
        return;
    hl_render_diags(&out, diags, file, source, (struct hl_look){.width = WIDTH});
    print(&out);
}

/* False when the file has errors, which are printed then. No file: no spec. */
static bool load_spec(struct hl_arena *arena, const char *name, const struct hl_files *files, const struct options *options, struct hl_spec **out)
{
    size_t length = 0;
    const char *text = read_optional(arena, files->context, name, &length);
    const struct hl_spec_source source = {
        .file = name,
        .text = text,
        .length = length,
        .files = files,
        .variables = options->variables.items,
        .environment = options->environment.items,
    };
    struct hl_diags diags;

    *out = NULL;
    if (text == NULL)
        return true;
    hl_diags_init(&diags, arena, name);
    *out = hl_spec_load(arena, &hl_registry, &source, &diags);
    print_findings(&diags, name, text);
    return *out != NULL;
}

/* ---- the plan ---- */

static int print_plan(struct hl_plan *plan, const struct hl_spec *spec, bool json)
{
    const struct hl_plan_view view = {
        .plan = plan,
        .file = "spec.yaml",
        .stack = spec != NULL ? spec->stack : "case",
        .serial = SERIAL,
    };
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (json)
        hl_render_plan_json(&out, &view);
    else
        hl_render_plan_human(&out, &view, (struct hl_look){.width = WIDTH});
    print(&out);
    if (!json)
        print_findings(&plan->diags, "spec.yaml", spec != NULL ? spec->text : NULL);
    return plan->diags.errors > 0 ? EXIT_SPEC : 0;
}

static int run(struct hl_arena *arena, const char *folder, bool json)
{
    const struct hl_files files = hl_files_of_folder(folder);
    struct options options = {.plan = {.destroy = false}};
    struct hl_spec *spec = NULL;
    struct hl_spec *before = NULL;
    struct hl_error *error = NULL;
    hl_auto(world) struct world world = {.live = {.count = 0}};

    if (!read_options(arena, folder, &options, &error))
        return fail(error);
    if (!load_spec(arena, "spec.yaml", &files, &options, &spec) || !load_spec(arena, "before.yaml", &files, &options, &before))
        return EXIT_SPEC;
    const struct world_source source = {.folder = folder, .registry = &hl_registry, .before = before, .spec = spec};
    if (!world_load(arena, &source, &world, &error))
        return fail(error);
    const struct hl_plan_input input = {
        .spec = spec,
        .registry = &hl_registry,
        .recorded = &world.recorded,
        .live = &world.live,
        .options = options.plan,
        .serial = SERIAL,
    };
    return print_plan(hl_plan_compute(arena, &input), spec, json);
}

int main(int count, char **arguments)
{
    const bool json = count == 3 && strcmp(arguments[1], "--json") == 0;

    if (count != 2 && !json) {
        fputs("usage: plan_case [--json] FOLDER\n", stderr);
        return 1;
    }
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    return run(arena, arguments[count - 1], json);
}
