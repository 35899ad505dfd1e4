/* Between a field table's values and the plain tree that stands in Traefik's file.
 *
 * In the tree durations are texts in Go's form, keys are spelled as Traefik documents them, and what the table does not know is there too. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_SHAPE_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_SHAPE_H

#include "schema/kind.h"
#include "schema/reader.h"

/* YAML nodes as a tree. */
struct hl_value *hl_tree_of_node(struct hl_arena *arena, const struct hl_node *node);
/* The same tree with the keys that the table knows spelled as the table does: Traefik matches them without regard to case. */
struct hl_value *hl_tree_canonical(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree);
/* Values of the table as a tree. */
struct hl_value *hl_tree_of_values(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *values);
/* A canonical tree as values of the table, in the form that decoding the spec gives, read as Traefik reads it: a scalar for a list is cut at
 * commas, a bare number for a duration counts seconds. What the table does not know is left out; what cannot be typed stays text, so that it differs
 * from whatever is wanted. */
struct hl_value *hl_values_of_tree(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree);
/* The path of the first part of a canonical tree that the table does not know or that has another type: Traefik may refuse the file for it. NULL when there
 * is none. */
const char *hl_tree_find_strange(struct hl_arena *arena, const struct hl_field *fields, const struct hl_value *tree);
/* What the file must hold: `desired`, with those parts of `live` that neither `desired` nor `recorded` names. Lists are taken whole. Each may be NULL. */
struct hl_value *hl_tree_merge(struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *recorded, const struct hl_value *live);

#endif
