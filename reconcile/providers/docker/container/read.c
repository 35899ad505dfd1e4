/* Reading containers: one list, one inspection for each that is wanted, one for each distinct image.
 *
 * Who is recorded is inspected by its id, beside the list, which may be long. The list finds the others: those that are not recorded, and those whose recorded
 * container is gone. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"
#include "reconcile/providers/docker/image.h"
#include "reconcile/providers/docker/image_name.h"
#include "reconcile/providers/docker/keep.h"
#include "reconcile/providers/docker/mark.h"
#include "schema/base/parallel.h"

#include <stdlib.h>
#include <string.h>

/* What is kept of a row of the list, of which there may be many thousands. */
struct row {
    const char *id, *name, *image; /* the image's id */
    bool holds_networks;           /* stopped, with the ids of networks that may be gone */
};

/* One object being read. */
struct reading {
    struct hl_object *object;
    const char *id; /* of its container; NULL: not known, or there is none */
    bool done;
};

/* What the list says, and what is asked because of it. */
struct listing {
    struct hl_arena *arena;
    const struct hl_run *run;                 /* whose marks are looked for */
    struct hl_map by_id, by_name, by_address; /* struct row * */
    struct hl_map leftovers;                  /* address -> name of what a replacement could not remove */
    struct hl_map names;                      /* id -> name */
    struct hl_map *networks;                  /* NULL: not asked */
    struct hl_error *error;
    enum { LIST_AWAITED, LIST_READ, LIST_FAILED } state;
};

/* One refresh. */
struct reader {
    struct hl_docker *docker;
    struct reading *readings;
    size_t count;
    const char **images; /* ids and references to ask for now */
    size_t images_count;
    struct listing listing; /* read by nobody while it is awaited */
    pthread_mutex_t lock;   /* over the objects' arenas, which may be one, and the listing's state */
    pthread_cond_t listed;
};

/* --- Which one is it? --- */

/* "/web"; a link's "/other/web" is not its name. */
const char *hl_container_row_name(const struct hl_value *row)
{
    const struct hl_value *names = hl_value_get(row, "Names");

    for (size_t i = 0; i < hl_value_count(names); i++) {
        const struct hl_value *name = hl_value_item(names, i);
        if (hl_value_is(name, HL_TEXT) && name->text.data[0] == '/' && strchr(name->text.data + 1, '/') == NULL)
            return name->text.data + 1;
    }
    return NULL;
}

static bool is_aside(const char *name)
{
    return name != NULL && (hl_ends_with(name, HL_SUFFIX_NEW) || hl_ends_with(name, HL_SUFFIX_OLD));
}

/* A stopped container holds on to the ids of its networks, also when those are gone; a running one keeps them alive. */
static bool is_stopped_in_network(const char *state, const struct hl_value *settings)
{
    const struct hl_value *endpoints = hl_value_get(settings, "Networks");

    if (state == NULL || strcmp(state, "running") == 0)
        return false;
    for (size_t i = 0; i < hl_value_count(endpoints); i++) {
        if (!hl_is_blank(hl_value_get_text(hl_value_at(endpoints, i), "NetworkID")))
            return true;
    }
    return false;
}

/* --- The list --- */

static bool take_row(void *context, struct hl_value *element, struct hl_error **err)
{
    struct listing *listing = context;
    const struct hl_value *labels = hl_value_get(element, "Labels");
    const char *address = hl_value_get_text(labels, "hlrec.address");

    (void)err;
    if (hl_container_id(element) == NULL)
        return true;
    struct row *row = hl_arena_alloc(listing->arena, sizeof *row);
    *row = (struct row){
        .id = hl_arena_strdup(listing->arena, hl_container_id(element)),
        .name = hl_arena_strdup(listing->arena, hl_container_row_name(element)),
        .image = hl_arena_strdup(listing->arena, hl_value_get_text(element, "ImageID")),
        .holds_networks = is_stopped_in_network(hl_value_get_text(element, "State"), hl_value_get(element, "NetworkSettings")),
    };
    hl_map_put(&listing->by_id, row->id, row);
    if (row->name != NULL) {
        hl_map_put(&listing->by_name, row->name, row);
        hl_map_put(&listing->names, row->id, (void *)row->name);
    }
    /* What a replacement under way has put aside is for recovery. */
    if (address != NULL && hl_mark_is_of(labels, listing->run, address))
        hl_map_put(is_aside(row->name) ? &listing->leftovers : &listing->by_address, address, is_aside(row->name) ? (void *)row->name : row);
    return true;
}

