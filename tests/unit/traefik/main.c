#include "config.h"

#include "tests/unit/traefik/tests.h"

#include <string.h>

/* No references in these specs. */
static struct hl_value *find_nothing(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    (void)context;
    (void)arena;
    hl_diag_error(diags, at, "unexpected reference '%s'", reference->text);
    return NULL;
}

static const struct hl_scope scope = {.find = find_nothing};

struct hl_value *hl_test_decode(struct hl_arena *arena, const struct hl_kind *kind, const char *name, const char *yaml, struct hl_diags *diags)
{
    struct hl_check check = {.arena = arena, .diags = diags, .scope = &scope, .name = name, .address = name};

    hl_diags_init(diags, arena, "spec.yaml");
    const struct hl_node *node = hl_reader_parse(arena, yaml, strlen(yaml), diags);

    if (node == NULL)
        return NULL;
    struct hl_value *body = hl_decode_object(&check, node, kind->fields, kind->forms, true, hl_arena_printf(arena, "%s '%s'", kind->name, name));

    check.whole = body;
    if (diags->errors == 0) /* as the loader does */
        kind->check(&check, body);
    hl_diags_sort(diags);
    return body;
}

bool hl_test_covers(const struct hl_value *live, const struct hl_value *desired)
{
    if (!hl_value_is(desired, HL_MAP) || hl_value_count(desired) == 0)
        return hl_value_equal(live, desired);
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        if (!hl_test_covers(hl_value_get(live, hl_value_key(desired, i)), hl_value_at(desired, i)))
            return false;
    }
    return true;
}

int main(void)
{
    static int (*const groups[])(void) = {hl_test_rule, hl_test_regexp, hl_test_kinds, hl_test_document, hl_test_provider};
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
