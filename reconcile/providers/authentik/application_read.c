/* Applications as they are: two lists for all of them, and three that turn primary keys into names. */
#include "config.h"

#include "reconcile/providers/authentik/application.h"
#include "schema/base/parallel.h"

#include <string.h>

/* A list hides what its caller may not launch, unless a superuser asks for all. */
#define APPLICATIONS "/core/applications/?superuser_full_list=true"
#define PROVIDERS "/providers/oauth2/"

/* The API's objects of one reading. */
struct world {
    struct hl_value *applications;
    struct hl_map by_pk, by_slug, by_mark; /* -> application */
    struct hl_map providers;               /* pk as text -> provider */
};

static const char *key_text(struct hl_arena *arena, const struct hl_value *pk)
{
    return hl_value_is(pk, HL_INT) || hl_value_is(pk, HL_TEXT) ? hl_value_to_text(arena, pk) : "";
}

static const struct hl_value *provider_of(const struct world *world, struct hl_arena *arena, const struct hl_value *application)
{
    return hl_map_find(&world->providers, key_text(arena, hl_value_get(application, "provider")));
}

static void add_application(struct world *world, struct hl_arena *arena, const struct hl_run *run, struct hl_value *application)
{
    const char *pk = hl_value_get_text(application, "pk");
    const char *slug = hl_value_get_text(application, "slug");
    const char *address = hl_authentik_marked_address(arena, run, hl_value_get_text(provider_of(world, arena, application), "name"));

    if (pk == NULL || hl_is_blank(slug))
        return;
    hl_map_put(&world->by_pk, pk, application);
    hl_map_put(&world->by_slug, slug, application);
    if (address != NULL)
        hl_map_put(&world->by_mark, address, application);
}

/* What is read side by side: the lists of names, then these two. */
enum { READ_APPLICATIONS = HL_AUTHENTIK_LISTS, READ_PROVIDERS, READS };

struct reading {
    struct hl_session *session;
    struct hl_arena *arenas[READS]; /* each its own: they are not thread-safe */
    struct hl_value *lists[READS];
    struct hl_error *errors[READS];
};

static void read_numbered(void *context, size_t number)
{
    struct reading *reading = context;
    struct hl_error **err = &reading->errors[number];
    const char *path = number == READ_APPLICATIONS ? APPLICATIONS : PROVIDERS;

    if (number < HL_AUTHENTIK_LISTS ? !hl_authentik_load(reading->session, (enum hl_authentik_list)number, err)
                                    : !hl_authentik_read_list(reading->session, reading->arenas[number], path, &reading->lists[number], err))
        (void)hl_wrap(err, "reading applications");
}

/* The first error of all. */
static bool read_lists(struct hl_session *session, struct hl_arena *arena, struct hl_value **applications, struct hl_value **providers, struct hl_error **err)
{
    struct reading reading = {.session = session};

    for (size_t i = 0; i < READS; i++)
        reading.arenas[i] = hl_arena_new();
    hl_parallel(READS, READS, read_numbered, &reading);
    for (size_t i = 0; i < READS; i++) {
        if (*err == NULL)
            *err = reading.errors[i];
        else
            hl_error_free(reading.errors[i]);
    }
    if (*err == NULL) {
        *applications = hl_value_copy(arena, reading.lists[READ_APPLICATIONS]);
        *providers = hl_value_copy(arena, reading.lists[READ_PROVIDERS]);
    }
    for (size_t i = 0; i < READS; i++)
        hl_arena_free(reading.arenas[i]);
    return *err == NULL;
}

