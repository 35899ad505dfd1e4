#include "config.h"

#include "reconcile/cli/options.h"

#include "reconcile/cli/habits.h"
#include "reconcile/forge/forge.h"
#include "reconcile/render/markdown.h"
#include "schema/base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"human", "json", "markdown", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};

const struct hl_option hl_option_table[HL_OPTIONS] = {
    [HL_OPT_FILE] = {.name = "file",
                     .letter = 'f',
                     .type = HL_ARG_TEXT,
                     .argument = "FILE",
                     .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_FILE,
                     .doc = "the spec; `-` is stdin (default: hlrec.yaml)"},
    [HL_OPT_VAR] = {.name = "var", .type = HL_ARG_LIST, .argument = "NAME=VALUE", .groups = HL_GROUP_SPEC, .doc = "a variable's value; may be repeated"},
    [HL_OPT_VAR_FILE] =
        {.name = "var-file", .type = HL_ARG_LIST, .argument = "FILE", .groups = HL_GROUP_SPEC, .doc = "YAML file of variables; may be repeated"},
    [HL_OPT_GIT] = {.name = "git",
                    .type = HL_ARG_TEXT,
                    .argument = "URL",
                    .groups = HL_GROUP_SPEC,
                    .doc = "the repository that the spec is read from: https, ssh or file"},
    [HL_OPT_REF] = {.name = "ref",
                    .type = HL_ARG_TEXT,
                    .argument = "REF",
                    .groups = HL_GROUP_SPEC,
                    .doc = "branch, tag, commit, `pull/7` or refs/... (default: what the repository's HEAD is)"},
    [HL_OPT_PATH] =
        {.name = "path", .type = HL_ARG_TEXT, .argument = "FILE", .groups = HL_GROUP_SPEC, .doc = "the spec within the repository (default: hlrec.yaml)"},
    [HL_OPT_VERIFY_SIGNATURES] = {.name = "verify-signatures",
                                  .type = HL_ARG_TEXT,
                                  .argument = "FILE",
                                  .groups = HL_GROUP_SPEC,
                                  .doc = "use only commits signed by a key in FILE (as ssh-keygen's ALLOWED SIGNERS) that follow the last applied one"},
    [HL_OPT_ALLOW_REWIND] = {.name = "allow-rewind", .groups = HL_GROUP_SPEC, .doc = "with --verify-signatures: also a commit that does not follow it"},
    [HL_OPT_STATE] = {.name = "state",
                      .type = HL_ARG_TEXT,
                      .argument = "FILE",
                      .groups = HL_GROUP_STATE,
                      .doc = "the state (default: $HLREC_STATE, else .hlrec/STACK.db beside the spec)"},
    [HL_OPT_LOCK_TIMEOUT] = {.name = "lock-timeout",
                             .type = HL_ARG_DURATION,
                             .argument = "DURATION",
                             .groups = HL_GROUP_LOCK,
                             .doc = "how long to wait for another run (default: 0s)"},
    [HL_OPT_TARGET] = {.name = "target",
                       .type = HL_ARG_LIST,
                       .argument = "ADDRESS",
                       .groups = HL_GROUP_SELECT,
                       .doc = "only this resource (or `kind.*`) and what it needs; may be repeated"},
    [HL_OPT_EXCLUDE] = {.name = "exclude",
                        .type = HL_ARG_LIST,
                        .argument = "ADDRESS",
                        .groups = HL_GROUP_SELECT,
                        .doc = "not this resource, nor what depends on it; may be repeated"},
    [HL_OPT_REPLACE] =
        {.name = "replace", .type = HL_ARG_LIST, .argument = "ADDRESS", .groups = HL_GROUP_DECIDE, .doc = "make this resource anew; may be repeated"},
    [HL_OPT_DRIFT_ONLY] = {.name = "drift-only",
                           .groups = HL_GROUP_DECIDE,
                           .doc = "only undo what was changed outside hlrec; no change of the spec is applied"},
    [HL_OPT_ADOPT] = {.name = "adopt", .groups = HL_GROUP_DECIDE, .doc = "take over live objects that have the wanted names and no owner"},
    [HL_OPT_ALLOW_DESTROY] = {.name = "allow-destroy", .groups = HL_GROUP_FORCE, .doc = "what holds data may be deleted"},
    [HL_OPT_MAX_DESTROY] =
        {.name = "max-destroy", .type = HL_ARG_LIMIT, .argument = "N", .groups = HL_GROUP_DECIDE, .doc = "refuse to delete more than N resources (or `20%`)"},
    [HL_OPT_PARALLEL] = {.name = "parallel",
                         .type = HL_ARG_INT,
                         .argument = "N",
                         .minimum = 1,
                         .maximum = 256,
                         .groups = HL_GROUP_RUN,
                         .doc = "actions at once (default: the spec's settings, else 10)"},
    [HL_OPT_OUT] = {.name = "out",
                    .letter = 'o',
                    .type = HL_ARG_TEXT,
                    .argument = "FILE",
                    .groups = HL_GROUP_PLAN,
                    .doc = "save the plan for `hlrec apply FILE`; it holds no secret"},
    [HL_OPT_NO_REFRESH] = {.name = "no-refresh", .groups = HL_GROUP_PLAN | HL_GROUP_PAGE, .doc = "ask no system; what was recorded is taken for what is live"},
    [HL_OPT_REFRESH_ONLY] = {.name = "refresh-only", .groups = HL_GROUP_PLAN | HL_GROUP_ONLY_APPLY, .doc = "take what is live into the state, change nothing"},
    [HL_OPT_DESTROY] = {.name = "destroy", .groups = HL_GROUP_PLAN, .doc = "plan what `hlrec destroy` would do"},
    [HL_OPT_DETAILED_EXITCODE] = {.name = "detailed-exitcode", .groups = HL_GROUP_PLAN, .doc = "exit with 2 when something differs"},
    [HL_OPT_PREVIEW] = {.name = "preview",
                        .groups = HL_GROUP_PLAN,
                        .doc = "the spec is not to be trusted (a pull request): read-only, secrets opaque, providers and credentials from --base"},
    [HL_OPT_BASE] =
        {.name = "base", .type = HL_ARG_TEXT, .argument = "REF", .groups = HL_GROUP_PLAN, .doc = "with --preview: what the spec is to be merged into"},
    [HL_OPT_COMMENT] = {.name = "comment",
                        .type = HL_ARG_CHOICE,
                        .argument = "FORGE",
                        .choices = hl_forge_names,
                        .groups = HL_GROUP_PLAN,
                        .doc = "write the plan as a comment on the pull request and set its status: github, gitea, forgejo or gitlab"},
    [HL_OPT_COMMENT_ID] = {.name = "comment-id",
                           .type = HL_ARG_TEXT,
                           .argument = "NAME",
                           .groups = HL_GROUP_PLAN,
                           .doc =
                               "with --comment: tells this plan's comment and status from those of others of the same stack (with --git, --path does so too)"},
    [HL_OPT_MAX_SIZE] = {.name = "max-size",
                         .type = HL_ARG_INT,
                         .argument = "BYTES",
                         .minimum = HL_MARKDOWN_LEAST,
                         .maximum = 1000000,
                         .groups = HL_GROUP_PLAN,
                         .doc = "of --format markdown and --comment (default: 60000)"},
    [HL_OPT_YES] = {.name = "yes", .letter = 'y', .groups = HL_GROUP_CONFIRM, .doc = "do not ask"},
    [HL_OPT_WAIT] = {.name = "wait",
                     .type = HL_ARG_DURATION,
                     .argument = "DURATION",
                     .groups = HL_GROUP_ONLY_APPLY,
                     .doc = "how long to wait for what deferred steps wait for (default: 0s)"},
    [HL_OPT_REVEAL] = {.name = "reveal", .groups = HL_GROUP_SECRET, .doc = "print the value itself"},
    [HL_OPT_WRITE] = {.name = "write", .groups = HL_GROUP_ADOPT, .doc = "write a spec for what was found"},
    [HL_OPT_KEY_FILE] = {.name = "key-file",
                         .type = HL_ARG_TEXT,
                         .argument = "FILE",
                         .groups = HL_GROUP_REKEY,
                         .doc = "where the new key goes (must not exist; default: replaces the key beside the state)"},
    [HL_OPT_LIMIT] = {.name = "limit",
                      .type = HL_ARG_INT,
                      .argument = "N",
                      .minimum = 1,
                      .maximum = 1000000,
                      .groups = HL_GROUP_HISTORY,
                      .doc = "how many runs (default: 20; `report`: 50)"},
    [HL_OPT_TIMEOUT] = {.name = "timeout",
                        .type = HL_ARG_DURATION,
                        .argument = "DURATION",
                        .groups = HL_GROUP_LIMIT,
                        .doc = "end the run after this time, as Ctrl-C would: what is in flight has 30 s to finish"},
    [HL_OPT_METRICS] = {.name = "metrics",
                        .type = HL_ARG_TEXT,
                        .argument = "FILE",
                        .groups = HL_GROUP_ANNOUNCE,
                        .doc = "write how it went for Prometheus' textfile collector"},
    [HL_OPT_NOTIFY] = {.name = "notify",
                       .type = HL_ARG_LIST,
                       .argument = "URL",
                       .groups = HL_GROUP_ANNOUNCE,
                       .doc =
                           "tell of a change, drift or failure: https://, ntfy+https://, gotify+https://, discord+https://, slack+https://; may be repeated"},
    [HL_OPT_PING] = {.name = "ping",
                     .type = HL_ARG_TEXT,
                     .argument = "URL",
                     .groups = HL_GROUP_ANNOUNCE,
                     .doc = "tell a monitor in the manner of healthchecks.io: URL/start, then URL or URL/fail"},
    [HL_OPT_FOR] = {.name = "for", .type = HL_ARG_DURATION, .argument = "DURATION", .groups = HL_GROUP_SUSPEND, .doc = "how long: 2h, 3d"},
    [HL_OPT_UNTIL] = {.name = "until",
                      .type = HL_ARG_TEXT,
                      .argument = "TIME",
                      .groups = HL_GROUP_SUSPEND,
                      .doc = "until when, in local time: `18:00`, `2026-12-24`, `2026-12-24 18:00`; or with a zone: `2026-12-24T18:00:00Z`"},
    [HL_OPT_HTML] = {.name = "html", .type = HL_ARG_TEXT, .argument = "FILE", .groups = HL_GROUP_PAGE, .doc = "where the page goes; `-` is stdout"},
    [HL_OPT_MAN] = {.name = "man", .groups = HL_GROUP_HELP, .doc = "print the manual page's source"},
    [HL_OPT_FORMAT] = {.name = "format",
                       .type = HL_ARG_CHOICE,
                       .argument = "FORMAT",
                       .choices = formats,
                       .groups = HL_GROUP_FORMAT,
                       .doc = "human, json, or (plan, schema) markdown"},
    [HL_OPT_COLOR] = {.name = "color",
                      .type = HL_ARG_CHOICE,
                      .argument = "WHEN",
                      .choices = colors,
                      .groups = HL_GROUP_GENERAL,
                      .doc = "auto, always or never; NO_COLOR turns `auto` off"},
    [HL_OPT_QUIET] = {.name = "quiet", .letter = 'q', .groups = HL_GROUP_GENERAL, .doc = "only errors, and what was changed"},
    [HL_OPT_VERBOSE] = {.name = "verbose", .letter = 'v', .groups = HL_GROUP_GENERAL, .doc = "more: fields of new objects, whole diffs, requests"},
    [HL_OPT_LOG] = {.name = "log", .type = HL_ARG_TEXT, .argument = "FILE", .groups = HL_GROUP_GENERAL, .doc = "append JSON lines about the run"},
    [HL_OPT_HELP] = {.name = "help", .letter = 'h', .groups = HL_GROUP_GENERAL, .doc = "about this command"},
    [HL_OPT_VERSION] = {.name = "version", .groups = HL_GROUP_GENERAL, .doc = "the version"},
};

