/* The file's text, both ways. */
#include "config.h"

#include "tests/unit/traefik/tests.h"

#include "reconcile/providers/traefik/document.h"
#include "reconcile/providers/traefik/emit.h"
#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/object.h"
#include "reconcile/providers/traefik/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char stack[] = "edge";
static const char state_id[] = "0b1f2e3d";

static const struct {
    const char *text, *yaml;
} escapes[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"true", "\"true\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"Host(`a`) && !Path(`/x`)", "\"Host(`a`) && !Path(`/x`)\""},
    {"{{ env \"HOME\" }}", "\"\\x7b{ env \\\"HOME\\\" }}\""},
    {"{{{", "\"\\x7b\\x7b{\""},
    {"{ {", "\"{ {\""},
    {"${1} {2,3}", "\"${1} {2,3}\""},
    {"a\nb\tc\r", "\"a\\nb\\tc\\x0d\""},
    {"\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\x7f\\x85\\u2028\\ufeff\""},
    {"\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80\""},
    {"# no comment: [a]", "\"# no comment: [a]\""},
};

static struct hl_value *parse_yaml(struct hl_arena *arena, const char *text)
{
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "x");
    const struct hl_node *node = hl_reader_parse(arena, text, strlen(text), &diags);

    if (node == NULL)
        fail_msg("%s\n%s", diags.count > 0 ? diags.items[0].message : "?", text);
    return hl_tree_of_node(arena, node);
}

static void test_escapes(void **state)
{
    struct hl_arena *arena = hl_arena_new();

    (void)state;
    for (size_t i = 0; i < HL_COUNT(escapes); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(1000);

        hl_traefik_emit_text(&out, escapes[i].text, strlen(escapes[i].text));
        assert_string_equal(hl_text_get(&out), escapes[i].yaml);
        assert_null(strstr(hl_text_get(&out), "{{"));
        const struct hl_value *back = parse_yaml(arena, hl_arena_printf(arena, "k: %s\n", hl_text_get(&out)));

        assert_string_equal(hl_value_get_text(back, "k"), escapes[i].text);
    }
    hl_arena_free(arena);
}

static void test_any_bytes_come_back(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(1000);
        struct hl_value *map = hl_value_map(arena);
        char text[8];
        const size_t length = byte < 0x80 ? 1 : 2;

        text[0] = byte < 0x80 ? (char)byte : (char)(0xc0 | byte >> 6);
        text[1] = (char)(0x80 | (byte & 0x3f));
        text[length] = '\0';
        hl_value_map_put_text(map, text, text);
        hl_traefik_emit_map(&out, map, 0);
        assert_true(hl_value_equal(parse_yaml(arena, hl_text_get(&out)), map));
        hl_arena_free(arena);
    }
}

static void test_trees_come_back(void **state)
{
    static const char *const trees[] = {
        "a: {}\nb: []\nc: null\nd: 1\ne: -5\nf: 1.5\ng: true\nh: 'true'\ni: '1'\n",
        "a: [1, '2', [3, {b: c}], {}, {d: {e: [f]}, g: h}]\n",
        "'418': 404\n'yes': 'no'\n'a b': x\n'': y\n'{{': z\nnull-like: '~'\n'null': n\n",
        "a: {b: {c: {d: {e: {f: {}}}}}}\n",
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(trees); i++) {
        struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(10000);
        const struct hl_value *tree = parse_yaml(arena, trees[i]);

        hl_traefik_emit_map(&out, tree, 0);
        if (!hl_value_equal(parse_yaml(arena, hl_text_get(&out)), tree))
            fail_msg("%s", hl_text_get(&out));
        hl_arena_free(arena);
    }
}

