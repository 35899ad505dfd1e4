/* A new container, complete but not started: image, networks and volumes are checked first, since errors cost nothing there. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/container/spec.h"
#include "reconcile/providers/docker/image.h"
#include "reconcile/providers/docker/mark.h"
#include "schema/base/json.h"

#include <string.h>

enum { CREATE_MS = 120000, API_SUBPATH = 45, TRIES = 3 };

/* One making. */
struct maker {
    struct hl_op *op;
    struct hl_docker *docker;
    const struct hl_making *making;
    struct hl_arena *arena;
    struct hl_map *networks; /* name -> id; NULL when none are wanted */
    int minor;
    bool taken; /* an earlier attempt of this action has made it, and it has run */
};

/* --- Before --- */

static bool check_version(struct maker *maker, struct hl_error **err)
{
    const struct hl_value *desired = maker->op->desired;
    const struct hl_value *volumes = hl_value_get(desired, "volumes");

    if (!hl_docker_negotiate(maker->docker, &maker->minor, err))
        return false;
    if (maker->minor < HL_DOCKER_ENDPOINTS && hl_value_get(hl_value_get(desired, "healthcheck"), "start_interval") != NULL)
        return hl_fail(err, HL_E_REJECTED, "'healthcheck.start_interval' needs Docker Engine 25 or newer");
    for (size_t i = 0; i < hl_value_count(volumes) && maker->minor < API_SUBPATH; i++) {
        if (hl_value_get(hl_value_get(hl_value_item(volumes, i), "volume"), "subpath") != NULL)
            return hl_fail(err, HL_E_REJECTED, "'volumes.volume.subpath' needs Docker Engine 26 or newer");
    }
    return true;
}

static bool check_networks(struct maker *maker, struct hl_error **err)
{
    const struct hl_value *networks = hl_value_get(maker->op->desired, "networks");

    if (hl_value_count(networks) == 0)
        return true;
    if (!hl_container_networks_now(maker->docker, maker->arena, &maker->networks, err))
        return false;
    for (size_t i = 0; i < hl_value_members(networks); i++) {
        const char *name = hl_value_key(networks, i);
        const char *id = hl_map_find(maker->networks, name);
        if (id == NULL) {
            hl_fail(err, HL_E_NOT_FOUND, "network '%s' does not exist", name);
            return hl_error_hint(err, "declare it under `networks`, or create it in Docker");
        }
        if (*id == '\0') {
            hl_fail(err, HL_E_CONFLICT, "Docker has two networks with the name '%s'", name);
            return hl_error_hint(err, "remove one of them by its id, see `docker network ls`");
        }
    }
    return true;
}

/* The engine would make a missing volume itself, unmarked, and nobody would know where the data is. */
static bool check_volumes(struct maker *maker, struct hl_error **err)
{
    const struct hl_value *volumes = hl_value_get(maker->op->desired, "volumes");

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const struct hl_value *volume = hl_value_item(volumes, i);
        const char *type = hl_value_get_text(volume, "type");
        const char *source = hl_value_get_text(volume, "source");
        struct hl_value *found = NULL;
        if (type == NULL || strcmp(type, "volume") != 0 || source == NULL)
            continue;
        if (!hl_docker_find(maker->docker, maker->arena, hl_arena_printf(maker->arena, "/volumes/%s", hl_docker_escape(maker->arena, source)), &found, err))
            return false;
        if (found == NULL) {
            hl_fail(err, HL_E_NOT_FOUND, "volume '%s' does not exist", source);
            return hl_error_hint(err, "declare it under `volumes`, or create it in Docker");
        }
    }
    return true;
}

/* --- The creation --- */

static struct hl_value *marks_of(struct maker *maker)
{
    struct hl_value *marks = hl_value_map(maker->arena);

    hl_mark_put(maker->arena, marks, maker->op);
    hl_value_map_put_text(marks, HL_MARK_REPLACES, maker->making->replaces);
    hl_value_map_put_text(marks, HL_MARK_FILES,
                          hl_container_files_label(maker->arena, maker->op->session->run->key, hl_value_get(maker->op->desired, "files")));
    return marks;
}

/* Whether the one that holds the name is what an earlier, lost attempt at the same place left. */
static bool is_leftover(const struct maker *maker, const struct hl_value *labels)
{
    return hl_mark_is_of(labels, maker->op->session->run, maker->op->address) &&
           (hl_ends_with(maker->making->name, HL_SUFFIX_NEW) || hl_ends_with(maker->making->name, HL_SUFFIX_OLD));
}

