/* Whether the state is sound, and what there is to go back to. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/records.h"
#include "reconcile/render/layout.h"

#include <string.h>

struct finding {
    struct hl_store_findings check;
    const char *other_run;    /* whose intents they are, or NULL: of a run that died */
    struct hl_value *unknown; /* addresses of kinds that this hlrec does not know */
};

static struct hl_value *find_unknown(struct hl_arena *arena, const struct hl_store_findings *check)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; check->records != NULL && i < check->records->count; i++) {
        const struct hl_record *record = check->records->entries[i].value;

        if (hl_kind_find(&hl_registry, record->kind, record->provider_type) == NULL)
            hl_value_list_add(arena, list, hl_value_text(arena, record->address));
    }
    for (size_t i = 0; i < check->intents_count; i++) {
        const struct hl_intent *intent = &check->intents[i];

        if (hl_kind_find(&hl_registry, intent->kind, intent->provider_type) == NULL && (check->records == NULL || !hl_map_has(check->records, intent->address)))
            hl_value_list_add(arena, list, hl_value_text(arena, intent->address));
    }
    return list;
}

static void look(struct hl_context *context, struct finding *out)
{
    const struct hl_store_options options = {.path = context->state_path, .stack = context->stack, .environment = context->environment};

    *out = (struct finding){.other_run = NULL};
    hl_store_check(&options, context->arena, &out->check);
    if (out->check.store != NULL)
        out->other_run = hl_store_lock_holder(out->check.store, context->arena);
    out->unknown = find_unknown(context->arena, &out->check);
}

/* ---- json ---- */

static struct hl_value *intent_json(struct hl_arena *arena, const struct hl_intent *intent)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "address", intent->address);
    hl_value_map_put_text(map, "action", intent->action);
    hl_value_map_put_int(map, "run", intent->run);
    hl_render_put_time(map, "started", intent->started_ms);
    return map;
}

static struct hl_value *copy_json(struct hl_arena *arena, const struct hl_store_copy *copy)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "file", copy->path);
    hl_render_put_time(map, "made", copy->made_ms);
    hl_value_map_put_bool(map, "sound", copy->problem == NULL);
    if (copy->problem == NULL)
        hl_value_map_put_int(map, "serial", copy->serial);
    else
        hl_value_map_put(map, "problem", hl_render_error_json(arena, copy->problem));
    return map;
}

static void put_json(struct hl_context *context, const struct finding *finding)
{
    const struct hl_store_findings *check = &finding->check;
    struct hl_arena *arena = context->arena;
    struct hl_value *map = hl_value_map(arena);
    struct hl_value *unfinished = hl_value_list(arena), *dangling = hl_value_list(arena), *copies = hl_value_list(arena);

    for (size_t i = 0; i < check->intents_count; i++)
        hl_value_list_add(arena, unfinished, intent_json(arena, &check->intents[i]));
    for (size_t i = 0; i < check->dangling_count; i++) {
        struct hl_value *reference = hl_value_map(arena);

        hl_value_map_put_text(reference, "address", check->dangling[i].address);
        hl_value_map_put_text(reference, "needs", check->dangling[i].need);
        hl_value_list_add(arena, dangling, reference);
    }
    for (size_t i = 0; i < check->copies_count; i++)
        hl_value_list_add(arena, copies, copy_json(arena, &check->copies[i]));
    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put_text(map, "state", context->state_path);
    hl_value_map_put_bool(map, "sound", check->problem == NULL);
    hl_value_map_put(map, "problem", check->problem != NULL ? hl_render_error_json(arena, check->problem) : hl_value_null(arena));
    hl_value_map_put(map, "other_run", hl_value_text(arena, finding->other_run));
    hl_value_map_put(map, "unfinished", unfinished);
    hl_value_map_put(map, "unknown_kinds", finding->unknown);
    hl_value_map_put(map, "dangling", dangling);
    hl_value_map_put(map, "copies", copies);
    hl_context_put_json(context, map);
}

/* ---- for people ---- */

