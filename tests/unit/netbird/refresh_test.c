#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include "reconcile/providers/netbird/kinds.h"

#include <string.h>

#define KEY(id, name, more)                                                                                                                                    \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"key\":\"AAAAA****\",\"expires\":\"2027-11-23T12:00:00Z\",\"last_used\":\"0001-01-01T00:00:00Z\","              \
    "\"updated_at\":\"2026-11-23T12:00:00Z\",\"ephemeral\":false,\"allow_extra_dns_labels\":false,\"auto_groups\":[\"g1\"]," more "}"
#define REUSABLE "\"type\":\"reusable\",\"usage_limit\":0,\"used_times\":3,"
#define VALID "\"state\":\"valid\",\"valid\":true,\"revoked\":false"
#define GROUPS                                                                                                                                                 \
    {                                                                                                                                                          \
        "GET /api/groups", 200,                                                                                                                                \
            "[{\"id\":\"g1\",\"name\":\"routers\",\"peers\":null,\"peers_count\":0,\"resources\":null},"                                                       \
            "{\"id\":\"g2\",\"name\":\"clients\",\"peers\":[{\"id\":\"p1\",\"name\":\"nas\"},{\"id\":\"p2\",\"name\":\"nas\"},{\"id\":\"p3\",\"name\":\"tv\"}" \
            "],"                                                                                                                                               \
            "\"peers_count\":3,\"resources\":null}]"                                                                                                           \
    }

static const char wish[] = "{\"name\":\"k8s\",\"type\":\"reusable\",\"auto_groups\":[\"routers\"],\"expires_in\":31536000000,\"renewal\":\"none\"}";

/* One resource to be read. `recorded` and `live` (what the state keeps of it) may be NULL. */
static struct hl_object *make_object(struct fake *fake, const struct hl_kind *kind, const char *name, const char *desired, const char *id, const char *live)
{
    struct hl_object *object = hl_arena_alloc(fake->arena, sizeof *object);

    object->name = name;
    object->address = hl_arena_printf(fake->arena, "%s.%s", kind->name, name);
    object->kind = kind;
    object->desired = desired != NULL ? fake_json(fake, desired) : NULL;
    object->id = id != NULL ? id : "";
    object->arena = fake->arena;
    if (live != NULL) {
        struct hl_recorded *recorded = hl_arena_alloc(fake->arena, sizeof *recorded);
        recorded->id = id;
        recorded->desired = fake_json(fake, desired != NULL ? desired : wish);
        recorded->live = fake_json(fake, live);
        object->recorded = recorded;
    }
    return object;
}

static void read_objects(struct fake *fake, struct hl_object **objects, size_t count)
{
    struct hl_error *err = NULL;

    if (!hl_netbird_refresh(&fake->session, objects, count, &err))
        fail_msg("%s", fake_error(fake, &err));
}

static void a_recorded_key_is_ours(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/setup-keys", 200, "[" KEY("k1", "k8s", REUSABLE VALID) "," KEY("k2", "k8s", REUSABLE VALID) "]"}, GROUPS, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *object = make_object(&fake, &hl_kind_setup_key, "k8s", wish, "k2", "{\"key\":\"BBBB-secret\"}");
    read_objects(&fake, &object, 1);
    assert_int_equal(object->live.presence, HL_LIVE_PRESENT);
    assert_int_equal(object->live.owner, HL_OWNER_US);
    assert_string_equal(object->live.id, "k2");
    assert_string_equal(
        fake_shown(&fake, object->live.values),
        "{\"allow_extra_dns_labels\":false,\"auto_groups\":[\"routers\"],\"ephemeral\":false,\"expires_at\":1826971200000,\"expires_in\":31536000000,"
        "\"id\":\"k2\",\"key\":\"!BBBB-secret\",\"name\":\"k8s\",\"renewal\":\"none\",\"type\":\"reusable\",\"usage_limit\":0,\"valid\":true}");
    assert_null(object->live.reason);
    assert_null(object->live.note);
    fake_close(&fake);
}

