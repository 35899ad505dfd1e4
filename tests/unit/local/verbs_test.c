#include "config.h"

#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "# Made by hlrec, which keeps its own lines here and leaves all others as they are.\n"

static const int64_t day_ms = 86400000;

static const char *text_of(struct world *world, const char *format, const char *value)
{
    return hl_arena_printf(world->arena, "%s%s\n", format, value);
}

/* ---- create and update ---- */

static void seals_before_it_writes(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: deep/er/a.env}, {file: f}]}");

    world->fail_checkpoint = true;
    assert_false(secret_apply(&secret));
    assert_error(&secret.error, HL_E_FAILED, "keeping the new value safe");
    assert_null(world_read(world, "deep/er/a.env"));
    assert_null(world_read(world, "f"));
    world->fail_checkpoint = false;
    assert_true(secret_apply(&secret));
    assert_string_equal(hl_value_get_text(world->checkpoint, "value"), secret_value(&secret));
    assert_int_equal(hl_value_get_int(world->checkpoint, "created_at", 0), world->run.now_ms);
    assert_true(hl_value_get(world->checkpoint, "value")->sensitive);
    assert_string_equal(world_read(world, "deep/er/a.env"), text_of(world, HEADER "S=", secret_value(&secret)));
    assert_string_equal(world_read(world, "f"), secret_value(&secret));
    assert_int_equal(world_mode(world, "deep/er/a.env"), 0600);
    assert_int_equal(world_mode(world, "deep/er"), 0700);
    assert_int_equal(world_mode(world, "deep"), 0700);
    assert_int_equal(world_mode(world, "f"), 0600);
    assert_true(secret_is_settled(&secret));
}

static void gives_what_refresh_would_give(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f, mode: 0640}]}");

    assert_true(secret_apply(&secret));
    secret_refresh(&secret);
    assert_true(hl_value_equal(secret.recorded.live, secret.live.values));
    assert_int_equal(hl_value_get_int(secret.recorded.live, "created_at", 0), world->run.now_ms);
}

static void corrects_each_destination(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f}]}");

    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    world_write(world, "a.env", "# mine\nA=1\n");
    world_write(world, "f", "changed");
    world_next_run(world, day_ms);
    assert_true(secret_apply(&secret));
    assert_string_equal(secret_value(&secret), value);
    assert_string_equal(world_read(world, "a.env"), text_of(world, "# mine\nA=1\nS=", value));
    assert_string_equal(world_read(world, "f"), value);
    assert_int_equal(hl_value_get_int(secret.recorded.live, "created_at", 0), world->run.now_ms - day_ms);
    assert_int_equal(world->checkpoints, 1);
    assert_true(secret_is_settled(&secret));
}

static void leaves_what_is_right_alone(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f}]}");
    const char *path = hl_arena_printf(world->arena, "%s/a.env", world->folder);
    struct stat before, after;

    assert_true(secret_apply(&secret));
    stat(path, &before);
    world_write(world, "f", "changed");
    assert_true(secret_apply(&secret));
    stat(path, &after);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void rotates_everywhere(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, rotate: 30d, write: [{dotenv: a.env}, {file: f}]}");

    assert_true(secret_apply(&secret));
    const char *former = secret_value(&secret);
    world_next_run(world, 30 * day_ms);
    assert_true(secret_apply(&secret));
    assert_string_not_equal(secret_value(&secret), former);
    assert_int_equal(world->checkpoints, 2);
    assert_int_equal(hl_value_get_int(secret.recorded.live, "created_at", 0), world->run.now_ms);
    assert_string_equal(world_read(world, "f"), secret_value(&secret));
    assert_string_equal(world_read(world, "a.env"), text_of(world, HEADER "S=", secret_value(&secret)));
    assert_true(secret_is_settled(&secret));
}

