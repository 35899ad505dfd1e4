#include "config.h"

#include "schema/reference.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

/* var.* and thing.* exist; a `var.NAME` is its name, but for some with a type of their own. */
static struct hl_value *find(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    const char *name = reference->name;
    struct hl_value *list = hl_value_list(arena);

    (void)context;
    if (strcmp(reference->kind, "env") == 0)
        return hl_value_text(arena, reference->fallback != NULL ? reference->fallback : "env");
    if (strcmp(reference->kind, "thing") == 0)
        return hl_value_unknown(arena, reference->text);
    if (strcmp(reference->kind, "secret") == 0)
        return hl_value_mark_sensitive(hl_value_text(arena, "s3"));
    if (strcmp(reference->kind, "var") != 0) {
        hl_diag_error(diags, at, "no kind '%s' (name '%s', output '%s')", reference->kind, name, reference->output == NULL ? "-" : reference->output);
        return NULL;
    }
    if (strcmp(name, "int") == 0)
        return hl_value_int(arena, 5);
    if (strcmp(name, "yes") == 0)
        return hl_value_bool(arena, true);
    if (strcmp(name, "null") == 0)
        return hl_value_null(arena);
    if (strcmp(name, "list") == 0) {
        hl_value_list_add(arena, list, hl_value_int(arena, 1));
        return list;
    }
    return hl_value_text(arena, name);
}

static bool knows(void *context, const char *kind)
{
    (void)context;
    return strcmp(kind, "thing") == 0 || strcmp(kind, "secret") == 0;
}

static const struct hl_scope scope = {.find = find, .knows = knows};

#define FORMS " (references are ${kind.name.output}, ${var.NAME} and ${env.NAME}; $${ is a literal ${)"

static const struct {
    const char *text;
    const char *expected;
} rows[] = {
    {"", "''"},
    {"plain $ {text} $x", "'plain $ {text} $x'"},
    {"${var.a}", "'a'"},
    {"${var.int}", "5"},
    {"${var.yes}", "true"},
    {"${var.null}", "null"},
    {"${var.list}", "[1]"},
    {"a${var.b}c", "'abc'"},
    {"${var.a}${var.b}", "'ab'"},
    {"${var.int}0 ${var.yes} <${var.null}>", "'50 true <>'"},
    {"$${var.a}", "'${var.a}'"},
    {"$${a ${var.b}", "'${a b'"},
    {"${var.a}$${x}", "'a${x}'"},
    {"$$x", "'$$x'"},
    {"${thing.x.id}", "?thing.x.id"},
    {"a ${thing.x.id} ${thing.y.id}", "?thing.x.id"},
    {"${secret.k}", "!'s3'"},
    {"x${secret.k}", "!'xs3'"},
    {"${secret.k} ${thing.x}", "!?thing.x"},
    {"${env.X}", "'env'"},
    {"${env.X:-a b.c:-d}", "'a b.c:-d'"},
    {"${env.X:-}", "''"},
    {"${no.x.y.z}", "-0:0: error: no kind 'no' (name 'x', output 'y.z')\n"},
    {"${no.x} and ${no.y}", "-0:0: error: no kind 'no' (name 'x', output '-')\n0:0: error: no kind 'no' (name 'y', output '-')\n"},
    {"x${var.list}", "-0:0: error: '${var.list}' is a list and cannot stand within a text\n"},
    {"${NAME}",
     "-0:0: error: '${NAME}' is no reference (write ${env.NAME} for the environment, ${var.NAME} for a variable, or $${NAME} for the text itself)\n"},
    {"${}", "-0:0: error: '${}' is no reference" FORMS "\n"},
    {"${var.}", "-0:0: error: '${var.}' is no reference" FORMS "\n"},
    {"${.x}", "-0:0: error: '${.x}' is no reference" FORMS "\n"},
    {"${thing.x.}", "-0:0: error: '${thing.x.}' is no reference" FORMS "\n"},
    {"${Thing.x}", "-0:0: error: '${Thing.x}' is no reference" FORMS "\n"},
    {"${ var.x }", "-0:0: error: '${ var.x }' is no reference" FORMS "\n"},
    {"${env.A-b}", "-0:0: error: '${env.A-b}' is no reference" FORMS "\n"},
    {"${var.x:-y}", "-0:0: error: '${var.x:-y}' is no reference (only the environment has fallbacks: ${env.NAME:-fallback})\n"},
    {"${X:-y}", "-0:0: error: '${X:-y}' is no reference (only the environment has fallbacks: ${env.NAME:-fallback})\n"},
    {"a ${var.x", "-0:0: error: '${' without '}' (write $${ for the text '${' itself)\n"},
};

