/* Start, stop and all between: what changes a container's state. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };

/* --- Policies --- */

static int64_t label_number(const struct docker_container *container, const char *label, int64_t fallback)
{
    const char *text = docker_container_label(container, label);
    int64_t number = fallback;

    return text != NULL && hl_parse_int(text, 0, INT32_MAX, &number) ? number : fallback;
}

static bool is_restarted(const struct docker_container *container)
{
    const struct hl_value *policy = hl_value_get(container->host, "RestartPolicy");
    const char *name = hl_value_get_text(policy, "Name");
    int64_t most = hl_value_get_int(policy, "MaximumRetryCount", 0);

    if (container->stopped_by_hand || name == NULL)
        return false;
    if (strcmp(name, "on-failure") == 0)
        return container->exit_code != 0 && (most == 0 || container->restart_count < most);
    return strcmp(name, "always") == 0 || strcmp(name, "unless-stopped") == 0;
}

static bool has_healthcheck(const struct docker_container *container)
{
    const struct hl_value *test = hl_value_get(hl_value_get(container->config, "Healthcheck"), "Test");
    const struct hl_value *first = hl_value_item(test, 0);

    return hl_value_is(first, HL_TEXT) && strcmp(first->text.data, "NONE") != 0;
}

static void begin_health(struct docker_container *container, int64_t now)
{
    const char *wanted = docker_container_label(container, "lab.health");
    const char *image = hl_value_get_text(container->config, "Image");

    container->health = HEALTH_NONE;
    container->verdict_ns = 0;
    if (wanted == NULL && strstr(image, "unhealthy") != NULL)
        wanted = "unhealthy";
    if (wanted == NULL && !has_healthcheck(container))
        return;
    container->health = HEALTH_STARTING;
    container->verdict = wanted != NULL && strcmp(wanted, "unhealthy") == 0 ? HEALTH_UNHEALTHY : HEALTH_HEALTHY;
    if (wanted == NULL || strcmp(wanted, "starting") != 0)
        container->verdict_ns = now + label_number(container, "lab.health-delay", 200) * MILLISECOND_NS;
}

static void write_log(struct docker_container *container, int64_t now)
{
    const char *text = docker_container_label(container, "lab.log");
    struct hl_value *entry = hl_value_list(container->arena);

    hl_value_list_add(container->arena, entry, hl_value_int(container->arena, now));
    hl_value_list_add(container->arena, entry,
                      text == NULL ? hl_value_printf(container->arena, "%s started", container->name) : hl_value_text(container->arena, text));
    hl_value_list_add(container->arena, container->log, entry);
}

/* --- Begin and end --- */

void docker_begin(struct docker *docker, struct docker_container *container, int64_t now)
{
    container->state = RUNNING;
    container->started_ns = now;
    container->exit_code = 0;
    container->error = "";
    container->pid = docker->next_pid++;
    container->row_fresh = false;
    container->next_ns = 0;
    if (docker_container_label(container, "lab.exit") != NULL)
        container->next_ns = now + 1 + label_number(container, "lab.exit-delay", 0) * MILLISECOND_NS;
    begin_health(container, now);
    write_log(container, now);
    docker_container_event(docker, container, "start");
    lab_notify(docker->lab);
}

static void release(struct docker *docker, struct docker_container *container)
{
    docker_ports_down(docker, container);
    for (size_t i = 0; i < container->endpoints_count; i++)
        docker_endpoint_down(docker, container, container->endpoints[i]);
}

void docker_exit_container(struct docker *docker, struct docker_container *container, int64_t exit_code)
{
    int64_t now = container->next_ns != 0 ? container->next_ns : lab_now_ns();

    container->exit_code = exit_code;
    container->finished_ns = now;
    container->next_ns = 0;
    container->verdict_ns = 0;
    container->pid = 0;
    container->row_fresh = false;
    docker_container_event(docker, container, "die");
    lab_notify(docker->lab);
    if (is_restarted(container)) {
        int64_t shift = container->restart_count < 9 ? container->restart_count : 9;

        container->restart_count++;
        container->state = RESTARTING;
        container->next_ns = now + (100 * MILLISECOND_NS << shift);
        return;
    }
    release(docker, container);
    container->state = EXITED;
    if (hl_value_get_bool(container->host, "AutoRemove", false))
        docker_container_remove(docker, container, true);
}

/* --- Start --- */

static bool check_namespace(struct docker_call *c, const char *mode)
{
    struct docker_container *other = NULL;

    if (mode == NULL || !hl_starts_with(mode, "container:"))
        return true;
    other = docker_container_find(c, mode + strlen("container:"));
    if (other == NULL)
        return false;
    return docker_container_runs(other) || docker_fail(c, 409, "cannot join network of a non running container: %s", other->id);
}

