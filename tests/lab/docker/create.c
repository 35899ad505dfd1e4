#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The three parts of the body, checked. */
struct wish {
    struct hl_value *config, *host;
    struct hl_value *endpoints; /* of NetworkingConfig; a map or null */
    const char *name;
};

static void put_default(struct hl_value *map, const char *key, const char *text)
{
    if (hl_is_blank(hl_value_get_text(map, key)))
        hl_value_map_put_text(map, key, text);
}

static bool read_wish(struct docker_call *c, struct wish *wish)
{
    struct hl_value *body = docker_body(c);
    struct hl_value *networking = NULL;
    struct hl_value *host = docker_get(body, "HostConfig");

    if (body == NULL)
        return false;
    if (c->call->body_length == 0)
        return docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "EOF");
    if (hl_value_count(body) == 0)
        return docker_fail(c, 400, "Config cannot be empty in order to create a container");
    if (!docker_decode(c, "ContainerConfigWrapper", docker_config_fields, body, &wish->config) ||
        !docker_decode(c, "HostConfig", docker_host_fields, host, &wish->host) ||
        !docker_decode(c, "NetworkingConfig", docker_networking_fields, docker_get(body, "NetworkingConfig"), &networking))
        return false;
    wish->endpoints = hl_value_get(networking, "EndpointsConfig");
    if (!hl_value_is_null(host)) /* or the runtime is chosen at start, and not shown */
        put_default(wish->host, "Runtime", "runc");
    wish->name = lab_query(c->call, "name");
    wish->name += wish->name[0] == '/' ? 1 : 0;
    if (*wish->name != '\0' && !docker_name_is_valid(wish->name))
        return docker_fail(c, 400, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", wish->name);
    return docker_check_create(c, wish->config, wish->host, wish->endpoints);
}

static bool check_name(struct docker_call *c, const char *name)
{
    const struct docker_container *holder = hl_map_find(&c->docker->containers_by_name, name);

    return holder == NULL || docker_fail(c, 409,
                                         "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove "
                                         "(or rename) that container to be able to reuse that name.",
                                         name, holder->id);
}

static bool check_platform(struct docker_call *c, const char *image)
{
    const char *platform = lab_query(c->call, "platform");

    if (*platform == '\0' || strcmp(platform, "linux") == 0 || hl_starts_with(platform, "linux/amd64"))
        return true;
    if (strchr(platform, '/') == NULL)
        return docker_fail(c, 400, "\"%s\": unknown operating system or architecture: invalid argument", platform);
    return docker_fail(c, 404, "image with reference %s was found but does not match the specified platform: wanted %s, actual: linux/amd64", image, platform);
}

static struct docker_image *find_image(struct docker_call *c, const struct wish *wish)
{
    const char *text = hl_value_get_text(wish->config, "Image");
    struct docker_image *image = docker_image_find(c->docker, c->arena, text);

    if (image == NULL) {
        docker_image_fail(c, text, "");
        return NULL;
    }
    return check_platform(c, text) ? image : NULL;
}

/* --- Defaults of the engine --- */

static bool is_text(const struct hl_value *map, const char *key, const char *text)
{
    const char *own = hl_value_get_text(map, key);

    return own != NULL && strcmp(own, text) == 0;
}

