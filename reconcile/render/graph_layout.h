/* A layered layout: what needs nothing stands in the first column, everything else right of what it needs. Private to render. */
#ifndef HL_RECONCILE_RENDER_GRAPH_LAYOUT_H
#define HL_RECONCILE_RENDER_GRAPH_LAYOUT_H

#include "reconcile/render/render.h"

/* Pixels. */
struct hl_layout_metrics {
    size_t row;       /* from the top of one box to that of the next */
    size_t bend;      /* the same for edges that pass */
    size_t gap;       /* between columns */
    size_t margin;    /* around all of it */
    size_t character; /* a letter's width */
    size_t padding;   /* of a box, on both sides together */
};

/* What is to be drawn: boxes in a topological order, each with those that it needs, which stand before it. */
struct hl_layout_link {
    size_t to;
    enum hl_edge edge;
};
struct hl_layout_item {
    size_t characters; /* of its longest line */
    const struct hl_layout_link *needs;
    size_t needs_count;
};

/* The first nodes are the items, in their order; behind them stand the bends: where edges from one item pass a column, all of them as one line. */
struct hl_layout_node {
    bool is_bend;
    bool is_joined; /* to anything; what is not stands last in its column */
    size_t next;    /* bend: the one of the same edges in the next column; 0: none */
    size_t layer;
    size_t place;  /* row within the layer */
    double weight; /* where its neighbours would like it */
    double row;    /* where it is put, in pixels */
    size_t x, y, width;
};

/* A piece of an edge, from one column to the next; the pieces of one edge follow each other: the first comes from an item, the last leads to one. */
struct hl_layout_edge {
    size_t from, to;
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

void hl_layout_compute(struct hl_arena *arena, const struct hl_layout_item *items, size_t count, const struct hl_layout_metrics *metrics,
                       struct hl_layout *out);
/* The resources of a spec, in the order of spec->order. */
struct hl_layout_item *hl_layout_items(struct hl_arena *arena, const struct hl_spec *spec);

#endif
