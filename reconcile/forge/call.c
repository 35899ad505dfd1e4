/* One request to a forge's API, repeated as long as it asks us to come back. */
#include "config.h"

#include "reconcile/forge/session.h"

#include "schema/base/crypto.h"
#include "schema/base/json.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    TIMEOUT_MS = 120000,        /* of a comment or a status */
    REQUEST_TIMEOUT_MS = 30000, /* of one */
    FIRST_DELAY_MS = 500,
    LONGEST_DELAY_MS = 8000,      /* unless the server says how long */
    NAP_MS = 50,                  /* how soon an interrupt is seen in a pause */
    BODY_MOST = 64 * 1024 * 1024, /* a page of a hundred comments of the greatest length is 26 MB */
    TRIES = 6,
    LONG_BODY = 60000,
};

/* ---- time ---- */

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t hl_forge_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static bool is_interrupted(const struct hl_forge_session *session)
{
    return session->post->interrupts != NULL && *session->post->interrupts >= 2;
}

bool hl_forge_sleep(const struct hl_forge_session *session, int64_t ms)
{
    const int64_t until = clock_ms(CLOCK_MONOTONIC) + ms;

    if (until >= session->deadline_ms)
        return false;
    for (int64_t left = ms; left > 0 && !is_interrupted(session); left = until - clock_ms(CLOCK_MONOTONIC)) {
        const int64_t nap = left < NAP_MS ? left : NAP_MS;

        nanosleep(&(struct timespec){.tv_sec = 0, .tv_nsec = (long)nap * 1000000}, NULL);
    }
    return !is_interrupted(session);
}

/* ---- a session ---- */

static void add_headers(struct hl_forge_session *session)
{
    const struct hl_forge *forge = session->forge;
    hl_auto(text) struct hl_text token = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    hl_text_printf(&token, "%s%s", forge->token_prefix, session->post->token);
    hl_http_set_header(session->http, forge->token_header, hl_text_get(&token));
    for (const struct hl_http_header *header = forge->headers; header->name != NULL; header++)
        hl_http_set_header(session->http, header->name, header->value);
}

void hl_forge_begin(struct hl_forge_session *session)
{
    const int64_t timeout = session->post->timeout_ms > 0 ? session->post->timeout_ms : TIMEOUT_MS;

    session->deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout;
}

bool hl_forge_open(struct hl_forge_session *session, const struct hl_forge_post *post, struct hl_error **err)
{
    const struct hl_http_options options = {
        .url = post->api,
        .user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
        .ca_file = post->ca_file,
        .timeout_ms = REQUEST_TIMEOUT_MS,
        .tries = 1, /* what to try again is decided here */
        .interrupts = post->interrupts,
        .reports = true,
    };

    *session = (struct hl_forge_session){.forge = hl_forge_find(post->forge), .post = post, .arena = hl_arena_new()};
    hl_forge_begin(session);
    if (!hl_http_new(&options, &session->http, err))
        return false;
    add_headers(session);
    return true;
}

void hl_forge_close(struct hl_forge_session *session)
{
    hl_http_free(session->http);
    hl_arena_free(session->arena);
}

/* ---- paths ---- */

static void put_repository(const struct hl_forge_session *session, struct hl_text *out)
{
    const char *at = session->post->repository;

    while (!session->forge->path_is_one && strchr(at, '/') != NULL) {
        hl_auto(heap) char *part = hl_strdup(at);

        part[strcspn(at, "/")] = '\0';
        hl_http_escape(out, part);
        hl_text_putc(out, '/');
        at += strcspn(at, "/") + 1;
    }
    hl_http_escape(out, at);
}

const char *hl_forge_path(struct hl_forge_session *session, const char *template, int64_t id)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    for (const char *at = template; *at != '\0';) {
        const size_t plain = strcspn(at, "{");

        hl_text_append(&out, at, plain);
        at += plain;
        if (hl_starts_with(at, "{repository}"))
            put_repository(session, &out);
        else if (hl_starts_with(at, "{pull}"))
            hl_text_printf(&out, "%" PRId64, session->post->pull);
        else if (hl_starts_with(at, "{id}"))
            hl_text_printf(&out, "%" PRId64, id);
        else if (hl_starts_with(at, "{head}"))
            hl_http_escape(&out, session->post->head);
        at += strcspn(at, "}");
        at += *at == '}' ? 1 : 0;
    }
    return hl_arena_copy(session->arena, hl_text_get(&out), out.length);
}

