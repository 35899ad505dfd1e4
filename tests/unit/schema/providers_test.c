#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

#define NETWORK "networks: {n: }\n"
#define GROUP "groups: {g: }\n"
#define TOKEN "tokens: {t: {user: u}}\n"

/* The instance (and its type) that the resource gets, or the findings. */
static const struct {
    const char *label;
    const char *text;
    const char *address;
    const char *expected;
} rows[] = {
    {"an implicit one", NETWORK, "network.n", "box (box)"},
    {"an implicit one with settings", "providers: {box: {host: h}}\n" NETWORK, "network.n", "box (box)"},
    {"the only one of the type", "providers: {nas: {type: box}}\n" NETWORK, "network.n", "nas (box)"},
    {"the one named like the type", "providers: {nas: {type: box}, box: {}}\n" NETWORK, "network.n", "box (box)"},
    {"named in the body", "providers: {nas: {type: box}, box: {}}\nnetworks: {n: {provider: nas}}\n", "network.n", "nas (box)"},
    {"named by a variable", "variables: {p: nas}\nproviders: {nas: {type: box}, box: {}}\nnetworks: {n: {provider: \"${var.p}\"}}\n", "network.n", "nas (box)"},
    {"an implicit one by its name", "providers: {nas: {type: box}}\nnetworks: {n: {provider: box}}\n", "network.n", "box (box)"},
    {"a section of several: the one there is", "providers: {v: {type: vault, url: u}}\n" TOKEN, "token.t", "v (vault)"},
    {"a section of several: named", "providers: {vault: {url: u}, cloud: {url: u}}\ntokens: {t: {user: u, provider: vault}}\n", "token.t", "vault (vault)"},
    {"several, none named like the type", "providers: {a: {type: box}, b: {type: box}}\nnetworks: {n: , m: }\n", NULL,
     "4:12: error: there are 2 providers of type 'box', and none is named 'box' (say which one: 'provider: a or b')\n"},
    {"none", "groups: {g: , h: }\n", NULL,
     "3:10: error: 'groups' needs a provider of type 'cloud', and none is declared (add it to 'providers:'; `hlrec explain providers.cloud` shows its "
     "settings)\n"},
    {"a section of several, both there", "providers: {vault: {url: u}, cloud: {url: u}}\n" TOKEN, NULL,
     "4:10: error: several providers have tokens: say which one (add 'provider: cloud or vault')\n"},
    {"no such instance", "providers: {nas: {type: box}}\nnetworks: {n: {provider: nsa}}\n", NULL,
     "4:26: error: there is no provider 'nsa' (did you mean 'nas'?)\n"},
    {"an instance of another type", "providers: {cloud: {url: u}}\nnetworks: {n: {provider: cloud}}\n", NULL,
     "4:26: error: provider 'cloud' is of type 'cloud', which has no networks (networks belong to a provider of type 'box')\n"},
    {"an unknown type", "providers: {nas: {type: bx}}\n", NULL, "3:25: error: there is no provider type 'bx' (the types are box, cloud, vault)\n"},
    {"a type nearly right", "providers: {nas: {type: vualt}}\n", NULL, "3:25: error: there is no provider type 'vualt' (did you mean 'vault'?)\n"},
    {"no type", "providers: {nas: {host: x}}\n", NULL,
     "3:13: error: provider 'nas' needs a 'type', since its name is not one (the types are box, cloud, vault)\n"},
    {"a broken one is told once", "providers: {cloud: {type: clod}}\n" GROUP, NULL, "3:27: error: there is no provider type 'clod' (did you mean 'cloud'?)\n"},
    {"the name of one type for another", "providers: {cloud: {type: box}}\n" GROUP, NULL,
     "4:10: error: 'groups' needs a provider of type 'cloud', and none is declared (add it to 'providers:'; `hlrec explain providers.cloud` shows its "
     "settings)\n"},
    {"a bad name", "providers: {\"a b\": {type: box}}\n", NULL, "3:13: error: 'a b' is no name for a provider: letters, digits, '_' and '-'\n"},
    {"a list", "providers: [box]\n", NULL, "3:12: error: 'providers' must be a mapping of names to settings, found a list\n"},
    {"unknown settings", "providers: {box: {hots: x, paralel: 2}}\n", NULL,
     "3:19: error: unknown key 'hots' in provider 'box' (did you mean 'host'?)\n3:28: error: unknown key 'paralel' in provider 'box' (did you mean "
     "'parallel'?)\n"},
    {"missing settings", "providers: {cloud: {}}\n", NULL, "3:13: error: provider 'cloud' needs 'url' (url: where its API is)\n"},
    {"wrong settings", "providers: {cloud: {url: [u], retries: x, parallel: 0, token: [t]}}\n", NULL,
     "3:26: error: 'url' of provider 'cloud' must be text, found a list\n3:40: error: 'retries' of provider 'cloud' must be a whole number, found 'x'\n"
     "3:53: error: 'parallel' of provider 'cloud' must be between 1 and 1000, found '0'\n3:63: error: 'token' of provider 'cloud' must be text, found a "
     "list\n"},
    {"needs", "providers: {cloud: {url: u, needs: [network.x, n]}}\n" NETWORK, NULL,
     "3:37: error: there is no network 'x'\n3:48: error: 'n' is no address (an address is kind.name, like container.web)\n"},
};

static void which_instance_a_resource_gets(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(world) struct world world = {.arena = NULL};
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(4096);
        const struct hl_resource *resource;

        hl_text_printf(&text, HEAD "%s", rows[i].text);
        hl_world_load(&world, hl_text_get(&text));
        resource = world.spec == NULL || rows[i].address == NULL ? NULL : hl_spec_find(world.spec, rows[i].address);
        hl_expect_text(rows[i].label, rows[i].expected,
                       resource != NULL ? hl_arena_printf(world.arena, "%s (%s)", resource->provider->name, resource->provider->type->name)
                                        : hl_findings(&world.diags));
    }
    hl_expect_end();
}

static void settings_are_decoded(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};
    const struct hl_provider_spec *cloud;

    hl_world_load(&world, HEAD "secrets: {T: {env: X}}\nproviders: {cloud: {url: u, token: \"${secret.T}\", parallel: 4, needs: [network.n]}}\n" NETWORK);
    cloud = hl_map_find(&world.spec->providers, "cloud");
    assert_string_equal(hl_shown(world.arena, cloud->settings), "{url:'u',token:!?secret.T}");
    assert_int_equal(cloud->parallel, 4);
    assert_int_equal(cloud->needs_count, 2);
    assert_string_equal(cloud->needs[0].to->address, "secret.T");
    assert_string_equal(cloud->needs[1].to->address, "network.n");
}

static void unused_implicit_providers_are_not_there(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};

    hl_world_load(&world, HEAD);
    assert_int_equal(world.spec->providers.count, 0);
    hl_world_load(&world, HEAD NETWORK);
    assert_int_equal(world.spec->providers.count, 1);
}

int hl_test_providers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_instance_a_resource_gets),
        cmocka_unit_test(settings_are_decoded),
        cmocka_unit_test(unused_implicit_providers_are_not_there),
    };

    return cmocka_run_group_tests_name("providers", tests, NULL, NULL);
}
