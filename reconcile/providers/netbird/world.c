/* What was read in this run, a list a kind. Each has a lock of its own, held during its call: who comes second waits for the answer instead of asking too. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRESH_MS = 1000 };

/* One object. What was handed out stays, so an entry is never freed: a newer version is another `object`, a vanished one has none. */
struct entry {
    const struct hl_value *object; /* NULL: gone */
    const char *name;
    struct entry *next; /* of the same name, or of what had it once */
    size_t reading;     /* in which it was last seen */
};

struct list {
    pthread_mutex_t lock;
    struct hl_arena *arena;
    struct hl_map by_id;   /* -> struct entry * */
    struct hl_map by_name; /* -> struct entry *, the first of a chain */
    size_t readings;
    bool known; /* as it is on the server, as far as we know */
    int64_t read_ms;
};

struct hl_netbird_world {
    struct list lists[HL_NETBIRD_LISTS];
};

static const struct {
    const char *path, *name;
} facts[HL_NETBIRD_LISTS] = {
    [HL_NETBIRD_GROUPS] = {"/api/groups", "name"},
    [HL_NETBIRD_SETUP_KEYS] = {"/api/setup-keys", "name"},
    [HL_NETBIRD_ROUTES] = {"/api/routes", "network_id"},
    [HL_NETBIRD_PEERS] = {"/api/peers", "name"},
    [HL_NETBIRD_USERS] = {"/api/users", "name"},
    [HL_NETBIRD_POLICIES] = {"/api/policies", "name"},
    [HL_NETBIRD_NAMESERVERS] = {"/api/dns/nameservers", "name"},
    [HL_NETBIRD_POSTURE_CHECKS] = {"/api/posture-checks", "name"},
    [HL_NETBIRD_NETWORKS] = {"/api/networks", "name"},
    [HL_NETBIRD_NETWORK_RESOURCES] = {"/api/networks/resources", "name"},
    [HL_NETBIRD_NETWORK_ROUTERS] = {"/api/networks/routers", NULL},
    [HL_NETBIRD_IDENTITY_PROVIDERS] = {"/api/identity-providers", "name"},
    [HL_NETBIRD_PROXY_TOKENS] = {"/api/reverse-proxies/proxy-tokens", "name"},
};

const char *hl_netbird_list_path(enum hl_netbird_list list)
{
    return facts[list].path;
}

const char *hl_netbird_list_name(enum hl_netbird_list list)
{
    return facts[list].name;
}

const char *hl_netbird_name_of(enum hl_netbird_list list, const struct hl_value *object)
{
    const char *name = facts[list].name != NULL ? hl_value_get_text(object, facts[list].name) : NULL;

    if (list == HL_NETBIRD_USERS && hl_is_blank(name))
        name = hl_value_get_text(object, "email");
    return hl_is_blank(name) ? NULL : name;
}

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct hl_netbird_world *hl_netbird_world_new(void)
{
    struct hl_netbird_world *world = hl_alloc(sizeof *world);

    for (size_t i = 0; i < HL_NETBIRD_LISTS; i++) {
        struct list *list = &world->lists[i];
        pthread_mutex_init(&list->lock, NULL);
        list->arena = hl_arena_new();
        hl_map_init(&list->by_id, list->arena);
        hl_map_init(&list->by_name, list->arena);
    }
    return world;
}

void hl_netbird_world_free(struct hl_netbird_world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < HL_NETBIRD_LISTS; i++) {
        hl_arena_free(world->lists[i].arena);
        pthread_mutex_destroy(&world->lists[i].lock);
    }
    free(world);
}

/* ---- reading ---- */

static bool is_named(const struct entry *entry, const char *name)
{
    return name == NULL ? entry->name == NULL : entry->name != NULL && strcmp(entry->name, name) == 0;
}

/* `object` is in the list's arena. */
static void put_entry(struct list *list, enum hl_netbird_list which, const char *id, const struct hl_value *object)
{
    struct entry *entry = hl_map_find(&list->by_id, id);
    const char *name = hl_netbird_name_of(which, object);

    if (entry == NULL || !is_named(entry, name)) {
        if (entry != NULL)
            entry->object = NULL; /* stays in the chain of its former name */
        entry = hl_arena_alloc(list->arena, sizeof *entry);
        entry->name = name;
        hl_map_put(&list->by_id, id, entry);
        if (name != NULL) {
            entry->next = hl_map_find(&list->by_name, name);
            hl_map_put(&list->by_name, name, entry);
        }
    }
    entry->object = object;
    entry->reading = list->readings;
}

