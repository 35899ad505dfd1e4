/* One resource in the document: finding it, as values of its table; and what an action makes of it. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_OBJECT_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_OBJECT_H

#include "reconcile/providers/traefik/document.h"

struct hl_traefik_object {
    enum hl_traefik_kind kind;
    const char *name;
    const struct hl_value *desired, *recorded; /* either may be NULL; they say where to look, and what form a router's service has */
    bool strict;                               /* put: parts that the table does not know go, and all that was added by hand to an object that has such */
};

/* The tree, and in *protocol where it was found: where the spec wants it, else where it was recorded, else wherever it is. NULL when it is not there. */
struct hl_value *hl_traefik_object_find(const struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place,
                                        const char **protocol);
/* The tree as live values. */
struct hl_value *hl_traefik_object_values(struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const struct hl_value *tree);
/* Makes the document hold what is desired, and leaves alone what neither desired nor recorded names. */
void hl_traefik_object_put(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place);
/* The path of what is strange in it, or NULL. */
const char *hl_traefik_object_find_strange(const struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place);
void hl_traefik_object_remove(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik_object *place);

#endif
