#include "config.h"

#include "reconcile/preview/preview.h"
#include "schema/reader.h"

#include <string.h>

struct composer {
    struct hl_arena *arena;
    const struct hl_registry *registry;
    struct hl_preview_unuseds *unused;
};

static void note(struct composer *composer, const char *path, int change, struct hl_span at)
{
    struct hl_preview_unuseds *unused = composer->unused;

    if (unused->count == unused->capacity) {
        const size_t capacity = unused->capacity == 0 ? 16 : unused->capacity * 2;
        struct hl_preview_unused *items = hl_arena_alloc(composer->arena, capacity * sizeof *items);
        if (unused->count > 0)
            memcpy(items, unused->items, unused->count * sizeof *items);
        unused->items = items;
        unused->capacity = capacity;
    }
    unused->items[unused->count++] = (struct hl_preview_unused){.path = path, .change = change, .at = at};
}

static bool same(const struct hl_node *a, const struct hl_node *b);

static bool same_map(const struct hl_node *a, const struct hl_node *b)
{
    for (size_t i = 0; i < a->map.count; i++) {
        const struct hl_node *other = hl_node_find(b, a->map.entries[i].key);
        if (other == NULL || !same(a->map.entries[i].value, other))
            return false;
    }
    return a->map.count == b->map.count;
}

static bool same(const struct hl_node *a, const struct hl_node *b)
{
    if (a == NULL || b == NULL || a->type != b->type)
        return hl_node_is_null(a) && hl_node_is_null(b);
    switch (a->type) {
    case HL_NODE_SCALAR:
        return a->plain == b->plain && a->scalar.length == b->scalar.length && memcmp(a->scalar.data, b->scalar.data, a->scalar.length) == 0;
    case HL_NODE_LIST:
        for (size_t i = 0; i < a->list.count && i < b->list.count; i++) {
            if (!same(a->list.items[i], b->list.items[i]))
                return false;
        }
        return a->list.count == b->list.count;
    case HL_NODE_MAP:
        return same_map(a, b);
    case HL_NODE_VALUE:
        break;
    }
    return false;
}

static struct hl_node *new_map(struct composer *composer, size_t capacity, struct hl_span at)
{
    struct hl_node *map = hl_arena_alloc(composer->arena, sizeof *map);

    map->type = HL_NODE_MAP;
    map->at = at;
    map->map.entries = hl_arena_alloc(composer->arena, (capacity + 1) * sizeof *map->map.entries);
    return map;
}

static void add_entry(struct hl_node *map, const struct hl_node_entry *entry, struct hl_node *value)
{
    map->map.entries[map->map.count++] = (struct hl_node_entry){.key = entry->key, .at = entry->at, .value = value};
}

static size_t count_of(const struct hl_node *node)
{
    return node != NULL && node->type == HL_NODE_MAP ? node->map.count : 0;
}

/* A secret that only the head has: it will have some value, and where from is not looked at. */
static struct hl_node *some_secret(struct composer *composer, const struct hl_node *body)
{
    static const struct hl_node yes = {.type = HL_NODE_SCALAR, .plain = true, .scalar = {.data = "true", .length = 4}};
    struct hl_node *node = new_map(composer, 1, body->at);

    add_entry(node, &(struct hl_node_entry){.key = "generate", .at = body->at}, (struct hl_node *)&yes);
    return node;
}

/* The base's entries as they are, and those that only the head has. */
static struct hl_node *trusted_section(struct composer *composer, const char *section, const struct hl_node *base, const struct hl_node *head)
{
    struct hl_node *map = new_map(composer, count_of(base) + count_of(head), head != NULL ? head->at : base->at);

    for (size_t i = 0; i < count_of(base); i++) {
        const struct hl_node_entry *entry = &base->map.entries[i];
        const struct hl_node_entry *other = hl_node_entry_find(head, entry->key);
        const char *path = hl_arena_printf(composer->arena, "%s.%s", section, entry->key);

        if (other == NULL)
            note(composer, path, HL_PREVIEW_REMOVED, (struct hl_span){.line = 0});
        else if (!same(entry->value, other->value))
            note(composer, path, HL_PREVIEW_CHANGED, other->at);
        add_entry(map, entry, entry->value);
    }
    for (size_t i = 0; i < count_of(head); i++) {
        const struct hl_node_entry *entry = &head->map.entries[i];

        if (hl_node_entry_find(base, entry->key) != NULL)
            continue;
        note(composer, hl_arena_printf(composer->arena, "%s.%s", section, entry->key), HL_PREVIEW_ADDED, entry->at);
        add_entry(map, entry, strcmp(section, "secrets") == 0 ? some_secret(composer, entry->value) : entry->value);
    }
    return map;
}

