/* Bodies of routers, services and middlewares: what is taken, and what is said of the rest. */
#include "config.h"

#include "tests/unit/traefik/tests.h"

#include "reconcile/providers/traefik/traefik.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *label;
    const struct hl_kind *kind;
    const char *body;
    const char *message; /* part of the only finding; NULL: there is none */
    uint32_t line, column;
    bool warning;
};

/* clang-format off */
static const struct row rows[] = {
    {"a router with a server of its own", &hl_kind_router, "rule: Host(`a`)\nservice: {url: 'http://a'}\n", NULL, 0, 0, false},
    {"keys in any case", &hl_kind_router, "RULE: Host(`a`)\nentrypoints: web\nTLS: {certresolver: le}\nservice: {URL: 'h2c://a'}\n", NULL, 0, 0, false},
    {"common fields pass", &hl_kind_router, "rule: Host(`a`)\nservice: x\nneeds: [container.a]\n", NULL, 0, 0, false},
    {"a rule's mistake has its place", &hl_kind_router, "service: x\nrule: Host(`a`) && Hots(`b`)\n", "column 14 of the rule: HTTP rules have no matcher 'Hots'", 2, 7, false},
    {"a rule on several lines", &hl_kind_router, "service: x\nrule: |\n  Host(`a`)\n  && Hots(`b`)\n", "column 14 of the rule", 2, 7, false},
    {"a rule of version 2 is not checked", &hl_kind_router, "service: x\nruleSyntax: v2\nrule: Host(`a`, `b`)\n", NULL, 0, 0, false},
    {"no rule", &hl_kind_router, "service: x\n", "the router needs a 'rule'", 1, 1, false},
    {"a URL for a service's name", &hl_kind_router, "rule: Host(`a`)\nservice: http://a\n", "this is a URL: write service: {url: ...}", 2, 10, false},
    {"two sources of a service", &hl_kind_router, "rule: Host(`a`)\nservice: {url: 'http://a', name: b}\n", "takes one of name, url, address and servers", 2, 10, false},
    {"a named service with settings", &hl_kind_router, "rule: Host(`a`)\nservice: {name: b, passHostHeader: false}\n", "names a service", 2, 10, false},
    {"a server without a scheme", &hl_kind_router, "rule: Host(`a`)\nservice: {url: 'a:80'}\n", "must begin with http://", 2, 16, false},
    {"an address for http", &hl_kind_router, "rule: Host(`a`)\nservice: {address: 'a:80'}\n", "'service.address' does not exist for http", 2, 20, false},
    {"tcp", &hl_kind_router, "protocol: tcp\nrule: HostSNI(`*`)\nservice: {address: 'a:80'}\n", NULL, 0, 0, false},
    {"a name needs TLS", &hl_kind_router, "protocol: tcp\nrule: HostSNI(`a`)\nservice: x\n", "HostSNI with a name needs TLS", 2, 7, false},
    {"a name with TLS", &hl_kind_router, "protocol: tcp\nrule: HostSNI(`a`)\ntls: {passthrough: true}\nservice: x\n", NULL, 0, 0, false},
    {"passthrough for http", &hl_kind_router, "rule: Host(`a`)\ntls: {passthrough: true}\nservice: x\n", "'tls.passthrough' does not exist for http, only for tcp", 2, 20, false},
    {"passthrough with certificates", &hl_kind_router, "protocol: tcp\nrule: HostSNI(`a`)\nservice: x\ntls: {passthrough: true, certResolver: le}\n", "never used", 4, 40, true},
    {"certificates for a pattern", &hl_kind_router, "rule: HostRegexp(`^a$`)\nservice: x\ntls: {certResolver: le}\n", "no certificate is asked for", 3, 21, true},
    {"certificates for a pattern with names", &hl_kind_router, "rule: HostRegexp(`^a$`)\nservice: x\ntls: {certResolver: le, domains: [{main: a}]}\n", NULL, 0, 0, false},
    {"TLS options without a host", &hl_kind_router, "rule: PathPrefix(`/`)\nservice: x\ntls: {options: modern}\n", "TLS options are found by the host", 3, 16, true},
    {"udp has no rule", &hl_kind_router, "protocol: udp\nrule: HostSNI(`*`)\nservice: {address: 'a:1'}\n", "'rule' does not exist for udp, only for http and tcp", 2, 7, false},
    {"tls: true", &hl_kind_router, "rule: Host(`a`)\ntls: true\nservice: x\n", NULL, 0, 0, false},
    {"observability must not be empty", &hl_kind_router, "rule: Host(`a`)\nservice: x\nobservability: {}\n", "'observability' is empty", 3, 16, false},
    {"a typing mistake", &hl_kind_router, "rule: Host(`a`)\nservice: x\nentrypoint: [web]\n", "unknown key 'entrypoint'", 3, 1, false},
    {"a child has no TLS", &hl_kind_router, "rule: Path(`/`)\nservice: x\nparentRefs: [p]\ntls: {}\n", "'tls' is for the parent", 4, 6, false},

    {"servers", &hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}, {url: 'https://b', weight: 2}]}\n", NULL, 0, 0, false},
    {"two kinds of service", &hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}]}\nweighted: {services: [{name: b}]}\n", "a service is one thing, and here are 2", 1, 1, false},
    {"no kind of service", &hl_kind_service, "protocol: tcp\n", "does not say what it is", 1, 1, false},
    {"a server needs a URL", &hl_kind_service, "loadBalancer: {servers: [{weight: 1}]}\n", "a server of an http service needs 'url'", 1, 26, false},
    {"sticky is for http", &hl_kind_service, "protocol: tcp\nloadBalancer: {servers: [{address: 'a:1'}], sticky: {cookie: {}}}\n", "'loadBalancer.sticky' does not exist for tcp", 2, 53, false},
    {"a health check needs a path", &hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}], healthCheck: {interval: 5s}}\n", "needs 'path'", 1, 59, false},
    {"a bare number is no duration", &hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}], healthCheck: {path: /, interval: 5}}\n", "must be a duration", 1, 79, false},
    {"an address without a port", &hl_kind_service, "protocol: udp\nloadBalancer: {servers: [{address: a}]}\n", "is not host:port", 2, 36, false},

    {"headers", &hl_kind_middleware, "headers: {stsSeconds: 1, customRequestHeaders: {X: ''}}\n", NULL, 0, 0, false},
    {"compress may be empty", &hl_kind_middleware, "compress: {}\n", NULL, 0, 0, false},
    {"compress may be true", &hl_kind_middleware, "compress: true\n", NULL, 0, 0, false},
    {"headers may not be empty", &hl_kind_middleware, "headers: {}\n", "'headers' is empty", 1, 10, false},
    {"two kinds of middleware", &hl_kind_middleware, "compress: {}\naddPrefix: {prefix: /a}\n", "a middleware is one thing", 1, 1, false},
    {"of Traefik Hub", &hl_kind_middleware, "compress: {}\njwt: {}\n", "unknown key 'jwt'", 2, 1, false},
    {"nobody can sign in", &hl_kind_middleware, "basicAuth: {realm: a}\n", "nobody can sign in", 1, 12, false},
    {"a user without a hash", &hl_kind_middleware, "basicAuth: {users: [bob]}\n", "a user is written name:hash", 1, 21, false},
    {"dollars of a compose file", &hl_kind_middleware, "basicAuth: {users: ['bob:$$apr1$$x$$y']}\n", "'$$' in it", 1, 21, true},
    {"a network", &hl_kind_middleware, "ipAllowList: {sourceRange: [10.0.0.0/40]}\n", "'10.0.0.0/40' is neither an address", 1, 29, false},
    {"tcp has few", &hl_kind_middleware, "protocol: tcp\ncompress: {}\n", "'compress' does not exist for tcp", 2, 11, false},
    {"tcp's list knows addresses only", &hl_kind_middleware, "protocol: tcp\nipAllowList: {sourceRange: 10.0.0.1, rejectStatusCode: 404}\n", "'ipAllowList.rejectStatusCode' does not exist for tcp", 2, 56, false},
    {"trust is not said", &hl_kind_middleware, "forwardAuth: {address: 'http://a'}\n", "'trustForwardHeader' is not said", 1, 14, true},
    {"a regular expression", &hl_kind_middleware, "redirectRegex: {regex: '(?=a)', replacement: b}\n", "look-ahead", 1, 24, false},
    {"a list item that Traefik would cut", &hl_kind_middleware, "headers: {accessControlAllowOriginListRegex: [\"a\\u2551b\"]}\n", "cuts items of a list", 1, 47, false},
    {"a status", &hl_kind_middleware, "errors: {status: ['600'], service: a}\n", "neither a status", 1, 19, false},
};
/* clang-format on */

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_arena *arena = hl_arena_new();
        struct hl_diags diags;

        assert_non_null(hl_test_decode(arena, rows[i].kind, "web", rows[i].body, &diags));
        const struct hl_diag *first = diags.count == 0 ? NULL : &diags.items[0];
        const char *message = first == NULL ? "" : first->message;
        const bool right = rows[i].message == NULL ? diags.count == 0
                                                   : diags.count == 1 && strstr(message, rows[i].message) != NULL && first->at.line == rows[i].line &&
                                                         first->at.column == rows[i].column && (diags.errors == 0) == rows[i].warning;

        if (!right)
            fail_msg("%s: %zu findings; %u:%u: %s", rows[i].label, diags.count, first == NULL ? 0 : first->at.line, first == NULL ? 0 : first->at.column,
                     message);
        hl_arena_free(arena);
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } names[] = {{"web", true}, {"Web_1-a", true}, {"1", true}, {"a.b", false}, {"-a", false}, {"a@b", false}};

    (void)state;
    for (size_t i = 0; i < HL_COUNT(names); i++) {
        struct hl_arena *arena = hl_arena_new();
        struct hl_diags diags;

        hl_test_decode(arena, &hl_kind_middleware, names[i].name, "compress: {}\n", &diags);
        assert_int_equal(diags.errors, names[i].good ? 0 : 1);
        hl_arena_free(arena);
    }
}

