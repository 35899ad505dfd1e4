#include "config.h"

#include "schema/decode.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/kinds.h"
#include "tests/unit/schema/world.h"

#include <string.h>

/* A field, its value in YAML, and how that is written. */
static const struct {
    const char *field;
    const char *yaml;
    const char *expected;
} rows[] = {
    {"template", "a b", "a b"},
    {"template", "nginx:1.27", "nginx:1.27"},
    {"template", "\"\"", "\"\""},
    {"template", "\"true\"", "\"true\""},
    {"template", "\"a: b\"", "\"a: b\""},
    {"template", "\"a # b\"", "\"a # b\""},
    {"template", "\"- a\"", "\"- a\""},
    {"template", "--flag", "--flag"},
    {"template", "\"a\\nb\"", "\"a\\nb\""},
    {"template", "\"*.x\"", "\"*.x\""},
    {"privileged", "true", "true"},
    {"memory", "512m", "512m"},
    {"memory", "1536m", "1536m"},
    {"memory", "1000", "1000"},
    {"memory", "2g", "2g"},
    {"memory", "0", "0"},
    {"cpus", "0.5", "0.5"},
    {"cpus", "2", "2"},
    {"caps", "[b, a]", "[a, b]"},
    {"caps", "[\"a, b\", \"[\"]", "[\"[\", \"a, b\"]"},
    {"environment", "{B: 1, \"A B\": x y, \"c,d\": \"\"}", "{B: 1, A B: x y, \"c,d\": \"\"}"},
    {"healthcheck", "{interval: 90s, retries: 2}", "{interval: 90s, retries: 2}"},
    {"networks", "[a]", "{a: {}}"},
    {"extra", "[1, \"1\", 1.5, \"1.5\", true, null]", "[1, \"1\", 1.5, \"1.5\", true, null]"},
    {"password", "hush", "(sensitive)"},
    {"pin", "1", "(sensitive)"},
};

static const struct hl_field *field_of(const char *name)
{
    return hl_field_find(hl_test_container_fields, name, false);
}

static struct hl_value *decode(struct hl_arena *arena, const struct hl_field *field, const char *yaml)
{
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags};
    struct hl_value *value;

    hl_diags_init(&diags, arena, NULL);
    value = hl_decode_field(&check, hl_reader_parse(arena, yaml, strlen(yaml), &diags), field, NULL);
    assert_string_equal(hl_findings(&diags), "");
    return value;
}

static void values_are_written_as_the_spec_would(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);
        const struct hl_field *field = field_of(rows[i].field);

        hl_field_format(&text, field, decode(arena, field, rows[i].yaml));
        hl_expect_text(rows[i].yaml, rows[i].expected, hl_text_get(&text));
    }
    hl_expect_end();
}

/* What is written reads back as the same value. */
static void what_is_written_reads_back(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);
        const struct hl_field *field = field_of(rows[i].field);
        const struct hl_value *value = decode(arena, field, rows[i].yaml);

        if (field->sensitive)
            continue;
        hl_field_format(&text, field, value);
        if (!hl_value_equal(value, decode(arena, field, hl_text_get(&text))))
            hl_expect_text(rows[i].yaml, "the same value", hl_text_get(&text));
    }
    hl_expect_end();
}

static void unknown_values_say_what_they_wait_for(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);

    hl_field_format(&text, field_of("template"), hl_value_unknown(arena, "container.x.id"));
    hl_text_putc(&text, ' ');
    hl_field_format(&text, field_of("template"), NULL);
    assert_string_equal(hl_text_get(&text), "(known after apply: container.x.id) null");
}

static const struct {
    const char *label;
    struct hl_field field;
    const char *expected;
} fallbacks[] = {
    {"none", {.name = "x", .type = HL_F_STRING}, "-"},
    {"text", {.name = "x", .type = HL_F_STRING, .fallback = "{{x}}"}, "'{{x}}'"},
    {"empty", {.name = "x", .type = HL_F_STRING, .fallback = ""}, "''"},
    {"bool", {.name = "x", .type = HL_F_BOOL, .fallback = "false"}, "false"},
    {"duration", {.name = "x", .type = HL_F_DURATION, .fallback = "30s"}, "30000"},
    {"size", {.name = "x", .type = HL_F_SIZE, .fallback = "64m"}, "67108864"},
    {"list", {.name = "x", .type = HL_F_LIST, .item = HL_F_STRING, .fallback = "[b, a]"}, "['b','a']"},
    {"set", {.name = "x", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .fallback = "[b, a]"}, "['a','b']"},
    {"map", {.name = "x", .type = HL_F_MAP, .item = HL_F_INT, .fallback = "{}"}, "{}"},
    {"any", {.name = "x", .type = HL_F_ANY, .fallback = "5"}, "5"},
};

static void fallbacks_are_values(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(fallbacks); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();

        hl_expect_text(fallbacks[i].label, fallbacks[i].expected, hl_shown(arena, hl_field_fallback(arena, &fallbacks[i].field)));
    }
    hl_expect_end();
}

int hl_test_field_format(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_the_spec_would),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(unknown_values_say_what_they_wait_for),
        cmocka_unit_test(fallbacks_are_values),
    };

    return cmocka_run_group_tests_name("field_format", tests, NULL, NULL);
}
