/* All options of all commands in one table: parsing, `--help`, the manual page and the completions read it. */
#ifndef HL_RECONCILE_CLI_OPTIONS_H
#define HL_RECONCILE_CLI_OPTIONS_H

#include "schema/base/error.h"

/* Which commands take an option: a command names its groups. */
enum {
    HL_GROUP_GENERAL = 1 << 0, /* every command */
    HL_GROUP_SPEC = 1 << 1,    /* reads the spec */
    HL_GROUP_STATE = 1 << 2,   /* uses the state */
    HL_GROUP_LOCK = 1 << 3,    /* takes the lock */
    HL_GROUP_FORMAT = 1 << 4,  /* human or json */
    HL_GROUP_SELECT = 1 << 5,  /* works on part of the stack */
    HL_GROUP_RUN = 1 << 6,     /* talks to the systems */
    HL_GROUP_DECIDE = 1 << 7,  /* shapes a plan */
    HL_GROUP_PLAN = 1 << 8,
    HL_GROUP_CONFIRM = 1 << 10, /* asks */
    HL_GROUP_SECRET = 1 << 11,
    HL_GROUP_ADOPT = 1 << 12,
    HL_GROUP_HELP = 1 << 13,
    HL_GROUP_REKEY = 1 << 14,
    HL_GROUP_FORCE = 1 << 15, /* may lose data */
    HL_GROUP_ONLY_APPLY = 1 << 16,
    HL_GROUP_HISTORY = 1 << 17,
    HL_GROUP_FILE = 1 << 9,      /* names a spec, without reading it */
    HL_GROUP_MARKDOWN = 1 << 18, /* no option: --format may be markdown */
    HL_GROUP_LIMIT = 1 << 19,    /* may be limited in time */
    HL_GROUP_ANNOUNCE = 1 << 20, /* tells others how it went */
    HL_GROUP_SUSPEND = 1 << 21,
    HL_GROUP_PAGE = 1 << 22, /* makes a page of it */
};

enum hl_option_id {
    HL_OPT_FILE,
    HL_OPT_VAR,
    HL_OPT_VAR_FILE,
    HL_OPT_GIT,
    HL_OPT_REF,
    HL_OPT_PATH,
    HL_OPT_VERIFY_SIGNATURES,
    HL_OPT_ALLOW_REWIND,
    HL_OPT_STATE,
    HL_OPT_LOCK_TIMEOUT,
    HL_OPT_TARGET,
    HL_OPT_EXCLUDE,
    HL_OPT_REPLACE,
    HL_OPT_DRIFT_ONLY,
    HL_OPT_ADOPT,
    HL_OPT_ALLOW_DESTROY,
    HL_OPT_MAX_DESTROY,
    HL_OPT_PARALLEL,
    HL_OPT_OUT,
    HL_OPT_NO_REFRESH,
    HL_OPT_REFRESH_ONLY,
    HL_OPT_DESTROY,
    HL_OPT_DETAILED_EXITCODE,
    HL_OPT_PREVIEW,
    HL_OPT_BASE,
    HL_OPT_COMMENT,
    HL_OPT_COMMENT_ID,
    HL_OPT_MAX_SIZE,
    HL_OPT_YES,
    HL_OPT_WAIT,
    HL_OPT_REVEAL,
    HL_OPT_WRITE,
    HL_OPT_KEY_FILE,
    HL_OPT_LIMIT,
    HL_OPT_TIMEOUT,
    HL_OPT_METRICS,
    HL_OPT_NOTIFY,
    HL_OPT_PING,
    HL_OPT_FOR,
    HL_OPT_UNTIL,
    HL_OPT_HTML,
    HL_OPT_MAN,
    HL_OPT_FORMAT,
    HL_OPT_COLOR,
    HL_OPT_QUIET,
    HL_OPT_VERBOSE,
    HL_OPT_LOG,
    HL_OPT_HELP,
    HL_OPT_VERSION,
    HL_OPTIONS
};

enum hl_option_type {
    HL_ARG_NONE,
    HL_ARG_TEXT, /* given twice, the last one holds */
    HL_ARG_LIST, /* may be given several times */
    HL_ARG_INT,
    HL_ARG_DURATION,
    HL_ARG_LIMIT, /* a number or a share: "5", "20%" */
    HL_ARG_CHOICE,
};

struct hl_option {
    const char *name;
    char letter; /* 0: none */
    enum hl_option_type type;
    const char *argument;       /* "FILE"; NULL for HL_ARG_NONE */
    const char *const *choices; /* NULL-terminated */
    int64_t minimum, maximum;   /* HL_ARG_INT */
    unsigned groups;
    const char *doc;
};
extern const struct hl_option hl_option_table[HL_OPTIONS];

struct hl_options {
    struct hl_arena *arena;
    const char **values[HL_OPTIONS]; /* NULL-terminated; "" for an option without argument; NULL when not given */
    const char **arguments;          /* what is no option, NULL-terminated */
    int count;
};

/* Parses all; values are checked. HL_E_SPEC with a hint for what it does not know. Options stand anywhere up to `--`. */
bool hl_options_parse(struct hl_arena *arena, int count, char **arguments, struct hl_options *out, struct hl_error **err) HL_MUST_CHECK;
/* Whether all that was given belongs to these groups; `command` is for the message. */
bool hl_options_allowed(const struct hl_options *options, unsigned groups, const char *command, struct hl_error **err) HL_MUST_CHECK;

bool hl_option_given(const struct hl_options *options, enum hl_option_id id);
const char *hl_option_text(const struct hl_options *options, enum hl_option_id id);              /* the last one, or NULL */
const char *const *hl_option_list(const struct hl_options *options, enum hl_option_id id);       /* NULL when not given */
int64_t hl_option_int(const struct hl_options *options, enum hl_option_id id, int64_t fallback); /* also durations, in milliseconds */
/* --max-destroy: a number and a share, of which one is set (-1 otherwise). */
void hl_option_limit(const struct hl_options *options, enum hl_option_id id, int64_t *number, double *share);

#endif
