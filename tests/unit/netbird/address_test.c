#include "config.h"

#include "tests/unit/netbird/tests.h"

#include "reconcile/providers/netbird/address.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *text, *expected; /* NULL: refused */
};

/* All rows are looked at, so that one run shows all that is wrong. */
static void expect(const char *text, const char *expected, const char *actual, size_t *wrong)
{
    if ((expected == NULL) == (actual == NULL) && (expected == NULL || strcmp(expected, actual) == 0))
        return;
    fprintf(stderr, "# '%s': expected %s, got %s\n", text, expected != NULL ? expected : "(refused)", actual != NULL ? actual : "(refused)");
    ++*wrong;
}

static void check_rows(const char *(*normal)(struct hl_arena *arena, const char *text), const struct row *rows, size_t count)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *once = normal(arena, rows[i].text);
        expect(rows[i].text, rows[i].expected, once, &wrong);
        if (once != NULL)
            expect(once, once, normal(arena, once), &wrong);
    }
    assert_int_equal(wrong, 0);
}

static void ranges_are_masked(void **state)
{
    static const struct row rows[] = {
        {"10.1.2.3/24", "10.1.2.0/24"},
        {"10.1.2.3/32", "10.1.2.3/32"},
        {"10.255.255.255/9", "10.128.0.0/9"},
        {"1.2.3.4/0", "0.0.0.0/0"},
        {"2001:DB8:0:0:0:0:0:1/64", "2001:db8::/64"},
        {"2001:db8::ffff/127", "2001:db8::fffe/127"},
        {"fd00::1/128", "fd00::1/128"},
        {"::/0", "::/0"},
        {"10.0.0.0", NULL},
        {"10.0.0.0/33", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/8 ", NULL},
        {"10.0.0/8", NULL},
        {"010.0.0.0/8", NULL},
        {"fd00::/129", NULL},
        {"[fd00::]/64", NULL},
        {"fd00::%eth0/64", NULL},
        {"/8", NULL},
        {"", NULL},
    };

    (void)state;
    check_rows(hl_netbird_range, rows, HL_COUNT(rows));
}

static void a_host_is_a_range_of_one(void **state)
{
    static const struct row rows[] = {
        {"10.1.2.3", "10.1.2.3/32"}, {"FD00::1", "fd00::1/128"}, {"10.1.2.3/24", "10.1.2.0/24"}, {"10.1.2", NULL}, {"nas.example.org", NULL}, {"", NULL},
    };

    (void)state;
    check_rows(hl_netbird_range_or_host, rows, HL_COUNT(rows));
}

static const char *host(struct hl_arena *arena, const char *text)
{
    return hl_netbird_host(arena, text, NULL);
}

static void hosts_lose_their_brackets(void **state)
{
    static const struct row rows[] = {
        {"1.1.1.1", "1.1.1.1"},
        {"[2606:4700:0::1111]", "2606:4700::1111"},
        {"2606:4700::1111", "2606:4700::1111"},
        {"[1.1.1.1]", NULL},
        {"[]", NULL},
        {"[::1", NULL},
        {"1.1.1.1:53", NULL},
    };

    (void)state;
    check_rows(host, rows, HL_COUNT(rows));
}

static const char *domain(struct hl_arena *arena, const char *text)
{
    return hl_netbird_domain(arena, text, true);
}

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

/* The punycode was made with another implementation. */
static void domains_are_as_the_server_keeps_them(void **state)
{
    static const struct row rows[] = {
        {"Git.Example.ORG", "git.example.org"},
        {"git.example.org.", "git.example.org"},
        {"*.Lab.example.org", "*.lab.example.org"},
        {"localhost", "localhost"},
        {"_dmarc.example.org", "_dmarc.example.org"},
        {"_.example.org", "_.example.org"},
        {"a-b_c.example", "a-b_c.example"},
        {"Bücher.example", "xn--bcher-kva.example"},
        {"münchen.de", "xn--mnchen-3ya.de"},
        {"пример.рф", "xn--e1afmkfd.xn--p1ai"},
        {"例え.jp", "xn--r8jz45g.jp"},
        {"faß.de", "xn--fa-hia.de"},
        {"*.ñ.cl", "*.xn--ida.cl"},
        {"3年B組金八先生.jp", "xn--3b-ww4c5e180e575a65lsy2b.jp"},
        {"MajiでKoiする5秒前.jp", "xn--majikoi5-783gue6qz075azm5e.jp"},
        {"XN--Mnchen-3ya.de", "xn--mnchen-3ya.de"},
        {LABEL_63 ".example", LABEL_63 ".example"},
        {LABEL_63 "4.example", NULL},
        {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, NULL},
        {"192.168.1.300", NULL},
        {"example.7", NULL},
        {"example._tcp", NULL},
        {"-a.example", NULL},
        {"a-.example", NULL},
        {"a..example", NULL},
        {".example", NULL},
        {"*.", NULL},
        {"*", NULL},
        {"a.*.example", NULL},
        {"a b.example", NULL},
        {"http://a.example", NULL},
        {"a.example:80", NULL},
        {"\xff.example", NULL},
        {".", NULL},
        {"", NULL},
    };

    (void)state;
    check_rows(domain, rows, HL_COUNT(rows));
}

static void wildcards_are_taken_where_they_may_stand(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_null(hl_netbird_domain(arena, "*.example.org", false));
    assert_string_equal(hl_netbird_domain(arena, "Example.org", false), "example.org");
}

static const char *shown(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(4096);

    if (value == NULL)
        return NULL;
    hl_json_encode(&out, value, HL_JSON_CANONICAL);
    return hl_arena_strdup(arena, hl_text_get(&out));
}

static const char *short_server(struct hl_arena *arena, const char *text)
{
    const char *problem = NULL;
    const struct hl_value *value = hl_netbird_short_server(arena, text, &problem);

    assert_true(value != NULL || problem != NULL);
    return shown(arena, value);
}

static void servers_have_a_short_form(void **state)
{
    static const struct row rows[] = {
        {"1.1.1.1", "{\"ip\":\"1.1.1.1\",\"ns_type\":\"udp\",\"port\":53}"},
        {"1.1.1.1:5353", "{\"ip\":\"1.1.1.1\",\"ns_type\":\"udp\",\"port\":5353}"},
        {"[2606:4700::1111]:5353", "{\"ip\":\"2606:4700::1111\",\"ns_type\":\"udp\",\"port\":5353}"},
        {"[2606::1]", "{\"ip\":\"2606::1\",\"ns_type\":\"udp\",\"port\":53}"},
        {"2606:0::53", "{\"ip\":\"2606::53\",\"ns_type\":\"udp\",\"port\":53}"},
        {"1.1.1.1:0", NULL},
        {"1.1.1.1:65536", NULL},
        {"1.1.1.1:dns", NULL},
        {"[2606::1]53", NULL},
        {"2606:4700:1:2:3:4:5:6:53", NULL},
        {"dns.example.org", NULL},
        {"udp://1.1.1.1:53", NULL},
        {"", NULL},
    };
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        expect(rows[i].text, rows[i].expected, short_server(arena, rows[i].text), &wrong);
    }
    assert_int_equal(wrong, 0);
}

