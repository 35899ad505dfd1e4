/* The objects of a document; its text is in document_text.c. */
#include "config.h"

#include "reconcile/providers/traefik/document.h"

#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/shape.h"

#include <string.h>

struct hl_value *hl_document_section(const struct hl_document *document, const char *protocol, const char *section)
{
    struct hl_value *objects = hl_value_get(hl_value_get(document->root, protocol), section);

    return hl_value_is(objects, HL_MAP) ? objects : NULL;
}

static struct hl_value *make_section(struct hl_document *document, const char *protocol, const char *section)
{
    struct hl_value *part = hl_value_get(document->root, protocol);

    if (!hl_value_is(part, HL_MAP)) {
        part = hl_value_map(document->arena);
        hl_value_map_put(document->root, protocol, part);
    }
    struct hl_value *objects = hl_value_get(part, section);

    if (!hl_value_is(objects, HL_MAP)) {
        objects = hl_value_map(document->arena);
        hl_value_map_put(part, section, objects);
    }
    return objects;
}

static const char *inline_key(struct hl_arena *arena, const char *protocol, const char *name)
{
    return hl_arena_printf(arena, "%s/%s", protocol, name);
}

static bool is_inlined(const struct hl_document *document, struct hl_arena *arena, const char *protocol, const char *name)
{
    return hl_map_has(document->inlined, inline_key(arena, protocol, name));
}

/* {loadBalancer: {servers: [{url: X}], ...}} as {url: X, ...}. NULL when it is something else. */
static struct hl_value *inline_form(struct hl_arena *arena, const struct hl_value *service)
{
    const struct hl_value *tree = hl_tree_canonical(arena, hl_kind_service.fields, service);
    const struct hl_value *balancer = hl_value_get(tree, "loadBalancer");
    struct hl_value *form = NULL;

    if (!hl_value_is(balancer, HL_MAP) || hl_value_count(tree) != 1)
        return NULL;
    form = hl_value_map(arena);
    for (size_t i = 0; i < hl_value_members(balancer); i++) {
        struct hl_value *value = hl_value_at(balancer, i);
        const struct hl_value *server = hl_value_item(value, 0);
        const char *key = hl_value_count(server) == 1 && hl_value_is(server, HL_MAP) ? hl_value_key(server, 0) : "";

        if (strcmp(hl_value_key(balancer, i), "servers") == 0 && hl_value_count(value) == 1 && (strcmp(key, "url") == 0 || strcmp(key, "address") == 0))
            hl_value_map_put(form, key, hl_value_at(server, 0));
        else
            hl_value_map_put(form, hl_value_key(balancer, i), value);
    }
    return form;
}

/* The other way round. */
static struct hl_value *balancer_form(struct hl_arena *arena, const struct hl_value *form)
{
    struct hl_value *service = hl_value_map(arena);
    struct hl_value *balancer = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(form); i++) {
        const char *key = hl_value_key(form, i);

        if (strcmp(key, "url") == 0 || strcmp(key, "address") == 0) {
            struct hl_value *server = hl_value_map(arena);
            struct hl_value *servers = hl_value_list(arena);

            hl_value_map_put(server, key, hl_value_at(form, i));
            hl_value_list_add(arena, servers, server);
            hl_value_map_put(balancer, "servers", servers);
        } else {
            hl_value_map_put(balancer, key, hl_value_at(form, i));
        }
    }
    hl_value_map_put(service, "loadBalancer", balancer);
    return service;
}

/* The router with its service as the spec writes it: {name: X} or the server itself. */
static void put_service(const struct hl_document *document, struct hl_arena *arena, const char *protocol, const char *name, bool named, struct hl_value *router)
{
    const char *service = hl_value_to_text(arena, hl_value_get(router, "service"));
    struct hl_value *form = NULL;

    if (service == NULL || hl_value_is_null(hl_value_get(router, "service")))
        return;
    const struct hl_value *own = hl_value_get(hl_document_section(document, protocol, "services"), name);

    if (strcmp(service, name) == 0 && own != NULL && (is_inlined(document, arena, protocol, name) || (!named && !hl_map_has(document->inlined, ""))))
        form = inline_form(arena, own);
    if (form == NULL) {
        form = hl_value_map(arena);
        hl_value_map_put(form, "name", hl_traefik_own_name(arena, hl_value_text(arena, service)));
    }
    hl_value_map_put(router, "service", form);
}

