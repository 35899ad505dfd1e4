/* What Traefik makes of the file. */
#include "config.h"

#include "reconcile/providers/traefik/batch.h"
#include "reconcile/providers/traefik/fields.h"

#include <string.h>

/* ---- before ---- */

/* Without the file provider the marker would never come. */
static bool has_file_provider(struct hl_batch *batch)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *overview = NULL;

    if (!hl_traefik_api_get(batch->traefik, batch->arena, "/api/overview", &overview, &error))
        return true;
    const struct hl_value *providers = hl_value_get(overview, "providers");

    for (size_t i = 0; i < hl_value_count(providers); i++) {
        const char *name = hl_value_to_text(batch->arena, hl_value_item(providers, i));

        if (name != NULL && strcmp(name, "File") == 0)
            return true;
    }
    return overview == NULL;
}

static void give_up(struct hl_batch *batch, struct hl_error **err)
{
    hl_auto(heap) char *words = hl_error_text(*err);

    batch->unverified = hl_arena_strdup(batch->arena, words);
    hl_error_clear(err);
}

bool hl_verify_prepare(struct hl_batch *batch, struct hl_error **err)
{
    struct hl_value *raw = NULL;

    if (batch->traefik->http == NULL) {
        batch->unverified = "the provider has no 'api'";
        return true;
    }
    if (!hl_traefik_api_await_version(batch->traefik, batch->run, batch->arena, &batch->version, err)) {
        if ((*err)->code == HL_E_INTERRUPTED)
            return false;
        give_up(batch, err);
        return true;
    }
    if (batch->version.major > 0 && batch->version.major < 3) {
        hl_fail(err, HL_E_REFUSED, "Traefik %s runs, and hlrec writes for Traefik 3", batch->version.text);
        return hl_error_hint(err, "version 2 has other rules and fields: update Traefik first");
    }
    if (!has_file_provider(batch)) {
        batch->unverified = hl_arena_printf(batch->arena, "the Traefik at %s reads no files: start it with --providers.file.directory", batch->traefik->api);
        return true;
    }
    if (!hl_traefik_api_get(batch->traefik, batch->arena, "/api/rawdata", &raw, err)) {
        give_up(batch, err);
        return true;
    }
    batch->raw_before = raw;
    batch->verifies = true;
    return true;
}

bool hl_verify_knows(const struct hl_batch *batch, const char *marker)
{
    return marker != NULL && hl_value_get(hl_value_get(batch->raw_before, "middlewares"), hl_arena_printf(batch->arena, "%s@file", marker)) != NULL;
}

/* ---- after ---- */

static void judge_put(struct hl_batch *batch, const struct hl_value *raw, struct hl_op *op)
{
    const char *protocol = hl_traefik_protocol(op->desired);
    struct hl_traefik_api_status status;

    hl_traefik_api_find(raw, op->arena, hl_traefik_kind_of(op->kind), protocol, op->name, &status);
    if (status.object == NULL)
        hl_batch_reject(op, HL_E_REJECTED, "another file of the folder, or a template, may have the same name", "Traefik has loaded '%s' without it",
                        batch->traefik->path);
    else if (hl_traefik_api_is_disabled(&status))
        hl_batch_reject(op, HL_E_REJECTED, NULL, "Traefik rejects it: %s", status.words == NULL ? "no reason is given" : status.words);
    else if (status.words != NULL)
        hl_batch_note(op, "Traefik warns: %s", status.words);
}

struct blame {
    struct hl_batch *batch;
    const char *protocol;
    const char *router;
    const char *words;
    size_t found;
};

/* An action on something that the router uses is what broke it. */
static void blame_used(void *context, enum hl_traefik_kind kind, const char *name)
{
    struct blame *blame = context;

    for (size_t i = 0; i < blame->batch->count; i++) {
        struct hl_op *op = blame->batch->ops[i];

        if (hl_traefik_kind_of(op->kind) != kind || strcmp(op->name, name) != 0)
            continue;
        hl_batch_reject(op, HL_E_REJECTED, NULL, "with it Traefik rejects router '%s': %s", blame->router, blame->words);
        blame->found++;
    }
}

