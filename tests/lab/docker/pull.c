/* Images that come: pulled from a registry that has whatever is asked for, or loaded from an archive. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <inttypes.h>
#include <string.h>

/* --- Streams of JSON objects --- */

/* In two chunks that cut the object, as they may come from the wire. */
static bool send_object(struct docker_call *c, struct hl_value *object)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_OUTPUT);
    size_t half = 0;

    hl_json_encode(&line, object, HL_JSON_COMPACT);
    hl_text_puts(&line, "\r\n");
    half = line.length / 2;
    return lab_stream_write(c->call, line.data, half) && lab_stream_write(c->call, line.data + half, line.length - half);
}

static bool send_status(struct docker_call *c, const char *id, const char *status)
{
    struct hl_value *object = hl_value_map(c->arena);

    hl_value_map_put_text(object, "status", status);
    hl_value_map_put_text(object, "id", id);
    return send_object(c, object);
}

static void send_error(struct docker_call *c, const char *message)
{
    struct hl_value *object = hl_value_map(c->arena);
    struct hl_value *detail = hl_value_map(c->arena);

    hl_value_map_put_text(detail, "message", message);
    hl_value_map_put(object, "errorDetail", detail);
    hl_value_map_put_text(object, "error", message);
    send_object(c, object);
}

static bool send_progress(struct docker_call *c, const char *layer, int64_t current, int64_t total)
{
    struct hl_value *object = hl_value_map(c->arena);
    struct hl_value *detail = hl_value_map(c->arena);

    hl_value_map_put_int(detail, "current", current);
    hl_value_map_put_int(detail, "total", total);
    hl_value_map_put_text(object, "status", "Downloading");
    hl_value_map_put(object, "progressDetail", detail);
    hl_value_map_put(object, "progress", hl_value_printf(c->arena, "[====>] %" PRId64 "B/%" PRId64 "B", current, total));
    hl_value_map_put_text(object, "id", layer);
    return send_object(c, object);
}

/* --- The registry --- */

/* What the registry has for a reference: the same for the same, but for 'rolling' images, of which each pull finds the next. */
static void resolve(struct docker_call *c, const struct docker_reference *reference, size_t number, char id[7 + DOCKER_ID], char digest[7 + DOCKER_ID])
{
    const char *name = hl_arena_printf(c->arena, "%s:%s", reference->repository, reference->tag == NULL ? "latest" : reference->tag);

    if (number > 0 && strstr(reference->repository, "rolling") != NULL)
        name = hl_arena_printf(c->arena, "%s#%zu", name, number);
    memcpy(id, "sha256:", 7);
    memcpy(digest, "sha256:", 7);
    if (reference->digest != NULL) {
        memcpy(digest, reference->digest, 7 + DOCKER_ID);
        docker_hash(digest, id + 7);
        return;
    }
    docker_hash(name, id + 7);
    docker_hash(id, digest + 7);
}

static size_t *pulls_of(struct docker *docker, const struct docker_reference *reference)
{
    size_t *pulls = hl_map_find(&docker->pulls, reference->repository);

    if (pulls == NULL) {
        pulls = hl_arena_alloc(docker->arena, sizeof(*pulls));
        hl_map_put(&docker->pulls, reference->repository, pulls);
    }
    return pulls;
}

static bool download(struct docker_call *c, const struct docker_reference *reference, const char *layer)
{
    int steps = strstr(reference->repository, "slow") != NULL ? 10 : 2;

    if (!send_status(c, layer, "Pulling fs layer"))
        return false;
    for (int i = 1; i <= steps; i++) {
        int64_t until = lab_now_ns() + 100000000;

        while (steps > 2 && lab_now_ns() < until)
            if (!lab_wait(c->docker->lab, 100))
                return false;
        if (!send_progress(c, layer, i * 1000, steps * 1000))
            return false;
    }
    return send_status(c, layer, "Download complete") && send_status(c, layer, "Pull complete");
}

/* Whether the client stayed to the end; else nothing was pulled. */
static bool pull_one(struct docker_call *c, struct docker_reference reference)
{
    size_t *pulls = pulls_of(c->docker, &reference);
    char id[7 + DOCKER_ID], digest[7 + DOCKER_ID];
    bool known = false;

    resolve(c, &reference, *pulls, id, digest);
    known = docker_image_by_id(c->docker, id) != NULL;
    if (!send_status(c, reference.tag == NULL ? reference.digest : reference.tag,
                     hl_arena_printf(c->arena, "Pulling from %s", strchr(reference.repository, '/') + 1)))
        return false;
    if (!known && !download(c, &reference, hl_arena_copy(c->arena, id + 7, 12)))
        return false;

    struct docker_image *image = docker_image_add(c->docker, id, docker_time(c->arena, lab_now_ns()), docker_image_config(c->arena));

    (*pulls)++;
    if (reference.digest == NULL)
        docker_image_refer(c->docker, image, &reference);
    reference.digest = digest;
    docker_image_refer(c->docker, image, &reference);
    docker_event(c->docker, "image", "pull", reference.familiar, NULL);
    return send_status(c, NULL, hl_arena_printf(c->arena, "Digest: %s", digest)) &&
           send_status(c, NULL,
                       hl_arena_printf(c->arena, "Status: %s for %s:%s", known ? "Image is up to date" : "Downloaded newer image", reference.familiar,
                                       reference.tag == NULL ? digest : reference.tag));
}

static bool read_reference(struct docker_call *c, struct docker_reference *reference)
{
    const char *name = lab_query(c->call, "fromImage");
    const char *tag = lab_query(c->call, "tag");
    const char *text = *tag == '\0' ? name : hl_arena_printf(c->arena, "%s%s%s", name, hl_starts_with(tag, "sha256:") ? "@" : ":", tag);

    return docker_reference_parse(c->arena, text, reference) || docker_reference_fail(c, 400, text);
}

