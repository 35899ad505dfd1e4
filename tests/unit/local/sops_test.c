#include "config.h"

#include "reconcile/providers/local/sops.h"

#include "schema/base/json.h"
#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Puts the fake one into PATH, as `sops`. */
static void use_fake(struct world *world)
{
    const char *source = getenv("HLREC_SOURCE");
    char folder[4096];

    if (source == NULL)
        source = getcwd(folder, sizeof folder);
    const char *fake = hl_arena_printf(world->arena, "%s/tests/unit/local/fake-sops", source);
    assert_int_equal(access(fake, X_OK), 0);
    assert_int_equal(symlink(fake, hl_arena_printf(world->arena, "%s/sops", world->folder)), 0);
    world_set(world, hl_arena_printf(world->arena, "PATH=%s:/usr/local/bin:/usr/bin:/bin", world->folder));
    world_set(world, hl_arena_printf(world->arena, "SOPS_FAKE_FOLDER=%s", world->folder));
    world_next_run(world, 0);
}

static struct secret read_secret(struct world *world, const char *body)
{
    struct secret secret = secret_new(world, "TOKEN", body);

    secret_refresh(&secret);
    return secret;
}

static void calls_the_program_once_a_file(void **state)
{
    struct world *world = *state;

    use_fake(world);
    world_write(world, "s.yaml", "sops:\nprint {\"TOKEN\": \"geheim-1\", \"n\": {\"port\": 8443}}\n");
    struct secret secret = read_secret(world, "{sops: {file: s.yaml}}");
    assert_string_equal(secret_input(&secret), "geheim-1");
    secret = read_secret(world, "{sops: {file: s.yaml, key: n.port}}");
    assert_string_equal(secret_input(&secret), "8443");
    assert_string_equal(world_read(world, "calls"), hl_arena_printf(world->arena, "decrypt --output-type json %s/s.yaml\n", world->folder));
    world_next_run(world, 0);
    secret = read_secret(world, "{sops: {file: s.yaml}}");
    assert_has(world_read(world, "calls"), "s.yaml\ndecrypt");
}

static void hands_on_only_what_finds_keys(void **state)
{
    struct world *world = *state;

    world_set(world, "SOPS_AGE_KEY_FILE=/k");
    world_set(world, "HOME=/nonexistent");
    world_set(world, "HLREC_KEY=xyz");
    world_set(world, "SOPS_EDITOR=evil");
    world_set(world, "DATABASE_PASSWORD=geheim");
    use_fake(world);
    world_write(world, "s.yaml", "sops:\nprint {\"TOKEN\": \"x\"}\n");
    read_secret(world, "{sops: {file: s.yaml}}");
    const char *environment = world_read(world, "environment");
    assert_has(environment, "SOPS_AGE_KEY_FILE\n");
    assert_has(environment, "HOME\n");
    assert_has(environment, "EDITOR\n");
    assert_null(strstr(environment, "HLREC_KEY"));
    assert_null(strstr(environment, "DATABASE_PASSWORD"));
}

static void falls_back_to_the_old_form(void **state)
{
    struct world *world = *state;

    use_fake(world);
    world_write(world, "s.yaml", "sops:\nold\nprint {\"TOKEN\": \"geheim\"}\n");
    struct secret secret = read_secret(world, "{sops: {file: s.yaml}}");
    assert_string_equal(secret_input(&secret), "geheim");
    assert_has(world_read(world, "calls"), "-d --output-type json ");
}

/* The text comes from a commit's tree when the spec does: what lies on the disk is then something else, or nothing. */
static bool read_elsewhere(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    (void)context;
    if (strcmp(path, "s.env") != 0)
        return hl_fail(err, HL_E_NOT_FOUND, "'%s' is not in the commit", path);
    *text = hl_arena_strdup(arena, "sops\nprint {\"TOKEN\": \"from-the-commit\"}\n");
    *length = strlen(*text);
    return true;
}

static void reads_a_commits_file_from_stdin(void **state)
{
    struct world *world = *state;

    use_fake(world);
    world_write(world, "s.env", "sops\nprint {\"TOKEN\": \"from-the-disk\"}\n");
    world->files = (struct hl_files){.read = read_elsewhere};
    struct secret secret = read_secret(world, "{sops: {file: s.env}}");
    assert_string_equal(secret_input(&secret), "from-the-commit");
    assert_string_equal(world_read(world, "calls"), "decrypt --output-type json --input-type dotenv /dev/stdin\n");
}