static struct hl_value *parsed(struct hl_arena *arena, const char *json)
{
    struct hl_value *value = NULL;
    struct hl_error *error = NULL;

    assert_true(hl_json_decode(arena, json, strlen(json), &value, &error));
    return value;
}

static void lists_are_normalised_item_by_item(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *servers = parsed(arena, "[{\"ip\":\"[2606:0::1]\"},{\"ip\":\"1.1.1.1\",\"port\":5353,\"ns_type\":\"udp\"}]");
    struct hl_value *domains = parsed(arena, "[\"B.example\",\"a b\",\"c.example.\"]");

    (void)state;
    hl_value_item(domains, 0)->sensitive = true;
    hl_value_item(domains, 0)->at = (struct hl_span){.line = 7, .column = 3};
    hl_value_list_add(arena, domains, hl_value_unknown(arena, "secret.d"));
    domains = hl_netbird_normal_domains(arena, domains);
    assert_string_equal(shown(arena, hl_netbird_normal_servers(arena, servers)),
                        "[{\"ip\":\"2606::1\",\"ns_type\":\"udp\",\"port\":53},{\"ip\":\"1.1.1.1\",\"ns_type\":\"udp\",\"port\":5353}]");
    assert_string_equal(hl_value_item(domains, 0)->text.data, "b.example");
    assert_true(hl_value_item(domains, 0)->sensitive);
    assert_int_equal(hl_value_item(domains, 0)->at.line, 7);
    assert_string_equal(hl_value_item(domains, 1)->text.data, "a b");
    assert_string_equal(hl_value_item(domains, 2)->text.data, "c.example");
    assert_int_equal(hl_value_item(domains, 3)->type, HL_UNKNOWN);
}

static size_t findings(void (*check)(struct hl_check *check, const struct hl_value *value), struct hl_value *value, struct hl_arena *arena)
{
    struct hl_diags diags;
    struct hl_check checking = {.arena = arena, .diags = &diags};

    hl_diags_init(&diags, arena, "spec.yaml");
    check(&checking, value);
    return diags.errors;
}

static void what_is_wrong_is_said(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_int_equal(findings(hl_netbird_check_range, hl_value_text(arena, "10.0.0.1"), arena), 1);
    assert_int_equal(findings(hl_netbird_check_range, hl_value_text(arena, "10.0.0.0/8"), arena), 0);
    assert_int_equal(findings(hl_netbird_check_address, hl_value_text(arena, "10.0.0.1"), arena), 0);
    assert_int_equal(findings(hl_netbird_check_address, hl_value_text(arena, "*.example.org"), arena), 0);
    assert_int_equal(findings(hl_netbird_check_address, hl_value_text(arena, "10.0.0.256"), arena), 1);
    assert_int_equal(findings(hl_netbird_check_domains, parsed(arena, "[\"a.example\",\"a b\",\"10.0.0.1\"]"), arena), 2);
}

int hl_test_address(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_masked),
        cmocka_unit_test(a_host_is_a_range_of_one),
        cmocka_unit_test(hosts_lose_their_brackets),
        cmocka_unit_test(domains_are_as_the_server_keeps_them),
        cmocka_unit_test(wildcards_are_taken_where_they_may_stand),
        cmocka_unit_test(servers_have_a_short_form),
        cmocka_unit_test(lists_are_normalised_item_by_item),
        cmocka_unit_test(what_is_wrong_is_said),
    };

    return cmocka_run_group_tests_name("netbird/address", tests, NULL, NULL);
}