static const struct {
    const struct hl_kind *kind;
    const char *name, *body;
} objects[] = {
    {&hl_kind_router, "web",
     "rule: Host(`a`)\nservice: pool\nmiddlewares: [head, auth@docker]\ntls: {certResolver: le, domains: [{main: a, sans: [b, c]}]}\npriority: 7\n"},
    {&hl_kind_router, "own", "rule: Host(`b`)\nservice: {url: 'h2c://a:80'}\ntls: {}\n"},
    {&hl_kind_router, "many", "rule: Host(`c`)\nservice: {servers: [{url: 'http://a'}, {url: 'http://b', weight: 2}], sticky: {cookie: {}}}\n"},
    {&hl_kind_router, "mail", "protocol: tcp\nrule: HostSNI(`*`)\nservice: {address: 'mail:25'}\n"},
    {&hl_kind_router, "dns", "protocol: udp\nentryPoints: dns\nservice: dns\n"},
    {&hl_kind_service, "pool",
     "loadBalancer: {servers: [{url: 'http://a'}], healthCheck: {path: /, interval: 90s, timeout: 500ms}, responseForwarding: {flushInterval: '-1ms'}}\n"},
    {&hl_kind_service, "dns", "protocol: udp\nloadBalancer: {servers: [{address: 'a:53'}]}\n"},
    {&hl_kind_service, "both", "weighted: {services: [{name: pool, weight: 3}], healthCheck: {}}\n"},
    {&hl_kind_middleware, "head", "headers: {customRequestHeaders: {X-A: '', X-B: '{{x}}'}, stsSeconds: 5}\n"},
    {&hl_kind_middleware, "zip", "compress: {}\n"},
    {&hl_kind_middleware, "plug", "plugin: {demo: {a: 1, b: [true, x], c: {d: 1.5}}}\n"},
    {&hl_kind_middleware, "page", "errors: {status: ['404', '500-599'], service: pool, statusRewrites: {'418': 404}}\n"},
    {&hl_kind_middleware, "slow", "rateLimit: {average: 5, period: 1m30s}\n"},
    {&hl_kind_middleware, "big", "buffering: {maxRequestBodyBytes: 2m}\n"},
};

/* What is written and read again is what was wanted: then the next plan is empty. */
static void test_objects_come_back(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(100000);
    hl_auto(text) struct hl_text again = HL_TEXT_INIT(100000);
    const struct hl_value *desired[HL_COUNT(objects)];
    struct hl_document document;
    struct hl_diags diags;

    (void)state;
    hl_document_parse(&document, arena, "", 0, stack, state_id);
    for (size_t i = 0; i < HL_COUNT(objects); i++) {
        desired[i] = hl_test_decode(arena, objects[i].kind, objects[i].name, objects[i].body, &diags);
        assert_int_equal(diags.errors, 0);
        const struct hl_traefik_object object = {.kind = hl_traefik_kind_of(objects[i].kind), .name = objects[i].name, .desired = desired[i]};

        hl_traefik_object_put(&document, arena, &object);
    }
    hl_document_format(&document, stack, state_id, NULL, &out);
    hl_document_parse(&document, arena, hl_text_get(&out), out.length, stack, state_id);
    assert_int_equal(document.state, HL_DOCUMENT_READ);
    assert_int_equal(document.owner, HL_OWNER_US);
    assert_non_null(document.marker);
    assert_null(strstr(hl_text_get(&out), "{{"));
    for (size_t i = 0; i < HL_COUNT(objects); i++) {
        const struct hl_traefik_object object = {.kind = hl_traefik_kind_of(objects[i].kind), .name = objects[i].name, .desired = desired[i]};
        const char *protocol = NULL;
        const struct hl_value *tree = hl_traefik_object_find(&document, arena, &object, &protocol);

        if (tree == NULL || !hl_test_covers(hl_traefik_object_values(arena, object.kind, protocol, tree), desired[i]))
            fail_msg("%s does not come back:\n%s", objects[i].name, hl_text_get(&out));
    }
    hl_document_format(&document, stack, state_id, NULL, &again);
    assert_string_equal(hl_text_get(&again), hl_text_get(&out));
    hl_arena_free(arena);
}

static const char by_hand[] =
    "# a note\n"
    "HTTP:\n"
    "  Routers:\n"
    "    web: {RULE: Host(`a`), entrypoints: 'x, y', Service: pool@file, TLS: true, priority: '7', future: 1}\n"
    "  services:\n"
    "    pool: {LOADBALANCER: {servers: [{URL: 'http://a'}], healthcheck: {path: /, interval: 90, timeout: 0.5s}, passHostHeader: F}}\n"
    "  middlewares: {m: {stripprefix: {prefixes: /a}}}\n"
    "tls: {options: {modern: {minVersion: VersionTLS13}}}\n";

