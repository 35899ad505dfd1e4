/* What becomes of the API's answers, also of strange ones. */
#include "config.h"

#include "tests/unit/authentik/tests.h"

#include "reconcile/providers/authentik/token.h"
#include "schema/base/json.h"

#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

static struct hl_value *parse(struct hl_arena *arena, const char *json)
{
    struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (!hl_json_decode(arena, json, strlen(json), &value, &err))
        fail_msg("%s: %s", err->message, json);
    return value;
}

static void tokens_are_told_in_the_fields_of_the_spec(void **state)
{
    static const struct {
        const char *label, *told, *desired, *field, *expected;
    } rows[] = {
        {"does not end", "{\"expiring\":false}", "{}", "expires", "never"},
        {"ends", "{\"expiring\":true,\"expires\":\"2026-01-01T00:00:00Z\"}", "{}", "expires", "at 2026-01-01T00:00:00Z"},
        {"ends, nobody knows when", "{\"expiring\":true,\"expires\":null}", "{}", "expires", "some time"},
        {"says nothing of its end", "{}", "{}", "expires", "some time"},
        {"a lifetime is hlrec's own", "{\"expiring\":false}", "{\"expires\":\"90d\"}", "expires", "90d"},
        {"the user by name", "{\"user\":7,\"user_obj\":{\"username\":\"joe\"}}", "{}", "user", "joe"},
        {"the user without a name", "{\"user\":7,\"user_obj\":null}", "{}", "user", "7"},
        {"no user", "{\"user\":null}", "{}", "user", NULL},
        {"a user that is rubbish", "{\"user\":[],\"user_obj\":\"x\"}", "{}", "user", NULL},
        {"a description without its mark", "{\"description\":\"x [managed by hlrec: a/b, state c]\"}", "{}", "description", "x"},
        {"no description", "{\"description\":null}", "{}", "description", NULL},
    };
    static const struct hl_run run = {.stack = "home", .state_id = "1", .now_ms = 1000};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_authentik_token_view view = {.told = parse(arena, rows[i].told), .desired = parse(arena, rows[i].desired)};
        const char *text = hl_value_get_text(hl_authentik_token_live(arena, &run, &view), rows[i].field);
        if ((text == NULL) != (rows[i].expected == NULL) || (text != NULL && strcmp(text, rows[i].expected) != 0))
            fail_msg("%s: %s", rows[i].label, text == NULL ? "nothing" : text);
    }
}

static void a_new_key_is_due_in_time(void **state)
{
    static const struct {
        const char *label, *desired;
        int64_t age_ms;
        const char *renewal;
    } rows[] = {
        {"never ends", "{\"expires\":\"never\"}", INT64_C(999) * HOUR_MS, "none"},
        {"young", "{\"expires\":\"10h\"}", 8 * HOUR_MS, "none"},
        {"a tenth before its end", "{\"expires\":\"10h\"}", 9 * HOUR_MS, "expires on 1970-02-11"},
        {"as long before as was said", "{\"expires\":\"10h\",\"renew_before\":18000000}", 5 * HOUR_MS, "expires on 1970-02-11"},
        {"not longer before", "{\"expires\":\"10h\",\"renew_before\":18000000}", 5 * HOUR_MS - 1, "none"},
        {"too late", "{\"expires\":\"10h\"}", 11 * HOUR_MS, "expired on 1970-02-11"},
        {"not known since when", "{\"expires\":\"10h\"}", INT64_C(1000) * HOUR_MS, "none"},
    };
    static const struct hl_run run = {.stack = "home", .state_id = "1", .now_ms = INT64_C(1000) * HOUR_MS};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_authentik_token_view view = {
            .told = hl_value_map(arena), .desired = parse(arena, rows[i].desired), .renewed_at = run.now_ms - rows[i].age_ms};
        const char *text = hl_value_get_text(hl_authentik_token_live(arena, &run, &view), "renewal");
        if (strcmp(text, rows[i].renewal) != 0)
            fail_msg("%s: %s", rows[i].label, text);
    }
}

int hl_test_live(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_in_the_fields_of_the_spec),
        cmocka_unit_test(a_new_key_is_due_in_time),
    };

    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
