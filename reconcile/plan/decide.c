#include "config.h"

#include "reconcile/plan/decide.h"

#include <string.h>

/* How many runs in a row may correct the same drift before hlrec stops fighting whoever undoes it. */
enum { CONVERGENCE_LIMIT = 3 };

static const struct hl_live unread = {.presence = HL_LIVE_UNREAD};

/* What one decision is made from. */
struct decision {
    struct hl_arena *arena;
    const struct hl_plan_input *input;
    const struct hl_outputs *outputs;
    struct hl_diags *diags;
    struct hl_step *step;
};

static struct hl_step *new_step(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_resource *resource,
                                const struct hl_recorded *recorded, const struct hl_live *live)
{
    struct hl_step *step = hl_arena_alloc(arena, sizeof *step);

    step->resource = resource;
    step->recorded = recorded;
    step->live = live != NULL ? live : &unread;
    step->action = HL_ACTION_NONE;
    step->reason = "unchanged";
    if (resource != NULL) {
        step->address = resource->address;
        step->kind_name = resource->kind->name;
        step->name = resource->name;
        step->kind = resource->kind;
        step->provider = resource->provider->name;
        step->at = resource->at;
    } else {
        step->address = recorded->address;
        step->kind_name = recorded->kind;
        step->name = recorded->name;
        step->provider = recorded->provider;
        step->kind = hl_kind_find(input->registry, recorded->kind, recorded->provider_type);
    }
    return step;
}

static void refuse(struct hl_step *step, enum hl_code code, const char *reason, const char *hint)
{
    step->action = HL_ACTION_REFUSE;
    step->refuse_code = code;
    step->reason = reason;
    step->hint = hint;
}

static void defer(struct hl_step *step, const char *reason, const char *hint, const char *waits_for)
{
    step->action = HL_ACTION_DEFER;
    step->reason = reason;
    step->hint = hint;
    step->waits_for = waits_for;
}

static bool is_listed(const char *const *list, const char *address)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, address) == 0)
            return true;
    }
    return false;
}

static bool is_protected(const struct hl_step *step)
{
    if (step->resource != NULL && step->resource->protect != HL_UNSET)
        return step->resource->protect == HL_TRUE;
    return step->recorded != NULL && step->recorded->protect;
}

static bool holds_data(const struct hl_step *step)
{
    if (step->recorded != NULL && step->recorded->holds_data)
        return true;
    return step->kind != NULL && (step->kind->holds_data || (step->kind->is_data != NULL && step->kind->is_data(step->desired)));
}

/* How what is protected is let go of all the same: with its block still there, or gone. */
static const char *protection_hint(struct hl_arena *arena, const struct hl_step *step)
{
    if (step->action == HL_ACTION_REPLACE)
        return "set `protect: false` in its block and apply that first";
    return hl_arena_printf(
        arena,
        step->resource != NULL
            ? "set `protect: false` in its block and apply that first; to keep it, write `removed: [{address: %s, destroy: false}]` in place of "
              "its block"
            : "to keep it and forget it here, write `removed: [{address: %s, destroy: false}]`; to delete it, put its block back with "
              "`protect: false`, apply that, and take it out again",
        step->address);
}

/* A deletion or replacement of what is protected or holds data needs more than a changed spec. */
static void guard_destruction(struct hl_arena *arena, struct hl_step *step, const struct hl_plan_input *input)
{
    const bool said_unprotected = step->resource != NULL && step->resource->protect == HL_FALSE;
    const bool recorded_unprotected = step->resource == NULL && step->recorded != NULL && !step->recorded->protect;

    step->loses_data = holds_data(step);
    if (is_protected(step)) {
        const char *hint = protection_hint(arena, step);

        refuse(step, HL_E_REFUSED, step->action == HL_ACTION_REPLACE ? "protected: must not be replaced" : "protected: must not be deleted", hint);
    } else if (step->loses_data && !(said_unprotected || recorded_unprotected)) {
        refuse(step, HL_E_REFUSED, "holds data: is not deleted without `protect: false` in the spec",
               "set `protect: false` in its block, apply, and then delete it with --allow-destroy");
    } else if (step->loses_data && !input->options.allow_destroy) {
        refuse(step, HL_E_REFUSED, "holds data: is deleted only with --allow-destroy", "back it up, then run again with --allow-destroy");
    }
}

