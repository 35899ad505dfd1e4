/* What changes the state by hand: mv, rm, backup, rekey. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/records.h"
#include "reconcile/render/layout.h"

#include <string.h>

enum { HISTORY_KEPT = 1000 };

/* Changes under a run of their own, so that the history tells them. */
static bool begin(struct hl_context *context, int64_t *run, struct hl_error **err)
{
    return hl_store_begin(context->store, err) && hl_store_run_begin(context->store, context->command->name, NULL, NULL, run, err);
}

static bool finish(struct hl_context *context, int64_t run, bool ok, struct hl_error **err)
{
    const struct hl_run_row row = {.id = run, .result = "done", .finished_ms = hl_wall_ms()};

    ok = ok && hl_store_run_end(context->store, &row, HISTORY_KEPT, err) && hl_store_commit(context->store, err);
    if (!ok)
        hl_store_rollback(context->store);
    return ok;
}

/* What a run that died has begun is not known yet; moving its address away would hide it from recovery. */
static bool check_intents(struct hl_context *context, const char *address, struct hl_error **err)
{
    struct hl_intent *intents = NULL;
    size_t count = 0;

    if (!hl_store_open_intents(context->store, context->arena, &intents, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(intents[i].address, address) != 0)
            continue;
        hl_fail(err, HL_E_REFUSED, "a run died while it changed %s, and what came of it is not known yet", address);
        return hl_error_hint(err, "`hlrec apply` finds out; then try again");
    }
    return true;
}

static bool check_address(const char *address, const char *kind, struct hl_error **err)
{
    const char *dot = strchr(address, '.');

    if (dot == NULL || dot[1] == '\0') {
        hl_fail(err, HL_E_SPEC, "'%s' is no address", address);
        return hl_error_hint(err, "an address is KIND.NAME, such as container.web");
    }
    if (strlen(kind) == (size_t)(dot - address) && strncmp(kind, address, strlen(kind)) == 0)
        return true;
    hl_fail(err, HL_E_SPEC, "a %s cannot become '%s'", kind, address);
    return hl_error_hint(err, "only the name can change, not the kind");
}

static int mv(struct hl_context *context)
{
    const char *from = context->arguments[0];
    const char *to = context->arguments[1];
    const struct hl_record *record = NULL;
    struct hl_error *err = NULL;
    int64_t run = 0;
    const int code = hl_record_open(context, true, from, &record);

    if (code != HL_EXIT_OK)
        return code;
    if (!check_address(to, record->kind, &err) || !check_intents(context, from, &err) || !begin(context, &run, &err) ||
        !finish(context, run, hl_store_move(context->store, from, to, &err), &err))
        return hl_context_fail(context, err);
    if (!context->quiet)
        hl_sink_printf(&context->out, "%s is %s now\n", from, to);
    return HL_EXIT_OK;
}

static bool check_removal(struct hl_context *context, const struct hl_record *record, struct hl_error **err)
{
    if ((record->protect || record->holds_data) && !hl_option_given(&context->options, HL_OPT_ALLOW_DESTROY)) {
        hl_fail(err, HL_E_REFUSED, "%s %s", record->address, record->protect ? "is protected" : "holds data");
        return hl_error_hint(err, "--allow-destroy forgets it all the same; the object itself stays");
    }
    return check_intents(context, record->address, err);
}

static int rm(struct hl_context *context)
{
    const char *address = context->arguments[0];
    const struct hl_record *record = NULL;
    struct hl_error *err = NULL;
    int64_t run = 0;
    int code = hl_record_open(context, true, address, &record);

    if (code != HL_EXIT_OK)
        return code;
    if (!check_removal(context, record, &err))
        return hl_context_fail(context, err);
    /* The object stays, and can be imported again: only a value that is nowhere else is worth a question. */
    const struct hl_kind *kind = hl_kind_find(&hl_registry, record->kind, record->provider_type);
    if (kind != NULL && kind->output != NULL && hl_value_has_sensitive(record->live)) {
        code =
            hl_prompt_or_refuse(context, hl_arena_printf(context->arena, "Forget %s and the value that is sealed with it? Only 'yes' is accepted: ", address));
        if (code != HL_EXIT_OK)
            return code;
    }
    if (!begin(context, &run, &err) || !finish(context, run, hl_store_forget(context->store, address, &err), &err))
        return hl_context_fail(context, err);
    if (!context->quiet)
        hl_sink_printf(&context->out, "%s is forgotten; the object itself stays\n", address);
    return HL_EXIT_OK;
}

static int backup(struct hl_context *context)
{
    struct hl_error *err = NULL;
    int code = hl_context_find_state(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_store(context, false);
    if (code != HL_EXIT_OK)
        return code;
    if (!hl_store_backup(context->store, context->arguments[0], &err))
        return hl_context_fail(context, err);
    if (!context->quiet)
        hl_sink_printf(&context->out, "saved to %s; its secrets are sealed with the state's key, which is not in it\n", context->arguments[0]);
    return HL_EXIT_OK;
}

static int rekey(struct hl_context *context)
{
    const char *file = hl_option_text(&context->options, HL_OPT_KEY_FILE);
    struct hl_error *err = NULL;
    int code = hl_context_find_state(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_store(context, true);
    if (code != HL_EXIT_OK)
        return code;
    if (!hl_store_rekey(context->store, file, &err))
        return hl_context_fail(context, err);
    if (!context->quiet && file != NULL)
        hl_sink_printf(&context->out, "sealed anew; the key is in %s\n", file);
    else if (!context->quiet)
        hl_sink_puts(&context->out, "sealed anew; the key beside the state was replaced\n");
    return HL_EXIT_OK;
}

const struct hl_command hl_command_state_mv = {
    .name = "state mv",
    .summary = "give a recorded resource another address",
    .usage = "ADDRESS ADDRESS",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = mv,
    .help = "For a resource whose name changed in the spec; the kind stays. `moved` in the spec does the same for everybody who applies it.\n\n"
            "  hlrec state mv container.nb container.netbird-server",
};

const struct hl_command hl_command_state_rm = {
    .name = "state rm",
    .summary = "forget a resource, leave the object alone",
    .usage = "[options] ADDRESS",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK | HL_GROUP_CONFIRM | HL_GROUP_FORCE,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = rm,
    .help = "Drops the record; hlrec does not manage the object any more. `removed: [{address: ..., destroy: false}]` in the spec does the same.",
};

const struct hl_command hl_command_state_backup = {
    .name = "state backup",
    .summary = "a consistent copy of the state",
    .usage = "[options] FILE",
    .groups = HL_GROUP_STATE,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = backup,
    .help = "Copies the state while others may read and write it; an existing file is left alone. The key is not in the copy: keep it elsewhere.",
};

const struct hl_command hl_command_state_rekey = {
    .name = "state rekey",
    .summary = "seal all secrets with a new key",
    .usage = "[options]",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK | HL_GROUP_REKEY,
    .run = rekey,
    .help = "Makes a new key and seals every secret of the state with it. The old key opens older backups only.",
};
