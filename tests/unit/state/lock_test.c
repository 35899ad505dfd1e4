#include "config.h"

#include "tests/unit/state/testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void take_lock(struct hl_store *store, const char *command, bool expect_died)
{
    struct hl_error *err = NULL;
    bool died = !expect_died;

    assert_done(hl_store_lock(store, command, 0, &died, &err), &err);
    assert_int_equal(died, expect_died);
}

static void find_it_locked(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    bool died = true;

    child_must(!hl_store_lock(store, "apply", 100, &died, &err) && !died);
    child_must(err->code == HL_E_LOCKED && strstr(err->message, "destroy by ") != NULL && strstr(err->message, ", process ") != NULL);
    child_must(err->hint != NULL);
    hl_error_clear(&err);
    hl_store_close(store);
}

static void find_it_free(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_WRITE);
    bool died = true;

    child_must(hl_store_lock(store, "apply", 0, &died, NULL) && !died);
    hl_store_close(store);
}

static void one_run_at_a_time(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    take_lock(store, "destroy", false);
    assert_int_equal(run_child(find_it_locked, box), 0);
    hl_store_unlock(store);
    assert_int_equal(run_child(find_it_free, box), 0);
    take_lock(store, "destroy", false);
    hl_store_close(store); /* unlocks */
    assert_int_equal(run_child(find_it_free, box), 0);
}

static void two_stores_of_one_process_exclude_each_other(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *first = open_store(box, HL_STORE_WRITE);
    struct hl_store *second = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    bool died = false;

    take_lock(first, "apply", false);
    assert_false(hl_store_lock(second, "apply", 0, &died, &err));
    assert_failure(&err, HL_E_LOCKED, "apply by ");
    assert_false(hl_store_lock(first, "apply", 0, &died, &err));
    assert_failure(&err, HL_E_FAILED, "holds the lock");
    hl_store_unlock(first);
    take_lock(second, "apply", false);
    hl_store_close(second);
    hl_store_close(first);
}

static void hold_for_a_while(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_WRITE);
    bool died = false;

    child_must(hl_store_lock(store, "apply", 0, &died, NULL));
    write_whole(beside(box, ".held"), "x", 1);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    hl_store_close(store);
}

static void waiting_gets_it_when_it_is_free(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;
    bool died = true;
    pid_t child = fork();

    if (child == 0) {
        hold_for_a_while(box);
        _exit(0);
    }
    while (!exists(beside(box, ".held")))
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_false(hl_store_lock(store, "apply", 0, &died, &err));
    assert_failure(&err, HL_E_LOCKED, "--lock-timeout");
    assert_done(hl_store_lock(store, "apply", 20000, &died, &err), &err);
    assert_false(died);
    waitpid(child, NULL, 0);
    hl_store_close(store);
}

static void die_with_the_lock(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_WRITE);
    int64_t run = 0;
    bool died = false;

    child_must(hl_store_lock(store, "apply", 0, &died, NULL));
    child_must(hl_store_run_begin(store, "apply", "", "", &run, NULL));
    raise(SIGKILL);
}

static void a_dead_holder_is_told_once(void **state)
{
    const struct sandbox *box = *state;

    assert_true(WIFSIGNALED(run_child(die_with_the_lock, box)));

    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    take_lock(store, "apply", true);
    hl_store_unlock(store);
    take_lock(store, "apply", false);
    hl_store_close(store);
    assert_string_equal(query_text(box, box->path, "SELECT result FROM runs"), "died");
}

static void look_at_the_holder(const struct sandbox *box)
{
    struct hl_store *store = child_open(box, HL_STORE_READ);
    const char *holder = hl_store_lock_holder(store, box->arena);

    child_must(holder != NULL && strstr(holder, "apply by ") != NULL);
    hl_store_close(store);
}

static void a_reader_can_tell_who_holds_it(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *early = open_store(box, HL_STORE_READ); /* of a file that is not there yet */
    struct hl_store *store = open_store(box, HL_STORE_WRITE);

    assert_null(hl_store_lock_holder(store, box->arena));
    assert_null(hl_store_lock_holder(early, box->arena));
    take_lock(store, "apply", false);
    assert_null(hl_store_lock_holder(store, box->arena)); /* it is we */
    assert_int_equal(run_child(look_at_the_holder, box), 0);
    assert_contains(hl_store_lock_holder(early, box->arena), "apply by ");
    hl_store_unlock(store);
    assert_null(hl_store_lock_holder(early, box->arena));
    hl_store_close(early);
    hl_store_close(store);
}

static void the_lock_brings_the_store_up_to_date(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *first = open_store(box, HL_STORE_WRITE);
    struct hl_store *second = open_store(box, HL_STORE_WRITE);

    take_lock(second, "apply", false);
    record_secret(second, "secret.a", "one");
    hl_store_unlock(second);
    assert_int_equal(hl_store_serial(first), 0);
    take_lock(first, "apply", false);
    assert_int_equal(hl_store_serial(first), 1);
    assert_non_null(find_record(first, box->arena, "secret.a"));
    hl_store_close(first);
    hl_store_close(second);
}

int hl_test_lock(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(one_run_at_a_time),
        IN_SANDBOX(two_stores_of_one_process_exclude_each_other),
        IN_SANDBOX(waiting_gets_it_when_it_is_free),
        IN_SANDBOX(a_dead_holder_is_told_once),
        IN_SANDBOX(a_reader_can_tell_who_holds_it),
        IN_SANDBOX(the_lock_brings_the_store_up_to_date),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
