#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include "reconcile/providers/netbird/kinds.h"

#include <string.h>

#define KEY(id, updated)                                                                                                                                       \
    "{\"id\":\"" id "\",\"name\":\"k8s\",\"key\":\"AAAAA****\",\"type\":\"reusable\",\"expires\":\"2027-11-23T12:00:00Z\",\"state\":\"valid\",\"valid\":true," \
    "\"revoked\":false,\"auto_groups\":[],\"usage_limit\":0,\"used_times\":0,\"updated_at\":\"" updated "\"}"

/* Began at 11:50 of the run's day. */
static const int64_t started_ms = (int64_t)1795434600 * 1000;
static const char key_wish[] = "{\"name\":\"k8s\",\"type\":\"reusable\"}";

static const char *const outcomes[] = {[HL_RECOVERED_NOTHING] = "nothing", [HL_RECOVERED_EXISTS] = "exists", [HL_RECOVERED_GONE] = "gone"};

static void crashes_are_sorted_out(void **state)
{
    static const struct {
        const char *label, *action;
        const struct hl_kind *kind;
        const char *keys, *groups;
        const char *desired, *checkpoint, *recorded_id, *id;
        const char *expected; /* outcome, id, what was sent */
    } rows[] = {
        {"a key was not made", "create", &hl_kind_setup_key, "[]", "[]", key_wish, NULL, NULL, "", "nothing -"},
        {"a key was made and lost", "create", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:50:01Z") "]", "[]", key_wish, NULL, NULL, "",
         "nothing - DELETE /api/setup-keys/k1 \n"},
        {"a key was made and kept", "create", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:50:01Z") "," KEY("k2", "2026-11-23T11:50:01Z") "]", "[]",
         key_wish, "{\"id\":\"k2\",\"key\":\"SECRET\"}", NULL, "", "exists k2"},
        {"a key was kept and is gone", "create", &hl_kind_setup_key, "[]", "[]", key_wish, "{\"id\":\"k2\",\"key\":\"SECRET\"}", NULL, "", "nothing -"},
        {"the clocks differ a little", "create", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:46:00Z") "]", "[]", key_wish, NULL, NULL, "",
         "nothing - DELETE /api/setup-keys/k1 \n"},
        {"an older key of the name is not ours", "create", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:44:00Z") "]", "[]", key_wish, NULL, NULL, "",
         "nothing -"},
        {"the key that is replaced stays", "replace", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:50:01Z") "," KEY("k2", "2026-11-23T11:50:02Z") "]", "[]",
         key_wish, NULL, "k1", "k1", "nothing - DELETE /api/setup-keys/k2 \n"},
        {"the new key was kept", "replace", &hl_kind_setup_key, "[" KEY("k1", "2026-11-23T11:50:01Z") "," KEY("k2", "2026-11-23T11:50:02Z") "]", "[]", key_wish,
         "{\"id\":\"k2\",\"key\":\"SECRET\"}", "k1", "k1", "exists k2"},
        {"a group was made", "create", &hl_kind_group, "[]", "[{\"id\":\"g1\",\"name\":\"x\"}]", "{\"name\":\"x\"}", NULL, NULL, "", "exists g1"},
        {"a group was not made", "create", &hl_kind_group, "[]", "[{\"id\":\"g1\",\"name\":\"y\"}]", "{\"name\":\"x\"}", NULL, NULL, "", "nothing -"},
        {"two groups could be it", "create", &hl_kind_group, "[]", "[{\"id\":\"g1\",\"name\":\"x\"},{\"id\":\"g2\",\"name\":\"x\"}]", "{\"name\":\"x\"}", NULL,
         NULL, "", "nothing -"},
        {"a group was updated, or not", "update", &hl_kind_group, "[]", "[{\"id\":\"g1\",\"name\":\"x\"}]", "{\"name\":\"x\"}", NULL, "g1", "g1", "nothing -"},
        {"a group was deleted", "delete", &hl_kind_group, "[]", "[]", NULL, NULL, "g1", "g1", "gone -"},
        {"a group was not deleted", "delete", &hl_kind_group, "[]", "[{\"id\":\"g1\",\"name\":\"x\"}]", NULL, NULL, "g1", "g1", "nothing -"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct fake_answer answers[] = {
            {"GET /api/setup-keys", 200, rows[i].keys},
            {"GET /api/groups", 200, rows[i].groups},
            {"DELETE /api/setup-keys/k1", 200, "{}"},
            {"DELETE /api/setup-keys/k2", 200, "{}"},
            {NULL, 0, NULL},
        };
        const struct hl_recorded recorded = {.id = rows[i].recorded_id};
        struct hl_error *err = NULL;
        struct fake fake;
        fake_open(&fake, answers);
        struct hl_recovery recovery = {
            .session = &fake.session,
            .kind = rows[i].kind,
            .action = rows[i].action,
            .id = rows[i].id,
            .desired = rows[i].desired != NULL ? fake_json(&fake, rows[i].desired) : NULL,
            .checkpoint = rows[i].checkpoint != NULL ? fake_json(&fake, rows[i].checkpoint) : NULL,
            .recorded = rows[i].recorded_id != NULL ? &recorded : NULL,
            .started_ms = started_ms,
            .arena = fake.arena,
        };
        if (!rows[i].kind->verbs->recover(&recovery, &err))
            fail_msg("%s: %s", rows[i].label, fake_error(&fake, &err));
        const char *writes = fake_writes(&fake);
        const char *found = hl_arena_printf(fake.arena, "%s %s%s%s", outcomes[recovery.outcome], recovery.result_id != NULL ? recovery.result_id : "-",
                                            *writes != '\0' ? " " : "", writes);
        if (strcmp(found, rows[i].expected) != 0)
            fail_msg("%s: '%s', not '%s'", rows[i].label, found, rows[i].expected);
        if (recovery.outcome == HL_RECOVERED_EXISTS && rows[i].checkpoint != NULL)
            assert_string_equal(fake_shown(&fake, hl_value_get(recovery.result, "key")), "\"!SECRET\"");
        fake_close(&fake);
    }
}

static void a_server_that_does_not_answer_is_asked_later(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/setup-keys", 502, "<html></html>"}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_recovery recovery = {.session = &fake.session,
                                   .kind = &hl_kind_setup_key,
                                   .action = "create",
                                   .id = "",
                                   .desired = fake_json(&fake, key_wish),
                                   .started_ms = started_ms,
                                   .arena = fake.arena};
    assert_false(hl_netbird_recover(&recovery, &err));
    assert_int_equal(err->code, HL_E_UNREACHABLE);
    hl_error_clear(&err);
    fake_close(&fake);
}

int hl_test_recover(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_are_sorted_out),
        cmocka_unit_test(a_server_that_does_not_answer_is_asked_later),
    };

    return cmocka_run_group_tests_name("netbird/recover", tests, NULL, NULL);
}
