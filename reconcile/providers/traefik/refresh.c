/* Reading: refresh, recover and unmanaged. One file holds all, so each call reads it once. */
#include "config.h"

#include "reconcile/providers/traefik/api.h"
#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/folder.h"
#include "reconcile/providers/traefik/object.h"
#include "reconcile/providers/traefik/shape.h"

#include <string.h>
#include <strings.h>

struct reading {
    struct hl_traefik *traefik;
    const struct hl_run *run;
    struct hl_document document;
    struct hl_traefik_folder folder;
    const struct hl_value *raw; /* the API's words about routers, or NULL */
    const char *not_loaded;     /* said of each router when Traefik has another content, or NULL */
    bool asked;                 /* the API */
    struct hl_arena *arena;     /* of what it says */
    struct hl_arena *scratch;   /* of one object */
};

static const struct hl_value *recorded_of(const struct hl_object *object)
{
    return object->recorded != NULL && hl_value_is(object->recorded->desired, HL_MAP) ? object->recorded->desired : NULL;
}

/* What apply must know of the whole spec: names that would collide, and what a broken file held. */
static void remember(struct hl_traefik *traefik, const struct hl_object *object)
{
    const char *kind = object->kind->name;
    const char *protocol = object->desired == NULL ? NULL : hl_traefik_protocol(object->desired);
    const struct hl_value *recorded = recorded_of(object);

    if (protocol != NULL)
        hl_map_put(traefik->wanted, hl_arena_printf(traefik->arena, "%s/%s/%s", kind, protocol, object->name), traefik);
    if (protocol != NULL && strcmp(kind, "router") == 0 && hl_traefik_has_own_service(object->desired))
        hl_map_put(traefik->wanted, hl_arena_printf(traefik->arena, "own service/%s/%s", protocol, object->name), traefik);
    if (recorded != NULL)
        hl_map_put(traefik->recorded, hl_arena_printf(traefik->arena, "%s/%s", kind, object->name), (void *)recorded);
}

/* One call for all; a silent API only costs the notes. */
static void ask_api(struct reading *reading)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *raw = NULL;

    if (reading->asked)
        return;
    reading->asked = true;
    if (reading->traefik->http == NULL || reading->document.marker == NULL ||
        !hl_traefik_api_get(reading->traefik, reading->arena, "/api/rawdata", &raw, &error))
        return;
    const char *marker = hl_arena_printf(reading->arena, "%s@file", reading->document.marker);

    reading->raw = raw;
    if (raw != NULL && hl_value_get(hl_value_get(raw, "middlewares"), marker) == NULL)
        reading->not_loaded = hl_arena_printf(reading->arena, "Traefik has not loaded '%s' as it is now", reading->traefik->path);
}

static void note_status(const struct reading *reading, struct hl_object *object, const char *protocol)
{
    struct hl_traefik_api_status status;

    if (reading->not_loaded != NULL)
        object->live.note = hl_arena_strdup(object->arena, reading->not_loaded);
    if (reading->raw == NULL || reading->not_loaded != NULL)
        return;
    hl_traefik_api_find(reading->raw, object->arena, hl_traefik_kind_of(object->kind), protocol, object->name, &status);
    if (status.words != NULL)
        object->live.note = hl_arena_printf(object->arena, "Traefik %s: %s", hl_traefik_api_is_disabled(&status) ? "has it disabled" : "warns", status.words);
}

/* Whether Traefik tells of the part that we do not know: then it is only newer than hlrec. */
static bool is_known_to_traefik(const struct reading *reading, const struct hl_object *object, const char *protocol, const char *strange)
{
    const size_t length = strcspn(strange, ".");
    struct hl_traefik_api_status status;

    hl_traefik_api_find(reading->raw, object->arena, hl_traefik_kind_of(object->kind), protocol, object->name, &status);
    for (size_t i = 0; i < hl_value_members(status.object); i++) {
        if (strncasecmp(hl_value_key(status.object, i), strange, length) == 0 && hl_value_key(status.object, i)[length] == '\0')
            return true;
    }
    return false;
}

/* Something strange was added by hand: with it Traefik may refuse the file now and for ever, so the object is to be written anew. */
static void check_strange(struct reading *reading, struct hl_object *object, const char *protocol, const struct hl_value *tree)
{
    const char *strange = hl_tree_find_strange(reading->scratch, object->kind->fields, tree);

    if (strange == NULL || object->recorded == NULL)
        return;
    ask_api(reading);
    if (reading->raw == NULL || is_known_to_traefik(reading, object, protocol, strange))
        return;
    object->live.values = hl_value_map(object->arena);
    object->live.note =
        hl_arena_printf(object->arena, "'%s' was added by hand, and neither hlrec nor Traefik knows it: the file is not loaded as it is now", strange);
}

