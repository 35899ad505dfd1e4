/* --notify and --ping: when, to whom, and what becomes of a failure. */
#include "config.h"

#include "reconcile/cli/announce.h"

#include "reconcile/cli/notify_form.h"
#include "reconcile/transport/files.h"
#include "reconcile/transport/http.h"
#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A part of a path that is this long is taken for a token: it is masked wherever it would be shown. */
enum { TIME_LIMIT_MS = 10000, ANSWER_MAXIMUM = 65536, TOKEN_MAXIMUM = 65536, TOKEN_LENGTH = 16, HOST_MAXIMUM = 256 };

/* ---- tokens ---- */

static bool read_token(struct hl_context *context, const char **token, struct hl_error **err)
{
    const char *file = getenv("HLREC_NOTIFY_TOKEN_FILE");
    size_t length = 0;

    *token = getenv("HLREC_NOTIFY_TOKEN");
    if (hl_is_blank(*token) && !hl_is_blank(file)) {
        if (!hl_file_read(context->arena, file, TOKEN_MAXIMUM, token, &length, err))
            return hl_wrap(err, "reading HLREC_NOTIFY_TOKEN_FILE");
        *token = hl_arena_copy(context->arena, *token, strcspn(*token, "\r\n"));
    }
    if (hl_is_blank(*token))
        *token = NULL;
    else
        hl_redactor_add(context->redactor, *token, strlen(*token));
    return true;
}

static void hide_path(struct hl_context *context, const char *path)
{
    while (*path != '\0') {
        const size_t length = strcspn(path, "/?&=");

        if (length >= TOKEN_LENGTH)
            hl_redactor_add(context->redactor, path, length);
        path += length + (path[length] != '\0' ? 1 : 0);
    }
}

static bool parse(struct hl_context *context, const char *option, const char *url, struct hl_notify_target *out, struct hl_error **err)
{
    const char *token;

    if (!read_token(context, &token, err) || !hl_notify_parse(context->arena, option, url, token, out, err))
        return false;
    hide_path(context, out->path);
    return true;
}

bool hl_notify_check(struct hl_context *context, struct hl_error **err)
{
    const char *const *urls = hl_option_list(&context->options, HL_OPT_NOTIFY);
    const char *ping = hl_option_text(&context->options, HL_OPT_PING);
    struct hl_notify_target target;

    /* What is not to be trusted must not reach anybody but those whom the base knows. */
    if (hl_option_given(&context->options, HL_OPT_PREVIEW) && (urls != NULL || ping != NULL))
        return hl_fail(err, HL_E_SPEC, "--%s does not go with --preview", urls != NULL ? "notify" : "ping");
    for (; urls != NULL && *urls != NULL; urls++) {
        if (!parse(context, "notify", *urls, &target, err))
            return false;
    }
    return ping == NULL || parse(context, "ping", ping, &target, err);
}

/* ---- sending ---- */

struct message {
    const char *path;
    const char *header, *header_value;
    const char *type;
    const struct hl_text *body;
};

static bool post(struct hl_context *context, const char *origin, const struct message *message, struct hl_error **err)
{
    const struct hl_http_options options = {
        .url = origin, .user_agent = "hlrec/" PACKAGE_VERSION, .connect_timeout_ms = TIME_LIMIT_MS / 2, .timeout_ms = TIME_LIMIT_MS, .tries = 1};
    const struct hl_http_header headers[] = {{message->header, message->header_value}, {NULL, NULL}};
    const struct hl_http_request request = {.method = "POST",
                                            .path = message->path,
                                            .headers = headers,
                                            .body = hl_text_get(message->body),
                                            .body_length = message->body->length,
                                            .content_type = message->type,
                                            .max_body = ANSWER_MAXIMUM};
    struct hl_http_response response;
    struct hl_http *client;

    if (!hl_http_new(&options, &client, err))
        return false;

    bool ok = hl_http_perform(client, &request, &response, err);

    if (ok) {
        ok = response.status >= 200 && response.status < 300;
        if (!ok)
            hl_http_rejected(&response, context->redactor, err);
    }
    hl_http_response_clear(&response);
    hl_http_free(client);
    return ok;
}

static void send(struct hl_context *context, const char *what, const char *origin, const struct message *message)
{
    hl_auto(error) struct hl_error *err = NULL;

    if (post(context, origin, message, &err))
        return;

    /* The chain's words alone: the request's line would show the path. */
    hl_auto(heap) char *reason = hl_error_text(err);

    hl_context_warn(context, hl_arena_printf(context->arena, "%s to %s failed: %s", what, origin, reason));
}

/* ---- what there is to tell ---- */

static bool is_well(const struct hl_context *context, int code)
{
    return code == HL_EXIT_OK || code == HL_EXIT_DIFFERS || code == HL_EXIT_DEFERRED || context->outcome->suspended;
}

/* NULL: nothing happened. */
static const char *find_event(const struct hl_context *context, int code)
{
    const struct hl_outcome *outcome = context->outcome;

    if (!is_well(context, code))
        return "failure";
    if (outcome->changed > 0)
        return "change";
    if (strcmp(context->command->name, "apply") == 0)
        return NULL;
    if (outcome->drifted > 0)
        return "drift";
    return outcome->standings[HL_STANDS_DIFFERS] > 0 && strcmp(context->command->name, "plan") == 0 ? "change" : NULL;
}

