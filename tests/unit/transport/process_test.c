#include "config.h"

#include "reconcile/transport/process.h"
#include "tests/unit/transport/testing.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHELL(script) ARGV("sh", "-c", script)

/* Runs it and keeps both outputs until the next call. */
static struct hl_text out, diagnostics;
static int status;

static bool run(struct hl_process process, struct hl_error **err)
{
    hl_text_clear(&out);
    hl_text_clear(&diagnostics);
    status = -1;
    return hl_process_run(&process, &out, &diagnostics, &status, err);
}

static int prepare(void **state HL_UNUSED)
{
    hl_text_init(&out, HL_MAX_OUTPUT);
    hl_text_init(&diagnostics, HL_MAX_OUTPUT);
    return 0;
}

static int clean_up(void **state HL_UNUSED)
{
    hl_text_clear(&out);
    hl_text_clear(&diagnostics);
    return 0;
}

static void output_and_status_come_back(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_true(run((struct hl_process){.argv = SHELL("echo out; echo diagnosis >&2; exit 7")}, &err));
    assert_int_equal(status, 7);
    assert_string_equal(hl_text_get(&out), "out\n");
    assert_string_equal(hl_text_get(&diagnostics), "diagnosis\n");
}

static void no_shell_looks_at_the_arguments(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_true(run((struct hl_process){.argv = ARGV("printf", "%s|", "$HOME", "`id`", "a b", "; exit 3", "*")}, &err));
    assert_int_equal(status, 0);
    assert_string_equal(hl_text_get(&out), "$HOME|`id`|a b|; exit 3|*|");
    /* Not even to run a file that is no program. */
    assert_false(run((struct hl_process){.argv = ARGV("echo hello")}, &err));
    assert_failure(&err, HL_E_FAILED, "cannot run 'echo hello': no such program");
}

static void input_is_given_or_empty(void **state HL_UNUSED)
{
    enum { LENGTH = 300000 };
    hl_auto(error) struct hl_error *err = NULL;
    hl_auto(heap) char *input = hl_alloc(LENGTH + 1);

    assert_true(run((struct hl_process){.argv = ARGV("cat")}, &err));
    assert_string_equal(hl_text_get(&out), "");
    memset(input, 'x', LENGTH);
    assert_true(run((struct hl_process){.argv = ARGV("cat"), .input = input, .input_length = LENGTH}, &err));
    assert_int_equal(out.length, LENGTH);
    assert_memory_equal(out.data, input, LENGTH);
    /* A child that does not care for its input ends well. */
    assert_true(run((struct hl_process){.argv = ARGV("true"), .input = input, .input_length = LENGTH}, &err));
    assert_int_equal(status, 0);
}

static void environment_and_folder(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    const char *const environment[] = {"A=1", "B=two words", NULL};

    assert_true(run((struct hl_process){.argv = ARGV("/usr/bin/env"), .environment = environment}, &err));
    assert_string_equal(hl_text_get(&out), "A=1\nB=two words\n");
    assert_true(run((struct hl_process){.argv = ARGV("pwd"), .directory = "/usr"}, &err));
    assert_string_equal(hl_text_get(&out), "/usr\n");
    assert_false(run((struct hl_process){.argv = ARGV("pwd"), .directory = "/no/such"}, &err));
    assert_failure(&err, HL_E_FAILED, "cannot run 'pwd' in '/no/such': no such folder");
}

static void nothing_is_inherited(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    int leaky = open("/dev/null", O_RDONLY);
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* 3 is the folder that ls itself reads. */
    assert_true(run((struct hl_process){.argv = ARGV("ls", "/proc/self/fd")}, &err));
    assert_string_equal(hl_text_get(&out), "0\n1\n2\n3\n");
    assert_true(run((struct hl_process){.argv = SHELL("grep SigBlk /proc/self/status")}, &err));
    assert_string_equal(hl_text_get(&out), "SigBlk:\t0000000000000000\n");
    assert_false(run((struct hl_process){.argv = SHELL("kill -PIPE $$")}, &err));
    assert_failure(&err, HL_E_FAILED, "was killed by signal 13");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    close(leaky);
}

