#include "config.h"

#include "reconcile/preview/preview.h"
#include "schema/reader.h"
#include "schema/reference.h"

#include <string.h>

struct composer {
    struct hl_arena *arena;
    const struct hl_registry *registry;
    struct hl_preview_unuseds *unused;
    struct hl_map addresses; /* that the composed document has */
};

static void note(struct composer *composer, const char *path, enum hl_preview_change change, struct hl_span at)
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

/* ---- what the base says, in the head's document ---- */

struct dangling {
    const struct composer *composer;
    bool found;
};

/* Names may have dots, so any beginning of what follows the kind may be the name. */
static bool leads_somewhere(const struct composer *composer, const struct hl_reference *reference)
{
    char *address = hl_arena_strdup(composer->arena, reference->text);

    for (;;) {
        char *dot = strrchr(address, '.');
        if (hl_map_has(&composer->addresses, address))
            return true;
        if (dot == NULL)
            return false;
        *dot = '\0';
    }
}

static void check_reference(void *context, const struct hl_reference *reference)
{
    struct dangling *dangling = context;
    const bool resource = strcmp(reference->kind, "var") != 0 && strcmp(reference->kind, "env") != 0;

    dangling->found = dangling->found || (resource && !leads_somewhere(dangling->composer, reference));
}

static bool dangles(const struct composer *composer, const struct hl_node *node)
{
    struct dangling dangling = {.composer = composer};

    if (hl_reference_has(node->scalar.data, node->scalar.length))
        hl_reference_each(composer->arena, node->scalar.data, node->scalar.length, check_reference, &dangling);
    return dangling.found;
}

static struct hl_node *settled(struct composer *composer, const struct hl_node *node);

static struct hl_node *settled_list(struct composer *composer, const struct hl_node *node, bool needs)
{
    struct hl_node *copy = hl_arena_alloc(composer->arena, sizeof *copy);

    copy->type = HL_NODE_LIST;
    copy->list.items = hl_arena_alloc(composer->arena, (node->list.count + 1) * sizeof *copy->list.items);
    for (size_t i = 0; i < node->list.count; i++) {
        const struct hl_node *item = node->list.items[i];
        if (!needs || item->type != HL_NODE_SCALAR || hl_map_has(&composer->addresses, item->scalar.data))
            copy->list.items[copy->list.count++] = settled(composer, item);
    }
    return copy;
}

/* A copy of the base's words that fits the head's document: they have no line there, and what they refer to may be gone or have another name by now. That is
 * for apply to find wrong or right, with the head's own words; here it is only something that is not seen. */
static struct hl_node *settled(struct composer *composer, const struct hl_node *node)
{
    static const char gone[] = "${env.GONE}";
    struct hl_node *copy;

    if (node->type == HL_NODE_LIST)
        return settled_list(composer, node, false);
    if (node->type == HL_NODE_MAP) {
        copy = new_map(composer, node->map.count, (struct hl_span){.line = 0});
        for (size_t i = 0; i < node->map.count; i++) {
            const struct hl_node_entry *entry = &node->map.entries[i];
            const bool needs = strcmp(entry->key, "needs") == 0 && entry->value->type == HL_NODE_LIST;
            add_entry(copy, &(struct hl_node_entry){.key = entry->key}, needs ? settled_list(composer, entry->value, true) : settled(composer, entry->value));
        }
        return copy;
    }
    copy = hl_arena_alloc(composer->arena, sizeof *copy);
    *copy = *node;
    copy->at = (struct hl_span){.line = 0};
    if (node->type == HL_NODE_SCALAR && dangles(composer, node)) {
        copy->scalar.data = gone;
        copy->scalar.length = sizeof gone - 1;
    }
    return copy;
}

/* The base's entries, and those that only the head has. */
static struct hl_node *trusted_section(struct composer *composer, const char *section, const struct hl_node *base, const struct hl_node *head)
{
    struct hl_node *map = new_map(composer, count_of(base) + count_of(head), head != NULL ? head->at : (struct hl_span){.line = 0});

