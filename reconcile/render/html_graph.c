/* The stack's graph as a picture within the page. Each box leads to its resource; under the pointer, or with the keyboard's focus, it lights up what it is
 * joined to. A large stack is drawn twice: with the resources of a kind in a column as one box, and whole, folded. */
#include "config.h"

#include "reconcile/render/graph_layout.h"
#include "reconcile/render/html_page.h"
#include "reconcile/render/layout.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROW = 50,
    BEND = 9,
    BOX = 38,
    GAP = 42,
    MARGIN = 8,
    CHARACTER = 7, /* of the name, in a monospaced font of 11.5 pixels */
    PADDING = 26,
    CONDENSED_FROM = 80, /* resources; below, all are drawn at once */
    WHOLE_UP_TO = 1000,  /* above, nobody could read it, and browsers take their time */
};

struct box {
    const char *name, *kind;
    const char *standing; /* as the second line says it */
    const char *tone;
    const char *target; /* of its link, without '#' */
    size_t hue;
};

struct picture {
    struct hl_html_page *page;
    const char *label;
    struct hl_layout_item *items;
    struct box *boxes;
    size_t count;
    bool hovers; /* edges carry the classes that the style sheet lights up */
};

/* ---- drawing ---- */

static void put_box(const struct picture *picture, const struct hl_layout_node *node, size_t index)
{
    const struct box *box = &picture->boxes[index];
    struct hl_html_page *page = picture->page;

    hl_html_printf(page, "<a href=\"#%s\" class=\"n n%zu h%zu %s\"><rect class=\"box\" x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" rx=\"5\"/>", box->target,
                   index, box->hue, box->tone, node->x, node->y, node->width, BOX);
    hl_html_printf(page, "<path class=\"hue\" d=\"M%zu %zua5 5 0 0 0 -5 5v%da5 5 0 0 0 5 5z\"/>", node->x + 5, node->y, BOX - 10);
    hl_html_printf(page, "<text x=\"%zu\" y=\"%zu\">", node->x + 14, node->y + 16);
    hl_html_text(page, box->name);
    hl_html_printf(page, "</text><text class=\"sub\" x=\"%zu\" y=\"%zu\">", node->x + 14, node->y + 30);
    hl_html_text(page, box->kind);
    hl_html_put(page, "<tspan class=\"standing\">");
    hl_html_text(page, box->standing);
    hl_html_put(page, "</tspan></text></a>\n");
}

static void put_title(const struct picture *picture, size_t from, size_t to)
{
    const struct box *user = &picture->boxes[to];
    const struct box *needed = &picture->boxes[from];

    hl_html_put(picture->page, "<title>");
    hl_html_text(picture->page, hl_arena_printf(picture->page->arena, "%s.%s needs %s.%s", user->kind, user->name, needed->kind, needed->name));
    hl_html_put(picture->page, "</title>");
}

static void put_piece(const struct picture *picture, const struct hl_layout_node *from, const struct hl_layout_node *to)
{
    const size_t x = from->x + from->width;
    const size_t y1 = from->y + (from->is_bend ? 0 : BOX / 2);
    const size_t y2 = to->y + (to->is_bend ? 0 : BOX / 2);
    const size_t middle = (x + to->x) / 2;

    if (from->is_bend)
        hl_html_printf(picture->page, "H%zu", x);
    hl_html_printf(picture->page, "C%zu %zu %zu %zu %zu %zu", middle, y1, middle, y2, to->x, y2);
}

/* The edge whose first piece is number `first`; gives that behind its last one. */
static size_t put_edge(const struct picture *picture, const struct hl_layout *layout, size_t first)
{
    const struct hl_layout_node *start = &layout->nodes[layout->edges[first].from];
    size_t last = first;

    while (layout->nodes[layout->edges[last].to].is_bend)
        last++;

    const size_t from = layout->edges[first].from;
    const size_t to = layout->edges[last].to;

    hl_html_printf(picture->page, "<path class=\"e%s", layout->edges[first].edge == HL_EDGE_PROVIDER ? " p" : "");
    if (picture->hovers)
        hl_html_printf(picture->page, " e%zu e%zu", from, to);
    hl_html_printf(picture->page, "\" d=\"M%zu %zu", start->x + start->width, start->y + BOX / 2);
    for (size_t i = first; i <= last; i++)
        put_piece(picture, &layout->nodes[layout->edges[i].from], &layout->nodes[layout->edges[i].to]);
    hl_html_put(picture->page, "\">");
    put_title(picture, from, to);
    hl_html_put(picture->page, "</path>\n");
    return last + 1;
}

