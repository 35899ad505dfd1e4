/* How the stack stands, by the state alone: nothing is asked of any system. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/records.h"
#include "reconcile/cli/suspend.h"
#include "reconcile/render/layout.h"

#define UNFINISHED "unfinished"

struct status {
    struct hl_map unfinished; /* address -> struct hl_intent *: a run died while it changed it */
    const struct hl_suspension *suspension;
    const struct hl_run_row *last; /* NULL: there was none */
    int64_t now_ms;
};

static bool load(struct hl_context *context, struct status *out, struct hl_error **err)
{
    struct hl_intent *intents = NULL;
    struct hl_run_row *rows = NULL;
    size_t count = 0;

    *out = (struct status){.now_ms = hl_wall_ms()};
    hl_map_init(&out->unfinished, context->arena);
    if (!hl_store_open_intents(context->store, context->arena, &intents, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        hl_map_put(&out->unfinished, intents[i].address, &intents[i]);
    if (!hl_store_runs(context->store, context->arena, 1, &rows, &count, err))
        return false;
    out->last = count > 0 ? rows : NULL;
    return hl_suspension_load(context->store, context->arena, &out->suspension, err);
}

static int64_t expiry_of(const struct hl_record *record)
{
    return hl_value_get_int(record->live, "expires_at", 0);
}

static const char *state_of(const struct status *status, const struct hl_record *record)
{
    const int64_t expires_ms = expiry_of(record);

    if (hl_map_has(&status->unfinished, record->address))
        return UNFINISHED;
    if (expires_ms > 0 && expires_ms <= status->now_ms)
        return "expired";
    if (record->rotate)
        return "to rotate";
    return record->streak > 0 ? "drifting" : "in place";
}

/* ---- json ---- */

static struct hl_value *resource_json(struct hl_context *context, const struct status *status, const struct hl_record *record)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_text(map, "address", record->address);
    hl_value_map_put_text(map, "kind", record->kind);
    hl_value_map_put_text(map, "provider", record->provider);
    hl_value_map_put_text(map, "state", state_of(status, record));
    hl_render_put_time(map, "changed", record->updated_ms);
    hl_value_map_put_int(map, "run", record->run);
    if (expiry_of(record) > 0)
        hl_render_put_time(map, "expires", expiry_of(record));
    return map;
}

/* What was begun and is not recorded yet: nobody knows what there is of it. */
static struct hl_value *intent_json(struct hl_context *context, const struct hl_intent *intent)
{
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_text(map, "address", intent->address);
    hl_value_map_put_text(map, "kind", intent->kind);
    hl_value_map_put_text(map, "provider", intent->provider);
    hl_value_map_put_text(map, "state", UNFINISHED);
    return map;
}

static void put_json(struct hl_context *context, const struct status *status)
{
    const struct hl_map *records = hl_records(context);
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_value *list = hl_value_list(context->arena);

    for (size_t i = 0; i < records->count; i++)
        hl_value_list_add(context->arena, list, resource_json(context, status, records->entries[i].value));
    for (size_t i = 0; i < status->unfinished.count; i++) {
        if (!hl_map_has(records, status->unfinished.entries[i].key))
            hl_value_list_add(context->arena, list, intent_json(context, status->unfinished.entries[i].value));
    }
    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put_text(map, "state_id", hl_store_id(context->store));
    hl_value_map_put_int(map, "serial", hl_store_serial(context->store));
    hl_value_map_put(map, "suspended", status->suspension != NULL ? hl_suspension_json(context->arena, status->suspension) : hl_value_null(context->arena));
    hl_value_map_put(map, "last_run", status->last != NULL ? hl_run_json(context, status->last) : hl_value_null(context->arena));
    hl_value_map_put(map, "resources", list);
    hl_context_put_json(context, map);
}

/* ---- for people ---- */

static void put_table(struct hl_context *context, struct hl_text *out, const struct status *status)
{
    const struct hl_map *records = hl_records(context);
    struct hl_table table;

    hl_table_init(&table, context->arena, 5);
    hl_table_add(&table, (const char *const[]){"RESOURCE", "PROVIDER", "STATE", "CHANGED (UTC)", "EXPIRES (UTC)"});
    for (size_t i = 0; i < records->count; i++) {
        const struct hl_record *record = records->entries[i].value;
        char changed[HL_TIME_TEXT];
        char expires[HL_TIME_TEXT] = "";

        hl_render_time_short(record->updated_ms, changed);
        if (expiry_of(record) > 0)
            hl_render_time_short(expiry_of(record), expires);
        hl_table_add(&table, (const char *const[]){record->address, record->provider, state_of(status, record), changed, expires});
    }
    for (size_t i = 0; i < status->unfinished.count; i++) {
        const struct hl_intent *intent = status->unfinished.entries[i].value;

        if (!hl_map_has(records, intent->address))
            hl_table_add(&table, (const char *const[]){intent->address, intent->provider, UNFINISHED, NULL, NULL});
    }
    if (table.rows > 1)
        hl_table_render(out, &table, true, context->look.color, 0);
    else
        hl_text_puts(out, "Nothing is recorded.\n");
}

static void put_foot(struct hl_context *context, struct hl_text *out, const struct status *status)
{
    char started[HL_TIME_TEXT];

    if (status->last != NULL) {
        hl_render_time_short(status->last->started_ms, started);
        hl_text_printf(out, "\nLast run: %lld, %s, %s UTC: %s\n", (long long)status->last->id, status->last->command, started, status->last->result);
    }
    if (status->suspension != NULL) {
        hl_paint(out, context->look.color, HL_PAINT_YELLOW, "Suspended");
        hl_text_puts(out, ": the stack is ");
        hl_put_safe(out, hl_suspension_text(context->arena, status->suspension));
        hl_text_putc(out, '\n');
    }
}

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *err = NULL;
    struct status status;
    const int code = hl_records_open(context, false);

    if (code != HL_EXIT_OK)
        return code;
    if (!load(context, &status, &err))
        return hl_context_fail(context, err);
    if (context->format == HL_FORMAT_JSON) {
        put_json(context, &status);
        return HL_EXIT_OK;
    }
    put_table(context, &out, &status);
    put_foot(context, &out, &status);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_status = {
    .name = "status",
    .summary = "how the stack stands, by what is recorded",
    .usage = "[options]",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT,
    .run = run,
    .help = "One table: each resource, whether it is in place, when it was last changed and when it ends, then the last run and whether the stack is "
            "suspended. Only\n"
            "the state is read: `hlrec drift` and `hlrec plan` ask the systems. STATE is one of: in place; drifting (the last runs had to correct it); to "
            "rotate; expired;\n"
            "unfinished (a run died while it made or changed it; the next `apply` finds out).",
};
