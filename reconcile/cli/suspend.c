#include "config.h"

#include "reconcile/cli/suspend.h"

#include "reconcile/cli/announce.h"
#include "reconcile/cli/commands.h"
#include "reconcile/cli/moment.h"
#include "schema/base/json.h"

#include <string.h>

enum { HISTORY_KEPT = 1000, REASON_MAXIMUM = 1000 };

#define NOTE_NAME "suspended"

/* ---- what the state says ---- */

static bool decode(struct hl_arena *arena, const char *text, struct hl_suspension *out)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *map = NULL;

    if (!hl_json_decode(arena, text, strlen(text), &map, &error))
        return false;
    *out = (struct hl_suspension){.who = hl_value_get_text(map, "who"),
                                  .reason = hl_value_get_text(map, "reason"),
                                  .since_ms = hl_value_get_int(map, "since_ms", 0),
                                  .until_ms = hl_value_get_int(map, "until_ms", 0)};
    return out->who != NULL && out->reason != NULL;
}

bool hl_suspension_load(struct hl_store *store, struct hl_arena *arena, const struct hl_suspension **out, struct hl_error **err)
{
    struct hl_suspension *suspension = hl_arena_alloc(arena, sizeof(*suspension));
    const char *text = NULL;

    *out = NULL;
    if (!hl_store_get(store, arena, NOTE_NAME, &text, err))
        return hl_wrap(err, "looking up whether the stack is suspended");
    if (text == NULL)
        return true;
    if (!decode(arena, text, suspension)) {
        hl_fail(err, HL_E_REFUSED, "the stack is suspended, and the state does not tell by whom: the note is damaged");
        return hl_error_hint(err, "`hlrec resume` ends it");
    }
    if (suspension->until_ms == 0 || suspension->until_ms > hl_wall_ms())
        *out = suspension;
    return true;
}

const char *hl_suspension_text(struct hl_arena *arena, const struct hl_suspension *suspension)
{
    const char *until = suspension->until_ms == 0 ? "" : hl_arena_printf(arena, " until %s", hl_moment_text(arena, suspension->until_ms));

    return hl_arena_printf(arena, "suspended by %s since %s%s: %s", suspension->who, hl_moment_text(arena, suspension->since_ms), until, suspension->reason);
}

struct hl_value *hl_suspension_json(struct hl_arena *arena, const struct hl_suspension *suspension)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "who", suspension->who);
    hl_value_map_put_text(map, "reason", suspension->reason);
    hl_render_put_time(map, "since", suspension->since_ms);
    if (suspension->until_ms > 0)
        hl_render_put_time(map, "until", suspension->until_ms);
    return map;
}

int hl_suspension_refuse(struct hl_context *context)
{
    const struct hl_suspension *suspension = NULL;
    struct hl_error *err = NULL;

    if (!hl_suspension_load(hl_engine_store(context->engine), context->arena, &suspension, &err))
        return hl_context_fail(context, err);
    if (suspension == NULL)
        return HL_EXIT_OK;
    context->outcome->suspended = true;
    hl_fail(&err, HL_E_REFUSED, "stack '%s' is %s", context->stack, hl_suspension_text(context->arena, suspension));
    hl_error_hint(&err, "nothing was changed; `hlrec resume` ends it");
    return hl_context_fail(context, err);
}

void hl_suspension_note(struct hl_context *context)
{
    const struct hl_suspension *suspension = NULL;
    hl_auto(error) struct hl_error *err = NULL;

    if (!hl_suspension_load(hl_engine_store(context->engine), context->arena, &suspension, &err)) {
        hl_auto(heap) char *text = hl_error_text(err);

        hl_context_warn(context, text);
    } else if (suspension != NULL) {
        hl_context_note(context, hl_arena_printf(context->arena, "the stack is %s; `hlrec apply` refuses", hl_suspension_text(context->arena, suspension)));
    }
}

/* ---- the commands ---- */

/* Under a run of its own, so that the history tells who did it and why. */
static bool write_note(struct hl_context *context, struct hl_suspension *suspension, struct hl_error **err)
{
    struct hl_store *store = context->store;
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_run_row *row = NULL;
    size_t count = 0;
    int64_t run = 0;

    if (!hl_store_run_begin(store, context->command->name, NULL, NULL, &run, err) || !hl_store_runs(store, context->arena, 1, &row, &count, err))
        return false;
    if (suspension != NULL && count == 1) {
        suspension->who = hl_arena_printf(context->arena, "%s@%s", row->who, row->host);
        hl_value_map_put_text(map, "who", suspension->who);
        hl_value_map_put_text(map, "reason", suspension->reason);
        hl_value_map_put_int(map, "since_ms", suspension->since_ms);
        hl_value_map_put_int(map, "until_ms", suspension->until_ms);
        hl_json_encode(&text, map, HL_JSON_COMPACT);
    }

    const char *message = suspension != NULL ? hl_suspension_text(context->arena, suspension) : "not suspended any more";
    const struct hl_event_row event = {.run = run, .time_ms = hl_wall_ms(), .address = "", .event = "note", .action = "", .message = message};
    const struct hl_run_row end = {.id = run, .result = "done", .finished_ms = hl_wall_ms()};

    return hl_store_put(store, NOTE_NAME, suspension != NULL ? hl_text_get(&text) : NULL, err) && hl_store_event(store, &event, err) &&
           hl_store_run_end(store, &end, HISTORY_KEPT, err);
}

