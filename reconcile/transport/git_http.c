#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/crypto.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

/* git's smart protocol over HTTP (Documentation/gitprotocol-http of git 2.39): GET info/refs, then a POST git-upload-pack for each step of the negotiation.
 * libgit2 keeps the protocol, curl carries it. The library's own transport is not used: with mbedTLS it speaks no TLS 1.3, matches no IP addresses in
 * certificates, has no time limits, and follows the first redirect to any host. */

enum {
    BUFFERED_MOST = 1024 * 1024,        /* then the server has to wait */
    REQUEST_MOST = 16 * 1024 * 1024,    /* wants and haves */
    ADVERTISED_MOST = 64 * 1024 * 1024, /* of info/refs: some 900,000 refs */
    BODY_MOST = 2048,                   /* of an answer that is none of git's, to quote from */
    POLL_MS = 100,
    STALL_S = 30,
    TRIES = 3,
    FIRST_DELAY_MS = 250,
    LONGEST_DELAY_MS = 5000,
};

struct subtransport {
    git_smart_subtransport parent;
    struct hl_git_wire *wire;
    CURLM *multi; /* keeps the connection from one step to the next */
};

struct stream {
    git_smart_subtransport_stream parent;
    struct hl_git_wire *wire;
    CURLM *multi;
    CURL *easy; /* NULL: not begun */
    struct curl_slist *headers;
    bool posts;
    struct hl_text request;
    struct hl_text received; /* from `offset` on not yet handed over */
    size_t offset, total;
    struct hl_text page; /* what came with another status, or of another type */
    bool ended, paused, checked, fine, too_long;
    CURLcode code;
    char words[CURL_ERROR_SIZE];
};

static struct stream *stream_of(git_smart_subtransport_stream *parent)
{
    return (struct stream *)(void *)parent;
}

/* --- What curl calls --- */

/* Status and type are known with the first byte of the body. */
static bool is_git(struct stream *stream)
{
    const char *wanted = stream->posts ? "application/x-git-upload-pack-result" : "application/x-git-upload-pack-advertisement";
    char *type = NULL;
    long status = 0;

    curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(stream->easy, CURLINFO_CONTENT_TYPE, &type);
    return status == 200 && type != NULL && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct stream *stream = context;
    size_t length = size * count;

    if (!stream->checked) {
        stream->checked = true;
        stream->fine = is_git(stream);
    }
    if (!stream->fine) {
        hl_text_append(&stream->page, data, length);
        return hl_text_ok(&stream->page) ? length : 0; /* who only quotes a page's beginning need not read it all */
    }
    if (stream->received.length - stream->offset >= BUFFERED_MOST) {
        stream->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    stream->total += length;
    stream->too_long = !stream->posts && stream->total > ADVERTISED_MOST;
    if (stream->too_long)
        return 0;
    hl_text_append(&stream->received, data, length);
    stream->wire->progress->ticks++;
    return length;
}

/* --- One request --- */

static void add_header(struct stream *stream, const char *line)
{
    struct curl_slist *longer = curl_slist_append(stream->headers, line);

    if (longer == NULL)
        abort();
    stream->headers = longer;
}

static void set_authority(const struct hl_git *git, CURL *easy)
{
    const char *authority = hl_git_variable(git, "HLREC_GIT_CA_FILE");
    struct stat about;

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (authority == NULL)
        return;
    /* Who names authorities means these and no others. */
    if (stat(authority, &about) == 0 && S_ISDIR(about.st_mode)) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, authority);
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    } else {
        curl_easy_setopt(easy, CURLOPT_CAINFO, authority);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static const char *either(const struct hl_git *git, const char *lower, const char *upper)
{
    const char *value = hl_git_variable(git, lower);

    return value == NULL ? hl_git_variable(git, upper) : value;
}

/* http:// is for loopback alone, where a proxy would be the way out. */
static void set_proxy(const struct hl_git *git, CURL *easy)
{
    const char *proxy = either(git, "https_proxy", "HTTPS_PROXY"), *none = either(git, "no_proxy", "NO_PROXY");

    proxy = proxy == NULL ? either(git, "all_proxy", "ALL_PROXY") : proxy;
    if (git->url.scheme == HL_GIT_HTTP)
        proxy = NULL;
    /* Said in both cases: curl would look into the environment of the process, which is not the one that we were given. */
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy == NULL ? "" : proxy);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, none == NULL ? "" : none);
}

static void set_server(struct stream *stream)
{
    const struct hl_git *git = stream->wire->git;
    CURL *easy = stream->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, git->url.scheme == HL_GIT_HTTPS ? "https" : "http");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)git->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "git/2.0 (hlrec " PACKAGE_VERSION ")"); /* some servers speak git only to who calls itself so */
    set_authority(git, easy);
    set_proxy(git, easy);
    if (git->token == NULL)
        return;
    /* With the first request: curl would else ask for it in vain. No redirect is followed, so that it goes nowhere else. */
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, git->token_user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, git->token);
}