/* A plan that was made without reading the local side says nothing about the value: that is no wish for a new one. */
static void makes_no_new_value_unless_asked(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{file: f}]}");
    struct hl_error *err = NULL;

    assert_true(secret_apply(&secret));
    struct hl_op op = {.session = &world->session,
                       .kind = &hl_kind_secret,
                       .address = secret.address,
                       .name = secret.name,
                       .arena = world->arena,
                       .action = HL_ACTION_UPDATE,
                       .desired = secret.body,
                       .recorded = secret.recorded.desired,
                       .recorded_live = secret.recorded.live};
    unlink(hl_arena_printf(world->arena, "%s/f", world->folder));
    assert_true(hl_kind_secret.verbs->update(&op, &err));
    assert_int_equal(world->checkpoints, 1);
    assert_string_equal(world_read(world, "f"), secret_value(&secret));
}

/* Nor does it take a value that was not read for one that is gone. */
static void reads_what_the_plan_could_not(void **state)
{
    struct world *world = *state;
    struct hl_error *err = NULL;

    world_write(world, "source", "geheim-1");
    struct secret secret = secret_new(world, "S", "{file: source, write: [{file: f}]}");
    assert_true(secret_apply(&secret));
    world_write(world, "source", "geheim-2");
    struct hl_op op = {.session = &world->session,
                       .kind = &hl_kind_secret,
                       .address = secret.address,
                       .name = secret.name,
                       .arena = world->arena,
                       .action = HL_ACTION_UPDATE,
                       .desired = secret.body,
                       .recorded = secret.recorded.desired,
                       .recorded_live = secret.recorded.live};
    assert_true(hl_kind_secret.verbs->update(&op, &err));
    assert_string_equal(world_read(world, "f"), "geheim-2");
    world_write(world, "source", "%s", "");
    assert_false(hl_kind_secret.verbs->update(&op, &err));
    assert_error(&err, HL_E_NOT_FOUND, "no value: file 'source' is empty");
    assert_string_equal(world_read(world, "f"), "geheim-2");
}

static void refuses_to_change_what_must_never_change(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{value: geheim-1, rotate: never, write: [{file: f}]}");

    assert_true(secret_apply(&secret));
    secret_change(&secret, "{value: geheim-2, rotate: never, write: [{file: f}]}");
    assert_false(secret_apply(&secret));
    assert_error(&secret.error, HL_E_REFUSED, "`rotate: never` says that it does not change");
    assert_string_equal(world_read(world, "f"), "geheim-1");
}

static void follows_the_source(void **state)
{
    struct world *world = *state;

    world_set(world, "NAME=geheim-1");
    struct secret secret = secret_new(world, "S", "{env: NAME, write: [{dotenv: a.env}]}");
    assert_true(secret_apply(&secret));
    world_set(world, "NAME=geheim-2");
    world_next_run(world, day_ms);
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "a.env"), HEADER "S=geheim-2\n");
    assert_int_equal(hl_value_get_int(secret.recorded.live, "created_at", 0), world->run.now_ms);
    assert_int_equal(world->checkpoints, 0); /* the intent has it */
    assert_true(secret_is_settled(&secret));
}

static void writes_nothing_without_a_value(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "S=of-somebody\n");
    struct secret secret = secret_new(world, "S", "{file: source, optional: true, write: [{dotenv: a.env}, {file: f}]}");
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "a.env"), "S=of-somebody\n");
    assert_null(world_read(world, "f"));
    assert_null(secret_value(&secret));
    world_write(world, "source", "geheim");
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "f"), "geheim");
    world_write(world, "source", "%s", "");
    assert_true(secret_apply(&secret));
    assert_null(world_read(world, "f"));
    assert_null(world_read(world, "a.env"));
}

