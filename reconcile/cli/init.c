#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/transport/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char starter[] = "# What this machine should run. `hlrec plan` shows what differs, `hlrec apply` makes it so.\n"
                              "# `hlrec explain` tells what can be written here, `hlrec explain container.ports` about one field.\n"
                              "hlrec: 1\n"
                              "stack: home # owns what it makes: containers, networks, volumes and routers carry its name\n"
                              "\n"
                              "variables:\n"
                              "  domain: {default: home.example, description: where the services live}\n"
                              "\n"
                              "secrets:\n"
                              "  # Made once, kept encrypted in the state (.hlrec/home.db), never printed.\n"
                              "  WEB_PASSWORD: {generate: {bytes: 24, encoding: base64}}\n"
                              "\n"
                              "networks:\n"
                              "  home_net: {}\n"
                              "\n"
                              "containers:\n"
                              "  # The names of docker compose: a service pasted from a compose file works.\n"
                              "  web:\n"
                              "    image: nginx:1.27-alpine\n"
                              "    networks: [home_net]\n"
                              "    ports: [\"8080:80\"]\n"
                              "    environment:\n"
                              "      WEB_HOST: \"web.${var.domain}\"\n"
                              "      WEB_PASSWORD: \"${secret.WEB_PASSWORD}\"\n"
                              "    restart: unless-stopped\n"
                              "\n"
                              "outputs:\n"
                              "  web: {value: \"http://localhost:8080\"}\n";

static int run(struct hl_context *context)
{
    const char *file = context->arguments_count > 0 ? context->arguments[0] : hl_option_text(&context->options, HL_OPT_FILE);
    struct hl_error *err = NULL;

    if (file == NULL)
        file = "hlrec.yaml";
    if (strcmp(file, "-") == 0) {
        hl_sink_puts(&context->out, starter);
        return HL_EXIT_OK;
    }
    if (access(file, F_OK) == 0 || errno != ENOENT) {
        hl_fail(&err, HL_E_REFUSED, "'%s' exists already", file);
        hl_error_hint(&err, "name another file: `hlrec init other.yaml`; `hlrec init -` prints it");
        return hl_context_fail(context, err);
    }

    const struct hl_file_write write = {.path = file, .data = starter, .length = sizeof(starter) - 1, .mode = 0644};

    if (!hl_file_write(&write, &err))
        return hl_context_fail(context, err);
    if (!context->quiet)
        hl_sink_printf(&context->out, "wrote %s; next: `hlrec plan`\n", file);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_init = {
    .name = "init",
    .summary = "write a starter spec",
    .usage = "[FILE]",
    .groups = HL_GROUP_FILE,
    .max_arguments = 1,
    .run = run,
    .help = "Writes a small commented spec (hlrec.yaml, unless FILE says otherwise; `-` prints it). An existing file is left alone.",
};
