/* References and templates. A scope that knows everything; what comes out of a text without `${` is the text itself. */
#include "config.h"

#include "tests/fuzz/target.h"

#include "schema/reference.h"
#include "schema/words.h"

#include <assert.h>
#include <string.h>

/* A bit of everything, by the name's first letter. */
static struct hl_value *find(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    (void)context;
    assert(reference->kind != NULL && reference->text != NULL);
    switch (reference->name != NULL ? reference->name[0] : '\0') {
    case 'u':
        return hl_value_unknown(arena, reference->text);
    case 's':
        return hl_value_mark_sensitive(hl_value_text(arena, "secret"));
    case 'n':
        return hl_value_null(arena);
    case 'l':
        return hl_value_list(arena);
    case 'x':
        hl_diag_error(diags, at, "there is no '%s'", reference->text);
        return NULL;
    default:
        return hl_value_text(arena, reference->text);
    }
}

static bool knows(void *context, const char *kind)
{
    (void)context;
    return strcmp(kind, "secret") == 0 || strcmp(kind, "var") == 0;
}

static void visit(void *context, const struct hl_reference *reference)
{
    size_t *count = context;

    assert(reference->kind != NULL);
    *count += 1;
}

static bool is_text(const struct hl_value *value, const char *text, size_t size)
{
    return hl_value_is(value, HL_TEXT) && value->text.length == size && (size == 0 || memcmp(value->text.data, text, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_scope scope = {.find = find, .knows = knows};
    const struct hl_span at = {1, 1};
    const char *text = hl_arena_copy(arena, (const char *)data, size);
    struct hl_value *names = hl_value_map(arena);
    struct hl_words words;
    const char *problem = NULL;
    size_t count = 0;
    struct hl_diags diags;

    hl_value_map_put_text(names, "NAME", "value");
    hl_diags_init(&diags, arena, "fuzz");
    struct hl_value *resolved = hl_reference_resolve(arena, text, size, at, &scope, &diags);
    struct hl_value *rendered = hl_template_render(arena, "template", text, size, names, &scope, &diags);
    assert((resolved != NULL && rendered != NULL) || diags.errors > 0);
    if (!hl_reference_has(text, size))
        assert(is_text(resolved, text, size) && is_text(rendered, text, size));
    hl_reference_each(arena, text, size, visit, &count);
    (void)hl_words_split(arena, text, &words, &problem);
    return 0;
}