/* ---- parsing ---- */

struct parser {
    struct hl_arena *arena;
    struct hl_options *out;
    int count, next;
    char **arguments;
};

static void add_value(struct hl_arena *arena, struct hl_options *options, enum hl_option_id id, const char *value)
{
    size_t count = 0;

    for (; options->values[id] != NULL && options->values[id][count] != NULL; count++)
        continue;

    const char **larger = hl_arena_alloc(arena, (count + 2) * sizeof(*larger));

    if (count > 0)
        memcpy(larger, options->values[id], count * sizeof(*larger));
    larger[count] = value;
    options->values[id] = larger;
}

static bool fail_unknown(const char *given, const char *name, struct hl_error **err)
{
    const char *habit = hl_habit_option(name);
    const char *best = NULL;
    size_t best_distance = hl_edit_tolerance(name) + 1;

    for (int id = 0; id < HL_OPTIONS; id++) {
        const size_t distance = hl_edit_distance(name, hl_option_table[id].name, best_distance);

        if (distance < best_distance || (best == NULL && strlen(name) > 1 && hl_starts_with(hl_option_table[id].name, name))) {
            best_distance = distance < best_distance ? distance : best_distance;
            best = hl_option_table[id].name;
        }
    }
    hl_fail(err, HL_E_SPEC, "unknown option '%s'", given);
    if (habit != NULL)
        return hl_error_hint(err, "%s", habit);
    return best != NULL ? hl_error_hint(err, "did you mean '--%s'?", best) : hl_error_hint(err, "`hlrec help COMMAND` lists the options of a command");
}

