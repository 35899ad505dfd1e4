#include "config.h"

#include "tests/unit/state/testing.h"

#include "state/seal.h"

static const struct hl_seal_place place = {.state = "5e1f", .address = "secret.a", .column = "desired", .path = "/password"};
static const unsigned char key[HL_KEY_BYTES] = {1, 2, 3};

static void what_is_sealed_opens_again(void **state HL_UNUSED)
{
    static const size_t lengths[] = {0, 1, 31, 32, 33, 63, 64, 1000};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(lengths); i++) {
        char *plain = hl_arena_alloc(arena, lengths[i] + 1);
        size_t sealed_length = 0, length = 0;

        hl_random(plain, lengths[i]);

        const unsigned char *sealed = hl_seal(arena, key, &place, plain, lengths[i], &sealed_length);
        const char *opened = hl_seal_open(arena, key, &place, sealed, sealed_length, &length);

        assert_non_null(opened);
        assert_int_equal(length, lengths[i]);
        assert_memory_equal(opened, plain, length);
        assert_int_equal(opened[length], 0);
    }
}

static void the_length_is_hidden_in_steps_of_32(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *plain = "0123456789012345678901234567890123456789";
    size_t of_1 = 0, of_31 = 0, of_32 = 0;

    hl_seal(arena, key, &place, plain, 1, &of_1);
    hl_seal(arena, key, &place, plain, 31, &of_31);
    hl_seal(arena, key, &place, plain, 32, &of_32);
    assert_int_equal(of_1, of_31);
    assert_int_equal(of_32, of_31 + 32);
}

static void each_sealing_is_different(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    size_t length = 0;
    const unsigned char *first = hl_seal(arena, key, &place, "same", 4, &length);
    const unsigned char *second = hl_seal(arena, key, &place, "same", 4, &length);

    assert_memory_not_equal(first, second, length);
}

static void it_opens_in_its_place_only(void **state HL_UNUSED)
{
    static const struct hl_seal_place others[] = {
        {.state = "5e1e", .address = "secret.a", .column = "desired", .path = "/password"},
        {.state = "5e1f", .address = "secret.b", .column = "desired", .path = "/password"},
        {.state = "5e1f", .address = "secret.a", .column = "live", .path = "/password"},
        {.state = "5e1f", .address = "secret.a", .column = "desired", .path = "/user"},
        {.state = "5e1f", .address = "secret.ad", .column = "esired", .path = "/password"}, /* the same bytes, cut elsewhere */
        {.state = "5e1f", .address = "secret.a", .column = "desired/password", .path = ""},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    size_t sealed_length = 0, length = 0;
    const unsigned char *sealed = hl_seal(arena, key, &place, "secret", 6, &sealed_length);

    for (size_t i = 0; i < HL_COUNT(others); i++)
        assert_null(hl_seal_open(arena, key, &others[i], sealed, sealed_length, &length));
}

static void no_changed_byte_is_missed(void **state HL_UNUSED)
{
    static const unsigned char other_key[HL_KEY_BYTES] = {1, 2, 4};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    size_t sealed_length = 0, length = 0;
    unsigned char *sealed = hl_seal(arena, key, &place, "secret", 6, &sealed_length);

    assert_null(hl_seal_open(arena, other_key, &place, sealed, sealed_length, &length));
    for (size_t i = 0; i < sealed_length; i++) {
        sealed[i] ^= 0x10;
        assert_null(hl_seal_open(arena, key, &place, sealed, sealed_length, &length));
        sealed[i] ^= 0x10;
    }
    for (size_t i = 0; i < sealed_length; i++)
        assert_null(hl_seal_open(arena, key, &place, sealed, i, &length));
    assert_non_null(hl_seal_open(arena, key, &place, sealed, sealed_length, &length));
}

int hl_test_seal(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_again), cmocka_unit_test(the_length_is_hidden_in_steps_of_32), cmocka_unit_test(each_sealing_is_different),
        cmocka_unit_test(it_opens_in_its_place_only), cmocka_unit_test(no_changed_byte_is_missed),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