static bool read_world(struct hl_session *session, struct hl_arena *arena, struct world *world, struct hl_error **err)
{
    struct hl_value *providers = NULL;

    if (!read_lists(session, arena, &world->applications, &providers, err))
        return false;
    hl_map_init(&world->by_pk, arena);
    hl_map_init(&world->by_slug, arena);
    hl_map_init(&world->by_mark, arena);
    hl_map_init(&world->providers, arena);
    for (size_t i = 0; i < hl_value_count(providers); i++)
        hl_map_put(&world->providers, key_text(arena, hl_value_get(hl_value_item(providers, i), "pk")), hl_value_item(providers, i));
    for (size_t i = 0; i < hl_value_count(world->applications); i++)
        add_application(world, arena, session->run, hl_value_item(world->applications, i));
    return true;
}

static const struct hl_value *spec_of(const struct hl_object *object)
{
    return object->desired != NULL || object->recorded == NULL ? object->desired : object->recorded->desired;
}

static const struct hl_value *find_application(const struct world *world, const struct hl_object *object)
{
    const char *slug = hl_value_get_text(spec_of(object), "slug");
    const struct hl_value *found = hl_map_find(&world->by_pk, object->id);

    if (found == NULL)
        found = hl_map_find(&world->by_slug, object->id);
    if (found == NULL)
        found = hl_map_find(&world->by_mark, object->address);
    return found != NULL || slug == NULL ? found : hl_map_find(&world->by_slug, slug);
}

/* An application that signs in by SAML, LDAP or a proxy is none of ours to change. */
static void refuse_other(struct hl_session *session, struct hl_object *object, const struct hl_value *application)
{
    const char *sort = hl_value_get_text(hl_value_get(application, "provider_obj"), "verbose_name");
    struct hl_error *error = NULL;

    (void)hl_fail(&error, HL_E_CONFLICT, "application '%s' has a provider that is no OAuth2 provider%s%s", hl_value_get_text(application, "slug"),
                  sort != NULL ? ": " : "", sort != NULL ? sort : "");
    (void)hl_error_hint(&error, "take another `slug`, or remove that provider in authentik; if it is one, the user of the token may not see it");
    object->live.presence = HL_LIVE_UNREADABLE;
    object->live.error = hl_authentik_keep_error(hl_authentik_of(session), error);
}

static void read_object(struct hl_session *session, struct hl_arena *arena, const struct world *world, struct hl_object *object)
{
    const struct hl_value *application = find_application(world, object);
    const struct hl_value *provider = provider_of(world, arena, application);

    object->live.presence = application != NULL ? HL_LIVE_PRESENT : HL_LIVE_ABSENT;
    if (application == NULL)
        return;
    if (provider == NULL && !hl_value_is_null(hl_value_get(application, "provider"))) {
        refuse_other(session, object, application);
        return;
    }
    object->live.id = hl_arena_strdup(object->arena, hl_value_get_text(application, "pk"));
    object->live.values = hl_authentik_application_live(session, object->arena, application, provider, spec_of(object));
    hl_authentik_judge(object, session->run, hl_value_get_text(provider, "name"), object->live.id);
}

bool hl_authentik_application_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct world world = {0};

    if (!read_world(session, arena, &world, err))
        return false;
    for (size_t i = 0; i < count; i++)
        read_object(session, arena, &world, objects[i]);
    return true;
}

bool hl_authentik_application_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list,
                                        struct hl_error **err)
{
    struct world world = {0};

    if (!read_world(session, arena, &world, err))
        return false;
    for (size_t i = 0; i < hl_value_count(world.applications); i++) {
        const struct hl_value *application = hl_value_item(world.applications, i);
        const struct hl_value *provider = provider_of(&world, arena, application);
        const char *slug = hl_value_get_text(application, "slug");
        struct hl_value *found = hl_value_map(arena);
        if (slug == NULL || provider == NULL || hl_authentik_has_mark(hl_value_get_text(provider, "name")))
            continue;
        hl_value_map_put_text(found, "kind", kind->name);
        hl_value_map_put_text(found, "name", hl_authentik_block_name(arena, slug));
        hl_value_map_put_text(found, "id", slug);
        hl_value_map_put(found, "values", hl_authentik_application_live(session, arena, application, provider, NULL));
        hl_value_list_add(arena, list, found);
    }
    return true;
}
