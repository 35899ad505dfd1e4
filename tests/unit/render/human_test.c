#include "config.h"

#include "tests/unit/render/plans.h"

#include "schema/base/json.h"

#include <string.h>

static const struct hl_field fields[] = {
    {.name = "image", .type = HL_F_STRING, .immutable = true},
    {.name = "enabled", .type = HL_F_BOOL},
    {.name = NULL},
};

static struct hl_plan *sample(struct hl_arena *arena)
{
    static const char *users[] = {"router.netbird-proxy-tcp", NULL};
    struct hl_step **steps = hl_arena_alloc(arena, 8 * sizeof(*steps));
    struct hl_change *changes = hl_arena_alloc(arena, 2 * sizeof(*changes));

    steps[0] = hl_test_step(arena, "network.a", HL_ACTION_NONE);
    steps[1] = hl_test_step(arena, "setup_key.k8s-routing-peer", HL_ACTION_CREATE);
    steps[1]->reason = "new in the spec";
    steps[1]->at = (struct hl_span){120, 3};
    steps[2] = hl_test_step(arena, "route.homelab-lan", HL_ACTION_UPDATE);
    steps[2]->reason = "drift: changed outside hlrec since run 40";
    changes[1] = (struct hl_change){.path = "enabled",
                                    .field = &fields[1],
                                    .desired = hl_value_bool(arena, true),
                                    .recorded = hl_value_bool(arena, true),
                                    .live = hl_value_bool(arena, false),
                                    .origin = HL_ORIGIN_DRIFT};
    steps[2]->changes = &changes[1];
    steps[2]->changes_count = 1;
    steps[3] = hl_test_step(arena, "router.old-wiki", HL_ACTION_DELETE);
    steps[3]->reason = "no longer in the spec";
    steps[4] = hl_test_step(arena, "container.netbird-proxy", HL_ACTION_REPLACE);
    steps[4]->reason = "image cannot change in place";
    steps[4]->used_by = users;
    changes[0] = (struct hl_change){.path = "image",
                                    .field = &fields[0],
                                    .desired = hl_value_text(arena, "netbirdio/netbird-proxy:0.66.1"),
                                    .recorded = hl_value_text(arena, "netbirdio/netbird-proxy:0.66.0"),
                                    .live = hl_value_text(arena, "netbirdio/netbird-proxy:0.66.0"),
                                    .forces_replacement = true,
                                    .at = {88, 12}};
    steps[4]->changes = &changes[0];
    steps[4]->changes_count = 1;
    steps[5] = hl_test_step(arena, "container.netbird-agent", HL_ACTION_DEFER);
    steps[5]->reason = "when: secret.NB_BIFROST_SETUP_KEY is known";
    steps[5]->hint = "decided during apply";
    return hl_test_plan(arena, steps, 6);
}

static void a_plan_reads_as_the_design_says(void **state HL_UNUSED)
{
    static const struct hl_read_stats stats[] = {
        {.provider = "docker", .requests = 9}, {.provider = "netbird", .requests = 3}, {.provider = "authentik", .late = true}};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    const struct hl_plan_view view = {.plan = sample(arena),
                                      .file = "bifrost.yaml",
                                      .commit = "3f9c1ab0d2e4",
                                      .stack = "bifrost",
                                      .serial = 41,
                                      .read_ms = 120,
                                      .stats = stats,
                                      .stats_count = 3};

    hl_render_plan_human(&out, &view, (struct hl_look){0});
    assert_string_equal(hl_text_get(&out),
                        "hlrec plan  bifrost.yaml @ 3f9c1ab   state #41   read in 0.12 s: docker 9 calls, netbird 3, authentik later\n"
                        "\n"
                        "REPLACE  container.netbird-proxy     image cannot change in place; down until the new one is up; used by router.netbird-proxy-tcp\n"
                        "           image  netbirdio/netbird-proxy:0.66.0 -> 0.66.1  bifrost.yaml:88  cannot change in place\n"
                        "DELETE   router.old-wiki             no longer in the spec\n"
                        "UPDATE   route.homelab-lan           drift: changed outside hlrec since run 40\n"
                        "           enabled  spec true | recorded true | live false -> true\n"
                        "CREATE   setup_key.k8s-routing-peer  new in the spec  bifrost.yaml:120\n"
                        "DEFER    container.netbird-agent     when: secret.NB_BIFROST_SETUP_KEY is known -> decided during apply\n"
                        "\n"
                        "Plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 deferred, 1 unchanged. Data loss: none.\n");
}

