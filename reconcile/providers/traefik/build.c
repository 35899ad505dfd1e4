/* From actions to the new content of the file, with all that can be found wrong before it is written. */
#include "config.h"

#include "reconcile/providers/traefik/batch.h"
#include "reconcile/providers/traefik/fields.h"

#include <string.h>

struct hl_traefik_object hl_batch_place(const struct hl_op *op)
{
    return (struct hl_traefik_object){
        .kind = hl_traefik_kind_of(op->kind), .name = op->name, .desired = hl_batch_removes(op) ? NULL : op->desired, .recorded = op->recorded};
}

struct hl_traefik_object hl_batch_recorded(const struct hl_batch *batch, size_t index)
{
    const struct hl_map_entry *entry = &batch->traefik->recorded->entries[index];
    const char *slash = strchr(entry->key, '/');
    const struct hl_kind kind = {.name = hl_arena_copy(batch->arena, entry->key, (size_t)(slash - entry->key))};

    return (struct hl_traefik_object){.kind = hl_traefik_kind_of(&kind), .name = slash + 1, .desired = entry->value, .strict = true};
}

void hl_batch_note(struct hl_op *op, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *words = hl_arena_vprintf(op->arena, format, args);
    va_end(args);
    if (op->note == NULL)
        op->note = words;
    else if (strstr(op->note, words) == NULL)
        op->note = hl_arena_printf(op->arena, "%s; %s", op->note, words);
}

bool hl_batch_reject(struct hl_op *op, enum hl_code code, const char *hint, const char *format, ...)
{
    va_list args;

    if (op->error != NULL)
        return false;
    va_start(args, format);
    const char *words = hl_arena_vprintf(op->arena, format, args);
    va_end(args);
    hl_fail(&op->error, code, "%s", words);
    if (hint != NULL)
        hl_error_hint(&op->error, "%s", hint);
    hl_error_address(&op->error, op->address);
    return hl_error_place(&op->error, NULL, op->at);
}

size_t hl_batch_alive(const struct hl_batch *batch)
{
    size_t alive = 0;

    for (size_t i = 0; i < batch->count; i++)
        alive += batch->ops[i]->error == NULL ? 1 : 0;
    return alive;
}

/* A file that cannot be read is made anew from what was recorded: the rest of the stack must not vanish with the first action. One that Traefik does not take
 * loses what is strange in objects that were recorded. */
static void restore_recorded(struct hl_batch *batch)
{
    for (size_t i = 0; i < batch->traefik->recorded->count; i++) {
        const struct hl_traefik_object object = hl_batch_recorded(batch, i);

        if (batch->before.state == HL_DOCUMENT_BROKEN || hl_traefik_object_find_strange(&batch->before, batch->arena, &object) != NULL)
            hl_traefik_object_put(&batch->after, batch->arena, &object);
    }
}

/* Refresh found the object unfit to be compared. */
static bool is_unfit(const struct hl_op *op)
{
    return hl_value_is(op->live, HL_MAP) && hl_value_count(op->live) == 0;
}

static int turn_of(const struct hl_op *op)
{
    return hl_batch_removes(op) ? 0 : hl_traefik_kind_of(op->kind) != HL_TRAEFIK_ROUTER ? 1 : 2;
}

/* Removals first, routers last: a name that goes over from a service to a router's own one, or back, ends with its new owner. */
static void put_all(struct hl_batch *batch)
{
    hl_document_copy(&batch->after, batch->arena, &batch->before);
    if (batch->strict || batch->before.state == HL_DOCUMENT_BROKEN)
        restore_recorded(batch);
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < batch->count; i++) {
            const struct hl_op *op = batch->ops[i];
            struct hl_traefik_object place = hl_batch_place(op);

            if (op->error != NULL || turn_of(op) != turn)
                continue;
            place.strict = batch->strict || is_unfit(op);
            if (turn == 0)
                hl_traefik_object_remove(&batch->after, batch->arena, &place);
            else
                hl_traefik_object_put(&batch->after, batch->arena, &place);
        }
    }
}

/* ---- checks ---- */

static const char *own_service(const struct hl_op *op)
{
    return hl_traefik_kind_of(op->kind) == HL_TRAEFIK_ROUTER && hl_traefik_has_own_service(op->desired) ? op->name : NULL;
}

/* Whoever adopts one object of a file adopts the file. */
static bool is_adopted(const struct hl_batch *batch)
{
    for (size_t i = 0; batch->before.owner == HL_OWNER_NONE && i < batch->count; i++) {
        if (batch->ops[i]->recorded != NULL || batch->ops[i]->action == HL_ACTION_ADOPT)
            return true;
    }
    return false;
}

static bool check_owner(struct hl_batch *batch, struct hl_op *op)
{
    if (batch->before.owner == HL_OWNER_US || is_adopted(batch))
        return true;
    if (batch->before.owner == HL_OWNER_NONE)
        return hl_batch_reject(op, HL_E_CONFLICT, "move its objects to another file, or set 'file' of the provider",
                               "'%s' has no head of hlrec: it was written by somebody else", batch->traefik->path);
    return hl_batch_reject(op, HL_E_CONFLICT, "set 'file' of the provider, or give the stack another name", "'%s' belongs to %s", batch->traefik->path,
                           batch->before.owner_text);
}

