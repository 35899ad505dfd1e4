/* One command a file: a row with its words and options, a function, and a line in the list of commands.c.
 *
 * hl_cli_main() finds the command, parses the options by the one table of options.c, refuses what the command does not take, runs it and gives its exit code.
 */
#ifndef HL_RECONCILE_CLI_COMMAND_H
#define HL_RECONCILE_CLI_COMMAND_H

#include "reconcile/render/render.h"

/* The contract of exit codes (docs/cli.md). */
enum hl_exit {
    HL_EXIT_OK = 0,
    HL_EXIT_FAILED = 1,
    HL_EXIT_DIFFERS = 2,
    HL_EXIT_SPEC = 3,
    HL_EXIT_LOCKED = 4,
    HL_EXIT_DEFERRED = 5,
    HL_EXIT_PARTLY = 6,
    HL_EXIT_UNREACHABLE = 7,
    HL_EXIT_REFUSED = 8,
    HL_EXIT_INTERRUPTED = 9,
    HL_EXIT_NOT_CONVERGING = 10,
    HL_EXITS
};
enum hl_exit hl_exit_of(const struct hl_error *error);
/* What is to be said of a plan: 3 when it cannot be applied, 7 when it is not complete, 8 when a resource is refused, 10 when one does not converge, else 0. */
enum hl_exit hl_exit_of_plan(const struct hl_plan *plan, const struct hl_read_stats *stats, size_t stats_count);
enum hl_exit hl_exit_of_apply(const struct hl_apply_result *result);
/* One line for the help and the manual page. */
const char *hl_exit_meaning(enum hl_exit code);

struct hl_context; /* parsed options, sinks, redactor, spec: cli/context.h */

struct hl_command {
    const char *name;                 /* "plan", or "state list" */
    const char *summary;              /* one line, for `hlrec help` */
    const char *usage;                /* what follows the name: "[options] [PLANFILE]" */
    unsigned groups;                  /* which option groups it takes besides the general one: cli/options.h */
    int min_arguments, max_arguments; /* -1: any number */
    int (*run)(struct hl_context *context);
    const char *help; /* some paragraphs with an example, for `hlrec help plan` and the manual page */
};

/* NULL-terminated, in the order of the help. */
extern const struct hl_command *const hl_commands[];

/* `arguments` are those behind the program's name. */
int hl_cli_main(int count, char **arguments);

#endif
