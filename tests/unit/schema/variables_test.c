#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

enum { MOST = 3 };

/* The variables' lines (from line 3 on), what is given besides, and the value of `v` or the findings. */
static const struct {
    const char *label;
    const char *text;
    const char *given[MOST];
    const char *files[MOST];
    const char *expected;
} rows[] = {
    {"a bare default", "variables: {v: a}\n", {NULL}, {NULL}, "'a'"},
    {"a number", "variables: {v: 5}\n", {NULL}, {NULL}, "5"},
    {"a list", "variables: {v: [a, 1]}\n", {NULL}, {NULL}, "['a',1]"},
    {"the long form", "variables: {v: {default: a, description: d}}\n", {NULL}, {NULL}, "'a'"},
    {"a mapping", "variables: {v: {default: {a: 1}}}\n", {NULL}, {NULL}, "{a:1}"},
    {"sensitive", "variables: {v: {default: a, sensitive: true}}\n", {NULL}, {NULL}, "!'a'"},
    {"no default", "variables: {v: {description: d}}\n", {NULL}, {NULL}, "null"},
    {"nothing at all", "variables: {v: }\n", {NULL}, {NULL}, "null"},
    {"from the environment", "variables: {v: \"${env.HOME}/x\"}\n", {NULL}, {NULL}, "'/root/x'"},
    {"given", "variables: {v: a}\n", {"v=b=c"}, {NULL}, "'b=c'"},
    {"given and sensitive", "variables: {v: {default: a, sensitive: true}}\n", {"v=b"}, {NULL}, "!'b'"},
    {"given as a number is text", "variables: {v: 1}\n", {"v=1.10"}, {NULL}, "'1.10'"},
    {"given empty", "variables: {v: 1}\n", {"v="}, {NULL}, "''"},
    {"given twice: the last", "variables: {v: 1}\n", {"v=a", "v=b"}, {NULL}, "'b'"},
    {"required and given", "variables: {v: {required: true}}\n", {"v=b"}, {NULL}, "'b'"},
    {"required with a default", "variables: {v: {required: true, default: a}}\n", {NULL}, {NULL}, "'a'"},
    {"from a file", "variables: {v: 1, region: 2, size: 3, home: 4}\nx-v: 1\n", {NULL}, {"vars.yaml"}, "1"},
    {"overridden, the environment does not matter", "variables: {v: \"${env.NOPE}\"}\n", {"v=b"}, {NULL}, "'b'"},
    {"unused, the environment does not matter", "variables: {v: 1, w: \"${env.NOPE}\"}\n", {NULL}, {NULL}, "1"},
    {"required",
     "variables: {v: {required: true}}\nnetworks: {n: {subnet: \"${var.v}\"}}\n",
     {NULL},
     {NULL},
     "3:13: error: variable 'v' is required and has no value (give it with --var v=... or in a file with --var-file)\n"},
    {"used, the environment lacks it",
     "variables: {v: \"${env.NOPE}\"}\nnetworks: {n: {subnet: \"${var.v}\"}}\n",
     {NULL},
     {NULL},
     "4:24: error: variable 'v' takes its default from 'NOPE', which is not set in the environment\n"},
    {"of another variable",
     "variables: {w: 1, v: \"${var.w}\"}\n",
     {NULL},
     {NULL},
     "3:22: error: '${var.w}' cannot be used in a variable's default (only ${env.NAME} can)\n"},
    {"of a resource",
     "variables: {v: \"${secret.S}\"}\n",
     {NULL},
     {NULL},
     "3:16: error: '${secret.S}' cannot be used in a variable's default (only ${env.NAME} can)\n"},
    {"a mapping as the value",
     "variables: {v: {a: 1}}\n",
     {NULL},
     {NULL},
     "3:13: error: variable 'v' has neither a default nor a description (a mapping as the value goes under 'default:')\n"},
    {"an unknown key",
     "variables: {v: {default: 1, sensitiv: true}}\n",
     {NULL},
     {NULL},
     "3:29: error: unknown key 'sensitiv' in variable 'v' (did you mean 'sensitive'?)\n"},
    {"a bad name",
     "variables: {v: 1, 1a: 2, a.b: 3}\n",
     {NULL},
     {NULL},
     "3:19: error: '1a' is no name for a variable: letters, digits, '_' and '-', not beginning with a digit\n"
     "3:26: error: 'a.b' is no name for a variable: letters, digits, '_' and '-', not beginning with a digit\n"},
    {"given without being there",
     "variables: {v: 1, region: 2}\n",
     {"regoin=x"},
     {NULL},
     "0:0: error: --var regoin: there is no variable 'regoin' (did you mean 'region'?)\n"},
    {"given without a value", "variables: {v: 1}\n", {"v"}, {NULL}, "0:0: error: --var must be NAME=VALUE, found 'v'\n"},
    {"given without a name", "variables: {v: 1}\n", {"=hush"}, {NULL}, "0:0: error: --var must be NAME=VALUE, found '=...'\n"},
    {"a file that is not there", "variables: {v: 1}\n", {NULL}, {"none.yaml"}, "none.yaml:0:0: error: 'none.yaml': no such file\n"},
    {"a file that is no mapping",
     "variables: {v: 1}\n",
     {NULL},
     {"list.yaml"},
     "list.yaml:1:1: error: a variable file must be a mapping of names to values, found a list\n"},
    {"a file that is no YAML",
     "variables: {v: 1}\n",
     {NULL},
     {"bad.yaml"},
     "bad.yaml:2:1: error: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence that began on line 1 (look for a bracket or quote "
     "that is not closed, or a comma that is missing)\n"},
};

static void where_values_come_from(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(world) struct world world = {.variables = rows[i].given, .variable_files = rows[i].files};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);

        hl_text_printf(&text, HEAD "%s", rows[i].text);
        hl_world_load(&world, hl_text_get(&text));
        hl_expect_text(rows[i].label, rows[i].expected,
                       world.spec != NULL ? hl_shown(world.arena, hl_map_find(&world.spec->variables, "v")) : hl_findings(&world.diags));
    }
    hl_expect_end();
}

static void later_files_and_arguments_win(void **state HL_UNUSED)
{
    static const char *const files[] = {"vars.yaml", "more.yaml", NULL};
    static const char *const given[] = {"size=9", NULL};
    hl_auto(world) struct world world = {.variables = given, .variable_files = files};

    hl_world_load(&world, HEAD "variables: {region: a, size: b, home: c}\n");
    assert_non_null(world.spec);
    assert_string_equal(hl_shown(world.arena, hl_map_find(&world.spec->variables, "region")), "'south'");
    assert_string_equal(hl_shown(world.arena, hl_map_find(&world.spec->variables, "size")), "'9'");
    assert_string_equal(hl_shown(world.arena, hl_map_find(&world.spec->variables, "home")), "'/root'");
}

static void a_file_may_say_more_than_a_spec_knows(void **state HL_UNUSED)
{
    static const char *const files[] = {"other.yaml", NULL};
    hl_auto(world) struct world world = {.variable_files = files};

    hl_world_load(&world, HEAD);
    assert_non_null(world.spec);
    assert_string_equal(hl_findings(&world.diags), "other.yaml:1:1: warning: there is no variable 'unheard' in spec.yaml\n");
}

int hl_test_variables(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_values_come_from),
        cmocka_unit_test(later_files_and_arguments_win),
        cmocka_unit_test(a_file_may_say_more_than_a_spec_knows),
    };

    return cmocka_run_group_tests_name("variables", tests, NULL, NULL);
}