/* What is recorded is gone, and something without a mark stands under its name: that is somebody else's. */
static bool is_stranger(const struct hl_step *step)
{
    const struct hl_live *live = step->live;

    return step->recorded != NULL && live->owner == HL_OWNER_NONE && !hl_is_blank(step->recorded->id) && live->id != NULL &&
           strcmp(live->id, step->recorded->id) != 0;
}

static void decide_delete(struct hl_arena *arena, struct hl_step *step, const struct hl_plan_input *input, const char *reason)
{
    const struct hl_live *live = step->live;

    if (live->presence == HL_LIVE_ABSENT) {
        step->action = HL_ACTION_FORGET;
        step->reason = "gone already, no longer in the spec";
        return;
    }
    if (live->presence == HL_LIVE_UNREADABLE) {
        refuse(step, live->error != NULL ? live->error->code : HL_E_UNREACHABLE, "could not be read, so it is not deleted", NULL);
        return;
    }
    if (live->presence == HL_LIVE_PRESENT && live->owner == HL_OWNER_OTHER) {
        step->action = HL_ACTION_FORGET;
        step->reason = live->owner_text != NULL ? "it belongs to another owner now" : "it is not ours any more";
        return;
    }
    if (live->presence == HL_LIVE_PRESENT && is_stranger(step)) {
        step->action = HL_ACTION_FORGET;
        step->reason = "gone: what has its name now was not made by hlrec";
        return;
    }
    step->action = HL_ACTION_DELETE;
    step->reason = reason;
    guard_destruction(arena, step, input);
}

struct hl_step *hl_decide_unwanted(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_recorded *recorded, const struct hl_live *live,
                                   const char *reason)
{
    struct hl_resource *resource = input->spec != NULL ? hl_spec_find(input->spec, recorded->address) : NULL;
    struct hl_step *step = new_step(arena, input, resource, recorded, live);

    if (step->kind == NULL)
        refuse(step, HL_E_FAILED, "recorded with a kind that this version does not know", "use the version of hlrec that made it, or `hlrec state rm`");
    else
        decide_delete(arena, step, input, reason);
    return step;
}

struct hl_step *hl_decide_excluded(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_resource *resource,
                                   const struct hl_recorded *recorded, const struct hl_live *live)
{
    struct hl_step *step = new_step(arena, input, resource, recorded, live);

    step->excluded = true;
    step->reason = "left out by --target or --exclude";
    return step;
}

/* Puts what was read from outside (a secret's value, an image's id) over what the spec says. */
static struct hl_value *with_inputs(struct hl_arena *arena, struct hl_value *desired, const struct hl_value *inputs)
{
    if (hl_value_count(inputs) == 0)
        return desired;
    struct hl_value *merged = hl_value_map(arena);
    for (size_t i = 0; i < hl_value_count(desired); i++)
        hl_value_map_put(merged, hl_value_key(desired, i), hl_value_at(desired, i));
    for (size_t i = 0; i < hl_value_count(inputs); i++)
        hl_value_map_put(merged, hl_value_key(inputs, i), hl_value_at(inputs, i));
    return merged;
}

