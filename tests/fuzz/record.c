/* Makes an input of fuzz_api from a real server:  record WORLD|FORGE URL >FILE
 *
 * It is played against the server at URL (unix:///path or http://...), by the real transport, and every call with its answer is written in the form of
 * answers.h. Built by hand: make tests/fuzz/record. What comes out holds the server's answers as they are: nothing for a server with real secrets. */
#include "config.h"

#include "tests/fuzz/post.h"
#include "tests/fuzz/world.h"

#include "reconcile/transport/http.h"
#include "schema/base/parallel.h"

#include <stdio.h>
#include <string.h>

static const char *server;

/* Linked in place of the transport's own, which are the __real ones. */
bool __real_hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err);
bool __wrap_hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err);
bool __real_hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err);
bool __wrap_hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err);

bool __wrap_hl_http_new(const struct hl_http_options *options, struct hl_http **out, struct hl_error **err)
{
    struct hl_http_options elsewhere = *options;

    elsewhere.url = server;
    return __real_hl_http_new(&elsewhere, out, err);
}

static void write_headers(const struct hl_http_response *response)
{
    static const char *const kept[] = {"Location", "Link", "Content-Type", "Retry-After", "X-Next-Page", "X-Total-Count"};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *before = " ";

    for (size_t i = 0; i < HL_COUNT(kept); i++) {
        const char *value = hl_http_header(response, arena, kept[i]);
        if (value == NULL)
            continue;
        printf("%s%s: %s", before, kept[i], value);
        before = "|";
    }
}

/* Streams are collected: the input has them whole. */
bool __wrap_hl_http_perform(struct hl_http *client, const struct hl_http_request *request, struct hl_http_response *response, struct hl_error **err)
{
    struct hl_http_request whole = *request;

    whole.on_data = NULL;
    const bool ok = __real_hl_http_perform(client, &whole, response, err);
    printf("@ %s %s %ld", request->method, request->path, ok ? response->status : 0L);
    if (ok)
        write_headers(response);
    printf("\n%s\n", ok ? hl_text_get(&response->body) : "");
    if (ok && request->on_data != NULL && response->status >= 200 && response->status < 300)
        (void)request->on_data(request->context, hl_text_get(&response->body), response->body.length);
    return ok;
}

/* One after the other, as in fuzz_api. */
void hl_parallel(size_t count, size_t threads, void (*visit)(void *context, size_t index), void *context)
{
    (void)threads;
    for (size_t i = 0; i < count; i++)
        visit(context, i);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("usage: record WORLD|FORGE URL\n", stderr);
        return 3;
    }
    server = arguments[2];
    printf("%s\n", arguments[1]);
    const struct world_options options = {.name = arguments[1]};
    return post_run(arguments[1], NULL) || world_run(&options) ? 0 : 1;
}
