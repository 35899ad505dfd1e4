#include "config.h"

#include "reconcile/providers/docker/image.h"

#include "reconcile/providers/docker/image_name.h"
#include "reconcile/providers/docker/login.h"
#include "reconcile/providers/docker/pull.h"
#include "schema/base/json.h"

#include <string.h>

/* What is known of one reference; lives in the session's arena, so that what was handed out stays good after a pull. */
struct image_entry {
    struct hl_value *inspection; /* NULL: not there */
    enum { IMAGE_ASKED, IMAGE_KNOWN, IMAGE_FAILED } state;
};

static void forget(struct hl_docker *docker, const char *reference)
{
    pthread_mutex_lock(&docker->lock);
    hl_map_remove(&docker->images, reference);
    pthread_mutex_unlock(&docker->lock);
}

/* The entry of a reference that somebody has asked for, when the engine's word is known; else a new one, for the caller to ask and settle(). */
static struct image_entry *look_up(struct hl_docker *docker, const char *reference)
{
    pthread_mutex_lock(&docker->lock);
    struct image_entry *entry = hl_map_find(&docker->images, reference);
    while (entry != NULL && entry->state == IMAGE_ASKED)
        pthread_cond_wait(&docker->image_known, &docker->lock);
    if (entry == NULL || entry->state == IMAGE_FAILED) {
        entry = hl_arena_alloc(docker->arena, sizeof *entry);
        hl_map_put(&docker->images, reference, entry);
    }
    pthread_mutex_unlock(&docker->lock);
    return entry;
}

/* The engine's word on what was asked: an image is known by its id as well then. Who has pulled meanwhile has taken the entry away, so that an old word stays
 * with those who asked before. */
static void settle(struct hl_docker *docker, struct image_entry *entry, bool answered, const struct hl_value *inspection)
{
    const char *id = hl_value_get_text(inspection, "Id");

    pthread_mutex_lock(&docker->lock);
    entry->inspection = inspection != NULL ? hl_value_copy(docker->arena, inspection) : NULL;
    entry->state = answered ? IMAGE_KNOWN : IMAGE_FAILED;
    if (id != NULL && !hl_map_has(&docker->images, id))
        hl_map_put(&docker->images, id, entry);
    pthread_cond_broadcast(&docker->image_known);
    pthread_mutex_unlock(&docker->lock);
}

/* A reference may also be the beginning of another image's id; then it is not what was asked for. */
static bool is_meant(const struct hl_value *image, const char *reference)
{
    const struct hl_value *tags = hl_value_get(image, "RepoTags");
    const struct hl_value *digests = hl_value_get(image, "RepoDigests");
    const char *id = hl_value_get_text(image, "Id");

    if (strspn(reference, "0123456789abcdef") != strlen(reference) || id == NULL || strcmp(id + strcspn(id, ":") + 1, reference) == 0)
        return true;
    for (size_t i = 0; i < hl_value_count(tags); i++) {
        const struct hl_value *tag = hl_value_item(tags, i);
        if (hl_value_is(tag, HL_TEXT) && hl_image_name_equal(tag->text.data, reference))
            return true;
    }
    return hl_value_count(tags) == 0 && hl_value_count(digests) > 0;
}

bool hl_image_find(struct hl_docker *docker, const char *reference, const struct hl_value **out, struct hl_error **err)
{
    struct image_entry *entry = look_up(docker, reference);

    if (entry->state == IMAGE_KNOWN) {
        *out = entry->inspection;
        return true;
    }

    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *inspection = NULL;
    const char *path = hl_arena_printf(arena, "/images/%s/json", hl_docker_escape(arena, reference));
    const bool answered = hl_docker_find(docker, arena, path, &inspection, err);
    if (inspection != NULL && !is_meant(inspection, reference))
        inspection = NULL;
    settle(docker, entry, answered, inspection);
    *out = entry->inspection;
    return answered || hl_wrap(err, "inspecting image '%s'", reference);
}

bool hl_image_registry_digest(struct hl_docker *docker, struct hl_arena *arena, const char *reference, const char **digest, struct hl_error **err)
{
    struct hl_image_name name;
    const char *problem = NULL;
    struct hl_value *answer = NULL;
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!hl_image_name_parse(arena, reference, &name, &problem) || name.id != NULL)
        return hl_fail(err, HL_E_SPEC, "no registry has the image '%s'", reference);
    const char *login = hl_docker_login(docker, arena, &name);
    const struct hl_http_header headers[] = {{"X-Registry-Auth", login}, {NULL, NULL}};
    const struct hl_docker_call call = {.method = "GET",
                                        .path = hl_arena_printf(arena, "/distribution/%s/json", hl_docker_escape(arena, reference)),
                                        .headers = login != NULL ? headers : NULL};
    if (!hl_docker_send(docker, &call, &response, err))
        return false;
    if (response.status != 200)
        return hl_docker_rejected(docker, &response, err);
    if (!hl_json_decode(arena, hl_text_get(&response.body), response.body.length, &answer, err))
        return false;
    const struct hl_value *found = hl_value_find_path(answer, "Descriptor.digest");
    if (!hl_value_is(found, HL_TEXT))
        return hl_fail(err, HL_E_FAILED, "the registry tells no digest of '%s'", reference);
    *digest = found->text.data;
    return true;
}

bool hl_image_has_digest(const struct hl_value *image, const char *reference, const char *digest)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_value *digests = hl_value_get(image, "RepoDigests");
    struct hl_image_name wanted, name;
    const char *problem = NULL;
    bool seen = false;

    if (!hl_image_name_parse(arena, reference, &wanted, &problem))
        return true;
    for (size_t i = 0; i < hl_value_count(digests); i++) {
        const char *text = hl_value_to_text(arena, hl_value_item(digests, i));
        if (text == NULL || !hl_image_name_parse(arena, text, &name, &problem) || name.digest == NULL)
            continue;
        if (strcmp(hl_image_name_repository(arena, &name), hl_image_name_repository(arena, &wanted)) != 0)
            continue;
        seen = true;
        if (strcmp(name.digest, digest) == 0)
            return true;
    }
    return !seen;
}

static bool fail_missing(const char *reference, struct hl_error **err)
{
    hl_fail(err, HL_E_NOT_FOUND, "image '%s' is not on the host, and `pull_policy: never` forbids to pull it", reference);
    return hl_error_hint(err, "load or build it there, or use `pull_policy: missing`");
}

bool hl_image_ensure(struct hl_docker *docker, struct hl_op *op, const char *reference, const char *policy, const char *platform, struct hl_error **err)
{
    const bool always = policy != NULL && strcmp(policy, "always") == 0;
    const bool never = policy != NULL && strcmp(policy, "never") == 0;
    const struct hl_value *image = NULL;

    if (!always) {
        if (!hl_image_find(docker, reference, &image, err))
            return false;
        if (image != NULL)
            return true;
        forget(docker, reference); /* it may have come meanwhile */
        if (!hl_image_find(docker, reference, &image, err))
            return false;
        if (image != NULL)
            return true;
    }
    if (never)
        return hl_image_find(docker, reference, &image, err) && (image != NULL || fail_missing(reference, err));
    if (!hl_image_pull(docker, op, reference, platform, err))
        return hl_wrap(err, "pulling image '%s'", reference);
    forget(docker, reference);
    /* A pull can end well and leave nothing: the engine's word is its inspection. */
    if (!hl_image_find(docker, reference, &image, err))
        return false;
    if (image == NULL)
        return hl_fail(err, HL_E_FAILED, "image '%s' was pulled and is not there", reference);
    return true;
}
