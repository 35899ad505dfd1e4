/* The text of the stack's file, both ways. */
#include "config.h"

#include "reconcile/providers/traefik/document.h"

#include "reconcile/providers/traefik/emit.h"
#include "reconcile/providers/traefik/shape.h"
#include "reconcile/transport/files.h"
#include "schema/base/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MARKER_HEX = 12, MAX_HEAD_LINES = 40 };

static const char head[] = "# Written by hlrec for the stack '%s'. Change the spec, not this file: `hlrec apply` puts back what the spec says,\n"
                           "# keeps other objects as they are, and drops comments.\n";
static const char owner_prefix[] = "# hlrec: 1 stack=";
static const char inlined_prefix[] = "# services of routers:";
static const char *const protocols[] = {"http", "tcp", "udp"};
static const char *const sections[] = {"routers", "services", "middlewares", "serversTransports"};

/* ---- reading ---- */

/* "# hlrec: 1 stack=bifrost state=0b1f" */
static void read_owner(struct hl_document *document, const char *line, const char *stack, const char *state_id)
{
    const size_t stack_length = strcspn(line, " ");
    const char *found_stack = hl_arena_copy(document->arena, line, stack_length);
    const char *state = line + stack_length;

    if (!hl_starts_with(state, " state="))
        return;
    state += strlen(" state=");
    const char *found_state = hl_arena_copy(document->arena, state, strcspn(state, " \r"));

    if (strcmp(found_stack, stack) == 0 && strcmp(found_state, state_id) == 0) {
        document->owner = HL_OWNER_US;
        return;
    }
    document->owner = HL_OWNER_OTHER;
    document->owner_text = hl_arena_printf(document->arena, "stack '%s' (state %s)", found_stack, found_state);
}

static void read_inlined(struct hl_document *document, const char *line)
{
    hl_map_put(document->inlined, "", document); /* the line is there: what it does not name is no router's own */
    while (*line != '\0') {
        const size_t blanks = strspn(line, " \r");
        const size_t length = strcspn(line + blanks, " \r");

        if (length > 0)
            hl_map_put(document->inlined, hl_arena_copy(document->arena, line + blanks, length), document);
        line += blanks + length;
    }
}

static void read_head(struct hl_document *document, const char *stack, const char *state_id)
{
    const char *at = document->text;

    for (int i = 0; i < MAX_HEAD_LINES && (*at == '#' || *at == '\n' || *at == '\r'); i++) {
        const size_t length = strcspn(at, "\n");
        const char *line = hl_arena_copy(document->arena, at, length);

        if (hl_starts_with(line, owner_prefix))
            read_owner(document, line + strlen(owner_prefix), stack, state_id);
        else if (hl_starts_with(line, inlined_prefix))
            read_inlined(document, line + strlen(inlined_prefix));
        at += length + (at[length] == '\n' ? 1 : 0);
    }
}

/* The name as Traefik documents it, or NULL when it is none of `names`. */
static const char *find_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0)
            return names[i];
    }
    return NULL;
}

static void put_section(struct hl_arena *arena, struct hl_value *part, const char *section, const struct hl_node *node)
{
    struct hl_value *former = hl_value_get(part, section);
    struct hl_value *tree = hl_tree_of_node(arena, node);

    /* The same section in two spellings is one to Traefik. */
    for (size_t i = 0; hl_value_is(former, HL_MAP) && hl_value_is(tree, HL_MAP) && i < hl_value_members(former); i++) {
        if (hl_value_get(tree, hl_value_key(former, i)) == NULL)
            hl_value_map_put(tree, hl_value_key(former, i), hl_value_at(former, i));
    }
    hl_value_map_put(part, section, tree);
}

static struct hl_value *part_of(struct hl_document *document, const struct hl_node *node, const char *protocol)
{
    struct hl_value *part = hl_value_get(document->root, protocol);

    if (!hl_value_is(part, HL_MAP))
        part = hl_value_map(document->arena);
    for (size_t i = 0; i < node->map.count; i++) {
        const struct hl_node_entry *entry = &node->map.entries[i];
        const char *section = find_name(sections, HL_COUNT(sections), entry->key);

        if (section != NULL && hl_node_is_null(entry->value))
            continue; /* `middlewares:` with nothing behind it */
        put_section(document->arena, part, section != NULL ? section : entry->key, entry->value);
    }
    return part;
}

static void read_tree(struct hl_document *document, const struct hl_node *node)
{
    for (size_t i = 0; i < node->map.count; i++) {
        const struct hl_node_entry *entry = &node->map.entries[i];
        const char *protocol = find_name(protocols, HL_COUNT(protocols), entry->key);

        if (protocol != NULL && entry->value->type == HL_NODE_MAP)
            hl_value_map_put(document->root, protocol, part_of(document, entry->value, protocol));
        else
            hl_value_map_put(document->root, entry->key, hl_tree_of_node(document->arena, entry->value));
    }
}

