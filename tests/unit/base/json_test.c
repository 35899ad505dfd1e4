#include "config.h"

#include "schema/base/json.h"
#include "tests/unit/base/tests.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static struct hl_value *decode(struct hl_arena *arena, const char *text)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (!hl_json_decode(arena, text, strlen(text), &value, &err))
        fail_msg("'%s': %s", text, err->message);
    assert_null(err);
    return value;
}

static void encodes_to(const struct hl_value *value, enum hl_json_style style, const char *expected)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(100000);

    hl_json_encode(&text, value, style);
    assert_string_equal(hl_text_get(&text), expected);
}

/* What is read and written again, compact. */
static void documents_read_and_write(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"null", "null"},
        {" true ", "true"},
        {"false\n", "false"},
        {"\"\"", "\"\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"[1, 2 ,[3]]", "[1,2,[3]]"},
        {"{\"b\": 1, \"a\": {\"c\": null}}", "{\"b\":1,\"a\":{\"c\":null}}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}"},
        {"\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80/\""},
        {"\"a\\\"b\\\\c\\n\\t\\u0001\"", "\"a\\\"b\\\\c\\n\\t\\u0001\""},
        {"\xef\xbb\xbf[1]", "[1]"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++)
        encodes_to(decode(arena, rows[i].text), HL_JSON_COMPACT, rows[i].expected);
}

static void integers_keep_their_digits(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        int64_t expected;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"42", 42},
        {"1.0", 1},
        {"1e3", 1000},
        {"9007199254740993", 9007199254740993},
        {"-9007199254740993", -9007199254740993},
        {"1234567890123456789", 1234567890123456789},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *value = decode(arena, rows[i].text);

        if (value->type != HL_INT || value->integer != rows[i].expected)
            fail_msg("'%s' gave a %s %" PRId64, rows[i].text, hl_type_name(value->type), value->integer);
    }
}

static void other_numbers_are_real(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        double expected;
    } rows[] = {
        {"0.5", 0.5}, {"-1.25e-3", -0.00125}, {"9223372036854775808", 0x1p63}, {"1e300", 1e300}, {"18446744073709551615", 0x1p64},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *value = decode(arena, rows[i].text);

        assert_int_equal(value->type, HL_REAL);
        assert_true(value->real == rows[i].expected);
    }
}

/* Digits and escapes within texts and keys must not be taken for the numbers of the document. */
static void numbers_are_found_behind_texts(void **state HL_UNUSED)
{
    static const char text[] = "{\"1\": \"-7 \\\" 8\", \"2\\\\\": [9007199254740993, \"3\", true, 9007199254740995, 0.5],"
                               " \"1\": 9007199254740997, \"e-4\": {}, \"y\": [1, -2.5, 3e2, 9007199254741001, 4], \"z\": -9007199254740999}";
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    encodes_to(decode(arena, text), HL_JSON_COMPACT,
               "{\"1\":9007199254740997,\"2\\\\\":[9007199254740993,\"3\",true,9007199254740995,0.5],"
               "\"e-4\":{},\"y\":[1,-2.5,300,9007199254741001,4],\"z\":-9007199254740999}");
}

static void nul_escapes_are_kept(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        const char *data;
        size_t length;
    } rows[] = {
        {"\"a\\u0000b\"", BYTES("a\0b")},    {"\"\\u0000\"", BYTES("\0")},       {"\"\\u0000\\u0000x\"", BYTES("\0\0x")},
        {"\"\\\\u0000\"", BYTES("\\u0000")}, {"\"\\\\\\u0000\"", BYTES("\\\0")},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *value = decode(arena, rows[i].text);

        assert_int_equal(value->text.length, rows[i].length);
        assert_memory_equal(value->text.data, rows[i].data, rows[i].length);
        encodes_to(value, HL_JSON_COMPACT, rows[i].text);
    }
}