/* Into `listing`, whose arena is set. */
static bool read_list(struct hl_docker *docker, struct listing *listing, struct hl_error **err)
{
    listing->run = docker->run;
    hl_map_init(&listing->by_id, listing->arena);
    hl_map_init(&listing->by_name, listing->arena);
    hl_map_init(&listing->by_address, listing->arena);
    hl_map_init(&listing->leftovers, listing->arena);
    hl_map_init(&listing->names, listing->arena);
    return hl_container_each(docker, take_row, listing, err);
}

/* `adopt: ID` and import take a name, an id, or the beginning of one that only one container has. */
static const struct row *find_by_id(const struct listing *listing, const char *id)
{
    enum { SHORTEST = 4 };
    const struct row *found = hl_map_find(&listing->by_id, id);
    const size_t length = strlen(id);
    size_t hits = 0;

    if (found == NULL)
        found = hl_map_find(&listing->by_name, id);
    if (found != NULL || length < SHORTEST || length >= HL_DOCKER_ID)
        return found;
    for (size_t i = 0; i < listing->by_id.count; i++) {
        if (strncmp(listing->by_id.entries[i].key, id, length) == 0) {
            found = listing->by_id.entries[i].value;
            hits++;
        }
    }
    return hits == 1 ? found : NULL;
}

static const struct row *find_row(const struct listing *listing, const struct hl_object *object)
{
    const struct hl_value *body = object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
    const struct row *row = hl_is_blank(object->id) ? NULL : find_by_id(listing, object->id);

    if (row == NULL)
        row = hl_map_find(&listing->by_address, object->address);
    if (row == NULL)
        row = hl_map_find(&listing->by_name, hl_container_wanted_name(body, object->name));
    return row;
}

static bool fetch_networks(struct reader *reader, struct hl_error **err)
{
    struct listing *listing = &reader->listing;

    for (size_t i = 0; i < reader->count; i++) {
        const struct row *row = find_row(listing, reader->readings[i].object);
        if (row != NULL && row->holds_networks)
            return hl_container_networks_now(reader->docker, listing->arena, &listing->networks, err);
    }
    return true;
}

static void read_listing(struct reader *reader)
{
    struct listing *listing = &reader->listing;
    const bool read = read_list(reader->docker, listing, &listing->error) && fetch_networks(reader, &listing->error);

    pthread_mutex_lock(&reader->lock);
    listing->state = read ? LIST_READ : LIST_FAILED;
    pthread_cond_broadcast(&reader->listed);
    pthread_mutex_unlock(&reader->lock);
}

/* Who reads it was begun before all others, so that the wait ends. NULL when it cannot be read, which the whole refresh then fails with. */
static const struct listing *await_listing(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    while (reader->listing.state == LIST_AWAITED)
        pthread_cond_wait(&reader->listed, &reader->lock);
    const bool read = reader->listing.state == LIST_READ;
    pthread_mutex_unlock(&reader->lock);
    return read ? &reader->listing : NULL;
}

static bool is_in_vain(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    const bool failed = reader->listing.state == LIST_FAILED;
    pthread_mutex_unlock(&reader->lock);
    return failed;
}

/* --- Telling --- */

/* Names are only needed where another container's namespace is shared. */
static bool shares(const struct hl_value *inspection)
{
    static const char *const modes[] = {"NetworkMode", "PidMode", "IpcMode"};

    for (size_t i = 0; i < HL_COUNT(modes); i++) {
        const char *mode = hl_value_get_text(hl_value_get(inspection, "HostConfig"), modes[i]);
        if (mode != NULL && hl_starts_with(mode, "container:"))
            return true;
    }
    return false;
}