struct hl_value *hl_document_find(const struct hl_document *document, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const char *name,
                                  bool named)
{
    const struct hl_value *object = hl_value_get(hl_document_section(document, protocol, hl_traefik_section(kind)), name);

    if (object == NULL || (kind == HL_TRAEFIK_SERVICE && is_inlined(document, arena, protocol, name)))
        return NULL;
    struct hl_value *tree = hl_tree_canonical(arena, hl_traefik_kind_info(kind)->fields, object);

    if (kind == HL_TRAEFIK_ROUTER && hl_value_is(tree, HL_MAP))
        put_service(document, arena, protocol, name, named, tree);
    return tree;
}

static void remove_entry(struct hl_document *document, const char *protocol, const char *section, const char *name)
{
    struct hl_value *objects = hl_document_section(document, protocol, section);

    if (objects != NULL)
        hl_map_remove(objects->map, name);
}

static void remove_inlined(struct hl_document *document, const char *protocol, const char *name)
{
    if (hl_map_remove(document->inlined, inline_key(document->arena, protocol, name)))
        remove_entry(document, protocol, "services", name);
}

void hl_document_put(struct hl_document *document, enum hl_traefik_kind kind, const char *protocol, const char *name, const struct hl_value *tree)
{
    struct hl_value *copy = hl_value_copy(document->arena, tree);
    const struct hl_value *service = kind == HL_TRAEFIK_ROUTER ? hl_value_get(copy, "service") : NULL;

    if (kind == HL_TRAEFIK_SERVICE)
        hl_map_remove(document->inlined, inline_key(document->arena, protocol, name));
    if (kind == HL_TRAEFIK_ROUTER)
        remove_inlined(document, protocol, name);
    if (hl_value_is(service, HL_MAP)) {
        struct hl_value *other = hl_value_get(service, "name");

        if (other == NULL) {
            hl_value_map_put(make_section(document, protocol, "services"), name, balancer_form(document->arena, service));
            hl_map_put(document->inlined, inline_key(document->arena, protocol, name), document);
            other = hl_value_text(document->arena, name);
        }
        hl_value_map_put(copy, "service", other);
    }
    hl_value_map_put(make_section(document, protocol, hl_traefik_section(kind)), name, copy);
}

void hl_document_remove(struct hl_document *document, enum hl_traefik_kind kind, const char *protocol, const char *name)
{
    if (kind == HL_TRAEFIK_SERVICE && is_inlined(document, document->arena, protocol, name))
        return;
    if (kind == HL_TRAEFIK_ROUTER)
        remove_inlined(document, protocol, name);
    remove_entry(document, protocol, hl_traefik_section(kind), name);
}

bool hl_document_is_empty(const struct hl_document *document)
{
    for (size_t i = 0; i < hl_value_count(document->root); i++) {
        const struct hl_value *part = hl_value_at(document->root, i);

        if (!hl_value_is(part, HL_MAP) && !hl_value_is_null(part))
            return false;
        for (size_t j = 0; j < hl_value_count(part); j++) {
            if (hl_value_count(hl_value_at(part, j)) > 0)
                return false;
        }
    }
    return true;
}

void hl_document_copy(struct hl_document *copy, struct hl_arena *arena, const struct hl_document *document)
{
    *copy = *document;
    copy->arena = arena;
    copy->root = hl_value_copy(arena, document->root);
    copy->inlined = hl_map_new(arena);
    for (size_t i = 0; i < document->inlined->count; i++)
        hl_map_put(copy->inlined, document->inlined->entries[i].key, copy);
}
