#include "config.h"

#include "reconcile/transport/http.h"
#include "schema/base/parallel.h"
#include "tests/unit/transport/canned.h"
#include "tests/unit/transport/testing.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Thing: \t one two \r\n\r\nfine"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
#define REPLIES(...) ((const struct canned_answer[]){__VA_ARGS__, {NULL, CANNED_KEEP, 0}})

/* One server, one client and one answer a test. */
struct lab {
    struct canned server;
    struct hl_http *client;
    struct hl_http_response response;
    struct hl_error *err;
};

static void hl_cleanup_lab(struct lab *lab)
{
    hl_error_free(lab->err);
    hl_http_response_clear(&lab->response);
    hl_http_free(lab->client);
    if (lab->server.pid > 0)
        canned_stop(&lab->server);
}

static struct lab start(const struct canned_answer *answers, struct hl_http_options options)
{
    struct lab lab = {0};
    char url[64];

    canned_start(&lab.server, answers, NULL);
    snprintf(url, sizeof(url), "http://user:hunter2@127.0.0.1:%d/base/", lab.server.port);
    options.url = url;
    assert_true(hl_http_new(&options, &lab.client, &lab.err));
    return lab;
}

static bool perform(struct lab *lab, struct hl_http_request request)
{
    hl_http_response_clear(&lab->response);
    return hl_http_perform(lab->client, &request, &lab->response, &lab->err);
}

static bool get(struct lab *lab)
{
    return perform(lab, (struct hl_http_request){.method = "GET", .path = "/things?token=hunter2"});
}

static bool post(struct lab *lab)
{
    return perform(lab, (struct hl_http_request){.method = "POST", .path = "/things", .body = "{}", .body_length = 2});
}

static void assert_no_secret(const struct hl_error *err)
{
    for (; err != NULL; err = err->cause) {
        assert_null(strstr(err->message, "hunter2"));
        assert_true(err->http == NULL || strstr(err->http, "hunter2") == NULL);
        assert_true(err->hint == NULL || strstr(err->hint, "hunter2") == NULL);
    }
}

static void answer_comes_back(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}), (struct hl_http_options){0});
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    char url[64];

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 200);
    assert_string_equal(hl_text_get(&lab.response.body), "fine");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/base/things", lab.server.port);
    assert_string_equal(lab.response.url, url);
    assert_string_equal(hl_http_header(&lab.response, arena, "x-thing"), "one two");
    assert_null(hl_http_header(&lab.response, arena, "x-thin"));
    assert_contains(lab.server.log->requests[0], "GET /base/things?token=hunter2 HTTP/1.1\r\n");
}

static void request_says_no_more_than_it_must(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}),
                                        (struct hl_http_options){.user_agent = "hlrec/0.1"});
    const struct hl_http_header headers[] = {{"X-Own", "1"}, {"Authorization", "once"}, {NULL, NULL}};
    char(*requests)[CANNED_SIZE] = lab.server.log->requests;

    hl_http_set_header(lab.client, "authorization", "Bearer a");
    hl_http_set_header(lab.client, "Authorization", "Bearer b");
    assert_true(post(&lab));
    assert_contains(requests[0], "\r\nContent-Type: application/json\r\n");
    assert_contains(requests[0], "\r\nauthorization: Bearer b\r\n");
    assert_contains(requests[0], "\r\nUser-Agent: hlrec/0.1\r\n");
    assert_contains(requests[0], "\r\n\r\n{}");
    assert_null(strstr(requests[0], "Expect"));
    /* An empty body is no form. */
    assert_true(perform(&lab, (struct hl_http_request){.method = "POST", .path = "/start", .headers = headers}));
    assert_null(strstr(requests[1], "Content-Type"));
    assert_contains(requests[1], "\r\nContent-Length: 0\r\n");
    assert_contains(requests[1], "\r\nAuthorization: once\r\n");
    assert_contains(requests[1], "\r\nX-Own: 1\r\n");
    assert_true(perform(&lab, (struct hl_http_request){.method = "DELETE", .path = "/a/../b"}));
    assert_contains(requests[2], "DELETE /base/a/../b HTTP/1.1\r\n");
    assert_null(strstr(requests[2], "Content-"));
    assert_true(perform(&lab, (struct hl_http_request){.method = "PUT", .path = "/tar", .body = "t", .body_length = 1, .content_type = "application/x-tar"}));
    assert_contains(requests[3], "PUT /base/tar HTTP/1.1\r\n");
    assert_contains(requests[3], "\r\nContent-Type: application/x-tar\r\n");
    assert_int_equal(lab.server.log->connections, 1);
}