static const struct hl_value *image_or_null(struct hl_docker *docker, const char *reference)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const struct hl_value *image = NULL;

    if (hl_is_blank(reference) || !hl_image_find(docker, reference, &image, &ignored))
        return NULL;
    return image;
}

/* Does the reference of the spec still stand for the image that the container was made from? */
static const char *judge_image(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection, const struct hl_value *desired,
                               const char *registry_digest, const char **reason)
{
    const char *reference = hl_value_get_text(desired, "image");
    const char *told = hl_value_get_text(hl_value_get(inspection, "Config"), "Image");
    const char *used = hl_value_get_text(inspection, "Image");
    const struct hl_value *local = image_or_null(docker, reference);
    const char *id = hl_value_get_text(local, "Id");

    /* Another reference is a change of its own; one that is not on the host says nothing. */
    if (reference == NULL || used == NULL || id == NULL || (told != NULL && !hl_starts_with(told, "sha256:") && !hl_image_name_equal(told, reference)))
        return "current";
    if (strcmp(id, used) != 0) {
        *reason = "the tag now points at a new image";
        return hl_arena_printf(arena, "outdated: runs %.19s, the tag is %.19s", used, id);
    }
    if (registry_digest != NULL && !hl_image_has_digest(local, reference, registry_digest)) {
        *reason = "the registry has a newer image for the tag";
        return hl_arena_printf(arena, "outdated: the registry has %.19s", registry_digest);
    }
    return "current";
}

static struct hl_value *view_values(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection, struct hl_container_view *view)
{
    view->arena = arena;
    view->inspection = inspection;
    view->image = image_or_null(docker, hl_value_get_text(inspection, "Image"));
    view->desired_image_id = hl_value_get_text(image_or_null(docker, hl_value_get_text(view->desired, "image")), "Id");
    view->key = docker->run->key;
    view->base = docker->base;
    view->home = docker->home;
    return hl_container_live(view);
}

static const char *wanted_image(const struct reading *reading)
{
    return hl_value_get_text(reading->object->desired, "image");
}

/* Never for an untrusted spec: it would choose whom the engine calls. */
static bool asks_registry(const struct reader *reader, const struct reading *reading)
{
    const char *policy = hl_value_get_text(reading->object->desired, "pull_policy");
    const char *image = wanted_image(reading);

    return !reader->docker->run->preview && image != NULL && policy != NULL && strcmp(policy, "always") == 0 && strchr(image, '@') == NULL;
}

static bool needs_listing(const struct hl_value *inspection)
{
    return shares(inspection) ||
           is_stopped_in_network(hl_value_get_text(hl_value_get(inspection, "State"), "Status"), hl_value_get(inspection, "NetworkSettings"));
}

/* Fills `live` in the worker's own arena. */
/* Networks that it was put into besides those of the spec, which it may keep as long as it lives: a new one would not be in them. */
static const char *joined_by_hand(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *live)
{
    const struct hl_value *wanted = hl_value_get(desired, "networks");
    const struct hl_value *networks = hl_value_get(live, "networks");
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);

    if (desired == NULL || hl_value_is(wanted, HL_UNKNOWN))
        return NULL;
    for (size_t i = 0; i < hl_value_members(networks); i++) {
        if (hl_value_get(wanted, hl_value_key(networks, i)) == NULL)
            hl_text_printf(&names, "%s'%s'", names.length > 0 ? ", " : "", hl_value_key(networks, i));
    }
    if (names.length == 0)
        return NULL;
    return hl_arena_printf(arena, "joined to %s outside hlrec: a replacement is not, unless the spec says so", hl_text_get(&names));
}

