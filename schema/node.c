/* Looking at nodes. */
#include "config.h"

#include "schema/reader.h"

#include <string.h>

const struct hl_node_entry *hl_node_entry_find(const struct hl_node *map, const char *key)
{
    if (map == NULL || map->type != HL_NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->map.count; i++)
        if (strcmp(map->map.entries[i].key, key) == 0)
            return &map->map.entries[i];
    return NULL;
}

struct hl_node *hl_node_find(const struct hl_node *map, const char *key)
{
    const struct hl_node_entry *entry = hl_node_entry_find(map, key);

    return entry == NULL ? NULL : entry->value;
}

static bool is_null_text(const char *text)
{
    return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

bool hl_node_is_null(const struct hl_node *node)
{
    if (node == NULL)
        return true;
    if (node->type == HL_NODE_VALUE)
        return hl_value_is_null(node->value);
    return node->type == HL_NODE_SCALAR && node->plain && is_null_text(node->scalar.data);
}

static const char *describe_value(const struct hl_value *value)
{
    static const char *const names[] = {
        [HL_NULL] = "nothing", [HL_BOOL] = "true or false", [HL_INT] = "a number",  [HL_REAL] = "a number",
        [HL_TEXT] = "text",    [HL_LIST] = "a list",        [HL_MAP] = "a mapping", [HL_UNKNOWN] = "a value not known yet",
    };
    _Static_assert(HL_COUNT(names) == HL_TYPES, "words for each type");

    return names[value->type];
}

static const char *describe_scalar(const struct hl_node *node)
{
    int64_t number;

    if (hl_node_is_null(node))
        return "nothing";
    if (!node->plain)
        return "text";
    if (strcmp(node->scalar.data, "true") == 0 || strcmp(node->scalar.data, "false") == 0)
        return "true or false";
    return hl_parse_int(node->scalar.data, INT64_MIN, INT64_MAX, &number) ? "a number" : "text";
}

const char *hl_node_describe(const struct hl_node *node)
{
    if (node == NULL)
        return "nothing";
    switch (node->type) {
    case HL_NODE_SCALAR:
        return describe_scalar(node);
    case HL_NODE_LIST:
        return "a list";
    case HL_NODE_MAP:
        return "a mapping";
    case HL_NODE_VALUE:
        return describe_value(node->value);
    }
    return "nothing";
}
