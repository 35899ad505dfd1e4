#include "config.h"

#include "schema/base/value.h"
#include "tests/unit/base/tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct hl_value *pair(struct hl_arena *arena, const char *a, struct hl_value *first, const char *b, struct hl_value *second)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put(map, a, first);
    hl_value_map_put(map, b, second);
    return map;
}

static struct hl_value *list_of(struct hl_arena *arena, struct hl_value *first, struct hl_value *second)
{
    struct hl_value *list = hl_value_list(arena);

    if (first != NULL)
        hl_value_list_add(arena, list, first);
    if (second != NULL)
        hl_value_list_add(arena, list, second);
    return list;
}

static void builders_give_what_they_say(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *map = hl_value_map(arena);

    assert_int_equal(hl_value_null(arena)->type, HL_NULL);
    assert_int_equal(hl_value_text(arena, NULL)->type, HL_NULL);
    assert_int_equal(hl_value_bytes(arena, "a\0b", 3)->text.length, 3);
    assert_string_equal(hl_value_printf(arena, "%d-%s", 1, "x")->text.data, "1-x");
    assert_string_equal(hl_value_unknown(arena, "setup_key.a.key")->unknown, "setup_key.a.key");
    hl_value_map_put(map, "absent", NULL);
    hl_value_map_put_text(map, "absent", NULL);
    assert_int_equal(hl_value_count(map), 0);
    hl_value_map_put_text(map, "text", "t");
    hl_value_map_put_int(map, "int", -7);
    hl_value_map_put_bool(map, "bool", true);
    assert_string_equal(hl_value_get_text(map, "text"), "t");
    assert_int_equal(hl_value_get_int(map, "int", 0), -7);
    assert_true(hl_value_get_bool(map, "bool", false));
    assert_string_equal(hl_value_key(map, 1), "int");
    assert_int_equal(hl_value_at(map, 1)->integer, -7);
}

static void look_ups_are_forgiving(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *number = hl_value_int(arena, 1);
    struct hl_value *map = pair(arena, "n", number, "t", hl_value_text(arena, "x"));
    const struct hl_value *ill_typed[] = {NULL, number, hl_value_list(arena)};

    for (size_t i = 0; i < HL_COUNT(ill_typed); i++) {
        assert_null(hl_value_get(ill_typed[i], "a"));
        assert_null(hl_value_get_text(ill_typed[i], "a"));
        assert_int_equal(hl_value_get_int(ill_typed[i], "a", 9), 9);
        assert_true(hl_value_get_bool(ill_typed[i], "a", true));
        assert_int_equal(hl_value_count(ill_typed[i]), 0);
        assert_null(hl_value_item(ill_typed[i], 0));
        assert_null(hl_value_key(ill_typed[i], 0));
        assert_null(hl_value_at(ill_typed[i], 0));
    }
    assert_null(hl_value_get_text(map, "n"));
    assert_int_equal(hl_value_get_int(map, "t", 3), 3);
    assert_true(hl_value_get_bool(map, "t", true));
    assert_null(hl_value_at(map, 2));
    assert_true(hl_value_is_null(NULL));
    assert_false(hl_value_is(NULL, HL_NULL));
}

static void paths_reach_in(void **state HL_UNUSED)
{
    static const struct {
        const char *path;
        int64_t expected; /* 0: absent */
    } rows[] = {
        {"a.b.0", 1}, {"a.b.1", 2}, {"a.b.2", 0}, {"a.b.-1", 0}, {"a.b.x", 0}, {"a.x.0", 0}, {"a.b.0.c", 0}, {"n", 3}, {"", 0}, {"n.", 0}, {"a..b", 0},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *list = list_of(arena, hl_value_int(arena, 1), hl_value_int(arena, 2));
    struct hl_value *inner = hl_value_map(arena);

    hl_value_map_put(inner, "b", list);

    struct hl_value *root = pair(arena, "a", inner, "n", hl_value_int(arena, 3));

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *found = hl_value_find_path(root, rows[i].path);

        if (rows[i].expected == 0 ? found != NULL : !hl_value_is(found, HL_INT) || found->integer != rows[i].expected)
            fail_msg("path '%s'", rows[i].path);
    }
    assert_null(hl_value_find_path(NULL, "a"));
}

