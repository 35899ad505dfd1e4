#include "config.h"

#include "reconcile/cli/context.h"

#include "reconcile/cli/announce.h"
#include "reconcile/render/layout.h"
#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t hl_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t hl_context_elapsed_ms(const struct hl_context *context)
{
    return clock_ms(CLOCK_MONOTONIC) - context->started_ms;
}

/* ---- sinks ---- */

static bool wants_color(const struct hl_context *context, bool terminal)
{
    const char *when = hl_option_text(&context->options, HL_OPT_COLOR);
    const char *term = getenv("TERM");

    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return terminal && hl_is_blank(getenv("NO_COLOR")) && (term == NULL || strcmp(term, "dumb") != 0);
}

static int terminal_width(int descriptor)
{
    struct winsize size = {0};

    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream that the journal reads; a program that redirected its stderr still has it. See systemd.exec(5). */
bool hl_is_journal(FILE *stream)
{
    const char *given = getenv("JOURNAL_STREAM");
    struct stat about;
    char wanted[64];

    if (given == NULL || fstat(fileno(stream), &about) != 0)
        return false;
    (void)snprintf(wanted, sizeof(wanted), "%llu:%llu", (unsigned long long)about.st_dev, (unsigned long long)about.st_ino);
    return strcmp(given, wanted) == 0;
}

static void open_sink(struct hl_context *context, FILE *stream, struct hl_sink *sink, struct hl_look *look)
{
    const bool terminal = isatty(fileno(stream)) == 1;

    /* Results on stdout stay as they are: a program may read them. */
    const bool journal = stream == stderr && hl_is_journal(stream);

    *sink = (struct hl_sink){.stream = stream,
                             .redactor = context->redactor,
                             .color = !journal && wants_color(context, terminal),
                             .width = terminal ? terminal_width(fileno(stream)) : 0,
                             .journal = journal};
    *look = (struct hl_look){.color = sink->color, .width = sink->width, .verbose = context->verbose};
}

static bool open_log(struct hl_context *context, struct hl_error **err)
{
    const char *path = hl_option_text(&context->options, HL_OPT_LOG);

    if (path == NULL)
        return true;

    const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

    if (file < 0)
        return hl_fail_errno(err, errno, "opening the log '%s'", path);
    context->log = (struct hl_sink){.stream = fdopen(file, "a"), .redactor = context->redactor};
    return context->log.stream != NULL || hl_fail_errno(err, errno, "opening the log '%s'", path);
}

static enum hl_format find_format(const struct hl_options *options)
{
    const char *name = hl_option_text(options, HL_OPT_FORMAT);

    if (name == NULL || strcmp(name, "human") == 0)
        return HL_FORMAT_HUMAN;
    return strcmp(name, "json") == 0 ? HL_FORMAT_JSON : HL_FORMAT_MARKDOWN;
}

/* The options have been parsed into context->options. */
bool hl_context_init(struct hl_context *context, const struct hl_command *command, struct hl_error **err)
{
    context->command = command;
    context->outcome = hl_arena_alloc(context->arena, sizeof(*context->outcome));
    hl_text_init(&context->outcome->lines, HL_MAX_OUTPUT);
    context->environment = (const char *const *)environ;
    context->redactor = hl_redactor_new();
    context->started_ms = clock_ms(CLOCK_MONOTONIC);
    context->quiet = hl_option_given(&context->options, HL_OPT_QUIET);
    context->verbose = hl_option_given(&context->options, HL_OPT_VERBOSE);
    context->format = find_format(&context->options);
    open_sink(context, stdout, &context->out, &context->look);
    open_sink(context, stderr, &context->err, &context->err_look);
    hl_diags_init(&context->diags, context->arena, NULL);
    return open_log(context, err);
}

void hl_context_clear(struct hl_context *context)
{
    hl_progress_free(context->progress);
    hl_announce_clear(context);
    if (context->engine != NULL)
        hl_engine_close(context->engine);
    if (context->store != NULL)
        hl_store_close(context->store);
    hl_git_close(context->git);
    if (context->log.stream != NULL)
        (void)fclose(context->log.stream);
    hl_redactor_free(context->redactor);
    hl_error_free(context->failure);
}

void hl_context_put_json(struct hl_context *context, const struct hl_value *value)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_json_encode(&out, value, HL_JSON_PRETTY);
    hl_text_putc(&out, '\n');
    hl_sink_text(&context->out, &out);
}

void hl_context_log(struct hl_context *context, const char *event, const char *message, int64_t code)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_RENDER);

    if (context->log.stream == NULL)
        return;

    struct hl_value *map = hl_value_map(context->arena);

    hl_render_put_time(map, "time", hl_wall_ms());
    hl_value_map_put_text(map, "event", event);
    hl_value_map_put_text(map, "command", context->command->name);
    hl_value_map_put_int(map, "pid", (int64_t)getpid());
    hl_value_map_put_text(map, "stack", context->stack);
    hl_value_map_put_text(map, "message", message);
    if (code >= 0)
        hl_value_map_put_int(map, "exit", code);
    hl_json_encode(&line, map, HL_JSON_COMPACT);
    hl_text_putc(&line, '\n');
    hl_sink_text(&context->log, &line);
    (void)hl_sink_flush(&context->log);
}

/* ---- failing ---- */

