#include "config.h"

#include "reconcile/plan/select.h"

#include <string.h>

/* "container.web", or "container.*" for all of a kind. */
static bool matches(const char *pattern, const char *address)
{
    if (hl_ends_with(pattern, ".*"))
        return strncmp(pattern, address, strlen(pattern) - 1) == 0;
    return strcmp(pattern, address) == 0;
}

static bool is_any(const char *const *patterns, const char *address)
{
    for (; *patterns != NULL; patterns++) {
        if (matches(*patterns, address))
            return true;
    }
    return false;
}

static void include_with_needs(struct hl_map *included, const struct hl_resource *resource)
{
    if (hl_map_has(included, resource->address))
        return;
    hl_map_put(included, resource->address, NULL);
    for (size_t i = 0; i < resource->needs_count; i++)
        include_with_needs(included, resource->needs[i].to);
}

static void select_targets(struct hl_selection *selection, const struct hl_plan_input *input)
{
    const struct hl_spec *spec = input->spec;

    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++) {
        if (is_any(input->options.targets, spec->order[i]->address))
            include_with_needs(&selection->included, spec->order[i]);
    }
    for (size_t i = 0; i < input->recorded->count; i++) {
        if (is_any(input->options.targets, input->recorded->entries[i].key))
            hl_map_put(&selection->included, input->recorded->entries[i].key, NULL);
    }
}

/* In topological order one pass is enough: whoever needs something excluded comes later. */
static void exclude_with_dependents(struct hl_selection *selection, const struct hl_plan_input *input)
{
    const struct hl_spec *spec = input->spec;

    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];
        bool out = is_any(input->options.excludes, resource->address);
        for (size_t j = 0; j < resource->needs_count && !out; j++)
            out = hl_map_has(&selection->excluded, resource->needs[j].to->address);
        if (out)
            hl_map_put(&selection->excluded, resource->address, NULL);
    }
    for (size_t i = 0; i < input->recorded->count; i++) {
        if (is_any(input->options.excludes, input->recorded->entries[i].key))
            hl_map_put(&selection->excluded, input->recorded->entries[i].key, NULL);
    }
}

static bool names_something(const struct hl_plan_input *input, const char *pattern)
{
    for (size_t i = 0; input->spec != NULL && i < input->spec->resources.count; i++) {
        if (matches(pattern, input->spec->resources.entries[i].key))
            return true;
    }
    for (size_t i = 0; i < input->recorded->count; i++) {
        if (matches(pattern, input->recorded->entries[i].key))
            return true;
    }
    return false;
}

/* The addresses of that name, or one that is close. */
static void suggest_address(const struct hl_spec *spec, struct hl_arena *arena, const char *pattern, struct hl_diags *diags, struct hl_diag *diag)
{
    const char *named = hl_addresses_named(arena, &spec->resources, pattern);

    if (named != NULL) {
        hl_diag_hint(diags, diag, "did you mean %s?", named);
        return;
    }
    const char **names = hl_arena_alloc(arena, (spec->resources.count + 1) * sizeof *names);
    for (size_t i = 0; i < spec->resources.count; i++)
        names[i] = spec->resources.entries[i].key;
    hl_diag_suggest(diags, diag, pattern, names, spec->resources.count);
}

static void check_patterns(const struct hl_plan_input *input, struct hl_arena *arena, const char *option, const char *const *patterns, struct hl_diags *diags)
{
    for (; patterns != NULL && *patterns != NULL; patterns++) {
        if (names_something(input, *patterns))
            continue;
        struct hl_diag *diag = hl_diag_error(diags, (struct hl_span){0, 0}, "%s '%s' names nothing in the spec or the state", option, *patterns);
        if (input->spec != NULL)
            suggest_address(input->spec, arena, *patterns, diags, diag);
    }
}

void hl_select(struct hl_selection *selection, struct hl_arena *arena, const struct hl_plan_input *input, struct hl_diags *diags)
{
    hl_map_init(&selection->included, arena);
    hl_map_init(&selection->excluded, arena);
    selection->all = input->options.targets == NULL || *input->options.targets == NULL;
    check_patterns(input, arena, "--target", input->options.targets, diags);
    check_patterns(input, arena, "--exclude", input->options.excludes, diags);
    check_patterns(input, arena, "--replace", input->options.replaces, diags);
    if (!selection->all)
        select_targets(selection, input);
    if (input->options.excludes != NULL && *input->options.excludes != NULL)
        exclude_with_dependents(selection, input);
}

bool hl_is_selected(const struct hl_selection *selection, const char *address)
{
    if (hl_map_has(&selection->excluded, address))
        return false;
    return selection->all || hl_map_has(&selection->included, address);
}
