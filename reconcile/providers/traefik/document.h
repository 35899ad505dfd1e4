/* The stack's file: its text, its head and the objects in it.
 *
 *     # Written by hlrec ...
 *     # hlrec: 1 stack=bifrost state=0b1f...
 *     # services of routers: http/netbird-grpc
 *     http:
 *       routers: ...
 *
 * The third line names the services that routers brought along (`service: {url: ...}`): they belong to the router, and a service of the spec with the
 * same name is another object. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_DOCUMENT_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_DOCUMENT_H

#include "reconcile/providers/traefik/traefik.h"

enum hl_document_state {
    HL_DOCUMENT_ABSENT,
    HL_DOCUMENT_READ,
    HL_DOCUMENT_BROKEN, /* there, and not YAML of the form that Traefik takes; `problem` */
};

struct hl_document {
    struct hl_arena *arena;
    enum hl_document_state state;
    const char *text; /* as found; NULL when absent */
    size_t length;
    const char *problem;
    enum hl_owner owner;
    const char *owner_text;
    struct hl_value *root;  /* protocol -> section -> name -> object, without the marker; an empty map unless READ */
    struct hl_map *inlined; /* "http/web": services that belong to the router of that name; "" when the head tells of them */
    const char *marker;     /* name of the marker middleware, or NULL */
};

/* Reads the stack's file. An absent or broken one is no failure. */
bool hl_document_load(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik *traefik, const struct hl_run *run,
                      struct hl_error **err) HL_MUST_CHECK;
/* The same from text; `arena` must outlive the document. */
void hl_document_parse(struct hl_document *document, struct hl_arena *arena, const char *text, size_t length, const char *stack, const char *state_id);
/* Another one with the same objects, to be changed. */
void hl_document_copy(struct hl_document *copy, struct hl_arena *arena, const struct hl_document *document);
/* The text to write; sets document->marker. The same objects give the same marker, unless `salt` (may be NULL) asks for another one. Without objects the
 * text is empty: the file is to be removed. */
void hl_document_format(struct hl_document *document, const char *stack, const char *state_id, const char *salt, struct hl_text *out);

/* An object in the spec's form (canonical tree of its table; a router's service as a mapping), or NULL. Services that belong to a router are no objects.
 * `named` tells for a router whose service has its own name whether the spec means a service (true) or its own (false); it matters only when the head does not
 * tell. */
struct hl_value *hl_document_find(const struct hl_document *document, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const char *name,
                                  bool named);
/* Puts an object in the spec's form, instead of a former one. */
void hl_document_put(struct hl_document *document, enum hl_traefik_kind kind, const char *protocol, const char *name, const struct hl_value *tree);
/* Removes it with what belongs to it; nothing happens when it is not there. */
void hl_document_remove(struct hl_document *document, enum hl_traefik_kind kind, const char *protocol, const char *name);
/* The objects of a section as the file has them: name -> tree; NULL when there are none. */
struct hl_value *hl_document_section(const struct hl_document *document, const char *protocol, const char *section);
bool hl_document_is_empty(const struct hl_document *document);

#endif
