/* Inside of the loader: the files that together make hl_spec_load() (spec.c, variables.c, providers.c, resources.c, extras.c, graph.c) and the scopes
 * that references look into (scope.c). Others use schema/schema.h. */
#ifndef HL_SCHEMA_LOAD_H
#define HL_SCHEMA_LOAD_H

#include "schema/decoding.h"
#include "schema/schema.h"
#include "schema/sections.h"

/* Where a dependency of the body at hand is in `found`, so that each resource is listed once. */
struct hl_mark {
    uint32_t stamp; /* of the body that mentioned it last */
    uint32_t number;
};

/* The instance that resources of a kind get when they name none. */
struct hl_default {
    const struct hl_kind *kind;
    struct hl_provider_spec *provider; /* NULL: none, and that was reported */
};

struct hl_loader {
    struct hl_spec *spec;
    const struct hl_spec_source *source;
    struct hl_diags *diags;
    const struct hl_node *root;
    struct hl_map unusable;      /* variables whose default needs what the environment lacks: name -> the environment's name */
    struct hl_default *defaults; /* one per kind */
    size_t defaults_count;
    struct hl_mark *marks; /* by the resource's number, which is in `rank` until the graph is sorted */
    uint32_t stamp;
    struct hl_dependency *found; /* dependencies of the body at hand */
    size_t found_count, found_capacity;
    const struct hl_kind *referring_kind;  /* the kind that `referring` is of */
    const struct hl_field *referring[128]; /* its fields that name other resources */
    size_t referring_count;
    bool using;                       /* `referring_kind` has fields with `uses` */
    bool refers;                      /* the body at hand asks for other resources' values */
    struct hl_undeclared *undeclared; /* the last first */
};

/* A name that a body gives to what holds data and has no block. */
struct hl_undeclared {
    const char *kind, *name;
    struct hl_span at;
    struct hl_undeclared *next;
};

/* What a scope may look at. */
enum hl_reach {
    HL_REACH_ENVIRONMENT, /* defaults of variables */
    HL_REACH_VARIABLES,   /* what has to be known before anything is applied */
    HL_REACH_ALL,
};

struct hl_reaching {
    const struct hl_spec *spec;
    enum hl_reach reach;
    const struct hl_outputs *outputs; /* NULL: no resource has values yet */
    struct hl_loader *loader;         /* gets the dependencies; NULL when the spec is loaded */
    const char *subject;              /* what cannot look further: "a variable's default" */
    const char *missing;              /* HL_REACH_ENVIRONMENT: the name that the environment lacks */
};

/* The scope borrows `reaching`. */
struct hl_scope hl_scope_of(struct hl_reaching *reaching);
/* The resource at "kind.name", with a finding when there is none. */
struct hl_resource *hl_address_find(const struct hl_spec *spec, const char *address, struct hl_span at, struct hl_diags *diags);
/* Whether the address has the form kind.name with a known kind; a finding when not. */
const struct hl_kind *hl_address_check(const struct hl_spec *spec, const char *address, struct hl_span at, struct hl_diags *diags);
void hl_suggest_kind(const struct hl_spec *spec, struct hl_diags *diags, struct hl_diag *diag, const char *word, bool values);
void hl_suggest_resource(const struct hl_spec *spec, struct hl_diags *diags, struct hl_diag *diag, const char *kind, const char *name);
/* `diags` with the hints of a map's keys. */
void hl_suggest_key(struct hl_diags *diags, struct hl_diag *diag, const char *word, const struct hl_map *map);
/* The environment's value, or NULL. */
const char *hl_environment_find(const char *const *environment, const char *name);

/* A check that reads files by the spec's `files`. */
struct hl_check hl_check_of(const struct hl_spec *spec, struct hl_arena *arena, struct hl_diags *diags, const struct hl_scope *scope);
/* The body with all that follows from it. */
struct hl_value *hl_resource_decode(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_scope *scope,
                                    struct hl_diags *diags);
struct hl_value *hl_provider_decode(const struct hl_spec *spec, const struct hl_provider_spec *provider, struct hl_arena *arena, const struct hl_scope *scope,
                                    struct hl_diags *diags);

/* The steps of loading, in this order. */
void hl_load_variables(struct hl_loader *loader);
void hl_load_providers(struct hl_loader *loader);         /* the instances */
void hl_load_resources(struct hl_loader *loader);         /* what there is, its kind and instance, the common fields */
void hl_load_provider_settings(struct hl_loader *loader); /* their settings and dependencies */
/* Remembers a name without a block; nothing for kinds that hold no data. Texts and place are borrowed for as long as the spec lives. */
void hl_undeclared_add(struct hl_loader *loader, const char *kind, const char *name, struct hl_span at);
/* A warning for each that is probably a mistyped one; when all bodies are loaded. */
void hl_undeclared_warn(struct hl_loader *loader);
void hl_load_bodies(struct hl_loader *loader); /* the resources' bodies and dependencies */
void hl_load_extras(struct hl_loader *loader); /* outputs, moved, removed, settings */
void hl_load_graph(struct hl_loader *loader);  /* order, or the cycles */

/* Dependencies of one body: begin, add, take. Adding the resource again completes what is there. */
void hl_dependencies_begin(struct hl_loader *loader);
void hl_dependencies_add(struct hl_loader *loader, struct hl_resource *to, enum hl_edge edge, const char *condition, struct hl_span at);
struct hl_dependency *hl_dependencies_take(struct hl_loader *loader, size_t *count);
/* Those that a list of addresses names. */
void hl_dependencies_add_needs(struct hl_loader *loader, const struct hl_value *needs);

/* The instance for a resource: named in its body, or the default; NULL after a finding. *kind is the kind of the section that fits it,
 * set in any case. */
struct hl_provider_spec *hl_provider_choose(struct hl_loader *loader, const char *section, const struct hl_node *body, struct hl_span at,
                                            const struct hl_kind **kind);
/* The instance that a field with `uses` means; NULL after a finding. */
struct hl_provider_spec *hl_provider_use(struct hl_loader *loader, const char *type, const char *instance, struct hl_span at);

#endif
