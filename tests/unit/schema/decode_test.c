#include "config.h"

#include "schema/decode.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/kinds.h"
#include "tests/unit/schema/world.h"

#include <stdio.h>
#include <string.h>

/* ${var.X}: some values of each type. */
static struct hl_value *find(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags)
{
    static const char yaml[] =
        "{int: 5, text: \"5\", word: w, bool: true, real: 1.5, 'null': null, list: [a, \"${x}\"], map: {aliases: [z]}, line: \"a 'b c'\", "
        "time: 5m, pair: \"K=v\", port: \"80:90\", 'yes': \"true\", ref: \"${x}\"}";
    struct hl_diags quiet;
    struct hl_value *value;

    (void)context;
    (void)at;
    (void)diags;
    if (strcmp(reference->kind, "secret") == 0)
        return hl_value_mark_sensitive(hl_value_text(arena, reference->name));
    if (strcmp(reference->kind, "var") != 0)
        return hl_value_unknown(arena, reference->text);
    hl_diags_init(&quiet, arena, NULL);
    const struct hl_node *node = hl_node_find(hl_reader_parse(arena, yaml, strlen(yaml), &quiet), reference->name);

    if (node->type == HL_NODE_LIST) {
        value = hl_value_list(arena);
        for (size_t i = 0; i < node->list.count; i++)
            hl_value_list_add(arena, value, hl_decode_scalar_core(arena, node->list.items[i]));
    } else if (node->type == HL_NODE_MAP) {
        struct hl_value *list = hl_value_list(arena);

        hl_value_list_add(arena, list, hl_value_text(arena, "z"));
        value = hl_value_map(arena);
        hl_value_map_put(value, "aliases", list);
    } else {
        value = hl_decode_scalar_core(arena, node);
    }
    return value;
}

static const struct hl_scope scope = {.find = find};

/* Decodes "image: i" and the given lines as a container; the image is taken out again. */
static const char *decode_body(struct hl_arena *arena, const char *lines)
{
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags, .scope = &scope, .name = "c"};
    struct hl_value *value;
    const char *text = hl_arena_printf(arena, "image: i\n%s\n", lines);

    hl_diags_init(&diags, arena, "spec.yaml");
    value = hl_decode_object(&check, hl_reader_parse(arena, text, strlen(text), &diags), hl_test_container_fields, 0, true, "container 'c'");
    hl_map_remove(value->map, "image");
    hl_diags_sort(&diags);
    return hl_arena_printf(arena, "%s%s%s", hl_shown(arena, value), diags.count > 0 ? "\n" : "", hl_findings(&diags));
}

#define OF " of container 'c' must be "

