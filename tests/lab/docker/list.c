/* GET /containers/json. Of each row only what depends on the clock is made anew, so that ten thousand are told in milliseconds. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- A row --- */

/* As docker's "About an hour". */
static const char *ago(struct hl_arena *arena, int64_t ns)
{
    int64_t seconds = ns / 1000000000;

    if (seconds < 1)
        return "Less than a second";
    if (seconds == 1)
        return "1 second";
    if (seconds < 60)
        return hl_arena_printf(arena, "%" PRId64 " seconds", seconds);
    if (seconds < 120)
        return "About a minute";
    if (seconds < 3600)
        return hl_arena_printf(arena, "%" PRId64 " minutes", seconds / 60);
    if (seconds < 7200)
        return "About an hour";
    return hl_arena_printf(arena, "%" PRId64 " hours", seconds / 3600);
}

static void put_status(struct hl_text *out, struct hl_arena *arena, const struct docker_container *container, int64_t now)
{
    static const char *const health[] = {
        [HEALTH_NONE] = "", [HEALTH_STARTING] = " (health: starting)", [HEALTH_HEALTHY] = " (healthy)", [HEALTH_UNHEALTHY] = " (unhealthy)"};

    switch (container->state) {
    case CREATED:
        hl_text_puts(out, "Created");
        break;
    case RUNNING:
        hl_text_printf(out, "Up %s%s", ago(arena, now - container->started_ns), health[container->health]);
        break;
    case PAUSED:
        hl_text_printf(out, "Up %s (Paused)", ago(arena, now - container->started_ns));
        break;
    case RESTARTING:
        hl_text_printf(out, "Restarting (%" PRId64 ") %s ago", container->exit_code, ago(arena, now - container->finished_ns));
        break;
    case EXITED:
        hl_text_printf(out, "Exited (%" PRId64 ") %s ago", container->exit_code, ago(arena, now - container->finished_ns));
        break;
    }
}

static struct hl_value *command_of(struct hl_arena *arena, const struct docker_container *container)
{
    const struct hl_value *parts[] = {hl_value_get(container->config, "Entrypoint"), hl_value_get(container->config, "Cmd")};
    hl_auto(text) struct hl_text command = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (size_t i = 0; i < HL_COUNT(parts); i++)
        for (size_t j = 0; j < hl_value_count(parts[i]); j++)
            hl_text_printf(&command, "%s%s", command.length > 0 ? " " : "", hl_value_item(parts[i], j)->text.data);
    return hl_value_text(arena, hl_text_get(&command));
}

/* The image as typed, as long as that still means the image which the container was made of. */
static const char *image_of(struct docker_call *c, const struct docker_container *container)
{
    const char *typed = hl_value_get_text(container->config, "Image");
    const struct docker_image *image = docker_image_find(c->docker, c->arena, typed);

    return image != NULL && strcmp(image->id, container->image_id) == 0 ? typed : container->image_id;
}

static void add_published(struct hl_arena *arena, struct hl_value *ports, const struct docker_port *port, const char *address)
{
    struct hl_value *row = hl_value_map(arena);
    bool udp = false;

    hl_value_map_put_text(row, "IP", address);
    hl_value_map_put_int(row, "PrivatePort", docker_port_of_key(port->key, &udp));
    hl_value_map_put_int(row, "PublicPort", port->number);
    hl_value_map_put_text(row, "Type", udp ? "udp" : "tcp");
    hl_value_list_add(arena, ports, row);
}

static struct hl_value *ports_of(struct hl_arena *arena, const struct docker_container *container)
{
    const struct hl_value *exposed = hl_value_get(container->config, "ExposedPorts");
    struct hl_value *ports = hl_value_list(arena);
    struct hl_map published;

    hl_map_init(&published, arena);
    for (const struct docker_port *port = container->ports; port != NULL; port = port->sibling) {
        add_published(arena, ports, port, *port->host_ip == '\0' ? "0.0.0.0" : port->host_ip);
        if (*port->host_ip == '\0')
            add_published(arena, ports, port, "::");
        hl_map_put(&published, port->key, ports);
    }
    for (size_t i = 0; docker_container_runs(container) && i < hl_value_count(exposed); i++) {
        struct hl_value *row = hl_value_map(arena);
        bool udp = false;

        if (hl_map_has(&published, hl_value_key(exposed, i)))
            continue;
        hl_value_map_put_int(row, "PrivatePort", docker_port_of_key(hl_value_key(exposed, i), &udp));
        hl_value_map_put_text(row, "Type", udp ? "udp" : "tcp");
        hl_value_list_add(arena, ports, row);
    }
    return ports;
}

static void make_head(struct docker_call *c, struct docker_container *container)
{
    struct hl_value *head = hl_value_map(c->arena);
    struct hl_value *names = hl_value_list(c->arena);

    hl_value_list_add(c->arena, names, hl_value_printf(c->arena, "/%s", container->name));
    hl_value_map_put_text(head, "Id", container->id);
    hl_value_map_put(head, "Names", names);
    hl_value_map_put_text(head, "Image", image_of(c, container));
    hl_value_map_put_text(head, "ImageID", container->image_id);
    hl_value_map_put(head, "Command", command_of(c->arena, container));
    hl_value_map_put_int(head, "Created", container->created_ns / 1000000000);
    hl_text_reset(&container->row_head);
    hl_json_encode(&container->row_head, head, HL_JSON_COMPACT);
}

