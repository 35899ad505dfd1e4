/* ${...}: the references in the spec's scalars and in templates.
 *
 *     ${var.domain}  ${env.HOME}  ${env.TZ:-UTC}  ${secret.DB}  ${container.web.id}  ${setup_key.k8s.key}     $${ is a literal ${
 *
 * A text that is exactly one reference takes the referenced value with its type; else the values are put into the text. The result is
 * sensitive when a part is, and unknown when a part is. No functions, no loops. */
#ifndef HL_SCHEMA_REFERENCE_H
#define HL_SCHEMA_REFERENCE_H

#include "schema/diag.h"

struct hl_reference {
    const char *text;     /* "setup_key.k8s.key", as written, without ${} */
    const char *kind;     /* "var", "env", or a kind: "setup_key" */
    const char *name;     /* "k8s" */
    const char *output;   /* "key"; may be dotted; NULL when there is none */
    const char *fallback; /* behind `:-`, only for env; NULL when there is none */
};

/* What gives references their values. */
struct hl_scope {
    /* The value, possibly HL_UNKNOWN; NULL after adding a finding to `diags` (no such thing). Lives at least as long as `arena`. */
    struct hl_value *(*find)(void *context, struct hl_arena *arena, const struct hl_reference *reference, struct hl_span at, struct hl_diags *diags);
    void *context;
    /* Whether references of this kind exist at all: in a template, ${kind.rest} of another kind is somebody else's and stays. NULL: all do. */
    bool (*knows)(void *context, const char *kind);
};

bool hl_reference_has(const char *text, size_t length); /* whether there is a `${` to look at, `$${` included */
/* Resolves all references of `text`. NULL after a finding. */
struct hl_value *hl_reference_resolve(struct hl_arena *arena, const char *text, size_t length, struct hl_span at, const struct hl_scope *scope,
                                      struct hl_diags *diags);
/* The same for a template file: besides ${kind.name...} also plain ${NAME} of `names` (a map value, may be NULL). A plain ${NAME} that
 * `names` lacks is left as it stands (the file may be meant for another program to expand), like all that is no reference.
 * Findings carry `file` and the line within it. */
struct hl_value *hl_template_render(struct hl_arena *arena, const char *file, const char *text, size_t length, const struct hl_value *names,
                                    const struct hl_scope *scope, struct hl_diags *diags);
/* Calls `visit` for each reference that has the right form; nothing is resolved. */
void hl_reference_each(struct hl_arena *arena, const char *text, size_t length, void (*visit)(void *context, const struct hl_reference *reference),
                       void *context);

#endif