static void explains_failures(void **state)
{
    static const struct {
        const char *file, *error;
    } rows[] = {
        {"sops\nexit 128\n", "'s.yaml' cannot be decrypted: none of the keys that it is encrypted for is here (set SOPS_AGE_KEY_FILE"},
        {"sops\nexit 51\nsay computed 0123456789ABCDEF\n", "its checksum (MAC) does not fit: it was changed without sops (restore the file from git"},
        {"sops\nexit 25\n", "a value in it cannot be decrypted"},
        {"sops\nexit 1\nsay something\nsay else\n", "sops exited with 1: something else"},
        {"sops\nprint no json but geheim\n", "what sops printed is not a JSON object"},
        {"sops\nprint [1]\n", "what sops printed is not a JSON object"},
        {"sops\nprint {\"TOKEN\": {\"a\": 1}}\n", "'TOKEN' in 's.yaml' is a map, not a value"},
        {"sops\nprint {\"TOKEN\": 1.2345678901234568e+22}\n", "is a number too long to be read exactly (write it in quotes"},
        {"TOKEN: plain\n", "'s.yaml' is not encrypted with sops (encrypt it: sops encrypt --in-place s.yaml)"},
        {"sops\nprint {}\n", "no value: 's.yaml' has no key 'TOKEN' (add it: sops edit s.yaml; or write `optional: true`"},
        {"sops\nprint {\"TOKEN\": null}\n", "has no key 'TOKEN'"},
        {"sops\nprint {\"TOKEN\": \"\"}\n", "'TOKEN' in 's.yaml' is empty"},
    };
    struct world *world = *state;

    use_fake(world);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        world_write(world, "s.yaml", "%s", rows[i].file);
        world_next_run(world, 0);
        struct secret secret = read_secret(world, "{sops: {file: s.yaml}}");
        struct hl_error *error = NULL;
        if (secret.live.presence == HL_LIVE_PENDING) {
            hl_fail(&error, HL_E_FAILED, "%s (%s)", secret.live.defer_reason, secret.live.defer_hint);
        } else {
            assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
            hl_auto(heap) char *text = hl_error_text(secret.live.error);
            hl_fail(&error, HL_E_FAILED, "%s (%s)", text, secret.live.error->hint != NULL ? secret.live.error->hint : "");
        }
        if (strstr(error->message, "geheim") != NULL || strstr(error->message, "ABCDEF") != NULL)
            fail_msg("this tells too much: %s", error->message);
        assert_error(&error, HL_E_FAILED, rows[i].error);
    }
}

static void is_null_when_optional_and_absent(void **state)
{
    struct world *world = *state;

    use_fake(world);
    world_write(world, "s.yaml", "sops\nprint {\"A\": \"x\"}\n");
    struct secret secret = read_secret(world, "{sops: {file: s.yaml}, optional: true}");
    assert_string_equal(secret_input(&secret), "(null)");
    secret = read_secret(world, "{sops: {file: none.yaml}, optional: true}");
    assert_string_equal(secret_input(&secret), "(null)");
    assert_string_equal(secret.live.note, "sops file 'none.yaml' does not exist");
    world_write(world, "t.yaml", "sops\nexit 128\n");
    secret = read_secret(world, "{sops: {file: t.yaml}, optional: true}");
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE); /* not to be read is not the same as absent */
}

static void says_when_there_is_no_sops(void **state)
{
    struct world *world = *state;
    struct hl_error *error = NULL;

    world_set(world, "PATH=/nonexistent");
    world_next_run(world, 0);
    assert_null(hl_sops_find_program(world->arena, &world->run));
    world_write(world, "s.yaml", "sops\n");
    struct secret secret = read_secret(world, "{sops: {file: s.yaml}}");
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    hl_auto(heap) char *text = hl_error_text(secret.live.error);
    hl_fail(&error, HL_E_FAILED, "%s", text);
    assert_error(&error, HL_E_FAILED, "decrypting 's.yaml': the program 'sops' is not in PATH");
}

static void finds_values_by_path(void **state)
{
    static const char json[] = "{\"a\": {\"b\": [10, {\"c\": \"x\"}], \"d.e\": \"y\"}, \"f.g\": \"z\", \"[h]\": \"w\"}";
    static const struct {
        const char *key, *value; /* NULL: nothing there */
    } rows[] = {
        {"f.g", "z"}, {"a.b.0", "10"}, {"a.b.1.c", "x"}, {"[\"a\"][\"b\"][1][\"c\"]", "x"}, {"['a']['b'][0]", "10"}, {"[\"a\"][\"d.e\"]", "y"},
        {"[h]", "w"}, {"a.d.e", NULL}, {"a.x", NULL},    {"[\"a\"][\"b\"][9]", NULL},       {"[\"a\"", NULL},        {"[\"a\"]x", NULL},
        {"[", NULL},  {"", NULL},
    };
    struct world *world = *state;
    struct hl_value *document = NULL;
    struct hl_error *err = NULL;

    assert_true(hl_json_decode(world->arena, json, strlen(json), &document, &err));
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *found = hl_sops_find(document, rows[i].key);
        const char *text = found != NULL ? hl_value_to_text(world->arena, found) : NULL;
        if ((text == NULL) != (rows[i].value == NULL) || (text != NULL && strcmp(text, rows[i].value) != 0))
            fail_msg("%s: %s", rows[i].key, text != NULL ? text : "(nothing)");
    }
}