static void draw(const struct picture *picture)
{
    static const struct hl_layout_metrics metrics = {.row = ROW, .bend = BEND, .gap = GAP, .margin = MARGIN, .character = CHARACTER, .padding = PADDING};
    struct hl_html_page *page = picture->page;
    struct hl_layout layout;

    hl_layout_compute(page->arena, picture->items, picture->count, &metrics, &layout);
    hl_html_put(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    hl_html_text(page, picture->label);
    hl_html_printf(page, "\"><svg class=\"graph\" width=\"%zu\" height=\"%zu\" viewBox=\"0 0 %zu %zu\">\n<g aria-hidden=\"true\">\n", layout.width,
                   layout.height, layout.width, layout.height);
    for (size_t i = 0; i < layout.edges_count;)
        i = put_edge(picture, &layout, i);
    hl_html_put(page, "</g>\n");
    for (size_t i = 0; i < picture->count; i++)
        put_box(picture, &layout.nodes[i], i);
    hl_html_put(page, "</svg></div>\n");
}

/* ---- every resource ---- */

static size_t columns(const char *text)
{
    return hl_width(text, strlen(text));
}

/* The second line is of a smaller, proportional font. */
static size_t characters_of(const struct box *box)
{
    const size_t name = columns(box->name);
    const size_t below = (columns(box->kind) + columns(box->standing)) * 9 / 10;

    return name > below ? name : below;
}

static struct box box_of(struct hl_html_page *page, const struct hl_resource *resource)
{
    const struct hl_html_row *row = hl_map_find(&page->by_address, resource->address);
    const struct hl_html_standing_info *info = hl_html_standing_info(row == NULL ? HL_HTML_IN_PLACE : row->standing);
    const bool well = row == NULL || row->standing == HL_HTML_IN_PLACE;

    return (struct box){.name = resource->name,
                        .kind = resource->kind->name,
                        .standing = well ? "" : hl_arena_printf(page->arena, " · %s", info->label),
                        .tone = info->tone,
                        .target = row == NULL ? "resources" : hl_arena_printf(page->arena, "r%zu", row->number),
                        .hue = row == NULL ? 0 : page->kinds[row->kind].hue};
}

static void make_whole(struct hl_html_page *page, struct picture *out)
{
    const struct hl_spec *spec = page->view->spec;

    *out = (struct picture){.page = page, .label = "The resources, and what needs what", .count = spec->resources.count};
    out->items = hl_layout_items(page->arena, spec);
    out->boxes = hl_arena_alloc(page->arena, (out->count + 1) * sizeof(*out->boxes));
    for (size_t i = 0; i < out->count; i++) {
        out->boxes[i] = box_of(page, spec->order[i]);
        out->items[i].characters = characters_of(&out->boxes[i]);
    }
}

/* ---- the resources of a kind in a column as one ---- */

struct group {
    size_t layer, kind; /* kind: into page->kinds */
    size_t members;
    size_t unwell; /* of them: not in place */
    const struct hl_resource *first;
    struct hl_layout_link *needs;
    size_t needs_count;
};

static int by_layer(const void *a, const void *b)
{
    const struct group *left = a;
    const struct group *right = b;

    if (left->layer != right->layer)
        return left->layer < right->layer ? -1 : 1;
    return left->kind < right->kind ? -1 : left->kind > right->kind ? 1 : 0;
}

static size_t find_group(const struct group *groups, size_t count, size_t layer, size_t kind)
{
    size_t i = 0;

    while (i < count && (groups[i].layer != layer || groups[i].kind != kind))
        i++;
    return i;
}

static void link_groups(struct hl_arena *arena, struct group *groups, size_t count, size_t from, size_t to, enum hl_edge edge)
{
    struct group *group = &groups[to];

    for (size_t i = 0; i < group->needs_count; i++) {
        if (group->needs[i].to == from)
            return;
    }
    if (group->needs == NULL)
        group->needs = hl_arena_alloc(arena, (count + 1) * sizeof(*group->needs));
    group->needs[group->needs_count++] = (struct hl_layout_link){.to = from, .edge = edge};
}

/* The longest way from something that needs nothing, as the layout has it. */
static size_t *layers_of(struct hl_arena *arena, const struct hl_spec *spec)
{
    size_t *layers = hl_arena_alloc(arena, (spec->resources.count + 1) * sizeof(*layers));

    for (size_t i = 0; i < spec->resources.count; i++) {
        for (size_t j = 0; j < spec->order[i]->needs_count; j++) {
            const size_t before = layers[spec->order[i]->needs[j].to->rank] + 1;

            layers[i] = before > layers[i] ? before : layers[i];
        }
    }
    return layers;
}

static struct group *make_groups(struct hl_html_page *page, size_t *count)
{
    const struct hl_spec *spec = page->view->spec;
    const size_t *layers = layers_of(page->arena, spec);
    struct group *groups = hl_arena_alloc(page->arena, (spec->resources.count + 1) * sizeof(*groups));
    size_t *kinds = hl_arena_alloc(page->arena, (spec->resources.count + 1) * sizeof(*kinds));

    *count = 0;
    for (size_t i = 0; i < spec->resources.count; i++) {
        const struct hl_html_row *row = hl_map_find(&page->by_address, spec->order[i]->address);

        kinds[i] = row == NULL ? 0 : row->kind;

        const size_t at = find_group(groups, *count, layers[i], kinds[i]);

        if (at == *count)
            groups[(*count)++] = (struct group){.layer = layers[i], .kind = kinds[i], .first = spec->order[i]};
        groups[at].members++;
        groups[at].unwell += row != NULL && row->standing < HL_HTML_ABSENT ? 1 : 0;
    }
    qsort(groups, *count, sizeof(*groups), by_layer);
    for (size_t i = 0; i < spec->resources.count; i++) {
        const size_t to = find_group(groups, *count, layers[i], kinds[i]);

        for (size_t j = 0; j < spec->order[i]->needs_count; j++) {
            const struct hl_dependency *need = &spec->order[i]->needs[j];

            link_groups(page->arena, groups, *count, find_group(groups, *count, layers[need->to->rank], kinds[need->to->rank]), to, need->edge);
        }
    }
    return groups;
}

static struct box box_of_group(struct hl_html_page *page, const struct group *group)
{
    struct box box = box_of(page, group->first);

    if (group->members == 1)
        return box;
    box.name = hl_arena_printf(page->arena, "%zu × %s", group->members, group->first->kind->name);
    box.kind = group->unwell == 0 ? "in place" : "";
    box.standing = group->unwell == 0 ? "" : hl_arena_printf(page->arena, "%zu not in place", group->unwell);
    box.tone = group->unwell == 0 ? "ok" : "warn";
    box.target = hl_arena_printf(page->arena, "k%zu", group->kind);
    return box;
}

static void make_condensed(struct hl_html_page *page, struct picture *out)
{
    size_t count;
    const struct group *groups = make_groups(page, &count);

    *out = (struct picture){.page = page, .label = "The kinds of resources, and what needs what", .count = count, .hovers = true};
    out->items = hl_arena_alloc(page->arena, (count + 1) * sizeof(*out->items));
    out->boxes = hl_arena_alloc(page->arena, (count + 1) * sizeof(*out->boxes));
    for (size_t i = 0; i < count; i++) {
        out->boxes[i] = box_of_group(page, &groups[i]);
        out->items[i] = (struct hl_layout_item){.characters = characters_of(&out->boxes[i]), .needs = groups[i].needs, .needs_count = groups[i].needs_count};
    }
}

/* ---- the section ---- */

static bool is_large(const struct hl_html_page *page)
{
    return page->view->spec->resources.count >= CONDENSED_FROM;
}

size_t hl_html_graph_hovers(const struct hl_html_page *page)
{
    const size_t count = page->view->spec->resources.count;

    return count < CONDENSED_FROM ? count : CONDENSED_FROM;
}

static void put_whole(struct hl_html_page *page)
{
    struct picture picture;

    make_whole(page, &picture);
    picture.hovers = !is_large(page);
    draw(&picture);
}

static void put_large(struct hl_html_page *page)
{
    const size_t count = page->view->spec->resources.count;
    struct picture picture;

    make_condensed(page, &picture);
    hl_html_put(page, "<p class=\"lead\">Resources of one kind that stand equally deep are drawn as one.</p>\n");
    draw(&picture);
    if (count > WHOLE_UP_TO) {
        hl_html_put(page, "<p class=\"lead\"><code>hlrec graph svg</code> draws each of them.</p>\n");
        return;
    }
    hl_html_printf(page, "<details class=\"whole\"><summary>Each of the %zu resources</summary>\n", count);
    put_whole(page);
    hl_html_put(page, "</details>\n");
}

void hl_html_graph(struct hl_html_page *page)
{
    hl_html_put(page, "<section aria-labelledby=\"graph\">\n<h2 id=\"graph\">Graph</h2>\n");
    if (page->view->spec->resources.count == 0)
        hl_html_put(page, "<p class=\"empty\">There is nothing to draw.</p>\n");
    else if (is_large(page))
        put_large(page);
    else
        put_whole(page);
    if (page->view->spec->resources.count > 0)
        hl_html_put(page, "<p class=\"note\">A line leads from what is needed to what needs it; dashed where a provider lives there.</p>\n");
    hl_html_put(page, "</section>\n");
}
