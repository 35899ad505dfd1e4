#include "config.h"

#include "tests/unit/local/readers.h"

#include <ctype.h>
#include <string.h>

static bool is_key(const char *data, size_t length, const char *key)
{
    return length == strlen(key) && memcmp(data, key, length) == 0;
}

/* docker/cli pkg/kvfile: a line is a line; blanks on its left go, nothing else; '#' begins a comment only there. */
bool model_docker(const char *file, size_t length, const char *key, struct hl_text *out)
{
    const char *end = file + length;
    bool found = false;

    for (const char *at = file; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop != NULL ? stop + 1 : end;
        stop = stop != NULL ? stop : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        while (at < stop && isspace((unsigned char)*at))
            at++;
        const char *equals = at < stop ? memchr(at, '=', (size_t)(stop - at)) : NULL;
        if (at < stop && *at != '#' && equals != NULL && is_key(at, (size_t)(equals - at), key)) {
            hl_text_reset(out);
            hl_text_append(out, equals + 1, (size_t)(stop - equals - 1));
            found = true;
        }
        at = next;
    }
    return found;
}

/* compose-go dotenv: CRLF becomes LF; a value in quotes may hold line breaks; bare, " #" ends it, blanks around it go and '$' is expanded (here: refused).
 * Single quotes: only \' is an escape. */
static const char *compose_value(const char *at, const char *end, struct hl_text *out, bool *fine)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at < end && (*at == '\'' || *at == '"')) {
        const char quote = *at++;
        for (; at < end && *at != quote; at++) {
            if (*at == '\\' && at + 1 < end && (quote == '"' || at[1] == '\'')) {
                *fine = *fine && quote == '\'';
                at++;
            }
            *fine = *fine && !(quote == '"' && *at == '$');
            hl_text_putc(out, *at);
        }
        *fine = *fine && at < end;
        while (at < end && *at != '\n')
            at++;
        return at;
    }
    const char *start = at;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop != NULL ? stop : end;
    const char *next = stop;
    for (const char *look = start; look + 1 < stop; look++) {
        if (look[0] == ' ' && look[1] == '#') {
            stop = look;
            break;
        }
    }
    while (stop > start && isspace((unsigned char)stop[-1]))
        stop--;
    *fine = *fine && memchr(start, '$', (size_t)(stop - start)) == NULL;
    hl_text_append(out, start, (size_t)(stop - start));
    return next;
}

bool model_compose(const char *file, size_t length, const char *key, struct hl_text *out)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(HL_MAX_OUTPUT);
    bool found = false;
    bool fine = true;

    for (size_t i = 0; i < length; i++) {
        if (!(file[i] == '\r' && i + 1 < length && file[i + 1] == '\n'))
            hl_text_putc(&plain, file[i]);
    }
    const char *end = hl_text_get(&plain) + plain.length;
    for (const char *at = hl_text_get(&plain); at < end;) {
        hl_auto(text) struct hl_text value = HL_TEXT_INIT(HL_MAX_OUTPUT);
        while (at < end && isspace((unsigned char)*at))
            at++;
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        stop = stop != NULL ? stop : end;
        const char *equals = at < stop ? memchr(at, '=', (size_t)(stop - at)) : NULL;
        if (at >= end || *at == '#' || equals == NULL) {
            at = stop;
            continue;
        }
        const bool ours = is_key(at, (size_t)(equals - at), key);
        bool readable = true;
        at = compose_value(equals + 1, end, &value, &readable);
        if (ours) {
            hl_text_reset(out);
            hl_text_append(out, hl_text_get(&value), value.length);
            found = true;
            fine = readable;
        }
    }
    return found && fine;
}

/* systemd src/basic/env-file.c: one character at a time. */
enum state { PRE_KEY, KEY, PRE_VALUE, VALUE, VALUE_ESCAPE, SINGLE, DOUBLE, DOUBLE_ESCAPE, COMMENT };

struct parser {
    enum state state;
    struct hl_text key, value;
    size_t blanks; /* at the end of the value, outside quotes */
    const char *wanted;
    struct hl_text *out;
    bool found;
};

static void push(struct parser *parser)
{
    parser->value.length -= parser->blanks;
    if (is_key(hl_text_get(&parser->key), parser->key.length, parser->wanted)) {
        hl_text_reset(parser->out);
        hl_text_append(parser->out, hl_text_get(&parser->value), parser->value.length);
        parser->found = true;
    }
    hl_text_reset(&parser->key);
    hl_text_reset(&parser->value);
    parser->blanks = 0;
    parser->state = PRE_KEY;
}

static void add(struct parser *parser, char character, bool blank)
{
    hl_text_putc(&parser->value, character);
    parser->blanks = blank ? parser->blanks + 1 : 0;
}

static void step(struct parser *parser, char character)
{
    const bool line_end = character == '\n' || character == '\r';
    const bool blank = character == ' ' || character == '\t';

    switch (parser->state) {
    case PRE_KEY:
        if (character == '#' || character == ';') {
            parser->state = COMMENT;
        } else if (!blank && !line_end) {
            parser->state = KEY;
            hl_text_putc(&parser->key, character);
        }
        break;
    case KEY:
        if (line_end) {
            hl_text_reset(&parser->key);
            parser->state = PRE_KEY;
        } else if (character == '=') {
            parser->state = PRE_VALUE;
        } else {
            hl_text_putc(&parser->key, character);
        }
        break;
    case PRE_VALUE:
    case VALUE:
        if (line_end) {
            push(parser);
        } else if (character == '\'' && parser->state == PRE_VALUE) {
            parser->state = SINGLE;
        } else if (character == '"' && parser->state == PRE_VALUE) {
            parser->state = DOUBLE;
        } else if (character == '\\') {
            parser->state = VALUE_ESCAPE;
        } else if (!blank || parser->state == VALUE) {
            parser->state = VALUE;
            add(parser, character, blank);
        }
        break;
    case VALUE_ESCAPE:
        parser->state = VALUE;
        if (!line_end)
            add(parser, character, false);
        break;
    case SINGLE:
        if (character == '\'')
            parser->state = PRE_VALUE;
        else
            add(parser, character, false);
        break;
    case DOUBLE:
        if (character == '"')
            parser->state = PRE_VALUE;
        else if (character == '\\')
            parser->state = DOUBLE_ESCAPE;
        else
            add(parser, character, false);
        break;
    case DOUBLE_ESCAPE:
        parser->state = DOUBLE;
        if (strchr("\"\\`$", character) == NULL)
            add(parser, '\\', false);
        if (character != '\n')
            add(parser, character, false);
        break;
    case COMMENT:
        if (line_end)
            parser->state = PRE_KEY;
        break;
    }
}

bool model_systemd(const char *file, size_t length, const char *key, struct hl_text *out)
{
    struct parser parser = {.state = PRE_KEY, .key = HL_TEXT_INIT(HL_MAX_OUTPUT), .value = HL_TEXT_INIT(HL_MAX_OUTPUT), .wanted = key, .out = out};

    for (size_t i = 0; i < length; i++)
        step(&parser, file[i]);
    if (parser.state != PRE_KEY && parser.state != KEY && parser.state != COMMENT)
        push(&parser);
    hl_text_clear(&parser.key);
    hl_text_clear(&parser.value);
    return parser.found;
}