static void set_request(struct stream *stream)
{
    const char *base = stream->wire->git->url.remote;
    hl_auto(text) struct hl_text url = HL_TEXT_INIT(8192);
    CURL *easy = stream->easy;

    hl_text_printf(&url, "%s%s", base, stream->posts ? "/git-upload-pack" : "/info/refs?service=git-upload-pack");
    curl_easy_setopt(easy, CURLOPT_URL, hl_text_get(&url));
    add_header(stream, stream->posts ? "Accept: application/x-git-upload-pack-result" : "Accept: */*");
    if (stream->posts) {
        add_header(stream, "Content-Type: application/x-git-upload-pack-request");
        add_header(stream, "Expect:");
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, hl_text_get(&stream->request));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)stream->request.length);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, stream->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, stream);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, stream->words);
}

static void finish(struct stream *stream)
{
    if (stream->easy != NULL) {
        curl_multi_remove_handle(stream->multi, stream->easy);
        curl_easy_cleanup(stream->easy);
    }
    stream->easy = NULL;
    curl_slist_free_all(stream->headers);
    stream->headers = NULL;
}

static void begin(struct stream *stream)
{
    int64_t left = stream->wire->deadline_ms - hl_git_now_ms();

    finish(stream);
    stream->easy = curl_easy_init();
    if (stream->easy == NULL)
        abort();
    stream->ended = stream->paused = stream->checked = stream->fine = stream->too_long = false;
    stream->code = CURLE_OK;
    stream->words[0] = '\0';
    hl_text_reset(&stream->page);
    set_server(stream);
    set_request(stream);
    curl_easy_setopt(stream->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    curl_multi_add_handle(stream->multi, stream->easy);
}

/* Lets curl work until there is something to hand over, or nothing more to come. */
static void pump(struct stream *stream)
{
    int running = 0, left = 0;

    while (!stream->ended && stream->received.length == stream->offset) {
        if (stream->paused) {
            stream->paused = false;
            curl_easy_pause(stream->easy, CURLPAUSE_CONT);
        }
        curl_multi_perform(stream->multi, &running);
        for (CURLMsg *message = curl_multi_info_read(stream->multi, &left); message != NULL; message = curl_multi_info_read(stream->multi, &left)) {
            if (message->msg != CURLMSG_DONE)
                continue;
            stream->ended = true;
            stream->code = message->data.result;
        }
        if (!stream->ended && stream->received.length == stream->offset)
            curl_multi_poll(stream->multi, NULL, 0, POLL_MS, NULL);
    }
}

/* --- How it went --- */

static bool connected(struct stream *stream)
{
    curl_off_t ready = 0; /* microseconds until the request could begin, TLS included */

    curl_easy_getinfo(stream->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return ready > 0;
}

static bool fail(struct stream *stream, struct hl_error **err)
{
    const struct hl_git *git = stream->wire->git;
    char *type = NULL, *location = NULL;
    curl_off_t retry_after = 0;
    long status = 0, number = 0;

    if (stream->too_long)
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' advertises more refs than fit into %d MiB", git->url.shown, ADVERTISED_MOST / 1024 / 1024);
    curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(stream->easy, CURLINFO_OS_ERRNO, &number);
    /* Of a page that is not git's only the beginning is read, so that the transfer did not end well. */
    if (stream->code != CURLE_OK && !(stream->code == CURLE_WRITE_ERROR && stream->checked && !stream->fine))
        return hl_git_http_fail_curl(git, (int)stream->code, number, connected(stream), stream->words, err);
    curl_easy_getinfo(stream->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(stream->easy, CURLINFO_REDIRECT_URL, &location);
    curl_easy_getinfo(stream->easy, CURLINFO_RETRY_AFTER, &retry_after);
    hl_git_http_fail_status(git, status, type, location, (int64_t)retry_after, hl_text_get(&stream->page), err);
    return hl_error_http(err, stream->posts ? "POST" : "GET", git->url.remote, status);
}

/* Seconds that make no difference to a server that is being restarted. */
static bool is_passing(struct stream *stream, int64_t *delay_ms)
{
    curl_off_t asked = 0;
    long status = 0;

    curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(stream->easy, CURLINFO_RETRY_AFTER, &asked);
    *delay_ms += (int64_t)hl_random_below((uint32_t)*delay_ms);
    if (asked > 0)
        *delay_ms = (int64_t)asked * 1000;
    if (*delay_ms > LONGEST_DELAY_MS || hl_git_now_ms() + *delay_ms >= stream->wire->deadline_ms)
        return false;
    if (stream->code != CURLE_OK)
        return stream->code == CURLE_COULDNT_CONNECT || stream->code == CURLE_GOT_NOTHING || stream->code == CURLE_RECV_ERROR;
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static void run(struct stream *stream)
{
    begin(stream);
    pump(stream);
    /* Only the first question is asked again; of a later one the server may have answered a part. */
    for (int tries = 1; !stream->posts && stream->ended && stream->total == 0 && tries < TRIES; tries++) {
        int64_t delay_ms = (int64_t)FIRST_DELAY_MS << (tries - 1);

        if (!is_passing(stream, &delay_ms))
            return;
        nanosleep(&(struct timespec){.tv_sec = (time_t)(delay_ms / 1000), .tv_nsec = (long)(delay_ms % 1000) * 1000000}, NULL);
        begin(stream);
        pump(stream);
    }
}

/* --- What libgit2 calls --- */

static int on_read(git_smart_subtransport_stream *parent, char *buffer, size_t size, size_t *got)
{
    struct stream *stream = stream_of(parent);
    struct hl_git_wire *wire = stream->wire;

    *got = 0;
    if (stream->easy == NULL)
        run(stream);
    else
        pump(stream);

    size_t ready = stream->received.length - stream->offset;

    if (ready > 0) {
        *got = ready < size ? ready : size;
        memcpy(buffer, stream->received.data + stream->offset, *got);
        stream->offset += *got;
        if (stream->offset == stream->received.length) {
            hl_text_reset(&stream->received);
            stream->offset = 0;
        }
        return 0;
    }
    /* An empty answer of the right kind is libgit2's to judge. */
    if (stream->code == CURLE_OK && (stream->fine || is_git(stream)))
        return 0;
    hl_error_clear(&wire->error);
    fail(stream, &wire->error);
    git_error_set_str(GIT_ERROR_HTTP, "the HTTP request failed");
    return -1;
}

static int on_write(git_smart_subtransport_stream *parent, const char *data, size_t length)
{
    struct stream *stream = stream_of(parent);

    hl_text_append(&stream->request, data, length);
    if (hl_text_ok(&stream->request))
        return 0;
    git_error_set_str(GIT_ERROR_HTTP, "the request is too long");
    return -1;
}

static void on_stream_free(git_smart_subtransport_stream *parent)
{
    struct stream *stream = stream_of(parent);

    finish(stream);
    hl_text_clear(&stream->request);
    hl_text_clear(&stream->received);
    hl_text_clear(&stream->page);
    free(stream);
}

static int on_action(git_smart_subtransport_stream **out, git_smart_subtransport *parent, const char *url, git_smart_service_t service)
{
    struct subtransport *transport = (struct subtransport *)(void *)parent;
    struct stream *stream = NULL;

    (void)url; /* ours is the one that was checked */
    if (service != GIT_SERVICE_UPLOADPACK_LS && service != GIT_SERVICE_UPLOADPACK) {
        git_error_set_str(GIT_ERROR_HTTP, "hlrec never pushes");
        return -1;
    }
    stream = hl_alloc(sizeof(*stream));
    stream->parent = (git_smart_subtransport_stream){.subtransport = parent, .read = on_read, .write = on_write, .free = on_stream_free};
    stream->wire = transport->wire;
    stream->multi = transport->multi;
    stream->posts = service == GIT_SERVICE_UPLOADPACK;
    hl_text_init(&stream->request, REQUEST_MOST);
    hl_text_init(&stream->received, 4 * BUFFERED_MOST);
    hl_text_init(&stream->page, BODY_MOST);
    *out = &stream->parent;
    return 0;
}

static int on_close(git_smart_subtransport *parent)
{
    (void)parent;
    return 0;
}

static void on_free(git_smart_subtransport *parent)
{
    struct subtransport *transport = (struct subtransport *)(void *)parent;

    curl_multi_cleanup(transport->multi);
    free(transport);
}

static int make(git_smart_subtransport **out, git_transport *owner, void *wire)
{
    struct subtransport *transport = hl_alloc(sizeof(*transport));

    (void)owner;
    transport->parent = (git_smart_subtransport){.action = on_action, .close = on_close, .free = on_free};
    transport->wire = wire;
    transport->multi = curl_multi_init();
    if (transport->multi == NULL)
        abort();
    *out = &transport->parent;
    return 0;
}

int hl_git_http_transport(git_transport **out, git_remote *owner, void *payload)
{
    struct hl_git_wire *wire = payload;

    /* In a child of one thread; it counts, so that the parent's own start does no harm. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    /* Given to this one connection, and not registered for the process: libgit2's table of transports has no lock. */
    wire->definition = (git_smart_subtransport_definition){.callback = make, .rpc = 1, .param = wire};
    return git_transport_smart(out, owner, &wire->definition);
}
