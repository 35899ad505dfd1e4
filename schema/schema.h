/* The language floor: text in, `struct hl_spec` and findings out. No network, no database, no clock.
 *
 * Order: hl_spec_load() reads the YAML, the variables (defaults, then variable files, then --var), provider instances, resources of all kinds
 * and the rest, decodes every body once with the values of other resources unknown (so that all mistakes are found), collects the dependencies and
 * sorts the graph; a cycle is a finding that prints itself with lines. The plan then calls hl_spec_decode() again, with the values known so far.
 *
 * The spec, its nodes and values live in spec->arena. Files named by the spec are read through `files`, so that the same code serves
 * a folder and a commit's tree. */
#ifndef HL_SCHEMA_SCHEMA_H
#define HL_SCHEMA_SCHEMA_H

#include "schema/base/error.h"
#include "schema/decode.h"

enum hl_tristate { HL_UNSET = -1, HL_FALSE = 0, HL_TRUE = 1 };
enum hl_replace_order { HL_REPLACE_DEFAULT, HL_REPLACE_CREATE_FIRST, HL_REPLACE_DELETE_FIRST };
enum hl_edge { HL_EDGE_REFERENCE, HL_EDGE_NEEDS, HL_EDGE_FIELD, HL_EDGE_PROVIDER, HL_EDGES };

struct hl_resource;

/* "this resource needs `to`" */
struct hl_dependency {
    struct hl_resource *to;
    enum hl_edge edge;
    const char *condition; /* HL_EDGE_FIELD of a container's depends_on: "service_healthy", ...; else NULL */
    struct hl_span at;     /* where the spec says so */
};

struct hl_provider_spec {
    const char *name;                    /* of the instance: "nas" */
    const struct hl_provider_type *type; /* docker */
    const struct hl_node *body;          /* NULL for an implicit instance */
    struct hl_span at;
    struct hl_value *settings;   /* decoded with other resources' values unknown */
    struct hl_dependency *needs; /* resources that it needs before it can be opened: by reference and by `needs` */
    size_t needs_count;
    int64_t parallel; /* actions at once with this instance; 0: as many as the run allows */
};

struct hl_resource {
    const char *address; /* "container.web" */
    const char *name;    /* "web" */
    const struct hl_kind *kind;
    struct hl_provider_spec *provider;
    const struct hl_node *body;
    struct hl_span at;          /* of its name in the spec */
    struct hl_value *value;     /* decoded with other resources' values unknown */
    bool refers;                /* it asks for such values; else `value` is final */
    const struct hl_node *when; /* NULL: always */
    enum hl_tristate protect;
    const char **ignore; /* field paths, NULL-terminated; NULL when none */
    bool adopt;
    const char *adopt_id; /* with `adopt: ID`, else NULL */
    enum hl_replace_order replace;
    int64_t timeout_ms; /* 0: the kind's own */
    const char *description;
    struct hl_dependency *needs; /* in the order of first mention, one per resource; the provider's needs included */
    size_t needs_count;
    struct hl_provider_spec **uses; /* other providers that its fields with `uses` name, sorted by name; NULL-terminated, or NULL when there are none */
    size_t rank;                    /* position in a topological order that is the same for the same spec, whatever the order of its keys */
};

struct hl_move {
    const char *from, *to;
    struct hl_span at;
};
struct hl_removal {
    const char *address;
    bool destroy;
    struct hl_span at;
};
struct hl_output {
    const char *name;
    const struct hl_node *value;
    bool sensitive;
    const char *description;
    struct hl_span at;
};

struct hl_settings {
    int64_t max_destroy;      /* number; -1 unset */
    double max_destroy_share; /* 0..1; negative unset */
    int64_t timeout_ms;       /* default time limit of one action; 0 unset */
    int64_t parallel;         /* actions at once */
    struct hl_value *value;   /* all settings, decoded */
};

struct hl_spec {
    struct hl_arena *arena;
    const char *file; /* as the user named it */
    const char *text; /* its whole text, for carets: borrowed from the source, which outlives the spec */
    size_t length;
    const char *stack;
    struct hl_map variables;    /* name -> struct hl_value * */
    struct hl_map providers;    /* instance -> struct hl_provider_spec * */
    struct hl_map resources;    /* address -> struct hl_resource *, in the order of the file */
    struct hl_resource **order; /* the same, topologically sorted */
    struct hl_move *moved;
    size_t moved_count;
    struct hl_removal *removed;
    size_t removed_count;
    struct hl_output *outputs;
    size_t outputs_count;
    struct hl_settings settings;
    const struct hl_registry *registry;
    const struct hl_files *files;
    const char *const *environment; /* for ${env.X} */
    const char *opaque;             /* see hl_spec_source */
};