static void what_is_not_recorded_is_found_by_name(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/setup-keys", 200,
         "[" KEY("k1", "k8s", REUSABLE "\"state\":\"revoked\",\"valid\":false,\"revoked\":true") "," KEY("k2", "k8s", REUSABLE VALID) "," KEY(
             "k3", "dead",
             REUSABLE "\"state\":\"expired\",\"valid\":false,\"revoked\":false") "," KEY("k4", "two",
                                                                                         REUSABLE VALID) "," KEY("k5", "two",
                                                                                                                 REUSABLE VALID) "," KEY("k6", "only",
                                                                                                                                         REUSABLE VALID) "]"},
        GROUPS,
        {NULL, 0, NULL},
    };
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *objects[] = {
        make_object(&fake, &hl_kind_setup_key, "k8s", wish, NULL, NULL),
        make_object(&fake, &hl_kind_setup_key, "dead", "{\"name\":\"dead\",\"type\":\"reusable\"}", NULL, NULL),
        make_object(&fake, &hl_kind_setup_key, "two", "{\"name\":\"two\",\"type\":\"reusable\"}", NULL, NULL),
        make_object(&fake, &hl_kind_setup_key, "third", "{\"name\":\"third\",\"type\":\"reusable\"}", "k5", NULL),
        make_object(&fake, &hl_kind_setup_key, "by-name", "{\"name\":\"other\",\"type\":\"reusable\"}", "k8s", NULL),
        make_object(&fake, &hl_kind_setup_key, "lost", "{\"name\":\"lost\",\"type\":\"reusable\"}", "k99", NULL),
        make_object(&fake, &hl_kind_setup_key, "wrong", "{\"name\":\"only\",\"type\":\"reusable\"}", "k98", NULL),
    };
    read_objects(&fake, objects, HL_COUNT(objects));
    /* Keys that are good for nothing are nobody's concern. */
    assert_int_equal(objects[0]->live.presence, HL_LIVE_PRESENT);
    assert_int_equal(objects[0]->live.owner, HL_OWNER_NONE);
    assert_string_equal(objects[0]->live.owner_text, "id k2");
    assert_non_null(strstr(objects[0]->live.note, "--replace setup_key.k8s"));
    assert_int_equal(objects[1]->live.presence, HL_LIVE_ABSENT);
    assert_int_equal(objects[2]->live.presence, HL_LIVE_UNREADABLE);
    assert_int_equal(objects[2]->live.error->code, HL_E_CONFLICT);
    assert_non_null(strstr(objects[2]->live.error->message, "k4, k5"));
    /* `adopt: ID`, `adopt: NAME` (of two, the one that can still be used), and what is not there: another of the wanted name is not taken instead. */
    assert_string_equal(objects[3]->live.id, "k5");
    assert_int_equal(objects[3]->live.owner, HL_OWNER_NONE);
    assert_string_equal(objects[4]->live.id, "k2");
    assert_int_equal(objects[6]->live.presence, HL_LIVE_UNREADABLE);
    assert_int_equal(objects[6]->live.error->code, HL_E_NOT_FOUND);
    assert_string_equal(objects[6]->live.error->message, "there is no setup key 'k98' to take over; its name has: k6");
    assert_int_equal(objects[5]->live.presence, HL_LIVE_ABSENT);
    assert_non_null(strstr(objects[5]->live.reason, "k99"));
    /* What it wants of the lifetime is taken for what is: nobody can tell. */
    assert_int_equal(hl_value_get_int(objects[0]->live.values, "expires_in", 0), 31536000000);
    assert_int_equal(fake_count(&fake, "GET /api/setup-keys"), 1);
    fake_close(&fake);
}

static void what_has_gone_is_absent(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/setup-keys", 200, "[" KEY("k1", "k8s", REUSABLE VALID) "]"}, GROUPS, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *objects[] = {
        make_object(&fake, &hl_kind_setup_key, "gone", "{\"name\":\"gone\",\"type\":\"reusable\"}", "k9", "{\"key\":\"BBBB-secret\"}"),
        make_object(&fake, &hl_kind_setup_key, "k8s", wish, "k8", "{\"key\":\"BBBB-secret\"}"),
        make_object(&fake, &hl_kind_setup_key, "dropped", NULL, "k7", "{\"key\":\"BBBB-secret\"}"),
    };
    read_objects(&fake, objects, HL_COUNT(objects));
    assert_int_equal(objects[0]->live.presence, HL_LIVE_ABSENT);
    /* Somebody has put another in its place: the plan says so instead of making a second one. */
    assert_int_equal(objects[1]->live.presence, HL_LIVE_PRESENT);
    assert_int_equal(objects[1]->live.owner, HL_OWNER_NONE);
    assert_string_equal(objects[1]->live.id, "k1");
    assert_null(hl_value_get(objects[1]->live.values, "key"));
    assert_int_equal(objects[2]->live.presence, HL_LIVE_ABSENT);
    fake_close(&fake);
}