static bool check_devices(struct docker_call *c, const struct docker_container *container)
{
    const struct hl_value *devices = hl_value_get(container->host, "Devices");

    for (size_t i = 0; i < hl_value_count(devices); i++) {
        const char *path = hl_value_get_text(hl_value_item(devices, i), "PathOnHost");

        if (path != NULL && strstr(path, "missing") != NULL)
            return docker_fail(c, 500,
                               "error gathering device information while adding custom device \"%s\": "
                               "no such file or directory",
                               path);
    }
    return true;
}

static bool go_up(struct docker_call *c, struct docker_container *container)
{
    const char *failure = docker_container_label(container, "lab.start-error");
    const char *mode = hl_value_get_text(container->host, "NetworkMode");

    if (!check_namespace(c, mode) || !check_devices(c, container))
        return false;
    for (size_t i = 0; i < container->endpoints_count; i++)
        if (!docker_endpoint_up(c, container, container->endpoints[i]))
            return false;
    if (!docker_ports_up(c, container))
        return false;
    return failure == NULL || docker_fail(c, 500, "%s", failure);
}

bool docker_start_container(struct docker_call *c, struct docker_container *container)
{
    if (!go_up(c, container)) {
        release(c->docker, container);
        container->error = hl_arena_strdup(container->arena, c->failure);
        container->exit_code = 128;
        container->row_fresh = false;
        return false;
    }
    container->stopped_by_hand = false;
    if (hl_is_blank(hl_value_get_text(container->host, "Runtime")))
        hl_value_map_put_text(container->host, "Runtime", "runc"); /* at the latest now */
    docker_begin(c->docker, container, lab_now_ns());
    return true;
}

void docker_container_start(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (container->state == PAUSED) {
        docker_fail(c, 409, "cannot start a paused container, try unpause instead");
        return;
    }
    if (docker_container_runs(container)) {
        lab_answer(c->call, 304);
        return;
    }
    container->restart_count = 0;
    if (docker_start_container(c, container))
        lab_answer(c->call, 204);
}

/* --- Stop, restart, kill --- */

/* With the time that the container takes; it may be gone afterwards: NULL, and answered. */
static struct docker_container *take_time_to_stop(struct docker_call *c, struct docker_container *container)
{
    int64_t until = lab_now_ns() + label_number(container, "lab.stop-delay", 0) * MILLISECOND_NS;
    const char *id = hl_arena_strdup(c->arena, container->id);

    container->stopped_by_hand = true;
    docker_container_event(c->docker, container, "kill");
    while (lab_now_ns() < until)
        if (!lab_wait(c->docker->lab, (until - lab_now_ns()) / MILLISECOND_NS + 1))
            break;
    return docker_container_find(c, id);
}

/* False when the call is answered: with AutoRemove the container is gone, and all is well. */
static bool stop_container(struct docker_call *c, struct docker_container **container, int64_t exit_code)
{
    bool removed = hl_value_get_bool((*container)->host, "AutoRemove", false);

    *container = take_time_to_stop(c, *container);
    if (*container == NULL)
        return false;
    if (docker_container_runs(*container)) {
        (*container)->state = RUNNING;
        (*container)->next_ns = 0;
        docker_exit_container(c->docker, *container, exit_code);
    }
    if (removed)
        lab_answer(c->call, 204);
    return !removed;
}

void docker_container_stop(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (!docker_container_runs(container)) {
        lab_answer(c->call, 304);
        return;
    }
    if (!stop_container(c, &container, 0))
        return;
    docker_container_event(c->docker, container, "stop");
    lab_answer(c->call, 204);
}

void docker_container_restart(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (docker_container_runs(container) && !stop_container(c, &container, 0))
        return;
    if (docker_start_container(c, container)) {
        docker_container_event(c->docker, container, "restart");
        lab_answer(c->call, 204);
    }
}

int docker_signal(const char *text)
{
    static const struct {
        const char *name;
        int number;
    } rows[] = {
        {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"KILL", SIGKILL},   {"TERM", SIGTERM},
        {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"STOP", SIGSTOP}, {"WINCH", SIGWINCH}, {"CONT", SIGCONT},
    };
    int64_t number = 0;

    if (hl_parse_int(text, 1, 64, &number))
        return (int)number;
    text += strncasecmp(text, "SIG", 3) == 0 ? 3 : 0;
    for (size_t i = 0; i < HL_COUNT(rows); i++)
        if (strcasecmp(rows[i].name, text) == 0)
            return rows[i].number;
    return 0;
}

