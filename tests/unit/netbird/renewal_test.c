#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include <string.h>

static const int64_t now_ms = (int64_t)1795435200 * 1000; /* 2026-11-23T12:00:00Z */
static const int64_t day_ms = (int64_t)86400 * 1000;

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-11-23T12:00:00Z", 1795435200000},
        {"2026-11-23T12:00:00.5Z", 1795435200500},
        {"2026-11-23T12:00:00.123456789Z", 1795435200123},
        {"2026-11-23T14:00:00+02:00", 1795435200000},
        {"2026-11-23T08:30:00.25-03:30", 1795435200250},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", 1000},
        {"2000-02-29T23:59:59Z", 951868799000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2100-03-01T00:00:00Z", 4107542400000},
        {"2319-01-01T00:00:00Z", 11013321600000},
        {"0001-01-01T00:00:00Z", 0},
        {"", 0},
        {"yesterday", 0},
        {"2026-11-23", 0},
        {"2026-13-23T12:00:00Z", 0},
        {"2026-11-23T25:00:00Z", 0},
        {"2026-11-23T12:00:00", 0},
        {"2026-11-23T12:00:00Zulu", 0},
        {"2026-11-23T12:00:00+0200", 0},
        {"2026-11-23T12:00:00.5", 0},
        {"20261-11-23T12:00:00Z", 0},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const int64_t ms = hl_netbird_time(hl_value_text(arena, rows[i].text));
        if (ms != rows[i].ms)
            fail_msg("'%s': %lld, not %lld", rows[i].text, (long long)ms, (long long)rows[i].ms);
    }
    assert_int_equal(hl_netbird_time(NULL), 0);
    assert_int_equal(hl_netbird_time(hl_value_null(arena)), 0);
    assert_int_equal(hl_netbird_time(hl_value_int(arena, 5)), 0);
}

static void a_new_one_is_due_in_time(void **state)
{
    const struct {
        const char *label;
        struct hl_netbird_ending ending;
        const char *renewal;
    } rows[] = {
        {"never ends", {0, 30 * day_ms, NULL}, "none"},
        {"long to go", {now_ms + 300 * day_ms, 30 * day_ms, NULL}, "none"},
        {"a moment before it is due", {now_ms + 30 * day_ms + 1, 30 * day_ms, NULL}, "none"},
        {"due", {now_ms + 30 * day_ms, 30 * day_ms, NULL}, "expires on 2026-12-23"},
        {"due, and hardly any time left", {now_ms + 1000, 30 * day_ms, NULL}, "expires on 2026-11-23"},
        {"no renewal before its end", {now_ms + 1, 0, NULL}, "none"},
        {"ended now", {now_ms, 0, NULL}, "expired"},
        {"ended long ago", {now_ms - 300 * day_ms, 30 * day_ms, NULL}, "expired"},
        {"ended by somebody", {now_ms + 300 * day_ms, 0, "revoked"}, "revoked"},
        {"ended by somebody, never ending", {0, 0, "used up"}, "used up"},
    };
    const struct hl_run run = {.now_ms = now_ms};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const char *renewal = hl_netbird_renewal(arena, &run, &rows[i].ending);
        if (strcmp(renewal, rows[i].renewal) != 0)
            fail_msg("%s: '%s', not '%s'", rows[i].label, renewal, rows[i].renewal);
    }
}

/* What `check` finds about a body; "" for nothing. */
static const char *findings(struct hl_arena *arena, int64_t lifetime_ms, int64_t before_ms, int64_t fallback_ms)
{
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags};
    struct hl_value *body = hl_value_map(arena);

    hl_diags_init(&diags, arena, "spec.yaml");
    if (lifetime_ms > 0)
        hl_value_map_put_int(body, "expires_in", lifetime_ms);
    if (before_ms > 0)
        hl_value_map_put_int(body, "renew_before", before_ms);
    hl_netbird_check_ending(&check, body, fallback_ms);
    return diags.count > 0 ? diags.items[0].message : "";
}

static void a_renewal_must_be_possible(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_string_equal(findings(arena, 0, 0, 0), "");
    assert_string_equal(findings(arena, 365 * day_ms, 30 * day_ms, 0), "");
    assert_string_equal(findings(arena, 0, 30 * day_ms, 365 * day_ms), "");
    assert_non_null(strstr(findings(arena, 0, 30 * day_ms, 0), "needs 'expires_in'"));
    assert_non_null(strstr(findings(arena, 30 * day_ms, 30 * day_ms, 0), "must be shorter"));
    assert_non_null(strstr(findings(arena, 0, 400 * day_ms, 365 * day_ms), "must be shorter"));
}

int hl_test_renewal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(a_new_one_is_due_in_time),
        cmocka_unit_test(a_renewal_must_be_possible),
    };

    return cmocka_run_group_tests_name("netbird/renewal", tests, NULL, NULL);
}
