#include "config.h"

#include "schema/base/arena.h"
#include "schema/base/text.h"
#include "tests/unit/base/tests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static void grows_and_stays_terminated(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(100000);

    assert_string_equal(hl_text_get(&text), "");
    for (int i = 0; i < 10000; i++) {
        hl_text_putc(&text, (char)('a' + i % 26));
        assert_int_equal(text.data[text.length], 0);
    }
    assert_int_equal(text.length, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(text.data[i], 'a' + i % 26);
    hl_text_append(&text, BYTES("\0x"));
    assert_int_equal(text.length, 10002);
    assert_true(hl_text_ok(&text));
}

static void overflow_is_sticky(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(5);

    hl_text_puts(&text, "12345");
    assert_true(hl_text_ok(&text));
    hl_text_puts(&text, "");
    assert_true(hl_text_ok(&text));
    hl_text_putc(&text, '6');
    assert_false(hl_text_ok(&text));
    assert_string_equal(hl_text_get(&text), "12345");
    hl_text_reset(&text);
    assert_true(hl_text_ok(&text));
    hl_text_puts(&text, "abcdefgh");
    assert_false(hl_text_ok(&text));
    hl_text_puts(&text, "");
    hl_text_putc(&text, 'z');
    assert_string_equal(hl_text_get(&text), "abcde");
    hl_text_clear(&text);
    hl_text_putc(&text, 'x');
    assert_string_equal(hl_text_get(&text), "x");
    assert_true(hl_text_ok(&text));
}

static void printf_takes_any_length(void **state HL_UNUSED)
{
    static const int widths[] = {1, 254, 255, 256, 257, 10000};

    for (size_t i = 0; i < HL_COUNT(widths); i++) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(20000);

        hl_text_printf(&text, "%*d", widths[i], 7);
        assert_int_equal(text.length, widths[i]);
        assert_int_equal(text.data[text.length - 1], '7');
    }
}

static void take_leaves_it_empty(void **state HL_UNUSED)
{
    struct hl_text text;

    hl_text_init(&text, 10);

    hl_auto(heap) char *nothing = hl_text_take(&text);

    assert_string_equal(nothing, "");
    hl_text_puts(&text, "some");

    hl_auto(heap) char *some = hl_text_take(&text);

    assert_string_equal(some, "some");
    assert_string_equal(hl_text_get(&text), "");
    assert_int_equal(text.maximum, 10);
}

