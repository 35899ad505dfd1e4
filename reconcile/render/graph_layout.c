#include "config.h"

#include "reconcile/render/graph_layout.h"

#include <stdlib.h>
#include <string.h>

/* Passes over the layers that untangle crossings, and that straighten edges; the size from which the picture is too large for that to pay. */
enum { SWEEPS = 8, SETTLINGS = 12, BENDS_MAXIMUM = 20000 };

static void *grown(struct hl_arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;

    void *larger = hl_arena_alloc(arena, *capacity * size);

    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static size_t add_node(struct hl_arena *arena, struct hl_layout *layout, bool is_bend, size_t layer)
{
    if (layout->nodes_count == layout->nodes_capacity)
        layout->nodes = grown(arena, layout->nodes, layout->nodes_count, &layout->nodes_capacity, sizeof(*layout->nodes));
    layout->nodes[layout->nodes_count] = (struct hl_layout_node){.is_bend = is_bend, .layer = layer};
    return layout->nodes_count++;
}

static void add_edge(struct hl_arena *arena, struct hl_layout *layout, size_t from, size_t to, enum hl_edge edge)
{
    if (layout->edges_count == layout->edges_capacity)
        layout->edges = grown(arena, layout->edges, layout->edges_count, &layout->edges_capacity, sizeof(*layout->edges));
    layout->edges[layout->edges_count++] = (struct hl_layout_edge){.from = from, .to = to, .edge = edge};
    layout->nodes[from].is_joined = true;
    layout->nodes[to].is_joined = true;
}

/* The longest way from something that needs nothing. The order is topological, so one pass does. */
static void place_in_layers(struct hl_arena *arena, const struct hl_layout_item *items, size_t count, struct hl_layout *layout)
{
    for (size_t i = 0; i < count; i++) {
        size_t layer = 0;

        for (size_t j = 0; j < items[i].needs_count; j++) {
            const size_t before = layout->nodes[items[i].needs[j].to].layer + 1;

            layer = before > layer ? before : layer;
        }
        add_node(arena, layout, false, layer);
        layout->layers = layer + 1 > layout->layers ? layer + 1 : layout->layers;
    }
}

/* The bend in a column: the known one, or a new one. 0 when there are too many. */
static size_t take_bend(struct hl_arena *arena, struct hl_layout *layout, size_t known, size_t layer)
{
    if (known != 0 || layout->nodes_count >= BENDS_MAXIMUM)
        return known;
    return add_node(arena, layout, true, layer);
}

static void add_pieces(struct hl_arena *arena, struct hl_layout *layout, const struct hl_layout_link *need, size_t to, size_t *first)
{
    size_t from = need->to;

    for (size_t layer = layout->nodes[from].layer + 1; layer < layout->nodes[to].layer; layer++) {
        const size_t known = from == need->to ? *first : layout->nodes[from].next;
        const size_t bend = take_bend(arena, layout, known, layer);

        if (bend == 0)
            break;
        if (from == need->to)
            *first = bend;
        else
            layout->nodes[from].next = bend;
        add_edge(arena, layout, from, bend, need->edge);
        from = bend;
    }
    add_edge(arena, layout, from, to, need->edge);
}

/* An edge over several layers gets a bend in each, so that it runs between the boxes and not through them. Those that begin at one item and look alike share
 * them. */
static void add_edges(struct hl_arena *arena, const struct hl_layout_item *items, size_t count, struct hl_layout *layout)
{
    size_t(*first)[2] = hl_arena_alloc(arena, (count + 1) * sizeof(*first));

    memset(first, 0, (count + 1) * sizeof(*first));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < items[i].needs_count; j++) {
            const struct hl_layout_link *need = &items[i].needs[j];

            add_pieces(arena, layout, need, i, &first[need->to][need->edge == HL_EDGE_PROVIDER ? 1 : 0]);
        }
    }
}

static int compare_weights(const void *a, const void *b)
{
    const struct hl_layout_node *left = *(struct hl_layout_node *const *)a;
    const struct hl_layout_node *right = *(struct hl_layout_node *const *)b;

    if (left->layer != right->layer)
        return left->layer < right->layer ? -1 : 1;
    if (left->is_joined != right->is_joined)
        return left->is_joined ? -1 : 1;
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

/* Gives the nodes sorted by layer, and by place within it. */
static struct hl_layout_node **order_layers(struct hl_arena *arena, struct hl_layout *layout)
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
    return sorted;
}

/* ---- rows ---- */

/* Nodes that stand as close as they may, moved as one. */
struct pool {
    double sum;
    size_t count;
};

static double height_of(const struct hl_layout_node *node, const struct hl_layout_metrics *metrics)
{
    return (double)(node->is_bend ? metrics->bend : metrics->row);
}

/* Puts the nodes of one layer as near to where they would like to be (`weight`) as their order and distances allow: least squares, by pooling neighbours that
 * would overlap. `pools` has room for `count`. */
static void settle_layer(struct hl_layout_node **nodes, size_t count, const struct hl_layout_metrics *metrics, struct pool *pools)
{
    double offset = 0;
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !nodes[i]->is_joined)
            nodes[i]->weight = nodes[i - 1]->weight + height_of(nodes[i - 1], metrics);
        pools[used++] = (struct pool){.sum = nodes[i]->weight - offset, .count = 1};
        offset += height_of(nodes[i], metrics);
        while (used > 1 && pools[used - 2].sum / (double)pools[used - 2].count > pools[used - 1].sum / (double)pools[used - 1].count) {
            pools[used - 2].sum += pools[used - 1].sum;
            pools[used - 2].count += pools[used - 1].count;
            used--;
        }
    }
    offset = 0;
    for (size_t i = 0, pool = 0, within = 0; i < count; i++) {
        nodes[i]->row = pools[pool].sum / (double)pools[pool].count + offset;
        offset += height_of(nodes[i], metrics);
        if (++within == pools[pool].count) {
            pool++;
            within = 0;
        }
    }
}

