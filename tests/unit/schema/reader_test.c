#include "config.h"

#include "schema/reader.h"
#include "tests/unit/schema/tests.h"

#include "tests/unit/schema/world.h"

#include <stdio.h>
#include <string.h>

/* {k:v}, [a,b]; quoted scalars in quotes. */
static void dump(struct hl_text *out, const struct hl_node *node)
{
    switch (node->type) {
    case HL_NODE_SCALAR:
        hl_text_printf(out, node->plain ? "%s" : "'%s'", node->scalar.data);
        break;
    case HL_NODE_LIST:
        for (size_t i = 0; i < node->list.count; i++) {
            hl_text_putc(out, i == 0 ? '[' : ',');
            dump(out, node->list.items[i]);
        }
        hl_text_puts(out, node->list.count == 0 ? "[]" : "]");
        break;
    case HL_NODE_MAP:
        for (size_t i = 0; i < node->map.count; i++) {
            hl_text_printf(out, "%c%s:", i == 0 ? '{' : ',', node->map.entries[i].key);
            dump(out, node->map.entries[i].value);
        }
        hl_text_puts(out, node->map.count == 0 ? "{}" : "}");
        break;
    case HL_NODE_VALUE:
        fail_msg("the reader gives no values");
    }
}

/* The tree, then the findings. */
static const char *read_text(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(1 << 20);
    struct hl_diags diags;
    const struct hl_node *root;

    hl_diags_init(&diags, arena, "spec.yaml");
    root = hl_reader_parse(arena, text, length, &diags);
    if (root != NULL)
        dump(&out, root);
    hl_diags_sort(&diags);
    if (diags.count > 0)
        hl_text_printf(&out, "%s%s", root == NULL ? "" : "\n", hl_findings(&diags));
    return hl_arena_strdup(arena, hl_text_get(&out));
}