static bool parse_limit(const char *text, int64_t *number, double *share)
{
    const size_t length = strlen(text);

    *number = -1;
    *share = -1;
    if (length > 1 && text[length - 1] == '%') {
        char digits[8] = "";
        int64_t percent;

        if (length > sizeof(digits))
            return false;
        memcpy(digits, text, length - 1);
        if (!hl_parse_int(digits, 0, 100, &percent))
            return false;
        *share = (double)percent / 100.0;
        return true;
    }
    return hl_parse_int(text, 0, INT32_MAX, number);
}

static bool is_choice(const char *const *choices, const char *value)
{
    for (; *choices != NULL; choices++) {
        if (strcmp(*choices, value) == 0)
            return true;
    }
    return false;
}

static bool check_value(const struct hl_option *option, const char *value, struct hl_error **err)
{
    int64_t number;
    double share;

    switch (option->type) {
    case HL_ARG_INT:
        if (!hl_parse_int(value, option->minimum, option->maximum, &number))
            return hl_fail(err, HL_E_SPEC, "--%s wants a number from %lld to %lld, not '%s'", option->name, (long long)option->minimum,
                           (long long)option->maximum, value);
        break;
    case HL_ARG_DURATION:
        if (!hl_parse_duration(value, &number))
            return hl_fail(err, HL_E_SPEC, "--%s wants a duration such as 90s, 5m or 12h, not '%s'", option->name, value);
        break;
    case HL_ARG_LIMIT:
        if (!parse_limit(value, &number, &share))
            return hl_fail(err, HL_E_SPEC, "--%s wants a number or a share such as 20%%, not '%s'", option->name, value);
        break;
    case HL_ARG_CHOICE:
        if (!is_choice(option->choices, value))
            return hl_fail(err, HL_E_SPEC, "--%s cannot be '%s', but %s", option->name, value, option->doc);
        break;
    case HL_ARG_TEXT:
    case HL_ARG_LIST:
        if (value[0] == '\0')
            return hl_fail(err, HL_E_SPEC, "--%s must not be empty", option->name);
        break;
    case HL_ARG_NONE:
        break;
    }
    return true;
}

