#include "config.h"

#include "schema/base/arena.h"
#include "schema/base/crypto.h"
#include "schema/base/redact.h"
#include "tests/unit/base/tests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static void hl_cleanup_redactor(struct hl_redactor **redactor)
{
    hl_redactor_free(*redactor);
}

/* The result lives in the arena. */
static const char *redact(struct hl_arena *arena, const struct hl_redactor *redactor, const char *data, size_t length)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);

    hl_redact(redactor, &out, data, length);
    return hl_arena_copy(arena, hl_text_get(&out), out.length);
}

static void masks_each_form(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        const char *secret;
        const char *text;
        const char *expected;
    } rows[] = {
        {"raw", "hunter2!", "pw=hunter2!.", "pw=(sensitive)."},
        {"whole", "hunter2!", "hunter2!", "(sensitive)"},
        {"twice", "hunter2!", "hunter2!hunter2!", "(sensitive)(sensitive)"},
        {"not there", "hunter2!", "hunter2", "hunter2"},
        {"six bytes", "abcdef", "xabcdefx", "x(sensitive)x"},
        {"five bytes", "abcde", "xabcdex", "xabcdex"},
        {"base64", "hunter2!", "aHVudGVyMiE=", "(sensitive)"},
        {"base64 without padding", "hunter2!", "aHVudGVyMiE.", "(sensitive)."},
        {"base64url", "\xfb\xff\xfe\xfb\xff\xfe", "x -__--__- x", "x (sensitive) x"},
        {"hex", "hunter2!", "x68756e7465723221", "x(sensitive)"},
        {"hex in capitals", "\xab\xcd\xef\xab\xcd\xef", "ABCDEFABCDEF", "(sensitive)"},
        {"url", "p&ss w/rd", "q=p%26ss%20w%2Frd", "q=(sensitive)"},
        {"url, small letters", "p&ss w/rd", "q=p%26ss%20w%2frd", "q=(sensitive)"},
        {"form", "p&ss w/rd+", "q=p%26ss+w%2Frd%2B", "q=(sensitive)"},
        {"path", "p\"ss/w/rd", "/p%22ss/w/rd/", "/(sensitive)/"},
        {"json", "pa\"ss\nword", "{\"a\":\"pa\\\"ss\\nword\"}", "{\"a\":\"(sensitive)\"}"},
        {"json of Go", "pa<ss>word", "\"pa\\u003css\\u003eword\"", "\"(sensitive)\""},
        {"json of PHP", "pass/word", "\"pass\\/word\"", "\"(sensitive)\""},
        {"terminal", "pass\tword", "pass\\x09word", "(sensitive)"},
        {"newline at the end of the file", "hunter2!\n", "pw=hunter2!.", "pw=(sensitive)."},
        {"second line", "short\nlong enough line\n", "x long enough line y", "x (sensitive) y"},
        {"indented line", "a\n  long enough line\r\nb", "- long enough line y", "- (sensitive) y"},
        {"short line", "short\nlong enough line\n", "short", "short"},
        {"line in base64", "first line\nsecond line", "c2Vjb25kIGxpbmU=", "(sensitive)"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();

        hl_redactor_add(redactor, rows[i].secret, strlen(rows[i].secret));

        const char *result = redact(arena, redactor, rows[i].text, strlen(rows[i].text));

        if (strcmp(result, rows[i].expected) != 0)
            fail_msg("%s: got '%s'", rows[i].label, result);
    }
}

/* Around the needle, at most one character on each side may stay that has some bits of the secret. */
static void base64_is_found_at_each_alignment(void **state HL_UNUSED)
{
    static const char secret[] = "correct horse";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();

    hl_redactor_add(redactor, BYTES(secret));
    for (size_t before = 0; before < 6; before++) {
        for (size_t behind = 0; behind < 6; behind++) {
            const char *plain = hl_arena_printf(arena, "%.*s%s%.*s", (int)before, "user:x", secret, (int)behind, "|after");
            const char *encoded = hl_base64_encode(arena, HL_BASE64, plain, strlen(plain));
            const char *masked = redact(arena, redactor, encoded, strlen(encoded));
            const char *mask = strstr(masked, HL_REDACTED);
            size_t foreign = (before * 8 + 5) / 6 + (behind * 8 + 5) / 6 + 4;

            if (mask == NULL || strlen(masked) > strlen(HL_REDACTED) + foreign)
                fail_msg("%zu before, %zu behind: %s", before, behind, masked);
            if (behind == 0 && mask[strlen(HL_REDACTED)] != '\0')
                fail_msg("%zu before: the end stays in %s", before, masked);
        }
    }
}