static void cleans_dropped_destinations(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "A=1\n");
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {dotenv: b.env}, {file: f}, {file: g}]}");
    assert_true(secret_apply(&secret));
    world_write(world, "g", "of somebody");
    secret_change(&secret, "{generate: true, write: [{file: h}]}");
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "a.env"), "A=1\n");
    assert_null(world_read(world, "b.env")); /* hlrec had made it, and nothing else is in it */
    assert_null(world_read(world, "f"));
    assert_string_equal(world_read(world, "g"), "of somebody");
    assert_string_equal(secret.note, "left at 'g': it holds another value now");
    assert_string_equal(world_read(world, "h"), secret_value(&secret));
    secret_refresh(&secret);
    assert_true(secret_is_settled(&secret));
}

static void knows_one_place_by_two_spellings(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f}]}");

    assert_true(secret_apply(&secret));
    secret_change(&secret, "{generate: true, write: [{dotenv: ./a.env}, {file: ./f}]}");
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "f"), secret_value(&secret));
    assert_string_equal(world_read(world, "a.env"), text_of(world, HEADER "S=", secret_value(&secret)));
    assert_true(secret_is_settled(&secret));
}

static void keeps_modes(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f, mode: 0640}]}");

    world_write(world, "a.env", "A=1\n");
    chmod(hl_arena_printf(world->arena, "%s/a.env", world->folder), 0640);
    world_write(world, "f", "x");
    chmod(hl_arena_printf(world->arena, "%s/f", world->folder), 0666);
    secret_refresh(&secret);
    world_write(world, "f", "%s", ""); /* not a value to be taken over */
    assert_true(secret_apply(&secret));
    assert_int_equal(world_mode(world, "a.env"), 0640); /* of a file that is shared: its owner's */
    assert_int_equal(world_mode(world, "f"), 0640);
    chmod(hl_arena_printf(world->arena, "%s/f", world->folder), 0644);
    assert_false(secret_is_settled(&secret));
    assert_true(secret_apply(&secret));
    assert_int_equal(world_mode(world, "f"), 0640);
    secret_change(&secret, "{generate: true, write: [{dotenv: a.env}, {file: f}]}");
    assert_true(secret_apply(&secret));
    assert_int_equal(world_mode(world, "f"), 0600); /* no longer said: the default again */
}

static void follows_links(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: link.env}]}");

    world_write(world, "real.env", "A=1\n");
    assert_int_equal(symlink("real.env", hl_arena_printf(world->arena, "%s/link.env", world->folder)), 0);
    assert_true(secret_apply(&secret));
    assert_string_equal(world_read(world, "real.env"), text_of(world, "A=1\nS=", secret_value(&secret)));
}

static void reports_what_it_could_not_write(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{file: f/g}]}");

    secret_refresh(&secret);
    world_write(world, "f", "a file, no folder");
    assert_false(secret_apply(&secret));
    assert_error(&secret.error, HL_E_FAILED, "writing destination 'f/g'");
    assert_int_equal(world->checkpoints, 1);
}

/* ---- remove ---- */

static void removes_its_own(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "# c\nA=1\n");
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {dotenv: b.env}, {file: f}, {file: g}, {file: gone}]}");
    assert_true(secret_apply(&secret));
    world_write(world, "g", "of somebody");
    unlink(hl_arena_printf(world->arena, "%s/gone", world->folder));
    secret_change(&secret, NULL);
    secret_refresh(&secret);
    assert_true(secret_delete(&secret));
    assert_string_equal(world_read(world, "a.env"), "# c\nA=1\n");
    assert_null(world_read(world, "b.env"));
    assert_null(world_read(world, "f"));
    assert_string_equal(world_read(world, "g"), "of somebody");
    assert_string_equal(secret.note, "left at 'g': it holds another value now");
}

static void keeps_a_dotenv_file_that_others_use(void **state)
{
    struct world *world = *state;
    struct secret first = secret_new(world, "A", "{generate: true, write: [{dotenv: a.env}]}");
    struct secret second = secret_new(world, "B", "{generate: true, write: [{dotenv: a.env}]}");

    assert_true(secret_apply(&first));
    assert_true(secret_apply(&second));
    assert_true(secret_delete(&first));
    assert_string_equal(world_read(world, "a.env"), text_of(world, HEADER "B=", secret_value(&second)));
    assert_true(secret_delete(&second));
    assert_null(world_read(world, "a.env"));
}

