/* Who needs whom: collecting dependencies, an order that respects them, and cycles. */
#include "config.h"

#include "schema/load.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_OF_CYCLE = 20 };

void hl_dependencies_begin(struct hl_loader *loader)
{
    loader->stamp++;
    loader->found_count = 0;
}

void hl_dependencies_add(struct hl_loader *loader, struct hl_resource *to, enum hl_edge edge, const char *condition, struct hl_span at)
{
    struct hl_mark *mark = &loader->marks[to->rank];

    if (mark->stamp == loader->stamp) {
        struct hl_dependency *first = &loader->found[mark->number];

        if (first->condition == NULL)
            first->condition = condition;
        return;
    }
    if (loader->found_count == loader->found_capacity) {
        loader->found_capacity = loader->found_capacity == 0 ? 64 : loader->found_capacity * 2;
        loader->found = hl_realloc(loader->found, loader->found_capacity * sizeof(*loader->found));
    }
    *mark = (struct hl_mark){.stamp = loader->stamp, .number = (uint32_t)loader->found_count};
    loader->found[loader->found_count++] = (struct hl_dependency){.to = to, .edge = edge, .condition = condition, .at = at};
}

void hl_dependencies_add_needs(struct hl_loader *loader, const struct hl_value *needs)
{
    for (size_t i = 0; i < hl_value_count(needs); i++) {
        const struct hl_value *item = hl_value_item(needs, i);
        struct hl_resource *to = NULL;

        if (item->type == HL_TEXT)
            to = hl_address_find(loader->spec, item->text.data, item->at, loader->diags);
        if (to != NULL)
            hl_dependencies_add(loader, to, HL_EDGE_NEEDS, NULL, item->at);
    }
}

struct hl_dependency *hl_dependencies_take(struct hl_loader *loader, size_t *count)
{
    struct hl_dependency *copy = NULL;

    *count = loader->found_count;
    if (*count > 0) {
        copy = hl_arena_alloc(loader->spec->arena, *count * sizeof(*copy));
        memcpy(copy, loader->found, *count * sizeof(*copy));
    }
    return copy;
}

/* Everything by the resource's number in the file, which `rank` holds until the end. */
struct graph {
    struct hl_loader *loader;
    size_t count;
    size_t *waiting; /* dependencies that have no level yet */
    size_t *level;   /* 0: needs nothing; else one more than the highest level it needs */
    size_t *first;   /* of the users in `users`; count + 1 entries */
    struct hl_resource **users;
    struct hl_resource **ready; /* in the order in which they got their level */
    size_t ready_count;
};

static struct hl_resource *resource_at(const struct graph *graph, size_t number)
{
    return graph->loader->spec->resources.entries[number].value;
}

/* The edges the other way round, as one array cut into parts. */
static void index_users(struct graph *graph)
{
    size_t *next;

    graph->first = hl_alloc((graph->count + 2) * sizeof(size_t));
    for (size_t i = 0; i < graph->count; i++)
        for (size_t j = 0; j < resource_at(graph, i)->needs_count; j++)
            graph->first[resource_at(graph, i)->needs[j].to->rank + 2]++;
    for (size_t i = 2; i < graph->count + 2; i++)
        graph->first[i] += graph->first[i - 1];
    graph->users = hl_alloc((graph->first[graph->count + 1] + 1) * sizeof(struct hl_resource *));
    next = graph->first + 1; /* becomes `first` by the time all are filled in */
    for (size_t i = 0; i < graph->count; i++)
        for (size_t j = 0; j < resource_at(graph, i)->needs_count; j++)
            graph->users[next[resource_at(graph, i)->needs[j].to->rank]++] = resource_at(graph, i);
}

static void make_ready(struct graph *graph, struct hl_resource *resource)
{
    graph->ready[graph->ready_count++] = resource;
}

/* Gives each resource its level; those on a cycle, or behind one, get none. */
static void assign_levels(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        graph->waiting[i] = resource_at(graph, i)->needs_count;
        if (graph->waiting[i] == 0)
            make_ready(graph, resource_at(graph, i));
    }
    for (size_t i = 0; i < graph->ready_count; i++) {
        size_t number = graph->ready[i]->rank;

        for (size_t j = graph->first[number]; j < graph->first[number + 1]; j++) {
            size_t user = graph->users[j]->rank;

            if (graph->level[user] <= graph->level[number])
                graph->level[user] = graph->level[number] + 1;
            if (--graph->waiting[user] == 0)
                make_ready(graph, graph->users[j]);
        }
    }
}

static int compare_addresses(const void *a, const void *b)
{
    return strcmp((*(struct hl_resource *const *)a)->address, (*(struct hl_resource *const *)b)->address);
}

/* By level, then address: the same for the same spec, whatever the order of its keys. */
static void sort_by_level(struct graph *graph)
{
    struct hl_spec *spec = graph->loader->spec;
    size_t *start = hl_alloc((graph->count + 2) * sizeof(size_t));

    spec->order = hl_arena_alloc(spec->arena, graph->count * sizeof(struct hl_resource *));
    for (size_t i = 0; i < graph->count; i++)
        start[graph->level[i] + 1]++;
    for (size_t i = 1; i <= graph->count; i++)
        start[i] += start[i - 1];
    for (size_t i = 0; i < graph->count; i++)
        spec->order[start[graph->level[i]]++] = resource_at(graph, i);
    for (size_t i = 0, end; i < graph->count; i = end) { /* start[level] is where the level ends by now */
        end = start[graph->level[spec->order[i]->rank]];
        qsort(spec->order + i, end - i, sizeof(struct hl_resource *), compare_addresses);
    }
    free(start);
    for (size_t i = 0; i < graph->count; i++)
        spec->order[i]->rank = i;
}

