#include "config.h"

#include "reconcile/preview/preview.h"

#include <string.h>

/* One preview: the base's side of the comparison, resource by resource in the order of their dependencies. */
struct preview {
    struct hl_arena *arena;
    const struct hl_preview_input *input;
    struct hl_map desired;  /* address -> struct hl_value *: what the base wants, with tokens for what is secret */
    struct hl_map live;     /* address -> struct hl_live * */
    struct hl_map recorded; /* address -> struct hl_recorded * */
};

/* ---- tokens ---- */

/* Stands for what the expression gives. The brackets cannot come from a spec's text, where they would be taken for the expression itself. */
static struct hl_value *token(struct hl_arena *arena, const char *address, const char *output, bool sensitive)
{
    struct hl_value *value = hl_value_printf(arena, "${%s.%s}", address, output);

    return sensitive ? hl_value_mark_sensitive(value) : value;
}

/* What may be seen of `real`: nothing where the base's own value is secret or made from something secret, and only what the base names. */
static struct hl_value *visible(struct hl_arena *arena, const struct hl_value *base, const struct hl_value *real)
{
    if (base->type != HL_MAP || !hl_value_is(real, HL_MAP)) {
        const bool secret = hl_value_has_sensitive(base) || (real != NULL && hl_value_has_sensitive(real));
        return (struct hl_value *)(secret ? base : real);
    }
    struct hl_value *map = hl_value_map(arena);
    map->at = real->at;
    for (size_t i = 0; i < hl_value_count(base); i++) {
        const char *key = hl_value_key(base, i);
        hl_value_map_put(map, key, visible(arena, hl_value_at(base, i), hl_value_get(real, key)));
    }
    return map;
}

/* The outputs of an object that the base does not write down: tokens, whatever they are. */
static void put_tokens(struct hl_arena *arena, const struct hl_resource *resource, struct hl_value *values)
{
    for (const struct hl_field *field = resource->kind->fields; field->name != NULL; field++) {
        if ((field->computed || field->sensitive) && hl_value_get(values, field->name) == NULL)
            hl_value_map_put(values, field->name, token(arena, resource->address, field->name, field->sensitive));
    }
}

/* A secret's value, which comes from outside and not from the spec. */
static void put_main_output(struct hl_arena *arena, const struct hl_resource *resource, struct hl_value *values)
{
    const char *output = resource->kind->output;
    const struct hl_field *field = output != NULL ? hl_field_find(resource->kind->fields, output, false) : NULL;

    if (field != NULL && hl_value_get(values, output) == NULL)
        hl_value_map_put(values, output, token(arena, resource->address, output, field->sensitive));
}

/* ---- the base's side ---- */

/* The same search as hl_step_output() makes for the head's side, so that equal expressions give equal tokens. */
static struct hl_value *base_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    const struct preview *preview = context;
    const struct hl_value *desired = hl_map_find(&preview->desired, address);
    const struct hl_live *live = hl_map_find(&preview->live, address);
    struct hl_value *value = desired != NULL ? hl_value_find_path(desired, output) : NULL;

    if (value == NULL && live != NULL)
        value = hl_value_find_path(live->values, output);
    return value != NULL ? value : hl_value_unknown(arena, hl_arena_printf(arena, "%s.%s", address, output));
}

static struct hl_value *base_desired(struct preview *preview, const struct hl_resource *resource)
{
    const struct hl_outputs outputs = {base_output, preview};
    struct hl_diags ignored;

    hl_diags_init(&ignored, preview->arena, preview->input->base->file);
    struct hl_value *desired = hl_spec_decode(preview->input->base, resource, preview->arena, &outputs, &ignored);
    return desired != NULL ? desired : hl_value_map(preview->arena);
}

/* What was not looked at (secrets never are) is taken to be as it was recorded. */
static struct hl_value *live_values(struct preview *preview, const struct hl_resource *resource, const struct hl_value *desired, const struct hl_live *real)
{
    const struct hl_recorded *recorded = hl_map_find(preview->input->recorded, resource->address);
    const struct hl_value *values = real != NULL ? real->values : NULL;

