#include "config.h"

#include "reconcile/providers/authentik/authentik.h"

#include <string.h>

static const char opening[] = "[managed by hlrec: ";
static const char between[] = ", state ";

/* The parts of a mark. */
struct mark {
    const char *start; /* of the mark, in the text */
    const char *stack, *address, *state;
};

/* The last one counts: what stands before is the user's. */
static bool find_mark(struct hl_arena *arena, const char *text, struct mark *mark)
{
    const char *start = NULL;

    for (const char *at = text == NULL ? NULL : strstr(text, opening); at != NULL; at = strstr(at + 1, opening))
        start = at;
    if (start == NULL || !hl_ends_with(text, "]"))
        return false;
    const char *stack = start + strlen(opening);
    const char *slash = strchr(stack, '/');
    const char *state = slash == NULL ? NULL : strstr(slash, between);
    if (state == NULL)
        return false;
    const char *id = state + strlen(between);
    mark->start = start;
    mark->stack = hl_arena_copy(arena, stack, (size_t)(slash - stack));
    mark->address = hl_arena_copy(arena, slash + 1, (size_t)(state - slash - 1));
    mark->state = hl_arena_copy(arena, id, strlen(id) - 1);
    return true;
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

const char *hl_authentik_mark(struct hl_arena *arena, const struct hl_run *run, const char *address, const char *text)
{
    return hl_arena_printf(arena, "%s%s%s%s/%s%s%s]", hl_is_blank(text) ? "" : text, hl_is_blank(text) ? "" : " ", opening, run->stack, address, between,
                           run->state_id);
}

const char *hl_authentik_unmark(struct hl_arena *arena, const char *text)
{
    struct mark mark;

    if (!find_mark(arena, text, &mark))
        return text;
    size_t length = (size_t)(mark.start - text);
    if (length > 0 && text[length - 1] == ' ')
        length--;
    return hl_arena_copy(arena, text, length);
}

bool hl_authentik_has_mark(const char *text)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct mark mark;

    return find_mark(arena, text, &mark);
}

const char *hl_authentik_marked_address(struct hl_arena *arena, const struct hl_run *run, const char *text)
{
    struct mark mark;

    return find_mark(arena, text, &mark) && same(mark.stack, run->stack) && same(mark.state, run->state_id) ? mark.address : NULL;
}

bool hl_authentik_is_mark_of(const char *text, const struct hl_run *run, const char *address)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    return same(hl_authentik_marked_address(arena, run, text), address);
}

void hl_authentik_judge(struct hl_object *object, const struct hl_run *run, const char *text, const char *id)
{
    const bool recorded = object->recorded != NULL && same(object->recorded->id, id);
    struct hl_live *live = &object->live;
    struct mark mark;

    live->owner = HL_OWNER_NONE;
    if (!find_mark(object->arena, text, &mark)) {
        live->owner = recorded ? HL_OWNER_US : HL_OWNER_NONE; /* adopted */
    } else if (!same(mark.stack, run->stack) || !same(mark.state, run->state_id)) {
        live->owner = HL_OWNER_OTHER;
        live->owner_text = hl_arena_printf(object->arena, "stack '%s' (state %.8s)", mark.stack, mark.state);
    } else if (recorded || same(mark.address, object->address)) {
        live->owner = HL_OWNER_US;
    } else {
        live->owner = HL_OWNER_OTHER;
        live->owner_text = hl_arena_printf(object->arena, "%s of this stack", mark.address);
    }
}

void hl_authentik_check_unmarked(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && strstr(value->text.data, opening) != NULL)
        hl_diag_error(check->diags, value->at, "'%s...' is the mark by which hlrec knows its own, and cannot be set", opening);
}
