#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include <string.h>
#include <time.h>

static const char groups_json[] = "[{\"id\":\"g1\",\"name\":\"routers\"},{\"id\":\"g2\",\"name\":\"clients\"},{\"id\":\"g3\",\"name\":\"twice\"},"
                                  "{\"id\":\"g4\",\"name\":\"twice\"},{\"id\":\"g5\",\"name\":\"g1\"},{\"id\":\"g6\",\"name\":\"\"},{\"id\":\"g7\"},"
                                  "{\"name\":\"no id\"},null,5]";

static void texts_become_ids(void **state)
{
    static const struct {
        const char *text, *id, *error;
    } rows[] = {
        {"routers", "g1", NULL},
        {"g2", "g2", NULL},
        {"g1", "g1", NULL}, /* an id goes before a name */
        {"twice", NULL, "group 'twice' is ambiguous: 2 have this name: g3, g4"},
        {"router", NULL, "there is no group 'router'"},
        {"Routers", NULL, "there is no group 'Routers'"},
        {"no id", NULL, "there is no group 'no id'"},
    };
    static const struct fake_answer answers[] = {{"GET /api/groups", 200, groups_json}, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_error *err = NULL;
        const char *id = NULL;
        if (hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", rows[i].text, fake.arena, &id, &err))
            assert_string_equal(id, rows[i].id);
        else
            assert_string_equal(fake_error(&fake, &err), rows[i].error);
    }
    assert_int_equal(fake_count(&fake, "GET /api/groups"), 1);
    fake_close(&fake);
}

static void close_names_are_offered(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/groups", 200, groups_json}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    const char *id = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    assert_false(hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", "ruoters", fake.arena, &id, &err));
    assert_int_equal(err->code, HL_E_NOT_FOUND);
    assert_string_equal(err->hint, "did you mean 'routers'?");
    hl_error_clear(&err);
    fake_close(&fake);
}

static void ids_become_names(void **state)
{
    static const struct {
        const char *label, *ids, *desired, *names;
    } rows[] = {
        {"none", "[]", "null", "[]"},
        {"null", "null", "null", "[]"},
        {"names, sorted", "[\"g1\",\"g2\"]", "null", "[\"clients\",\"routers\"]"},
        {"of objects", "[{\"id\":\"g1\",\"peers_count\":3}]", "null", "[\"routers\"]"},
        {"each once", "[\"g1\",\"g1\"]", "null", "[\"routers\"]"},
        {"an ambiguous name stays an id", "[\"g3\"]", "null", "[\"g3\"]"},
        {"a dangling id", "[\"g1\",\"gone\"]", "null", "[\"gone\",\"routers\"]"},
        {"as the spec says it", "[\"g1\",\"g2\"]", "[\"g1\",\"clients\"]", "[\"clients\",\"g1\"]"},
        {"not what the spec says of another", "[\"g2\"]", "[\"g1\"]", "[\"clients\"]"},
        {"without a name", "[\"g6\",\"g7\"]", "null", "[\"g6\",\"g7\"]"},
        {"rubbish among them", "[null,5,\"\",\"g1\"]", "null", "[\"routers\"]"},
    };
    static const struct fake_answer answers[] = {{"GET /api/groups", 200, groups_json}, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_error *err = NULL;
        struct hl_value *names = NULL;
        if (!hl_netbird_names(&fake.session, HL_NETBIRD_GROUPS, fake_json(&fake, rows[i].ids), fake_json(&fake, rows[i].desired), fake.arena, &names, &err))
            fail_msg("%s: %s", rows[i].label, fake_error(&fake, &err));
        if (strcmp(fake_shown(&fake, names), rows[i].names) != 0)
            fail_msg("%s: %s, not %s", rows[i].label, fake_shown(&fake, names), rows[i].names);
    }
    fake_close(&fake);
}

static void lists_go_both_ways(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/groups", 200, groups_json}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct hl_value *ids = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    assert_true(hl_netbird_ids(&fake.session, HL_NETBIRD_GROUPS, "group", fake_json(&fake, "[\"routers\",\"clients\",\"g1\"]"), fake.arena, &ids, &err));
    assert_string_equal(fake_shown(&fake, ids), "[\"g1\",\"g2\"]");
    assert_true(hl_netbird_ids(&fake.session, HL_NETBIRD_GROUPS, "group", NULL, fake.arena, &ids, &err));
    assert_string_equal(fake_shown(&fake, ids), "[]");
    fake_close(&fake);
}