static void make_tail(struct docker_call *c, struct docker_container *container)
{
    struct hl_value *tail = hl_value_map(c->arena);
    struct hl_value *host = hl_value_map(c->arena);
    struct hl_value *settings = hl_value_map(c->arena);

    hl_value_map_put(tail, "Ports", ports_of(c->arena, container));
    hl_value_map_put(tail, "Labels", hl_value_get(container->config, "Labels"));
    hl_value_map_put_text(host, "NetworkMode", hl_value_get_text(container->host, "NetworkMode"));
    hl_value_map_put(tail, "HostConfig", host);
    hl_value_map_put(settings, "Networks", docker_inspect_networks(c, container, true));
    hl_value_map_put(tail, "NetworkSettings", settings);
    hl_value_map_put(tail, "Mounts", container->mounts);
    hl_text_reset(&container->row_tail);
    hl_json_encode(&container->row_tail, tail, HL_JSON_COMPACT);
}

static void put_row(struct docker_call *c, struct docker_container *container, int64_t now)
{
    struct hl_text *out = &c->call->reply;

    if (!container->row_fresh || container->row_generation != c->docker->images_generation) {
        make_head(c, container);
        make_tail(c, container);
        container->row_fresh = true;
        container->row_generation = c->docker->images_generation;
    }
    /* Two objects become one: the brace between them makes way for what changes by itself. */
    hl_text_append(out, container->row_head.data, container->row_head.length - 1);
    hl_text_printf(out, ",\"State\":\"%s\",\"Status\":\"", docker_state_name(container));
    put_status(out, c->arena, container, now);
    hl_text_puts(out, "\",");
    hl_text_append(out, container->row_tail.data + 1, container->row_tail.length - 1);
}

/* --- Filters --- */

static bool is_named(const void *context, const char *word)
{
    return docker_name_fits(((const struct docker_container *)context)->name, word);
}

static bool has_id(const void *context, const char *word)
{
    return hl_starts_with(((const struct docker_container *)context)->id, word);
}

static bool has_status(const void *context, const char *word)
{
    return strcmp(docker_state_name(context), word) == 0;
}

static bool has_health(const void *context, const char *word)
{
    return strcmp(docker_health_name(((const struct docker_container *)context)->health), word) == 0;
}

static bool is_in_network(const void *context, const char *word)
{
    const struct docker_container *container = context;

    for (size_t i = 0; i < container->endpoints_count; i++)
        if (strcmp(container->endpoints[i]->network, word) == 0 || strcmp(container->endpoints[i]->network_id, word) == 0)
            return true;
    return false;
}

static bool has_volume(const void *context, const char *word)
{
    const struct hl_value *mounts = ((const struct docker_container *)context)->mounts;

    for (size_t i = 0; i < hl_value_count(mounts); i++) {
        const char *name = hl_value_get_text(hl_value_item(mounts, i), "Name");

        if ((name != NULL && strcmp(name, word) == 0) || strcmp(hl_value_get_text(hl_value_item(mounts, i), "Destination"), word) == 0)
            return true;
    }
    return false;
}

static bool has_ancestor(const void *context, const char *word)
{
    const struct docker_container *container = context;

    return strcmp(hl_value_get_text(container->config, "Image"), word) == 0 || hl_starts_with(container->image_id, word) ||
           hl_starts_with(container->image_id + strlen("sha256:"), word);
}

static bool is_wanted(const struct docker_container *container, const struct hl_value *filters, bool all)
{
    if (!all && !docker_container_runs(container) && hl_value_count(hl_value_get(filters, "status")) == 0)
        return false;
    if (hl_value_count(filters) == 0)
        return true;
    return docker_filter_labels(filters, hl_value_get(container->config, "Labels")) && docker_filter_any(filters, "name", is_named, container) &&
           docker_filter_any(filters, "id", has_id, container) && docker_filter_any(filters, "status", has_status, container) &&
           docker_filter_any(filters, "health", has_health, container) && docker_filter_any(filters, "network", is_in_network, container) &&
           docker_filter_any(filters, "volume", has_volume, container) && docker_filter_any(filters, "ancestor", has_ancestor, container);
}

void docker_containers_list(struct docker_call *c)
{
    static const char *const known[] = {"ancestor", "before", "exited",  "expose",  "health", "id",     "isolation", "is-task",
                                        "label",    "name",   "network", "publish", "since",  "status", "volume",    NULL};
    bool all = lab_query_flag(c->call, "all");
    struct hl_value *filters = NULL;
    int64_t now = lab_now_ns(), limit = 0;
    bool first = true;

    if (!docker_filters(c, known, &filters))
        return;
    if (hl_parse_int(lab_query(c->call, "limit"), 1, INT32_MAX, &limit))
        all = true; /* a limit counts all containers */
    docker_settle_all(c->docker);
    lab_answer_text(c->call, 200, "application/json", "[");
    for (size_t i = c->docker->containers_count; i > 0; i--) { /* the newest first */
        if (!is_wanted(c->docker->containers[i - 1], filters, all))
            continue;
        if (!first)
            hl_text_putc(&c->call->reply, ',');
        first = false;
        put_row(c, c->docker->containers[i - 1], now);
        if (limit > 0 && --limit == 0)
            break;
    }
    hl_text_puts(&c->call->reply, "]\n");
}
