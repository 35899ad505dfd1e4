/* Events, the framing of streams, and what the engine says of itself. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- Events --- */

void docker_event(struct docker *docker, const char *type, const char *action, const char *id, const struct hl_value *attributes)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_BODY);
    struct hl_value *event = hl_value_map(arena);
    struct hl_value *actor = hl_value_map(arena);
    int64_t now = lab_now_ns();

    hl_value_map_put_text(event, "status", action);
    hl_value_map_put_text(event, "id", id);
    hl_value_map_put_text(event, "from", hl_value_get_text(attributes, "image"));
    hl_value_map_put_text(event, "Type", type);
    hl_value_map_put_text(event, "Action", action);
    hl_value_map_put_text(actor, "ID", id);
    hl_value_map_put(actor, "Attributes", attributes == NULL ? hl_value_map(arena) : hl_value_copy(arena, attributes));
    hl_value_map_put(event, "Actor", actor);
    hl_value_map_put_text(event, "scope", "local");
    hl_value_map_put_int(event, "time", now / 1000000000);
    hl_value_map_put_int(event, "timeNano", now);
    hl_json_encode(&line, event, HL_JSON_COMPACT);
    hl_text_putc(&line, '\n');
    if (docker->events_count == docker->events_capacity) {
        docker->events_capacity = docker->events_capacity == 0 ? 64 : docker->events_capacity * 2;
        docker->events = hl_realloc(docker->events, docker->events_capacity * sizeof(char *));
        docker->events_ns = hl_realloc(docker->events_ns, docker->events_capacity * sizeof(int64_t));
    }
    docker->events_ns[docker->events_count] = now;
    docker->events[docker->events_count++] = hl_text_take(&line);
    lab_notify(docker->lab);
}

/* An action with arguments ("health_status: healthy") is meant by its first word too. */
static bool is_action(const void *context, const char *word)
{
    const char *action = context;
    size_t length = strlen(word);

    return strncmp(action, word, length) == 0 && (action[length] == '\0' || action[length] == ':');
}

static bool is_same(const void *context, const char *word)
{
    return strcmp(context, word) == 0;
}

static bool is_wanted(const struct hl_value *filters, const char *line)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *event = NULL;

    if (hl_value_count(filters) == 0)
        return true;
    if (!hl_json_decode(arena, line, strlen(line), &event, &err))
        abort();

    const struct hl_value *actor = hl_value_get(event, "Actor");
    const struct hl_value *attributes = hl_value_get(actor, "Attributes");
    const char *name = hl_value_get_text(attributes, "name");

    return docker_filter_any(filters, "type", is_same, hl_value_get_text(event, "Type")) &&
           docker_filter_any(filters, "event", is_action, hl_value_get_text(event, "Action")) &&
           (docker_filter_any(filters, "container", is_same, hl_value_get_text(actor, "ID")) ||
            docker_filter_any(filters, "container", is_same, name == NULL ? "" : name)) &&
           docker_filter_labels(filters, attributes);
}

/* Seconds since 1970, with a fraction perhaps, as ns; `fallback` when absent. */
static int64_t time_of(const char *text, int64_t fallback)
{
    return *text == '\0' ? fallback : (int64_t)(strtold(text, NULL) * 1000000000.0L);
}

void docker_events(struct docker_call *c)
{
    static const char *const known[] = {"container", "daemon", "event", "image", "label", "network", "type", "volume", "scope", NULL};
    int64_t since = time_of(lab_query(c->call, "since"), lab_now_ns());
    int64_t until = time_of(lab_query(c->call, "until"), INT64_MAX);
    struct hl_value *filters = NULL;

    if (!docker_filters(c, known, &filters))
        return;
    lab_stream_begin(c->call, 200, "application/json", true);
    for (size_t next = 0;;) {
        docker_settle_all(c->docker);
        while (next < c->docker->events_count) {
            size_t number = next++;
            const char *line = c->docker->events[number];
            int64_t at = c->docker->events_ns[number];

            if (at >= since && at <= until && is_wanted(filters, line) && !lab_stream_write(c->call, line, strlen(line)))
                return;
        }
        if (lab_now_ns() >= until || lab_client_is_gone(c->call) || !lab_wait(c->docker->lab, 20))
            return;
    }
}

/* --- Frames --- */

void docker_put_frame(struct docker_call *c, int stream, bool tty, const char *data, size_t length)
{
    char head[8] = {(char)stream, 0, 0, 0, (char)(length >> 24 & 255), (char)(length >> 16 & 255), (char)(length >> 8 & 255), (char)(length & 255)};
    hl_auto(text) struct hl_text frame = HL_TEXT_INIT(HL_MAX_BODY);

    if (!tty)
        hl_text_append(&frame, head, sizeof(head));
    hl_text_append(&frame, data, length);

    size_t first = frame.length < 5 ? frame.length : 5;

    if (lab_stream_write(c->call, frame.data, first))
        lab_stream_write(c->call, frame.data + first, frame.length - first);
}

