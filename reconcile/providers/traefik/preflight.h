/* What can be told of a change before it is written. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_PREFLIGHT_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_PREFLIGHT_H

#include "reconcile/providers/traefik/api.h"
#include "reconcile/providers/traefik/document.h"
#include "reconcile/providers/traefik/folder.h"

/* Calls `visit` for each name of another object in `tree` (canonical, of the kind), with the kind that is meant. Names of other providers are left out. */
void hl_references_visit(struct hl_arena *arena, enum hl_traefik_kind kind, const struct hl_value *tree,
                         void (*visit)(void *context, enum hl_traefik_kind kind, const char *name), void *context);
/* The name of an object of `protocol` in the document that refers to (kind, name), as "router 'web'"; NULL when there is none. */
const char *hl_references_find_user(const struct hl_document *document, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol,
                                    const char *name);
/* The first part of `tree` that this version of Traefik does not know yet, as "'tls.x' needs Traefik 3.6"; NULL when it knows all. An unknown field makes
 * Traefik refuse the files of the whole folder. */
const char *hl_version_problem(struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const struct hl_value *tree,
                               const struct hl_traefik_version *version);

#endif
