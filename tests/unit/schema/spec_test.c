#include "config.h"

#include "schema/schema.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <string.h>

/* The text behind HEAD, and the findings. */
struct row {
    const char *label;
    const char *text;
    const char *findings;
};

static void check_rows(const struct row *rows, size_t count)
{
    hl_auto(world) struct world world = {.arena = NULL};

    for (size_t i = 0; i < count; i++) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);

        hl_text_printf(&text, HEAD "%s", rows[i].text);
        hl_world_load(&world, hl_text_get(&text));
        hl_expect_text(rows[i].label, rows[i].findings, hl_findings(&world.diags));
    }
    hl_expect_end();
}

static const struct row tops[] = {
    {"nothing else", "", ""},
    {"keys for anchors", "x-defaults: &d {restart: always}\ncontainers: {a: {<<: *d, image: i}}\n", ""},
    {"empty sections", "containers:\nvariables:\nproviders: ~\noutputs:\nmoved:\nremoved:\nsettings:\n", ""},
    {"an unknown key", "contaners: {}\n", "3:1: error: unknown key 'contaners' in the spec (did you mean 'containers'?)\n"},
    {"a kind for its section", "router: {}\n", "3:1: error: unknown key 'router' in the spec (did you mean 'routers'?)\n"},
    {"compose's key", "services: {}\n", "3:1: error: unknown key 'services' in the spec\n"},
    {"a section that is a list", "containers: [a]\n", "3:13: error: 'containers' must be a mapping of names to bodies, found a list\n"},
    {"variables that are a list", "variables: [a]\n", "3:12: error: 'variables' must be a mapping of names to values, found a list\n"},
    {"outputs that are text", "outputs: a\n", "3:10: error: 'outputs' must be a mapping of names to values, found text\n"},
    {"a body that is a list", "containers: {a: [x]}\n", "3:17: error: container 'a' must be a mapping, found a list\n"},
    {"a body that is text", "networks: {a: x}\n", "3:15: error: network 'a' must be a mapping, found 'x'\n"},
    {"an empty body", "networks: {a: }\ncontainers: {b: }\n", "4:14: error: container 'b' needs 'image' (image: what runs)\n"},
    {"the section twice", "networks: {a: }\nnetworks: {b: }\n", "4:1: error: key 'networks' is written twice: first on line 3\n"},
    {"a resource twice", "networks:\n  a: {}\n  a: {}\n", "5:3: error: key 'a' is written twice: first on line 4\n"},
    {"all mistakes at once", "networks: {A: {subnt: x}}\ncontainers: {b: {image: [x], restart: x}}\nx: y\n",
     "3:12: error: 'A' is no name for a network: a-z, 0-9, '_', '.' and '-'\n"
     "3:16: error: unknown key 'subnt' in network 'A' (did you mean 'subnet'?)\n"
     "4:25: error: 'image' of container 'b' must be text, found a list\n"
     "4:39: error: 'restart' of container 'b' must be no, always, on-failure or unless-stopped, found 'x'\n"
     "5:1: error: unknown key 'x' in the spec\n"},
};

static void the_top_level(void **state HL_UNUSED)
{
    check_rows(tops, HL_COUNT(tops));
}

