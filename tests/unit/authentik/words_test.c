#include "config.h"

#include "tests/unit/authentik/tests.h"

#include "reconcile/providers/authentik/authentik.h"
#include "schema/base/json.h"

#include <string.h>

static struct hl_value *parse(struct hl_arena *arena, const char *json)
{
    struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (!hl_json_decode(arena, json, strlen(json), &value, &err))
        fail_msg("%s: %s", err->message, json);
    return value;
}

static const char *shown(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(1 << 20);

    hl_json_encode(&json, value, HL_JSON_CANONICAL);
    return hl_arena_strdup(arena, hl_text_get(&json));
}

static void durations_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: is none */
        const char *written;
    } rows[] = {
        {"minutes=1", 60000, "minutes=1"},
        {"hours=1;minutes=30", 5400000, "hours=1;minutes=30"},
        {"weeks=2", 1209600000, "days=14"},
        {"days=30;hours=0", INT64_C(2592000000), "days=30"},
        {"seconds=90", 90000, "minutes=1;seconds=30"},
        {"milliseconds=1500", 1500, "seconds=1;milliseconds=500"},
        {"seconds=0", 0, "seconds=0"},
        {"hours=1; minutes=2;", 3720000, "hours=1;minutes=2"},
        {"", -1, NULL},
        {"1h", -1, NULL},
        {"hours=", -1, NULL},
        {"hours=x", -1, NULL},
        {"years=1", -1, NULL},
        {"minutes=-1", -1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        int64_t ms = 0;
        const bool fine = hl_authentik_parse_duration(rows[i].text, &ms);
        if (fine != (rows[i].ms >= 0) || (fine && ms != rows[i].ms))
            fail_msg("'%s' gives %s %lld", rows[i].text, fine ? "a duration," : "none,", (long long)ms);
        if (fine)
            assert_string_equal(hl_authentik_duration(arena, ms), rows[i].written);
    }
}

static void redirect_uris_have_two_forms(void **state)
{
    static const struct {
        const char *told, *desired, *live;
    } rows[] = {
        {"null", "[]", "[]"},
        {"[]", "[]", "[]"},
        {"7", "[]", "[]"},
        {"[{\"url\":\"https://a\",\"matching_mode\":\"regex\"}]", "[]", "[{\"matching_mode\":\"regex\",\"url\":\"https://a\"}]"},
        {"[{\"url\":\"https://a\"},{\"matching_mode\":\"strict\"},\"rubbish\"]", "[]", "[{\"matching_mode\":\"strict\",\"url\":\"https://a\"}]"},
        {"[{\"url\":\"https://a\",\"matching_mode\":\"strict\",\"redirect_uri_type\":\"logout\"}]", "[]", "[]"},
        {"\"https://a\\nhttps://b\\r\\n\"", "[{\"url\":\"https://b\",\"matching_mode\":\"regex\"}]",
         "[{\"matching_mode\":\"strict\",\"url\":\"https://a\"},{\"matching_mode\":\"regex\",\"url\":\"https://b\"}]"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_value *live = hl_authentik_uris_live(arena, parse(arena, rows[i].told), parse(arena, rows[i].desired));
        assert_string_equal(shown(arena, live), rows[i].live);
    }
}

static void redirect_uris_for_signing_out_are_kept(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *former = parse(arena, "[{\"url\":\"https://old\",\"matching_mode\":\"strict\",\"redirect_uri_type\":\"authorization\"},"
                                                 "{\"url\":\"https://bye\",\"matching_mode\":\"strict\",\"redirect_uri_type\":\"logout\"}]");
    const struct hl_value *desired = parse(arena, "[{\"url\":\"https://new\",\"matching_mode\":\"strict\"}]");

    (void)state;
    assert_string_equal(shown(arena, hl_authentik_uris_body(arena, HL_AUTHENTIK_URIS_LIST, desired, former)),
                        "[{\"matching_mode\":\"strict\",\"url\":\"https://new\"},"
                        "{\"matching_mode\":\"strict\",\"redirect_uri_type\":\"logout\",\"url\":\"https://bye\"}]");
    assert_string_equal(shown(arena, hl_authentik_uris_body(arena, HL_AUTHENTIK_URIS_TEXT, desired, former)), "\"https://new\"");
}

static void short_uris_say_how_they_are_meant(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *problem = NULL;

    (void)state;
    assert_string_equal(shown(arena, hl_authentik_short_uri(arena, "https://a/*", &problem)), "{\"matching_mode\":\"strict\",\"url\":\"https://a/*\"}");
    assert_string_equal(shown(arena, hl_authentik_short_uri(arena, "^https://a/.*$", &problem)), "{\"matching_mode\":\"regex\",\"url\":\"^https://a/.*$\"}");
    assert_null(problem);
    assert_null(hl_authentik_short_uri(arena, "", &problem));
    assert_non_null(problem);
}

static void names_for_blocks_are_such_that_a_spec_takes(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_string_equal(hl_authentik_block_name(arena, "My_Token-1"), "my_token-1");
    assert_string_equal(hl_authentik_block_name(arena, "_x y"), "x_x-y");
}

int hl_test_words(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_and_written),
        cmocka_unit_test(redirect_uris_have_two_forms),
        cmocka_unit_test(redirect_uris_for_signing_out_are_kept),
        cmocka_unit_test(short_uris_say_how_they_are_meant),
        cmocka_unit_test(names_for_blocks_are_such_that_a_spec_takes),
    };

    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
