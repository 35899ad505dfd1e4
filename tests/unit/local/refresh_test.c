#include "config.h"

#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <string.h>
#include <sys/stat.h>

static const int64_t day_ms = 86400000;

static const char *reason_of(const struct secret *secret)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);

    if (secret->live.presence == HL_LIVE_PENDING)
        return hl_arena_printf(secret->world->arena, "%s (%s)", secret->live.defer_reason, secret->live.defer_hint);
    assert_int_equal(secret->live.presence, HL_LIVE_UNREADABLE);
    for (const struct hl_error *node = secret->live.error; node != NULL; node = node->cause)
        hl_text_printf(&out, "%s%s (%s)", node == secret->live.error ? "" : ": ", node->message, node->hint != NULL ? node->hint : "");
    return hl_arena_strdup(secret->world->arena, hl_text_get(&out));
}

static struct secret refreshed(struct world *world, const char *body)
{
    struct secret secret = secret_new(world, "S", body);

    secret_refresh(&secret);
    return secret;
}

/* ---- sources ---- */

static void reads_the_environment(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim-1");
    struct secret secret = refreshed(world, "{env: NAME, write: [{file: f}]}");
    assert_int_equal(secret.live.presence, HL_LIVE_ABSENT);
    assert_string_equal(secret_input(&secret), "geheim-1");
    assert_true(hl_value_get(secret.live.inputs, "value")->sensitive);
    assert_string_equal(hl_value_find_path(secret.live.inputs, "write.0.content")->text.data, "geheim-1");
    assert_true(hl_value_find_path(secret.live.inputs, "write.0.content")->sensitive);
}

static void tells_what_is_missing_and_how_to_set_it(void **state)
{
    struct world *world = *state;

    world_set(world, "EMPTY=");
    world_write(world, "empty", "%s", "\n");
    static const struct {
        const char *body, *reason, *note;
    } rows[] = {
        {"env: NAME", "no value: environment variable 'NAME' is not set (set it for this run: NAME=... hlrec apply; or write `optional: true`",
         "environment variable 'NAME' is not set"},
        {"env: EMPTY", "environment variable 'EMPTY' is empty", "environment variable 'EMPTY' is empty"},
        {"file: none", "file 'none' does not exist (put the value into 'none', readable for hlrec alone (chmod 600); or write", "file 'none' does not exist"},
        {"file: empty", "file 'empty' is empty", "file 'empty' is empty"},
        {"command: [\"true\"]", "the output of 'true' is empty", "the output of 'true' is empty"},
    };
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct secret secret = refreshed(world, hl_arena_printf(world->arena, "{%s}", rows[i].body));
        assert_has(reason_of(&secret), rows[i].reason);
        assert_int_equal(secret.live.presence, HL_LIVE_PENDING);
        secret = refreshed(world, hl_arena_printf(world->arena, "{%s, optional: true, write: [{file: f}]}", rows[i].body));
        assert_int_equal(secret.live.presence, HL_LIVE_ABSENT);
        assert_string_equal(secret_input(&secret), "(null)");
        assert_null(hl_value_find_path(secret.live.inputs, "write.0.content"));
        assert_string_equal(secret.live.note, rows[i].note);
    }
}

static void keeps_what_was_given_once(void **state)
{
    static const char *const bodies[] = {"{env: NAME, write: [{file: f}]}", "{env: NAME, optional: true, write: [{file: f}]}"};
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(bodies); i++) {
        world_set(world, "NAME=geheim");
        struct secret secret = secret_new(world, "S", bodies[i]);
        assert_true(secret_apply(&secret));
        world_unset(world, "NAME");
        world_next_run(world, day_ms);
        assert_true(secret_is_settled(&secret));
        assert_string_equal(secret_input(&secret), "geheim");
        assert_string_equal(secret.live.note, "environment variable 'NAME' is not set; the recorded value is kept");
        world_write(world, "f", "drifted");
        assert_true(secret_apply(&secret));
        assert_string_equal(world_read(world, "f"), "geheim");
    }
}

static void reads_files(void **state)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"geheim", "geheim"},     {"geheim\n", "geheim"},           {"geheim\r\n", "geheim"},
        {" geheim ", " geheim "}, {"two\nlines\n", "two\nlines\n"}, {"two\nlines", "two\nlines"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        world_write(world, "f", "%s", rows[i].text);
        struct secret secret = refreshed(world, "{file: f}");
        assert_string_equal(secret_input(&secret), rows[i].value);
    }
    world_write(world, "f", "a\xff");
    struct secret secret = refreshed(world, "{file: f}");
    assert_has(reason_of(&secret), "file 'f' is not text: it has a NUL or is not UTF-8 (encode it, in base64");
    mkdir(hl_arena_printf(world->arena, "%s/folder", world->folder), 0700);
    secret = refreshed(world, "{file: folder, optional: true}");
    assert_has(reason_of(&secret), "reading the value from file 'folder'");
}