static const struct row resources[] = {
    {"names of containers", "containers: {a.b-c_1: {image: i}, 0a: {image: i}}\n", ""},
    {"upper case", "networks: {Net: }\n", "3:12: error: 'Net' is no name for a network: a-z, 0-9, '_', '.' and '-'\n"},
    {"a mark first", "networks: {_n: }\n", "3:12: error: '_n' is no name for a network: it begins with a letter or a digit\n"},
    {"an empty name", "networks: {\"\": }\n", "3:12: error: '' is no name for a network: it is empty\n"},
    {"free names", "secrets: {DB_PASS: {env: X}, a-b: {env: X}}\n", ""},
    {"a free name with a blank", "secrets: {\"A B\": {env: X}}\n", "3:11: error: 'A B' is no name for a secret: without blanks, quotes, braces and '$'\n"},
    {"checks across fields", "secrets: {A: {env: X, value: y}}\n", "3:14: error: secret 'A' must have one source, has 2\n"},
    {"a check does not know what is secret", "variables: {v: {default: \"hush:latest\", sensitive: true}}\ncontainers: {a: {image: \"${var.v}\"}}\n",
     "4:25: warning: image '(sensitive)' has no fixed version\n"},
    {"warnings do not stop", "containers: {a: {image: \"x:latest\"}}\n", "3:25: warning: image 'x:latest' has no fixed version\n"},
    {"what is broken is not checked again", "secrets: {A: {genrate: {}}}\n", "3:15: error: unknown key 'genrate' in secret 'A' (did you mean 'generate'?)\n"},
    {"a field that only the system sets", "networks: {a: {id: x}}\n", "3:16: error: 'id' of network 'a' cannot be set: it is known only when that exists\n"},
    {"keys in any case", "providers: {cloud: {url: u}}\nrouters: {a: {RULE: r, entrypoints: web, TLS: {CERTRESOLVER: le}}}\n", ""},
    {"a key twice in another case", "providers: {cloud: {url: u}}\nrouters: {a: {Rule: r, rule: s}}\n",
     "4:24: error: key 'rule' is written twice: first on line 4\n"},
    {"a file that is not there", "containers: {a: {image: i, template: none.txt}}\n", "3:38: error: 'none.txt': no such file\n"},
    {"a reference in a template", "secrets: {KEY: {env: X}}\ncontainers: {a: {image: i, template: template.conf}}\n", ""},
    {"a wrong reference in a template", "containers: {a: {image: i, template: broken.conf}}\n",
     "broken.conf:2:7: error: '${secret.NONE}': there is no secret 'NONE'\n"},
};

static void resources_of_all_kinds(void **state HL_UNUSED)
{
    check_rows(resources, HL_COUNT(resources));
}

static const struct row commons[] = {
    {"all of them",
     "containers: {a: {image: i, provider: box, when: true, needs: network.n, protect: true, ignore: [image, extra.a.b], adopt: abc, replace: create-first, "
     "timeout: 5m, description: d}}\nnetworks: {n: }\n",
     ""},
    {"protect", "networks: {n: {protect: yes}}\n", "3:25: error: 'protect' of network 'n' must be true or false, found 'yes' (write true)\n"},
    {"replace", "networks: {n: {replace: create_first}}\n",
     "3:25: error: 'replace' of network 'n' must be create-first or delete-first, found 'create_first' (did you mean 'create-first'?)\n"},
    {"timeout", "networks: {n: {timeout: 5}}\n",
     "3:25: error: 'timeout' of network 'n' must be a duration like 90s, 5m, 12h or 30d, found '5' (a duration has a unit: 5s, 5m, 5h or 5d)\n"},
    {"ignore", "containers: {a: {image: i, ignore: [imag.x, state]}}\n",
     "3:37: error: 'ignore' of container 'a': there is no field 'imag' (did you mean 'image'?)\n3:45: error: 'ignore' of container 'a': there is no field "
     "'state'\n"},
    {"adopt", "networks: {n: {adopt: [x]}}\n", "3:23: error: 'adopt' of network 'n' must be true or the ID of a live object, found a list\n"},
    {"needs an address", "networks: {n: {needs: [x, container.a, contaner.a, containers.a]}}\ncontainers: {b: {image: i}}\n",
     "3:24: error: 'x' is no address (an address is kind.name, like container.web)\n"
     "3:27: error: there is no container 'a'\n"
     "3:40: error: 'contaner.a': there is no kind 'contaner' (did you mean 'container'?)\n"
     "3:52: error: 'containers.a': there is no kind 'containers' (an address begins with the kind in the singular: did you mean 'container'?)\n"},
    {"needs a name nearly right", "networks: {web-net: , n: {needs: network.web-ent}}\n",
     "3:34: error: there is no network 'web-ent' (did you mean 'web-net'?)\n"},
    {"variables", "variables: {p: true, t: 5m, n: network.n}\nnetworks: {n: , m: {protect: \"${var.p}\", timeout: \"${var.t}\", needs: [\"${var.n}\"]}}\n", ""},
    {"no resources", "networks: {n: , m: {protect: \"${network.n.internal}\"}}\n",
     "3:30: error: '${network.n.internal}' cannot be used in network 'm' (only ${var.NAME} and ${env.NAME} can)\n"},
    {"when is a fixed text", "secrets: {A: {env: X}}\nnetworks: {n: {when: secret.A}, m: {when: a.b}}\n",
     "4:22: error: 'when' of network.n is the text 'secret.A', which always holds (write ${secret.A})\n"},
    {"when refers to what is not there", "networks: {n: {when: \"${secret.A}\"}}\n", "3:22: error: '${secret.A}': there is no secret 'A'\n"},
    {"the kind's own field of that name", "providers: {cloud: {url: u}}\ngroups: {g: {description: 1}}\n", ""},
};