static bool is_misshapen(const struct hl_node_entry *entry)
{
    return entry->value->type != HL_NODE_MAP && !hl_node_is_null(entry->value);
}

/* The first protocol or section that is no mapping: Traefik refuses the file for it, and what stands there cannot be kept when the file is written. */
static const struct hl_node_entry *find_misshapen(const struct hl_node *node)
{
    for (size_t i = 0; i < node->map.count; i++) {
        const struct hl_node_entry *part = &node->map.entries[i];

        if (find_name(protocols, HL_COUNT(protocols), part->key) == NULL)
            continue;
        if (is_misshapen(part))
            return part;
        for (size_t j = 0; part->value->type == HL_NODE_MAP && j < part->value->map.count; j++) {
            const struct hl_node_entry *section = &part->value->map.entries[j];

            if (find_name(sections, HL_COUNT(sections), section->key) != NULL && is_misshapen(section))
                return section;
        }
    }
    return NULL;
}

static bool is_marker(const char *name, const char *stack)
{
    const size_t length = strlen(stack);

    return hl_starts_with(name, "hlrec-") && strncmp(name + 6, stack, length) == 0 && name[6 + length] == '-' &&
           strspn(name + 7 + length, "0123456789abcdef") == MARKER_HEX && name[7 + length + MARKER_HEX] == '\0';
}

static void take_marker(struct hl_document *document, const char *stack)
{
    struct hl_value *middlewares = hl_document_section(document, "http", "middlewares");

    for (size_t i = 0; i < hl_value_members(middlewares); i++) {
        if (!is_marker(hl_value_key(middlewares, i), stack))
            continue;
        document->marker = hl_arena_strdup(document->arena, hl_value_key(middlewares, i));
        hl_map_remove(middlewares->map, document->marker);
        return;
    }
}

void hl_document_parse(struct hl_document *document, struct hl_arena *arena, const char *text, size_t length, const char *stack, const char *state_id)
{
    struct hl_diags diags;

    *document = (struct hl_document){
        .arena = arena, .state = HL_DOCUMENT_READ, .text = text, .length = length, .root = hl_value_map(arena), .inlined = hl_map_new(arena)};
    read_head(document, stack, state_id);
    hl_diags_init(&diags, arena, "");
    const struct hl_node *node = hl_reader_parse(arena, text, length, &diags);
    const struct hl_node_entry *misshapen = node != NULL && node->type == HL_NODE_MAP ? find_misshapen(node) : NULL;

    if (node == NULL || node->type != HL_NODE_MAP || misshapen != NULL) {
        document->state = HL_DOCUMENT_BROKEN;
        document->problem = misshapen != NULL  ? hl_arena_printf(arena, "line %u: '%s' is %s instead of a mapping", misshapen->value->at.line, misshapen->key,
                                                                 hl_node_describe(misshapen->value))
                            : node != NULL     ? hl_arena_printf(arena, "it is %s instead of a mapping", hl_node_describe(node))
                            : diags.count == 0 ? "it cannot be read"
                                               : hl_arena_printf(arena, "line %u: %s", diags.items[0].at.line, diags.items[0].message);
        return;
    }
    read_tree(document, node);
    take_marker(document, stack);
}

bool hl_document_load(struct hl_document *document, struct hl_arena *arena, const struct hl_traefik *traefik, const struct hl_run *run, struct hl_error **err)
{
    const char *text = NULL;
    size_t length = 0;

    *document = (struct hl_document){.arena = arena, .root = hl_value_map(arena), .inlined = hl_map_new(arena)};
    if (hl_file_read(arena, traefik->path, HL_TRAEFIK_MAX_FILE, &text, &length, err)) {
        hl_document_parse(document, arena, text, length, run->stack, run->state_id);
        /* An empty file has no objects to be careful with. */
        if (document->owner == HL_OWNER_NONE && document->state == HL_DOCUMENT_READ && hl_document_is_empty(document))
            document->owner = HL_OWNER_US;
        return true;
    }
    if (*err == NULL || (*err)->code != HL_E_NOT_FOUND)
        return false;
    hl_error_clear(err);
    document->owner = HL_OWNER_US;
    return true;
}

/* ---- writing ---- */

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct hl_map_entry *)a)->key, ((const struct hl_map_entry *)b)->key);
}

/* Objects by name: the same objects give the same text, however they came to be there. */
static struct hl_value *sorted(struct hl_arena *arena, const struct hl_value *map)
{
    struct hl_value *copy = hl_value_map(arena);
    const size_t count = hl_value_count(map);
    struct hl_map_entry *entries = hl_arena_alloc(arena, (count + 1) * sizeof *entries);

