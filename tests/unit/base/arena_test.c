#include "config.h"

#include "schema/base/arena.h"
#include "tests/unit/base/tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void memory_is_zeroed_and_aligned(void **state HL_UNUSED)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 257, 1024, 5000, 100000, 3 * 1024 * 1024};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < HL_COUNT(sizes); i++) {
            unsigned char *memory = hl_arena_alloc(arena, sizes[i]);

            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(memory[j], 0);
            if (sizes[i] > 0)
                memset(memory, 0xaa, sizes[i]);
        }
    }
}

static void pieces_do_not_overlap(void **state HL_UNUSED)
{
    enum { PIECES = 3000 };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    unsigned char *pieces[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = hl_arena_alloc(arena, i % 700 + 1);
        memset(pieces[i], (int)(i % 251), i % 700 + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j <= i % 700; j++)
            assert_int_equal(pieces[i][j], i % 251);
}

static void texts_between_leave_the_rest_aligned(void **state HL_UNUSED)
{
    enum { TEXTS = 2000 };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *texts[TEXTS];

    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = hl_arena_printf(arena, "%zu is %zu bytes", i, i % 40);
        assert_int_equal((uintptr_t)hl_arena_alloc(arena, 8) % _Alignof(max_align_t), 0);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        char wanted[64];

        snprintf(wanted, sizeof wanted, "%zu is %zu bytes", i, i % 40);
        assert_string_equal(texts[i], wanted);
    }
}

static void large_request_leaves_the_current_chunk_in_use(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    hl_arena_alloc(arena, 16);
    hl_arena_alloc(arena, 100000);

    size_t size = hl_arena_size(arena);

    assert_true(size >= 100016);
    hl_arena_alloc(arena, 16);
    assert_int_equal(hl_arena_size(arena), size);
}

static void growth_wastes_at_most_a_chunk(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    size_t asked = 0;

    for (; asked < 10 * 1024 * 1024; asked += 64)
        hl_arena_alloc(arena, 64);
    assert_true(hl_arena_size(arena) < asked + 2 * 1024 * 1024);
}

static void copies_end_in_nul(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    assert_memory_equal(hl_arena_copy(arena, "a\0b!", 3), "a\0b", 4);
    assert_string_equal(hl_arena_copy(arena, NULL, 0), "");
    assert_string_equal(hl_arena_strdup(arena, "text"), "text");
    assert_null(hl_arena_strdup(arena, NULL));
}

static void printf_takes_any_length(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    char *text = hl_arena_printf(arena, "%s/%d|%5000s", "peer", 7, "x");

    assert_int_equal(strlen(text), 5007);
    assert_memory_equal(text, "peer/7| ", 8);
    assert_string_equal(hl_arena_printf(arena, "%s", ""), "");
}

static void free_takes_null(void **state HL_UNUSED)
{
    hl_arena_free(NULL);
}

static void what_is_adopted_lives_on(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    char *texts[4];

    for (size_t i = 0; i < HL_COUNT(texts); i++) {
        struct hl_arena *other = hl_arena_new();
        char *large = hl_arena_alloc(other, i * 100000 + 1);

        texts[i] = hl_arena_printf(other, "text %zu", i);
        large[i * 100000] = 'x';
        const size_t before = hl_arena_size(arena), added = hl_arena_size(other);
        hl_arena_adopt(arena, other);
        assert_int_equal(hl_arena_size(arena), before + added);
        memset(hl_arena_alloc(arena, 500), 'y', 500);
    }
    hl_arena_adopt(arena, hl_arena_new()); /* with nothing in it */
    for (size_t i = 0; i < HL_COUNT(texts); i++)
        assert_int_equal(texts[i][5], '0' + (int)i);
}

static void heap_helpers(void **state HL_UNUSED)
{
    hl_auto(heap) char *copy = hl_strdup("abc");
    hl_auto(heap) unsigned char *zeroed = hl_alloc(100);

    assert_string_equal(copy, "abc");
    assert_null(hl_strdup(NULL));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(zeroed[i], 0);
    copy = hl_realloc(copy, 1000);
    assert_string_equal(copy, "abc");
}

int hl_test_arena(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(texts_between_leave_the_rest_aligned),
        cmocka_unit_test(large_request_leaves_the_current_chunk_in_use),
        cmocka_unit_test(growth_wastes_at_most_a_chunk),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(printf_takes_any_length),
        cmocka_unit_test(free_takes_null),
        cmocka_unit_test(what_is_adopted_lives_on),
        cmocka_unit_test(heap_helpers),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