static void fields_that_every_resource_takes(void **state HL_UNUSED)
{
    check_rows(commons, HL_COUNT(commons));
}

static const struct row references[] = {
    {"all kinds",
     "variables: {v: x}\nsecrets: {S: {value: \"${var.v}${env.HOME}${env.NO:-d}\"}}\nnetworks: {n: {subnet: \"${secret.S} ${secret.S.value}\"}}\n"
     "containers: {a: {image: \"${network.n.id}\", extra: \"${container.b.address.net.x}\"}, b: {image: i}}\n",
     ""},
    {"an unknown kind", "networks: {n: {subnet: \"${contaner.a.id}\"}}\n",
     "3:24: error: '${contaner.a.id}': there is no kind 'contaner' (did you mean 'container'?)\n"},
    {"a section", "networks: {n: {subnet: \"${secrets.A}\"}}\n",
     "3:24: error: '${secrets.A}': there is no kind 'secrets' (an address begins with the kind in the singular: did you mean 'secret'?)\n"},
    {"the long name", "networks: {n: {subnet: \"${vars.A}\"}}\n", "3:24: error: '${vars.A}': there is no kind 'vars' (did you mean 'var'?)\n"},
    {"an unknown resource", "secrets: {TOKEN: {env: X}}\nnetworks: {n: {subnet: \"${secret.TOKNE}\"}}\n",
     "4:24: error: '${secret.TOKNE}': there is no secret 'TOKNE' (did you mean 'TOKEN'?)\n"},
    {"an unknown variable", "variables: {domain: x}\nnetworks: {n: {subnet: \"${var.domian}\"}}\n",
     "4:24: error: there is no variable 'domian' (did you mean 'domain'?)\n"},
    {"an unknown output", "networks: {m: , n: {subnet: \"${network.m.subnt}\"}}\n",
     "3:29: error: 'subnt' is no output of network.m (did you mean 'subnet'?)\n"},
    {"no output", "networks: {m: , n: {subnet: \"${network.m}\"}}\n",
     "3:29: error: '${network.m}' does not say which output (write ${network.m.OUTPUT}; `hlrec explain network` lists them)\n"},
    {"no such environment", "networks: {n: {subnet: \"${env.NOPE}\"}}\n",
     "3:24: error: 'NOPE' is not set in the environment (set it, or give a fallback: ${env.NOPE:-...})\n"},
    {"an empty environment", "networks: {n: {subnet: \"${env.EMPTY}\", internal: \"${env.EMPTY:-true}\"}}\n", ""},
    {"compose's references", "networks: {n: {subnet: \"${SUBNET}\"}}\n",
     "3:24: error: '${SUBNET}' is no reference (write ${env.SUBNET} for the environment, ${var.SUBNET} for a variable, or $${SUBNET} for the text itself)\n"},
    {"a name with dots", "networks: {a.b: , n: {subnet: \"${network.a.b.id}\"}}\n", ""},
    {"the name that has the output", "networks: {a: , a.b: , n: {subnet: \"${network.a.b.id} ${network.a.id}\"}}\n", ""},
    {"no name has the output", "networks: {a: , a.b: , n: {subnet: \"${network.a.b.x}\"}}\n",
     "3:36: error: 'b.x' is no output of network.a (`hlrec explain network` lists what there is)\n"},
    {"a part of a variable", "variables: {v: {default: {a: {b: 1}}}}\nnetworks: {n: {subnet: \"${var.v.a.b}\"}, m: {subnet: \"${var.v.c}\"}}\n",
     "4:53: error: variable 'v' has no 'c'\n"},
};

static void references_lead_somewhere(void **state HL_UNUSED)
{
    check_rows(references, HL_COUNT(references));
}

