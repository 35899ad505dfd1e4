#include "config.h"

#include "reconcile/cli/help.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"

#include <string.h>

bool hl_command_is_family(const char *word)
{
    const size_t length = strlen(word);

    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        if (strncmp((*command)->name, word, length) == 0 && (*command)->name[length] == ' ')
            return true;
    }
    return false;
}

static const char *option_head(struct hl_arena *arena, const struct hl_option *option)
{
    const char *letter = option->letter != 0 ? hl_arena_printf(arena, "-%c, ", option->letter) : "    ";

    return option->argument != NULL ? hl_arena_printf(arena, "%s--%s %s", letter, option->name, option->argument)
                                    : hl_arena_printf(arena, "%s--%s", letter, option->name);
}

static void put_options(struct hl_text *out, unsigned groups)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_table table;

    hl_table_init(&table, arena, 2);
    for (int id = 0; id < HL_OPTIONS; id++) {
        const struct hl_option *option = &hl_option_table[id];

        if ((option->groups & groups) != 0)
            hl_table_add(&table, (const char *const[]){option_head(arena, option), option->doc});
    }
    hl_table_render(out, &table, false, false, 2);
}

static void put_commands(struct hl_text *out, const char *family)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const size_t length = family == NULL ? 0 : strlen(family);
    struct hl_table table;

    hl_table_init(&table, arena, 2);
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        if (family == NULL || (strncmp((*command)->name, family, length) == 0 && (*command)->name[length] == ' '))
            hl_table_add(&table, (const char *const[]){(*command)->name, (*command)->summary});
    }
    hl_table_render(out, &table, false, false, 2);
}

static void put_exits(struct hl_text *out)
{
    for (int code = 0; code < HL_EXITS; code++)
        hl_text_printf(out, "  %2d  %s\n", code, hl_exit_meaning((enum hl_exit)code));
}

static void put_overview(struct hl_text *out)
{
    hl_text_puts(out, "hlrec makes a homelab what one YAML file says: containers, routers, secrets, mesh.\n\n"
                      "Usage: hlrec COMMAND [options]\n\nCommands:\n");
    put_commands(out, NULL);
    hl_text_puts(out, "\nOptions of all commands:\n");
    put_options(out, HL_GROUP_GENERAL);
    hl_text_puts(out, "\nExit codes:\n");
    put_exits(out);
    hl_text_puts(out, "\nMore: `hlrec help COMMAND`, `hlrec explain KIND`. First steps: `hlrec init`, `hlrec plan`, `hlrec apply`.\n");
}

static void put_command(struct hl_text *out, const struct hl_command *command)
{
    hl_text_printf(out, "hlrec %s: %s\n\nUsage: hlrec %s %s\n\n%s\n", command->name, command->summary, command->name, command->usage, command->help);
    if (command->groups != 0) {
        hl_text_puts(out, "\nOptions:\n");
        put_options(out, command->groups);
    }
    hl_text_puts(out, "\nOptions of all commands:\n");
    put_options(out, HL_GROUP_GENERAL);
}

bool hl_help_topic(struct hl_text *out, const char *topic)
{
    if (topic == NULL) {
        put_overview(out);
        return true;
    }
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        if (strcmp((*command)->name, topic) == 0) {
            put_command(out, *command);
            return true;
        }
    }
    if (!hl_command_is_family(topic))
        return false;
    hl_text_printf(out, "Usage: hlrec %s COMMAND\n\n", topic);
    put_commands(out, topic);
    return true;
}

/* ---- the manual page ---- */

/* Roff takes a dot at the start of a line, backslashes and dashes for its own; backquoted words become bold. */
static void put_roff(struct hl_text *out, const char *text)
{
    bool bold = false;
    bool start = true;

    for (; *text != '\0'; text++) {
        if (*text == '`') {
            bold = !bold;
            hl_text_puts(out, bold ? "\\fB" : "\\fR");
        } else if (*text == '\\') {
            hl_text_puts(out, "\\e");
        } else if (*text == '-') {
            hl_text_puts(out, "\\-");
        } else {
            if (start && (*text == '.' || *text == '\''))
                hl_text_puts(out, "\\&");
            hl_text_putc(out, *text);
        }
        start = *text == '\n';
    }
}

static void put_roff_option(struct hl_text *out, const struct hl_option *option)
{
    hl_text_puts(out, ".TP\n");
    if (option->letter != 0)
        hl_text_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    hl_text_puts(out, "\\fB\\-\\-");
    put_roff(out, option->name);
    hl_text_puts(out, "\\fR");
    if (option->argument != NULL)
        hl_text_printf(out, " \\fI%s\\fR", option->argument);
    hl_text_putc(out, '\n');
    put_roff(out, option->doc);
    hl_text_putc(out, '\n');
}