static void judge_bystander(struct hl_batch *batch, const struct hl_value *raw, const char *protocol, const char *name)
{
    struct hl_traefik_api_status before;
    struct hl_traefik_api_status now;

    hl_traefik_api_find(batch->raw_before, batch->arena, HL_TRAEFIK_ROUTER, protocol, name, &before);
    hl_traefik_api_find(raw, batch->arena, HL_TRAEFIK_ROUTER, protocol, name, &now);
    if (!hl_traefik_api_is_disabled(&now) || before.object == NULL || hl_traefik_api_is_disabled(&before))
        return;
    struct blame blame = {.batch = batch, .protocol = protocol, .router = name, .words = now.words == NULL ? "no reason is given" : now.words};
    const struct hl_value *tree = hl_document_find(&batch->after, batch->arena, HL_TRAEFIK_ROUTER, protocol, name, true);

    hl_references_visit(batch->arena, HL_TRAEFIK_ROUTER, tree, blame_used, &blame);
    for (size_t i = 0; blame.found == 0 && i < batch->count; i++)
        hl_batch_note(batch->ops[i], "Traefik now rejects router '%s': %s", name, blame.words);
}

static void judge(struct hl_batch *batch, const struct hl_value *raw)
{
    struct hl_map *changed = hl_map_new(batch->arena);

    for (size_t i = 0; i < batch->count; i++) {
        if (hl_traefik_kind_of(batch->ops[i]->kind) == HL_TRAEFIK_ROUTER)
            hl_map_put(changed, batch->ops[i]->name, batch->ops[i]);
        if (batch->ops[i]->error == NULL && !hl_batch_removes(batch->ops[i]))
            judge_put(batch, raw, batch->ops[i]);
    }
    for (const char *const *protocol = hl_traefik_protocols; *protocol != NULL; protocol++) {
        const struct hl_value *routers = hl_document_section(&batch->after, *protocol, "routers");

        for (size_t i = 0; i < hl_value_members(routers); i++) {
            if (!hl_map_has(changed, hl_value_key(routers, i)))
                judge_bystander(batch, raw, *protocol, hl_value_key(routers, i));
        }
    }
}

/* What in the file may be the reason: something strange in an object that was added by hand. */
static const char *find_suspect(struct hl_batch *batch)
{
    for (size_t i = 0; i < 3 * HL_TRAEFIK_KINDS; i++) {
        const enum hl_traefik_kind kind = (enum hl_traefik_kind)(i % HL_TRAEFIK_KINDS);
        const struct hl_value *objects = hl_document_section(&batch->after, hl_traefik_protocols[i / HL_TRAEFIK_KINDS], hl_traefik_section(kind));

        for (size_t j = 0; j < hl_value_members(objects); j++) {
            const struct hl_traefik_object object = {.kind = kind, .name = hl_value_key(objects, j)};
            const char *strange = hl_traefik_object_find_strange(&batch->after, batch->arena, &object);

            if (strange != NULL)
                return hl_arena_printf(batch->arena, "'%s' of %s '%s'", strange, hl_traefik_kind_info(kind)->name, object.name);
        }
    }
    return NULL;
}

static bool fail_not_loaded(struct hl_batch *batch, struct hl_error **err)
{
    const char *suspect = find_suspect(batch);
    char limit[32];

    hl_format_duration(batch->traefik->verify_ms, limit);
    hl_fail(err, HL_E_TIMEOUT, "Traefik did not load '%s' within %s", batch->traefik->path, limit);
    if (batch->folder.problem != NULL)
        return hl_error_hint(err, "one broken file keeps Traefik from reading all of them: %s", batch->folder.problem);
    if (suspect != NULL)
        return hl_error_hint(err, "Traefik's log says why; perhaps it is %s, which hlrec does not know", suspect);
    return hl_error_hint(
        err,
        "Traefik's log says why; often '%s' is not the folder that it reads, a file is mounted instead of the folder, or the folder is on a network file "
        "system, whose changes Traefik does not see",
        batch->traefik->directory);
}

static enum hl_traefik_verdict wait_for(struct hl_batch *batch, const char *wanted, const char *gone, struct hl_error **err)
{
    if (wanted == NULL && gone == NULL)
        return HL_TRAEFIK_GOOD;
    switch (hl_traefik_api_await_marker(batch->traefik, batch->run, wanted, gone, err)) {
    case HL_TRAEFIK_API_LIVE:
        return HL_TRAEFIK_GOOD;
    case HL_TRAEFIK_API_NOT_LOADED:
        fail_not_loaded(batch, err);
        return HL_TRAEFIK_NOT_LOADED;
    case HL_TRAEFIK_API_LOST:
        break;
    }
    return (*err)->code == HL_E_INTERRUPTED ? HL_TRAEFIK_STOPPED : HL_TRAEFIK_LOST;
}