static const struct {
    const char *label;
    const char *text;
    const char *expected;
} rows[] = {
    {"nothing", "", "{}"},
    {"only a comment", "# x\n", "{}"},
    {"an empty document", "---\n", "{}"},
    {"a scalar", "x", "x"},
    {"a mapping", "b: 1\na: 'x'\n", "{b:1,a:'x'}"},
    {"lists and mappings", "a:\n  - x: 1\n  - [y, {z: \"\"}]\n", "{a:[{x:1},[y,{z:''}]]}"},
    {"empty values", "a:\nb: ~\n", "{a:,b:~}"},
    {"block scalars are texts", "a: |\n  true\n", "{a:'true\n'}"},
    {"an alias", "a: &x {b: 1}\nc: *x\n", "{a:{b:1},c:{b:1}}"},
    {"an alias of a scalar", "a: &x 1\nc: [*x, *x]\n", "{a:1,c:[1,1]}"},
    {"an anchor given twice", "a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}"},
    {"an alias as a key", "a: &x k\n*x : 1\n", "{a:k,k:1}"},
    {"a merge", "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "{a:{p:1,q:2},b:{q:3,p:1}}"},
    {"a merge of several: the first wins", "a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y], s: 4}\n", "{a:{p:1},b:{p:2,r:3},c:{s:4,p:1,r:3}}"},
    {"a merge of a merged mapping", "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n", "{a:{p:1},b:{q:2,p:1},c:{q:2,p:1}}"},
    {"a quoted << is a key", "a: {\"<<\": 1}\n", "{a:{<<:1}}"},
    {"tags of the core", "a: !!str 1\nb: !!int 2\nc: ! 3\n", "{a:'1',b:2,c:'3'}"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a: 1\n",
     "{a:1}"},
    {"Windows line ends", "a: 1\r\nb: 2\r\n", "{a:1,b:2}"},
    {"the directive", "%YAML 1.2\n---\na: 1\n", "{a:1}"},
    {"a key twice", "a: 1\nb: 2\na: 3\n", "{a:1,b:2}\n3:1: error: key 'a' is written twice: first on line 1\n"},
    {"a key three times", "a: 1\na: 2\na: 3\n",
     "{a:1}\n2:1: error: key 'a' is written twice: first on line 1\n3:1: error: key 'a' is written twice: first on line 1\n"},
    {"a key twice, quoted", "a: 1\n\"a\": 3\n", "{a:1}\n2:1: error: key 'a' is written twice: first on line 1\n"},
    {"a key twice, deep down", "x:\n  - {a: 1, a: 2}\n", "{x:[{a:1}]}\n2:12: error: key 'a' is written twice: first on line 2\n"},
    {"two merges", "a: &x {p: 1}\nb: {<<: *x, <<: *x}\n",
     "{a:{p:1},b:{p:1}}\n2:13: error: key '<<' is written twice: first on line 2 (merge several with one key: '<<: [*one, *other]')\n"},
    {"a merge of a text", "a: {<<: x}\n", "{a:{}}\n1:5: error: '<<' merges mappings, found text (write '<<: *anchor' or '<<: [*one, *other]')\n"},
    {"a merge of a list of texts", "a: {<<: [x]}\n", "{a:{}}\n1:5: error: '<<' merges mappings, found text (write '<<: *anchor' or '<<: [*one, *other]')\n"},
    {"no such anchor", "abc: &anchor 1\nb: *anchro\n", "2:4: error: there is no anchor '&anchro' before this '*anchro' (did you mean 'anchor'?)\n"},
    {"a wildcard", "a: *.example.org\n",
     "1:4: error: not valid YAML: did not find expected alphabetic or numeric character, while scanning an alias (a text that begins with '*' needs "
     "quotes: \"*.example.org\")\n"},
    {"an alias within its anchor", "a: &x [1, *x]\n", "1:11: error: '*x' stands within the anchor '&x' itself (line 1)\n"},
    {"a merge within its anchor", "a: &x {<<: *x}\n", "1:12: error: '*x' stands within the anchor '&x' itself (line 1)\n"},
    {"two documents", "a: 1\n---\nb: 2\n", "2:1: error: a second YAML document begins here: a file holds one\n"},
    {"a mapping as a key", "? {a: 1}\n: 2\n", "1:3: error: a key must be text, found a list or a mapping\n"},
    {"braces of a template", "a: {{ x }}\n",
     "1:5: error: a key must be text, found a list or a mapping (a text that begins with '{' needs quotes: \"{{ ... }}\")\n"},
    {"a key is missing", "?\n: 2\n", "1:2: error: a key is missing before ':'\n"},
    {"a NUL in a key", "\"a\\0b\": 1\n", "1:1: error: a key cannot hold a NUL character\n"},
    {"a tab", "a:\n\tb: 1\n",
     "2:1: error: not valid YAML: found character that cannot start any token (YAML is indented with blanks: replace "
     "the tab)\n"},
    {"an at sign", "a: @x\n",
     "1:4: error: not valid YAML: found character that cannot start any token (a text that begins with '@', '%' or '`' "
     "needs quotes)\n"},
    {"a percent sign", "a: %x\n",
     "1:4: error: not valid YAML: found character that cannot start any token (a text that begins with '@', '%' or '`' "
     "needs quotes)\n"},
    {"a colon in a text", "a: b: c\n",
     "1:5: error: not valid YAML: mapping values are not allowed in this context (a text with ': ' in it needs quotes; else look at the indentation of "
     "this line and the one before)\n"},
    {"an open bracket", "a: [1\nb: 2\n",
     "2:2: error: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence that began on line 1 (look for a bracket or quote that is "
     "not closed, or a comma that is missing)\n"},
    {"an unquoted reference in braces", "a: {b: ${var.x}}\n",
     "1:9: error: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping (within [...] and {...} a reference needs quotes: "
     "\"${...}\")\n"},
    {"an open quote", "a: \"b\nc: 2\n",
     "1:4: error: not valid YAML: found unexpected end of stream, while scanning a quoted scalar (this quote is not closed)\n"},
    {"an unknown escape", "a: \"\\q\"\n",
     "1:5: error: not valid YAML: found unknown escape character, while parsing a quoted scalar (within \"double quotes\" a backslash is written \\\\; "
     "within 'single quotes' it stands for itself)\n"},
    {"columns count characters", "\xc3\xa4: {\xc3\xb6: @}\n",
     "1:8: error: not valid YAML: found character that cannot start any token (a text that begins with '@', '%' or '`' "
     "needs quotes)\n"},
    {"broken UTF-8", "a: \xff\n", "1:4: error: the file is not valid UTF-8 here: invalid leading UTF-8 octet (save it as UTF-8)\n"},
    {"UTF-16",
     "\xff\xfe"
     "a",
     "1:1: error: the file is not UTF-8 but UTF-16 (save it as UTF-8)\n"},
    {"a control character", "a: \x01\n", "1:4: error: a control character (U+0001) stands here\n"},
    {"a tag of somebody else", "a: !vault x\n", "{a:x}\n1:4: error: the YAML tag '!vault' is not supported\n"},
    {"a tag that needs code", "a: !!binary x\n", "{a:x}\n1:4: error: the YAML tag '!!binary' is not supported\n"},
};

static void texts_become_nodes_or_findings(void **state HL_UNUSED)
{
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();

        hl_expect_text(rows[i].label, rows[i].expected, read_text(arena, rows[i].text, strlen(rows[i].text)));
    }
    hl_expect_end();
}