/* Read again and again (`apply --wait`), a list must not grow by what has not changed. */
static void take_object(struct list *list, enum hl_netbird_list which, struct hl_value *object, bool in_arena)
{
    const char *id = hl_value_get_text(object, "id");
    struct entry *known = id != NULL ? hl_map_find(&list->by_id, id) : NULL;

    if (hl_is_blank(id))
        return;
    if (known != NULL && known->object != NULL && hl_value_equal(known->object, object)) {
        known->reading = list->readings;
        return;
    }
    put_entry(list, which, id, in_arena ? object : hl_value_copy(list->arena, object));
}

static void drop_unseen(struct list *list)
{
    for (size_t i = 0; i < list->by_id.count; i++) {
        struct entry *entry = list->by_id.entries[i].value;
        if (entry->reading != list->readings)
            entry->object = NULL;
    }
}

/* The parts of all networks come in one list that does not say whose they are; the networks do. Gives a map from a part's id to its network's. */
static bool owners_of_parts(struct hl_session *session, enum hl_netbird_list which, struct hl_arena *arena, struct hl_map *owners, struct hl_error **err)
{
    const char *member = which == HL_NETBIRD_NETWORK_RESOURCES ? "resources" : "routers";
    const struct hl_value **networks = NULL;
    size_t count = 0;

    hl_map_init(owners, arena);
    hl_netbird_renew(session, HL_NETBIRD_NETWORKS); /* as new as the parts */
    if (!hl_netbird_all(session, HL_NETBIRD_NETWORKS, arena, &networks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct hl_value *parts = hl_value_get(networks[i], member);
        for (size_t j = 0; j < hl_value_count(parts); j++) {
            const struct hl_value *id = hl_value_item(parts, j);
            if (hl_value_is(id, HL_TEXT))
                hl_map_put(owners, id->text.data, (void *)hl_value_get_text(networks[i], "id"));
        }
    }
    return true;
}

static bool is_part(enum hl_netbird_list which)
{
    return which == HL_NETBIRD_NETWORK_RESOURCES || which == HL_NETBIRD_NETWORK_ROUTERS;
}

static void put_owner(struct hl_arena *arena, struct hl_value *object, const struct hl_map *owners)
{
    const char *id = hl_value_get_text(object, "id");
    const char *owner = id != NULL ? hl_map_find(owners, id) : NULL;

    if (owner != NULL)
        hl_value_map_put(object, "network_id", hl_value_text(arena, owner));
}

/* The first reading decodes where the objects stay; a later one elsewhere, since little of it will. */
static bool read_list(struct hl_session *session, struct list *list, enum hl_netbird_list which, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const bool first = list->readings == 0;
    struct hl_arena *arena = first ? list->arena : scratch;
    struct hl_value *answer = NULL;
    struct hl_map owners;

    if (!hl_netbird_call(session, arena, "GET", facts[which].path, NULL, &answer, err))
        return hl_wrap(err, "reading %s", facts[which].path);
    if (!hl_value_is_null(answer) && answer->type != HL_LIST) {
        hl_fail(err, HL_E_UNREACHABLE, "reading %s: the answer is no list", facts[which].path);
        return hl_error_hint(err, "what answers is not NetBird's management API: check the provider's `url`");
    }
    if (is_part(which) && !owners_of_parts(session, which, scratch, &owners, err))
        return false;
    list->readings++;
    for (size_t i = 0; i < hl_value_count(answer); i++) {
        struct hl_value *object = hl_value_item(answer, i);
        if (is_part(which) && hl_value_is(object, HL_MAP))
            put_owner(arena, object, &owners);
        take_object(list, which, object, first);
    }
    drop_unseen(list);
    list->read_ms = clock_ms();
    list->known = true;
    return true;
}

/* Locks; on success the caller unlocks. */
static bool lock_known(struct hl_session *session, enum hl_netbird_list which, struct list **out, struct hl_error **err)
{
    struct list *list = &hl_netbird_of(session)->world->lists[which];

    pthread_mutex_lock(&list->lock);
    if (!list->known && !read_list(session, list, which, err)) {
        pthread_mutex_unlock(&list->lock);
        return false;
    }
    *out = list;
    return true;
}

/* ---- asking ---- */

bool hl_netbird_find(struct hl_session *session, enum hl_netbird_list which, const char *id, const struct hl_value **object, struct hl_error **err)
{
    struct list *list = NULL;

    *object = NULL;
    if (!lock_known(session, which, &list, err))
        return false;
    const struct entry *entry = hl_map_find(&list->by_id, id);
    if (entry != NULL)
        *object = entry->object;
    pthread_mutex_unlock(&list->lock);
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    const struct hl_value *const *left = a;
    const struct hl_value *const *right = b;

    return strcmp(hl_value_get_text(*left, "id"), hl_value_get_text(*right, "id"));
}

static void sort_objects(const struct hl_value **objects, size_t count)
{
    if (count > 1)
        qsort(objects, count, sizeof *objects, compare_ids);
}

bool hl_netbird_named(struct hl_session *session, enum hl_netbird_list which, const char *name, struct hl_arena *arena, const struct hl_value ***objects,
                      size_t *count, struct hl_error **err)
{
    struct list *list = NULL;
    size_t length = 0;

    *count = 0;
    if (!lock_known(session, which, &list, err))
        return false;
    const struct entry *first = hl_map_find(&list->by_name, name);
    for (const struct entry *entry = first; entry != NULL; entry = entry->next)
        length++;
    *objects = hl_arena_alloc(arena, (length + 1) * sizeof **objects);
    for (const struct entry *entry = first; entry != NULL; entry = entry->next) {
        if (entry->object != NULL)
            (*objects)[(*count)++] = entry->object;
    }
    pthread_mutex_unlock(&list->lock);
    sort_objects(*objects, *count);
    return true;
}

bool hl_netbird_all(struct hl_session *session, enum hl_netbird_list which, struct hl_arena *arena, const struct hl_value ***objects, size_t *count,
                    struct hl_error **err)
{
    struct list *list = NULL;

    *count = 0;
    if (!lock_known(session, which, &list, err))
        return false;
    *objects = hl_arena_alloc(arena, (list->by_id.count + 1) * sizeof **objects);
    for (size_t i = 0; i < list->by_id.count; i++) {
        const struct entry *entry = list->by_id.entries[i].value;
        if (entry->object != NULL)
            (*objects)[(*count)++] = entry->object;
    }
    pthread_mutex_unlock(&list->lock);
    sort_objects(*objects, *count);
    return true;
}

/* ---- learning ---- */

/* A list that was not read yet is left so: reading it will tell. */
void hl_netbird_learn(struct hl_session *session, enum hl_netbird_list which, const struct hl_value *object)
{
    struct list *list = &hl_netbird_of(session)->world->lists[which];
    const char *id = hl_value_get_text(object, "id");

    if (hl_is_blank(id))
        return;
    pthread_mutex_lock(&list->lock);
    if (list->known)
        put_entry(list, which, id, hl_value_copy(list->arena, object));
    pthread_mutex_unlock(&list->lock);
}

void hl_netbird_forget(struct hl_session *session, enum hl_netbird_list which, const char *id)
{
    struct list *list = &hl_netbird_of(session)->world->lists[which];

    pthread_mutex_lock(&list->lock);
    struct entry *entry = hl_map_find(&list->by_id, id);
    if (entry != NULL)
        entry->object = NULL;
    pthread_mutex_unlock(&list->lock);
}

void hl_netbird_stale(struct hl_session *session, enum hl_netbird_list which)
{
    struct list *list = &hl_netbird_of(session)->world->lists[which];

    pthread_mutex_lock(&list->lock);
    list->known = false;
    pthread_mutex_unlock(&list->lock);
}

void hl_netbird_renew(struct hl_session *session, enum hl_netbird_list which)
{
    struct list *list = &hl_netbird_of(session)->world->lists[which];

    pthread_mutex_lock(&list->lock);
    list->known = list->known && clock_ms() - list->read_ms < FRESH_MS;
    pthread_mutex_unlock(&list->lock);
}