/* Whether the kind's main output (a secret's value) is asked for and is not there. True when that decides the step. */
static bool decide_missing_value(struct decision *decision)
{
    struct hl_step *step = decision->step;
    const char *output = step->kind->output;

    if (output == NULL || step->live->presence == HL_LIVE_UNREADABLE)
        return false;
    const struct hl_value *value = hl_value_get(step->desired, output);
    if (!hl_value_is(value, HL_NULL))
        return false;
    if (hl_value_get_bool(step->desired, "optional", false)) {
        step->absent = true;
        step->reason = "optional, and there is no value";
        if (step->recorded != NULL)
            decide_delete(decision->arena, step, decision->input, "optional, and there is no value any more");
    } else {
        defer(step, step->live->defer_reason != NULL ? step->live->defer_reason : "there is no value yet", step->live->defer_hint, step->address);
    }
    return true;
}

/* Why an input changed; with drift_only inputs do not count. */
static const char *input_reason(const struct decision *decision)
{
    return decision->input->options.drift_only ? NULL : decision->step->live->reason;
}

static void decide_create(struct decision *decision)
{
    struct hl_step *step = decision->step;

    step->action = HL_ACTION_CREATE;
    if (step->recorded != NULL) {
        step->reason = "gone: deleted outside hlrec";
        step->drifted = true;
    } else {
        step->reason = input_reason(decision) != NULL ? input_reason(decision) : "new in the spec";
    }
}

static enum hl_replace_order replace_order(const struct hl_step *step)
{
    if (step->resource != NULL && step->resource->replace != HL_REPLACE_DEFAULT)
        return step->resource->replace;
    return step->kind->create_first ? HL_REPLACE_CREATE_FIRST : HL_REPLACE_DELETE_FIRST;
}

bool hl_change_is_age(const struct hl_change *change)
{
    return change->field != NULL && change->field->internal && change->field->immutable;
}

static const char *forcing_reason(const struct decision *decision)
{
    const struct hl_step *step = decision->step;
    struct hl_arena *arena = decision->arena;

    if (input_reason(decision) != NULL)
        return input_reason(decision);
    for (size_t i = 0; i < step->changes_count; i++) {
        const struct hl_change *change = &step->changes[i];
        const bool due = change->forces_replacement && hl_change_is_age(change) && strcmp(change->field->name, "renewal") == 0;
        const char *live = due ? hl_value_to_text(arena, change->live) : NULL;
        if (live != NULL)
            return hl_arena_printf(arena, "a new one is due: %s", live);
        if (change->forces_replacement)
            return hl_arena_printf(arena, "%s cannot change in place", change->path);
    }
    return "asked for by --replace";
}

static void decide_replace(struct decision *decision, const char *reason)
{
    struct hl_step *step = decision->step;

    step->action = HL_ACTION_REPLACE;
    step->order = replace_order(step);
    step->reason = reason;
    guard_destruction(decision->arena, step, decision->input);
}

static const char *update_reason(const struct decision *decision)
{
    const struct hl_step *step = decision->step;
    bool from_spec = false;
    bool drifted = false;

    for (size_t i = 0; i < step->changes_count; i++) {
        from_spec = from_spec || step->changes[i].origin != HL_ORIGIN_DRIFT;
        drifted = drifted || step->changes[i].origin != HL_ORIGIN_SPEC;
    }
    if (input_reason(decision) != NULL)
        return input_reason(decision);
    if (from_spec && drifted)
        return "the spec changed, and it was changed outside hlrec";
    return drifted ? "drift: changed outside hlrec" : "the spec changed";
}

static bool only_drift(const struct hl_step *step)
{
    for (size_t i = 0; i < step->changes_count; i++) {
        if (step->changes[i].origin != HL_ORIGIN_DRIFT)
            return false;
    }
    return step->changes_count > 0;
}

const char *hl_step_drift_text(struct hl_arena *arena, const struct hl_step *step)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_OUTPUT);

    if (step->changes_count == 0)
        return step->recorded != NULL && step->live->presence == HL_LIVE_ABSENT ? "(gone)" : "";
    if (!only_drift(step))
        return "";
    for (size_t i = 0; i < step->changes_count; i++) {
        if (!hl_change_is_age(&step->changes[i]))
            hl_text_printf(&text, "%s%s", text.length > 0 ? ", " : "", step->changes[i].path);
    }
    return hl_arena_strdup(arena, hl_text_get(&text));
}