/* ---- after a crash ---- */

static struct hl_recovery recovery_of(struct secret *secret, const char *action, const struct hl_value *checkpoint)
{
    return (struct hl_recovery){
        .session = &secret->world->session,
        .kind = &hl_kind_secret,
        .address = secret->address,
        .name = secret->name,
        .operation = "op",
        .action = action,
        .id = "",
        .desired = secret->desired,
        .checkpoint = checkpoint,
        .recorded = secret->is_recorded ? &secret->recorded : NULL,
        .arena = secret->world->arena,
    };
}

static void take_recovery(struct secret *secret, const struct hl_recovery *recovery)
{
    secret->recorded = (struct hl_recorded){
        .address = secret->address, .kind = "secret", .name = secret->name, .live = recovery->result, .desired = (struct hl_value *)recovery->result_desired};
    secret->is_recorded = true;
}

static void recovers_the_value_that_was_sealed(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{dotenv: a.env}, {file: f}]}");
    struct hl_error *err = NULL;

    /* It died before anything was written: only the checkpoint knows the value. */
    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    unlink(hl_arena_printf(world->arena, "%s/f", world->folder));
    unlink(hl_arena_printf(world->arena, "%s/a.env", world->folder));
    secret_lose(&secret);
    struct hl_recovery recovery = recovery_of(&secret, "create", world->checkpoint);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_EXISTS);
    assert_string_equal(recovery.result_id, "S");
    assert_string_equal(hl_value_get_text(recovery.result_desired, "value"), value);
    take_recovery(&secret, &recovery);
    world_next_run(world, day_ms);
    assert_false(secret_is_settled(&secret));
    assert_true(secret_apply(&secret));
    assert_string_equal(secret_value(&secret), value);
    assert_string_equal(world_read(world, "f"), value);
    assert_int_equal(world->checkpoints, 1);
    assert_int_equal(hl_value_get_int(secret.recorded.live, "created_at", 0), world->run.now_ms - day_ms);
    assert_true(secret_is_settled(&secret));
}

static void recovers_a_half_made_rotation(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, rotate: 30d, write: [{file: f}, {file: dropped}]}");
    struct hl_error *err = NULL;

    assert_true(secret_apply(&secret));
    const struct hl_recorded former = secret.recorded;
    const char *old = secret_value(&secret);
    world_next_run(world, 40 * day_ms);
    secret_change(&secret, "{generate: true, rotate: 30d, write: [{file: f}]}");
    assert_true(secret_apply(&secret));
    const char *value = secret_value(&secret);
    /* Back to where it died: the record is the old one, nothing was written, nothing cleaned. */
    secret.recorded = former;
    world_write(world, "f", "%s", old);
    world_write(world, "dropped", "%s", old);
    struct hl_recovery recovery = recovery_of(&secret, "update", world->checkpoint);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_EXISTS);
    take_recovery(&secret, &recovery);
    assert_true(secret_apply(&secret));
    assert_string_equal(secret_value(&secret), value);
    assert_string_equal(world_read(world, "f"), value);
    assert_null(world_read(world, "dropped"));
    assert_int_equal(world->checkpoints, 2);
    assert_true(secret_is_settled(&secret));
}

static void recovers_what_a_source_gave(void **state)
{
    struct world *world = *state;
    struct hl_error *err = NULL;

    world_set(world, "NAME=geheim");
    struct secret secret = secret_new(world, "S", "{env: NAME, write: [{dotenv: a.env}]}");
    assert_true(secret_apply(&secret));
    secret_lose(&secret);
    struct hl_recovery recovery = recovery_of(&secret, "create", NULL);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_EXISTS);
    unlink(hl_arena_printf(world->arena, "%s/a.env", world->folder));
    recovery = recovery_of(&secret, "create", NULL);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_NOTHING);
}

