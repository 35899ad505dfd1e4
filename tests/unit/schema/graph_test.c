#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <stdio.h>
#include <string.h>

static const char *const edges[] = {[HL_EDGE_REFERENCE] = "reference", [HL_EDGE_NEEDS] = "needs", [HL_EDGE_FIELD] = "field", [HL_EDGE_PROVIDER] = "provider"};
_Static_assert(HL_COUNT(edges) == HL_EDGES, "a word for each edge");

/* "network.n reference 5, container.b field 6 service_healthy" */
static const char *needs_of(const struct world *world, const char *address)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);
    const struct hl_resource *resource = hl_spec_find(world->spec, address);

    for (size_t i = 0; i < resource->needs_count; i++) {
        const struct hl_dependency *needs = &resource->needs[i];

        hl_text_printf(&text, "%s%s %s %u%s%s", i == 0 ? "" : ", ", needs->to->address, edges[needs->edge], needs->at.line, needs->condition == NULL ? "" : " ",
                       needs->condition == NULL ? "" : needs->condition);
    }
    return hl_arena_strdup(world->arena, hl_text_get(&text));
}

#define REST "secrets: {S: {env: X}}\nnetworks: {n: , m: }\n"

/* The body of container `a` from line 6 on; `b` and `c` are there too. */
static const struct {
    const char *label;
    const char *body;
    const char *needs;
} rows[] = {
    {"nothing", "", ""},
    {"references", "    extra: [\"${secret.S}\", \"x ${network.n.id} ${network.m.id}\"]\n",
     "secret.S reference 8, network.n reference 8, network.m reference 8"},
    {"each once", "    extra: [\"${secret.S}\", \"${secret.S}\"]\n    needs: secret.S\n", "secret.S reference 8"},
    {"needs", "    needs: [container.b, network.n]\n", "container.b needs 8, network.n needs 8"},
    {"when", "    when: \"${secret.S}\"\n", "secret.S reference 8"},
    {"names in fields", "    networks: [n, elsewhere]\n", "network.n field 8"},
    {"names with conditions", "    depends_on: {b: {condition: service_healthy}, c: }\n", "container.b field 8 service_healthy, container.c field 8"},
    {"a condition completes what is there", "    extra: \"${container.b.id}\"\n    depends_on: {b: {condition: service_healthy}}\n",
     "container.b reference 8 service_healthy"},
    {"names within lists", "    mounts: [{source: m, target: /x}, {source: /home, target: /y}]\n", "network.m field 8"},
    {"references in names", "    networks: [\"${env.NO:-n}\"]\n", "network.n field 8"},
    {"references in templates", "    template: template.conf\n    environment: {A: 1}\n", "secret.KEY reference 2"},
    {"the order is the table's", "    needs: container.c\n    networks: [n]\n    depends_on: [b]\n    command: [\"${secret.S}\"]\n",
     "secret.S reference 11, container.c needs 8, network.n field 9, container.b field 10"},
};

static void what_a_resource_needs(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(world) struct world world = {.arena = NULL};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);

        hl_text_printf(
            &text, HEAD "secrets: {S: {env: X}, KEY: {env: X}}\nnetworks: {n: , m: }\ncontainers:\n  a:\n    image: i\n%s  b: {image: i}\n  c: {image: i}\n",
            rows[i].body);
        hl_world_load(&world, hl_text_get(&text));
        hl_expect_text(rows[i].label, rows[i].needs, world.spec == NULL ? hl_findings(&world.diags) : needs_of(&world, "container.a"));
    }
    hl_expect_end();
}

static void a_providers_needs_are_its_resources_needs(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};

    hl_world_load(&world, HEAD "providers: {cloud: {url: \"${container.c.id}\", needs: [network.n]}}\n" REST "containers: {c: {image: i}}\n"
                               "groups: {g: , h: {needs: network.n}}\n");
    assert_string_equal(needs_of(&world, "group.g"), "container.c provider 3, network.n provider 3");
    assert_string_equal(needs_of(&world, "group.h"), "network.n needs 7, container.c provider 3");
    assert_string_equal(needs_of(&world, "container.c"), "");
}

static const char *order_of(const struct world *world)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);

    for (size_t i = 0; i < world->spec->resources.count; i++) {
        assert_int_equal(world->spec->order[i]->rank, i);
        hl_text_printf(&text, "%s%s", i == 0 ? "" : " ", world->spec->order[i]->address);
    }
    return hl_arena_strdup(world->arena, hl_text_get(&text));
}

static void the_order_does_not_depend_on_the_file(void **state HL_UNUSED)
{
    static const char expected[] = "container.c network.m network.n secret.S container.b container.a";
    hl_auto(world) struct world world = {.arena = NULL};

    hl_world_load(
        &world, HEAD
        "secrets: {S: {env: X}}\nnetworks: {n: , m: }\ncontainers:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, networks: [n, m]}\n  c: {image: i}\n");
    assert_string_equal(order_of(&world), expected);
    hl_world_load(
        &world, HEAD
        "containers:\n  c: {image: i}\n  b: {networks: [m, n], image: i}\n  a: {depends_on: [b], image: i}\nnetworks: {m: , n: }\nsecrets: {S: {env: X}}\n");
    assert_string_equal(order_of(&world), expected);
}