    if (count > 0) {
        memcpy(entries, map->map->entries, count * sizeof *entries);
        qsort(entries, count, sizeof *entries, compare_entries);
    }
    for (size_t i = 0; i < count; i++)
        hl_value_map_put(copy, entries[i].key, entries[i].value);
    return copy;
}

/* Sections in their usual order, without the empty ones: Traefik refuses a file with `routers: {}`. */
static struct hl_value *tidy_part(struct hl_arena *arena, const struct hl_value *part)
{
    struct hl_value *tidy = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(sections); i++) {
        const struct hl_value *section = hl_value_get(part, sections[i]);

        if (hl_value_is(section, HL_MAP) && hl_value_count(section) > 0)
            hl_value_map_put(tidy, sections[i], sorted(arena, section));
    }
    for (size_t i = 0; i < hl_value_members(part); i++) {
        struct hl_value *section = hl_value_at(part, i);

        if (hl_value_get(tidy, hl_value_key(part, i)) == NULL && !(hl_value_is(section, HL_MAP) && hl_value_count(section) == 0))
            hl_value_map_put(tidy, hl_value_key(part, i), section);
    }
    return tidy;
}

static struct hl_value *tidy_root(struct hl_arena *arena, const struct hl_value *root)
{
    struct hl_value *tidy = hl_value_map(arena);

    for (size_t i = 0; i < HL_COUNT(protocols); i++) {
        struct hl_value *part = hl_value_get(root, protocols[i]);

        if (hl_value_is(part, HL_MAP) && hl_value_count(part = tidy_part(arena, part)) > 0)
            hl_value_map_put(tidy, protocols[i], part);
    }
    for (size_t i = 0; i < hl_value_members(root); i++) {
        const char *key = hl_value_key(root, i);

        if (find_name(protocols, HL_COUNT(protocols), key) == NULL)
            hl_value_map_put(tidy, key, hl_value_at(root, i));
    }
    return tidy;
}

static void put_head(struct hl_text *out, const struct hl_document *document, const char *stack, const char *state_id)
{
    hl_text_printf(out, head, stack);
    hl_text_printf(out, "%s%s state=%s\n", owner_prefix, stack, state_id);
    hl_text_puts(out, inlined_prefix);
    const struct hl_value names = {.type = HL_MAP, .map = document->inlined};
    const struct hl_value *in_order = sorted(document->arena, &names);

    for (size_t i = 0; i < hl_value_members(in_order); i++) {
        if (*hl_value_key(in_order, i) != '\0')
            hl_text_printf(out, " %s", hl_value_key(in_order, i));
    }
    hl_text_putc(out, '\n');
}

/* An unused middleware whose name tells the content: when the API has it, exactly this file is live. */
static void put_marker(struct hl_document *document, struct hl_value *root, const char *stack, const char *salt)
{
    hl_auto(text) struct hl_text body = HL_TEXT_INIT(HL_TRAEFIK_MAX_FILE);
    char hash[HL_HASH_HEX];
    struct hl_value *marker = hl_value_map(document->arena);
    struct hl_value *headers = hl_value_map(document->arena);
    struct hl_value *response = hl_value_map(document->arena);
    struct hl_value *http = hl_value_get(root, "http");
    struct hl_value *middlewares = hl_value_get(http, "middlewares");

    hl_traefik_emit_map(&body, root, 0);
    hl_text_puts(&body, salt == NULL ? "" : salt);
    hl_hash(NULL, hl_text_get(&body), body.length, hash);
    document->marker = hl_arena_printf(document->arena, "hlrec-%s-%.*s", stack, MARKER_HEX, hash);
    hl_value_map_put_text(response, "X-Hlrec", "marker");
    hl_value_map_put(headers, "customResponseHeaders", response);
    hl_value_map_put(marker, "headers", headers);
    if (http == NULL) {
        http = hl_value_map(document->arena);
        hl_value_map_put(root, "http", http);
    }
    if (middlewares == NULL) {
        middlewares = hl_value_map(document->arena);
        hl_value_map_put(http, "middlewares", middlewares);
    }
    hl_value_map_put(middlewares, document->marker, marker);
}

void hl_document_format(struct hl_document *document, const char *stack, const char *state_id, const char *salt, struct hl_text *out)
{
    struct hl_value *root = tidy_root(document->arena, document->root);

    hl_text_reset(out);
    document->marker = NULL;
    if (hl_document_is_empty(document))
        return;
    put_marker(document, root, stack, salt);
    put_head(out, document, stack, state_id);
    hl_traefik_emit_map(out, root, 0);
}