/* Blank lines part paragraphs; indented lines are examples. */
static void put_roff_help(struct hl_text *out, const char *text)
{
    bool example = false;

    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        const bool indented = hl_starts_with(text, "  ");
        hl_auto(text) struct hl_text line = HL_TEXT_INIT(65536);

        hl_text_append(&line, text, length);
        if (indented != example && length > 0) {
            hl_text_puts(out, indented ? ".nf\n" : ".fi\n");
            example = indented;
        }
        if (length == 0)
            hl_text_puts(out, ".PP\n");
        else
            put_roff(out, hl_text_get(&line));
        hl_text_puts(out, length == 0 ? "" : "\n");
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    hl_text_puts(out, example ? ".fi\n" : "");
}

static void put_roff_command(struct hl_text *out, const struct hl_command *command)
{
    hl_text_puts(out, ".SS hlrec ");
    put_roff(out, command->name);
    hl_text_putc(out, ' ');
    put_roff(out, command->usage);
    hl_text_puts(out, "\n");
    put_roff_help(out, command->help);
    for (int id = 0; id < HL_OPTIONS; id++) {
        if ((hl_option_table[id].groups & command->groups) != 0)
            put_roff_option(out, &hl_option_table[id]);
    }
}

void hl_help_manual(struct hl_text *out)
{
    hl_text_printf(out, ".\\\" Generated by `hlrec help --man` from the tables of commands and options.\n.TH HLREC 1 \"\" \"hlrec %s\" \"User Commands\"\n",
                   PACKAGE_VERSION);
    hl_text_puts(
        out, ".SH NAME\nhlrec \\- reconciles a homelab with one YAML file\n.SH SYNOPSIS\n\\fBhlrec\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.SH DESCRIPTION\n");
    put_roff(
        out,
        "`hlrec` makes containers, routers, secrets and a mesh what one YAML file says, in the order in which they need each other, and keeps what it did in\n"
        "a SQLite file. `hlrec plan` shows what differs, `hlrec apply` makes it so. Results go to stdout, progress and findings to stderr.\n");
    hl_text_puts(out, ".SH OPTIONS\nThese belong to all commands.\n");
    for (int id = 0; id < HL_OPTIONS; id++) {
        if ((hl_option_table[id].groups & HL_GROUP_GENERAL) != 0)
            put_roff_option(out, &hl_option_table[id]);
    }
    hl_text_puts(out, ".SH COMMANDS\n");
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++)
        put_roff_command(out, *command);
    hl_text_puts(out, ".SH EXIT STATUS\n");
    for (int code = 0; code < HL_EXITS; code++) {
        hl_text_printf(out, ".TP\n\\fB%d\\fR\n", code);
        put_roff(out, hl_exit_meaning((enum hl_exit)code));
        hl_text_putc(out, '\n');
    }
    hl_text_puts(out, ".SH ENVIRONMENT\n");
    static const char *const variables[][2] = {
        {"HLREC_STATE", "the state, where --state does not say"},
        {"HLREC_KEY", "the key that seals secrets in the state"},
        {"HLREC_KEY_FILE", "a file with that key"},
        {"HLREC_NOTIFY_TOKEN", "a token for --notify; HLREC_NOTIFY_TOKEN_FILE names a file with it"},
        {"NO_COLOR", "no colour, where --color does not say"},
    };
    for (size_t i = 0; i < HL_COUNT(variables); i++) {
        hl_text_printf(out, ".TP\n\\fB%s\\fR\n", variables[i][0]);
        put_roff(out, variables[i][1]);
        hl_text_putc(out, '\n');
    }
}

/* ---- the command ---- */

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *err = NULL;
    const char *topic = NULL;

    if (hl_option_given(&context->options, HL_OPT_MAN)) {
        hl_help_manual(&out);
        hl_sink_text(&context->out, &out);
        return HL_EXIT_OK;
    }
    if (context->arguments_count > 1)
        topic = hl_arena_printf(context->arena, "%s %s", context->arguments[0], context->arguments[1]);
    else if (context->arguments_count == 1)
        topic = context->arguments[0];
    if (!hl_help_topic(&out, topic)) {
        hl_fail(&err, HL_E_SPEC, "there is no command '%s'", topic);
        hl_error_hint(&err, "`hlrec help` lists all; about a kind of resource: `hlrec explain %s`", topic);
        return hl_context_fail(context, err);
    }
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_help = {
    .name = "help",
    .summary = "about a command",
    .usage = "[COMMAND]",
    .groups = HL_GROUP_HELP,
    .max_arguments = 2,
    .run = run,
    .help = "Without a command it lists all of them, the options that they share, and the exit codes.",
};