static void tell(struct reader *reader, const struct reading *reading, struct hl_arena *arena, const struct hl_value *inspection, struct hl_live *live)
{
    const struct hl_object *object = reading->object;
    const struct listing *listing = needs_listing(inspection) ? await_listing(reader) : NULL;
    hl_auto(error) struct hl_error *trouble = NULL;
    const char *digest = NULL;
    struct hl_container_view view = {
        .desired = object->desired,
        .recorded = object->recorded != NULL ? object->recorded->desired : NULL,
        .resource = object->name,
        .names = listing != NULL ? &listing->names : NULL,
        .networks = listing != NULL ? listing->networks : NULL,
    };

    live->note = hl_container_note(arena, inspection);
    if (asks_registry(reader, reading) && !hl_image_registry_digest(reader->docker, arena, wanted_image(reading), &digest, &trouble)) {
        hl_auto(heap) char *text = hl_error_text(trouble);
        if (live->note == NULL)
            live->note = hl_arena_printf(arena, "whether the registry has a newer image is not known: %s", text);
    }
    view.image_state = judge_image(reader->docker, arena, inspection, object->desired, digest, &live->reason);
    live->values = view_values(reader->docker, arena, inspection, &view);
    if (live->note == NULL)
        live->note = joined_by_hand(arena, object->desired, live->values);
}

/* Hands the result over: only here the object's arena is touched. */
static void keep(struct reader *reader, struct hl_object *object, const struct hl_value *inspection, const struct hl_live *live, const struct hl_error *error)
{
    struct hl_live *kept = &object->live;

    pthread_mutex_lock(&reader->lock);
    kept->presence = error != NULL ? HL_LIVE_UNREADABLE : HL_LIVE_PRESENT;
    kept->error = hl_docker_keep_error(object->arena, error);
    if (inspection != NULL) {
        hl_object_keep(object, hl_container_id(inspection), live->values);
        kept->reason = live->reason;
        kept->note = hl_arena_strdup(object->arena, live->note);
        hl_mark_judge(object, reader->docker->run, hl_value_get(hl_value_get(inspection, "Config"), "Labels"), kept->id);
    }
    pthread_mutex_unlock(&reader->lock);
}

/* An inspection is many times larger than what is made from it, so it does not outlive this. */
static void read_one(struct reader *reader, struct reading *reading)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *inspection = NULL;
    struct hl_live live = {0};

    if (reading->done || reading->id == NULL || is_in_vain(reader))
        return;
    if (!hl_container_inspect(reader->docker, arena, reading->id, &inspection, &error))
        inspection = NULL;
    else if (inspection == NULL)
        return; /* it is gone */
    if (inspection != NULL)
        tell(reader, reading, arena, inspection, &live);
    keep(reader, reading->object, inspection, &live, error);
    reading->done = true;
}

static void read_next(void *context, size_t index)
{
    struct reader *reader = context;

    if (index < reader->images_count)
        (void)image_or_null(reader->docker, reader->images[index]);
    else
        read_one(reader, &reader->readings[index - reader->images_count]);
}

static void list_or_read_next(void *context, size_t index)
{
    if (index == 0)
        read_listing(context);
    else
        read_next(context, index - 1);
}

/* --- What goes in which round --- */

/* The images go in front of the containers, which wait one by one for those that they are made from. */
static void add_image(struct reader *reader, struct hl_map *seen, const char *image)
{
    if (hl_is_blank(image) || hl_map_has(seen, image))
        return;
    hl_map_put(seen, image, reader);
    reader->images[reader->images_count++] = image;
}

/* Who is recorded has an id. */
static void prepare_recorded(struct reader *reader)
{
    struct hl_map seen;

    hl_map_init(&seen, reader->listing.arena);
    for (size_t i = 0; i < reader->count; i++) {
        struct reading *reading = &reader->readings[i];
        if (reading->object->recorded == NULL || !hl_docker_is_id(reading->object->id))
            continue;
        reading->id = reading->object->id;
        add_image(reader, &seen, wanted_image(reading));
    }
}

/* The others are looked for in the list. */
static void prepare_listed(struct reader *reader)
{
    struct hl_map seen;

    hl_map_init(&seen, reader->listing.arena);
    reader->images_count = 0;
    for (size_t i = 0; i < reader->count; i++) {
        struct reading *reading = &reader->readings[i];
        const struct row *row = reading->done ? NULL : find_row(&reader->listing, reading->object);
        reading->id = row != NULL ? row->id : NULL;
        if (row == NULL)
            continue;
        add_image(reader, &seen, row->image);
        add_image(reader, &seen, wanted_image(reading));
    }
}

