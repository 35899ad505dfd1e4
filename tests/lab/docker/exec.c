/* Commands within containers, and logs: both are streams of frames.
 *
 * Nothing is executed: echo, cat, true, false, `sh -c 'exit N'` and tar (which unpacks its input) do what they are named for, a
 * program whose name contains 'missing' cannot be started, and all else ends well without a word. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Logs --- */

static void put_entry(struct docker_call *c, const struct hl_value *entry, bool tty, bool timestamps)
{
    const char *line = hl_value_item(entry, 1)->text.data;
    const char *text = hl_arena_printf(c->arena, "%s%s%s%s", timestamps ? docker_time(c->arena, hl_value_item(entry, 0)->integer) : "", timestamps ? " " : "",
                                       line, tty ? "\r\n" : "\n");

    docker_put_frame(c, 1, tty, text, strlen(text));
}

static bool check_logs(struct docker_call *c, const struct docker_container *container)
{
    const char *driver = hl_value_get_text(hl_value_get(container->host, "LogConfig"), "Type");

    if (!lab_query_flag(c->call, "stdout") && !lab_query_flag(c->call, "stderr"))
        return docker_fail(c, 400, "Bad parameters: you must choose at least one stream");
    return strcmp(driver, "none") != 0 || docker_fail(c, 501, "configured logging driver does not support reading");
}

/* From the n-th entry on; while the container may be removed behind our back, hence by id. */
static bool put_entries(struct docker_call *c, const char *id, size_t *next)
{
    for (;;) {
        struct docker_container *container = docker_container_by_id(c->docker, id);

        if (container == NULL || !docker_settle(c->docker, container))
            return false;
        if (*next >= hl_value_count(container->log))
            return docker_container_runs(container);
        if (lab_query_flag(c->call, "stdout"))
            put_entry(c, hl_value_item(container->log, *next), hl_value_get_bool(container->config, "Tty", false), lab_query_flag(c->call, "timestamps"));
        (*next)++;
    }
}