/* Scripts that read JSON get the reason there as well. */
static void put_error_json(struct hl_context *context, const struct hl_error *error)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_value *map = hl_value_map(context->arena);

    hl_value_map_put_int(map, "format_version", 1);
    hl_render_put_time(map, "time", hl_wall_ms());
    hl_value_map_put_text(map, "event", "error");
    hl_value_map_put(map, "error", hl_render_error_json(context->arena, error));
    hl_json_encode(&out, map, HL_JSON_COMPACT);
    hl_text_putc(&out, '\n');
    hl_sink_text(&context->out, &out);
}

int hl_context_fail_told(struct hl_context *context, struct hl_error *error)
{
    const int code = (int)hl_exit_of(error);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(heap) char *line = hl_error_text(error);

    if (context->progress != NULL)
        hl_progress_pause(context->progress);
    hl_render_error(&out, error, context->err_look);
    hl_sink_text(&context->err, &out);
    if (context->progress != NULL)
        hl_progress_resume(context->progress);
    hl_context_log(context, "error", line, -1);
    hl_outcome_error(context, line);
    if (context->failure == NULL)
        context->failure = error;
    else
        hl_error_free(error);
    return code;
}

int hl_context_fail(struct hl_context *context, struct hl_error *error)
{
    if (context->format == HL_FORMAT_JSON)
        put_error_json(context, error);
    return hl_context_fail_told(context, error);
}

void hl_context_diags(struct hl_context *context, struct hl_diags *diags)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    /* Warnings are noise to somebody who asked for errors only. */
    if (context->quiet && diags->errors == 0)
        return;
    hl_render_diags(&out, diags, context->file, context->text, context->err_look);
    hl_sink_text(&context->err, &out);
}

/* ---- the state and the engine ---- */

int hl_context_open_store(struct hl_context *context, bool lock)
{
    const struct hl_store_options options = {
        .path = context->state_path, .stack = context->stack, .mode = lock ? HL_STORE_WRITE : HL_STORE_READ, .environment = context->environment};
    struct hl_error *err = NULL;
    bool died = false;

    /* Writing would create it. */
    if (lock && access(context->state_path, F_OK) != 0) {
        hl_fail(&err, HL_E_NOT_FOUND, "there is no state '%s'", context->state_path);
        return hl_context_fail(context, err);
    }
    if (!hl_store_open(&options, &context->store, &err) ||
        (lock && !hl_store_lock(context->store, context->command->name, hl_option_int(&context->options, HL_OPT_LOCK_TIMEOUT, 0), &died, &err)))
        return hl_context_fail(context, err);
    return HL_EXIT_OK;
}

int hl_context_open_engine(struct hl_context *context, bool write, const struct hl_plan_options *plan)
{
    const struct hl_listener listener = hl_context_listener(context);
    struct hl_error *err = NULL;
    struct hl_engine_options options = {
        .spec = context->spec,
        .registry = &hl_registry,
        .stack = context->stack,
        .state_path = context->state_path,
        .base = context->base,
        .files = &context->files,
        .environment = context->environment,
        .command = context->command->name,
        .source = context->source,
        .commit = context->commit,
        .preview = hl_option_given(&context->options, HL_OPT_PREVIEW),
        .write = write,
        .no_refresh = hl_option_given(&context->options, HL_OPT_NO_REFRESH),
        .lock_timeout_ms = hl_option_int(&context->options, HL_OPT_LOCK_TIMEOUT, 0),
        .parallel = (size_t)hl_option_int(&context->options, HL_OPT_PARALLEL, 0),
        .redactor = context->redactor,
        .interrupts = hl_signals_count(),
        .plan = {.max_destroy = -1, .max_destroy_share = -1},
    };

    if (plan != NULL)
        options.plan = *plan;
    hl_signals_install(write);
    return hl_engine_open(&options, &listener, &context->engine, &err) ? HL_EXIT_OK : hl_context_fail(context, err);
}

void hl_context_plan_options(const struct hl_context *context, struct hl_plan_options *out)
{
    const struct hl_options *options = &context->options;

    *out = (struct hl_plan_options){
        .targets = hl_option_list(options, HL_OPT_TARGET),
        .excludes = hl_option_list(options, HL_OPT_EXCLUDE),
        .replaces = hl_option_list(options, HL_OPT_REPLACE),
        .destroy = hl_option_given(options, HL_OPT_DESTROY),
        .refresh_only = hl_option_given(options, HL_OPT_REFRESH_ONLY),
        .drift_only = hl_option_given(options, HL_OPT_DRIFT_ONLY),
        .adopt = hl_option_given(options, HL_OPT_ADOPT),
        .allow_destroy = hl_option_given(options, HL_OPT_ALLOW_DESTROY),
    };
    hl_option_limit(options, HL_OPT_MAX_DESTROY, &out->max_destroy, &out->max_destroy_share);
}

int hl_context_plan(struct hl_context *context, const struct hl_plan_options *options, struct hl_plan **out)
{
    struct hl_error *err = NULL;
    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, options);
    if (code != HL_EXIT_OK)
        return code;
    if (!hl_engine_refresh(context->engine, &err))
        return hl_context_fail(context, err);
    *out = hl_engine_plan(context->engine);
    return HL_EXIT_OK;
}

void hl_context_view(const struct hl_context *context, const struct hl_plan *plan, struct hl_plan_view *out)
{
    *out = (struct hl_plan_view){
        .plan = plan,
        .file = context->file,
        .source = context->source,
        .commit = context->commit,
        .signer = context->signer,
        .preview = context->preview,
        .stack = context->stack,
        .serial = hl_store_serial(hl_engine_store(context->engine)),
        .read_ms = hl_engine_read_ms(context->engine),
        .other_run = hl_engine_other_run(context->engine),
    };
    out->stats = hl_engine_stats(context->engine, &out->stats_count);
}
