#include "config.h"

#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include "tests/unit/schema/kinds.h"

#include <stdio.h>
#include <string.h>

static int differing;

static const char *const environment[] = {"HOME=/root", "EMPTY=", "COUNT=3", NULL};

static const struct {
    const char *path;
    const char *text;
} files[] = {
    {"plain.txt", "nothing to fill in: ${NAME} ${a.b}\n"},
    {"template.conf", "name = ${A}\nkey = ${secret.KEY}\n  other = ${B} $${C}\n"},
    {"broken.conf", "one\n  two ${secret.NONE}\n"},
    {"vars.yaml", "region: north\nsize: 3\nhome: ${env.HOME}\n"},
    {"more.yaml", "region: south\n"},
    {"other.yaml", "unheard: 1\n"},
    {"list.yaml", "- a\n"},
    {"bad.yaml", "a: [1\n"},
};

static bool read_file(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    (void)context;
    for (size_t i = 0; i < HL_COUNT(files); i++) {
        if (strcmp(files[i].path, path) != 0)
            continue;
        *text = hl_arena_strdup(arena, files[i].text);
        *length = strlen(files[i].text);
        return true;
    }
    return hl_fail(err, HL_E_FAILED, "'%s': no such file", path);
}

static const struct hl_files all_files = {.read = read_file};

void hl_world_clear(struct world *world)
{
    hl_arena_free(world->arena);
    world->arena = NULL;
    world->spec = NULL;
}

void hl_world_load(struct world *world, const char *text)
{
    struct hl_spec_source source = {.file = "spec.yaml",
                                    .text = text,
                                    .length = strlen(text),
                                    .files = &all_files,
                                    .variables = world->variables,
                                    .variable_files = world->variable_files,
                                    .environment = environment};

    hl_world_clear(world);
    world->arena = hl_arena_new();
    hl_diags_init(&world->diags, world->arena, "spec.yaml");
    world->spec = hl_spec_load(world->arena, &hl_test_registry, &source, &world->diags);
    assert_true((world->spec == NULL) == (world->diags.errors > 0));
}

const char *hl_findings(const struct hl_diags *diags)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);

    for (size_t i = 0; i < diags->count; i++) {
        const struct hl_diag *diag = &diags->items[i];

        if (diag->file != NULL && strcmp(diag->file, "spec.yaml") != 0)
            hl_text_printf(&text, "%s:", diag->file);
        hl_text_printf(&text, "%u:%u: %s: %s", diag->at.line, diag->at.column, diag->severity == HL_SEVERITY_ERROR ? "error" : "warning", diag->message);
        if (diag->hint != NULL)
            hl_text_printf(&text, " (%s)", diag->hint);
        hl_text_putc(&text, '\n');
    }
    return hl_arena_strdup(diags->arena, hl_text_get(&text));
}

static void show(struct hl_text *out, struct hl_arena *arena, const struct hl_value *value)
{
    const char *text;

    if (value == NULL) {
        hl_text_puts(out, "-");
        return;
    }
    hl_text_puts(out, value->sensitive ? "!" : "");
    switch (value->type) {
    case HL_LIST:
        hl_text_putc(out, '[');
        for (size_t i = 0; i < value->list.count; i++) {
            hl_text_puts(out, i == 0 ? "" : ",");
            show(out, arena, value->list.items[i]);
        }
        hl_text_putc(out, ']');
        break;
    case HL_MAP:
        hl_text_putc(out, '{');
        for (size_t i = 0; i < value->map->count; i++) {
            hl_text_printf(out, "%s%s:", i == 0 ? "" : ",", value->map->entries[i].key);
            show(out, arena, value->map->entries[i].value);
        }
        hl_text_putc(out, '}');
        break;
    case HL_UNKNOWN:
        hl_text_printf(out, "?%s", value->unknown);
        break;
    case HL_TEXT:
        hl_text_printf(out, "'%s'", value->text.data);
        break;
    case HL_NULL:
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
    case HL_TYPES:
        text = hl_value_to_text(arena, value);
        hl_text_puts(out, value->type == HL_NULL || text == NULL ? "null" : text);
        break;
    }
}

const char *hl_shown(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);

    show(&text, arena, value);
    return hl_arena_strdup(arena, hl_text_get(&text));
}

void hl_expect_text(const char *label, const char *expected, const char *actual)
{
    if (strcmp(expected, actual) == 0)
        return;
    print_error("%s\n--- expected\n%s\n--- actual\n%s\n", label, expected, actual);
    differing++;
}

void hl_expect_end(void)
{
    int count = differing;

    differing = 0;
    assert_int_equal(count, 0);
}
