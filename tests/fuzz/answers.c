#include "config.h"

#include "tests/fuzz/answers.h"

#include "reconcile/transport/http.h"
#include "schema/base/arena.h"
#include "schema/base/parallel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MOST_ANSWERS = 512,
    MOST_CALLS = 600,
    STUBBORN_CALLS = 4 * MOST_CALLS, /* who still calls after being interrupted never ends */
    LONGEST_HEADERS = 64 * 1024,
};

struct answer {
    const char *method, *path; /* without the query */
    const char *headers;       /* lines as they come from a server */
    const char *body;
    size_t length;
    long status;
    bool given;
};

static struct {
    struct hl_arena *arena;
    const char *world;
    struct answer answers[MOST_ANSWERS];
    size_t count;
    size_t calls;
    size_t pauses;
} input;

atomic_int answers_interrupts;

/* --- reading the input --- */

static const char *next_answer(const char *at, const char *end)
{
    for (const char *line = at; line < end; line++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (end - line > 2 && line[0] == '@' && line[1] == ' ')
            return line;
        if (stop == NULL)
            return end;
        line = stop;
    }
    return end;
}

static char *take_word(char **rest)
{
    char *word = *rest;
    const size_t length = strcspn(word, " ");

    *rest = word + length + (word[length] != '\0' ? 1 : 0);
    word[length] = '\0';
    return word;
}

static const char *header_lines(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text lines = HL_TEXT_INIT(LONGEST_HEADERS);

    for (; *text != '\0'; text++) {
        if (*text == '|')
            hl_text_puts(&lines, "\r\n");
        else
            hl_text_putc(&lines, *text);
    }
    hl_text_puts(&lines, "\r\n");
    return hl_arena_strdup(arena, hl_text_get(&lines));
}

static void read_answer(struct answer *answer, const char *text, const char *end)
{
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    char *head = hl_arena_copy(input.arena, text + 2, (size_t)((stop != NULL ? stop : end) - text) - 2);
    int64_t status = 0;

    *answer = (struct answer){.method = take_word(&head)};
    char *path = take_word(&head);
    path[strcspn(path, "?")] = '\0';
    answer->path = path;
    if (hl_parse_int(take_word(&head), 0, 599, &status))
        answer->status = (long)status;
    answer->headers = header_lines(input.arena, head);
    answer->body = stop != NULL ? stop + 1 : end;
    answer->length = (size_t)(end - answer->body);
    if (answer->length > 0 && answer->body[answer->length - 1] == '\n')
        answer->length--; /* the end of the line before the next answer */
}

const char *answers_begin(const uint8_t *data, size_t size)
{
    input.arena = hl_arena_new();
    input.count = input.calls = input.pauses = 0;
    answers_interrupts = 0;
    const char *text = hl_arena_copy(input.arena, (const char *)data, size);
    const char *end = text + size;
    const size_t first = strcspn(text, "\n");

    input.world = hl_arena_copy(input.arena, text, first);
    for (const char *at = next_answer(text + first, end); at < end && input.count < MOST_ANSWERS;) {
        const char *next = next_answer(at + 2, end);
        read_answer(&input.answers[input.count++], at, next);
        at = next;
    }
    return input.world;
}

void answers_end(void)
{
    hl_arena_free(input.arena);
    input.arena = NULL;
}

const char *answers_file(const char *name, size_t *length)
{
    for (size_t i = 0; i < input.count; i++) {
        if (strcmp(input.answers[i].method, "FILE") != 0 || strcmp(input.answers[i].path, name) != 0)
            continue;
        *length = input.answers[i].length;
        return input.answers[i].body;
    }
    return NULL;
}

/* --- giving an answer --- */

static struct answer *find_answer(const char *method, const char *path)
{
    struct answer *last = NULL;
    struct answer *other = NULL;
    const size_t length = strcspn(path, "?");

    for (size_t i = 0; i < input.count; i++) {
        struct answer *answer = &input.answers[i];
        const bool same_method = strcmp(answer->method, method) == 0;
        if (same_method && strlen(answer->path) == length && strncmp(answer->path, path, length) == 0) {
            last = answer;
            if (!answer->given)
                break;
        } else if (same_method && !answer->given && other == NULL) {
            other = answer;
        }
    }
    return last != NULL ? last : other;
}

/* As it may come from the network: in two pieces. */
static bool deliver(const struct hl_http_request *request, const struct answer *answer)
{
    const size_t half = answer->length / 2;

    return request->on_data(request->context, answer->body, half) && request->on_data(request->context, answer->body + half, answer->length - half);
}

struct hl_http {
    size_t requests;
};

bool hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err)
{
    (void)err;
    assert(options->url != NULL);
    *out = hl_alloc(sizeof **out);
    return true;
}

void hl_http_free(struct hl_http *client)
{
    free(client);
}

void hl_http_set_header(struct hl_http *client, const char *name, const char *value)
{
    (void)client;
    assert(name != NULL && value != NULL);
}

struct hl_http_stats hl_http_stats(const struct hl_http *client)
{
    return (struct hl_http_stats){.requests = client->requests};
}

/* Nothing but a path goes into the first line of a request; a name that is empty would mean the whole collection, and dots what is above it. */
static void assert_fit(const struct hl_http_request *request)
{
    assert(request->path[0] == '/' && strpbrk(request->path, " \r\n\t") == NULL);
    for (const char *at = request->path; *at == '/';) {
        const char *part = at + 1;
        const size_t length = strcspn(part, "/?");
        at = part + length;
        assert(length > 0 || *at != '/');
        assert(!(length == 1 && part[0] == '.') && !(length == 2 && part[0] == '.' && part[1] == '.'));
    }
}

bool hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    static const struct answer unknown = {.headers = "Content-Type: text/plain\r\n", .body = "404 page not found\n", .length = 19, .status = 404};

    assert_fit(request);
    *response = (struct hl_http_response){.method = request->method};
    client->requests++;
    if (++input.calls > MOST_CALLS)
        answers_interrupts = 2;
    assert(input.calls < STUBBORN_CALLS);
    if (answers_interrupts >= 2)
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted");

    struct answer *found = find_answer(request->method, request->path);
    const struct answer *answer = found != NULL ? found : &unknown;
    if (found != NULL)
        found->given = true;
    if (answer->status == 0)
        return hl_fail(err, HL_E_UNREACHABLE, "the server closed the connection without an answer");
    response->url = hl_strdup(request->path);
    response->url[strcspn(response->url, "?#")] = '\0';
    response->status = answer->status;
    hl_text_init(&response->body, request->max_body > 0 ? request->max_body : HL_MAX_BODY);
    hl_text_init(&response->headers, LONGEST_HEADERS);
    hl_text_puts(&response->headers, answer->headers);
    if (request->max_body > 0 && answer->length > request->max_body)
        return hl_fail(err, HL_E_UNREACHABLE, "the answer is too long");
    if (request->on_data != NULL && answer->status >= 200 && answer->status < 300)
        (void)deliver(request, answer);
    else
        hl_text_append(&response->body, answer->body, answer->length);
    return true;
}

/* One after the other, so that the same input gives the same run. */
void hl_parallel(size_t count, size_t threads, void (*visit)(void *context, size_t index), void *context)
{
    (void)threads;
    for (size_t i = 0; i < count; i++)
        visit(context, i);
}

/* Linked in place of nanosleep() and fsync(): nobody waits for real. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)wanted;
    (void)left;
    if (++input.pauses > MOST_CALLS)
        answers_interrupts = 2;
    assert(input.pauses < STUBBORN_CALLS);
    return 0;
}

int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}
