#include "config.h"

#include "tests/unit/state/testing.h"

static void times_read_back_as_written(void **state HL_UNUSED)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {1, "1970-01-01T00:00:00.001Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868799999, "2000-02-29T23:59:59.999Z"},
        {1709164800000, "2024-02-29T00:00:00.000Z"},
        {1767225599999, "2025-12-31T23:59:59.999Z"},
        {1785589256789, "2026-08-01T13:00:56.789Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
    };
    char text[HL_STATE_CLOCK_TEXT];

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_state_time_format(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(hl_state_time_parse(text), rows[i].ms);
    }
}

static void other_texts_are_no_times(void **state HL_UNUSED)
{
    static const char *const texts[] = {
        "", "2026", "2026-08-01 13:00:56.789Z", "2026-08-01T13:00:56Z", "2026-08-01T13:00:56.789Zx", "yyyy-08-01T13:00:56.789Z"};

    for (size_t i = 0; i < HL_COUNT(texts); i++)
        assert_int_equal(hl_state_time_parse(texts[i]), 0);
}

static void times_out_of_range_are_bounded(void **state HL_UNUSED)
{
    char text[HL_STATE_CLOCK_TEXT];

    hl_state_time_format(-5, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    hl_state_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void each_failure_of_sqlite_says_what_to_do(void **state)
{
    static const struct {
        int rc;
        enum hl_code code;
        const char *part;
    } rows[] = {
        {SQLITE_FULL, HL_E_FAILED, "make room on the disk"}, {SQLITE_READONLY_DIRECTORY, HL_E_FAILED, "mode of"}, {SQLITE_CANTOPEN, HL_E_FAILED, "mode of"},
        {SQLITE_CORRUPT, HL_E_FAILED, "last good copy"},     {SQLITE_NOTADB, HL_E_FAILED, "last good copy"},      {SQLITE_IOERR_WRITE, HL_E_FAILED, "dmesg"},
        {SQLITE_BUSY, HL_E_LOCKED, "another program"},
    };
    const struct sandbox *box = *state;
    struct hl_store *store = open_store(box, HL_STORE_READ);

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_error *err = NULL;

        assert_false(hl_sql_fail(store, rows[i].rc, &err));
        assert_failure(&err, rows[i].code, rows[i].part);
    }
    hl_store_close(store);
}

int hl_test_query(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_read_back_as_written),
        cmocka_unit_test(other_texts_are_no_times),
        cmocka_unit_test(times_out_of_range_are_bounded),
        IN_SANDBOX(each_failure_of_sqlite_says_what_to_do),
    };

    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
