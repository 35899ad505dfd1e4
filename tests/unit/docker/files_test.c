#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/container/spec.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char key[HL_KEY_BYTES] = {7};

static void the_archive_is_one_that_tar_reads(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text tar = HL_TEXT_INIT(1 << 20);
    const struct hl_value *files = hl_parse(arena, "{\"/etc/a\": {\"content\": \"hello\", \"mode\": \"0400\", \"uid\": 1000, \"gid\": 70000000}}");
    unsigned sum = 0;

    (void)state;
    hl_container_files_tar(&tar, files, 1700000000);
    assert_int_equal(tar.length, 4 * 512); /* header, content, two blocks of end */
    assert_string_equal(tar.data, "etc/a");
    assert_string_equal(tar.data + 100, "0000400");
    assert_string_equal(tar.data + 108, "0001750");
    assert_memory_equal(tar.data + 116, "\x80\0\0\0\x04\x2c\x1d\x80", 8);
    assert_string_equal(tar.data + 124, "00000000005");
    assert_string_equal(tar.data + 136, "14524770400");
    assert_memory_equal(tar.data + 257, "ustar\00000", 8);
    assert_string_equal(tar.data + 512, "hello");
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)tar.data[i];
    assert_int_equal(strtoul(tar.data + 148, NULL, 8), sum);
}

static void long_paths_have_a_header_of_their_own(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text tar = HL_TEXT_INIT(1 << 20);
    char name[200];
    struct hl_value *files = hl_value_map(arena);

    (void)state;
    memset(name, 'a', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    hl_value_map_put(files, name, hl_parse(arena, "{\"content\": \"\"}"));
    hl_container_files_tar(&tar, files, 0);
    assert_int_equal(tar.length, 5 * 512);
    assert_string_equal(tar.data, "././@LongLink");
    assert_int_equal(tar.data[156], 'L');
    assert_string_equal(tar.data + 512, name + 1);
}

static void the_label_tells_contents_apart_and_none_of_them(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *recorded = hl_parse(arena, "{\"files\": {\"/a\": {\"content\": \"one\", \"mode\": \"0400\"}, \"/b\": {\"content\": \"two\"}}}");
    const struct hl_value *desired = hl_parse(arena, "{\"files\": {\"/a\": {\"content\": \"changed\"}, \"/b\": {\"content\": \"two\"}}}");
    const char *label = hl_container_files_label(arena, key, hl_value_get(recorded, "files"));
    static const unsigned char other_key[HL_KEY_BYTES] = {8};

    (void)state;
    assert_null(strstr(label, "one"));
    hl_expect_text("from the record",
                   "{\"/a\":{\"content\":\"one\",\"gid\":0,\"mode\":\"0400\",\"uid\":0},\"/b\":{\"content\":\"two\",\"gid\":0,\"mode\":\"0644\",\"uid\":0}}",
                   hl_shown(arena, hl_container_files_live(arena, key, label, desired, recorded)));
    hl_expect_text("from the spec", "{\"content\":\"two\",\"gid\":0,\"mode\":\"0644\",\"uid\":0}",
                   hl_shown(arena, hl_value_get(hl_container_files_live(arena, key, label, desired, NULL), "/b")));
    const struct hl_value *unknown = hl_value_get(hl_container_files_live(arena, other_key, label, desired, recorded), "/b");
    assert_true(hl_starts_with(hl_value_get_text(unknown, "content"), "(another content"));
    assert_null(hl_container_files_live(arena, key, label, NULL, NULL));
    assert_null(hl_container_files_live(arena, key, NULL, desired, recorded));
    assert_null(hl_container_files_live(arena, key, "no json", desired, recorded));
    hl_expect_end();
}

int hl_test_files(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_archive_is_one_that_tar_reads),
        cmocka_unit_test(long_paths_have_a_header_of_their_own),
        cmocka_unit_test(the_label_tells_contents_apart_and_none_of_them),
    };

    return cmocka_run_group_tests_name("docker/files", tests, NULL, NULL);
}