/* The mean row of the neighbours on one side, or on both. */
static void wish_rows(struct hl_layout *layout, size_t *counts, bool before, bool after)
{
    for (size_t i = 0; i < layout->nodes_count; i++) {
        layout->nodes[i].weight = 0;
        counts[i] = 0;
    }
    for (size_t i = 0; i < layout->edges_count; i++) {
        struct hl_layout_node *from = &layout->nodes[layout->edges[i].from];
        struct hl_layout_node *to = &layout->nodes[layout->edges[i].to];

        if (before) {
            to->weight += from->row;
            counts[layout->edges[i].to]++;
        }
        if (after) {
            from->weight += to->row;
            counts[layout->edges[i].from]++;
        }
    }
    for (size_t i = 0; i < layout->nodes_count; i++)
        layout->nodes[i].weight = counts[i] > 0 ? layout->nodes[i].weight / (double)counts[i] : layout->nodes[i].row;
}

static void settle(struct hl_layout_node **sorted, size_t count, const struct hl_layout_metrics *metrics, struct pool *pools)
{
    for (size_t from = 0; from < count;) {
        size_t end = from;

        while (end < count && sorted[end]->layer == sorted[from]->layer)
            end++;
        settle_layer(sorted + from, end - from, metrics, pools);
        from = end;
    }
}

/* Each node level with what it is joined to, as far as there is room: edges become straight. */
static void set_rows(struct hl_arena *arena, struct hl_layout *layout, struct hl_layout_node **sorted, const struct hl_layout_metrics *metrics)
{
    struct pool *pools = hl_arena_alloc(arena, (layout->nodes_count + 1) * sizeof(*pools));
    size_t *counts = hl_arena_alloc(arena, (layout->nodes_count + 1) * sizeof(*counts));
    double top = 0;

    for (size_t i = 0; i < layout->nodes_count; i++)
        sorted[i]->row = (double)(sorted[i]->place * metrics->row);
    for (int i = 0; i < SETTLINGS; i++) {
        wish_rows(layout, counts, i % 3 != 1, i % 3 != 0);
        settle(sorted, layout->nodes_count, metrics, pools);
    }
    for (size_t i = 0; i < layout->nodes_count; i++)
        top = sorted[i]->row < top || i == 0 ? sorted[i]->row : top;
    for (size_t i = 0; i < layout->nodes_count; i++)
        sorted[i]->row -= top;
}

static void set_coordinates(struct hl_arena *arena, struct hl_layout *layout, const struct hl_layout_item *items, size_t count,
                            const struct hl_layout_metrics *metrics)
{
    size_t *widths = hl_arena_alloc(arena, (layout->layers + 1) * sizeof(*widths));
    size_t *starts = hl_arena_alloc(arena, (layout->layers + 1) * sizeof(*starts));
    size_t bottom = 0;

    for (size_t i = 0; i < count; i++) {
        struct hl_layout_node *node = &layout->nodes[i];

        node->width = items[i].characters * metrics->character + metrics->padding;
        widths[node->layer] = node->width > widths[node->layer] ? node->width : widths[node->layer];
    }
    starts[0] = metrics->margin;
    for (size_t i = 0; i < layout->layers; i++)
        starts[i + 1] = starts[i] + widths[i] + metrics->gap;
    for (size_t i = 0; i < layout->nodes_count; i++) {
        struct hl_layout_node *node = &layout->nodes[i];

        node->x = starts[node->layer];
        node->y = metrics->margin + (size_t)(node->row + 0.5);
        bottom = node->y + metrics->row > bottom ? node->y + metrics->row : bottom;
        if (node->is_bend)
            node->width = widths[node->layer];
    }
    layout->width = layout->layers == 0 ? 2 * metrics->margin : starts[layout->layers] - metrics->gap + metrics->margin;
    layout->height = bottom + metrics->margin;
}

void hl_layout_compute(struct hl_arena *arena, const struct hl_layout_item *items, size_t count, const struct hl_layout_metrics *metrics, struct hl_layout *out)
{
    *out = (struct hl_layout){0};
    place_in_layers(arena, items, count, out);
    add_edges(arena, items, count, out);
    set_rows(arena, out, order_layers(arena, out), metrics);
    set_coordinates(arena, out, items, count, metrics);
}

struct hl_layout_item *hl_layout_items(struct hl_arena *arena, const struct hl_spec *spec)
{
    struct hl_layout_item *items = hl_arena_alloc(arena, (spec->resources.count + 1) * sizeof(*items));

    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];
        struct hl_layout_link *needs = hl_arena_alloc(arena, (resource->needs_count + 1) * sizeof(*needs));

        for (size_t j = 0; j < resource->needs_count; j++)
            needs[j] = (struct hl_layout_link){.to = resource->needs[j].to->rank, .edge = resource->needs[j].edge};
        items[i] = (struct hl_layout_item){.characters = strlen(resource->address), .needs = needs, .needs_count = resource->needs_count};
    }
    return items;
}
