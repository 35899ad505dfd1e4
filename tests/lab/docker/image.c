/* Images that are here: list, inspect, tag, delete. How they come is in pull.c. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- The collection --- */

static const char *tagged(struct hl_arena *arena, const struct docker_reference *reference)
{
    return hl_arena_printf(arena, "%s:%s", reference->repository, reference->tag == NULL ? "latest" : reference->tag);
}

static const char *pinned(struct hl_arena *arena, const struct docker_reference *reference)
{
    return hl_arena_printf(arena, "%s@%s", reference->repository, reference->digest);
}

struct docker_image *docker_image_by_id(struct docker *docker, const char *id)
{
    return hl_map_find(&docker->images_by_id, id);
}

static struct docker_image *find_prefix(struct docker *docker, const char *text)
{
    if (*text == '\0' || strspn(text, "0123456789abcdef") != strlen(text))
        return NULL;
    for (size_t i = 0; i < docker->images_count; i++)
        if (!docker->images[i]->gone && hl_starts_with(docker->images[i]->id + strlen("sha256:"), text))
            return docker->images[i];
    return NULL;
}

struct docker_image *docker_image_find(struct docker *docker, struct hl_arena *arena, const char *text)
{
    struct docker_reference reference;
    struct docker_image *image = docker_image_by_id(docker, text);

    if (image == NULL && docker_reference_parse(arena, text, &reference))
        image = hl_map_find(&docker->images_by_reference, reference.digest != NULL ? pinned(arena, &reference) : tagged(arena, &reference));
    return image != NULL ? image : find_prefix(docker, hl_starts_with(text, "sha256:") ? text + 7 : text);
}

struct docker_image *docker_image_add(struct docker *docker, const char *id, const char *created, const struct hl_value *config)
{
    struct docker_image *image = docker_image_by_id(docker, id);

    if (image != NULL)
        return image;
    image = hl_arena_alloc(docker->arena, sizeof(*image));
    memcpy(image->id, id, sizeof(image->id));
    image->created = hl_arena_strdup(docker->arena, created);
    image->config = hl_value_copy(docker->arena, config);
    image->tags = hl_value_list(docker->arena);
    image->digests = hl_value_list(docker->arena);
    docker->images = docker_grow(docker->arena, docker->images, docker->images_count, &docker->images_capacity);
    docker->images[docker->images_count++] = image;
    hl_map_put(&docker->images_by_id, image->id, image);
    return image;
}

static bool remove_text(struct hl_value *list, const char *text)
{
    for (size_t i = 0; i < list->list.count; i++) {
        if (strcmp(list->list.items[i]->text.data, text) != 0)
            continue;
        list->list.count--;
        for (; i < list->list.count; i++)
            list->list.items[i] = list->list.items[i + 1];
        return true;
    }
    return false;
}

void docker_image_refer(struct docker *docker, struct docker_image *image, const struct docker_reference *reference)
{
    bool by_digest = reference->digest != NULL;
    const char *key = by_digest ? pinned(docker->arena, reference) : tagged(docker->arena, reference);
    const char *shown = by_digest ? hl_arena_printf(docker->arena, "%s@%s", reference->familiar, reference->digest)
                                  : hl_arena_printf(docker->arena, "%s:%s", reference->familiar, reference->tag == NULL ? "latest" : reference->tag);
    struct docker_image *former = hl_map_find(&docker->images_by_reference, key);

    if (former == image)
        return;
    if (former != NULL)
        remove_text(by_digest ? former->digests : former->tags, shown);
    hl_value_list_add(docker->arena, by_digest ? image->digests : image->tags, hl_value_text(docker->arena, shown));
    hl_map_put(&docker->images_by_reference, key, image);
    docker->images_generation++;
}

/* --- What is there at the start --- */

