#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "schema/base/json.h"
#include "tests/unit/schema/kinds.h"
#include "tests/unit/schema/world.h"

#include <string.h>

static const struct {
    const char *topic;
    bool found;
    const char *parts[4]; /* of the text, in this order */
} topics[] = {
    {NULL, true, {"Kinds of resources:", "container     a program in a box (containers:)", "Types of providers:", "settings "}},
    {"container", true, {"container: a program in a box", "image: nginx:1.27", "image         text; required; a change replaces it", "Known when it exists"}},
    {"containers", true, {"container: a program in a box", "  id            text\n"}},
    {"token", true, {"provider        of type cloud", "provider        of type vault"}},
    {"container.ports",
     true,
     {"container.ports: ports to publish", "items also in a short form", "ports: [\"8080:80\"]", "target        whole number; required"}},
    {"container.healthcheck.interval", true, {"duration", "default 30s"}},
    {"container.when", true, {"it exists only while this holds"}},
    {"container.id", true, {"known when it exists"}},
    {"router.TLS.certresolver", true, {"who makes the certificate"}},
    {"providers.cloud", true, {"url: https://cloud.example.org", "token         text; never shown", "parallel"}},
    {"providers.cloud.token", true, {"what to sign in with", "never shown"}},
    {"providers", true, {"the systems"}},
    {"settings", true, {"max_destroy", "parallel      whole number; default 10"}},
    {"settings.parallel", true, {"1 to 1000"}},
    {"variables", true, {"default       anything"}},
    {"contaner", false, {"did you mean 'container'?"}},
    {"container.prots", false, {"did you mean 'ports'?"}},
    {"container.ports.targt", false, {"did you mean 'target'?"}},
    {"container.state", false, {"nothing to explain"}},
    {"providers.nas", false, {"they are box, cloud, vault"}},
    {"settings.paralel", false, {"did you mean 'parallel'?"}},
    {"", true, {"Kinds of resources:"}},
    {".", false, {"nothing to explain"}},
};

static void topics_are_explained(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(topics); i++) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);
        const char *label = topics[i].topic == NULL ? "(none)" : topics[i].topic;
        const char *at;

        if (hl_emit_explain(&text, &hl_test_registry, topics[i].topic) != topics[i].found)
            hl_expect_text(label, topics[i].found ? "found" : "not found", hl_text_get(&text));
        at = hl_text_get(&text);
        for (size_t j = 0; j < HL_COUNT(topics[i].parts) && topics[i].parts[j] != NULL && at != NULL; j++) {
            at = strstr(at, topics[i].parts[j]);
            if (at == NULL)
                hl_expect_text(label, topics[i].parts[j], hl_text_get(&text));
        }
    }
    hl_expect_end();
}

static const struct hl_value *load_schema(struct hl_arena *arena)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 24);
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *schema = NULL;

    hl_emit_json_schema(&text, &hl_test_registry);
    assert_true(hl_text_ok(&text));
    assert_true(hl_json_decode(arena, hl_text_get(&text), text.length, &schema, &error));
    return schema;
}

static const char *json_of(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);

    hl_json_encode(&text, value, HL_JSON_COMPACT);
    return hl_arena_strdup(arena, hl_text_get(&text));
}