void docker_container_kill(struct docker_call *c)
{
    const char *name = lab_query(c->call, "signal");
    int number = *name == '\0' ? SIGKILL : docker_signal(name);
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (number == 0) {
        docker_fail(c, 400, "Invalid signal: %s", name);
        return;
    }
    if (!docker_container_runs(container)) {
        docker_fail(c, 409, "Cannot kill container: %s: Container %s is not running", c->name, container->id);
        return;
    }
    if (number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGQUIT) {
        if (!stop_container(c, &container, 128 + number))
            return;
    } else {
        docker_container_event(c->docker, container, "kill");
    }
    lab_answer(c->call, 204);
}

/* --- Pause, rename, delete --- */

void docker_container_pause(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (container->state != RUNNING) {
        docker_fail(c, 409, container->state == PAUSED ? "Container %s is already paused" : "Container %s is not running", container->id);
        return;
    }
    container->state = PAUSED;
    container->row_fresh = false;
    docker_container_event(c->docker, container, "pause");
    lab_answer(c->call, 204);
}

void docker_container_unpause(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);

    if (container == NULL)
        return;
    if (container->state != PAUSED) {
        docker_fail(c, 500, "Container %s is not paused", container->id);
        return;
    }
    container->state = RUNNING;
    container->row_fresh = false;
    docker_container_event(c->docker, container, "unpause");
    lab_answer(c->call, 204);
}

void docker_container_do_rename(struct docker_call *c)
{
    const char *name = lab_query(c->call, "name");
    struct docker_container *container = docker_container_find(c, c->name);
    const struct docker_container *holder = NULL;

    if (container == NULL)
        return;
    name += name[0] == '/' ? 1 : 0;
    holder = hl_map_find(&c->docker->containers_by_name, name);
    if (*name == '\0')
        docker_fail(c, 400, "Neither old nor new names may be empty");
    else if (strcmp(name, container->name) == 0)
        docker_fail(c, 400, "Renaming a container with the same name as its current name");
    else if (!docker_name_is_valid(name))
        docker_fail(c, 400, "Error when allocating new name: Invalid container name (/%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name);
    else if (holder != NULL)
        docker_fail(c, 409,
                    "Error when allocating new name: Conflict. The container name \"/%s\" is already in use by "
                    "container \"%s\". You have to remove (or rename) that container to be able to reuse that name.",
                    name, holder->id);
    if (c->failure != NULL)
        return;
    docker_container_rename(c->docker, container, name);
    docker_container_event(c->docker, container, "rename");
    lab_answer(c->call, 204);
}

void docker_container_delete(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    bool force = lab_query_flag(c->call, "force");

    if (container == NULL)
        return;
    if (docker_container_runs(container) && !force) {
        docker_fail(c, 409,
                    container->state == PAUSED ? "You cannot remove a paused container %s. Unpause and then stop the container before attempting removal "
                                                 "or force remove"
                                               : "You cannot remove a running container %s. Stop the container before attempting removal or force remove",
                    container->id);
        return;
    }
    if (docker_container_runs(container)) {
        container->stopped_by_hand = true;
        hl_value_map_put_bool(container->host, "AutoRemove", false); /* or it would be removed twice */
        docker_exit_container(c->docker, container, 137);
    }
    docker_container_remove(c->docker, container, lab_query_flag(c->call, "v"));
    lab_answer(c->call, 204);
}

/* --- Wait --- */

/* Whether waiting is over; *code is the exit code then. */
static bool is_over(struct docker_call *c, const char *id, const char *condition, int64_t started_ns, int64_t *code)
{
    struct docker_container *container = docker_container_by_id(c->docker, id);
    bool runs = false;

    if (container == NULL || !docker_settle(c->docker, container))
        return true;
    *code = container->exit_code;
    runs = docker_container_runs(container);
    if (strcmp(condition, "removed") == 0)
        return false;
    if (strcmp(condition, "next-exit") == 0)
        return container->finished_ns > started_ns;
    return !runs;
}

void docker_container_wait(struct docker_call *c)
{
    const char *condition = lab_query(c->call, "condition");
    struct docker_container *container = docker_container_find(c, c->name);
    int64_t began = lab_now_ns();
    int64_t code = 0;

    if (container == NULL)
        return;
    if (c->minor >= 42 && *condition != '\0' && strcmp(condition, "not-running") != 0 && strcmp(condition, "next-exit") != 0 &&
        strcmp(condition, "removed") != 0) {
        docker_fail(c, 400, "invalid condition: \"%s\"", condition);
        return;
    }

    const char *id = hl_arena_strdup(c->arena, container->id);

    /* The head goes out at once: it tells nothing. */
    lab_stream_begin(c->call, 200, "application/json", true);
    while (!is_over(c, id, condition, began, &code))
        if (lab_client_is_gone(c->call) || !lab_wait(c->docker->lab, 20))
            return;

    const char *body = hl_arena_printf(c->arena, "{\"Error\":null,\"StatusCode\":%" PRId64 "}\n", code);

    lab_stream_write(c->call, body, strlen(body));
}
