/* --metrics: a file for the textfile collector of Prometheus' node exporter, https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).
 */
#include "config.h"

#include "reconcile/cli/announce.h"

#include "reconcile/transport/files.h"

enum { FILE_MODE = 0644 };

/* What a label's value may not hold as it is: backslash, quote, line end. */
static void put_label(struct hl_text *out, const char *name, const char *value)
{
    hl_text_printf(out, "%s=\"", name);
    for (; value != NULL && *value != '\0'; value++) {
        if (*value == '\n')
            hl_text_puts(out, "\\n");
        else if (*value == '\\' || *value == '"')
            hl_text_printf(out, "\\%c", *value);
        else
            hl_text_putc(out, *value);
    }
    hl_text_putc(out, '"');
}

struct metrics {
    struct hl_text *out;
    const char *stack, *command;
};

static void begin(const struct metrics *metrics, const char *name, const char *help)
{
    hl_text_printf(metrics->out, "# HELP hlrec_%s %s\n# TYPE hlrec_%s gauge\n", name, help, name);
}

/* `label` may be NULL. */
static void put_name(const struct metrics *metrics, const char *name, const char *label, const char *value)
{
    hl_text_printf(metrics->out, "hlrec_%s{", name);
    put_label(metrics->out, "stack", metrics->stack);
    hl_text_putc(metrics->out, ',');
    put_label(metrics->out, "command", metrics->command);
    if (label != NULL) {
        hl_text_putc(metrics->out, ',');
        put_label(metrics->out, label, value);
    }
    hl_text_puts(metrics->out, "} ");
}

static void put_milliseconds(const struct metrics *metrics, int64_t ms)
{
    hl_text_printf(metrics->out, "%lld.%03d\n", (long long)(ms / 1000), (int)(ms % 1000));
}

static void put_number(const struct metrics *metrics, const char *name, const char *help, int64_t number)
{
    begin(metrics, name, help);
    put_name(metrics, name, NULL, NULL);
    hl_text_printf(metrics->out, "%lld\n", (long long)number);
}

static void put_run(const struct metrics *metrics, const struct hl_context *context, int code)
{
    begin(metrics, "last_run_timestamp_seconds", "When the last run ended, however it went.");
    put_name(metrics, "last_run_timestamp_seconds", NULL, NULL);
    put_milliseconds(metrics, hl_wall_ms());
    begin(metrics, "last_run_duration_seconds", "How long it took.");
    put_name(metrics, "last_run_duration_seconds", NULL, NULL);
    put_milliseconds(metrics, hl_context_elapsed_ms(context));
    put_number(metrics, "last_run_exit_code", "How it ended: 0 is well, 5 is well with something deferred; see docs/cli.md.", code);
    put_number(metrics, "last_run_changes", "What it changed.", (int64_t)context->outcome->changed);
    put_number(metrics, "suspended", "1 when the run was refused since the stack is suspended.", context->outcome->suspended ? 1 : 0);
}

static void put_resources(const struct metrics *metrics, const struct hl_outcome *outcome)
{
    begin(metrics, "resources", "Resources of the stack, by how they stand after the run.");
    for (int standing = 0; standing < HL_STANDINGS; standing++) {
        put_name(metrics, "resources", "state", hl_standing_name((enum hl_standing)standing));
        hl_text_printf(metrics->out, "%zu\n", outcome->standings[standing]);
    }
    put_number(metrics, "drift", "Resources that the run found changed outside hlrec, corrected since or not.", (int64_t)outcome->drifted);
    put_number(metrics, "deferred", "Resources that wait for something.", (int64_t)outcome->standings[HL_STANDS_DEFERRED]);
}

static void put_expiries(const struct metrics *metrics, const struct hl_map *recorded)
{
    bool begun = false;

    for (size_t i = 0; recorded != NULL && i < recorded->count; i++) {
        const struct hl_recorded *record = recorded->entries[i].value;
        const int64_t expires_ms = hl_value_get_int(record->live, "expires_at", 0);

        if (expires_ms <= 0)
            continue;
        if (!begun)
            begin(metrics, "expiry_timestamp_seconds", "When a key or token of the stack ends.");
        begun = true;
        put_name(metrics, "expiry_timestamp_seconds", "address", record->address);
        put_milliseconds(metrics, expires_ms);
    }
}

void hl_metrics_write(struct hl_context *context, int code)
{
    const char *path = hl_option_text(&context->options, HL_OPT_METRICS);
    const char *stack = hl_context_stack(context);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct metrics metrics = {.out = &out, .stack = stack, .command = context->command->name};
    hl_auto(error) struct hl_error *err = NULL;

    if (path == NULL)
        return;
    put_run(&metrics, context, code);
    if (context->outcome->planned)
        put_resources(&metrics, context->outcome);
    if (context->engine != NULL)
        put_expiries(&metrics, hl_engine_recorded(context->engine));
    hl_redact(context->redactor, &safe, hl_text_get(&out), out.length);

    const struct hl_file_write write = {.path = path, .data = hl_text_get(&safe), .length = safe.length, .mode = FILE_MODE};

    if (hl_file_write(&write, &err))
        return;

    hl_auto(heap) char *reason = hl_error_text(err);

    hl_context_warn(context, hl_arena_printf(context->arena, "the metrics were not written: %s", reason));
}
