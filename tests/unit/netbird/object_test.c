#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include "reconcile/providers/netbird/kinds.h"

#include <string.h>

#define KEY_ANSWER                                                                                                                                             \
    "{\"id\":\"k1\",\"name\":\"k8s\",\"key\":\"7C1E5A90-SECRET\",\"type\":\"reusable\",\"expires\":\"2027-11-23T12:00:00Z\",\"state\":\"valid\","              \
    "\"valid\":true,\"revoked\":false,\"auto_groups\":[\"g1\"],\"usage_limit\":5,\"used_times\":0,\"ephemeral\":false,\"allow_extra_dns_labels\":false}"
#define GROUPS                                                                                                                                                 \
    {                                                                                                                                                          \
        "GET /api/groups", 200, "[{\"id\":\"g1\",\"name\":\"routers\"},{\"id\":\"g2\",\"name\":\"clients\"}]"                                                  \
    }

static const char wish[] = "{\"name\":\"k8s\",\"type\":\"reusable\",\"auto_groups\":[\"routers\"],\"expires_in\":31536000000,\"usage_limit\":5,"
                           "\"renew_before\":2592000000,\"renewal\":\"none\"}";

/* What was kept, and how many requests had changed something by then. */
static const char *kept;
static size_t kept_after;

static bool keep(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    struct fake *fake = op->engine;

    (void)err;
    kept = fake_shown(fake, value);
    kept_after = fake_count(fake, "POST /api/setup-keys");
    return true;
}

static struct hl_op make_op(struct fake *fake, const struct hl_kind *kind, enum hl_action action, const char *id, const char *desired)
{
    kept = NULL;
    return (struct hl_op){
        .session = &fake->session,
        .kind = kind,
        .name = "it",
        .address = hl_arena_printf(fake->arena, "%s.it", kind->name),
        .operation = "op",
        .action = action,
        .id = id,
        .desired = desired != NULL ? fake_json(fake, desired) : NULL,
        .arena = fake->arena,
        .checkpoint = keep,
        .engine = fake,
    };
}

static struct hl_change change_of(const char *path)
{
    return (struct hl_change){.path = path};
}

static void a_key_is_kept_before_anything_else(void **state)
{
    static const struct fake_answer answers[] = {GROUPS, {"POST /api/setup-keys", 200, KEY_ANSWER}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_setup_key, HL_ACTION_CREATE, "", wish);
    if (!hl_kind_setup_key.verbs->create(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    assert_string_equal(fake_writes(&fake), "POST /api/setup-keys {\"auto_groups\":[\"g1\"],\"name\":\"k8s\",\"type\":\"reusable\",\"expires_in\":31536000,"
                                            "\"usage_limit\":5,\"ephemeral\":false,\"allow_extra_dns_labels\":false}\n");
    assert_string_equal(kept, "{\"id\":\"k1\",\"key\":\"!7C1E5A90-SECRET\"}");
    assert_int_equal(kept_after, 1);
    assert_string_equal(op.result_id, "k1");
    assert_string_equal(fake_shown(&fake, hl_value_get(op.result, "key")), "\"!7C1E5A90-SECRET\"");
    assert_int_equal(hl_value_get_int(op.result, "expires_in", 0), 31536000000);
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(1024);
    hl_redact(fake.run.redactor, &masked, "it is 7C1E5A90-SECRET", 21);
    assert_string_equal(hl_text_get(&masked), "it is " HL_REDACTED);
    fake_close(&fake);
}

static void a_one_off_key_is_for_one(void **state)
{
    static const struct fake_answer answers[] = {{"POST /api/setup-keys", 200, KEY_ANSWER}, GROUPS, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_setup_key, HL_ACTION_CREATE, "", "{\"name\":\"k8s\",\"type\":\"one-off\"}");
    assert_true(hl_kind_setup_key.verbs->create(&op, &err));
    assert_string_equal(fake_writes(&fake), "POST /api/setup-keys {\"auto_groups\":[],\"name\":\"k8s\",\"type\":\"one-off\",\"expires_in\":0,\"usage_limit\":1,"
                                            "\"ephemeral\":false,\"allow_extra_dns_labels\":false}\n");
    fake_close(&fake);
}

static void failed_creations_say_what_is_left(void **state)
{
    static const struct {
        const char *label;
        struct fake_answer answer;
        enum hl_code code;
        bool undone;
        size_t readings; /* of the list, when it is asked for again */
    } rows[] = {
        {"refused", {"POST /api/groups", 422, "{\"message\":\"no\",\"code\":422}"}, HL_E_REJECTED, true, 1},
        {"there is one", {"POST /api/groups", 409, "{\"message\":\"group with name x already exists\",\"code\":409}"}, HL_E_CONFLICT, true, 1},
        {"cut", {"POST /api/groups", 0, NULL}, HL_E_UNREACHABLE, false, 2},
        {"the server fails", {"POST /api/groups", 500, "{\"message\":\"internal server error\",\"code\":500}"}, HL_E_UNREACHABLE, false, 2},
        {"no id", {"POST /api/groups", 200, "{\"name\":\"x\"}"}, HL_E_UNREACHABLE, false, 2},
        {"a page", {"POST /api/groups", 200, "<html></html>"}, HL_E_UNREACHABLE, false, 2},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct fake_answer answers[] = {rows[i].answer, GROUPS, {NULL, 0, NULL}};
        const struct hl_value *object = NULL;
        struct hl_error *err = NULL;
        struct fake fake;
        fake_open(&fake, answers);
        assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "g1", &object, &err));
        struct hl_op op = make_op(&fake, &hl_kind_group, HL_ACTION_CREATE, "", "{\"name\":\"x\"}");
        assert_false(hl_kind_group.verbs->create(&op, &err));
        if (err->code != rows[i].code || op.undone != rows[i].undone)
            fail_msg("%s: %s, undone %d", rows[i].label, fake_error(&fake, &err), op.undone);
        hl_error_clear(&err);
        assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "g1", &object, &err));
        if (fake_count(&fake, "GET /api/groups") != rows[i].readings)
            fail_msg("%s: read %zu times", rows[i].label, fake_count(&fake, "GET /api/groups"));
        fake_close(&fake);
    }
}

