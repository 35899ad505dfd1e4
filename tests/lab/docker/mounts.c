/* Binds, mounts, tmpfs and anonymous volumes: from what was asked for to what is mounted. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct builder {
    struct docker_call *c;
    struct docker_container *container;
    struct hl_map targets; /* what is taken */
};

/* "/a/../b/" is "/b". */
static const char *clean_path(struct hl_arena *arena, const char *path)
{
    char *out = hl_arena_strdup(arena, path);
    size_t length = 0;

    while (*path != '\0') {
        size_t part = 0;

        path += strspn(path, "/");
        part = strcspn(path, "/");
        if (part == 2 && strncmp(path, "..", 2) == 0) {
            while (length > 0 && out[--length] != '/')
                continue;
        } else if (part > 0 && !(part == 1 && *path == '.')) {
            out[length++] = '/';
            memmove(out + length, path, part);
            length += part;
        }
        path += part;
    }
    if (length == 0)
        out[length++] = '/';
    out[length] = '\0';
    return out;
}

static bool take_target(struct builder *b, const char *target)
{
    if (hl_map_has(&b->targets, target))
        return docker_fail(b->c, 400, "Duplicate mount point: %s", target);
    hl_map_put(&b->targets, target, b);
    return true;
}

static void add_bind(struct builder *b, const char *source, const char *target, const char *mode, bool writable, const char *propagation)
{
    struct hl_arena *arena = b->container->arena;
    struct hl_value *mount = hl_value_map(arena);

    hl_value_map_put_text(mount, "Type", "bind");
    hl_value_map_put_text(mount, "Source", clean_path(arena, source));
    hl_value_map_put_text(mount, "Destination", target);
    hl_value_map_put_text(mount, "Mode", mode);
    hl_value_map_put_bool(mount, "RW", writable);
    hl_value_map_put_text(mount, "Propagation", hl_is_blank(propagation) ? "rprivate" : propagation);
    hl_value_list_add(arena, b->container->mounts, mount);
}

static void add_volume(struct builder *b, const char *name, const char *target, const char *mode, bool writable)
{
    struct hl_arena *arena = b->container->arena;
    struct hl_value *mount = hl_value_map(arena);

    hl_value_map_put_text(mount, "Type", "volume");
    hl_value_map_put_text(mount, "Name", name);
    hl_value_map_put(mount, "Source", hl_value_printf(arena, "/var/lib/docker/volumes/%s/_data", name));
    hl_value_map_put_text(mount, "Destination", target);
    hl_value_map_put_text(mount, "Driver", "local");
    hl_value_map_put_text(mount, "Mode", mode);
    hl_value_map_put_bool(mount, "RW", writable);
    hl_value_map_put_text(mount, "Propagation", "");
    hl_value_list_add(arena, b->container->mounts, mount);
}

static void add_anonymous(struct builder *b, const char *target, const char *mode)
{
    char name[DOCKER_ID];

    docker_new_id(name);
    docker_volume_add(b->c->docker, name, NULL, NULL)->anonymous = true;
    add_volume(b, name, target, mode, true);
}

/* --- Binds: "source:target[:options]" or "/target" --- */

