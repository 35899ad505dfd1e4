/* One command a file: an option table, a function, a line in the list of main.c. */
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
};
enum hl_exit hl_exit_of(const struct hl_error *error);

struct hl_context; /* parsed options, sinks, redactor, spec: cli/context.h */

struct hl_command {
    const char *name;    /* "plan", or "state list" */
    const char *summary; /* one line, for `hlrec help` */
    const char *usage;   /* "plan [options]" */
    unsigned groups;     /* which shared option groups it takes: cli/options.h */
    int min_arguments, max_arguments; /* -1: any number */
    int (*run)(struct hl_context *context);
    const char *help;    /* some paragraphs with an example, for `hlrec help plan` and the manual page */
};

#endif