static void fill_present(struct reading *reading, struct hl_object *object, const char *protocol, const struct hl_value *tree)
{
    const enum hl_traefik_kind kind = hl_traefik_kind_of(object->kind);
    const struct hl_traefik_folder_file *other = hl_traefik_folder_find(&reading->folder, protocol, hl_traefik_section(kind), object->name);

    object->live.presence = HL_LIVE_PRESENT;
    hl_object_keep(object, hl_arena_printf(reading->scratch, "%s@file", object->name), hl_traefik_object_values(reading->scratch, kind, protocol, tree));
    object->live.owner = reading->document.owner;
    object->live.owner_text = reading->document.owner == HL_OWNER_NONE
                                  ? hl_arena_printf(object->arena, "it is in '%s', which has no head of hlrec", reading->traefik->path)
                                  : hl_arena_strdup(object->arena, reading->document.owner_text);
    note_status(reading, object, protocol);
    check_strange(reading, object, protocol, tree);
    if (other != NULL)
        object->live.note = hl_arena_printf(object->arena, "'%s' in the same folder has a %s of this name too: Traefik takes only one of them", other->name,
                                            object->kind->name);
}

/* Another file of the folder has the name: for Traefik it would be the same object. */
static bool fill_from_other(const struct reading *reading, struct hl_object *object)
{
    const enum hl_traefik_kind kind = hl_traefik_kind_of(object->kind);
    const char *protocol = object->desired == NULL ? "http" : hl_traefik_protocol(object->desired);
    const struct hl_traefik_folder_file *other =
        protocol == NULL ? NULL : hl_traefik_folder_find(&reading->folder, protocol, hl_traefik_section(kind), object->name);

    if (other == NULL || object->recorded != NULL)
        return false;
    object->live.presence = HL_LIVE_PRESENT;
    object->live.id = hl_arena_printf(object->arena, "%s@file", object->name);
    object->live.values = hl_value_map(object->arena);
    object->live.owner = HL_OWNER_OTHER;
    object->live.owner_text = other->document.owner_text != NULL ? hl_arena_printf(object->arena, "%s, in '%s'", other->document.owner_text, other->name)
                                                                 : hl_arena_printf(object->arena, "the file '%s' in the same folder", other->name);
    return true;
}

/* Nothing can be compared; all that was recorded is to be written anew. */
static void fill_broken(const struct reading *reading, struct hl_object *object)
{
    if (object->recorded == NULL) {
        object->live.presence = HL_LIVE_ABSENT;
        return;
    }
    object->live.presence = HL_LIVE_PRESENT;
    object->live.id = hl_arena_printf(object->arena, "%s@file", object->name);
    object->live.values = hl_value_map(object->arena);
    object->live.owner = reading->document.owner;
    object->live.owner_text = hl_arena_strdup(object->arena, reading->document.owner_text);
    object->live.note = hl_arena_printf(object->arena, "'%s' cannot be read as YAML, so Traefik takes no change of any file in its folder: %s",
                                        reading->traefik->path, reading->document.problem);
}

static void fill(struct reading *reading, struct hl_object *object)
{
    const struct hl_traefik_object place = {
        .kind = hl_traefik_kind_of(object->kind), .name = object->name, .desired = object->desired, .recorded = recorded_of(object)};
    const char *protocol = NULL;
    hl_arena_reset(reading->scratch);
    const struct hl_value *tree = hl_traefik_object_find(&reading->document, reading->scratch, &place, &protocol);

    if (reading->document.state == HL_DOCUMENT_BROKEN)
        fill_broken(reading, object);
    else if (tree != NULL)
        fill_present(reading, object, protocol, tree);
    else if (!fill_from_other(reading, object))
        object->live.presence = HL_LIVE_ABSENT;
}

static bool read_all(struct reading *reading, struct hl_arena *arena, struct hl_session *session, struct hl_error **err)
{
    *reading = (struct reading){.traefik = session->data, .run = session->run, .arena = arena};
    return hl_traefik_check_folder(reading->traefik, err) && hl_document_load(&reading->document, arena, reading->traefik, reading->run, err) &&
           hl_traefik_folder_read(&reading->folder, arena, reading->traefik, reading->run, err);
}