/* As Traefik reads it: keys in any case, numbers and lists from texts. */
static void test_hand_written_forms(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    struct hl_document document;
    struct hl_diags diags;
    static const struct {
        const struct hl_kind *kind;
        const char *name, *body;
    } same[] = {
        {&hl_kind_router, "web", "rule: Host(`a`)\nentryPoints: [x, y]\nservice: pool\ntls: {}\npriority: 7\n"},
        {&hl_kind_service, "pool",
         "loadBalancer: {servers: [{url: 'http://a'}], healthCheck: {path: /, interval: 90s, timeout: 500ms}, passHostHeader: false}\n"},
        {&hl_kind_middleware, "m", "stripPrefix: {prefixes: [/a]}\n"},
    };

    (void)state;
    hl_document_parse(&document, arena, by_hand, strlen(by_hand), stack, state_id);
    assert_int_equal(document.owner, HL_OWNER_NONE);
    for (size_t i = 0; i < HL_COUNT(same); i++) {
        const struct hl_value *desired = hl_test_decode(arena, same[i].kind, same[i].name, same[i].body, &diags);
        const struct hl_traefik_object object = {.kind = hl_traefik_kind_of(same[i].kind), .name = same[i].name, .desired = desired};
        const char *protocol = NULL;
        const struct hl_value *tree = hl_traefik_object_find(&document, arena, &object, &protocol);

        assert_non_null(tree);
        if (!hl_test_covers(hl_traefik_object_values(arena, object.kind, protocol, tree), desired))
            fail_msg("%s", same[i].name);
    }
    hl_arena_free(arena);
}

/* A change of one field keeps what others wrote beside it, also what hlrec does not know. */
static void test_unmanaged_parts_stay(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(100000);
    struct hl_document document;
    struct hl_diags diags;

    (void)state;
    hl_document_parse(&document, arena, by_hand, strlen(by_hand), stack, state_id);
    const struct hl_traefik_object object = {
        .kind = HL_TRAEFIK_ROUTER,
        .name = "web",
        .desired = hl_test_decode(arena, &hl_kind_router, "web", "rule: Host(`b`)\nservice: pool\n", &diags),
        .recorded = hl_test_decode(arena, &hl_kind_router, "web", "rule: Host(`a`)\nservice: pool\nentryPoints: [x, y]\n", &diags)};

    hl_traefik_object_put(&document, arena, &object);
    hl_document_format(&document, stack, state_id, NULL, &out);
    const struct hl_value *root = parse_yaml(arena, hl_text_get(&out));
    const struct hl_value *web = hl_value_find_path(root, "http.routers.web");

    assert_string_equal(hl_value_get_text(web, "rule"), "Host(`b`)");
    assert_null(hl_value_get(web, "entryPoints")); /* named before, and no more */
    assert_true(hl_value_get_bool(web, "tls", false));
    assert_int_equal(hl_value_get_int(web, "future", 0), 1);
    assert_string_equal(hl_value_to_text(arena, hl_value_find_path(root, "tls.options.modern.minVersion")), "VersionTLS13");
    assert_non_null(hl_value_find_path(root, "http.services.pool"));
    hl_arena_free(arena);
}

