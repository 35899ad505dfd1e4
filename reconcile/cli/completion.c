/* Completions of shells, from the tables. Words only: addresses would need the spec to be read at each press of Tab. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"

#include <string.h>

/* First words of commands, each once. */
static void put_first_words(struct hl_text *out)
{
    hl_auto(text) struct hl_text last = HL_TEXT_INIT(256);

    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        const size_t length = strcspn((*command)->name, " ");

        if (last.length == length && strncmp(hl_text_get(&last), (*command)->name, length) == 0)
            continue;
        hl_text_reset(&last);
        hl_text_append(&last, (*command)->name, length);
        hl_text_printf(out, " %s", hl_text_get(&last));
    }
}

static void put_options_of(struct hl_text *out, const struct hl_command *command)
{
    for (int id = 0; id < HL_OPTIONS; id++) {
        if ((hl_option_table[id].groups & (command->groups | HL_GROUP_GENERAL)) != 0)
            hl_text_printf(out, " --%s", hl_option_table[id].name);
    }
}

/* "state " alone: the second words. Commands of one family stand together in the list. */
static void put_families(struct hl_text *out)
{
    for (size_t i = 0; hl_commands[i] != NULL; i++) {
        const char *name = hl_commands[i]->name;
        const size_t length = strcspn(name, " ") + 1;

        if (name[length - 1] == '\0' || (i > 0 && strncmp(hl_commands[i - 1]->name, name, length) == 0))
            continue;
        hl_text_printf(out, "    '%.*s') words='", (int)length, name);
        for (size_t j = i; hl_commands[j] != NULL && strncmp(hl_commands[j]->name, name, length) == 0; j++)
            hl_text_printf(out, "%s%s", j > i ? " " : "", hl_commands[j]->name + length);
        hl_text_puts(out, "' ;;\n");
    }
}

static void put_cases(struct hl_text *out)
{
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        const char *space = strchr((*command)->name, ' ');

        if (space == NULL)
            hl_text_printf(out, "    '%s '*) words='", (*command)->name);
        else
            hl_text_printf(out, "    '%s') words='", (*command)->name);
        put_options_of(out, *command);
        hl_text_puts(out, "' ;;\n");
    }
    put_families(out);
}

static void put_bash(struct hl_text *out)
{
    hl_text_puts(out, "# hlrec completion bash\n_hlrec() {\n  local words current=${COMP_WORDS[COMP_CWORD]}\n  if [ \"$COMP_CWORD\" -le 1 ]; then words='");
    put_first_words(out);
    hl_text_puts(out, "'\n  else case \"${COMP_WORDS[1]} $([ \"$COMP_CWORD\" -gt 2 ] && printf %s \"${COMP_WORDS[2]}\")\" in\n");
    put_cases(out);
    hl_text_puts(out, "  esac; fi\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n}\ncomplete -o default -F _hlrec hlrec\n");
}

static void put_zsh(struct hl_text *out)
{
    hl_text_puts(out, "#compdef hlrec\nautoload -U +X bashcompinit && bashcompinit\n");
    put_bash(out);
}

static void put_fish_text(struct hl_text *out, const char *text)
{
    hl_text_putc(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            hl_text_putc(out, '\\');
        hl_text_putc(out, *text);
    }
    hl_text_putc(out, '\'');
}

static void put_fish(struct hl_text *out)
{
    for (const struct hl_command *const *command = hl_commands; *command != NULL; command++) {
        const char *name = (*command)->name;
        const size_t length = strcspn(name, " ");

        if (name[length] == '\0')
            hl_text_printf(out, "complete -c hlrec -n __fish_use_subcommand -a %s -d ", name);
        else
            hl_text_printf(out, "complete -c hlrec -n __fish_use_subcommand -a %.*s\ncomplete -c hlrec -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
                           (int)length, name, (int)length, name, name + length + 1);
        put_fish_text(out, (*command)->summary);
        hl_text_putc(out, '\n');
        for (int id = 0; id < HL_OPTIONS; id++) {
            if ((hl_option_table[id].groups & (*command)->groups) == 0)
                continue;
            hl_text_printf(out, "complete -c hlrec -n '__fish_seen_subcommand_from %.*s' -l %s%s -d ", (int)length, name, hl_option_table[id].name,
                           hl_option_table[id].type == HL_ARG_NONE ? "" : " -r");
            put_fish_text(out, hl_option_table[id].doc);
            hl_text_putc(out, '\n');
        }
    }
    for (int id = 0; id < HL_OPTIONS; id++) {
        if ((hl_option_table[id].groups & HL_GROUP_GENERAL) == 0)
            continue;
        hl_text_printf(out, "complete -c hlrec -l %s -d ", hl_option_table[id].name);
        put_fish_text(out, hl_option_table[id].doc);
        hl_text_putc(out, '\n');
    }
}

static int run(struct hl_context *context)
{
    static const struct {
        const char *name;
        void (*put)(struct hl_text *out);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *err = NULL;

    for (size_t i = 0; i < HL_COUNT(shells); i++) {
        if (strcmp(shells[i].name, context->arguments[0]) == 0) {
            shells[i].put(&out);
            hl_sink_text(&context->out, &out);
            return HL_EXIT_OK;
        }
    }
    hl_fail(&err, HL_E_SPEC, "no completions for '%s'", context->arguments[0]);
    hl_error_hint(&err, "there are some for bash, zsh and fish");
    return hl_context_fail(context, err);
}

const struct hl_command hl_command_completion = {
    .name = "completion",
    .summary = "completions for bash, zsh or fish",
    .usage = "bash|zsh|fish",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
    .help = "Prints a script for the shell to read:\n\n  hlrec completion bash > ~/.local/share/bash-completion/completions/hlrec",
};