static const struct {
    const char *definition;
    const char *path; /* below $defs/definition */
    const char *json;
} parts[] = {
    {"container", "additionalProperties", "false"},
    {"container", "required", "[\"image\"]"},
    {"container", "properties.image.description", "\"what runs (a change replaces it)\""},
    {"container", "properties.image.examples", "[\"nginx:1.27\"]"},
    {"container", "properties.image.type", "[\"string\",\"number\",\"boolean\"]"},
    {"container", "properties.restart.default", "\"no\""},
    {"container", "properties.restart.anyOf.0.anyOf.0.enum", "[\"no\",\"always\",\"on-failure\",\"unless-stopped\"]"},
    {"container", "properties.privileged.anyOf.0.type", "[\"boolean\",\"string\"]"},
    {"container", "properties.privileged.default", "false"},
    {"container", "properties.ports.anyOf.0.anyOf.0.items.anyOf.0.$ref", "\"#/$defs/container.ports\""},
    {"container", "properties.ports.anyOf.0.anyOf.0.items.anyOf.1.type", "[\"string\",\"number\"]"},
    {"container", "properties.environment.anyOf.0.anyOf.1.type", "\"array\""},
    {"container", "properties.healthcheck.anyOf.0.anyOf.1.type", "\"boolean\""},
    {"container", "properties.dns.anyOf.0.anyOf.1.type", "[\"string\",\"number\",\"boolean\"]"},
    {"container", "properties.command.anyOf.0.anyOf.1.type", "\"string\""},
    {"container", "properties.when.description", "\"it exists only while this holds: false, null, \\\"\\\", \\\"false\\\" and \\\"0\\\" do not\""},
    {"container.ports", "properties.target.minimum", "1"},
    {"container.ports", "required", "[\"target\"]"},
    {"router", "patternProperties.^[rR][uU][lL][eE]$.$ref", "\"#/$defs/router/properties/rule\""},
    {"token@vault", "description", "\"a token of the vault\""},
    {"providers.cloud", "properties.type.const", "\"cloud\""},
    {"providers.cloud", "required", "[\"url\"]"},
    {"reference", "pattern", "\"\\\\$\\\\{\""},
};

static void the_schema_says_what_the_tables_say(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *schema = load_schema(arena);

    assert_string_equal(hl_value_get_text(schema, "$schema"), "https://json-schema.org/draft/2020-12/schema");
    for (size_t i = 0; i < HL_COUNT(parts); i++) {
        const struct hl_value *definition = hl_value_get(hl_value_get(schema, "$defs"), parts[i].definition);
        const struct hl_value *part = hl_value_find_path(definition, parts[i].path);

        hl_expect_text(parts[i].path, parts[i].json, part == NULL ? "(absent)" : json_of(arena, part));
    }
    hl_expect_end();
}

static void internal_and_computed_fields_are_not_in_the_schema(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *properties = hl_value_get(hl_value_get(hl_value_get(load_schema(arena), "$defs"), "container"), "properties");

    assert_non_null(hl_value_get(properties, "image"));
    assert_null(hl_value_get(properties, "state"));
    assert_null(hl_value_get(properties, "id"));
}

/* Every $ref leads to a definition. */
static void check_references(const struct hl_value *definitions, const struct hl_value *value)
{
    const char *target = hl_value_get_text(value, "$ref");

    if (target != NULL) {
        char name[128];

        assert_true(hl_starts_with(target, "#/$defs/"));
        target += strlen("#/$defs/");
        memcpy(name, target, strcspn(target, "/"));
        name[strcspn(target, "/")] = '\0';
        assert_non_null(hl_value_get(definitions, name));
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        check_references(definitions, hl_value_is(value, HL_LIST) ? hl_value_item(value, i) : hl_value_at(value, i));
}

static void every_reference_of_the_schema_leads_somewhere(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *schema = load_schema(arena);

    check_references(hl_value_get(schema, "$defs"), schema);
}

static void the_reference_has_a_part_for_each_kind(void **state HL_UNUSED)
{
    static const char *const needles[] = {"# Reference\n",
                                          "\n## container\n",
                                          "```yaml\ncontainers:\n  example:\n    image: nginx:1.27\n",
                                          "| `image` | text | required; a change replaces it |",
                                          "no \\| always",
                                          "\n### `container.ports`, each\n",
                                          "### Outputs of a container",
                                          "\n## Provider cloud\n"};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);
    const char *at;

    hl_emit_reference(&text, &hl_test_registry);
    at = hl_text_get(&text);
    for (size_t i = 0; i < HL_COUNT(needles); i++) {
        if (strstr(at, needles[i]) == NULL)
            hl_expect_text("reference", needles[i], "(absent)");
    }
    assert_null(strstr(at, "`rendered`"));
    hl_expect_end();
}

int hl_test_emit(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_explained),
        cmocka_unit_test(the_schema_says_what_the_tables_say),
        cmocka_unit_test(internal_and_computed_fields_are_not_in_the_schema),
        cmocka_unit_test(every_reference_of_the_schema_leads_somewhere),
        cmocka_unit_test(the_reference_has_a_part_for_each_kind),
    };

    return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
