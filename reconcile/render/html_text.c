#include "config.h"

#include "reconcile/render/html_page.h"
#include "reconcile/render/markdown_text.h"

#include <string.h>

void hl_html_put(struct hl_html_page *page, const char *markup)
{
    hl_text_puts(page->out, markup);
}

void hl_html_printf(struct hl_html_page *page, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    hl_text_vprintf(page->out, format, args);
    va_end(args);
}

static void put_escaped(struct hl_text *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr("<>&\"'", text[i]) != NULL)
            hl_text_printf(out, "&#%d;", (int)text[i]);
        else
            hl_text_putc(out, text[i]);
    }
}

/* Not within a character of UTF-8. */
static size_t cut_at(const char *text, size_t most)
{
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

void hl_html_cut(struct hl_html_page *page, const char *text, size_t most)
{
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);

    if (text == NULL)
        return;
    hl_markdown_clean(&clean, page->redactor, text, strlen(text), false);
    if (clean.length <= most) {
        put_escaped(page->out, hl_text_get(&clean), clean.length);
        return;
    }
    put_escaped(page->out, hl_text_get(&clean), cut_at(hl_text_get(&clean), most));
    hl_html_put(page, "…");
}

void hl_html_text(struct hl_html_page *page, const char *text)
{
    hl_html_cut(page, text, HL_MAX_RENDER);
}

void hl_html_commit(struct hl_html_page *page, const char *commit)
{
    enum { SHORT = 10 };

    hl_html_put(page, "<code>");
    hl_html_text(page, hl_arena_copy(page->arena, commit, strnlen(commit, SHORT)));
    hl_html_put(page, "</code>");
}

void hl_html_time(struct hl_html_page *page, int64_t ms)
{
    char exact[HL_TIME_TEXT];
    char shown[HL_TIME_TEXT];

    hl_render_time(ms, exact);
    hl_render_time_short(ms, shown);
    shown[strlen("2026-01-31 12:00")] = '\0';
    hl_html_printf(page, "<time datetime=\"%s\">%s</time>", exact, shown);
}

const char *hl_html_distance(struct hl_html_page *page, int64_t ms)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400, NOW = 10 };
    static const struct {
        int64_t most, unit; /* up to so many seconds, told in units of these */
        const char *name;
    } scales[] = {{2 * MINUTE, 1, "second"}, {2 * HOUR, MINUTE, "minute"},     {2 * DAY, HOUR, "hour"},
                  {90 * DAY, DAY, "day"},    {730LL * DAY, 30 * DAY, "month"}, {INT64_MAX, 365 * DAY, "year"}};
    const int64_t seconds = (ms - page->view->now_ms) / 1000;
    const int64_t away = seconds < 0 ? -seconds : seconds;
    size_t scale = 0;

    if (away < NOW)
        return "just now";
    while (away > scales[scale].most)
        scale++;

    const int64_t count = away / scales[scale].unit;
    const char *plural = count == 1 ? "" : "s";

    return seconds < 0 ? hl_arena_printf(page->arena, "%lld %s%s ago", (long long)count, scales[scale].name, plural)
                       : hl_arena_printf(page->arena, "in %lld %s%s", (long long)count, scales[scale].name, plural);
}

void hl_html_badge(struct hl_html_page *page, const char *tone, const char *label)
{
    hl_html_printf(page, "<span class=\"badge %s\">", tone);
    hl_html_text(page, label);
    hl_html_put(page, "</span>");
}

void hl_html_address(struct hl_html_page *page, const char *address)
{
    const struct hl_html_row *row = hl_map_find(&page->by_address, address);

    if (row != NULL)
        hl_html_printf(page, "<a class=\"address\" href=\"#r%zu\">", row->number);
    else
        hl_html_put(page, "<span class=\"address\">");
    hl_html_text(page, address);
    hl_html_put(page, row != NULL ? "</a>" : "</span>");
}
