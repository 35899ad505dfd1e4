#include "config.h"

#include "reconcile/cli/announce.h"
#include "reconcile/cli/context.h"
#include "reconcile/cli/habits.h"
#include "reconcile/cli/help.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The command whose words stand first among the arguments: "state list" before "state". */
static const struct hl_command *find_command(const struct hl_options *options, int *words)
{
    hl_auto(text) struct hl_text two = HL_TEXT_INIT(4096);

    if (options->count > 1)
        hl_text_printf(&two, "%s %s", options->arguments[0], options->arguments[1]);
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        if (options->count > 1 && strcmp((*command)->name, hl_text_get(&two)) == 0) {
            *words = 2;
            return *command;
        }
        if (options->count > 0 && strcmp((*command)->name, options->arguments[0]) == 0) {
            *words = 1;
            return *command;
        }
    }
    return NULL;
}

static bool fail_unknown_command(const struct hl_options *options, struct hl_error **err)
{
    hl_auto(text) struct hl_text given = HL_TEXT_INIT(4096);
    const char *best = NULL;

    hl_text_puts(&given, options->arguments[0]);
    if (options->count > 1 && hl_command_is_family(options->arguments[0]))
        hl_text_printf(&given, " %s", options->arguments[1]);

    const char *habit = hl_habit_command(hl_text_get(&given));
    size_t best_distance = hl_edit_tolerance(hl_text_get(&given)) + 1;

    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        const size_t distance = hl_edit_distance(hl_text_get(&given), (*command)->name, best_distance);

        if (distance < best_distance) {
            best_distance = distance;
            best = (*command)->name;
        }
    }
    hl_fail(err, HL_E_SPEC, hl_command_is_family(hl_text_get(&given)) ? "`hlrec %s` needs to know what" : "there is no command '%s'", hl_text_get(&given));
    if (hl_command_is_family(hl_text_get(&given)))
        return hl_error_hint(err, "`hlrec help %s` lists it", hl_text_get(&given));
    if (habit != NULL)
        return hl_error_hint(err, "%s", habit);
    return best != NULL ? hl_error_hint(err, "did you mean `hlrec %s`?", best) : hl_error_hint(err, "`hlrec help` lists all commands");
}

static bool check_arguments(const struct hl_context *context, struct hl_error **err)
{
    const struct hl_command *command = context->command;

    if (context->arguments_count < command->min_arguments)
        (void)hl_fail(err, HL_E_SPEC, "`hlrec %s` needs an argument", command->name);
    else if (command->max_arguments >= 0 && context->arguments_count > command->max_arguments)
        (void)hl_fail(err, HL_E_SPEC, "`hlrec %s` does not take '%s'", command->name, context->arguments[command->max_arguments]);
    else if (context->format == HL_FORMAT_MARKDOWN && (command->groups & HL_GROUP_MARKDOWN) == 0)
        (void)hl_fail(err, HL_E_SPEC, "`hlrec %s` has no output in markdown", command->name);
    else
        return true;
    return hl_error_hint(err, "usage: hlrec %s %s", command->name, command->usage);
}

/* Before there is a command there are no options to look at either: plain text on stderr. */
static int fail_early(struct hl_error *error)
{
    hl_auto(error) struct hl_error *owned = error;
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_sink sink = {.stream = stderr, .journal = hl_is_journal(stderr)};

    hl_render_error(&out, owned, (struct hl_look){.color = false});
    hl_sink_text(&sink, &out);
    return (int)hl_exit_of(owned);
}

static int put_help(const char *topic, FILE *stream)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_sink sink = {.stream = stream};

    (void)hl_help_topic(&out, topic);
    hl_sink_text(&sink, &out);
    return stream == stdout ? HL_EXIT_OK : HL_EXIT_SPEC;
}

/* A pipe that nobody reads any more, as with `hlrec explain container | head`: no failure of ours, and nobody to be told. */
static bool reader_has_left(const struct hl_sink *sink)
{
    struct pollfd pipe = {.fd = fileno(sink->stream), .events = POLLOUT};

    return pipe.fd >= 0 && poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

static int run_command(struct hl_context *context, const struct hl_command *command, int words)
{
    struct hl_error *err = NULL;

    context->arguments = (const char *const *)context->options.arguments + words;
    context->arguments_count = context->options.count - words;
    if (!hl_options_allowed(&context->options, command->groups, command->name, &err))
        return fail_early(err);
    if (!hl_context_init(context, command, &err) || !check_arguments(context, &err))
        return hl_context_fail(context, err);
    hl_context_log(context, "begin", NULL, -1);
    if (!hl_announce_begin(context, &err))
        return hl_context_fail(context, err);

    int code = command->run(context);

    if (!hl_sink_flush(&context->out) && code == HL_EXIT_OK && !reader_has_left(&context->out)) {
        hl_fail(&err, HL_E_FAILED, "writing to stdout failed");
        context->format = HL_FORMAT_HUMAN; /* not to the same place again */
        code = hl_context_fail(context, err);
    }
    code = hl_announce_end(context, code);
    hl_context_log(context, "end", NULL, code);
    return code;
}

static int dispatch(struct hl_context *context, int count, char **arguments)
{
    struct hl_error *err = NULL;
    int words = 0;

    if (!hl_options_parse(context->arena, count, arguments, &context->options, &err))
        return fail_early(err);

    const struct hl_command *command = find_command(&context->options, &words);
    const bool help = hl_option_given(&context->options, HL_OPT_HELP);

    if (command == NULL && context->options.count == 0) {
        if (hl_option_given(&context->options, HL_OPT_VERSION)) {
            printf("hlrec %s\n", PACKAGE_VERSION);
            return HL_EXIT_OK;
        }
        return put_help(NULL, help ? stdout : stderr);
    }
    if (command == NULL && help && hl_command_is_family(context->options.arguments[0]))
        return put_help(context->options.arguments[0], stdout);
    if (command == NULL) {
        (void)fail_unknown_command(&context->options, &err);
        return fail_early(err);
    }
    return help ? put_help(command->name, stdout) : run_command(context, command, words);
}

/* Started with one of its three streams closed, the first file that is opened would take that number, and messages would be written into it. The gap is filled
 * with what cannot be written, so that writing there fails as before. */
static void fill_gaps(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", O_RDONLY);
    }
}

/* What a dead program leaves would hold its secrets. */
static void forbid_core(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0});
}

int hl_cli_main(int count, char **arguments)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_context context = {.arena = arena};

    fill_gaps();
    forbid_core();
    /* Widths of characters are those of UTF-8 wherever we run, cron included. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        (void)setlocale(LC_CTYPE, "");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told as a full disk is, by the write that fails */

    const int code = dispatch(&context, count, arguments);

    hl_context_clear(&context);
    return code;
}
