/* One definition per kind: the table of its fields and the few functions that the table cannot say.
 *
 * From the tables come parsing, validation, normalisation, the three-way diff, the JSON Schema, `hlrec explain`, the reference pages, masking and
 * sealing. A fact about a field stands in its row and nowhere else. Adding a field is a row; adding a kind is one file in
 * reconcile/providers/<system>/ and a line in reconcile/providers/registry.c. */
#ifndef HL_SCHEMA_KIND_H
#define HL_SCHEMA_KIND_H

#include "schema/base/redact.h"
#include "schema/diag.h"
#include "schema/reference.h"

enum hl_field_type {
    HL_F_STRING,   /* HL_TEXT; plain numbers and booleans are taken as they are written */
    HL_F_BOOL,     /* HL_BOOL; only true and false */
    HL_F_INT,      /* HL_INT */
    HL_F_NUMBER,   /* HL_REAL (or HL_INT) */
    HL_F_DURATION, /* HL_INT, milliseconds; `90s 5m 12h 30d` */
    HL_F_SIZE,     /* HL_INT, bytes; `512m 2g` */
    HL_F_LIST,     /* HL_LIST of `item` */
    HL_F_MAP,      /* HL_MAP, any key, of `item` */
    HL_F_OBJECT,   /* HL_MAP with the keys of `fields` */
    HL_F_ANY,      /* whatever the YAML says: lists and maps by form, scalars by YAML 1.2 core types */
    HL_FIELD_TYPES
};

/* Other ways to write the same; each is turned into the main form. May be combined. */
enum hl_form {
    HL_FORM_SINGLE = 1,  /* list: one item without the list */
    HL_FORM_WORDS = 2,   /* list: a string, split as a shell splits words (quotes, backslashes; nothing is expanded) */
    HL_FORM_PAIRS = 4,   /* map: a list of "KEY=value"; a bare KEY gives null */
    HL_FORM_NAMES = 8,   /* map: a list of names; each gets an empty object */
    HL_FORM_TRUE = 16,   /* object: `true` is the empty object, `false` is absent */
    HL_FORM_NOCASE = 32, /* object: keys match without regard to case (Traefik) */
};

enum hl_order { HL_ORDERED, HL_SET }; /* of a list: does the order mean something? */

struct hl_check;

struct hl_field {
    const char *name;
    enum hl_field_type type;
    enum hl_field_type item;       /* HL_F_LIST, HL_F_MAP: what is in it */
    const struct hl_field *fields; /* HL_F_OBJECT, or a list or map of objects: ends with .name = NULL */
    const char *const *allowed;    /* HL_F_STRING, or a list or map of them: NULL-terminated list of the values allowed, as normalised */
    const char *fallback;          /* the system's default, as the spec would write it; what a field goes back to when the spec drops it */
    const char *key;               /* list of objects: the member by which items are matched (diffed like a map) */
    const char *refers_to;         /* a string (or list item, or map key) that names a resource of this kind, if the spec has one */
    const char *uses;              /* an object that is done with another provider's help: its type. The instance is the object's member `provider`, or the
                                      only one of the type */
    bool must_exist;               /* `refers_to`: the spec must have it, unless its name has an '@', which says where else it is */
    unsigned forms;                /* enum hl_form */
    enum hl_order order;
    int64_t minimum, maximum; /* HL_F_INT, when not both 0 */
    bool required;
    bool immutable;  /* a difference forces a replacement */
    bool sensitive;  /* always masked and sealed, whatever it is made from */
    bool computed;   /* told by the system, cannot be written: an output only, not diffed */
    bool internal;   /* not for the user to write; diffed all the same (a container's `state`) */
    bool keep_null;  /* a reference that gives null is kept as null: else it is as if the field were not written */
    bool local;      /* for hlrec alone, has no live counterpart: a change is recorded without an action */
    bool write_only; /* cannot be read back: desired is compared with recorded */
    bool by_name;    /* list or map: the live side may hold more; only what desired or recorded name is managed (maps always) */
    /* A text given where the long form (object) is the main one: "8080:80/udp". Gives the long form's value (or a list of several, which is spliced
     * into the list around it). NULL with *problem set when it cannot be read. `text` has its references resolved. The result is taken as it is:
     * the members' own normalise and check are not called for it. */
    struct hl_value *(*shorthand)(struct hl_arena *arena, const char *text, const char **problem);
    /* Turns the field's decoded value (of a list field: the whole list, which may hold unknown items) into the one form that all equal meanings share
     * (case, CAP_ prefix, masked CIDR). May return its argument. Not called for an unknown value. Sets are sorted after it. */
    struct hl_value *(*normalise)(struct hl_arena *arena, struct hl_value *value);
    /* Adds findings about a decoded value. Not called for unknown ones. */
    void (*check)(struct hl_check *check, const struct hl_value *value);
    /* Instead of `immutable`, where it depends (removing a limit). Either may be NULL for unset. */
    bool (*must_replace)(const struct hl_value *desired, const struct hl_value *live);
    /* Equality beyond hl_value_equal; both non-NULL. */
    bool (*same)(const struct hl_value *desired, const struct hl_value *live);
    const char *doc;     /* one line, lower case, no full stop */
    const char *example; /* YAML of a value, one line, or NULL */
};

