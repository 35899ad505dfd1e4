/* Decoding a loaded spec again, with what is known by then. */
#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

static const char spec_text[] = HEAD "variables: {off: false, zero: 0, text: x}\n"
                                     "secrets: {S: {env: X}, NONE: {env: X, optional: true}}\n"
                                     "networks: {n: }\n"
                                     "providers: {cloud: {url: \"https://${network.n.id}\", token: \"${secret.S}\"}}\n"
                                     "containers:\n"
                                     "  a:\n"
                                     "    image: \"i:${network.n.id}\"\n"
                                     "    environment: {S: \"${secret.S}\", N: \"${secret.NONE}\", T: \"x${secret.NONE}\", W: \"${container.b.id}\"}\n"
                                     "    extra: \"${container.b.address}\"\n"
                                     "    memory: \"${container.b.memory}\"\n"
                                     "  b: {image: i}\n"
                                     "outputs: {o: \"${secret.S}\", p: {value: {x: \"${network.n.id}\"}, sensitive: true}, q: \"${container.b.id}\"}\n";

/* Network and secret are there, container b is not yet. */
static struct hl_value *find(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    struct hl_value *map = hl_value_map(arena);

    (void)context;
    if (strcmp(address, "network.n") == 0 && strcmp(output, "id") == 0)
        return hl_value_text(arena, "n1");
    if (strcmp(address, "secret.S") == 0 && strcmp(output, "value") == 0)
        return hl_value_text(arena, "hush");
    if (strcmp(address, "secret.NONE") == 0)
        return hl_value_null(arena);
    if (strcmp(address, "container.b") == 0 && strcmp(output, "address") == 0) {
        hl_value_map_put_text(map, "net", "10.0.0.2");
        return map;
    }
    if (strcmp(address, "container.b") == 0 && strcmp(output, "memory") == 0)
        return hl_value_text(arena, "much");
    return hl_value_unknown(arena, hl_arena_printf(arena, "%s.%s", address, output));
}

static const struct hl_outputs outputs = {.find = find};

static void bodies_take_what_is_known(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    const struct hl_resource *resource;

    hl_world_load(&world, spec_text);
    assert_string_equal(hl_findings(&world.diags), "");
    hl_diags_init(&diags, arena, "spec.yaml");
    resource = hl_spec_find(world.spec, "container.a");
    assert_string_equal(hl_shown(arena, resource->value),
                        "{image:?network.n.id,environment:{S:!?secret.S,N:!?secret.NONE,T:!?secret.NONE,W:?container.b.id},memory:?container.b.memory,"
                        "extra:?container.b.address,state:'running'}");
    assert_string_equal(hl_shown(arena, hl_spec_decode(world.spec, resource, arena, &outputs, &diags)),
                        "{image:'i:n1',environment:{S:!'hush',T:!'x',W:?container.b.id},extra:{net:'10.0.0.2'},state:'running'}");
    assert_string_equal(hl_findings(&diags), "12:13: error: 'memory' of container 'a' must be a size like 512m or 2g, found 'much'\n");
    assert_string_equal(diags.items[0].address, "container.a");
}

static void providers_take_what_is_known(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_world_load(&world, spec_text);
    hl_diags_init(&diags, arena, "spec.yaml");
    assert_string_equal(hl_shown(arena, hl_spec_decode_provider(world.spec, hl_map_find(&world.spec->providers, "cloud"), arena, &outputs, &diags)),
                        "{url:'https://n1',token:!'hush'}");
    assert_int_equal(diags.count, 0);
}

static void outputs_take_what_is_known(void **state HL_UNUSED)
{
    static const char *const expected[] = {"!'hush'", "!{x:!'n1'}", "?container.b.id"};
    hl_auto(world) struct world world = {.arena = NULL};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;

    hl_world_load(&world, spec_text);
    hl_diags_init(&diags, arena, "spec.yaml");
    assert_int_equal(world.spec->outputs_count, HL_COUNT(expected));
    for (size_t i = 0; i < HL_COUNT(expected); i++)
        hl_expect_text(world.spec->outputs[i].name, expected[i], hl_shown(arena, hl_spec_output(world.spec, &world.spec->outputs[i], arena, &outputs, &diags)));
    hl_expect_end();
    assert_int_equal(diags.count, 0);
}

static const struct {
    const char *when;
    enum hl_truth truth;
    const char *waits_for;
} rows[] = {
    {"", HL_TRUTH_YES, NULL},
    {"when: true", HL_TRUTH_YES, NULL},
    {"when: false", HL_TRUTH_NO, NULL},
    {"when: \"false\"", HL_TRUTH_NO, NULL},
    {"when: 0", HL_TRUTH_NO, NULL},
    {"when: \"0\"", HL_TRUTH_NO, NULL},
    {"when: 1", HL_TRUTH_YES, NULL},
    {"when: \"\"", HL_TRUTH_NO, NULL},
    {"when: null", HL_TRUTH_YES, NULL},
    {"when: no", HL_TRUTH_YES, NULL},
    {"when: ${var.off}", HL_TRUTH_NO, NULL},
    {"when: ${var.zero}", HL_TRUTH_NO, NULL},
    {"when: ${var.text}", HL_TRUTH_YES, NULL},
    {"when: ${secret.S}", HL_TRUTH_YES, NULL},
    {"when: ${secret.NONE}", HL_TRUTH_NO, NULL},
    {"when: x${secret.NONE}", HL_TRUTH_YES, NULL},
    {"when: ${container.b.id}", HL_TRUTH_UNKNOWN, "container.b.id"},
    {"when: [x, \"${container.b.id}\"]", HL_TRUTH_UNKNOWN, "container.b.id"},
};

static void when_holds_or_does_not_or_waits(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(world) struct world world = {.arena = NULL};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);
        const char *waits_for = "unset";
        enum hl_truth truth;

        hl_text_printf(&text, "%s  w:\n    image: i\n%s%s\n",
                       HEAD "variables: {off: false, zero: 0, text: x}\nsecrets: {S: {env: X}, NONE: {env: X}}\ncontainers:\n  b: {image: i}\n",
                       rows[i].when[0] == '\0' ? "" : "    ", rows[i].when);
        hl_world_load(&world, hl_text_get(&text));
        assert_non_null(world.spec);
        truth = hl_spec_when(world.spec, hl_spec_find(world.spec, "container.w"), world.arena, &outputs, &waits_for);
        hl_expect_text(rows[i].when, rows[i].waits_for == NULL ? "-" : rows[i].waits_for, waits_for == NULL ? "-" : waits_for);
        if (truth != rows[i].truth)
            hl_expect_text(rows[i].when, "another truth", truth == HL_TRUTH_YES ? "yes" : truth == HL_TRUTH_NO ? "no" : "unknown");
    }
    hl_expect_end();
}

int hl_test_later(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_take_what_is_known),
        cmocka_unit_test(providers_take_what_is_known),
        cmocka_unit_test(outputs_take_what_is_known),
        cmocka_unit_test(when_holds_or_does_not_or_waits),
    };

    return cmocka_run_group_tests_name("later", tests, NULL, NULL);
}
