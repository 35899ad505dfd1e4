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

/* ---- what may be seen ---- */

static struct hl_value *token(const struct preview *preview, const char *address, const char *output)
{
    return hl_opaque_token(preview->arena, preview->input->base->opaque, hl_arena_printf(preview->arena, "%s.%s", address, output));
}

/* A live or recorded value with every secret that stands in it masked: nothing is masked later, when the head's own words stand beside it. */
static struct hl_value *scrubbed(const struct preview *preview, const struct hl_value *value)
{
    struct hl_value *copy = (struct hl_value *)value;

    if (hl_value_is(value, HL_TEXT)) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
        hl_redact(preview->input->redactor, &text, value->text.data, value->text.length);
        if (text.length != value->text.length || memcmp(hl_text_get(&text), value->text.data, text.length) != 0) {
            copy = hl_value_bytes(preview->arena, hl_text_get(&text), text.length);
            copy->at = value->at;
        }
    } else if (hl_value_is(value, HL_LIST)) {
        copy = hl_value_list(preview->arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_list_add(preview->arena, copy, scrubbed(preview, hl_value_item(value, i)));
    } else if (hl_value_is(value, HL_MAP)) {
        copy = hl_value_map(preview->arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_map_put(copy, hl_value_key(value, i), scrubbed(preview, hl_value_at(value, i)));
    }
    return copy;
}

/* What a value is made of: its own field (NULL where there is none: a whole body, an item), and the fields of its members. */
struct shape {
    const struct hl_field *field, *members;
};

static struct shape shape_of_member(const struct shape *shape, const char *key)
{
    const struct hl_field *field = shape->members != NULL ? hl_field_find(shape->members, key, true) : NULL;

    if (shape->members == NULL && shape->field != NULL && shape->field->type == HL_F_MAP && shape->field->item == HL_F_OBJECT)
        return (struct shape){.members = shape->field->fields};
    return (struct shape){.field = field, .members = field != NULL && field->type == HL_F_OBJECT ? field->fields : NULL};
}

static struct hl_value *visible(const struct preview *preview, struct shape shape, const struct hl_value *base, const struct hl_value *real);

static struct hl_value *visible_map(const struct preview *preview, const struct shape *shape, const struct hl_value *base, const struct hl_value *real)
{
    struct hl_value *map = hl_value_map(preview->arena);

    map->at = real->at;
    for (size_t i = 0; i < hl_value_count(base); i++) {
        const char *key = hl_value_key(base, i);
        hl_value_map_put(map, key, visible(preview, shape_of_member(shape, key), hl_value_at(base, i), hl_value_get(real, key)));
    }
    return map;
}

/* The item of the base's list that `item` is: by its key, or the same. */
static const struct hl_value *find_item(const struct hl_field *field, const struct hl_value *base, const struct hl_value *item)
{
    for (size_t i = 0; i < hl_value_count(base); i++) {
        const struct hl_value *own = hl_value_item(base, i);
        if (field->key != NULL ? hl_value_equal(hl_value_get(own, field->key), hl_value_get(item, field->key)) : hl_value_equal(own, item))
            return own;
    }
    return NULL;
}

/* Of a list that is compared item by item only those items that the base names. */
static struct hl_value *visible_list(const struct preview *preview, const struct hl_field *field, const struct hl_value *base, const struct hl_value *real)
{
    struct hl_value *list = hl_value_list(preview->arena);

    list->at = real->at;
    for (size_t i = 0; i < hl_value_count(real); i++) {
        const struct hl_value *item = hl_value_item(real, i);
        const struct hl_value *own = find_item(field, base, item);
        if (own != NULL)
            hl_value_list_add(preview->arena, list, visible(preview, (struct shape){.members = field->fields}, own, item));
    }
    return list;
}

/* What may be seen of `real`: nothing where the base's own value is secret or made from something secret, and only what the base names. */
static struct hl_value *visible(const struct preview *preview, struct shape shape, const struct hl_value *base, const struct hl_value *real)
{
    const bool named = shape.field != NULL && (shape.field->key != NULL || shape.field->by_name);

    if (hl_value_is(base, HL_MAP) && hl_value_is(real, HL_MAP))
        return visible_map(preview, &shape, base, real);
    if (hl_value_has_sensitive(base) || (real != NULL && hl_value_has_sensitive(real)))
        return (struct hl_value *)base;
    if (hl_value_is(real, HL_MAP))
        return NULL;
    if (named && hl_value_is(base, HL_LIST) && hl_value_is(real, HL_LIST))
        return visible_list(preview, shape.field, base, real);
    return scrubbed(preview, real);
}

static struct hl_value *visible_body(const struct preview *preview, const struct hl_resource *resource, const struct hl_value *base,
                                     const struct hl_value *real)
{
    return visible(preview, (struct shape){.members = resource->kind->fields}, base, real);
}

/* The outputs of an object that the base does not write down: tokens, whatever they are. */
static void put_tokens(const struct preview *preview, const struct hl_resource *resource, struct hl_value *values)
{
    for (const struct hl_field *field = resource->kind->fields; field->name != NULL; field++) {
        if ((field->computed || field->sensitive) && hl_value_get(values, field->name) == NULL)
            hl_value_map_put(values, field->name, token(preview, resource->address, field->name));
    }
}

/* A secret's value, which comes from outside and not from the spec. */
static void put_main_output(const struct preview *preview, const struct hl_resource *resource, struct hl_value *values)
{
    const char *output = resource->kind->output;
    const struct hl_field *field = output != NULL ? hl_field_find(resource->kind->fields, output, false) : NULL;

    if (field != NULL && hl_value_get(values, output) == NULL)
        hl_value_map_put(values, output, token(preview, resource->address, output));
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

static bool is_moved_by_base(const struct preview *preview, const char *address)
{
    const struct hl_spec *base = preview->input->base;

    for (size_t i = 0; i < base->moved_count; i++) {
        if (strcmp(base->moved[i].from, address) == 0 && !hl_map_has(preview->input->recorded, base->moved[i].to))
            return true;
    }
    return false;
}

/* Also where the base has moved it and nobody has applied that yet. */
static const struct hl_recorded *find_recorded(const struct preview *preview, const char *address)
{
    const struct hl_recorded *recorded = hl_map_find(preview->input->recorded, address);
    const struct hl_spec *base = preview->input->base;

    for (size_t i = 0; recorded == NULL && i < base->moved_count; i++) {
        if (strcmp(base->moved[i].to, address) == 0)
            recorded = hl_map_find(preview->input->recorded, base->moved[i].from);
    }
    return recorded;
}

/* What was not looked at (secrets never are) is taken to be as it was recorded. */
static struct hl_value *live_values(struct preview *preview, const struct hl_resource *resource, const struct hl_value *desired, const struct hl_live *real)
{
    const struct hl_recorded *recorded = find_recorded(preview, resource->address);
    const struct hl_value *values = real != NULL ? real->values : NULL;

    if (hl_value_count(values) == 0 && recorded != NULL)
        values = recorded->desired;
    return values != NULL ? visible_body(preview, resource, desired, values) : hl_value_map(preview->arena);
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
    put_tokens(preview, resource, live->values);
    if (resource->kind->output != NULL && hl_value_get(desired, resource->kind->output) == NULL) {
        live->inputs = hl_value_map(preview->arena);
        put_main_output(preview, resource, live->inputs);
    }
    return live;
}

static void take_recorded(struct preview *preview, const struct hl_resource *resource, const struct hl_value *desired)
{
    const struct hl_recorded *real = find_recorded(preview, resource->address);
    struct hl_recorded *recorded;

    if (real == NULL)
        return;
    recorded = hl_arena_alloc(preview->arena, sizeof *recorded);
    *recorded = *real;
    recorded->address = resource->address;
    recorded->name = resource->name;
    recorded->id = "";
    recorded->drift = NULL;
    recorded->desired = real->desired != NULL ? visible_body(preview, resource, desired, real->desired) : hl_value_map(preview->arena);
    put_main_output(preview, resource, recorded->desired);
    recorded->live = hl_value_map(preview->arena);
    put_tokens(preview, resource, recorded->live);
    hl_map_put(&preview->recorded, resource->address, recorded);
}

/* What the base has no more and the state still has: its address, and that is all. */
static void take_others(struct preview *preview)
{
    for (size_t i = 0; i < preview->input->recorded->count; i++) {
        const struct hl_recorded *real = preview->input->recorded->entries[i].value;
        if (hl_spec_find(preview->input->base, real->address) != NULL || hl_spec_find(preview->input->head, real->address) != NULL ||
            is_moved_by_base(preview, real->address))
            continue;
        struct hl_recorded *recorded = hl_arena_alloc(preview->arena, sizeof *recorded);
        *recorded = *real;
        recorded->id = "";
        recorded->drift = NULL;
        recorded->desired = hl_value_map(preview->arena);
        recorded->live = hl_value_map(preview->arena);
        hl_map_put(&preview->recorded, real->address, recorded);
    }
}

/* What the head has moved is still what the base named; anything else that only the head has was not looked for: whether it is there is none of a stranger's
 * business. */
static struct hl_live *head_live(struct preview *preview, const char *address)
{
    const struct hl_spec *head = preview->input->head;
    struct hl_live *live = NULL;

    for (size_t i = 0; live == NULL && i < head->moved_count; i++) {
        if (strcmp(head->moved[i].to, address) == 0 && hl_map_has(&preview->recorded, head->moved[i].from))
            live = hl_map_find(&preview->live, head->moved[i].from);
    }
    if (live == NULL) {
        live = hl_arena_alloc(preview->arena, sizeof *live);
        live->presence = HL_LIVE_ABSENT;
    }
    return live;
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
        if (hl_spec_find(input->base, address) == NULL)
            hl_map_put(&preview.live, address, head_live(&preview, address));
    }
    take_others(&preview);
    return hl_plan_compute(arena, &planned);
}
