/* What the state says: list, show, history. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/records.h"
#include "reconcile/render/layout.h"

#include <string.h>

enum { HISTORY_SHOWN = 20 };

/* ---- list ---- */

static bool matches(const struct hl_context *context, const struct hl_record *record)
{
    bool any = context->arguments_count == 0;

    for (int i = 0; i < context->arguments_count; i++) {
        const char *wanted = context->arguments[i];
        const size_t length = strlen(wanted);

        any = any || strcmp(record->address, wanted) == 0 || strcmp(record->kind, wanted) == 0 ||
              (length > 2 && strcmp(wanted + length - 2, ".*") == 0 && strncmp(record->address, wanted, length - 1) == 0);
    }
    return any;
}

static void list_json(struct hl_context *context)
{
    const struct hl_map *records = hl_records(context);
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_value *list = hl_value_list(context->arena);

    for (size_t i = 0; i < records->count; i++) {
        if (matches(context, records->entries[i].value))
            hl_value_list_add(context->arena, list, hl_record_json(context, records->entries[i].value));
    }
    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put_text(map, "state_id", hl_store_id(context->store));
    hl_value_map_put_int(map, "serial", hl_store_serial(context->store));
    hl_value_map_put(map, "resources", list);
    hl_context_put_json(context, map);
}

static int list(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const int code = hl_records_open(context, false);
    struct hl_table table;

    if (code != HL_EXIT_OK)
        return code;
    if (context->format == HL_FORMAT_JSON) {
        list_json(context);
        return HL_EXIT_OK;
    }
    hl_table_init(&table, context->arena, 4);
    for (size_t i = 0; i < hl_records(context)->count; i++) {
        const struct hl_record *record = hl_records(context)->entries[i].value;
        char updated[HL_TIME_TEXT];

        if (!matches(context, record))
            continue;
        hl_render_time_short(record->updated_ms, updated);
        hl_table_add(&table, (const char *const[]){record->address, record->provider, updated, record->id});
    }
    hl_table_render(&out, &table, false, context->look.color, 0);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

/* ---- show ---- */

static int show(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_record *record = NULL;
    const int code = hl_record_open(context, false, context->arguments[0], &record);

    if (code != HL_EXIT_OK)
        return code;
    if (context->format == HL_FORMAT_JSON) {
        hl_context_put_json(context, hl_record_json(context, record));
        return HL_EXIT_OK;
    }
    hl_put_record(context, &out, record);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

/* ---- history ---- */

static const char *what_happened(struct hl_context *context, const struct hl_run_row *row)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_render_run(&out, row);
    return hl_arena_copy(context->arena, hl_text_get(&out), out.length);
}

static void put_runs(struct hl_context *context, const struct hl_run_row *rows, size_t count)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_table table;

    hl_table_init(&table, context->arena, 6);
    hl_table_add(&table, (const char *const[]){"RUN", "WHEN (UTC)", "COMMAND", "WHO", "RESULT", "WHAT"});
    for (size_t i = 0; i < count; i++) {
        char started[HL_TIME_TEXT];

        hl_render_time_short(rows[i].started_ms, started);
        hl_table_add(&table, (const char *const[]){hl_arena_printf(context->arena, "%lld", (long long)rows[i].id), started, rows[i].command, rows[i].who,
                                                   rows[i].result, what_happened(context, &rows[i])});
    }
    hl_table_render(&out, &table, true, context->look.color, 0);
    hl_sink_text(&context->out, &out);
}

static int show_runs(struct hl_context *context)
{
    struct hl_run_row *rows = NULL;
    size_t count = 0;
    struct hl_error *err = NULL;

    if (!hl_store_runs(context->store, context->arena, hl_option_int(&context->options, HL_OPT_LIMIT, HISTORY_SHOWN), &rows, &count, &err))
        return hl_context_fail(context, err);
    if (context->format == HL_FORMAT_JSON) {
        struct hl_value *map = hl_value_map(context->arena);
        struct hl_value *runs = hl_value_list(context->arena);

        for (size_t i = 0; i < count; i++)
            hl_value_list_add(context->arena, runs, hl_run_json(context, &rows[i]));
        hl_value_map_put_int(map, "format_version", 1);
        hl_value_map_put(map, "runs", runs);
        hl_context_put_json(context, map);
    } else {
        put_runs(context, rows, count);
    }
    return HL_EXIT_OK;
}