static void what_another_resource_has_is_not_free(void **state)
{
    static const struct fake_answer answers[] = {GROUPS, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *objects[] = {
        make_object(&fake, &hl_kind_group, "a", "{\"name\":\"routers\"}", "g1", "{}"),
        make_object(&fake, &hl_kind_group, "b", "{\"name\":\"clients\"}", "g1", NULL),
        make_object(&fake, &hl_kind_group, "c", "{\"name\":\"new\"}", NULL, NULL),
        make_object(&fake, &hl_kind_group, "d", "{\"name\":\"new\"}", NULL, NULL),
    };
    read_objects(&fake, objects, HL_COUNT(objects));
    assert_int_equal(objects[0]->live.owner, HL_OWNER_US);
    assert_int_equal(objects[1]->live.owner, HL_OWNER_OTHER);
    assert_string_equal(objects[1]->live.owner_text, "group.a of this stack");
    assert_int_equal(objects[2]->live.presence, HL_LIVE_ABSENT);
    assert_int_equal(objects[3]->live.presence, HL_LIVE_UNREADABLE);
    assert_string_equal(objects[3]->live.error->message, "group.c wants the name 'new' as well");
    fake_close(&fake);
}

/* The key that was replaced is still there under its record of its own when the new one is deleted by hand: that is no reason not to make another. */
static void a_key_that_is_replaced_is_no_obstacle(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/setup-keys", 200, "[" KEY("k1", "k8s", REUSABLE VALID) "]"}, GROUPS, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *objects[] = {
        make_object(&fake, &hl_kind_setup_key, "k8s", wish, "k2", "{\"key\":\"BBBB-secret\"}"),
        make_object(&fake, &hl_kind_setup_key, "k8s{k1}", NULL, "k1", "{\"key\":\"AAAA-secret\"}"),
    };
    read_objects(&fake, objects, HL_COUNT(objects));
    assert_int_equal(objects[0]->live.presence, HL_LIVE_ABSENT);
    assert_int_equal(objects[1]->live.owner, HL_OWNER_US);
    fake_close(&fake);
}

static void members_are_told_by_name_or_id(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS, {"GET /api/peers", 200, "[{\"id\":\"p3\",\"name\":\"tv\"},{\"id\":\"p4\",\"name\":\"box\"}]"}, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *objects[] = {
        make_object(&fake, &hl_kind_group, "clients", "{\"name\":\"clients\"}", "g2", "{}"),
        make_object(&fake, &hl_kind_group, "ids", "{\"name\":\"ids\",\"peers\":[\"p3\"]}", "g2", NULL),
        make_object(&fake, &hl_kind_group, "waits", "{\"name\":\"routers\",\"peers\":[\"tv\",\"laptop\"]}", "g1", "{}"),
    };
    read_objects(&fake, &objects[0], 1);
    assert_string_equal(fake_shown(&fake, hl_value_get(objects[0]->live.values, "peers")), "[\"p1\",\"p2\",\"tv\"]");
    assert_int_equal(fake_count(&fake, "GET /api/peers"), 0); /* the group tells */
    read_objects(&fake, &objects[1], 1);
    assert_string_equal(fake_shown(&fake, hl_value_get(objects[1]->live.values, "peers")), "[\"p1\",\"p2\",\"p3\"]");
    read_objects(&fake, &objects[2], 1);
    assert_int_equal(objects[2]->live.presence, HL_LIVE_PENDING);
    assert_string_equal(objects[2]->live.defer_reason, "peer 'laptop' has not joined");
    assert_string_equal(objects[2]->live.id, "g1"); /* others may refer to it */
    fake_close(&fake);
}