static const struct row extras[] = {
    {"outputs", "networks: {n: }\noutputs: {a: {value: \"${network.n.id}\", sensitive: true, description: d}, b: \"${network.n.id}\", c: 1}\n", ""},
    {"an output without a value", "outputs: {a: {sensitive: true}}\n", "3:11: error: output 'a' needs 'value' (value: what `hlrec output` prints)\n"},
    {"an unknown key of an output", "outputs: {a: {value: 1, secret: true}}\n",
     "3:25: error: unknown key 'secret' in output 'a' (its keys are value, sensitive, description)\n"},
    {"an output of nothing", "outputs: {a: \"${network.n.id}\"}\n", "3:14: error: '${network.n.id}': there is no network 'n'\n"},
    {"moved", "networks: {n: }\nmoved: [{from: network.m, to: network.n}]\n", ""},
    {"moved to nowhere", "networks: {net: }\nmoved: [{from: network.m, to: network.nte}]\n", "4:31: error: there is no network 'nte' (did you mean 'net'?)\n"},
    {"moved and still there", "networks: {n: , m: }\nmoved: [{from: network.m, to: network.n}]\n",
     "4:16: error: network.m is still in the spec (line 3), so it cannot have moved\n"},
    {"moved to another kind", "networks: {n: }\nmoved: [{from: container.m, to: network.n}]\n", "4:33: error: a container cannot become a network\n"},
    {"moved without an address", "networks: {n: }\nmoved: [{from: m, to: network.n}, {to: network.n}]\n",
     "4:16: error: 'm' is no address (an address is kind.name, like container.web)\n4:35: error: 'moved.1' needs 'from' (from: the address that the state "
     "knows)\n"},
    {"moved twice", "networks: {n: , o: }\nmoved: [{from: network.m, to: network.n}, {from: network.m, to: network.o}]\n",
     "4:50: error: network.m is moved or removed twice: first on line 4\n"},
    {"removed", "removed: [{address: network.n, destroy: false}, network.m]\n", ""},
    {"removed and still there", "networks: {n: }\nremoved: [network.n]\n", "4:11: error: network.n is still in the spec (line 3), so it is not removed\n"},
    {"removed and moved", "networks: {n: }\nmoved: [{from: network.m, to: network.n}]\nremoved: [network.m]\n",
     "5:11: error: network.m is moved or removed twice: first on line 4\n"},
    {"removed of no kind", "removed: [netwerk.n]\n", "3:11: error: 'netwerk.n': there is no kind 'netwerk' (did you mean 'network'?)\n"},
    {"settings", "settings: {max_destroy: 30%, timeout: 5m, parallel: 3, window: [\"Mon-Fri 22:00-06:00\"], history: 9}\n", ""},
    {"unknown settings", "settings: {paralel: 3}\n", "3:12: error: unknown key 'paralel' in 'settings' (did you mean 'parallel'?)\n"},
    {"max_destroy", "settings: {max_destroy: many}\n", "3:25: error: 'max_destroy' must be a number like 5 or a share like 30%, found 'many'\n"},
    {"max_destroy above all", "settings: {max_destroy: 101%}\n", "3:25: error: 'max_destroy' must be a number like 5 or a share like 30%, found '101%'\n"},
    {"parallel", "settings: {parallel: 0}\n", "3:22: error: 'settings.parallel' must be between 1 and 1000, found '0'\n"},
};

static void what_is_no_resource(void **state HL_UNUSED)
{
    check_rows(extras, HL_COUNT(extras));
}

/* Whole files, since HEAD is what they are about. */
static const struct row heads[] = {
    {"an empty file", "", "0:0: error: the spec is empty (`hlrec init` writes one to start from)\n"},
    {"only comments", "# nothing\n", "0:0: error: the spec is empty (`hlrec init` writes one to start from)\n"},
    {"a list", "- a\n", "1:1: error: a spec is a mapping of keys to values, found a list\n"},
    {"text", "hello\n", "1:1: error: a spec is a mapping of keys to values, found text\n"},
    {"no format", "stack: s\n", "1:1: error: 'hlrec' is missing: the format of the spec (begin the file with 'hlrec: 1')\n"},
    {"another format", "hlrec: 2\nstack: s\n", "1:8: error: this hlrec reads specs of format 1 only, found '2' (write 'hlrec: 1')\n"},
    {"an empty format", "hlrec:\nstack: s\n", "1:7: error: this hlrec reads specs of format 1 only, found nothing (write 'hlrec: 1')\n"},
    {"no stack", "hlrec: 1\n", "1:1: error: 'stack' is missing: the name under which hlrec owns things (add 'stack: NAME', like 'stack: homelab')\n"},
    {"a bad stack", "hlrec: 1\nstack: My Stack\n", "2:8: error: 'My Stack' is no name for a stack (a letter, then up to 39 of a-z, 0-9 and '-')\n"},
    {"a long stack", "hlrec: 1\nstack: a123456789012345678901234567890123456789x\n",
     "2:8: error: 'a123456789012345678901234567890123456789x' is no name for a stack (a letter, then up to 39 of a-z, 0-9 and '-')\n"},
    {"the longest stack", "hlrec: 1\nstack: a123456789012345678901234567890123456789\n", ""},
    {"a list as the stack", "hlrec: 1\nstack: [x]\n", "2:8: error: 'stack' must be text, found a list\n"},
};

