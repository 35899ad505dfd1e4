#include "config.h"

#include "tests/unit/stores/stores.h"
#include "tests/unit/stores/tests.h"

static void accepts_what_the_design_shows(void **state)
{
    static const char *const bodies[] = {
        "{value: \"${secret.OTHER}\", write: [{infisical: {path: /netbird}}]}",
        "{generate: true, write: [{infisical: true}, {infisical: {path: /a, key: B}}, {infisical: {environment: dev}}]}",
        "{generate: true, write: {openbao: {path: netbird, mount: team/kv, key: any key}}}",
        "{generate: true, write: [{openbao: {path: netbird}}, {dotenv: a.env}, {infisical: {path: a/b/, project: homelab-prod, provider: other}}]}",
        "{infisical: {path: /netbird, key: X}, write: [{openbao: {path: a}}]}",
        "{infisical: true, optional: true}",
        "{openbao: {path: a/b}, rotate: never}",
    };
    struct stores *stores = *state;

    for (size_t i = 0; i < HL_COUNT(bodies); i++) {
        const char *findings = stores_findings(stores, "S", bodies[i]);
        if (*findings != '\0')
            fail_msg("%s: %s", bodies[i], findings);
    }
}

static void finds_each_mistake(void **state)
{
    static const struct {
        const char *name, *body, *finding;
    } rows[] = {
        {"S", "{infisical: {}, openbao: {path: a}}", "secret 'S' has its value from 'infisical' already; it has one source"},
        {"S", "{infisical: {path: /a b}}", "'/a b' cannot be a folder of Infisical: its names are of letters, digits, '-' and '_'"},
        {"S", "{infisical: {key: \"a:b\"}}", "'a:b' cannot be the name of a secret of Infisical"},
        {"S", "{infisical: {key: \"\"}}", "cannot be the name of a secret of Infisical"},
        {"S", "{infisical: {project: \"a/b\"}}", "'a/b' cannot be a slug"},
        {"S", "{infisical: {foler: /a}}", "foler"},
        {"S", "{openbao: {}}", "needs 'path'"},
        {"S", "{openbao: {path: /}}", "a path within the mount is needed"},
        {"S", "{openbao: {path: a/../b}}", "'a/../b' cannot be a path"},
        {"S", "{openbao: {path: a.}}", "'a.' cannot be a path"},
        {"S", "{openbao: {path: a, key: \"\"}}", "'key' is empty"},
        {"a:b", "{generate: true, write: [{infisical: true}]}", "'a:b' cannot be the name of a secret of Infisical (say one: `key: NAME`)"},
        {"a:b", "{infisical: true}", "'a:b' cannot be the name of a secret of Infisical (say one: `key: NAME`)"},
        {"S", "{generate: true, write: [{infisical: {path: /a}}, {infisical: {path: a/}}]}", "the secret is written to this place already"},
        {"S", "{generate: true, write: [{openbao: {path: a}}, {openbao: {path: /a, key: S}}]}", "the secret is written to this place already"},
        {"S", "{generate: true, write: [{infisical: true, openbao: {path: a}}]}", "a destination is one place: write 'infisical' and 'openbao' as two entries"},
        {"S", "{generate: true, write: [{infisical: true, dotenv: a}]}", "a destination is one place"},
        {"S", "{generate: true, write: [{infisical: true, as: X}]}", "'as' is for destinations with 'dotenv'"},
        {"S", "{generate: true, write: [{openbao: {path: a}, mode: 0600}]}", "'mode' is for destinations with 'file'"},
        {"S", "{generate: true, write: [{path: a}]}", "path"},
    };
    struct stores *stores = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        assert_has(stores_findings(stores, rows[i].name, rows[i].body), rows[i].finding);
}

/* By these, recorded and live entries are matched: they must not depend on spelling, nor on each other. */
static void names_its_places(void **state)
{
    static const struct {
        const char *write, *destination;
    } rows[] = {
        {"infisical: true", "infisical:/#S"},
        {"infisical: {path: netbird/}", "infisical:/netbird#S"},
        {"infisical: {path: /a, key: K, environment: dev}", "infisical:/a#K?environment=dev"},
        {"infisical: {path: /a, provider: other, project: p}", "infisical:/a#S?project=p&provider=other"},
        {"openbao: {path: /a/b/}", "openbao:a/b#S"},
        {"openbao: {path: a, key: K, mount: /team/kv/}", "openbao:a#K?mount=team/kv"},
    };
    struct stores *stores = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct secret secret = stores_secret(stores, "S", hl_arena_printf(stores->world->arena, "{env: A, write: [{%s}]}", rows[i].write));
        const struct hl_value *item = hl_value_item(hl_value_get(secret.body, "write"), 0);
        assert_string_equal(hl_value_get_text(item, "destination"), rows[i].destination);
    }
}

int hl_test_spec(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepts_what_the_design_shows, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(names_its_places, infisical_setup, stores_teardown),
        cmocka_unit_test_setup_teardown(finds_each_mistake, infisical_setup, stores_teardown),
    };

    return cmocka_run_group_tests_name("stores: spec", tests, NULL, NULL);
}