static void put_list(struct hl_arena *arena, struct hl_value *config, const char *key, const char *const *items)
{
    struct hl_value *list = hl_value_list(arena);

    for (; *items != NULL; items++)
        hl_value_list_add(arena, list, hl_value_text(arena, *items));
    hl_value_map_put(config, key, list);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char path_variable[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct hl_value *docker_image_config(struct hl_arena *arena)
{
    struct hl_value *config = hl_value_map(arena);

    put_list(arena, config, "Env", LIST(path_variable));
    put_list(arena, config, "Cmd", LIST("/bin/sh"));
    return config;
}

static void expose(struct hl_arena *arena, struct hl_value *config, const char *port)
{
    struct hl_value *ports = hl_value_map(arena);

    hl_value_map_put(ports, port, hl_value_map(arena));
    hl_value_map_put(config, "ExposedPorts", ports);
}

static void label(struct hl_arena *arena, struct hl_value *config, const char *key, const char *value)
{
    struct hl_value *labels = hl_value_map(arena);

    hl_value_map_put_text(labels, key, value);
    hl_value_map_put(config, "Labels", labels);
}

static void add_known(struct docker *docker, const char *text, const struct hl_value *config)
{
    struct docker_reference reference;
    char id[7 + DOCKER_ID] = "sha256:";
    char digest[7 + DOCKER_ID] = "sha256:";

    docker_reference_parse(docker->arena, text, &reference);
    docker_hash(tagged(docker->arena, &reference), id + 7);
    docker_hash(id, digest + 7);

    struct docker_image *image = docker_image_add(docker, id, "2024-10-01T00:00:00Z", config);

    docker_image_refer(docker, image, &reference);
    reference.digest = digest;
    docker_image_refer(docker, image, &reference);
}

void docker_images_open(struct docker *docker)
{
    struct hl_arena *arena = docker->arena;
    struct hl_value *config = docker_image_config(arena);

    put_list(arena, config, "Cmd", LIST("sh"));
    add_known(docker, "busybox:latest", config);

    config = docker_image_config(arena);
    put_list(arena, config, "Env", LIST(path_variable, "NGINX_VERSION=1.27.2", "PKG_RELEASE=1~bookworm"));
    put_list(arena, config, "Entrypoint", LIST("/docker-entrypoint.sh"));
    put_list(arena, config, "Cmd", LIST("nginx", "-g", "daemon off;"));
    expose(arena, config, "80/tcp");
    label(arena, config, "maintainer", "NGINX Docker Maintainers <docker-maint@nginx.com>");
    hl_value_map_put_text(config, "StopSignal", "SIGQUIT");
    add_known(docker, "nginx:1.27", config);

    add_known(docker, "alpine:3.20", docker_image_config(arena));

    config = docker_image_config(arena);
    put_list(arena, config, "Entrypoint", LIST("/entrypoint.sh"));
    put_list(arena, config, "Cmd", LIST("traefik"));
    expose(arena, config, "80/tcp");
    label(arena, config, "org.opencontainers.image.title", "Traefik");
    add_known(docker, "traefik:v3.1", config);
}

/* --- Calls --- */

bool docker_image_fail(struct docker_call *c, const char *text, const char *prefix)
{
    struct docker_reference reference;
    bool parsed = docker_reference_parse(c->arena, text, &reference);
    bool bare = parsed && reference.tag == NULL && reference.digest == NULL && !hl_starts_with(text, "sha256:");

    if (!parsed && !hl_starts_with(text, "sha256:"))
        return docker_reference_fail(c, 400, text);
    return docker_fail(c, 404, "%sNo such image: %s%s", prefix, text, bare ? ":latest" : "");
}

static struct docker_image *find(struct docker_call *c, const char *prefix)
{
    struct docker_image *image = docker_image_find(c->docker, c->arena, c->name);

    if (image == NULL)
        docker_image_fail(c, c->name, prefix);
    return image;
}

static int64_t size_of(const struct docker_image *image)
{
    return 1000000 + (int64_t)strtol((char[]){image->id[7], image->id[8], image->id[9], image->id[10], '\0'}, NULL, 16) * 1000;
}

static struct hl_value *full_config(struct docker_call *c, const struct docker_image *image)
{
    struct hl_value *config = NULL;

    return docker_decode(c, "Config", docker_config_fields, image->config, &config) ? config : NULL;
}

void docker_image_inspect(struct docker_call *c)
{
    const struct docker_image *image = find(c, hl_arena_printf(c->arena, "no such image: %s: ", c->name));
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *layers = hl_value_list(c->arena);
    struct hl_value *root = hl_value_map(c->arena);

    if (image == NULL)
        return;
    hl_value_map_put_text(out, "Id", image->id);
    hl_value_map_put(out, "RepoTags", image->tags);
    hl_value_map_put(out, "RepoDigests", image->digests);
    hl_value_map_put_text(out, "Parent", "");
    hl_value_map_put_text(out, "Comment", "");
    hl_value_map_put_text(out, "Created", image->created);
    hl_value_map_put_text(out, "Container", "");
    hl_value_map_put_text(out, "DockerVersion", "20.10.24");
    hl_value_map_put_text(out, "Author", "");
    hl_value_map_put(out, "Config", full_config(c, image));
    hl_value_map_put_text(out, "Architecture", "amd64");
    hl_value_map_put_text(out, "Os", "linux");
    hl_value_map_put_int(out, "Size", size_of(image));
    hl_value_map_put_int(out, "VirtualSize", size_of(image));
    hl_value_list_add(c->arena, layers, hl_value_text(c->arena, image->id));
    hl_value_map_put_text(root, "Type", "layers");
    hl_value_map_put(root, "Layers", layers);
    hl_value_map_put(out, "RootFS", root);
    docker_ok(c, 200, out);
}

static bool has_reference(const void *context, const char *word)
{
    const struct docker_image *image = context;

    for (size_t i = 0; i < hl_value_count(image->tags); i++) {
        const char *tag = hl_value_item(image->tags, i)->text.data;

        if (strcmp(tag, word) == 0 || (hl_starts_with(tag, word) && tag[strlen(word)] == ':'))
            return true;
    }
    return false;
}

void docker_images_list(struct docker_call *c)
{
    static const char *const known[] = {"before", "dangling", "label", "reference", "since", NULL};
    struct hl_value *list = hl_value_list(c->arena);
    struct hl_value *filters = NULL;

    if (!docker_filters(c, known, &filters))
        return;
    for (size_t i = 0; i < c->docker->images_count; i++) {
        const struct docker_image *image = c->docker->images[i];
        struct hl_value *row = hl_value_map(c->arena);
        const struct hl_value *labels = hl_value_get(image->config, "Labels");

        if (image->gone || !docker_filter_labels(filters, labels) || !docker_filter_any(filters, "reference", has_reference, image))
            continue;
        hl_value_map_put_text(row, "Id", image->id);
        hl_value_map_put_text(row, "ParentId", "");
        hl_value_map_put(row, "RepoTags", image->tags);
        /* null here and [] in inspect: so it is. */
        hl_value_map_put(row, "RepoDigests", hl_value_count(image->digests) == 0 ? hl_value_null(c->arena) : image->digests);
        hl_value_map_put_int(row, "Created", 1727740800);
        hl_value_map_put_int(row, "Size", size_of(image));
        hl_value_map_put_int(row, "VirtualSize", size_of(image));
        hl_value_map_put_int(row, "SharedSize", -1);
        hl_value_map_put(row, "Labels", labels == NULL ? hl_value_null(c->arena) : hl_value_copy(c->arena, labels));
        hl_value_map_put_int(row, "Containers", -1);
        hl_value_list_add(c->arena, list, row);
    }
    docker_ok(c, 200, list);
}

void docker_image_tag(struct docker_call *c)
{
    struct docker_image *image = find(c, "");
    const char *repository = lab_query(c->call, "repo");
    const char *tag = lab_query(c->call, "tag");
    struct docker_reference reference;

    if (image == NULL)
        return;
    if (!docker_reference_parse(c->arena, repository, &reference) || reference.digest != NULL) {
        docker_reference_fail(c, 500, repository);
        return;
    }
    if (*tag != '\0')
        reference.tag = tag;
    docker_image_refer(c->docker, image, &reference);
    docker_event(c->docker, "image", "tag", image->id, NULL);
    lab_answer(c->call, 201);
}

/* --- Delete --- */

static const struct docker_container *user_of(const struct docker *docker, const struct docker_image *image)
{
    for (size_t i = 0; i < docker->containers_count; i++)
        if (strcmp(docker->containers[i]->image_id, image->id) == 0)
            return docker->containers[i];
    return NULL;
}

static void told(struct docker_call *c, struct hl_value *list, const char *key, const char *text)
{
    struct hl_value *row = hl_value_map(c->arena);

    hl_value_map_put_text(row, key, text);
    hl_value_list_add(c->arena, list, row);
}

static void drop_references(struct docker_call *c, struct hl_value *names, struct hl_value *list)
{
    while (names->list.count > 0) {
        const char *name = names->list.items[0]->text.data;
        struct docker_reference reference;

        docker_reference_parse(c->arena, name, &reference);
        told(c, list, "Untagged", name);
        hl_map_put(&c->docker->images_by_reference, reference.digest != NULL ? pinned(c->arena, &reference) : tagged(c->arena, &reference), NULL);
        remove_text(names, name);
    }
}

/* By one of several tags: only that tag goes. */
static bool untag(struct docker_call *c, struct docker_image *image, struct hl_value *list)
{
    struct docker_reference reference;
    const char *shown = NULL;

    if (hl_value_count(image->tags) < 2 || !docker_reference_parse(c->arena, c->name, &reference) || reference.digest != NULL)
        return false;
    shown = hl_arena_printf(c->arena, "%s:%s", reference.familiar, reference.tag == NULL ? "latest" : reference.tag);
    if (!remove_text(image->tags, shown))
        return false;
    hl_map_put(&c->docker->images_by_reference, tagged(c->arena, &reference), NULL);
    c->docker->images_generation++;
    told(c, list, "Untagged", shown);
    return true;
}

void docker_image_delete(struct docker_call *c)
{
    struct docker_image *image = find(c, "");
    const struct docker_container *user = image == NULL ? NULL : user_of(c->docker, image);
    struct hl_value *list = hl_value_list(c->arena);

    if (image == NULL)
        return;
    if (untag(c, image, list)) {
        docker_ok(c, 200, list);
        return;
    }
    if (user != NULL && (docker_container_runs(user) || !lab_query_flag(c->call, "force"))) {
        docker_fail(c, 409,
                    "conflict: unable to remove repository reference \"%s\" (must force) - container %.12s is using its "
                    "referenced image %.12s",
                    c->name, user->id, image->id + 7);
        return;
    }
    drop_references(c, image->tags, list);
    drop_references(c, image->digests, list);
    told(c, list, "Deleted", image->id);
    image->gone = true;
    hl_map_put(&c->docker->images_by_id, image->id, NULL);
    c->docker->images_generation++;
    docker_event(c->docker, "image", "delete", image->id, NULL);
    docker_ok(c, 200, list);
}