    if (hl_value_count(values) == 0 && recorded != NULL)
        values = recorded->desired;
    return values != NULL ? visible(preview->arena, desired, values) : hl_value_map(preview->arena);
}

static struct hl_live *base_live(struct preview *preview, const struct hl_resource *resource, const struct hl_value *desired)
{
    const struct hl_live *real = hl_map_find(preview->input->live, resource->address);
    struct hl_live *live = hl_arena_alloc(preview->arena, sizeof *live);

    /* No text of the system's: an owner, a note or an error's words may quote what only the object knows. */
    live->presence = real != NULL ? real->presence : HL_LIVE_UNREAD;
    live->owner = real != NULL ? real->owner : HL_OWNER_NONE;
    live->id = real != NULL && real->id != NULL ? "" : NULL;
    live->late = real != NULL && real->late;
    live->defer_reason = live->presence == HL_LIVE_PENDING ? "what it waits for has not come" : NULL;
    live->values = live_values(preview, resource, desired, real);
    put_tokens(preview->arena, resource, live->values);
    if (resource->kind->output != NULL && hl_value_get(desired, resource->kind->output) == NULL) {
        live->inputs = hl_value_map(preview->arena);
        put_main_output(preview->arena, resource, live->inputs);
    }
    return live;
}

static void take_recorded(struct preview *preview, const struct hl_resource *resource, const struct hl_value *desired)
{
    const struct hl_recorded *real = hl_map_find(preview->input->recorded, resource->address);
    struct hl_recorded *recorded;

    if (real == NULL)
        return;
    recorded = hl_arena_alloc(preview->arena, sizeof *recorded);
    *recorded = *real;
    recorded->id = "";
    recorded->drift = NULL;
    recorded->desired = real->desired != NULL ? visible(preview->arena, desired, real->desired) : hl_value_map(preview->arena);
    put_main_output(preview->arena, resource, recorded->desired);
    recorded->live = hl_value_map(preview->arena);
    put_tokens(preview->arena, resource, recorded->live);
    hl_map_put(&preview->recorded, resource->address, recorded);
}

/* What the base has no more and the state still has: its address, and that is all. */
static void take_others(struct preview *preview)
{
    for (size_t i = 0; i < preview->input->recorded->count; i++) {
        const struct hl_recorded *real = preview->input->recorded->entries[i].value;
        if (hl_spec_find(preview->input->base, real->address) != NULL || hl_spec_find(preview->input->head, real->address) != NULL)
            continue;
        struct hl_recorded *recorded = hl_arena_alloc(preview->arena, sizeof *recorded);
        *recorded = *real;
        recorded->id = "";
        recorded->desired = hl_value_map(preview->arena);
        recorded->live = hl_value_map(preview->arena);
        hl_map_put(&preview->recorded, real->address, recorded);
    }
}

struct hl_plan *hl_preview_plan(struct hl_arena *arena, const struct hl_preview_input *input)
{
    struct preview preview = {.arena = arena, .input = input};
    struct hl_plan_input planned = {.spec = input->head,
                                    .registry = input->registry,
                                    .options = input->options,
                                    .serial = input->serial,
                                    .recorded = &preview.recorded,
                                    .live = &preview.live};

    hl_map_init(&preview.desired, arena);
    hl_map_init(&preview.live, arena);
    hl_map_init(&preview.recorded, arena);
    for (size_t i = 0; i < input->base->resources.count; i++) {
        const struct hl_resource *resource = input->base->order[i];
        struct hl_value *desired = base_desired(&preview, resource);
        hl_map_put(&preview.desired, resource->address, desired);
        hl_map_put(&preview.live, resource->address, base_live(&preview, resource, desired));
        take_recorded(&preview, resource, desired);
    }
    for (size_t i = 0; i < input->head->resources.count; i++) {
        const char *address = input->head->resources.entries[i].key;
        struct hl_live *live = hl_arena_alloc(arena, sizeof *live);
        if (hl_spec_find(input->base, address) != NULL)
            continue;
        live->presence = HL_LIVE_ABSENT; /* not looked for: whether it is there is none of a stranger's business */
        hl_map_put(&preview.live, address, live);
    }
    take_others(&preview);
    return hl_plan_compute(arena, &planned);
}
