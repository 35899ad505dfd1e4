/* Inside of the decoder: what decode.c, decode_scalar.c and decode_many.c share. Others use schema/decode.h. */
#ifndef HL_SCHEMA_DECODING_H
#define HL_SCHEMA_DECODING_H

#include "schema/decode.h"

/* Where in a body the decoder is, for findings: a chain on the stack, put into words only when there is one. */
struct hl_place {
    const struct hl_place *up;
    const char *key;  /* of the map or object above; NULL: `number` counts, or it is the outermost */
    size_t number;    /* item of a list, from 0 */
    const char *what; /* of the outermost: "container 'web'", or NULL */
    struct hl_span at;
};

/* "'ports.0.target' of container 'web'"; for the outermost "container 'web'". */
const char *hl_place_words(struct hl_arena *arena, const struct hl_place *place);

/* Like hl_decode_object, where the keys in `pass` (NULL: none) are let through without decoding them. */
struct hl_value *hl_decode_members(struct hl_check *check, const struct hl_node *node, const struct hl_field *fields, unsigned forms,
                                   const struct hl_field *pass, const struct hl_place *place);
/* One value: NULL when absent (or null) or after a finding. */
struct hl_value *hl_decode_value(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);
/* By kind of type; the node is not null, and its references are resolved when it is one scalar. */
struct hl_value *hl_decode_scalar(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);
struct hl_value *hl_decode_list(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);
struct hl_value *hl_decode_map(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);
struct hl_value *hl_decode_any(struct hl_check *check, const struct hl_node *node, const struct hl_place *place);
/* An object given as a text, where the field has a shorthand for it. */
struct hl_value *hl_decode_shorthand(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);

/* Resolves a scalar with references: the node itself when there are none, a node of the value otherwise, NULL after a finding. */
const struct hl_node *hl_decode_resolve(struct hl_check *check, const struct hl_node *node);
/* A value in the place of a node; lists and maps become nodes of their own. */
struct hl_node *hl_node_of_value(struct hl_arena *arena, const struct hl_value *value, struct hl_span at);
/* The value itself when the node is an unknown one, as a fresh copy; else NULL. */
struct hl_value *hl_decode_unknown(struct hl_check *check, const struct hl_node *node);
/* The row for what is within a list or map. */
struct hl_field hl_field_of_item(const struct hl_field *field);
/* Adds "X must be Y, found Z". */
void hl_decode_wrong_type(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place);
/* Findings for texts that are none of field->allowed: the value itself, or those within a list or map. */
void hl_decode_check_allowed(struct hl_check *check, const struct hl_field *field, const struct hl_value *value, const struct hl_place *place);
/* "'text'" when it may be shown, else "a secret value". */
const char *hl_decode_shown(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *text);
bool hl_node_is_sensitive(const struct hl_node *node);
/* Masks the sensitive texts of `value` in the findings from number `first` on: what adds them need not know that they may not be shown. */
void hl_decode_mask(struct hl_check *check, size_t first, const struct hl_value *value);
/* An empty map with room for `count` entries, no more. */
struct hl_value *hl_value_map_sized(struct hl_arena *arena, size_t count);

#endif