/* `value` is what follows within the same argument, or NULL. */
static bool take(struct parser *parser, enum hl_option_id id, const char *value, struct hl_error **err)
{
    const struct hl_option *option = &hl_option_table[id];

    if (option->type == HL_ARG_NONE) {
        if (value != NULL)
            return hl_fail(err, HL_E_SPEC, "--%s takes no value", option->name);
        add_value(parser->arena, parser->out, id, "");
        return true;
    }
    if (value == NULL) {
        if (parser->next == parser->count)
            return hl_fail(err, HL_E_SPEC, "--%s needs %s", option->name, option->argument);
        value = parser->arguments[parser->next++];
    }
    if (!check_value(option, value, err))
        return false;
    /* compose merges several; taken for the last one, all that stands in the others would be deleted. */
    if (id == HL_OPT_FILE && parser->out->values[id] != NULL) {
        hl_fail(err, HL_E_SPEC, "--file is given twice: a spec is one file");
        return hl_error_hint(err, "YAML anchors repeat what is common, `variables` and --var-file hold what differs");
    }
    add_value(parser->arena, parser->out, id, value);
    return true;
}

/* HL_OPTIONS when there is none of that name. */
static int find_option(const char *name)
{
    int id = 0;

    while (id < HL_OPTIONS && strcmp(hl_option_table[id].name, name) != 0)
        id++;
    return id;
}

static int find_letter(char letter)
{
    int id = 0;

    while (id < HL_OPTIONS && hl_option_table[id].letter != letter)
        id++;
    return id;
}