static void put_notes(struct hl_text *out, const struct finding *finding)
{
    const struct hl_store_findings *check = &finding->check;

    if (finding->other_run != NULL)
        hl_text_printf(out, "Another run is at work: %s.\n", finding->other_run);
    for (size_t i = 0; i < check->intents_count; i++) {
        const struct hl_intent *intent = &check->intents[i];

        hl_put_safe(out, intent->address);
        hl_text_printf(out, ": %s by run %lld %s\n", intent->action, (long long)intent->run,
                       finding->other_run != NULL ? "is under way, or next"
                                                  : "has no result: the run died; the next `hlrec apply` finds out whether it was done");
    }
    for (size_t i = 0; i < hl_value_count(finding->unknown); i++) {
        hl_put_safe(out, hl_value_item(finding->unknown, i)->text.data);
        hl_text_puts(out, ": this hlrec does not know the kind; use the one that recorded it\n");
    }
    for (size_t i = 0; i < check->dangling_count; i++) {
        hl_put_safe(out, check->dangling[i].address);
        hl_text_puts(out, ": needed ");
        hl_put_safe(out, check->dangling[i].need);
        hl_text_puts(out, ", which is not recorded any more: no harm, it would only say which is deleted first\n");
    }
}

static void put_copies(struct hl_context *context, struct hl_text *out, const struct hl_store_findings *check)
{
    struct hl_table table;

    if (check->copies_count == 0) {
        if (check->problem == NULL)
            hl_text_puts(out, "There is no copy to go back to: the next run that changes something makes one; `hlrec state backup FILE` makes one now.\n");
        return;
    }
    hl_table_init(&table, context->arena, 4);
    hl_table_add(&table, (const char *const[]){"COPY BESIDE IT", "MADE (UTC)", "STATE", "SOUND"});
    for (size_t i = 0; i < check->copies_count; i++) {
        const struct hl_store_copy *copy = &check->copies[i];
        const char *slash = strrchr(copy->path, '/');
        hl_auto(heap) char *problem = copy->problem != NULL ? hl_error_text(copy->problem) : NULL;
        char made[HL_TIME_TEXT];

        hl_render_time_short(copy->made_ms, made);
        hl_table_add(&table, (const char *const[]){slash == NULL ? copy->path : slash + 1, made,
                                                   problem != NULL ? "" : hl_arena_printf(context->arena, "#%lld", (long long)copy->serial),
                                                   problem != NULL ? hl_arena_strdup(context->arena, problem) : "yes"});
    }
    hl_table_render(out, &table, true, context->look.color, 0);
}

static void put_human(struct hl_context *context, struct hl_text *out, const struct finding *finding)
{
    const struct hl_store_findings *check = &finding->check;

    if (check->problem == NULL) {
        hl_text_printf(out, "The state '%s' is sound: ", context->state_path);
        hl_put_count(out, check->records->count, "resource");
        hl_text_printf(out, ", #%lld.\n", (long long)hl_store_serial(check->store));
    }
    put_notes(out, finding);
    put_copies(context, out, check);
}

static int run(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct finding finding;
    struct hl_error *problem;
    int code = hl_context_find_state(context);

    if (code != HL_EXIT_OK)
        return code;
    look(context, &finding);
    if (context->format == HL_FORMAT_JSON) {
        put_json(context, &finding);
    } else if (!context->quiet) {
        put_human(context, &out, &finding);
        hl_sink_text(&context->out, &out);
    }
    problem = finding.check.problem;
    finding.check.problem = NULL;
    hl_store_findings_clear(&finding.check);
    return problem != NULL ? hl_context_fail_told(context, problem) : HL_EXIT_OK;
}

const struct hl_command hl_command_state_check = {
    .name = "state check",
    .summary = "whether the state is sound, and what there is to go back to",
    .usage = "[options]",
    .groups = HL_GROUP_STATE | HL_GROUP_FORMAT,
    .run = run,
    .help =
        "Reads all of the file: SQLite's whole check, what its rows refer to, each record, and each sealed value. It changes nothing and takes no lock.\n"
        "Exits with 1 when the state is damaged or its key is missing, and says how to go back; with 8 when it is of a newer hlrec or of another stack.\n\n"
        "Told as well, and no damage: what a run that died left unfinished, kinds that this hlrec does not know, and the copies that there are, each of them "
        "read\n"
        "as the state is.",
};
