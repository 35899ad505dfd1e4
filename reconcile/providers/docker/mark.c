#include "config.h"

#include "reconcile/providers/docker/mark.h"

#include "reconcile/providers/docker/client.h"
#include "schema/base/json.h"

#include <string.h>

static bool has(const struct hl_value *labels, const char *label, const char *value)
{
    const char *text = hl_value_get_text(labels, label);

    return text != NULL && value != NULL && strcmp(text, value) == 0;
}

const char *hl_mark_hash(struct hl_arena *arena, const struct hl_run *run, const struct hl_value *desired)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);
    char hash[HL_HASH_HEX];

    hl_json_encode(&text, desired, HL_JSON_CANONICAL);
    hl_hash(run->key, hl_text_get(&text), text.length, hash);
    return hl_arena_printf(arena, "v1:%s", hash);
}

void hl_mark_put(struct hl_arena *arena, struct hl_value *labels, const struct hl_op *op)
{
    const struct hl_run *run = op->session->run;

    hl_value_map_put(labels, "hlrec.managed", hl_value_text(arena, "true"));
    hl_value_map_put_text(labels, "hlrec.stack", run->stack);
    hl_value_map_put_text(labels, "hlrec.state", run->state_id);
    hl_value_map_put_text(labels, "hlrec.address", op->address);
    hl_value_map_put_text(labels, HL_MARK_OPERATION, op->operation);
    hl_value_map_put_text(labels, "hlrec.spec-hash", hl_mark_hash(arena, run, op->desired));
}

enum hl_owner hl_mark_owner(struct hl_arena *arena, const struct hl_value *labels, const struct hl_run *run, const char **text)
{
    const char *stack = hl_value_get_text(labels, "hlrec.stack");
    const char *state = hl_value_get_text(labels, "hlrec.state");
    const char *project = hl_value_get_text(labels, "com.docker.compose.project");

    *text = NULL;
    if (has(labels, "hlrec.managed", "true") && stack != NULL) {
        if (has(labels, "hlrec.stack", run->stack) && has(labels, "hlrec.state", run->state_id))
            return HL_OWNER_US;
        *text = hl_arena_printf(arena, "stack '%s' (state %.8s)", stack, state != NULL ? state : "?");
        return HL_OWNER_OTHER;
    }
    if (project != NULL)
        *text = hl_arena_printf(arena, "compose project '%s'", project);
    return HL_OWNER_NONE;
}

bool hl_mark_is_of(const struct hl_value *labels, const struct hl_run *run, const char *address)
{
    return has(labels, "hlrec.managed", "true") && has(labels, "hlrec.stack", run->stack) && has(labels, "hlrec.state", run->state_id) &&
           has(labels, "hlrec.address", address);
}

bool hl_mark_is_label(const char *label)
{
    static const char *const prefixes[] = {"hlrec.", "com.docker.compose.", "desktop.docker.io/"};

    for (size_t i = 0; i < HL_COUNT(prefixes); i++) {
        if (hl_starts_with(label, prefixes[i]))
            return true;
    }
    return false;
}

void hl_mark_check(struct hl_check *check, const struct hl_value *labels)
{
    for (size_t i = 0; i < hl_value_members(labels); i++) {
        const struct hl_value *value = hl_value_at(labels, i);
        if (hl_mark_is_label(hl_value_key(labels, i)))
            hl_diag_error(check->diags, value != NULL && value->at.line > 0 ? value->at : labels->at,
                          "label '%s' tells the owner of an object and cannot be set", hl_value_key(labels, i));
    }
}

struct hl_value *hl_mark_strip(struct hl_arena *arena, const struct hl_value *labels)
{
    struct hl_value *stripped = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(labels); i++) {
        if (!hl_mark_is_label(hl_value_key(labels, i)))
            hl_value_map_put(stripped, hl_value_key(labels, i), hl_value_copy(arena, hl_value_at(labels, i)));
    }
    return hl_value_count(stripped) > 0 ? stripped : NULL;
}

const char *hl_mark_filter(struct hl_arena *arena, char separator, const char *label, const char *value)
{
    const char *const values[] = {hl_arena_printf(arena, "%s=%s", label, value), NULL};

    return hl_docker_filter(arena, separator, "label", values);
}

struct hl_value *hl_mark_describe(struct hl_arena *arena, const struct hl_run *run, const char *kind, const char *name, const char *id,
                                  const struct hl_value *labels, struct hl_value *values)
{
    struct hl_value *found = hl_value_map(arena);
    const char *owner = NULL;

    hl_mark_owner(arena, labels, run, &owner);
    hl_value_map_put_text(found, "kind", kind);
    hl_value_map_put_text(found, "name", name);
    hl_value_map_put_text(found, "id", id);
    hl_value_map_put_text(found, "owner", owner);
    hl_value_map_put(found, "values", values);
    return found;
}

void hl_mark_judge(struct hl_object *object, const struct hl_run *run, const struct hl_value *labels, const char *id)
{
    const char *address = hl_value_get_text(labels, "hlrec.address");
    const bool recorded = object->recorded != NULL && object->recorded->id != NULL && strcmp(object->recorded->id, id) == 0;

    object->live.owner = hl_mark_owner(object->arena, labels, run, &object->live.owner_text);
    if (object->live.owner == HL_OWNER_NONE && recorded) {
        object->live.owner = HL_OWNER_US; /* adopted */
    } else if (object->live.owner == HL_OWNER_US && !recorded && address != NULL && strcmp(address, object->address) != 0) {
        object->live.owner = HL_OWNER_OTHER;
        object->live.owner_text = hl_arena_printf(object->arena, "%s of this stack", address);
    }
}
