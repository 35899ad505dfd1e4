#include "config.h"

#include "tests/unit/state/testing.h"

#include <unistd.h>

static int64_t begin_run(struct hl_store *store)
{
    struct hl_error *err = NULL;
    int64_t run = 0;

    assert_done(hl_store_run_begin(store, "apply", "/srv/lab.yaml", "3f9c1ab", &run, &err), &err);
    return run;
}

static void end_run(struct hl_store *store, int64_t run, int64_t keep)
{
    struct hl_run_row row = {.id = run, .result = "done", .created = 1, .updated = 2, .replaced = 3, .deleted = 4, .failed = 5, .deferred = 6};
    struct hl_error *err = NULL;

    assert_done(hl_store_run_end(store, &row, keep, &err), &err);
}

static struct hl_run_row *load_runs(struct hl_store *store, struct hl_arena *arena, int64_t limit, size_t expected)
{
    struct hl_run_row *runs = NULL;
    struct hl_error *err = NULL;
    size_t count = 0;

    assert_done(hl_store_runs(store, arena, limit, &runs, &count, &err), &err);
    assert_int_equal(count, expected);
    return runs;
}

static void a_run_is_written_down(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    int64_t run = begin_run(store);
    const struct hl_run_row *row = load_runs(store, box->arena, 0, 1);

    assert_int_equal(row->id, run);
    assert_string_equal(row->command, "apply");
    assert_string_equal(row->source, "/srv/lab.yaml");
    assert_string_equal(row->commit, "3f9c1ab");
    assert_string_equal(row->result, "running");
    assert_true(*row->who != '\0' && *row->host != '\0');
    assert_int_equal(row->pid, getpid());
    assert_true(row->started_ms > 1700000000000);
    assert_int_equal(row->finished_ms, 0);
    end_run(store, run, 10);
    row = load_runs(store, box->arena, 0, 1);
    assert_string_equal(row->result, "done");
    assert_true(row->finished_ms >= row->started_ms);
    assert_int_equal(row->created, 1);
    assert_int_equal(row->updated, 2);
    assert_int_equal(row->replaced, 3);
    assert_int_equal(row->deleted, 4);
    assert_int_equal(row->failed, 5);
    assert_int_equal(row->deferred, 6);
    hl_store_close(store);
}

static void events_belong_to_their_run(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    int64_t run = begin_run(store);
    struct hl_event_row first = {.address = "container.a", .event = "start", .action = "create", .message = "pulling"};
    struct hl_event_row second = {.run = run, .time_ms = 1785589256789, .event = "done"};
    struct hl_event_row *events = NULL;
    struct hl_error *err = NULL;
    size_t count = 0;

    assert_done(hl_store_event(store, &first, &err), &err);
    assert_done(hl_store_event(store, &second, &err), &err);
    assert_done(hl_store_events(store, box->arena, run, &events, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].run, run);
    assert_string_equal(events[0].address, "container.a");
    assert_string_equal(events[0].event, "start");
    assert_string_equal(events[0].action, "create");
    assert_string_equal(events[0].message, "pulling");
    assert_true(events[0].time_ms > 1700000000000);
    assert_int_equal(events[1].time_ms, 1785589256789);
    assert_string_equal(events[1].message, "");
    assert_done(hl_store_events(store, box->arena, run + 1, &events, &count, &err), &err);
    assert_int_equal(count, 0);
    hl_store_close(store);
}

static void old_runs_are_dropped_with_their_events(void **state)
{
    enum { RUNS = 25, KEEP = 20 };
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    struct hl_error *err = NULL;

    for (int i = 0; i < RUNS; i++) {
        int64_t run = begin_run(store);
        struct hl_event_row event = {.event = "done"};

        assert_done(hl_store_event(store, &event, &err), &err);
        end_run(store, run, i < RUNS - 1 ? 0 : KEEP);
        if (i == RUNS - 2)
            load_runs(store, box->arena, 0, RUNS - 1); /* a limit of 0 keeps all */
    }

    const struct hl_run_row *runs = load_runs(store, box->arena, 0, KEEP);

    assert_int_equal(runs[0].id, RUNS); /* the newest first */
    assert_int_equal(runs[KEEP - 1].id, RUNS - KEEP + 1);
    assert_int_equal(load_runs(store, box->arena, 3, 3)[2].id, RUNS - 2);
    hl_store_close(store);
    assert_int_equal(query_int(box->path, "SELECT count(*) FROM run_events"), KEEP);
}

static void ending_an_unknown_run_is_an_error(void **state)
{
    struct hl_store *store = open_store(*state, HL_STORE_WRITE);
    struct hl_run_row row = {.id = 5};
    struct hl_error *err = NULL;

    assert_false(hl_store_run_end(store, &row, 10, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "no run 5");
    hl_store_close(store);
}

int hl_test_history(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(a_run_is_written_down),
        IN_SANDBOX(events_belong_to_their_run),
        IN_SANDBOX(old_runs_are_dropped_with_their_events),
        IN_SANDBOX(ending_an_unknown_run_is_an_error),
    };

    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