/* Each row is less than the next, and rows of the same rank are equal. */
static void order_is_total_and_agrees_with_equality(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct {
        int rank;
        struct hl_value *value;
    } rows[] = {
        {0, NULL},
        {0, hl_value_null(arena)},
        {1, hl_value_bool(arena, false)},
        {2, hl_value_bool(arena, true)},
        {3, hl_value_real(arena, -HUGE_VAL)},
        {4, hl_value_int(arena, INT64_MIN)},
        {4, hl_value_real(arena, -0x1p63)},
        {5, hl_value_real(arena, -1.5)},
        {6, hl_value_int(arena, -1)},
        {7, hl_value_int(arena, 0)},
        {7, hl_value_real(arena, -0.0)},
        {8, hl_value_real(arena, 0.5)},
        {9, hl_value_int(arena, 1)},
        {9, hl_value_real(arena, 1.0)},
        {10, hl_value_real(arena, 0x1p53)},
        {10, hl_value_int(arena, INT64_C(1) << 53)},
        {11, hl_value_int(arena, (INT64_C(1) << 53) + 1)},
        {12, hl_value_int(arena, INT64_MAX)},
        {13, hl_value_real(arena, 0x1p63)},
        {14, hl_value_text(arena, "")},
        {15, hl_value_text(arena, "a")},
        {16, hl_value_bytes(arena, "a\0", 2)},
        {17, hl_value_text(arena, "ab")},
        {18, hl_value_text(arena, "\xc3\xa9")},
        {19, hl_value_list(arena)},
        {20, list_of(arena, hl_value_int(arena, 1), NULL)},
        {20, list_of(arena, hl_value_real(arena, 1), NULL)},
        {21, list_of(arena, hl_value_int(arena, 1), hl_value_int(arena, 1))},
        {22, list_of(arena, hl_value_int(arena, 2), NULL)},
        {23, hl_value_map(arena)},
        {24, pair(arena, "a", hl_value_int(arena, 1), "b", hl_value_int(arena, 1))},
        {24, pair(arena, "b", hl_value_int(arena, 1), "a", hl_value_int(arena, 1))},
        {25, pair(arena, "a", hl_value_int(arena, 1), "b", hl_value_int(arena, 2))},
        {26, pair(arena, "a", hl_value_int(arena, 1), "c", hl_value_null(arena))},
        {27, pair(arena, "a", hl_value_int(arena, 1), "d", hl_value_null(arena))},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        for (size_t j = 0; j < HL_COUNT(rows); j++) {
            int result = hl_value_compare(rows[i].value, rows[j].value);
            int expected = rows[i].rank - rows[j].rank;

            if ((result < 0) != (expected < 0) || (result > 0) != (expected > 0))
                fail_msg("rows %zu and %zu compare as %d", i, j, result);
            if (hl_value_equal(rows[i].value, rows[j].value) != (expected == 0))
                fail_msg("equality of rows %zu and %zu", i, j);
        }
    }
}

static void unknown_equals_nothing(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *unknown = hl_value_unknown(arena, "a.b");

    assert_false(hl_value_equal(unknown, unknown));
    assert_false(hl_value_equal(unknown, NULL));
    assert_false(hl_value_equal(list_of(arena, unknown, NULL), list_of(arena, unknown, NULL)));
    assert_int_equal(hl_value_compare(unknown, hl_value_unknown(arena, "a.b")), 0);
    assert_true(hl_value_compare(unknown, hl_value_unknown(arena, "a.c")) < 0);
    assert_true(hl_value_compare(unknown, hl_value_map(arena)) > 0);
}

static void equality_ignores_marks_and_places(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *secret = hl_value_mark_sensitive(hl_value_text(arena, "x"));

    secret->at.line = 5;
    assert_true(hl_value_equal(secret, hl_value_text(arena, "x")));
}