static bool change(struct hl_context *context, struct hl_suspension *suspension, struct hl_error **err)
{
    if (hl_store_begin(context->store, err) && write_note(context, suspension, err) && hl_store_commit(context->store, err))
        return true;
    hl_store_rollback(context->store);
    return false;
}

static bool find_end(struct hl_context *context, struct hl_suspension *out, struct hl_error **err)
{
    const char *until = hl_option_text(&context->options, HL_OPT_UNTIL);
    const int64_t duration = hl_option_int(&context->options, HL_OPT_FOR, 0);

    if (until != NULL && hl_option_given(&context->options, HL_OPT_FOR))
        return hl_fail(err, HL_E_SPEC, "--until and --for do not go together");
    if (hl_option_given(&context->options, HL_OPT_FOR)) {
        /* A sum beyond what a clock can show is no end either. */
        if (duration <= 0 || duration > INT64_MAX - out->since_ms)
            return hl_fail(err, HL_E_SPEC, "--for must be more than 0 and end some day");
        out->until_ms = out->since_ms + duration;
        return true;
    }
    if (until == NULL)
        return true;
    if (!hl_moment_parse(until, out->since_ms, &out->until_ms)) {
        hl_fail(err, HL_E_SPEC, "--until wants a time such as 18:00, 2026-12-24 or '2026-12-24 18:00', not '%s'", until);
        return false;
    }
    return out->until_ms > out->since_ms || hl_fail(err, HL_E_SPEC, "--until %s has passed already", until);
}

static int open_state(struct hl_context *context)
{
    const int code = hl_context_find_state(context);

    return code == HL_EXIT_OK ? hl_context_open_store(context, true) : code;
}

static int suspend(struct hl_context *context)
{
    struct hl_suspension suspension = {.reason = context->arguments[0], .since_ms = hl_wall_ms()};
    struct hl_error *err = NULL;

    if (strlen(suspension.reason) > REASON_MAXIMUM || strspn(suspension.reason, " \t\n") == strlen(suspension.reason)) {
        hl_fail(&err, HL_E_SPEC, "the reason must have 1 to %d bytes", REASON_MAXIMUM);
        return hl_context_fail(context, err);
    }
    if (!find_end(context, &suspension, &err))
        return hl_context_fail(context, err);

    const int code = open_state(context);

    if (code != HL_EXIT_OK)
        return code;
    if (!change(context, &suspension, &err))
        return hl_context_fail(context, err);
    if (!context->quiet && suspension.until_ms > 0)
        hl_sink_printf(&context->out, "suspended until %s; `hlrec resume` ends it before\n", hl_moment_text(context->arena, suspension.until_ms));
    else if (!context->quiet)
        hl_sink_puts(&context->out, "suspended until `hlrec resume`\n");
    return HL_EXIT_OK;
}

static int resume(struct hl_context *context)
{
    const char *text = NULL;
    struct hl_error *err = NULL;
    const int code = open_state(context);

    if (code != HL_EXIT_OK)
        return code;
    if (!hl_store_get(context->store, context->arena, NOTE_NAME, &text, &err) || (text != NULL && !change(context, NULL, &err)))
        return hl_context_fail(context, err);
    if (!context->quiet)
        hl_sink_puts(&context->out, text != NULL ? "not suspended any more\n" : "it was not suspended\n");
    return HL_EXIT_OK;
}

const struct hl_command hl_command_suspend = {
    .name = "suspend",
    .summary = "let nothing be changed for a while",
    .usage = "[options] REASON",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK | HL_GROUP_SUSPEND,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = suspend,
    .help = "Until the end that is given, or until `hlrec resume`, `apply` and `destroy` of this state refuse with exit code 8 and say who suspended it, why "
            "and until\n"
            "when. It stands in the state, so that it holds for everybody and every timer. A run in progress is not stopped: --lock-timeout waits for it.\n\n"
            "  hlrec suspend --for 2h 'changing the disks of the NAS'\n"
            "  hlrec suspend --until '2026-12-27 08:00' holidays",
};

const struct hl_command hl_command_resume = {
    .name = "resume",
    .summary = "end what `suspend` began",
    .usage = "[options]",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK,
    .run = resume,
    .help = "The next `apply` works again. Nothing is applied by this itself.",
};
