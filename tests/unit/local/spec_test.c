#include "config.h"

#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <string.h>

static void accepts_what_the_design_shows(void **state)
{
    static const char *const bodies[] = {
        "{sops: {file: secrets/bootstrap.sops.yaml, key: AUTHENTIK_BOOTSTRAP_TOKEN}}",
        "{sops: {file: secrets/bootstrap.sops.yaml}, rotate: never}",
        "{generate: {bytes: 32, encoding: base64}, rotate: never}",
        "{generate: {bytes: 32, encoding: base64}, rotate: 180d}",
        "{generate: true, rotate: on-request}",
        "{generate: {uuid: true}}",
        "{env: NB_API_TOKEN, optional: true}",
        "{file: /run/credentials/x, write: {file: x, mode: 0640}}",
        "{command: [pass, show, homelab/token], command_timeout: 5s, optional: true}",
        "{value: \"${secret.OTHER}\", write: [{dotenv: /etc/bifrost/.secrets.env}]}",
        "{value: \"x-${secret.OTHER}-y\"}",
        "{env: A, write: [{dotenv: a.env}, {dotenv: a.env, as: B}, {dotenv: b.env, readers: sh}, {file: a}]}",
        "{generate: {length: 40, alphabet: \"abc def\"}, protect: true}",
    };
    struct world *world = *state;

    for (size_t i = 0; i + 1 < HL_COUNT(bodies); i++) {
        const char *findings = world_findings(world, "S", bodies[i]);
        if (*findings != '\0')
            fail_msg("%s: %s", bodies[i], findings);
    }
    assert_string_not_equal(world_findings(world, "S", bodies[HL_COUNT(bodies) - 1]), "");
}

