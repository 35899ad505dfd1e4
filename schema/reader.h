/* YAML text to nodes, by libyaml's events: every node knows its place, a key written twice is an error, anchors and `<<` merges are
 * resolved, and depth, size and the growth by aliases are limited (an alias bomb is an error, not a hang).
 *
 * Scalars keep their text: which type a plain `1.10` has is for the field it is given to (schema/decode.h). */
#ifndef HL_SCHEMA_READER_H
#define HL_SCHEMA_READER_H

#include "schema/diag.h"

enum { HL_MAX_DEPTH = 64, HL_MAX_NODES = 20000000, HL_MAX_ALIAS_NODES = 1000000 };

enum hl_node_type {
    HL_NODE_SCALAR,
    HL_NODE_LIST,
    HL_NODE_MAP,
    HL_NODE_VALUE, /* never from the reader: the value that a reference resolved to, in the place of a node */
};

struct hl_node;

struct hl_node_entry {
    const char *key;
    struct hl_span at; /* of the key */
    struct hl_node *value;
};

struct hl_node {
    enum hl_node_type type;
    bool plain; /* a scalar without quotes: may be null, true, a number */
    struct hl_span at;
    union {
        struct {
            const char *data; /* NUL-terminated */
            size_t length;
        } scalar;
        struct {
            struct hl_node **items;
            size_t count;
        } list;
        struct {
            struct hl_node_entry *entries; /* in the order of the file; merged ones last */
            size_t count;
        } map;
        const struct hl_value *value;
    };
};

/* Reads one document. NULL when the text is not YAML that can be used; the findings say why. An empty document gives an empty map node.
 * Nodes live in `arena`; `text` may be freed afterwards. */
struct hl_node *hl_reader_parse(struct hl_arena *arena, const char *text, size_t length, struct hl_diags *diags);
/* The entry's value, or NULL. */
struct hl_node *hl_node_find(const struct hl_node *map, const char *key);
const struct hl_node_entry *hl_node_entry_find(const struct hl_node *map, const char *key);
/* Whether it is a plain empty scalar, `null` or `~`; also true for NULL. */
bool hl_node_is_null(const struct hl_node *node);
/* "a list", "a mapping", "text": as findings say it. */
const char *hl_node_describe(const struct hl_node *node);

#endif
