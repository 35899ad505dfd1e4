#include "config.h"

#include "tests/cases/world.h"

#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <string.h>

enum { FILE_LIMIT = 1024 * 1024 };

struct loader {
    struct hl_arena *arena;
    const struct world_source *source;
    struct hl_value *facts; /* address -> what recorded.json may say, first from before.yaml */
    struct hl_error **err;
};

/* ---- values from JSON ---- */

/* `{"$secret": ...}` and the like. NULL when it is an ordinary value. */
static struct hl_value *special(struct hl_arena *arena, const struct hl_value *value)
{
    if (!hl_value_is(value, HL_MAP) || hl_value_count(value) != 1)
        return NULL;
    const char *key = hl_value_key(value, 0);
    if (strcmp(key, "$secret") == 0)
        return hl_value_mark_sensitive(hl_value_copy(arena, hl_value_at(value, 0)));
    if (strcmp(key, "$unknown") == 0)
        return hl_value_unknown(arena, hl_value_get_text(value, key));
    if (strcmp(key, "$null") == 0)
        return hl_value_null(arena);
    return NULL;
}

static struct hl_value *with_specials(struct hl_arena *arena, const struct hl_value *value)
{
    struct hl_value *made = special(arena, value);

    if (made != NULL)
        return made;
    if (hl_value_is(value, HL_LIST)) {
        made = hl_value_list(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_list_add(arena, made, with_specials(arena, hl_value_item(value, i)));
        made->sensitive = value->sensitive;
        return made;
    }
    if (!hl_value_is(value, HL_MAP))
        return hl_value_copy(arena, value);
    made = hl_value_map(arena);
    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_map_put(made, hl_value_key(value, i), with_specials(arena, hl_value_at(value, i)));
    made->sensitive = value->sensitive;
    return made;
}

/* `over` laid on `base`: mappings key by key, null takes away, everything else replaces. */
static struct hl_value *lay_over(struct hl_arena *arena, const struct hl_value *base, const struct hl_value *over)
{
    struct hl_value *made = hl_value_map(arena);