static void runs_commands_without_a_shell(void **state)
{
    static const struct {
        const char *command, *value;
    } rows[] = {
        {"[printf, 'geheim\\n\\n']", "geheim"}, {"[echo, '$HOME; id']", "$HOME; id"},  {"[printf, '%s|%s', 'a b', c]", "a b|c"},
        {"[sh, -c, 'pwd; echo $NAME']", NULL},  {"[sh, -c, 'echo x$HLREC_KEY']", "x"}, {"[./tool]", "from the spec's folder"},
    };
    struct world *world = *state;

    world_set(world, "NAME=name");
    world_set(world, "HLREC_KEY=key");
    world_write(world, "tool", "#!/bin/sh\necho \"from the spec's folder\"\n");
    chmod(hl_arena_printf(world->arena, "%s/tool", world->folder), 0700);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct secret secret = refreshed(world, hl_arena_printf(world->arena, "{command: %s}", rows[i].command));
        assert_string_equal(secret_input(&secret), rows[i].value != NULL ? rows[i].value : hl_arena_printf(world->arena, "%s\nname", world->folder));
    }
}

static void says_nothing_of_what_a_command_printed(void **state)
{
    struct world *world = *state;

    struct secret secret = refreshed(world, "{command: [sh, -c, 'echo geheim; echo geheim >&2; exit 3'], optional: true}");
    assert_has(reason_of(&secret), "'sh' exited with 3 (run it by hand to see why");
    assert_null(strstr(reason_of(&secret), "geheim"));
    secret = refreshed(world, "{command: [sleep, 20], command_timeout: 100ms}");
    assert_has(reason_of(&secret), "'sleep' did not end within 100ms");
    secret = refreshed(world, "{command: [no-such-program]}");
    assert_has(reason_of(&secret), "running the secret's command");
}

static void leaves_references_to_the_plan(void **state)
{
    struct world *world = *state;
    struct secret secret = refreshed(world, "{value: \"${secret.OTHER}\", write: [{file: f}]}");

    assert_null(secret.live.inputs);
    assert_int_equal(secret.live.presence, HL_LIVE_ABSENT);
}

static void masks_all_that_it_read(void **state)
{
    struct world *world = *state;
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);

    world_set(world, "NAME=geheim-1");
    world_write(world, "a.env", "S=former-geheim-2\n");
    struct secret secret = refreshed(world, "{env: NAME, write: [{dotenv: a.env}]}");
    const char *said = "geheim-1 and former-geheim-2";
    hl_redact(world->run.redactor, &out, said, strlen(said));
    assert_string_equal(hl_text_get(&out), HL_REDACTED " and " HL_REDACTED);
    assert_string_equal(secret.live.note, "another value stands at 'a.env'; it will be replaced");
}

static void refuses_what_a_destination_cannot_hold(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim$1 x");
    struct secret secret = refreshed(world, "{env: NAME, write: [{file: f}, {dotenv: a.env}]}");
    assert_has(reason_of(&secret),
               "the value cannot be written to 'a.env' so that all programs read the same from it: bare, docker compose expands '$'; in quotes, "
               "docker --env-file keeps the quotes as a part of the value (say which programs read the file");
    assert_null(strstr(reason_of(&secret), "geheim"));
    secret = refreshed(world, "{env: NAME, write: [{dotenv: a.env, readers: [compose, systemd, sh]}]}");
    assert_string_equal(secret_input(&secret), "geheim$1 x");
}

static void executes_and_reads_nothing_in_a_preview(void **state)
{
    struct world *world = *state;

    world->run.preview = true;
    static const char *const bodies[] = {"{env: NAME}", "{file: f}", "{command: [touch, ran]}", "{generate: true}", "{value: geheim}", "{sops: {file: s}}"};
    world_set(world, "NAME=geheim");
    world_write(world, "a.env", "S=geheim\n");
    for (size_t i = 0; i < HL_COUNT(bodies); i++) {
        const char *body = hl_arena_printf(world->arena, "%.*s, write: [{dotenv: a.env}]}", (int)strlen(bodies[i]) - 1, bodies[i]);
        struct secret secret = refreshed(world, body);
        assert_string_equal(secret_input(&secret), "(unknown)");
        assert_null(hl_value_get(secret.live.values, "write"));
        assert_int_equal(hl_value_find_path(secret.live.inputs, "write.0.content")->type, HL_UNKNOWN);
    }
    assert_null(world_read(world, "ran"));
}

