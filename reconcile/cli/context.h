/* What a command works with: its options, where text goes, the spec, the state's place, the engine.
 *
 * The functions that can end a command give an exit code, HL_EXIT_OK to go on; what went wrong has been printed then:
 *
 *     int code = hl_context_load_spec(context);
 *     if (code == HL_EXIT_OK)
 *         code = hl_context_open_engine(context, false, NULL);
 *     if (code != HL_EXIT_OK)
 *         return code;
 *
 * All that is opened is closed by hl_cli_main(), however the command ends. */
#ifndef HL_RECONCILE_CLI_CONTEXT_H
#define HL_RECONCILE_CLI_CONTEXT_H

#include "reconcile/cli/command.h"
#include "reconcile/cli/options.h"
#include "reconcile/transport/git.h"

struct hl_context {
    const struct hl_command *command;
    struct hl_arena *arena;
    struct hl_options options;
    const char *const *arguments; /* behind the command's name, NULL-terminated */
    int arguments_count;
    const char *const *environment;
    struct hl_redactor *redactor;
    struct hl_sink out, err;       /* results; progress and diagnostics */
    struct hl_sink log;            /* stream NULL: none */
    struct hl_look look, err_look; /* of `out` and `err` */
    enum hl_format format;
    bool quiet, verbose;
    int64_t started_ms; /* monotonic */
    const char *file;   /* of the spec, as the user named it */
    const char *base;   /* its folder */
    const char *text;   /* all of it */
    size_t length;
    struct hl_git *git;               /* with --git */
    const char *source;               /* URL and ref, or NULL */
    const char *commit;               /* of the spec, 40 hex digits, or NULL */
    struct hl_preview_facts *preview; /* with --preview */
    const char *signer;               /* who signed it, where that was asked for */
    struct hl_files files;
    struct hl_spec *spec;
    struct hl_diags diags;
    const char *stack, *state_path; /* stack is NULL when only the state's file is known */
    struct hl_engine *engine;
    struct hl_store *store;       /* opened without an engine */
    struct hl_map *records;       /* of `store`: cli/records.h */
    struct hl_progress *progress; /* while an apply shows one */
    struct hl_error *failure;     /* the first that was printed, or NULL */
    struct hl_outcome *outcome;   /* what there is to report: cli/announce.h */
};

/* Whether systemd's journal reads the stream. */
bool hl_is_journal(FILE *stream);

bool hl_context_init(struct hl_context *context, const struct hl_command *command, struct hl_error **err) HL_MUST_CHECK;
void hl_context_clear(struct hl_context *context);

/* Prints the error (also as JSON where results are JSON), keeps it when it is the first, and gives its exit code. */
int hl_context_fail(struct hl_context *context, struct hl_error *error);
/* The same for an error that is a part of the results, and stands in their JSON. */
int hl_context_fail_told(struct hl_context *context, struct hl_error *error);
/* Takes this text for the spec instead of a file's. */
void hl_context_use_text(struct hl_context *context, const char *name, const char *text);
/* Reads the spec; findings go to stderr. */
int hl_context_load_spec(struct hl_context *context);
/* Prints findings that came later than the spec's own. */
void hl_context_diags(struct hl_context *context, struct hl_diags *diags);
/* Prints what reading a spec has found: also as the JSON document of a spec that cannot be used. Whether it can. */
bool hl_context_show_findings(struct hl_context *context, struct hl_diags *diags);
/* Where the state is, from --state, HLREC_STATE or the spec's `stack`; for commands that work on the state even while the spec has mistakes. */
int hl_context_find_state(struct hl_context *context);
/* From --state, HLREC_STATE or the stack's name; sets context->state_path. */
void hl_context_set_state_path(struct hl_context *context);
/* The folder that the state is in, before the stack is known; relative to where the user stands. */
const char *hl_context_state_folder(const struct hl_context *context);
/* The commit that was applied last, by the state that is given, else by that of the spec's stack once its text is known; *id is NULL when there is none. */
bool hl_context_applied_commit(struct hl_context *context, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* Opens the state alone; `lock` takes the lock for a command that writes. */
int hl_context_open_store(struct hl_context *context, bool lock);
/* Opens the engine with the loaded spec (none when it is NULL). */
int hl_context_open_engine(struct hl_context *context, bool write, const struct hl_plan_options *plan);
/* What --target, --replace ... ask for. */
void hl_context_plan_options(const struct hl_context *context, struct hl_plan_options *out);
/* Reads the spec, the state and the systems, and plans; for commands that change nothing. The plan is the engine's. */
int hl_context_plan(struct hl_context *context, const struct hl_plan_options *options, struct hl_plan **out);
void hl_context_view(const struct hl_context *context, const struct hl_plan *plan, struct hl_plan_view *out);

/* One value as a JSON document on stdout. */
void hl_context_put_json(struct hl_context *context, const struct hl_value *value);
/* A line for the log: {"time","event","message"}; nothing without --log. */
void hl_context_log(struct hl_context *context, const char *event, const char *message, int64_t code);
int64_t hl_context_elapsed_ms(const struct hl_context *context);
int64_t hl_wall_ms(void);

/* "note: ..." on stderr, unless --quiet; and in the log. */
void hl_context_note(struct hl_context *context, const char *message);
/* "warning: ..." on stderr, --quiet or not: something that was asked for was not done. */
void hl_context_warn(struct hl_context *context, const char *message);
/* The stack's name, also of a spec whose rest is wrong; NULL when no spec was read or it does not say. */
const char *hl_context_stack(struct hl_context *context);

/* events.c: the engine's listener of a command; progress or JSON lines, and the log. */
struct hl_listener hl_context_listener(struct hl_context *context);

/* prompt.c */
enum hl_answer { HL_ANSWER_YES, HL_ANSWER_NO, HL_ANSWER_INTERRUPTED, HL_ANSWER_NOBODY };
/* Asks on stderr, reads a line of stdin; only "yes" is yes. HL_ANSWER_NOBODY when they are no terminal. */
enum hl_answer hl_prompt(struct hl_context *context, const char *question);
/* Asks unless --yes was given; HL_EXIT_OK to go on. */
int hl_prompt_or_refuse(struct hl_context *context, const char *question);

/* signals.c: SIGINT, SIGTERM and SIGHUP count up; the first lets what is in flight finish when `gentle`. */
void hl_signals_install(bool gentle);
/* While there is nothing in flight (a question before the run), one is enough to leave. Gives what it was. */
bool hl_signals_gentle(bool gentle);
const atomic_int *hl_signals_count(void);
/* After `limit_ms` the run gets what one Ctrl-C is, 30 s later what a second one is; 0 takes the limit away. */
void hl_signals_limit(int64_t limit_ms);
bool hl_signals_limit_reached(void);

#endif
