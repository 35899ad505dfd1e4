/* The spec's resources and what needs what, for eyes: dot and mermaid for other programs, SVG with a layered layout of our own. */
#include "config.h"

#include "reconcile/render/graph_layout.h"

#include <string.h>

static const char *const edge_styles[] = {
    [HL_EDGE_REFERENCE] = "solid",
    [HL_EDGE_NEEDS] = "bold",
    [HL_EDGE_FIELD] = "solid",
    [HL_EDGE_PROVIDER] = "dashed",
};
_Static_assert(HL_COUNT(edge_styles) == HL_EDGES, "a style for each edge");

/* ---- dot ---- */

static void put_dot_text(struct hl_text *out, const char *text)
{
    hl_text_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            hl_text_putc(out, '\\');
        hl_text_putc(out, *text);
    }
    hl_text_putc(out, '"');
}

static void put_dot(struct hl_text *out, const struct hl_spec *spec)
{
    hl_text_puts(out, "digraph ");
    put_dot_text(out, spec->stack);
    hl_text_puts(out, " {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];

        hl_text_puts(out, "  ");
        put_dot_text(out, resource->address);
        hl_text_puts(out, ";\n");
    }
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];

        for (size_t j = 0; j < resource->needs_count; j++) {
            hl_text_puts(out, "  ");
            put_dot_text(out, resource->needs[j].to->address);
            hl_text_puts(out, " -> ");
            put_dot_text(out, resource->address);
            hl_text_printf(out, " [style=%s];\n", edge_styles[resource->needs[j].edge]);
        }
    }
    hl_text_puts(out, "}\n");
}

/* ---- mermaid ---- */

static void put_entity_text(struct hl_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\"<>#&;`|[](){}", *text) != NULL)
            hl_text_printf(out, "#%d;", (int)(unsigned char)*text);
        else
            hl_text_putc(out, *text);
    }
}

static void put_mermaid(struct hl_text *out, const struct hl_spec *spec)
{
    hl_text_puts(out, "graph LR\n");
    for (size_t i = 0; i < spec->resources.count; i++) {
        hl_text_printf(out, "  n%zu[\"", spec->order[i]->rank);
        put_entity_text(out, spec->order[i]->address);
        hl_text_puts(out, "\"]\n");
    }
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_resource *resource = spec->order[i];

        for (size_t j = 0; j < resource->needs_count; j++)
            hl_text_printf(out, "  n%zu %s n%zu\n", resource->needs[j].to->rank, resource->needs[j].edge == HL_EDGE_PROVIDER ? "-.->" : "-->", resource->rank);
    }
}

/* ---- svg ---- */

enum { ROW = 40, BEND = 20, BOX_HEIGHT = 26, COLUMN_GAP = 70, MARGIN = 20, CHARACTER = 8 };

static void put_xml(struct hl_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            hl_text_printf(out, "&#%d;", (int)*text);
        else
            hl_text_putc(out, *text);
    }
}

/* Each kind has a colour of its own, the same in every picture. */
static unsigned hue_of(const char *kind)
{
    unsigned hash = 5381;

    for (; *kind != '\0'; kind++)
        hash = hash * 33 + (unsigned char)*kind;
    return hash % 360;
}

static void put_box(struct hl_text *out, const struct hl_layout_node *node, const struct hl_resource *resource)
{
    hl_text_printf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" rx=\"4\" fill=\"hsl(%u,60%%,90%%)\" stroke=\"hsl(%u,40%%,45%%)\"/>\n", node->x,
                   node->y, node->width, BOX_HEIGHT, hue_of(resource->kind->name), hue_of(resource->kind->name));
    hl_text_printf(out, "<text x=\"%zu\" y=\"%zu\">", node->x + CHARACTER, node->y + 17);
    put_xml(out, resource->address);
    hl_text_puts(out, "</text>\n");
}

static void put_curve(struct hl_text *out, const struct hl_layout_node *from, const struct hl_layout_node *to, bool arrow, bool dashed)
{
    const size_t x1 = from->x + from->width;
    const size_t y1 = from->y + BOX_HEIGHT / 2;
    const size_t y2 = to->y + BOX_HEIGHT / 2;
    const size_t middle = (x1 + to->x) / 2;

    hl_text_printf(out, "<path d=\"M%zu %zu C%zu %zu %zu %zu %zu %zu\"%s%s/>\n", x1, y1, middle, y1, middle, y2, to->x, y2,
                   dashed ? " stroke-dasharray=\"4 3\"" : "", arrow ? " marker-end=\"url(#a)\"" : "");
    if (to->is_bend)
        hl_text_printf(out, "<path d=\"M%zu %zu H%zu\"%s/>\n", to->x, y2, to->x + to->width, dashed ? " stroke-dasharray=\"4 3\"" : "");
}

static void put_svg(struct hl_text *out, const struct hl_spec *spec)
{
    static const struct hl_layout_metrics metrics = {
        .row = ROW, .bend = BEND, .gap = COLUMN_GAP, .margin = MARGIN, .character = CHARACTER, .padding = 2 * CHARACTER};
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_layout layout;

    hl_layout_compute(arena, hl_layout_items(arena, spec), spec->resources.count, &metrics, &layout);
    hl_text_printf(
        out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" viewBox=\"0 0 %zu %zu\" font-family=\"monospace\" font-size=\"13\">\n",
        layout.width, layout.height, layout.width, layout.height);
    hl_text_puts(out, "<title>");
    put_xml(out, spec->stack);
    hl_text_puts(out, "</title>\n<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                      "<path d=\"M0 0 L8 4 L0 8 z\" fill=\"#777\" stroke=\"none\"/></marker></defs>\n"
                      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<g fill=\"none\" stroke=\"#777\">\n");
    for (size_t i = 0; i < layout.edges_count; i++) {
        const struct hl_layout_edge *edge = &layout.edges[i];

        put_curve(out, &layout.nodes[edge->from], &layout.nodes[edge->to], !layout.nodes[edge->to].is_bend, edge->edge == HL_EDGE_PROVIDER);
    }
    hl_text_puts(out, "</g>\n<g fill=\"#222\">\n");
    for (size_t i = 0; i < spec->resources.count; i++)
        put_box(out, &layout.nodes[i], spec->order[i]);
    hl_text_puts(out, "</g>\n</svg>\n");
}

void hl_render_graph(struct hl_text *out, const struct hl_spec *spec, enum hl_graph_format format)
{
    switch (format) {
    case HL_GRAPH_DOT:
        put_dot(out, spec);
        return;
    case HL_GRAPH_MERMAID:
        put_mermaid(out, spec);
        return;
    case HL_GRAPH_SVG:
        put_svg(out, spec);
        return;
    case HL_GRAPHS:
        return;
    }
}