/* Where files come from: a folder, or a commit's tree. */
struct hl_files {
    /* The whole file; `path` is relative to the spec's folder unless it is absolute. The text lives in `arena`, NUL-terminated. */
    bool (*read)(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err);
    void *context;
};

struct hl_spec_source {
    const char *file; /* name for messages */
    const char *text;
    size_t length;
    const struct hl_files *files;
    const char *const *variables;      /* NAME=VALUE of --var, NULL-terminated; NULL when none */
    const char *const *variable_files; /* paths, read by `files`; NULL-terminated; YAML mappings name: value */
    const char *const *environment;    /* NAME=VALUE, NULL-terminated; what ${env.X} sees */
    const struct hl_node *root;        /* read already: taken instead of `text`, which stays for carets; NULL: `text` is read */
    /* Not to be trusted: ${env.X} and sensitive variables give a token in place of their value, see hl_opaque_token(). The text is what tells tokens from
     * anything that a spec can say: random, of this run alone. NULL: values are looked up. */
    const char *opaque;
};

/* Stands for the value of "env.X", "secret.X.value" ...: a sensitive text that equals another token of the same name and nothing else. Decoding takes it for
 * whatever the field wants (an unknown value where that is no text), and checks nothing about it. */
struct hl_value *hl_opaque_token(struct hl_arena *arena, const char *opaque, const char *name);

/* Reads the whole spec. NULL when there was an error finding; warnings may be there in any case. */
struct hl_spec *hl_spec_load(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_spec_source *source, struct hl_diags *diags);

/* Gives the values of other resources; HL_UNKNOWN when not known yet, null for a resource whose `when` is false or an optional secret that is absent. */
struct hl_outputs {
    struct hl_value *(*find)(void *context, struct hl_arena *arena, const char *address, const char *output);
    void *context;
};

/* Decodes a resource's body with what is known now, into `arena`; what refers to no other resource is given as it was loaded. Findings can still come (a value
 * of the wrong type). */
struct hl_value *hl_spec_decode(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_outputs *outputs,
                                struct hl_diags *diags);
/* A provider's settings, the same way. */
struct hl_value *hl_spec_decode_provider(const struct hl_spec *spec, const struct hl_provider_spec *provider, struct hl_arena *arena,
                                         const struct hl_outputs *outputs, struct hl_diags *diags);
enum hl_truth { HL_TRUTH_NO, HL_TRUTH_YES, HL_TRUTH_UNKNOWN };
/* Whether `when` holds: false, null, "", "false", "0" do not. For HL_TRUTH_UNKNOWN, *waits_for names the reference. */
enum hl_truth hl_spec_when(const struct hl_spec *spec, const struct hl_resource *resource, struct hl_arena *arena, const struct hl_outputs *outputs,
                           const char **waits_for);
struct hl_value *hl_spec_output(const struct hl_spec *spec, const struct hl_output *output, struct hl_arena *arena, const struct hl_outputs *outputs,
                                struct hl_diags *diags);
/* The instance that a field with `uses: type` means: of this name, or (NULL) named like the type, or the only one of the type; NULL when there is none. */
struct hl_provider_spec *hl_provider_used(const struct hl_spec *spec, const char *type, const char *instance);
struct hl_resource *hl_spec_find(const struct hl_spec *spec, const char *address);
/* For "did you mean": the addresses among the keys of `by_address` that `word` is in other letters, or is the name of, whatever their kind:
 * "'container.wiki' or 'router.wiki'" for "wiki". NULL when there is none. */
const char *hl_addresses_named(struct hl_arena *arena, const struct hl_map *by_address, const char *word);

/* The tables as text (schema/emit_*.c). */
void hl_emit_json_schema(struct hl_text *out, const struct hl_registry *registry);
/* `topic` is KIND, KIND.FIELD[.FIELD], `providers.TYPE`, a section, or NULL for the overview. False when there is no such topic; then `out` has a suggestion.
 */
bool hl_emit_explain(struct hl_text *out, const struct hl_registry *registry, const char *topic);
/* A reference page in Markdown for each kind and provider, one after the other, as docs/reference.md has it. */
void hl_emit_reference(struct hl_text *out, const struct hl_registry *registry);

#endif
