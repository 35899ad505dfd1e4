#include "config.h"

#include "schema/base/error.h"
#include "tests/unit/base/tests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void failing_sets_the_error(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_false(hl_fail(&err, HL_E_LOCKED, "state is locked by '%s'", "host"));
    assert_int_equal(err->code, HL_E_LOCKED);
    assert_string_equal(err->message, "state is locked by 'host'");
    assert_null(err->cause);
    assert_null(err->hint);
}

static void wrapping_keeps_the_code(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    hl_fail(&err, HL_E_UNREACHABLE, "no route to host");
    assert_false(hl_wrap(&err, "reading network '%s'", "lan"));
    assert_false(hl_wrap(&err, "refreshing"));
    assert_int_equal(err->code, HL_E_UNREACHABLE);

    hl_auto(heap) char *text = hl_error_text(err);

    assert_string_equal(text, "refreshing: reading network 'lan': no route to host");
}

static void long_messages_are_kept(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    hl_fail(&err, HL_E_FAILED, "%2000d", 1);
    assert_int_equal(strlen(err->message), 2000);
}

static void errno_is_put_in_words(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_false(hl_fail_errno(&err, ENOENT, "opening '%s'", "/x"));
    assert_int_equal(err->code, HL_E_FAILED);
    assert_true(strncmp(err->message, "opening '/x': ", 14) == 0);
    assert_string_equal(err->message + 14, strerror(ENOENT));
}

static void details_go_to_the_newest_node_once(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    hl_fail(&err, HL_E_REJECTED, "inner");
    assert_false(hl_error_hint(&err, "inner hint %d", 1));
    assert_false(hl_error_hint(&err, "too late"));
    assert_string_equal(err->hint, "inner hint 1");
    hl_wrap(&err, "outer");
    assert_null(err->hint);
    assert_false(hl_error_address(&err, "network.lan"));
    assert_false(hl_error_address(&err, "network.other"));
    assert_false(hl_error_place(&err, "spec.yaml", (struct hl_span){.line = 3, .column = 9}));
    assert_false(hl_error_place(&err, "other.yaml", (struct hl_span){.line = 1, .column = 1}));
    assert_string_equal(err->address, "network.lan");
    assert_string_equal(err->file, "spec.yaml");
    assert_int_equal(err->at.line, 3);
    assert_string_equal(err->cause->hint, "inner hint 1");
}

static void http_call_shows_no_credentials(void **state HL_UNUSED)
{
    static const struct {
        const char *url;
        long status;
        const char *expected;
    } rows[] = {
        {"http://localhost/v1.41/containers/create", 409, "POST http://localhost/v1.41/containers/create -> 409"},
        {"https://api.test/x?token=secret", 200, "POST https://api.test/x -> 200"},
        {"https://user:pass@api.test:8443/x", 401, "POST https://api.test:8443/x -> 401"},
        {"https://user:p@ss@api.test/x@y#frag", 401, "POST https://api.test/x@y -> 401"},
        {"https://user:pass@api.test?q", 401, "POST https://api.test -> 401"},
        {"/no/scheme?key", 500, "POST /no/scheme -> 500"},
        {"http://host/x", 0, "POST http://host/x -> no answer"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;

        hl_fail(&err, HL_E_REJECTED, "x");
        assert_false(hl_error_http(&err, "POST", rows[i].url, rows[i].status));
        assert_string_equal(err->http, rows[i].expected);
    }
}

static void nobody_needs_to_listen(void **state HL_UNUSED)
{
    struct hl_error *none = NULL;

    assert_false(hl_fail(NULL, HL_E_FAILED, "x"));
    assert_false(hl_fail_errno(NULL, EIO, "x"));
    assert_false(hl_wrap(NULL, "x"));
    assert_false(hl_error_hint(NULL, "x"));
    assert_false(hl_error_hint(&none, "x"));
    assert_false(hl_error_address(&none, "x"));
    assert_false(hl_error_http(&none, "GET", "x", 1));
    assert_null(none);
    hl_error_free(NULL);
}

static void clearing_allows_another(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    hl_fail(&err, HL_E_NOT_FOUND, "gone");
    hl_error_clear(&err);
    assert_null(err);
    hl_error_clear(&err);
    hl_fail(&err, HL_E_AUTH, "again");
    assert_int_equal(err->code, HL_E_AUTH);
}

static void codes_have_distinct_names(void **state HL_UNUSED)
{
    for (unsigned i = 0; i < HL_E_CODES; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(hl_code_name((enum hl_code)i), hl_code_name((enum hl_code)j));
    assert_string_equal(hl_code_name(HL_E_UNREACHABLE), "unreachable");
    assert_string_equal(hl_code_name(HL_E_NOT_FOUND), "not_found");
}

int hl_test_error(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_sets_the_error),
        cmocka_unit_test(wrapping_keeps_the_code),
        cmocka_unit_test(long_messages_are_kept),
        cmocka_unit_test(errno_is_put_in_words),
        cmocka_unit_test(details_go_to_the_newest_node_once),
        cmocka_unit_test(http_call_shows_no_credentials),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(clearing_allows_another),
        cmocka_unit_test(codes_have_distinct_names),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