    if (!hl_value_is(over, HL_MAP) || special(arena, over) != NULL)
        return hl_value_copy(arena, over);
    for (size_t i = 0; hl_value_is(base, HL_MAP) && i < hl_value_count(base); i++) {
        const char *key = hl_value_key(base, i);
        if (hl_value_get(over, key) == NULL)
            hl_value_map_put(made, key, hl_value_at(base, i));
    }
    for (size_t i = 0; i < hl_value_count(over); i++) {
        const char *key = hl_value_key(over, i);
        const struct hl_value *value = hl_value_at(over, i);
        if (value->type != HL_NULL)
            hl_value_map_put(made, key, lay_over(arena, hl_value_get(base, key), value));
    }
    return made;
}

static bool read_json(struct loader *loader, const char *name, struct hl_value **out)
{
    const char *path = hl_path_join(loader->arena, loader->source->folder, name);
    const char *text = NULL;
    size_t length = 0;

    *out = hl_value_map(loader->arena);
    if (!hl_file_read(loader->arena, path, FILE_LIMIT, &text, &length, loader->err)) {
        if ((*loader->err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(loader->err);
        return true;
    }
    if (!hl_json_decode(loader->arena, text, length, out, loader->err))
        return hl_wrap(loader->err, "%s", name);
    return true;
}

/* A misspelt key would silently test something else. */
static bool check_keys(struct loader *loader, const char *address, const struct hl_value *entry, const char *const *keys)
{
    for (size_t i = 0; i < hl_value_count(entry); i++) {
        const char *const *known = keys;
        while (*known != NULL && strcmp(*known, hl_value_key(entry, i)) != 0)
            known++;
        if (*known == NULL)
            return hl_fail(loader->err, HL_E_FAILED, "%s: unknown key '%s'", address, hl_value_key(entry, i));
    }
    return true;
}

static const char *const *text_list(struct hl_arena *arena, const struct hl_value *list)
{
    const char **items = hl_arena_alloc(arena, (hl_value_count(list) + 1) * sizeof *items);

    for (size_t i = 0; i < hl_value_count(list); i++)
        items[i] = hl_value_to_text(arena, hl_value_item(list, i));
    return items;
}

/* ---- before.yaml ---- */

static struct hl_value *made_up(struct hl_arena *arena, const struct hl_kind *kind, const char *address, const char *output)
{
    struct hl_value *value = hl_value_printf(arena, "%s-of-%s", output, address);
    const struct hl_field *field = hl_field_find(kind->fields, output, false);

    if (field != NULL && field->type == HL_F_INT)
        value = hl_value_int(arena, (int64_t)strlen(address));
    return field != NULL && field->sensitive ? hl_value_mark_sensitive(value) : value;
}

/* What a reference to a resource of before.yaml gives; what only the system can tell becomes one of its live values. */
static struct hl_value *find_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    struct loader *loader = context;
    const struct hl_resource *resource = hl_spec_find(loader->source->before, address);
    struct hl_value *facts = hl_value_get(loader->facts, address);

    if (resource == NULL || facts == NULL)
        return hl_value_null(arena); /* its `when` did not hold */
    if (output == NULL)
        output = resource->kind->output;
    struct hl_value *value = hl_value_find_path(hl_value_get(facts, "desired"), output);
    if (value == NULL)
        value = hl_value_find_path(hl_value_get(facts, "live"), output);
    if (value == NULL) {
        value = made_up(arena, resource->kind, address, output);
        hl_value_map_put(hl_value_get(facts, "live"), output, value);
    }
    return value;
}

static void add_needs(struct hl_arena *arena, struct hl_value *facts, const struct hl_resource *resource)
{
    struct hl_value *needs = hl_value_list(arena);

    for (size_t i = 0; i < resource->needs_count; i++)
        hl_value_list_add(arena, needs, hl_value_text(arena, resource->needs[i].to->address));
    hl_value_map_put(facts, "needs", needs);
}

static bool record_resource(struct loader *loader, const struct hl_resource *resource, const struct hl_outputs *outputs, struct hl_diags *diags)
{
    const struct hl_kind *kind = resource->kind;
    struct hl_arena *arena = loader->arena;
    struct hl_value *facts = hl_value_map(arena);
    const char *waits_for = NULL;

    if (hl_spec_when(loader->source->before, resource, arena, outputs, &waits_for) != HL_TRUTH_YES)
        return true;
    struct hl_value *desired = hl_spec_decode(loader->source->before, resource, arena, outputs, diags);
    if (desired == NULL)
        return hl_fail(loader->err, HL_E_SPEC, "before.yaml: %s cannot be decoded", resource->address);
    if (kind->output != NULL && hl_value_get(desired, kind->output) == NULL)
        hl_value_map_put(desired, kind->output, made_up(arena, kind, resource->address, kind->output));
    hl_value_map_put_text(facts, "id", hl_arena_printf(arena, "id-of-%s", resource->address));
    hl_value_map_put_text(facts, "kind", kind->name);
    hl_value_map_put_text(facts, "provider", resource->provider->name);
    hl_value_map_put(facts, "desired", desired);
    hl_value_map_put(facts, "live", hl_value_copy(arena, desired));
    add_needs(arena, facts, resource);
    const bool holds_data = kind->holds_data || (kind->is_data != NULL && kind->is_data(desired));
    hl_value_map_put_bool(facts, "protect", resource->protect == HL_TRUE || (holds_data && resource->protect != HL_FALSE));
    hl_value_map_put_bool(facts, "holds_data", holds_data);
    hl_value_map_put(loader->facts, resource->address, facts);
    return true;
}

static bool record_before(struct loader *loader)
{
    const struct hl_spec *before = loader->source->before;
    const struct hl_outputs outputs = {find_output, loader};
    struct hl_diags diags;

    hl_diags_init(&diags, loader->arena, "before.yaml");
    for (size_t i = 0; before != NULL && i < before->resources.count; i++) {
        if (!record_resource(loader, before->order[i], &outputs, &diags))
            return false;
    }
    return true;
}

/* ---- recorded ---- */

static void mark_sensitive_fields(const struct hl_kind *kind, const struct hl_value *values)
{
    for (const struct hl_field *field = kind != NULL ? kind->fields : NULL; field != NULL && field->name != NULL; field++) {
        struct hl_value *value = hl_value_get(values, field->name);
        if (field->sensitive && value != NULL)
            hl_value_mark_sensitive(value);
    }
}

static bool add_recorded(struct loader *loader, const char *address, const struct hl_value *facts, struct world *out)
{
    static const char *const keys[] = {"id",         "kind",   "provider", "desired", "live",    "needs", "protect",
                                       "holds_data", "streak", "drift",    "rotate",  "adopted", NULL};
    struct hl_arena *arena = loader->arena;
    const struct hl_spec *spec = loader->source->spec;
    const struct hl_resource *resource = spec != NULL ? hl_spec_find(spec, address) : NULL;
    struct hl_recorded *recorded = hl_arena_alloc(arena, sizeof *recorded);
    const char *dot = strchr(address, '.');

    if (dot == NULL)
        return hl_fail(loader->err, HL_E_FAILED, "recorded.json: '%s' is not an address", address);
    if (!check_keys(loader, address, facts, keys))
        return hl_wrap(loader->err, "recorded.json");
    recorded->address = address;
    recorded->kind = hl_arena_copy(arena, address, (size_t)(dot - address));
    recorded->name = dot + 1;
    const struct hl_kind *kind = hl_kind_find(loader->source->registry, recorded->kind, NULL);
    recorded->provider = hl_value_get_text(facts, "provider");
    if (recorded->provider == NULL)
        recorded->provider = resource != NULL ? resource->provider->name : kind != NULL ? kind->provider : "unknown";
    recorded->id = hl_value_get_text(facts, "id");
    if (recorded->id == NULL)
        recorded->id = hl_arena_printf(arena, "id-of-%s", address);
    recorded->desired = with_specials(arena, hl_value_get(facts, "desired"));
    recorded->live = with_specials(arena, hl_value_get(facts, hl_value_get(facts, "live") != NULL ? "live" : "desired"));
    mark_sensitive_fields(kind, recorded->desired);
    mark_sensitive_fields(kind, recorded->live);
    recorded->needs = text_list(arena, hl_value_get(facts, "needs"));
    recorded->protect = hl_value_get_bool(facts, "protect", false);
    recorded->holds_data = hl_value_get_bool(facts, "holds_data", false);
    recorded->adopted = hl_value_get_bool(facts, "adopted", false);
    recorded->rotate = hl_value_get_bool(facts, "rotate", false);
    recorded->streak = hl_value_get_int(facts, "streak", 0);
    recorded->drift = hl_value_get_text(facts, "drift");
    hl_map_put(&out->recorded, address, recorded);
    return true;
}

/* ---- live ---- */

static bool choose(struct loader *loader, const char *address, const struct hl_value *facts, const char *key, const char *const *words, int fallback, int *out)
{
    const char *word = hl_value_get_text(facts, key);

    *out = fallback;
    for (int i = 0; word != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return word == NULL || hl_fail(loader->err, HL_E_FAILED, "live.json: %s: unknown %s '%s'", address, key, word);
}

/* What is live when live.json does not say otherwise. */
static struct hl_value *as_recorded(struct hl_arena *arena, const struct hl_recorded *recorded)
{
    struct hl_value *facts = hl_value_map(arena);

    if (recorded == NULL)
        return facts;
    hl_value_map_put_text(facts, "presence", "present");
    hl_value_map_put_text(facts, "id", recorded->id);
    hl_value_map_put_text(facts, "owner", "us");
    hl_value_map_put(facts, "values", recorded->live);
    const struct hl_value *value = hl_value_get(recorded->live, "value");
    if (strcmp(recorded->kind, "secret") == 0 && value != NULL) {
        struct hl_value *inputs = hl_value_map(arena);
        hl_value_map_put(inputs, "value", hl_value_copy(arena, value));
        hl_value_map_put(facts, "inputs", inputs);
    }
    return facts;
}

static const struct hl_error *error_of(const char *message)
{
    struct hl_error *error = NULL;

    if (message != NULL && !hl_fail(&error, HL_E_UNREACHABLE, "%s", message))
        return error; /* until world_clear() */
    return NULL;
}

static bool add_live(struct loader *loader, const char *address, const struct hl_value *facts, struct world *out)
{
    static const char *const keys[] = {"presence", "id",           "owner",      "owner_text", "values", "inputs",
                                       "reason",   "defer_reason", "defer_hint", "note",       "error",  NULL};
    static const char *const presences[] = {
        [HL_LIVE_UNREAD] = "unread",         [HL_LIVE_ABSENT] = "absent",   [HL_LIVE_PRESENT] = "present",
        [HL_LIVE_UNREADABLE] = "unreadable", [HL_LIVE_PENDING] = "pending", NULL,
    };
    static const char *const owners[] = {[HL_OWNER_NONE] = "none", [HL_OWNER_US] = "us", [HL_OWNER_OTHER] = "other", NULL};
    struct hl_arena *arena = loader->arena;
    struct hl_live *live = hl_arena_alloc(arena, sizeof *live);
    int presence = 0;
    int owner = 0;

    if (!check_keys(loader, address, facts, keys))
        return hl_wrap(loader->err, "live.json");
    if (!choose(loader, address, facts, "presence", presences, HL_LIVE_ABSENT, &presence) ||
        !choose(loader, address, facts, "owner", owners, HL_OWNER_NONE, &owner))
        return false;
    live->presence = (enum hl_presence)presence;
    live->owner = (enum hl_owner)owner;
    live->id = hl_value_get_text(facts, "id");
    live->owner_text = hl_value_get_text(facts, "owner_text");
    live->reason = hl_value_get_text(facts, "reason");
    live->defer_reason = hl_value_get_text(facts, "defer_reason");
    live->defer_hint = hl_value_get_text(facts, "defer_hint");
    live->note = hl_value_get_text(facts, "note");
    live->error = error_of(hl_value_get_text(facts, "error"));
    if (live->presence == HL_LIVE_PRESENT)
        live->values = with_specials(arena, hl_value_get(facts, "values"));
    if (hl_value_get(facts, "inputs") != NULL)
        live->inputs = with_specials(arena, hl_value_get(facts, "inputs"));
    const char *kind_name = hl_arena_copy(arena, address, strcspn(address, "."));
    const struct hl_kind *kind = hl_kind_find(loader->source->registry, kind_name, NULL);
    mark_sensitive_fields(kind, live->values);
    mark_sensitive_fields(kind, live->inputs);
    hl_map_put(&out->live, address, live);
    return true;
}

/* The record that `moved` gives an address, or NULL. */
static const struct hl_recorded *moved_record(const struct hl_spec *spec, const char *address, const struct world *world)
{
    for (size_t i = 0; i < spec->moved_count; i++) {
        if (strcmp(spec->moved[i].to, address) == 0)
            return hl_map_find(&world->recorded, spec->moved[i].from);
    }
    return NULL;
}

static bool add_all_live(struct loader *loader, const struct hl_value *overrides, struct world *out)
{
    const struct hl_spec *spec = loader->source->spec;

    for (size_t i = 0; i < out->recorded.count; i++) {
        const char *address = out->recorded.entries[i].key;
        struct hl_value *facts = as_recorded(loader->arena, out->recorded.entries[i].value);
        const struct hl_value *over = hl_value_get(overrides, address);
        if (!add_live(loader, address, over != NULL ? lay_over(loader->arena, facts, over) : facts, out))
            return false;
    }
    for (size_t i = 0; spec != NULL && i < spec->resources.count; i++) {
        const char *address = spec->resources.entries[i].key;
        const struct hl_value *over = hl_value_get(overrides, address);
        if (hl_map_has(&out->live, address))
            continue;
        struct hl_value *facts = as_recorded(loader->arena, moved_record(spec, address, out));
        if (!add_live(loader, address, over != NULL ? lay_over(loader->arena, facts, over) : facts, out))
            return false;
    }
    for (size_t i = 0; i < hl_value_count(overrides); i++) {
        if (!hl_map_has(&out->live, hl_value_key(overrides, i)))
            return hl_fail(loader->err, HL_E_FAILED, "live.json: nobody asks for %s", hl_value_key(overrides, i));
    }
    return true;
}

bool world_load(struct hl_arena *arena, const struct world_source *source, struct world *out, struct hl_error **err)
{
    struct loader loader = {.arena = arena, .source = source, .facts = hl_value_map(arena), .err = err};
    struct hl_value *recorded = NULL;
    struct hl_value *live = NULL;

    hl_map_init(&out->recorded, arena);
    hl_map_init(&out->live, arena);
    if (!record_before(&loader) || !read_json(&loader, "recorded.json", &recorded) || !read_json(&loader, "live.json", &live))
        return false;
    const struct hl_value *facts = lay_over(arena, loader.facts, recorded);
    for (size_t i = 0; i < hl_value_count(facts); i++) {
        if (!add_recorded(&loader, hl_value_key(facts, i), hl_value_at(facts, i), out))
            return false;
    }
    return add_all_live(&loader, live, out);
}

void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->live.count; i++) {
        const struct hl_live *live = world->live.entries[i].value;
        hl_error_free((struct hl_error *)(uintptr_t)live->error);
    }
    world->live.count = 0;
}