/* Whether the same was corrected again and again, in vain. */
static bool is_futile(struct decision *decision)
{
    const struct hl_step *step = decision->step;
    const struct hl_recorded *recorded = step->recorded;

    if (recorded == NULL || recorded->streak < CONVERGENCE_LIMIT || recorded->drift == NULL || is_listed(decision->input->options.replaces, step->address))
        return false;
    return strcmp(recorded->drift, hl_step_drift_text(decision->arena, step)) == 0;
}

static bool forces_replacement(const struct hl_step *step)
{
    for (size_t i = 0; i < step->changes_count; i++) {
        if (step->changes[i].forces_replacement)
            return true;
    }
    return false;
}

static void decide_difference(struct decision *decision, bool adopting)
{
    struct hl_step *step = decision->step;
    const bool asked = is_listed(decision->input->options.replaces, step->address);

    if (is_futile(decision)) {
        step->not_converging = true;
        refuse(step, HL_E_FAILED, "not converging: corrected in three runs in a row, and different again",
               "something else changes it: find that, or let go of the field with `ignore`; --replace ADDR tries once more");
    } else if (forces_replacement(step) || asked) {
        decide_replace(decision, forcing_reason(decision));
    } else if (adopting) {
        step->action = HL_ACTION_ADOPT;
        step->reason = step->changes_count > 0 ? "taken over, then changed in place" : "taken over as it is";
    } else if (step->changes_count > 0) {
        step->action = HL_ACTION_UPDATE;
        step->reason = update_reason(decision);
    }
}

static void compare(struct decision *decision)
{
    struct hl_step *step = decision->step;
    const struct hl_value *recorded = step->recorded != NULL ? step->recorded->desired : NULL;
    const char *const *ignore = step->resource != NULL ? step->resource->ignore : NULL;
    struct hl_changes changes = {0};
    struct hl_changes drift = {0};

    hl_diff(decision->arena, step->kind->fields, step->desired, recorded, step->live->values, ignore, &changes);
    step->changes = changes.items;
    step->changes_count = changes.count;
    for (size_t i = 0; i < changes.count; i++)
        changes.items[i].unasked = decision->input->options.drift_only;
    if (recorded == step->desired) { /* the same value in memory: the comparison would find the same */
        step->drifted = changes.count > 0;
    } else if (recorded != NULL) {
        hl_diff_drift(decision->arena, step->kind->fields, recorded, step->live->values, ignore, &drift);
        step->drifted = drift.count > 0;
    }
}

static void decide_present(struct decision *decision)
{
    struct hl_step *step = decision->step;
    const struct hl_live *live = step->live;
    const bool adopting = step->recorded == NULL || is_stranger(step);

    if (live->owner == HL_OWNER_OTHER) {
        refuse(step, HL_E_CONFLICT,
               hl_arena_printf(decision->arena, "a %s of this name exists and belongs to %s", step->kind_name,
                               live->owner_text != NULL ? live->owner_text : "another owner"),
               "rename one of the two, or let the other owner give it up first");
        return;
    }
    if (adopting && live->owner == HL_OWNER_NONE && !step->resource->adopt && !decision->input->options.adopt) {
        refuse(step, HL_E_CONFLICT,
               hl_arena_printf(decision->arena, "a %s of this name exists already and was not made by hlrec%s%s", step->kind_name,
                               live->owner_text != NULL ? ": " : "", live->owner_text != NULL ? live->owner_text : ""),
               "to take it over write `adopt: true` in its block (or run with --adopt); else rename or remove one of the two");
        return;
    }
    compare(decision);
    decide_difference(decision, adopting);
}

