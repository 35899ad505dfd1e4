#include "config.h"

#include "schema/base/crypto.h"
#include "tests/unit/base/tests.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static void random_bytes_differ(void **state HL_UNUSED)
{
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};

    hl_random(a, sizeof(a));
    hl_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void random_below_stays_below_and_reaches_all(void **state HL_UNUSED)
{
    unsigned seen = 0;

    for (int i = 0; i < 1000; i++) {
        uint32_t number = hl_random_below(5);

        assert_true(number < 5);
        seen |= 1u << number;
    }
    assert_int_equal(seen, 31);
    assert_int_equal(hl_random_below(1), 0);
}

static void uuid_is_version_4(void **state HL_UNUSED)
{
    char uuid[HL_UUID_TEXT];
    char other[HL_UUID_TEXT];

    for (int i = 0; i < 100; i++) {
        hl_uuid(uuid);
        assert_int_equal(strlen(uuid), 36);
        assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
        assert_true(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-');
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
    }
    hl_uuid(other);
    assert_string_not_equal(uuid, other);
}

static void hash_is_blake2b(void **state HL_UNUSED)
{
    static const unsigned char key[HL_KEY_BYTES] = {1};
    char plain[HL_HASH_HEX];
    char keyed[HL_HASH_HEX];

    hl_hash(NULL, "abc", 3, plain);
    assert_string_equal(plain, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    hl_hash(NULL, "", 0, plain);
    assert_string_equal(plain, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hl_hash(key, "", 0, keyed);
    assert_int_equal(strlen(keyed), 64);
    assert_string_not_equal(plain, keyed);
}

static void base64_goes_both_ways(void **state HL_UNUSED)
{
    static const struct {
        enum hl_base64 form;
        const char *data;
        size_t length;
        const char *encoded;
    } rows[] = {
        {HL_BASE64, BYTES(""), ""},          {HL_BASE64, BYTES("f"), "Zg=="},          {HL_BASE64, BYTES("fo"), "Zm8="},
        {HL_BASE64, BYTES("foo"), "Zm9v"},   {HL_BASE64, BYTES("\xfb\xff\0"), "+/8A"}, {HL_BASE64_URL, BYTES("\xfb\xff\0"), "-_8A"},
        {HL_BASE64_URL, BYTES("f"), "Zg=="}, {HL_BASE64_URL_NOPAD, BYTES("f"), "Zg"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        size_t length = 99;
        const char *encoded = hl_base64_encode(arena, rows[i].form, rows[i].data, rows[i].length);

        assert_string_equal(encoded, rows[i].encoded);

        const char *decoded = hl_base64_decode(arena, rows[i].form, encoded, strlen(encoded), &length);

        assert_non_null(decoded);
        assert_int_equal(length, rows[i].length);
        assert_memory_equal(decoded, rows[i].data, length + 1);
    }
}

static void base64_refuses_rubbish(void **state HL_UNUSED)
{
    static const struct {
        enum hl_base64 form;
        const char *text;
    } rows[] = {
        {HL_BASE64, "Zg"},   {HL_BASE64, "Zg="},      {HL_BASE64, "Zm9v\n"},         {HL_BASE64, "Z"},        {HL_BASE64, "-_8A"},
        {HL_BASE64, "Zh=="}, {HL_BASE64_URL, "+/8A"}, {HL_BASE64_URL_NOPAD, "Zg=="}, {HL_BASE64, "Zg==Zg=="},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        size_t length = 0;

        if (hl_base64_decode(arena, rows[i].form, rows[i].text, strlen(rows[i].text), &length) != NULL)
            fail_msg("'%s' was taken", rows[i].text);
    }
}

static void hex_is_lower_case(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    assert_string_equal(hl_hex_encode(arena, "\x00\xAB\xff", 3), "00abff");
    assert_string_equal(hl_hex_encode(arena, "", 0), "");
}

static void wipes(void **state HL_UNUSED)
{
    char secret[] = "secret";

    hl_wipe(secret, sizeof(secret));
    hl_wipe(NULL, 0);
    for (size_t i = 0; i < sizeof(secret); i++)
        assert_int_equal(secret[i], 0);
}

static void secure_equality(void **state HL_UNUSED)
{
    assert_true(hl_secure_equal("abc", 3, "abc", 3));
    assert_false(hl_secure_equal("abc", 3, "abd", 3));
    assert_false(hl_secure_equal("abc", 3, "ab", 2));
    assert_true(hl_secure_equal("", 0, NULL, 0));
}

int hl_test_crypto(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_differ),   cmocka_unit_test(random_below_stays_below_and_reaches_all),
        cmocka_unit_test(uuid_is_version_4),     cmocka_unit_test(hash_is_blake2b),
        cmocka_unit_test(base64_goes_both_ways), cmocka_unit_test(base64_refuses_rubbish),
        cmocka_unit_test(hex_is_lower_case),     cmocka_unit_test(wipes),
        cmocka_unit_test(secure_equality),
    };

    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