    for (size_t i = 0; i < count_of(base); i++) {
        const struct hl_node_entry *entry = &base->map.entries[i];
        const struct hl_node_entry *other = hl_node_entry_find(head, entry->key);
        const char *path = hl_arena_printf(composer->arena, "%s.%s", section, entry->key);

        if (other != NULL && same(entry->value, other->value)) {
            add_entry(map, other, other->value);
            continue;
        }
        note(composer, path, other == NULL ? HL_PREVIEW_REMOVED : HL_PREVIEW_CHANGED, other != NULL ? other->at : (struct hl_span){.line = 0});
        add_entry(map, &(struct hl_node_entry){.key = entry->key}, settled(composer, entry->value));
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

/* ---- bodies ---- */

/* Which live objects may be taken over, and so be looked into, is for the base to say; and of what the base has, whether it may be destroyed. */
static const char *const agreed_fields[] = {"adopt", "protect"};

static size_t count_agreed(const struct hl_node *base)
{
    return base != NULL ? HL_COUNT(agreed_fields) : 1;
}

static bool is_agreed_field(const char *key, const struct hl_node *base)
{
    for (size_t i = 0; i < count_agreed(base); i++) {
        if (strcmp(agreed_fields[i], key) == 0)
            return true;
    }
    return false;
}

static bool notes_difference(struct composer *composer, const char *address, const char *field, const struct hl_node *base, const struct hl_node *head)
{
    const struct hl_node_entry *wanted = hl_node_entry_find(head, field);
    const struct hl_node_entry *agreed = hl_node_entry_find(base, field);

    if (same(wanted != NULL ? wanted->value : NULL, agreed != NULL ? agreed->value : NULL))
        return false;
    note(composer, hl_arena_printf(composer->arena, "%s.%s", address, field),
         wanted == NULL   ? HL_PREVIEW_REMOVED
         : agreed == NULL ? HL_PREVIEW_ADDED
                          : HL_PREVIEW_CHANGED,
         wanted != NULL ? wanted->at : (struct hl_span){.line = 0});
    return true;
}

/* The head's body with the agreed fields of the base. */
static struct hl_node *trusted_body(struct composer *composer, const char *address, const struct hl_node *base, struct hl_node *head)
{
    bool differs = false;

    if (head->type != HL_NODE_MAP)
        return head;
    for (size_t i = 0; i < count_agreed(base); i++)
        differs |= notes_difference(composer, address, agreed_fields[i], base, head);
    if (!differs)
        return head;
    struct hl_node *body = new_map(composer, head->map.count + HL_COUNT(agreed_fields), head->at);
    for (size_t i = 0; i < head->map.count; i++) {
        if (!is_agreed_field(head->map.entries[i].key, base))
            add_entry(body, &head->map.entries[i], head->map.entries[i].value);
    }
    for (size_t i = 0; i < count_agreed(base); i++) {
        const struct hl_node_entry *agreed = hl_node_entry_find(base, agreed_fields[i]);
        if (agreed != NULL)
            add_entry(body, &(struct hl_node_entry){.key = agreed->key}, settled(composer, agreed->value));
    }
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

static void add_addresses(struct composer *composer, const struct hl_node *root)
{
    for (size_t i = 0; i < root->map.count; i++) {
        const struct hl_node_entry *section = &root->map.entries[i];
        const struct hl_kind *kind = hl_kind_find_section(composer->registry, section->key, NULL);

        for (size_t j = 0; kind != NULL && j < count_of(section->value); j++)
            hl_map_put(&composer->addresses, hl_arena_printf(composer->arena, "%s.%s", kind->name, section->value->map.entries[j].key), composer);
    }
}

/* Secrets of the base stay whatever the head says. */
static void collect_addresses(struct composer *composer, const struct hl_node *base, const struct hl_node *head)
{
    struct hl_node secrets = {.type = HL_NODE_MAP};
    struct hl_node_entry entry = {.key = "secrets", .value = hl_node_find(base, "secrets")};

    hl_map_init(&composer->addresses, composer->arena);
    add_addresses(composer, head);
    secrets.map.entries = &entry;
    secrets.map.count = entry.value != NULL;
    add_addresses(composer, &secrets);
}

struct hl_node *hl_preview_compose(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_node *base, const struct hl_node *head,
                                   struct hl_preview_unuseds *unused)
{
    struct composer composer = {.arena = arena, .registry = registry, .unused = unused};
    struct hl_node *root = new_map(&composer, base->map.count + head->map.count, head->at);

    collect_addresses(&composer, base, head);

    for (size_t i = 0; i < base->map.count; i++) {
        const struct hl_node_entry *entry = &base->map.entries[i];
        const struct hl_node_entry *other = hl_node_entry_find(head, entry->key);

        if (is_agreed(entry->key)) {
            if (!same(entry->value, other != NULL ? other->value : NULL))
                note(&composer, entry->key, other == NULL ? HL_PREVIEW_REMOVED : HL_PREVIEW_CHANGED, other != NULL ? other->at : (struct hl_span){.line = 0});
            add_entry(root, &(struct hl_node_entry){.key = entry->key}, settled(&composer, entry->value));
        } else if (is_trusted(entry->key) && other == NULL) {
            add_entry(root, &(struct hl_node_entry){.key = entry->key}, trusted_section(&composer, entry->key, entry->value, NULL));
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