static void escapes_what_deceives(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        const char *data;
        size_t length;
        const char *expected;
    } rows[] = {
        {"plain", BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"empty", BYTES(""), ""},
        {"escape sequence", BYTES("a\x1b[31mb"), "a\\x1b[31mb"},
        {"tab and newline", BYTES("a\tb\n"), "a\\x09b\\x0a"},
        {"nul and DEL", BYTES("\0\x7f"), "\\x00\\x7f"},
        {"C1", BYTES("\xc2\x9b"), "\\u{9b}"},
        {"bidi override",
         BYTES("\xe2\x80\xae"
               "x\xe2\x81\xa6"),
         "\\u{202e}x\\u{2066}"},
        {"lone continuation", BYTES("a\x80z"), "a\\x80z"},
        {"cut off", BYTES("a\xe2\x82"), "a\\xe2\\x82"},
        {"overlong", BYTES("\xc0\xaf"), "\\xc0\\xaf"},
        {"surrogate", BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
        {"beyond the last", BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"},
        {"backslash stays", BYTES("a\\b"), "a\\b"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1000);

        hl_text_put_escaped(&text, rows[i].data, rows[i].length);
        if (strcmp(hl_text_get(&text), rows[i].expected) != 0)
            fail_msg("%s: got %s", rows[i].label, hl_text_get(&text));
    }
}

static void decodes_utf8(void **state HL_UNUSED)
{
    static const struct {
        const char *data;
        size_t length;
        size_t size;
        uint32_t code;
    } rows[] = {
        {BYTES(""), 0, 0},
        {BYTES("a"), 1, 'a'},
        {BYTES("\x7f"), 1, 0x7f},
        {BYTES("\xc2\x80"), 2, 0x80},
        {BYTES("\xdf\xbf"), 2, 0x7ff},
        {BYTES("\xe0\xa0\x80"), 3, 0x800},
        {BYTES("\xef\xbf\xbf"), 3, 0xffff},
        {BYTES("\xf0\x90\x80\x80"), 4, 0x10000},
        {BYTES("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
        {BYTES("\xc1\xbf"), 0, 0},
        {BYTES("\xe0\x9f\xbf"), 0, 0},
        {BYTES("\xf0\x8f\xbf\xbf"), 0, 0},
        {BYTES("\xf8\x88\x80\x80\x80"), 0, 0},
        {BYTES("\xff"), 0, 0},
        {BYTES("\xc3"), 0, 0},
        {BYTES("\xc3("), 0, 0},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        uint32_t code = 0;
        size_t size = hl_utf8_decode(rows[i].data, rows[i].length, &code);

        if (size != rows[i].size || (size > 0 && code != rows[i].code))
            fail_msg("row %zu: size %zu, code %" PRIx32, i, size, code);
    }
}

static void parses_int(void **state HL_UNUSED)
{
    static const struct {
        const char *string;
        int64_t minimum, maximum;
        bool good;
        int64_t expected;
    } rows[] = {
        {"0", 0, 0, true, 0},
        {"8080", 1, 65535, true, 8080},
        {"65536", 1, 65535, false, 0},
        {"0", 1, 65535, false, 0},
        {"-5", -5, 5, true, -5},
        {"-6", -5, 5, false, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"007", 0, 9, true, 7},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"1x", INT64_MIN, INT64_MAX, false, 0},
        {"0x1", INT64_MIN, INT64_MAX, false, 0},
        {"1.0", INT64_MIN, INT64_MAX, false, 0},
        {NULL, INT64_MIN, INT64_MAX, false, 0},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        int64_t number = 77;
        bool good = hl_parse_int(rows[i].string, rows[i].minimum, rows[i].maximum, &number);

        if (good != rows[i].good || number != (good ? rows[i].expected : 77))
            fail_msg("'%s': %d, %" PRId64, rows[i].string == NULL ? "NULL" : rows[i].string, good, number);
    }
}

static void parses_duration(void **state HL_UNUSED)
{
    static const struct {
        const char *string;
        int64_t expected; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"90s", 90000},
        {"5m", 300000},
        {"12h", 43200000},
        {"30d", 2592000000},
        {"2w", 1209600000},
        {"500ms", 500},
        {"1m30s", 90000},
        {"1h0m0s", 3600000},
        {"1w1d1h1m1s1ms", 694861001},
        {"1.5h", 5400000},
        {"0.25s", 250},
        {"1.5000000000000s", 1500},
        {"9223372036854775807ms", INT64_MAX},
        {"9223372036854775808ms", -1},
        {"9223372036854775807s", -1},
        {"1.5ms", -1},
        {"0.0001s", -1},
        {"1.s", -1},
        {".5s", -1},
        {"", -1},
        {NULL, -1},
        {"5", -1},
        {"s", -1},
        {"5 s", -1},
        {"5y", -1},
        {"5M", -1},
        {"-5s", -1},
        {"+5s", -1},
        {"5s5", -1},
        {"5s5m", -1},
        {"5s5s", -1},
        {"5sm", -1},
        {"00", -1},
        {"1e3s", -1},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        int64_t milliseconds = -1;
        bool good = hl_parse_duration(rows[i].string, &milliseconds);

        if (good != (rows[i].expected >= 0) || milliseconds != rows[i].expected)
            fail_msg("'%s': %d, %" PRId64, rows[i].string == NULL ? "NULL" : rows[i].string, good, milliseconds);
    }
}

static void formats_duration(void **state HL_UNUSED)
{
    static const struct {
        int64_t milliseconds;
        const char *expected;
    } rows[] = {
        {0, "0s"},        {1, "1ms"},       {1500, "1500ms"},     {90000, "90s"},          {300000, "5m"},      {5400000, "90m"},
        {3600000, "1h"},  {86400000, "1d"}, {2592000000, "30d"},  {604800000, "1w"},       {604801000, "1w1s"}, {31536000000, "365d"},
        {28800000, "8h"}, {-5000, "-5s"},   {36000001, "10h1ms"}, {90061001, "90061s1ms"}, {INT64_MAX, NULL},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        char out[32];
        int64_t back = 0;

        hl_format_duration(rows[i].milliseconds, out);
        if (rows[i].expected != NULL)
            assert_string_equal(out, rows[i].expected);
        if (rows[i].milliseconds >= 0) {
            assert_true(hl_parse_duration(out, &back));
            assert_int_equal(back, rows[i].milliseconds);
        }
    }
}

static void duration_reads_back(void **state HL_UNUSED)
{
    uint64_t random = 1;

    for (int i = 0; i < 2000; i++) {
        char out[32];
        int64_t back = -1;

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;

        int64_t milliseconds = (int64_t)(random >> (1 + i % 60));

        hl_format_duration(milliseconds, out);
        assert_true(hl_parse_duration(out, &back));
        assert_int_equal(back, milliseconds);
    }
}

static void parses_size(void **state HL_UNUSED)
{
    static const struct {
        const char *string;
        int64_t expected; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"1024", 1024},
        {"10b", 10},
        {"64k", 65536},
        {"512m", 536870912},
        {"512mb", 536870912},
        {"512MB", 536870912},
        {"512 MiB", 536870912},
        {"2g", INT64_C(2) << 30},
        {"1gib", INT64_C(1) << 30},
        {"1t", INT64_C(1) << 40},
        {"1p", INT64_C(1) << 50},
        {"1.5k", 1536},
        {"0.1k", 102},
        {"0.5g", 536870912},
        {"1.7", 1},
        {"8191p", INT64_C(8191) << 50},
        {"8192p", -1},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"", -1},
        {NULL, -1},
        {"k", -1},
        {"-1", -1},
        {"+1", -1},
        {"1e3", -1},
        {"1.k", -1},
        {"1.5.5k", -1},
        {"1ib", -1},
        {"1bb", -1},
        {"1kk", -1},
        {"1kbb", -1},
        {"1 ", -1},
        {"1  k", -1},
        {" 1k", -1},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        int64_t bytes = -1;
        bool good = hl_parse_size(rows[i].string, &bytes);

        if (good != (rows[i].expected >= 0) || bytes != rows[i].expected)
            fail_msg("'%s': %d, %" PRId64, rows[i].string == NULL ? "NULL" : rows[i].string, good, bytes);
    }
}