static void put_events_json(struct hl_context *context, const struct hl_event_row *rows, size_t count)
{
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_value *events = hl_value_list(context->arena);

    for (size_t i = 0; i < count; i++) {
        struct hl_value *event = hl_value_map(context->arena);

        hl_render_put_time(event, "time", rows[i].time_ms);
        hl_value_map_put_text(event, "event", rows[i].event);
        hl_value_map_put_text(event, "address", rows[i].address);
        hl_value_map_put_text(event, "action", rows[i].action);
        hl_value_map_put_text(event, "message", rows[i].message);
        hl_value_list_add(context->arena, events, event);
    }
    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put(map, "events", events);
    hl_context_put_json(context, map);
}

static bool has_run(struct hl_context *context, int64_t run, struct hl_error **err)
{
    struct hl_run_row *rows = NULL;
    size_t count = 0;

    if (!hl_store_runs(context->store, context->arena, 0, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id == run)
            return true;
    }
    hl_fail(err, HL_E_NOT_FOUND, "there is no run %lld", (long long)run);
    return hl_error_hint(err, "`hlrec history` lists the runs");
}

static int show_events(struct hl_context *context, const char *argument)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_event_row *rows = NULL;
    size_t count = 0;
    int64_t run = 0;
    struct hl_error *err = NULL;
    struct hl_table table;

    if (!hl_parse_int(argument, 1, INT64_MAX, &run)) {
        hl_fail(&err, HL_E_SPEC, "'%s' is no number of a run", argument);
        hl_error_hint(&err, "`hlrec history` lists the runs, `hlrec state show ADDRESS` tells of one resource");
        return hl_context_fail(context, err);
    }
    if (!hl_store_events(context->store, context->arena, run, &rows, &count, &err) || (count == 0 && !has_run(context, run, &err)))
        return hl_context_fail(context, err);
    if (context->format == HL_FORMAT_JSON) {
        put_events_json(context, rows, count);
        return HL_EXIT_OK;
    }
    hl_table_init(&table, context->arena, 5);
    for (size_t i = 0; i < count; i++) {
        char time[HL_TIME_TEXT];

        hl_render_time_short(rows[i].time_ms, time);
        hl_table_add(&table, (const char *const[]){time, rows[i].event, rows[i].action, rows[i].address, rows[i].message});
    }
    hl_table_render(&out, &table, false, context->look.color, 0);
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

static int history(struct hl_context *context)
{
    int code = hl_context_find_state(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_store(context, false);
    if (code != HL_EXIT_OK)
        return code;
    return context->arguments_count > 0 ? show_events(context, context->arguments[0]) : show_runs(context);
}

const struct hl_command hl_command_state_list = {
    .name = "state list",
    .summary = "what is recorded",
    .usage = "[options] [ADDRESS|KIND]...",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT,
    .max_arguments = -1,
    .run = list,
    .help = "Lists the resources that the stack owns: address, provider, when last changed (UTC), id.",
};

const struct hl_command hl_command_state_show = {
    .name = "state show",
    .summary = "all that is recorded about one resource",
    .usage = "[options] ADDRESS",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = show,
    .help = "Shows what was last applied and what the system told then. Secrets are masked.",
};

const struct hl_command hl_command_state_history = {
    .name = "state history",
    .summary = "former runs, or the events of one",
    .usage = "[options] [RUN]",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT | HL_GROUP_HISTORY,
    .max_arguments = 1,
    .run = history,
    .help = "Lists the last runs: when, who, how it ended, what was done. With the number of a run it lists what happened in it.",
};

const struct hl_command hl_command_history = {
    .name = "history",
    .summary = "the same as `state history`",
    .usage = "[options] [RUN]",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT | HL_GROUP_HISTORY,
    .max_arguments = 1,
    .run = history,
    .help = "Lists the last runs: when, who, how it ended, what was done. With the number of a run it lists what happened in it.\n\n"
            "  hlrec history --limit 5",
};