static const struct {
    const char *lines;
    const char *expected;
} rows[] = {
    /* absent */
    {"", "{}"},
    {"restart:\nports:\nhealthcheck: null\n", "{}"},
    {"restart: ${var.null}", "{}"},
    /* text */
    {"template: a b", "{template:'a b'}"},
    {"template: 1.10", "{template:'1.10'}"},
    {"template: true", "{template:'true'}"},
    {"template: \"\"", "{template:''}"},
    {"template: yes", "{template:'yes'}"},
    {"template: ${var.int}", "{template:'5'}"},
    {"template: ${var.bool}", "{template:'true'}"},
    {"template: x${var.real}", "{template:'x1.5'}"},
    {"template: ${a.b.c}", "{template:?a.b.c}"},
    {"template: x${secret.k}", "{template:!'xk'}"},
    {"template: [x]", "{}\n2:11: error: 'template'" OF "text, found a list\n"},
    {"template: {}", "{}\n2:11: error: 'template'" OF "text, found a mapping\n"},
    {"template: ${var.list}", "{}\n2:11: error: 'template'" OF "text, found a list\n"},
    {"restart: always", "{restart:'always'}"},
    {"restart: no", "{restart:'no'}"},
    {"restart: alway", "{restart:'alway'}\n2:10: error: 'restart'" OF "no, always, on-failure or unless-stopped, found 'alway' (did you mean 'always'?)\n"},
    {"restart: ${var.word}", "{restart:'w'}\n2:10: error: 'restart'" OF "no, always, on-failure or unless-stopped, found 'w'\n"},
    {"restart: ${secret.hush}", "{restart:!'hush'}\n2:10: error: 'restart'" OF "no, always, on-failure or unless-stopped, found something else\n"},
    /* true and false */
    {"privileged: true", "{privileged:true}"},
    {"privileged: \"false\"", "{privileged:false}"},
    {"privileged: ${var.yes}", "{privileged:true}"},
    {"privileged: ${var.bool}", "{privileged:true}"},
    {"privileged: ${a.b.c}", "{privileged:?a.b.c}"},
    {"privileged: yes", "{}\n2:13: error: 'privileged'" OF "true or false, found 'yes' (write true)\n"},
    {"privileged: Off", "{}\n2:13: error: 'privileged'" OF "true or false, found 'Off' (write false)\n"},
    {"privileged: 1", "{}\n2:13: error: 'privileged'" OF "true or false, found '1'\n"},
    /* numbers */
    {"healthcheck: {retries: 3}", "{healthcheck:{retries:3}}"},
    {"healthcheck: {retries: \"3\"}", "{healthcheck:{retries:3}}"},
    {"healthcheck: {retries: \"${var.text}\"}", "{healthcheck:{retries:5}}"},
    {"healthcheck: {retries: 0}", "{healthcheck:{}}\n2:24: error: 'healthcheck.retries'" OF "between 1 and 100, found '0'\n"},
    {"healthcheck: {retries: 1.5}", "{healthcheck:{}}\n2:24: error: 'healthcheck.retries'" OF "a whole number, found '1.5'\n"},
    {"healthcheck: {retries: ten}", "{healthcheck:{}}\n2:24: error: 'healthcheck.retries'" OF "a whole number, found 'ten'\n"},
    {"healthcheck: {retries: 99999999999999999999}",
     "{healthcheck:{}}\n2:24: error: 'healthcheck.retries'" OF "a whole number, found '99999999999999999999'\n"},
    {"healthcheck: {retries: [1]}", "{healthcheck:{}}\n2:24: error: 'healthcheck.retries'" OF "a whole number, found a list\n"},
    {"cpus: 0.5", "{cpus:0.5}"},
    {"cpus: 2", "{cpus:2}"},
    {"cpus: 1e2", "{cpus:100}"},
    {"cpus: ${var.real}", "{cpus:1.5}"},
    {"cpus: 0x10", "{}\n2:7: error: 'cpus'" OF "a number, found '0x10'\n"},
    {"cpus: .inf", "{}\n2:7: error: 'cpus'" OF "a number, found '.inf'\n"},
    {"memory: 512m", "{memory:536870912}"},
    {"memory: 1024", "{memory:1024}"},
    {"memory: lots", "{}\n2:9: error: 'memory'" OF "a size like 512m or 2g, found 'lots'\n"},
    {"healthcheck: {interval: 1m30s}", "{healthcheck:{interval:90000}}"},
    {"healthcheck: {interval: 0}", "{healthcheck:{interval:0}}"},
    {"healthcheck: {interval: \"${var.time}\"}", "{healthcheck:{interval:300000}}"},
    {"healthcheck: {interval: 30}", "{healthcheck:{}}\n2:25: error: 'healthcheck.interval'" OF
                                    "a duration like 90s, 5m, 12h or 30d, found '30' (a duration has a unit: 30s, 30m, 30h or 30d)\n"},
    {"healthcheck: {interval: \"${var.int}\"}", "{healthcheck:{}}\n2:25: error: 'healthcheck.interval'" OF "a duration like 90s, 5m, 12h or 30d, found '5'\n"},
    /* lists */
    {"caps: [b, a, b]", "{caps:['a','b']}"},
    {"caps: []", "{caps:[]}"},
    {"caps: a", "{}\n2:7: error: 'caps'" OF "a list, found 'a' (write [...] or an item a line, each with '- ' before it)\n"},
    {"caps: [a, ]", "{caps:['a']}"},
    {"caps: [a, null, [b]]", "{caps:['a']}\n2:11: error: 'caps.1' of container 'c' is empty\n2:17: error: 'caps.2'" OF "text, found a list\n"},
    {"caps: ${var.list}", "{caps:['${x}','a']}"},
    {"caps: [x, \"${a.b.c}\"]", "{caps:['x',?a.b.c]}"},
    {"caps: ${a.b.c}", "{caps:?a.b.c}"},
    {"dns: 1.1.1.1", "{dns:['1.1.1.1']}"},
    {"dns: [1.1.1.1, 8.8.8.8]", "{dns:['1.1.1.1','8.8.8.8']}"},
    {"mounts: {target: /x}", "{mounts:[{target:'/x'}]}"},
    {"mounts: [{target: /x}, {source: y}]",
     "{mounts:[{target:'/x'},{source:'y'}]}\n2:24: error: 'mounts.1' of container 'c' needs 'target' (target: where to)\n"},
    /* command lines */
    {"command: [a, b c]", "{command:['a','b c']}"},
    {"command: a 'b c' \"d\"", "{command:['a','b c','d']}"},
    {"command: a '${var.line}' ${secret.k}", "{command:['a','a 'b c'',!'k']}"},
    {"command: ${var.line}", "{command:['a','b c']}"},
    {"command: a ${var.ref} ${a.b.c}", "{command:['a','${x}',?a.b.c]}"},
    {"command: a 'b", "{}\n2:10: error: 'command' of container 'c': a single quote is not closed\n"},
    {"command: {a: b}", "{}\n2:10: error: 'command'" OF "a list or a command line, found a mapping\n"},
    /* mappings */
    {"environment: {A: 1, B: , C: \"\", D: \"${var.null}\"}", "{environment:{A:'1',B:null,C:''}}"},
    {"environment: [A=1, B, C=, D=x=y, \"E=${secret.k}\", \"F=${a.b.c}\"]", "{environment:{A:'1',B:null,C:'',D:'x=y',E:!'k',F:?a.b.c}}"},
    {"environment: [\"${var.word}=1\", \"${var.pair}\"]", "{environment:{w:'1',K=v:null}}"},
    {"environment: [A=1, A=2]", "{environment:{A:'1'}}\n2:20: error: 'A' is in the list twice: first on line 2\n"},
    {"environment: [=1]", "{environment:{}}\n2:15: error: 'environment.0'" OF "KEY=value: the name is missing\n"},
    {"environment: [[A]]", "{environment:{}}\n2:15: error: 'environment.0'" OF "text, found a list\n"},
    {"environment: A=1", "{}\n2:14: error: 'environment'" OF "a mapping or a list, found 'A=1'\n"},
    {"environment: {A: [1]}", "{environment:{}}\n2:18: error: 'environment.A'" OF "text, found a list\n"},
    {"environment: {\"x${var.word}\": 1}", "{environment:{xw:'1'}}"},
    {"environment: {\"${a.b.c}\": 1}",
     "{environment:{}}\n2:15: error: a key of 'environment' of container 'c' cannot come from 'a.b.c', which is not known before it is applied\n"},
    {"networks: [a, b]", "{networks:{a:{},b:{}}}"},
    {"networks: {a: , b: {aliases: [x]}}", "{networks:{a:{},b:{aliases:['x']}}}"},
    {"networks: {a: \"${var.map}\"}", "{networks:{a:{aliases:['z']}}}"},
    {"networks: [a, a]", "{networks:{a:{}}}\n2:15: error: 'a' is in the list twice\n"},
    {"networks: {a: x}", "{networks:{}}\n2:15: error: 'networks.a'" OF "a mapping, found 'x'\n"},
    {"weights: {a: 1, b: x}", "{weights:{a:1}}\n2:20: error: 'weights.b'" OF "a whole number, found 'x'\n"},
    {"weights: [a=1]", "{}\n2:10: error: 'weights'" OF "a mapping, found a list\n"},
    {"depends_on: {x: {condition: healthy}}",
     "{depends_on:{x:{condition:'healthy'}}}\n2:29: error: 'depends_on.x.condition'" OF "service_started or service_healthy, found 'healthy'\n"},
    /* objects */
    {"healthcheck: true", "{healthcheck:{}}"},
    {"healthcheck: false", "{}"},
    {"healthcheck: ${var.yes}", "{healthcheck:{}}"},
    {"healthcheck: \"true\"", "{}\n2:14: error: 'healthcheck'" OF "a mapping, true or false, found 'true'\n"},
    {"healthcheck: [x]", "{}\n2:14: error: 'healthcheck'" OF "a mapping, true or false, found a list\n"},
    {"healthcheck: {test: a b, intervall: 5s}",
     "{healthcheck:{test:['a','b']}}\n2:26: error: unknown key 'intervall' in 'healthcheck' of container 'c' (did you mean 'interval'?)\n"},
    {"healthcheck: {x: 1}", "{healthcheck:{}}\n2:15: error: unknown key 'x' in 'healthcheck' of container 'c' (its keys are test, interval, retries)\n"},
    /* short forms */
    {"ports: [80, \"81:82\"]", "{ports:[{target:80},{target:82,published:'81'}]}"},
    {"ports: [\"1-3\", {target: 9}]", "{ports:[{target:1},{target:2},{target:3},{target:9}]}"},
    {"ports: [\"${var.port}\", \"${a.b.c}\"]", "{ports:[{target:90,published:'80'},?a.b.c]}"},
    {"ports: [x]", "{ports:[]}\n2:9: error: 'ports.0' of container 'c': a port is [PUBLISHED:]TARGET\n"},
    {"ports: [80, \"8:80\"]",
     "{ports:[{target:80},{target:80,published:'8'}]}\n2:13: error: 'ports' of container 'c': target '80' is in the list twice, first on line 2\n"},
    {"ports: [{target: 70000}]", "{ports:[{}]}\n2:18: error: 'ports.0.target'" OF "between 1 and 65535, found '70000'\n"},
    {"ports: 80", "{}\n2:8: error: 'ports'" OF "a list, found '80' (write [...] or an item a line, each with '- ' before it)\n"},
    /* anything */
    {"extra: 1.10", "{extra:1.1}"},
    {"extra: [1, \"1\", true, null, x, {a: \"${var.int}\"}, \"${a.b.c}\"]", "{extra:[1,'1',true,null,'x',{a:5},?a.b.c]}"},
    {"extra: 0644", "{extra:'0644'}"},
    {"extra: ${var.list}", "{extra:['a','${x}']}"},
    /* secrets */
    {"password: hush", "{password:!'hush'}"},
    {"pin: 12", "{pin:!12}"},
    {"pin: hush", "{}\n2:6: error: 'pin'" OF "a whole number, found something else\n"},
    {"password: [hush]", "{}\n2:11: error: 'password'" OF "text, found a list\n"},
    {"pin: ${a.b.c}", "{pin:!?a.b.c}"},
    /* keys */
    {"imaeg: x", "{}\n2:1: error: unknown key 'imaeg' in container 'c' (did you mean 'image'?)\n"},
    {"need: x", "{}\n2:1: error: unknown key 'need' in container 'c' (did you mean 'needs'?)\n"},
    {"state: x", "{}\n2:1: error: unknown key 'state' in container 'c'\n"},
    {"id: x", "{}\n2:1: error: 'id' of container 'c' cannot be set: it is known only when that exists\n"},
    {"when: x\nprotect: maybe", "{}"},
};