static void a_group_that_is_unknown_stops_the_key(void **state)
{
    static const struct fake_answer answers[] = {GROUPS, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_setup_key, HL_ACTION_CREATE, "", "{\"name\":\"k\",\"type\":\"reusable\",\"auto_groups\":[\"router\"]}");
    assert_false(hl_kind_setup_key.verbs->create(&op, &err));
    assert_true(op.undone);
    assert_string_equal(fake_error(&fake, &err), "creating setup key 'k': there is no group 'router'");
    assert_string_equal(fake_writes(&fake), "");
    fake_close(&fake);
}

static void a_rename_keeps_what_is_in_the_group(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/groups/g1", 200,
         "{\"id\":\"g1\",\"name\":\"old\",\"peers\":[{\"id\":\"p1\",\"name\":\"nas\"},{\"id\":\"p2\",\"name\":\"nas\"}],\"resources\":[{\"id\":\"r1\",\"type\":"
         "\"host\"}]}"},
        {"PUT /api/groups/g1", 200,
         "{\"id\":\"g1\",\"name\":\"new\",\"peers\":[{\"id\":\"p1\",\"name\":\"nas\"},{\"id\":\"p2\",\"name\":\"nas\"}],\"peers_count\":2}"},
        {NULL, 0, NULL},
    };
    const struct hl_change changes[] = {change_of("name")};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_group, HL_ACTION_UPDATE, "g1", "{\"name\":\"new\"}");
    op.changes = changes;
    op.changes_count = 1;
    if (!hl_kind_group.verbs->update(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    assert_string_equal(fake_writes(&fake),
                        "PUT /api/groups/g1 {\"name\":\"new\",\"resources\":[{\"id\":\"r1\",\"type\":\"host\"}],\"peers\":[\"p1\",\"p2\"]}\n");
    assert_string_equal(fake_shown(&fake, op.result), "{\"id\":\"g1\",\"name\":\"new\",\"peers\":[\"p1\",\"p2\"],\"peers_count\":2}");
    fake_close(&fake);
}

static void only_named_members_come_and_go(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/groups/g1", 200,
         "{\"id\":\"g1\",\"name\":\"now\",\"peers\":[{\"id\":\"p1\",\"name\":\"nas\"},{\"id\":\"p2\",\"name\":\"enrolled\"}],\"resources\":null}"},
        {"GET /api/peers", 200, "[{\"id\":\"p3\",\"name\":\"tv\"}]"},
        {"PUT /api/groups/g1", 200, "{\"id\":\"g1\",\"name\":\"now\",\"peers\":[{\"id\":\"p3\",\"name\":\"tv\"},{\"id\":\"p2\",\"name\":\"enrolled\"}]}"},
        {NULL, 0, NULL},
    };
    const struct hl_change changes[] = {change_of("peers")};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_group, HL_ACTION_UPDATE, "g1", "{\"name\":\"spec\",\"peers\":[\"tv\"]}");
    op.recorded = fake_json(&fake, "{\"name\":\"spec\",\"peers\":[\"nas\"]}");
    op.changes = changes;
    op.changes_count = 1;
    if (!hl_kind_group.verbs->update(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    /* The name differs and is not among the changes: `ignore` says to leave it. */
    assert_string_equal(fake_writes(&fake), "PUT /api/groups/g1 {\"name\":\"now\",\"peers\":[\"p3\",\"p2\"]}\n");
    fake_close(&fake);
}

static void a_member_that_was_left_out_is_told(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/peers", 200, "[{\"id\":\"p3\",\"name\":\"tv\"}]"},
                                                 {"POST /api/groups", 200, "{\"id\":\"g1\",\"name\":\"x\",\"peers\":null}"},
                                                 {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_group, HL_ACTION_CREATE, "", "{\"name\":\"x\",\"peers\":[\"tv\"]}");
    assert_false(hl_kind_group.verbs->create(&op, &err));
    assert_string_equal(fake_error(&fake, &err), "the server did not put peer 'tv' in");
    assert_non_null(op.result); /* it is there, and is recorded */
    fake_close(&fake);
}

static void a_key_keeps_its_secret_through_an_update(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS,
        {"GET /api/setup-keys/k1", 200,
         "{\"id\":\"k1\",\"name\":\"k8s\",\"key\":\"7C1E5****\",\"type\":\"reusable\",\"auto_groups\":[\"g1\"],\"revoked\":true}"},
        {"PUT /api/setup-keys/k1", 200,
         "{\"id\":\"k1\",\"name\":\"k8s\",\"key\":\"7C1E5****\",\"type\":\"reusable\",\"auto_groups\":[\"g2\"],\"revoked\":true}"},
        {NULL, 0, NULL},
    };
    const struct hl_change changes[] = {change_of("auto_groups")};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_setup_key, HL_ACTION_UPDATE, "k1", "{\"name\":\"k8s\",\"type\":\"reusable\",\"auto_groups\":[\"clients\"]}");
    op.recorded_live = fake_json(&fake, "{\"key\":\"7C1E5A90-SECRET\"}");
    op.changes = changes;
    op.changes_count = 1;
    if (!hl_kind_setup_key.verbs->update(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    /* A key that is revoked must be sent back as such: false is refused. */
    assert_string_equal(fake_writes(&fake), "PUT /api/setup-keys/k1 {\"auto_groups\":[\"g2\"],\"revoked\":true}\n");
    assert_string_equal(fake_shown(&fake, hl_value_get(op.result, "key")), "\"!7C1E5A90-SECRET\"");
    fake_close(&fake);
}

static void a_field_that_is_dropped_goes_back(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS,
        {"GET /api/setup-keys/k1", 200, "{\"id\":\"k1\",\"name\":\"k8s\",\"type\":\"reusable\",\"auto_groups\":[\"g1\"],\"revoked\":false}"},
        {"PUT /api/setup-keys/k1", 200, "{\"id\":\"k1\",\"name\":\"k8s\",\"type\":\"reusable\",\"auto_groups\":[],\"revoked\":false}"},
        {NULL, 0, NULL},
    };
    const struct hl_change changes[] = {change_of("auto_groups")};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_setup_key, HL_ACTION_UPDATE, "k1", "{\"name\":\"k8s\",\"type\":\"reusable\"}");
    op.changes = changes;
    op.changes_count = 1;
    assert_true(hl_kind_setup_key.verbs->update(&op, &err));
    /* Not named and never managed: as it is. */
    op.changes_count = 0;
    assert_true(hl_kind_setup_key.verbs->update(&op, &err));
    assert_string_equal(fake_writes(&fake), "PUT /api/setup-keys/k1 {\"auto_groups\":[],\"revoked\":false}\n"
                                            "PUT /api/setup-keys/k1 {\"auto_groups\":[\"g1\"],\"revoked\":false}\n");
    fake_close(&fake);
}

