#include "config.h"

#include "reconcile/render/graph_layout.h"

#include <stdlib.h>
#include <string.h>

/* Passes over the layers that untangle crossings, and the size from which the picture is too large for that to pay. */
enum { SWEEPS = 8, BENDS_MAXIMUM = 20000 };

static void *grown(struct hl_arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;

    void *larger = hl_arena_alloc(arena, *capacity * size);

    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static size_t add_node(struct hl_arena *arena, struct hl_layout *layout, const struct hl_resource *resource, size_t layer)
{
    if (layout->nodes_count == layout->nodes_capacity)
        layout->nodes = grown(arena, layout->nodes, layout->nodes_count, &layout->nodes_capacity, sizeof(*layout->nodes));
    layout->nodes[layout->nodes_count] = (struct hl_layout_node){.resource = resource, .layer = layer};
    return layout->nodes_count++;
}

static void add_edge(struct hl_arena *arena, struct hl_layout *layout, size_t from, size_t to, enum hl_edge edge)
{
    if (layout->edges_count == layout->edges_capacity)
        layout->edges = grown(arena, layout->edges, layout->edges_count, &layout->edges_capacity, sizeof(*layout->edges));
    layout->edges[layout->edges_count++] = (struct hl_layout_edge){.from = from, .to = to, .edge = edge};
}

/* The longest way from something that needs nothing. The order is topological, so one pass does. */
static void place_in_layers(struct hl_arena *arena, const struct hl_spec *spec, struct hl_layout *layout)
{
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];
        size_t layer = 0;

        for (size_t j = 0; j < resource->needs_count; j++) {
            const size_t before = layout->nodes[resource->needs[j].to->rank].layer + 1;

            layer = before > layer ? before : layer;
        }
        add_node(arena, layout, resource, layer);
        layout->layers = layer + 1 > layout->layers ? layer + 1 : layout->layers;
    }
}

/* An edge over several layers gets a bend in each, so that it runs between the boxes and not through them. */
static void add_edges(struct hl_arena *arena, const struct hl_spec *spec, struct hl_layout *layout)
{
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];

        for (size_t j = 0; j < resource->needs_count; j++) {
            size_t from = resource->needs[j].to->rank;

            for (size_t layer = layout->nodes[from].layer + 1; layer < layout->nodes[i].layer && layout->nodes_count < BENDS_MAXIMUM; layer++) {
                const size_t bend = add_node(arena, layout, NULL, layer);

                add_edge(arena, layout, from, bend, resource->needs[j].edge);
                from = bend;
            }
            add_edge(arena, layout, from, i, resource->needs[j].edge);
        }
    }
}

static int compare_weights(const void *a, const void *b)
{
    const struct hl_layout_node *left = *(struct hl_layout_node *const *)a;
    const struct hl_layout_node *right = *(struct hl_layout_node *const *)b;

    if (left->layer != right->layer)
        return left->layer < right->layer ? -1 : 1;
    if (left->weight != right->weight)
        return left->weight < right->weight ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place ? 1 : 0;
}

static void number_places(struct hl_layout_node **sorted, size_t count)
{
    for (size_t i = 0, place = 0; i < count; i++) {
        place = i > 0 && sorted[i]->layer == sorted[i - 1]->layer ? place + 1 : 0;
        sorted[i]->place = place;
    }
}

/* Moves each node to the mean place of its neighbours on one side; repeated from both sides, crossings become few. */
static void sweep(struct hl_layout *layout, struct hl_layout_node **sorted, double *sums, size_t *counts, bool forward)
{
    for (size_t i = 0; i < layout->nodes_count; i++) {
        sums[i] = 0;
        counts[i] = 0;
    }
    for (size_t i = 0; i < layout->edges_count; i++) {
        const size_t moved = forward ? layout->edges[i].to : layout->edges[i].from;
        const size_t fixed = forward ? layout->edges[i].from : layout->edges[i].to;

        sums[moved] += (double)layout->nodes[fixed].place;
        counts[moved]++;
    }
    for (size_t i = 0; i < layout->nodes_count; i++)
        layout->nodes[i].weight = counts[i] > 0 ? sums[i] / (double)counts[i] : (double)layout->nodes[i].place;
    qsort(sorted, layout->nodes_count, sizeof(struct hl_layout_node *), compare_weights);
    number_places(sorted, layout->nodes_count);
}

static void order_layers(struct hl_arena *arena, struct hl_layout *layout)
{
    struct hl_layout_node **sorted = hl_arena_alloc(arena, (layout->nodes_count + 1) * sizeof(struct hl_layout_node *));
    double *sums = hl_arena_alloc(arena, (layout->nodes_count + 1) * sizeof(*sums));
    size_t *counts = hl_arena_alloc(arena, (layout->nodes_count + 1) * sizeof(*counts));

    for (size_t i = 0; i < layout->nodes_count; i++) {
        sorted[i] = &layout->nodes[i];
        layout->nodes[i].place = i;
    }
    qsort(sorted, layout->nodes_count, sizeof(struct hl_layout_node *), compare_weights);
    number_places(sorted, layout->nodes_count);
    for (int i = 0; i < SWEEPS; i++)
        sweep(layout, sorted, sums, counts, i % 2 == 0);
}

static void set_coordinates(struct hl_arena *arena, struct hl_layout *layout, const struct hl_layout_metrics *metrics)
{
    size_t *widths = hl_arena_alloc(arena, (layout->layers + 1) * sizeof(*widths));
    size_t *starts = hl_arena_alloc(arena, (layout->layers + 1) * sizeof(*starts));
    size_t rows = 0;

    for (size_t i = 0; i < layout->nodes_count; i++) {
        struct hl_layout_node *node = &layout->nodes[i];

        node->width = node->resource != NULL ? (strlen(node->resource->address) + 2) * metrics->character : 0;
        widths[node->layer] = node->width > widths[node->layer] ? node->width : widths[node->layer];
        rows = node->place + 1 > rows ? node->place + 1 : rows;
    }
    starts[0] = metrics->margin;
    for (size_t i = 0; i < layout->layers; i++)
        starts[i + 1] = starts[i] + widths[i] + metrics->gap;
    for (size_t i = 0; i < layout->nodes_count; i++) {
        struct hl_layout_node *node = &layout->nodes[i];

        node->x = starts[node->layer];
        node->y = metrics->margin + node->place * metrics->row;
        if (node->resource == NULL)
            node->width = widths[node->layer];
    }
    layout->width = layout->layers == 0 ? 2 * metrics->margin : starts[layout->layers] - metrics->gap + metrics->margin;
    layout->height = 2 * metrics->margin + rows * metrics->row;
}

void hl_layout_compute(struct hl_arena *arena, const struct hl_spec *spec, const struct hl_layout_metrics *metrics, struct hl_layout *out)
{
    *out = (struct hl_layout){0};
    place_in_layers(arena, spec, out);
    add_edges(arena, spec, out);
    order_layers(arena, out);
    set_coordinates(arena, out, metrics);
}