static const struct {
    const char *label;
    const char *text;
    const char *findings;
} cycles[] = {
    {"itself", "containers:\n  a: {image: i, depends_on: [a]}\n", "4:30: error: dependency cycle: container.a needs itself (line 4)\n"},
    {"its own output", "secrets:\n  A: {value: \"${secret.A}\"}\n", "4:14: error: dependency cycle: secret.A needs itself (line 4)\n"},
    {"two", "containers:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, extra: \"${container.a.id}\"}\n",
     "4:30: error: dependency cycle: container.a needs container.b (line 4), container.b needs container.a (line 5)\n"},
    {"three, begun where the file begins",
     "containers:\n  z: {image: i, needs: [container.a]}\n  a: {image: i, needs: [container.b]}\n  b: {image: i, needs: [container.z]}\n",
     "4:25: error: dependency cycle: container.z needs container.a (line 4), container.a needs container.b (line 5), container.b needs container.z (line 6)\n"},
    {"behind a chain", "containers:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [c]}\n  c: {image: i, depends_on: [b]}\n",
     "5:30: error: dependency cycle: container.b needs container.c (line 5), container.c needs container.b (line 6)\n"},
    {"two apart", "containers:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [a]}\n  c: {image: i, depends_on: [c]}\n",
     "4:30: error: dependency cycle: container.a needs container.b (line 4), container.b needs container.a (line 5)\n"
     "6:30: error: dependency cycle: container.c needs itself (line 6)\n"},
    {"by a condition", "containers:\n  a: {image: i, when: \"${container.a.id}\"}\n", "4:23: error: dependency cycle: container.a needs itself (line 4)\n"},
    {"by a provider", "providers:\n  cloud: {url: u, needs: [container.c]}\ncontainers:\n  c: {image: i, extra: \"${group.g.id}\"}\ngroups:\n  g: {}\n",
     "6:24: error: dependency cycle: container.c needs group.g (line 6), group.g needs container.c (line 4, provider 'cloud')\n"},
    {"a provider that needs what it provides", "providers:\n  cloud: {url: \"${group.g.id}\"}\ngroups:\n  g: {}\n",
     "4:16: error: dependency cycle: group.g needs itself (line 4, provider 'cloud')\n"},
};

static void cycles_are_printed_with_their_lines(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(cycles); i++) {
        hl_auto(world) struct world world = {.arena = NULL};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);

        hl_text_printf(&text, HEAD "%s", cycles[i].text);
        hl_world_load(&world, hl_text_get(&text));
        hl_expect_text(cycles[i].label, cycles[i].findings, hl_findings(&world.diags));
    }
    hl_expect_end();
}

enum { CHAIN = 20000 };

/* Neither the order nor the search for cycles may use the stack. */
static void long_chains_are_no_problem(void **state HL_UNUSED)
{
    for (int closed = 0; closed < 2; closed++) {
        hl_auto(world) struct world world = {.arena = NULL};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 24);

        hl_text_puts(&text, HEAD "networks:\n");
        for (int i = 0; i < CHAIN; i++)
            hl_text_printf(&text, "  n%d: {needs: [%s%d]}\n", i, "network.n", i + 1 < CHAIN ? i + 1 : 0);
        if (closed == 0)
            hl_text_puts(&text, "  last: {}\n");
        hl_world_load(&world, hl_text_get(&text));
        assert_int_equal(world.diags.errors, 1);
        assert_non_null(strstr(world.diags.items[0].message, "dependency cycle: network.n0 needs network.n1 (line 4), "));
        assert_non_null(strstr(world.diags.items[0].message, ", and 19980 more"));
    }
}

static void a_long_chain_is_sorted(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 24);

    hl_text_puts(&text, HEAD "networks:\n");
    for (int i = 0; i + 1 < CHAIN; i++)
        hl_text_printf(&text, "  n%d: {needs: [network.n%d]}\n", i, i + 1);
    hl_text_printf(&text, "  n%d: {}\n", CHAIN - 1);
    hl_world_load(&world, hl_text_get(&text));
    assert_non_null(world.spec);
    assert_string_equal(world.spec->order[0]->name, "n19999");
    assert_string_equal(world.spec->order[CHAIN - 1]->name, "n0");
}

int hl_test_graph(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_resource_needs),
        cmocka_unit_test(a_providers_needs_are_its_resources_needs),
        cmocka_unit_test(the_order_does_not_depend_on_the_file),
        cmocka_unit_test(cycles_are_printed_with_their_lines),
        cmocka_unit_test(long_chains_are_no_problem),
        cmocka_unit_test(a_long_chain_is_sorted),
    };

    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