/* ---- generated ones ---- */

static void is_known_only_after_it_was_made(void **state)
{
    struct world *world = *state;
    struct secret secret = refreshed(world, "{generate: true, write: [{dotenv: a.env}]}");

    assert_string_equal(secret_input(&secret), "(unknown)");
    assert_string_equal(hl_value_get(secret.live.inputs, "value")->unknown, "secret.S");
    assert_int_equal(hl_value_find_path(secret.live.inputs, "write.0.content")->type, HL_UNKNOWN);
    assert_int_equal(secret.live.presence, HL_LIVE_ABSENT);
}

static void is_kept_until_its_rotation_is_due(void **state)
{
    static const struct {
        const char *rotate;
        int64_t days;
        bool asked;
        const char *reason; /* NULL: kept */
    } rows[] = {
        {"180d", 0, false, NULL},
        {"180d", 179, false, NULL},
        {"180d", 180, false, "rotation is due: 180 days old"},
        {"36h", 2, false, "rotation is due: 2 days old"},
        {"12h", 1, false, "rotation is due: 24 hours old"},
        {"180d", -400, false, NULL}, /* the clock went back */
        {"180d", 1, true, "a new value was asked for"},
        {"on-request", 4000, false, NULL},
        {"on-request", 1, true, "a new value was asked for"},
        {"never", 4000, false, NULL},
        {"never", 1, true, NULL},
    };
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct secret secret = secret_new(world, "S", hl_arena_printf(world->arena, "{generate: true, rotate: %s}", rows[i].rotate));
        assert_true(secret_apply(&secret));
        world_next_run(world, rows[i].days * day_ms);
        secret.recorded.rotate = rows[i].asked;
        secret_refresh(&secret);
        assert_int_equal(secret.live.presence, HL_LIVE_PRESENT);
        if (rows[i].reason == NULL) {
            assert_null(secret.live.reason);
            assert_string_equal(secret_input(&secret), secret_value(&secret));
        } else {
            assert_string_equal(secret.live.reason, rows[i].reason);
            assert_string_equal(secret_input(&secret), "(unknown)");
        }
        world_next_run(world, -rows[i].days * day_ms);
    }
}

static void is_kept_when_the_wish_changes(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: {length: 40}}");

    assert_true(secret_apply(&secret));
    secret_change(&secret, "{generate: {length: 50}}");
    secret_refresh(&secret);
    assert_string_equal(secret_input(&secret), secret_value(&secret));
    assert_string_equal(secret.live.note, "the value differs from what `generate` asks for; it is kept until it is rotated");
    secret_change(&secret, "{generate: {bytes: 32}, rotate: never}");
    secret_refresh(&secret);
    assert_string_equal(secret_input(&secret), secret_value(&secret));
    assert_string_equal(secret.live.note, "the value differs from what `generate` asks for; it is kept (`rotate: never`)");
}

static void is_found_again_when_the_state_is_lost(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f}]}");

    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    secret_lose(&secret);
    secret_refresh(&secret);
    assert_string_equal(secret_input(&secret), value);
    assert_string_equal(secret.live.reason, "found at 'a.env'");
    assert_int_equal(secret.live.presence, HL_LIVE_ABSENT);
    assert_true(secret_apply(&secret));
    assert_string_equal(secret_value(&secret), value);
    assert_int_equal(world->checkpoints, 1); /* made once, at the beginning */
    assert_true(secret_is_settled(&secret));
}

static void is_taken_over_as_a_person_wrote_it(void **state)
{
    static const struct {
        const char *name, *text, *write;
    } rows[] = {
        {"a.env", "S=\"abc-123\"\n", "{dotenv: a.env}"},
        {"a.env", "export S='abc-123'\n", "{dotenv: a.env}"},
        {"f", "abc-123\n", "{file: f}"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        world_write(world, rows[i].name, "%s", rows[i].text);
        struct secret secret = secret_new(world, "S", hl_arena_printf(world->arena, "{generate: true, write: [%s]}", rows[i].write));
        secret_refresh(&secret);
        assert_string_equal(secret_input(&secret), "abc-123");
        assert_string_equal(secret.live.note, "the value differs from what `generate` asks for; it is kept until it is rotated");
        assert_true(secret_apply(&secret));
        assert_true(secret_is_settled(&secret));
    }
    assert_int_equal(world->checkpoints, 0);
}

static void is_not_guessed_when_destinations_disagree(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "S=abc\n");
    world_write(world, "f", "abd\n");
    struct secret secret = refreshed(world, "{generate: true, write: [{dotenv: a.env}, {file: f}]}");
    assert_has(reason_of(&secret), "'a.env' and 'f' hold different values, and no value is recorded (find out which one is in use");
}

