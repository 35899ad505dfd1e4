/* What the kinds of the mesh do beyond the generic verbs: what is checked before and after a call, and what is sent. */
#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include "reconcile/providers/netbird/kinds.h"

#include <string.h>

#define GROUPS                                                                                                                                                 \
    {                                                                                                                                                          \
        "GET /api/groups", 200, "[{\"id\":\"g1\",\"name\":\"admins\"},{\"id\":\"g2\",\"name\":\"servers\"}]"                                                   \
    }
#define PEERS                                                                                                                                                  \
    {                                                                                                                                                          \
        "GET /api/peers", 200,                                                                                                                                 \
            "[{\"id\":\"p1\",\"name\":\"gate\",\"ip\":\"100.64.0.1\"},{\"id\":\"p2\",\"name\":\"twin\",\"ip\":\"100.64.0.2\",\"connected\":true},"             \
            "{\"id\":\"p3\",\"name\":\"twin\",\"ip\":\"100.64.0.3\",\"last_seen\":\"2026-01-02T03:04:05Z\"}]"                                                  \
    }
#define NETWORKS                                                                                                                                               \
    {                                                                                                                                                          \
        "GET /api/networks", 200, "[{\"id\":\"n1\",\"name\":\"home\",\"routers\":[\"r1\"],\"resources\":null}]"                                                \
    }

static struct hl_op make_op(struct fake *fake, const struct hl_kind *kind, enum hl_action action, const char *id, const char *desired)
{
    return (struct hl_op){
        .session = &fake->session,
        .kind = kind,
        .name = "it",
        .address = hl_arena_printf(fake->arena, "%s.it", kind->name),
        .operation = "op",
        .action = action,
        .id = id,
        .desired = fake_json(fake, desired),
        .arena = fake->arena,
    };
}

/* ---- policies ---- */

#define RULE(sources)                                                                                                                                          \
    "{\"id\":\"y1\",\"name\":\"ssh\",\"description\":\"\",\"enabled\":true,\"source_posture_checks\":[],\"rules\":[{\"id\":\"y1\",\"name\":\"ssh\","           \
    "\"enabled\":true,\"action\":\"accept\",\"bidirectional\":true,\"protocol\":\"tcp\",\"ports\":[\"22\"],\"description\":\"kept\",\"sources\":" sources      \
    ",\"destinations\":[{\"id\":\"g2\",\"name\":\"servers\"}]}]}"

static const char policy[] = "{\"name\":\"ssh\",\"rules\":[{\"name\":\"ssh\",\"protocol\":\"tcp\",\"sources\":[\"admins\"],\"destinations\":[\"servers\"]}]}";

static void a_group_that_the_server_drops_is_told(void **state)
{
    static const struct fake_answer answers[] = {GROUPS, {"POST /api/policies", 200, RULE("null")}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_policy, HL_ACTION_CREATE, "", policy);
    assert_false(hl_kind_policy.verbs->create(&op, &err));
    assert_string_equal(fake_error(&fake, &err), "NetBird left 'admins' out of policy 'it' without a word: it was deleted meanwhile");
    assert_string_equal(op.result_id, "y1"); /* it is there, so it is recorded */
    assert_non_null(op.result);
    assert_false(op.undone);
    fake_close(&fake);
}