static void formats_real(void **state HL_UNUSED)
{
    static const struct {
        double real;
        const char *expected;
    } rows[] = {
        {0.0, "0"},
        {-0.0, "0"},
        {1.0, "1"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {100.0, "100"},
        {1e17, "100000000000000000"},
        {1e19, "1e+19"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {1e300, "1e+300"},
        {0.30000000000000004, "0.30000000000000004"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        char out[32];

        hl_format_real(rows[i].real, out);
        assert_string_equal(out, rows[i].expected);
        assert_true(strtod(out, NULL) == rows[i].real);
    }
}

static void tells_how_far_a_word_may_be(void **state HL_UNUSED)
{
    assert_int_equal(hl_edit_tolerance("up"), 0);
    assert_int_equal(hl_edit_tolerance("aply"), 1);
    assert_int_equal(hl_edit_tolerance("deploy"), 2);
    assert_int_equal(hl_edit_tolerance("a word of many letters"), 3);
}

static void measures_edit_distance(void **state HL_UNUSED)
{
    static const struct {
        const char *a, *b;
        size_t limit, expected;
    } rows[] = {
        {"", "", 3, 0},
        {"network", "network", 0, 0},
        {"network", "netwrok", 3, 1},
        {"network", "networks", 3, 1},
        {"image", "imgae", 2, 1},
        {"kitten", "sitting", 3, 3},
        {"kitten", "sitting", 2, 3},
        {"abc", "xyz", 2, 3},
        {"abc", "", 3, 3},
        {"abc", "", 2, 3},
        {"", "abcdef", 2, 3},
        {"completely", "different!", 2, 3},
        {"ab", "ba", 1, 1},
        {"abcdef", "badcfe", 3, 3},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        size_t there = hl_edit_distance(rows[i].a, rows[i].b, rows[i].limit);
        size_t back = hl_edit_distance(rows[i].b, rows[i].a, rows[i].limit);

        if (there != rows[i].expected || back != there)
            fail_msg("%s, %s: %zu and %zu", rows[i].a, rows[i].b, there, back);
    }
}

static void compares_ends(void **state HL_UNUSED)
{
    assert_true(hl_starts_with("network.a", "network."));
    assert_false(hl_starts_with("net", "network"));
    assert_true(hl_starts_with("x", ""));
    assert_true(hl_ends_with("spec.yaml", ".yaml"));
    assert_false(hl_ends_with("yaml", ".yaml"));
    assert_true(hl_ends_with("", ""));
    assert_true(hl_is_blank(NULL));
    assert_true(hl_is_blank(""));
    assert_false(hl_is_blank(" "));
}

int hl_test_text(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(overflow_is_sticky),
        cmocka_unit_test(printf_takes_any_length),
        cmocka_unit_test(take_leaves_it_empty),
        cmocka_unit_test(escapes_what_deceives),
        cmocka_unit_test(decodes_utf8),
        cmocka_unit_test(parses_int),
        cmocka_unit_test(parses_duration),
        cmocka_unit_test(formats_duration),
        cmocka_unit_test(duration_reads_back),
        cmocka_unit_test(parses_size),
        cmocka_unit_test(formats_real),
        cmocka_unit_test(tells_how_far_a_word_may_be),
        cmocka_unit_test(measures_edit_distance),
        cmocka_unit_test(compares_ends),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