static void takes_over_the_value_of_another_source(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME}");
    assert_true(secret_apply(&secret));
    secret_change(&secret, "{generate: true}");
    secret_refresh(&secret);
    assert_string_equal(secret_input(&secret), "geheim");
}

static void holds_on_to_what_must_never_change(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME, rotate: never}");
    assert_true(secret_apply(&secret));
    world_set(world, "NAME=other");
    secret_refresh(&secret);
    assert_has(reason_of(&secret), "its source has another value than the one recorded, and `rotate: never` says that it does not change");
    assert_int_equal(secret.live.error->code, HL_E_REFUSED);
    world_set(world, "NAME=geheim");
    assert_true(secret_is_settled(&secret));
}

/* ---- destinations ---- */

static void shows_what_stands_at_each_destination(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME, write: [{dotenv: a.env}, {dotenv: a.env, as: T}, {file: f, mode: 0640}]}");
    assert_true(secret_apply(&secret));
    assert_true(secret_is_settled(&secret));
    world_write(world, "a.env", "S=changed\n");
    secret_refresh(&secret);
    assert_string_equal(secret_content(&secret, "dotenv:a.env#S"), "changed");
    assert_null(secret_content(&secret, "dotenv:a.env#T"));
    assert_string_equal(secret_content(&secret, "file:f"), "geheim");
    assert_int_equal(hl_value_count(hl_value_get(secret.live.values, "write")), 3);
    assert_false(secret_is_settled(&secret));
}

static void sees_what_not_all_readers_would_read(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME, write: [{dotenv: a.env}]}");
    assert_true(secret_apply(&secret));
    world_write(world, "a.env", "S=\"geheim\"\n"); /* docker takes the quotes, too */
    assert_false(secret_is_settled(&secret));
    secret_change(&secret, "{env: NAME, write: [{dotenv: a.env, readers: [compose, sh]}]}");
    assert_true(secret_is_settled(&secret));
    world_write(world, "a.env", "S=geheim # old\n");
    assert_false(secret_is_settled(&secret));
}

static void does_not_take_a_broken_destination_for_an_empty_one(void **state)
{
    struct world *world = *state;

    mkdir(hl_arena_printf(world->arena, "%s/folder", world->folder), 0700);
    struct secret secret = refreshed(world, "{generate: true, write: [{file: folder}]}");
    assert_has(reason_of(&secret), "reading destination 'folder'");
}

static void warns_of_files_that_everybody_reads(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "A=1\n");
    chmod(hl_arena_printf(world->arena, "%s/a.env", world->folder), 0644);
    struct secret secret = refreshed(world, "{generate: true, write: [{dotenv: a.env}]}");
    assert_string_equal(secret.live.note, "'a.env' can be read by everybody on this machine (chmod o-r)");
}

static void remembers_destinations_that_the_spec_dropped(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME, write: [{dotenv: a.env}, {file: f}]}");
    assert_true(secret_apply(&secret));
    secret_change(&secret, "{env: NAME, write: [{dotenv: a.env}]}");
    secret_refresh(&secret);
    assert_string_equal(secret_content(&secret, "file:f"), "geheim");
    secret_change(&secret, NULL);
    secret_refresh(&secret);
    assert_int_equal(secret.live.presence, HL_LIVE_PRESENT);
    assert_null(secret.live.inputs);
    assert_int_equal(hl_value_count(hl_value_get(secret.live.values, "write")), 2);
}

int hl_test_refresh(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_environment, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(tells_what_is_missing_and_how_to_set_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_what_was_given_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reads_files, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(runs_commands_without_a_shell, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(says_nothing_of_what_a_command_printed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(leaves_references_to_the_plan, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(masks_all_that_it_read, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_a_destination_cannot_hold, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(executes_and_reads_nothing_in_a_preview, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_known_only_after_it_was_made, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_kept_until_its_rotation_is_due, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_kept_when_the_wish_changes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_found_again_when_the_state_is_lost, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_taken_over_as_a_person_wrote_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_not_guessed_when_destinations_disagree, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(takes_over_the_value_of_another_source, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(holds_on_to_what_must_never_change, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(shows_what_stands_at_each_destination, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(sees_what_not_all_readers_would_read, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(does_not_take_a_broken_destination_for_an_empty_one, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(warns_of_files_that_everybody_reads, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(remembers_destinations_that_the_spec_dropped, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("refresh", tests, NULL, NULL);
}