void docker_container_logs(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    int64_t tail = 0;
    size_t next = 0;

    if (container == NULL || !check_logs(c, container))
        return;
    if (hl_parse_int(lab_query(c->call, "tail"), 0, INT32_MAX, &tail) && (size_t)tail < hl_value_count(container->log))
        next = hl_value_count(container->log) - (size_t)tail;

    const char *id = hl_arena_strdup(c->arena, container->id);
    bool tty = hl_value_get_bool(container->config, "Tty", false);

    lab_stream_begin(c->call, 200, c->minor < 42 ? NULL : tty ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream", true);
    while (put_entries(c, id, &next) && lab_query_flag(c->call, "follow"))
        if (lab_client_is_gone(c->call) || !lab_wait(c->docker->lab, 20))
            return;
}

/* --- Exec --- */

static struct docker_exec *find_exec(struct docker_call *c)
{
    struct docker_exec *exec = hl_map_find(&c->docker->execs, c->name);

    if (exec == NULL)
        docker_fail(c, 404, "No such exec instance: %s", c->name);
    return exec;
}

void docker_container_exec(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    struct hl_value *body = container == NULL ? NULL : docker_body(c);
    struct hl_value *config = NULL;
    struct hl_value *made = hl_value_map(c->arena);
    struct docker_exec *exec = NULL;

    if (body == NULL || !docker_decode(c, "ExecConfig", docker_exec_fields, body, &config))
        return;
    if (hl_value_count(hl_value_get(config, "Cmd")) == 0) {
        docker_fail(c, 400, "No exec command specified");
        return;
    }
    if (container->state != RUNNING) {
        if (container->state == PAUSED)
            docker_fail(c, 409, "Container %s is paused, unpause the container before exec", c->name);
        else
            docker_fail(c, 409, "Container %s is not running", container->id);
        return;
    }
    exec = hl_arena_alloc(c->docker->arena, sizeof(*exec));
    docker_new_id(exec->id);
    memcpy(exec->container, container->id, sizeof(exec->container));
    exec->config = hl_value_copy(c->docker->arena, config);
    hl_map_put(&c->docker->execs, exec->id, exec);
    docker_container_event(c->docker, container, hl_arena_printf(c->arena, "exec_create: %s", hl_value_item(hl_value_get(config, "Cmd"), 0)->text.data));
    hl_value_map_put_text(made, "Id", exec->id);
    docker_ok(c, 201, made);
}

struct run {
    struct docker_call *c;
    struct docker_exec *exec;
    const struct hl_value *command;
    bool tty;
};

static void print(const struct run *run, int stream, const char *data, size_t length)
{
    if (length > 0 && hl_value_get_bool(run->exec->config, stream == 1 ? "AttachStdout" : "AttachStderr", false))
        docker_put_frame(run->c, stream, run->tty, data, length);
}

static const char *argument(const struct run *run, size_t index)
{
    const struct hl_value *item = hl_value_item(run->command, index);

    return item == NULL ? "" : item->text.data;
}

static int64_t run_cat(const struct run *run, const struct docker_container *container)
{
    const struct docker_file *file = hl_map_find(&container->files, argument(run, 1));

    if (file == NULL || file->hidden) {
        const char *text = hl_arena_printf(run->c->arena, "cat: can't open '%s': No such file or directory\n", argument(run, 1));

        print(run, 2, text, strlen(text));
        return 1;
    }
    print(run, 1, file->data, file->length);
    return 0;
}

/* `tar -x -C FOLDER`, or another spelling of it. */
static int64_t run_tar(const struct run *run, struct docker_container *container, const struct hl_text *input)
{
    const char *folder = "/";

    for (size_t i = 1; i < hl_value_count(run->command); i++)
        if (strcmp(argument(run, i), "-C") == 0)
            folder = argument(run, i + 1);
    if (docker_tar_read(container->arena, hl_text_get(input), input->length, folder, &container->files))
        return 0;
    print(run, 2, "tar: short read\n", 16);
    return 1;
}

static int64_t run_echo(const struct run *run)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (size_t i = 1; i < hl_value_count(run->command); i++)
        hl_text_printf(&line, "%s%s", i > 1 ? " " : "", argument(run, i));
    hl_text_puts(&line, run->tty ? "\r\n" : "\n");
    print(run, 1, line.data, line.length);
    return 0;
}

static int64_t run_command(const struct run *run, struct docker_container *container, const struct hl_text *input)
{
    const char *program = argument(run, 0);
    const char *name = strrchr(program, '/') == NULL ? program : strrchr(program, '/') + 1;

    if (strstr(name, "missing") != NULL) {
        const char *text = hl_arena_printf(run->c->arena,
                                           "OCI runtime exec failed: exec failed: unable to start container process: "
                                           "exec: \"%s\": executable file not found in $PATH: unknown\r\n",
                                           program);

        /* As output, within a 200. */
        docker_put_frame(run->c, 1, run->tty, text, strlen(text));
        return 126;
    }
    if (strcmp(name, "false") == 0)
        return 1;
    if (strcmp(name, "echo") == 0)
        return run_echo(run);
    if (strcmp(name, "cat") == 0 && hl_value_count(run->command) > 1)
        return run_cat(run, container);
    if (strcmp(name, "cat") == 0)
        print(run, 1, hl_text_get(input), input->length);
    if (strcmp(name, "tar") == 0)
        return run_tar(run, container, input);
    if (strcmp(name, "sh") == 0 && hl_starts_with(argument(run, 2), "exit "))
        return strtol(argument(run, 2) + 5, NULL, 10);
    return 0;
}

/* Only an upgraded connection can carry input. */
static void read_input(const struct run *run, struct hl_text *input)
{
    char buffer[16384];

    for (size_t got; (got = lab_stream_read(run->c->call, buffer, sizeof(buffer))) > 0;)
        hl_text_append(input, buffer, got);
}

