#include "config.h"

#include "schema/reader_problem.h"

#include <stdlib.h>
#include <string.h>

/* The place as lines of `text`; libyaml's marks count characters. */
struct place {
    struct hl_span at;
    const char *here; /* the byte at it */
    const char *line; /* the first byte of the line */
    const char *end;  /* of the line */
};

static size_t character_size(const char *at)
{
    unsigned char first = (unsigned char)*at;

    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static struct place place_of(yaml_mark_t mark, const char *text, size_t length)
{
    const char *end = text + length;
    struct place place = {.at = {.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1}, .line = text};

    for (size_t i = 0; i < mark.line; i++) {
        const char *next = memchr(place.line, '\n', (size_t)(end - place.line));

        place.line = next == NULL ? end : next + 1;
    }
    place.end = memchr(place.line, '\n', (size_t)(end - place.line));
    if (place.end == NULL)
        place.end = end;
    place.here = place.line;
    for (size_t i = 0; i < mark.column && place.here < place.end; i++) {
        size_t size = character_size(place.here);

        place.here = size < (size_t)(place.end - place.here) ? place.here + size : place.end;
    }
    return place;
}

/* libyaml tells where a broken character is by its byte only. */
static yaml_mark_t mark_of_byte(const char *text, size_t length, size_t offset)
{
    yaml_mark_t mark = {.line = 0};

    for (size_t i = 0; i < offset && i < length; i++) {
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static void report_bytes(struct hl_diags *diags, const yaml_parser_t *parser, const char *text, size_t length)
{
    struct place place = place_of(mark_of_byte(text, length, parser->problem_offset), text, length);
    struct hl_diag *diag;

    if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        diag = hl_diag_error(diags, place.at, "the file is not UTF-8 but UTF-16");
        hl_diag_hint(diags, diag, "save it as UTF-8");
    } else if (strcmp(parser->problem, "control characters are not allowed") == 0) {
        hl_diag_error(diags, place.at, "a control character (U+%04X) stands here", (unsigned)parser->problem_value);
    } else {
        diag = hl_diag_error(diags, place.at, "the file is not valid UTF-8 here: %s", parser->problem);
        hl_diag_hint(diags, diag, "save it as UTF-8");
    }
}

static bool has(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static bool line_has(const struct place *place, const char *part)
{
    return memmem(place->line, (size_t)(place->end - place->line), part, strlen(part)) != NULL;
}

static bool indented_by_tab(const struct place *place)
{
    const char *at = place->line;

    while (at < place->end && *at == ' ')
        at++;
    return at < place->end && *at == '\t';
}

/* Parts of libyaml's words, and what to do; a NULL part is not looked at. The first row that fits counts. */
static const struct {
    const char *problem, *context;
    const char *here; /* one of these characters stands at the place */
    const char *hint;
} hints[] = {
    {"cannot start any token", NULL, "@%`", "a text that begins with '@', '%' or '`' needs quotes"},
    {NULL, "scanning an alias", NULL, "a text that begins with '*' needs quotes: \"*.example.org\""},
    {NULL, "scanning an anchor", NULL, "a text that begins with '&' needs quotes"},
    {NULL, "scanning a directive", NULL, "a text that begins with '%' needs quotes"},
    {"mapping values are not allowed", NULL, NULL, "a text with ': ' in it needs quotes; else look at the indentation of this line and the one before"},
    {"could not find expected ':'", NULL, NULL, "a key ends with ': '; else look for a quote or bracket that is not closed above"},
    {"unexpected end of stream", NULL, NULL, "this quote is not closed"},
    {"expected ',' or", NULL, NULL, "look for a bracket or quote that is not closed, or a comma that is missing"},
    {"unknown escape character", NULL, NULL, "within \"double quotes\" a backslash is written \\\\; within 'single quotes' it stands for itself"},
    {"did not find expected key", NULL, NULL, "look at the indentation: all keys of one mapping begin in the same column"},
    {"expected '-' indicator", NULL, NULL, "look at the indentation: all keys of one mapping begin in the same column"},
};

/* What to do about it; NULL when there is nothing better to say than libyaml. */
static const char *hint_for(const yaml_parser_t *parser, const struct place *place)
{
    char here = place->here < place->end ? *place->here : '\0';

    if (here == '\t' || indented_by_tab(place))
        return "YAML is indented with blanks: replace the tab";
    if (here == '{' && place->here > place->line && place->here[-1] == '$')
        return "within [...] and {...} a reference needs quotes: \"${...}\"";
    if (line_has(place, "{{"))
        return "a text that begins with '{' needs quotes: \"{{ ... }}\"";
    for (size_t i = 0; i < HL_COUNT(hints); i++) {
        bool fits = (hints[i].problem == NULL || has(parser->problem, hints[i].problem)) &&
                    (hints[i].context == NULL || has(parser->context, hints[i].context)) &&
                    (hints[i].here == NULL || (here != '\0' && strchr(hints[i].here, here) != NULL));

        if (fits)
            return hints[i].hint;
    }
    return NULL;
}

void hl_reader_report(struct hl_diags *diags, const yaml_parser_t *parser, const char *text, size_t length)
{
    const char *hint;
    struct hl_diag *diag;

    if (parser->error == YAML_MEMORY_ERROR)
        abort();
    if (parser->error == YAML_READER_ERROR) {
        report_bytes(diags, parser, text, length);
        return;
    }

    /* An alias or anchor without a name, and a quote without its end, are best shown where they begin. */
    bool at_begin = has(parser->context, "scanning an alias") || has(parser->context, "scanning an anchor") ||
                    (has(parser->context, "quoted scalar") && has(parser->problem, "end of stream"));
    struct place place = place_of(at_begin ? parser->context_mark : parser->problem_mark, text, length);

    if (parser->context == NULL || has(parser->context, "scanning for the next token"))
        diag = hl_diag_error(diags, place.at, "not valid YAML: %s", parser->problem);
    else if (!at_begin && parser->context_mark.line != parser->problem_mark.line)
        diag = hl_diag_error(diags, place.at, "not valid YAML: %s, %s that began on line %zu", parser->problem, parser->context, parser->context_mark.line + 1);
    else
        diag = hl_diag_error(diags, place.at, "not valid YAML: %s, %s", parser->problem, parser->context);
    hint = hint_for(parser, &place);
    if (hint != NULL)
        hl_diag_hint(diags, diag, "%s", hint);
}
