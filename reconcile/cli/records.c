#include "config.h"

#include "reconcile/cli/records.h"

#include "reconcile/cli/values.h"
#include "reconcile/render/layout.h"

#include <string.h>

int hl_records_open(struct hl_context *context, bool lock)
{
    struct hl_error *err = NULL;
    int code = hl_context_find_state(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_store(context, lock);
    if (code != HL_EXIT_OK)
        return code;
    if (!hl_store_records(context->store, context->arena, NULL, &context->records, &err))
        return hl_context_fail(context, err);
    for (size_t i = 0; i < context->records->count; i++) {
        const struct hl_record *record = context->records->entries[i].value;

        const struct hl_kind *kind = hl_kind_find(&hl_registry, record->kind, record->provider_type);

        if (kind == NULL)
            continue; /* an unknown kind's values are masked by their marks */
        hl_kind_redact(kind->fields, record->desired, context->redactor);
        hl_kind_redact(kind->fields, record->live, context->redactor);
    }
    return HL_EXIT_OK;
}

const struct hl_map *hl_records(const struct hl_context *context)
{
    return context->records;
}

static int find_record(struct hl_context *context, const char *address, const struct hl_record **out)
{
    const struct hl_map *records = context->records;
    const char *named = NULL;
    const char *best = NULL;
    size_t best_distance = hl_edit_tolerance(address) + 1;
    struct hl_error *err = NULL;

    *out = hl_map_find(records, address);
    if (*out != NULL)
        return HL_EXIT_OK;
    for (size_t i = 0; i < records->count; i++) {
        const size_t distance = hl_edit_distance(address, records->entries[i].key, best_distance);

        if (distance < best_distance) {
            best_distance = distance;
            best = records->entries[i].key;
        }
    }
    hl_fail(&err, HL_E_NOT_FOUND, "'%s' is not in the state", address);
    named = hl_addresses_named(context->arena, records, address);
    if (named != NULL)
        hl_error_hint(&err, "did you mean %s?", named);
    else if (best != NULL)
        hl_error_hint(&err, "did you mean '%s'?", best);
    else
        hl_error_hint(&err, "`hlrec state list` lists what is");
    return hl_context_fail(context, err);
}

int hl_record_open(struct hl_context *context, bool lock, const char *address, const struct hl_record **out)
{
    const int code = hl_records_open(context, lock);

    return code == HL_EXIT_OK ? find_record(context, address, out) : code;
}

static void put_row(struct hl_text *out, const char *name, const char *value)
{
    const size_t from = out->length;

    if (hl_is_blank(value))
        return;
    hl_text_puts(out, name);
    hl_pad(out, from, 14);
    hl_put_safe(out, value);
    hl_text_putc(out, '\n');
}

static void put_needs(struct hl_text *out, const struct hl_record *record)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(HL_MAX_RENDER);

    for (const char *const *need = record->needs; need != NULL && *need != NULL; need++)
        hl_text_printf(&list, "%s%s", list.length > 0 ? ", " : "", *need);
    put_row(out, "needs", hl_text_get(&list));
}

/* What only the system told: the rest stands under "desired" already. */
static struct hl_value *only_live(struct hl_context *context, const struct hl_record *record)
{
    struct hl_value *map = hl_value_map(context->arena);

    for (size_t i = 0; i < hl_value_count(record->live); i++) {
        if (!hl_value_equal(hl_value_at(record->live, i), hl_value_get(record->desired, hl_value_key(record->live, i))))
            hl_value_map_put(map, hl_value_key(record->live, i), hl_value_at(record->live, i));
    }
    return map;
}