static void how_a_spec_begins(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};

    for (size_t i = 0; i < HL_COUNT(heads); i++) {
        hl_world_load(&world, heads[i].text);
        hl_expect_text(heads[i].label, heads[i].findings, hl_findings(&world.diags));
    }
    hl_expect_end();
}

static void what_is_loaded_can_be_read(void **state HL_UNUSED)
{
    hl_auto(world) struct world world = {.arena = NULL};
    const struct hl_resource *resource;

    hl_world_load(&world,
                  HEAD "networks: {n: }\n"
                       "containers:\n  a:\n    image: i\n    protect: false\n    adopt: abc\n    replace: delete-first\n    timeout: 1m\n"
                       "    description: words\n    ignore: [image, extra.x]\n    when: \"${network.n.id}\"\n"
                       "outputs: {o: {value: 5, sensitive: true}}\nmoved: [{from: network.m, to: network.n}]\nremoved: [{address: network.k, destroy: false}]\n"
                       "settings: {max_destroy: 30%, timeout: 5m}\n");
    assert_non_null(world.spec);
    assert_string_equal(world.spec->stack, "test");
    resource = hl_spec_find(world.spec, "container.a");
    assert_string_equal(resource->address, "container.a");
    assert_string_equal(resource->name, "a");
    assert_int_equal(resource->at.line, 5);
    assert_string_equal(resource->provider->name, "box");
    assert_int_equal(resource->protect, HL_FALSE);
    assert_true(resource->adopt);
    assert_string_equal(resource->adopt_id, "abc");
    assert_int_equal(resource->replace, HL_REPLACE_DELETE_FIRST);
    assert_int_equal(resource->timeout_ms, 60000);
    assert_string_equal(resource->description, "words");
    assert_string_equal(resource->ignore[0], "image");
    assert_string_equal(resource->ignore[1], "extra.x");
    assert_null(resource->ignore[2]);
    assert_non_null(resource->when);
    assert_string_equal(hl_shown(world.arena, resource->value), "{image:'i',state:'running'}");
    assert_int_equal(hl_spec_find(world.spec, "network.n")->protect, HL_UNSET);
    assert_null(hl_spec_find(world.spec, "network.x"));
    assert_true(world.spec->outputs[0].sensitive);
    assert_string_equal(world.spec->moved[0].from, "network.m");
    assert_false(world.spec->removed[0].destroy);
    assert_int_equal(world.spec->settings.max_destroy, -1);
    assert_true(world.spec->settings.max_destroy_share > 0.29 && world.spec->settings.max_destroy_share < 0.31);
    assert_int_equal(world.spec->settings.timeout_ms, 300000);
    assert_int_equal(world.spec->settings.parallel, 10);
}

static void no_finding_shows_a_secret(void **state HL_UNUSED)
{
    static const char text[] = HEAD "providers:\n  cloud: {url: u, tokn: hunter2, retries: x}\nsecrets:\n  A: {value: hunter2, optional: maybe}\n"
                                    "containers:\n  a: {image: i, pin: hunter2, dns: {}}\n  b: {password: [hunter2]}\nvariables:\n"
                                    "  v: {default: hunter2, sensitive: maybe}\n";
    hl_auto(world) struct world world = {.arena = NULL};
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);

    hl_world_load(&world, text);
    assert_true(world.diags.errors >= 7);
    hl_diags_format(&out, &world.diags, "spec.yaml", text);
    assert_null(strstr(hl_findings(&world.diags), "hunter2"));
    for (size_t i = 0; i < world.diags.count; i++) {
        hl_text_reset(&out);
        hl_diag_format(&out, &world.diags.items[i], text);
        if (world.diags.items[i].at.line != 11) /* where `sensitive` itself is wrong, nothing says so */
            assert_null(strstr(hl_text_get(&out), "hunter2"));
    }
}

int hl_test_spec(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_a_spec_begins),          cmocka_unit_test(the_top_level),
        cmocka_unit_test(resources_of_all_kinds),     cmocka_unit_test(fields_that_every_resource_takes),
        cmocka_unit_test(references_lead_somewhere),  cmocka_unit_test(what_is_no_resource),
        cmocka_unit_test(what_is_loaded_can_be_read), cmocka_unit_test(no_finding_shows_a_secret),
    };

    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