static void a_nul_is_kept_in_a_text(void **state HL_UNUSED)
{
    static const char text[] = "a: \"x\\0y\"\n";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    const struct hl_node *node;

    hl_diags_init(&diags, arena, NULL);
    node = hl_node_find(hl_reader_parse(arena, text, strlen(text), &diags), "a");
    assert_int_equal(node->scalar.length, 3);
    assert_memory_equal(node->scalar.data, "x\0y", 4);
}

static void places_count_from_one(void **state HL_UNUSED)
{
    static const char text[] = "a:\n  b: [x, y]\n";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    const struct hl_node *root;
    const struct hl_node_entry *entry;

    hl_diags_init(&diags, arena, NULL);
    root = hl_reader_parse(arena, text, strlen(text), &diags);
    entry = hl_node_entry_find(hl_node_find(root, "a"), "b");
    assert_int_equal(entry->at.line, 2);
    assert_int_equal(entry->at.column, 3);
    assert_int_equal(entry->value->at.column, 6);
    assert_int_equal(entry->value->list.items[1]->at.column, 10);
    assert_null(hl_node_find(root, "b"));
    assert_null(hl_node_find(NULL, "b"));
}

static void wide_mappings_find_their_duplicates(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 24);
    struct hl_diags diags;
    const struct hl_node *root;

    for (int i = 0; i < 20000; i++)
        hl_text_printf(&text, "k%d: %d\n", i, i);
    hl_text_puts(&text, "k12345: again\n");
    hl_diags_init(&diags, arena, "spec.yaml");
    root = hl_reader_parse(arena, hl_text_get(&text), text.length, &diags);
    assert_int_equal(root->map.count, 20000);
    assert_string_equal(hl_findings(&diags), "20001:1: error: key 'k12345' is written twice: first on line 12346\n");
}

static void put_bomb(struct hl_text *text, int levels)
{
    hl_text_puts(text, "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < levels; i++) {
        hl_text_printf(text, "l%d: &l%d [", i, i);
        for (int j = 0; j < 10; j++)
            hl_text_printf(text, "%s*l%d", j == 0 ? "" : ", ", i - 1);
        hl_text_puts(text, "]\n");
    }
}

static void an_alias_bomb_is_an_error(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);
    struct hl_diags diags;

    put_bomb(&text, 12);
    hl_diags_init(&diags, arena, "spec.yaml");
    assert_null(hl_reader_parse(arena, hl_text_get(&text), text.length, &diags));
    assert_non_null(strstr(hl_findings(&diags), "aliases make the file too large"));
    assert_true(hl_arena_size(arena) < 1 << 20);
}

static void nesting_has_a_limit(void **state HL_UNUSED)
{
    static const struct {
        int depth;
        bool ok;
    } depths[] = {{HL_MAX_DEPTH, true}, {HL_MAX_DEPTH + 1, false}, {500, false}};

    for (size_t i = 0; i < HL_COUNT(depths); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);
        struct hl_diags diags;

        for (int j = 0; j < depths[i].depth; j++)
            hl_text_putc(&text, '[');
        for (int j = 0; j < depths[i].depth; j++)
            hl_text_putc(&text, ']');
        hl_diags_init(&diags, arena, "spec.yaml");
        assert_int_equal(hl_reader_parse(arena, hl_text_get(&text), text.length, &diags) != NULL, depths[i].ok);
        assert_int_equal(diags.errors, depths[i].ok ? 0 : 1);
    }
}

/* Each level alone is flat, but aliases put one into the next. */
static void aliases_cannot_go_deeper_than_the_limit(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);
    struct hl_diags diags;

    hl_text_puts(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        hl_text_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    hl_diags_init(&diags, arena, "spec.yaml");
    assert_null(hl_reader_parse(arena, hl_text_get(&text), text.length, &diags));
    assert_non_null(strstr(hl_findings(&diags), "with this alias"));
}

static void nulls_are_recognised(void **state HL_UNUSED)
{
    static const char text[] = "[~, null, Null, NULL, '', \"null\", nil, 0]";
    static const bool expected[] = {true, true, true, true, false, false, false, false};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_diags diags;
    const struct hl_node *root;

    hl_diags_init(&diags, arena, NULL);
    root = hl_reader_parse(arena, text, strlen(text), &diags);
    for (size_t i = 0; i < HL_COUNT(expected); i++)
        assert_int_equal(hl_node_is_null(root->list.items[i]), expected[i]);
    assert_true(hl_node_is_null(NULL));
}

int hl_test_reader(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_nodes_or_findings),          cmocka_unit_test(a_nul_is_kept_in_a_text),   cmocka_unit_test(places_count_from_one),
        cmocka_unit_test(wide_mappings_find_their_duplicates),     cmocka_unit_test(an_alias_bomb_is_an_error), cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(aliases_cannot_go_deeper_than_the_limit), cmocka_unit_test(nulls_are_recognised),
    };

    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