static void texts_become_values(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_diags diags;
        const struct hl_value *value;
        const char *text = rows[i].text;

        hl_diags_init(&diags, arena, NULL);
        value = hl_reference_resolve(arena, text, strlen(text), (struct hl_span){.line = 0}, &scope, &diags);
        hl_expect_text(text, rows[i].expected, hl_arena_printf(arena, "%s%s", hl_shown(arena, value), hl_findings(&diags)));
    }
    hl_expect_end();
}

static void there_are_no_references_without_a_scope(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_diags_init(&diags, arena, NULL);
    assert_null(hl_reference_resolve(arena, "${var.x}", 8, (struct hl_span){.line = 0}, NULL, &diags));
    assert_string_equal(hl_findings(&diags), "0:0: error: '${var.x}': references cannot be used here\n");
}

static const struct {
    const char *label;
    const char *text;
    const char *expected;
} templates[] = {
    {"names", "a=${A} b=${B}", "'a=1 b=${B}'"},
    {"references", "k=${var.x}\n", "'k=x\n'"},
    {"other kinds are left", "${spring.url} ${a.b.c} ${} ${x:-y} ${", "'${spring.url} ${a.b.c} ${} ${x:-y} ${'"},
    {"a literal", "$${A} $${var.x}", "'${A} ${var.x}'"},
    {"secrets", "x ${secret.k}", "!'x s3'"},
    {"unknown", "x ${thing.a.b}", "?thing.a.b"},
    {"an unknown name", "x ${U}", "?thing.u"},
    {"a secret name", "x ${S}", "!'x hush'"},
    {"places are the file's", "one\n two ${var.list}\n", "-file:2:6: error: '${var.list}' is a list and cannot stand within a text\n"},
};

static void templates_leave_what_is_not_theirs(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(templates); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_value *names = hl_value_map(arena);
        struct hl_diags diags;
        const struct hl_value *value;

        hl_diags_init(&diags, arena, "spec.yaml");
        hl_value_map_put_int(names, "A", 1);
        hl_value_map_put(names, "U", hl_value_unknown(arena, "thing.u"));
        hl_value_map_put(names, "S", hl_value_mark_sensitive(hl_value_text(arena, "hush")));
        value = hl_template_render(arena, "file", templates[i].text, strlen(templates[i].text), names, &scope, &diags);
        hl_expect_text(templates[i].label, templates[i].expected, hl_arena_printf(arena, "%s%s", hl_shown(arena, value), hl_findings(&diags)));
        assert_string_equal(diags.file, "spec.yaml");
    }
    hl_expect_end();
}

static void visit(void *context, const struct hl_reference *reference)
{
    hl_text_printf(context, "<%s>", reference->text);
}

static void each_reference_is_visited(void **state HL_UNUSED)
{
    static const char text[] = "${var.a} $${var.b} ${C} ${thing.d.e}${env.F:-g} ${";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text seen = HL_TEXT_INIT(1024);

    hl_reference_each(arena, text, strlen(text), visit, &seen);
    assert_string_equal(hl_text_get(&seen), "<var.a><thing.d.e><env.F:-g>");
    assert_false(hl_reference_has("$ {", 3));
    assert_false(hl_reference_has("a$", 2));
    assert_true(hl_reference_has("a$${", 4));
}

int hl_test_reference(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_values),
        cmocka_unit_test(there_are_no_references_without_a_scope),
        cmocka_unit_test(templates_leave_what_is_not_theirs),
        cmocka_unit_test(each_reference_is_visited),
    };

    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