static void put_title(struct hl_context *context, struct hl_text *out, const char *event, int code)
{
    const struct hl_outcome *outcome = context->outcome;
    const char *stack = hl_context_stack(context);

    hl_text_printf(out, "hlrec %s%s%s: ", context->command->name, stack != NULL ? " " : "", stack != NULL ? stack : "");
    if (strcmp(event, "failure") == 0)
        hl_text_printf(out, "failed with exit code %d", code);
    else if (outcome->changed > 0)
        hl_text_printf(out, "%zu changed", outcome->changed);
    else if (strcmp(event, "drift") == 0)
        hl_text_printf(out, "%zu changed outside hlrec", outcome->drifted);
    else
        hl_text_printf(out, "%zu to change", outcome->standings[HL_STANDS_DIFFERS]);
}

static void put_message(const struct hl_context *context, struct hl_text *out, int code)
{
    const struct hl_outcome *outcome = context->outcome;

    hl_text_append(out, hl_text_get(&outcome->lines), outcome->lines.length);
    if (outcome->lines_left > 0)
        hl_text_printf(out, "... and %zu more\n", outcome->lines_left);
    if (outcome->error != NULL) {
        hl_text_puts(out, "error: ");
        hl_text_put_escaped(out, outcome->error, strlen(outcome->error));
        hl_text_putc(out, '\n');
    }
    if (!is_well(context, code))
        hl_text_printf(out, "exit code %d: %s\n", code, hl_exit_meaning((enum hl_exit)code));
}

static const char *redacted(struct hl_context *context, const struct hl_text *text)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_redact(context->redactor, &safe, hl_text_get(text), text->length);
    while (safe.length > 0 && safe.data[safe.length - 1] == '\n')
        safe.length--;
    return hl_arena_copy(context->arena, hl_text_get(&safe), safe.length);
}

static struct hl_value *make_value(struct hl_context *context, const char *event, const struct hl_notice *notice, int code)
{
    const struct hl_outcome *outcome = context->outcome;
    struct hl_value *map = hl_value_map(context->arena);
    struct hl_value *summary = hl_value_map(context->arena);
    char host[HOST_MAXIMUM] = "";

    hl_value_map_put_int(map, "format_version", 1);
    hl_value_map_put_text(map, "event", event);
    hl_render_put_time(map, "time", hl_wall_ms());
    if (gethostname(host, sizeof(host) - 1) == 0)
        hl_value_map_put_text(map, "host", hl_arena_strdup(context->arena, host));
    hl_value_map_put_text(map, "stack", hl_context_stack(context));
    hl_value_map_put_text(map, "command", context->command->name);
    hl_value_map_put_int(map, "exit_code", code);
    hl_value_map_put_text(map, "title", notice->title);
    hl_value_map_put_text(map, "message", notice->text);
    if (outcome->planned) {
        hl_value_map_put_int(summary, "changed", (int64_t)outcome->changed);
        hl_value_map_put_int(summary, "drift", (int64_t)outcome->drifted);
        for (int standing = 0; standing < HL_STANDINGS; standing++)
            hl_value_map_put_int(summary, hl_standing_name((enum hl_standing)standing), (int64_t)outcome->standings[standing]);
        hl_value_map_put(map, "summary", summary);
    }
    return map;
}

static void make_notice(struct hl_context *context, const char *event, int code, struct hl_notice *out)
{
    hl_auto(text) struct hl_text title = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);

    put_title(context, &title, event, code);
    put_message(context, &text, code);
    /* Some services refuse an empty text. */
    if (text.length == 0)
        hl_text_puts(&text, hl_text_get(&title));
    *out = (struct hl_notice){.is_failure = strcmp(event, "failure") == 0, .title = redacted(context, &title), .text = redacted(context, &text)};
    out->value = make_value(context, event, out, code);
}

static void notify(struct hl_context *context, const char *url, const struct hl_notice *notice)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_notify_target target;
    struct hl_notify_post made;

    if (!parse(context, "notify", url, &target, &err))
        return; /* checked at the start; only a token's file can have changed since */
    hl_notify_make(context->arena, &target, notice, &made);
    hl_json_encode(&body, made.body, HL_JSON_COMPACT);
    send(context, "the notification", target.origin,
         &(struct message){.path = made.path, .header = made.header, .header_value = made.header_value, .type = "application/json", .body = &body});
}

/* ---- the ping ---- */

/* `suffix` goes before the query. */
static void ping(struct hl_context *context, const char *suffix, const struct hl_text *body)
{
    const char *url = hl_option_text(&context->options, HL_OPT_PING);
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_notify_target target;

    if (url == NULL || !parse(context, "ping", url, &target, &err))
        return;

    const size_t query = strcspn(target.path, "?");
    size_t length = query;

    while (length > 0 && target.path[length - 1] == '/')
        length--;

    const char *path = hl_arena_printf(context->arena, "%s%s%s", length == 0 && suffix[0] == '\0' ? "/" : hl_arena_copy(context->arena, target.path, length),
                                       suffix, target.path + query);

    send(context, "the ping", target.origin, &(struct message){.path = path, .type = "text/plain; charset=utf-8", .body = body});
}

void hl_notify_start(struct hl_context *context)
{
    hl_auto(text) struct hl_text nothing = HL_TEXT_INIT(1);

    ping(context, "/start", &nothing);
}

void hl_notify_end(struct hl_context *context, int code)
{
    const char *const *urls = hl_option_list(&context->options, HL_OPT_NOTIFY);
    const char *event = find_event(context, code);
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_notice notice;

    if (event != NULL)
        make_notice(context, event, code, &notice);
    for (; event != NULL && urls != NULL && *urls != NULL; urls++)
        notify(context, *urls, &notice);
    if (event != NULL)
        hl_text_printf(&body, "%s\n%s\n", notice.title, notice.text);
    ping(context, is_well(context, code) ? "" : "/fail", &body);
}