static void decide_unread(struct decision *decision)
{
    struct hl_step *step = decision->step;

    if (decision->input->options.refresh_only)
        return;
    if (step->recorded != NULL && !step->late) {
        /* --no-refresh, or a provider that comes later: what was recorded is taken for what is. */
        struct hl_live *assumed = hl_arena_alloc(decision->arena, sizeof *assumed);
        *assumed = *step->live;
        assumed->presence = HL_LIVE_PRESENT;
        assumed->owner = HL_OWNER_US;
        assumed->id = step->recorded->id;
        assumed->values = with_inputs(decision->arena, step->recorded->live, step->recorded->desired);
        step->late = assumed->late;
        step->live = assumed;
        decide_present(decision);
        return;
    }
    step->late = true;
    const char *reason = hl_arena_printf(decision->arena, "provider '%s' is opened during apply, when what it needs is in place", step->provider);
    defer(step, step->live->reason != NULL ? step->live->reason : reason, step->live->defer_hint, step->live->defer_reason);
}

/* A system that cannot be asked is told once, with its error; what is wrong with this object alone is told with it. */
static void decide_unreadable(struct decision *decision)
{
    struct hl_step *step = decision->step;
    const struct hl_error *error = step->live->error;
    const bool own =
        error != NULL && (error->code == HL_E_CONFLICT || error->code == HL_E_NOT_FOUND || error->code == HL_E_SPEC || error->code == HL_E_REFUSED);
    hl_auto(heap) char *text = own ? hl_error_text(error) : NULL;
    const char *hint = NULL;

    for (const struct hl_error *cause = error; own && cause != NULL && hint == NULL; cause = cause->cause)
        hint = cause->hint;
    refuse(step, error != NULL ? error->code : HL_E_UNREACHABLE, own ? hl_arena_strdup(decision->arena, text) : "could not be read",
           hint != NULL ? hl_arena_strdup(decision->arena, hint) : NULL);
}

static void decide_wanted(struct decision *decision)
{
    struct hl_step *step = decision->step;
    const struct hl_live *live = step->live;

    if (decide_missing_value(decision))
        return;
    switch (live->presence) {
    case HL_LIVE_UNREADABLE:
        decide_unreadable(decision);
        return;
    case HL_LIVE_PENDING:
        defer(step, live->defer_reason != NULL ? live->defer_reason : "cannot be decided yet", live->defer_hint, NULL);
        return;
    case HL_LIVE_UNREAD:
        decide_unread(decision);
        return;
    case HL_LIVE_ABSENT:
        if (is_futile(decision)) {
            step->not_converging = true;
            refuse(step, HL_E_FAILED, "not converging: made anew in three runs in a row, and gone again",
                   "something else deletes it; --replace ADDR tries once more");
        } else {
            decide_create(decision);
        }
        return;
    case HL_LIVE_PRESENT:
        decide_present(decision);
        return;
    }
}

static void decide_when(struct decision *decision, enum hl_truth truth, const char *waits_for)
{
    struct hl_step *step = decision->step;

    if (truth == HL_TRUTH_UNKNOWN) {
        step->late = true;
        defer(step, hl_arena_printf(decision->arena, "when: %s is known", waits_for), "decided during apply", waits_for);
        return;
    }
    step->absent = true;
    step->reason = "its `when` does not hold";
    if (step->recorded != NULL && !decision->input->options.drift_only)
        decide_delete(decision->arena, step, decision->input, "its `when` does not hold any more");
}

/* Its object is where the record says, and was not looked for there: made anew elsewhere, it would be there twice. */
static bool decide_other_provider(struct decision *decision)
{
    struct hl_step *step = decision->step;

    if (step->recorded == NULL || strcmp(step->recorded->provider, step->provider) == 0)
        return false;
    refuse(step, HL_E_REFUSED,
           hl_arena_printf(decision->arena, "its provider was '%s' when it was last applied and is '%s' now", step->recorded->provider, step->provider),
           "to have it made anew there, take its block out, apply, and put it back; where only the provider's name changed, `hlrec state rm` and apply");
    return true;
}