static void recovers_nothing_when_nothing_was_sealed(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{file: f}]}");
    struct hl_error *err = NULL;

    secret_refresh(&secret);
    struct hl_recovery recovery = recovery_of(&secret, "create", NULL);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_NOTHING);
}

static void recovers_a_deletion(void **state)
{
    struct world *world = *state;
    struct secret secret = secret_new(world, "S", "{generate: true, write: [{file: f}]}");
    struct hl_error *err = NULL;

    assert_true(secret_apply(&secret));
    secret.desired = NULL;
    struct hl_recovery recovery = recovery_of(&secret, "delete", NULL);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_NOTHING);
    unlink(hl_arena_printf(world->arena, "%s/f", world->folder));
    recovery = recovery_of(&secret, "delete", NULL);
    assert_true(hl_kind_secret.verbs->recover(&recovery, &err));
    assert_int_equal(recovery.outcome, HL_RECOVERED_GONE);
}

/* ---- at once ---- */

enum { WRITERS = 24 };

struct writer {
    struct world *world;
    struct hl_arena *arena;
    struct hl_value *desired;
    char name[8];
    bool fine;
};

static void *write_one(void *context)
{
    struct writer *writer = context;
    struct hl_error *err = NULL;
    struct hl_op op = {.session = &writer->world->session,
                       .kind = &hl_kind_secret,
                       .name = writer->name,
                       .arena = writer->arena,
                       .action = HL_ACTION_CREATE,
                       .desired = writer->desired};

    writer->fine = hl_kind_secret.verbs->create(&op, &err);
    hl_error_free(err);
    return NULL;
}

/* Into a file that is there, or into one whose folder has to be made first. */
static void write_at_once(struct world *world, const char *folder, const char *before)
{
    struct writer writers[WRITERS] = {0};
    pthread_t threads[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.world = world, .arena = hl_arena_new()};
        memcpy(writers[i].name, (char[]){'K', (char)('A' + i), '\0'}, 3);
        /* Two spellings of the one file. */
        const char *body = hl_arena_printf(world->arena, "{value: geheim-%d, write: [{dotenv: %s%sa.env}]}", i, i % 2 == 0 ? "" : "./", folder);
        writers[i].desired = world_decode(world, writers[i].name, body);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_one, &writers[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    const char *file = world_read(world, hl_arena_printf(world->arena, "%sa.env", folder));
    assert_has(file, before);
    for (int i = 0; i < WRITERS; i++) {
        assert_true(writers[i].fine);
        assert_has(file, hl_arena_printf(world->arena, "\n%s=geheim-%d\n", writers[i].name, i));
        hl_arena_free(writers[i].arena);
    }
}

static void loses_no_line_of_others(void **state)
{
    struct world *world = *state;

    world_write(world, "a.env", "# mine\nFIRST=1\n");
    write_at_once(world, "", "# mine\nFIRST=1\n");
    write_at_once(world, "new/er/", HEADER);
}

int hl_test_verbs(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seals_before_it_writes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(gives_what_refresh_would_give, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(corrects_each_destination, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(leaves_what_is_right_alone, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(rotates_everywhere, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(makes_no_new_value_unless_asked, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reads_what_the_plan_could_not, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refuses_to_change_what_must_never_change, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(follows_the_source, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(writes_nothing_without_a_value, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cleans_dropped_destinations, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(knows_one_place_by_two_spellings, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_modes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(follows_links, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reports_what_it_could_not_write, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(removes_its_own, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_a_dotenv_file_that_others_use, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recovers_the_value_that_was_sealed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recovers_a_half_made_rotation, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recovers_what_a_source_gave, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recovers_nothing_when_nothing_was_sealed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recovers_a_deletion, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(loses_no_line_of_others, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
