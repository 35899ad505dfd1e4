/* Env files as compose reads them: KEY=value lines, quotes, comments, `export `. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include <string.h>

/* One file being read. */
struct reader {
    struct hl_arena *arena;
    const char *at, *end;
    uint32_t line;
    const char *problem;
};

static bool fail(struct reader *reader, const char *problem)
{
    reader->problem = problem;
    return false;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

static void skip_line(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at != '\n')
        reader->at++;
}

static bool is_name(char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '_' ||
           character == '.' || character == '-';
}

/* In double quotes a backslash makes \n, \t, \r and keeps the next character; in single ones nothing is special. Both may span lines. */
static bool read_quoted(struct reader *reader, struct hl_text *out)
{
    const char quote = *reader->at++;

    for (; reader->at < reader->end && *reader->at != quote; reader->at++) {
        char character = *reader->at;
        if (character == '\n')
            reader->line++;
        if (character == '\\' && quote == '"' && reader->at + 1 < reader->end) {
            static const char from[] = "ntr";
            static const char to[] = "\n\t\r";
            const char next = *++reader->at;
            const char *known = next != '\0' ? strchr(from, next) : NULL;
            character = known != NULL ? to[known - from] : next;
        }
        hl_text_putc(out, character);
    }
    if (reader->at == reader->end)
        return fail(reader, "a quote is not closed");
    reader->at++;
    skip_blanks(reader);
    if (reader->at < reader->end && *reader->at != '\n' && *reader->at != '\r' && *reader->at != '#')
        return fail(reader, "there is something behind the closing quote");
    skip_line(reader);
    return true;
}

/* Up to the line's end or a comment (a '#' with a blank before it), without trailing blanks. */
static void read_plain(struct reader *reader, struct hl_text *out)
{
    const char *begin = reader->at;

    skip_line(reader);
    const char *stop = reader->at;
    for (const char *at = begin; at < stop; at++) {
        if (*at == '#' && (at == begin || at[-1] == ' ' || at[-1] == '\t')) {
            stop = at;
            break;
        }
    }
    while (stop > begin && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
        stop--;
    hl_text_append(out, begin, (size_t)(stop - begin));
}

static bool read_line(struct reader *reader, struct hl_value *map)
{
    hl_auto(text) struct hl_text value = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    skip_blanks(reader);
    if (reader->end - reader->at > 7 && memcmp(reader->at, "export ", 7) == 0) {
        reader->at += 7;
        skip_blanks(reader);
    }
    const char *begin = reader->at;
    while (reader->at < reader->end && is_name(*reader->at))
        reader->at++;
    const char *key = hl_arena_copy(reader->arena, begin, (size_t)(reader->at - begin));
    skip_blanks(reader);
    const bool ends = reader->at == reader->end || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '#';
    if (*key == '\0' && ends) {
        skip_line(reader);
        return true;
    }
    if (*key == '\0' || (!ends && *reader->at != '='))
        return fail(reader, "a line must be KEY=value");
    if (ends) {
        skip_line(reader);
        hl_value_map_put(map, key, hl_value_null(reader->arena));
        return true;
    }
    reader->at++;
    skip_blanks(reader);
    if (reader->at < reader->end && (*reader->at == '"' || *reader->at == '\'')) {
        if (!read_quoted(reader, &value))
            return false;
    } else {
        read_plain(reader, &value);
    }
    hl_value_map_put(map, key, hl_value_bytes(reader->arena, hl_text_get(&value), value.length));
    return true;
}

bool hl_env_file_parse(struct hl_arena *arena, const char *text, size_t length, struct hl_value *map, const char **problem, uint32_t *line)
{
    struct reader reader = {.arena = arena, .at = text, .end = text + length, .line = 1};

    while (reader.at < reader.end) {
        *line = reader.line;
        if (!read_line(&reader, map)) {
            *problem = reader.problem;
            return false;
        }
        reader.at += reader.at < reader.end; /* the line's end */
        reader.line++;
    }
    return true;
}