static void head_has_no_body(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", CANNED_KEEP, 0}), (struct hl_http_options){0});

    assert_true(perform(&lab, (struct hl_http_request){.method = "HEAD", .path = "/_ping"}));
    assert_int_equal(lab.response.status, 200);
    assert_int_equal(lab.response.body.length, 0);
}

static void line_breaks_in_headers_are_refused(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

    hl_http_set_header(lab.client, "Authorization", "Bearer hunter2\n");
    assert_false(get(&lab));
    assert_no_secret(lab.err);
    assert_failure(&lab.err, HL_E_SPEC, "the value of the header 'Authorization' holds a line break");
    assert_int_equal(lab.server.log->count, 0);
}

static void busy_server_is_asked_again(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({BUSY, CANNED_KEEP, 0}, {BUSY, CANNED_CLOSE, 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 200);
    assert_string_equal(hl_text_get(&lab.response.body), "fine");
    assert_int_equal(lab.server.log->count, 3);
    assert_int_equal(hl_http_stats(lab.client).requests, 3);
    assert_int_equal(hl_http_stats(lab.client).retries, 2);
}

static void tries_are_counted(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({BUSY, CANNED_KEEP, 0}, {BUSY, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){.tries = 2});

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 503);
    assert_int_equal(lab.server.log->count, 2);
}

static void change_is_sent_once_unless_idempotent(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({BUSY, CANNED_KEEP, 0}, {BUSY, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

    assert_true(post(&lab));
    assert_int_equal(lab.response.status, 503);
    assert_int_equal(lab.server.log->count, 1);
    assert_true(perform(&lab, (struct hl_http_request){.method = "PUT", .path = "/x", .idempotent = true}));
    assert_int_equal(lab.response.status, 200);
    assert_int_equal(lab.server.log->count, 3);
}

static void retry_after_is_kept(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab =
        start(REPLIES({"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){0});
    int64_t before = milliseconds();

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 200);
    assert_in_range(milliseconds() - before, 1000, 2500);
}

static void retry_after_beyond_the_deadline_hands_the_answer_on(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab =
        start(REPLIES({"HTTP/1.1 429 Slow\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n", CANNED_KEEP, 0}), (struct hl_http_options){.timeout_ms = 5000});
    int64_t before = milliseconds();

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 429);
    assert_true(milliseconds() - before < 1000);
}

static void cut_connection_is_tried_again(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab =
        start(REPLIES({NULL, CANNED_RESET, 0}, {"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nhalf", CANNED_CLOSE, 0}, {OK, CANNED_KEEP, 0}),
              (struct hl_http_options){0});

    assert_true(get(&lab));
    assert_string_equal(hl_text_get(&lab.response.body), "fine");
    assert_int_equal(lab.server.log->count, 3);
}

static void cut_connection_is_a_failure_of_a_change(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab =
        start(REPLIES({NULL, CANNED_RESET, 0}, {"HTTP/1.1 201 Made\r\nContent-Length: 40\r\n\r\nhalf", CANNED_CLOSE, 0}), (struct hl_http_options){0});

    assert_false(post(&lab));
    assert_contains(lab.err->http, "/base/things -> no answer");
    assert_failure(&lab.err, HL_E_UNREACHABLE, "closed the connection without an answer");
    assert_int_equal(lab.server.log->count, 1);
    assert_false(post(&lab));
    assert_failure(&lab.err, HL_E_UNREACHABLE, "broke off in the middle of its answer");
    assert_int_equal(lab.server.log->count, 2);
}

/* The trap: on a kept connection that dies without an answer, curl by itself sends once more what was executed. */
static void change_on_a_kept_connection_is_sent_once(void **state HL_UNUSED)
{
    static const enum canned_end ends[] = {CANNED_CLOSE, CANNED_RESET};

    for (size_t i = 0; i < HL_COUNT(ends); i++) {
        hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}, {NULL, ends[i], 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

        assert_true(get(&lab));
        assert_false(post(&lab));
        assert_failure(&lab.err, HL_E_UNREACHABLE, "closed the connection without an answer");
        assert_int_equal(lab.server.log->count, 2);
        assert_true(get(&lab));
        assert_int_equal(lab.server.log->count, 3);
    }
}

static void time_limit_is_for_the_whole_call(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 3000}), (struct hl_http_options){0});
    int64_t before = milliseconds();

    assert_false(perform(&lab, (struct hl_http_request){.method = "GET", .path = "/slow?token=hunter2", .timeout_ms = 300}));
    /* Not before the limit (clocks round), and before the answer would come. */
    assert_in_range(milliseconds() - before, 290, 2900);
    assert_no_secret(lab.err);
    assert_failure(&lab.err, HL_E_TIMEOUT, "within 300ms");
}