/* ---- several at once ---- */

static void reads_files_side_by_side(void **state)
{
    enum { FILES = 4, SECRETS = 12 };
    struct world *world = *state;
    struct hl_object objects[SECRETS] = {0};
    struct hl_object *list[SECRETS];
    struct hl_error *err = NULL;

    use_fake(world);
    for (int i = 0; i < SECRETS; i++) {
        const char *name = hl_arena_printf(world->arena, "s%d.yaml", i % FILES);
        world_write(world, name, "sops\nsleep 0.5\nprint {\"TOKEN\": \"geheim-%d\"}\n", i % FILES);
        objects[i] = (struct hl_object){.address = "secret.TOKEN",
                                        .name = "TOKEN",
                                        .kind = &hl_kind_secret,
                                        .id = "",
                                        .arena = world->arena,
                                        .desired = world_decode(world, "TOKEN", hl_arena_printf(world->arena, "{sops: {file: %s}}", name))};
        list[i] = &objects[i];
    }
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(hl_kind_secret.verbs->refresh(&world->session, list, SECRETS, &err));
    clock_gettime(CLOCK_MONOTONIC, &after);
    for (int i = 0; i < SECRETS; i++)
        assert_string_equal(hl_value_get_text(objects[i].live.inputs, "value"), hl_arena_printf(world->arena, "geheim-%d", i % FILES));
    size_t calls = 0;
    for (const char *at = world_read(world, "calls"); (at = strchr(at, '\n')) != NULL; at++)
        calls++;
    assert_int_equal(calls, FILES);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < FILES * 500);
}

/* ---- the real one ---- */

/* With sops and age in PATH: encrypts a file and reads it back. */
static void reads_what_the_real_sops_wrote(void **state)
{
    struct world *world = *state;

    if (system("sops --version --disable-version-check >/dev/null 2>&1 && age-keygen --version >/dev/null 2>&1") != 0) {
        print_message("# without sops and age-keygen in PATH there is nothing to try\n"); /* no skip(): cmocka says "not ok" then */
        return;
    }
    world_write(world, "plain.yaml", "TOKEN: geheim <&>\nport: 8443\nflag: true\nratio: 1.5\nlist: [a, {b: c}]\n");
    world_write(world, "plain.bin", "binary secret\n");
    const char *command = hl_arena_printf(world->arena,
                                          "cd '%s' && age-keygen -o key 2>/dev/null && r=$(age-keygen -y key) && "
                                          "sops encrypt --age $r plain.yaml >s.yaml && sops encrypt --age $r plain.bin >s.bin",
                                          world->folder);
    assert_int_equal(system(command), 0);
    world_set(world, hl_arena_printf(world->arena, "PATH=%s", getenv("PATH")));
    world_set(world, hl_arena_printf(world->arena, "SOPS_AGE_KEY_FILE=%s/key", world->folder));
    world_next_run(world, 0);
    static const char *const rows[][2] = {{"TOKEN", "geheim <&>"}, {"port", "8443"}, {"flag", "true"}, {"ratio", "1.5"}, {"[\"list\"][1][\"b\"]", "c"}};
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct secret secret = read_secret(world, hl_arena_printf(world->arena, "{sops: {file: s.yaml, key: '%s'}}", rows[i][0]));
        assert_string_equal(secret_input(&secret), rows[i][1]);
    }
    struct secret secret = read_secret(world, "{sops: {file: s.bin}}");
    assert_string_equal(secret_input(&secret), "binary secret");
    world_set(world, "SOPS_AGE_KEY_FILE=/nonexistent");
    world_next_run(world, 0);
    secret = read_secret(world, "{sops: {file: s.yaml}}");
    assert_int_equal(secret.live.presence, HL_LIVE_UNREADABLE);
    assert_has(secret.live.error->message, "none of the keys that it is encrypted for is here");
}

int hl_test_sops(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_the_program_once_a_file, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(hands_on_only_what_finds_keys, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(falls_back_to_the_old_form, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reads_a_commits_file_from_stdin, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(explains_failures, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_null_when_optional_and_absent, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(says_when_there_is_no_sops, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(finds_values_by_path, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reads_files_side_by_side, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reads_what_the_real_sops_wrote, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("sops", tests, NULL, NULL);
}
