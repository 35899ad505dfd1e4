/* A layered layout: what needs nothing stands in the first column, everything else right of what it needs. Private to render. */
#ifndef HL_RECONCILE_RENDER_GRAPH_LAYOUT_H
#define HL_RECONCILE_RENDER_GRAPH_LAYOUT_H

#include "reconcile/render/render.h"

struct hl_layout_metrics {
    size_t row, gap, margin, character; /* pixels */
};

struct hl_layout_node {
    const struct hl_resource *resource; /* NULL: a bend of an edge that passes this column */
    size_t layer;
    size_t place;  /* row within the layer */
    double weight; /* where its neighbours would like it */
    size_t x, y, width;
};

struct hl_layout_edge {
    size_t from, to; /* nodes, of neighbouring layers */
    enum hl_edge edge;
};

struct hl_layout {
    struct hl_layout_node *nodes;
    size_t nodes_count, nodes_capacity;
    struct hl_layout_edge *edges;
    size_t edges_count, edges_capacity;
    size_t layers;
    size_t width, height;
};

void hl_layout_compute(struct hl_arena *arena, const struct hl_spec *spec, const struct hl_layout_metrics *metrics, struct hl_layout *out);

#endif