enum hl_traefik_verdict hl_verify(struct hl_batch *batch, struct hl_error **err)
{
    struct hl_value *raw = NULL;
    const size_t alive = hl_batch_alive(batch);

    if (!batch->verifies)
        return HL_TRAEFIK_GOOD;
    for (size_t i = 0; i < batch->count; i++)
        hl_op_progress(batch->ops[i], "waiting for Traefik to load %s", batch->traefik->file);
    const enum hl_traefik_verdict verdict = wait_for(batch, batch->after.marker, batch->before.marker, err);

    if (verdict != HL_TRAEFIK_GOOD)
        return verdict;
    if (!hl_traefik_api_get(batch->traefik, batch->arena, "/api/rawdata", &raw, err))
        return (*err)->code == HL_E_INTERRUPTED ? HL_TRAEFIK_STOPPED : HL_TRAEFIK_LOST;
    judge(batch, raw);
    return hl_batch_alive(batch) < alive ? HL_TRAEFIK_REJECTED : HL_TRAEFIK_GOOD;
}

bool hl_verify_restored(struct hl_batch *batch, struct hl_error **err)
{
    if (!batch->verifies)
        return true;
    return wait_for(batch, batch->before.marker, batch->after.marker, err) == HL_TRAEFIK_GOOD;
}

/* ---- gRPC ---- */

static bool is_h2c(struct hl_arena *arena, const struct hl_value *service)
{
    const struct hl_value *servers = hl_value_find_path(service, "loadBalancer.servers");

    for (size_t i = 0; i < hl_value_count(servers); i++) {
        const char *url = hl_value_to_text(arena, hl_value_get(hl_value_item(servers, i), "url"));

        if (url != NULL && hl_starts_with(url, "h2c://"))
            return true;
    }
    return false;
}

static bool uses_h2c(const struct hl_batch *batch, const struct hl_op *op)
{
    const struct hl_value *router = hl_value_get(hl_document_section(&batch->after, "http", "routers"), op->name);
    const char *service = hl_value_to_text(batch->arena, hl_value_get(router, "service"));

    return service != NULL && is_h2c(batch->arena, hl_value_get(hl_document_section(&batch->after, "http", "services"), service));
}

static void note_entry_point(struct hl_batch *batch, struct hl_op *op, const char *entry_point)
{
    hl_auto(error) struct hl_error *error = NULL;
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(1024);
    struct hl_value *answer = NULL;

    hl_text_puts(&path, "/api/entrypoints/");
    hl_text_puts(&path, entry_point);
    if (strpbrk(entry_point, "/?#% ") != NULL || !hl_traefik_api_get(batch->traefik, batch->arena, hl_text_get(&path), &answer, &error))
        return;
    const char *timeout = hl_value_to_text(batch->arena, hl_value_find_path(answer, "transport.respondingTimeouts.readTimeout"));

    if (timeout != NULL && strcmp(timeout, "null") != 0 && strcmp(timeout, "0s") != 0)
        hl_batch_note(op, "gRPC streams are cut after %s: set entryPoints.%s.transport.respondingTimeouts.readTimeout to 0 in Traefik's static configuration",
                      timeout, entry_point);
}

void hl_verify_note_timeouts(struct hl_batch *batch)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *raw = NULL;

    for (size_t i = 0; batch->verifies && i < batch->count; i++) {
        struct hl_op *op = batch->ops[i];
        struct hl_traefik_api_status status;

        if (op->error != NULL || hl_batch_removes(op) || hl_traefik_kind_of(op->kind) != HL_TRAEFIK_ROUTER || !uses_h2c(batch, op))
            continue;
        if (raw == NULL && !hl_traefik_api_get(batch->traefik, batch->arena, "/api/rawdata", &raw, &error))
            return;
        hl_traefik_api_find(raw, batch->arena, HL_TRAEFIK_ROUTER, "http", op->name, &status);
        const struct hl_value *entry_points = hl_value_get(status.object, "using");

        for (size_t j = 0; j < hl_value_count(entry_points); j++) {
            const char *entry_point = hl_value_to_text(batch->arena, hl_value_item(entry_points, j));

            if (entry_point != NULL)
                note_entry_point(batch, op, entry_point);
        }
    }
}