static void the_last_line_is_stable(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        enum hl_action action;
        bool loses_data;
        const char *expected;
    } rows[] = {
        {"nothing", HL_ACTION_NONE, false, "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 0 deferred, 1 unchanged. Data loss: none."},
        {"adopt", HL_ACTION_ADOPT, false, "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to adopt, 0 deferred, 0 unchanged. Data loss: none."},
        {"forget", HL_ACTION_FORGET, false,
         "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to forget, 0 deferred, 0 unchanged. Data loss: none."},
        {"refuse", HL_ACTION_REFUSE, true, "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 0 deferred, 1 refused, 0 unchanged. Data loss: none."},
        {"data", HL_ACTION_DELETE, true, "Plan: 0 to create, 0 to update, 0 to replace, 1 to delete, 0 deferred, 0 unchanged. Data loss: volume.a."},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
        struct hl_step *step = hl_test_step(arena, "volume.a", rows[i].action);

        step->loses_data = rows[i].loses_data;
        hl_render_summary(&out, hl_test_plan(arena, &step, 1));
        if (strcmp(hl_text_get(&out), rows[i].expected) != 0)
            fail_msg("%s: '%s'", rows[i].label, hl_text_get(&out));
    }
}

static void the_same_plan_gives_the_same_bytes(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text first = HL_TEXT_INIT(65536);
    hl_auto(text) struct hl_text second = HL_TEXT_INIT(65536);
    const struct hl_plan_view view = {.plan = sample(arena), .file = "a.yaml", .stack = "a"};

    hl_render_plan_human(&first, &view, (struct hl_look){.color = true, .width = 100});
    hl_render_plan_human(&second, &view, (struct hl_look){.color = true, .width = 100});
    assert_string_equal(hl_text_get(&first), hl_text_get(&second));
}

static void what_a_preview_takes_from_the_base_is_told_up_to_twenty(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    struct hl_preview_unused items[23];
    const struct hl_preview_facts facts = {.base = "3f9c1ab0d2e4", .unused = {.items = items, .count = HL_COUNT(items)}};
    const struct hl_plan_view view = {.plan = sample(arena), .file = "hlrec.yaml", .preview = &facts};

    for (size_t i = 0; i < HL_COUNT(items); i++)
        items[i] = (struct hl_preview_unused){.path = hl_arena_printf(arena, "secrets.S%02zu", i), .change = HL_PREVIEW_CHANGED};
    hl_render_plan_human(&out, &view, (struct hl_look){0});
    assert_non_null(strstr(hl_text_get(&out), "not used: secrets.S19 is changed here, the base's counts\nnot used: 3 more, which `--format json` lists\n"));
    assert_null(strstr(hl_text_get(&out), "secrets.S20"));
}

static const struct CMUnitTest human_tests[] = {
    cmocka_unit_test(a_plan_reads_as_the_design_says),
    cmocka_unit_test(the_last_line_is_stable),
    cmocka_unit_test(the_same_plan_gives_the_same_bytes),
    cmocka_unit_test(what_a_preview_takes_from_the_base_is_told_up_to_twenty),
};

const struct hl_tests hl_tests_human = {human_tests, HL_COUNT(human_tests)};

/* ---- JSON ---- */

static void json_has_the_contract(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    hl_auto(error) struct hl_error *err = NULL;
    const struct hl_plan_view view = {.plan = sample(arena), .file = "bifrost.yaml", .stack = "bifrost", .serial = 41};
    struct hl_value *document = NULL;

    hl_render_plan_json(&out, &view);
    assert_true(hl_json_decode(arena, hl_text_get(&out), out.length, &document, &err));
    assert_int_equal(hl_value_get_int(document, "format_version", 0), 1);
    assert_int_equal(hl_value_get_int(document, "state_serial", 0), 41);
    assert_string_equal(hl_value_find_path(document, "source.file")->text.data, "bifrost.yaml");
    assert_int_equal(hl_value_find_path(document, "summary.unchanged")->integer, 1);
    assert_int_equal(hl_value_count(hl_value_get(document, "actions")), 5);
    assert_true(hl_value_is(hl_value_get(document, "drift"), HL_LIST));
    assert_true(hl_value_is(hl_value_get(document, "diagnostics"), HL_LIST));

    const struct hl_value *replace = hl_value_find_path(document, "actions.3");

    assert_string_equal(hl_value_get_text(replace, "action"), "replace");
    assert_string_equal(hl_value_get_text(replace, "replace_order"), "delete-first");
    assert_string_equal(hl_value_find_path(replace, "changes.0.after")->text.data, "netbirdio/netbird-proxy:0.66.1");
    assert_true(hl_value_find_path(replace, "changes.0.forces_replacement")->boolean);
}

static void json_hides_secrets_and_unknowns(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put_text(map, "plain", "seen");
    hl_value_map_put(map, "secret", hl_value_mark_sensitive(hl_value_text(arena, "hunter2")));
    hl_value_map_put(map, "later", hl_value_unknown(arena, "secret.A"));
    hl_json_encode(&out, hl_render_mask(arena, map, false), HL_JSON_COMPACT);
    assert_string_equal(hl_text_get(&out), "{\"plain\":\"seen\",\"secret\":null,\"later\":null}");
}

static const struct CMUnitTest json_plan_tests[] = {
    cmocka_unit_test(json_has_the_contract),
    cmocka_unit_test(json_hides_secrets_and_unknowns),
};

const struct hl_tests hl_tests_json_plan = {json_plan_tests, HL_COUNT(json_plan_tests)};
