/* A finding as people read it: the line of the file with a caret under the place. */
#include "config.h"

#include "schema/diag.h"

#include <string.h>
#include <strings.h>

enum {
    LINE_ROOM = 400, /* a longer line is shown around the caret only */
    LEAD = 80,       /* characters before the caret, then */
    TAB_WIDTH = 4,
};

#define HIDDEN "(sensitive)"
#define CUT "..."

struct range {
    uint32_t first, last;
};

/* Characters that stand on the one before them: combining marks, joiners, variation selectors, marks of direction. */
static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x0900, 0x0902},   {0x093a, 0x093a}, {0x0941, 0x0948},
    {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x200b, 0x200f}, {0x202a, 0x202e},
    {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
/* East Asian wide and full-width characters, and emoji. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},   {0x26a1, 0x26a1},   {0x2705, 0x2705}, {0x270a, 0x270b},
    {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2b50, 0x2b50},   {0x2e80, 0x303e},   {0x3041, 0x33ff}, {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe4f},   {0xff00, 0xff60}, {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

static size_t width_of(uint32_t character)
{
    if (character < 0x300)
        return 1;
    if (is_in(zero_width, HL_COUNT(zero_width), character))
        return 0;
    return is_in(double_width, HL_COUNT(double_width), character) ? 2 : 1;
}

/* Decodes one character of UTF-8; rubbish counts as a character of one byte. */
static size_t next_character(const char *data, size_t length, uint32_t *character)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t size = bytes[0] < 0xc0 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

    *character = size == 1 ? bytes[0] : bytes[0] & (0xffu >> (size + 1));
    if (size > length)
        size = length;
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *character = 0xfffd;
            return 1;
        }
        *character = *character << 6 | (bytes[i] & 0x3f);
    }
    return size;
}

/* Where the search for lines has come to; lines are asked for in rising order. */
struct lines {
    const char *at; /* the beginning of line `number`; NULL behind the end */
    uint32_t number;
};

static void start_lines(struct lines *lines, const char *source)
{
    *lines = (struct lines){.at = source, .number = 1};
    if (source != NULL && hl_starts_with(source, "\xef\xbb\xbf"))
        lines->at += 3;
}

/* The line without its end; NULL when there is none. */
static const char *find_line(struct lines *lines, uint32_t number, size_t *length)
{
    if (number < lines->number)
        return NULL;
    while (lines->at != NULL && lines->number < number) {
        lines->at = strchr(lines->at, '\n');
        lines->at = lines->at == NULL ? NULL : lines->at + 1;
        lines->number++;
    }
    if (lines->at == NULL)
        return NULL;
    *length = strcspn(lines->at, "\n");
    if (*length > 0 && lines->at[*length - 1] == '\r')
        --*length;
    return lines->at;
}

static bool is_key_character(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') || character == '_' ||
           character == '-' || character == '.';
}

static bool names_secret(const char *key, size_t length)
{
    static const char *const endings[] = {"password", "passwd",     "passphrase",  "secret",     "token",    "api_key",
                                          "apikey",   "secret_key", "private_key", "access_key", "auth_key", "client_secret"};

    for (size_t i = 0; i < HL_COUNT(endings); i++) {
        size_t size = strlen(endings[i]);

        if (length >= size && strncasecmp(key + length - size, endings[i], size) == 0)
            return true;
    }
    return false;
}

/* Bytes of the line to show: up to the value of the first key (or KEY=) whose name says that a secret follows. The tables know better which
 * values are secret (hl_diags_hide), but not when the file is not YAML, and not what people put into an environment. */
static size_t shown_by_names(const char *line, size_t length)
{
    size_t start = 0;

    for (size_t i = 0; i < length; i++) {
        if (is_key_character(line[i]))
            continue;

        size_t value = i;

        if ((line[i] == '"' || line[i] == '\'') && i + 1 < length && line[i + 1] == ':')
            value++;
        if ((line[value] == ':' || line[value] == '=') && names_secret(line + start, i - start)) {
            value++;
            while (value < length && line[value] == ' ')
                value++;
            if (value < length && strchr("{[|>&*#", line[value]) == NULL && strncmp(line + value, "${", 2) != 0 && strncmp(line + value, "\"${", 3) != 0)
                return value;
        }
        start = i + 1;
    }
    return length;
}

static size_t bytes_before(const char *line, size_t length, uint32_t column)
{
    size_t at = 0;

    for (uint32_t i = 1; i < column && at < length; i++) {
        uint32_t character;

        at += next_character(line + at, length - at, &character);
    }
    return at;
}

/* How many bytes the thing at `at` has: a quoted text with its quotes, a reference, else up to a blank or a mark of YAML. */
static size_t token_length(const char *line, size_t length, size_t at)
{
    if (at >= length)
        return 0;
    if (line[at] == '"' || line[at] == '\'') {
        const char *end = memchr(line + at + 1, line[at], length - at - 1);

        return end == NULL ? length - at : (size_t)(end - (line + at)) + 1;
    }

    size_t end = at;

    while (end < length && strchr(" \t,]}#", line[end]) == NULL && !(line[end] == ':' && (end + 1 == length || line[end + 1] == ' ')))
        end++;
    return end == at ? 1 : end - at;
}