/* What the resource should be; NULL when its values are wrong. With `drift_only` that is what was applied last, whatever the spec says by now. */
static struct hl_value *wanted_value(const struct decision *decision)
{
    const struct hl_plan_input *input = decision->input;
    struct hl_step *step = decision->step;

    if (input->options.drift_only)
        return step->recorded->desired;
    struct hl_value *desired = hl_spec_decode(input->spec, step->resource, decision->arena, decision->outputs, decision->diags);
    return desired == NULL ? NULL : with_inputs(decision->arena, desired, step->live->inputs);
}

struct hl_step *hl_plan_decide(struct hl_arena *arena, const struct hl_plan_input *input, const struct hl_resource *resource, const struct hl_live *live,
                               const struct hl_outputs *outputs, struct hl_diags *diags)
{
    const struct hl_recorded *recorded = hl_map_find(input->recorded, resource->address);
    struct hl_step *step = new_step(arena, input, resource, recorded, live);
    struct decision decision = {.arena = arena, .input = input, .outputs = outputs, .diags = diags, .step = step};
    const char *waits_for = NULL;

    if (decide_other_provider(&decision))
        return step;
    const enum hl_truth truth = hl_spec_when(input->spec, resource, arena, outputs, &waits_for);
    if (truth != HL_TRUTH_YES) {
        decide_when(&decision, truth, waits_for);
        return step;
    }
    if (input->options.drift_only && recorded == NULL) {
        step->reason = "new in the spec, and only drift is corrected";
        return step;
    }
    step->desired = wanted_value(&decision);
    if (step->desired == NULL) {
        refuse(step, HL_E_SPEC, "its values are wrong", NULL);
        return step;
    }
    step->late = hl_value_find_unknown(step->desired) != NULL;
    decide_wanted(&decision);
    if (input->options.refresh_only && step->action != HL_ACTION_REFUSE && step->action != HL_ACTION_DEFER) {
        step->action = HL_ACTION_NONE;
        step->changes_count = 0;
    }
    return step;
}

/* ---- what references to a step's resource give ---- */

static bool is_settled(const struct hl_step *step)
{
    return step->action == HL_ACTION_NONE || step->action == HL_ACTION_UPDATE || step->action == HL_ACTION_ADOPT || step->excluded;
}

static struct hl_value *marked(const struct hl_field *field, struct hl_value *value)
{
    return field->sensitive && value != NULL ? hl_value_mark_sensitive(value) : value;
}

struct hl_value *hl_step_output(struct hl_arena *arena, const struct hl_step *step, const char *output)
{
    if (step->kind == NULL)
        return NULL;
    if (output == NULL)
        output = step->kind->output;
    if (output == NULL)
        return NULL;
    const char *name = hl_arena_copy(arena, output, strcspn(output, "."));
    const struct hl_field *field = hl_field_find(step->kind->fields, name, false);
    if (field == NULL)
        return NULL;
    if (step->absent || step->action == HL_ACTION_DELETE)
        return hl_value_null(arena);

    const struct hl_value *from[3] = {step->desired, NULL, NULL};
    /* A step that was read, or that fails for itself alone, still has what the record says. */
    if (is_settled(step) || step->action == HL_ACTION_REFUSE || step->action == HL_ACTION_DEFER) {
        from[1] = step->live->values;
        from[2] = step->recorded != NULL ? step->recorded->live : NULL;
    }
    for (size_t i = 0; i < HL_COUNT(from); i++) {
        struct hl_value *value = hl_value_find_path(from[i], output);
        if (value != NULL && (value->type != HL_NULL || i == 0))
            return marked(field, value);
    }
    const bool told_later = field->computed || (step->kind->output != NULL && strcmp(step->kind->output, name) == 0);
    if (field->fallback != NULL && !told_later)
        return hl_field_fallback(arena, field);
    if (is_settled(step) || !told_later)
        return hl_value_null(arena);
    return marked(field, hl_value_unknown(arena, hl_arena_printf(arena, "%s.%s", step->address, output)));
}
