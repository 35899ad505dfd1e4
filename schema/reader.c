/* Events of libyaml to nodes. The nodes under construction lie on two stacks outside of the arena (frames, and the items of all open frames), so that
 * each finished list or map takes exactly the room it needs. */
#include "config.h"

#include "schema/reader.h"

#include "schema/reader_keys.h"
#include "schema/reader_problem.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    KEY_CACHE = 1024, /* a power of two */
    KEY_CACHED = 32,  /* longer keys are hardly written twice */
    FIRST_ITEMS = 256,
    TEXTS = 16384,
    PACKED = 256, /* longer texts get room of their own */
};

/* A list or map that is being read. */
struct frame {
    struct hl_node *node;
    const char *anchor;
    size_t first;    /* its first item on the stack of items */
    size_t size;     /* nodes within, aliased ones counted each time */
    size_t height;   /* levels below */
    const char *key; /* map: the key whose value comes next, or NULL */
    uint32_t key_hash;
    bool key_merges;
    struct hl_span key_at;
};

struct anchor {
    struct hl_node *node;
    size_t size;
    size_t height;
    bool open; /* its node is not finished: an alias would contain itself */
};

struct reader {
    struct hl_arena *arena;
    struct hl_diags *diags;
    struct frame frames[HL_MAX_DEPTH + 1];
    size_t depth;
    struct hl_item *items;
    size_t count, capacity;
    struct hl_map anchors; /* name -> struct anchor * */
    struct hl_node *root;
    size_t nodes;
    size_t alias_nodes;
    char *texts; /* room for texts, packed: most are shorter than what the arena would round them up to */
    size_t texts_left, texts_size;
    const char *cache[KEY_CACHE]; /* keys are few and written often: most share one copy */
};