static bool has_option(const char *options, const char *option)
{
    size_t length = strlen(option);

    for (const char *at = options; *at != '\0'; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',' ? 1 : 0))
        if (strncmp(at, option, length) == 0 && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

static bool has_known_options(const char *options)
{
    static const char *const known[] = {"ro",     "rw",      "z",     "Z",      "nocopy",     "private", "rprivate",
                                        "shared", "rshared", "slave", "rslave", "consistent", "cached",  "delegated"};

    for (const char *at = options; *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool found = false;

        for (size_t i = 0; i < HL_COUNT(known); i++)
            found = found || (strlen(known[i]) == length && strncmp(known[i], at, length) == 0);
        if (!found)
            return false;
        at += length + (at[length] == ',' ? 1 : 0);
    }
    return true;
}

static bool take_bind(struct builder *b, const char *bind)
{
    char *copy = hl_arena_strdup(b->c->arena, bind);
    char *parts[4] = {copy, NULL, NULL, NULL};
    size_t count = 1;

    for (char *colon = strchr(copy, ':'); colon != NULL && count < HL_COUNT(parts); colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        parts[count++] = colon + 1;
    }
    if (count > 3 || *parts[0] == '\0' || (count > 1 && parts[1][0] != '/') || (count == 1 && parts[0][0] != '/'))
        return docker_fail(b->c, 500, "invalid volume specification: '%s'", bind);

    const char *target = clean_path(b->container->arena, count == 1 ? parts[0] : parts[1]);
    const char *options = count == 3 ? parts[2] : "";

    if (strcmp(target, "/") == 0)
        return docker_fail(b->c, 500,
                           "invalid volume specification: '%s': invalid mount config for type \"bind\": invalid specification: destination can't be '/'", bind);
    if (!has_known_options(options))
        return docker_fail(b->c, 500, "invalid mode: %s", options);
    if (!take_target(b, target))
        return false;
    if (count == 1) {
        add_anonymous(b, target, "z");
    } else if (parts[0][0] == '/') {
        add_bind(b, parts[0], target, options, !has_option(options, "ro"), NULL);
    } else if (docker_name_is_valid(parts[0])) {
        if (docker_volume_find(b->c->docker, parts[0]) == NULL)
            docker_volume_add(b->c->docker, parts[0], NULL, NULL);
        add_volume(b, parts[0], target, "z", !has_option(options, "ro"));
    } else {
        return docker_fail(b->c, 400,
                           "create %s: \"%s\" includes invalid characters for a local volume name, only "
                           "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
                           parts[0], parts[0]);
    }
    return true;
}

/* --- Mounts --- */

/* On this very host, but for the engine's own socket, which stands for the lab's. */
static bool source_exists(const char *path)
{
    struct stat about;

    return strcmp(path, "/var/run/docker.sock") == 0 || stat(path, &about) == 0;
}

static bool take_bind_mount(struct builder *b, const struct hl_value *mount, const char *target)
{
    const struct hl_value *options = hl_value_get(mount, "BindOptions");
    const char *source = hl_value_get_text(mount, "Source");

    if (hl_is_blank(source))
        return docker_fail(b->c, 400, "invalid mount config for type \"bind\": field Source must not be empty");
    if (source[0] != '/')
        return docker_fail(b->c, 400, "invalid mount config for type \"bind\": invalid mount path: '%s' mount path must be absolute", source);
    if (!source_exists(source) && !(b->c->minor >= 42 && hl_value_get_bool(options, "CreateMountpoint", false)))
        return docker_fail(b->c, 400, "invalid mount config for type \"bind\": bind source path does not exist: %s", source);
    add_bind(b, source, target, "", !hl_value_get_bool(mount, "ReadOnly", false), hl_value_get_text(options, "Propagation"));
    return true;
}

static bool take_volume_mount(struct builder *b, const struct hl_value *mount, const char *target)
{
    const struct hl_value *options = hl_value_get(mount, "VolumeOptions");
    const char *source = hl_value_get_text(mount, "Source");

    if (hl_is_blank(source)) {
        add_anonymous(b, target, "z");
        return true;
    }
    if (!docker_name_is_valid(source))
        return docker_fail(b->c, 400,
                           "create %s: \"%s\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
                           "intended to pass a host directory, use absolute path",
                           source, source);
    if (docker_volume_find(b->c->docker, source) == NULL)
        docker_volume_add(b->c->docker, source, hl_value_get(hl_value_get(options, "DriverConfig"), "Options"), hl_value_get(options, "Labels"));
    add_volume(b, source, target, "z", !hl_value_get_bool(mount, "ReadOnly", false));
    return true;
}

static const struct {
    const char *type, *key;
} option_keys[] = {{"bind", "BindOptions"}, {"volume", "VolumeOptions"}, {"tmpfs", "TmpfsOptions"}};

static bool take_mount(struct builder *b, const struct hl_value *mount)
{
    const char *type = hl_value_get_text(mount, "Type");
    const char *given = hl_value_get_text(mount, "Target");
    struct hl_arena *arena = b->container->arena;
    struct hl_value *shown = NULL;

    type = type == NULL ? "" : type;
    if (hl_is_blank(given))
        return docker_fail(b->c, 400, "invalid mount config for type \"%s\": field Target must not be empty", type);
    if (given[0] != '/')
        return docker_fail(b->c, 400, "invalid mount config for type \"%s\": invalid mount path: '%s' mount path must be absolute", type,
                           given == NULL ? "" : given);

    const char *target = clean_path(arena, given);

    for (size_t i = 0; i < HL_COUNT(option_keys); i++)
        if (!hl_value_is_null(hl_value_get(mount, option_keys[i].key)) && strcmp(option_keys[i].type, type) != 0)
            return docker_fail(b->c, 400, "invalid mount config for type \"%s\": field %s must not be specified", type, option_keys[i].key);
    if (!take_target(b, target))
        return false;
    if (strcmp(type, "bind") == 0)
        return take_bind_mount(b, mount, target);
    if (strcmp(type, "volume") == 0)
        return take_volume_mount(b, mount, target);
    if (strcmp(type, "tmpfs") != 0)
        return docker_fail(b->c, 400, "invalid mount config for type \"%s\": mount type unknown", type);
    if (hl_value_get_text(mount, "Source") != NULL)
        return docker_fail(b->c, 400, "invalid mount config for type \"tmpfs\": field Source must not be specified");
    shown = hl_value_map(arena);
    hl_value_map_put_text(shown, "Type", "tmpfs");
    hl_value_map_put_text(shown, "Source", "");
    hl_value_map_put_text(shown, "Destination", target);
    hl_value_map_put_text(shown, "Mode", "");
    hl_value_map_put_bool(shown, "RW", !hl_value_get_bool(mount, "ReadOnly", false));
    hl_value_map_put_text(shown, "Propagation", "");
    hl_value_list_add(arena, b->container->mounts, shown);
    return true;
}

bool docker_make_mounts(struct docker_call *c, struct docker_container *container)
{
    struct builder b = {.c = c, .container = container};
    const struct hl_value *binds = hl_value_get(container->host, "Binds");
    const struct hl_value *mounts = hl_value_get(container->host, "Mounts");
    const struct hl_value *tmpfs = hl_value_get(container->host, "Tmpfs");
    const struct hl_value *volumes = hl_value_get(container->config, "Volumes");

    hl_map_init(&b.targets, c->arena);
    container->mounts = hl_value_list(container->arena);
    for (size_t i = 0; i < hl_value_count(binds); i++)
        if (!take_bind(&b, hl_value_item(binds, i)->text.data))
            return false;
    for (size_t i = 0; i < hl_value_count(mounts); i++)
        if (!take_mount(&b, hl_value_item(mounts, i)))
            return false;
    for (size_t i = 0; i < hl_value_count(tmpfs); i++)
        if (!take_target(&b, clean_path(c->arena, hl_value_key(tmpfs, i))))
            return false;
    for (size_t i = 0; i < hl_value_count(volumes); i++)
        if (!hl_map_has(&b.targets, clean_path(c->arena, hl_value_key(volumes, i))))
            add_anonymous(&b, clean_path(container->arena, hl_value_key(volumes, i)), "");
    return true;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool docker_is_tmpfs(const struct docker_container *container, const char *path)
{
    const struct hl_value *tmpfs = hl_value_get(container->host, "Tmpfs");

    for (size_t i = 0; i < hl_value_count(tmpfs); i++)
        if (is_below(path, hl_value_key(tmpfs, i)))
            return true;
    for (size_t i = 0; i < hl_value_count(container->mounts); i++) {
        const struct hl_value *mount = hl_value_item(container->mounts, i);

        if (strcmp(hl_value_get_text(mount, "Type"), "tmpfs") == 0 && is_below(path, hl_value_get_text(mount, "Destination")))
            return true;
    }
    return false;
}