/* ---- rate limits ---- */

static int64_t header_number(const struct hl_forge_session *session, const struct hl_forge_answer *answer, const char *name)
{
    const char *text = hl_http_header(&answer->response, session->arena, name);
    int64_t number = -1;

    return text != NULL && hl_parse_int(text, 0, INT64_MAX / 2000, &number) ? number : -1;
}

/* Retry-After in milliseconds: seconds, or a date (RFC 9110). -1: it is not there. */
static int64_t retry_after_ms(const struct hl_forge_session *session, const struct hl_forge_answer *answer)
{
    const char *text = hl_http_header(&answer->response, session->arena, "Retry-After");
    const int64_t seconds = header_number(session, answer, "Retry-After");
    struct tm date = {0};
    int64_t wait;

    if (seconds >= 0 || text == NULL)
        return seconds < 0 ? -1 : seconds * 1000;
    if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date) == NULL)
        return -1;
    wait = (int64_t)timegm(&date) * 1000 - hl_forge_now_ms();
    return wait > 0 ? wait : 0;
}

/* GitHub: x-ratelimit-*, GitLab and Forgejo's proxies: RateLimit-*; the moment in seconds since 1970. */
static int64_t reset_ms(const struct hl_forge_session *session, const struct hl_forge_answer *answer)
{
    int64_t reset = header_number(session, answer, "x-ratelimit-reset");
    int64_t wait;

    if (reset < 0)
        reset = header_number(session, answer, "RateLimit-Reset");
    wait = reset * 1000 - hl_forge_now_ms();
    return reset < 0 ? -1 : wait > 0 ? wait : 0;
}

/* GitHub refuses with 403 both what may not be done and what was done too often. */
static bool is_rate_limit(const struct hl_forge_session *session, const struct hl_forge_answer *answer)
{
    if (answer->response.status == 429)
        return true;
    return answer->response.status == 403 &&
           (hl_http_header(&answer->response, session->arena, "Retry-After") != NULL || header_number(session, answer, "x-ratelimit-remaining") == 0 ||
            strcasestr(hl_text_get(&answer->response.body), "rate limit") != NULL);
}

/* Half of it is chance, so that several runs do not come back at the same instant. */
static int64_t backoff_ms(int tries_done)
{
    const int shift = tries_done < 6 ? tries_done : 6;
    const int64_t delay = (int64_t)FIRST_DELAY_MS << shift;
    const int64_t most = delay < LONGEST_DELAY_MS ? delay : LONGEST_DELAY_MS;

    return most / 2 + hl_random_below((uint32_t)(most / 2 + 1));
}

static int64_t delay_ms(const struct hl_forge_session *session, const struct hl_forge_answer *answer, int tries_done)
{
    int64_t asked = retry_after_ms(session, answer);

    if (asked < 0 && is_rate_limit(session, answer))
        asked = reset_ms(session, answer);
    /* The clocks of both sides need not agree to the second. */
    return asked < 0 ? backoff_ms(tries_done) : asked + (int64_t)hl_random_below(500);
}

/* ---- a call ---- */

void hl_forge_answer_clear(struct hl_forge_answer *answer)
{
    if (answer->response.url != NULL)
        hl_http_response_clear(&answer->response);
    *answer = (struct hl_forge_answer){.uncertain = false};
}

static bool send_once(struct hl_forge_session *session, const struct hl_forge_call *call, const struct hl_text *body, struct hl_forge_answer *answer,
                      struct hl_error **err)
{
    const int64_t left = session->deadline_ms - clock_ms(CLOCK_MONOTONIC);
    const struct hl_http_request request = {
        .method = call->method,
        .path = call->path,
        .body = call->body == NULL ? NULL : hl_text_get(body),
        .body_length = body->length,
        .timeout_ms = left < 1                    ? 1
                      : left < REQUEST_TIMEOUT_MS ? left
                                                  : REQUEST_TIMEOUT_MS,
        .idempotent = !call->once,
        .max_body = BODY_MOST,
    };

    hl_forge_answer_clear(answer);
    return hl_http_perform(session->http, &request, &answer->response, err);
}

