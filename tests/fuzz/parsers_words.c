#include "config.h"

#include "tests/fuzz/parsers.h"

#include "reconcile/cli/moment.h"
#include "reconcile/forge/session.h"
#include "reconcile/providers/authentik/authentik.h"
#include "reconcile/providers/docker/pull.h"
#include "reconcile/providers/netbird/address.h"
#include "reconcile/providers/netbird/oidc_page.h"

#include <assert.h>
#include <string.h>

enum { NOW_S = 1795435200, HEADERS_MOST = 64 * 1024 };

/* An answer that refuses: the status is the first byte, then the headers, an empty line, the body. The words are masked and on one line. */
void fuzz_refusal(struct hl_arena *arena, const char *text, size_t length)
{
    static const long statuses[] = {400, 401, 403, 404, 409, 422, 429, 500, 502, 302};
    static const char secret[] = "geheim-geheim";
    hl_auto(http_response) struct hl_http_response response = {.method = "POST", .url = hl_strdup("http://x/y")};
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_redactor *redactor = hl_redactor_new();
    const char *body = strstr(text, "\n\n");

    hl_redactor_add(redactor, secret, strlen(secret));
    hl_text_init(&response.body, HL_MAX_BODY);
    hl_text_init(&response.headers, HEADERS_MOST);
    response.status = statuses[length > 0 ? (unsigned char)text[0] % HL_COUNT(statuses) : 0];
    if (body != NULL) {
        hl_text_append(&response.headers, text, (size_t)(body - text));
        hl_text_append(&response.body, body + 2, length - (size_t)(body + 2 - text));
    } else {
        hl_text_append(&response.body, text, length);
    }
    (void)hl_http_header(&response, arena, "Location");
    const bool ok = hl_http_rejected(&response, redactor, &error);
    assert(!ok && error != NULL && strstr(error->message, secret) == NULL && strpbrk(error->message, "\r\n\033") == NULL);
    (void)ok;
    hl_redactor_free(redactor);
}

void fuzz_moment(struct hl_arena *arena, const char *text, size_t length)
{
    int64_t ms = 0;

    (void)length;
    if (hl_moment_parse(text, (int64_t)NOW_S * 1000, &ms))
        assert(strlen(hl_moment_text(arena, ms)) >= strlen("2026-12-24 18:00:00"));
}

void fuzz_page(struct hl_arena *arena, const char *text, size_t length)
{
    const struct hl_page page = hl_page_read(arena, text, length);

    for (size_t i = 0; i < page.forms_count; i++) {
        (void)hl_page_find_type(&page.forms[i], "password");
        (void)hl_page_find_name(&page.forms[i], "login");
    }
    for (size_t i = 0; i < page.links_count; i++)
        assert(page.links[i] != NULL);
    assert(page.text == NULL || strlen(page.text) <= 303);
}

void fuzz_authentik_words(struct hl_arena *arena, const char *text, size_t length)
{
    const char *problem = NULL;
    int64_t ms = 0;

    if (hl_authentik_parse_duration(text, &ms)) {
        int64_t again = 0;
        const bool ok = hl_authentik_parse_duration(hl_authentik_duration(arena, ms), &again);
        assert(ok && again == ms);
        (void)ok;
    }
    (void)hl_authentik_time(hl_value_bytes(arena, text, length));
    assert(hl_authentik_short_uri(arena, text, &problem) != NULL || problem != NULL);
    assert(hl_authentik_unmark(arena, text) != NULL);
    (void)hl_authentik_block_name(arena, text);
}

/* What is taken is in its last form already. */
void fuzz_netbird_address(struct hl_arena *arena, const char *text, size_t length)
{
    const char *range = hl_netbird_range_or_host(arena, text);
    const char *host = hl_netbird_host(arena, text, NULL);
    const char *domain = hl_netbird_domain(arena, text, true);
    const char *problem = NULL;

    (void)length;
    assert(range == NULL || strcmp(hl_netbird_range(arena, range), range) == 0);
    assert(host == NULL || strcmp(hl_netbird_host(arena, host, NULL), host) == 0);
    assert(domain == NULL || strcmp(hl_netbird_domain(arena, domain, true), domain) == 0);
    assert(hl_netbird_short_server(arena, text, &problem) != NULL || problem != NULL);
}

void fuzz_comment_mark(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_forge_mark mark = {0};
    struct hl_forge_mark other = {0};

    (void)arena;
    (void)length;
    if (!hl_forge_mark_read(text, &mark))
        return;
    (void)hl_forge_mark_read("<!-- hlrec:v1 stack=a target=default -->\n", &other);
    assert(hl_forge_mark_same(&mark, &mark));
    const int one = hl_forge_mark_compare(&mark, &other, NULL, (int64_t)NOW_S * 1000);
    const int two = hl_forge_mark_compare(&other, &mark, NULL, (int64_t)NOW_S * 1000);
    assert((one < 0) == (two > 0) && (one == 0) == (two == 0));
    (void)one, (void)two;
}

/* Cut anywhere, the stream says the same. */
void fuzz_pull_stream(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_pull_stream whole;
    struct hl_pull_stream cut;

    hl_pull_stream_init(&whole, arena, NULL);
    hl_pull_stream_init(&cut, arena, NULL);
    hl_pull_stream_feed(&whole, text, length);
    for (size_t i = 0; i < length; i++)
        hl_pull_stream_feed(&cut, text + i, 1);
    assert((whole.problem == NULL) == (cut.problem == NULL));
    assert(whole.layers->count == cut.layers->count);
    hl_pull_stream_clear(&whole);
    hl_pull_stream_clear(&cut);
}