/* One step of the walk that looks for cycles. */
struct step {
    struct hl_resource *resource;
    size_t next; /* of its dependencies */
};

enum { NEW, ON_PATH, DONE, REPORTED };

static void put_hop(struct hl_text *out, const struct hl_resource *from, const struct hl_dependency *hop)
{
    hl_text_printf(out, "%s%s needs %s", out->length == 0 ? "" : ", ", from->address, hop->to == from ? "itself" : hop->to->address);
    if (hop->at.line > 0)
        hl_text_printf(out, " (line %u", hop->at.line);
    if (hop->edge == HL_EDGE_PROVIDER)
        hl_text_printf(out, "%sprovider '%s'", hop->at.line > 0 ? ", " : " (", from->provider->name);
    if (hop->at.line > 0 || hop->edge == HL_EDGE_PROVIDER)
        hl_text_putc(out, ')');
}

/* `path` of `length` steps, each with its hop to the next behind it (`next` - 1), the last to the first. Told from the one that stands first in
 * the file. */
static void report_cycle(struct graph *graph, const struct step *path, size_t length)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    struct hl_diags *diags = graph->loader->diags;
    size_t start = 0;
    const struct hl_dependency *hop;

    for (size_t i = 1; i < length; i++)
        if (path[i].resource->rank < path[start].resource->rank)
            start = i;
    for (size_t i = 0; i < length && i < SHOWN_OF_CYCLE; i++) {
        const struct step *step = &path[(start + i) % length];

        put_hop(&text, step->resource, &step->resource->needs[step->next - 1]);
    }
    if (length > SHOWN_OF_CYCLE)
        hl_text_printf(&text, ", and %zu more", length - SHOWN_OF_CYCLE);
    hop = &path[start].resource->needs[path[start].next - 1];
    diags->address = path[start].resource->address;
    hl_diag_error(diags, hop->at.line > 0 ? hop->at : path[start].resource->at, "dependency cycle: %s", hl_text_get(&text));
    diags->address = NULL;
}

/* The resource is on the path already: from there on it is a cycle. Cycles that share a resource with a reported one are not told as well. */
static void close_cycle(struct graph *graph, unsigned char *state, const struct step *path, size_t length, const struct hl_resource *to)
{
    size_t start = length;
    bool is_new = true;

    do {
        start--;
        is_new &= state[path[start].resource->rank] != REPORTED;
    } while (path[start].resource != to);
    if (!is_new)
        return;
    report_cycle(graph, path + start, length - start);
    for (size_t i = start; i < length; i++)
        state[path[i].resource->rank] = REPORTED;
}

/* Walks depth first, with the path on the heap: chains can be as long as the spec. */
static void walk_from(struct graph *graph, unsigned char *state, bool *on_path, struct step *path, struct hl_resource *root)
{
    size_t length = 1;

    path[0] = (struct step){.resource = root};
    state[root->rank] = ON_PATH;
    on_path[root->rank] = true;
    while (length > 0) {
        struct step *step = &path[length - 1];
        struct hl_resource *to;

        if (step->next == step->resource->needs_count) {
            on_path[step->resource->rank] = false;
            length--;
            continue;
        }
        to = step->resource->needs[step->next++].to;
        if (graph->waiting[to->rank] == 0)
            continue;
        if (on_path[to->rank]) {
            close_cycle(graph, state, path, length, to);
        } else if (state[to->rank] == NEW) {
            state[to->rank] = ON_PATH;
            on_path[to->rank] = true;
            path[length++] = (struct step){.resource = to};
        }
    }
}

static void find_cycles(struct graph *graph)
{
    unsigned char *state = hl_alloc(graph->count);
    bool *on_path = hl_alloc(graph->count * sizeof(*on_path));
    struct step *path = hl_alloc((graph->count + 1) * sizeof(*path));

    for (size_t i = 0; i < graph->count; i++)
        if (graph->waiting[i] > 0 && state[i] == NEW)
            walk_from(graph, state, on_path, path, resource_at(graph, i));
    free(path);
    free(on_path);
    free(state);
}

void hl_load_graph(struct hl_loader *loader)
{
    size_t count = loader->spec->resources.count;
    struct graph graph = {.loader = loader,
                          .count = count,
                          .waiting = hl_alloc(count * sizeof(size_t)),
                          .level = hl_alloc(count * sizeof(size_t)),
                          .ready = hl_alloc(count * sizeof(struct hl_resource *))};

    index_users(&graph);
    assign_levels(&graph);
    if (graph.ready_count == count)
        sort_by_level(&graph);
    else
        find_cycles(&graph);
    free(graph.users);
    free(graph.first);
    free(graph.ready);
    free(graph.level);
    free(graph.waiting);
}