static void time_limit_ends_the_whole_group(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    int64_t before = milliseconds();

    assert_false(run((struct hl_process){.argv = SHELL("echo secret; sleep 60 & sleep 60"), .timeout_ms = 200}, &err));
    assert_failure(&err, HL_E_TIMEOUT, "'sh' did not end within 200ms");
    assert_in_range(milliseconds() - before, 200, 1800);
    assert_string_equal(hl_text_get(&out), "");
}

static void who_ignores_sigterm_is_killed(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    int64_t before = milliseconds();

    assert_false(run((struct hl_process){.argv = SHELL("trap '' TERM; sleep 60; sleep 60"), .timeout_ms = 100}, &err));
    assert_failure(&err, HL_E_TIMEOUT, "did not end within 100ms");
    assert_in_range(milliseconds() - before, 2000, 4000);
}

static void output_has_a_cap(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_false(run((struct hl_process){.argv = ARGV("yes"), .max_output = 1000}, &err));
    assert_failure(&err, HL_E_FAILED, "'yes' printed more than 1000 bytes");
    assert_string_equal(hl_text_get(&out), "");
    assert_true(run((struct hl_process){.argv = ARGV("printf", "0123456789"), .max_output = 10}, &err));
    assert_string_equal(hl_text_get(&out), "0123456789");
}

static void of_diagnostics_the_end_is_kept(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_true(run((struct hl_process){.argv = SHELL("yes 0123456 | head -c 20000 >&2; echo last >&2")}, &err));
    assert_int_equal(diagnostics.length, 4096);
    assert_string_equal(diagnostics.data + diagnostics.length - 13, "0123456\nlast\n");
}

static void death_by_a_signal_is_a_failure(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_false(run((struct hl_process){.argv = SHELL("kill -USR1 $$")}, &err));
    assert_failure(&err, HL_E_FAILED, "was killed by signal 10");
}

static void what_stays_in_the_background_is_not_waited_for(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    int64_t before = milliseconds();

    assert_true(run((struct hl_process){.argv = SHELL("sleep 5 & echo $!")}, &err));
    assert_true(milliseconds() - before < 2000);
    kill((pid_t)strtol(hl_text_get(&out), NULL, 10), SIGKILL);
}

static void quick_children_are_noticed_at_once(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    int64_t before = milliseconds();

    for (int i = 0; i < 20; i++)
        assert_true(run((struct hl_process){.argv = ARGV("true")}, &err));
    assert_true(milliseconds() - before < 1000);
}

static void second_interrupt_ends_the_child(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    static const atomic_int interrupts = 2;
    int64_t before = milliseconds();

    assert_false(run((struct hl_process){.argv = ARGV("sleep", "60"), .interrupts = &interrupts}, &err));
    assert_failure(&err, HL_E_INTERRUPTED, "'sleep' was interrupted");
    assert_true(milliseconds() - before < 1000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status_come_back),
        cmocka_unit_test(no_shell_looks_at_the_arguments),
        cmocka_unit_test(input_is_given_or_empty),
        cmocka_unit_test(environment_and_folder),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(time_limit_ends_the_whole_group),
        cmocka_unit_test(who_ignores_sigterm_is_killed),
        cmocka_unit_test(output_has_a_cap),
        cmocka_unit_test(of_diagnostics_the_end_is_kept),
        cmocka_unit_test(death_by_a_signal_is_a_failure),
        cmocka_unit_test(what_stays_in_the_background_is_not_waited_for),
        cmocka_unit_test(quick_children_are_noticed_at_once),
        cmocka_unit_test(second_interrupt_ends_the_child),
    };

    return cmocka_run_group_tests_name("process", tests, prepare, clean_up);
}
