#include "config.h"

#include "reconcile/transport/git_internal.h"
#include "tests/unit/transport/testing.h"

static void urls_that_are_taken(void **state HL_UNUSED)
{
    static const struct {
        const char *text;
        enum hl_git_scheme scheme;
        const char *remote, *identity, *user, *host;
        int port;
    } rows[] = {
        {"https://git.example.org/a/b.git", HL_GIT_HTTPS, "https://git.example.org/a/b.git", "https://git.example.org:443/a/b.git", NULL, "git.example.org",
         443},
        {"https://Git.Example.org:443/a/b.git/", HL_GIT_HTTPS, "https://git.example.org/a/b.git", "https://git.example.org:443/a/b.git", NULL,
         "git.example.org", 443},
        {"https://[2001:db8::1]:8443/a", HL_GIT_HTTPS, "https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a", NULL, "2001:db8::1", 8443},
        {"http://127.0.0.1:3000/a", HL_GIT_HTTP, "http://127.0.0.1:3000/a", "http://127.0.0.1:3000/a", NULL, "127.0.0.1", 3000},
        {"http://localhost/a", HL_GIT_HTTP, "http://localhost/a", "http://localhost:80/a", NULL, "localhost", 80},
        {"http://[::1]/a", HL_GIT_HTTP, "http://[::1]/a", "http://[::1]:80/a", NULL, "::1", 80},
        {"ssh://git@host/a.git", HL_GIT_SSH, "ssh://git@host/a.git", "ssh://git@host:22/a.git", "git", "host", 22},
        {"ssh://host/a.git", HL_GIT_SSH, "ssh://git@host/a.git", "ssh://git@host:22/a.git", "git", "host", 22},
        {"ssh://me@host:2222/~me/a", HL_GIT_SSH, "ssh://me@host:2222/~me/a", "ssh://me@host:2222/~me/a", "me", "host", 2222},
        {"git@host:a/b.git", HL_GIT_SSH, "git@host:a/b.git", "ssh://git@host:22/~/a/b.git", "git", "host", 22},
        {"host:a/b.git", HL_GIT_SSH, "git@host:a/b.git", "ssh://git@host:22/~/a/b.git", "git", "host", 22},
        {"git@host:/a/b.git", HL_GIT_SSH, "git@host:/a/b.git", "ssh://git@host:22/a/b.git", "git", "host", 22},
        {"file:///no/such%20folder", HL_GIT_FILE, "/no/such folder", "file:///no/such folder", NULL, NULL, 0},
        {"file://localhost/no/such", HL_GIT_FILE, "/no/such", "file:///no/such", NULL, NULL, 0},
        {"/no/such/a b:c", HL_GIT_FILE, "/no/such/a b:c", "file:///no/such/a b:c", NULL, NULL, 0},
        {"/no/such/%20", HL_GIT_FILE, "/no/such/%20", "file:///no/such/%20", NULL, NULL, 0},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_git_url url;

        if (!hl_git_url_parse(arena, rows[i].text, &url, &err))
            fail_msg("'%s' is not taken: %s", rows[i].text, err->message);
        assert_int_equal(url.scheme, rows[i].scheme);
        assert_string_equal(url.remote, rows[i].remote);
        assert_string_equal(url.identity, rows[i].identity);
        assert_int_equal(url.port, rows[i].port);
        if (rows[i].host != NULL)
            assert_string_equal(url.host, rows[i].host);
        if (rows[i].user != NULL)
            assert_string_equal(url.user, rows[i].user);
    }
}

static void urls_that_are_refused(void **state HL_UNUSED)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "is empty"},
        {"https://user:se-same@host/a", "holds a password"},
        {"https://se-same@host/a", "holds a user name"},
        {"ssh://git:se-same@host/a", "holds a password"},
        {"https://host/a?token=se-same", "has a query"},
        {"https://host/a#se-same", "has a query or a fragment"},
        {"https://host", "names a host and no repository"},
        {"https://host//", "names a host and no repository"},
        {"https:///a", "names no host"},
        {"https://-oProxyCommand=x/a", "names no host, or one of odd"},
        {"https://ho$t/a", "names no host, or one of odd"},
        {"https://host:0/a", "a port that is no number"},
        {"https://host:65536/a", "a port that is no number"},
        {"https://host:/a", "a port that is no number"},
        {"https://[::1/a", "a '[' without its ']'"},
        {"https://[::1]x/a", "a '[' without its ']'"},
        {"http://git.example.org/a", "unprotected"},
        {"http://127.evil.example/a", "unprotected"},
        {"http://128.0.0.1/a", "unprotected"},
        {"ssh://-oProxyCommand=touch@host/a", "an odd user name"},
        {"ssh://git@host/a'b", "has no path, or one with a quote"},
        {"ssh://git@host/", "has no path"},
        {"git@host:", "has no path"},
        {"git@host:a'b", "has no path, or one with a quote"},
        {"git@host:-a", "has no path"},
        {"git@[::1]:a", "has brackets"},
        {"git://host/a", "protects nothing"},
        {"ext::sh -c touch", "holds a blank"},
        {"ext::sh", "a scheme that is not taken"},
        {"ftp://host/a", "a scheme that is not taken"},
        {"a/b:c", "is a relative path"},
        {"../a", "is a relative path"},
        {"a", "is a relative path"},
        {"file://host/a", "names a host behind file://"},
        {"file://a", "names a host behind file://"},
        {"/", "names no folder"},
        {"file:///a%0ab", "of odd characters"},
        {"https://host/a\nb", "a control character"},
        {"https://ho st/a", "holds a blank"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_git_url url;

        if (hl_git_url_parse(arena, rows[i].text, &url, &err))
            fail_msg("'%s' is taken", rows[i].text);

        hl_auto(heap) char *text = hl_error_text(err);

        assert_null(strstr(text, "se-same"));
        assert_failure(&err, HL_E_SPEC, rows[i].why);
    }
}

static void what_a_server_sends_is_masked(void **state HL_UNUSED)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"https://host/a.git/info/refs?service=x&key=secret", "https://host/a.git/info/refs"},
        {"https://me:secret@host:8443/a#secret", "https://host:8443/a"},
        {"https://me@x:secret@host/a@b", "https://host/a@b"},
        {"https://host?a=://secret@b", "https://host"},
        {"/login?next=secret", "/login"},
        {"https://host/\x1b[2J", "https://host/\\x1b[2J"},
        {"", ""},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();

        assert_string_equal(hl_git_masked_url(arena, rows[i].text), rows[i].shown);
    }
}

static void loopback(void **state HL_UNUSED)
{
    assert_true(hl_git_is_loopback("localhost"));
    assert_true(hl_git_is_loopback("127.1.2.3"));
    assert_true(hl_git_is_loopback("::1"));
    assert_false(hl_git_is_loopback("localhost.example.org"));
    assert_false(hl_git_is_loopback("::2"));
    assert_false(hl_git_is_loopback("10.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_that_are_taken),
        cmocka_unit_test(urls_that_are_refused),
        cmocka_unit_test(what_a_server_sends_is_masked),
        cmocka_unit_test(loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
