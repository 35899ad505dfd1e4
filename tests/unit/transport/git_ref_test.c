#include "config.h"

#include "reconcile/transport/git_internal.h"
#include "tests/unit/transport/testing.h"

#define ID(digit) digit digit digit digit digit digit digit digit
#define ID_OF(digits) ID(digits) /* five digits: forty */

static const struct {
    const char *name, *id;
} advertised[] = {
    {"HEAD", ID_OF("11111")},
    {"refs/heads/both", ID_OF("22222")},
    {"refs/heads/main", ID_OF("11111")},
    {"refs/heads/pull/7", ID_OF("33333")},
    {"refs/heads/release/1.0", ID_OF("44444")},
    {"refs/heads/esc\x1b[2J", ID_OF("44444")},
    {"refs/pull/7/head", ID_OF("55555")},
    {"refs/pull/7/merge", ID_OF("66666")},
    {"refs/merge-requests/8/head", ID_OF("77777")},
    {"refs/tags/both", ID_OF("88888")},
    {"refs/tags/v1", ID_OF("99999")},
    {"refs/tags/v1^{}", ID_OF("aaaaa")},
    {"refs/tags/light", ID_OF("bbbbb")},
};

static git_remote_head heads[HL_COUNT(advertised)];
static const git_remote_head *list[HL_COUNT(advertised)];

static int start(void **state HL_UNUSED)
{
    git_libgit2_init();
    for (size_t i = 0; i < HL_COUNT(advertised); i++) {
        heads[i].name = (char *)(uintptr_t)advertised[i].name;
        git_oid_fromstrn(&heads[i].oid, advertised[i].id, 40);
        list[i] = &heads[i];
    }
    return 0;
}

static int stop(void **state HL_UNUSED)
{
    git_libgit2_shutdown();
    return 0;
}

static bool find(struct hl_arena *arena, const char *ref, size_t count, struct hl_git_found *out, struct hl_error **err)
{
    struct hl_git_wanted wanted;

    return hl_git_wanted_parse(arena, ref, &wanted, err) && hl_git_wanted_find(arena, &wanted, "https://host/a", list, count, out, err);
}

static void names_that_are_found(void **state HL_UNUSED)
{
    static const struct {
        const char *asked, *ref, *id;
    } rows[] = {
        {NULL, "HEAD", ID_OF("11111")},
        {"", "HEAD", ID_OF("11111")},
        {"HEAD", "HEAD", ID_OF("11111")},
        {"main", "refs/heads/main", ID_OF("11111")},
        {"refs/heads/main", "refs/heads/main", ID_OF("11111")},
        {"release/1.0", "refs/heads/release/1.0", ID_OF("44444")},
        {"refs/heads/both", "refs/heads/both", ID_OF("22222")},
        {"refs/tags/both", "refs/tags/both", ID_OF("88888")},
        {"pull/7", "refs/pull/7/head", ID_OF("55555")},
        {"pull/7/head", "refs/pull/7/head", ID_OF("55555")},
        {"pull/7/merge", "refs/pull/7/merge", ID_OF("66666")},
        {"refs/pull/7/head", "refs/pull/7/head", ID_OF("55555")},
        {"refs/heads/pull/7", "refs/heads/pull/7", ID_OF("33333")},
        {"merge-requests/8", "refs/merge-requests/8/head", ID_OF("77777")},
        {"v1", "refs/tags/v1", ID_OF("aaaaa")},
        {"refs/tags/v1", "refs/tags/v1", ID_OF("aaaaa")},
        {"light", "refs/tags/light", ID_OF("bbbbb")},
        {ID_OF("44444"), "refs/heads/release/1.0", ID_OF("44444")},
        {ID_OF("aaaaa"), "refs/tags/v1", ID_OF("aaaaa")},
        {ID_OF("AAAAA"), "refs/tags/v1", ID_OF("aaaaa")},
        {ID_OF("ccccc"), NULL, ID_OF("ccccc")},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_git_found found;
        char id[HL_GIT_ID];

        if (!find(arena, rows[i].asked, HL_COUNT(list), &found, &err))
            fail_msg("'%s' is not found: %s", rows[i].asked, err->message);
        git_oid_tostr(id, sizeof(id), &found.id);
        assert_string_equal(id, rows[i].id);
        if (rows[i].ref == NULL)
            assert_null(found.ref);
        else
            assert_string_equal(found.ref, rows[i].ref);
    }
}

static void names_that_are_not(void **state HL_UNUSED)
{
    static const struct {
        const char *asked;
        enum hl_code code;
        const char *why, *hint;
    } rows[] = {
        {"mian", HL_E_NOT_FOUND, "has no branch or tag 'mian'", "did you mean 'main'?"},
        {"refs/heads/mian", HL_E_NOT_FOUND, "has no 'refs/heads/mian'", "did you mean 'main'?"},
        {"something else", HL_E_SPEC, "cannot be the name of a git ref", "pull/7"},
        {"far-away-from-all", HL_E_NOT_FOUND, "has no branch or tag", NULL},
        {"esc", HL_E_NOT_FOUND, "has no branch or tag", NULL},
        {"both", HL_E_SPEC, "both a branch and a tag 'both'", "refs/heads/both or refs/tags/both"},
        {"pull/8", HL_E_NOT_FOUND, "has no 'refs/pull/8/head'", "no such pull request"},
        {"merge-requests/7", HL_E_NOT_FOUND, "has no 'refs/merge-requests/7/head'", "no such merge request"},
        {"pull/x", HL_E_NOT_FOUND, "has no branch or tag 'pull/x'", NULL},
        {"1111111", HL_E_NOT_FOUND, "has no branch or tag '1111111'", "all 40 digits"},
        {ID("11111111"), HL_E_SPEC, "SHA-256", NULL},
        {"main~1", HL_E_SPEC, "cannot be the name", NULL},
        {"main^{tree}", HL_E_SPEC, "cannot be the name", NULL},
        {"HEAD:hlrec.yaml", HL_E_SPEC, "cannot be the name", NULL},
        {":/fix", HL_E_SPEC, "cannot be the name", NULL},
        {"@{-1}", HL_E_SPEC, "cannot be the name", NULL},
        {"refs/../x", HL_E_SPEC, "cannot be the name", NULL},
        {"a\x1b[2Jb", HL_E_SPEC, "'a\\x1b[2Jb' cannot be the name", NULL},
        {"refs/tags/v1^{}", HL_E_SPEC, "cannot be the name", NULL},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_git_found found;

        if (find(arena, rows[i].asked, HL_COUNT(list), &found, &err))
            fail_msg("'%s' is found", rows[i].asked);
        if (rows[i].hint != NULL)
            assert_contains(err->hint, rows[i].hint);
        assert_failure(&err, rows[i].code, rows[i].why);
    }
}

static void an_empty_repository(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_git_found found;

    assert_false(find(arena, NULL, 0, &found, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "has no commits yet");
    assert_false(find(arena, "main", 0, &found, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "has no branch or tag 'main'");
}

static void refs_of_the_cache_do_not_clash(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *outer = hl_git_cache_ref(arena, "refs/heads/a"), *inner = hl_git_cache_ref(arena, "refs/heads/a/b");

    assert_string_not_equal(outer, inner);
    assert_int_equal(strlen(outer), strlen(inner));
    assert_true(hl_starts_with(outer, "refs/hlrec/"));
    assert_null(strchr(outer + 11, '/'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_found),
        cmocka_unit_test(names_that_are_not),
        cmocka_unit_test(an_empty_repository),
        cmocka_unit_test(refs_of_the_cache_do_not_clash),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