static void bodies_become_values_or_findings(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();

        hl_expect_text(rows[i].lines, rows[i].expected, decode_body(arena, rows[i].lines));
    }
    hl_expect_end();
}

static void an_absent_body_lacks_what_is_required(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags, .scope = &scope};

    hl_diags_init(&diags, arena, "spec.yaml");
    assert_string_equal(hl_shown(arena, hl_decode_object(&check, NULL, hl_test_container_fields, 0, true, "container 'c'")), "{}");
    assert_string_equal(hl_findings(&diags), "0:0: error: container 'c' needs 'image' (image: what runs)\n");
}

static void keys_without_regard_to_case(void **state HL_UNUSED)
{
    static const char text[] = "{RESTART: no, Caps: [A]}";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags, .scope = &scope};
    const struct hl_node *node;

    hl_diags_init(&diags, arena, "spec.yaml");
    node = hl_reader_parse(arena, text, strlen(text), &diags);
    assert_string_equal(hl_shown(arena, hl_decode_object(&check, node, hl_test_container_fields + 1, HL_FORM_NOCASE, true, "x")), "{restart:'no',caps:['A']}");
    assert_int_equal(diags.count, 0);
}

static void places_are_kept(void **state HL_UNUSED)
{
    static const char text[] = "ports:\n  - 80\n  - {target: 81}\nmemory: 1k\n";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    struct hl_check check = {.arena = arena, .diags = &diags, .scope = &scope};
    const struct hl_value *value;

    hl_diags_init(&diags, arena, "spec.yaml");
    value = hl_decode_object(&check, hl_reader_parse(arena, text, strlen(text), &diags), hl_test_container_fields + 1, 0, true, "x");
    assert_int_equal(hl_value_find_path(value, "ports.0.target")->at.line, 2);
    assert_int_equal(hl_value_find_path(value, "ports.1.target")->at.line, 3);
    assert_int_equal(hl_value_get(value, "memory")->at.line, 4);
    assert_int_equal(hl_value_get(value, "memory")->at.column, 9);
}

int hl_test_decode(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_become_values_or_findings),
        cmocka_unit_test(an_absent_body_lacks_what_is_required),
        cmocka_unit_test(keys_without_regard_to_case),
        cmocka_unit_test(places_are_kept),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
