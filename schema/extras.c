/* Outputs, moved, removed, settings. */
#include "config.h"

#include "schema/load.h"

#include <string.h>

/* Decodes a section by its row; NULL when it is absent. */
static struct hl_value *decode_section(struct hl_loader *loader, const char *name)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_VARIABLES, .loader = loader, .subject = name};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);

    return hl_decode_field(&check, hl_node_find(loader->root, name), hl_top_field_get(name), NULL);
}

/* `name: VALUE` or `name: {value: VALUE, ...}`. */
static void load_output(struct hl_loader *loader, const struct hl_node_entry *entry, struct hl_output *output)
{
    struct hl_reaching reaching = {.spec = loader->spec, .reach = HL_REACH_ALL, .loader = loader};
    const struct hl_scope scope = hl_scope_of(&reaching);
    struct hl_check check = hl_check_of(loader->spec, loader->spec->arena, loader->diags, &scope);
    const struct hl_place place = {.what = hl_arena_printf(loader->spec->arena, "output '%s'", entry->key), .at = entry->at};

    *output = (struct hl_output){.name = entry->key, .value = entry->value, .at = entry->at};
    if (entry->value->type != HL_NODE_MAP) {
        hl_decode_value(&check, entry->value, hl_field_find(hl_output_fields, "value", false), &place);
        return;
    }

    const struct hl_value *members = hl_decode_members(&check, entry->value, hl_output_fields, 0, NULL, &place);

    output->value = hl_node_find(entry->value, "value");
    output->sensitive = hl_value_get_bool(members, "sensitive", false);
    output->description = hl_value_get_text(members, "description");
}

static void load_outputs(struct hl_loader *loader)
{
    const struct hl_node *section = hl_node_find(loader->root, "outputs");
    struct hl_spec *spec = loader->spec;

    if (hl_node_is_null(section))
        return;
    if (section->type != HL_NODE_MAP) {
        hl_diag_error(loader->diags, section->at, "'outputs' must be a mapping of names to values, found %s", hl_node_describe(section));
        return;
    }
    spec->outputs = hl_arena_alloc(spec->arena, section->map.count * sizeof(*spec->outputs));
    for (size_t i = 0; i < section->map.count; i++)
        load_output(loader, &section->map.entries[i], &spec->outputs[spec->outputs_count++]);
}

static struct hl_span place_of(const struct hl_value *map, const char *key)
{
    const struct hl_value *value = hl_value_get(map, key);

    return value == NULL ? map->at : value->at;
}

/* Addresses that `moved` and `removed` speak of, so that none is spoken of twice. */
static void note_address(struct hl_loader *loader, struct hl_map *seen, const char *address, struct hl_span at)
{
    const struct hl_span *first = hl_map_find(seen, address);
    struct hl_span *copy;

    if (first != NULL) {
        hl_diag_error(loader->diags, at, "%s is moved or removed twice: first on line %u", address, first->line);
        return;
    }
    copy = hl_arena_alloc(loader->spec->arena, sizeof(*copy));
    *copy = at;
    hl_map_put(seen, address, copy);
}

static void check_move(struct hl_loader *loader, const struct hl_move *move, struct hl_span from_at, struct hl_span to_at, struct hl_map *seen)
{
    const struct hl_kind *from = hl_address_check(loader->spec, move->from, from_at, loader->diags);
    const struct hl_resource *to = hl_address_find(loader->spec, move->to, to_at, loader->diags);
    const struct hl_resource *still = hl_map_find(&loader->spec->resources, move->from);

    if (still != NULL)
        hl_diag_error(loader->diags, from_at, "%s is still in the spec (line %u), so it cannot have moved", move->from, still->at.line);
    if (from != NULL && to != NULL && strcmp(from->name, to->kind->name) != 0)
        hl_diag_error(loader->diags, to_at, "a %s cannot become a %s", from->name, to->kind->name);
    note_address(loader, seen, move->from, from_at);
}

static void load_moved(struct hl_loader *loader, struct hl_map *seen)
{
    const struct hl_value *list = decode_section(loader, "moved");
    struct hl_spec *spec = loader->spec;

    spec->moved = hl_arena_alloc(spec->arena, hl_value_count(list) * sizeof(*spec->moved));
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        struct hl_move move = {.from = hl_value_get_text(item, "from"), .to = hl_value_get_text(item, "to"), .at = item->at};

        if (move.from == NULL || move.to == NULL)
            continue;
        check_move(loader, &move, place_of(item, "from"), place_of(item, "to"), seen);
        spec->moved[spec->moved_count++] = move;
    }
}

static void load_removed(struct hl_loader *loader, struct hl_map *seen)
{
    const struct hl_value *list = decode_section(loader, "removed");
    struct hl_spec *spec = loader->spec;

    spec->removed = hl_arena_alloc(spec->arena, hl_value_count(list) * sizeof(*spec->removed));
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        const char *address = hl_value_get_text(item, "address");
        struct hl_span at = place_of(item, "address");
        const struct hl_resource *still;

        if (address == NULL)
            continue;
        still = hl_map_find(&spec->resources, address);
        hl_address_check(spec, address, at, loader->diags);
        if (still != NULL)
            hl_diag_error(loader->diags, at, "%s is still in the spec (line %u), so it is not removed", address, still->at.line);
        note_address(loader, seen, address, at);
        spec->removed[spec->removed_count++] = (struct hl_removal){.address = address, .destroy = hl_value_get_bool(item, "destroy", true), .at = item->at};
    }
}

static void load_settings(struct hl_loader *loader)
{
    struct hl_settings *settings = &loader->spec->settings;
    const struct hl_field *parallel = hl_field_find(hl_top_field_get("settings")->fields, "parallel", false);
    struct hl_value *value = decode_section(loader, "settings");
    const char *max_destroy = hl_value_get_text(value, "max_destroy");
    const struct hl_value *fallback = hl_field_fallback(loader->spec->arena, parallel);

    *settings = (struct hl_settings){.max_destroy = -1, .max_destroy_share = -1};
    if (max_destroy != NULL && !hl_parse_max_destroy(max_destroy, &settings->max_destroy, &settings->max_destroy_share))
        settings->max_destroy = -1; /* a finding says so */
    settings->timeout_ms = hl_value_get_int(value, "timeout", 0);
    settings->parallel = hl_value_get_int(value, "parallel", fallback->integer);
    settings->value = value != NULL ? value : hl_value_map(loader->spec->arena);
}

void hl_load_extras(struct hl_loader *loader)
{
    struct hl_map seen;

    hl_map_init(&seen, loader->spec->arena);
    hl_dependencies_begin(loader); /* outputs refer to resources too, but nothing waits for an output */
    load_outputs(loader);
    load_moved(loader, &seen);
    load_removed(loader, &seen);
    load_settings(loader);
}
