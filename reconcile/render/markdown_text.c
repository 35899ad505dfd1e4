#include "config.h"

#include "reconcile/render/markdown_text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* ---- what cannot be seen ---- */

/* Characters without ink that hl_text_put_escaped() leaves as they are, since on a terminal they do no harm: joiners, fillers, variation selectors, tags. Here
 * they could make two names look like one, or break a word that a forge looks for. */
static const struct {
    uint32_t first, last;
} invisible[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_invisible(uint32_t code)
{
    for (size_t i = 0; i < HL_COUNT(invisible); i++) {
        if (code >= invisible[i].first && code <= invisible[i].last)
            return true;
    }
    return false;
}

void hl_markdown_clean(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t length, bool lines)
{
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(out->maximum);
    size_t size;

    hl_redact(redactor, &masked, text, length);
    for (size_t at = 0; at < masked.length; at += size) {
        uint32_t code = 0;

        size = hl_utf8_decode(masked.data + at, masked.length - at, &code);
        if (size > 1 && is_invisible(code))
            hl_text_printf(out, "\\u{%" PRIx32 "}", code);
        else if (lines && masked.data[at] == '\n')
            hl_text_putc(out, '\n');
        else
            hl_text_put_escaped(out, masked.data + at, size > 0 ? size : 1);
        size = size > 0 ? size : 1;
    }
}

/* ---- code ---- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_within(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The bytes of the character at `text`, which is valid UTF-8. */
static size_t character_size(const char *text)
{
    uint32_t code = 0;
    const size_t size = hl_utf8_decode(text, strnlen(text, 4), &code);

    return size > 0 ? size : 1;
}

/* GFM makes a link of "www." behind a blank, even within an element of HTML. */
static bool ends_www(const char *start, const char *dot)
{
    return dot - start >= 3 && strncasecmp(dot - 3, "www", 3) == 0;
}

/* One character in the text of an element. As an entity of HTML each is only itself: Markdown does not look for marks in entities, nor do tables. But GitHub's
 * parser looks for addresses of mail behind that, in each stretch of text: the '@' begins a stretch of its own. */
static void put_entity(struct hl_text *out, const char *start, const char *at, size_t size)
{
    const bool plain = is_alphanumeric(*at) || is_within(*at, " ,-/=") || (*at == '.' && !ends_www(start, at)) || (unsigned char)*at >= 0x80;

    if (plain)
        hl_text_append(out, at, size);
    else
        hl_text_printf(out, "%s&#%d;", *at == '@' ? "<!-- -->" : "", (int)(unsigned char)*at);
}

static void put_entities(struct hl_text *out, const char *text, size_t most)
{
    static const char dots[] = "...";
    hl_auto(text) struct hl_text one = HL_TEXT_INIT(64);
    const size_t from = out->length;
    size_t fits = from; /* up to where there is still room for the dots */

    for (const char *at = text; *at != '\0';) {
        const size_t size = character_size(at);

        hl_text_reset(&one);
        put_entity(&one, text, at, size);
        if (most > 0 && out->length - from + one.length > most) {
            out->length = fits;
            hl_text_puts(out, dots);
            return;
        }
        hl_text_append(out, hl_text_get(&one), one.length);
        if (out->length - from + strlen(dots) <= most)
            fits = out->length;
        at += size;
    }
}

void hl_markdown_html_code(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most)
{
    static const char open[] = "<code>", close[] = "</code>";
    const size_t marks = strlen(open) + strlen(close);
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_markdown_clean(&clean, redactor, text, strlen(text), false);
    hl_text_puts(out, open);
    put_entities(out, hl_text_get(&clean), most > marks + 4 ? most - marks : most);
    hl_text_puts(out, close);
}

static void put_ticks(struct hl_text *out, size_t count)
{
    while (count-- > 0)
        hl_text_putc(out, '`');
}

static size_t longest_run(const char *text, size_t length, char c)
{
    size_t longest = 0;
    size_t run = 0;

    for (size_t i = 0; i < length; i++) {
        run = text[i] == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* The longest beginning of at most `most` bytes that does not end within a character. */
static size_t whole_characters(const char *text, size_t length, size_t most)
{
    if (length <= most)
        return length;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

/* More marks than stand within: nothing inside can close the span. A blank at both ends belongs to the marks where the text itself ends in one. */
static void put_span(struct hl_text *out, const char *text, size_t length, const char *dots)
{
    const size_t ticks = longest_run(text, length, '`') + 1;
    const char last = *dots != '\0' ? *dots : text[length - 1];
    const char *blank = text[0] == '`' || last == '`' || (text[0] == ' ' && last == ' ') ? " " : "";

    put_ticks(out, ticks);
    hl_text_puts(out, blank);
    hl_text_append(out, text, length);
    hl_text_printf(out, "%s%s", dots, blank);
    put_ticks(out, ticks);
}

/* A pipe ends a cell of a table, also within a span; there only an entity helps. */
void hl_markdown_code(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most)
{
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_markdown_clean(&clean, redactor, text, strlen(text), false);

    const char *shown = hl_text_get(&clean);
    const size_t marks = 2 * (longest_run(shown, clean.length, '`') + 2);

    if (clean.length == 0 || strchr(shown, '|') != NULL || (most > 0 && marks + 3 > most / 2))
        hl_markdown_html_code(out, redactor, text, most);
    else if (most > 0 && clean.length + marks > most)
        put_span(out, shown, whole_characters(shown, clean.length, most - marks - 3), "...");
    else
        put_span(out, shown, clean.length, "");
}

/* ---- sentences ---- */

/* What the forges make of plain words: addresses, ":emoji:", and "ABC-12", the number of an issue of a tracker. */
static bool means_something(const char *text)
{
    const char *emoji = strchr(text, ':');

    if (strstr(text, "//") != NULL || strcasestr(text, "www.") != NULL)
        return true;
    for (; emoji != NULL; emoji = strchr(emoji + 1, ':')) {
        if (emoji[1] != ' ' && emoji[1] != '\0' && strchr(emoji + 1, ':') != NULL)
            return true;
    }
    for (const char *dash = strchr(text, '-'); dash != NULL; dash = strchr(dash + 1, '-')) {
        if (dash > text && dash[-1] >= 'A' && dash[-1] <= 'Z' && dash[1] >= '0' && dash[1] <= '9')
            return true;
    }
    return false;
}

static bool is_plain_prose(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!is_alphanumeric(*c) && !is_within(*c, " .,:;-()'_`/=?+\""))
            return false;
    }
    return !means_something(text);
}

/* A mark is one only where it stands bare. */
static bool is_mark(char c)
{
    return c == '_' || c == '`';
}

static size_t size_as_prose(const char *text)
{
    size_t size = 0;

    for (; *text != '\0'; text++)
        size += is_mark(*text) ? 2 : 1;
    return size;
}

void hl_markdown_prose(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most)
{
    const size_t from = out->length;
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_markdown_clean(&clean, redactor, text, strlen(text), false);
    if (!is_plain_prose(hl_text_get(&clean))) {
        hl_markdown_code(out, redactor, text, most);
        return;
    }

    const bool cut = most > 0 && size_as_prose(hl_text_get(&clean)) > most;

    for (const char *c = hl_text_get(&clean); *c != '\0'; c++) {
        if (cut && out->length - from + (is_mark(*c) ? 2 : 1) + 3 > most) {
            hl_text_puts(out, "...");
            return;
        }
        if (is_mark(*c))
            hl_text_putc(out, '\\');
        hl_text_putc(out, *c);
    }
}

/* ---- blocks ---- */

/* A fence longer than any run of backticks within: nothing inside can close it. GitLab looks for commands ("/close") at the beginnings of lines, and does not
 * know long fences. */
void hl_markdown_fence(struct hl_text *out, const char *language, const char *text, size_t length)
{
    const size_t run = longest_run(text, length, '`');
    const size_t ticks = run < 3 ? 3 : run + 1;

    put_ticks(out, ticks);
    hl_text_printf(out, "%s\n", language);
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end == NULL ? length - at : (size_t)(end - text) - at;

        if (text[at] == '/')
            hl_text_putc(out, ' ');
        hl_text_append(out, text + at, line);
        hl_text_putc(out, '\n');
        at += line + 1;
    }
    put_ticks(out, ticks);
    hl_text_putc(out, '\n');
}