static bool check_names(struct hl_batch *batch, struct hl_op *op, const char *protocol)
{
    const enum hl_traefik_kind kind = hl_traefik_kind_of(op->kind);
    const char *own = own_service(op);
    const struct hl_traefik_folder_file *other = hl_traefik_folder_find(&batch->folder, protocol, hl_traefik_section(kind), op->name);

    if (other != NULL)
        return hl_batch_reject(op, HL_E_CONFLICT, "Traefik takes only one of two objects with the same name: rename or remove one",
                               "'%s' has a %s of this name too", other->name, op->kind->name);
    if (kind == HL_TRAEFIK_SERVICE && hl_map_has(batch->traefik->wanted, hl_arena_printf(batch->arena, "own service/%s/%s", protocol, op->name)))
        return hl_batch_reject(op, HL_E_SPEC, "rename one of the two, or let the router use the service by its name",
                               "router.%s has a service of its own, which has the same name", op->name);
    if (own == NULL)
        return true;
    other = hl_traefik_folder_find(&batch->folder, protocol, "services", own);
    if (other != NULL)
        return hl_batch_reject(op, HL_E_CONFLICT, "rename one of the two", "its own service would be called '%s', and '%s' has a service of this name", own,
                               other->name);
    if (hl_map_has(batch->traefik->wanted, hl_arena_printf(batch->arena, "service/%s/%s", protocol, own)))
        return hl_batch_reject(op, HL_E_SPEC, "rename one of the two, or let the router use the service by its name",
                               "its own service and service.%s have the same name", own);
    return true;
}

struct reference_check {
    struct hl_batch *batch;
    struct hl_op *op;
    const char *protocol;
};

/* Why an object is not there: its own action failed, or nobody has it. */
static void reject_missing(struct reference_check *check, enum hl_traefik_kind kind, const char *name)
{
    const char *kind_name = hl_traefik_kind_info(kind)->name;

    for (size_t i = 0; i < check->batch->count; i++) {
        const struct hl_op *other = check->batch->ops[i];

        if (other != check->op && hl_traefik_kind_of(other->kind) == kind && strcmp(other->name, name) == 0 && other->error != NULL) {
            hl_batch_reject(check->op, HL_E_FAILED, NULL, "it needs %s, which failed", other->address);
            return;
        }
    }
    for (const char *const *protocol = hl_traefik_protocols; *protocol != NULL; protocol++) {
        if (hl_value_get(hl_document_section(&check->batch->after, *protocol, hl_traefik_section(kind)), name) != NULL) {
            hl_batch_reject(check->op, HL_E_SPEC, NULL, "%s '%s' is for %s, and this %s is for %s", kind_name, name, *protocol, check->op->kind->name,
                            check->protocol);
            return;
        }
    }
    hl_batch_reject(check->op, HL_E_SPEC, "one of another provider is written with it, as in NAME@docker", "there is no %s '%s'", kind_name, name);
}

static void check_reference(void *context, enum hl_traefik_kind kind, const char *name)
{
    struct reference_check *check = context;
    const char *section = hl_traefik_section(kind);

    if (hl_value_get(hl_document_section(&check->batch->after, check->protocol, section), name) == NULL && check->batch->folder.complete &&
        hl_traefik_folder_find(&check->batch->folder, check->protocol, section, name) == NULL)
        reject_missing(check, kind, name);
}

static void check_put(struct hl_batch *batch, struct hl_op *op)
{
    const struct hl_traefik_object place = hl_batch_place(op);
    const char *protocol = hl_traefik_protocol(op->desired);
    const struct hl_value *tree = hl_traefik_object_find(&batch->after, batch->arena, &place, &protocol);
    struct reference_check check = {.batch = batch, .op = op, .protocol = protocol};
    const char *problem = batch->verifies ? hl_version_problem(batch->arena, place.kind, protocol, tree, &batch->version) : NULL;

    if (problem != NULL)
        hl_batch_reject(op, HL_E_REFUSED, "update Traefik, or leave that out: an unknown field makes it refuse all files of the folder", "%s", problem);
    else if (check_names(batch, op, protocol))
        hl_references_visit(batch->arena, place.kind, tree, check_reference, &check);
}

static void check_removal(struct hl_batch *batch, struct hl_op *op)
{
    const struct hl_traefik_object place = hl_batch_place(op);
    const char *protocol = NULL;
    const char *user = NULL;

    if (hl_traefik_object_find(&batch->before, batch->arena, &place, &protocol) == NULL)
        return;
    /* A router's own service may have taken the name over. */
    if (hl_value_get(hl_document_section(&batch->after, protocol, hl_traefik_section(place.kind)), op->name) == NULL)
        user = hl_references_find_user(&batch->after, batch->arena, place.kind, protocol, op->name);
    if (user != NULL)
        hl_batch_reject(op, HL_E_CONFLICT, "change or remove that one first", "%s in '%s' still uses it", user, batch->traefik->path);
}

void hl_batch_build(struct hl_batch *batch)
{
    size_t alive = hl_batch_alive(batch) + 1;

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->ops[i]->error == NULL)
            check_owner(batch, batch->ops[i]);
    }
    /* Each that fails can be missed by another. */
    while (hl_batch_alive(batch) < alive) {
        alive = hl_batch_alive(batch);
        put_all(batch);
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->ops[i]->error != NULL)
                continue;
            if (hl_batch_removes(batch->ops[i]))
                check_removal(batch, batch->ops[i]);
            else
                check_put(batch, batch->ops[i]);
        }
    }
    hl_document_format(&batch->after, batch->run->stack, batch->run->state_id, NULL, &batch->text);
}