static void set_defaults(struct hl_arena *arena, struct hl_value *host)
{
    struct hl_value *log = hl_value_get(host, "LogConfig");
    int64_t memory = hl_value_get_int(host, "Memory", 0);
    bool open = hl_value_get_bool(host, "Privileged", false) || is_text(host, "PidMode", "host") || is_text(host, "IpcMode", "host");

    put_default(host, "NetworkMode", "default");
    put_default(host, "IpcMode", "private");
    put_default(host, "CgroupnsMode", "host");
    put_default(log, "Type", "json-file");
    if (hl_value_is_null(hl_value_get(log, "Config")))
        hl_value_map_put(log, "Config", hl_value_map(arena));
    if (hl_value_get_int(host, "ShmSize", 0) == 0)
        hl_value_map_put_int(host, "ShmSize", 64 << 20);
    if (memory > 0 && hl_value_get_int(host, "MemorySwap", 0) == 0)
        hl_value_map_put_int(host, "MemorySwap", 2 * memory);
    if (hl_value_get_int(host, "PidsLimit", 0) <= 0)
        hl_value_map_put(host, "PidsLimit", hl_value_null(arena));
    if (hl_value_get_int(host, "MemorySwappiness", 0) == -1)
        hl_value_map_put(host, "MemorySwappiness", hl_value_null(arena));
    if (open && hl_value_is_null(hl_value_get(host, "SecurityOpt"))) {
        struct hl_value *options = hl_value_list(arena);

        hl_value_list_add(arena, options, hl_value_text(arena, "label=disable"));
        hl_value_map_put(host, "SecurityOpt", options);
    }
}

static void set_hostname(struct docker_container *container, struct hl_value *config, const struct hl_value *host)
{
    if (!hl_is_blank(hl_value_get_text(config, "Hostname")))
        return;
    if (is_text(host, "NetworkMode", "host"))
        hl_value_map_put_text(config, "Hostname", "lab");
    else
        hl_value_map_put_text(config, "Hostname", hl_arena_copy(container->arena, container->id, SHORT_ID));
}

/* --- Endpoints --- */

static bool is_user_defined(const char *mode)
{
    static const char *const special[] = {"default", "bridge", "host", "none"};

    for (size_t i = 0; i < HL_COUNT(special); i++)
        if (strcmp(mode, special[i]) == 0)
            return false;
    return !hl_starts_with(mode, "container:");
}

/* By the network's name, should the client have used its id; a network that is not there (yet) keeps the word. */
static const char *network_key(struct docker_call *c, const char *text)
{
    const struct docker_network *network = docker_network_find(c->docker, NULL, text);

    return network == NULL ? text : network->name;
}

static void make_endpoints(struct docker_call *c, struct docker_container *container, const struct hl_value *wanted)
{
    const char *mode = hl_value_get_text(container->host, "NetworkMode");
    const char *own = strcmp(mode, "default") == 0 ? "bridge" : mode;

    if (hl_starts_with(mode, "container:"))
        return;
    if (hl_value_count(wanted) == 0) {
        docker_endpoint_add(container, is_user_defined(mode) ? network_key(c, own) : own, NULL);
        return;
    }
    for (size_t i = 0; i < hl_value_count(wanted); i++) {
        const char *key = hl_value_key(wanted, i);

        docker_endpoint_add(container, strcmp(key, "default") == 0 ? "bridge" : network_key(c, key), hl_value_at(wanted, i));
    }
}

/* --- Together --- */

static struct docker_container *new_container(const struct docker_image *image)
{
    struct hl_arena *arena = hl_arena_new();
    struct docker_container *container = hl_arena_alloc(arena, sizeof(*container));

    container->arena = arena;
    docker_new_id(container->id);
    container->image_id = hl_arena_strdup(arena, image->id);
    container->created_ns = lab_now_ns();
    container->error = "";
    container->log = hl_value_list(arena);
    hl_map_init(&container->files, arena);
    hl_text_init(&container->row_head, HL_MAX_BODY);
    hl_text_init(&container->row_tail, HL_MAX_BODY);
    return container;
}

static bool fill(struct docker_call *c, struct docker_container *container, struct wish *wish)
{
    if (hl_value_count(hl_value_get(wish->config, "Volumes")) == 0)
        hl_value_map_put(wish->config, "Volumes", hl_value_null(c->arena));
    set_defaults(c->arena, wish->host);
    set_hostname(container, wish->config, wish->host);
    container->name = *wish->name != '\0' ? hl_arena_strdup(container->arena, wish->name) : hl_arena_printf(container->arena, "lab_%.8s", container->id);
    container->config = docker_compact(container->arena, docker_config_fields, wish->config);
    container->host = docker_compact(container->arena, docker_host_fields, wish->host);
    return docker_make_mounts(c, container);
}