static void an_update_keeps_the_rule_and_what_it_has(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS,
        {"GET /api/policies/y1", 200, RULE("[{\"id\":\"g1\",\"name\":\"admins\"}]")},
        {"PUT /api/policies/y1", 200, RULE("[{\"id\":\"g1\",\"name\":\"admins\"}]")},
        {NULL, 0, NULL},
    };
    const struct hl_change changes[] = {{.path = "rules.ssh.action"}, {.path = "rules.ssh.ports"}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_policy, HL_ACTION_UPDATE, "y1", policy);
    op.changes = changes; /* both were said before, and are no more */
    op.changes_count = HL_COUNT(changes);
    if (!hl_kind_policy.verbs->update(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    assert_string_equal(fake_writes(&fake),
                        "PUT /api/policies/y1 {\"name\":\"ssh\",\"description\":\"\",\"enabled\":true,\"rules\":[{\"id\":\"y1\",\"name\":\"ssh\","
                        "\"description\":\"kept\",\"enabled\":true,\"action\":\"accept\",\"bidirectional\":true,\"protocol\":\"tcp\","
                        "\"sources\":[\"g1\"],\"destinations\":[\"g2\"]}],\"source_posture_checks\":[]}\n");
    assert_null(hl_value_get(hl_value_item(hl_value_get(op.desired, "rules"), 0), "ports")); /* the caller's own is as it was */
    fake_close(&fake);
}

/* ---- routers of networks ---- */

#define ROUTER(id, enabled) "{\"id\":\"" id "\",\"peer\":\"p1\",\"peer_groups\":null,\"metric\":9999,\"masquerade\":true,\"enabled\":" enabled "}"
#define ROUTERS(list)                                                                                                                                          \
    {                                                                                                                                                          \
        "GET /api/networks/routers", 200, list                                                                                                                 \
    }

static const char router[] = "{\"network\":\"home\",\"network_id\":\"n1\",\"peer\":\"gate\",\"enabled\":false}";

static void a_disabled_router_takes_two_calls(void **state)
{
    static const struct fake_answer answers[] = {
        PEERS,
        NETWORKS,
        ROUTERS("[]"),
        {"POST /api/networks/n1/routers", 200, ROUTER("r2", "true")},
        {"GET /api/networks/n1/routers/r2", 200, ROUTER("r2", "true")},
        {"PUT /api/networks/n1/routers/r2", 200, ROUTER("r2", "false")},
        {NULL, 0, NULL},
    };
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_mesh_router, HL_ACTION_CREATE, "", router);
    if (!hl_kind_mesh_router.verbs->create(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    assert_string_equal(fake_writes(&fake), "POST /api/networks/n1/routers {\"metric\":9999,\"masquerade\":true,\"enabled\":false,\"peer\":\"p1\"}\n"
                                            "PUT /api/networks/n1/routers/r2 {\"metric\":9999,\"masquerade\":true,\"enabled\":false,\"peer\":\"p1\"}\n");
    assert_string_equal(op.result_id, "r2");
    assert_false(hl_value_get_bool(op.result, "enabled", true));
    assert_string_equal(hl_value_get_text(op.result, "network_id"), "n1");
    fake_close(&fake);
}

static void a_second_router_of_the_same_peer_is_not_made(void **state)
{
    static const struct fake_answer answers[] = {PEERS, NETWORKS, ROUTERS("[" ROUTER("r1", "true") "]"), {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op = make_op(&fake, &hl_kind_mesh_router, HL_ACTION_CREATE, "", router);
    assert_false(hl_kind_mesh_router.verbs->create(&op, &err));
    assert_int_equal(err->code, HL_E_CONFLICT);
    assert_string_equal(err->hint, "to take it over write `adopt: r1` in its block; else remove it in NetBird");
    (void)fake_error(&fake, &err);
    assert_string_equal(fake_writes(&fake), "");
    assert_true(op.undone);
    fake_close(&fake);
}

/* ---- DNS servers ---- */

static void ip6_goes_out_in_brackets(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS,
        {"POST /api/dns/nameservers", 200,
         "{\"id\":\"d1\",\"name\":\"dns\",\"nameservers\":[{\"ip\":\"2606::1\",\"ns_type\":\"udp\",\"port\":53}],\"groups\":[\"g1\"],\"primary\":true,"
         "\"domains\":null,\"enabled\":true,\"search_domains_enabled\":false,\"description\":\"\"}"},
        {NULL, 0, NULL},
    };
    struct hl_error *err = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_op op =
        make_op(&fake, &hl_kind_nameserver, HL_ACTION_CREATE, "",
                "{\"name\":\"dns\",\"primary\":true,\"groups\":[\"admins\"],\"nameservers\":[{\"ip\":\"2606::1\",\"ns_type\":\"udp\",\"port\":53}]}");
    if (!hl_kind_nameserver.verbs->create(&op, &err))
        fail_msg("%s", fake_error(&fake, &err));
    assert_string_equal(fake_writes(&fake), "POST /api/dns/nameservers {\"name\":\"dns\",\"domains\":[],\"primary\":true,\"search_domains_enabled\":false,"
                                            "\"enabled\":true,\"description\":\"\",\"nameservers\":[{\"ip\":\"[2606::1]\",\"ns_type\":\"udp\",\"port\":53}],"
                                            "\"groups\":[\"g1\"]}\n");
    assert_string_equal(fake_shown(&fake, hl_value_get(op.result, "nameservers")), "[{\"ip\":\"2606::1\",\"ns_type\":\"udp\",\"port\":53}]");
    fake_close(&fake);
}

/* ---- routes ---- */

static struct hl_live refresh_route(struct fake *fake, const char *desired)
{
    struct hl_object object = {
        .address = "route.it", .name = "it", .kind = &hl_kind_route, .desired = fake_json(fake, desired), .id = "", .arena = fake->arena};
    struct hl_object *objects[] = {&object};
    struct hl_error *err = NULL;

    if (!hl_kind_route.verbs->refresh(&fake->session, objects, 1, &err))
        fail_msg("%s", fake_error(fake, &err));
    return object.live;
}

static void a_route_is_told_by_where_it_leads_and_through_whom(void **state)
{
    static const struct fake_answer answers[] = {
        GROUPS,
        PEERS,
        {"GET /api/routes", 200,
         "[{\"id\":\"a\",\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"domains\":null,\"peer\":\"p1\",\"groups\":[\"g1\"],\"metric\":1},"
         "{\"id\":\"b\",\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"domains\":null,\"peer\":\"\",\"peer_groups\":[\"g2\",\"g1\"],\"groups\":[\"g1\"]},"
         "{\"id\":\"c\",\"network_id\":\"lan\",\"network\":\"192.0.2.0/32\",\"network_type\":\"Domain\",\"domains\":[\"b.example\",\"b\xc3\xbc.example\"],"
         "\"peer\":\"p1\",\"groups\":[\"g1\"]}]"},
        {NULL, 0, NULL},
    };
    static const struct {
        const char *desired, *id; /* NULL: none of them */
    } rows[] = {
        {"{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer\":\"gate\"}", "a"},
        {"{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer\":\"p1\"}", "a"},
        {"{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer_groups\":[\"admins\",\"servers\"]}", "b"},
        {"{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer_groups\":[\"admins\"]}", NULL},
        {"{\"network_id\":\"lan\",\"domains\":[\"b.example\",\"xn--b-eha.example\"],\"peer\":\"gate\"}", "c"},
        {"{\"network_id\":\"lan\",\"network\":\"192.0.2.0/32\",\"peer\":\"gate\"}", NULL},
        {"{\"network_id\":\"lan\",\"network\":\"10.0.0.0/9\",\"peer\":\"gate\"}", NULL},
        {"{\"network_id\":\"wan\",\"network\":\"10.0.0.0/8\",\"peer\":\"gate\"}", NULL},
    };
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_live live = refresh_route(&fake, rows[i].desired);
        assert_int_equal(live.presence, rows[i].id != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT);
        if (rows[i].id != NULL)
            assert_string_equal(live.id, rows[i].id);
    }
    fake_close(&fake);
}

static void a_peer_is_waited_for_and_never_guessed(void **state)
{
    static const struct fake_answer answers[] = {GROUPS, PEERS, {"GET /api/routes", 200, "[]"}, {NULL, 0, NULL}};
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    const struct hl_live waits = refresh_route(&fake, "{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer\":\"later\"}");
    assert_int_equal(waits.presence, HL_LIVE_PENDING);
    assert_string_equal(waits.defer_reason, "peer 'later' has not joined");
    const struct hl_live twins = refresh_route(&fake, "{\"network_id\":\"lan\",\"network\":\"10.0.0.0/8\",\"peer\":\"twin\"}");
    assert_int_equal(twins.presence, HL_LIVE_UNREADABLE);
    hl_auto(heap) char *text = hl_error_text(twins.error);
    assert_string_equal(text, "2 peers are named 'twin': p2 (100.64.0.2, connected), p3 (100.64.0.3, last seen 2026-01-02T03:04:05Z)");
    fake_close(&fake);
}

int hl_test_mesh(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_the_server_drops_is_told),
        cmocka_unit_test(an_update_keeps_the_rule_and_what_it_has),
        cmocka_unit_test(a_disabled_router_takes_two_calls),
        cmocka_unit_test(a_second_router_of_the_same_peer_is_not_made),
        cmocka_unit_test(ip6_goes_out_in_brackets),
        cmocka_unit_test(a_route_is_told_by_where_it_leads_and_through_whom),
        cmocka_unit_test(a_peer_is_waited_for_and_never_guessed),
    };

    return cmocka_run_group_tests_name("netbird/mesh", tests, NULL, NULL);
}
