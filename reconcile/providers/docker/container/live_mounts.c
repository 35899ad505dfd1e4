/* Volumes, tmpfs and devices of a live container. */
#include "config.h"

#include "reconcile/providers/docker/container/live.h"

#include "reconcile/providers/docker/client.h"
#include "reconcile/providers/docker/container/fields.h"
#include "reconcile/providers/docker/container/spec.h"

#include <string.h>

static const struct hl_value *host(const struct hl_container_view *view, const char *key)
{
    return hl_value_get(hl_value_get(view->inspection, "HostConfig"), key);
}

static const struct hl_value *find_target(const struct hl_value *body, const char *target)
{
    const struct hl_value *volumes = hl_value_get(body, "volumes");

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const char *text = hl_value_get_text(hl_value_item(volumes, i), "target");
        if (text != NULL && strcmp(text, target) == 0)
            return hl_value_item(volumes, i);
    }
    return NULL;
}

/* The source as the spec spells it ("./data"), where that means the same path. */
static const char *spelled(const struct hl_container_view *view, const char *target, const char *source)
{
    const struct hl_value *bodies[] = {view->desired, view->recorded};

    for (size_t i = 0; i < HL_COUNT(bodies); i++) {
        const char *text = hl_value_get_text(find_target(bodies[i], target), "source");
        if (text != NULL && hl_short_is_path(text) && strcmp(hl_container_host_path(view->arena, view->base, view->home, text), source) == 0)
            return text;
    }
    return source;
}

static void add_volume(const struct hl_container_view *view, struct hl_value *volumes, struct hl_value *volume)
{
    const char *type = hl_value_get_text(volume, "type");
    const char *source = hl_value_get_text(volume, "source");
    const char *target = hl_value_get_text(volume, "target");

    if (type == NULL || target == NULL)
        return;
    target = hl_normal_path(view->arena, target);
    /* Volumes without a name, carried over from a former container or made by the image: the spec's only when it names the path. */
    const bool nameless = strcmp(type, "volume") == 0 && (source == NULL || hl_docker_is_id(source));
    if (nameless && find_target(view->desired, target) == NULL && find_target(view->recorded, target) == NULL)
        return;
    if (strcmp(type, "bind") == 0 && source != NULL)
        hl_value_map_put_text(volume, "source", spelled(view, target, hl_container_host_path(view->arena, "", NULL, source)));
    hl_value_list_add(view->arena, volumes, volume);
}

/* "source:target:options" as the docker command line and compose write it. Options that hlrec does not know are not the spec's. */
static void add_bind(const struct hl_container_view *view, struct hl_value *volumes, const char *text)
{
    const char *problem = NULL;
    const char *first = strchr(text, ':');
    const char *second = first != NULL ? strchr(first + 1, ':') : NULL;
    struct hl_value *volume = hl_short_volume(view->arena, text, &problem);

    if (volume == NULL && second != NULL)
        volume = hl_short_volume(view->arena, hl_arena_copy(view->arena, text, (size_t)(second - text)), &problem);
    if (volume == NULL)
        return;
    struct hl_value *bind = hl_value_get(volume, "bind");
    if (bind != NULL)
        hl_map_remove(bind->map, "create_host_path");
    add_volume(view, volumes, volume);
}

static void put_options(const struct hl_container_view *view, struct hl_value *volume, const struct hl_value *mount)
{
    const char *propagation = hl_value_get_text(hl_value_get(mount, "BindOptions"), "Propagation");
    const struct hl_value *named = hl_value_get(mount, "VolumeOptions");
    const struct hl_value *memory = hl_value_get(mount, "TmpfsOptions");
    struct hl_value *bind = hl_value_map(view->arena);
    struct hl_value *options = hl_value_map(view->arena);
    struct hl_value *tmpfs = hl_value_map(view->arena);

    if (!hl_is_blank(propagation))
        hl_value_map_put_text(bind, "propagation", propagation);
    if (hl_value_get_bool(named, "NoCopy", false))
        hl_value_map_put_bool(options, "nocopy", true);
    if (!hl_is_blank(hl_value_get_text(named, "Subpath")))
        hl_value_map_put_text(options, "subpath", hl_value_get_text(named, "Subpath"));
    if (hl_value_get_int(memory, "SizeBytes", 0) > 0)
        hl_value_map_put_int(tmpfs, "size", hl_value_get_int(memory, "SizeBytes", 0));
    if (hl_value_get_int(memory, "Mode", 0) > 0)
        hl_value_map_put(tmpfs, "mode", hl_value_printf(view->arena, "%04llo", (unsigned long long)hl_value_get_int(memory, "Mode", 0)));
    hl_value_map_put(volume, "bind", bind);
    hl_value_map_put(volume, "volume", options);
    hl_value_map_put(volume, "tmpfs", tmpfs); /* empty ones go when the list is normalised */
}