static struct hl_span span_of(yaml_mark_t mark)
{
    return (struct hl_span){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

static const char *keep_text(struct reader *reader, const char *data, size_t length)
{
    char *copy;

    if (length >= PACKED)
        return hl_arena_copy(reader->arena, data, length);
    if (reader->texts_left <= length) {
        reader->texts_left = reader->texts_size;
        reader->texts = hl_arena_alloc(reader->arena, reader->texts_size);
    }
    copy = memcpy(reader->texts, data, length);
    copy[length] = '\0';
    reader->texts += length + 1;
    reader->texts_left -= length + 1;
    return copy;
}

static const char *keep_key(struct reader *reader, const char *data, size_t length, uint32_t hash)
{
    const char **slot = &reader->cache[hash & (KEY_CACHE - 1)];

    if (length > KEY_CACHED)
        return keep_text(reader, data, length);
    if (*slot == NULL || strcmp(*slot, data) != 0)
        *slot = keep_text(reader, data, length);
    return *slot;
}

static void push_item(struct reader *reader, const struct hl_item *item)
{
    if (reader->count == reader->capacity) {
        reader->capacity *= 2;
        reader->items = hl_realloc(reader->items, reader->capacity * sizeof(*reader->items));
    }
    reader->items[reader->count++] = *item;
}

static void push_merged_map(struct reader *reader, const struct hl_node *map, struct hl_span at)
{
    if (map->type != HL_NODE_MAP) {
        struct hl_diag *diag = hl_diag_error(reader->diags, at, "'<<' merges mappings, found %s", hl_node_describe(map));

        hl_diag_hint(reader->diags, diag, "write '<<: *anchor' or '<<: [*one, *other]'");
        return;
    }
    for (size_t i = 0; i < map->map.count; i++) {
        const struct hl_node_entry *entry = &map->map.entries[i];

        push_item(reader, &(struct hl_item){.key = entry->key, .hash = hl_key_hash(entry->key, strlen(entry->key)), .at = entry->at, .value = entry->value});
    }
}

/* Puts what `<<` names behind the map's own items. */
static void push_merged(struct reader *reader, const struct hl_node *node, struct hl_span at)
{
    if (node->type != HL_NODE_LIST) {
        push_merged_map(reader, node, at);
        return;
    }
    for (size_t i = 0; i < node->list.count; i++)
        push_merged_map(reader, node->list.items[i], at);
}

static void report_duplicate(struct reader *reader, const struct hl_item *item, const struct hl_item *first)
{
    struct hl_diag *diag = hl_diag_error(reader->diags, item->at, "key '%s' is written twice: first on line %u", item->key, first->at.line);

    if (item->merge)
        hl_diag_hint(reader->diags, diag, "merge several with one key: '<<: [*one, *other]'");
}

/* Merged items go behind the map's own ones, since these win. Gives the number of own items. */
static size_t add_merged(struct reader *reader, const struct frame *frame)
{
    size_t own = reader->count - frame->first;

    for (size_t i = frame->first; i < frame->first + own; i++) {
        struct hl_item item = reader->items[i]; /* a copy: the stack moves when it grows */

        if (!item.merge)
            continue;
        push_merged(reader, item.value, item.at);
        break; /* a second << is reported as a key written twice */
    }
    return own;
}

/* Turns the frame's items into the map's entries: a key written twice is an error; of merged ones the first wins. */
static void finish_map(struct reader *reader, const struct frame *frame)
{
    struct hl_node *node = frame->node;
    size_t own = add_merged(reader, frame);
    size_t all = reader->count - frame->first;
    const struct hl_item *items = reader->items + frame->first;
    struct hl_keys keys;

    node->map.entries = hl_arena_alloc(reader->arena, all * sizeof(*node->map.entries));
    node->map.count = 0;
    hl_keys_init(&keys, items, all);
    for (size_t i = 0; i < all; i++) {
        const struct hl_item *first = hl_keys_add(&keys, i);

        if (first != NULL && i < own)
            report_duplicate(reader, &items[i], first);
        if (first == NULL && !items[i].merge)
            node->map.entries[node->map.count++] = (struct hl_node_entry){.key = items[i].key, .at = items[i].at, .value = items[i].value};
    }
    hl_keys_clear(&keys);
}

static void finish_list(struct reader *reader, const struct frame *frame)
{
    struct hl_node *node = frame->node;

    node->list.count = reader->count - frame->first;
    node->list.items = hl_arena_alloc(reader->arena, node->list.count * sizeof(struct hl_node *));
    for (size_t i = 0; i < node->list.count; i++)
        node->list.items[i] = reader->items[frame->first + i].value;
}

static struct hl_node *new_node(struct reader *reader, enum hl_node_type type, struct hl_span at)
{
    struct hl_node *node = hl_arena_alloc(reader->arena, sizeof(*node));

    node->type = type;
    node->at = at;
    return node;
}

static struct anchor *set_anchor(struct reader *reader, const char *name, struct hl_node *node)
{
    struct anchor *anchor = hl_arena_alloc(reader->arena, sizeof(*anchor));

    anchor->node = node;
    anchor->size = 1;
    hl_map_put(&reader->anchors, name, anchor);
    return anchor;
}

static struct frame *top(struct reader *reader)
{
    return reader->depth == 0 ? NULL : &reader->frames[reader->depth - 1];
}

static bool wants_key(struct reader *reader)
{
    const struct frame *frame = top(reader);

    return frame != NULL && frame->node->type == HL_NODE_MAP && frame->key == NULL;
}

/* Puts a node where the events have come to; `size` and `height` are those of its whole tree. */
static void attach(struct reader *reader, struct hl_node *node, size_t size, size_t height)
{
    struct frame *frame = top(reader);

    if (frame == NULL) {
        reader->root = node;
        return;
    }
    frame->size += size;
    if (height + 1 > frame->height)
        frame->height = height + 1;
    push_item(reader, &(struct hl_item){.key = frame->key, .hash = frame->key_hash, .merge = frame->key_merges, .at = frame->key_at, .value = node});
    frame->key = NULL;
}

static bool take_key(struct reader *reader, const char *data, size_t length, bool plain, struct hl_span at)
{
    struct frame *frame = top(reader);

    if (strlen(data) != length) {
        hl_diag_error(reader->diags, at, "a key cannot hold a NUL character");
        return false;
    }
    if (plain && length == 0) {
        hl_diag_error(reader->diags, at, "a key is missing before ':'");
        return false;
    }
    frame->key_hash = hl_key_hash(data, length);
    frame->key = keep_key(reader, data, length, frame->key_hash);
    frame->key_merges = plain && strcmp(data, "<<") == 0;
    frame->key_at = at;
    return true;
}

static bool refuse_key(struct reader *reader, struct hl_span at)
{
    const struct hl_span outer = top(reader)->node->at;
    struct hl_diag *diag = hl_diag_error(reader->diags, at, "a key must be text, found a list or a mapping");

    if (outer.line == at.line && outer.column + 1 == at.column)
        hl_diag_hint(reader->diags, diag, "a text that begins with '{' needs quotes: \"{{ ... }}\"");
    return false;
}

/* Types are given by the fields, so tags say nothing new; `!!str` and `!` make text of what looks like a number. */
static bool read_tag(struct reader *reader, const yaml_char_t *yaml_tag, struct hl_span at, bool *text)
{
    static const char *const core[] = {"int", "float", "bool", "null", "map", "seq"};
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *tag = (const char *)yaml_tag;

    if (tag == NULL)
        return true;
    if (strcmp(tag, "!") == 0) {
        *text = true;
        return true;
    }
    if (hl_starts_with(tag, prefix)) {
        if (strcmp(tag + strlen(prefix), "str") == 0) {
            *text = true;
            return true;
        }
        for (size_t i = 0; i < HL_COUNT(core); i++)
            if (strcmp(tag + strlen(prefix), core[i]) == 0)
                return true;
        hl_diag_error(reader->diags, at, "the YAML tag '!!%s' is not supported", tag + strlen(prefix));
        return false;
    }
    hl_diag_error(reader->diags, at, "the YAML tag '%s' is not supported", tag);
    return false;
}

static bool count_node(struct reader *reader, struct hl_span at)
{
    if (++reader->nodes <= HL_MAX_NODES)
        return true;
    hl_diag_error(reader->diags, at, "the file is too large: more than %d values", (int)HL_MAX_NODES);
    return false;
}

static bool read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct hl_span at = span_of(event->start_mark);
    const char *data = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    const char *name = (const char *)event->data.scalar.anchor;
    bool is_key = wants_key(reader);

    read_tag(reader, event->data.scalar.tag, at, &quoted);
    if (!count_node(reader, at))
        return false;
    if (is_key && !take_key(reader, data, length, !quoted, at))
        return false;
    if (is_key && name == NULL)
        return true;

    struct hl_node *node = new_node(reader, HL_NODE_SCALAR, at);

    node->plain = !quoted;
    node->scalar.data = keep_text(reader, data, length);
    node->scalar.length = length;
    if (name != NULL)
        set_anchor(reader, name, node);
    if (!is_key)
        attach(reader, node, 1, 0);
    return true;
}

static bool start_node(struct reader *reader, enum hl_node_type type, const yaml_char_t *name, const yaml_char_t *tag, struct hl_span at)
{
    struct frame *frame = &reader->frames[reader->depth];
    bool text = false;

    if (wants_key(reader))
        return refuse_key(reader, at);
    read_tag(reader, tag, at, &text);
    if (!count_node(reader, at))
        return false;
    if (reader->depth == HL_MAX_DEPTH) {
        hl_diag_error(reader->diags, at, "lists and mappings within each other go deeper than %d levels", (int)HL_MAX_DEPTH);
        return false;
    }
    *frame = (struct frame){.node = new_node(reader, type, at), .first = reader->count, .size = 1};
    if (name != NULL) {
        frame->anchor = hl_arena_strdup(reader->arena, (const char *)name);
        set_anchor(reader, frame->anchor, frame->node)->open = true;
    }
    reader->depth++;
    return true;
}

static void end_node(struct reader *reader)
{
    struct frame *frame = top(reader);

    if (frame->node->type == HL_NODE_MAP)
        finish_map(reader, frame);
    else
        finish_list(reader, frame);
    if (frame->anchor != NULL) {
        struct anchor *anchor = hl_map_find(&reader->anchors, frame->anchor);

        if (anchor->node == frame->node) {
            anchor->open = false;
            anchor->size = frame->size;
            anchor->height = frame->height;
        }
    }
    reader->count = frame->first;
    reader->depth--;
    attach(reader, frame->node, frame->size, frame->height);
}

static void report_no_anchor(struct reader *reader, const char *name, struct hl_span at)
{
    struct hl_diag *diag = hl_diag_error(reader->diags, at, "there is no anchor '&%s' before this '*%s'", name, name);
    size_t count = reader->anchors.count;
    const char **names = hl_alloc(count * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = reader->anchors.entries[i].key;
    hl_diag_hint(reader->diags, diag, "a text that begins with '*' needs quotes");
    hl_diag_suggest(reader->diags, diag, name, names, count);
    free(names);
}

/* Aliases share the node, so they cost no memory; but who walks the tree meets all of it each time. */
static bool read_alias(struct reader *reader, const yaml_event_t *event)
{
    struct hl_span at = span_of(event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = hl_map_find(&reader->anchors, name);

    if (anchor == NULL) {
        report_no_anchor(reader, name, at);
        return false;
    }
    if (anchor->open) {
        hl_diag_error(reader->diags, at, "'*%s' stands within the anchor '&%s' itself (line %u)", name, name, anchor->node->at.line);
        return false;
    }
    if (wants_key(reader)) {
        const struct hl_node *node = anchor->node;

        return node->type == HL_NODE_SCALAR ? take_key(reader, node->scalar.data, node->scalar.length, node->plain, at) : refuse_key(reader, at);
    }
    reader->alias_nodes += anchor->size;
    if (reader->alias_nodes > (size_t)HL_MAX_ALIAS_NODES + 10 * reader->nodes) {
        hl_diag_error(reader->diags, at, "aliases make the file too large: more than %d values come from them", (int)HL_MAX_ALIAS_NODES);
        return false;
    }
    if (reader->depth + anchor->height > HL_MAX_DEPTH) {
        hl_diag_error(reader->diags, at, "with this alias, lists and mappings within each other go deeper than %d levels", (int)HL_MAX_DEPTH);
        return false;
    }
    attach(reader, anchor->node, anchor->size, anchor->height);
    return true;
}

/* False when reading cannot go on. */
static bool read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_MAPPING_START_EVENT:
        return start_node(reader, HL_NODE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag, span_of(event->start_mark));
    case YAML_SEQUENCE_START_EVENT:
        return start_node(reader, HL_NODE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag, span_of(event->start_mark));
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        end_node(reader);
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root == NULL)
            return true;
        hl_diag_error(reader->diags, span_of(event->start_mark), "a second YAML document begins here: a file holds one");
        return false;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

/* Until the end of the stream; false after a finding that ends reading. */
static bool read_all(struct reader *reader, yaml_parser_t *parser, const char *text, size_t length)
{
    yaml_event_type_t type = YAML_NO_EVENT;

    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;

        if (yaml_parser_parse(parser, &event) == 0) {
            hl_reader_report(reader->diags, parser, text, length);
            return false;
        }
        type = event.type;

        bool ok = read_event(reader, &event);

        yaml_event_delete(&event);
        if (!ok)
            return false;
    }
    return true;
}

struct hl_node *hl_reader_parse(struct hl_arena *arena, const char *text, size_t length, struct hl_diags *diags)
{
    struct reader *reader = hl_alloc(sizeof(*reader));
    struct hl_node *root = NULL;
    yaml_parser_t parser;

    reader->arena = arena;
    reader->diags = diags;
    hl_map_init(&reader->anchors, arena);
    reader->texts_size = length < TEXTS - PACKED ? length + PACKED : TEXTS;
    reader->capacity = FIRST_ITEMS;
    reader->items = hl_alloc(reader->capacity * sizeof(*reader->items));
    if (yaml_parser_initialize(&parser) == 0)
        abort();
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* else it would count as a column */
        text += 3;
        length -= 3;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (read_all(reader, &parser, text, length)) {
        root = reader->root != NULL ? reader->root : new_node(reader, HL_NODE_MAP, (struct hl_span){.line = 1, .column = 1});
        if (hl_node_is_null(root))
            root = new_node(reader, HL_NODE_MAP, root->at);
    }
    yaml_parser_delete(&parser);
    free(reader->items);
    free(reader);
    return root;
}