void docker_container_create(struct docker_call *c)
{
    struct wish wish = {.name = ""};
    struct docker_image *image = read_wish(c, &wish) ? find_image(c, &wish) : NULL;
    struct docker_container *container = NULL;

    if (image == NULL)
        return;
    docker_merge_image(c->arena, wish.config, image->config);
    if (hl_value_count(hl_value_get(wish.config, "Entrypoint")) == 0 && hl_value_count(hl_value_get(wish.config, "Cmd")) == 0) {
        docker_fail(c, 400, "No command specified");
        return;
    }
    if (*wish.name != '\0' && !check_name(c, wish.name))
        return;
    container = new_container(image);
    if (!fill(c, container, &wish)) {
        hl_arena_free(container->arena);
        return;
    }
    make_endpoints(c, container, wish.endpoints);
    docker_container_add(c->docker, container);
    docker_container_event(c->docker, container, "create");

    struct hl_value *made = hl_value_map(c->arena);

    hl_value_map_put_text(made, "Id", container->id);
    hl_value_map_put(made, "Warnings", hl_value_list(c->arena));
    docker_ok(c, 201, made);
}

/* --- Update: the only part of the configuration that can change --- */

static bool check_update(struct docker_call *c, const struct docker_container *container, const struct hl_value *update)
{
    int64_t memory = hl_value_get_int(update, "Memory", 0);
    int64_t swap = hl_value_get_int(update, "MemorySwap", 0);
    int64_t cpus = hl_value_get_int(update, "NanoCpus", 0);
    bool quota = hl_value_get_int(update, "CpuQuota", 0) != 0 || hl_value_get_int(update, "CpuPeriod", 0) != 0;
    bool has_quota = hl_value_get_int(container->host, "CpuQuota", 0) != 0;

    if (memory != 0 && memory < 6 << 20)
        return docker_fail(c, 400, "Minimum memory limit allowed is 6MB");
    if (memory > 0 && swap > 0 && swap < memory)
        return docker_fail(c, 400, "Minimum memoryswap limit should be larger than memory limit, see usage");
    if (swap == 0 && memory > hl_value_get_int(container->host, "MemorySwap", 0) && hl_value_get_int(container->host, "MemorySwap", 0) != -1)
        return docker_fail(c, 409,
                           "Cannot update container %s: Memory limit should be smaller than already set memoryswap limit, "
                           "update the memoryswap at the same time",
                           container->id);
    if ((cpus != 0 && (quota || has_quota)) || (quota && hl_value_get_int(container->host, "NanoCpus", 0) != 0))
        return docker_fail(c, 409, "Cannot update container %s: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
                           container->id);
    return docker_check_restart(c, hl_value_get(update, "RestartPolicy"), false);
}

/* Nothing and zero mean "leave it", so no limit can be taken away; but for PidsLimit, which a 0 clears. */
void docker_container_update(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    struct hl_value *body = container == NULL ? NULL : docker_body(c);
    struct hl_value *update = NULL;

    if (body == NULL || !docker_decode(c, "UpdateConfig", docker_update_fields, body, &update) || !check_update(c, container, update))
        return;
    for (size_t i = 0; i < hl_value_count(update); i++) {
        const char *key = hl_value_key(update, i);
        const struct hl_value *value = hl_value_at(update, i);
        bool zero = (value->type == HL_INT && value->integer == 0) || (value->type == HL_TEXT && value->text.length == 0);

        if (strcmp(key, "PidsLimit") == 0 && value->type == HL_INT)
            hl_value_map_put_int(container->host, key, value->integer < 0 ? 0 : value->integer);
        else if (strcmp(key, "RestartPolicy") == 0 ? !hl_is_blank(hl_value_get_text(value, "Name")) : !zero && value->type != HL_NULL)
            hl_value_map_put(container->host, key, hl_value_copy(container->arena, value));
    }
    docker_container_event(c->docker, container, "update");

    struct hl_value *answer = hl_value_map(c->arena);

    hl_value_map_put(answer, "Warnings", hl_value_null(c->arena));
    docker_ok(c, 200, answer);
}