static void what_is_gone_is_removed(void **state)
{
    static const struct {
        const char *label;
        const struct hl_kind *kind;
        struct fake_answer answer;
        bool ok;
    } rows[] = {
        {"a key", &hl_kind_setup_key, {"DELETE /api/setup-keys/x", 200, "{}"}, true},
        {"a key that is gone", &hl_kind_setup_key, {"DELETE /api/setup-keys/x", 404, "{\"message\":\"setup key: x not found\",\"code\":404}"}, true},
        {"a group that is gone", &hl_kind_group, {"DELETE /api/groups/x", 400, "{\"message\":\"group: x not found\",\"code\":400}"}, true},
        {"the token is gone", &hl_kind_setup_key, {"DELETE /api/setup-keys/x", 404, "{\"message\":\"invalid token: pat: a not found\",\"code\":404}"}, false},
        {"another server", &hl_kind_setup_key, {"DELETE /api/setup-keys/x", 404, "404 page not found\n"}, false},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct fake_answer answers[] = {rows[i].answer, {NULL, 0, NULL}};
        struct hl_error *err = NULL;
        struct fake fake;
        fake_open(&fake, answers);
        struct hl_op op = make_op(&fake, rows[i].kind, HL_ACTION_DELETE, "x", NULL);
        const bool ok = rows[i].kind->verbs->remove(&op, &err);
        if (ok != rows[i].ok)
            fail_msg("%s: %s", rows[i].label, ok ? "success" : fake_error(&fake, &err));
        hl_error_clear(&err);
        fake_close(&fake);
    }
}

