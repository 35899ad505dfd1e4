#include "config.h"

#include "reconcile/forge/session.h"

#include <string.h>

enum { CLOCKS_DIFFER_MS = 10 * 60 * 1000 }; /* what clocks of two machines may differ by */

static const char marker_begin[] = "<!-- hlrec:v1 ";
static const char run_begin[] = "<!-- hlrec:run ";
static const char mark_end[] = " -->";

/* The length of the line at `text` when it begins and ends as a mark does, else 0. A page on which somebody has edited the comment makes the line end "\r\n".
 */
static size_t mark_length(const char *text, const char *begin)
{
    size_t length = strcspn(text, "\r\n");

    if (strncmp(text, begin, strlen(begin)) != 0 || length < strlen(begin) + strlen(mark_end) ||
        strncmp(text + length - strlen(mark_end), mark_end, strlen(mark_end)) != 0)
        return 0;
    return length;
}

/* The value of NAME=VALUE among the words of a line; false when it is absent or too long. */
static bool read_word(const char *line, size_t length, const char *name, char *out, size_t size)
{
    const size_t name_length = strlen(name);

    for (size_t at = 0; at < length; at += strcspn(line + at, " ") + 1) {
        const size_t word = strcspn(line + at, " \r\n");

        if (word <= name_length + 1 || strncmp(line + at, name, name_length) != 0 || line[at + name_length] != '=')
            continue;
        if (word - name_length - 1 >= size)
            return false;
        memcpy(out, line + at + name_length + 1, word - name_length - 1);
        out[word - name_length - 1] = '\0';
        return true;
    }
    return false;
}

bool hl_forge_is_id(const char *text)
{
    const size_t digits = text == NULL ? 0 : strspn(text, "0123456789abcdef");

    return (digits == 40 || digits == 64) && text[digits] == '\0';
}

static void read_run(const char *line, size_t length, struct hl_forge_mark *out)
{
    char order[32];

    if (!read_word(line, length, "head", out->head, sizeof(out->head)) || !hl_forge_is_id(out->head))
        out->head[0] = '\0';
    if (!read_word(line, length, "order", order, sizeof(order)) || !hl_parse_int(order, 0, INT64_MAX, &out->order_ms))
        out->order_ms = 0;
}

bool hl_forge_mark_read(const char *text, struct hl_forge_mark *out)
{
    const size_t length = mark_length(text, marker_begin);
    const char *next = text + length;

    *out = (struct hl_forge_mark){.marker = text, .length = length};
    if (length == 0)
        return false;
    next += *next == '\r' ? 1 : 0;
    next += *next == '\n' ? 1 : 0;
    out->run_length = mark_length(next, run_begin);
    out->run = out->run_length > 0 ? next : NULL;
    if (out->run != NULL)
        read_run(out->run, out->run_length, out);
    return true;
}

bool hl_forge_mark_same(const struct hl_forge_mark *a, const struct hl_forge_mark *b)
{
    return a->length == b->length && memcmp(a->marker, b->marker, a->length) == 0;
}

int hl_forge_mark_compare(const struct hl_forge_mark *a, const struct hl_forge_mark *b, const char *current, int64_t now_ms)
{
    const bool a_is_current = current != NULL && strcmp(a->head, current) == 0;
    const bool b_is_current = current != NULL && strcmp(b->head, current) == 0;
    const int64_t a_order = a->order_ms > now_ms + CLOCKS_DIFFER_MS ? 0 : a->order_ms;
    const int64_t b_order = b->order_ms > now_ms + CLOCKS_DIFFER_MS ? 0 : b->order_ms;

    if (a_is_current != b_is_current)
        return a_is_current ? 1 : -1;
    return (a_order > b_order) - (a_order < b_order);
}