static bool fail_taken(struct maker *maker, const struct hl_value *holder, struct hl_error **err)
{
    const struct hl_value *labels = hl_value_get(hl_value_get(holder, "Config"), "Labels");
    const char *owner = NULL;

    hl_mark_owner(maker->arena, labels, maker->op->session->run, &owner);
    maker->op->undone = true;
    hl_fail(err, HL_E_CONFLICT, "the name '%s' is taken by container %.12s%s%s", maker->making->name, holder != NULL ? hl_container_id(holder) : "?",
            owner != NULL ? " of " : ", which hlrec did not make", owner != NULL ? owner : "");
    return hl_error_hint(err, "remove or rename it, take it over with `adopt: true`, or set another `container_name`");
}

/* 409: the name is taken. *id is set when the holder is what this very action has made and started; *again when what was in the way has been removed: one
 * that this action made and did not start may lack files. */
static bool resolve_conflict(struct maker *maker, const char **id, bool *again, struct hl_error **err)
{
    struct hl_value *holder = NULL;

    if (!hl_container_inspect_name(maker->docker, maker->arena, maker->making->name, &holder, err))
        return false;
    *again = true;
    if (holder == NULL)
        return true; /* gone meanwhile */
    const struct hl_value *labels = hl_value_get(hl_value_get(holder, "Config"), "Labels");
    const char *operation = hl_value_get_text(labels, HL_MARK_OPERATION);
    const bool is_ours = operation != NULL && strcmp(operation, maker->op->operation) == 0;
    if (is_ours && hl_container_was_started(holder)) {
        *id = hl_container_id(holder);
        *again = false;
        maker->taken = true;
        return true;
    }
    if (!is_ours && !is_leftover(maker, labels))
        return fail_taken(maker, holder, err);
    return hl_container_delete(maker->docker, hl_container_id(holder), true, true, err);
}

static const char *create_path(struct maker *maker)
{
    const char *platform = hl_value_get_text(maker->op->desired, "platform");

    return hl_arena_printf(maker->arena, "/containers/create?name=%s%s%s", hl_docker_escape(maker->arena, maker->making->name),
                           platform != NULL ? "&platform=" : "", platform != NULL ? hl_docker_escape(maker->arena, platform) : "");
}

static bool fail_creation(struct maker *maker, const struct hl_http_response *response, struct hl_error **err)
{
    hl_docker_rejected(maker->docker, response, err);
    maker->op->undone = true; /* refused: there is nothing */
    if (strstr(hl_text_get(&response->body), "bind source path does not exist") != NULL)
        hl_error_hint(err, "make the folder on the host, or write the mount in its short form, which makes it");
    else if (strstr(hl_text_get(&response->body), "No command specified") != NULL)
        hl_error_hint(err, "the image has no command of its own: set `command`");
    return hl_wrap(err, "creating container '%s'", maker->making->name);
}

static bool take_id(struct maker *maker, const struct hl_http_response *response, const char **id, struct hl_error **err)
{
    struct hl_value *answer = NULL;

    if (!hl_json_decode(maker->arena, hl_text_get(&response->body), response->body.length, &answer, err))
        return false;
    *id = hl_value_get_text(answer, "Id");
    return !hl_is_blank(*id) || hl_fail(err, HL_E_FAILED, "the engine tells no id for the container it has created");
}

/* The answer was lost: the container may be there all the same, and its label tells. */
static bool find_lost(struct maker *maker, const char **id, struct hl_error **err)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *row = NULL;

    if ((*err)->code != HL_E_UNREACHABLE && (*err)->code != HL_E_TIMEOUT)
        return false;
    if (!hl_container_find_operation(maker->docker, maker->arena, maker->op->operation, &row, &ignored) || row == NULL)
        return false;
    *id = hl_container_id(row);
    hl_error_clear(err);
    return true;
}

/* 404: the image went away meanwhile, or the one on the host is for another platform. */
static bool pull_again(struct maker *maker, struct hl_error **err)
{
    const char *image = hl_value_get_text(maker->op->desired, "image");

    return hl_image_ensure(maker->docker, maker->op, image, "always", hl_value_get_text(maker->op->desired, "platform"), err);
}

static bool may_pull(const struct maker *maker, const struct hl_http_response *response)
{
    const char *policy = hl_value_get_text(maker->op->desired, "pull_policy");

    return response->status == 404 && strstr(hl_text_get(&response->body), "image") != NULL && (policy == NULL || strcmp(policy, "never") != 0);
}