static void second_interrupt_breaks_off(void **state HL_UNUSED)
{
    static const atomic_int interrupts = 2;
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 10000}), (struct hl_http_options){.interrupts = &interrupts});
    int64_t before = milliseconds();

    assert_false(perform(&lab, (struct hl_http_request){.method = "GET", .path = "/", .timeout_ms = -1}));
    assert_true(milliseconds() - before < 2500);
    assert_failure(&lab.err, HL_E_INTERRUPTED, "interrupted");
}

static void answer_has_a_limit(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

    assert_true(perform(&lab, (struct hl_http_request){.method = "GET", .path = "/", .max_body = 4}));
    assert_false(perform(&lab, (struct hl_http_request){.method = "GET", .path = "/", .max_body = 3}));
    assert_failure(&lab.err, HL_E_UNREACHABLE, "is longer than 3 bytes");
    assert_int_equal(lab.server.log->count, 2);
}

static bool collect(void *context, const char *data, size_t length)
{
    hl_text_append(context, data, length);
    return length != 4;
}

static void success_streams_and_refusal_is_collected(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab =
        start(REPLIES({"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", CANNED_KEEP, 0}, {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", CANNED_KEEP, 0},
                      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", CANNED_KEEP, 0}),
              (struct hl_http_options){0});
    hl_auto(text) struct hl_text seen = HL_TEXT_INIT(100);
    const struct hl_http_request request = {.method = "POST", .path = "/pull", .on_data = collect, .context = &seen};

    assert_true(perform(&lab, request));
    assert_int_equal(lab.response.status, 404);
    assert_string_equal(hl_text_get(&lab.response.body), "none");
    assert_string_equal(hl_text_get(&seen), "");
    assert_true(perform(&lab, request));
    assert_string_equal(hl_text_get(&seen), "one");
    /* Breaking off is no failure: an answer came. */
    assert_true(perform(&lab, request));
    assert_int_equal(lab.response.status, 200);
    assert_string_equal(hl_text_get(&seen), "onefour");
}

static void redirects_are_not_followed(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({"HTTP/1.1 301 Moved\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n", CANNED_KEEP, 0}, {OK, CANNED_KEEP, 0}),
                                        (struct hl_http_options){0});

    assert_true(get(&lab));
    assert_int_equal(lab.response.status, 301);
    assert_int_equal(lab.server.log->count, 1);
    assert_false(hl_http_rejected(&lab.response, NULL, &lab.err));
    assert_contains(lab.err->hint, "redirects are not followed");
}

static void proxies_of_the_environment_are_not_used(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_KEEP, 0}), (struct hl_http_options){0});

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_true(get(&lab));
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static void closed_port_is_said_to_be_one(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = {0};
    struct hl_http_options options = {.url = "http://user:hunter2@127.0.0.1:1"};

    assert_true(hl_http_new(&options, &lab.client, &lab.err));
    assert_false(post(&lab));
    assert_no_secret(lab.err);
    assert_string_equal(lab.err->http, "POST http://127.0.0.1:1/things -> no answer");
    assert_contains(lab.err->hint, "is the port right?");
    assert_failure(&lab.err, HL_E_UNREACHABLE, "cannot reach 'http://127.0.0.1:1': connection refused");
    assert_int_equal(hl_http_stats(lab.client).retries, 3); /* it was never sent */
}

static void unknown_host_is_said_to_be_one(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = {0};
    struct hl_http_options options = {.url = "http://no-such-host.invalid/base", .tries = 1};

    assert_true(hl_http_new(&options, &lab.client, &lab.err));
    assert_false(get(&lab));
    assert_failure(&lab.err, HL_E_UNREACHABLE, "cannot reach 'http://no-such-host.invalid/base': the host's name");
}

static void no_tls_is_said_to_be_none(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({"rubbish\r\n\r\n", CANNED_CLOSE, 0}), (struct hl_http_options){0});
    char url[64];

    hl_http_free(lab.client);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", lab.server.port);
    assert_true(hl_http_new(&(struct hl_http_options){.url = url, .tries = 1, .timeout_ms = 3000}, &lab.client, &lab.err));
    kill(lab.server.pid, SIGSTOP); /* its port takes connections, and nobody speaks */
    assert_false(get(&lab));
    kill(lab.server.pid, SIGCONT);
    assert_failure(&lab.err, HL_E_UNREACHABLE, "no connection within 3s");
}