static bool parse_long(struct parser *parser, const char *argument, struct hl_error **err)
{
    const char *equals = strchr(argument, '=');
    const char *name = hl_arena_copy(parser->arena, argument + 2, equals == NULL ? strlen(argument + 2) : (size_t)(equals - argument) - 2);
    const int id = find_option(name);

    if (id < HL_OPTIONS)
        return take(parser, (enum hl_option_id)id, equals == NULL ? NULL : equals + 1, err);
    /* Without the value: it may be a secret in the wrong place. */
    return fail_unknown(hl_arena_printf(parser->arena, "--%s", name), name, err);
}

/* A long name behind one dash, as Terraform has it. Read as letters, `-out=web.plan` would save the plan to a file 'ut=web.plan'. What does not look like a
 * name is none: `-pPASSWORD` is not to be repeated in a message. */
static bool is_long_name(const char *word)
{
    const size_t length = strlen(word);

    return length > 1 && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == length && (find_letter(word[0]) == HL_OPTIONS || find_option(word) < HL_OPTIONS);
}

static bool parse_letters(struct parser *parser, const char *letters, struct hl_error **err)
{
    const char *word = hl_arena_copy(parser->arena, letters, strcspn(letters, "="));

    if (is_long_name(word))
        return fail_unknown(hl_arena_printf(parser->arena, "-%s", word), word, err);
    for (; *letters != '\0'; letters++) {
        const int id = find_letter(*letters);

        if (id == HL_OPTIONS)
            return fail_unknown(hl_arena_printf(parser->arena, "-%c", *letters), hl_arena_copy(parser->arena, letters, 1), err);
        if (hl_option_table[id].type != HL_ARG_NONE)
            return take(parser, (enum hl_option_id)id, letters[1] != '\0' ? letters + 1 : NULL, err);
        if (!take(parser, (enum hl_option_id)id, NULL, err))
            return false;
    }
    return true;
}

bool hl_options_parse(struct hl_arena *arena, int count, char **arguments, struct hl_options *out, struct hl_error **err)
{
    struct parser parser = {.arena = arena, .out = out, .count = count, .arguments = arguments};
    bool only_arguments = false;

    *out = (struct hl_options){.arena = arena};
    out->arguments = hl_arena_alloc(arena, ((size_t)count + 1) * sizeof(*out->arguments));
    while (parser.next < count) {
        const char *argument = arguments[parser.next++];

        if (only_arguments || argument[0] != '-' || argument[1] == '\0')
            out->arguments[out->count++] = argument;
        else if (strcmp(argument, "--") == 0)
            only_arguments = true;
        else if (!(argument[1] == '-' ? parse_long(&parser, argument, err) : parse_letters(&parser, argument + 1, err)))
            return false;
    }
    return true;
}

bool hl_options_allowed(const struct hl_options *options, unsigned groups, const char *command, struct hl_error **err)
{
    for (int id = 0; id < HL_OPTIONS; id++) {
        const struct hl_option *option = &hl_option_table[id];

        if (options->values[id] == NULL || (option->groups & (groups | HL_GROUP_GENERAL)) != 0)
            continue;
        hl_fail(err, HL_E_SPEC, "`hlrec %s` has no option '--%s'", command, option->name);
        return hl_error_hint(err, "`hlrec help %s` lists what it takes", command);
    }
    return true;
}

/* ---- reading ---- */

bool hl_option_given(const struct hl_options *options, enum hl_option_id id)
{
    return options->values[id] != NULL;
}

const char *hl_option_text(const struct hl_options *options, enum hl_option_id id)
{
    const char *last = NULL;

    for (const char **value = options->values[id]; value != NULL && *value != NULL; value++)
        last = *value;
    return last;
}

const char *const *hl_option_list(const struct hl_options *options, enum hl_option_id id)
{
    return (const char *const *)options->values[id];
}

int64_t hl_option_int(const struct hl_options *options, enum hl_option_id id, int64_t fallback)
{
    const struct hl_option *option = &hl_option_table[id];
    const char *text = hl_option_text(options, id);
    int64_t number = fallback;

    if (text == NULL)
        return fallback;
    /* Checked when it was parsed. */
    if (option->type == HL_ARG_DURATION)
        (void)hl_parse_duration(text, &number);
    else
        (void)hl_parse_int(text, option->minimum, option->maximum, &number);
    return number;
}

void hl_option_limit(const struct hl_options *options, enum hl_option_id id, int64_t *number, double *share)
{
    const char *text = hl_option_text(options, id);

    *number = -1;
    *share = -1;
    if (text != NULL)
        (void)parse_limit(text, number, share);
}