static bool create(struct maker *maker, const struct hl_value *body, const char **id, struct hl_error **err)
{
    const struct hl_docker_call call = {.method = "POST", .path = create_path(maker), .body = body, .timeout_ms = CREATE_MS};

    for (int tries = 0; tries < TRIES; tries++) {
        hl_auto(http_response) struct hl_http_response response = {0};
        bool again = false;
        if (!hl_docker_send(maker->docker, &call, &response, err))
            return find_lost(maker, id, err);
        if (response.status == 201)
            return take_id(maker, &response, id, err);
        if (tries == 0 && may_pull(maker, &response)) {
            if (!pull_again(maker, err))
                return false;
            continue;
        }
        if (response.status != 409)
            return fail_creation(maker, &response, err);
        if (!resolve_conflict(maker, id, &again, err))
            return false;
        if (!again)
            return true;
    }
    return hl_fail(err, HL_E_CONFLICT, "the name '%s' stays taken", maker->making->name);
}

/* --- After --- */

static bool connect_rest(struct maker *maker, const char *id, struct hl_error **err)
{
    const char **names = hl_container_networks(maker->arena, maker->op->desired);

    if (maker->minor >= HL_DOCKER_ENDPOINTS || names[0] == NULL)
        return true;
    for (size_t i = 1; names[i] != NULL; i++) {
        struct hl_value *endpoint = hl_container_endpoint(maker->arena, maker->op->desired, names[i], maker->op->name);
        if (!hl_container_connect(maker->docker, id, hl_map_find(maker->networks, names[i]), endpoint, err))
            return hl_wrap(err, "network '%s'", names[i]);
    }
    return true;
}

static bool put_files(struct maker *maker, const char *id, struct hl_error **err)
{
    const struct hl_value *files = hl_value_get(maker->op->desired, "files");
    hl_auto(text) struct hl_text tar = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(http_response) struct hl_http_response response = {0};

    if (hl_value_count(files) == 0)
        return true;
    hl_container_files_tar(&tar, files, maker->op->session->run->now_ms / 1000);
    if (!hl_text_ok(&tar))
        return hl_fail(err, HL_E_SPEC, "the files are longer than %d MB together", HL_MAX_BODY / 1024 / 1024);
    const struct hl_docker_call call = {
        .method = "PUT",
        .path = hl_container_path(maker->arena, id, "/archive?path=%2F"),
        .tar = hl_text_get(&tar),
        .tar_length = tar.length,
        .timeout_ms = CREATE_MS,
        .idempotent = true,
    };
    if (!hl_docker_send(maker->docker, &call, &response, err))
        return hl_wrap(err, "putting files into the container");
    if (response.status == 200)
        return true;
    hl_docker_rejected(maker->docker, &response, err);
    return hl_wrap(err, "putting files into the container");
}

void hl_container_discard(struct hl_op *op, const char *id)
{
    hl_auto(error) struct hl_error *ignored = NULL;

    if (id == NULL || hl_run_cancelled(op->session->run))
        return;
    op->undone = hl_container_delete(hl_docker_of(op->session), id, true, true, &ignored);
    if (!op->undone)
        op->note = hl_arena_printf(op->arena, "container %.12s was left behind: it could not be removed", id);
}

bool hl_container_make(struct hl_op *op, const struct hl_making *making, const char **id, struct hl_error **err)
{
    struct maker maker = {.op = op, .docker = hl_docker_of(op->session), .making = making, .arena = op->arena};
    const char *platform = hl_value_get_text(op->desired, "platform");

    op->undone = true; /* up to the creation nothing is begun */
    if (!check_version(&maker, err) || !check_networks(&maker, err) || !check_volumes(&maker, err))
        return false;
    if (!hl_image_ensure(maker.docker, op, hl_value_get_text(op->desired, "image"), hl_value_get_text(op->desired, "pull_policy"), platform, err))
        return false;
    const struct hl_container_spec spec = {
        .desired = op->desired,
        .resource = op->name,
        .marks = marks_of(&maker),
        .inherited = making->inherited,
        .base = maker.docker->base,
        .home = maker.docker->home,
        .minor = maker.minor,
    };
    hl_op_progress(op, "creating container '%s'", making->name);
    op->undone = false;
    if (!create(&maker, hl_container_body(maker.arena, &spec), id, err))
        return false;
    if (!maker.taken && (!connect_rest(&maker, *id, err) || !put_files(&maker, *id, err))) {
        hl_container_discard(op, *id);
        return false;
    }
    return true;
}