static bool is_passing_error(const struct hl_error *error)
{
    return error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT;
}

/* A server's own failure; 501 and the like would fail again. */
static bool is_passing_status(long status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

static const char too_long[] = "the server takes no text of this length: lower --max-size";

/* Gitea fails with 500 when its database does not take a text. */
static bool may_be_too_long(const struct hl_forge_answer *answer, size_t length)
{
    return answer->response.status == 500 && length > LONG_BODY;
}

static bool fail_waiting(const struct hl_forge_session *session, const struct hl_forge_answer *answer, int64_t delay, size_t length, struct hl_error **err)
{
    char duration[32];

    (void)hl_http_rejected(&answer->response, session->post->redactor, err);
    if (!is_rate_limit(session, answer)) {
        (void)hl_wrap(err, "%s does not work at the moment", session->forge->title);
        return may_be_too_long(answer, length) && hl_error_hint(err, "%s", too_long);
    }
    hl_format_duration((delay + 999) / 1000 * 1000, duration);
    (void)hl_wrap(err, "%s lets nobody with this token in before %s have passed", session->forge->title, duration);
    return hl_error_hint(err, "the next run tries again; run less often, or with a token of your own");
}

static bool has_passing_status(const struct hl_forge_session *session, const struct hl_forge_answer *answer)
{
    return is_rate_limit(session, answer) || is_passing_status(answer->response.status);
}

/* What was refused for a rate limit was not executed; all else that failed may have been. */
bool hl_forge_perform(struct hl_forge_session *session, const struct hl_forge_call *call, struct hl_forge_answer *answer, struct hl_error **err)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_BODY);

    if (call->body != NULL)
        hl_json_encode(&body, call->body, HL_JSON_COMPACT);
    for (int tries = 1;; tries++) {
        const bool answered = send_once(session, call, &body, answer, err);
        int64_t delay;

        if (answered && !has_passing_status(session, answer))
            return true;
        if (!answered && !is_passing_error(*err))
            return false;
        delay = answered ? delay_ms(session, answer, tries) : backoff_ms(tries);
        if (call->once && !(answered && is_rate_limit(session, answer))) {
            answer->uncertain = true;
            return answered ? fail_waiting(session, answer, delay, body.length, err) : false;
        }
        if (tries == TRIES || !hl_forge_sleep(session, delay))
            return answered ? fail_waiting(session, answer, delay, body.length, err) : false;
        hl_error_clear(err);
    }
}

/* ---- answers ---- */

static const char *hint_of(const struct hl_forge_session *session, const struct hl_forge_answer *answer, const char *rights)
{
    switch (answer->response.status) {
    case 401:
        return "the token is wrong or has expired: check HLREC_FORGE_TOKEN";
    case 403:
        return rights;
    case 404:
        return hl_arena_printf(session->arena, "there is no pull request %" PRId64 " in '%s', or the token may not see it; %s", session->post->pull,
                               session->post->repository, rights);
    case 413:
        return too_long;
    default:
        if (answer->response.status >= 300 && answer->response.status < 400)
            return "redirects are not followed: check the API's address (HLREC_FORGE_URL)";
        return strcasestr(hl_text_get(&answer->response.body), "too long") != NULL ? too_long : NULL;
    }
}

bool hl_forge_rejected(struct hl_forge_session *session, const struct hl_forge_answer *answer, const char *rights, struct hl_error **err)
{
    const char *hint = hint_of(session, answer, rights);

    (void)hl_http_rejected(&answer->response, session->post->redactor, err);
    (void)hl_wrap(err, "%s refused", session->forge->title);
    return hint == NULL ? false : hl_error_hint(err, "%s", hint);
}

bool hl_forge_decode(const struct hl_forge_answer *answer, struct hl_arena *arena, struct hl_value **out, struct hl_error **err)
{
    const struct hl_http_response *response = &answer->response;

    if (hl_json_decode(arena, hl_text_get(&response->body), response->body.length, out, err))
        return true;
    hl_error_clear(err);
    (void)hl_fail(err, HL_E_REJECTED, "the answer is no JSON");
    (void)hl_error_hint(err, "is the API's address right? GitHub Enterprise ends in /api/v3, Gitea and Forgejo in /api/v1, GitLab in /api/v4");
    return hl_error_http(err, response->method, response->url, response->status);
}