static void test_equal_meanings_are_equal(void **state)
{
    static const struct {
        const struct hl_kind *kind;
        const char *a, *b;
    } pairs[] = {
        {&hl_kind_router, "rule: Host(`a`)\nservice: x\n", "rule: Host(`a`)\nservice: {name: x@file}\n"},
        {&hl_kind_router, "rule: Host(`a`)\nservice: {url: 'http://a'}\n", "rule: Host(`a`)\nservice: {servers: [{url: 'http://a'}]}\n"},
        {&hl_kind_router, "rule: \"Host(`a`) && Path(`/`)\"\nservice: x\n", "rule: |\n  Host(`a`)\n  && Path(`/`)\nservice: x\n"},
        {&hl_kind_router, "rule: Host(`a`)\nservice: x\nentryPoints: [b, a]\n", "rule: Host(`a`)\nservice: x\nentrypoints: 'a, b'\n"},
        {&hl_kind_router, "rule: Host(`a`)\nservice: x\nmiddlewares: [b, a@docker]\n", "rule: Host(`a`)\nservice: x\nmiddlewares: 'b@file,a@docker'\n"},
        {&hl_kind_router, "rule: Host(`a`)\nservice: x\ntls: {}\n", "rule: Host(`a`)\nservice: x\ntls: true\n"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(pairs); i++) {
        struct hl_arena *arena = hl_arena_new();
        struct hl_diags diags;
        const struct hl_value *a = hl_test_decode(arena, pairs[i].kind, "web", pairs[i].a, &diags);
        const struct hl_value *b = hl_test_decode(arena, pairs[i].kind, "web", pairs[i].b, &diags);

        if (!hl_value_equal(a, b))
            fail_msg("not equal: %s", pairs[i].b);
        hl_arena_free(arena);
    }
}

static void test_a_secret_rule_is_not_quoted(void **state)
{
    struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    struct hl_value *body = hl_value_map(arena);
    struct hl_check check = {.arena = arena, .diags = &diags, .name = "web"};

    (void)state;
    hl_diags_init(&diags, arena, "spec.yaml");
    hl_value_map_put(body, "rule", hl_value_mark_sensitive(hl_value_text(arena, "Hots(`topsecret`)")));
    hl_value_map_put(body, "service", hl_value_map(arena));
    hl_value_map_put_text(hl_value_get(body, "service"), "name", "x");
    hl_kind_router.check(&check, body);
    assert_int_equal(diags.count, 1);
    assert_string_equal(diags.items[0].message, "the rule has a mistake at its column 1");
    assert_null(diags.items[0].hint);
    hl_arena_free(arena);
}

/* A default that cannot be read would stop the program where it is asked for. */
static void check_fallbacks(struct hl_arena *arena, const struct hl_field *fields)
{
    for (; fields->name != NULL; fields++) {
        hl_field_fallback(arena, fields);
        assert_non_null(fields->doc);
        if (fields->fields != NULL)
            check_fallbacks(arena, fields->fields);
    }
}

static void test_tables(void **state)
{
    struct hl_arena *arena = hl_arena_new();

    (void)state;
    check_fallbacks(arena, hl_kind_router.fields);
    check_fallbacks(arena, hl_kind_service.fields);
    check_fallbacks(arena, hl_kind_middleware.fields);
    hl_arena_free(arena);
}

int hl_test_kinds(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_equal_meanings_are_equal),
        cmocka_unit_test(test_a_secret_rule_is_not_quoted),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
