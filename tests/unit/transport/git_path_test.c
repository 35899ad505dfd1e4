#include "config.h"

#include "reconcile/transport/git_internal.h"
#include "tests/unit/transport/testing.h"

static void paths_are_joined_within_the_tree(void **state HL_UNUSED)
{
    static const struct {
        const char *folder, *path, *joined;
    } rows[] = {
        {"", "a", "a"},          {"", "./a", "a"},        {"", "a//b/./c/", "a/b/c"},    {"x/y", "a", "x/y/a"},         {"x/y", "../a", "x/a"},
        {"x/y", "../../a", "a"}, {"x/y", "../..", ""},    {"x/y", "a/../../b", "x/b"},   {"x", "..a/...", "x/..a/..."}, {"x/y", "../../../a", NULL},
        {"", "..", NULL},        {"", "a/../../b", NULL}, {"x", "a/../../../x/b", NULL}, {"x", "/etc/shadow", NULL},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        const char *joined = hl_git_path_join(arena, rows[i].folder, rows[i].path);

        if (rows[i].joined == NULL ? joined != NULL : joined == NULL || strcmp(joined, rows[i].joined) != 0)
            fail_msg("'%s' and '%s' give '%s'", rows[i].folder, rows[i].path, joined == NULL ? "(null)" : joined);
    }
}

static void odd_paths_are_refused(void **state HL_UNUSED)
{
    static const struct {
        const char *path, *why;
    } rows[] = {
        {"", "is empty"},
        {"/a", "is absolute"},
        {"a/", "an empty part"},
        {"a//b", "an empty part"},
        {".", "'.' or '..'"},
        {"a/..", "'.' or '..'"},
        {"../a", "'.' or '..'"},
        {"a/./b", "'.' or '..'"},
        {"a\\..\\b", "a backslash"},
        {"a\nb", "a control character"},
        {"\x1b[2J", "'\\x1b[2J' is no path"},
        {"a\x7f", "a control character"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;

        if (hl_git_path_check(rows[i].path, &err))
            fail_msg("'%s' is taken", rows[i].path);
        assert_failure(&err, HL_E_SPEC, rows[i].why);
    }
}

static void plain_paths_are_taken(void **state HL_UNUSED)
{
    static const char *const paths[] = {"a", "a/b.c", "...", "..a", "a..", ".hidden/x", "f\xc3\xbcnf", "a b", "-", "a:b", "\xff"};

    for (size_t i = 0; i < HL_COUNT(paths); i++) {
        hl_auto(error) struct hl_error *err = NULL;

        if (!hl_git_path_check(paths[i], &err))
            fail_msg("'%s' is refused: %s", paths[i], err->message);
    }
}

static struct hl_git_entry entry(unsigned mode, unsigned char id)
{
    return (struct hl_git_entry){.mode = mode, .id = {.id = {id}}};
}

/* Letters: the content in the ancestor, the base and the head; '-' is absent, '?' stays open. */
static void three_sides_are_settled(void **state HL_UNUSED)
{
    static const struct {
        const char *sides;
        char result;
    } rows[] = {
        {"aaa", 'a'}, {"aab", 'b'}, {"aba", 'b'}, {"abb", 'b'}, {"abc", '?'}, {"aa-", '-'}, {"a-a", '-'}, {"a--", '-'},
        {"ab-", '?'}, {"a-b", '?'}, {"--a", 'a'}, {"-a-", 'a'}, {"-aa", 'a'}, {"-ab", '?'}, {"---", '-'},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_git_entry sides[3];

        for (size_t side = 0; side < 3; side++)
            sides[side] = rows[i].sides[side] == '-' ? entry(0, 0) : entry(GIT_FILEMODE_BLOB, (unsigned char)rows[i].sides[side]);

        struct hl_git_place place = hl_git_settle(&sides[0], &sides[1], &sides[2]);
        char result = !place.settled ? '?' : place.head.mode == 0 ? '-' : (char)place.head.id.id[0];

        if (result != rows[i].result)
            fail_msg("'%s' gives '%c'", rows[i].sides, result);
    }
}

static void a_change_of_mode_is_a_change(void **state HL_UNUSED)
{
    const struct hl_git_entry plain = entry(GIT_FILEMODE_BLOB, 1), script = entry(GIT_FILEMODE_BLOB_EXECUTABLE, 1);
    struct hl_git_place place = hl_git_settle(&plain, &plain, &script);

    assert_true(place.settled);
    assert_int_equal(place.head.mode, GIT_FILEMODE_BLOB_EXECUTABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_within_the_tree), cmocka_unit_test(odd_paths_are_refused),        cmocka_unit_test(plain_paths_are_taken),
        cmocka_unit_test(three_sides_are_settled),          cmocka_unit_test(a_change_of_mode_is_a_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