static bool refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    struct hl_traefik *traefik = session->data;
    struct reading reading;

    pthread_mutex_lock(&traefik->lock);
    const bool ok = read_all(&reading, arena, session, err);

    reading.scratch = scratch;
    if (ok && count > 0 && hl_traefik_kind_of(objects[0]->kind) == HL_TRAEFIK_ROUTER)
        ask_api(&reading);
    for (size_t i = 0; ok && i < count; i++) {
        remember(traefik, objects[i]);
        fill(&reading, objects[i]);
    }
    pthread_mutex_unlock(&traefik->lock);
    return ok;
}

/* ---- recovery ---- */

/* The file is replaced in one step: it has the object as it was before the action, or as the action makes it. */
static void compare_intent(const struct reading *reading, struct hl_recovery *recovery)
{
    const struct hl_value *recorded = recovery->recorded != NULL ? recovery->recorded->desired : NULL;
    const struct hl_traefik_object place = {
        .kind = hl_traefik_kind_of(recovery->kind), .name = recovery->name, .desired = recovery->desired, .recorded = recorded};
    const char *protocol = NULL;
    const struct hl_value *tree = hl_traefik_object_find(&reading->document, recovery->arena, &place, &protocol);
    struct hl_document would_be;

    if (tree == NULL || reading->document.owner != HL_OWNER_US) {
        recovery->outcome = strcmp(recovery->action, "delete") == 0 ? HL_RECOVERED_GONE : HL_RECOVERED_NOTHING;
        return;
    }
    if (strcmp(recovery->action, "delete") == 0 || recovery->desired == NULL)
        return;
    hl_document_copy(&would_be, recovery->arena, &reading->document);
    hl_traefik_object_put(&would_be, recovery->arena, &place);
    const char *new_protocol = NULL;
    const struct hl_value *wanted = hl_traefik_object_find(&would_be, recovery->arena, &place, &new_protocol);

    if (strcmp(protocol, new_protocol) != 0 || !hl_value_equal(tree, wanted))
        return;
    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = hl_arena_printf(recovery->arena, "%s@file", recovery->name);
    recovery->result = hl_traefik_object_values(recovery->arena, place.kind, protocol, tree);
}

static bool recover(struct hl_recovery *recovery, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_traefik *traefik = recovery->session->data;
    struct reading reading;

    recovery->outcome = HL_RECOVERED_NOTHING;
    pthread_mutex_lock(&traefik->lock);
    const bool ok = read_all(&reading, arena, recovery->session, err);

    if (ok)
        compare_intent(&reading, recovery);
    pthread_mutex_unlock(&traefik->lock);
    return ok;
}

/* ---- unmanaged ---- */

static void list_file(const struct hl_traefik_folder_file *file, enum hl_traefik_kind kind, struct hl_arena *arena, struct hl_value *list)
{
    for (const char *const *protocol = hl_traefik_protocols; *protocol != NULL; protocol++) {
        const struct hl_value *objects = hl_document_section(&file->document, *protocol, hl_traefik_section(kind));

        for (size_t i = 0; i < hl_value_members(objects); i++) {
            struct hl_value *entry = hl_value_map(arena);

            hl_value_map_put_text(entry, "kind", hl_traefik_kind_info(kind)->name);
            hl_value_map_put_text(entry, "name", hl_value_key(objects, i));
            hl_value_map_put_text(entry, "id", hl_arena_printf(arena, "%s@file", hl_value_key(objects, i)));
            hl_value_map_put_text(entry, "owner", file->name);
            hl_value_list_add(arena, list, entry);
        }
    }
}

static bool list_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    struct hl_traefik *traefik = session->data;
    struct hl_traefik_folder folder = {0};

    pthread_mutex_lock(&traefik->lock);
    const bool ok = hl_traefik_check_folder(traefik, err) && hl_traefik_folder_read(&folder, scratch, traefik, session->run, err);

    for (size_t i = 0; ok && i < folder.count; i++) {
        if (folder.files[i].document.owner == HL_OWNER_NONE)
            list_file(&folder.files[i], hl_traefik_kind_of(kind), arena, list);
    }
    pthread_mutex_unlock(&traefik->lock);
    return ok;
}

const struct hl_verbs hl_traefik_verbs = {.refresh = refresh, .apply_batch = hl_traefik_apply_batch, .recover = recover, .unmanaged = list_unmanaged};