static void longest_wins_and_overlaps_merge(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();

    hl_redactor_add(redactor, BYTES("abcdef"));
    hl_redactor_add(redactor, BYTES("abcdefghij"));
    hl_redactor_add(redactor, BYTES("abcdefgh"));
    hl_redactor_add(redactor, BYTES("hijklmn"));
    assert_string_equal(redact(arena, redactor, BYTES("-abcdefghij-")), "-(sensitive)-");
    assert_string_equal(redact(arena, redactor, BYTES("-abcdefghi-")), "-(sensitive)i-");
    assert_string_equal(redact(arena, redactor, BYTES("-abcdefghijklmn-")), "-(sensitive)-");
    assert_string_equal(redact(arena, redactor, BYTES("-abcdefhijklmn-")), "-(sensitive)(sensitive)-");
}

static void binary_data_pass(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();

    hl_redactor_add(redactor, BYTES("\0\1\2\3\4\5\6"));
    assert_memory_equal(redact(arena, redactor, BYTES("a\0b\0\1\2\3\4\5\6z")), "a\0b(sensitive)z", 15);
}

static void null_redactor_copies(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    hl_redactor_add(NULL, BYTES("whatever"));
    hl_redactor_free(NULL);
    assert_string_equal(redact(arena, NULL, BYTES("whatever")), "whatever");
}

static void values_give_their_sensitive_texts(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();
    struct hl_value *map = hl_value_map(arena);
    struct hl_value *list = hl_value_list(arena);

    hl_value_map_put_text(map, "user", "administrator");
    hl_value_map_put(map, "password", hl_value_mark_sensitive(hl_value_text(arena, "swordfish")));
    hl_value_list_add(arena, list, hl_value_text(arena, "recovery-code"));
    hl_value_map_put(map, "codes", hl_value_mark_sensitive(list));
    hl_redactor_add_value(redactor, map);
    hl_redactor_add_value(redactor, NULL);
    assert_string_equal(redact(arena, redactor, BYTES("administrator swordfish recovery-code")), "administrator (sensitive) (sensitive)");
}

static void hundreds_of_secrets_and_much_text(void **state HL_UNUSED)
{
    enum { SECRETS = 500, LINES = 20000 };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (int i = 0; i < SECRETS; i++) {
        const char *secret = hl_arena_printf(arena, "secret-number-%d-of-many", i);

        hl_redactor_add(redactor, secret, strlen(secret));
        hl_redactor_add(redactor, secret, strlen(secret));
    }
    for (int i = 0; i < LINES; i++)
        hl_text_printf(&text, "line %d: innocent words, then secret-number-%d-of-many.\n", i, i % (2 * SECRETS));

    const char *masked = redact(arena, redactor, text.data, text.length);

    assert_null(strstr(masked, "secret-number-499-of-many"));
    assert_non_null(strstr(masked, "secret-number-500-of-many"));
    assert_true(strncmp(masked, "line 0: innocent words, then (sensitive).\n", 42) == 0);
}

struct job {
    struct hl_redactor *redactor;
    int number;
};

static void *add_and_redact(void *argument)
{
    const struct job *job = argument;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (int i = 0; i < 50; i++) {
        const char *secret = hl_arena_printf(arena, "thread-%d-secret-%d", job->number, i);

        hl_redactor_add(job->redactor, secret, strlen(secret));
        if (strcmp(redact(arena, job->redactor, secret, strlen(secret)), HL_REDACTED) != 0)
            return NULL;
    }
    return argument;
}

static void threads_share_a_redactor(void **state HL_UNUSED)
{
    enum { THREADS = 8 };
    hl_auto(redactor) struct hl_redactor *redactor = hl_redactor_new();
    pthread_t threads[THREADS];
    struct job jobs[THREADS];

    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.redactor = redactor, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_redact, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

int hl_test_redact(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_each_form),
        cmocka_unit_test(base64_is_found_at_each_alignment),
        cmocka_unit_test(longest_wins_and_overlaps_merge),
        cmocka_unit_test(binary_data_pass),
        cmocka_unit_test(null_redactor_copies),
        cmocka_unit_test(values_give_their_sensitive_texts),
        cmocka_unit_test(hundreds_of_secrets_and_much_text),
        cmocka_unit_test(threads_share_a_redactor),
    };

    return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