static void what_was_written_is_known(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/groups", 200, groups_json}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    const struct hl_value *object = NULL;
    const char *id = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    /* Of a list that nobody has asked for, nothing is learnt: it would seem to be all there is. */
    hl_netbird_learn(&fake.session, HL_NETBIRD_GROUPS, fake_json(&fake, "{\"id\":\"g9\",\"name\":\"early\"}"));
    assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "g9", &object, &err));
    assert_null(object);
    hl_netbird_learn(&fake.session, HL_NETBIRD_GROUPS, fake_json(&fake, "{\"id\":\"g8\",\"name\":\"new\"}"));
    assert_true(hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", "new", fake.arena, &id, &err));
    /* Renamed: the old name is nobody's. */
    hl_netbird_learn(&fake.session, HL_NETBIRD_GROUPS, fake_json(&fake, "{\"id\":\"g8\",\"name\":\"newer\"}"));
    assert_false(hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", "new", fake.arena, &id, &err));
    hl_error_clear(&err);
    assert_true(hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", "newer", fake.arena, &id, &err));
    /* One of two of a name goes: the other is alone with it. */
    hl_netbird_forget(&fake.session, HL_NETBIRD_GROUPS, "g3");
    assert_true(hl_netbird_id(&fake.session, HL_NETBIRD_GROUPS, "group", "twice", fake.arena, &id, &err));
    assert_string_equal(id, "g4");
    assert_int_equal(fake_count(&fake, "GET /api/groups"), 1);
    fake_close(&fake);
}

static void a_stale_list_is_read_again(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/groups", 200, "[{\"id\":\"a\",\"name\":\"one\"},{\"id\":\"b\",\"name\":\"two\"}]"},
        {"GET /api/groups", 200, "[{\"id\":\"b\",\"name\":\"zwei\"},{\"id\":\"c\",\"name\":\"three\"}]"},
        {NULL, 0, NULL},
    };
    const struct hl_value *kept = NULL;
    const struct hl_value *object = NULL;
    const struct hl_value **all = NULL;
    struct hl_error *err = NULL;
    size_t count = 0;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "a", &kept, &err));
    hl_netbird_renew(&fake.session, HL_NETBIRD_GROUPS); /* read this very moment */
    assert_true(hl_netbird_all(&fake.session, HL_NETBIRD_GROUPS, fake.arena, &all, &count, &err));
    assert_int_equal(fake_count(&fake, "GET /api/groups"), 1);
    hl_netbird_stale(&fake.session, HL_NETBIRD_GROUPS);
    assert_true(hl_netbird_all(&fake.session, HL_NETBIRD_GROUPS, fake.arena, &all, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(hl_value_get_text(all[0], "name"), "zwei");
    assert_string_equal(hl_value_get_text(all[1], "id"), "c");
    assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "a", &object, &err));
    assert_null(object);
    assert_string_equal(hl_value_get_text(kept, "name"), "one"); /* what was handed out stays */
    fake_close(&fake);
}

/* A peer that joins while hlrec is at work is found by looking once more. */
static void a_name_is_looked_for_twice(void **state)
{
    static const struct fake_answer answers[] = {{"GET /api/peers", 200, "[]"}, {"GET /api/peers", 200, "[{\"id\":\"p1\",\"name\":\"nas\"}]"}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    const char *id = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    assert_false(hl_netbird_id(&fake.session, HL_NETBIRD_PEERS, "peer", "nas", fake.arena, &id, &err)); /* read this very moment */
    hl_error_clear(&err);
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 50 * 1000 * 1000}, NULL);
    assert_true(hl_netbird_id(&fake.session, HL_NETBIRD_PEERS, "peer", "nas", fake.arena, &id, &err));
    assert_string_equal(id, "p1");
    fake_close(&fake);
}

static void parts_know_their_network(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET /api/networks", 200, "[{\"id\":\"n1\",\"name\":\"lan\",\"resources\":[\"r1\"],\"routers\":null},{\"id\":\"n2\",\"resources\":[\"r2\"]}]"},
        {"GET /api/networks/resources", 200, "[{\"id\":\"r1\",\"name\":\"nas\"},{\"id\":\"r2\",\"name\":\"tv\"},{\"id\":\"r3\",\"name\":\"stray\"}]"},
        {"GET /api/networks/routers", 200, "null"},
        {NULL, 0, NULL},
    };
    const struct hl_value *object = NULL;
    const struct hl_value **all = NULL;
    struct hl_error *err = NULL;
    size_t count = 1;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_NETWORK_RESOURCES, "r2", &object, &err));
    assert_string_equal(hl_value_get_text(object, "network_id"), "n2");
    assert_true(hl_netbird_find(&fake.session, HL_NETBIRD_NETWORK_RESOURCES, "r3", &object, &err));
    assert_null(hl_value_get(object, "network_id"));
    assert_true(hl_netbird_all(&fake.session, HL_NETBIRD_NETWORK_ROUTERS, fake.arena, &all, &count, &err));
    assert_int_equal(count, 0);
    fake_close(&fake);
}

static void an_unreadable_list_is_an_error(void **state)
{
    static const char *const bodies[] = {"{\"id\":\"a\"}", "<html></html>", "[{\"id\":"};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(bodies); i++) {
        const struct fake_answer answers[] = {{"GET /api/groups", 200, bodies[i]}, {NULL, 0, NULL}};
        const struct hl_value *object = NULL;
        struct hl_error *err = NULL;
        struct fake fake;
        fake_open(&fake, answers);
        assert_false(hl_netbird_find(&fake.session, HL_NETBIRD_GROUPS, "a", &object, &err));
        assert_int_equal(err->code, HL_E_UNREACHABLE);
        hl_error_clear(&err);
        fake_close(&fake);
    }
}

int hl_test_names(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_ids),           cmocka_unit_test(close_names_are_offered),   cmocka_unit_test(ids_become_names),
        cmocka_unit_test(lists_go_both_ways),         cmocka_unit_test(what_was_written_is_known), cmocka_unit_test(a_stale_list_is_read_again),
        cmocka_unit_test(a_name_is_looked_for_twice), cmocka_unit_test(parts_know_their_network),  cmocka_unit_test(an_unreadable_list_is_an_error),
    };

    return cmocka_run_group_tests_name("netbird/names", tests, NULL, NULL);
}