/* What may keep Traefik from taking the file. */
static void test_strange_parts(void **state)
{
    static const struct {
        const struct hl_kind *kind;
        const char *tree, *strange;
    } rows[] = {
        {&hl_kind_router, "rule: Host(`a`)\nservice: {url: 'http://a'}\ntls: {}\n", NULL},
        {&hl_kind_router, "rule: Host(`a`)\ntls: true\npriority: '5'\nentryPoints: a,b\n", NULL},
        {&hl_kind_router, "rulee: Host(`a`)\n", "rulee"},
        {&hl_kind_router, "tls: {certresolver: a}\n", "tls.certresolver"}, /* it is not canonical */
        {&hl_kind_router, "tls: yes\n", "tls"},
        {&hl_kind_router, "priority: high\n", "priority"},
        {&hl_kind_router, "rule: [a]\n", "rule"},
        {&hl_kind_router, "middlewares: [[a]]\n", "middlewares"},
        {&hl_kind_service, "loadBalancer: {servers: [{url: 'http://a', port: 5}]}\n", "loadBalancer.servers.port"},
        {&hl_kind_service, "loadBalancer: {passHostHeader: maybe}\n", "loadBalancer.passHostHeader"},
        {&hl_kind_service, "loadBalancer: {passHostHeader: F, healthCheck: {interval: 5}}\n", NULL},
        {&hl_kind_service, "loadBalancer: {healthCheck: {interval: 5d}}\n", "loadBalancer.healthCheck.interval"},
        {&hl_kind_middleware, "headers: {customRequestHeaders: {a: b, c: 1}}\n", NULL},
        {&hl_kind_middleware, "plugin: {a: {b: {c: [1]}}}\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_arena *arena = hl_arena_new();
        const char *strange = hl_tree_find_strange(arena, rows[i].kind->fields, parse_yaml(arena, rows[i].tree));

        if ((strange == NULL) != (rows[i].strange == NULL) || (strange != NULL && strcmp(strange, rows[i].strange) != 0))
            fail_msg("%s: %s", rows[i].tree, strange == NULL ? "nothing" : strange);
        hl_arena_free(arena);
    }
}

/* What Traefik refuses for its shape is somebody's slip, and nothing that could be written again. */
static void test_sections_are_mappings(void **state)
{
    static const struct {
        const char *text, *problem;
    } rows[] = {
        {"http: {routers: {a: {rule: x}}, middlewares: }\n", NULL}, {"http:\ntcp: {routers: {a: {rule: x}}}\n", NULL},  {"tcp: routers\n", "line 1: 'tcp' is"},
        {"http:\n  routers: [a]\n", "line 2: 'routers' is"},        {"HTTP: {Services: x}\n", "line 1: 'Services' is"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(10000);
        struct hl_document document;

        hl_document_parse(&document, arena, rows[i].text, strlen(rows[i].text), stack, state_id);
        assert_int_equal(document.state, rows[i].problem == NULL ? HL_DOCUMENT_READ : HL_DOCUMENT_BROKEN);
        if (rows[i].problem != NULL)
            assert_non_null(strstr(document.problem, rows[i].problem));
        else
            hl_document_format(&document, stack, state_id, NULL, &out);
        hl_arena_free(arena);
    }
}

static void test_owner(void **state)
{
    static const struct {
        const char *text;
        enum hl_owner owner;
    } heads[] = {
        {"# hlrec: 1 stack=edge state=0b1f2e3d\nhttp: {routers: {a: {rule: x}}}\n", HL_OWNER_US},
        {"# hlrec: 1 stack=edge state=other\nhttp: {routers: {a: {rule: x}}}\n", HL_OWNER_OTHER},
        {"# hlrec: 1 stack=edge2 state=0b1f2e3d\n", HL_OWNER_OTHER},
        {"http: {routers: {a: {rule: x}}}\n# hlrec: 1 stack=edge state=0b1f2e3d\n", HL_OWNER_NONE},
        {"", HL_OWNER_NONE},
        {"# hlrec: 1 stack=edge state=0b1f2e3d\n  - : broken [\n", HL_OWNER_US},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(heads); i++) {
        struct hl_arena *arena = hl_arena_new();
        struct hl_document document;

        hl_document_parse(&document, arena, heads[i].text, strlen(heads[i].text), stack, state_id);
        assert_int_equal(document.owner, heads[i].owner);
        assert_int_equal(document.state == HL_DOCUMENT_BROKEN, i == HL_COUNT(heads) - 1);
        hl_arena_free(arena);
    }
}

/* A router's own service goes with the router, and is no service of the spec's. */
static void test_own_services(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(100000);
    struct hl_document document;
    struct hl_diags diags;
    const struct hl_traefik_object object = {.kind = HL_TRAEFIK_ROUTER,
                                             .name = "web",
                                             .desired = hl_test_decode(arena, &hl_kind_router, "web", "rule: Host(`a`)\nservice: {url: 'http://a'}\n", &diags)};

    (void)state;
    hl_document_parse(&document, arena, "", 0, stack, state_id);
    hl_traefik_object_put(&document, arena, &object);
    hl_document_format(&document, stack, state_id, NULL, &out);
    assert_non_null(strstr(hl_text_get(&out), "# services of routers: http/web\n"));
    hl_document_parse(&document, arena, hl_text_get(&out), out.length, stack, state_id);
    assert_null(hl_document_find(&document, arena, HL_TRAEFIK_SERVICE, "http", "web", true));
    hl_document_remove(&document, HL_TRAEFIK_SERVICE, "http", "web");
    assert_non_null(hl_value_get(hl_document_section(&document, "http", "services"), "web"));
    hl_document_remove(&document, HL_TRAEFIK_ROUTER, "http", "web");
    assert_true(hl_document_is_empty(&document));
    hl_document_format(&document, stack, state_id, NULL, &out);
    assert_int_equal(out.length, 0);
    hl_arena_free(arena);
}

static void test_the_marker_tells_the_content(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(100000);
    struct hl_document a;
    struct hl_document b;
    static const char first[] = "http: {routers: {a: {rule: x}, b: {rule: y}}}\n";
    static const char second[] = "http: {routers: {b: {rule: y}, a: {rule: x}}}\n";
    static const char third[] = "http: {routers: {b: {rule: z}, a: {rule: x}}}\n";

    (void)state;
    hl_document_parse(&a, arena, first, strlen(first), stack, state_id);
    hl_document_format(&a, stack, state_id, NULL, &out);
    assert_true(hl_starts_with(a.marker, "hlrec-edge-"));
    assert_int_equal(strlen(a.marker), strlen("hlrec-edge-") + 12);
    hl_document_parse(&b, arena, second, strlen(second), stack, state_id);
    hl_document_format(&b, stack, state_id, NULL, &out);
    assert_string_equal(a.marker, b.marker);
    hl_document_parse(&b, arena, third, strlen(third), stack, state_id);
    hl_document_format(&b, stack, state_id, NULL, &out);
    assert_string_not_equal(a.marker, b.marker);
    hl_document_format(&a, stack, state_id, "salt", &out);
    assert_string_not_equal(a.marker, b.marker);
    assert_non_null(strstr(hl_text_get(&out), a.marker));
    hl_arena_free(arena);
}

static void test_spans(void **state)
{
    static const struct {
        const char *text;
        int64_t milliseconds;
        bool good;
    } rows[] = {
        {"0", 0, true},     {"30", 30000, true},       {"-1", -1000, true},          {"100ms", 100, true},  {"1.5h", 5400000, true}, {"1h30m", 5400000, true},
        {"-1ms", -1, true}, {"1500000us", 1500, true}, {".5s", 500, true},           {"1m0s", 60000, true}, {"1d", 0, false},        {"", 0, false},
        {"s", 0, false},    {"1 s", 0, false},         {"9999999999999h", 0, false}, {"5x", 0, false},      {"1.5.5s", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        int64_t nanoseconds = 0;

        if (hl_traefik_parse_span(rows[i].text, &nanoseconds) != rows[i].good || (rows[i].good && nanoseconds != rows[i].milliseconds * 1000000))
            fail_msg("%s: %lld", rows[i].text, (long long)nanoseconds);
    }
}

int hl_test_document(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),           cmocka_unit_test(test_any_bytes_come_back),          cmocka_unit_test(test_trees_come_back),
        cmocka_unit_test(test_objects_come_back), cmocka_unit_test(test_hand_written_forms),           cmocka_unit_test(test_unmanaged_parts_stay),
        cmocka_unit_test(test_strange_parts),     cmocka_unit_test(test_sections_are_mappings),        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_own_services),      cmocka_unit_test(test_the_marker_tells_the_content), cmocka_unit_test(test_spans),
    };

    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
