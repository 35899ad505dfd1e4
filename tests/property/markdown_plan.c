/* Plans made by hand, as comments: reads a JSON object a line, prints the comment's length in bytes, a line end, and the comment. Names and values may be any
 * bytes. The keys are those of `plan_of` and `markdown_of` below. */
#include "config.h"

#include "reconcile/render/markdown.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hl_field any = {.name = "any", .type = HL_F_ANY};

static enum hl_action action_of(const char *name)
{
    for (int action = 0; action < HL_ACTIONS; action++) {
        if (name != NULL && strcmp(hl_action_info((enum hl_action)action)->name, name) == 0)
            return (enum hl_action)action;
    }
    return HL_ACTION_NONE;
}

static const char **texts_of(struct hl_arena *arena, const struct hl_value *list)
{
    const char **texts = hl_arena_alloc(arena, (hl_value_count(list) + 1) * sizeof(*texts));
    size_t count = 0;

    for (size_t i = 0; i < hl_value_count(list); i++) {
        if (hl_value_is(hl_value_item(list, i), HL_TEXT))
            texts[count++] = hl_value_item(list, i)->text.data;
    }
    return texts;
}

static enum hl_origin origin_of(const char *name)
{
    for (int origin = 0; origin < HL_ORIGINS; origin++) {
        if (name != NULL && strcmp(hl_origin_name((enum hl_origin)origin), name) == 0)
            return (enum hl_origin)origin;
    }
    return HL_ORIGIN_SPEC;
}

static const struct hl_error *error_of(struct hl_arena *arena, const struct hl_value *map)
{
    const char *message = hl_value_get_text(map, "error");
    struct hl_error *error = NULL;

    if (message == NULL)
        return NULL;
    error = hl_arena_alloc(arena, sizeof(*error));
    error->code = HL_E_UNREACHABLE;
    error->message = hl_arena_strdup(arena, message);
    error->hint = hl_arena_strdup(arena, hl_value_get_text(map, "error_hint"));
    return error;
}

static struct hl_change change_of(const struct hl_value *map)
{
    return (struct hl_change){
        .path = hl_value_get_text(map, "path"),
        .field = &any,
        .desired = hl_value_get(map, "desired"),
        .recorded = hl_value_get(map, "recorded"),
        .live = hl_value_get(map, "live"),
        .origin = origin_of(hl_value_get_text(map, "origin")),
        .sensitive = hl_value_get_bool(map, "sensitive", false),
        .forces_replacement = hl_value_get_bool(map, "forces", false),
        .at = {.line = (uint32_t)hl_value_get_int(map, "line", 0), .column = 1},
    };
}

static struct hl_step *step_of(struct hl_arena *arena, const struct hl_value *map)
{
    static const struct hl_resource resource = {.name = "x"};
    const struct hl_value *changes = hl_value_get(map, "changes");
    struct hl_step *step = hl_arena_alloc(arena, sizeof(*step));
    struct hl_live *live = hl_arena_alloc(arena, sizeof(*live));

    live->note = hl_value_get_text(map, "note");
    live->error = error_of(arena, map);
    step->live = live;
    step->address = hl_value_get_text(map, "address");
    step->action = action_of(hl_value_get_text(map, "action"));
    step->reason = hl_value_get_text(map, "reason");
    step->hint = hl_value_get_text(map, "hint");
    step->moved_from = hl_value_get_text(map, "moved_from");
    step->order = hl_value_get_bool(map, "create_first", false) ? HL_REPLACE_CREATE_FIRST : HL_REPLACE_DELETE_FIRST;
    step->loses_data = hl_value_get_bool(map, "loses_data", false);
    step->used_by = texts_of(arena, hl_value_get(map, "used_by"));
    step->at = (struct hl_span){.line = (uint32_t)hl_value_get_int(map, "line", 0), .column = 1};
    step->resource = step->at.line > 0 ? &resource : NULL;
    step->changes = hl_arena_alloc(arena, (hl_value_count(changes) + 1) * sizeof(*step->changes));
    for (size_t i = 0; i < hl_value_count(changes); i++)
        step->changes[step->changes_count++] = change_of(hl_value_item(changes, i));
    return step;
}