/* A body without the head's `adopt`: which live objects may be taken over, and so be looked into, is for the base to say. */
static struct hl_node *trusted_body(struct composer *composer, const char *address, const struct hl_node *base, struct hl_node *head)
{
    const struct hl_node_entry *wanted = hl_node_entry_find(head, "adopt");
    const struct hl_node_entry *agreed = hl_node_entry_find(base, "adopt");

    if (head->type != HL_NODE_MAP || same(wanted != NULL ? wanted->value : NULL, agreed != NULL ? agreed->value : NULL))
        return head;
    note(composer, hl_arena_printf(composer->arena, "%s.adopt", address), wanted == NULL ? HL_PREVIEW_REMOVED : HL_PREVIEW_CHANGED,
         wanted != NULL ? wanted->at : (struct hl_span){.line = 0});
    struct hl_node *body = new_map(composer, head->map.count + 1, head->at);
    for (size_t i = 0; i < head->map.count; i++) {
        if (&head->map.entries[i] != wanted)
            add_entry(body, &head->map.entries[i], head->map.entries[i].value);
    }
    if (agreed != NULL)
        add_entry(body, agreed, agreed->value);
    return body;
}

static struct hl_node *untrusted_section(struct composer *composer, const struct hl_kind *kind, const struct hl_node *base, struct hl_node *head)
{
    if (head->type != HL_NODE_MAP)
        return head;
    struct hl_node *map = new_map(composer, head->map.count, head->at);
    for (size_t i = 0; i < head->map.count; i++) {
        const struct hl_node_entry *entry = &head->map.entries[i];
        const char *address = hl_arena_printf(composer->arena, "%s.%s", kind->name, entry->key);

        add_entry(map, entry, entry->value == NULL ? NULL : trusted_body(composer, address, hl_node_find(base, entry->key), entry->value));
    }
    return map;
}

static bool is_trusted(const char *section)
{
    return strcmp(section, "providers") == 0 || strcmp(section, "secrets") == 0 || strcmp(section, "variables") == 0;
}

static bool is_agreed(const char *section)
{
    return strcmp(section, "hlrec") == 0 || strcmp(section, "stack") == 0 || strcmp(section, "settings") == 0;
}

static struct hl_node *section_of(struct composer *composer, const struct hl_node_entry *entry, const struct hl_node *base)
{
    const struct hl_kind *kind = hl_kind_find_section(composer->registry, entry->key, NULL);

    if (is_trusted(entry->key))
        return trusted_section(composer, entry->key, base, entry->value);
    return kind != NULL && entry->value != NULL ? untrusted_section(composer, kind, base, entry->value) : entry->value;
}

struct hl_node *hl_preview_compose(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_node *base, const struct hl_node *head,
                                   struct hl_preview_unuseds *unused)
{
    struct composer composer = {.arena = arena, .registry = registry, .unused = unused};
    struct hl_node *root = new_map(&composer, base->map.count + head->map.count, head->at);

    for (size_t i = 0; i < base->map.count; i++) {
        const struct hl_node_entry *entry = &base->map.entries[i];
        const struct hl_node_entry *other = hl_node_entry_find(head, entry->key);

        if (is_agreed(entry->key)) {
            if (!same(entry->value, other != NULL ? other->value : NULL))
                note(&composer, entry->key, other == NULL ? HL_PREVIEW_REMOVED : HL_PREVIEW_CHANGED, other != NULL ? other->at : (struct hl_span){.line = 0});
            add_entry(root, entry, entry->value);
        } else if (is_trusted(entry->key) && other == NULL) {
            add_entry(root, entry, trusted_section(&composer, entry->key, entry->value, NULL));
        }
    }
    for (size_t i = 0; i < head->map.count; i++) {
        const struct hl_node_entry *entry = &head->map.entries[i];

        if (is_agreed(entry->key) && hl_node_entry_find(base, entry->key) == NULL)
            note(&composer, entry->key, HL_PREVIEW_ADDED, entry->at);
        else if (!is_agreed(entry->key))
            add_entry(root, entry, section_of(&composer, entry, hl_node_find(base, entry->key)));
    }
    return root;
}
