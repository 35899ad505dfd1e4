#include "config.h"

#include "schema/base/map.h"
#include "tests/unit/base/tests.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 5000 };

static char *key_of(char out[16], int number)
{
    snprintf(out, 16, "key-%d", number);
    return out;
}

/* Puts key-0 ... with values that point into `numbers`. */
static void fill(struct hl_map *map, int *numbers, int count)
{
    char key[16];

    for (int i = 0; i < count; i++) {
        numbers[i] = i;
        hl_map_put(map, key_of(key, i), &numbers[i]);
    }
}

static void empty_and_null_maps_have_nothing(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map *map = hl_map_new(arena);

    assert_null(hl_map_find(NULL, "a"));
    assert_false(hl_map_has(NULL, "a"));
    assert_null(hl_map_find(map, "a"));
    assert_false(hl_map_has(map, "a"));
    assert_false(hl_map_remove(map, "a"));
    assert_int_equal(map->count, 0);
}

static void finds_what_was_put_at_every_size(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map *map = hl_map_new(arena);
    static int numbers[100];
    char key[16];

    for (int count = 0; count < 100; count++) {
        hl_map_put(map, key_of(key, count), &numbers[count]);
        for (int i = 0; i < 100; i++)
            assert_ptr_equal(hl_map_find(map, key_of(key, i)), i <= count ? &numbers[i] : NULL);
    }
}

static void keeps_the_order_of_insertion(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map *map = hl_map_new(arena);
    static int numbers[MANY];
    char key[16];

    fill(map, numbers, MANY);
    assert_int_equal(map->count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_string_equal(map->entries[i].key, key_of(key, i));
        assert_ptr_equal(map->entries[i].value, &numbers[i]);
    }
}

static void replaces_in_place(void **state HL_UNUSED)
{
    static const int counts[] = {3, 50};
    static int numbers[50];
    int other = 0;

    for (size_t i = 0; i < HL_COUNT(counts); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_map *map = hl_map_new(arena);

        fill(map, numbers, counts[i]);
        hl_map_put(map, "key-1", &other);
        assert_int_equal(map->count, counts[i]);
        assert_string_equal(map->entries[1].key, "key-1");
        assert_ptr_equal(hl_map_find(map, "key-1"), &other);
    }
}

static void removal_keeps_the_rest_in_order(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map *map = hl_map_new(arena);
    static int numbers[200];
    char key[16];

    fill(map, numbers, 200);
    for (int i = 0; i < 200; i += 2)
        assert_true(hl_map_remove(map, key_of(key, i)));
    assert_false(hl_map_remove(map, "key-0"));
    assert_int_equal(map->count, 100);
    for (int i = 0; i < 200; i++)
        assert_ptr_equal(hl_map_find(map, key_of(key, i)), i % 2 == 1 ? &numbers[i] : NULL);
    for (int i = 0; i < 100; i++)
        assert_string_equal(map->entries[i].key, key_of(key, 2 * i + 1));
    hl_map_put(map, "key-0", &numbers[0]);
    assert_string_equal(map->entries[100].key, "key-0");
}

static void null_value_is_present(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map map;

    hl_map_init(&map, arena);
    hl_map_put(&map, "", NULL);
    assert_null(hl_map_find(&map, ""));
    assert_true(hl_map_has(&map, ""));
    assert_false(hl_map_has(&map, "a"));
}

static void key_is_copied(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_map *map = hl_map_new(arena);
    char key[] = "before";
    int number = 1;

    hl_map_put(map, key, &number);
    memcpy(key, "after!", sizeof(key));
    assert_ptr_equal(hl_map_find(map, "before"), &number);
}

/* What was reserved is enough: nothing more is asked for, and what was there before is found. */
static void reserved_room_is_used(void **state HL_UNUSED)
{
    static const size_t counts[] = {1, 8, 9, 33, 1000};
    int number = 1;

    for (size_t i = 0; i < HL_COUNT(counts); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_map *map = hl_map_new(arena);
        char key[32] = "first";

        hl_map_put(map, key, &number);
        hl_map_reserve(map, counts[i]);

        const struct hl_map_entry *entries = map->entries;

        for (size_t j = 1; j < counts[i]; j++) {
            snprintf(key, sizeof key, "key-%zu", j);
            hl_map_put(map, key, &number);
        }
        assert_ptr_equal(map->entries, entries);
        assert_int_equal(map->count, counts[i]);
        assert_true(hl_map_has(map, "first"));
        assert_ptr_equal(hl_map_find(map, key), &number);
        hl_map_put(map, "one more", &number);
        assert_true(hl_map_has(map, "one more"));
        assert_true(hl_map_has(map, "first"));
    }
}

int hl_test_map(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_and_null_maps_have_nothing),
        cmocka_unit_test(finds_what_was_put_at_every_size),
        cmocka_unit_test(keeps_the_order_of_insertion),
        cmocka_unit_test(replaces_in_place),
        cmocka_unit_test(removal_keeps_the_rest_in_order),
        cmocka_unit_test(null_value_is_present),
        cmocka_unit_test(key_is_copied),
        cmocka_unit_test(reserved_room_is_used),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
