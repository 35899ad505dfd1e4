#include "config.h"

#include "tests/unit/docker/tests.h"

#include "tests/unit/docker/world.h"

#include "reconcile/providers/docker/image.h"
#include "reconcile/providers/docker/image_name.h"
#include "reconcile/providers/docker/pull.h"

#include <string.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void references_have_one_normal_form(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"nginx", "docker.io/library/nginx:latest"},
        {"docker.io/nginx:1", "docker.io/library/nginx:1"},
        {"index.docker.io/me/app", "docker.io/me/app:latest"},
        {"me/app:v1.2_x", "docker.io/me/app:v1.2_x"},
        {"ghcr.io/me/app", "ghcr.io/me/app:latest"},
        {"localhost/app", "localhost/app:latest"},
        {"registry:5000/app", "registry:5000/app:latest"},
        {"nginx@sha256:" HASH, "docker.io/library/nginx@sha256:" HASH},
        {"nginx:1@sha256:" HASH, "docker.io/library/nginx:1@sha256:" HASH},
        {"sha256:" HASH, "sha256:" HASH},
        {HASH, "sha256:" HASH},
        {"[::1]:5000/app", "[::1]:5000/app:latest"},
        {"a b:1/x", "!"},
        {"host:port/x", "!"},
        {"Nginx", "!"},
        {"nginx:", "!"},
        {"nginx:-x", "!"},
        {"nginx@sha256:12", "!"},
        {"", "!"},
        {"a//b", "!"},
        {"-a", "!"},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_image_name name;
        const char *problem = NULL;
        const bool fine = hl_image_name_parse(arena, rows[i].text, &name, &problem);
        assert_true(fine || problem != NULL);
        hl_expect_text(rows[i].text, rows[i].expected, fine ? hl_image_name_format(arena, &name) : "!");
    }
    hl_expect_end();
}

static void references_are_compared_by_what_they_mean(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"nginx", "docker.io/library/nginx:latest", true},
        {"nginx:1", "nginx:2", false},
        {"nginx:1@sha256:" HASH, "nginx:2@sha256:" HASH, true},
        {"nginx@sha256:" HASH, "nginx:latest", false},
        {"ghcr.io/a", "a", false},
        {"not an image", "not an image", true},
        {"not an image", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++)
        hl_expect_text(rows[i].a, rows[i].equal ? "equal" : "different", hl_image_name_equal(rows[i].a, rows[i].b) ? "equal" : "different");
    hl_expect_end();
}

static void a_digest_counts_for_its_repository_only(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *image = hl_parse(arena, "{\"RepoDigests\": [\"nginx@sha256:" HASH "\"]}");
    const struct hl_value *built = hl_parse(arena, "{\"RepoDigests\": []}");

    (void)state;
    assert_true(hl_image_has_digest(image, "nginx:1", "sha256:" HASH));
    assert_false(hl_image_has_digest(image, "docker.io/library/nginx:1", "sha256:other"));
    assert_true(hl_image_has_digest(image, "ghcr.io/nginx:1", "sha256:other")); /* never pulled from there */
    assert_true(hl_image_has_digest(built, "nginx:1", "sha256:other"));
}

static void errors_within_a_pull_are_found_however_it_is_cut(void **state)
{
    static const char stream[] = "{\"status\":\"Pulling from library/nginx\",\"id\":\"1\"}\r\n"
                                 "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":50,\"total\":100},\"id\":\"aa\"}"
                                 "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aa\"}\n"
                                 "rubbish\n"
                                 "{\"errorDetail\":{\"message\":\"toomanyrequests\"},\"error\":\"toomanyrequests\"}\r\n";

    (void)state;
    for (size_t piece = 1; piece < sizeof stream; piece += 7) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_pull_stream reader;
        hl_pull_stream_init(&reader, arena, NULL);
        for (size_t at = 0; at < sizeof stream - 1; at += piece)
            hl_pull_stream_feed(&reader, stream + at, at + piece < sizeof stream - 1 ? piece : sizeof stream - 1 - at);
        assert_string_equal(reader.problem, "toomanyrequests");
        assert_int_equal(reader.layers->count, 1);
        hl_pull_stream_clear(&reader);
    }
}

int hl_test_image(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_have_one_normal_form),
        cmocka_unit_test(references_are_compared_by_what_they_mean),
        cmocka_unit_test(a_digest_counts_for_its_repository_only),
        cmocka_unit_test(errors_within_a_pull_are_found_however_it_is_cut),
    };

    return cmocka_run_group_tests_name("docker/image", tests, NULL, NULL);
}