static void add_findings(struct hl_diags *diags, const struct hl_value *list)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *map = hl_value_item(list, i);
        const struct hl_span at = {.line = (uint32_t)i + 1, .column = 3};
        const char *message = hl_value_get_text(map, "message");
        struct hl_diag *diag = hl_value_get_bool(map, "severe", false) ? hl_diag_error(diags, at, "%s", message) : hl_diag_warning(diags, at, "%s", message);

        if (hl_value_get_text(map, "hint") != NULL)
            hl_diag_hint(diags, diag, "%s", hl_value_get_text(map, "hint"));
    }
}

static struct hl_plan *plan_of(struct hl_arena *arena, const struct hl_value *document)
{
    const struct hl_value *steps = hl_value_get(document, "steps");
    struct hl_plan *plan = hl_arena_alloc(arena, sizeof(*plan));

    plan->arena = arena;
    plan->count = hl_value_count(steps);
    plan->steps = hl_arena_alloc(arena, (plan->count + 1) * sizeof(struct hl_step *));
    for (size_t i = 0; i < plan->count; i++) {
        plan->steps[i] = step_of(arena, hl_value_item(steps, i));
        plan->counts[plan->steps[i]->action]++;
    }
    hl_diags_init(&plan->diags, arena, hl_value_get_text(document, "file"));
    add_findings(&plan->diags, hl_value_get(document, "findings"));
    plan->guard = hl_value_get_text(document, "guard");
    plan->guard_hint = hl_value_get_text(document, "guard_hint");
    return plan;
}

/* NULL for the plan of a spec that is trusted. */
static const struct hl_preview_facts *preview_of(struct hl_arena *arena, const struct hl_value *map)
{
    const struct hl_value *unused = hl_value_get(map, "unused");
    struct hl_preview_facts *facts = hl_arena_alloc(arena, sizeof(*facts));

    if (!hl_value_is(map, HL_MAP))
        return NULL;
    *facts = (struct hl_preview_facts){.base = hl_value_get_text(map, "base"),
                                       .behind = (size_t)hl_value_get_int(map, "behind", 0),
                                       .conflicts = hl_value_get_bool(map, "conflicts", false),
                                       .unused = {.count = hl_value_count(unused)}};
    facts->unused.items = hl_arena_alloc(arena, (facts->unused.count + 1) * sizeof(*facts->unused.items));
    for (size_t i = 0; i < facts->unused.count; i++)
        facts->unused.items[i] = (struct hl_preview_unused){.path = hl_value_item(unused, i)->text.data, .change = HL_PREVIEW_ADDED, .at = {7, 1}};
    return facts;
}

static struct hl_markdown markdown_of(const struct hl_value *document)
{
    return (struct hl_markdown){
        .max_size = (size_t)hl_value_get_int(document, "max_size", 0),
        .target = hl_value_get_text(document, "target"),
        .head = hl_value_get_text(document, "head"),
        .run = hl_value_get_text(document, "run"),
        .order_ms = hl_value_get_int(document, "order", 0),
    };
}

static void put_comment(struct hl_arena *arena, const struct hl_value *document)
{
    const struct hl_value *secrets = hl_value_get(document, "secrets");
    struct hl_markdown markdown = markdown_of(document);
    struct hl_redactor *redactor = hl_redactor_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_plan_view view = {
        .plan = plan_of(arena, document),
        .file = hl_value_get_text(document, "file"),
        .source = hl_value_get_text(document, "source"),
        .commit = hl_value_get_text(document, "commit"),
        .stack = hl_value_get_text(document, "stack"),
        .serial = 41,
        .preview = preview_of(arena, hl_value_get(document, "preview")),
    };

    for (size_t i = 0; i < hl_value_count(secrets); i++)
        hl_redactor_add(redactor, hl_value_item(secrets, i)->text.data, hl_value_item(secrets, i)->text.length);
    markdown.redactor = redactor;
    if (hl_value_get_bool(document, "failed", false))
        hl_render_failure_comment(&out, &view, &markdown, &view.plan->diags, error_of(arena, document));
    else
        hl_render_plan_comment(&out, &view, &markdown);
    hl_redactor_free(redactor);
    printf("%zu\n", out.length);
    (void)fwrite(hl_text_get(&out), 1, out.length, stdout);
    (void)fflush(stdout);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *error = NULL;
        struct hl_value *document = NULL;

        if (!hl_json_decode(arena, line, (size_t)length, &document, &error)) {
            hl_auto(heap) char *text = hl_error_text(error);

            fprintf(stderr, "markdown_plan: %s\n", text);
            free(line);
            return 1;
        }
        put_comment(arena, document);
    }
    free(line);
    return 0;
}
