#include "config.h"

#include "reconcile/providers/docker/pull.h"

#include "reconcile/providers/docker/image_name.h"
#include "reconcile/providers/docker/login.h"
#include "schema/base/json.h"

#include <string.h>

enum { MAX_LINE = 1024 * 1024, STEP_PERCENT = 5 };

struct layer {
    int64_t current, total;
    bool done;
};

void hl_pull_stream_init(struct hl_pull_stream *stream, struct hl_arena *arena, struct hl_op *op)
{
    *stream = (struct hl_pull_stream){.layers = hl_map_new(arena), .arena = arena, .op = op, .percent = -STEP_PERCENT};
    hl_text_init(&stream->line, MAX_LINE);
}

void hl_pull_stream_clear(struct hl_pull_stream *stream)
{
    hl_text_clear(&stream->line);
}

/* Told in steps, so that a log does not fill with it. */
static void tell(struct hl_pull_stream *stream)
{
    int64_t current = 0;
    int64_t total = 0;
    size_t done = 0;

    for (size_t i = 0; i < stream->layers->count; i++) {
        const struct layer *layer = stream->layers->entries[i].value;
        current += layer->current;
        total += layer->total;
        done += layer->done;
    }
    const int percent = total > 0 ? (int)((double)current * 100.0 / (double)total) : 0;
    if (stream->op == NULL || total == 0 || (percent < stream->percent + STEP_PERCENT && percent >= stream->percent))
        return;
    stream->percent = percent;
    hl_op_progress(stream->op, "pulling: %d%% of %.1f MB, %zu of %u layers", percent, (double)total / 1e6, done, stream->layers->count);
}

static void take_layer(struct hl_pull_stream *stream, const char *id, const char *status, const struct hl_value *detail)
{
    struct layer *layer = hl_map_find(stream->layers, id);

    if (layer == NULL) {
        layer = hl_arena_alloc(stream->arena, sizeof *layer);
        hl_map_put(stream->layers, id, layer);
    }
    /* Extracting counts from zero again: only the download is told. */
    if (strcmp(status, "Downloading") == 0) {
        layer->current = hl_value_get_int(detail, "current", layer->current);
        layer->total = hl_value_get_int(detail, "total", layer->total);
    } else if (strcmp(status, "Download complete") == 0 || strcmp(status, "Pull complete") == 0 || strcmp(status, "Already exists") == 0) {
        layer->current = layer->total;
        layer->done = true;
    }
    tell(stream);
}

static void take_object(struct hl_pull_stream *stream, const struct hl_value *object)
{
    const struct hl_value *problem = hl_value_find_path(object, "errorDetail.message");
    const char *status = hl_value_get_text(object, "status");
    const char *id = hl_value_get_text(object, "id");

    if (problem == NULL)
        problem = hl_value_get(object, "error");
    if (hl_value_is(problem, HL_TEXT) && stream->problem == NULL)
        stream->problem = hl_arena_strdup(stream->arena, problem->text.data);
    if (status == NULL)
        return;
    if (id != NULL && !hl_starts_with(status, "Pulling from"))
        take_layer(stream, id, status, hl_value_get(object, "progressDetail"));
    else
        stream->status = hl_arena_strdup(stream->arena, status);
}

static void take_line(struct hl_pull_stream *stream)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *object = NULL;
    const char *text = hl_text_get(&stream->line);

    if (strspn(text, " \t\r\n") < stream->line.length && hl_text_ok(&stream->line) && hl_json_decode(arena, text, stream->line.length, &object, &ignored))
        take_object(stream, object);
    hl_text_reset(&stream->line);
}

/* Objects end with a line break, or the next one follows at once. What cannot be read is passed over: it would be progress. */
void hl_pull_stream_feed(struct hl_pull_stream *stream, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hl_text_putc(&stream->line, data[i]);
        if (data[i] == '\n') {
            take_line(stream);
            continue;
        }
        /* "}{" between two objects: the second begins a line of its own. */
        if (data[i] == '{' && stream->line.length > 1 && stream->line.data[stream->line.length - 2] == '}') {
            stream->line.data[--stream->line.length] = '\0';
            take_line(stream);
            hl_text_putc(&stream->line, '{');
        }
    }
}

static bool on_data(void *context, const char *data, size_t length)
{
    hl_pull_stream_feed(context, data, length);
    return true;
}

static const char *pull_path(struct hl_arena *arena, const struct hl_image_name *name, const char *platform)
{
    const char *version = name->digest != NULL ? name->digest : name->tag;

    return hl_arena_printf(arena, "/images/create?fromImage=%s&tag=%s%s%s", hl_docker_escape(arena, hl_image_name_repository(arena, name)),
                           hl_docker_escape(arena, version), platform != NULL ? "&platform=" : "", platform != NULL ? hl_docker_escape(arena, platform) : "");
}

/* The words of the engine, masked: a registry's address may carry a token. */
static bool fail_stream(const struct hl_docker *docker, const char *problem, struct hl_error **err)
{
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    hl_redact(docker->run->redactor, &masked, problem, strlen(problem));
    const bool denied = strstr(problem, "unauthorized") != NULL || strstr(problem, "denied") != NULL;
    hl_fail(err, denied ? HL_E_AUTH : HL_E_REJECTED, "%s", hl_text_get(&masked));
    return denied ? hl_error_hint(err, "a private image needs `registries: {HOST: {username: ..., password: ...}}` at the provider") : false;
}

bool hl_image_pull(struct hl_docker *docker, struct hl_op *op, const char *reference, const char *platform, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_pull_stream stream;
    struct hl_image_name name;
    const char *problem = NULL;

    if (!hl_image_name_parse(arena, reference, &name, &problem))
        return hl_fail(err, HL_E_SPEC, "%s", problem);
    if (name.id != NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "an image's id cannot be pulled, and the host does not have it");
    const char *login = hl_docker_login(docker, arena, &name);
    const struct hl_http_header headers[] = {{"X-Registry-Auth", login}, {NULL, NULL}};
    hl_pull_stream_init(&stream, arena, op);
    const struct hl_docker_call call = {.method = "POST",
                                        .path = pull_path(arena, &name, platform),
                                        .headers = login != NULL ? headers : NULL,
                                        .timeout_ms = -1,
                                        .idempotent = true,
                                        .on_data = on_data,
                                        .context = &stream};
    if (op != NULL)
        hl_op_progress(op, "pulling %s", reference);
    bool done = hl_docker_send(docker, &call, &response, err);
    hl_pull_stream_feed(&stream, "\n", 1);
    if (done && response.status != 200)
        done = hl_docker_rejected(docker, &response, err);
    else if (done && stream.problem != NULL)
        done = fail_stream(docker, stream.problem, err);
    hl_pull_stream_clear(&stream);
    return done;
}
