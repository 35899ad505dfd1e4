/* Files of containers: PUT, GET and HEAD of /containers/ID/archive. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What every image has. */
static const char *const folders[] = {
    "/",    "/bin", "/dev",     "/etc",       "/home",          "/opt",       "/proc", "/root",    "/run",     "/sbin",    "/srv",     "/sys",
    "/tmp", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/usr/share", "/var",  "/var/lib", "/var/log", "/var/run", "/etc/ssl",
};

static bool is_below(const char *path, const char *folder)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static const char *without_slash(struct hl_arena *arena, const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return path[0] == '/' ? hl_arena_copy(arena, path, length) : hl_arena_printf(arena, "/%s", path);
}

static bool has_folder(const struct docker_container *container, const char *path)
{
    for (size_t i = 0; i < HL_COUNT(folders); i++)
        if (strcmp(folders[i], path) == 0)
            return true;
    for (size_t i = 0; i < container->files.count; i++) {
        const struct docker_file *file = container->files.entries[i].value;

        if (is_below(file->path, path) || (file->type == '5' && strcmp(file->path, path) == 0))
            return true;
    }
    for (size_t i = 0; i < hl_value_count(container->mounts); i++) {
        const char *target = hl_value_get_text(hl_value_item(container->mounts, i), "Destination");

        if (strcmp(target, path) == 0 || is_below(target, path) || is_below(path, target))
            return true;
    }
    return docker_is_tmpfs(container, path);
}

static bool is_read_only_mount(const struct docker_container *container, const char *path)
{
    for (size_t i = 0; i < hl_value_count(container->mounts); i++) {
        const struct hl_value *mount = hl_value_item(container->mounts, i);
        const char *target = hl_value_get_text(mount, "Destination");

        if (!hl_value_get_bool(mount, "RW", true) && (strcmp(target, path) == 0 || is_below(path, target)))
            return true;
    }
    return false;
}

static bool check_target(struct docker_call *c, const struct docker_container *container, const char *path)
{
    const struct docker_file *file = hl_map_find(&container->files, path);

    if (file != NULL && file->type != '5')
        return docker_fail(c, 500, "extraction point is not a directory");
    if (!has_folder(container, path))
        return docker_fail(c, 404, "Could not find the file %s in container %s", path, c->name);
    if (is_read_only_mount(container, path))
        return docker_fail(c, 403, "mounted volume is marked read-only");
    if (hl_value_get_bool(container->host, "ReadonlyRootfs", false))
        return docker_fail(c, 500, "container rootfs is marked read-only");
    return true;
}

/* The traps: a form is eaten and nothing is written; on a running container's tmpfs the files land below the mount. */
void docker_archive_put(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    const char *query = lab_query(c->call, "path");
    const char *path = without_slash(c->arena, query);
    const char *type = lab_header(c->call, "content-type");
    struct hl_map files;

    if (container == NULL)
        return;
    if (*query == '\0') {
        docker_fail(c, 400, "bad parameter: pathcannot be empty");
        return;
    }
    if (!check_target(c, container, path))
        return;
    if (type != NULL && hl_starts_with(type, "application/x-www-form-urlencoded")) {
        lab_answer(c->call, 200);
        return;
    }
    hl_map_init(&files, c->arena);
    if (c->call->body_length == 0 || !docker_tar_read(container->arena, c->call->body, c->call->body_length, path, &files)) {
        docker_fail(c, 500, "Error processing tar file(exit status 1): unexpected EOF");
        return;
    }
    for (size_t i = 0; i < files.count; i++) {
        struct docker_file *file = files.entries[i].value;

        file->hidden = docker_container_runs(container) && docker_is_tmpfs(container, file->path);
        hl_map_put(&container->files, file->path, file);
    }
    lab_answer(c->call, 200);
}

/* --- Reading --- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

/* Go's file modes: the folder's bit is the highest, the link's the 27th. */
static const char *describe(struct hl_arena *arena, const struct docker_file *file)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_value *out = hl_value_map(arena);
    int64_t kind = file->type == '5' ? INT64_C(1) << 31 : file->type == '2' ? INT64_C(1) << 27 : 0;

    hl_value_map_put_text(out, "name", base_name(file->path));
    hl_value_map_put_int(out, "size", (int64_t)file->length);
    hl_value_map_put_int(out, "mode", kind | (file->mode & 0777));
    hl_value_map_put_text(out, "mtime", docker_time(arena, file->mtime * 1000000000));
    hl_value_map_put_text(out, "linkTarget", file->link);
    hl_json_encode(&json, out, HL_JSON_COMPACT);
    return hl_base64_encode(arena, HL_BASE64, json.data, json.length);
}

static void put_tree(const struct docker_container *container, const struct docker_file *file, struct hl_text *out)
{
    const char *name = base_name(file->path);

    docker_tar_put(out, file, name);
    for (size_t i = 0; file->type == '5' && i < container->files.count; i++) {
        const struct docker_file *inner = container->files.entries[i].value;
        hl_auto(text) struct hl_text relative = HL_TEXT_INIT(HL_MAX_OUTPUT);

        if (!is_below(inner->path, file->path))
            continue;
        hl_text_printf(&relative, "%s%s", name, inner->path + (strcmp(file->path, "/") == 0 ? 0 : strlen(file->path)));
        docker_tar_put(out, inner, hl_text_get(&relative));
    }
}

void docker_archive_get(struct docker_call *c)
{
    struct docker_container *container = docker_container_find(c, c->name);
    const char *query = lab_query(c->call, "path");
    const char *path = without_slash(c->arena, query);
    struct docker_file folder = {.path = path, .type = '5', .mode = 0755, .data = "", .link = ""};
    const struct docker_file *file = NULL;
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_BODY);

    if (container == NULL)
        return;
    if (*query == '\0') {
        docker_fail(c, 400, "bad parameter: pathcannot be empty");
        return;
    }
    file = hl_map_find(&container->files, path);
    if (file == NULL && has_folder(container, path))
        file = &folder;
    if (file == NULL) {
        docker_fail(c, 404, "Could not find the file %s in container %s", path, c->name);
        return;
    }
    lab_put_header(c->call, "X-Docker-Container-Path-Stat", "%s", describe(c->arena, file));
    if (strcmp(c->call->method, "HEAD") == 0) {
        lab_answer(c->call, 200);
        return;
    }
    put_tree(container, file, &out);
    docker_tar_end(&out);
    lab_answer_bytes(c->call, 200, "application/x-tar", out.data, out.length);
}