static void finds_each_mistake(void **state)
{
    static const struct {
        const char *body, *finding;
    } rows[] = {
        {"{}", "secret 'S' does not say where its value comes from (give it one of generate, env, file, sops, command, infisical, openbao or value)"},
        {"{optional: true}", "does not say where its value comes from"},
        {"{env: A, file: b}", "secret 'S' has its value from 'env' already; it has one source"},
        {"{generate: true, value: a}", "secret 'S' has its value from 'generate' already"},
        {"{env: A, rotate: 30d}", "only a generated secret can be rotated by hlrec"},
        {"{env: A, rotate: on-request}", "only a generated secret can be rotated by hlrec"},
        {"{generate: true, rotate: often}", "'rotate' is never, on-request, or how long a value lives"},
        {"{generate: true, rotate: 5s}", "a minute at least"},
        {"{generate: true, optional: true}", "a generated secret always has a value"},
        {"{env: A, command_timeout: 5s}", "'command_timeout' is for secrets from a 'command'"},
        {"{command: []}", "a command is a list: the program and its arguments"},
        {"{command: \"pass show x\"}", "list"},
        {"{command: [curl, \"${secret.OTHER}\"]}", "a secret in a command's arguments can be seen by everybody"},
        {"{command: [curl, \"x=${var.hidden}\"]}", "a secret in a command's arguments can be seen by everybody"},
        {"{sops: {key: a}}", "needs 'file'"},
        {"{generate: {bytes: 15}}",
         "a generated secret of 120 random bits can be guessed; at least 128 are asked for (write `bytes: 16` or more, or `allow_weak: true`)"},
        {"{generate: {length: 21}}", "of 125 random bits"},
        {"{generate: {length: 38, alphabet: digits}}", "of 126 random bits"},
        {"{generate: {length: 40, bytes: 32}}", "one of the three"},
        {"{generate: {uuid: true, length: 40}}", "one of the three"},
        {"{generate: {length: 40, encoding: hex}}", "'encoding' says how bytes are made, and none are asked for"},
        {"{generate: {bytes: 32, alphabet: hex}}", "'alphabet' says how characters are made, and none are asked for"},
        {"{generate: {length: 400, alphabet: alnun}}", "each of them once (did you mean 'alnum'?"},
        {"{generate: {length: 400, alphabet: \"aab\"}}", "at least two characters, each of them once"},
        {"{generate: {length: 400, alphabet: \"a b\"}}", "printable ASCII characters without blanks"},
        {"{generate: {encoding: base65}}", "base64"},
        {"{generate: {bytes: 0}}", "between 1 and 1024"},
        {"{env: A, write: [{as: B}]}",
         "a destination must say where the secret is written (write {dotenv: FILE}, {file: PATH}, {infisical: {path: /FOLDER}} or {openbao: {path: PATH}})"},
        {"{env: A, write: [{}]}", "a destination must say where the secret is written"},
        {"{env: A, write: [{dotenv: a, file: b}]}", "a destination is one place: write 'dotenv' and 'file' as two entries"},
        {"{env: A, write: [{file: b, as: C}]}", "'as' is for destinations with 'dotenv'"},
        {"{env: A, write: [{dotenv: b, mode: 0600}]}", "'mode' is for destinations with 'file'"},
        {"{env: A, write: [{file: b, mode: 0999}]}", "a mode is three or four octal digits"},
        {"{env: A, write: [{file: b, mode: 0755}]}", "without the right to execute"},
        {"{env: A, write: [{dotenv: b, as: A-B}]}", "'A-B' cannot be the name of a variable"},
        {"{env: A, write: [{dotenv: b, readers: [podman]}]}", "docker"},
        {"{env: A, write: [{dotenv: b}, {dotenv: b, as: S}]}", "the secret is written to this place already"},
        {"{env: A, write: [{file: b, destination: x}]}", "unknown key 'destination'"},
        {"{generate: {length: 40, alphabet: \"abcdefghij$\"}, write: [{dotenv: b}]}",
         "readers of a dotenv file do not all take alike: bare, docker compose expands '$'"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const char *findings = world_findings(world, "S", rows[i].body);
        if (strstr(findings, rows[i].finding) == NULL)
            fail_msg("%s: '%s' instead of '%s'", rows[i].body, findings, rows[i].finding);
    }
}

static void wants_a_variable_name_for_a_dotenv_file(void **state)
{
    struct world *world = *state;

    assert_has(world_findings(world, "db-password", "{env: A, write: [{dotenv: b}]}"), "'db-password' cannot be the name of a variable (give it a name");
    assert_string_equal(world_findings(world, "db-password", "{env: A, write: [{dotenv: b, as: DB}]}"), "");
}

static void allows_any_alphabet_where_the_readers_allow_it(void **state)
{
    struct world *world = *state;

    assert_string_equal(world_findings(world, "S", "{generate: {length: 40, alphabet: \"abcdefghij$\"}, write: [{dotenv: b, readers: [compose, sh]}]}"), "");
    assert_string_equal(world_findings(world, "S", "{generate: {length: 40, alphabet: \"abcdefghij$\"}, write: [{file: b}]}"), "");
}

static void names_and_fills_destinations(void **state)
{
    struct world *world = *state;
    const struct hl_value *body = world_decode(world, "S", "{value: geheim, write: [{dotenv: a.env}, {dotenv: a.env, as: B}, {file: f, mode: 640}]}");
    static const char *const names[] = {"dotenv:a.env#S", "dotenv:a.env#B", "file:f"};

    assert_true(hl_value_get(body, "value")->sensitive);
    for (size_t i = 0; i < HL_COUNT(names); i++) {
        const struct hl_value *item = hl_value_item(hl_value_get(body, "write"), i);
        assert_string_equal(hl_value_get_text(item, "destination"), names[i]);
        assert_string_equal(hl_value_get_text(item, "content"), "geheim");
        assert_true(hl_value_get(item, "content")->sensitive);
    }
    assert_string_equal(hl_value_get_text(hl_value_item(hl_value_get(body, "write"), 2), "mode"), "0640");
    assert_null(hl_value_find_path(world_decode(world, "S", "{env: A, write: [{file: f}]}"), "write.0.content"));
}

static void waits_for_what_a_reference_gives(void **state)
{
    struct world *world = *state;
    const struct hl_value *body = world_decode(world, "S", "{value: \"${secret.OTHER}\", write: [{file: f}]}");

    assert_int_equal(hl_value_get(body, "value")->type, HL_UNKNOWN);
    assert_int_equal(hl_value_find_path(body, "write.0.content")->type, HL_UNKNOWN);
}

static void knows_what_holds_data(void **state)
{
    struct world *world = *state;

    assert_true(hl_kind_secret.is_data(world_decode(world, "S", "{generate: true, rotate: never}")));
    assert_false(hl_kind_secret.is_data(world_decode(world, "S", "{generate: true, rotate: 30d}")));
    assert_false(hl_kind_secret.is_data(world_decode(world, "S", "{generate: true}")));
    assert_false(hl_kind_secret.is_data(NULL));
}

int hl_test_spec(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepts_what_the_design_shows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(finds_each_mistake, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(wants_a_variable_name_for_a_dotenv_file, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(allows_any_alphabet_where_the_readers_allow_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(names_and_fills_destinations, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(waits_for_what_a_reference_gives, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(knows_what_holds_data, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
