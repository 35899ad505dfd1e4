#include "config.h"

#include "tests/unit/state/testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const needs[] = {"group.routers", NULL};

static struct hl_intent create_intent(struct hl_arena *arena, const char *operation)
{
    struct hl_intent intent = {
        .operation = operation,
        .address = "setup_key.a",
        .kind = "setup_key",
        .name = "a",
        .provider = "netbird",
        .provider_type = "netbird",
        .action = "create",
        .object_id = "",
        .desired = from_json(arena, "{\"type\":\"reusable\"}"),
        .needs = needs,
    };

    hl_value_map_put(intent.desired, "token", sensitive(arena, "from the spec"));
    return intent;
}

static struct hl_intent *load(struct hl_store *store, struct hl_arena *arena, size_t expected)
{
    struct hl_intent *intents = NULL;
    struct hl_error *err = NULL;
    size_t count = 0;

    assert_done(hl_store_open_intents(store, arena, &intents, &count, &err), &err);
    assert_int_equal(count, expected);
    return intents;
}

static void an_intent_is_read_as_it_was_written(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_intent intent = create_intent(box->arena, "op-1");
    struct hl_error *err = NULL;
    int64_t run = 0;

    assert_done(hl_store_run_begin(store, "apply", "", "", &run, &err), &err);
    assert_done(hl_store_intent(store, &intent, &err), &err);
    assert_true(intent.id > 0 && intent.started_ms > 0);
    assert_int_equal(intent.run, run);

    const struct hl_intent *back = load(store, box->arena, 1);

    assert_int_equal(back->id, intent.id);
    assert_string_equal(back->operation, "op-1");
    assert_string_equal(back->address, "setup_key.a");
    assert_string_equal(back->kind, "setup_key");
    assert_string_equal(back->name, "a");
    assert_string_equal(back->provider, "netbird");
    assert_string_equal(back->provider_type, "netbird");
    assert_string_equal(back->action, "create");
    assert_string_equal(back->object_id, "");
    assert_string_equal(back->needs[0], "group.routers");
    assert_values_equal(back->desired, intent.desired);
    assert_true(hl_value_get(back->desired, "token")->sensitive);
    assert_null(back->checkpoint);
    assert_int_equal(back->started_ms, intent.started_ms);
    assert_int_equal(back->run, run);
    hl_store_close(store);
}