static void run_attached(struct run *run)
{
    hl_auto(text) struct hl_text input = HL_TEXT_INIT(HL_MAX_BODY);
    const char *upgrade = lab_header(run->c->call, "upgrade");
    bool upgraded = upgrade != NULL && strcasecmp(upgrade, "tcp") == 0;
    struct docker_container *container = NULL;

    /* Without length and without chunks: the end of the connection is the end. */
    lab_stream_begin(run->c->call, upgraded ? 101 : 200,
                     run->c->minor >= 42 && !run->tty ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream", false);
    if (upgraded && hl_value_get_bool(run->exec->config, "AttachStdin", false))
        read_input(run, &input);
    container = docker_container_by_id(run->c->docker, run->exec->container);
    if (container != NULL)
        run->exec->exit_code = run_command(run, container, &input);
}

void docker_exec_start(struct docker_call *c)
{
    struct docker_exec *exec = find_exec(c);
    struct hl_value *body = exec == NULL ? NULL : docker_body(c);
    struct docker_container *container = exec == NULL ? NULL : docker_container_by_id(c->docker, exec->container);
    static const char again[] = "Error: Exec command is already running\r\n";

    if (body == NULL)
        return;
    if (container == NULL || container->state != RUNNING) {
        docker_fail(c, 409, "Container %s is not running", exec->container);
        return;
    }

    struct run run = {.c = c, .exec = exec, .command = hl_value_get(exec->config, "Cmd"), .tty = hl_value_get_bool(exec->config, "Tty", false)};

    if (exec->started) {
        lab_stream_begin(c->call, 200, "application/vnd.docker.raw-stream", false);
        docker_put_frame(c, 2, run.tty, again, sizeof(again) - 1);
        return;
    }
    exec->started = true;
    exec->running = true;
    if (hl_value_get_bool(body, "Detach", false)) {
        hl_auto(text) struct hl_text none = HL_TEXT_INIT(0);
        bool mute = c->call->mute;

        c->call->mute = true; /* what it prints goes nowhere */
        exec->exit_code = run_command(&run, container, &none);
        c->call->mute = mute;
        lab_answer(c->call, 200);
    } else {
        run_attached(&run);
    }
    exec->running = false;
}

void docker_exec_inspect(struct docker_call *c)
{
    const struct docker_exec *exec = find_exec(c);
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *process = hl_value_map(c->arena);
    struct hl_value *arguments = hl_value_list(c->arena);
    const struct hl_value *command = exec == NULL ? NULL : hl_value_get(exec->config, "Cmd");

    if (exec == NULL)
        return;
    for (size_t i = 1; i < hl_value_count(command); i++)
        hl_value_list_add(c->arena, arguments, hl_value_item(command, i));
    hl_value_map_put(process, "tty", hl_value_get(exec->config, "Tty"));
    hl_value_map_put(process, "entrypoint", hl_value_item(command, 0));
    hl_value_map_put(process, "arguments", arguments);
    hl_value_map_put_text(out, "ID", exec->id);
    hl_value_map_put_bool(out, "Running", exec->running);
    hl_value_map_put(out, "ExitCode", exec->started && !exec->running ? hl_value_int(c->arena, exec->exit_code) : hl_value_null(c->arena));
    hl_value_map_put(out, "ProcessConfig", process);
    hl_value_map_put(out, "OpenStdin", hl_value_get(exec->config, "AttachStdin"));
    hl_value_map_put(out, "OpenStdout", hl_value_get(exec->config, "AttachStdout"));
    hl_value_map_put(out, "OpenStderr", hl_value_get(exec->config, "AttachStderr"));
    hl_value_map_put(out, "CanRemove", hl_value_bool(c->arena, false));
    hl_value_map_put_text(out, "ContainerID", exec->container);
    docker_ok(c, 200, out);
}