static void add_mount(const struct hl_container_view *view, struct hl_value *volumes, const struct hl_value *mount)
{
    struct hl_value *volume = hl_value_map(view->arena);

    hl_value_map_put_text(volume, "type", hl_value_get_text(mount, "Type"));
    if (!hl_is_blank(hl_value_get_text(mount, "Source")))
        hl_value_map_put_text(volume, "source", hl_value_get_text(mount, "Source"));
    hl_value_map_put_text(volume, "target", hl_value_get_text(mount, "Target"));
    if (hl_value_get_bool(mount, "ReadOnly", false))
        hl_value_map_put_bool(volume, "read_only", true);
    put_options(view, volume, mount);
    add_volume(view, volumes, volume);
}

/* Volumes without a name that the spec (or a docker command line) asked for. */
static void add_nameless(const struct hl_container_view *view, struct hl_value *volumes)
{
    const struct hl_value *paths = hl_value_get(hl_value_get(view->inspection, "Config"), "Volumes");
    const struct hl_value *of_image = hl_value_get(hl_value_get(view->image, "Config"), "Volumes");

    for (size_t i = 0; i < hl_value_members(paths); i++) {
        const char *target = hl_value_key(paths, i);
        struct hl_value *volume = hl_value_map(view->arena);
        bool mounted = false;
        for (size_t j = 0; j < hl_value_count(volumes) && !mounted; j++)
            mounted = strcmp(hl_value_get_text(hl_value_item(volumes, j), "target"), target) == 0;
        if (mounted || hl_value_get(of_image, target) != NULL)
            continue;
        hl_value_map_put_text(volume, "type", "volume");
        hl_value_map_put_text(volume, "target", target);
        add_volume(view, volumes, volume);
    }
}

static void put_tmpfs(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *map = host(view, "Tmpfs");
    struct hl_value *list = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_members(map); i++) {
        const char *options = hl_value_to_text(view->arena, hl_value_at(map, i));
        hl_value_list_add(view->arena, list,
                          hl_value_printf(view->arena, "%s%s%s", hl_value_key(map, i), hl_is_blank(options) ? "" : ":", hl_is_blank(options) ? "" : options));
    }
    if (hl_value_count(list) > 0)
        hl_view_put(view, live, "tmpfs", list);
}

static void put_devices(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *devices = host(view, "Devices");
    struct hl_value *list = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_count(devices); i++) {
        const struct hl_value *device = hl_value_item(devices, i);
        struct hl_value *entry = hl_value_map(view->arena);
        hl_value_map_put_text(entry, "source", hl_value_get_text(device, "PathOnHost"));
        hl_value_map_put_text(entry, "target", hl_value_get_text(device, "PathInContainer"));
        hl_value_map_put_text(entry, "permissions", hl_value_get_text(device, "CgroupPermissions"));
        hl_value_list_add(view->arena, list, entry);
    }
    if (hl_value_count(list) > 0)
        hl_view_put(view, live, "devices", list);
}

void hl_view_put_mounts(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *binds = host(view, "Binds");
    const struct hl_value *mounts = host(view, "Mounts");
    struct hl_value *volumes = hl_value_list(view->arena);

    for (size_t i = 0; i < hl_value_count(binds); i++) {
        const struct hl_value *bind = hl_value_item(binds, i);
        if (hl_value_is(bind, HL_TEXT))
            add_bind(view, volumes, bind->text.data);
    }
    for (size_t i = 0; i < hl_value_count(mounts); i++)
        add_mount(view, volumes, hl_value_item(mounts, i));
    add_nameless(view, volumes);
    if (hl_value_count(volumes) > 0)
        hl_view_put(view, live, "volumes", volumes);
    put_tmpfs(view, live);
    put_devices(view, live);
}