static void broken_documents_are_refused(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        size_t length;
        const char *message; /* begins with this */
    } rows[] = {
        {BYTES(""), "not valid JSON: the text is empty"},
        {BYTES(" \n"), "not valid JSON: the text is empty"},
        {BYTES("{"), "not valid JSON: line 1"},
        {BYTES("[1,]"), "not valid JSON: line 1, column 4"},
        {BYTES("[1\n 2]"), "not valid JSON: line 2, column 2"},
        {BYTES("{\"a\" 1}"), "not valid JSON: line 1"},
        {BYTES("{a: 1}"), "not valid JSON: line 1"},
        {BYTES("\"abc"), "not valid JSON: line 1"},
        {BYTES("\"\\ud800\""), "not valid JSON: line 1"},
        {BYTES("1 2"), "not valid JSON: line 1, column 3: more text behind the document"},
        {BYTES("[]]"), "not valid JSON: line 1, column 3: more"},
        {BYTES("nul"), "not valid JSON: line 1, column 1"},
        {BYTES("\"a\0b\""), "not valid JSON: line 1, column 3: a NUL byte"},
        {BYTES("[1]\0"), "not valid JSON: line 1, column 4: a NUL byte"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_value *value = NULL;

        /* In memory of just this length, so that a sanitizer sees a read behind it. */
        hl_auto(heap) char *exact = hl_alloc(rows[i].length);

        memcpy(exact, rows[i].text, rows[i].length);
        if (hl_json_decode(arena, exact, rows[i].length, &value, &err))
            fail_msg("row %zu was taken", i);
        assert_null(value);
        if (strncmp(err->message, rows[i].message, strlen(rows[i].message)) != 0)
            fail_msg("row %zu: %s", i, err->message);
    }
}

static void depth_is_limited(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *value = NULL;
    char deep[4000];

    memset(deep, '[', 2000);
    memset(deep + 2000, ']', 2000);
    assert_false(hl_json_decode(arena, deep, sizeof(deep), &value, &err));
    assert_true(hl_json_decode(arena, deep + 1100, 1800, &value, &(struct hl_error *){NULL}));
}

static void styles_differ(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *value = decode(arena, "{\"b\":[1,{}],\"a\":{\"z\":[],\"B\":\"x\"}}");

    encodes_to(value, HL_JSON_CANONICAL, "{\"a\":{\"B\":\"x\",\"z\":[]},\"b\":[1,{}]}");
    encodes_to(value, HL_JSON_PRETTY, "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"z\": [],\n    \"B\": \"x\"\n  }\n}");
}

/* C1 controls, marks of direction, what has no width: a terminal would act on them. Texts that hashes are made of stay as they always were. */
static void nothing_steers_a_terminal(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *raw = "a\xc2\x9b"
                      "31m\xe2\x80\xae"
                      "b\xef\xbb\xbf\xc3\xa4\xf0\x9f\x98\x80";

    encodes_to(hl_value_text(arena, raw), HL_JSON_COMPACT, "\"a\\u009b31m\\u202eb\\ufeff\xc3\xa4\xf0\x9f\x98\x80\"");
    encodes_to(hl_value_text(arena, raw), HL_JSON_CANONICAL,
               "\"a\xc2\x9b"
               "31m\xe2\x80\xae"
               "b\xef\xbb\xbf\xc3\xa4\xf0\x9f\x98\x80\"");
    assert_string_equal(decode(arena, "\"a\\u009b31m\\u202eb\\ufeff\xc3\xa4\xf0\x9f\x98\x80\"")->text.data, raw);
}

static void special_values_are_written(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    encodes_to(NULL, HL_JSON_COMPACT, "null");
    encodes_to(hl_value_unknown(arena, "a.b"), HL_JSON_COMPACT, "null");
    encodes_to(hl_value_mark_sensitive(hl_value_text(arena, "s")), HL_JSON_COMPACT, "\"s\"");
    encodes_to(hl_value_real(arena, NAN), HL_JSON_COMPACT, "null");
    encodes_to(hl_value_real(arena, -HUGE_VAL), HL_JSON_COMPACT, "null");
    encodes_to(hl_value_real(arena, 0.1), HL_JSON_COMPACT, "0.1");
    encodes_to(hl_value_real(arena, 1e17), HL_JSON_CANONICAL, "100000000000000000");
}

