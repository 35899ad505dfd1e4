#include "config.h"

#include "reconcile/providers/docker/rows.h"

void hl_docker_complete_name(struct hl_check *check, struct hl_value *body)
{
    if (hl_value_get(body, "name") == NULL)
        hl_value_map_put_text(body, "name", check->name);
}

void hl_docker_claim(struct hl_arena *arena, const struct hl_value *name, struct hl_value *list)
{
    if (hl_value_is(name, HL_TEXT) && !name->sensitive)
        hl_value_list_add(arena, list, hl_value_printf(arena, "the name '%s'", name->text.data));
}

void hl_docker_claim_name(struct hl_arena *arena, const char *resource, const struct hl_value *body, struct hl_value *list)
{
    (void)resource;
    hl_docker_claim(arena, hl_value_get(body, "name"), list);
}

void hl_docker_check_external(struct hl_check *check, const struct hl_value *value)
{
    if (hl_value_is(value, HL_BOOL) && !value->boolean)
        return;
    hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "compose's 'external' is not supported"),
                 "what the spec does not declare is taken as it is in Docker: drop this block");
}