static void keys_are_renewed_when_they_must(void **state)
{
    static const struct {
        const char *label, *key, *reason;
    } rows[] = {
        {"valid", KEY("k1", "k8s", REUSABLE VALID), NULL},
        {"revoked", KEY("k1", "k8s", REUSABLE "\"state\":\"revoked\",\"valid\":false,\"revoked\":true"), "revoked: a new one is due"},
        {"revoked, expired since", KEY("k1", "k8s", REUSABLE "\"state\":\"expired\",\"valid\":false,\"revoked\":true"), "revoked: a new one is due"},
        {"expired", KEY("k1", "k8s", REUSABLE "\"state\":\"expired\",\"valid\":false,\"revoked\":false"), "expired: a new one is due"},
        {"used up", KEY("k1", "k8s", "\"type\":\"reusable\",\"usage_limit\":2,\"used_times\":2,\"state\":\"overused\",\"valid\":false,\"revoked\":false"),
         "used up: a new one is due"},
        {"one-off, used", KEY("k1", "k8s", "\"type\":\"one-off\",\"usage_limit\":1,\"used_times\":1,\"state\":\"overused\",\"valid\":false,\"revoked\":false"),
         NULL},
        {"one-off, used and expired",
         KEY("k1", "k8s", "\"type\":\"one-off\",\"usage_limit\":1,\"used_times\":1,\"state\":\"expired\",\"valid\":false,\"revoked\":false"), NULL},
        {"one-off, never used",
         KEY("k1", "k8s", "\"type\":\"one-off\",\"usage_limit\":1,\"used_times\":0,\"state\":\"expired\",\"valid\":false,\"revoked\":false"),
         "expired: a new one is due"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct fake fake;
        const char *list = NULL;
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        list = hl_arena_printf(arena, "[%s]", rows[i].key);
        const struct fake_answer answers[] = {{"GET /api/setup-keys", 200, list}, GROUPS, {NULL, 0, NULL}};
        fake_open(&fake, answers);
        struct hl_object *object = make_object(&fake, &hl_kind_setup_key, "k8s", wish, "k1", "{\"key\":\"BBBB-secret\"}");
        read_objects(&fake, &object, 1);
        const char *reason = object->live.reason;
        if ((reason == NULL) != (rows[i].reason == NULL) || (reason != NULL && strcmp(reason, rows[i].reason) != 0))
            fail_msg("%s: %s", rows[i].label, reason != NULL ? reason : "no reason");
        if ((reason == NULL) != (strcmp(hl_value_get_text(object->live.values, "renewal"), "none") == 0))
            fail_msg("%s: reason and field differ", rows[i].label);
        fake_close(&fake);
    }
}

static void an_error_of_the_server_is_everybodys(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/groups", 502, "<html>Bad Gateway</html>"}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_object *object = make_object(&fake, &hl_kind_group, "a", "{\"name\":\"routers\"}", "g1", "{}");
    assert_false(hl_netbird_refresh(&fake.session, &object, 1, &err));
    assert_int_equal(err->code, HL_E_UNREACHABLE);
    hl_error_clear(&err);
    fake_close(&fake);
}

static void what_nobody_manages_is_listed(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/groups", 200,
         "[{\"id\":\"g1\",\"name\":\"All\",\"issued\":\"api\"},{\"id\":\"g2\",\"name\":\"K8s "
         "Peers\",\"issued\":\"api\",\"peers\":[{\"id\":\"p1\",\"name\":\"nas\"}]},"
         "{\"id\":\"g3\",\"name\":\"k8s-peers\",\"issued\":\"api\"},{\"id\":\"g4\",\"name\":\"from-idp\",\"issued\":\"jwt\"}]"},
        {NULL, 0, NULL},
    };
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_value *list = hl_value_list(fake.arena);
    assert_true(hl_kind_group.verbs != NULL && hl_netbird_unmanaged(&fake.session, &hl_kind_group, fake.arena, list, &err));
    assert_string_equal(fake_shown(&fake, list),
                        "[{\"id\":\"g2\",\"kind\":\"group\",\"name\":\"k8s-peers\",\"values\":{\"id\":\"g2\",\"name\":\"K8s Peers\",\"peers_count\":1}},"
                        "{\"id\":\"g3\",\"kind\":\"group\",\"name\":\"k8s-peers-2\",\"values\":{\"id\":\"g3\",\"name\":\"k8s-peers\",\"peers_count\":0}}]");
    fake_close(&fake);
}

int hl_test_refresh(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_key_is_ours),
        cmocka_unit_test(what_is_not_recorded_is_found_by_name),
        cmocka_unit_test(what_has_gone_is_absent),
        cmocka_unit_test(what_another_resource_has_is_not_free),
        cmocka_unit_test(a_key_that_is_replaced_is_no_obstacle),
        cmocka_unit_test(members_are_told_by_name_or_id),
        cmocka_unit_test(keys_are_renewed_when_they_must),
        cmocka_unit_test(an_error_of_the_server_is_everybodys),
        cmocka_unit_test(what_nobody_manages_is_listed),
    };

    return cmocka_run_group_tests_name("netbird/refresh", tests, NULL, NULL);
}
