#include "config.h"

#include "reconcile/providers/local/local.h"
#include "reconcile/transport/process.h"

#include <string.h>

enum { TIMEOUT_MS = 30 * 1000 };

static const char *const *argv_of(struct hl_arena *arena, const struct hl_value *command)
{
    const size_t count = hl_value_count(command);
    const char **argv = hl_arena_alloc(arena, (count + 1) * sizeof *argv);

    for (size_t i = 0; i < count; i++)
        argv[i] = hl_value_to_text(arena, hl_value_item(command, i));
    return argv;
}

/* All but the key of the state, which is nobody else's business. */
static const char *const *environment_of(struct hl_arena *arena, const struct hl_run *run)
{
    size_t count = 0;

    while (run->environment != NULL && run->environment[count] != NULL)
        count++;
    const char **environment = hl_arena_alloc(arena, (count + 1) * sizeof *environment);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!hl_starts_with(run->environment[i], "HLREC_KEY=") && !hl_starts_with(run->environment[i], "HLREC_KEY_FILE="))
            environment[kept++] = run->environment[i];
    }
    return environment;
}

/* The line ends at the end go, as in a shell's $(...). */
static size_t trimmed(const char *data, size_t length)
{
    while (length > 0 && (data[length - 1] == '\n' || data[length - 1] == '\r'))
        length--;
    return length;
}

/* What the program writes to stderr is not shown: nobody can say that it holds no part of the value. */
bool hl_source_command(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text ignored = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const struct hl_run *run = source->run;
    int status = 0;
    const struct hl_process process = {
        .argv = argv_of(scratch, hl_value_get(source->desired, "command")),
        .environment = environment_of(scratch, run),
        .directory = hl_is_blank(run->base) ? NULL : run->base,
        .timeout_ms = hl_value_get_int(source->desired, "command_timeout", TIMEOUT_MS),
        .max_output = HL_MAX_TEMPLATE,
        .interrupts = run->interrupts,
    };
    const char *what = hl_arena_printf(source->arena, "the output of '%s'", process.argv[0]);

    *value = NULL;
    source->missing = hl_arena_printf(source->arena, "%s is empty", what);
    source->hint = "a command that has a value prints it and exits with 0";
    if (!hl_process_run(&process, &out, &ignored, &status, err))
        return hl_wrap(err, "running the secret's command");
    if (status != 0) {
        hl_fail(err, HL_E_FAILED, "'%s' exited with %d", process.argv[0], status);
        return hl_error_hint(err, "run it by hand to see why: its messages are not shown here, since they might hold the secret");
    }
    return hl_source_take(source, hl_text_get(&out), trimmed(hl_text_get(&out), out.length), what, value, err);
}
