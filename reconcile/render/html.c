#include "config.h"

#include "reconcile/render/html_page.h"
#include "schema/base/crypto.h"

/* A tile in a frame. As data, since the policy lets nothing be fetched; without it browsers ask a server for /favicon.ico. */
#define ICON                                                                                                                                                   \
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect x='1' y='1' width='14' height='14' rx='3' fill='%230b5cad'/"   \
    "%3E%3Cpath d='M4 8.5l2.8 2.8L12 5.5' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"

/* Nothing is loaded, run or sent: of styles only this very sheet counts, of pictures only the icon. Even markup that got in by a mistake of ours could do
 * nothing. */
static void put_head(struct hl_html_page *page)
{
    hl_auto(text) struct hl_text style = HL_TEXT_INIT(HL_MAX_RENDER);
    unsigned char hash[32];

    hl_html_style(&style, hl_html_graph_hovers(page));
    hl_sha256(hl_text_get(&style), style.length, hash);
    hl_html_put(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    hl_html_printf(page,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; "
                   "form-action 'none'\">\n",
                   hl_base64_encode(page->arena, HL_BASE64, hash, sizeof(hash)));
    hl_html_put(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex, nofollow\">\n"
                      "<link rel=\"icon\" href=\"" ICON "\">\n<title>");
    hl_html_text(page, page->view->plan.stack);
    hl_html_printf(page, " – hlrec</title>\n<style>%s</style>\n</head>\n", hl_text_get(&style));
}

static void put_foot(struct hl_html_page *page)
{
    hl_html_put(page, "<footer><p>Made by hlrec ");
    hl_html_text(page, page->view->version);
    hl_html_put(page, " on ");
    hl_html_text(page, page->view->host);
    hl_html_put(page, ", ");
    hl_html_time(page, page->view->now_ms);
    hl_html_put(page, " UTC. All times are UTC; what is said to be so long ago or ahead is so as of then.</p></footer>\n");
}

void hl_render_html(struct hl_text *out, const struct hl_html_view *view, const struct hl_redactor *redactor)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_html_page page = {.out = out, .arena = arena, .view = view, .redactor = redactor};

    hl_html_collect(&page);
    put_head(&page);
    hl_html_put(&page, "<body>\n");
    hl_html_summary(&page);
    hl_html_put(&page, "<main>\n");
    hl_html_drift(&page);
    hl_html_plan(&page);
    hl_html_graph(&page);
    hl_html_expiries(&page);
    hl_html_resources(&page);
    hl_html_history(&page);
    hl_html_put(&page, "</main>\n");
    put_foot(&page);
    hl_html_put(&page, "</body>\n</html>\n");
}