static void a_checkpoint_keeps_what_was_learnt_last(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_intent intent = create_intent(box->arena, "op-1");
    struct hl_value *learnt = from_json(box->arena, "{\"id\":\"k1\"}");
    struct hl_error *err = NULL;

    assert_done(hl_store_intent(store, &intent, &err), &err);
    hl_value_map_put(learnt, "key", sensitive(box->arena, "first"));
    assert_done(hl_store_checkpoint(store, intent.id, intent.address, learnt, &err), &err);
    hl_value_map_put(learnt, "key", sensitive(box->arena, "second"));
    assert_done(hl_store_checkpoint(store, intent.id, intent.address, learnt, &err), &err);
    assert_values_equal(load(store, box->arena, 1)->checkpoint, learnt);
    assert_values_equal(load(store, box->arena, 1)->desired, intent.desired);
    assert_done(hl_store_checkpoint(store, intent.id, intent.address, NULL, &err), &err);
    assert_null(load(store, box->arena, 1)->checkpoint);
    assert_false(hl_store_checkpoint(store, intent.id, "setup_key.other", learnt, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "no intent");
    hl_store_close(store);
}

static void settling_removes_it_with_its_secrets(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_intent first = create_intent(box->arena, "op-1");
    struct hl_intent second = create_intent(box->arena, "op-2");
    struct hl_error *err = NULL;

    assert_done(hl_store_begin(store, &err), &err);
    assert_done(hl_store_intent(store, &first, &err), &err);
    assert_done(hl_store_intent(store, &second, &err), &err);
    assert_done(hl_store_commit(store, &err), &err);
    assert_done(hl_store_begin(store, &err), &err);
    record_secret(store, "setup_key.a", "result");
    assert_done(hl_store_settle(store, first.id, &err), &err);
    assert_done(hl_store_commit(store, &err), &err);
    assert_string_equal(load(store, box->arena, 1)->operation, "op-2");
    assert_false(hl_store_settle(store, first.id, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "no intent");
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM secrets WHERE intent IS NOT NULL"), 1);
}

static void numbers_are_never_used_again(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_intent first = create_intent(box->arena, "op-1");
    struct hl_intent second = create_intent(box->arena, "op-2");
    struct hl_error *err = NULL;

    assert_done(hl_store_intent(store, &first, &err), &err);
    assert_done(hl_store_settle(store, first.id, &err), &err);
    assert_done(hl_store_intent(store, &second, &err), &err);
    assert_true(second.id > first.id);
    hl_store_close(store);
}

/* A run up to the instant at which `dies` says it is killed. */
enum instant { BEFORE_THE_INTENT, WITH_THE_INTENT_OPEN, BEHIND_THE_INTENT, BEHIND_THE_CHECKPOINT, WITHIN_THE_RESULT, BEHIND_THE_RESULT, INSTANTS };

static enum instant dies;

static void die_at(enum instant instant)
{
    if (dies == instant)
        raise(SIGKILL);
}

static void run_and_die(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_WRITE);
    struct hl_intent intent = create_intent(box->arena, "op-1");
    bool died = false;

    child_must(hl_store_lock(store, "apply", 0, &died, NULL));
    die_at(BEFORE_THE_INTENT);
    child_must(hl_store_begin(store, NULL) && hl_store_intent(store, &intent, NULL));
    die_at(WITH_THE_INTENT_OPEN);
    child_must(hl_store_commit(store, NULL));
    die_at(BEHIND_THE_INTENT);
    child_must(hl_store_checkpoint(store, intent.id, intent.address, sensitive(box->arena, "told once"), NULL));
    die_at(BEHIND_THE_CHECKPOINT);
    child_must(hl_store_begin(store, NULL));
    record_secret(store, "setup_key.a", "told once");
    die_at(WITHIN_THE_RESULT);
    child_must(hl_store_settle(store, intent.id, NULL) && hl_store_commit(store, NULL));
    die_at(BEHIND_THE_RESULT);
}

static void a_kill_at_any_instant_loses_nothing(void **state)
{
    static const struct {
        size_t intents;
        bool checkpoint, recorded;
    } rows[INSTANTS] = {
        [BEFORE_THE_INTENT] = {0, false, false},    [WITH_THE_INTENT_OPEN] = {0, false, false}, [BEHIND_THE_INTENT] = {1, false, false},
        [BEHIND_THE_CHECKPOINT] = {1, true, false}, [WITHIN_THE_RESULT] = {1, true, false},     [BEHIND_THE_RESULT] = {0, false, true},
    };
    const struct sandbox *box = *state;

    for (dies = 0; dies < INSTANTS; dies++) {
        bool died = false;
        struct hl_error *err = NULL;

        assert_true(WIFSIGNALED(run_child(run_and_die, box)));

        struct hl_store *store = open_store(box, HL_STORE_WRITE);

        assert_done(hl_store_lock(store, "apply", 0, &died, &err), &err);
        assert_true(died);

        const struct hl_intent *intents = load(store, box->arena, rows[dies].intents);

        if (rows[dies].intents > 0) {
            assert_string_equal(intents->operation, "op-1");
            assert_int_equal(intents->checkpoint != NULL, rows[dies].checkpoint);
            assert_done(hl_store_settle(store, intents->id, &err), &err);
        }
        assert_int_equal(find_record(store, box->arena, "setup_key.a") != NULL, rows[dies].recorded);
        assert_done(hl_store_forget(store, "setup_key.a", &err), &err);
        hl_store_close(store);
    }
}

int hl_test_journal(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(an_intent_is_read_as_it_was_written), IN_SANDBOX(a_checkpoint_keeps_what_was_learnt_last), IN_SANDBOX(settling_removes_it_with_its_secrets),
        IN_SANDBOX(numbers_are_never_used_again),        IN_SANDBOX(a_kill_at_any_instant_loses_nothing),
    };

    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
