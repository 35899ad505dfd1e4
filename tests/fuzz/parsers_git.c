/* What git's servers, users and files say. */
#include "config.h"

#include "tests/fuzz/parsers.h"

#include "reconcile/transport/git_internal.h"

#include <assert.h>
#include <string.h>

enum { MOST_HEADS = 32 };

/* No password of a URL gets into what people see. */
void fuzz_git_url(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_git_url url = {0};

    (void)length;
    const char *masked = hl_git_masked_url(arena, text);
    assert(masked != NULL);
    (void)masked;
    if (!hl_git_url_parse(arena, text, &url, &error)) {
        assert(error != NULL && error->code == HL_E_SPEC);
        return;
    }
    assert(url.remote != NULL && url.shown != NULL && url.identity != NULL);
    assert(url.scheme == HL_GIT_FILE ? url.path != NULL && url.path[0] == '/' : url.host != NULL && url.port > 0 && url.port <= 65535);
    assert(url.host == NULL || (url.host[0] != '-' && strpbrk(url.host, " \t\r\n/@") == NULL));
    if (url.host != NULL)
        (void)hl_git_is_loopback(url.host);
}

void fuzz_git_ref(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_git_wanted wanted = {0};
    git_oid id;

    (void)length;
    (void)hl_git_parse_id(text, &id);
    if (hl_git_wanted_parse(arena, text, &wanted, &error))
        assert(wanted.kind == HL_GIT_WANT_HEAD || (wanted.ref != NULL && wanted.ref[0] != '-' && strstr(wanted.ref, "..") == NULL));
    else
        assert(error != NULL);
}

/* A path never leaves the tree. */
void fuzz_git_path(struct hl_arena *arena, const char *text, size_t length)
{
    static const char *const folders[] = {"", "a", "a/b"};
    hl_auto(error) struct hl_error *error = NULL;

    (void)length;
    for (size_t i = 0; i < HL_COUNT(folders); i++) {
        const char *path = hl_git_path_join(arena, folders[i], text);
        assert(path == NULL ||
               (path[0] != '/' && strcmp(path, "..") != 0 && !hl_starts_with(path, "../") && strstr(path, "/../") == NULL && !hl_ends_with(path, "/..")));
        if (path != NULL)
            (void)(hl_git_path_check(path, &error) || error != NULL);
        hl_error_clear(&error);
    }
}

/* The next line of the text, and what is behind it; NULL at the end. */
static const char *take_line(struct hl_arena *arena, const char **text)
{
    const size_t length = strcspn(*text, "\n");
    const char *line = hl_arena_copy(arena, *text, length);

    if (**text == '\0')
        return NULL;
    *text += length + ((*text)[length] == '\n' ? 1 : 0);
    return line;
}

/* The first line says what is wanted, each other one is a ref that a server advertises, behind the digit that its id is made of. What is found is one of
 * them, or the id itself. */
void fuzz_git_heads(struct hl_arena *arena, const char *text, size_t length)
{
    git_remote_head heads[MOST_HEADS] = {0};
    const git_remote_head *list[MOST_HEADS];
    size_t count = 0;
    struct hl_git_wanted wanted = {0};
    struct hl_git_found found = {0};
    hl_auto(error) struct hl_error *error = NULL;
    const char *ref = take_line(arena, &text);

    (void)length;
    for (const char *line = take_line(arena, &text); line != NULL && count < MOST_HEADS; line = take_line(arena, &text)) {
        if (*line == '\0')
            continue;
        memset(heads[count].oid.id, *line, sizeof heads[count].oid.id);
        heads[count].name = hl_arena_strdup(arena, line + 1);
        list[count] = &heads[count];
        count++;
    }
    if (ref == NULL || !hl_git_wanted_parse(arena, ref, &wanted, &error))
        return;
    if (!hl_git_wanted_find(arena, &wanted, "https://x/y", list, count, &found, &error)) {
        assert(error != NULL && error->message != NULL);
        return;
    }
    assert(found.ref != NULL || wanted.kind == HL_GIT_WANT_ID);
    bool advertised = found.ref == NULL;
    for (size_t i = 0; i < count && !advertised; i++)
        advertised = hl_starts_with(heads[i].name, found.ref);
    assert(advertised);
}

/* An answer that is not git's: the status is the first byte; then lines: content type, location, body. */
void fuzz_git_refusal(struct hl_arena *arena, const char *text, size_t length)
{
    static const long statuses[] = {200, 301, 400, 401, 403, 404, 410, 429, 500, 503};
    static const char secret[] = "geheim-geheim";
    struct hl_redactor *redactor = hl_redactor_new();
    const struct hl_git git = {.arena = arena, .url = {.shown = "https://x/y"}, .redactor = redactor, .token_user = "git"};
    hl_auto(error) struct hl_error *error = NULL;
    const long status = statuses[length > 0 ? (unsigned char)*text % HL_COUNT(statuses) : 0];

    hl_redactor_add(redactor, secret, strlen(secret));
    text += length > 0 && *text != '\0' ? 1 : 0;
    const char *type = take_line(arena, &text);
    const char *location = take_line(arena, &text);
    const bool ok = hl_git_http_fail_status(&git, status, type, location, 7, text, &error);
    assert(!ok && error != NULL && strpbrk(error->message, "\r\n\033") == NULL);
    assert(strstr(error->message, secret) == NULL || (location != NULL && strstr(location, secret) != NULL) || (type != NULL && strstr(type, secret) != NULL));
    (void)ok;
    hl_redactor_free(redactor);
}

void fuzz_known_hosts(struct hl_arena *arena, const char *text, size_t length)
{
    static const unsigned char key[] = {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 1, 7};

    for (int port = 22; port <= 2222; port += 2200) {
        struct hl_git_host_search search = {.host = "git.example.org", .port = port, .key = key, .key_length = sizeof key};
        hl_git_hosts_search(arena, text, length, &search);
        assert(search.verdict <= HL_GIT_HOST_REVOKED && (search.verdict != HL_GIT_HOST_KNOWN || search.line > 0));
    }
}

void fuzz_private_key(struct hl_arena *arena, const char *text, size_t length)
{
    const struct hl_git_key_facts facts = hl_git_key_look(arena, text, length);

    assert(facts.is_key || (!facts.encrypted && !facts.rsa));
    (void)facts;
}