static void what_pins_a_group_is_named(void **state)
{
    static const struct fake_answer answers[] = {
        {"DELETE /api/groups/g1", 400, "{\"message\":\"group has been linked to setup key: old\",\"code\":400}"},
        {"GET /api/setup-keys", 200,
         "[{\"id\":\"k1\",\"name\":\"old\",\"state\":\"revoked\",\"auto_groups\":[\"g1\"]},{\"id\":\"k2\",\"name\":\"other\",\"auto_groups\":[]}]"},
        {"GET /api/routes", 200, "[{\"id\":\"r1\",\"network_id\":\"lan\",\"groups\":[\"g2\"],\"access_control_groups\":[\"g1\"]}]"},
        {"GET /api/policies", 200, "[{\"id\":\"q1\",\"name\":\"web\",\"rules\":[{\"sources\":[{\"id\":\"g1\",\"name\":\"x\"}]}]}]"},
        {NULL, 0, NULL},
    };
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_group, HL_ACTION_DELETE, "g1", NULL);
    assert_false(hl_kind_group.verbs->remove(&op, &err));
    assert_int_equal(err->code, HL_E_REJECTED);
    assert_non_null(strstr(err->hint, "setup key 'old' (revoked), route 'lan', policy 'web':"));
    assert_non_null(strstr(fake_error(&fake, &err), "group has been linked to setup key: old"));
    fake_close(&fake);
}

int hl_test_object(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_kept_before_anything_else),  cmocka_unit_test(a_one_off_key_is_for_one),
        cmocka_unit_test(failed_creations_say_what_is_left),   cmocka_unit_test(a_group_that_is_unknown_stops_the_key),
        cmocka_unit_test(a_rename_keeps_what_is_in_the_group), cmocka_unit_test(only_named_members_come_and_go),
        cmocka_unit_test(a_member_that_was_left_out_is_told),  cmocka_unit_test(a_key_keeps_its_secret_through_an_update),
        cmocka_unit_test(a_field_that_is_dropped_goes_back),   cmocka_unit_test(what_is_gone_is_removed),
        cmocka_unit_test(what_pins_a_group_is_named),
    };

    return cmocka_run_group_tests_name("netbird/object", tests, NULL, NULL);
}