/* --- The engine itself --- */

void docker_ping(struct docker_call *c)
{
    lab_put_header(c->call, "Cache-Control", "no-cache, no-store, must-revalidate");
    lab_answer_text(c->call, 200, "text/plain; charset=utf-8", "%s", strcmp(c->call->method, "HEAD") == 0 ? "" : "OK");
}

static const char *engine_version(const struct docker *docker)
{
    static const char *const versions[] = {"20.10.24", "23.0.6", "24.0.9", "25.0.5"};

    return versions[docker->minor - 41];
}

void docker_version(struct docker_call *c)
{
    struct hl_value *version = hl_value_map(c->arena);
    struct hl_value *engine = hl_value_map(c->arena);
    struct hl_value *components = hl_value_list(c->arena);
    struct hl_value *platform = hl_value_map(c->arena);

    hl_value_map_put_text(platform, "Name", "Docker Engine - Community");
    hl_value_map_put_text(engine, "Name", "Engine");
    hl_value_map_put_text(engine, "Version", engine_version(c->docker));
    hl_value_map_put(engine, "Details", hl_value_map(c->arena));
    hl_value_list_add(c->arena, components, engine);
    hl_value_map_put(version, "Platform", platform);
    hl_value_map_put(version, "Components", components);
    hl_value_map_put_text(version, "Version", engine_version(c->docker));
    hl_value_map_put(version, "ApiVersion", hl_value_printf(c->arena, "1.%" PRId64, c->docker->minor));
    hl_value_map_put_text(version, "MinAPIVersion", c->docker->minor >= 44 ? "1.24" : "1.12");
    hl_value_map_put_text(version, "GitCommit", "0000000");
    hl_value_map_put_text(version, "GoVersion", "go1.19.7");
    hl_value_map_put_text(version, "Os", "linux");
    hl_value_map_put_text(version, "Arch", "amd64");
    hl_value_map_put_text(version, "KernelVersion", "6.1.0-lab");
    hl_value_map_put_text(version, "BuildTime", "2023-04-04T00:00:00.000000000+00:00");
    docker_ok(c, 200, version);
}

void docker_info(struct docker_call *c)
{
    struct hl_value *info = hl_value_map(c->arena);
    int64_t running = 0, paused = 0;

    docker_settle_all(c->docker);
    for (size_t i = 0; i < c->docker->containers_count; i++) {
        running += docker_container_runs(c->docker->containers[i]) ? 1 : 0;
        paused += c->docker->containers[i]->state == PAUSED ? 1 : 0;
    }
    hl_value_map_put_text(info, "ID", "LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0:LAB0");
    hl_value_map_put_int(info, "Containers", (int64_t)c->docker->containers_count);
    hl_value_map_put_int(info, "ContainersRunning", running);
    hl_value_map_put_int(info, "ContainersPaused", paused);
    hl_value_map_put_int(info, "ContainersStopped", (int64_t)c->docker->containers_count - running);
    hl_value_map_put_int(info, "Images", (int64_t)c->docker->images_count);
    hl_value_map_put_text(info, "Driver", "overlay2");
    hl_value_map_put_bool(info, "MemoryLimit", true);
    hl_value_map_put_bool(info, "SwapLimit", true);
    hl_value_map_put_text(info, "LoggingDriver", "json-file");
    hl_value_map_put_text(info, "CgroupDriver", "cgroupfs");
    hl_value_map_put_text(info, "CgroupVersion", "1");
    hl_value_map_put_text(info, "OperatingSystem", "hlrec lab");
    hl_value_map_put_text(info, "OSType", "linux");
    hl_value_map_put_text(info, "Architecture", "x86_64");
    hl_value_map_put_text(info, "KernelVersion", "6.1.0-lab");
    hl_value_map_put_int(info, "NCPU", 8);
    hl_value_map_put_int(info, "MemTotal", INT64_C(16) << 30);
    hl_value_map_put_text(info, "Name", "lab");
    hl_value_map_put_text(info, "ServerVersion", engine_version(c->docker));
    hl_value_map_put_text(info, "DefaultRuntime", "runc");
    hl_value_map_put_text(info, "DockerRootDir", "/var/lib/docker");
    hl_value_map_put_bool(info, "LiveRestoreEnabled", false);
    docker_ok(c, 200, info);
}
