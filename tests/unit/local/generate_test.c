#include "config.h"

#include "reconcile/providers/local/local.h"

#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <string.h>

static const struct hl_value *generate_of(struct world *world, const char *generate)
{
    const char *body = hl_arena_printf(world->arena, "{generate: %s}", generate);

    return hl_value_get(world_decode(world, "S", body), "generate");
}

static const struct {
    const char *generate;
    size_t length;
    const char *characters;
} shapes[] = {
    {"true", 44, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="},
    {"{}", 44, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="},
    {"{bytes: 32, encoding: base64}", 44, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="},
    {"{bytes: 32, encoding: base64url}", 43, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
    {"{bytes: 20, encoding: hex}", 40, "0123456789abcdef"},
    {"{length: 60}", 60, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"},
    {"{length: 60, alphabet: letters}", 60, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
    {"{length: 60, alphabet: digits}", 60, "0123456789"},
    {"{length: 60, alphabet: hex}", 60, "0123456789abcdef"},
    {"{length: 1000, alphabet: xyz}", 1000, "xyz"},
    {"{length: 6, alphabet: digits, allow_weak: true}", 6, "0123456789"},
    {"{bytes: 4, encoding: hex, allow_weak: true}", 8, "0123456789abcdef"},
    {"{uuid: true}", 36, "0123456789abcdef-"},
};

static void makes_what_is_asked_for(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(shapes); i++) {
        const struct hl_value *generate = generate_of(world, shapes[i].generate);
        const struct hl_value *value = hl_generate(world->arena, generate);
        assert_true(value->sensitive);
        assert_int_equal(value->text.length, strlen(value->text.data));
        if (value->text.length != shapes[i].length || strspn(value->text.data, shapes[i].characters) != shapes[i].length)
            fail_msg("%s gives %s", shapes[i].generate, value->text.data);
        assert_string_equal(hl_generate_characters(generate), shapes[i].characters);
    }
}

static void never_makes_the_same_twice(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(shapes); i++) {
        const struct hl_value *generate = generate_of(world, shapes[i].generate);
        assert_false(hl_value_equal(hl_generate(world->arena, generate), hl_generate(world->arena, generate)) && shapes[i].length > 8);
    }
}

/* A thousand draws of each of ten digits in ten thousand: more than six standard deviations (180) off is no accident. */
static void draws_all_characters_alike(void **state)
{
    struct world *world = *state;
    const struct hl_value *generate = generate_of(world, "{length: 1000, alphabet: digits}");
    int counts[10] = {0};

    for (int i = 0; i < 10; i++) {
        const struct hl_value *value = hl_generate(world->arena, generate);
        for (size_t j = 0; j < value->text.length; j++)
            counts[value->text.data[j] - '0']++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 1000 - 180, 1000 + 180);
}

static void tells_what_fits(void **state)
{
    static const struct {
        const char *generate, *value;
        bool fits;
    } rows[] = {
        {"{bytes: 16, encoding: hex}", "00112233445566778899aabbccddeeff", true},
        {"{bytes: 16, encoding: hex}", "00112233445566778899aabbccddee", false},
        {"{bytes: 16, encoding: hex}", "00112233445566778899aabbccddeefg", false},
        {"{bytes: 16, encoding: base64}", "ABEiM0RVZneImaq7zN3u/w==", true},
        {"{bytes: 17, encoding: base64}", "ABEiM0RVZneImaq7zN3u/w==", false},
        {"{bytes: 16, encoding: base64url}", "ABEiM0RVZneImaq7zN3u_w", true},
        {"{bytes: 16, encoding: base64url}", "ABEiM0RVZneImaq7zN3u/w==", false},
        {"{length: 22, alphabet: alnum}", "abcdefghijklmnopqrstuv", true},
        {"{length: 23, alphabet: alnum}", "abcdefghijklmnopqrstuv", false},
        {"{length: 39, alphabet: digits}", "01234567890123456789012345678901234567x", false},
        {"{uuid: true}", "123e4567-e89b-42d3-a456-426614174000", true},
        {"{uuid: true}", "123e4567e89b42d3a456426614174000", false},
    };
    struct world *world = *state;

    for (size_t i = 0; i < HL_COUNT(shapes); i++) {
        const struct hl_value *generate = generate_of(world, shapes[i].generate);
        assert_true(hl_generate_fits(generate, hl_generate(world->arena, generate)));
    }
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const bool fits = hl_generate_fits(generate_of(world, rows[i].generate), hl_value_text(world->arena, rows[i].value));
        if (fits != rows[i].fits)
            fail_msg("%s: %s", rows[i].generate, rows[i].value);
    }
}

int hl_test_generate(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_what_is_asked_for, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(never_makes_the_same_twice, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(draws_all_characters_alike, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(tells_what_fits, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