static void copy_outlives_its_source(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_arena *source_arena = hl_arena_new();
    struct hl_value *list = list_of(source_arena, hl_value_bytes(source_arena, "a\0b", 3), NULL);
    struct hl_value *source = pair(source_arena, "list", list, "real", hl_value_real(source_arena, 1.5));

    hl_value_mark_sensitive(list);
    list->at.line = 12;
    hl_value_map_put(source, "later", hl_value_unknown(source_arena, "x.y"));

    const struct hl_value *copy = hl_value_copy(arena, source);

    hl_arena_free(source_arena);
    assert_null(hl_value_copy(arena, NULL));
    assert_int_equal(hl_value_count(copy), 3);
    assert_string_equal(hl_value_key(copy, 0), "list");
    assert_int_equal(hl_value_at(copy, 0)->at.line, 12);

    const struct hl_value *item = hl_value_find_path(copy, "list.0");

    assert_true(item->sensitive);
    assert_int_equal(item->text.length, 3);
    assert_memory_equal(item->text.data, "a\0b", 4);
    assert_true(hl_value_get(copy, "real")->real == 1.5);
    assert_string_equal(hl_value_find_unknown(copy), "x.y");
}

static void marks_are_found_within(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *text = hl_value_text(arena, "x");
    struct hl_value *map = pair(arena, "list", list_of(arena, hl_value_int(arena, 1), text), "n", hl_value_int(arena, 2));

    assert_false(hl_value_has_sensitive(NULL));
    assert_false(hl_value_has_sensitive(map));
    text->sensitive = true;
    assert_true(hl_value_has_sensitive(map));
    text->sensitive = false;
    assert_ptr_equal(hl_value_mark_sensitive(map), map);
    assert_true(text->sensitive);
    assert_true(hl_value_get(map, "n")->sensitive);
    assert_null(hl_value_mark_sensitive(NULL));
    assert_null(hl_value_find_unknown(NULL));
    assert_null(hl_value_find_unknown(map));
    hl_value_list_add(arena, hl_value_get(map, "list"), hl_value_unknown(arena, "first"));
    hl_value_map_put(map, "z", hl_value_unknown(arena, "second"));
    assert_string_equal(hl_value_find_unknown(map), "first");
}

static void scalars_become_text(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct {
        struct hl_value *value;
        const char *expected;
    } rows[] = {
        {hl_value_bool(arena, true), "true"}, {hl_value_bool(arena, false), "false"}, {hl_value_int(arena, -8080), "-8080"}, {hl_value_real(arena, 0.1), "0.1"},
        {hl_value_text(arena, ""), ""},       {hl_value_text(arena, "a b"), "a b"},   {hl_value_null(arena), "null"},        {NULL, "null"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        assert_string_equal(hl_value_to_text(arena, rows[i].value), rows[i].expected);
    assert_null(hl_value_to_text(arena, hl_value_list(arena)));
    assert_null(hl_value_to_text(arena, hl_value_map(arena)));
    assert_null(hl_value_to_text(arena, hl_value_unknown(arena, "a")));
}

static void types_have_names(void **state HL_UNUSED)
{
    for (unsigned type = 0; type < HL_TYPES; type++)
        assert_non_null(hl_type_name((enum hl_type)type));
    assert_string_equal(hl_type_name(HL_TEXT), "text");
}

int hl_test_value(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(builders_give_what_they_say),
        cmocka_unit_test(look_ups_are_forgiving),
        cmocka_unit_test(paths_reach_in),
        cmocka_unit_test(order_is_total_and_agrees_with_equality),
        cmocka_unit_test(unknown_equals_nothing),
        cmocka_unit_test(equality_ignores_marks_and_places),
        cmocka_unit_test(copy_outlives_its_source),
        cmocka_unit_test(marks_are_found_within),
        cmocka_unit_test(scalars_become_text),
        cmocka_unit_test(types_have_names),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