static void broken_utf8_is_replaced(void **state HL_UNUSED)
{
    static const struct {
        const char *data;
        size_t length;
        const char *expected;
    } rows[] = {
        {BYTES("a\xff"
               "b"),
         "\"a\xef\xbf\xbd"
         "b\""},
        {BYTES("\xc3"), "\"\xef\xbf\xbd\""},
        {BYTES("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {BYTES("\xc3\xa9"), "\"\xc3\xa9\""},
        {BYTES("\x7f\b\f\r\x1f"), "\"\\u007f\\b\\f\\r\\u001f\""},
        {BYTES(""), "\"\""},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1000);

        hl_json_put_string(&text, rows[i].data, rows[i].length);
        assert_string_equal(hl_text_get(&text), rows[i].expected);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct hl_value *random_value(struct hl_arena *arena, uint32_t *seed, int depth)
{
    struct hl_value *value = NULL;
    char text[5];
    size_t length = next_random(seed) % 5;

    for (size_t i = 0; i < length; i++)
        text[i] = (char)(next_random(seed) % 128);
    switch (next_random(seed) % (depth > 0 ? 8 : 6)) {
    case 0:
        return hl_value_null(arena);
    case 1:
        return hl_value_bool(arena, next_random(seed) % 2 == 0);
    case 2:
        return hl_value_int(arena, (int64_t)((uint64_t)next_random(seed) << 40 | next_random(seed)));
    case 3:
        return hl_value_int(arena, (int64_t)next_random(seed) - (1 << 23));
    case 4:
        return hl_value_real(arena, ldexp((double)next_random(seed), (int)(next_random(seed) % 200) - 100));
    case 5:
        return hl_value_bytes(arena, text, length);
    case 6:
        value = hl_value_list(arena);
        for (size_t i = 0; i < length; i++)
            hl_value_list_add(arena, value, random_value(arena, seed, depth - 1));
        return value;
    default:
        value = hl_value_map(arena);
        for (size_t i = 0; i < length; i++)
            hl_value_map_put(value, hl_arena_printf(arena, "%c\"%u", 'a' + (int)i, next_random(seed) % 9), random_value(arena, seed, depth - 1));
        return value;
    }
}

static void whatever_is_written_reads_back(void **state HL_UNUSED)
{
    uint32_t seed = 7;

    for (int i = 0; i < 2000; i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const struct hl_value *value = random_value(arena, &seed, 4);
        hl_auto(text) struct hl_text text = HL_TEXT_INIT(1000000);

        hl_json_encode(&text, value, (enum hl_json_style)(i % 3));

        const struct hl_value *back = NULL;
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_value *out = NULL;

        if (!hl_json_decode(arena, text.data, text.length, &out, &err))
            fail_msg("%s: %s", text.data, err->message);
        back = out;
        if (!hl_value_equal(value, back))
            fail_msg("%s", text.data);
    }
}

struct visits {
    struct hl_text seen;
    int stop_after;
};

static bool visit(void *context, struct hl_value *element, struct hl_error **err)
{
    struct visits *visits = context;

    hl_json_encode(&visits->seen, element, HL_JSON_COMPACT);
    hl_text_putc(&visits->seen, ';');
    if (--visits->stop_after == 0)
        return hl_fail(err, HL_E_CONFLICT, "enough");
    return true;
}

static void walks_lists(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        bool good;
        const char *seen;
    } rows[] = {
        {"[]", true, ""},
        {" [ ] ", true, ""},
        {"[1]", true, "1;"},
        {" [ 9007199254740993 , {\"a\" : [2]},\n\"x]\\u0000\",null ] \n", true, "9007199254740993;{\"a\":[2]};\"x]\\u0000\";null;"},
        {"[1,]", false, "1;"},
        {"[,1]", false, ""},
        {"[1 2]", false, "1;"},
        {"[1-2]", false, "1;"},
        {"[1", false, "1;"},
        {"[1,", false, "1;"},
        {"[", false, ""},
        {"", false, ""},
        {"{}", false, ""},
        {"[1]]", false, "1;"},
        {"[1,{\"a\":}]", false, "1;"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;
        struct visits visits = {.seen = HL_TEXT_INIT(1000)};
        size_t length = strlen(rows[i].text);
        hl_auto(heap) char *exact = hl_alloc(length);

        memcpy(exact, rows[i].text, length);

        bool good = hl_json_each(exact, length, visit, &visits, &err);

        if (good != rows[i].good || good != (err == NULL) || strcmp(hl_text_get(&visits.seen), rows[i].seen) != 0)
            fail_msg("'%s': %d, saw %s", rows[i].text, good, hl_text_get(&visits.seen));
        hl_text_clear(&visits.seen);
    }
}

static void walk_stops_when_told(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct visits visits = {.seen = HL_TEXT_INIT(1000), .stop_after = 2};

    assert_false(hl_json_each("[1,2,3]", 7, visit, &visits, &err));
    assert_int_equal(err->code, HL_E_CONFLICT);
    assert_string_equal(hl_text_get(&visits.seen), "1;2;");
    hl_text_clear(&visits.seen);
}

int hl_test_json(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_read_and_write),
        cmocka_unit_test(integers_keep_their_digits),
        cmocka_unit_test(other_numbers_are_real),
        cmocka_unit_test(numbers_are_found_behind_texts),
        cmocka_unit_test(nul_escapes_are_kept),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(styles_differ),
        cmocka_unit_test(nothing_steers_a_terminal),
        cmocka_unit_test(special_values_are_written),
        cmocka_unit_test(broken_utf8_is_replaced),
        cmocka_unit_test(whatever_is_written_reads_back),
        cmocka_unit_test(walks_lists),
        cmocka_unit_test(walk_stops_when_told),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