/* What checks and completions may use. */
struct hl_check {
    struct hl_arena *arena;
    struct hl_diags *diags;
    const struct hl_scope *scope;
    const char *name; /* of the resource */
    const char *address;
    /* The text of a file that the spec names, relative to the spec (or in the commit's tree). False after a finding at `at`. */
    bool (*read_file)(void *files, struct hl_arena *arena, const char *path, struct hl_span at, struct hl_diags *diags, const char **text, size_t *length);
    void *files;
    const char *opaque;           /* as in hl_spec_source: texts with it stand for something else and are not looked into */
    const struct hl_value *whole; /* the decoded body, in `complete` and kind-level checks */
};

/* The value of ${kind.name.output} (`output` may be NULL), possibly unknown; NULL when there is no such thing, which is no mistake here. Asking makes the
 * dependency, at `at`. */
struct hl_value *hl_check_ask(struct hl_check *check, const char *kind, const char *name, const char *output, struct hl_span at);

struct hl_verbs;          /* reconcile/provider.h */
struct hl_provider_verbs; /* likewise */

struct hl_kind {
    const char *name;     /* "setup_key": what addresses begin with */
    const char *section;  /* "setup_keys": the key of the spec's top level */
    const char *provider; /* the type of provider that has it: "netbird" */
    const char *doc;
    const char *example; /* YAML of a body, for `explain` and the pages; may be several lines */
    const struct hl_field *fields;
    unsigned forms;     /* HL_FORM_NOCASE: the body's own keys match without regard to case */
    const char *output; /* the output of a bare reference ${secret.NAME}; NULL when an output must be named */
    bool holds_data;    /* deleted only with `protect: false` and --allow-destroy */
    /* Whether this one holds data although its kind as such does not (a secret that must never rotate). May be NULL. */
    bool (*is_data)(const struct hl_value *desired);
    bool create_first; /* default of `replace:` */
    bool name_free;    /* the name may be any text (env-like names of secrets); else [a-z0-9][a-z0-9_.-]* as Docker and Traefik take it */
    /* Findings across fields; `body` is the decoded body. */
    void (*check)(struct hl_check *check, const struct hl_value *body);
    /* Adds what follows from the body but is not written there: internal fields, the contents of named files, rendered templates. Called on each
     * decoding, also with unknown parts. Pure but for check->read_file. */
    void (*complete)(struct hl_check *check, struct hl_value *body);
    /* Appends what of its system the resource has to itself, as texts that are shown and compared ("the name web"): no two of a kind and an instance may claim
     * the same, and what another one claims by now is not taken away with the former's. What is not known yet is left out. May be NULL. */
    void (*claims)(struct hl_arena *arena, const char *name, const struct hl_value *body, struct hl_value *list);
    const struct hl_verbs *verbs;
};

struct hl_provider_type {
    const char *name; /* "docker" */
    const char *doc;
    const char *example;
    const struct hl_field *fields;
    bool here;     /* this machine itself: read even with --no-refresh, since what it gives is part of what is desired */
    bool implicit; /* there is an instance of this name even when the spec declares none (docker with its default socket, the local files) */
    const struct hl_provider_verbs *verbs;
};

struct hl_registry {
    const struct hl_kind *const *kinds;              /* NULL-terminated; several may share a section, told apart by provider */
    const struct hl_provider_type *const *providers; /* NULL-terminated */
};

const struct hl_field *hl_field_find(const struct hl_field *fields, const char *name, bool nocase);
/* By name and provider type; a NULL provider takes the first. */
const struct hl_kind *hl_kind_find(const struct hl_registry *registry, const char *name, const char *provider);
/* Makes the values of the sensitive fields known to the redactor. Values that are only made from secrets need not be: the secrets are found in them. */
void hl_kind_redact(const struct hl_field *fields, const struct hl_value *value, struct hl_redactor *redactor);
const struct hl_kind *hl_kind_find_section(const struct hl_registry *registry, const char *section, const char *provider);
const struct hl_provider_type *hl_provider_type_find(const struct hl_registry *registry, const char *name);
/* Whether some field says `uses`; then the parts of `value` that do are given to visit(), with the instance that they name or NULL. */
bool hl_kind_has_uses(const struct hl_kind *kind);
void hl_kind_each_use(const struct hl_field *fields, const struct hl_value *value,
                      void (*visit)(void *context, const char *type, const char *instance, struct hl_span at), void *context);
/* The fields that every resource takes besides its own: provider, when, needs, protect, ignore, adopt, replace, timeout, description. */
extern const struct hl_field hl_common_fields[];

#endif