static void sockets(void **state HL_UNUSED)
{
    static const char path[] = "/tmp/hlrec-http-test.sock";
    static const char url[] = "unix:///tmp/hlrec-http-test.sock";
    hl_auto(lab) struct lab lab = {0};
    int64_t before = milliseconds();

    unlink(path);
    assert_true(hl_http_new(&(struct hl_http_options){.url = url}, &lab.client, &lab.err));
    assert_false(get(&lab));
    assert_contains(lab.err->hint, "path of its socket?");
    assert_failure(&lab.err, HL_E_UNREACHABLE, "cannot reach 'unix:///tmp/hlrec-http-test.sock': no such socket");
    assert_true(milliseconds() - before < 500);
    canned_start(&lab.server, REPLIES({OK, CANNED_KEEP, 0}), path);
    assert_true(get(&lab));
    assert_string_equal(lab.response.url, "unix:///tmp/hlrec-http-test.sock/things");
    assert_contains(lab.server.log->requests[0], "GET /things?token=hunter2 HTTP/1.1\r\nHost: localhost\r\n");
    canned_stop(&lab.server);
    lab.server.pid = 0;
    assert_false(post(&lab));
    assert_contains(lab.err->hint, "no service listens on it");
    assert_failure(&lab.err, HL_E_UNREACHABLE, "connection refused");
    unlink(path);
}

static void url_is_checked(void **state HL_UNUSED)
{
    static const struct {
        const char *url, *part;
    } rows[] = {
        {NULL, "the URL of the API is empty"},
        {"", "the URL of the API is empty"},
        {"example.org", "begins with none of"},
        {"ftp://hunter2@example.org", "begins with none of"},
        {"file:///etc/passwd", "begins with none of"},
        {"http://", "names no host"},
        {"http:///path", "names no host"},
        {"http://user@:80", "names no host"},
        {"http://hunter2 @host", "holds a blank"},
        {"http://host\n", "holds a blank"},
        {"http://host?token=hunter2", "has a query"},
        {"unix://run/docker.sock", "is not an absolute path"},
        {"unix:///1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
         "1234567890",
         "longer than the system allows"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_http *client = NULL;

        if (hl_http_new(&(struct hl_http_options){.url = rows[i].url}, &client, &err))
            fail_msg("'%s' was taken", rows[i].url);
        assert_no_secret(err);
        assert_failure(&err, HL_E_SPEC, rows[i].part);
    }
}

static void ask(void *context, size_t index HL_UNUSED)
{
    struct hl_http_response response;
    hl_auto(error) struct hl_error *err = NULL;
    const struct hl_http_request request = {.method = "GET", .path = "/"};

    if (!hl_http_perform(context, &request, &response, &err) || response.status != 200)
        abort();
    hl_http_response_clear(&response);
}

static void client_serves_threads(void **state HL_UNUSED)
{
    hl_auto(lab) struct lab lab = start(REPLIES({OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0},
                                                {OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0}, {OK, CANNED_CLOSE, 0}),
                                        (struct hl_http_options){0});

    hl_http_set_header(lab.client, "Authorization", "Bearer x");
    hl_parallel(8, 4, ask, lab.client);
    assert_int_equal(lab.server.log->count, 8);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_comes_back),
        cmocka_unit_test(request_says_no_more_than_it_must),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(line_breaks_in_headers_are_refused),
        cmocka_unit_test(busy_server_is_asked_again),
        cmocka_unit_test(tries_are_counted),
        cmocka_unit_test(change_is_sent_once_unless_idempotent),
        cmocka_unit_test(retry_after_is_kept),
        cmocka_unit_test(retry_after_beyond_the_deadline_hands_the_answer_on),
        cmocka_unit_test(cut_connection_is_tried_again),
        cmocka_unit_test(cut_connection_is_a_failure_of_a_change),
        cmocka_unit_test(change_on_a_kept_connection_is_sent_once),
        cmocka_unit_test(time_limit_is_for_the_whole_call),
        cmocka_unit_test(second_interrupt_breaks_off),
        cmocka_unit_test(answer_has_a_limit),
        cmocka_unit_test(success_streams_and_refusal_is_collected),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(proxies_of_the_environment_are_not_used),
        cmocka_unit_test(closed_port_is_said_to_be_one),
        cmocka_unit_test(unknown_host_is_said_to_be_one),
        cmocka_unit_test(no_tls_is_said_to_be_none),
        cmocka_unit_test(sockets),
        cmocka_unit_test(url_is_checked),
        cmocka_unit_test(client_serves_threads),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
