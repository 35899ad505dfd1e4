#include "config.h"

#include "tests/unit/state/testing.h"

/* Opens a placeholder with what the encoder has collected. */
static bool open_collected(void *context, const char *path, struct hl_value **out, struct hl_error **err)
{
    const struct hl_codec_secrets *secrets = context;

    for (size_t i = 0; i < secrets->count; i++) {
        if (strcmp(secrets->items[i].path, path) == 0) {
            *out = (struct hl_value *)secrets->items[i].value;
            return true;
        }
    }
    return hl_fail(err, HL_E_NOT_FOUND, "no secret at '%s'", path);
}

static const char *go_round(struct hl_arena *arena, const struct hl_value *value, struct hl_value **back, struct hl_codec_secrets *secrets)
{
    struct hl_error *err = NULL;
    const char *json = hl_codec_encode(arena, value, secrets);

    assert_non_null(json);
    assert_done(hl_codec_decode(arena, json, open_collected, secrets, back, &err), &err);
    return json;
}

static void plain_values_are_stored_as_canonical_json(void **state HL_UNUSED)
{
    static const struct {
        const char *value, *stored;
    } rows[] = {
        {"null", "null"},
        {"true", "true"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"0.5", "0.5"},
        {"\"a\\nb\"", "\"a\\nb\""},
        {"{\"b\":1,\"a\":[1,{}]}", "{\"a\":[1,{}],\"b\":1}"},
        {"{\"cost\":\"$5\"}", "{\"cost\":\"$5\"}"},
        {"{\"$secret\":\"/x\"}", "{\"$$secret\":\"/x\"}"},
        {"{\"$$secret\":{\"$base64\":\"AA\"}}", "{\"$$$secret\":{\"$$base64\":\"AA\"}}"},
        {"[{\"$secret\":1},{\"$secrets\":2},{\"$\":3}]", "[{\"$$secret\":1},{\"$secrets\":2},{\"$\":3}]"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_codec_secrets secrets = {.count = 0};
        const struct hl_value *value = from_json(arena, rows[i].value);
        struct hl_value *back = NULL;

        assert_string_equal(go_round(arena, value, &back, &secrets), rows[i].stored);
        assert_values_equal(back, value);
        assert_int_equal(secrets.count, 0);
        assert_false(hl_value_has_sensitive(back));
    }
}

static void sensitive_parts_are_replaced_by_their_path(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets secrets = {.count = 0};
    struct hl_value *value = from_json(arena, "{\"env\":{\"a/b~c\":\"s1\",\"plain\":\"p\"},\"list\":[1,\"s2\"],\"port\":5432}");
    struct hl_value *back = NULL;

    hl_value_mark_sensitive(hl_value_get(hl_value_get(value, "env"), "a/b~c"));
    hl_value_mark_sensitive(hl_value_item(hl_value_get(value, "list"), 1));
    hl_value_mark_sensitive(hl_value_get(value, "port"));
    assert_string_equal(go_round(arena, value, &back, &secrets), "{\"env\":{\"a/b~c\":{\"$secret\":\"/env/a~1b~0c\"},\"plain\":\"p\"},"
                                                                 "\"list\":[1,{\"$secret\":\"/list/1\"}],\"port\":{\"$secret\":\"/port\"}}");
    assert_int_equal(secrets.count, 3);
    assert_values_equal(back, value);
    assert_true(hl_value_get(back, "port")->sensitive);
    assert_false(hl_value_get(hl_value_get(back, "env"), "plain")->sensitive);
}

static void a_marked_map_is_sealed_with_its_keys(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets secrets = {.count = 0};
    struct hl_value *value = hl_value_mark_sensitive(from_json(arena, "{\"user\":{\"name\":\"x\"}}"));
    struct hl_value *back = NULL;

    assert_string_equal(go_round(arena, value, &back, &secrets), "{\"$secret\":\"\"}");
    assert_values_equal(back, value);
}

static void unknown_parts_are_stored_as_null(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets secrets = {.count = 0};
    struct hl_value *value = hl_value_map(arena);

    hl_value_map_put(value, "key", hl_value_mark_sensitive(hl_value_unknown(arena, "setup_key.a.key")));
    assert_string_equal(hl_codec_encode(arena, value, &secrets), "{\"key\":null}");
    assert_int_equal(secrets.count, 0);
}

static void bytes_that_are_no_text_survive(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secrets secrets = {.count = 0};
    struct hl_value *value = hl_value_list(arena);
    struct hl_value *back = NULL;

    hl_value_list_add(arena, value, hl_value_bytes(arena, "a\0b", 3));
    hl_value_list_add(arena, value, hl_value_bytes(arena, "\xff\xfe", 2));
    assert_string_equal(go_round(arena, value, &back, &secrets), "[{\"$base64\":\"YQBi\"},{\"$base64\":\"//4=\"}]");
    assert_values_equal(back, value);
}

static void a_doctored_document_is_refused(void **state HL_UNUSED)
{
    static const char *const documents[] = {
        "{\"a\":{\"$secret\":\"/b\"}}", "{\"a\":{\"$secret\":\"\"}}",     "{\"a\":{\"$secret\":\"/a\",\"x\":1}}",        "{\"a\":{\"$secret\":1}}",
        "{\"$base64\":\"*\"}",          "{\"$base64\":\"AA==\",\"x\":1}", "[{\"$secret\":\"/1\"},{\"$secret\":\"/0\"}]", "{\"a\":",
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_codec_secret known[] = {{.path = "", .value = sensitive(arena, "x")},
                                      {.path = "/a", .value = sensitive(arena, "x")},
                                      {.path = "/b", .value = sensitive(arena, "x")},
                                      {.path = "/0", .value = sensitive(arena, "x")},
                                      {.path = "/1", .value = sensitive(arena, "x")}};
    struct hl_codec_secrets secrets = {.items = known, .count = HL_COUNT(known)};

    for (size_t i = 0; i < HL_COUNT(documents); i++) {
        struct hl_error *err = NULL;
        struct hl_value *back = NULL;

        if (hl_codec_decode(arena, documents[i], open_collected, &secrets, &back, &err))
            fail_msg("%s was taken", documents[i]);
        hl_error_clear(&err);
    }
}

static void what_is_sealed_keeps_its_type(void **state HL_UNUSED)
{
    static const char *const values[] = {"\"\"", "\"text\"", "5", "true", "0.25", "[1,\"a\"]", "{\"$secret\":\"/x\"}"};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    for (size_t i = 0; i < HL_COUNT(values); i++) {
        struct hl_error *err = NULL;
        const struct hl_value *value = from_json(arena, values[i]);
        struct hl_value *back = NULL;
        size_t length = 0;
        const char *packed = hl_codec_pack(arena, value, &length);

        assert_done(hl_codec_unpack(arena, packed, length, &back, &err), &err);
        assert_values_equal(back, value);
        assert_true(back->sensitive);
    }
}

static void lists_of_addresses_go_both_ways(void **state HL_UNUSED)
{
    static const char *const addresses[] = {"network.a", "volume.b\"c", NULL};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_error *err = NULL;
    const char *const *back = NULL;

    assert_done(hl_codec_decode_list(arena, hl_codec_encode_list(arena, addresses), &back, &err), &err);
    assert_string_equal(back[0], "network.a");
    assert_string_equal(back[1], "volume.b\"c");
    assert_null(back[2]);
    assert_done(hl_codec_decode_list(arena, hl_codec_encode_list(arena, NULL), &back, &err), &err);
    assert_null(back[0]);
    assert_false(hl_codec_decode_list(arena, "[1]", &back, &err));
    assert_failure(&err, HL_E_FAILED, "not a list of addresses");
}

int hl_test_codec(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_are_stored_as_canonical_json),
        cmocka_unit_test(sensitive_parts_are_replaced_by_their_path),
        cmocka_unit_test(a_marked_map_is_sealed_with_its_keys),
        cmocka_unit_test(unknown_parts_are_stored_as_null),
        cmocka_unit_test(bytes_that_are_no_text_survive),
        cmocka_unit_test(a_doctored_document_is_refused),
        cmocka_unit_test(what_is_sealed_keeps_its_type),
        cmocka_unit_test(lists_of_addresses_go_both_ways),
    };

    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