void docker_image_create(struct docker_call *c)
{
    static const char *const all_tags[] = {"latest", "stable", "edge"};
    struct docker_reference reference;

    if (*lab_query(c->call, "fromSrc") != '\0') {
        docker_fail(c, 501, "the lab does not import");
        return;
    }
    if (!read_reference(c, &reference))
        return;
    if (strstr(reference.repository, "denied") != NULL) {
        docker_fail(c, 404,
                    "pull access denied for %s, repository does not exist or may require 'docker login': denied: requested "
                    "access to the resource is denied",
                    reference.familiar);
        return;
    }
    lab_stream_begin(c->call, 200, "application/json", true);
    if (strstr(reference.repository, "missing") != NULL) {
        const char *tag = reference.tag == NULL ? "latest" : reference.tag;

        if (send_status(c, tag, hl_arena_printf(c->arena, "Pulling from %s", strchr(reference.repository, '/') + 1)))
            send_error(c, hl_arena_printf(c->arena, "manifest for %s:%s not found: manifest unknown: manifest unknown", reference.familiar, tag));
        return;
    }
    if (reference.tag != NULL || reference.digest != NULL) {
        pull_one(c, reference);
        return;
    }
    /* Without a tag the engine takes them all. */
    for (size_t i = 0; i < HL_COUNT(all_tags); i++) {
        reference.tag = all_tags[i];
        if (!pull_one(c, reference))
            return;
    }
}

void docker_distribution(struct docker_call *c)
{
    struct docker_reference reference;
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *descriptor = hl_value_map(c->arena);
    struct hl_value *platforms = hl_value_list(c->arena);
    struct hl_value *platform = hl_value_map(c->arena);
    char id[7 + DOCKER_ID], digest[7 + DOCKER_ID];

    if (!docker_reference_parse(c->arena, c->name, &reference)) {
        docker_reference_fail(c, 400, c->name);
        return;
    }
    if (strstr(reference.repository, "missing") != NULL || strstr(reference.repository, "denied") != NULL) {
        docker_fail(c, 404, "errors: denied: requested access to the resource is denied unauthorized: authentication required");
        return;
    }
    resolve(c, &reference, *pulls_of(c->docker, &reference), id, digest);
    hl_value_map_put_text(descriptor, "mediaType", "application/vnd.docker.distribution.manifest.v2+json");
    hl_value_map_put_text(descriptor, "digest", digest);
    hl_value_map_put_int(descriptor, "size", 1000);
    hl_value_map_put_text(platform, "architecture", "amd64");
    hl_value_map_put_text(platform, "os", "linux");
    hl_value_list_add(c->arena, platforms, platform);
    hl_value_map_put(out, "Descriptor", descriptor);
    hl_value_map_put(out, "Platforms", platforms);
    docker_ok(c, 200, out);
}

/* --- Load --- */

static const struct docker_file *file_named(const struct hl_map *files, const char *name)
{
    return name == NULL ? NULL : hl_map_find(files, name);
}

static struct hl_value *json_of(struct docker_call *c, const struct docker_file *file)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    return file != NULL && hl_json_decode(c->arena, file->data, file->length, &value, &err) ? value : NULL;
}

/* The image's id is the hash of its configuration, as it should be; loaded ones have no digests of a registry. */
static bool load_one(struct docker_call *c, const struct hl_map *files, const struct hl_value *entry)
{
    const char *path = hl_value_get_text(entry, "Config");
    const struct docker_file *file = path == NULL ? NULL : file_named(files, hl_arena_printf(c->arena, "/%s", path));
    struct hl_value *config = json_of(c, file);
    const struct hl_value *tags = hl_value_get(entry, "RepoTags");
    char id[7 + DOCKER_ID] = "sha256:";

    if (config == NULL)
        return false;
    docker_hash(file->data, id + 7);

    struct docker_image *image = docker_image_add(c->docker, id, docker_time(c->arena, lab_now_ns()),
                                                  hl_value_get(config, "config") == NULL ? docker_image_config(c->arena) : hl_value_get(config, "config"));

    for (size_t i = 0; i < hl_value_count(tags); i++) {
        struct docker_reference reference;
        struct hl_value *object = hl_value_map(c->arena);

        if (!docker_reference_parse(c->arena, hl_value_item(tags, i)->text.data, &reference))
            return false;
        docker_image_refer(c->docker, image, &reference);
        hl_value_map_put(object, "stream", hl_value_printf(c->arena, "Loaded image: %s\n", hl_value_item(tags, i)->text.data));
        send_object(c, object);
    }
    return true;
}

void docker_image_load(struct docker_call *c)
{
    const char *type = lab_header(c->call, "content-type");
    bool eaten = type != NULL && hl_starts_with(type, "application/x-www-form-urlencoded");
    struct hl_value *manifest = NULL;
    struct hl_map files;
    bool fine = true;

    hl_map_init(&files, c->arena);
    fine = docker_tar_read(c->arena, c->call->body, eaten ? 0 : c->call->body_length, "/", &files);
    manifest = json_of(c, file_named(&files, "/manifest.json"));
    lab_stream_begin(c->call, 200, "application/json", true);
    for (size_t i = 0; fine && i < hl_value_count(manifest); i++)
        fine = load_one(c, &files, hl_value_item(manifest, i));
    if (!fine || manifest == NULL)
        send_error(c, "open /var/lib/docker/tmp/docker-import/repositories: no such file or directory");
}