static void finish(struct reader *reader, struct reading *reading)
{
    struct hl_live *live = &reading->object->live;
    const struct listing *listing = &reader->listing;
    const char *leftover = hl_map_find(&listing->leftovers, reading->object->address);

    if (!reading->done)
        live->presence = HL_LIVE_ABSENT;
    else if (leftover != NULL && live->presence == HL_LIVE_PRESENT && live->note == NULL && hl_map_find(&listing->names, live->id) != leftover) /* of one row */
        live->note = hl_arena_printf(reading->object->arena, "a replacement left container '%s' behind", leftover);
}

static bool read_all(struct reader *reader, struct hl_error **err)
{
    prepare_recorded(reader);
    hl_parallel(1 + reader->images_count + reader->count, HL_DOCKER_PARALLEL, list_or_read_next, reader);
    if (reader->listing.state == LIST_FAILED) {
        *err = reader->listing.error;
        return false;
    }
    prepare_listed(reader);
    hl_parallel(reader->images_count + reader->count, HL_DOCKER_PARALLEL, read_next, reader);
    for (size_t i = 0; i < reader->count; i++)
        finish(reader, &reader->readings[i]);
    return true;
}

bool hl_container_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct reader reader = {.docker = hl_docker_of(session), .count = count, .listing.arena = arena};
    int minor = 0;

    if (!hl_docker_negotiate(reader.docker, &minor, err)) /* before many try, each in vain */
        return hl_wrap(err, "listing containers");
    reader.images = hl_arena_alloc(arena, (2 * count + 1) * sizeof *reader.images);
    reader.readings = hl_arena_alloc(arena, (count + 1) * sizeof *reader.readings);
    for (size_t i = 0; i < count; i++)
        reader.readings[i].object = objects[i];
    pthread_mutex_init(&reader.lock, NULL);
    pthread_cond_init(&reader.listed, NULL);
    const bool read = read_all(&reader, err);
    pthread_cond_destroy(&reader.listed);
    pthread_mutex_destroy(&reader.lock);
    return read;
}

/* --- What a verb gives back --- */

static bool values_of(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection, const char *resource, const struct hl_value *desired,
                      struct hl_value **out, struct hl_error **err)
{
    struct listing listing = {.arena = arena};
    struct hl_container_view view = {.desired = desired, .recorded = desired, .resource = resource, .image_state = "current"};

    if (shares(inspection)) {
        if (!read_list(docker, &listing, err))
            return false;
        view.names = &listing.names;
    }
    *out = view_values(docker, arena, inspection, &view);
    return true;
}

bool hl_container_values(struct hl_docker *docker, struct hl_arena *arena, const char *id, const char *resource, const struct hl_value *desired,
                         struct hl_value **out, struct hl_error **err)
{
    struct hl_value *inspection = NULL;

    *out = NULL;
    if (!hl_container_inspect(docker, arena, id, &inspection, err))
        return false;
    return inspection == NULL || values_of(docker, arena, inspection, resource, desired, out, err);
}

bool hl_container_set_result_by(struct hl_op *op, const struct hl_value *inspection, struct hl_error **err)
{
    if (!values_of(hl_docker_of(op->session), op->arena, inspection, op->name, op->desired, &op->result, err))
        return false;
    op->result_id = hl_container_id(inspection);
    return true;
}

bool hl_container_set_result(struct hl_op *op, const char *id, struct hl_error **err)
{
    struct hl_value *inspection = NULL;

    if (!hl_container_inspect(hl_docker_of(op->session), op->arena, id, &inspection, err))
        return false;
    if (inspection == NULL)
        return hl_fail(err, HL_E_NOT_FOUND, "the container was removed at once by somebody else");
    return hl_container_set_result_by(op, inspection, err);
}