/* Appends the bytes fit for a terminal and returns their width. */
static size_t put_shown(struct hl_text *out, const char *data, size_t length)
{
    size_t width = 0;

    for (size_t i = 0; i < length;) {
        uint32_t character;
        size_t size = next_character(data + i, length - i, &character);

        if (character == '\t') {
            hl_text_printf(out, "%*s", TAB_WIDTH, "");
            width += TAB_WIDTH;
        } else {
            size_t before = out->length;

            hl_text_put_escaped(out, data + i, size);
            width += memcmp(hl_text_get(out) + before, data + i, size) == 0 ? width_of(character) : out->length - before;
        }
        i += size;
    }
    return width;
}

/* Which bytes of a line are shown, and which of them the caret marks. */
struct view {
    size_t start, end;   /* shown */
    size_t caret, token; /* marked: from, up to */
    bool hides;          /* a secret stands at `end` */
};

static size_t shown_of(const struct hl_diag *diag, const char *line, size_t length)
{
    size_t shown = shown_by_names(line, length);
    size_t secret = diag->hide_from == 0 ? length : bytes_before(line, length, diag->hide_from);

    return secret < shown ? secret : shown;
}

/* A long line is cut around the caret, between characters. */
static void cut_long(struct view *view, const struct hl_diag *diag, const char *line, size_t length)
{
    if (length <= LINE_ROOM)
        return;
    view->start = diag->at.column > LEAD ? bytes_before(line, length, diag->at.column - LEAD) : 0;
    if (view->start > view->caret)
        view->start = view->caret;
    if (length - view->start <= LINE_ROOM)
        return;
    view->end = view->start + LINE_ROOM;
    for (int i = 0; i < 3 && ((unsigned char)line[view->end] & 0xc0) == 0x80; i++)
        view->end--;
}

static struct view view_of(const struct hl_diag *diag, const char *line, size_t length)
{
    size_t shown = shown_of(diag, line, length);
    struct view view = {.end = length, .caret = bytes_before(line, length, diag->at.column)};

    if (view.caret > shown)
        view.caret = shown;
    cut_long(&view, diag, line, length);
    if (shown < view.end) {
        view.end = shown;
        view.hides = true;
    }
    view.token = view.caret + token_length(line, length, view.caret);
    if (view.token > view.end)
        view.token = view.end;
    return view;
}

static void put_line(struct hl_text *out, const struct hl_diag *diag, const char *line, size_t length)
{
    const struct view view = view_of(diag, line, length);
    size_t before = view.start > 0 ? strlen(CUT) : 0;
    size_t width;

    hl_text_printf(out, "%5u | %s", diag->at.line, view.start > 0 ? CUT : "");
    before += put_shown(out, line + view.start, view.caret - view.start);
    width = put_shown(out, line + view.caret, view.token - view.caret);
    put_shown(out, line + view.token, view.end - view.token);
    hl_text_puts(out, view.hides ? HIDDEN : view.end < length ? CUT : "");
    hl_text_printf(out, "\n      | %*s^", (int)before, "");
    for (size_t i = 1; i < width; i++)
        hl_text_putc(out, '~');
    hl_text_putc(out, '\n');
}

static void format(struct hl_text *out, const struct hl_diag *diag, struct lines *lines)
{
    size_t length = 0;
    const char *line = diag->line;

    if (line != NULL)
        length = strlen(line);
    else
        line = find_line(lines, diag->at.line, &length);

    if (diag->file != NULL)
        hl_text_printf(out, "%s:", diag->file);
    if (diag->at.line > 0)
        hl_text_printf(out, "%u:%u:", diag->at.line, diag->at.column);
    hl_text_printf(out, "%s%s: ", diag->file != NULL || diag->at.line > 0 ? " " : "", diag->severity == HL_SEVERITY_ERROR ? "error" : "warning");
    hl_text_put_escaped(out, diag->message, strlen(diag->message));
    hl_text_putc(out, '\n');
    if (line != NULL && length > 0)
        put_line(out, diag, line, length);
    if (diag->hint != NULL) {
        hl_text_puts(out, "hint: ");
        hl_text_put_escaped(out, diag->hint, strlen(diag->hint));
        hl_text_putc(out, '\n');
    }
}

void hl_diag_format(struct hl_text *out, const struct hl_diag *diag, const char *source)
{
    struct lines lines;

    start_lines(&lines, source);
    format(out, diag, &lines);
}

void hl_diags_format(struct hl_text *out, const struct hl_diags *diags, const char *file, const char *source)
{
    struct lines lines, none = {.at = NULL};

    start_lines(&lines, source);
    for (size_t i = 0; i < diags->count; i++) {
        const struct hl_diag *diag = &diags->items[i];
        bool here = diag->file == file || (diag->file != NULL && file != NULL && strcmp(diag->file, file) == 0);

        format(out, diag, here ? &lines : &none);
    }
}