void hl_put_record(struct hl_context *context, struct hl_text *out, const struct hl_record *record)
{
    const struct hl_kind *kind = hl_kind_find(&hl_registry, record->kind, record->provider_type);
    const struct hl_value *live = only_live(context, record);
    char created[HL_TIME_TEXT];
    char updated[HL_TIME_TEXT];

    hl_render_time_short(record->created_ms, created);
    hl_render_time_short(record->updated_ms, updated);
    put_row(out, "address", record->address);
    put_row(out, "provider", record->provider);
    put_row(out, "id", record->id);
    put_row(out, "created", created);
    put_row(out, "updated", hl_arena_printf(context->arena, "%s in run %lld", updated, (long long)record->run));
    put_needs(out, record);
    put_row(out, "protected", record->protect ? "yes" : NULL);
    put_row(out, "holds data", record->holds_data ? "yes" : NULL);
    put_row(out, "adopted", record->adopted ? "yes" : NULL);
    put_row(out, "drift", record->streak > 0 ? hl_arena_printf(context->arena, "corrected in %lld runs in a row", (long long)record->streak) : NULL);
    hl_text_puts(out, "desired\n");
    hl_put_members(out, kind, record->desired, 2);
    if (hl_value_count(live) > 0) {
        hl_text_puts(out, "live\n");
        hl_put_members(out, kind, live, 2);
    }
}

/* Values by the kind's table: a field that is always sensitive is masked even when the value lost its mark. */
static struct hl_value *masked(struct hl_context *context, const struct hl_kind *kind, const struct hl_value *map)
{
    struct hl_value *copy = hl_value_map(context->arena);

    for (size_t i = 0; i < hl_value_count(map); i++) {
        const char *key = hl_value_key(map, i);
        const struct hl_field *field = kind != NULL ? hl_field_find(kind->fields, key, false) : NULL;

        hl_value_map_put(copy, key,
                         field != NULL && field->sensitive ? hl_value_null(context->arena) : hl_render_mask(context->arena, hl_value_at(map, i), false));
    }
    return copy;
}

struct hl_value *hl_record_json(struct hl_context *context, const struct hl_record *record)
{
    const struct hl_kind *kind = hl_kind_find(&hl_registry, record->kind, record->provider_type);
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_value *needs = hl_value_list(context->arena);

    for (const char *const *need = record->needs; need != NULL && *need != NULL; need++)
        hl_value_list_add(context->arena, needs, hl_value_text(context->arena, *need));
    hl_value_map_put_text(map, "address", record->address);
    hl_value_map_put_text(map, "kind", record->kind);
    hl_value_map_put_text(map, "name", record->name);
    hl_value_map_put_text(map, "provider", record->provider);
    hl_value_map_put_text(map, "id", record->id);
    hl_render_put_time(map, "created", record->created_ms);
    hl_render_put_time(map, "updated", record->updated_ms);
    hl_value_map_put_int(map, "run", record->run);
    hl_value_map_put_bool(map, "protect", record->protect);
    hl_value_map_put_bool(map, "holds_data", record->holds_data);
    hl_value_map_put_bool(map, "adopted", record->adopted);
    hl_value_map_put(map, "needs", needs);
    hl_value_map_put(map, "desired", masked(context, kind, record->desired));
    hl_value_map_put(map, "live", masked(context, kind, record->live));
    return map;
}

struct hl_value *hl_run_json(struct hl_context *context, const struct hl_run_row *row)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_int(map, "run", row->id);
    hl_value_map_put_text(map, "command", row->command);
    hl_value_map_put_text(map, "result", row->result);
    hl_value_map_put_text(map, "who", row->who);
    hl_value_map_put_text(map, "host", row->host);
    hl_value_map_put_text(map, "source", row->source);
    hl_value_map_put_text(map, "commit", row->commit);
    hl_render_put_time(map, "started", row->started_ms);
    if (row->finished_ms > 0)
        hl_render_put_time(map, "finished", row->finished_ms);
    hl_value_map_put_int(map, "created", row->created);
    hl_value_map_put_int(map, "updated", row->updated);
    hl_value_map_put_int(map, "replaced", row->replaced);
    hl_value_map_put_int(map, "deleted", row->deleted);
    hl_value_map_put_int(map, "failed", row->failed);
    hl_value_map_put_int(map, "deferred", row->deferred);
    return map;
}
